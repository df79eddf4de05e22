//! Why one customer is in or out of a selection (TF-2): every condition with what it found.

use chudian_dataset::expression::ast::{Expression, Subject};
use chudian_dataset::expression::bound::Bound;
use chudian_dataset::expression::scalar::Truth;
use chudian_dataset::schema::{Column, Kind};
use chudian_dataset::value::Value;
use chudian_runtime::dataset::CustomerRow;
use chudian_vocabulary::{Date, Language, Name};
use serde::Serialize;
use utoipa::ToSchema;

use super::prepare::Prepared;
use crate::text;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// It does.
    True,
    /// It does not.
    False,
    /// What it asks for is not known; such a condition selects nobody.
    Unknown,
}

impl From<Truth> for Holds {
    fn from(truth: Truth) -> Self {
        match truth {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Unknown,
        }
    }
}

/// A condition and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// The condition in words.
    pub condition: Name,
    /// Whether it holds.
    pub holds: Holds,
    /// What the customer's value is, in words; only for a test of a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Name>,
    /// The parts of which it consists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub parts: Vec<Reason>,
}

/// An exclusion and whether it removes the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExclusionReason {
    /// The rule.
    pub rule: &'static str,
    /// The rule in words.
    pub title: Name,
    /// Whether it removes the customer.
    pub removes: bool,
    /// What it found.
    pub reason: Reason,
}

/// Why a customer is in or out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// Dataset version.
    pub dataset: String,
    /// Day of the question.
    pub as_of: String,
    /// Whether the customer is selected and not excluded.
    pub included: bool,
    /// Whether the expression selects the customer.
    pub selected: bool,
    /// The answer in one sentence.
    pub summary: Name,
    /// The expression, condition by condition.
    pub expression: Reason,
    /// The exclusions.
    pub exclusions: Vec<ExclusionReason>,
}

/// Explains a selection for a customer.
#[must_use]
pub fn explain(prepared: &Prepared, row: &CustomerRow) -> Explanation {
    let teller = Teller {
        columns: &prepared.columns,
        row,
    };
    let expression = teller.reason(&prepared.expression, &prepared.binding.bound);
    let exclusions: Vec<ExclusionReason> = prepared
        .exclusions
        .iter()
        .map(|exclusion| {
            let reason = teller.reason(&exclusion.condition, &exclusion.binding.bound);
            ExclusionReason {
                rule: exclusion.rule.word(),
                title: exclusion.rule.title(),
                removes: reason.holds == Holds::True,
                reason,
            }
        })
        .collect();
    let selected = expression.holds == Holds::True;
    let removing: Vec<&Name> = exclusions
        .iter()
        .filter(|exclusion| exclusion.removes)
        .map(|exclusion| &exclusion.title)
        .collect();
    Explanation {
        dataset: prepared.reader.version().to_string(),
        as_of: prepared.today.to_string(),
        included: selected && removing.is_empty(),
        selected,
        summary: summary(&expression, selected, &removing),
        expression,
        exclusions,
    }
}

fn summary(expression: &Reason, selected: bool, removing: &[&Name]) -> Name {
    if !selected {
        let failing = failing(expression);
        let (zh, en): (Vec<&str>, Vec<&str>) = failing
            .iter()
            .map(|name| (name.zh.as_str(), name.en.as_str()))
            .unzip();
        return Name::new(
            format!("不在目标中：未满足 {}。", zh.join("；")),
            format!("Out: not met: {}.", en.join("; ")),
        );
    }
    if removing.is_empty() {
        return Name::new(
            "在目标中：满足全部条件，且没有被排除。",
            "In: every condition is met and no exclusion applies.",
        );
    }
    let (zh, en): (Vec<&str>, Vec<&str>) = removing
        .iter()
        .map(|name| (name.zh.as_str(), name.en.as_str()))
        .unzip();
    Name::new(
        format!("满足条件，但被排除：{}。", zh.join("、")),
        format!("The conditions are met, but excluded: {}.", en.join(", ")),
    )
}

/// The parts that keep a customer out: those of an "and" that do not hold, else the whole.
fn failing(reason: &Reason) -> Vec<&Name> {
    let failing: Vec<&Name> = reason
        .parts
        .iter()
        .filter(|part| part.holds != Holds::True)
        .map(|part| &part.condition)
        .collect();
    if failing.is_empty() || failing.len() == reason.parts.len() {
        vec![&reason.condition]
    } else {
        failing
    }
}

struct Teller<'p> {
    columns: &'p [Column],
    row: &'p CustomerRow,
}

impl Teller<'_> {
    fn value(&self, place: usize) -> Option<&Value> {
        self.row.values.get(place).and_then(Option::as_ref)
    }

    fn reason(&self, expression: &Expression, bound: &Bound) -> Reason {
        let holds = bound.holds(&|place| self.value(place)).into();
        let condition = in_both(|language| text::print(expression, self.columns, language));
        let parts = match bound {
            Bound::All(parts) | Bound::Any(parts) => expression
                .parts()
                .iter()
                .zip(parts)
                .map(|(part, bound)| self.reason(part, bound))
                .collect(),
            Bound::Not(part) => expression
                .parts()
                .iter()
                .map(|inner| self.reason(inner, part))
                .collect(),
            // What a group consists of is shown where the group is.
            Bound::Term(_) | Bound::Group(..) => Vec::new(),
        };
        let value = match (expression, bound) {
            (Expression::Term(term), Bound::Term(bound)) => {
                let column = self.columns.get(bound.column);
                column.map(|column| {
                    in_both(|language| {
                        told(
                            &term.subject,
                            column,
                            self.value(bound.column),
                            self.columns,
                            language,
                        )
                    })
                })
            }
            _ => None,
        };
        Reason {
            condition,
            holds,
            value,
            parts,
        }
    }
}

fn in_both(told: impl Fn(Language) -> String) -> Name {
    Name::new(told(Language::Chinese), told(Language::English))
}

/// `月均消费：85.00 元`.
fn told(
    subject: &Subject,
    column: &Column,
    value: Option<&Value>,
    columns: &[Column],
    language: Language,
) -> String {
    let (colon, value) = (
        if language == Language::Chinese {
            "："
        } else {
            ": "
        },
        value_text(column, value, language),
    );
    format!(
        "{}{colon}{value}",
        text::subject(subject, columns, language)
    )
}

/// A value in words.
#[must_use]
pub fn value_text(column: &Column, value: Option<&Value>, language: Language) -> String {
    let is_chinese = language == Language::Chinese;
    match value {
        None => if is_chinese { "未知" } else { "not known" }.to_owned(),
        Some(Value::Word(word)) => match column.group_title(word) {
            Some(title) => title.in_language(language).to_owned(),
            None => word.clone(),
        },
        Some(Value::Integer(fen)) if column.kind == Kind::Money => {
            let yuan = chudian_vocabulary::Money::from_fen(*fen).to_string();
            if is_chinese {
                format!("{yuan} 元")
            } else {
                format!("{yuan} yuan")
            }
        }
        Some(Value::Integer(number)) => {
            let unit = column.unit.symbol();
            format!("{number} {}", unit.in_language(language))
                .trim_end()
                .to_owned()
        }
        Some(Value::Score(score)) => score.to_string(),
        Some(Value::Flag(flag)) => match (flag, is_chinese) {
            (true, true) => "是",
            (false, true) => "否",
            (true, false) => "yes",
            (false, false) => "no",
        }
        .to_owned(),
        Some(Value::Date(days)) => {
            Date::of_unix_days(*days).map_or_else(|| days.to_string(), |date| date.to_string())
        }
        Some(Value::Identity(_)) => if is_chinese {
            "（隐藏）"
        } else {
            "(hidden)"
        }
        .to_owned(),
    }
}
