//! One spelling of an expression: names of columns for their titles, group codes for theirs.
//!
//! Invariant: the canonical expression binds to the same as the written one. What cannot be resolved is left as it was written.

use super::ast::{Expression, Literal, Subject, Term, Test};
use super::names::{Found, find_column, find_group};
use crate::contact::ContactTerm;
use crate::schema::{Column, Kind};

/// The canonical form of `expression` over `columns`.
#[must_use]
pub fn canonical(expression: &Expression, columns: &[Column]) -> Expression {
    let all = |parts: &[Expression]| parts.iter().map(|part| canonical(part, columns)).collect();
    match expression {
        Expression::All(parts) => Expression::All(all(parts)),
        Expression::Any(parts) => Expression::Any(all(parts)),
        Expression::Not(part) => Expression::Not(Box::new(canonical(part, columns))),
        Expression::Group(_) => expression.clone(),
        Expression::Term(term) => Expression::Term(canonical_term(term, columns)),
    }
}

fn canonical_term(term: &Term, columns: &[Column]) -> Term {
    let Subject::Column(written) = &term.subject else {
        return term.clone();
    };
    let column = match find_column(columns, written) {
        Found::Column(place) => columns.get(place),
        Found::Several(_) | Found::Nothing(_) => None,
    };
    let Some(column) = column else {
        return term.clone();
    };
    let subject = match ContactTerm::parse_column(column.name.as_str()) {
        Some(contact) => Subject::Contact(contact),
        None => Subject::Column(column.name.to_string()),
    };
    let literal = |literal: &Literal| match literal {
        Literal::Word(word) if column.kind == Kind::Word => {
            Literal::Word(find_group(column, word).unwrap_or(word).to_owned())
        }
        other => other.clone(),
    };
    let test = match &term.test {
        Test::Compare(comparison, value) => Test::Compare(*comparison, literal(value)),
        Test::Between(low, high) => Test::Between(literal(low), literal(high)),
        Test::In(values) => Test::In(values.iter().map(literal).collect()),
        Test::IsNull | Test::IsKnown | Test::StartsWith(_) | Test::Contains(_) => term.test.clone(),
    };
    Term { subject, test }
}
