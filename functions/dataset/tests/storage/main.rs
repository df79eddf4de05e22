//! Columns, statistics and pages as they are stored: what was written is read back, and what was broken is refused.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod broken;
mod columns;
mod manifests;
mod pages;
mod rows;
mod statistics;
