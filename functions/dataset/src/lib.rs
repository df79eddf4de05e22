//! The columnar customer dataset: schema, segments, statistics, row pages and expressions over columns.
//!
//! ```text
//! rows ─ builder ─▶ ColumnData ─ encode ─▶ Arrow IPC ─▶ key-value store ─ decode ─▶ ColumnData ─ expression ─▶ Bitmap
//!                       │                                                              ▲
//!                       ├─ statistics ─▶ manifest (prunes segments)                    └ slices over the very bytes that were read
//!                       └─ page ─▶ row pages (one customer by one read)
//! ```
//!
//! A **snapshot** is an immutable set of segments of [`SEGMENT_ROWS`] customers in the order of the file; each column of a segment is one
//! value of the key-value store. **Layers** are columns that a batch adds later under the same snapshot. [`keys`] names every value.
//!
//! Invariants: what exists was checked (a [`schema::Schema`] is a right one, a decoded [`column::ColumnData`] has the kind and the length
//! that it claims); no byte from outside can make this crate panic or allocate more than the bytes' own length calls for; the
//! same input gives the same bytes. No I/O, no clock, no randomness. JSON is written and read in [`wire`] alone; floating point
//! occurs in scores alone, never in money or quantities.

pub mod bitmap;
pub mod column;
pub mod contact;
pub mod expression;
pub mod keys;
pub mod manifest;
pub mod page;
pub mod schema;
pub mod statistics;
pub mod value;
pub mod version;
pub mod wire;

/// Customers of a segment, but for the last one: small enough that a decoded column of one byte a customer stays in a core's
/// second-level cache, large enough that a store of ten million customers holds under a hundred values a column.
pub const SEGMENT_ROWS: usize = 131_072;

/// Most segments of a snapshot: 134 million customers, more than the largest province has numbers.
pub const SEGMENTS_MAX: usize = 1024;

/// Most customers of a snapshot.
pub const ROWS_MAX: u64 = (SEGMENTS_MAX * SEGMENT_ROWS) as u64;

/// Most columns of a snapshot or a layer: the widest customer table that we know of has about three hundred.
pub const COLUMNS_MAX: usize = 512;

/// Longest word of a column, in bytes of UTF-8: a group code or a plan's name, not a text.
pub const WORD_BYTES_MAX: usize = 256;

/// Largest encoded column of a segment: 131,072 words that all differ, with room. Also the limit of an upload.
pub const COLUMN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Customers of a full row page: a page of sixty columns stays around 16 KB, which one read brings whole.
pub const PAGE_ROWS: u64 = 64;
