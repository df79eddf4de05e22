//! The rule: few conditions, joined by "and", that a person can read, change and use as a selection.
//!
//! Condition after condition is added, each time the one that raises *weighted relative accuracy* most: the share of customers covered
//! times how much more of them use the business than of all. It prefers conditions that hold for many. What was found on the customers
//! learned from is then counted anew on the held-out ones; only a rule whose lift is above 1 there, with its whole interval, is proposed.

use super::bins::Bins;
use super::calibration::Weights;
use super::characteristic::Learned;
use super::limits::{RULE_CONDITIONS_MAX, RULE_COVERAGE_PERMILLE_MIN};
use super::statistics::{ratio_interval, real};
use super::{Counts, Sample};

/// What a rule demands of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A number of at least this; for scores in their order ([`super::bins::score_of_order`]).
    AtLeast(i64),
    /// A number below this.
    Below(i64),
    /// One of these words.
    AnyOf(Vec<String>),
    /// Yes or no.
    Is(bool),
}

/// A condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Name of the column.
    pub column: String,
    /// What it demands.
    pub demand: Demand,
}

/// A rule with what it is worth on the held-out customers.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedRule {
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Held-out customers for whom they hold.
    pub held_out: Counts,
    /// Share of the users for whom the rule holds.
    pub coverage: f64,
    /// Share of the dataset's customers for whom it holds.
    pub share: f64,
    /// Share of users where the rule holds, over the share of users in the dataset.
    pub lift: f64,
    /// Ratio of the rule's hold among users and among others, 95 %: above 1 altogether, or the rule would not be proposed.
    pub odds_interval: (f64, f64),
}

/// A condition as the classes of one column for which it holds.
struct Choice<'a> {
    learned: &'a Learned,
    demand: Demand,
    holds: Vec<bool>,
}

/// Finds a rule and tries it; `None` when none stands up.
pub fn propose(sample: &Sample, learned: &[Learned]) -> Option<ProposedRule> {
    let options: Vec<Choice<'_>> = learned
        .iter()
        .filter(|learned| learned.characteristic.is_supported)
        .flat_map(options_of)
        .collect();
    let weights = LearnedWeights::new(sample);
    let all = sample.counts(false);
    let mut inside: Vec<bool> = sample
        .is_held_out
        .iter()
        .map(|held_out| !held_out)
        .collect();
    let (mut worth, mut chosen): (f64, Vec<&Choice<'_>>) = (0.0, Vec::new());
    while chosen.len() < RULE_CONDITIONS_MAX {
        let mut best: Option<(f64, &Choice<'_>)> = None;
        let mut counted: Option<(&str, Vec<Counts>)> = None;
        for option in &options {
            let column = option.learned.characteristic.column.as_str();
            if counted.as_ref().is_none_or(|(name, _)| *name != column) {
                counted = Some((column, counts_by_class(sample, option.learned, &inside)));
            }
            let Some((_, classes)) = &counted else {
                continue;
            };
            let covered = sum(classes
                .iter()
                .zip(&option.holds)
                .filter(|(_, holds)| **holds)
                .map(|(counts, _)| *counts));
            if covered.users * 1000 < all.users * RULE_COVERAGE_PERMILLE_MIN {
                continue;
            }
            let value = weights.accuracy(covered);
            // The first of equals stays: options come in the order of the ranking.
            if value > worth && best.as_ref().is_none_or(|(most, _)| value > *most) {
                best = Some((value, option));
            }
        }
        let Some((value, option)) = best else { break };
        for (keep, code) in inside.iter_mut().zip(&option.learned.codes) {
            *keep &= option
                .holds
                .get(usize::from(*code))
                .copied()
                .unwrap_or(false);
        }
        worth = value;
        chosen.push(option);
    }
    if chosen.is_empty() {
        None
    } else {
        try_out(sample, &chosen)
    }
}

/// Counts a rule on the held-out customers.
fn try_out(sample: &Sample, chosen: &[&Choice<'_>]) -> Option<ProposedRule> {
    let mut held_out = Counts::default();
    for (row, (is_user, _)) in sample
        .is_user
        .iter()
        .zip(&sample.is_held_out)
        .enumerate()
        .filter(|(_, (_, part))| **part)
    {
        let holds = chosen.iter().all(|option| {
            let code = option
                .learned
                .codes
                .get(row)
                .copied()
                .map_or(0, usize::from);
            option.holds.get(code).copied().unwrap_or(false)
        });
        if holds {
            held_out.add(*is_user);
        }
    }
    let all = sample.counts(true);
    let odds_interval = ratio_interval((held_out.users, all.users), (held_out.others, all.others));
    if odds_interval.0 <= 1.0 {
        return None;
    }
    let weights = Weights::new(sample);
    let ((users, customers), (all_users, all_customers)) =
        (weights.expand(held_out), weights.expand(all));
    Some(ProposedRule {
        conditions: chosen
            .iter()
            .map(|option| Condition {
                column: option.learned.characteristic.column.clone(),
                demand: option.demand.clone(),
            })
            .collect(),
        held_out,
        coverage: users / all_users,
        share: customers / all_customers,
        lift: (users / customers) / (all_users / all_customers),
        odds_interval,
    })
}

/// Every condition that a column offers.
fn options_of(learned: &Learned) -> Vec<Choice<'_>> {
    let characteristic = &learned.characteristic;
    let classes = characteristic.bins.count();
    let option = |demand, holds: Vec<bool>| Choice {
        learned,
        demand,
        holds,
    };
    match &characteristic.bins {
        Bins::Numbers { edges } => edges
            .iter()
            .enumerate()
            .flat_map(|(place, edge)| {
                let has_value = move |class: usize| class + 1 < classes;
                let above = (0..classes)
                    .map(|class| class > place && has_value(class))
                    .collect();
                let below = (0..classes)
                    .map(|class| class <= place && has_value(class))
                    .collect();
                [
                    option(Demand::AtLeast(*edge), above),
                    option(Demand::Below(*edge), below),
                ]
            })
            .collect(),
        Bins::Words { words } => {
            let speaks_for = |class: usize| {
                characteristic
                    .classes
                    .get(class)
                    .is_some_and(|class| class.weight > 0.0)
            };
            let mut options: Vec<_> = words
                .iter()
                .enumerate()
                .map(|(place, word)| {
                    option(
                        Demand::AnyOf(vec![word.clone()]),
                        (0..classes).map(|class| class == place).collect(),
                    )
                })
                .collect();
            let together: Vec<String> = words
                .iter()
                .enumerate()
                .filter(|(class, _)| speaks_for(*class))
                .map(|(_, word)| word.clone())
                .collect();
            if together.len() > 1 && together.len() < words.len() {
                let holds = (0..classes)
                    .map(|class| class < words.len() && speaks_for(class))
                    .collect();
                options.push(option(Demand::AnyOf(together), holds));
            }
            options
        }
        Bins::Flags => {
            vec![
                option(Demand::Is(true), vec![false, true, false]),
                option(Demand::Is(false), vec![true, false, false]),
            ]
        }
    }
}

fn counts_by_class(sample: &Sample, learned: &Learned, inside: &[bool]) -> Vec<Counts> {
    let mut classes = vec![Counts::default(); learned.characteristic.bins.count()];
    for ((code, is_user), _) in learned
        .codes
        .iter()
        .zip(&sample.is_user)
        .zip(inside)
        .filter(|(_, inside)| **inside)
    {
        if let Some(class) = classes.get_mut(usize::from(*code)) {
            class.add(*is_user);
        }
    }
    classes
}

fn sum(counts: impl Iterator<Item = Counts>) -> Counts {
    counts.fold(Counts::default(), |sum, counts| Counts {
        users: sum.users + counts.users,
        others: sum.others + counts.others,
    })
}

/// How many customers of the dataset one of those learned from stands for.
struct LearnedWeights {
    user: f64,
    other: f64,
    users: f64,
    customers: f64,
}

impl LearnedWeights {
    fn new(sample: &Sample) -> Self {
        let learned = sample.counts(false);
        let (users, others) = (
            real(sample.population.users),
            real(sample.population.others),
        );
        Self {
            user: users / real(learned.users).max(1.0),
            other: others / real(learned.others).max(1.0),
            users,
            customers: (users + others).max(1.0),
        }
    }

    /// Weighted relative accuracy (Lavrač, Flach, Zupan 1999).
    fn accuracy(&self, covered: Counts) -> f64 {
        let users = real(covered.users) * self.user;
        let customers = users + real(covered.others) * self.other;
        (users - customers * self.users / self.customers) / self.customers
    }
}
