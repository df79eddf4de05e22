//! The event log by month: parts made ahead of time, and months forgotten.
//!
//! A month is the one in China in which events came. What is forgotten are the events; their identities stay, so that none is counted
//! again, and so do the daily sums and the orders, which hold no words of a customer, and who wants no offers: a refusal is not taken back
//! by the passing of time.

use std::sync::PoisonError;

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{Dialect, SqlError};
use chudian_vocabulary::{Date, Month};

use super::Store;
use crate::limits::{FORGOTTEN_ROWS_PER_STEP, FORGOTTEN_STEPS_MAX};
use crate::timing::day_of;

/// The lock by which instances take turns in making parts: the letters `feedback` as a number.
const ADVISORY_LOCK: i64 = 0x6665_6564_6261_636b;

/// Months whose parts are made at once: this one and the next, so that the turn of a month waits for nobody.
const MONTHS_AHEAD: usize = 2;

/// A month of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthOfEvents {
    /// `YYYY-MM`.
    pub month: String,
    /// Events that came in it, forgotten or not.
    pub events: i64,
    /// When they were forgotten.
    pub forgotten_unix_ms: Option<i64>,
}

/// Name of the part of a month: `feedback_event_202611`.
fn part_name(month: Month) -> String {
    format!("feedback_event_{}", month.to_string().replace('-', ""))
}

/// The month of a moment and those after it whose parts are made with it.
fn months_from(unix_ms: i64) -> Vec<Month> {
    let this = day_of(unix_ms).map(Date::month);
    std::iter::successors(this, |month| month.next())
        .take(MONTHS_AHEAD)
        .collect()
}

impl Store {
    /// Makes the parts of this month and the next where the database has parts and this instance has not tried before. Where it may
    /// not or cannot, events go to the part for all other months.
    pub(super) async fn prepare_month(&self, now_unix_ms: i64) -> Result<(), SqlError> {
        let months = months_from(now_unix_ms);
        let is_prepared = {
            let prepared = self
                .inner
                .months_prepared
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            months
                .iter()
                .all(|month| prepared.contains(&month.to_string()))
        };
        if is_prepared {
            return Ok(());
        }
        for month in &months {
            // Any other error says that it is not allowed, or that rows of the month stand in the other part already.
            if let Err(error @ (SqlError::Busy(_) | SqlError::Unavailable(_))) =
                self.make_part(*month).await
            {
                return Err(error);
            }
        }
        let mut prepared = self
            .inner
            .months_prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *prepared = months.iter().map(ToString::to_string).collect();
        Ok(())
    }

    async fn make_part(&self, month: Month) -> Result<(), SqlError> {
        let Some((from, to)) = month.in_china_unix_ms() else {
            return Ok(());
        };
        let mut transaction = self.sql().begin().await?;
        if transaction.dialect() == Dialect::Sqlite {
            transaction.rollback().await;
            return Ok(());
        }
        let lock = format!("select pg_advisory_xact_lock({ADVISORY_LOCK})");
        let create = format!(
            "create table if not exists {} partition of feedback_event for values from ({from}) to ({to})",
            part_name(month)
        );
        let made = match transaction.execute(&lock, Vec::new()).await {
            Ok(_) => transaction.execute(&create, Vec::new()).await.map(drop),
            Err(error) => Err(error),
        };
        transaction.end(made).await
    }

    /// Months in which events came, oldest first, from the daily sums.
    pub async fn months(&self) -> Result<Vec<MonthOfEvents>, SqlError> {
        let select = "select t.month, cast(sum(t.events) as bigint), max(f.forgotten_at_unix_ms) \
                      from (select substr(recorded_day, 1, 7) as month, events from feedback_tally) t \
                      left join feedback_forgotten_month f on f.month = t.month group by t.month order by t.month";
        let rows: Vec<(String, i64, Option<i64>)> = self.sql().query(select, Vec::new()).await?;
        let month = |(month, events, forgotten_unix_ms)| MonthOfEvents {
            month,
            events,
            forgotten_unix_ms,
        };
        Ok(rows.into_iter().map(month).collect())
    }

    /// Forgets the events of a month, as far as one request gets. `true` when nothing is left of it.
    pub async fn forget_month(&self, month: Month, by: &str) -> Result<bool, SqlError> {
        let Some((from, to)) = month.in_china_unix_ms() else {
            return Ok(true);
        };
        self.keep_refusals_and_drop_part(month, from, to).await?;
        let delete = "delete from feedback_event where (recorded_at_unix_ms, identity_high, identity_low) in \
                      (select recorded_at_unix_ms, identity_high, identity_low from feedback_event \
                      where recorded_at_unix_ms >= $1 and recorded_at_unix_ms < $2 limit $3)";
        for _ in 0..FORGOTTEN_STEPS_MAX {
            let values = parameters![from, to, FORGOTTEN_ROWS_PER_STEP];
            let deleted = self.sql().execute(delete, values).await?;
            if deleted < FORGOTTEN_ROWS_PER_STEP.unsigned_abs() {
                let insert = "insert into feedback_forgotten_month (month, forgotten_at_unix_ms, forgotten_by) values ($1, $2, $3) \
                              on conflict (month) do nothing";
                let values = parameters![month.to_string(), self.now_unix_ms(), by];
                self.sql().execute(insert, values).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes who refused and who took it back, then drops the month's part where the database has one: at once, whatever its size.
    async fn keep_refusals_and_drop_part(
        &self,
        month: Month,
        from: i64,
        to: i64,
    ) -> Result<(), SqlError> {
        let later = |column: &str| {
            format!(
                "{column} = case when excluded.{column} is null then feedback_refusal.{column} \
                 when feedback_refusal.{column} > excluded.{column} then feedback_refusal.{column} else excluded.{column} end"
            )
        };
        let keep = format!(
            "insert into feedback_refusal (customer_id, channel, refused_at_unix_ms, taken_back_at_unix_ms) \
             select customer_id, channel, max(case when outcome = 'opted-out' then at_unix_ms end), \
             max(case when outcome = 'opted-in' then at_unix_ms end) from feedback_event \
             where recorded_at_unix_ms >= $1 and recorded_at_unix_ms < $2 and outcome in ('opted-out', 'opted-in') \
             group by customer_id, channel on conflict (customer_id, channel) do update set {}, {}",
            later("refused_at_unix_ms"),
            later("taken_back_at_unix_ms")
        );
        let drop_table = format!("drop table if exists {}", part_name(month));
        let mut transaction = self.sql().begin().await?;
        let outcome = async {
            transaction.execute(&keep, parameters![from, to]).await?;
            if transaction.dialect() == Dialect::Postgres {
                transaction.execute(&drop_table, Vec::new()).await?;
            }
            Ok(())
        }
        .await;
        transaction.end(outcome).await
    }

    /// Today in China; nothing when the host's clock is outside the calendar.
    pub fn today(&self) -> Option<Date> {
        day_of(self.now_unix_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_month_and_the_next_have_parts() {
        // 2026-11-30T16:00:00Z, where December begins in China.
        let months = |unix_ms| -> Vec<String> {
            let months = months_from(unix_ms);
            months.iter().map(ToString::to_string).collect()
        };
        assert_eq!(months(1_796_054_400_000 - 1), ["2026-11", "2026-12"]);
        assert_eq!(months(1_796_054_400_000), ["2026-12", "2027-01"]);
        assert!(months(i64::MAX).is_empty());
        let month = Month::parse("2026-11").unwrap();
        assert_eq!(part_name(month), "feedback_event_202611");
    }
}
