//! An expression whose names and literals have their meaning: places of columns and values in the columns' own units.
//!
//! Invariant: a predicate fits the kind of its column, so that evaluation has no errors. The tree has the shape of the written one, which
//! is what an explanation walks along; [`super::plan`] makes of it what is evaluated.

use super::ast::GroupReference;

/// A bound condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// Every one of them holds.
    All(Vec<Bound>),
    /// At least one of them holds.
    Any(Vec<Bound>),
    /// It does not hold.
    Not(Box<Bound>),
    /// A predicate on a column.
    Term(BoundTerm),
    /// A saved group, opened.
    Group(GroupReference, Box<Bound>),
}

/// A predicate on a column.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundTerm {
    /// Place of the column among those that the expression was bound to.
    pub column: usize,
    /// What must hold of its value.
    pub predicate: Predicate,
}

/// What must hold of a value. All but the last two are unknown where there is no value; `inside` false asks for the complement among the
/// values that there are.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// A whole number, money in fen or a day within these bounds, both included; nothing when the first is above the second.
    Range {
        /// Least.
        low: i64,
        /// Greatest.
        high: i64,
        /// Within or without.
        inside: bool,
    },
    /// A whole number, money in fen or a day among these.
    Set {
        /// Ascending, each once.
        values: Vec<i64>,
        /// Among or not.
        inside: bool,
    },
    /// A score within these bounds, both included.
    ScoreRange {
        /// Least; may be minus infinity.
        low: f64,
        /// Greatest; may be infinity.
        high: f64,
        /// Within or without.
        inside: bool,
    },
    /// A score among these.
    ScoreSet {
        /// Ascending, each once.
        values: Vec<f64>,
        /// Among or not.
        inside: bool,
    },
    /// A word.
    Words {
        /// Which words.
        test: WordTest,
        /// These or the others.
        inside: bool,
    },
    /// A flag of this value.
    Flag(bool),
    /// There is a value.
    Known,
    /// There is none.
    Null,
}

/// Which words are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordTest {
    /// One of these; ascending by bytes, each once.
    OneOf(Vec<String>),
    /// Those that begin so.
    StartsWith(String),
    /// Those in which this occurs.
    Contains(String),
}

impl WordTest {
    /// Whether `word` is meant.
    #[must_use]
    pub fn matches(&self, word: &str) -> bool {
        match self {
            Self::OneOf(words) => words
                .binary_search_by(|known| known.as_str().cmp(word))
                .is_ok(),
            Self::StartsWith(beginning) => word.starts_with(beginning.as_str()),
            Self::Contains(part) => word.contains(part.as_str()),
        }
    }
}

impl Predicate {
    /// The predicate that holds of exactly the other values; what is unknown for one is unknown for the other.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Range { low, high, inside } => Self::Range {
                low,
                high,
                inside: !inside,
            },
            Self::Set { values, inside } => Self::Set {
                values,
                inside: !inside,
            },
            Self::ScoreRange { low, high, inside } => Self::ScoreRange {
                low,
                high,
                inside: !inside,
            },
            Self::ScoreSet { values, inside } => Self::ScoreSet {
                values,
                inside: !inside,
            },
            Self::Words { test, inside } => Self::Words {
                test,
                inside: !inside,
            },
            Self::Flag(wanted) => Self::Flag(!wanted),
            Self::Known => Self::Null,
            Self::Null => Self::Known,
        }
    }

    /// Whether no value at all can satisfy it, which a writer can hardly have meant.
    #[must_use]
    pub fn is_never_true(&self) -> bool {
        match self {
            Self::Range { low, high, inside } => *inside && low > high,
            Self::ScoreRange { low, high, inside } => *inside && low > high,
            Self::Set { values, inside } => *inside && values.is_empty(),
            Self::ScoreSet { values, inside } => *inside && values.is_empty(),
            Self::Words { .. } | Self::Flag(_) | Self::Known | Self::Null => false,
        }
    }
}
