//! Values on their way into a statement and out of a row.

use super::error::SqlError;

/// One value of a row or of a parameter list.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// SQL `null`.
    Null,
    /// `bigint`.
    Integer(i64),
    /// `double precision`.
    Real(f64),
    /// `text`.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
}

impl SqlValue {
    /// The value's type in words, for error messages.
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Integer(_) => "bigint",
            Self::Real(_) => "double precision",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytea",
        }
    }
}

/// A row on its way into a type, column by column.
pub struct SqlRow {
    values: std::vec::IntoIter<SqlValue>,
    columns_read: usize,
}

impl SqlRow {
    pub(super) fn new(values: Vec<SqlValue>) -> Self {
        Self {
            values: values.into_iter(),
            columns_read: 0,
        }
    }

    /// Reads the next column.
    pub fn next_column<T: FromSqlValue>(&mut self) -> Result<T, SqlError> {
        let column = self.columns_read;
        let value = self
            .values
            .next()
            .ok_or_else(|| SqlError::Shape(format!("there is no column {column}")))?;
        self.columns_read += 1;
        T::from_sql_value(value)
            .map_err(|error| SqlError::Shape(format!("column {column}: {error}")))
    }
}

/// A type that a row can become. Implemented for tuples; records implement it by reading their columns in order.
pub trait FromSqlRow: Sized {
    /// Reads the row's columns from the first on.
    fn from_sql_row(row: SqlRow) -> Result<Self, SqlError>;
}

macro_rules! tuples_from_rows {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: FromSqlValue),+> FromSqlRow for ($($name,)+) {
            fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
                Ok(($(row.next_column::<$name>()?,)+))
            }
        }
    )+};
}
tuples_from_rows! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }

/// A type that one column can become. The error says what was found instead.
pub trait FromSqlValue: Sized {
    /// Takes the value, or says in words why it does not fit.
    fn from_sql_value(value: SqlValue) -> Result<Self, String>;
}

fn unexpected(wanted: &str, found: &SqlValue) -> String {
    format!("expected {wanted}, found {}", found.type_name())
}

impl FromSqlValue for i64 {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        if let SqlValue::Integer(integer) = value {
            Ok(integer)
        } else {
            Err(unexpected("bigint", &value))
        }
    }
}

impl FromSqlValue for u64 {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        Self::try_from(i64::from_sql_value(value)?)
            .map_err(|_| "expected a number that is not negative".to_owned())
    }
}

impl FromSqlValue for bool {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        match i64::from_sql_value(value)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("expected 0 or 1, found {other}")),
        }
    }
}

impl FromSqlValue for f64 {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        if let SqlValue::Real(real) = value {
            Ok(real)
        } else {
            Err(unexpected("double precision", &value))
        }
    }
}

impl FromSqlValue for String {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        if let SqlValue::Text(text) = value {
            Ok(text)
        } else {
            Err(unexpected("text", &value))
        }
    }
}

impl FromSqlValue for Vec<u8> {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        if let SqlValue::Bytes(bytes) = value {
            Ok(bytes)
        } else {
            Err(unexpected("bytea", &value))
        }
    }
}

impl<T: FromSqlValue> FromSqlValue for Option<T> {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        if value == SqlValue::Null {
            Ok(None)
        } else {
            T::from_sql_value(value).map(Some)
        }
    }
}

macro_rules! values_from {
    ($($type:ty => |$value:ident| $made:expr;)+) => {$(
        impl From<$type> for SqlValue {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )+};
}
values_from! {
    i64 => |value| Self::Integer(value);
    i32 => |value| Self::Integer(value.into());
    u32 => |value| Self::Integer(value.into());
    bool => |value| Self::Integer(value.into());
    f64 => |value| Self::Real(value);
    &str => |value| Self::Text(value.to_owned());
    String => |value| Self::Text(value);
    Vec<u8> => |value| Self::Bytes(value);
    &[u8] => |value| Self::Bytes(value.to_vec());
}

impl<T: Into<SqlValue>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in the order of `$1, $2 …`: `parameters![id, name, 5_i64]`.
#[macro_export]
macro_rules! parameters {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::ports::sql::SqlValue::from($value)),*]
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_which_column_has_another_shape() {
        let row = || SqlRow::new(vec![SqlValue::Integer(1), SqlValue::Null]);
        assert_eq!(<(i64, Option<String>)>::from_sql_row(row()), Ok((1, None)));
        let wrong = <(i64, String)>::from_sql_row(row()).unwrap_err();
        assert_eq!(
            wrong,
            SqlError::Shape("column 1: expected text, found null".to_owned())
        );
        let short = <(i64, Option<i64>, i64)>::from_sql_row(row()).unwrap_err();
        assert_eq!(short, SqlError::Shape("there is no column 2".to_owned()));
    }
}
