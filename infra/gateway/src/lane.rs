//! Lets components that compute for long take turns, so that all others on the thread hardly notice.
//!
//! Invariant: between two slices of long computations on a thread, every other task that is ready runs once. A hundred
//! endless loops therefore cost a bystander one slice of waiting, not a hundred.
//!
//! How: a component that used up its slice asks for a turn before the next one. A task of the thread gives one turn at a
//! time and lets the scheduler go round before it gives another.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

/// The turns of one thread.
#[derive(Debug, Default)]
pub struct Lane {
    waiting: RefCell<VecDeque<Rc<Turn>>>,
    arrived: Notify,
}

/// One worker's place in the lane.
#[derive(Debug, Default)]
pub struct Turn {
    granted: Cell<bool>,
    queued: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Lane {
    /// Ready when it is this worker's turn; uses the turn up. Else the task is woken when the turn comes.
    pub fn poll_turn(&self, turn: &Rc<Turn>, context: &Context<'_>) -> Poll<()> {
        if turn.granted.replace(false) {
            return Poll::Ready(());
        }
        turn.waker.replace(Some(context.waker().clone()));
        if !turn.queued.replace(true) {
            self.waiting.borrow_mut().push_back(Rc::clone(turn));
            self.arrived.notify_one();
        }
        Poll::Pending
    }

    /// Gives turns for as long as the thread runs.
    pub async fn run(self: Rc<Self>) {
        loop {
            let next = self.waiting.borrow_mut().pop_front();
            let Some(turn) = next else {
                self.arrived.notified().await;
                continue;
            };
            turn.queued.set(false);
            turn.granted.set(true);
            let waker = turn.waker.borrow_mut().take();
            if let Some(waker) = waker {
                waker.wake();
            }
            // Comes back after every ready task has run and the sockets were looked at.
            tokio::task::yield_now().await;
        }
    }
}
