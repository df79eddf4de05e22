//! The drain, for a timer to call.

use axum::Json;
use axum::extract::State;
use chudian_runtime::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;

/// What was done.
#[derive(Serialize, ToSchema)]
pub(super) struct RunAnswer {
    /// Customers' messages that had been left without an answer.
    answered: usize,
    /// Messages whose hand-over was tried.
    tried: usize,
    /// Attempts that were given up because their worker is gone; their messages are `unknown`.
    given_up: u64,
    /// Events that the contact log has now.
    reported: usize,
}

/// Do what is due
///
/// Sends messages whose time has come, answers what was left, reports what happened. Call it every few seconds; several calls at once
/// never send a message twice. One call does a bounded amount: call again while it does something.
#[utoipa::path(
    post, path = "/outbox/run", tag = "messages", operation_id = "run_sms_outbox",
    responses((status = 200, description = "What was done", body = RunAnswer))
)]
pub(super) async fn run(State(app): State<App>) -> Result<Json<RunAnswer>, Problem> {
    let drained = app.hall.drain().await?;
    Ok(Json(RunAnswer {
        answered: drained.answered,
        tried: drained.tried,
        given_up: drained.given_up,
        reported: drained.reported,
    }))
}
