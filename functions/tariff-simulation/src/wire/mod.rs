//! The JSON forms of catalogues, usage, requests and results, and the way between them and the domain.
//!
//! The domain modules know nothing of JSON; this module knows nothing of prices. A form is read in two steps: the
//! serde types of this module settle the shape, then `crate::validate` settles the meaning. A document of the wrong shape is
//! walked once more against the derived schema, so that its reader learns all mistakes at once, each with its place.

pub mod catalogue;
pub mod usage;
