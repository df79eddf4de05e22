//! Prices packages by trying everything: every plan that may be bought, every set of add-ons that may be held, one by one.
//!
//! The engine finds best sets by a search that skips; this does not, so it also finds what a search would miss.

use chudian_tariff_simulation::compile::CompiledCatalogue;
use chudian_tariff_simulation::engine::{
    MonthContext, NoSink, PricedMonth, Quantities, Workspace, price_month,
};
use chudian_tariff_simulation::metering::{MeteredMonth, MeteredUsage};
use chudian_tariff_simulation::plan::{Catalogue, Plan};
use chudian_tariff_simulation::usage::CustomerUsage;
use chudian_tariff_simulation::wire::{self, FieldError};
use serde_json::{Value, json};

/// The day on which the customers of the tests could buy.
const DAY: &str = "2026-11-22";

/// A plan with how many of each of its add-ons, and what all months cost together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) plan_id: String,
    pub(crate) add_ons: Vec<(String, u64)>,
    pub(crate) total_fen: i64,
}

pub(crate) struct Market {
    pub(crate) catalogue: CompiledCatalogue,
}

impl Market {
    pub(crate) fn new() -> Self {
        let parsed = wire::parse_catalogue(&chudian_sample::catalogue_json().unwrap()).unwrap();
        Self {
            catalogue: parsed.catalogue.compile(),
        }
    }

    /// A line of `customers.ndjson` as usage of the engine.
    pub(crate) fn usage(&self, line: &Value) -> Result<CustomerUsage, Vec<FieldError>> {
        let mut customer = json!({ "id": line["customer_id"], "plan": line["plan_id"] });
        for field in [
            "plan_since",
            "add_ons",
            "region",
            "customer_type",
            "contract_since",
            "services",
        ] {
            if let Some(value) = line.get(field) {
                customer[field] = value.clone();
            }
        }
        let family = line.get("family").cloned().unwrap_or_else(|| json!([]));
        let document = json!({ "schema": line["usage"]["schema"], "customer": customer, "months": line["usage"]["months"], "family": family });
        wire::parse_usage(document.to_string().as_bytes(), &self.catalogue.catalogue)
    }

    /// The best offer of every plan that the customer may buy; `anywhere` looks at plans of other cities too.
    pub(crate) fn offers(&self, usage: &CustomerUsage, anywhere: bool) -> Vec<Offer> {
        let metered = self.catalogue.meter(usage).unwrap();
        let plans = self.catalogue.catalogue.plans.iter().enumerate();
        plans
            .filter(|(_, plan)| may_buy(plan, usage, anywhere))
            .map(|(index, _)| self.best_of(index, usage, &metered))
            .collect()
    }

    /// What a package costs.
    pub(crate) fn total_fen(
        &self,
        plan_id: &str,
        add_ons: &[(String, u64)],
        usage: &CustomerUsage,
    ) -> i64 {
        let catalogue = &self.catalogue.catalogue;
        let index = catalogue.plan_index(plan_id).unwrap();
        let quantities: Vec<u32> = catalogue.plans[index]
            .add_ons
            .iter()
            .map(|add_on| {
                add_ons
                    .iter()
                    .find(|(id, _)| *id == catalogue.add_ons[*add_on].id)
                    .map_or(0, |(_, quantity)| *quantity as u32)
            })
            .collect();
        self.price(
            index,
            &quantities,
            usage,
            &self.catalogue.meter(usage).unwrap(),
        )
    }

    fn best_of(&self, index: usize, usage: &CustomerUsage, metered: &MeteredUsage) -> Offer {
        let catalogue = &self.catalogue.catalogue;
        let plan = &catalogue.plans[index];
        let mut best: Option<(i64, Vec<u32>)> = None;
        for quantities in combinations(catalogue, plan) {
            let total = self.price(index, &quantities, usage, metered);
            if best.as_ref().is_none_or(|(least, _)| total < *least) {
                best = Some((total, quantities));
            }
        }
        let (total_fen, quantities) = best.unwrap();
        let add_ons = plan
            .add_ons
            .iter()
            .zip(quantities)
            .filter(|(_, quantity)| *quantity > 0);
        let mut add_ons: Vec<(String, u64)> = add_ons
            .map(|(add_on, quantity)| (catalogue.add_ons[*add_on].id.clone(), u64::from(quantity)))
            .collect();
        add_ons.sort();
        Offer {
            plan_id: plan.id.clone(),
            add_ons,
            total_fen,
        }
    }

    /// The customer and as many members as the plan carries on it, the other members on their own plans.
    fn price(
        &self,
        index: usize,
        quantities: &[u32],
        usage: &CustomerUsage,
        metered: &MeteredUsage,
    ) -> i64 {
        let plan = &self.catalogue.catalogue.plans[index];
        let carried = plan
            .family
            .as_ref()
            .map_or(0, |family| usage.family.len().min(family.members_max));
        let users: Vec<&[MeteredMonth]> = metered
            .users
            .iter()
            .take(1 + carried)
            .map(|user| user.months.as_slice())
            .collect();
        let mut total = self.months(index, quantities, &users);
        for (member, user) in usage.family.iter().zip(&metered.users[1..]).skip(carried) {
            total += member
                .plan
                .map_or(0, |own| self.months(own, &[], &[&user.months]));
        }
        total
    }

    fn months(&self, index: usize, quantities: &[u32], users: &[&[MeteredMonth]]) -> i64 {
        let variant = self.catalogue.plans[index].variant(quantities);
        let mut workspace = Workspace::default();
        workspace.begin(variant);
        (0..users[0].len())
            .map(|month| {
                let users: Vec<&MeteredMonth> = users.iter().map(|months| &months[month]).collect();
                let month = PricedMonth {
                    quantities: Quantities::held(quantities),
                    context: MonthContext::LONG_RUN,
                    users: &users,
                };
                price_month(variant, &month, &mut workspace, &mut NoSink)
                    .unwrap()
                    .total_fen
            })
            .sum()
    }
}

fn may_buy(plan: &Plan, usage: &CustomerUsage, anywhere: bool) -> bool {
    let admits = |list: &[String], own: &Option<String>| {
        list.is_empty() || own.as_ref().is_some_and(|own| list.contains(own))
    };
    let terms = &plan.terms;
    admits(&terms.customer_types, &usage.customer.customer_type)
        && (anywhere || admits(&terms.regions, &usage.customer.region))
        && terms
            .requires
            .iter()
            .all(|service| usage.customer.services.contains(service))
        && terms
            .sale_until
            .is_none_or(|until| until.to_string().as_str() >= DAY)
}

/// Every set of add-ons that the plan's customers may hold.
fn combinations(catalogue: &Catalogue, plan: &Plan) -> Vec<Vec<u32>> {
    let mut sets = vec![Vec::new()];
    for add_on in &plan.add_ons {
        let most = catalogue.add_ons[*add_on].quantity_max;
        sets = sets
            .into_iter()
            .flat_map(|set: Vec<u32>| {
                (0..=most).map(move |quantity| [set.clone(), vec![quantity]].concat())
            })
            .collect();
    }
    sets.retain(|set| {
        let held: Vec<usize> = plan
            .add_ons
            .iter()
            .zip(set)
            .filter(|(_, quantity)| **quantity > 0)
            .map(|(add_on, _)| *add_on)
            .collect();
        let allowed = held.iter().all(|add_on| {
            let add_on = &catalogue.add_ons[*add_on];
            add_on.requires.iter().all(|other| held.contains(other))
                && !add_on.excludes.iter().any(|other| held.contains(other))
        });
        allowed
            && catalogue.groups.iter().all(|group| {
                held.iter()
                    .filter(|add_on| group.members.contains(add_on))
                    .count()
                    <= group.members_max
            })
    });
    sets
}
