//! The calculation of a line in numbers.

use serde::Serialize;

use super::super::catalogue::MeasureJson;
use super::{decimal, price};
use crate::bill::{Proof, UsageProof};
use crate::cells::Measure;
use crate::number::{PERCENT_DECIMALS, RoundingMode};
use crate::plan::DiscountValue;

/// How an amount came about; the fields that belong to its kind are present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProofJson {
    /// `fee`, `usage`, `cap`, `discount`, `bound` or `tax`.
    pub kind: &'static str,
    /// How many (fees), or units after increments (usage).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// Fee of one, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_fen: Option<i64>,
    /// Months since joining, when introductory terms apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenure_months: Option<u32>,
    /// What is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure: Option<MeasureJson>,
    /// Units that are free, or not served, because of a quantity cap: `[free, not served]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_by_quantity_cap: Option<[i64; 2]>,
    /// Units after conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted: Option<i64>,
    /// Units inside allowances.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<InsideJson>,
    /// Units that are priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged: Option<i64>,
    /// Of them, free units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_units: Option<i64>,
    /// Prices are per so many base units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<i64>,
    /// Tiers that were used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<TierUseJson>,
    /// Events with a set-up fee, and the fee in yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupJson>,
    /// Exact amount before caps, fen, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_fen: Option<String>,
    /// Exact amount after the line's cap, fen, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_cap_fen: Option<String>,
    /// Units not served because an amount was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unserved: Option<i64>,
    /// Rounding: `half_up`, `half_even`, `up`, `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<&'static str>,
    /// Step of the rounding, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding_step_fen: Option<i64>,
    /// What the step works on, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_fen: Option<i64>,
    /// Cap, minimum, maximum or fixed discount, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_fen: Option<i64>,
    /// Per cent of a discount or tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
}

/// Units inside an allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InsideJson {
    /// The allowance.
    pub allowance: String,
    /// Age of the rest that was used, months.
    pub carried_months: u16,
    /// Whether a family member used it.
    pub by_family: bool,
    /// Units of usage.
    pub quantity: i64,
}

/// A tier in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TierUseJson {
    /// Position.
    pub tier: usize,
    /// Units in it.
    pub quantity: i64,
    /// Blocks that are paid, or units where prices are in proportion.
    pub blocks: i64,
    /// Price of `per` base units, yuan.
    pub price: String,
    /// Flat fee, yuan.
    pub flat: String,
    /// Amount, fen, as a fraction.
    pub exact_fen: String,
}

/// Set-up fees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetupJson {
    /// Events that pay one.
    pub events: i64,
    /// The fee, yuan.
    pub fee: String,
}

/// The calculation of a line.
#[must_use]
pub fn proof(proof: &Proof) -> ProofJson {
    match proof {
        Proof::Fee {
            quantity,
            unit_fen,
            tenure_months,
            group: _,
        } => ProofJson {
            kind: "fee",
            quantity: Some(*quantity),
            unit_fen: Some(*unit_fen),
            tenure_months: *tenure_months,
            ..ProofJson::default()
        },
        Proof::Usage(usage) => usage_proof(usage),
        Proof::AmountCap {
            before_fen,
            cap_fen,
        } => ProofJson {
            kind: "cap",
            base_fen: Some(*before_fen),
            bound_fen: Some(*cap_fen),
            ..ProofJson::default()
        },
        Proof::Discount { before_fen, value } => {
            let (percent, bound_fen) = match value {
                DiscountValue::PercentMilli(percent) => {
                    (Some(decimal(*percent, PERCENT_DECIMALS)), None)
                }
                DiscountValue::Fen(fen) => (None, Some(*fen)),
            };
            ProofJson {
                kind: "discount",
                base_fen: Some(*before_fen),
                bound_fen,
                percent,
                ..ProofJson::default()
            }
        }
        Proof::Bound {
            counted_fen,
            bound_fen,
        } => ProofJson {
            kind: "bound",
            base_fen: Some(*counted_fen),
            bound_fen: Some(*bound_fen),
            ..ProofJson::default()
        },
        Proof::Tax {
            base_fen,
            percent_milli,
            included: _,
        } => ProofJson {
            kind: "tax",
            base_fen: Some(*base_fen),
            percent: Some(decimal(*percent_milli, PERCENT_DECIMALS)),
            ..ProofJson::default()
        },
    }
}

fn usage_proof(usage: &UsageProof) -> ProofJson {
    ProofJson {
        kind: "usage",
        measure: usage.measure.map(measure_json),
        quantity: Some(usage.quantity),
        cut_by_quantity_cap: (usage.capped_free + usage.capped_unserved > 0)
            .then_some([usage.capped_free, usage.capped_unserved]),
        converted: (usage.converted != usage.quantity - usage.capped_free - usage.capped_unserved)
            .then_some(usage.converted),
        inside: usage
            .inside
            .iter()
            .map(|inside| InsideJson {
                allowance: inside.allowance.clone(),
                carried_months: inside.carried_months,
                by_family: inside.by_family,
                quantity: inside.quantity,
            })
            .collect(),
        charged: Some(usage.charged),
        free_units: (usage.free_units > 0).then_some(usage.free_units),
        per: Some(usage.per),
        tiers: usage
            .tiers
            .iter()
            .map(|tier| TierUseJson {
                tier: tier.index,
                quantity: tier.quantity,
                blocks: tier.blocks,
                price: price(tier.price),
                flat: price(tier.flat),
                exact_fen: fraction(tier.numerator, usage.denominator),
            })
            .collect(),
        setup: (usage.setups > 0).then(|| SetupJson {
            events: usage.setups,
            fee: price(usage.setup_price),
        }),
        exact_fen: Some(fraction(usage.exact_numerator, usage.denominator)),
        after_cap_fen: (usage.capped_numerator != usage.exact_numerator)
            .then(|| fraction(usage.capped_numerator, usage.denominator)),
        unserved: (usage.unserved > 0).then_some(usage.unserved),
        rounding: usage.rounding.map(|rounding| match rounding.mode {
            RoundingMode::Up => "up",
            RoundingMode::Down => "down",
            RoundingMode::HalfUp => "half_up",
            RoundingMode::HalfEven => "half_even",
        }),
        rounding_step_fen: usage.rounding.map(|rounding| rounding.step_fen),
        ..ProofJson::default()
    }
}

fn measure_json(measure: Measure) -> MeasureJson {
    match measure {
        Measure::Seconds => MeasureJson::Seconds,
        Measure::Kb => MeasureJson::Kb,
        Measure::Count => MeasureJson::Count,
    }
}

/// A fraction in lowest terms.
fn fraction(numerator: i128, denominator: i128) -> String {
    let divisor = crate::number::greatest_common_divisor(numerator, denominator).max(1);
    match (numerator / divisor, denominator / divisor) {
        (whole, 1) => whole.to_string(),
        (numerator, denominator) => format!("{numerator}/{denominator}"),
    }
}
