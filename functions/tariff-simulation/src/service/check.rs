//! Checks a customer by itself, before it is stored.
//!
//! Which plans, categories and bands exist depends on the catalogue of the day on which a simulation is asked for, so a stored
//! customer is not held to any one catalogue: it is read in the words of a catalogue without words, and what that catalogue does
//! not know is forgiven. Everything else (units, sums, months, absurd figures) is an error at any time.

use std::sync::OnceLock;

use chudian_vocabulary::masking::looks_like_a_number;
use chudian_vocabulary::{CustomerId, Name};

use super::forms::{CustomerForm, Described, relocated, usage_document};
use crate::plan::Catalogue;
use crate::wire::{self, FieldError};

/// Codes of errors that say only that one catalogue does not know a word.
const CATALOGUE_CODES: [&str; 2] = ["unknown-reference", "not-with-plan"];

/// A catalogue that knows no brands, and of categories only the one that every catalogue must have.
const WORDLESS: &str = r#"{
    "schema": "chudian-catalogue/1", "id": "wordless", "name": {"zh": "无", "en": "none"},
    "categories": {"voice": [{"id": "none", "name": {"zh": "无", "en": "none"}}]},
    "plans": [{"id": "none", "name": {"zh": "无", "en": "none"}, "monthly_fee": "0"}]
}"#;

/// Everything that is wrong with a customer whatever the catalogue; pointers are those of the form.
pub fn customer_errors(form: &CustomerForm) -> Vec<FieldError> {
    let (profile, usage) = form.clone().into_parts();
    let document = usage_document(profile, usage);
    let errors = match wordless() {
        Ok(catalogue) => wire::usage_from(&document, catalogue)
            .err()
            .unwrap_or_default(),
        Err(errors) => return errors.clone(),
    };
    let lasting = errors
        .into_iter()
        .filter(|error| !CATALOGUE_CODES.contains(&error.code))
        .collect();
    relocated(lasting, Described::Stored)
}

fn wordless() -> &'static Result<Catalogue, Vec<FieldError>> {
    static CATALOGUE: OnceLock<Result<Catalogue, Vec<FieldError>>> = OnceLock::new();
    CATALOGUE
        .get_or_init(|| wire::parse_catalogue(WORDLESS.as_bytes()).map(|parsed| parsed.catalogue))
}

/// What is wrong with the pseudonym of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerIdFault {
    /// Not 1 to 64 of the allowed characters.
    Form,
    /// It could be somebody's telephone number (PR-1).
    LooksLikeANumber,
}

impl CustomerIdFault {
    /// The fault in words. They do not repeat the id.
    pub fn text(self) -> Name {
        match self {
            Self::Form => Name::new(
                "客户标识须为 1 至 64 个字符，限 A-Z a-z 0-9 _ - .",
                "A customer id has 1 to 64 characters of A-Z a-z 0-9 _ - .",
            ),
            Self::LooksLikeANumber => Name::new(
                "客户标识不能是电话号码；请使用不可还原的代号。",
                "A customer id must not be a telephone number; use a pseudonym that cannot be turned back.",
            ),
        }
    }
}

/// Reads the pseudonym of a customer.
pub fn customer_id(text: &str) -> Result<CustomerId, CustomerIdFault> {
    if looks_like_a_number(text) {
        return Err(CustomerIdFault::LooksLikeANumber);
    }
    // `:` belongs to identifiers of other things.
    if text.contains(':') {
        return Err(CustomerIdFault::Form);
    }
    CustomerId::new(text).map_err(|_| CustomerIdFault::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(line: &str) -> CustomerForm {
        serde_json::from_str(&format!(
            r#"{{"region": "a", "plan_id": "unheard-of", "brand": "any",
                "usage": {{"schema": "chudian-usage/1", "months": [{{"month": "2026-05", "lines": [{line}]}}]}}}}"#
        ))
        .unwrap()
    }

    /// Goal: no catalogue is needed to store a good customer, and none excuses a bad one.
    #[test]
    fn only_lasting_errors_are_found() {
        let table = [
            (r#"{"kind": "data", "category": "any", "kb": 5}"#, ""),
            (
                r#"{"kind": "data", "category": "any", "band": "any", "kb": 5}"#,
                "",
            ),
            (
                r#"{"kind": "data", "category": "any"}"#,
                "/usage/months/0/lines/0/kb",
            ),
            (
                r#"{"kind": "voice", "category": "any", "seconds": 1, "kb": 5}"#,
                "/usage/months/0/lines/0/kb",
            ),
            (
                r#"{"kind": "data", "category": "any", "kb": 1000000000000000}"#,
                "/usage/months/0/lines/0/kb",
            ),
        ];
        for (line, pointer) in table {
            let errors = customer_errors(&form(line));
            assert_eq!(
                errors.first().map_or("", |error| error.pointer.as_str()),
                pointer,
                "{line}: {errors:?}"
            );
        }
    }

    #[test]
    fn a_customer_id_is_a_pseudonym() {
        for good in ["c-000017", "A.b_c-9", "12345678901", &"x".repeat(64)] {
            assert!(customer_id(good).is_ok(), "{good}");
        }
        for number in [
            "13812345678",
            "138-1234-5678",
            "8613812345678",
            "139.1234_5678",
        ] {
            assert_eq!(
                customer_id(number),
                Err(CustomerIdFault::LooksLikeANumber),
                "{number}"
            );
        }
        for bad in ["", "a b", "a/b", "a:b", "长沙", &"x".repeat(65)] {
            assert_eq!(customer_id(bad), Err(CustomerIdFault::Form), "{bad}");
        }
    }
}
