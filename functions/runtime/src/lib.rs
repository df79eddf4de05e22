//! What every function needs at its edge: ports to the host, problems, and the axum glue between them.
//!
//! A function's crate has domain modules that know none of this, a router that is built from it, and a `component.rs` that joins
//! the router with the ports of Spin. The same router runs natively over the ports of [`ports::native`], which is how it is
//! tested.
//!
//! Invariants: only `ports::spin` and `component` name a host; nothing here knows any function's business, except
//! that the problem catalogue lists every function's codes, so that a code exists once.

#[cfg(target_family = "wasm")]
pub mod component;
#[cfg(feature = "dataset")]
pub mod dataset;
pub mod http;
pub mod kept;
pub mod ports;
pub mod problem;

#[cfg(not(target_family = "wasm"))]
pub use utoipa_axum::routes;
