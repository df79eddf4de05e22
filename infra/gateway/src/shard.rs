//! One serving thread: the pools of its components, and how a request gets to them.
//!
//! Invariant: what a shard holds never leaves its thread, so nothing in it is locked. Requests stay on the thread that
//! accepted their connection, through every chained call.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chudian_manifest::chaining_target;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Response, Uri};
use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, oneshot};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::app::{App, Place, Upstream};
use crate::board::{Board, Handed};
use crate::body::{AnswerBody, AnswerLimits};
use crate::engine::TickCount;
use crate::exchange::Exchange;
use crate::headers;
use crate::lane::Lane;
use crate::outbound::connect;
use crate::pool::Pool;
use crate::problem::Problem;
use crate::worker::{Failure, Job};

/// See the module.
pub struct Shard {
    /// The application, shared by all threads.
    pub app: Arc<App>,
    pools: Vec<Rc<Pool>>,
    request_ids: RequestIds,
    board: Arc<Board>,
    /// This thread's place on the board.
    number: usize,
}

impl Shard {
    /// The handlers of thread `number` of `shards`, which takes what others hand over from its inbox.
    pub fn new(
        app: Arc<App>,
        ticks: &Arc<TickCount>,
        shards: usize,
        number: usize,
        board: Arc<Board>,
        inbox: mpsc::UnboundedReceiver<Handed>,
    ) -> Rc<Self> {
        let lane = Rc::new(Lane::default());
        tokio::task::spawn_local(Rc::clone(&lane).run());
        let component_instances_max =
            usize::try_from(app.limits.component_instances_max.get()).unwrap_or(usize::MAX);
        let workers_max = component_instances_max.div_ceil(shards.max(1));
        let pools = app
            .components
            .iter()
            .map(|component| {
                Pool::new(
                    Arc::clone(component),
                    Arc::clone(&app.limits),
                    Rc::clone(&lane),
                    Arc::clone(ticks),
                    workers_max,
                )
            })
            .collect();
        let shard = Rc::new(Self {
            app,
            pools,
            request_ids: RequestIds::new(),
            board,
            number,
        });
        tokio::task::spawn_local(Rc::clone(&shard).take_what_is_handed_over(inbox));
        shard
    }

    async fn take_what_is_handed_over(self: Rc<Self>, mut inbox: mpsc::UnboundedReceiver<Handed>) {
        while let Some((component, job)) = inbox.recv().await {
            // All threads have the same components. A job without one is dropped, which fails its request.
            if let Some(pool) = self.pools.get(component) {
                pool.dispatch(job);
            }
        }
    }

    /// Whether requests compute on this thread, be it for the connections of another.
    pub fn computes(&self) -> bool {
        self.board.computing(self.number) > 0
    }

    /// A new request id.
    pub fn new_request_id(&self) -> HeaderValue {
        self.request_ids.next()
    }

    /// Runs a request in the component of the given index.
    ///
    /// # Errors
    /// The problem to tell the client.
    pub async fn run(
        &self,
        component_index: usize,
        request: http::Request<WasiBody>,
        exchange: &Arc<Exchange>,
    ) -> Result<Response<AnswerBody>, Problem> {
        let pool = self.pools.get(component_index).ok_or(Problem::NoRoute)?;
        let permit = pool
            .component()
            .gate
            .enter()
            .await
            .map_err(|_| Problem::TooBusy)?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request,
            exchange: Arc::clone(exchange),
            permit,
            reply,
        };
        let counted = pool.component().computing().is_long().then(|| {
            if self.app.stopping() {
                self.board.count(self.number)
            } else {
                self.board.choose(self.number)
            }
        });
        match &counted {
            Some(counted) if counted.thread() != self.number => {
                if let Err(job) = counted.hand_over(component_index, job) {
                    pool.dispatch(*job);
                }
            }
            _ => pool.dispatch(job),
        }
        let outcome = answer.await.unwrap_or(Err(Failure::NotStarted));
        drop(counted);
        if exchange.body_too_large() {
            return Err(Problem::PayloadTooLarge);
        }
        match outcome {
            Ok(answer) => Ok(AnswerBody::from_answer(answer, self.answer_limits())),
            Err(Failure::DeadlineExceeded) if exchange.body_awaited() => {
                Err(Problem::RequestTimeout)
            }
            Err(Failure::DeadlineExceeded) => Err(Problem::DeadlineExceeded),
            Err(Failure::Exhausted) => Err(Problem::TooBusy),
            Err(failure @ Failure::Refused(_)) => {
                tracing::warn!(component = pool.component().id, request_id = exchange.id(), %failure, "no response");
                Err(Problem::ComponentFailed)
            }
            Err(Failure::Trapped | Failure::NotStarted) => Err(Problem::ComponentFailed),
        }
    }

    /// Sends a request to another gateway.
    ///
    /// # Errors
    /// [`Problem::UpstreamFailed`] when it cannot be reached.
    pub async fn forward(
        &self,
        upstream: &Upstream,
        request: http::Request<WasiBody>,
        exchange: &Arc<Exchange>,
    ) -> Result<Response<WasiBody>, Problem> {
        let (mut head, body) = request.into_parts();
        head.uri = upstream
            .address(&head.uri)
            .ok_or(Problem::MalformedRequest)?;
        // The name that components use for each other means nothing there.
        let internal = |host: &HeaderValue| {
            host.to_str()
                .is_ok_and(|host| chaining_target(host).is_some())
        };
        if head.headers.get(HOST).is_some_and(internal) {
            head.headers.remove(HOST);
        }
        head.headers
            .insert(headers::X_REQUEST_ID, exchange.request_id.clone());
        head.headers.insert(
            headers::CHAIN_DEPTH,
            HeaderValue::from(exchange.depth.saturating_add(1)),
        );
        let outcome =
            connect::send_to_operator_address(http::Request::from_parts(head, body)).await;
        if exchange.body_too_large() {
            return Err(Problem::PayloadTooLarge);
        }
        let mut response = outcome.map_err(|reason| {
            tracing::warn!(request_id = exchange.id(), %reason, "another gateway cannot be reached");
            Problem::UpstreamFailed
        })?;
        headers::remove_hop_by_hop(response.headers_mut());
        Ok(response.map(|body| body.map_err(Error::from).boxed_unsync()))
    }

    /// A request from one component to another. The future may leave the thread; the work stays on it.
    pub fn chained(
        self: &Rc<Self>,
        component: &str,
        request: http::Request<WasiBody>,
        depth: u32,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let place = self.app.places.get(component).cloned();
        self.chained_to(
            place.map(|place| (component.to_owned(), place)),
            request,
            depth,
        )
    }

    /// A request from a component to the application itself: to whatever its path leads to. As [`Self::chained`].
    pub fn chained_to_itself(
        self: &Rc<Self>,
        request: http::Request<WasiBody>,
        depth: u32,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let app = &self.app;
        let trigger = app
            .router
            .route(request.uri().path())
            .and_then(|found| app.triggers.get(found.trigger_index()));
        let target = trigger.map(|trigger| (trigger.component.clone(), trigger.place.clone()));
        self.chained_to(target, request, depth)
    }

    fn chained_to(
        self: &Rc<Self>,
        target: Option<(String, Place)>,
        request: http::Request<WasiBody>,
        depth: u32,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let (mut sender, receiver) = oneshot::channel();
        if let Some((component, place)) = target {
            let shard = Rc::clone(self);
            tokio::task::spawn_local(async move {
                let answering = shard.run_chained(&component, place, request, depth);
                let answer = tokio::select! {
                    biased;
                    // The calling component has ended; nobody wants the answer.
                    () = sender.closed() => return,
                    answer = answering => answer,
                };
                // It may have ended just now.
                let _ = sender.send(answer);
            });
        }
        // Without a target the sender is gone already.
        async move { receiver.await.unwrap_or(Err(Error::DestinationNotFound)) }
    }

    async fn run_chained(
        &self,
        component: &str,
        place: Place,
        mut request: http::Request<WasiBody>,
        depth: u32,
    ) -> Result<Response<WasiBody>, Error> {
        let request_id =
            headers::client_request_id(request.headers()).unwrap_or_else(|| self.new_request_id());
        let now = Instant::now();
        let trace = crate::trace::RequestTrace::begin(
            request.headers(),
            request.method(),
            component,
            "chained",
        );
        let exchange = Exchange::new(
            request_id,
            now,
            now + self.app.limits.request_time_max(),
            depth,
            trace,
        );
        let outcome = match place {
            Place::Here(index) => {
                headers::remove_host_owned(request.headers_mut());
                request
                    .headers_mut()
                    .insert(headers::X_REQUEST_ID, exchange.request_id.clone());
                set_chained_headers(&mut request);
                let answer = self.run(index, request, &exchange).await;
                answer.map(|response| {
                    response.map(|body| {
                        body.map_err(|cut| Error::InternalError(Some(cut.to_string())))
                            .boxed_unsync()
                    })
                })
            }
            Place::Elsewhere(upstream) => self.forward(&upstream, request, &exchange).await,
            Place::Written(written) => Ok(written.response().map(|body| {
                http_body_util::Full::new(body)
                    .map_err(|never| match never {})
                    .boxed_unsync()
            })),
        };
        if let Some(trace) = &exchange.trace {
            trace.end(
                outcome
                    .as_ref()
                    .map_or_else(|problem| problem.status(), Response::status),
            );
        }
        // A problem is an answer: the calling component sees what a client would see.
        Ok(outcome.unwrap_or_else(|problem| {
            problem
                .response(Default::default(), exchange.id())
                .map(|body| {
                    http_body_util::Full::new(body)
                        .map_err(|never| match never {})
                        .boxed_unsync()
                })
        }))
    }

    fn answer_limits(&self) -> AnswerLimits {
        let limits = &self.app.limits;
        AnswerLimits {
            bytes_max: limits.response_body_bytes_max,
            stall_max: Duration::from_millis(limits.response_stall_ms_max.get()),
            time_max: Duration::from_millis(limits.response_ms_max.get()),
        }
    }
}

/// What Spin tells a component that another one called: it sees the whole path, whatever its own route is.
fn set_chained_headers(request: &mut http::Request<WasiBody>) {
    let path = HeaderValue::from_str(request.uri().path()).unwrap_or(HeaderValue::from_static("/"));
    let full_url =
        HeaderValue::from_str(&request.uri().to_string()).unwrap_or(HeaderValue::from_static("/"));
    let headers = request.headers_mut();
    headers.insert(HeaderName::from_static("spin-path-info"), path);
    headers.insert(HeaderName::from_static("spin-full-url"), full_url);
    headers.insert(
        HeaderName::from_static("spin-matched-route"),
        HeaderValue::from_static("/..."),
    );
    headers.insert(
        HeaderName::from_static("spin-base-path"),
        HeaderValue::from_static(chudian_manifest::BASE_PATH),
    );
    headers.insert(
        HeaderName::from_static("spin-raw-component-route"),
        HeaderValue::from_static("/..."),
    );
    headers.insert(
        HeaderName::from_static("spin-component-route"),
        HeaderValue::from_static(""),
    );
    headers.insert(
        HeaderName::from_static("spin-client-addr"),
        HeaderValue::from_static("127.0.0.1:0"),
    );
}

/// The address that a component sees: absolute, as `wasi:http` wants it.
pub fn absolute(uri: Uri, authority: Authority) -> Uri {
    let mut parts = uri.into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    }
    Uri::from_parts(parts).unwrap_or_default()
}

/// Makes ids that are unique, not secret: a random start for the thread, then a count.
struct RequestIds {
    prefix: u64,
    count: std::cell::Cell<u64>,
}

impl RequestIds {
    fn new() -> Self {
        let mut random = [0; 8];
        // Without randomness the clock still tells two runs apart.
        let prefix = match getrandom::fill(&mut random) {
            Ok(()) => u64::from_le_bytes(random),
            Err(_) => std::time::UNIX_EPOCH
                .elapsed()
                .map_or(0, |since| u64::from(since.subsec_nanos())),
        };
        Self {
            prefix,
            count: std::cell::Cell::new(0),
        }
    }

    fn next(&self) -> HeaderValue {
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        let mut text = [0_u8; 32];
        for (place, digit) in text.iter_mut().enumerate() {
            let half = if place < 16 { self.prefix } else { count };
            let nibble = (half >> (60 - 4 * (place % 16))) & 0xf;
            *digit = b"0123456789abcdef"[usize::try_from(nibble).unwrap_or(0)];
        }
        // Hexadecimal digits are always a valid value.
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("0"))
    }
}
