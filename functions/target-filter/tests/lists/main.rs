//! Frozen lists and lookalikes as pure functions: laws that hold for any input, and known data.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod freezing;
mod lookalikes;
mod stored;
mod support;
