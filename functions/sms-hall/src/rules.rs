//! When marketing messages may go, and how many messages one customer gets in a day: data that a province edits.
//!
//! Hours are of the day in China. What is said of a date stands above what is said of its day of the week, and that above the ordinary hours.
//!
//! Invariant: hours begin before they end, within one day, so that a night between two days is never open.

use std::collections::BTreeMap;

use chudian_vocabulary::{Date, Weekday};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Minutes of a day.
pub const DAY_MINUTES: u32 = 24 * 60;

/// How far ahead an opening is looked for, days: longer than any message waits.
const OPENING_DAYS_MAX: usize = 40;

/// The hours of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    opens_minute: u32,
    closes_minute: u32,
}

impl Hours {
    /// From the first minute to the second, which no longer belongs to them. Nothing when they do not begin before they end, within a day.
    #[must_use]
    pub fn new(opens_minute: u32, closes_minute: u32) -> Option<Self> {
        (opens_minute < closes_minute && closes_minute <= DAY_MINUTES).then_some(Self {
            opens_minute,
            closes_minute,
        })
    }

    /// The first minute.
    #[must_use]
    pub const fn opens_minute(self) -> u32 {
        self.opens_minute
    }

    /// The first minute that no longer belongs to them.
    #[must_use]
    pub const fn closes_minute(self) -> u32 {
        self.closes_minute
    }
}

/// What is said of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayHours {
    /// Marketing messages go in these hours.
    Open(Hours),
    /// None go.
    Closed,
}

/// The rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingRules {
    /// The hours of a day of which nothing else is said.
    pub hours: Hours,
    /// What is said of days of the week, Monday being 0.
    pub weekdays: BTreeMap<u32, DayHours>,
    /// What is said of single days.
    pub days: BTreeMap<Date, DayHours>,
    /// Replies that a customer gets in a day; one confirmation of a refusal goes in any case.
    pub replies_per_day_max: u32,
    /// Marketing messages that a customer gets in a day.
    pub marketing_per_day_max: u32,
}

impl Default for SendingRules {
    /// What holds until a province sets its own: the hours in which the field sends, 08:00 to 21:00.
    fn default() -> Self {
        Self {
            hours: Hours {
                opens_minute: 8 * 60,
                closes_minute: 21 * 60,
            },
            weekdays: BTreeMap::new(),
            days: BTreeMap::new(),
            replies_per_day_max: crate::limits::REPLIES_PER_DAY_DEFAULT,
            marketing_per_day_max: crate::limits::MARKETING_PER_DAY_DEFAULT,
        }
    }
}

impl SendingRules {
    /// The hours of a day.
    #[must_use]
    pub fn of_day(&self, day: Date) -> DayHours {
        let weekday = || {
            self.weekdays
                .get(&day.weekday().num_days_from_monday())
                .copied()
        };
        self.days
            .get(&day)
            .copied()
            .or_else(weekday)
            .unwrap_or(DayHours::Open(self.hours))
    }

    /// The first moment from `now` on in which marketing messages may go; nothing when there is none as far as is looked.
    #[must_use]
    pub fn opening_from(&self, now_unix_ms: i64) -> Option<i64> {
        let today = Date::in_china(now_unix_ms)?;
        std::iter::successors(Some(today), |day| day.next())
            .take(OPENING_DAYS_MAX)
            .find_map(|day| {
                let DayHours::Open(hours) = self.of_day(day) else {
                    return None;
                };
                let at =
                    |minute: u32| day.begins_in_china_unix_ms() + i64::from(minute) * MINUTE_MS;
                let opens = at(hours.opens_minute).max(now_unix_ms);
                (opens < at(hours.closes_minute)).then_some(opens)
            })
    }
}

/// The first moment of the day in China after the one of `now`, and of that day itself; nothing at the calendar's end.
#[must_use]
pub fn day_bounds(now_unix_ms: i64) -> Option<(i64, i64)> {
    let today = Date::in_china(now_unix_ms)?;
    let begins = today.begins_in_china_unix_ms();
    Some((begins, today.next()?.begins_in_china_unix_ms()))
}

/// The days of the week as documents name them.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T00:00:00+08:00, a Sunday.
    const MIDNIGHT: i64 = 1_795_276_800_000;
    const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

    const fn at(hour: i64, minute: i64, ms: i64) -> i64 {
        MIDNIGHT + (hour * 60 + minute) * MINUTE_MS + ms
    }

    /// Goal: both edges of the hours, on both sides, over midnight and over a year's end.
    #[test]
    fn the_ordinary_hours_have_their_edges() {
        let rules = SendingRules::default();
        let tomorrow = at(24 + 8, 0, 0);
        for (now, expected) in [
            (at(0, 0, 0), at(8, 0, 0)),
            (at(7, 59, 59_999), at(8, 0, 0)),
            (at(8, 0, 0), at(8, 0, 0)),
            (at(12, 0, 0), at(12, 0, 0)),
            (at(20, 59, 59_999), at(20, 59, 59_999)),
            (at(21, 0, 0), tomorrow),
            (at(23, 59, 59_999), tomorrow),
            // 2026-12-31T21:00:00+08:00.
            (
                MIDNIGHT + 39 * DAY_MS + 21 * 60 * MINUTE_MS,
                at(40 * 24 + 8, 0, 0),
            ),
        ] {
            assert_eq!(rules.opening_from(now), Some(expected), "{now}");
        }
        assert_eq!(rules.opening_from(i64::MAX), None);
    }

    /// Goal: a date stands above its weekday, that above the ordinary hours; closed days are passed over; what is closed for ever opens never.
    #[test]
    fn exceptions_stand_above_the_ordinary_hours() {
        let sunday = Date::parse("2026-11-22").unwrap();
        let monday = Date::parse("2026-11-23").unwrap();
        let hours =
            |opens: u32, closes: u32| DayHours::Open(Hours::new(opens * 60, closes * 60).unwrap());
        let mut rules = SendingRules::default();
        rules.weekdays.insert(6, hours(10, 12));
        assert_eq!(rules.opening_from(at(8, 0, 0)), Some(at(10, 0, 0)));
        assert_eq!(rules.opening_from(at(12, 0, 0)), Some(at(24 + 8, 0, 0)));
        rules.days.insert(sunday, hours(9, 22));
        assert_eq!(rules.opening_from(at(8, 0, 0)), Some(at(9, 0, 0)));
        assert_eq!(rules.opening_from(at(21, 59, 0)), Some(at(21, 59, 0)));
        rules.days.insert(sunday, DayHours::Closed);
        rules.days.insert(monday, DayHours::Closed);
        assert_eq!(rules.opening_from(at(12, 0, 0)), Some(at(48 + 8, 0, 0)));
        for weekday in 0..7 {
            rules.weekdays.insert(weekday, DayHours::Closed);
        }
        assert_eq!(rules.opening_from(at(12, 0, 0)), None);
    }

    #[test]
    fn hours_begin_before_they_end() {
        for (opens, closes, fits) in [
            (0, DAY_MINUTES, true),
            (0, 1, true),
            (600, 600, false),
            (601, 600, false),
            (0, DAY_MINUTES + 1, false),
        ] {
            assert_eq!(
                Hours::new(opens, closes).is_some(),
                fits,
                "{opens} {closes}"
            );
        }
        assert_eq!(day_bounds(at(12, 0, 0)), Some((at(0, 0, 0), at(24, 0, 0))));
    }
}
