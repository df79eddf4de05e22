//! The way of a part to the target: passed over when it has arrived before, sent by one of several threads otherwise.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

use chudian_dataset::schema::ColumnName;
use sha2::{Digest as _, Sha256};

use crate::ImportError;
use crate::state::hexadecimal;
use crate::target::{Arrived, Target, TargetError};

/// Parts on their way at a time: enough to keep the receiving side busy while the next segment is made.
const SENDERS: usize = 3;

/// What has been made, sent and passed over.
pub(super) struct Parts<'a> {
    outbox: Option<&'a Outbox<'a>>,
    arrived: &'a Arrived,
    pub(super) digest: Sha256,
    pub(super) sent: u64,
    pub(super) skipped: u64,
}

impl<'a> Parts<'a> {
    pub(super) fn new(outbox: Option<&'a Outbox<'a>>, arrived: &'a Arrived) -> Self {
        Self {
            outbox,
            arrived,
            digest: Sha256::new(),
            sent: 0,
            skipped: 0,
        }
    }

    pub(super) fn column(
        &mut self,
        segment: usize,
        name: &ColumnName,
        body: Vec<u8>,
    ) -> Result<(), ImportError> {
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let there = self.arrived.columns.get(&(segment, name.to_string()));
        let there = there.is_some_and(|there| *there == hexadecimal(&digest));
        self.part(
            digest,
            there,
            Part::Column {
                segment,
                name: name.clone(),
                body,
            },
        )
    }

    pub(super) fn pages(
        &mut self,
        first: u64,
        rows: u64,
        body: Vec<u8>,
    ) -> Result<(), ImportError> {
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let there = self
            .arrived
            .pages
            .get(&first)
            .is_some_and(|there| *there == hexadecimal(&digest));
        self.part(digest, there, Part::Pages { first, rows, body })
    }

    fn part(&mut self, digest: [u8; 32], there: bool, part: Part) -> Result<(), ImportError> {
        self.digest.update(digest);
        match self.outbox {
            Some(_) if there => self.skipped += 1,
            Some(outbox) => {
                outbox.send(part)?;
                self.sent += 1;
            }
            None => {}
        }
        Ok(())
    }
}

/// Something to send.
enum Part {
    Column {
        segment: usize,
        name: ColumnName,
        body: Vec<u8>,
    },
    Pages {
        first: u64,
        rows: u64,
        body: Vec<u8>,
    },
}

/// Sends parts by several threads.
pub(super) struct Outbox<'scope> {
    parts: SyncSender<Part>,
    senders: Vec<ScopedJoinHandle<'scope, ()>>,
    refusal: Arc<Mutex<Option<TargetError>>>,
}

impl<'scope> Outbox<'scope> {
    pub(super) fn start<'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        target: &'env dyn Target,
        import: &'env str,
    ) -> Self {
        let (parts, waiting) = sync_channel::<Part>(SENDERS);
        let waiting = Arc::new(Mutex::new(waiting));
        let refusal = Arc::new(Mutex::new(None));
        let senders = (0..SENDERS)
            .map(|_| {
                let (waiting, refusal) = (Arc::clone(&waiting), Arc::clone(&refusal));
                scope.spawn(move || {
                    loop {
                        let part = waiting
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .recv();
                        let Ok(part) = part else { return };
                        if refusal
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .is_some()
                        {
                            // Somebody was refused: what is still waiting is taken and let go.
                            continue;
                        }
                        let sent = match part {
                            Part::Column {
                                segment,
                                name,
                                body,
                            } => target.put_column(import, segment, &name, &body),
                            Part::Pages { first, rows, body } => {
                                target.put_pages(import, first, rows, &body)
                            }
                        };
                        if let Err(error) = sent {
                            refusal
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .get_or_insert(error);
                        }
                    }
                })
            })
            .collect();
        Self {
            parts,
            senders,
            refusal,
        }
    }

    fn refused(&self) -> Option<TargetError> {
        self.refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn send(&self, part: Part) -> Result<(), ImportError> {
        if let Some(error) = self.refused() {
            return Err(error.into());
        }
        self.parts.send(part).map_err(|_| ImportError::Thread)
    }

    /// Waits until everything is sent.
    pub(super) fn finish(self) -> Result<(), ImportError> {
        let Self {
            parts,
            senders,
            refusal,
        } = self;
        drop(parts);
        for sender in senders {
            sender.join().map_err(|_| ImportError::Thread)?;
        }
        let refused = refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        refused.map_or(Ok(()), |error| Err(error.into()))
    }
}
