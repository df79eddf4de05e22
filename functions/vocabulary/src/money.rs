//! Money: whole fen, never a floating-point number.

use serde::{Deserialize, Serialize};

/// Why an amount of money cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text is not a decimal number of yuan.
    #[error("not a decimal number of yuan")]
    Text,
    /// More than two decimals: an amount that cannot be paid.
    #[error("an amount has at most two decimals")]
    Decimals,
    /// Outside the range of 64 bits of fen.
    #[error("the amount is too large")]
    Range,
}

/// An amount in fen (1 yuan = 100 fen); negative for credits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of `fen`.
    #[must_use]
    pub const fn from_fen(fen: i64) -> Self {
        Self(fen)
    }

    /// The amount in fen.
    #[must_use]
    pub const fn fen(self) -> i64 {
        self.0
    }

    /// Reads a decimal number of yuan with at most two decimals, such as `58`, `0.1` or `-2.50`.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse_yuan(text: &str) -> Result<Self, MoneyError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || (digits.contains('.') && !is_number(fraction)) {
            return Err(MoneyError::Text);
        }
        if fraction.len() > 2 {
            return Err(MoneyError::Decimals);
        }
        let whole: i64 = whole.parse().map_err(|_| MoneyError::Range)?;
        let fraction: i64 = format!("{fraction:0<2}")
            .parse()
            .map_err(|_| MoneyError::Range)?;
        let fen = whole
            .checked_mul(100)
            .and_then(|fen| fen.checked_add(fraction))
            .ok_or(MoneyError::Range)?;
        Ok(Self(if negative { -fen } else { fen }))
    }

    /// Sum, or nothing when it leaves the range.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(fen) => Some(Self(fen)),
            None => None,
        }
    }

    /// Difference, or nothing when it leaves the range.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(fen) => Some(Self(fen)),
            None => None,
        }
    }
}

/// Yuan with two decimals: `-0.05`, `58.00`.
impl std::fmt::Display for Money {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(formatter, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_exactly_and_written_back() {
        for (text, fen, back) in [
            ("58", 5800, "58.00"),
            ("0.1", 10, "0.10"),
            ("0.05", 5, "0.05"),
            ("-2.50", -250, "-2.50"),
            ("0", 0, "0.00"),
            ("-0.05", -5, "-0.05"),
        ] {
            let money = Money::parse_yuan(text).unwrap();
            assert_eq!((money.fen(), money.to_string().as_str()), (fen, back));
        }
        for (text, error) in [
            ("", MoneyError::Text),
            ("1.", MoneyError::Text),
            (".5", MoneyError::Text),
            ("+1", MoneyError::Text),
            ("1e3", MoneyError::Text),
            ("１", MoneyError::Text),
            ("0.001", MoneyError::Decimals),
            ("99999999999999999999", MoneyError::Range),
            ("92233720368547758.08", MoneyError::Range),
        ] {
            assert_eq!(Money::parse_yuan(text), Err(error), "{text}");
        }
    }
}
