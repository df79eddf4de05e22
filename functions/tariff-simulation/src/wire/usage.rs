//! JSON form of a customer's usage, `chudian-usage/1`; documented for its writers in `docs/reference/catalogue.md`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{DayTypeJson, KindJson};

/// Value of the field `schema` of a usage document.
pub const USAGE_SCHEMA: &str = "chudian-usage/1";

/// A customer, and what was used month by month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageJson {
    /// Always `chudian-usage/1`.
    pub schema: String,
    /// The customer.
    pub customer: CustomerJson,
    /// One to twelve months, ascending, without gaps.
    pub months: Vec<MonthUsageJson>,
    /// Members of the customer's family who could share a plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub family: Vec<FamilyMemberJson>,
}

/// What eligibility and the cost of switching depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerJson {
    /// Pseudonym of the customer.
    pub id: String,
    /// Present plan, an identifier of the catalogue. Absent: a new customer, nothing to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Day on which the present plan began, `YYYY-MM-DD`; places the customer in its phases. Absent: long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub plan_since: Option<String>,
    /// Add-ons held with the present plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_ons: Vec<HeldAddOnJson>,
    /// Brand, when it is not that of the present plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Customer type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_type: Option<String>,
    /// First day of the running contract of the present plan, `YYYY-MM-DD`. Absent: no contract runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub contract_since: Option<String>,
    /// Other services held (broadband and the like), for `requires` and `excludes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// An add-on that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldAddOnJson {
    /// Identifier of the add-on.
    pub id: String,
    /// How many. Default 1.
    #[serde(default = "one")]
    pub quantity: u64,
}

fn one() -> u64 {
    1
}

/// Usage of one calendar month. Lines and events are added up; an event must not be contained in a line as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthUsageJson {
    /// `YYYY-MM`.
    #[schema(format = "month")]
    pub month: String,
    /// Totals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<UsageLineJson>,
    /// Single calls, sessions or messages: with them, increments, bands and allowances are exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<UsageEventJson>,
}

/// Total of one kind, category, band and type of day in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageLineJson {
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
    /// Calls, sessions or messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Duration in seconds: voice and WLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Volume in KB: data and WLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kb: Option<u64>,
    /// Sum over the calls of started minutes; without it, plans billed by 60 seconds are estimates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_60s_units: Option<u64>,
    /// Sum over the calls of started 6-second steps; without it, plans billed by 6 seconds are estimates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_6s_units: Option<u64>,
}

/// One call, session or message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageEventJson {
    /// Kind of usage.
    pub kind: KindJson,
    /// Category of the catalogue.
    pub category: String,
    /// Local time of its beginning, `YYYY-MM-DDTHH:MM:SS`, within the month.
    #[schema(format = "local-date-time")]
    pub start: String,
    /// Duration in seconds: voice and WLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Volume in KB: data and WLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kb: Option<u64>,
}

/// A member of the family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FamilyMemberJson {
    /// Pseudonym of the member.
    pub id: String,
    /// The member's own present plan, which the member keeps where the customer's plan takes no family. Absent: the
    /// member's cost outside the customer's plan is unknown and counts as nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The same months as the customer's.
    pub months: Vec<MonthUsageJson>,
}
