//! One request on its way through the gateway: what its parts, which run as different tasks, must know of each other.
//!
//! Invariant: an [`Exchange`] holds no body, no query, no header value and no key; it may be logged.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::HeaderValue;

use crate::trace::RequestTrace;

/// What is known of a request from its arrival to the last byte of its answer.
#[derive(Debug)]
pub struct Exchange {
    /// Made by the gateway, or taken over from the client when well formed. Goes out as `x-request-id`.
    pub request_id: HeaderValue,
    /// When it arrived.
    pub started: Instant,
    /// When the component must have answered.
    pub deadline: Instant,
    /// How many components called one another to get here; 0 for a request from outside.
    pub depth: u32,
    /// The trace that it belongs to, when traces are on.
    pub trace: Option<RequestTrace>,
    body_too_large: AtomicBool,
    body_awaited: AtomicBool,
}

impl Exchange {
    /// A request that arrives now.
    pub fn new(
        request_id: HeaderValue,
        started: Instant,
        deadline: Instant,
        depth: u32,
        trace: Option<RequestTrace>,
    ) -> Arc<Self> {
        Arc::new(Self {
            request_id,
            started,
            deadline,
            depth,
            trace,
            body_too_large: AtomicBool::new(false),
            body_awaited: AtomicBool::new(false),
        })
    }

    /// The id as text; ids are made of visible ASCII only.
    pub fn id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// Says that the request's body went over the limit: whatever the component answers, the client is told 413.
    pub fn mark_body_too_large(&self) {
        self.body_too_large.store(true, Ordering::Relaxed);
    }

    /// See [`Self::mark_body_too_large`].
    pub fn body_too_large(&self) -> bool {
        self.body_too_large.load(Ordering::Relaxed)
    }

    /// Says whether the component waits for more of the request's body, so that a timeout can name whom it waited for.
    pub fn set_body_awaited(&self, awaited: bool) {
        self.body_awaited.store(awaited, Ordering::Relaxed);
    }

    /// See [`Self::set_body_awaited`].
    pub fn body_awaited(&self) -> bool {
        self.body_awaited.load(Ordering::Relaxed)
    }
}

/// How an instance is doing, as seen by the bodies of responses that it still writes.
#[derive(Debug, Default)]
pub struct Fate {
    failed: AtomicBool,
    open_bodies: AtomicUsize,
    depth: AtomicU32,
    origin: Mutex<Option<Arc<Exchange>>>,
}

impl Fate {
    /// Says that the instance ended before its work was done. A body that has not ended by then is cut, not complete.
    pub fn mark_failed(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// See [`Self::mark_failed`].
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Bodies that are still being written.
    pub fn open_bodies(&self) -> usize {
        self.open_bodies.load(Ordering::Relaxed)
    }

    /// Notes the requests that the instance now works on: how deep the deepest is, and which it is when there is only one.
    /// With several at once nobody can tell on whose behalf the component calls out.
    pub fn set_work(&self, depth: u32, origin: Option<&Arc<Exchange>>) {
        self.depth.store(depth, Ordering::Relaxed);
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = origin.map(Arc::clone);
    }

    /// Depth of calls between components at which the instance works.
    pub fn depth(&self) -> u32 {
        self.depth.load(Ordering::Relaxed)
    }

    /// The one request that the instance works on, if it is one.
    pub fn origin(&self) -> Option<Arc<Exchange>> {
        self.origin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Counts one more body, until the returned value is dropped.
    pub fn open_body(self: &Arc<Self>) -> OpenBody {
        self.open_bodies.fetch_add(1, Ordering::Relaxed);
        OpenBody(Arc::clone(self))
    }
}

/// One body that an instance still writes.
#[derive(Debug)]
pub struct OpenBody(Arc<Fate>);

impl OpenBody {
    /// The instance's fate.
    pub fn fate(&self) -> &Fate {
        &self.0
    }
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.0.open_bodies.fetch_sub(1, Ordering::Relaxed);
    }
}
