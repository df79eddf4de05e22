//! Plans and add-ons.

use super::super::catalogue::{
    AddOnJson, AtCapJson, CatalogueJson, ClawBackJson, ContractJson, EligibilityJson,
    FirstMonthJson, PhaseJson, PlanJson, SaleJson,
};
use super::super::errors::{At, Findings};
use super::{allowances, lines, rates, references};
use crate::limits::{
    ADD_ON_QUANTITY_MAX, DISCOUNTS_MAX, FAMILY_MEMBERS_MAX, FEES_MAX, PLAN_ADD_ONS_MAX,
    REFERENCES_MAX, STRUCTURAL_ADD_ONS_MAX,
};
use crate::plan::{
    AddOn, AtCap, Catalogue, ClawBack, Contract, Family, FirstMonth, Gift, OneOffFee, Phase,
    PhaseFee, Plan, Terms,
};

pub(super) fn at_cap(then: AtCapJson) -> AtCap {
    match then {
        AtCapJson::Free => AtCap::Free,
        AtCapJson::Stop => AtCap::Stop,
    }
}

/// Reads a plan; `catalogue` has its words and add-ons already.
pub(super) fn read_plan(
    json: &PlanJson,
    at: &At<'_>,
    document: &CatalogueJson,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Plan {
    findings.identifier(&at.field("id"), &json.id);
    findings.name(&at.field("name"), &json.name);
    if let Some(brand) = &json.brand {
        findings.identifier(&at.field("brand"), brand);
        findings.known_word(&at.field("brand"), brand, &catalogue.brands);
    }
    let monthly_fee_fen = findings.amount(&at.field("monthly_fee"), &json.monthly_fee);
    let rounding = findings.rounding(&at.field("rounding"), &json.rounding);
    let allowances = allowances::read(
        &json.allowances,
        &at.field("allowances"),
        catalogue,
        findings,
    );
    let rates = rates::read(&json.rates, &at.field("rates"), catalogue, findings);
    let add_ons = add_ons(json, at, document, catalogue, findings);
    lines::check_line_ids(json, at, document, &add_ons, findings);
    let (quantity_caps, amount_caps) = lines::read_caps(json, at, catalogue, findings);
    let plan = Plan {
        id: json.id.clone(),
        name: json.name.clone(),
        brand: json.brand.clone(),
        terms: terms(
            &json.sale,
            &json.eligible,
            at,
            &json.id,
            catalogue,
            findings,
        ),
        monthly_fee_fen,
        first_month: match json.first_month {
            FirstMonthJson::Full => FirstMonth::Full,
            FirstMonthJson::ByDay => FirstMonth::ByDay,
            FirstMonthJson::HalfFromThe16th => FirstMonth::HalfFromThe16th,
            FirstMonthJson::Free => FirstMonth::Free,
        },
        prorate_allowances: json.prorate_allowances,
        phases: phases(&json.phases, &at.field("phases"), findings),
        one_off_fees: one_off_fees(json, at, findings),
        allowances,
        rates,
        quantity_caps,
        amount_caps,
        discounts: lines::read_discounts(
            &json.discounts,
            at,
            &lines::LineNames::of_plan(json, document, &add_ons),
            findings,
        ),
        minimum: lines::read_bound(json, at, "minimum", document, &add_ons, findings),
        maximum: lines::read_bound(json, at, "maximum", document, &add_ons, findings),
        taxes: lines::read_taxes(json, at, document, &add_ons, findings),
        add_ons,
        family: json.family.as_ref().map(|family| {
            let at = at.field("family");
            Family {
                members_max: usize::try_from(findings.quantity(
                    &at.field("members_max"),
                    family.members_max,
                    1,
                    FAMILY_MEMBERS_MAX as u64,
                ))
                .unwrap_or(1),
                member_fee_fen: family
                    .member_fee
                    .as_deref()
                    .map_or(0, |fee| findings.amount(&at.field("member_fee"), fee)),
            }
        }),
        contract: json
            .contract
            .as_ref()
            .map(|contract| read_contract(contract, &at.field("contract"), findings)),
        rounding,
    };
    if let (Some(minimum), Some(maximum)) = (&plan.minimum, &plan.maximum)
        && minimum.amount_fen > maximum.amount_fen
    {
        findings.error(
            &at.field("maximum").field("amount"),
            "contradiction",
            "最高消费低于最低消费",
            "the maximum is below the minimum",
        );
    }
    rates::check_coverage(&plan, at, catalogue, findings);
    plan
}

/// Reads an add-on.
pub(super) fn read_add_on(
    json: &AddOnJson,
    at: &At<'_>,
    document: &CatalogueJson,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> AddOn {
    findings.identifier(&at.field("id"), &json.id);
    findings.name(&at.field("name"), &json.name);
    let monthly_fee_fen = findings.amount(&at.field("monthly_fee"), &json.monthly_fee);
    let quantity_max = findings.quantity(
        &at.field("quantity_max"),
        json.quantity_max,
        1,
        ADD_ON_QUANTITY_MAX,
    );
    if json.quantity_max > 1 && !(json.rates.is_empty() && json.discounts.is_empty()) {
        let at = at.field("quantity_max");
        findings.error(
            &at,
            "contradiction",
            "含资费或折扣的叠加包只能订一份",
            "an add-on with rates or discounts can be held once only",
        );
    }
    if json.allowances.is_empty() && json.rates.is_empty() && json.discounts.is_empty() {
        findings.warning(
            at,
            "no-effect",
            "该叠加包不含任何内容",
            "this add-on brings nothing",
        );
    }
    AddOn {
        id: json.id.clone(),
        name: json.name.clone(),
        terms: terms(
            &json.sale,
            &json.eligible,
            at,
            &json.id,
            catalogue,
            findings,
        ),
        monthly_fee_fen,
        quantity_max: u32::try_from(quantity_max).unwrap_or(1),
        excludes: references::add_on_indices(
            findings,
            &at.field("excludes"),
            &json.excludes,
            &json.id,
            document,
        ),
        requires: references::add_on_indices(
            findings,
            &at.field("requires"),
            &json.requires,
            &json.id,
            document,
        ),
        allowances: allowances::read(
            &json.allowances,
            &at.field("allowances"),
            catalogue,
            findings,
        ),
        rates: rates::read(&json.rates, &at.field("rates"), catalogue, findings),
        discounts: {
            findings.at_most(&at.field("discounts"), json.discounts.len(), DISCOUNTS_MAX);
            lines::read_discounts(
                &json.discounts,
                at,
                &lines::LineNames::of_add_on(json, document),
                findings,
            )
        },
    }
}

fn terms(
    sale: &SaleJson,
    eligible: &EligibilityJson,
    at: &At<'_>,
    own_id: &str,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Terms {
    let at_sale = at.field("sale");
    let sale_from = findings.date(&at_sale.field("from"), sale.from.as_deref());
    let sale_until = findings.date(&at_sale.field("until"), sale.until.as_deref());
    if let (Some(from), Some(until)) = (sale_from, sale_until)
        && until < from
    {
        findings.error(
            &at_sale.field("until"),
            "contradiction",
            "下架日早于上架日",
            "sale ends before it begins",
        );
    }
    let at = at.field("eligible");
    let mut admitted = |field: &'static str, list: &Option<Vec<String>>, known| {
        let at = at.field(field);
        let Some(list) = list else { return Vec::new() };
        if list.is_empty() {
            findings.error(
                &at,
                "empty-list",
                "列表为空,谁也不能订;不限时请省略",
                "an empty list admits nobody; leave it out to admit all",
            );
        }
        findings.at_most(&at, list.len(), REFERENCES_MAX);
        findings.unique(&at, "", list.iter().map(String::as_str));
        for (index, word) in list.iter().enumerate() {
            findings.identifier(&at.item(index), word);
            findings.known_word(&at.item(index), word, known);
        }
        list.clone()
    };
    let brands = admitted("brands", &eligible.brands, &catalogue.brands);
    let regions = admitted("regions", &eligible.regions, &catalogue.regions);
    let customer_types = admitted(
        "customer_types",
        &eligible.customer_types,
        &catalogue.customer_types,
    );
    for (field, list) in [
        ("excludes", &eligible.excludes),
        ("requires", &eligible.requires),
    ] {
        let at = at.field(field);
        findings.at_most(&at, list.len(), REFERENCES_MAX);
        findings.unique(&at, "", list.iter().map(String::as_str));
        for (index, id) in list.iter().enumerate() {
            findings.identifier(&at.item(index), id);
            if id == own_id {
                findings.error(
                    &at.item(index),
                    "refers-to-itself",
                    "引用了自身",
                    "refers to itself",
                );
            }
        }
    }
    if let Some(index) = eligible
        .requires
        .iter()
        .position(|id| eligible.excludes.contains(id))
    {
        findings.error(
            &at.field("requires").item(index),
            "contradiction",
            "既要求又排斥",
            "is both required and excluded",
        );
    }
    Terms {
        sale_from,
        sale_until,
        brands,
        regions,
        customer_types,
        not_in_contract: eligible.not_in_contract,
        excludes: eligible.excludes.clone(),
        requires: eligible.requires.clone(),
    }
}

fn phases(json: &[PhaseJson], at: &At<'_>, findings: &mut Findings) -> Vec<Phase> {
    findings.at_most(at, json.len(), FEES_MAX);
    json.iter()
        .take(FEES_MAX)
        .enumerate()
        .map(|(index, phase)| {
            let at = at.item(index);
            let fee = match (&phase.fee, &phase.fee_percent) {
                (Some(fee), None) => PhaseFee::Fen(findings.amount(&at.field("fee"), fee)),
                (None, Some(percent)) => PhaseFee::PercentMilli(findings.percent(
                    &at.field("fee_percent"),
                    percent,
                    1_000,
                )),
                _ => {
                    findings.error(
                        &at,
                        "one-of",
                        "fee 与 fee_percent 必须且只能写一个",
                        "exactly one of fee and fee_percent is needed",
                    );
                    PhaseFee::Fen(0)
                }
            };
            Phase {
                months: findings.months(&at.field("months"), phase.months),
                fee,
            }
        })
        .collect()
}

fn one_off_fees(json: &PlanJson, at: &At<'_>, findings: &mut Findings) -> Vec<OneOffFee> {
    let at = at.field("one_off_fees");
    findings.at_most(&at, json.one_off_fees.len(), FEES_MAX);
    json.one_off_fees
        .iter()
        .take(FEES_MAX)
        .enumerate()
        .map(|(index, fee)| {
            let at = at.item(index);
            findings.name(&at.field("name"), &fee.name);
            OneOffFee {
                id: fee.id.clone(),
                name: fee.name.clone(),
                amount_fen: findings.amount(&at.field("amount"), &fee.amount),
            }
        })
        .collect()
}

fn add_ons(
    json: &PlanJson,
    at: &At<'_>,
    document: &CatalogueJson,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Vec<usize> {
    let at = at.field("add_ons");
    findings.at_most(&at, json.add_ons.len(), PLAN_ADD_ONS_MAX);
    let indices = references::add_on_indices(findings, &at, &json.add_ons, &json.id, document);
    let structural = indices
        .iter()
        .filter(|index| {
            catalogue
                .add_ons
                .get(**index)
                .is_some_and(AddOn::is_structural)
        })
        .count();
    if structural > STRUCTURAL_ADD_ONS_MAX {
        findings.error(
            &at,
            "too-many",
            format!("含资费或折扣的叠加包最多 {STRUCTURAL_ADD_ONS_MAX} 个"),
            format!("at most {STRUCTURAL_ADD_ONS_MAX} add-ons with rates or discounts"),
        );
    }
    indices
}

fn read_contract(json: &ContractJson, at: &At<'_>, findings: &mut Findings) -> Contract {
    findings.at_most(&at.field("gifts"), json.gifts.len(), FEES_MAX);
    findings.unique(
        &at.field("gifts"),
        "id",
        json.gifts.iter().map(|gift| gift.id.as_str()),
    );
    Contract {
        months: findings.months(&at.field("months"), json.months),
        early_exit_per_month_fen: json.early_exit_per_month.as_deref().map_or(0, |text| {
            findings.amount(&at.field("early_exit_per_month"), text)
        }),
        early_exit_percent_milli: json
            .early_exit_percent_of_fees
            .as_deref()
            .map_or(0, |text| {
                findings.percent(&at.field("early_exit_percent_of_fees"), text, 100)
            }),
        early_exit_max_fen: json
            .early_exit_max
            .as_deref()
            .map(|text| findings.amount(&at.field("early_exit_max"), text)),
        gifts: json
            .gifts
            .iter()
            .take(FEES_MAX)
            .enumerate()
            .map(|(index, gift)| {
                let at_gifts = at.field("gifts");
                let at = at_gifts.item(index);
                findings.identifier(&at.field("id"), &gift.id);
                findings.name(&at.field("name"), &gift.name);
                Gift {
                    id: gift.id.clone(),
                    name: gift.name.clone(),
                    value_fen: findings.amount(&at.field("value"), &gift.value),
                    claw_back: match gift.claw_back {
                        ClawBackJson::ByRemainingMonths => ClawBack::ByRemainingMonths,
                        ClawBackJson::Full => ClawBack::Full,
                        ClawBackJson::Nothing => ClawBack::Nothing,
                    },
                }
            })
            .collect(),
    }
}
