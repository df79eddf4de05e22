//! The parts of the form `chudian-catalogue/1` that the sample uses, to be written and never read.
//!
//! The form belongs to the tariff simulation; this crate knows it as any client does, from its documentation, and a test
//! holds what is written here against the simulation's own reader. What each field means stands there.

use serde::Serialize;

/// Lets serde leave out what has its default value.
fn is_default<Value: Default + PartialEq>(value: &Value) -> bool {
    *value == Value::default()
}

/// A text in both languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Text {
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
}

/// Makes a [`Text`], Chinese first.
pub(crate) const fn text(zh: &'static str, en: &'static str) -> Text {
    Text { zh, en }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Word {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Voice,
    Data,
    Sms,
    Mms,
    Wlan,
}

#[derive(Debug, Serialize)]
pub(crate) struct Catalogue {
    pub(crate) schema: &'static str,
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) brands: Vec<Word>,
    pub(crate) regions: Vec<Word>,
    pub(crate) customer_types: Vec<Word>,
    pub(crate) categories: Categories,
    pub(crate) bands: Vec<Band>,
    pub(crate) calendar: Calendar,
    pub(crate) plans: Vec<Plan>,
    pub(crate) add_ons: Vec<AddOn>,
    pub(crate) exclusion_groups: Vec<ExclusionGroup>,
    pub(crate) ranking: Ranking,
}

#[derive(Debug, Serialize)]
pub(crate) struct Categories {
    pub(crate) voice: Vec<Word>,
    pub(crate) data: Vec<Word>,
    pub(crate) sms: Vec<Word>,
    pub(crate) mms: Vec<Word>,
    pub(crate) wlan: Vec<Word>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Band {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) times: Vec<BandTimes>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BandTimes {
    pub(crate) from: &'static str,
    pub(crate) until: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Calendar {
    pub(crate) holidays: &'static [&'static str],
    pub(crate) extra_workdays: &'static [&'static str],
}

/// Which usage a rate prices or an allowance covers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Selector {
    pub(crate) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) categories: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bands: Option<&'static [&'static str]>,
    /// For allowances only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) factor: Option<&'static str>,
}

impl Selector {
    /// Some categories of a kind, at every time.
    pub(crate) const fn of(kind: Kind, categories: &'static [&'static str]) -> Self {
        Self {
            kind,
            categories: Some(categories),
            bands: None,
            factor: None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Plan {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) brand: &'static str,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) sale: Sale,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) eligible: Eligibility,
    pub(crate) monthly_fee: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_month: Option<&'static str>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) prorate_allowances: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) phases: Vec<Phase>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) one_off_fees: Vec<OneOffFee>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) rates: Vec<Rate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) caps: Vec<Cap>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) discounts: Vec<Discount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minimum: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) maximum: Option<Bound>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) taxes: Vec<Tax>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) add_ons: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<Family>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contract: Option<Contract>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Sale {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Eligibility {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) brands: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) regions: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_types: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) not_in_contract: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) excludes: &'static [&'static str],
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) requires: &'static [&'static str],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Phase {
    pub(crate) months: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fee: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fee_percent: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct OneOffFee {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) amount: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Allowance {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) unit: &'static str,
    pub(crate) amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u32>,
    pub(crate) covers: Vec<Selector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rollover: Option<Rollover>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) shared_in_family: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_months: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Rollover {
    pub(crate) months: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount_max: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Rate {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) covers: Vec<Selector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) increment: Option<Increment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) convert: Option<Convert>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) free_units: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<&'static str>,
    pub(crate) per: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) block: Option<&'static str>,
    pub(crate) tiers: Vec<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cap: Option<RateCap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Increment {
    pub(crate) first: u64,
    pub(crate) next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Convert {
    pub(crate) unit: u64,
    pub(crate) rounding: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Tier {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) up_to: Option<u64>,
    pub(crate) price: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flat: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RateCap {
    pub(crate) amount: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<u64>,
    pub(crate) then: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Cap {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) covers: Option<Vec<Selector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<u64>,
    pub(crate) then: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Discount {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<&'static str>,
    pub(crate) lines: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_months: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Bound {
    pub(crate) amount: &'static str,
    pub(crate) lines: &'static [&'static str],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Tax {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) percent: &'static str,
    pub(crate) included: bool,
    pub(crate) lines: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Family {
    pub(crate) members_max: u64,
    pub(crate) member_fee: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Contract {
    pub(crate) months: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) early_exit_per_month: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) early_exit_percent_of_fees: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) early_exit_max: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) gifts: Vec<Gift>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Gift {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) value: &'static str,
    pub(crate) claw_back: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct AddOn {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) eligible: Eligibility,
    pub(crate) monthly_fee: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity_max: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) excludes: &'static [&'static str],
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) requires: &'static [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowances: Vec<Allowance>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rates: Vec<Rate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) discounts: Vec<Discount>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ExclusionGroup {
    pub(crate) id: &'static str,
    pub(crate) name: Text,
    pub(crate) members: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Ranking {
    pub(crate) saving_min: &'static str,
    pub(crate) months_won_min: u64,
    pub(crate) tie_breaks: &'static [&'static str],
}
