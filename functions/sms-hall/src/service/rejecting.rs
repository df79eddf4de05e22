//! What is kept of callbacks that are not taken, so that somebody sees that a provider calls in vain.

use chudian_runtime::kept::KeptDocument;
use serde_json::Value;

use super::{Gateway, Hall};
use crate::limits::REJECTED_DOCUMENT_BYTES_MAX;
use crate::rejection::{Callback, Rejection};
use crate::store::NewRejected;
use crate::wire::{without_number, without_numbers};

/// A callback or an item of it as it is kept.
pub(super) fn rejected(
    gateway: &Gateway,
    callback: Callback,
    reason: Rejection,
    document: &[u8],
) -> NewRejected {
    let kept = KeptDocument::of(document, REJECTED_DOCUMENT_BYTES_MAX);
    NewRejected {
        rejected_id: kept.id(&[&gateway.id, callback.code(), reason.code()]),
        gateway_id: gateway.id.clone(),
        region: gateway.region.clone(),
        callback,
        reason,
        document: kept.text,
        is_whole: kept.is_whole,
        is_masked: kept.is_masked,
    }
}

/// An item as it is kept.
pub(super) fn rejected_item(
    gateway: &Gateway,
    callback: Callback,
    reason: Rejection,
    item: &Value,
) -> NewRejected {
    let shown = without_number(item.clone());
    let masked = shown != *item;
    let kept = rejected(gateway, callback, reason, shown.to_string().as_bytes());
    NewRejected {
        is_masked: kept.is_masked || masked,
        ..kept
    }
}

impl Hall {
    /// Keeps a whole callback that was not taken. Its sender is told so in any case; that it could not be kept is noted.
    pub async fn keep_callback(
        &self,
        gateway: &Gateway,
        callback: Callback,
        reason: Rejection,
        body: &[u8],
    ) {
        let shown = without_numbers(body);
        let kept = rejected(gateway, callback, reason, &shown);
        let kept = NewRejected {
            is_masked: kept.is_masked || shown != body,
            ..kept
        };
        self.keep(&[kept]).await;
    }

    pub(super) async fn keep(&self, rejected: &[NewRejected]) {
        if let Err(error) = self.store().keep_rejected(rejected).await {
            let cause = error.to_string();
            self.note("sms-rejected-not-kept", &[("cause", &cause)])
                .await;
        }
    }
}
