//! Spreads requests that compute over the serving threads.
//!
//! The system spreads connections, not work: a thread may hold most of the busy ones while another has nothing to do. For short
//! requests that evens out, and handing one over would cost more than it takes. One that computes for milliseconds is given to
//! the thread that has the fewest of them.
//!
//! Invariant: a request that was handed over is answered or failed by the other thread before that thread ends; its connection,
//! its limits and its place in the component's gate stay where they were.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::worker::Job;

/// A job, and the index of its component.
pub type Handed = (usize, Job);

/// All serving threads, as each of them sees the others.
#[derive(Debug)]
pub struct Board {
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    /// Computing requests that were given to it and have no answer yet.
    computing: AtomicUsize,
    inbox: mpsc::UnboundedSender<Handed>,
}

/// One computing request of a thread, until dropped.
#[derive(Debug)]
pub struct Counted {
    board: Arc<Board>,
    thread: usize,
}

impl Board {
    /// A board for so many threads, and the inbox of each. What waits in an inbox is bounded by the components' gates.
    pub fn new(threads: usize) -> (Arc<Self>, Vec<mpsc::UnboundedReceiver<Handed>>) {
        let (threads, inboxes) = (0..threads)
            .map(|_| {
                let (inbox, handed) = mpsc::unbounded_channel();
                let thread = Thread {
                    computing: AtomicUsize::new(0),
                    inbox,
                };
                (thread, handed)
            })
            .unzip();
        (Arc::new(Self { threads }), inboxes)
    }

    /// Counts one more computing request, on the thread with the fewest; on `own` when that is one of them.
    pub fn choose(self: &Arc<Self>, own: usize) -> Counted {
        let load = |thread: usize| {
            self.threads.get(thread).map_or(usize::MAX, |thread| {
                thread.computing.load(Ordering::Relaxed)
            })
        };
        let thread = (0..self.threads.len())
            .min_by_key(|thread| (load(*thread), *thread != own))
            .unwrap_or(own);
        self.count(thread)
    }

    /// Counts one more computing request on this thread.
    pub fn count(self: &Arc<Self>, thread: usize) -> Counted {
        if let Some(thread) = self.threads.get(thread) {
            thread.computing.fetch_add(1, Ordering::Relaxed);
        }
        Counted {
            board: Arc::clone(self),
            thread,
        }
    }

    /// Computing requests of this thread, its own and those handed to it.
    pub fn computing(&self, thread: usize) -> usize {
        self.threads
            .get(thread)
            .map_or(0, |thread| thread.computing.load(Ordering::Relaxed))
    }
}

impl Counted {
    /// The thread that was chosen.
    pub fn thread(&self) -> usize {
        self.thread
    }

    /// Hands the job to that thread; gives it back when the thread has ended.
    pub fn hand_over(&self, component: usize, job: Job) -> Result<(), Box<Job>> {
        match self.board.threads.get(self.thread) {
            Some(thread) => thread
                .inbox
                .send((component, job))
                .map_err(|refused| Box::new(refused.0.1)),
            None => Err(Box::new(job)),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(thread) = self.board.threads.get(self.thread) {
            thread.computing.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: work goes where the least is, and stays where it is when that is as good.
    #[test]
    fn the_idlest_thread_is_chosen() {
        let (board, _inboxes) = Board::new(3);
        let chosen: Vec<_> = (0..6).map(|_| board.choose(1)).collect();
        let threads: Vec<usize> = chosen.iter().map(Counted::thread).collect();
        assert_eq!(threads, [1, 0, 2, 1, 0, 2]);
        drop(chosen);
        assert_eq!(
            (0..3).map(|thread| board.computing(thread)).sum::<usize>(),
            0
        );
    }
}
