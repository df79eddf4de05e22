//! A connection that gives up when the other end stops reading.
//!
//! Invariant: no write waits longer than the limit without a byte going out. Reading has its limits elsewhere: the head by
//! hyper, the body by the request's deadline.
//!
//! It also closes politely: a connection that is closed while the client still sends is reset by the system, and the reset
//! destroys the answer that said why. So what still comes is read and dropped for a moment before the connection goes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long is still read after the last answer.
const LINGER_TIME_MAX: Duration = Duration::from_millis(500);
/// How much is still read: the largest body that a request may have, for a client that reads only once it has sent all.
/// Reading and dropping costs little; the time is what bounds it.
const LINGER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Read at a time while lingering.
const LINGER_PIECE_BYTES: usize = 16 * 1024;

/// See the module.
pub struct StallGuard<Stream> {
    stream: Stream,
    stall_max: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

/// The end of a connection: the client has been told, what it still sends is dropped.
struct Linger {
    left_bytes: usize,
    sleep: Pin<Box<Sleep>>,
}

impl<Stream> StallGuard<Stream> {
    /// Guards `stream`.
    pub fn new(stream: Stream, stall_max: Duration) -> Self {
        Self {
            stream,
            stall_max,
            sleep: None,
            linger: None,
        }
    }

    fn watch<Value>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<Value>>,
    ) -> Poll<io::Result<Value>> {
        if polled.is_ready() {
            self.sleep = None;
            return polled;
        }
        let stall_max = self.stall_max;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall_max)));
        sleep.as_mut().poll(context).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client stopped reading",
            ))
        })
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for StallGuard<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<Stream: AsyncRead + AsyncWrite + Unpin> AsyncWrite for StallGuard<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            std::task::ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let linger = this.linger.get_or_insert_with(|| Linger {
            left_bytes: LINGER_BYTES_MAX,
            sleep: Box::pin(tokio::time::sleep(LINGER_TIME_MAX)),
        });
        let mut dropped = [0; LINGER_PIECE_BYTES];
        while linger.sleep.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut dropped);
            let read =
                std::task::ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            let bytes = buffer.filled().len();
            linger.left_bytes = linger.left_bytes.saturating_sub(bytes);
            // The client has closed its side, or sends more than anybody would by mistake.
            if read.is_err() || bytes == 0 || linger.left_bytes == 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
