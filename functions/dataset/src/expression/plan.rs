//! What is evaluated: a bound expression without `not`, without what cannot matter, the cheap before the dear.
//!
//! Pushing every `not` down to the predicates is sound in three-valued logic (De Morgan's laws hold there, and the complement of a predicate
//! is unknown exactly where the predicate is). It pays twice: a row is selected only when the whole is *true*, and without `not` that
//! depends on nothing but where each predicate is true, so that no mask of what is known has to be carried along.
//!
//! Invariant: a plan selects exactly the rows for which the bound expression is true; no [`Plan::All`] or [`Plan::Any`] in it has fewer than two
//! parts or a part of its own kind.

use std::collections::BTreeSet;

use super::bound::{Bound, BoundTerm, Predicate, WordTest};
use super::prune::{Verdict, verdict};
use crate::statistics::ColumnStatistics;

/// A condition that is either true or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Every customer.
    Everybody,
    /// No customer.
    Nobody,
    /// All of them, the cheapest first.
    All(Vec<Plan>),
    /// Any of them, the cheapest first.
    Any(Vec<Plan>),
    /// One predicate.
    Term(BoundTerm),
}

impl Plan {
    /// The plan of a bound expression.
    #[must_use]
    pub fn of(bound: &Bound) -> Self {
        Self::made(bound, true)
    }

    /// `wanted` false asks for the rows where the expression is false.
    fn made(bound: &Bound, wanted: bool) -> Self {
        match (bound, wanted) {
            (Bound::All(parts), true) | (Bound::Any(parts), false) => {
                Self::all(parts.iter().map(|part| Self::made(part, wanted)))
            }
            (Bound::Any(parts), true) | (Bound::All(parts), false) => {
                Self::any(parts.iter().map(|part| Self::made(part, wanted)))
            }
            (Bound::Not(part), _) => Self::made(part, !wanted),
            (Bound::Group(_, body), _) => Self::made(body, wanted),
            (Bound::Term(term), true) => Self::term(term.column, term.predicate.clone()),
            (Bound::Term(term), false) => Self::term(term.column, term.predicate.clone().negated()),
        }
    }

    fn term(column: usize, predicate: Predicate) -> Self {
        if predicate.is_never_true() {
            Self::Nobody
        } else {
            Self::Term(BoundTerm { column, predicate })
        }
    }

    /// The rows that all of `parts` select.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Everybody => {}
                Self::Nobody => return Self::Nobody,
                Self::All(inner) => inner.into_iter().for_each(|part| meet(&mut kept, part)),
                other => meet(&mut kept, other),
            }
        }
        if kept.contains(&Self::Nobody) {
            return Self::Nobody;
        }
        sort_by_cost(&mut kept);
        match kept.len() {
            0 => Self::Everybody,
            1 => kept.pop().unwrap_or(Self::Everybody),
            _ => Self::All(kept),
        }
    }

    /// The rows that any of `parts` selects.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Nobody => {}
                Self::Everybody => return Self::Everybody,
                Self::Any(inner) => inner.into_iter().for_each(|part| join(&mut kept, part)),
                other => join(&mut kept, other),
            }
        }
        sort_by_cost(&mut kept);
        match kept.len() {
            0 => Self::Nobody,
            1 => kept.pop().unwrap_or(Self::Nobody),
            _ => Self::Any(kept),
        }
    }

    /// What is left to do in a segment of which `statistics` tells something: predicates that it decides for all rows at once are gone.
    #[must_use]
    pub fn pruned<'s>(&self, statistics: &dyn Fn(usize) -> Option<&'s ColumnStatistics>) -> Self {
        match self {
            Self::Everybody => Self::Everybody,
            Self::Nobody => Self::Nobody,
            Self::All(parts) => Self::all(parts.iter().map(|part| part.pruned(statistics))),
            Self::Any(parts) => Self::any(parts.iter().map(|part| part.pruned(statistics))),
            Self::Term(term) => match statistics(term.column)
                .map_or(Verdict::Some, |known| verdict(&term.predicate, known))
            {
                Verdict::All => Self::Everybody,
                Verdict::None => Self::Nobody,
                Verdict::Some => self.clone(),
            },
        }
    }

    /// Places of the columns that must be read.
    #[must_use]
    pub fn columns(&self) -> BTreeSet<usize> {
        match self {
            Self::Everybody | Self::Nobody => BTreeSet::new(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Term(term) => BTreeSet::from([term.column]),
        }
    }

    /// What evaluation costs by row, in units of one comparison of narrow integers. Orders of magnitude from measurements of the
    /// kernels; only the order of the parts hangs on it.
    fn cost(&self) -> u32 {
        match self {
            Self::Everybody | Self::Nobody => 0,
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(Self::cost).fold(0, u32::saturating_add)
            }
            Self::Term(term) => match &term.predicate {
                Predicate::Known | Predicate::Null | Predicate::Flag(_) => 1,
                Predicate::Range { .. } => 4,
                Predicate::Words {
                    test: WordTest::OneOf(words),
                    ..
                } if words.len() == 1 => 3,
                Predicate::Words { .. } => 6,
                Predicate::ScoreRange { .. } => 8,
                Predicate::Set { .. } => 12,
                Predicate::ScoreSet { .. } => 16,
            },
        }
    }
}

fn sort_by_cost(parts: &mut [Plan]) {
    // Stable: parts of one cost stay in the order of the writer, so that the same expression gives the same plan.
    parts.sort_by_key(Plan::cost);
}

/// Adds `part` to a conjunction: a repeated part is dropped, two ranges of one column become one.
fn meet(kept: &mut Vec<Plan>, part: Plan) {
    if kept.contains(&part) {
        return;
    }
    if let Plan::Term(BoundTerm {
        column,
        predicate:
            Predicate::Range {
                low,
                high,
                inside: true,
            },
    }) = &part
    {
        for earlier in kept.iter_mut() {
            if let Plan::Term(BoundTerm {
                column: other,
                predicate:
                    Predicate::Range {
                        low: least,
                        high: greatest,
                        inside: true,
                    },
            }) = earlier
                && other == column
            {
                (*least, *greatest) = ((*least).max(*low), (*greatest).min(*high));
                if least > greatest {
                    *earlier = Plan::Nobody;
                }
                return;
            }
        }
    }
    kept.push(part);
}

/// Adds `part` to a disjunction: a repeated part is dropped, lists of words of one column become one.
fn join(kept: &mut Vec<Plan>, part: Plan) {
    if kept.contains(&part) {
        return;
    }
    if let Plan::Term(BoundTerm {
        column,
        predicate:
            Predicate::Words {
                test: WordTest::OneOf(words),
                inside: true,
            },
    }) = &part
    {
        for earlier in kept.iter_mut() {
            if let Plan::Term(BoundTerm {
                column: other,
                predicate:
                    Predicate::Words {
                        test: WordTest::OneOf(known),
                        inside: true,
                    },
            }) = earlier
                && other == column
            {
                known.extend(words.iter().cloned());
                known.sort_unstable();
                known.dedup();
                return;
            }
        }
    }
    kept.push(part);
}
