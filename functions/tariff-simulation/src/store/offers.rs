//! Offers for channels (TS-8).

use chudian_runtime::http::auth::Caller;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue, Transaction};
use chudian_vocabulary::{CustomerId, Region};

use super::Store;

/// Columns of [`Offer`], in its order.
const COLUMNS: &str =
    "offer_id, customer_id, channel, plan_id, catalogue_version, document, created_at_unix_ms";

/// An offer as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub offer_id: String,
    /// To whom.
    pub customer_id: String,
    /// The channel that is to show it.
    pub channel: String,
    /// The plan.
    pub plan_id: String,
    /// The catalogue version from which it was simulated.
    pub catalogue_version: String,
    /// Before and after, JSON.
    pub document: String,
    /// When it was made.
    pub created_at_unix_ms: i64,
}

/// The place of an offer in the order of the list: time, then id.
pub type OfferPlace = (i64, String);

impl FromSqlRow for Offer {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            offer_id: row.next_column()?,
            customer_id: row.next_column()?,
            channel: row.next_column()?,
            plan_id: row.next_column()?,
            catalogue_version: row.next_column()?,
            document: row.next_column()?,
            created_at_unix_ms: row.next_column()?,
        })
    }
}

/// An offer that is to be stored.
pub struct NewOffer<'a> {
    /// Its id, made at random.
    pub offer_id: &'a str,
    /// To whom.
    pub customer_id: &'a CustomerId,
    /// The customer's region.
    pub region: &'a Region,
    /// The channel that is to show it.
    pub channel: &'a str,
    /// The plan.
    pub plan_id: &'a str,
    /// The catalogue version from which it was simulated.
    pub catalogue_version: &'a str,
    /// Before and after, JSON.
    pub document: &'a str,
    /// When.
    pub created_at_unix_ms: i64,
}

/// Which offers are asked for; what is `None` does not restrict.
pub struct OfferFilter<'a> {
    /// The channel that is to show them.
    pub channel: Option<&'a str>,
    /// One customer's.
    pub customer_id: Option<&'a CustomerId>,
}

impl Store {
    /// Adds an offer.
    pub async fn add_offer(
        &self,
        transaction: &mut Transaction,
        new: &NewOffer<'_>,
    ) -> Result<(), SqlError> {
        let insert = "insert into tariff_offer (offer_id, customer_id, region, channel, plan_id, catalogue_version, document, \
                      created_at_unix_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values = parameters![
            new.offer_id,
            new.customer_id.as_str(),
            new.region.as_str(),
            new.channel,
            new.plan_id,
            new.catalogue_version,
            new.document,
            new.created_at_unix_ms,
        ];
        transaction.execute(insert, values).await?;
        Ok(())
    }

    /// Offers that exist for `caller`, oldest first.
    pub async fn offers(
        &self,
        filter: &OfferFilter<'_>,
        caller: &Caller,
        after: Option<&OfferPlace>,
        limit: i64,
    ) -> Result<Vec<Offer>, SqlError> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut conditions = Vec::new();
        // Conditions are added only where they restrict, so that each database can use an index.
        let mut restrict = |column: &str, value: Option<&str>| {
            if let Some(value) = value {
                values.push(value.into());
                conditions.push(format!("{column} = ${}", values.len()));
            }
        };
        restrict("channel", filter.channel);
        restrict("customer_id", filter.customer_id.map(CustomerId::as_str));
        restrict("region", caller.region.as_ref().map(Region::as_str));
        if let Some((created_at_unix_ms, offer_id)) = after {
            values.push((*created_at_unix_ms).into());
            values.push(offer_id.as_str().into());
            conditions.push(format!(
                "(created_at_unix_ms, offer_id) > (${}, ${})",
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
            "select {COLUMNS} from tariff_offer {condition} order by created_at_unix_ms, offer_id limit ${}",
            values.len()
        );
        self.sql().query(&select, values).await
    }
}
