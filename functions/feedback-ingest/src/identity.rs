//! Which event it is, and what it says, as numbers: two events are the same when their identities agree.
//!
//! The identity is the head of SHA-256 over `source` and `id`, 128 bits as two numbers, so that its table stays narrow whatever
//! senders write. Two of a hundred thousand million events share one by chance with a probability under 10^-16. The content is
//! hashed from what was understood, in a fixed order, and not from the bytes: a resend through another HTTP mode, with other
//! spacing, or with a tracing attribute added on the way says the same.

use chudian_vocabulary::contact::EventKind;
use sha2::{Digest as _, Sha256};

use crate::field::Field;

/// Identity of an event, by `source` and `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// First eight bytes of the hash.
    pub high: i64,
    /// Next eight bytes of the hash.
    pub low: i64,
}

impl Identity {
    /// The identity of the event with this `source` and `id`.
    #[must_use]
    pub fn of(source: &str, id: &str) -> Self {
        let mut hash = Sha256::new();
        // The length parts the two, so that no other pair runs together to the same bytes.
        hash.update((source.len() as u64).to_be_bytes());
        hash.update(source);
        hash.update(id);
        let digest: [u8; 32] = hash.finalize().into();
        Self {
            high: number_at(&digest, 0),
            low: number_at(&digest, 8),
        }
    }

    /// The identity as sixteen bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.high.to_be_bytes());
        bytes[8..].copy_from_slice(&self.low.to_be_bytes());
        bytes
    }
}

/// Collects what an event says, in the order of the fields.
pub struct ContentHash(Sha256);

impl ContentHash {
    /// Begins with the kind and the event's own time, where it has one.
    #[must_use]
    pub fn new(kind: EventKind, at_unix_ms: Option<i64>) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind.code());
        hash.update([0]);
        if let Some(at_unix_ms) = at_unix_ms {
            hash.update(at_unix_ms.to_be_bytes());
        }
        Self(hash)
    }

    /// Adds the text of a field.
    pub fn text(&mut self, field: Field, text: &str) {
        // No field is longer than its limit, so one byte for its place and eight for its length part the fields.
        self.0.update([field.index() as u8]);
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    /// Adds the number of a field.
    pub fn number(&mut self, field: Field, number: i64) {
        self.0.update([field.index() as u8]);
        self.0.update(number.to_be_bytes());
    }

    /// The first eight bytes: 64 bits tell apart what two senders say under one identity.
    #[must_use]
    pub fn finish(self) -> i64 {
        let digest: [u8; 32] = self.0.finalize().into();
        number_at(&digest, 0)
    }
}

fn number_at(digest: &[u8; 32], start: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[start..start + 8]);
    i64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_and_id_do_not_run_together() {
        assert_eq!(Identity::of("/a", "b"), Identity::of("/a", "b"));
        assert_ne!(Identity::of("/a", "b"), Identity::of("/ab", ""));
        assert_ne!(Identity::of("/a", "b"), Identity::of("/", "ab"));
        assert_ne!(Identity::of("/a", "b"), Identity::of("b", "/a"));
    }

    /// Goal: the hash is fixed for ever, since stored identities are compared with it. The value is SHA-256 as `sha256sum` computes
    /// it of eight bytes 0…02, `/a`, `b`.
    #[test]
    fn the_identity_is_the_head_of_sha_256() {
        let digest: [u8; 32] = Sha256::digest(b"\0\0\0\0\0\0\0\x02/ab").into();
        assert_eq!(Identity::of("/a", "b").bytes(), digest[..16]);
    }

    #[test]
    fn fields_do_not_run_together() {
        let of = |texts: &[(Field, &str)]| {
            let mut hash = ContentHash::new(EventKind::Order, Some(1));
            for (field, text) in texts {
                hash.text(*field, text);
            }
            hash.finish()
        };
        assert_ne!(
            of(&[(Field::Campaign, "ab")]),
            of(&[(Field::Campaign, "a"), (Field::Batch, "b")])
        );
        assert_ne!(of(&[(Field::Campaign, "a")]), of(&[(Field::Batch, "a")]));
    }
}
