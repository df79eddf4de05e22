//! Publishing and rolling back: what decides which version is in force.

use chudian_dataset::version::{DatasetVersion, LayerId, SnapshotId, VersionError};
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{SqlError, Transaction};
use chudian_vocabulary::access::KeyId;

use super::{State, Store, UploadId, UploadRow};

/// Why an upload was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A part changed, or the upload was published or given up, since it was looked at.
    #[error("the upload changed while it was looked at")]
    Changed,
    /// The snapshot under the layer is no longer published.
    #[error("the snapshot under the layer is not published")]
    SnapshotGone,
    /// The version would have too many layers.
    #[error(transparent)]
    Layers(#[from] VersionError),
    /// The database did not answer.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// Why a snapshot was not made current.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// No such snapshot.
    #[error("no such snapshot")]
    Unknown,
    /// It is not published, or not any more.
    #[error("the snapshot is {}", .0.as_str())]
    NotPublished(State),
    /// The version would have too many layers.
    #[error(transparent)]
    Layers(#[from] VersionError),
    /// The database did not answer.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl Store {
    /// Publishes an upload whose manifest is stored, puts it in force, and retires what is beyond `kept` snapshots. Returns the version
    /// in force.
    pub async fn publish(
        &self,
        upload: &UploadRow,
        rows: u64,
        places: u64,
        kept: u64,
        by: &KeyId,
    ) -> Result<DatasetVersion, PublishError> {
        let mut transaction = self.sql.begin().await?;
        let outcome = self
            .publish_in(&mut transaction, upload, (rows, places), kept, by)
            .await;
        transaction.end(outcome).await
    }

    async fn publish_in(
        &self,
        transaction: &mut Transaction,
        upload: &UploadRow,
        (rows, places): (u64, u64),
        kept: u64,
        by: &KeyId,
    ) -> Result<DatasetVersion, PublishError> {
        let now_unix_s = self.now_unix_s();
        let sequence = next_sequence(transaction).await?;
        let update = "update dataset_upload set state = 'published', row_count = $1, places = $2, published_at_unix_s = $3, \
                      published_by = $4, publish_sequence = $5 where id = $6 and state = 'importing' and revision = $7";
        let values = parameters![
            rows.cast_signed(),
            places.cast_signed(),
            now_unix_s,
            by.as_str(),
            sequence,
            upload.id.to_string(),
            upload.revision,
        ];
        if transaction.execute(update, values).await? == 0 {
            return Err(PublishError::Changed);
        }
        let current = current_snapshot(transaction).await?;
        match upload.id {
            UploadId::Snapshot(snapshot) => {
                let version = self
                    .put_in_force::<PublishError>(transaction, snapshot, by)
                    .await?;
                retire_beyond(transaction, snapshot, kept).await?;
                Ok(version)
            }
            UploadId::Layer(_) => {
                if state_of(transaction, upload.snapshot).await? != Some(State::Published) {
                    return Err(PublishError::SnapshotGone);
                }
                if current == Some(upload.snapshot) {
                    self.put_in_force(transaction, upload.snapshot, by).await
                } else {
                    // A layer over an earlier snapshot waits for that snapshot to be activated again.
                    version_of(transaction, upload.snapshot).await
                }
            }
        }
    }

    /// Makes a published snapshot current again, with its layers.
    pub async fn activate(
        &self,
        snapshot: SnapshotId,
        by: &KeyId,
    ) -> Result<DatasetVersion, ActivateError> {
        let mut transaction = self.sql.begin().await?;
        let outcome = self.activate_in(&mut transaction, snapshot, by).await;
        transaction.end(outcome).await
    }

    async fn activate_in(
        &self,
        transaction: &mut Transaction,
        snapshot: SnapshotId,
        by: &KeyId,
    ) -> Result<DatasetVersion, ActivateError> {
        next_sequence(transaction).await?;
        match state_of(transaction, snapshot).await? {
            None => Err(ActivateError::Unknown),
            Some(State::Published) => self.put_in_force(transaction, snapshot, by).await,
            Some(state) => Err(ActivateError::NotPublished(state)),
        }
    }

    async fn put_in_force<E: From<SqlError> + From<VersionError>>(
        &self,
        transaction: &mut Transaction,
        snapshot: SnapshotId,
        by: &KeyId,
    ) -> Result<DatasetVersion, E> {
        let version = version_of::<E>(transaction, snapshot).await?;
        let update = "update dataset_current set version = $1, snapshot_id = $2, changed_at_unix_s = $3, changed_by = $4 where singleton = 1";
        let values = parameters![
            version.to_string(),
            snapshot.to_string(),
            self.now_unix_s(),
            by.as_str()
        ];
        transaction.execute(update, values).await?;
        Ok(version)
    }

    /// The version of a published snapshot with its layers.
    pub async fn version_of(&self, snapshot: SnapshotId) -> Result<DatasetVersion, PublishError> {
        let layers = self.published_layers(snapshot).await?;
        Ok(DatasetVersion::new(snapshot, seen(&layers))?)
    }
}

/// The next number in the order of publications. Whoever takes it first makes the others wait until it is done.
async fn next_sequence(transaction: &mut Transaction) -> Result<i64, SqlError> {
    let update =
        "update dataset_current set publish_sequence = publish_sequence + 1 where singleton = 1";
    transaction.execute(update, Vec::new()).await?;
    let select = "select publish_sequence from dataset_current where singleton = 1";
    let row: Option<(i64,)> = transaction.query_optional(select, Vec::new()).await?;
    row.map(|(sequence,)| sequence)
        .ok_or_else(|| SqlError::Shape("dataset_current has no row".to_owned()))
}

async fn current_snapshot(transaction: &mut Transaction) -> Result<Option<SnapshotId>, SqlError> {
    let select = "select snapshot_id from dataset_current where singleton = 1";
    let row: Option<(Option<String>,)> = transaction.query_optional(select, Vec::new()).await?;
    let text = row.and_then(|(snapshot,)| snapshot);
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error: VersionError| SqlError::Shape(format!("dataset_current: {error}")))
}

async fn state_of(
    transaction: &mut Transaction,
    snapshot: SnapshotId,
) -> Result<Option<State>, SqlError> {
    let select = "select state from dataset_upload where id = $1 and is_layer = 0";
    let row: Option<(String,)> = transaction
        .query_optional(select, parameters![snapshot.to_string()])
        .await?;
    row.map(|(state,)| State::read(&state)).transpose()
}

/// The version of a snapshot with the layers that it shows at this point of the transaction.
async fn version_of<E: From<SqlError> + From<VersionError>>(
    transaction: &mut Transaction,
    snapshot: SnapshotId,
) -> Result<DatasetVersion, E> {
    let select = "select id, columns from dataset_upload where snapshot_id = $1 and is_layer = 1 and state = 'published' \
                  order by publish_sequence";
    let rows: Vec<(String, String)> = transaction
        .query(select, parameters![snapshot.to_string()])
        .await?;
    let mut layers = Vec::with_capacity(rows.len());
    for (id, columns) in rows {
        let unreadable =
            |error: &dyn std::fmt::Display| SqlError::Shape(format!("dataset_upload: {error}"));
        let id: LayerId = id.parse().map_err(|error| unreadable(&error))?;
        let schema: chudian_dataset::schema::Schema =
            serde_json::from_str(&columns).map_err(|error| unreadable(&error))?;
        layers.push((id, schema));
    }
    let names: Vec<_> = layers.iter().map(|(id, schema)| (*id, schema)).collect();
    Ok(DatasetVersion::new(snapshot, not_replaced(&names))?)
}

fn seen(layers: &[UploadRow]) -> Vec<LayerId> {
    let named: Vec<_> = layers
        .iter()
        .filter_map(|layer| match layer.id {
            UploadId::Layer(id) => Some((id, &layer.schema)),
            UploadId::Snapshot(_) => None,
        })
        .collect();
    not_replaced(&named)
}

/// The layers of which at least one column is not replaced by a later layer's.
fn not_replaced(layers: &[(LayerId, &chudian_dataset::schema::Schema)]) -> Vec<LayerId> {
    let mut kept = Vec::new();
    for (index, (id, schema)) in layers.iter().enumerate() {
        let later = || layers.iter().skip(index + 1);
        let shows = schema
            .columns()
            .iter()
            .any(|column| later().all(|(_, later)| later.column(column.name.as_str()).is_none()));
        if shows {
            kept.push(*id);
        }
    }
    kept
}

/// Retires the published snapshots beyond the newest `kept`, with everything that lies over them. `current` always stays.
async fn retire_beyond(
    transaction: &mut Transaction,
    current: SnapshotId,
    kept: u64,
) -> Result<(), SqlError> {
    let select = "select id from dataset_upload where is_layer = 0 and state = 'published' and id <> $1 \
                  order by publish_sequence desc";
    let others: Vec<(String,)> = transaction
        .query(select, parameters![current.to_string()])
        .await?;
    let kept_others = usize::try_from(kept.saturating_sub(1)).unwrap_or(usize::MAX);
    for (snapshot,) in others.into_iter().skip(kept_others) {
        // A layer that is still importing goes with its snapshot.
        let retire = "update dataset_upload set state = 'retired', revision = revision + 1 \
                      where snapshot_id = $1 and state in ('published', 'importing')";
        transaction.execute(retire, parameters![snapshot]).await?;
    }
    Ok(())
}
