//! The contacts of one customer in figures (FI-3): counts by channel and kind in windows of time, rates of success and of being
//! reached, and when the last contact was.
//!
//! Rates are whole per mille of the events whose outcome is known; without any there is no rate.

use std::collections::BTreeMap;

use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{EventKind, Outcome};

/// The windows, days back from now; the last count of a row is over all time.
pub const WINDOWS_DAYS: [i64; 3] = [30, 90, 365];

/// Counts in each window of [`WINDOWS_DAYS`], then over all time.
pub const WINDOW_COUNT: usize = WINDOWS_DAYS.len() + 1;

/// One per mille.
const PERMILLE: i64 = 1000;

/// Events of one channel, kind and outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Channel.
    pub channel: Channel,
    /// Kind.
    pub kind: EventKind,
    /// Outcome.
    pub outcome: Outcome,
    /// Events by window.
    pub events: [i64; WINDOW_COUNT],
    /// When the last of them was, unix milliseconds.
    pub last_at_unix_ms: i64,
}

/// Events that are summed up in one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Events by window.
    pub events: [i64; WINDOW_COUNT],
    /// Of those, with a known outcome.
    pub ended: [i64; WINDOW_COUNT],
    /// Of those, successful.
    pub succeeded: [i64; WINDOW_COUNT],
    /// Of those, with the customer reached.
    pub reached: [i64; WINDOW_COUNT],
    /// When the last event was, unix milliseconds.
    pub last_at_unix_ms: i64,
}

impl Line {
    fn add(&mut self, cell: &Cell) {
        let add = |sums: &mut [i64; WINDOW_COUNT], counts: bool| {
            if counts {
                for (sum, events) in sums.iter_mut().zip(cell.events) {
                    *sum += events;
                }
            }
        };
        add(&mut self.events, true);
        add(&mut self.ended, cell.outcome.is_final());
        add(&mut self.succeeded, cell.outcome.is_success());
        add(&mut self.reached, cell.outcome.reached());
        self.last_at_unix_ms = self.last_at_unix_ms.max(cell.last_at_unix_ms);
    }

    /// Successful events per mille of those that ended, by window.
    #[must_use]
    pub fn success_permille(&self) -> [Option<i64>; WINDOW_COUNT] {
        rates(&self.succeeded, &self.ended)
    }

    /// Events with the customer reached per mille of those that ended, by window.
    #[must_use]
    pub fn reached_permille(&self) -> [Option<i64>; WINDOW_COUNT] {
        rates(&self.reached, &self.ended)
    }
}

fn rates(parts: &[i64; WINDOW_COUNT], wholes: &[i64; WINDOW_COUNT]) -> [Option<i64>; WINDOW_COUNT] {
    std::array::from_fn(|window| {
        let whole = wholes[window];
        // Rounded down: a rate of 1000 means every one.
        (whole > 0).then(|| (parts[window] * PERMILLE).div_euclid(whole))
    })
}

/// The figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Everything.
    pub total: Line,
    /// By channel.
    pub by_channel: BTreeMap<Channel, Line>,
    /// By kind.
    pub by_kind: BTreeMap<EventKind, Line>,
    /// By channel and kind.
    pub by_channel_and_kind: BTreeMap<(Channel, EventKind), Line>,
}

impl Summary {
    /// Sums up cells, each of which is of another channel, kind or outcome.
    #[must_use]
    pub fn of(cells: &[Cell]) -> Self {
        let mut summary = Self::default();
        for cell in cells {
            summary.total.add(cell);
            summary
                .by_channel
                .entry(cell.channel)
                .or_default()
                .add(cell);
            summary.by_kind.entry(cell.kind).or_default().add(cell);
            summary
                .by_channel_and_kind
                .entry((cell.channel, cell.kind))
                .or_default()
                .add(cell);
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_add_up_and_rates_leave_out_what_is_pending() {
        let cell = |channel, kind, outcome, all| Cell {
            channel,
            kind,
            outcome,
            events: [1, 2, 3, all],
            last_at_unix_ms: all,
        };
        let cells = [
            cell(
                Channel::OutboundCall,
                EventKind::MarketingContact,
                Outcome::Accepted,
                4,
            ),
            cell(
                Channel::OutboundCall,
                EventKind::MarketingContact,
                Outcome::NoAnswer,
                8,
            ),
            cell(
                Channel::OutboundCall,
                EventKind::MarketingContact,
                Outcome::Pending,
                100,
            ),
            cell(
                Channel::WebHall,
                EventKind::BusinessQuery,
                Outcome::Succeeded,
                6,
            ),
        ];
        let summary = Summary::of(&cells);
        assert_eq!(summary.total.events, [4, 8, 12, 118]);
        let calls = &summary.by_channel[&Channel::OutboundCall];
        assert_eq!(
            (calls.events[3], calls.ended[3], calls.succeeded[3]),
            (112, 12, 4)
        );
        assert_eq!(
            calls.success_permille(),
            [Some(500), Some(500), Some(500), Some(333)]
        );
        assert_eq!(calls.reached_permille()[3], Some(333));
        assert_eq!(calls.last_at_unix_ms, 100);
        let both: i64 = summary.by_kind.values().map(|line| line.events[3]).sum();
        assert_eq!(both, summary.total.events[3]);
        assert_eq!(Line::default().success_permille(), [None; WINDOW_COUNT]);
    }
}
