//! Standard Webhooks signatures: HMAC-SHA-256 over `id.timestamp.body`, in a list that allows secrets to be changed.
//!
//! Invariant: a request is accepted only when a whole signature equals ours; one that is empty or short equals nothing. Whether an id
//! came before is the table's business, not this module's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::limits::{PROVIDER_ID_BYTES_MAX, SIGNATURE_TOLERANCE_S, SIGNATURES_MAX};

/// What a secret begins with where people see it.
pub const SECRET_PREFIX: &str = "whsec_";

/// Random bytes of a secret that we make (the specification asks for 24 to 64).
pub const SECRET_BYTES: usize = 32;

/// Least bytes of a secret that is given to us.
const SECRET_BYTES_MIN: usize = 24;

/// Most bytes of a secret that is given to us.
const SECRET_BYTES_MAX: usize = 64;

/// The version of signature that we make and read.
const VERSION: &str = "v1";

/// Why a request is not taken for its sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFault {
    /// One of the three headers is missing or has a form that it cannot have.
    #[error("a header of the signature is missing or malformed")]
    Header,
    /// It was signed too long ago.
    #[error("the request is too old")]
    Stale,
    /// It was signed in the future.
    #[error("the request is from the future")]
    Future,
    /// No signature in the list is ours.
    #[error("no signature fits")]
    Signature,
}

/// A shared secret. `Debug` hides it.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WebhookSecret(hidden)")
    }
}

impl WebhookSecret {
    /// A secret of random bytes.
    #[must_use]
    pub fn of_random(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes.to_vec())
    }

    /// Reads `whsec_<base64>`; nothing when it is none, or shorter or longer than the specification allows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        (SECRET_BYTES_MIN..=SECRET_BYTES_MAX)
            .contains(&bytes.len())
            .then_some(Self(bytes))
    }

    /// The secret as people copy it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        // HMAC takes keys of every length (RFC 2104), so there is no failure to hand on.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; 32];
        };
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The value of `webhook-signature` for a request of ours.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_unix_s: i64, body: &[u8]) -> String {
        let mac = self.mac(id, &timestamp_unix_s.to_string(), body);
        format!("{VERSION},{}", STANDARD.encode(mac))
    }
}

/// The three headers of a signed request.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signatures: &'a str,
}

/// Whether the request is from somebody who has one of the secrets, and of now.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    secrets: &[WebhookSecret],
    signed: Signed<'_>,
    body: &[u8],
    now_unix_s: i64,
) -> Result<(), WebhookFault> {
    let id_is_usable = (1..=PROVIDER_ID_BYTES_MAX).contains(&signed.id.len())
        && signed
            .id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'.');
    let is_number =
        !signed.timestamp.is_empty() && signed.timestamp.bytes().all(|byte| byte.is_ascii_digit());
    if !id_is_usable || !is_number {
        return Err(WebhookFault::Header);
    }
    let at: i64 = signed.timestamp.parse().map_err(|_| WebhookFault::Header)?;
    if at < now_unix_s.saturating_sub(SIGNATURE_TOLERANCE_S) {
        return Err(WebhookFault::Stale);
    }
    if at > now_unix_s.saturating_add(SIGNATURE_TOLERANCE_S) {
        return Err(WebhookFault::Future);
    }
    let expected: Vec<[u8; 32]> = secrets
        .iter()
        .map(|secret| secret.mac(signed.id, signed.timestamp, body))
        .collect();
    let given = signed
        .signatures
        .split(' ')
        .take(SIGNATURES_MAX)
        .filter_map(|entry| entry.split_once(','))
        .filter(|(version, _)| *version == VERSION)
        .filter_map(|(_, text)| STANDARD.decode(text).ok())
        .filter_map(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let mut fits = subtle::Choice::from(0);
    for signature in given {
        for own in &expected {
            fits |= own.ct_eq(&signature);
        }
    }
    if bool::from(fits) {
        Ok(())
    } else {
        Err(WebhookFault::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const AT: i64 = 1_649_367_553;
    const PUBLISHED: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn secret() -> WebhookSecret {
        WebhookSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap()
    }

    fn outcome(id: &str, at: &str, signatures: &str, body: &[u8]) -> Result<(), WebhookFault> {
        let signed = Signed {
            id,
            timestamp: at,
            signatures,
        };
        verify(&[secret()], signed, body, AT)
    }

    #[test]
    fn the_published_vector_holds_both_ways() {
        assert_eq!(secret().sign(ID, AT, BODY), PUBLISHED);
        assert_eq!(outcome(ID, &AT.to_string(), PUBLISHED, BODY), Ok(()));
        assert_eq!(secret().reveal(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    }

    /// Goal: every way in which a signature can be no signature is refused, the empty one above all.
    #[test]
    fn what_is_no_signature_is_refused() {
        let at = AT.to_string();
        for signatures in [
            "",
            "v1,",
            "v1",
            ",",
            "v1,AAAA",
            "v1, ",
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kk",
            "v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ] {
            assert_eq!(
                outcome(ID, &at, signatures, BODY),
                Err(WebhookFault::Signature),
                "{signatures}"
            );
        }
        assert_eq!(
            outcome(ID, &at, PUBLISHED, b"{}"),
            Err(WebhookFault::Signature)
        );
        assert_eq!(
            outcome("msg_2", &at, PUBLISHED, BODY),
            Err(WebhookFault::Signature)
        );
        let list = format!("v1,AAAA v1a,x {PUBLISHED}");
        assert_eq!(outcome(ID, &at, &list, BODY), Ok(()));
        let signed = Signed {
            id: ID,
            timestamp: &at,
            signatures: PUBLISHED,
        };
        assert_eq!(
            verify(&[], signed, BODY, AT),
            Err(WebhookFault::Signature),
            "no secret opens nothing"
        );
        let other = WebhookSecret::of_random([3; 32]);
        assert_eq!(
            verify(std::slice::from_ref(&other), signed, BODY, AT),
            Err(WebhookFault::Signature)
        );
        assert_eq!(
            verify(&[other, secret()], signed, BODY, AT),
            Ok(()),
            "both secrets of a change are good"
        );
    }

    #[test]
    fn times_beyond_the_tolerance_and_malformed_headers_are_refused() {
        for (at, expected) in [
            (AT - 300, Ok(())),
            (AT + 300, Ok(())),
            (AT - 301, Err(WebhookFault::Stale)),
            (AT + 301, Err(WebhookFault::Future)),
        ] {
            let signature = secret().sign(ID, at, BODY);
            assert_eq!(
                outcome(ID, &at.to_string(), &signature, BODY),
                expected,
                "{at}"
            );
        }
        for at in ["", "-1", "1e9", "+1649367553", "99999999999999999999999"] {
            assert_eq!(
                outcome(ID, at, PUBLISHED, BODY),
                Err(WebhookFault::Header),
                "{at}"
            );
        }
        for id in ["", "a.b", "a b", &"x".repeat(129)] {
            assert_eq!(
                outcome(id, &AT.to_string(), PUBLISHED, BODY),
                Err(WebhookFault::Header),
                "{id}"
            );
        }
        for bad in ["whsec_", "whsec_AAAA", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"] {
            assert!(WebhookSecret::parse(bad).is_none(), "{bad}");
        }
    }
}
