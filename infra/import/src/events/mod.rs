//! Tables of events (FI-1): each row becomes one CloudEvent that the feedback function takes.
//!
//! ```text
//! records ─▶ mapping (TOML, or headings that name what they are) ─▶ row ─▶ event with a stable id
//!                                                                     └▶ reject, with line, heading and reason
//! ```
//!
//! Invariants: the same row gives the same event with the same `source` and `id` whenever, wherever and as often as it is read, so sending a
//! file again, whole or in part, counts nothing twice; a telephone number becomes a pseudonym before the event exists; what no mapping
//! names is refused and not sent (PR-1).
//!
//! What it is not: it judges no event beyond reading its cells (which field a kind needs is the feedback function's affair), and it
//! sends nothing.

mod field;
mod mapping;
mod moment;
mod row;

pub use field::EventField;
pub use mapping::{EVENTS_MAPPING_FORMAT, EventsLayout, EventsMapping, EventsMappingError, draft};
pub use row::{EventFault, EventMaker, EventReject, RowEvent};
