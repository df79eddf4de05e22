//! From quantities to lines, and from lines to the bill: line caps, rounding, caps over lines, discounts, minimum, maximum, tax.

use super::{
    Line, LineKind, MonthContext, MonthTotal, RateOutcome, RateUse, Sink, Workspace, stop, tiers,
};
use crate::compile::{Priced, RateRow, TierRow, Variant};
use crate::number::{Exact, PERCENT_WHOLE, Rounding, divide, round_ratio};
use crate::plan::{AtCap, DiscountValue};

/// Prices what a rate has gathered; returns its line in fen.
#[inline]
pub(super) fn price_rate<S: Sink>(
    variant: &Variant,
    rate: usize,
    workspace: &Workspace,
    sink: &mut S,
) -> i64 {
    let facts = &variant.rates[rate];
    if facts.wide || facts.over_event {
        price_in::<i128, S>(variant, rate, workspace, sink)
    } else {
        price_in::<i64, S>(variant, rate, workspace, sink)
    }
}

#[inline]
fn price_in<N: Priced, S: Sink>(
    variant: &Variant,
    rate: usize,
    workspace: &Workspace,
    sink: &mut S,
) -> i64 {
    let gathered = workspace.rates[rate];
    let (row, tiers) = N::row(variant, rate);
    let exact = if variant.rates[rate].over_event {
        N::from_wide(workspace.event_amounts[rate])
    } else {
        cost(row, tiers, gathered, gathered.charged)
    };
    let (after_cap, served) = if row.cap < N::default() {
        (exact, gathered.charged)
    } else if row.cap_every > 0 {
        (
            cost_of_capped_blocks(row, tiers, gathered),
            gathered.charged,
        )
    } else if exact <= row.cap {
        (exact, gathered.charged)
    } else if row.cap_stops {
        let served = stop::units_within(row, tiers, gathered, row.cap);
        (cost(row, tiers, gathered, served), served)
    } else {
        (row.cap, gathered.charged)
    };
    let amount_fen = row.rounding.round(after_cap).saturating();
    sink.rate(RateOutcome {
        rate,
        charged: gathered.charged,
        setups: gathered.setups,
        exact: exact.into(),
        after_cap: after_cap.into(),
        served,
        amount_fen,
    });
    amount_fen
}

/// Tiers and set-up fees for the first `units` of what was gathered.
#[inline]
pub(super) fn cost<N: Priced>(
    row: &RateRow<N>,
    tiers: &[TierRow<N>],
    gathered: RateUse,
    units: i64,
) -> N {
    let amount = match row.only_price {
        Some(price) => price.times(N::from(units)),
        None => tiers::charge(row, tiers, units, &mut ()),
    };
    if gathered.setups == 0 || row.setup == N::default() {
        return amount;
    }
    amount.plus(row.setup.times(N::from(setups_within(gathered, units))))
}

/// Set-up fees that fall to the first `units`: in proportion, a begun one counts.
pub(super) fn setups_within(gathered: RateUse, units: i64) -> i64 {
    if units >= gathered.charged {
        return gathered.setups;
    }
    let of = i128::from(gathered.charged);
    i64::try_from((i128::from(gathered.setups) * i128::from(units) + of - 1) / of)
        .unwrap_or(gathered.setups)
}

/// Each block of the cap costs its tiers or the cap, whichever is less; set-up fees are outside.
pub(super) fn cost_of_capped_blocks<N: Priced>(
    row: &RateRow<N>,
    tiers: &[TierRow<N>],
    gathered: RateUse,
) -> N {
    let (blocks, rest) = divide(gathered.charged, row.cap_every);
    let last = tiers::charge(row, tiers, rest, &mut ()).min(row.cap);
    row.cap_block
        .times(N::from(blocks))
        .plus(last)
        .plus(row.setup.times(N::from(gathered.setups)))
}

/// Caps over several lines.
#[inline(never)]
pub(super) fn amount_caps<S: Sink>(variant: &Variant, workspace: &mut Workspace, sink: &mut S) {
    for (index, cap) in variant.amount_caps.iter().enumerate() {
        let before_fen = sum(workspace, &cap.lines);
        if before_fen <= cap.amount_fen {
            continue;
        }
        match cap.then {
            AtCap::Free => {
                reduce(
                    variant,
                    workspace,
                    &cap.lines,
                    before_fen,
                    before_fen - cap.amount_fen,
                );
                sink.line(Line {
                    kind: LineKind::AmountCap {
                        cap: index,
                        before_fen,
                    },
                    amount_fen: cap.amount_fen - before_fen,
                });
            }
            AtCap::Stop => stop_lines(
                variant,
                workspace,
                &cap.lines,
                before_fen - cap.amount_fen,
                sink,
            ),
        }
    }
}

/// Cuts lines, the last one first, until `excess_fen` is gone.
fn stop_lines<S: Sink>(
    variant: &Variant,
    workspace: &mut Workspace,
    lines: &[u16],
    mut excess_fen: i64,
    sink: &mut S,
) {
    for line in lines.iter().rev() {
        let Some(rate) = usize::from(*line).checked_sub(variant.first_rate_line) else {
            continue;
        };
        let amount_fen = workspace.nets[usize::from(*line)];
        if excess_fen <= 0 {
            break;
        }
        // A rate whose tiers begin with each event has no price for a part of the month; only an add-on can bring one here.
        if amount_fen == 0 || variant.rates[rate].over_event {
            continue;
        }
        let gathered = workspace.rates[rate];
        let target_fen = (amount_fen - excess_fen).max(0);
        let (served, cut_fen) = if variant.rates[rate].wide {
            cut::<i128>(variant, rate, gathered, target_fen)
        } else {
            cut::<i64>(variant, rate, gathered, target_fen)
        };
        excess_fen -= amount_fen - cut_fen;
        workspace.nets[usize::from(*line)] = cut_fen;
        sink.cut(rate, served, gathered.charged - served, cut_fen);
    }
}

/// How many units of a rate can be served for at most `target_fen`, and the line that they make.
fn cut<N: Priced>(
    variant: &Variant,
    rate: usize,
    gathered: RateUse,
    target_fen: i64,
) -> (i64, i64) {
    let (row, tiers) = N::row(variant, rate);
    let served = stop::units_within(
        row,
        tiers,
        gathered,
        row.rounding.largest_within(target_fen),
    );
    let amount = stop::cost_of_part(row, tiers, gathered, served);
    (served, row.rounding.round(amount).saturating())
}

#[inline]
fn sum(workspace: &Workspace, lines: &[u16]) -> i64 {
    lines
        .iter()
        .map(|line| workspace.nets[usize::from(*line)])
        .sum()
}

/// Takes `by_fen` off the lines. Where a later step looks at some of the lines only, it is spread in proportion to them: line
/// after line, so that the shares up to any line are its proportion rounded down. Otherwise the first line carries it.
fn reduce(variant: &Variant, workspace: &mut Workspace, lines: &[u16], sum_fen: i64, by_fen: i64) {
    if !variant.spread_reductions || sum_fen <= 0 {
        if let Some(first) = lines.first() {
            workspace.nets[usize::from(*first)] -= by_fen;
        }
        return;
    }
    let (mut seen, mut given) = (0_i128, 0_i128);
    for line in lines {
        let net = &mut workspace.nets[usize::from(*line)];
        seen += i128::from(*net);
        let until_here = i128::from(by_fen) * seen / i128::from(sum_fen);
        *net -= i64::try_from(until_here - given).unwrap_or(0);
        given = until_here;
    }
}

/// Amounts up to this many fen (9.2 billion yuan) times a percentage of up to 1,000 % fit 64 bits.
const NARROW_BASE_FEN_MAX: i64 = i64::MAX / (10 * PERCENT_WHOLE);

/// Rounds `base × numerator ÷ denominator`, in 64 bits where that fits. The numerator is a percentage of at most 1,000.
#[inline]
fn proportion(base_fen: i64, numerator: i64, denominator: i64, rounding: Rounding) -> i64 {
    if (-NARROW_BASE_FEN_MAX..=NARROW_BASE_FEN_MAX).contains(&base_fen) {
        return round_ratio(base_fen.times(numerator), denominator, rounding);
    }
    round_ratio(
        i128::from(base_fen) * i128::from(numerator),
        i128::from(denominator),
        rounding,
    )
    .saturating()
}

/// Discounts, minimum, maximum and tax; returns the bill. `lines_fen` is the sum of all lines where no step looks at single ones.
#[inline(never)]
pub(super) fn finish<S: Sink>(
    variant: &Variant,
    context: &MonthContext,
    lines_fen: i64,
    workspace: &mut Workspace,
    sink: &mut S,
) -> MonthTotal {
    for (index, discount) in variant.discounts.iter().enumerate() {
        if !context.is_within(discount.first_months) {
            continue;
        }
        let before_fen = sum(workspace, &discount.lines);
        let off_fen = match discount.value {
            DiscountValue::PercentMilli(percent) => {
                proportion(before_fen, percent, PERCENT_WHOLE, variant.rounding())
            }
            DiscountValue::Fen(fen) => fen,
        };
        let off_fen = off_fen.min(before_fen).max(0);
        reduce(variant, workspace, &discount.lines, before_fen, off_fen);
        sink.line(Line {
            kind: LineKind::Discount {
                discount: index,
                before_fen,
            },
            amount_fen: -off_fen,
        });
    }
    let mut total_fen = if variant.looks_at_lines {
        workspace.nets[..variant.lines.len()].iter().sum()
    } else {
        lines_fen
    };
    let (mut up_fen, mut back_fen) = (0, 0);
    if let Some((amount_fen, lines)) = &variant.minimum {
        let counted_fen = sum(workspace, lines);
        up_fen = (amount_fen - counted_fen).max(0);
        sink.line(Line {
            kind: LineKind::Minimum { counted_fen },
            amount_fen: up_fen,
        });
    }
    if let Some((amount_fen, lines)) = &variant.maximum {
        let counted_fen = sum(workspace, lines)
            + if variant.maximum_counts_minimum {
                up_fen
            } else {
                0
            };
        back_fen = (counted_fen - amount_fen).max(0);
        sink.line(Line {
            kind: LineKind::Maximum { counted_fen },
            amount_fen: -back_fen,
        });
    }
    total_fen += up_fen - back_fen;
    let untaxed_fen = total_fen;
    let mut tax_fen = 0;
    for (index, tax) in variant.taxes.iter().enumerate() {
        let base_fen = if tax.on_everything {
            untaxed_fen
        } else {
            sum(workspace, &tax.lines) + if tax.on_minimum { up_fen } else { 0 }
                - if tax.on_maximum { back_fen } else { 0 }
        };
        let whole = if tax.included {
            PERCENT_WHOLE + tax.percent_milli
        } else {
            PERCENT_WHOLE
        };
        let amount_fen = proportion(base_fen, tax.percent_milli, whole, variant.rounding());
        tax_fen += amount_fen;
        if !tax.included {
            total_fen += amount_fen;
        }
        sink.line(Line {
            kind: LineKind::Tax {
                tax: index,
                base_fen,
            },
            amount_fen,
        });
    }
    MonthTotal { total_fen, tax_fen }
}
