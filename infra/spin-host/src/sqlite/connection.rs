//! A connection as one guest sees it: its statements in order, its row id, its changes, and the clean-up at the end.
//!
//! A guest keeps its handles for as long as its instance lives, and there are more instances than connections. So a handle has
//! a connection of the host only while that matters: during a statement and in a transaction. One that has written keeps its
//! connection, for SQL may ask it what it wrote, but is not counted as in use.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use futures::TryStreamExt as _;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Either, Executor as _, Statement as _};

use crate::bindings::sqlite::{Error, RowResult, Value};
use crate::delivery::{Delivery, Sender, channel, deliver};
use crate::pinned::Pin;
use crate::sqlite::database::{Lease, NoConnection, SqliteDatabase};
use crate::sqlite::guard::{self, Watch};
use crate::sqlite::value;
use crate::statement_text::{first_word, mentions};

/// A connection pinned to a guest's handle.
#[derive(Debug)]
pub(crate) struct PinnedConnection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Arc<SqliteDatabase>,
    pin: Pin<Lease>,
    last_insert_rowid: AtomicI64,
    changes: AtomicU64,
    /// A transaction may be open.
    transaction: AtomicBool,
    /// A row id may be left.
    inserted: AtomicBool,
    /// A statement was abandoned before its end, or the connection broke.
    abandoned: AtomicBool,
    /// The connection broke: what was done on it is lost, which the guest must be told.
    lost: AtomicBool,
}

/// A statement that runs. Dropped before its end, it stops the statement and marks the connection.
struct Running<'shared> {
    shared: &'shared Shared,
    watch: Arc<Watch>,
    ended: bool,
}

/// First words of statements after which a transaction may be over.
const TRANSACTION_ENDS: [&str; 4] = ["commit", "end", "rollback", "release"];

/// Whether a statement begins a transaction that has the write lock from its beginning. Of one that takes it later nothing can be told in
/// advance; it waits as SQLite lets it wait.
fn begins_to_write(statement: &str) -> bool {
    first_word(statement) == "begin" && mentions(statement, &["immediate", "exclusive"])
}

/// A statement's columns and rows.
pub(crate) struct Execution {
    pub(crate) columns: Vec<String>,
    pub(crate) delivery: Delivery<RowResult, Error>,
}

fn refused(reason: NoConnection) -> Error {
    Error::Io(
        match reason {
            NoConnection::Busy => "all connections to the database are in use; try again",
            NoConnection::Unusable => "the database cannot be opened",
            // SQLite's own words, by which guests know that they may try again.
            NoConnection::Locked => "database is locked",
        }
        .to_owned(),
    )
}

impl PinnedConnection {
    /// A handle of a database that can be opened.
    pub(crate) async fn open(database: Arc<SqliteDatabase>) -> Result<Self, Error> {
        database.open().await.map_err(refused)?;
        let shared = Shared {
            database,
            pin: Pin::empty(),
            last_insert_rowid: AtomicI64::new(0),
            changes: AtomicU64::new(0),
            transaction: AtomicBool::new(false),
            inserted: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Row id of the last row inserted through this handle; 0 before.
    pub(crate) fn last_insert_rowid(&self) -> i64 {
        self.shared.last_insert_rowid.load(Ordering::Relaxed)
    }

    /// Rows changed by the last statement of this handle that changes rows; 0 before.
    pub(crate) fn changes(&self) -> u64 {
        self.shared.changes.load(Ordering::Relaxed)
    }

    /// Runs a statement. An error before the first row is the result; a later one comes after the rows.
    pub(crate) async fn execute(
        &self,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Execution, Error> {
        let arguments = value::arguments(parameters)?;
        let limits = self.shared.database.settings().result;
        let (sender, receiver) = channel(limits, self.shared.pin.wanted());
        let columns = Arc::new(OnceLock::new());
        let shared = Arc::clone(&self.shared);
        let columns_found = Arc::clone(&columns);
        let delivery = deliver(sender, receiver, |sender| {
            shared.run(statement, arguments, columns_found, sender)
        })
        .await;
        if let Delivery::Whole(rows, Err(error)) = &delivery
            && rows.is_empty()
        {
            return Err(error.clone());
        }
        Ok(Execution {
            columns: columns.get().cloned().unwrap_or_default(),
            delivery,
        })
    }
}

impl Shared {
    async fn run(
        self: Arc<Self>,
        statement: String,
        arguments: SqliteArguments,
        columns: Arc<OnceLock<Vec<String>>>,
        mut sender: Sender<RowResult>,
    ) -> Result<(), Error> {
        let mut slot = self.pin.lock().await;
        let kind = StatementKind::of(&statement);
        let is_outside = !self.transaction.load(Ordering::Relaxed);
        let begins_to_write = is_outside && begins_to_write(&statement);
        // A statement that is its own transaction needs the lock as much as one that begins a longer one.
        let writes_alone = is_outside && kind.changes_rows();
        let turn = if begins_to_write || writes_alone {
            Some(self.database.turn().await.map_err(refused)?)
        } else {
            None
        };
        let lease = self.connection(&mut slot).await?;
        if let Some(turn) = turn {
            lease.take_turn(turn);
        }
        let may_end_transaction = TRANSACTION_ENDS.contains(&first_word(&statement).as_str());
        self.note_before(&statement, kind);
        let mut running = Running::start(&self, lease);
        let outcome = self
            .drive(lease, statement, arguments, &columns, &mut sender, kind)
            .await;
        running.ended = true;
        running.watch.end();
        drop(running);
        if writes_alone || begins_to_write && outcome.is_err() {
            lease.end_turn();
        }
        if self.lost.load(Ordering::Relaxed) {
            *slot = None;
        }
        self.let_go(&mut slot, may_end_transaction).await;
        drop(slot);
        sender.finish().await;
        outcome
    }

    /// The handle's connection, counted as in use.
    async fn connection<'slot>(
        &self,
        slot: &'slot mut Option<Lease>,
    ) -> Result<&'slot mut Lease, Error> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(Error::InvalidConnection);
        }
        if let Some(lease) = slot {
            self.database.wake(lease).await.map_err(refused)?;
        } else {
            *slot = Some(self.database.lease().await.map_err(refused)?);
        }
        slot.as_mut().ok_or(Error::InvalidConnection)
    }

    /// Gives the connection back after a statement, or lets it rest, when nothing needs it.
    async fn let_go(&self, slot: &mut Option<Lease>, may_end_transaction: bool) {
        if self.abandoned.load(Ordering::Relaxed) {
            return;
        }
        let Some(mut lease) = slot.take() else { return };
        if self.transaction.load(Ordering::Relaxed) {
            let is_open = !may_end_transaction
                || guard::in_transaction(&mut lease.connection.sqlx)
                    .await
                    .unwrap_or(true);
            if is_open {
                *slot = Some(lease);
                return;
            }
            self.transaction.store(false, Ordering::Relaxed);
        }
        if !self.inserted.load(Ordering::Relaxed) {
            self.database.give_back(lease);
            return;
        }
        match self.database.rest(lease) {
            Ok(resting) => *slot = Some(resting),
            Err(lease) => {
                self.inserted.store(false, Ordering::Relaxed);
                // One that cannot be cleaned is closed by being dropped.
                if let Ok(lease) = clean(lease, false).await {
                    self.database.give_back(lease);
                }
            }
        }
    }

    async fn drive(
        &self,
        lease: &mut Lease,
        statement: String,
        arguments: SqliteArguments,
        columns: &OnceLock<Vec<String>>,
        sender: &mut Sender<RowResult>,
        kind: StatementKind,
    ) -> Result<(), Error> {
        let watch = Arc::clone(&lease.connection.watch);
        let connection = &mut lease.connection.sqlx;
        let text = statement.clone();
        let mut refusal = None;
        {
            let mut items =
                connection.fetch_many(sqlx::query_with(AssertSqlSafe(statement), arguments));
            while let Some(item) = items
                .try_next()
                .await
                .map_err(|error| self.failed(&error))?
            {
                match item {
                    Either::Right(row) => {
                        columns.get_or_init(|| value::column_names(&row));
                        let sent = match value::row(&row) {
                            Ok((row, bytes)) => sender
                                .send(row, bytes)
                                .await
                                .map_err(|overflow| Error::Io(overflow.to_string())),
                            Err(error) => Err(error),
                        };
                        if let Err(error) = sent {
                            refusal = Some(error);
                            break;
                        }
                    }
                    Either::Left(done) => self.note_done(kind, &done),
                }
            }
        }
        if let Some(error) = refusal {
            // The statement is not at its end: it is stopped and waited for, so that the next one does not queue behind it.
            watch.stop();
            sqlx::Connection::ping(connection)
                .await
                .map_err(|error| self.failed(&error))?;
            watch.clear();
            return Err(error);
        }
        // Without a row the columns are only known to the prepared statement, which is cached by now.
        if columns.get().is_none() && kind.may_return_rows(&text) {
            let prepared = connection
                .prepare(sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(text)))
                .await
                .map_err(|error| self.failed(&error))?;
            columns.get_or_init(|| {
                prepared
                    .columns()
                    .iter()
                    .map(|column| sqlx::Column::name(column).to_owned())
                    .collect()
            });
        }
        Ok(())
    }

    fn failed(&self, error: &sqlx::Error) -> Error {
        if matches!(error, sqlx::Error::WorkerCrashed) {
            self.abandoned.store(true, Ordering::Relaxed);
            self.lost.store(true, Ordering::Relaxed);
        }
        value::error_of(error)
    }

    fn note_before(&self, statement: &str, kind: StatementKind) {
        if mentions(statement, &["begin", "savepoint"]) {
            self.transaction.store(true, Ordering::Relaxed);
        }
        if kind.changes_rows() {
            self.inserted.store(true, Ordering::Relaxed);
        }
    }

    fn note_done(&self, kind: StatementKind, done: &sqlx::sqlite::SqliteQueryResult) {
        if kind.changes_rows() {
            self.changes.store(done.rows_affected(), Ordering::Relaxed);
            self.last_insert_rowid
                .store(done.last_insert_rowid(), Ordering::Relaxed);
        }
    }
}

/// What is told from the first word of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatementKind {
    /// INSERT, REPLACE, UPDATE, DELETE, or WITH, which may begin one of them.
    Change,
    /// SELECT, VALUES, PRAGMA, EXPLAIN.
    Read,
    /// Anything else: it neither returns rows nor counts changes.
    Other,
}

impl StatementKind {
    fn of(statement: &str) -> Self {
        match first_word(statement).as_str() {
            "insert" | "replace" | "update" | "delete" => Self::Change,
            "with" if mentions(statement, &["insert", "replace", "update", "delete"]) => {
                Self::Change
            }
            "select" | "values" | "pragma" | "explain" | "with" => Self::Read,
            _ => Self::Other,
        }
    }

    fn changes_rows(self) -> bool {
        self == Self::Change
    }

    /// Whether a result without rows may still have columns.
    fn may_return_rows(self, statement: &str) -> bool {
        match self {
            Self::Read => true,
            Self::Change => mentions(statement, &["returning", "select"]),
            Self::Other => false,
        }
    }
}

impl<'shared> Running<'shared> {
    fn start(shared: &'shared Shared, lease: &Lease) -> Self {
        let watch = Arc::clone(&lease.connection.watch);
        watch.start(shared.database.settings().statement_time_max);
        Self {
            shared,
            watch,
            ended: false,
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.abandoned.store(true, Ordering::Relaxed);
            self.watch.stop();
        }
    }
}

impl Drop for Shared {
    /// Gives the connection back, cleaned where it has to be. Nobody else holds the slot: every statement holds `self`.
    fn drop(&mut self) {
        let Some(lease) = self
            .pin
            .slot()
            .try_lock_owned()
            .ok()
            .and_then(|mut slot| slot.take())
        else {
            return;
        };
        let database = Arc::clone(&self.database);
        let (transaction, inserted, abandoned) = (
            *self.transaction.get_mut(),
            *self.inserted.get_mut(),
            *self.abandoned.get_mut(),
        );
        if !(transaction || inserted || abandoned) {
            database.give_back(lease);
            return;
        }
        // Outside a runtime there is nobody to clean it; then it is closed, which rolls back.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            match clean(lease, transaction || abandoned).await {
                Ok(lease) => database.give_back(lease),
                Err(error) => tracing::debug!(%error, "a SQLite connection could not be cleaned and was closed"),
            }
        });
    }
}

/// Brings a connection to the state of a new one.
async fn clean(mut lease: Lease, roll_back: bool) -> Result<Lease, sqlx::Error> {
    let connection = &mut lease.connection;
    // Waits for an abandoned statement, which the watch stops.
    sqlx::Connection::ping(&mut connection.sqlx).await?;
    connection.watch.clear();
    guard::forget_last_insert_rowid(&mut connection.sqlx).await?;
    if roll_back {
        // Fails when no transaction is open, which is as good.
        match connection.sqlx.execute("ROLLBACK").await {
            Ok(_) | Err(sqlx::Error::Database(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(lease)
}
