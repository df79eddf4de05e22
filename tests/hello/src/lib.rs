//! The smallest function: one axum route, nothing stored.
//!
//! It is the yardstick of the benchmarks: the same router is served natively, by the gateway and, where that program is
//! installed, by `wasmtime serve`, so that the three differ in the host alone.

use axum::{Router, routing::get};

/// The router that both the component and the native baseline serve: `GET /hello` answers `hello\n`.
pub fn router() -> Router {
    Router::new().route("/hello", get(|| async { "hello\n" }))
}

#[cfg(target_family = "wasm")]
mod component;
