//! Accepts connections: one thread per core, each with its own listener, runtime and instances.
//!
//! Invariant: a connection stays on the thread that accepted it. Stopping is orderly: listeners close, what is in flight
//! ends or is cut after a bounded time, and the caller is told which.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::LocalOptions;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::app::App;
use crate::board::Board;
use crate::edge::{self, Client};
use crate::engine::TickCount;
use crate::outbound::chain;
use crate::refusal::{Answered, Answers, Refusals};
use crate::shard::Shard;
use crate::stall::StallGuard;

/// Connections that the system keeps for us until we accept them.
const BACKLOG: i32 = 1024;
/// Pause after the system refused a connection, usually for want of file descriptors: time for some to come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// hyper's own bounds lie above ours, so that it is we who answer, with a problem that says what to do.
const HYPER_MARGIN: usize = 2;
/// How often a thread that stops looks whether what it computes for others has ended.
const SHUTDOWN_LOOK: Duration = Duration::from_millis(5);
/// Smallest buffer that hyper accepts.
const HYPER_BUFFER_BYTES_MIN: usize = 8192;

/// A gateway that serves.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    app: Arc<AppHandle>,
}

/// Keeps the application reachable for shutdown without asking it to be printable.
struct AppHandle(Arc<App>);

impl std::fmt::Debug for AppHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("App")
    }
}

impl Server {
    /// Binds `address` and starts serving on as many threads as the limits say.
    ///
    /// # Errors
    /// When the address cannot be bound or a thread cannot be started.
    pub fn start(
        app: Arc<App>,
        ticks: &Arc<TickCount>,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let threads = app.limits.serving_threads();
        let listeners =
            bind_all(address, threads).with_context(|| format!("cannot listen on {address}"))?;
        let bound = listeners
            .first()
            .map_or(Ok(address), |listener| listener.local_addr())?;
        let connections = Arc::new(Semaphore::new(
            usize::try_from(app.limits.connections_max.get())
                .unwrap_or(usize::MAX)
                .min(Semaphore::MAX_PERMITS),
        ));
        let (stop, stopping) = watch::channel(false);
        let (board, inboxes) = Board::new(listeners.len());
        let mut running = Vec::with_capacity(listeners.len());
        for (index, (listener, inbox)) in listeners.into_iter().zip(inboxes).enumerate() {
            let board = Arc::clone(&board);
            let runtime = tokio::runtime::Builder::new_current_thread;
            let (app, ticks, connections, stopping) = (
                Arc::clone(&app),
                Arc::clone(ticks),
                Arc::clone(&connections),
                stopping.clone(),
            );
            let serve = move || {
                let runtime = match runtime().enable_all().build_local(LocalOptions::default()) {
                    Ok(runtime) => runtime,
                    Err(reason) => {
                        tracing::error!(%reason, "a serving thread could not start its runtime");
                        return;
                    }
                };
                let begin = || Shard::new(app, &ticks, threads.get(), index, board, inbox);
                runtime.block_on(serve_thread(begin, listener, connections, stopping));
                chain::leave_this_thread();
            };
            running.push(
                std::thread::Builder::new()
                    .name(format!("chudian-{index}"))
                    .spawn(serve)?,
            );
        }
        Ok(Self {
            address: bound,
            stop,
            threads: running,
            app: Arc::new(AppHandle(app)),
        })
    }

    /// The address that is served, with the port that the system chose when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: no new connections, what is in flight ends within the time that the limits give. Blocks until then.
    pub fn stop(self) {
        self.app.0.stop();
        // Threads that have ended no longer listen.
        let _ = self.stop.send(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a serving thread had panicked");
            }
        }
    }
}

/// One listener per thread on the same address; the system spreads connections over them.
fn bind_all(address: SocketAddr, threads: NonZeroUsize) -> io::Result<Vec<std::net::TcpListener>> {
    let first = bind(address)?;
    let bound = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..threads.get() {
        listeners.push(bind(bound)?);
    }
    Ok(listeners)
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn serve_thread(
    begin: impl FnOnce() -> Rc<Shard>,
    listener: std::net::TcpListener,
    connections: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(reason) => {
            tracing::error!(%reason, "a listener could not be used");
            return;
        }
    };
    let shard = begin();
    let shutdown_time_max = Duration::from_millis(shard.app.limits.shutdown_ms_max);
    chain::serve_this_thread(&shard);
    let open = Rc::new(Open::default());
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        if let Some((stream, address, permit)) = accepted {
            serve_connection(&shard, &open, &stopping, stream, address, permit);
        }
    }
    // Those who had connected before we closed still get an answer, be it "stopping".
    while let Some(Ok((stream, address))) = futures::FutureExt::now_or_never(listener.accept()) {
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            break;
        };
        serve_connection(&shard, &open, &stopping, stream, address, permit);
    }
    drop(listener);
    let deadline = Instant::now() + shutdown_time_max;
    let all_ended = async {
        open.all_closed().await;
        // What other threads handed over ends with their connections, of which this one is not told.
        while shard.computes() {
            tokio::time::sleep(SHUTDOWN_LOOK).await;
        }
    };
    if tokio::time::timeout_at(deadline.into(), all_ended)
        .await
        .is_err()
    {
        tracing::warn!(
            connections = open.count.get(),
            "connections were cut: they did not end within the shutdown time"
        );
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, permit)),
        Err(reason) => {
            tracing::warn!(%reason, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn serve_connection(
    shard: &Rc<Shard>,
    open: &Rc<Open>,
    stopping: &watch::Receiver<bool>,
    stream: TcpStream,
    address: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    // Answers are written in one go; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let limits = &shard.app.limits;
    let header_bytes_max = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
    let headers_max = usize::try_from(limits.headers_max).unwrap_or(usize::MAX);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.header_read_ms_max))
        .max_headers(headers_max.saturating_mul(HYPER_MARGIN))
        .max_buf_size(
            header_bytes_max
                .saturating_mul(HYPER_MARGIN)
                .max(HYPER_BUFFER_BYTES_MIN),
        );
    let stream = StallGuard::new(
        stream,
        Duration::from_millis(limits.response_stall_ms_max.get()),
    );
    let client = Rc::new(Client {
        address,
        address_value: HeaderValue::from_str(&address.to_string())
            .unwrap_or(HeaderValue::from_static("")),
    });
    let answers = Rc::new(Answers::default());
    let refusing_shard = Rc::clone(shard);
    let stream = Refusals::new(stream, Rc::clone(&answers), move |status| {
        let own_metrics = &refusing_shard.app.own_metrics;
        own_metrics.record(status, Duration::ZERO);
        refusing_shard.new_request_id()
    });
    let service_shard = Rc::clone(shard);
    let service = hyper::service::service_fn(move |request| {
        let answering = edge::serve(Rc::clone(&service_shard), Rc::clone(&client), request);
        let answers = Rc::clone(&answers);
        async move {
            let answer = answering.await;
            Ok::<_, std::convert::Infallible>(answer.map(|body| Answered::new(body, answers)))
        }
    });
    let counted = open.connection(shard, permit);
    let mut stopping = stopping.clone();
    tokio::task::spawn_local(async move {
        let mut connection =
            std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        let outcome = tokio::select! {
            biased;
            outcome = connection.as_mut() => outcome,
            _ = stopping.wait_for(|stop| *stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(reason) = outcome {
            tracing::debug!(%reason, "a connection ended early");
        }
        drop(counted);
    });
}

/// Counts a thread's connections and tells when the last one has closed.
#[derive(Debug, Default)]
struct Open {
    count: Cell<usize>,
    closed: Notify,
}

impl Open {
    fn connection(self: &Rc<Self>, shard: &Shard, permit: OwnedSemaphorePermit) -> OpenConnection {
        self.count.set(self.count.get() + 1);
        let gauge = shard.app.metrics.connections.clone();
        gauge.inc();
        OpenConnection {
            open: Rc::clone(self),
            gauge,
            _permit: permit,
        }
    }

    async fn all_closed(&self) {
        while self.count.get() > 0 {
            self.closed.notified().await;
        }
    }
}

struct OpenConnection {
    open: Rc<Open>,
    gauge: prometheus_client::metrics::gauge::Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.count.set(self.open.count.get() - 1);
        self.gauge.dec();
        self.open.closed.notify_one();
    }
}
