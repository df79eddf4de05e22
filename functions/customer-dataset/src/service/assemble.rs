//! Whether the parts that have arrived make one table, and its manifest when they do.
//!
//! Every column must have every segment, all segments but the last must be full and all columns equally long, every row page must be
//! there, and pages and identity columns must put the same customers at the same places. All that is wrong is listed at once.

use chudian_dataset::manifest::{ColumnFacts, Table, page_count, segment_count, segment_rows};
use chudian_dataset::schema::{Column, ColumnName, Kind, Schema};
use chudian_dataset::statistics::ColumnSummary;
use chudian_dataset::wire::{WireError, read_summary};
use chudian_dataset::{ROWS_MAX, SEGMENT_ROWS};

use crate::limits::PAGES_PER_PART;
use crate::store::PartFacts;

/// Most gaps that are listed; what misses more than that was hardly begun.
const GAPS_MAX: usize = 100;

/// One thing that keeps parts from being a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// There is no customer.
    Empty,
    /// More customers than a snapshot may have.
    TooManyRows,
    /// A segment of a column has not arrived.
    Segment {
        /// The column.
        column: ColumnName,
        /// The segment.
        segment: u64,
    },
    /// A segment of a column beyond the last.
    BeyondEnd {
        /// The column.
        column: ColumnName,
        /// The segment.
        segment: u64,
    },
    /// A segment of a column has another number of rows.
    Rows {
        /// The column.
        column: ColumnName,
        /// The segment.
        segment: u64,
        /// Rows that it has to have.
        expected: u64,
        /// Rows that it has.
        found: u64,
    },
    /// A group of row pages has not arrived.
    Pages {
        /// Its first page.
        first: u64,
    },
    /// Row pages beyond the last.
    PagesBeyondEnd {
        /// The first page of their group.
        first: u64,
    },
    /// The pages hold another number of customers.
    Customers {
        /// Customers of the table.
        expected: u64,
        /// Customers of the pages.
        found: u64,
    },
    /// Pages and identity columns do not put the same customers at the same places, or a customer occurs twice.
    Places,
}

/// The account of an upload, column by column.
pub struct Assembly<'a> {
    schema: &'a Schema,
    rows: u64,
    facts: Vec<ColumnFacts>,
    /// Place marks that the pages must have: those of the identity columns, or of the snapshot under a layer.
    places: u64,
    gaps: Vec<Gap>,
}

impl<'a> Assembly<'a> {
    /// Begins with the number of customers; `places` are the snapshot's when a layer is assembled.
    pub fn new(schema: &'a Schema, rows: u64, places: Option<u64>) -> Self {
        let mut gaps = Vec::new();
        if rows == 0 {
            gaps.push(Gap::Empty);
        }
        if rows > ROWS_MAX {
            gaps.push(Gap::TooManyRows);
        }
        Self {
            schema,
            rows,
            facts: Vec::new(),
            places: places.unwrap_or(0),
            gaps,
        }
    }

    /// Takes the parts of the next column of the schema, by segment.
    ///
    /// # Errors
    /// [`WireError`] when stored statistics cannot be read.
    pub fn column(&mut self, column: &Column, parts: &[PartFacts]) -> Result<(), WireError> {
        let segments = segment_count(self.rows.min(ROWS_MAX)) as u64;
        let (mut total, mut by_segment) = (ColumnSummary::default(), Vec::new());
        let mut arrived = parts.iter().peekable();
        for segment in 0..segments {
            let Some(part) = arrived.next_if(|part| part.place == segment) else {
                self.gap(Gap::Segment {
                    column: column.name.clone(),
                    segment,
                });
                continue;
            };
            let expected =
                segment_rows(self.rows, usize::try_from(segment).unwrap_or(usize::MAX)) as u64;
            if part.rows != expected {
                self.gap(Gap::Rows {
                    column: column.name.clone(),
                    segment,
                    expected,
                    found: part.rows,
                });
            }
            if column.kind == Kind::Identity {
                self.places = self.places.wrapping_add(part.places);
            }
            let summary = read_summary(part.summary.as_deref().unwrap_or_default().as_bytes())?;
            by_segment.push(summary.statistics());
            total.merge(&summary);
        }
        for part in arrived {
            self.gap(Gap::BeyondEnd {
                column: column.name.clone(),
                segment: part.place,
            });
        }
        self.facts.push(ColumnFacts {
            total: total.statistics(),
            segments: by_segment,
        });
        Ok(())
    }

    /// Takes the groups of row pages, by first page, and tells the table with its sum of place marks.
    ///
    /// # Errors
    /// Everything that is missing or does not fit.
    pub fn finish(mut self, pages: &[PartFacts]) -> Result<(Table, u64), Vec<Gap>> {
        let groups = page_count(self.rows.min(ROWS_MAX)).div_ceil(PAGES_PER_PART);
        let (mut customers, mut places) = (0_u64, 0_u64);
        let mut arrived = pages.iter().peekable();
        for first in (0..groups).map(|group| group * PAGES_PER_PART) {
            match arrived.next_if(|part| part.place == first) {
                Some(part) => {
                    customers = customers.saturating_add(part.rows);
                    places = places.wrapping_add(part.places);
                }
                None => self.gap(Gap::Pages { first }),
            }
        }
        for part in arrived {
            self.gap(Gap::PagesBeyondEnd { first: part.place });
        }
        if self.gaps.is_empty() && customers != self.rows {
            self.gap(Gap::Customers {
                expected: self.rows,
                found: customers,
            });
        }
        if self.gaps.is_empty() && places != self.places {
            self.gap(Gap::Places);
        }
        if !self.gaps.is_empty() {
            return Err(self.gaps);
        }
        match Table::new(self.schema.clone(), self.rows, self.facts) {
            Ok(table) => Ok((table, places)),
            // The parts were counted above, so this is what their statistics say otherwise.
            Err(_) => Err(vec![Gap::Places]),
        }
    }

    fn gap(&mut self, gap: Gap) {
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(gap);
        }
    }
}

/// Customers that a segment of so many rows speaks for, when nobody said how many there are: the rows of the identity's segments.
pub fn rows_of(identity: &[PartFacts]) -> u64 {
    identity.iter().map(|part| part.rows).sum()
}

/// Whether `segment` can be one of a table of `rows` customers, and how many rows it then has.
pub fn expected_rows(rows: Option<u64>, segment: usize) -> Option<usize> {
    match rows {
        Some(rows) => Some(segment_rows(rows, segment)).filter(|rows| *rows > 0),
        None => Some(SEGMENT_ROWS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::of_snapshot(vec![
            Column::new(ColumnName::new("id").unwrap(), Kind::Identity),
            Column::new(ColumnName::new("a").unwrap(), Kind::Integer),
        ])
        .unwrap()
    }

    fn part(column: Option<&str>, place: u64, rows: u64, places: u64) -> PartFacts {
        let summary = column.map(|_| format!(r#"{{"rows":{rows},"nulls":0,"sketch":[]}}"#));
        PartFacts {
            column: column.map(str::to_owned),
            place,
            sha256: String::new(),
            bytes: 1,
            rows,
            places,
            summary,
        }
    }

    const FULL: u64 = SEGMENT_ROWS as u64;

    fn assembled(
        rows: u64,
        id: &[PartFacts],
        a: &[PartFacts],
        pages: &[PartFacts],
    ) -> Result<u64, Vec<Gap>> {
        let schema = schema();
        let mut assembly = Assembly::new(&schema, rows, None);
        assembly.column(&schema.columns()[0], id).unwrap();
        assembly.column(&schema.columns()[1], a).unwrap();
        assembly.finish(pages).map(|(table, _)| table.rows())
    }

    fn whole() -> (Vec<PartFacts>, Vec<PartFacts>, Vec<PartFacts>) {
        let id = vec![part(Some("id"), 0, FULL, 5), part(Some("id"), 1, 10, 6)];
        let a = vec![part(Some("a"), 0, FULL, 0), part(Some("a"), 1, 10, 0)];
        // 131,082 customers make 2,049 pages, nine groups.
        let mut pages: Vec<_> = (0..8)
            .map(|group| part(None, group * PAGES_PER_PART, FULL / 8, 1))
            .collect();
        pages.push(part(None, 2048, 10, 3));
        (id, a, pages)
    }

    #[test]
    fn whole_parts_make_a_table() {
        let (id, a, pages) = whole();
        assert_eq!(assembled(FULL + 10, &id, &a, &pages), Ok(FULL + 10));
        assert_eq!(rows_of(&id), FULL + 10);
    }

    /// Goal: whatever is taken away or added is named.
    #[test]
    fn every_gap_is_named() {
        let (id, a, pages) = whole();
        let rows = FULL + 10;
        let name = || ColumnName::new("a").unwrap();
        assert_eq!(
            assembled(rows, &id, &a[..1], &pages),
            Err(vec![Gap::Segment {
                column: name(),
                segment: 1
            }])
        );
        assert_eq!(
            assembled(rows, &id, &a[1..], &pages),
            Err(vec![Gap::Segment {
                column: name(),
                segment: 0
            }])
        );
        assert_eq!(
            assembled(rows, &id, &a, &pages[..8]),
            Err(vec![Gap::Pages { first: 2048 }])
        );
        assert_eq!(
            assembled(rows, &id, &a, &pages[1..]),
            Err(vec![Gap::Pages { first: 0 }])
        );
        let short = [a[0].clone(), part(Some("a"), 1, 9, 0)];
        assert_eq!(
            assembled(rows, &id, &short, &pages),
            Err(vec![Gap::Rows {
                column: name(),
                segment: 1,
                expected: 10,
                found: 9
            }])
        );
        let long = [a.clone(), vec![part(Some("a"), 2, 1, 0)]].concat();
        assert_eq!(
            assembled(rows, &id, &long, &pages),
            Err(vec![Gap::BeyondEnd {
                column: name(),
                segment: 2
            }])
        );
        let mut other = pages.clone();
        other[8].rows = 9;
        assert_eq!(
            assembled(rows, &id, &a, &other),
            Err(vec![Gap::Customers {
                expected: rows,
                found: rows - 1
            }])
        );
        other[8].rows = 10;
        other[8].places = 4;
        assert_eq!(assembled(rows, &id, &a, &other), Err(vec![Gap::Places]));
        let more = [pages.clone(), vec![part(None, 2304, 1, 0)]].concat();
        assert_eq!(
            assembled(rows, &id, &a, &more),
            Err(vec![Gap::PagesBeyondEnd { first: 2304 }])
        );
        assert_eq!(assembled(0, &[], &[], &[]), Err(vec![Gap::Empty]));
        assert!(assembled(u64::MAX, &id, &a, &pages).unwrap_err().len() <= GAPS_MAX);
    }
}
