//! Errors that point to the field of a document, and the way there.

use chudian_runtime::problem::shape::Mistake;
use chudian_vocabulary::Name;

use crate::limits::ERRORS_MAX;

/// Something wrong, or doubtful, at one place of a document.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Place, as a JSON pointer (RFC 6901); empty for the whole document.
    pub pointer: String,
    /// What kind of mistake, for programs; listed in `docs/reference/catalogue.md`.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: Name,
}

impl From<Mistake> for FieldError {
    fn from(mistake: Mistake) -> Self {
        Self {
            pointer: mistake.pointer,
            code: mistake.code,
            message: mistake.detail,
        }
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}: {} ({})",
            self.pointer, self.message.en, self.code
        )
    }
}

/// A place in a document: a chain to the root, so that nothing is allocated unless something is wrong there.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    pub(super) fn field(&'a self, name: &'a str) -> Self {
        At::Field(self, name)
    }

    pub(super) fn item(&'a self, index: usize) -> Self {
        At::Item(self, index)
    }

    /// Name of the field, when the place is one.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self {
            At::Field(_, name) => Some(name),
            At::Root | At::Item(..) => None,
        }
    }

    pub(super) fn pointer(&self) -> String {
        match self {
            At::Root => String::new(),
            At::Field(parent, name) => format!(
                "{}/{}",
                parent.pointer(),
                name.replace('~', "~0").replace('/', "~1")
            ),
            At::Item(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

/// Collects what is found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<FieldError>,
    pub(super) warnings: Vec<FieldError>,
}

impl Findings {
    pub(super) fn error(
        &mut self,
        at: &At<'_>,
        code: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(FieldError {
                pointer: at.pointer(),
                code,
                message: Name::new(zh, en),
            });
        }
    }

    pub(super) fn warning(
        &mut self,
        at: &At<'_>,
        code: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) {
        if self.warnings.len() < ERRORS_MAX {
            self.warnings.push(FieldError {
                pointer: at.pointer(),
                code,
                message: Name::new(zh, en),
            });
        }
    }
}
