//! The verbs of the command line, one module each.

pub mod up;
