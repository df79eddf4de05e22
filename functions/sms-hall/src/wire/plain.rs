//! The plain form, for gateways that have none of their own: JSON, signed by Standard Webhooks in both directions.

use serde_json::{Value, json};

use super::{GivenInbound, GivenReceipt, Items, items_of, moment, text_of, word_of};
use crate::sending::HandOver;

/// The acknowledgement of a callback.
pub const ACKNOWLEDGEMENT: &str = r#"{"accepted":true}"#;

/// Reads a message; its identity is the `webhook-id` that came with it.
pub fn inbound(document: &Value, webhook_id: &str) -> Items<GivenInbound> {
    items_of(document, |item| {
        Some(GivenInbound {
            number: word_of(item, "number")?,
            text: text_of(item, "text")?,
            identity: webhook_id.to_owned(),
            sent_at_unix_ms: text_of(item, "received_at").and_then(|text| moment(&text)),
        })
    })
}

/// Reads receipts.
pub fn receipts(document: &Value) -> Items<GivenReceipt> {
    items_of(document, |item| {
        let provider_message_id = word_of(item, "provider_message_id");
        let message_id = word_of(item, "message_id");
        if provider_message_id.is_none() && message_id.is_none() {
            return None;
        }
        Some(GivenReceipt {
            number: word_of(item, "number")?,
            provider_message_id,
            message_id,
            is_delivered: item.get("delivered")?.as_bool()?,
            code: word_of(item, "code"),
            at_unix_ms: text_of(item, "at").and_then(|text| moment(&text)),
        })
    })
}

/// The body of a message that is handed over.
pub fn send_body(number: &str, sender: &str, text: &str, message_id: &str) -> Vec<u8> {
    json!({"message_id": message_id, "number": number, "sender": sender, "text": text})
        .to_string()
        .into_bytes()
}

/// What an answer says: 2xx has it, 409 had it before, 429 not now, other 4xx never, everything else nobody knows.
pub fn outcome(status: u16, body: &[u8]) -> HandOver {
    let code = format!("http-{status}");
    match status {
        200..=299 | 409 => {
            let document: Value = serde_json::from_slice(body).unwrap_or_default();
            HandOver::Accepted {
                provider_message_id: word_of(&document, "provider_message_id"),
            }
        }
        // A server that gave up waiting may have read everything.
        408 | 425 => HandOver::Ambiguous { code },
        429 => HandOver::NotNow { code },
        400..=499 => HandOver::Never { code },
        _ => HandOver::Ambiguous { code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_read() {
        let message = json!({"number": "13812345678", "text": "TD", "received_at": "2026-11-22T12:00:00+08:00", "more": 1});
        let items = inbound(&message, "msg_1");
        assert_eq!(items.read[0].identity, "msg_1");
        assert_eq!(items.read[0].sent_at_unix_ms, Some(1_795_320_000_000));
        assert_eq!(inbound(&json!({"text": "TD"}), "msg_1").unreadable.len(), 1);
        let receipt = json!([{"number": "13812345678", "message_id": "m-1", "delivered": true}, {"number": "1", "delivered": true}]);
        let items = receipts(&receipt);
        assert_eq!((items.read.len(), items.unreadable.len()), (1, 1));
        assert!(items.read[0].is_delivered);
    }

    #[test]
    fn answers_say_whether_a_message_was_taken() {
        let kind = |status| match outcome(status, b"{\"provider_message_id\":\"p\"}") {
            HandOver::Accepted { .. } => 'a',
            HandOver::NotNow { .. } => 'l',
            HandOver::Never { .. } => 'n',
            HandOver::Ambiguous { .. } => '?',
        };
        let statuses = [
            200, 202, 204, 301, 400, 404, 408, 409, 422, 425, 429, 500, 502, 503,
        ];
        let kinds: String = statuses.into_iter().map(kind).collect();
        assert_eq!(kinds, "aaa?nn?an?l???");
    }
}
