//! One customer, by one read.

use axum::Json;
use axum::extract::State as Shared;
use chudian_dataset::schema::Purpose;
use chudian_dataset::value::Value;
use chudian_runtime::dataset::{CustomerRow, SnapshotReader};
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::masking::looks_like_a_number;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use chudian_vocabulary::{CustomerId, Name};

use super::App;
use super::problems::invalid_path;
use crate::wire::{CustomerShown, FoundCustomer};

/// Everything that the dataset knows of one customer
///
/// The access is recorded.
#[utoipa::path(
    get, path = "/customers/{id}", tag = "customers", operation_id = "get_dataset_customer",
    params(("id" = String, Path, description = "Pseudonym, 26 characters; never a telephone number")),
    responses((status = 200, description = "Every column", body = CustomerShown))
)]
pub(super) async fn get(
    Shared(app): Shared<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
) -> Result<Json<FoundCustomer>, Problem> {
    let customer = pseudonym_in_path(&id)?;
    let reader = app.snapshots.open_current().await?;
    let row = reader
        .customer(customer)
        .await?
        .filter(|row| exists_for(&reader, row, &caller))
        .ok_or_else(customer_unknown)?;
    let recorded = CustomerId::new(customer.to_string())
        .map_err(|error| Problem::internal(error.to_string()))?;
    app.personal_access
        .record(&caller, &recorded, "dataset-read", &request_id)
        .await?;
    Ok(Json(FoundCustomer { reader, row }))
}

fn pseudonym_in_path(text: &str) -> Result<CustomerPseudonym, Problem> {
    if looks_like_a_number(text) {
        let detail = Name::new(
            "请使用客户标识（26 个字符），不要使用电话号码。",
            "Use the customer id of 26 characters, never a telephone number.",
        );
        return Err(Problem::new(
            catalogue::CUSTOMER_ID_LOOKS_LIKE_A_NUMBER,
            detail,
        ));
    }
    text.parse().map_err(|_| {
        invalid_path(
            "客户标识为 26 个字符，限 a-z 和 2-7。",
            "A customer id has 26 characters of a-z and 2-7.",
        )
    })
}

/// Whether a customer exists for the caller: a key of one region sees those whose region it is.
fn exists_for(reader: &SnapshotReader, row: &CustomerRow, caller: &Caller) -> bool {
    let Some(own) = &caller.region else {
        return true;
    };
    let region = reader
        .with_purpose(Purpose::Region)
        .and_then(|column| reader.position(column.name.as_str()));
    match region.and_then(|place| row.values.get(place)) {
        Some(Some(Value::Word(region))) => region == own.as_str(),
        _ => false,
    }
}

/// No such customer for this caller; another region's customer is told in the same words.
fn customer_unknown() -> Problem {
    let detail = Name::new(
        "没有这个客户，请检查客户标识。",
        "There is no such customer; check the customer id.",
    );
    Problem::new(catalogue::CUSTOMER_UNKNOWN, detail)
}
