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

/// A callback's items: the readable ones, and how many were not.
#[derive(Clone, PartialEq, Eq)]
pub struct Items<T> {
    /// Those that have what they need.
    pub read: Vec<T>,
    /// Those that have not.
    pub unreadable: usize,
}

/// The items of an array, or the one item that stands alone.
pub(crate) fn items_of<T>(document: &Value, read: impl Fn(&Value) -> Option<T>) -> Items<T> {
    let all: &[Value] = match document {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    };
    let items: Vec<T> = all.iter().filter_map(read).collect();
    Items {
        unreadable: all.len() - items.len(),
        read: items,
    }
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
