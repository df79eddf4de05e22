//! Many customers at once (TS-7): the best plan of every customer of a dataset.
//!
//! ```text
//! mapping (data) ─ bind ─▶ Binding ─┐
//! columns of a segment ─────────────┴─ derive(rows) ─▶ best plan, saving, months won, revenue change: a column each
//!                                        by blocks: read, meter, screen plan by plan, judge
//! ```
//!
//! Invariant: a customer's answer is that of a single comparison with the same usage, day and rule, to the fen. The plans are screened
//! by the engine alone ([`totals`]); what the screen puts first is then judged by the very rule that judges the answer to a
//! single question. Nothing is kept between customers but scratch space. No storage here.

mod best;
mod mapping;
mod reading;
mod rows;
mod totals;

pub use mapping::{
    Binding, MONTH_PLACEHOLDER, MappingJson, ProfileColumnsJson, UsageColumnJson, UsageFieldJson,
};
pub use rows::{DERIVED_COLUMNS, Derived, SegmentColumns, Terms, derive, derived_columns};
pub use totals::{price_repeatedly, price_totals};
