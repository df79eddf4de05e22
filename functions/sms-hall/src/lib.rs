//! SMS hall (FI-4, FI-6): customers write, the hall answers; and nobody is written to who does not want it, or twice.
//!
//! ```text
//! provider ── callback ─▶ http ─▶ service: intake ─▶ store (durable) ─▶ acknowledgement
//!                                     │ after the answer
//!                                     ▼
//!                    words ─▶ command ─▶ reply with real figures (tariff-simulation) ─▶ outbox
//!                                                                                         │ attempt recorded, consent held
//! channel ── marketing message ─▶ outbox ─▶ hours, consent ──────────────────────────────▶ provider, at most once
//! provider ── receipt ─▶ the message it is about                  events ─▶ feedback-ingest, exactly once in effect
//! ```
//!
//! Invariants: a callback is acknowledged when what it brought is durable, and not before; a message is handed over at most once to its
//! customer, since an attempt is durable before it is made and is repeated only after a failure that came for certain before the
//! hand-over; a refusal holds for every attempt that is recorded after it; a number stands in one table alone, sealed, while a message
//! waits. Domain modules know no JSON, no HTTP, no SQL and no clock.

pub mod cloud_signature;
pub mod command;
pub mod http;
pub mod limits;
pub mod rejection;
pub mod reply;
pub mod rules;
pub mod seal;
pub mod sending;
pub mod service;
pub mod store;
pub mod telephone;
pub mod webhook;
pub mod wire;

#[cfg(target_family = "wasm")]
mod component;
