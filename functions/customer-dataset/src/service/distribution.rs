//! How the values of a column are spread: the most frequent words, or a histogram; small groups left out where the answer leaves
//! the department.
//!
//! The rows are taken segment by segment, those of one region alone where the reader sees only that. Bins have equal width between the
//! smallest and the largest value of the whole column, which the statistics know before the first row is read.

use std::collections::BTreeMap;

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::{ColumnData, ScoreSlice, widened};
use chudian_dataset::schema::Kind;
use chudian_dataset::statistics::ColumnStatistics;
use chudian_dataset::value::Value;
use chudian_dataset::{with_codes, with_integers};

use crate::limits::{SMALL_GROUP_MAX, WORDS_COUNTED_MAX, WORDS_SHOWN_MAX};
use crate::wire::{Group, GroupKind, value_json};

/// Why a column has no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistributionError {
    /// The identity: every value is one customer.
    #[error("the identity has no distribution")]
    Identity,
    /// More distinct words than can be counted apart.
    #[error("more than {WORDS_COUNTED_MAX} distinct words")]
    TooManyWords,
}

/// Counts as segments come in.
#[derive(Debug)]
pub struct Counter {
    counts: Counts,
    nulls: u64,
}

#[derive(Debug)]
enum Counts {
    Words(BTreeMap<String, u64>),
    Flags {
        no: u64,
        yes: u64,
    },
    Whole {
        bins: Vec<u64>,
        edges: Edges<i64>,
        kind: Kind,
    },
    Scores {
        bins: Vec<u64>,
        edges: Edges<f64>,
    },
    Nothing,
}

/// The smallest and the largest value.
#[derive(Clone, Copy, Debug)]
struct Edges<T> {
    min: T,
    max: T,
}

impl Counter {
    /// A counter for a column of `kind` whose values lie as `statistics` say, in `bins` bins where it has any.
    ///
    /// # Errors
    /// [`DistributionError::Identity`].
    pub fn new(
        kind: Kind,
        statistics: &ColumnStatistics,
        bins: u32,
    ) -> Result<Self, DistributionError> {
        let bins = usize::try_from(bins).unwrap_or(1).max(1);
        let whole = |min: i64, max: i64| {
            // Where there are fewer values than bins, each value is a bin.
            let values = max.abs_diff(min).saturating_add(1);
            let bins = bins.min(usize::try_from(values).unwrap_or(usize::MAX));
            Counts::Whole {
                bins: vec![0; bins],
                edges: Edges { min, max },
                kind,
            }
        };
        let counts = match (kind, &statistics.min, &statistics.max) {
            (Kind::Identity, ..) => return Err(DistributionError::Identity),
            (Kind::Word, ..) => Counts::Words(BTreeMap::new()),
            (Kind::Flag, ..) => Counts::Flags { no: 0, yes: 0 },
            (_, Some(Value::Integer(min)), Some(Value::Integer(max))) => whole(*min, *max),
            (_, Some(Value::Date(min)), Some(Value::Date(max))) => {
                whole((*min).into(), (*max).into())
            }
            (_, Some(Value::Score(min)), Some(Value::Score(max))) => {
                let bins = if min < max { bins } else { 1 };
                Counts::Scores {
                    bins: vec![0; bins],
                    edges: Edges {
                        min: *min,
                        max: *max,
                    },
                }
            }
            _ => Counts::Nothing,
        };
        Ok(Self { counts, nulls: 0 })
    }

    /// Counts one segment: all its rows, or those of `rows`.
    ///
    /// # Errors
    /// [`DistributionError::TooManyWords`].
    pub fn add(
        &mut self,
        column: &ColumnData,
        rows: Option<&Bitmap>,
    ) -> Result<(), DistributionError> {
        let asked = rows.map_or_else(|| Bitmap::ones(column.rows()), Clone::clone);
        let valid = match column.validity() {
            Some(validity) => asked.clone().and(validity),
            None => asked.clone(),
        };
        self.nulls += (asked.count() - valid.count()) as u64;
        match (&mut self.counts, column) {
            (Counts::Words(counts), ColumnData::Words { codes, words, .. }) => {
                let mut by_code = vec![0_u64; words.len()];
                with_codes!(codes, |codes| for row in valid.iter() {
                    if let Some(count) = codes
                        .get(row)
                        .and_then(|code| by_code.get_mut(*code as usize))
                    {
                        *count += 1;
                    }
                });
                for (word, count) in words.iter().zip(by_code).filter(|(_, count)| *count > 0) {
                    *counts.entry(word.clone()).or_default() += count;
                }
                if counts.len() > WORDS_COUNTED_MAX {
                    return Err(DistributionError::TooManyWords);
                }
            }
            (Counts::Flags { no, yes }, ColumnData::Flags { values, .. }) => {
                let said_yes = values.clone().and(&valid).count() as u64;
                *yes += said_yes;
                *no += valid.count() as u64 - said_yes;
            }
            (Counts::Whole { bins, edges, .. }, ColumnData::Integers { values, .. }) => {
                with_integers!(values, |values| for row in valid.iter() {
                    if let Some(value) = values.get(row) {
                        count_whole(bins, *edges, widened(*value));
                    }
                });
            }
            (Counts::Whole { bins, edges, .. }, ColumnData::Dates { values, .. }) => {
                valid
                    .iter()
                    .filter_map(|row| values.get(row))
                    .for_each(|days| count_whole(bins, *edges, (*days).into()));
            }
            (Counts::Scores { bins, edges }, ColumnData::Scores { values, .. }) => {
                let score = |row| match values {
                    ScoreSlice::F32(values) => values.get(row).map(|score| f64::from(*score)),
                    ScoreSlice::F64(values) => values.get(row).copied(),
                };
                valid
                    .iter()
                    .filter_map(score)
                    .for_each(|score| count_score(bins, *edges, score));
            }
            // A column without any value has no bins.
            _ => {}
        }
        Ok(())
    }

    /// The groups in their order: words by frequency, flags and bins by value, rows without value last.
    #[must_use]
    pub fn groups(self) -> Vec<Group> {
        let valued = |value: Value, count| Group {
            kind: GroupKind::Value,
            value: Some(value_json(Some(&value))),
            from: None,
            to: None,
            count,
        };
        let bin = |from: Value, to: Value, count| Group {
            kind: GroupKind::Bin,
            value: None,
            from: Some(value_json(Some(&from))),
            to: Some(value_json(Some(&to))),
            count,
        };
        let mut groups: Vec<Group> = match self.counts {
            Counts::Words(counts) => {
                let mut words: Vec<(String, u64)> = counts.into_iter().collect();
                words.sort_by(|(one, one_count), (other, other_count)| {
                    other_count.cmp(one_count).then_with(|| one.cmp(other))
                });
                let rest: u64 = words
                    .iter()
                    .skip(WORDS_SHOWN_MAX)
                    .map(|(_, count)| count)
                    .sum();
                let shown = words
                    .into_iter()
                    .take(WORDS_SHOWN_MAX)
                    .map(|(word, count)| valued(Value::Word(word), count));
                let rest = (rest > 0).then_some(Group {
                    kind: GroupKind::Rest,
                    value: None,
                    from: None,
                    to: None,
                    count: rest,
                });
                shown.chain(rest).collect()
            }
            Counts::Flags { no, yes } => vec![
                valued(Value::Flag(false), no),
                valued(Value::Flag(true), yes),
            ],
            Counts::Whole { bins, edges, kind } => {
                let value = |number: i64| match kind {
                    Kind::Date => Value::Date(i32::try_from(number).unwrap_or_default()),
                    _ => Value::Integer(number),
                };
                let count = bins.len();
                let from = |index| first_of_bin(edges, count, index);
                let to = |index| {
                    if index + 1 == count {
                        edges.max
                    } else {
                        from(index + 1).saturating_sub(1)
                    }
                };
                let numbered = bins.into_iter().enumerate();
                numbered
                    .map(|(index, count)| bin(value(from(index)), value(to(index)), count))
                    .collect()
            }
            Counts::Scores { bins, edges } => {
                let width = (edges.max - edges.min) / bins.len() as f64;
                let numbered = bins.into_iter().enumerate();
                let edge = |index: usize| Value::Score(edges.min + width * index as f64);
                numbered
                    .map(|(index, count)| bin(edge(index), edge(index + 1), count))
                    .collect()
            }
            Counts::Nothing => Vec::new(),
        };
        if self.nulls > 0 {
            groups.push(Group {
                kind: GroupKind::None,
                value: None,
                from: None,
                to: None,
                count: self.nulls,
            });
        }
        groups
    }
}

/// The first whole number of a bin: bins differ in width by one at most.
fn first_of_bin(edges: Edges<i64>, bins: usize, index: usize) -> i64 {
    let values = i128::from(edges.max) - i128::from(edges.min) + 1;
    let first = i128::from(edges.min) + (values * index as i128).div_euclid(bins.max(1) as i128);
    // A bin begins at one of the values, so it is in range.
    i64::try_from(first).unwrap_or(edges.max)
}

fn count_whole(bins: &mut [u64], edges: Edges<i64>, value: i64) {
    let values = i128::from(edges.max) - i128::from(edges.min) + 1;
    let above = i128::from(value) - i128::from(edges.min);
    // The place p with first_of_bin(p) <= value < first_of_bin(p + 1).
    let place = ((above + 1) * bins.len() as i128 - 1).div_euclid(values);
    if let Some(count) = usize::try_from(place)
        .ok()
        .and_then(|place| bins.get_mut(place))
    {
        *count += 1;
    }
}

fn count_score(bins: &mut [u64], edges: Edges<f64>, score: f64) {
    let share = (score - edges.min) / (edges.max - edges.min);
    let last = bins.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of nothing counts as zero, and the place is bounded"
    )]
    let place = if share.is_finite() {
        ((share * bins.len() as f64) as usize).min(last)
    } else {
        0
    };
    if let Some(count) = bins.get_mut(place) {
        *count += 1;
    }
}

/// The statistics of the rows of one region: a histogram for its key must not tell the extremes of others.
#[must_use]
pub fn statistics_within<'a>(
    segments: impl Iterator<Item = (&'a ColumnData, &'a Bitmap)>,
) -> ColumnStatistics {
    let mut statistics = ColumnStatistics {
        rows: 0,
        nulls: 0,
        distinct: 0,
        distinct_is_exact: false,
        min: None,
        max: None,
    };
    for (column, rows) in segments {
        statistics.rows += rows.count() as u64;
        for row in rows.iter() {
            let Some(value) = column.value(row) else {
                statistics.nulls += 1;
                continue;
            };
            if statistics
                .min
                .as_ref()
                .is_none_or(|min| value.is_before(min))
            {
                statistics.min = Some(value.clone());
            }
            if statistics
                .max
                .as_ref()
                .is_none_or(|max| max.is_before(&value))
            {
                statistics.max = Some(value);
            }
        }
    }
    statistics
}

/// Leaves out the groups under ten, and, so that the rest does not betray them, the next smallest until those left out are ten together.
/// Groups of nobody say nothing about anyone and stay. Returns the groups that stay and how many do not.
#[must_use]
pub fn suppressed(groups: Vec<Group>) -> (Vec<Group>, u64) {
    let mut by_size: Vec<usize> = (0..groups.len()).collect();
    let size = |index: &usize| groups.get(*index).map_or(0, |group| group.count);
    by_size.retain(|index| size(index) > 0);
    by_size.sort_by_key(|index| (size(index), *index));
    let (mut left_out, mut customers) = (Vec::new(), 0);
    for index in &by_size {
        let small = size(index) <= SMALL_GROUP_MAX;
        let betrays = !left_out.is_empty() && customers <= SMALL_GROUP_MAX;
        if small || betrays {
            customers += size(index);
            left_out.push(*index);
        }
    }
    let kept = groups
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !left_out.contains(index))
        .map(|(_, group)| group);
    (kept.collect(), left_out.len() as u64)
}

#[cfg(test)]
mod tests {
    use chudian_dataset::column::builder::ColumnBuilder;
    use proptest::prelude::*;

    use super::*;

    fn column(kind: Kind, values: &[Option<Value>]) -> ColumnData {
        let mut builder = ColumnBuilder::new(kind);
        values
            .iter()
            .for_each(|value| builder.push(value.as_ref()).unwrap());
        builder.finish()
    }

    fn counted(kind: Kind, values: &[Option<Value>], bins: u32) -> Vec<Group> {
        let column = column(kind, values);
        let mut counter = Counter::new(kind, &ColumnStatistics::of(&column), bins).unwrap();
        counter.add(&column, None).unwrap();
        counter.groups()
    }

    proptest! {
        /// Goal: every row is counted once, in the bin between whose ends it lies, and bins follow one another without gap.
        #[test]
        fn bins_hold_what_lies_in_them(values in prop::collection::vec(prop::option::of(any::<i64>()), 1..60), bins in 1_u32..8) {
            let rows: Vec<Option<Value>> = values.iter().map(|value| value.map(Value::Integer)).collect();
            let groups = counted(Kind::Integer, &rows, bins);
            let mut previous_to: Option<i64> = None;
            for group in groups.iter().filter(|group| group.kind == GroupKind::Bin) {
                let (from, to) = (group.from.as_ref().unwrap().as_i64().unwrap(), group.to.as_ref().unwrap().as_i64().unwrap());
                if let Some(previous) = previous_to {
                    prop_assert_eq!(previous + 1, from);
                }
                previous_to = Some(to);
                let inside = values.iter().flatten().filter(|value| (from..=to).contains(*value)).count();
                prop_assert_eq!(group.count, inside as u64);
            }
            prop_assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), values.len() as u64);
        }

        #[test]
        fn every_score_is_counted(values in prop::collection::vec(-1e9_f64..1e9, 1..60), bins in 1_u32..8) {
            let rows: Vec<Option<Value>> = values.iter().map(|value| Some(Value::Score(*value))).collect();
            let groups = counted(Kind::Score, &rows, bins);
            prop_assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), values.len() as u64);
        }

        /// Goal: what is left out cannot be computed from what is shown.
        #[test]
        fn small_groups_are_not_betrayed(counts in prop::collection::vec(0_u64..30, 0..12)) {
            let group = |count| Group { kind: GroupKind::Value, value: None, from: None, to: None, count };
            let (kept, left_out) = suppressed(counts.iter().copied().map(group).collect());
            prop_assert!(kept.iter().all(|group| group.count == 0 || group.count > SMALL_GROUP_MAX));
            prop_assert_eq!(kept.len() + left_out as usize, counts.len());
            let hidden: u64 = counts.iter().sum::<u64>() - kept.iter().map(|group| group.count).sum::<u64>();
            let all_hidden = kept.iter().all(|group| group.count == 0);
            prop_assert!(left_out == 0 || hidden > SMALL_GROUP_MAX || all_hidden);
        }
    }

    #[test]
    fn words_come_by_frequency_and_only_the_region_counts() {
        let rows: Vec<Option<Value>> = ["b", "a", "b", "", "c"]
            .iter()
            .map(|word| (!word.is_empty()).then(|| Value::Word((*word).to_owned())))
            .collect();
        let told = |groups: &[Group]| {
            groups
                .iter()
                .map(|group| {
                    (
                        group.value.clone().unwrap_or_default().to_string(),
                        group.count,
                    )
                })
                .collect::<Vec<_>>()
        };
        let all = counted(Kind::Word, &rows, 1);
        let expected = [("\"b\"", 2), ("\"a\"", 1), ("\"c\"", 1), ("null", 1)]
            .map(|(word, count)| (word.to_owned(), count));
        assert_eq!(told(&all), expected);
        let column = column(Kind::Word, &rows);
        let mut counter = Counter::new(Kind::Word, &ColumnStatistics::of(&column), 1).unwrap();
        counter
            .add(
                &column,
                Some(&[true, false, false, true, false].into_iter().collect()),
            )
            .unwrap();
        assert_eq!(
            told(&counter.groups()),
            [("\"b\"".to_owned(), 1), ("null".to_owned(), 1)]
        );
    }

    #[test]
    fn the_identity_has_none() {
        let statistics = ColumnStatistics::of(&column(Kind::Flag, &[]));
        assert_eq!(
            Counter::new(Kind::Identity, &statistics, 5).unwrap_err(),
            DistributionError::Identity
        );
    }
}
