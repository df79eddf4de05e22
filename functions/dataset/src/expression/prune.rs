//! What a segment's statistics say of a predicate before the column is read.
//!
//! Invariant: [`Verdict::All`] and [`Verdict::None`] are certain; where statistics are missing or odd the verdict is [`Verdict::Some`].

use super::bound::{Predicate, WordTest};
use crate::statistics::ColumnStatistics;
use crate::value::Value;

/// For how many rows of a segment a predicate is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// For all of them.
    All,
    /// For none.
    None,
    /// For some, or it cannot be told.
    Some,
}

impl Verdict {
    fn of(none: bool, all: bool) -> Self {
        match (none, all) {
            (true, _) => Self::None,
            (false, true) => Self::All,
            (false, false) => Self::Some,
        }
    }
}

/// The verdict on `predicate` in a segment with these statistics.
#[must_use]
pub fn verdict(predicate: &Predicate, statistics: &ColumnStatistics) -> Verdict {
    let (complete, empty) = (statistics.nulls == 0, statistics.nulls == statistics.rows);
    match predicate {
        Predicate::Known => Verdict::of(empty, complete),
        Predicate::Null => Verdict::of(complete, empty),
        // Without any value nothing is true.
        _ if empty => Verdict::None,
        _ => match (&statistics.min, &statistics.max) {
            (Some(min), Some(max)) => {
                let (never, always) = among(predicate, min, max);
                Verdict::of(never, always && complete)
            }
            _ => Verdict::Some,
        },
    }
}

/// Whether the predicate is true for no value, and for every value, from `min` to `max`.
fn among(predicate: &Predicate, min: &Value, max: &Value) -> (bool, bool) {
    let sides = |inside: bool, outside_of: bool, within: bool| {
        if inside {
            (outside_of, within)
        } else {
            (within, outside_of)
        }
    };
    match (predicate, whole(min), whole(max)) {
        (Predicate::Range { low, high, inside }, Some(min), Some(max)) => sides(
            *inside,
            max < *low || min > *high || low > high,
            min >= *low && max <= *high,
        ),
        (Predicate::Set { values, inside }, Some(min), Some(max)) => {
            let next = values.get(values.partition_point(|value| *value < min));
            sides(
                *inside,
                next.is_none_or(|next| *next > max),
                min == max && next == Some(&min),
            )
        }
        _ => match (predicate, min, max) {
            (Predicate::Flag(wanted), Value::Flag(min), Value::Flag(max)) => {
                (min == max && min != wanted, min == max && min == wanted)
            }
            (Predicate::Words { test, inside }, Value::Word(min), Value::Word(max)) => {
                let (outside_of, within) = words_among(test, min, max);
                sides(*inside, outside_of, within)
            }
            (Predicate::ScoreRange { low, high, inside }, Value::Score(min), Value::Score(max)) => {
                // Scores are finite; were one no number, every comparison here would be false and the segment would be read.
                sides(*inside, max < low || min > high, min >= low && max <= high)
            }
            _ => (false, false),
        },
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value),
        Value::Date(days) => Some((*days).into()),
        Value::Word(_) | Value::Score(_) | Value::Flag(_) | Value::Identity(_) => None,
    }
}

fn words_among(test: &WordTest, min: &str, max: &str) -> (bool, bool) {
    match test {
        WordTest::OneOf(words) => {
            let next = words.get(words.partition_point(|word| word.as_str() < min));
            (
                next.is_none_or(|next| next.as_str() > max),
                min == max && next.is_some_and(|next| next == min),
            )
        }
        WordTest::StartsWith(beginning) => {
            // Words with one beginning stand together: they lie from the beginning itself on.
            let head = |word: &str| {
                word.as_bytes()
                    .get(..beginning.len())
                    .unwrap_or(word.as_bytes())
                    .to_vec()
            };
            let before = max.as_bytes() < beginning.as_bytes();
            let after = head(min).as_slice() > beginning.as_bytes();
            (
                before || after,
                min.starts_with(beginning.as_str()) && max.starts_with(beginning.as_str()),
            )
        }
        WordTest::Contains(part) => (false, min == max && min.contains(part.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(nulls: u64, min: Value, max: Value) -> ColumnStatistics {
        ColumnStatistics {
            rows: 10,
            nulls,
            distinct: 2,
            distinct_is_exact: true,
            min: Some(min),
            max: Some(max),
        }
    }

    fn range(low: i64, high: i64, inside: bool) -> Predicate {
        Predicate::Range { low, high, inside }
    }

    #[test]
    fn ranges_are_judged_by_their_ends() {
        let table = [
            (range(20, 30, true), 0, Verdict::None),
            (range(0, 4, true), 0, Verdict::None),
            (range(5, 15, true), 0, Verdict::All),
            (range(5, 15, true), 1, Verdict::Some),
            (range(6, 15, true), 0, Verdict::Some),
            (range(20, 30, false), 0, Verdict::All),
            (range(5, 15, false), 0, Verdict::None),
            (
                Predicate::Set {
                    values: vec![1, 16],
                    inside: true,
                },
                0,
                Verdict::None,
            ),
            (
                Predicate::Set {
                    values: vec![1, 16],
                    inside: false,
                },
                0,
                Verdict::All,
            ),
            (
                Predicate::Set {
                    values: vec![1, 9],
                    inside: true,
                },
                0,
                Verdict::Some,
            ),
            (Predicate::Known, 0, Verdict::All),
            (Predicate::Known, 10, Verdict::None),
            (Predicate::Null, 3, Verdict::Some),
            (range(5, 15, true), 10, Verdict::None),
        ];
        for (predicate, nulls, expected) in table {
            let known = statistics(nulls, Value::Integer(5), Value::Integer(15));
            assert_eq!(
                verdict(&predicate, &known),
                expected,
                "{predicate:?} {nulls}"
            );
        }
    }

    #[test]
    fn words_are_judged_by_their_order() {
        let words = |test, inside| Predicate::Words { test, inside };
        let one_of =
            |words: &[&str]| WordTest::OneOf(words.iter().map(|word| (*word).to_owned()).collect());
        let begins = |text: &str| WordTest::StartsWith(text.to_owned());
        let table = [
            (words(one_of(&["a"]), true), Verdict::None),
            (words(one_of(&["a"]), false), Verdict::All),
            (words(one_of(&["ck"]), true), Verdict::Some),
            (words(begins("c"), true), Verdict::All),
            (words(begins("d"), true), Verdict::None),
            (words(begins("b"), true), Verdict::None),
            (words(begins("ck"), true), Verdict::Some),
            (words(begins("cat"), true), Verdict::Some),
            (
                words(WordTest::Contains("q".to_owned()), true),
                Verdict::Some,
            ),
        ];
        for (predicate, expected) in table {
            let known = statistics(
                0,
                Value::Word("ca".to_owned()),
                Value::Word("cz".to_owned()),
            );
            assert_eq!(verdict(&predicate, &known), expected, "{predicate:?}");
        }
    }

    #[test]
    fn a_score_that_is_no_number_decides_nothing() {
        let predicate = Predicate::ScoreRange {
            low: 0.5,
            high: 1.0,
            inside: true,
        };
        assert_eq!(
            verdict(
                &predicate,
                &statistics(0, Value::Score(f64::NAN), Value::Score(f64::NAN))
            ),
            Verdict::Some
        );
        assert_eq!(
            verdict(
                &predicate,
                &statistics(0, Value::Score(0.1), Value::Score(0.2))
            ),
            Verdict::None
        );
        assert_eq!(
            verdict(
                &predicate,
                &statistics(0, Value::Score(0.6), Value::Score(0.7))
            ),
            Verdict::All
        );
    }
}
