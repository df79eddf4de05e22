//! The other judge: the same table in SQLite, the same expression as SQL.

use chudian_dataset::expression::ast::{Expression, Literal, Step, Subject, Term, Test};
use chudian_dataset::schema::Kind;
use chudian_dataset::value::Value;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Row as _};

use crate::slow::parts;
use crate::table::{TODAY, Table};

pub(crate) struct Database {
    pool: SqlitePool,
    kinds: Vec<(String, Kind)>,
}

impl Database {
    pub(crate) async fn with(table: &Table) -> Self {
        // One connection: each would have an in-memory database of its own.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .unwrap();
        let kinds: Vec<(String, Kind)> = table
            .columns
            .iter()
            .map(|column| (column.name.to_string(), column.kind))
            .collect();
        let columns: Vec<String> = kinds
            .iter()
            .map(|(name, kind)| format!("{name} {}", affinity(*kind)))
            .collect();
        let create = format!(
            "create table t (row_number integer primary key, {})",
            columns.join(", ")
        );
        sqlx::query(AssertSqlSafe(create))
            .execute(&pool)
            .await
            .unwrap();
        for (number, row) in table.rows.iter().enumerate() {
            let values: Vec<String> = row
                .iter()
                .map(|value| value.as_ref().map_or("null".to_owned(), written))
                .collect();
            let insert = format!("insert into t values ({number}, {})", values.join(", "));
            sqlx::query(AssertSqlSafe(insert))
                .execute(&pool)
                .await
                .unwrap();
        }
        Self { pool, kinds }
    }

    /// Rows that SQLite selects.
    pub(crate) async fn selected(&self, expression: &Expression) -> Vec<usize> {
        let select = format!(
            "select row_number from t where {} order by row_number",
            self.condition(expression)
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .fetch_all(&self.pool)
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| usize::try_from(row.get::<i64, _>(0)).unwrap())
            .collect()
    }

    fn condition(&self, expression: &Expression) -> String {
        let joined = |parts: &[Expression], joint: &str, empty: &str| {
            let parts: Vec<String> = parts.iter().map(|part| self.condition(part)).collect();
            if parts.is_empty() {
                empty.to_owned()
            } else {
                format!("({})", parts.join(joint))
            }
        };
        match expression {
            Expression::All(parts) => joined(parts, " and ", "(1 = 1)"),
            Expression::Any(parts) => joined(parts, " or ", "(1 = 0)"),
            Expression::Not(part) => format!("(not {})", self.condition(part)),
            Expression::Term(term) => self.term(term),
            Expression::Group(_) => unreachable!("the generator makes no groups"),
        }
    }

    fn term(&self, term: &Term) -> String {
        let Subject::Column(name) = &term.subject else {
            unreachable!("the generator makes no contact figures")
        };
        let kind = self
            .kinds
            .iter()
            .find(|(known, _)| known == name)
            .unwrap()
            .1;
        let compared = |sign: &str, literal: &Literal| comparison(name, kind, sign, literal);
        match &term.test {
            Test::IsNull => format!("({name} is null)"),
            Test::IsKnown => format!("({name} is not null)"),
            Test::Compare(comparison, literal) => compared(comparison.sign(), literal),
            Test::Between(low, high) => {
                format!("({} and {})", compared(">=", low), compared("<=", high))
            }
            Test::In(literals) => {
                let each: Vec<String> = literals
                    .iter()
                    .map(|literal| compared("=", literal))
                    .collect();
                format!("({})", each.join(" or "))
            }
            Test::StartsWith(text) => {
                let text_sql = quoted(text);
                format!("(substr({name}, 1, length({text_sql})) = {text_sql})")
            }
            Test::Contains(text) => format!("(instr({name}, {}) > 0)", quoted(text)),
        }
    }
}

fn comparison(name: &str, kind: Kind, sign: &str, literal: &Literal) -> String {
    match literal {
        Literal::Number(number, unit) if kind != Kind::Score => {
            let (digits, scale) = parts(*number);
            let factor = if kind == Kind::Money && unit.as_deref() != Some("分") {
                100
            } else {
                1
            };
            // Both sides as whole numbers: SQLite would compare a fraction in floating point. Only small columns meet fractions.
            if scale == 1 || factor == 1 && digits % scale == 0 {
                return format!("({name} {sign} {})", integer(digits / scale * factor));
            }
            if name == "widest" {
                return widest(sign, digits, scale);
            }
            format!("({name} * {scale} {sign} {})", digits * factor)
        }
        Literal::Number(number, _) => format!("({name} {sign} {number})"),
        Literal::Word(word) => format!("({name} {sign} {})", quoted(word)),
        Literal::Flag(flag) => format!("({name} {sign} {})", i64::from(*flag)),
        Literal::Date(days) => format!("({name} {sign} {days})"),
        Literal::Ago(count, Step::Days) => {
            format!("({name} {sign} {})", i64::from(TODAY) - i64::from(*count))
        }
        Literal::Ago(_, Step::Months) => unreachable!("the generator makes no months"),
    }
}

/// A fraction against the widest column, whose product with ten would overflow: between two whole numbers lies no other.
fn widest(sign: &str, digits: i128, scale: i128) -> String {
    let (floor, ceil) = (digits.div_euclid(scale), -(-digits).div_euclid(scale));
    match sign {
        "=" => "(widest is null and null or widest <> widest)".to_owned(),
        "!=" => "(widest = widest)".to_owned(),
        "<" | "<=" => format!("(widest <= {})", integer(floor)),
        _ => format!("(widest >= {})", integer(ceil)),
    }
}

/// The least 64-bit number cannot be written in SQLite without becoming floating point.
fn integer(number: i128) -> String {
    if number == i128::from(i64::MIN) {
        "(-9223372036854775807 - 1)".to_owned()
    } else {
        number.to_string()
    }
}

fn affinity(kind: Kind) -> &'static str {
    match kind {
        Kind::Word => "text",
        Kind::Score => "real",
        _ => "integer",
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn written(value: &Value) -> String {
    match value {
        Value::Word(word) => quoted(word),
        Value::Integer(number) => integer((*number).into()),
        Value::Score(score) => format!("{score:?}"),
        Value::Flag(flag) => i64::from(*flag).to_string(),
        Value::Date(days) => days.to_string(),
        Value::Identity(_) => unreachable!("the tables have no identity"),
    }
}
