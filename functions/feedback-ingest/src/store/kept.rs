//! In what form a rejected event is kept: as text, bounded, and without telephone numbers.
//!
//! A number may be the very reason of the rejection, so nothing is stored as it came. What was masked can be repaired by whoever
//! sent it, and cannot be replayed as it is.

use std::borrow::Cow;

use chudian_vocabulary::masking::{looks_like_a_number, mask_numbers};
use serde_json::Value;

use super::NewRejected;
use crate::fault::Finding;
use crate::limits::REJECTED_DOCUMENT_BYTES_MAX;

/// What stands for a number that is written in groups.
const HIDDEN: &str = "****";

/// Who sent an event.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Id of the key.
    pub key_id: &'a str,
    /// Region of the key.
    pub region: Option<&'a str>,
}

/// The rejected event as it is kept; `document` is what was sent, in structured form where it could be read.
pub fn rejected_of(
    document: &[u8],
    first: &Finding,
    sender: Sender<'_>,
    received_unix_ms: i64,
) -> NewRejected {
    let head = document
        .get(..REJECTED_DOCUMENT_BYTES_MAX)
        .unwrap_or(document);
    let is_whole = head.len() == document.len();
    // A cut may fall into a character; and PostgreSQL stores no zero byte.
    let text = String::from_utf8_lossy(head).replace('\0', "\u{fffd}");
    let masked = without_numbers(&text);
    let is_masked = masked != text;
    let (document, reason) = (masked.into_owned(), first.fault.code());
    NewRejected {
        rejected_id: NewRejected::id_of(sender.key_id, reason, &document),
        received_unix_ms,
        key_id: sender.key_id.to_owned(),
        region: sender.region.map(str::to_owned),
        reason,
        pointer: first.pointer.clone(),
        document,
        is_whole,
        is_masked,
    }
}

/// The text with telephone numbers masked, also those written in groups or with escapes as the value of a member.
fn without_numbers(text: &str) -> Cow<'_, str> {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        return mask_numbers(text);
    };
    if hide_numbers(&mut value) {
        Cow::Owned(value.to_string())
    } else {
        Cow::Borrowed(text)
    }
}

/// Masks numbers in every text of a document; whether there were any.
fn hide_numbers(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let masked = mask_numbers(text);
            let shown = if masked != *text {
                masked.into_owned()
            } else if looks_like_a_number(text) {
                HIDDEN.to_owned()
            } else {
                return false;
            };
            *text = shown;
            true
        }
        Value::Number(number) => {
            let is_hidden = looks_like_a_number(&number.to_string());
            if is_hidden {
                *value = HIDDEN.into();
            }
            is_hidden
        }
        // Every member is visited, also after one that held a number.
        Value::Array(items) => items.iter_mut().filter_map(hidden_in).count() > 0,
        Value::Object(members) => {
            let mut hidden = members.values_mut().filter_map(hidden_in).count() > 0;
            let named_by_numbers: Vec<String> = members
                .keys()
                .filter(|name| looks_like_a_number(name) || mask_numbers(name) != name.as_str())
                .cloned()
                .collect();
            for name in named_by_numbers {
                members.remove(&name);
                members.insert(HIDDEN.to_owned(), Value::Null);
                hidden = true;
            }
            hidden
        }
        Value::Null | Value::Bool(_) => false,
    }
}

fn hidden_in(value: &mut Value) -> Option<()> {
    hide_numbers(value).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    fn kept(document: &str) -> NewRejected {
        let sender = Sender {
            key_id: "k",
            region: None,
        };
        let finding = Finding::whole(Fault::NotAnEvent);
        rejected_of(document.as_bytes(), &finding, sender, 1)
    }

    /// Goal: no way of writing a number gets it into the table.
    #[test]
    fn no_number_is_kept() {
        for document in [
            r#"{"data": {"customer_id": "13812345678"}}"#,
            r#"{"data": {"customer_id": "138-1234-5678"}}"#,
            r#"{"data": {"customer_id": 13812345678}}"#,
            r#"{"data": {"customer_id": "\u0031\u00338 1234 5678"}}"#,
            r#"{"data": [{"note": "call 13812345678 or 8613812345678"}]}"#,
            r#"{"13812345678": 1}"#,
            "13812345678 is no JSON",
        ] {
            let kept = kept(document);
            let digits: String = kept.document.chars().filter(char::is_ascii_digit).collect();
            assert!(kept.is_masked, "{document}");
            assert!(!digits.contains("12345678"), "{}", kept.document);
        }
    }

    #[test]
    fn what_needs_no_change_is_kept_as_it_came() {
        let document = "{ \"id\" : \"a\", \"n\": 1795320000000 }";
        let whole = kept(document);
        assert_eq!(
            (whole.document.as_str(), whole.is_whole, whole.is_masked),
            (document, true, false)
        );
        assert_eq!(whole.rejected_id, kept(document).rejected_id);
        let long = kept(&"长".repeat(REJECTED_DOCUMENT_BYTES_MAX));
        assert!(!long.is_whole && long.document.len() <= REJECTED_DOCUMENT_BYTES_MAX + 3);
    }
}
