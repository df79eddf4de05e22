//! The ports outside a component: real SQLite and PostgreSQL, the system's clock and random source.
//!
//! For tests, benches and native tools, so that a router is tried on the databases it will meet and not on an imitation. The
//! drivers keep the rules that Spin's hosts keep: one connection per [`SqlConnection`], values of the four types only.
//!
//! Not for components and not for the gateway, which offers Spin's interfaces instead.

mod client;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, ConnectOptions as _, Row as _, TypeInfo as _,
    ValueRef as _,
};

use super::sql::{Dialect, Sql, SqlConnection, SqlDriver, SqlError, SqlValue};
use super::{
    Bell, Clock, KeyValue, KeyValueError, Random, Rung, Signals, VariableError, Variables,
};

pub use client::{PlainClient, TokioBackground};

/// How long a SQLite writer waits for another one; the same as Spin's default.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A database in the SQLite file at `path`, which is made when absent. Write-ahead log, every commit synced.
pub fn sqlite(path: impl AsRef<Path>) -> Sql {
    Sql::new(SqliteDriver(path.as_ref().to_owned()))
}

/// The PostgreSQL database at `address`, `postgres://user@host:port/database`.
pub fn postgres(address: impl Into<String>) -> Sql {
    Sql::new(PostgresDriver(address.into()))
}

/// Applies the migrations in `folder`, in the order of their names: `NNNN_name.sql`, or `NNNN_name.<dialect>.sql` where the two
/// databases differ. For fresh databases of tests and benches; an installation's migrations are applied by `chudian migrate`,
/// which also remembers them.
pub async fn apply_migrations(sql: &Sql, folder: impl AsRef<Path>) -> Result<(), SqlError> {
    let unreadable = |error: std::io::Error| {
        SqlError::Statement(format!("{}: {error}", folder.as_ref().display()))
    };
    let entries = std::fs::read_dir(folder.as_ref()).map_err(unreadable)?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(unreadable)?;
    files.sort();
    let mut transaction = sql.begin().await?;
    let other_dialect = match transaction.dialect() {
        Dialect::Sqlite => ".postgres.sql",
        Dialect::Postgres => ".sqlite.sql",
    };
    for file in files
        .iter()
        .filter(|file| !file.to_string_lossy().ends_with(other_dialect))
    {
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let without_comments: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect();
        for statement in without_comments
            .join("\n")
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            transaction.execute(statement, Vec::new()).await?;
        }
    }
    transaction.commit().await
}

struct SqliteDriver(PathBuf);

#[async_trait]
impl SqlDriver for SqliteDriver {
    async fn open(&self) -> Result<Box<dyn SqlConnection>, SqlError> {
        let options = SqliteConnectOptions::new()
            .filename(&self.0)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(SQLITE_BUSY_TIMEOUT);
        let connection = options.connect().await.map_err(sqlite_error)?;
        Ok(Box::new(SqliteConnection(connection)))
    }
}

struct SqliteConnection(sqlx::SqliteConnection);

#[async_trait]
impl SqlConnection for SqliteConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn query(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        let rows = sqlx::query_with(AssertSqlSafe(statement), sqlite_arguments(parameters)?)
            .fetch_all(&mut self.0)
            .await
            .map_err(sqlite_error)?;
        rows.iter()
            .map(|row| {
                (0..row.len())
                    .map(|index| from_sqlite(row, index))
                    .collect()
            })
            .collect()
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError> {
        let outcome = sqlx::query_with(AssertSqlSafe(statement), sqlite_arguments(parameters)?)
            .execute(&mut self.0)
            .await
            .map_err(sqlite_error)?;
        Ok(outcome.rows_affected())
    }
}

fn sqlite_arguments(parameters: Vec<SqlValue>) -> Result<SqliteArguments, SqlError> {
    let mut arguments = SqliteArguments::default();
    for parameter in parameters {
        match parameter {
            SqlValue::Null => arguments.add(None::<i64>),
            SqlValue::Integer(integer) => arguments.add(integer),
            SqlValue::Real(real) => arguments.add(real),
            SqlValue::Text(text) => arguments.add(text),
            SqlValue::Bytes(bytes) => arguments.add(bytes),
        }
        .map_err(|error| SqlError::Statement(error.to_string()))?;
    }
    Ok(arguments)
}

fn from_sqlite(row: &SqliteRow, index: usize) -> Result<SqlValue, SqlError> {
    let raw = row.try_get_raw(index).map_err(sqlite_error)?;
    if raw.is_null() {
        return Ok(SqlValue::Null);
    }
    let storage_class = raw.type_info().name().to_owned();
    match storage_class.as_str() {
        "INTEGER" => row.try_get_unchecked(index).map(SqlValue::Integer),
        "REAL" => row.try_get_unchecked(index).map(SqlValue::Real),
        "TEXT" => row.try_get_unchecked(index).map(SqlValue::Text),
        "BLOB" => row.try_get_unchecked(index).map(SqlValue::Bytes),
        other => {
            return Err(SqlError::Shape(format!(
                "column {index} has the unknown storage class {other}"
            )));
        }
    }
    .map_err(sqlite_error)
}

fn sqlite_error(error: sqlx::Error) -> SqlError {
    match error {
        sqlx::Error::Database(error) => SqlError::from_sqlite_message(error.message()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            SqlError::Shape(error.to_string())
        }
        other => SqlError::Unavailable(other.to_string()),
    }
}

struct PostgresDriver(String);

#[async_trait]
impl SqlDriver for PostgresDriver {
    async fn open(&self) -> Result<Box<dyn SqlConnection>, SqlError> {
        let options: PgConnectOptions = self.0.parse().map_err(postgres_error)?;
        let connection = options.connect().await.map_err(postgres_error)?;
        Ok(Box::new(PostgresConnection(connection)))
    }
}

struct PostgresConnection(sqlx::PgConnection);

#[async_trait]
impl SqlConnection for PostgresConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn query(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        let rows = sqlx::query_with(AssertSqlSafe(statement), postgres_arguments(parameters)?)
            .fetch_all(&mut self.0)
            .await
            .map_err(postgres_error)?;
        rows.iter()
            .map(|row| {
                (0..row.len())
                    .map(|index| from_postgres(row, index))
                    .collect()
            })
            .collect()
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError> {
        let outcome = sqlx::query_with(AssertSqlSafe(statement), postgres_arguments(parameters)?)
            .execute(&mut self.0)
            .await
            .map_err(postgres_error)?;
        Ok(outcome.rows_affected())
    }
}

/// A null whose type the server works out, as a `db-null` parameter of `spin:postgres` is one of the column's own type.
struct UntypedNull;

impl sqlx::Type<sqlx::Postgres> for UntypedNull {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        // Object id 0 means "not specified" in the protocol's Parse message.
        sqlx::postgres::PgTypeInfo::with_oid(sqlx::postgres::types::Oid(0))
    }
}

impl sqlx::Encode<'_, sqlx::Postgres> for UntypedNull {
    fn encode_by_ref(
        &self,
        _buffer: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        Ok(sqlx::encode::IsNull::Yes)
    }
}

fn postgres_arguments(parameters: Vec<SqlValue>) -> Result<PgArguments, SqlError> {
    let mut arguments = PgArguments::default();
    for parameter in parameters {
        match parameter {
            SqlValue::Null => arguments.add(UntypedNull),
            SqlValue::Integer(integer) => arguments.add(integer),
            SqlValue::Real(real) => arguments.add(real),
            SqlValue::Text(text) => arguments.add(text),
            SqlValue::Bytes(bytes) => arguments.add(bytes),
        }
        .map_err(|error| SqlError::Statement(error.to_string()))?;
    }
    Ok(arguments)
}

fn from_postgres(row: &PgRow, index: usize) -> Result<SqlValue, SqlError> {
    if row.try_get_raw(index).map_err(postgres_error)?.is_null() {
        return Ok(SqlValue::Null);
    }
    match row.column(index).type_info().name() {
        "BOOL" => row
            .try_get::<bool, _>(index)
            .map(|truth| SqlValue::Integer(truth.into())),
        "INT2" => row
            .try_get::<i16, _>(index)
            .map(|integer| SqlValue::Integer(integer.into())),
        "INT4" => row
            .try_get::<i32, _>(index)
            .map(|integer| SqlValue::Integer(integer.into())),
        "INT8" => row.try_get(index).map(SqlValue::Integer),
        "FLOAT4" => row
            .try_get::<f32, _>(index)
            .map(|real| SqlValue::Real(real.into())),
        "FLOAT8" => row.try_get(index).map(SqlValue::Real),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" => row.try_get(index).map(SqlValue::Text),
        "BYTEA" => row.try_get(index).map(SqlValue::Bytes),
        other => {
            return Err(SqlError::Shape(format!(
                "column {index} is of type {other}: cast it"
            )));
        }
    }
    .map_err(postgres_error)
}

fn postgres_error(error: sqlx::Error) -> SqlError {
    match error {
        sqlx::Error::Database(error) => SqlError::from_postgres_code(
            error.code().as_deref().unwrap_or_default(),
            error.message(),
        ),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            SqlError::Shape(error.to_string())
        }
        other => SqlError::Unavailable(other.to_string()),
    }
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_unix_ms(&self) -> i64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `unix_ms`.
    pub fn at_unix_ms(unix_ms: i64) -> Self {
        Self(AtomicI64::new(unix_ms))
    }

    /// Moves the clock on by `ms`.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_unix_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The system's random source.
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no key may be made; the system offers no way on"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has a random source");
    }
}

/// Signals by wakers.
pub struct WakerSignals;

impl Signals for WakerSignals {
    fn pair(&self) -> (Bell, Rung) {
        let shared = Arc::new(Mutex::new(Ringing::default()));
        let rung = Box::pin(poll_fn({
            let shared = Arc::clone(&shared);
            move |context| {
                let mut ringing = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if ringing.has_rung {
                    return Poll::Ready(());
                }
                ringing.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }));
        (Box::new(WakerBell(shared)), rung)
    }
}

#[derive(Default)]
struct Ringing {
    has_rung: bool,
    waker: Option<Waker>,
}

struct WakerBell(Arc<Mutex<Ringing>>);

impl Drop for WakerBell {
    fn drop(&mut self) {
        let waker = {
            let mut ringing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            ringing.has_rung = true;
            ringing.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Variables from a map.
pub struct MapVariables(BTreeMap<String, String>);

impl MapVariables {
    /// The variables with these names and values.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

#[async_trait]
impl Variables for MapVariables {
    async fn get(&self, name: &str) -> Result<String, VariableError> {
        self.0
            .get(name)
            .cloned()
            .ok_or_else(|| VariableError::Undefined(name.to_owned()))
    }
}

/// A key-value store in a table of a SQL database.
pub struct SqlKeyValue(Sql);

impl SqlKeyValue {
    /// Opens the store in `sql` and makes its table when absent.
    pub async fn open(sql: Sql) -> Result<Self, SqlError> {
        let table = "create table if not exists native_key_value (key text primary key, value bytea not null)";
        sql.execute(table, Vec::new()).await?;
        Ok(Self(sql))
    }
}

fn key_value_error(error: SqlError) -> KeyValueError {
    match error {
        SqlError::Full(_) => KeyValueError::Full,
        other => KeyValueError::Unavailable(other.to_string()),
    }
}

#[async_trait]
impl KeyValue for SqlKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        let statement = "select value from native_key_value where key = $1";
        let row = self
            .0
            .query_optional::<(Vec<u8>,)>(statement, crate::parameters![key])
            .await;
        Ok(row.map_err(key_value_error)?.map(|(value,)| value))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        let statement = "insert into native_key_value (key, value) values ($1, $2) \
                         on conflict (key) do update set value = excluded.value";
        self.0
            .execute(statement, crate::parameters![key, value])
            .await
            .map_err(key_value_error)?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        let statement = "delete from native_key_value where key = $1";
        self.0
            .execute(statement, crate::parameters![key])
            .await
            .map_err(key_value_error)?;
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        let rows = self
            .0
            .query::<(String,)>("select key from native_key_value", Vec::new())
            .await;
        Ok(rows
            .map_err(key_value_error)?
            .into_iter()
            .map(|(key,)| key)
            .collect())
    }
}
