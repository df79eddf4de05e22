//! The Spin side of the hostile component.

use std::sync::OnceLock;

use axum::Router;
use spin_sdk::{
    http::{IntoResponse, Request},
    http_service,
};
use tower_service::Service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    ROUTER
        .get_or_init(crate::misdeeds::router)
        .clone()
        .call(request)
        .await
}
