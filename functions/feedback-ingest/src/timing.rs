//! When an event happened, against when it came: late events are welcome and marked, clocks that run ahead are bounded.

use chudian_vocabulary::Date;

use crate::fault::Fault;
use crate::limits::{
    CLOCK_AHEAD_MS_MAX, CLOCK_AHEAD_UNREMARKED_MS, LATE_AFTER_MS, VERY_OLD_AFTER_MS,
};

/// What is remarkable about an accepted event: a set of bits, as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(i64);

impl Flags {
    /// It came more than a day after it happened.
    pub const LATE: Self = Self(1);
    /// It came more than 400 days after it happened.
    pub const VERY_OLD: Self = Self(2);
    /// Its time lies in the future by more than clocks differ.
    pub const CLOCK_AHEAD: Self = Self(4);
    /// It had no time of its own; the time at which it came stands for it.
    pub const WITHOUT_TIME: Self = Self(8);
    /// A telephone number in one of its texts was masked.
    pub const NUMBER_MASKED: Self = Self(16);

    /// Every flag with its code.
    const CODES: [(Self, &'static str); 5] = [
        (Self::LATE, "late"),
        (Self::VERY_OLD, "very-old"),
        (Self::CLOCK_AHEAD, "clock-ahead"),
        (Self::WITHOUT_TIME, "without-time"),
        (Self::NUMBER_MASKED, "number-masked"),
    ];

    /// The flags as stored.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// The flags that were stored as `bits`.
    #[must_use]
    pub const fn of_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// These and `other`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Codes of the flags that are set, in their order.
    #[must_use]
    pub fn codes(self) -> Vec<&'static str> {
        let set = |flag: Self| self.0 & flag.0 != 0;
        Self::CODES
            .iter()
            .filter(|(flag, _)| set(*flag))
            .map(|(_, code)| *code)
            .collect()
    }
}

/// Reads an RFC 3339 moment, unix milliseconds. A moment without a zone is none: nobody knows when it was.
#[must_use]
pub fn moment(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|moment| moment.timestamp_millis())
}

/// The day in China on which a moment lies; nothing outside the calendar.
#[must_use]
pub fn day_of(unix_ms: i64) -> Option<Date> {
    Date::in_china(unix_ms)
}

/// Judges an event's time against the time at which it came.
///
/// # Errors
/// [`Fault::TimeInTheFuture`] and [`Fault::TimeOutOfRange`].
pub fn judge(at_unix_ms: i64, received_unix_ms: i64) -> Result<Flags, Fault> {
    day_of(at_unix_ms).ok_or(Fault::TimeOutOfRange)?;
    let age_ms = received_unix_ms.saturating_sub(at_unix_ms);
    if -age_ms > CLOCK_AHEAD_MS_MAX {
        return Err(Fault::TimeInTheFuture);
    }
    Ok(if age_ms > VERY_OLD_AFTER_MS {
        Flags::LATE.and(Flags::VERY_OLD)
    } else if age_ms > LATE_AFTER_MS {
        Flags::LATE
    } else if -age_ms > CLOCK_AHEAD_UNREMARKED_MS {
        Flags::CLOCK_AHEAD
    } else {
        Flags::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T04:00:00Z.
    const NOW: i64 = 1_795_320_000_000;
    const DAY: i64 = 86_400_000;

    /// Goal: pin each edge, since a report's day and a rejection hang on it.
    #[test]
    fn the_edges_of_lateness_and_skew() {
        let table = [
            (NOW, Ok(vec![])),
            (NOW - DAY, Ok(vec![])),
            (NOW - DAY - 1, Ok(vec!["late"])),
            (NOW - 400 * DAY, Ok(vec!["late"])),
            (NOW - 400 * DAY - 1, Ok(vec!["late", "very-old"])),
            (NOW - 3_653 * DAY, Ok(vec!["late", "very-old"])),
            (NOW + 300_000, Ok(vec![])),
            (NOW + 300_001, Ok(vec!["clock-ahead"])),
            (NOW + DAY, Ok(vec!["clock-ahead"])),
            (NOW + DAY + 1, Err(Fault::TimeInTheFuture)),
            (0, Err(Fault::TimeOutOfRange)),
            (i64::MIN, Err(Fault::TimeOutOfRange)),
            (i64::MAX, Err(Fault::TimeOutOfRange)),
        ];
        for (at, expected) in table {
            assert_eq!(judge(at, NOW).map(Flags::codes), expected, "{at}");
        }
    }

    #[test]
    fn a_moment_has_a_zone() {
        assert_eq!(moment("2026-11-22T12:00:00+08:00"), Some(NOW));
        assert_eq!(moment("2026-11-22T04:00:00.000Z"), Some(NOW));
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T12:00:00",
            "2026-13-01T00:00:00Z",
            "1795320000000",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn days_begin_at_midnight_in_china() {
        let day = |unix_ms| day_of(unix_ms).map(|day| day.to_string());
        assert_eq!(day(NOW + 12 * 3_600_000 - 1).as_deref(), Some("2026-11-22"));
        assert_eq!(day(NOW + 12 * 3_600_000).as_deref(), Some("2026-11-23"));
    }

    #[test]
    fn flags_read_back() {
        let flags = Flags::LATE.and(Flags::NUMBER_MASKED);
        assert_eq!(
            Flags::of_bits(flags.bits()).codes(),
            ["late", "number-masked"]
        );
    }
}
