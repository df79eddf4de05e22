//! What the columns of a dataset are: names, kinds, units, titles and group codes.
//!
//! Invariant: a [`Schema`] that exists has columns with distinct names, at most one of each purpose, and units only where they mean
//! something. A base schema begins with the identity column [`ID_COLUMN`]; a layer's schema has no identity, because its rows are those of
//! the base.

use std::fmt;

use chudian_vocabulary::{NAME_LENGTH_MAX, Name};
use serde::{Deserialize, Serialize};

use crate::{COLUMNS_MAX, WORD_BYTES_MAX};

/// Name of the identity column of every base schema.
pub const ID_COLUMN: &str = "id";

/// Longest name of a column: it has to fit a key, a table head and an expression.
pub const COLUMN_NAME_CHARACTERS_MAX: usize = 64;

/// Most group codes of a column: age bands and the like have a dozen.
pub const GROUPS_MAX: usize = 256;

/// Longest note of where a column comes from, in bytes.
pub const SOURCE_BYTES_MAX: usize = 256;

/// Name of a column: `[a-z][a-z0-9_]*`, at most [`COLUMN_NAME_CHARACTERS_MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnName(String);

impl ColumnName {
    /// Takes a well-formed name.
    ///
    /// # Errors
    /// [`SchemaError::ColumnName`] for any other text.
    pub fn new(text: impl Into<String>) -> Result<Self, SchemaError> {
        let text = text.into();
        let mut bytes = text.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
        let goes_on =
            bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if begins && goes_on && text.len() <= COLUMN_NAME_CHARACTERS_MAX {
            Ok(Self(text))
        } else {
            Err(SchemaError::ColumnName)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for ColumnName {
    type Error = SchemaError;

    fn try_from(text: String) -> Result<Self, SchemaError> {
        Self::new(text)
    }
}

impl From<ColumnName> for String {
    fn from(name: ColumnName) -> Self {
        name.0
    }
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Kind {
    /// Words or group codes, such as a brand or `#03`.
    Word,
    /// Whole numbers in the column's unit.
    Integer,
    /// Money in fen.
    Money,
    /// A model's score or a statistic without unit: the only kind in floating point.
    Score,
    /// Yes or no.
    Flag,
    /// Days of the calendar.
    Date,
    /// The customer's pseudonym; the column [`ID_COLUMN`] and no other.
    Identity,
}

impl Kind {
    /// The kind's word in JSON and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Integer => "integer",
            Self::Money => "money",
            Self::Score => "score",
            Self::Flag => "flag",
            Self::Date => "date",
            Self::Identity => "identity",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What an integer counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Unit {
    /// A bare number, or a kind that has no unit.
    #[default]
    None,
    /// Occurrences: calls, orders, visits.
    Times,
    /// People or households.
    People,
    /// Things: devices, contracts, products.
    Pieces,
    /// Short or multimedia messages.
    Messages,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Kilobytes.
    Kilobytes,
    /// Megabytes.
    Megabytes,
    /// Days.
    Days,
    /// Months.
    Months,
    /// Years.
    Years,
    /// Hundredths.
    Percent,
    /// Points of a programme or a grade.
    Points,
}

impl Unit {
    /// How the unit is written after a number, in both languages; empty for [`Unit::None`].
    #[must_use]
    pub fn symbol(self) -> Name {
        let (zh, en) = match self {
            Self::None => ("", ""),
            Self::Times => ("次", "times"),
            Self::People => ("人", "people"),
            Self::Pieces => ("件", "pieces"),
            Self::Messages => ("条", "messages"),
            Self::Seconds => ("秒", "s"),
            Self::Minutes => ("分钟", "min"),
            Self::Kilobytes => ("KB", "KB"),
            Self::Megabytes => ("MB", "MB"),
            Self::Days => ("天", "days"),
            Self::Months => ("个月", "months"),
            Self::Years => ("年", "years"),
            Self::Percent => ("%", "%"),
            Self::Points => ("分", "points"),
        };
        Name::new(zh, en)
    }
}

/// A column that means something to the system itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Purpose {
    /// The region to which the customer belongs: keys of a region see its customers only.
    Region,
    /// The brand: breakdowns show it.
    Brand,
}

/// A group code and what it stands for: `#03` = 18–23.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupCode {
    /// The word that the column holds.
    pub code: String,
    /// What it stands for.
    pub title: Name,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    /// Its name in keys and expressions.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[a-z][a-z0-9_]{0,63}$"))]
    pub name: ColumnName,
    /// Its name for people.
    pub title: Name,
    /// What its values are.
    pub kind: Kind,
    /// What an integer counts.
    #[serde(default)]
    pub unit: Unit,
    /// What the column means to the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The group codes of a column of words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupCode>,
    /// Where the column comes from: a column of the file, a batch, a model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl Column {
    /// A column with its name for title; the other members are public.
    #[must_use]
    pub fn new(name: ColumnName, kind: Kind) -> Self {
        let title = Name::new(name.as_str(), name.as_str());
        Self {
            name,
            title,
            kind,
            unit: Unit::None,
            purpose: None,
            groups: Vec::new(),
            source: String::new(),
        }
    }

    /// The title of a group code; nothing when the code has none.
    #[must_use]
    pub fn group_title(&self, code: &str) -> Option<&Name> {
        self.groups
            .iter()
            .find(|group| group.code == code)
            .map(|group| &group.title)
    }

    fn check(&self) -> Result<(), SchemaError> {
        let fault = |fault| {
            Err(SchemaError::Column {
                column: self.name.clone(),
                fault,
            })
        };
        for text in [&self.title.zh, &self.title.en] {
            if text.is_empty() || text.chars().count() > NAME_LENGTH_MAX {
                return fault(ColumnFault::Title);
            }
        }
        if self.unit != Unit::None && self.kind != Kind::Integer {
            return fault(ColumnFault::Unit);
        }
        if self.purpose.is_some() && self.kind != Kind::Word {
            return fault(ColumnFault::Purpose);
        }
        if self.source.len() > SOURCE_BYTES_MAX {
            return fault(ColumnFault::Source);
        }
        if (self.kind == Kind::Identity) != (self.name.as_str() == ID_COLUMN) {
            return fault(ColumnFault::Identity);
        }
        self.check_groups()
    }

    fn check_groups(&self) -> Result<(), SchemaError> {
        let fault = |fault| {
            Err(SchemaError::Column {
                column: self.name.clone(),
                fault,
            })
        };
        if !self.groups.is_empty() && self.kind != Kind::Word || self.groups.len() > GROUPS_MAX {
            return fault(ColumnFault::Groups);
        }
        let mut codes: Vec<&str> = self
            .groups
            .iter()
            .map(|group| group.code.as_str())
            .collect();
        codes.sort_unstable();
        let repeated = codes
            .iter()
            .zip(codes.iter().skip(1))
            .any(|(one, next)| one == next);
        let readable = self.groups.iter().all(|group| {
            let titles = [&group.title.zh, &group.title.en];
            (1..=WORD_BYTES_MAX).contains(&group.code.len())
                && titles
                    .iter()
                    .all(|text| !text.is_empty() && text.chars().count() <= NAME_LENGTH_MAX)
        });
        if repeated || !readable {
            fault(ColumnFault::Groups)
        } else {
            Ok(())
        }
    }
}

/// What is wrong with one column of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnFault {
    /// A title is empty or too long.
    #[error("a title has 1 to {NAME_LENGTH_MAX} characters in each language")]
    Title,
    /// A unit on something that is no integer.
    #[error("only integers have a unit; money is in fen, a score has none")]
    Unit,
    /// A purpose on something that is no word.
    #[error("only a column of words can be the region or the brand")]
    Purpose,
    /// The note is too long.
    #[error("the source note has at most {SOURCE_BYTES_MAX} bytes")]
    Source,
    /// An identity of another name, or `id` of another kind.
    #[error("the column `{ID_COLUMN}` is the identity, and no other column is")]
    Identity,
    /// Groups on something that is no word, too many, twice the same, or without title.
    #[error(
        "group codes belong to words: at most {GROUPS_MAX}, each once, each with a title in both languages"
    )]
    Groups,
}

/// Why columns do not make a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A text that is no column name.
    #[error(
        "a column name has 1 to {COLUMN_NAME_CHARACTERS_MAX} characters of a-z 0-9 _, a letter first"
    )]
    ColumnName,
    /// None, or too many.
    #[error("a schema has 1 to {COLUMNS_MAX} columns")]
    Columns,
    /// Two columns with one name.
    #[error("the column `{0}` stands there twice")]
    Repeated(ColumnName),
    /// Two columns with one purpose.
    #[error("`{0}` and an earlier column have the same purpose")]
    RepeatedPurpose(ColumnName),
    /// The identity does not stand first, or stands in a layer.
    #[error(
        "the identity `{ID_COLUMN}` stands first in a snapshot's schema and not at all in a layer's"
    )]
    IdentityPlace,
    /// Something about one column.
    #[error("column `{column}`: {fault}")]
    Column {
        /// The column.
        column: ColumnName,
        /// What is wrong with it.
        fault: ColumnFault,
    },
}

/// The columns of a snapshot or of a layer, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SchemaParts", into = "SchemaParts")]
pub struct Schema {
    columns: Vec<Column>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaParts {
    columns: Vec<Column>,
}

impl TryFrom<SchemaParts> for Schema {
    type Error = SchemaError;

    fn try_from(parts: SchemaParts) -> Result<Self, SchemaError> {
        Self::checked(parts.columns)
    }
}

impl From<Schema> for SchemaParts {
    fn from(schema: Schema) -> Self {
        Self {
            columns: schema.columns,
        }
    }
}

impl Schema {
    /// The schema of a snapshot: the identity first, then the attributes.
    ///
    /// # Errors
    /// The first fault, with the column.
    pub fn of_snapshot(columns: Vec<Column>) -> Result<Self, SchemaError> {
        if columns
            .first()
            .is_none_or(|first| first.kind != Kind::Identity)
        {
            return Err(SchemaError::IdentityPlace);
        }
        Self::checked(columns)
    }

    /// The schema of a layer: derived columns only.
    ///
    /// # Errors
    /// The first fault, with the column.
    pub fn of_layer(columns: Vec<Column>) -> Result<Self, SchemaError> {
        if columns.iter().any(|column| column.kind == Kind::Identity) {
            return Err(SchemaError::IdentityPlace);
        }
        Self::checked(columns)
    }

    fn checked(columns: Vec<Column>) -> Result<Self, SchemaError> {
        if !(1..=COLUMNS_MAX).contains(&columns.len()) {
            return Err(SchemaError::Columns);
        }
        for (index, column) in columns.iter().enumerate() {
            column.check()?;
            for earlier in columns.iter().take(index) {
                if earlier.name == column.name {
                    return Err(SchemaError::Repeated(column.name.clone()));
                }
                if column.purpose.is_some() && earlier.purpose == column.purpose {
                    return Err(SchemaError::RepeatedPurpose(column.name.clone()));
                }
            }
            if column.kind == Kind::Identity && index > 0 {
                return Err(SchemaError::IdentityPlace);
            }
        }
        Ok(Self { columns })
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.as_str() == name)
    }

    /// The place of the column `name` in [`Self::columns`].
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name.as_str() == name)
    }

    /// The column with this purpose.
    #[must_use]
    pub fn with_purpose(&self, purpose: Purpose) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.purpose == Some(purpose))
    }

    /// What became of the columns of `earlier` in this schema.
    #[must_use]
    pub fn changes_since(&self, earlier: &Self) -> Vec<SchemaChange> {
        let mut changes: Vec<SchemaChange> = Vec::new();
        for column in &earlier.columns {
            match self.column(column.name.as_str()) {
                None => changes.push(SchemaChange::Dropped(column.name.clone())),
                Some(now) if (now.kind, now.unit) != (column.kind, column.unit) => {
                    changes.push(SchemaChange::Retyped {
                        column: column.name.clone(),
                        was: (column.kind, column.unit),
                        is: (now.kind, now.unit),
                    })
                }
                Some(_) => {}
            }
        }
        let added = self
            .columns
            .iter()
            .filter(|column| earlier.column(column.name.as_str()).is_none());
        changes.extend(added.map(|column| SchemaChange::Added(column.name.clone())));
        changes
    }
}

/// One difference between the schemas of two snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaChange {
    /// The later one has a new column.
    Added(ColumnName),
    /// The later one lacks the column: a saved rule that names it no longer binds.
    Dropped(ColumnName),
    /// The column means something else now.
    Retyped {
        /// The column.
        column: ColumnName,
        /// Kind and unit before.
        was: (Kind, Unit),
        /// Kind and unit now.
        is: (Kind, Unit),
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: Kind) -> Column {
        Column::new(ColumnName::new(name).unwrap(), kind)
    }

    fn with(kind: Kind, change: impl FnOnce(&mut Column)) -> Column {
        let mut column = column("a", kind);
        change(&mut column);
        column
    }

    fn group(code: &str) -> GroupCode {
        GroupCode {
            code: code.to_owned(),
            title: Name::new("十八至二十三岁", "18-23"),
        }
    }

    #[test]
    fn names_are_checked() {
        for good in ["a", "id", "arpu_3m", &"x".repeat(64)] {
            assert!(ColumnName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "_a", "1a", "A", "a-b", "a b", "品牌", &"x".repeat(65)] {
            assert_eq!(ColumnName::new(bad), Err(SchemaError::ColumnName), "{bad}");
        }
    }

    #[test]
    fn a_column_is_checked() {
        let good = [
            with(Kind::Integer, |column| column.unit = Unit::Minutes),
            with(Kind::Word, |column| {
                column.groups = vec![group("#03"), group("#04")]
            }),
            with(Kind::Word, |column| column.purpose = Some(Purpose::Region)),
        ];
        for column in good {
            assert_eq!(column.check(), Ok(()), "{column:?}");
        }
        let bad = [
            (
                with(Kind::Money, |column| column.unit = Unit::Times),
                ColumnFault::Unit,
            ),
            (
                with(Kind::Word, |column| column.title.zh.clear()),
                ColumnFault::Title,
            ),
            (
                with(Kind::Word, |column| column.title.en = "x".repeat(81)),
                ColumnFault::Title,
            ),
            (
                with(Kind::Integer, |column| {
                    column.purpose = Some(Purpose::Brand)
                }),
                ColumnFault::Purpose,
            ),
            (
                with(Kind::Integer, |column| column.groups = vec![group("#03")]),
                ColumnFault::Groups,
            ),
            (
                with(Kind::Word, |column| {
                    column.groups = vec![group("#03"), group("#03")]
                }),
                ColumnFault::Groups,
            ),
            (
                with(Kind::Word, |column| column.groups = vec![group("")]),
                ColumnFault::Groups,
            ),
            (
                with(Kind::Word, |column| column.source = "x".repeat(257)),
                ColumnFault::Source,
            ),
            (with(Kind::Identity, |_| ()), ColumnFault::Identity),
            (column(ID_COLUMN, Kind::Word), ColumnFault::Identity),
        ];
        for (column, expected) in bad {
            let SchemaError::Column { fault, .. } = column.check().unwrap_err() else {
                panic!("{column:?}")
            };
            assert_eq!(fault, expected, "{column:?}");
        }
    }

    #[test]
    fn a_schema_is_checked() {
        let id = || column(ID_COLUMN, Kind::Identity);
        let region = |name| {
            let mut column = column(name, Kind::Word);
            column.purpose = Some(Purpose::Region);
            column
        };
        assert!(Schema::of_snapshot(vec![id(), column("a", Kind::Flag)]).is_ok());
        assert!(Schema::of_layer(vec![column("a", Kind::Flag)]).is_ok());
        let table = [
            (
                Schema::of_snapshot(vec![column("a", Kind::Flag), id()]),
                SchemaError::IdentityPlace,
            ),
            (Schema::of_snapshot(vec![]), SchemaError::IdentityPlace),
            (Schema::of_layer(vec![]), SchemaError::Columns),
            (Schema::of_layer(vec![id()]), SchemaError::IdentityPlace),
            (
                Schema::of_layer(vec![column("a", Kind::Flag), column("a", Kind::Word)]),
                SchemaError::Repeated(ColumnName::new("a").unwrap()),
            ),
            (
                Schema::of_layer(vec![region("a"), region("b")]),
                SchemaError::RepeatedPurpose(ColumnName::new("b").unwrap()),
            ),
        ];
        for (outcome, error) in table {
            assert_eq!(outcome, Err(error));
        }
        let many = (0..=COLUMNS_MAX)
            .map(|index| column(&format!("c{index}"), Kind::Flag))
            .collect();
        assert_eq!(Schema::of_layer(many), Err(SchemaError::Columns));
    }

    /// Goal: what a saved rule has to know when the table of the next month looks different.
    #[test]
    fn changes_between_snapshots_are_told() {
        let name = |text: &str| ColumnName::new(text).unwrap();
        let earlier = Schema::of_layer(vec![
            column("a", Kind::Flag),
            column("b", Kind::Integer),
            column("c", Kind::Word),
        ])
        .unwrap();
        let later = Schema::of_layer(vec![
            column("c", Kind::Word),
            column("b", Kind::Money),
            column("d", Kind::Date),
        ])
        .unwrap();
        let expected = vec![
            SchemaChange::Dropped(name("a")),
            SchemaChange::Retyped {
                column: name("b"),
                was: (Kind::Integer, Unit::None),
                is: (Kind::Money, Unit::None),
            },
            SchemaChange::Added(name("d")),
        ];
        assert_eq!(later.changes_since(&earlier), expected);
        assert_eq!(later.changes_since(&later), vec![]);
    }
}
