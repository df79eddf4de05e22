//! Retention: the months of the hall's traffic, and forgetting one.
//!
//! A month is the one in China in which something came or was made. Forgotten are messages in both directions with their attempts, receipts, the
//! identities by which a repeated push is known, reports that the contact log rejected, callbacks that were not taken, offers, and who was told
//! what can be written. What is under way stays whatever its age; consent and its proofs stay for ever.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{SqlError, SqlValue};
use chudian_vocabulary::{Date, Month};

use super::Store;
use crate::limits::{FORGOTTEN_ROWS_PER_STEP, FORGOTTEN_STEPS_MAX, MONTHS_LISTED_MAX};

/// A month of the hall's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthOfMessages {
    /// The month.
    pub month: Month,
    /// Messages from customers that are kept.
    pub inbound: i64,
    /// Messages to customers that are kept.
    pub messages: i64,
    /// When it was forgotten.
    pub forgotten_at_unix_ms: Option<i64>,
}

/// A table with what is forgotten of it: its key, the column of its time, and which of its rows stay.
struct Forgettable {
    table: &'static str,
    key: &'static str,
    time: &'static str,
    ended: &'static str,
}

/// Messages that are over; their attempts go with them.
const MESSAGE_IS_OVER: &str = "state not in ('queued', 'sending')";

/// Everything that is forgotten.
const FORGETTABLE: [Forgettable; 7] = [
    Forgettable {
        table: "sms_message",
        key: "message_id",
        time: "created_at_unix_ms",
        ended: MESSAGE_IS_OVER,
    },
    Forgettable {
        table: "sms_inbound",
        key: "inbound_id",
        time: "received_at_unix_ms",
        ended: "state <> 'pending'",
    },
    Forgettable {
        table: "sms_receipt",
        key: "gateway_id, identity",
        time: "received_at_unix_ms",
        ended: "1 = 1",
    },
    Forgettable {
        table: "sms_event",
        key: "event_id",
        time: "created_at_unix_ms",
        ended: "state <> 'pending'",
    },
    Forgettable {
        table: "sms_rejected",
        key: "rejected_id",
        time: "received_at_unix_ms",
        ended: "1 = 1",
    },
    Forgettable {
        table: "sms_offer",
        key: "customer_id, offer_number",
        time: "made_at_unix_ms",
        ended: "1 = 1",
    },
    Forgettable {
        table: "sms_help",
        key: "customer_id",
        time: "told_at_unix_ms",
        ended: "1 = 1",
    },
];

impl Store {
    /// Today in China; nothing when the host's clock is outside the calendar.
    pub fn today(&self) -> Option<Date> {
        Date::in_china(self.now_unix_ms())
    }

    /// Months with traffic or that were forgotten, oldest first.
    pub async fn months(&self) -> Result<Vec<MonthOfMessages>, SqlError> {
        let select = "select month, forgotten_at_unix_ms from sms_forgotten_month";
        let forgotten: Vec<(String, i64)> = self.sql.query(select, Vec::new()).await?;
        let oldest = "select min(at_unix_ms) from (select min(received_at_unix_ms) as at_unix_ms from sms_inbound \
                      union all select min(created_at_unix_ms) from sms_message) oldest";
        let oldest: Option<(Option<i64>,)> = self.sql.query_optional(oldest, Vec::new()).await?;
        let today = self.today().map(Date::month);
        let first = oldest
            .and_then(|(at,)| Date::in_china(at?).map(Date::month))
            .into_iter()
            .chain(
                forgotten
                    .iter()
                    .filter_map(|(month, _)| Month::parse(month).ok()),
            )
            .min();
        let mut months = Vec::new();
        let mut next = first;
        while let (Some(month), Some(today)) = (next, today) {
            if month > today || months.len() >= MONTHS_LISTED_MAX {
                break;
            }
            let (inbound, messages) = self.counts(month).await?;
            let text = month.to_string();
            let forgotten_at = forgotten.iter().find(|(month, _)| *month == text);
            months.push(MonthOfMessages {
                month,
                inbound,
                messages,
                forgotten_at_unix_ms: forgotten_at.map(|(_, at)| *at),
            });
            next = month.next();
        }
        Ok(months)
    }

    /// Messages from and to customers in a month.
    async fn counts(&self, month: Month) -> Result<(i64, i64), SqlError> {
        let Some((from, to)) = month.in_china_unix_ms() else {
            return Ok((0, 0));
        };
        let select = "select (select cast(count(*) as bigint) from sms_inbound where received_at_unix_ms >= $1 and received_at_unix_ms < $2), \
                      (select cast(count(*) as bigint) from sms_message where created_at_unix_ms >= $1 and created_at_unix_ms < $2)";
        let counts: Option<(i64, i64)> = self
            .sql
            .query_optional(select, parameters![from, to])
            .await?;
        Ok(counts.unwrap_or_default())
    }

    /// Forgets a month, as far as one request gets. `true` when nothing is left of it but what is under way.
    pub async fn forget_month(&self, month: Month, by: &str) -> Result<bool, SqlError> {
        let Some(bounds) = month.in_china_unix_ms() else {
            return Ok(true);
        };
        let mut steps = FORGOTTEN_STEPS_MAX;
        for forgettable in &FORGETTABLE {
            loop {
                if steps == 0 {
                    return Ok(false);
                }
                steps -= 1;
                if self.forget_step(forgettable, bounds).await? < FORGOTTEN_ROWS_PER_STEP {
                    break;
                }
            }
        }
        let insert = "insert into sms_forgotten_month (month, forgotten_at_unix_ms, forgotten_by) values ($1, $2, $3) \
                      on conflict (month) do nothing";
        let values = parameters![month.to_string(), self.now_unix_ms(), by];
        self.sql.execute(insert, values).await?;
        Ok(true)
    }

    /// Forgets some rows of a table, in a transaction of their own; how many.
    async fn forget_step(
        &self,
        forgettable: &Forgettable,
        (from, to): (i64, i64),
    ) -> Result<i64, SqlError> {
        let Forgettable {
            table,
            key,
            time,
            ended,
        } = forgettable;
        let chosen = format!(
            "select {key} from {table} where {time} >= $1 and {time} < $2 and {ended} order by {key} limit $3"
        );
        let values = || -> Vec<SqlValue> { parameters![from, to, FORGOTTEN_ROWS_PER_STEP] };
        let mut transaction = self.sql.begin().await?;
        let deleted = async {
            if *table == "sms_message" {
                let delete = format!("delete from sms_attempt where message_id in ({chosen})");
                transaction.execute(&delete, values()).await?;
            }
            let delete = format!("delete from {table} where ({key}) in ({chosen})");
            transaction.execute(&delete, values()).await
        }
        .await;
        let deleted = transaction.end(deleted).await?;
        Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
    }
}
