//! Load on one address: as fast as connections allow, or at a stated rate.
//!
//! At a stated rate each request has a due time of its own, and its latency counts from then, not from when a connection
//! became free: a server that falls behind cannot hide it (the coordinated-omission mistake).

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The request that is sent again and again.
#[derive(Clone)]
pub(crate) struct Shot {
    /// `GET` or `POST`.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    /// The bearer, where the route wants one.
    pub(crate) key: Option<String>,
    /// The body, JSON.
    pub(crate) body: Bytes,
}

/// How much, and how.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// Measured time.
    pub(crate) duration: Duration,
    /// Requests per second over all connections; `None` is as fast as they go.
    pub(crate) rate_per_s: Option<u64>,
}

/// What came out.
pub(crate) struct Outcome {
    /// Answers with the status 200 per second.
    pub(crate) answers_per_s: f64,
    /// Latencies in microseconds, ascending.
    latencies_us: Vec<u64>,
}

impl Outcome {
    /// The latency that `per_mille` of the answers did not exceed, in microseconds.
    pub(crate) fn latency_us(&self, per_mille: usize) -> u64 {
        let last = self.latencies_us.len().saturating_sub(1);
        self.latencies_us
            .get(last * per_mille / 1000)
            .copied()
            .unwrap_or(0)
    }
}

/// Runs the load on a runtime of its own and fails on any answer that is not 200.
pub(crate) fn run(address: SocketAddr, shot: &Shot, plan: Plan) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let next = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut connections = tokio::task::JoinSet::new();
        for _ in 0..plan.connections {
            connections.spawn(drive(address, shot.clone(), plan, start, Arc::clone(&next)));
        }
        let mut latencies_us = Vec::new();
        while let Some(part) = connections.join_next().await {
            latencies_us.extend(part.context("a connection of the load panicked")??);
        }
        let seconds = start.elapsed().as_secs_f64();
        ensure!(!latencies_us.is_empty(), "the load got no answer");
        latencies_us.sort_unstable();
        Ok(Outcome {
            answers_per_s: latencies_us.len() as f64 / seconds,
            latencies_us,
        })
    })
}

async fn drive(
    address: SocketAddr,
    shot: Shot,
    plan: Plan,
    start: Instant,
    next: Arc<AtomicU64>,
) -> Result<Vec<u64>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("nothing listens at {address}"))?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut latencies_us = Vec::new();
    loop {
        let due = match plan.rate_per_s {
            None => Instant::now(),
            Some(rate) => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let due = start
                    + Duration::from_nanos(number.saturating_mul(1_000_000_000) / rate.max(1));
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        if due.saturating_duration_since(start) >= plan.duration {
            break;
        }
        let mut request = Request::builder()
            .method(shot.method.clone())
            .uri(&shot.path)
            .header("host", "localhost")
            .header("content-type", "application/json");
        if let Some(key) = &shot.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let answer = sender
            .send_request(request.body(Full::new(shot.body.clone()))?)
            .await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success(),
            "{} {} gave {status}: {}",
            shot.method,
            shot.path,
            String::from_utf8_lossy(&body)
        );
        latencies_us.push(u64::try_from(due.elapsed().as_micros())?);
    }
    drop(sender);
    driver.await??;
    Ok(latencies_us)
}
