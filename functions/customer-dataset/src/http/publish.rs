//! Publishing, the same for imports and layers.

use chudian_dataset::manifest::{FORMAT_VERSION, LayerManifest, SnapshotManifest, Table};
use chudian_dataset::wire::{write_layer, write_snapshot};
use chudian_runtime::http::auth::Caller;
use chudian_runtime::problem::Problem;

use super::problems::{in_state, incomplete, not_published, unknown, unreadable};
use super::{App, whole_province};
use crate::service::assemble::{Assembly, rows_of};
use crate::store::{State, UploadId, UploadRow};
use crate::wire::Published;

/// Checks and publishes an upload; one that is published already is told as it was.
pub(super) async fn publish(
    app: &App,
    caller: &Caller,
    id: UploadId,
) -> Result<Published, Problem> {
    whole_province(caller)?;
    let upload = app.store.upload(id).await?.ok_or_else(unknown)?;
    match upload.state {
        State::Importing => {}
        State::Published => {
            // What this instance believes may be older than the publication, which another one may have made.
            app.snapshots.forget_current();
            let version = app
                .store
                .version_of(upload.snapshot)
                .await
                .map_err(not_published)?;
            return Ok(Published {
                id: id.to_string(),
                current_version: app
                    .snapshots
                    .current()
                    .await?
                    .unwrap_or(version)
                    .to_string(),
                rows: upload.rows.unwrap_or_default(),
            });
        }
        State::Retired | State::Removed => return Err(in_state(upload.state)),
    }
    let base = match id {
        UploadId::Snapshot(_) => None,
        UploadId::Layer(_) => Some(base_of(app, &upload).await?),
    };
    let (table, places) = assembled(app, &upload, base.as_ref()).await?;
    let rows = table.rows();
    let manifest = match id {
        UploadId::Snapshot(snapshot) => write_snapshot(&SnapshotManifest {
            format: FORMAT_VERSION,
            snapshot,
            table,
        }),
        UploadId::Layer(layer) => write_layer(&LayerManifest {
            format: FORMAT_VERSION,
            layer,
            snapshot: upload.snapshot,
            table,
        }),
    };
    let manifest = manifest.map_err(|error| unreadable(&error))?;
    // Before anything names it: a manifest that nobody publishes is replaced by the next attempt or swept with its upload.
    app.store
        .values()
        .set(&upload.manifest_key(), &manifest)
        .await?;
    let kept = app.snapshots_kept().await?;
    let version = app
        .store
        .publish(&upload, rows, places, kept, &caller.key_id)
        .await
        .map_err(not_published)?;
    app.snapshots.forget_current();
    let current = app.snapshots.current().await?.unwrap_or(version);
    Ok(Published {
        id: id.to_string(),
        current_version: current.to_string(),
        rows,
    })
}

/// The snapshot under a layer.
async fn base_of(app: &App, layer: &UploadRow) -> Result<UploadRow, Problem> {
    let base = app
        .store
        .upload(UploadId::Snapshot(layer.snapshot))
        .await?
        .ok_or_else(unknown)?;
    if base.state == State::Published {
        Ok(base)
    } else {
        Err(in_state(base.state))
    }
}

async fn assembled(
    app: &App,
    upload: &UploadRow,
    base: Option<&UploadRow>,
) -> Result<(Table, u64), Problem> {
    let columns = upload.schema.columns();
    let rows = match (upload.rows, columns.first()) {
        (Some(rows), _) => rows,
        (None, Some(first)) => rows_of(&app.store.column_parts(upload.id, &first.name).await?),
        (None, None) => 0,
    };
    let mut assembly = Assembly::new(&upload.schema, rows, base.and_then(|base| base.places));
    for column in columns {
        let parts = app.store.column_parts(upload.id, &column.name).await?;
        assembly
            .column(column, &parts)
            .map_err(|error| unreadable(&error))?;
    }
    let pages = app.store.page_parts(upload.id).await?;
    assembly.finish(&pages).map_err(|gaps| incomplete(&gaps))
}
