//! Reads and writes of a key-value file.
//!
//! sqlx makes the file and its table and lists keys. Single values are read on the caller's own thread and written by one
//! thread in shared commits, see [`connection`](super::connection) and [`writer`](super::writer).
//!
//! What was read lately is kept by SQLite, in the page cache of each reading connection: SQLite asks before each look-up
//! whether any connection of any process has changed the file, and forgets the pages if so. A cache of values beside it would
//! have to ask the same question, which is most of what such a look-up costs; so there is none, and two gateways on one file
//! see each other's writes at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chudian_manifest::StoreLocation;
use sqlx::{Executor as _, Row as _};
use tokio::sync::{OnceCell, Semaphore, oneshot};

use crate::bindings::key_value::Error;
use crate::key_value::connection::{Failed, Found, Reader};
use crate::key_value::writer::{Write, WriterThread};
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
const KEYS_AFTER: &str =
    "SELECT key FROM spin_key_value WHERE store = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
const KEYS_FIRST: &str = "SELECT key FROM spin_key_value WHERE store = ?1 ORDER BY key LIMIT ?2";

/// A row holds a value, its key and a few bytes of SQLite's own.
const ROW_OVERHEAD_BYTES: usize = 1 << 10;

/// A key-value file, shared by all components that name it.
#[derive(Debug)]
pub struct KeyValueFile {
    database: Arc<SqliteDatabase>,
    settings: KeyValueSettings,
    made: OnceCell<PathBuf>,
    readers: Arc<Readers>,
    writer: Mutex<Option<WriterThread>>,
}

/// Connections that read and are not in use.
#[derive(Debug)]
struct Readers {
    idle: Mutex<Vec<Reader>>,
    idle_max: usize,
    cache_bytes_max: u32,
    /// Reads that run on threads of their own.
    threads: Semaphore,
}

impl Readers {
    /// Runs `read` on an idle connection, or on a new one. Does not wait for other connections unless told how long.
    fn with<Value>(
        &self,
        path: &std::path::Path,
        wait_max: Duration,
        read: impl FnOnce(&mut Reader) -> Result<Value, Failed>,
    ) -> Result<Value, Failed> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader::open(path, self.cache_bytes_max)?,
        };
        if !wait_max.is_zero() {
            reader.wait_for_others(wait_max);
        }
        let value = read(&mut reader)?;
        if !wait_max.is_zero() {
            reader.wait_for_others(Duration::ZERO);
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A connection that failed was dropped above; one too many is dropped here.
        if idle.len() < self.idle_max {
            idle.push(reader);
        }
        Ok(value)
    }
}

impl KeyValueFile {
    /// Opens nothing yet.
    pub(crate) fn new(location: StoreLocation, settings: &KeyValueSettings) -> Self {
        let row_bytes_max = settings.value_bytes_max + settings.key_bytes_max + ROW_OVERHEAD_BYTES;
        let sqlite = SqliteSettings {
            connections_max: settings.connections_max,
            busy_wait_max: settings.busy_wait_max,
            value_bytes_max: i32::try_from(row_bytes_max).unwrap_or(i32::MAX),
            ..SqliteSettings::default()
        };
        Self {
            database: Arc::new(SqliteDatabase::new(location, sqlite)),
            settings: settings.clone(),
            made: OnceCell::new(),
            readers: Arc::new(Readers {
                idle: Mutex::default(),
                idle_max: settings.connections_max,
                cache_bytes_max: settings.read_cache_bytes_max,
                threads: Semaphore::new(settings.connections_max),
            }),
            writer: Mutex::default(),
        }
    }

    /// The value of a key, or none.
    pub(crate) async fn get(&self, label: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path().await?;
        let here_bytes_max = self.settings.read_here_bytes_max;
        let found = self.readers.with(path, Duration::ZERO, |reader| {
            reader.get(label, key, here_bytes_max)
        });
        match found {
            Ok(Found::Nothing) => Ok(None),
            Ok(Found::Value(value)) => Ok(Some(value)),
            Err(failed) if !failed.is_busy() => Err(told(&failed)),
            Ok(Found::Longer) | Err(_) => {
                let (label, key) = (label.to_owned(), key.to_owned());
                let bytes_max = self.settings.value_bytes_max;
                let found = self
                    .read_on_a_thread(move |reader| reader.get(&label, &key, bytes_max))
                    .await?;
                match found {
                    Found::Nothing => Ok(None),
                    Found::Value(value) => Ok(Some(value)),
                    Found::Longer => Err(Error::Other(format!(
                        "the value has more than {bytes_max} bytes"
                    ))),
                }
            }
        }
    }

    /// Whether a key has a value.
    pub(crate) async fn exists(&self, label: &str, key: &str) -> Result<bool, Error> {
        let path = self.path().await?;
        let found = self
            .readers
            .with(path, Duration::ZERO, |reader| reader.exists(label, key));
        match found {
            Ok(exists) => Ok(exists),
            Err(failed) if !failed.is_busy() => Err(told(&failed)),
            Err(_) => {
                let (label, key) = (label.to_owned(), key.to_owned());
                self.read_on_a_thread(move |reader| reader.exists(&label, &key))
                    .await
            }
        }
    }

    /// Stores a value. When this returns, the value survives a power cut.
    pub(crate) async fn set(&self, label: &str, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.write(label, key, Some(value)).await
    }

    /// Removes a key; no error when there is none.
    pub(crate) async fn delete(&self, label: &str, key: String) -> Result<(), Error> {
        self.write(label, key, None).await
    }

    /// At most `count` keys in order, those behind `after`.
    pub(crate) async fn keys(
        &self,
        label: &str,
        after: Option<String>,
        count: i64,
    ) -> Result<Vec<String>, Error> {
        self.path().await?;
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

    /// Closes what is open, when all that was written is on the disk. The last connection to a file folds the write-ahead log
    /// into it.
    pub(crate) async fn close(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Waits for its thread.
        drop(writer);
        self.readers
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.database.close().await;
    }

    /// Where the file is, which is made with its table the first time.
    async fn path(&self) -> Result<&PathBuf, Error> {
        let make = async || {
            let mut lease = self.lease().await?;
            let made = lease.connection.sqlx.execute(CREATE_TABLE).await;
            self.settle(lease, made)?;
            self.database.path().cloned().ok_or_else(cannot_be_used)
        };
        self.made.get_or_try_init(make).await
    }

    /// Reads on a thread of its own: what takes long, or has to wait.
    async fn read_on_a_thread<Value: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<Value, Failed> + Send + 'static,
    ) -> Result<Value, Error> {
        let path = self.path().await?.clone();
        let wait_max = self.settings.busy_wait_max;
        let readers = Arc::clone(&self.readers);
        // The semaphore is never closed.
        let _thread = self
            .readers
            .threads
            .acquire()
            .await
            .map_err(|_| cannot_be_used())?;
        tokio::task::spawn_blocking(move || readers.with(&path, wait_max, read))
            .await
            .map_err(|_| cannot_be_used())?
            .map_err(|failed| told(&failed))
    }

    async fn write(&self, label: &str, key: String, value: Option<Vec<u8>>) -> Result<(), Error> {
        let path = self.path().await?;
        let (done, outcome) = oneshot::channel();
        let write = Write {
            label: label.to_owned(),
            key,
            value,
            done,
        };
        self.hand_over(path, write)?;
        outcome
            .await
            .map_err(|_| cannot_be_used())?
            .map_err(|failed| told(&failed))
    }

    fn hand_over(&self, path: &std::path::Path, write: Write) -> Result<(), Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let write = match &*writer {
            Some(thread) => match thread.send(write) {
                Ok(()) => return Ok(()),
                // Its thread has ended, which only a panic does; another one is started.
                Err(write) => write,
            },
            None => write,
        };
        let started = WriterThread::start(path.to_owned(), self.settings.busy_wait_max).map_err(
            |reason| {
                tracing::error!(%reason, "the writer of a key-value file could not be started");
                cannot_be_used()
            },
        )?;
        let sent = started.send(write).map_err(|_| cannot_be_used());
        *writer = Some(started);
        sent
    }

    async fn lease(&self) -> Result<Lease, Error> {
        self.database.lease().await.map_err(|reason| {
            Error::Other(
                match reason {
                    NoConnection::Busy | NoConnection::Locked => {
                        "the store is overloaded; try again"
                    }
                    NoConnection::Unusable => "the store cannot be opened",
                }
                .to_owned(),
            )
        })
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
            Err(sqlx::Error::Database(error)) => {
                self.database.give_back(lease);
                Err(Error::Other(error.message().to_owned()))
            }
            Err(error) => {
                tracing::error!(%error, "a key-value file cannot be read or written");
                Err(cannot_be_used())
            }
        }
    }
}

/// What a guest is told; SQLite's words name neither path nor values.
fn told(failed: &Failed) -> Error {
    tracing::error!(%failed, "a key-value file cannot be read or written");
    Error::Other(failed.message().to_owned())
}

fn cannot_be_used() -> Error {
    Error::Other("the store cannot be read or written".to_owned())
}
