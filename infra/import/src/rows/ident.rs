//! Who a row is about.

use chudian_vocabulary::pseudonym::{CustomerPseudonym, PSEUDONYM_BYTES, PseudonymKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::CellFault;
use crate::mapping::IdForm;

/// What stands before identifiers under the hash, so that none of them can be taken for a number, nor one form for another.
const TEXT_DOMAIN: &[u8] = b"chudian:text:";
const ROW_DOMAIN: &[u8] = b"chudian:row:";

/// Makes pseudonyms of identifiers. `Debug` does not exist: it holds the key.
pub struct IdMaker {
    form: IdForm,
    key: PseudonymKey,
    /// For identifiers other than numbers: the hash with the same key absorbed.
    keyed: Option<Hmac<Sha256>>,
}

impl IdMaker {
    /// For identifiers of `form` under `key`.
    #[must_use]
    pub fn new(form: IdForm, key: &PseudonymKey) -> Self {
        let keyed = match form {
            IdForm::Number | IdForm::Pseudonym => None,
            // HMAC takes a key of any length, so there is always one.
            IdForm::Text | IdForm::Row => Hmac::new_from_slice(key.reveal().as_bytes()).ok(),
        };
        Self {
            form,
            key: key.clone(),
            keyed,
        }
    }

    /// The customer of a cell.
    ///
    /// # Errors
    /// [`CellFault::NoId`], [`CellFault::NotMobile`], [`CellFault::NotPseudonym`].
    pub fn of(&self, cell: &[u8]) -> Result<CustomerPseudonym, CellFault> {
        let cell = cell.trim_ascii();
        if cell.is_empty() {
            return Err(CellFault::NoId);
        }
        let text = || std::str::from_utf8(cell);
        match self.form {
            IdForm::Number => self
                .key
                .pseudonym_of(text().map_err(|_| CellFault::NotMobile)?)
                .map_err(|_| CellFault::NotMobile),
            IdForm::Pseudonym => text()
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(CellFault::NotPseudonym),
            IdForm::Text | IdForm::Row => self.hashed(TEXT_DOMAIN, cell).ok_or(CellFault::NoId),
        }
    }

    /// The customer of the row with this number, in a file that tells no customers apart.
    #[must_use]
    pub fn of_row(&self, number: u64) -> CustomerPseudonym {
        self.hashed(ROW_DOMAIN, number.to_string().as_bytes())
            .unwrap_or(CustomerPseudonym([0; PSEUDONYM_BYTES]))
    }

    fn hashed(&self, domain: &[u8], id: &[u8]) -> Option<CustomerPseudonym> {
        let mut mac = self.keyed.clone()?;
        mac.update(domain);
        mac.update(id);
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        hash.first_chunk().map(|bytes| CustomerPseudonym(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identifier_has_one_pseudonym_and_forms_do_not_meet() {
        let key = PseudonymKey::from([3; 32]);
        let of = |form: IdForm, cell: &str| IdMaker::new(form, &key).of(cell.as_bytes());
        let number = of(IdForm::Number, "13812345678").unwrap();
        assert_eq!(of(IdForm::Number, " +86 138-1234-5678 "), Ok(number));
        assert_eq!(key.pseudonym_of("13812345678"), Ok(number));
        let text = of(IdForm::Text, "7590-VHVEG").unwrap();
        assert_eq!(of(IdForm::Text, " 7590-VHVEG"), Ok(text));
        assert_ne!(of(IdForm::Text, "13812345678"), Ok(number));
        assert_ne!(
            IdMaker::new(IdForm::Row, &key).of_row(1),
            of(IdForm::Text, "1").unwrap()
        );
        assert_eq!(of(IdForm::Pseudonym, &number.to_string()), Ok(number));
        assert_eq!(of(IdForm::Pseudonym, "x"), Err(CellFault::NotPseudonym));
        assert_eq!(of(IdForm::Number, "7590-VHVEG"), Err(CellFault::NotMobile));
        assert_eq!(of(IdForm::Text, "  "), Err(CellFault::NoId));
    }
}
