//! A host connection pinned to a guest's handle: one statement at a time, in the order in which they came.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

/// The place of one connection, empty while the handle needs none, and once its connection is lost.
#[derive(Debug)]
pub(crate) struct Pin<Connection> {
    slot: Arc<Mutex<Option<Connection>>>,
    wanted: Arc<Wanted>,
}

/// Tells the statement that holds a connection that another waits for it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    waiting: AtomicUsize,
    arrived: Notify,
}

struct Waiting<'wanted>(&'wanted Wanted);

impl<Connection> Pin<Connection> {
    /// A handle that has no connection yet.
    pub(crate) fn empty() -> Self {
        Self {
            slot: Arc::new(Mutex::new(None)),
            wanted: Arc::default(),
        }
    }

    /// Waits for the statements before this one. A statement whose rows nobody reads gives the connection up when it is
    /// wanted, see [`Wanted::arrived`]; so an undrained result does not block the next statement.
    pub(crate) async fn lock(&self) -> OwnedMutexGuard<Option<Connection>> {
        if let Ok(guard) = Arc::clone(&self.slot).try_lock_owned() {
            return guard;
        }
        let _waiting = Waiting::announce(&self.wanted);
        Arc::clone(&self.slot).lock_owned().await
    }

    pub(crate) fn wanted(&self) -> Arc<Wanted> {
        Arc::clone(&self.wanted)
    }

    /// The slot, for giving the connection back.
    pub(crate) fn slot(&self) -> Arc<Mutex<Option<Connection>>> {
        Arc::clone(&self.slot)
    }
}

impl<'wanted> Waiting<'wanted> {
    fn announce(wanted: &'wanted Wanted) -> Self {
        wanted.waiting.fetch_add(1, Ordering::SeqCst);
        wanted.arrived.notify_waiters();
        Self(wanted)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Wanted {
    /// Ready as soon as somebody waits for the connection.
    pub(crate) async fn arrived(&self) {
        let arrived = self.arrived.notified();
        let mut arrived = std::pin::pin!(arrived);
        // Registered before the counter is read: who comes in between is seen by one of the two.
        arrived.as_mut().enable();
        if self.waiting.load(Ordering::SeqCst) == 0 {
            arrived.await;
        }
    }
}
