//! The gateway as clients and operators meet it: the real binary, real components, real sockets on loopback.
//!
//! The component `hostile` has one route per misdeed; most tests here send something harmful and show that it harms nobody
//! else. No test measures time: where something must not be delayed, the test shows an order of events.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what sets a test up fails the test when it fails"
)]

mod misdeeds;
mod operator;
mod outbound;
mod ports;
mod requests;
mod running;
mod setup;
mod terminal;
