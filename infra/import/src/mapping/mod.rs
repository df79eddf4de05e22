//! What the columns of a file are: the mapping, read from TOML and checked.
//!
//! Invariants of a [`Mapping`] that exists: its columns make a dataset schema; no heading stands twice; every unit can be converted
//! exactly or by the stated rounding. A heading of the file that the mapping does not name is an error when the two meet, so a column
//! that a province adds to its extract never slips into the dataset unnoticed (PR-1).

mod read;
mod write;

use std::collections::BTreeMap;

use chudian_dataset::schema::{Column, ColumnName, GroupCode, Kind, Purpose, Schema, Unit};
use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};

pub use read::MappingError;
pub(crate) use write::{Remark, draft};

use crate::decimal::{Factor, Rounding};
use crate::source::{Encoding, Format};
use crate::units::FileUnit;

/// Value of the member `format` of a mapping.
pub const MAPPING_FORMAT: &str = "chudian-mapping/1";

/// A mapping, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// A note on where the file comes from.
    pub source: String,
    /// How the file is written, where it is stated.
    pub file: FileRules,
    /// Which column tells the customer.
    pub id: IdRule,
    /// The columns that are taken over, in the order of the mapping.
    pub columns: Vec<ColumnRule>,
    /// Headings that are left behind.
    pub dropped: Vec<DropRule>,
    /// The schema that the columns make, `id` first.
    pub schema: Schema,
}

/// How the file is written. What is not stated is found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRules {
    /// Kind of file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Format>,
    /// Encoding of a delimited file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What parts the cells of a delimited file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Sheet of a workbook; the first when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Words that mean "no value", beside the empty cell.
    #[serde(default = "default_empty_words")]
    pub empty: Vec<String>,
}

impl Default for FileRules {
    /// Everything is found out, and the usual words mean "no value".
    fn default() -> Self {
        Self {
            kind: None,
            encoding: None,
            delimiter: None,
            sheet: None,
            empty: default_empty_words(),
        }
    }
}

/// Words that mean "no value" when the mapping does not say otherwise.
fn default_empty_words() -> Vec<String> {
    ["NA", "\\N", "空"].map(str::to_owned).to_vec()
}

/// Which column tells the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRule {
    /// Its heading; nothing for [`IdForm::Row`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// What stands in it.
    pub form: IdForm,
}

/// What stands in the column that tells the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// A mobile number in any usual spelling.
    Number,
    /// Any other identifier, taken as it stands.
    Text,
    /// Nothing: the file tells no customers apart, the number of the row does. Such a table is good for models, not for contacts.
    Row,
    /// The pseudonym itself, as another import has made it.
    Pseudonym,
}

/// A column that is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRule {
    /// Its heading in the file.
    pub heading: String,
    /// What it becomes.
    pub column: Column,
    /// From the file's unit to the dataset's.
    pub factor: Factor,
    /// The file's unit, where it is stated.
    pub from: Option<FileUnit>,
    /// What happens to parts of a unit.
    pub rounding: Rounding,
    /// Least figure that is believed, in the dataset's unit.
    pub min: Option<i64>,
    /// Greatest figure that is believed, in the dataset's unit.
    pub max: Option<i64>,
    /// What the file has for group codes.
    pub groups: Vec<GroupRule>,
    /// Whether words that no group names are rejected.
    pub only_groups: bool,
}

/// What becomes a group code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// The code that the dataset holds.
    pub code: String,
    /// What it stands for.
    pub title: Name,
    /// Words of the file that mean it, beside the code itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Least number of the file that means it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// Greatest number of the file that means it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
}

impl GroupRule {
    /// Whether numbers of the file are grouped by it.
    #[must_use]
    pub fn is_span(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// Whether `number` lies in it.
    #[must_use]
    pub fn holds(&self, number: i64) -> bool {
        self.is_span()
            && self.from.is_none_or(|from| from <= number)
            && self.to.is_none_or(|to| number <= to)
    }
}

/// A heading that is left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropRule {
    /// Its heading.
    pub heading: String,
    /// Why, for the next reader.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Where each column of a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// It tells the customer.
    Id,
    /// It is column so-and-so of [`Mapping::columns`].
    Column(usize),
    /// It is left behind.
    Dropped,
}

/// Headings that do not fit the mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadingFaults {
    /// Headings of the file that the mapping does not name.
    pub unmapped: Vec<String>,
    /// Headings of the mapping that the file lacks.
    pub missing: Vec<String>,
    /// Headings that the file has twice.
    pub repeated: Vec<String>,
}

impl Mapping {
    /// Where each column of a file with these headings goes.
    ///
    /// # Errors
    /// When a heading is unknown, missing or there twice; all of them are named at once.
    pub fn destinations(&self, headings: &[String]) -> Result<Vec<Destination>, HeadingFaults> {
        let mut wanted: BTreeMap<&str, Destination> = BTreeMap::new();
        if let Some(heading) = &self.id.heading {
            wanted.insert(heading, Destination::Id);
        }
        wanted.extend(
            self.columns
                .iter()
                .enumerate()
                .map(|(index, rule)| (rule.heading.as_str(), Destination::Column(index))),
        );
        wanted.extend(
            self.dropped
                .iter()
                .map(|rule| (rule.heading.as_str(), Destination::Dropped)),
        );
        let mut faults = HeadingFaults::default();
        let mut seen: Vec<&str> = Vec::with_capacity(headings.len());
        let mut destinations = Vec::with_capacity(headings.len());
        for heading in headings {
            match wanted.get(heading.as_str()) {
                _ if seen.contains(&heading.as_str()) => faults.repeated.push(heading.clone()),
                Some(destination) => destinations.push(*destination),
                None => faults.unmapped.push(heading.clone()),
            }
            seen.push(heading);
        }
        faults.missing.extend(
            wanted
                .keys()
                .filter(|heading| !seen.contains(heading))
                .map(|heading| (*heading).to_owned()),
        );
        if faults == HeadingFaults::default() {
            Ok(destinations)
        } else {
            Err(faults)
        }
    }
}

/// A column as the file of a mapping has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnText {
    pub(crate) heading: String,
    pub(crate) name: ColumnName,
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) unit: Unit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<FileUnit>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) rounding: Rounding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<Purpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<i64>,
    pub(crate) title: Name,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) only_groups: bool,
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<GroupRule>,
}

fn is_default<Value: Default + PartialEq>(value: &Value) -> bool {
    *value == Value::default()
}

impl ColumnText {
    fn column(&self) -> Column {
        Column {
            name: self.name.clone(),
            title: self.title.clone(),
            kind: self.kind,
            unit: self.unit,
            purpose: self.purpose,
            groups: self
                .groups
                .iter()
                .map(|group| GroupCode {
                    code: group.code.clone(),
                    title: group.title.clone(),
                })
                .collect(),
            source: self.source.clone(),
        }
    }
}

/// A mapping as its file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingText {
    pub(crate) format: String,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) file: FileRules,
    pub(crate) id: IdRule,
    #[serde(default, rename = "column")]
    pub(crate) columns: Vec<ColumnText>,
    #[serde(default, rename = "drop")]
    pub(crate) dropped: Vec<DropRule>,
}
