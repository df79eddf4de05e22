//! The forms of others: what providers push, what they take and answer, what our own functions take and answer, and the documents of
//! this function.
//!
//! A callback's form is read leniently: unknown fields are passed over, a number may be a text and a text a number, and an item without
//! what it needs is one item and not the whole callback. Nothing here judges; times without a zone are Chinese time.

pub mod aliyun;
pub mod commands;
pub mod functions;
pub mod gateway;
pub mod plain;
pub mod rules;
pub mod tencent;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone as _};
use serde_json::Value;

/// Seconds that Chinese time is ahead.
const CHINA_OFFSET_S: i32 = 8 * 3600;

/// A message from a customer, as a provider gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenInbound {
    /// The customer's number, whatever it looks like.
    pub number: String,
    /// What the customer wrote.
    pub text: String,
    /// What tells this message from every other one of the gateway.
    pub identity: String,
    /// When the provider got it, unix milliseconds.
    pub sent_at_unix_ms: Option<i64>,
}

/// What became of a message, as a provider gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenReceipt {
    /// The customer's number.
    pub number: String,
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// Our own id of the message, where the provider hands it back.
    pub message_id: Option<String>,
    /// Whether it reached the handset.
    pub is_delivered: bool,
    /// The provider's word for why not.
    pub code: Option<String>,
    /// When, unix milliseconds.
    pub at_unix_ms: Option<i64>,
}

/// A callback's items: the readable ones, each with what was read, and those that were not.
#[derive(Clone, PartialEq, Eq)]
pub struct Items<T> {
    /// Those that have what they need.
    pub read: Vec<T>,
    /// What these were read from, in the same order.
    pub documents: Vec<Value>,
    /// Those that have not.
    pub unreadable: Vec<Value>,
}

impl<T> Items<T> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.read.len() + self.unreadable.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The items of an array, or the one item that stands alone.
pub(crate) fn items_of<T>(document: &Value, read: impl Fn(&Value) -> Option<T>) -> Items<T> {
    let all: &[Value] = match document {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    };
    let mut items = Items {
        read: Vec::new(),
        documents: Vec::new(),
        unreadable: Vec::new(),
    };
    for item in all {
        match read(item) {
            Some(read) => {
                items.read.push(read);
                items.documents.push(item.clone());
            }
            None => items.unreadable.push(item.clone()),
        }
    }
    items
}

/// Members in which the forms of all providers hold a customer's number.
const NUMBER_MEMBERS: [&str; 3] = ["phone_number", "mobile", "number"];

/// Characters of the longest number that is nobody's: a service number such as 10086 or 12580.
const SERVICE_NUMBER_CHARACTERS_MAX: usize = 6;

/// Characters of a longer number that are shown: enough for its country.
const NUMBER_CHARACTERS_SHOWN: usize = 3;

/// An item without its customer's number, of whatever country: only mainland numbers are known by their form.
pub(crate) fn without_number(mut item: Value) -> Value {
    for name in NUMBER_MEMBERS {
        let Some(text) = text_of(&item, name) else {
            continue;
        };
        if text.chars().count() > SERVICE_NUMBER_CHARACTERS_MAX {
            let head: String = text.chars().take(NUMBER_CHARACTERS_SHOWN).collect();
            item[name] = format!("{head}****").into();
        }
    }
    item
}

/// A whole callback without its customers' numbers; of one that is no JSON, without any longer run of digits.
pub(crate) fn without_numbers(body: &[u8]) -> Vec<u8> {
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        return without_long_digits(body);
    };
    let shown = match document.clone() {
        Value::Array(items) => items.into_iter().map(without_number).collect(),
        one => without_number(one),
    };
    if shown == document {
        body.to_vec()
    } else {
        shown.to_string().into_bytes()
    }
}

fn without_long_digits(body: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(body.len());
    for run in body.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit()) {
        let is_long = run.len() > SERVICE_NUMBER_CHARACTERS_MAX;
        if is_long && run.first().is_some_and(u8::is_ascii_digit) {
            shown.extend_from_slice(b"****");
        } else {
            shown.extend_from_slice(run);
        }
    }
    shown
}

/// A member that is a text or a number, as text.
pub(crate) fn text_of(item: &Value, name: &str) -> Option<String> {
    match item.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A member that is a text or a number and not empty.
pub(crate) fn word_of(item: &Value, name: &str) -> Option<String> {
    text_of(item, name).filter(|text| !text.trim().is_empty())
}

/// `2026-11-22 12:00:00` in Chinese time, as unix milliseconds.
pub(crate) fn china_time(text: &str) -> Option<i64> {
    let local = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S").ok()?;
    let zone = FixedOffset::east_opt(CHINA_OFFSET_S)?;
    Some(
        zone.from_local_datetime(&local)
            .single()?
            .timestamp_millis(),
    )
}

/// RFC 3339, as unix milliseconds.
pub(crate) fn moment(text: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_shown_without_their_numbers() {
        let shown = |text: &str| String::from_utf8(without_numbers(text.as_bytes())).unwrap();
        for (body, expected) in [
            (
                r#"[{"phone_number":"+12125550100","sequence_id":12345678901}]"#,
                r#"[{"phone_number":"+12****","sequence_id":12345678901}]"#,
            ),
            (
                r#"{"mobile":85212345678,"text":"TD"}"#,
                r#"{"mobile":"852****","text":"TD"}"#,
            ),
            (r#"{"number":"10086"}"#, r#"{"number":"10086"}"#),
            ("[1,2]", "[1,2]"),
            (
                r#"{"number":"+12125550100", "text":"#,
                r#"{"number":"+****", "text":"#,
            ),
            ("TD 10086 021-55501001", "TD 10086 021-****"),
        ] {
            assert_eq!(shown(body), expected);
        }
        assert_eq!(without_numbers(b"\xff1234567\xfe"), b"\xff****\xfe");
    }

    #[test]
    fn times_without_a_zone_are_chinese() {
        assert_eq!(china_time("2026-11-22 12:00:00"), Some(1_795_320_000_000));
        assert_eq!(
            moment("2026-11-22T12:00:00+08:00"),
            china_time("2026-11-22 12:00:00")
        );
        for other in ["", "2026-11-22", "2026-13-01 00:00:00", "now"] {
            assert_eq!(china_time(other), None, "{other}");
        }
    }
}
