//! Keys and roles: who calls, and what the caller may do.
//!
//! A key is an opaque text that its holder sends as `Authorization: Bearer <key>`. We never store it: we store its keyed
//! hash beside the key's id, so that a stolen table opens nothing. This module holds the format, the hash and the words;
//! the guard that uses them is in `chudian-runtime`, and the command that makes keys is in the gateway.
//!
//! Invariants: a key has at least 256 bits of randomness; nothing here prints a key by accident (`Debug` hides it);
//! hashes are compared in constant time. It is not a session, a token with claims, or a list of permissions.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What a key's text begins with: short, and easy for a secret scanner to find in a repository or a log.
pub const KEY_PREFIX: &str = "chd_";

/// Characters of a key id: 12 × 5 = 60 bits, enough that two keys of a province never share an id by chance.
pub const KEY_ID_CHARACTERS: usize = 12;

/// Random bytes behind a key's id; of their 64 bits the first 60 are used.
const KEY_ID_BYTES: usize = 8;

/// Random bytes of a key's secret: 256 bits, so that guessing is hopeless without slowing down the hash.
pub const KEY_SECRET_BYTES: usize = 32;

/// Random bytes that [`AccessKey::from_random_bytes`] takes.
pub const KEY_RANDOM_BYTES: usize = KEY_ID_BYTES + KEY_SECRET_BYTES;

/// Characters of the secret part: base64url of 32 bytes without padding.
const KEY_SECRET_CHARACTERS: usize = 43;

/// The pepper that a manifest declares by default. It is public, so it protects nothing by itself; keys stay safe because
/// their secrets are random. `chudian up` replaces it by a random one on the first start.
pub const DEFAULT_PEPPER: &str = "chudian-default-pepper-replace-me";

/// Block size of SHA-256, the length to which HMAC brings its key (RFC 2104).
const HMAC_BLOCK_BYTES: usize = 64;

/// The base32 alphabet of RFC 4648 in lower case: no `0`, `1`, `8`, `9`, which people misread.
const BASE32_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What the holder of a key may do. The roles are the departments of the operator, not technical rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A hall (online, SMS, front) that serves one customer at a time.
    Hall,
    /// A channel system that reports contacts and fetches its own tasks.
    Channel,
    /// A marketing analyst who designs and watches campaigns.
    Analyst,
    /// The list custodian, the only one who may open a target list.
    Custodian,
    /// An approver of plans, gifted prepaid and lists.
    Approver,
    /// Operations: installs, imports catalogues, makes keys.
    Admin,
}

impl Role {
    /// Every role, in the order in which help texts list them.
    pub const ALL: [Self; 6] = [
        Self::Hall,
        Self::Channel,
        Self::Analyst,
        Self::Custodian,
        Self::Approver,
        Self::Admin,
    ];

    /// The role's word in JSON, SQL and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hall => "hall",
            Self::Channel => "channel",
            Self::Analyst => "analyst",
            Self::Custodian => "custodian",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(AccessError::UnknownRole)
    }
}

/// The public part of a key: may be shown in lists and logs, opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The id's text: 12 characters of lower-case base32.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_random_bytes(bytes: [u8; KEY_ID_BYTES]) -> Self {
        let mut bits = u64::from_be_bytes(bytes);
        let text = (0..KEY_ID_CHARACTERS)
            .map(|_| {
                bits = bits.rotate_left(5);
                char::from(BASE32_ALPHABET[(bits & 31) as usize])
            })
            .collect();
        Self(text)
    }
}

impl TryFrom<String> for KeyId {
    type Error = AccessError;

    fn try_from(text: String) -> Result<Self, AccessError> {
        let well_formed = text.len() == KEY_ID_CHARACTERS
            && text.bytes().all(|byte| BASE32_ALPHABET.contains(&byte));
        if well_formed {
            Ok(Self(text))
        } else {
            Err(AccessError::MalformedKeyId)
        }
    }
}

impl FromStr for KeyId {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        Self::try_from(text.to_owned())
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A whole key, `chd_<key id>_<secret>`: the only value in the system that opens a door. `Debug` shows only its id.
#[derive(Clone)]
pub struct AccessKey {
    id: KeyId,
    text: String,
}

impl AccessKey {
    /// Makes a key. `bytes` must come from the system's random source; they are the whole of the key's strength.
    pub fn from_random_bytes(bytes: &[u8; KEY_RANDOM_BYTES]) -> Self {
        let mut id_bytes = [0; KEY_ID_BYTES];
        id_bytes.copy_from_slice(&bytes[..KEY_ID_BYTES]);
        let id = KeyId::from_random_bytes(id_bytes);
        let text = format!(
            "{KEY_PREFIX}{id}_{}",
            URL_SAFE_NO_PAD.encode(&bytes[KEY_ID_BYTES..])
        );
        Self { id, text }
    }

    /// The key's id, which may be shown.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The whole text of the key. Show it once, to the person who asked for the key, and never write it to a log.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored instead of the key.
    pub fn hash(&self, pepper: &Pepper) -> KeyHash {
        KeyHash(pepper.hmac_sha256(self.text.as_bytes()))
    }
}

impl FromStr for AccessKey {
    type Err = AccessError;

    /// Reads the form only; whether the key exists is the guard's question.
    fn from_str(text: &str) -> Result<Self, AccessError> {
        let rest = text
            .strip_prefix(KEY_PREFIX)
            .ok_or(AccessError::MalformedKey)?;
        // The id has no `_`, the secret may have one: the first `_` parts them.
        let (id, secret) = rest.split_once('_').ok_or(AccessError::MalformedKey)?;
        let id = id.parse().map_err(|_| AccessError::MalformedKey)?;
        let secret_is_base64url = secret.len() == KEY_SECRET_CHARACTERS
            && secret
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !secret_is_base64url {
            return Err(AccessError::MalformedKey);
        }
        Ok(Self {
            id,
            text: text.to_owned(),
        })
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AccessKey({}, secret hidden)", self.id)
    }
}

/// The installation's own secret, mixed into every hash: a copied table is useless without it.
///
/// Holds the HMAC key block, so that hashing cannot fail. `Debug` hides it.
#[derive(Clone)]
pub struct Pepper([u8; HMAC_BLOCK_BYTES]);

impl Pepper {
    /// Takes the value of the variable `key_pepper`; an empty one means [`DEFAULT_PEPPER`].
    pub fn from_variable(text: &str) -> Self {
        Self::new(if text.is_empty() {
            DEFAULT_PEPPER
        } else {
            text
        })
    }

    /// Takes a secret text of any length.
    pub fn new(text: &str) -> Self {
        let mut block = [0; HMAC_BLOCK_BYTES];
        let bytes = text.as_bytes();
        // RFC 2104: a key longer than the block is hashed first, a shorter one is filled up with zeros.
        if bytes.len() > HMAC_BLOCK_BYTES {
            let digest = Sha256::digest(bytes);
            block[..digest.len()].copy_from_slice(&digest);
        } else {
            block[..bytes.len()].copy_from_slice(bytes);
        }
        Self(block)
    }

    /// HMAC-SHA-256 of `message` under this pepper; also for other values that must be signed or made into pseudonyms.
    ///
    /// Callers that sign different kinds of thing begin the message with a word that names the kind.
    pub fn hmac_sha256(&self, message: &[u8]) -> [u8; 32] {
        let mut hmac = Hmac::<Sha256>::new(&self.0.into());
        hmac.update(message);
        hmac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pepper(hidden)")
    }
}

/// The stored hash of a key; its text form is 64 lower-case hexadecimal characters.
#[derive(Clone)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Whether both are the same hash, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl From<[u8; 32]> for KeyHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyHash(hidden)")
    }
}

impl FromStr for KeyHash {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() || !text.is_ascii() {
            return Err(AccessError::MalformedHash);
        }
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |character: u8| {
                char::from(character)
                    .to_digit(16)
                    .ok_or(AccessError::MalformedHash)
            };
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(hash))
    }
}

/// The value of the variable `bootstrap_key_hash`, `<key id>:<hash>`: a key with the role admin that needs no table row, so that
/// a fresh installation can be entered. An empty variable means that there is none.
#[derive(Clone, Debug)]
pub struct BootstrapKey {
    /// Id of the key.
    pub id: KeyId,
    /// Its hash under the installation's pepper.
    pub hash: KeyHash,
}

impl BootstrapKey {
    /// What `chudian keys new --print-hash` prints for `key`.
    pub fn of(key: &AccessKey, pepper: &Pepper) -> Self {
        Self {
            id: key.id().clone(),
            hash: key.hash(pepper),
        }
    }

    /// Reads the variable; `Ok(None)` when it is empty.
    pub fn from_variable(text: &str) -> Result<Option<Self>, AccessError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (id, hash) = text.split_once(':').ok_or(AccessError::MalformedHash)?;
        Ok(Some(Self {
            id: id.parse()?,
            hash: hash.parse()?,
        }))
    }
}

impl fmt::Display for BootstrapKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.id, self.hash)
    }
}

/// Why a text is not what this module reads. No variant holds the text: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Not `chd_<12 characters>_<43 characters>`.
    #[error("not a key of the form chd_<id>_<secret>")]
    MalformedKey,
    /// Not 12 characters of lower-case base32.
    #[error("a key id has {KEY_ID_CHARACTERS} characters of a-z and 2-7")]
    MalformedKeyId,
    /// Not 64 hexadecimal characters, or without the id before them.
    #[error("a key hash has 64 hexadecimal characters, a bootstrap key hash is <key id>:<hash>")]
    MalformedHash,
    /// None of [`Role::ALL`].
    #[error("a role is one of hall, channel, analyst, custodian, approver, admin")]
    UnknownRole,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(seed: u8) -> AccessKey {
        AccessKey::from_random_bytes(&std::array::from_fn(|index| {
            seed.wrapping_mul(31).wrapping_add(index as u8)
        }))
    }

    #[test]
    fn a_made_key_reads_back_and_has_the_documented_form() {
        for seed in 0..=255 {
            let key = key_of(seed);
            let text = key.reveal();
            assert_eq!(
                text.len(),
                KEY_PREFIX.len() + KEY_ID_CHARACTERS + 1 + KEY_SECRET_CHARACTERS
            );
            let again: AccessKey = text.parse().unwrap();
            assert_eq!(again.id(), key.id());
            assert_eq!(again.reveal(), text);
        }
    }

    #[test]
    fn every_random_byte_changes_the_key() {
        let base = [0_u8; KEY_RANDOM_BYTES];
        let text = AccessKey::from_random_bytes(&base).reveal().to_owned();
        for index in 0..KEY_RANDOM_BYTES {
            let mut bytes = base;
            bytes[index] = 0x80;
            assert_ne!(
                AccessKey::from_random_bytes(&bytes).reveal(),
                text,
                "byte {index}"
            );
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = key_of(7);
        let pepper = Pepper::new("salt and pepper");
        let shown = format!("{key:?} {pepper:?} {:?}", key.hash(&pepper));
        let secret = key.reveal().rsplit_once('_').unwrap().1;
        assert!(
            !shown.contains(secret)
                && !shown.contains("salt")
                && !shown.contains(&key.hash(&pepper).to_string())
        );
    }

    /// Goal: the hash is HMAC-SHA-256 as everybody else computes it (RFC 4231, cases 2 and 6: short and over-long key).
    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let short = KeyHash(Pepper::new("Jefe").hmac_sha256(b"what do ya want for nothing?"));
        assert_eq!(
            short.to_string(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        // RFC 4231 case 6 uses a key of 131 bytes 0xaa, which is not text; the same rule with a text of 131 bytes:
        let long_key = "k".repeat(131);
        let hashed_first = Sha256::digest(long_key.as_bytes());
        let mut reference = Hmac::<Sha256>::new_from_slice(&hashed_first).unwrap();
        reference.update(b"message");
        let expected: [u8; 32] = reference.finalize().into_bytes().into();
        assert_eq!(Pepper::new(&long_key).hmac_sha256(b"message"), expected);
    }

    #[test]
    fn another_key_or_another_pepper_does_not_match() {
        let (one, two) = (key_of(1), key_of(2));
        let (home, away) = (Pepper::new("home"), Pepper::new("away"));
        let stored: KeyHash = one.hash(&home).to_string().parse().unwrap();
        assert!(stored.matches(&one.hash(&home)));
        assert!(!stored.matches(&two.hash(&home)));
        assert!(!stored.matches(&one.hash(&away)));
    }

    #[test]
    fn malformed_texts_are_refused() {
        let good = key_of(3).reveal().to_owned();
        let bad_keys = [
            String::new(),
            "chd_".to_owned(),
            good.to_uppercase(),
            good.replacen('_', "", 1),
            format!("{good}="),
            good[..good.len() - 1].to_owned(),
            format!("{}é", &good[..good.len() - 2]),
        ];
        for bad in bad_keys {
            assert_eq!(
                bad.parse::<AccessKey>().unwrap_err(),
                AccessError::MalformedKey,
                "{bad:?}"
            );
        }
        for bad in ["Admin", "", "root"] {
            assert_eq!(
                bad.parse::<Role>().unwrap_err(),
                AccessError::UnknownRole,
                "{bad:?}"
            );
        }
        assert!("zz".repeat(32).parse::<KeyHash>().is_err());
        assert!("é".repeat(32).parse::<KeyHash>().is_err());
    }

    #[test]
    fn the_bootstrap_variable_reads_back() {
        let (key, pepper) = (key_of(9), Pepper::new(DEFAULT_PEPPER));
        let variable = BootstrapKey::of(&key, &pepper).to_string();
        let read = BootstrapKey::from_variable(&format!(" {variable}\n"))
            .unwrap()
            .unwrap();
        assert_eq!(&read.id, key.id());
        assert!(read.hash.matches(&key.hash(&pepper)));
        let without_a_pepper = Pepper::from_variable("");
        assert!(read.hash.matches(&key.hash(&without_a_pepper)));
        assert!(BootstrapKey::from_variable("  ").unwrap().is_none());
        assert!(BootstrapKey::from_variable("abc").is_err());
    }
}
