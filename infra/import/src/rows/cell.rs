//! One cell to one value. This is what an import does sixty times a row, so the usual cell takes a few instructions: a whole number is
//! read without looking further, and a word is one look-up under the bytes of the cell, whatever had to be found out about it once.

use std::borrow::Cow;
use std::collections::HashMap;

use chudian_dataset::WORD_BYTES_MAX;
use chudian_dataset::schema::Kind;
use chudian_vocabulary::masking::{looks_like_a_number, mask_numbers};
use rustc_hash::FxBuildHasher;

use super::{BlockColumn, CellFault, NO_NUMBER, NO_WORD, NewWord};
use crate::dates;
use crate::decimal::{Decimal, Factor, Rounding, plain_integer};
use crate::limits::{DICTIONARY_BYTES_MAX, DISTINCT_WORDS_MAX, FIGURE_MAX};
use crate::mapping::{ColumnRule, GroupRule};

/// Words that a flag may be, in lower case.
const YES: [&str; 7] = ["1", "y", "yes", "true", "t", "是", "有"];
const NO: [&str; 8] = ["0", "n", "no", "false", "f", "否", "无", "没有"];

/// The least number that begins like a mobile number and has as many digits.
const MOBILE_MIN: i64 = 13_000_000_000;
/// The greatest.
const MOBILE_MAX: i64 = 19_999_999_999;

/// Why a cell does not go into its column.
pub(super) enum PushFault {
    Cell(CellFault),
    /// The column has more distinct words than a column of words has.
    TooManyWords {
        distinct_max: usize,
        bytes_max: usize,
    },
}

impl From<CellFault> for PushFault {
    fn from(fault: CellFault) -> Self {
        Self::Cell(fault)
    }
}

/// What a cell's bytes mean in a column of words.
#[derive(Clone, Copy)]
enum Meaning {
    Nothing,
    Code(u32),
    Fault(CellFault),
}

/// What all columns of words share.
#[derive(Default)]
pub(super) struct Dictionaries {
    new: Vec<NewWord>,
    bytes: usize,
}

impl Dictionaries {
    pub(super) fn take_new(&mut self) -> Vec<NewWord> {
        std::mem::take(&mut self.new)
    }
}

/// Reads the cells of one column.
pub(super) struct CellReader {
    kind: Kind,
    factor: Factor,
    rounding: Rounding,
    min: Option<i64>,
    max: Option<i64>,
    empty: Vec<Vec<u8>>,
    groups: Vec<GroupRule>,
    only_groups: bool,
    /// By the bytes of a cell.
    meanings: HashMap<Box<[u8]>, Meaning, FxBuildHasher>,
    /// By word.
    codes: HashMap<String, u32>,
}

impl CellReader {
    pub(super) fn new(rule: &ColumnRule, empty: &[String]) -> Self {
        Self {
            kind: rule.column.kind,
            factor: rule.factor,
            rounding: rule.rounding,
            min: rule.min,
            max: rule.max,
            empty: empty.iter().map(|word| word.as_bytes().to_vec()).collect(),
            groups: rule.groups.clone(),
            only_groups: rule.only_groups,
            meanings: HashMap::default(),
            codes: HashMap::new(),
        }
    }

    /// Appends the value of `cell` to `column`, which is column `index` of the mapping.
    pub(super) fn push(
        &mut self,
        cell: &[u8],
        column: &mut BlockColumn,
        index: usize,
        dictionaries: &mut Dictionaries,
    ) -> Result<(), PushFault> {
        // What is wrong with a cell is less than that it tells who somebody is; and then nothing of it is shown.
        let personal_first = |fault| personal_number(cell).unwrap_or(fault);
        match column {
            BlockColumn::Numbers(values) if self.kind == Kind::Date => {
                values.push(self.date(cell).map_err(personal_first)?)
            }
            BlockColumn::Numbers(values) => values.push(self.number(cell).map_err(personal_first)?),
            BlockColumn::Words(codes) => {
                let meaning = match self.meanings.get(cell) {
                    Some(meaning) => *meaning,
                    None => self.learn(cell, index, dictionaries)?,
                };
                codes.push(match meaning {
                    Meaning::Code(code) => code,
                    Meaning::Nothing => NO_WORD,
                    Meaning::Fault(fault) => return Err(fault.into()),
                });
            }
            BlockColumn::Flags(values) => values.push(self.flag(cell).map_err(personal_first)?),
            BlockColumn::Scores(values) => values.push(self.score(cell).map_err(personal_first)?),
        }
        Ok(())
    }

    /// Whether a cell says that there is no value.
    fn is_empty(&self, cell: &[u8]) -> bool {
        // The blanks of Chinese text (U+3000) and of web pages (U+00A0) are blanks too.
        let cell = std::str::from_utf8(cell).map_or(cell, |text| text.trim().as_bytes());
        cell.is_empty() || self.empty.iter().any(|word| word == cell)
    }

    fn number(&self, cell: &[u8]) -> Result<i64, CellFault> {
        let number = match plain_integer(cell) {
            // The usual cell: digits in the dataset's own unit.
            Some(number)
                if self.factor == Factor::ONE && (-FIGURE_MAX..=FIGURE_MAX).contains(&number) =>
            {
                if (MOBILE_MIN..=MOBILE_MAX).contains(&number) {
                    return Err(CellFault::TelephoneNumber);
                }
                number
            }
            _ if self.is_empty(cell) => return Ok(NO_NUMBER),
            _ => {
                if std::str::from_utf8(cell).is_ok_and(|text| looks_like_a_number(text.trim())) {
                    return Err(CellFault::TelephoneNumber);
                }
                let number = Decimal::parse(cell).map_err(CellFault::Number)?;
                // A program that keeps a column with gaps in floating point writes a number as `13812345678.0`.
                if number
                    .whole(Factor::ONE, Rounding::Exact)
                    .is_ok_and(|number| (MOBILE_MIN..=MOBILE_MAX).contains(&number))
                {
                    return Err(CellFault::TelephoneNumber);
                }
                number
                    .whole(self.factor, self.rounding)
                    .map_err(CellFault::Number)?
            }
        };
        let fits =
            self.min.is_none_or(|min| min <= number) && self.max.is_none_or(|max| number <= max);
        if fits {
            Ok(number)
        } else {
            Err(CellFault::OutOfBounds {
                min: self.min,
                max: self.max,
            })
        }
    }

    fn date(&self, cell: &[u8]) -> Result<i64, CellFault> {
        match dates::parse(cell) {
            Some(days) => Ok(days.into()),
            None if self.is_empty(cell) => Ok(NO_NUMBER),
            None => Err(CellFault::Date),
        }
    }

    fn flag(&self, cell: &[u8]) -> Result<Option<bool>, CellFault> {
        match cell {
            b"1" => return Ok(Some(true)),
            b"0" => return Ok(Some(false)),
            _ if self.is_empty(cell) => return Ok(None),
            _ => {}
        }
        let text = String::from_utf8_lossy(cell).trim().to_lowercase();
        if YES.contains(&text.as_str()) {
            Ok(Some(true))
        } else if NO.contains(&text.as_str()) {
            Ok(Some(false))
        } else {
            Err(CellFault::Flag)
        }
    }

    fn score(&self, cell: &[u8]) -> Result<f64, CellFault> {
        if self.is_empty(cell) {
            return Ok(f64::NAN);
        }
        let text = std::str::from_utf8(cell)
            .map_err(|_| CellFault::Score)?
            .trim();
        if looks_like_a_number(text) {
            return Err(CellFault::TelephoneNumber);
        }
        match text.parse::<f64>() {
            Ok(score)
                if score.fract() == 0.0
                    && (MOBILE_MIN as f64..=MOBILE_MAX as f64).contains(&score) =>
            {
                Err(CellFault::TelephoneNumber)
            }
            Ok(score) if score.is_finite() => Ok(score),
            _ => Err(CellFault::Score),
        }
    }

    /// Finds out what a cell means that was not seen before.
    fn learn(
        &mut self,
        cell: &[u8],
        index: usize,
        dictionaries: &mut Dictionaries,
    ) -> Result<Meaning, PushFault> {
        let meaning = match self.word_of(cell) {
            Ok(None) => Meaning::Nothing,
            Err(fault) => Meaning::Fault(fault),
            Ok(Some(word)) => match self.codes.get(&word) {
                Some(code) => Meaning::Code(*code),
                None => {
                    let code = u32::try_from(self.codes.len()).unwrap_or(NO_WORD);
                    dictionaries.bytes += 2 * word.len();
                    dictionaries.new.push(NewWord {
                        column: index,
                        word: word.clone(),
                    });
                    self.codes.insert(word, code);
                    Meaning::Code(code)
                }
            },
        };
        // Cells that are grouped or wrong can be of any number, words cannot; what is not kept is found out again.
        let is_kept = self.meanings.len() < 2 * DISTINCT_WORDS_MAX && cell.len() <= WORD_BYTES_MAX;
        if is_kept {
            dictionaries.bytes += cell.len();
        }
        let too_many =
            self.codes.len() > DISTINCT_WORDS_MAX || dictionaries.bytes > DICTIONARY_BYTES_MAX;
        if too_many {
            return Err(PushFault::TooManyWords {
                distinct_max: DISTINCT_WORDS_MAX,
                bytes_max: DICTIONARY_BYTES_MAX,
            });
        }
        if is_kept {
            self.meanings.insert(cell.into(), meaning);
        }
        Ok(meaning)
    }

    /// The word of a cell: its group's code where it has one.
    fn word_of(&self, cell: &[u8]) -> Result<Option<String>, CellFault> {
        if self.is_empty(cell) {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(cell);
        let text = text.trim();
        if let Some(fault) = personal_number(cell) {
            return Err(fault);
        }
        let named = self
            .groups
            .iter()
            .find(|group| group.code == text || group.words.iter().any(|word| word == text));
        if let Some(group) = named {
            return Ok(Some(group.code.clone()));
        }
        if self.groups.iter().any(GroupRule::is_span) {
            let number = Decimal::parse(text.as_bytes())
                .and_then(|number| number.whole(Factor::ONE, Rounding::Down));
            let number = number.map_err(CellFault::Number)?;
            let group = self
                .groups
                .iter()
                .find(|group| group.holds(number))
                .ok_or(CellFault::NoGroup)?;
            return Ok(Some(group.code.clone()));
        }
        if self.only_groups {
            return Err(CellFault::NoGroup);
        }
        if text.chars().any(char::is_control) {
            return Err(CellFault::ControlCharacter);
        }
        if text.len() > WORD_BYTES_MAX {
            return Err(CellFault::WordTooLong);
        }
        Ok(Some(text.to_owned()))
    }
}

/// The number in a cell that tells who somebody is, if it holds one; in full-width digits, as input methods write them, too.
pub(crate) fn personal_number(cell: &[u8]) -> Option<CellFault> {
    let text = String::from_utf8_lossy(cell);
    let text: Cow<'_, str> = if text.is_ascii() {
        text
    } else {
        text.chars().map(narrow).collect()
    };
    let text = text.trim();
    if looks_like_a_number(text) || mask_numbers(text) != text {
        Some(CellFault::TelephoneNumber)
    } else {
        holds_identity_card(text).then_some(CellFault::IdentityCard)
    }
}

/// A full-width form (U+FF01 to U+FF5E) as the plain character.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)
        }
        other => other,
    }
}

/// Whether a word is a flag.
pub(crate) fn is_flag_word(text: &str) -> bool {
    let text = text.to_lowercase();
    YES.contains(&text.as_str()) || NO.contains(&text.as_str())
}

/// Whether a text holds the number of a mainland identity card: seventeen digits and a check character (GB 11643).
pub(crate) fn holds_identity_card(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let bytes = text.as_bytes();
    bytes.windows(18).enumerate().any(|(place, window)| {
        let Some((digits, check)) = window.split_first_chunk::<17>() else {
            return false;
        };
        let alone = !place
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_some_and(u8::is_ascii_digit)
            && !bytes.get(place + 18).is_some_and(u8::is_ascii_digit);
        if !alone || !digits.iter().all(u8::is_ascii_digit) {
            return false;
        }
        let sum: u32 = digits
            .iter()
            .zip(WEIGHTS)
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        let expected = usize::try_from(sum % 11)
            .ok()
            .and_then(|place| CHECKS.get(place));
        check.first().map(u8::to_ascii_uppercase).as_ref() == expected
    })
}
