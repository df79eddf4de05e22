//! Which columns of a dataset hold which usage: data that a province edits, stored with each batch.
//!
//! A mapping is read by writing the usage document that it describes, with a one in every mapped member, and reading that as any
//! usage is read. So it can say exactly what a usage document can say, its mistakes have the same words, and what it binds to are the
//! lines of a [`CustomerUsage`], into which each customer's figures are then filled.

use chudian_dataset::schema::{Column, Kind as ColumnKind, Unit};
use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits::{MONTHS_MAX, USAGE_LINES_MAX};
use crate::plan::Catalogue;
use crate::usage::CustomerUsage;
use crate::wire::catalogue::{DayTypeJson, KindJson};
use crate::wire::usage::{CustomerJson, MonthUsageJson, USAGE_SCHEMA, UsageJson, UsageLineJson};
use crate::wire::{self, FieldError};

/// Stands in a column's name for the number of the month, the earliest being 1.
pub const MONTH_PLACEHOLDER: &str = "{n}";

/// Identifier of the customer in the document that a mapping is read by.
const NAMELESS: &str = "mapping";

/// Which columns of the dataset are what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingJson {
    /// The months of the usage columns, `YYYY-MM`, ascending without gaps; the first one is number 1.
    pub months: Vec<String>,
    /// Usage, a line for each kind and category.
    pub usage: Vec<UsageColumnJson>,
    /// What is known of the customer.
    #[serde(default)]
    pub profile: ProfileColumnsJson,
}

/// The columns of one line of usage. `{n}` in a column's name stands for the number of the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageColumnJson {
    /// Kind of usage.
    pub kind: KindJson,
    /// Category of the catalogue.
    pub category: String,
    /// Band of the catalogue. Absent: its first band, and prices that depend on the band are estimates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// Type of day. Absent: workday, and prices that depend on the day are estimates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_type: Option<DayTypeJson>,
    /// Column of the duration, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<String>,
    /// Column of the volume, KB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kb: Option<String>,
    /// Column of the number of calls, sessions or messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
}

/// The columns of what is known of the customer. Their words are identifiers of the catalogue, or its names in either language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileColumnsJson {
    /// Present plan. Without it nothing is saved by any plan, and the cheapest one is the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Brand; absent: that of the present plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Customer type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_type: Option<String>,
}

/// A member of a line of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageFieldJson {
    /// Duration.
    Seconds,
    /// Volume.
    Kb,
    /// Number.
    Count,
}

impl UsageFieldJson {
    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Kb => "kb",
            Self::Count => "count",
        }
    }

    /// Units in which a column of the dataset may hold it.
    const fn accepts(self, unit: Unit) -> bool {
        match (self, unit) {
            (_, Unit::None)
            | (Self::Seconds, Unit::Seconds)
            | (Self::Kb, Unit::Kilobytes)
            | (Self::Count, Unit::Times | Unit::Messages | Unit::Pieces) => true,
            (Self::Seconds | Self::Kb | Self::Count, _) => false,
        }
    }
}

impl UsageColumnJson {
    fn fields(&self) -> impl Iterator<Item = (UsageFieldJson, &String)> {
        [
            (UsageFieldJson::Seconds, &self.seconds),
            (UsageFieldJson::Kb, &self.kb),
            (UsageFieldJson::Count, &self.count),
        ]
        .into_iter()
        .filter_map(|(field, column)| column.as_ref().map(|column| (field, column)))
    }
}

/// Where one figure of a customer's usage goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) month: usize,
    pub(super) line: usize,
    pub(super) field: UsageFieldJson,
    pub(super) column: String,
}

/// A mapping in the words of a catalogue and a dataset.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Usage with every line of the mapping, to be filled with each customer's figures.
    pub(super) template: CustomerUsage,
    /// Where the figures go.
    pub(super) places: Vec<Place>,
    /// Columns of the profile.
    pub(super) profile: ProfileColumnsJson,
}

impl Binding {
    /// Binds a mapping; `column` describes a column of the dataset by its name.
    ///
    /// # Errors
    /// Everything that is wrong with the mapping; the pointers begin at its own root.
    pub fn new<'a>(
        mapping: &MappingJson,
        catalogue: &Catalogue,
        column: impl Fn(&str) -> Option<&'a Column>,
    ) -> Result<Self, Vec<FieldError>> {
        if mapping.usage.len() > USAGE_LINES_MAX || mapping.months.len() > MONTHS_MAX {
            return Err(vec![too_long()]);
        }
        let template = wire::usage_from(&described_document(mapping), catalogue)
            .map_err(|errors| relocated(&errors))?;
        let mut errors = Vec::new();
        let mut places = Vec::new();
        for month in 0..mapping.months.len() {
            for (line, described) in mapping.usage.iter().enumerate() {
                for (field, pattern) in described.fields() {
                    let name = pattern.replace(MONTH_PLACEHOLDER, &(month + 1).to_string());
                    let pointer = format!("/usage/{line}/{}", field.name());
                    match column(&name) {
                        Some(found)
                            if found.kind == ColumnKind::Integer && field.accepts(found.unit) => {}
                        Some(_) => push(&mut errors, wrong_kind(pointer, &name)),
                        None => push(&mut errors, unknown_column(pointer, &name)),
                    }
                    places.push(Place {
                        month,
                        line,
                        field,
                        column: name,
                    });
                }
            }
        }
        let profile = &mapping.profile;
        for (member, name) in [
            ("plan", &profile.plan),
            ("brand", &profile.brand),
            ("region", &profile.region),
            ("customer_type", &profile.customer_type),
        ] {
            let Some(name) = name else { continue };
            let pointer = format!("/profile/{member}");
            match column(name) {
                Some(found) if found.kind == ColumnKind::Word => {}
                Some(_) => push(&mut errors, wrong_kind(pointer, name)),
                None => push(&mut errors, unknown_column(pointer, name)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            template,
            places,
            profile: profile.clone(),
        })
    }

    /// Columns of the dataset that the batch reads: usage first, in the order of places, then the profile's.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let profile = [
            &self.profile.plan,
            &self.profile.brand,
            &self.profile.region,
            &self.profile.customer_type,
        ];
        let profile = profile.into_iter().flatten().map(String::as_str);
        self.places
            .iter()
            .map(|place| place.column.as_str())
            .chain(profile)
    }
}

/// The usage document that a mapping describes.
fn described_document(mapping: &MappingJson) -> UsageJson {
    let one = |column: &Option<String>| column.as_ref().map(|_| 1);
    let line = |described: &UsageColumnJson| UsageLineJson {
        kind: described.kind,
        category: described.category.clone(),
        band: described.band.clone(),
        day_type: described.day_type,
        count: one(&described.count),
        seconds: one(&described.seconds),
        kb: one(&described.kb),
        billed_60s_units: None,
        billed_6s_units: None,
    };
    let month = |month: &String| MonthUsageJson {
        month: month.clone(),
        lines: mapping.usage.iter().map(line).collect(),
        events: Vec::new(),
    };
    UsageJson {
        schema: USAGE_SCHEMA.to_owned(),
        customer: CustomerJson {
            id: NAMELESS.to_owned(),
            plan: None,
            plan_since: None,
            add_ons: Vec::new(),
            brand: None,
            region: None,
            customer_type: None,
            contract_since: None,
            services: Vec::new(),
        },
        months: mapping.months.iter().map(month).collect(),
        family: Vec::new(),
    }
}

/// Moves errors of the described document to the mapping; what is wrong in every month is said once.
fn relocated(errors: &[FieldError]) -> Vec<FieldError> {
    let mut moved = Vec::new();
    for error in errors {
        let mut parts = error.pointer.splitn(5, '/').skip(1);
        let pointer = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("months"), Some(_), Some("lines"), Some(rest)) => format!("/usage/{rest}"),
            (Some("months"), Some(month), Some("month"), None) => format!("/months/{month}"),
            _ => error.pointer.clone(),
        };
        push(
            &mut moved,
            FieldError {
                pointer,
                ..error.clone()
            },
        );
    }
    moved
}

fn push(errors: &mut Vec<FieldError>, error: FieldError) {
    if !errors.iter().any(|known| known.pointer == error.pointer) {
        errors.push(error);
    }
}

fn too_long() -> FieldError {
    FieldError {
        pointer: String::new(),
        code: "too-many",
        message: Name::new(
            format!("最多 {MONTHS_MAX} 个月、{USAGE_LINES_MAX} 行用量。"),
            format!("At most {MONTHS_MAX} months and {USAGE_LINES_MAX} lines of usage."),
        ),
    }
}

fn unknown_column(pointer: String, name: &str) -> FieldError {
    FieldError {
        pointer,
        code: "unknown-column",
        message: Name::new(
            format!("数据集没有列“{name}”；可用的列见数据集说明。"),
            format!("The dataset has no column `{name}`; its description lists the columns."),
        ),
    }
}

fn wrong_kind(pointer: String, name: &str) -> FieldError {
    FieldError {
        pointer,
        code: "wrong-kind",
        message: Name::new(
            format!("列“{name}”的类型或单位不符；用量须为秒、KB 或次数的整数，其余须为词语。"),
            format!(
                "The column `{name}` has another kind or unit: usage is whole seconds, KB or numbers, everything else is words."
            ),
        ),
    }
}
