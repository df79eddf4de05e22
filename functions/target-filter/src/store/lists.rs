//! The registry of lists: facts, events, exports, accesses, lookalike runs.
//!
//! Invariant: a list's facts are written once; its state changes only by [`Lists::change_state`], which writes the event in the same
//! transaction and only when the state is still the one that was looked at.

use std::sync::Arc;

use chudian_runtime::http::auth::Caller;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, Sql, SqlError, SqlRow, SqlValue, Transaction};
use chudian_runtime::ports::{Clock, KeyValue, Random};
use chudian_vocabulary::Region;

use super::lists_pages::PageCache;
use crate::lists::identity::{ID_BYTES, LookalikeId};
use crate::lists::state::{Action, State};
use crate::lists::{ExportId, ListId};

/// Columns of [`StoredList`], in its order.
const LIST_COLUMNS: &str = "list_id, name, purpose, state, region, recipe, rule, rule_version, exclusion_version, dataset_version, \
     contact_horizon, model_version, as_of, hash, members, account, layout, frozen_at_unix_ms, frozen_by, submitted_by, \
     decided_by, expires_at_unix_s";

/// Columns of [`StoredExport`], in its order.
const EXPORT_COLUMNS: &str = "export_id, list_id, receiver, recipients, encoding, batch, rows_exported, mark, made_at_unix_ms, made_by";

/// A list as the registry has it.
#[derive(Clone, Debug)]
pub struct StoredList {
    /// Its id.
    pub list_id: ListId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// What is stored of its state; [`StoredList::state_at`] tells the state.
    pub state: State,
    /// The only region whose customers it holds.
    pub region: Option<String>,
    /// The whole request, JSON.
    pub recipe: String,
    /// The rule in its canonical text.
    pub rule: String,
    /// Version of the rule.
    pub rule_version: String,
    /// Version of the exclusion set.
    pub exclusion_version: String,
    /// Version of the dataset.
    pub dataset_version: String,
    /// Up to where contacts were known.
    pub contact_horizon: Option<String>,
    /// The lookalike run that ordered it.
    pub model_version: Option<String>,
    /// The day at which its time windows end, `YYYY-MM-DD`.
    pub as_of: String,
    /// SHA-256 in hexadecimal.
    pub hash: String,
    /// Contacted and control together.
    pub members: i64,
    /// Where everyone went, JSON.
    pub account: String,
    /// Its pages, JSON.
    pub layout: String,
    /// When it was frozen.
    pub frozen_at_unix_ms: i64,
    /// By which key.
    pub frozen_by: String,
    /// Who submitted it.
    pub submitted_by: Option<String>,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// When it ends.
    pub expires_at_unix_s: i64,
}

impl StoredList {
    /// Where the list stands at a moment.
    pub fn state_at(&self, now_unix_s: i64) -> State {
        self.state.at(now_unix_s, self.expires_at_unix_s)
    }

    /// Whether those who plan and decide may see the list: a key of a region sees the lists of that region only.
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        match &caller.region {
            None => true,
            Some(own) => self.region.as_deref() == Some(own.as_str()),
        }
    }
}

impl FromSqlRow for StoredList {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let id: String = row.next_column()?;
        let list_id =
            ListId::parse(&id).ok_or_else(|| SqlError::Shape("filter_list: list_id".to_owned()))?;
        let (name, purpose, state): (String, String, String) =
            (row.next_column()?, row.next_column()?, row.next_column()?);
        let state =
            State::parse(&state).ok_or_else(|| SqlError::Shape("filter_list: state".to_owned()))?;
        Ok(Self {
            list_id,
            name,
            purpose,
            state,
            region: row.next_column()?,
            recipe: row.next_column()?,
            rule: row.next_column()?,
            rule_version: row.next_column()?,
            exclusion_version: row.next_column()?,
            dataset_version: row.next_column()?,
            contact_horizon: row.next_column()?,
            model_version: row.next_column()?,
            as_of: row.next_column()?,
            hash: row.next_column()?,
            members: row.next_column()?,
            account: row.next_column()?,
            layout: row.next_column()?,
            frozen_at_unix_ms: row.next_column()?,
            frozen_by: row.next_column()?,
            submitted_by: row.next_column()?,
            decided_by: row.next_column()?,
            expires_at_unix_s: row.next_column()?,
        })
    }
}

/// A change of a list's state.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// When.
    pub at_unix_ms: i64,
    /// By which key.
    pub key_id: String,
    /// What was done.
    pub action: String,
    /// The state before.
    pub state_before: String,
    /// The state after.
    pub state_after: String,
    /// Why, in the words of who did it.
    pub reason: String,
}

impl FromSqlRow for StoredEvent {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            at_unix_ms: row.next_column()?,
            key_id: row.next_column()?,
            action: row.next_column()?,
            state_before: row.next_column()?,
            state_after: row.next_column()?,
            reason: row.next_column()?,
        })
    }
}

/// An export.
#[derive(Clone, Debug)]
pub struct StoredExport {
    /// Its id.
    pub export_id: String,
    /// The list.
    pub list_id: String,
    /// Who receives the file; the watermark leads back here.
    pub receiver: String,
    /// Public keys, separated by spaces.
    pub recipients: String,
    /// Encoding of the table.
    pub encoding: String,
    /// Only this batch.
    pub batch: Option<i64>,
    /// Lines without the head.
    pub rows_exported: i64,
    /// Random bytes of the watermark.
    pub mark: Vec<u8>,
    /// When it was made.
    pub made_at_unix_ms: i64,
    /// By which key.
    pub made_by: String,
}

impl FromSqlRow for StoredExport {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            export_id: row.next_column()?,
            list_id: row.next_column()?,
            receiver: row.next_column()?,
            recipients: row.next_column()?,
            encoding: row.next_column()?,
            batch: row.next_column()?,
            rows_exported: row.next_column()?,
            mark: row.next_column()?,
            made_at_unix_ms: row.next_column()?,
            made_by: row.next_column()?,
        })
    }
}

/// A look at a list.
#[derive(Clone, Debug)]
pub struct StoredAccess {
    /// Its id.
    pub access_id: String,
    /// When.
    pub at_unix_ms: i64,
    /// By which key.
    pub key_id: String,
    /// What was done.
    pub action: String,
    /// The customer, unless it was a whole export.
    pub customer_id: Option<String>,
    /// The request.
    pub request_id: String,
}

impl FromSqlRow for StoredAccess {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            access_id: row.next_column()?,
            at_unix_ms: row.next_column()?,
            key_id: row.next_column()?,
            action: row.next_column()?,
            customer_id: row.next_column()?,
            request_id: row.next_column()?,
        })
    }
}

/// A lookalike run.
#[derive(Clone, Debug)]
pub struct StoredLookalike {
    /// Its id.
    pub run_id: String,
    /// What it was made for.
    pub purpose: String,
    /// The only region that it looked at.
    pub region: Option<String>,
    /// The dataset version.
    pub dataset_version: String,
    /// What was asked, JSON.
    pub request: String,
    /// What was found, JSON.
    pub document: String,
    /// When.
    pub made_at_unix_ms: i64,
    /// By which key.
    pub made_by: String,
}

impl StoredLookalike {
    /// Whether the run exists for a caller: a key of a region sees the runs of that region only.
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        match &caller.region {
            None => true,
            Some(own) => self.region.as_deref() == Some(own.as_str()),
        }
    }
}

impl FromSqlRow for StoredLookalike {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            run_id: row.next_column()?,
            purpose: row.next_column()?,
            region: row.next_column()?,
            dataset_version: row.next_column()?,
            request: row.next_column()?,
            document: row.next_column()?,
            made_at_unix_ms: row.next_column()?,
            made_by: row.next_column()?,
        })
    }
}

/// A place in an order by time, then id.
pub type TimePlace = (i64, String);

/// The tables and pages of lists. Clones share both.
#[derive(Clone)]
pub struct Lists {
    pub(super) sql: Sql,
    pub(super) key_value: Arc<dyn KeyValue>,
    pub(super) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub(super) pages: Arc<PageCache>,
}

impl Lists {
    /// Lists in these stores.
    pub fn new(
        sql: Sql,
        key_value: Arc<dyn KeyValue>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            sql,
            key_value,
            clock,
            random,
            pages: Arc::default(),
        }
    }

    /// The database, for transactions that others take part in.
    pub fn sql(&self) -> &Sql {
        &self.sql
    }

    /// Milliseconds since 1970.
    pub fn now_unix_ms(&self) -> i64 {
        self.clock.now_unix_ms()
    }

    /// Seconds since 1970.
    pub fn now_unix_s(&self) -> i64 {
        self.clock.now_unix_s()
    }

    /// Random bytes for an id.
    pub fn random_bytes<const BYTES: usize>(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        self.random.fill(&mut bytes);
        bytes
    }

    pub(super) fn row_id(&self) -> String {
        chudian_vocabulary::pseudonym::base32(&self.random_bytes::<ID_BYTES>())
    }

    /// Adds a list, with the event of its freezing.
    pub async fn add(
        &self,
        transaction: &mut Transaction,
        list: &StoredList,
    ) -> Result<(), SqlError> {
        let insert = format!(
            "insert into filter_list ({LIST_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
             $17, $18, $19, $20, $21, $22)"
        );
        let values = parameters![
            list.list_id.as_str(),
            list.name.as_str(),
            list.purpose.as_str(),
            list.state.as_str(),
            list.region.as_deref(),
            list.recipe.as_str(),
            list.rule.as_str(),
            list.rule_version.as_str(),
            list.exclusion_version.as_str(),
            list.dataset_version.as_str(),
            list.contact_horizon.as_deref(),
            list.model_version.as_deref(),
            list.as_of.as_str(),
            list.hash.as_str(),
            list.members,
            list.account.as_str(),
            list.layout.as_str(),
            list.frozen_at_unix_ms,
            list.frozen_by.as_str(),
            list.submitted_by.as_deref(),
            list.decided_by.as_deref(),
            list.expires_at_unix_s,
        ];
        transaction.execute(&insert, values).await?;
        let event = Event {
            action: "freeze",
            before: "",
            after: list.state.as_str(),
            reason: "",
        };
        self.add_event(transaction, &list.list_id, &list.frozen_by, &event)
            .await
    }

    /// The list, when there is one.
    pub async fn list(&self, id: &ListId) -> Result<Option<StoredList>, SqlError> {
        let select = format!("select {LIST_COLUMNS} from filter_list where list_id = $1");
        self.sql
            .query_optional(&select, parameters![id.as_str()])
            .await
    }

    /// Lists that exist for those who plan in `region`, newest first.
    pub async fn page(
        &self,
        region: Option<&Region>,
        before: Option<&TimePlace>,
        limit: i64,
    ) -> Result<Vec<StoredList>, SqlError> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut conditions = Vec::new();
        if let Some(region) = region {
            values.push(region.as_str().into());
            conditions.push(format!("region = ${}", values.len()));
        }
        if let Some((at, id)) = before {
            values.push((*at).into());
            values.push(id.as_str().into());
            conditions.push(format!(
                "(frozen_at_unix_ms, list_id) < (${}, ${})",
                values.len() - 1,
                values.len()
            ));
        }
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!("where {}", conditions.join(" and "))
        };
        values.push(limit.into());
        let select = format!(
            "select {LIST_COLUMNS} from filter_list {condition} order by frozen_at_unix_ms desc, list_id desc limit ${}",
            values.len()
        );
        self.sql.query(&select, values).await
    }

    /// Changes a list's state from the one that was looked at. `false`, and nothing done, when someone else was first.
    pub async fn change_state(
        &self,
        transaction: &mut Transaction,
        list: &StoredList,
        action: Action,
        after: State,
        by: &str,
        reason: &str,
    ) -> Result<bool, SqlError> {
        let submitted_by = if action == Action::Submit {
            Some(by)
        } else {
            list.submitted_by.as_deref()
        };
        let decides = matches!(action, Action::Approve | Action::Reject);
        let decided_by = if decides {
            Some(by)
        } else {
            list.decided_by.as_deref()
        };
        let update = "update filter_list set state = $1, submitted_by = $2, decided_by = $3 where list_id = $4 and state = $5";
        let values = parameters![
            after.as_str(),
            submitted_by,
            decided_by,
            list.list_id.as_str(),
            list.state.as_str()
        ];
        if transaction.execute(update, values).await? != 1 {
            return Ok(false);
        }
        let event = Event {
            action: action.as_str(),
            before: list.state.as_str(),
            after: after.as_str(),
            reason,
        };
        self.add_event(transaction, &list.list_id, by, &event)
            .await?;
        Ok(true)
    }

    async fn add_event(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        by: &str,
        event: &Event<'_>,
    ) -> Result<(), SqlError> {
        // The list's row is written in the same transaction, so that two events of a list never take one number.
        let insert = "insert into filter_list_event (list_id, sequence, at_unix_ms, key_id, action, state_before, state_after, reason) \
                      values ($1, (select count(*) from filter_list_event where list_id = $1), $2, $3, $4, $5, $6, $7)";
        let values = parameters![
            list.as_str(),
            self.now_unix_ms(),
            by,
            event.action,
            event.before,
            event.after,
            event.reason,
        ];
        transaction.execute(insert, values).await?;
        Ok(())
    }

    /// What happened to a list, oldest first. Repeated exports and readings leave no event, so there are few.
    pub async fn events(&self, id: &ListId) -> Result<Vec<StoredEvent>, SqlError> {
        let select = "select at_unix_ms, key_id, action, state_before, state_after, reason from filter_list_event \
                      where list_id = $1 order by sequence";
        self.sql.query(select, parameters![id.as_str()]).await
    }

    /// Adds an export.
    pub async fn add_export(
        &self,
        transaction: &mut Transaction,
        export: &StoredExport,
    ) -> Result<(), SqlError> {
        let insert = format!(
            "insert into filter_list_export ({EXPORT_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        );
        let values = parameters![
            export.export_id.as_str(),
            export.list_id.as_str(),
            export.receiver.as_str(),
            export.recipients.as_str(),
            export.encoding.as_str(),
            export.batch,
            export.rows_exported,
            export.mark.as_slice(),
            export.made_at_unix_ms,
            export.made_by.as_str(),
        ];
        transaction.execute(&insert, values).await?;
        Ok(())
    }

    /// One export of a list.
    pub async fn export(
        &self,
        list: &ListId,
        export: &ExportId,
    ) -> Result<Option<StoredExport>, SqlError> {
        let select = format!(
            "select {EXPORT_COLUMNS} from filter_list_export where list_id = $1 and export_id = $2"
        );
        self.sql
            .query_optional(&select, parameters![list.as_str(), export.as_str()])
            .await
    }

    /// All exports of a list, oldest first; at most [`crate::lists::limits::EXPORTS_MAX`].
    pub async fn exports(&self, list: &ListId) -> Result<Vec<StoredExport>, SqlError> {
        let select = format!(
            "select {EXPORT_COLUMNS} from filter_list_export where list_id = $1 order by made_at_unix_ms, export_id"
        );
        self.sql.query(&select, parameters![list.as_str()]).await
    }

    /// Adds a lookalike run.
    pub async fn add_lookalike(
        &self,
        transaction: &mut Transaction,
        run: &StoredLookalike,
    ) -> Result<(), SqlError> {
        let insert = "insert into filter_lookalike (run_id, purpose, region, dataset_version, request, document, made_at_unix_ms, made_by) \
                      values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values = parameters![
            run.run_id.as_str(),
            run.purpose.as_str(),
            run.region.as_deref(),
            run.dataset_version.as_str(),
            run.request.as_str(),
            run.document.as_str(),
            run.made_at_unix_ms,
            run.made_by.as_str(),
        ];
        transaction.execute(insert, values).await?;
        Ok(())
    }

    /// One lookalike run.
    pub async fn lookalike(&self, id: &LookalikeId) -> Result<Option<StoredLookalike>, SqlError> {
        let select = "select run_id, purpose, region, dataset_version, request, document, made_at_unix_ms, made_by \
                      from filter_lookalike where run_id = $1";
        self.sql
            .query_optional(select, parameters![id.as_str()])
            .await
    }

    /// Looks at a list's customers, oldest first.
    pub async fn accesses(
        &self,
        list: &ListId,
        after: Option<&TimePlace>,
        limit: i64,
    ) -> Result<Vec<StoredAccess>, SqlError> {
        let (at, id) = after.map_or((i64::MIN, ""), |(at, id)| (*at, id.as_str()));
        let select = "select access_id, at_unix_ms, key_id, action, customer_id, request_id from filter_list_access \
                      where list_id = $1 and (at_unix_ms, access_id) > ($2, $3) order by at_unix_ms, access_id limit $4";
        self.sql
            .query(select, parameters![list.as_str(), at, id, limit])
            .await
    }
}

struct Event<'a> {
    action: &'a str,
    before: &'a str,
    after: &'a str,
    reason: &'a str,
}
