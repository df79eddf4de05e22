//! The outermost layer of a function's router: request ids, problems in the reader's language, safety headers, the log line of
//! a failure.
//!
//! Invariant: no answer of 400 or above leaves without a problem body, also those that axum makes by itself (no route, wrong
//! method). Nothing of a customer is logged: only the request id, the route's template, the status and the inner cause.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use chudian_vocabulary::masking::{looks_like_a_number, mask_numbers};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::language;
use crate::ports::Random;
use crate::problem::{Problem, catalogue};

/// Header of the request id, in requests and answers.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Shortest request id that is taken over from the caller: shorter ones are not unique.
const REQUEST_ID_CHARACTERS_MIN: usize = 8;
/// Longest request id that is taken over from the caller: longer ones do not fit a log line.
const REQUEST_ID_CHARACTERS_MAX: usize = 64;
/// Random bytes of a request id that is made here.
const REQUEST_ID_BYTES: usize = 16;

/// Where log lines go: the standard error of the component, or of the process.
#[async_trait]
pub trait Log: Send + Sync {
    /// Writes one line, without its end. Must not fail the request when it cannot.
    async fn line(&self, line: &str);
}

/// What the edge needs of the host.
#[derive(Clone)]
pub struct Edge {
    /// Makes request ids where none came with the request.
    pub random: Arc<dyn Random>,
    /// Takes the line of a failed request.
    pub log: Arc<dyn Log>,
}

impl Edge {
    /// Puts the edge around a finished router.
    pub fn around(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, serve))
    }
}

/// The id of the request at hand; an extractor, and the `instance` of its problems.
#[derive(Clone, Debug)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn taken_or_made(headers: &HeaderMap, random: &dyn Random) -> Self {
        let given = headers
            .get(REQUEST_ID_HEADER)
            .and_then(|value| value.to_str().ok());
        let acceptable = |text: &&str| {
            let length_fits =
                (REQUEST_ID_CHARACTERS_MIN..=REQUEST_ID_CHARACTERS_MAX).contains(&text.len());
            length_fits
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        // A telephone number in its place would be carried into every log.
        let is_no_number = |text: &&str| !looks_like_a_number(text);
        match given.filter(acceptable).filter(is_no_number) {
            Some(text) => Self(text.into()),
            None => {
                let mut bytes = [0; REQUEST_ID_BYTES];
                random.fill(&mut bytes);
                Self(
                    bytes
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect::<String>()
                        .into(),
                )
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(|| Problem::internal("the router has no edge"))
    }
}

async fn serve(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let request_id = RequestId::taken_or_made(request.headers(), edge.random.as_ref());
    let reader = language::of_headers(request.headers());
    // The template, not the address: an address may hold a customer's id.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    request.extensions_mut().insert(request_id.clone());

    let mut response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        let problem = problem_in(&response);
        if problem.status().is_server_error() {
            let line = json!({
                "level": "error",
                "request_id": request_id.as_str(),
                "route": route,
                "problem": problem.kind().code,
                "cause": problem.cause().map(mask_numbers),
            });
            edge.log.line(&line.to_string()).await;
        }
        let allow = response.headers().get(header::ALLOW).cloned();
        response = problem.to_response(reader, Some(request_id.as_str()));
        response
            .headers_mut()
            .extend(allow.map(|allow| (header::ALLOW, allow)));
    }
    add_headers(response.headers_mut(), &request_id, language::tag(reader));
    response
}

/// The problem that a handler returned, or the one that stands for what axum answered by itself.
fn problem_in(response: &Response) -> Problem {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return problem.clone();
    }
    match response.status() {
        StatusCode::NOT_FOUND => Problem::of_kind(catalogue::NO_ROUTE),
        StatusCode::METHOD_NOT_ALLOWED => Problem::of_kind(catalogue::METHOD_NOT_ALLOWED),
        status => Problem::internal(format!("an answer of {status} without a problem")),
    }
}

fn add_headers(headers: &mut HeaderMap, request_id: &RequestId, language: &'static str) {
    // A document meant for caching has set its own; everything else may hold personal data.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // A question may have asked for another language than its header; its answer says so itself.
    headers
        .entry(header::CONTENT_LANGUAGE)
        .or_insert(HeaderValue::from_static(language));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(REQUEST_ID_HEADER, value);
    }
}
