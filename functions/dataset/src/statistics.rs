//! What is known of a column without reading it: how many rows, how many without value, the smallest and the largest value, how many
//! distinct ones. The statistics of a segment prune it; those of a snapshot describe it.
//!
//! [`ColumnSummary`] can be merged over segments in any order with one result; [`ColumnStatistics`] is what it says at last. The number of
//! distinct values is exact below [`SKETCH_HASHES`] of them and an estimate beyond, from the smallest hashes that occur (k minimum
//! values: Bar-Yossef et al., 2002), whose standard error is about one in eleven.

use serde::{Deserialize, Serialize};

use crate::bitmap::Bitmap;
use crate::column::{ColumnData, ScoreSlice, widened};
use crate::value::Value;
use crate::{with_codes, with_integers};

/// Hashes that a sketch keeps: a kilobyte for each column of each segment.
pub const SKETCH_HASHES: usize = 128;

/// What is known of a column, of one segment or of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnStatistics {
    /// Rows.
    pub rows: u64,
    /// Rows without value.
    pub nulls: u64,
    /// Distinct values; an estimate unless `distinct_is_exact`.
    pub distinct: u64,
    /// Whether `distinct` was counted.
    pub distinct_is_exact: bool,
    /// The smallest value; none when no row has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// The largest value; none when no row has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
}

impl ColumnStatistics {
    /// The statistics of a column.
    #[must_use]
    pub fn of(column: &ColumnData) -> Self {
        ColumnSummary::of(column).statistics()
    }
}

/// The smallest hashes of the values that occur.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct DistinctSketch {
    /// Ascending, each once, at most [`SKETCH_HASHES`].
    hashes: Vec<u64>,
}

impl TryFrom<Vec<u64>> for DistinctSketch {
    type Error = &'static str;

    fn try_from(hashes: Vec<u64>) -> Result<Self, Self::Error> {
        let ascending = hashes
            .iter()
            .zip(hashes.iter().skip(1))
            .all(|(one, next)| one < next);
        if ascending && hashes.len() <= SKETCH_HASHES {
            Ok(Self { hashes })
        } else {
            Err("the hashes of a sketch ascend")
        }
    }
}

impl From<DistinctSketch> for Vec<u64> {
    fn from(sketch: DistinctSketch) -> Self {
        sketch.hashes
    }
}

impl DistinctSketch {
    /// Counts a value in, by its hash.
    fn insert(&mut self, hash: u64) {
        let full = self.hashes.len() == SKETCH_HASHES;
        if full && self.hashes.last().is_some_and(|last| hash >= *last) {
            return;
        }
        if let Err(place) = self.hashes.binary_search(&hash) {
            self.hashes.insert(place, hash);
            self.hashes.truncate(SKETCH_HASHES);
        }
    }

    /// Distinct values and whether they were counted.
    fn distinct(&self) -> (u64, bool) {
        match self.hashes.last() {
            Some(largest) if self.hashes.len() == SKETCH_HASHES => {
                // Of hashes that are spread evenly, the k-th smallest lies at k parts of the whole.
                let whole = (SKETCH_HASHES as u128 - 1) << u64::BITS;
                let estimate = whole.checked_div(u128::from(*largest)).unwrap_or(u128::MAX);
                (u64::try_from(estimate).unwrap_or(u64::MAX), false)
            }
            _ => (self.hashes.len() as u64, true),
        }
    }
}

/// Spreads the bits of a number (the finaliser of SplitMix64, Steele et al., 2014).
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// A hash of bytes that is the same everywhere and for ever.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let step = |hash: u64, word: u64| mixed(hash ^ word);
    let hash = chunks.iter().fold(bytes.len() as u64, |hash, chunk| {
        step(hash, u64::from_le_bytes(*chunk))
    });
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    step(hash, u64::from_le_bytes(last))
}

/// Statistics that can still be merged with those of other segments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSummary {
    rows: u64,
    nulls: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<Value>,
    sketch: DistinctSketch,
}

impl ColumnSummary {
    /// Looks at every value of a column once.
    #[must_use]
    pub fn of(column: &ColumnData) -> Self {
        let rows = column.rows();
        let valid = column.validity().map_or(rows, Bitmap::count);
        let mut summary = Self {
            rows: rows as u64,
            nulls: (rows - valid) as u64,
            ..Self::default()
        };
        if valid > 0 {
            summary.look_at(column);
        }
        summary
    }

    fn look_at(&mut self, column: &ColumnData) {
        let validity = column.validity();
        match column {
            ColumnData::Integers { values, .. } => with_integers!(values, |values| {
                let range = range_of(values.iter().copied(), validity, |one, other| one < other);
                self.set_range(range, |value| Value::Integer(widened(value)));
                for_each_valid(values.iter(), validity, |value| {
                    self.sketch.insert(mixed(widened(*value).cast_unsigned()))
                });
            }),
            ColumnData::Words { codes, words, .. } => {
                let mut used = vec![false; words.len()];
                with_codes!(codes, |codes| for_each_valid(
                    codes.iter(),
                    validity,
                    |code| {
                        if let Some(used) = used.get_mut(*code as usize) {
                            *used = true;
                        }
                    }
                ));
                let occurring = || {
                    words
                        .iter()
                        .zip(&used)
                        .filter(|(_, used)| **used)
                        .map(|(word, _)| word)
                };
                // Words ascend, so the first and the last that occur are the range.
                self.min = occurring().next().cloned().map(Value::Word);
                self.max = occurring().next_back().cloned().map(Value::Word);
                occurring().for_each(|word| self.sketch.insert(hash_bytes(word.as_bytes())));
            }
            ColumnData::Flags { values, .. } => {
                let all = validity
                    .cloned()
                    .unwrap_or_else(|| Bitmap::ones(values.len()));
                let (said, yes) = (all.count(), values.clone().and(&all).count());
                self.min = Some(Value::Flag(yes == said));
                self.max = Some(Value::Flag(yes > 0));
                [(0, yes < said), (1, yes > 0)]
                    .iter()
                    .filter(|(_, occurs)| *occurs)
                    .for_each(|(flag, _)| self.sketch.insert(mixed(*flag)));
            }
            ColumnData::Scores { values, .. } => match values {
                ScoreSlice::F32(values) => {
                    self.look_at_scores(values.iter().map(|value| f64::from(*value)), validity)
                }
                ScoreSlice::F64(values) => self.look_at_scores(values.iter().copied(), validity),
            },
            ColumnData::Dates { values, .. } => {
                let range = range_of(values.iter().copied(), validity, |one, other| one < other);
                self.set_range(range, Value::Date);
                for_each_valid(values.iter(), validity, |days| {
                    self.sketch.insert(mixed(i64::from(*days).cast_unsigned()))
                });
            }
            ColumnData::Identities { values } => {
                let customer = |bytes: &[u8; 16]| {
                    Value::Identity(chudian_vocabulary::pseudonym::CustomerPseudonym(*bytes))
                };
                self.min = values.as_slice().iter().min().map(customer);
                self.max = values.as_slice().iter().max().map(customer);
                values
                    .as_slice()
                    .iter()
                    .for_each(|bytes| self.sketch.insert(hash_bytes(bytes)));
            }
        }
    }

    fn look_at_scores(
        &mut self,
        values: impl Iterator<Item = f64> + Clone,
        validity: Option<&Bitmap>,
    ) {
        let range = range_of(values.clone(), validity, |one, other| one < other);
        self.set_range(range, Value::Score);
        // Adding zero makes -0.0 the same value as 0.0.
        for_each_valid(values, validity, |value| {
            self.sketch.insert(mixed((value + 0.0).to_bits()))
        });
    }

    fn set_range<T>(&mut self, range: Option<(T, T)>, value: impl Fn(T) -> Value) {
        if let Some((min, max)) = range {
            self.min = Some(value(min));
            self.max = Some(value(max));
        }
    }

    /// Takes another segment's summary in.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        if let Some(min) = &other.min
            && self.min.as_ref().is_none_or(|own| min.is_before(own))
        {
            self.min = Some(min.clone());
        }
        if let Some(max) = &other.max
            && self.max.as_ref().is_none_or(|own| own.is_before(max))
        {
            self.max = Some(max.clone());
        }
        other
            .sketch
            .hashes
            .iter()
            .for_each(|hash| self.sketch.insert(*hash));
    }

    /// Rows of the segments so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What the summary says.
    #[must_use]
    pub fn statistics(&self) -> ColumnStatistics {
        let (distinct, distinct_is_exact) = self.sketch.distinct();
        ColumnStatistics {
            rows: self.rows,
            nulls: self.nulls,
            distinct: distinct.min(self.rows.saturating_sub(self.nulls)),
            distinct_is_exact,
            min: self.min.clone(),
            max: self.max.clone(),
        }
    }
}

/// Calls `look` with the values of the rows that have one.
fn for_each_valid<T>(
    values: impl Iterator<Item = T>,
    validity: Option<&Bitmap>,
    mut look: impl FnMut(T),
) {
    match validity {
        None => values.for_each(look),
        Some(validity) => {
            let words = validity
                .words()
                .iter()
                .flat_map(|word| (0..u64::BITS).map(move |bit| word >> bit & 1 == 1));
            values
                .zip(words)
                .filter(|(_, valid)| *valid)
                .for_each(|(value, _)| look(value));
        }
    }
}

/// The smallest and the largest value of the rows that have one.
fn range_of<T: Copy>(
    values: impl Iterator<Item = T>,
    validity: Option<&Bitmap>,
    before: impl Fn(T, T) -> bool,
) -> Option<(T, T)> {
    let mut range: Option<(T, T)> = None;
    for_each_valid(values, validity, |value| {
        range = Some(match range {
            None => (value, value),
            Some((min, max)) => (
                if before(value, min) { value } else { min },
                if before(max, value) { value } else { max },
            ),
        });
    });
    range
}
