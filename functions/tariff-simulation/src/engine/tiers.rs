//! The price of a quantity: free units, then tiers.

use crate::compile::{Priced, RateRow, TierRow};
use crate::number::Exact;

/// Listens to the tiers that were used.
pub trait TierSink<N> {
    /// Tier `index` priced `quantity` units as `blocks` blocks (or units) and costs `amount`, its flat fee included.
    fn tier(&mut self, index: usize, quantity: i64, blocks: i64, amount: N);
}

impl<N> TierSink<N> for () {
    #[inline]
    fn tier(&mut self, _index: usize, _quantity: i64, _blocks: i64, _amount: N) {}
}

/// What is paid for `part` units of one tier: whole blocks, or the units themselves where prices are in proportion.
#[inline]
pub(super) fn blocks<N>(rate: &RateRow<N>, part: i64) -> i64 {
    match rate.block_rounding {
        Some(rounding) => rounding.blocks(part, rate.block),
        None => part,
    }
}

/// Price of `quantity` units, as a numerator over the rate's denominator.
#[inline]
pub fn charge<N: Priced, S: TierSink<N>>(
    rate: &RateRow<N>,
    tiers: &[TierRow<N>],
    quantity: i64,
    sink: &mut S,
) -> N {
    let quantity = quantity.minus(rate.free_units);
    if quantity <= 0 {
        return match tiers.first() {
            Some(first) if rate.flat_at_zero => {
                sink.tier(0, 0, 0, first.flat);
                first.flat
            }
            _ => N::default(),
        };
    }
    let mut amount = N::default();
    let mut from = 0;
    for (index, tier) in tiers.iter().enumerate() {
        if quantity <= from {
            break;
        }
        let part = if rate.volume {
            if quantity > tier.up_to {
                continue;
            }
            quantity
        } else {
            quantity.min(tier.up_to).minus(from)
        };
        let blocks = blocks(rate, part);
        let cost = tier.price.times(N::from(blocks)).plus(tier.flat);
        sink.tier(index, part, blocks, cost);
        amount = amount.plus(cost);
        if rate.volume {
            break;
        }
        from = tier.up_to;
    }
    amount
}
