//! Compiles a checked catalogue into flat tables that price a month without allocating, hashing or comparing text.
//!
//! What is settled here, once: which cells form a *stream* (usage that has the same rate, allowances and caps), which
//! *meter* measures it, in which order the pots of the allowances are drawn, which lines each cap, discount, bound and tax
//! concerns, and whether a rate's arithmetic provably fits 64 bits.
//!
//! **Meters.** Many plans ask the same question of a customer's usage ("local calls by started minutes"). The distinct
//! questions of the whole catalogue are its meters. A customer's month is metered once, and each plan then reads one number per stream.
//!
//! **Variants.** Add-ons that only bring allowances are quantities at run time. Add-ons that change rates or discounts are
//! compiled in: a plan has one bare variant and one for each combination of those.
//!
//! **Proof of width.** For each rate the largest amount that [`METER_MAX`](crate::limits::METER_MAX) units per user and a full
//! family can cost is computed in 128 bits. If it fits 64 bits, so does every intermediate value, because intermediates only grow
//! with the quantity; otherwise the rate is computed in 128 bits.

mod lines;
mod meters;
mod rates;
mod streams;
mod tables;

pub use meters::{Meter, MeterTable, Profile};
pub use tables::{
    AmountCapRow, BucketRow, DrawRow, LineRow, NONE, NONE_WIDE, Priced, QuantityCapRow, RateFacts,
    RateRow, ReductionRow, StreamRow, StreamTable, TaxRow, TierRow, Variant,
};

use crate::limits::STRUCTURAL_ADD_ONS_MAX;
use crate::plan::{AddOn, Catalogue, Plan};

/// A catalogue ready to price.
#[derive(Clone, Debug)]
pub struct CompiledCatalogue {
    /// What was compiled.
    pub catalogue: Catalogue,
    /// What the plans ask of usage.
    pub meters: MeterTable,
    /// Plans, in the catalogue's order.
    pub plans: Vec<CompiledPlan>,
}

/// A plan ready to price.
#[derive(Clone, Debug)]
pub struct CompiledPlan {
    /// Slots (positions in the plan's list of add-ons) of add-ons that are compiled in.
    pub structural_slots: Vec<usize>,
    /// The plan without any add-on.
    pub bare: Variant,
    /// With add-ons: by bit mask over `structural_slots`; empty when the plan lists none.
    pub with_add_ons: Vec<Variant>,
}

impl CompiledPlan {
    /// The variant that prices a choice of add-ons, given as a quantity for each slot.
    #[must_use]
    pub fn variant(&self, quantities: &[u32]) -> &Variant {
        if quantities.iter().all(|quantity| *quantity == 0) {
            return &self.bare;
        }
        let mask = self
            .structural_slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| quantities.get(**slot).is_some_and(|quantity| *quantity > 0))
            .fold(0, |mask, (bit, _)| mask | 1 << bit);
        self.with_add_ons.get(mask).unwrap_or(&self.bare)
    }
}

impl Catalogue {
    /// Compiles all plans. Cannot fail: what could go wrong was refused by the validator.
    #[must_use]
    pub fn compile(self) -> CompiledCatalogue {
        let mut meters = MeterTable::new(&self);
        // Bare plans first: a batch without add-ons asks no other meters, and so finds its own side by side.
        let bare: Vec<Variant> = self
            .plans
            .iter()
            .map(|plan| variant(&self, plan, &[], &mut meters))
            .collect();
        meters.bare = meters.meters.len();
        let plans = self
            .plans
            .iter()
            .zip(bare)
            .map(|(plan, bare)| compile_plan(&self, plan, bare, &mut meters))
            .collect();
        meters.finish();
        CompiledCatalogue {
            catalogue: self,
            meters,
            plans,
        }
    }
}

fn compile_plan(
    catalogue: &Catalogue,
    plan: &Plan,
    bare: Variant,
    meters: &mut MeterTable,
) -> CompiledPlan {
    let add_ons: Vec<&AddOn> = plan
        .add_ons
        .iter()
        .filter_map(|index| catalogue.add_ons.get(*index))
        .collect();
    let structural_slots: Vec<usize> = (0..add_ons.len())
        .filter(|slot| add_ons[*slot].is_structural())
        .take(STRUCTURAL_ADD_ONS_MAX)
        .collect();
    let mut with_add_ons = Vec::new();
    if !add_ons.is_empty() {
        for mask in 0..1_usize << structural_slots.len() {
            let active: Vec<(usize, &AddOn)> = add_ons
                .iter()
                .enumerate()
                .filter(|(slot, _)| {
                    match structural_slots
                        .iter()
                        .position(|structural| structural == slot)
                    {
                        Some(bit) => mask >> bit & 1 == 1,
                        None => true,
                    }
                })
                .map(|(slot, add_on)| (slot, *add_on))
                .collect();
            with_add_ons.push(variant(catalogue, plan, &active, meters));
        }
    }
    CompiledPlan {
        structural_slots,
        bare,
        with_add_ons,
    }
}

/// Compiles a plan together with the add-ons that are present in it, each with its slot.
fn variant(
    catalogue: &Catalogue,
    plan: &Plan,
    add_ons: &[(usize, &AddOn)],
    meters: &mut MeterTable,
) -> Variant {
    let mut variant = Variant::default();
    let rates = streams::effective_rates(catalogue, plan, add_ons);
    rates::compile(plan, &rates, &mut variant);
    streams::compile(catalogue, plan, add_ons, &rates, meters, &mut variant);
    lines::compile(plan, add_ons, &rates, &mut variant);
    variant
}
