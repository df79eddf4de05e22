//! The record of who looked at whose data (PR-4), written before the answer leaves.

use std::sync::Arc;

use chudian_vocabulary::CustomerId;

use super::access_queue::AccessQueue;
use super::auth::Caller;
use super::edge::RequestId;
use crate::parameters;
use crate::ports::sql::{Sql, SqlError, SqlValue, Transaction};
use crate::ports::{Clock, Random, Signals};

/// Random bytes of a record's id: two records never share one by chance.
const ID_BYTES: usize = 16;

/// Writes the record.
#[derive(Clone)]
pub struct PersonalAccess {
    sql: Sql,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    queue: Option<Arc<AccessQueue>>,
}

impl PersonalAccess {
    /// A record in the table `personal_access` of `sql`.
    pub fn new(sql: Sql, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            sql,
            clock,
            random,
            queue: None,
        }
    }

    /// Lets the requests of this instance share commits: for routes that are called far more often than a disk can be flushed.
    #[must_use]
    pub fn sharing_commits(mut self, signals: Arc<dyn Signals>) -> Self {
        self.queue = Some(Arc::new(AccessQueue::new(signals)));
        self
    }

    /// Records that `caller` is about to see data of `customer`; `action` is a word for what, such as `simulate`. When it fails, the
    /// data must not be shown.
    pub async fn record(
        &self,
        caller: &Caller,
        customer: &CustomerId,
        action: &'static str,
        request_id: &RequestId,
    ) -> Result<(), SqlError> {
        let (insert, values) = self.row(caller, customer, action, request_id);
        match &self.queue {
            Some(queue) => queue.record(&self.sql, values).await,
            None => self.sql.execute(insert, values).await.map(drop),
        }
    }

    /// As [`Self::record`], inside a transaction: for what must not happen without its record.
    pub async fn record_in(
        &self,
        transaction: &mut Transaction,
        caller: &Caller,
        customer: &CustomerId,
        action: &'static str,
        request_id: &RequestId,
    ) -> Result<(), SqlError> {
        let (insert, values) = self.row(caller, customer, action, request_id);
        transaction.execute(insert, values).await?;
        Ok(())
    }

    fn row(
        &self,
        caller: &Caller,
        customer: &CustomerId,
        action: &'static str,
        request_id: &RequestId,
    ) -> (&'static str, Vec<SqlValue>) {
        let mut bytes = [0; ID_BYTES];
        self.random.fill(&mut bytes);
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let insert = "insert into personal_access (id, at_unix_ms, key_id, customer_id, action, request_id) \
                      values ($1, $2, $3, $4, $5, $6)";
        let values = parameters![
            id,
            self.clock.now_unix_ms(),
            caller.key_id.as_str(),
            customer.as_str(),
            action,
            request_id.as_str(),
        ];
        (insert, values)
    }
}
