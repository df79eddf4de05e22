//! What tests and developer commands share: starting a real gateway, starting a real PostgreSQL cluster, and speaking
//! HTTP to whatever answers at a base URL.
//!
//! Everything started here is stopped when its value is dropped, and leaves nothing behind. It is not linked into
//! anything that is shipped.

pub mod gateway;
pub mod http;
pub mod postgres;
mod process;
