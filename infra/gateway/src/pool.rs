//! The instances of one component on one thread, and the requests that wait for them.
//!
//! Invariant: while a request waits here, some worker of this pool is running or about to run, and will take it or see
//! that another does; none is forgotten.
//!
//! Admission (how many requests a component may have in flight) is decided before a request gets here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use wasmtime::{PoolConcurrencyLimitError, Store};
use wasmtime_wasi_http::p3::bindings::Service;

use crate::component::Component;
use crate::engine::TickCount;
use crate::exchange::Fate;
use crate::guest::GuestState;
use crate::lane::Lane;
use crate::settings::Limits;
use crate::worker::{self, Failure, Job, Seat, Slice};

/// How long a request waits while the instances that compute give no answer before it gets one of its own: a few times what a
/// simulation takes, and little to a person.
const WAIT_FOR_A_WORKER: Duration = Duration::from_millis(25);

/// See the module.
pub struct Pool {
    component: Arc<Component>,
    limits: Arc<Limits>,
    lane: Rc<Lane>,
    ticks: Arc<TickCount>,
    waiting: RefCell<VecDeque<Job>>,
    free_seats: RefCell<Vec<Rc<Seat>>>,
    /// Workers that were woken or started and have not run since.
    about_to_run: Cell<usize>,
    workers: Cell<usize>,
    workers_max: usize,
    /// Workers that have used up a slice and wait for their next turn.
    computing: Cell<usize>,
    /// When the last answer was given.
    answered: Cell<Instant>,
    /// The engine's pool had no room for another instance; ask again when one of ours has come to rest.
    no_room: Cell<bool>,
}

impl Pool {
    /// An empty pool; `workers_max` is this thread's share of the component's instances.
    pub fn new(
        component: Arc<Component>,
        limits: Arc<Limits>,
        lane: Rc<Lane>,
        ticks: Arc<TickCount>,
        workers_max: usize,
    ) -> Rc<Self> {
        Rc::new(Self {
            component,
            limits,
            lane,
            ticks,
            waiting: RefCell::default(),
            free_seats: RefCell::default(),
            about_to_run: Cell::new(0),
            workers: Cell::new(0),
            workers_max: workers_max.max(1),
            computing: Cell::new(0),
            answered: Cell::new(Instant::now()),
            no_room: Cell::new(false),
        })
    }

    /// Hands a request to the component. Its reply comes over the job's channel.
    pub fn dispatch(self: &Rc<Self>, job: Job) {
        self.waiting.borrow_mut().push_back(job);
        if self.about_to_run.get() == 0 {
            self.call_a_worker();
        }
    }

    /// The component that this pool runs.
    pub fn component(&self) -> &Component {
        &self.component
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn lane(&self) -> &Lane {
        &self.lane
    }

    pub(crate) fn ticks(&self) -> &TickCount {
        &self.ticks
    }

    pub(crate) fn instance_requests_concurrent_max(&self) -> usize {
        usize::try_from(self.limits.instance_requests_concurrent_max.get()).unwrap_or(usize::MAX)
    }

    pub(crate) fn instance_requests_max(&self) -> u64 {
        self.limits.instance_requests_max.get()
    }

    /// A worker begins, or ends, to compute beyond its slice.
    pub(crate) fn set_computing(&self, computes: bool) {
        let computing = self.computing.get();
        self.computing.set(if computes {
            computing.saturating_add(1)
        } else {
            computing.saturating_sub(1)
        });
    }

    /// An answer was given at `now`.
    pub(crate) fn note_answer(&self, now: Instant) {
        self.answered.set(now);
    }

    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// The next request that somebody still waits for and whose time is not up.
    pub(crate) fn next_job(&self) -> Option<Job> {
        loop {
            let job = self.waiting.borrow_mut().pop_front()?;
            if job.reply.is_closed() {
                continue;
            }
            if job.exchange.deadline <= Instant::now() {
                // Closed a moment ago at worst.
                let _ = job.reply.send(Err(Failure::DeadlineExceeded));
                continue;
            }
            return Some(job);
        }
    }

    /// Replies to the next waiting request that there is no instance for it. While other workers run, one that lacked
    /// only room is left to them.
    pub(crate) fn fail_next(&self, failure: Failure) {
        let others_run = self.workers.get() > 1;
        if matches!(failure, Failure::Exhausted) && others_run {
            self.no_room.set(true);
            return;
        }
        if let Some(job) = self.next_job() {
            // The client may have gone.
            let _ = job.reply.send(Err(failure));
        }
    }

    /// A new instance in a store of its own.
    pub(crate) async fn instantiate(
        &self,
        fate: &Arc<Fate>,
        slice: &Arc<Slice>,
    ) -> Result<(Store<GuestState>, Service), Failure> {
        let mut store = self
            .component
            .new_store(&self.limits, fate, slice, &self.ticks);
        // Start functions can loop too.
        let instantiated = tokio::time::timeout(
            self.limits.request_time_max(),
            self.component.service.instantiate_async(&mut store),
        )
        .await;
        match instantiated {
            Ok(Ok(service)) => Ok((store, service)),
            Err(_) => {
                tracing::error!(
                    component = self.component.id,
                    "a component did not start in time"
                );
                Err(Failure::NotStarted)
            }
            Ok(Err(error)) if error.is::<PoolConcurrencyLimitError>() => {
                tracing::warn!(
                    component = self.component.id,
                    "no instance is free in the pool"
                );
                Err(Failure::Exhausted)
            }
            Ok(Err(error)) => {
                tracing::error!(
                    component = self.component.id,
                    error = format!("{error:#}"),
                    "a component could not be started"
                );
                Err(Failure::NotStarted)
            }
        }
    }

    /// A worker's task begins to run.
    pub(crate) fn seat_runs(&self, seat: &Seat, context: &Context<'_>) {
        seat.free.set(false);
        if seat.woken.replace(false) {
            self.about_to_run
                .set(self.about_to_run.get().saturating_sub(1));
        }
        let mut waker = seat.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|known| known.will_wake(context.waker()))
        {
            *waker = Some(context.waker().clone());
        }
    }

    /// A worker's task comes to rest, free for a request or not.
    pub(crate) fn seat_rests(self: &Rc<Self>, seat: &Rc<Seat>, free: bool) {
        self.no_room.set(false);
        seat.free.set(free);
        if free && !seat.listed.replace(true) {
            self.free_seats.borrow_mut().push(Rc::clone(seat));
        }
        self.see_to_waiting();
    }

    /// A worker has ended.
    pub(crate) fn seat_vacated(self: &Rc<Self>, seat: &Rc<Seat>) {
        seat.free.set(false);
        if seat.woken.replace(false) {
            self.about_to_run
                .set(self.about_to_run.get().saturating_sub(1));
        }
        self.free_seats
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, seat));
        self.workers.set(self.workers.get().saturating_sub(1));
        self.see_to_waiting();
    }

    fn see_to_waiting(self: &Rc<Self>) {
        if self.about_to_run.get() == 0 && self.has_waiting() {
            self.call_a_worker();
        }
    }

    /// Whether the request at the front had better wait for a worker that computes than for a new instance: another one on
    /// the same thread makes neither of them faster, takes memory of its own, and begins without what the first one has in its caches.
    /// While answers are given the queue moves, and each request in it is answered sooner in turn than side by side. One that computes
    /// for long holds up the others only for [`WAIT_FOR_A_WORKER`]: such a worker comes to rest after each slice, and this is asked again.
    fn can_wait(&self) -> bool {
        self.computing.get() > 0
            && self.waiting.borrow().front().is_some_and(|job| {
                let since = job.exchange.started.max(self.answered.get());
                since.elapsed() < WAIT_FOR_A_WORKER
            })
    }

    /// Wakes a free worker, or starts one. When neither can be, a running worker takes the request when it rests.
    fn call_a_worker(self: &Rc<Self>) {
        loop {
            let seat = self.free_seats.borrow_mut().pop();
            let Some(seat) = seat else { break };
            seat.listed.set(false);
            if seat.free.replace(false) {
                seat.woken.set(true);
                self.about_to_run.set(self.about_to_run.get() + 1);
                if let Some(waker) = seat.waker.borrow().as_ref() {
                    waker.wake_by_ref();
                }
                return;
            }
        }
        if self.workers.get() < self.workers_max && !self.no_room.get() && !self.can_wait() {
            self.workers.set(self.workers.get() + 1);
            self.about_to_run.set(self.about_to_run.get() + 1);
            let seat = Rc::new(Seat::default());
            seat.woken.set(true);
            tokio::task::spawn_local(worker::run(Rc::clone(self), seat));
        }
    }
}
