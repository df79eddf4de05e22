//! In what form a document is kept that could not be accepted: as text, bounded, and without telephone numbers.
//!
//! A number may be the very reason of the rejection, so nothing is stored as it came. What was masked can be repaired by whoever sent it, and
//! cannot be replayed as it is. Numbers are masked before the document is cut, so that a cut leaves no half of one.

use std::borrow::Cow;

use chudian_vocabulary::masking::{looks_like_a_number, mask_written_numbers};
use chudian_vocabulary::pseudonym::base32;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What stands for a number that is a value or a name of its own.
const HIDDEN: &str = "****";

/// Bytes of a document that are looked at: the size of the largest event. Of a longer one, which is no document of ours, what lies behind is not kept
/// anyway, and reading it as JSON could take ten times its size in memory.
const LOOKED_AT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an id, of the hash of what is kept.
const ID_BYTES: usize = 16;

/// A rejected document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument {
    /// The text, numbers masked.
    pub text: String,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Whether anything was masked.
    pub is_masked: bool,
}

impl KeptDocument {
    /// The document of these bytes, cut to `bytes_max`.
    #[must_use]
    pub fn of(document: &[u8], bytes_max: usize) -> Self {
        let looked_at = document
            .get(..LOOKED_AT_BYTES_MAX.max(2 * bytes_max))
            .unwrap_or(document);
        // PostgreSQL stores no zero byte.
        let text = String::from_utf8_lossy(looked_at).replace('\0', "\u{fffd}");
        let masked = without_numbers(&text);
        let is_masked = masked != text;
        let cut = (0..=bytes_max.min(masked.len()))
            .rev()
            .find(|end| masked.is_char_boundary(*end))
            .unwrap_or(0);
        Self {
            is_whole: cut == masked.len() && looked_at.len() == document.len(),
            is_masked,
            text: masked[..cut].to_owned(),
        }
    }

    /// The id of a rejection for these reasons: what is sent again is kept once. It is a hash of what is kept, which holds no number.
    #[must_use]
    pub fn id(&self, reasons: &[&str]) -> String {
        let mut hash = Sha256::new();
        for part in reasons {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(&self.text);
        let digest: [u8; 32] = hash.finalize().into();
        let mut head = [0; ID_BYTES];
        head.copy_from_slice(&digest[..ID_BYTES]);
        base32(&head)
    }
}

/// The text with telephone numbers masked, also those written in groups or with escapes as the value of a member.
fn without_numbers(text: &str) -> Cow<'_, str> {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        return mask_written_numbers(text);
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
            let shown = if looks_like_a_number(text) && mask_written_numbers(text) == *text {
                HIDDEN.to_owned()
            } else {
                mask_written_numbers(text).into_owned()
            };
            let is_hidden = shown != *text;
            *text = shown;
            is_hidden
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
                .filter(|name| {
                    looks_like_a_number(name) || mask_written_numbers(name) != name.as_str()
                })
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

    const BYTES_MAX: usize = 200;

    fn kept(document: &str) -> KeptDocument {
        KeptDocument::of(document.as_bytes(), BYTES_MAX)
    }

    /// Goal: no way of writing a number gets it into the table, also not one that the cut goes through, or that stands in half a document.
    #[test]
    fn no_number_is_kept() {
        let far = "x".repeat(BYTES_MAX - 15);
        for document in [
            r#"{"data": {"customer_id": "13812345678"}}"#,
            r#"{"data": {"customer_id": "138-1234-5678"}}"#,
            r#"{"data": {"customer_id": 13812345678}}"#,
            r#"{"data": {"customer_id": "\u0031\u00338 1234 5678"}}"#,
            r#"{"data": [{"note": "call 13812345678 or 8613812345678"}]}"#,
            r#"{"data": [{"note": "call 138 1234 5678"}]}"#,
            r#"{"13812345678": 1}"#,
            "13812345678 is no JSON",
            r#"{"data": {"customer_id": "138-1234-5678"#,
            &format!("{far}-13812345678-{far}"),
            &format!("{{\"a\": \"{far}13812345678{far}\"}}"),
        ] {
            let kept = kept(document);
            let digits: String = kept.text.chars().filter(char::is_ascii_digit).collect();
            assert!(kept.is_masked, "{document}");
            assert!(!digits.contains("1381234"), "{}", kept.text);
            assert!(!digits.contains("12345678"), "{}", kept.text);
        }
    }

    #[test]
    fn what_needs_no_change_is_kept_as_it_came() {
        let document = "{ \"id\" : \"a\", \"n\": 1795320000000 }";
        let whole = kept(document);
        assert_eq!(
            (whole.text.as_str(), whole.is_whole, whole.is_masked),
            (document, true, false)
        );
        assert_eq!(whole.id(&["k", "r"]), kept(document).id(&["k", "r"]));
        assert_ne!(whole.id(&["k", "r"]), whole.id(&["kr", ""]));
        let long = kept(&"长".repeat(BYTES_MAX));
        assert!(!long.is_whole && (BYTES_MAX - 3..=BYTES_MAX).contains(&long.text.len()));
        assert_eq!(kept("a\0b").text, "a\u{fffd}b");
        let huge = format!("[{}", "13812345678,".repeat(LOOKED_AT_BYTES_MAX));
        let huge = kept(&huge);
        assert!(huge.text.starts_with("[138****5678,138****5678,") && !huge.is_whole);
    }
}
