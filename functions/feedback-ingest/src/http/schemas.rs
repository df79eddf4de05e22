//! The JSON Schemas of events' data, for those who write them; open to everybody, like the OpenAPI document.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::Name;
use chudian_vocabulary::contact::EventKind;
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::ABOUT;
use crate::wire::{schema_name, schema_of};

/// How long a schema may be kept: it changes only with a release.
const CACHE_CONTROL: &str = "public, max-age=300";

/// A type of event.
#[derive(Serialize, ToSchema)]
pub(super) struct EventType {
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    event_type: String,
    /// What it tells of.
    name: Name,
    /// Where the schema of its data is; also a good `dataschema`.
    schema: String,
}

/// The types of events.
#[derive(Serialize, ToSchema)]
pub(super) struct EventTypes {
    /// Every type that is accepted.
    items: Vec<EventType>,
}

fn address(kind: EventKind) -> String {
    format!("{}/schemas/{}", ABOUT.base_path, schema_name(kind))
}

/// Types of events and their schemas
#[utoipa::path(
    get, path = "/schemas", tag = "schemas", operation_id = "list_event_types",
    responses((status = 200, description = "Every type", body = EventTypes)),
    security()
)]
pub(super) async fn list() -> Json<EventTypes> {
    let items = EventKind::ALL.iter().map(|kind| EventType {
        event_type: kind.event_type(),
        name: kind.name(),
        schema: address(*kind),
    });
    Json(EventTypes {
        items: items.collect(),
    })
}

/// JSON Schema of a type's data
#[utoipa::path(
    get, path = "/schemas/{name}", tag = "schemas", operation_id = "event_schema",
    params(("name" = String, Path, description = "Such as `order.v1.json`")),
    responses((status = 200, description = "JSON Schema 2020-12", body = serde_json::Value)),
    security()
)]
pub(super) async fn get(PathOf(name): PathOf<String>) -> Result<Response, Problem> {
    let kind = EventKind::ALL
        .iter()
        .find(|kind| schema_name(**kind) == name);
    let kind = kind.ok_or_else(|| {
        let detail = Name::new(
            "没有这个事件结构；可用的见 /feedback/v1/schemas。",
            "There is no such schema; /feedback/v1/schemas lists them.",
        );
        Problem::new(catalogue::NOT_FOUND, detail)
    })?;
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
    let schema = schema_of(*kind, &address(*kind));
    Ok((headers, schema.to_string()).into_response())
}
