//! What the function keeps: the registry of uploads and their parts in SQL, the version in force, and the values in the key-value store.
//!
//! Invariants: a part counts only when it is `completed`, and is completed only after its value is stored; a publication is one transaction
//! that begins by taking the row of `dataset_current`, so that publications come one after the other; what is not `importing` is
//! written by no upload. Nothing here judges whether parts fit together; `service::assemble` does.

mod parts;
mod publish;
mod sweep;
mod uploads;

use std::sync::Arc;

use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock, KeyValue};

pub use parts::{Begun, NewPart, PartFacts};
pub use publish::{ActivateError, PublishError};
pub use sweep::SweepError;
pub use uploads::{NewUpload, State, UploadId, UploadRow};

/// The registry and the values. Clones share both.
#[derive(Clone)]
pub struct Store {
    sql: Sql,
    key_value: Arc<dyn KeyValue>,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// The function's tables in `sql`, its values in `key_value`.
    pub fn new(sql: Sql, key_value: Arc<dyn KeyValue>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sql,
            key_value,
            clock,
        }
    }

    /// The database, for transactions that others take part in.
    pub fn sql(&self) -> &Sql {
        &self.sql
    }

    /// The key-value store.
    pub fn values(&self) -> &dyn KeyValue {
        self.key_value.as_ref()
    }

    fn now_unix_s(&self) -> i64 {
        self.clock.now_unix_s()
    }
}
