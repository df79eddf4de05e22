//! Prices many customers under many plans, totals only: the inner loop of a batch over the dataset (TS-7).

use crate::compile::CompiledCatalogue;
use crate::engine::{MonthContext, NoSink, PricingError, Quantities, Workspace, price_month};
use crate::metering::MeteredUsage;

/// Prices every plan without add-ons, in the long run, for the months of one customer, and writes the sum of each plan's
/// bills to `totals_fen`, in the catalogue's order. Family members are left out. Returns the number of plan-months priced.
///
/// # Errors
/// When an amount is too large.
pub fn price_totals(catalogue: &CompiledCatalogue, usage: &MeteredUsage, workspace: &mut Workspace, totals_fen: &mut [i64]) -> Result<u64, PricingError> {
    let Some(customer) = usage.users.first() else { return Ok(0) };
    let mut plan_months = 0;
    for (plan, total_fen) in catalogue.plans.iter().zip(totals_fen.iter_mut()) {
        *total_fen = 0;
        workspace.begin(&plan.bare);
        for month in &customer.months {
            *total_fen += price_month(&plan.bare, Quantities::held(&[]), MonthContext::LONG_RUN, &[month], workspace, &mut NoSink)?.total_fen;
            plan_months += 1;
        }
    }
    Ok(plan_months)
}
