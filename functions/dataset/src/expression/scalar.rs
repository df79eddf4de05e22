//! One customer under an expression, in row form and three-valued: what an explanation shows (TF-2, "why in, why out").
//!
//! Slow and plain on purpose; [`super::evaluate`] is the fast way, and tests hold the two against each other.

use super::bound::{Bound, Predicate};
use crate::value::Value;

/// SQL's three truth values: `None` is unknown.
pub type Truth = Option<bool>;

impl Predicate {
    /// Whether it holds of a value, or of none.
    #[must_use]
    pub fn holds(&self, value: Option<&Value>) -> Truth {
        match (self, value) {
            (Self::Known, value) => Some(value.is_some()),
            (Self::Null, value) => Some(value.is_none()),
            (_, None) => None,
            (Self::Range { low, high, inside }, Some(value)) => {
                whole(value).map(|number| (*low <= number && number <= *high) == *inside)
            }
            (Self::Set { values, inside }, Some(value)) => {
                whole(value).map(|number| values.contains(&number) == *inside)
            }
            (Self::ScoreRange { low, high, inside }, Some(Value::Score(score))) => {
                Some((low <= score && score <= high) == *inside)
            }
            (Self::ScoreSet { values, inside }, Some(Value::Score(score))) => {
                Some(values.contains(score) == *inside)
            }
            (Self::Words { test, inside }, Some(Value::Word(word))) => {
                Some(test.matches(word) == *inside)
            }
            (Self::Flag(wanted), Some(Value::Flag(flag))) => Some(flag == wanted),
            (
                Self::ScoreRange { .. }
                | Self::ScoreSet { .. }
                | Self::Words { .. }
                | Self::Flag(_),
                Some(_),
            ) => None,
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Date(days) => Some((*days).into()),
        Value::Word(_) | Value::Score(_) | Value::Flag(_) | Value::Identity(_) => None,
    }
}

impl Bound {
    /// Whether it holds of the customer whose values `value` gives by the places of the columns.
    #[must_use]
    pub fn holds<'v>(&self, value: &dyn Fn(usize) -> Option<&'v Value>) -> Truth {
        let all = |parts: &[Self], neutral: bool| {
            let mut whole = Some(neutral);
            for part in parts {
                match part.holds(value) {
                    // The value that decides the whole: false for "all", true for "any".
                    Some(truth) if truth != neutral => return Some(truth),
                    Some(_) => {}
                    None => whole = None,
                }
            }
            whole
        };
        match self {
            Self::All(parts) => all(parts, true),
            Self::Any(parts) => all(parts, false),
            Self::Not(part) => part.holds(value).map(|truth| !truth),
            Self::Term(term) => term.predicate.holds(value(term.column)),
            Self::Group(_, body) => body.holds(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::bound::BoundTerm;

    /// Goal: the truth tables of SQL (ISO/IEC 9075-2, 8.21), with a column of flags for each operand.
    #[test]
    fn the_three_values_combine_as_in_sql() {
        let flag = |column| {
            Bound::Term(BoundTerm {
                column,
                predicate: Predicate::Flag(true),
            })
        };
        let (both, either) = (
            Bound::All(vec![flag(0), flag(1)]),
            Bound::Any(vec![flag(0), flag(1)]),
        );
        let not = Bound::Not(Box::new(flag(0)));
        let (t, f, u) = (Some(true), Some(false), None);
        for (left, right, and, or) in [
            (t, t, t, t),
            (t, f, f, t),
            (t, u, u, t),
            (f, t, f, t),
            (f, f, f, f),
            (f, u, f, u),
            (u, t, u, t),
            (u, f, f, u),
            (u, u, u, u),
        ] {
            let values = [left.map(Value::Flag), right.map(Value::Flag)];
            let value = |column: usize| values[column].as_ref();
            assert_eq!(
                (both.holds(&value), either.holds(&value)),
                (and, or),
                "{left:?} {right:?}"
            );
            assert_eq!(not.holds(&value), left.map(|truth| !truth));
        }
    }
}
