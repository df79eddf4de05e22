//! Numbers and secrets at rest: sealed under a key that the database does not hold.
//!
//! ChaCha20-Poly1305 (RFC 8439) under a key derived from the installation's key of pseudonyms. What a sealed text belongs to goes in as
//! associated data, so that one row's text does not open as another's. A database without the key of pseudonyms gives away no number.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use chudian_vocabulary::access::Pepper;
use chudian_vocabulary::pseudonym::PseudonymKey;

/// Bytes of a nonce (RFC 8439). At random, two of a thousand million messages share one with a chance under 10^-11.
pub const NONCE_BYTES: usize = 12;

/// Words that part this use of the key from its others.
const PURPOSE: &[u8] = b"chudian sms-hall seal v1";

/// Why a sealed text does not open: it was changed, belongs to something else, or was sealed under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed text does not open under this key")]
pub struct SealError;

/// Seals and opens.
#[derive(Clone)]
pub struct Seal(ChaCha20Poly1305);

impl Seal {
    /// The seal of an installation.
    #[must_use]
    pub fn of(key: &PseudonymKey) -> Self {
        let derived = Pepper::new(&key.reveal()).hmac_sha256(PURPOSE);
        Self(ChaCha20Poly1305::new(&derived.into()))
    }

    /// Seals `text` for `owner`. The nonce must come from the system's random source.
    ///
    /// # Errors
    /// For texts beyond what the cipher takes, which are far beyond ours.
    pub fn close(
        &self,
        owner: &str,
        text: &str,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        let payload = Payload {
            msg: text.as_bytes(),
            aad: owner.as_bytes(),
        };
        let sealed = self
            .0
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| SealError)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for `owner`.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<String, SealError> {
        let (nonce, msg) = sealed.split_at_checked(NONCE_BYTES).ok_or(SealError)?;
        let payload = Payload {
            msg,
            aad: owner.as_bytes(),
        };
        let text = self
            .0
            .decrypt(Nonce::from_slice(nonce), payload)
            .map_err(|_| SealError)?;
        String::from_utf8(text).map_err(|_| SealError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone() {
        let seal = Seal::of(&PseudonymKey::from([1; 32]));
        let sealed = seal.close("m-1", "13812345678", [9; 12]).unwrap();
        assert_eq!(seal.open("m-1", &sealed).as_deref(), Ok("13812345678"));
        assert!(!sealed.windows(4).any(|four| four == b"1381"));
        assert_eq!(seal.open("m-2", &sealed), Err(SealError));
        let other = Seal::of(&PseudonymKey::from([2; 32]));
        assert_eq!(other.open("m-1", &sealed), Err(SealError));
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(seal.open("m-1", &changed), Err(SealError), "{position}");
        }
        assert_eq!(seal.open("m-1", b"short"), Err(SealError));
    }
}
