//! Runs one instance of a component: takes requests, runs them side by side, hands the answers out, and ends.
//!
//! Invariant: every request that a worker takes gets exactly one reply, whatever the component does: answers, returns an
//! error, traps, computes without end or never answers. An instance that broke a limit takes no further request and is
//! disposed of as soon as the requests beside the offending one are settled.
//!
//! It differs from the handler that comes with wasmtime in what a gateway needs: all of it stays on one thread (no locks,
//! no wake-ups between cores), a trap is told from a timeout, a body that was cut short is never passed off as complete,
//! and long computations take turns (see `lane`).

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, Stream as _};
use tokio::sync::oneshot;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut as _, Store, UpdateDeadline};
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{FieldMap, WasiBody, WasiHttpView as _, p3};

use crate::admission::Permit;
use crate::engine::TickCount;
use crate::exchange::{Exchange, Fate, OpenBody};
use crate::guest::GuestState;
use crate::lane::Turn;
use crate::pool::Pool;

/// How often an instance that takes no more requests is looked at.
const RETIRED_LOOK: Duration = Duration::from_millis(100);

/// How long the work for a client that has left goes on. Most requests end by themselves within it, and their instance keeps
/// its caches; one that does not is stopped as if its time were up.
const LEFT_CLIENT_TIME_MAX: Duration = Duration::from_secs(1);

/// A request for a component, and where its answer goes.
pub struct Job {
    /// The request as the component will see it.
    pub request: http::Request<WasiBody>,
    /// The request's context.
    pub exchange: Arc<Exchange>,
    /// The right to be in flight; travels on with the answer, so that it lasts until the last byte.
    pub permit: Permit,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Answer, Failure>>,
}

/// A component's answer.
pub struct Answer {
    /// Head and body as the component gave them.
    pub response: http::Response<WasiBody>,
    /// Tells whether the body's writer is still alive.
    pub writer: OpenBody,
    /// Given back when the body is through.
    pub permit: Permit,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The component trapped while the request was in it.
    #[error("the component trapped")]
    Trapped,
    /// The component did not answer in time.
    #[error("the component did not answer in time")]
    DeadlineExceeded,
    /// The component returned an error in place of a response.
    #[error("the component returned {0:?} in place of a response")]
    Refused(ErrorCode),
    /// No instance could be made: the pool is used up.
    #[error("no instance is free")]
    Exhausted,
    /// No instance could be made for another reason.
    #[error("the component could not be started")]
    NotStarted,
}

/// What an instance's store tells its worker: whether the component was interrupted for using up its slice.
#[derive(Debug, Default)]
pub struct Slice {
    began_tick: AtomicU64,
    used_up: AtomicBool,
}

impl Slice {
    /// Ticks that a component may compute without letting others run. Two, because the first is already under way.
    const TICKS_MAX: u64 = 2;

    fn begin(&self, ticks: &TickCount) {
        self.began_tick.store(ticks.now(), Ordering::Relaxed);
        self.used_up.store(false, Ordering::Relaxed);
    }

    fn used_up(&self) -> bool {
        self.used_up.load(Ordering::Relaxed)
    }

    /// Called from within the component at each tick. A tick that passed while it waited is not held against it.
    pub fn on_tick(&self, ticks: &TickCount) -> UpdateDeadline {
        if ticks
            .now()
            .saturating_sub(self.began_tick.load(Ordering::Relaxed))
            < Self::TICKS_MAX
        {
            return UpdateDeadline::Continue(1);
        }
        self.used_up.store(true, Ordering::Relaxed);
        UpdateDeadline::Yield(1)
    }
}

/// A worker's chair in its pool: how the pool finds and wakes it.
#[derive(Debug, Default)]
pub struct Seat {
    /// In the pool's list of free seats.
    pub listed: Cell<bool>,
    /// Can take a request at once.
    pub free: Cell<bool>,
    /// Woken by the pool and not yet run.
    pub woken: Cell<bool>,
    /// Wakes the worker's task.
    pub waker: RefCell<Option<Waker>>,
}

/// A request that the component works on.
struct InFlight {
    number: u64,
    exchange: Arc<Exchange>,
    permit: Permit,
    reply: oneshot::Sender<Result<Answer, Failure>>,
    /// When it is given up: its deadline, or sooner when nobody waits for it.
    ends: Instant,
    /// Nobody waits for it.
    left: bool,
}

/// How a worker ended.
#[derive(Debug)]
enum Exit {
    /// Nothing more to do: idle for long enough, or used often enough.
    Retired,
    /// Broke the time limit.
    Disposed,
    /// Trapped.
    Trapped(wasmtime::Error),
}

/// What the two halves of a worker share: the one inside the store's event loop, and the one around it, which still runs
/// while a component that computes keeps the inside busy.
struct Shell {
    pool: Rc<Pool>,
    seat: Rc<Seat>,
    fate: Arc<Fate>,
    in_flight: RefCell<Vec<InFlight>>,
    /// Takes no more requests.
    retired: Cell<bool>,
    /// The event loop has come to rest since the last request was taken, so another may join.
    at_rest: Cell<bool>,
    /// The component has told us not to call it now.
    pressed_back: Cell<bool>,
    taken_total: Cell<u64>,
    /// Since when no request is in flight.
    quiet_since: Cell<Option<Instant>>,
    /// Quiet, and without tasks of its own that must finish.
    idle: Cell<bool>,
    /// Used up its last slice.
    heavy: Cell<bool>,
    /// Computed since the last answer: what an answer costs, also where several requests are in flight.
    spent: Cell<Duration>,
    /// Since when the present stretch of computing is not counted in `spent`.
    stretch_began: Cell<Instant>,
}

/// Runs a new instance until it ends. Part of [`Pool`], which starts it.
pub async fn run(pool: Rc<Pool>, seat: Rc<Seat>) {
    // Dropped last: gives the seat back and sees to requests that wait.
    let vacate = Vacate {
        pool: Rc::clone(&pool),
        seat: Rc::clone(&seat),
    };
    let fate = Arc::new(Fate::default());
    let slice = Arc::new(Slice::default());
    let (mut store, service) = match pool.instantiate(&fate, &slice).await {
        Ok(instance) => instance,
        Err(failure) => {
            pool.fail_next(failure);
            return;
        }
    };
    let shell = Shell::new(Rc::clone(&pool), seat, Arc::clone(&fate));
    pool.component().metrics.instances_created.inc();
    pool.component().metrics.instances.inc();
    let exit = drive(&mut store, &service, &shell, &slice).await;
    pool.component().metrics.instances.dec();
    pool.component().metrics.instances_disposed.inc();
    shell.settle(exit);
    drop(store);
    drop(vacate);
}

/// Drives the store's event loop, and watches time from outside of it.
async fn drive(
    store: &mut Store<GuestState>,
    service: &Service,
    shell: &Shell,
    slice: &Slice,
) -> Exit {
    let lane = shell.pool.lane();
    let turn = Rc::new(Turn::default());
    let mut watch = pin!(tokio::time::sleep_until(
        shell.next_look(Instant::now()).into()
    ));
    let mut inside = pin!(
        store.run_concurrent(async |accessor| take_and_answer(accessor, service, shell).await)
    );

    std::future::poll_fn(|context| {
        shell.pool.seat_runs(&shell.seat, context);
        while watch.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            if let Some(exit) = shell.look_at_time(now) {
                return Poll::Ready(exit);
            }
            watch.as_mut().reset(shell.next_look(now).into());
        }
        if shell.heavy.get() && lane.poll_turn(&turn, context).is_pending() {
            return Poll::Pending;
        }
        loop {
            slice.begin(shell.pool.ticks());
            shell.stretch_began.set(Instant::now());
            let polled = inside.as_mut().poll(context);
            shell.count_stretch();
            if let Poll::Ready(outcome) = polled {
                return Poll::Ready(match outcome {
                    Ok(Ok(())) => Exit::Retired,
                    Ok(Err(error)) | Err(error) => Exit::Trapped(error),
                });
            }
            shell.set_heavy(slice.used_up());
            if shell.heavy.get() {
                break;
            }
            // The component waits for something else than this thread: it may take another request beside.
            shell.at_rest.set(true);
            if !(shell.can_take() && shell.pool.has_waiting()) {
                break;
            }
        }
        shell.notice_leavers(context);
        // A request may have brought the deadline nearer.
        let next_look = shell.next_look_in_flight();
        if let Some(next_look) = next_look
            && next_look < watch.deadline().into_std()
        {
            watch.as_mut().reset(next_look.into());
            // Registers the task with the timer; an elapsed deadline is seen at once on the next poll.
            if watch.as_mut().poll(context).is_ready() {
                context.waker().wake_by_ref();
                watch.as_mut().reset(Instant::now().into());
            }
        }
        shell
            .pool
            .seat_rests(&shell.seat, !shell.heavy.get() && shell.can_take());
        Poll::Pending
    })
    .await
}

/// The half inside the event loop. Ends when the instance takes no more requests and has nothing left to do.
async fn take_and_answer(
    accessor: &Accessor<GuestState>,
    service: &Service,
    shell: &Shell,
) -> wasmtime::Result<()> {
    let handler = service.wasi_http_handler();
    let function = *handler.func_handle().func();
    let mut calls = pin!(FuturesUnordered::new());
    std::future::poll_fn(|context: &mut Context<'_>| {
        loop {
            match calls.as_mut().poll_next(context) {
                Poll::Ready(Some((number, outcome))) => {
                    shell.answer(number, outcome?);
                    continue;
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            shell.pressed_back.set(
                accessor
                    .poll_ready_for_concurrent_call(function, context)
                    .is_pending(),
            );
            if shell.can_take()
                && let Some((number, request)) = shell.take()
            {
                calls
                    .as_mut()
                    .get_mut()
                    .push(call(accessor, service, number, request));
                continue;
            }
            if !calls.is_empty() {
                return Poll::Pending;
            }
            shell.fall_quiet();
            if accessor.poll_no_interesting_tasks(context).is_pending() {
                shell.idle.set(false);
                return Poll::Pending;
            }
            if shell.retired.get() || shell.pressed_back.get() {
                return Poll::Ready(Ok(()));
            }
            shell.idle.set(true);
            return Poll::Pending;
        }
    })
    .await
}

type CallOutcome = wasmtime::Result<Result<http::Response<WasiBody>, ErrorCode>>;

/// One call of the component's handler.
async fn call(
    accessor: &Accessor<GuestState>,
    service: &Service,
    number: u64,
    request: http::Request<WasiBody>,
) -> (u64, CallOutcome) {
    (number, call_handler(accessor, service, request).await)
}

async fn call_handler(
    accessor: &Accessor<GuestState>,
    service: &Service,
    request: http::Request<WasiBody>,
) -> CallOutcome {
    let handler = service.wasi_http_handler();
    let (started, request_sent) = accessor.with(|mut access| {
        let mut store = access.as_context_mut();
        // A full slice for the new request.
        store.set_epoch_deadline(1);
        let view = store.data_mut().http();
        let (head, body) = request.into_parts();
        let http::uri::Parts {
            scheme,
            authority,
            path_and_query,
            ..
        } = head.uri.into_parts();
        let headers = FieldMap::new_immutable(view.hooks, head.headers);
        let (request, request_sent) = p3::Request::new(
            head.method,
            scheme,
            authority,
            path_and_query,
            headers,
            None,
            body,
        );
        let request = view.table.push(request)?;
        let started = handler
            .func_handle()
            .start_call_concurrent(store, (request,))?;
        wasmtime::error::Ok((started, request_sent))
    })?;
    let (returned,) = handler
        .func_handle()
        .finish_call_concurrent(accessor, started)
        .await?;
    match returned {
        Ok(response) => accessor.with(|mut access| {
            let response = access.get().http().table.delete(response)?;
            response.into_http(&mut access, request_sent).map(Ok)
        }),
        Err(code) => Ok(Err(code)),
    }
}

impl Shell {
    fn new(pool: Rc<Pool>, seat: Rc<Seat>, fate: Arc<Fate>) -> Self {
        Self {
            pool,
            seat,
            fate,
            in_flight: RefCell::new(Vec::new()),
            retired: Cell::new(false),
            at_rest: Cell::new(true),
            pressed_back: Cell::new(false),
            taken_total: Cell::new(0),
            quiet_since: Cell::new(Some(Instant::now())),
            idle: Cell::new(true),
            heavy: Cell::new(false),
            spent: Cell::default(),
            stretch_began: Cell::new(Instant::now()),
        }
    }

    /// Counts what was computed until now, and says when that is.
    fn count_stretch(&self) -> Instant {
        let now = Instant::now();
        let stretch = now.saturating_duration_since(self.stretch_began.replace(now));
        self.spent.set(self.spent.get() + stretch);
        now
    }

    fn set_heavy(&self, heavy: bool) {
        if self.heavy.replace(heavy) != heavy {
            self.pool.set_computing(heavy);
        }
    }

    /// Gives requests whose client has left a nearer end. The task is woken when another one leaves.
    fn notice_leavers(&self, context: &mut Context<'_>) {
        for one in self.in_flight.borrow_mut().iter_mut() {
            if !one.left && one.reply.poll_closed(context).is_ready() {
                one.left = true;
                one.ends = one.ends.min(Instant::now() + LEFT_CLIENT_TIME_MAX);
            }
        }
    }

    /// Whether another request may join. One that computes does so alone; those that wait may be many.
    ///
    /// Only at rest, also when nothing is in flight: what requests leave behind after their answers (a body that is through,
    /// handles to drop) runs after what is new, so an instance that took the next request at once would pile that up until
    /// its handles run out.
    fn can_take(&self) -> bool {
        !self.retired.get()
            && !self.pressed_back.get()
            && self.at_rest.get()
            && self.in_flight.borrow().len() < self.pool.instance_requests_concurrent_max()
    }

    /// Takes the next waiting request, if there is one.
    fn take(&self) -> Option<(u64, http::Request<WasiBody>)> {
        let Job {
            request,
            exchange,
            permit,
            reply,
        } = self.pool.next_job()?;
        let number = self.taken_total.get().wrapping_add(1);
        self.taken_total.set(number);
        self.at_rest.set(false);
        self.idle.set(false);
        self.quiet_since.set(None);
        if number >= self.pool.instance_requests_max() {
            self.retired.set(true);
        }
        let mut all = self.in_flight.borrow_mut();
        all.push(InFlight {
            number,
            ends: exchange.deadline,
            exchange,
            permit,
            reply,
            left: false,
        });
        let depth = all.iter().map(|one| one.exchange.depth).max().unwrap_or(0);
        self.fate.set_work(
            depth,
            all.first()
                .filter(|_| all.len() == 1)
                .map(|one| &one.exchange),
        );
        Some((number, request))
    }

    /// Hands out the answer to request `number`. Nobody waits for it any more when its time was up.
    fn answer(&self, number: u64, outcome: Result<http::Response<WasiBody>, ErrorCode>) {
        let mut all = self.in_flight.borrow_mut();
        let Some(place) = all.iter().position(|one| one.number == number) else {
            return;
        };
        let InFlight { permit, reply, .. } = all.swap_remove(place);
        let now = self.count_stretch();
        self.pool.note_answer(now);
        self.pool.component().computing().note(self.spent.take());
        let answer = outcome
            .map(|response| Answer {
                response,
                writer: self.fate.open_body(),
                permit,
            })
            .map_err(Failure::Refused);
        // The client may have gone; then the answer is dropped here.
        let _ = reply.send(answer);
    }

    fn fall_quiet(&self) {
        if self.quiet_since.get().is_none() {
            self.quiet_since.set(Some(Instant::now()));
        }
    }

    /// When to look at the time again, at the latest. An instance that takes no more requests is looked at often: it may be
    /// computing for nobody.
    fn next_look(&self, now: Instant) -> Instant {
        let limits = self.pool.limits();
        let patience = limits
            .request_time_max()
            .min(limits.instance_idle_time_max());
        // At least a millisecond, so that odd settings cannot make the thread spin.
        let pause = if self.retired.get() {
            patience.min(RETIRED_LOOK)
        } else {
            patience
        }
        .max(Duration::from_millis(1));
        let latest = now + pause;
        self.next_look_in_flight()
            .map_or(latest, |deadline| deadline.min(latest))
    }

    fn next_look_in_flight(&self) -> Option<Instant> {
        self.in_flight.borrow().iter().map(|one| one.ends).min()
    }

    /// Fails what is overdue. Says how the worker ends, if it does.
    fn look_at_time(&self, now: Instant) -> Option<Exit> {
        let mut all = self.in_flight.borrow_mut();
        let mut expired = false;
        let mut place = 0;
        while let Some(one) = all.get(place) {
            if one.ends > now {
                place += 1;
                continue;
            }
            let overdue = all.swap_remove(place);
            expired = true;
            // Nobody waits any more when the client has gone.
            let _ = overdue.reply.send(Err(Failure::DeadlineExceeded));
        }
        if expired {
            self.retired.set(true);
        }
        if expired && all.is_empty() && self.fate.open_bodies() == 0 {
            return Some(Exit::Disposed);
        }
        let Some(quiet_since) = self.quiet_since.get().filter(|_| all.is_empty()) else {
            return (self.retired.get() && all.is_empty() && self.fate.open_bodies() == 0)
                .then_some(Exit::Disposed);
        };
        let quiet = now.saturating_duration_since(quiet_since);
        if self.idle.get() {
            return (quiet >= self.pool.limits().instance_idle_time_max()).then_some(Exit::Retired);
        }
        // No request, no body, yet tasks that go on: they get as long as a request would.
        (self.fate.open_bodies() == 0 && quiet >= self.pool.limits().request_time_max())
            .then_some(Exit::Disposed)
    }

    /// Replies to what is still in flight when the instance ends, and says so to open bodies.
    fn settle(&self, exit: Exit) {
        let left = self.in_flight.take();
        if !left.is_empty() {
            self.pool.component().computing().note(self.spent.take());
        }
        let failure = match exit {
            Exit::Retired => Failure::NotStarted,
            Exit::Disposed => {
                self.fate.mark_failed();
                Failure::DeadlineExceeded
            }
            Exit::Trapped(error) => {
                self.fate.mark_failed();
                self.pool.component().metrics.traps.inc();
                let request_ids: Vec<&str> = left.iter().map(|one| one.exchange.id()).collect();
                tracing::error!(
                    component = self.pool.component().id,
                    ?request_ids,
                    error = format!("{error:#}"),
                    "a component trapped"
                );
                Failure::Trapped
            }
        };
        for InFlight { reply, .. } in left {
            // The client may have gone.
            let _ = reply.send(Err(failure.clone()));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.set_heavy(false);
    }
}

/// Gives a worker's seat back, also when its task is dropped.
struct Vacate {
    pool: Rc<Pool>,
    seat: Rc<Seat>,
}

impl Drop for Vacate {
    fn drop(&mut self) {
        self.pool.seat_vacated(&self.seat);
    }
}

/// A pinned boxed future; shortens signatures.
pub type BoxedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
