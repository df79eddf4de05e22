//! What providers push: read, hashed, sealed and stored before it is acknowledged.

use std::sync::Arc;

use chudian_vocabulary::contact::{EventKind, Outcome};
use chudian_vocabulary::masking::{mask_numbers, mask_written_numbers};
use serde_json::Value;

use super::addresses::client_address;
use super::rejecting::rejected_item;
use super::{Gateway, Hall, HallError, Provider, Settings};
use crate::command::{Command, Words};
use crate::limits::{CALLBACK_ITEMS_MAX, INBOUND_CHARACTERS_KEPT_MAX};
use crate::rejection::{Callback, Rejection};
use crate::seal::{NONCE_BYTES, SealError};
use crate::store::{NewEvent, NewInbound, NewReceipt, NewRejected, Taken, WaitingInbound};
use crate::telephone::Telephone;
use crate::webhook::{Signed, WebhookFault, WebhookSecret, verify};
use crate::wire::functions::{event_document, receipt_event_id};
use crate::wire::{GivenInbound, Items, aliyun, plain, tencent};

/// Business under which changes of consent are reported.
const CONSENT_BUSINESS: &str = "sms-offers";

/// Milliseconds of a second.
const MS_PER_S: i64 = 1000;

/// Why a callback is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// No gateway has this path, or it may not be called from there: which, is not told.
    #[error("no such path")]
    NoSuchPath,
    /// The plain form's signature.
    #[error(transparent)]
    Signature(#[from] WebhookFault),
    /// A message with this id came before and said something else.
    #[error("another message has this id")]
    Conflict,
    /// More items than a callback has.
    #[error("too many items")]
    TooMany,
    /// No item can be read.
    #[error("nothing in it can be read")]
    Unreadable,
    /// It could not be stored.
    #[error(transparent)]
    Hall(#[from] HallError),
}

/// The headers of the plain form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signature<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signatures: &'a str,
}

impl Hall {
    /// The gateway that may be called under this path from this address, as the host tells it.
    pub async fn gateway_called(
        &self,
        path: &str,
        client: Option<&str>,
    ) -> Result<(Arc<Gateway>, Arc<Settings>), IntakeError> {
        let settings = self.settings().await.map_err(HallError::from)?;
        let gateway = self.gateways().of_path(path, &settings).await?;
        let address = client.and_then(client_address);
        match gateway {
            Some(gateway) if gateway.admits(address) => Ok((gateway, settings)),
            _ => Err(IntakeError::NoSuchPath),
        }
    }

    /// Whether a callback in the plain form is from its gateway; the other providers do not sign.
    ///
    /// # Errors
    /// What is wrong with the signature.
    pub fn check_signature(
        &self,
        gateway: &Gateway,
        signature: Signature<'_>,
        body: &[u8],
    ) -> Result<(), WebhookFault> {
        if gateway.provider != Provider::Plain {
            return Ok(());
        }
        let secrets: Vec<WebhookSecret> = gateway
            .secrets
            .webhook
            .iter()
            .filter_map(|text| WebhookSecret::parse(text))
            .collect();
        let signed = Signed {
            id: signature.id,
            timestamp: signature.timestamp,
            signatures: signature.signatures,
        };
        let now = self.store().now_unix_ms().div_euclid(MS_PER_S);
        verify(&secrets, signed, body, now)
    }

    /// Takes customers' messages; when this returns, they are durable, and their answers are under way.
    ///
    /// # Errors
    /// Nothing of the callback is acknowledged then; that it comes again is right.
    pub async fn take_messages(
        &self,
        gateway: &Arc<Gateway>,
        settings: &Arc<Settings>,
        document: &Value,
        webhook_id: &str,
    ) -> Result<(), IntakeError> {
        let items = match gateway.provider {
            Provider::Aliyun => aliyun::inbound(document),
            Provider::Tencent => tencent::inbound(document),
            Provider::Plain => plain::inbound(document, webhook_id),
        };
        let callback = Callback::Inbound;
        let (items, mut rejected) = self.checked(gateway, callback, items, document).await?;
        let words = self.words().await?;
        let mut messages = Vec::with_capacity(items.read.len());
        for (given, item) in items.read.iter().zip(&items.documents) {
            let message = self.inbound(gateway, settings, &words, given)?;
            if message.customer_id.is_none() {
                let reason = Rejection::NotMobile;
                rejected.push(rejected_item(gateway, callback, reason, item));
            }
            messages.push(message);
        }
        let outcomes = self
            .store()
            .take_inbound(&messages, &rejected)
            .await
            .map_err(HallError::from)?;
        let conflicts: Vec<NewRejected> = outcomes
            .iter()
            .zip(&items.documents)
            .filter(|(taken, _)| **taken == Taken::Conflict)
            .map(|(_, item)| rejected_item(gateway, callback, Rejection::Conflict, item))
            .collect();
        if !conflicts.is_empty() {
            self.store()
                .keep_rejected(&conflicts)
                .await
                .map_err(HallError::from)?;
        }
        if gateway.provider == Provider::Plain && outcomes.contains(&Taken::Conflict) {
            return Err(IntakeError::Conflict);
        }
        let waiting: Vec<WaitingInbound> = messages
            .into_iter()
            .zip(outcomes)
            .filter_map(|(message, taken)| waiting_of(message, &taken, self.store().now_unix_ms()))
            .collect();
        if !waiting.is_empty() {
            let hall = self.clone();
            self.inner.background.go_on(Box::pin(async move {
                hall.answer_all(waiting).await;
                hall.report_soon().await;
            }));
        }
        Ok(())
    }

    /// Takes receipts; when this returns, they are durable.
    ///
    /// # Errors
    /// As [`Hall::take_messages`].
    pub async fn take_receipts(
        &self,
        gateway: &Arc<Gateway>,
        settings: &Arc<Settings>,
        document: &Value,
    ) -> Result<(), IntakeError> {
        let items = match gateway.provider {
            Provider::Aliyun => aliyun::receipts(document),
            Provider::Tencent => tencent::receipts(document),
            Provider::Plain => plain::receipts(document),
        };
        let now = self.store().now_unix_ms();
        let callback = Callback::Delivery;
        let (items, mut rejected) = self.checked(gateway, callback, items, document).await?;
        let mut receipts = Vec::new();
        for (given, item) in items.read.into_iter().zip(&items.documents) {
            // A receipt for a number that is none is about no message of ours.
            let Ok((_, customer)) = Telephone::read(&given.number, &settings.pseudonyms) else {
                let reason = Rejection::NotMobile;
                rejected.push(rejected_item(gateway, callback, reason, item));
                continue;
            };
            let customer_id = customer.to_string();
            let id = given
                .provider_message_id
                .as_deref()
                .or(given.message_id.as_deref())
                .unwrap_or_default();
            let identity = settings.hash("receipt", &[id, &customer_id]);
            let at_unix_ms = given.at_unix_ms.unwrap_or(now).min(now);
            let outcome = if given.is_delivered {
                Outcome::Delivered
            } else {
                Outcome::Undelivered
            };
            let code = given.code.as_deref().map(|code| cut(&mask_numbers(code)));
            let event_id = receipt_event_id(&gateway.id, &identity);
            let more = [
                ("outcome", Some(outcome.code())),
                ("message_id", Some(identity.as_str())),
                ("reason", code.as_deref()),
            ];
            let event = NewEvent {
                document: event_document(
                    &event_id,
                    EventKind::DeliveryReceipt,
                    &rfc3339(at_unix_ms),
                    &customer_id,
                    &gateway.region,
                    &more,
                ),
                event_id,
            };
            receipts.push(NewReceipt {
                gateway_id: gateway.id.clone(),
                identity,
                provider_message_id: given.provider_message_id,
                message_id: given.message_id,
                customer_id,
                is_delivered: given.is_delivered,
                code,
                at_unix_ms,
                event,
            });
        }
        let new = self
            .store()
            .take_receipts(&receipts, &rejected)
            .await
            .map_err(HallError::from)?;
        if new > 0 {
            let hall = self.clone();
            self.inner
                .background
                .go_on(Box::pin(async move { hall.report_soon().await }));
        }
        Ok(())
    }

    /// The items of a callback when they can be taken, with those of them that are only kept.
    async fn checked<T>(
        &self,
        gateway: &Gateway,
        callback: Callback,
        items: Items<T>,
        document: &Value,
    ) -> Result<(Items<T>, Vec<NewRejected>), IntakeError> {
        if items.len() > CALLBACK_ITEMS_MAX {
            let body = document.to_string();
            self.keep_callback(gateway, callback, Rejection::TooMany, body.as_bytes())
                .await;
            return Err(IntakeError::TooMany);
        }
        let rejected: Vec<NewRejected> = items
            .unreadable
            .iter()
            .map(|item| rejected_item(gateway, callback, Rejection::Unreadable, item))
            .collect();
        // An empty list is a way of trying a path out; one with nothing readable in it is somebody else's form.
        if items.read.is_empty() && !items.is_empty() {
            self.keep(&rejected).await;
            return Err(IntakeError::Unreadable);
        }
        Ok((items, rejected))
    }

    fn inbound(
        &self,
        gateway: &Gateway,
        settings: &Settings,
        words: &Words,
        given: &GivenInbound,
    ) -> Result<NewInbound, HallError> {
        let now = self.store().now_unix_ms();
        let inbound_id = self.store().new_id();
        let said_at_unix_ms = given.sent_at_unix_ms.unwrap_or(now).min(now);
        let content = settings.hash("content", &[&given.number, &given.text]);
        let who = Telephone::read(&given.number, &settings.pseudonyms).ok();
        let command = words.command_of(&given.text);
        let customer_id = who.as_ref().map(|(_, customer)| customer.to_string());
        let sealed = who
            .map(|(number, _)| {
                let nonce = self.store().random_bytes::<NONCE_BYTES>();
                settings.seal.close(&inbound_id, number.reveal(), nonce)
            })
            .transpose()
            .map_err(|SealError| HallError::Unreadable("a number to be sealed"))?;
        let event = customer_id.as_deref().and_then(|customer_id| {
            consent_event(&inbound_id, command, said_at_unix_ms, customer_id, gateway)
        });
        Ok(NewInbound {
            gateway_id: gateway.id.clone(),
            identity: settings.hash("inbound", &[&given.identity]),
            content,
            customer_id,
            region: gateway.region.clone(),
            text: cut(&mask_written_numbers(&given.text)),
            command,
            said_at_unix_ms,
            sealed,
            event,
            inbound_id,
        })
    }
}

fn waiting_of(message: NewInbound, taken: &Taken, now: i64) -> Option<WaitingInbound> {
    let Taken::New(has_effect) = *taken else {
        return None;
    };
    Some(WaitingInbound {
        inbound_id: message.inbound_id,
        gateway_id: message.gateway_id,
        customer_id: message.customer_id?,
        region: message.region,
        command: message.command,
        has_effect,
        received_at_unix_ms: now,
        sealed: message.sealed?,
    })
}

fn consent_event(
    inbound_id: &str,
    command: Command,
    at_unix_ms: i64,
    customer_id: &str,
    gateway: &Gateway,
) -> Option<NewEvent> {
    let outcome = match command {
        Command::OptOut => Outcome::OptedOut,
        Command::OptIn => Outcome::OptedIn,
        Command::BestPlan
        | Command::Accept(_)
        | Command::Offers
        | Command::Help
        | Command::Unknown => return None,
    };
    let event_id = format!("consent-{inbound_id}");
    let more = [
        ("business", Some(CONSENT_BUSINESS)),
        ("outcome", Some(outcome.code())),
    ];
    Some(NewEvent {
        document: event_document(
            &event_id,
            EventKind::BusinessHandling,
            &rfc3339(at_unix_ms),
            customer_id,
            &gateway.region,
            &more,
        ),
        event_id,
    })
}

pub(super) fn cut(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(INBOUND_CHARACTERS_KEPT_MAX)
        .collect()
}

/// A moment as RFC 3339; one outside the calendar as its beginning, which the log will flag.
pub(super) fn rfc3339(unix_ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(unix_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
