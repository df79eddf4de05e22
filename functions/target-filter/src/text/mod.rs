//! The readable form of expressions, in Chinese and English at once (TF-1): `品牌 = 动感地带 且 月均消费 ≥ 80`, `brand = M-Zone and arpu >= 80`.
//!
//! ```text
//! text ─ lexer ─▶ tokens with places ─ parser ─▶ Expression + places ─▶ …
//! Expression ─ printer(language) ─▶ text
//! ```
//!
//! Every word of the language exists in both tongues and may be mixed; full-width characters count as their plain forms. The grammar stands
//! in `docs/reference/filter-api.md`. Invariants: what the printer writes, the parser reads back to the same expression; nothing
//! recurses deeper than [`NESTING_MAX`]; an error names the character at which it was found and what was expected there.

mod lexer;
mod parser;
mod printer;
mod words;

use std::ops::Range;

use chudian_dataset::expression::bind::{Part, Place};
use chudian_vocabulary::Name;

pub use parser::parse;
pub use printer::{literal, print, subject};

/// Longest text, bytes: room for the largest allowed expression with long lists.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Parentheses and `not` within one another; more than any expression may be deep, so that the depth is judged by the tree.
pub const NESTING_MAX: usize = 48;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Stable code.
    pub code: &'static str,
    /// Bytes of the text that are meant.
    pub range: Range<usize>,
    /// The first of them as a character of the text, from 1.
    pub column: usize,
    /// What was expected, with the column.
    pub detail: Name,
}

impl TextError {
    fn new(code: &'static str, text: &str, range: Range<usize>, zh: &str, en: &str) -> Self {
        let column = column_of(text, range.start);
        let detail = Name::new(
            format!("第 {column} 个字符：{zh}"),
            format!("At character {column}: {en}"),
        );
        Self {
            code,
            range,
            column,
            detail,
        }
    }
}

/// The character, from 1, that begins at or after a byte of a text.
#[must_use]
pub fn column_of(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}

/// Where the parts of an expression stand in its text; a tree of the expression's shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// All of it, in bytes.
    pub range: Range<usize>,
    /// The parts.
    pub parts: Vec<Spans>,
    /// What a term tests.
    pub subject: Range<usize>,
    /// The literals of a term.
    pub literals: Vec<Range<usize>>,
}

impl Spans {
    /// The bytes at which `place` stands; of a place within a saved group, the reference.
    #[must_use]
    pub fn at(&self, place: &Place) -> Range<usize> {
        let mut at = self;
        for index in &place.path {
            match at.parts.get(*index) {
                Some(part) => at = part,
                None => return at.range.clone(),
            }
        }
        let is_term = !at.literals.is_empty() || !at.subject.is_empty();
        match place.part {
            Part::Subject if is_term => at.subject.clone(),
            Part::Literal(index) => at.literals.get(index).unwrap_or(&at.range).clone(),
            Part::Whole | Part::Subject => at.range.clone(),
        }
    }
}
