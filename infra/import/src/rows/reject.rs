//! Why a row is rejected, in both languages, and what of it may be shown.

use chudian_dataset::WORD_BYTES_MAX;
use chudian_vocabulary::Language;
use chudian_vocabulary::masking::mask_numbers;

use crate::decimal::NumberFault;
use crate::limits::{FIGURE_MAX, SHOWN_CHARACTERS_MAX};

/// A row that is not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Line of the file.
    pub line: u64,
    /// Heading of the column that is wrong; empty when it is the row as a whole.
    pub heading: String,
    /// What is wrong.
    pub reason: RejectReason,
    /// The cell, masked and shortened; `(n)` for an identifier of `n` characters.
    pub shown: String,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Another number of cells than headings.
    Ragged {
        /// Cells of the row.
        found: usize,
        /// Headings of the file.
        expected: usize,
    },
    /// The customer came before.
    Duplicate {
        /// Line where the customer came first.
        first_line: u64,
    },
    /// One cell.
    Cell(CellFault),
}

/// What is wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellFault {
    /// No number in the dataset's unit.
    Number(NumberFault),
    /// Outside the bounds that the mapping states.
    OutOfBounds {
        /// Least.
        min: Option<i64>,
        /// Greatest.
        max: Option<i64>,
    },
    /// No date.
    Date,
    /// Neither yes nor no.
    Flag,
    /// No finite number.
    Score,
    /// A word of more bytes than a word has.
    WordTooLong,
    /// A word with control characters.
    ControlCharacter,
    /// A word or number that no group holds.
    NoGroup,
    /// A telephone number where none belongs.
    TelephoneNumber,
    /// The number of an identity card.
    IdentityCard,
    /// No customer.
    NoId,
    /// No mobile number.
    NotMobile,
    /// No pseudonym.
    NotPseudonym,
}

impl RejectReason {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "ragged",
            Self::Duplicate { .. } => "duplicate",
            Self::Cell(fault) => match fault {
                CellFault::Number(NumberFault::Form) => "not-a-number",
                CellFault::Number(NumberFault::TooLarge) => "too-large",
                CellFault::Number(NumberFault::NotWhole) => "not-whole",
                CellFault::OutOfBounds { .. } => "out-of-bounds",
                CellFault::Date => "not-a-date",
                CellFault::Flag => "not-a-flag",
                CellFault::Score => "not-a-score",
                CellFault::WordTooLong => "word-too-long",
                CellFault::ControlCharacter => "control-character",
                CellFault::NoGroup => "no-group",
                CellFault::TelephoneNumber => "telephone-number",
                CellFault::IdentityCard => "identity-card",
                CellFault::NoId => "no-id",
                CellFault::NotMobile => "not-a-mobile-number",
                CellFault::NotPseudonym => "not-a-pseudonym",
            },
        }
    }

    /// Whether the cell tells who somebody is.
    pub(super) const fn is_personal(&self) -> bool {
        matches!(
            self,
            Self::Cell(CellFault::TelephoneNumber | CellFault::IdentityCard)
                | Self::Duplicate { .. }
        )
    }

    /// What is wrong and what to do, in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let pick = |english: &str, chinese: &str| match language {
            Language::English => english.to_owned(),
            Language::Chinese => chinese.to_owned(),
        };
        match self {
            Self::Ragged { found, expected } => pick(
                &format!("the row has {found} cells, the heading has {expected}"),
                &format!("该行有 {found} 个单元格，表头有 {expected} 个"),
            ),
            Self::Duplicate { first_line } => pick(
                &format!("the customer stands on line {first_line} already"),
                &format!("该客户已在第 {first_line} 行出现"),
            ),
            Self::Cell(fault) => match fault {
                CellFault::Number(NumberFault::Form) => pick("not a number", "不是数字"),
                CellFault::Number(NumberFault::TooLarge) => pick(
                    &format!(
                        "larger than any customer's figure can be ({FIGURE_MAX} in the dataset's unit)"
                    ),
                    &format!("超过客户可能的最大数值（按数据集单位为 {FIGURE_MAX}）"),
                ),
                CellFault::Number(NumberFault::NotWhole) => pick(
                    "not a whole number of the dataset's unit; state `rounding` in the mapping if it may be rounded",
                    "换算后不是数据集单位的整数；如可取整，请在映射中写明 `rounding`",
                ),
                CellFault::OutOfBounds { min, max } => {
                    let bound = |bound: &Option<i64>| {
                        bound.map_or_else(|| "…".to_owned(), |bound| bound.to_string())
                    };
                    let (min, max) = (bound(min), bound(max));
                    pick(
                        &format!("outside {min} to {max}"),
                        &format!("不在 {min} 至 {max} 之间"),
                    )
                }
                CellFault::Date => pick(
                    "not a date such as 2026-05-01",
                    "不是 2026-05-01 这样的日期",
                ),
                CellFault::Flag => pick(
                    "neither yes nor no (1/0, yes/no, 是/否, true/false)",
                    "既不是“是”也不是“否”（1/0、是/否、yes/no、true/false）",
                ),
                CellFault::Score => pick("not a finite number", "不是有限数值"),
                CellFault::WordTooLong => pick(
                    &format!(
                        "a word has at most {WORD_BYTES_MAX} bytes; texts do not belong into the dataset"
                    ),
                    &format!("词最长 {WORD_BYTES_MAX} 字节；长文本不应进入数据集"),
                ),
                CellFault::ControlCharacter => pick("holds a control character", "含有控制字符"),
                CellFault::NoGroup => {
                    pick("no group of the mapping holds it", "映射中没有分组包含它")
                }
                CellFault::TelephoneNumber => pick(
                    "holds a telephone number; drop the column in the mapping",
                    "含有电话号码；请在映射中丢弃该列",
                ),
                CellFault::IdentityCard => pick(
                    "holds the number of an identity card; drop the column in the mapping",
                    "含有身份证号；请在映射中丢弃该列",
                ),
                CellFault::NoId => pick("no customer", "没有客户标识"),
                CellFault::NotMobile => pick(
                    "not a mobile number; if the column holds other identifiers, state form = \"text\"",
                    "不是手机号码；如该列为其他标识，请写 form = \"text\"",
                ),
                CellFault::NotPseudonym => {
                    pick("not a pseudonym of 26 characters", "不是 26 个字符的假名")
                }
            },
        }
    }
}

/// Digits from which a run is shown by its length alone: identity cards have had fifteen and have eighteen, bank cards sixteen to nineteen,
/// and one with a wrong digit is recognised by nothing else. No figure of a customer has as many.
const LONG_NUMBER_DIGITS: usize = 15;

/// The text with every long run of digits as `(n)`.
fn without_long_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut digits = String::new();
    for character in text.chars().map(Some).chain([None]) {
        match character {
            Some(digit) if digit.is_numeric() => digits.push(digit),
            other => {
                match digits.chars().count() {
                    count if count >= LONG_NUMBER_DIGITS => {
                        shown.push('(');
                        shown.push_str(&count.to_string());
                        shown.push(')');
                    }
                    _ => shown.push_str(&digits),
                }
                digits.clear();
                shown.extend(other);
            }
        }
    }
    shown
}

/// What may be shown of a cell: one short line, numbers masked.
pub(super) fn shown(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    let masked = without_long_numbers(&mask_numbers(&text));
    let line: String = masked
        .chars()
        .map(|character| {
            if character.is_control() {
                '�'
            } else {
                character
            }
        })
        .take(SHOWN_CHARACTERS_MAX)
        .collect();
    // A spreadsheet takes what begins like this for a formula and computes it.
    let line = if line.starts_with(['=', '+', '-', '@']) {
        format!("'{line}")
    } else {
        line
    };
    if masked.chars().nth(SHOWN_CHARACTERS_MAX).is_some() {
        line + "…"
    } else {
        line
    }
}
