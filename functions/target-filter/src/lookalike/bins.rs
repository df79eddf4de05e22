//! Bins: a column's values in few classes, so that every kind of column is treated alike.

use chudian_dataset::value::Value;
use serde::{Deserialize, Serialize};

use super::limits::{NUMBER_BINS_MAX, WORD_BINS_MAX};

/// The classes of one column. The last one is always that of customers without a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Bins {
    /// Numbers, money, dates, and scores by [`order_of_score`]: class `i` holds the values below `edges[i]` and not below the edge before.
    Numbers {
        /// Ascending.
        edges: Vec<i64>,
    },
    /// Words: a class for each of these, one for all others.
    Words {
        /// Ascending.
        words: Vec<String>,
    },
    /// No and yes.
    Flags,
}

impl Bins {
    /// How many classes there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Numbers { edges } => edges.len() + 2,
            Self::Words { words } => words.len() + 2,
            Self::Flags => 3,
        }
    }

    /// The class of a value; a value of another kind counts as none.
    pub fn of(&self, value: Option<&Value>) -> usize {
        let none = self.count() - 1;
        match (self, value) {
            (Self::Numbers { edges }, Some(value)) => match number_of(value) {
                Some(number) => edges.partition_point(|edge| *edge <= number),
                None => none,
            },
            (Self::Words { words }, Some(Value::Word(word))) => words
                .binary_search_by(|known| known.as_str().cmp(word))
                .unwrap_or(words.len()),
            (Self::Flags, Some(Value::Flag(flag))) => usize::from(*flag),
            (Self::Words { .. } | Self::Flags, _) | (Self::Numbers { .. }, None) => none,
        }
    }

    /// Whether the classes have an order, the last one apart.
    pub const fn is_ordered(&self) -> bool {
        match self {
            Self::Numbers { .. } | Self::Flags => true,
            Self::Words { .. } => false,
        }
    }
}

/// A value as a whole number in the order of its kind; `None` for words, flags and ids.
pub fn number_of(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Date(days) => Some(i64::from(*days)),
        Value::Score(score) => Some(order_of_score(*score)),
        Value::Word(_) | Value::Flag(_) | Value::Identity(_) => None,
    }
}

/// The bits of a score as a number in the order of scores: the bits of a negative one run backwards.
pub fn order_of_score(score: f64) -> i64 {
    // Both zeros are one value.
    let bits = (score + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The score of a number of [`order_of_score`].
pub fn score_of_order(number: i64) -> f64 {
    let bits = if number < 0 {
        number ^ i64::MAX
    } else {
        number
    };
    f64::from_bits(bits.cast_unsigned())
}

/// Classes of about equal size for these numbers, of which there may be many alike. `numbers` is sorted on the way.
pub fn bins_of_numbers(numbers: &mut [i64]) -> Bins {
    numbers.sort_unstable();
    let mut edges = Vec::with_capacity(NUMBER_BINS_MAX);
    for part in 1..NUMBER_BINS_MAX {
        let place = numbers.len() * part / NUMBER_BINS_MAX;
        let Some(value) = numbers.get(place) else {
            continue;
        };
        // The lowest value begins the first class, so it is no edge; equal edges are one.
        let is_lowest = numbers.first() == Some(value);
        if !is_lowest && edges.last() != Some(value) {
            edges.push(*value);
        }
    }
    // Where most customers have the lowest value (0 orders, say), having any other is the telling difference.
    if let Some(lowest) = numbers.first()
        && let Some(next) = numbers.get(numbers.partition_point(|number| number <= lowest))
        && !edges.contains(next)
    {
        edges.insert(0, *next);
    }
    Bins::Numbers { edges }
}

/// Classes of the most frequent words; equals in alphabetical order.
pub fn bins_of_words<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Bins {
    let mut counts: Vec<(&str, u64)> = counts.collect();
    counts.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let mut words: Vec<String> = counts
        .into_iter()
        .take(WORD_BINS_MAX)
        .map(|(word, _)| word.to_owned())
        .collect();
    words.sort_unstable();
    Bins::Words { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_keep_their_order_as_numbers() {
        let ascending = [
            f64::NEG_INFINITY,
            -2.5,
            -1e-300,
            0.0,
            1e-300,
            0.5,
            2.5,
            f64::INFINITY,
        ];
        let numbers = ascending.map(order_of_score);
        assert!(
            numbers.is_sorted_by(|one, other| one < other),
            "{numbers:?}"
        );
        assert_eq!(numbers.map(score_of_order), ascending);
        assert_eq!(order_of_score(-0.0), order_of_score(0.0));
    }

    #[test]
    fn classes_cover_every_value_once() {
        let bins = bins_of_numbers(&mut (0..1000).rev().collect::<Vec<_>>());
        assert_eq!(bins.count(), 12, "{bins:?}");
        let mut sizes = vec![0; bins.count()];
        for number in 0..1000 {
            sizes[bins.of(Some(&Value::Integer(number)))] += 1;
        }
        assert_eq!(
            sizes,
            [1, 99, 100, 100, 100, 100, 100, 100, 100, 100, 100, 0]
        );
        assert_eq!(bins.of(None), 11);
        assert_eq!(bins.of(Some(&Value::Integer(i64::MIN))), 0);
        assert_eq!(bins.of(Some(&Value::Word("x".to_owned()))), 11);
    }

    #[test]
    fn many_equal_values_make_few_classes() {
        let mut mostly_zero = vec![0; 990];
        mostly_zero.extend([3; 10]);
        assert_eq!(
            bins_of_numbers(&mut mostly_zero),
            Bins::Numbers { edges: vec![3] }
        );
        assert_eq!(
            bins_of_numbers(&mut [7; 100]),
            Bins::Numbers { edges: vec![] }
        );
        assert_eq!(bins_of_numbers(&mut []), Bins::Numbers { edges: vec![] });
    }

    #[test]
    fn rare_words_share_a_class() {
        let words: Vec<String> = (0..50).map(|number| format!("w{number:02}")).collect();
        let bins = bins_of_words(
            words
                .iter()
                .map(|word| (word.as_str(), 1))
                .chain([("zz", 5)]),
        );
        assert_eq!(bins.count(), WORD_BINS_MAX + 2);
        assert_eq!(
            bins.of(Some(&Value::Word("zz".to_owned()))),
            WORD_BINS_MAX - 1
        );
        assert_eq!(bins.of(Some(&Value::Word("w49".to_owned()))), WORD_BINS_MAX);
        assert_eq!(bins.of(None), WORD_BINS_MAX + 1);
    }
}
