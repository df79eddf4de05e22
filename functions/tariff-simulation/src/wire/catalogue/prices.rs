//! JSON form of what a plan includes and what the rest costs: allowances, rates, caps, discounts, bounds, taxes, rounding.

use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::defaults::{is_default, is_one, one};
use super::{CoverJson, MeasureJson, SelectorJson};

/// A bucket of included usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowanceJson {
    /// Identifier, unique in the plan or add-on.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Unit in which the bucket counts; a measure, or `points` for a bucket over several kinds.
    pub unit: AllowanceUnitJson,
    /// Size, in `unit`.
    pub amount: u64,
    /// Lower numbers are used first; at equal numbers the add-ons' come before the plan's, then the order of writing.
    #[serde(default = "default_priority")]
    pub priority: u32,
    /// What it covers.
    pub covers: Vec<CoverJson>,
    /// What happens to the unused rest. Absent: it expires with the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover: Option<RolloverJson>,
    /// Whether family members' usage draws from it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared_in_family: bool,
    /// Whether it is given every month or once, in the month of joining.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grant: GrantJson,
    /// Given only during so many first months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_months: Option<u64>,
}

fn default_priority() -> u32 {
    100
}

/// Unit of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllowanceUnitJson {
    /// Seconds.
    Seconds,
    /// KB of 1,024 bytes.
    Kb,
    /// Calls, sessions or messages.
    Count,
    /// The plan's own unit; every cover states its factor.
    Points,
}

/// What happens to the unused rest of an allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloverJson {
    /// For how many further months the rest can be used, at least 1.
    pub months: u64,
    /// At most so much of one month's rest is carried; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_max: Option<u64>,
    /// Whether what was carried is used before the new month's allowance. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub carried_first: bool,
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_yes(value: &bool) -> bool {
    *value
}

/// How often an allowance is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantJson {
    /// Every month.
    #[default]
    Monthly,
    /// Once, in the month of joining (a top-up); with `rollover` it lasts for more months.
    Once,
}

/// The price of some usage: one line of the bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateJson {
    /// Identifier of its line, unique in the plan.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Usage that it prices. No usage may be priced by two rates of a plan.
    pub covers: Vec<SelectorJson>,
    /// What is measured. Default: seconds for voice and WLAN, KB for data, count for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<MeasureJson>,
    /// Rounding of each call or session before anything else: at least `first`, then started steps of `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<IncrementJson>,
    /// Conversion of the month's total to whole units, before allowances are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convert: Option<ConvertJson>,
    /// Fee per call, session or message of which not everything is inside an allowance; yuan, up to nine decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_fee: Option<String>,
    /// Units of every month that cost nothing, before the tiers begin.
    #[serde(default, skip_serializing_if = "is_default")]
    pub free_units: u64,
    /// How tiers are read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: ModeJson,
    /// Whether tiers run over the month's quantity or begin again with every call or session.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tiers_over: TiersOverJson,
    /// Prices are per so many base units: 60 for a price per minute, 1024 per MB, 1 per message.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub per: u64,
    /// How the quantity in a tier is brought to whole blocks of `per`. With `up`, tiers are packages.
    #[serde(default, skip_serializing_if = "is_default")]
    pub block: BlockJson,
    /// The tiers, ascending; all but the last have `up_to`.
    pub tiers: Vec<TierJson>,
    /// Whether the first tier's flat fee is due even when nothing is used.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flat_at_zero: bool,
    /// With `tiers_over: event`: least charge for a call or session that costs anything, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub event_minimum: Option<String>,
    /// With `tiers_over: event`: greatest charge for one call or session, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub event_maximum: Option<String>,
    /// Limit of this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<RateCapJson>,
    /// Rounding of this line, when it differs from the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<RoundingJson>,
}

/// Billing increments of one call or session, in units of the measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncrementJson {
    /// Length of the first increment, at least 1.
    pub first: u64,
    /// Length of every further increment, at least 1.
    pub next: u64,
}

/// Conversion of a month's total to whole units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvertJson {
    /// Base units in one unit: 1024 from KB to MB, 60 from seconds to minutes.
    pub unit: u64,
    /// How a broken unit is rounded; `down` makes the beginning of the first unit free.
    pub rounding: BlockRoundingJson,
}

/// Rounding to whole units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockRoundingJson {
    /// A started unit counts.
    Up,
    /// Only whole units count.
    Down,
    /// Half a unit or more counts.
    HalfUp,
}

/// Whole blocks or exact proportion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockJson {
    /// In proportion, exactly.
    #[default]
    Exact,
    /// A started block counts.
    Up,
    /// Only whole blocks count.
    Down,
    /// Half a block or more counts.
    HalfUp,
}

/// How tiers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeJson {
    /// Each tier prices the part of the quantity that lies in it.
    #[default]
    Graduated,
    /// The tier in which the quantity ends prices all of it.
    Volume,
}

/// Over what tiers run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TiersOverJson {
    /// The month's quantity.
    #[default]
    Month,
    /// Every call or session anew.
    Event,
}

/// A tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierJson {
    /// Last unit that belongs to it (inclusive), in base units; absent in the last tier and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
    /// Price of `per` base units, yuan, up to nine decimals.
    #[schema(format = "yuan")]
    pub price: String,
    /// Fee due once when the quantity reaches the tier, yuan, up to nine decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub flat: Option<String>,
}

/// Limit of one line: an amount, an amount for each repeating block, or a quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateCapJson {
    /// Greatest amount, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub amount: Option<String>,
    /// With `amount`: it holds for each block of so many base units beyond the allowances, not for the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Greatest quantity of usage, inside and beyond allowances, in base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// What happens there.
    pub then: AtCapJson,
}

/// What happens at a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtCapJson {
    /// Usage goes on and costs nothing more.
    Free,
    /// The service stops; usage that would not have been served is reported.
    Stop,
}

/// Limit over several lines (`lines` and `amount`) or over usage (`covers` and `quantity`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapJson {
    /// Identifier, unique in the plan.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Rates whose lines count together; `usage` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<String>>,
    /// Greatest amount of these lines, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub amount: Option<String>,
    /// Usage that counts together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<Vec<SelectorJson>>,
    /// Greatest quantity of it, inside and beyond allowances, in base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// What happens there.
    pub then: AtCapJson,
}

/// A discount; exactly one of `percent` and `amount`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountJson {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Per cent of the lines, after earlier discounts; up to three decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "percent")]
    pub percent: Option<String>,
    /// Yuan, but never more than the lines, after earlier discounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub amount: Option<String>,
    /// Lines that it reduces: identifiers, or `fees`, `usage`, `add_ons`, `one_off`, `all`.
    pub lines: Vec<String>,
    /// Lines that it leaves alone all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Given only during so many first months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_months: Option<u64>,
}

/// A minimum or maximum of the bill, after discounts and before tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundJson {
    /// Yuan, at most two decimals.
    #[schema(format = "yuan")]
    pub amount: String,
    /// Lines that count: identifiers, or `fees`, `usage`, `add_ons`, `one_off`, `all`; for the maximum also `minimum`, which
    /// `all` contains.
    pub lines: Vec<String>,
    /// Lines that do not count all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// A tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxJson {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Per cent, up to three decimals.
    #[schema(format = "percent")]
    pub percent: String,
    /// Whether the prices contain it already: then it is shown, and adds nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub included: bool,
    /// Lines that it taxes: identifiers, or `fees`, `usage`, `add_ons`, `one_off`, `minimum`, `maximum`, `all`.
    pub lines: Vec<String>,
    /// Lines that it leaves alone all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Rounding of an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundingJson {
    /// Direction.
    pub mode: RoundingModeJson,
    /// Decimals of the yuan: 2 for fen, 1 for jiao, 0 for yuan.
    pub places: u32,
}

impl Default for RoundingJson {
    fn default() -> Self {
        Self {
            mode: RoundingModeJson::HalfUp,
            places: 2,
        }
    }
}

/// Direction of rounding. For negative amounts the rule is applied to the absolute amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingModeJson {
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// To the nearest, halves away from zero.
    HalfUp,
    /// To the nearest, halves to the even neighbour.
    HalfEven,
}
