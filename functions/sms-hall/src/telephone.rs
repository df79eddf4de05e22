//! A customer's telephone number, for as long as a message needs it, and the pseudonym that stands for it everywhere else.
//!
//! Invariant: a number is printed masked, whoever prints it; its digits leave this type only by [`Telephone::reveal`], which is called
//! where a message is handed to a provider and where it is sealed.

use std::fmt;

use chudian_vocabulary::masking::mask_numbers;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymError, PseudonymKey};

/// Digits of a mainland mobile number.
const DIGITS: usize = 11;

/// A mainland mobile number, eleven digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Telephone(String);

impl Telephone {
    /// Reads a number in any usual spelling, with the pseudonym that `key` gives it.
    ///
    /// # Errors
    /// When the text is no mobile number.
    pub fn read(
        text: &str,
        key: &PseudonymKey,
    ) -> Result<(Self, CustomerPseudonym), PseudonymError> {
        let pseudonym = key.pseudonym_of(text)?;
        // The number is the last eleven digits of every spelling that has a pseudonym.
        let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
        let start = digits
            .len()
            .checked_sub(DIGITS)
            .ok_or(PseudonymError::Number)?;
        Ok((Self(digits[start..].iter().collect()), pseudonym))
    }

    /// The eleven digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Telephone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&mask_numbers(&self.0))
    }
}

impl fmt::Debug for Telephone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Telephone({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_one_number_and_print_masked() {
        let key = PseudonymKey::from([5; 32]);
        let (one, customer) = Telephone::read("13812345678", &key).unwrap();
        for spelling in ["+86 138-1234-5678", "8613812345678", " 0086 13812345678"] {
            assert_eq!(
                Telephone::read(spelling, &key),
                Ok((one.clone(), customer)),
                "{spelling}"
            );
        }
        assert_eq!(
            format!("{one} {one:?}"),
            "138****5678 Telephone(138****5678)"
        );
        for other in ["", "10086", "+1 212 555 0100", "1381234567x", "12345678901"] {
            assert_eq!(
                Telephone::read(other, &key),
                Err(PseudonymError::Number),
                "{other}"
            );
        }
    }
}
