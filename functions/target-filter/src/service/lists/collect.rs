//! From selected rows to candidates: reads the columns that a list needs, segment by segment.

use std::collections::BTreeSet;

use chudian_dataset::column::ColumnData;
use chudian_dataset::schema::{Column, ID_COLUMN, Kind};
use chudian_dataset::value::Value;
use chudian_runtime::dataset::{ReadError, SnapshotReader};
use chudian_vocabulary::Date;

use crate::lists::freeze::PRIORITY_OF_NO_VALUE;
use crate::lists::recipe::{ChannelChoice, Priority, Recipe};
use crate::lists::{Candidate, Candidates, FreezeError};
use crate::lookalike::bins::number_of;
use crate::lookalike::score::Scorecard;
use crate::service::selector::Selection;

/// Why the candidates cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] ReadError),
    /// A list cannot hold them.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// A column cannot serve for this.
    #[error("column `{column}` is of another kind")]
    WrongKind {
        /// The column.
        column: String,
        /// What it was to serve for.
        role: ColumnRole,
    },
    /// A cap is for a channel or region that no customer can have, so that it would hold nobody back.
    #[error("cap {rule} is for `{word}`, which no customer has")]
    CapOfNobody {
        /// Place of the rule, from 0.
        rule: usize,
        /// What it names.
        side: CapSide,
        /// Its word.
        word: String,
        /// The words that there are: one more than [`WORDS_TOLD_MAX`] when not all are told.
        words: Vec<String>,
    },
}

/// Words that an error names at most.
pub const WORDS_TOLD_MAX: usize = 12;

/// What a cap names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapSide {
    /// A channel.
    Channel,
    /// A region.
    Region,
}

/// What a column serves for in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRole {
    /// The channel: words.
    Channel,
    /// The order: numbers, money, scores or dates.
    Priority,
    /// Shown with each customer: anything but the identity.
    Shown,
}

/// Columns of one segment that a list reads.
struct SegmentColumns {
    identities: std::sync::Arc<ColumnData>,
    region: Option<std::sync::Arc<ColumnData>>,
    channel: Option<std::sync::Arc<ColumnData>>,
    priority: Option<std::sync::Arc<ColumnData>>,
    shown: Vec<std::sync::Arc<ColumnData>>,
    /// The columns of the scorecard, by its characteristics.
    scored: Vec<std::sync::Arc<ColumnData>>,
}

/// Reads the candidates of a selection. `scorecard` gives the points when the recipe orders by a lookalike run.
pub async fn collect(
    selection: &Selection,
    recipe: &Recipe,
    scorecard: Option<&Scorecard>,
) -> Result<Candidates, CollectError> {
    let reader = &selection.reader;
    check_columns(reader, recipe)?;
    let count: u64 = selection
        .segments
        .iter()
        .map(|rows| rows.count() as u64)
        .sum();
    let mut candidates = Candidates::with_capacity(count)?;
    let shown: Vec<Option<&Column>> = recipe
        .columns
        .iter()
        .map(|name| reader.describe(name))
        .collect();
    let mut cells: Vec<String> = vec![String::new(); recipe.columns.len()];
    for (segment, rows) in selection.segments.iter().enumerate() {
        if rows.count() == 0 {
            continue;
        }
        let columns = read_segment(reader, segment, recipe, scorecard).await?;
        let ColumnData::Identities { values: identities } = columns.identities.as_ref() else {
            return Err(CollectError::WrongKind {
                column: ID_COLUMN.to_owned(),
                role: ColumnRole::Shown,
            });
        };
        for row in rows.iter() {
            let Some(id) = identities.as_slice().get(row) else {
                continue;
            };
            let channel = match (&recipe.channel, &columns.channel) {
                (ChannelChoice::Fixed(name), _) => Some(name.as_str()),
                (ChannelChoice::Column(_), column) => {
                    column.as_deref().and_then(|column| word(column, row))
                }
            };
            let Some(channel) = channel else {
                candidates.leave_out_without_channel();
                continue;
            };
            let channel = candidates.channel(channel)?;
            let region = columns
                .region
                .as_deref()
                .and_then(|column| word(column, row))
                .unwrap_or_default();
            let region = candidates.region(region)?;
            let priority = match (&recipe.priority, scorecard) {
                (Priority::Draw, _) => 0,
                (Priority::Column { descending, .. }, _) => columns
                    .priority
                    .as_deref()
                    .map_or(PRIORITY_OF_NO_VALUE, |column| {
                        rank(column, row, *descending)
                    }),
                (Priority::Lookalike { .. }, card) => card.map_or(PRIORITY_OF_NO_VALUE, |card| {
                    let values = columns.scored.iter().map(|column| column.value(row));
                    card.points(values.collect::<Vec<_>>().iter().map(Option::as_ref))
                }),
            };
            for ((cell, column), facts) in cells.iter_mut().zip(&columns.shown).zip(&shown) {
                cell.clear();
                if let Some(facts) = facts {
                    push_value(cell, facts, column.value(row));
                }
            }
            let candidate = Candidate {
                id: *id,
                priority,
                region,
                channel,
            };
            candidates.push(candidate, cells.iter().map(String::as_str))?;
        }
    }
    Ok(candidates)
}

/// Checks that every channel and region that a cap names is one that customers of the dataset can have: a cap with a misspelt name would
/// hold nobody back, and nobody would see it.
///
/// # Errors
/// [`CollectError::CapOfNobody`] for the first that is not, and when the columns cannot be read.
pub async fn check_caps(selection: &Selection, recipe: &Recipe) -> Result<(), CollectError> {
    let reader = &selection.reader;
    check_columns(reader, recipe)?;
    let channels = match &recipe.channel {
        ChannelChoice::Fixed(name) => Known::These(vec![name.clone()]),
        ChannelChoice::Column(name) => Known::Of(name),
    };
    let regions = recipe
        .region_column
        .as_deref()
        .map_or_else(|| Known::These(Vec::new()), Known::Of);
    for (side, known) in [(CapSide::Channel, channels), (CapSide::Region, regions)] {
        let rules = recipe.caps.as_slice().iter().enumerate();
        let named = rules.filter_map(|(place, rule)| {
            let word = match side {
                CapSide::Channel => rule.channel.as_deref(),
                CapSide::Region => rule.region.as_deref(),
            };
            Some((place, word?))
        });
        let named: Vec<(usize, &str)> = named.collect();
        if named.is_empty() {
            continue;
        }
        let known = match known {
            Known::These(words) => words.into_iter().collect(),
            Known::Of(column) => words_of(reader, column).await?,
        };
        if let Some((rule, word)) = named.into_iter().find(|(_, word)| !known.contains(*word)) {
            return Err(CollectError::CapOfNobody {
                rule,
                side,
                word: word.to_owned(),
                words: known.into_iter().take(WORDS_TOLD_MAX + 1).collect(),
            });
        }
    }
    Ok(())
}

/// Which words there are.
enum Known<'a> {
    These(Vec<String>),
    /// Those of a column.
    Of(&'a str),
}

/// The words of a column in the whole dataset.
async fn words_of(reader: &SnapshotReader, name: &str) -> Result<BTreeSet<String>, ReadError> {
    let mut all = BTreeSet::new();
    for segment in 0..reader.segment_count() {
        if let ColumnData::Words { words, .. } = reader.column(segment, name).await?.as_ref() {
            for word in words {
                if !all.contains(word) {
                    all.insert(word.clone());
                }
            }
        }
    }
    Ok(all)
}

fn check_columns(reader: &SnapshotReader, recipe: &Recipe) -> Result<(), CollectError> {
    let require = |name: &str, role: ColumnRole| {
        let column = reader
            .describe(name)
            .ok_or_else(|| ReadError::UnknownColumn(name.to_owned()))?;
        let fits = match role {
            ColumnRole::Channel => column.kind == Kind::Word,
            ColumnRole::Priority => matches!(
                column.kind,
                Kind::Integer | Kind::Money | Kind::Score | Kind::Date
            ),
            ColumnRole::Shown => column.kind != Kind::Identity,
        };
        if fits {
            Ok(())
        } else {
            Err(CollectError::WrongKind {
                column: name.to_owned(),
                role,
            })
        }
    };
    if let ChannelChoice::Column(name) = &recipe.channel {
        require(name, ColumnRole::Channel)?;
    }
    if let Priority::Column { name, .. } = &recipe.priority {
        require(name, ColumnRole::Priority)?;
    }
    recipe
        .columns
        .iter()
        .try_for_each(|name| require(name, ColumnRole::Shown))
}

async fn read_segment(
    reader: &SnapshotReader,
    segment: usize,
    recipe: &Recipe,
    scorecard: Option<&Scorecard>,
) -> Result<SegmentColumns, ReadError> {
    let identities = reader.column(segment, ID_COLUMN).await?;
    let region = match &recipe.region_column {
        None => None,
        Some(name) => Some(reader.column(segment, name).await?),
    };
    let channel = match &recipe.channel {
        ChannelChoice::Fixed(_) => None,
        ChannelChoice::Column(name) => Some(reader.column(segment, name).await?),
    };
    let priority = match &recipe.priority {
        Priority::Column { name, .. } => Some(reader.column(segment, name).await?),
        Priority::Draw | Priority::Lookalike { .. } => None,
    };
    let mut shown = Vec::with_capacity(recipe.columns.len());
    for name in &recipe.columns {
        shown.push(reader.column(segment, name).await?);
    }
    let mut scored = Vec::new();
    if let (Priority::Lookalike { .. }, Some(card)) = (&recipe.priority, scorecard) {
        for name in card.columns() {
            scored.push(reader.column(segment, name).await?);
        }
    }
    Ok(SegmentColumns {
        identities,
        region,
        channel,
        priority,
        shown,
        scored,
    })
}

fn word(column: &ColumnData, row: usize) -> Option<&str> {
    let ColumnData::Words { codes, words, .. } = column else {
        return None;
    };
    if !column.is_valid(row) {
        return None;
    }
    words.get(codes.get(row)?).map(String::as_str)
}

/// A value as a whole number in the same order; larger comes first. Without a value: after all others.
fn rank(column: &ColumnData, row: usize, descending: bool) -> i64 {
    let Some(number) = column.value(row).as_ref().and_then(number_of) else {
        return PRIORITY_OF_NO_VALUE;
    };
    let ranked = if descending { number } else { !number };
    ranked.max(PRIORITY_OF_NO_VALUE + 1)
}

/// Writes a value as people read it: money in yuan, dates as YYYY-MM-DD, flags as 1 and 0, group codes as they are.
fn push_value(cell: &mut String, column: &Column, value: Option<Value>) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = match value {
        None | Some(Value::Identity(_)) => Ok(()),
        Some(Value::Word(word)) => write!(cell, "{word}"),
        Some(Value::Integer(fen)) if column.kind == Kind::Money => {
            let sign = if fen < 0 { "-" } else { "" };
            let fen = fen.unsigned_abs();
            write!(
                cell,
                "{sign}{}.{:02}",
                fen.div_euclid(100),
                fen.rem_euclid(100)
            )
        }
        Some(Value::Integer(number)) => write!(cell, "{number}"),
        Some(Value::Score(score)) => write!(cell, "{score}"),
        Some(Value::Flag(flag)) => write!(cell, "{}", u8::from(flag)),
        Some(Value::Date(days)) => match Date::of_unix_days(days) {
            Some(date) => write!(cell, "{date}"),
            None => Ok(()),
        },
    };
}

#[cfg(test)]
mod tests {
    use chudian_dataset::schema::ColumnName;

    use super::*;

    #[test]
    fn values_are_written_as_people_read_them() {
        let shown = |kind, value| {
            let mut cell = String::new();
            push_value(
                &mut cell,
                &Column::new(ColumnName::new("x").unwrap(), kind),
                value,
            );
            cell
        };
        assert_eq!(shown(Kind::Money, Some(Value::Integer(-5))), "-0.05");
        assert_eq!(shown(Kind::Money, Some(Value::Integer(123_456))), "1234.56");
        assert_eq!(shown(Kind::Integer, Some(Value::Integer(-5))), "-5");
        assert_eq!(shown(Kind::Date, Some(Value::Date(20_779))), "2026-11-22");
        assert_eq!(shown(Kind::Flag, Some(Value::Flag(true))), "1");
        assert_eq!(shown(Kind::Word, None), "");
    }
}
