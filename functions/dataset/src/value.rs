//! One value of one customer, in row form: statistics, row pages and previews; never the inner loop of a filter.

use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde::{Deserialize, Serialize};

/// One value. Money is an [`Value::Integer`] in fen; the column's kind tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A word or group code.
    Word(String),
    /// A whole number in the column's unit; fen for money.
    Integer(i64),
    /// A model's score. Stored as its bits: a decimal form that is read back one bit off would prune a segment wrongly.
    Score(#[serde(with = "score_bits")] f64),
    /// Yes or no.
    Flag(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// The customer.
    Identity(CustomerPseudonym),
}

impl Value {
    /// Whether `self` comes before `other` in the order of their kind: numbers and dates by size, words and ids by bytes, `false` before
    /// `true`. Values of different kinds have no order, nor has a score that is not a number.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word(own), Self::Word(other)) => own < other,
            (Self::Integer(own), Self::Integer(other)) => own < other,
            (Self::Score(own), Self::Score(other)) => own < other,
            (Self::Flag(own), Self::Flag(other)) => own < other,
            (Self::Date(own), Self::Date(other)) => own < other,
            (Self::Identity(own), Self::Identity(other)) => own < other,
            (
                Self::Word(_)
                | Self::Integer(_)
                | Self::Score(_)
                | Self::Flag(_)
                | Self::Date(_)
                | Self::Identity(_),
                _,
            ) => false,
        }
    }
}

/// A score as the integer of its bits.
mod score_bits {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    // The signature is serde's.
    pub(super) fn serialize<S: Serializer>(score: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(score.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let score = f64::from_bits(u64::deserialize(deserializer)?);
        if score.is_finite() {
            Ok(score)
        } else {
            Err(D::Error::custom("a score is a finite number"))
        }
    }
}
