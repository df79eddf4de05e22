//! The edge: everything between a parsed request and the component that answers it, and back.
//!
//! Invariant: every request gets exactly one answer with an id and the security fields; what the gateway refuses it
//! refuses before a component hears of it.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chudian_manifest::{RouteMatch, chaining_target};
use http::header::{CONNECTION, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use wasmtime_wasi_http::WasiBody;

use crate::app::{Place, Trigger};
use crate::body::{AnswerBody, LimitedBody};
use crate::exchange::Exchange;
use crate::headers;
use crate::language::Language;
use crate::metrics::RouteMetrics;
use crate::outbound::empty_body;
use crate::own;
use crate::problem::Problem;
use crate::shard::{Shard, absolute};
use crate::trace::RequestTrace;

/// A request that took longer than this is logged even when not all are.
const SLOW: Duration = Duration::from_secs(1);
/// What a client without a `Host` (HTTP/1.0) meant.
const UNNAMED_HOST: Authority = Authority::from_static("localhost");

const SPIN_PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const SPIN_FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const SPIN_CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its address.
    pub address: SocketAddr,
    /// The same as a header value, made once for the connection.
    pub address_value: HeaderValue,
}

/// Answers one request.
pub async fn serve(
    shard: Rc<Shard>,
    client: Rc<Client>,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let started = Instant::now();
    let request_id =
        headers::client_request_id(request.headers()).unwrap_or_else(|| shard.new_request_id());
    let language = Language::of_client(request.headers());
    let may_reuse = request.version() == Version::HTTP_11;
    let outcome = match check(&shard, &request) {
        Ok(authority) => dispatch(&shard, &client, request, authority, &request_id, started).await,
        Err(problem) => Err(problem),
    };
    let mut response = outcome.unwrap_or_else(|problem| {
        let mut response = refuse(problem, language, &request_id);
        if may_reuse && closes_connection(problem) {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    let headers = response.headers_mut();
    headers::add_security(headers);
    headers.insert(headers::X_REQUEST_ID, request_id);
    response
}

/// After these, what is left of the request would be taken for the next one, or is not worth reading.
fn closes_connection(problem: Problem) -> bool {
    matches!(
        problem,
        Problem::MalformedRequest
            | Problem::HostRefused
            | Problem::PayloadTooLarge
            | Problem::HeadersTooLarge
            | Problem::RequestTimeout
            | Problem::Stopping
    )
}

fn refuse(problem: Problem, language: Language, request_id: &HeaderValue) -> Response<AnswerBody> {
    problem
        .response(language, request_id.to_str().unwrap_or_default())
        .map(AnswerBody::Whole)
}

/// Refuses what cannot be served safely. Gives the authority that the request is for.
///
/// A body whose end could be read in two ways never gets here: hyper refuses lengths that differ and codings that it does
/// not know, and after a request with both a length and chunks it reads no other from that connection.
fn check(shard: &Shard, request: &Request<Incoming>) -> Result<Authority, Problem> {
    let limits = &shard.app.limits;
    if shard.app.stopping() {
        return Err(Problem::Stopping);
    }
    let (header_bytes, header_count) = headers::measure(request.headers());
    let head_bytes = header_bytes
        + request
            .uri()
            .path_and_query()
            .map_or(0, |path| path.as_str().len());
    if head_bytes > usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX)
        || header_count > usize::try_from(limits.headers_max).unwrap_or(usize::MAX)
    {
        return Err(Problem::HeadersTooLarge);
    }
    if request.method() == Method::CONNECT || !request.uri().path().starts_with('/') {
        return Err(Problem::MalformedRequest);
    }
    let authority = authority_of(request)?;
    if chaining_target(authority.host()).is_some() {
        return Err(Problem::HostRefused);
    }
    let body_bytes = request.body().size_hint().lower();
    if body_bytes > limits.request_body_bytes_max {
        return Err(Problem::PayloadTooLarge);
    }
    Ok(authority)
}

fn authority_of(request: &Request<Incoming>) -> Result<Authority, Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Problem::MalformedRequest);
    }
    // An absolute target counts before `Host`, which must then not say otherwise; user names in it are for nobody here.
    let named = match (request.uri().authority(), first) {
        (Some(target), _) => target.clone(),
        (None, Some(host)) if host.is_empty() => UNNAMED_HOST,
        (None, Some(host)) => {
            Authority::try_from(host.as_bytes()).map_err(|_| Problem::MalformedRequest)?
        }
        (None, None) if request.version() == Version::HTTP_10 => UNNAMED_HOST,
        (None, None) => return Err(Problem::MalformedRequest),
    };
    if named.as_str().contains('@') {
        return Err(Problem::MalformedRequest);
    }
    if let (Some(_), Some(host)) = (request.uri().authority(), first)
        && !host
            .as_bytes()
            .eq_ignore_ascii_case(named.as_str().as_bytes())
    {
        return Err(Problem::MalformedRequest);
    }
    Ok(named)
}

/// Finds who answers, and has it answered.
async fn dispatch(
    shard: &Rc<Shard>,
    client: &Client,
    request: Request<Incoming>,
    authority: Authority,
    request_id: &HeaderValue,
    started: Instant,
) -> Result<Response<AnswerBody>, Problem> {
    let app = Arc::clone(&shard.app);
    if let Some(outcome) = own::answer(shard, request.method(), request.uri().path()).await {
        let status = outcome
            .as_ref()
            .map_or_else(|problem| problem.status(), Response::status);
        app.own_metrics.record(status, started.elapsed());
        return outcome;
    }
    let uri = request.uri().clone();
    let Some(found) = app.router.route(uri.path()) else {
        app.own_metrics
            .record(StatusCode::NOT_FOUND, started.elapsed());
        return Err(Problem::NoRoute);
    };
    let Some(trigger) = app.triggers.get(found.trigger_index()) else {
        return Err(Problem::NoRoute);
    };
    let trace = RequestTrace::begin(
        request.headers(),
        request.method(),
        &trigger.component,
        &trigger.template,
    );
    let method = request.method().clone();
    let (mut head, body) = request.into_parts();
    headers::remove_hop_by_hop(&mut head.headers);
    let depth = headers::remove_host_owned(&mut head.headers);
    // Its problems and log lines name the same id as ours.
    head.headers
        .insert(headers::X_REQUEST_ID, request_id.clone());
    let exchange = Exchange::new(
        request_id.clone(),
        started,
        started + app.limits.request_time_max(),
        depth,
        trace,
    );
    let outcome = if depth > app.limits.chain_depth_max {
        Err(Problem::LoopDetected)
    } else {
        match &trigger.place {
            Place::Here(index) => {
                set_spin_headers(
                    &mut head.headers,
                    &found,
                    trigger,
                    client,
                    &authority,
                    &head.uri,
                );
                head.uri = absolute(head.uri, authority);
                let body = limit_body(body, app.limits.request_body_bytes_max, &exchange);
                shard
                    .run(*index, Request::from_parts(head, body), &exchange)
                    .await
                    .map(without_connection_fields)
            }
            Place::Elsewhere(upstream) => {
                head.uri = absolute(head.uri, authority);
                let body = limit_body(body, app.limits.request_body_bytes_max, &exchange);
                shard
                    .forward(upstream, Request::from_parts(head, body), &exchange)
                    .await
                    .map(|response| response.map(AnswerBody::Forwarded))
            }
            Place::Written(written) => Ok(written.response().map(AnswerBody::Whole)),
        }
    };
    let status = outcome
        .as_ref()
        .map_or_else(|problem| problem.status(), Response::status);
    record(
        &trigger.metrics,
        trigger,
        &exchange,
        &method,
        status,
        app.access_log,
    );
    outcome
}

fn record(
    metrics: &RouteMetrics,
    trigger: &Trigger,
    exchange: &Exchange,
    method: &Method,
    status: StatusCode,
    access_log: bool,
) {
    let elapsed = exchange.started.elapsed();
    metrics.record(status, elapsed);
    if let Some(trace) = &exchange.trace {
        trace.end(status);
    }
    if access_log || status.is_server_error() || elapsed > SLOW {
        tracing::info!(
            target: "access",
            request_id = exchange.id(),
            component = trigger.component,
            route = trigger.template,
            %method,
            status = status.as_u16(),
            elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        );
    }
}

/// What a component may not say about the connection.
fn without_connection_fields(mut response: Response<AnswerBody>) -> Response<AnswerBody> {
    headers::remove_hop_by_hop(response.headers_mut());
    response
}

fn limit_body(body: Incoming, bytes_max: u64, exchange: &Arc<Exchange>) -> WasiBody {
    if body.is_end_stream() {
        return empty_body();
    }
    LimitedBody::new(body, bytes_max, Arc::clone(exchange)).boxed_unsync()
}

fn set_spin_headers(
    headers: &mut HeaderMap,
    found: &RouteMatch<'_, '_>,
    trigger: &Trigger,
    client: &Client,
    authority: &Authority,
    uri: &http::Uri,
) {
    let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut full_url = String::with_capacity(7 + authority.as_str().len() + path_and_query.len());
    full_url.push_str("http://");
    full_url.push_str(authority.as_str());
    full_url.push_str(path_and_query);
    // A path that made it through the parser is a valid value.
    let mut set = |name: HeaderName, value: Result<HeaderValue, _>| {
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    };
    set(SPIN_PATH_INFO, HeaderValue::from_str(&found.path_info()));
    set(
        SPIN_FULL_URL,
        HeaderValue::from_maybe_shared(Bytes::from(full_url)),
    );
    for (name, value) in found.parameters() {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            set(name, HeaderValue::from_str(value));
        }
    }
    for (name, value) in &trigger.fixed_headers {
        headers.insert(name.clone(), value.clone());
    }
    headers.insert(SPIN_CLIENT_ADDR, client.address_value.clone());
}
