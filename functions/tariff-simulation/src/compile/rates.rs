//! Prices over a common denominator, and the proof that they fit 64 bits.

use super::streams::{EffectiveRate, index_of};
use super::tables::{NONE, RateFacts, RateRow, TierRow, Variant};
use crate::engine::charge;
use crate::limits::{FAMILY_MEMBERS_MAX, METER_MAX};
use crate::number::{
    BlockRounding, PRICE_UNITS_PER_FEN, PreparedRounding, Rounding, greatest_common_divisor,
    least_common_multiple,
};
use crate::plan::{AtCap, Plan, Rate};

/// Adds the rows of all rates to the variant.
pub(super) fn compile(plan: &Plan, rates: &[EffectiveRate<'_>], variant: &mut Variant) {
    for effective in rates {
        let rate = effective.rate;
        let rounding = rate.rounding.unwrap_or(plan.rounding);
        let (row, tiers) = wide_rows(rate, rounding);
        let narrow = narrow_rows(&row, &tiers, rounding);
        let first_tier = u32::try_from(variant.wide_tiers.len()).unwrap_or(u32::MAX);
        let after_tiers = u32::try_from(variant.wide_tiers.len() + tiers.len()).unwrap_or(u32::MAX);
        let facts = facts(rounding, effective, narrow.is_none());
        if facts.flat_at_zero {
            variant.due_at_zero.push(index_of(variant.rates.len()));
        }
        variant.rates.push(facts);
        let (narrow_row, narrow_tiers) = narrow.unwrap_or_else(|| {
            (
                RateRow::default(),
                vec![
                    TierRow {
                        up_to: i64::MAX,
                        price: 0,
                        flat: 0
                    };
                    tiers.len()
                ],
            )
        });
        variant.narrow_rates.push(RateRow {
            tiers_from: first_tier,
            tiers_until: after_tiers,
            ..narrow_row
        });
        variant.narrow_tiers.extend(narrow_tiers);
        variant.wide_rates.push(RateRow {
            tiers_from: first_tier,
            tiers_until: after_tiers,
            ..row
        });
        variant.wide_tiers.extend(tiers);
    }
}

fn facts(rounding: Rounding, effective: &EffectiveRate<'_>, wide: bool) -> RateFacts {
    let rate = effective.rate;
    RateFacts {
        slot: effective.slot,
        index: u16::try_from(effective.index).unwrap_or(NONE),
        wide,
        needs_events: rate.setup_price > 0 || rate.over_event,
        over_event: rate.over_event,
        flat_at_zero: rate.flat_at_zero && rate.tiers.first().is_some_and(|tier| tier.flat > 0),
        free: rate.setup_price == 0
            && rate.event_minimum_fen.unwrap_or(0) == 0
            && rate
                .tiers
                .iter()
                .all(|tier| tier.price == 0 && tier.flat == 0),
        measure: rate.measure,
        increment_first: rate.increment_first,
        increment_next: rate.increment_next,
        convert_unit: rate.convert.map_or(0, |convert| convert.unit),
        convert_rounding: rate
            .convert
            .map_or(BlockRounding::Up, |convert| convert.rounding),
        rounding,
    }
}

/// Rows in 128 bits. A price of `p` price units for `per` base units is `p / (10⁷ × per)` fen for one base unit.
fn wide_rows(rate: &Rate, rounding: Rounding) -> (RateRow<i128>, Vec<TierRow<i128>>) {
    let units_per_fen = i128::from(PRICE_UNITS_PER_FEN);
    let price_denominator = match rate.block {
        Some(_) => units_per_fen,
        None => units_per_fen * i128::from(rate.per),
    };
    let reduced = |numerator: i64, denominator: i128| {
        denominator.div_euclid(greatest_common_divisor(i128::from(numerator), denominator))
    };
    let mut denominator = reduced(rate.setup_price, units_per_fen);
    for tier in &rate.tiers {
        denominator = least_common_multiple(denominator, reduced(tier.price, price_denominator));
        denominator = least_common_multiple(denominator, reduced(tier.flat, units_per_fen));
    }
    // Exact by construction: the denominator is a multiple of every reduced one.
    let over = |numerator: i64, from: i128| (i128::from(numerator) * denominator).div_euclid(from);
    let fen = |amount: i64| i128::from(amount) * denominator;
    let row = RateRow {
        denominator,
        rounding: PreparedRounding::new(denominator, rounding),
        setup: over(rate.setup_price, units_per_fen),
        event_minimum: fen(rate.event_minimum_fen.unwrap_or(0)),
        event_maximum: rate.event_maximum_fen.map_or(-1, fen),
        cap: rate.cap.map_or(-1, |cap| fen(cap.amount_fen)),
        cap_every: rate.cap.and_then(|cap| cap.every).unwrap_or(0),
        cap_stops: rate.cap.is_some_and(|cap| cap.then == AtCap::Stop),
        free_units: rate.free_units,
        volume: rate.volume,
        flat_at_zero: rate.flat_at_zero,
        block: if rate.block.is_some() { rate.per } else { 0 },
        block_rounding: rate.block,
        tiers_from: 0,
        tiers_until: 0,
        only_price: None,
        cap_block: 0,
    };
    let tiers: Vec<TierRow<i128>> = rate
        .tiers
        .iter()
        .map(|tier| TierRow {
            up_to: tier.up_to.unwrap_or(i64::MAX),
            price: over(tier.price, price_denominator),
            flat: over(tier.flat, units_per_fen),
        })
        .collect();
    let row = RateRow {
        only_price: only_price(&row, &tiers),
        cap_block: match row.cap_every {
            0 => 0,
            every => charge(&row, &tiers, every, &mut ()).min(row.cap),
        },
        ..row
    };
    (row, tiers)
}

/// The price of each unit, where nothing else counts.
fn only_price(row: &RateRow<i128>, tiers: &[TierRow<i128>]) -> Option<i128> {
    let [tier] = tiers else { return None };
    let is_plain = row.free_units == 0 && row.block_rounding.is_none() && tier.flat == 0;
    is_plain.then_some(tier.price)
}

/// The same rows in 64 bits, if no quantity that can occur makes any intermediate value leave them.
fn narrow_rows(
    row: &RateRow<i128>,
    tiers: &[TierRow<i128>],
    rounding: Rounding,
) -> Option<(RateRow<i64>, Vec<TierRow<i64>>)> {
    let users = i128::try_from(FAMILY_MEMBERS_MAX + 1).ok()?;
    // Conversion and blocks can round a quantity up by less than it is or by less than one unit; doubling covers both.
    let quantity_max = 2 * users * i128::from(METER_MAX);
    let price_max = tiers.iter().map(|tier| tier.price).max()?;
    // Each block of a repeating cap begins with the first tier, and pays its flat fees anew.
    let flats_due = match i128::from(row.cap_every) {
        0 => 1,
        every => quantity_max.div_euclid(every) + 1,
    };
    let flats = tiers
        .iter()
        .map(|tier| tier.flat)
        .sum::<i128>()
        .checked_mul(flats_due)?;
    // Amounts of single events are added up in 128 bits in any case.
    let event_max = row.setup.max(row.event_minimum);
    let amount_max = price_max.checked_mul(quantity_max)?.checked_add(flats)?;
    let amount_max = amount_max.checked_add(event_max.checked_mul(quantity_max)?)?;
    let amount_max = amount_max.max(row.cap).max(row.event_maximum);
    // Rounding adds less than its step.
    let step = row.denominator.checked_mul(rounding.step_fen.into())?;
    i64::try_from(amount_max.checked_add(step)?).ok()?;
    let narrow = |value: i128| i64::try_from(value).ok();
    let denominator = narrow(row.denominator)?;
    let tiers = tiers
        .iter()
        .map(|tier| {
            Some(TierRow {
                up_to: tier.up_to,
                price: narrow(tier.price)?,
                flat: narrow(tier.flat)?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    let row = RateRow {
        denominator,
        rounding: PreparedRounding::new(denominator, rounding),
        setup: narrow(row.setup)?,
        event_minimum: narrow(row.event_minimum)?,
        event_maximum: narrow(row.event_maximum)?,
        cap: narrow(row.cap)?,
        cap_every: row.cap_every,
        cap_stops: row.cap_stops,
        free_units: row.free_units,
        volume: row.volume,
        flat_at_zero: row.flat_at_zero,
        block: row.block,
        block_rounding: row.block_rounding,
        tiers_from: 0,
        tiers_until: 0,
        only_price: match row.only_price {
            Some(price) => Some(narrow(price)?),
            None => None,
        },
        cap_block: narrow(row.cap_block)?,
    };
    Some((row, tiers))
}
