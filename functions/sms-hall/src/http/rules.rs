//! The sending rules.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::problem::{FieldError, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::{invalid_body, invalid_field, province_only};
use super::{App, rfc3339};
use crate::limits::REQUEST_BYTES_MAX;
use crate::rules::SendingRules;
use crate::wire::rules::{SendingRulesDocument, read, write};

/// The sending rules in force.
#[derive(Serialize, ToSchema)]
pub(super) struct SendingRulesAnswer {
    /// The rules.
    #[serde(flatten)]
    document: SendingRulesDocument,
    /// Whether they are those that are built in.
    is_built_in: bool,
    /// When they were set, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_at: Option<String>,
}

/// Sending rules
///
/// When marketing messages may go, and how many messages a customer gets in a day.
#[utoipa::path(
    get, path = "/sending-rules", tag = "sending rules", operation_id = "sms_sending_rules",
    responses((status = 200, description = "The rules in force", body = SendingRulesAnswer))
)]
pub(super) async fn get(State(app): State<App>) -> Result<Json<SendingRulesAnswer>, Problem> {
    let answer = match app.store().sending_rules().await? {
        None => SendingRulesAnswer {
            document: write(&SendingRules::default()),
            is_built_in: true,
            set_at: None,
        },
        Some(stored) => SendingRulesAnswer {
            document: serde_json::from_str(&stored.document)
                .map_err(|error| Problem::internal(format!("stored rules: {error}")))?,
            is_built_in: false,
            set_at: Some(rfc3339(stored.set_at_unix_ms)?),
        },
    };
    Ok(Json(answer))
}

/// Set the sending rules
///
/// All of them. Felt within three seconds; what waits is held against them when its time comes.
#[utoipa::path(
    put, path = "/sending-rules", tag = "sending rules", operation_id = "set_sms_sending_rules",
    request_body = SendingRulesDocument,
    responses((status = 200, description = "The rules in force", body = SendingRulesAnswer))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    JsonBody {
        value: document, ..
    }: JsonBody<SendingRulesDocument, REQUEST_BYTES_MAX>,
) -> Result<Json<SendingRulesAnswer>, Problem> {
    province_only(&caller)?;
    read(&document).map_err(|findings| {
        let errors: Vec<FieldError> = findings
            .into_iter()
            .map(|finding| invalid_field(&finding.pointer, finding.text))
            .collect();
        invalid_body(errors)
    })?;
    let text =
        serde_json::to_string(&document).map_err(|error| Problem::internal(error.to_string()))?;
    app.hall.set_rules(&text, caller.key_id.as_str()).await?;
    get(State(app)).await
}
