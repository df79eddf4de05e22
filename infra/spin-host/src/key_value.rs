//! `spin:key-value@3.0.0` in a SQLite file with the table that Spin uses, so that either host reads what the other wrote.

mod connection;
mod interface;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use interface::{GuestStore, add_to_linker};
pub use store::KeyValueFile;
