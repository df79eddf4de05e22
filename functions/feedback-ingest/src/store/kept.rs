//! A rejected event as it is kept.

use chudian_runtime::kept::KeptDocument;

use super::NewRejected;
use crate::fault::Finding;
use crate::limits::REJECTED_DOCUMENT_BYTES_MAX;

/// Who sent an event.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Id of the key.
    pub key_id: &'a str,
    /// Region of the key.
    pub region: Option<&'a str>,
}

/// The rejected event as it is kept; `document` is what was sent, in structured form where it could be read.
pub fn rejected_of(
    document: &[u8],
    first: &Finding,
    sender: Sender<'_>,
    received_unix_ms: i64,
) -> NewRejected {
    let kept = KeptDocument::of(document, REJECTED_DOCUMENT_BYTES_MAX);
    let reason = first.fault.code();
    NewRejected {
        rejected_id: kept.id(&[sender.key_id, reason]),
        received_unix_ms,
        key_id: sender.key_id.to_owned(),
        region: sender.region.map(str::to_owned),
        reason,
        pointer: first.pointer.clone(),
        document: kept.text,
        is_whole: kept.is_whole,
        is_masked: kept.is_masked,
    }
}
