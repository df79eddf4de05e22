//! What serde leaves out of a document, and what it puts in place of what is left out.

/// Lets serde leave out a field that has its default value.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(super) fn one() -> u64 {
    1
}

pub(super) fn is_one(value: &u64) -> bool {
    *value == 1
}

pub(super) fn one_text() -> String {
    "1".to_owned()
}

pub(super) fn is_one_text(value: &String) -> bool {
    value == "1"
}
