//! Moments as files write them, as RFC 3339 in UTC: the same moment always has the same text, whatever it was written in.

use crate::dates;

/// Minutes before UTC of a moment that says no zone: the whole of China has one time.
const CHINA_OFFSET_MINUTES: i64 = 8 * 60;

/// Milliseconds.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Digits of `20261122115803`, and of its day.
const COMPACT_DIGITS: usize = 14;
const COMPACT_DAY_DIGITS: usize = 8;

/// The moment of a cell in UTC, `2026-11-22T03:58:03Z`, with milliseconds where there are any. A moment without a zone is China's; a day without
/// a time of day is its first moment. Nothing for what is no moment.
pub(super) fn parse(cell: &str) -> Option<String> {
    let cell = cell.trim();
    let (day, rest) = split(cell)?;
    let days = i64::from(dates::parse(day.as_bytes())?);
    let (time_ms, zone) = time_of_day(rest)?;
    let offset = zone.unwrap_or(CHINA_OFFSET_MINUTES);
    text(days * DAY_MS + time_ms - offset * MINUTE_MS)
}

/// The day and the rest.
fn split(cell: &str) -> Option<(&str, &str)> {
    let digits = cell.bytes().take_while(u8::is_ascii_digit).count();
    if digits == COMPACT_DIGITS || digits == COMPACT_DAY_DIGITS {
        return cell.split_at_checked(COMPACT_DAY_DIGITS);
    }
    if let Some(end) = cell.find('日') {
        return cell.split_at_checked(end + '日'.len_utf8());
    }
    let end = cell.find([' ', 'T', 't']).unwrap_or(cell.len());
    cell.split_at_checked(end)
}

/// Milliseconds of a time of day, and the minutes of its zone: nothing, `11:58`, `11:58:03`, `11:58:03.250`, `115803`, `11时58分`, `11时58分3秒`, each
/// with `Z` or `+08:00` behind it or not.
fn time_of_day(rest: &str) -> Option<(i64, Option<i64>)> {
    let rest = rest.trim_start_matches([' ', 'T', 't']).trim_end();
    if rest.is_empty() {
        return Some((0, None));
    }
    let (time, zone) = zone(rest)?;
    let time = time.trim_end();
    let (hour, minute, second) = if let Some((hour, rest)) = time.split_once('时') {
        let (minute, rest) = rest.split_once('分')?;
        let second = if rest.is_empty() {
            "0"
        } else {
            rest.strip_suffix('秒')?
        };
        (hour, minute, second)
    } else if time.len() == COMPACT_DIGITS - COMPACT_DAY_DIGITS && !time.contains(':') {
        (time.get(..2)?, time.get(2..4)?, time.get(4..)?)
    } else {
        let (hour, rest) = time.split_once(':')?;
        let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
        (hour, minute, second)
    };
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let within = |text: &str, below: i64| number(text).filter(|number| *number < below);
    let (hour, minute, second) = (within(hour, 24)?, within(minute, 60)?, within(second, 60)?);
    let whole_ms = ((hour * 60 + minute) * 60 + second) * 1_000;
    Some((whole_ms + milliseconds(fraction)?, zone))
}

/// What stands before the zone, and the zone's minutes.
fn zone(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, Some(0)));
    }
    let Some(place) = text.rfind(['+', '-']) else {
        return Some((text, None));
    };
    let (time, zone) = text.split_at_checked(place)?;
    let (sign, digits) = zone.split_at_checked(1)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    let (hours, minutes) = (
        number(hours).filter(|hours| *hours < 24)?,
        number(minutes).filter(|minutes| *minutes < 60)?,
    );
    let minutes = hours * 60 + minutes;
    Some((time, Some(if sign == "-" { -minutes } else { minutes })))
}

/// One or two digits.
fn number(text: &str) -> Option<i64> {
    let is_plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// The milliseconds of a fraction of a second; finer digits do not count.
fn milliseconds(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().ok()
}

/// A moment as text; nothing outside the years that are believed.
fn text(unix_ms: i64) -> Option<String> {
    let day = dates::text(unix_ms.div_euclid(DAY_MS))?;
    let of_day = unix_ms.rem_euclid(DAY_MS);
    let (seconds, ms) = (of_day.div_euclid(1_000), of_day.rem_euclid(1_000));
    let (hour, minute, second) = (
        seconds.div_euclid(3_600),
        seconds.div_euclid(60).rem_euclid(60),
        seconds.rem_euclid(60),
    );
    let fraction = if ms == 0 {
        String::new()
    } else {
        format!(".{ms:03}")
    };
    Some(format!(
        "{day}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: one moment has one text, so that it has one id, however the file was written.
    #[test]
    fn every_writing_of_a_moment_is_the_same_moment() {
        for writing in [
            "2026-11-22 11:58:03",
            "2026-11-22T11:58:03",
            "2026-11-22T11:58:03+08:00",
            "2026-11-22T11:58:03+0800",
            "2026-11-22T03:58:03Z",
            "2026-11-21T22:58:03-05:00",
            "2026/11/22 11:58:03",
            "2026.11.22 11:58:03.000",
            "20261122115803",
            "20261122 11:58:03",
            "2026年11月22日11时58分3秒",
            "2026年11月22日 11:58:03",
            " 2026-11-22 11:58:03 ",
        ] {
            assert_eq!(
                parse(writing).as_deref(),
                Some("2026-11-22T03:58:03Z"),
                "{writing}"
            );
        }
        assert_eq!(
            parse("2026-11-22 11:58:03.2501").as_deref(),
            Some("2026-11-22T03:58:03.250Z")
        );
        for day in [
            "2026-11-22",
            "20261122",
            "2026年11月22日",
            "2026/11/22 0:00",
        ] {
            assert_eq!(parse(day).as_deref(), Some("2026-11-21T16:00:00Z"), "{day}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for other in [
            "",
            "11:58",
            "2026-11-31 11:58",
            "2026-11-22 24:00",
            "2026-11-22 11:60",
            "2026-11-22 11",
            "2026-11-22 11:58:03 +8",
            "2026-11-22 11:58:03.x",
            "1795320000",
            "2026112211580",
            "2026-11-22 昨天",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
