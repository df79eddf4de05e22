//! What a timer asks for: everything that is due and that nobody works on.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;

use super::{Hall, HallError};
use crate::limits::{RUN_MESSAGES_MAX, RUN_PARALLEL_MAX, RUN_TIME_MS};

/// What a drain did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Customers' messages that had been left without an answer.
    pub answered: usize,
    /// Messages whose hand-over was tried.
    pub tried: usize,
    /// Attempts that were given up because their worker is gone.
    pub given_up: u64,
    /// Events that the contact log has now.
    pub reported: usize,
}

impl Hall {
    /// Does what is due. Several may run at once: each message is begun by one of them.
    ///
    /// # Errors
    /// When the database refuses; what was done is done.
    pub async fn drain(&self) -> Result<Drained, HallError> {
        let begun_at = self.store().now_unix_ms();
        let given_up = self.store().give_up_lost().await?;
        let waiting = self.store().lease_inbound(RUN_MESSAGES_MAX).await?;
        let answered = waiting.len();
        self.answer_all(waiting).await;
        let tried = AtomicUsize::new(0);
        let due = self.store().due(RUN_MESSAGES_MAX).await?;
        futures::stream::iter(due)
            .for_each_concurrent(RUN_PARALLEL_MAX, |message_id| {
                let tried = &tried;
                async move {
                    let is_in_time = self.store().now_unix_ms() - begun_at < RUN_TIME_MS;
                    if is_in_time && self.try_to_send(&message_id).await {
                        tried.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
            .await;
        let reported = self.report().await?;
        Ok(Drained {
            answered,
            tried: tried.into_inner(),
            given_up,
            reported,
        })
    }
}
