//! Columns through their Arrow form and back.

use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::column::builder::{ColumnBuilder, PushError};
use chudian_dataset::column::{CodeSlice, ColumnData, DecodeError, EncodeError, IntegerSlice};
use chudian_dataset::schema::{Column, Kind};
use chudian_dataset::value::Value;
use proptest::prelude::*;

use crate::rows::{KINDS, any_rows, built, column_of, name, unbuilt};

proptest! {
    /// Goal: whatever the rows, they come back value by value, and so do the very bytes.
    #[test]
    fn rows_come_back((kind, rows) in any_rows(0..300_usize)) {
        let column = column_of(kind);
        let data = built(kind, &rows);
        prop_assert!(data.is_of(kind));
        prop_assert_eq!(unbuilt(&data), rows.clone());
        let bytes = data.encode(&column.name).unwrap();
        let again = ColumnData::decode(bytes.clone(), &column).unwrap();
        prop_assert_eq!(&again, &data);
        prop_assert_eq!(again.encode(&column.name).unwrap(), bytes);
        // A column without a gap says so by having no validity.
        prop_assert_eq!(data.validity().is_none(), rows.iter().all(Option::is_some));
    }

    /// Goal: a column never decodes under another kind, but for money and integers, which look alike.
    #[test]
    fn another_kind_is_refused((kind, rows) in any_rows(1..20_usize), other in prop::sample::select(KINDS.to_vec())) {
        let bytes = built(kind, &rows).encode(&name("id")).unwrap();
        let column = Column::new(name("id"), other);
        let alike = |kind| if kind == Kind::Money { Kind::Integer } else { kind };
        let decoded = ColumnData::decode(bytes, &column);
        if alike(kind) == alike(other) {
            prop_assert!(decoded.is_ok());
        } else {
            prop_assert_eq!(decoded.unwrap_err(), DecodeError::OtherType(other));
        }
    }

    /// Goal: an upload may lie anywhere in memory.
    #[test]
    fn bytes_at_any_address_are_read((kind, rows) in any_rows(1..40_usize), shift in 0_usize..9) {
        let column = column_of(kind);
        let data = built(kind, &rows);
        let bytes = data.encode(&column.name).unwrap();
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(&bytes);
        shifted.drain(..shift);
        prop_assert_eq!(ColumnData::decode(shifted, &column).unwrap(), data);
    }
}

/// Goal: numbers take the narrowest type, at both ends of each.
#[test]
fn numbers_are_narrowed_at_the_edges() {
    let width = |values: &[i64]| {
        let rows: Vec<Option<Value>> = values
            .iter()
            .map(|value| Some(Value::Integer(*value)))
            .collect();
        let ColumnData::Integers { values, .. } = built(Kind::Integer, &rows) else {
            return "none";
        };
        match values {
            IntegerSlice::I8(_) => "i8",
            IntegerSlice::I16(_) => "i16",
            IntegerSlice::I32(_) => "i32",
            IntegerSlice::I64(_) => "i64",
            IntegerSlice::U8(_) => "u8",
            IntegerSlice::U16(_) => "u16",
            IntegerSlice::U32(_) => "u32",
        }
    };
    let table: [(&[i64], &str); 14] = [
        (&[], "u8"),
        (&[0, 255], "u8"),
        (&[-1, 127], "i8"),
        (&[-128], "i8"),
        (&[-1, 128], "i16"),
        (&[256], "u16"),
        (&[65_535], "u16"),
        (&[-32_768, 32_767], "i16"),
        (&[65_536], "u32"),
        (&[-1, 65_536], "i32"),
        (&[u32::MAX.into()], "u32"),
        (&[i64::from(u32::MAX) + 1], "i64"),
        (&[i32::MIN.into(), i32::MAX.into()], "i32"),
        (&[i64::MIN, i64::MAX], "i64"),
    ];
    for (values, expected) in table {
        assert_eq!(width(values), expected, "{values:?}");
    }
}

#[test]
fn codes_are_narrowed_at_the_edges_and_ascend_as_words_do() {
    for (count, expected) in [
        (256_usize, "u8"),
        (257, "u16"),
        (65_536, "u16"),
        (65_537, "u32"),
    ] {
        let rows: Vec<Option<Value>> = (0..count)
            .rev()
            .map(|number| Some(Value::Word(format!("{number:06}"))))
            .collect();
        let data = built(Kind::Word, &rows);
        let ColumnData::Words { codes, words, .. } = &data else {
            unreachable!("words stay words")
        };
        let found = match codes {
            CodeSlice::U8(_) => "u8",
            CodeSlice::U16(_) => "u16",
            CodeSlice::U32(_) => "u32",
        };
        assert_eq!(found, expected, "{count}");
        assert!(
            words
                .iter()
                .zip(words.iter().skip(1))
                .all(|(one, next)| one < next)
        );
        let column = column_of(Kind::Word);
        assert_eq!(
            ColumnData::decode(data.encode(&column.name).unwrap(), &column).unwrap(),
            data
        );
    }
}

/// Goal: a whole segment of the widest values passes, one row more does not.
#[test]
fn a_segment_is_full_at_its_limit() {
    let column = column_of(Kind::Integer);
    let mut builder = ColumnBuilder::new(Kind::Integer);
    for row in 0..SEGMENT_ROWS {
        builder.push_integer(i64::MAX - row as i64).unwrap();
    }
    let data = builder.finish();
    let bytes = data.encode(&column.name).unwrap();
    assert!(
        bytes.len() < SEGMENT_ROWS * 8 + 2048,
        "values are kept once: {}",
        bytes.len()
    );
    assert_eq!(ColumnData::decode(bytes, &column).unwrap(), data);
    let mut builder = ColumnBuilder::new(Kind::Flag);
    (0..=SEGMENT_ROWS).for_each(|_| builder.push_flag(true).unwrap());
    assert_eq!(
        builder.finish().encode(&column.name),
        Err(EncodeError::TooManyRows)
    );
}

#[test]
fn a_builder_refuses_what_is_no_value_of_its_kind() {
    let mut words = ColumnBuilder::new(Kind::Word);
    assert_eq!(words.push_integer(1), Err(PushError::OtherKind));
    assert_eq!(
        words.push_word(&"x".repeat(257)),
        Err(PushError::WordTooLong)
    );
    let mut scores = ColumnBuilder::new(Kind::Score);
    assert_eq!(scores.push_score(f64::NAN), Err(PushError::Score));
    assert_eq!(
        ColumnBuilder::new(Kind::Identity).push_null(),
        Err(PushError::NullIdentity)
    );
    assert_eq!((words.rows(), scores.rows()), (0, 0));
}
