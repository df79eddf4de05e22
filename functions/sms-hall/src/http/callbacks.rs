//! Callbacks of providers: what customers wrote, and what became of messages.
//!
//! The path is the only key, with the address from which it may be called; the plain form is signed besides. A path that does not exist,
//! and one that is called from elsewhere, get the answer of any address that does not exist.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chudian_runtime::http::body::{RawBody, parse_json};
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::Problem;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use utoipa::ToSchema;

use super::App;
use crate::limits::CALLBACK_BYTES_MAX;
use crate::rejection::{Callback as Kind, Rejection};
use crate::service::{Gateway, IntakeError, Provider, Signature};
use crate::wire::{aliyun, plain, tencent};

/// The host's header with the client's address (Spin sets it, and drops a client's own).
const CLIENT_ADDRESS: &str = "spin-client-addr";

/// What a provider pushes: Aliyun's SmsUp or SmsReport, Tencent's reply or status, or the plain form.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the form in the OpenAPI document; callbacks are read value by value"
)]
pub(super) struct Callback(Value);

/// Messages from customers
///
/// Aliyun SmsUp, Tencent reply, or the plain form. The answer is the provider's acknowledgement, given when every message is durable.
#[utoipa::path(
    post, path = "/callbacks/{path}/inbound", tag = "callbacks", operation_id = "sms_inbound",
    params(("path" = String, Path, description = "The gateway's secret path")),
    request_body(content = Callback, content_type = "application/json"),
    responses((status = 200, description = "The provider's acknowledgement", body = Object))
)]
pub(super) async fn inbound(
    State(app): State<App>,
    PathOf(path): PathOf<String>,
    headers: HeaderMap,
    RawBody(body): RawBody<CALLBACK_BYTES_MAX>,
) -> Result<Response, Problem> {
    let client = text(&headers, CLIENT_ADDRESS);
    let (gateway, settings) = app.hall.gateway_called(&path, client).await?;
    let signature = signature(&headers);
    let document = opened(&app, &gateway, Kind::Inbound, signature, &body).await?;
    app.hall
        .take_messages(&gateway, &settings, &document, signature.id)
        .await?;
    Ok(acknowledgement(&gateway))
}

/// Delivery receipts
///
/// Aliyun SmsReport, Tencent status, or the plain form.
#[utoipa::path(
    post, path = "/callbacks/{path}/delivery", tag = "callbacks", operation_id = "sms_delivery",
    params(("path" = String, Path, description = "The gateway's secret path")),
    request_body(content = Callback, content_type = "application/json"),
    responses((status = 200, description = "The provider's acknowledgement", body = Object))
)]
pub(super) async fn delivery(
    State(app): State<App>,
    PathOf(path): PathOf<String>,
    headers: HeaderMap,
    RawBody(body): RawBody<CALLBACK_BYTES_MAX>,
) -> Result<Response, Problem> {
    let client = text(&headers, CLIENT_ADDRESS);
    let (gateway, settings) = app.hall.gateway_called(&path, client).await?;
    let document = opened(&app, &gateway, Kind::Delivery, signature(&headers), &body).await?;
    app.hall
        .take_receipts(&gateway, &settings, &document)
        .await?;
    Ok(acknowledgement(&gateway))
}

/// The document of a callback that is from its gateway; any other is kept as rejected.
async fn opened(
    app: &App,
    gateway: &Gateway,
    kind: Kind,
    signature: Signature<'_>,
    body: &[u8],
) -> Result<Value, Problem> {
    if let Err(fault) = app.hall.check_signature(gateway, signature, body) {
        app.hall
            .keep_callback(gateway, kind, fault.into(), body)
            .await;
        return Err(IntakeError::from(fault).into());
    }
    match parse_json(body) {
        Ok(document) => Ok(document),
        Err(problem) => {
            app.hall
                .keep_callback(gateway, kind, Rejection::Malformed, body)
                .await;
            Err(problem)
        }
    }
}

fn signature(headers: &HeaderMap) -> Signature<'_> {
    Signature {
        id: text(headers, "webhook-id").unwrap_or_default(),
        timestamp: text(headers, "webhook-timestamp").unwrap_or_default(),
        signatures: text(headers, "webhook-signature").unwrap_or_default(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn acknowledgement(gateway: &Gateway) -> Response {
    let body = match gateway.provider {
        Provider::Aliyun => aliyun::ACKNOWLEDGEMENT,
        Provider::Tencent => tencent::ACKNOWLEDGEMENT,
        Provider::Plain => plain::ACKNOWLEDGEMENT,
    };
    let json = HeaderValue::from_static("application/json");
    (StatusCode::OK, [(header::CONTENT_TYPE, json)], body).into_response()
}
