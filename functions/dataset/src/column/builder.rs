//! Makes a column of rows that come one after the other: what an import does sixty times a row, so each push is a few instructions.
//!
//! Numbers are narrowed once at the end, when their range is known; words get codes in the order in which they come and are put in
//! order at the end. The same rows give the same column, bit by bit, whoever builds it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow_buffer::ScalarBuffer;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PSEUDONYM_BYTES};

use super::{CodeSlice, ColumnData, IdentitySlice, IntegerSlice, ScoreSlice, useful};
use crate::WORD_BYTES_MAX;
use crate::bitmap::Bitmap;
use crate::schema::Kind;
use crate::value::Value;

/// Why a value does not go into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// A value of another kind.
    #[error("the column holds values of another kind")]
    OtherKind,
    /// A word that is too long.
    #[error("a word has at most {WORD_BYTES_MAX} bytes")]
    WordTooLong,
    /// A score that is infinite or not a number.
    #[error("a score is a finite number")]
    Score,
    /// A customer without id.
    #[error("every customer has an id")]
    NullIdentity,
}

/// Hashes words by FNV-1a: a column has few words, most of a few bytes. Whoever chooses words that collide slows down their own import.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // The table takes its place from the low bits and a tag from the high ones; both want mixing.
        self.0 ^ self.0 >> 32
    }
}

/// Takes the values of one column of one segment, row by row.
#[derive(Default)]
pub struct ColumnBuilder {
    values: Values,
    validity: Bitmap,
}

enum Values {
    Integers {
        values: Vec<i64>,
    },
    Words {
        codes: Vec<u32>,
        places: HashMap<Box<str>, u32, BuildHasherDefault<WordHasher>>,
    },
    Flags {
        values: Bitmap,
    },
    Scores {
        values: Vec<f64>,
    },
    Dates {
        values: Vec<i32>,
    },
    Identities {
        values: Vec<[u8; PSEUDONYM_BYTES]>,
    },
}

impl Default for Values {
    fn default() -> Self {
        Self::Integers { values: Vec::new() }
    }
}

impl ColumnBuilder {
    /// An empty column of `kind`.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Integer | Kind::Money => Values::Integers { values: Vec::new() },
            Kind::Word => Values::Words {
                codes: Vec::new(),
                places: HashMap::default(),
            },
            Kind::Flag => Values::Flags {
                values: Bitmap::default(),
            },
            Kind::Score => Values::Scores { values: Vec::new() },
            Kind::Date => Values::Dates { values: Vec::new() },
            Kind::Identity => Values::Identities { values: Vec::new() },
        };
        Self {
            values,
            validity: Bitmap::default(),
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.validity.len()
    }

    /// Appends a row without value.
    ///
    /// # Errors
    /// [`PushError::NullIdentity`] for a customer.
    pub fn push_null(&mut self) -> Result<(), PushError> {
        match &mut self.values {
            Values::Integers { values } => values.push(0),
            Values::Words { codes, .. } => codes.push(u32::MAX),
            Values::Flags { values } => values.push(false),
            Values::Scores { values } => values.push(0.0),
            Values::Dates { values } => values.push(0),
            Values::Identities { .. } => return Err(PushError::NullIdentity),
        }
        self.validity.push(false);
        Ok(())
    }

    /// Appends a whole number, or money in fen.
    ///
    /// # Errors
    /// [`PushError::OtherKind`].
    pub fn push_integer(&mut self, value: i64) -> Result<(), PushError> {
        let Values::Integers { values } = &mut self.values else {
            return Err(PushError::OtherKind);
        };
        values.push(value);
        self.validity.push(true);
        Ok(())
    }

    /// Appends a word.
    ///
    /// # Errors
    /// [`PushError::OtherKind`], [`PushError::WordTooLong`].
    pub fn push_word(&mut self, word: &str) -> Result<(), PushError> {
        let Values::Words { codes, places } = &mut self.values else {
            return Err(PushError::OtherKind);
        };
        if word.len() > WORD_BYTES_MAX {
            return Err(PushError::WordTooLong);
        }
        let code = match places.get(word) {
            Some(code) => *code,
            None => {
                // A segment has fewer rows than a code has values.
                let code = u32::try_from(places.len()).unwrap_or(u32::MAX);
                places.insert(word.into(), code);
                code
            }
        };
        codes.push(code);
        self.validity.push(true);
        Ok(())
    }

    /// Appends yes or no.
    ///
    /// # Errors
    /// [`PushError::OtherKind`].
    pub fn push_flag(&mut self, value: bool) -> Result<(), PushError> {
        let Values::Flags { values } = &mut self.values else {
            return Err(PushError::OtherKind);
        };
        values.push(value);
        self.validity.push(true);
        Ok(())
    }

    /// Appends a score.
    ///
    /// # Errors
    /// [`PushError::OtherKind`], [`PushError::Score`].
    pub fn push_score(&mut self, value: f64) -> Result<(), PushError> {
        let Values::Scores { values } = &mut self.values else {
            return Err(PushError::OtherKind);
        };
        if !value.is_finite() {
            return Err(PushError::Score);
        }
        values.push(value);
        self.validity.push(true);
        Ok(())
    }

    /// Appends a day, counted from 1970-01-01.
    ///
    /// # Errors
    /// [`PushError::OtherKind`].
    pub fn push_date(&mut self, days: i32) -> Result<(), PushError> {
        let Values::Dates { values } = &mut self.values else {
            return Err(PushError::OtherKind);
        };
        values.push(days);
        self.validity.push(true);
        Ok(())
    }

    /// Appends a customer.
    ///
    /// # Errors
    /// [`PushError::OtherKind`].
    pub fn push_identity(&mut self, customer: CustomerPseudonym) -> Result<(), PushError> {
        let Values::Identities { values } = &mut self.values else {
            return Err(PushError::OtherKind);
        };
        values.push(customer.0);
        self.validity.push(true);
        Ok(())
    }

    /// Appends a value in row form, or none.
    ///
    /// # Errors
    /// As the method of its kind.
    pub fn push(&mut self, value: Option<&Value>) -> Result<(), PushError> {
        match value {
            None => self.push_null(),
            Some(Value::Word(word)) => self.push_word(word),
            Some(Value::Integer(value)) => self.push_integer(*value),
            Some(Value::Score(value)) => self.push_score(*value),
            Some(Value::Flag(value)) => self.push_flag(*value),
            Some(Value::Date(days)) => self.push_date(*days),
            Some(Value::Identity(customer)) => self.push_identity(*customer),
        }
    }

    /// The column in its narrowest form.
    #[must_use]
    pub fn finish(self) -> ColumnData {
        let validity = useful(self.validity);
        match self.values {
            Values::Integers { values } => ColumnData::Integers {
                values: narrowest(&values),
                validity,
            },
            Values::Words { codes, places } => {
                let (codes, words) = ordered(codes, places);
                ColumnData::Words {
                    codes,
                    words,
                    validity,
                }
            }
            Values::Flags { values } => ColumnData::Flags { values, validity },
            Values::Scores { values } => ColumnData::Scores {
                values: narrowest_scores(values),
                validity,
            },
            Values::Dates { values } => ColumnData::Dates {
                values: values.into(),
                validity,
            },
            Values::Identities { values } => ColumnData::Identities {
                values: IdentitySlice::from(values),
            },
        }
    }
}

/// The numbers in the narrowest type that holds them all; unsigned where none is negative.
#[must_use]
pub fn narrowest(values: &[i64]) -> IntegerSlice {
    let smallest = values.iter().copied().min().unwrap_or(0);
    let largest = values.iter().copied().max().unwrap_or(0);
    let fits = |low: i64, high: i64| low <= smallest && largest <= high;
    macro_rules! narrowed {
        ($type:ty) => {
            // The range was checked, so no bit is lost.
            values
                .iter()
                .map(|value| *value as $type)
                .collect::<ScalarBuffer<$type>>()
        };
    }
    if fits(0, u8::MAX.into()) {
        IntegerSlice::U8(narrowed!(u8))
    } else if fits(i8::MIN.into(), i8::MAX.into()) {
        IntegerSlice::I8(narrowed!(i8))
    } else if fits(0, u16::MAX.into()) {
        IntegerSlice::U16(narrowed!(u16))
    } else if fits(i16::MIN.into(), i16::MAX.into()) {
        IntegerSlice::I16(narrowed!(i16))
    } else if fits(0, u32::MAX.into()) {
        IntegerSlice::U32(narrowed!(u32))
    } else if fits(i32::MIN.into(), i32::MAX.into()) {
        IntegerSlice::I32(narrowed!(i32))
    } else {
        IntegerSlice::I64(values.to_vec().into())
    }
}

/// Scores in four bytes where that loses nothing.
fn narrowest_scores(values: Vec<f64>) -> ScoreSlice {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whether something is lost is the question"
    )]
    let short = |value: f64| value as f32;
    if values
        .iter()
        .all(|value| f64::from(short(*value)).to_bits() == value.to_bits())
    {
        ScoreSlice::F32(values.into_iter().map(short).collect())
    } else {
        ScoreSlice::F64(values.into())
    }
}

/// Words ascending, and the codes that point to them.
fn ordered(
    codes: Vec<u32>,
    places: HashMap<Box<str>, u32, BuildHasherDefault<WordHasher>>,
) -> (CodeSlice, Vec<String>) {
    let mut words: Vec<(String, u32)> = places
        .into_iter()
        .map(|(word, code)| (word.into_string(), code))
        .collect();
    words.sort_unstable();
    let mut new_codes = vec![0_u32; words.len()];
    for (new, (_, old)) in (0_u32..).zip(&words) {
        if let Some(place) = usize::try_from(*old)
            .ok()
            .and_then(|old| new_codes.get_mut(old))
        {
            *place = new;
        }
    }
    // A row without value has a code that no word has; it becomes zero.
    let renumbered = codes.into_iter().map(|code| {
        usize::try_from(code)
            .ok()
            .and_then(|code| new_codes.get(code))
            .copied()
            .unwrap_or(0)
    });
    let codes = match words.len() {
        0..=0x100 => CodeSlice::U8(renumbered.map(|code| code as u8).collect()),
        0x101..=0x1_0000 => CodeSlice::U16(renumbered.map(|code| code as u16).collect()),
        _ => CodeSlice::U32(renumbered.collect()),
    };
    (codes, words.into_iter().map(|(word, _)| word).collect())
}
