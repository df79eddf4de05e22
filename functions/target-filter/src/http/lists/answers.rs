//! What lists answer.

use chudian_runtime::problem::Problem;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::rfc3339;
use crate::service::lists::layout::AccountForm;
use crate::store::fresh::Stretch;
use crate::store::lists::{StoredAccess, StoredEvent, StoredExport, StoredList};

/// A list in short.
#[derive(Serialize, ToSchema)]
pub(super) struct ListSummary {
    /// Its id.
    list_id: String,
    /// Its name.
    name: String,
    /// What it is for.
    purpose: String,
    /// `draft`, `submitted`, `approved`, `rejected`, `in-use` or `expired`.
    state: String,
    /// The only region whose customers it holds; absent for the whole province.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Contacted and control together.
    members: i64,
    /// SHA-256 over recipe and members.
    hash: String,
    /// When it was frozen, RFC 3339.
    frozen_at: String,
    /// When it ends, RFC 3339.
    expires_at: String,
}

/// A list with everything that is known of it but its customers.
#[derive(Serialize, ToSchema)]
pub(super) struct ListAnswer {
    /// The list in short.
    #[serde(flatten)]
    summary: ListSummary,
    /// The rule in its canonical text.
    rule: String,
    /// Version of the rule.
    rule_version: String,
    /// Version of the exclusion set.
    exclusion_version: String,
    /// Version of the dataset.
    dataset_version: String,
    /// Up to where contacts were known; absent when none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_horizon: Option<String>,
    /// The events that were looked at because the dataset did not know them yet; absent where no events are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_events: Option<FreshEventsAnswer>,
    /// The lookalike run whose points ordered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<String>,
    /// The day at which time windows end.
    as_of: String,
    /// The request with everything that it left open filled in.
    #[schema(value_type = Object)]
    recipe: Value,
    /// Where everyone went.
    account: AccountForm,
    /// Key that froze it.
    frozen_by: String,
    /// Key that submitted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_by: Option<String>,
    /// Key that approved or rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    /// What happened to it, oldest first.
    events: Vec<EventAnswer>,
}

/// Events between the making of the contact columns and the freezing of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct FreshEventsAnswer {
    /// Events that came from this moment on, RFC 3339.
    from: String,
    /// Events that came before this moment: the list's event horizon, RFC 3339.
    until: String,
    /// Selected customers whom they left out.
    left_out: u64,
}

/// A change of a list's state.
#[derive(Serialize, ToSchema)]
pub(super) struct EventAnswer {
    /// When, RFC 3339.
    at: String,
    /// By which key.
    key_id: String,
    /// What was done.
    action: String,
    /// The state before; empty for the freezing.
    state_before: String,
    /// The state after.
    state_after: String,
    /// Why.
    reason: String,
}

/// An export.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportAnswer {
    /// Its id; the watermark leads back to it.
    export_id: String,
    /// Who receives the file.
    receiver: String,
    /// The public keys that it is encrypted to.
    recipients: Vec<String>,
    /// Encoding of the table: `csv-utf8` or `csv-gb18030`.
    encoding: String,
    /// Only this batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<i64>,
    /// Lines without the head.
    rows: i64,
    /// When it was made, RFC 3339.
    made_at: String,
    /// By which key.
    made_by: String,
    /// Path of the encrypted file.
    file: String,
}

/// A look at a list.
#[derive(Serialize, ToSchema)]
pub(super) struct AccessAnswer {
    /// When, RFC 3339.
    at: String,
    /// By which key.
    key_id: String,
    /// `next`, `read`, `export` or `download`.
    action: String,
    /// The customer; absent for a whole export.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    /// The request.
    request_id: String,
}

impl ListSummary {
    pub(super) fn new(list: &StoredList, now_unix_s: i64) -> Result<Self, Problem> {
        Ok(Self {
            list_id: list.list_id.as_str().to_owned(),
            name: list.name.clone(),
            purpose: list.purpose.clone(),
            state: list.state_at(now_unix_s).as_str().to_owned(),
            region: list.region.clone(),
            members: list.members,
            hash: list.hash.clone(),
            frozen_at: rfc3339(list.frozen_at_unix_ms)?,
            expires_at: rfc3339(list.expires_at_unix_s.saturating_mul(1000))?,
        })
    }
}

impl ListAnswer {
    pub(super) fn new(
        list: &StoredList,
        events: Vec<StoredEvent>,
        fresh: Option<(Stretch, u64)>,
        now_unix_s: i64,
    ) -> Result<Self, Problem> {
        let fresh_events = fresh
            .map(|(stretch, left_out)| {
                Ok::<_, Problem>(FreshEventsAnswer {
                    from: rfc3339(stretch.from_unix_ms)?,
                    until: rfc3339(stretch.until_unix_ms)?,
                    left_out,
                })
            })
            .transpose()?;
        let damaged = |error: serde_json::Error| {
            Problem::internal(format!("a stored list cannot be read: {error}"))
        };
        Ok(Self {
            summary: ListSummary::new(list, now_unix_s)?,
            rule: list.rule.clone(),
            rule_version: list.rule_version.clone(),
            exclusion_version: list.exclusion_version.clone(),
            dataset_version: list.dataset_version.clone(),
            contact_horizon: list.contact_horizon.clone(),
            fresh_events,
            model_version: list.model_version.clone(),
            as_of: list.as_of.clone(),
            recipe: serde_json::from_str(&list.recipe).map_err(damaged)?,
            account: serde_json::from_str(&list.account).map_err(damaged)?,
            frozen_by: list.frozen_by.clone(),
            submitted_by: list.submitted_by.clone(),
            decided_by: list.decided_by.clone(),
            events: events
                .into_iter()
                .map(EventAnswer::new)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl EventAnswer {
    fn new(event: StoredEvent) -> Result<Self, Problem> {
        Ok(Self {
            at: rfc3339(event.at_unix_ms)?,
            key_id: event.key_id,
            action: event.action,
            state_before: event.state_before,
            state_after: event.state_after,
            reason: event.reason,
        })
    }
}

impl ExportAnswer {
    pub(super) fn new(export: &StoredExport) -> Result<Self, Problem> {
        Ok(Self {
            file: format!(
                "/filter/v1/lists/{}/exports/{}/file",
                export.list_id, export.export_id
            ),
            export_id: export.export_id.clone(),
            receiver: export.receiver.clone(),
            recipients: export.recipients.split(' ').map(str::to_owned).collect(),
            encoding: export.encoding.clone(),
            batch: export.batch,
            rows: export.rows_exported,
            made_at: rfc3339(export.made_at_unix_ms)?,
            made_by: export.made_by.clone(),
        })
    }
}

impl AccessAnswer {
    pub(super) fn new(access: StoredAccess) -> Result<Self, Problem> {
        Ok(Self {
            at: rfc3339(access.at_unix_ms)?,
            key_id: access.key_id,
            action: access.action,
            customer_id: access.customer_id,
            request_id: access.request_id,
        })
    }
}
