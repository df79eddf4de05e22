//! How fast one core selects rows, natively: nanoseconds of a thousand rows for each kind of predicate, on one full segment that stays in the cache.
//!
//! `cargo run --release -p chudian-dataset --example kernel_speed`. The same loops inside a component are measured through HTTP by
//! `tests/bench/filter_against_duckdb.py`.

use std::time::Instant;

use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::{ColumnBuilder, PushError};
use chudian_dataset::expression::bound::{BoundTerm, Predicate, WordTest};
use chudian_dataset::expression::evaluate::{EvaluateError, select};
use chudian_dataset::expression::plan::Plan;
use chudian_dataset::schema::Kind;
use chudian_dataset::value::Value;

/// Passes over the segment of which the fastest counts: the others met something else on the machine.
const PASSES: usize = 200;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

fn column(kind: Kind, value: impl Fn(u64) -> Option<Value>) -> Result<ColumnData, PushError> {
    let mut builder = ColumnBuilder::new(kind);
    for row in 0..SEGMENT_ROWS as u64 {
        let draw = row
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(31)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            >> 20;
        builder.push(value(draw).as_ref())?;
    }
    Ok(builder.finish())
}

fn integers(below: u64, nulls: bool) -> Result<ColumnData, PushError> {
    column(Kind::Integer, |draw| {
        (!nulls || draw % 20 != 0)
            .then(|| Value::Integer(i64::try_from(draw % below).unwrap_or_default()))
    })
}

fn words(count: u64) -> Result<ColumnData, PushError> {
    column(Kind::Word, |draw| {
        Some(Value::Word(format!("w{:04}", draw % count)))
    })
}

fn main() -> Result<(), Failure> {
    let range = |high| Predicate::Range {
        low: 3,
        high,
        inside: true,
    };
    let one_of = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Predicate::Words {
            test: WordTest::OneOf(words),
            inside: true,
        }
    };
    let flags = column(Kind::Flag, |draw| Some(Value::Flag(draw % 3 == 0)))?;
    let scores = column(Kind::Score, |draw| {
        Some(Value::Score((draw % 1000) as f64 / 1000.0))
    })?;
    let table = [
        ("range, 1 byte", integers(200, false)?, range(120)),
        ("range, 1 byte, nulls", integers(200, true)?, range(120)),
        ("range, 2 bytes", integers(60_000, false)?, range(30_000)),
        (
            "range, 4 bytes",
            integers(4_000_000, false)?,
            range(2_000_000),
        ),
        (
            "range, 8 bytes",
            integers(40_000_000_000, false)?,
            range(20_000_000_000),
        ),
        (
            "set of 3, 2 bytes",
            integers(60_000, false)?,
            Predicate::Set {
                values: vec![5, 700, 30_000],
                inside: true,
            },
        ),
        (
            "set of 40, 2 bytes",
            integers(60_000, false)?,
            Predicate::Set {
                values: (0..40).map(|step| step * 777).collect(),
                inside: true,
            },
        ),
        ("one word of 20", words(20)?, one_of(&["w0007"])),
        (
            "four words of 20",
            words(20)?,
            one_of(&["w0003", "w0007", "w0011", "w0019"]),
        ),
        (
            "beginning, 5,000 words",
            words(5_000)?,
            Predicate::Words {
                test: WordTest::StartsWith("w12".to_owned()),
                inside: true,
            },
        ),
        ("flag", flags, Predicate::Flag(true)),
        (
            "score range",
            scores,
            Predicate::ScoreRange {
                low: 0.25,
                high: 0.5,
                inside: true,
            },
        ),
    ];
    for (name, data, predicate) in table {
        let plan = Plan::Term(BoundTerm {
            column: 0,
            predicate,
        });
        let mut fastest = f64::INFINITY;
        let mut selected = 0;
        for _ in 0..PASSES {
            let begun = Instant::now();
            selected = select(&plan, SEGMENT_ROWS, &|_| Some(&data))?.count();
            fastest = fastest.min(begun.elapsed().as_secs_f64());
        }
        let nanoseconds = fastest * 1e9 / (SEGMENT_ROWS as f64 / 1e3);
        println!("{name:<24} {nanoseconds:8.0} ns per 1,000 rows   {selected} selected");
    }
    Ok(())
}
