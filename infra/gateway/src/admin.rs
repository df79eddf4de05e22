//! The operator's own listener: `/metrics`, and `/health` for whoever watches the process.
//!
//! Invariant: it is a different address from the one that clients reach (`--admin-listen`), and is off unless asked for:
//! figures about a business are not for everybody who can send it a request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::app::App;
use crate::headers;

/// What Prometheus expects.
const METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
/// Whoever asks for metrics asks at once.
const HEADER_READ_TIME_MAX: Duration = Duration::from_secs(5);

/// Serves the operator's listener on `runtime` for as long as that runs. Gives the address that was bound.
///
/// # Errors
/// When the address cannot be bound.
pub fn start(
    runtime: &tokio::runtime::Handle,
    app: Arc<App>,
    address: SocketAddr,
) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address} (--admin-listen)"))?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    tracing::info!(address = %bound, "the operator's listener is open");
    let entered = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    drop(entered);
    runtime.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let app = Arc::clone(&app);
            let service = hyper::service::service_fn(move |request| {
                let response = answer(&app, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(async move {
                let serving = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_READ_TIME_MAX)
                    .serve_connection(TokioIo::new(stream), service);
                // Whoever asked has gone; nothing to do about it.
                let _ = serving.await;
            });
        }
    });
    Ok(bound)
}

fn answer(app: &App, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, content_type, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, METRICS_TYPE, app.metrics.text())
        }
        (&Method::GET | &Method::HEAD, "/health") if app.stopping() => (
            StatusCode::SERVICE_UNAVAILABLE,
            HeaderValue::from_static("text/plain"),
            "stopping\n".to_owned(),
        ),
        (&Method::GET | &Method::HEAD, "/health") => (
            StatusCode::OK,
            HeaderValue::from_static("text/plain"),
            "ok\n".to_owned(),
        ),
        _ => (
            StatusCode::NOT_FOUND,
            HeaderValue::from_static("text/plain"),
            "/metrics, /health\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers::add_security(response.headers_mut());
    response
}
