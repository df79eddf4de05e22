//! Statistics against a slow computation of their own, whole and merged.

use chudian_dataset::schema::Kind;
use chudian_dataset::statistics::{ColumnStatistics, ColumnSummary, SKETCH_HASHES};
use chudian_dataset::value::Value;
use chudian_dataset::wire::{read_summary, write_summary};
use proptest::prelude::*;

use crate::rows::{any_rows, built};

/// The statistics, value by value from the rows themselves.
fn slowly(rows: &[Option<Value>]) -> (u64, u64, Vec<Value>, Option<Value>, Option<Value>) {
    let mut distinct: Vec<Value> = Vec::new();
    let (mut min, mut max): (Option<Value>, Option<Value>) = (None, None);
    for value in rows.iter().flatten() {
        if !distinct.contains(value) {
            distinct.push(value.clone());
        }
        if min.as_ref().is_none_or(|min| value.is_before(min)) {
            min = Some(value.clone());
        }
        if max.as_ref().is_none_or(|max| max.is_before(value)) {
            max = Some(value.clone());
        }
    }
    (
        rows.len() as u64,
        rows.iter().filter(|row| row.is_none()).count() as u64,
        distinct,
        min,
        max,
    )
}

fn agrees(statistics: &ColumnStatistics, rows: &[Option<Value>]) {
    let (count, nulls, distinct, min, max) = slowly(rows);
    assert_eq!((statistics.rows, statistics.nulls), (count, nulls));
    assert_eq!((&statistics.min, &statistics.max), (&min, &max));
    if statistics.distinct_is_exact {
        assert_eq!(statistics.distinct, distinct.len() as u64);
    } else {
        assert!(distinct.len() >= SKETCH_HASHES);
    }
}

proptest! {
    #[test]
    fn statistics_agree_with_a_slow_count((kind, rows) in any_rows(0..100_usize)) {
        agrees(&ColumnStatistics::of(&built(kind, &rows)), &rows);
    }

    /// Goal: segments in any order merge to what the whole says, also through what is stored of each.
    #[test]
    fn merged_segments_are_the_whole((kind, rows) in any_rows(0..300_usize), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(rows.len() + 1);
        let summary = |rows: &[Option<Value>]| {
            let stored = write_summary(&ColumnSummary::of(&built(kind, rows))).unwrap();
            read_summary(&stored).unwrap()
        };
        let (head, tail) = (summary(&rows[..cut]), summary(&rows[cut..]));
        let whole = ColumnSummary::of(&built(kind, &rows));
        for (first, second) in [(&head, &tail), (&tail, &head)] {
            let mut merged = ColumnSummary::default();
            merged.merge(first);
            merged.merge(second);
            prop_assert_eq!(merged.statistics(), whole.statistics());
            agrees(&merged.statistics(), &rows);
        }
    }
}

/// Goal: the estimate of distinct values stays within four standard errors, at every size.
#[test]
fn the_estimate_of_distinct_values_is_close() {
    for distinct in [127_u64, 128, 1_000, 20_000, 131_072] {
        let rows: Vec<Option<Value>> = (0..131_072_u64)
            .map(|row| Some(Value::Integer((row % distinct * 37).cast_signed())))
            .collect();
        let statistics = ColumnStatistics::of(&built(Kind::Integer, &rows));
        let off = statistics.distinct.abs_diff(distinct) as f64 / distinct as f64;
        assert!(off < 0.36, "{distinct}: {}", statistics.distinct);
        assert_eq!(
            statistics.distinct_is_exact,
            distinct < SKETCH_HASHES as u64
        );
        assert!(!statistics.distinct_is_exact || off == 0.0);
    }
}

#[test]
fn foreign_summaries_are_refused() {
    for text in [
        "",
        "{}",
        r#"{"rows":1,"nulls":0,"sketch":[2,1]}"#,
        r#"{"rows":1,"nulls":0,"sketch":[1,1]}"#,
    ] {
        assert!(read_summary(text.as_bytes()).is_err(), "{text}");
    }
    let long: Vec<String> = (0..=SKETCH_HASHES).map(|hash| hash.to_string()).collect();
    assert!(
        read_summary(format!(r#"{{"rows":1,"nulls":0,"sketch":[{}]}}"#, long.join(",")).as_bytes())
            .is_err()
    );
}
