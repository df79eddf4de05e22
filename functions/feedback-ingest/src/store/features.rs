//! What contact features are made of: customers in the order of their ids, and what is known of each.
//!
//! Orders are those that stand when they are asked for; events are those before the plan's horizon.

use std::collections::BTreeMap;

use chudian_dataset::contact::Business;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue};

use super::Store;
use super::contacts::word;
use super::orders::StoredStep;
use crate::features::{EventCell, Facts, FeaturePlan, KeptRefusal, Occurrence, WINDOWS_MAX};
use crate::limits::FEATURE_OCCURRENCES_MAX;
use crate::order::Relation;

/// Which customers, in the order of the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct CustomerRange<'a> {
    /// Only those behind this one.
    pub after: Option<&'a str>,
    /// Only this one and those behind it.
    pub from: Option<&'a str>,
    /// Only those before this one.
    pub before: Option<&'a str>,
}

/// A customer with what is known.
pub type CustomerFacts = (String, Facts);

/// Events of one customer, channel, kind, outcome and business.
struct CellRow {
    customer_id: String,
    cell: EventCell,
}

/// The counts of the windows stand behind the others; of windows that the plan does not have they are 0.
impl FromSqlRow for CellRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let customer_id = row.next_column()?;
        let (channel, kind, outcome) = (word(&mut row)?, word(&mut row)?, word(&mut row)?);
        let business: Option<String> = row.next_column()?;
        let (events_ever, last_at_unix_ms) = (row.next_column()?, row.next_column()?);
        let mut events = Vec::with_capacity(WINDOWS_MAX);
        for _ in 0..WINDOWS_MAX {
            events.push(row.next_column()?);
        }
        Ok(Self {
            customer_id,
            cell: EventCell {
                channel,
                kind,
                outcome,
                business: business.as_deref().and_then(Business::of_code),
                events,
                events_ever,
                last_at_unix_ms,
            },
        })
    }
}

impl Store {
    /// What has occurred at all, from the daily sums, and how many combinations name a business that no column can be named after.
    pub async fn occurrences(&self) -> Result<(Vec<Occurrence>, usize), SqlError> {
        let select = "select distinct channel, kind, business from feedback_tally order by channel, kind, business limit $1";
        let values = vec![FEATURE_OCCURRENCES_MAX.into()];
        let rows: Vec<(String, String, String)> = self.sql().query(select, values).await?;
        let mut unnamed = 0;
        let mut occurred = Vec::with_capacity(rows.len());
        for (channel, kind, business) in rows {
            let unknown = || SqlError::Shape("a stored word is unknown".to_owned());
            let named = Business::of_code(&business);
            unnamed += usize::from(named.is_none() && !business.is_empty());
            occurred.push(Occurrence {
                channel: channel.parse().map_err(|_| unknown())?,
                kind: kind.parse().map_err(|_| unknown())?,
                business: named,
            });
        }
        Ok((occurred, unnamed))
    }

    /// The first customers of a range with their facts, at most `limit`. They are in the database's order; the next page begins behind the last.
    pub async fn customer_facts(
        &self,
        range: CustomerRange<'_>,
        plan: &FeaturePlan,
        limit: i64,
    ) -> Result<Vec<CustomerFacts>, SqlError> {
        let customers = self.customers(range, limit).await?;
        let (Some(first), Some(last)) = (customers.first(), customers.last()) else {
            return Ok(Vec::new());
        };
        let mut facts: BTreeMap<String, Facts> = BTreeMap::new();
        for row in self.cells(first, last, plan).await? {
            let of = facts.entry(row.customer_id).or_default();
            of.cells.push(row.cell);
        }
        for (customer, orders) in self.relations(first, last).await? {
            facts.entry(customer).or_default().orders = orders;
        }
        for row in self.refusals(first, last).await? {
            let of = facts.entry(row.customer_id).or_default();
            of.refusals.push(row.refusal);
        }
        Ok(customers
            .into_iter()
            .map(|customer| {
                let facts = facts.remove(&customer).unwrap_or_default();
                (customer, facts)
            })
            .collect())
    }

    /// Ids of customers with an event, an order or a refusal: the latter two outlive the events of their months.
    async fn customers(
        &self,
        range: CustomerRange<'_>,
        limit: i64,
    ) -> Result<Vec<String>, SqlError> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut conditions = vec!["1 = 1".to_owned()];
        for (comparison, bound) in [(">", range.after), (">=", range.from), ("<", range.before)] {
            if let Some(bound) = bound {
                values.push(bound.into());
                conditions.push(format!("customer_id {comparison} ${}", values.len()));
            }
        }
        values.push(limit.into());
        let (condition, place) = (conditions.join(" and "), values.len());
        // Each table gives as many as are wanted in all, so the first of both together are among them.
        let first_of = |table: &str| {
            format!(
                "select customer_id from (select distinct customer_id from {table} where {condition} \
                 order by customer_id limit ${place}) first_of_{table}"
            )
        };
        let select = format!(
            "select customer_id from ({} union {} union {}) customers order by customer_id limit ${place}",
            first_of("feedback_event"),
            first_of("feedback_order_step"),
            first_of("feedback_refusal")
        );
        let rows: Vec<(String,)> = self.sql().query(&select, values).await?;
        Ok(rows.into_iter().map(|(customer,)| customer).collect())
    }

    async fn cells(
        &self,
        first: &str,
        last: &str,
        plan: &FeaturePlan,
    ) -> Result<Vec<CellRow>, SqlError> {
        let mut values: Vec<SqlValue> =
            vec![first.into(), last.into(), plan.horizon_unix_ms().into()];
        let mut sums = String::new();
        let mut starts = plan.window_starts_unix_ms();
        for _ in 0..WINDOWS_MAX {
            match starts.next() {
                Some(start) => {
                    values.push(start.into());
                    sums.push_str(&format!(
                        ", cast(sum(case when at_unix_ms >= ${} then 1 else 0 end) as bigint)",
                        values.len()
                    ));
                }
                None => sums.push_str(", cast(0 as bigint)"),
            }
        }
        let select = format!(
            "select customer_id, channel, kind, outcome, business, cast(count(*) as bigint), max(at_unix_ms){sums} \
             from feedback_event where customer_id >= $1 and customer_id <= $2 and recorded_at_unix_ms < $3 \
             group by customer_id, channel, kind, outcome, business"
        );
        self.sql().query(&select, values).await
    }

    /// Refusals of forgotten months.
    async fn refusals(&self, first: &str, last: &str) -> Result<Vec<RefusalRow>, SqlError> {
        let select = "select customer_id, channel, refused_at_unix_ms, taken_back_at_unix_ms from feedback_refusal \
                      where customer_id >= $1 and customer_id <= $2";
        let values = vec![first.into(), last.into()];
        self.sql().query(select, values).await
    }

    async fn relations(
        &self,
        first: &str,
        last: &str,
    ) -> Result<BTreeMap<String, Vec<(Option<Business>, Relation)>>, SqlError> {
        let select = "select customer_id, order_id, stage, at_unix_ms, identity_high, identity_low, channel, region, business, campaign, way, \
                      expires_at_unix_ms, cancelled_by from feedback_order_step where customer_id >= $1 and customer_id <= $2";
        let values = vec![first.into(), last.into()];
        let steps: Vec<CustomerStep> = self.sql().query(select, values).await?;
        let mut relations: BTreeMap<(String, String), Relation> = BTreeMap::new();
        for CustomerStep { customer_id, step } in steps {
            let relation = relations.entry((customer_id, step.order_id)).or_default();
            relation.set(step.stage, step.step);
        }
        let mut of_customers: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for ((customer, _), relation) in relations {
            let business = business_of(&relation);
            of_customers
                .entry(customer)
                .or_default()
                .push((business, relation));
        }
        Ok(of_customers)
    }
}

/// What an order is for: its order says so, else its trial, else whoever cancelled it.
fn business_of(relation: &Relation) -> Option<Business> {
    let steps = [&relation.order, &relation.trial, &relation.cancellation];
    let code = steps
        .into_iter()
        .flatten()
        .find_map(|step| step.business.as_deref())?;
    Business::of_code(code)
}

struct RefusalRow {
    customer_id: String,
    refusal: KeptRefusal,
}

impl FromSqlRow for RefusalRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            customer_id: row.next_column()?,
            refusal: KeptRefusal {
                channel: word(&mut row)?,
                refused_at_unix_ms: row.next_column()?,
                taken_back_at_unix_ms: row.next_column()?,
            },
        })
    }
}

struct CustomerStep {
    customer_id: String,
    step: StoredStep,
}

impl FromSqlRow for CustomerStep {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            customer_id: row.next_column()?,
            step: StoredStep::from_sql_row(row)?,
        })
    }
}
