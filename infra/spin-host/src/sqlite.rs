//! `spin:sqlite@3.1.0` on SQLite by sqlx.
//!
//! Every connection runs on a thread of its own (that is how sqlx works), so a long statement holds up no request but its
//! own. Files are in write-ahead mode with `synchronous=FULL`: what was acknowledged survives a power cut.

mod connection;
mod database;
mod guard;
mod interface;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use database::{Lease, NoConnection};
pub use database::{SqliteDatabase, connect_options};
pub use interface::{GuestConnection, add_to_linker};
