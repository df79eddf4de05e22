//! A component's way out: requests to other components of the application, and to other hosts.
//!
//! Invariant: nothing leaves that the component's `allowed_outbound_hosts` does not allow; the address that was checked is
//! the address that is connected to (a name is resolved once); a name that only a wildcard allows never leads to a private
//! address; calls between components end after a bounded depth.

pub mod chain;
pub mod connect;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chudian_manifest::{AllowedHosts, chaining_target};
use http::uri::Scheme;
use http::{HeaderName, HeaderValue};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::exchange::Fate;
use crate::headers::{self, CHAIN_DEPTH, X_REQUEST_ID};
use crate::settings::Limits;
use crate::worker::BoxedFuture;

/// The host by which Spin lets a component name its own application where an address must have one.
const ITSELF_HOST: &str = "self.alt";

/// What all instances of a component share of the way out.
#[derive(Debug)]
pub struct OutboundPolicy {
    /// Where the component may go.
    pub allowed: AllowedHosts,
    /// Connections that the component may hold at once.
    pub connections: Arc<Semaphore>,
    /// The gateway's limits.
    pub limits: Arc<Limits>,
    /// The component's id, for the log.
    pub component: String,
}

/// The way out of one instance.
pub struct Outbound {
    policy: Arc<OutboundPolicy>,
    fate: Arc<Fate>,
}

/// What the hook gives back: the response, and what is still to be done while its body is read.
type Sent = (http::Response<WasiBody>, BoxedIo);
type HeaderFilter = Arc<dyn Fn(&HeaderName) -> bool + Send + Sync>;
type BoxedIo = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl Outbound {
    /// For a new instance.
    pub fn new(policy: Arc<OutboundPolicy>, fate: Arc<Fate>) -> Self {
        Self { policy, fate }
    }

    fn plan(
        &self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<BoxedFuture<Result<Sent, Error>>, Error> {
        let scheme = request.uri().scheme_str().unwrap_or("https").to_owned();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let port = request.uri().port_u16();
        headers::remove_host_owned(request.headers_mut());
        let origin = self.fate.origin();
        if let Some(origin) = &origin
            && let Some(trace) = &origin.trace
        {
            trace.inject(request.headers_mut());
        }
        if let Some(origin) = &origin
            && !request.headers().contains_key(X_REQUEST_ID)
        {
            request
                .headers_mut()
                .insert(X_REQUEST_ID, origin.request_id.clone());
        }
        if let Some(component) = chaining_target(&host) {
            if !self.policy.allowed.allows(&scheme, &host, port) {
                return Err(self.denied(&scheme, &host));
            }
            let depth = self.go_deeper(&mut request)?;
            return Ok(Box::pin(chain::send(component.to_owned(), request, depth)));
        }
        if host.is_empty() || host.eq_ignore_ascii_case(ITSELF_HOST) {
            // Without a scheme it is the gateway's own, which serves plain HTTP.
            if !self
                .policy
                .allowed
                .allows_itself(request.uri().scheme_str().unwrap_or("http"))
            {
                return Err(self.denied(&scheme, "self"));
            }
            let depth = self.go_deeper(&mut request)?;
            return Ok(Box::pin(chain::send_to_itself(request, depth)));
        }
        if !self.policy.allowed.allows(&scheme, &host, port) {
            return Err(self.denied(&scheme, &host));
        }
        Ok(Box::pin(connect::send_for_component(
            Arc::clone(&self.policy),
            request,
            options,
        )))
    }

    /// The depth of a call within the application, which its request carries along.
    fn go_deeper(&self, request: &mut http::Request<WasiBody>) -> Result<u32, Error> {
        let depth = self.fate.depth().saturating_add(1);
        if depth > self.policy.limits.chain_depth_max {
            tracing::warn!(
                component = self.policy.component,
                depth,
                "components call one another in a circle"
            );
            return Err(Error::LoopDetected);
        }
        request
            .headers_mut()
            .insert(CHAIN_DEPTH, HeaderValue::from(depth));
        Ok(depth)
    }

    fn denied(&self, scheme: &str, host: &str) -> Error {
        tracing::warn!(
            component = self.policy.component,
            destination = format!("{scheme}://{host}"),
            "a component asked for a host that its `allowed_outbound_hosts` does not name"
        );
        Error::HttpRequestDenied
    }
}

impl WasiHttpHooks for Outbound {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> HeaderFilter {
        // Asked for with each request.
        static FILTER: LazyLock<HeaderFilter> = LazyLock::new(|| Arc::new(is_forbidden));
        Arc::clone(&FILTER)
    }

    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        // Tells when the component is done with the response; nothing here waits for that.
        _response_read: BoxedIo,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        match self.plan(request, options) {
            Ok(sending) => Box::new(sending),
            Err(error) => Box::new(std::future::ready(Err(error))),
        }
    }
}

/// What a component neither sees nor sets: the fields of a connection, and `host`, which follows the address.
fn is_forbidden(name: &HeaderName) -> bool {
    headers::is_hop_by_hop(name) || *name == http::header::HOST || name.as_str() == "http2-settings"
}

/// An empty body.
pub fn empty_body() -> WasiBody {
    use http_body_util::BodyExt as _;
    http_body_util::Empty::<Bytes>::new()
        .map_err(|never| match never {})
        .boxed_unsync()
}
