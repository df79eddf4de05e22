//! Values and errors between sqlx and the interface.

use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Column as _, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use crate::bindings::sqlite::{Error, RowResult, Value};

/// What a value costs beside its bytes.
const VALUE_OVERHEAD_BYTES: u64 = 32;

/// Primary result codes of SQLite that mean more than "it failed" (<https://sqlite.org/rescode.html>).
mod code {
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const FULL: i32 = 13;
    pub(super) const NOT_AUTHORIZED: i32 = 23;
    /// Extended codes carry the primary one in their lowest byte.
    pub(super) const PRIMARY_MASK: i32 = 0xff;
}

/// Parameters in the order given.
pub(crate) fn arguments(parameters: Vec<Value>) -> Result<SqliteArguments, Error> {
    let mut arguments = SqliteArguments::default();
    for parameter in parameters {
        match parameter {
            Value::Integer(number) => arguments.add(number),
            Value::Real(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Blob(bytes) => arguments.add(bytes),
            Value::Null => arguments.add(None::<i64>),
        }
        .map_err(|error| Error::Io(error.to_string()))?;
    }
    Ok(arguments)
}

/// Names of a row's columns.
pub(crate) fn column_names(row: &SqliteRow) -> Vec<String> {
    row.columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect()
}

/// A row and about how many bytes it takes.
pub(crate) fn row(row: &SqliteRow) -> Result<(RowResult, u64), Error> {
    let mut values = Vec::with_capacity(row.len());
    let mut bytes = 0;
    for index in 0..row.len() {
        let value = value(row, index)?;
        bytes += VALUE_OVERHEAD_BYTES
            + match &value {
                Value::Text(text) => text.len() as u64,
                Value::Blob(blob) => blob.len() as u64,
                Value::Integer(_) | Value::Real(_) | Value::Null => 0,
            };
        values.push(value);
    }
    Ok((RowResult { values }, bytes))
}

fn value(row: &SqliteRow, index: usize) -> Result<Value, Error> {
    let raw = row.try_get_raw(index).map_err(|error| error_of(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let storage_class = raw.type_info().name().to_owned();
    match storage_class.as_str() {
        "INTEGER" | "BOOLEAN" => Decode::<Sqlite>::decode(raw).map(Value::Integer),
        "REAL" => Decode::<Sqlite>::decode(raw).map(Value::Real),
        "BLOB" => Decode::<Sqlite>::decode(raw).map(Value::Blob),
        _ => Decode::<Sqlite>::decode(raw).map(Value::Text),
    }
    .map_err(|error| {
        let name = row.columns().get(index).map_or("?", |column| column.name());
        Error::Io(format!(
            "column `{name}` holds text that is not UTF-8 or cannot be read: {error}"
        ))
    })
}

/// The error that a guest sees. It holds SQLite's own message, never a path.
pub(crate) fn error_of(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(database) => error_of_sqlite(database.as_ref()),
        sqlx::Error::Io(_) => Error::Io("the database file cannot be read or written".to_owned()),
        sqlx::Error::WorkerCrashed => {
            Error::Io("the statement broke the connection; open another".to_owned())
        }
        other => Error::Io(other.to_string()),
    }
}

fn error_of_sqlite(error: &dyn DatabaseError) -> Error {
    let extended: i32 = error
        .code()
        .and_then(|code| code.parse().ok())
        .unwrap_or_default();
    match extended & code::PRIMARY_MASK {
        code::FULL => Error::DatabaseFull,
        code::INTERRUPT => {
            Error::Io("interrupted: the statement ran longer than it may".to_owned())
        }
        code::NOT_AUTHORIZED => Error::Io(format!(
            "{}: ATTACH, VACUUM, temporary tables, extensions and most PRAGMA are not offered",
            error.message()
        )),
        _ => Error::Io(error.message().to_owned()),
    }
}
