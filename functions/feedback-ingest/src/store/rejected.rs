//! Events that could not be accepted: kept, listed, resolved.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue, Transaction};

use super::Store;
use super::statement::Rows;
use crate::limits::{REJECTED_KEPT_MAX, REJECTED_TRIMMED_MAX, TRIMMING_IDS_BEGIN_WITH};

/// Columns of [`Rejected`], in its order.
const COLUMNS: &str = "rejected_id, received_at_unix_ms, key_id, region, reason, pointer, document, is_whole, is_masked, \
                       resolution, resolved_at_unix_ms, resolved_by";

/// A rejected event that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRejected {
    /// Its id.
    pub rejected_id: String,
    /// When it came, unix milliseconds.
    pub received_unix_ms: i64,
    /// Id of the key that sent it.
    pub key_id: String,
    /// Region of that key.
    pub region: Option<String>,
    /// Code of the first thing wrong with it.
    pub reason: &'static str,
    /// Where that is.
    pub pointer: String,
    /// The event as text, numbers masked.
    pub document: String,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Whether anything was masked.
    pub is_masked: bool,
}

/// A rejected event as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its id.
    pub rejected_id: String,
    /// When it came, unix milliseconds.
    pub received_unix_ms: i64,
    /// Id of the key that sent it.
    pub key_id: String,
    /// Region of that key.
    pub region: Option<String>,
    /// Code of the first thing wrong with it.
    pub reason: String,
    /// Where that is.
    pub pointer: String,
    /// The event as text, numbers masked.
    pub document: String,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Whether anything was masked.
    pub is_masked: bool,
    /// What became of it; `None` while nobody has dealt with it.
    pub resolution: Option<String>,
    /// When it was dealt with.
    pub resolved_unix_ms: Option<i64>,
    /// By whom.
    pub resolved_by: Option<String>,
}

/// The place of a rejected event in the order of the list: time, then id.
pub type RejectedPlace = (i64, String);

impl FromSqlRow for Rejected {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            rejected_id: row.next_column()?,
            received_unix_ms: row.next_column()?,
            key_id: row.next_column()?,
            region: row.next_column()?,
            reason: row.next_column()?,
            pointer: row.next_column()?,
            document: row.next_column()?,
            is_whole: row.next_column()?,
            is_masked: row.next_column()?,
            resolution: row.next_column()?,
            resolved_unix_ms: row.next_column()?,
            resolved_by: row.next_column()?,
        })
    }
}

/// What became of a rejected event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was replayed, as it was or repaired, and is accepted now.
    Replayed,
    /// Somebody decided that it is worth nothing.
    Discarded,
}

impl Resolution {
    /// The resolution as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}

/// Which rejected events are asked for; what is `None` does not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct RejectedFilter<'a> {
    /// Only those of this reason.
    pub reason: Option<&'a str>,
    /// Only those that nobody has dealt with.
    pub open_only: bool,
    /// Only those of keys of this region.
    pub region: Option<&'a str>,
    /// Only those that this key sent.
    pub key_id: Option<&'a str>,
}

/// Conditions of a statement and their values.
struct Conditions {
    texts: Vec<String>,
    values: Vec<SqlValue>,
}

impl Conditions {
    fn of(filter: &RejectedFilter<'_>) -> Self {
        let mut conditions = Self {
            texts: Vec::new(),
            values: Vec::new(),
        };
        for (column, value) in [
            ("reason", filter.reason),
            ("region", filter.region),
            ("key_id", filter.key_id),
        ] {
            if let Some(value) = value {
                let place = conditions.bind(value);
                conditions.texts.push(format!("{column} = {place}"));
            }
        }
        if filter.open_only {
            conditions.texts.push("resolution is null".to_owned());
        }
        conditions
    }

    fn bind(&mut self, value: impl Into<SqlValue>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn clause(&self) -> String {
        if self.texts.is_empty() {
            String::new()
        } else {
            format!("where {}", self.texts.join(" and "))
        }
    }
}

/// Removes the oldest beyond [`REJECTED_KEPT_MAX`].
async fn trim_rejected(transaction: &mut Transaction) -> Result<(), SqlError> {
    let delete = "delete from feedback_rejected where rejected_id in (select rejected_id from feedback_rejected \
                  order by received_at_unix_ms desc, rejected_id desc limit $1 offset $2)";
    let values = parameters![REJECTED_TRIMMED_MAX, REJECTED_KEPT_MAX];
    transaction.execute(delete, values).await.map(drop)
}

impl Store {
    /// Keeps rejected events; those that are kept already stay as they are.
    pub(super) async fn keep_rejected(
        transaction: &mut Transaction,
        mut rejected: Vec<NewRejected>,
    ) -> Result<(), SqlError> {
        if rejected.is_empty() {
            return Ok(());
        }
        let is_time_to_trim = rejected
            .iter()
            .any(|one| one.rejected_id.starts_with(TRIMMING_IDS_BEGIN_WITH));
        // In the order of the key, so that two writers do not wait for each other crosswise.
        rejected.sort_by(|one, other| one.rejected_id.cmp(&other.rejected_id));
        let mut rows = Rows::<9>::with_capacity(rejected.len());
        for one in rejected {
            rows.push([
                one.rejected_id.into(),
                one.received_unix_ms.into(),
                one.key_id.into(),
                one.region.into(),
                one.reason.into(),
                one.pointer.into(),
                one.document.into(),
                one.is_whole.into(),
                one.is_masked.into(),
            ]);
        }
        let insert = "insert into feedback_rejected (rejected_id, received_at_unix_ms, key_id, region, reason, pointer, document, \
                      is_whole, is_masked) values";
        rows.execute(transaction, insert, "on conflict (rejected_id) do nothing")
            .await?;
        if is_time_to_trim {
            trim_rejected(transaction).await?;
        }
        Ok(())
    }

    /// Rejected events, oldest first.
    pub async fn rejected(
        &self,
        filter: &RejectedFilter<'_>,
        after: Option<&RejectedPlace>,
        limit: i64,
    ) -> Result<Vec<Rejected>, SqlError> {
        let mut conditions = Conditions::of(filter);
        if let Some((received_unix_ms, rejected_id)) = after {
            let time = conditions.bind(*received_unix_ms);
            let id = conditions.bind(rejected_id.as_str());
            conditions.texts.push(format!(
                "(received_at_unix_ms, rejected_id) > ({time}, {id})"
            ));
        }
        let limit = conditions.bind(limit);
        let select = format!(
            "select {COLUMNS} from feedback_rejected {} order by received_at_unix_ms, rejected_id limit {limit}",
            conditions.clause()
        );
        self.sql().query(&select, conditions.values).await
    }

    /// One rejected event that `filter` lets through.
    pub async fn rejected_one(
        &self,
        rejected_id: &str,
        filter: &RejectedFilter<'_>,
    ) -> Result<Option<Rejected>, SqlError> {
        let mut conditions = Conditions::of(filter);
        let id = conditions.bind(rejected_id);
        conditions.texts.push(format!("rejected_id = {id}"));
        let select = format!(
            "select {COLUMNS} from feedback_rejected {}",
            conditions.clause()
        );
        self.sql().query_optional(&select, conditions.values).await
    }

    /// Notes what became of a rejected event; `false` when somebody has dealt with it before.
    pub async fn resolve_rejected(
        &self,
        rejected_id: &str,
        resolution: Resolution,
        by: &str,
    ) -> Result<bool, SqlError> {
        let update = "update feedback_rejected set resolution = $1, resolved_at_unix_ms = $2, resolved_by = $3 \
                      where rejected_id = $4 and resolution is null";
        let values = parameters![resolution.code(), self.now_unix_ms(), by, rejected_id];
        Ok(self.sql().execute(update, values).await? == 1)
    }
}
