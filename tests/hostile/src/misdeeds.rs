//! The misdeeds.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http_body::Frame;
use spin_sdk::http::body::IncomingBodyExt as _;
use spin_sdk::wasip3::clocks::monotonic_clock;
use spin_sdk::wasip3::http::types::Fields;

/// Bytes that `/memory` asks for at a time.
const MEMORY_STEP_BYTES: usize = 1024 * 1024;
/// Bytes of one piece of `/big-body`.
const BODY_PIECE_BYTES: usize = 64 * 1024;
/// A day: longer than any limit.
const LONG_NS: u64 = 86_400_000_000_000;
/// Fields that `/huge-headers` tries to answer with.
const HEADER_COUNT: usize = 5_000;

/// All routes; `/ok` is the one that behaves.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/ok", any(async || "ok\n"))
        .route("/headers", any(echo_headers))
        .route("/count-body", any(count_body))
        .route("/loop", any(endless_loop))
        .route("/memory", any(eat_memory))
        .route("/trap", any(trap))
        .route("/panic", any(panic_on_purpose))
        .route("/stack", any(exhaust_stack))
        .route("/never", any(never_answer))
        .route("/slow-body", any(async || Body::new(SlowBody::default())))
        .route(
            "/loop-in-body",
            any(async || Body::new(LoopingBody { begun: false })),
        )
        .route(
            "/trap-in-body",
            any(async || Body::new(TrappingBody { begun: false })),
        )
        .route("/big-body", any(async || Body::new(EndlessBody)))
        .route("/many-handles", any(leak_handles))
        .route("/huge-headers", any(huge_headers))
        .route("/hop-by-hop", any(hop_by_hop))
        .route("/log-flood", any(flood_log))
        .route("/send/{scheme}/{authority}/{*path}", get(send))
}

/// What the component saw, one `name: value` a line: shows what the gateway lets through.
async fn echo_headers(headers: HeaderMap) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// Reads the whole body, whatever its size, and tells how much came.
async fn count_body(body: Body) -> Response {
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes.len().to_string().into_response(),
        Err(_) => (StatusCode::BAD_REQUEST, "the body broke off").into_response(),
    }
}

/// Never gives the thread back.
async fn endless_loop() -> &'static str {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
        if turns == u64::MAX {
            return "at the end of time";
        }
    }
}

/// Takes memory until there is none.
async fn eat_memory() -> String {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![0xA5; MEMORY_STEP_BYTES]));
    }
}

async fn trap() -> &'static str {
    core::arch::wasm32::unreachable()
}

#[expect(clippy::panic, reason = "panicking is what this route is for")]
async fn panic_on_purpose() -> &'static str {
    panic!("on purpose")
}

/// Calls itself until the stack is used up.
async fn exhaust_stack() -> String {
    fn descend(depth: u64) -> u64 {
        let frame = black_box([depth; 64]);
        if depth == u64::MAX {
            frame[0]
        } else {
            descend(depth + 1).wrapping_add(frame[63])
        }
    }
    descend(0).to_string()
}

/// Waits for what does not come while anybody looks, without using the processor.
async fn never_answer() -> &'static str {
    monotonic_clock::wait_for(LONG_NS).await;
    "at last"
}

/// One piece, then nothing for a long time.
#[derive(Default)]
struct SlowBody {
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl http_body::Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.wait {
            Some(wait) => wait.as_mut().poll(context).map(|()| None),
            None => {
                self.wait = Some(Box::pin(monotonic_clock::wait_for(LONG_NS)));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"begun\n")))))
            }
        }
    }
}

/// One piece, then an endless loop.
struct LoopingBody {
    begun: bool,
}

impl http_body::Body for LoopingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut turns = 0_u64;
        while self.begun && turns != u64::MAX {
            turns = black_box(turns.wrapping_add(1));
        }
        self.begun = true;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"begun\n")))))
    }
}

/// One piece, then a trap: the client must not take the piece for the whole.
struct TrappingBody {
    begun: bool,
}

impl http_body::Body for TrappingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.begun {
            core::arch::wasm32::unreachable()
        }
        self.begun = true;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"begun\n")))))
    }
}

/// Writes for ever.
struct EndlessBody;

impl http_body::Body for EndlessBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(
            &[b'x'; BODY_PIECE_BYTES],
        )))))
    }
}

/// Makes host resources and never gives them back.
async fn leak_handles() -> &'static str {
    loop {
        std::mem::forget(black_box(Fields::new()));
    }
}

async fn huge_headers() -> Response {
    let mut response = "many".into_response();
    for number in 0..HEADER_COUNT {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(format!("x-{number}")),
            HeaderValue::try_from("v".repeat(200)),
        ) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// Speaks about a connection that is not its own.
async fn hop_by_hop() -> Response {
    let mut response = "ok\n".into_response();
    for (name, value) in [
        ("connection", "x-secret"),
        ("transfer-encoding", "gzip"),
        ("keep-alive", "timeout=9999"),
        ("x-kept", "yes"),
    ] {
        response.headers_mut().append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

/// Writes 10 MB to its log.
async fn flood_log() -> &'static str {
    let line = "flood ".repeat(170) + "\n";
    let (mut writer, reader) = spin_sdk::wasip3::wit_stream::new();
    let sent = spin_sdk::wasip3::cli::stderr::write_via_stream(reader);
    for _ in 0..10_000 {
        writer.write_all(line.clone().into_bytes()).await;
    }
    drop(writer);
    match sent.await {
        Ok(()) => "flooded\n",
        Err(_) => "refused\n",
    }
}

/// Calls another host or component and passes its answer on.
async fn send(
    Path((scheme, authority, path)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let query = request
        .uri()
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let outgoing = spin_sdk::http::Request::get(format!("{scheme}://{authority}/{path}{query}"))
        .body(spin_sdk::http::EmptyBody::new());
    let Ok(outgoing) = outgoing else {
        return (StatusCode::BAD_REQUEST, "bad address").into_response();
    };
    match spin_sdk::http::send(outgoing).await {
        Ok(response) => match response.into_body().bytes().await {
            Ok(bytes) => bytes.into_response(),
            Err(error) => (StatusCode::BAD_GATEWAY, format!("body: {error:?}")).into_response(),
        },
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:?}")).into_response(),
    }
}
