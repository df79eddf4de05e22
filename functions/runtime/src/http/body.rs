//! Request bodies: bounded in size and depth, read once, with errors that name the field.
//!
//! The limit stands in the handler's signature, `JsonBody<Request, 65_536>`, so that each route says what it takes.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use chudian_vocabulary::Name;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

pub use crate::problem::document::JSON_DEPTH_MAX;
use crate::problem::document::{self, Unreadable};
use crate::problem::{Problem, catalogue};

/// The default limit of a JSON body: a customer with twelve months of detailed usage takes about a tenth.
pub const JSON_BODY_BYTES_MAX: usize = 1024 * 1024;

/// The whole body as it was sent, of at most `BYTES_MAX` bytes.
pub struct RawBody<const BYTES_MAX: usize = JSON_BODY_BYTES_MAX>(pub Bytes);

impl<S: Sync, const BYTES_MAX: usize> FromRequest<S> for RawBody<BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let announced_bytes = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        if announced_bytes.is_some_and(|bytes: u64| bytes > BYTES_MAX as u64) {
            return Err(too_large(BYTES_MAX));
        }
        read_whole(body, BYTES_MAX).await.map(Self)
    }
}

async fn read_whole(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(too_large(bytes_max))
        }
        Err(error) => {
            Err(Problem::of_kind(catalogue::INCOMPLETE_BODY).with_cause(error.to_string()))
        }
    }
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = Name::new(
        format!("请求体最多 {bytes_max} 字节，请缩小或分批发送。"),
        format!(
            "The body may have at most {bytes_max} bytes; make it smaller or send it in parts."
        ),
    );
    Problem::new(catalogue::PAYLOAD_TOO_LARGE, detail)
}

/// A JSON body of type `T`, of at most `BYTES_MAX` bytes and [`JSON_DEPTH_MAX`] levels.
pub struct JsonBody<T, const BYTES_MAX: usize = JSON_BODY_BYTES_MAX> {
    /// What the document says.
    pub value: T,
    /// The document as it was sent, for hashes.
    pub bytes: Bytes,
}

impl<S: Sync, T: DeserializeOwned + ToSchema, const BYTES_MAX: usize> FromRequest<S>
    for JsonBody<T, BYTES_MAX>
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), &["application/json"])?;
        let RawBody(bytes) = RawBody::<BYTES_MAX>::from_request(request, state).await?;
        Ok(Self {
            value: parse_json(&bytes)?,
            bytes,
        })
    }
}

/// Refuses a body of another media type; `application/json` also allows the `+json` types.
pub fn require_media_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_json = essence.starts_with("application/")
        && essence.ends_with("+json")
        && allowed.contains(&"application/json");
    if is_json || allowed.contains(&essence.as_str()) {
        return Ok(());
    }
    let wanted = allowed.join(", ");
    let detail = Name::new(
        format!("请把请求头 Content-Type 设为 {wanted}。"),
        format!("Set the header Content-Type to {wanted}."),
    );
    Err(Problem::new(catalogue::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// Reads a JSON document; the problem names every field that is not as it should be.
///
/// # Errors
/// When the bytes are no JSON, or JSON of another shape than `T`.
pub fn parse_json<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    document::read(bytes).map_err(Problem::from)
}

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        let malformed = |zh, en| Self::new(catalogue::MALFORMED_JSON, Name::new(zh, en));
        match unreadable {
            Unreadable::TooDeep => malformed(
                format!("JSON 最多嵌套 {JSON_DEPTH_MAX} 层。"),
                format!("JSON may be nested at most {JSON_DEPTH_MAX} levels deep."),
            ),
            Unreadable::NotJson {
                line,
                column,
                is_cut_off: true,
            } => malformed(
                format!("文档在第 {line} 行第 {column} 列突然结束，请检查是否完整。"),
                format!(
                    "The document ends too early, in line {line}, column {column}; check that it is whole."
                ),
            ),
            Unreadable::NotJson {
                line,
                column,
                is_cut_off: false,
            } => malformed(
                format!("第 {line} 行第 {column} 列不是合法的 JSON（UTF-8）。"),
                format!("Line {line}, column {column} is not valid JSON in UTF-8."),
            ),
            Unreadable::WrongShape(mistakes) => Self::of_kind(catalogue::INVALID_BODY)
                .with_errors(mistakes.into_iter().map(Into::into)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn code_of(json: &[u8]) -> Option<&'static str> {
        parse_json::<Value>(json)
            .err()
            .map(|problem| problem.kind().code)
    }

    #[test]
    fn documents_are_refused_for_the_right_reason() {
        let at_the_limit = format!(
            "{}{}",
            "[".repeat(JSON_DEPTH_MAX),
            "]".repeat(JSON_DEPTH_MAX)
        );
        let beyond = format!(
            "{}{}",
            "[".repeat(JSON_DEPTH_MAX + 1),
            "]".repeat(JSON_DEPTH_MAX + 1)
        );
        let brackets_in_text = format!("\"\\\"{}\"", "[".repeat(1000));
        assert_eq!(code_of(at_the_limit.as_bytes()), None);
        assert_eq!(code_of(brackets_in_text.as_bytes()), None);
        assert_eq!(code_of(beyond.as_bytes()), Some("malformed-json"));
        assert_eq!(
            code_of("[".repeat(1_000_000).as_bytes()),
            Some("malformed-json")
        );
        for malformed in [
            &b""[..],
            b"{",
            b"{\"a\":1",
            b"{} x",
            b"nul",
            b"\xff\xfe",
            b"\"\xff\"",
        ] {
            assert_eq!(code_of(malformed), Some("malformed-json"), "{malformed:?}");
        }
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        let problem = parse_json::<std::collections::BTreeMap<String, Vec<u8>>>(b"{\"a\":[1,300]}")
            .unwrap_err();
        let json = problem.to_json(chudian_vocabulary::Language::English, None);
        assert_eq!(json["errors"][0]["pointer"], "/a/1");
    }
}
