//! What a connection given to guests may not do, told to SQLite itself: by its authorizer, its limits and its progress
//! handler. It calls SQLite past sqlx, as nothing else of the crate does but the key-value file's own connections.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use libsqlite3_sys as ffi;
use sqlx::sqlite::SqliteConnection;

use crate::settings::SqliteSettings;

/// Steps of SQLite's virtual machine between two looks at the watch: well under a millisecond of work.
const STEPS_BETWEEN_LOOKS: c_int = 4_000;

/// Pragmas that only tell something, or that set what belongs to the database and not to the connection or the file system.
/// `user_version` and `application_id` are a database's own marks.
const PRAGMAS_ALLOWED: &[&str] = &[
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
    "optimize",
];
/// Pragmas that ask for what is so anyway. Programs written for plain SQLite begin with them.
const PRAGMAS_ALREADY_SO: &[(&str, &[&str])] = &[
    ("foreign_keys", &["on", "1", "true", "yes"]),
    ("journal_mode", &["wal"]),
    ("synchronous", &["full", "2"]),
];

/// Stops the statement of one connection: when told to, or when its time is over.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    stopped: AtomicBool,
    /// Milliseconds since the process began to look; 0 means no deadline.
    deadline_ms: AtomicU64,
}

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now_ms() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Watch {
    /// A statement begins.
    pub(crate) fn start(&self, time_max: Duration) {
        let deadline = now_ms()
            .saturating_add(u64::try_from(time_max.as_millis()).unwrap_or(u64::MAX))
            .max(1);
        self.deadline_ms.store(deadline, Ordering::Relaxed);
        self.stopped.store(false, Ordering::Relaxed);
    }

    /// The statement has ended.
    pub(crate) fn end(&self) {
        self.deadline_ms.store(0, Ordering::Relaxed);
    }

    /// Stops the statement that runs, if one does.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Forgets a stop.
    pub(crate) fn clear(&self) {
        self.end();
        self.stopped.store(false, Ordering::Relaxed);
    }

    fn may_go_on(&self) -> bool {
        let deadline_ms = self.deadline_ms.load(Ordering::Relaxed);
        !self.stopped.load(Ordering::Relaxed) && (deadline_ms == 0 || now_ms() < deadline_ms)
    }
}

/// Puts all guards on a new connection.
pub(crate) async fn guard(
    connection: &mut SqliteConnection,
    watch: Arc<Watch>,
    settings: &SqliteSettings,
) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(STEPS_BETWEEN_LOOKS, move || watch.may_go_on());
    let raw = handle.as_raw_handle().as_ptr();
    // SAFETY: `raw` is an open connection that this thread alone uses while `handle` lives; `authorize` keeps nothing.
    unsafe {
        ffi::sqlite3_limit(raw, ffi::SQLITE_LIMIT_LENGTH, settings.value_bytes_max);
        ffi::sqlite3_limit(
            raw,
            ffi::SQLITE_LIMIT_SQL_LENGTH,
            settings.statement_bytes_max,
        );
        ffi::sqlite3_limit(raw, ffi::SQLITE_LIMIT_ATTACHED, 0);
        ffi::sqlite3_limit(raw, ffi::SQLITE_LIMIT_WORKER_THREADS, 0);
        ffi::sqlite3_set_authorizer(raw, Some(authorize), std::ptr::null_mut());
    }
    Ok(())
}

/// Makes the row id of an earlier user invisible.
pub(crate) async fn forget_last_insert_rowid(
    connection: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    // SAFETY: the connection is open and this thread alone uses it while `handle` lives.
    unsafe { ffi::sqlite3_set_last_insert_rowid(handle.as_raw_handle().as_ptr(), 0) };
    Ok(())
}

/// Whether a transaction is open, as SQLite itself has it.
pub(crate) async fn in_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    // SAFETY: the connection is open and this thread alone uses it while `handle` lives.
    Ok(unsafe { ffi::sqlite3_get_autocommit(handle.as_raw_handle().as_ptr()) } == 0)
}

/// Called by SQLite while it compiles a statement, for each thing that the statement would do.
///
/// # Safety
/// SQLite calls it with null or C strings that live as long as the call.
unsafe extern "C" fn authorize(
    _context: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    _database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: see the function's contract.
    let (first, second) = unsafe { (text(first), text(second)) };
    if is_allowed(action, first, second) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_DENY
    }
}

fn is_allowed(action: c_int, first: &[u8], second: &[u8]) -> bool {
    let is = |text: &[u8], word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    match action {
        // Another file; also VACUUM INTO, which attaches what it writes.
        ffi::SQLITE_ATTACH | ffi::SQLITE_DETACH => false,
        // Tables of the connection would be seen by its next user.
        ffi::SQLITE_CREATE_TEMP_TABLE
        | ffi::SQLITE_CREATE_TEMP_TRIGGER
        | ffi::SQLITE_CREATE_TEMP_VIEW
        | ffi::SQLITE_CREATE_TEMP_INDEX => false,
        ffi::SQLITE_FUNCTION => !is(second, "load_extension"),
        ffi::SQLITE_PRAGMA => {
            PRAGMAS_ALLOWED.iter().any(|name| is(first, name))
                || PRAGMAS_ALREADY_SO.iter().any(|(name, values)| {
                    is(first, name)
                        && (second.is_empty() || values.iter().any(|value| is(second, value)))
                })
        }
        _ => true,
    }
}

/// # Safety
/// `pointer` is null or a C string that outlives the result.
unsafe fn text<'call>(pointer: *const c_char) -> &'call [u8] {
    if pointer.is_null() {
        return &[];
    }
    // SAFETY: not null, and a C string by contract.
    unsafe { CStr::from_ptr(pointer) }.to_bytes()
}
