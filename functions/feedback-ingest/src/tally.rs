//! Daily sums: how many events there were, by everything that an evaluation asks for (ER-1).
//!
//! The day is the event's own in China, so a late event restates the sums of its day. The day on which it came is part of the
//! key too, so that a report can be made again as of any horizon: it leaves out what came later. Sums of independent batches
//! add up, whatever their order.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::timing::day_of;

/// What is counted together. The order of the fields is the order in which rows are written: two writers that meet in several rows
/// meet in the same order, and none waits for the other crosswise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TallyKey {
    /// The event's day, `YYYY-MM-DD`.
    pub day: String,
    /// The day on which it came.
    pub recorded_day: String,
    /// Channel.
    pub channel: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Outcome.
    pub outcome: &'static str,
    /// Region.
    pub region: String,
    /// Campaign; empty for none, because a key has no null.
    pub campaign: String,
    /// Batch of the campaign; empty for none.
    pub batch: String,
    /// Business; empty for none.
    pub business: String,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events.
    pub events: i64,
    /// Sum of their durations, seconds.
    pub duration_s: i64,
}

/// The sums over these events, which came at `recorded_unix_ms`. Events outside the calendar were refused before.
#[must_use]
pub fn tally_of<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    recorded_unix_ms: i64,
) -> BTreeMap<TallyKey, Tally> {
    let day_text = |unix_ms| day_of(unix_ms).map_or_else(String::new, |day| day.to_string());
    let recorded_day = day_text(recorded_unix_ms);
    let mut sums: BTreeMap<TallyKey, Tally> = BTreeMap::new();
    for event in events {
        let key = TallyKey {
            day: day_text(event.at_unix_ms),
            recorded_day: recorded_day.clone(),
            channel: event.channel.code(),
            kind: event.kind.code(),
            outcome: event.outcome.code(),
            region: event.region.as_str().to_owned(),
            campaign: event.campaign.clone().unwrap_or_default(),
            batch: event.batch.clone().unwrap_or_default(),
            business: event.business.clone().unwrap_or_default(),
        };
        let sum = sums.entry(key).or_default();
        // A duration is at most a day, so neither sum can reach its end within one commit.
        sum.events += 1;
        sum.duration_s += event.duration_s.unwrap_or_default();
    }
    sums
}
