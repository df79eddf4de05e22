//! Problem details (RFC 9457): the one shape of every error answer.
//!
//! A handler returns a [`Problem`] with a kind from the [`catalogue`] and a detail in both languages that says what to change.
//! The edge (`http::edge`) writes it out in the reader's language with the request id. What went wrong inside (SQL, host
//! messages) stays in `cause`, which goes to the log and never to the client. Telephone numbers that a client sent are
//! masked in what it is told (PR-2): answers are kept in more places than requests.

pub mod catalogue;
pub mod document;
mod serde_text;
pub mod shape;
mod strict;
pub mod words;

pub use serde_text::field_error_of;

use axum::response::{IntoResponse, Response};
use chudian_vocabulary::masking::mask_numbers;
use chudian_vocabulary::{Language, Name};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ports::sql::SqlError;
use crate::ports::{KeyValueError, VariableError};

/// What every problem type begins with.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:chudian:problem:";

/// Media type of a problem (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// Field errors that one answer lists; a document with more is broken in the same way over and over.
pub const FIELD_ERRORS_MAX: usize = 200;

/// Seconds after which a client may try again when a store was busy: longer than the longest wait for a lock.
const STORAGE_RETRY_AFTER_S: u32 = 6;

/// An entry of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable code; the last part of the problem's `type`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short text in Chinese.
    pub title_zh: &'static str,
    /// Short text in English.
    pub title_en: &'static str,
}

/// One thing wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field; empty for the document as a whole. For a query, `/` and the parameter's name.
    pub pointer: String,
    /// Stable code, for programs.
    pub code: String,
    /// What is wrong and what to change.
    pub detail: Name,
}

/// An error answer. Boxed inside, so that `Result<T, Problem>` stays small.
#[derive(Clone, Debug)]
pub struct Problem(Box<ProblemParts>);

#[derive(Clone, Debug)]
struct ProblemParts {
    kind: ProblemKind,
    /// `None` when the title, or the wrong fields, say everything.
    detail: Option<Name>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    cause: Option<String>,
}

impl FieldError {
    /// The error as the detail of a problem that has `others` more.
    fn as_detail(&self, others: usize) -> Name {
        let (place_zh, place_en) = if self.pointer.is_empty() {
            ("整个文档", "the whole document")
        } else {
            (self.pointer.as_str(), self.pointer.as_str())
        };
        let (more_zh, more_en) = match others {
            0 => Default::default(),
            _ => (
                format!("（另有 {others} 处，见 errors）"),
                format!(" ({others} more in `errors`)"),
            ),
        };
        Name::new(
            format!(
                "{place_zh}：{}{more_zh}。",
                self.detail.zh.trim_end_matches('。')
            ),
            format!(
                "{place_en}: {}{more_en}.",
                self.detail.en.trim_end_matches('.')
            ),
        )
    }
}

impl Problem {
    /// A problem of `kind`; `detail` says what to change, in both languages.
    pub fn new(kind: ProblemKind, detail: Name) -> Self {
        Self::with_detail(kind, Some(detail))
    }

    /// A problem whose title says everything; with errors, its detail is the first of them and how many more there are.
    pub fn of_kind(kind: ProblemKind) -> Self {
        Self::with_detail(kind, None)
    }

    fn with_detail(kind: ProblemKind, detail: Option<Name>) -> Self {
        Self(Box::new(ProblemParts {
            kind,
            detail,
            errors: Vec::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// A defect of ours: the client sees only that there was one.
    pub fn internal(cause: impl Into<String>) -> Self {
        let detail = Name::new(
            "系统内部出现错误。请把 instance 中的请求编号告诉运维人员。",
            "Something failed inside. Tell the operations team the request id in `instance`.",
        );
        Self::new(catalogue::INTERNAL, detail).with_cause(cause)
    }

    /// Adds the fields that are wrong; beyond [`FIELD_ERRORS_MAX`] they are left out.
    #[must_use]
    pub fn with_errors(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        let room = FIELD_ERRORS_MAX.saturating_sub(self.0.errors.len());
        self.0.errors.extend(errors.into_iter().take(room));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after_s(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Notes for the log what happened inside. Must not hold personal data.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// What is wrong, in both languages.
    pub fn detail(&self) -> Name {
        let parts = &self.0;
        match (&parts.detail, parts.errors.split_first()) {
            (Some(detail), _) => detail.clone(),
            (None, Some((first, others))) => first.as_detail(others.len()),
            (None, None) => Name::new(parts.kind.title_zh, parts.kind.title_en),
        }
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What happened inside, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer's JSON in `language`; `instance` is the request id.
    pub fn to_json(&self, language: Language, instance: Option<&str>) -> Value {
        let parts = &self.0;
        let title = match language {
            Language::Chinese => parts.kind.title_zh,
            Language::English => parts.kind.title_en,
        };
        let mut members = Map::new();
        members.insert(
            "type".to_owned(),
            format!("{PROBLEM_TYPE_PREFIX}{}", parts.kind.code).into(),
        );
        members.insert("title".to_owned(), title.into());
        members.insert("status".to_owned(), parts.kind.status.into());
        members.insert(
            "detail".to_owned(),
            mask_numbers(self.detail().in_language(language)).into(),
        );
        if let Some(instance) = instance {
            members.insert("instance".to_owned(), instance.into());
        }
        if !parts.errors.is_empty() {
            let errors = parts
                .errors
                .iter()
                .map(|error| json!(FieldErrorBody::of(error, language)));
            members.insert("errors".to_owned(), errors.collect());
        }
        Value::Object(members)
    }

    /// The whole answer in `language`. It carries the problem as an extension, from which the edge takes it again.
    pub fn to_response(&self, language: Language, instance: Option<&str>) -> Response {
        let body = self.to_json(language, instance).to_string();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(PROBLEM_MEDIA_TYPE),
        );
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.0.kind.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.to_response(Language::English, None)
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        let storage_unavailable = || {
            let detail = Name::new(
                "数据库繁忙或暂时不可用，请求没有生效，请稍后重试。",
                "The database is busy or away; nothing was done. Try again after the time in `Retry-After`.",
            );
            Self::new(catalogue::STORAGE_UNAVAILABLE, detail)
                .with_retry_after_s(STORAGE_RETRY_AFTER_S)
        };
        match &error {
            SqlError::Busy(_) | SqlError::Unavailable(_) => storage_unavailable(),
            SqlError::Full(_) => Self::of_kind(catalogue::STORAGE_FULL),
            // A handler that expects a constraint to refuse a row handles it before it comes here.
            SqlError::UniqueViolation(_)
            | SqlError::ConstraintViolation(_)
            | SqlError::Statement(_)
            | SqlError::Shape(_) => Self::internal(""),
        }
        .with_cause(error.to_string())
    }
}

impl From<KeyValueError> for Problem {
    fn from(error: KeyValueError) -> Self {
        match &error {
            KeyValueError::Unavailable(_) => Self::of_kind(catalogue::STORAGE_UNAVAILABLE)
                .with_retry_after_s(STORAGE_RETRY_AFTER_S),
            KeyValueError::Full => Self::of_kind(catalogue::STORAGE_FULL),
            KeyValueError::Refused(_) => Self::internal(""),
        }
        .with_cause(error.to_string())
    }
}

impl From<VariableError> for Problem {
    fn from(error: VariableError) -> Self {
        Self::internal(error.to_string())
    }
}

/// The problem's schema, for OpenAPI documents.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem, description = "Problem details (RFC 9457).")]
pub struct ProblemBody {
    /// `urn:chudian:problem:<code>`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// Short text of the problem's kind, in the reader's language.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong with this request and what to change, in the reader's language.
    pub detail: String,
    /// Request id.
    pub instance: Option<String>,
    /// The fields that are wrong, where the problem lies in a document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldErrorBody>,
}

/// One wrong field, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = FieldError)]
pub struct FieldErrorBody {
    /// JSON pointer (RFC 6901) to the field.
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// What is wrong and what to change, in the reader's language.
    pub detail: String,
}

impl FieldErrorBody {
    /// The error in `language`, telephone numbers masked.
    pub fn of(error: &FieldError, language: Language) -> Self {
        Self {
            pointer: mask_numbers(&error.pointer).into_owned(),
            code: error.code.clone(),
            detail: mask_numbers(error.detail.in_language(language)).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        let codes: BTreeSet<_> = catalogue::ALL.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), catalogue::ALL.len());
        for kind in catalogue::ALL {
            assert!((400..600).contains(&kind.status), "{}", kind.code);
            assert!(!kind.title_zh.is_ascii(), "{}", kind.code);
            assert!(kind.title_en.is_ascii(), "{}", kind.code);
        }
    }

    /// Goal: what a database says never reaches a client.
    #[test]
    fn a_cause_stays_inside() {
        let problem = Problem::from(SqlError::Statement(
            "no such table: secret_table".to_owned(),
        ));
        assert!(
            problem
                .cause()
                .is_some_and(|cause| cause.contains("secret_table"))
        );
        for language in [Language::Chinese, Language::English] {
            assert!(
                !problem
                    .to_json(language, Some("r"))
                    .to_string()
                    .contains("secret_table")
            );
        }
    }

    #[test]
    fn numbers_are_masked_in_what_a_client_is_told() {
        let number = "13812345678";
        let error = FieldError {
            pointer: format!("/{number}"),
            code: "unknown-field".to_owned(),
            detail: Name::new(number, number),
        };
        let problem =
            Problem::new(catalogue::INVALID_BODY, Name::new(number, number)).with_errors([error]);
        let text = problem.to_json(Language::Chinese, None).to_string();
        assert!(
            !text.contains(number) && text.matches("138****5678").count() == 3,
            "{text}"
        );
    }

    /// Goal: who reads only the detail knows the field and what belongs there; a detail that was given stays.
    #[test]
    fn the_first_wrong_field_is_the_detail() {
        let error = |pointer: &str| FieldError {
            pointer: pointer.to_owned(),
            code: "c".to_owned(),
            detail: Name::new("应为整数。", "must be a whole number"),
        };
        let detail = |errors: Vec<FieldError>| {
            let detail = Problem::of_kind(catalogue::INVALID_BODY)
                .with_errors(errors)
                .detail();
            (detail.zh, detail.en)
        };
        let both = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        assert_eq!(
            detail(vec![error("/a/0")]),
            both("/a/0：应为整数。", "/a/0: must be a whole number.")
        );
        assert_eq!(
            detail(vec![error(""), error("/b"), error("/c")]),
            both(
                "整个文档：应为整数（另有 2 处，见 errors）。",
                "the whole document: must be a whole number (2 more in `errors`)."
            )
        );
        let kind = catalogue::INVALID_BODY;
        assert_eq!(detail(Vec::new()), both(kind.title_zh, kind.title_en));
        let given = Problem::new(kind, Name::new("说明", "said")).with_errors([error("/a")]);
        assert_eq!(given.detail(), Name::new("说明", "said"));
    }

    #[test]
    fn the_list_of_field_errors_is_bounded() {
        let error = FieldError {
            pointer: "/a".to_owned(),
            code: "c".to_owned(),
            detail: Name::new("错", "wrong"),
        };
        let many = std::iter::repeat_n(error, FIELD_ERRORS_MAX + 5);
        let json = Problem::of_kind(catalogue::INVALID_BODY)
            .with_errors(many)
            .to_json(Language::English, None);
        assert_eq!(
            json["errors"].as_array().map(Vec::len),
            Some(FIELD_ERRORS_MAX)
        );
    }
}
