//! Exact numbers: decimals as scaled integers, ratios, and the one place where amounts are rounded.
//!
//! Nothing here is ever a floating-point number. Amounts are computed as a numerator over a denominator that is fixed when a
//! plan is compiled; [`round_ratio`] is the only way from there to fen.

use std::ops::{Neg, Rem};

/// Decimals of a price: nine, so that prices per KB and per second can be written out.
pub const PRICE_DECIMALS: u32 = 9;
/// Price units (10⁻⁹ yuan) in one fen.
pub const PRICE_UNITS_PER_FEN: i64 = 10_000_000;
/// Decimals of a percentage.
pub const PERCENT_DECIMALS: u32 = 3;
/// What `100` per cent is in the units of [`PERCENT_DECIMALS`].
pub const PERCENT_WHOLE: i64 = 100_000;

/// Why a text is not the decimal number that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point between them.
    #[error("not a decimal number")]
    Text,
    /// More decimals than allowed.
    #[error("too many decimals")]
    Decimals,
    /// Too large.
    #[error("too large")]
    Range,
}

/// Reads a decimal such as `0.29` as an integer scaled by `10^decimals`. A leading `-` is accepted; the caller decides about the sign.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_decimal(text: &str, decimals: u32) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || (digits.contains('.') && !is_number(fraction)) {
        return Err(DecimalError::Text);
    }
    let fraction = fraction.trim_end_matches('0');
    let width = usize::try_from(decimals).map_err(|_| DecimalError::Range)?;
    if fraction.len() > width {
        return Err(DecimalError::Decimals);
    }
    let scaled: i64 = format!("{whole}{fraction:0<width$}")
        .parse()
        .map_err(|_| DecimalError::Range)?;
    Ok(if negative { -scaled } else { scaled })
}

/// Direction of rounding; for negative amounts the rule is applied to the absolute amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// To the nearest, halves away from zero.
    HalfUp,
    /// To the nearest, halves to the even neighbour.
    HalfEven,
}

/// How an amount is rounded: direction, and the step that remains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// Direction.
    pub mode: RoundingMode,
    /// Step in fen: 1, 10 (jiao) or 100 (yuan).
    pub step_fen: i64,
}

impl Rounding {
    /// Half up to the fen: how a line is rounded unless the plan says otherwise.
    pub const DEFAULT: Self = Self {
        mode: RoundingMode::HalfUp,
        step_fen: 1,
    };
}

/// Integers in which amounts are computed: `i64` where a plan was proved to fit, else `i128`.
pub trait Exact:
    Copy + Ord + Default + From<i64> + Into<i128> + Rem<Output = Self> + Neg<Output = Self>
{
    /// A sum that was proved to fit ("Proof of width" in [`crate::compile`]). WebAssembly has no overflow flag: a checked sum there
    /// takes five instructions in place of one.
    fn plus(self, other: Self) -> Self;

    /// A difference that was proved to fit.
    fn minus(self, other: Self) -> Self;

    /// A product that was proved to fit. A checked 64-bit product in WebAssembly is a call to a 128-bit one.
    fn times(self, other: Self) -> Self;

    /// Quotient and rest of two numbers that are not negative; the divisor is greater than zero.
    fn divided(self, by: Self) -> (Self, Self);

    /// Takes a value that was proved to fit when the plan was compiled; a larger one saturates.
    fn from_wide(value: i128) -> Self;

    /// As 64 bits; a larger value saturates.
    fn saturating(self) -> i64;
}

impl Exact for i64 {
    #[inline]
    fn plus(self, other: Self) -> Self {
        debug_assert!(self.checked_add(other).is_some(), "{self} + {other}");
        self.wrapping_add(other)
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        debug_assert!(self.checked_sub(other).is_some(), "{self} - {other}");
        self.wrapping_sub(other)
    }

    #[inline]
    fn times(self, other: Self) -> Self {
        debug_assert!(self.checked_mul(other).is_some(), "{self} * {other}");
        self.wrapping_mul(other)
    }

    #[inline]
    fn divided(self, by: Self) -> (Self, Self) {
        divide(self, by)
    }

    #[inline]
    fn saturating(self) -> i64 {
        self
    }

    #[inline]
    fn from_wide(value: i128) -> Self {
        Self::try_from(value).unwrap_or(if value < 0 { Self::MIN } else { Self::MAX })
    }
}

impl Exact for i128 {
    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline]
    fn times(self, other: Self) -> Self {
        self * other
    }

    #[inline]
    fn divided(self, by: Self) -> (Self, Self) {
        (self / by, self % by)
    }

    #[inline]
    fn saturating(self) -> i64 {
        i64::try_from(self).unwrap_or(if self < 0 { i64::MIN } else { i64::MAX })
    }

    #[inline]
    fn from_wide(value: i128) -> Self {
        value
    }
}

/// Quotient and rest of two numbers that are not negative; the divisor is greater than zero.
///
/// Nearly all of them fit 32 bits, where a division takes a fraction of the time. Native compilers add this test by themselves,
/// WebAssembly engines do not.
#[inline]
#[must_use]
pub fn divide(number: i64, by: i64) -> (i64, i64) {
    match (u32::try_from(number), u32::try_from(by)) {
        (Ok(number), Ok(by)) => (i64::from(number / by), i64::from(number % by)),
        _ => (number / by, number % by),
    }
}

/// Rounds `numerator / denominator` fen to a multiple of the rounding's step. The denominator is greater than zero.
#[inline]
pub fn round_ratio<N: Exact>(numerator: N, denominator: N, rounding: Rounding) -> N {
    let step = N::from(rounding.step_fen);
    let unit = denominator.times(step);
    let zero = N::default();
    let negative = numerator < zero;
    let magnitude = if negative { -numerator } else { numerator };
    let (whole, rest) = magnitude.divided(unit);
    let two = N::from(2);
    let up = match rounding.mode {
        RoundingMode::Up => rest > zero,
        RoundingMode::Down => false,
        // `rest >= unit - rest` is `2 * rest >= unit` without the doubling that could overflow.
        RoundingMode::HalfUp => rest >= unit.minus(rest),
        RoundingMode::HalfEven => {
            rest > unit.minus(rest) || (rest == unit.minus(rest) && whole % two != zero)
        }
    };
    let rounded = (if up { whole.plus(N::from(1)) } else { whole }).times(step);
    if negative { -rounded } else { rounded }
}

/// A rounding over one denominator, prepared when a plan is compiled: an amount is rounded by one addition and one division.
///
/// It is for amounts that are not negative; [`round_ratio`] rounds the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreparedRounding<N> {
    /// Numerator of one step.
    unit: N,
    /// What is added so that whole units can be cut off.
    bias: N,
    /// Whether halves go to the even neighbour; the bias alone would round them up.
    halves_to_even: bool,
    step_fen: i64,
}

impl<N: Exact> PreparedRounding<N> {
    /// Prepares a rounding of numerators over `denominator`, which is greater than zero.
    #[must_use]
    pub fn new(denominator: N, rounding: Rounding) -> Self {
        let unit = denominator.times(N::from(rounding.step_fen));
        let bias = match rounding.mode {
            RoundingMode::Up => unit.minus(N::from(1)),
            RoundingMode::Down => N::default(),
            RoundingMode::HalfUp | RoundingMode::HalfEven => unit.divided(N::from(2)).0,
        };
        Self {
            unit,
            bias,
            halves_to_even: rounding.mode == RoundingMode::HalfEven,
            step_fen: rounding.step_fen,
        }
    }

    /// The amount in fen. The numerator is not negative and leaves room for one step.
    #[inline]
    #[must_use]
    pub fn round(&self, numerator: N) -> N {
        let (mut whole, rest) = numerator.plus(self.bias).divided(self.unit);
        if self.halves_to_even
            && rest == N::default()
            && self.has_halves()
            && whole % N::from(2) != N::default()
        {
            whole = whole.minus(N::from(1));
        }
        whole.times(N::from(self.step_fen))
    }

    /// The largest numerator that rounds to at most `fen`, which is not negative.
    #[must_use]
    pub fn largest_within(&self, fen: i64) -> N {
        // Cold, and one step above an amount that fits: through 128 bits.
        let steps = i128::from(divide(fen, self.step_fen).0);
        let (unit, bias): (i128, i128) = (self.unit.into(), self.bias.into());
        let half_stays = self.halves_to_even && self.has_halves() && steps & 1 == 0;
        N::from_wide((steps + 1) * unit - 1 - bias + i128::from(half_stays))
    }

    /// Whether an amount can lie in the very middle of two steps.
    fn has_halves(&self) -> bool {
        self.bias == self.unit.minus(self.bias)
    }
}

/// Greatest common divisor; of zero and a number it is the number.
#[must_use]
pub fn greatest_common_divisor(mut left: i128, mut right: i128) -> i128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left.abs()
}

/// Least common multiple of two positive numbers.
#[must_use]
pub fn least_common_multiple(left: i128, right: i128) -> i128 {
    let divisor = greatest_common_divisor(left, right);
    if divisor == 0 {
        0
    } else {
        left.div_euclid(divisor) * right
    }
}

/// Rounds a quantity to whole blocks and returns their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockRounding {
    /// A started block counts.
    Up,
    /// Only whole blocks count.
    Down,
    /// Half a block or more counts.
    HalfUp,
}

impl BlockRounding {
    /// Number of blocks of `block` units in `quantity`; both are not negative, `block` is at least 1.
    #[inline]
    #[must_use]
    pub fn blocks(self, quantity: i64, block: i64) -> i64 {
        let (whole, rest) = divide(quantity, block);
        match self {
            Self::Up => whole.plus(i64::from(rest > 0)),
            Self::Down => whole,
            Self::HalfUp => whole.plus(i64::from(rest >= block.minus(rest))),
        }
    }

    /// The largest quantity that rounds to at most `blocks`.
    #[must_use]
    pub fn quantity_within(self, blocks: i64, block: i64) -> i64 {
        let begun = match self {
            Self::Up => 0,
            Self::Down => block - 1,
            Self::HalfUp => divide(block - 1, 2).0,
        };
        blocks.saturating_mul(block).saturating_add(begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(parse_decimal("0.29", 9), Ok(290_000_000));
        assert_eq!(parse_decimal("0.000000001", 9), Ok(1));
        assert_eq!(
            parse_decimal("1.50", 1),
            Ok(15),
            "trailing zeros are not decimals"
        );
        assert_eq!(parse_decimal("-3", 2), Ok(-300));
        for (text, error) in [
            ("", DecimalError::Text),
            ("1,5", DecimalError::Text),
            ("1.", DecimalError::Text),
            ("NaN", DecimalError::Text),
            ("1e9", DecimalError::Text),
            ("0.0000000001", DecimalError::Decimals),
            ("99999999999", DecimalError::Range),
        ] {
            assert_eq!(parse_decimal(text, 9), Err(error), "{text}");
        }
    }

    /// Goal: worked example 15 and its neighbours, on both sides of zero, in both integer widths.
    #[test]
    fn rounding_table() {
        use RoundingMode::{Down, HalfEven, HalfUp, Up};
        // Numerator over 1,000 fen; 0.509 yuan is 50.9 fen.
        let table = [
            (50_900, Down, 1, 50),
            (50_900, Up, 100, 100),
            (-250_000, Down, 100, -200),
            (-250_000, Up, 100, -300),
            (250_000, HalfUp, 100, 300),
            (-250_000, HalfUp, 100, -300),
            (250_000, HalfEven, 100, 200),
            (350_000, HalfEven, 100, 400),
            (-250_000, HalfEven, 100, -200),
            (249_999, HalfUp, 100, 200),
            (250_001, HalfEven, 100, 300),
            (0, Up, 100, 0),
            (1, Up, 1, 1),
            (1, HalfUp, 1, 0),
        ];
        for (numerator, mode, step_fen, expected) in table {
            let rounding = Rounding { mode, step_fen };
            assert_eq!(
                round_ratio::<i64>(numerator, 1_000, rounding),
                expected,
                "{numerator} {mode:?} {step_fen}"
            );
            assert_eq!(
                round_ratio::<i128>(numerator.into(), 1_000, rounding),
                expected.into()
            );
            if numerator >= 0 {
                assert_eq!(
                    PreparedRounding::<i64>::new(1_000, rounding).round(numerator),
                    expected,
                    "{numerator} {mode:?} {step_fen} prepared"
                );
            }
        }
    }

    /// Goal: the prepared rounding is the rounding, and its inverse is on the edge: one more rounds to more.
    #[test]
    fn prepared_rounding_and_its_inverse() {
        use RoundingMode::{Down, HalfEven, HalfUp, Up};
        for mode in [Up, Down, HalfUp, HalfEven] {
            for (step_fen, denominator) in [(1, 1), (1, 2), (1, 3), (10, 1), (10, 7), (100, 4)] {
                let rounding = Rounding { mode, step_fen };
                let prepared = PreparedRounding::<i64>::new(denominator, rounding);
                for numerator in 0..3 * denominator * step_fen + 2 {
                    assert_eq!(
                        prepared.round(numerator),
                        round_ratio(numerator, denominator, rounding),
                        "{numerator} / {denominator} {rounding:?}"
                    );
                }
                for fen in 0..3 * step_fen + 2 {
                    let most = prepared.largest_within(fen);
                    let wide = PreparedRounding::<i128>::new(denominator.into(), rounding)
                        .largest_within(fen);
                    assert_eq!(wide, i128::from(most));
                    assert!(prepared.round(most) <= fen, "{fen} {rounding:?}");
                    assert!(prepared.round(most + 1) > fen, "{fen} {rounding:?}");
                }
            }
        }
    }

    /// Goal: the inverse of block rounding is on the edge.
    #[test]
    fn quantities_within_blocks() {
        use BlockRounding::{Down, HalfUp, Up};
        for rounding in [Up, Down, HalfUp] {
            for block in 1..8 {
                for blocks in 0..5 {
                    let most = rounding.quantity_within(blocks, block);
                    assert_eq!(rounding.blocks(most, block), blocks, "{rounding:?} {block}");
                    assert_eq!(rounding.blocks(most + 1, block), blocks + 1);
                }
            }
        }
    }

    /// Goal: worked example 11.
    #[test]
    fn units_are_rounded_as_stated() {
        assert_eq!(BlockRounding::Up.blocks(1_400, 1_000), 2);
        assert_eq!(BlockRounding::Down.blocks(1_900, 1_000), 1);
        assert_eq!(BlockRounding::HalfUp.blocks(1_500, 1_000), 2);
        assert_eq!(BlockRounding::HalfUp.blocks(1_499, 1_000), 1);
        assert_eq!(BlockRounding::Up.blocks(0, 1_000), 0);
    }
}
