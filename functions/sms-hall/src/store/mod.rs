//! What the function keeps. The only module with SQL.
//!
//! Invariants: an inbound message and its effect on consent are written together; a reply and the end of what it answers are written
//! together; an attempt is durable before anything is sent, in the transaction that looked at the consent; a number's row goes with the
//! state that no longer needs it.

mod consent;
mod events;
mod gateways;
mod inbound;
mod messages;
mod months;
mod receipts;
mod rejected;
mod replies;

use std::sync::Arc;

use chudian_runtime::ports::sql::{Dialect, Sql, SqlError};
use chudian_runtime::ports::{Clock, Random};

pub use consent::{Consent, Proof};
pub use events::{NewEvent, WaitingEvent};
pub use gateways::{GatewayRow, StoredDocument};
pub use inbound::{NewInbound, Taken, WaitingInbound};
pub use messages::{Message, MessageFilter, MessagePlace, NewMessage, Sending};
pub use months::MonthOfMessages;
pub use receipts::NewReceipt;
pub use rejected::{NewRejected, Rejected, RejectedFilter, RejectedPlace};
pub use replies::{Answer, Settled, StoredOffer};

/// Random bytes of an id.
const ID_BYTES: usize = 16;

/// The function's tables.
#[derive(Clone)]
pub struct Store {
    sql: Sql,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Store {
    /// The function's tables in `sql`.
    pub fn new(sql: Sql, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { sql, clock, random }
    }

    /// The database.
    pub fn sql(&self) -> &Sql {
        &self.sql
    }

    /// Milliseconds since 1970.
    pub fn now_unix_ms(&self) -> i64 {
        self.clock.now_unix_ms()
    }

    /// A new id: 32 characters that nobody guesses. Letters stand between its digits, so that none of them can pass for a number.
    pub fn new_id(&self) -> String {
        let mut bytes = [0; ID_BYTES];
        self.random.fill(&mut bytes);
        chudian_vocabulary::pseudonym::base32(&bytes)
    }

    /// Bytes that nobody guesses.
    pub fn random_bytes<const LENGTH: usize>(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// What makes a `select` hold its rows until the transaction ends. SQLite lets one writer in at a time, so there it is so anyway.
fn held(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " for update",
    }
}

/// A number of the database that must fit.
fn small(value: i64) -> Result<u32, SqlError> {
    u32::try_from(value).map_err(|_| SqlError::Shape(format!("{value} is no small number")))
}
