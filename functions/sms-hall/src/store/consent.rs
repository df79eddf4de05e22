//! Whether customers want offers, with the proof of every change.

use chudian_runtime::parameters;
use chudian_runtime::ports::sql::{Dialect, FromSqlRow, SqlError, SqlRow, Transaction};

use super::{NewInbound, Store};

/// A customer's consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Region in which it was said.
    pub region: String,
    /// Whether offers were refused.
    pub is_opted_out: bool,
    /// When it was said, unix milliseconds.
    pub said_at_unix_ms: i64,
}

/// The proof of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The message.
    pub inbound_id: String,
    /// Whether it refused.
    pub is_opted_out: bool,
    /// When it was written.
    pub said_at_unix_ms: i64,
    /// When it came.
    pub received_at_unix_ms: i64,
    /// Through which gateway.
    pub gateway_id: String,
    /// In which words.
    pub words: String,
}

impl FromSqlRow for Proof {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        Ok(Self {
            inbound_id: row.next_column()?,
            is_opted_out: row.next_column()?,
            said_at_unix_ms: row.next_column()?,
            received_at_unix_ms: row.next_column()?,
            gateway_id: row.next_column()?,
            words: row.next_column()?,
        })
    }
}

/// Proofs that are shown: a customer who changes more often is a test.
const PROOFS_MAX: i64 = 200;

/// Writes what a message says of consent, unless a later one said something before it came. Whether it changed anything.
///
/// A refusal also ends everything that still waits for this customer: its own confirmation, which comes later, is the last message.
pub(super) async fn change(
    transaction: &mut Transaction,
    message: &NewInbound,
    customer_id: &str,
    is_opted_out: bool,
    now: i64,
) -> Result<bool, SqlError> {
    let upsert = "insert into sms_consent (customer_id, region, is_opted_out, said_at_unix_ms, inbound_id) \
                  values ($1, $2, $3, $4, $5) on conflict (customer_id) do update set region = excluded.region, \
                  is_opted_out = excluded.is_opted_out, said_at_unix_ms = excluded.said_at_unix_ms, inbound_id = excluded.inbound_id \
                  where sms_consent.said_at_unix_ms <= excluded.said_at_unix_ms \
                  and (sms_consent.is_opted_out <> excluded.is_opted_out or sms_consent.inbound_id is null)";
    let values = parameters![
        customer_id,
        message.region.as_str(),
        is_opted_out,
        message.said_at_unix_ms,
        message.inbound_id.as_str()
    ];
    if transaction.execute(upsert, values).await? == 0 {
        return Ok(false);
    }
    let insert = "insert into sms_consent_proof (inbound_id, customer_id, region, is_opted_out, said_at_unix_ms, received_at_unix_ms, \
                  gateway_id, words) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = parameters![
        message.inbound_id.as_str(),
        customer_id,
        message.region.as_str(),
        is_opted_out,
        message.said_at_unix_ms,
        now,
        message.gateway_id.as_str(),
        message.text.as_str()
    ];
    transaction.execute(insert, values).await?;
    if is_opted_out {
        cancel_waiting(transaction, customer_id, now).await?;
    }
    Ok(true)
}

async fn cancel_waiting(
    transaction: &mut Transaction,
    customer_id: &str,
    now: i64,
) -> Result<(), SqlError> {
    let delete = "delete from sms_number where owner_id in \
                  (select message_id from sms_message where customer_id = $1 and state = 'queued')";
    transaction
        .execute(delete, parameters![customer_id])
        .await?;
    let update = "update sms_message set state = 'cancelled', code = 'opted-out', changed_at_unix_ms = $1 \
                  where customer_id = $2 and state = 'queued'";
    transaction
        .execute(update, parameters![now, customer_id])
        .await?;
    Ok(())
}

/// Whether the customer refuses offers, with the customer held until the transaction ends: a refusal that comes meanwhile waits for it, or was
/// before it, and so does everything else that has to happen one after the other for a customer.
pub(super) async fn held_refusal(
    transaction: &mut Transaction,
    customer_id: &str,
    region: &str,
) -> Result<bool, SqlError> {
    // Without a row there would be nothing to hold.
    let insert = "insert into sms_consent (customer_id, region, is_opted_out, said_at_unix_ms) values ($1, $2, 0, 0) \
                  on conflict (customer_id) do nothing";
    transaction
        .execute(insert, parameters![customer_id, region])
        .await?;
    let select = format!(
        "select is_opted_out from sms_consent where customer_id = $1{}",
        super::held(transaction.dialect())
    );
    let row: Option<(bool,)> = transaction
        .query_optional(&select, parameters![customer_id])
        .await?;
    Ok(row.is_some_and(|(is_opted_out,)| is_opted_out))
}

/// Holds a customer until the transaction ends, when anything was ever sent to them: what is said of their messages is written one after the other.
/// SQLite lets one writer in at a time, so there it is so anyway.
pub(super) async fn hold(transaction: &mut Transaction, customer_id: &str) -> Result<(), SqlError> {
    if transaction.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let select = "select is_opted_out from sms_consent where customer_id = $1 for update";
    let _: Option<(bool,)> = transaction
        .query_optional(select, parameters![customer_id])
        .await?;
    Ok(())
}

impl Store {
    /// What a customer said of offers, if anything, with every proof, latest first.
    pub async fn consent(
        &self,
        customer_id: &str,
    ) -> Result<Option<(Consent, Vec<Proof>)>, SqlError> {
        let select = "select region, is_opted_out, said_at_unix_ms from sms_consent where customer_id = $1 and inbound_id is not null";
        let row: Option<(String, bool, i64)> = self
            .sql
            .query_optional(select, parameters![customer_id])
            .await?;
        let Some((region, is_opted_out, said_at_unix_ms)) = row else {
            return Ok(None);
        };
        let select = "select inbound_id, is_opted_out, said_at_unix_ms, received_at_unix_ms, gateway_id, words from sms_consent_proof \
                      where customer_id = $1 order by received_at_unix_ms desc, inbound_id limit $2";
        let proofs = self
            .sql
            .query(select, parameters![customer_id, PROOFS_MAX])
            .await?;
        let consent = Consent {
            region,
            is_opted_out,
            said_at_unix_ms,
        };
        Ok(Some((consent, proofs)))
    }

    /// Whether a customer refuses offers just now.
    pub async fn is_opted_out(&self, customer_id: &str) -> Result<bool, SqlError> {
        let select = "select is_opted_out from sms_consent where customer_id = $1";
        let row: Option<(bool,)> = self
            .sql
            .query_optional(select, parameters![customer_id])
            .await?;
        Ok(row.is_some_and(|(is_opted_out,)| is_opted_out))
    }
}
