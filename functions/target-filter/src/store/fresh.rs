//! Events as the feedback function publishes them, refusals as the SMS hall does, and what they did to lists.
//!
//! Invariant: only the published views `pub_feedback_event`, `pub_feedback_order` and `pub_sms_consent` are read; where they do not exist, there
//! are no events and no refusals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chudian_dataset::contact::Business;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{
    Dialect, FromSqlRow, Sql, SqlError, SqlRow, SqlValue, Transaction,
};
use chudian_vocabulary::Date;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, Outcome};
use chudian_vocabulary::pseudonym::CustomerPseudonym;

use super::CHINA_OFFSET_S;
use super::lists::Lists;
use crate::exclusions::Rule;
use crate::fresh::FreshEvent;
use crate::lists::ListId;

/// Milliseconds of a second.
const MS_PER_S: i64 = 1_000;

/// Customers of one statement about their orders, rows of one insertion: far below what either database binds.
const CUSTOMERS_PER_STATEMENT: usize = 256;

/// Refusals of one statement: a megabyte in memory.
const REFUSALS_PER_STATEMENT: usize = 20_000;

/// Views by which others publish what they keep.
const EVENTS_VIEW: &str = "pub_feedback_event";
const REFUSALS_VIEW: &str = "pub_sms_consent";

/// The kinds of event that an exclusion can ask for, beside refusals, which may be of any kind.
const KINDS: [EventKind; 5] = [
    EventKind::MarketingContact,
    EventKind::Complaint,
    EventKind::Order,
    EventKind::Trial,
    EventKind::Cancellation,
];

/// A stretch of time in which events came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From this moment on, unix milliseconds.
    pub from_unix_ms: i64,
    /// Before this moment.
    pub until_unix_ms: i64,
}

/// Whom fresh events left out of a list, and by which rule.
pub type LeftOut = BTreeMap<CustomerPseudonym, Rule>;

/// What others publish here; each of them may not be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Events of the feedback function.
    pub events: bool,
    /// Refusals of the SMS hall.
    pub refusals: bool,
}

impl Published {
    /// Whether there is anything to ask.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.events || self.refusals
    }
}

/// The events and refusals of functions that may not be there. Clones share what is known.
#[derive(Clone)]
pub struct FreshEvents {
    sql: Sql,
    /// Whether events and refusals were seen. They do not go away again.
    events_seen: Arc<AtomicBool>,
    refusals_seen: Arc<AtomicBool>,
}

/// Where to ask: outside of any transaction, or within one.
enum Asked<'a> {
    Database(&'a Sql),
    Within(&'a mut Transaction),
}

impl Asked<'_> {
    async fn query<T: FromSqlRow>(
        &mut self,
        select: &str,
        values: Vec<SqlValue>,
    ) -> Result<Vec<T>, SqlError> {
        match self {
            Self::Database(sql) => sql.query(select, values).await,
            Self::Within(transaction) => transaction.query(select, values).await,
        }
    }
}

struct EventRow {
    customer_id: String,
    event: FreshEvent,
}

impl FromSqlRow for EventRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let customer_id = row.next_column()?;
        let (kind, channel, outcome): (String, String, String) =
            (row.next_column()?, row.next_column()?, row.next_column()?);
        let unknown = || SqlError::Shape("an event has an unknown word".to_owned());
        let business: Option<String> = row.next_column()?;
        Ok(Self {
            customer_id,
            event: FreshEvent {
                kind: kind.parse().map_err(|_| unknown())?,
                channel: channel.parse().map_err(|_| unknown())?,
                outcome: outcome.parse().map_err(|_| unknown())?,
                business: business.as_deref().and_then(Business::of_code),
                day: day_of(row.next_column()?)?,
                cancelled_by: None,
            },
        })
    }
}

/// The day of a moment in China.
fn day_of(unix_ms: i64) -> Result<i32, SqlError> {
    Date::of_unix_seconds(unix_ms.div_euclid(MS_PER_S) + CHINA_OFFSET_S)
        .map(Date::unix_days)
        .ok_or_else(|| SqlError::Shape("an event lies outside the calendar".to_owned()))
}

/// The events that matter and fulfil `condition`: of each customer, kind, channel, outcome and business the last one. A refusal that the customer
/// took back on the same channel, later, is told as an offer declined. The words are our own.
fn groups_of(condition: &str) -> String {
    let kinds: Vec<String> = KINDS
        .iter()
        .map(|kind| format!("'{}'", kind.code()))
        .collect();
    let (refused, taken_back) = (Outcome::OptedOut.code(), Outcome::OptedIn.code());
    format!(
        "select customer_id, kind, channel, outcome, business, max(at_unix_ms) from (\
         select customer_id, kind, channel, business, at_unix_ms, case when outcome = '{refused}' and exists (\
         select 1 from pub_feedback_event later where later.customer_id = e.customer_id and later.channel = e.channel \
         and later.outcome = '{taken_back}' and later.at_unix_ms > e.at_unix_ms) then '{}' else outcome end as outcome \
         from pub_feedback_event e where {condition} and (kind in ({}) or outcome = '{refused}')) told \
         group by customer_id, kind, channel, outcome, business",
        Outcome::Declined.code(),
        kinds.join(", ")
    )
}

impl FreshEvents {
    /// The events in this database.
    pub fn new(sql: Sql) -> Self {
        Self {
            sql,
            events_seen: Arc::default(),
            refusals_seen: Arc::default(),
        }
    }

    /// What the feedback function and the SMS hall have here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn published(&self) -> Result<Published, SqlError> {
        let seen = || Published {
            events: self.events_seen.load(Ordering::Relaxed),
            refusals: self.refusals_seen.load(Ordering::Relaxed),
        };
        if seen().events && seen().refusals {
            return Ok(seen());
        }
        // Only a transaction tells which database it is.
        let mut transaction = self.sql.begin().await?;
        let found = async {
            Ok(Published {
                events: view_is_there(&mut transaction, EVENTS_VIEW).await?,
                refusals: view_is_there(&mut transaction, REFUSALS_VIEW).await?,
            })
        }
        .await;
        let published = transaction.end(found).await?;
        self.events_seen.store(published.events, Ordering::Relaxed);
        self.refusals_seen
            .store(published.refusals, Ordering::Relaxed);
        Ok(published)
    }

    /// Everybody who refuses offers by the SMS hall's ledger, in order, at most about `max` of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refusals(&self, max: usize) -> Result<Vec<CustomerPseudonym>, SqlError> {
        let select = "select customer_id from pub_sms_consent where is_opted_out = 1 and customer_id > $1 order by customer_id limit $2";
        let mut refusals = Vec::new();
        let mut last = String::new();
        while refusals.len() <= max {
            let limit = i64::try_from(REFUSALS_PER_STATEMENT).unwrap_or(i64::MAX);
            let rows: Vec<(String,)> = self
                .sql
                .query(select, parameters![last.as_str(), limit])
                .await?;
            let is_last = rows.len() < REFUSALS_PER_STATEMENT;
            for (customer,) in rows {
                // Ids that are no pseudonyms are in no dataset.
                refusals.extend(customer.parse::<CustomerPseudonym>());
                last = customer;
            }
            if is_last {
                break;
            }
        }
        // The database's order need not be ours.
        refusals.sort_unstable();
        Ok(refusals)
    }

    /// Events of interest that came in a stretch of time, at most `limit` groups of them: of each customer, kind, channel, outcome and business
    /// the last one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_stretch(
        &self,
        stretch: Stretch,
        limit: usize,
    ) -> Result<Vec<(String, FreshEvent)>, SqlError> {
        let select = format!(
            "{} limit $3",
            groups_of("recorded_at_unix_ms >= $1 and recorded_at_unix_ms < $2")
        );
        let values = parameters![
            stretch.from_unix_ms,
            stretch.until_unix_ms,
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        let mut asked = Asked::Database(&self.sql);
        let rows: Vec<EventRow> = asked.query(&select, values).await?;
        let pairs = rows.into_iter().map(|row| (row.customer_id, row.event));
        with_orders(&mut asked, pairs.collect()).await
    }

    /// Events of interest of one customer that came from a moment on, and the refusal that stands now, whenever it came.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_customer(
        &self,
        transaction: &mut Transaction,
        published: Published,
        customer: &str,
        from_unix_ms: i64,
    ) -> Result<Vec<FreshEvent>, SqlError> {
        let mut events = Vec::new();
        if published.refusals {
            events.extend(refusal_of(transaction, customer).await?);
        }
        if !published.events {
            return Ok(events);
        }
        let select = groups_of("customer_id = $1 and recorded_at_unix_ms >= $2");
        let mut asked = Asked::Within(transaction);
        let rows: Vec<EventRow> = asked
            .query(&select, parameters![customer, from_unix_ms])
            .await?;
        let pairs = rows.into_iter().map(|row| (row.customer_id, row.event));
        let others = with_orders(&mut asked, pairs.collect()).await?;
        events.extend(others.into_iter().map(|(_, event)| event));
        Ok(events)
    }
}

/// The refusal of a customer in the SMS hall's ledger, as the event as which it is reported.
async fn refusal_of(
    transaction: &mut Transaction,
    customer: &str,
) -> Result<Option<FreshEvent>, SqlError> {
    let select =
        "select said_at_unix_ms from pub_sms_consent where customer_id = $1 and is_opted_out = 1";
    let said: Option<(i64,)> = transaction
        .query_optional(select, parameters![customer])
        .await?;
    let event = |(said_at_unix_ms,)| {
        Ok(FreshEvent {
            kind: EventKind::BusinessHandling,
            channel: Channel::SmsHall,
            outcome: Outcome::OptedOut,
            business: None,
            day: day_of(said_at_unix_ms)?,
            cancelled_by: None,
        })
    };
    said.map(event).transpose()
}

/// Puts the cancelled orders of whoever cancelled in the place of the cancellations: only an order knows what it was for and who ended it.
async fn with_orders(
    asked: &mut Asked<'_>,
    events: Vec<(String, FreshEvent)>,
) -> Result<Vec<(String, FreshEvent)>, SqlError> {
    let is_cancellation = |event: &FreshEvent| event.kind == EventKind::Cancellation;
    let mut who: Vec<String> = events
        .iter()
        .filter(|(_, event)| is_cancellation(event) && event.outcome.is_success())
        .map(|(customer, _)| customer.clone())
        .collect();
    who.sort_unstable();
    who.dedup();
    let mut kept: Vec<(String, FreshEvent)> = events
        .into_iter()
        .filter(|(_, event)| !is_cancellation(event) || event.outcome == Outcome::OptedOut)
        .collect();
    for chunk in who.chunks(CUSTOMERS_PER_STATEMENT) {
        kept.extend(cancelled_orders(asked, chunk).await?);
    }
    Ok(kept)
}

/// An order: whose, for what, where, by whom and when it was cancelled.
type OrderRow = (String, Option<String>, String, Option<String>, i64);

async fn cancelled_orders(
    asked: &mut Asked<'_>,
    customers: &[String],
) -> Result<Vec<(String, FreshEvent)>, SqlError> {
    let places: Vec<String> = (1..=customers.len())
        .map(|place| format!("${place}"))
        .collect();
    let select = format!(
        "select customer_id, business, cancellation_channel, cancelled_by, cancelled_at_unix_ms from pub_feedback_order \
         where customer_id in ({}) and cancelled_at_unix_ms is not null",
        places.join(", ")
    );
    let values: Vec<SqlValue> = customers
        .iter()
        .map(|customer| customer.as_str().into())
        .collect();
    let rows: Vec<OrderRow> = asked.query(&select, values).await?;
    let unknown = || SqlError::Shape("an order has an unknown word".to_owned());
    rows.into_iter()
        .map(|(customer, business, channel, by, at_unix_ms)| {
            let by: Option<CancelledBy> =
                by.map(|by| by.parse()).transpose().map_err(|_| unknown())?;
            let event = FreshEvent {
                kind: EventKind::Cancellation,
                channel: channel.parse().map_err(|_| unknown())?,
                outcome: Outcome::Succeeded,
                business: business.as_deref().and_then(Business::of_code),
                day: day_of(at_unix_ms)?,
                cancelled_by: by,
            };
            Ok((customer, event))
        })
        .collect()
}

async fn view_is_there(transaction: &mut Transaction, view: &str) -> Result<bool, SqlError> {
    let select = match transaction.dialect() {
        Dialect::Sqlite => "select count(*) from sqlite_master where type = 'view' and name = $1",
        Dialect::Postgres => {
            "select cast(count(*) as bigint) from pg_catalog.pg_class c where c.oid = to_regclass($1)"
        }
    };
    let row: Option<(i64,)> = transaction
        .query_optional(select, parameters![view])
        .await?;
    Ok(row.is_some_and(|(count,)| count > 0))
}

impl Lists {
    /// Notes what fresh events did to a list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_fresh(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        stretch: Stretch,
        left_out: &LeftOut,
    ) -> Result<(), SqlError> {
        let insert = "insert into filter_list_fresh (list_id, from_unix_ms, until_unix_ms) values ($1, $2, $3)";
        let values = parameters![list.as_str(), stretch.from_unix_ms, stretch.until_unix_ms];
        transaction.execute(insert, values).await?;
        let all: Vec<(&CustomerPseudonym, &Rule)> = left_out.iter().collect();
        for chunk in all.chunks(CUSTOMERS_PER_STATEMENT) {
            let mut values: Vec<SqlValue> = Vec::with_capacity(chunk.len() * 3);
            let mut places = Vec::with_capacity(chunk.len());
            for (customer, rule) in chunk {
                let first = values.len() + 1;
                places.push(format!("(${first}, ${}, ${})", first + 1, first + 2));
                values.extend(parameters![
                    list.as_str(),
                    customer.to_string(),
                    rule.word()
                ]);
            }
            let insert = format!(
                "insert into filter_list_fresh_customer (list_id, customer_id, rule) values {}",
                places.join(", ")
            );
            transaction.execute(&insert, values).await?;
        }
        Ok(())
    }

    /// The stretch of fresh events that a list was held against, with how many customers they left out; nothing when there were none to look at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fresh_stretch(&self, list: &ListId) -> Result<Option<(Stretch, u64)>, SqlError> {
        let select = "select from_unix_ms, until_unix_ms, \
                      (select cast(count(*) as bigint) from filter_list_fresh_customer c where c.list_id = f.list_id) \
                      from filter_list_fresh f where list_id = $1";
        let row: Option<(i64, i64, u64)> = self
            .sql
            .query_optional(select, parameters![list.as_str()])
            .await?;
        Ok(row.map(|(from_unix_ms, until_unix_ms, left_out)| {
            let stretch = Stretch {
                from_unix_ms,
                until_unix_ms,
            };
            (stretch, left_out)
        }))
    }

    /// Whom fresh events left out of a list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fresh_left_out(&self, list: &ListId) -> Result<LeftOut, SqlError> {
        let select = "select customer_id, rule from filter_list_fresh_customer where list_id = $1";
        let rows: Vec<(String, String)> =
            self.sql.query(select, parameters![list.as_str()]).await?;
        let unknown = || SqlError::Shape("filter_list_fresh_customer".to_owned());
        rows.into_iter()
            .map(|(customer, rule)| {
                let customer = customer.parse().map_err(|_| unknown())?;
                let rule = Rule::ALL
                    .into_iter()
                    .find(|known| known.word() == rule)
                    .ok_or_else(unknown)?;
                Ok((customer, rule))
            })
            .collect()
    }
}
