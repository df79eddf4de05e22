//! The Spin side: one route for each interface.

use std::sync::OnceLock;

use axum::Router;
use axum::routing::post;
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};
use tower_service::Service as _;

use crate::{key_value, postgres, sqlite, variables};

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
}
