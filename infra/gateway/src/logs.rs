//! The gateway's log, and what components write to theirs.
//!
//! Invariant: a line of the gateway holds ids, component names, route templates and reasons; never a query, a body, a key
//! or a path with an id in it. What a component writes is the component's own responsibility; it goes through line by
//! line, cut to a length, at a bounded rate, and what does not fit is counted.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::AsyncWrite;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use crate::metrics::ComponentMetrics;

/// The variable that sets what is logged, in the usual form (`info`, `chudian_gateway=debug`).
pub const LOG_VARIABLE: &str = "CHUDIAN_LOG";
/// Longest line of a component; the rest of it is dropped.
const GUEST_LINE_BYTES_MAX: usize = 4096;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    Text,
}

/// Starts logging to standard error. A second call in one process changes nothing.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    // Fails only when logging was started before, which then stays as it was.
    let _ = match format {
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(io::stderr),
            )
            .try_init(),
        LogFormat::Text => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_ansi(false)
                    .with_writer(io::stderr),
            )
            .try_init(),
    };
}

/// The log of one component, shared by its instances.
#[derive(Debug)]
pub struct GuestLog {
    component: String,
    bytes_per_second_max: u32,
    budget: Mutex<Budget>,
    metrics: ComponentMetrics,
}

#[derive(Debug)]
struct Budget {
    since: Instant,
    left_bytes: u32,
}

impl GuestLog {
    /// A log for the component named.
    pub fn new(component: &str, bytes_per_second_max: u32, metrics: ComponentMetrics) -> Arc<Self> {
        let budget = Mutex::new(Budget {
            since: Instant::now(),
            left_bytes: bytes_per_second_max,
        });
        Arc::new(Self {
            component: component.to_owned(),
            bytes_per_second_max,
            budget,
            metrics,
        })
    }

    /// A stream for one instance's standard output or error.
    pub fn stream(self: &Arc<Self>) -> GuestStream {
        GuestStream {
            log: Arc::clone(self),
            line: Vec::new(),
            overlong: false,
        }
    }

    fn write_line(&self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        if self.spend(line.len()) {
            tracing::info!(target: "component", component = self.component, line = %String::from_utf8_lossy(line));
        } else {
            self.metrics
                .log_bytes_dropped
                .inc_by(u64::try_from(line.len()).unwrap_or(u64::MAX));
        }
    }

    /// Takes from this second's budget; false when it is used up.
    fn spend(&self, bytes: usize) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if budget.since.elapsed().as_secs() >= 1 {
            *budget = Budget {
                since: Instant::now(),
                left_bytes: self.bytes_per_second_max,
            };
        }
        match budget.left_bytes.checked_sub(bytes) {
            Some(left_bytes) => {
                budget.left_bytes = left_bytes;
                true
            }
            None => false,
        }
    }
}

/// Splits what an instance writes into lines.
#[derive(Clone, Debug)]
pub struct GuestStream {
    log: Arc<GuestLog>,
    line: Vec<u8>,
    overlong: bool,
}

impl GuestStream {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = GUEST_LINE_BYTES_MAX.saturating_sub(self.line.len());
            let fits = text.get(..room).unwrap_or(text);
            self.overlong |= fits.len() < text.len();
            self.line.extend_from_slice(fits);
            if ended {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        if self.overlong {
            self.line.extend_from_slice("…".as_bytes());
        }
        self.log.write_line(&self.line);
        self.line.clear();
        self.overlong = false;
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        self.end_line();
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end_line();
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.log.stream())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a component that floods its log uses up its own budget and no more; what is lost is counted.
    #[test]
    fn flood_is_dropped_and_counted() {
        let metrics = ComponentMetrics::default();
        let log = GuestLog::new("flood", 100, metrics.clone());
        let mut stream = log.stream();
        for _ in 0..100 {
            stream.take(b"0123456789\n");
        }
        assert_eq!(metrics.log_bytes_dropped.get(), 900);
    }

    /// Goal: a line without end does not pile up in memory.
    #[test]
    fn endless_line_is_cut() {
        let log = GuestLog::new("long", 1_000_000, ComponentMetrics::default());
        let mut stream = log.stream();
        for _ in 0..10_000 {
            stream.take(&[b'x'; 100]);
        }
        assert_eq!(stream.line.len(), GUEST_LINE_BYTES_MAX);
    }
}
