//! What is asked of our own functions, and what they answer: offers of `tariff-simulation`, events for `feedback-ingest`.

use chudian_vocabulary::Name;
use chudian_vocabulary::contact::EventKind;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// CloudEvents `source` of everything that is reported from here.
pub const EVENT_SOURCE: &str = "/chudian/sms-hall";

/// The channel's code.
pub const CHANNEL: &str = "sms-hall";

/// Media type of reports.
pub const EVENTS_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// The offers that were made.
#[derive(Deserialize)]
pub struct OffersMade {
    /// Best first.
    pub items: Vec<OfferMade>,
}

/// An offer, as far as a reply needs it.
#[derive(Deserialize)]
pub struct OfferMade {
    /// Its id.
    pub offer_id: String,
    /// The plan.
    pub plan_id: String,
    /// Before and after.
    pub offer: OfferFigures,
}

/// What an offer says.
#[derive(Deserialize)]
pub struct OfferFigures {
    /// The plan.
    pub plan: OfferPlan,
    /// The months of usage behind it.
    pub months: Vec<String>,
    /// What it means for the customer.
    pub after: OfferAfter,
}

/// The plan of an offer.
#[derive(Deserialize)]
pub struct OfferPlan {
    /// What people call it.
    pub name: Name,
    /// Monthly fee, fen.
    pub monthly_fee_fen: i64,
}

/// What an offer saves.
#[derive(Deserialize)]
pub struct OfferAfter {
    /// Absent for a new customer.
    #[serde(default)]
    pub saving: Option<OfferSaving>,
}

/// A saving.
#[derive(Deserialize)]
pub struct OfferSaving {
    /// Mean per month, fen.
    pub mean_fen: i64,
}

/// What was asked for offers.
pub fn offers_request(customer_id: &str, limit: u32) -> Vec<u8> {
    json!({"customer_id": customer_id, "channel": CHANNEL, "limit": limit})
        .to_string()
        .into_bytes()
}

/// The code of a problem that a function answered.
pub fn problem_code(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let code = document["type"].as_str()?.rsplit(':').next()?;
    Some(code.to_owned())
}

/// Id of the report of a receipt.
pub fn receipt_event_id(gateway_id: &str, identity: &str) -> String {
    format!("receipt-{gateway_id}-{identity}")
}

/// An event as it is reported: kind, moment, and its data beside who, where and on which channel.
pub fn event_document(
    event_id: &str,
    kind: EventKind,
    at: &str,
    customer_id: &str,
    region: &str,
    more: &[(&str, Option<&str>)],
) -> String {
    let mut data = Map::new();
    for (name, value) in [
        ("customer_id", Some(customer_id)),
        ("region", Some(region)),
        ("channel", Some(CHANNEL)),
    ]
    .iter()
    .chain(more)
    {
        if let Some(value) = value {
            data.insert((*name).to_owned(), (*value).into());
        }
    }
    json!({
        "specversion": "1.0", "id": event_id, "source": EVENT_SOURCE, "type": kind.event_type(), "time": at,
        "datacontenttype": "application/json", "data": data,
    })
    .to_string()
}

/// What became of each reported event: `accepted`, `duplicate` or `rejected`, in the order of the report.
pub fn report_results(body: &[u8]) -> Option<Vec<String>> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let results = document["results"].as_array()?;
    results
        .iter()
        .map(|result| result["status"].as_str().map(str::to_owned))
        .collect()
}
