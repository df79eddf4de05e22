//! What the HTTP face and the typed face share: the forms of requests and the way from a request to its answer.
//!
//! Everything here is a pure function of its arguments; storage, keys and headers are the HTTP face's business.

pub mod check;
pub mod forms;
