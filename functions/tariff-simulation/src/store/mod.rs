//! What the function keeps: catalogue versions, activations, customers, rules, offers, batches. The only module with SQL.
//!
//! Invariants: a catalogue version is its content (the first 16 hex characters of the SHA-256 of its bytes) and never changes, so
//! compiled versions are remembered by it. What can change (activations, rules) is read anew by each request, so that a change is
//! felt by the next request in every instance. Nothing here decides anything about prices.

mod activations;
mod batches;
mod catalogues;
mod customers;
mod offers;
mod rules;

use std::sync::{Arc, Mutex};

use chudian_runtime::ports::Clock;
use chudian_runtime::ports::sql::Sql;
use chudian_vocabulary::Date;

pub use activations::Activation;
pub use batches::{BatchPart, BatchRow, part_key};
pub use catalogues::{CatalogueFacts, NewCatalogue};
pub use customers::StoredCustomer;
pub use offers::{NewOffer, Offer, OfferFilter, OfferPlace};
pub use rules::DEFAULT_REGION;

use crate::compile::CompiledCatalogue;

/// Compiled versions kept in one instance: the one in force, the next one, and a few that old bills are proved from. A version of a
/// few hundred plans takes some megabytes.
const COMPILED_VERSIONS_MAX: usize = 4;

/// China has one time zone, eight hours before UTC; "today" is meant there.
const CHINA_OFFSET_S: i64 = 8 * 3600;

/// The function's tables, with what one instance remembers of them. Clones share both.
#[derive(Clone)]
pub struct Store {
    inner: Arc<StoreInner>,
}

struct StoreInner {
    sql: Sql,
    clock: Arc<dyn Clock>,
    /// Compiled versions, the one used last at the end.
    compiled: Mutex<Vec<(String, Arc<CompiledCatalogue>)>>,
}

impl Store {
    /// The function's tables in `sql`.
    pub fn new(sql: Sql, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(StoreInner {
                sql,
                clock,
                compiled: Mutex::default(),
            }),
        }
    }

    /// The database, for transactions that others take part in.
    pub fn sql(&self) -> &Sql {
        &self.inner.sql
    }

    /// Milliseconds since 1970.
    pub fn now_unix_ms(&self) -> i64 {
        self.inner.clock.now_unix_ms()
    }

    /// Today's date in China; nothing when the host's clock is outside the calendar.
    pub fn today(&self) -> Option<Date> {
        Date::of_unix_seconds(self.inner.clock.now_unix_s() + CHINA_OFFSET_S)
    }
}
