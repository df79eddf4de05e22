//! The JSON form of expressions, `docs/reference/filter-api.md`.
//!
//! ```json
//! {"all": [{"column": "brand", "op": "=", "value": "M-Zone"},
//!          {"column": "arpu", "op": ">=", "value": {"number": "80.00", "unit": "yuan"}},
//!          {"not": {"group": "spring-campaign"}}]}
//! ```
//!
//! Reading is done over the JSON value itself, not through derived code, so that all mistakes are found at once and each has its pointer.
//! Invariant: what [`write()`] wrote, [`read`] reads back to the same expression.

use chudian_dataset::contact::{ContactTerm, Measure, Window};
use chudian_dataset::expression::ast::{
    Comparison, Decimal, Expression, GroupReference, Literal, Step, Subject, Term, Test,
};
use chudian_dataset::expression::bind::{Part, Place};
use chudian_dataset::expression::limits::{DEPTH_MAX, LIST_VALUES_MAX, TERMS_MAX};
use chudian_runtime::problem::FieldError;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::EventKind;
use chudian_vocabulary::{Date, Name};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

/// Mistakes that one document reports.
const MISTAKES_MAX: usize = 100;

/// A condition on a customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Expression, no_recursion)]
pub enum ExpressionJson {
    /// Every one of them holds; true when there is none.
    All {
        /// The parts.
        all: Vec<ExpressionJson>,
    },
    /// At least one of them holds; false when there is none.
    Any {
        /// The parts.
        any: Vec<ExpressionJson>,
    },
    /// It does not hold; unknown stays unknown.
    Not {
        /// The part.
        not: Box<ExpressionJson>,
    },
    /// The customer is in a saved group.
    Group {
        /// Name of the group.
        group: String,
        /// A version of it; without one, the latest.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
    },
    /// A test of a column or of the contact view.
    Term(Box<TermJson>),
}

/// A test. Exactly one of `column` and `contact` says of what; `op` says which of the other members are there.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = Term)]
pub struct TermJson {
    /// Name or title of a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A figure of the contact view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactJson>,
    /// `=` `!=` `<` `<=` `>` `>=` with `value`; `between` with `low` and `high`; `in` with `values`; `starts_with` and `contains` with a
    /// text as `value`; `is_null` and `is_known` with nothing.
    pub op: &'static str,
    /// What is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<LiteralJson>,
    /// What it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<LiteralJson>>,
    /// Least value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<LiteralJson>,
    /// Greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<LiteralJson>,
}

/// A figure of the contact view.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ContactFigure)]
pub struct ContactJson {
    /// `count`, `success` or `last`.
    pub measure: &'static str,
    /// Code of a channel; absent for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'static str>,
    /// Code of a kind of contact; absent for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Days up to the layer's day; absent for all that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
}

/// A value: a text (a word, a group code or its title, or a date as `YYYY-MM-DD` for a column of dates), a number, yes or no, or an object that
/// says more.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Literal)]
pub enum LiteralJson {
    /// A word.
    Word(String),
    /// A number in the column's own unit; yuan for money.
    #[schema(value_type = f64)]
    Number(Number),
    /// Yes or no.
    Flag(bool),
    /// An exact number, with a unit where one is meant.
    Quantity {
        /// Decimal digits.
        number: String,
        /// A unit such as `元`, `yuan`, `GB`, `分钟`.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    /// A day.
    Date {
        /// `YYYY-MM-DD`.
        date: String,
    },
    /// So many days before the day of the question.
    DaysAgo {
        /// 0 is the day itself.
        days_ago: u32,
    },
    /// The same day so many months earlier.
    MonthsAgo {
        /// 0 is the day itself.
        months_ago: u32,
    },
}

/// The JSON form of an expression.
#[must_use]
pub fn write(expression: &Expression) -> ExpressionJson {
    match expression {
        Expression::All(parts) => ExpressionJson::All {
            all: parts.iter().map(write).collect(),
        },
        Expression::Any(parts) => ExpressionJson::Any {
            any: parts.iter().map(write).collect(),
        },
        Expression::Not(part) => ExpressionJson::Not {
            not: Box::new(write(part)),
        },
        Expression::Group(reference) => ExpressionJson::Group {
            group: reference.name.clone(),
            version: reference.version,
        },
        Expression::Term(term) => ExpressionJson::Term(Box::new(write_term(term))),
    }
}

fn write_term(term: &Term) -> TermJson {
    let mut json = TermJson::default();
    match &term.subject {
        Subject::Column(name) => json.column = Some(name.clone()),
        Subject::Contact(term) => {
            json.contact = Some(ContactJson {
                measure: term.measure.word(),
                channel: term.channel.map(Channel::code),
                kind: term.kind.map(EventKind::code),
                window_days: match term.window {
                    Window::Days(days) => Some(days),
                    Window::Ever => None,
                },
            });
        }
    }
    match &term.test {
        Test::Compare(comparison, literal) => {
            (json.op, json.value) = (comparison.sign(), Some(write_literal(literal)))
        }
        Test::Between(low, high) => {
            (json.op, json.low, json.high) = (
                "between",
                Some(write_literal(low)),
                Some(write_literal(high)),
            )
        }
        Test::In(literals) => {
            (json.op, json.values) = ("in", Some(literals.iter().map(write_literal).collect()))
        }
        Test::IsNull => json.op = "is_null",
        Test::IsKnown => json.op = "is_known",
        Test::StartsWith(text) => {
            (json.op, json.value) = ("starts_with", Some(LiteralJson::Word(text.clone())))
        }
        Test::Contains(text) => {
            (json.op, json.value) = ("contains", Some(LiteralJson::Word(text.clone())))
        }
    }
    json
}

fn write_literal(literal: &Literal) -> LiteralJson {
    match literal {
        Literal::Word(word) => LiteralJson::Word(word.clone()),
        // A number with decimals is written as text: a JSON number would lose its zeros (`80.00`), and in some readers more.
        Literal::Number(number, None) => match number.to_string().parse::<i64>() {
            Ok(whole) => LiteralJson::Number(whole.into()),
            Err(_) => LiteralJson::Quantity {
                number: number.to_string(),
                unit: None,
            },
        },
        Literal::Number(number, Some(unit)) => LiteralJson::Quantity {
            number: number.to_string(),
            unit: Some(unit.clone()),
        },
        Literal::Flag(flag) => LiteralJson::Flag(*flag),
        Literal::Date(days) => match Date::of_unix_days(*days) {
            Some(date) => LiteralJson::Date {
                date: date.to_string(),
            },
            // A day outside the calendar cannot be read either; its number says so.
            None => LiteralJson::Number((*days).into()),
        },
        Literal::Ago(count, Step::Days) => LiteralJson::DaysAgo { days_ago: *count },
        Literal::Ago(count, Step::Months) => LiteralJson::MonthsAgo { months_ago: *count },
    }
}

/// Reads an expression that stands at `pointer` of a document.
///
/// # Errors
/// Every mistake of form; what the names mean is [`chudian_dataset::expression::bind`]'s question.
pub fn read(value: &Value, pointer: &str) -> Result<Expression, Vec<FieldError>> {
    let mut reader = Reader {
        mistakes: Vec::new(),
        terms: 0,
    };
    let expression = reader.expression(value, pointer, 1);
    if reader.terms > TERMS_MAX {
        let terms = reader.terms;
        reader.mistakes = vec![mistake(
            pointer,
            "too-many-terms",
            format!("共 {terms} 个条件，最多 {TERMS_MAX} 个。请合并为“属于”列表，或存为分组。"),
            format!(
                "There are {terms} terms; at most {TERMS_MAX} are allowed. Join them into lists (`in`) or save parts as groups."
            ),
        )];
    }
    match expression {
        Some(expression) if reader.mistakes.is_empty() => Ok(expression),
        _ => Err(reader.mistakes),
    }
}

/// The pointer of a place in the JSON form of `expression`, which itself stands at `pointer`.
#[must_use]
pub fn pointer_of(expression: &Expression, place: &Place, pointer: &str) -> String {
    let mut pointer = pointer.to_owned();
    let mut at = expression;
    for index in &place.path {
        match at {
            Expression::All(_) => pointer += &format!("/all/{index}"),
            Expression::Any(_) => pointer += &format!("/any/{index}"),
            Expression::Not(_) => pointer += "/not",
            // Below a group's reference the place is in the group's own expression.
            Expression::Term(_) | Expression::Group(_) => return pointer,
        }
        match at.parts().get(*index) {
            Some(part) => at = part,
            None => return pointer,
        }
    }
    if let Expression::Term(term) = at {
        pointer += &match (place.part, &term.subject, &term.test) {
            (Part::Whole, ..) => String::new(),
            (Part::Subject, Subject::Column(_), _) => "/column".to_owned(),
            (Part::Subject, Subject::Contact(_), _) => "/contact".to_owned(),
            (Part::Literal(0), _, Test::Between(..)) => "/low".to_owned(),
            (Part::Literal(_), _, Test::Between(..)) => "/high".to_owned(),
            (Part::Literal(index), _, Test::In(_)) => format!("/values/{index}"),
            (Part::Literal(_), ..) => "/value".to_owned(),
        };
    }
    pointer
}

fn mistake(pointer: &str, code: &str, zh: impl Into<String>, en: impl Into<String>) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        detail: Name::new(zh, en),
    }
}

struct Reader {
    mistakes: Vec<FieldError>,
    terms: usize,
}

impl Reader {
    fn mistake<T>(
        &mut self,
        pointer: &str,
        code: &str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Option<T> {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(mistake(pointer, code, zh, en));
        }
        None
    }

    fn expression(&mut self, value: &Value, pointer: &str, level: usize) -> Option<Expression> {
        if level > DEPTH_MAX {
            return self.mistake(
                pointer,
                "too-deep",
                format!("条件最多嵌套 {DEPTH_MAX} 层。可把内层存为分组。"),
                format!(
                    "Conditions nest at most {DEPTH_MAX} levels; save an inner part as a group."
                ),
            );
        }
        let Value::Object(members) = value else {
            return self.mistake(
                pointer,
                "wrong-type",
                "应为一个条件对象 { }。",
                "Expected a condition, an object { }.",
            );
        };
        const FORMS: [&str; 6] = ["all", "any", "not", "group", "column", "contact"];
        let forms: Vec<&str> = FORMS
            .into_iter()
            .filter(|form| members.contains_key(*form))
            .collect();
        match forms.as_slice() {
            ["all"] => self
                .parts(members, "all", pointer, level)
                .map(Expression::All),
            ["any"] => self
                .parts(members, "any", pointer, level)
                .map(Expression::Any),
            ["not"] => {
                self.only(members, &["not"], pointer);
                let part =
                    self.expression(members.get("not")?, &format!("{pointer}/not"), level + 1)?;
                Some(Expression::Not(Box::new(part)))
            }
            ["group"] => self.group(members, pointer),
            ["column"] | ["contact"] => self.term(members, pointer).map(Expression::Term),
            _ => self.mistake(
                pointer,
                "form-of-condition",
                "条件须恰好含有以下成员之一：all、any、not、group、column、contact。",
                "A condition has exactly one of the members all, any, not, group, column, contact.",
            ),
        }
    }

    fn parts(
        &mut self,
        members: &Map<String, Value>,
        form: &str,
        pointer: &str,
        level: usize,
    ) -> Option<Vec<Expression>> {
        self.only(members, &[form], pointer);
        let pointer = format!("{pointer}/{form}");
        let Some(Value::Array(parts)) = members.get(form) else {
            return self.mistake(
                &pointer,
                "wrong-type",
                "应为条件列表 [ ]。",
                "Expected a list of conditions [ ].",
            );
        };
        let read: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| self.expression(part, &format!("{pointer}/{index}"), level + 1))
            .collect();
        read.into_iter().collect()
    }

    /// Notes members that do not belong there.
    fn only(&mut self, members: &Map<String, Value>, known: &[&str], pointer: &str) {
        for name in members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            let known = known.join(", ");
            let _: Option<()> = self.mistake(
                &pointer,
                "unknown-field",
                format!("这里没有这个成员；可用的成员：{known}。"),
                format!("There is no such member here; there are {known}."),
            );
        }
    }

    fn text(&mut self, value: Option<&Value>, pointer: &str) -> Option<String> {
        match value {
            // No word of the dataset has one, and PostgreSQL keeps no text with U+0000.
            Some(Value::String(text)) if text.chars().any(char::is_control) => self.mistake(
                pointer,
                "control-character",
                "文字中不能有控制字符或换行。",
                "A text has no control characters and no line breaks.",
            ),
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => self.mistake(
                pointer,
                "wrong-type",
                "应为加引号的文本。",
                "Expected text in quotation marks.",
            ),
            None => self.mistake(
                pointer,
                "missing-field",
                "缺少这个成员，请补上。",
                "This member is missing; add it.",
            ),
        }
    }

    fn group(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<Expression> {
        self.terms += 1;
        self.only(members, &["group", "version"], pointer);
        let name = self.text(members.get("group"), &format!("{pointer}/group"));
        let version = match members.get("version") {
            None | Some(Value::Null) => Some(None),
            Some(value) => match value
                .as_u64()
                .and_then(|version| u32::try_from(version).ok())
                .filter(|version| *version > 0)
            {
                Some(version) => Some(Some(version)),
                None => self.mistake(
                    &format!("{pointer}/version"),
                    "value-not-allowed",
                    "版本应为不小于 1 的整数。",
                    "A version is a whole number from 1.",
                ),
            },
        };
        Some(Expression::Group(GroupReference {
            name: name?,
            version: version?,
        }))
    }

    fn term(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<Term> {
        self.terms += 1;
        let subject = match members.get("contact") {
            Some(contact) => self
                .contact(contact, &format!("{pointer}/contact"))
                .map(Subject::Contact),
            None => self
                .text(members.get("column"), &format!("{pointer}/column"))
                .map(Subject::Column),
        };
        let test = self.test(members, pointer);
        Some(Term {
            subject: subject?,
            test: test?,
        })
    }

    fn test(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<Test> {
        let op = self.text(members.get("op"), &format!("{pointer}/op"))?;
        let comparison = Comparison::ALL
            .into_iter()
            .find(|comparison| comparison.sign() == op);
        let own: &[&str] = match op.as_str() {
            "between" => &["low", "high"],
            "in" => &["values"],
            "is_null" | "is_known" => &[],
            "starts_with" | "contains" => &["value"],
            _ if comparison.is_some() => &["value"],
            _ => {
                return self.mistake(
                    &format!("{pointer}/op"),
                    "value-not-allowed",
                    "没有这种比较；可用：= != < <= > >= between in is_null is_known starts_with contains。",
                    "There is no such test; there are = != < <= > >= between in is_null is_known starts_with contains.",
                );
            }
        };
        let known: Vec<&str> = ["column", "contact", "op"]
            .iter()
            .chain(own)
            .copied()
            .collect();
        self.only(members, &known, pointer);
        let mut literal =
            |name: &str| self.literal(members.get(name), &format!("{pointer}/{name}"));
        if let Some(comparison) = comparison {
            return literal("value").map(|literal| Test::Compare(comparison, literal));
        }
        match op.as_str() {
            "between" => {
                let (low, high) = (literal("low"), literal("high"));
                Some(Test::Between(low?, high?))
            }
            "in" => self.list(members, pointer),
            "is_null" => Some(Test::IsNull),
            "is_known" => Some(Test::IsKnown),
            "starts_with" => self
                .text(members.get("value"), &format!("{pointer}/value"))
                .map(Test::StartsWith),
            _ => self
                .text(members.get("value"), &format!("{pointer}/value"))
                .map(Test::Contains),
        }
    }

    fn list(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<Test> {
        let pointer = format!("{pointer}/values");
        let Some(Value::Array(values)) = members.get("values") else {
            return self.mistake(
                &pointer,
                "wrong-type",
                "应为取值列表 [ ]。",
                "Expected a list of values [ ].",
            );
        };
        if values.len() > LIST_VALUES_MAX {
            return self.mistake(
                &pointer,
                "too-many-values",
                format!("列表最多 {LIST_VALUES_MAX} 个取值。"),
                format!("A list has at most {LIST_VALUES_MAX} values."),
            );
        }
        let literals: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(index, value)| self.literal(Some(value), &format!("{pointer}/{index}")))
            .collect();
        literals.into_iter().collect::<Option<_>>().map(Test::In)
    }

    fn contact(&mut self, value: &Value, pointer: &str) -> Option<ContactTerm> {
        let Value::Object(members) = value else {
            return self.mistake(
                pointer,
                "wrong-type",
                "应为对象 { }。",
                "Expected an object { }.",
            );
        };
        self.only(
            members,
            &["measure", "channel", "kind", "window_days"],
            pointer,
        );
        let measure = self.text(members.get("measure"), &format!("{pointer}/measure"));
        let measure = measure.and_then(|word| {
            let known = Measure::ALL
                .into_iter()
                .find(|measure| measure.word() == word);
            known.or_else(|| {
                self.no_such_word(
                    &format!("{pointer}/measure"),
                    &Measure::ALL.map(Measure::word),
                )
            })
        });
        let channel = self.word_of(members, "channel", pointer, Channel::CODES);
        let kind = self.word_of(members, "kind", pointer, EventKind::CODES);
        let window = match members.get("window_days") {
            None | Some(Value::Null) => Some(Window::Ever),
            Some(value) => {
                let days = value.as_u64().and_then(|days| u32::try_from(days).ok());
                let window = days.and_then(|days| Window::days(days).ok());
                window.or_else(|| {
                    let max = chudian_dataset::contact::WINDOW_DAYS_MAX;
                    self.mistake(
                        &format!("{pointer}/window_days"),
                        "value-not-allowed",
                        format!("应为 1 至 {max} 的整数（天）。"),
                        format!("Expected a whole number of days from 1 to {max}."),
                    )
                })
            }
        };
        Some(ContactTerm {
            measure: measure?,
            channel: channel?,
            kind: kind?,
            window: window?,
        })
    }

    /// A word of the vocabulary; `Some(None)` where the member is absent.
    fn word_of<T: std::str::FromStr>(
        &mut self,
        members: &Map<String, Value>,
        name: &str,
        pointer: &str,
        codes: &[&str],
    ) -> Option<Option<T>> {
        match members.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(code)) if codes.contains(&code.as_str()) => {
                code.parse().ok().map(Some)
            }
            Some(_) => self.no_such_word(&format!("{pointer}/{name}"), codes),
        }
    }

    fn no_such_word<T>(&mut self, pointer: &str, words: &[&str]) -> Option<T> {
        let words = words.join(", ");
        self.mistake(
            pointer,
            "value-not-allowed",
            format!("应为下列之一：{words}。"),
            format!("Expected one of {words}."),
        )
    }

    fn literal(&mut self, value: Option<&Value>, pointer: &str) -> Option<Literal> {
        match value {
            None | Some(Value::Null) => self.mistake(
                pointer,
                "missing-field",
                "缺少取值，请补上；空值请用 is_null。",
                "A value is missing; for no value use `is_null`.",
            ),
            Some(Value::String(_)) => self.text(value, pointer).map(Literal::Word),
            Some(Value::Bool(flag)) => Some(Literal::Flag(*flag)),
            Some(Value::Number(number)) => self
                .number(&number.to_string(), pointer)
                .map(|number| Literal::Number(number, None)),
            Some(Value::Array(_)) => self.mistake(
                pointer,
                "wrong-type",
                "应为一个取值，不是列表。",
                "Expected one value, not a list.",
            ),
            Some(Value::Object(members)) => self.literal_object(members, pointer),
        }
    }

    fn number(&mut self, text: &str, pointer: &str) -> Option<Decimal> {
        match Decimal::parse(text) {
            Ok(number) => Some(number),
            Err(error) => self.mistake(
                pointer,
                "not-a-number",
                "数字应写成普通小数，例如 80 或 80.00，最多 18 位，不带指数。",
                format!("Write a plain decimal number such as 80 or 80.00: {error}."),
            ),
        }
    }

    fn literal_object(&mut self, members: &Map<String, Value>, pointer: &str) -> Option<Literal> {
        if let Some(date) = members.get("date") {
            self.only(members, &["date"], pointer);
            let text = self.text(Some(date), &format!("{pointer}/date"))?;
            return match Date::parse(&text) {
                Ok(date) => Some(Literal::Date(date.unix_days())),
                Err(_) => self.mistake(
                    &format!("{pointer}/date"),
                    "not-a-date",
                    "日期应为 YYYY-MM-DD，且确有这一天。",
                    "A date has the form YYYY-MM-DD and must exist.",
                ),
            };
        }
        for (name, step) in [("days_ago", Step::Days), ("months_ago", Step::Months)] {
            if let Some(count) = members.get(name) {
                self.only(members, &[name], pointer);
                let count = count.as_u64().and_then(|count| u32::try_from(count).ok());
                let wrong = || {
                    (
                        format!("{pointer}/{name}"),
                        "应为不小于 0 的整数。",
                        "Expected a whole number from 0.",
                    )
                };
                return match count {
                    Some(count) => Some(Literal::Ago(count, step)),
                    None => {
                        let (pointer, zh, en) = wrong();
                        self.mistake(&pointer, "value-not-allowed", zh, en)
                    }
                };
            }
        }
        if members.contains_key("number") {
            self.only(members, &["number", "unit"], pointer);
            let text = self.text(members.get("number"), &format!("{pointer}/number"));
            let number = text.and_then(|text| self.number(&text, &format!("{pointer}/number")));
            let unit = match members.get("unit") {
                None | Some(Value::Null) => Some(None),
                unit => self.text(unit, &format!("{pointer}/unit")).map(Some),
            };
            return Some(Literal::Number(number?, unit?));
        }
        self.mistake(
            pointer,
            "form-of-value",
            "取值对象应含有 number、date、days_ago 或 months_ago。",
            "A value's object has one of number, date, days_ago, months_ago.",
        )
    }
}
