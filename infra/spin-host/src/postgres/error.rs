//! Errors of the driver as the interface tells them.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::bindings::postgres::{DbError, Error, QueryError};

/// An error of a statement.
pub(crate) fn query_failed(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
            Some(database) => Error::QueryFailed(QueryError::DbError(db_error(database))),
            None => Error::QueryFailed(QueryError::Text(database.message().to_owned())),
        },
        sqlx::Error::Io(_) => {
            Error::ConnectionFailed("the connection to the server was lost".to_owned())
        }
        other => Error::QueryFailed(QueryError::Text(other.to_string())),
    }
}

/// An error of connecting. Names what the server said, never the address or the password.
pub(crate) fn connection_failed(error: &sqlx::Error) -> Error {
    Error::ConnectionFailed(match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        sqlx::Error::Io(error) => format!("the server cannot be reached: {}", error.kind()),
        sqlx::Error::Tls(error) => format!("the encrypted connection failed: {error}"),
        other => other.to_string(),
    })
}

/// SQLSTATE of a statement's error.
pub(crate) fn sql_state(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .map(|code| code.into_owned())
}

fn db_error(error: &PgDatabaseError) -> DbError {
    let severity = match error.severity() {
        PgSeverity::Panic => "PANIC",
        PgSeverity::Fatal => "FATAL",
        PgSeverity::Error => "ERROR",
        PgSeverity::Warning => "WARNING",
        PgSeverity::Notice => "NOTICE",
        PgSeverity::Debug => "DEBUG",
        PgSeverity::Info => "INFO",
        PgSeverity::Log => "LOG",
    };
    let line = error.line().map(|line| line.to_string());
    let extras = [
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("routine", error.routine()),
        ("hint", error.hint()),
        ("table", error.table()),
        ("datatype", error.data_type()),
        ("schema", error.schema()),
        ("file", error.file()),
        ("line", line.as_deref()),
        ("where", error.r#where()),
    ];
    DbError {
        as_text: format!("{severity} {}: {}", error.code(), error.message()),
        severity: severity.to_owned(),
        code: error.code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        extras: extras
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect(),
    }
}
