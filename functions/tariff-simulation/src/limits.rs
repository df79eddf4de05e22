//! Every bound on what is accepted, with its reason.
//!
//! The bounds serve two ends: a document costs bounded time and memory to read, and the arithmetic of a bill can be proved to
//! stay within its integers (see [`crate::compile`]).

/// Largest catalogue document, bytes: a province's 2,000 plans written out generously.
pub const CATALOGUE_BYTES_MAX: usize = 8 << 20;
/// Largest usage or request document, bytes: twelve months of events of a heavy user and a family.
pub const USAGE_BYTES_MAX: usize = 4 << 20;
/// Errors reported for one document; a generated file with one systematic mistake would report it once a row.
pub const ERRORS_MAX: usize = 200;

/// Plans of a catalogue: the largest published provincial lists have some hundreds.
pub const PLANS_MAX: usize = 2_000;
/// Add-ons of a catalogue.
pub const ADD_ONS_MAX: usize = 500;
/// Categories of one kind of usage.
pub const CATEGORIES_MAX: usize = 16;
/// Time bands.
pub const BANDS_MAX: usize = 8;
/// Stretches of one band.
pub const BAND_TIMES_MAX: usize = 24;
/// Days in the calendar's exceptions: thirty years of public holidays.
pub const CALENDAR_DAYS_MAX: usize = 1_000;
/// Words of one list of brands, regions or customer types.
pub const WORDS_MAX: usize = 500;
/// Rates of a plan or add-on.
pub const RATES_MAX: usize = 32;
/// Tiers of a rate.
pub const TIERS_MAX: usize = 32;
/// Allowances of a plan or add-on.
pub const ALLOWANCES_MAX: usize = 16;
/// Selectors of one rate, allowance or cap.
pub const SELECTORS_MAX: usize = 32;
/// Discounts of a plan or add-on.
pub const DISCOUNTS_MAX: usize = 8;
/// Taxes of a plan.
pub const TAXES_MAX: usize = 4;
/// Caps of a plan.
pub const CAPS_MAX: usize = 8;
/// One-off fees, phases or gifts of a plan.
pub const FEES_MAX: usize = 16;
/// References in one list (`excludes`, `requires`, `lines`, …).
pub const REFERENCES_MAX: usize = 200;
/// Add-ons that one plan lists: bounds the search for the best set.
pub const PLAN_ADD_ONS_MAX: usize = 16;
/// Add-ons of one plan that change rates or discounts: every combination of them is compiled.
pub const STRUCTURAL_ADD_ONS_MAX: usize = 4;
/// Largest `quantity_max` of an add-on.
pub const ADD_ON_QUANTITY_MAX: u64 = 10;
/// Exclusion groups.
pub const GROUPS_MAX: usize = 100;
/// Members in a family plan.
pub const FAMILY_MEMBERS_MAX: usize = 16;
/// Longest roll-over, months: as long as the longest simulation.
pub const ROLLOVER_MONTHS_MAX: u64 = 12;
/// Longest phase, contract or `first_months`, months: ten years.
pub const TERM_MONTHS_MAX: u64 = 120;
/// Largest factor of a cover.
pub const FACTOR_MAX: i64 = 1_000_000;
/// Decimals of a factor: with them an allowance in its finest unit stays below 10¹⁷.
pub const FACTOR_DECIMALS: u32 = 4;
/// What a factor of one is in its finest unit.
pub const FACTOR_ONE: i64 = 10_000;

/// Largest amount of money in a catalogue, yuan: a tariff above it is a typing error.
pub const AMOUNT_YUAN_MAX: i64 = 1_000_000;
/// Largest quantity in a catalogue, base units: 10¹² KB are 931 TB.
pub const CATALOGUE_QUANTITY_MAX: u64 = 1_000_000_000_000;
/// Largest quantity of one line or event of usage, base units: 10¹⁰ KB are 9.3 TB in a month.
pub const USAGE_QUANTITY_MAX: u64 = 10_000_000_000;
/// Months of one simulation (TS-2).
pub const MONTHS_MAX: usize = 12;
/// Lines of one month.
pub const USAGE_LINES_MAX: usize = 500;
/// Events of one month: 20,000 are one every two minutes, day and night.
pub const USAGE_EVENTS_MAX: usize = 20_000;
/// Services and add-ons that a customer holds.
pub const HELD_MAX: usize = 100;

/// Largest sum of one user's usage on one meter in one month, base units, checked when usage is metered: 10¹¹ KB are 93 TB.
pub const METER_MAX: i64 = 100_000_000_000;
/// Base units that a price may be for: 10⁹ KB are 954 GB.
pub const PER_MAX: u64 = 1_000_000_000;
/// Largest increment of a call: a longer one is a price per call, which has a way of its own.
pub const INCREMENT_MAX: u64 = 86_400;
/// Largest amount of one line of a bill, fen: a hundred billion yuan; above it the usage cannot be priced.
pub const LINE_FEN_MAX: i64 = 10_000_000_000_000;
/// Scale of a what-if, per mille: up to tenfold, so that events are not multiplied without bound.
pub const WHAT_IF_PER_MILLE_MAX: u64 = 10_000;
/// Full pricings of a customer's months that the search for the best add-ons may spend on one plan.
pub const ADD_ON_EVALUATIONS_MAX: usize = 4_096;
/// Events that the search for the best add-ons may walk through for one plan, all pricings together; usage given as totals does not count.
pub const ADD_ON_EVENTS_MAX: usize = 2_000_000;
