//! Events that wait to be reported to the contact log.
//!
//! An event's id is made of what happened, so that reporting it twice counts once there; here it only must not be forgotten.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{SqlError, Transaction};

use super::Store;
use crate::limits::EVENT_PAUSE_MS;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id, for ever.
    pub event_id: String,
    /// CloudEvents document.
    pub document: String,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingEvent {
    /// Its id.
    pub event_id: String,
    /// CloudEvents document.
    pub document: String,
}

pub(super) async fn add(
    transaction: &mut Transaction,
    event: &NewEvent,
    now: i64,
) -> Result<(), SqlError> {
    let insert = "insert into sms_event (event_id, document, state, next_at_unix_ms, created_at_unix_ms) \
                  values ($1, $2, 'pending', $3, $4) on conflict (event_id) do nothing";
    let values = parameters![event.event_id.as_str(), event.document.as_str(), now, now];
    transaction.execute(insert, values).await.map(drop)
}

impl Store {
    /// Events that are due, oldest first.
    pub async fn waiting_events(&self, count: i64) -> Result<Vec<WaitingEvent>, SqlError> {
        let select = "select event_id, document from sms_event where state = 'pending' and next_at_unix_ms <= $1 \
                      order by next_at_unix_ms limit $2";
        let rows: Vec<(String, String)> = self
            .sql
            .query(select, parameters![self.now_unix_ms(), count])
            .await?;
        Ok(rows
            .into_iter()
            .map(|(event_id, document)| WaitingEvent { event_id, document })
            .collect())
    }

    /// Notes what became of reported events: the log has those that are `true`, it rejected the others.
    pub async fn end_events(&self, ended: &[(&str, bool)]) -> Result<(), SqlError> {
        let mut transaction = self.sql.begin().await?;
        let outcome = async {
            for (event_id, is_reported) in ended {
                let statement = if *is_reported {
                    "delete from sms_event where event_id = $1"
                } else {
                    "update sms_event set state = 'rejected' where event_id = $1"
                };
                transaction
                    .execute(statement, parameters![*event_id])
                    .await?;
            }
            Ok(())
        }
        .await;
        transaction.end(outcome).await
    }

    /// Puts events off: the log is not there.
    pub async fn put_off_events(&self, events: &[WaitingEvent]) -> Result<(), SqlError> {
        let next = self.now_unix_ms() + EVENT_PAUSE_MS;
        let mut transaction = self.sql.begin().await?;
        let outcome = async {
            for event in events {
                let update = "update sms_event set next_at_unix_ms = $1 where event_id = $2";
                transaction
                    .execute(update, parameters![next, event.event_id.as_str()])
                    .await?;
            }
            Ok(())
        }
        .await;
        transaction.end(outcome).await
    }
}
