//! Tests of the plan model: published examples, every feature, laws, and a slow oracle written another way.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod batches;
mod cases;
mod comparing;
mod documents;
mod laws;
mod oracle;
mod refusals;
mod support;
mod terms;
mod widths;
