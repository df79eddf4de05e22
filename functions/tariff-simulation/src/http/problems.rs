//! From what the domain finds to what a client is told.

use chudian_runtime::problem::{FieldError, FieldErrorBody, Problem, ProblemKind, catalogue};
use chudian_vocabulary::masking::looks_like_a_number;
use chudian_vocabulary::{CustomerId, Language, Name, Region};

use crate::service::ServiceError;
use crate::service::check::{self, CustomerIdFault};
use crate::service::forms::concerns_usage;
use crate::wire;

/// A field error of the domain as the edge knows it.
pub(super) fn field_error(error: wire::FieldError) -> FieldError {
    FieldError {
        pointer: error.pointer,
        code: error.code.to_owned(),
        detail: error.message,
    }
}

/// Field errors of the domain in the reader's language.
pub(super) fn field_errors_shown(
    errors: Vec<wire::FieldError>,
    language: Language,
) -> Vec<FieldErrorBody> {
    errors
        .into_iter()
        .map(|error| FieldErrorBody::of(&field_error(error), language))
        .collect()
}

/// A problem of `kind` that lists `errors`.
pub(super) fn with_errors(kind: ProblemKind, errors: Vec<wire::FieldError>) -> Problem {
    Problem::of_kind(kind).with_errors(errors.into_iter().map(field_error))
}

/// A catalogue that was refused. A document that is no JSON is told so, as by every route.
pub(super) fn catalogue_refused(errors: Vec<wire::FieldError>) -> Problem {
    match errors.as_slice() {
        [only] if only.code == "not-json" || only.code == "too-deep" => {
            Problem::new(catalogue::MALFORMED_JSON, only.message.clone())
        }
        _ => with_errors(catalogue::CATALOGUE_INVALID, errors),
    }
}

/// A customer that was refused, in a request or as a document to store.
pub(super) fn customer_refused(errors: Vec<wire::FieldError>) -> Problem {
    if errors.iter().all(concerns_usage) {
        with_errors(catalogue::USAGE_INVALID, errors)
    } else {
        with_errors(catalogue::CUSTOMER_INVALID, errors)
    }
}

/// A body with one field that is of the right shape but out of bounds.
pub(super) fn invalid_field(pointer: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: pointer.to_owned(),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_BODY).with_errors([error])
}

/// A query with a parameter that cannot be right.
pub(super) fn invalid_query(pointer: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: pointer.to_owned(),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_QUERY).with_errors([error])
}

/// A path with a part that cannot be right.
pub(super) fn invalid_path(detail: Name) -> Problem {
    Problem::new(catalogue::INVALID_PATH, detail)
}

/// Reads the customer's pseudonym from the path.
pub(super) fn customer_id_in_path(text: &str) -> Result<CustomerId, Problem> {
    check::customer_id(text).map_err(|fault| match fault {
        CustomerIdFault::Form => invalid_path(fault.text()),
        CustomerIdFault::LooksLikeANumber => {
            Problem::new(catalogue::CUSTOMER_ID_LOOKS_LIKE_A_NUMBER, fault.text())
        }
    })
}

/// Reads the customer's pseudonym from a body's `customer_id`.
pub(super) fn customer_id_in_body(text: &str) -> Result<CustomerId, Problem> {
    check::customer_id(text).map_err(|fault| match fault {
        CustomerIdFault::Form => invalid_field("/customer_id", fault.text()),
        CustomerIdFault::LooksLikeANumber => {
            Problem::new(catalogue::CUSTOMER_ID_LOOKS_LIKE_A_NUMBER, fault.text())
        }
    })
}

/// Reads a region from the path.
pub(super) fn region_in_path(text: &str) -> Result<Region, Problem> {
    let region = Region::new(text)
        .ok()
        .filter(|region| !looks_like_a_number(region.as_str()));
    region.ok_or_else(|| {
        invalid_path(Name::new(
            "地区编码须为 1 至 64 个字符，限 A-Z a-z 0-9 - _ . :",
            "A region has 1 to 64 characters of A-Z a-z 0-9 - _ . :",
        ))
    })
}

/// No such customer for this caller; another region's customer is told in the same words.
pub(super) fn customer_unknown() -> Problem {
    let detail = Name::new(
        "没有这个客户，请检查客户标识。",
        "There is no such customer; check the customer id.",
    );
    Problem::new(catalogue::CUSTOMER_UNKNOWN, detail)
}

/// A region that does not exist for this caller.
pub(super) fn not_found_region() -> Problem {
    let detail = Name::new(
        "没有这个地区，或不属于这把密钥。",
        "There is no such region for this key.",
    );
    Problem::new(catalogue::NOT_FOUND, detail)
}

/// What the service could not answer.
pub(super) fn service_problem(error: ServiceError) -> Problem {
    match error {
        ServiceError::Request(errors) => {
            Problem::of_kind(catalogue::INVALID_BODY).with_errors(errors)
        }
        ServiceError::Customer(errors) => customer_refused(errors),
        ServiceError::UnknownPlan(id) => {
            let detail = Name::new(
                format!("这个版本的目录中没有“{id}”。"),
                format!("There is no `{id}` in this version of the catalogue."),
            );
            Problem::new(catalogue::PLAN_UNKNOWN, detail)
        }
        ServiceError::AmountTooLarge => Problem::of_kind(catalogue::AMOUNT_TOO_LARGE),
    }
}

/// No such catalogue version.
pub(super) fn catalogue_unknown() -> Problem {
    let detail = Name::new(
        "没有这个版本的资费目录；版本号见目录列表。",
        "There is no such catalogue version; the list of catalogues names them.",
    );
    Problem::new(catalogue::CATALOGUE_UNKNOWN, detail)
}
