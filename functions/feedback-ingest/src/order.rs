//! Order relations (FI-5): what became of each order, from events of every channel in any order of arrival.
//!
//! An order has up to three steps: tried, ordered, cancelled. Of each step the earliest event counts (and of two in one millisecond
//! the one with the smaller identity), so that the record is the same whatever came first, late or twice: taking the earliest is
//! commutative, associative and idempotent. Only what succeeded is a step; a failed order is an event and no order.

use std::collections::BTreeMap;

use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, OrderingWay};

use crate::event::Event;
use crate::identity::Identity;

/// A step in an order's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It was tried.
    Trial,
    /// It was ordered.
    Order,
    /// It was ended by somebody.
    Cancellation,
}

impl Stage {
    /// The step as stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Order => "order",
            Self::Cancellation => "cancellation",
        }
    }

    /// The step that was stored as `code`.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::Trial, Self::Order, Self::Cancellation]
            .into_iter()
            .find(|stage| stage.code() == code)
    }

    /// The step that a successful event of this kind is.
    #[must_use]
    pub const fn of_kind(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Trial => Some(Self::Trial),
            EventKind::Order => Some(Self::Order),
            EventKind::Cancellation => Some(Self::Cancellation),
            EventKind::Consultation
            | EventKind::Complaint
            | EventKind::MarketingContact
            | EventKind::BusinessHandling
            | EventKind::BusinessQuery
            | EventKind::Browse
            | EventKind::Login
            | EventKind::IvrKey
            | EventKind::DeliveryReceipt => None,
        }
    }
}

/// Whose order, which, and which step: in this order rows are written, so that two writers never wait for each other crosswise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// The customer.
    pub customer_id: String,
    /// Number of the order; numbers of different customers never meet.
    pub order_id: String,
    /// The step.
    pub stage: Stage,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, unix milliseconds.
    pub at_unix_ms: i64,
    /// The event that told of it.
    pub identity: Identity,
    /// Where.
    pub channel: Channel,
    /// The customer's region.
    pub region: String,
    /// What was ordered.
    pub business: Option<String>,
    /// The campaign that led to it.
    pub campaign: Option<String>,
    /// Who placed the order, and how.
    pub way: Option<OrderingWay>,
    /// When it ends by itself, unix milliseconds.
    pub expires_at_unix_ms: Option<i64>,
    /// Who ended it.
    pub cancelled_by: Option<CancelledBy>,
}

impl Step {
    /// The place in time that decides which of two events counts.
    fn place(&self) -> (i64, Identity) {
        (self.at_unix_ms, self.identity)
    }
}

/// The steps that these events are, the earliest of each.
#[must_use]
pub fn steps_of<'a>(events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<StepKey, Step> {
    let mut steps = BTreeMap::new();
    for event in events {
        let (Some(stage), Some(order), true) = (
            Stage::of_kind(event.kind),
            &event.order,
            event.outcome.is_success(),
        ) else {
            continue;
        };
        let key = StepKey {
            customer_id: event.customer_id.as_str().to_owned(),
            order_id: order.order_id.clone(),
            stage,
        };
        let step = Step {
            at_unix_ms: event.at_unix_ms,
            identity: event.identity,
            channel: event.channel,
            region: event.region.as_str().to_owned(),
            business: event.business.clone(),
            campaign: event.campaign.clone(),
            way: order.way,
            expires_at_unix_ms: order.expires_at_unix_ms,
            cancelled_by: order.cancelled_by,
        };
        let slot = steps.entry(key).or_insert_with(|| step.clone());
        if step.place() < slot.place() {
            *slot = step;
        }
    }
    steps
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Tried and neither ordered nor ended.
    OnTrial,
    /// Ordered and still running.
    Active,
    /// Ended by somebody.
    Cancelled,
    /// Ended by itself.
    Expired,
}

impl Standing {
    /// The standing as answers write it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OnTrial => "on-trial",
            Self::Active => "active",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// An order with the steps that are known of it; there is at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// When it was tried.
    pub trial: Option<Step>,
    /// When it was ordered.
    pub order: Option<Step>,
    /// When it was cancelled.
    pub cancellation: Option<Step>,
}

impl Relation {
    /// Puts a step in its place.
    pub fn set(&mut self, stage: Stage, step: Step) {
        match stage {
            Stage::Trial => self.trial = Some(step),
            Stage::Order => self.order = Some(step),
            Stage::Cancellation => self.cancellation = Some(step),
        }
    }

    /// The step that says most of what was ordered: the order, else the trial, else the cancellation.
    #[must_use]
    pub fn main_step(&self) -> Option<&Step> {
        self.order
            .as_ref()
            .or(self.trial.as_ref())
            .or(self.cancellation.as_ref())
    }

    /// How it stands at a moment. A trial that was ordered goes on as the order, whatever the trial's end.
    #[must_use]
    pub fn standing_at(&self, unix_ms: i64) -> Standing {
        let has_expired = |step: &Step| {
            step.expires_at_unix_ms
                .is_some_and(|expires| expires <= unix_ms)
        };
        match (&self.cancellation, &self.order, &self.trial) {
            (Some(cancellation), _, _) if cancellation.at_unix_ms <= unix_ms => Standing::Cancelled,
            (_, Some(order), _) if has_expired(order) => Standing::Expired,
            (_, Some(_), _) => Standing::Active,
            (_, None, Some(trial)) if has_expired(trial) => Standing::Expired,
            (_, None, Some(_)) => Standing::OnTrial,
            // A cancellation that lies ahead by a fast clock, of an order that nobody reported: it still runs.
            (_, None, None) => Standing::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(at_unix_ms: i64, expires_at_unix_ms: Option<i64>) -> Step {
        Step {
            at_unix_ms,
            identity: Identity { high: 0, low: 0 },
            channel: Channel::WebHall,
            region: "zs01".to_owned(),
            business: None,
            campaign: None,
            way: None,
            expires_at_unix_ms,
            cancelled_by: None,
        }
    }

    /// Goal: pin the standing on both sides of every edge.
    #[test]
    fn an_order_stands_as_its_steps_say() {
        let relation = |trial, order, cancellation| Relation {
            trial,
            order,
            cancellation,
        };
        let table = [
            (
                relation(Some(step(1, Some(10))), None, None),
                9,
                Standing::OnTrial,
            ),
            (
                relation(Some(step(1, Some(10))), None, None),
                10,
                Standing::Expired,
            ),
            (
                relation(Some(step(1, Some(10))), Some(step(5, None)), None),
                10,
                Standing::Active,
            ),
            (
                relation(None, Some(step(5, Some(20))), None),
                19,
                Standing::Active,
            ),
            (
                relation(None, Some(step(5, Some(20))), None),
                20,
                Standing::Expired,
            ),
            (
                relation(None, Some(step(5, Some(20))), Some(step(7, None))),
                25,
                Standing::Cancelled,
            ),
            (
                relation(None, Some(step(5, None)), Some(step(7, None))),
                6,
                Standing::Active,
            ),
            (
                relation(None, None, Some(step(7, None))),
                8,
                Standing::Cancelled,
            ),
        ];
        for (relation, at, expected) in table {
            assert_eq!(relation.standing_at(at), expected, "{relation:?} at {at}");
        }
    }
}
