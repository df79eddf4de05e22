//! The finished OpenAPI document that a function's crate keeps for its component.

use std::path::Path;

use axum::Router;
use axum::body::Body;
use chudian_runtime::http::openapi::About;
use chudian_runtime::problem::shape::Shapes;
use http::Request;
use serde_json::Value;

use crate::got::ask;

/// Where a crate keeps its document.
const FILE: &str = "openapi.json";

/// Set to write the document anew; `cargo xtask openapi` does.
const UPDATE_VARIABLE: &str = "CHUDIAN_UPDATE_OPENAPI";

/// Holds the finished document against what the annotations of the routes say, and looks up in it the schema of every body that an
/// operation reads.
///
/// # Panics
/// When the document is out of date, or lacks a schema.
pub async fn assert_finished(router: &Router, about: &About, crate_folder: &str) {
    let request = Request::get(about.document_path).body(Body::empty());
    let made = ask(router, request.unwrap()).await;
    assert_eq!(made.status, 200);
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        let file = Path::new(crate_folder).join(FILE);
        std::fs::write(file, made.bytes).unwrap();
        return;
    }
    assert!(
        made.text() == about.finished,
        "{crate_folder}/{FILE} is not what the annotations of the routes say; run `cargo xtask openapi` and review the difference in docs/reference/openapi.json"
    );
    for schema in bodies(&made.json) {
        let found = Shapes::found_in(&[about.finished], &schema);
        assert_ne!(found, Shapes::found_in(&[], ""), "{schema} is not there");
    }
}

/// Names of the schemas that operations read as JSON.
fn bodies(document: &Value) -> Vec<String> {
    let operations = document["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(_, item)| item.as_object().into_iter().flatten());
    operations
        .filter_map(|(_, operation)| {
            let schema =
                operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            schema?.rsplit('/').next().map(str::to_owned)
        })
        .collect()
}
