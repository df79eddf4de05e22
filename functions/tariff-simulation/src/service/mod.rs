//! What the HTTP face and the typed face share: the forms of questions and answers, and the way from one to the other.
//!
//! Everything here is a pure function of its arguments; storage, keys and headers are the HTTP face's business.

pub mod answers;
pub mod bills;
pub mod check;
pub mod forms;
pub mod requests;
pub mod rule;
pub mod simulate;
pub mod typed;

use chudian_runtime::problem::FieldError;
use chudian_vocabulary::Name;

use crate::comparison::SimulationError;
use crate::wire;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// A member of the request cannot be right.
    Request(Vec<FieldError>),
    /// The customer's facts or usage do not fit the catalogue.
    Customer(Vec<wire::FieldError>),
    /// No such plan or add-on in the catalogue.
    UnknownPlan(String),
    /// A figure is too large to be priced.
    AmountTooLarge,
}

impl From<SimulationError> for ServiceError {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Usage(_) | SimulationError::Pricing(_) => Self::AmountTooLarge,
        }
    }
}

impl ServiceError {
    /// One member of the request that is out of bounds.
    fn member(pointer: &str, detail: Name) -> Self {
        let code = "value-not-allowed".to_owned();
        Self::Request(vec![FieldError {
            pointer: pointer.to_owned(),
            code,
            detail,
        }])
    }
}
