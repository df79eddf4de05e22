//! JSON form of a bill with its proof.

use chudian_vocabulary::Name;
use serde::Serialize;
use utoipa::ToSchema;

use super::catalogue::MeasureJson;
use super::simulation::{KindUseJson, measure_json};
use crate::bill::{Bill, BillLine, Proof, UsageProof};
use crate::number::{PERCENT_DECIMALS, PRICE_DECIMALS, RoundingMode};
use crate::plan::{DiscountValue, LineGroup};

/// A bill of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillJson {
    /// `YYYY-MM`.
    pub month: String,
    /// Lines; the total is the sum of those that `adds`.
    pub lines: Vec<BillLineJson>,
    /// Total, fen.
    pub total_fen: i64,
    /// Taxes, included or added, fen.
    pub tax_fen: i64,
    /// Allowances.
    pub allowances: Vec<AllowanceUseJson>,
    /// Usage by kind.
    pub usage: Vec<KindUseJson>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillLineJson {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Amount, fen.
    pub amount_fen: i64,
    /// Whether it counts in the total; an included tax does not.
    pub adds: bool,
    /// Whether it rests on an estimate.
    pub estimated: bool,
    /// The calculation in words.
    pub explanation: Name,
    /// The calculation in numbers.
    pub proof: ProofJson,
}

/// How an amount came about; the fields that belong to its kind are present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SetupJson {
    /// Events that pay one.
    pub events: i64,
    /// The fee, yuan.
    pub fee: String,
}

/// What became of an allowance, in its own unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllowanceUseJson {
    /// Identifier.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Unit; absent for points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<MeasureJson>,
    /// Given this month.
    pub granted: i64,
    /// Carried from earlier months.
    pub carried_in: i64,
    /// Used.
    pub used: i64,
    /// Carried to the next month.
    pub carried_out: i64,
    /// Expired.
    pub expired: i64,
}

impl From<&Bill> for BillJson {
    fn from(bill: &Bill) -> Self {
        Self {
            month: bill.month.to_string(),
            lines: bill.lines.iter().map(BillLineJson::from).collect(),
            total_fen: bill.total_fen,
            tax_fen: bill.tax_fen,
            allowances: bill
                .allowances
                .iter()
                .map(|allowance| AllowanceUseJson {
                    id: allowance.id.clone(),
                    name: allowance.name.clone(),
                    unit: allowance.unit.map(measure_json),
                    granted: allowance.granted,
                    carried_in: allowance.carried_in,
                    used: allowance.used,
                    carried_out: allowance.carried_out,
                    expired: allowance.expired,
                })
                .collect(),
            usage: bill.usage.iter().map(KindUseJson::from).collect(),
        }
    }
}

impl From<&BillLine> for BillLineJson {
    fn from(line: &BillLine) -> Self {
        let (proof, explanation) = explain(&line.proof, line.amount_fen);
        Self {
            id: line.id.clone(),
            name: line.name.clone(),
            amount_fen: line.amount_fen,
            adds: line.adds,
            estimated: line.estimated,
            explanation,
            proof,
        }
    }
}

/// A scaled integer as a decimal without trailing zeros.
fn decimal(value: i64, decimals: u32) -> String {
    let one = 10_i64.pow(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, fraction) = (
        value.unsigned_abs() / one.unsigned_abs(),
        value.unsigned_abs() % one.unsigned_abs(),
    );
    let width = decimals as usize;
    let fraction = format!("{fraction:0width$}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

fn price(value: i64) -> String {
    decimal(value, PRICE_DECIMALS)
}

fn yuan(fen: i64) -> String {
    chudian_vocabulary::Money::from_fen(fen).to_string()
}

/// A fraction in lowest terms.
fn fraction(numerator: i128, denominator: i128) -> String {
    let divisor = crate::number::greatest_common_divisor(numerator, denominator).max(1);
    match (numerator / divisor, denominator / divisor) {
        (whole, 1) => whole.to_string(),
        (numerator, denominator) => format!("{numerator}/{denominator}"),
    }
}

fn explain(proof: &Proof, amount_fen: i64) -> (ProofJson, Name) {
    let amount = yuan(amount_fen);
    match proof {
        Proof::Fee {
            group,
            quantity,
            unit_fen,
            tenure_months,
        } => {
            let unit = yuan(*unit_fen);
            let json = ProofJson {
                kind: "fee",
                quantity: Some(*quantity),
                unit_fen: Some(*unit_fen),
                tenure_months: *tenure_months,
                ..ProofJson::default()
            };
            let text = match (group, tenure_months) {
                (LineGroup::Fees, Some(month)) => {
                    let month = month + 1;
                    Name::new(
                        format!("入网第 {month} 个月,标准月费 {unit} 元,本月 {amount} 元"),
                        format!("month {month} since joining: {amount} yuan (ordinarily {unit})"),
                    )
                }
                _ => Name::new(
                    format!("{quantity} × {unit} 元"),
                    format!("{quantity} × {unit} yuan"),
                ),
            };
            (json, text)
        }
        Proof::Usage(usage) => (usage_proof(usage), usage_text(usage, &amount)),
        Proof::AmountCap {
            before_fen,
            cap_fen,
        } => {
            let (before, cap) = (yuan(*before_fen), yuan(*cap_fen));
            (
                ProofJson {
                    kind: "cap",
                    base_fen: Some(*before_fen),
                    bound_fen: Some(*cap_fen),
                    ..ProofJson::default()
                },
                Name::new(
                    format!("合计 {before} 元,封顶 {cap} 元"),
                    format!("{before} yuan together, capped at {cap}"),
                ),
            )
        }
        Proof::Discount { before_fen, value } => {
            let before = yuan(*before_fen);
            let (percent, bound_fen, zh, en) = match value {
                DiscountValue::PercentMilli(percent) => {
                    let percent = decimal(*percent, PERCENT_DECIMALS);
                    let (zh, en) = (
                        format!("{before} 元的 {percent}%"),
                        format!("{percent} % of {before} yuan"),
                    );
                    (Some(percent), None, zh, en)
                }
                DiscountValue::Fen(fen) => (
                    None,
                    Some(*fen),
                    format!("从 {before} 元中减 {} 元", yuan(*fen)),
                    format!("{} yuan off {before}", yuan(*fen)),
                ),
            };
            (
                ProofJson {
                    kind: "discount",
                    base_fen: Some(*before_fen),
                    bound_fen,
                    percent,
                    ..ProofJson::default()
                },
                Name::new(zh, en),
            )
        }
        Proof::Bound {
            counted_fen,
            bound_fen,
        } => {
            let (counted, bound) = (yuan(*counted_fen), yuan(*bound_fen));
            (
                ProofJson {
                    kind: "bound",
                    base_fen: Some(*counted_fen),
                    bound_fen: Some(*bound_fen),
                    ..ProofJson::default()
                },
                Name::new(
                    format!("计入 {counted} 元,限额 {bound} 元"),
                    format!("{counted} yuan count, the bound is {bound}"),
                ),
            )
        }
        Proof::Tax {
            base_fen,
            percent_milli,
            included,
        } => {
            let (base, percent) = (yuan(*base_fen), decimal(*percent_milli, PERCENT_DECIMALS));
            let text = if *included {
                Name::new(
                    format!("{base} 元中已含 {percent}%"),
                    format!("{percent} % is included in {base} yuan"),
                )
            } else {
                Name::new(
                    format!("{base} 元 × {percent}%"),
                    format!("{percent} % on {base} yuan"),
                )
            };
            (
                ProofJson {
                    kind: "tax",
                    base_fen: Some(*base_fen),
                    percent: Some(percent),
                    ..ProofJson::default()
                },
                text,
            )
        }
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

fn usage_text(usage: &UsageProof, amount: &str) -> Name {
    let inside: i64 = usage.inside.iter().map(|inside| inside.quantity).sum();
    let unit = usage.measure.map_or(("", ""), |measure| match measure {
        crate::cells::Measure::Seconds => ("秒", "s"),
        crate::cells::Measure::Kb => ("KB", "KB"),
        crate::cells::Measure::Count => ("次", "events"),
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
