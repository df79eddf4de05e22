//! One database file and the connections to it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chudian_manifest::StoreLocation;
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::settings::SqliteSettings;
use crate::sqlite::guard::{self, Watch};

/// Rows that a statement's thread may be ahead of its reader; also what one hand-over between the threads carries.
const ROWS_AHEAD_MAX: usize = 16;

/// A database file: opened when it is first used, shared by all components that name it.
#[derive(Debug)]
pub struct SqliteDatabase {
    location: StoreLocation,
    settings: SqliteSettings,
    place: OnceCell<Place>,
    idle: Mutex<Vec<HostConnection>>,
    permits: Arc<Semaphore>,
    resting: Arc<AtomicUsize>,
    /// Who may begin to write. SQLite lets those who wait for its lock try again after ever longer pauses, so that under load a newcomer is
    /// served before one who has waited for seconds; here they stand in the order in which they came.
    turns: Arc<Semaphore>,
}

/// Where the file really is. The directory of a database in memory goes away with it.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    _directory: Option<tempfile::TempDir>,
}

/// A connection and what stops its statements.
#[derive(Debug)]
pub(crate) struct HostConnection {
    pub(crate) sqlx: SqliteConnection,
    pub(crate) watch: Arc<Watch>,
}

/// Why no connection could be had. The texts hold no path: a guest may see them.
#[derive(Debug)]
pub(crate) enum NoConnection {
    /// All are in use and none came free in time.
    Busy,
    /// The file cannot be opened. Details are in the log.
    Unusable,
    /// Others write, and went on writing for as long as one waits.
    Locked,
}

/// A connection in use, or one that rests with the handle that used it last. Closed when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: HostConnection,
    hold: Hold,
    /// Held while a transaction that writes is open.
    turn: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// Keeps the turn until the connection is given back or rests.
    pub(crate) fn take_turn(&mut self, turn: OwnedSemaphorePermit) {
        self.turn = Some(turn);
    }

    /// Lets the next one begin to write.
    pub(crate) fn end_turn(&mut self) {
        self.turn = None;
    }
}

/// What a lease counts as.
#[derive(Debug)]
enum Hold {
    /// One of the connections in use at once.
    Active(
        #[expect(dead_code, reason = "held for as long as the connection is in use")]
        OwnedSemaphorePermit,
    ),
    /// One of those that rest.
    Resting(#[expect(dead_code, reason = "counts for as long as it lives")] Resting),
}

/// Counts one resting connection until dropped.
#[derive(Debug)]
struct Resting(Arc<AtomicUsize>);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SqliteDatabase {
    /// Opens nothing yet.
    pub(crate) fn new(location: StoreLocation, settings: SqliteSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.connections_max));
        Self {
            location,
            settings,
            place: OnceCell::new(),
            idle: Mutex::default(),
            permits,
            resting: Arc::default(),
            turns: Arc::new(Semaphore::new(1)),
        }
    }

    pub(crate) fn settings(&self) -> &SqliteSettings {
        &self.settings
    }

    /// Where the file is, once a connection was opened.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.place.get().map(|place| &place.path)
    }

    /// Whether the database can be opened and answers; for health checks.
    pub async fn is_usable(&self) -> bool {
        let Ok(mut lease) = self.lease().await else {
            return false;
        };
        let usable = lease.connection.sqlx.ping().await.is_ok();
        if usable {
            self.give_back(lease);
        }
        usable
    }

    /// Whether a connection could be opened: by looking once, and then by having looked.
    pub(crate) async fn open(&self) -> Result<(), NoConnection> {
        if !self.place.initialized() {
            let lease = self.lease().await?;
            self.give_back(lease);
        }
        Ok(())
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, NoConnection> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(_) => tokio::time::timeout(
                self.settings.connection_wait_max,
                Arc::clone(&self.permits).acquire_owned(),
            )
            .await
            .map_err(|_| NoConnection::Busy)?
            .map_err(|_| NoConnection::Unusable),
        }
    }

    /// The turn to begin a transaction that writes, first come first served. Waited for before a connection is taken, so that those who
    /// wait to write leave the connections to those who read.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, NoConnection> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        tokio::time::timeout(self.settings.busy_wait_max, turn)
            .await
            .map_err(|_| NoConnection::Locked)?
            .map_err(|_| NoConnection::Unusable)
    }

    /// A connection: an idle one, else a new one.
    pub(crate) async fn lease(&self) -> Result<Lease, NoConnection> {
        let permit = self.permit().await?;
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| {
                tracing::error!(database = ?self.location, %error, "a SQLite database cannot be opened");
                NoConnection::Unusable
            })?,
        };
        Ok(Lease {
            connection,
            hold: Hold::Active(permit),
            turn: None,
        })
    }

    /// Takes back a connection that is clean.
    pub(crate) fn give_back(&self, lease: Lease) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // One that rested may come back beside as many as may be in use; one too many is closed.
        if idle.len() < self.settings.connections_max {
            idle.push(lease.connection);
        }
    }

    /// Leaves a connection with its handle without counting it as in use; gives it back when too many rest already.
    pub(crate) fn rest(&self, lease: Lease) -> Result<Lease, Lease> {
        if self.resting.fetch_add(1, Ordering::Relaxed) >= self.settings.connections_resting_max {
            self.resting.fetch_sub(1, Ordering::Relaxed);
            return Err(lease);
        }
        Ok(Lease {
            connection: lease.connection,
            hold: Hold::Resting(Resting(Arc::clone(&self.resting))),
            turn: None,
        })
    }

    /// Counts a connection as in use again, as soon as one may be.
    pub(crate) async fn wake(&self, lease: &mut Lease) -> Result<(), NoConnection> {
        if matches!(lease.hold, Hold::Resting(_)) {
            lease.hold = Hold::Active(self.permit().await?);
        }
        Ok(())
    }

    /// Ready when this many connections could be had, so all others are given back.
    #[cfg(test)]
    pub(crate) async fn wait_for_permits(&self, count: u32) {
        drop(self.permits.acquire_many(count).await);
    }

    #[cfg(test)]
    pub(crate) fn location(&self) -> StoreLocation {
        self.location.clone()
    }

    /// Closes what is idle. The last connection to a file folds the write-ahead log into it.
    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.sqlx.close().await {
                tracing::warn!(database = ?self.location, %error, "a SQLite connection did not close cleanly");
            }
        }
    }

    async fn connect(&self) -> Result<HostConnection, sqlx::Error> {
        let place = self
            .place
            .get_or_try_init(|| async { Place::prepare(&self.location) })
            .await
            .map_err(sqlx::Error::Io)?;
        let mut sqlx = connect_options(&place.path, &self.settings)
            .connect()
            .await?;
        let watch = Arc::new(Watch::default());
        guard::guard(&mut sqlx, Arc::clone(&watch), &self.settings).await?;
        Ok(HostConnection { sqlx, watch })
    }
}

impl Place {
    fn prepare(location: &StoreLocation) -> std::io::Result<Self> {
        match location {
            StoreLocation::File(path) => {
                if let Some(parent) = path
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(parent)?;
                }
                Ok(Self {
                    path: path.clone(),
                    _directory: None,
                })
            }
            // Connections share a database; SQLite's own memory databases lock whole tables between them.
            StoreLocation::Memory(_) => {
                let directory = tempfile::tempdir()?;
                Ok(Self {
                    path: directory.path().join("memory.db"),
                    _directory: Some(directory),
                })
            }
        }
    }
}

/// How this product opens a SQLite file, also outside components (migrations).
pub fn connect_options(path: &Path, settings: &SqliteSettings) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(settings.busy_wait_max)
        .statement_cache_capacity(settings.statements_cached_max)
        .row_buffer_size(ROWS_AHEAD_MAX)
        .disable_statement_logging()
}
