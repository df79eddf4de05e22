//! What it costs to leave the present plan and to join another.

use chudian_vocabulary::Date;

use crate::eligibility::remaining_contract_months;
use crate::number::{PERCENT_WHOLE, Rounding, round_ratio};
use crate::plan::{Catalogue, ClawBack, Plan};
use crate::usage::Customer;

/// The cost of switching, fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwitchingCost {
    /// Months that remain of the present contract.
    pub remaining_months: u32,
    /// Fee for leaving early.
    pub early_exit_fen: i64,
    /// Worth of gifts that is taken back.
    pub claw_back_fen: i64,
    /// Fees for joining the other plan.
    pub joining_fen: i64,
}

impl SwitchingCost {
    /// All of it.
    #[must_use]
    pub fn total_fen(&self) -> i64 {
        self.early_exit_fen + self.claw_back_fen + self.joining_fen
    }

    /// Cost of leaving the customer's present plan on a day for `target`.
    #[must_use]
    pub fn of(catalogue: &Catalogue, customer: &Customer, target: &Plan, on: Date) -> Self {
        let joining_fen = target.one_off_fees.iter().map(|fee| fee.amount_fen).sum();
        let remaining_months = remaining_contract_months(catalogue, customer, on);
        let present = customer.plan.and_then(|plan| catalogue.plans.get(plan));
        let Some((present, contract)) =
            present.and_then(|plan| plan.contract.as_ref().map(|contract| (plan, contract)))
        else {
            return Self {
                joining_fen,
                ..Self::default()
            };
        };
        if remaining_months == 0 {
            return Self {
                joining_fen,
                ..Self::default()
            };
        }
        let months = i128::from(remaining_months);
        let rounded = |numerator: i128, denominator: i64| {
            i64::try_from(round_ratio(
                numerator,
                i128::from(denominator),
                Rounding::DEFAULT,
            ))
            .unwrap_or(i64::MAX)
        };
        let share_of_fees = rounded(
            i128::from(present.monthly_fee_fen)
                * months
                * i128::from(contract.early_exit_percent_milli),
            PERCENT_WHOLE,
        );
        let uncapped_fen =
            contract.early_exit_per_month_fen * i64::from(remaining_months) + share_of_fees;
        let claw_back_fen = contract
            .gifts
            .iter()
            .map(|gift| match gift.claw_back {
                ClawBack::ByRemainingMonths => rounded(
                    i128::from(gift.value_fen) * months,
                    i64::from(contract.months),
                ),
                ClawBack::Full => gift.value_fen,
                ClawBack::Nothing => 0,
            })
            .sum();
        Self {
            remaining_months,
            early_exit_fen: contract
                .early_exit_max_fen
                .map_or(uncapped_fen, |most| uncapped_fen.min(most)),
            claw_back_fen,
            joining_fen,
        }
    }

    /// Months until a saving has paid for the switch: 0 when it costs nothing, nothing when it never will.
    #[must_use]
    pub fn payback_months(&self, saving_total_fen: i64, months: i64) -> Option<i64> {
        let cost = i128::from(self.total_fen());
        if cost <= 0 {
            return Some(0);
        }
        if saving_total_fen <= 0 {
            return None;
        }
        let saving = i128::from(saving_total_fen);
        i64::try_from((cost * i128::from(months) + saving - 1) / saving).ok()
    }
}
