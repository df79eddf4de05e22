//! Keyed hashes of a customer: the control group, the order of equals, watermarks, samples.
//!
//! `SHA-256(SHA-256(purpose ‖ 0 ‖ salt) ‖ id)`, of which the first eight bytes count, big-endian. The inner hash makes the key 32 bytes
//! long whatever the salt; the id has a fixed length, so the construction is not open to extension; both fit one block, which is
//! what makes millions of customers quick. Without the salt the group of a customer cannot be told from the id.

use sha2::{Digest as _, Sha256};

/// A customer's pseudonym as bytes.
pub type CustomerBytes = [u8; 16];

/// Thousandths of the whole.
pub const PERMILLE: u16 = 1000;

/// What a keyed hash is used for: one salt gives unrelated values for different purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Who is in the control group.
    Control,
    /// Which of equally ranked customers comes first.
    Order,
    /// The mark of one row for one receiver.
    Reference,
    /// The order of rows for one receiver.
    Sequence,
    /// Who is looked at to learn from.
    Draw,
    /// Who of them is held out.
    HeldOut,
}

impl Purpose {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::Control => b"chudian-list-control/1",
            Self::Order => b"chudian-list-order/1",
            Self::Reference => b"chudian-list-reference/1",
            Self::Sequence => b"chudian-list-sequence/1",
            Self::Draw => b"chudian-lookalike-draw/1",
            Self::HeldOut => b"chudian-lookalike-held-out/1",
        }
    }
}

/// A hash of customers under one salt and for one purpose.
#[derive(Clone)]
pub struct KeyedHash {
    key: [u8; 32],
}

impl KeyedHash {
    /// The hash for `purpose` under `salt`.
    pub fn new(purpose: Purpose, salt: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.tag());
        hash.update([0]);
        hash.update(salt);
        Self {
            key: hash.finalize().into(),
        }
    }

    /// The value of one customer, evenly spread over all 64-bit numbers.
    pub fn of(&self, customer: &CustomerBytes) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(customer);
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// A share of customers by keyed hash: who is in it stays in it when the share grows.
#[derive(Clone)]
pub struct Share {
    hash: KeyedHash,
    /// Values below this are inside; one more than any value for everyone.
    bound: u128,
}

impl Share {
    /// The share of `permille` thousandths under `salt`; above a thousand counts as everyone.
    pub fn new(purpose: Purpose, salt: &[u8], permille: u16) -> Self {
        let permille = permille.min(PERMILLE);
        // `permille / 1000` of 2^64, rounded down: the share is exact to one part in 2^64.
        let bound =
            ((u128::from(u64::MAX) + 1) * u128::from(permille)).div_euclid(u128::from(PERMILLE));
        Self {
            hash: KeyedHash::new(purpose, salt),
            bound,
        }
    }

    /// Whether the customer is inside.
    pub fn contains(&self, customer: &CustomerBytes) -> bool {
        self.bound > 0 && u128::from(self.hash.of(customer)) < self.bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(number: u32) -> CustomerBytes {
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    /// Goal: groups must not move between releases, since a campaign of last year is compared with one of this year.
    #[test]
    fn the_hash_is_the_published_one() {
        // printf 'chudian-list-control/1\0salt' | sha256sum, then 32 bytes of it and 16 bytes of 0x07 | sha256sum.
        let value = KeyedHash::new(Purpose::Control, b"salt").of(&[7; 16]);
        assert_eq!(format!("{value:016x}"), "125f952fa81a2dd6");
    }

    #[test]
    fn a_share_is_near_its_size_grows_and_differs_by_salt() {
        let inside = |salt: &[u8], permille| {
            let share = Share::new(Purpose::Control, salt, permille);
            (0..20_000)
                .filter(|number| share.contains(&customer(*number)))
                .collect::<Vec<_>>()
        };
        assert!(inside(b"a", 0).is_empty());
        assert_eq!(inside(b"a", 1000).len(), 20_000);
        let (ten, twenty, other) = (inside(b"a", 100), inside(b"a", 200), inside(b"b", 100));
        // Four standard deviations of a binomial count of 20,000 at 0.1 are 170.
        assert!((1_830..=2_170).contains(&ten.len()), "{}", ten.len());
        assert!(ten.iter().all(|number| twenty.contains(number)));
        let common = ten.iter().filter(|number| other.contains(number)).count();
        assert!(
            (140..=260).contains(&common),
            "two salts agree on {common}, chance gives 200"
        );
    }
}
