//! Manifests through their JSON form.

use chudian_dataset::manifest::{
    ColumnFacts, FORMAT_VERSION, LayerManifest, SnapshotManifest, Table, TableError,
};
use chudian_dataset::schema::{Kind, Schema};
use chudian_dataset::statistics::ColumnStatistics;
use chudian_dataset::version::{LayerId, SnapshotId};
use chudian_dataset::wire::{read_layer, read_snapshot, write_layer, write_snapshot};
use proptest::prelude::*;

use crate::rows::{any_rows, built, column_of};

fn table(kind: Kind, rows: &[Option<chudian_dataset::value::Value>]) -> Result<Table, TableError> {
    let schema = match kind {
        Kind::Identity => Schema::of_snapshot(vec![column_of(kind)]),
        _ => Schema::of_layer(vec![column_of(kind)]),
    };
    let statistics = ColumnStatistics::of(&built(kind, rows));
    let segments = if rows.is_empty() {
        vec![]
    } else {
        vec![statistics.clone()]
    };
    Table::new(
        schema.unwrap(),
        rows.len() as u64,
        vec![ColumnFacts {
            total: statistics,
            segments,
        }],
    )
}

proptest! {
    #[test]
    fn manifests_come_back((kind, rows) in any_rows(0..50_usize), id in any::<[u8; 16]>()) {
        let snapshot = SnapshotId::from_random_bytes(id);
        let manifest = SnapshotManifest { format: FORMAT_VERSION, snapshot, table: table(kind, &rows).unwrap() };
        prop_assert_eq!(&read_snapshot(&write_snapshot(&manifest).unwrap()).unwrap(), &manifest);
        let layer = LayerManifest { format: FORMAT_VERSION, layer: LayerId::from_random_bytes(id), snapshot, table: manifest.table };
        prop_assert_eq!(&read_layer(&write_layer(&layer).unwrap()).unwrap(), &layer);
    }

    /// Goal: a stored manifest that was changed is an error or a manifest, never a panic.
    #[test]
    fn bent_manifests_do_no_harm((kind, rows) in any_rows(1..20_usize), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let manifest = SnapshotManifest { format: FORMAT_VERSION, snapshot: SnapshotId::from_random_bytes([1; 16]), table: table(kind, &rows).unwrap() };
        let mut bytes = write_snapshot(&manifest).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(read) = read_snapshot(&bytes) {
            prop_assert_eq!(read.table.columns().len(), read.table.schema().columns().len());
        }
        prop_assert!(read_snapshot(&bytes[..place]).is_err());
    }
}

#[test]
fn another_format_and_other_counts_are_refused() {
    let manifest = SnapshotManifest {
        format: FORMAT_VERSION + 1,
        snapshot: SnapshotId::from_random_bytes([1; 16]),
        table: table(Kind::Flag, &[None]).unwrap(),
    };
    assert!(read_snapshot(&write_snapshot(&manifest).unwrap()).is_err());
    let facts = manifest.table.columns().to_vec();
    let schema = manifest.table.schema().clone();
    assert_eq!(
        Table::new(schema.clone(), 2, facts.clone()),
        Err(TableError::Statistics)
    );
    assert_eq!(
        Table::new(schema.clone(), 1, vec![]),
        Err(TableError::Statistics)
    );
    assert_eq!(
        Table::new(schema, u64::MAX, facts),
        Err(TableError::TooManyRows)
    );
}
