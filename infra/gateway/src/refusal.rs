//! Gives the refusals that hyper writes by itself the form of ours.
//!
//! A head that cannot be parsed never becomes a request: hyper answers it with a status and nothing else, and asks nobody. That
//! answer is the only thing that ever goes out without our service having given it, which is how it is known here; it is
//! replaced by a problem with the same meaning, and the connection closes behind it as it would have.
//!
//! Invariant: not a byte of an answer of ours is touched. Where both would go out together (a broken head right behind a request
//! whose answer is still on its way), hyper's bare answer stays.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body::{AnswerBody, Cut};
use crate::headers;
use crate::problem::Problem;

/// What the two sides of a connection know of its answers.
#[derive(Debug, Default)]
pub struct Answers {
    /// Answers whose body has not come to its end.
    open: Cell<usize>,
    /// Answers begun and ended, ever.
    events: Cell<u64>,
}

/// An answer's body that tells when it ends.
pub struct Answered {
    body: AnswerBody,
    answers: Rc<Answers>,
}

impl Answered {
    /// An answer is given to the connection.
    pub fn new(body: AnswerBody, answers: Rc<Answers>) -> Self {
        answers.open.set(answers.open.get() + 1);
        answers.events.set(answers.events.get().wrapping_add(1));
        Self { body, answers }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        let Answers { open, events } = &*self.answers;
        open.set(open.get().saturating_sub(1));
        events.set(events.get().wrapping_add(1));
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The connection, as hyper writes to it.
pub struct Refusals<Stream, Record> {
    stream: Stream,
    answers: Rc<Answers>,
    /// [`Answers::events`] when all that was written had gone out.
    flushed_at: u64,
    /// Counts a refusal and gives it an id.
    record: Record,
    /// What goes out in place of hyper's answer.
    replacement: Vec<u8>,
    written: usize,
}

impl<Stream, Record> Refusals<Stream, Record>
where
    Stream: AsyncWrite + Unpin,
    Record: FnMut(StatusCode) -> HeaderValue,
{
    /// Watches `stream`.
    pub fn new(stream: Stream, answers: Rc<Answers>, record: Record) -> Self {
        Self {
            stream,
            answers,
            flushed_at: 0,
            record,
            replacement: Vec::new(),
            written: 0,
        }
    }

    /// Whether what hyper writes now is its own: every answer of ours has ended, and has gone out since.
    fn is_hypers_own(&self) -> bool {
        self.answers.open.get() == 0 && self.answers.events.get() == self.flushed_at
    }

    /// Takes hyper's answer, if it is one of its refusals; true when ours goes out in its place.
    fn replaces(&mut self, head: &[u8]) -> bool {
        let status = head.get(9..12).filter(|_| head.starts_with(b"HTTP/1."));
        let problem = match status {
            Some(b"400") => Problem::MalformedRequest,
            Some(b"414" | b"431") => Problem::HeadersTooLarge,
            _ => return false,
        };
        let request_id = (self.record)(problem.status());
        let text = request_id.to_str().unwrap_or_default();
        let mut response = problem.response(Default::default(), text);
        let length = HeaderValue::from(response.body().len());
        let fields = response.headers_mut();
        headers::add_security(fields);
        fields.insert(headers::X_REQUEST_ID, request_id);
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
        fields.insert(CONTENT_LENGTH, length);
        self.replacement = written_out(&response);
        true
    }

    fn poll_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self
            .replacement
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        Poll::Ready(Ok(()))
    }
}

fn written_out(response: &Response<Bytes>) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(response.body());
    bytes
}

impl<Stream: AsyncRead + Unpin, Record: Unpin> AsyncRead for Refusals<Stream, Record> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<Stream, Record> AsyncWrite for Refusals<Stream, Record>
where
    Stream: AsyncWrite + Unpin,
    Record: FnMut(StatusCode) -> HeaderValue + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_hypers_own() && self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_hypers_own()
            && let [head, rest @ ..] = buffers
            && self.replaces(head)
        {
            let length = rest.iter().fold(head.len(), |sum, rest| sum + rest.len());
            return Poll::Ready(Ok(length));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.flushed_at = self.answers.events.get();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
