//! References to lines of the bill: caps, discounts, bounds, taxes.

use std::collections::HashSet;

use super::super::catalogue::{
    AddOnJson, BoundJson, CapJson, CatalogueJson, DiscountJson, ModeJson, PlanJson, RateJson,
    TiersOverJson,
};
use super::super::errors::{At, Findings};
use super::fields::SelectorParts;
use super::plan::at_cap;
use crate::cells::{CellSet, Measure};
use crate::limits::{CAPS_MAX, DISCOUNTS_MAX, REFERENCES_MAX, SELECTORS_MAX, TAXES_MAX};
use crate::plan::{
    AmountCap, AtCap, Bound, Catalogue, Discount, DiscountValue, FAMILY_LINE, LineGroup, LineRef,
    LineScope, MAXIMUM_LINE, MINIMUM_LINE, MONTHLY_FEE_LINE, QuantityCap, Tax,
};

/// Identifiers of lines that a scope may name.
pub(super) struct LineNames<'a> {
    names: HashSet<&'a str>,
    /// An add-on's discount may name lines of whichever plan it is taken with: any identifier will do.
    open: bool,
}

impl<'a> LineNames<'a> {
    /// Lines of a plan with its add-ons.
    pub(super) fn of_plan(
        plan: &'a PlanJson,
        document: &'a CatalogueJson,
        add_ons: &[usize],
    ) -> Self {
        let mut names: HashSet<&str> = [MONTHLY_FEE_LINE].into();
        if plan.family.is_some() {
            names.insert(FAMILY_LINE);
        }
        names.extend(plan.one_off_fees.iter().map(|fee| fee.id.as_str()));
        names.extend(plan.rates.iter().map(|rate| rate.id.as_str()));
        for add_on in add_ons
            .iter()
            .filter_map(|index| document.add_ons.get(*index))
        {
            names.insert(&add_on.id);
            names.extend(add_on.rates.iter().map(|rate| rate.id.as_str()));
        }
        Self { names, open: false }
    }

    /// Lines that an add-on's discount may name: its own, and those of the plans that list it.
    pub(super) fn of_add_on(add_on: &'a AddOnJson, document: &'a CatalogueJson) -> Self {
        let index = document
            .add_ons
            .iter()
            .position(|other| other.id == add_on.id);
        let mut names = HashSet::new();
        for plan in document
            .plans
            .iter()
            .filter(|plan| plan.add_ons.contains(&add_on.id))
        {
            names.extend(Self::of_plan(plan, document, index.as_slice()).names);
        }
        Self {
            open: names.is_empty(),
            names,
        }
    }
}

/// Identifiers of lines are unique in a plan with all its add-ons, and none is a reserved word.
pub(super) fn check_line_ids(
    json: &PlanJson,
    at: &At<'_>,
    document: &CatalogueJson,
    add_ons: &[usize],
    findings: &mut Findings,
) {
    let mut seen: HashSet<&str> = HashSet::new();
    let lists: [(&str, Vec<&str>); 5] = [
        (
            "one_off_fees",
            json.one_off_fees
                .iter()
                .map(|fee| fee.id.as_str())
                .collect(),
        ),
        (
            "rates",
            json.rates.iter().map(|rate| rate.id.as_str()).collect(),
        ),
        (
            "caps",
            json.caps.iter().map(|cap| cap.id.as_str()).collect(),
        ),
        (
            "discounts",
            json.discounts
                .iter()
                .map(|discount| discount.id.as_str())
                .collect(),
        ),
        (
            "taxes",
            json.taxes.iter().map(|tax| tax.id.as_str()).collect(),
        ),
    ];
    for (field, ids) in &lists {
        for (index, id) in ids.iter().enumerate() {
            let at_list = at.field(field);
            let at_item = at_list.item(index);
            let at_id = at_item.field("id");
            if is_reserved(id) {
                findings.error(
                    &at_id,
                    "reserved-word",
                    format!("“{id}”是保留字"),
                    format!("`{id}` is a reserved word"),
                );
            }
            if *field != "rates" {
                findings.identifier(&at_id, id);
            }
            if !seen.insert(id) {
                findings.error(
                    &at_id,
                    "duplicate",
                    format!("账单行“{id}”重复"),
                    format!("the bill has a line `{id}` already"),
                );
            }
        }
    }
    for (slot, add_on) in add_ons
        .iter()
        .enumerate()
        .filter_map(|(slot, index)| document.add_ons.get(*index).map(|add_on| (slot, add_on)))
    {
        let ids = std::iter::once(add_on.id.as_str())
            .chain(add_on.rates.iter().map(|rate| rate.id.as_str()))
            .chain(add_on.discounts.iter().map(|discount| discount.id.as_str()));
        for id in ids.collect::<Vec<_>>() {
            if is_reserved(id) || !seen.insert(id) {
                let at_list = at.field("add_ons");
                findings.error(
                    &at_list.item(slot),
                    "duplicate",
                    format!("账单行“{id}”重复或为保留字"),
                    format!("its line `{id}` is a reserved word or exists in this plan already"),
                );
            }
        }
    }
}

fn is_reserved(id: &str) -> bool {
    [
        MONTHLY_FEE_LINE,
        FAMILY_LINE,
        MINIMUM_LINE,
        MAXIMUM_LINE,
        "all",
    ]
    .contains(&id)
        || group(id).is_some()
}

fn group(word: &str) -> Option<LineGroup> {
    match word {
        "fees" => Some(LineGroup::Fees),
        "usage" => Some(LineGroup::Usage),
        "add_ons" => Some(LineGroup::AddOns),
        "one_off" => Some(LineGroup::OneOff),
        "minimum" => Some(LineGroup::Minimum),
        "maximum" => Some(LineGroup::Maximum),
        _ => None,
    }
}

/// What a scope may look at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Rates,
    Lines,
    LinesAndBounds,
}

fn scope(
    lines: &[String],
    except: &[String],
    at: &At<'_>,
    reach: Reach,
    names: &LineNames<'_>,
    own_id: &str,
    findings: &mut Findings,
) -> LineScope {
    if lines.is_empty() {
        findings.error(
            &at.field("lines"),
            "empty-list",
            "没有写明账单行",
            "names no lines",
        );
    }
    let mut references = |field: &'static str, list: &[String]| -> Vec<LineRef> {
        let at = at.field(field);
        findings.at_most(&at, list.len(), REFERENCES_MAX);
        findings.unique(&at, "", list.iter().map(String::as_str));
        list.iter()
            .enumerate()
            .filter_map(|(index, word)| {
                let at = at.item(index);
                let found = group(word);
                let allowed = match found {
                    Some(LineGroup::Usage) => true,
                    Some(LineGroup::Minimum | LineGroup::Maximum) => reach == Reach::LinesAndBounds,
                    Some(_) => reach != Reach::Rates,
                    None => true,
                };
                if word == "all" && reach != Reach::Rates {
                    return Some(LineRef::All);
                }
                if word == own_id {
                    findings.error(&at, "refers-to-itself", "引用了自身", "refers to itself");
                    return None;
                }
                match found {
                    Some(group) if allowed => Some(LineRef::Group(group)),
                    None if names.open || names.names.contains(word.as_str()) => {
                        Some(LineRef::Line(word.clone()))
                    }
                    _ => {
                        findings.error(
                            &at,
                            "unknown-reference",
                            format!("没有可用的账单行“{word}”"),
                            format!("there is no line `{word}` that could be meant here"),
                        );
                        None
                    }
                }
            })
            .collect()
    };
    LineScope {
        include: references("lines", lines),
        except: references("except", except),
    }
}

/// Reads caps of quantities and of sums.
pub(super) fn read_caps(
    json: &PlanJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> (Vec<QuantityCap>, Vec<AmountCap>) {
    let at = at.field("caps");
    findings.at_most(&at, json.caps.len(), CAPS_MAX);
    let (mut quantities, mut amounts) = (Vec::new(), Vec::new());
    let mut capped: HashSet<&str> = HashSet::new();
    for (index, cap) in json.caps.iter().take(CAPS_MAX).enumerate() {
        let at = at.item(index);
        findings.name(&at.field("name"), &cap.name);
        match (&cap.lines, &cap.amount, &cap.covers, cap.quantity) {
            (Some(lines), Some(amount), None, None) => {
                let names = LineNames {
                    names: json.rates.iter().map(|rate| rate.id.as_str()).collect(),
                    open: false,
                };
                let lines = scope(lines, &[], &at, Reach::Rates, &names, &cap.id, findings);
                for rate in json
                    .rates
                    .iter()
                    .filter(|rate| lines.contains(LineGroup::Usage, &rate.id))
                {
                    check_capped_rate(rate, cap, &at, &mut capped, findings);
                }
                amounts.push(AmountCap {
                    id: cap.id.clone(),
                    name: cap.name.clone(),
                    lines,
                    amount_fen: findings.amount(&at.field("amount"), amount),
                    then: at_cap(cap.then),
                });
            }
            (None, None, Some(covers), Some(quantity)) => {
                let cells = quantity_cells(covers, json, &at.field("covers"), catalogue, findings);
                quantities.push(QuantityCap {
                    id: cap.id.clone(),
                    name: cap.name.clone(),
                    cells,
                    quantity: findings.catalogue_quantity(&at.field("quantity"), quantity, 0),
                    then: at_cap(cap.then),
                });
            }
            _ => findings.error(
                &at,
                "one-of",
                "须写 lines 与 amount,或 covers 与 quantity",
                "needs either lines and amount, or covers and quantity",
            ),
        }
    }
    (quantities, amounts)
}

fn check_capped_rate<'j>(
    rate: &'j RateJson,
    cap: &CapJson,
    at: &At<'_>,
    capped: &mut HashSet<&'j str>,
    findings: &mut Findings,
) {
    if !capped.insert(&rate.id) {
        let id = &rate.id;
        findings.error(
            &at.field("lines"),
            "overlap",
            format!("“{id}”已在另一个封顶中"),
            format!("`{id}` is in another cap of this plan already"),
        );
    }
    let stops = at_cap(cap.then) == AtCap::Stop;
    if stops && (rate.mode == ModeJson::Volume || rate.tiers_over == TiersOverJson::Event) {
        findings.error(
            &at.field("then"),
            "contradiction",
            "停机封顶只适用于按月累进计价",
            "stopping at an amount needs graduated tiers over the month",
        );
    }
}

fn quantity_cells(
    covers: &[super::super::catalogue::SelectorJson],
    json: &PlanJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> CellSet {
    let mut cells = CellSet::empty(catalogue.cells.len());
    findings.at_most(at, covers.len(), SELECTORS_MAX);
    if covers.is_empty() {
        findings.error(at, "empty-list", "没有写明适用的用量", "covers nothing");
    }
    let mut measure: Option<Measure> = None;
    for (index, selector) in covers.iter().take(SELECTORS_MAX).enumerate() {
        let at = at.item(index);
        let kind = super::fields::kind(selector.kind);
        let rate_measure = json
            .rates
            .iter()
            .find(|rate| rate.covers.iter().any(|cover| cover.kind == selector.kind))
            .and_then(|rate| rate.measure);
        let this = rate_measure.map_or_else(|| kind.measure(), super::fields::measure);
        if *measure.get_or_insert(this) != this {
            findings.error(
                &at.field("kind"),
                "wrong-unit",
                "不同单位的用量不能合并封顶",
                "usage in different units cannot count together",
            );
        }
        let parts = SelectorParts {
            kind: selector.kind,
            categories: selector.categories.as_deref(),
            bands: selector.bands.as_deref(),
            day_types: selector.day_types.as_deref(),
        };
        cells.extend(&findings.selector(&at, &catalogue.cells, parts));
    }
    cells
}

/// Reads discounts of a plan or add-on.
pub(super) fn read_discounts(
    json: &[DiscountJson],
    at: &At<'_>,
    names: &LineNames<'_>,
    findings: &mut Findings,
) -> Vec<Discount> {
    let at = at.field("discounts");
    findings.at_most(&at, json.len(), DISCOUNTS_MAX);
    json.iter()
        .take(DISCOUNTS_MAX)
        .enumerate()
        .map(|(index, discount)| {
            let at = at.item(index);
            findings.identifier(&at.field("id"), &discount.id);
            findings.name(&at.field("name"), &discount.name);
            let value = match (&discount.percent, &discount.amount) {
                (Some(percent), None) => DiscountValue::PercentMilli(findings.percent(
                    &at.field("percent"),
                    percent,
                    100,
                )),
                (None, Some(amount)) => {
                    DiscountValue::Fen(findings.amount(&at.field("amount"), amount))
                }
                _ => {
                    findings.error(
                        &at,
                        "one-of",
                        "percent 与 amount 必须且只能写一个",
                        "exactly one of percent and amount is needed",
                    );
                    DiscountValue::Fen(0)
                }
            };
            Discount {
                id: discount.id.clone(),
                name: discount.name.clone(),
                value,
                lines: scope(
                    &discount.lines,
                    &discount.except,
                    &at,
                    Reach::Lines,
                    names,
                    &discount.id,
                    findings,
                ),
                first_months: discount
                    .first_months
                    .map(|months| findings.months(&at.field("first_months"), months)),
            }
        })
        .collect()
}

/// Reads the minimum or maximum.
pub(super) fn read_bound(
    json: &PlanJson,
    at: &At<'_>,
    field: &'static str,
    document: &CatalogueJson,
    add_ons: &[usize],
    findings: &mut Findings,
) -> Option<Bound> {
    let bound: &BoundJson = if field == "minimum" {
        json.minimum.as_ref()?
    } else {
        json.maximum.as_ref()?
    };
    let at = at.field(field);
    let names = LineNames::of_plan(json, document, add_ons);
    Some(Bound {
        amount_fen: findings.amount(&at.field("amount"), &bound.amount),
        lines: scope(
            &bound.lines,
            &bound.except,
            &at,
            if field == "maximum" {
                Reach::LinesAndBounds
            } else {
                Reach::Lines
            },
            &names,
            field,
            findings,
        ),
    })
}

/// Reads taxes; no line is taxed twice.
pub(super) fn read_taxes(
    json: &PlanJson,
    at: &At<'_>,
    document: &CatalogueJson,
    add_ons: &[usize],
    findings: &mut Findings,
) -> Vec<Tax> {
    let at = at.field("taxes");
    findings.at_most(&at, json.taxes.len(), TAXES_MAX);
    let names = LineNames::of_plan(json, document, add_ons);
    let all_lines: Vec<(LineGroup, &str)> = names
        .names
        .iter()
        .map(|name| (group_of(name, json, document), *name))
        .chain([
            (LineGroup::Minimum, MINIMUM_LINE),
            (LineGroup::Maximum, MAXIMUM_LINE),
        ])
        .collect();
    let mut taxes: Vec<Tax> = Vec::new();
    for (index, tax) in json.taxes.iter().take(TAXES_MAX).enumerate() {
        let at = at.item(index);
        findings.name(&at.field("name"), &tax.name);
        let lines = scope(
            &tax.lines,
            &tax.except,
            &at,
            Reach::LinesAndBounds,
            &names,
            &tax.id,
            findings,
        );
        let twice = all_lines
            .iter()
            .filter(|(group, id)| {
                lines.contains(*group, id)
                    && taxes.iter().any(|other| other.lines.contains(*group, id))
            })
            .map(|(_, id)| *id)
            .min();
        if let Some(id) = twice {
            findings.error(
                &at.field("lines"),
                "taxed-twice",
                format!("账单行“{id}”已计税"),
                format!("line `{id}` is taxed already"),
            );
        }
        taxes.push(Tax {
            id: tax.id.clone(),
            name: tax.name.clone(),
            percent_milli: findings.percent(&at.field("percent"), &tax.percent, 1_000),
            included: tax.included,
            lines,
        });
    }
    taxes
}

fn group_of(id: &str, json: &PlanJson, document: &CatalogueJson) -> LineGroup {
    if id == MONTHLY_FEE_LINE || id == FAMILY_LINE {
        LineGroup::Fees
    } else if json.one_off_fees.iter().any(|fee| fee.id == id) {
        LineGroup::OneOff
    } else if document.add_ons.iter().any(|add_on| add_on.id == id) {
        LineGroup::AddOns
    } else {
        LineGroup::Usage
    }
}
