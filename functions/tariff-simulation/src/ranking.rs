//! The province's rule: what is recommended, and in which order (TS-4).

use std::cmp::Ordering;

use chudian_vocabulary::Name;

use crate::comparison::{Candidate, Lacks, PlanResult};
use crate::compile::CompiledCatalogue;
use crate::number::PERCENT_WHOLE;
use crate::plan::{RankingRule, TieBreak};

/// Candidates in order.
pub type Ranked = Vec<Candidate>;

/// Why a plan that can be had is not recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRecommended {
    /// It saves nothing.
    NotCheaper,
    /// It saves less than the rule asks for.
    SavingBelowMinimum,
    /// It costs the operator more than the rule allows.
    RevenueBelowFloor,
    /// It is cheaper in too few months.
    TooFewMonthsWon,
    /// Some of the customer's usage has no price in it.
    UsageWithoutPrice,
    /// Some of the customer's usage would not be served.
    UsageNotServed,
}

impl NotRecommended {
    /// Code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotCheaper => "not-cheaper",
            Self::SavingBelowMinimum => "saving-below-minimum",
            Self::RevenueBelowFloor => "revenue-below-floor",
            Self::TooFewMonthsWon => "too-few-months-won",
            Self::UsageWithoutPrice => "usage-without-price",
            Self::UsageNotServed => "usage-not-served",
        }
    }

    /// Text for people.
    #[must_use]
    pub fn text(self) -> Name {
        match self {
            Self::NotCheaper => Name::new("不比现有套餐便宜", "not cheaper than the present plan"),
            Self::SavingBelowMinimum => {
                Name::new("优惠额度低于下限", "saves less than the minimum")
            }
            Self::RevenueBelowFloor => {
                Name::new("收入下降超出限度", "revenue falls below the floor")
            }
            Self::TooFewMonthsWon => Name::new("更便宜的月份太少", "cheaper in too few months"),
            Self::UsageWithoutPrice => Name::new(
                "部分用量在该套餐中没有价格",
                "some usage has no price in this plan",
            ),
            Self::UsageNotServed => Name::new(
                "部分用量将因封顶停用而无法使用",
                "some usage would not be served because of a cap",
            ),
        }
    }
}

/// Applies the rule and sorts: recommended plans first, then by saving (or, without a present plan, by cost), then by the tie
/// breaks in their order, and last by identifier, so that the order is total.
#[must_use]
pub fn rank(
    catalogue: &CompiledCatalogue,
    rule: &RankingRule,
    present: Option<&PlanResult>,
    mut candidates: Vec<Candidate>,
) -> Ranked {
    for candidate in &mut candidates {
        let beside = match (present, &candidate.saving) {
            (Some(present), Some(saving)) => Some(Beside {
                score: score(rule, candidate),
                months: months_of(candidate),
                present_total_fen: present.months[..saving.months_fen.len()]
                    .iter()
                    .map(|month| i128::from(month.total_fen()))
                    .sum(),
                revenue_change_total_fen: saving.revenue_change_total_fen,
                months_won: saving.months_won,
            }),
            _ => None,
        };
        candidate.not_recommended = objections(rule, candidate.result.lacks, beside);
    }
    candidates.sort_by(|left, right| order(catalogue, rule, left, right));
    candidates
}

fn months_of(candidate: &Candidate) -> i128 {
    candidate.result.months.len() as i128
}

/// Saving over all months, times the months over which the switch is spread, less the share of its cost: comparable between
/// candidates without any rounding.
fn score(rule: &RankingRule, candidate: &Candidate) -> i128 {
    match &candidate.saving {
        None => -i128::from(candidate.result.total_fen),
        Some(saving) => score_of_saving(rule, saving.total_fen, months_of(candidate), || {
            candidate.switching.total_fen()
        }),
    }
}

/// The same from a saving over `months` months; what switching costs is asked only where the rule counts it.
pub(crate) fn score_of_saving(
    rule: &RankingRule,
    saving_fen: i64,
    months: i128,
    switching_fen: impl FnOnce() -> i64,
) -> i128 {
    let saving_fen = i128::from(saving_fen);
    match rule.switching_cost_months {
        0 => saving_fen,
        spread_over => saving_fen * i128::from(spread_over) - i128::from(switching_fen()) * months,
    }
}

/// What the rule looks at where a candidate stands beside a present plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    /// By which candidates are ordered, see [`score_of_saving`].
    pub(crate) score: i128,
    /// Months that were compared.
    pub(crate) months: i128,
    /// What they cost in the present plan, fen.
    pub(crate) present_total_fen: i128,
    /// Change of the operator's revenue without tax, sum, fen.
    pub(crate) revenue_change_total_fen: i64,
    /// Months in which the candidate is cheaper.
    pub(crate) months_won: usize,
}

/// Everything that the rule has against a candidate; `beside` is nothing for a customer without a present plan.
pub(crate) fn objections(
    rule: &RankingRule,
    lacks: Lacks,
    beside: Option<Beside>,
) -> Vec<NotRecommended> {
    let mut objections = Vec::new();
    if lacks.price {
        objections.push(NotRecommended::UsageWithoutPrice);
    }
    if lacks.service {
        objections.push(NotRecommended::UsageNotServed);
    }
    let Some(beside) = beside else {
        return objections;
    };
    objections.extend(objection_to_saving(rule, &beside));
    if rule.revenue_change_min_fen.is_some_and(|least| {
        i128::from(beside.revenue_change_total_fen) < i128::from(least) * beside.months
    }) {
        objections.push(NotRecommended::RevenueBelowFloor);
    }
    if beside.months_won < rule.months_won_min {
        objections.push(NotRecommended::TooFewMonthsWon);
    }
    objections
}

/// What the rule has against the saving itself.
fn objection_to_saving(rule: &RankingRule, beside: &Beside) -> Option<NotRecommended> {
    if beside.score >= score_min(rule, beside.months, beside.present_total_fen) {
        return None;
    }
    Some(if rule.saving_min_fen.is_none() && beside.score <= 0 {
        NotRecommended::NotCheaper
    } else {
        NotRecommended::SavingBelowMinimum
    })
}

/// The least score whose saving the rule admits beside a present plan of which the months cost `present_total_fen`.
pub(crate) fn score_min(rule: &RankingRule, months: i128, present_total_fen: i128) -> i128 {
    // In the units of the score.
    let spread = i128::from(rule.switching_cost_months.max(1));
    let by_amount = rule
        .saving_min_fen
        .map_or(1, |least| i128::from(least) * months * spread);
    // Without a least percentage a province may admit plans that are a little dearer, by a negative `saving_min`.
    if rule.saving_percent_min_milli == 0 {
        return by_amount;
    }
    let share = present_total_fen * spread * i128::from(rule.saving_percent_min_milli);
    // The quotient rounded up, by way of its negative: a whole score reaches the share from there on.
    let rounded_down = (-share).div_euclid(i128::from(PERCENT_WHOLE));
    by_amount.max(-rounded_down)
}

fn order(
    catalogue: &CompiledCatalogue,
    rule: &RankingRule,
    left: &Candidate,
    right: &Candidate,
) -> Ordering {
    let plan = |candidate: &Candidate| &catalogue.catalogue.plans[candidate.result.plan];
    let won = |candidate: &Candidate| {
        candidate
            .saving
            .as_ref()
            .map_or(0, |saving| saving.months_won)
    };
    let revenue = |candidate: &Candidate| {
        candidate
            .saving
            .as_ref()
            .map_or(0, |saving| saving.revenue_change_total_fen)
    };
    let add_ons = |candidate: &Candidate| candidate.result.quantities.iter().sum::<u32>();
    let by_tie_breaks = || {
        rule.tie_breaks.iter().fold(Ordering::Equal, |so_far, tie| {
            so_far.then_with(|| match tie {
                TieBreak::WorstMonth => left
                    .result
                    .worst_month_fen
                    .cmp(&right.result.worst_month_fen),
                TieBreak::MonthsWon => won(right).cmp(&won(left)),
                TieBreak::MonthlyFee => {
                    plan(left).monthly_fee_fen.cmp(&plan(right).monthly_fee_fen)
                }
                TieBreak::Revenue => revenue(right).cmp(&revenue(left)),
                TieBreak::FewerAddOns => add_ons(left).cmp(&add_ons(right)),
                TieBreak::SwitchingCost => {
                    left.switching.total_fen().cmp(&right.switching.total_fen())
                }
            })
        })
    };
    left.not_recommended
        .is_empty()
        .cmp(&right.not_recommended.is_empty())
        .reverse()
        .then_with(|| score(rule, right).cmp(&score(rule, left)))
        .then_with(by_tie_breaks)
        .then_with(|| plan(left).id.cmp(&plan(right).id))
}
