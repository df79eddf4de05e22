//! JSON forms of the manifests and summaries: the only module that knows JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::manifest::{FORMAT_VERSION, LayerManifest, SnapshotManifest, TableError};
use crate::statistics::ColumnSummary;

/// Why stored bytes are no document of ours.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Not the JSON of such a document.
    #[error("a stored document cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Made by another version of this program.
    #[error(transparent)]
    Table(#[from] TableError),
}

fn written(document: &impl Serialize) -> Result<Vec<u8>, WireError> {
    Ok(serde_json::to_vec(document)?)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    Ok(serde_json::from_slice(bytes)?)
}

fn check_format(format: u32) -> Result<(), WireError> {
    if format == FORMAT_VERSION {
        Ok(())
    } else {
        Err(TableError::Format.into())
    }
}

/// Writes the manifest of a snapshot.
///
/// # Errors
/// [`WireError::Json`] when a value has no JSON form; ours have one.
pub fn write_snapshot(manifest: &SnapshotManifest) -> Result<Vec<u8>, WireError> {
    written(manifest)
}

/// Reads the manifest of a snapshot.
///
/// # Errors
/// [`WireError`] for other bytes or another format.
pub fn read_snapshot(bytes: &[u8]) -> Result<SnapshotManifest, WireError> {
    let manifest: SnapshotManifest = read(bytes)?;
    check_format(manifest.format)?;
    Ok(manifest)
}

/// Writes the manifest of a layer.
///
/// # Errors
/// As [`write_snapshot`].
pub fn write_layer(manifest: &LayerManifest) -> Result<Vec<u8>, WireError> {
    written(manifest)
}

/// Reads the manifest of a layer.
///
/// # Errors
/// As [`read_snapshot`].
pub fn read_layer(bytes: &[u8]) -> Result<LayerManifest, WireError> {
    let manifest: LayerManifest = read(bytes)?;
    check_format(manifest.format)?;
    Ok(manifest)
}

/// Writes the summary of a part, to be merged when everything has arrived.
///
/// # Errors
/// As [`write_snapshot`].
pub fn write_summary(summary: &ColumnSummary) -> Result<Vec<u8>, WireError> {
    written(summary)
}

/// Reads the summary of a part.
///
/// # Errors
/// [`WireError::Json`] for other bytes.
pub fn read_summary(bytes: &[u8]) -> Result<ColumnSummary, WireError> {
    read(bytes)
}
