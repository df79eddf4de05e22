//! Which set of add-ons makes a plan cheapest for a customer: an exact search.
//!
//! Choices are visited in lexicographic order of their quantities: add-ons that change rates or discounts first, then those that
//! only bring allowances, each in the plan's order. The first cheapest one wins, so ties go to the fewest of the earliest.
//!
//! **Bound.** Once all add-ons that change prices are decided, any completion costs at least what it would cost to hold the
//! most of every undecided add-on without paying for them: more allowance never makes a stream's rest larger (each pot
//! hands on no more usage and keeps no less for the next stream), prices of plans marked *monotone* never fall with the rest, and no
//! later step turns a dearer line into a cheaper bill. Branches that cannot beat the best choice so far are cut. Plans that are not
//! monotone are searched in full.
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

impl<'a> PricedMonths<'a> {
    /// The first `months` of them.
    #[must_use]
    pub fn first(&self, months: usize) -> Self {
        Self {
            contexts: self.contexts[..months.min(self.contexts.len())].to_vec(),
            users: self.users[..months.min(self.users.len())].to_vec(),
        }
    }

    fn events(&self) -> usize {
        self.users
            .iter()
            .flatten()
            .map(|month| month.events.len())
            .sum()
    }
}

/// The best choice found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BestAddOns {
    /// Quantity by slot of the plan.
    pub quantities: Vec<u32>,
    /// What each month costs with it.
    pub months: Vec<MonthTotal>,
    /// Pricings of all months that were made.
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
    price_choice_for(plan, quantities, months, workspace, &mut NoSink)
}

/// The same for a listener.
///
/// # Errors
/// When an amount is too large.
pub fn price_choice_for<S: Sink>(
    plan: &CompiledPlan,
    quantities: Quantities<'_>,
    months: &PricedMonths<'_>,
    workspace: &mut Workspace,
    sink: &mut S,
) -> Result<Vec<MonthTotal>, PricingError> {
    let variant = plan.variant(quantities.granted);
    workspace.begin(variant);
    months
        .contexts
        .iter()
        .zip(&months.users)
        .map(|(context, users)| {
            let month = PricedMonth {
                quantities,
                context: *context,
                users,
            };
            price_month(variant, &month, workspace, sink)
        })
        .collect()
}

/// Finds the best choice of at most `quantities_max` of each add-on, by slot.
///
/// # Errors
/// When an amount is too large.
pub fn best_add_ons(
    catalogue: &CompiledCatalogue,
    plan: usize,
    quantities_max: &[u32],
    months: &PricedMonths<'_>,
    workspace: &mut Workspace,
) -> Result<BestAddOns, PricingError> {
    let compiled = &catalogue.plans[plan];
    let slots = quantities_max.len();
    let none = vec![0; slots];
    let first = price_choice(compiled, Quantities::held(&none), months, workspace)?;
    let rules = Rules::of(catalogue, plan);
    let mut order: Vec<usize> = compiled.structural_slots.clone();
    order.extend((0..slots).filter(|slot| !compiled.structural_slots.contains(slot)));
    order.retain(|slot| quantities_max[*slot] > 0);
    let structural = order
        .iter()
        .filter(|slot| compiled.structural_slots.contains(slot))
        .count();
    let affordable = ADD_ON_EVENTS_MAX
        .checked_div(months.events())
        .unwrap_or(ADD_ON_EVALUATIONS_MAX)
        .max(2);
    let mut search = Search {
        compiled,
        months,
        rules,
        order,
        structural,
        quantities_max,
        workspace,
        evaluations_max: ADD_ON_EVALUATIONS_MAX.min(affordable),
        best_fen: first.iter().map(|month| month.total_fen).sum(),
        best: BestAddOns {
            quantities: none.clone(),
            months: first,
            evaluations: 1,
            complete: true,
        },
        charged: none,
    };
    if !search.order.is_empty() {
        search.visit(0)?;
    }
    Ok(search.best)
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

struct Search<'a, 'm> {
    compiled: &'a CompiledPlan,
    months: &'a PricedMonths<'m>,
    rules: Rules,
    /// Slots in the order of deciding.
    order: Vec<usize>,
    /// How many of them change prices.
    structural: usize,
    quantities_max: &'a [u32],
    workspace: &'a mut Workspace,
    evaluations_max: usize,
    best: BestAddOns,
    best_fen: i64,
    /// Decided quantities.
    charged: Vec<u32>,
}

impl Search<'_, '_> {
    fn visit(&mut self, depth: usize) -> Result<(), PricingError> {
        if !self.rules.no_conflict(&self.charged) {
            return Ok(());
        }
        let Some(slot) = self.order.get(depth).copied() else {
            return self.leaf();
        };
        if self.best.evaluations >= self.evaluations_max {
            self.best.complete = false;
            return Ok(());
        }
        if depth >= self.structural {
            let granted = self.bound_choice(depth);
            let variant = self.compiled.variant(&granted);
            let is_bounded =
                variant.monotone && !(variant.has_mixed_weights && self.months.events() > 0);
            if is_bounded && self.bound(&granted)? >= self.best_fen {
                return Ok(());
            }
        }
        for quantity in 0..=self.quantities_max[slot] {
            self.charged[slot] = quantity;
            self.visit(depth + 1)?;
        }
        self.charged[slot] = 0;
        Ok(())
    }

    /// The decided quantities with the most of every undecided add-on.
    fn bound_choice(&self, depth: usize) -> Vec<u32> {
        let mut granted = self.charged.clone();
        for slot in &self.order[depth..] {
            granted[*slot] = self.quantities_max[*slot];
        }
        granted
    }

    /// No completion of the decided quantities costs less.
    fn bound(&mut self, granted: &[u32]) -> Result<i64, PricingError> {
        self.best.evaluations += 1;
        let months = price_choice(
            self.compiled,
            Quantities {
                granted,
                charged: &self.charged,
            },
            self.months,
            self.workspace,
        )?;
        Ok(months.iter().map(|month| month.total_fen).sum())
    }

    fn leaf(&mut self) -> Result<(), PricingError> {
        if !self.rules.is_satisfied(&self.charged)
            || self.charged.iter().all(|quantity| *quantity == 0)
        {
            return Ok(());
        }
        if self.best.evaluations >= self.evaluations_max {
            self.best.complete = false;
            return Ok(());
        }
        self.best.evaluations += 1;
        let months = price_choice(
            self.compiled,
            Quantities::held(&self.charged),
            self.months,
            self.workspace,
        )?;
        let total_fen = months.iter().map(|month| month.total_fen).sum();
        if total_fen < self.best_fen {
            self.best_fen = total_fen;
            self.best.quantities.clone_from(&self.charged);
            self.best.months = months;
        }
        Ok(())
    }
}
