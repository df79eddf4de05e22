//! Load on one address: as fast as the connections allow, or at a stated rate.
//!
//! At a stated rate each request has a due time of its own, and its latency counts from then, not from when a connection became
//! free: a server that falls behind cannot hide it (the coordinated-omission mistake). A due time is met with the precision of
//! the runtime's timer, one millisecond, which counts against the server.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One request.
#[derive(Clone)]
pub(crate) struct Shot {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    /// The bearer, where the route wants one.
    pub(crate) key: Option<Arc<str>>,
    /// Media type of the body.
    pub(crate) content_type: &'static str,
    /// The body, JSON where there is one.
    pub(crate) body: Bytes,
    /// What the answer must be; anything else ends the run.
    pub(crate) expected: StatusCode,
}

/// The requests of a run by their numbers.
pub(crate) type Shots = Rc<dyn Fn(u64) -> Shot>;

/// How much, and how.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// Measured time.
    pub(crate) duration: Duration,
    /// Requests per second over all connections; `None` is as fast as they go.
    pub(crate) rate_per_s: Option<f64>,
}

/// What came out.
pub(crate) struct Outcome {
    pub(crate) answers_per_s: f64,
    /// Ascending.
    latencies: Vec<Duration>,
}

impl Outcome {
    /// The latency that so many of a thousand answers did not exceed, in milliseconds.
    pub(crate) fn latency_ms(&self, per_mille: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let latency = self.latencies.get(last * per_mille / 1000);
        latency.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// Runs the load on a thread of its own and fails on any answer that is not the expected one.
pub(crate) fn run(address: SocketAddr, plan: Plan, shots: &Shots) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let next = Rc::new(Cell::new(0));
        let start = Instant::now();
        let mut connections = tokio::task::JoinSet::new();
        for _ in 0..plan.connections {
            let driving = drive(address, plan, start, Rc::clone(&next), Rc::clone(shots));
            connections.spawn_local(driving);
        }
        let mut latencies = Vec::new();
        while let Some(part) = connections.join_next().await {
            latencies.extend(part.context("a connection of the load panicked")??);
        }
        let seconds = start.elapsed().as_secs_f64();
        ensure!(!latencies.is_empty(), "the load got no answer");
        latencies.sort_unstable();
        Ok(Outcome {
            answers_per_s: latencies.len() as f64 / seconds,
            latencies,
        })
    })
}

/// One connection: takes the next due request as soon as its last one is answered.
async fn drive(
    address: SocketAddr,
    plan: Plan,
    start: Instant,
    next: Rc<Cell<u64>>,
    shots: Shots,
) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("nothing listens at {address}"))?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::task::spawn_local(connection);
    let mut latencies = Vec::new();
    loop {
        let number = next.replace(next.get() + 1);
        let due = match plan.rate_per_s {
            None => Instant::now(),
            Some(rate_per_s) => {
                let due = start + Duration::from_secs_f64(number as f64 / rate_per_s);
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        if due.saturating_duration_since(start) >= plan.duration {
            break;
        }
        fire(&mut sender, shots(number)).await?;
        latencies.push(due.elapsed());
    }
    drop(sender);
    driver.await??;
    Ok(latencies)
}

async fn fire(sender: &mut http1::SendRequest<Full<Bytes>>, shot: Shot) -> Result<()> {
    let mut request = Request::builder()
        .method(shot.method.clone())
        .uri(&shot.path)
        .header("host", "localhost")
        .header("content-type", shot.content_type);
    if let Some(key) = &shot.key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let answer = sender
        .send_request(request.body(Full::new(shot.body))?)
        .await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    ensure!(
        status == shot.expected,
        "{} {} gave {status}: {}",
        shot.method,
        shot.path,
        String::from_utf8_lossy(&body)
    );
    Ok(())
}
