//! Handing messages over: one request for each recorded attempt, and what it meant written down.

use chudian_runtime::ports::{HttpBounds, HttpClientError};
use chudian_vocabulary::contact::{EventKind, Outcome};
use chudian_vocabulary::masking::{mask_numbers, mask_written_numbers};
use serde::Deserialize;
use serde_json::json;

use super::intake::{cut, rfc3339};
use super::providers::{Parcel, outcome, request};
use super::{Gateway, Hall, HallError, Settings};
use crate::limits::{PROVIDER_ANSWER_BYTES_MAX, PROVIDER_TIME_MS_MAX};
use crate::seal::NONCE_BYTES;
use crate::sending::{HandOver, MessageClass};
use crate::store::{NewEvent, NewMessage, Sending};
use crate::telephone::Telephone;
use crate::wire::functions::event_document;

/// Milliseconds of a second.
const MS_PER_S: i64 = 1000;

/// What lies under a message's seal.
#[derive(Deserialize)]
struct Content {
    number: String,
    text: String,
}

/// A marketing message that a channel asks for.
pub struct NewMarketing<'a> {
    /// Through which gateway.
    pub gateway: &'a Gateway,
    /// To which number.
    pub number: &'a Telephone,
    /// The customer of that number.
    pub customer_id: &'a str,
    /// What it says.
    pub text: &'a str,
    /// Campaign to which it belongs.
    pub campaign: &'a str,
    /// Batch of the campaign's list.
    pub batch: Option<&'a str>,
    /// Business that it is about.
    pub business: Option<&'a str>,
    /// Not after this moment, unix milliseconds.
    pub expires_at_unix_ms: i64,
    /// Id of the key that asks for it.
    pub created_by: &'a str,
}

/// The outcome as it may be stored and shown: a provider's word can be a whole sentence, with a number in it.
fn shown(outcome: HandOver) -> HandOver {
    let fit = |code: String| cut(&mask_numbers(&code));
    match outcome {
        HandOver::Accepted { .. } => outcome,
        HandOver::NotNow { code } => HandOver::NotNow { code: fit(code) },
        HandOver::Never { code } => HandOver::Never { code: fit(code) },
        HandOver::Ambiguous { code } => HandOver::Ambiguous { code: fit(code) },
    }
}

impl Hall {
    /// A marketing message, ready to be queued.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub fn marketing(
        &self,
        settings: &Settings,
        new: &NewMarketing<'_>,
    ) -> Result<NewMessage, HallError> {
        let message_id = self.store().new_id();
        let content = json!({"number": new.number.reveal(), "text": new.text}).to_string();
        let nonce = self.store().random_bytes::<NONCE_BYTES>();
        let sealed = settings
            .seal
            .close(&message_id, &content, nonce)
            .map_err(|_| HallError::Unreadable("a message to be sealed"))?;
        Ok(NewMessage {
            message_id,
            gateway_id: new.gateway.id.clone(),
            customer_id: new.customer_id.to_owned(),
            region: new.gateway.region.clone(),
            class: MessageClass::Marketing,
            inbound_id: None,
            text: mask_written_numbers(new.text).into_owned(),
            campaign: Some(new.campaign.to_owned()),
            batch: new.batch.map(str::to_owned),
            business: new.business.map(str::to_owned),
            expires_at_unix_ms: new.expires_at_unix_ms,
            created_by: new.created_by.to_owned(),
            sealed,
        })
    }

    /// Sends a queued message after the answer, when it may go.
    pub fn send_soon(&self, message_id: String) {
        let hall = self.clone();
        self.inner.background.go_on(Box::pin(async move {
            hall.try_to_send(&message_id).await;
            hall.report_soon().await;
        }));
    }

    /// Begins and hands over one message, when it is due and nothing holds it back; whether it was tried.
    pub(super) async fn try_to_send(&self, message_id: &str) -> bool {
        let tried = async {
            let settings = self.settings().await?;
            let rules = self.rules().await?;
            let Some(sending) = self.store().begin(message_id, &rules).await? else {
                return Ok(false);
            };
            let gateway = self
                .gateways()
                .of_id(&sending.gateway_id, &settings)
                .await?;
            let Some(gateway) = gateway else {
                let gone = HandOver::Never {
                    code: "gateway-gone".to_owned(),
                };
                self.store().end(&sending, &gone, None).await?;
                return Ok(true);
            };
            self.hand_over(&gateway, &settings, &sending).await?;
            Ok::<_, HallError>(true)
        }
        .await;
        match tried {
            Ok(was_tried) => was_tried,
            Err(error) => {
                let cause = error.to_string();
                self.note(
                    "sms-send-failed",
                    &[("message_id", message_id), ("cause", &cause)],
                )
                .await;
                false
            }
        }
    }

    /// Hands over a message whose attempt is recorded. Whatever ends this in the middle leaves an attempt whose outcome nobody knows.
    pub(super) async fn hand_over(
        &self,
        gateway: &Gateway,
        settings: &Settings,
        sending: &Sending,
    ) -> Result<(), HallError> {
        let outcome = shown(self.attempt(gateway, settings, sending).await);
        let code = match &outcome {
            HandOver::Accepted { .. } => None,
            HandOver::NotNow { code } | HandOver::Never { code } | HandOver::Ambiguous { code } => {
                Some(code.as_str())
            }
        };
        if let Some(code) = code {
            let fields = [
                ("message_id", sending.message_id.as_str()),
                ("gateway_id", gateway.id.as_str()),
                ("code", code),
            ];
            self.note("sms-not-handed-over", &fields).await;
        }
        let event = match &outcome {
            HandOver::Accepted { .. } => self.contact_event(sending),
            HandOver::NotNow { .. } | HandOver::Never { .. } | HandOver::Ambiguous { .. } => None,
        };
        self.store().end(sending, &outcome, event.as_ref()).await?;
        Ok(())
    }

    async fn attempt(&self, gateway: &Gateway, settings: &Settings, sending: &Sending) -> HandOver {
        let never = |code: &str| HandOver::Never {
            code: code.to_owned(),
        };
        let content = settings.seal.open(&sending.message_id, &sending.sealed);
        let content: Option<Content> = content
            .ok()
            .and_then(|content| serde_json::from_str(&content).ok());
        let Some(content) = content else {
            return never("seal-broken");
        };
        let parcel = Parcel {
            number: &content.number,
            text: &content.text,
            message_id: &sending.message_id,
            at_unix_s: self.store().now_unix_ms().div_euclid(MS_PER_S),
            nonce: &self.store().new_id(),
        };
        let Some(request) = request(gateway, &parcel) else {
            return HandOver::NotNow {
                code: "gateway-incomplete".to_owned(),
            };
        };
        let bounds = HttpBounds {
            time_ms_max: PROVIDER_TIME_MS_MAX,
            answer_bytes_max: PROVIDER_ANSWER_BYTES_MAX,
        };
        match self.inner.client.send(request, bounds).await {
            Ok(response) => outcome(gateway.provider, &response),
            Err(HttpClientError::NotSent(_)) => HandOver::NotNow {
                code: "not-connected".to_owned(),
            },
            Err(HttpClientError::Ambiguous(_)) => HandOver::Ambiguous {
                code: "no-answer".to_owned(),
            },
        }
    }

    /// What the contact log is told of a marketing message that went out: it counts from now on, whatever comes of it.
    fn contact_event(&self, sending: &Sending) -> Option<NewEvent> {
        let about = sending.event.as_ref()?;
        let event_id = format!("message-{}", sending.message_id);
        let more = [
            ("campaign", Some(about.campaign.as_str())),
            ("batch", about.batch.as_deref()),
            ("business", about.business.as_deref()),
            ("message_id", Some(sending.message_id.as_str())),
            ("outcome", Some(Outcome::Pending.code())),
        ];
        let at = rfc3339(self.store().now_unix_ms());
        Some(NewEvent {
            document: event_document(
                &event_id,
                EventKind::MarketingContact,
                &at,
                &about.customer_id,
                &about.region,
                &more,
            ),
            event_id,
        })
    }
}
