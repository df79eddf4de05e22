//! Reads and writes of a key-value file.

use std::sync::Arc;

use chudian_manifest::StoreLocation;
use sqlx::{Executor as _, Row as _};
use tokio::sync::OnceCell;

use crate::bindings::key_value::Error;
use crate::settings::{KeyValueSettings, SqliteSettings};
use crate::sqlite::SqliteDatabase;
use crate::sqlite::{Lease, NoConnection};

/// The table as Spin makes it.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
)";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const KEYS_AFTER: &str =
    "SELECT key FROM spin_key_value WHERE store = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
const KEYS_FIRST: &str = "SELECT key FROM spin_key_value WHERE store = ?1 ORDER BY key LIMIT ?2";

/// A row holds a value, its key and a few bytes of SQLite's own.
const ROW_OVERHEAD_BYTES: usize = 1 << 10;

/// A key-value file, shared by all components that name it.
#[derive(Debug)]
pub struct KeyValueFile {
    database: Arc<SqliteDatabase>,
    table: OnceCell<()>,
}

impl KeyValueFile {
    /// Opens nothing yet.
    pub(crate) fn new(location: StoreLocation, settings: &KeyValueSettings) -> Self {
        let row_bytes_max = settings.value_bytes_max + settings.key_bytes_max + ROW_OVERHEAD_BYTES;
        let settings = SqliteSettings {
            connections_max: settings.connections_max,
            busy_wait_max: settings.busy_wait_max,
            value_bytes_max: i32::try_from(row_bytes_max).unwrap_or(i32::MAX),
            ..SqliteSettings::default()
        };
        Self {
            database: Arc::new(SqliteDatabase::new(location, settings)),
            table: OnceCell::new(),
        }
    }

    pub(crate) fn database(&self) -> &Arc<SqliteDatabase> {
        &self.database
    }

    /// The value of a key, or none.
    pub(crate) async fn get(&self, label: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let query = sqlx::query(GET).bind(label.to_owned()).bind(key.to_owned());
        let mut lease = self.lease().await?;
        let row = lease.connection.sqlx.fetch_optional(query).await;
        let row = self.settle(lease, row)?;
        row.map(|row| row.try_get(0))
            .transpose()
            .map_err(|error| Error::Other(error.to_string()))
    }

    /// Whether a key has a value.
    pub(crate) async fn exists(&self, label: &str, key: &str) -> Result<bool, Error> {
        let query = sqlx::query(EXISTS)
            .bind(label.to_owned())
            .bind(key.to_owned());
        let mut lease = self.lease().await?;
        let row = lease.connection.sqlx.fetch_optional(query).await;
        Ok(self.settle(lease, row)?.is_some())
    }

    /// Stores a value. When this returns, the value survives a power cut.
    pub(crate) async fn set(&self, label: &str, key: String, value: Vec<u8>) -> Result<(), Error> {
        let query = sqlx::query(SET)
            .bind(label.to_owned())
            .bind(key)
            .bind(value);
        let mut lease = self.lease().await?;
        let done = lease.connection.sqlx.execute(query).await;
        self.settle(lease, done).map(drop)
    }

    /// Removes a key; no error when there is none.
    pub(crate) async fn delete(&self, label: &str, key: String) -> Result<(), Error> {
        let query = sqlx::query(DELETE).bind(label.to_owned()).bind(key);
        let mut lease = self.lease().await?;
        let done = lease.connection.sqlx.execute(query).await;
        self.settle(lease, done).map(drop)
    }

    /// At most `count` keys in order, those behind `after`.
    pub(crate) async fn keys(
        &self,
        label: &str,
        after: Option<String>,
        count: i64,
    ) -> Result<Vec<String>, Error> {
        let query = match after {
            Some(after) => sqlx::query(KEYS_AFTER)
                .bind(label.to_owned())
                .bind(after)
                .bind(count),
            None => sqlx::query(KEYS_FIRST).bind(label.to_owned()).bind(count),
        };
        let mut lease = self.lease().await?;
        let rows = lease.connection.sqlx.fetch_all(query).await;
        let rows = self.settle(lease, rows)?;
        rows.iter()
            .map(|row| {
                row.try_get(0)
                    .map_err(|error| Error::Other(error.to_string()))
            })
            .collect()
    }

    async fn lease(&self) -> Result<Lease, Error> {
        let mut lease = self.database.lease().await.map_err(|reason| {
            Error::Other(
                match reason {
                    NoConnection::Busy => "the store is overloaded; try again",
                    NoConnection::Unusable => "the store cannot be opened",
                }
                .to_owned(),
            )
        })?;
        if !self.table.initialized() {
            let made = self
                .table
                .get_or_try_init(|| async {
                    lease.connection.sqlx.execute(CREATE_TABLE).await.map(drop)
                })
                .await;
            made.map_err(|error| failed(&error))?;
        }
        Ok(lease)
    }

    /// Gives the connection back, unless it broke. A future dropped before this point loses its connection, which is right:
    /// its statement may still run.
    fn settle<Outcome>(
        &self,
        lease: Lease,
        outcome: Result<Outcome, sqlx::Error>,
    ) -> Result<Outcome, Error> {
        match outcome {
            Ok(outcome) => {
                self.database.give_back(lease);
                Ok(outcome)
            }
            Err(error) => {
                if matches!(error, sqlx::Error::Database(_)) {
                    self.database.give_back(lease);
                }
                Err(failed(&error))
            }
        }
    }
}

fn failed(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(database) => Error::Other(database.message().to_owned()),
        other => {
            tracing::error!(error = %other, "a key-value file cannot be read or written");
            Error::Other("the store cannot be read or written".to_owned())
        }
    }
}
