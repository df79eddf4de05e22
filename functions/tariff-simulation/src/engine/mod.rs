//! Prices one month of one choice of plan and add-ons.
//!
//! There is one pricing routine, [`price_month`], generic over a [`Sink`]. The sink of totals ignores everything and compiles
//! to nothing; the sink of bills writes lines down. So a ranking and the bill that proves it cannot disagree.
//!
//! **What a plan-month costs.** With totals: two loads per stream (usage with the same rate and allowances) to see whether there is
//! any; for those with usage one subtraction per pot they draw from; and for each rate that is charged one multiplication per tier
//! reached and one division. What was not used is not visited: not its rate, not its line. No allocation, no text, no hashing; all
//! state lies in a [`Workspace`] that is made once. Of the sample's ten streams and eleven rates in a plan, three streams find usage in
//! a month and one or two rates are charged. With events, each event is walked through its increments and bands instead.
//!
//! What few plans or months have (events, service stops, steps after pricing, introductory terms) is kept out of line: inlined it would
//! cost every month registers and stack, which in WebAssembly is a large part of the whole.
//!
//! **Order.** Exactly the order stated in `docs/reference/catalogue.md`, "How a month is priced".

mod draw;
mod events;
mod sink;
mod steps;
mod stop;
mod tiers;

pub use sink::{Line, LineKind, NoSink, RateOutcome, Sink, StreamOutcome};
pub use tiers::{TierSink, charge};

use crate::compile::{BucketRow, NONE, Variant};
use crate::limits::LINE_FEN_MAX;
use crate::metering::MeteredMonth;
use crate::number::{Exact, PERCENT_WHOLE, round_ratio};
use crate::plan::{FirstMonth, LineGroup, PhaseFee};

/// Why a month cannot be priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// A line above [`LINE_FEN_MAX`].
    #[error("a line of the bill is too large to be priced")]
    AmountTooLarge,
}

/// Where a month stands in the customer's time with the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthContext {
    /// Whole months since the month of joining (0: that month); nothing: long ago, no introductory terms.
    pub tenure_months: Option<u32>,
    /// Day of joining, in the month of joining.
    pub joined_on_day: u32,
    /// Days of the month.
    pub days: u32,
    /// Whether one-off fees are charged in the month of joining.
    pub charge_one_off: bool,
}

impl MonthContext {
    /// A month long after joining.
    pub const LONG_RUN: Self = Self {
        tenure_months: None,
        joined_on_day: 1,
        days: 30,
        charge_one_off: false,
    };

    fn is_within(&self, first_months: u32) -> bool {
        first_months == u32::MAX
            || self
                .tenure_months
                .is_some_and(|tenure| tenure < first_months)
    }

    /// Days charged and days of the month, when a share of it is due.
    fn share(&self) -> Option<(i64, i64)> {
        (self.tenure_months == Some(0) && self.joined_on_day > 1).then(|| {
            (
                i64::from(self.days - self.joined_on_day.min(self.days) + 1),
                i64::from(self.days),
            )
        })
    }
}

/// How many of each add-on are held, by slot of the plan.
#[derive(Clone, Copy, Debug)]
pub struct Quantities<'a> {
    /// For allowances.
    pub granted: &'a [u32],
    /// For fees; the search for the best set prices with fewer fees than grants to get a lower bound.
    pub charged: &'a [u32],
}

impl<'a> Quantities<'a> {
    /// The same for allowances and fees.
    #[must_use]
    pub fn held(quantities: &'a [u32]) -> Self {
        Self {
            granted: quantities,
            charged: quantities,
        }
    }
}

/// What is priced: a month, and who holds what in it.
#[derive(Clone, Copy, Debug)]
pub struct PricedMonth<'a> {
    /// Add-ons held.
    pub quantities: Quantities<'a>,
    /// Where the month stands.
    pub context: MonthContext,
    /// The customer and the family members whom the plan carries, metered with the catalogue of the plan.
    pub users: &'a [&'a MeteredMonth],
}

/// What one month costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonthTotal {
    /// The bill, fen.
    pub total_fen: i64,
    /// Tax in it, fen.
    pub tax_fen: i64,
}

/// What a rate has gathered in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateUse {
    /// Usage before conversion, for the running conversion.
    pub(crate) raw: i64,
    /// Usage beyond allowances.
    pub(crate) charged: i64,
    /// Events of which not everything is inside allowances.
    pub(crate) setups: i64,
}

impl RateUse {
    /// Whether something is left to pay.
    #[inline]
    fn is_charged(&self) -> bool {
        self.charged | self.setups != 0
    }
}

/// A stream with usage.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    /// Position in its table.
    stream: u16,
    /// What its meter shows.
    quantity: i64,
}

/// The state of pricing: roll-over between months, and scratch space. Reused for any number of pricings.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// What is left in each pot, scaled.
    pots: Vec<i64>,
    /// What is left of each quantity cap.
    cap_left: Vec<i64>,
    /// By rate; all zero but for the noted ones.
    rates: Vec<RateUse>,
    /// Rates that have gathered something this month, each once.
    noted: Vec<u16>,
    /// Streams in which the present user has usage: the first `used_streams` of them.
    used: Vec<Used>,
    used_streams: usize,
    /// Charges of single events by rate, in numerators of the rate; used only by rates whose tiers begin anew with each event.
    event_amounts: Vec<i128>,
    /// What is left of each line, fen; only where a step looks at single lines.
    nets: Vec<i64>,
}

impl Workspace {
    /// Forgets the past: the next month is the first one.
    pub fn begin(&mut self, variant: &Variant) {
        grow(&mut self.pots, variant.pots);
        grow(&mut self.cap_left, variant.quantity_caps.len());
        grow(&mut self.rates, variant.rates.len());
        grow(&mut self.event_amounts, variant.rates.len());
        grow(&mut self.nets, variant.lines.len());
        let streams = variant.own.rows.len().max(variant.members.rows.len());
        grow(&mut self.used, streams);
        clear(&mut self.pots, variant.pots);
    }

    /// Forgets the last month, but for what is carried over.
    #[inline]
    fn begin_month(&mut self, variant: &Variant) {
        for rate in self.noted.drain(..) {
            if let Some(gathered) = self.rates.get_mut(usize::from(rate)) {
                *gathered = RateUse::default();
            }
        }
        for (left, cap) in self.cap_left.iter_mut().zip(&variant.quantity_caps) {
            *left = cap.quantity;
        }
        if variant.prices_events {
            self.event_amounts.fill(0);
        }
        if variant.looks_at_lines {
            clear(&mut self.nets, variant.lines.len());
        }
    }

    /// Notes the streams whose meters show usage. A loop without a branch in a function of its own: most streams are unused, which ones
    /// cannot be predicted, and inside the large function that draws them its variables would not stay in registers.
    #[inline(never)]
    fn find_used(&mut self, meters_of_streams: &[u32], meters: &[i64]) {
        let mut found = 0;
        for (stream, meter) in (0_u16..).zip(meters_of_streams) {
            let quantity = meters.get(*meter as usize).copied().unwrap_or(0);
            if let Some(used) = self.used.get_mut(found) {
                *used = Used { stream, quantity };
            }
            found += usize::from(quantity != 0);
        }
        self.used_streams = found;
    }

    /// What a rate has gathered, to add something to it.
    #[inline]
    fn note(&mut self, rate: u16) -> &mut RateUse {
        let gathered = &mut self.rates[usize::from(rate)];
        if gathered.raw | gathered.charged | gathered.setups == 0 {
            self.noted.push(rate);
        }
        gathered
    }

    /// What is left in the pots, scaled, in the order of pots.
    #[must_use]
    pub fn pots(&self) -> &[i64] {
        &self.pots
    }
}

/// Makes room for at least `len` values.
fn grow<T: Clone + Default>(values: &mut Vec<T>, len: usize) {
    if values.len() < len {
        values.resize(len, T::default());
    }
}

/// Zeroes the first `len` values. One by one and only where needed: an unconditional loop becomes a bulk fill, which in WebAssembly is
/// a call into the host.
#[inline]
fn clear(values: &mut [i64], len: usize) {
    for value in values.iter_mut().take(len) {
        if *value != 0 {
            *value = 0;
        }
    }
}

/// Prices the next month; [`Workspace::begin`] was called for the first one.
///
/// # Errors
/// When a line is too large.
pub fn price_month<S: Sink>(
    variant: &Variant,
    month: &PricedMonth<'_>,
    workspace: &mut Workspace,
    sink: &mut S,
) -> Result<MonthTotal, PricingError> {
    grant(variant, month, workspace);
    sink.granted(&workspace.pots);
    workspace.begin_month(variant);
    for (user, metered) in month.users.iter().enumerate() {
        let table = if user == 0 {
            &variant.own
        } else {
            &variant.members
        };
        if !metered.events.is_empty() {
            events::draw(variant, table, user, metered, workspace, sink);
        }
        draw::totals(variant, table, user, metered, workspace, sink);
    }
    let usage_fen = rates(variant, workspace, sink)?;
    if variant.looks_at_lines {
        steps::amount_caps(variant, workspace, sink);
    }
    let fees_fen = fees(variant, month, workspace, sink);
    let lines_fen = usage_fen.plus(fees_fen);
    let total = if variant.looks_at_lines || !variant.taxes.is_empty() {
        steps::finish(variant, &month.context, lines_fen, workspace, sink)
    } else {
        MonthTotal {
            total_fen: lines_fen,
            tax_fen: 0,
        }
    };
    if variant.rolls_over {
        carry_over(variant, workspace);
    }
    Ok(total)
}

/// Prices the rates that have gathered something, and those that cost something without; returns the sum of their lines.
#[inline]
fn rates<S: Sink>(
    variant: &Variant,
    workspace: &mut Workspace,
    sink: &mut S,
) -> Result<i64, PricingError> {
    let mut sum_fen = 0;
    for position in 0..workspace.noted.len() {
        let rate = usize::from(workspace.noted[position]);
        // Conversion notes usage that the allowances may cover.
        if workspace.rates[rate].is_charged() {
            sum_fen = within_bound(rate_line(variant, rate, workspace, sink))?.plus(sum_fen);
        }
    }
    for rate in &variant.due_at_zero {
        let rate = usize::from(*rate);
        if !workspace.rates[rate].is_charged() {
            sum_fen = within_bound(rate_line(variant, rate, workspace, sink))?.plus(sum_fen);
        }
    }
    Ok(sum_fen)
}

/// Refuses lines that are too large to be added up safely.
#[inline]
fn within_bound(line_fen: i64) -> Result<i64, PricingError> {
    if line_fen > LINE_FEN_MAX {
        return Err(PricingError::AmountTooLarge);
    }
    Ok(line_fen)
}

/// Prices one rate, and keeps its line where a later step looks at it.
#[inline]
fn rate_line<S: Sink>(
    variant: &Variant,
    rate: usize,
    workspace: &mut Workspace,
    sink: &mut S,
) -> i64 {
    let amount_fen = steps::price_rate(variant, rate, workspace, sink);
    if variant.looks_at_lines {
        workspace.nets[variant.first_rate_line + rate] = amount_fen;
    }
    amount_fen
}

/// Fills the current pots.
#[inline]
fn grant(variant: &Variant, month: &PricedMonth<'_>, workspace: &mut Workspace) {
    for bucket in &variant.buckets {
        let amount = if bucket.always {
            bucket.grant_scaled
        } else {
            conditional_grant(variant, bucket, month)
        };
        workspace.pots[usize::from(bucket.current_pot)] = amount;
    }
}

/// What an allowance gives that depends on add-ons held or on the time of joining.
#[inline(never)]
fn conditional_grant(variant: &Variant, bucket: &BucketRow, month: &PricedMonth<'_>) -> i64 {
    let (granted, context) = (month.quantities.granted, &month.context);
    let held = match bucket.slot {
        NONE => 1,
        slot => i64::from(granted.get(usize::from(slot)).copied().unwrap_or(0)),
    };
    let given = held > 0
        && (!bucket.once || context.tenure_months == Some(0))
        && context.is_within(bucket.first_months);
    if !given {
        return 0;
    }
    let amount = bucket.grant_scaled * held;
    if variant.prorate_allowances
        && !bucket.once
        && let Some((days, of)) = context.share()
    {
        // Whole units of the allowance, rounded down; through 128 bits because the product can leave 64.
        let units =
            i128::from(amount) * i128::from(days) / (i128::from(of) * i128::from(bucket.scale));
        return i64::try_from(units * i128::from(bucket.scale)).unwrap_or(amount);
    }
    amount
}

/// Ages the rests: what is too old expires, what is left of this month becomes one month old.
#[inline]
fn carry_over(variant: &Variant, workspace: &mut Workspace) {
    for bucket in variant
        .buckets
        .iter()
        .filter(|bucket| bucket.rollover_months > 0)
    {
        let oldest = usize::from(bucket.oldest_pot);
        let youngest = oldest + usize::from(bucket.rollover_months) - 1;
        // One pot after the other: a bulk copy is a call into the host in WebAssembly, and there are few.
        for pot in oldest..youngest {
            workspace.pots[pot] = workspace.pots[pot + 1];
        }
        workspace.pots[youngest] =
            workspace.pots[usize::from(bucket.current_pot)].min(bucket.carry_max_scaled);
        workspace.pots[usize::from(bucket.current_pot)] = 0;
    }
}

/// Writes the fee lines; returns their sum.
#[inline]
fn fees<S: Sink>(
    variant: &Variant,
    month: &PricedMonth<'_>,
    workspace: &mut Workspace,
    sink: &mut S,
) -> i64 {
    let (charged, context) = (month.quantities.charged, &month.context);
    let mut sum_fen = 0;
    for (index, line) in variant
        .lines
        .iter()
        .take(variant.first_rate_line)
        .enumerate()
    {
        let (quantity, amount_fen) = match line.group {
            LineGroup::OneOff => {
                let due = context.charge_one_off && context.tenure_months == Some(0);
                (i64::from(due), if due { line.fee_fen } else { 0 })
            }
            LineGroup::AddOns => {
                let held = i64::from(charged.get(usize::from(line.slot)).copied().unwrap_or(0));
                (held, line.fee_fen * held)
            }
            _ if index == 0 => (
                1,
                if context.tenure_months.is_none() {
                    variant.long_run_fee_fen
                } else {
                    monthly_fee(variant, *context)
                },
            ),
            _ => {
                let members = i64::try_from(month.users.len().saturating_sub(1)).unwrap_or(0);
                (members, line.fee_fen * members)
            }
        };
        sum_fen = amount_fen.plus(sum_fen);
        if variant.looks_at_lines {
            workspace.nets[index] = amount_fen;
        }
        sink.line(Line {
            kind: LineKind::Fee {
                line: index,
                quantity,
            },
            amount_fen,
        });
    }
    sum_fen
}

/// The monthly fee of a month, rounded as the plan says.
#[must_use]
#[inline(never)]
pub fn monthly_fee(variant: &Variant, context: MonthContext) -> i64 {
    let Some(tenure) = context.tenure_months else {
        return variant.long_run_fee_fen;
    };
    let mut numerator = i128::from(variant.monthly_fee_fen);
    let mut denominator = 1_i128;
    let mut begins = 0_u32;
    for phase in &variant.phases {
        let ends = begins.saturating_add(phase.months);
        if (begins..ends).contains(&tenure) {
            match phase.fee {
                PhaseFee::Fen(fen) => numerator = i128::from(fen),
                PhaseFee::PercentMilli(percent) => {
                    numerator *= i128::from(percent);
                    denominator = i128::from(PERCENT_WHOLE);
                }
            }
        }
        begins = ends;
    }
    if tenure == 0 {
        match variant.first_month {
            Some(FirstMonth::ByDay) => {
                if let Some((days, of)) = context.share() {
                    numerator *= i128::from(days);
                    denominator *= i128::from(of);
                }
            }
            Some(FirstMonth::HalfFromThe16th) if context.joined_on_day >= 16 => denominator *= 2,
            Some(FirstMonth::Free) => numerator = 0,
            Some(FirstMonth::Full | FirstMonth::HalfFromThe16th) | None => {}
        }
    }
    let rounded = round_ratio(numerator, denominator, variant.rounding());
    i64::try_from(rounded).unwrap_or(LINE_FEN_MAX)
}
