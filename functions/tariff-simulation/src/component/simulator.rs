//! The typed face: passes arguments on to [`LoadedCatalogue`] and results back.

use chudian_runtime::component::begin;
use serde::Serialize;

use super::Simulator;
use super::bindings::exports::chudian::tariff::simulator::{
    Catalogue, Error, FieldError, Guest, GuestCatalogue, Package,
};
use crate::http::FINISHED_DOCUMENTS;
use crate::service::ServiceError;
use crate::service::typed::LoadedCatalogue;
use crate::wire::usage::HeldAddOnJson;

impl Guest for Simulator {
    type Catalogue = LoadedCatalogue;
}

impl GuestCatalogue for LoadedCatalogue {
    fn load(document: Vec<u8>) -> Result<Catalogue, Error> {
        // Nothing else can be asked before a catalogue is loaded.
        begin(FINISHED_DOCUMENTS);
        Ok(Catalogue::new(Self::load(&document)?))
    }

    fn plan_ids(&self) -> Vec<String> {
        self.plan_ids()
    }

    fn price(
        &self,
        usage_document: Vec<u8>,
        packages: Vec<Package>,
    ) -> Result<Vec<Vec<i64>>, Error> {
        let held = |(id, quantity): (String, u32)| HeldAddOnJson {
            id,
            quantity: quantity.into(),
        };
        let packages: Vec<_> = packages
            .into_iter()
            .map(|package| {
                (
                    package.plan_id,
                    package.add_ons.into_iter().map(held).collect(),
                )
            })
            .collect();
        Ok(self.price(&usage_document, &packages)?)
    }

    fn price_repeatedly(&self, usage_document: Vec<u8>, rounds: u32) -> Result<u64, Error> {
        Ok(self.price_repeatedly(&usage_document, rounds)?)
    }

    fn simulate(&self, request_document: Vec<u8>) -> Result<Vec<u8>, Error> {
        json(&self.simulate(&request_document)?)
    }

    fn explain(&self, request_document: Vec<u8>) -> Result<Vec<u8>, Error> {
        json(&self.explain(&request_document)?)
    }
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(answer).map_err(|error| {
        let detail_en = format!("the answer cannot be written: {error}");
        let detail_zh = format!("无法写出结果：{error}");
        Error::Invalid(vec![FieldError {
            pointer: String::new(),
            code: "unwritable".to_owned(),
            detail_en,
            detail_zh,
        }])
    })
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Request(errors) => {
                let shown = |error: chudian_runtime::problem::FieldError| FieldError {
                    pointer: error.pointer,
                    code: error.code,
                    detail_en: error.detail.en,
                    detail_zh: error.detail.zh,
                };
                Self::Invalid(errors.into_iter().map(shown).collect())
            }
            ServiceError::Customer(errors) => {
                let shown = |error: crate::wire::FieldError| FieldError {
                    pointer: error.pointer,
                    code: error.code.to_owned(),
                    detail_en: error.message.en,
                    detail_zh: error.message.zh,
                };
                Self::Invalid(errors.into_iter().map(shown).collect())
            }
            ServiceError::UnknownPlan(id) => Self::UnknownPlan(id),
            ServiceError::AmountTooLarge => Self::AmountTooLarge,
        }
    }
}
