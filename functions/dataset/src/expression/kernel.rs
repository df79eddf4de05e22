//! The inner loops: sixty-four values to one word of bits.
//!
//! Each loop compares in the column's own width and runs over plain slices in blocks of 64 rows, in a form that the compiler turns into
//! vector instructions natively and with `simd128` in a component: a comparison of each lane into a byte, then eight bytes to eight bits
//! by one multiplication. Blocks of which no row is wanted any more are skipped. Nothing is allocated.
//!
//! Invariant: only bits that were set can stay set; a bit beyond the rows is never touched.

use crate::bitmap::Bitmap;

/// Rows of a block.
const BLOCK: usize = u64::BITS as usize;

/// Keeps of `mask` the rows with a value that passes `test`.
pub(super) fn retain<T: Copy>(
    values: &[T],
    validity: Option<&Bitmap>,
    mask: &mut Bitmap,
    test: impl Fn(T) -> bool,
) {
    let mut valid = validity.map(|validity| validity.words().iter());
    let mut next_valid = || {
        valid
            .as_mut()
            .map_or(u64::MAX, |words| words.next().copied().unwrap_or(0))
    };
    let (blocks, rest) = values.as_chunks::<BLOCK>();
    let mut words = mask.words_mut().iter_mut();
    for (block, word) in blocks.iter().zip(&mut words) {
        let valid = next_valid();
        *word &= valid;
        if *word != 0 {
            *word &= bits(block, &test);
        }
    }
    if let Some(word) = words.next() {
        *word &= next_valid()
            & rest.iter().enumerate().fold(0, |bits, (row, value)| {
                bits | u64::from(test(*value)) << row
            });
    }
    // A column that is too short has no value in the rows that it lacks.
    words.for_each(|word| *word = 0);
}

/// One bit for each value of a block that passes `test`, the first in the lowest.
#[inline(always)]
fn bits<T: Copy>(block: &[T; BLOCK], test: &impl Fn(T) -> bool) -> u64 {
    let mut lanes = [0_u8; BLOCK];
    for (lane, value) in lanes.iter_mut().zip(block) {
        *lane = u8::from(test(*value));
    }
    let (eights, _) = lanes.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        word << 8 | gathered(u64::from_le_bytes(*eight))
    })
}

/// The lowest bits of eight bytes, each 0 or 1, as the lowest eight bits: the multiplication moves the bit of byte `i` to bit `56 + i`, and
/// no two of its partial products meet.
#[inline(always)]
fn gathered(bytes: u64) -> u64 {
    bytes.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// An integer type of a column, with what a comparison in that type needs.
pub(super) trait Lane: Copy + Ord {
    /// Least and greatest number.
    const BOUNDS: (i64, i64);

    /// The number in this type; the nearest bound for one that is beyond.
    fn clamped(number: i64) -> Self;

    /// Whether `self` lies from `low` to `low + span`, by one unsigned comparison.
    fn is_within(self, low: Self, span: Self) -> bool;

    /// How far `high` lies above `low`, as an unsigned number in this type's bits.
    fn span(low: Self, high: Self) -> Self;
}

macro_rules! lanes {
    ($($signed:ty, $unsigned:ty;)+) => {$(
        impl Lane for $signed {
            const BOUNDS: (i64, i64) = (<$signed>::MIN as i64, <$signed>::MAX as i64);

            #[inline(always)]
            fn clamped(number: i64) -> Self {
                number.clamp(Self::BOUNDS.0, Self::BOUNDS.1) as Self
            }

            #[inline(always)]
            fn is_within(self, low: Self, span: Self) -> bool {
                self.wrapping_sub(low) as $unsigned <= span as $unsigned
            }

            #[inline(always)]
            fn span(low: Self, high: Self) -> Self {
                high.wrapping_sub(low)
            }
        }
    )+};
}
lanes! { i8, u8; i16, u16; i32, u32; i64, u64; u8, u8; u16, u16; u32, u32; }

/// Most stretches of numbers that are compared one by one; beyond, a table or a search is faster.
const STRETCHES_MAX: usize = 4;

/// Numbers that are wanted, as a column of type `T` can hold them.
pub(super) enum Wanted<T> {
    /// None.
    Nothing,
    /// One stretch: its beginning and its span.
    Stretch(T, T),
    /// A few stretches, the last one repeated.
    Stretches([(T, T); STRETCHES_MAX]),
    /// Many: ascending.
    Sorted(Vec<T>),
}

impl<T: Lane> Wanted<T> {
    /// The numbers from `low` to `high`.
    pub(super) fn range(low: i64, high: i64) -> Self {
        let (least, greatest) = T::BOUNDS;
        if low > high || high < least || low > greatest {
            return Self::Nothing;
        }
        let low = T::clamped(low);
        Self::Stretch(low, T::span(low, T::clamped(high)))
    }

    /// The numbers of an ascending list; those that the type cannot hold are in no row.
    pub(super) fn list(values: &[i64]) -> Self {
        let (least, greatest) = T::BOUNDS;
        let held = values
            .iter()
            .copied()
            .filter(|value| (least..=greatest).contains(value));
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        for value in held.clone() {
            match stretches.last_mut() {
                Some((_, end)) if end.checked_add(1) == Some(value) => *end = value,
                _ => stretches.push((value, value)),
            }
        }
        let made =
            |(low, high): (i64, i64)| (T::clamped(low), T::span(T::clamped(low), T::clamped(high)));
        match (stretches.len(), stretches.last()) {
            (_, None) => Self::Nothing,
            (1, Some(only)) => {
                let (low, span) = made(*only);
                Self::Stretch(low, span)
            }
            (2..=STRETCHES_MAX, Some(last)) => {
                let mut few = [made(*last); STRETCHES_MAX];
                few.iter_mut()
                    .zip(stretches)
                    .for_each(|(to, stretch)| *to = made(stretch));
                Self::Stretches(few)
            }
            _ => Self::Sorted(held.map(T::clamped).collect()),
        }
    }

    /// Keeps of `mask` the rows whose value is wanted (`inside`) or not.
    pub(super) fn retain(
        &self,
        values: &[T],
        validity: Option<&Bitmap>,
        mask: &mut Bitmap,
        inside: bool,
    ) {
        match self {
            Self::Nothing if inside => mask.words_mut().fill(0),
            Self::Nothing => known(validity, mask),
            Self::Stretch(low, span) => {
                let (low, span) = (*low, *span);
                if inside {
                    retain(values, validity, mask, |value| value.is_within(low, span));
                } else {
                    retain(values, validity, mask, |value| !value.is_within(low, span));
                }
            }
            Self::Stretches(few) => {
                let few = *few;
                // No short cut from stretch to stretch: it would be a branch in each lane.
                let is_wanted = |value: T| {
                    few.iter().fold(false, |found, (low, span)| {
                        found | value.is_within(*low, *span)
                    })
                };
                retain(values, validity, mask, |value| is_wanted(value) == inside);
            }
            Self::Sorted(wanted) => retain(values, validity, mask, |value| {
                wanted.binary_search(&value).is_ok() == inside
            }),
        }
    }
}

/// Keeps of `mask` the rows that have a value.
pub(super) fn known(validity: Option<&Bitmap>, mask: &mut Bitmap) {
    if let Some(validity) = validity {
        mask.and_with(validity);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<T: Lane + std::fmt::Debug>(
        values: &[T],
        wide: impl Fn(T) -> i64,
        low: i64,
        high: i64,
        list: &[i64],
    ) {
        for inside in [true, false] {
            let mut mask = Bitmap::ones(values.len());
            Wanted::<T>::range(low, high).retain(values, None, &mut mask, inside);
            let expected: Vec<usize> = (0..values.len())
                .filter(|row| (low..=high).contains(&wide(values[*row])) == inside)
                .collect();
            assert_eq!(
                mask.iter().collect::<Vec<_>>(),
                expected,
                "{low}..={high} {inside}"
            );
            let mut mask = Bitmap::ones(values.len());
            Wanted::<T>::list(list).retain(values, None, &mut mask, inside);
            let expected: Vec<usize> = (0..values.len())
                .filter(|row| list.contains(&wide(values[*row])) == inside)
                .collect();
            assert_eq!(
                mask.iter().collect::<Vec<_>>(),
                expected,
                "{list:?} {inside}"
            );
        }
    }

    proptest! {
        /// Goal: literals beyond a column's width, and stretches of every number, compare as wide integers do.
        #[test]
        fn narrow_comparisons_agree_with_wide_ones(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            ends in (-70_000_i64..70_000, -70_000_i64..70_000),
            mut list in prop::collection::vec(prop_oneof![-130_i64..260, Just(i64::MAX), Just(i64::MIN), -70_000_i64..70_000], 0..12),
        ) {
            list.sort_unstable();
            list.dedup();
            let (low, high) = ends;
            check(&bytes, i64::from, low, high, &list);
            let signed: Vec<i8> = bytes.iter().map(|byte| byte.cast_signed()).collect();
            check(&signed, i64::from, low, high, &list);
            let wider: Vec<i16> = bytes.iter().map(|byte| i16::from(*byte) * 125 - 16_000).collect();
            check(&wider, i64::from, low, high, &list);
            let unsigned: Vec<u32> = bytes.iter().map(|byte| u32::from(*byte) << 24).collect();
            check(&unsigned, i64::from, low, high, &list);
            let widest: Vec<i64> = bytes.iter().map(|byte| if byte % 2 == 0 { i64::MAX } else { i64::from(*byte) - 100 }).collect();
            check(&widest, |value| value, low, high, &list);
        }
    }

    #[test]
    fn eight_bytes_become_eight_bits() {
        for expected in 0..=u8::MAX {
            let bytes = std::array::from_fn(|index| expected >> index & 1);
            assert_eq!(gathered(u64::from_le_bytes(bytes)), u64::from(expected));
        }
    }
}
