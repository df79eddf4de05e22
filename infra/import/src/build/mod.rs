//! Accepted rows to the parts of a snapshot: columns by segment, and row pages.
//!
//! Invariant: the parts are a function of the file, the mapping and the key, bit by bit; so an import that was killed can be run
//! again and skips what has arrived. Memory holds one segment and one bucket of pages, whatever the size of the file.

mod duplicates;
mod pages;
mod segment;

pub(crate) use duplicates::Duplicates;
pub(crate) use pages::PageSpill;
pub use pages::PagesError;
pub(crate) use segment::SegmentBuilder;
