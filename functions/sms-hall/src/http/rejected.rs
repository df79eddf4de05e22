//! Callbacks that were not taken: listed, discarded.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{Name, Region};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::{invalid_query, not_a_word};
use super::{App, rfc3339};
use crate::rejection::Rejection;
use crate::store::{Rejected, RejectedFilter, RejectedPlace};

/// Query of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RejectedQuery {
    /// Only those of this reason, such as `number-not-mobile`.
    reason: Option<String>,
    /// `open` for those that nobody has dealt with (the default), `all` for every one.
    state: Option<String>,
    /// Items on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A callback, or an item of one, that was not taken.
#[derive(Serialize, ToSchema)]
pub(super) struct RejectedCallback {
    /// Its id.
    rejected_id: String,
    /// When it came first, RFC 3339.
    received_at: String,
    /// Through which gateway.
    gateway_id: String,
    /// Region of the gateway.
    region: String,
    /// `inbound` or `delivery`.
    callback: String,
    /// Why: `signature-malformed`, `signature-stale`, `signature-future`, `signature-wrong`, `malformed-json`, `too-many-items`,
    /// `item-unreadable`, `number-not-mobile` or `content-conflict`.
    reason: String,
    /// The callback or the item as text, numbers masked.
    document: String,
    /// Whether the document is all of it.
    is_whole: bool,
    /// Whether a number was masked in it.
    is_masked: bool,
    /// When it was discarded, RFC 3339; absent while nobody has dealt with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    discarded_at: Option<String>,
    /// Id of the key that discarded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    discarded_by: Option<String>,
}

/// List callbacks that were not taken, oldest first
///
/// Each once, however often the provider repeats it. The newest 10,000 are kept.
#[utoipa::path(
    get, path = "/rejected", tag = "rejected callbacks", operation_id = "list_rejected_sms_callbacks", params(RejectedQuery),
    responses((status = 200, description = "A page of them", body = Page<RejectedCallback>))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<RejectedQuery>,
) -> Result<Json<Page<RejectedCallback>>, Problem> {
    let request = PageRequest::<RejectedPlace>::new(query.limit, query.cursor.as_deref())?;
    let reason = match &query.reason {
        None => None,
        Some(text) => Some(
            Rejection::of_code(text)
                .ok_or_else(|| not_a_word("reason", Rejection::ALL.map(Rejection::code)))?,
        ),
    };
    let open_only = match query.state.as_deref() {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => {
            let detail = Name::new("应为 open 或 all。", "Must be `open` or `all`.");
            return Err(invalid_query("state", detail));
        }
    };
    let filter = RejectedFilter {
        reason,
        open_only,
        region: caller.region.as_ref().map(Region::as_str),
    };
    let rows = app
        .store()
        .rejected(filter, request.after.as_ref(), request.rows_to_read())
        .await?;
    let page = request.page(rows, |one| {
        (one.received_at_unix_ms, one.rejected_id.clone())
    });
    Ok(Json(Page {
        items: page
            .items
            .into_iter()
            .map(shown)
            .collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// Discard a callback that was not taken
///
/// It is kept, marked so, and no longer in the list of open ones.
#[utoipa::path(
    delete, path = "/rejected/{rejected_id}", tag = "rejected callbacks", operation_id = "discard_rejected_sms_callback",
    params(("rejected_id" = String, Path, description = "Id under which it is kept")),
    responses((status = 204, description = "Discarded, now or before"))
)]
pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    let region = caller.region.as_ref().map(Region::as_str);
    let is_there = app
        .store()
        .discard_rejected(&id, region, caller.key_id.as_str())
        .await?;
    if is_there {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = Name::new(
        "没有这条被拒绝的回调，或它已被清理。",
        "There is no such rejected callback, or it is no longer kept.",
    );
    Err(Problem::new(catalogue::NOT_FOUND, detail))
}

fn shown(rejected: Rejected) -> Result<RejectedCallback, Problem> {
    Ok(RejectedCallback {
        received_at: rfc3339(rejected.received_at_unix_ms)?,
        discarded_at: rejected.discarded_at_unix_ms.map(rfc3339).transpose()?,
        rejected_id: rejected.rejected_id,
        gateway_id: rejected.gateway_id,
        region: rejected.region,
        callback: rejected.callback,
        reason: rejected.reason,
        document: rejected.document,
        is_whole: rejected.is_whole,
        is_masked: rejected.is_masked,
        discarded_by: rejected.discarded_by,
    })
}
