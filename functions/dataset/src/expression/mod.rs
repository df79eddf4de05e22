//! Conditions on customers: written, bound to a schema, evaluated over columns (TF-1).
//!
//! ```text
//! JSON, text ─▶ ast ─ bind(columns, groups) ─▶ bound ─ plan ─▶ pruned by statistics ─▶ evaluate ─▶ Bitmap
//!                        └─ errors with places    └─ scalar: one customer, for "why"
//! ```
//!
//! Nulls are SQL's: a comparison with a missing value is unknown, `not` of unknown is unknown, and a customer is selected only where the
//! whole is true. `x != 5` therefore leaves out customers of whom `x` is not known; say `x != 5 or x is null` to have them.
//!
//! Invariants: evaluation is a pure function of expression, columns and day; leaving segments out by their statistics changes no answer;
//! every bound stands in [`limits`]. The JSON and the text form are not here: they belong to the function that speaks them.

pub mod ast;
pub mod bind;
pub mod bound;
pub mod canonical;
pub mod evaluate;
mod kernel;
pub mod limits;
pub mod names;
pub mod plan;
pub mod prune;
pub mod scalar;
pub mod units;
