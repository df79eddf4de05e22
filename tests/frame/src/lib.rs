//! What the tests of every function's HTTP face share: requests to a router, and the check of the function's finished OpenAPI document.
//!
//! It is a dependency of tests only, and knows no function.

#![expect(
    clippy::unwrap_used,
    reason = "only tests use it, and a test stops at the first surprise"
)]

mod document;
mod got;

pub use document::assert_finished;
pub use got::{Got, ask};
