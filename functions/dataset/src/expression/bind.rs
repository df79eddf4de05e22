//! Gives an expression its meaning against the columns of a dataset, or says everything that is wrong with it and where.
//!
//! Invariants: all errors are found in one walk, not the first alone; a place is a path of child indexes from the root, which the JSON
//! form turns into a pointer and the text form into a column of the text. What binds can be evaluated without further errors.

use std::collections::BTreeMap;

use chudian_vocabulary::Date;

use super::ast::{Comparison, Expression, GroupReference, Literal, Step, Subject, Term, Test};
use super::bound::{Bound, BoundTerm, Predicate, WordTest};
use super::limits::{
    AGO_DAYS_MAX, DEPTH_MAX, DEPTH_OPENED_MAX, LIST_VALUES_MAX, TERMS_MAX, WORD_BYTES_MAX,
};
use super::names::{Found, find_column, find_group, near_groups};
use super::units::{self, Exact};
use crate::contact::ContactTerm;
use crate::schema::{Column, Kind};

/// Errors that one expression reports; a generated one repeats the same mistake.
const ERRORS_MAX: usize = 50;

/// Where something is: the way from the root, and the part of the term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the part at each level; the one part of a `not` has the index 0.
    pub path: Vec<usize>,
    /// Which part of what stands there.
    pub part: Part,
}

/// A part of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All of it.
    Whole,
    /// What is tested.
    Subject,
    /// The literal with this index: 0 for the only one, 0 and 1 for the bounds of `between`.
    Literal(usize),
}

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No column has this name or title.
    UnknownColumn {
        /// As written.
        name: String,
        /// Names and titles near to it.
        near: Vec<String>,
    },
    /// Several columns have this title.
    AmbiguousTitle {
        /// As written.
        title: String,
        /// Names of the columns.
        names: Vec<String>,
    },
    /// The dataset has no layer with this column of the contact view.
    ContactColumnMissing {
        /// Name of the column.
        column: String,
        /// Columns of the same measure, channel and kind that there are, in other windows.
        others: Vec<String>,
    },
    /// The identity is no condition.
    Identity,
    /// The literal is of another kind than the column.
    WrongKind {
        /// Name of the column.
        column: String,
        /// What the column holds.
        kind: Kind,
        /// What was written.
        found: LiteralKind,
    },
    /// A comparison of order on words or flags.
    NoOrder {
        /// Name of the column.
        column: String,
        /// What the column holds.
        kind: Kind,
    },
    /// `starts with` or `contains` on something that is no word.
    NotWords {
        /// Name of the column.
        column: String,
        /// What the column holds.
        kind: Kind,
    },
    /// The unit does not fit the column.
    WrongUnit {
        /// Name of the column.
        column: String,
        /// As written.
        unit: String,
        /// Units that fit; none when the column has no unit.
        accepted: Vec<&'static str>,
    },
    /// A number that no column can hold, often through its unit.
    NumberTooLarge,
    /// A day before the calendar or too long ago.
    DateOutOfRange,
    /// A list without values.
    EmptyList,
    /// Too many values in a list.
    LongList {
        /// How many.
        values: usize,
    },
    /// A list with both yes and no.
    BothFlags {
        /// Name of the column.
        column: String,
    },
    /// A word that is empty in `starts with` or `contains`, or longer than any word.
    WordLength,
    /// Too many terms, groups opened.
    TooManyTerms {
        /// How many, at least.
        terms: usize,
    },
    /// Too many levels.
    TooDeep,
    /// No such group.
    UnknownGroup {
        /// As written.
        reference: GroupReference,
    },
    /// A group that leads back to itself.
    CircularGroup {
        /// The way round, the first group repeated at its end.
        names: Vec<String>,
    },
}

/// What a literal was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// A word.
    Word,
    /// A number.
    Number,
    /// A number with a unit.
    Quantity,
    /// Yes or no.
    Flag,
    /// A date.
    Date,
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindError {
    /// Where, in the expression or, below a group reference, in the group's.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// Something that can be evaluated but was hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where.
    pub place: Place,
    /// What.
    pub doubt: Doubt,
}

/// What is doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// No value satisfies the condition, such as `between 10 and 5`.
    NeverTrue,
    /// The column has group codes, and this word is none of them.
    UnknownGroupCode {
        /// As written.
        word: String,
        /// Codes and titles near to it.
        near: Vec<String>,
    },
}

/// What an expression is bound to.
pub struct Context<'c> {
    /// The columns, those of the base first; of two with one name the later holds.
    pub columns: &'c [Column],
    /// Saved groups by their references.
    pub groups: &'c BTreeMap<GroupReference, Expression>,
    /// The day of the question, as days since 1970-01-01: what `90 days ago` counts from.
    pub today: i32,
}

/// An expression with its meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The expression.
    pub bound: Bound,
    /// What is doubtful in it.
    pub notices: Vec<Notice>,
}

/// Binds `expression`.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text, at most 50.
pub fn bind(expression: &Expression, context: &Context<'_>) -> Result<Binding, Vec<BindError>> {
    Binder::new(context, Vec::new()).bound(expression)
}

/// Binds `expression` as what the group `own` is to be: a way back to its name is an error.
///
/// # Errors
/// As [`bind`].
pub fn bind_group(
    expression: &Expression,
    own: GroupReference,
    context: &Context<'_>,
) -> Result<Binding, Vec<BindError>> {
    Binder::new(
        context,
        vec![Opened {
            reference: own,
            path_length: 0,
        }],
    )
    .bound(expression)
}

/// A group that is being opened.
struct Opened {
    reference: GroupReference,
    /// Length of the path at which the reference stands.
    path_length: usize,
}

struct Binder<'b> {
    context: &'b Context<'b>,
    path: Vec<usize>,
    /// Groups that are being opened, outermost first.
    opened: Vec<Opened>,
    /// How many of them are open because the expression itself is theirs: its places are places of the text.
    own: usize,
    terms: usize,
    errors: Vec<BindError>,
    notices: Vec<Notice>,
}

impl<'b> Binder<'b> {
    fn new(context: &'b Context<'b>, opened: Vec<Opened>) -> Self {
        let own = opened.len();
        Self {
            context,
            path: Vec::new(),
            opened,
            own,
            terms: 0,
            errors: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn bound(mut self, expression: &Expression) -> Result<Binding, Vec<BindError>> {
        if expression.depth() > DEPTH_MAX {
            self.error(Part::Whole, Fault::TooDeep);
            return Err(self.errors);
        }
        let terms = expression.terms();
        if terms > TERMS_MAX {
            self.error(Part::Whole, Fault::TooManyTerms { terms });
            return Err(self.errors);
        }
        match self.expression(expression, 1) {
            Some(bound) if self.errors.is_empty() => Ok(Binding {
                bound,
                notices: self.notices,
            }),
            _ => Err(self.errors),
        }
    }

    /// The place in what was written; of something within a group, the reference to the group.
    fn place(&self, part: Part) -> Place {
        match self.opened.get(self.own) {
            None => Place {
                path: self.path.clone(),
                part,
            },
            Some(outermost) => {
                let path = self
                    .path
                    .iter()
                    .take(outermost.path_length)
                    .copied()
                    .collect();
                Place {
                    path,
                    part: Part::Whole,
                }
            }
        }
    }

    fn error(&mut self, part: Part, fault: Fault) {
        if self.errors.len() < ERRORS_MAX {
            let place = self.place(part);
            self.errors.push(BindError { place, fault });
        }
    }

    /// The bound form; nothing when it has errors, which are noted.
    fn expression(&mut self, expression: &Expression, level: usize) -> Option<Bound> {
        if level > DEPTH_OPENED_MAX {
            self.error(Part::Whole, Fault::TooDeep);
            return None;
        }
        match expression {
            Expression::All(parts) => self.parts(parts, level).map(Bound::All),
            Expression::Any(parts) => self.parts(parts, level).map(Bound::Any),
            Expression::Not(part) => {
                let mut parts = self.parts(std::slice::from_ref(part), level)?;
                Some(Bound::Not(Box::new(parts.pop()?)))
            }
            Expression::Term(term) => {
                self.count_term()?;
                self.term(term).map(Bound::Term)
            }
            Expression::Group(reference) => self.group(reference, level),
        }
    }

    fn parts(&mut self, parts: &[Expression], level: usize) -> Option<Vec<Bound>> {
        let bound: Vec<Option<Bound>> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| {
                self.path.push(index);
                let bound = self.expression(part, level + 1);
                self.path.pop();
                bound
            })
            .collect();
        bound.into_iter().collect()
    }

    /// Groups within groups multiply; the work is bounded by the terms opened, not by those written.
    fn count_term(&mut self) -> Option<()> {
        self.terms += 1;
        if self.terms == TERMS_MAX + 1 {
            self.error(Part::Whole, Fault::TooManyTerms { terms: self.terms });
        }
        (self.terms <= TERMS_MAX).then_some(())
    }

    fn group(&mut self, reference: &GroupReference, level: usize) -> Option<Bound> {
        if let Some(start) = self
            .opened
            .iter()
            .position(|opened| opened.reference.name == reference.name)
        {
            let way = self
                .opened
                .iter()
                .skip(start)
                .map(|opened| &opened.reference)
                .chain([reference]);
            let names = way.map(|group| group.name.clone()).collect();
            self.error(Part::Whole, Fault::CircularGroup { names });
            return None;
        }
        let context = self.context;
        let Some(body) = context.groups.get(reference) else {
            self.error(
                Part::Whole,
                Fault::UnknownGroup {
                    reference: reference.clone(),
                },
            );
            return None;
        };
        self.opened.push(Opened {
            reference: reference.clone(),
            path_length: self.path.len(),
        });
        let bound = self.expression(body, level + 1);
        self.opened.pop();
        bound.map(|bound| Bound::Group(reference.clone(), Box::new(bound)))
    }

    fn term(&mut self, term: &Term) -> Option<BoundTerm> {
        let place = self.subject(&term.subject)?;
        let column = self.context.columns.get(place)?;
        let predicate = self.predicate(&term.test, column)?;
        if predicate.is_never_true() {
            let place = self.place(Part::Whole);
            self.notices.push(Notice {
                place,
                doubt: Doubt::NeverTrue,
            });
        }
        Some(BoundTerm {
            column: place,
            predicate,
        })
    }

    fn subject(&mut self, subject: &Subject) -> Option<usize> {
        let columns = self.context.columns;
        let place = match subject {
            Subject::Contact(term) => match columns
                .iter()
                .rposition(|column| column.name.as_str() == term.column())
            {
                Some(place) => place,
                None => {
                    self.error(Part::Subject, contact_missing(*term, columns));
                    return None;
                }
            },
            Subject::Column(written) => match find_column(columns, written) {
                Found::Column(place) => place,
                Found::Several(names) => {
                    self.error(
                        Part::Subject,
                        Fault::AmbiguousTitle {
                            title: written.clone(),
                            names,
                        },
                    );
                    return None;
                }
                Found::Nothing(near) => {
                    let fault = match ContactTerm::parse_column(written) {
                        Some(term) => contact_missing(term, columns),
                        None => Fault::UnknownColumn {
                            name: written.clone(),
                            near,
                        },
                    };
                    self.error(Part::Subject, fault);
                    return None;
                }
            },
        };
        if columns.get(place)?.kind == Kind::Identity {
            self.error(Part::Subject, Fault::Identity);
            return None;
        }
        Some(place)
    }

    fn predicate(&mut self, test: &Test, column: &Column) -> Option<Predicate> {
        match test {
            Test::IsNull => Some(Predicate::Null),
            Test::IsKnown => Some(Predicate::Known),
            Test::StartsWith(text) => self.text(text, column, WordTest::StartsWith),
            Test::Contains(text) => self.text(text, column, WordTest::Contains),
            Test::Compare(comparison, literal) => self.comparison(*comparison, literal, column),
            Test::Between(low, high) => self.between(low, high, column),
            Test::In(literals) => self.list(literals, column),
        }
    }

    fn text(
        &mut self,
        text: &str,
        column: &Column,
        test: fn(String) -> WordTest,
    ) -> Option<Predicate> {
        if column.kind != Kind::Word {
            self.error(
                Part::Subject,
                Fault::NotWords {
                    column: column.name.to_string(),
                    kind: column.kind,
                },
            );
            return None;
        }
        if !(1..=WORD_BYTES_MAX).contains(&text.len()) {
            self.error(Part::Literal(0), Fault::WordLength);
            return None;
        }
        Some(Predicate::Words {
            test: test(text.to_owned()),
            inside: true,
        })
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        literal: &Literal,
        column: &Column,
    ) -> Option<Predicate> {
        let inside = comparison != Comparison::NotEqual;
        if comparison.needs_order() && matches!(column.kind, Kind::Word | Kind::Flag) {
            self.error(
                Part::Whole,
                Fault::NoOrder {
                    column: column.name.to_string(),
                    kind: column.kind,
                },
            );
            return None;
        }
        match column.kind {
            Kind::Integer | Kind::Money | Kind::Date => {
                let exact = self.whole(literal, 0, column)?;
                let (low, high) = bounds(comparison, exact);
                Some(Predicate::Range { low, high, inside })
            }
            Kind::Score => {
                let score = self.score(literal, 0, column)?;
                let (low, high) = score_bounds(comparison, score);
                Some(Predicate::ScoreRange { low, high, inside })
            }
            Kind::Word => {
                let word = self.word(literal, 0, column)?;
                Some(Predicate::Words {
                    test: WordTest::OneOf(vec![word]),
                    inside,
                })
            }
            Kind::Flag => self
                .flag(literal, 0, column)
                .map(|wanted| Predicate::Flag(wanted == inside)),
            Kind::Identity => None,
        }
    }

    fn between(&mut self, low: &Literal, high: &Literal, column: &Column) -> Option<Predicate> {
        match column.kind {
            Kind::Integer | Kind::Money | Kind::Date => {
                // Both are looked at before either is given up, so that both errors are told.
                let (low, high) = (self.whole(low, 0, column), self.whole(high, 1, column));
                let (low, high) = (
                    bounds(Comparison::AtLeast, low?).0,
                    bounds(Comparison::AtMost, high?).1,
                );
                Some(Predicate::Range {
                    low,
                    high,
                    inside: true,
                })
            }
            Kind::Score => {
                let (low, high) = (self.score(low, 0, column), self.score(high, 1, column));
                Some(Predicate::ScoreRange {
                    low: low?,
                    high: high?,
                    inside: true,
                })
            }
            Kind::Word | Kind::Flag | Kind::Identity => {
                self.error(
                    Part::Whole,
                    Fault::NoOrder {
                        column: column.name.to_string(),
                        kind: column.kind,
                    },
                );
                None
            }
        }
    }

    fn list(&mut self, literals: &[Literal], column: &Column) -> Option<Predicate> {
        if literals.is_empty() {
            self.error(Part::Whole, Fault::EmptyList);
            return None;
        }
        if literals.len() > LIST_VALUES_MAX {
            self.error(
                Part::Whole,
                Fault::LongList {
                    values: literals.len(),
                },
            );
            return None;
        }
        let numbered = literals.iter().enumerate();
        match column.kind {
            Kind::Integer | Kind::Money | Kind::Date => {
                let exact: Vec<_> = numbered
                    .map(|(index, literal)| self.whole(literal, index, column))
                    .collect();
                // A fraction is no whole number, so it is equal to none.
                let whole =
                    |exact: Exact| (exact.floor() == exact.ceil()).then(|| clamp(exact.floor()));
                let mut values: Vec<i64> = exact
                    .into_iter()
                    .collect::<Option<Vec<_>>>()?
                    .into_iter()
                    .filter_map(whole)
                    .collect();
                values.sort_unstable();
                values.dedup();
                Some(Predicate::Set {
                    values,
                    inside: true,
                })
            }
            Kind::Score => {
                let scores: Vec<_> = numbered
                    .map(|(index, literal)| self.score(literal, index, column))
                    .collect();
                let mut values = scores.into_iter().collect::<Option<Vec<f64>>>()?;
                values.sort_unstable_by(f64::total_cmp);
                values.dedup();
                Some(Predicate::ScoreSet {
                    values,
                    inside: true,
                })
            }
            Kind::Word => {
                let words: Vec<_> = numbered
                    .map(|(index, literal)| self.word(literal, index, column))
                    .collect();
                let mut words = words.into_iter().collect::<Option<Vec<String>>>()?;
                words.sort_unstable();
                words.dedup();
                Some(Predicate::Words {
                    test: WordTest::OneOf(words),
                    inside: true,
                })
            }
            Kind::Flag => {
                let flags: Vec<_> = numbered
                    .map(|(index, literal)| self.flag(literal, index, column))
                    .collect();
                let flags = flags.into_iter().collect::<Option<Vec<bool>>>()?;
                let first = flags.first().copied()?;
                let both = flags.iter().any(|flag| *flag != first);
                if both {
                    // Every customer with a value, which `is known` says better and without the unknown.
                    self.error(
                        Part::Whole,
                        Fault::BothFlags {
                            column: column.name.to_string(),
                        },
                    );
                    return None;
                }
                Some(Predicate::Flag(first))
            }
            Kind::Identity => None,
        }
    }

    fn wrong_kind<T>(&mut self, index: usize, column: &Column, literal: &Literal) -> Option<T> {
        let found = match literal {
            Literal::Word(_) => LiteralKind::Word,
            Literal::Number(_, None) => LiteralKind::Number,
            Literal::Number(_, Some(_)) => LiteralKind::Quantity,
            Literal::Flag(_) => LiteralKind::Flag,
            Literal::Date(_) | Literal::Ago(..) => LiteralKind::Date,
        };
        self.error(
            Part::Literal(index),
            Fault::WrongKind {
                column: column.name.to_string(),
                kind: column.kind,
                found,
            },
        );
        None
    }

    /// The literal as an exact number in the column's unit, or the days of a date.
    fn whole(&mut self, literal: &Literal, index: usize, column: &Column) -> Option<Exact> {
        let part = Part::Literal(index);
        if column.kind == Kind::Date {
            return self.day(literal, index, column).map(Exact::whole);
        }
        let Literal::Number(number, unit) = literal else {
            return self.wrong_kind(index, column, literal);
        };
        match units::convert(*number, unit.as_deref(), column.kind, column.unit) {
            Ok(exact)
                if i64::try_from(exact.floor()).is_ok() && i64::try_from(exact.ceil()).is_ok() =>
            {
                Some(exact)
            }
            Ok(_) => {
                self.error(part, Fault::NumberTooLarge);
                None
            }
            Err(units::UnitMisfit) => {
                let accepted = units::accepted(column.kind, column.unit);
                let unit = unit.clone().unwrap_or_default();
                self.error(
                    part,
                    Fault::WrongUnit {
                        column: column.name.to_string(),
                        unit,
                        accepted,
                    },
                );
                None
            }
        }
    }

    fn day(&mut self, literal: &Literal, index: usize, column: &Column) -> Option<i32> {
        let day = match literal {
            Literal::Date(day) => Some(*day),
            Literal::Ago(count, step) => days_ago(self.context.today, *count, *step),
            Literal::Word(text) => match Date::parse(text) {
                Ok(date) => Some(date.unix_days()),
                Err(_) => return self.wrong_kind(index, column, literal),
            },
            Literal::Number(..) | Literal::Flag(_) => {
                return self.wrong_kind(index, column, literal);
            }
        };
        if day.is_none() {
            self.error(Part::Literal(index), Fault::DateOutOfRange);
        }
        day
    }

    fn score(&mut self, literal: &Literal, index: usize, column: &Column) -> Option<f64> {
        match literal {
            Literal::Number(number, None) => Some(number.to_score()),
            Literal::Number(_, Some(unit)) => {
                let fault = Fault::WrongUnit {
                    column: column.name.to_string(),
                    unit: unit.clone(),
                    accepted: Vec::new(),
                };
                self.error(Part::Literal(index), fault);
                None
            }
            Literal::Word(_) | Literal::Flag(_) | Literal::Date(_) | Literal::Ago(..) => {
                self.wrong_kind(index, column, literal)
            }
        }
    }

    fn word(&mut self, literal: &Literal, index: usize, column: &Column) -> Option<String> {
        let Literal::Word(written) = literal else {
            return self.wrong_kind(index, column, literal);
        };
        if written.len() > WORD_BYTES_MAX {
            self.error(Part::Literal(index), Fault::WordLength);
            return None;
        }
        if let Some(code) = find_group(column, written) {
            return Some(code.to_owned());
        }
        if !column.groups.is_empty() {
            let doubt = Doubt::UnknownGroupCode {
                word: written.clone(),
                near: near_groups(column, written),
            };
            let place = self.place(Part::Literal(index));
            self.notices.push(Notice { place, doubt });
        }
        Some(written.clone())
    }

    fn flag(&mut self, literal: &Literal, index: usize, column: &Column) -> Option<bool> {
        let flag = match literal {
            Literal::Flag(flag) => Some(*flag),
            // Tables of the operators write 1 and 0.
            Literal::Number(number, None) => match number.to_string().as_str() {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            },
            Literal::Number(_, Some(_))
            | Literal::Word(_)
            | Literal::Date(_)
            | Literal::Ago(..) => None,
        };
        match flag {
            Some(flag) => Some(flag),
            None => self.wrong_kind(index, column, literal),
        }
    }
}

fn contact_missing(term: ContactTerm, columns: &[Column]) -> Fault {
    let alike = |column: &&Column| {
        ContactTerm::parse_column(column.name.as_str()).is_some_and(|other| {
            (other.measure, other.channel, other.kind) == (term.measure, term.channel, term.kind)
        })
    };
    Fault::ContactColumnMissing {
        column: term.column(),
        others: columns
            .iter()
            .filter(alike)
            .map(|column| column.name.to_string())
            .collect(),
    }
}

/// The least and greatest whole number for which `comparison` with `exact` holds; for `!=`, those for which `=` does.
fn bounds(comparison: Comparison, exact: Exact) -> (i64, i64) {
    let (floor, ceil) = (exact.floor(), exact.ceil());
    let (low, high) = match comparison {
        // Between two whole numbers the first is above the second: no whole number is equal to a fraction.
        Comparison::Equal | Comparison::NotEqual => (ceil, floor),
        Comparison::Less => (i128::from(i64::MIN), ceil - 1),
        Comparison::AtMost => (i128::from(i64::MIN), floor),
        Comparison::Greater => (floor + 1, i128::from(i64::MAX)),
        Comparison::AtLeast => (ceil, i128::from(i64::MAX)),
    };
    match (i64::try_from(low), i64::try_from(high)) {
        (Ok(low), Ok(high)) => (low, high),
        // Below the least or above the greatest number there is nothing.
        _ => (i64::MAX, i64::MIN),
    }
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

fn score_bounds(comparison: Comparison, score: f64) -> (f64, f64) {
    match comparison {
        Comparison::Equal | Comparison::NotEqual => (score, score),
        Comparison::Less => (f64::NEG_INFINITY, score.next_down()),
        Comparison::AtMost => (f64::NEG_INFINITY, score),
        Comparison::Greater => (score.next_up(), f64::INFINITY),
        Comparison::AtLeast => (score, f64::INFINITY),
    }
}

/// The day so many steps before `today`.
fn days_ago(today: i32, count: u32, step: Step) -> Option<i32> {
    match step {
        Step::Days => (count <= AGO_DAYS_MAX)
            .then(|| today.checked_sub_unsigned(count))
            .flatten(),
        Step::Months => Date::of_unix_days(today)?
            .months_before(count)
            .map(Date::unix_days),
    }
}
