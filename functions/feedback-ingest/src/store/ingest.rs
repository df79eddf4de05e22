//! One commit: identities, events, sums, order steps and rejected events of many requests, together or not at all.
//!
//! Whether an event is new is decided by its identity alone. The identities that are there already are read first; those that are
//! not are inserted, and when fewer go in than were missing, another instance stored one of them in between: then everything is
//! undone and read again. SQLite takes the write lock before the reading, so there it cannot happen.

use std::collections::BTreeMap;

use bytes::Bytes;
use chudian_runtime::ports::sql::{Dialect, SqlError, SqlValue, Transaction};

use super::kept::{Sender, rejected_of};
use super::statement::Rows;
use super::{NewRejected, Store};
use crate::event::Event;
use crate::fault::{Fault, Finding};
use crate::identity::Identity;
use crate::limits::COMMIT_ATTEMPTS_MAX;
use crate::order::steps_of;
use crate::tally::tally_of;

/// An event that is to be stored, with what is needed to keep it as rejected after all.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event.
    pub event: Event,
    /// Id of the key that sent it.
    pub key_id: String,
    /// Region of that key.
    pub key_region: Option<String>,
    /// The event as it was sent, in structured form.
    pub document: Bytes,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is new and stored.
    Accepted,
    /// It was accepted before and said the same.
    Duplicate,
    /// One with its identity was accepted before and said something else. It is kept as rejected under this id.
    Conflict(String),
}

/// What one commit takes.
#[derive(Debug, Default)]
pub struct Group<'a> {
    /// Events in the order in which they came.
    pub events: Vec<&'a NewEvent>,
    /// Rejected events.
    pub rejected: Vec<&'a NewRejected>,
}

/// Why an attempt came to nothing.
enum Setback {
    /// Another instance stored one of the events in the same moment.
    Overtaken,
    /// The database refused.
    Sql(SqlError),
}

impl From<SqlError> for Setback {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl Store {
    /// Stores a group, durably. The verdicts are in the order of its events.
    ///
    /// # Errors
    /// Nothing of the group is stored, unless the answer to the commit itself was lost; sending again is right in either case.
    pub async fn commit(&self, group: &Group<'_>) -> Result<Vec<Verdict>, SqlError> {
        let now_unix_ms = self.now_unix_ms();
        self.prepare_month(now_unix_ms).await?;
        for _ in 0..COMMIT_ATTEMPTS_MAX {
            let mut transaction = self.sql().begin().await?;
            let outcome = self.commit_in(&mut transaction, group, now_unix_ms).await;
            match transaction.end(outcome).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(Setback::Overtaken) => {}
                Err(Setback::Sql(error)) => return Err(error),
            }
        }
        Err(SqlError::Busy(
            "other instances stored the same events again and again".to_owned(),
        ))
    }

    async fn commit_in(
        &self,
        transaction: &mut Transaction,
        group: &Group<'_>,
        now_unix_ms: i64,
    ) -> Result<Vec<Verdict>, Setback> {
        let mut known = known_contents(transaction, &group.events).await?;
        let mut fresh = Vec::with_capacity(group.events.len());
        let mut verdicts = Vec::with_capacity(group.events.len());
        let mut rejected: Vec<NewRejected> =
            group.rejected.iter().map(|one| (*one).clone()).collect();
        for new in &group.events {
            let verdict = match known.get(&new.event.identity) {
                None => {
                    known.insert(new.event.identity, new.event.content);
                    fresh.push(*new);
                    Verdict::Accepted
                }
                Some(content) if *content == new.event.content => Verdict::Duplicate,
                Some(_) => {
                    let kept = conflict_of(new, now_unix_ms);
                    let id = kept.rejected_id.clone();
                    rejected.push(kept);
                    Verdict::Conflict(id)
                }
            };
            verdicts.push(verdict);
        }
        if !fresh.is_empty() {
            insert_identities(transaction, &fresh).await?;
            insert_events(transaction, &fresh, now_unix_ms).await?;
            self.add_tallies(transaction, &fresh, now_unix_ms).await?;
            add_steps(transaction, &fresh).await?;
        }
        Self::keep_rejected(transaction, rejected).await?;
        Ok(verdicts)
    }

    async fn add_tallies(
        &self,
        transaction: &mut Transaction,
        fresh: &[&NewEvent],
        now_unix_ms: i64,
    ) -> Result<(), SqlError> {
        let stripe = match transaction.dialect() {
            Dialect::Sqlite => 0,
            Dialect::Postgres => self.inner.stripe,
        };
        let sums = tally_of(fresh.iter().map(|new| &new.event), now_unix_ms);
        let mut rows = Rows::<12>::with_capacity(sums.len());
        for (key, sum) in sums {
            rows.push([
                key.day.into(),
                key.recorded_day.into(),
                key.channel.into(),
                key.kind.into(),
                key.outcome.into(),
                key.region.into(),
                key.campaign.into(),
                key.batch.into(),
                key.business.into(),
                stripe.into(),
                sum.events.into(),
                sum.duration_s.into(),
            ]);
        }
        let upsert = "insert into feedback_tally (day, recorded_day, channel, kind, outcome, region, campaign, batch, business, \
                      stripe, events, duration_s) values";
        let add = "on conflict (day, recorded_day, channel, kind, outcome, region, campaign, batch, business, stripe) \
                   do update set events = feedback_tally.events + excluded.events, \
                   duration_s = feedback_tally.duration_s + excluded.duration_s";
        rows.execute(transaction, upsert, add).await?;
        Ok(())
    }
}

/// What events with the identities of these said when they were accepted.
async fn known_contents(
    transaction: &mut Transaction,
    events: &[&NewEvent],
) -> Result<BTreeMap<Identity, i64>, SqlError> {
    let mut rows = Rows::<2>::with_capacity(events.len());
    for new in events {
        let Identity { high, low } = new.event.identity;
        rows.push([high.into(), low.into()]);
    }
    let select = "select identity_high, identity_low, content from feedback_identity \
                  where (identity_high, identity_low) in (values";
    let found: Vec<(i64, i64, i64)> = rows.query(transaction, select, ")").await?;
    Ok(found
        .into_iter()
        .map(|(high, low, content)| (Identity { high, low }, content))
        .collect())
}

async fn insert_identities(
    transaction: &mut Transaction,
    fresh: &[&NewEvent],
) -> Result<(), Setback> {
    let mut identities: Vec<(Identity, i64)> = fresh
        .iter()
        .map(|new| (new.event.identity, new.event.content))
        .collect();
    identities.sort_unstable();
    let mut rows = Rows::<3>::with_capacity(identities.len());
    for (Identity { high, low }, content) in identities {
        rows.push([high.into(), low.into(), content.into()]);
    }
    let insert = "insert into feedback_identity (identity_high, identity_low, content) values";
    let skip = "on conflict (identity_high, identity_low) do nothing";
    let inserted = rows.execute(transaction, insert, skip).await?;
    if inserted == fresh.len() as u64 {
        Ok(())
    } else {
        Err(Setback::Overtaken)
    }
}

async fn insert_events(
    transaction: &mut Transaction,
    fresh: &[&NewEvent],
    now_unix_ms: i64,
) -> Result<(), SqlError> {
    let mut rows = Rows::<16>::with_capacity(fresh.len());
    for new in fresh {
        let event = &new.event;
        let details = serde_json::to_string(&event.details)
            .map_err(|error| SqlError::Shape(format!("details of an event: {error}")))?;
        rows.push([
            now_unix_ms.into(),
            event.identity.high.into(),
            event.identity.low.into(),
            event.customer_id.as_str().into(),
            event.at_unix_ms.into(),
            event.kind.code().into(),
            event.channel.code().into(),
            event.outcome.code().into(),
            event.region.as_str().into(),
            optional(&event.campaign),
            optional(&event.batch),
            optional(&event.business),
            event.duration_s.into(),
            event.flags.bits().into(),
            new.key_id.as_str().into(),
            details.into(),
        ]);
    }
    let insert = "insert into feedback_event (recorded_at_unix_ms, identity_high, identity_low, customer_id, at_unix_ms, kind, \
                  channel, outcome, region, campaign, batch, business, duration_s, flags, key_id, details) values";
    rows.execute(transaction, insert, "").await?;
    Ok(())
}

async fn add_steps(transaction: &mut Transaction, fresh: &[&NewEvent]) -> Result<(), SqlError> {
    let steps = steps_of(fresh.iter().map(|new| &new.event));
    if steps.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::<13>::with_capacity(steps.len());
    for (key, step) in steps {
        rows.push([
            key.customer_id.into(),
            key.order_id.into(),
            key.stage.code().into(),
            step.at_unix_ms.into(),
            step.identity.high.into(),
            step.identity.low.into(),
            step.channel.code().into(),
            step.region.into(),
            step.business.into(),
            step.campaign.into(),
            step.way.map(|way| way.code()).into(),
            step.expires_at_unix_ms.into(),
            step.cancelled_by.map(|by| by.code()).into(),
        ]);
    }
    let upsert = "insert into feedback_order_step (customer_id, order_id, stage, at_unix_ms, identity_high, identity_low, channel, \
                  region, business, campaign, way, expires_at_unix_ms, cancelled_by) values";
    let earliest = "on conflict (customer_id, order_id, stage) do update set at_unix_ms = excluded.at_unix_ms, \
                    identity_high = excluded.identity_high, identity_low = excluded.identity_low, channel = excluded.channel, \
                    region = excluded.region, business = excluded.business, campaign = excluded.campaign, way = excluded.way, \
                    expires_at_unix_ms = excluded.expires_at_unix_ms, cancelled_by = excluded.cancelled_by \
                    where (excluded.at_unix_ms, excluded.identity_high, excluded.identity_low) \
                    < (feedback_order_step.at_unix_ms, feedback_order_step.identity_high, feedback_order_step.identity_low)";
    rows.execute(transaction, upsert, earliest).await?;
    Ok(())
}

fn conflict_of(new: &NewEvent, now_unix_ms: i64) -> NewRejected {
    let finding = Finding::at_attribute("id", Fault::IdentityConflict);
    let sender = Sender {
        key_id: &new.key_id,
        region: new.key_region.as_deref(),
    };
    rejected_of(&new.document, &finding, sender, now_unix_ms)
}

fn optional(text: &Option<String>) -> SqlValue {
    text.as_deref().into()
}
