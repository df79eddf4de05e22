//! Connections to PostgreSQL servers, kept per address and per runtime.
//!
//! Per runtime, because a connection's socket belongs to the reactor that made it: used from another thread, every answer
//! would wake two threads.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chudian_manifest::{AllowedHosts, Permission};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bindings::postgres::Error;
use crate::postgres::address::Address;
use crate::postgres::error::connection_failed;
use crate::settings::PostgresSettings;

/// Addresses whose connections are kept. A component uses one or two; with more, the idle ones are closed.
const POOLS_MAX: usize = 64;
/// An idle connection is asked for a sign of life when it has rested longer than this: servers and firewalls close quietly.
const TRUSTED_REST: std::time::Duration = std::time::Duration::from_secs(1);

/// How often a server looks whether the client of a running statement is still there: a second of work for nobody is no
/// loss.
const WATCH_FOR_LOST_CLIENTS: &str = "SET client_connection_check_interval = 1000";

/// All pools of the process.
#[derive(Debug)]
pub struct PostgresPools {
    settings: PostgresSettings,
    pools: Mutex<HashMap<PoolKey, Arc<Pool>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct PoolKey {
    runtime: tokio::runtime::Id,
    /// With user and password, so that one component does not get the connection of another's user.
    address: String,
    ca_root: Option<String>,
}

impl std::fmt::Debug for PoolKey {
    /// Without the address, which holds a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "runtime {}", self.runtime)
    }
}

/// The connections of one address in one runtime.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    permits: Arc<Semaphore>,
    settings: PostgresSettings,
    /// The server watches for lost clients when it is asked to.
    watches_for_lost_clients: AtomicBool,
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// A connection in use.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: PgConnection,
    _permit: OwnedSemaphorePermit,
}

impl PostgresPools {
    /// Connects to nothing yet.
    pub(crate) fn new(settings: PostgresSettings) -> Self {
        Self {
            settings,
            pools: Mutex::default(),
        }
    }

    /// A connection to an address that the component may reach.
    pub(crate) async fn lease(
        &self,
        address: &str,
        ca_root: Option<String>,
        allowed: &AllowedHosts,
    ) -> Result<(Arc<Pool>, Lease), Error> {
        let parsed = Address::parse(address).map_err(Error::ConnectionFailed)?;
        let permission = allowed.permission("postgres", &parsed.host, Some(parsed.port));
        if permission == Permission::Denied {
            return Err(Error::ConnectionFailed(format!(
                "{parsed:?} is not allowed; add it to `allowed_outbound_hosts` of the component"
            )));
        }
        let key = PoolKey {
            runtime: tokio::runtime::Handle::current().id(),
            address: address.to_owned(),
            ca_root,
        };
        let pool = self.pool(&key);
        let lease = pool
            .lease(&parsed, key.ca_root.as_deref(), permission, allowed)
            .await?;
        Ok((pool, lease))
    }

    /// Closes what is idle.
    pub(crate) async fn close(&self) {
        let pools: Vec<_> =
            std::mem::take(&mut *self.pools.lock().unwrap_or_else(PoisonError::into_inner))
                .into_values()
                .collect();
        for pool in pools {
            let idle =
                std::mem::take(&mut *pool.idle.lock().unwrap_or_else(PoisonError::into_inner));
            for idle in idle {
                // The server notices a closed socket as well; this is only the polite way.
                if let Err(error) = idle.connection.close().await {
                    tracing::debug!(%error, "a PostgreSQL connection did not close cleanly");
                }
            }
        }
    }

    fn pool(&self, key: &PoolKey) -> Arc<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(key) {
            return Arc::clone(pool);
        }
        if pools.len() >= POOLS_MAX {
            // A pool that someone still uses lives on with its users, but is not found any more.
            pools.retain(|_, pool| Arc::strong_count(pool) > 1);
        }
        let pool = Arc::new(Pool {
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(self.settings.connections_max)),
            settings: self.settings.clone(),
            watches_for_lost_clients: AtomicBool::new(false),
        });
        pools.insert(key.clone(), Arc::clone(&pool));
        pool
    }
}

impl Pool {
    pub(crate) fn settings(&self) -> &PostgresSettings {
        &self.settings
    }

    /// Takes back a connection that is clean.
    pub(crate) fn give_back(&self, lease: Lease) {
        let idle = Idle {
            connection: lease.connection,
            since: Instant::now(),
        };
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(idle);
    }

    async fn lease(
        &self,
        address: &Address,
        ca_root: Option<&str>,
        permission: Permission,
        allowed: &AllowedHosts,
    ) -> Result<Lease, Error> {
        let wait_max = self.settings.connection_wait_max;
        let permit = tokio::time::timeout(wait_max, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| {
                Error::ConnectionFailed(
                    "all connections to the server are in use; try again".to_owned(),
                )
            })?
            .map_err(|_| Error::ConnectionFailed("the host is shutting down".to_owned()))?;
        if let Some(connection) = self.take_idle().await {
            return Ok(Lease {
                connection,
                _permit: permit,
            });
        }
        let connection = tokio::time::timeout(
            wait_max,
            self.connect(address, ca_root, permission, allowed),
        )
        .await
        .map_err(|_| Error::ConnectionFailed("the server did not answer in time".to_owned()))??;
        Ok(Lease {
            connection,
            _permit: permit,
        })
    }

    async fn take_idle(&self) -> Option<PgConnection> {
        loop {
            let Idle {
                mut connection,
                since,
            } = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()?;
            let rest = since.elapsed();
            if rest > self.settings.idle_time_max {
                continue;
            }
            if rest <= TRUSTED_REST || connection.ping().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(
        &self,
        address: &Address,
        ca_root: Option<&str>,
        permission: Permission,
        allowed: &AllowedHosts,
    ) -> Result<PgConnection, Error> {
        let options = match permission {
            Permission::Named => vec![self.options(address, &address.host, ca_root)],
            Permission::PublicOnly | Permission::Denied => {
                let reachable = resolve(address, allowed).await?;
                // By name where the certificate proves the name; else by the very addresses that were looked at.
                let hosts = if address.verifies_name(ca_root) {
                    vec![address.host.clone()]
                } else {
                    reachable
                };
                hosts
                    .iter()
                    .map(|host| self.options(address, host, ca_root))
                    .collect()
            }
        };
        let mut last = Error::ConnectionFailed("the host has no address".to_owned());
        for options in options {
            match options.connect().await {
                Ok(mut connection) => {
                    connection
                        .execute(sqlx::AssertSqlSafe(self.session_setup()))
                        .await
                        .map_err(|error| connection_failed(&error))?;
                    let watches = watch_for_lost_clients(&mut connection).await;
                    self.watches_for_lost_clients
                        .store(watches, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) => last = connection_failed(&error),
            }
        }
        Err(last)
    }

    fn options(&self, address: &Address, host: &str, ca_root: Option<&str>) -> PgConnectOptions {
        address
            .options(host, ca_root, self.settings.statements_cached_max)
            .disable_statement_logging()
    }

    /// What brings a session back to how it began, after a statement that resets all settings. In one round trip, for it
    /// follows every transaction.
    pub(crate) fn session_setup_again(&self) -> String {
        let setup = self.session_setup();
        if self.watches_for_lost_clients.load(Ordering::Relaxed) {
            format!("{setup}; {WATCH_FOR_LOST_CLIENTS}")
        } else {
            setup
        }
    }

    /// What every session begins with.
    fn session_setup(&self) -> String {
        let statement_ms_max = self.settings.statement_time_max.as_millis();
        format!(
            "SET statement_timeout = {statement_ms_max}; SET idle_in_transaction_session_timeout = {statement_ms_max}; SET client_min_messages = error"
        )
    }
}

/// Asks the server to stop a statement soon after its client is gone, and answers whether it does. Servers before 14, and
/// some systems, cannot; there `statement_timeout` ends it.
async fn watch_for_lost_clients(connection: &mut PgConnection) -> bool {
    match connection.execute(WATCH_FOR_LOST_CLIENTS).await {
        Ok(_) => true,
        Err(error) => {
            tracing::debug!(%error, "this PostgreSQL server does not watch for lost clients");
            false
        }
    }
}

async fn resolve(address: &Address, allowed: &AllowedHosts) -> Result<Vec<String>, Error> {
    let resolved: Vec<IpAddr> = tokio::net::lookup_host((address.host.as_str(), address.port))
        .await
        .map_err(|_| Error::ConnectionFailed("the host's name cannot be resolved".to_owned()))?
        .map(|socket| socket.ip())
        .collect();
    let reachable =
        allowed.retain_reachable("postgres", &address.host, Some(address.port), &resolved);
    if reachable.is_empty() {
        return Err(Error::ConnectionFailed(format!(
            "{address:?} is not on the public internet, and only a wildcard allows it; name the host in `allowed_outbound_hosts`"
        )));
    }
    Ok(reachable.iter().map(IpAddr::to_string).collect())
}
