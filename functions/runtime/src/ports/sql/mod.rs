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

mod error;
mod rows;

pub use error::SqlError;
pub use rows::{FromSqlRow, FromSqlValue, SqlRow, SqlValue};

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

/// Connections that wait for the next statement, per component instance. A host lets an instance serve about 16 requests
/// at a time, of which few stand in the database at once; beyond this, connections are opened and closed again.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// Which database answers; only for the few statements that must differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite: one writer at a time.
    Sqlite,
    /// PostgreSQL.
    Postgres,
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
