//! Which set of add-ons makes a plan cheapest for a customer: an exact search.
//!
//! Choices are visited in lexicographic order of their quantities: add-ons that change rates or discounts first, then those that
//! only bring allowances, each in the plan's order. The first cheapest one wins, so ties go to the fewest of the earliest.
//!
//! **Stretches.** A comparison asks twice: over all months, and over those before the last, to test the choice on the month held out.
//! Both are answered by one walk, since what a month costs does not depend on the months after it; each stretch keeps its own best,
//! its own bounds and its own count of work, so its answer is the one that a walk of its own would give.
//!
//! **Bound.** Once all add-ons that change prices are decided, any completion costs in every month at least what it would cost to hold
//! the most of every undecided add-on without paying for them: more allowance never makes a stream's rest larger (each pot
//! hands on no more usage and keeps no less for the next stream or month), prices of plans marked *monotone* never fall with the rest, and
//! no later step turns a dearer line into a cheaper bill. Branches that cannot beat the best choice so far are cut. The same months are a
//! floor under everything below them: a pricing stops at the month from which on even the floor cannot bring it under the best. Plans
//! that are not monotone are searched in full.
//!
//! **Work** is bounded by [`ADD_ON_EVALUATIONS_MAX`]; a search that reaches it says so, and has then found the best of what it saw.

use crate::compile::{CompiledCatalogue, CompiledPlan};
use crate::engine::{
    MonthContext, MonthTotal, NoSink, PricedMonth, PricingError, Quantities, Sink, Workspace,
    price_month,
};
use crate::limits::{ADD_ON_EVALUATIONS_MAX, ADD_ON_EVENTS_MAX};
use crate::metering::MeteredMonth;

/// Months to price, with whom the plan carries in each.
#[derive(Clone, Debug)]
pub struct PricedMonths<'a> {
    /// When each month is.
    pub contexts: Vec<MonthContext>,
    /// The customer and the family members carried, by month.
    pub users: Vec<Vec<&'a MeteredMonth>>,
}

impl PricedMonths<'_> {
    /// Events of the first `count` months.
    fn events(&self, count: usize) -> usize {
        self.users
            .iter()
            .take(count)
            .flatten()
            .map(|month| month.events.len())
            .sum()
    }
}

/// The best choice found for a stretch of months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BestAddOns {
    /// Quantity by slot of the plan.
    pub quantities: Vec<u32>,
    /// What each month of the stretch costs with it.
    pub months: Vec<MonthTotal>,
    /// Pricings that were made or begun for it.
    pub evaluations: usize,
    /// Whether every choice was seen or proved not to be better.
    pub complete: bool,
}

impl BestAddOns {
    /// Sum of the months, fen.
    #[must_use]
    pub fn total_fen(&self) -> i64 {
        self.months.iter().map(|month| month.total_fen).sum()
    }
}

/// Prices all months with a given choice.
///
/// # Errors
/// When an amount is too large.
pub fn price_choice(
    plan: &CompiledPlan,
    quantities: Quantities<'_>,
    months: &PricedMonths<'_>,
    workspace: &mut Workspace,
) -> Result<Vec<MonthTotal>, PricingError> {
    let mut totals = Vec::with_capacity(months.contexts.len());
    price_months(
        plan,
        quantities,
        months,
        workspace,
        |_, total, _: NoSink| {
            totals.push(total);
            true
        },
    )?;
    Ok(totals)
}

/// Prices months one after the other, each for a listener of its own, as long as `goes_on` says so of each.
///
/// # Errors
/// When an amount is too large.
pub(crate) fn price_months<S: Sink + Default>(
    plan: &CompiledPlan,
    quantities: Quantities<'_>,
    months: &PricedMonths<'_>,
    workspace: &mut Workspace,
    mut goes_on: impl FnMut(usize, MonthTotal, S) -> bool,
) -> Result<(), PricingError> {
    let variant = plan.variant(quantities.granted);
    workspace.begin(variant);
    for (number, (context, users)) in months.contexts.iter().zip(&months.users).enumerate() {
        let month = PricedMonth {
            quantities,
            context: *context,
            users,
        };
        let mut sink = S::default();
        let total = price_month(variant, &month, workspace, &mut sink)?;
        if !goes_on(number, total, sink) {
            break;
        }
    }
    Ok(())
}

/// Finds, for each stretch of the first so many months, the best choice of at most `quantities_max` of each add-on, by slot.
///
/// # Errors
/// When an amount is too large.
pub fn best_add_ons<const STRETCHES: usize>(
    catalogue: &CompiledCatalogue,
    plan: usize,
    quantities_max: &[u32],
    months: &PricedMonths<'_>,
    stretches: [usize; STRETCHES],
    workspace: &mut Workspace,
) -> Result<[BestAddOns; STRETCHES], PricingError> {
    let compiled = &catalogue.plans[plan];
    let slots = quantities_max.len();
    let none = vec![0; slots];
    let first = price_choice(compiled, Quantities::held(&none), months, workspace)?;
    let goals = stretches.map(|count| Goal::new(count.min(first.len()), &first, months, &none));
    let mut order: Vec<usize> = compiled.structural_slots.clone();
    order.extend((0..slots).filter(|slot| !compiled.structural_slots.contains(slot)));
    order.retain(|slot| quantities_max[*slot] > 0);
    if order.is_empty() {
        return Ok(goals.map(|goal| goal.best));
    }
    let structural = order
        .iter()
        .filter(|slot| compiled.structural_slots.contains(slot))
        .count();
    let longest = goals.iter().map(|goal| goal.count).max().unwrap_or(0);
    let mut search = Search {
        compiled,
        months,
        rules: Rules::of(catalogue, plan),
        structural,
        quantities_max,
        workspace,
        goals,
        totals: Vec::with_capacity(longest),
        floors: vec![0; (order.len() + 1) * (longest + 1)],
        longest,
        granted: none.clone(),
        charged: none,
        order,
    };
    search.visit(0, [true; STRETCHES], None)?;
    Ok(search.goals.map(|goal| goal.best))
}

/// What is sought for one stretch of months.
struct Goal {
    /// Its months.
    count: usize,
    best: BestAddOns,
    best_fen: i64,
    evaluations_max: usize,
    /// Whether events are walked through in it.
    has_events: bool,
}

impl Goal {
    /// Begins with no add-on at all, which costs `totals`.
    fn new(count: usize, totals: &[MonthTotal], months: &PricedMonths<'_>, none: &[u32]) -> Self {
        let events = months.events(count);
        let affordable = ADD_ON_EVENTS_MAX
            .checked_div(events)
            .unwrap_or(ADD_ON_EVALUATIONS_MAX)
            .max(2);
        Self {
            count,
            best_fen: totals.iter().take(count).map(|month| month.total_fen).sum(),
            best: BestAddOns {
                quantities: none.to_vec(),
                months: totals.iter().take(count).copied().collect(),
                evaluations: 1,
                complete: true,
            },
            evaluations_max: ADD_ON_EVALUATIONS_MAX.min(affordable),
            has_events: events > 0,
        }
    }

    /// Whether another pricing may be spent on it; if not, its search is incomplete.
    fn can_spend(&mut self) -> bool {
        let can = self.best.evaluations < self.evaluations_max;
        self.best.complete &= can;
        can
    }
}

/// Which add-ons go together, by slot of one plan.
struct Rules {
    excludes: Vec<Vec<usize>>,
    requires: Vec<Vec<Option<usize>>>,
    groups: Vec<(Vec<usize>, usize)>,
}

impl Rules {
    fn of(catalogue: &CompiledCatalogue, plan: usize) -> Self {
        let listed = &catalogue.catalogue.plans[plan].add_ons;
        let slot_of = |add_on: &usize| listed.iter().position(|other| other == add_on);
        let add_on = |index: &usize| &catalogue.catalogue.add_ons[*index];
        let mut excludes: Vec<Vec<usize>> = listed
            .iter()
            .map(|index| add_on(index).excludes.iter().filter_map(slot_of).collect())
            .collect();
        // Exclusion holds both ways, whichever of the two says it.
        for slot in 0..listed.len() {
            for other in excludes[slot].clone() {
                if !excludes[other].contains(&slot) {
                    excludes[other].push(slot);
                }
            }
        }
        Self {
            excludes,
            requires: listed
                .iter()
                .map(|index| add_on(index).requires.iter().map(slot_of).collect())
                .collect(),
            groups: catalogue
                .catalogue
                .groups
                .iter()
                .map(|group| {
                    (
                        group.members.iter().filter_map(slot_of).collect(),
                        group.members_max,
                    )
                })
                .collect(),
        }
    }

    /// Whether adding to a choice could still be allowed: exclusions only get worse.
    fn no_conflict(&self, quantities: &[u32]) -> bool {
        let held = |slot: &usize| quantities[*slot] > 0;
        let excluded = (0..quantities.len())
            .filter(held)
            .any(|slot| self.excludes[slot].iter().any(held));
        !excluded
            && self
                .groups
                .iter()
                .all(|(members, most)| members.iter().filter(|slot| held(slot)).count() <= *most)
    }

    /// Whether a complete choice has what it requires.
    fn is_satisfied(&self, quantities: &[u32]) -> bool {
        (0..quantities.len())
            .filter(|slot| quantities[*slot] > 0)
            .all(|slot| {
                self.requires[slot]
                    .iter()
                    .all(|required| required.is_some_and(|slot| quantities[slot] > 0))
            })
    }
}

/// For which goals something still matters.
type Live<const STRETCHES: usize> = [bool; STRETCHES];

struct Search<'a, 'm, const STRETCHES: usize> {
    compiled: &'a CompiledPlan,
    months: &'a PricedMonths<'m>,
    rules: Rules,
    /// Slots in the order of deciding.
    order: Vec<usize>,
    /// How many of them change prices.
    structural: usize,
    quantities_max: &'a [u32],
    workspace: &'a mut Workspace,
    goals: [Goal; STRETCHES],
    /// What the months of the last pricing cost, as far as it went.
    totals: Vec<MonthTotal>,
    /// By depth: what the months from each one on cost at least, whatever is decided below that depth; `longest + 1` each.
    floors: Vec<i64>,
    /// Months of the longest stretch.
    longest: usize,
    /// Decided quantities.
    charged: Vec<u32>,
    /// What is granted in the present pricing: the decided quantities, or with them the most of every undecided add-on.
    granted: Vec<u32>,
}

impl<const STRETCHES: usize> Search<'_, '_, STRETCHES> {
    /// Decides the slot at `depth` and everything below, for the goals that are live. `floor` is the depth above whose floor holds here.
    fn visit(
        &mut self,
        depth: usize,
        mut live: Live<STRETCHES>,
        mut floor: Option<usize>,
    ) -> Result<(), PricingError> {
        if !self.rules.no_conflict(&self.charged) {
            return Ok(());
        }
        let Some(slot) = self.order.get(depth).copied() else {
            return self.leaf(live, floor);
        };
        self.keep_affordable(&mut live);
        if depth >= self.structural {
            live = self.cut(depth, live, &mut floor)?;
        }
        if live == [false; STRETCHES] {
            return Ok(());
        }
        for quantity in 0..=self.quantities_max[slot] {
            self.charged[slot] = quantity;
            self.visit(depth + 1, live, floor)?;
        }
        self.charged[slot] = 0;
        Ok(())
    }

    /// Ends the goals that have spent what they may.
    fn keep_affordable(&mut self, live: &mut Live<STRETCHES>) {
        for (live, goal) in live.iter_mut().zip(&mut self.goals) {
            *live = *live && goal.can_spend();
        }
    }

    /// Leaves the goals that some completion of the decided quantities may serve better than their best; notes the floor of these
    /// completions where one was found.
    fn cut(
        &mut self,
        depth: usize,
        live: Live<STRETCHES>,
        floor: &mut Option<usize>,
    ) -> Result<Live<STRETCHES>, PricingError> {
        self.granted.clone_from(&self.charged);
        for slot in &self.order[depth..] {
            self.granted[*slot] = self.quantities_max[*slot];
        }
        let variant = self.compiled.variant(&self.granted);
        let bounded =
            |goal: &Goal| variant.monotone && !(variant.has_mixed_weights && goal.has_events);
        let mut bound: Live<STRETCHES> =
            std::array::from_fn(|index| live[index] && bounded(&self.goals[index]));
        if bound == [false; STRETCHES] {
            return Ok(live);
        }
        let asked = bound;
        self.price(&mut bound, *floor)?;
        // The floor holds for months that were priced; it is one for every live goal only when all of them were asked.
        if bound != [false; STRETCHES] && asked == live {
            self.note_floor(depth);
            *floor = Some(depth);
        }
        Ok(std::array::from_fn(|index| {
            live[index] && (bound[index] || !asked[index])
        }))
    }

    /// Keeps the last pricing as the floor of `depth`.
    fn note_floor(&mut self, depth: usize) {
        let width = self.longest + 1;
        let floor = &mut self.floors[depth * width..(depth + 1) * width];
        floor.fill(0);
        let mut from_here_fen = 0_i64;
        for (month, total) in self.totals.iter().enumerate().rev() {
            from_here_fen += total.total_fen;
            floor[month] = from_here_fen;
        }
    }

    /// Prices the months with what is granted and the decided quantities charged, until it is settled for every live goal that it
    /// cannot come out below its best; leaves those live for which it does.
    fn price(
        &mut self,
        live: &mut Live<STRETCHES>,
        floor: Option<usize>,
    ) -> Result<(), PricingError> {
        for (live, goal) in live.iter().zip(&mut self.goals) {
            goal.best.evaluations += usize::from(*live);
        }
        self.totals.clear();
        let width = self.longest + 1;
        let floor = floor.map(|depth| &self.floors[depth * width..(depth + 1) * width]);
        let mut spent_fen = 0_i64;
        let quantities = Quantities {
            granted: &self.granted,
            charged: &self.charged,
        };
        price_months(
            self.compiled,
            quantities,
            self.months,
            self.workspace,
            |number, total, _: NoSink| {
                self.totals.push(total);
                spent_fen += total.total_fen;
                let priced = number + 1;
                let mut is_open = false;
                for (live, goal) in live.iter_mut().zip(&self.goals) {
                    if !*live || priced > goal.count {
                        continue;
                    }
                    let is_over = priced == goal.count;
                    let rest_fen = floor.map(|floor| floor[priced] - floor[goal.count]);
                    // Without a floor nothing is known of the months to come.
                    if rest_fen.is_some() || is_over {
                        *live = spent_fen + rest_fen.unwrap_or(0) < goal.best_fen;
                    }
                    is_open |= *live && !is_over;
                }
                is_open
            },
        )
    }

    fn leaf(
        &mut self,
        mut live: Live<STRETCHES>,
        floor: Option<usize>,
    ) -> Result<(), PricingError> {
        if !self.rules.is_satisfied(&self.charged)
            || self.charged.iter().all(|quantity| *quantity == 0)
        {
            return Ok(());
        }
        self.keep_affordable(&mut live);
        if live == [false; STRETCHES] {
            return Ok(());
        }
        self.granted.clone_from(&self.charged);
        self.price(&mut live, floor)?;
        for (_, goal) in live.iter().zip(&mut self.goals).filter(|(live, _)| **live) {
            let totals = &self.totals[..goal.count];
            goal.best_fen = totals.iter().map(|month| month.total_fen).sum();
            goal.best.quantities.clone_from(&self.charged);
            goal.best.months.clear();
            goal.best.months.extend_from_slice(totals);
        }
        Ok(())
    }
}
