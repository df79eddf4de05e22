//! Decides how many requests a component has in flight and how many may wait, so that a busy component fills its own
//! queue and no other's.
//!
//! Invariant: in flight ≤ the limit, waiting ≤ the limit, and nobody waits longer than the limit. One gate per component
//! for all threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::ComponentMetrics;
use crate::settings::Limits;

/// A component's gate.
#[derive(Debug)]
pub struct Gate {
    permits: Arc<Semaphore>,
    waiting: AtomicU32,
    waiting_max: u32,
    wait_max: Duration,
    metrics: ComponentMetrics,
}

/// The right to be in flight, until dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
    in_flight: Gauge,
}

/// The gate is closed: in flight and waiting are both full, or the wait was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are in flight and waiting")]
pub struct TooBusy;

impl Gate {
    /// A gate with the given limits.
    pub fn new(limits: &Limits, metrics: ComponentMetrics) -> Self {
        let in_flight_max = usize::try_from(limits.requests_in_flight_max.get())
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(in_flight_max)),
            waiting: AtomicU32::new(0),
            waiting_max: limits.requests_queued_max,
            wait_max: Duration::from_millis(limits.queue_ms_max),
            metrics,
        }
    }

    /// Waits for a place, for a bounded time, in a queue of bounded length.
    ///
    /// # Errors
    /// [`TooBusy`] at once when the queue is full, or when the time is up.
    pub async fn enter(&self) -> Result<Permit, TooBusy> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await.inspect_err(|_| {
                self.metrics.rejected.inc();
            })?,
        };
        self.metrics.in_flight.inc();
        Ok(Permit {
            _permit: permit,
            // The one figure that it touches: copies of the others would be counted up and down by all threads.
            in_flight: self.metrics.in_flight.clone(),
        })
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, TooBusy> {
        let place = Waiting::take(self)?;
        let permit =
            tokio::time::timeout(self.wait_max, Arc::clone(&self.permits).acquire_owned()).await;
        drop(place);
        // The semaphore is never closed, so only the time can fail.
        permit.ok().and_then(Result::ok).ok_or(TooBusy)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

/// A place in the queue; given back also when the client goes away while it waits.
struct Waiting<'gate>(&'gate Gate);

impl<'gate> Waiting<'gate> {
    fn take(gate: &'gate Gate) -> Result<Self, TooBusy> {
        let room = gate
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < gate.waiting_max).then_some(waiting + 1)
            });
        room.map_err(|_| TooBusy)?;
        gate.metrics.waiting.inc();
        Ok(Self(gate))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.waiting.dec();
    }
}
