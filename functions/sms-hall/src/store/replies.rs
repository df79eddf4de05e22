//! Replies: what answers a customer's message is written together with the end of that message, once.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};

use super::messages::{begin, forget_number, queue};
use super::{NewEvent, NewMessage, Sending, Store};
use crate::limits::{HELP_PAUSE_MS, OFFER_LIFE_MS};
use crate::rules::{SendingRules, day_bounds};
use crate::sending::{RepliesToday, may_reply};

/// An offer that a customer was made by message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOffer {
    /// The number with which it is accepted.
    pub number: u32,
    /// Its id.
    pub offer_id: String,
    /// The plan.
    pub plan_id: String,
    /// What people call it, in Chinese and in English.
    pub name: (String, String),
    /// Monthly fee, fen.
    pub monthly_fee_fen: i64,
    /// Mean saving per month, fen.
    pub monthly_saving_fen: Option<i64>,
    /// Whether it was accepted.
    pub is_accepted: bool,
}

impl FromSqlRow for StoredOffer {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            number: super::small(row.next_column()?)?,
            offer_id: row.next_column()?,
            plan_id: row.next_column()?,
            name: (row.next_column()?, row.next_column()?),
            monthly_fee_fen: row.next_column()?,
            monthly_saving_fen: row.next_column()?,
            is_accepted: row.next_column::<Option<i64>>()?.is_some(),
        })
    }
}

/// How a customer's message is answered.
pub struct Answer<'a> {
    /// The message.
    pub inbound_id: &'a str,
    /// From whom.
    pub customer_id: &'a str,
    /// The reply; `None` when silence is right.
    pub reply: Option<NewMessage>,
    /// Only when the customer was not told how to within the last hour.
    pub is_unasked_help: bool,
    /// Offers that take the place of the earlier ones.
    pub offers: Option<&'a [StoredOffer]>,
    /// The offer that is accepted by it.
    pub accepted: Option<u32>,
    /// What is reported of it.
    pub event: Option<NewEvent>,
    /// Whether the reply is left out because the customer has had enough of them today.
    pub is_limited: bool,
    /// How many replies a customer gets.
    pub rules: &'a SendingRules,
}

/// What became of an answer.
pub enum Settled {
    /// It is written; this, if anything, is to be sent.
    Written(Option<Box<Sending>>),
    /// It is written without its reply: the customer has had as many today as a customer gets.
    Limited,
    /// Somebody else has answered the message, or accepted the offer, in the meantime.
    Overtaken,
}

impl Store {
    /// The offers that a customer can still answer to, by number.
    pub async fn offers_of(&self, customer_id: &str) -> Result<Vec<StoredOffer>, SqlError> {
        let select = "select offer_number, offer_id, plan_id, name_zh, name_en, monthly_fee_fen, monthly_saving_fen, accepted_at_unix_ms \
                      from sms_offer where customer_id = $1 and made_at_unix_ms > $2 order by offer_number";
        let since = self.now_unix_ms() - OFFER_LIFE_MS;
        self.sql
            .query(select, parameters![customer_id, since])
            .await
    }

    /// What a customer was answered today, for whoever would do costly work for another reply; [`Self::answer`] looks again.
    pub async fn replies_today(&self, customer_id: &str) -> Result<RepliesToday, SqlError> {
        let now = self.now_unix_ms();
        let (today, _) = day_bounds(now).unwrap_or((now, now));
        let counts: Option<(i64, i64)> = self
            .sql
            .query_optional(REPLIES_TODAY, parameters![customer_id, today])
            .await?;
        replies_of(counts)
    }

    /// Answers a message, once: reply, offers, acceptance and report together, with the first attempt of the reply recorded.
    pub async fn answer(&self, answer: &Answer<'_>) -> Result<Settled, SqlError> {
        let now = self.now_unix_ms();
        let mut transaction = self.sql.begin().await?;
        match answer_in(&mut transaction, answer, now).await {
            Ok(Settled::Overtaken) => {
                transaction.rollback().await;
                Ok(Settled::Overtaken)
            }
            outcome => transaction.end(outcome).await,
        }
    }
}

async fn answer_in(
    transaction: &mut Transaction,
    answer: &Answer<'_>,
    now: i64,
) -> Result<Settled, SqlError> {
    let update =
        "update sms_inbound set state = 'done' where inbound_id = $1 and state = 'pending'";
    if transaction
        .execute(update, parameters![answer.inbound_id])
        .await?
        == 0
    {
        return Ok(Settled::Overtaken);
    }
    forget_number(transaction, answer.inbound_id).await?;
    if let Some(number) = answer.accepted {
        let update = "update sms_offer set accepted_at_unix_ms = $1 where customer_id = $2 and offer_number = $3 \
                      and accepted_at_unix_ms is null";
        let values = parameters![now, answer.customer_id, number];
        if transaction.execute(update, values).await? == 0 {
            return Ok(Settled::Overtaken);
        }
    }
    if let Some(offers) = answer.offers {
        replace_offers(transaction, answer.customer_id, offers, now).await?;
    }
    if let Some(event) = &answer.event {
        super::events::add(transaction, event, now).await?;
    }
    if answer.is_limited {
        return limited(transaction, answer.inbound_id).await;
    }
    let Some(reply) = &answer.reply else {
        return Ok(Settled::Written(None));
    };
    if answer.is_unasked_help && !may_help(transaction, answer.customer_id, now).await? {
        return Ok(Settled::Written(None));
    }
    // Held, so that two replies at once are counted one after the other.
    super::consent::held_refusal(transaction, answer.customer_id, &reply.region).await?;
    let today = replies_today(transaction, answer.customer_id, now).await?;
    if !may_reply(reply.class, today, answer.rules) {
        return limited(transaction, answer.inbound_id).await;
    }
    queue(transaction, reply, now).await?;
    let begun = begin(transaction, &reply.message_id, answer.rules, now).await?;
    Ok(Settled::Written(begun.map(Box::new)))
}

/// Notes that a message has no reply because its customer had enough of them.
async fn limited(transaction: &mut Transaction, inbound_id: &str) -> Result<Settled, SqlError> {
    let update = "update sms_inbound set state = 'limited' where inbound_id = $1";
    transaction.execute(update, parameters![inbound_id]).await?;
    Ok(Settled::Limited)
}

/// What a customer was answered today.
async fn replies_today(
    transaction: &mut Transaction,
    customer_id: &str,
    now: i64,
) -> Result<RepliesToday, SqlError> {
    let (today, _) = day_bounds(now).unwrap_or((now, now));
    let counts: Option<(i64, i64)> = transaction
        .query_optional(REPLIES_TODAY, parameters![customer_id, today])
        .await?;
    replies_of(counts)
}

/// Replies of a customer since a moment, and the confirmations among them.
const REPLIES_TODAY: &str = "select cast(count(*) as bigint), \
     cast(coalesce(sum(case when class = 'opt-out-confirmation' then 1 else 0 end), 0) as bigint) \
     from sms_message where customer_id = $1 and created_at_unix_ms >= $2 and inbound_id is not null";

fn replies_of(counts: Option<(i64, i64)>) -> Result<RepliesToday, SqlError> {
    let (replies, confirmations) = counts.unwrap_or_default();
    Ok(RepliesToday {
        replies: super::small(replies)?,
        confirmations: super::small(confirmations)?,
    })
}

/// Whether the customer may be told what can be written without having asked; notes that it was done.
async fn may_help(
    transaction: &mut Transaction,
    customer_id: &str,
    now: i64,
) -> Result<bool, SqlError> {
    let upsert = "insert into sms_help (customer_id, told_at_unix_ms) values ($1, $2) on conflict (customer_id) \
                  do update set told_at_unix_ms = excluded.told_at_unix_ms where sms_help.told_at_unix_ms <= $3";
    let values = parameters![customer_id, now, now - HELP_PAUSE_MS];
    Ok(transaction.execute(upsert, values).await? == 1)
}

async fn replace_offers(
    transaction: &mut Transaction,
    customer_id: &str,
    offers: &[StoredOffer],
    now: i64,
) -> Result<(), SqlError> {
    let delete = "delete from sms_offer where customer_id = $1";
    transaction
        .execute(delete, parameters![customer_id])
        .await?;
    for offer in offers {
        let upsert = "insert into sms_offer (customer_id, offer_number, offer_id, plan_id, name_zh, name_en, monthly_fee_fen, \
                      monthly_saving_fen, made_at_unix_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                      on conflict (customer_id, offer_number) do update set offer_id = excluded.offer_id, plan_id = excluded.plan_id, \
                      name_zh = excluded.name_zh, name_en = excluded.name_en, monthly_fee_fen = excluded.monthly_fee_fen, \
                      monthly_saving_fen = excluded.monthly_saving_fen, made_at_unix_ms = excluded.made_at_unix_ms, \
                      accepted_at_unix_ms = null";
        let values = parameters![
            customer_id,
            offer.number,
            offer.offer_id.as_str(),
            offer.plan_id.as_str(),
            offer.name.0.as_str(),
            offer.name.1.as_str(),
            offer.monthly_fee_fen,
            offer.monthly_saving_fen,
            now
        ];
        transaction.execute(upsert, values).await?;
    }
    Ok(())
}
