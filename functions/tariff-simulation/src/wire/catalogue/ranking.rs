//! JSON form of a province's rule for ranking plans (TS-4).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::defaults::is_default;

/// How a province ranks plans (TS-4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RankingJson {
    /// Least mean saving per month, yuan, for a plan to be recommended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub saving_min: Option<String>,
    /// Least saving in per cent of the present total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "percent")]
    pub saving_percent_min: Option<String>,
    /// Least mean change of the operator's revenue per month, yuan; mostly negative, for instance `-30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub revenue_change_min: Option<String>,
    /// In how many of the months the plan must be cheaper.
    #[serde(default, skip_serializing_if = "is_default")]
    pub months_won_min: u64,
    /// Months over which the cost of switching is spread and taken from the saving; 0: shown, not counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub switching_cost_months: u64,
    /// Whether introductory phases, one-off fees and first-month rules count as if the customer had joined on the first day
    /// of the first month. Default: no, plans are compared by what they cost in the long run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub count_introductory: bool,
    /// Order among plans of equal saving; the plan's identifier always decides last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tie_breaks: Vec<TieBreakJson>,
}

/// Decides between plans of equal saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TieBreakJson {
    /// The smaller dearest month.
    WorstMonth,
    /// The more months won.
    MonthsWon,
    /// The smaller monthly fee.
    MonthlyFee,
    /// The greater revenue of the operator.
    Revenue,
    /// The fewer add-ons.
    FewerAddOns,
    /// The smaller cost of switching.
    SwitchingCost,
}
