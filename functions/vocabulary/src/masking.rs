//! Telephone numbers in texts: recognised, and masked wherever a text leaves for a screen or a log (PR-2).
//!
//! A number is a run of digits that ends like a mainland mobile number: eleven digits, the first `1`, the second `3` to `9`,
//! with or without the country code before it. Longer runs are something else (a time in milliseconds, a sum).

use std::borrow::Cow;

/// Digits of a mainland mobile number.
const MOBILE_DIGITS: usize = 11;

/// Digits of the longest form, `0086` and the number.
const MOBILE_DIGITS_WITH_COUNTRY_MAX: usize = MOBILE_DIGITS + 4;

/// Digits that stay visible at the beginning and at the end: `138****1234`.
const SHOWN_FIRST: usize = 3;
const SHOWN_LAST: usize = 4;

/// What stands for the digits between.
const HIDDEN: &str = "****";

/// The text with every telephone number masked as `138****1234`.
pub fn mask_numbers(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied_until = 0;
    for (start, end) in digit_runs(text) {
        let run = &text[start..end];
        if is_mobile_number(run) {
            masked.push_str(&text[copied_until..start + SHOWN_FIRST]);
            masked.push_str(HIDDEN);
            copied_until = end - SHOWN_LAST;
        }
    }
    if copied_until == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied_until..]);
    Cow::Owned(masked)
}

/// As [`mask_numbers`], and numbers written in groups (`138-1234-5678`) are hidden whole. For what people wrote and for what nobody could
/// read: there a sum of groups that happens to look like a number is hidden too, and nothing is lost by it.
pub fn mask_written_numbers(text: &str) -> Cow<'_, str> {
    let runs: Vec<(usize, usize)> = digit_runs(text).collect();
    let mut hidden = String::new();
    let mut copied_until = 0;
    let mut place = 0;
    while let Some((start, _)) = runs.get(place) {
        match end_of_grouped(text, &runs[place..]) {
            Some((groups, end)) => {
                hidden.push_str(&text[copied_until..*start]);
                hidden.push_str(HIDDEN);
                copied_until = end;
                place += groups;
            }
            None => place += 1,
        }
    }
    if copied_until == 0 {
        return mask_numbers(text);
    }
    hidden.push_str(&text[copied_until..]);
    Cow::Owned(mask_numbers(&hidden).into_owned())
}

/// How many of these runs of digits, from the first on, make a number that is written in more than one group, and where it ends.
fn end_of_grouped(text: &str, runs: &[(usize, usize)]) -> Option<(usize, usize)> {
    let mut digits = String::new();
    let mut last_end = None;
    for (count, (start, end)) in (1..).zip(runs) {
        let stands_behind = last_end.is_none_or(|last: usize| {
            let between = &text[last..*start];
            let mut characters = between.chars();
            characters.next().is_some_and(is_separator) && characters.next().is_none()
        });
        digits.push_str(&text[*start..*end]);
        if !stands_behind || digits.len() > MOBILE_DIGITS_WITH_COUNTRY_MAX {
            return None;
        }
        if count > 1 && is_mobile_number(&digits) {
            return Some((count, *end));
        }
        last_end = Some(*end);
    }
    None
}

/// Whether a text is a telephone number, also one that is written in groups (`138-1234-5678`).
pub fn looks_like_a_number(text: &str) -> bool {
    let digits: String = text
        .chars()
        .filter(|character| !is_separator(*character))
        .collect();
    is_mobile_number(&digits)
}

const fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.' | ':' | ' ' | '+')
}

fn is_mobile_number(digits: &str) -> bool {
    let length_fits = (MOBILE_DIGITS..=MOBILE_DIGITS_WITH_COUNTRY_MAX).contains(&digits.len());
    if !length_fits || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let (country, number) = digits.split_at(digits.len() - MOBILE_DIGITS);
    matches!(country, "" | "0" | "86" | "086" | "0086")
        && number.starts_with('1')
        && number.as_bytes()[1] >= b'3'
}

/// Start and end of every longest run of ASCII digits.
fn digit_runs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    let mut position = 0;
    std::iter::from_fn(move || {
        let start = position + bytes[position..].iter().position(u8::is_ascii_digit)?;
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        position = start + length;
        Some((start, position))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_nothing_else() {
        let table = [
            ("13812345678", "138****5678"),
            (
                "a 13812345678, b 19900001111。",
                "a 138****5678, b 199****1111。",
            ),
            ("8613812345678", "861****5678"),
            ("长沙13812345678号", "长沙138****5678号"),
            ("/x/13812345678/y", "/x/138****5678/y"),
            ("12812345678", "12812345678"),
            ("1381234567", "1381234567"),
            ("1795000000000", "1795000000000"),
            ("1000000000000000", "1000000000000000"),
            ("138-1234-5678", "138-1234-5678"),
            ("", ""),
        ];
        for (text, masked) in table {
            assert_eq!(mask_numbers(text), masked);
        }
    }

    #[test]
    fn numbers_in_groups_are_hidden_too() {
        let table = [
            ("13812345678", "138****5678"),
            ("打138-1234-5678找我", "打****找我"),
            ("138 1234 5678, 139.0000.1111", "****, ****"),
            ("+86 138 1234 5678", "+****"),
            ("5 138-1234-5678 7", "5 **** 7"),
            ("1 3 8 1 2 3 4 5 6 7 8", "****"),
            ("13812345678 138-1234-5678", "138****5678 ****"),
            ("2026-11-22 12:00:00", "2026-11-22 12:00:00"),
            ("138--1234-5678", "138--1234-5678"),
            ("138,1234,5678", "138,1234,5678"),
            ("省23.10元", "省23.10元"),
            ("", ""),
        ];
        for (text, masked) in table {
            assert_eq!(mask_written_numbers(text), masked);
        }
    }

    #[test]
    fn a_number_is_recognised_in_any_writing() {
        for number in [
            "13812345678",
            "138-1234-5678",
            "8613812345678",
            "+86 139.1234.5678",
            "0086:138_1234_5678",
        ] {
            assert!(looks_like_a_number(number), "{number}");
        }
        for other in [
            "c-000017",
            "c-13812345678",
            "12345678901",
            "138123456789",
            "",
            "2026-11-22",
        ] {
            assert!(!looks_like_a_number(other), "{other}");
        }
    }
}
