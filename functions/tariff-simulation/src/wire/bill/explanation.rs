//! The calculation of a line in words.

use chudian_vocabulary::{Money, Name};

use super::{decimal, price};
use crate::bill::{Proof, UsageProof};
use crate::cells::Measure;
use crate::number::PERCENT_DECIMALS;
use crate::plan::{DiscountValue, LineGroup};

/// How a line's amount came about.
#[must_use]
pub fn explanation(proof: &Proof, amount_fen: i64) -> Name {
    match proof {
        Proof::Fee {
            group: LineGroup::Fees,
            unit_fen,
            tenure_months: Some(month),
            ..
        } => {
            let (month, unit, amount) = (month + 1, yuan(*unit_fen), yuan(amount_fen));
            Name::new(
                format!("入网第 {month} 个月,标准月费 {unit} 元,本月 {amount} 元"),
                format!("month {month} since joining: {amount} yuan (ordinarily {unit})"),
            )
        }
        Proof::Fee {
            quantity, unit_fen, ..
        } => {
            let unit = yuan(*unit_fen);
            Name::new(
                format!("{quantity} × {unit} 元"),
                format!("{quantity} × {unit} yuan"),
            )
        }
        Proof::Usage(usage) => usage_text(usage, &yuan(amount_fen)),
        Proof::AmountCap {
            before_fen,
            cap_fen,
        } => {
            let (before, cap) = (yuan(*before_fen), yuan(*cap_fen));
            Name::new(
                format!("合计 {before} 元,封顶 {cap} 元"),
                format!("{before} yuan together, capped at {cap}"),
            )
        }
        Proof::Discount { before_fen, value } => discount_text(&yuan(*before_fen), *value),
        Proof::Bound {
            counted_fen,
            bound_fen,
        } => {
            let (counted, bound) = (yuan(*counted_fen), yuan(*bound_fen));
            Name::new(
                format!("计入 {counted} 元,限额 {bound} 元"),
                format!("{counted} yuan count, the bound is {bound}"),
            )
        }
        Proof::Tax {
            base_fen,
            percent_milli,
            included,
        } => {
            let (base, percent) = (yuan(*base_fen), decimal(*percent_milli, PERCENT_DECIMALS));
            if *included {
                Name::new(
                    format!("{base} 元中已含 {percent}%"),
                    format!("{percent} % is included in {base} yuan"),
                )
            } else {
                Name::new(
                    format!("{base} 元 × {percent}%"),
                    format!("{percent} % on {base} yuan"),
                )
            }
        }
    }
}

fn yuan(fen: i64) -> String {
    Money::from_fen(fen).to_string()
}

fn discount_text(before: &str, value: DiscountValue) -> Name {
    match value {
        DiscountValue::PercentMilli(percent) => {
            let percent = decimal(percent, PERCENT_DECIMALS);
            Name::new(
                format!("{before} 元的 {percent}%"),
                format!("{percent} % of {before} yuan"),
            )
        }
        DiscountValue::Fen(fen) => {
            let amount = yuan(fen);
            Name::new(
                format!("从 {before} 元中减 {amount} 元"),
                format!("{amount} yuan off {before}"),
            )
        }
    }
}

fn usage_text(usage: &UsageProof, amount: &str) -> Name {
    let inside: i64 = usage.inside.iter().map(|inside| inside.quantity).sum();
    let unit = usage.measure.map_or(("", ""), |measure| match measure {
        Measure::Seconds => ("秒", "s"),
        Measure::Kb => ("KB", "KB"),
        Measure::Count => ("次", "events"),
    });
    let tiers: Vec<(String, String)> = usage
        .tiers
        .iter()
        .filter(|tier| tier.quantity > 0)
        .map(|tier| {
            let flat_zh = if tier.flat > 0 {
                format!(" + {} 元", price(tier.flat))
            } else {
                String::new()
            };
            let flat_en = if tier.flat > 0 {
                format!(" + {} yuan", price(tier.flat))
            } else {
                String::new()
            };
            (
                format!(
                    "{} {} × {} 元/{}{flat_zh}",
                    tier.quantity,
                    unit.0,
                    price(tier.price),
                    usage.per
                ),
                format!(
                    "{} {} × {} yuan/{}{flat_en}",
                    tier.quantity,
                    unit.1,
                    price(tier.price),
                    usage.per
                ),
            )
        })
        .collect();
    let join = |pick: fn(&(String, String)) -> &str| {
        tiers.iter().map(pick).collect::<Vec<_>>().join(" + ")
    };
    let (zh, en) = (join(|tier| &tier.0), join(|tier| &tier.1));
    let (capped_zh, capped_en) =
        if usage.capped_numerator != usage.exact_numerator || usage.unserved > 0 {
            (",封顶后", ", after the cap")
        } else {
            ("", "")
        };
    let separator = if tiers.is_empty() {
        ("", "")
    } else {
        (":", ": ")
    };
    Name::new(
        format!(
            "用量 {} {},赠送内 {inside},计费 {}{}{zh}{capped_zh} = {amount} 元",
            usage.quantity, unit.0, usage.charged, separator.0
        ),
        format!(
            "{} {} used, {inside} inside allowances, {} charged{}{en}{capped_en} = {amount} yuan",
            usage.quantity, unit.1, usage.charged, separator.1
        ),
    )
}
