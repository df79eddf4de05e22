//! Traces by OTLP, when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; nothing at all otherwise.
//!
//! Invariant: a span holds the component, the route template, the method and the status, and nothing else of a request.
//! Whether a request is traced is the caller's decision when it sends `traceparent`, else the configured share.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{
    SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use crate::outbound::connect;

/// The variable that switches traces on; its meaning is that of the OpenTelemetry specification.
pub const ENDPOINT_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Share of requests that are traced when the caller does not say; as in the specification.
const SHARE_VARIABLE: &str = "OTEL_TRACES_SAMPLER_ARG";
/// What a collector answers is a few bytes; more is not a collector.
const COLLECTOR_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Time for the last spans to leave at shutdown.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(5);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends spans until dropped.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Switches traces on when the environment names a collector. Spans leave through `runtime`.
    ///
    /// # Errors
    /// When the collector's address cannot be used.
    pub fn start(
        runtime: tokio::runtime::Handle,
        application: &str,
    ) -> anyhow::Result<Option<Self>> {
        if std::env::var_os(ENDPOINT_VARIABLE).is_none_or(|value| value.is_empty()) {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(CollectorClient { runtime })
            .build()?;
        let share = std::env::var(SHARE_VARIABLE)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(1.0);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                share,
            ))))
            .with_resource(
                Resource::builder()
                    .with_service_name(format!("chudian/{application}"))
                    .build(),
            )
            .build();
        // A second gateway in the same process (tests) shares the first one's tracer.
        let _ = TRACER.set(provider.tracer("chudian"));
        Ok(Some(Self { provider }))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(reason) = self.provider.shutdown_with_timeout(FLUSH_TIME_MAX) {
            tracing::warn!(%reason, "the last traces could not be sent");
        }
    }
}

/// The span of one request.
#[derive(Clone, Debug)]
pub struct RequestTrace {
    context: Context,
}

impl RequestTrace {
    /// Begins a span for a request, below the caller's when `headers` name one. `None` when traces are off.
    pub fn begin(
        headers: &HeaderMap,
        method: &Method,
        component: &str,
        route: &str,
    ) -> Option<Self> {
        let tracer = TRACER.get()?;
        let parent =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Incoming(headers));
        let attributes = vec![
            KeyValue::new("http.request.method", method.as_str().to_owned()),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("chudian.component", component.to_owned()),
        ];
        let builder = SpanBuilder::from_name(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes(attributes);
        let span = tracer.build_with_context(builder, &parent);
        Some(Self {
            context: parent.with_span(span),
        })
    }

    /// Names this span in `headers`, for whom the request goes to next.
    pub fn inject(&self, headers: &mut HeaderMap) {
        TraceContextPropagator::new().inject_context(&self.context, &mut Outgoing(headers));
    }

    /// Ends the span with the answer's status.
    pub fn end(&self, status: StatusCode) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status.as_u16()),
        ));
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

struct Incoming<'headers>(&'headers HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Outgoing<'headers>(&'headers mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            self.0.insert(name, value);
        }
    }
}

/// Sends spans with the gateway's own HTTP client, on the gateway's background runtime.
#[derive(Debug)]
struct CollectorClient {
    runtime: tokio::runtime::Handle,
}

#[async_trait::async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let sending = self.runtime.spawn(async move {
            let (head, body) = connect::send_to_operator_address(request.map(Full::new))
                .await?
                .into_parts();
            let body = Limited::new(body, COLLECTOR_ANSWER_BYTES_MAX)
                .collect()
                .await?
                .to_bytes();
            Ok::<_, HttpError>(http::Response::from_parts(head, body))
        });
        sending.await?
    }
}
