//! The Spin side: a route of scripts for each interface, and routes for single values.

use std::sync::OnceLock;

use axum::Router;
use axum::routing::{get, post, put};
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};
use tower_service::Service as _;

use crate::{key_value, postgres, sqlite, values, variables};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    ROUTER.get_or_init(router).clone().call(request).await
}

fn router() -> Router {
    Router::new()
        .route("/sqlite", post(sqlite::run))
        .route("/postgres", post(postgres::run))
        .route("/key-value", post(key_value::run))
        .route("/variables", post(variables::run))
        .route("/values/{key}", get(values::look_up).put(values::store))
        .route("/values/{key}/{count}", put(values::store_many))
}
