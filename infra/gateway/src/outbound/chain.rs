//! Calls from one component to another: in this process, on this thread, without a socket.
//!
//! Invariant: a chained request passes the same gate and limits as one from outside, and reaches private components, which
//! one from outside cannot.
//!
//! The handlers live on their thread and cannot leave it; the hook's future must be able to. So the future finds the
//! handlers through a thread-local when it runs, which is always on the thread of the component that called.

use std::cell::RefCell;
use std::rc::Rc;

use wasmtime_wasi_http::{Error, WasiBody};

use super::BoxedIo;
use crate::shard::Shard;

thread_local! {
    static SHARD: RefCell<Option<Rc<Shard>>> = const { RefCell::new(None) };
}

/// Makes the thread's handlers known to the components that run on it.
pub fn serve_this_thread(shard: &Rc<Shard>) {
    SHARD.with(|known| known.replace(Some(Rc::clone(shard))));
}

/// Forgets the thread's handlers, which ends the circle between them and their instances.
pub fn leave_this_thread() {
    SHARD.with(|known| known.replace(None));
}

/// Sends a request to the component named, whether it runs here or on another gateway.
pub async fn send(
    component: String,
    request: http::Request<WasiBody>,
    depth: u32,
) -> Result<(http::Response<WasiBody>, BoxedIo), Error> {
    let answer = with_shard(|shard| shard.chained(&component, request, depth))?;
    Ok((answer.await?, nothing_left_to_do()))
}

/// Sends a request to the application itself, where its path leads to.
pub async fn send_to_itself(
    request: http::Request<WasiBody>,
    depth: u32,
) -> Result<(http::Response<WasiBody>, BoxedIo), Error> {
    let answer = with_shard(|shard| shard.chained_to_itself(request, depth))?;
    Ok((answer.await?, nothing_left_to_do()))
}

fn with_shard<Answer>(ask: impl FnOnce(&Rc<Shard>) -> Answer) -> Result<Answer, Error> {
    SHARD
        .with(|known| known.borrow().as_ref().map(ask))
        .ok_or(Error::DestinationUnavailable)
}

fn nothing_left_to_do() -> BoxedIo {
    Box::new(std::future::ready(Ok(())))
}
