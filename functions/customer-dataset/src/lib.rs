//! The customer dataset behind HTTP: imports, snapshots and their layers, look-up of one customer.
//!
//! ```text
//! chudian import ─ parts ─▶ http ─ decoded, checked ─▶ key-value store (values)
//!                                    └─ facts ───────▶ store (registry in SQL) ─ publish ─▶ manifest, current version
//! ```
//!
//! The client parses, types and pseudonymises, and encodes columns and pages; here every part is decoded and checked again before it is
//! stored, and published only when all of them make one table. Invariants: what was published never changes; a failed, killed or
//! half-done import leaves the version in force as it was; a value that a manifest names is stored before the manifest is.

pub mod http;
pub mod limits;
pub mod service;
pub mod store;
pub mod wire;

#[cfg(target_family = "wasm")]
mod component;
