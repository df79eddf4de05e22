//! Identifiers that travel between functions.

use serde::{Deserialize, Serialize};

/// Longest identifier, in bytes: long enough for a prefixed UUID, short enough for an index and a log line.
pub const IDENTIFIER_LENGTH_MAX: usize = 64;

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// No characters at all.
    #[error("an identifier is empty")]
    Empty,
    /// More than [`IDENTIFIER_LENGTH_MAX`] bytes.
    #[error("an identifier is longer than {IDENTIFIER_LENGTH_MAX} characters")]
    TooLong,
    /// A character other than an ASCII letter, digit, `-`, `_`, `.` or `:`.
    #[error("an identifier has a character other than A-Z a-z 0-9 - _ . :")]
    Character,
}

/// Checks that `text` can serve as an identifier: 1 to [`IDENTIFIER_LENGTH_MAX`] characters of `A-Z a-z 0-9 - _ . :`.
///
/// # Errors
/// Says which of the three conditions fails.
pub fn check_identifier(text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if text.len() > IDENTIFIER_LENGTH_MAX {
        return Err(IdentifierError::TooLong);
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    {
        Ok(())
    } else {
        Err(IdentifierError::Character)
    }
}

macro_rules! identifier {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a text that [`check_identifier`] accepts.
            ///
            /// # Errors
            /// As [`check_identifier`].
            pub fn new(text: impl Into<String>) -> Result<Self, IdentifierError> {
                let text = text.into();
                check_identifier(&text)?;
                Ok(Self(text))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdentifierError;
            fn try_from(text: String) -> Result<Self, IdentifierError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(identifier: $name) -> Self {
                identifier.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// A customer: a pseudonym chosen by the operator, never a name and preferably not the number itself (PR-1).
    CustomerId
);
identifier!(
    /// A region of the operator's organisation (a city or county branch), as the operator codes it.
    Region
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_checked_at_every_door() {
        assert_eq!(CustomerId::new(""), Err(IdentifierError::Empty));
        assert_eq!(CustomerId::new("a b"), Err(IdentifierError::Character));
        assert_eq!(CustomerId::new("长沙"), Err(IdentifierError::Character));
        assert_eq!(Region::new("x".repeat(65)), Err(IdentifierError::TooLong));
        assert_eq!(Region::new("x".repeat(64)).unwrap().as_str().len(), 64);
        assert_eq!(
            CustomerId::new("c-0001:a_b.c").unwrap().to_string(),
            "c-0001:a_b.c"
        );
    }
}
