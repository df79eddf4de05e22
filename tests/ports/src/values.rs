//! Single values over HTTP: one call of the store for each request. It is the yardstick of the key-value benchmark, and the
//! tests' way to write from several requests at once.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::bindings::key_value::{Error, Store};

/// The store that every manifest of these tests grants.
const LABEL: &str = "default";

/// The value's length and its first byte, or null where there is none.
pub(crate) async fn look_up(Path(key): Path<String>) -> Result<Json<Value>, StatusCode> {
    let value = Store::open(LABEL.to_owned())
        .await
        .map_err(failed)?
        .get(key)
        .await
        .map_err(failed)?;
    Ok(Json(json!(value.map(
        |value| json!({ "bytes": value.len(), "first": value.first() })
    ))))
}

/// Stores the body.
pub(crate) async fn store(Path(key): Path<String>, body: Bytes) -> Result<StatusCode, StatusCode> {
    let store = Store::open(LABEL.to_owned()).await.map_err(failed)?;
    store.set(key, body.to_vec()).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stores the body under so many numbered keys, all at once.
pub(crate) async fn store_many(
    Path((key, count)): Path<(String, u32)>,
    body: Bytes,
) -> Result<StatusCode, StatusCode> {
    let store = Store::open(LABEL.to_owned()).await.map_err(failed)?;
    try_join_all((0..count).map(|number| store.set(format!("{key}-{number}"), body.to_vec())))
        .await
        .map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn failed(_: Error) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}
