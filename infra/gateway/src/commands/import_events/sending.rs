//! From rows to acknowledged events: one thread reads, several send, and the answers are put back in the order of the rows.
//!
//! Memory is bounded: a batch is only read when a sender is free to take it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chudian_import::ImportError;
use chudian_import::events::{EventMaker, EventReject};
use chudian_import::rejects::RejectLimit;
use chudian_import::source::{Records, RowSource};
use indicatif::ProgressBar;
use serde::Deserialize;

use super::progress::{Done, Resumable};
use super::rejects::{RejectedRow, Rejects};
use crate::commands::client::{Client, Request};
use crate::commands::table::Say;

/// Where events are taken, and as what.
const EVENTS: &str = "/feedback/v1/events";
const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";
/// Events of a batch: what senders are advised to send.
const BATCH_EVENTS: usize = 500;
/// Bytes of a batch, so that one of long texts stays below the function's 4 MiB.
const BATCH_BYTES: usize = 3 << 20;
/// Rows of a batch, rejected ones included, so that progress shows in a table without an event.
const BATCH_ROWS: u64 = 5_000;
/// How often progress is kept, at most: each time costs two syncs of the disk.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// Rows from which on a share of rejects means something.
const SHARE_ROWS_MIN: u64 = 1_000;

/// What sending needs to know.
pub(super) struct Sending<'a> {
    /// Where to; nothing for a trial.
    pub(super) client: Option<&'a Client>,
    /// Makes the events.
    pub(super) maker: &'a EventMaker,
    /// Batches under way at once.
    pub(super) concurrency: usize,
    /// When to stop.
    pub(super) rejects_max: RejectLimit,
    /// Where progress is kept.
    pub(super) resumable: Option<&'a Resumable>,
    /// The language.
    pub(super) say: Say,
    /// Shows how far it is.
    pub(super) bar: &'a ProgressBar,
}

/// Rows on their way.
#[derive(Default)]
struct Batch {
    /// Its place among the batches.
    number: u64,
    /// Rows, rejected ones included.
    rows: u64,
    /// The events as a JSON array, without its brackets.
    events: String,
    /// The line of each event.
    lines: Vec<u64>,
    /// Rows that are no events.
    rejects: Vec<EventReject>,
}

/// What became of a batch.
struct Answered {
    rows: u64,
    accepted: u64,
    duplicates: u64,
    rejects: Vec<RejectedRow>,
}

#[derive(Deserialize)]
struct Answer {
    accepted: u64,
    duplicates: u64,
    results: Vec<EventAnswer>,
}

#[derive(Deserialize)]
struct EventAnswer {
    status: String,
    #[serde(default)]
    errors: Vec<EventError>,
    rejected_id: Option<String>,
}

#[derive(Deserialize)]
struct EventError {
    #[serde(default)]
    pointer: String,
    code: String,
    detail: String,
}

/// Sends every row behind `done`; what is done in the end.
pub(super) fn send(
    sending: &Sending<'_>,
    rows: Box<dyn RowSource>,
    done: Done,
    rejects: Rejects,
) -> anyhow::Result<Done> {
    let (batches, waiting) = sync_channel::<Batch>(0);
    // Whoever sends holds a share, so that reading ends when nobody sends any more.
    let waiting = Arc::new(Mutex::new(waiting));
    let (answers, answered) = sync_channel(sending.concurrency);
    let skip = done.rows;
    std::thread::scope(|scope| {
        for _ in 0..sending.concurrency {
            let (answers, waiting) = (answers.clone(), Arc::clone(&waiting));
            scope.spawn(move || send_batches(sending, &waiting, &answers));
        }
        drop(waiting);
        let read = scope.spawn(move || read(sending, rows, skip, &batches));
        drop(answers);
        let collected = collect(sending, answered, done, rejects);
        // A reader that failed ends the batches early; what was read before it is sent.
        let was_read = read
            .join()
            .map_err(|_| anyhow::anyhow!("a thread of the import ended early"))?;
        let done = collected?;
        was_read?;
        Ok(done)
    })
}

/// Reads all rows behind the first `skip` into batches, until there are none or nobody takes them.
fn read(
    sending: &Sending<'_>,
    mut rows: Box<dyn RowSource>,
    mut skip: u64,
    batches: &SyncSender<Batch>,
) -> anyhow::Result<()> {
    let told = |error: chudian_import::source::SourceError| {
        anyhow::anyhow!(ImportError::from(error).text(sending.say.words))
    };
    let mut records = Records::default();
    let mut batch = Batch::default();
    while rows.read(&mut records).map_err(told)? {
        for row in 0..records.len() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            batch.rows += 1;
            match sending.maker.of_row(records.line(row), records.cells(row)) {
                Ok(event) => {
                    if !batch.lines.is_empty() {
                        batch.events.push(',');
                    }
                    batch.events.push_str(&event.json);
                    batch.lines.push(event.line);
                }
                Err(reject) => batch.rejects.push(reject),
            }
            let is_full = batch.lines.len() == BATCH_EVENTS
                || batch.events.len() >= BATCH_BYTES
                || batch.rows == BATCH_ROWS;
            if is_full {
                let next = Batch {
                    number: batch.number + 1,
                    ..Batch::default()
                };
                if batches.send(std::mem::replace(&mut batch, next)).is_err() {
                    return Ok(());
                }
            }
        }
    }
    if batch.rows > 0 {
        // Nobody takes it when sending has failed, which the collector tells.
        let _ = batches.send(batch);
    }
    Ok(())
}

type BatchResult = (u64, anyhow::Result<Answered>);

fn send_batches(
    sending: &Sending<'_>,
    waiting: &Mutex<Receiver<Batch>>,
    answers: &SyncSender<BatchResult>,
) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(batch) = next else {
            return;
        };
        let number = batch.number;
        let result = send_batch(sending, batch);
        let failed = result.is_err();
        if answers.send((number, result)).is_err() || failed {
            return;
        }
    }
}

fn send_batch(sending: &Sending<'_>, batch: Batch) -> anyhow::Result<Answered> {
    let local = |reject: EventReject| RejectedRow {
        line: reject.line,
        place: reject.heading,
        code: reject.fault.code().to_owned(),
        reason: reject.fault.text(sending.say.words),
        kept_as: String::new(),
    };
    let mut answered = Answered {
        rows: batch.rows,
        accepted: 0,
        duplicates: 0,
        rejects: batch.rejects.into_iter().map(local).collect(),
    };
    let Some(client) = sending.client.filter(|_| !batch.lines.is_empty()) else {
        return Ok(answered);
    };
    let body = format!("[{}]", batch.events);
    let request = Request {
        method: "POST",
        path: EVENTS,
        content_type: BATCH_MEDIA_TYPE,
        idempotency_key: None,
        body: body.as_bytes(),
    };
    let answer = client
        .send_patiently(request)
        .map_err(|refused| refused.error)?;
    let answer: Answer = client.read(&answer)?;
    anyhow::ensure!(
        answer.results.len() == batch.lines.len(),
        "{} events, {} results",
        batch.lines.len(),
        answer.results.len()
    );
    answered.accepted = answer.accepted;
    answered.duplicates = answer.duplicates;
    let results = batch.lines.into_iter().zip(answer.results);
    for (line, result) in results.filter(|(_, result)| result.status == "rejected") {
        let first = result.errors.into_iter().next();
        let (place, code, reason) = first
            .map(|error| (error.pointer, error.code, error.detail))
            .unwrap_or_default();
        answered.rejects.push(RejectedRow {
            line,
            place,
            code,
            reason,
            kept_as: result.rejected_id.unwrap_or_default(),
        });
    }
    answered.rejects.sort_by_key(|reject| reject.line);
    Ok(answered)
}

/// Takes the answers in the order of the rows: counts, keeps rejects, keeps progress.
fn collect(
    sending: &Sending<'_>,
    answered: Receiver<BatchResult>,
    mut done: Done,
    mut rejects: Rejects,
) -> anyhow::Result<Done> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut failure = None;
    let mut kept = Instant::now();
    sending.bar.set_position(done.rows);
    while let Ok((number, result)) = answered.recv() {
        match result {
            Ok(answer) => {
                early.insert(number, answer);
            }
            // The others under way still count: what they acknowledged need not be sent again.
            Err(error) => failure = failure.or(Some(error)),
        }
        while let Some(answer) = early.remove(&next) {
            next += 1;
            done.rows += answer.rows;
            done.accepted += answer.accepted;
            done.duplicates += answer.duplicates;
            done.rejected += answer.rejects.len() as u64;
            rejects
                .keep(&answer.rejects)
                .context("rejects / 拒绝文件")?;
            sending.bar.set_position(done.rows);
        }
        let passed = sending.rejects_max.is_passed(done.rejected, done.rows);
        if failure.is_none() && passed && done.rows >= SHARE_ROWS_MIN {
            failure = Some(too_many(sending, &done));
        }
        if failure.is_some() {
            break;
        }
        if kept.elapsed() >= KEEP_EVERY {
            keep(sending, &mut done, &mut rejects)?;
            kept = Instant::now();
        }
    }
    drop(answered);
    keep(sending, &mut done, &mut rejects)?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(done),
    }
}

fn keep(sending: &Sending<'_>, done: &mut Done, rejects: &mut Rejects) -> anyhow::Result<()> {
    done.rejects_bytes = rejects.sync().context("rejects / 拒绝文件")?;
    sending
        .resumable
        .map_or(Ok(()), |resumable| resumable.keep(done))
}

fn too_many(sending: &Sending<'_>, done: &Done) -> anyhow::Error {
    let (rejected, rows, limit) = (done.rejected, done.rows, sending.rejects_max);
    anyhow::anyhow!(sending.say.language.pick(
        format!("{rejected} of {rows} rows were rejected, more than --rejects-max {limit} allows; what was accepted stays, the rest was not sent"),
        format!("{rows} 行中有 {rejected} 行被拒绝，超过 --rejects-max {limit}；已接受的保留，其余未发送"),
    ))
}
