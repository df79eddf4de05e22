//! The words of commands.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::{province_only, words_invalid};
use super::{App, rfc3339};
use crate::command::Words;
use crate::limits::REQUEST_BYTES_MAX;
use crate::wire::commands::CommandsDocument;

/// The words in force.
#[derive(Serialize, ToSchema)]
pub(super) struct CommandsAnswer {
    /// Words by command. TD, T, N, R and 退订 refuse offers whether they stand here or not.
    #[serde(flatten)]
    document: CommandsDocument,
    /// Whether they are those that are built in.
    is_built_in: bool,
    /// When they were set, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_at: Option<String>,
}

/// Words of commands
#[utoipa::path(
    get, path = "/commands", tag = "commands", operation_id = "sms_commands",
    responses((status = 200, description = "The words in force", body = CommandsAnswer))
)]
pub(super) async fn get(State(app): State<App>) -> Result<Json<CommandsAnswer>, Problem> {
    let answer = match app.store().commands().await? {
        None => CommandsAnswer {
            document: CommandsDocument::default(),
            is_built_in: true,
            set_at: None,
        },
        Some(stored) => CommandsAnswer {
            document: serde_json::from_str(&stored.document)
                .map_err(|error| Problem::internal(format!("stored words: {error}")))?,
            is_built_in: false,
            set_at: Some(rfc3339(stored.set_at_unix_ms)?),
        },
    };
    Ok(Json(answer))
}

/// Set the words of commands
///
/// The whole list; a word means one thing, and the agreed words of refusal cannot mean another.
#[utoipa::path(
    put, path = "/commands", tag = "commands", operation_id = "set_sms_commands",
    request_body = CommandsDocument,
    responses((status = 200, description = "The words in force", body = CommandsAnswer))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    JsonBody {
        value: document, ..
    }: JsonBody<CommandsDocument, REQUEST_BYTES_MAX>,
) -> Result<Json<CommandsAnswer>, Problem> {
    province_only(&caller)?;
    Words::new(&document.commands).map_err(words_invalid)?;
    let text =
        serde_json::to_string(&document).map_err(|error| Problem::internal(error.to_string()))?;
    app.hall.set_words(&text, caller.key_id.as_str()).await?;
    get(State(app)).await
}
