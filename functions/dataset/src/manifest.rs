//! What a snapshot or a layer consists of: its schema, its size, and the statistics of every column by segment.
//!
//! A manifest is written once, when its snapshot or layer is published, and never changed; readers keep it by its id.
//! Invariant: there are as many [`ColumnFacts`] as columns in the schema, each with one entry a segment, and every segment but the
//! last is full. JSON forms are in [`crate::wire`].

use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde::{Deserialize, Serialize};

use crate::schema::Schema;
use crate::statistics::ColumnStatistics;
use crate::version::{LayerId, SnapshotId};
use crate::{PAGE_ROWS, ROWS_MAX, SEGMENT_ROWS};

/// Version of the way in which the values of a snapshot are laid out; a reader refuses another one.
pub const FORMAT_VERSION: u32 = 1;

/// Segments of so many customers.
#[must_use]
pub fn segment_count(rows: u64) -> usize {
    usize::try_from(rows.div_ceil(SEGMENT_ROWS as u64)).unwrap_or(usize::MAX)
}

/// Customers of one segment of a table of `rows`; zero beyond the last.
#[must_use]
pub fn segment_rows(rows: u64, segment: usize) -> usize {
    let before = (segment as u64).saturating_mul(SEGMENT_ROWS as u64);
    usize::try_from(rows.saturating_sub(before).min(SEGMENT_ROWS as u64)).unwrap_or(SEGMENT_ROWS)
}

/// Row pages of so many customers.
#[must_use]
pub fn page_count(rows: u64) -> u64 {
    rows.div_ceil(PAGE_ROWS)
}

/// The row page of a customer: the pseudonym is as good as random, so its head spreads customers evenly.
#[must_use]
pub fn page_of(customer: CustomerPseudonym, page_count: u64) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = customer.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
        .checked_rem(page_count)
        .unwrap_or(0)
}

/// Statistics of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnFacts {
    /// Of the whole column.
    pub total: ColumnStatistics,
    /// Of each segment.
    pub segments: Vec<ColumnStatistics>,
}

/// What snapshot and layer have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TableParts", into = "TableParts")]
pub struct Table {
    schema: Schema,
    rows: u64,
    columns: Vec<ColumnFacts>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableParts {
    schema: Schema,
    rows: u64,
    columns: Vec<ColumnFacts>,
}

/// Why parts do not make a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// More customers than a snapshot may have.
    #[error("a snapshot has at most {ROWS_MAX} customers")]
    TooManyRows,
    /// Statistics are missing, or their rows do not add up.
    #[error("the statistics do not fit the schema and the number of customers")]
    Statistics,
    /// The values are laid out in another way.
    #[error("the format version is not {FORMAT_VERSION}")]
    Format,
}

impl TryFrom<TableParts> for Table {
    type Error = TableError;

    fn try_from(parts: TableParts) -> Result<Self, TableError> {
        Self::new(parts.schema, parts.rows, parts.columns)
    }
}

impl From<Table> for TableParts {
    fn from(table: Table) -> Self {
        Self {
            schema: table.schema,
            rows: table.rows,
            columns: table.columns,
        }
    }
}

impl Table {
    /// Joins a schema with the statistics of its columns.
    ///
    /// # Errors
    /// [`TableError`] when they do not fit.
    pub fn new(schema: Schema, rows: u64, columns: Vec<ColumnFacts>) -> Result<Self, TableError> {
        if rows > ROWS_MAX {
            return Err(TableError::TooManyRows);
        }
        let segments = segment_count(rows);
        let whole = |facts: &ColumnFacts| {
            facts.total.rows == rows
                && facts.segments.len() == segments
                && facts
                    .segments
                    .iter()
                    .enumerate()
                    .all(|(segment, statistics)| {
                        statistics.rows == segment_rows(rows, segment) as u64
                    })
        };
        if columns.len() != schema.columns().len() || !columns.iter().all(whole) {
            return Err(TableError::Statistics);
        }
        Ok(Self {
            schema,
            rows,
            columns,
        })
    }

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Customers.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Segments.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        segment_count(self.rows)
    }

    /// Customers of one segment; zero beyond the last.
    #[must_use]
    pub fn segment_rows(&self, segment: usize) -> usize {
        segment_rows(self.rows, segment)
    }

    /// Row pages.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        page_count(self.rows)
    }

    /// Statistics by column, in the schema's order.
    #[must_use]
    pub fn columns(&self) -> &[ColumnFacts] {
        &self.columns
    }

    /// Statistics of the column `name`.
    #[must_use]
    pub fn facts(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.get(self.schema.position(name)?)
    }

    /// Statistics of the column `name` in one segment.
    #[must_use]
    pub fn segment_statistics(&self, name: &str, segment: usize) -> Option<&ColumnStatistics> {
        self.facts(name)?.segments.get(segment)
    }
}

/// A published snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotManifest {
    /// How its values are laid out: [`FORMAT_VERSION`].
    pub format: u32,
    /// Its id.
    pub snapshot: SnapshotId,
    /// Its columns and their statistics.
    pub table: Table,
}

/// A published layer: columns over the same customers in the same order as its snapshot's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerManifest {
    /// How its values are laid out: [`FORMAT_VERSION`].
    pub format: u32,
    /// Its id.
    pub layer: LayerId,
    /// The snapshot over which it lies.
    pub snapshot: SnapshotId,
    /// Its columns and their statistics.
    pub table: Table,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_pages_cover_every_row() {
        let full = SEGMENT_ROWS as u64;
        for rows in [0, 1, full - 1, full, full + 1, 3 * full + 5, ROWS_MAX] {
            let total: u64 = (0..segment_count(rows))
                .map(|segment| segment_rows(rows, segment) as u64)
                .sum();
            assert_eq!(total, rows);
            assert_eq!(segment_rows(rows, segment_count(rows)), 0);
            assert!(page_count(rows) * PAGE_ROWS >= rows);
        }
        assert_eq!(segment_rows(ROWS_MAX, usize::MAX), 0);
        assert_eq!(
            page_of(CustomerPseudonym([0xff; 16]), 0),
            0,
            "an empty snapshot divides by nothing"
        );
        let mut head = [0; 16];
        head[7] = 9;
        assert_eq!(page_of(CustomerPseudonym(head), 4), 1);
    }
}
