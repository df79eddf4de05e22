//! Reads the files people have and turns them into the columns of a dataset snapshot.
//!
//! ```text
//! file or standard input ─ survey ─▶ digest, form, encoding
//!            │                                    mapping (TOML; `suggest` drafts it)
//!            ▼                                       │
//!         records ──▶ typed rows ◀───────────────────┘
//!                        ├ rejects, with line, column and reason
//!                        ▼
//!             segments ─▶ columns ─▶ target       row pages ─▶ target ─▶ publish
//! ```
//!
//! Invariants: names and the like never leave the machine, nor does a telephone number in any form but its pseudonym (PR-1, PR-2); no number is
//! in an error, a state file, a log or a file of rejects; numbers of the file become whole units exactly or by the rounding that the
//! mapping states; memory is bounded whatever the file ([`limits`]); a run that was killed is repeated with the same result.
//!
//! What it is not: it knows no HTTP and no database. The command `chudian import` gives it a [`target::Target`].
//!
//! Tables of events go another way ([`events`]): each row is one event, and nothing is published at the end.
//!
//! The way through: [`source::survey`] → [`mapping::Mapping::parse`] → [`run::run`]; [`suggest::suggest`] drafts a mapping.

mod build;
mod dates;
mod decimal;
mod error;
pub mod events;
pub mod limits;
pub mod mapping;
pub mod rejects;
pub mod rows;
pub mod run;
pub mod source;
pub mod state;
pub mod suggest;
pub mod target;
mod units;

pub use build::PagesError;
pub use decimal::{Decimal, Factor, NumberFault, Rounding};
pub use error::ImportError;
pub use units::FileUnit;
