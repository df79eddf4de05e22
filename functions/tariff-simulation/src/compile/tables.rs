//! The rows of a compiled plan. Indices are small integers into sibling tables; [`NONE`] stands for "no such row".

use super::meters::Profile;
use crate::cells::{Kind, Measure};
use crate::number::{BlockRounding, Exact, PreparedRounding, Rounding};
use crate::plan::{AtCap, DiscountValue, FirstMonth, LineGroup, Phase};

/// "No such row" in a 16-bit index.
pub const NONE: u16 = u16::MAX;
/// "No such meter" in a 32-bit index.
pub const NONE_WIDE: u32 = u32::MAX;

/// A plan with some add-ons, ready to price.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// The customer's usage.
    pub own: StreamTable,
    /// Family members' usage, which draws from shared allowances only; empty without a family.
    pub members: StreamTable,
    /// Draws of all streams, grouped by stream, in order.
    pub draws: Vec<DrawRow>,
    /// Caps of all streams, grouped by stream, as indices of `quantity_caps`.
    pub cap_refs: Vec<u16>,
    /// Allowances in the order in which they are drawn.
    pub buckets: Vec<BucketRow>,
    /// Number of pots of all buckets.
    pub pots: usize,
    /// Limits of quantities.
    pub quantity_caps: Vec<QuantityCapRow>,
    /// What the draws need to know of each rate, in the order of lines.
    pub rates: Vec<RateFacts>,
    /// Prices in 64 bits; a wide rate's row is not used.
    pub narrow_rates: Vec<RateRow<i64>>,
    /// Tiers in 64 bits, grouped by rate.
    pub narrow_tiers: Vec<TierRow<i64>>,
    /// Prices in 128 bits.
    pub wide_rates: Vec<RateRow<i128>>,
    /// Tiers in 128 bits, grouped by rate.
    pub wide_tiers: Vec<TierRow<i128>>,
    /// Rates that cost something without any usage: their first flat fee is due at zero.
    pub due_at_zero: Vec<u16>,
    /// Lines that are added up: fees first, then one line for each rate.
    pub lines: Vec<LineRow>,
    /// Position in `lines` of the first rate.
    pub first_rate_line: usize,
    /// Limits of sums of rate lines.
    pub amount_caps: Vec<AmountCapRow>,
    /// Discounts in order.
    pub discounts: Vec<ReductionRow>,
    /// Minimum: amount in fen and the lines that count.
    pub minimum: Option<(i64, Vec<u16>)>,
    /// Maximum: amount in fen and the lines that count.
    pub maximum: Option<(i64, Vec<u16>)>,
    /// Whether the maximum counts what makes up the minimum.
    pub maximum_counts_minimum: bool,
    /// Taxes.
    pub taxes: Vec<TaxRow>,
    /// Whether a step after pricing looks at single lines; otherwise only their sum is kept.
    pub looks_at_lines: bool,
    /// Whether some allowance's rest is carried to the next month.
    pub rolls_over: bool,
    /// Whether a reduction has to be spread over its lines, because a later step looks at some of them only.
    pub spread_reductions: bool,
    /// Whether more allowance can never make a bill of totals dearer (see `crate::add_ons`).
    pub monotone: bool,
    /// Whether some allowance counts different usage differently; then events, which draw in turns, are not monotone either.
    pub has_mixed_weights: bool,
    /// Whether some rate's tiers begin anew with each event.
    pub prices_events: bool,
    /// Ordinary monthly fee, fen.
    pub monthly_fee_fen: i64,
    /// The same, rounded as the plan rounds its lines.
    pub long_run_fee_fen: i64,
    /// Fee of the month of joining.
    pub first_month: Option<FirstMonth>,
    /// Introductory phases.
    pub phases: Vec<Phase>,
    /// Whether allowances of the month of joining shrink.
    pub prorate_allowances: bool,
    /// Rounding of the plan's lines.
    pub rounding: Option<Rounding>,
    /// Family members that the plan can carry.
    pub members_max: usize,
}

impl Variant {
    /// Rounding of the plan's lines.
    #[must_use]
    #[inline]
    pub fn rounding(&self) -> Rounding {
        self.rounding.unwrap_or(Rounding::DEFAULT)
    }
}

/// The streams of one user.
#[derive(Clone, Debug, Default)]
pub struct StreamTable {
    /// Meter of each stream's quantity. They lie apart from the rows, because most streams of most months find no usage, and then
    /// nothing else of them is read.
    pub meters: Vec<u32>,
    /// Streams: those that can cost something or draw from an allowance first.
    pub rows: Vec<StreamRow>,
    /// How many of `rows` can change a total.
    pub active: usize,
    /// Stream of each cell.
    pub by_cell: Vec<u16>,
}

/// Usage that has the same rate, allowances and caps.
#[derive(Clone, Debug)]
pub struct StreamRow {
    /// Meter of the number of events, where it matters.
    pub count_meter: u32,
    /// Rate, or [`NONE`] when nothing prices it.
    pub rate: u16,
    /// First draw.
    pub draws_from: u32,
    /// After the last draw.
    pub draws_until: u32,
    /// First cap.
    pub caps_from: u32,
    /// After the last cap.
    pub caps_until: u32,
    /// Kind of usage.
    pub kind: Kind,
    /// What is measured, and how each event is rounded.
    pub profile: Profile,
}

/// A pot that a stream may draw from.
#[derive(Clone, Copy, Debug)]
pub struct DrawRow {
    /// The pot.
    pub pot: u16,
    /// Scaled units of the pot for one unit of usage.
    pub weight: i64,
}

/// An allowance: a current pot, and one pot for each month of age that its rest can reach.
#[derive(Clone, Debug)]
pub struct BucketRow {
    /// Size of one, scaled.
    pub grant_scaled: i64,
    /// Scaled units in one unit of the allowance.
    pub scale: i64,
    /// Pot of this month's grant.
    pub current_pot: u16,
    /// First of the pots.
    pub first_pot: u16,
    /// Months of roll-over; the carried pots are ordered oldest first.
    pub rollover_months: u16,
    /// Pot of the oldest rest.
    pub oldest_pot: u16,
    /// Most of a month's rest that is carried, scaled.
    pub carry_max_scaled: i64,
    /// Slot of the add-on that brings it, or [`NONE`] for the plan's own.
    pub slot: u16,
    /// Position in the plan's or add-on's list.
    pub index: u16,
    /// Given in the month of joining only.
    pub once: bool,
    /// Given in so many first months; `u32::MAX` for always.
    pub first_months: u32,
    /// Given in full in every month of every customer: the plan's own, not bound to the time of joining.
    pub always: bool,
}

/// Limit of a quantity.
#[derive(Clone, Copy, Debug)]
pub struct QuantityCapRow {
    /// Base units.
    pub quantity: i64,
    /// What happens there.
    pub then: AtCap,
}

/// What the draws need to know of a rate.
#[derive(Clone, Copy, Debug)]
pub struct RateFacts {
    /// Slot of the add-on that brings it, or [`NONE`] for the plan's own.
    pub slot: u16,
    /// Position in the plan's or add-on's list.
    pub index: u16,
    /// Whether it is computed in 128 bits.
    pub wide: bool,
    /// Whether the number of events matters: a set-up fee, or tiers over events.
    pub needs_events: bool,
    /// Whether tiers begin anew with each event.
    pub over_event: bool,
    /// Whether no usage at all can cost something.
    pub flat_at_zero: bool,
    /// Whether nothing that it prices costs anything.
    pub free: bool,
    /// What is measured.
    pub measure: Measure,
    /// First increment.
    pub increment_first: i64,
    /// Further increments.
    pub increment_next: i64,
    /// Base units in a unit of conversion; 0 for none.
    pub convert_unit: i64,
    /// Rounding of the conversion.
    pub convert_rounding: BlockRounding,
    /// Rounding of the line.
    pub rounding: Rounding,
}

/// The price of a rate, over a common denominator.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateRow<N> {
    /// Denominator: all amounts of the rate are numerators over it, in fen.
    pub denominator: N,
    /// Rounding of the line over it.
    pub rounding: PreparedRounding<N>,
    /// Set-up fee per event.
    pub setup: N,
    /// Least charge of an event; 0 for none.
    pub event_minimum: N,
    /// Greatest charge of an event; negative for none.
    pub event_maximum: N,
    /// Limit of the line or block; negative for none.
    pub cap: N,
    /// Block of the cap, base units; 0 for the month.
    pub cap_every: i64,
    /// Whether the service stops at the cap.
    pub cap_stops: bool,
    /// Free units.
    pub free_units: i64,
    /// Whether the tier in which the quantity ends prices everything.
    pub volume: bool,
    /// Whether the first flat fee is due at zero.
    pub flat_at_zero: bool,
    /// Whole blocks of so many base units; 0 for exact proportion.
    pub block: i64,
    /// Rounding to whole blocks.
    pub block_rounding: Option<BlockRounding>,
    /// First tier.
    pub tiers_from: u32,
    /// After the last tier.
    pub tiers_until: u32,
    /// The price of each unit where nothing else counts: most rates have one tier, and neither free units nor blocks nor a flat fee.
    pub only_price: Option<N>,
    /// What a whole block of the cap costs, the cap considered.
    pub cap_block: N,
}

/// A tier over its rate's denominator.
#[derive(Clone, Copy, Debug)]
pub struct TierRow<N> {
    /// Last unit; `i64::MAX` in the last tier.
    pub up_to: i64,
    /// Price of one base unit, or of one block.
    pub price: N,
    /// Flat fee.
    pub flat: N,
}

/// Access to the rows of one width.
pub trait Priced: Exact {
    /// Rows of rates and tiers in this width.
    fn rows(variant: &Variant) -> (&[RateRow<Self>], &[TierRow<Self>]);

    /// Row of a rate, and its tiers.
    #[inline]
    fn row(variant: &Variant, rate: usize) -> (&RateRow<Self>, &[TierRow<Self>]) {
        let (rates, tiers) = Self::rows(variant);
        let row = &rates[rate];
        (
            row,
            &tiers[row.tiers_from as usize..row.tiers_until as usize],
        )
    }
}

impl Priced for i64 {
    #[inline]
    fn rows(variant: &Variant) -> (&[RateRow<Self>], &[TierRow<Self>]) {
        (&variant.narrow_rates, &variant.narrow_tiers)
    }
}

impl Priced for i128 {
    #[inline]
    fn rows(variant: &Variant) -> (&[RateRow<Self>], &[TierRow<Self>]) {
        (&variant.wide_rates, &variant.wide_tiers)
    }
}

/// A line that is added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRow {
    /// Group.
    pub group: LineGroup,
    /// Identifier.
    pub id: String,
    /// Slot of the add-on for its fee or rate; [`NONE`] otherwise.
    pub slot: u16,
    /// Fee in fen for fee lines; of one member or add-on.
    pub fee_fen: i64,
}

/// Limit of the sum of rate lines.
#[derive(Clone, Debug)]
pub struct AmountCapRow {
    /// Fen.
    pub amount_fen: i64,
    /// What happens there.
    pub then: AtCap,
    /// Lines, ascending.
    pub lines: Vec<u16>,
}

/// A discount.
#[derive(Clone, Debug)]
pub struct ReductionRow {
    /// Slot of the add-on that brings it, or [`NONE`].
    pub slot: u16,
    /// Position in the plan's or add-on's list.
    pub index: u16,
    /// How much.
    pub value: DiscountValue,
    /// Lines, ascending.
    pub lines: Vec<u16>,
    /// During so many first months; `u32::MAX` for always.
    pub first_months: u32,
}

/// A tax.
#[derive(Clone, Debug)]
pub struct TaxRow {
    /// Thousandths of a per cent.
    pub percent_milli: i64,
    /// Whether prices contain it.
    pub included: bool,
    /// Lines, ascending.
    pub lines: Vec<u16>,
    /// Whether it taxes what makes up the minimum.
    pub on_minimum: bool,
    /// Whether it is reduced by what the maximum gives back.
    pub on_maximum: bool,
    /// Whether it taxes all lines and bounds: then it looks at the total.
    pub on_everything: bool,
}
