//! Days and months of the civil calendar, as bills know them: no clock and no time zone.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// Day of the week, Monday first.
pub use chrono::Weekday;

/// First and last year that are accepted: anything else is a typing error.
const YEARS: std::ops::RangeInclusive<i32> = 1990..=2199;

/// Seconds of a day.
const SECONDS_PER_DAY: i64 = 86_400;

/// Milliseconds of a second.
const MS_PER_S: i64 = 1_000;

/// China has one time zone, eight hours before UTC, and no summer time since 1991.
pub const CHINA_OFFSET_S: i64 = 8 * 3_600;

/// Why a text is not a day or a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not of the form `YYYY-MM-DD`, or no such day.
    #[error("not a date of the form YYYY-MM-DD")]
    Date,
    /// Not of the form `YYYY-MM`, or no such month.
    #[error("not a month of the form YYYY-MM")]
    Month,
}

/// A day, written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(NaiveDate);

/// A calendar month, written `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: i32,
    /// 1..=12.
    month: u32,
}

/// Reads exactly `length` ASCII digits.
fn number(text: &str, length: usize) -> Option<u32> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

impl Date {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`CalendarError::Date`] for another form, a day that does not exist, or a year out of range.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let mut parts = text.splitn(3, '-');
        let mut next = |length| {
            parts
                .next()
                .and_then(|part| number(part, length))
                .ok_or(CalendarError::Date)
        };
        let (year, month, day) = (next(4)?, next(2)?, next(2)?);
        let year = i32::try_from(year)
            .ok()
            .filter(|year| YEARS.contains(year))
            .ok_or(CalendarError::Date)?;
        NaiveDate::from_ymd_opt(year, month, day)
            .map(Self)
            .ok_or(CalendarError::Date)
    }

    /// The day that began at or before so many seconds after 1970-01-01T00:00:00; nothing outside the accepted years.
    #[must_use]
    pub fn of_unix_seconds(seconds: i64) -> Option<Self> {
        let day = chrono::DateTime::from_timestamp(seconds, 0)?.date_naive();
        YEARS.contains(&day.year()).then_some(Self(day))
    }

    /// The day so many days after 1970-01-01; nothing outside the accepted years.
    #[must_use]
    pub fn of_unix_days(days: i32) -> Option<Self> {
        Self::of_unix_seconds(i64::from(days) * SECONDS_PER_DAY)
    }

    /// The day in China on which a moment lies; nothing outside the accepted years.
    #[must_use]
    pub fn in_china(unix_ms: i64) -> Option<Self> {
        Self::of_unix_seconds(unix_ms.div_euclid(MS_PER_S).checked_add(CHINA_OFFSET_S)?)
    }

    /// The first millisecond of the day in China.
    #[must_use]
    pub fn begins_in_china_unix_ms(self) -> i64 {
        (i64::from(self.unix_days()) * SECONDS_PER_DAY - CHINA_OFFSET_S) * MS_PER_S
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn unix_days(self) -> i32 {
        // The accepted years lie within some 84,000 days of 1970.
        i32::try_from((self.0 - NaiveDate::default()).num_days()).unwrap_or_default()
    }

    /// The same day so many months earlier, or the last day of that month where it is shorter; nothing before the accepted years.
    #[must_use]
    pub fn months_before(self, months: u32) -> Option<Self> {
        let day = self.0.checked_sub_months(chrono::Months::new(months))?;
        YEARS.contains(&day.year()).then_some(Self(day))
    }

    /// The month in which the day lies.
    #[must_use]
    pub fn month(self) -> Month {
        Month {
            year: self.0.year(),
            month: self.0.month(),
        }
    }

    /// Day of the month, from 1.
    #[must_use]
    pub fn day(self) -> u32 {
        self.0.day()
    }

    /// Day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        self.0.weekday()
    }

    /// The next day, or nothing at the end of the calendar.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.succ_opt().map(Self)
    }
}

impl Month {
    /// Reads `YYYY-MM`.
    ///
    /// # Errors
    /// [`CalendarError::Month`] for another form, a month that does not exist, or a year out of range.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let (year, month) = text.split_once('-').ok_or(CalendarError::Month)?;
        let year = number(year, 4)
            .and_then(|year| i32::try_from(year).ok())
            .filter(|year| YEARS.contains(year));
        let month = number(month, 2).filter(|month| (1..=12).contains(month));
        match (year, month) {
            (Some(year), Some(month)) => Ok(Self { year, month }),
            _ => Err(CalendarError::Month),
        }
    }

    /// Months since January of year 0, so that differences are plain subtraction.
    #[must_use]
    pub fn ordinal(self) -> i32 {
        self.year * 12 + self.month.cast_signed() - 1
    }

    /// The next month, or nothing at the end of the calendar.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let next = if self.month == 12 {
            Self {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Self {
                month: self.month + 1,
                ..self
            }
        };
        YEARS.contains(&next.year).then_some(next)
    }

    /// The first millisecond of the month in China, and the first behind it; nothing at the end of the calendar.
    #[must_use]
    pub fn in_china_unix_ms(self) -> Option<(i64, i64)> {
        let begins = |month: Self| {
            NaiveDate::from_ymd_opt(month.year, month.month, 1)
                .map(|day| Date(day).begins_in_china_unix_ms())
        };
        Some((begins(self)?, begins(self.next()?)?))
    }

    /// Number of days, 28 to 31.
    #[must_use]
    pub fn days(self) -> u32 {
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if NaiveDate::from_ymd_opt(self.year, 2, 29).is_some() => 29,
            2 => 28,
            _ => 31,
        }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{:02}", self.month(), self.day())
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

impl TryFrom<String> for Date {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, CalendarError> {
        Self::parse(&text)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for Month {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, CalendarError> {
        Self::parse(&text)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_begin_at_midnight_in_china() {
        let bounds = |text| Month::parse(text).unwrap().in_china_unix_ms();
        // 2026-10-31T16:00:00Z and 2026-11-30T16:00:00Z.
        assert_eq!(
            bounds("2026-11"),
            Some((1_793_462_400_000, 1_796_054_400_000))
        );
        assert_eq!(bounds("2026-12").unwrap().0, bounds("2026-11").unwrap().1);
        assert_eq!(bounds("2027-01").unwrap().0, bounds("2026-12").unwrap().1);
        assert_eq!(bounds("2199-12"), None);
        let (first, next) = bounds("2026-11").unwrap();
        let day = |unix_ms| Date::in_china(unix_ms).map(|day| day.to_string());
        assert_eq!(day(first).as_deref(), Some("2026-11-01"));
        assert_eq!(day(first - 1).as_deref(), Some("2026-10-31"));
        assert_eq!(day(next - 1).as_deref(), Some("2026-11-30"));
        assert_eq!(day(i64::MAX), None);
        let date = Date::in_china(first + 1).unwrap();
        assert_eq!(date.begins_in_china_unix_ms(), first);
    }

    #[test]
    fn only_real_days_in_the_stated_form() {
        for text in ["2026-02-28", "2024-02-29", "2026-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2026-02-29",
            "2026-2-28",
            "2026-13-01",
            "26-01-01",
            "2026-01-01T00",
            "",
            "2026-01",
            "0001-01-01",
        ] {
            assert_eq!(Date::parse(text), Err(CalendarError::Date), "{text}");
        }
        assert_eq!(
            Date::parse("2026-01-31")
                .unwrap()
                .next()
                .unwrap()
                .to_string(),
            "2026-02-01"
        );
    }

    #[test]
    fn days_count_from_1970() {
        for (text, days) in [
            ("1990-01-01", 7_305),
            ("2000-02-29", 11_016),
            ("2026-11-22", 20_779),
        ] {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.unix_days(), days, "{text}");
            assert_eq!(Date::of_unix_days(days), Some(date), "{text}");
        }
        assert_eq!(Date::of_unix_days(0), None);
        let before = |text, months| {
            let date = Date::parse(text).unwrap().months_before(months);
            date.map(|date| date.to_string())
        };
        assert_eq!(before("2026-03-31", 1).as_deref(), Some("2026-02-28"));
        assert_eq!(before("2026-03-15", 6).as_deref(), Some("2025-09-15"));
        assert_eq!(before("2026-03-15", u32::MAX), None);
    }

    #[test]
    fn months_count_and_know_their_length() {
        let month = |text| Month::parse(text).unwrap();
        assert_eq!(month("2026-01").ordinal() - month("2025-11").ordinal(), 2);
        assert_eq!(
            ["2024-02", "2026-02", "2026-04", "2026-12"].map(|text| month(text).days()),
            [29, 28, 30, 31]
        );
        for text in ["2026-00", "2026-13", "2026-1", "2026", "2026-01-01", "一月"] {
            assert_eq!(Month::parse(text), Err(CalendarError::Month), "{text}");
        }
    }
}
