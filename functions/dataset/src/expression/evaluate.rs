//! Runs a plan over the columns of one segment.
//!
//! A conjunction narrows one mask, part by part, so that later parts look only at blocks in which somebody is left; a disjunction gives
//! each part only the rows that no earlier part took. Per segment a few small lists are made (codes of wanted words, masks of
//! disjunctions); per row nothing is.
//!
//! Invariant: the answer has exactly the rows for which the plan is true; a column of another kind or length than its schema says is an error,
//! never a wrong answer.

use super::bound::{BoundTerm, Predicate, WordTest};
use super::kernel::{Wanted, known, retain};
use super::plan::Plan;
use crate::bitmap::Bitmap;
use crate::column::{CodeSlice, ColumnData, ScoreSlice};
use crate::{with_codes, with_integers};

/// Why a plan cannot be run on what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// A column that [`Plan::columns`] names was not given.
    #[error("the column at place {0} was not read")]
    Missing(usize),
    /// A column is of another kind or length than its segment and schema say.
    #[error("the column at place {0} is not of the kind or length of its schema")]
    Shape(usize),
}

/// The rows of a segment that `plan` selects. `column` gives the columns of the segment by their places.
///
/// # Errors
/// [`EvaluateError`] when a column is not there or not as described.
pub fn select<'c>(
    plan: &Plan,
    rows: usize,
    column: &dyn Fn(usize) -> Option<&'c ColumnData>,
) -> Result<Bitmap, EvaluateError> {
    let mut mask = Bitmap::ones(rows);
    narrow(plan, &mut mask, column)?;
    Ok(mask)
}

/// Keeps of `mask` the rows that `plan` selects.
///
/// # Errors
/// As [`select`].
pub fn narrow<'c>(
    plan: &Plan,
    mask: &mut Bitmap,
    column: &dyn Fn(usize) -> Option<&'c ColumnData>,
) -> Result<(), EvaluateError> {
    match plan {
        Plan::Everybody => Ok(()),
        Plan::Nobody => {
            mask.words_mut().fill(0);
            Ok(())
        }
        Plan::All(parts) => {
            for part in parts {
                narrow(part, mask, column)?;
                if is_empty(mask) {
                    return Ok(());
                }
            }
            Ok(())
        }
        Plan::Any(parts) => {
            let mut left = mask.clone();
            for part in parts {
                let mut taken = left.clone();
                narrow(part, &mut taken, column)?;
                left.and_not_with(&taken);
                if is_empty(&left) {
                    return Ok(());
                }
            }
            mask.and_not_with(&left);
            Ok(())
        }
        Plan::Term(term) => {
            let data = column(term.column).ok_or(EvaluateError::Missing(term.column))?;
            if data.rows() != mask.len() {
                return Err(EvaluateError::Shape(term.column));
            }
            narrow_by_term(term, data, mask)
        }
    }
}

fn is_empty(mask: &Bitmap) -> bool {
    mask.words().iter().all(|word| *word == 0)
}

fn narrow_by_term(
    term: &BoundTerm,
    data: &ColumnData,
    mask: &mut Bitmap,
) -> Result<(), EvaluateError> {
    match (&term.predicate, data) {
        (Predicate::Known, data) => known(data.validity(), mask),
        (Predicate::Null, data) => match data.validity() {
            Some(validity) => mask.and_not_with(validity),
            None => mask.words_mut().fill(0),
        },
        (Predicate::Range { low, high, inside }, ColumnData::Integers { values, validity }) => {
            with_integers!(values, |values| Wanted::range(*low, *high).retain(
                values,
                validity.as_ref(),
                mask,
                *inside
            ));
        }
        (Predicate::Range { low, high, inside }, ColumnData::Dates { values, validity }) => {
            Wanted::range(*low, *high).retain(values, validity.as_ref(), mask, *inside);
        }
        (
            Predicate::Set {
                values: wanted,
                inside,
            },
            ColumnData::Integers { values, validity },
        ) => {
            with_integers!(values, |values| Wanted::list(wanted).retain(
                values,
                validity.as_ref(),
                mask,
                *inside
            ));
        }
        (
            Predicate::Set {
                values: wanted,
                inside,
            },
            ColumnData::Dates { values, validity },
        ) => {
            Wanted::list(wanted).retain(values, validity.as_ref(), mask, *inside);
        }
        (
            Predicate::Words { test, inside },
            ColumnData::Words {
                codes,
                words,
                validity,
            },
        ) => {
            narrow_by_words(test, *inside, codes, words, validity.as_ref(), mask);
        }
        (Predicate::Flag(wanted), ColumnData::Flags { values, validity }) => {
            known(validity.as_ref(), mask);
            if *wanted {
                mask.and_with(values);
            } else {
                mask.and_not_with(values);
            }
        }
        (Predicate::ScoreRange { low, high, inside }, ColumnData::Scores { values, validity }) => {
            let (low, high, inside) = (*low, *high, *inside);
            let test = |value: f64| (value >= low && value <= high) == inside;
            match values {
                ScoreSlice::F32(values) => {
                    retain(values, validity.as_ref(), mask, |value| test(value.into()))
                }
                ScoreSlice::F64(values) => retain(values, validity.as_ref(), mask, test),
            }
        }
        (
            Predicate::ScoreSet {
                values: wanted,
                inside,
            },
            ColumnData::Scores { values, validity },
        ) => {
            let test = |value: f64| wanted.contains(&value) == *inside;
            match values {
                ScoreSlice::F32(values) => {
                    retain(values, validity.as_ref(), mask, |value| test(value.into()))
                }
                ScoreSlice::F64(values) => retain(values, validity.as_ref(), mask, test),
            }
        }
        _ => return Err(EvaluateError::Shape(term.column)),
    }
    Ok(())
}

/// Words become codes of this segment once; codes ascend as the words do, so a beginning is one stretch of codes.
fn narrow_by_words(
    test: &WordTest,
    inside: bool,
    codes: &CodeSlice,
    words: &[String],
    validity: Option<&Bitmap>,
    mask: &mut Bitmap,
) {
    let place = |place: usize| i64::try_from(place).unwrap_or(i64::MAX);
    match test {
        WordTest::OneOf(wanted) => {
            let found = wanted
                .iter()
                .filter_map(|word| words.binary_search(word).ok());
            let found: Vec<i64> = found.map(place).collect();
            with_codes!(codes, |codes| Wanted::list(&found)
                .retain(codes, validity, mask, inside));
        }
        WordTest::StartsWith(beginning) => {
            let begin = words.partition_point(|word| word.as_str() < beginning.as_str());
            let length = words
                .iter()
                .skip(begin)
                .take_while(|word| word.starts_with(beginning.as_str()))
                .count();
            let stretch = (place(begin), place(begin + length) - 1);
            with_codes!(codes, |codes| Wanted::range(stretch.0, stretch.1)
                .retain(codes, validity, mask, inside));
        }
        WordTest::Contains(part) => {
            let with_part = words
                .iter()
                .enumerate()
                .filter(|(_, word)| word.contains(part.as_str()));
            let found: Vec<i64> = with_part.map(|(code, _)| place(code)).collect();
            with_codes!(codes, |codes| Wanted::list(&found)
                .retain(codes, validity, mask, inside));
        }
    }
}
