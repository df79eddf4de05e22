//! Removes the values of what was retired or given up, a bounded number at a time.
//!
//! The manifest goes first, so that no reader opens what is being taken apart; the parts follow, each with the values that it stands
//! for, and the part's row last: a step that is cut off is done again, and removing a value twice is no error.

use chudian_runtime::parameters;
use chudian_runtime::ports::KeyValueError;
use chudian_runtime::ports::sql::SqlError;

use super::{State, Store, UploadId, UploadRow};
use crate::limits::{PAGES_PER_PART, PART_CLAIM_LIFE_S, SWEEP_VALUES_MAX};

/// Why a step of removal failed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database did not answer.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The key-value store did not answer.
    #[error(transparent)]
    KeyValue(#[from] KeyValueError),
}

impl Store {
    /// Removes about [`SWEEP_VALUES_MAX`] values. Returns how many, and whether there may be more.
    pub async fn sweep(&self) -> Result<(u64, bool), SweepError> {
        let mut removed = 0;
        while removed < SWEEP_VALUES_MAX {
            let Some(upload) = self.retired().await? else {
                return Ok((removed, false));
            };
            self.key_value.delete(&upload.manifest_key()).await?;
            removed += 1;
            loop {
                if removed >= SWEEP_VALUES_MAX {
                    return Ok((removed, true));
                }
                let Some(values) = self.remove_part(&upload).await? else {
                    break;
                };
                removed += values;
            }
            let update =
                "update dataset_upload set state = 'removed' where id = $1 and state = 'retired'";
            self.sql
                .execute(update, parameters![upload.id.to_string()])
                .await?;
        }
        Ok((removed, true))
    }

    /// The retired upload whose turn it is. Right after an upload was retired, a request that began before may still be writing a value.
    async fn retired(&self) -> Result<Option<UploadRow>, SqlError> {
        let select = "select id from dataset_upload where state = 'retired' and touched_at_unix_s < $1 \
                      order by touched_at_unix_s, id limit 1";
        let quiet_since = self.now_unix_s() - PART_CLAIM_LIFE_S;
        let row: Option<(String,)> = self
            .sql
            .query_optional(select, parameters![quiet_since])
            .await?;
        let Some((id,)) = row else { return Ok(None) };
        let id: UploadId = id
            .parse()
            .map_err(|error| SqlError::Shape(format!("dataset_upload: {error}")))?;
        Ok(self
            .upload(id)
            .await?
            .filter(|upload| upload.state == State::Retired))
    }

    /// Removes the values of one part and then its row; the number of values, nothing when no part is left.
    async fn remove_part(&self, upload: &UploadRow) -> Result<Option<u64>, SweepError> {
        let select = "select part, column_name, place from dataset_part where upload_id = $1 order by part limit 1";
        let row: Option<(String, Option<String>, u64)> = self
            .sql
            .query_optional(select, parameters![upload.id.to_string()])
            .await?;
        let Some((part, column, place)) = row else {
            return Ok(None);
        };
        let mut removed = 0;
        match column {
            Some(column) => {
                let unreadable = |error: &dyn std::fmt::Display| {
                    SqlError::Shape(format!("dataset_part: {error}"))
                };
                let name = chudian_dataset::schema::ColumnName::new(column)
                    .map_err(|error| unreadable(&error))?;
                let segment = usize::try_from(place).map_err(|error| unreadable(&error))?;
                self.key_value
                    .delete(&upload.column_key(segment, &name))
                    .await?;
                removed += 1;
            }
            None => {
                for page in place..place.saturating_add(PAGES_PER_PART) {
                    self.key_value.delete(&upload.page_key(page)).await?;
                    removed += 1;
                }
            }
        }
        let delete = "delete from dataset_part where upload_id = $1 and part = $2";
        self.sql
            .execute(delete, parameters![upload.id.to_string(), part])
            .await?;
        Ok(Some(removed))
    }
}
