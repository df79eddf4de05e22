//! Ids of lists, exports and lookalike runs.

use chudian_vocabulary::pseudonym::{base32, from_base32};

/// Random bytes of an id.
pub const ID_BYTES: usize = 16;

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
                from_base32(digits).map(|_| Self(text.to_owned()))
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
    /// One run that looked for prospects (TF-6): `fk_` and 26 characters.
    LookalikeId, "fk_";
}

#[cfg(test)]
mod tests {
    use super::*;

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
