//! Lines of the bill and the steps after pricing: which lines each cap, discount, bound and tax looks at.

use super::streams::{EffectiveRate, index_of};
use super::tables::{AmountCapRow, BucketRow, LineRow, NONE, ReductionRow, TaxRow, Variant};
use crate::number::round_ratio;
use crate::plan::{
    AddOn, AtCap, Discount, DiscountValue, FAMILY_LINE, LineGroup, LineScope, MAXIMUM_LINE,
    MINIMUM_LINE, MONTHLY_FEE_LINE, Plan,
};

/// Adds lines and steps to the variant.
pub(super) fn compile(
    plan: &Plan,
    add_ons: &[(usize, &AddOn)],
    rates: &[EffectiveRate<'_>],
    variant: &mut Variant,
) {
    variant.monthly_fee_fen = plan.monthly_fee_fen;
    variant.long_run_fee_fen = round_ratio(plan.monthly_fee_fen, 1, plan.rounding);
    variant.prices_events = rates.iter().any(|effective| effective.rate.over_event);
    variant.first_month = Some(plan.first_month);
    variant.phases.clone_from(&plan.phases);
    variant.prorate_allowances = plan.prorate_allowances;
    variant.rounding = Some(plan.rounding);
    variant.members_max = plan.family.map_or(0, |family| family.members_max);
    variant.lines = lines(plan, add_ons, rates);
    variant.first_rate_line = variant.lines.len() - rates.len();

    let in_scope = |scope: &LineScope| -> Vec<u16> {
        variant
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| scope.contains(line.group, &line.id))
            .map(|(index, _)| index_of(index))
            .collect()
    };
    let amount_caps: Vec<AmountCapRow> = plan
        .amount_caps
        .iter()
        .map(|cap| AmountCapRow {
            amount_fen: cap.amount_fen,
            then: cap.then,
            lines: in_scope(&cap.lines),
        })
        .collect();
    let reduction = |slot: u16, index: usize, discount: &Discount| ReductionRow {
        slot,
        index: index_of(index),
        value: discount.value,
        lines: in_scope(&discount.lines),
        first_months: discount.first_months.unwrap_or(u32::MAX),
    };
    let own = plan
        .discounts
        .iter()
        .enumerate()
        .map(|(index, discount)| reduction(NONE, index, discount));
    let added = add_ons.iter().flat_map(|(slot, add_on)| {
        add_on
            .discounts
            .iter()
            .enumerate()
            .map(|(index, discount)| reduction(index_of(*slot), index, discount))
    });
    let discounts: Vec<ReductionRow> = own.chain(added).collect();
    let minimum = plan
        .minimum
        .as_ref()
        .map(|bound| (bound.amount_fen, in_scope(&bound.lines)));
    let maximum = plan
        .maximum
        .as_ref()
        .map(|bound| (bound.amount_fen, in_scope(&bound.lines)));
    let taxes: Vec<TaxRow> = plan
        .taxes
        .iter()
        .map(|tax| {
            let lines = in_scope(&tax.lines);
            let on_minimum = tax.lines.contains(LineGroup::Minimum, MINIMUM_LINE);
            let on_maximum = tax.lines.contains(LineGroup::Maximum, MAXIMUM_LINE);
            let on_everything = lines.len() == variant.lines.len() && on_minimum && on_maximum;
            TaxRow {
                percent_milli: tax.percent_milli,
                included: tax.included,
                lines,
                on_minimum,
                on_maximum,
                on_everything,
            }
        })
        .collect();

    variant.amount_caps = amount_caps;
    variant.discounts = discounts;
    variant.minimum = minimum;
    variant.maximum = maximum;
    variant.maximum_counts_minimum = plan
        .maximum
        .as_ref()
        .is_some_and(|bound| bound.lines.contains(LineGroup::Minimum, MINIMUM_LINE));
    variant.taxes = taxes;
    variant.looks_at_lines = !variant.amount_caps.is_empty()
        || !variant.discounts.is_empty()
        || variant.minimum.is_some()
        || variant.maximum.is_some()
        || variant.taxes.iter().any(|tax| !tax.on_everything);
    variant.spread_reductions = needs_spreading(variant);
    variant.monotone = is_monotone(rates, variant);
    variant.has_mixed_weights = has_mixed_weights(variant);
}

/// Fees first, then one line for each rate.
fn lines(plan: &Plan, add_ons: &[(usize, &AddOn)], rates: &[EffectiveRate<'_>]) -> Vec<LineRow> {
    let line = |group, id: &str, slot, fee_fen| LineRow {
        group,
        id: id.to_owned(),
        slot,
        fee_fen,
    };
    let mut lines = vec![line(
        LineGroup::Fees,
        MONTHLY_FEE_LINE,
        NONE,
        plan.monthly_fee_fen,
    )];
    lines.extend(
        plan.family
            .map(|family| line(LineGroup::Fees, FAMILY_LINE, NONE, family.member_fee_fen)),
    );
    lines.extend(
        plan.one_off_fees
            .iter()
            .map(|fee| line(LineGroup::OneOff, &fee.id, NONE, fee.amount_fen)),
    );
    lines.extend(add_ons.iter().map(|(slot, add_on)| {
        line(
            LineGroup::AddOns,
            &add_on.id,
            index_of(*slot),
            add_on.monthly_fee_fen,
        )
    }));
    lines.extend(
        rates
            .iter()
            .map(|effective| line(LineGroup::Usage, &effective.rate.id, effective.slot, 0)),
    );
    lines
}

/// Whether some step looks at a part of the lines that an earlier one reduced: then it matters where the reduction went.
fn needs_spreading(variant: &Variant) -> bool {
    let capped = variant.amount_caps.iter().map(|cap| &cap.lines);
    let reductions: Vec<&Vec<u16>> = capped
        .chain(variant.discounts.iter().map(|discount| &discount.lines))
        .collect();
    let bounds = variant
        .minimum
        .iter()
        .chain(&variant.maximum)
        .map(|(_, lines)| lines);
    let later: Vec<&Vec<u16>> = reductions
        .iter()
        .copied()
        .chain(bounds)
        .chain(variant.taxes.iter().map(|tax| &tax.lines))
        .collect();
    reductions.iter().enumerate().any(|(position, reduced)| {
        later.iter().skip(position + 1).any(|scope| {
            let common = reduced.iter().filter(|line| scope.contains(line)).count();
            common > 0 && common < reduced.len()
        })
    })
}

/// Every step keeps order (dearer in, not cheaper out) except six: volume tiers, where one more unit can make all units cheaper;
/// a service stop over several lines, which cuts whole blocks; reductions spread by proportion; percentages rounded to more than a
/// fen, which can grow by more than what they are taken of; a maximum that does not count the line of a minimum, where usage
/// takes the place of that line and is then given back; and allowances whose broken rests can go to either of two uses.
fn is_monotone(rates: &[EffectiveRate<'_>], variant: &Variant) -> bool {
    let volume = rates.iter().any(|effective| effective.rate.volume);
    let stops = variant
        .amount_caps
        .iter()
        .any(|cap| cap.then == AtCap::Stop);
    let percentages = variant
        .discounts
        .iter()
        .any(|discount| matches!(discount.value, DiscountValue::PercentMilli(_)));
    let coarse = percentages && variant.rounding().step_fen > 1;
    let bounds =
        variant.minimum.is_some() && variant.maximum.is_some() && !variant.maximum_counts_minimum;
    !volume
        && !stops
        && !coarse
        && !bounds
        && weights_keep_order(variant)
        && !variant.spread_reductions
}

/// Weights with which streams draw from a bucket, in the order of drawing, without repetition of neighbours.
fn weight_runs(variant: &Variant, bucket: &BucketRow) -> Vec<i64> {
    let streams = variant.own.rows.iter().chain(&variant.members.rows);
    let draws = streams
        .flat_map(|stream| &variant.draws[stream.draws_from as usize..stream.draws_until as usize]);
    let mut weights: Vec<i64> = draws
        .filter(|draw| draw.pot == bucket.current_pot)
        .map(|draw| draw.weight)
        .collect();
    weights.dedup();
    weights
}

/// Whether some bucket counts different usage differently.
fn has_mixed_weights(variant: &Variant) -> bool {
    variant
        .buckets
        .iter()
        .any(|bucket| weight_runs(variant, bucket).len() > 1)
}

/// A rest that is too small for a heavy use can still serve a light one. So when a heavy use takes one unit more, a light one after it
/// may find less. That cannot happen when every use weighs the same; nor when the weight changes once only, the bucket is
/// always the same size, and its rest goes nowhere.
fn weights_keep_order(variant: &Variant) -> bool {
    variant
        .buckets
        .iter()
        .all(|bucket| match weight_runs(variant, bucket).len() {
            0 | 1 => true,
            2 => bucket.slot == NONE && bucket.rollover_months == 0,
            _ => false,
        })
}
