//! Rates: units, increments, tiers, caps; and what a plan's rates and allowances cover together.

use super::super::catalogue::{
    BlockJson, BlockRoundingJson, ModeJson, RateCapJson, RateJson, TierJson, TiersOverJson,
};
use super::super::errors::{At, Findings};
use super::fields::{SelectorParts, kind, measure};
use super::plan::at_cap;
use crate::cells::{Cell, CellSet, DayType, Kind, Measure};
use crate::limits::{INCREMENT_MAX, PER_MAX, RATES_MAX, SELECTORS_MAX, TIERS_MAX};
use crate::number::BlockRounding;
use crate::plan::{Allowance, AtCap, Catalogue, Convert, LineCap, Plan, Rate, Tier};

/// Reads the rates of a plan or add-on.
pub(super) fn read(
    json: &[RateJson],
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Vec<Rate> {
    findings.at_most(at, json.len(), RATES_MAX);
    let mut rates: Vec<Rate> = Vec::new();
    for (index, rate) in json.iter().take(RATES_MAX).enumerate() {
        let at = at.item(index);
        let rate = read_one(rate, &at, catalogue, findings);
        for (other, earlier) in rates.iter().enumerate() {
            if let Some(cell) = earlier.cells.first_common(&rate.cells) {
                let (zh, en) = describe(catalogue, cell);
                let at = at.field("covers");
                findings.error(
                    &at,
                    "rated-twice",
                    format!("{zh}已由第 {other} 项资费计价"),
                    format!("{en} is rated by entry {other} already"),
                );
            }
        }
        rates.push(rate);
    }
    rates
}

/// What people call a cell.
pub(super) fn describe(catalogue: &Catalogue, cell: Cell) -> (String, String) {
    let kind = catalogue.cells.kind_of(cell).name();
    match catalogue.cells.category_of(cell) {
        Some(category) => (
            format!("{}({})", category.name.zh, kind.zh),
            format!("{} ({})", category.name.en, kind.en),
        ),
        None => (kind.zh, kind.en),
    }
}

fn read_one(json: &RateJson, at: &At<'_>, catalogue: &Catalogue, findings: &mut Findings) -> Rate {
    findings.identifier(&at.field("id"), &json.id);
    findings.name(&at.field("name"), &json.name);
    let (cells, measure) = covers(json, at, catalogue, findings);
    let (increment_first, increment_next) = json.increment.as_ref().map_or((1, 1), |increment| {
        let at = at.field("increment");
        if measure == Measure::Count {
            findings.error(
                &at,
                "wrong-unit",
                "按次计量没有计费步长",
                "usage measured by count has no increments",
            );
        }
        (
            findings.quantity(&at.field("first"), increment.first, 1, INCREMENT_MAX),
            findings.quantity(&at.field("next"), increment.next, 1, INCREMENT_MAX),
        )
    });
    let over_event = json.tiers_over == TiersOverJson::Event;
    if !over_event {
        for (field, present) in [
            ("event_minimum", json.event_minimum.is_some()),
            ("event_maximum", json.event_maximum.is_some()),
        ] {
            if present {
                findings.error(
                    &at.field(field),
                    "contradiction",
                    "仅当 tiers_over 为 event 时可写",
                    "is only for `tiers_over: event`",
                );
            }
        }
    }
    let convert = json.convert.as_ref().map(|convert| Convert {
        unit: findings.quantity(&at.field("convert").field("unit"), convert.unit, 1, PER_MAX),
        rounding: match convert.rounding {
            BlockRoundingJson::Up => BlockRounding::Up,
            BlockRoundingJson::Down => BlockRounding::Down,
            BlockRoundingJson::HalfUp => BlockRounding::HalfUp,
        },
    });
    if convert.is_some() && over_event {
        findings.error(
            &at.field("convert"),
            "contradiction",
            "按每次通话分档时不能再按月换算",
            "a conversion of the month's total does not go with tiers over events",
        );
    }
    let tiers = tiers(&json.tiers, &at.field("tiers"), findings);
    let (cap, quantity_cap) = json.cap.as_ref().map_or((None, None), |cap| {
        read_cap(cap, json, &at.field("cap"), findings)
    });
    let mut amount = |field: &'static str, text: &Option<String>| {
        text.as_deref()
            .map(|text| findings.amount(&at.field(field), text))
    };
    let event_minimum_fen = amount("event_minimum", &json.event_minimum);
    let event_maximum_fen = amount("event_maximum", &json.event_maximum);
    if let (Some(minimum), Some(maximum)) = (event_minimum_fen, event_maximum_fen)
        && minimum > maximum
    {
        findings.error(
            &at.field("event_maximum"),
            "contradiction",
            "最高低于最低",
            "the maximum is below the minimum",
        );
    }
    Rate {
        id: json.id.clone(),
        name: json.name.clone(),
        cells,
        measure,
        increment_first,
        increment_next,
        convert,
        setup_price: json
            .setup_fee
            .as_deref()
            .map_or(0, |text| findings.price(&at.field("setup_fee"), text)),
        free_units: findings.catalogue_quantity(&at.field("free_units"), json.free_units, 0),
        volume: json.mode == ModeJson::Volume,
        over_event,
        per: findings.quantity(&at.field("per"), json.per, 1, PER_MAX),
        block: match json.block {
            BlockJson::Exact => None,
            BlockJson::Up => Some(BlockRounding::Up),
            BlockJson::Down => Some(BlockRounding::Down),
            BlockJson::HalfUp => Some(BlockRounding::HalfUp),
        },
        tiers,
        flat_at_zero: json.flat_at_zero,
        event_minimum_fen,
        event_maximum_fen,
        cap,
        quantity_cap,
        rounding: json
            .rounding
            .as_ref()
            .map(|rounding| findings.rounding(&at.field("rounding"), rounding)),
    }
}

fn covers(
    json: &RateJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> (CellSet, Measure) {
    let at_covers = at.field("covers");
    findings.at_most(&at_covers, json.covers.len(), SELECTORS_MAX);
    let Some(first) = json.covers.first() else {
        findings.error(
            &at_covers,
            "empty-list",
            "没有写明适用的用量",
            "covers nothing",
        );
        return (CellSet::empty(catalogue.cells.len()), Measure::Count);
    };
    let chosen = json
        .measure
        .map_or_else(|| kind(first.kind).measure(), measure);
    let mut cells = CellSet::empty(catalogue.cells.len());
    for (index, selector) in json.covers.iter().take(SELECTORS_MAX).enumerate() {
        let at = at_covers.item(index);
        let kind = kind(selector.kind);
        if !kind.has(chosen) || (json.measure.is_none() && kind.measure() != chosen) {
            let (zh, en) = (kind.name().zh, kind.name().en);
            findings.error(
                &at.field("kind"),
                "wrong-unit",
                format!("{zh}不能按 {} 计量", chosen.id()),
                format!("{en} is not measured in {}", chosen.id()),
            );
        }
        if catalogue.switched_off[kind.index()] {
            findings.error(
                &at.field("kind"),
                "switched-off",
                "本目录关闭了该类业务",
                "this kind is switched off in the catalogue",
            );
        }
        let parts = SelectorParts {
            kind: selector.kind,
            categories: selector.categories.as_deref(),
            bands: selector.bands.as_deref(),
            day_types: selector.day_types.as_deref(),
        };
        let chosen_cells = findings.selector(&at, &catalogue.cells, parts);
        if cells.first_common(&chosen_cells).is_some() {
            findings.error(
                &at,
                "rated-twice",
                "同一用量在该资费中出现两次",
                "covers usage that an earlier entry covers too",
            );
        }
        cells.extend(&chosen_cells);
    }
    (cells, chosen)
}

fn tiers(json: &[TierJson], at: &At<'_>, findings: &mut Findings) -> Vec<Tier> {
    findings.at_most(at, json.len(), TIERS_MAX);
    if json.is_empty() {
        findings.error(
            at,
            "empty-list",
            "至少要有一档",
            "there must be at least one tier",
        );
    }
    let mut before = 0_u64;
    json.iter()
        .take(TIERS_MAX)
        .enumerate()
        .map(|(index, tier)| {
            let at = at.item(index);
            let is_last = index + 1 == json.len();
            match tier.up_to {
                None if !is_last => findings.error(
                    &at.field("up_to"),
                    "open-tier",
                    "只有最后一档可以没有上限",
                    "only the last tier has no upper bound",
                ),
                Some(_) if is_last => {
                    findings.error(
                        &at.field("up_to"),
                        "missing-last-tier",
                        "最后一档不能有上限,否则超出部分没有价格",
                        "the last tier has no upper bound, or usage above it has no price",
                    );
                }
                Some(up_to) if up_to <= before => {
                    findings.error(
                        &at.field("up_to"),
                        "tiers-not-ascending",
                        format!("必须大于前一档的 {before}"),
                        format!("must be above {before}, where the tier before ends"),
                    );
                }
                Some(up_to) => {
                    findings.catalogue_quantity(&at.field("up_to"), up_to, 1);
                    before = up_to;
                }
                None => {}
            }
            Tier {
                up_to: if is_last {
                    None
                } else {
                    tier.up_to.and_then(|up_to| i64::try_from(up_to).ok())
                },
                price: findings.price(&at.field("price"), &tier.price),
                flat: tier
                    .flat
                    .as_deref()
                    .map_or(0, |text| findings.price(&at.field("flat"), text)),
            }
        })
        .collect()
}

fn read_cap(
    json: &RateCapJson,
    rate: &RateJson,
    at: &At<'_>,
    findings: &mut Findings,
) -> (Option<LineCap>, Option<(i64, AtCap)>) {
    let then = at_cap(json.then);
    match (&json.amount, json.quantity) {
        (Some(amount), None) => {
            let simple = rate.tiers.len() == 1
                && rate.free_units == 0
                && rate.tiers_over == TiersOverJson::Month
                && rate.tiers.iter().all(|tier| tier.flat.is_none());
            if json.every.is_some() && !simple {
                findings.error(
                    &at.field("every"),
                    "contradiction",
                    "循环封顶只适用于单一价格",
                    "a repeating cap needs a single plain price",
                );
            }
            if json.every.is_some() && then == AtCap::Stop {
                findings.error(
                    &at.field("then"),
                    "contradiction",
                    "循环封顶之后仍继续服务",
                    "service goes on after a repeating cap",
                );
            }
            if then == AtCap::Stop
                && (rate.mode == ModeJson::Volume || rate.tiers_over == TiersOverJson::Event)
            {
                findings.error(
                    &at.field("then"),
                    "contradiction",
                    "停机封顶只适用于按月累进计价",
                    "stopping at an amount needs graduated tiers over the month",
                );
            }
            let amount_fen = findings.amount(&at.field("amount"), amount);
            let every = json
                .every
                .map(|every| findings.catalogue_quantity(&at.field("every"), every, 1));
            (
                Some(LineCap {
                    amount_fen,
                    every,
                    then,
                }),
                None,
            )
        }
        (None, Some(quantity)) => {
            if json.every.is_some() {
                findings.error(
                    &at.field("every"),
                    "contradiction",
                    "仅用于金额封顶",
                    "is only for a cap of an amount",
                );
            }
            (
                None,
                Some((
                    findings.catalogue_quantity(&at.field("quantity"), quantity, 0),
                    then,
                )),
            )
        }
        _ => {
            findings.error(
                at,
                "one-of",
                "amount 与 quantity 必须且只能写一个",
                "exactly one of amount and quantity is needed",
            );
            (None, None)
        }
    }
}

/// Checks that a plan's allowances are counted in the units in which its usage is measured, that one call is measured in one way in
/// all bands, that add-ons do not rate the same usage, and warns of usage without a price.
pub(super) fn check_coverage(
    plan: &Plan,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) {
    let measure_of = |cell: Cell| {
        plan.rates
            .iter()
            .find(|rate| rate.cells.contains(cell))
            .map_or_else(
                || catalogue.cells.kind_of(cell).measure(),
                |rate| rate.measure,
            )
    };
    let wrong_unit = |allowance: &Allowance| {
        let unit = allowance.unit?;
        allowance
            .covers
            .iter()
            .flat_map(|cover| cover.cells.iter())
            .find(|cell| measure_of(*cell) != unit)
            .map(|cell| (unit, cell))
    };
    for (index, allowance) in plan.allowances.iter().enumerate() {
        if let Some((unit, cell)) = wrong_unit(allowance) {
            let (zh, en) = describe(catalogue, cell);
            let (unit, wanted) = (unit.id(), measure_of(cell).id());
            let at_allowances = at.field("allowances");
            let at_allowance = at_allowances.item(index);
            findings.error(
                &at_allowance.field("unit"),
                "wrong-unit",
                format!("{zh}按 {wanted} 计量,赠送却按 {unit}"),
                format!("{en} is measured in {wanted}, the allowance in {unit}"),
            );
        }
    }
    let mut rated_by_add_on: Vec<(usize, &CellSet)> = Vec::new();
    for (slot, add_on) in plan
        .add_ons
        .iter()
        .enumerate()
        .filter_map(|(slot, index)| catalogue.add_ons.get(*index).map(|add_on| (slot, add_on)))
    {
        let at_add_ons = at.field("add_ons");
        let at_slot = at_add_ons.item(slot);
        let own = |cell: Cell| add_on.rates.iter().any(|rate| rate.cells.contains(cell));
        let unfit = add_on
            .allowances
            .iter()
            .find(|allowance| wrong_unit(allowance).is_some_and(|(_, cell)| !own(cell)));
        if let Some(allowance) = unfit {
            let id = &allowance.id;
            findings.error(
                &at_slot,
                "wrong-unit",
                format!("叠加包赠送“{id}”的单位与套餐计量不符"),
                format!(
                    "its allowance `{id}` is not in the unit in which the plan measures that usage"
                ),
            );
        }
        for rate in &add_on.rates {
            let clash = rated_by_add_on.iter().find(|(other, cells)| {
                let other_index = plan.add_ons[*other];
                let excluded = add_on.excludes.contains(&other_index)
                    || catalogue.add_ons[other_index]
                        .excludes
                        .contains(&plan.add_ons[slot]);
                *other != slot && !excluded && cells.first_common(&rate.cells).is_some()
            });
            if let Some((other, _)) = clash {
                let other = &catalogue.add_ons[plan.add_ons[*other]].id;
                findings.error(
                    &at_slot,
                    "rated-twice",
                    format!("与叠加包“{other}”对同一用量计价,须互斥"),
                    format!("rates the same usage as `{other}`; they must exclude each other"),
                );
            }
            rated_by_add_on.push((slot, &rate.cells));
        }
    }
    check_cells(plan, at, catalogue, findings);
}

fn check_cells(plan: &Plan, at: &At<'_>, catalogue: &Catalogue, findings: &mut Findings) {
    let space = &catalogue.cells;
    let at_rates = at.field("rates");
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| !catalogue.switched_off[kind.index()])
    {
        for (category, word) in space.categories[kind.index()].iter().enumerate() {
            let cells = (0..space.bands.len())
                .flat_map(|band| DayType::ALL.map(|day| space.cell(kind, category, band, day)));
            let rates: Vec<Option<&Rate>> = cells
                .map(|cell| plan.rates.iter().find(|rate| rate.cells.contains(cell)))
                .collect();
            let measures: Vec<Measure> = rates.iter().flatten().map(|rate| rate.measure).collect();
            if measures.windows(2).any(|pair| pair[0] != pair[1]) {
                let (zh, en) = (&word.name.zh, &word.name.en);
                findings.error(
                    &at_rates,
                    "wrong-unit",
                    format!("“{zh}”在不同时段的计量方式不同"),
                    format!("{en} is measured differently in different bands"),
                );
            }
            if rates.iter().any(Option::is_none) {
                let (zh, en) = (&word.name.zh, &word.name.en);
                findings.warning(
                    &at_rates,
                    "uncovered-usage",
                    format!("“{zh}”({})没有价格", kind.name().zh),
                    format!(
                        "{en} ({}) has no price, at least at some times",
                        kind.name().en
                    ),
                );
            }
        }
    }
}
