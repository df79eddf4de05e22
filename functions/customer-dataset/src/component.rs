//! The component: the HTTP face over Spin's ports.

use std::sync::{Arc, OnceLock};

use axum::Router;
use chudian_runtime::component::{StandardError, begin};
use chudian_runtime::ports::spin;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use tower_service::Service as _;

use crate::http::{ABOUT, Ports, face};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    begin(&[ABOUT.finished]);
    let router = ROUTER.get_or_init(|| {
        let ports = Ports {
            sql: spin::sql(),
            key_value: Arc::new(spin::key_value()),
            clock: Arc::new(spin::clock()),
            random: Arc::new(spin::random()),
            variables: Arc::new(spin::variables()),
            signals: Arc::new(spin::signals()),
            log: Arc::new(StandardError),
        };
        face(ports)
    });
    router.clone().call(request).await
}
