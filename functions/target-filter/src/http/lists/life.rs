//! The life of a list: submitting, deciding, ending.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answers::ListAnswer;
use super::problems::{changed_meanwhile, form_fault, four_eyes, illegal, layout_damaged};
use super::{ListsApp, layout_of};
use crate::lists::state::{self, Action, State as ListState};
use crate::service::lists::forms::{TEXT_LETTERS_MAX, check_text};

/// Largest body here.
const BODY_BYTES_MAX: usize = 4096;

/// Why something is done; kept with the list for good.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonForm {
    /// 1 to 400 characters.
    reason: String,
}

/// Ask for approval
#[utoipa::path(
    post, path = "/lists/{list_id}/submission", tag = "lists", operation_id = "submit_list",
    params(("list_id" = String, Path, description = "Id of the list")),
    request_body = ReasonForm,
    responses((status = 200, description = "The list, submitted", body = ListAnswer))
)]
pub(super) async fn submit(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<ReasonForm, BODY_BYTES_MAX>,
) -> Result<Json<ListAnswer>, Problem> {
    app.change(&id, &caller, Action::Submit, &form)
        .await
        .map(Json)
}

/// Approve a list
///
/// Not with the key that froze or submitted it.
#[utoipa::path(
    post, path = "/lists/{list_id}/approval", tag = "lists", operation_id = "approve_list",
    params(("list_id" = String, Path, description = "Id of the list")),
    request_body = ReasonForm,
    responses((status = 200, description = "The list, approved", body = ListAnswer))
)]
pub(super) async fn approve(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<ReasonForm, BODY_BYTES_MAX>,
) -> Result<Json<ListAnswer>, Problem> {
    app.change(&id, &caller, Action::Approve, &form)
        .await
        .map(Json)
}

/// Reject a list
///
/// For good: a changed list is a new list. Not with the key that froze or submitted it.
#[utoipa::path(
    post, path = "/lists/{list_id}/rejection", tag = "lists", operation_id = "reject_list",
    params(("list_id" = String, Path, description = "Id of the list")),
    request_body = ReasonForm,
    responses((status = 200, description = "The list, rejected", body = ListAnswer))
)]
pub(super) async fn reject(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<ReasonForm, BODY_BYTES_MAX>,
) -> Result<Json<ListAnswer>, Problem> {
    app.change(&id, &caller, Action::Reject, &form)
        .await
        .map(Json)
}

/// End a list before its time
///
/// It gives no customer any more, and its members are deleted; its facts, its hash and who looked at it stay.
#[utoipa::path(
    post, path = "/lists/{list_id}/expiry", tag = "lists", operation_id = "expire_list",
    params(("list_id" = String, Path, description = "Id of the list")),
    request_body = ReasonForm,
    responses((status = 200, description = "The list, expired", body = ListAnswer))
)]
pub(super) async fn expire(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<ReasonForm, BODY_BYTES_MAX>,
) -> Result<Json<ListAnswer>, Problem> {
    let answer = app.change(&id, &caller, Action::Expire, &form).await?;
    let list = app.visible(&id, &caller).await?;
    let pages = layout_of(&list)
        .and_then(|layout| layout.pages())
        .map_err(layout_damaged)?;
    let names: Vec<_> = pages.into_iter().map(|(name, _)| name).collect();
    app.lists.remove_pages(&list.list_id, &names).await?;
    Ok(Json(answer))
}

impl ListsApp {
    async fn change(
        &self,
        id: &str,
        caller: &Caller,
        action: Action,
        form: &ReasonForm,
    ) -> Result<ListAnswer, Problem> {
        check_text("/reason", &form.reason, TEXT_LETTERS_MAX).map_err(form_fault)?;
        let list = self.visible(id, caller).await?;
        // A list that ended by its time may still be ended by hand, which deletes its members.
        let state = match action {
            Action::Expire => list.state,
            _ => list.state_at(self.lists.now_unix_s()),
        };
        let after = state.after(action).map_err(illegal)?;
        let decides = matches!(action, Action::Approve | Action::Reject);
        if decides
            && !state::four_eyes(
                caller.key_id.as_str(),
                &list.frozen_by,
                list.submitted_by.as_deref(),
            )
        {
            return Err(four_eyes());
        }
        let mut transaction = self.lists.sql().begin().await?;
        let changed = self
            .lists
            .change_state(
                &mut transaction,
                &list,
                action,
                after,
                caller.key_id.as_str(),
                &form.reason,
            )
            .await;
        if !transaction.end(changed).await? {
            return Err(changed_meanwhile());
        }
        let list = self.stored(id).await?;
        self.answer(&list).await
    }
}

/// The state after showing customers or exporting, when it is allowed now.
pub(super) fn state_for_use(list_state: ListState, action: Action) -> Result<ListState, Problem> {
    list_state.after(action).map_err(illegal)
}
