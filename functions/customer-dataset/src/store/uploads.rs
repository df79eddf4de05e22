//! Uploads: snapshots and layers from their beginning to their end.

use std::fmt;
use std::str::FromStr;

use chudian_dataset::keys;
use chudian_dataset::schema::{ColumnName, Schema};
use chudian_dataset::version::{LayerId, SnapshotId, VersionError};
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};
use chudian_vocabulary::access::KeyId;

use super::Store;
use crate::limits::IMPORT_ABANDONED_AFTER_S;
use crate::wire::SourceFacts;

/// Columns of [`UploadRow`], in its order.
const ROW: &str = "id, snapshot_id, state, columns, source, row_count, places, revision, created_at_unix_s, created_by, \
                   published_at_unix_s, published_by, publish_sequence";

/// A snapshot or a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadId {
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A layer.
    Layer(LayerId),
}

impl fmt::Display for UploadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot(id) => id.fmt(formatter),
            Self::Layer(id) => id.fmt(formatter),
        }
    }
}

impl FromStr for UploadId {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        text.parse()
            .map(Self::Snapshot)
            .or_else(|_| text.parse().map(Self::Layer))
    }
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Parts may arrive.
    Importing,
    /// It is immutable and may be read.
    Published,
    /// Its values are being removed.
    Retired,
    /// Nothing but the record of it is left.
    Removed,
}

impl State {
    /// The state's word in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Published => "published",
            Self::Retired => "retired",
            Self::Removed => "removed",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, SqlError> {
        [
            Self::Importing,
            Self::Published,
            Self::Retired,
            Self::Removed,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| SqlError::Shape("dataset_upload: an unknown state".to_owned()))
    }
}

/// An upload as the registry knows it.
#[derive(Clone, Debug)]
pub struct UploadRow {
    /// Its id.
    pub id: UploadId,
    /// The snapshot: itself, or the one under the layer.
    pub snapshot: SnapshotId,
    /// How far it is.
    pub state: State,
    /// Its columns.
    pub schema: Schema,
    /// Where it comes from.
    pub source: SourceFacts,
    /// Customers, once known.
    pub rows: Option<u64>,
    /// Sum of the place marks; known when published.
    pub places: Option<u64>,
    /// Grows with every change of a part.
    pub revision: i64,
    /// When it began.
    pub created_at_unix_s: i64,
    /// Who began it.
    pub created_by: String,
    /// When it was published.
    pub published_at_unix_s: Option<i64>,
    /// Who published it.
    pub published_by: Option<String>,
    /// Its place in the order of publication.
    pub publish_sequence: Option<i64>,
}

impl FromSqlRow for UploadRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let unreadable =
            |error: &dyn fmt::Display| SqlError::Shape(format!("dataset_upload: {error}"));
        let id: String = row.next_column()?;
        let snapshot: String = row.next_column()?;
        let state: String = row.next_column()?;
        let columns: String = row.next_column()?;
        let source: String = row.next_column()?;
        let rows: Option<i64> = row.next_column()?;
        let places: Option<i64> = row.next_column()?;
        Ok(Self {
            id: id.parse().map_err(|error| unreadable(&error))?,
            snapshot: snapshot.parse().map_err(|error| unreadable(&error))?,
            state: State::read(&state)?,
            schema: serde_json::from_str(&columns).map_err(|error| unreadable(&error))?,
            source: serde_json::from_str(&source).map_err(|error| unreadable(&error))?,
            rows: rows.map(i64::cast_unsigned),
            places: places.map(i64::cast_unsigned),
            revision: row.next_column()?,
            created_at_unix_s: row.next_column()?,
            created_by: row.next_column()?,
            published_at_unix_s: row.next_column()?,
            published_by: row.next_column()?,
            publish_sequence: row.next_column()?,
        })
    }
}

impl UploadRow {
    /// Key of one column of one segment.
    pub fn column_key(&self, segment: usize, name: &ColumnName) -> String {
        match self.id {
            UploadId::Snapshot(snapshot) => keys::column(snapshot, segment, name),
            UploadId::Layer(layer) => keys::layer_column(self.snapshot, layer, segment, name),
        }
    }

    /// Key of one row page.
    pub fn page_key(&self, page: u64) -> String {
        match self.id {
            UploadId::Snapshot(snapshot) => keys::page(snapshot, page),
            UploadId::Layer(layer) => keys::layer_page(self.snapshot, layer, page),
        }
    }

    /// Key of the manifest.
    pub fn manifest_key(&self) -> String {
        match self.id {
            UploadId::Snapshot(snapshot) => keys::manifest(snapshot),
            UploadId::Layer(layer) => keys::layer_manifest(self.snapshot, layer),
        }
    }
}

/// What begins an upload.
pub struct NewUpload<'a> {
    /// Its id.
    pub id: UploadId,
    /// The snapshot: itself, or the one under the layer.
    pub snapshot: SnapshotId,
    /// Its columns.
    pub schema: &'a Schema,
    /// Where it comes from.
    pub source: &'a SourceFacts,
    /// Customers, when known.
    pub rows: Option<u64>,
    /// Who begins it.
    pub by: &'a KeyId,
}

impl Store {
    /// Begins an upload.
    pub async fn begin_upload(
        &self,
        transaction: &mut Transaction,
        new: &NewUpload<'_>,
    ) -> Result<UploadRow, SqlError> {
        let text = |error: serde_json::Error| SqlError::Shape(format!("dataset_upload: {error}"));
        let insert = "insert into dataset_upload (id, snapshot_id, is_layer, state, columns, source, row_count, revision, \
                      created_at_unix_s, created_by, touched_at_unix_s) \
                      values ($1, $2, $3, 'importing', $4, $5, $6, 0, $7, $8, $9)";
        let now_unix_s = self.now_unix_s();
        let values = parameters![
            new.id.to_string(),
            new.snapshot.to_string(),
            matches!(new.id, UploadId::Layer(_)),
            serde_json::to_string(new.schema).map_err(text)?,
            serde_json::to_string(new.source).map_err(text)?,
            new.rows.map(u64::cast_signed),
            now_unix_s,
            new.by.as_str(),
            now_unix_s,
        ];
        transaction.execute(insert, values).await?;
        Ok(UploadRow {
            id: new.id,
            snapshot: new.snapshot,
            state: State::Importing,
            schema: new.schema.clone(),
            source: new.source.clone(),
            rows: new.rows,
            places: None,
            revision: 0,
            created_at_unix_s: now_unix_s,
            created_by: new.by.as_str().to_owned(),
            published_at_unix_s: None,
            published_by: None,
            publish_sequence: None,
        })
    }

    /// The upload with this id.
    pub async fn upload(&self, id: UploadId) -> Result<Option<UploadRow>, SqlError> {
        let select = format!("select {ROW} from dataset_upload where id = $1");
        self.sql
            .query_optional(&select, parameters![id.to_string()])
            .await
    }

    /// Snapshots that are not removed, newest first, from `after` on: the last one's time and id.
    pub async fn snapshots(
        &self,
        after: Option<&(i64, String)>,
        limit: i64,
    ) -> Result<Vec<UploadRow>, SqlError> {
        let from = "from dataset_upload where is_layer = 0 and state <> 'removed'";
        let order = "order by created_at_unix_s desc, id desc limit";
        match after {
            None => {
                self.sql
                    .query(
                        &format!("select {ROW} {from} {order} $1"),
                        parameters![limit],
                    )
                    .await
            }
            Some((time, id)) => {
                let select = format!(
                    "select {ROW} {from} and (created_at_unix_s, id) < ($1, $2) {order} $3"
                );
                self.sql
                    .query(&select, parameters![*time, id.as_str(), limit])
                    .await
            }
        }
    }

    /// Published layers over a snapshot, in the order of their publication.
    pub async fn published_layers(&self, snapshot: SnapshotId) -> Result<Vec<UploadRow>, SqlError> {
        let select = format!(
            "select {ROW} from dataset_upload where snapshot_id = $1 and is_layer = 1 and state = 'published' order by publish_sequence"
        );
        self.sql
            .query(&select, parameters![snapshot.to_string()])
            .await
    }

    /// The snapshot that was published last before `sequence`, whatever became of it.
    pub async fn published_before(&self, sequence: i64) -> Result<Option<UploadRow>, SqlError> {
        let select = format!(
            "select {ROW} from dataset_upload where is_layer = 0 and publish_sequence < $1 order by publish_sequence desc limit 1"
        );
        self.sql
            .query_optional(&select, parameters![sequence])
            .await
    }

    /// Notes how many customers there will be; `false` when another number was noted before or the upload takes no parts.
    pub async fn set_rows(&self, id: UploadId, rows: u64) -> Result<bool, SqlError> {
        let update = "update dataset_upload set row_count = $1 where id = $2 and state = 'importing' \
                      and coalesce(row_count, $3) = $4";
        let rows = rows.cast_signed();
        Ok(self
            .sql
            .execute(update, parameters![rows, id.to_string(), rows, rows])
            .await?
            == 1)
    }

    /// Gives an unpublished upload up; `false` when it is not importing.
    pub async fn give_up(&self, id: UploadId) -> Result<bool, SqlError> {
        let update = "update dataset_upload set state = 'retired', revision = revision + 1 where id = $1 and state = 'importing'";
        Ok(self
            .sql
            .execute(update, parameters![id.to_string()])
            .await?
            == 1)
    }

    /// Gives up what nobody has touched for a week.
    pub async fn give_up_abandoned(&self) -> Result<u64, SqlError> {
        let update = "update dataset_upload set state = 'retired', revision = revision + 1 \
                      where state = 'importing' and touched_at_unix_s < $1";
        self.sql
            .execute(
                update,
                parameters![self.now_unix_s() - IMPORT_ABANDONED_AFTER_S],
            )
            .await
    }
}
