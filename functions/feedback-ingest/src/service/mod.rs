//! From what a request brought to what became of it: the request's events are read, queued, committed together with those of other
//! requests, and each gets its result.

mod queue;
mod submission;

pub use queue::{Committer, Refusal};
pub use submission::{EventResult, Origin, Submission, Told};
