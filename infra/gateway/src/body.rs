//! Bodies on their way through the gateway: counted, timed, and told apart from bodies that were cut.
//!
//! Invariant: no body goes over its limit in bytes or in time, and a body whose writer died is never passed off as
//! complete: its connection is closed instead.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::admission::Permit;
use crate::exchange::{Exchange, OpenBody};
use crate::worker::Answer;

/// Up to here an answer that is ready at once is sent in one piece with its length.
const WHOLE_BYTES_MAX: u64 = 256 * 1024;

/// A request's body as a component reads it.
pub struct LimitedBody {
    inner: Incoming,
    left_bytes: u64,
    exchange: Arc<Exchange>,
}

impl LimitedBody {
    /// Lets `bytes_max` through, then ends with an error and marks the exchange.
    pub fn new(inner: Incoming, bytes_max: u64, exchange: Arc<Exchange>) -> Self {
        Self {
            inner,
            left_bytes: bytes_max,
            exchange,
        }
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        self.exchange.set_body_awaited(polled.is_pending());
        let Poll::Ready(Some(Ok(frame))) = polled else {
            return polled.map_err(Error::from);
        };
        let bytes = frame
            .data_ref()
            .map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
        match self.left_bytes.checked_sub(bytes) {
            Some(left_bytes) => {
                self.left_bytes = left_bytes;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.exchange.mark_body_too_large();
                Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A body that must make progress: used for what other hosts send.
pub struct PacedBody<B> {
    inner: B,
    pause_max: Duration,
    error: Option<Error>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<B> PacedBody<B> {
    /// Ends with `error` when `inner` gives nothing for `pause_max`.
    pub fn new(inner: B, pause_max: Duration, error: Error) -> Self {
        Self {
            inner,
            pause_max,
            error: Some(error),
            sleep: None,
        }
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for PacedBody<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            this.sleep = None;
            return Poll::Ready(frame);
        }
        let pause_max = this.pause_max;
        let sleep = this
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause_max)));
        if sleep.as_mut().poll(context).is_ready() {
            return Poll::Ready(this.error.take().map(Err));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Bounds on an answer's body.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLimits {
    /// Bytes in all.
    pub bytes_max: u64,
    /// Time without a byte.
    pub stall_max: Duration,
    /// Time in all.
    pub time_max: Duration,
}

/// The body of an answer: whole, or still being written by a component.
pub enum AnswerBody {
    /// All of it; taken when sent.
    Whole(Bytes),
    /// The pieces that were ready, and the writer of the rest.
    Written(Box<WrittenBody>),
    /// From another gateway.
    Forwarded(WasiBody),
}

/// A body that a component still writes.
pub struct WrittenBody {
    ready: VecDeque<Frame<Bytes>>,
    inner: WasiBody,
    writer: OpenBody,
    left_bytes: u64,
    ends: Instant,
    stall_max: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    _permit: Permit,
}

/// Why a body was cut. The client sees a closed connection, the log sees this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// The component ended before its body did.
    #[error("the component ended before its answer did")]
    WriterGone,
    /// Over the limit in bytes.
    #[error("the answer is larger than allowed")]
    TooLarge,
    /// No progress, or too long in all.
    #[error("the answer took too long")]
    TooSlow,
    /// The component said that its body is broken.
    #[error("the component broke its answer off")]
    BrokenOff,
}

impl AnswerBody {
    /// Takes over what a component answered. What is ready at once becomes one piece with a known length.
    pub fn from_answer(answer: Answer, limits: AnswerLimits) -> http::Response<Self> {
        let Answer {
            response,
            writer,
            permit,
        } = answer;
        let (head, inner) = response.into_parts();
        let mut body = WrittenBody {
            ready: VecDeque::new(),
            inner,
            writer,
            left_bytes: limits.bytes_max,
            ends: Instant::now() + limits.time_max,
            stall_max: limits.stall_max,
            sleep: None,
            _permit: permit,
        };
        let body = match body.take_what_is_ready() {
            Some(whole) => Self::Whole(whole),
            None => Self::Written(Box::new(body)),
        };
        http::Response::from_parts(head, body)
    }
}

impl WrittenBody {
    /// Reads until the component has to be waited for. Gives the whole body if that was all.
    fn take_what_is_ready(&mut self) -> Option<Bytes> {
        // Nobody is to be woken by this look: the server polls again with its own waker.
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut bytes = 0_u64;
        while bytes <= WHOLE_BYTES_MAX {
            match Pin::new(&mut self.inner).poll_frame(&mut context) {
                Poll::Ready(Some(Ok(frame))) => {
                    bytes = bytes.saturating_add(frame_bytes(&frame));
                    self.ready.push_back(frame);
                }
                Poll::Ready(None) if self.is_one_piece() => {
                    return Some(
                        self.ready
                            .pop_front()
                            .and_then(|frame| frame.into_data().ok())
                            .unwrap_or_default(),
                    );
                }
                // Errors and ends show again on the next poll.
                Poll::Ready(Some(Err(_)) | None) | Poll::Pending => break,
            }
        }
        None
    }

    fn is_one_piece(&self) -> bool {
        !self.writer.fate().failed()
            && self.ready.len() <= 1
            && self.ready.iter().all(Frame::is_data)
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Some(self.count(frame)));
        }
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.sleep = None;
                Poll::Ready(Some(self.count(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Cut::BrokenOff))),
            Poll::Ready(None) if self.writer.fate().failed() => {
                Poll::Ready(Some(Err(Cut::WriterGone)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let stall_ends = Instant::now() + self.stall_max;
                let ends = self.ends.min(stall_ends);
                let sleep = self
                    .sleep
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(ends.into())));
                sleep
                    .as_mut()
                    .poll(context)
                    .map(|()| Some(Err(Cut::TooSlow)))
            }
        }
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Cut> {
        self.left_bytes = self
            .left_bytes
            .checked_sub(frame_bytes(&frame))
            .ok_or(Cut::TooLarge)?;
        if Instant::now() > self.ends {
            return Err(Cut::TooSlow);
        }
        Ok(frame)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Written(body) => body.poll_next(context),
            Self::Forwarded(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|_| Cut::BrokenOff),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            // A writer that is gone looks like an end here; only reading on can tell.
            Self::Written(_) => false,
            Self::Forwarded(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Written(body) => {
                let ready: u64 = body.ready.iter().map(frame_bytes).sum();
                let rest = body.inner.size_hint();
                match rest.exact() {
                    Some(exact) => SizeHint::with_exact(ready.saturating_add(exact)),
                    None => SizeHint::default(),
                }
            }
            Self::Forwarded(body) => body.size_hint(),
        }
    }
}

fn frame_bytes(frame: &Frame<Bytes>) -> u64 {
    frame
        .data_ref()
        .map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX))
}
