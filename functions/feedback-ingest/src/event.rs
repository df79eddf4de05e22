//! An event that was read and found right.

use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, OrderingWay, Outcome};
use chudian_vocabulary::{CustomerId, Region};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::timing::Flags;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which event it is.
    pub identity: Identity,
    /// Hash of what it says.
    pub content: i64,
    /// What happened.
    pub kind: EventKind,
    /// Where.
    pub channel: Channel,
    /// How it ended.
    pub outcome: Outcome,
    /// With whom.
    pub customer_id: CustomerId,
    /// The customer's region.
    pub region: Region,
    /// When, unix milliseconds.
    pub at_unix_ms: i64,
    /// What is remarkable about it.
    pub flags: Flags,
    /// Campaign to which it belongs.
    pub campaign: Option<String>,
    /// Batch of the campaign's list.
    pub batch: Option<String>,
    /// Business, plan or product.
    pub business: Option<String>,
    /// How long it took, seconds.
    pub duration_s: Option<i64>,
    /// The order that it is about, for the kinds that begin or end one.
    pub order: Option<OrderPart>,
    /// What is only read with the one event.
    pub details: Details,
}

/// What an order, a trial or a cancellation says of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPart {
    /// Number of the order.
    pub order_id: String,
    /// Who placed it, and how.
    pub way: Option<OrderingWay>,
    /// When it ends by itself, unix milliseconds.
    pub expires_at_unix_ms: Option<i64>,
    /// Who ended it.
    pub cancelled_by: Option<CancelledBy>,
}

/// The parts of an event that no sum and no filter needs; stored together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// CloudEvents `source`, telephone numbers masked.
    pub source: String,
    /// CloudEvents `id`, telephone numbers masked.
    pub id: String,
    /// Who served the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// What was said, telephone numbers masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Why it ended so, telephone numbers masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Number of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Point of the voice menu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menu: Option<String>,
    /// Keys that were pressed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// Page that was looked at, telephone numbers masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}
