//! Writes to a key-value file in shared commits.
//!
//! A commit waits for the disk, which costs the same for one value as for a hundred. So writes go to one thread: while it waits
//! for the disk, further writes gather, and the next commit takes them all. A write that comes alone is committed at once;
//! nothing waits for company.
//!
//! Invariant: a write is answered after the commit that holds it, and then survives a power cut. A write that fails fails alone:
//! a group that could not be committed is done again write by write.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::connection::{Failed, Writer};

/// Values of one commit, unless one value alone is more: a commit of this size takes a fraction of a second on a plain disk,
/// and the log that holds it stays small.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// Writes of one commit: so many answers at once are no burden, and more would gain nothing.
const GROUP_WRITES_MAX: usize = 1024;

/// A value to store, or a key to remove.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) label: String,
    pub(crate) key: String,
    /// `None` removes the key.
    pub(crate) value: Option<Vec<u8>>,
    /// Told when it is on the disk.
    pub(crate) done: oneshot::Sender<Result<(), Failed>>,
}

/// The thread that writes. Ends, with everything written, when closed or dropped.
#[derive(Debug)]
pub(crate) struct WriterThread {
    writes: Option<Sender<Write>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Starts a writer for an existing file.
    pub(crate) fn start(path: PathBuf, busy_wait_max: Duration) -> std::io::Result<Self> {
        let (writes, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("chudian-kv-write".to_owned())
            .spawn(move || run(&path, busy_wait_max, &waiting))?;
        Ok(Self {
            writes: Some(writes),
            thread: Some(thread),
        })
    }

    /// Hands a write over; gives it back when the thread has ended.
    pub(crate) fn send(&self, write: Write) -> Result<(), Write> {
        match &self.writes {
            Some(writes) => writes.send(write).map_err(|refused| refused.0),
            None => Err(write),
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        drop(self.writes.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of a key-value file had panicked");
        }
    }
}

fn run(path: &Path, busy_wait_max: Duration, waiting: &Receiver<Write>) {
    let mut open = None;
    let mut left_over = None;
    while let Some(first) = left_over.take().or_else(|| waiting.recv().ok()) {
        let (group, next) = gather(first, waiting);
        left_over = next;
        if open.is_none() {
            match Writer::open(path, busy_wait_max) {
                Ok(writer) => open = Some(writer),
                Err(failed) => {
                    answer(group, &Err(failed));
                    continue;
                }
            }
        }
        if let Some(writer) = &mut open {
            commit(writer, group);
        }
    }
}

/// The first write and those that wait behind it, up to the limits of a commit; and the one that no longer fits.
fn gather(first: Write, waiting: &Receiver<Write>) -> (Vec<Write>, Option<Write>) {
    let mut bytes = bytes_of(&first);
    let mut group = vec![first];
    while group.len() < GROUP_WRITES_MAX
        && let Ok(write) = waiting.try_recv()
    {
        bytes = bytes.saturating_add(bytes_of(&write));
        if bytes > GROUP_BYTES_MAX {
            return (group, Some(write));
        }
        group.push(write);
    }
    (group, None)
}

fn bytes_of(write: &Write) -> usize {
    write.value.as_ref().map_or(0, Vec::len) + write.key.len()
}

fn commit(writer: &mut Writer, group: Vec<Write>) {
    let outcome = write_together(writer, &group);
    if outcome.is_ok() || group.len() == 1 {
        answer(group, &outcome);
        return;
    }
    for write in group {
        let outcome = write_together(writer, std::slice::from_ref(&write));
        answer(vec![write], &outcome);
    }
}

fn write_together(writer: &mut Writer, group: &[Write]) -> Result<(), Failed> {
    writer.begin()?;
    let written = group
        .iter()
        .try_for_each(|write| writer.write(&write.label, &write.key, write.value.as_deref()))
        .and_then(|()| writer.commit());
    if written.is_err() {
        writer.undo();
    }
    written
}

fn answer(group: Vec<Write>, outcome: &Result<(), Failed>) {
    for write in group {
        // The component may have gone; what it wrote stays.
        let _ = write.done.send(outcome.clone());
    }
}
