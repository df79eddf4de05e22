//! The sample's price lists: what an invented operator of one province sells.
//!
//! Invariant: the catalogue is a constant. It depends on no seed and no clock, every category of usage has a price under
//! every plan, and a plan for people never becomes cheaper by more usage (volume prices are for data cards only), which
//! is what the proofs in [`crate::fit`] rest on.

mod add_ons;
mod easyown;
mod gotone;
mod mzone;
pub(crate) mod prices;
mod special;
pub(crate) mod words;

use crate::document::{Catalogue, Ranking, text};

/// Value of the field `schema` of a catalogue.
const CATALOGUE_SCHEMA: &str = "chudian-catalogue/1";

/// The whole catalogue.
pub(crate) fn catalogue() -> Catalogue {
    let mut plans = gotone::plans();
    plans.extend(mzone::plans());
    plans.extend(easyown::plans());
    plans.extend(special::family());
    plans.extend(special::fusion());
    plans.extend(special::of_cities());
    plans.extend(special::contracts());
    plans.extend(special::enterprises());
    plans.extend(special::devices());
    Catalogue {
        schema: CATALOGUE_SCHEMA,
        id: "sample-province",
        name: text("示例省公司资费目录", "Sample province price list"),
        brands: words::brands(),
        regions: words::regions(),
        customer_types: words::customer_types(),
        categories: words::categories(),
        bands: words::bands(),
        calendar: words::calendar(),
        plans,
        add_ons: add_ons::add_ons(),
        exclusion_groups: add_ons::exclusion_groups(),
        // A hall offers a plan that saves at least a yuan a month; of two that save the same, the steadier one comes first.
        ranking: Ranking {
            saving_min: "1",
            months_won_min: 1,
            tie_breaks: &["worst_month", "fewer_add_ons", "monthly_fee"],
        },
    }
}
