//! The key of every value that the dataset keeps in the key-value store. The only place that spells one.
//!
//! All begin with `dataset/<snapshot>/`, so that what belongs to a snapshot can be told from its key, and name immutable bytes.

use crate::schema::ColumnName;
use crate::version::{LayerId, SnapshotId};

/// What every key of the dataset begins with.
pub const PREFIX: &str = "dataset/";

/// What every key of one snapshot, its layers included, begins with.
#[must_use]
pub fn snapshot_prefix(snapshot: SnapshotId) -> String {
    format!("{PREFIX}{snapshot}/")
}

/// The manifest of a snapshot.
#[must_use]
pub fn manifest(snapshot: SnapshotId) -> String {
    format!("{PREFIX}{snapshot}/manifest")
}

/// One column of one segment of a snapshot.
#[must_use]
pub fn column(snapshot: SnapshotId, segment: usize, name: &ColumnName) -> String {
    format!("{PREFIX}{snapshot}/s{segment}/{name}")
}

/// One row page of a snapshot.
#[must_use]
pub fn page(snapshot: SnapshotId, page: u64) -> String {
    format!("{PREFIX}{snapshot}/p{page}")
}

/// The manifest of a layer.
#[must_use]
pub fn layer_manifest(snapshot: SnapshotId, layer: LayerId) -> String {
    format!("{PREFIX}{snapshot}/{layer}/manifest")
}

/// One column of one segment of a layer.
#[must_use]
pub fn layer_column(
    snapshot: SnapshotId,
    layer: LayerId,
    segment: usize,
    name: &ColumnName,
) -> String {
    format!("{PREFIX}{snapshot}/{layer}/s{segment}/{name}")
}

/// One row page of a layer.
#[must_use]
pub fn layer_page(snapshot: SnapshotId, layer: LayerId, page: u64) -> String {
    format!("{PREFIX}{snapshot}/{layer}/p{page}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Goal: no two values share a key, and a key of ours stays under the 256 bytes that stores commonly allow.
    #[test]
    fn keys_are_distinct_and_short() {
        let snapshot = SnapshotId::from_random_bytes([1; 16]);
        let layer = LayerId::from_random_bytes([2; 16]);
        // A column may have the name of anything else.
        let names = ["manifest", "p1", "s1"].map(|name| ColumnName::new(name).unwrap());
        let mut all = vec![manifest(snapshot), layer_manifest(snapshot, layer)];
        for number in [0, 1, 11] {
            all.extend([page(snapshot, number), layer_page(snapshot, layer, number)]);
            for name in &names {
                all.push(column(snapshot, number as usize, name));
                all.push(layer_column(snapshot, layer, number as usize, name));
            }
        }
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(
            all.iter()
                .all(|key| key.starts_with(&snapshot_prefix(snapshot)))
        );
        let longest = ColumnName::new("x".repeat(64)).unwrap();
        assert!(layer_column(snapshot, layer, 1023, &longest).len() < 256);
    }
}
