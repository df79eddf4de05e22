//! Requests to a router, and what it answers.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower_service::Service as _;

/// What the type of a problem begins with.
const PROBLEM_PREFIX: &str = "urn:chudian:problem:";

/// An answer, read to its end.
#[derive(Debug)]
pub struct Got {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as JSON; `null` where it is none.
    pub json: Value,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Got {
    /// Code of the problem; empty where it is none.
    pub fn code(&self) -> &str {
        let kind = self.json["type"].as_str();
        kind.and_then(|kind| kind.strip_prefix(PROBLEM_PREFIX))
            .unwrap_or_default()
    }

    /// The answer's JSON, when it was a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.json);
        self.json
    }

    /// Code and pointer of a problem's first field error; empty where there is none.
    pub fn first_error(&self) -> (&str, &str) {
        let error = &self.json["errors"][0];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        (text("code"), text("pointer"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Sends a request to one instance of a function.
pub async fn ask(router: &Router, request: Request<Body>) -> Got {
    let response = router.clone().call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Got {
        status: parts.status,
        headers: parts.headers,
        json: serde_json::from_slice(&bytes).unwrap_or_default(),
        bytes: bytes.into(),
    }
}
