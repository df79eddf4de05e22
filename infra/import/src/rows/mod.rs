//! Records to typed rows: what is accepted, what is rejected and why.
//!
//! Invariant: a row is accepted as a whole or rejected as a whole, and no telephone or identity-card number passes in any column but the
//! one that becomes the pseudonym (PR-1, PR-2).

mod cell;
mod ident;
mod reject;

use chudian_dataset::schema::Kind;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymKey};

pub(crate) use cell::{holds_identity_card, is_flag_word, personal_number};
pub use ident::IdMaker;
pub use reject::{CellFault, Reject, RejectReason};

use crate::ImportError;
use crate::mapping::{Destination, Mapping};
use crate::source::Records;
use cell::{CellReader, Dictionaries};

/// What stands for "no value" among whole numbers and days; no figure is as small.
pub const NO_NUMBER: i64 = i64::MIN;

/// What stands for "no value" among the codes of words.
pub const NO_WORD: u32 = u32::MAX;

/// Values of one column of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockColumn {
    /// Integers, money and days; [`NO_NUMBER`] for none.
    Numbers(Vec<i64>),
    /// Places in the column's dictionary; [`NO_WORD`] for none.
    Words(Vec<u32>),
    /// Yes, no, or none.
    Flags(Vec<Option<bool>>),
    /// Scores; not a number for none.
    Scores(Vec<f64>),
}

impl BlockColumn {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Integer | Kind::Money | Kind::Date => Self::Numbers(Vec::new()),
            Kind::Word | Kind::Identity => Self::Words(Vec::new()),
            Kind::Flag => Self::Flags(Vec::new()),
            Kind::Score => Self::Scores(Vec::new()),
        }
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Self::Numbers(values) => values.truncate(rows),
            Self::Words(codes) => codes.truncate(rows),
            Self::Flags(values) => values.truncate(rows),
            Self::Scores(values) => values.truncate(rows),
        }
    }
}

/// A word that a block is the first to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWord {
    /// Column of the mapping.
    pub column: usize,
    /// The word; its code is the number of words before it in that column.
    pub word: String,
}

/// Rows that were read together.
#[derive(Debug, Default)]
pub struct Block {
    /// Lines of the accepted rows.
    pub lines: Vec<u64>,
    /// Their customers.
    pub customers: Vec<CustomerPseudonym>,
    /// Their values, in the order of the mapping's columns.
    pub columns: Vec<BlockColumn>,
    /// Words that come up for the first time, in the order of their codes.
    pub new_words: Vec<NewWord>,
    /// What was rejected.
    pub rejects: Vec<Reject>,
    /// Rows read, rejected ones with them.
    pub rows_read: u64,
}

/// Turns records into blocks.
pub struct RowReader {
    destinations: Vec<Destination>,
    readers: Vec<CellReader>,
    kinds: Vec<Kind>,
    headings: Vec<String>,
    ids: IdMaker,
    dictionaries: Dictionaries,
    rows_read: u64,
}

impl RowReader {
    /// For rows with `headings` under `mapping`.
    ///
    /// # Errors
    /// When the headings do not fit the mapping.
    pub fn new(
        mapping: &Mapping,
        headings: &[String],
        key: &PseudonymKey,
    ) -> Result<Self, ImportError> {
        let destinations = mapping
            .destinations(headings)
            .map_err(ImportError::Headings)?;
        let empty = &mapping.file.empty;
        Ok(Self {
            destinations,
            readers: mapping
                .columns
                .iter()
                .map(|rule| CellReader::new(rule, empty))
                .collect(),
            kinds: mapping
                .columns
                .iter()
                .map(|rule| rule.column.kind)
                .collect(),
            headings: headings.to_vec(),
            ids: IdMaker::new(mapping.id.form, key),
            dictionaries: Dictionaries::default(),
            rows_read: 0,
        })
    }

    /// Reads the rows of `records`.
    ///
    /// # Errors
    /// When a column of words is none: too many distinct ones.
    pub fn read(&mut self, records: &Records) -> Result<Block, ImportError> {
        let mut block = Block {
            columns: self
                .kinds
                .iter()
                .map(|kind| BlockColumn::new(*kind))
                .collect(),
            ..Block::default()
        };
        for row in 0..records.len() {
            self.rows_read += 1;
            block.rows_read += 1;
            let line = records.line(row);
            let cells = records.cells(row);
            let outcome = if cells.len() == self.destinations.len() {
                self.row(cells, &mut block)?
            } else {
                let (found, expected) = (cells.len(), self.destinations.len());
                Err((None, RejectReason::Ragged { found, expected }))
            };
            match outcome {
                Ok(customer) => {
                    block.customers.push(customer);
                    block.lines.push(line);
                }
                Err((place, reason)) => {
                    let rows = block.customers.len();
                    block
                        .columns
                        .iter_mut()
                        .for_each(|column| column.truncate(rows));
                    let heading = place
                        .and_then(|place| self.headings.get(place))
                        .cloned()
                        .unwrap_or_default();
                    let shown = place
                        .map(|place| self.shown(place, records, row, &reason))
                        .unwrap_or_default();
                    block.rejects.push(Reject {
                        line,
                        heading,
                        reason,
                        shown,
                    });
                }
            }
        }
        block.new_words = self.dictionaries.take_new();
        Ok(block)
    }

    /// Reads one row. The inner error is the place of the cell and what is wrong with it.
    fn row<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a [u8]>,
        block: &mut Block,
    ) -> Result<Result<CustomerPseudonym, (Option<usize>, RejectReason)>, ImportError> {
        let mut customer = None;
        for (place, (cell, destination)) in cells.zip(&self.destinations).enumerate() {
            match destination {
                Destination::Dropped => {}
                Destination::Id => match self.ids.of(cell) {
                    Ok(made) => customer = Some(made),
                    Err(fault) => return Ok(Err((Some(place), RejectReason::Cell(fault)))),
                },
                Destination::Column(index) => {
                    let (Some(reader), Some(column)) =
                        (self.readers.get_mut(*index), block.columns.get_mut(*index))
                    else {
                        continue;
                    };
                    match reader.push(cell, column, *index, &mut self.dictionaries) {
                        Ok(()) => {}
                        Err(cell::PushFault::Cell(fault)) => {
                            return Ok(Err((Some(place), RejectReason::Cell(fault))));
                        }
                        Err(cell::PushFault::TooManyWords {
                            distinct_max,
                            bytes_max,
                        }) => {
                            let heading = self.headings.get(place).cloned().unwrap_or_default();
                            return Err(ImportError::TooManyWords {
                                heading,
                                distinct_max,
                                bytes_max,
                            });
                        }
                    }
                }
            }
        }
        Ok(Ok(
            customer.unwrap_or_else(|| self.ids.of_row(self.rows_read))
        ))
    }

    /// What of a rejected cell may be shown.
    fn shown(&self, place: usize, records: &Records, row: usize, reason: &RejectReason) -> String {
        let is_id = self.destinations.get(place) == Some(&Destination::Id);
        match records.cells(row).nth(place) {
            Some(cell) if !is_id && !reason.is_personal() => reject::shown(cell),
            // Nothing of an identifier is shown, not even a wrong one: it is wrong by a digit.
            Some(cell) => format!("({})", String::from_utf8_lossy(cell).chars().count()),
            None => String::new(),
        }
    }
}
