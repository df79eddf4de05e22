//! Add-ons that are held with a plan, by their slots in it.

use super::super::errors::{At, FieldError, Findings};
use super::super::usage::HeldAddOnJson;
use crate::plan::Catalogue;

/// Slots of a plan's add-ons from identifiers, for a bill that names its choice.
///
/// # Errors
/// Every add-on that the plan does not list, or of which more are wanted than can be held.
pub fn quantities_from(
    catalogue: &Catalogue,
    plan: usize,
    wanted: &[HeldAddOnJson],
) -> Result<Vec<u32>, Vec<FieldError>> {
    let mut findings = Findings::default();
    let root = At::Root;
    let at = root.field("add_ons");
    let plan = &catalogue.plans[plan];
    let mut quantities = vec![0; plan.add_ons.len()];
    findings.unique(&at, "id", wanted.iter().map(|held| held.id.as_str()));
    for (index, held) in wanted.iter().enumerate() {
        let at = at.item(index);
        let add_on = catalogue.add_on_index(&held.id);
        match plan
            .add_ons
            .iter()
            .position(|listed| Some(*listed) == add_on)
        {
            Some(slot) => {
                let most = u64::from(catalogue.add_ons[plan.add_ons[slot]].quantity_max);
                quantities[slot] =
                    u32::try_from(findings.quantity(&at.field("quantity"), held.quantity, 1, most))
                        .unwrap_or(1);
            }
            None => {
                let id = &held.id;
                findings.error(
                    &at.field("id"),
                    "not-with-plan",
                    format!("该套餐不能叠加“{id}”"),
                    format!("`{id}` cannot be taken with this plan"),
                );
            }
        }
    }
    if findings.errors.is_empty() {
        Ok(quantities)
    } else {
        Err(findings.errors)
    }
}
