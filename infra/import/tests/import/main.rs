//! Whole imports against a target in memory, and files that are damaged in every way.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails; helpers of tests are not seen as tests by the lint"
)]

mod hostile;
mod memory;
mod privacy;
mod public_data;
mod rejecting;
mod resuming;
mod suggesting;
mod whole;
