//! Feedback ingest (FI): what happened between customers and the operator, on every channel, exactly once in effect; and the
//! contact view of one customer.
//!
//! ```text
//! CloudEvents (three HTTP modes) ─ wire ─▶ given values ─ reading ─▶ event ─┐
//!                                                                           ├─ service: queue, one commit for many requests
//! rejected events, repaired ────────────────────────────────────────────────┘        │
//!            store: identities · events · daily sums · order steps · rejected ◀──────┘ (one transaction)
//!                     └─▶ time line, summary, orders of a customer; features of all customers; published views
//! ```
//!
//! Invariants: an event counts once by its `source` and `id`, for ever, whatever is sent again, reordered or split; what was
//! acknowledged is durable, and so are its sums; a telephone number is never stored. Domain modules know no JSON, no HTTP, no SQL
//! and no clock.

pub mod event;
pub mod fault;
pub mod features;
pub mod field;
pub mod http;
pub mod identity;
pub mod limits;
pub mod order;
pub mod reading;
pub mod service;
pub mod store;
pub mod summary;
pub mod tally;
pub mod timing;
pub mod wire;

#[cfg(target_family = "wasm")]
mod component;
