//! The best plan of one customer.
//!
//! With add-ons, or where the rule counts introductory terms, it is the first of a whole comparison. Without, which is what most
//! batches want of a million customers, it is found by a screen: every eligible plan is priced by the engine alone, totals only. Then the plans are looked at from the best score down: those
//! of one score are priced and judged as a single comparison does it, and the first that the rule recommends is the answer. Most
//! often that is one plan. The score is the first thing that [`rank`] sorts by, so no plan of a lower score can come before.

use super::totals::price_plan;
use crate::comparison::{Candidate, Pricer, SimulationError, SimulationRequest, simulate};
use crate::compile::CompiledCatalogue;
use crate::engine::Workspace;
use crate::metering::MeteredUsage;
use crate::ranking::{Ranked, rank, score_of_saving};
use crate::switching::SwitchingCost;

/// Scratch space of the screen, for any number of customers.
#[derive(Debug, Default)]
pub struct Screen {
    workspace: Workspace,
    /// Score and plan.
    scores: Vec<(i128, usize)>,
}

/// The answer for one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// What is recommended; nothing when the customer should stay.
    pub candidate: Option<Candidate>,
    /// Months of plans that were screened.
    pub plan_months: u64,
}

/// Finds the best plan for the customer of `request`, whose usage is metered in `metered`. `eligible` are the plans that the customer
/// can have, the present one left out. There is no family and no what-if.
///
/// # Errors
/// When an amount is too large.
pub fn best(
    catalogue: &CompiledCatalogue,
    request: &SimulationRequest,
    metered: &MeteredUsage,
    eligible: &[usize],
    screen: &mut Screen,
) -> Result<Best, SimulationError> {
    let months = request.usage.months.len();
    let plan_months = |plans: usize| u64::try_from(plans * months).unwrap_or(u64::MAX);
    if request.with_add_ons || request.ranking.count_introductory {
        let simulation = simulate(catalogue, request)?;
        let plans_priced = simulation.ranking.len() + usize::from(simulation.present.is_some());
        return Ok(Best {
            candidate: recommended(simulation.ranking),
            plan_months: plan_months(plans_priced),
        });
    }
    let pricer = Pricer::new(catalogue, &request.usage, metered)?;
    let present = pricer.present_totals(&mut screen.workspace)?;
    let usage = metered
        .users
        .first()
        .map(|user| user.months.as_slice())
        .unwrap_or_default();
    screen.scores.clear();
    for plan in eligible {
        let Some(compiled) = catalogue.plans.get(*plan) else {
            continue;
        };
        let total_fen = price_plan(compiled, usage, &mut screen.workspace)?;
        let score = match &present {
            None => -i128::from(total_fen),
            Some(present) => score_of_saving(
                &request.ranking,
                present.total_fen - total_fen,
                months as i128,
                || switching_fen(catalogue, request, *plan),
            ),
        };
        screen.scores.push((score, *plan));
    }
    let plans_priced = screen.scores.len() + usize::from(present.is_some());
    let plan_months = plan_months(plans_priced);
    while let Some(score) = screen.scores.iter().map(|(score, _)| *score).max() {
        // Without a least saving a plan that saves nothing is never recommended, and those that follow save less.
        if present.is_some() && request.ranking.saving_min_fen.is_none() && score <= 0 {
            break;
        }
        let mut tied = Vec::new();
        for (_, plan) in screen.scores.extract_if(.., |(other, _)| *other == score) {
            let [candidate] = pricer.candidate(
                request,
                plan,
                present.as_ref(),
                [months],
                &mut screen.workspace,
            )?;
            tied.push(candidate);
        }
        let ranked = rank(catalogue, &request.ranking, present.as_ref(), tied);
        let candidate = recommended(ranked);
        if candidate.is_some() {
            return Ok(Best {
                candidate,
                plan_months,
            });
        }
    }
    Ok(Best {
        candidate: None,
        plan_months,
    })
}

/// The first of the ranking, if the rule recommends it.
fn recommended(ranking: Ranked) -> Option<Candidate> {
    ranking
        .into_iter()
        .next()
        .filter(|candidate| candidate.not_recommended.is_empty())
}

fn switching_fen(catalogue: &CompiledCatalogue, request: &SimulationRequest, plan: usize) -> i64 {
    let customer = &request.usage.customer;
    let plan = &catalogue.catalogue.plans[plan];
    SwitchingCost::of(&catalogue.catalogue, customer, plan, request.on).total_fen()
}
