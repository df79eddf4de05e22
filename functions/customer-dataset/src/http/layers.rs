//! Layers: derived columns over a published snapshot.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::Response;
use chudian_dataset::COLUMN_BYTES_MAX;
use chudian_dataset::version::LayerId;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::{JsonBody, RawBody, require_media_type};
use chudian_runtime::http::idempotency::{Attempt, Claim};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{Problem, catalogue};
use http::{HeaderMap, StatusCode};

use super::imports::{begun, given_up, must_be_published, shown_with_parts};
use super::parts::{ARROW_STREAM, PAGES, open_upload, take_column, take_pages};
use super::problems::{invalid_path, snapshot_in_path, unknown};
use super::{App, publish as publishing, whole_province};
use crate::limits::{PAGES_BYTES_MAX, SCHEMA_BYTES_MAX};
use crate::service::check;
use crate::store::{NewUpload, UploadId};
use crate::wire::{NewLayer, PagesQuery, Published, StoredPart, Upload, UploadProgress};

fn layer_in_path(text: &str) -> Result<UploadId, Problem> {
    text.parse().map(UploadId::Layer).map_err(|_| {
        invalid_path(
            "图层标识是 ly_ 加 26 个字符。",
            "A layer is `ly_` and 26 characters.",
        )
    })
}

/// Begin a layer over a published snapshot
#[utoipa::path(
    post, path = "/snapshots/{id}/layers", tag = "layers", operation_id = "begin_layer",
    params(
        ("id" = String, Path, description = "Snapshot"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the attempt"),
    ),
    request_body = NewLayer,
    responses((status = 201, description = "Begun; send its parts", body = Upload))
)]
pub(super) async fn begin(
    Shared(app): Shared<App>,
    caller: Caller,
    attempt: Attempt,
    PathOf(id): PathOf<String>,
    JsonBody { value: new, bytes }: JsonBody<NewLayer, SCHEMA_BYTES_MAX>,
) -> Result<Response, Problem> {
    whole_province(&caller)?;
    let snapshot = snapshot_in_path(&id)?;
    let base = app
        .store
        .upload(UploadId::Snapshot(snapshot))
        .await?
        .ok_or_else(unknown)?;
    must_be_published(base.state)?;
    let refused = |error| Problem::of_kind(catalogue::DATASET_SCHEMA_INVALID).with_errors([error]);
    let schema = check::layer_schema(new.columns, &base.schema).map_err(refused)?;
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
    let mut transaction = match app.store.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let new = NewUpload {
        id: UploadId::Layer(LayerId::from_random_bytes(app.random_id())),
        snapshot,
        schema: &schema,
        source: &new.source,
        rows: base.rows,
        by: &caller.key_id,
    };
    let outcome = begun(&app, &mut transaction, &new, "/layers").await;
    ticket.finish(transaction, outcome).await
}

/// What has arrived of a layer
#[utoipa::path(
    get, path = "/layers/{id}", tag = "layers", operation_id = "get_layer",
    params(("id" = String, Path, description = "Layer")),
    responses((status = 200, description = "The layer and its parts", body = UploadProgress))
)]
pub(super) async fn progress(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<UploadProgress>, Problem> {
    shown_with_parts(&app, &caller, layer_in_path(&id)?).await
}

/// Send one column of one segment of a layer
#[utoipa::path(
    put, path = "/layers/{id}/segments/{segment}/columns/{name}", tag = "layers", operation_id = "put_layer_column",
    params(
        ("id" = String, Path, description = "Layer"),
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
    let upload = open_upload(&app, &caller, layer_in_path(&id)?).await?;
    take_column(&app, &upload, &segment, &name, bytes)
        .await
        .map(Json)
}

/// Send a group of row pages of a layer
#[utoipa::path(
    put, path = "/layers/{id}/pages/{first}", tag = "layers", operation_id = "put_layer_pages",
    params(
        ("id" = String, Path, description = "Layer"),
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
    let upload = open_upload(&app, &caller, layer_in_path(&id)?).await?;
    take_pages(&app, &upload, &first, query.rows, &bytes)
        .await
        .map(Json)
}

/// Publish a layer
///
/// Its columns are part of the dataset version from then on.
#[utoipa::path(
    post, path = "/layers/{id}/publish", tag = "layers", operation_id = "publish_layer",
    params(("id" = String, Path, description = "Layer")),
    responses((status = 200, description = "Published", body = Published))
)]
pub(super) async fn publish(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<Published>, Problem> {
    publishing::publish(&app, &caller, layer_in_path(&id)?)
        .await
        .map(Json)
}

/// Give a layer up
#[utoipa::path(
    delete, path = "/layers/{id}", tag = "layers", operation_id = "give_layer_up",
    params(("id" = String, Path, description = "Layer")),
    responses((status = 204, description = "Given up; its values are removed step by step"))
)]
pub(super) async fn give_up(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    given_up(&app, &caller, layer_in_path(&id)?).await
}
