//! What the parts of an upload add up to, and how a column is told: pure functions over the dataset's own types.

pub mod assemble;
pub mod check;
pub mod distribution;
pub mod preview;
