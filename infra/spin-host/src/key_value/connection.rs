//! A connection to a key-value file that works on the caller's own thread.
//!
//! sqlx runs every SQLite connection on a thread of its own, so each statement costs two hand-overs between threads: several
//! times what it takes to look a key up. A look-up is a walk down one tree, so here it is made where it is asked for.
//!
//! Invariant: a connection is used by one thread at a time (it is moved, never shared), and no statement stays open between
//! two calls: a reader holds no old version of the file, and so keeps no one from folding the write-ahead log.
//!
//! It makes neither file nor table; [`KeyValueFile`](super::KeyValueFile) does, through sqlx.

use std::ffi::{CString, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;

use libsqlite3_sys as ffi;

/// A value that is longer than the third parameter is not fetched: SQLite knows its length from the row's head.
const GET: &str = "SELECT length(value), CASE WHEN length(value) <= ?3 THEN value END
    FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";

/// A failed call: SQLite's code and its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (SQLite code {code})")]
pub(crate) struct Failed {
    code: c_int,
    message: String,
}

impl Failed {
    /// SQLite's words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether another connection was in the way, so that waiting helps.
    pub(crate) fn is_busy(&self) -> bool {
        // The low byte is the primary code.
        self.code & 0xff == ffi::SQLITE_BUSY
    }
}

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No such key.
    Nothing,
    /// Its value.
    Value(Vec<u8>),
    /// A value that is longer than was asked for.
    Longer,
}

/// A connection that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    // Before the connection, so that they are dropped first.
    get: Statement,
    exists: Statement,
    connection: Connection,
}

impl Reader {
    /// Opens an existing file with at most `cache_bytes_max` of its pages kept.
    pub(crate) fn open(path: &Path, cache_bytes_max: u32) -> Result<Self, Failed> {
        let connection = Connection::open(path)?;
        connection.run("PRAGMA query_only = ON")?;
        // A negative size is in KiB.
        connection.run(&format!("PRAGMA cache_size = -{}", cache_bytes_max / 1024))?;
        Ok(Self {
            get: connection.prepare(GET)?,
            exists: connection.prepare(EXISTS)?,
            connection,
        })
    }

    /// How long a call waits for a connection that is in the way.
    pub(crate) fn wait_for_others(&self, time_max: Duration) {
        self.connection.wait_for_others(time_max);
    }

    /// The value of a key, unless it is longer than `bytes_max`.
    pub(crate) fn get(
        &mut self,
        label: &str,
        key: &str,
        bytes_max: usize,
    ) -> Result<Found, Failed> {
        let bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX);
        let mut run = self.get.begin(&self.connection);
        run.bind_text(1, label)?;
        run.bind_text(2, key)?;
        run.bind_integer(3, bytes_max)?;
        if !run.step()? {
            return Ok(Found::Nothing);
        }
        if run.column_integer(0) > bytes_max {
            return Ok(Found::Longer);
        }
        run.column_bytes(1).map(Found::Value)
    }

    /// Whether a key has a value.
    pub(crate) fn exists(&mut self, label: &str, key: &str) -> Result<bool, Failed> {
        let mut run = self.exists.begin(&self.connection);
        run.bind_text(1, label)?;
        run.bind_text(2, key)?;
        run.step()
    }
}

/// A connection that writes; what it commits is on the disk.
#[derive(Debug)]
pub(crate) struct Writer {
    // Before the connection, so that they are dropped first.
    set: Statement,
    delete: Statement,
    connection: Connection,
}

impl Writer {
    /// Opens an existing file, waiting for other writers up to `wait_max` at each transaction.
    pub(crate) fn open(path: &Path, wait_max: Duration) -> Result<Self, Failed> {
        let connection = Connection::open(path)?;
        connection.wait_for_others(wait_max);
        connection.run("PRAGMA synchronous = FULL")?;
        Ok(Self {
            set: connection.prepare(SET)?,
            delete: connection.prepare(DELETE)?,
            connection,
        })
    }

    /// Begins a transaction, and waits for that of another connection to end.
    pub(crate) fn begin(&self) -> Result<(), Failed> {
        self.connection.run("BEGIN IMMEDIATE")
    }

    /// Makes the transaction's writes last.
    pub(crate) fn commit(&self) -> Result<(), Failed> {
        self.connection.run("COMMIT")
    }

    /// Undoes the transaction, if it is still open: SQLite ends it by itself after some failures.
    pub(crate) fn undo(&self) {
        // It fails only where there is nothing to undo.
        let _ = self.connection.run("ROLLBACK");
    }

    /// Stores a value, or removes the key.
    pub(crate) fn write(
        &mut self,
        label: &str,
        key: &str,
        value: Option<&[u8]>,
    ) -> Result<(), Failed> {
        let statement = if value.is_some() {
            &mut self.set
        } else {
            &mut self.delete
        };
        let mut run = statement.begin(&self.connection);
        run.bind_text(1, label)?;
        run.bind_text(2, key)?;
        if let Some(value) = value {
            run.bind_bytes(3, value)?;
        }
        run.step().map(drop)
    }
}

/// An open SQLite connection. Closed when dropped.
#[derive(Debug)]
struct Connection(NonNull<ffi::sqlite3>);

// SAFETY: SQLite is compiled for use by several threads, and a connection opened with `NOMUTEX` may move between them as long
// as one at a time uses it, which exclusive ownership ensures.
unsafe impl Send for Connection {}

impl Connection {
    fn open(path: &Path) -> Result<Self, Failed> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Failed {
            code: ffi::SQLITE_CANTOPEN,
            message: "the file's name holds a zero".to_owned(),
        })?;
        let flags =
            ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_NOMUTEX | ffi::SQLITE_OPEN_EXRESCODE;
        let mut raw = ptr::null_mut();
        // SAFETY: `path` is a C string and `raw` a place for the result.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut raw, flags, ptr::null()) };
        let connection = NonNull::new(raw).map(Self).ok_or_else(|| Failed {
            code,
            message: "no memory for a connection".to_owned(),
        })?;
        connection.check(code)?;
        Ok(connection)
    }

    /// SQLite's result as ours.
    fn check(&self, code: c_int) -> Result<(), Failed> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the connection is open; the message is a C string that lives until the next call on it.
        let message = unsafe { std::ffi::CStr::from_ptr(ffi::sqlite3_errmsg(self.0.as_ptr())) };
        Err(Failed {
            code,
            message: message.to_string_lossy().into_owned(),
        })
    }

    fn wait_for_others(&self, time_max: Duration) {
        let milliseconds = c_int::try_from(time_max.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the connection is open. The call fails only on a closed one.
        unsafe { ffi::sqlite3_busy_timeout(self.0.as_ptr(), milliseconds) };
    }

    fn prepare(&self, text: &str) -> Result<Statement, Failed> {
        let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
        let mut raw = ptr::null_mut();
        // SAFETY: the connection is open, the text has the length that is said, `raw` is a place for the result.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                self.0.as_ptr(),
                text.as_ptr().cast(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &mut raw,
                ptr::null_mut(),
            )
        };
        self.check(code)?;
        NonNull::new(raw).map(Statement).ok_or_else(|| Failed {
            code: ffi::SQLITE_MISUSE,
            message: "an empty statement".to_owned(),
        })
    }

    /// Runs a statement without parameters, and drops its rows.
    fn run(&self, text: &str) -> Result<(), Failed> {
        let mut statement = self.prepare(text)?;
        let mut run = statement.begin(self);
        while run.step()? {}
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: open until now; its statements are kept beside it, before it, so they are gone.
        unsafe { ffi::sqlite3_close(self.0.as_ptr()) };
    }
}

/// A prepared statement. Belongs to one connection, beside which it is kept.
#[derive(Debug)]
struct Statement(NonNull<ffi::sqlite3_stmt>);

// SAFETY: as for the connection, together with which it moves.
unsafe impl Send for Statement {}

impl Statement {
    fn begin<'run>(&'run mut self, connection: &'run Connection) -> Run<'run> {
        Run {
            statement: self,
            connection,
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: prepared and not yet finalised. The code repeats that of the last run, which was looked at then.
        unsafe { ffi::sqlite3_finalize(self.0.as_ptr()) };
    }
}

/// One run of a statement. Ends it when dropped, so that nothing is locked and no parameter is kept.
struct Run<'run> {
    statement: &'run mut Statement,
    connection: &'run Connection,
}

impl<'run> Run<'run> {
    fn raw(&self) -> *mut ffi::sqlite3_stmt {
        self.statement.0.as_ptr()
    }

    /// The text must live as long as the run, which the lifetime says: SQLite keeps no copy.
    fn bind_text(&mut self, place: c_int, text: &'run str) -> Result<(), Failed> {
        // SAFETY: the text has this length and outlives the run, whose end takes it back from SQLite.
        let code = unsafe {
            ffi::sqlite3_bind_text64(
                self.raw(),
                place,
                text.as_ptr().cast(),
                text.len() as u64,
                ffi::SQLITE_STATIC(),
                ffi::SQLITE_UTF8 as u8,
            )
        };
        self.connection.check(code)
    }

    /// As [`Self::bind_text`].
    fn bind_bytes(&mut self, place: c_int, bytes: &'run [u8]) -> Result<(), Failed> {
        // SAFETY: as for a text. The pointer of an empty slice is not null, which would be bound as NULL.
        let code = unsafe {
            ffi::sqlite3_bind_blob64(
                self.raw(),
                place,
                bytes.as_ptr().cast(),
                bytes.len() as u64,
                ffi::SQLITE_STATIC(),
            )
        };
        self.connection.check(code)
    }

    fn bind_integer(&mut self, place: c_int, integer: i64) -> Result<(), Failed> {
        // SAFETY: the statement is prepared and not running.
        let code = unsafe { ffi::sqlite3_bind_int64(self.raw(), place, integer) };
        self.connection.check(code)
    }

    /// Goes on to the next row. False when there is none.
    fn step(&mut self) -> Result<bool, Failed> {
        // SAFETY: the statement is prepared, and its parameters live.
        match unsafe { ffi::sqlite3_step(self.raw()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(self.connection.check(code).err().unwrap_or_else(|| Failed {
                code,
                message: "the statement did not run".to_owned(),
            })),
        }
    }

    fn column_integer(&self, column: c_int) -> i64 {
        // SAFETY: a row is there, by the order of calls in this module; an absent column reads as 0.
        unsafe { ffi::sqlite3_column_int64(self.raw(), column) }
    }

    fn column_bytes(&self, column: c_int) -> Result<Vec<u8>, Failed> {
        // SAFETY: a row is there. The pointer is valid for the length until the next call on the statement; both are asked
        // for in the order that SQLite prescribes, and null comes only with nothing to read, or without memory.
        unsafe {
            let bytes = ffi::sqlite3_column_blob(self.raw(), column);
            let length = usize::try_from(ffi::sqlite3_column_bytes(self.raw(), column));
            match (NonNull::new(bytes.cast_mut().cast::<u8>()), length) {
                (Some(bytes), Ok(length)) => {
                    Ok(std::slice::from_raw_parts(bytes.as_ptr(), length).to_vec())
                }
                (None, Ok(0)) => Ok(Vec::new()),
                _ => Err(Failed {
                    code: ffi::SQLITE_NOMEM,
                    message: "no memory for a value".to_owned(),
                }),
            }
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is prepared. The codes repeat that of the last step, which was looked at.
        unsafe {
            ffi::sqlite3_reset(self.raw());
            ffi::sqlite3_clear_bindings(self.raw());
        }
    }
}
