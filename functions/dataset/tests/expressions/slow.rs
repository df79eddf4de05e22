//! The slow judge: walks the tree as it was written, row by row, with three truth values and exact fractions. It shares no code with what it
//! judges: no binding, no plan, no masks.

use chudian_dataset::expression::ast::{
    Comparison, Decimal, Expression, Literal, Step, Subject, Term, Test,
};
use chudian_dataset::schema::Kind;
use chudian_dataset::value::Value;

use crate::table::{TODAY, Table};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    No,
    Perhaps,
    Yes,
}

/// Rows for which the expression is true.
pub(crate) fn selected(table: &Table, expression: &Expression) -> Vec<usize> {
    (0..table.rows.len())
        .filter(|row| judge(table, &table.rows[*row], expression) == Truth::Yes)
        .collect()
}

fn judge(table: &Table, row: &[Option<Value>], expression: &Expression) -> Truth {
    // With no < perhaps < yes, "and" is the least, "or" the greatest.
    match expression {
        Expression::All(parts) => parts
            .iter()
            .map(|part| judge(table, row, part))
            .min()
            .unwrap_or(Truth::Yes),
        Expression::Any(parts) => parts
            .iter()
            .map(|part| judge(table, row, part))
            .max()
            .unwrap_or(Truth::No),
        Expression::Not(part) => match judge(table, row, part) {
            Truth::No => Truth::Yes,
            Truth::Perhaps => Truth::Perhaps,
            Truth::Yes => Truth::No,
        },
        Expression::Term(term) => judge_term(table, row, term),
        Expression::Group(_) => unreachable!("the generator makes no groups"),
    }
}

fn judge_term(table: &Table, row: &[Option<Value>], term: &Term) -> Truth {
    let Subject::Column(name) = &term.subject else {
        unreachable!("the generator makes no contact figures")
    };
    let place = table
        .columns
        .iter()
        .position(|column| column.name.as_str() == name)
        .unwrap();
    let kind = table.columns[place].kind;
    let known = |holds: bool| if holds { Truth::Yes } else { Truth::No };
    let value = match (&term.test, &row[place]) {
        (Test::IsNull, value) => return known(value.is_none()),
        (Test::IsKnown, value) => return known(value.is_some()),
        (_, None) => return Truth::Perhaps,
        (_, Some(value)) => value,
    };
    known(match &term.test {
        Test::Compare(comparison, literal) => compares(value, *comparison, literal, kind),
        Test::Between(low, high) => {
            compares(value, Comparison::AtLeast, low, kind)
                && compares(value, Comparison::AtMost, high, kind)
        }
        Test::In(literals) => literals
            .iter()
            .any(|literal| compares(value, Comparison::Equal, literal, kind)),
        Test::StartsWith(text) => {
            matches!(value, Value::Word(word) if word.starts_with(text.as_str()))
        }
        Test::Contains(text) => matches!(value, Value::Word(word) if word.contains(text.as_str())),
        Test::IsNull | Test::IsKnown => unreachable!("judged above"),
    })
}

fn compares(value: &Value, comparison: Comparison, literal: &Literal, kind: Kind) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (value, literal) {
        (Value::Word(word), Literal::Word(wanted)) => word.cmp(wanted),
        (Value::Flag(flag), Literal::Flag(wanted)) => flag.cmp(wanted),
        (Value::Date(days), Literal::Date(wanted)) => days.cmp(wanted),
        (Value::Date(days), Literal::Ago(count, Step::Days)) => days.cmp(&(TODAY - *count as i32)),
        (Value::Score(score), Literal::Number(number, None)) => score
            .partial_cmp(&number.to_string().parse::<f64>().unwrap())
            .unwrap(),
        (Value::Integer(own), Literal::Number(number, unit)) => {
            let (digits, scale) = parts(*number);
            // Money is written in yuan unless it says fen.
            let factor = if kind == Kind::Money && unit.as_deref() != Some("分") {
                100
            } else {
                1
            };
            (i128::from(*own) * scale).cmp(&(digits * factor))
        }
        other => unreachable!("{other:?}"),
    };
    match comparison {
        Comparison::Equal => order == Equal,
        Comparison::NotEqual => order != Equal,
        Comparison::Less => order == Less,
        Comparison::AtMost => order != Greater,
        Comparison::Greater => order == Greater,
        Comparison::AtLeast => order != Less,
    }
}

/// A decimal as its digits and the power of ten under them, read from its text.
pub(crate) fn parts(number: Decimal) -> (i128, i128) {
    let text = number.to_string();
    let decimals = text
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    (
        text.replace('.', "").parse().unwrap(),
        10_i128.pow(decimals as u32),
    )
}
