//! The record of who looked at whose data (PR-4), written before the answer leaves.

use std::sync::Arc;

use chudian_vocabulary::CustomerId;

use super::access_queue::AccessQueue;
use super::auth::Caller;
use super::edge::RequestId;
use crate::parameters;
use crate::ports::sql::{Sql, SqlError, SqlValue, Transaction};
use crate::ports::{Clock, Random, Signals};

/// Random bytes of a record's id: two records of one millisecond never share them by chance.
const ID_RANDOM_BYTES: usize = 10;
/// Hexadecimal digits of the time in a record's id: milliseconds, good until the year 10889.
const ID_TIME_DIGITS: usize = 12;

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
        let mut random = [0; ID_RANDOM_BYTES];
        self.random.fill(&mut random);
        let at_unix_ms = self.clock.now_unix_ms();
        let id = record_id(at_unix_ms, &random);
        let insert = "insert into personal_access (id, at_unix_ms, key_id, customer_id, action, request_id) \
                      values ($1, $2, $3, $4, $5, $6)";
        let values = parameters![
            id,
            at_unix_ms,
            caller.key_id.as_str(),
            customer.as_str(),
            action,
            request_id.as_str(),
        ];
        (insert, values)
    }
}

/// The id of a record: its time, then chance. Ids ascend with time, so that records which come together stand together in the table's
/// index; with ids of pure chance each of them would touch, and have the disk write, a page of its own.
fn record_id(at_unix_ms: i64, random: &[u8; ID_RANDOM_BYTES]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u64| char::from(DIGITS[(value & 0xf) as usize]);
    // Before 1970 there are no records; a clock that says so is wrong, and the record is kept all the same.
    let time = u64::try_from(at_unix_ms).unwrap_or(0);
    let mut id = String::with_capacity(ID_TIME_DIGITS + 2 * ID_RANDOM_BYTES);
    for place in (0..ID_TIME_DIGITS).rev() {
        id.push(digit(time >> (4 * place)));
    }
    for byte in random {
        id.push(digit(u64::from(byte >> 4)));
        id.push(digit(u64::from(*byte)));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: ids are of one length and ascend with time, whatever chance adds.
    #[test]
    fn ids_ascend_with_time() {
        let early = record_id(1_795_795_200_000, &[0xff; ID_RANDOM_BYTES]);
        let late = record_id(1_795_795_200_001, &[0; ID_RANDOM_BYTES]);
        assert_eq!(early, "01a21dbc2800ffffffffffffffffffff");
        assert_eq!(late.len(), early.len());
        assert!(early < late);
        assert_eq!(record_id(-1, &[0; ID_RANDOM_BYTES]), "0".repeat(32));
    }
}
