//! Snapshots: listed, described, made current again; values of retired ones removed.

use axum::Json;
use axum::extract::State as Shared;
use chudian_dataset::schema::SchemaChange;
use chudian_dataset::version::DatasetVersion;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::imports::{must_be_published, shown};
use super::problems::{not_activated, not_published, not_swept, snapshot_in_path, unknown};
use super::{App, rfc3339, whole_province};
use crate::store::{UploadId, UploadRow};
use crate::wire::{ColumnChange, ColumnShown, CurrentVersion, SnapshotShown, Swept, Upload};

/// The snapshot that the path calls "current".
const CURRENT: &str = "current";

/// Query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Items of a page, 1 to 200; absent: 50.
    #[serde(default)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// Opens the version that the path names: `current`, or a snapshot with its layers.
pub(super) async fn open(app: &App, text: &str) -> Result<(SnapshotReader, UploadRow), Problem> {
    let version = if text == CURRENT {
        app.snapshots.open_current().await?.version().clone()
    } else {
        version_in_path(app, text).await?
    };
    let upload = app
        .store
        .upload(UploadId::Snapshot(version.snapshot()))
        .await?
        .ok_or_else(unknown)?;
    Ok((app.snapshots.open(&version).await?, upload))
}

async fn version_in_path(app: &App, text: &str) -> Result<DatasetVersion, Problem> {
    let snapshot = snapshot_in_path(text)?;
    let upload = app
        .store
        .upload(UploadId::Snapshot(snapshot))
        .await?
        .ok_or_else(unknown)?;
    must_be_published(upload.state)?;
    app.store.version_of(snapshot).await.map_err(not_published)
}

/// Snapshots, newest first
#[utoipa::path(
    get, path = "/snapshots", tag = "snapshots", operation_id = "list_snapshots",
    params(ListQuery),
    responses((status = 200, description = "A page of snapshots of every state but removed", body = Page<Upload>))
)]
pub(super) async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<Upload>>, Problem> {
    whole_province(&caller)?;
    let request: PageRequest<(i64, String)> =
        PageRequest::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .store
        .snapshots(request.after.as_ref(), request.rows_to_read())
        .await?;
    let page = request.page(rows, |upload| {
        (upload.created_at_unix_s, upload.id.to_string())
    });
    Ok(Json(Page {
        items: page.items.iter().map(shown).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// Describe a snapshot
///
/// Columns with titles, units, groups and statistics, layers included.
#[utoipa::path(
    get, path = "/snapshots/{id}", tag = "snapshots", operation_id = "describe_snapshot",
    params(("id" = String, Path, description = "Snapshot, or `current`")),
    responses((status = 200, description = "The snapshot", body = SnapshotShown))
)]
pub(super) async fn describe(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<SnapshotShown>, Problem> {
    let (reader, upload) = open(&app, &id).await?;
    // Whole-province figures are not for the keys of one region.
    let province = caller.region.is_none();
    let columns = reader.columns().map(|column| {
        let facts = reader.facts(column.name.as_str()).filter(|_| province);
        ColumnShown::of(column, facts.map(|facts| &facts.total))
    });
    let before = match upload.publish_sequence {
        Some(sequence) => app.store.published_before(sequence).await?,
        None => None,
    };
    let changes = before
        .map(|before| upload.schema.changes_since(&before.schema))
        .unwrap_or_default();
    Ok(Json(SnapshotShown {
        id: upload.id.to_string(),
        version: reader.version().to_string(),
        is_current: app.snapshots.current().await?.as_ref() == Some(reader.version()),
        rows: province.then(|| reader.rows()),
        segments: reader.segment_count() as u64,
        source: upload.source.clone(),
        published_at: upload.published_at_unix_s.map(rfc3339),
        columns: columns.collect(),
        changes: changes.into_iter().map(change_shown).collect(),
    }))
}

fn change_shown(change: SchemaChange) -> ColumnChange {
    let (column, change) = match change {
        SchemaChange::Added(column) => (column, "added"),
        SchemaChange::Dropped(column) => (column, "dropped"),
        SchemaChange::Retyped { column, .. } => (column, "retyped"),
    };
    ColumnChange {
        column: column.to_string(),
        change: change.to_owned(),
    }
}

/// Make a published snapshot current again
#[utoipa::path(
    post, path = "/snapshots/{id}/activate", tag = "snapshots", operation_id = "activate_snapshot",
    params(("id" = String, Path, description = "Snapshot")),
    responses((status = 200, description = "It is in force", body = CurrentVersion))
)]
pub(super) async fn activate(
    Shared(app): Shared<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<CurrentVersion>, Problem> {
    whole_province(&caller)?;
    let version = app
        .store
        .activate(snapshot_in_path(&id)?, &caller.key_id)
        .await
        .map_err(not_activated)?;
    app.snapshots.forget_current();
    Ok(Json(CurrentVersion {
        current_version: version.to_string(),
    }))
}

/// Remove some values of retired snapshots
///
/// A bounded number at a time; repeat while `more` is true.
#[utoipa::path(
    post, path = "/sweep", tag = "snapshots", operation_id = "sweep",
    responses((status = 200, description = "What was removed", body = Swept))
)]
pub(super) async fn sweep(
    Shared(app): Shared<App>,
    caller: Caller,
) -> Result<Json<Swept>, Problem> {
    whole_province(&caller)?;
    let (values_removed, more) = app.store.sweep().await.map_err(not_swept)?;
    Ok(Json(Swept {
        values_removed,
        more,
    }))
}
