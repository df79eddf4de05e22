//! Dates as files write them.

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// Years that are believed, in files and in answers.
const YEARS: std::ops::RangeInclusive<i64> = 1900..=2199;

/// Days since 1970-01-01 of `2026-05-01`, `2026/5/1`, `2026.5.1`, `20260501`, `2026年5月1日`; a time of day behind it does not count.
/// Nothing for days that no calendar has.
#[must_use]
pub(crate) fn parse(text: &[u8]) -> Option<i32> {
    let text = text.trim_ascii();
    let (year, rest) = number(text, 4, 4)?;
    let (month, day) = match rest {
        [separator @ (b'-' | b'/' | b'.'), rest @ ..] => {
            let (month, rest) = number(rest, 1, 2)?;
            let (day, rest) = number(rest.strip_prefix(&[*separator])?, 1, 2)?;
            is_end(rest).then_some((month, day))?
        }
        rest if rest.starts_with("年".as_bytes()) => {
            let (month, rest) = number(rest.strip_prefix("年".as_bytes())?, 1, 2)?;
            let (day, rest) = number(rest.strip_prefix("月".as_bytes())?, 1, 2)?;
            is_end(rest.strip_prefix("日".as_bytes())?).then_some((month, day))?
        }
        rest => {
            let (month, rest) = number(rest, 2, 2)?;
            let (day, rest) = number(rest, 2, 2)?;
            is_end(rest).then_some((month, day))?
        }
    };
    days(year, month, day)
}

/// `2026-05-01` of a number of days since 1970-01-01; nothing outside the years that are believed.
#[must_use]
pub(crate) fn text(days: i64) -> Option<String> {
    let (year, month, day) = civil(days)?;
    YEARS
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Nothing, or a time of day.
fn is_end(rest: &[u8]) -> bool {
    let rest = match rest {
        [] => return true,
        [b' ' | b'T', rest @ ..] => rest,
        _ => return false,
    };
    rest.first().is_some_and(u8::is_ascii_digit)
        && rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || b":.+-Z ".contains(byte))
}

/// A number of so many digits, and what follows it.
fn number(text: &[u8], digits_min: usize, digits_max: usize) -> Option<(i64, &[u8])> {
    let digits = text
        .iter()
        .take(digits_max)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = text
        .split_at_checked(digits)
        .filter(|(digits, _)| digits.len() >= digits_min)?;
    Some((
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')),
        rest,
    ))
}

// Both ways after Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> Option<i32> {
    if !YEARS.contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - EPOCH_DAYS;
    // The thirtieth of February comes back as another day.
    (civil(days) == Some((year, month, day)))
        .then(|| i32::try_from(days).ok())
        .flatten()
}

fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let shifted = days.checked_add(EPOCH_DAYS)?;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    Some((year_of_era + era * 400 + i64::from(month <= 2), month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_every_writing_are_read() {
        for writing in [
            "2026-05-01",
            "2026/5/1",
            "2026.05.1",
            "20260501",
            "2026年5月1日",
            "2026-05-01 13:45:00",
            "2026-05-01T00:00:00Z",
            " 2026-05-01 ",
        ] {
            assert_eq!(parse(writing.as_bytes()), Some(20_574), "{writing}");
        }
        for other in [
            "",
            "2026",
            "2026-5",
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "26-05-01",
            "2026-05-011",
            "2026-05/01",
            "1899-12-31",
            "2200-01-01",
            "202605",
            "2026-05-01x",
            "0000-00-00",
        ] {
            assert_eq!(parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn every_day_reads_back() {
        let first = parse(b"1900-01-01").unwrap();
        let last = parse(b"2199-12-31").unwrap();
        for day in first..=last {
            assert_eq!(parse(text(day.into()).unwrap().as_bytes()), Some(day));
        }
        assert_eq!(text(i64::from(last) + 1), None);
        assert_eq!(text(i64::MAX), None);
    }
}
