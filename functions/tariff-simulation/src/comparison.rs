//! Compares every plan that a customer can have with the present one, month by month (TS-2 … TS-5).
//!
//! Months are priced one by one, never their average, because bills are convex in usage. The present plan is priced as it really
//! runs (its phases by `plan_since`, its add-ons as held); candidates by what they cost in the long run, or, where the province
//! counts introductory terms, as if joined on the first day of the first month. Family members whom a plan does not carry
//! keep their own plans, whose cost counts on both sides.

use chudian_vocabulary::{Date, Month};

use crate::add_ons::{PricedMonths, best_add_ons, price_choice, price_months};
use crate::bill::{Bill, Choice, KindUse};
use crate::compile::{CompiledCatalogue, NONE};
use crate::eligibility::{Ineligible, plan_reasons, reasons};
use crate::engine::{
    MonthContext, MonthTotal, PricingError, Quantities, RateOutcome, Sink, StreamOutcome, Workspace,
};
use crate::metering::{MeteredMonth, MeteredUsage, UsageTooLarge};
use crate::number::{Rounding, round_ratio};
use crate::plan::RankingRule;
use crate::ranking::{NotRecommended, Ranked, rank};
use crate::switching::SwitchingCost;
use crate::usage::{CustomerUsage, WhatIf};

/// What to compare.
#[derive(Clone, Debug)]
pub struct SimulationRequest {
    /// The customer and the months.
    pub usage: CustomerUsage,
    /// The day on which plans must be on sale.
    pub on: Date,
    /// Candidates as indices of the catalogue; nothing: all plans.
    pub plans: Option<Vec<usize>>,
    /// The province's rule, or the request's own.
    pub ranking: RankingRule,
    /// Usage scaled by kind.
    pub what_if: WhatIf,
    /// Whether add-ons are searched for candidates.
    pub with_add_ons: bool,
    /// How many candidates, best first, are described beyond their totals ([`PlanResult::usage`], [`PlanResult::estimated`]).
    /// A description needs the whole bill, which costs many times what a total does.
    pub described: usize,
}

/// Why a simulation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    /// Usage too large.
    #[error(transparent)]
    Usage(#[from] UsageTooLarge),
    /// An amount too large.
    #[error(transparent)]
    Pricing(#[from] PricingError),
}

/// The comparison.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The months.
    pub months: Vec<Month>,
    /// The present plan; nothing for a new customer.
    pub present: Option<PlanResult>,
    /// Candidates that can be had, best first.
    pub ranking: Vec<Candidate>,
    /// Plans that cannot be had, in the catalogue's order, with every reason.
    pub ineligible: Vec<(usize, Vec<Ineligible>)>,
    /// What the recommendation of all months but the last would have meant in the last one.
    pub held_out: Option<HeldOut>,
}

impl Simulation {
    /// The recommended plan, if there is one.
    #[must_use]
    pub fn best(&self) -> Option<&Candidate> {
        self.ranking
            .first()
            .filter(|candidate| candidate.not_recommended.is_empty())
    }
}

/// A plan with its add-ons, priced for all months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanResult {
    /// The plan.
    pub plan: usize,
    /// Quantity of add-ons by slot of the plan.
    pub quantities: Vec<u32>,
    /// The plan's bill by month, with what family members outside the plan pay on theirs.
    pub months: Vec<MonthResult>,
    /// Sum, fen.
    pub total_fen: i64,
    /// Mean per month, rounded half up.
    pub mean_fen: i64,
    /// The dearest month, fen.
    pub worst_month_fen: i64,
    /// What of the usage the plan does not cover; of a candidate only.
    pub lacks: Lacks,
    /// Usage by kind over all months; empty where the plan is not described.
    pub usage: Vec<KindUse>,
    /// Whether some line rests on an estimate; false where the plan is not described.
    pub estimated: bool,
}

impl PlanResult {
    /// Adds what only the bills tell.
    fn describe(&mut self, bills: &[Bill]) {
        for month in bills.iter().flat_map(|bill| &bill.usage) {
            match self
                .usage
                .iter_mut()
                .find(|known| known.kind == month.kind && known.measure == month.measure)
            {
                Some(known) => known.add(month),
                None => self.usage.push(*month),
            }
        }
        self.usage.sort_by_key(|known| (known.kind, known.measure));
        self.estimated = bills
            .iter()
            .flat_map(|bill| &bill.lines)
            .any(|line| line.estimated);
    }
}

/// What of a customer's usage a plan does not cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacks {
    /// Some of it has no price.
    pub price: bool,
    /// Some of it is not served, because a cap stops the service.
    pub service: bool,
}

impl Sink for Lacks {
    const WANTS_ALL_STREAMS: bool = true;

    fn stream(&mut self, outcome: StreamOutcome<'_>) {
        self.price |= outcome.stream.rate == NONE && outcome.beyond > 0;
        self.service |= outcome.unserved > 0;
    }

    fn rate(&mut self, outcome: RateOutcome) {
        self.service |= outcome.served < outcome.charged;
    }

    fn cut(&mut self, _rate: usize, _served: i64, unserved: i64, _amount_fen: i64) {
        self.service |= unserved > 0;
    }
}

/// A month of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthResult {
    /// The plan's bill, fen.
    pub bill_fen: i64,
    /// Tax in it, fen.
    pub tax_fen: i64,
    /// What family members outside the plan pay, fen.
    pub outside_fen: i64,
}

impl MonthResult {
    /// What the customer and the family pay, fen.
    #[must_use]
    pub fn total_fen(&self) -> i64 {
        self.bill_fen + self.outside_fen
    }
}

/// A plan that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its pricing.
    pub result: PlanResult,
    /// Beside the present plan; nothing for a new customer.
    pub saving: Option<Saving>,
    /// What switching costs.
    pub switching: SwitchingCost,
    /// Months until the saving has paid for the switch; nothing when it never will.
    pub payback_months: Option<i64>,
    /// Why the province's rule does not recommend it; empty when it does.
    pub not_recommended: Vec<NotRecommended>,
    /// Pricings of all months that the search for add-ons made.
    pub evaluations: usize,
    /// Whether the search for add-ons was exhaustive.
    pub search_complete: bool,
}

/// What a plan saves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    /// By month, fen; negative where the plan is dearer.
    pub months_fen: Vec<i64>,
    /// Sum, fen.
    pub total_fen: i64,
    /// Mean per month, rounded half up.
    pub mean_fen: i64,
    /// Months in which the plan is cheaper.
    pub months_won: usize,
    /// Change of the operator's revenue without tax, sum, fen.
    pub revenue_change_total_fen: i64,
    /// The same per month, rounded half up.
    pub revenue_change_mean_fen: i64,
}

/// The check on a month that had no part in the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOut {
    /// The month held out: the last one.
    pub month: Month,
    /// What the months before recommend; nothing when they recommend to stay.
    pub chosen: Option<(usize, Vec<u32>)>,
    /// What that saves in the month held out, fen; 0 for staying.
    pub saving_fen: i64,
    /// Whether all months together recommend the same plan.
    pub agrees: bool,
}

/// Rounded mean of a sum.
pub(crate) fn mean(total_fen: i64, months: usize) -> i64 {
    let months = i64::try_from(months.max(1)).unwrap_or(1);
    round_ratio(total_fen, months, Rounding::DEFAULT)
}

/// Compares all candidates.
///
/// # Errors
/// When usage or an amount is too large.
pub fn simulate(
    catalogue: &CompiledCatalogue,
    request: &SimulationRequest,
) -> Result<Simulation, SimulationError> {
    let usage = if request.what_if == WhatIf::NOTHING {
        request.usage.clone()
    } else {
        request.what_if.apply(&request.usage)
    };
    let metered = catalogue.meter(&usage)?;
    let pricer = Pricer::new(catalogue, &usage, &metered)?;
    let present = pricer.present()?;
    let plan_count = catalogue.catalogue.plans.len();
    let wanted: Vec<usize> = match &request.plans {
        Some(plans) => (0..plan_count)
            .filter(|plan| plans.contains(plan))
            .collect(),
        None => (0..plan_count).collect(),
    };
    let all = usage.months.len();
    let (mut ranking, mut earlier) = (Vec::new(), Vec::new());
    let mut ineligible = Vec::new();
    let mut workspace = Workspace::default();
    for plan in wanted
        .into_iter()
        .filter(|plan| Some(*plan) != usage.customer.plan)
    {
        let why_not = plan_reasons(
            &catalogue.catalogue,
            &usage.customer,
            &catalogue.catalogue.plans[plan],
            request.on,
        );
        if !why_not.is_empty() {
            ineligible.push((plan, why_not));
            continue;
        }
        if all > 1 && present.is_some() {
            let stretches = [all, all - 1];
            let [whole, before] =
                pricer.candidate(request, plan, present.as_ref(), stretches, &mut workspace)?;
            ranking.push(whole);
            earlier.push(before);
        } else {
            let [whole] =
                pricer.candidate(request, plan, present.as_ref(), [all], &mut workspace)?;
            ranking.push(whole);
        }
    }
    let mut ranking = rank(catalogue, &request.ranking, present.as_ref(), ranking);
    for candidate in ranking.iter_mut().take(request.described) {
        let bills = pricer.bills(
            candidate.result.plan,
            &candidate.result.quantities,
            false,
            request.ranking.count_introductory,
        )?;
        candidate.result.describe(&bills);
    }
    let held_out = match &present {
        Some(present) if all > 1 => Some(pricer.held_out(
            request,
            present,
            rank(catalogue, &request.ranking, Some(present), earlier),
            &ranking,
        )?),
        _ => None,
    };
    Ok(Simulation {
        months: usage.months.iter().map(|month| month.month).collect(),
        present,
        ranking,
        ineligible,
        held_out,
    })
}

/// The bills of a choice, month by month: the proof of what was ranked.
///
/// `introductory` tells a candidate as if joined on the first day of the first month from one in the long run; the present
/// plan is always as it really runs.
///
/// # Errors
/// When usage or an amount is too large.
pub fn explain(
    catalogue: &CompiledCatalogue,
    usage: &CustomerUsage,
    what_if: WhatIf,
    choice: Choice<'_>,
    introductory: bool,
) -> Result<Vec<Bill>, SimulationError> {
    let usage = what_if.apply(usage);
    let metered = catalogue.meter(&usage)?;
    let pricer = Pricer {
        catalogue,
        usage: &usage,
        metered: &metered,
        member_costs: Vec::new(),
    };
    let is_present = usage.customer.plan == Some(choice.plan);
    Ok(pricer.bills(choice.plan, choice.quantities, is_present, introductory)?)
}

/// What family members whom the plan does not carry pay on their own plans, month by month, fen: the part of a month's total that
/// stands in no bill of the plan.
///
/// # Errors
/// When usage or an amount is too large.
pub fn outside_costs(
    catalogue: &CompiledCatalogue,
    usage: &CustomerUsage,
    what_if: WhatIf,
    plan: usize,
) -> Result<Vec<i64>, SimulationError> {
    let usage = what_if.apply(usage);
    let metered = catalogue.meter(&usage)?;
    let pricer = Pricer::new(catalogue, &usage, &metered)?;
    Ok((0..usage.months.len())
        .map(|month| pricer.outside_fen(plan, month))
        .collect())
}

/// Prices plans for one customer.
pub(crate) struct Pricer<'a> {
    catalogue: &'a CompiledCatalogue,
    usage: &'a CustomerUsage,
    metered: &'a MeteredUsage,
    /// What each family member pays on the own plan, by month.
    member_costs: Vec<Vec<i64>>,
}

impl<'a> Pricer<'a> {
    /// A pricer of the customer's metered usage; members of the family are priced at once, on their own plans.
    pub(crate) fn new(
        catalogue: &'a CompiledCatalogue,
        usage: &'a CustomerUsage,
        metered: &'a MeteredUsage,
    ) -> Result<Self, PricingError> {
        let mut pricer = Self {
            catalogue,
            usage,
            metered,
            member_costs: Vec::new(),
        };
        pricer.price_members()?;
        Ok(pricer)
    }

    /// Joined on `joined`, or long ago.
    fn contexts(&self, joined: Option<Date>, charge_one_off: bool) -> Vec<MonthContext> {
        self.usage
            .months
            .iter()
            .map(|month| {
                let long_run = MonthContext {
                    days: month.month.days(),
                    ..MonthContext::LONG_RUN
                };
                let tenure = joined
                    .map(|joined| month.month.ordinal() - joined.month().ordinal())
                    .and_then(|months| u32::try_from(months).ok());
                match (joined, tenure) {
                    (Some(joined), Some(tenure)) => MonthContext {
                        tenure_months: Some(tenure),
                        joined_on_day: joined.day(),
                        charge_one_off,
                        ..long_run
                    },
                    // Before joining: the months are priced as they will be in the long run.
                    _ => long_run,
                }
            })
            .collect()
    }

    /// Months as a candidate sees them.
    fn candidate_contexts(&self, introductory: bool) -> Vec<MonthContext> {
        if !introductory {
            return self.contexts(None, false);
        }
        let long_run = self.contexts(None, false);
        (0_u32..)
            .zip(long_run)
            .map(|(tenure, context)| MonthContext {
                tenure_months: Some(tenure),
                charge_one_off: true,
                ..context
            })
            .collect()
    }

    fn carried(&self, plan: usize) -> usize {
        self.catalogue.plans[plan]
            .bare
            .members_max
            .min(self.usage.family.len())
    }

    fn users(&self, plan: usize) -> Vec<Vec<&'a MeteredMonth>> {
        let metered: &'a MeteredUsage = self.metered;
        let users = &metered.users[..1 + self.carried(plan)];
        (0..self.usage.months.len())
            .map(|month| users.iter().map(|user| &user.months[month]).collect())
            .collect()
    }

    fn outside_fen(&self, plan: usize, month: usize) -> i64 {
        self.member_costs
            .iter()
            .skip(self.carried(plan))
            .map(|costs| costs[month])
            .sum()
    }

    fn price_members(&mut self) -> Result<(), PricingError> {
        let contexts = self.contexts(None, false);
        let mut workspace = Workspace::default();
        for (member, metered) in self
            .usage
            .family
            .iter()
            .zip(self.metered.users.iter().skip(1))
        {
            let costs = match member.plan {
                None => vec![0; contexts.len()],
                Some(plan) => {
                    let compiled = &self.catalogue.plans[plan];
                    let months = PricedMonths {
                        contexts: contexts.clone(),
                        users: metered.months.iter().map(|month| vec![month]).collect(),
                    };
                    let none = vec![0; self.catalogue.catalogue.plans[plan].add_ons.len()];
                    price_choice(compiled, Quantities::held(&none), &months, &mut workspace)?
                        .into_iter()
                        .map(|month| month.total_fen)
                        .collect()
                }
            };
            self.member_costs.push(costs);
        }
        Ok(())
    }

    fn bills(
        &self,
        plan: usize,
        quantities: &[u32],
        is_present: bool,
        introductory: bool,
    ) -> Result<Vec<Bill>, PricingError> {
        let contexts = if is_present {
            self.contexts(self.usage.customer.plan_since, true)
        } else {
            self.candidate_contexts(introductory)
        };
        let months: Vec<(Month, MonthContext)> = self
            .usage
            .months
            .iter()
            .map(|month| month.month)
            .zip(contexts)
            .collect();
        self.catalogue
            .bills(Choice { plan, quantities }, &months, &self.users(plan))
    }

    /// The result of a choice over the first `count` months.
    fn result(&self, plan: usize, quantities: Vec<u32>, totals: &[MonthTotal]) -> PlanResult {
        let months: Vec<MonthResult> = totals
            .iter()
            .enumerate()
            .map(|(month, total)| MonthResult {
                bill_fen: total.total_fen,
                tax_fen: total.tax_fen,
                outside_fen: self.outside_fen(plan, month),
            })
            .collect();
        let total_fen = months.iter().map(MonthResult::total_fen).sum();
        PlanResult {
            plan,
            quantities,
            total_fen,
            mean_fen: mean(total_fen, months.len()),
            worst_month_fen: months.iter().map(MonthResult::total_fen).max().unwrap_or(0),
            months,
            lacks: Lacks::default(),
            usage: Vec::new(),
            estimated: false,
        }
    }

    fn present(&self) -> Result<Option<PlanResult>, PricingError> {
        let Some((plan, quantities)) = self.present_choice() else {
            return Ok(None);
        };
        let bills = self.bills(plan, &quantities, true, false)?;
        let totals: Vec<MonthTotal> = bills
            .iter()
            .map(|bill| MonthTotal {
                total_fen: bill.total_fen,
                tax_fen: bill.tax_fen,
            })
            .collect();
        let mut result = self.result(plan, quantities, &totals);
        result.describe(&bills);
        Ok(Some(result))
    }

    /// The same without a description: what each month costs.
    pub(crate) fn present_totals(
        &self,
        workspace: &mut Workspace,
    ) -> Result<Option<PlanResult>, PricingError> {
        let Some((plan, quantities)) = self.present_choice() else {
            return Ok(None);
        };
        let months = PricedMonths {
            contexts: self.contexts(self.usage.customer.plan_since, true),
            users: self.users(plan),
        };
        let compiled = &self.catalogue.plans[plan];
        let totals = price_choice(compiled, Quantities::held(&quantities), &months, workspace)?;
        Ok(Some(self.result(plan, quantities, &totals)))
    }

    /// The present plan, and the quantity of each of its add-ons.
    fn present_choice(&self) -> Option<(usize, Vec<u32>)> {
        let customer = &self.usage.customer;
        let plan = customer.plan?;
        let listed = &self.catalogue.catalogue.plans[plan].add_ons;
        let quantities: Vec<u32> = listed
            .iter()
            .map(|add_on| {
                customer
                    .add_ons
                    .iter()
                    .find(|(held, _)| held == add_on)
                    .map_or(0, |(_, quantity)| *quantity)
            })
            .collect();
        Some((plan, quantities))
    }

    /// Most of each add-on that the customer may have, by slot.
    fn quantities_max(&self, request: &SimulationRequest, plan: usize) -> Vec<u32> {
        let catalogue = &self.catalogue.catalogue;
        catalogue.plans[plan]
            .add_ons
            .iter()
            .map(|add_on| {
                let add_on = &catalogue.add_ons[*add_on];
                let available = request.with_add_ons
                    && reasons(catalogue, &self.usage.customer, &add_on.terms, request.on)
                        .is_empty();
                if available { add_on.quantity_max } else { 0 }
            })
            .collect()
    }

    /// Prices a candidate over each stretch of the first so many months, with its best add-ons for them.
    pub(crate) fn candidate<const STRETCHES: usize>(
        &self,
        request: &SimulationRequest,
        plan: usize,
        present: Option<&PlanResult>,
        stretches: [usize; STRETCHES],
        workspace: &mut Workspace,
    ) -> Result<[Candidate; STRETCHES], PricingError> {
        let quantities_max = self.quantities_max(request, plan);
        let months = PricedMonths {
            contexts: self.candidate_contexts(request.ranking.count_introductory),
            users: self.users(plan),
        };
        let best = best_add_ons(
            self.catalogue,
            plan,
            &quantities_max,
            &months,
            stretches,
            workspace,
        )?;
        let switching = SwitchingCost::of(
            &self.catalogue.catalogue,
            &self.usage.customer,
            &self.catalogue.catalogue.plans[plan],
            request.on,
        );
        let mut lacks = [Lacks::default(); STRETCHES];
        let mut by_month: Option<(&[u32], Vec<Lacks>)> = None;
        for (lacks, best) in lacks.iter_mut().zip(&best) {
            // What a choice lacks over a shorter stretch is what it lacks in those months.
            let (_, by_month) = match &by_month {
                Some(known) if known.0 == best.quantities => known,
                _ => by_month.insert((
                    &best.quantities,
                    self.lacks_by_month(plan, &best.quantities, &months, workspace)?,
                )),
            };
            for month in by_month.iter().take(best.months.len()) {
                lacks.price |= month.price;
                lacks.service |= month.service;
            }
        }
        let mut lacks = lacks.into_iter();
        Ok(best.map(|best| {
            let mut result = self.result(plan, best.quantities, &best.months);
            result.lacks = lacks.next().unwrap_or_default();
            let count = result.months.len();
            let saving = present.map(|present| saving(&present.months[..count], &result.months));
            let month_count = i64::try_from(count).unwrap_or(i64::MAX);
            let payback_months = saving
                .as_ref()
                .and_then(|saving| switching.payback_months(saving.total_fen, month_count));
            Candidate {
                result,
                saving,
                switching,
                payback_months,
                not_recommended: Vec::new(),
                evaluations: best.evaluations,
                search_complete: best.complete,
            }
        }))
    }

    /// What of each month's usage a choice does not cover.
    fn lacks_by_month(
        &self,
        plan: usize,
        quantities: &[u32],
        months: &PricedMonths<'_>,
        workspace: &mut Workspace,
    ) -> Result<Vec<Lacks>, PricingError> {
        let mut by_month = Vec::with_capacity(months.contexts.len());
        price_months(
            &self.catalogue.plans[plan],
            Quantities::held(quantities),
            months,
            workspace,
            |_, _, lacks: Lacks| {
                by_month.push(lacks);
                true
            },
        )?;
        Ok(by_month)
    }

    /// Tests what the months before the last recommend on the last one, with the roll-over that had come about until then.
    fn held_out(
        &self,
        request: &SimulationRequest,
        present: &PlanResult,
        earlier: Ranked,
        all: &[Candidate],
    ) -> Result<HeldOut, PricingError> {
        let last = self.usage.months.len() - 1;
        let month = self.usage.months[last].month;
        let recommended = all
            .first()
            .filter(|candidate| candidate.not_recommended.is_empty())
            .map(|candidate| candidate.result.plan);
        let chosen = earlier
            .into_iter()
            .next()
            .filter(|candidate| candidate.not_recommended.is_empty())
            .map(|candidate| (candidate.result.plan, candidate.result.quantities));
        let agrees = chosen.as_ref().map(|(plan, _)| *plan) == recommended;
        let saving_fen = match &chosen {
            None => 0,
            Some((plan, quantities)) => {
                let months = PricedMonths {
                    contexts: self.candidate_contexts(request.ranking.count_introductory),
                    users: self.users(*plan),
                };
                let mut workspace = Workspace::default();
                let totals = price_choice(
                    &self.catalogue.plans[*plan],
                    Quantities::held(quantities),
                    &months,
                    &mut workspace,
                )?;
                present.months[last].total_fen()
                    - totals[last].total_fen
                    - self.outside_fen(*plan, last)
            }
        };
        Ok(HeldOut {
            month,
            chosen,
            saving_fen,
            agrees,
        })
    }
}

/// The sums of a saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SavingSums {
    /// Fen.
    pub(crate) total_fen: i64,
    /// Months in which the candidate is cheaper.
    pub(crate) months_won: usize,
    /// Change of the operator's revenue without tax, fen.
    pub(crate) revenue_change_total_fen: i64,
}

impl SavingSums {
    /// Of a candidate beside the present plan, month by month.
    pub(crate) fn of(present: &[MonthResult], candidate: &[MonthResult]) -> Self {
        let mut sums = Self {
            total_fen: 0,
            months_won: 0,
            revenue_change_total_fen: 0,
        };
        // Members' own bills are the operator's revenue too, their tax included: it is the same on both sides unless the member moves.
        let revenue_fen = |month: &MonthResult| month.total_fen() - month.tax_fen;
        for (present, candidate) in present.iter().zip(candidate) {
            let saving_fen = present.total_fen() - candidate.total_fen();
            sums.total_fen += saving_fen;
            sums.months_won += usize::from(saving_fen > 0);
            sums.revenue_change_total_fen += revenue_fen(candidate) - revenue_fen(present);
        }
        sums
    }
}

fn saving(present: &[MonthResult], candidate: &[MonthResult]) -> Saving {
    let sums = SavingSums::of(present, candidate);
    let months_fen: Vec<i64> = present
        .iter()
        .zip(candidate)
        .map(|(present, candidate)| present.total_fen() - candidate.total_fen())
        .collect();
    let months = months_fen.len();
    Saving {
        months_won: sums.months_won,
        total_fen: sums.total_fen,
        mean_fen: mean(sums.total_fen, months),
        revenue_change_total_fen: sums.revenue_change_total_fen,
        revenue_change_mean_fen: mean(sums.revenue_change_total_fen, months),
        months_fen,
    }
}
