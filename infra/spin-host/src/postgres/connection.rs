//! A connection as one guest sees it: its statements in order, and the clean-up at the end.
//!
//! As with SQLite a handle has a connection of the host only while that matters: during a statement, in a transaction, and when
//! its session was changed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use chudian_manifest::AllowedHosts;
use futures::TryStreamExt as _;
use sqlx::postgres::{PgConnection, PgStatement};
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor as _, SqlSafeStr as _, Statement as _,
};

use crate::bindings::postgres::{Column, DbValue, Error, ParameterValue};
use crate::delivery::{Delivery, Sender, channel, deliver};
use crate::pinned::Pin;
use crate::postgres::error::{query_failed, sql_state};
use crate::postgres::pool::{Lease, Pool, PostgresPools};
use crate::postgres::{parameter, value};
use crate::statement_text::{first_word, mentions};

/// Statements that leave nothing behind in a session…
const CLEAN_FIRST_WORDS: &[&str] = &["select", "insert", "update", "delete", "with", "values"];
/// …unless they mention one of these: settings, locks and temporary tables live as long as the session.
const UNCLEAN_WORDS: &[&str] = &[
    "set_config",
    "advisory",
    "temp",
    "dblink",
    "setval",
    "nextval",
    "pg_backend",
];
/// Brings a session back, but for the prepared statements, which the driver knows and uses again. Followed by the setup.
const RESET: &str = "ROLLBACK; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; \
    SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; ";

/// SQLSTATE `feature_not_supported`, by which a server says that a prepared statement's columns have changed.
const STATE_STALE_PLAN: &str = "0A000";
/// SQLSTATE `invalid_sql_statement_name`: the server has forgotten a prepared statement (a proxy between gave us another).
const STATE_UNKNOWN_STATEMENT: &str = "26000";

/// A connection pinned to a guest's handle.
#[derive(Debug)]
pub(crate) struct PinnedConnection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pools: Arc<PostgresPools>,
    target: Target,
    pool: Arc<Pool>,
    pin: Pin<Lease>,
    /// A transaction may be open.
    transaction: AtomicBool,
    /// The session may hold something of its user.
    unclean: AtomicBool,
    /// A statement was abandoned before its end, or the connection broke.
    abandoned: AtomicBool,
}

/// Where a handle leads.
struct Target {
    address: String,
    ca_root: Option<String>,
    allowed: AllowedHosts,
}

impl std::fmt::Debug for Target {
    /// Without the address, which holds a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Target")
    }
}

impl Target {
    async fn lease(&self, pools: &PostgresPools) -> Result<(Arc<Pool>, Lease), Error> {
        pools
            .lease(&self.address, self.ca_root.clone(), &self.allowed)
            .await
    }
}

/// A statement that runs. Dropped before its end, it marks the connection, which is then closed.
struct Running<'shared> {
    shared: &'shared Shared,
    ended: bool,
}

/// A query's columns and rows.
pub(crate) struct Execution {
    pub(crate) columns: Vec<Column>,
    pub(crate) delivery: Delivery<Vec<DbValue>, Error>,
}

impl PinnedConnection {
    /// A handle of a server that can be reached.
    pub(crate) async fn open(
        pools: &Arc<PostgresPools>,
        address: String,
        ca_root: Option<String>,
        allowed: AllowedHosts,
    ) -> Result<Self, Error> {
        let target = Target {
            address,
            ca_root,
            allowed,
        };
        let (pool, lease) = target.lease(pools).await?;
        pool.give_back(lease);
        let shared = Shared {
            pools: Arc::clone(pools),
            target,
            pool,
            pin: Pin::empty(),
            transaction: AtomicBool::new(false),
            unclean: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Runs a statement for its rows. An error before the first row is the result; a later one comes after the rows.
    pub(crate) async fn query(
        &self,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<Execution, Error> {
        let (sender, receiver) =
            channel(self.shared.pool.settings().result, self.shared.pin.wanted());
        let columns = Arc::new(OnceLock::new());
        let columns_found = Arc::clone(&columns);
        let shared = Arc::clone(&self.shared);
        let delivery = deliver(sender, receiver, |sender| {
            shared.run(statement, parameters, columns_found, sender)
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

    /// Runs a statement for the number of rows that it changed.
    pub(crate) async fn execute(
        &self,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let mut slot = self.shared.pin.lock().await;
        let lease = self.shared.connection(&mut slot).await?;
        let mut changed = Sink::Count(0);
        let mut running = Running::start(&self.shared, &statement);
        let outcome = self
            .shared
            .run_prepared(&mut lease.connection, &statement, &parameters, &mut changed)
            .await;
        running.ended = true;
        drop(running);
        self.shared.let_go(&mut slot, &statement, outcome.is_ok());
        match (outcome, changed) {
            (Ok(()), Sink::Count(changed)) => Ok(changed),
            (Ok(()), Sink::Rows { .. }) => Ok(0),
            (Err(error), _) => Err(error),
        }
    }
}

/// Where a statement's answer goes.
enum Sink<'statement> {
    /// The rows to the guest.
    Rows {
        columns: &'statement OnceLock<Vec<Column>>,
        sender: &'statement mut Sender<Vec<DbValue>>,
    },
    /// Only how many rows were changed.
    Count(u64),
}

/// Why a statement did not end well.
enum Failure {
    /// The driver or the server says so.
    Driver(sqlx::Error),
    /// The parameters do not fit; nothing was run.
    Unbound(Error),
    /// A row cannot be told or is one too many.
    Stopped(Error),
}

impl Shared {
    async fn run(
        self: Arc<Self>,
        statement: String,
        parameters: Vec<ParameterValue>,
        columns: Arc<OnceLock<Vec<Column>>>,
        mut sender: Sender<Vec<DbValue>>,
    ) -> Result<(), Error> {
        let mut slot = self.pin.lock().await;
        let lease = self.connection(&mut slot).await?;
        let mut sink = Sink::Rows {
            columns: &columns,
            sender: &mut sender,
        };
        let mut running = Running::start(&self, &statement);
        let outcome = self
            .run_prepared(&mut lease.connection, &statement, &parameters, &mut sink)
            .await;
        running.ended = true;
        drop(running);
        self.let_go(&mut slot, &statement, outcome.is_ok());
        drop(slot);
        sender.finish().await;
        outcome
    }

    /// The handle's connection: the one that it kept, else one of the pool.
    async fn connection<'slot>(
        &self,
        slot: &'slot mut Option<Lease>,
    ) -> Result<&'slot mut Lease, Error> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(lost());
        }
        if slot.is_none() {
            let (_, lease) = self.target.lease(&self.pools).await?;
            *slot = Some(lease);
        }
        slot.as_mut().ok_or_else(lost)
    }

    /// Gives the connection back after a statement when nothing needs it, and drops one that is lost.
    fn let_go(&self, slot: &mut Option<Lease>, statement: &str, succeeded: bool) {
        if self.abandoned.load(Ordering::Relaxed) {
            *slot = None;
            return;
        }
        if succeeded && ends_transaction(statement) {
            self.transaction.store(false, Ordering::Relaxed);
        }
        let is_needed =
            self.transaction.load(Ordering::Relaxed) || self.unclean.load(Ordering::Relaxed);
        if !is_needed && let Some(lease) = slot.take() {
            self.pool.give_back(lease);
        }
    }

    /// Prepares and runs a statement; once more with a new plan when the server says that the old one no longer fits the
    /// tables. That is said before anything is done, so nothing happens twice.
    async fn run_prepared(
        &self,
        connection: &mut PgConnection,
        statement: &str,
        parameters: &[ParameterValue],
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let error = match attempt(connection, statement, parameters, sink).await {
            Err(Failure::Driver(error))
                if is_stale_plan(&error)
                    && !self.unclean.load(Ordering::Relaxed)
                    && !self.transaction.load(Ordering::Relaxed) =>
            {
                connection
                    .clear_cached_statements()
                    .await
                    .map_err(|error| query_failed(&error))?;
                attempt(connection, statement, parameters, sink).await
            }
            outcome => outcome,
        };
        error.map_err(|failure| match failure {
            Failure::Unbound(error) => error,
            Failure::Stopped(error) => {
                // Rows that nobody takes are on their way; the connection is not worth waiting for them.
                self.abandoned.store(true, Ordering::Relaxed);
                error
            }
            Failure::Driver(error) => {
                if error.as_database_error().is_none() {
                    self.abandoned.store(true, Ordering::Relaxed);
                }
                query_failed(&error)
            }
        })
    }

    fn note_before(&self, statement: &str) {
        let first_word = first_word(statement);
        if first_word == "begin" || first_word == "start" {
            self.transaction.store(true, Ordering::Relaxed);
        }
        let is_clean = CLEAN_FIRST_WORDS.contains(&first_word.as_str())
            && !mentions(statement, UNCLEAN_WORDS)
            || is_plain_begin(statement)
            || ends_transaction(statement);
        if !is_clean {
            self.unclean.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether a statement begins a transaction and says nothing else, such as how isolated it is.
fn is_plain_begin(statement: &str) -> bool {
    is_one_of(
        statement,
        &["begin", "begin transaction", "start transaction"],
    )
}

/// Whether a transaction is over after a statement, and the session as before it.
fn ends_transaction(statement: &str) -> bool {
    is_one_of(statement, &["commit", "end", "rollback"])
}

fn is_one_of(statement: &str, texts: &[&str]) -> bool {
    let text = statement.trim().trim_end_matches(';').trim_end();
    texts.iter().any(|other| text.eq_ignore_ascii_case(other))
}

async fn attempt(
    connection: &mut PgConnection,
    statement: &str,
    parameters: &[ParameterValue],
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    let text = AssertSqlSafe(statement.to_owned()).into_sql_str();
    let prepared = (&mut *connection)
        .prepare(text)
        .await
        .map_err(Failure::Driver)?;
    let arguments = parameter::bind(parameters, expected(&prepared)).map_err(Failure::Unbound)?;
    let mut items = connection.fetch_many(prepared.query_with(arguments));
    while let Some(item) = items.try_next().await.map_err(Failure::Driver)? {
        match (item, &mut *sink) {
            (Either::Left(done), Sink::Count(changed)) => *changed += done.rows_affected(),
            (Either::Right(row), Sink::Rows { columns, sender }) => {
                columns.get_or_init(|| value::columns(prepared.columns()));
                let (row, bytes) = value::row(&row).map_err(Failure::Stopped)?;
                sender
                    .send(row, bytes)
                    .await
                    .map_err(|overflow| Failure::Stopped(Error::Other(overflow.to_string())))?;
            }
            (Either::Left(_), Sink::Rows { .. }) | (Either::Right(_), Sink::Count(_)) => {}
        }
    }
    // Here PostgreSQL tells more than stock Spin does: a result without rows has its columns too.
    if let Sink::Rows { columns, .. } = sink {
        columns.get_or_init(|| value::columns(prepared.columns()));
    }
    Ok(())
}

fn is_stale_plan(error: &sqlx::Error) -> bool {
    match sql_state(error).as_deref() {
        Some(STATE_UNKNOWN_STATEMENT) => true,
        Some(STATE_STALE_PLAN) => error
            .as_database_error()
            .is_some_and(|error| error.message().contains("cached plan")),
        _ => false,
    }
}

fn expected(prepared: &PgStatement) -> &[sqlx::postgres::PgTypeInfo] {
    match prepared.parameters() {
        Some(Either::Left(types)) => types,
        Some(Either::Right(_)) | None => &[],
    }
}

fn lost() -> Error {
    Error::ConnectionFailed("the connection is broken; open another".to_owned())
}

impl<'shared> Running<'shared> {
    fn start(shared: &'shared Shared, statement: &str) -> Self {
        shared.note_before(statement);
        Self {
            shared,
            ended: false,
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.abandoned.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Shared {
    /// Gives the connection back, cleaned where it has to be; closes it when a statement was abandoned, because the rest of
    /// its answer would come first. Nobody else holds the slot: every statement holds `self`.
    fn drop(&mut self) {
        let Some(mut lease) = self
            .pin
            .slot()
            .try_lock_owned()
            .ok()
            .and_then(|mut slot| slot.take())
        else {
            return;
        };
        if *self.abandoned.get_mut() {
            return;
        }
        let pool = Arc::clone(&self.pool);
        if !*self.unclean.get_mut() && !*self.transaction.get_mut() {
            pool.give_back(lease);
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let reset = format!("{RESET}{}", pool.session_setup_again());
            match lease.connection.execute(AssertSqlSafe(reset)).await {
                Ok(_) => pool.give_back(lease),
                Err(error) => tracing::debug!(%error, "a PostgreSQL session could not be reset and was closed"),
            }
        });
    }
}
