//! Rows of cells in UTF-8, as one buffer with the cells' places in it.

use std::ops::Range;

/// Rows of a file. Reused from block to block, so that reading allocates nothing in the long run.
#[derive(Debug, Default)]
pub struct Records {
    /// The cells' bytes, and what stands between them.
    pub(super) bytes: Vec<u8>,
    /// Begin and end of every cell, row after row.
    pub(super) cells: Vec<(u32, u32)>,
    /// For every row the index behind its last cell, and its line in the file.
    pub(super) rows: Vec<(u32, u64)>,
}

impl Records {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Line (or row of the sheet or table, counted from 1) at which `row` begins.
    #[must_use]
    pub fn line(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |(_, line)| *line)
    }

    /// The cells of `row`.
    pub fn cells(&self, row: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        let range = self.range(row);
        let cells = self.cells.get(range).unwrap_or_default();
        cells.iter().map(|(begin, end)| {
            self.bytes
                .get(*begin as usize..*end as usize)
                .unwrap_or_default()
        })
    }

    fn range(&self, row: usize) -> Range<usize> {
        let end_of = |row: usize| self.rows.get(row).map_or(0, |(end, _)| *end as usize);
        let begin = if row == 0 { 0 } else { end_of(row - 1) };
        begin..end_of(row)
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.cells.clear();
        self.rows.clear();
    }

    /// Appends a cell to the row under way. A block never comes near 4 GB, so the places fit.
    pub(super) fn push_cell(&mut self, cell: &[u8]) {
        let begin = self.bytes.len() as u32;
        self.bytes.extend_from_slice(cell);
        self.cells.push((begin, self.bytes.len() as u32));
    }

    /// Ends the row under way.
    pub(super) fn end_row(&mut self, line: u64) {
        self.rows.push((self.cells.len() as u32, line));
    }
}
