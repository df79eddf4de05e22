//! Numbers of a file, read and converted exactly: digits and a scale, never floating point.
//!
//! Invariant: a conversion either gives the exact whole number, or rounds in the one way that the mapping states, or fails.

use serde::{Deserialize, Serialize};

use crate::limits::{DIGITS_MAX, FIGURE_MAX};

/// A decimal number: `mantissa` × 10^-`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Why a cell is not the number that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    /// Not digits with an optional sign and decimal point.
    #[error("not a number")]
    Form,
    /// Too many digits, or beyond [`FIGURE_MAX`] in the dataset's unit.
    #[error("larger than any figure of a customer can be")]
    TooLarge,
    /// Decimals where the dataset counts whole units.
    #[error("no whole number of the dataset's unit")]
    NotWhole,
}

/// What is done with a number that is no whole number of the dataset's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// The row is rejected.
    #[default]
    Exact,
    /// To the nearest; halves away from zero.
    HalfUp,
    /// Towards zero.
    Down,
}

/// An exact factor between two units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Above the line.
    pub times: u32,
    /// Below the line; not zero.
    pub by: std::num::NonZeroU32,
}

impl Factor {
    /// Changes nothing.
    pub const ONE: Self = Self::new(1, std::num::NonZeroU32::MIN);

    /// `times` ÷ `by`.
    #[must_use]
    pub const fn new(times: u32, by: std::num::NonZeroU32) -> Self {
        Self { times, by }
    }
}

/// A whole number of plain digits with an optional minus sign: the usual cell, read without any other work. Nothing for everything else,
/// also for numbers that only [`Decimal::parse`] reads.
#[must_use]
pub(crate) fn plain_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // Eighteen digits always fit.
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut number = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(if negative { -number } else { number })
}

impl Decimal {
    /// Reads `-12`, `+3.50`, `.5`, `1,234.5` (commas between groups of three digits) and `1e-7`; blanks around it do not count.
    ///
    /// # Errors
    /// [`NumberFault::Form`] or [`NumberFault::TooLarge`].
    pub fn parse(text: &[u8]) -> Result<Self, NumberFault> {
        let text = text.trim_ascii();
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(place) => {
                let (digits, exponent) = text.split_at(place);
                let exponent = exponent.get(1..).unwrap_or_default();
                let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
                let exponent = plain_integer(exponent).ok_or(NumberFault::Form)?;
                (
                    digits,
                    i32::try_from(exponent).map_err(|_| NumberFault::TooLarge)?,
                )
            }
            None => (text, 0),
        };
        let (mantissa, scale) = mantissa(digits)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        Self::scaled(mantissa, i64::from(scale) - i64::from(exponent))
    }

    fn scaled(mantissa: i128, scale: i64) -> Result<Self, NumberFault> {
        let digits_max = i64::try_from(DIGITS_MAX).unwrap_or(i64::MAX);
        if mantissa == 0 {
            return Ok(Self { mantissa, scale: 0 });
        }
        if !(-digits_max..=2 * digits_max).contains(&scale) {
            return Err(NumberFault::TooLarge);
        }
        match u32::try_from(scale) {
            Ok(scale) => Ok(Self { mantissa, scale }),
            Err(_) => {
                let power = 10_i128.checked_pow(u32::try_from(-scale).unwrap_or(u32::MAX));
                let mantissa = power.and_then(|power| mantissa.checked_mul(power));
                Ok(Self {
                    mantissa: mantissa.ok_or(NumberFault::TooLarge)?,
                    scale: 0,
                })
            }
        }
    }

    /// The whole number of the dataset's unit that this is after `factor`.
    ///
    /// # Errors
    /// [`NumberFault::NotWhole`] when `rounding` allows none; [`NumberFault::TooLarge`] beyond [`FIGURE_MAX`].
    pub fn whole(self, factor: Factor, rounding: Rounding) -> Result<i64, NumberFault> {
        let numerator = self
            .mantissa
            .checked_mul(i128::from(factor.times))
            .ok_or(NumberFault::TooLarge)?;
        let divisor = 10_i128
            .checked_pow(self.scale)
            .and_then(|power| power.checked_mul(i128::from(factor.by.get())));
        let Some(divisor) = divisor else {
            // A divisor beyond 128 bits: the number is smaller than any unit.
            return if rounding == Rounding::Exact {
                Err(NumberFault::NotWhole)
            } else {
                Ok(0)
            };
        };
        let (quotient, rest) = (numerator / divisor, numerator % divisor);
        let whole = match rounding {
            _ if rest == 0 => quotient,
            Rounding::Exact => return Err(NumberFault::NotWhole),
            Rounding::Down => quotient,
            Rounding::HalfUp if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) => {
                quotient + numerator.signum()
            }
            Rounding::HalfUp => quotient,
        };
        match i64::try_from(whole) {
            Ok(whole) if whole.unsigned_abs() <= FIGURE_MAX.unsigned_abs() => Ok(whole),
            _ => Err(NumberFault::TooLarge),
        }
    }
}

/// Digits with at most one point, and commas that part groups of three before it.
fn mantissa(text: &[u8]) -> Result<(i128, u32), NumberFault> {
    let mut mantissa = 0_i128;
    let (mut digits, mut significant, mut scale) = (0_usize, 0_usize, 0_u32);
    let mut point = false;
    let mut since_comma: Option<usize> = None;
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + i128::from(byte - b'0');
                digits += 1;
                significant += usize::from(mantissa != 0);
                if significant > DIGITS_MAX || digits > 2 * DIGITS_MAX {
                    return Err(NumberFault::TooLarge);
                }
                scale += u32::from(point);
                since_comma = if point {
                    since_comma
                } else {
                    since_comma.map(|count| count + 1)
                };
            }
            b'.' if !point && since_comma.is_none_or(|count| count == 3) => point = true,
            b',' if !point && digits > 0 && since_comma.map_or(digits <= 3, |count| count == 3) => {
                since_comma = Some(0)
            }
            _ => return Err(NumberFault::Form),
        }
    }
    if digits == 0 || since_comma.is_some_and(|count| count != 3) {
        return Err(NumberFault::Form);
    }
    Ok((mantissa, scale))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn factor(times: u32, by: u32) -> Factor {
        Factor::new(times, NonZeroU32::new(by).unwrap())
    }

    #[test]
    fn numbers_of_every_writing_are_exact() {
        let (yuan, mb, bytes) = (factor(100, 1), factor(1024, 1), factor(1, 1024));
        let table = [
            ("86.50", yuan, Rounding::Exact, Ok(8650)),
            ("0.1", yuan, Rounding::Exact, Ok(10)),
            ("-0.01", yuan, Rounding::Exact, Ok(-1)),
            (" 1,234.5 ", yuan, Rounding::Exact, Ok(123_450)),
            ("+12", yuan, Rounding::Exact, Ok(1200)),
            (".5", yuan, Rounding::Exact, Ok(50)),
            ("5.", yuan, Rounding::Exact, Ok(500)),
            ("1e2", yuan, Rounding::Exact, Ok(10_000)),
            ("1.5E-1", yuan, Rounding::Exact, Ok(15)),
            ("0.005", yuan, Rounding::Exact, Err(NumberFault::NotWhole)),
            ("0.005", yuan, Rounding::HalfUp, Ok(1)),
            ("-0.005", yuan, Rounding::HalfUp, Ok(-1)),
            ("0.0049", yuan, Rounding::HalfUp, Ok(0)),
            ("0.009", yuan, Rounding::Down, Ok(0)),
            ("1.5", mb, Rounding::Exact, Ok(1536)),
            ("1.234", mb, Rounding::Exact, Err(NumberFault::NotWhole)),
            ("1.234", mb, Rounding::HalfUp, Ok(1264)),
            ("1536", bytes, Rounding::HalfUp, Ok(2)),
            ("1535", bytes, Rounding::HalfUp, Ok(1)),
            ("2048", bytes, Rounding::Exact, Ok(2)),
            ("0e999999", yuan, Rounding::Exact, Ok(0)),
            ("1e-50", yuan, Rounding::HalfUp, Ok(0)),
            ("1e-50", yuan, Rounding::Exact, Err(NumberFault::NotWhole)),
            ("1e40", yuan, Rounding::Exact, Err(NumberFault::TooLarge)),
            (
                "99999999999999999999",
                yuan,
                Rounding::Exact,
                Err(NumberFault::TooLarge),
            ),
            ("", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("-", yuan, Rounding::Exact, Err(NumberFault::Form)),
            (".", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("1.2.3", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("12,34", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("1234,567", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("1,23.4", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("0x10", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("１２", yuan, Rounding::Exact, Err(NumberFault::Form)),
            ("NaN", yuan, Rounding::Exact, Err(NumberFault::Form)),
        ];
        for (text, factor, rounding, expected) in table {
            let outcome =
                Decimal::parse(text.as_bytes()).and_then(|number| number.whole(factor, rounding));
            assert_eq!(outcome, expected, "{text}");
        }
    }

    proptest! {
        /// Goal: the quick way and the careful way are one function on what the quick way reads.
        #[test]
        fn both_ways_of_reading_agree(number in -999_999_999_999_i64..=999_999_999_999) {
            let text = number.to_string();
            let careful = Decimal::parse(text.as_bytes()).unwrap().whole(Factor::ONE, Rounding::Exact);
            prop_assert_eq!(plain_integer(text.as_bytes()), Some(number));
            prop_assert_eq!(careful, Ok(number));
        }

        /// Goal: fen written as yuan come back as the same fen.
        #[test]
        fn yuan_and_fen_round_trip(fen in -1_000_000_000_i64..=1_000_000_000) {
            let text = format!("{}{}.{:02}", if fen < 0 { "-" } else { "" }, fen.abs() / 100, fen.abs() % 100);
            let read = Decimal::parse(text.as_bytes()).unwrap().whole(factor(100, 1), Rounding::Exact);
            prop_assert_eq!(read, Ok(fen));
        }

        /// Goal: no bytes make the reader panic.
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(number) = Decimal::parse(&bytes) {
                let _ = number.whole(factor(1_048_576, 1), Rounding::HalfUp);
            }
            let _ = plain_integer(&bytes);
        }
    }
}
