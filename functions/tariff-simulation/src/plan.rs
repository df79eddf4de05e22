//! The plan model: everything a published price list says, in exact numbers and with every reference resolved.
//!
//! A value of these types was checked by the validator: tiers ascend and end, selectors of one plan do not overlap, references
//! exist. Nothing here computes a price; [`crate::compile`] turns a plan into the flat form that does.

use chudian_vocabulary::{Date, Name};

use crate::cells::{CellSet, CellSpace, Measure, Word};
use crate::number::{BlockRounding, Rounding};

/// Identifier of the line of the monthly fee.
pub const MONTHLY_FEE_LINE: &str = "monthly-fee";
/// Identifier of the line of fees for family members.
pub const FAMILY_LINE: &str = "family-members";
/// Identifier of the line that makes up the minimum.
pub const MINIMUM_LINE: &str = "minimum";
/// Identifier of the line that gives back what is above the maximum.
pub const MAXIMUM_LINE: &str = "maximum";

/// A checked catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// The space of usage.
    pub cells: CellSpace,
    /// Kinds that the province leaves out, by index of kind.
    pub switched_off: [bool; 5],
    /// Known brands; empty: any.
    pub brands: Vec<Word>,
    /// Known regions; empty: any.
    pub regions: Vec<Word>,
    /// Known customer types; empty: any.
    pub customer_types: Vec<Word>,
    /// Plans.
    pub plans: Vec<Plan>,
    /// Add-ons.
    pub add_ons: Vec<AddOn>,
    /// Add-ons of which only some may be held together.
    pub groups: Vec<ExclusionGroup>,
    /// The province's ranking.
    pub ranking: RankingRule,
}

impl Catalogue {
    /// Position of a plan by its identifier.
    #[must_use]
    pub fn plan_index(&self, id: &str) -> Option<usize> {
        self.plans.iter().position(|plan| plan.id == id)
    }

    /// Position of an add-on by its identifier.
    #[must_use]
    pub fn add_on_index(&self, id: &str) -> Option<usize> {
        self.add_ons.iter().position(|add_on| add_on.id == id)
    }
}

/// Who can buy something, and when (TS-5). Empty lists admit everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// First day of sale.
    pub sale_from: Option<Date>,
    /// Last day of sale.
    pub sale_until: Option<Date>,
    /// Brands admitted.
    pub brands: Vec<String>,
    /// Regions admitted.
    pub regions: Vec<String>,
    /// Customer types admitted.
    pub customer_types: Vec<String>,
    /// Refused while a contract runs.
    pub not_in_contract: bool,
    /// Refused to holders of one of these.
    pub excludes: Vec<String>,
    /// Refused to those who lack one of these.
    pub requires: Vec<String>,
}

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Brand.
    pub brand: Option<String>,
    /// Who can buy it, and when.
    pub terms: Terms,
    /// Monthly fee, fen.
    pub monthly_fee_fen: i64,
    /// Fee of the month of joining.
    pub first_month: FirstMonth,
    /// Whether allowances of the month of joining shrink too.
    pub prorate_allowances: bool,
    /// Introductory phases.
    pub phases: Vec<Phase>,
    /// Fees taken once.
    pub one_off_fees: Vec<OneOffFee>,
    /// Included usage.
    pub allowances: Vec<Allowance>,
    /// Prices.
    pub rates: Vec<Rate>,
    /// Limits of quantities of usage.
    pub quantity_caps: Vec<QuantityCap>,
    /// Limits of sums of lines.
    pub amount_caps: Vec<AmountCap>,
    /// Discounts.
    pub discounts: Vec<Discount>,
    /// Minimum spend.
    pub minimum: Option<Bound>,
    /// Maximum.
    pub maximum: Option<Bound>,
    /// Taxes.
    pub taxes: Vec<Tax>,
    /// Add-ons that can be taken, as indices of the catalogue.
    pub add_ons: Vec<usize>,
    /// Family.
    pub family: Option<Family>,
    /// Contract.
    pub contract: Option<Contract>,
    /// Rounding of lines.
    pub rounding: Rounding,
}

/// Fee of the month of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstMonth {
    /// The whole fee.
    Full,
    /// By day, the day of joining counted.
    ByDay,
    /// Half when joining on the 16th or later.
    HalfFromThe16th,
    /// Nothing.
    Free,
}

/// An introductory phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Length, months.
    pub months: u32,
    /// The fee then.
    pub fee: PhaseFee,
}

/// Monthly fee of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseFee {
    /// So many fen.
    Fen(i64),
    /// So many thousandths of a per cent of the ordinary fee.
    PercentMilli(i64),
}

/// A fee taken once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOffFee {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Fen.
    pub amount_fen: i64,
}

/// A bucket of included usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Unit; nothing for points.
    pub unit: Option<Measure>,
    /// Size, in its unit.
    pub amount: i64,
    /// Lower is used first.
    pub priority: u32,
    /// What it covers.
    pub covers: Vec<Cover>,
    /// What happens to the rest.
    pub rollover: Option<Rollover>,
    /// Whether the family draws from it.
    pub shared_in_family: bool,
    /// Given in the month of joining only.
    pub once: bool,
    /// Given during so many first months only.
    pub first_months: Option<u32>,
}

/// Usage covered by an allowance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The usage.
    pub cells: CellSet,
    /// Units of the allowance per unit of usage, in ten-thousandths.
    pub factor_ten_thousandths: i64,
}

/// Roll-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollover {
    /// Further months, at least 1.
    pub months: u32,
    /// Most of one month's rest that is carried.
    pub amount_max: Option<i64>,
    /// Whether what was carried is used first.
    pub carried_first: bool,
}

/// A price: one line of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// The usage.
    pub cells: CellSet,
    /// What is measured.
    pub measure: Measure,
    /// First increment of an event; 1 when events are not rounded.
    pub increment_first: i64,
    /// Further increments.
    pub increment_next: i64,
    /// Conversion of the total.
    pub convert: Option<Convert>,
    /// Fee per event, 10⁻⁹ yuan.
    pub setup_price: i64,
    /// Free units.
    pub free_units: i64,
    /// Whether the tier in which the quantity ends prices everything.
    pub volume: bool,
    /// Whether tiers begin anew with each event.
    pub over_event: bool,
    /// Base units that a price is for.
    pub per: i64,
    /// Whole blocks, or nothing for exact proportion.
    pub block: Option<BlockRounding>,
    /// Tiers, ascending; the last one is open.
    pub tiers: Vec<Tier>,
    /// Whether the first flat fee is due at zero.
    pub flat_at_zero: bool,
    /// Least charge of an event, fen.
    pub event_minimum_fen: Option<i64>,
    /// Greatest charge of an event, fen.
    pub event_maximum_fen: Option<i64>,
    /// Limit of the line's amount.
    pub cap: Option<LineCap>,
    /// Limit of the line's quantity, inside and beyond allowances.
    pub quantity_cap: Option<(i64, AtCap)>,
    /// Rounding, when it differs from the plan's.
    pub rounding: Option<Rounding>,
}

/// Conversion of a month's total to whole units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convert {
    /// Base units in one unit.
    pub unit: i64,
    /// Rounding.
    pub rounding: BlockRounding,
}

/// A tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Last unit that belongs to it; nothing in the last tier.
    pub up_to: Option<i64>,
    /// Price of `per` base units, 10⁻⁹ yuan.
    pub price: i64,
    /// Flat fee, 10⁻⁹ yuan.
    pub flat: i64,
}

/// Limit of the amount of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineCap {
    /// Fen.
    pub amount_fen: i64,
    /// For each block of so many base units, or for the month.
    pub every: Option<i64>,
    /// What happens there.
    pub then: AtCap,
}

/// What happens at a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCap {
    /// Free afterwards.
    Free,
    /// The service stops.
    Stop,
}

/// Limit of a quantity of usage, inside and beyond allowances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityCap {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// The usage.
    pub cells: CellSet,
    /// Base units.
    pub quantity: i64,
    /// What happens there.
    pub then: AtCap,
}

/// Limit of the sum of several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountCap {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// The lines.
    pub lines: LineScope,
    /// Fen.
    pub amount_fen: i64,
    /// What happens there.
    pub then: AtCap,
}

/// A set of lines of the bill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineScope {
    /// Lines in it.
    pub include: Vec<LineRef>,
    /// Lines out of it all the same.
    pub except: Vec<LineRef>,
}

/// A reference to lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineRef {
    /// Every line.
    All,
    /// All lines of a group.
    Group(LineGroup),
    /// The line of this identifier.
    Line(String),
}

/// Groups of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineGroup {
    /// Monthly fee and family members.
    Fees,
    /// Rates.
    Usage,
    /// Fees of add-ons.
    AddOns,
    /// Fees taken once.
    OneOff,
    /// What makes up the minimum.
    Minimum,
    /// What the maximum gives back.
    Maximum,
}

impl LineScope {
    /// Whether a line of this group and identifier is in the set.
    #[must_use]
    pub fn contains(&self, group: LineGroup, id: &str) -> bool {
        let matches = |reference: &LineRef| match reference {
            LineRef::All => true,
            LineRef::Group(wanted) => *wanted == group,
            LineRef::Line(wanted) => wanted == id,
        };
        self.include.iter().any(matches) && !self.except.iter().any(matches)
    }
}

/// A discount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// How much.
    pub value: DiscountValue,
    /// Of which lines.
    pub lines: LineScope,
    /// During so many first months only.
    pub first_months: Option<u32>,
}

/// How much a discount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscountValue {
    /// Thousandths of a per cent.
    PercentMilli(i64),
    /// Fen.
    Fen(i64),
}

/// A minimum or maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Fen.
    pub amount_fen: i64,
    /// Lines that count.
    pub lines: LineScope,
}

/// A tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tax {
    /// Identifier of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Thousandths of a per cent.
    pub percent_milli: i64,
    /// Whether prices contain it.
    pub included: bool,
    /// Lines that it taxes.
    pub lines: LineScope,
}

/// Family members on a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// How many, besides the customer.
    pub members_max: usize,
    /// Fee for each, fen.
    pub member_fee_fen: i64,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Term, months.
    pub months: u32,
    /// Fee for each remaining month, fen.
    pub early_exit_per_month_fen: i64,
    /// Thousandths of a per cent of the remaining monthly fees.
    pub early_exit_percent_milli: i64,
    /// Greatest fee, fen.
    pub early_exit_max_fen: Option<i64>,
    /// Gifts.
    pub gifts: Vec<Gift>,
}

/// A gift given for a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Worth, fen.
    pub value_fen: i64,
    /// What is taken back.
    pub claw_back: ClawBack,
}

/// What is taken back of a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClawBack {
    /// In proportion to the remaining months.
    ByRemainingMonths,
    /// All of it.
    Full,
    /// Nothing.
    Nothing,
}

/// An add-on.
#[derive(Clone, Debug)]
pub struct AddOn {
    /// Identifier, also of its line.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Who can buy it, and when.
    pub terms: Terms,
    /// Monthly fee of one, fen.
    pub monthly_fee_fen: i64,
    /// How many can be held.
    pub quantity_max: u32,
    /// Add-ons that cannot be held with it.
    pub excludes: Vec<usize>,
    /// Add-ons that must be held with it.
    pub requires: Vec<usize>,
    /// What is included in one.
    pub allowances: Vec<Allowance>,
    /// Rates in place of the plan's.
    pub rates: Vec<Rate>,
    /// Discounts after the plan's.
    pub discounts: Vec<Discount>,
}

impl AddOn {
    /// Whether it changes more than allowances, so that plans are compiled with and without it.
    #[must_use]
    pub fn is_structural(&self) -> bool {
        !self.rates.is_empty() || !self.discounts.is_empty()
    }
}

/// Add-ons of which only some may be held together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusionGroup {
    /// Identifier.
    pub id: String,
    /// Add-ons.
    pub members: Vec<usize>,
    /// How many different ones.
    pub members_max: usize,
}

/// A province's rule for ranking (TS-4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RankingRule {
    /// Least mean saving per month, fen; nothing: any saving above zero.
    pub saving_min_fen: Option<i64>,
    /// Least saving, thousandths of a per cent of the present total.
    pub saving_percent_min_milli: i64,
    /// Least mean change of revenue per month, fen.
    pub revenue_change_min_fen: Option<i64>,
    /// Least number of months won.
    pub months_won_min: usize,
    /// Months over which the cost of switching is spread; 0: not counted.
    pub switching_cost_months: u32,
    /// Whether introductory phases, one-off fees and first-month rules count.
    pub count_introductory: bool,
    /// Order among equals.
    pub tie_breaks: Vec<TieBreak>,
}

/// Decides between plans of equal saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TieBreak {
    /// The smaller dearest month.
    WorstMonth,
    /// The more months won.
    MonthsWon,
    /// The smaller monthly fee.
    MonthlyFee,
    /// The greater revenue.
    Revenue,
    /// The fewer add-ons.
    FewerAddOns,
    /// The smaller cost of switching.
    SwitchingCost,
}
