//! The verbs of the command line, one module each.

pub mod sample;
pub mod up;
