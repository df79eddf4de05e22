//! Who can buy what, on which day, and every reason why not (TS-5).

use chudian_vocabulary::{Date, Name};

use crate::plan::{Catalogue, Plan, Terms};
use crate::usage::Customer;

/// A reason why a customer cannot have a plan or add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ineligible {
    /// Sale begins later.
    NotYetOnSale {
        /// First day of sale.
        from: Date,
    },
    /// Sale has ended.
    NoLongerOnSale {
        /// Last day of sale.
        until: Date,
    },
    /// Not for the customer's brand, or the brand is unknown.
    Brand,
    /// Not for the customer's region, or the region is unknown.
    Region,
    /// Not for the customer's type, or the type is unknown.
    CustomerType,
    /// Not while the present contract runs.
    ContractRunning {
        /// Months that remain.
        remaining_months: u32,
    },
    /// The customer holds something that excludes it.
    Excluded {
        /// What.
        by: String,
    },
    /// The customer lacks something that it requires.
    Required {
        /// What.
        missing: String,
    },
}

impl Ineligible {
    /// Code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotYetOnSale { .. } => "not-yet-on-sale",
            Self::NoLongerOnSale { .. } => "no-longer-on-sale",
            Self::Brand => "brand",
            Self::Region => "region",
            Self::CustomerType => "customer-type",
            Self::ContractRunning { .. } => "contract-running",
            Self::Excluded { .. } => "excluded",
            Self::Required { .. } => "required",
        }
    }

    /// Text for people.
    #[must_use]
    pub fn text(&self) -> Name {
        match self {
            Self::NotYetOnSale { from } => {
                Name::new(format!("{from} 起销售"), format!("on sale from {from}"))
            }
            Self::NoLongerOnSale { until } => Name::new(
                format!("已于 {until} 停售"),
                format!("on sale until {until}"),
            ),
            Self::Brand => Name::new("不适用于客户品牌", "not for the customer's brand"),
            Self::Region => Name::new("不适用于客户地区", "not for the customer's region"),
            Self::CustomerType => Name::new("不适用于客户类型", "not for the customer's type"),
            Self::ContractRunning { remaining_months } => Name::new(
                format!("在网合约还有 {remaining_months} 个月"),
                format!("the present contract runs for {remaining_months} more months"),
            ),
            Self::Excluded { by } => Name::new(
                format!("与“{by}”互斥"),
                format!("cannot be had together with `{by}`"),
            ),
            Self::Required { missing } => Name::new(
                format!("需先订购“{missing}”"),
                format!("requires `{missing}`"),
            ),
        }
    }
}

/// Months that remain of the customer's present contract on a day; a month that has begun counts.
#[must_use]
pub fn remaining_contract_months(catalogue: &Catalogue, customer: &Customer, on: Date) -> u32 {
    let contract = customer
        .plan
        .and_then(|plan| catalogue.plans.get(plan))
        .and_then(|plan| plan.contract.as_ref());
    let (Some(contract), Some(since)) = (contract, customer.contract_since) else {
        return 0;
    };
    let months = on.month().ordinal() - since.month().ordinal() - i32::from(on.day() < since.day());
    let elapsed = u32::try_from(months).unwrap_or(0);
    contract.months.saturating_sub(elapsed)
}

/// All reasons why the customer cannot have the plan on that day; none when it can be had.
#[must_use]
pub fn plan_reasons(
    catalogue: &Catalogue,
    customer: &Customer,
    plan: &Plan,
    on: Date,
) -> Vec<Ineligible> {
    reasons(catalogue, customer, &plan.terms, on)
}

/// All reasons why the customer cannot have something under these terms on that day.
#[must_use]
pub fn reasons(
    catalogue: &Catalogue,
    customer: &Customer,
    terms: &Terms,
    on: Date,
) -> Vec<Ineligible> {
    let mut reasons = Vec::new();
    if let Some(from) = terms.sale_from.filter(|from| on < *from) {
        reasons.push(Ineligible::NotYetOnSale { from });
    }
    if let Some(until) = terms.sale_until.filter(|until| on > *until) {
        reasons.push(Ineligible::NoLongerOnSale { until });
    }
    let admits = |list: &[String], word: Option<&String>| {
        list.is_empty() || word.is_some_and(|word| list.contains(word))
    };
    if !admits(&terms.brands, customer.brand.as_ref()) {
        reasons.push(Ineligible::Brand);
    }
    if !admits(&terms.regions, customer.region.as_ref()) {
        reasons.push(Ineligible::Region);
    }
    if !admits(&terms.customer_types, customer.customer_type.as_ref()) {
        reasons.push(Ineligible::CustomerType);
    }
    let remaining_months = remaining_contract_months(catalogue, customer, on);
    if terms.not_in_contract && remaining_months > 0 {
        reasons.push(Ineligible::ContractRunning { remaining_months });
    }
    let present = customer
        .plan
        .and_then(|plan| catalogue.plans.get(plan))
        .map(|plan| plan.id.as_str());
    let held: Vec<&str> = present
        .into_iter()
        .chain(
            customer
                .add_ons
                .iter()
                .filter_map(|(index, _)| catalogue.add_ons.get(*index))
                .map(|add_on| add_on.id.as_str()),
        )
        .chain(customer.services.iter().map(String::as_str))
        .collect();
    reasons.extend(
        terms
            .excludes
            .iter()
            .filter(|id| held.contains(&id.as_str()))
            .map(|id| Ineligible::Excluded { by: id.clone() }),
    );
    reasons.extend(
        terms
            .requires
            .iter()
            .filter(|id| !held.contains(&id.as_str()))
            .map(|id| Ineligible::Required {
                missing: id.clone(),
            }),
    );
    reasons
}
