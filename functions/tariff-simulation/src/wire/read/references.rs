//! References between plans and add-ons: they exist, nothing refers to itself, and requirements do not run in circles.

use super::super::catalogue::CatalogueJson;
use super::super::errors::{At, Findings};
use crate::limits::{ADD_ONS_MAX, REFERENCES_MAX};
use crate::plan::Catalogue;

/// Identifiers are unique among plans and add-ons together.
pub(super) fn unique_ids(json: &CatalogueJson, findings: &mut Findings) {
    let root = At::Root;
    findings.unique(
        &root.field("plans"),
        "id",
        json.plans.iter().map(|plan| plan.id.as_str()),
    );
    findings.unique(
        &root.field("add_ons"),
        "id",
        json.add_ons.iter().map(|add_on| add_on.id.as_str()),
    );
    findings.unique(
        &root.field("exclusion_groups"),
        "id",
        json.exclusion_groups.iter().map(|group| group.id.as_str()),
    );
    let plans: std::collections::HashSet<&str> =
        json.plans.iter().map(|plan| plan.id.as_str()).collect();
    for (index, add_on) in json
        .add_ons
        .iter()
        .enumerate()
        .filter(|(_, add_on)| plans.contains(add_on.id.as_str()))
    {
        let at = root.field("add_ons");
        let id = &add_on.id;
        findings.error(
            &at.item(index).field("id"),
            "duplicate",
            format!("“{id}”已是套餐的标识符"),
            format!("`{id}` is the identifier of a plan"),
        );
    }
}

/// Positions of add-ons by identifier; says which are unknown, repeated, or the one that refers.
pub(super) fn add_on_indices(
    findings: &mut Findings,
    at: &At<'_>,
    ids: &[String],
    own_id: &str,
    json: &CatalogueJson,
) -> Vec<usize> {
    findings.at_most(at, ids.len(), REFERENCES_MAX);
    findings.unique(at, "", ids.iter().map(String::as_str));
    ids.iter()
        .take(REFERENCES_MAX)
        .enumerate()
        .filter_map(|(index, id)| {
            if id == own_id {
                findings.error(
                    &at.item(index),
                    "refers-to-itself",
                    "引用了自身",
                    "refers to itself",
                );
                return None;
            }
            let position = json
                .add_ons
                .iter()
                .take(ADD_ONS_MAX)
                .position(|add_on| add_on.id == *id);
            if position.is_none() {
                findings.error(
                    &at.item(index),
                    "unknown-reference",
                    format!("目录中没有叠加包“{id}”"),
                    format!("the catalogue has no add-on `{id}`"),
                );
            }
            position
        })
        .collect()
}

/// Requirements do not run in circles, and do not contradict exclusions; every required add-on can be taken with the plan.
pub(super) fn check(json: &CatalogueJson, catalogue: &Catalogue, findings: &mut Findings) {
    let root = At::Root;
    let at_add_ons = root.field("add_ons");
    let requires: Vec<Vec<usize>> = catalogue
        .add_ons
        .iter()
        .map(|add_on| add_on.requires.clone())
        .collect();
    for index in in_circles(&requires) {
        findings.error(
            &at_add_ons.item(index).field("requires"),
            "circle",
            "依赖关系成环",
            "requirements run in a circle",
        );
    }
    for (index, add_on) in catalogue.add_ons.iter().enumerate() {
        if let Some(position) = add_on
            .requires
            .iter()
            .position(|required| add_on.excludes.contains(required))
        {
            let at = at_add_ons.item(index);
            let at = at.field("requires");
            findings.error(
                &at.item(position),
                "contradiction",
                "既要求又排斥",
                "is both required and excluded",
            );
        }
    }
    let at_plans = root.field("plans");
    let position = |id: &String| json.plans.iter().position(|plan| plan.id == *id);
    let plan_requires: Vec<Vec<usize>> = json
        .plans
        .iter()
        .map(|plan| plan.eligible.requires.iter().filter_map(position).collect())
        .collect();
    for index in in_circles(&plan_requires) {
        let at = at_plans.item(index);
        findings.error(
            &at.field("eligible").field("requires"),
            "circle",
            "依赖关系成环",
            "requirements run in a circle",
        );
    }
    for (index, plan) in catalogue.plans.iter().enumerate() {
        for (slot, add_on) in plan.add_ons.iter().enumerate() {
            let missing = catalogue.add_ons[*add_on]
                .requires
                .iter()
                .find(|required| !plan.add_ons.contains(required));
            if let Some(missing) = missing {
                let missing = &catalogue.add_ons[*missing].id;
                let at = at_plans.item(index);
                let at = at.field("add_ons");
                findings.warning(
                    &at.item(slot),
                    "never-available",
                    format!("所需的“{missing}”不能与本套餐同订"),
                    format!("needs `{missing}`, which this plan does not list"),
                );
            }
        }
    }
}

/// Positions that can reach themselves.
fn in_circles(edges: &[Vec<usize>]) -> Vec<usize> {
    (0..edges.len())
        .filter(|start| {
            let mut seen = vec![false; edges.len()];
            let mut open = edges[*start].clone();
            while let Some(next) = open.pop() {
                if next == *start {
                    return true;
                }
                if let Some(visited) = seen.get_mut(next)
                    && !std::mem::replace(visited, true)
                {
                    open.extend(&edges[next]);
                }
            }
            false
        })
        .collect()
}
