//! Rejected events: listed, looked at, repaired and replayed, discarded.
//!
//! A channel sees what its own key sent; analysts and administrators see what keys of their region sent.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::{JsonBody, RawBody};
use chudian_runtime::http::language::ReaderLanguage;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::access::Role;
use chudian_vocabulary::{Name, Region};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::events::{CloudEvent, IngestAnswer, answer, text_of};
use super::problems::{rejected_alone, rejected_unknown, role_of};
use super::{App, rfc3339};
use crate::limits::EVENT_BYTES_MAX;
use crate::service::{Origin, Submission, Told};
use crate::store::{Rejected, RejectedFilter, RejectedPlace, Resolution};
use crate::wire::read_event;

/// Largest body of a request without an event.
const BODY_BYTES_MAX: usize = 1024;

/// Query of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RejectedQuery {
    /// Only events rejected for this reason, such as `type-unknown`.
    reason: Option<String>,
    /// `open` for those that nobody has dealt with (the default), `all` for every one.
    state: Option<String>,
    /// Events on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A rejected event.
#[derive(Serialize, ToSchema)]
pub(super) struct RejectedAnswer {
    /// Its id.
    rejected_id: String,
    /// When it came, RFC 3339.
    received_at: String,
    /// Id of the key that sent it.
    key_id: String,
    /// Code of the first thing wrong with it.
    reason: String,
    /// Where that is, as a JSON pointer.
    pointer: String,
    /// The event as text, telephone numbers masked.
    document: String,
    /// Whether it can be replayed as it is: it is whole and nothing in it was masked.
    replayable: bool,
    /// What became of it, `replayed` or `discarded`; absent while nobody has dealt with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
    /// When it was dealt with, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<String>,
    /// Id of the key that dealt with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<String>,
}

/// Which events are to be replayed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayRequest {
    /// Only events rejected for this reason.
    #[serde(default)]
    reason: Option<String>,
    /// Events looked at, 1 to 200; absent: 50.
    #[serde(default)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<String>,
}

/// What became of replayed events.
#[derive(Serialize, ToSchema)]
pub(super) struct ReplayAnswer {
    /// Events that are accepted now, or were before.
    replayed: usize,
    /// Events that still cannot be accepted.
    still_rejected: usize,
    /// Events that were not tried: cut off or masked when they were kept.
    to_be_repaired: usize,
    /// Pass it as `cursor` to go on; absent when all were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List rejected events, oldest first
#[utoipa::path(
    get, path = "/events/rejected", tag = "rejected events", operation_id = "list_rejected_events", params(RejectedQuery),
    responses((status = 200, description = "A page of rejected events", body = Page<RejectedAnswer>))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<RejectedQuery>,
) -> Result<Json<Page<RejectedAnswer>>, Problem> {
    let request = PageRequest::<RejectedPlace>::new(query.limit, query.cursor.as_deref())?;
    let open_only = match query.state.as_deref() {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => {
            let detail = Name::new("应为 open 或 all。", "Must be `open` or `all`.");
            return Err(super::problems::invalid_query("state", detail));
        }
    };
    let filter = RejectedFilter {
        reason: query.reason.as_deref(),
        open_only,
        ..scope(&caller)?
    };
    let rows = app
        .store
        .rejected(&filter, request.after.as_ref(), request.rows_to_read())
        .await?;
    let page = request.page(rows, place);
    let items = page
        .items
        .into_iter()
        .map(shown)
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// A rejected event
#[utoipa::path(
    get, path = "/events/rejected/{rejected_id}", tag = "rejected events", operation_id = "get_rejected_event",
    params(("rejected_id" = String, Path, description = "Id under which it is kept")),
    responses((status = 200, description = "The event", body = RejectedAnswer))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<RejectedAnswer>, Problem> {
    let found = app.rejected_for(&id, &caller).await?;
    Ok(Json(shown(found)?))
}

/// Discard a rejected event
#[utoipa::path(
    delete, path = "/events/rejected/{rejected_id}", tag = "rejected events", operation_id = "discard_rejected_event",
    params(("rejected_id" = String, Path, description = "Id under which it is kept")),
    responses((status = 204, description = "Discarded; it is kept, marked so"))
)]
pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.rejected_for(&id, &caller).await?;
    let by = caller.key_id.as_str();
    let discarded = app
        .store
        .resolve_rejected(&id, Resolution::Discarded, by)
        .await?;
    if discarded {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(dealt_with())
    }
}

/// Replay a rejected event
///
/// With an event in structured form as the body that event is accepted in its place; without a body the event as it is kept.
#[utoipa::path(
    post, path = "/events/rejected/{rejected_id}/replay", tag = "rejected events", operation_id = "replay_rejected_event",
    params(("rejected_id" = String, Path, description = "Id under which it is kept")),
    request_body(content = Option<CloudEvent>, content_type = "application/cloudevents+json", description = "The repaired event"),
    responses((status = 200, description = "It is accepted now, or was before", body = IngestAnswer))
)]
pub(super) async fn replay(
    State(app): State<App>,
    caller: Caller,
    ReaderLanguage(language): ReaderLanguage,
    PathOf(id): PathOf<String>,
    RawBody(body): RawBody<EVENT_BYTES_MAX>,
) -> Result<Json<IngestAnswer>, Problem> {
    let found = app.rejected_for(&id, &caller).await?;
    if found.resolution.is_some() {
        return Err(dealt_with());
    }
    let document = if body.is_empty() {
        if !is_replayable(&found) {
            let detail = Name::new(
                "保存时已截断或隐去了号码，请在请求体中提供修正后的事件。",
                "It was cut off or masked when it was kept; send the repaired event as the body.",
            );
            return Err(Problem::new(catalogue::REJECTED_EVENT_STATE, detail));
        }
        Bytes::from(found.document)
    } else {
        body
    };
    let text = text_of(&document)?;
    let mut submission = Submission::default();
    let event = document.slice_ref(text.as_bytes());
    submission.add(read_event(text), event, app.replay_origin(&caller));
    let result = app
        .commit(submission)
        .await?
        .pop()
        .ok_or_else(|| Problem::internal("an event without a result"))?;
    let result = rejected_alone(result)?;
    let by = caller.key_id.as_str();
    // Somebody may have dealt with it at the same time; the event is accepted in either case.
    app.store
        .resolve_rejected(&id, Resolution::Replayed, by)
        .await?;
    Ok(Json(answer(&[result], language)))
}

/// Replay many rejected events as they are kept
///
/// For events that were right all along, such as those of a type that was not known then.
#[utoipa::path(
    post, path = "/events/rejected/replay", tag = "rejected events", operation_id = "replay_rejected_events",
    request_body = ReplayRequest,
    responses((status = 200, description = "What became of them", body = ReplayAnswer))
)]
pub(super) async fn replay_many(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<ReplayRequest, BODY_BYTES_MAX>,
) -> Result<Json<ReplayAnswer>, Problem> {
    let page_request = PageRequest::<RejectedPlace>::new(request.limit, request.cursor.as_deref())?;
    let filter = RejectedFilter {
        reason: request.reason.as_deref(),
        open_only: true,
        ..scope(&caller)?
    };
    let rows = app
        .store
        .rejected(
            &filter,
            page_request.after.as_ref(),
            page_request.rows_to_read(),
        )
        .await?;
    let page = page_request.page(rows, place);
    let looked_at = page.items.len();
    let (replayable, ids) = replayable_of(page.items);
    let mut submission = Submission::default();
    for document in replayable {
        let text = text_of(&document)?;
        submission.add(
            read_event(text),
            document.clone(),
            app.replay_origin(&caller),
        );
    }
    let results = app.commit(submission).await?;
    let mut replayed = 0;
    for (result, id) in results.iter().zip(&ids) {
        if !matches!(result.told, Told::Rejected { .. }) {
            let by = caller.key_id.as_str();
            app.store
                .resolve_rejected(id, Resolution::Replayed, by)
                .await?;
            replayed += 1;
        }
    }
    Ok(Json(ReplayAnswer {
        replayed,
        still_rejected: ids.len() - replayed,
        to_be_repaired: looked_at - ids.len(),
        next_cursor: page.next_cursor,
    }))
}

impl App {
    async fn rejected_for(&self, id: &str, caller: &Caller) -> Result<Rejected, Problem> {
        self.store
            .rejected_one(id, &scope(caller)?)
            .await?
            .ok_or_else(rejected_unknown)
    }

    fn replay_origin<'a>(&self, caller: &'a Caller) -> Origin<'a> {
        Origin {
            key_id: caller.key_id.as_str(),
            region: caller.region.as_ref(),
            received_unix_ms: self.store.now_unix_ms(),
            keeps_rejected: false,
        }
    }
}

/// The documents that can be replayed as they are, and their ids.
fn replayable_of(items: Vec<Rejected>) -> (Vec<Bytes>, Vec<String>) {
    items
        .into_iter()
        .filter(is_replayable)
        .map(|one| (Bytes::from(one.document), one.rejected_id))
        .unzip()
}

/// What exists for this caller.
fn scope(caller: &Caller) -> Result<RejectedFilter<'_>, Problem> {
    let own_only = role_of(caller)? == Role::Channel;
    Ok(RejectedFilter {
        region: caller.region.as_ref().map(Region::as_str),
        key_id: own_only.then(|| caller.key_id.as_str()),
        ..RejectedFilter::default()
    })
}

fn place(rejected: &Rejected) -> RejectedPlace {
    (rejected.received_unix_ms, rejected.rejected_id.clone())
}

fn is_replayable(rejected: &Rejected) -> bool {
    rejected.is_whole && !rejected.is_masked
}

fn dealt_with() -> Problem {
    let detail = Name::new("这个事件已经处理过了。", "This event has been dealt with.");
    Problem::new(catalogue::REJECTED_EVENT_STATE, detail)
}

fn shown(rejected: Rejected) -> Result<RejectedAnswer, Problem> {
    Ok(RejectedAnswer {
        received_at: rfc3339(rejected.received_unix_ms)?,
        resolved_at: rejected.resolved_unix_ms.map(rfc3339).transpose()?,
        replayable: is_replayable(&rejected) && rejected.resolution.is_none(),
        rejected_id: rejected.rejected_id,
        key_id: rejected.key_id,
        reason: rejected.reason,
        pointer: rejected.pointer,
        document: rejected.document,
        resolution: rejected.resolution,
        resolved_by: rejected.resolved_by,
    })
}
