//! Numbers that look random and are not: a counter is advanced and its value mixed.
//!
//! The same key gives the same numbers on every machine and in every version of this crate, which no generator of a
//! library promises; everything is integer arithmetic. The generator is SplitMix64 (Steele, Lea and Flood, "Fast
//! splittable pseudorandom number generators", OOPSLA 2014), written from the paper.
//!
//! It is not for secrets: whoever sees one number knows all that follow.

/// The odd constant by which the counter advances: 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// One, in the fixed point of [`Draw::spread`].
pub(crate) const ONE: u64 = 1 << 16;

/// What a stream of numbers is used for; streams of different uses are independent of each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use {
    /// Who the customer is: archetype, region, plan.
    Profile = 1,
    /// What the customer uses.
    Usage = 2,
    /// The members of the customer's family.
    Family = 3,
    /// What only the customer table tells: age group, dealings, businesses held.
    Table = 4,
    /// What happened between the customer and the operator.
    Contacts = 5,
}

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    counter: u64,
}

impl Draw {
    /// The stream of customer `index` for `purpose`. It depends on nothing else, so customers can be made in any order.
    pub(crate) fn of_customer(seed: u64, purpose: Use, index: u64) -> Self {
        let key =
            mix(seed).wrapping_add(mix(index.wrapping_mul(STEP).wrapping_add(purpose as u64)));
        Self { counter: mix(key) }
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(STEP);
        mix(self.counter)
    }

    /// A number below `bound`, or 0 when `bound` is 0. The bias is below `bound` ÷ 2⁶⁴, far below what a sample shows.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        // The upper half of a 128-bit product always fits.
        u64::try_from(product >> 64).unwrap_or(u64::MAX)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True in `share` of 1,000 cases.
    pub(crate) fn permille(&mut self, share: u32) -> bool {
        self.below(1000) < u64::from(share)
    }

    /// One of `choices`, each as often as its weight says. Nothing when there are no weights.
    pub(crate) fn weighted<'choices, Choice>(
        &mut self,
        choices: &'choices [(Choice, u32)],
    ) -> Option<&'choices Choice> {
        let total: u64 = choices.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut point = self.below(total);
        for (choice, weight) in choices {
            match point.checked_sub(u64::from(*weight)) {
                Some(rest) => point = rest,
                None => return Some(choice),
            }
        }
        None
    }

    /// One of `choices`, all alike. Nothing when there are none.
    pub(crate) fn pick<'choices, Choice>(
        &mut self,
        choices: &'choices [Choice],
    ) -> Option<&'choices Choice> {
        let index = self.below(choices.len() as u64);
        choices.get(usize::try_from(index).unwrap_or(usize::MAX))
    }

    /// `median` times a skewed factor: two to the power of a nearly normal number whose deviation is
    /// `deviation_permille` ÷ 1,000. Usage of people is spread like this: most near the median, a few many times above.
    pub(crate) fn spread(&mut self, median: u64, deviation_permille: u32) -> u64 {
        let exponent = self.nearly_normal() * i64::from(deviation_permille) / 1000;
        let scaled = u128::from(median) * u128::from(power_of_two(exponent));
        u64::try_from(scaled / u128::from(ONE)).unwrap_or(u64::MAX)
    }

    /// The sum of twelve uniform numbers less six: mean 0, deviation 1, between -6 and 6; in units of 1 ÷ [`ONE`].
    fn nearly_normal(&mut self) -> i64 {
        let mut sum = 0_i64;
        for _ in 0..3 {
            let bits = self.next();
            for part in [bits, bits >> 16, bits >> 32, bits >> 48] {
                sum += i64::try_from(part & 0xFFFF).unwrap_or_default();
            }
        }
        sum - 6 * ONE.cast_signed()
    }
}

/// The output function of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Two to the power of `exponent`, both in units of 1 ÷ [`ONE`]; exponents beyond ±16 are treated as ±16.
/// Between whole exponents a parabola through the ends and the middle serves; it is off by less than 0.2 %.
fn power_of_two(exponent: i64) -> u64 {
    let limit = 16 * ONE.cast_signed();
    let exponent = exponent.clamp(-limit, limit);
    let whole = exponent.div_euclid(ONE.cast_signed());
    let part = exponent.rem_euclid(ONE.cast_signed()).cast_unsigned();
    // 2^x ≈ 1 + x × (0.6568 + 0.3432 × x) for x in 0..1, coefficients in units of 1 ÷ ONE.
    let mantissa = ONE + part * (43_044 + 22_492 * part / ONE) / ONE;
    let shift = u32::try_from(whole.unsigned_abs()).unwrap_or(u32::MAX);
    if whole >= 0 {
        mantissa << shift
    } else {
        mantissa >> shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: this is SplitMix64; the expected values are those of the reference implementation for the seed 1234567.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut draw = Draw { counter: 1_234_567 };
        let drawn: Vec<u64> = (0..5).map(|_| draw.next()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn powers_of_two_meet_at_whole_exponents() {
        assert_eq!(power_of_two(0), ONE);
        assert_eq!(power_of_two(3 * ONE.cast_signed()), 8 * ONE);
        assert_eq!(power_of_two(-ONE.cast_signed()), ONE / 2);
        let root = power_of_two(ONE.cast_signed() / 2);
        assert!(
            (92_500..92_900).contains(&root),
            "{root} is not near the square root of two"
        );
    }

    /// Goal: the middle of the spread is the median, and the tail is long upwards.
    #[test]
    fn spread_is_skewed_around_its_median() {
        let mut draw = Draw::of_customer(1, Use::Usage, 1);
        let mut drawn: Vec<u64> = (0..4001).map(|_| draw.spread(1000, 1000)).collect();
        drawn.sort_unstable();
        assert!((930..1070).contains(&drawn[2000]), "median {}", drawn[2000]);
        let mean = drawn.iter().sum::<u64>() / 4001;
        assert!(mean > 1150, "mean {mean} is not above the median");
    }

    #[test]
    fn bounds_are_kept() {
        let mut draw = Draw::of_customer(7, Use::Profile, 3);
        for _ in 0..1000 {
            assert!((5..=9).contains(&draw.between(5, 9)));
            assert_eq!(draw.below(1), 0);
        }
        assert!(draw.pick::<u8>(&[]).is_none());
        assert!(draw.weighted::<u8>(&[]).is_none());
        assert_eq!(draw.weighted(&[('a', 0), ('b', 1)]), Some(&'b'));
    }
}
