//! Who wants offers, and the proof of it (FI-6).

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{CustomerId, Region};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, rfc3339};
use crate::store::Proof;

/// What a customer said of offers by message.
#[derive(Serialize, ToSchema)]
pub(super) struct ConsentAnswer {
    /// Who.
    customer_id: String,
    /// Whether offers are refused.
    is_opted_out: bool,
    /// When it was said, RFC 3339.
    since: String,
    /// Every change, latest first.
    proofs: Vec<ProofAnswer>,
}

/// The proof of a change.
#[derive(Serialize, ToSchema)]
pub(super) struct ProofAnswer {
    /// The message.
    inbound_id: String,
    /// Whether it refused offers.
    is_opted_out: bool,
    /// When the customer wrote it, as the provider says, RFC 3339.
    said_at: String,
    /// When it came, RFC 3339.
    received_at: String,
    /// Through which gateway.
    gateway_id: String,
    /// In which words.
    words: String,
}

/// A customer's consent to offers by message, with its proof
#[utoipa::path(
    get, path = "/consents/{customer_id}", tag = "consent", operation_id = "sms_consent",
    params(("customer_id" = String, Path, description = "Pseudonym of the customer")),
    responses((status = 200, description = "What the customer said", body = ConsentAnswer))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(customer_id): PathOf<String>,
) -> Result<Json<ConsentAnswer>, Problem> {
    let unknown = || Problem::of_kind(catalogue::CUSTOMER_UNKNOWN);
    let customer = CustomerId::new(customer_id).map_err(|_| unknown())?;
    let (consent, proofs) = app
        .store()
        .consent(customer.as_str())
        .await?
        .ok_or_else(unknown)?;
    let region = Region::new(consent.region.as_str())
        .map_err(|error| Problem::internal(error.to_string()))?;
    if !caller.sees_region(&region) {
        return Err(unknown());
    }
    app.personal_access
        .record(&caller, &customer, "sms-consent", &request_id)
        .await?;
    Ok(Json(ConsentAnswer {
        customer_id: customer.as_str().to_owned(),
        is_opted_out: consent.is_opted_out,
        since: rfc3339(consent.said_at_unix_ms)?,
        proofs: proofs.into_iter().map(shown).collect::<Result<_, _>>()?,
    }))
}

fn shown(proof: Proof) -> Result<ProofAnswer, Problem> {
    Ok(ProofAnswer {
        inbound_id: proof.inbound_id,
        is_opted_out: proof.is_opted_out,
        said_at: rfc3339(proof.said_at_unix_ms)?,
        received_at: rfc3339(proof.received_at_unix_ms)?,
        gateway_id: proof.gateway_id,
        words: proof.words,
    })
}
