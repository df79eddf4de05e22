//! A customer's pseudonym: the number under a keyed hash, so that the number itself never enters the system (PR-1, PR-2).
//!
//! The importing client computes it where the file lies; nothing behind the client ever sees the number. A plain hash would be no
//! secret, because all numbers can be tried in minutes; under a key of 256 bits they cannot. The same key gives the same
//! pseudonym in every import, which is what joins the snapshots, the contacts and the lists of one customer.
//!
//! Invariant: one number has one pseudonym under one key, whatever spelling it came in (`+86 138-1234-5678`). Not an access
//! key and not encryption: nobody turns it back into the number.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Bytes of a pseudonym: 128 bits, so that two of a hundred million customers share one with a chance under 10^-22.
pub const PSEUDONYM_BYTES: usize = 16;

/// Characters of 16 bytes in base32: 26 × 5 = 130 bits, of which the last two are zero.
pub const BASE32_CHARACTERS: usize = 26;

/// Bytes of the key: as many as the hash gives out.
pub const PSEUDONYM_KEY_BYTES: usize = 32;

/// Digits of a mainland mobile number, the canonical form under the hash.
const NUMBER_DIGITS: usize = 11;

/// Longest spelling of a number that is looked at: `0086` and eleven digits, each followed by a separator.
const NUMBER_CHARACTERS_MAX: usize = 32;

/// The base32 alphabet of RFC 4648 in lower case: no `0`, `1`, `8`, `9`, which people misread.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Sixteen bytes as 26 characters of lower-case base32 (RFC 4648, no padding). The text sorts as the bytes do not: compare bytes.
#[must_use]
pub fn base32(bytes: &[u8; 16]) -> String {
    let bits = u128::from_be_bytes(*bytes);
    (0..BASE32_CHARACTERS)
        .map(|index| {
            let end = (index + 1) * 5;
            // The last character holds the three bits that are left and two zeros.
            let code = if end <= 128 {
                bits >> (128 - end)
            } else {
                bits << (end - 128)
            };
            char::from(ALPHABET[(code & 31) as usize])
        })
        .collect()
}

/// The sixteen bytes of [`base32`]; nothing for another length, a character outside the alphabet, or last bits that are not zero, so
/// that one value has one text.
#[must_use]
pub fn from_base32(text: &str) -> Option<[u8; 16]> {
    if text.len() != BASE32_CHARACTERS {
        return None;
    }
    let mut bits = 0_u128;
    for (index, character) in text.bytes().enumerate() {
        let code = match character {
            b'a'..=b'z' => character - b'a',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        if index + 1 < BASE32_CHARACTERS {
            bits = bits << 5 | u128::from(code);
        } else if code & 3 == 0 {
            bits = bits << 3 | u128::from(code >> 2);
        } else {
            return None;
        }
    }
    Some(bits.to_be_bytes())
}

/// Why a text is not a pseudonym, a key or a number. No variant holds the text: it may be personal or secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PseudonymError {
    /// Not 26 characters of the alphabet.
    #[error("a customer id has {BASE32_CHARACTERS} characters of a-z and 2-7")]
    Form,
    /// Not a mainland mobile number.
    #[error("not a mobile number of {NUMBER_DIGITS} digits, with or without the country code 86")]
    Number,
    /// Not 64 hexadecimal characters.
    #[error("a pseudonym key has 64 hexadecimal characters")]
    Key,
}

/// A customer, as the whole system knows one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomerPseudonym(pub [u8; PSEUDONYM_BYTES]);

impl fmt::Display for CustomerPseudonym {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&base32(&self.0))
    }
}

impl fmt::Debug for CustomerPseudonym {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CustomerPseudonym({self})")
    }
}

impl FromStr for CustomerPseudonym {
    type Err = PseudonymError;

    fn from_str(text: &str) -> Result<Self, PseudonymError> {
        from_base32(text).map(Self).ok_or(PseudonymError::Form)
    }
}

impl TryFrom<String> for CustomerPseudonym {
    type Error = PseudonymError;

    fn try_from(text: String) -> Result<Self, PseudonymError> {
        text.parse()
    }
}

impl From<CustomerPseudonym> for String {
    fn from(pseudonym: CustomerPseudonym) -> Self {
        pseudonym.to_string()
    }
}

/// The key of an installation's pseudonyms. `Debug` hides it; `Display` does not exist.
#[derive(Clone)]
pub struct PseudonymKey {
    bytes: [u8; PSEUDONYM_KEY_BYTES],
    /// The hash with the key already absorbed: half of the work for each number.
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PseudonymKey(hidden)")
    }
}

impl From<[u8; PSEUDONYM_KEY_BYTES]> for PseudonymKey {
    /// `bytes` must come from the system's random source.
    fn from(bytes: [u8; PSEUDONYM_KEY_BYTES]) -> Self {
        // HMAC pads a key to the block of the hash (RFC 2104); 32 bytes fit, so this is the whole rule.
        let mut block = [0; 64];
        block[..PSEUDONYM_KEY_BYTES].copy_from_slice(&bytes);
        Self {
            bytes,
            keyed: Hmac::new(&block.into()),
        }
    }
}

impl FromStr for PseudonymKey {
    type Err = PseudonymError;

    /// Reads 64 hexadecimal characters, the form of the key file.
    fn from_str(text: &str) -> Result<Self, PseudonymError> {
        if text.len() != 2 * PSEUDONYM_KEY_BYTES {
            return Err(PseudonymError::Key);
        }
        let mut bytes = [0; PSEUDONYM_KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| PseudonymError::Key)?;
            if !pair.iter().all(u8::is_ascii_hexdigit) {
                return Err(PseudonymError::Key);
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| PseudonymError::Key)?;
        }
        Ok(Self::from(bytes))
    }
}

impl PseudonymKey {
    /// The key as 64 hexadecimal characters, for its file and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The pseudonym of a mobile number in any usual spelling.
    ///
    /// # Errors
    /// [`PseudonymError::Number`] when the text is no such number.
    pub fn pseudonym_of(&self, number: &str) -> Result<CustomerPseudonym, PseudonymError> {
        let digits = canonical_number(number).ok_or(PseudonymError::Number)?;
        let mut mac = self.keyed.clone();
        mac.update(&digits);
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        let mut bytes = [0; PSEUDONYM_BYTES];
        bytes.copy_from_slice(&hash[..PSEUDONYM_BYTES]);
        Ok(CustomerPseudonym(bytes))
    }
}

/// The eleven digits of a mobile number that may have the country code and separators.
fn canonical_number(text: &str) -> Option<[u8; NUMBER_DIGITS]> {
    if text.len() > NUMBER_CHARACTERS_MAX {
        return None;
    }
    let mut digits = [0_u8; NUMBER_CHARACTERS_MAX];
    let mut count = 0;
    for byte in text.trim().bytes() {
        match byte {
            b'0'..=b'9' => {
                digits[count] = byte;
                count += 1;
            }
            b'-' | b' ' | b'.' | b'(' | b')' => {}
            b'+' if count == 0 => {}
            _ => return None,
        }
    }
    let digits = &digits[..count];
    let split = count.checked_sub(NUMBER_DIGITS)?;
    let (country, number) = digits.split_at(split);
    let country_fits = matches!(country, b"" | b"0" | b"86" | b"086" | b"0086");
    let number: [u8; NUMBER_DIGITS] = number.try_into().ok()?;
    (country_fits && number[0] == b'1' && number[1] >= b'3').then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PseudonymKey {
        PseudonymKey::from(std::array::from_fn(|index| index as u8))
    }

    #[test]
    fn base32_reads_back_and_has_one_text() {
        let samples: [[u8; 16]; 4] = [
            [0; 16],
            [0xff; 16],
            std::array::from_fn(|index| index as u8 * 17),
            std::array::from_fn(|index| 255 - index as u8),
        ];
        for bytes in samples {
            let text = base32(&bytes);
            assert_eq!(text.len(), BASE32_CHARACTERS);
            assert_eq!(from_base32(&text), Some(bytes), "{text}");
        }
        // RFC 4648, section 10: "foobar" is `MZXW6YTBOI`; ours has ten zero bytes behind it.
        let mut foobar = [0; 16];
        foobar[..6].copy_from_slice(b"foobar");
        assert!(base32(&foobar).starts_with("mzxw6ytboi"));
        assert_eq!(
            from_base32(&format!("{}b", "a".repeat(25))),
            None,
            "last bits set"
        );
        assert_eq!(from_base32(&"a".repeat(25)), None);
        assert_eq!(from_base32(&"A".repeat(26)), None);
        assert_eq!(from_base32("13812345678"), None);
    }

    /// Goal: pin the function against an HMAC computed the plain way: another one would silently part all customers from their past.
    #[test]
    fn the_pseudonym_is_the_head_of_hmac_sha_256() {
        let mut plain = Hmac::<Sha256>::new_from_slice(&key().bytes).unwrap();
        plain.update(b"13812345678");
        let expected: [u8; 32] = plain.finalize().into_bytes().into();
        let pseudonym = key().pseudonym_of("13812345678").unwrap();
        assert_eq!(pseudonym.0, expected[..16]);
        assert_eq!(pseudonym.to_string().parse(), Ok(pseudonym));
        assert_eq!(pseudonym.to_string(), "axwi26pizqe63gnksofu25yu4m");
    }

    #[test]
    fn every_spelling_is_one_customer_and_other_texts_are_none() {
        let one = key().pseudonym_of("13812345678").unwrap();
        for spelling in [
            "+86 138-1234-5678",
            "0086 13812345678",
            " 13812345678 ",
            "86(138)12345678",
            "013812345678",
        ] {
            assert_eq!(key().pseudonym_of(spelling), Ok(one), "{spelling}");
        }
        for other in [
            "",
            "1381234567",
            "12812345678",
            "138123456789",
            "1381234567x",
            "13８12345678",
            &"1".repeat(40),
            "1-3+812345678",
        ] {
            assert_eq!(
                key().pseudonym_of(other),
                Err(PseudonymError::Number),
                "{other}"
            );
        }
        assert_ne!(key().pseudonym_of("13812345679"), Ok(one));
        assert_ne!(
            PseudonymKey::from([7; 32]).pseudonym_of("13812345678"),
            Ok(one)
        );
    }

    #[test]
    fn a_key_reads_back_and_is_not_printed() {
        let text = key().reveal();
        assert_eq!(text.parse::<PseudonymKey>().unwrap().bytes, key().bytes);
        assert!(!format!("{:?}", key()).contains(&text[..8]));
        for bad in [
            "",
            "zz",
            &"é".repeat(32),
            &format!("+{}", &text[1..]),
            &text[1..],
        ] {
            assert!(bad.parse::<PseudonymKey>().is_err(), "{bad}");
        }
    }
}
