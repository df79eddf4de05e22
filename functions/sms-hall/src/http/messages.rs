//! Messages that go out: marketing messages in, and where every message stands.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::{CustomerId, Name, Region, check_identifier};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::{gateway_unknown, invalid_body, invalid_field, not_a_word};
use super::{App, rfc3339};
use crate::limits::{
    MARKETING_LIFE_MS, MARKETING_LIFE_MS_MAX, REQUEST_BYTES_MAX, TEXT_CHARACTERS_MAX,
};
use crate::sending::MessageState;
use crate::service::NewMarketing;
use crate::store::{Message, MessageFilter, MessagePlace};
use crate::telephone::Telephone;
use crate::wire::moment;

/// A marketing message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessageRequest {
    /// Through which gateway.
    gateway_id: String,
    /// The customer's number. It is kept sealed until the message is handed over, and nowhere else.
    number: String,
    /// What it says, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    text: String,
    /// The campaign to which it belongs.
    campaign: String,
    /// The batch of the campaign's list.
    #[serde(default)]
    batch: Option<String>,
    /// The business that it is about.
    #[serde(default)]
    business: Option<String>,
    /// Not after this moment, RFC 3339, within 30 days; absent: three days from now.
    #[serde(default)]
    expires_at: Option<String>,
}

/// Where a message stands.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageAnswer {
    /// Its id.
    message_id: String,
    /// Through which gateway.
    gateway_id: String,
    /// To whom.
    customer_id: String,
    /// Region of the gateway.
    region: String,
    /// `service`, `opt-out-confirmation` or `marketing`.
    class: String,
    /// The customer's message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_id: Option<String>,
    /// What it says, numbers masked.
    text: String,
    /// Campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// `queued`, `sending`, `handed-over`, `unknown`, `delivered`, `undelivered`, `failed` or `cancelled`.
    state: String,
    /// How often its hand-over was tried.
    attempts: i64,
    /// When it is due, while it waits, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
    /// Not after this moment, RFC 3339.
    expires_at: String,
    /// The provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_message_id: Option<String>,
    /// The provider's word, or ours: `opted-out`, `expired`, `customer-limit`, `attempt-lost`, `not-connected`, `no-answer`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// When it was made, RFC 3339.
    created_at: String,
    /// When it last changed, RFC 3339.
    changed_at: String,
}

/// Query of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// Only messages in this state.
    state: Option<String>,
    /// Only messages to this customer.
    customer_id: Option<String>,
    /// Messages on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Queue a marketing message
///
/// It goes in the hours of the sending rules (08:00 to 21:00 Chinese time unless set), to nobody who refused, at most once, so many to a customer a
/// day. With an `Idempotency-Key` a repeated request
/// queues nothing new.
#[utoipa::path(
    post, path = "/messages", tag = "messages", operation_id = "queue_sms_message",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this attempt")),
    request_body = NewMessageRequest,
    responses((status = 202, description = "Where it stands", body = MessageAnswer))
)]
pub(super) async fn queue(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    attempt: Attempt,
    JsonBody {
        value: request,
        bytes,
    }: JsonBody<NewMessageRequest, REQUEST_BYTES_MAX>,
) -> Result<Response, Problem> {
    let settings = app.hall.settings().await?;
    let now = app.store().now_unix_ms();
    let expires_at_unix_ms = checked(&request, now)?;
    let gateway = app
        .hall
        .gateways()
        .of_id(&request.gateway_id, &settings)
        .await?
        .filter(|gateway| sees(&caller, &gateway.region))
        .ok_or_else(gateway_unknown)?;
    let (number, customer) = Telephone::read(&request.number, &settings.pseudonyms)
        .map_err(|_| Problem::of_kind(catalogue::SMS_NUMBER_INVALID))?;
    let customer_id = CustomerId::new(customer.to_string())
        .map_err(|error| Problem::internal(error.to_string()))?;
    // The body holds a number, so what is remembered of it is hashed under a key.
    let body = String::from_utf8_lossy(&bytes);
    let fingerprint = settings.hash("idempotency", &[&body]);
    let claim = app
        .idempotency
        .claim(attempt, &caller.key_id, fingerprint.as_bytes())
        .await?;
    let ticket = match claim {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let new = NewMarketing {
        gateway: &gateway,
        number: &number,
        customer_id: customer_id.as_str(),
        text: &request.text,
        campaign: &request.campaign,
        batch: request.batch.as_deref(),
        business: request.business.as_deref(),
        expires_at_unix_ms,
        created_by: caller.key_id.as_str(),
    };
    let message = match app.hall.marketing(&settings, &new) {
        Ok(message) => message,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let mut transaction = match app.store().sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let queued = async {
        app.store().queue_in(&mut transaction, &message).await?;
        app.personal_access
            .record_in(
                &mut transaction,
                &caller,
                &customer_id,
                "queue-sms",
                &request_id,
            )
            .await?;
        let answer = shown(Message {
            message_id: message.message_id.clone(),
            gateway_id: message.gateway_id.clone(),
            customer_id: message.customer_id.clone(),
            region: message.region.clone(),
            class: message.class.code().to_owned(),
            inbound_id: None,
            text: message.text.clone(),
            campaign: message.campaign.clone(),
            state: MessageState::Queued.code().to_owned(),
            attempts: 0,
            next_at_unix_ms: now,
            expires_at_unix_ms,
            provider_message_id: None,
            code: None,
            created_at_unix_ms: now,
            changed_at_unix_ms: now,
        })?;
        let body =
            serde_json::to_string(&answer).map_err(|error| Problem::internal(error.to_string()))?;
        Ok::<_, Problem>(Answer {
            status: StatusCode::ACCEPTED,
            location: Some(format!("/sms/v1/messages/{}", message.message_id)),
            body,
        })
    }
    .await;
    let response = ticket.finish(transaction, queued).await?;
    app.hall.send_soon(message.message_id);
    Ok(response)
}

/// List messages, oldest first
#[utoipa::path(
    get, path = "/messages", tag = "messages", operation_id = "list_sms_messages", params(MessagesQuery),
    responses((status = 200, description = "A page of messages", body = Page<MessageAnswer>))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    QueryOf(query): QueryOf<MessagesQuery>,
) -> Result<Json<Page<MessageAnswer>>, Problem> {
    let request = PageRequest::<MessagePlace>::new(query.limit, query.cursor.as_deref())?;
    let state = match &query.state {
        None => None,
        Some(text) => Some(
            MessageState::of_code(text)
                .ok_or_else(|| not_a_word("state", MessageState::ALL.map(MessageState::code)))?,
        ),
    };
    let filter = MessageFilter {
        state,
        customer_id: query.customer_id.as_deref(),
        region: caller.region.as_ref().map(Region::as_str),
    };
    let rows = app
        .store()
        .messages(filter, request.after.as_ref(), request.rows_to_read())
        .await?;
    let page = request.page(rows, |message| {
        (message.created_at_unix_ms, message.message_id.clone())
    });
    let mut customers: Vec<&str> = page
        .items
        .iter()
        .map(|message| message.customer_id.as_str())
        .collect();
    customers.sort_unstable();
    customers.dedup();
    for customer in customers {
        record(&app, &caller, customer, &request_id).await?;
    }
    Ok(Json(Page {
        items: page
            .items
            .into_iter()
            .map(shown)
            .collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// One message
#[utoipa::path(
    get, path = "/messages/{message_id}", tag = "messages", operation_id = "sms_message",
    params(("message_id" = String, Path, description = "The message")),
    responses((status = 200, description = "Where it stands", body = MessageAnswer))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(message_id): PathOf<String>,
) -> Result<Json<MessageAnswer>, Problem> {
    let message = app
        .store()
        .message(&message_id)
        .await?
        .filter(|message| sees(&caller, &message.region))
        .ok_or_else(|| Problem::of_kind(catalogue::SMS_MESSAGE_UNKNOWN))?;
    record(&app, &caller, &message.customer_id, &request_id).await?;
    shown(message).map(Json)
}

async fn record(
    app: &App,
    caller: &Caller,
    customer_id: &str,
    request_id: &RequestId,
) -> Result<(), Problem> {
    let customer =
        CustomerId::new(customer_id).map_err(|error| Problem::internal(error.to_string()))?;
    app.personal_access
        .record(caller, &customer, "sms-messages", request_id)
        .await?;
    Ok(())
}

/// Whether things of this region exist for the caller.
pub(super) fn sees(caller: &Caller, region: &str) -> bool {
    Region::new(region).is_ok_and(|region| caller.sees_region(&region))
}

/// Checks what a request says; when the message's time ends.
fn checked(request: &NewMessageRequest, now: i64) -> Result<i64, Problem> {
    let mut errors: Vec<FieldError> = Vec::new();
    let characters = request.text.chars().count();
    let is_writable = request
        .text
        .chars()
        .all(|character| character == '\n' || !character.is_control());
    if !(1..=TEXT_CHARACTERS_MAX).contains(&characters) || !is_writable {
        let detail = Name::new(
            format!("应有 1 至 {TEXT_CHARACTERS_MAX} 个字符，不含换行以外的控制字符。"),
            format!(
                "Must have 1 to {TEXT_CHARACTERS_MAX} characters, none of them a control character but a line break."
            ),
        );
        errors.push(invalid_field("/text", detail));
    }
    let identifiers = [
        ("/campaign", Some(&request.campaign)),
        ("/batch", request.batch.as_ref()),
        ("/business", request.business.as_ref()),
    ];
    for (pointer, text) in identifiers {
        if text.is_some_and(|text| check_identifier(text).is_err()) {
            let detail = Name::new(
                "应为 1 至 64 个字符，限 A-Z a-z 0-9 - _ . :",
                "Must have 1 to 64 characters of A-Z a-z 0-9 - _ . :",
            );
            errors.push(invalid_field(pointer, detail));
        }
    }
    let expires_at = match &request.expires_at {
        None => now + MARKETING_LIFE_MS,
        Some(text) => match moment(text) {
            Some(at) if (now..=now + MARKETING_LIFE_MS_MAX).contains(&at) => at,
            _ => {
                let detail = Name::new(
                    "应为 30 天以内的将来时间，RFC 3339，带时区。",
                    "Must be a moment within the next 30 days, RFC 3339 with its zone.",
                );
                errors.push(invalid_field("/expires_at", detail));
                now
            }
        },
    };
    if errors.is_empty() {
        Ok(expires_at)
    } else {
        Err(invalid_body(errors))
    }
}

fn shown(message: Message) -> Result<MessageAnswer, Problem> {
    let waits = message.state == MessageState::Queued.code();
    Ok(MessageAnswer {
        next_at: waits
            .then(|| rfc3339(message.next_at_unix_ms))
            .transpose()?,
        expires_at: rfc3339(message.expires_at_unix_ms)?,
        created_at: rfc3339(message.created_at_unix_ms)?,
        changed_at: rfc3339(message.changed_at_unix_ms)?,
        message_id: message.message_id,
        gateway_id: message.gateway_id,
        customer_id: message.customer_id,
        region: message.region,
        class: message.class,
        inbound_id: message.inbound_id,
        text: message.text,
        campaign: message.campaign,
        state: message.state,
        attempts: message.attempts,
        provider_message_id: message.provider_message_id,
        code: message.code,
    })
}
