//! One column of one segment in memory: plain slices of the narrowest type, over the very bytes that were read.
//!
//! A filter matches once on the physical form and then runs over a contiguous slice; nothing is decided per row and no code of eight
//! bits is ever widened in memory. [`ColumnData::decode`] reads an Arrow IPC stream without copying its values; [`ColumnData::encode`]
//! writes one; [`builder`] makes columns from rows.
//!
//! Invariants: `validity`, where there is one, has as many bits as there are rows and at least one zero; `None` says that every row has
//! a value. What stands in a row without value is unspecified. The words of a column ascend strictly by bytes, and every code is below their
//! number, also in rows without value (with no words at all, no row has a value and every code is zero): codes compare as the words do,
//! and a table with one entry a word answers for every row.

pub mod builder;
mod decode;
mod encode;

use arrow_buffer::{Buffer, ScalarBuffer};
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PSEUDONYM_BYTES};

pub use decode::DecodeError;
pub use encode::EncodeError;

use crate::bitmap::Bitmap;
use crate::schema::Kind;
use crate::value::Value;

/// Whole numbers in the narrowest type that holds them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntegerSlice {
    /// -128 … 127.
    I8(ScalarBuffer<i8>),
    /// Two bytes, signed.
    I16(ScalarBuffer<i16>),
    /// Four bytes, signed.
    I32(ScalarBuffer<i32>),
    /// Eight bytes, signed.
    I64(ScalarBuffer<i64>),
    /// 0 … 255.
    U8(ScalarBuffer<u8>),
    /// Two bytes, unsigned.
    U16(ScalarBuffer<u16>),
    /// Four bytes, unsigned.
    U32(ScalarBuffer<u32>),
}

/// Runs `$body` with `$values` bound to the plain slice of whichever width an [`IntegerSlice`] has; the body is compiled for each.
#[macro_export]
macro_rules! with_integers {
    ($integers:expr, |$values:ident| $body:expr) => {
        match $integers {
            $crate::column::IntegerSlice::I8($values) => $body,
            $crate::column::IntegerSlice::I16($values) => $body,
            $crate::column::IntegerSlice::I32($values) => $body,
            $crate::column::IntegerSlice::I64($values) => $body,
            $crate::column::IntegerSlice::U8($values) => $body,
            $crate::column::IntegerSlice::U16($values) => $body,
            $crate::column::IntegerSlice::U32($values) => $body,
        }
    };
}

/// Runs `$body` with `$codes` bound to the plain slice of whichever width a [`CodeSlice`] has.
#[macro_export]
macro_rules! with_codes {
    ($code_slice:expr, |$codes:ident| $body:expr) => {
        match $code_slice {
            $crate::column::CodeSlice::U8($codes) => $body,
            $crate::column::CodeSlice::U16($codes) => $body,
            $crate::column::CodeSlice::U32($codes) => $body,
        }
    };
}

impl IntegerSlice {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        with_integers!(self, |values| values.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number in `row`, widened; for single rows, not for loops.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i64> {
        with_integers!(self, |values| values.get(row).copied().map(widened))
    }
}

/// Places in a list of words, in the narrowest type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeSlice {
    /// Up to 256 words.
    U8(ScalarBuffer<u8>),
    /// Up to 65,536 words.
    U16(ScalarBuffer<u16>),
    /// More.
    U32(ScalarBuffer<u32>),
}

impl CodeSlice {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        with_codes!(self, |codes| codes.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code in `row`; for single rows, not for loops.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<usize> {
        with_codes!(self, |codes| codes.get(row).map(|code| *code as usize))
    }
}

/// Scores in either precision.
#[derive(Clone, Debug, PartialEq)]
pub enum ScoreSlice {
    /// Four bytes.
    F32(ScalarBuffer<f32>),
    /// Eight bytes.
    F64(ScalarBuffer<f64>),
}

impl ScoreSlice {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score in `row`.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<f64> {
        match self {
            Self::F32(values) => values.get(row).map(|value| f64::from(*value)),
            Self::F64(values) => values.get(row).copied(),
        }
    }
}

/// Pseudonyms, sixteen bytes each, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySlice(Buffer);

impl IdentitySlice {
    /// The pseudonyms as a plain slice.
    #[must_use]
    pub fn as_slice(&self) -> &[[u8; PSEUDONYM_BYTES]] {
        self.0.as_slice().as_chunks().0
    }
}

impl From<Vec<[u8; PSEUDONYM_BYTES]>> for IdentitySlice {
    fn from(identities: Vec<[u8; PSEUDONYM_BYTES]>) -> Self {
        Self(Buffer::from_vec(identities.into_flattened()))
    }
}

/// One column of one segment.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnData {
    /// Integers and money.
    Integers {
        /// The numbers.
        values: IntegerSlice,
        /// Which rows have one; `None` when all.
        validity: Option<Bitmap>,
    },
    /// Words.
    Words {
        /// Each row's place in `words`.
        codes: CodeSlice,
        /// The distinct words, ascending by bytes.
        words: Vec<String>,
        /// Which rows have one; `None` when all.
        validity: Option<Bitmap>,
    },
    /// Flags.
    Flags {
        /// Which rows say yes.
        values: Bitmap,
        /// Which rows say anything; `None` when all.
        validity: Option<Bitmap>,
    },
    /// Scores.
    Scores {
        /// The scores.
        values: ScoreSlice,
        /// Which rows have one; `None` when all.
        validity: Option<Bitmap>,
    },
    /// Dates.
    Dates {
        /// Days since 1970-01-01.
        values: ScalarBuffer<i32>,
        /// Which rows have one; `None` when all.
        validity: Option<Bitmap>,
    },
    /// Customers; every row has one.
    Identities {
        /// The pseudonyms.
        values: IdentitySlice,
    },
}

impl ColumnData {
    /// Rows that the column has.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Integers { values, .. } => values.len(),
            Self::Words { codes, .. } => codes.len(),
            Self::Flags { values, .. } => values.len(),
            Self::Scores { values, .. } => values.len(),
            Self::Dates { values, .. } => values.len(),
            Self::Identities { values } => values.as_slice().len(),
        }
    }

    /// Which rows have a value; `None` when all have.
    #[must_use]
    pub fn validity(&self) -> Option<&Bitmap> {
        match self {
            Self::Integers { validity, .. }
            | Self::Words { validity, .. }
            | Self::Flags { validity, .. }
            | Self::Scores { validity, .. }
            | Self::Dates { validity, .. } => validity.as_ref(),
            Self::Identities { .. } => None,
        }
    }

    /// Whether `row` has a value; `false` beyond the end.
    #[must_use]
    pub fn is_valid(&self, row: usize) -> bool {
        match self.validity() {
            Some(validity) => validity.get(row),
            None => row < self.rows(),
        }
    }

    /// Whether the column is of `kind` (money and integers look alike).
    #[must_use]
    pub fn is_of(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Integers { .. }, Kind::Integer | Kind::Money)
                | (Self::Words { .. }, Kind::Word)
                | (Self::Flags { .. }, Kind::Flag)
                | (Self::Scores { .. }, Kind::Score)
                | (Self::Dates { .. }, Kind::Date)
                | (Self::Identities { .. }, Kind::Identity)
        )
    }

    /// The value in `row`, in row form; `None` when it has none or lies beyond the end. For single rows, not for loops.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Value> {
        if !self.is_valid(row) {
            return None;
        }
        match self {
            Self::Integers { values, .. } => values.get(row).map(Value::Integer),
            Self::Words { codes, words, .. } => codes
                .get(row)
                .and_then(|code| words.get(code))
                .cloned()
                .map(Value::Word),
            Self::Flags { values, .. } => Some(Value::Flag(values.get(row))),
            Self::Scores { values, .. } => values.get(row).map(Value::Score),
            Self::Dates { values, .. } => values.get(row).copied().map(Value::Date),
            Self::Identities { values } => values
                .as_slice()
                .get(row)
                .map(|bytes| Value::Identity(CustomerPseudonym(*bytes))),
        }
    }

    /// Bytes of memory that the column holds, for the bound of a cache.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let validity = self
            .validity()
            .map_or(0, |validity| size_of_val(validity.words()));
        // A column keeps the whole message from which it was decoded.
        let values = match self {
            Self::Integers { values, .. } => {
                with_integers!(values, |values| values.inner().capacity())
            }
            Self::Words { codes, words, .. } => {
                let texts: usize = words
                    .iter()
                    .map(|word| word.capacity() + size_of::<String>())
                    .sum();
                texts + with_codes!(codes, |codes| codes.inner().capacity())
            }
            Self::Flags { values, .. } => size_of_val(values.words()),
            Self::Scores {
                values: ScoreSlice::F32(values),
                ..
            } => values.inner().capacity(),
            Self::Scores {
                values: ScoreSlice::F64(values),
                ..
            } => values.inner().capacity(),
            Self::Dates { values, .. } => values.inner().capacity(),
            Self::Identities { values } => values.0.capacity(),
        };
        values + validity + size_of::<Self>()
    }
}

/// A number of any width as the widest.
#[must_use]
pub fn widened<T: Into<i64>>(value: T) -> i64 {
    value.into()
}

/// Drops a validity that says nothing.
fn useful(validity: Bitmap) -> Option<Bitmap> {
    (validity.count() < validity.len()).then_some(validity)
}
