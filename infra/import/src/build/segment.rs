//! One segment under way.

use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::{ColumnBuilder, PushError};
use chudian_dataset::schema::{Kind, Schema};
use chudian_vocabulary::pseudonym::CustomerPseudonym;

use crate::rows::{BlockColumn, NO_NUMBER, NO_WORD};

/// Takes rows until a segment is full.
pub(crate) struct SegmentBuilder {
    identities: ColumnBuilder,
    columns: Vec<ColumnBuilder>,
    kinds: Vec<Kind>,
    rows: usize,
}

/// A whole segment.
pub(crate) struct SegmentParts {
    /// Its columns in the schema's order, the identity first.
    pub(crate) columns: Vec<ColumnData>,
}

impl SegmentBuilder {
    /// For rows of `schema`.
    #[must_use]
    pub(crate) fn new(schema: &Schema) -> Self {
        // The identity stands first in every snapshot's schema.
        let kinds: Vec<Kind> = schema
            .columns()
            .iter()
            .skip(1)
            .map(|column| column.kind)
            .collect();
        let columns = kinds.iter().map(|kind| ColumnBuilder::new(*kind)).collect();
        Self {
            identities: ColumnBuilder::new(Kind::Identity),
            columns,
            kinds,
            rows: 0,
        }
    }

    /// Rows that still fit.
    #[must_use]
    pub(crate) fn room(&self) -> usize {
        SEGMENT_ROWS - self.rows
    }

    /// Whether it has no row.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends the rows `chosen` of a block, at most [`Self::room`] of them. `words` are the columns' dictionaries.
    ///
    /// # Errors
    /// When a value is not of the column's kind, which is a defect of the reader of rows.
    pub(crate) fn append(
        &mut self,
        customers: &[CustomerPseudonym],
        columns: &[BlockColumn],
        chosen: &[u32],
        words: &[Vec<String>],
    ) -> Result<(), PushError> {
        for row in chosen {
            let customer = customers
                .get(*row as usize)
                .ok_or(PushError::NullIdentity)?;
            self.identities.push_identity(*customer)?;
        }
        for ((builder, column), words) in self.columns.iter_mut().zip(columns).zip(words) {
            append_column(builder, column, chosen, words)?;
        }
        self.rows += chosen.len();
        Ok(())
    }

    /// The segment, and an empty one in its place.
    pub(crate) fn take(&mut self) -> SegmentParts {
        let identities =
            std::mem::replace(&mut self.identities, ColumnBuilder::new(Kind::Identity));
        let fresh = self
            .kinds
            .iter()
            .map(|kind| ColumnBuilder::new(*kind))
            .collect();
        let columns = std::mem::replace(&mut self.columns, fresh);
        self.rows = 0;
        SegmentParts {
            columns: std::iter::once(identities)
                .chain(columns)
                .map(ColumnBuilder::finish)
                .collect(),
        }
    }
}

fn append_column(
    builder: &mut ColumnBuilder,
    column: &BlockColumn,
    chosen: &[u32],
    words: &[String],
) -> Result<(), PushError> {
    match column {
        BlockColumn::Numbers(values) => {
            // A builder of days refuses the first number, so one try tells which it is; blocks are never mixed.
            for row in chosen {
                match values.get(*row as usize).copied().unwrap_or(NO_NUMBER) {
                    NO_NUMBER => builder.push_null()?,
                    value => match builder.push_integer(value) {
                        Err(PushError::OtherKind) => builder
                            .push_date(i32::try_from(value).map_err(|_| PushError::OtherKind)?)?,
                        outcome => outcome?,
                    },
                }
            }
        }
        BlockColumn::Words(codes) => {
            for row in chosen {
                match codes.get(*row as usize).copied().unwrap_or(NO_WORD) {
                    NO_WORD => builder.push_null()?,
                    code => {
                        builder.push_word(words.get(code as usize).ok_or(PushError::OtherKind)?)?
                    }
                }
            }
        }
        BlockColumn::Flags(values) => {
            for row in chosen {
                match values.get(*row as usize).copied().flatten() {
                    Some(value) => builder.push_flag(value)?,
                    None => builder.push_null()?,
                }
            }
        }
        BlockColumn::Scores(values) => {
            for row in chosen {
                match values
                    .get(*row as usize)
                    .copied()
                    .filter(|score| !score.is_nan())
                {
                    Some(score) => builder.push_score(score)?,
                    None => builder.push_null()?,
                }
            }
        }
    }
    Ok(())
}
