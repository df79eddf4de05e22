//! Ports: the eight things a function asks of its host, as small traits and one SQL type.
//!
//! A function's domain and router take these as parameters and never name a host. [`spin`] holds the implementations for a
//! component (wasm only), [`native`] the ones over real SQLite and PostgreSQL that tests and native tools use. A function
//! takes only the ports it needs: a component imports exactly the interfaces of the ports that it constructs.
//!
//! Invariant: every future here is `Send`, because axum demands it of handlers; a component runs them on its one thread all
//! the same. Not a place for policy: no retries, caches or defaults of a function's own.

pub mod sql;

#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub mod native;
#[cfg(target_family = "wasm")]
pub mod spin;

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;

/// Milliseconds of a second, for the conversions below.
const MS_PER_S: i64 = 1000;

/// Tells the time. A trait, so that a test can set it.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_unix_ms(&self) -> i64;

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    fn now_unix_s(&self) -> i64 {
        self.now_unix_ms().div_euclid(MS_PER_S)
    }
}

/// Gives random bytes fit for keys and tokens.
pub trait Random: Send + Sync {
    /// Fills `bytes` from the system's random source.
    fn fill(&self, bytes: &mut [u8]);
}

/// Lets one request of an instance wait for another.
///
/// A waker does not do: on hosts of components each request is a task of its own, and tasks wake each other only through the host.
pub trait Signals: Send + Sync {
    /// A bell and the wait for it.
    fn pair(&self) -> (Bell, Rung);
}

/// Rings when it is dropped.
pub type Bell = Box<dyn Send + Sync>;

/// Ends when the bell rings, at once when it has rung. May be dropped before.
pub type Rung = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Settings of the installation, by name; all have defaults in the manifest.
#[async_trait]
pub trait Variables: Send + Sync {
    /// The value of the variable `name`.
    async fn get(&self, name: &str) -> Result<String, VariableError>;
}

/// Why a variable has no value. The text is for the log, not for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// The manifest does not give this variable to the component.
    #[error("variable `{0}` is not declared for this component")]
    Undefined(String),
    /// The host could not tell.
    #[error("variable `{name}` cannot be read: {reason}")]
    Unreadable {
        /// Name of the variable.
        name: String,
        /// What the host said.
        reason: String,
    },
}

/// A store of bytes by key, for immutable or replaceable values; not for what must change together with a table.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// The value of `key`, `None` when there is none.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError>;
    /// Sets or replaces the value of `key`; durable when it returns, as far as the host's store is.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError>;
    /// Removes `key`; no error when it is absent.
    async fn delete(&self, key: &str) -> Result<(), KeyValueError>;
    /// Every key, in no order. Reads the whole list: for maintenance, not for requests.
    async fn keys(&self) -> Result<Vec<String>, KeyValueError>;
}

/// Why the key-value store did not answer. The text is for the log, not for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueError {
    /// The store is missing or the component may not use it: a fault of the installation.
    #[error("key-value store refused: {0}")]
    Refused(String),
    /// The store has reached its capacity.
    #[error("key-value store is full")]
    Full,
    /// The store did not answer; another try may succeed.
    #[error("key-value store is unavailable: {0}")]
    Unavailable(String),
}

/// Sends requests to other components and other hosts.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends a request with an absolute address, and reads the whole answer. Every status is an answer.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        bounds: HttpBounds,
    ) -> Result<http::Response<Bytes>, HttpClientError>;
}

/// How long a request may take, and how much may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpBounds {
    /// Milliseconds for the connection, and again for the answer.
    pub time_ms_max: u32,
    /// Bytes of the answer.
    pub answer_bytes_max: usize,
}

/// Why there is no answer. Who must do something at most once tries again after the first kind only. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpClientError {
    /// Nothing was sent: no connection, or the host does not allow it.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived: no answer in time, or the connection broke.
    #[error("no answer: {0}")]
    Ambiguous(String),
}

/// Work that goes on after a request was answered.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Lets work go on after a request was answered. A host may end it at any time, so whatever it does must be safe to leave half done.
pub trait Background: Send + Sync {
    /// Begins the work; it runs beside and after the request at hand.
    fn go_on(&self, work: Work);
}
