//! Every limit of this crate, with its default and the reason for it.

use std::time::Duration;

/// All settings.
#[derive(Clone, Debug, Default)]
pub struct SpinHostSettings {
    /// `spin:sqlite`.
    pub sqlite: SqliteSettings,
    /// `spin:postgres`.
    pub postgres: PostgresSettings,
    /// `spin:key-value`.
    pub key_value: KeyValueSettings,
}

/// Bounds of one query's result.
#[derive(Clone, Copy, Debug)]
pub struct ResultLimits {
    /// Rows of one result. A million is more than any page of ours and what one export segment may need.
    pub rows_max: u64,
    /// Bytes of one result over all rows.
    pub bytes_max: u64,
    /// Bytes of rows that wait on the host for the guest to read them. The statement waits when they are reached, so this,
    /// not `bytes_max`, is what a streamed result costs in memory.
    pub buffered_bytes_max: u32,
}

impl Default for ResultLimits {
    fn default() -> Self {
        Self {
            rows_max: 1_000_000,
            bytes_max: 256 << 20,
            buffered_bytes_max: 4 << 20,
        }
    }
}

/// Settings of `spin:sqlite`, per database file.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// Connections in use at once: with a statement that runs, or in a transaction. Each is a thread; SQLite has one writer
    /// anyway, and more readers than this do not read faster on the machines that provinces have.
    pub connections_max: usize,
    /// Connections that rest with a handle which has written, because SQL could still ask what it wrote
    /// (`last_insert_rowid()`, `changes()`); beyond it a handle's memory of that is given up for its connection.
    pub connections_resting_max: usize,
    /// How long a statement waits for a connection before it fails.
    pub connection_wait_max: Duration,
    /// Handles that one instance may hold at once: a component needs one or two.
    pub connections_per_instance_max: usize,
    /// How long a statement waits for another writer (`busy_timeout`).
    pub busy_wait_max: Duration,
    /// How long a statement may run. Requests have their own, shorter deadline; this ends what outlives its request.
    pub statement_time_max: Duration,
    /// Prepared statements kept per connection. A function has a few dozen statements.
    pub statements_cached_max: usize,
    /// Bytes of one text or blob, and so of one row (`SQLITE_LIMIT_LENGTH`).
    pub value_bytes_max: i32,
    /// Bytes of one SQL text (`SQLITE_LIMIT_SQL_LENGTH`).
    pub statement_bytes_max: i32,
    /// Bounds of a result.
    pub result: ResultLimits,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            connections_max: 32,
            connections_resting_max: 64,
            connection_wait_max: Duration::from_secs(10),
            connections_per_instance_max: 16,
            busy_wait_max: Duration::from_secs(5),
            statement_time_max: Duration::from_secs(30),
            statements_cached_max: 128,
            value_bytes_max: 8 << 20,
            statement_bytes_max: 1 << 20,
            result: ResultLimits::default(),
        }
    }
}

/// Settings of `spin:postgres`, per server address and runtime thread.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// Connections in use at once: with a statement that runs, in a transaction, or with a session that was changed. Servers
    /// allow 100 by default; several gateways and threads share them.
    pub connections_max: usize,
    /// How long a statement waits for one of them, and how long a new connection may take, before it fails.
    pub connection_wait_max: Duration,
    /// Handles that one instance may hold at once.
    pub connections_per_instance_max: usize,
    /// How long a statement may run on the server (`statement_timeout`).
    pub statement_time_max: Duration,
    /// Idle connections older than this are closed, so that a server that was moved or restarted is found again.
    pub idle_time_max: Duration,
    /// Prepared statements kept per connection.
    pub statements_cached_max: usize,
    /// Bounds of a result.
    pub result: ResultLimits,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            connections_max: 16,
            connection_wait_max: Duration::from_secs(10),
            connections_per_instance_max: 16,
            statement_time_max: Duration::from_secs(30),
            idle_time_max: Duration::from_secs(300),
            statements_cached_max: 128,
            result: ResultLimits::default(),
        }
    }
}

/// Settings of `spin:key-value`.
#[derive(Clone, Debug)]
pub struct KeyValueSettings {
    /// Connections kept per file for reading, and long reads at once, each of which takes a thread.
    pub connections_max: usize,
    /// Bytes of a value that are still read on the thread that serves the request: a few tens of microseconds of copying. A
    /// row page of the dataset is about 10 KB; its columns are longer and read beside.
    pub read_here_bytes_max: usize,
    /// Bytes of the file that each reading connection keeps in memory.
    pub read_cache_bytes_max: u32,
    /// Stores that one instance may hold open at once; beyond it `store-table-full`. The number is Spin's.
    pub stores_per_instance_max: usize,
    /// Bytes of one key. Keys are names, not data.
    pub key_bytes_max: usize,
    /// Bytes of one value: a column of a segment of 131,072 customers at 64 bytes each, with room.
    pub value_bytes_max: usize,
    /// How long a write waits for another writer.
    pub busy_wait_max: Duration,
}

impl Default for KeyValueSettings {
    fn default() -> Self {
        Self {
            connections_max: 8,
            read_here_bytes_max: 64 << 10,
            read_cache_bytes_max: 4 << 20,
            stores_per_instance_max: 256,
            key_bytes_max: 4 << 10,
            value_bytes_max: 32 << 20,
            busy_wait_max: Duration::from_secs(5),
        }
    }
}
