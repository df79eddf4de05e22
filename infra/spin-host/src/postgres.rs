//! `spin:postgres@4.2.0` on PostgreSQL by sqlx.
//!
//! Values go over the wire in PostgreSQL's binary form, written and read here, so that every type of the interface is exact:
//! decimals of any length, intervals, ranges and arrays among them. As in Spin, a parameter must have the type that the
//! statement expects; nothing is converted silently.

#![expect(
    clippy::result_large_err,
    reason = "the error is the interface's own record, and errors are rare beside rows"
)]

mod address;
mod calendar;
mod connection;
mod error;
mod interface;
mod numeric;
mod parameter;
mod pool;
#[cfg(test)]
mod tests;
mod value;
mod wire;

pub use interface::{GuestConnection, GuestConnectionBuilder, add_to_linker};
pub use pool::PostgresPools;
