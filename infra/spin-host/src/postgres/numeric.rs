//! Decimals between text and PostgreSQL's binary `numeric`: digits in base 10,000, exact and of any length.

use crate::postgres::wire::Input;

const SIGN_POSITIVE: u16 = 0x0000;
const SIGN_NEGATIVE: u16 = 0x4000;
const SIGN_NAN: u16 = 0xc000;
const SIGN_INFINITY: u16 = 0xd000;
const SIGN_NEGATIVE_INFINITY: u16 = 0xf000;
/// Decimal digits of one base-10,000 digit.
const DIGITS_PER_GROUP: usize = 4;
/// Digits before and after the point that PostgreSQL can hold.
const DIGITS_BEFORE_MAX: usize = 131_072;
const DIGITS_AFTER_MAX: usize = 16_383;

/// Encodes a decimal such as `-12.340`, `1e3` not included; or `NaN`, `Infinity`, `-Infinity`.
pub(crate) fn encode(text: &str) -> Option<Vec<u8>> {
    match text {
        "NaN" => return Some(header(0, 0, SIGN_NAN, 0)),
        "Infinity" => return Some(header(0, 0, SIGN_INFINITY, 0)),
        "-Infinity" => return Some(header(0, 0, SIGN_NEGATIVE_INFINITY, 0)),
        _ => {}
    }
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > DIGITS_BEFORE_MAX || fraction.len() > DIGITS_AFTER_MAX {
        return None;
    }
    // Both halves are filled up to whole groups, the first in front and the second behind.
    let mut digits = "0".repeat(whole.len().next_multiple_of(DIGITS_PER_GROUP) - whole.len());
    digits.push_str(whole);
    let groups_before = digits.len().div_ceil(DIGITS_PER_GROUP);
    digits.push_str(fraction);
    digits.push_str(&"0".repeat(digits.len().next_multiple_of(DIGITS_PER_GROUP) - digits.len()));
    let mut groups: Vec<u16> = Vec::new();
    for group in digits.as_bytes().chunks(DIGITS_PER_GROUP) {
        groups.push(
            group
                .iter()
                .fold(0, |value, digit| value * 10 + u16::from(digit - b'0')),
        );
    }
    let leading_zeros = groups.iter().take_while(|group| **group == 0).count();
    let trailing_zeros = groups.iter().rev().take_while(|group| **group == 0).count();
    let significant = if leading_zeros == groups.len() {
        &[][..]
    } else {
        &groups[leading_zeros..groups.len() - trailing_zeros]
    };
    let weight = if significant.is_empty() {
        0
    } else {
        i64::try_from(groups_before).ok()? - i64::try_from(leading_zeros).ok()? - 1
    };
    let sign = if negative && !significant.is_empty() {
        SIGN_NEGATIVE
    } else {
        SIGN_POSITIVE
    };
    let mut bytes = header(
        u16::try_from(significant.len()).ok()?,
        i16::try_from(weight).ok()?,
        sign,
        u16::try_from(fraction.len()).ok()?,
    );
    bytes.extend(significant.iter().flat_map(|group| group.to_be_bytes()));
    Some(bytes)
}

/// The text of a binary `numeric`, with as many digits behind the point as its scale says.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let mut input = Input::new(bytes);
    let (count, weight) = (input.u16()?, i32::from(input.i16()?));
    let (sign, scale) = (input.u16()?, usize::from(input.u16()?));
    match sign {
        SIGN_NAN => return Some("NaN".to_owned()),
        SIGN_INFINITY => return Some("Infinity".to_owned()),
        SIGN_NEGATIVE_INFINITY => return Some("-Infinity".to_owned()),
        SIGN_POSITIVE | SIGN_NEGATIVE => {}
        _ => return None,
    }
    let groups = (0..count)
        .map(|_| input.u16())
        .collect::<Option<Vec<_>>>()?;
    // The group at a power of 10,000; zero where none is stored.
    let group = |power: i32| {
        usize::try_from(weight - power)
            .ok()
            .and_then(|index| groups.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut text = String::new();
    if sign == SIGN_NEGATIVE {
        text.push('-');
    }
    if weight < 0 {
        text.push('0');
    }
    for power in (0..=weight).rev() {
        if power == weight {
            text.push_str(&group(power).to_string())
        } else {
            text.push_str(&format!("{:04}", group(power)))
        }
    }
    if scale > 0 {
        let groups_behind = i32::try_from(scale.div_ceil(DIGITS_PER_GROUP)).ok()?;
        let fraction: String = (1..=groups_behind)
            .map(|power| format!("{:04}", group(-power)))
            .collect();
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(text)
}

fn header(count: u16, weight: i16, sign: u16, scale: u16) -> Vec<u8> {
    [
        count.to_be_bytes(),
        weight.to_be_bytes(),
        sign.to_be_bytes(),
        scale.to_be_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn decimals_come_back_as_written() {
        for text in [
            "0",
            "1",
            "-1",
            "9999",
            "10000",
            "12345678901234567890123456789012345678901234567890",
            "0.1",
            "-0.0001",
            "0.00001",
            "12.340",
            "10000.0001",
            "0.00",
            "NaN",
            "Infinity",
            "-Infinity",
            "123456.7890",
            "100000000",
            "0.00000000000000000000000000000000000000001",
        ] {
            assert_eq!(
                decode(&encode(text).unwrap()).as_deref(),
                Some(text),
                "{text}"
            );
        }
        for (text, normal) in [
            ("+5", "5"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0", "0"),
            ("-0.00", "0.00"),
        ] {
            assert_eq!(
                decode(&encode(text).unwrap()).as_deref(),
                Some(normal),
                "{text}"
            );
        }
        for bad in ["", ".", "-", "1e3", "1,5", "０", "--1", "1.2.3", " 1"] {
            assert_eq!(encode(bad), None, "{bad}");
        }
        assert_eq!(encode(&"9".repeat(131_073)), None);
        assert_eq!(decode(&[0, 1, 0, 0]), None);
    }
}
