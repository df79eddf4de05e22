//! Messages that go out: queued, begun, settled.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, SqlValue, Transaction};

use super::{NewEvent, Store};
use crate::limits::{END_TRIES_MAX, LEASE_MS, MARKETING_LIFE_MS_MAX};
use crate::rules::{SendingRules, day_bounds};
use crate::sending::{
    Decision, HandOver, MessageClass, MessageState, Next, Standing, decide, next,
};

/// A message that is to go out.
#[derive(Clone)]
pub struct NewMessage {
    /// Its id.
    pub message_id: String,
    /// Through which gateway.
    pub gateway_id: String,
    /// To whom.
    pub customer_id: String,
    /// Region of the gateway.
    pub region: String,
    /// Why.
    pub class: MessageClass,
    /// The message that it answers.
    pub inbound_id: Option<String>,
    /// Masked.
    pub text: String,
    /// Campaign, batch and business to which it belongs.
    pub campaign: Option<String>,
    /// Batch of the campaign's list.
    pub batch: Option<String>,
    /// Business that it is about.
    pub business: Option<String>,
    /// Not after this moment, unix milliseconds.
    pub expires_at_unix_ms: i64,
    /// Id of the key, or what else made it.
    pub created_by: String,
    /// Number and text, sealed.
    pub sealed: Vec<u8>,
}

/// A message as it is shown.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub message_id: String,
    /// Through which gateway.
    pub gateway_id: String,
    /// To whom.
    pub customer_id: String,
    /// Region of the gateway.
    pub region: String,
    /// Why.
    pub class: String,
    /// The message that it answers.
    pub inbound_id: Option<String>,
    /// Masked.
    pub text: String,
    /// Campaign.
    pub campaign: Option<String>,
    /// Where it stands.
    pub state: String,
    /// How often its hand-over was tried.
    pub attempts: i64,
    /// When it is due, where it waits.
    pub next_at_unix_ms: i64,
    /// Not after this moment.
    pub expires_at_unix_ms: i64,
    /// The provider's id.
    pub provider_message_id: Option<String>,
    /// The provider's word, or ours.
    pub code: Option<String>,
    /// When it was made.
    pub created_at_unix_ms: i64,
    /// When it last changed.
    pub changed_at_unix_ms: i64,
}

const COLUMNS: &str = "message_id, gateway_id, customer_id, region, class, inbound_id, text, campaign, state, attempts, next_at_unix_ms, \
                       expires_at_unix_ms, provider_message_id, code, created_at_unix_ms, changed_at_unix_ms";

impl FromSqlRow for Message {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            message_id: row.next_column()?,
            gateway_id: row.next_column()?,
            customer_id: row.next_column()?,
            region: row.next_column()?,
            class: row.next_column()?,
            inbound_id: row.next_column()?,
            text: row.next_column()?,
            campaign: row.next_column()?,
            state: row.next_column()?,
            attempts: row.next_column()?,
            next_at_unix_ms: row.next_column()?,
            expires_at_unix_ms: row.next_column()?,
            provider_message_id: row.next_column()?,
            code: row.next_column()?,
            created_at_unix_ms: row.next_column()?,
            changed_at_unix_ms: row.next_column()?,
        })
    }
}

/// Which messages of a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageFilter<'a> {
    /// Of this state.
    pub state: Option<MessageState>,
    /// To this customer.
    pub customer_id: Option<&'a str>,
    /// Of this region.
    pub region: Option<&'a str>,
}

/// Place in the list: time and id.
pub type MessagePlace = (i64, String);

/// A message whose attempt is recorded, and which must now be sent.
pub struct Sending {
    /// Its id.
    pub message_id: String,
    /// To whom.
    pub customer_id: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Through which gateway.
    pub gateway_id: String,
    /// Not after this moment.
    pub expires_at_unix_ms: i64,
    /// Number and text, sealed.
    pub sealed: Vec<u8>,
    /// What follows from its being handed over, for the contact log.
    pub event: Option<MessageEvent>,
}

/// What the contact log is told of a marketing message.
#[derive(Clone, Debug)]
pub struct MessageEvent {
    /// To whom.
    pub customer_id: String,
    /// Region.
    pub region: String,
    /// Campaign.
    pub campaign: String,
    /// Batch.
    pub batch: Option<String>,
    /// Business.
    pub business: Option<String>,
}

/// What must be known of a message to begin its attempt.
struct Due {
    class: String,
    customer_id: String,
    region: String,
    gateway_id: String,
    attempts: i64,
    expires_at_unix_ms: i64,
    campaign: Option<String>,
    batch: Option<String>,
    business: Option<String>,
}

impl FromSqlRow for Due {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            class: row.next_column()?,
            customer_id: row.next_column()?,
            region: row.next_column()?,
            gateway_id: row.next_column()?,
            attempts: row.next_column()?,
            expires_at_unix_ms: row.next_column()?,
            campaign: row.next_column()?,
            batch: row.next_column()?,
            business: row.next_column()?,
        })
    }
}

/// Writes a message that waits.
pub(super) async fn queue(
    transaction: &mut Transaction,
    message: &NewMessage,
    now: i64,
) -> Result<(), SqlError> {
    let insert = "insert into sms_message (message_id, gateway_id, customer_id, region, class, inbound_id, text, campaign, batch, business, \
                  state, attempts, next_at_unix_ms, lease_until_unix_ms, expires_at_unix_ms, created_at_unix_ms, created_by, \
                  changed_at_unix_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', 0, $11, 0, $12, $13, $14, $15)";
    let values = parameters![
        message.message_id.as_str(),
        message.gateway_id.as_str(),
        message.customer_id.as_str(),
        message.region.as_str(),
        message.class.code(),
        message.inbound_id.as_deref(),
        message.text.as_str(),
        message.campaign.as_deref(),
        message.batch.as_deref(),
        message.business.as_deref(),
        now,
        message.expires_at_unix_ms,
        now,
        message.created_by.as_str(),
        now
    ];
    transaction.execute(insert, values).await?;
    let insert =
        "insert into sms_number (owner_id, sealed, expires_at_unix_ms) values ($1, $2, $3)";
    let values = parameters![
        message.message_id.as_str(),
        message.sealed.as_slice(),
        message.expires_at_unix_ms
    ];
    transaction.execute(insert, values).await?;
    Ok(())
}

/// Records an attempt of a message that is due, when nothing holds it back. Consent is looked at here and held to the end of the
/// transaction, so that no refusal can come between this look and the record, and no other message of the customer's day.
pub(super) async fn begin(
    transaction: &mut Transaction,
    message_id: &str,
    rules: &SendingRules,
    now: i64,
) -> Result<Option<Sending>, SqlError> {
    let select = "select class, customer_id, region, gateway_id, attempts, expires_at_unix_ms, campaign, batch, business \
                  from sms_message where message_id = $1 and state = 'queued' and next_at_unix_ms <= $2";
    let seen: Option<Due> = transaction
        .query_optional(select, parameters![message_id, now])
        .await?;
    let Some(seen) = seen else {
        return Ok(None);
    };
    let class = MessageClass::of_code(&seen.class)
        .ok_or_else(|| SqlError::Shape(format!("sms_message: no class `{}`", seen.class)))?;
    // The consent first and the message after it, in the order in which a refusal takes them.
    let standing = match class {
        MessageClass::Service | MessageClass::OptOutConfirmation => Standing::default(),
        MessageClass::Marketing => {
            let (customer, region) = (&seen.customer_id, &seen.region);
            Standing {
                is_opted_out: super::consent::held_refusal(transaction, customer, region).await?,
                marketing_today: marketing_today(transaction, customer, message_id, now).await?,
            }
        }
    };
    let select = format!("{select}{}", super::held(transaction.dialect()));
    let due: Option<Due> = transaction
        .query_optional(&select, parameters![message_id, now])
        .await?;
    let Some(due) = due else {
        return Ok(None);
    };
    match decide(class, standing, rules, due.expires_at_unix_ms, now) {
        Decision::Send => record(transaction, message_id, due, now).await,
        Decision::Defer(until) => {
            let update = "update sms_message set next_at_unix_ms = $1, changed_at_unix_ms = $2 where message_id = $3";
            transaction
                .execute(update, parameters![until, now, message_id])
                .await?;
            Ok(None)
        }
        Decision::Cancel(reason) => {
            settle(
                transaction,
                message_id,
                MessageState::Cancelled,
                Some(reason.code()),
                now,
            )
            .await?;
            Ok(None)
        }
    }
}

/// Other marketing messages that went to the customer today, or may have.
async fn marketing_today(
    transaction: &mut Transaction,
    customer_id: &str,
    message_id: &str,
    now: i64,
) -> Result<u32, SqlError> {
    let (today, _) = day_bounds(now).unwrap_or((now, now));
    // None waits longer than that, so older ones went on an earlier day.
    let made_since = today - MARKETING_LIFE_MS_MAX;
    let select = "select cast(count(*) as bigint) from sms_message where customer_id = $1 and created_at_unix_ms >= $2 and class = 'marketing' \
                  and state in ('sending', 'handed-over', 'unknown', 'delivered', 'undelivered') and message_id <> $3 \
                  and exists (select 1 from sms_attempt a where a.message_id = sms_message.message_id and a.begun_at_unix_ms >= $4)";
    let values = parameters![customer_id, made_since, message_id, today];
    let count: Option<(i64,)> = transaction.query_optional(select, values).await?;
    count.map_or(Ok(0), |(count,)| super::small(count))
}

async fn record(
    transaction: &mut Transaction,
    message_id: &str,
    due: Due,
    now: i64,
) -> Result<Option<Sending>, SqlError> {
    let select = "select sealed from sms_number where owner_id = $1";
    let sealed: Option<(Vec<u8>,)> = transaction
        .query_optional(select, parameters![message_id])
        .await?;
    let Some((sealed,)) = sealed else {
        let gone = Some("number-gone");
        settle(transaction, message_id, MessageState::Failed, gone, now).await?;
        return Ok(None);
    };
    let attempt = super::small(due.attempts)?.saturating_add(1);
    let update = "update sms_message set state = 'sending', attempts = $1, lease_until_unix_ms = $2, changed_at_unix_ms = $3 \
                  where message_id = $4";
    let values = parameters![attempt, now + LEASE_MS, now, message_id];
    transaction.execute(update, values).await?;
    let insert =
        "insert into sms_attempt (message_id, attempt, begun_at_unix_ms) values ($1, $2, $3)";
    transaction
        .execute(insert, parameters![message_id, attempt, now])
        .await?;
    Ok(Some(Sending {
        message_id: message_id.to_owned(),
        customer_id: due.customer_id.clone(),
        attempt,
        gateway_id: due.gateway_id,
        expires_at_unix_ms: due.expires_at_unix_ms,
        sealed,
        event: due.campaign.map(|campaign| MessageEvent {
            customer_id: due.customer_id,
            region: due.region,
            campaign,
            batch: due.batch,
            business: due.business,
        }),
    }))
}

/// Ends a message's way, and with it the need for its number.
async fn settle(
    transaction: &mut Transaction,
    message_id: &str,
    state: MessageState,
    code: Option<&str>,
    now: i64,
) -> Result<(), SqlError> {
    let update = "update sms_message set state = $1, code = $2, changed_at_unix_ms = $3 where message_id = $4";
    transaction
        .execute(update, parameters![state.code(), code, now, message_id])
        .await?;
    forget_number(transaction, message_id).await
}

pub(super) async fn forget_number(
    transaction: &mut Transaction,
    owner_id: &str,
) -> Result<(), SqlError> {
    let delete = "delete from sms_number where owner_id = $1";
    transaction
        .execute(delete, parameters![owner_id])
        .await
        .map(drop)
}

impl Store {
    /// Queues a message inside a transaction of the caller's.
    pub async fn queue_in(
        &self,
        transaction: &mut Transaction,
        message: &NewMessage,
    ) -> Result<(), SqlError> {
        queue(transaction, message, self.now_unix_ms()).await
    }

    /// Begins the attempt of a message that is due; durable when this returns. Nothing when it waits on, is over, or is somebody else's.
    pub async fn begin(
        &self,
        message_id: &str,
        rules: &SendingRules,
    ) -> Result<Option<Sending>, SqlError> {
        let mut transaction = self.sql.begin().await?;
        let outcome = begin(&mut transaction, message_id, rules, self.now_unix_ms()).await;
        transaction.end(outcome).await
    }

    /// Writes down what came of an attempt. An attempt that was given up meanwhile is only told from here when it succeeded after all. Nobody
    /// else knows it, so a busy database is asked again.
    pub async fn end(
        &self,
        sending: &Sending,
        outcome: &HandOver,
        event: Option<&NewEvent>,
    ) -> Result<(), SqlError> {
        let now = self.now_unix_ms();
        let mut tries = 1;
        loop {
            let mut transaction = self.sql.begin().await?;
            let ended = end_in(&mut transaction, sending, outcome, event, now).await;
            match transaction.end(ended).await {
                Err(SqlError::Busy(_)) if tries < END_TRIES_MAX => tries += 1,
                ended => return ended,
            }
        }
    }

    /// Gives up attempts whose worker is gone: nobody knows what came of them, so they are not tried again. How many.
    pub async fn give_up_lost(&self) -> Result<u64, SqlError> {
        let now = self.now_unix_ms();
        let mut transaction = self.sql.begin().await?;
        let outcome = async {
            // The messages before their numbers, in the order in which an attempt's end takes them.
            let update = "update sms_message set state = 'unknown', code = 'attempt-lost', changed_at_unix_ms = $1 \
                          where state = 'sending' and lease_until_unix_ms < $2";
            let count = transaction.execute(update, parameters![now, now]).await?;
            if count > 0 {
                let delete = "delete from sms_number where exists (select 1 from sms_message where message_id = owner_id \
                              and state = 'unknown')";
                transaction.execute(delete, Vec::new()).await?;
            }
            // What has outlived its use goes too: replies that nobody came back for.
            let delete = "delete from sms_number where expires_at_unix_ms < $1 and not exists (select 1 from sms_message \
                          where message_id = owner_id and state in ('queued', 'sending'))";
            transaction.execute(delete, parameters![now]).await?;
            let update = "update sms_inbound set state = 'expired' where state = 'pending' and lease_until_unix_ms < $1 \
                          and not exists (select 1 from sms_number where owner_id = inbound_id)";
            transaction.execute(update, parameters![now]).await?;
            Ok(count)
        }
        .await;
        transaction.end(outcome).await
    }

    /// Ids of messages that are due, longest due first.
    pub async fn due(&self, count: i64) -> Result<Vec<String>, SqlError> {
        let select = "select message_id from sms_message where state = 'queued' and next_at_unix_ms <= $1 \
                      order by next_at_unix_ms limit $2";
        let rows: Vec<(String,)> = self
            .sql
            .query(select, parameters![self.now_unix_ms(), count])
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// A message.
    pub async fn message(&self, message_id: &str) -> Result<Option<Message>, SqlError> {
        let select = format!("select {COLUMNS} from sms_message where message_id = $1");
        self.sql
            .query_optional(&select, parameters![message_id])
            .await
    }

    /// A part of the list of messages, oldest first.
    pub async fn messages(
        &self,
        filter: MessageFilter<'_>,
        after: Option<&MessagePlace>,
        count: i64,
    ) -> Result<Vec<Message>, SqlError> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut place = |value: SqlValue| {
            values.push(value);
            format!("${}", values.len())
        };
        let mut conditions = vec!["1 = 1".to_owned()];
        if let Some(state) = filter.state {
            conditions.push(format!("state = {}", place(state.code().into())));
        }
        if let Some(customer_id) = filter.customer_id {
            conditions.push(format!("customer_id = {}", place(customer_id.into())));
        }
        if let Some(region) = filter.region {
            conditions.push(format!("region = {}", place(region.into())));
        }
        if let Some((at, id)) = after {
            let (at, id) = (place((*at).into()), place(id.as_str().into()));
            conditions.push(format!("(created_at_unix_ms, message_id) > ({at}, {id})"));
        }
        let limit = place(count.into());
        let select = format!(
            "select {COLUMNS} from sms_message where {} order by created_at_unix_ms, message_id limit {limit}",
            conditions.join(" and ")
        );
        self.sql.query(&select, values).await
    }
}

async fn end_in(
    transaction: &mut Transaction,
    sending: &Sending,
    outcome: &HandOver,
    event: Option<&NewEvent>,
    now: i64,
) -> Result<(), SqlError> {
    // As a receipt does, so that of the two the later sees the earlier.
    super::consent::hold(transaction, &sending.customer_id).await?;
    let (word, code, provider_message_id) = match outcome {
        HandOver::Accepted {
            provider_message_id,
        } => ("accepted", None, provider_message_id.as_deref()),
        HandOver::NotNow { code } => ("not-now", Some(code.as_str()), None),
        HandOver::Never { code } => ("never", Some(code.as_str()), None),
        HandOver::Ambiguous { code } => ("unknown", Some(code.as_str()), None),
    };
    let update = "update sms_attempt set ended_at_unix_ms = $1, outcome = $2, code = $3 where message_id = $4 and attempt = $5";
    let values = parameters![
        now,
        word,
        code,
        sending.message_id.as_str(),
        sending.attempt
    ];
    transaction.execute(update, values).await?;
    let (state, next_at) = match next(outcome, sending.attempt, sending.expires_at_unix_ms, now) {
        Next::Settled(state) => (state, now),
        Next::Again(at) => (MessageState::Queued, at),
    };
    let update = "update sms_message set state = $1, next_at_unix_ms = $2, code = $3, provider_message_id = $4, changed_at_unix_ms = $5 \
                  where message_id = $6 and attempts = $7 and state = 'sending'";
    let values = parameters![
        state.code(),
        next_at,
        code,
        provider_message_id,
        now,
        sending.message_id.as_str(),
        sending.attempt
    ];
    let was_under_way = transaction.execute(update, values).await? == 1;
    if let HandOver::Accepted { .. } = outcome {
        if !was_under_way {
            accept_late(transaction, sending, provider_message_id, now).await?;
        }
        super::receipts::match_earlier(transaction, sending, provider_message_id, now).await?;
        if let Some(event) = event {
            super::events::add(transaction, event, now).await?;
        }
    }
    if state == MessageState::Queued && was_under_way {
        // A refusal that came during the attempt found nothing to cancel.
        return cancel_if_refused(transaction, &sending.message_id, now).await;
    }
    if state == MessageState::Queued {
        return Ok(());
    }
    forget_number(transaction, &sending.message_id).await
}

/// An attempt that was given up, or that a receipt has overtaken, was taken by the provider.
async fn accept_late(
    transaction: &mut Transaction,
    sending: &Sending,
    provider_message_id: Option<&str>,
    now: i64,
) -> Result<(), SqlError> {
    let update = "update sms_message set state = 'handed-over', code = null, provider_message_id = $1, changed_at_unix_ms = $2 \
                  where message_id = $3 and state = 'unknown'";
    let values = parameters![provider_message_id, now, sending.message_id.as_str()];
    if transaction.execute(update, values).await? == 0 {
        let update = "update sms_message set provider_message_id = $1 where message_id = $2 and provider_message_id is null";
        let values = parameters![provider_message_id, sending.message_id.as_str()];
        transaction.execute(update, values).await?;
    }
    Ok(())
}

/// Ends a message whose attempt came back for certain undone, when its customer has refused in the meantime.
async fn cancel_if_refused(
    transaction: &mut Transaction,
    message_id: &str,
    now: i64,
) -> Result<(), SqlError> {
    let update = "update sms_message set state = 'cancelled', code = 'opted-out', changed_at_unix_ms = $1 where message_id = $2 \
                  and class = 'marketing' and exists (select 1 from sms_consent where sms_consent.customer_id = sms_message.customer_id \
                  and sms_consent.is_opted_out = 1)";
    if transaction
        .execute(update, parameters![now, message_id])
        .await?
        == 1
    {
        forget_number(transaction, message_id).await?;
    }
    Ok(())
}
