//! Callbacks and items of callbacks that were not taken: kept once each, listed, discarded.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue, Transaction};

use super::Store;
use crate::limits::{REJECTED_KEPT_MAX, REJECTED_TRIMMED_MAX, TRIMMING_IDS_BEGIN_WITH};
use crate::rejection::{Callback, Rejection};

/// One that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRejected {
    /// Its id, made of what is kept: what is sent again is kept once.
    pub rejected_id: String,
    /// Through which gateway.
    pub gateway_id: String,
    /// Region of the gateway.
    pub region: String,
    /// Which callback.
    pub callback: Callback,
    /// Why it was not taken.
    pub reason: Rejection,
    /// The callback or the item as text, numbers masked.
    pub document: String,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Whether anything was masked.
    pub is_masked: bool,
}

/// One as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its id.
    pub rejected_id: String,
    /// When it came first, unix milliseconds.
    pub received_at_unix_ms: i64,
    /// Through which gateway.
    pub gateway_id: String,
    /// Region of the gateway.
    pub region: String,
    /// Which callback.
    pub callback: String,
    /// Why it was not taken.
    pub reason: String,
    /// The callback or the item as text, numbers masked.
    pub document: String,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Whether anything was masked.
    pub is_masked: bool,
    /// When it was discarded; `None` while nobody has dealt with it.
    pub discarded_at_unix_ms: Option<i64>,
    /// By which key.
    pub discarded_by: Option<String>,
}

impl FromSqlRow for Rejected {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            rejected_id: row.next_column()?,
            received_at_unix_ms: row.next_column()?,
            gateway_id: row.next_column()?,
            region: row.next_column()?,
            callback: row.next_column()?,
            reason: row.next_column()?,
            document: row.next_column()?,
            is_whole: row.next_column()?,
            is_masked: row.next_column()?,
            discarded_at_unix_ms: row.next_column()?,
            discarded_by: row.next_column()?,
        })
    }
}

const COLUMNS: &str = "rejected_id, received_at_unix_ms, gateway_id, region, callback, reason, document, is_whole, is_masked, \
                       discarded_at_unix_ms, discarded_by";

/// Which of them; what is `None` does not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct RejectedFilter<'a> {
    /// Only those of this reason.
    pub reason: Option<Rejection>,
    /// Only those that nobody has dealt with.
    pub open_only: bool,
    /// Only those of this region.
    pub region: Option<&'a str>,
}

/// Place in the list: time and id.
pub type RejectedPlace = (i64, String);

/// Keeps what was not taken; what is kept already stays as it is.
pub(super) async fn keep(
    transaction: &mut Transaction,
    rejected: &[NewRejected],
    now: i64,
) -> Result<(), SqlError> {
    // In the order of the key, so that two writers do not wait for each other crosswise.
    let mut in_order: Vec<&NewRejected> = rejected.iter().collect();
    in_order.sort_by(|one, other| one.rejected_id.cmp(&other.rejected_id));
    for one in in_order {
        let insert = "insert into sms_rejected (rejected_id, received_at_unix_ms, gateway_id, region, callback, reason, document, \
                      is_whole, is_masked) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (rejected_id) do nothing";
        let values = parameters![
            one.rejected_id.as_str(),
            now,
            one.gateway_id.as_str(),
            one.region.as_str(),
            one.callback.code(),
            one.reason.code(),
            one.document.as_str(),
            one.is_whole,
            one.is_masked
        ];
        transaction.execute(insert, values).await?;
    }
    // Counting costs more than it frees, so only some look; which, the ids tell, since instances may live too short to count.
    let is_time = rejected
        .iter()
        .any(|one| one.rejected_id.starts_with(TRIMMING_IDS_BEGIN_WITH));
    if is_time {
        let delete = "delete from sms_rejected where rejected_id in (select rejected_id from sms_rejected \
                      order by received_at_unix_ms desc, rejected_id desc limit $1 offset $2)";
        let values = parameters![REJECTED_TRIMMED_MAX, REJECTED_KEPT_MAX];
        transaction.execute(delete, values).await?;
    }
    Ok(())
}

impl Store {
    /// Keeps what was not taken, on its own.
    pub async fn keep_rejected(&self, rejected: &[NewRejected]) -> Result<(), SqlError> {
        let mut transaction = self.sql.begin().await?;
        let kept = keep(&mut transaction, rejected, self.now_unix_ms()).await;
        transaction.end(kept).await
    }

    /// A part of the list, oldest first.
    pub async fn rejected(
        &self,
        filter: RejectedFilter<'_>,
        after: Option<&RejectedPlace>,
        count: i64,
    ) -> Result<Vec<Rejected>, SqlError> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut place = |value: SqlValue| {
            values.push(value);
            format!("${}", values.len())
        };
        let mut conditions = vec!["1 = 1".to_owned()];
        if let Some(reason) = filter.reason {
            conditions.push(format!("reason = {}", place(reason.code().into())));
        }
        if let Some(region) = filter.region {
            conditions.push(format!("region = {}", place(region.into())));
        }
        if filter.open_only {
            conditions.push("discarded_at_unix_ms is null".to_owned());
        }
        if let Some((at, id)) = after {
            let (at, id) = (place((*at).into()), place(id.as_str().into()));
            conditions.push(format!("(received_at_unix_ms, rejected_id) > ({at}, {id})"));
        }
        let limit = place(count.into());
        let select = format!(
            "select {COLUMNS} from sms_rejected where {} order by received_at_unix_ms, rejected_id limit {limit}",
            conditions.join(" and ")
        );
        self.sql.query(&select, values).await
    }

    /// Marks one as dealt with, for whoever sees this region; whether it is there. Doing it again changes nothing.
    pub async fn discard_rejected(
        &self,
        rejected_id: &str,
        region: Option<&str>,
        by: &str,
    ) -> Result<bool, SqlError> {
        let update = "update sms_rejected set discarded_at_unix_ms = coalesce(discarded_at_unix_ms, $1), \
                      discarded_by = coalesce(discarded_by, $2) where rejected_id = $3 and region = coalesce($4, region)";
        let values = parameters![self.now_unix_ms(), by, rejected_id, region];
        Ok(self.sql.execute(update, values).await? == 1)
    }
}
