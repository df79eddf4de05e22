//! The contact view of one customer.

use chudian_runtime::http::auth::Caller;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue};
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{EventKind, Outcome};
use chudian_vocabulary::{CustomerId, Region};

use super::Store;
use crate::event::Details;
use crate::identity::Identity;
use crate::summary::{Cell, WINDOW_COUNT, WINDOWS_DAYS};
use crate::timing::Flags;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Columns of [`Contact`], in its order.
const COLUMNS: &str = "at_unix_ms, identity_high, identity_low, recorded_at_unix_ms, kind, channel, outcome, region, campaign, batch, \
                       business, duration_s, flags, details";

/// An event of the time line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// When it happened, unix milliseconds.
    pub at_unix_ms: i64,
    /// Which event it is.
    pub identity: Identity,
    /// When it came, unix milliseconds.
    pub recorded_unix_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// Where.
    pub channel: Channel,
    /// How it ended.
    pub outcome: Outcome,
    /// The customer's region.
    pub region: String,
    /// Campaign.
    pub campaign: Option<String>,
    /// Batch of the campaign.
    pub batch: Option<String>,
    /// Business, plan or product.
    pub business: Option<String>,
    /// How long it took, seconds.
    pub duration_s: Option<i64>,
    /// What is remarkable about it.
    pub flags: Flags,
    /// The rest.
    pub details: Details,
}

/// The place of an event in a time line: time, then identity.
pub type ContactPlace = (i64, i64, i64);

/// Reads a stored word.
pub(super) fn word<T: std::str::FromStr>(row: &mut SqlRow) -> Result<T, SqlError> {
    let text: String = row.next_column()?;
    text.parse()
        .map_err(|_| SqlError::Shape(format!("`{text}` is none of the stored words")))
}

impl FromSqlRow for Contact {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let at_unix_ms = row.next_column()?;
        let identity = Identity {
            high: row.next_column()?,
            low: row.next_column()?,
        };
        let recorded_unix_ms = row.next_column()?;
        let (kind, channel, outcome) = (word(&mut row)?, word(&mut row)?, word(&mut row)?);
        let region = row.next_column()?;
        let (campaign, batch, business) =
            (row.next_column()?, row.next_column()?, row.next_column()?);
        let duration_s = row.next_column()?;
        let flags = Flags::of_bits(row.next_column()?);
        let details: String = row.next_column()?;
        let details = serde_json::from_str(&details)
            .map_err(|error| SqlError::Shape(format!("stored details: {error}")))?;
        Ok(Self {
            at_unix_ms,
            identity,
            recorded_unix_ms,
            kind,
            channel,
            outcome,
            region,
            campaign,
            batch,
            business,
            duration_s,
            flags,
            details,
        })
    }
}

/// Which events of a customer are asked for; what is `None` does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ContactFilter {
    /// Only events of these kinds; none means every kind.
    pub kinds: Vec<EventKind>,
    /// Only events on this channel.
    pub channel: Option<Channel>,
    /// Only events from this moment on, unix milliseconds.
    pub from_unix_ms: Option<i64>,
    /// Only events before this moment, unix milliseconds.
    pub to_unix_ms: Option<i64>,
}

/// A row of the summary: channel, kind, outcome, counts by window and over all time, the last event.
type CellRow = (String, String, String, i64, i64, i64, i64, i64);

impl Store {
    /// The events of a customer that exist for `caller`, newest first.
    pub async fn contacts(
        &self,
        customer: &CustomerId,
        caller: &Caller,
        filter: &ContactFilter,
        after: Option<&ContactPlace>,
        limit: i64,
    ) -> Result<Vec<Contact>, SqlError> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut bind = |value: SqlValue| {
            values.push(value);
            format!("${}", values.len())
        };
        let mut conditions = vec![format!("customer_id = {}", bind(customer.as_str().into()))];
        if let Some(region) = &caller.region {
            conditions.push(format!("region = {}", bind(region.as_str().into())));
        }
        if !filter.kinds.is_empty() {
            let kinds: Vec<String> = filter
                .kinds
                .iter()
                .map(|kind| bind(kind.code().into()))
                .collect();
            conditions.push(format!("kind in ({})", kinds.join(", ")));
        }
        if let Some(channel) = filter.channel {
            conditions.push(format!("channel = {}", bind(channel.code().into())));
        }
        if let Some(from) = filter.from_unix_ms {
            conditions.push(format!("at_unix_ms >= {}", bind(from.into())));
        }
        if let Some(to) = filter.to_unix_ms {
            conditions.push(format!("at_unix_ms < {}", bind(to.into())));
        }
        if let Some((at, high, low)) = after {
            let (at, high, low) = (
                bind((*at).into()),
                bind((*high).into()),
                bind((*low).into()),
            );
            conditions.push(format!(
                "(at_unix_ms, identity_high, identity_low) < ({at}, {high}, {low})"
            ));
        }
        let limit = bind(limit.into());
        let select = format!(
            "select {COLUMNS} from feedback_event where {} \
             order by at_unix_ms desc, identity_high desc, identity_low desc limit {limit}",
            conditions.join(" and ")
        );
        self.sql().query(&select, values).await
    }

    /// Whether the customer has any event or order that exists for `caller`.
    pub async fn knows_customer(
        &self,
        customer: &CustomerId,
        caller: &Caller,
    ) -> Result<bool, SqlError> {
        // The orders outlive the events of their months.
        for table in ["feedback_event", "feedback_order_step"] {
            let select = format!(
                "select at_unix_ms from {table} where customer_id = $1 and region = coalesce($2, region) limit 1"
            );
            let region = caller.region.as_ref().map(Region::as_str);
            let values = parameters![customer.as_str(), region];
            let found: Option<(i64,)> = self.sql().query_optional(&select, values).await?;
            if found.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts of a customer's events that exist for `caller`, by channel, kind and outcome.
    pub async fn contact_cells(
        &self,
        customer: &CustomerId,
        caller: &Caller,
    ) -> Result<Vec<Cell>, SqlError> {
        let select = "select channel, kind, outcome, \
                      cast(sum(case when at_unix_ms >= $1 then 1 else 0 end) as bigint), \
                      cast(sum(case when at_unix_ms >= $2 then 1 else 0 end) as bigint), \
                      cast(sum(case when at_unix_ms >= $3 then 1 else 0 end) as bigint), \
                      cast(count(*) as bigint), max(at_unix_ms) \
                      from feedback_event where customer_id = $4 and region = coalesce($5, region) \
                      group by channel, kind, outcome";
        let now_unix_ms = self.now_unix_ms();
        let mut values: Vec<SqlValue> = WINDOWS_DAYS
            .iter()
            .map(|days| (now_unix_ms - days * DAY_MS).into())
            .collect();
        values.push(customer.as_str().into());
        values.push(caller.region.as_ref().map(Region::as_str).into());
        let rows: Vec<CellRow> = self.sql().query(select, values).await?;
        rows.into_iter().map(cell).collect()
    }
}

fn cell(row: CellRow) -> Result<Cell, SqlError> {
    let (channel, kind, outcome, first, second, third, all, last_at_unix_ms) = row;
    let events: [i64; WINDOW_COUNT] = [first, second, third, all];
    let unknown = || SqlError::Shape("a stored word is unknown".to_owned());
    Ok(Cell {
        channel: channel.parse().map_err(|_| unknown())?,
        kind: kind.parse().map_err(|_| unknown())?,
        outcome: outcome.parse().map_err(|_| unknown())?,
        events,
        last_at_unix_ms,
    })
}
