//! Prices one customer under many plans, totals only: the inner loop of a batch.

use crate::compile::{CompiledCatalogue, CompiledPlan};
use crate::engine::{
    MonthContext, NoSink, PricedMonth, PricingError, Quantities, Workspace, price_month,
};
use crate::metering::{MeteredMonth, MeteredUsage};

/// Factor of the 64-bit FNV hash: odd and spread out, so that equal rounds do not cancel each other.
const CHECKSUM_FACTOR: u64 = 0x0100_0000_01b3;

/// Prices every plan without add-ons, in the long run, for the months of one customer, and writes the sum of each plan's
/// bills to `totals_fen`, in the catalogue's order. Family members are left out. Returns the number of plan-months priced.
///
/// # Errors
/// When an amount is too large.
pub fn price_totals(
    catalogue: &CompiledCatalogue,
    usage: &MeteredUsage,
    workspace: &mut Workspace,
    totals_fen: &mut [i64],
) -> Result<u64, PricingError> {
    let Some(customer) = usage.users.first() else {
        return Ok(0);
    };
    let mut plan_months = 0;
    for (plan, total_fen) in catalogue.plans.iter().zip(totals_fen.iter_mut()) {
        *total_fen = price_plan(plan, &customer.months, workspace)?;
        plan_months += customer.months.len() as u64;
    }
    Ok(plan_months)
}

/// Sum of the bills of a plan without add-ons, in the long run.
#[inline]
pub(super) fn price_plan(
    plan: &CompiledPlan,
    months: &[MeteredMonth],
    workspace: &mut Workspace,
) -> Result<i64, PricingError> {
    let mut total_fen = 0;
    workspace.begin(&plan.bare);
    for month in months {
        let month = PricedMonth {
            quantities: Quantities::held(&[]),
            context: MonthContext::LONG_RUN,
            users: &[month],
        };
        total_fen += price_month(&plan.bare, &month, workspace, &mut NoSink)?.total_fen;
    }
    Ok(total_fen)
}

/// The same totals computed `rounds` times over, as a batch over equal customers would: the engine's speed without anything
/// around it. Returns a checksum over every total of every round, and the number of plan-months priced.
///
/// # Errors
/// When an amount is too large.
pub fn price_repeatedly(
    catalogue: &CompiledCatalogue,
    usage: &MeteredUsage,
    workspace: &mut Workspace,
    rounds: u32,
) -> Result<(u64, u64), PricingError> {
    let mut totals_fen = vec![0; catalogue.plans.len()];
    let (mut checksum, mut plan_months) = (0_u64, 0);
    for _ in 0..rounds {
        // Hides from the optimiser that the rounds are equal.
        plan_months += price_totals(
            catalogue,
            std::hint::black_box(usage),
            workspace,
            &mut totals_fen,
        )?;
        checksum = totals_fen.iter().fold(checksum, |sum, total_fen| {
            (sum ^ total_fen.cast_unsigned()).wrapping_mul(CHECKSUM_FACTOR)
        });
    }
    Ok((checksum, plan_months))
}
