//! What the gateway answers itself: health, information, the API document and its pages.
//!
//! Invariant: under `/.well-known/spin/` nothing reaches a component, as in Spin. `/openapi.json` and `/docs` are the
//! gateway's only while no route of the manifest names them.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use chudian_manifest::{TriggerRoute, WELL_KNOWN_PREFIX};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;

use crate::body::AnswerBody;
use crate::docs;
use crate::openapi;
use crate::outbound::empty_body;
use crate::problem::Problem;
use crate::shard::Shard;

/// Where the merged document is.
pub const OPENAPI_PATH: &str = "/openapi.json";
/// Where the pages are.
pub const DOCS_PATH: &str = "/docs";
/// A component's document is about a hundred kilobytes.
const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Whether the manifest leaves `/openapi.json` and `/docs` to the gateway.
pub fn owns_documents(routes: impl Iterator<Item = TriggerRoute>) -> bool {
    routes.into_iter().all(|route| match route {
        TriggerRoute::Pattern(pattern) => {
            pattern != OPENAPI_PATH && pattern != DOCS_PATH && !pattern.starts_with("/docs/")
        }
        TriggerRoute::Private => true,
    })
}

/// What the gateway answers to this path, if it is one of its own.
pub async fn answer(
    shard: &Rc<Shard>,
    method: &Method,
    path: &str,
) -> Option<Result<Response<AnswerBody>, Problem>> {
    let document_path = path == OPENAPI_PATH || path == DOCS_PATH || path.starts_with("/docs/");
    let own = path.starts_with(WELL_KNOWN_PREFIX) || (document_path && shard.app.owns_documents);
    if !own {
        return None;
    }
    if method != Method::GET && method != Method::HEAD {
        return Some(Err(Problem::MethodNotAllowed));
    }
    Some(match path {
        "/.well-known/spin/health" => Ok(plain("text/plain", Bytes::from_static(b"OK"))),
        "/.well-known/spin/info" => Ok(plain("application/json", Bytes::from(info(shard)))),
        OPENAPI_PATH => Ok(plain("application/json", merged_document(shard).await)),
        _ if document_path => docs::file(path)
            .map(|file| page(&file))
            .ok_or(Problem::NoRoute),
        _ => Err(Problem::NoRoute),
    })
}

fn info(shard: &Shard) -> String {
    let app = &shard.app;
    let version = Some(app.version.as_str()).filter(|version| !version.is_empty());
    serde_json::json!({ "name": app.name, "version": version, "oci_image_digest": null })
        .to_string()
}

fn page(file: &docs::DocumentFile) -> Response<AnswerBody> {
    let mut response = plain(file.content_type, file.bytes.clone());
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(docs::POLICY),
    );
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    response
}

/// An answer of the gateway's own to `GET` and `HEAD`.
fn plain(content_type: &'static str, body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Asks every component for its document and merges them. Kept once all have answered; components do not change.
async fn merged_document(shard: &Rc<Shard>) -> Bytes {
    if let Some(known) = shard.app.merged_document.get() {
        return known.clone();
    }
    let mut documents = BTreeMap::new();
    for (component, route) in &shard.app.documents {
        match component_document(shard, component, route).await {
            Some(document) => _ = documents.insert(component.clone(), document),
            None => tracing::warn!(
                component,
                "the component's API document cannot be had; the merged one lacks it"
            ),
        }
    }
    let complete = documents.len() == shard.app.documents.len();
    let merged =
        Bytes::from(openapi::merge(&shard.app.name, &shard.app.version, documents).to_string());
    if complete {
        // Another thread may have been faster with the same document.
        let _ = shard.app.merged_document.set(merged.clone());
    }
    merged
}

async fn component_document(shard: &Rc<Shard>, component: &str, route: &str) -> Option<Value> {
    let request = Request::get(format!("http://{component}.spin.internal{route}"))
        .body(empty_body())
        .ok()?;
    let response = shard.chained(component, request, 1).await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let bytes = Limited::new(response.into_body(), DOCUMENT_BYTES_MAX)
        .collect()
        .await
        .ok()?
        .to_bytes();
    serde_json::from_slice(&bytes).ok()
}
