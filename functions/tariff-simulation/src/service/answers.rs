//! The JSON forms of answers; `docs/reference/tariff-api.md` explains them.
//!
//! Money is in integer fen. Texts are in the reader's language; everything else, and the proof, is the same in both.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::catalogue::RankingJson;

/// A comparison.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimulationAnswer {
    /// The catalogue version that every price is from.
    pub catalogue_version: String,
    /// The day on which plans had to be on sale.
    pub as_of: String,
    /// The months, `YYYY-MM`, ascending; every list by month is in this order.
    pub months: Vec<String>,
    /// Whether some figure rests on an estimate, because the usage does not say enough.
    pub estimated: bool,
    /// The present plan; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<PresentPlan>,
    /// Plans that the customer can have and the rule admits, best first.
    pub ranking: Vec<RankedPlan>,
    /// Every other plan, with the reasons.
    pub left_out: Vec<LeftOutPlan>,
    /// The ranking rule that was applied.
    pub rule: RankingJson,
    /// SHA-256 over the question and every total: the same question has the same proof, on any host and in any language.
    pub proof: String,
}

/// A plan with its add-ons, priced for each month.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PricedPlan {
    /// Identifier.
    pub plan_id: String,
    /// What people call it.
    pub name: String,
    /// Add-ons with it.
    pub add_ons: Vec<ChosenAddOn>,
    /// What customer and family pay, by month.
    pub monthly_total_fen: Vec<i64>,
    /// Sum over the months.
    pub total_fen: i64,
}

/// An add-on with a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChosenAddOn {
    /// Identifier.
    pub id: String,
    /// How many.
    pub quantity: u32,
    /// What people call it.
    pub name: String,
}

/// The present plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PresentPlan {
    /// The plan and what it cost.
    #[serde(flatten)]
    pub priced: PricedPlan,
    /// Share of the usage that was inside allowances, per mille, by kind; kinds without usage are absent.
    pub usage_inside_permille: BTreeMap<&'static str, i64>,
}

/// A plan in the ranking.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RankedPlan {
    /// Position, from 1.
    pub rank: usize,
    /// The plan and what it would have cost.
    #[serde(flatten)]
    pub priced: PricedPlan,
    /// Beside the present plan; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saving: Option<SavingAnswer>,
    /// The check on the last month, which had no part in the choice; absent with one month only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutAnswer>,
    /// What it means for the operator; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorAnswer>,
    /// Change of the usage inside and beyond allowances; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_change: Option<UsageChange>,
    /// What switching costs.
    pub switching: SwitchingAnswer,
    /// Why it stands where it stands.
    pub reasons: Vec<Reason>,
    /// The bill of each month, when the request asks for `full` detail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bills: Vec<BillAnswer>,
}

/// What a plan saves; negative where it is dearer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SavingAnswer {
    /// Mean per month, rounded half up.
    pub mean_fen: i64,
    /// The month that saves least.
    pub worst_month_fen: i64,
    /// Months in which it is cheaper.
    pub months_won: usize,
    /// Sum over the months.
    pub total_fen: i64,
}

/// The month held out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HeldOutAnswer {
    /// The month.
    pub month: String,
    /// Whether the months before would have recommended this plan.
    pub chosen_without_it: bool,
    /// What it saves in that month; for the plan chosen without it, with the add-ons chosen without it.
    pub saving_fen: i64,
}

/// The operator's side.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OperatorAnswer {
    /// Change of revenue without tax, over the months.
    pub revenue_change_fen: i64,
}

/// Change of usage by kind and unit, over the months; only where something changes or is used.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct UsageChange {
    /// Inside allowances.
    pub inside_allowance: BTreeMap<String, i64>,
    /// Beyond them.
    pub beyond_allowance: BTreeMap<String, i64>,
}

/// The cost of switching.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SwitchingAnswer {
    /// Everything: leaving early, gifts taken back, joining.
    pub cost_fen: i64,
    /// Months until the saving has paid for it; absent when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payback_months: Option<i64>,
}

/// A reason, for programs and for people.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Reason {
    /// Stable code.
    pub code: &'static str,
    /// The same in words.
    pub text: String,
}

/// A plan that is not in the ranking.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LeftOutPlan {
    /// Identifier.
    pub plan_id: String,
    /// What people call it.
    pub name: String,
    /// All reasons.
    pub reasons: Vec<Reason>,
}

/// A bill of one month; its lines add up to the total exactly.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillAnswer {
    /// The plan.
    pub plan_id: String,
    /// The month.
    pub month: String,
    /// The catalogue version that every price is from.
    pub catalogue_version: String,
    /// Lines, in the order of pricing.
    pub lines: Vec<BillLineAnswer>,
    /// Sum of the lines.
    pub total_fen: i64,
    /// Taxes that the lines contain already: shown, not added.
    pub taxes_included: Vec<BillLineAnswer>,
    /// What was included, and what became of it.
    pub allowances: Vec<AllowanceAnswer>,
    /// SHA-256 over the question and every line.
    pub proof: String,
}

/// A line of a bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillLineAnswer {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub description: String,
    /// How much was used, after increments; or how many fees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// Unit of the quantity: `seconds`, `kb`, `count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Of the quantity, inside allowances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowance: Option<i64>,
    /// Units in each tier that was used, `1: 120, 2: 30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Price in yuan, with the units that it is for: `0.19/60`; by tier where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// What a discount, cap, bound or tax was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_fen: Option<i64>,
    /// The discount, cap, bound or tax itself: `12.5%` or yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The exact amount before rounding, yuan; a fraction where it has no finite decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrounded: Option<String>,
    /// How it was rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<String>,
    /// The calculation in words.
    pub explanation: String,
    /// The amount; negative for credits.
    pub amount_fen: i64,
    /// Whether it rests on an estimate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// What became of an allowance in a month, in its own unit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AllowanceAnswer {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Unit; absent for points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Given this month.
    pub granted: i64,
    /// Carried from earlier months.
    pub carried_in: i64,
    /// Used.
    pub used: i64,
    /// Carried to the next month.
    pub carried_out: i64,
    /// Expired.
    pub expired: i64,
}
