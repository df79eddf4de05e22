//! What customers wrote: taken once, with its effect on consent, before it is acknowledged.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlRow, Transaction};

use super::{NewEvent, NewRejected, Store};
use crate::command::Command;
use crate::limits::{LEASE_MS, REPLY_LIFE_MS};

/// An inbound message.
pub struct NewInbound {
    /// Its id, which is ours.
    pub inbound_id: String,
    /// Through which gateway.
    pub gateway_id: String,
    /// Keyed hash of what the provider says it is.
    pub identity: String,
    /// Keyed hash of what it says.
    pub content: String,
    /// From whom; `None` when the number was none, and then it is only kept.
    pub customer_id: Option<String>,
    /// Region of the gateway.
    pub region: String,
    /// Masked and cut.
    pub text: String,
    /// What it asks for.
    pub command: Command,
    /// When it was written, unix milliseconds, never later than it came.
    pub said_at_unix_ms: i64,
    /// The number, sealed.
    pub sealed: Option<Vec<u8>>,
    /// The report of a change of consent, if it makes one.
    pub event: Option<NewEvent>,
}

/// What became of an inbound message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// New; and whether it changed the customer's consent.
    New(bool),
    /// It came before and said the same.
    Before,
    /// Another with its identity came before.
    Conflict,
}

/// An inbound message that waits for its answer.
pub struct WaitingInbound {
    /// Its id.
    pub inbound_id: String,
    /// Through which gateway.
    pub gateway_id: String,
    /// From whom.
    pub customer_id: String,
    /// Region of the gateway.
    pub region: String,
    /// What it asks for.
    pub command: Command,
    /// Whether it changed the customer's consent.
    pub has_effect: bool,
    /// When it came, unix milliseconds.
    pub received_at_unix_ms: i64,
    /// The number, sealed.
    pub sealed: Vec<u8>,
}

impl FromSqlRow for WaitingInbound {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let (inbound_id, gateway_id, customer_id, region) = (
            row.next_column()?,
            row.next_column()?,
            row.next_column()?,
            row.next_column()?,
        );
        let (code, number): (String, Option<i64>) = (row.next_column()?, row.next_column()?);
        let number = number.map(super::small).transpose()?;
        let command = Command::of_code(&code, number)
            .ok_or_else(|| SqlError::Shape(format!("sms_inbound: no command `{code}`")))?;
        Ok(Self {
            inbound_id,
            gateway_id,
            customer_id,
            region,
            command,
            has_effect: row.next_column()?,
            received_at_unix_ms: row.next_column()?,
            sealed: row.next_column()?,
        })
    }
}

impl Store {
    /// Takes the messages of a callback, durably, and keeps what is not taken; what became of each message, in their order. Whoever calls this
    /// works on the new ones at once; others leave them alone until the lease is over.
    pub async fn take_inbound(
        &self,
        messages: &[NewInbound],
        rejected: &[NewRejected],
    ) -> Result<Vec<Taken>, SqlError> {
        let now = self.now_unix_ms();
        let mut transaction = self.sql.begin().await?;
        let outcome = async {
            // Customer by customer, so that two callbacks with the same customers do not wait for each other crosswise; of one customer in the
            // order in which the provider pushed.
            let mut order: Vec<usize> = (0..messages.len()).collect();
            order.sort_by_key(|place| messages.get(*place).map(|message| &message.customer_id));
            let mut outcomes = vec![Taken::Before; messages.len()];
            for place in order {
                if let (Some(message), Some(outcome)) =
                    (messages.get(place), outcomes.get_mut(place))
                {
                    *outcome = take_one(&mut transaction, message, now).await?;
                }
            }
            super::rejected::keep(&mut transaction, rejected, now).await?;
            Ok(outcomes)
        }
        .await;
        transaction.end(outcome).await
    }

    /// Messages that nobody works on, for the one who calls: others leave them alone until the lease is over.
    pub async fn lease_inbound(&self, count: i64) -> Result<Vec<WaitingInbound>, SqlError> {
        let now = self.now_unix_ms();
        let mut transaction = self.sql.begin().await?;
        let outcome = async {
            let select = format!(
                "select inbound_id from sms_inbound where state = 'pending' and lease_until_unix_ms < $1 \
                 order by lease_until_unix_ms limit $2{}",
                super::held(transaction.dialect())
            );
            let ids: Vec<(String,)> = transaction
                .query(&select, parameters![now, count])
                .await?;
            let mut waiting = Vec::with_capacity(ids.len());
            for (id,) in ids {
                let update = "update sms_inbound set lease_until_unix_ms = $1 where inbound_id = $2 and state = 'pending' \
                              and lease_until_unix_ms < $3";
                let values = parameters![now + LEASE_MS, id.as_str(), now];
                if transaction.execute(update, values).await? == 1 {
                    waiting.extend(waiting_one(&mut transaction, &id).await?);
                }
            }
            Ok(waiting)
        }
        .await;
        transaction.end(outcome).await
    }
}

async fn waiting_one(
    transaction: &mut Transaction,
    inbound_id: &str,
) -> Result<Option<WaitingInbound>, SqlError> {
    let select = "select inbound_id, gateway_id, customer_id, region, command, offer_number, effect, received_at_unix_ms, sealed \
                  from sms_inbound join sms_number on owner_id = inbound_id where inbound_id = $1";
    transaction
        .query_optional(select, parameters![inbound_id])
        .await
}

async fn take_one(
    transaction: &mut Transaction,
    message: &NewInbound,
    now: i64,
) -> Result<Taken, SqlError> {
    let (state, lease) = if message.customer_id.is_some() {
        ("pending", now + LEASE_MS)
    } else {
        ("rejected", 0)
    };
    let insert = "insert into sms_inbound (inbound_id, gateway_id, identity, content, customer_id, region, text, command, offer_number, \
                  effect, said_at_unix_ms, received_at_unix_ms, state, lease_until_unix_ms) \
                  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13) on conflict (gateway_id, identity) do nothing";
    let values = parameters![
        message.inbound_id.as_str(),
        message.gateway_id.as_str(),
        message.identity.as_str(),
        message.content.as_str(),
        message.customer_id.as_deref(),
        message.region.as_str(),
        message.text.as_str(),
        message.command.code(),
        message.command.number(),
        message.said_at_unix_ms,
        now,
        state,
        lease
    ];
    if transaction.execute(insert, values).await? == 0 {
        let select = "select content from sms_inbound where gateway_id = $1 and identity = $2";
        let values = parameters![message.gateway_id.as_str(), message.identity.as_str()];
        let before: Option<(String,)> = transaction.query_optional(select, values).await?;
        return Ok(match before {
            Some((content,)) if content == message.content => Taken::Before,
            _ => Taken::Conflict,
        });
    }
    if let Some(sealed) = &message.sealed {
        let insert =
            "insert into sms_number (owner_id, sealed, expires_at_unix_ms) values ($1, $2, $3)";
        let values = parameters![
            message.inbound_id.as_str(),
            sealed.as_slice(),
            now + REPLY_LIFE_MS
        ];
        transaction.execute(insert, values).await?;
    }
    let refuses = match message.command {
        Command::OptOut => Some(true),
        Command::OptIn => Some(false),
        Command::BestPlan
        | Command::Accept(_)
        | Command::Offers
        | Command::Help
        | Command::Unknown => None,
    };
    let mut has_effect = false;
    if let (Some(is_opted_out), Some(customer_id)) = (refuses, &message.customer_id)
        && super::consent::change(transaction, message, customer_id, is_opted_out, now).await?
    {
        has_effect = true;
        let update = "update sms_inbound set effect = 1 where inbound_id = $1";
        transaction
            .execute(update, parameters![message.inbound_id.as_str()])
            .await?;
        if let Some(event) = &message.event {
            super::events::add(transaction, event, now).await?;
        }
    }
    Ok(Taken::New(has_effect))
}
