//! The function's OpenAPI document: the parts that are the same everywhere, said once.

#[cfg(not(target_family = "wasm"))]
pub(super) mod annotations;

use axum::Router;
use axum::routing::get;
use http::{HeaderValue, header};

use super::routes::Routes;

/// How long the document may be kept by a client or a proxy: it changes only with a release.
const CACHE_CONTROL: &str = "public, max-age=300";

/// What a function says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Title of the document.
    pub title: &'static str,
    /// What the function is for, in both languages.
    pub description: &'static str,
    /// Version of the function's crate.
    pub version: &'static str,
    /// What every route begins with; empty for nothing.
    pub base_path: &'static str,
    /// Where the document is served.
    pub document_path: &'static str,
    /// The finished document as the crate keeps it, which a component serves. A test of the function holds it against its routes.
    pub finished: &'static str,
}

/// Finishes a function's routes: puts them under their base path and serves their document beside them. Natively that is what the
/// annotations say, in a component the finished one.
pub fn publish<S: Clone + Send + Sync + 'static>(routes: Routes<S>, about: &About) -> Router<S> {
    #[cfg(target_family = "wasm")]
    let (router, document) = (
        routes.under(about.base_path),
        bytes::Bytes::from_static(about.finished.as_bytes()),
    );
    #[cfg(not(target_family = "wasm"))]
    let (router, document) = annotations::document(routes, about);
    let handler = get(move || async move {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static(CACHE_CONTROL),
            ),
        ];
        (headers, document)
    });
    router.route(about.document_path, handler)
}
