//! Rows that another thread reads: for readers that borrow from themselves, and so that a defect in a reader of foreign bytes ends the
//! import with an error and not the program.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::{Records, RowSource, SourceError};

/// Blocks that the thread may be ahead.
const BLOCKS_AHEAD: usize = 1;

/// What the thread says.
enum Message {
    Headings(Vec<String>),
    Rows(Records),
    End,
    Failed(SourceError),
}

/// The thread's side.
pub(super) struct Sender(SyncSender<Message>);

/// Nobody reads any more; the thread ends.
pub(super) struct Gone;

impl Sender {
    pub(super) fn headings(&self, headings: Vec<String>) -> Result<(), Gone> {
        self.0.send(Message::Headings(headings)).map_err(|_| Gone)
    }

    pub(super) fn rows(&self, records: Records) -> Result<(), Gone> {
        self.0.send(Message::Rows(records)).map_err(|_| Gone)
    }
}

/// Why a reading thread ends before the file does.
pub(super) enum Broken {
    Gone,
    Failed(SourceError),
}

impl From<Gone> for Broken {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<SourceError> for Broken {
    fn from(error: SourceError) -> Self {
        Self::Failed(error)
    }
}

/// Rows of a file that a thread reads.
pub(super) struct ThreadedRows {
    headings: Vec<String>,
    messages: Option<Receiver<Message>>,
    thread: Option<JoinHandle<()>>,
    /// What to say when the thread dies.
    on_death: fn() -> SourceError,
}

impl ThreadedRows {
    /// Starts `read`, which sends the headings first, and waits for them.
    pub(super) fn start(
        on_death: fn() -> SourceError,
        read: impl FnOnce(&Sender) -> Result<(), Broken> + Send + 'static,
    ) -> Result<Self, SourceError> {
        let (sender, messages) = sync_channel(BLOCKS_AHEAD);
        let thread = thread::Builder::new()
            .name("import-read".to_owned())
            .spawn(move || {
                let sender = Sender(sender);
                let last = match read(&sender) {
                    Ok(()) => Message::End,
                    Err(Broken::Failed(error)) => Message::Failed(error),
                    Err(Broken::Gone) => return,
                };
                // When nobody reads any more, the error has no reader either.
                let _ = sender.0.send(last);
            })?;
        let mut rows = Self {
            headings: Vec::new(),
            messages: Some(messages),
            thread: Some(thread),
            on_death,
        };
        match rows.next() {
            Message::Headings(headings) => rows.headings = headings,
            Message::Failed(error) => return Err(error),
            Message::Rows(_) | Message::End => return Err(SourceError::NoHeading),
        }
        Ok(rows)
    }

    fn next(&mut self) -> Message {
        let message = self
            .messages
            .as_ref()
            .and_then(|messages| messages.recv().ok());
        message.unwrap_or_else(|| Message::Failed((self.on_death)()))
    }
}

impl RowSource for ThreadedRows {
    fn headings(&self) -> &[String] {
        &self.headings
    }

    fn read(&mut self, records: &mut Records) -> Result<bool, SourceError> {
        match self.next() {
            Message::Rows(rows) => {
                *records = rows;
                Ok(true)
            }
            Message::End => Ok(false),
            Message::Failed(error) => Err(error),
            Message::Headings(_) => Err((self.on_death)()),
        }
    }
}

impl Drop for ThreadedRows {
    fn drop(&mut self) {
        // The thread ends at its next block once nobody listens.
        self.messages = None;
        if let Some(thread) = self.thread.take() {
            // Its panic, if it had one, was told as an error.
            let _ = thread.join();
        }
    }
}
