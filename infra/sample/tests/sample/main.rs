//! Holds the sample against the tariff simulation: its documents against the validator, its planted answers against the
//! pricing engine. The crate itself knows nothing of the engine, so neither can have been made to please the other.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers of tests are not seen as tests by the lint"
)]

mod contacts;
mod customers;
mod documents;
mod files;
mod market;
mod proofs;
mod table;
