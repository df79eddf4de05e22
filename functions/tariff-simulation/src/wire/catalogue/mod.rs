//! JSON form of a catalogue, `chudian-catalogue/1`; documented for its writers in `docs/reference/catalogue.md`.
//!
//! Prices and amounts are decimal strings in yuan, because JSON numbers are read as binary fractions by most programs.
//! Quantities are integers in base units: seconds, KB (1,024 bytes) or counts. Unknown fields are refused.
//!
//! Here stands the catalogue with the words of its price lists; plans and add-ons stand in [`plan`], what is included and what the rest
//! costs in [`prices`], the rule for ranking in [`ranking`].

mod defaults;
mod plan;
mod prices;
mod ranking;

pub use plan::*;
pub use prices::*;
pub use ranking::*;

use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use defaults::{is_default, is_one_text, one_text};

/// Value of the field `schema` of a catalogue.
pub const CATALOGUE_SCHEMA: &str = "chudian-catalogue/1";

/// A province's tariff catalogue: the words of its price lists, its plans and its add-ons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogueJson {
    /// Always `chudian-catalogue/1`.
    pub schema: String,
    /// Identifier of the catalogue; its versions are counted by the system.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Kinds that this province leaves out: no plan may price them and usage of them is ignored. Only `mms` and `wlan`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switched_off: Vec<KindJson>,
    /// Brands; when the list is not empty, plans may name these only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<WordJson>,
    /// Regions; when the list is not empty, plans may name these only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<WordJson>,
    /// Customer types; when the list is not empty, plans may name these only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customer_types: Vec<WordJson>,
    /// What usage is divided into, by kind; a kind without categories has no usage.
    pub categories: CategoriesJson,
    /// Time bands. The first one has no times: it is every moment that no other band claims. Default: one band `all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<BandJson>,
    /// Holidays and make-up working days; needed only where usage is given call by call.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calendar: CalendarJson,
    /// The plans; at least one.
    pub plans: Vec<PlanJson>,
    /// Add-ons that plans may list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_ons: Vec<AddOnJson>,
    /// Sets of add-ons of which only some may be held together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion_groups: Vec<ExclusionGroupJson>,
    /// The province's own rule for ranking plans.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ranking: RankingJson,
}

/// An identifier with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WordJson {
    /// Identifier, 1 to 64 characters of `A-Z a-z 0-9 - _ . :`.
    pub id: String,
    /// What people call it.
    pub name: Name,
}

/// A kind of usage.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KindJson {
    /// Calls, measured in seconds and in calls.
    Voice,
    /// Mobile data, measured in KB and in sessions.
    Data,
    /// Text messages, by count.
    Sms,
    /// Multimedia messages, by count.
    Mms,
    /// Public WLAN, measured in seconds, KB and sessions.
    Wlan,
}

/// Categories of usage by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoriesJson {
    /// For instance local, long_distance, roaming, called, international, on_net, family_number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voice: Vec<WordJson>,
    /// For instance domestic, local, roaming.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<WordJson>,
    /// For instance domestic, international.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sms: Vec<WordJson>,
    /// For instance domestic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mms: Vec<WordJson>,
    /// For instance campus, public.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wlan: Vec<WordJson>,
}

/// A time band of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BandJson {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// When it applies; empty for the first band, and only for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<BandTimesJson>,
}

/// A stretch of the day on some kinds of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BandTimesJson {
    /// Kinds of days; absent: every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<DayTypeJson>>,
    /// First moment, `HH:MM`.
    pub from: String,
    /// First moment that no longer belongs to it, `HH:MM` up to `24:00`. When it is not after `from`, the stretch is made of two
    /// parts of the same day: from midnight to `until` and from `from` to midnight.
    pub until: String,
}

/// A kind of day.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DayTypeJson {
    /// Monday to Friday, and make-up working days.
    Workday,
    /// Saturday and Sunday.
    Weekend,
    /// A public holiday.
    Holiday,
}

/// Exceptions from the week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarJson {
    /// Public holidays, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<String>,
    /// Saturdays and Sundays that are worked (调休), `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_workdays: Vec<String>,
}

/// Which usage something applies to. An absent list means all; an empty list is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectorJson {
    /// Kind of usage.
    pub kind: KindJson,
    /// Categories of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Time bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bands: Option<Vec<String>>,
    /// Kinds of days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_types: Option<Vec<DayTypeJson>>,
}

/// Usage that an allowance covers, and how much of the allowance one unit of it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CoverJson {
    /// Kind of usage.
    pub kind: KindJson,
    /// Categories of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Time bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bands: Option<Vec<String>>,
    /// Kinds of days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_types: Option<Vec<DayTypeJson>>,
    /// Units of the allowance that one unit of usage takes, a decimal greater than zero; for instance `3` when a multimedia
    /// message counts as three text messages. The usage is measured as its rate measures it.
    #[serde(default = "one_text", skip_serializing_if = "is_one_text")]
    #[schema(format = "decimal")]
    pub factor: String,
}

/// What is measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MeasureJson {
    /// Duration, in seconds.
    Seconds,
    /// Volume, in KB of 1,024 bytes.
    Kb,
    /// Calls, sessions or messages.
    Count,
}
