//! Random tables: a column of every kind and of several widths, with and without nulls, in file order or sorted.

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::schema::{Column, ColumnName, Kind};
use chudian_dataset::value::Value;

use crate::generator::Random;

/// The day of every question: 2026-11-22.
pub(crate) const TODAY: i32 = 20_779;

/// Names and kinds; the name says what is special.
const COLUMNS: [(&str, Kind); 12] = [
    ("brand", Kind::Word),
    ("plan", Kind::Word),
    ("plain_word", Kind::Word),
    ("small", Kind::Integer),
    ("signed", Kind::Integer),
    ("wide", Kind::Integer),
    ("widest", Kind::Integer),
    ("never_known", Kind::Integer),
    ("arpu", Kind::Money),
    ("score", Kind::Score),
    ("flag", Kind::Flag),
    ("opened_on", Kind::Date),
];

pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Option<Value>>>,
    segment_rows: usize,
}

impl Table {
    pub(crate) fn random(random: &mut Random) -> Self {
        let columns: Vec<Column> = COLUMNS
            .iter()
            .map(|(name, kind)| Column::new(ColumnName::new(*name).unwrap(), *kind))
            .collect();
        let count = 150 + random.below(400);
        let mut rows: Vec<Vec<Option<Value>>> = (0..count)
            .map(|_| {
                COLUMNS
                    .iter()
                    .map(|(name, _)| value(random, name))
                    .collect()
            })
            .collect();
        if random.one_in(2) {
            let by = random.below(columns.len());
            rows.sort_by(|one, other| match (&one[by], &other[by]) {
                (Some(one), Some(other)) if one.is_before(other) => std::cmp::Ordering::Less,
                (Some(one), Some(other)) if other.is_before(one) => std::cmp::Ordering::Greater,
                (one, other) => one.is_some().cmp(&other.is_some()),
            });
        }
        Self {
            columns,
            rows,
            segment_rows: 60 + random.below(140),
        }
    }

    /// The segments' columns, each with the number of its first row.
    pub(crate) fn segments(&self) -> Vec<(Vec<ColumnData>, usize)> {
        let chunks = self.rows.chunks(self.segment_rows).enumerate();
        chunks
            .map(|(number, rows)| {
                (
                    (0..self.columns.len())
                        .map(|place| self.column(place, rows))
                        .collect(),
                    number * self.segment_rows,
                )
            })
            .collect()
    }

    fn column(&self, place: usize, rows: &[Vec<Option<Value>>]) -> ColumnData {
        let mut builder = ColumnBuilder::new(self.columns[place].kind);
        rows.iter()
            .for_each(|row| builder.push(row[place].as_ref()).unwrap());
        builder.finish()
    }
}

fn value(random: &mut Random, name: &str) -> Option<Value> {
    let nulls_one_in = match name {
        "plain_word" | "signed" => 0,
        "flag" => 3,
        _ => 8,
    };
    if nulls_one_in > 0 && random.one_in(nulls_one_in) || name == "never_known" {
        return None;
    }
    let word = |text: String| Some(Value::Word(text));
    match name {
        "brand" => word((*random.pick(&["mzone", "gotone", "easyown", "动感地带"])).to_owned()),
        "plan" => word(format!("p{:03}", random.below(300))),
        "plain_word" => word((*random.pick(&["a", "ab", "abc", "b", "", "m%_", "品"])).to_owned()),
        "small" => Some(Value::Integer(random.below(6) as i64)),
        "signed" => Some(Value::Integer(random.below(500) as i64 - 250)),
        "wide" => Some(Value::Integer(random.below(100_000) as i64)),
        "widest" => Some(Value::Integer(*random.pick(&[
            i64::MIN,
            i64::MAX,
            0,
            -1,
            1 << 40,
            5_000_000_000,
        ]))),
        "arpu" => Some(Value::Integer(random.below(30_000) as i64 - 1_000)),
        "score" => Some(Value::Score(random.below(1_001) as f64 / 1_000.0)),
        "flag" => Some(Value::Flag(random.one_in(2))),
        _ => Some(Value::Date(TODAY - random.below(800) as i32)),
    }
}
