//! Bills line by line, as answers: every line says how it came about, and the lines add up to the total.

use chudian_vocabulary::{Language, Name};

use super::ServiceError;
use super::answers::{AllowanceAnswer, BillAnswer, BillLineAnswer};
use super::requests::BillForm;
use super::simulate::{Subject, Version, hex_sha256, plan_index, what_if};
use crate::bill::{Bill, BillLine, Choice as DomainChoice, Proof, UsageProof};
use crate::comparison;
use crate::number::{Rounding, RoundingMode, greatest_common_divisor};
use crate::plan::DiscountValue;
use crate::service::rule::{percent, yuan};
use crate::usage::{CustomerUsage, WhatIf};
use crate::wire;

/// Identifier of the line for family members whom the plan does not carry.
const FAMILY_OUTSIDE_LINE: &str = "family-outside";

/// Units of 10⁻⁹ yuan in a yuan.
const PRICE_UNITS_PER_YUAN: i64 = 1_000_000_000;

/// Fen of a yuan, for exact fractions.
const FEN_PER_YUAN: i128 = 100;

/// Longest exact decimal; a fraction that needs more is written as a fraction.
const EXACT_DECIMALS_MAX: usize = 18;

/// A plan with add-ons, and how it is priced.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    /// The plan.
    pub(super) plan: usize,
    /// Add-ons by slot of the plan.
    pub(super) quantities: &'a [u32],
    /// Whether introductory terms count for a candidate.
    pub(super) counts_introductory: bool,
}

/// Answers a question for one bill. `counts_introductory` is the ranking rule's, so that a bill is the one that was ranked.
pub fn bill(
    version: Version<'_>,
    subject: &Subject,
    form: &BillForm,
    counts_introductory: bool,
    language: Language,
) -> Result<BillAnswer, ServiceError> {
    let catalogue = &version.catalogue.catalogue;
    let plan = plan_index(catalogue, &form.plan_id)?;
    if let Some(unknown) = form
        .add_ons
        .iter()
        .find(|add_on| catalogue.add_on_index(&add_on.id).is_none())
    {
        return Err(ServiceError::UnknownPlan(unknown.id.clone()));
    }
    let what_if = what_if(form.what_if)?;
    let usage = subject.usage(catalogue)?;
    let quantities = if usage.customer.plan == Some(plan) && form.add_ons.is_empty() {
        held_quantities(version, plan, &usage)
    } else {
        wire::quantities_from(catalogue, plan, &form.add_ons).map_err(|errors| {
            let error = |error: wire::FieldError| chudian_runtime::problem::FieldError {
                pointer: error.pointer,
                code: error.code.to_owned(),
                detail: error.message,
            };
            ServiceError::Request(errors.into_iter().map(error).collect())
        })?
    };
    let choice = Choice {
        plan,
        quantities: &quantities,
        counts_introductory,
    };
    let bills = bills(version, &usage, what_if, choice, language)?;
    bills
        .into_iter()
        .find(|bill| bill.month == form.month)
        .ok_or_else(|| {
            let detail = Name::new(
                "这个月没有用量；请选用量中的月份。",
                "There is no usage of this month; choose one of the usage.",
            );
            ServiceError::member("/month", detail)
        })
}

/// Add-ons held with the present plan, by its slots.
fn held_quantities(version: Version<'_>, plan: usize, usage: &CustomerUsage) -> Vec<u32> {
    let listed = &version.catalogue.catalogue.plans[plan].add_ons;
    let held = |add_on: &usize| {
        usage
            .customer
            .add_ons
            .iter()
            .find(|(held, _)| held == add_on)
    };
    listed
        .iter()
        .map(|add_on| held(add_on).map_or(0, |(_, quantity)| *quantity))
        .collect()
}

/// The bill of each month for a choice.
pub(super) fn bills(
    version: Version<'_>,
    usage: &CustomerUsage,
    what_if: WhatIf,
    choice: Choice<'_>,
    language: Language,
) -> Result<Vec<BillAnswer>, ServiceError> {
    let domain_choice = DomainChoice {
        plan: choice.plan,
        quantities: choice.quantities,
    };
    let bills = comparison::explain(
        version.catalogue,
        usage,
        what_if,
        domain_choice,
        choice.counts_introductory,
    )?;
    let outside_fen = comparison::outside_costs(version.catalogue, usage, what_if, choice.plan)?;
    let plan_id = &version.catalogue.catalogue.plans[choice.plan].id;
    let answers = bills.iter().zip(outside_fen).map(|(bill, outside_fen)| {
        bill_answer(
            version.name,
            plan_id,
            choice.quantities,
            bill,
            outside_fen,
            language,
        )
    });
    Ok(answers.collect())
}

fn bill_answer(
    version: &str,
    plan_id: &str,
    quantities: &[u32],
    bill: &Bill,
    outside_fen: i64,
    language: Language,
) -> BillAnswer {
    let (adding, included): (Vec<&BillLine>, Vec<&BillLine>) =
        bill.lines.iter().partition(|line| line.adds);
    let mut lines: Vec<BillLineAnswer> = adding
        .into_iter()
        .map(|line| line_answer(line, language))
        .collect();
    if outside_fen != 0 {
        lines.push(family_outside(outside_fen, language));
    }
    let allowance = |allowance: &crate::bill::AllowanceUse| AllowanceAnswer {
        id: allowance.id.clone(),
        name: allowance.name.in_language(language).to_owned(),
        unit: allowance.unit.map(crate::cells::Measure::id),
        granted: allowance.granted,
        carried_in: allowance.carried_in,
        used: allowance.used,
        carried_out: allowance.carried_out,
        expired: allowance.expired,
    };
    let facts = serde_json::json!({
        "catalogue_version": version,
        "plan": plan_id,
        "add_ons": quantities,
        "month": bill.month,
        "lines": bill.lines.iter().map(proof_facts).collect::<Vec<_>>(),
        "outside_fen": outside_fen,
    });
    BillAnswer {
        plan_id: plan_id.to_owned(),
        month: bill.month.to_string(),
        catalogue_version: version.to_owned(),
        total_fen: bill.total_fen + outside_fen,
        lines,
        taxes_included: included
            .into_iter()
            .map(|line| line_answer(line, language))
            .collect(),
        allowances: bill.allowances.iter().map(allowance).collect(),
        proof: hex_sha256(facts.to_string().as_bytes()),
    }
}

/// A line without its names, for the proof.
fn proof_facts(line: &BillLine) -> serde_json::Value {
    let proof = wire::bill::proof(&line.proof);
    serde_json::json!({"id": line.id, "amount_fen": line.amount_fen, "adds": line.adds, "proof": proof})
}

fn family_outside(outside_fen: i64, language: Language) -> BillLineAnswer {
    let description = Name::new("未加入该套餐的家庭成员", "Family members outside the plan");
    let explanation = Name::new(
        "这些成员继续使用自己的套餐。",
        "They keep their own plans, whose bills are part of what the family pays.",
    );
    BillLineAnswer {
        description: description.in_language(language).to_owned(),
        explanation: explanation.in_language(language).to_owned(),
        ..blank(FAMILY_OUTSIDE_LINE, outside_fen)
    }
}

fn blank(id: &str, amount_fen: i64) -> BillLineAnswer {
    BillLineAnswer {
        id: id.to_owned(),
        description: String::new(),
        quantity: None,
        unit: None,
        allowance: None,
        tier: None,
        price: None,
        base_fen: None,
        value: None,
        unrounded: None,
        rounding: None,
        explanation: String::new(),
        amount_fen,
        estimated: false,
    }
}

fn line_answer(line: &BillLine, language: Language) -> BillLineAnswer {
    let explanation = wire::bill::explanation(&line.proof, line.amount_fen);
    let base = BillLineAnswer {
        description: line.name.in_language(language).to_owned(),
        explanation: explanation.in_language(language).to_owned(),
        estimated: line.estimated,
        ..blank(&line.id, line.amount_fen)
    };
    match &line.proof {
        Proof::Fee {
            quantity, unit_fen, ..
        } => BillLineAnswer {
            quantity: Some(*quantity),
            price: Some(yuan(*unit_fen)),
            ..base
        },
        Proof::Usage(proof) => usage_line(proof, base, language),
        Proof::AmountCap {
            before_fen,
            cap_fen,
        } => BillLineAnswer {
            base_fen: Some(*before_fen),
            value: Some(yuan(*cap_fen)),
            ..base
        },
        Proof::Discount { before_fen, value } => {
            let value = match value {
                DiscountValue::PercentMilli(milli) => format!("{}%", percent(*milli)),
                DiscountValue::Fen(fen) => yuan(*fen),
            };
            BillLineAnswer {
                base_fen: Some(*before_fen),
                value: Some(value),
                ..base
            }
        }
        Proof::Bound {
            counted_fen,
            bound_fen,
        } => BillLineAnswer {
            base_fen: Some(*counted_fen),
            value: Some(yuan(*bound_fen)),
            ..base
        },
        Proof::Tax {
            base_fen,
            percent_milli,
            ..
        } => BillLineAnswer {
            base_fen: Some(*base_fen),
            value: Some(format!("{}%", percent(*percent_milli))),
            ..base
        },
    }
}

fn usage_line(proof: &UsageProof, base: BillLineAnswer, language: Language) -> BillLineAnswer {
    let used: Vec<_> = proof
        .tiers
        .iter()
        .filter(|tier| tier.quantity > 0)
        .collect();
    let tier = used
        .iter()
        .map(|tier| format!("{}: {}", tier.index + 1, tier.quantity))
        .collect::<Vec<_>>()
        .join(", ");
    let price = |price: i64| exact_decimal(price.into(), PRICE_UNITS_PER_YUAN.into());
    let prices = used
        .iter()
        .map(|tier| format!("{}/{}", price(tier.price), proof.per))
        .collect::<Vec<_>>()
        .join(", ");
    BillLineAnswer {
        quantity: Some(proof.quantity),
        unit: proof.measure.map(crate::cells::Measure::id),
        allowance: Some(proof.inside.iter().map(|inside| inside.quantity).sum()),
        tier: (!tier.is_empty()).then_some(tier),
        price: (!prices.is_empty()).then_some(prices),
        unrounded: Some(exact_decimal(
            proof.capped_numerator,
            proof.denominator.saturating_mul(FEN_PER_YUAN),
        )),
        rounding: proof
            .rounding
            .map(|rounding| rounding_text(rounding).in_language(language).to_owned()),
        ..base
    }
}

/// An exact amount as a decimal; as a fraction in lowest terms where it has no finite decimals.
fn exact_decimal(numerator: i128, denominator: i128) -> String {
    let divisor = greatest_common_divisor(numerator, denominator).max(1);
    let (numerator, denominator) = (numerator / divisor, denominator / divisor);
    let sign = if numerator < 0 { "-" } else { "" };
    let denominator = denominator.unsigned_abs().max(1);
    let (whole, mut rest) = (
        numerator.unsigned_abs() / denominator,
        numerator.unsigned_abs() % denominator,
    );
    let mut decimals = String::new();
    while rest != 0 {
        let Some(next) = rest
            .checked_mul(10)
            .filter(|_| decimals.len() < EXACT_DECIMALS_MAX)
        else {
            return format!("{numerator}/{denominator}");
        };
        decimals.push_str(&(next / denominator).to_string());
        rest = next % denominator;
    }
    if decimals.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{decimals}")
    }
}

fn rounding_text(rounding: Rounding) -> Name {
    let (step_zh, step_en) = match rounding.step_fen {
        1 => ("分", "fen"),
        10 => ("角", "jiao"),
        _ => ("元", "yuan"),
    };
    match rounding.mode {
        RoundingMode::Up => Name::new(format!("进位到{step_zh}"), format!("up to the {step_en}")),
        RoundingMode::Down => {
            Name::new(format!("舍去到{step_zh}"), format!("down to the {step_en}"))
        }
        RoundingMode::HalfUp => Name::new(
            format!("四舍五入到{step_zh}"),
            format!("half up to the {step_en}"),
        ),
        RoundingMode::HalfEven => Name::new(
            format!("四舍六入五成双到{step_zh}"),
            format!("half even to the {step_en}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what was rounded is shown exactly, or as the fraction that it is.
    #[test]
    fn exact_amounts_are_written_exactly() {
        let table = [
            ((0, 1), "0"),
            ((5, 1), "5"),
            ((1, 2), "0.5"),
            ((-1, 4), "-0.25"),
            ((29_296_875, 1_000_000), "29.296875"),
            ((1, 3), "1/3"),
            ((-2, 6), "-1/3"),
            ((100, 100), "1"),
            ((1, 1_000_000_000_000_000_000), "0.000000000000000001"),
            ((1, 10_000_000_000_000_000_000), "1/10000000000000000000"),
        ];
        for ((numerator, denominator), text) in table {
            assert_eq!(exact_decimal(numerator, denominator), text);
        }
    }
}
