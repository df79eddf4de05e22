//! Handing out customers one at a time, and the record of every look.
//!
//! A claim is a lease: whoever took a customer has them until the lease ends, longer with every reading, for ever with a result. After it,
//! without a result, the customer goes to the next who asks; one who vanishes keeps nobody.
//!
//! Invariants: a customer is with one key at a time, also when many ask at the same moment; the record is written in the transaction that
//! hands out, so there is no look without its record.

use std::collections::BTreeMap;

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{SqlError, Transaction};

use super::lists::Lists;
use crate::lists::ListId;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How often one key looked at a list's customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// In the last minute.
    pub in_minute: i64,
    /// In the last 24 hours.
    pub in_day: i64,
}

/// A queue of customers of one list: a partition, and within it one channel or all ("").
#[derive(Clone, Copy, Debug)]
pub struct Queue<'a> {
    /// The list.
    pub list: &'a ListId,
    /// Number of the partition.
    pub partition: u16,
    /// The channel, or "".
    pub channel: &'a str,
}

/// Lapsed claims that one request tries: others may be taking the first of them at the same moment.
const LAPSED_TRIED_MAX: usize = 16;

/// A customer's place in a list.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The customer's pseudonym.
    pub customer_id: &'a str,
    /// Number of the partition.
    pub partition: u16,
    /// Place in the partition.
    pub index: u64,
    /// The customer's channel.
    pub channel: &'a str,
}

/// A claim whose lease has ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapsed {
    /// The customer's pseudonym.
    pub customer_id: String,
    /// Number of the partition.
    pub partition: u16,
    /// Place in the partition.
    pub index: u64,
}

/// With whom a customer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredClaim {
    /// The key.
    pub key_id: String,
    /// Since when.
    pub at_unix_ms: i64,
    /// When the lease ends, or ended.
    pub until_unix_ms: i64,
    /// When the result came.
    pub done_at_unix_ms: Option<i64>,
    /// Its outcome.
    pub outcome: Option<String>,
}

impl Lists {
    /// How often `key_id` looked at the list's customers of late.
    pub async fn looks(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        key_id: &str,
    ) -> Result<Looks, SqlError> {
        let now_unix_ms = self.now_unix_ms();
        let select = "select cast(coalesce(sum(case when at_unix_ms > $1 then 1 else 0 end), 0) as bigint), count(*) \
                      from filter_list_access where list_id = $2 and key_id = $3 and at_unix_ms > $4";
        let values = parameters![
            now_unix_ms - MINUTE_MS,
            list.as_str(),
            key_id,
            now_unix_ms - DAY_MS
        ];
        let row: Option<(i64, i64)> = transaction.query_optional(select, values).await?;
        let (in_minute, in_day) = row.unwrap_or_default();
        Ok(Looks { in_minute, in_day })
    }

    /// Records a look.
    pub async fn record_look(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        key_id: &str,
        action: &str,
        customer_id: Option<&str>,
        request_id: &str,
    ) -> Result<(), SqlError> {
        let insert = "insert into filter_list_access (access_id, list_id, at_unix_ms, key_id, action, customer_id, request_id) \
                      values ($1, $2, $3, $4, $5, $6, $7)";
        let values = parameters![
            self.row_id(),
            list.as_str(),
            self.now_unix_ms(),
            key_id,
            action,
            customer_id,
            request_id
        ];
        transaction.execute(insert, values).await?;
        Ok(())
    }

    /// How far the queues of a channel have been handed out, by partition; those never asked for are missing.
    pub async fn queues(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        channel: &str,
    ) -> Result<BTreeMap<u16, u64>, SqlError> {
        let select = "select partition_number, next_index from filter_list_cursor where list_id = $1 and channel = $2";
        let rows: Vec<(u64, u64)> = transaction
            .query(select, parameters![list.as_str(), channel])
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(partition, next_index)| {
                Some((u16::try_from(partition).ok()?, next_index))
            })
            .collect())
    }

    /// Locks a queue for the transaction and tells how far it has been handed out.
    pub async fn lock_queue(
        &self,
        transaction: &mut Transaction,
        queue: Queue<'_>,
    ) -> Result<u64, SqlError> {
        let insert = "insert into filter_list_cursor (list_id, partition_number, channel, next_index, touched) \
                      values ($1, $2, $3, 0, 0) on conflict (list_id, partition_number, channel) do nothing";
        let place = || {
            parameters![
                queue.list.as_str(),
                i64::from(queue.partition),
                queue.channel
            ]
        };
        transaction.execute(insert, place()).await?;
        // The update takes the row's lock on PostgreSQL; SQLite has the whole database locked since the transaction began.
        let touch = "update filter_list_cursor set touched = touched + 1 \
                     where list_id = $1 and partition_number = $2 and channel = $3";
        transaction.execute(touch, place()).await?;
        let select = "select next_index from filter_list_cursor where list_id = $1 and partition_number = $2 and channel = $3";
        let row: Option<(u64,)> = transaction.query_optional(select, place()).await?;
        row.map(|(index,)| index)
            .ok_or_else(|| SqlError::Shape("filter_list_cursor: no row after insert".to_owned()))
    }

    /// Notes how far a queue has been handed out.
    pub async fn move_queue(
        &self,
        transaction: &mut Transaction,
        queue: Queue<'_>,
        next_index: u64,
    ) -> Result<(), SqlError> {
        let update = "update filter_list_cursor set next_index = $1 where list_id = $2 and partition_number = $3 and channel = $4";
        let next_index = i64::try_from(next_index).unwrap_or(i64::MAX);
        let values = parameters![
            next_index,
            queue.list.as_str(),
            i64::from(queue.partition),
            queue.channel
        ];
        transaction.execute(update, values).await?;
        Ok(())
    }

    /// Hands a customer out to `key_id`; `false` when the customer was handed out before.
    pub async fn claim(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        place: &Place<'_>,
        key_id: &str,
        lease_ms: i64,
    ) -> Result<bool, SqlError> {
        let now_unix_ms = self.now_unix_ms();
        let insert = "insert into filter_list_claim (list_id, customer_id, key_id, at_unix_ms, until_unix_ms, lease_ms, \
                      partition_number, channel, place) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                      on conflict (list_id, customer_id) do nothing";
        let values = parameters![
            list.as_str(),
            place.customer_id,
            key_id,
            now_unix_ms,
            now_unix_ms.saturating_add(lease_ms),
            lease_ms,
            i64::from(place.partition),
            place.channel,
            i64::try_from(place.index).unwrap_or(i64::MAX)
        ];
        Ok(transaction.execute(insert, values).await? == 1)
    }

    /// Some customers whose lease has ended without a result, those whose ended first before the others. `channel` "" is any channel;
    /// partitions are told apart by the caller.
    pub async fn lapsed(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        channel: &str,
        partitions: &[u16],
    ) -> Result<Vec<Lapsed>, SqlError> {
        // The numbers are our own, so they may stand in the text.
        let numbers: Vec<String> = partitions.iter().map(u16::to_string).collect();
        let select = format!(
            "select customer_id, partition_number, place from filter_list_claim \
             where list_id = $1 and done_at_unix_ms is null and until_unix_ms <= $2 and ($3 = '' or channel = $3) \
             and partition_number in ({}) order by until_unix_ms, customer_id limit {LAPSED_TRIED_MAX}",
            numbers.join(", ")
        );
        let values = parameters![list.as_str(), self.now_unix_ms(), channel];
        let rows: Vec<(String, u64, u64)> = transaction.query(&select, values).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(customer_id, partition, index)| {
                Some(Lapsed {
                    customer_id,
                    partition: u16::try_from(partition).ok()?,
                    index,
                })
            })
            .collect())
    }

    /// Takes over a customer whose lease has ended; `false` when somebody else was quicker, or the holder came back.
    pub async fn take_over(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        customer_id: &str,
        key_id: &str,
        lease_ms: i64,
    ) -> Result<bool, SqlError> {
        let now_unix_ms = self.now_unix_ms();
        let update = "update filter_list_claim set key_id = $1, at_unix_ms = $2, until_unix_ms = $3, lease_ms = $4 \
                      where list_id = $5 and customer_id = $6 and done_at_unix_ms is null and until_unix_ms <= $2";
        let values = parameters![
            key_id,
            now_unix_ms,
            now_unix_ms.saturating_add(lease_ms),
            lease_ms,
            list.as_str(),
            customer_id
        ];
        Ok(transaction.execute(update, values).await? == 1)
    }

    /// Lets the lease begin anew for its holder; nothing happens for anybody else and after a result.
    pub async fn renew(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        customer_id: &str,
        key_id: &str,
    ) -> Result<(), SqlError> {
        let update = "update filter_list_claim set until_unix_ms = $1 + lease_ms \
                      where list_id = $2 and customer_id = $3 and key_id = $4 and done_at_unix_ms is null";
        let values = parameters![self.now_unix_ms(), list.as_str(), customer_id, key_id];
        transaction.execute(update, values).await?;
        Ok(())
    }

    /// Notes the result of the holder; `false` when the customer is not with `key_id`. Of several results the last counts.
    pub async fn finish(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        customer_id: &str,
        key_id: &str,
        outcome: &str,
    ) -> Result<bool, SqlError> {
        let update = "update filter_list_claim set done_at_unix_ms = $1, outcome = $2 \
                      where list_id = $3 and customer_id = $4 and key_id = $5";
        let values = parameters![
            self.now_unix_ms(),
            outcome,
            list.as_str(),
            customer_id,
            key_id
        ];
        Ok(transaction.execute(update, values).await? == 1)
    }

    /// Whether the customer was ever handed out to `key_id`.
    pub async fn was_with(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        customer_id: &str,
        key_id: &str,
    ) -> Result<bool, SqlError> {
        let select = "select count(*) from filter_list_access where list_id = $1 and key_id = $2 and customer_id = $3 and action = 'next'";
        let values = parameters![list.as_str(), key_id, customer_id];
        let row: Option<(i64,)> = transaction.query_optional(select, values).await?;
        Ok(row.is_some_and(|(count,)| count > 0))
    }

    /// With whom a customer is.
    pub async fn claimed(
        &self,
        transaction: &mut Transaction,
        list: &ListId,
        customer_id: &str,
    ) -> Result<Option<StoredClaim>, SqlError> {
        let select = "select key_id, at_unix_ms, until_unix_ms, done_at_unix_ms, outcome from filter_list_claim \
                      where list_id = $1 and customer_id = $2";
        let row: Option<(String, i64, i64, Option<i64>, Option<String>)> = transaction
            .query_optional(select, parameters![list.as_str(), customer_id])
            .await?;
        Ok(row.map(
            |(key_id, at_unix_ms, until_unix_ms, done_at_unix_ms, outcome)| StoredClaim {
                key_id,
                at_unix_ms,
                until_unix_ms,
                done_at_unix_ms,
                outcome,
            },
        ))
    }
}
