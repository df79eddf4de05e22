//! The JSON Schemas of the two documents, for those who write them.

use axum::response::{IntoResponse, Response};
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::Name;
use http::{HeaderValue, header};

use crate::wire;

/// How long a schema may be kept: it changes only with a release.
const CACHE_CONTROL: &str = "public, max-age=300";

/// JSON Schema of a document
#[utoipa::path(
    get, path = "/schemas/{name}", tag = "documents", operation_id = "schema",
    params(("name" = String, Path, description = "`catalogue.json` or `usage.json`")),
    responses((status = 200, description = "JSON Schema 2020-12", body = serde_json::Value)),
    security()
)]
pub(super) async fn schema(PathOf(name): PathOf<String>) -> Result<Response, Problem> {
    let schema = match name.as_str() {
        "catalogue.json" => wire::catalogue_schema(),
        "usage.json" => wire::usage_schema(),
        _ => {
            let detail = Name::new(
                "可用的有 catalogue.json 和 usage.json。",
                "There are catalogue.json and usage.json.",
            );
            return Err(Problem::new(catalogue::NOT_FOUND, detail));
        }
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/schema+json"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static(CACHE_CONTROL),
        ),
    ];
    Ok((headers, schema.to_string()).into_response())
}
