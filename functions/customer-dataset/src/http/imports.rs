//! Imports: a new snapshot from its schema to its publication.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::Response;
use chudian_dataset::COLUMN_BYTES_MAX;
use chudian_dataset::schema::Schema;
use chudian_dataset::version::SnapshotId;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::{JsonBody, RawBody, require_media_type};
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::ports::sql::Transaction;
use chudian_runtime::problem::{Problem, catalogue};
use http::{HeaderMap, StatusCode};

use super::parts::{ARROW_STREAM, PAGES, check_rows, open_upload, take_column, take_pages};
use super::problems::{in_state, not_swept, snapshot_in_path, unknown};
use super::{App, publish as publishing, rfc3339, whole_province};
use crate::limits::{PAGES_BYTES_MAX, SCHEMA_BYTES_MAX};
use crate::service::check;
use crate::store::{NewUpload, State, UploadId, UploadRow};
use crate::wire::{
    ArrivedPart, NewImport, PagesQuery, Published, StoredPart, Upload, UploadProgress,
};

/// An upload as clients see it.
pub(super) fn shown(upload: &UploadRow) -> Upload {
    Upload {
        id: upload.id.to_string(),
        snapshot: upload.snapshot.to_string(),
        state: upload.state.as_str().to_owned(),
        rows: upload.rows,
        columns: upload.schema.columns().to_vec(),
        source: upload.source.clone(),
        created_at: rfc3339(upload.created_at_unix_s),
        created_by: upload.created_by.clone(),
        published_at: upload.published_at_unix_s.map(rfc3339),
        published_by: upload.published_by.clone(),
    }
}

/// An upload with what has arrived of it.
pub(super) async fn shown_with_parts(
    app: &App,
    caller: &Caller,
    id: UploadId,
) -> Result<Json<UploadProgress>, Problem> {
    whole_province(caller)?;
    let upload = app.store.upload(id).await?.ok_or_else(unknown)?;
    let parts = app
        .store
        .parts(id)
        .await?
        .into_iter()
        .map(|part| ArrivedPart {
            column: part.column,
            place: part.place,
            sha256: part.sha256,
            bytes: part.bytes,
            rows: part.rows,
        });
    Ok(Json(UploadProgress {
        upload: shown(&upload),
        parts: parts.collect(),
    }))
}

/// Gives an upload up.
pub(super) async fn given_up(
    app: &App,
    caller: &Caller,
    id: UploadId,
) -> Result<StatusCode, Problem> {
    whole_province(caller)?;
    if app.store.give_up(id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    match app.store.upload(id).await? {
        None => Err(unknown()),
        // Given up before: nothing is left to do.
        Some(upload) if upload.published_at_unix_s.is_none() => Ok(StatusCode::NO_CONTENT),
        Some(upload) => Err(in_state(upload.state)),
    }
}

/// Stores a new upload and answers with it.
pub(super) async fn begun(
    app: &App,
    transaction: &mut Transaction,
    new: &NewUpload<'_>,
    path: &str,
) -> Result<Answer, Problem> {
    let upload = shown(&app.store.begin_upload(transaction, new).await?);
    let body =
        serde_json::to_string(&upload).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Answer {
        status: StatusCode::CREATED,
        location: Some(format!("{}{path}/{}", super::ABOUT.base_path, upload.id)),
        body,
    })
}

/// Begin an import
///
/// Also gives up imports that nobody touched for a week, and removes some values of retired snapshots.
#[utoipa::path(
    post, path = "/imports", tag = "import", operation_id = "begin_import",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the attempt")),
    request_body = NewImport,
    responses((status = 201, description = "Begun; send its parts", body = Upload))
)]
pub(super) async fn begin(
    Shared(app): Shared<App>,
    caller: Caller,
    attempt: Attempt,
    JsonBody { value: new, bytes }: JsonBody<NewImport, SCHEMA_BYTES_MAX>,
) -> Result<Response, Problem> {
    whole_province(&caller)?;
    let schema = Schema::of_snapshot(new.columns.clone()).map_err(|error| {
        Problem::of_kind(catalogue::DATASET_SCHEMA_INVALID)
            .with_errors([check::schema_error(&error, &new.columns)])
    })?;
    new.rows.map_or(Ok(()), check_rows)?;
    let errors = check::source_errors(&new.source);
    if !errors.is_empty() {
        return Err(Problem::of_kind(catalogue::INVALID_BODY).with_errors(errors));
    }
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let upkeep = async {
        app.store.give_up_abandoned().await?;
        app.store.sweep().await.map_err(not_swept)?;
        app.store.sql().begin().await.map_err(Problem::from)
    };
    let mut transaction = match upkeep.await {
        Ok(transaction) => transaction,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let snapshot = SnapshotId::from_random_bytes(app.random_id());
    let new = NewUpload {
        id: UploadId::Snapshot(snapshot),
        snapshot,
        schema: &schema,
        source: &new.source,
        rows: new.rows,
        by: &caller.key_id,
    };
    let outcome = begun(&app, &mut transaction, &new, "/imports").await;
    ticket.finish(transaction, outcome).await
}

/// What has arrived of an import
#[utoipa::path(
    get, path = "/imports/{id}", tag = "import", operation_id = "get_import",
    params(("id" = String, Path, description = "Import")),
    responses((status = 200, description = "The import and its parts", body = UploadProgress))
)]
pub(super) async fn progress(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<UploadProgress>, Problem> {
    shown_with_parts(&app, &caller, UploadId::Snapshot(snapshot_in_path(&id)?)).await
}

/// Send one column of one segment
#[utoipa::path(
    put, path = "/imports/{id}/segments/{segment}/columns/{name}", tag = "import", operation_id = "put_import_column",
    params(
        ("id" = String, Path, description = "Import"),
        ("segment" = u64, Path, description = "Number of the segment, from 0"),
        ("name" = String, Path, description = "Column"),
    ),
    request_body(content = Vec<u8>, content_type = "application/vnd.apache.arrow.stream", description = "At most 8 MiB"),
    responses((status = 200, description = "Stored, or there already", body = StoredPart))
)]
pub(super) async fn put_column(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf((id, segment, name)): PathOf<(String, String, String)>,
    headers: HeaderMap,
    RawBody(bytes): RawBody<COLUMN_BYTES_MAX>,
) -> Result<Json<StoredPart>, Problem> {
    require_media_type(&headers, &[ARROW_STREAM])?;
    let upload = open_upload(&app, &caller, UploadId::Snapshot(snapshot_in_path(&id)?)).await?;
    take_column(&app, &upload, &segment, &name, bytes)
        .await
        .map(Json)
}

/// Send a group of row pages
#[utoipa::path(
    put, path = "/imports/{id}/pages/{first}", tag = "import", operation_id = "put_import_pages",
    params(
        ("id" = String, Path, description = "Import"),
        ("first" = u64, Path, description = "Number of the first page, a multiple of 256"),
        PagesQuery,
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "At most 16 MiB"),
    responses((status = 200, description = "Stored, or there already", body = StoredPart))
)]
pub(super) async fn put_pages(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf((id, first)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<PagesQuery>,
    headers: HeaderMap,
    RawBody(bytes): RawBody<PAGES_BYTES_MAX>,
) -> Result<Json<StoredPart>, Problem> {
    require_media_type(&headers, &[PAGES])?;
    let upload = open_upload(&app, &caller, UploadId::Snapshot(snapshot_in_path(&id)?)).await?;
    take_pages(&app, &upload, &first, query.rows, &bytes)
        .await
        .map(Json)
}

/// Publish an import
///
/// Everything is checked; then the snapshot is in force. What was published before is answered the same way.
#[utoipa::path(
    post, path = "/imports/{id}/publish", tag = "import", operation_id = "publish_import",
    params(("id" = String, Path, description = "Import")),
    responses((status = 200, description = "Published", body = Published))
)]
pub(super) async fn publish(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<Published>, Problem> {
    publishing::publish(&app, &caller, UploadId::Snapshot(snapshot_in_path(&id)?))
        .await
        .map(Json)
}

/// Give an import up
#[utoipa::path(
    delete, path = "/imports/{id}", tag = "import", operation_id = "give_import_up",
    params(("id" = String, Path, description = "Import")),
    responses((status = 204, description = "Given up; its values are removed step by step"))
)]
pub(super) async fn give_up(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    let upload = UploadId::Snapshot(snapshot_in_path(&id)?);
    given_up(&app, &caller, upload).await
}

/// The state that a base snapshot must have for a layer.
pub(super) fn must_be_published(state: State) -> Result<(), Problem> {
    if state == State::Published {
        Ok(())
    } else {
        Err(in_state(state))
    }
}
