//! Takes a month's totals apart: caps of quantities, conversion, allowances.

use super::{RateUse, Sink, StreamOutcome, Used, Workspace, tiers};
use crate::cells::Measure;
use crate::compile::{NONE_WIDE, Priced, RateFacts, StreamRow, StreamTable, Variant};
use crate::metering::MeteredMonth;
use crate::number::{Exact, divide};
use crate::plan::AtCap;

/// Draws all streams of a user's totals.
#[inline]
pub(super) fn totals<S: Sink>(
    variant: &Variant,
    table: &StreamTable,
    user: usize,
    metered: &MeteredMonth,
    workspace: &mut Workspace,
    sink: &mut S,
) {
    // Inactive streams cost nothing and draw nothing; only a sink that reports usage wants to hear of them.
    let streams = if S::WANTS_ALL_STREAMS {
        table.rows.len()
    } else {
        table.active
    };
    workspace.find_used(&table.meters[..streams], &metered.meters);
    for position in 0..workspace.used_streams {
        let Some((stream, meter, quantity)) =
            workspace
                .used
                .get(position)
                .and_then(|Used { stream, quantity }| {
                    let stream = usize::from(*stream);
                    Some((
                        table.rows.get(stream)?,
                        table.meters.get(stream)?,
                        *quantity,
                    ))
                })
        else {
            break;
        };
        let beyond = draw(
            variant,
            stream,
            user,
            quantity,
            || {
                metered
                    .estimated
                    .get(*meter as usize)
                    .copied()
                    .unwrap_or(false)
            },
            workspace,
            sink,
        );
        if stream.count_meter != NONE_WIDE && beyond.quantity > 0 {
            charge_events(variant, stream, metered, beyond, workspace, sink);
        }
    }
}

/// Notes the events of a stream that are partly beyond the allowances, where their number matters.
#[inline(never)]
fn charge_events<S: Sink>(
    variant: &Variant,
    stream: &StreamRow,
    metered: &MeteredMonth,
    beyond: Beyond,
    workspace: &mut Workspace,
    sink: &mut S,
) {
    let rate = usize::from(stream.rate);
    let Some(facts) = variant.rates.get(rate) else {
        return;
    };
    let count_meter = stream.count_meter as usize;
    let events = metered.meters.get(count_meter).copied().unwrap_or(0);
    let charged_events = beyond.share_of_events(events);
    // Counted usage is its own number of events; otherwise totals do not say which events were inside the allowances.
    let is_counted = facts.measure == Measure::Count;
    let is_split = !beyond.is_all() && !is_counted;
    let is_average = facts.over_event && events != 1 && !is_counted;
    let is_estimated = metered.estimated.get(count_meter).copied().unwrap_or(false);
    if is_split || is_average || is_estimated {
        sink.estimate(stream.rate);
    }
    if facts.over_event {
        workspace.event_amounts[rate] +=
            average_events(variant, rate, facts, beyond.quantity, charged_events);
    }
    let gathered = workspace.note(stream.rate);
    gathered.setups = gathered.setups.plus(charged_events);
}

/// Part of a stream beyond the allowances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beyond {
    /// Units beyond.
    pub(super) quantity: i64,
    /// Out of so many converted units.
    of: i64,
    /// Units before conversion that quantity caps let through.
    served: i64,
    /// Out of so many.
    used: i64,
}

impl Beyond {
    fn is_all(self) -> bool {
        self.quantity >= self.of && self.served == self.used
    }

    /// How many of the stream's `events` are partly beyond the allowances: all or none is exact, the rest is taken in
    /// proportion and rounded up.
    fn share_of_events(self, events: i64) -> i64 {
        if self.is_all() {
            return events;
        }
        // Each factor is at most METER_MAX, so that the products stay far below 128 bits.
        let whole = i128::from(self.of) * i128::from(self.used);
        let share = i128::from(events) * i128::from(self.quantity) * i128::from(self.served);
        i64::try_from((share + whole - 1) / whole).unwrap_or(events)
    }
}

/// Draws `quantity` units of one stream and notes in its rate what is left to pay.
#[inline]
pub(super) fn draw<S: Sink>(
    variant: &Variant,
    stream: &StreamRow,
    user: usize,
    quantity: i64,
    estimated: impl Fn() -> bool,
    workspace: &mut Workspace,
    sink: &mut S,
) -> Beyond {
    let mut served = quantity;
    let (mut capped_free, mut unserved) = (0, 0);
    for cap in &variant.cap_refs[stream.caps_from as usize..stream.caps_until as usize] {
        let left = &mut workspace.cap_left[usize::from(*cap)];
        let within = served.min(*left);
        let above = served.minus(within);
        match variant.quantity_caps[usize::from(*cap)].then {
            AtCap::Free => capped_free = above.plus(capped_free),
            AtCap::Stop => unserved = above.plus(unserved),
        }
        *left = left.minus(within);
        served = within;
    }
    let facts = variant.rates.get(usize::from(stream.rate));
    let converted = match facts {
        Some(facts) if facts.convert_unit > 0 => {
            convert(facts, workspace.note(stream.rate), served)
        }
        _ => served,
    };
    let mut beyond = converted;
    for draw in &variant.draws[stream.draws_from as usize..stream.draws_until as usize] {
        let pot = &mut workspace.pots[usize::from(draw.pot)];
        if *pot == 0 || beyond == 0 {
            continue;
        }
        let taken = if draw.weight == 1 {
            beyond.min(*pot)
        } else {
            beyond.min(divide(*pot, draw.weight).0)
        };
        // At most what is in the pot, so that the product fits.
        *pot = pot.minus(taken.times(draw.weight));
        beyond = beyond.minus(taken);
        sink.draw(user, stream, draw.pot, taken, draw.weight);
    }
    if facts.is_some() && beyond > 0 {
        let gathered = workspace.note(stream.rate);
        gathered.charged = gathered.charged.plus(beyond);
    }
    sink.stream(StreamOutcome {
        user,
        stream,
        quantity,
        capped_free,
        unserved,
        converted,
        beyond,
        estimated: estimated(),
    });
    Beyond {
        quantity: beyond,
        of: converted,
        served,
        used: quantity,
    }
}

/// Converts by running total, so that the parts of a month add up to the conversion of the whole.
#[inline(never)]
fn convert(facts: &RateFacts, rate_use: &mut RateUse, served: i64) -> i64 {
    let before = facts
        .convert_rounding
        .blocks(rate_use.raw, facts.convert_unit);
    rate_use.raw += served;
    let after = facts
        .convert_rounding
        .blocks(rate_use.raw, facts.convert_unit);
    (after - before) * facts.convert_unit
}

/// Charge for `events` events that together have `quantity` units, as if they were equally long.
fn average_events(
    variant: &Variant,
    rate: usize,
    facts: &RateFacts,
    quantity: i64,
    events: i64,
) -> i128 {
    let events = events.max(1);
    let (shorter, longer_events) = (quantity / events, quantity % events);
    let cost = |units| event_charge(variant, rate, facts, units, units > 0);
    cost(shorter) * i128::from(events - longer_events)
        + cost(shorter + 1) * i128::from(longer_events)
}

/// Charge for one event of a rate whose tiers begin anew with each.
pub(super) fn event_charge(
    variant: &Variant,
    rate: usize,
    facts: &RateFacts,
    units: i64,
    with_setup: bool,
) -> i128 {
    if facts.wide {
        event_charge_in::<i128>(variant, rate, units, with_setup)
    } else {
        event_charge_in::<i64>(variant, rate, units, with_setup).into()
    }
}

fn event_charge_in<N: Priced>(variant: &Variant, rate: usize, units: i64, with_setup: bool) -> N {
    let (row, tiers) = N::row(variant, rate);
    let mut amount = if units > 0 {
        tiers::charge(row, tiers, units, &mut ())
    } else {
        N::default()
    };
    if with_setup {
        amount = amount.plus(row.setup);
    }
    if amount > N::default() {
        amount = amount.max(row.event_minimum);
    }
    if row.event_maximum >= N::default() {
        amount.min(row.event_maximum)
    } else {
        amount
    }
}
