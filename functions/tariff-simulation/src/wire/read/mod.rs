//! From the serde types to the domain: settles what every field means and finds everything that is wrong, in one pass.

mod allowances;
mod catalogue;
pub(super) mod fields;
pub(super) mod held;
mod lines;
mod plan;
mod rates;
mod references;
pub(super) mod usage;

pub(super) use catalogue::{ranking, read_catalogue};
