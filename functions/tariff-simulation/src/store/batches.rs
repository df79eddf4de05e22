//! Batches over the customer dataset: definitions and parts in tables, derived columns as values.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};

use super::Store;

/// A batch as it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Its id.
    pub batch_id: String,
    /// The dataset version that it reads.
    pub dataset_version: String,
    /// The catalogue version by which it prices.
    pub catalogue_version: String,
    /// Customers.
    pub rows: i64,
    /// Mapping, day and rules, JSON.
    pub definition: String,
    /// When it began.
    pub created_at_unix_ms: i64,
    /// Id of the key that began it.
    pub created_by: String,
}

impl FromSqlRow for BatchRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            batch_id: row.next_column()?,
            dataset_version: row.next_column()?,
            catalogue_version: row.next_column()?,
            rows: row.next_column()?,
            definition: row.next_column()?,
            created_at_unix_ms: row.next_column()?,
            created_by: row.next_column()?,
        })
    }
}

/// A part that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPart {
    /// Segment.
    pub segment: i64,
    /// First row of the segment.
    pub first_row: i64,
    /// Rows.
    pub rows: i64,
    /// Months of plans that were priced.
    pub plan_months: i64,
    /// Customers that could not be priced.
    pub skipped: i64,
}

impl FromSqlRow for BatchPart {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            segment: row.next_column()?,
            first_row: row.next_column()?,
            rows: row.next_column()?,
            plan_months: row.next_column()?,
            skipped: row.next_column()?,
        })
    }
}

/// Key of one derived column of one part.
pub fn part_key(batch_id: &str, segment: i64, first_row: i64, column: &str) -> String {
    format!("tariff-batch/{batch_id}/s{segment}/r{first_row}/{column}")
}

impl Store {
    /// Begins a batch.
    pub async fn add_batch(
        &self,
        transaction: &mut Transaction,
        new: &BatchRow,
    ) -> Result<(), SqlError> {
        let insert = "insert into tariff_batch (batch_id, dataset_version, catalogue_version, row_count, definition, \
                      created_at_unix_ms, created_by) values ($1, $2, $3, $4, $5, $6, $7)";
        let values = parameters![
            new.batch_id.as_str(),
            new.dataset_version.as_str(),
            new.catalogue_version.as_str(),
            new.rows,
            new.definition.as_str(),
            new.created_at_unix_ms,
            new.created_by.as_str(),
        ];
        transaction.execute(insert, values).await?;
        Ok(())
    }

    /// A batch.
    pub async fn batch(&self, batch_id: &str) -> Result<Option<BatchRow>, SqlError> {
        let select = "select batch_id, dataset_version, catalogue_version, row_count, definition, created_at_unix_ms, created_by \
                      from tariff_batch where batch_id = $1";
        self.sql()
            .query_optional(select, parameters![batch_id])
            .await
    }

    /// The parts of a batch that are done, in order.
    pub async fn batch_parts(&self, batch_id: &str) -> Result<Vec<BatchPart>, SqlError> {
        let select = "select segment, first_row, row_count, plan_months, skipped from tariff_batch_part \
                      where batch_id = $1 order by segment, first_row";
        self.sql().query(select, parameters![batch_id]).await
    }

    /// Notes a part whose values are stored. A part that is noted already is the same part.
    pub async fn add_batch_part(&self, batch_id: &str, part: BatchPart) -> Result<(), SqlError> {
        let insert = "insert into tariff_batch_part (batch_id, segment, first_row, row_count, plan_months, skipped) \
                      values ($1, $2, $3, $4, $5, $6) on conflict (batch_id, segment, first_row) do nothing";
        let values = parameters![
            batch_id,
            part.segment,
            part.first_row,
            part.rows,
            part.plan_months,
            part.skipped,
        ];
        self.sql().execute(insert, values).await?;
        Ok(())
    }

    /// Removes the record of one part.
    pub async fn remove_batch_part(&self, batch_id: &str, part: BatchPart) -> Result<(), SqlError> {
        let delete =
            "delete from tariff_batch_part where batch_id = $1 and segment = $2 and first_row = $3";
        let values = parameters![batch_id, part.segment, part.first_row];
        self.sql().execute(delete, values).await?;
        Ok(())
    }

    /// Removes a batch whose parts are gone; `false` when it has parts or is unknown.
    pub async fn remove_batch(&self, batch_id: &str) -> Result<bool, SqlError> {
        let delete = "delete from tariff_batch where batch_id = $1 \
                      and not exists (select 1 from tariff_batch_part where batch_id = $2)";
        Ok(self
            .sql()
            .execute(delete, parameters![batch_id, batch_id])
            .await?
            == 1)
    }

    /// The stored rules of every region, JSON.
    pub async fn rules(&self) -> Result<Vec<(String, String)>, SqlError> {
        let select = "select region, document from tariff_rule order by region";
        self.sql().query(select, Vec::new()).await
    }
}
