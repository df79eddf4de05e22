//! Stored customers.

use chudian_runtime::http::auth::Caller;
use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};
use chudian_vocabulary::access::KeyId;
use chudian_vocabulary::{CustomerId, Region};

use super::Store;

/// A customer as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCustomer {
    /// The region to which the customer belongs.
    pub region: Region,
    /// Profile, family and usage, JSON.
    pub document: String,
    /// When it was stored.
    pub updated_at_unix_ms: i64,
}

impl FromSqlRow for StoredCustomer {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            region: region_of(row.next_column()?)?,
            document: row.next_column()?,
            updated_at_unix_ms: row.next_column()?,
        })
    }
}

pub(super) fn region_of(text: String) -> Result<Region, SqlError> {
    Region::new(text).map_err(|error| SqlError::Shape(format!("a stored region: {error}")))
}

impl Store {
    /// The customer, when there is one that exists for `caller`.
    pub async fn customer(
        &self,
        id: &CustomerId,
        caller: &Caller,
    ) -> Result<Option<StoredCustomer>, SqlError> {
        if !caller.sees_customer(id) {
            return Ok(None);
        }
        let select = "select region, document, updated_at_unix_ms from tariff_customer where customer_id = $1";
        let found: Option<StoredCustomer> = self
            .sql()
            .query_optional(select, parameters![id.as_str()])
            .await?;
        Ok(found.filter(|customer| caller.sees_region(&customer.region)))
    }

    /// Stores or replaces a customer. `false`, and nothing done, when the id belongs to a customer of a region that `caller` does
    /// not see.
    pub async fn put_customer(
        &self,
        transaction: &mut Transaction,
        id: &CustomerId,
        region: &Region,
        document: &str,
        caller: &Caller,
    ) -> Result<bool, SqlError> {
        let by: &KeyId = &caller.key_id;
        // The condition on the region stands in the statement: a look before it could be overtaken.
        let upsert = "insert into tariff_customer (customer_id, region, document, updated_at_unix_ms, updated_by) \
                      values ($1, $2, $3, $4, $5) on conflict (customer_id) do update set region = excluded.region, \
                      document = excluded.document, updated_at_unix_ms = excluded.updated_at_unix_ms, \
                      updated_by = excluded.updated_by";
        let mut values = parameters![
            id.as_str(),
            region.as_str(),
            document,
            self.now_unix_ms(),
            by.as_str()
        ];
        let stored = match &caller.region {
            None => transaction.execute(upsert, values).await?,
            Some(own) => {
                values.push(own.as_str().into());
                transaction
                    .execute(
                        &format!("{upsert} where tariff_customer.region = $6"),
                        values,
                    )
                    .await?
            }
        };
        Ok(stored == 1)
    }

    /// Forgets a customer and the offers made to it; `false` when there is none that exists for `caller`.
    pub async fn forget_customer(
        &self,
        transaction: &mut Transaction,
        id: &CustomerId,
        caller: &Caller,
    ) -> Result<bool, SqlError> {
        let region = caller.region.as_ref().map(Region::as_str);
        let delete =
            "delete from tariff_customer where customer_id = $1 and region = coalesce($2, region)";
        let forgotten = transaction
            .execute(delete, parameters![id.as_str(), region])
            .await?;
        if forgotten == 1 {
            let offers = "delete from tariff_offer where customer_id = $1";
            transaction
                .execute(offers, parameters![id.as_str()])
                .await?;
        }
        Ok(forgotten == 1)
    }
}
