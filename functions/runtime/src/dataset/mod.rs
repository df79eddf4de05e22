//! Reading the customer dataset: which version is current, its columns by segment, one customer by one read.
//!
//! ```text
//! Snapshots ─ current() ─▶ DatasetVersion ─ open() ─▶ SnapshotReader ─ column(segment, name) ─▶ Arc<ColumnData>
//!   one row of SQL,                    manifests,                    └ customer(id) ─▶ CustomerRow
//!   believed for a moment              kept by id
//! ```
//!
//! Snapshots and layers are immutable, so manifests and decoded columns are kept in the instance by id; only which version is current is
//! asked again, every [`CURRENT_CACHE_MS`]. Invariant: one [`SnapshotReader`] answers from one version, however long it is held and
//! whatever is published meanwhile. It reads only: `customer-dataset` is the one function that writes.

mod cache;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chudian_dataset::column::{ColumnData, DecodeError};
use chudian_dataset::keys;
use chudian_dataset::manifest::{ColumnFacts, LayerManifest, SnapshotManifest, Table, page_of};
use chudian_dataset::page::{self, PageError};
use chudian_dataset::schema::{Column, Purpose};
use chudian_dataset::statistics::ColumnStatistics;
use chudian_dataset::value::Value;
use chudian_dataset::version::{DatasetVersion, VersionError};
use chudian_dataset::wire::{self, WireError};
use chudian_vocabulary::Name;
use chudian_vocabulary::pseudonym::CustomerPseudonym;

use self::cache::{COLUMN_CACHE_BYTES_MAX, ColumnCache, ColumnPlace};
use crate::ports::sql::{Sql, SqlError};
use crate::ports::{Clock, KeyValue, KeyValueError};
use crate::problem::{Problem, catalogue};

/// How long the answer to "which version is current" is believed: a publication is felt within this time in every instance, and a busy
/// instance asks the database a few times a second, not with each request.
pub const CURRENT_CACHE_MS: i64 = 500;

/// Versions whose manifests an instance keeps: the current one, the one before, and two that frozen lists are checked against.
const VIEWS_KEPT_MAX: usize = 4;

/// Why the dataset cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing has been published yet.
    #[error("no snapshot has been published")]
    NothingPublished,
    /// The version's values are gone: it was retired.
    #[error("the dataset version `{0}` is no longer kept")]
    Retired(DatasetVersion),
    /// The version has no such column.
    #[error("the dataset has no column `{0}`")]
    UnknownColumn(String),
    /// The database did not answer.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The key-value store did not answer.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
    /// A stored manifest cannot be read.
    #[error("{key}: {source}")]
    Manifest {
        /// Its key.
        key: String,
        /// What is wrong.
        source: WireError,
    },
    /// A stored column cannot be read.
    #[error("{key}: {source}")]
    Column {
        /// Its key.
        key: String,
        /// What is wrong.
        source: DecodeError,
    },
    /// A stored page cannot be read.
    #[error("{key}: {source}")]
    Page {
        /// Its key.
        key: String,
        /// What is wrong.
        source: PageError,
    },
    /// A stored version text is none.
    #[error("the stored dataset version: {0}")]
    Version(#[from] VersionError),
    /// A value has another number of rows than its segment.
    #[error("{key}: another number of rows than its segment")]
    Rows {
        /// Its key.
        key: String,
    },
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NothingPublished => Self::new(
                catalogue::DATASET_NOT_PUBLISHED,
                Name::new(
                    "还没有发布客户数据集。请先用 `chudian import` 导入并发布。",
                    "No customer dataset has been published. Import and publish one with `chudian import`.",
                ),
            ),
            ReadError::Retired(version) => Self::new(
                catalogue::DATASET_UNKNOWN,
                Name::new(
                    format!("数据集版本 {version} 已不再保留。请使用当前版本。"),
                    format!(
                        "The dataset version {version} is no longer kept; use the current one."
                    ),
                ),
            ),
            ReadError::UnknownColumn(name) => Self::new(
                catalogue::COLUMN_UNKNOWN,
                Name::new(
                    format!(
                        "当前数据集没有列“{name}”。请查看数据集说明中的列名；可能在后来的快照中已删除或改名。"
                    ),
                    format!(
                        "The dataset has no column `{name}`. See the columns in its description; a later snapshot may have dropped or renamed it."
                    ),
                ),
            ),
            ReadError::Sql(error) => error.into(),
            ReadError::KeyValue(error) => error.into(),
            ReadError::Manifest { .. }
            | ReadError::Column { .. }
            | ReadError::Page { .. }
            | ReadError::Version(_)
            | ReadError::Rows { .. } => Self::internal(error.to_string()),
        }
    }
}

/// The dataset's versions. Clones share what was read.
#[derive(Clone)]
pub struct Snapshots {
    inner: Arc<Inner>,
}

struct Inner {
    sql: Sql,
    key_value: Arc<dyn KeyValue>,
    clock: Arc<dyn Clock>,
    /// The version that was current when the database was last asked, and when that was.
    current: Mutex<Option<(i64, Option<DatasetVersion>)>>,
    /// The one used last at the end.
    views: Mutex<Vec<Arc<View>>>,
    columns: Mutex<ColumnCache>,
}

impl Snapshots {
    /// The dataset whose registry is in `sql` and whose values are in `key_value`.
    pub fn new(sql: Sql, key_value: Arc<dyn KeyValue>, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            sql,
            key_value,
            clock,
            current: Mutex::default(),
            views: Mutex::default(),
            columns: Mutex::new(ColumnCache::new(COLUMN_CACHE_BYTES_MAX)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The version in force; nothing before the first publication. At most [`CURRENT_CACHE_MS`] old.
    ///
    /// # Errors
    /// [`ReadError::Sql`], [`ReadError::Version`].
    pub async fn current(&self) -> Result<Option<DatasetVersion>, ReadError> {
        let now_ms = self.inner.clock.now_unix_ms();
        let known = self
            .inner
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((read_at_ms, version)) = known
            && (0..CURRENT_CACHE_MS).contains(&(now_ms - read_at_ms))
        {
            return Ok(version);
        }
        let select = "select version from pub_dataset_current";
        let row: Option<(String,)> = self.inner.sql.query_optional(select, Vec::new()).await?;
        let version = row.map(|(text,)| text.parse()).transpose()?;
        *self
            .inner
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((now_ms, version.clone()));
        Ok(version)
    }

    /// Asks the database with the next [`Self::current`]: after this instance changed what is current.
    pub fn forget_current(&self) {
        *self
            .inner
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A reader of the version in force.
    ///
    /// # Errors
    /// [`ReadError::NothingPublished`], and as [`Self::open`].
    pub async fn open_current(&self) -> Result<SnapshotReader, ReadError> {
        let version = self.current().await?.ok_or(ReadError::NothingPublished)?;
        match self.open(&version).await {
            // It may have been replaced and removed since the database was asked.
            Err(ReadError::Retired(_)) => {
                self.forget_current();
                let version = self.current().await?.ok_or(ReadError::NothingPublished)?;
                self.open(&version).await
            }
            outcome => outcome,
        }
    }

    /// A reader of `version`, also of an earlier one that is still kept.
    ///
    /// # Errors
    /// [`ReadError::Retired`] when its values are gone; [`ReadError::KeyValue`], [`ReadError::Manifest`].
    pub async fn open(&self, version: &DatasetVersion) -> Result<SnapshotReader, ReadError> {
        let known = {
            let mut views = self
                .inner
                .views
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let place = views.iter().position(|view| &view.version == version);
            place.map(|place| {
                let view = views.remove(place);
                views.push(Arc::clone(&view));
                view
            })
        };
        let view = match known {
            Some(view) => view,
            None => self.read_view(version).await?,
        };
        Ok(SnapshotReader {
            inner: Arc::clone(&self.inner),
            view,
        })
    }

    async fn read_view(&self, version: &DatasetVersion) -> Result<Arc<View>, ReadError> {
        let retired = || ReadError::Retired(version.clone());
        let snapshot = version.snapshot();
        let key = keys::manifest(snapshot);
        let bytes = self.inner.key_value.get(&key).await?.ok_or_else(retired)?;
        let manifest =
            wire::read_snapshot(&bytes).map_err(|source| ReadError::Manifest { key, source })?;
        let mut layers = Vec::with_capacity(version.layers().len());
        for layer in version.layers() {
            let key = keys::layer_manifest(snapshot, *layer);
            let bytes = self.inner.key_value.get(&key).await?.ok_or_else(retired)?;
            layers.push(
                wire::read_layer(&bytes).map_err(|source| ReadError::Manifest { key, source })?,
            );
        }
        let view = Arc::new(View::new(version.clone(), manifest, layers));
        let mut views = self
            .inner
            .views
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if views.len() >= VIEWS_KEPT_MAX {
            views.remove(0);
        }
        views.push(Arc::clone(&view));
        Ok(view)
    }
}

/// Where a column of a version is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// In the snapshot, at this place of its schema.
    Base(usize),
    /// In a layer (its place in the version), at this place of its schema.
    Layer(usize, usize),
}

/// One version with its manifests.
struct View {
    version: DatasetVersion,
    manifest: SnapshotManifest,
    layers: Vec<LayerManifest>,
    /// Every column that the version shows, the snapshot's first.
    columns: Vec<(Column, Source)>,
    by_name: BTreeMap<String, usize>,
}

impl View {
    fn new(
        version: DatasetVersion,
        manifest: SnapshotManifest,
        layers: Vec<LayerManifest>,
    ) -> Self {
        let mut columns: Vec<(Column, Source)> = Vec::new();
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        let base = manifest.table.schema().columns().iter().enumerate();
        let base = base.map(|(place, column)| (column, Source::Base(place)));
        let derived = layers.iter().enumerate().flat_map(|(layer, manifest)| {
            let columns = manifest.table.schema().columns().iter().enumerate();
            columns.map(move |(place, column)| (column, Source::Layer(layer, place)))
        });
        for (column, source) in base.chain(derived) {
            // A later layer's column takes the place of an earlier one's: it is the newer result of the same batch.
            match by_name
                .get(column.name.as_str())
                .and_then(|place| columns.get_mut(*place))
            {
                Some(earlier) => *earlier = (column.clone(), source),
                None => {
                    by_name.insert(column.name.as_str().to_owned(), columns.len());
                    columns.push((column.clone(), source));
                }
            }
        }
        Self {
            version,
            manifest,
            layers,
            columns,
            by_name,
        }
    }

    fn table(&self, source: Source) -> Option<(&Table, usize)> {
        match source {
            Source::Base(place) => Some((&self.manifest.table, place)),
            Source::Layer(layer, place) => {
                self.layers.get(layer).map(|layer| (&layer.table, place))
            }
        }
    }

    fn facts(&self, source: Source) -> Option<&ColumnFacts> {
        let (table, place) = self.table(source)?;
        table.columns().get(place)
    }
}

/// One customer in row form.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomerRow {
    /// Who.
    pub customer: CustomerPseudonym,
    /// The segment in which the customer stands.
    pub segment: usize,
    /// The row of that segment.
    pub row: usize,
    /// The values, in the order of [`SnapshotReader::columns`].
    pub values: Vec<Option<Value>>,
}

/// Reads one version of the dataset. Cheap to clone.
#[derive(Clone)]
pub struct SnapshotReader {
    inner: Arc<Inner>,
    view: Arc<View>,
}

/// Memory of the instance that kept columns leave to other work while this lives.
pub struct ReservedMemory {
    inner: Arc<Inner>,
    bytes: usize,
}

impl Drop for ReservedMemory {
    fn drop(&mut self) {
        self.inner.columns().give_back(self.bytes);
    }
}

impl Inner {
    fn columns(&self) -> MutexGuard<'_, ColumnCache> {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SnapshotReader {
    /// Has the columns that this instance keeps leave `bytes` free, for work that holds much in memory: both together are more than an
    /// instance may use.
    #[must_use]
    pub fn reserve_memory(&self, bytes: usize) -> ReservedMemory {
        self.inner.columns().reserve(bytes);
        ReservedMemory {
            inner: Arc::clone(&self.inner),
            bytes,
        }
    }

    /// The version that is read.
    pub fn version(&self) -> &DatasetVersion {
        &self.view.version
    }

    /// The manifest of the snapshot.
    pub fn manifest(&self) -> &SnapshotManifest {
        &self.view.manifest
    }

    /// The manifests of the version's layers, in their order.
    pub fn layers(&self) -> &[LayerManifest] {
        &self.view.layers
    }

    /// Customers.
    pub fn rows(&self) -> u64 {
        self.view.manifest.table.rows()
    }

    /// Segments.
    pub fn segment_count(&self) -> usize {
        self.view.manifest.table.segment_count()
    }

    /// Customers of one segment.
    pub fn segment_rows(&self, segment: usize) -> usize {
        self.view.manifest.table.segment_rows(segment)
    }

    /// Every column of the version: those of the snapshot, then those that layers add. A later layer's column stands in place of an
    /// earlier layer's with the same name.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &Column> {
        self.view.columns.iter().map(|(column, _)| column)
    }

    /// The column `name`.
    pub fn describe(&self, name: &str) -> Option<&Column> {
        self.view
            .by_name
            .get(name)
            .and_then(|place| self.view.columns.get(*place))
            .map(|(column, _)| column)
    }

    /// The place of the column `name` in [`Self::columns`].
    pub fn position(&self, name: &str) -> Option<usize> {
        self.view.by_name.get(name).copied()
    }

    /// The column with this purpose.
    pub fn with_purpose(&self, purpose: Purpose) -> Option<&Column> {
        self.columns()
            .find(|column| column.purpose == Some(purpose))
    }

    /// Statistics of the column `name`.
    pub fn facts(&self, name: &str) -> Option<&ColumnFacts> {
        self.source(name)
            .ok()
            .and_then(|source| self.view.facts(source))
    }

    /// Statistics of the column `name` in one segment, by which a filter leaves the segment out.
    pub fn segment_statistics(&self, name: &str, segment: usize) -> Option<&ColumnStatistics> {
        self.facts(name)?.segments.get(segment)
    }

    fn source(&self, name: &str) -> Result<Source, ReadError> {
        let place = self
            .view
            .by_name
            .get(name)
            .and_then(|place| self.view.columns.get(*place));
        place
            .map(|(_, source)| *source)
            .ok_or_else(|| ReadError::UnknownColumn(name.to_owned()))
    }

    /// Where the column `name` of a segment is kept: its description, its key, and its place in the cache.
    fn place(
        &self,
        segment: usize,
        name: &str,
    ) -> Result<(&Column, String, ColumnPlace), ReadError> {
        let source = self.source(name)?;
        let snapshot = self.view.version.snapshot();
        let missing = || ReadError::UnknownColumn(name.to_owned());
        let (table, place) = self.view.table(source).ok_or_else(missing)?;
        let column = table.schema().columns().get(place).ok_or_else(missing)?;
        let layer = match source {
            Source::Base(_) => None,
            Source::Layer(layer, _) => self.view.version.layers().get(layer).copied(),
        };
        let key = match layer {
            None => keys::column(snapshot, segment, &column.name),
            Some(layer) => keys::layer_column(snapshot, layer, segment, &column.name),
        };
        let cached = ColumnPlace {
            snapshot,
            layer,
            segment,
            column: place,
        };
        Ok((column, key, cached))
    }

    /// One column of one segment as it is stored: an Arrow IPC stream.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub async fn encoded_column(&self, segment: usize, name: &str) -> Result<Vec<u8>, ReadError> {
        let (_, key, _) = self.place(segment, name)?;
        let bytes = self.inner.key_value.get(&key).await?;
        bytes.ok_or_else(|| ReadError::Retired(self.view.version.clone()))
    }

    /// One column of one segment, from memory when it was read before.
    ///
    /// # Errors
    /// [`ReadError::UnknownColumn`]; [`ReadError::Retired`] when the value is gone; others when the stores or the value fail.
    pub async fn column(&self, segment: usize, name: &str) -> Result<Arc<ColumnData>, ReadError> {
        let (column, key, cached) = self.place(segment, name)?;
        let known = self
            .inner
            .columns
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&cached);
        if let Some(known) = known {
            return Ok(known);
        }
        let retired = || ReadError::Retired(self.view.version.clone());
        let bytes = self.inner.key_value.get(&key).await?.ok_or_else(retired)?;
        let data = match ColumnData::decode(bytes, column) {
            Ok(data) if data.rows() == self.segment_rows(segment) => Arc::new(data),
            Ok(_) => return Err(ReadError::Rows { key }),
            Err(source) => return Err(ReadError::Column { key, source }),
        };
        self.inner
            .columns
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(cached, Arc::clone(&data));
        Ok(data)
    }

    /// One customer with every column of the version: one read, and one for each layer. Nothing when there is no such customer.
    ///
    /// # Errors
    /// [`ReadError::Retired`] when the values are gone; others when the stores or the page fail.
    pub async fn customer(
        &self,
        customer: CustomerPseudonym,
    ) -> Result<Option<CustomerRow>, ReadError> {
        let number = page_of(customer, self.view.manifest.table.page_count());
        let snapshot = self.view.version.snapshot();
        let key = keys::page(snapshot, number);
        let Some((segment, row, base)) = self
            .row_of(key, &self.view.manifest.table, customer)
            .await?
        else {
            return Ok(None);
        };
        let mut derived = Vec::with_capacity(self.view.layers.len());
        for layer in &self.view.layers {
            let key = keys::layer_page(snapshot, layer.layer, number);
            let row = self.row_of(key, &layer.table, customer).await?;
            derived.push(row.map(|(_, _, values)| values).unwrap_or_default());
        }
        let mut sources: Vec<Vec<Option<Value>>> = vec![base];
        sources.extend(derived);
        let take = |source: Source| {
            let (table, place) = match source {
                Source::Base(place) => (0, place),
                Source::Layer(layer, place) => (layer + 1, place),
            };
            sources
                .get_mut(table)
                .and_then(|values| values.get_mut(place))
                .and_then(Option::take)
        };
        let values = self
            .view
            .columns
            .iter()
            .map(|(_, source)| *source)
            .map(take)
            .collect();
        Ok(Some(CustomerRow {
            customer,
            segment,
            row,
            values,
        }))
    }

    async fn row_of(
        &self,
        key: String,
        table: &Table,
        customer: CustomerPseudonym,
    ) -> Result<Option<(usize, usize, Vec<Option<Value>>)>, ReadError> {
        if table.rows() == 0 {
            return Ok(None);
        }
        let retired = || ReadError::Retired(self.view.version.clone());
        let Some(bytes) = self.inner.key_value.get(&key).await? else {
            // Every page of a published snapshot exists, an empty one too.
            return Err(retired());
        };
        let read = || {
            let Some(record) = page::find(&bytes, customer)? else {
                return Ok(None);
            };
            Ok(Some((
                record.segment,
                record.row,
                record.values(table.schema())?,
            )))
        };
        read().map_err(|source| ReadError::Page { key, source })
    }
}
