//! From tokens to an expression and the places of its parts.

use std::ops::Range;

use chudian_dataset::contact::{ContactTerm, Measure, Window};
use chudian_dataset::expression::ast::{
    Comparison, Expression, GroupReference, Literal, Step, Subject, Term, Test,
};
use chudian_dataset::expression::limits::{LIST_VALUES_MAX, TERMS_MAX};
use chudian_dataset::expression::names::fold;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::EventKind;

use super::lexer::{Piece, Token, pieces, step_of};
use super::words::{COMPARISON_WORDS, Keyword, PHRASE_WORDS_MAX, split_test};
use super::{NESTING_MAX, Spans, TEXT_BYTES_MAX, TextError};

/// Reads a text.
///
/// # Errors
/// The first mistake, with its place and what was expected there.
pub fn parse(text: &str) -> Result<(Expression, Spans), TextError> {
    if text.len() > TEXT_BYTES_MAX {
        let (zh, en) = (
            format!("条件文字最多 {TEXT_BYTES_MAX} 字节。"),
            format!("the text has at most {TEXT_BYTES_MAX} bytes."),
        );
        return Err(TextError::new("text-too-long", text, 0..0, &zh, &en));
    }
    let mut parser = Parser {
        text,
        pieces: pieces(text)?,
        at: 0,
        terms: 0,
    };
    let parsed = parser.alternatives(0)?;
    if !parser.is(&Token::End) {
        return Err(parser.expected("“且”、“或”或结尾", "`and`, `or` or the end"));
    }
    if parser.terms > TERMS_MAX {
        let terms = parser.terms;
        let zh =
            format!("共 {terms} 个条件，最多 {TERMS_MAX} 个。请合并为“属于”列表，或存为分组。");
        let en = format!(
            "there are {terms} terms; at most {TERMS_MAX} are allowed. Join them into lists (`in`) or save parts as groups."
        );
        return Err(TextError::new(
            "too-many-terms",
            text,
            0..text.len(),
            &zh,
            &en,
        ));
    }
    Ok(parsed)
}

type Parsed = (Expression, Spans);

struct Parser<'t> {
    text: &'t str,
    pieces: Vec<Piece>,
    at: usize,
    terms: usize,
}

impl Parser<'_> {
    fn piece(&self, ahead: usize) -> Option<&Piece> {
        self.pieces.get(self.at + ahead).or(self.pieces.last())
    }

    fn is(&self, token: &Token) -> bool {
        self.piece(0).is_some_and(|piece| &piece.token == token)
    }

    fn range(&self) -> Range<usize> {
        self.piece(0).map_or(0..0, |piece| piece.range.clone())
    }

    /// Where the piece before ended.
    fn end_before(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|before| self.pieces.get(before))
            .map_or(0, |piece| piece.range.end)
    }

    fn expected(&self, zh: &str, en: &str) -> TextError {
        let range = self.range();
        let found = self.text.get(range.clone()).unwrap_or_default();
        let (found_zh, found_en) = if found.is_empty() {
            ("文字已结束".to_owned(), "the text ends".to_owned())
        } else {
            (format!("得到“{found}”"), format!("found `{found}`"))
        };
        TextError::new(
            "syntax",
            self.text,
            range,
            &format!("应为{zh}，{found_zh}。"),
            &format!("expected {en}, {found_en}."),
        )
    }

    fn eat(&mut self, token: &Token, zh: &str, en: &str) -> Result<(), TextError> {
        if !self.is(token) {
            return Err(self.expected(zh, en));
        }
        self.at += 1;
        Ok(())
    }

    /// The keyword that stands `ahead` of here, the longest phrase that fits, and its pieces.
    fn keyword(&self, ahead: usize) -> Option<(Keyword, usize)> {
        let words: Vec<String> = (0..PHRASE_WORDS_MAX)
            .map_while(|index| {
                match self
                    .pieces
                    .get(self.at + ahead + index)
                    .map(|piece| &piece.token)
                {
                    Some(Token::Word(word)) => Some(word.to_lowercase()),
                    _ => None,
                }
            })
            .collect();
        (1..=words.len()).rev().find_map(|count| {
            let phrase: Vec<&str> = words.iter().take(count).map(String::as_str).collect();
            Keyword::of_words(&phrase).map(|keyword| (keyword, count))
        })
    }

    /// Takes the keyword when it stands here.
    fn take(&mut self, wanted: Keyword) -> bool {
        match self.keyword(0) {
            Some((keyword, count)) if keyword == wanted => {
                self.at += count;
                true
            }
            _ => false,
        }
    }

    fn alternatives(&mut self, nesting: usize) -> Result<Parsed, TextError> {
        self.chain(Keyword::Or, Expression::Any, nesting, |parser| {
            parser.conjunction(nesting)
        })
    }

    fn conjunction(&mut self, nesting: usize) -> Result<Parsed, TextError> {
        self.chain(Keyword::And, Expression::All, nesting, |parser| {
            parser.negation(nesting)
        })
    }

    /// Parts that a keyword joins; one part alone stays what it is.
    fn chain(
        &mut self,
        joint: Keyword,
        made: fn(Vec<Expression>) -> Expression,
        nesting: usize,
        mut part: impl FnMut(&mut Self) -> Result<Parsed, TextError>,
    ) -> Result<Parsed, TextError> {
        if nesting > NESTING_MAX {
            let (zh, en) = ("括号嵌套过深。", "parentheses nest too deeply.");
            return Err(TextError::new("too-deep", self.text, self.range(), zh, en));
        }
        let start = self.range().start;
        let (first, first_spans) = part(self)?;
        let (mut parts, mut spans) = (vec![first], vec![first_spans]);
        while self.take(joint) {
            let (next, next_spans) = part(self)?;
            parts.push(next);
            spans.push(next_spans);
        }
        match (parts.pop(), spans.pop()) {
            (Some(only), Some(span)) if parts.is_empty() => Ok((only, span)),
            (last, span) => {
                parts.extend(last);
                spans.extend(span);
                Ok((
                    made(parts),
                    Spans {
                        range: start..self.end_before(),
                        parts: spans,
                        ..Spans::default()
                    },
                ))
            }
        }
    }

    fn negation(&mut self, nesting: usize) -> Result<Parsed, TextError> {
        if nesting > NESTING_MAX {
            let (zh, en) = ("“非”嵌套过深。", "`not` nests too deeply.");
            return Err(TextError::new("too-deep", self.text, self.range(), zh, en));
        }
        let start = self.range().start;
        if self.take(Keyword::Not) {
            let (part, spans) = self.negation(nesting + 1)?;
            return Ok((
                Expression::Not(Box::new(part)),
                self.around(start, vec![spans]),
            ));
        }
        self.primary(nesting)
    }

    fn around(&self, start: usize, parts: Vec<Spans>) -> Spans {
        Spans {
            range: start..self.end_before(),
            parts,
            ..Spans::default()
        }
    }

    fn primary(&mut self, nesting: usize) -> Result<Parsed, TextError> {
        if self.is(&Token::Open) {
            self.at += 1;
            let inner = self.alternatives(nesting + 1)?;
            self.eat(&Token::Close, "“)”", "`)`")?;
            return Ok(inner);
        }
        let is_call = self
            .piece(1)
            .is_some_and(|piece| piece.token == Token::Open);
        if is_call && let Some(Token::Word(word)) = self.piece(0).map(|piece| &piece.token) {
            match self.keyword(0) {
                Some((Keyword::All, 1)) => return self.listed(Expression::All, nesting),
                Some((Keyword::Any, 1)) => return self.listed(Expression::Any, nesting),
                Some((Keyword::Group, 1)) => return self.group(),
                _ => {}
            }
            if let Ok(measure) = word.to_lowercase().parse::<Measure>() {
                let start = self.range().start;
                let subject = Subject::Contact(self.contact(measure)?);
                return self.term(subject, start);
            }
        }
        self.column()
    }

    /// `all(…)` and `any(…)`, for lists of none or one part, which no joint can write.
    fn listed(
        &mut self,
        made: fn(Vec<Expression>) -> Expression,
        nesting: usize,
    ) -> Result<Parsed, TextError> {
        let start = self.range().start;
        self.at += 2;
        let (mut parts, mut spans) = (Vec::new(), Vec::new());
        while !self.is(&Token::Close) {
            let (part, span) = self.alternatives(nesting + 1)?;
            parts.push(part);
            spans.push(span);
            if !self.is(&Token::Close) {
                self.eat(&Token::Comma, "“,”或“)”", "`,` or `)`")?;
            }
        }
        self.at += 1;
        Ok((made(parts), self.around(start, spans)))
    }

    fn group(&mut self) -> Result<Parsed, TextError> {
        let start = self.range().start;
        self.at += 2;
        let name = match self.piece(0).map(|piece| piece.token.clone()) {
            Some(Token::Word(name) | Token::Quoted(name) | Token::Name(name)) => name,
            _ => return Err(self.expected("分组名称", "the name of a group")),
        };
        self.at += 1;
        let mut version = None;
        if self.is(&Token::Comma) {
            self.at += 1;
            version = match self.piece(0).map(|piece| &piece.token) {
                Some(Token::Value(Literal::Number(number, None))) => number
                    .to_string()
                    .parse()
                    .ok()
                    .filter(|version| *version > 0),
                _ => None,
            };
            if version.is_none() {
                return Err(self.expected("分组版本，例如 2", "a version of the group such as 2"));
            }
            self.at += 1;
        }
        self.eat(&Token::Close, "“)”", "`)`")?;
        self.terms += 1;
        Ok((
            Expression::Group(GroupReference { name, version }),
            self.around(start, Vec::new()),
        ))
    }

    fn contact(&mut self, measure: Measure) -> Result<ContactTerm, TextError> {
        self.at += 2;
        let channel = self.vocabulary_word(
            Channel::ALL,
            |channel| (channel.code(), channel.name()),
            "渠道，例如 web-hall 或 任意",
            "a channel such as web-hall, or any",
        )?;
        self.eat(&Token::Comma, "“,”", "`,`")?;
        let kind = self.vocabulary_word(
            EventKind::ALL,
            |kind| (kind.code(), kind.name()),
            "接触类型，例如 complaint 或 任意",
            "a kind of contact such as complaint, or any",
        )?;
        self.eat(&Token::Comma, "“,”", "`,`")?;
        let window = self.window()?;
        self.eat(&Token::Close, "“)”", "`)`")?;
        Ok(ContactTerm {
            measure,
            channel,
            kind,
            window,
        })
    }

    /// A word of the vocabulary by its code or name; `any` is none in particular.
    fn vocabulary_word<T: Copy>(
        &mut self,
        all: &[T],
        names: impl Fn(T) -> (&'static str, chudian_vocabulary::Name),
        zh: &str,
        en: &str,
    ) -> Result<Option<T>, TextError> {
        if self.take(Keyword::Any) {
            return Ok(None);
        }
        let written = match self.piece(0).map(|piece| &piece.token) {
            Some(Token::Word(word) | Token::Quoted(word) | Token::Name(word)) => fold(word),
            Some(Token::Value(Literal::Number(number, None))) => number.to_string(),
            _ => return Err(self.expected(zh, en)),
        };
        let found = all.iter().copied().find(|word| {
            let (code, name) = names(*word);
            code == written || fold(&name.zh) == written || fold(&name.en) == written
        });
        match found {
            Some(word) => {
                self.at += 1;
                Ok(Some(word))
            }
            None => Err(self.expected(zh, en)),
        }
    }

    fn window(&mut self) -> Result<Window, TextError> {
        if self.take(Keyword::Ever) {
            return Ok(Window::Ever);
        }
        let window = match self.piece(0).map(|piece| &piece.token) {
            Some(Token::Word(word)) => word.to_lowercase().parse::<Window>().ok(),
            Some(Token::Value(Literal::Number(number, Some(unit))))
                if step_of(unit) == Some(Step::Days) =>
            {
                number
                    .to_string()
                    .parse()
                    .ok()
                    .and_then(|days| Window::days(days).ok())
            }
            _ => None,
        };
        match window {
            Some(window) => {
                self.at += 1;
                Ok(window)
            }
            None => {
                Err(self.expected("时间窗，例如 90天 或 不限", "a window such as 90d, or ever"))
            }
        }
    }

    fn column(&mut self) -> Result<Parsed, TextError> {
        let start = self.range().start;
        let name = match self.piece(0).map(|piece| piece.token.clone()) {
            Some(Token::Name(name)) => name,
            Some(Token::Word(word)) if self.keyword(0).is_none() => {
                self.split_here(&word);
                match self.piece(0).map(|piece| piece.token.clone()) {
                    Some(Token::Word(word)) => word,
                    _ => word,
                }
            }
            _ => {
                return Err(self.expected(
                    "条件，例如 品牌 = 动感地带",
                    "a condition such as brand = M-Zone",
                ));
            }
        };
        self.at += 1;
        self.term(Subject::Column(name), start)
    }

    /// Parts a run such as `品牌属于` into the name and the test, when no test follows it by itself.
    fn split_here(&mut self, run: &str) {
        let next_is_test = match self.piece(1).map(|piece| &piece.token) {
            Some(Token::Comparison(_)) => true,
            Some(Token::Word(word)) => {
                self.keyword(1)
                    .is_some_and(|(keyword, _)| keyword.is_test() || keyword == Keyword::Not)
                    || comparison_word(word).is_some()
            }
            _ => false,
        };
        if next_is_test {
            return;
        }
        let Some(piece) = self.pieces.get_mut(self.at) else {
            return;
        };
        // Only plain characters were taken into the run, so its bytes are those of the text unless some were full-width.
        if piece.range.len() != run.len() {
            return;
        }
        if let Some((name, test)) = split_test(run) {
            let middle = piece.range.start + name.len();
            let end = piece.range.end;
            *piece = Piece {
                token: Token::Word(name.to_owned()),
                range: piece.range.start..middle,
            };
            self.pieces.insert(
                self.at + 1,
                Piece {
                    token: Token::Word(test.to_owned()),
                    range: middle..end,
                },
            );
        }
    }

    fn term(&mut self, subject: Subject, start: usize) -> Result<Parsed, TextError> {
        let subject_range = start..self.end_before();
        self.terms += 1;
        let mut literals = Vec::new();
        let mut negated = false;
        let test = if let Some(comparison) = self.comparison() {
            Test::Compare(comparison, self.literal(&mut literals)?)
        } else {
            match self.keyword(0) {
                Some((Keyword::In, count)) => self.list(count, &mut literals)?,
                Some((Keyword::NotIn, count)) => {
                    negated = true;
                    self.list(count, &mut literals)?
                }
                Some((Keyword::Between, count)) => {
                    self.at += count;
                    let low = self.literal(&mut literals)?;
                    if !self.take(Keyword::And) && !self.take(Keyword::To) {
                        return Err(self.expected("“至”", "`and`"));
                    }
                    Test::Between(low, self.literal(&mut literals)?)
                }
                Some((Keyword::IsNull, count)) => self.taken(count, Test::IsNull),
                Some((Keyword::IsKnown, count)) => self.taken(count, Test::IsKnown),
                Some((Keyword::StartsWith, count)) => {
                    self.at += count;
                    Test::StartsWith(self.word(&mut literals)?)
                }
                Some((Keyword::Contains, count)) => {
                    self.at += count;
                    Test::Contains(self.word(&mut literals)?)
                }
                _ => {
                    return Err(self.expected(
                        "比较（= ≠ < ≤ > ≥、属于、介于、开头是、包含、为空、已知）",
                        "a test (= != < <= > >=, in, between, starts with, contains, is null, is known)",
                    ));
                }
            }
        };
        let range = start..self.end_before();
        let spans = Spans {
            range: range.clone(),
            parts: Vec::new(),
            subject: subject_range,
            literals,
        };
        let term = Expression::Term(Term { subject, test });
        if negated {
            return Ok((
                Expression::Not(Box::new(term)),
                Spans {
                    range,
                    parts: vec![spans],
                    ..Spans::default()
                },
            ));
        }
        Ok((term, spans))
    }

    fn taken(&mut self, count: usize, test: Test) -> Test {
        self.at += count;
        test
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let found = match self.piece(0).map(|piece| &piece.token) {
            Some(Token::Comparison(comparison)) => Some(*comparison),
            Some(Token::Word(word)) => comparison_word(word),
            _ => None,
        };
        if found.is_some() {
            self.at += 1;
        }
        found
    }

    fn list(&mut self, count: usize, literals: &mut Vec<Range<usize>>) -> Result<Test, TextError> {
        self.at += count;
        self.eat(&Token::Open, "取值列表 (…)", "a list of values (…)")?;
        let mut values = Vec::new();
        while !self.is(&Token::Close) {
            if values.len() >= LIST_VALUES_MAX {
                let zh = format!("列表最多 {LIST_VALUES_MAX} 个取值。");
                let en = format!("a list has at most {LIST_VALUES_MAX} values.");
                return Err(TextError::new(
                    "too-many-values",
                    self.text,
                    self.range(),
                    &zh,
                    &en,
                ));
            }
            values.push(self.literal(literals)?);
            if !self.is(&Token::Close) {
                self.eat(&Token::Comma, "“,”或“)”", "`,` or `)`")?;
            }
        }
        self.at += 1;
        Ok(Test::In(values))
    }

    fn word(&mut self, literals: &mut Vec<Range<usize>>) -> Result<String, TextError> {
        match self.piece(0).map(|piece| piece.token.clone()) {
            Some(Token::Quoted(word) | Token::Word(word)) => {
                literals.push(self.range());
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.expected("文字", "a text")),
        }
    }

    fn literal(&mut self, literals: &mut Vec<Range<usize>>) -> Result<Literal, TextError> {
        let start = self.range().start;
        let literal = match self.piece(0).map(|piece| piece.token.clone()) {
            Some(Token::Quoted(word)) => Literal::Word(word),
            Some(Token::Value(value)) => self.with_ago(value),
            Some(Token::Word(word)) => match self.keyword(0) {
                Some((Keyword::Yes, 1)) => Literal::Flag(true),
                Some((Keyword::No, 1)) => Literal::Flag(false),
                Some((Keyword::Today, 1)) => Literal::Ago(0, Step::Days),
                Some(_) => {
                    return Err(self.expected(
                        "取值；与关键字相同的文字请加引号",
                        "a value; put a word of the language in quotation marks",
                    ));
                }
                None => Literal::Word(word),
            },
            _ => return Err(self.expected("取值", "a value")),
        };
        self.at += 1;
        literals.push(start..self.end_before());
        Ok(literal)
    }

    /// `90 days ago`: a number of days or months with one word more.
    fn with_ago(&mut self, value: Literal) -> Literal {
        let follows = |word: &str| matches!(self.piece(1).map(|piece| &piece.token), Some(Token::Word(next)) if next.to_lowercase() == word);
        if let Literal::Number(number, Some(unit)) = &value
            && let Some(step) = step_of(unit)
            && (follows("ago") || follows("前"))
            && let Ok(count) = number.to_string().parse()
        {
            self.at += 1;
            return Literal::Ago(count, step);
        }
        value
    }
}

fn comparison_word(word: &str) -> Option<Comparison> {
    let (_, sign) = COMPARISON_WORDS.iter().find(|(known, _)| *known == word)?;
    Comparison::ALL
        .into_iter()
        .find(|comparison| comparison.sign() == *sign)
}
