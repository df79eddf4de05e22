//! The header fields that the gateway reads, removes and adds.
//!
//! Invariant: what a client sends can never pass for what the gateway says (`spin-*`), and what belongs to one connection
//! never crosses to the next.

use chudian_vocabulary::masking::{looks_like_a_number, mask_numbers};
use http::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, Entry, REFERRER_POLICY, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Carries the request's id, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Carries the depth of calls between components over HTTP, so that a circle through two gateways ends too.
pub const CHAIN_DEPTH: HeaderName = HeaderName::from_static("spin-chudian-chain-depth");

/// Fields that the host alone may set begin with this.
const HOST_OWNED_PREFIX: &str = "spin-";
/// Shortest and longest request id that is taken over from a client: enough to be unique, not enough to be a message.
const REQUEST_ID_LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;

/// Fields of one connection only, besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes what belongs to the connection, and what `Connection` names.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    // Most heads have none of them; looking at each field once is cheaper than looking each of these up.
    if headers
        .keys()
        .any(|name| is_hop_by_hop(name) || *name == TRAILER)
    {
        for name in &HOP_BY_HOP {
            headers.remove(name);
        }
        headers.remove(TRAILER);
    }
}

/// Whether a field belongs to one connection; components may neither see nor set it.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// Removes the client's own `spin-*` fields. Gives back the chain depth, which counts only when it comes from outside
/// and makes the remaining depth smaller, never larger.
pub fn remove_host_owned(headers: &mut HeaderMap) -> u32 {
    let depth = headers
        .get(CHAIN_DEPTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    let owned: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(HOST_OWNED_PREFIX))
        .cloned()
        .collect();
    for name in owned {
        headers.remove(name);
    }
    depth
}

/// The client's request id, when it is well formed and no telephone number, which it would carry into every log.
pub fn client_request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(X_REQUEST_ID)?;
    let bytes = value.as_bytes();
    let well_formed = REQUEST_ID_LENGTHS.contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let text = value.to_str().ok()?;
    let holds_a_number = looks_like_a_number(text) || mask_numbers(text) != text;
    (well_formed && !holds_a_number).then(|| value.clone())
}

/// Bytes and number of the header fields, as they count against the limits.
pub fn measure(headers: &HeaderMap) -> (usize, usize) {
    // Two for the colon and the space, two for the end of the line.
    let bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    (bytes, headers.len())
}

/// Adds the security fields that are absent. A component that sets its own knows better.
pub fn add_security(headers: &mut HeaderMap) {
    set_default(
        headers,
        X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    set_default(
        headers,
        REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let is_page = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
        let policy = if is_page {
            "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
        } else {
            "default-src 'none'; frame-ancestors 'none'"
        };
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if let Entry::Vacant(vacant) = headers.entry(name) {
        vacant.insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: no spelling of a connection's own fields reaches a component, nor does what `Connection` names.
    #[test]
    fn connection_fields_are_removed_with_what_they_name() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "2"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        remove_hop_by_hop(&mut headers);
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["accept"]
        );
    }

    /// Goal: a client cannot speak in the host's name.
    #[test]
    fn host_owned_fields_are_removed() {
        let mut headers = HeaderMap::new();
        headers.insert("spin-client-addr", HeaderValue::from_static("10.0.0.1:1"));
        headers.insert("spin-chudian-chain-depth", HeaderValue::from_static("3"));
        headers.insert("spinning", HeaderValue::from_static("stays"));
        assert_eq!(remove_host_owned(&mut headers), 3);
        assert_eq!(headers.len(), 1);
    }

    /// Goal: an id from outside cannot smuggle anything into logs or answers.
    #[test]
    fn request_ids_are_checked() {
        let table = [
            ("abcd-1234", true),
            ("short", false),
            ("white space", false),
            ("line\tbreak", false),
            ("<script>alert", false),
            ("13812345678", false),
            ("138-1234-5678", false),
            ("call-13812345678", false),
        ];
        for (text, accepted) in table {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_static(text))]);
            assert_eq!(client_request_id(&headers).is_some(), accepted, "{text}");
        }
        let long = HeaderValue::from_str(&"a".repeat(65)).unwrap();
        assert!(client_request_id(&HeaderMap::from_iter([(X_REQUEST_ID, long)])).is_none());
    }
}
