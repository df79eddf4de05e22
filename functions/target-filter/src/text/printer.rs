//! From an expression to its text in a language.
//!
//! Names of columns are printed as their titles where the columns are given and a title means one column only, group codes as theirs; a name or
//! word that the reader would take for something else is put in marks. What cannot be written bare is found out by the reader's own lexer.

use chudian_dataset::contact::{ContactTerm, Window};
use chudian_dataset::expression::ast::{
    Comparison, Expression, Literal, Step, Subject, Term, Test,
};
use chudian_dataset::expression::names::fold;
use chudian_dataset::schema::{Column, Kind};
use chudian_vocabulary::{Date, Language};

use super::lexer::{Token, pieces};
use super::words::{COMPARISON_WORDS, Keyword, split_test};

/// The text of `expression`. With `columns`, titles are printed in place of names.
#[must_use]
pub fn print(expression: &Expression, columns: &[Column], language: Language) -> String {
    let printer = Printer { columns, language };
    let mut text = String::new();
    printer.expression(expression, Tightness::Or, &mut text);
    text
}

/// The text of what a term is about.
#[must_use]
pub fn subject(subject: &Subject, columns: &[Column], language: Language) -> String {
    let printer = Printer { columns, language };
    let mut text = String::new();
    printer.subject(subject, &mut text);
    text
}

/// The text of a literal that is compared with a column of words, or of another kind.
#[must_use]
pub fn literal(literal: &Literal, column: Option<&Column>, language: Language) -> String {
    let printer = Printer {
        columns: &[],
        language,
    };
    let mut text = String::new();
    printer.literal(literal, column, &mut text);
    text
}

/// How tightly the surroundings bind; what binds less is put in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Or,
    And,
    Not,
}

struct Printer<'c> {
    columns: &'c [Column],
    language: Language,
}

impl Printer<'_> {
    fn word(&self, keyword: Keyword) -> &'static str {
        keyword.text(self.language)
    }

    fn expression(&self, expression: &Expression, around: Tightness, text: &mut String) {
        match expression {
            Expression::All(parts) => self.joined(
                parts,
                Keyword::And,
                Keyword::All,
                Tightness::And,
                around,
                text,
            ),
            Expression::Any(parts) => self.joined(
                parts,
                Keyword::Or,
                Keyword::Any,
                Tightness::Or,
                around,
                text,
            ),
            Expression::Not(part) => match part.as_ref() {
                Expression::Term(Term {
                    subject,
                    test: Test::In(literals),
                }) => {
                    self.list(subject, Keyword::NotIn, literals, text);
                }
                part => {
                    text.push_str(self.word(Keyword::Not));
                    text.push(' ');
                    self.expression(part, Tightness::Not, text);
                }
            },
            Expression::Group(reference) => {
                text.push_str(self.word(Keyword::Group));
                text.push('(');
                text.push_str(&marked(&reference.name, '"'));
                if let Some(version) = reference.version {
                    text.push_str(&format!(", {version}"));
                }
                text.push(')');
            }
            Expression::Term(term) => self.term(term, text),
        }
    }

    fn joined(
        &self,
        parts: &[Expression],
        joint: Keyword,
        list: Keyword,
        own: Tightness,
        around: Tightness,
        text: &mut String,
    ) {
        if parts.len() < 2 {
            text.push_str(self.word(list));
            text.push('(');
            parts
                .iter()
                .for_each(|part| self.expression(part, Tightness::Or, text));
            text.push(')');
            return;
        }
        let is_loose = own < around;
        if is_loose {
            text.push('(');
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                text.push(' ');
                text.push_str(self.word(joint));
                text.push(' ');
            }
            // A part of the same kind is a list of its own and keeps its parentheses.
            let inner = if own == Tightness::Or {
                Tightness::And
            } else {
                Tightness::Not
            };
            self.expression(part, inner, text);
        }
        if is_loose {
            text.push(')');
        }
    }

    fn term(&self, term: &Term, text: &mut String) {
        let column = self.column(&term.subject);
        let keyword = |keyword: Keyword, text: &mut String| {
            text.push(' ');
            text.push_str(self.word(keyword));
        };
        match &term.test {
            Test::In(literals) => self.list(&term.subject, Keyword::In, literals, text),
            Test::Compare(comparison, literal) => {
                self.subject(&term.subject, text);
                text.push_str(&format!(" {} ", self.sign(*comparison)));
                self.literal(literal, column, text);
            }
            Test::Between(low, high) => {
                self.subject(&term.subject, text);
                keyword(Keyword::Between, text);
                text.push(' ');
                self.literal(low, column, text);
                keyword(
                    if self.language == Language::Chinese {
                        Keyword::To
                    } else {
                        Keyword::And
                    },
                    text,
                );
                text.push(' ');
                self.literal(high, column, text);
            }
            Test::IsNull | Test::IsKnown => {
                self.subject(&term.subject, text);
                keyword(
                    if term.test == Test::IsNull {
                        Keyword::IsNull
                    } else {
                        Keyword::IsKnown
                    },
                    text,
                );
            }
            Test::StartsWith(word) | Test::Contains(word) => {
                self.subject(&term.subject, text);
                let is_start = matches!(term.test, Test::StartsWith(_));
                keyword(
                    if is_start {
                        Keyword::StartsWith
                    } else {
                        Keyword::Contains
                    },
                    text,
                );
                text.push(' ');
                text.push_str(&marked(word, '"'));
            }
        }
    }

    fn list(&self, subject: &Subject, keyword: Keyword, literals: &[Literal], text: &mut String) {
        let column = self.column(subject);
        self.subject(subject, text);
        text.push(' ');
        text.push_str(self.word(keyword));
        text.push_str(" (");
        for (index, literal) in literals.iter().enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            self.literal(literal, column, text);
        }
        text.push(')');
    }

    fn sign(&self, comparison: Comparison) -> &'static str {
        match (comparison, self.language) {
            (Comparison::NotEqual, Language::Chinese) => "≠",
            (Comparison::AtMost, Language::Chinese) => "≤",
            (Comparison::AtLeast, Language::Chinese) => "≥",
            _ => comparison.sign(),
        }
    }

    fn column(&self, subject: &Subject) -> Option<&Column> {
        let Subject::Column(name) = subject else {
            return None;
        };
        self.columns
            .iter()
            .rev()
            .find(|column| column.name.as_str() == name)
    }

    fn subject(&self, subject: &Subject, text: &mut String) {
        match subject {
            Subject::Contact(term) => self.contact(*term, text),
            Subject::Column(name) => {
                let name = self
                    .column(subject)
                    .and_then(|column| self.title(column))
                    .unwrap_or(name);
                if is_bare(name, &[]) && split_test(name).is_none() {
                    text.push_str(name);
                } else {
                    text.push_str(&marked(name, '`'));
                }
            }
        }
    }

    /// The column's title, when it means this column and no other.
    fn title<'c>(&self, column: &'c Column) -> Option<&'c str> {
        let title = column.title.in_language(self.language);
        let wanted = fold(title);
        let others = self
            .columns
            .iter()
            .filter(|other| other.name != column.name);
        let is_taken = |other: &Column| {
            other.name.as_str() == wanted
                || fold(&other.title.zh) == wanted
                || fold(&other.title.en) == wanted
        };
        (others.filter(|other| is_taken(other)).count() == 0).then_some(title)
    }

    fn contact(&self, term: ContactTerm, text: &mut String) {
        let name = |name: Option<chudian_vocabulary::Name>, code: Option<&'static str>| match (
            self.language,
            name,
            code,
        ) {
            (_, None, _) | (_, _, None) => self.word(Keyword::Any).to_owned(),
            (Language::English, _, Some(code)) => code.to_owned(),
            (Language::Chinese, Some(name), _) => bare_or_marked(&name.zh),
        };
        let channel = name(
            term.channel.map(|channel| channel.name()),
            term.channel.map(|channel| channel.code()),
        );
        let kind = name(
            term.kind.map(|kind| kind.name()),
            term.kind.map(|kind| kind.code()),
        );
        let window = match (term.window, self.language) {
            (Window::Ever, _) => self.word(Keyword::Ever).to_owned(),
            (Window::Days(days), Language::Chinese) => format!("{days}天"),
            (Window::Days(days), Language::English) => format!("{days}d"),
        };
        let measure = match self.language {
            Language::Chinese => term.measure.word_zh(),
            Language::English => term.measure.word(),
        };
        text.push_str(&format!("{measure}({channel}, {kind}, {window})"));
    }

    fn literal(&self, literal: &Literal, column: Option<&Column>, text: &mut String) {
        match literal {
            Literal::Word(word) => {
                let title = column
                    .filter(|column| column.kind == Kind::Word)
                    .and_then(|column| self.group_title(column, word));
                text.push_str(&bare_or_marked(title.unwrap_or(word)));
            }
            Literal::Number(number, None) => text.push_str(&number.to_string()),
            Literal::Number(number, Some(unit)) => text.push_str(&format!("{number} {unit}")),
            Literal::Flag(true) => text.push_str(self.word(Keyword::Yes)),
            Literal::Flag(false) => text.push_str(self.word(Keyword::No)),
            Literal::Date(days) => match Date::of_unix_days(*days) {
                Some(date) => text.push_str(&date.to_string()),
                None => text.push_str(&days.to_string()),
            },
            Literal::Ago(0, Step::Days) => text.push_str(self.word(Keyword::Today)),
            Literal::Ago(count, step) => {
                let (zh, en) = match step {
                    Step::Days => ("天前", "days ago"),
                    Step::Months => ("个月前", "months ago"),
                };
                match self.language {
                    Language::Chinese => text.push_str(&format!("{count}{zh}")),
                    Language::English => text.push_str(&format!("{count} {en}")),
                }
            }
        }
    }

    /// The title of a group code, when no other code has it as its own or as its title.
    fn group_title<'c>(&self, column: &'c Column, code: &str) -> Option<&'c str> {
        let title = column.group_title(code)?.in_language(self.language);
        let wanted = fold(title);
        let is_taken = column
            .groups
            .iter()
            .filter(|group| group.code != code)
            .any(|group| {
                group.code == title
                    || fold(&group.title.zh) == wanted
                    || fold(&group.title.en) == wanted
            });
        (!is_taken).then_some(title)
    }
}

/// Whether the reader takes the text for one word that is no keyword.
fn is_bare(text: &str, allowed: &[Keyword]) -> bool {
    let Ok(pieces) = pieces(text) else {
        return false;
    };
    let lower = text.to_lowercase();
    let is_keyword =
        Keyword::of_words(&[&lower]).is_some_and(|keyword| !allowed.contains(&keyword));
    let is_comparison = COMPARISON_WORDS.iter().any(|(word, _)| *word == text);
    // The first word of a phrase could join with what follows: `is`, `starts`.
    let begins_phrase = matches!(lower.as_str(), "is" | "starts" | "ago" | "前");
    let is_one = matches!(pieces.as_slice(), [one, _] if matches!(&one.token, Token::Word(word) if word == text));
    is_one && !is_keyword && !is_comparison && !begins_phrase
}

fn bare_or_marked(text: &str) -> String {
    if is_bare(text, &[]) {
        text.to_owned()
    } else {
        marked(text, '"')
    }
}

/// The text between marks; the mark and the backslash inside it are escaped.
fn marked(text: &str, mark: char) -> String {
    let mut marked = String::from(mark);
    for character in text.chars() {
        // The reader takes full-width marks for plain ones.
        if chudian_dataset::expression::names::plain(character) == mark || character == '\\' {
            marked.push('\\');
        }
        marked.push(character);
    }
    marked.push(mark);
    marked
}
