//! What a customer is answered.

use std::sync::Arc;

use chudian_runtime::ports::{HttpBounds, HttpClientError};
use chudian_vocabulary::contact::{EventKind, OrderingWay, Outcome};
use chudian_vocabulary::{Language, Money};
use futures::StreamExt as _;
use http::{Method, StatusCode, header};
use serde_json::json;

use super::intake::rfc3339;
use super::{Gateway, Hall, HallError, Settings};
use crate::command::Command;
use crate::limits::{
    ANSWER_TRIES_MAX, FUNCTION_ANSWER_BYTES_MAX, FUNCTION_TIME_MS_MAX, OFFERS_MAX, REPLY_LIFE_MS,
    RUN_PARALLEL_MAX,
};
use crate::reply::{OfferLine, Reply};
use crate::seal::NONCE_BYTES;
use crate::sending::{MessageClass, may_reply};
use crate::store::{Answer, NewEvent, NewMessage, Settled, StoredOffer, WaitingInbound};
use crate::wire::functions::{OffersMade, event_document, offers_request, problem_code};

/// Who makes replies, in the place of a key's id.
const MADE_BY: &str = "sms-hall";

/// What the time bounds of a call to our own functions are.
pub(super) const FUNCTION_BOUNDS: HttpBounds = HttpBounds {
    time_ms_max: FUNCTION_TIME_MS_MAX,
    answer_bytes_max: FUNCTION_ANSWER_BYTES_MAX,
};

/// An answer that is thought out but not written down.
#[derive(Default)]
struct Plan {
    reply: Option<Reply>,
    offers: Option<Vec<StoredOffer>>,
    accepted: Option<u32>,
    is_unasked_help: bool,
    event: Option<NewEvent>,
}

impl Plan {
    fn saying(reply: Reply) -> Self {
        Self {
            reply: Some(reply),
            ..Self::default()
        }
    }
}

impl Hall {
    /// Answers messages, some side by side.
    pub(super) async fn answer_all(&self, waiting: Vec<WaitingInbound>) {
        futures::stream::iter(waiting)
            .for_each_concurrent(RUN_PARALLEL_MAX, |inbound| async move {
                if let Err(error) = self.answer_one(&inbound).await {
                    let cause = error.to_string();
                    let fields = [
                        ("inbound_id", inbound.inbound_id.as_str()),
                        ("cause", &cause),
                    ];
                    self.note("sms-answer-failed", &fields).await;
                }
            })
            .await;
    }

    /// Answers one message. What fails here is tried again by the drain, when the lease is over.
    async fn answer_one(&self, inbound: &WaitingInbound) -> Result<(), HallError> {
        let settings = self.settings().await?;
        let Some(gateway) = self
            .gateways()
            .of_id(&inbound.gateway_id, &settings)
            .await?
        else {
            return Err(HallError::Unreadable("the gateway is gone"));
        };
        let number = settings
            .seal
            .open(&inbound.inbound_id, &inbound.sealed)
            .map_err(|_| HallError::Unreadable("a sealed number"))?;
        let rules = self.rules().await?;
        let today = self.store().replies_today(&inbound.customer_id).await?;
        let has_enough = !may_reply(MessageClass::Service, today, &rules);
        for _ in 0..ANSWER_TRIES_MAX {
            // Nothing is worked out for a reply that does not go.
            let is_limited = has_enough && !has_effect(inbound.command);
            let plan = if is_limited {
                Plan::default()
            } else {
                self.plan(&gateway, &settings, inbound).await?
            };
            let reply = plan
                .reply
                .as_ref()
                .map(|reply| self.message(&gateway, &settings, inbound, &number, reply))
                .transpose()?;
            let answer = Answer {
                inbound_id: &inbound.inbound_id,
                customer_id: &inbound.customer_id,
                reply,
                is_unasked_help: plan.is_unasked_help,
                offers: plan.offers.as_deref(),
                accepted: plan.accepted,
                event: plan.event,
                is_limited,
                rules: &rules,
            };
            match self.store().answer(&answer).await? {
                Settled::Written(Some(sending)) => {
                    return self.hand_over(&gateway, &settings, &sending).await;
                }
                Settled::Written(None) => return Ok(()),
                Settled::Limited => {
                    let fields = [("inbound_id", inbound.inbound_id.as_str())];
                    self.note("sms-reply-limit", &fields).await;
                    return Ok(());
                }
                // An offer was accepted by another message meanwhile, or this one was answered.
                Settled::Overtaken => {}
            }
        }
        Ok(())
    }

    fn message(
        &self,
        gateway: &Gateway,
        settings: &Settings,
        inbound: &WaitingInbound,
        number: &str,
        reply: &Reply,
    ) -> Result<NewMessage, HallError> {
        let text = reply.text(gateway.language);
        let message_id = self.store().new_id();
        let content = json!({"number": number, "text": text}).to_string();
        let nonce = self.store().random_bytes::<NONCE_BYTES>();
        let sealed = settings
            .seal
            .close(&message_id, &content, nonce)
            .map_err(|_| HallError::Unreadable("a message to be sealed"))?;
        Ok(NewMessage {
            message_id,
            gateway_id: gateway.id.clone(),
            customer_id: inbound.customer_id.clone(),
            region: inbound.region.clone(),
            class: match reply {
                Reply::OptedOut => MessageClass::OptOutConfirmation,
                _ => MessageClass::Service,
            },
            inbound_id: Some(inbound.inbound_id.clone()),
            text,
            campaign: None,
            batch: None,
            business: None,
            expires_at_unix_ms: inbound.received_at_unix_ms + REPLY_LIFE_MS,
            created_by: MADE_BY.to_owned(),
            sealed,
        })
    }

    async fn plan(
        &self,
        gateway: &Gateway,
        settings: &Arc<Settings>,
        inbound: &WaitingInbound,
    ) -> Result<Plan, HallError> {
        Ok(match inbound.command {
            Command::BestPlan => self.best_plan(gateway, settings, inbound).await,
            Command::Accept(number) => self.accept(gateway, inbound, number).await?,
            Command::Offers => {
                let offers = self.store().offers_of(&inbound.customer_id).await?;
                let open: Vec<OfferLine> = offers
                    .iter()
                    .filter(|offer| !offer.is_accepted)
                    .map(|offer| line_of(offer, gateway.language))
                    .collect();
                Plan::saying(if open.is_empty() {
                    Reply::NoOffers
                } else {
                    Reply::Offers(open)
                })
            }
            Command::Help => Plan::saying(Reply::Help),
            Command::OptOut if inbound.has_effect => Plan::saying(Reply::OptedOut),
            // The confirmation was the last message; saying it again would be another.
            Command::OptOut => Plan::default(),
            Command::OptIn => Plan::saying(Reply::OptedIn),
            Command::Unknown if self.store().is_opted_out(&inbound.customer_id).await? => {
                Plan::default()
            }
            Command::Unknown => Plan {
                is_unasked_help: true,
                ..Plan::saying(Reply::Help)
            },
        })
    }

    /// The best plans, made and kept as offers by the tariff function under the message's id: asked again, it makes no others.
    async fn best_plan(
        &self,
        gateway: &Gateway,
        settings: &Settings,
        inbound: &WaitingInbound,
    ) -> Plan {
        let made = self.offers_made(gateway, settings, inbound).await;
        let outcome = match made {
            Ok(_) => Outcome::Succeeded,
            Err(_) => Outcome::Failed,
        };
        let event = event_of(
            &format!("best-plan-{}", inbound.inbound_id),
            EventKind::BusinessQuery,
            inbound,
            &[("outcome", Some(outcome.code()))],
        );
        let mut plan = match made {
            Err(reply) => Plan::saying(reply),
            Ok(made) if made.items.is_empty() => Plan {
                offers: Some(Vec::new()),
                ..Plan::saying(Reply::NothingBetter)
            },
            Ok(made) => {
                let months = made.items.first().map_or(0, |item| item.offer.months.len());
                let offers = stored_offers(made);
                let lines = offers
                    .iter()
                    .map(|offer| line_of(offer, gateway.language))
                    .collect();
                Plan {
                    offers: Some(offers),
                    ..Plan::saying(Reply::BestPlans {
                        offers: lines,
                        months,
                    })
                }
            }
        };
        plan.event = Some(event);
        plan
    }

    /// Asks the tariff function; the error is what the customer is told.
    async fn offers_made(
        &self,
        gateway: &Gateway,
        settings: &Settings,
        inbound: &WaitingInbound,
    ) -> Result<OffersMade, Reply> {
        if settings.hall_key.is_empty() {
            self.note("sms-hall-key-missing", &[]).await;
            return Err(Reply::NotNow);
        }
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/tariff/v1/offers", settings.tariff_url))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", settings.hall_key),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::ACCEPT_LANGUAGE,
                chudian_runtime::http::language::tag(gateway.language),
            )
            .header("idempotency-key", format!("sms-{}", inbound.inbound_id))
            .body(offers_request(&inbound.customer_id, OFFERS_MAX).into());
        let Ok(request) = request else {
            self.note("sms-tariff-url-malformed", &[]).await;
            return Err(Reply::NotNow);
        };
        let answer = self.inner.client.send(request, FUNCTION_BOUNDS).await;
        let cause = match answer {
            Ok(response) if response.status() == StatusCode::CREATED => {
                match serde_json::from_slice(response.body()) {
                    Ok(made) => return Ok(made),
                    Err(error) => error.to_string(),
                }
            }
            Ok(response) => {
                let code = problem_code(response.body()).unwrap_or_default();
                if code == "customer-unknown" {
                    return Err(Reply::NoUsage);
                }
                format!("{} {code}", response.status())
            }
            Err(HttpClientError::NotSent(text) | HttpClientError::Ambiguous(text)) => text,
        };
        let fields = [
            ("inbound_id", inbound.inbound_id.as_str()),
            ("cause", &cause),
        ];
        self.note("sms-tariff-failed", &fields).await;
        Err(Reply::NotNow)
    }

    async fn accept(
        &self,
        gateway: &Gateway,
        inbound: &WaitingInbound,
        number: u32,
    ) -> Result<Plan, HallError> {
        let offers = self.store().offers_of(&inbound.customer_id).await?;
        let Some(offer) = offers.iter().find(|offer| offer.number == number) else {
            return Ok(Plan::saying(Reply::NoSuchOffer(number)));
        };
        let plan = line_of(offer, gateway.language).plan;
        if offer.is_accepted {
            return Ok(Plan::saying(Reply::AcceptedBefore { plan }));
        }
        // The offer's own id makes the order: accepted by two messages, it is ordered once.
        let order_id = format!("sms-{}", offer.offer_id);
        let event = event_of(
            &format!("accept-{}", offer.offer_id),
            EventKind::Order,
            inbound,
            &[
                ("business", Some(offer.plan_id.as_str())),
                ("order_id", Some(order_id.as_str())),
                ("outcome", Some(Outcome::Accepted.code())),
                ("way", Some(OrderingWay::SelfService.code())),
            ],
        );
        Ok(Plan {
            accepted: Some(number),
            event: Some(event),
            ..Plan::saying(Reply::Accepted { plan })
        })
    }
}

/// Whether a command does something beside being answered, so that it is carried out whether the answer goes or not.
const fn has_effect(command: Command) -> bool {
    match command {
        Command::Accept(_) | Command::OptOut | Command::OptIn => true,
        Command::BestPlan | Command::Offers | Command::Help | Command::Unknown => false,
    }
}

fn event_of(
    event_id: &str,
    kind: EventKind,
    inbound: &WaitingInbound,
    more: &[(&str, Option<&str>)],
) -> NewEvent {
    let at = rfc3339(inbound.received_at_unix_ms);
    NewEvent {
        event_id: event_id.to_owned(),
        document: event_document(
            event_id,
            kind,
            &at,
            &inbound.customer_id,
            &inbound.region,
            more,
        ),
    }
}

fn stored_offers(made: OffersMade) -> Vec<StoredOffer> {
    (1..)
        .zip(made.items)
        .map(|(number, item)| StoredOffer {
            number,
            offer_id: item.offer_id,
            plan_id: item.plan_id,
            name: (item.offer.plan.name.zh, item.offer.plan.name.en),
            monthly_fee_fen: item.offer.plan.monthly_fee_fen,
            monthly_saving_fen: item.offer.after.saving.map(|saving| saving.mean_fen),
            is_accepted: false,
        })
        .collect()
}

fn line_of(offer: &StoredOffer, language: Language) -> OfferLine {
    let plan = match language {
        Language::Chinese => &offer.name.0,
        Language::English => &offer.name.1,
    };
    OfferLine {
        number: offer.number,
        plan: plan.clone(),
        monthly_fee: Money::from_fen(offer.monthly_fee_fen),
        monthly_saving: offer.monthly_saving_fen.map(Money::from_fen),
    }
}
