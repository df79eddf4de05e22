//! Where a service stops: how many units an amount pays for.
//!
//! Where a service can stop, prices never fall with usage (the validator refuses volume tiers there), so there is one answer. It is
//! computed backwards, tier by tier and block by block, because a search by halves prices the line some thirty times. Only where
//! an amount is not a plain sum of tiers is it searched for: set-up fees fall to units in proportion, and a flat fee that is due without
//! usage is not paid out of the first tier.

use super::{RateUse, steps, tiers};
use crate::compile::{Priced, RateRow, TierRow};

/// The largest number of the gathered units that cost at most `budget` together; 0 if none does.
pub(super) fn units_within<N: Priced>(
    row: &RateRow<N>,
    tiers: &[TierRow<N>],
    gathered: RateUse,
    budget: N,
) -> i64 {
    let has_setups = gathered.setups > 0 && row.setup > N::default();
    if has_setups || row.volume || row.flat_at_zero {
        largest_within(gathered.charged, |units| {
            cost_before_cap(row, tiers, gathered, units) <= budget
        })
    } else if row.cap_every > 0 {
        units_of_capped_blocks(row, tiers, gathered.charged, budget)
    } else {
        units_of_tiers(row, tiers, gathered.charged, budget)
    }
}

/// What the first `units` of the gathered ones cost, under the rate's own limit.
pub(super) fn cost_of_part<N: Priced>(
    row: &RateRow<N>,
    tiers: &[TierRow<N>],
    gathered: RateUse,
    units: i64,
) -> N {
    let cost = cost_before_cap(row, tiers, gathered, units);
    let is_limited = row.cap >= N::default() && row.cap_every == 0 && !row.cap_stops;
    if is_limited { cost.min(row.cap) } else { cost }
}

/// The same without a limit of the whole line; that of each block is part of the price.
fn cost_before_cap<N: Priced>(
    row: &RateRow<N>,
    tiers: &[TierRow<N>],
    gathered: RateUse,
    units: i64,
) -> N {
    if row.cap_every == 0 {
        return steps::cost(row, tiers, gathered, units);
    }
    let part = RateUse {
        charged: units,
        setups: steps::setups_within(gathered, units),
        ..gathered
    };
    steps::cost_of_capped_blocks(row, tiers, part)
}

/// How many of `most` units the tiers give for `budget`.
fn units_of_tiers<N: Priced>(row: &RateRow<N>, tiers: &[TierRow<N>], most: i64, budget: N) -> i64 {
    let wanted = most - row.free_units;
    let mut left = budget;
    let mut from = 0;
    for tier in tiers {
        if wanted <= from {
            return most;
        }
        // A tier's flat fee is due with its first unit.
        if left < tier.flat {
            break;
        }
        left = left.minus(tier.flat);
        let part = wanted.min(tier.up_to) - from;
        let paid = if tier.price == N::default() {
            part
        } else {
            let blocks = left.divided(tier.price).0.saturating();
            row.block_rounding.map_or(blocks, |rounding| {
                rounding.quantity_within(blocks, row.block)
            })
        };
        if paid < part {
            return row.free_units + from + paid;
        }
        left = left.minus(tier.price.times(N::from(tiers::blocks(row, part))));
        from += part;
    }
    row.free_units + from
}

/// The same where each block of the rate's cap costs its tiers or the cap, whichever is less.
fn units_of_capped_blocks<N: Priced>(
    row: &RateRow<N>,
    tiers: &[TierRow<N>],
    most: i64,
    budget: N,
) -> i64 {
    let block = row.cap_block;
    if block <= N::default() {
        return most;
    }
    let (blocks, left) = budget.divided(block);
    let whole = blocks.saturating().saturating_mul(row.cap_every);
    if whole >= most {
        return most;
    }
    // What is left does not pay for a block, so it lies below the cap, and the tiers end before the block does.
    whole + units_of_tiers(row, tiers, most - whole, left)
}

/// The largest `units` in `0..=most` that is acceptable, where smaller ones are acceptable too; 0 if none is.
fn largest_within(most: i64, acceptable: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if acceptable(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}
