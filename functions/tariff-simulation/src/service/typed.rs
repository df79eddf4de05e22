//! The typed face without its host: what `chudian:tariff/simulator` offers, in terms of bytes and numbers.
//!
//! No storage, no clock and no reader: questions bring the customer and the day with them, and the language of the texts, which is
//! English unless they say otherwise.

use chudian_runtime::http::body::parse_json;
use chudian_runtime::problem::{FieldError, Problem};
use chudian_vocabulary::{Language, Name};
use serde::de::DeserializeOwned;

use super::ServiceError;
use super::answers::{BillAnswer, SimulationAnswer};
use super::bills::bill;
use super::forms::{Described, ProfileForm, UsageForm};
use super::requests::{BillForm, SimulationForm};
use super::simulate::{Subject, Version, day_asked, hex_sha256, plan_index, simulate};
use crate::add_ons::{PricedMonths, price_choice};
use crate::batch::price_repeatedly;
use crate::comparison::SimulationError;
use crate::compile::CompiledCatalogue;
use crate::engine::{MonthContext, Quantities, Workspace};
use crate::metering::{MeteredMonth, MeteredUsage};
use crate::usage::CustomerUsage;
use crate::wire::usage::HeldAddOnJson;
use crate::wire::{self, quantities_from};

/// Characters of the hash that name a version, as in the HTTP face.
pub const VERSION_CHARACTERS: usize = 16;

/// A catalogue, loaded once and used many times.
pub struct LoadedCatalogue {
    version: String,
    compiled: CompiledCatalogue,
}

impl LoadedCatalogue {
    /// Parses, validates and compiles the bytes of a catalogue document.
    ///
    /// # Errors
    /// Everything that is wrong with the document.
    pub fn load(document: &[u8]) -> Result<Self, ServiceError> {
        let parsed = wire::parse_catalogue(document).map_err(ServiceError::Customer)?;
        let mut version = hex_sha256(document);
        version.truncate(VERSION_CHARACTERS);
        Ok(Self {
            version,
            compiled: parsed.catalogue.compile(),
        })
    }

    /// Ids of the plans, in the document's order.
    pub fn plan_ids(&self) -> Vec<String> {
        self.compiled
            .catalogue
            .plans
            .iter()
            .map(|plan| plan.id.clone())
            .collect()
    }

    /// Monthly totals in the long run for each package; for every plan without add-ons when there are no packages.
    ///
    /// # Errors
    /// When the usage is wrong, a plan or add-on unknown, or an amount too large.
    pub fn price(
        &self,
        usage_document: &[u8],
        packages: &[(String, Vec<HeldAddOnJson>)],
    ) -> Result<Vec<Vec<i64>>, ServiceError> {
        let (usage, metered) = self.metered(usage_document)?;
        if packages.is_empty() {
            let none = |plan: usize| vec![0; self.compiled.catalogue.plans[plan].add_ons.len()];
            return (0..self.compiled.plans.len())
                .map(|plan| self.totals(&usage, &metered, plan, &none(plan)))
                .collect();
        }
        let priced = packages.iter().map(|(plan_id, add_ons)| {
            let plan = plan_index(&self.compiled.catalogue, plan_id)?;
            let quantities = quantities_from(&self.compiled.catalogue, plan, add_ons)
                .map_err(ServiceError::Customer)?;
            self.totals(&usage, &metered, plan, &quantities)
        });
        priced.collect()
    }

    /// Prices every plan without add-ons `rounds` times; a checksum over all totals, so that no round can be left out.
    ///
    /// # Errors
    /// As [`Self::price`].
    pub fn price_repeatedly(
        &self,
        usage_document: &[u8],
        rounds: u32,
    ) -> Result<u64, ServiceError> {
        let (_, metered) = self.metered(usage_document)?;
        let (checksum, _) =
            price_repeatedly(&self.compiled, &metered, &mut Workspace::default(), rounds)
                .map_err(SimulationError::from)?;
        Ok(checksum)
    }

    /// A whole comparison, in the JSON form of `POST /simulations` with the customer inline and `as_of` given.
    ///
    /// # Errors
    /// Everything that is wrong with the question.
    pub fn simulate(&self, request_document: &[u8]) -> Result<SimulationAnswer, ServiceError> {
        let mut form: SimulationForm = read(request_document)?;
        let subject = inline_subject(
            form.customer_id.take(),
            form.usage.take(),
            form.profile.take(),
        )?;
        let on = day_asked(&form)?.ok_or_else(|| {
            let detail = Name::new(
                "这里没有时钟，请给出日期。",
                "There is no clock here; give the day.",
            );
            ServiceError::member("/as_of", detail)
        })?;
        let language = form.language.map_or(Language::English, Language::from);
        simulate(self.version(), &subject, &form, on, None, language)
    }

    /// One bill line by line, in the JSON form of `POST /bills` with the customer inline.
    ///
    /// # Errors
    /// Everything that is wrong with the question.
    pub fn explain(&self, request_document: &[u8]) -> Result<BillAnswer, ServiceError> {
        let mut form: BillForm = read(request_document)?;
        let subject = inline_subject(
            form.customer_id.take(),
            form.usage.take(),
            form.profile.take(),
        )?;
        let counts_introductory = self.compiled.catalogue.ranking.count_introductory;
        let language = form.language.map_or(Language::English, Language::from);
        bill(
            self.version(),
            &subject,
            &form,
            counts_introductory,
            language,
        )
    }

    fn version(&self) -> Version<'_> {
        Version {
            name: &self.version,
            catalogue: &self.compiled,
        }
    }

    fn metered(
        &self,
        usage_document: &[u8],
    ) -> Result<(CustomerUsage, MeteredUsage), ServiceError> {
        let usage = wire::parse_usage(usage_document, &self.compiled.catalogue)
            .map_err(ServiceError::Customer)?;
        let metered = self.compiled.meter(&usage).map_err(SimulationError::from)?;
        Ok((usage, metered))
    }

    fn totals(
        &self,
        usage: &CustomerUsage,
        metered: &MeteredUsage,
        plan: usize,
        quantities: &[u32],
    ) -> Result<Vec<i64>, ServiceError> {
        let compiled = &self.compiled.plans[plan];
        let carried = compiled.bare.members_max.min(usage.family.len());
        let users = &metered.users[..1 + carried];
        let context = |month: &crate::usage::MonthUsage| MonthContext {
            days: month.month.days(),
            ..MonthContext::LONG_RUN
        };
        let of_month = |month: usize| {
            users
                .iter()
                .map(|user| &user.months[month])
                .collect::<Vec<&MeteredMonth>>()
        };
        let months = PricedMonths {
            contexts: usage.months.iter().map(context).collect(),
            users: (0..usage.months.len()).map(of_month).collect(),
        };
        let totals = price_choice(
            compiled,
            Quantities::held(quantities),
            &months,
            &mut Workspace::default(),
        );
        let totals = totals.map_err(SimulationError::from)?;
        Ok(totals.into_iter().map(|total| total.total_fen).collect())
    }
}

fn read<T: DeserializeOwned + utoipa::ToSchema>(document: &[u8]) -> Result<T, ServiceError> {
    parse_json(document).map_err(|problem: Problem| {
        let whole = || FieldError {
            pointer: String::new(),
            code: problem.kind().code.to_owned(),
            detail: problem.detail(),
        };
        let errors = problem.errors();
        ServiceError::Request(if errors.is_empty() {
            vec![whole()]
        } else {
            errors.to_vec()
        })
    })
}

fn inline_subject(
    customer_id: Option<String>,
    usage: Option<UsageForm>,
    profile: Option<ProfileForm>,
) -> Result<Subject, ServiceError> {
    match (customer_id, usage) {
        (None, Some(usage)) => Ok(Subject::new(
            profile.unwrap_or_default(),
            usage,
            Described::Inline,
        )),
        (Some(_), _) => {
            let detail = Name::new(
                "这里没有存储的客户。",
                "There are no stored customers here.",
            );
            Err(ServiceError::member("/customer_id", detail))
        }
        (None, None) => {
            let detail = Name::new("缺少这个字段，请补上。", "This field is missing; add it.");
            Err(ServiceError::member("/usage", detail))
        }
    }
}
