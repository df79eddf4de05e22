//! What providers say became of messages: kept once each, and matched with the message, whichever of the two is known first.

use std::collections::BTreeSet;

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{SqlError, Transaction};

use super::{NewEvent, NewRejected, Sending, Store};
use crate::sending::MessageState;
use crate::wire::functions::receipt_event_id;

/// A receipt.
pub struct NewReceipt {
    /// Through which gateway.
    pub gateway_id: String,
    /// Keyed hash of what it is about.
    pub identity: String,
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// Our id of the message.
    pub message_id: Option<String>,
    /// Whose handset.
    pub customer_id: String,
    /// Whether it arrived there.
    pub is_delivered: bool,
    /// The provider's word.
    pub code: Option<String>,
    /// When.
    pub at_unix_ms: i64,
    /// The report of it.
    pub event: NewEvent,
}

/// A receipt that came before its message was known: outcome, code, identity, and the report that waits with it.
type EarlierReceipt = (bool, Option<String>, String, Option<String>);

impl Store {
    /// Takes the receipts of a callback, durably, and keeps what is not taken; how many receipts are new.
    pub async fn take_receipts(
        &self,
        receipts: &[NewReceipt],
        rejected: &[NewRejected],
    ) -> Result<u64, SqlError> {
        let now = self.now_unix_ms();
        let mut transaction = self.sql.begin().await?;
        let outcome = async {
            // The customers first, as an answer of a provider takes them: without that neither of two that come at once would see the other. In
            // their order, so that two callbacks do not wait for each other crosswise.
            let customers: BTreeSet<&str> = receipts
                .iter()
                .map(|receipt| receipt.customer_id.as_str())
                .collect();
            for customer in customers {
                super::consent::hold(&mut transaction, customer).await?;
            }
            let mut in_order: Vec<&NewReceipt> = receipts.iter().collect();
            in_order.sort_by(|one, other| one.identity.cmp(&other.identity));
            let mut new = 0;
            for receipt in in_order {
                new += take_one(&mut transaction, receipt, now).await?;
            }
            super::rejected::keep(&mut transaction, rejected, now).await?;
            Ok(new)
        }
        .await;
        transaction.end(outcome).await
    }
}

async fn take_one(
    transaction: &mut Transaction,
    receipt: &NewReceipt,
    now: i64,
) -> Result<u64, SqlError> {
    let insert = "insert into sms_receipt (gateway_id, identity, provider_message_id, message_id, customer_id, is_delivered, code, \
                  at_unix_ms, received_at_unix_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                  on conflict (gateway_id, identity) do nothing";
    let values = parameters![
        receipt.gateway_id.as_str(),
        receipt.identity.as_str(),
        receipt.provider_message_id.as_deref(),
        receipt.message_id.as_deref(),
        receipt.customer_id.as_str(),
        receipt.is_delivered,
        receipt.code.as_deref(),
        receipt.at_unix_ms,
        now
    ];
    if transaction.execute(insert, values).await? == 0 {
        return Ok(0);
    }
    if let Some(message_id) = &receipt.message_id {
        let matched = settle(transaction, receipt, "message_id", message_id, now).await?;
        if matched {
            return Ok(1);
        }
    }
    if let Some(id) = &receipt.provider_message_id {
        let matched = settle(transaction, receipt, "provider_message_id", id, now).await?;
        if !matched {
            keep_report(transaction, receipt).await?;
        }
    }
    Ok(1)
}

/// Keeps the report of a receipt whose message is not known yet, if it ever is.
async fn keep_report(transaction: &mut Transaction, receipt: &NewReceipt) -> Result<(), SqlError> {
    let update =
        "update sms_receipt set event_document = $1 where gateway_id = $2 and identity = $3";
    let values = parameters![
        receipt.event.document.as_str(),
        receipt.gateway_id.as_str(),
        receipt.identity.as_str()
    ];
    transaction.execute(update, values).await.map(drop)
}

/// Settles the message that the receipt is about, when it is known and not settled yet; whether there was one. A message to another
/// customer is another message, whatever the ids say.
async fn settle(
    transaction: &mut Transaction,
    receipt: &NewReceipt,
    column: &str,
    id: &str,
    now: i64,
) -> Result<bool, SqlError> {
    let update = format!(
        "update sms_message set state = $1, code = $2, changed_at_unix_ms = $3 where gateway_id = $4 and customer_id = $5 \
         and {column} = $6 and state in ('sending', 'handed-over', 'unknown')"
    );
    let values = parameters![
        state_of(receipt.is_delivered),
        receipt.code.as_deref(),
        now,
        receipt.gateway_id.as_str(),
        receipt.customer_id.as_str(),
        id
    ];
    if transaction.execute(&update, values).await? == 0 {
        return Ok(false);
    }
    let delete = format!(
        "delete from sms_number where owner_id in (select message_id from sms_message where gateway_id = $1 and customer_id = $2 \
         and {column} = $3)"
    );
    let values = parameters![
        receipt.gateway_id.as_str(),
        receipt.customer_id.as_str(),
        id
    ];
    transaction.execute(&delete, values).await?;
    super::events::add(transaction, &receipt.event, now).await?;
    Ok(true)
}

/// A receipt can be quicker than the answer that tells the provider's id: then it is matched when the id is known.
pub(super) async fn match_earlier(
    transaction: &mut Transaction,
    sending: &Sending,
    provider_message_id: Option<&str>,
    now: i64,
) -> Result<(), SqlError> {
    let Some(id) = provider_message_id else {
        return Ok(());
    };
    let select = "select r.is_delivered, r.code, r.identity, r.event_document from sms_receipt r join sms_message m on m.gateway_id = r.gateway_id \
                  and m.customer_id = r.customer_id where m.message_id = $1 and r.gateway_id = $2 and r.provider_message_id = $3";
    let values = parameters![sending.message_id.as_str(), sending.gateway_id.as_str(), id];
    let receipt: Option<EarlierReceipt> = transaction.query_optional(select, values).await?;
    if let Some((is_delivered, code, identity, document)) = receipt {
        let update = "update sms_message set state = $1, code = $2, changed_at_unix_ms = $3 where message_id = $4 and state = 'handed-over'";
        let values = parameters![
            state_of(is_delivered),
            code,
            now,
            sending.message_id.as_str()
        ];
        let matched = transaction.execute(update, values).await? == 1;
        if let (true, Some(document)) = (matched, document) {
            let event_id = receipt_event_id(&sending.gateway_id, &identity);
            let event = NewEvent { event_id, document };
            super::events::add(transaction, &event, now).await?;
        }
    }
    Ok(())
}

const fn state_of(is_delivered: bool) -> &'static str {
    if is_delivered {
        MessageState::Delivered.code()
    } else {
        MessageState::Undelivered.code()
    }
}
