//! JSON form of plans and add-ons: who can have them and when, their fees, what binds their holders.

use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::defaults::{is_default, is_one, one};
use super::prices::{
    AllowanceJson, BoundJson, CapJson, DiscountJson, RateJson, RoundingJson, TaxJson,
};

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanJson {
    /// Identifier, unique among plans and add-ons.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Its brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// When it can be bought; absent: always.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sale: SaleJson,
    /// Who can buy it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub eligible: EligibilityJson,
    /// Monthly fee, yuan, at most two decimals.
    #[schema(format = "yuan")]
    pub monthly_fee: String,
    /// How the fee of the month of joining is taken.
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_month: FirstMonthJson,
    /// Whether monthly allowances of the month of joining shrink in the same proportion (rounded down).
    #[serde(default, skip_serializing_if = "is_default")]
    pub prorate_allowances: bool,
    /// Introductory phases, one after the other from the month of joining.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseJson>,
    /// Fees taken once, in the month of joining.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_off_fees: Vec<OneOffFeeJson>,
    /// What is included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowances: Vec<AllowanceJson>,
    /// What the rest costs. Usage that no rate covers cannot be priced and is reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateJson>,
    /// Limits over several lines or over a quantity of usage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<CapJson>,
    /// Discounts, applied one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<DiscountJson>,
    /// Minimum spend (保底): a line of its own makes up the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<BoundJson>,
    /// Maximum: a line of its own gives back what is above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<BoundJson>,
    /// Taxes; no line is taxed twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<TaxJson>,
    /// Add-ons that can be taken with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_ons: Vec<String>,
    /// Family members whose usage it can carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<FamilyJson>,
    /// What binds the customer, and what leaving early costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractJson>,
    /// Rounding of every line that does not say otherwise. Default: half up, two places.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounding: RoundingJson,
}

/// Days of sale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleJson {
    /// First day, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub from: Option<String>,
    /// Last day, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub until: Option<String>,
}

/// Who can buy. An absent list means everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EligibilityJson {
    /// Brands of the customer's present plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brands: Option<Vec<String>>,
    /// Regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Customer types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_types: Option<Vec<String>>,
    /// Refuses a customer whose present contract still runs. Otherwise leaving early counts as a cost of switching.
    #[serde(default, skip_serializing_if = "is_default")]
    pub not_in_contract: bool,
    /// Refused to who holds one of these: present plan, add-ons or other services of the customer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
    /// Refused to who does not hold all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
}

/// Fee of the month of joining.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstMonthJson {
    /// The whole fee.
    #[default]
    Full,
    /// Fee × days from the day of joining (counted) to the end of the month ÷ days of the month.
    ByDay,
    /// Half of it when joining on the 16th or later, all of it before.
    #[serde(rename = "half_from_16th")]
    HalfFromThe16th,
    /// Nothing.
    Free,
}

/// A stretch of months with another monthly fee. Exactly one of the two amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseJson {
    /// How many months, at least 1.
    pub months: u64,
    /// The monthly fee then, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub fee: Option<String>,
    /// The monthly fee then, in per cent of the ordinary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "percent")]
    pub fee_percent: Option<String>,
}

/// A fee taken once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneOffFeeJson {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Yuan, at most two decimals.
    #[schema(format = "yuan")]
    pub amount: String,
}

/// Family members on the same plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FamilyJson {
    /// How many members, besides the customer.
    pub members_max: u64,
    /// Monthly fee for each, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub member_fee: Option<String>,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractJson {
    /// Term, months.
    pub months: u64,
    /// Fee for leaving early: so much for each month that remains, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub early_exit_per_month: Option<String>,
    /// Fee for leaving early: so many per cent of the monthly fees that remain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "percent")]
    pub early_exit_percent_of_fees: Option<String>,
    /// Greatest fee for leaving early, yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "yuan")]
    pub early_exit_max: Option<String>,
    /// Gifts that were given for the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gifts: Vec<GiftJson>,
}

/// A gift given for a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftJson {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Its worth, yuan.
    #[schema(format = "yuan")]
    pub value: String,
    /// What is taken back on leaving early.
    #[serde(default, skip_serializing_if = "is_default")]
    pub claw_back: ClawBackJson,
}

/// What is taken back of a gift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClawBackJson {
    /// Worth × remaining months ÷ term.
    #[default]
    ByRemainingMonths,
    /// All of it.
    Full,
    /// Nothing.
    Nothing,
}

/// An add-on (加油包, 叠加包).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOnJson {
    /// Identifier, unique among plans and add-ons; also of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// When it can be bought.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sale: SaleJson,
    /// Who can buy it; `excludes` and `requires` here concern what the customer holds already.
    #[serde(default, skip_serializing_if = "is_default")]
    pub eligible: EligibilityJson,
    /// Monthly fee of one, yuan, at most two decimals.
    #[schema(format = "yuan")]
    pub monthly_fee: String,
    /// How many can be held at a time. More than one only without `rates` and `discounts`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub quantity_max: u64,
    /// Add-ons that cannot be held with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
    /// Add-ons that must be held with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// What is included in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowances: Vec<AllowanceJson>,
    /// Rates that take the place of the plan's for the usage that they cover.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateJson>,
    /// Discounts, applied after the plan's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<DiscountJson>,
}

/// Add-ons of which only some may be held together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionGroupJson {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Add-ons of the group.
    pub members: Vec<String>,
    /// How many different ones may be held. Default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members_max: u64,
}
