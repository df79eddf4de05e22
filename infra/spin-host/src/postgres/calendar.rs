//! Dates and times between the interface (year, month, day, …) and PostgreSQL (days and microseconds since 2000-01-01).

/// A point in time as the interface writes it: year, month, day, hour, minute, second, nanosecond.
pub(crate) type DateTime = (i32, u8, u8, u8, u8, u8, u32);

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const MICROSECONDS_PER_DAY: i64 = 86_400 * MICROSECONDS_PER_SECOND;
const NANOSECONDS_PER_MICROSECOND: u32 = 1_000;
/// Days from 0000-03-01 to 2000-01-01 in the proleptic Gregorian calendar.
const DAYS_TO_EPOCH: i64 = 730_425;
/// Days of 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;
/// 2000-01-01 in seconds since 1970-01-01.
const EPOCH_UNIX_S: i64 = 946_684_800;
/// Dates that PostgreSQL can hold reach from 4713 BC to 5874897 AD; with these bounds nothing here can overflow.
const YEARS: std::ops::RangeInclusive<i32> = -4_713..=5_874_897;

/// Days since 2000-01-01, if there is such a date.
pub(crate) fn days_of(year: i32, month: u8, day: u8) -> Option<i32> {
    if !YEARS.contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
    {
        return None;
    }
    // Years that begin in March have their leap day last.
    let (shifted_year, shifted_month) = if month > 2 {
        (i64::from(year), i64::from(month) - 3)
    } else {
        (i64::from(year) - 1, i64::from(month) + 9)
    };
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let day_of_year = (153 * shifted_month + 2).div_euclid(5) + i64::from(day) - 1;
    let day_of_era =
        year_of_era * 365 + year_of_era.div_euclid(4) - year_of_era.div_euclid(100) + day_of_year;
    i32::try_from(era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH).ok()
}

/// Year, month and day of a number of days since 2000-01-01. The two ends of `i32` mean infinity and have none.
pub(crate) fn date_of(days: i32) -> Option<(i32, u8, u8)> {
    if days == i32::MAX || days == i32::MIN {
        return None;
    }
    date_of_days(i64::from(days))
}

/// Microseconds since midnight, if there is such a time. 24:00 is one, as in PostgreSQL; nanoseconds are cut.
pub(crate) fn microseconds_of(hour: u8, minute: u8, second: u8, nanosecond: u32) -> Option<i64> {
    let end_of_day = (hour, minute, second, nanosecond) == (24, 0, 0, 0);
    if !end_of_day && (hour > 23 || minute > 59 || second > 59 || nanosecond >= 1_000_000_000) {
        return None;
    }
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    Some(
        seconds * MICROSECONDS_PER_SECOND
            + i64::from(nanosecond.div_euclid(NANOSECONDS_PER_MICROSECOND)),
    )
}

/// Hour, minute, second and nanosecond of microseconds since midnight.
pub(crate) fn time_of(microseconds: i64) -> Option<(u8, u8, u8, u32)> {
    if !(0..=MICROSECONDS_PER_DAY).contains(&microseconds) {
        return None;
    }
    let seconds = microseconds.div_euclid(MICROSECONDS_PER_SECOND);
    let nanosecond = u32::try_from(microseconds.rem_euclid(MICROSECONDS_PER_SECOND)).ok()?
        * NANOSECONDS_PER_MICROSECOND;
    let part = |number: i64| u8::try_from(number).ok();
    Some((
        part(seconds.div_euclid(3_600))?,
        part(seconds.div_euclid(60).rem_euclid(60))?,
        part(seconds.rem_euclid(60))?,
        nanosecond,
    ))
}

/// Microseconds since 2000-01-01T00:00Z.
pub(crate) fn timestamp_of(
    (year, month, day, hour, minute, second, nanosecond): DateTime,
) -> Option<i64> {
    let days = i64::from(days_of(year, month, day)?);
    days.checked_mul(MICROSECONDS_PER_DAY)?
        .checked_add(microseconds_of(hour, minute, second, nanosecond)?)
}

/// The date and time of microseconds since 2000-01-01. The two ends of `i64` mean infinity and have none.
pub(crate) fn datetime_of(microseconds: i64) -> Option<DateTime> {
    if microseconds == i64::MAX || microseconds == i64::MIN {
        return None;
    }
    let (year, month, day) = date_of_days(microseconds.div_euclid(MICROSECONDS_PER_DAY))?;
    let (hour, minute, second, nanosecond) =
        time_of(microseconds.rem_euclid(MICROSECONDS_PER_DAY))?;
    Some((year, month, day, hour, minute, second, nanosecond))
}

/// Microseconds since 2000-01-01T00:00Z of seconds since 1970-01-01T00:00Z.
pub(crate) fn timestamp_of_unix(seconds: i64) -> Option<i64> {
    seconds
        .checked_sub(EPOCH_UNIX_S)?
        .checked_mul(MICROSECONDS_PER_SECOND)
}

fn date_of_days(days: i64) -> Option<(i32, u8, u8)> {
    let days = days.checked_add(DAYS_TO_EPOCH)?;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day_of_era - day_of_era.div_euclid(1_460) + day_of_era.div_euclid(36_524)
        - day_of_era.div_euclid(146_096))
    .div_euclid(365);
    let day_of_year =
        day_of_era - (365 * year_of_era + year_of_era.div_euclid(4) - year_of_era.div_euclid(100));
    let shifted_month = (5 * day_of_year + 2).div_euclid(153);
    let day = day_of_year - (153 * shifted_month + 2).div_euclid(5) + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some((
        i32::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    ))
}

fn days_in_month(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        date_of, datetime_of, days_of, microseconds_of, time_of, timestamp_of, timestamp_of_unix,
    };

    #[test]
    fn known_dates() {
        for (date, days) in [
            ((2000, 1, 1), 0),
            ((1970, 1, 1), -10_957),
            ((2000, 2, 29), 59),
            ((2026, 11, 22), 9_822),
            ((1, 1, 1), -730_119),
        ] {
            assert_eq!(days_of(date.0, date.1, date.2), Some(days), "{date:?}");
            assert_eq!(date_of(days), Some(date));
        }
        for (year, month, day) in [
            (2025, 2, 29),
            (1900, 2, 29),
            (2000, 13, 1),
            (2000, 0, 1),
            (2000, 4, 31),
            (2000, 1, 0),
            (9_999_999, 1, 1),
        ] {
            assert_eq!(days_of(year, month, day), None);
        }
        assert_eq!((date_of(i32::MAX), datetime_of(i64::MIN)), (None, None));
    }

    /// Goal: every day of 1200 years around the epoch comes back, in unbroken order.
    #[test]
    fn days_and_dates_are_inverse() {
        let mut previous = None;
        for days in -219_146..219_146 {
            let date = date_of(days).unwrap();
            assert_eq!(days_of(date.0, date.1, date.2), Some(days));
            assert!(previous < Some(date));
            previous = Some(date);
        }
    }

    #[test]
    fn times() {
        assert_eq!(
            microseconds_of(23, 59, 59, 999_999_999),
            Some(86_399_999_999)
        );
        assert_eq!(time_of(86_399_999_999), Some((23, 59, 59, 999_999_000)));
        assert_eq!(
            (microseconds_of(24, 0, 0, 0), microseconds_of(24, 0, 0, 1)),
            (Some(86_400_000_000), None)
        );
        let moment = (1969, 12, 31, 23, 59, 58, 500_000_000);
        assert_eq!(datetime_of(timestamp_of(moment).unwrap()), Some(moment));
        assert_eq!(timestamp_of_unix(0), timestamp_of((1970, 1, 1, 0, 0, 0, 0)));
        assert_eq!(timestamp_of_unix(i64::MAX), None);
    }
}
