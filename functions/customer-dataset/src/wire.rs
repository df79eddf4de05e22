//! JSON forms of requests and answers.

use std::collections::BTreeMap;

use chudian_dataset::schema::{Column, GroupCode, Kind, Purpose, Unit};
use chudian_dataset::statistics::ColumnStatistics;
use chudian_dataset::value::Value;
use chudian_runtime::dataset::{CustomerRow, SnapshotReader};
use chudian_vocabulary::Name;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

/// Where the rows of an upload come from; kept for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceFacts {
    /// What it is, in the words of whoever imports it; no personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Format of the file: `csv`, `xlsx`, `parquet`, `arrow`; of a layer the batch or model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Encoding that was detected or declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Rows that were rejected and not imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_rejected: Option<u64>,
}

/// A new import.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// The columns, the identity `id` first.
    pub columns: Vec<Column>,
    /// Customers that will come; absent when not known yet.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub rows: Option<u64>,
    /// Where they come from.
    #[serde(default)]
    pub source: SourceFacts,
}

/// A new layer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLayer {
    /// The derived columns.
    pub columns: Vec<Column>,
    /// What made them.
    #[serde(default)]
    pub source: SourceFacts,
}

/// What has arrived of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArrivedPart {
    /// The column; absent for row pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Number of the segment, or of the first page.
    pub place: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows, or customers of the pages.
    pub rows: u64,
}

/// An import or a layer and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// The snapshot: itself, or the one under the layer.
    pub snapshot: String,
    /// `importing`, `published`, `retired` or `removed`.
    pub state: String,
    /// Customers, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The columns.
    pub columns: Vec<Column>,
    /// Where they come from.
    pub source: SourceFacts,
    /// When it began, RFC 3339.
    pub created_at: String,
    /// Id of the key that began it.
    pub created_by: String,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
    /// Id of the key that published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_by: Option<String>,
}

/// An unfinished upload with its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadProgress {
    /// The upload.
    #[serde(flatten)]
    pub upload: Upload,
    /// The parts that are here, by column and place.
    pub parts: Vec<ArrivedPart>,
}

/// A part that was stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoredPart {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows, or customers of the pages.
    pub rows: u64,
    /// Statistics of the column in this segment; absent for pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<StatisticsShown>,
}

/// A publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Published {
    /// What was published.
    pub id: String,
    /// The version that is in force now.
    pub current_version: String,
    /// Customers.
    pub rows: u64,
}

/// The version in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrentVersion {
    /// `<snapshot>` or `<snapshot>+<layer>+…`.
    pub current_version: String,
}

/// One step of removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Swept {
    /// Values that were removed now.
    pub values_removed: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// Statistics of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsShown {
    /// Rows.
    pub rows: u64,
    /// Rows without value.
    pub nulls: u64,
    /// Distinct values.
    pub distinct: u64,
    /// Whether `distinct` was counted, and is no estimate.
    pub distinct_is_exact: bool,
    /// Smallest value, `null` when there is none; never told of an identity.
    pub min: Json,
    /// Largest value.
    pub max: Json,
}

impl StatisticsShown {
    /// The statistics of a column of `kind`.
    pub fn of(statistics: &ColumnStatistics, kind: Kind) -> Self {
        // The smallest pseudonym is somebody's.
        let shown = |value: &Option<Value>| {
            if kind == Kind::Identity {
                Json::Null
            } else {
                value_json(value.as_ref())
            }
        };
        Self {
            rows: statistics.rows,
            nulls: statistics.nulls,
            distinct: statistics.distinct,
            distinct_is_exact: statistics.distinct_is_exact,
            min: shown(&statistics.min),
            max: shown(&statistics.max),
        }
    }
}

/// A column as a description tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnShown {
    /// Its name in expressions.
    pub name: String,
    /// Its name for people.
    pub title: Name,
    /// What its values are.
    pub kind: Kind,
    /// What an integer counts.
    pub unit: Unit,
    /// How the unit is written after a number.
    pub unit_symbol: Name,
    /// What the column means to the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Its group codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupCode>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Statistics over the whole province; absent for a key of one region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<StatisticsShown>,
}

impl ColumnShown {
    /// A column, with its statistics where the reader may see them.
    pub fn of(column: &Column, statistics: Option<&ColumnStatistics>) -> Self {
        Self {
            name: column.name.to_string(),
            title: column.title.clone(),
            kind: column.kind,
            unit: column.unit,
            unit_symbol: column.unit.symbol(),
            purpose: column.purpose,
            groups: column.groups.clone(),
            source: column.source.clone(),
            statistics: statistics.map(|statistics| StatisticsShown::of(statistics, column.kind)),
        }
    }
}

/// A difference from the snapshot before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// `added`, `dropped` or `retyped`.
    pub change: String,
}

/// A snapshot as a description tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotShown {
    /// Its id.
    pub id: String,
    /// The version that is described: the snapshot with its layers.
    pub version: String,
    /// Whether this version is in force.
    pub is_current: bool,
    /// Customers; absent for a key of one region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Segments.
    pub segments: u64,
    /// Where the rows come from.
    pub source: SourceFacts,
    /// When it was published, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
    /// Every column, those of layers behind those of the snapshot.
    pub columns: Vec<ColumnShown>,
    /// What changed since the snapshot published before this one, where that is still known.
    pub changes: Vec<ColumnChange>,
}

/// How the values of a column are spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Distribution {
    /// The version that was read.
    pub version: String,
    /// The column.
    pub column: String,
    /// Rows that were looked at; absent when it would betray a suppressed group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The groups: words by frequency, or bins in order.
    pub groups: Vec<Group>,
    /// Groups that were left out because they are small.
    pub suppressed: u64,
}

/// What a group of a distribution joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// The rows with one word or flag.
    Value,
    /// The rows from `from` to `to`.
    Bin,
    /// The rows without value.
    None,
    /// The rows with any other word.
    Rest,
}

/// One group of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// What it joins.
    pub kind: GroupKind,
    /// The word or flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Json>)]
    pub value: Option<Json>,
    /// Smallest value of the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Json>)]
    pub from: Option<Json>,
    /// Largest value of the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Json>)]
    pub to: Option<Json>,
    /// Customers.
    pub count: u64,
}

/// A few rows, masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The version that was read.
    pub version: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, values in the order of the columns.
    #[schema(value_type = Vec<Vec<Json>>)]
    pub rows: Vec<Vec<Json>>,
}

/// One customer.
// What the document describes; `FoundCustomer` writes it.
#[derive(ToSchema)]
pub struct CustomerShown {
    /// The pseudonym.
    pub customer_id: String,
    /// The version that was read.
    pub version: String,
    /// Values by column, in the order of the dataset's columns; `null` for none.
    #[schema(value_type = std::collections::BTreeMap<String, Json>)]
    pub values: BTreeMap<String, Json>,
}

/// A customer's row and what its columns are called. It becomes a [`CustomerShown`] without a tree of values in between: this is the most
/// frequent request of all.
pub struct FoundCustomer {
    /// The version that was read.
    pub reader: SnapshotReader,
    /// The row.
    pub row: CustomerRow,
}

impl Serialize for FoundCustomer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("CustomerShown", 3)?;
        shown.serialize_field("customer_id", &self.row.customer.to_string())?;
        shown.serialize_field("version", &self.reader.version().to_string())?;
        shown.serialize_field("values", &ValuesOf(self))?;
        shown.end()
    }
}

/// The values of a found customer by column, without the identity, which stands beside them.
struct ValuesOf<'a>(&'a FoundCustomer);

impl Serialize for ValuesOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FoundCustomer { reader, row } = self.0;
        let shown = reader
            .columns()
            .zip(&row.values)
            .filter(|(_, value)| !matches!(value, Some(Value::Identity(_))))
            .map(|(column, value)| (column.name.as_str(), ValueShown(value.as_ref())));
        serializer.collect_map(shown)
    }
}

/// A value in the form of [`value_json`].
struct ValueShown<'a>(Option<&'a Value>);

impl Serialize for ValueShown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_unit(),
            Some(Value::Word(word)) => serializer.serialize_str(word),
            Some(Value::Integer(number)) => serializer.serialize_i64(*number),
            Some(Value::Flag(flag)) => serializer.serialize_bool(*flag),
            Some(value) => value_json(Some(value)).serialize(serializer),
        }
    }
}

/// Query of a page upload.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PagesQuery {
    /// Customers of the whole table; needed once when the import did not say.
    #[serde(default)]
    pub rows: Option<u64>,
}

/// Query of a distribution.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DistributionQuery {
    /// Bins of a histogram, 1 to 100; absent: 20.
    #[serde(default)]
    pub bins: Option<u32>,
    /// Whether groups under ten are told; for a report that leaves the department, and always for approvers, they are not.
    #[serde(default)]
    #[param(inline)]
    pub small_groups: Option<SmallGroups>,
}

/// What becomes of small groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmallGroups {
    /// They are shown.
    Show,
    /// They are left out.
    Suppress,
}

/// Query of a preview.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// Names of columns with commas between; absent: the first 64.
    #[serde(default)]
    pub columns: Option<String>,
    /// The segment to look into; absent: the first.
    #[serde(default)]
    pub segment: Option<usize>,
    /// Rows, 1 to 50; absent: 10.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A value as JSON: dates as `YYYY-MM-DD`, money in fen.
pub fn value_json(value: Option<&Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Word(word)) => word.as_str().into(),
        Some(Value::Integer(number)) => (*number).into(),
        Some(Value::Score(score)) => (*score).into(),
        Some(Value::Flag(flag)) => (*flag).into(),
        Some(Value::Date(days)) => date_text(*days).into(),
        Some(Value::Identity(customer)) => customer.to_string().into(),
    }
}

/// A day as `YYYY-MM-DD`. Days before the year 1 or after 9999, which no table has, come out as their number.
pub fn date_text(days: i32) -> String {
    // Civil date from days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era.div_euclid(1_460) + day_of_era.div_euclid(36_524)
        - day_of_era.div_euclid(146_096))
    .div_euclid(365);
    let day_of_year =
        day_of_era - (365 * year_of_era + year_of_era.div_euclid(4) - year_of_era.div_euclid(100));
    let month_from_march = (5 * day_of_year + 2).div_euclid(153);
    let day = day_of_year - (153 * month_from_march + 2).div_euclid(5) + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if (1..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        days.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_as_dates() {
        let table = [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (20_414, "2025-11-22"),
            (11_016, "2000-02-29"),
            (i32::MAX, "2147483647"),
        ];
        for (days, text) in table {
            assert_eq!(date_text(days), text);
        }
        // Every day of four centuries follows the one before.
        let mut previous = date_text(0);
        for days in 1..146_097 {
            let text = date_text(days);
            assert!(text > previous, "{text} after {previous}");
            previous = text;
        }
        assert_eq!(previous, "2369-12-31");
    }
}
