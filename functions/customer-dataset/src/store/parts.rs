//! Parts of an upload: claimed before their value is written, completed after it.
//!
//! Two requests may send the same part at the same time, and a publication may come between. So a part is first claimed with the hash of
//! its bytes, which takes it out of what is complete; then its value is written; then it is completed if the claim still stands.
//! A request with other bytes waits for the claim to end or to die; one with the same bytes may go ahead, because it writes
//! the same value.

use chudian_dataset::schema::ColumnName;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};

use super::{Store, UploadId};
use crate::limits::PART_CLAIM_LIFE_S;

/// Most parts that are read at once; a snapshot of ten million customers and sixty columns has about five thousand.
const PARTS_READ_MAX: i64 = 100_000;

/// A part that is to be stored.
#[derive(Clone, Debug)]
pub struct NewPart {
    /// The column; `None` for row pages.
    pub column: Option<ColumnName>,
    /// Number of the segment, or of the first page.
    pub place: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows, or customers of the pages.
    pub rows: u64,
    /// Sum of place marks; zero for columns other than the identity.
    pub places: u64,
    /// Mergeable statistics, JSON; `None` for pages.
    pub summary: Option<String>,
}

impl NewPart {
    /// The part's name within its upload.
    fn name(&self) -> String {
        match &self.column {
            Some(column) => format!("s{}/{column}", self.place),
            None => format!("p{}", self.place),
        }
    }
}

/// A part that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFacts {
    /// The column; `None` for row pages.
    pub column: Option<String>,
    /// Number of the segment, or of the first page.
    pub place: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows, or customers of the pages.
    pub rows: u64,
    /// Sum of place marks.
    pub places: u64,
    /// Mergeable statistics, JSON; `None` for pages, and where they were not asked for.
    pub summary: Option<String>,
}

impl FromSqlRow for PartFacts {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            column: row.next_column()?,
            place: row.next_column()?,
            sha256: row.next_column()?,
            bytes: row.next_column()?,
            rows: row.next_column()?,
            places: row.next_column::<i64>()?.cast_unsigned(),
            summary: row.next_column()?,
        })
    }
}

/// What is to be done with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// These very bytes are here already.
    Known,
    /// Write the value, then complete the part.
    Write,
    /// Another request is writing other bytes.
    Busy,
    /// The upload takes no parts.
    Closed,
}

impl Store {
    /// Claims a part.
    pub async fn begin_part(&self, upload: UploadId, part: &NewPart) -> Result<Begun, SqlError> {
        let mut transaction = self.sql.begin().await?;
        let outcome = self.begin_part_in(&mut transaction, upload, part).await;
        transaction.end(outcome).await
    }

    async fn begin_part_in(
        &self,
        transaction: &mut Transaction,
        upload: UploadId,
        part: &NewPart,
    ) -> Result<Begun, SqlError> {
        let now_unix_s = self.now_unix_s();
        // Taking the row of the upload first makes requests for one upload wait for one another.
        let touch = "update dataset_upload set revision = revision + 1, touched_at_unix_s = $1 where id = $2 and state = 'importing'";
        if transaction
            .execute(touch, parameters![now_unix_s, upload.to_string()])
            .await?
            == 0
        {
            return Ok(Begun::Closed);
        }
        let select = "select sha256, completed, claimed_at_unix_s from dataset_part where upload_id = $1 and part = $2";
        let there: Option<(String, bool, i64)> = transaction
            .query_optional(select, parameters![upload.to_string(), part.name()])
            .await?;
        if let Some((sha256, completed, claimed_at_unix_s)) = there {
            let same = sha256 == part.sha256;
            if same && completed {
                return Ok(Begun::Known);
            }
            if !same && !completed && now_unix_s - claimed_at_unix_s < PART_CLAIM_LIFE_S {
                return Ok(Begun::Busy);
            }
        }
        let upsert = "insert into dataset_part (upload_id, part, column_name, place, sha256, byte_count, row_count, places, summary, \
                      claimed_at_unix_s, completed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) \
                      on conflict (upload_id, part) do update set sha256 = excluded.sha256, byte_count = excluded.byte_count, \
                      row_count = excluded.row_count, places = excluded.places, summary = excluded.summary, \
                      claimed_at_unix_s = excluded.claimed_at_unix_s, completed = 0";
        let values = parameters![
            upload.to_string(),
            part.name(),
            part.column.as_ref().map(ColumnName::as_str),
            part.place.cast_signed(),
            part.sha256.as_str(),
            part.bytes.cast_signed(),
            part.rows.cast_signed(),
            part.places.cast_signed(),
            part.summary.clone(),
            now_unix_s,
        ];
        transaction.execute(upsert, values).await?;
        Ok(Begun::Write)
    }

    /// Completes a part whose value is stored; `false` when the claim was lost or the upload takes no parts any more.
    pub async fn complete_part(&self, upload: UploadId, part: &NewPart) -> Result<bool, SqlError> {
        let mut transaction = self.sql.begin().await?;
        let outcome = self.complete_part_in(&mut transaction, upload, part).await;
        transaction.end(outcome).await
    }

    async fn complete_part_in(
        &self,
        transaction: &mut Transaction,
        upload: UploadId,
        part: &NewPart,
    ) -> Result<bool, SqlError> {
        let touch = "update dataset_upload set revision = revision + 1, touched_at_unix_s = $1 where id = $2 and state = 'importing'";
        if transaction
            .execute(touch, parameters![self.now_unix_s(), upload.to_string()])
            .await?
            == 0
        {
            return Ok(false);
        }
        let complete = "update dataset_part set completed = 1 where upload_id = $1 and part = $2 and sha256 = $3";
        let completed = parameters![upload.to_string(), part.name(), part.sha256.as_str()];
        Ok(transaction.execute(complete, completed).await? == 1)
    }

    /// Every part that is here, without statistics.
    pub async fn parts(&self, upload: UploadId) -> Result<Vec<PartFacts>, SqlError> {
        let select = "select column_name, place, sha256, byte_count, row_count, places, null from dataset_part \
                      where upload_id = $1 and completed = 1 order by column_name, place limit $2";
        self.sql
            .query(select, parameters![upload.to_string(), PARTS_READ_MAX])
            .await
    }

    /// The parts of one column that are here, by segment, with statistics.
    pub async fn column_parts(
        &self,
        upload: UploadId,
        column: &ColumnName,
    ) -> Result<Vec<PartFacts>, SqlError> {
        let select = "select column_name, place, sha256, byte_count, row_count, places, summary from dataset_part \
                      where upload_id = $1 and column_name = $2 and completed = 1 order by place limit $3";
        self.sql
            .query(
                select,
                parameters![upload.to_string(), column.as_str(), PARTS_READ_MAX],
            )
            .await
    }

    /// The groups of row pages that are here, by first page.
    pub async fn page_parts(&self, upload: UploadId) -> Result<Vec<PartFacts>, SqlError> {
        let select = "select column_name, place, sha256, byte_count, row_count, places, null from dataset_part \
                      where upload_id = $1 and column_name is null and completed = 1 order by place limit $2";
        self.sql
            .query(select, parameters![upload.to_string(), PARTS_READ_MAX])
            .await
    }
}
