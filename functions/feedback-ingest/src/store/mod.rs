//! What the function keeps: identities, events, daily sums, order steps, rejected events. The only module with SQL.
//!
//! Invariants: an event and its effects are written in one transaction or not at all; rows of one statement are written in the order
//! of their keys, so that two writers never wait for each other crosswise; statements have few sizes, so that they stay prepared.

mod contacts;
mod features;
mod ingest;
mod kept;
mod months;
mod orders;
mod rejected;
mod statement;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chudian_runtime::ports::Clock;
use chudian_runtime::ports::sql::Sql;

pub use contacts::{Contact, ContactFilter, ContactPlace};
pub use features::{CustomerFacts, CustomerRange};
pub use ingest::{Group, NewEvent, Verdict};
pub use kept::{Sender, rejected_of};
pub use months::MonthOfEvents;
pub use orders::{CustomerOrder, OrderPlace};
pub use rejected::{NewRejected, Rejected, RejectedFilter, RejectedPlace, Resolution};

/// The function's tables, with what one instance remembers of them. Clones share both.
#[derive(Clone)]
pub struct Store {
    inner: Arc<StoreInner>,
}

struct StoreInner {
    sql: Sql,
    clock: Arc<dyn Clock>,
    /// The stripe of the daily sums to which this instance adds, on databases that let several write at once.
    stripe: i64,
    /// Months whose part of the log was made, or could not be made, by this instance.
    months_prepared: Mutex<BTreeSet<String>>,
}

impl Store {
    /// The function's tables in `sql`. `stripe` is any number that differs between instances.
    pub fn new(sql: Sql, clock: Arc<dyn Clock>, stripe: u8) -> Self {
        Self {
            inner: Arc::new(StoreInner {
                sql,
                clock,
                stripe: i64::from(stripe).rem_euclid(crate::limits::TALLY_STRIPES),
                months_prepared: Mutex::default(),
            }),
        }
    }

    /// The database.
    pub fn sql(&self) -> &Sql {
        &self.inner.sql
    }

    /// Milliseconds since 1970.
    pub fn now_unix_ms(&self) -> i64 {
        self.inner.clock.now_unix_ms()
    }
}
