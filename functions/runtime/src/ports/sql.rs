//! SQL over SQLite and PostgreSQL with one text.
//!
//! A function writes each statement once, for both databases, by four rules:
//! 1. placeholders are `$1, $2 …`, first used in ascending order (SQLite numbers them by first use);
//! 2. column types are `bigint`, `double precision`, `text` and `bytea`, truth values `bigint` 0 or 1: these words mean the
//!    same storage in both, and PostgreSQL takes a parameter only of exactly its column's type;
//! 3. aggregates that change the type are cast back, `cast(sum(x) as bigint)`;
//! 4. a statement that may meet an existing row says so (`on conflict …`), since an error ends a PostgreSQL transaction.
//!
//! Invariant: when a call returns `Ok`, the statement has run to its end and its rows are read; an error never hides in an
//! unread stream. A connection that saw an error it cannot explain is dropped, not used again.
//!
//! Not an object mapper: rows come back as tuples, by position (some hosts give no column names for an empty result).

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

/// Connections that wait for the next statement, per component instance. A host lets an instance serve about 16 requests
/// at a time, of which few stand in the database at once; beyond this, connections are opened and closed again.
const IDLE_CONNECTIONS_MAX: usize = 4;

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

/// Which database answers; only for the few statements that must differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite: one writer at a time.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Why a statement failed. Texts are for the log; none of them may reach a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// A row with the same key is there already.
    #[error("unique constraint violated: {0}")]
    UniqueViolation(String),
    /// Another constraint (foreign key, check, not null) refused the row.
    #[error("constraint violated: {0}")]
    ConstraintViolation(String),
    /// Others hold what this statement needs; the whole transaction may be tried again.
    #[error("database is busy: {0}")]
    Busy(String),
    /// The database has no room left.
    #[error("database is full: {0}")]
    Full(String),
    /// No connection, or it was lost.
    #[error("database is unavailable: {0}")]
    Unavailable(String),
    /// The statement is wrong, or the schema is not the one it was written for: our own defect.
    #[error("statement failed: {0}")]
    Statement(String),
    /// A row is not of the shape that the caller reads.
    #[error("row has another shape: {0}")]
    Shape(String),
}

impl SqlError {
    /// Sorts a message of SQLite, for hosts that pass on only its text.
    pub fn from_sqlite_message(message: &str) -> Self {
        let has = |part: &str| message.contains(part);
        let text = message.to_owned();
        if has("UNIQUE constraint failed") || has("PRIMARY KEY") {
            Self::UniqueViolation(text)
        } else if has("constraint failed") {
            Self::ConstraintViolation(text)
        } else if has("database is locked") || has("table is locked") || has("SQLITE_BUSY") {
            Self::Busy(text)
        } else if has("database or disk is full") {
            Self::Full(text)
        } else if has("disk I/O error") || has("unable to open database") {
            Self::Unavailable(text)
        } else {
            Self::Statement(text)
        }
    }

    /// Sorts an error of PostgreSQL by its SQLSTATE (PostgreSQL manual, appendix A).
    pub fn from_postgres_code(code: &str, message: &str) -> Self {
        let text = format!("{message} (SQLSTATE {code})");
        match code {
            "23505" => Self::UniqueViolation(text),
            // Serialization failure, deadlock, lock not available, too many connections.
            "40001" | "40P01" | "55P03" | "53300" => Self::Busy(text),
            "53100" | "53200" => Self::Full(text),
            _ if code.starts_with("23") => Self::ConstraintViolation(text),
            // Connection exceptions, and the operator's shutdown of the server.
            _ if code.starts_with("08") || code.starts_with("57P") => Self::Unavailable(text),
            _ => Self::Statement(text),
        }
    }

    /// Whether the connection is still good: the database answered, and only this statement was refused.
    const fn leaves_connection_usable(&self) -> bool {
        match self {
            Self::UniqueViolation(_)
            | Self::ConstraintViolation(_)
            | Self::Busy(_)
            | Self::Shape(_) => true,
            Self::Full(_) | Self::Unavailable(_) | Self::Statement(_) => false,
        }
    }
}

/// Opens connections; one implementation per host and database.
#[async_trait]
pub trait SqlDriver: Send + Sync {
    /// A new connection of its own: nothing that others do on theirs changes its transaction.
    async fn open(&self) -> Result<Box<dyn SqlConnection>, SqlError>;
}

/// One pinned connection. Dropping it must end an open transaction by rolling it back.
#[async_trait]
pub trait SqlConnection: Send {
    /// The database behind it.
    fn dialect(&self) -> Dialect;
    /// Runs a statement that gives rows, and reads them all.
    async fn query(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Vec<Vec<SqlValue>>, SqlError>;
    /// Runs a statement for its effect; the number of rows that it inserted, changed or deleted.
    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError>;
}

/// The SQL port: a driver and a few idle connections. Clones share both.
#[derive(Clone)]
pub struct Sql {
    inner: Arc<SqlInner>,
}

struct SqlInner {
    driver: Box<dyn SqlDriver>,
    idle: Mutex<Vec<Box<dyn SqlConnection>>>,
}

impl Sql {
    /// A port over `driver`; opens nothing yet.
    pub fn new(driver: impl SqlDriver + 'static) -> Self {
        Self {
            inner: Arc::new(SqlInner {
                driver: Box::new(driver),
                idle: Mutex::new(Vec::new()),
            }),
        }
    }

    /// Rows of a statement outside a transaction, as `T` (a tuple in the order of the columns).
    pub async fn query<T: FromSqlRow>(
        &self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Vec<T>, SqlError> {
        let rows = if let Some(connection) = self.take_idle() {
            // An idle connection may have been lost meanwhile (the database was restarted); reading again is harmless.
            match self
                .query_on(connection, statement, parameters.clone())
                .await
            {
                Err(SqlError::Unavailable(_)) if reads_only(statement) => {
                    self.query_on(self.inner.driver.open().await?, statement, parameters)
                        .await
                }
                outcome => outcome,
            }
        } else {
            self.query_on(self.inner.driver.open().await?, statement, parameters)
                .await
        };
        read_rows(rows?)
    }

    /// The first row of a statement that gives one row at most.
    pub async fn query_optional<T: FromSqlRow>(
        &self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Option<T>, SqlError> {
        Ok(self.query(statement, parameters).await?.into_iter().next())
    }

    /// Runs one statement for its effect, in a transaction of its own; the number of rows that it touched.
    pub async fn execute(
        &self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError> {
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.inner.driver.open().await?,
        };
        let outcome = connection.execute(statement, parameters).await;
        self.give_back_after(connection, outcome.as_ref().err());
        outcome
    }

    /// Begins a transaction on a connection of its own. On SQLite it takes the write lock at once (`begin immediate`), so
    /// that it cannot fail half-way because another writer came between its read and its write.
    ///
    /// End it with [`Transaction::end`] or [`Transaction::commit`]; a dropped transaction closes its connection, which rolls back.
    pub async fn begin(&self) -> Result<Transaction, SqlError> {
        if let Some(connection) = self.take_idle() {
            match self.begin_on(connection).await {
                Err(SqlError::Unavailable(_)) => {}
                outcome => return outcome,
            }
        }
        self.begin_on(self.inner.driver.open().await?).await
    }

    async fn begin_on(
        &self,
        mut connection: Box<dyn SqlConnection>,
    ) -> Result<Transaction, SqlError> {
        let statement = match connection.dialect() {
            Dialect::Sqlite => "begin immediate",
            Dialect::Postgres => "begin",
        };
        match connection.execute(statement, Vec::new()).await {
            Ok(_) => Ok(Transaction {
                connection,
                sql: self.clone(),
            }),
            Err(error) => {
                self.give_back_after(connection, Some(&error));
                Err(error)
            }
        }
    }

    async fn query_on(
        &self,
        mut connection: Box<dyn SqlConnection>,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        let outcome = connection.query(statement, parameters).await;
        self.give_back_after(connection, outcome.as_ref().err());
        outcome
    }

    fn take_idle(&self) -> Option<Box<dyn SqlConnection>> {
        self.inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    /// Keeps a connection for the next statement when it is in a known state and there is room.
    fn give_back_after(&self, connection: Box<dyn SqlConnection>, error: Option<&SqlError>) {
        if error.is_some_and(|error| !error.leaves_connection_usable()) {
            return;
        }
        let mut idle = self
            .inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }
}

/// Whether a statement changes nothing, judged by its first word.
fn reads_only(statement: &str) -> bool {
    statement
        .trim_start()
        .get(..6)
        .is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

fn read_rows<T: FromSqlRow>(rows: Vec<Vec<SqlValue>>) -> Result<Vec<T>, SqlError> {
    rows.into_iter()
        .map(|row| T::from_sql_row(SqlRow::new(row)))
        .collect()
}

/// A transaction on a pinned connection.
pub struct Transaction {
    connection: Box<dyn SqlConnection>,
    sql: Sql,
}

impl Transaction {
    /// The database behind it.
    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Rows of a statement inside the transaction.
    pub async fn query<T: FromSqlRow>(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Vec<T>, SqlError> {
        read_rows(self.connection.query(statement, parameters).await?)
    }

    /// The first row of a statement that gives one row at most.
    pub async fn query_optional<T: FromSqlRow>(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Option<T>, SqlError> {
        Ok(self.query(statement, parameters).await?.into_iter().next())
    }

    /// Runs a statement for its effect; the number of rows that it touched.
    pub async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError> {
        self.connection.execute(statement, parameters).await
    }

    /// Makes everything durable. When this fails, nothing may be acknowledged.
    pub async fn commit(mut self) -> Result<(), SqlError> {
        self.connection.execute("commit", Vec::new()).await?;
        self.sql.give_back_after(self.connection, None);
        Ok(())
    }

    /// Undoes everything. A connection that cannot even do this is dropped, which undoes it too.
    pub async fn rollback(mut self) {
        if self
            .connection
            .execute("rollback", Vec::new())
            .await
            .is_ok()
        {
            self.sql.give_back_after(self.connection, None);
        }
    }

    /// Commits when `outcome` is `Ok`, rolls back otherwise, and hands the outcome on.
    pub async fn end<T, E: From<SqlError>>(self, outcome: Result<T, E>) -> Result<T, E> {
        match outcome {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }
}

/// A row on its way into a type, column by column.
pub struct SqlRow {
    values: std::vec::IntoIter<SqlValue>,
    columns_read: usize,
}

impl SqlRow {
    fn new(values: Vec<SqlValue>) -> Self {
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

    /// Goal: pin which class each host message falls in, since the guard, the retry and the answer's status hang on it.
    #[test]
    fn messages_fall_in_their_class() {
        let sqlite = [
            ("UNIQUE constraint failed: access_key.key_id", "unique"),
            (
                "error returned from database: (code: 1555) UNIQUE constraint failed: t.id",
                "unique",
            ),
            ("NOT NULL constraint failed: t.a", "constraint"),
            ("FOREIGN KEY constraint failed", "constraint"),
            ("database is locked", "busy"),
            ("(code: 6) database table is locked: t", "busy"),
            ("database or disk is full", "full"),
            ("unable to open database file", "unavailable"),
            ("no such table: t", "statement"),
        ];
        for (message, class) in sqlite {
            assert_eq!(
                class_of(&SqlError::from_sqlite_message(message)),
                class,
                "{message}"
            );
        }
        let postgres = [
            ("23505", "unique"),
            ("23503", "constraint"),
            ("40001", "busy"),
            ("40P01", "busy"),
            ("53100", "full"),
            ("08006", "unavailable"),
            ("57P01", "unavailable"),
            ("42P01", "statement"),
        ];
        for (code, class) in postgres {
            assert_eq!(
                class_of(&SqlError::from_postgres_code(code, "text")),
                class,
                "{code}"
            );
        }
    }

    fn class_of(error: &SqlError) -> &'static str {
        match error {
            SqlError::UniqueViolation(_) => "unique",
            SqlError::ConstraintViolation(_) => "constraint",
            SqlError::Busy(_) => "busy",
            SqlError::Full(_) => "full",
            SqlError::Unavailable(_) => "unavailable",
            SqlError::Statement(_) => "statement",
            SqlError::Shape(_) => "shape",
        }
    }

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
