//! Events in: CloudEvents 1.0.2 in binary, structured and batch mode, on one route.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::RawBody;
use chudian_runtime::http::language::ReaderLanguage;
use chudian_runtime::problem::{FieldErrorBody, Problem, catalogue};
use chudian_vocabulary::{Language, Name};
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::problems::{field_errors_shown, refused, rejected_alone, too_many_events};
use crate::limits::BODY_BYTES_MAX;
use crate::service::{EventResult, Origin, Submission, Told};
use crate::wire::{
    BATCH_MEDIA_TYPE, CutError, EVENT_MEDIA_TYPE, cut_batch, event_of_headers, is_binary,
    read_event,
};

/// First and last byte that begins a character of two bytes in GBK, and the least that ends one.
const GBK_FIRST: std::ops::RangeInclusive<u8> = 0x81..=0xfe;
const GBK_SECOND: std::ops::RangeInclusive<u8> = 0x40..=0xfe;

/// A CloudEvents 1.0 event in structured form. Other attributes may be there and are not kept.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the form in the OpenAPI document; events are read value by value"
)]
pub(super) struct CloudEvent {
    /// `1.0`.
    specversion: String,
    /// With `source` it says which event it is, for ever.
    id: String,
    /// Who reports it, a URI reference such as `/outbound/zs01`.
    source: String,
    /// `chudian.feedback.<kind>.v1`; `/feedback/v1/schemas` lists them.
    #[schema(rename = "type")]
    event_type: String,
    /// When it happened, RFC 3339; absent: when it comes.
    time: Option<String>,
    /// `application/json`, or absent.
    datacontenttype: Option<String>,
    /// What happened, as the type's schema says.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// What became of the events of a request.
#[derive(Serialize, ToSchema)]
pub(super) struct IngestAnswer {
    /// Events that are stored now.
    accepted: usize,
    /// Events that were stored before and said the same.
    duplicates: usize,
    /// Events that were not stored.
    rejected: usize,
    /// Of each event, in the order of the request.
    results: Vec<EventAnswer>,
}

/// What became of one event.
#[derive(Serialize, ToSchema)]
pub(super) struct EventAnswer {
    /// Its `source`; absent when the event was rejected before it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Its `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// `accepted`, `duplicate` or `rejected`.
    status: &'static str,
    /// Remarks on an accepted event: `late`, `very-old`, `clock-ahead`, `without-time`, `number-masked`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<&'static str>,
    /// What is wrong with a rejected event, with pointers into its structured form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody>,
    /// Under which id a rejected event is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_id: Option<String>,
}

/// Report events
///
/// One event in binary or structured mode, or up to 2,000 in batch mode, at most 4 MiB. The answer comes when everything in it is
/// durable; sending again is always right. A rejected event alone is a problem, in a batch it costs the others nothing.
#[utoipa::path(
    post, path = "/events", tag = "events", operation_id = "report_events",
    request_body(content(
        (CloudEvent = "application/cloudevents+json"),
        (Vec<CloudEvent> = "application/cloudevents-batch+json"),
        (Object = "application/json")
    ), description = "Structured mode, batch mode, or the data alone with `ce-*` headers"),
    responses((status = 200, description = "What became of each event", body = IngestAnswer))
)]
pub(super) async fn accept(
    State(app): State<App>,
    caller: Caller,
    ReaderLanguage(language): ReaderLanguage,
    headers: HeaderMap,
    RawBody(body): RawBody<BODY_BYTES_MAX>,
) -> Result<Json<IngestAnswer>, Problem> {
    let mode = Mode::of(&headers)?;
    let text = text_of(&body)?;
    let origin = Origin {
        key_id: caller.key_id.as_str(),
        region: caller.region.as_ref(),
        received_unix_ms: app.store.now_unix_ms(),
        keeps_rejected: true,
    };
    let mut submission = Submission::default();
    match mode {
        Mode::Batch => {
            let cut = cut_batch(text).map_err(not_a_batch)?;
            if cut.too_many {
                return Err(too_many_events());
            }
            for event in cut.events {
                let document = body.slice_ref(event.as_bytes());
                submission.add(read_event(event), document, origin);
            }
        }
        Mode::Structured => {
            let document = body.slice_ref(text.as_bytes());
            submission.add(read_event(text), document, origin);
        }
        Mode::Binary => {
            let (given, document) = event_of_headers(&headers, text).map_err(|fault| {
                let name = fault.0;
                let detail = Name::new(
                    format!("请求头 {name} 应为 ASCII 文本，其他字符用 UTF-8 百分号编码。"),
                    format!("The header {name} must be ASCII text, other characters percent-encoded in UTF-8."),
                );
                Problem::new(catalogue::INVALID_HEADER, detail)
            })?;
            submission.add(Ok(given), Bytes::from(document), origin);
        }
    }
    let mut results = app.commit(submission).await?;
    if mode != Mode::Batch {
        let result = results
            .pop()
            .ok_or_else(|| Problem::internal("an event without a result"))?;
        results.push(rejected_alone(result)?);
    }
    Ok(Json(answer(&results, language)))
}

impl App {
    /// Commits a request's events; the result of each.
    pub(super) async fn commit(&self, submission: Submission) -> Result<Vec<EventResult>, Problem> {
        if submission.is_empty() {
            return Ok(Vec::new());
        }
        let submission = Arc::new(submission);
        let verdicts = self
            .committer
            .commit(Arc::clone(&submission))
            .await
            .map_err(refused)?;
        Ok(submission.results(&verdicts))
    }
}

/// The answer to a request with these results.
pub(super) fn answer(results: &[EventResult], language: Language) -> IngestAnswer {
    let mut answer = IngestAnswer {
        accepted: 0,
        duplicates: 0,
        rejected: 0,
        results: Vec::with_capacity(results.len()),
    };
    for result in results {
        let mut shown = EventAnswer {
            source: result.source.clone(),
            id: result.id.clone(),
            status: "accepted",
            flags: Vec::new(),
            errors: Vec::new(),
            rejected_id: None,
        };
        match &result.told {
            Told::Accepted(flags) => {
                answer.accepted += 1;
                shown.flags.clone_from(flags);
            }
            Told::Duplicate => {
                answer.duplicates += 1;
                shown.status = "duplicate";
            }
            Told::Rejected {
                findings,
                rejected_id,
            } => {
                answer.rejected += 1;
                shown.status = "rejected";
                shown.errors = field_errors_shown(findings, language);
                shown.rejected_id.clone_from(rejected_id);
            }
        }
        answer.results.push(shown);
    }
    answer
}

/// The HTTP mode of a request (HTTP binding, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Binary,
    Structured,
    Batch,
}

impl Mode {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        if let Some(charset) = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("charset")
                .then(|| value.trim_matches('"'))
        }) && !charset.eq_ignore_ascii_case("utf-8")
            && !charset.eq_ignore_ascii_case("utf8")
        {
            return Err(unsupported());
        }
        match essence.as_str() {
            BATCH_MEDIA_TYPE => Ok(Self::Batch),
            EVENT_MEDIA_TYPE => Ok(Self::Structured),
            _ if is_binary(headers) => Ok(Self::Binary),
            _ => Err(unsupported()),
        }
    }
}

fn unsupported() -> Problem {
    let detail = Name::new(
        format!(
            "请以 CloudEvents 1.0 发送（UTF-8）：Content-Type 为 {EVENT_MEDIA_TYPE} 或 {BATCH_MEDIA_TYPE}，或使用 ce-* 请求头的二进制模式。"
        ),
        format!(
            "Send CloudEvents 1.0 in UTF-8: Content-Type {EVENT_MEDIA_TYPE} or {BATCH_MEDIA_TYPE}, or binary mode with `ce-*` headers."
        ),
    );
    Problem::new(catalogue::UNSUPPORTED_MEDIA_TYPE, detail)
}

/// The body as text, without a byte order mark; the problem says where it stops being UTF-8 and what it looks like.
pub(super) fn text_of(body: &[u8]) -> Result<&str, Problem> {
    let error = match std::str::from_utf8(body) {
        Ok(text) => return Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => error,
    };
    let place = error.valid_up_to();
    let looks_like_gbk = match body.get(place..) {
        Some([first, second, ..]) => GBK_FIRST.contains(first) && GBK_SECOND.contains(second),
        _ => false,
    };
    let (zh, en) = if looks_like_gbk {
        ("，看起来是 GBK/GB18030", "; it looks like GBK/GB18030")
    } else {
        ("", "")
    };
    let detail = Name::new(
        format!("第 {place} 字节不是 UTF-8{zh}；请转换为 UTF-8 后发送。"),
        format!("Byte {place} is not UTF-8{en}; convert the text to UTF-8 and send it again."),
    );
    Err(Problem::new(catalogue::MALFORMED_JSON, detail))
}

fn not_a_batch(error: CutError) -> Problem {
    let detail = match error {
        CutError::NotJson { line, column } => Name::new(
            format!("第 {line} 行第 {column} 列不是合法的 JSON。"),
            format!("Line {line}, column {column} is not valid JSON."),
        ),
        CutError::NotAnArray => Name::new(
            "批量模式的请求体应为事件数组。",
            "In batch mode the body is an array of events.",
        ),
    };
    Problem::new(catalogue::MALFORMED_JSON, detail)
}
