//! Group commit: requests of one instance that arrive while a commit runs are committed together by the next one.
//!
//! A request puts its events into the queue. If nobody commits just then, it leads: it takes what waits (its own events and those of
//! others, in the order of their coming, up to a bound), commits it, gives every one its verdicts, and hands the lead to the first that
//! still waits. So a lone request is committed at once, a hundred share a few commits, and nobody waits for time to pass.
//!
//! Invariants: the queue is bounded, and whoever does not fit is told to come again; whenever something waits, somebody leads or has
//! been woken to lead; a request that goes away takes its events along, and if it was the one that leads, the others' events go back
//! to the head of the queue (a commit that reached the database all the same makes them duplicates, which is right: they are
//! stored); when a commit fails because of what is in it, each request is tried alone, so that nobody suffers for another's events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chudian_runtime::ports::sql::SqlError;
use chudian_runtime::ports::{Bell, Rung, Signals};

use super::submission::Submission;
use crate::limits::{COMMIT_EVENTS_MAX, QUEUE_BYTES_MAX, QUEUE_EVENTS_MAX};
use crate::store::{Group, Store, Verdict};

/// Why a request's events were not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The queue has no room: nothing was done.
    Full,
    /// The database refused.
    Sql(SqlError),
}

/// The queue of one instance. Clones share it.
#[derive(Clone)]
pub struct Committer {
    inner: Arc<CommitterInner>,
}

struct CommitterInner {
    store: Store,
    signals: Arc<dyn Signals>,
    queue: Mutex<Queue>,
}

/// A request in the queue.
type Ticket = u64;

/// The verdicts of a request's new events.
type Outcome = Result<Vec<Verdict>, SqlError>;

/// Where a request stands.
enum Slot {
    /// Its events wait or are being committed; it listens for this.
    Waiting(Option<Bell>),
    /// Its outcome is there.
    Done(Outcome),
}

#[derive(Default)]
struct Queue {
    last_ticket: Ticket,
    waiting: VecDeque<(Ticket, Arc<Submission>)>,
    /// Of every request that is still there.
    slots: BTreeMap<Ticket, Slot>,
    is_led: bool,
    /// Of the requests that are still there.
    events: usize,
    bytes: usize,
}

impl Queue {
    /// Takes the requests of the next commit: at least one, then as many as fit.
    fn take_group(&mut self) -> Vec<(Ticket, Arc<Submission>)> {
        let mut group = Vec::new();
        let mut events = 0;
        while let Some((_, submission)) = self.waiting.front() {
            events += submission.len();
            if !group.is_empty() && events > COMMIT_EVENTS_MAX {
                break;
            }
            group.extend(self.waiting.pop_front());
        }
        group
    }

    /// Ends the lead; the bell of whoever is to lead next, if it listens already.
    fn end_lead(&mut self) -> Option<Bell> {
        self.is_led = false;
        let (next, _) = self.waiting.front()?;
        match self.slots.get_mut(next)? {
            Slot::Waiting(bell) => bell.take(),
            Slot::Done(_) => None,
        }
    }
}

impl Committer {
    /// A queue before `store`, whose requests wait for each other by `signals`.
    pub fn new(store: Store, signals: Arc<dyn Signals>) -> Self {
        Self {
            inner: Arc::new(CommitterInner {
                store,
                signals,
                queue: Mutex::default(),
            }),
        }
    }

    /// Commits a request's events, durably, and gives the verdicts of its new events.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing may be acknowledged, and sending again is right.
    pub async fn commit(&self, submission: Arc<Submission>) -> Result<Vec<Verdict>, Refusal> {
        let entry = self.enter(submission).ok_or(Refusal::Full)?;
        loop {
            match entry.turn() {
                Turn::Done(outcome) => return outcome.map_err(Refusal::Sql),
                // One round may not reach this request, when many came before it.
                Turn::Lead(lead) => lead.commit_next().await,
                Turn::Listen(rung) => rung.await,
            }
        }
    }

    /// Puts a request into the queue; nothing when it does not fit. One alone always fits.
    fn enter(&self, submission: Arc<Submission>) -> Option<Entry<'_>> {
        let (events, bytes) = (submission.len(), submission.bytes());
        let mut queue = self.queue();
        let fits =
            queue.events + events <= QUEUE_EVENTS_MAX && queue.bytes + bytes <= QUEUE_BYTES_MAX;
        if !queue.slots.is_empty() && !fits {
            return None;
        }
        queue.last_ticket += 1;
        let ticket = queue.last_ticket;
        queue.events += events;
        queue.bytes += bytes;
        queue.slots.insert(ticket, Slot::Waiting(None));
        queue.waiting.push_back((ticket, submission));
        Some(Entry {
            committer: self,
            ticket,
            events,
            bytes,
        })
    }

    /// The outcome of each request of a group, in its order.
    async fn outcomes(&self, group: &[(Ticket, Arc<Submission>)]) -> Vec<Outcome> {
        let together: Vec<&Submission> = group.iter().map(|(_, one)| one.as_ref()).collect();
        match self.commit_together(&together).await {
            Ok(verdicts) => verdicts.into_iter().map(Ok).collect(),
            Err(error) if together.len() > 1 && lies_in_the_events(&error) => {
                let mut outcomes = Vec::with_capacity(together.len());
                for one in together {
                    let alone = self.commit_together(&[one]).await;
                    outcomes.push(alone.map(|mut verdicts| verdicts.pop().unwrap_or_default()));
                }
                outcomes
            }
            Err(error) => vec![Err(error); together.len()],
        }
    }

    /// Commits requests in one transaction; the verdicts of each.
    async fn commit_together(
        &self,
        together: &[&Submission],
    ) -> Result<Vec<Vec<Verdict>>, SqlError> {
        let group = Group {
            events: together.iter().flat_map(|one| one.new_events()).collect(),
            rejected: together.iter().flat_map(|one| one.rejected()).collect(),
        };
        let mut verdicts = self.inner.store.commit(&group).await?.into_iter();
        Ok(together
            .iter()
            .map(|one| verdicts.by_ref().take(one.new_events().len()).collect())
            .collect())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.inner
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a commit failed because of what was in it, and not because the database is busy, away or full.
fn lies_in_the_events(error: &SqlError) -> bool {
    match error {
        SqlError::UniqueViolation(_)
        | SqlError::ConstraintViolation(_)
        | SqlError::Statement(_)
        | SqlError::Shape(_) => true,
        SqlError::Busy(_) | SqlError::Full(_) | SqlError::Unavailable(_) => false,
    }
}

/// A request's stay in the queue: it leaves with its room, whatever ends it.
struct Entry<'a> {
    committer: &'a Committer,
    ticket: Ticket,
    events: usize,
    bytes: usize,
}

/// What a request is to do next.
enum Turn<'a> {
    /// Go: this became of its events.
    Done(Outcome),
    /// Commit.
    Lead(Lead<'a>),
    /// Wait, and look again.
    Listen(Rung),
}

impl<'a> Entry<'a> {
    fn turn(&self) -> Turn<'a> {
        let mut queue = self.committer.queue();
        if let Some(Slot::Done(outcome)) = queue.slots.remove(&self.ticket) {
            return Turn::Done(outcome);
        }
        if queue.is_led {
            let (bell, rung) = self.committer.inner.signals.pair();
            queue.slots.insert(self.ticket, Slot::Waiting(Some(bell)));
            return Turn::Listen(rung);
        }
        queue.slots.insert(self.ticket, Slot::Waiting(None));
        queue.is_led = true;
        Turn::Lead(Lead {
            committer: self.committer,
            group: queue.take_group(),
        })
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut queue = self.committer.queue();
        queue.events -= self.events;
        queue.bytes -= self.bytes;
        queue.slots.remove(&self.ticket);
        queue.waiting.retain(|(ticket, _)| *ticket != self.ticket);
        // It may have been woken to lead and gone before it could.
        let next = if queue.is_led { None } else { queue.end_lead() };
        drop(queue);
        // Rings.
        drop(next);
    }
}

/// The right to commit, and what is being committed. Given up when dropped, also in the middle.
struct Lead<'a> {
    committer: &'a Committer,
    group: Vec<(Ticket, Arc<Submission>)>,
}

impl Lead<'_> {
    async fn commit_next(mut self) {
        let outcomes = self.committer.outcomes(&self.group).await;
        let mut bells = Vec::with_capacity(outcomes.len());
        let mut queue = self.committer.queue();
        for ((ticket, _), outcome) in std::mem::take(&mut self.group).into_iter().zip(outcomes) {
            // A request that went away has no slot any more.
            if let Some(slot) = queue.slots.get_mut(&ticket)
                && let Slot::Waiting(Some(bell)) = std::mem::replace(slot, Slot::Done(outcome))
            {
                bells.push(bell);
            }
        }
        drop(queue);
        // Rings.
        drop(bells);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.committer.queue();
        for (ticket, submission) in std::mem::take(&mut self.group).into_iter().rev() {
            if queue.slots.contains_key(&ticket) {
                queue.waiting.push_front((ticket, submission));
            }
        }
        let next = queue.end_lead();
        drop(queue);
        // Rings.
        drop(next);
    }
}
