//! One customer of the sample: profile, family, months of usage, and, where a best plan is planted, which.
//!
//! Invariant: a customer depends on the settings and on the customer's own number only, so customers can be made in any
//! order and by the million without any of the others in memory.
//!
//! Three sorts of customers are mixed: planted ones (usage made for a plan, found on another), settled ones (usage made
//! for the plan that they have) and ordinary ones (usage of an archetype). No name, number or age of a person occurs.

use serde::Serialize;

use crate::archetype::{ARCHETYPES, Archetype};
use crate::catalogue::words::{BROADBAND, CITIES};
use crate::draw::{Draw, ONE, Use};
use crate::fit::{Bound, Fit, Span, fits};
use crate::months::Months;
use crate::usage::{MonthUsage, USAGE_SCHEMA, line};

/// How many of 1,000 customers not planted are settled on the plan that is best for them. With a fifth planted, about a
/// quarter of all customers are on their best plan, which is what Billmonitor found in 28,000 bills.
const SETTLED_PERMILLE: u32 = 300;
/// How many of 1,000 customers on a contract plan are still within its term.
const IN_CONTRACT_PERMILLE: u32 = 700;
/// Months since a customer took a plan, at most; contracts run for 12 or 24.
const HELD_MONTHS_MAX: u64 = 40;

/// A customer as `POST /customers/import` of the tariff simulation takes it: one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// Pseudonym, `c-000017`.
    pub customer_id: String,
    pub(crate) region: &'static str,
    pub(crate) customer_type: &'static str,
    pub(crate) plan_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_since: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add_ons: Vec<HeldAddOn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contract_since: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) services: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    family: Vec<FamilyMember>,
    pub(crate) usage: Usage,
    /// Why the best plan of this customer is known; not part of the line.
    #[serde(skip)]
    pub planted: Option<&'static Fit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct HeldAddOn {
    id: &'static str,
    quantity: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct FamilyMember {
    id: String,
    plan: &'static str,
    months: Vec<MonthUsage>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    schema: &'static str,
    pub(crate) months: Vec<MonthUsage>,
}

/// Months that the contract of a plan runs, where it has one.
fn term_months(plan_id: &str) -> u64 {
    if plan_id == "contract-76" { 12 } else { 24 }
}

impl Customer {
    /// Months that the customer's contract runs, where [`Customer::contract_since`] says that there is one.
    pub(crate) fn contract_term_months(&self) -> u64 {
        term_months(self.plan_id)
    }
}

impl PartialEq for Fit {
    /// There is one fit for each package.
    fn eq(&self, other: &Self) -> bool {
        (self.plan_id, self.add_ons) == (other.plan_id, other.add_ons)
    }
}

impl Eq for Fit {}

/// Makes customer `number`, counted from 1.
pub(crate) fn make(seed: u64, planted_permille: u32, months: Months, number: u64) -> Customer {
    let mut profile = Draw::of_customer(seed, Use::Profile, number);
    let mut usage = Draw::of_customer(seed, Use::Usage, number);
    let mut family = Draw::of_customer(seed, Use::Family, number);
    let id = format!("c-{number:06}");
    let region = profile.weighted(&CITIES).copied().unwrap_or(CITIES[0].0);
    let planted = profile.permille(planted_permille);
    if planted || profile.permille(SETTLED_PERMILLE) {
        // The fits are no empty list, so the first serves where the compiler wants an answer.
        let fit = profile.pick(fits()).unwrap_or(&fits()[0]);
        let mut customer = fitted(
            fit,
            id,
            region,
            months,
            |span| usage.between(span.low, span.high),
            |span| family.between(span.low, span.high),
        );
        if planted {
            customer.plan_id = profile.pick(fit.mistaken).copied().unwrap_or(fit.plan_id);
            customer.add_ons.clear();
            customer.planted = Some(fit);
        }
        customer
    } else {
        let weights: Vec<(&'static Archetype, u32)> = ARCHETYPES
            .iter()
            .map(|archetype| (archetype, archetype.weight))
            .collect();
        let archetype = profile
            .weighted(&weights)
            .map_or(&ARCHETYPES[0], |archetype| *archetype);
        ordinary(
            archetype,
            id,
            region,
            months,
            &mut profile,
            &mut usage,
            &mut family,
        )
    }
}

/// A customer at one of the bounds of `fit`, settled on its package.
pub(crate) fn at_bound(fit: &'static Fit, bound: Bound, months: Months) -> Customer {
    fitted(
        fit,
        format!("bound-{}", fit.plan_id),
        CITIES[0].0,
        months,
        |span| bound.of(span),
        |span| bound.of(span),
    )
}

fn fitted(
    fit: &'static Fit,
    id: String,
    region: &'static str,
    months: Months,
    mut own: impl FnMut(Span) -> u64,
    mut of_member: impl FnMut(Span) -> u64,
) -> Customer {
    let usage = months.each(|index, month| MonthUsage {
        month,
        lines: fit.months[index % 2]
            .iter()
            .filter_map(|span| line(span.what, own(*span)))
            .collect(),
    });
    let mut family = Vec::new();
    if let Some(kin) = fit.family {
        for member in 1..=kin.members {
            let usage = months.each(|_, month| MonthUsage {
                month,
                lines: kin
                    .spans
                    .iter()
                    .filter_map(|span| line(span.what, of_member(*span)))
                    .collect(),
            });
            family.push(FamilyMember {
                id: format!("{id}-f{member}"),
                plan: kin.plan_id,
                months: usage,
            });
        }
    }
    Customer {
        customer_id: id,
        region,
        customer_type: fit.customer_type,
        plan_id: fit.plan_id,
        plan_since: None,
        add_ons: fit
            .add_ons
            .iter()
            .map(|(id, quantity)| HeldAddOn {
                id,
                quantity: *quantity,
            })
            .collect(),
        contract_since: None,
        services: fit.services.to_vec(),
        family,
        usage: Usage {
            schema: USAGE_SCHEMA,
            months: usage,
        },
        planted: None,
    }
}

fn ordinary(
    archetype: &'static Archetype,
    id: String,
    region: &'static str,
    months: Months,
    profile: &mut Draw,
    usage: &mut Draw,
    family: &mut Draw,
) -> Customer {
    let plan_id = profile
        .weighted(archetype.plans)
        .copied()
        .unwrap_or(archetype.plans[0].0);
    let services = if profile.permille(archetype.broadband) {
        vec![BROADBAND]
    } else {
        Vec::new()
    };
    let term_months = term_months(plan_id);
    let contract_since = (plan_id.starts_with("contract-")
        && profile.permille(IN_CONTRACT_PERMILLE))
    .then(|| months.first_day_before(profile.between(0, term_months - 2)));
    let plan_since = contract_since.clone().or_else(|| {
        profile
            .permille(500)
            .then(|| months.first_day_before(profile.between(6, HELD_MONTHS_MAX)))
    });
    let members = profile.below(archetype.family_max + 1);
    let family = (1..=members)
        .map(|member| FamilyMember {
            id: format!("{id}-f{member}"),
            plan: family
                .weighted(ARCHETYPES[0].plans)
                .copied()
                .unwrap_or("gotone-58"),
            months: months_of(&ARCHETYPES[0], months, family),
        })
        .collect();
    Customer {
        customer_id: id,
        region,
        customer_type: archetype.customer_type,
        plan_id,
        plan_since,
        add_ons: Vec::new(),
        contract_since,
        services,
        family,
        usage: Usage {
            schema: USAGE_SCHEMA,
            months: months_of(archetype, months, usage),
        },
        planted: None,
    }
}

/// Months of usage of one person of an archetype.
fn months_of(archetype: &Archetype, months: Months, draw: &mut Draw) -> Vec<MonthUsage> {
    // One level for everything and one for each quantity: who telephones much is likely, not sure, to use much data.
    let person = draw.spread(ONE, archetype.between_customers * 2 / 3);
    let levels: Vec<u64> = archetype
        .medians
        .iter()
        .map(|(_, median)| {
            scale(
                draw.spread(scale(*median, ONE), archetype.between_customers * 3 / 4),
                person,
            )
        })
        .collect();
    months.each(|index, month| {
        let season = archetype.season[months.calendar_index(index)];
        let lines = archetype
            .medians
            .iter()
            .zip(&levels)
            .filter_map(|((what, _), level)| {
                line(
                    *what,
                    draw.spread(*level, archetype.between_months) * season / 1000,
                )
            })
            .collect();
        MonthUsage { month, lines }
    })
}

/// `quantity` times a factor in units of 1 ÷ [`ONE`].
fn scale(quantity: u64, factor: u64) -> u64 {
    u64::try_from(u128::from(quantity) * u128::from(factor) / u128::from(ONE)).unwrap_or(u64::MAX)
}
