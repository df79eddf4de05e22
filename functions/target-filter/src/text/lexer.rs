//! From characters to tokens, each with its place.

use std::iter::Peekable;
use std::ops::Range;

use chudian_dataset::expression::ast::{Comparison, Decimal, Literal, Step};
use chudian_dataset::expression::names::plain;
use chudian_dataset::expression::units::is_unit;
use chudian_vocabulary::Date;

use super::TextError;

/// What a piece of the text is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A run of letters, digits, `_`, `-`, `#`, `.`: a name, a word or a keyword.
    Word(String),
    /// A text in quotation marks, always a value.
    Quoted(String),
    /// A text in backquotes or `【】`, always a name.
    Name(String),
    /// A number with its unit, or a date.
    Value(Literal),
    /// A comparison.
    Comparison(Comparison),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,` or `、`
    Comma,
    /// The end of the text.
    End,
}

/// A token and its bytes in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) token: Token,
    pub(super) range: Range<usize>,
}

/// Pairs of marks around values, and around names.
const VALUE_MARKS: [(char, char); 5] = [
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('‘', '’'),
    ('「', '」'),
];
const NAME_MARKS: [(char, char); 2] = [('`', '`'), ('【', '】')];

/// Whether a run goes on with this character.
pub(super) fn is_run(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '#' | '%' | '·' | '+')
}

/// Characters that end a run and are words by themselves, so that `80且` and `动感地带或` need no space.
const JOINERS: [char; 2] = ['且', '或'];

/// Splits a text into tokens; the last is [`Token::End`].
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, TextError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut pieces = Vec::new();
    loop {
        let piece = lexer.next()?;
        let is_end = piece.token == Token::End;
        pieces.push(piece);
        if is_end {
            return Ok(pieces);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character in its plain form.
    fn peek(&self) -> Option<char> {
        self.rest().chars().next().map(plain)
    }

    /// The character `count` places on, in its plain form.
    fn peek_at(&self, count: usize) -> Option<char> {
        self.rest().chars().nth(count).map(plain)
    }

    fn step(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.step();
        }
    }

    fn next(&mut self) -> Result<Piece, TextError> {
        self.skip_spaces();
        let start = self.at;
        let Some(first) = self.peek() else {
            return Ok(Piece {
                token: Token::End,
                range: start..start,
            });
        };
        let token = self.token(first)?;
        Ok(Piece {
            token,
            range: start..self.at,
        })
    }

    fn token(&mut self, first: char) -> Result<Token, TextError> {
        if let Some((_, close)) = VALUE_MARKS.into_iter().find(|(open, _)| *open == first) {
            return self.marked(close).map(Token::Quoted);
        }
        if let Some((_, close)) = NAME_MARKS.into_iter().find(|(open, _)| *open == first) {
            return self.marked(close).map(Token::Name);
        }
        let simple = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' | '、' | ';' => Some(Token::Comma),
            _ => None,
        };
        if let Some(token) = simple {
            self.step();
            return Ok(token);
        }
        if let Some(comparison) = self.comparison(first) {
            return Ok(Token::Comparison(comparison));
        }
        let is_negative = first == '-' && self.peek_at(1).is_some_and(|next| next.is_ascii_digit());
        if first.is_ascii_digit() || is_negative {
            return self.number(first);
        }
        if JOINERS.contains(&first) {
            let is_long = first == '或' && self.peek_at(1) == Some('者');
            (0..=usize::from(is_long)).for_each(|_| self.step());
            return Ok(Token::Word(first.to_string()));
        }
        if is_run(first) {
            return Ok(Token::Word(self.run()));
        }
        match (first, self.peek_at(1)) {
            ('&', Some('&')) | ('|', Some('|')) => {
                self.step();
                self.step();
                Ok(Token::Word(format!("{first}{first}")))
            }
            ('!', _) => {
                self.step();
                Ok(Token::Word("!".to_owned()))
            }
            _ => {
                let end = self.at + self.rest().chars().next().map_or(0, char::len_utf8);
                let (zh, en) = (
                    format!("不认识的字符“{first}”；文字请加引号。"),
                    format!("unexpected `{first}`; put texts in quotation marks."),
                );
                Err(TextError::new(
                    "unexpected-character",
                    self.text,
                    self.at..end,
                    &zh,
                    &en,
                ))
            }
        }
    }

    /// A text up to its closing mark; a backslash takes the next character as it is.
    fn marked(&mut self, close: char) -> Result<String, TextError> {
        let start = self.at;
        self.step();
        let mut content = String::new();
        // Inside marks nothing is made plain: the text is the customer table's own.
        while let Some(character) = self.rest().chars().next() {
            self.step();
            if character == close || plain(character) == close {
                return if content.chars().any(char::is_control) {
                    Err(self.control_character(start))
                } else {
                    Ok(content)
                };
            }
            if character == '\\' {
                if let Some(escaped) = self.rest().chars().next() {
                    content.push(escaped);
                    self.step();
                }
            } else {
                content.push(character);
            }
        }
        let (zh, en) = (
            format!("这里开始的引号没有结束，缺少 {close}。"),
            format!("the quotation that begins here does not end; add {close}."),
        );
        Err(TextError::new(
            "open-quotation",
            self.text,
            start..self.text.len(),
            &zh,
            &en,
        ))
    }

    /// The text that begins at `start` has a character that no word of the dataset has.
    fn control_character(&self, start: usize) -> TextError {
        TextError::new(
            "control-character",
            self.text,
            start..self.at,
            "文字中不能有控制字符或换行。",
            "a text has no control characters and no line breaks.",
        )
    }

    fn comparison(&mut self, first: char) -> Option<Comparison> {
        let (comparison, characters) = match (first, self.peek_at(1)) {
            ('≥', _) => (Comparison::AtLeast, 1),
            ('≤', _) => (Comparison::AtMost, 1),
            ('≠', _) => (Comparison::NotEqual, 1),
            ('>', Some('=')) => (Comparison::AtLeast, 2),
            ('<', Some('=')) => (Comparison::AtMost, 2),
            ('!', Some('=')) | ('<', Some('>')) => (Comparison::NotEqual, 2),
            ('=', Some('=')) => (Comparison::Equal, 2),
            ('=', _) => (Comparison::Equal, 1),
            ('>', _) => (Comparison::Greater, 1),
            ('<', _) => (Comparison::Less, 1),
            _ => return None,
        };
        (0..characters).for_each(|_| self.step());
        Some(comparison)
    }

    /// A run of characters. A hyphen or a point belongs to it between two of its characters: `M-Zone`, `v1.2`.
    fn run(&mut self) -> String {
        let mut run = String::new();
        while let Some(character) = self.peek() {
            let goes_on = is_run(character) && !JOINERS.contains(&character)
                || matches!(character, '-' | '.' | '–')
                    && !run.is_empty()
                    && self.peek_at(1).is_some_and(is_run);
            if !goes_on {
                break;
            }
            // `并且` and `或者` are one word each.
            if matches!(character, '并' | '而') && self.peek_at(1) == Some('且') {
                if run.is_empty() {
                    self.step();
                    self.step();
                    return format!("{character}且");
                }
                break;
            }
            run.push(character);
            self.step();
        }
        run
    }

    /// What begins with a digit: a date, a number with or without unit, or a word such as `3G`.
    fn number(&mut self, first: char) -> Result<Token, TextError> {
        let start = self.at;
        if let Some(date) = self.date() {
            return Ok(Token::Value(Literal::Date(date)));
        }
        if let Some(characters) = self.no_date() {
            (0..characters).for_each(|_| self.step());
            return Err(TextError::new(
                "not-a-date",
                self.text,
                start..self.at,
                "日期应为 YYYY-MM-DD，且确有这一天。",
                "a date has the form YYYY-MM-DD and must exist.",
            ));
        }
        let mut digits = String::new();
        if first == '-' {
            digits.push('-');
            self.step();
        }
        let mut has_point = false;
        while let Some(character) = self.peek() {
            let is_point = character == '.'
                && !has_point
                && self.peek_at(1).is_some_and(|next| next.is_ascii_digit());
            if !character.is_ascii_digit() && !is_point {
                break;
            }
            has_point |= is_point;
            digits.push(character);
            self.step();
        }
        let after_digits = self.at;
        let suffix = self.run();
        let whole = if suffix.is_empty() {
            self.unit_after_space()
        } else {
            Some(suffix)
        };
        match whole {
            None => self.value(&digits, None, start),
            Some(unit) => match ago(&digits, &unit) {
                Some(literal) => Ok(Token::Value(literal)),
                None if is_unit(&unit) => self.value(&digits, Some(unit), start),
                None => {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    self.at = self.at.max(after_digits);
                    Ok(Token::Word(text.chars().map(plain).collect()))
                }
            },
        }
    }

    /// A unit that stands after a space, such as `80 yuan`; nothing is taken when another word stands there.
    fn unit_after_space(&mut self) -> Option<String> {
        let before = self.at;
        self.skip_spaces();
        let run = match self.peek() {
            Some(character)
                if is_run(character)
                    && !character.is_ascii_digit()
                    && !JOINERS.contains(&character) =>
            {
                self.run()
            }
            _ => String::new(),
        };
        let is_back = run
            .strip_suffix('前')
            .is_some_and(|unit| step_of(unit).is_some());
        if !run.is_empty() && (is_unit(&run) || is_back) {
            return Some(run);
        }
        self.at = before;
        None
    }

    fn value(
        &mut self,
        digits: &str,
        unit: Option<String>,
        start: usize,
    ) -> Result<Token, TextError> {
        match Decimal::parse(digits) {
            Ok(number) => Ok(Token::Value(Literal::Number(number, unit))),
            Err(_) => Err(TextError::new(
                "not-a-number",
                self.text,
                start..self.at,
                "数字最多 18 位，小数最多 12 位。",
                "a number has at most 18 digits, 12 of them decimals.",
            )),
        }
    }

    /// `YYYY-MM-DD` when it stands here and is a day.
    fn date(&mut self) -> Option<i32> {
        let characters: Vec<char> = self.rest().chars().take(11).collect();
        let text: String = characters.iter().take(10).copied().map(plain).collect();
        let goes_on = characters.get(10).copied().map(plain).is_some_and(is_run);
        let date = Date::parse(&text).ok().filter(|_| !goes_on)?;
        (0..10).for_each(|_| self.step());
        Some(date.unix_days())
    }

    /// How many characters look like a date that is none, such as `2026-02-30` or `2026-5-1`: four digits and twice a hyphen with one or
    /// two. Nothing else in the language begins like that.
    fn no_date(&self) -> Option<usize> {
        let mut rest = self.rest().chars().map(plain).peekable();
        fn digits(rest: &mut Peekable<impl Iterator<Item = char>>, max: usize) -> usize {
            (0..max)
                .map_while(|_| rest.next_if(char::is_ascii_digit))
                .count()
        }
        if digits(&mut rest, 4) < 4 {
            return None;
        }
        let mut characters = 4;
        for _ in 0..2 {
            rest.next_if_eq(&'-')?;
            let count = digits(&mut rest, 2);
            if count == 0 {
                return None;
            }
            characters += 1 + count;
        }
        Some(characters)
    }
}

/// The step that a unit of time means.
pub(super) fn step_of(unit: &str) -> Option<Step> {
    match unit.to_ascii_lowercase().as_str() {
        "天" | "日" | "day" | "days" => Some(Step::Days),
        "个月" | "月" | "month" | "months" => Some(Step::Months),
        _ => None,
    }
}

/// `90天前` and `6个月前`.
fn ago(digits: &str, suffix: &str) -> Option<Literal> {
    let step = step_of(suffix.strip_suffix('前')?)?;
    Some(Literal::Ago(digits.parse().ok()?, step))
}
