//! Binary mode: attributes in `ce-*` headers, the data as the body (CloudEvents HTTP binding 1.0.2, 3.1).

use http::{HeaderMap, header};

use super::given::{Attribute, read_data};
use crate::reading::{Given, GivenData, GivenEvent};

/// What the header of an attribute begins with.
pub const ATTRIBUTE_HEADER_PREFIX: &str = "ce-";

/// A header that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header `{0}` is not ASCII text with UTF-8 in percent-encoding")]
pub struct HeaderFault(pub String);

/// Whether a request is an event in binary mode: nothing else carries this header.
pub fn is_binary(headers: &HeaderMap) -> bool {
    headers.contains_key("ce-specversion")
}

/// The event that headers and body make, and its text in structured form, in which it is kept when it is rejected.
///
/// # Errors
/// Names the header that cannot be read.
pub fn event_of_headers(
    headers: &HeaderMap,
    body: &str,
) -> Result<(GivenEvent, String), HeaderFault> {
    let mut event = GivenEvent::default();
    let mut structured = serde_json::Map::new();
    for (name, value) in headers {
        let Some(attribute_name) = name.as_str().strip_prefix(ATTRIBUTE_HEADER_PREFIX) else {
            continue;
        };
        let fault = || HeaderFault(name.as_str().to_owned());
        let text = decoded(value.as_bytes()).ok_or_else(fault)?;
        if let Some(attribute) = Attribute::of_name(attribute_name) {
            let slot = attribute.slot(&mut event);
            *slot = if *slot == Given::Absent {
                Given::Text(text.clone())
            } else {
                Given::Twice
            };
        }
        structured.insert(attribute_name.to_owned(), text.into());
    }
    if let Some(content_type) = headers.get(header::CONTENT_TYPE) {
        let text = content_type
            .to_str()
            .map_err(|_| HeaderFault(header::CONTENT_TYPE.as_str().to_owned()))?;
        event.data_content_type = Given::Text(text.to_owned());
        structured.insert("datacontenttype".to_owned(), text.into());
    }
    event.data = if body.trim().is_empty() {
        GivenData::Absent
    } else {
        read_data(body)
    };
    let data = serde_json::from_str(body).unwrap_or_else(|_| body.into());
    structured.insert("data".to_owned(), data);
    Ok((event, serde_json::Value::Object(structured).to_string()))
}

/// Decodes an attribute's header (HTTP binding, 3.1.3.2): a quoted value is unquoted, then percent-encoding is undone; what comes out
/// must be UTF-8.
fn decoded(value: &[u8]) -> Option<String> {
    if !value.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return None;
    }
    let value = match value {
        [b'"', inner @ .., b'"'] => unescaped(inner),
        _ => value.to_vec(),
    };
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let byte = digit(high)? * 16 + digit(low)?;
                bytes.push(u8::try_from(byte).ok()?);
                after
            }
            (b'%', _) => return None,
            (byte, after) => {
                bytes.push(*byte);
                after
            }
        };
    }
    String::from_utf8(bytes).ok()
}

/// Undoes the backslashes of a quoted string (RFC 9110, 5.6.4).
fn unescaped(inner: &[u8]) -> Vec<u8> {
    let mut escaped = false;
    let mut bytes = Vec::with_capacity(inner.len());
    for byte in inner {
        if *byte == b'\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            bytes.push(*byte);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Goal: the binding's own example, and the texts that must not be guessed at.
    #[test]
    fn header_values_are_decoded_as_the_binding_says() {
        let good = [
            ("plain", "plain"),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("%e4%b8%ad", "中"),
            ("\"quoted \\\" text\"", "quoted \" text"),
            ("\"%22\"", "\""),
            ("", ""),
            ("a\"b", "a\"b"),
        ];
        for (header_text, text) in good {
            assert_eq!(
                decoded(header_text.as_bytes()).as_deref(),
                Some(text),
                "{header_text}"
            );
        }
        for bad in [
            &b"%"[..],
            b"%2",
            b"%zz",
            b"%ff",
            b"%E2%82",
            b"\xe4\xb8\xad",
            b"a\tb",
        ] {
            assert_eq!(decoded(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn headers_and_body_make_an_event() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/hall/%E9%95%BF%E6%B2%99"),
            ("ce-mine", "x"),
            ("content-type", "application/json; charset=utf-8"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let (event, text) = event_of_headers(&headers, r#"{"customer_id": "c-1"}"#).unwrap();
        assert_eq!(event.source, Given::Text("/hall/长沙".to_owned()));
        assert_eq!(event.event_type, Given::Absent);
        assert!(matches!(event.data, GivenData::Fields(_)));
        let again = super::super::read_event(&text).unwrap();
        assert_eq!(again, event, "{text}");
        headers.append("ce-id", HeaderValue::from_static("2"));
        assert_eq!(event_of_headers(&headers, "").unwrap().0.id, Given::Twice);
        headers.insert("ce-time", HeaderValue::from_static("%"));
        let fault = event_of_headers(&headers, "").unwrap_err();
        assert_eq!(fault, HeaderFault("ce-time".to_owned()));
    }
}
