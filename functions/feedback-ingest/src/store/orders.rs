//! Orders of one customer (FI-5).

use chudian_runtime::http::auth::Caller;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue};
use chudian_vocabulary::CustomerId;

use super::Store;
use super::contacts::word;
use crate::identity::Identity;
use crate::order::{Relation, Stage, Step};

/// An order of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerOrder {
    /// Number of the order.
    pub order_id: String,
    /// Its steps.
    pub relation: Relation,
}

/// The place of an order in a customer's list: its number.
pub type OrderPlace = (String,);

/// A stored step with its order's number.
pub(super) struct StoredStep {
    pub(super) order_id: String,
    pub(super) stage: Stage,
    pub(super) step: Step,
}

impl FromSqlRow for StoredStep {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let order_id = row.next_column()?;
        let stage: String = row.next_column()?;
        let stage = Stage::of_code(&stage)
            .ok_or_else(|| SqlError::Shape(format!("`{stage}` is no step of an order")))?;
        let at_unix_ms = row.next_column()?;
        let identity = Identity {
            high: row.next_column()?,
            low: row.next_column()?,
        };
        let channel = word(&mut row)?;
        let (region, business, campaign) =
            (row.next_column()?, row.next_column()?, row.next_column()?);
        let way: Option<String> = row.next_column()?;
        let expires_at_unix_ms = row.next_column()?;
        let cancelled_by: Option<String> = row.next_column()?;
        let unknown = || SqlError::Shape("a stored word of an order is unknown".to_owned());
        let step = Step {
            at_unix_ms,
            identity,
            channel,
            region,
            business,
            campaign,
            way: way
                .map(|way| way.parse())
                .transpose()
                .map_err(|_| unknown())?,
            expires_at_unix_ms,
            cancelled_by: cancelled_by
                .map(|by| by.parse())
                .transpose()
                .map_err(|_| unknown())?,
        };
        Ok(Self {
            order_id,
            stage,
            step,
        })
    }
}

impl Store {
    /// The orders of a customer that exist for `caller`, by number.
    pub async fn orders(
        &self,
        customer: &CustomerId,
        caller: &Caller,
        after: Option<&OrderPlace>,
        limit: i64,
    ) -> Result<Vec<CustomerOrder>, SqlError> {
        let mut values: Vec<SqlValue> = vec![customer.as_str().into()];
        let mut condition = "customer_id = $1".to_owned();
        if let Some(region) = &caller.region {
            values.push(region.as_str().into());
            condition.push_str(&format!(" and region = ${}", values.len()));
        }
        if let Some((order_id,)) = after {
            values.push(order_id.as_str().into());
            condition.push_str(&format!(" and order_id > ${}", values.len()));
        }
        values.push(limit.into());
        // Whole orders: the limit counts numbers, not steps.
        let select = format!(
            "select order_id, stage, at_unix_ms, identity_high, identity_low, channel, region, business, campaign, way, \
             expires_at_unix_ms, cancelled_by from feedback_order_step where {condition} and order_id in \
             (select distinct order_id from feedback_order_step where {condition} order by order_id limit ${}) \
             order by order_id, stage",
            values.len()
        );
        let steps: Vec<StoredStep> = self.sql().query(&select, values).await?;
        // In the database's own order, by which the next page goes on.
        let mut orders: Vec<CustomerOrder> = Vec::new();
        for StoredStep {
            order_id,
            stage,
            step,
        } in steps
        {
            match orders.last_mut() {
                Some(order) if order.order_id == order_id => order.relation.set(stage, step),
                _ => {
                    let mut relation = Relation::default();
                    relation.set(stage, step);
                    orders.push(CustomerOrder { order_id, relation });
                }
            }
        }
        Ok(orders)
    }
}
