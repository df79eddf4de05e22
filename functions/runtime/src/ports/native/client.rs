//! A small HTTP client, and work that goes on after an answer, for tests, benches and native tools.
//!
//! The client speaks plain HTTP/1.1 on a connection of its own for each request, which is what a stand-in server on loopback wants; and
//! it tells, as the hosts of components do, whether a failure came before anything was sent.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ports::{Background, HttpBounds, HttpClient, HttpClientError, Work};

/// Port of plain HTTP.
const HTTP_PORT: u16 = 80;

/// Sends requests over plain HTTP.
pub struct PlainClient;

#[async_trait]
impl HttpClient for PlainClient {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        bounds: HttpBounds,
    ) -> Result<http::Response<Bytes>, HttpClientError> {
        let time_max = Duration::from_millis(bounds.time_ms_max.into());
        let stream = timeout(time_max, connect(request.uri()))
            .await
            .map_err(|_| HttpClientError::NotSent("no connection in time".to_owned()))??;
        timeout(time_max, exchange(stream, request, bounds.answer_bytes_max))
            .await
            .map_err(|_| HttpClientError::Ambiguous("no answer in time".to_owned()))?
    }
}

async fn connect(uri: &Uri) -> Result<TcpStream, HttpClientError> {
    let not_sent = |reason: String| HttpClientError::NotSent(reason);
    if uri.scheme_str() != Some("http") {
        return Err(not_sent("this client speaks plain HTTP only".to_owned()));
    }
    let host = uri
        .host()
        .ok_or_else(|| not_sent("the address has no host".to_owned()))?;
    TcpStream::connect((host, uri.port_u16().unwrap_or(HTTP_PORT)))
        .await
        .map_err(|error| not_sent(error.to_string()))
}

async fn exchange(
    stream: TcpStream,
    mut request: http::Request<Bytes>,
    answer_bytes_max: usize,
) -> Result<http::Response<Bytes>, HttpClientError> {
    let ambiguous = |error: &dyn std::fmt::Display| HttpClientError::Ambiguous(error.to_string());
    let authority = request
        .uri()
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().insert(header::HOST, authority);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| ambiguous(&error))?;
    let driving = tokio::spawn(connection);
    let answer = async {
        let response = sender
            .send_request(request.map(Full::new))
            .await
            .map_err(|error| ambiguous(&error))?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, answer_bytes_max)
            .collect()
            .await
            .map_err(|error| ambiguous(&error))?
            .to_bytes();
        Ok(http::Response::from_parts(parts, bytes))
    };
    let outcome = answer.await;
    driving.abort();
    outcome
}

/// Lets work go on as a task of tokio.
pub struct TokioBackground;

impl Background for TokioBackground {
    fn go_on(&self, work: Work) {
        drop(tokio::spawn(work));
    }
}
