//! Meters a customer's usage once for all plans of a catalogue.
//!
//! The result holds, month by month, one number per meter of the catalogue. It depends on the usage and the catalogue only, so
//! a customer's 60 candidate plans share it. Where the answer to a meter cannot be known from totals it is estimated, and marked.

use crate::cells::{Kind, Measure};
use crate::compile::{CompiledCatalogue, Meter, Profile};
use crate::limits::METER_MAX;
use crate::number::{BlockRounding, Exact};
use crate::usage::{CustomerUsage, MonthUsage, UsageEvent, UsageLine};

/// Usage that is too large to be priced safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the usage of one month adds up to more than can be priced")]
pub struct UsageTooLarge;

/// A customer's months, metered.
#[derive(Clone, Debug)]
pub struct MeteredUsage {
    /// The customer first, then the family members.
    pub users: Vec<MeteredUser>,
}

/// One user's months, metered.
#[derive(Clone, Debug)]
pub struct MeteredUser {
    /// Months in order.
    pub months: Vec<MeteredMonth>,
}

/// One user's month, metered.
#[derive(Clone, Debug, Default)]
pub struct MeteredMonth {
    /// Totals by meter, without the events.
    pub meters: Vec<i64>,
    /// Which of them are estimates.
    pub estimated: Vec<bool>,
    /// Events in the order of time.
    pub events: Vec<UsageEvent>,
}

impl CompiledCatalogue {
    /// Meters all months of a customer and the family.
    ///
    /// # Errors
    /// When lines that are acceptable one by one add up to more than [`METER_MAX`].
    pub fn meter(&self, usage: &CustomerUsage) -> Result<MeteredUsage, UsageTooLarge> {
        let members = usage.family.iter().map(|member| &member.months);
        let users = std::iter::once(&usage.months)
            .chain(members)
            .map(|months| {
                Ok(MeteredUser {
                    months: months
                        .iter()
                        .map(|month| self.meter_month(month))
                        .collect::<Result<_, _>>()?,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(MeteredUsage { users })
    }

    /// Meters one month.
    ///
    /// # Errors
    /// As [`Self::meter`].
    pub fn meter_month(&self, month: &MonthUsage) -> Result<MeteredMonth, UsageTooLarge> {
        let mut metered = MeteredMonth {
            events: month.events.clone(),
            ..MeteredMonth::default()
        };
        self.meter_lines(&month.lines, &mut metered)?;
        metered
            .events
            .retain(|event| !self.catalogue.switched_off[event.kind.index()]);
        let total =
            |quantity: fn(&UsageEvent) -> i64| metered.events.iter().map(quantity).sum::<i64>();
        if total(|event| event.seconds) > METER_MAX || total(|event| event.kb) > METER_MAX {
            return Err(UsageTooLarge);
        }
        Ok(metered)
    }

    /// Meters the totals of one month into `metered`, in place of what it held; nothing is allocated when it is used again.
    ///
    /// # Errors
    /// As [`Self::meter`].
    pub fn meter_lines(
        &self,
        lines: &[UsageLine],
        metered: &mut MeteredMonth,
    ) -> Result<(), UsageTooLarge> {
        let table = &self.meters;
        metered.meters.clear();
        metered.meters.resize(table.meters.len(), 0);
        metered.estimated.clear();
        metered.estimated.resize(table.meters.len(), false);
        for line in lines
            .iter()
            .filter(|line| !self.catalogue.switched_off[line.kind.index()])
        {
            for index in table.by_cell.get(line.cell).into_iter().flatten() {
                let position = *index as usize;
                let Some(meter) = table.meters.get(position) else {
                    continue;
                };
                let Some(profile) = table.profiles.get(meter.profile) else {
                    continue;
                };
                let (quantity, estimated) = answer(line, *profile);
                metered.meters[position] += quantity;
                metered.estimated[position] |=
                    quantity > 0 && (estimated || is_guessed(meter, line));
                if metered.meters[position] > METER_MAX {
                    return Err(UsageTooLarge);
                }
            }
        }
        Ok(())
    }
}

/// The meters of plans without add-ons that one line of totals moves, by what they ask of it: found once, for any number of customers
/// who have this line.
#[derive(Clone, Debug)]
pub(crate) struct LineMeters {
    questions: Vec<(Profile, Vec<u32>)>,
}

impl LineMeters {
    /// Of a line; what it holds does not matter, only where it belongs.
    pub(crate) fn of(catalogue: &CompiledCatalogue, line: &UsageLine) -> Self {
        let table = &catalogue.meters;
        let mut questions: Vec<(Profile, Vec<u32>)> = Vec::new();
        let is_off = catalogue.catalogue.switched_off[line.kind.index()];
        let meters = table.by_cell.get(line.cell).filter(|_| !is_off);
        for index in meters.into_iter().flatten() {
            let position = *index as usize;
            let meter = table.meters.get(position).filter(|_| position < table.bare);
            let Some(profile) = meter.and_then(|meter| table.profiles.get(meter.profile)) else {
                continue;
            };
            match questions.iter_mut().find(|(known, _)| known == profile) {
                Some((_, positions)) => positions.push(*index),
                None => questions.push((*profile, vec![*index])),
            }
        }
        Self { questions }
    }

    /// Adds the line to `meters`. The caller knows by [`line_bound`] that no sum leaves [`METER_MAX`].
    #[inline]
    pub(crate) fn add(&self, line: &UsageLine, meters: &mut [i64]) {
        for (profile, positions) in &self.questions {
            let (quantity, _) = answer(line, *profile);
            for position in positions {
                if let Some(meter) = meters.get_mut(*position as usize) {
                    *meter = meter.plus(quantity);
                }
            }
        }
    }
}

impl CompiledCatalogue {
    /// The longest increment that any plan asks for.
    pub(crate) fn increment_max(&self) -> i64 {
        let profiles = self.meters.profiles.iter();
        profiles
            .map(|profile| profile.increment_first.max(profile.increment_next))
            .max()
            .unwrap_or(1)
    }
}

/// At most so much does a line without billed units add to any meter whose increments are no longer than `increment_max`: each event is
/// rounded up by less than one increment, and a line without a number of events counts as one. At most 10¹⁵ for a line within
/// its bounds, so that all lines of a month can be added up.
pub(crate) fn line_bound(line: &UsageLine, increment_max: i64) -> i64 {
    let quantity = |quantity: Option<i64>| quantity.unwrap_or(0);
    let events = quantity(line.count).max(1);
    quantity(line.seconds) + quantity(line.kb) + events * 2 * increment_max
}

/// Whether a band or type of day that the line does not state decides about this meter.
fn is_guessed(meter: &Meter, line: &UsageLine) -> bool {
    (meter.depends_on_band && !line.band_stated) || (meter.depends_on_day && !line.day_stated)
}

/// The line's quantity as the profile rounds it, and whether that is an estimate.
fn answer(line: &UsageLine, profile: Profile) -> (i64, bool) {
    let total = match profile.measure {
        Measure::Count => {
            return (
                line.count.unwrap_or(0),
                line.count.is_none() && !matches!(line.kind, Kind::Sms | Kind::Mms),
            );
        }
        Measure::Seconds => line.seconds.unwrap_or(0),
        Measure::Kb => line.kb.unwrap_or(0),
    };
    let (first, next) = (profile.increment_first, profile.increment_next);
    if total == 0 || (first, next) == (1, 1) {
        return (total, false);
    }
    if profile.measure == Measure::Seconds {
        match ((first, next), line.billed_60s_units, line.billed_6s_units) {
            ((60, 60), Some(units), _) => return (units * 60, false),
            ((6, 6), _, Some(units)) => return (units * 6, false),
            _ => {}
        }
    }
    let known_steps = (profile.measure == Measure::Seconds && next == 6)
        .then_some(line.billed_6s_units)
        .flatten();
    (estimate(total, line.count, known_steps, first, next), true)
}

/// Estimate of the billed quantity of `count` events that together have `total`: on average an event ends in the middle of its
/// last step, and none is shorter than the first one. Known steps of the same length are better than that average.
fn estimate(
    total: i64,
    count: Option<i64>,
    known_steps: Option<i64>,
    first: i64,
    next: i64,
) -> i64 {
    let events = count.unwrap_or(1).max(1);
    let rounded = match known_steps {
        Some(steps) => steps.saturating_mul(next),
        None => BlockRounding::Up
            .blocks(
                total
                    .saturating_add(BlockRounding::Down.blocks(events.saturating_mul(next - 1), 2)),
                next,
            )
            .saturating_mul(next),
    };
    rounded.max(events.saturating_mul(first)).max(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what totals can tell exactly is exact; the rest is marked and lies between the possible extremes.
    #[test]
    fn totals_answer_exactly_or_say_that_they_estimate() {
        let line = UsageLine {
            cell: 0,
            kind: Kind::Voice,
            band_stated: true,
            day_stated: true,
            count: Some(10),
            seconds: Some(605),
            kb: None,
            billed_60s_units: Some(16),
            billed_6s_units: Some(106),
        };
        let ask = |first, next| {
            answer(
                &line,
                Profile {
                    measure: Measure::Seconds,
                    increment_first: first,
                    increment_next: next,
                },
            )
        };
        assert_eq!(ask(1, 1), (605, false));
        assert_eq!(ask(60, 60), (960, false));
        assert_eq!(ask(6, 6), (636, false));
        assert_eq!(ask(60, 6), (636, true), "not less than the 6-second steps");
        let (thirty, estimated) = ask(30, 30);
        assert!(
            estimated && (605..=605 + 10 * 29).contains(&thirty) && thirty % 30 == 0,
            "{thirty}"
        );
        assert_eq!(
            ask(180, 60),
            (1_800, true),
            "ten calls are at least ten first increments"
        );
        assert_eq!(answer(&line, Profile::EVENTS), (10, false));
    }
}
