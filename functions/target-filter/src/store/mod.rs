//! What the function keeps: groups, exclusion sets, lists. The only module with SQL.
//!
//! Invariant: versions of groups and exclusion sets are added and never changed; what is latest is read anew by each request, so that a change is
//! felt by the next request in every instance. Nothing here decides who is selected.

pub mod exclusion_sets;
pub mod fresh;
pub mod groups;
pub mod lists;
pub mod lists_claims;
pub mod lists_pages;

use std::sync::Arc;

use chudian_runtime::ports::Clock;
use chudian_runtime::ports::sql::Sql;
use chudian_vocabulary::Date;

/// China has one time zone, eight hours before UTC; "today" is meant there.
pub const CHINA_OFFSET_S: i64 = 8 * 3600;

/// The function's tables. Clones share them.
#[derive(Clone)]
pub struct Store {
    sql: Sql,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// The function's tables in `sql`.
    pub fn new(sql: Sql, clock: Arc<dyn Clock>) -> Self {
        Self { sql, clock }
    }

    /// The database, for transactions that others take part in.
    pub fn sql(&self) -> &Sql {
        &self.sql
    }

    /// Milliseconds since 1970.
    pub fn now_unix_ms(&self) -> i64 {
        self.clock.now_unix_ms()
    }

    /// Today's date in China; nothing when the host's clock is outside the calendar.
    pub fn today(&self) -> Option<Date> {
        Date::of_unix_seconds(self.clock.now_unix_s() + CHINA_OFFSET_S)
    }
}
