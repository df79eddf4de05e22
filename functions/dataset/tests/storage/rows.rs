//! Random rows of every kind, with every pattern of missing values.

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::schema::{Column, ColumnName, Kind};
use chudian_dataset::value::Value;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use proptest::prelude::*;

pub(crate) const KINDS: [Kind; 7] = [
    Kind::Word,
    Kind::Integer,
    Kind::Money,
    Kind::Score,
    Kind::Flag,
    Kind::Date,
    Kind::Identity,
];

pub(crate) fn name(text: &str) -> ColumnName {
    ColumnName::new(text).unwrap()
}

/// A column of `kind` with a name that its kind may have.
pub(crate) fn column_of(kind: Kind) -> Column {
    Column::new(name(if kind == Kind::Identity { "id" } else { "a" }), kind)
}

/// One value of a kind; the widths of integers occur alike.
pub(crate) fn value_of(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Word => prop_oneof![
            prop::sample::select(vec!["", "#03", "动感地带", "全球通", "a"])
                .prop_map(|word| Value::Word(word.to_owned())),
            "[a-z一-龥]{0,6}".prop_map(Value::Word),
        ]
        .boxed(),
        Kind::Integer | Kind::Money => (0_u32..64, any::<i64>())
            .prop_map(|(shift, bits)| Value::Integer(bits >> shift))
            .boxed(),
        Kind::Score => prop_oneof![
            (-1000_i32..1000).prop_map(|tenth| f64::from(tenth) / 8.0),
            -1e300_f64..1e300
        ]
        .prop_map(Value::Score)
        .boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
        Kind::Date => (-800_000_i32..3_000_000).prop_map(Value::Date).boxed(),
        Kind::Identity => any::<[u8; 16]>()
            .prop_map(|bytes| Value::Identity(CustomerPseudonym(bytes)))
            .boxed(),
    }
}

/// Rows of one kind: none missing, some, most, or all.
pub(crate) fn rows_of(
    kind: Kind,
    count: impl Into<prop::collection::SizeRange>,
) -> BoxedStrategy<Vec<Option<Value>>> {
    let missing = if kind == Kind::Identity {
        Just(0.0).boxed()
    } else {
        prop::sample::select(vec![0.0, 0.1, 0.9, 1.0]).boxed()
    };
    let count = count.into();
    missing
        .prop_flat_map(move |share| {
            prop::collection::vec(
                (prop::bool::weighted(1.0 - share), value_of(kind)),
                count.clone(),
            )
        })
        .prop_map(|rows| {
            rows.into_iter()
                .map(|(there, value)| there.then_some(value))
                .collect()
        })
        .boxed()
}

/// A kind with rows of it.
pub(crate) fn any_rows(
    count: impl Into<prop::collection::SizeRange> + Clone + 'static,
) -> BoxedStrategy<(Kind, Vec<Option<Value>>)> {
    prop::sample::select(KINDS.to_vec())
        .prop_flat_map(move |kind| (Just(kind), rows_of(kind, count.clone())))
        .boxed()
}

pub(crate) fn built(kind: Kind, rows: &[Option<Value>]) -> ColumnData {
    let mut builder = ColumnBuilder::new(kind);
    rows.iter()
        .for_each(|value| builder.push(value.as_ref()).unwrap());
    assert_eq!(builder.rows(), rows.len());
    builder.finish()
}

/// The values of a column, row by row.
pub(crate) fn unbuilt(column: &ColumnData) -> Vec<Option<Value>> {
    (0..column.rows()).map(|row| column.value(row)).collect()
}
