//! To be written.

pub mod access;
