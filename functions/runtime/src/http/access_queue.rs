//! Records of personal access that share a commit: the requests of one instance that arrive while one is being made durable are
//! recorded together by the next.
//!
//! Making a record durable costs a flush of the disk, far more than everything else in a look-up. A lone request records at once; many
//! at a time share a few flushes. Invariants: nobody is answered before its own record is durable; whenever something waits,
//! somebody leads or was woken to lead; a request that goes away leaves the others their turn. Nobody waits for time to pass.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ports::sql::{Sql, SqlError, SqlValue};
use crate::ports::{Bell, Rung, Signals};

/// Columns of a record, in the order of its values.
pub(super) const COLUMNS: &str = "(id, at_unix_ms, key_id, customer_id, action, request_id)";

/// Values of a record.
pub(super) const VALUES: usize = 6;

/// Records of one statement: more than an instance has requests at a time, and few enough parameters for every database.
const GROUP_MAX: usize = 64;

/// A request in the queue.
type Ticket = u64;

/// Where a request stands.
enum Slot {
    Waiting(Option<Bell>),
    Done(Result<(), SqlError>),
}

#[derive(Default)]
struct Queue {
    last_ticket: Ticket,
    waiting: VecDeque<(Ticket, Vec<SqlValue>)>,
    /// Of every request that is still there.
    slots: BTreeMap<Ticket, Slot>,
    is_led: bool,
}

impl Queue {
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

/// The queue of one instance.
pub(super) struct AccessQueue {
    signals: Arc<dyn Signals>,
    queue: Mutex<Queue>,
}

impl AccessQueue {
    pub(super) fn new(signals: Arc<dyn Signals>) -> Self {
        Self {
            signals,
            queue: Mutex::default(),
        }
    }

    /// Makes the record `values` durable, together with others that wait.
    pub(super) async fn record(&self, sql: &Sql, values: Vec<SqlValue>) -> Result<(), SqlError> {
        let entry = self.enter(values);
        loop {
            match entry.turn() {
                Turn::Done(outcome) => return outcome,
                // One statement may not reach this request, when many came before it.
                Turn::Lead(lead) => lead.record_next(sql).await,
                Turn::Listen(rung) => rung.await,
            }
        }
    }

    fn enter(&self, values: Vec<SqlValue>) -> Entry<'_> {
        let mut queue = self.lock();
        queue.last_ticket += 1;
        let ticket = queue.last_ticket;
        queue.slots.insert(ticket, Slot::Waiting(None));
        queue.waiting.push_back((ticket, values));
        Entry {
            shared: self,
            ticket,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's stay in the queue.
struct Entry<'a> {
    shared: &'a AccessQueue,
    ticket: Ticket,
}

/// What a request is to do next.
enum Turn<'a> {
    Done(Result<(), SqlError>),
    Lead(Lead<'a>),
    Listen(Rung),
}

impl<'a> Entry<'a> {
    fn turn(&self) -> Turn<'a> {
        let mut queue = self.shared.lock();
        if let Some(Slot::Done(outcome)) = queue.slots.remove(&self.ticket) {
            return Turn::Done(outcome);
        }
        if queue.is_led {
            let (bell, rung) = self.shared.signals.pair();
            queue.slots.insert(self.ticket, Slot::Waiting(Some(bell)));
            return Turn::Listen(rung);
        }
        queue.slots.insert(self.ticket, Slot::Waiting(None));
        queue.is_led = true;
        let count = queue.waiting.len().min(GROUP_MAX);
        Turn::Lead(Lead {
            shared: self.shared,
            group: queue.waiting.drain(..count).collect(),
        })
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.slots.remove(&self.ticket);
        queue.waiting.retain(|(ticket, _)| *ticket != self.ticket);
        // It may have been woken to lead and gone before it could.
        let next = if queue.is_led { None } else { queue.end_lead() };
        drop(queue);
        // Rings.
        drop(next);
    }
}

/// The right to record, and what is being recorded. Given up when dropped, also in the middle.
struct Lead<'a> {
    shared: &'a AccessQueue,
    group: Vec<(Ticket, Vec<SqlValue>)>,
}

impl Lead<'_> {
    async fn record_next(mut self, sql: &Sql) {
        let values = self
            .group
            .iter()
            .flat_map(|(_, values)| values.iter().cloned())
            .collect();
        let outcome = sql
            .execute(&insert_of(self.group.len()), values)
            .await
            .map(drop);
        let mut bells = Vec::with_capacity(self.group.len());
        let mut queue = self.shared.lock();
        for (ticket, _) in std::mem::take(&mut self.group) {
            // A request that went away has no slot any more; that its access is on record does no harm.
            if let Some(slot) = queue.slots.get_mut(&ticket)
                && let Slot::Waiting(Some(bell)) =
                    std::mem::replace(slot, Slot::Done(outcome.clone()))
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
        let mut queue = self.shared.lock();
        for (ticket, values) in std::mem::take(&mut self.group).into_iter().rev() {
            if queue.slots.contains_key(&ticket) {
                queue.waiting.push_front((ticket, values));
            }
        }
        let next = queue.end_lead();
        drop(queue);
        // Rings.
        drop(next);
    }
}

/// The statement for so many records. A record that an abandoned leader stored already is left as it is.
fn insert_of(records: usize) -> String {
    let row = |record: usize| {
        let numbers = (1..=VALUES).map(|value| format!("${}", record * VALUES + value));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    let rows = (0..records).map(row).collect::<Vec<_>>().join(", ");
    format!("insert into personal_access {COLUMNS} values {rows} on conflict (id) do nothing")
}
