//! JSON form of a catalogue, `chudian-catalogue/1`; documented for its writers in `docs/reference/catalogue.md`.
//!
//! Prices and amounts are decimal strings in yuan, because JSON numbers are read as binary fractions by most programs.
//! Quantities are integers in base units: seconds, KB (1,024 bytes) or counts. Unknown fields are refused.

use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Value of the field `schema` of a catalogue.
pub const CATALOGUE_SCHEMA: &str = "chudian-catalogue/1";

/// Lets serde leave out a field that has its default value.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> u64 {
    1
}

fn is_one(value: &u64) -> bool {
    *value == 1
}

fn one_text() -> String {
    "1".to_owned()
}

fn is_one_text(value: &String) -> bool {
    value == "1"
}

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
