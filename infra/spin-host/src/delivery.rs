//! Carries the rows of a statement to the guest.
//!
//! A small result is read whole before the guest is answered: no task, no waiting, no wake-up. A large one is streamed: the
//! statement goes on in a task of its own and waits whenever a bounded number of bytes waits to be read. When the guest
//! drops both the rows and the outcome (or its store goes away), the statement is dropped, which stops it. When it drops the
//! rows alone, the statement runs to its end, for it may be one that changes something.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::{join, poll_fn};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use crate::pinned::Wanted;
use crate::settings::ResultLimits;

/// Rows that wait for the guest, beside the bound on bytes: more do not make reading faster.
const ROWS_BUFFERED_MAX: usize = 64;
/// Bytes are counted in this unit, because a semaphore counts in `u32`.
const BUDGET_UNIT_BYTES: u64 = 64;

/// A result went over a limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// More rows than this.
    Rows(u64),
    /// More bytes than this.
    Bytes(u64),
}

impl std::fmt::Display for Overflow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (limit, unit) = match self {
            Self::Rows(limit) => (limit, "rows"),
            Self::Bytes(limit) => (limit, "bytes"),
        };
        write!(
            formatter,
            "the result has more than {limit} {unit}; ask for less, for example with LIMIT"
        )
    }
}

struct Parcel<Row> {
    row: Row,
    _budget: Option<OwnedSemaphorePermit>,
}

/// The statement's end.
pub(crate) struct Sender<Row> {
    parcels: mpsc::Sender<Parcel<Row>>,
    budget: Arc<Semaphore>,
    limits: ResultLimits,
    rows: u64,
    bytes: u64,
    wanted: Arc<Wanted>,
    waits: Arc<AtomicBool>,
    /// Rows kept aside after somebody asked for the connection: the statement then runs to its end and is delivered
    /// afterwards. Bounded by the limits of the result.
    aside: Vec<Row>,
}

/// The guest's end.
pub(crate) struct Receiver<Row> {
    parcels: mpsc::Receiver<Parcel<Row>>,
    waits: Arc<AtomicBool>,
}

/// How far a statement came before the guest is answered.
pub(crate) enum Delivery<Row, Failure> {
    /// To its end: all rows, and whether it failed after them.
    Whole(Vec<Row>, Result<(), Failure>),
    /// The rest comes as a stream, and at last whether it failed.
    Streaming(Receiver<Row>, oneshot::Receiver<Result<(), Failure>>),
}

/// A pair of ends. `wanted` tells when another statement waits for the same connection.
pub(crate) fn channel<Row>(
    limits: ResultLimits,
    wanted: Arc<Wanted>,
) -> (Sender<Row>, Receiver<Row>) {
    let (sender, receiver) = mpsc::channel(ROWS_BUFFERED_MAX);
    let budget = Arc::new(Semaphore::new(
        budget_units(limits.buffered_bytes_max.into()) as usize,
    ));
    let waits = Arc::new(AtomicBool::new(false));
    let sender = Sender {
        parcels: sender,
        budget,
        limits,
        rows: 0,
        bytes: 0,
        wanted,
        waits: Arc::clone(&waits),
        aside: Vec::new(),
    };
    (
        sender,
        Receiver {
            parcels: receiver,
            waits,
        },
    )
}

/// The permits for a number of bytes; at least one, and never more than a semaphore holds.
fn budget_units(bytes: u64) -> u32 {
    /// A semaphore holds at most `usize::MAX >> 3` permits, which is this on machines of 32 bits.
    const UNITS_MAX: u32 = u32::MAX >> 3;
    u32::try_from(bytes.div_ceil(BUDGET_UNIT_BYTES))
        .unwrap_or(UNITS_MAX)
        .clamp(1, UNITS_MAX)
}

impl<Row: Send> Sender<Row> {
    /// Sends a row of about `bytes`, waiting for the reader where necessary. A row that nobody wants any more is dropped.
    pub(crate) async fn send(&mut self, row: Row, bytes: u64) -> Result<(), Overflow> {
        self.count(bytes)?;
        if !self.aside.is_empty() {
            if !self.parcels.is_closed() {
                self.aside.push(row);
            }
            return Ok(());
        }
        // A row larger than the whole budget waits until nothing else is buffered.
        let units = budget_units(bytes).min(budget_units(self.limits.buffered_bytes_max.into()));
        if let (Ok(budget), Ok(slot)) = (
            Arc::clone(&self.budget).try_acquire_many_owned(units),
            self.parcels.try_reserve(),
        ) {
            slot.send(Parcel {
                row,
                _budget: Some(budget),
            });
            return Ok(());
        }
        self.waits.store(true, Ordering::Relaxed);
        let room = async {
            let slot = self.parcels.reserve().await.ok()?;
            let budget = tokio::select! {
                budget = Arc::clone(&self.budget).acquire_many_owned(units) => budget.ok(),
                () = self.parcels.closed() => None,
            };
            Some((slot, budget))
        };
        tokio::select! {
            biased;
            room = room => if let Some((slot, budget)) = room {
                slot.send(Parcel { row, _budget: budget });
            },
            () = self.wanted.arrived() => self.aside.push(row),
        }
        self.waits.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Delivers what was kept aside. To be called after the connection was given up.
    pub(crate) async fn finish(self) {
        for row in self.aside {
            self.waits.store(true, Ordering::Relaxed);
            if self
                .parcels
                .send(Parcel { row, _budget: None })
                .await
                .is_err()
            {
                return;
            }
        }
    }

    fn count(&mut self, bytes: u64) -> Result<(), Overflow> {
        self.rows += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.rows > self.limits.rows_max {
            return Err(Overflow::Rows(self.limits.rows_max));
        }
        if self.bytes > self.limits.bytes_max {
            return Err(Overflow::Bytes(self.limits.bytes_max));
        }
        Ok(())
    }

    /// Ready when the guest has dropped the rows. Does not keep the stream open.
    fn closed(&self) -> impl Future<Output = ()> + Send + 'static
    where
        Row: 'static,
    {
        let parcels = self.parcels.downgrade();
        async move {
            // While the statement runs, it holds the other sender.
            if let Some(parcels) = parcels.upgrade() {
                parcels.closed().await;
            }
        }
    }
}

impl<Row> Receiver<Row> {
    fn take_ready(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        while let Ok(parcel) = self.parcels.try_recv() {
            rows.push(parcel.row);
        }
        rows
    }
}

/// Runs a statement until it ends or until its rows have to wait for the guest; then it goes on in a task.
///
/// `statement` gets the sender and must end it with [`Sender::finish`].
pub(crate) async fn deliver<Row, Failure, Statement>(
    sender: Sender<Row>,
    mut receiver: Receiver<Row>,
    statement: impl FnOnce(Sender<Row>) -> Statement,
) -> Delivery<Row, Failure>
where
    Statement: Future<Output = Result<(), Failure>> + Send + 'static,
    Row: Send + 'static,
    Failure: Send + 'static,
{
    let rows_dropped = sender.closed();
    let mut statement = Box::pin(statement(sender));
    let waits = Arc::clone(&receiver.waits);
    let finished = poll_fn(|context| match statement.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if waits.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    match finished {
        Some(outcome) => Delivery::Whole(receiver.take_ready(), outcome),
        None => {
            let (mut outcome_sender, outcome_receiver) = oneshot::channel();
            tokio::spawn(async move {
                let outcome = {
                    let nobody_cares = pin!(join(rows_dropped, outcome_sender.closed()));
                    tokio::select! {
                        biased;
                        outcome = statement => Some(outcome),
                        _ = nobody_cares => None,
                    }
                };
                // Fails only when nobody asks for the outcome.
                outcome.map(|outcome| outcome_sender.send(outcome));
            });
            Delivery::Streaming(receiver, outcome_receiver)
        }
    }
}

impl<Row: Send + 'static, Failure> Delivery<Row, Failure> {
    /// All rows, for the forms of the interface that do not stream.
    pub(crate) async fn collect(self, lost: impl FnOnce() -> Failure) -> Result<Vec<Row>, Failure> {
        match self {
            Self::Whole(rows, outcome) => outcome.map(|()| rows),
            Self::Streaming(mut receiver, outcome) => {
                let mut rows = Vec::new();
                while let Some(parcel) = receiver.parcels.recv().await {
                    rows.push(parcel.row);
                }
                outcome.await.unwrap_or_else(|_| Err(lost())).map(|()| rows)
            }
        }
    }
}

impl<Row: Send + Sync + 'static, Data> StreamProducer<Data> for Receiver<Row> {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'a, Data>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // The guest only asks whether it may read; it finds out when it does.
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut parcels = Vec::new();
        match self
            .parcels
            .poll_recv_many(context, &mut parcels, ROWS_BUFFERED_MAX)
        {
            Poll::Ready(0) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(_) => {
                let rows: Vec<Row> = parcels.into_iter().map(|parcel| parcel.row).collect();
                destination.set_buffer(rows.into());
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}
