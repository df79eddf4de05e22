//! Ids of lists and exports.

/// The base32 alphabet of RFC 4648 in lower case, as everywhere in the product.
pub(crate) const BASE32_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Random bytes of an id.
pub const ID_BYTES: usize = 16;

/// Characters that 16 bytes take in base32 without padding.
const ID_CHARACTERS: usize = 26;

/// Writes bytes in lower-case base32 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            push_digit(&mut text, bits >> held);
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        push_digit(&mut text, bits << (5 - held));
    }
    text
}

fn push_digit(text: &mut String, bits: u32) {
    if let Some(letter) = BASE32_ALPHABET.get((bits & 31) as usize) {
        text.push(char::from(*letter));
    }
}

macro_rules! ids {
    ($($(#[$documentation:meta])* $name:ident, $prefix:literal;)+) => {$(
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// An id of these random bytes.
            pub fn from_random_bytes(bytes: [u8; ID_BYTES]) -> Self {
                Self(format!("{}{}", $prefix, base32(&bytes)))
            }

            /// Reads an id that was written by this type; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?;
                let well_formed = digits.len() == ID_CHARACTERS
                    && digits.bytes().all(|digit| BASE32_ALPHABET.contains(&digit));
                well_formed.then(|| Self(text.to_owned()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+};
}

ids! {
    /// A frozen list: `fl_` and 26 characters.
    ListId, "fl_";
    /// One export of a list, with a watermark of its own: `fx_` and 26 characters.
    ExportId, "fx_";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the digits are those of RFC 4648, section 10, in lower case and without padding.
    #[test]
    fn base32_is_that_of_the_standard() {
        let table = [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ];
        for (bytes, text) in table {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn an_id_reads_back_and_nothing_else_does() {
        let id = ListId::from_random_bytes([255; ID_BYTES]);
        assert_eq!(ListId::parse(id.as_str()), Some(id.clone()));
        for text in [
            "",
            "fl_",
            "fx_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "fl_AAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(ListId::parse(text), None, "{text}");
        }
    }
}
