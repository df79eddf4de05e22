//! The best plan of each customer of a block.
//!
//! With add-ons, or where the rule counts introductory terms, it is the first of a whole comparison. Without, which is what most
//! batches want of a million customers, it is found by a screen: every eligible plan is priced by the engine alone, totals only. Plans
//! whose saving the rule does not admit are forgotten at once: they are never recommended, and most customers have no others. Those
//! that are left are looked at from the best score down: each is judged by the rule as a single comparison judges it, and the first
//! that it recommends is the answer. Most often that is the first one. The score is the first thing that [`rank`] sorts by, so no plan
//! of a lower score can come before; plans of equal score are ranked by the comparison itself.
//!
//! **Order.** The screen goes plan by plan and within a plan customer by customer: a plan's tables and the ways through them are then
//! the same for nearly a hundred months in a row, which caches and branch predictors reward more than a customer's usage staying near.

use chudian_vocabulary::Date;

use super::totals::price_plan;
use crate::comparison::{
    Candidate, Lacks, MonthResult, Pricer, SavingSums, SimulationError, SimulationRequest, mean,
    simulate,
};
use crate::compile::{CompiledCatalogue, CompiledPlan};
use crate::engine::{
    MonthContext, NoSink, PricedMonth, PricingError, Quantities, Sink, Workspace, price_month,
};
use crate::metering::{MeteredMonth, MeteredUsage, MeteredUser};
use crate::plan::RankingRule;
use crate::ranking::{Beside, objections, rank, score_min, score_of_saving};
use crate::switching::SwitchingCost;
use crate::usage::{Customer, CustomerUsage, WhatIf};

/// Customers of whom everything but their usage is the same.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// What is known of them.
    pub(super) customer: Customer,
    /// By what their best plan is chosen.
    pub(super) rule: &'a RankingRule,
    /// By plan of the catalogue: whether they can have it; not the present one.
    pub(super) eligible: Vec<bool>,
    /// How many they can have.
    pub(super) eligible_count: usize,
}

/// The answer for one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Best {
    /// What is recommended; nothing when the customer should stay.
    pub(super) recommended: Option<Recommended>,
    /// Months of plans that were priced.
    pub(super) plan_months: u64,
}

/// A plan that is recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recommended {
    /// The plan.
    pub(super) plan: usize,
    /// What it saves; nothing for a customer without a present plan.
    pub(super) saving: Option<MeanSaving>,
}

/// What a plan saves in a month, as the mean of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MeanSaving {
    /// Fen.
    pub(super) saving_fen: i64,
    /// Months in which the plan is cheaper.
    pub(super) months_won: usize,
    /// Change of the operator's revenue without tax, fen.
    pub(super) revenue_change_fen: i64,
}

impl From<&Candidate> for Recommended {
    fn from(candidate: &Candidate) -> Self {
        Self {
            plan: candidate.result.plan,
            saving: candidate.saving.as_ref().map(|saving| MeanSaving {
                saving_fen: saving.mean_fen,
                months_won: saving.months_won,
                revenue_change_fen: saving.revenue_change_mean_fen,
            }),
        }
    }
}

/// A place in the block, and the customer in it.
#[derive(Debug, Default)]
pub(super) struct Seat {
    /// Which group; nothing when nobody sits here who can be priced.
    pub(super) group: Option<usize>,
    /// The customer's usage, as plans without add-ons ask for it.
    pub(super) metered: Vec<MeteredMonth>,
    /// The present plan's months.
    present: Vec<MonthResult>,
    present_fen: i64,
    /// The least score that the rule admits beside it.
    score_min: i128,
    /// Score and plan of those whose saving the rule admits.
    scores: Vec<(i128, usize)>,
}

impl Seat {
    pub(super) fn new(months: usize) -> Self {
        Self {
            metered: vec![MeteredMonth::default(); months],
            ..Self::default()
        }
    }
}

/// Prices blocks of customers.
pub(super) struct Screen<'a> {
    catalogue: &'a CompiledCatalogue,
    on: Date,
    with_add_ons: bool,
    workspace: Workspace,
    /// The months of a plan that is judged.
    months: Vec<MonthResult>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(catalogue: &'a CompiledCatalogue, on: Date, with_add_ons: bool) -> Self {
        Self {
            catalogue,
            on,
            with_add_ons,
            workspace: Workspace::default(),
            months: Vec::new(),
        }
    }

    /// Whether the best plan of a group is that of a whole comparison.
    fn compares(&self, group: &Group<'_>) -> bool {
        self.with_add_ons || group.rule.count_introductory
    }

    /// Finds the best plan for each seat that is taken; nothing for one that is not, or for a customer whose amounts are too large.
    /// `fill` writes the usage of a seat into a document with the lines of the batch, for those who are compared whole.
    pub(super) fn best(
        &mut self,
        groups: &[Group<'_>],
        seats: &mut [Seat],
        usage: &CustomerUsage,
        fill: impl Fn(usize, &mut CustomerUsage),
    ) -> Vec<Option<Best>> {
        let screened = |seat: &Seat| {
            let group = groups.get(seat.group?)?;
            (!self.compares(group)).then_some(group)
        };
        let screened: Vec<Option<&Group<'_>>> = seats.iter().map(screened).collect();
        let mut failed = vec![false; seats.len()];
        for ((seat, group), failed) in seats.iter_mut().zip(&screened).zip(&mut failed) {
            if let Some(group) = group {
                *failed = self.price_present(group, seat).is_err();
            }
        }
        for (index, plan) in self.catalogue.plans.iter().enumerate() {
            for ((seat, group), failed) in seats.iter_mut().zip(&screened).zip(&mut failed) {
                let Some(group) = group else { continue };
                if *failed || !group.eligible.get(index).is_some_and(|eligible| *eligible) {
                    continue;
                }
                match price_plan(plan, &seat.metered, &mut self.workspace) {
                    Ok(total_fen) => self.note(group, seat, index, total_fen),
                    Err(PricingError::AmountTooLarge) => *failed = true,
                }
            }
        }
        let answers = seats.iter_mut().zip(failed).enumerate();
        answers
            .map(|(position, (seat, failed))| {
                let group = groups.get(seat.group?).filter(|_| !failed)?;
                if self.compares(group) {
                    let mut usage = usage.clone();
                    fill(position, &mut usage);
                    return self.compared(group, usage).ok();
                }
                let plans = group.eligible_count + usize::from(group.customer.plan.is_some());
                Some(Best {
                    recommended: self.settle(group, seat, usage).ok()?,
                    plan_months: plan_months(plans, seat.metered.len()),
                })
            })
            .collect()
    }

    /// Prices what the customer has.
    fn price_present(&mut self, group: &Group<'_>, seat: &mut Seat) -> Result<(), PricingError> {
        seat.scores.clear();
        seat.present.clear();
        let present = group.customer.plan;
        if let Some(plan) = present.and_then(|plan| self.catalogue.plans.get(plan)) {
            price::<NoSink>(plan, &seat.metered, &mut self.workspace, &mut seat.present)?;
        }
        seat.present_fen = seat.present.iter().map(MonthResult::total_fen).sum();
        let months = seat.metered.len() as i128;
        seat.score_min = match present {
            Some(_) => score_min(group.rule, months, seat.present_fen.into()),
            None => i128::MIN,
        };
        Ok(())
    }

    /// Keeps a plan that the rule may recommend.
    #[inline]
    fn note(&self, group: &Group<'_>, seat: &mut Seat, plan: usize, total_fen: i64) {
        let score = match group.customer.plan {
            None => -i128::from(total_fen),
            Some(_) => {
                let saving_fen = seat.present_fen - total_fen;
                let months = seat.metered.len() as i128;
                score_of_saving(group.rule, saving_fen, months, || {
                    let catalogue = &self.catalogue.catalogue;
                    let target = &catalogue.plans[plan];
                    SwitchingCost::of(catalogue, &group.customer, target, self.on).total_fen()
                })
            }
        };
        if score >= seat.score_min {
            seat.scores.push((score, plan));
        }
    }

    /// Judges what the screen left, the best score first.
    fn settle(
        &mut self,
        group: &Group<'_>,
        seat: &mut Seat,
        usage: &CustomerUsage,
    ) -> Result<Option<Recommended>, SimulationError> {
        while let Some(score) = seat.scores.iter().map(|(score, _)| *score).max() {
            let plans = seat.scores.extract_if(.., |(other, _)| *other == score);
            let mut plans = plans.map(|(_, plan)| plan);
            let (first, more) = (plans.next(), plans.next());
            let recommended = match (first, more) {
                (Some(first), None) => {
                    drop(plans);
                    self.judge(group, seat, first, score)?
                }
                (first, more) => {
                    let tied: Vec<usize> = first.into_iter().chain(more).chain(plans).collect();
                    self.ranked(group, seat, usage, &tied)?
                }
            };
            if recommended.is_some() {
                return Ok(recommended);
            }
        }
        Ok(None)
    }

    /// Whether the rule recommends a plan that has its score for itself.
    fn judge(
        &mut self,
        group: &Group<'_>,
        seat: &Seat,
        plan: usize,
        score: i128,
    ) -> Result<Option<Recommended>, PricingError> {
        let compiled = &self.catalogue.plans[plan];
        self.months.clear();
        let lacks: Lacks = price(
            compiled,
            &seat.metered,
            &mut self.workspace,
            &mut self.months,
        )?;
        let sums = group
            .customer
            .plan
            .map(|_| SavingSums::of(&seat.present, &self.months));
        let months = self.months.len();
        let beside = sums.map(|sums| Beside {
            score,
            months: months as i128,
            present_total_fen: seat.present_fen.into(),
            revenue_change_total_fen: sums.revenue_change_total_fen,
            months_won: sums.months_won,
        });
        if !objections(group.rule, lacks, beside).is_empty() {
            return Ok(None);
        }
        Ok(Some(Recommended {
            plan,
            saving: sums.map(|sums| MeanSaving {
                saving_fen: mean(sums.total_fen, months),
                months_won: sums.months_won,
                revenue_change_fen: mean(sums.revenue_change_total_fen, months),
            }),
        }))
    }

    /// The first of some plans as the comparison ranks them, if the rule recommends it.
    fn ranked(
        &mut self,
        group: &Group<'_>,
        seat: &Seat,
        usage: &CustomerUsage,
        plans: &[usize],
    ) -> Result<Option<Recommended>, SimulationError> {
        let request = self.request(group, usage.clone());
        let metered = MeteredUsage {
            users: vec![MeteredUser {
                months: seat.metered.clone(),
            }],
        };
        let pricer = Pricer::new(self.catalogue, &request.usage, &metered)?;
        let present = pricer.present_totals(&mut self.workspace)?;
        let mut candidates = Vec::with_capacity(plans.len());
        for plan in plans {
            let [candidate] = pricer.candidate(
                &request,
                *plan,
                present.as_ref(),
                [seat.metered.len()],
                &mut self.workspace,
            )?;
            candidates.push(candidate);
        }
        let ranking = rank(self.catalogue, group.rule, present.as_ref(), candidates);
        Ok(recommended(&ranking))
    }

    /// The first of a whole comparison.
    fn compared(&self, group: &Group<'_>, usage: CustomerUsage) -> Result<Best, SimulationError> {
        let simulation = simulate(self.catalogue, &self.request(group, usage))?;
        let plans = simulation.ranking.len() + usize::from(simulation.present.is_some());
        Ok(Best {
            recommended: recommended(&simulation.ranking),
            plan_months: plan_months(plans, simulation.months.len()),
        })
    }

    fn request(&self, group: &Group<'_>, usage: CustomerUsage) -> SimulationRequest {
        SimulationRequest {
            usage: CustomerUsage {
                customer: group.customer.clone(),
                ..usage
            },
            on: self.on,
            plans: None,
            ranking: group.rule.clone(),
            what_if: WhatIf::NOTHING,
            with_add_ons: self.with_add_ons,
            described: 0,
        }
    }
}

/// Prices a plan in the long run month by month, for a listener who hears all of them.
fn price<S: Sink + Default>(
    plan: &CompiledPlan,
    metered: &[MeteredMonth],
    workspace: &mut Workspace,
    months: &mut Vec<MonthResult>,
) -> Result<S, PricingError> {
    let mut sink = S::default();
    workspace.begin(&plan.bare);
    for month in metered {
        let month = PricedMonth {
            quantities: Quantities::held(&[]),
            context: MonthContext::LONG_RUN,
            users: &[month],
        };
        let total = price_month(&plan.bare, &month, workspace, &mut sink)?;
        months.push(MonthResult {
            bill_fen: total.total_fen,
            tax_fen: total.tax_fen,
            outside_fen: 0,
        });
    }
    Ok(sink)
}

/// The first of the ranking, if the rule recommends it.
fn recommended(ranking: &[Candidate]) -> Option<Recommended> {
    let first = ranking.first()?;
    first.not_recommended.is_empty().then(|| first.into())
}

fn plan_months(plans: usize, months: usize) -> u64 {
    u64::try_from(plans * months).unwrap_or(u64::MAX)
}
