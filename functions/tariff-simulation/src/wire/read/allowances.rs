//! Allowances.

use super::super::catalogue::{AllowanceJson, AllowanceUnitJson, GrantJson};
use super::super::errors::{At, Findings};
use super::fields::SelectorParts;
use crate::cells::{CellSet, Measure};
use crate::limits::{ALLOWANCES_MAX, ROLLOVER_MONTHS_MAX, SELECTORS_MAX};
use crate::plan::{Allowance, Catalogue, Cover, Rollover};

/// Reads the allowances of a plan or add-on.
pub(super) fn read(
    json: &[AllowanceJson],
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Vec<Allowance> {
    findings.at_most(at, json.len(), ALLOWANCES_MAX);
    findings.unique(at, "id", json.iter().map(|allowance| allowance.id.as_str()));
    json.iter()
        .take(ALLOWANCES_MAX)
        .enumerate()
        .map(|(index, allowance)| read_one(allowance, &at.item(index), catalogue, findings))
        .collect()
}

fn read_one(
    json: &AllowanceJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Allowance {
    findings.identifier(&at.field("id"), &json.id);
    findings.name(&at.field("name"), &json.name);
    let amount = findings.catalogue_quantity(&at.field("amount"), json.amount, 0);
    if json.amount == 0 {
        findings.warning(
            &at.field("amount"),
            "no-effect",
            "赠送量为零",
            "this allowance is empty",
        );
    }
    let at_covers = at.field("covers");
    findings.at_most(&at_covers, json.covers.len(), SELECTORS_MAX);
    if json.covers.is_empty() {
        findings.error(
            &at_covers,
            "empty-list",
            "没有写明适用的用量",
            "covers nothing",
        );
    }
    let mut seen = CellSet::empty(catalogue.cells.len());
    let covers = json
        .covers
        .iter()
        .take(SELECTORS_MAX)
        .enumerate()
        .map(|(index, cover)| {
            let at = at_covers.item(index);
            let parts = SelectorParts {
                kind: cover.kind,
                categories: cover.categories.as_deref(),
                bands: cover.bands.as_deref(),
                day_types: cover.day_types.as_deref(),
            };
            let cells = findings.selector(&at, &catalogue.cells, parts);
            if seen.first_common(&cells).is_some() {
                findings.error(
                    &at,
                    "overlap",
                    "同一用量在该赠送中出现两次",
                    "covers usage that an earlier entry covers too",
                );
            }
            seen.extend(&cells);
            Cover {
                cells,
                factor_ten_thousandths: findings.factor(&at.field("factor"), &cover.factor),
            }
        })
        .collect();
    let rollover = json.rollover.as_ref().map(|rollover| {
        let at = at.field("rollover");
        let months =
            findings.quantity(&at.field("months"), rollover.months, 1, ROLLOVER_MONTHS_MAX);
        Rollover {
            months: u32::try_from(months).unwrap_or(1),
            amount_max: rollover
                .amount_max
                .map(|amount| findings.catalogue_quantity(&at.field("amount_max"), amount, 0)),
            carried_first: rollover.carried_first,
        }
    });
    if json.grant == GrantJson::Once && json.first_months.is_some() {
        findings.error(
            &at.field("first_months"),
            "contradiction",
            "一次性赠送不能再限月数",
            "an allowance given once has no first months",
        );
    }
    Allowance {
        id: json.id.clone(),
        name: json.name.clone(),
        unit: match json.unit {
            AllowanceUnitJson::Seconds => Some(Measure::Seconds),
            AllowanceUnitJson::Kb => Some(Measure::Kb),
            AllowanceUnitJson::Count => Some(Measure::Count),
            AllowanceUnitJson::Points => None,
        },
        amount,
        priority: json.priority,
        covers,
        rollover,
        shared_in_family: json.shared_in_family,
        once: json.grant == GrantJson::Once,
        first_months: json
            .first_months
            .map(|months| findings.months(&at.field("first_months"), months)),
    }
}
