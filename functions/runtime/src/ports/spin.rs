//! The ports of a component: Spin's interfaces and WASI 0.3.
//!
//! Besides `component.rs` this is the only module of the workspace's functions that names a host. Each constructor pulls in
//! just its own interfaces, so a component that never calls [`key_value`] does not import a key-value store.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Full, Limited};
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;
use spin_sdk::{sqlite, variables, wasip3};

use super::sql::{Dialect, Sql, SqlConnection, SqlDriver, SqlError, SqlValue};
use super::{
    Background, Bell, Clock, HttpBounds, HttpClient, HttpClientError, KeyValue, KeyValueError,
    Random, Rung, Signals, VariableError, Variables, Work,
};

/// Bindings for `spin:postgres@4.2.0`, generated here because the SDK's own module brings JavaScript imports into the
/// component (through the default features of its date library), which no host offers.
mod postgres_bindings {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        inline: "package chudian:ports; world ports { import spin:postgres/postgres@4.2.0; }",
        path: "../../wit/deps/spin-postgres@4.2.0",
        generate_all,
    });
}

use postgres_bindings::spin::postgres::postgres;

/// Name of the variable that chooses the database: empty for SQLite, else a `postgres://` address.
const DATABASE_VARIABLE: &str = "database";

/// Label of the SQLite database, as `spin.toml` grants it.
const SQLITE_LABEL: &str = "default";

/// Label of the key-value store, as `spin.toml` grants it.
const KEY_VALUE_LABEL: &str = "default";

/// The database that the variable `database` names.
pub fn sql() -> Sql {
    Sql::new(SpinDriver)
}

/// The clock of the host.
pub fn clock() -> impl Clock {
    SpinClock
}

/// The random source of the host.
pub fn random() -> impl Random {
    SpinRandom
}

/// Signals between the tasks of the component.
pub fn signals() -> impl Signals {
    StreamSignals
}

/// The component's variables.
pub fn variables() -> impl Variables {
    SpinVariables
}

/// The way out to other components and other hosts, as far as `allowed_outbound_hosts` allows.
pub fn http_client() -> impl HttpClient {
    SpinHttpClient
}

/// Work after the answer, as tasks of the request's own call.
pub fn background() -> impl Background {
    SpinBackground
}

/// The component's key-value store.
pub fn key_value() -> impl KeyValue {
    SpinKeyValue
}

struct SpinDriver;

#[async_trait]
impl SqlDriver for SpinDriver {
    async fn open(&self) -> Result<Box<dyn SqlConnection>, SqlError> {
        let address = SpinVariables
            .get(DATABASE_VARIABLE)
            .await
            .map_err(|error| SqlError::Unavailable(error.to_string()))?;
        if address.is_empty() {
            let connection = sqlite::Connection::open(SQLITE_LABEL)
                .await
                .map_err(sqlite_error)?;
            Ok(Box::new(SqliteConnection(connection)))
        } else {
            let connection = postgres::Connection::open_async(address)
                .await
                .map_err(postgres_error)?;
            Ok(Box::new(PostgresConnection(connection)))
        }
    }
}

struct SqliteConnection(sqlite::Connection);

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
        let parameters = parameters.into_iter().map(to_sqlite);
        let result = self
            .0
            .execute(statement, parameters)
            .await
            .map_err(sqlite_error)?;
        // Errors of the statement itself come on the trailing future, which `collect` awaits after the last row.
        let rows = result.collect().await.map_err(sqlite_error)?;
        Ok(rows
            .into_iter()
            .map(|row| row.values.into_iter().map(from_sqlite).collect())
            .collect())
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError> {
        self.query(statement, parameters).await?;
        Ok(self.0.changes().await)
    }
}

fn to_sqlite(value: SqlValue) -> sqlite::Value {
    match value {
        SqlValue::Null => sqlite::Value::Null,
        SqlValue::Integer(integer) => sqlite::Value::Integer(integer),
        SqlValue::Real(real) => sqlite::Value::Real(real),
        SqlValue::Text(text) => sqlite::Value::Text(text),
        SqlValue::Bytes(bytes) => sqlite::Value::Blob(bytes),
    }
}

fn from_sqlite(value: sqlite::Value) -> SqlValue {
    match value {
        sqlite::Value::Null => SqlValue::Null,
        sqlite::Value::Integer(integer) => SqlValue::Integer(integer),
        sqlite::Value::Real(real) => SqlValue::Real(real),
        sqlite::Value::Text(text) => SqlValue::Text(text),
        sqlite::Value::Blob(bytes) => SqlValue::Bytes(bytes),
    }
}

fn sqlite_error(error: sqlite::Error) -> SqlError {
    match error {
        sqlite::Error::Io(message) => SqlError::from_sqlite_message(&message),
        sqlite::Error::DatabaseFull => SqlError::Full("the host says so".to_owned()),
        sqlite::Error::NoSuchDatabase => {
            SqlError::Unavailable(format!("no SQLite database `{SQLITE_LABEL}`"))
        }
        sqlite::Error::AccessDenied => SqlError::Unavailable(format!(
            "spin.toml does not grant the SQLite database `{SQLITE_LABEL}`"
        )),
        sqlite::Error::InvalidConnection => {
            SqlError::Unavailable("the host closed the connection".to_owned())
        }
    }
}

struct PostgresConnection(postgres::Connection);

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
        let parameters = parameters.into_iter().map(to_postgres).collect();
        let (_columns, rows, outcome) = self
            .0
            .query_async(statement.to_owned(), parameters)
            .await
            .map_err(postgres_error)?;
        let rows = rows.collect().await;
        outcome.await.map_err(postgres_error)?;
        rows.into_iter()
            .map(|row| row.into_iter().map(from_postgres).collect())
            .collect()
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<SqlValue>,
    ) -> Result<u64, SqlError> {
        let parameters = parameters.into_iter().map(to_postgres).collect();
        self.0
            .execute_async(statement.to_owned(), parameters)
            .await
            .map_err(postgres_error)
    }
}

fn to_postgres(value: SqlValue) -> postgres::ParameterValue {
    match value {
        SqlValue::Null => postgres::ParameterValue::DbNull,
        SqlValue::Integer(integer) => postgres::ParameterValue::Int64(integer),
        SqlValue::Real(real) => postgres::ParameterValue::Floating64(real),
        SqlValue::Text(text) => postgres::ParameterValue::Str(text),
        SqlValue::Bytes(bytes) => postgres::ParameterValue::Binary(bytes),
    }
}

fn from_postgres(value: postgres::DbValue) -> Result<SqlValue, SqlError> {
    use postgres::DbValue;
    match value {
        DbValue::DbNull => Ok(SqlValue::Null),
        DbValue::Boolean(truth) => Ok(SqlValue::Integer(truth.into())),
        DbValue::Int8(integer) => Ok(SqlValue::Integer(integer.into())),
        DbValue::Int16(integer) => Ok(SqlValue::Integer(integer.into())),
        DbValue::Int32(integer) => Ok(SqlValue::Integer(integer.into())),
        DbValue::Int64(integer) => Ok(SqlValue::Integer(integer)),
        DbValue::Floating32(real) => Ok(SqlValue::Real(real.into())),
        DbValue::Floating64(real) => Ok(SqlValue::Real(real)),
        DbValue::Str(text) => Ok(SqlValue::Text(text)),
        DbValue::Binary(bytes) => Ok(SqlValue::Bytes(bytes)),
        // The types that our schema does not use; a statement that yields one has forgotten a cast.
        DbValue::Date(_)
        | DbValue::Time(_)
        | DbValue::Datetime(_)
        | DbValue::Timestamp(_)
        | DbValue::Uuid(_)
        | DbValue::Jsonb(_)
        | DbValue::Decimal(_)
        | DbValue::RangeInt32(_)
        | DbValue::RangeInt64(_)
        | DbValue::RangeDecimal(_)
        | DbValue::ArrayInt32(_)
        | DbValue::ArrayInt64(_)
        | DbValue::ArrayDecimal(_)
        | DbValue::ArrayStr(_)
        | DbValue::Interval(_)
        | DbValue::Unsupported(_) => Err(SqlError::Shape(
            "a column is of a type outside bigint, double precision, text, bytea".to_owned(),
        )),
    }
}

fn postgres_error(error: postgres::Error) -> SqlError {
    match error {
        postgres::Error::ConnectionFailed(message) | postgres::Error::Other(message) => {
            SqlError::Unavailable(message)
        }
        postgres::Error::QueryFailed(postgres::QueryError::DbError(error)) => {
            SqlError::from_postgres_code(&error.code, &error.message)
        }
        // Without a code of the server the fault lay between us and it.
        postgres::Error::QueryFailed(postgres::QueryError::Text(message)) => {
            SqlError::Unavailable(message)
        }
        postgres::Error::BadParameter(message) => SqlError::Statement(message),
        postgres::Error::ValueConversionFailed(message) => SqlError::Shape(message),
    }
}

struct SpinClock;

impl Clock for SpinClock {
    fn now_unix_ms(&self) -> i64 {
        let now = wasip3::clocks::system_clock::now();
        now.seconds * super::MS_PER_S + i64::from(now.nanoseconds / 1_000_000)
    }
}

struct SpinRandom;

impl Random for SpinRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut filled = 0;
        // The host may give fewer bytes than asked for, but at least one.
        while filled < bytes.len() {
            let more = wasip3::random::random::get_random_bytes((bytes.len() - filled) as u64);
            let count = more.len().min(bytes.len() - filled);
            bytes[filled..filled + count].copy_from_slice(&more[..count]);
            filled += count;
        }
    }
}

/// A bell is the writing end of a stream without a byte in it: the host tells the task that reads when the other end goes away.
struct StreamSignals;

impl Signals for StreamSignals {
    fn pair(&self) -> (Bell, Rung) {
        let (writer, mut reader) = crate::component::byte_stream();
        let rung = Box::pin(async move {
            reader.next().await;
        });
        (Box::new(writer), rung)
    }
}

struct SpinVariables;

#[async_trait]
impl Variables for SpinVariables {
    async fn get(&self, name: &str) -> Result<String, VariableError> {
        variables::get(name).await.map_err(|error| match error {
            variables::Error::Undefined(_) => VariableError::Undefined(name.to_owned()),
            other => VariableError::Unreadable {
                name: name.to_owned(),
                reason: other.to_string(),
            },
        })
    }
}

struct SpinKeyValue;

impl SpinKeyValue {
    async fn open(&self) -> Result<spin_sdk::key_value::Store, KeyValueError> {
        spin_sdk::key_value::Store::open(KEY_VALUE_LABEL)
            .await
            .map_err(key_value_error)
    }
}

#[async_trait]
impl KeyValue for SpinKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.open().await?.get(key).await.map_err(key_value_error)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        self.open()
            .await?
            .set(key, value)
            .await
            .map_err(key_value_error)
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.open()
            .await?
            .delete(key)
            .await
            .map_err(key_value_error)
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.open()
            .await?
            .get_keys()
            .await
            .collect()
            .await
            .map_err(key_value_error)
    }
}

fn key_value_error(error: spin_sdk::key_value::Error) -> KeyValueError {
    use spin_sdk::key_value::Error;
    match error {
        Error::StoreTableFull => KeyValueError::Full,
        Error::NoSuchStore => {
            KeyValueError::Refused(format!("no key-value store `{KEY_VALUE_LABEL}`"))
        }
        Error::AccessDenied => KeyValueError::Refused(format!(
            "spin.toml does not grant the key-value store `{KEY_VALUE_LABEL}`"
        )),
        Error::Other(message) => KeyValueError::Unavailable(message),
    }
}

/// Nanoseconds of a millisecond, for WASI's durations.
const NS_PER_MS: u64 = 1_000_000;

struct SpinHttpClient;

#[async_trait]
impl HttpClient for SpinHttpClient {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        bounds: HttpBounds,
    ) -> Result<http::Response<Bytes>, HttpClientError> {
        // Without its length a body goes out in chunks, which not every server of an operator's partners reads.
        let length = HeaderValue::from(request.body().len());
        let mut request = request.map(Full::new);
        request.headers_mut().insert(header::CONTENT_LENGTH, length);
        request
            .extensions_mut()
            .insert(RequestOptionsExtension(options(bounds)));
        let response = spin_sdk::http::send(request).await.map_err(http_error)?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, bounds.answer_bytes_max)
            .collect()
            .await
            .map_err(|error| HttpClientError::Ambiguous(error.to_string()))?
            .to_bytes();
        Ok(http::Response::from_parts(parts, bytes))
    }
}

/// Times that a host may not offer: then its own hold.
fn options(bounds: HttpBounds) -> RequestOptions {
    let options = RequestOptions::new();
    let time = Some(u64::from(bounds.time_ms_max) * NS_PER_MS);
    let _ = options.set_connect_timeout(time);
    let _ = options.set_first_byte_timeout(time);
    let _ = options.set_between_bytes_timeout(time);
    options
}

/// Only what a host says before it has a connection is certain not to have sent anything.
fn http_error(error: ErrorCode) -> HttpClientError {
    let text = format!("{error:?}");
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsCertificateError
        | ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::LoopDetected => HttpClientError::NotSent(text),
        _ => HttpClientError::Ambiguous(text),
    }
}

struct SpinBackground;

impl Background for SpinBackground {
    fn go_on(&self, work: Work) {
        spin_sdk::wit_bindgen::spawn(work);
    }
}
