//! Decoded columns that an instance keeps: bounded by bytes, the one that was used longest ago goes first.

use std::collections::BTreeMap;
use std::sync::Arc;

use chudian_dataset::column::ColumnData;
use chudian_dataset::version::{LayerId, SnapshotId};

/// Memory that the kept columns take in one instance: five columns of two bytes each over 10 million customers are 100 MB, and an
/// instance stays well under half a gigabyte with everything else in it.
pub(super) const COLUMN_CACHE_BYTES_MAX: usize = 192 * 1024 * 1024;

/// Which column of which segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ColumnPlace {
    pub(super) snapshot: SnapshotId,
    pub(super) layer: Option<LayerId>,
    pub(super) segment: usize,
    /// Place in the schema of the snapshot or the layer.
    pub(super) column: usize,
}

/// The columns by place, and their places by time of use.
pub(super) struct ColumnCache {
    bytes_max: usize,
    /// Of these, what somebody asked to be left free.
    bytes_reserved: usize,
    bytes: usize,
    uses: u64,
    columns: BTreeMap<ColumnPlace, (u64, Arc<ColumnData>)>,
    by_use: BTreeMap<u64, ColumnPlace>,
}

impl ColumnCache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes_reserved: 0,
            bytes: 0,
            uses: 0,
            columns: BTreeMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// The column, which counts as used now.
    pub(super) fn get(&mut self, place: &ColumnPlace) -> Option<Arc<ColumnData>> {
        let (used, column) = self.columns.get_mut(place)?;
        self.by_use.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.by_use.insert(self.uses, *place);
        Some(Arc::clone(column))
    }

    /// Keeps a column and drops those used longest ago until all fit. A column that alone is too large is not kept.
    pub(super) fn put(&mut self, place: ColumnPlace, column: Arc<ColumnData>) {
        let bytes = column.memory_bytes();
        if bytes > self.room() {
            return;
        }
        self.uses += 1;
        if let Some((used, earlier)) = self.columns.insert(place, (self.uses, column)) {
            self.by_use.remove(&used);
            self.bytes = self.bytes.saturating_sub(earlier.memory_bytes());
        }
        self.by_use.insert(self.uses, place);
        self.bytes = self.bytes.saturating_add(bytes);
        self.drop_oldest();
    }

    /// Leaves `bytes` free until they are given back.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes_reserved = self.bytes_reserved.saturating_add(bytes);
        self.drop_oldest();
    }

    /// Takes back what was left free.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.bytes_reserved = self.bytes_reserved.saturating_sub(bytes);
    }

    fn room(&self) -> usize {
        self.bytes_max.saturating_sub(self.bytes_reserved)
    }

    fn drop_oldest(&mut self) {
        while self.bytes > self.room() {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                return;
            };
            if let Some((_, column)) = self.columns.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(column.memory_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chudian_dataset::bitmap::Bitmap;

    use super::*;

    fn place(column: usize) -> ColumnPlace {
        ColumnPlace {
            snapshot: SnapshotId::from_random_bytes([1; 16]),
            layer: None,
            segment: 0,
            column,
        }
    }

    fn column(rows: usize) -> Arc<ColumnData> {
        Arc::new(ColumnData::Flags {
            values: Bitmap::zeros(rows),
            validity: None,
        })
    }

    /// Goal: the bound holds whatever is put in, and what is used stays.
    #[test]
    fn the_column_used_longest_ago_goes_first() {
        let one = column(8 * 1024).memory_bytes();
        let mut cache = ColumnCache::new(3 * one);
        for index in 0..3 {
            cache.put(place(index), column(8 * 1024));
        }
        assert!(cache.get(&place(0)).is_some());
        cache.put(place(3), column(8 * 1024));
        let kept: Vec<bool> = (0..4)
            .map(|index| cache.get(&place(index)).is_some())
            .collect();
        assert_eq!(kept, [true, false, true, true]);
        cache.put(place(0), column(16));
        cache.put(place(9), column(8 * 1024 * 1024));
        assert!(
            cache.get(&place(9)).is_none(),
            "larger than the whole cache"
        );
        assert!(cache.bytes <= cache.bytes_max);
        let held: usize = cache
            .columns
            .values()
            .map(|(_, column)| column.memory_bytes())
            .sum();
        assert_eq!(held, cache.bytes);
        assert_eq!(cache.columns.len(), cache.by_use.len());
    }

    /// Goal: work that needs memory gets it from the cache, and the cache gets it back.
    #[test]
    fn what_is_reserved_is_left_free() {
        let one = column(8 * 1024).memory_bytes();
        let mut cache = ColumnCache::new(4 * one);
        (0..4).for_each(|index| cache.put(place(index), column(8 * 1024)));
        cache.reserve(one);
        cache.reserve(2 * one);
        assert_eq!(cache.bytes, one);
        assert!(cache.get(&place(3)).is_some(), "the one used last stays");
        cache.put(place(4), column(8 * 1024));
        assert_eq!(cache.bytes, one);
        cache.reserve(10 * one);
        assert_eq!(cache.bytes, 0);
        cache.put(place(5), column(8 * 1024));
        assert!(cache.get(&place(5)).is_none());
        [one, 2 * one, 10 * one]
            .into_iter()
            .for_each(|bytes| cache.give_back(bytes));
        (0..4).for_each(|index| cache.put(place(index), column(8 * 1024)));
        assert_eq!(cache.bytes, 4 * one);
    }
}
