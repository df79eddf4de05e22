//! Serves the web pages: static files that were built before and are embedded in the component.
//!
//! Invariants: every answer is decided by the request's method, path and three headers alone; nothing is stored, nothing is
//! asked of the host but one variable at the start; no page may run a script or load anything that is not one of these files.
//! The pages hold no data of any customer: they fetch it themselves from the functions' APIs. It is not a file server: what
//! is not embedded does not exist.

pub mod files;
pub mod frames;
mod negotiate;
mod serve;

pub use serve::{Answer, Pages};

#[cfg(target_family = "wasm")]
mod component;
