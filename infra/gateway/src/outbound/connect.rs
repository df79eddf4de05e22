//! Connections to other hosts: resolving once, checking every address, connecting to a checked one, TLS, timeouts.
//!
//! Invariant: the socket is opened to an address that was checked, whatever the name resolves to a moment later.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::{BoxedIo, OutboundPolicy, Sent};
use crate::body::PacedBody;

/// Time to connect to an address that the operator gave (a collector, another gateway).
const OPERATOR_CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Time for such an address to begin its answer.
const OPERATOR_ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Sends a component's request to another host, under the component's policy.
///
/// # Errors
/// In terms of `wasi:http`, which the component sees.
pub async fn send_for_component(
    policy: Arc<OutboundPolicy>,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Sent, Error> {
    let place = Place::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    let permit = Arc::clone(&policy.connections)
        .try_acquire_owned()
        .map_err(|_| Error::ConnectionLimitReached)?;
    let connect_time_max = Duration::from_millis(policy.limits.outbound_connect_ms_max);
    let read_time_max = Duration::from_millis(policy.limits.outbound_read_ms_max);
    // A component may be more impatient than the gateway, never more patient.
    let chosen = options.unwrap_or_default();
    let connect_time = chosen
        .connect_timeout
        .map_or(connect_time_max, |time| time.min(connect_time_max));
    let first_byte_time = chosen
        .first_byte_timeout
        .map_or(read_time_max, |time| time.min(read_time_max));
    let between_bytes_time = chosen
        .between_bytes_timeout
        .map_or(read_time_max, |time| time.min(read_time_max));

    let stream = timeout(connect_time, async {
        let addresses = resolve(&place).await?;
        let reachable = policy.allowed.retain_reachable(place.scheme.as_str(), &place.host, Some(place.port), &addresses);
        if reachable.is_empty() {
            tracing::warn!(component = policy.component, host = place.host, "a name led to an address that is not public and that no entry of `allowed_outbound_hosts` names");
            return Err(Error::DestinationIpProhibited);
        }
        connect_to_any(&reachable, place.port).await
    })
    .await
    .map_err(|_| Error::ConnectionTimeout)??;

    let exchanging = exchange(stream, &place, connect_time, request);
    let (response, driver) = timeout(first_byte_time, exchanging)
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let body = |incoming: Incoming| {
        PacedBody::new(
            incoming.map_err(Error::from),
            between_bytes_time,
            Error::ConnectionReadTimeout,
        )
        .boxed_unsync()
    };
    let io: BoxedIo = Box::new(async move {
        let outcome = driver.await;
        drop(permit);
        outcome
    });
    Ok((response.map(body), io))
}

/// Sends a request to an address that the operator configured: a collector, another gateway. No policy applies.
///
/// # Errors
/// When it cannot be reached or does not answer in time.
pub async fn send_to_operator_address<B>(
    request: http::Request<B>,
) -> Result<http::Response<Incoming>, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let place = Place::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    let stream = timeout(OPERATOR_CONNECT_TIME_MAX, async {
        connect_to_any(&resolve(&place).await?, place.port).await
    })
    .await
    .map_err(|_| Error::ConnectionTimeout)??;
    let (response, driver) = timeout(
        OPERATOR_ANSWER_TIME_MAX,
        exchange(stream, &place, OPERATOR_CONNECT_TIME_MAX, request),
    )
    .await
    .map_err(|_| Error::ConnectionReadTimeout)??;
    // Ends with the body; its errors show in the body.
    tokio::spawn(driver);
    Ok(response)
}

/// Where a request goes.
struct Place {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Place {
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme().cloned().unwrap_or(Scheme::HTTPS);
        // Brackets belong to the URI, not to the address.
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let port = uri
            .port_u16()
            .unwrap_or(if scheme == Scheme::HTTP { 80 } else { 443 });
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }
}

async fn resolve(place: &Place) -> Result<Vec<IpAddr>, Error> {
    if let Ok(address) = place.host.parse() {
        return Ok(vec![address]);
    }
    let found = tokio::net::lookup_host((place.host.as_str(), place.port))
        .await
        .map_err(|_| Error::DnsError {
            rcode: Some("name not found".to_owned()),
            info_code: None,
        })?;
    Ok(found.map(|address| address.ip()).collect())
}

async fn connect_to_any(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Error> {
    let mut last = Error::DestinationUnavailable;
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(*address, port)).await {
            Ok(stream) => {
                // Small requests should not wait for more to be sent along.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Error::Connect(error),
        }
    }
    Err(last)
}

type Driver = std::pin::Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

async fn exchange<B>(
    stream: TcpStream,
    place: &Place,
    tls_time_max: Duration,
    request: http::Request<B>,
) -> Result<(http::Response<Incoming>, Driver), Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if place.scheme == Scheme::HTTP {
        return exchange_over(stream, request).await;
    }
    let name =
        ServerName::try_from(place.host.clone()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let connecting = TlsConnector::from(tls_config()?).connect(name, stream);
    let stream = timeout(tls_time_max, connecting)
        .await
        .map_err(|_| Error::ConnectionTimeout)?
        .map_err(Error::Tls)?;
    exchange_over(stream, request).await
}

async fn exchange_over<S, B>(
    stream: S,
    mut request: http::Request<B>,
) -> Result<(http::Response<Incoming>, Driver), Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !request.headers().contains_key(HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    // A server wants the path alone; the authority went into `Host`.
    *request.uri_mut() = request
        .uri()
        .path_and_query()
        .map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()));
    *request.version_mut() = Version::HTTP_11;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut driver: Driver = Box::pin(async move { connection.await.map_err(Error::from) });
    let mut answering = std::pin::pin!(sender.send_request(request));
    tokio::select! {
        biased;
        response = answering.as_mut() => Ok((response?, driver)),
        outcome = &mut driver => {
            // A short answer can end the connection in the moment in which it arrives; then it is there by now.
            let response = answering.await?;
            Ok((response, Box::pin(std::future::ready(outcome))))
        }
    }
}

/// One configuration for all connections: it holds the root certificates and remembers sessions.
fn tls_config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::TlsProtocolError)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}
