//! Takes single events apart, in the order of time: increments, bands, allowances, set-up fees.

use super::draw::{Beyond, draw as draw_stream, event_charge};
use super::{Sink, Workspace};
use crate::cells::{Cell, Measure};
use crate::compile::{StreamRow, StreamTable, Variant};
use crate::metering::MeteredMonth;
use crate::usage::UsageEvent;

/// Draws all events of a user.
#[inline(never)]
pub(super) fn draw<S: Sink>(
    variant: &Variant,
    table: &StreamTable,
    user: usize,
    metered: &MeteredMonth,
    workspace: &mut Workspace,
    sink: &mut S,
) {
    // Rates that the event runs through, with its units beyond allowances.
    let mut touched: Vec<(u16, i64)> = Vec::new();
    for event in &metered.events {
        touched.clear();
        walk(event, table, |stream, quantity| {
            let Beyond {
                quantity: beyond, ..
            } = draw_stream(variant, stream, user, quantity, || false, workspace, sink);
            match touched.iter_mut().find(|(rate, _)| *rate == stream.rate) {
                Some((_, units)) => *units += beyond,
                None => touched.push((stream.rate, beyond)),
            }
        });
        settle(&touched, variant, workspace);
    }
}

/// Calls `part` with every stream that the event runs through and its billed units there. An increment belongs to the band in
/// which it begins; the first increment and the set-up fee belong to the beginning of the event.
fn walk<'a>(event: &UsageEvent, table: &'a StreamTable, mut part: impl FnMut(&'a StreamRow, i64)) {
    let stream_of = |cell: Cell| {
        table
            .by_cell
            .get(cell)
            .and_then(|stream| table.rows.get(usize::from(*stream)))
    };
    let Some(first) = event.path.first().and_then(|(_, cell)| stream_of(*cell)) else {
        return;
    };
    if first.profile.measure != Measure::Seconds {
        let quantity = match first.profile.measure {
            Measure::Kb => first.profile.round(event.kb),
            _ => 1,
        };
        if quantity > 0 {
            part(first, quantity);
        }
        return;
    }
    let mut position = 0;
    for (index, (entered, cell)) in event.path.iter().enumerate() {
        let until = event
            .path
            .get(index + 1)
            .map_or(event.seconds, |(next, _)| *next)
            .min(event.seconds);
        let Some(stream) = stream_of(*cell) else {
            continue;
        };
        if position >= until || *entered >= event.seconds {
            continue;
        }
        let began = position;
        let profile = stream.profile;
        if index == 0 {
            position += profile.increment_first;
        }
        if position < until {
            let steps = (until - position) / profile.increment_next
                + i64::from((until - position) % profile.increment_next > 0);
            position += steps * profile.increment_next;
        }
        part(stream, position - began);
    }
}

/// Adds an event's set-up fee and, where tiers begin anew with each event, its charge. The set-up fee belongs to the rate in which
/// the event began, and is due when any part of the event is beyond the allowances.
fn settle(touched: &[(u16, i64)], variant: &Variant, workspace: &mut Workspace) {
    let any_beyond = touched.iter().any(|(_, beyond)| *beyond > 0);
    for (position, (rate, beyond)) in touched.iter().enumerate() {
        let Some(facts) = variant.rates.get(usize::from(*rate)) else {
            continue;
        };
        let starts_here = position == 0 && any_beyond && facts.needs_events;
        if starts_here {
            workspace.note(*rate).setups += 1;
        }
        if facts.over_event {
            workspace.event_amounts[usize::from(*rate)] +=
                event_charge(variant, usize::from(*rate), facts, *beyond, starts_here);
        }
    }
}
