//! Query strings and path parameters, with problems that name the parameter.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use chudian_vocabulary::Name;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, catalogue, field_error_of};

/// The query string as `T`. Give `T` `deny_unknown_fields`, so that a misspelt parameter is an error and not ignored.
pub struct QueryOf<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(url_pairs(query));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| {
                Problem::of_kind(catalogue::INVALID_QUERY)
                    .with_errors([field_error_of(error.path(), &error.inner().to_string())])
            })
    }
}

fn url_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// The parameters of the path as `T`: a type for one parameter, a tuple for several.
pub struct PathOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => refused(error.into_kind()),
            Err(other) => Err(Problem::internal(other.to_string())),
        }
    }
}

/// A path that cannot be read as the route's parameters; the words of the library about Rust types stay inside.
fn refused<T>(kind: ErrorKind) -> Result<T, Problem> {
    let detail = match kind {
        // What the route's own author got wrong, not the caller.
        ErrorKind::WrongNumberOfParameters { .. } | ErrorKind::UnsupportedType { .. } => {
            return Err(Problem::internal(kind.to_string()));
        }
        ErrorKind::InvalidUtf8InPathParam { key } => Name::new(
            format!("路径中的 {key} 解码后不是 UTF-8 文本。"),
            format!("The part `{key}` of the path is not text in UTF-8 after decoding."),
        ),
        ErrorKind::ParseErrorAtKey { key, .. } | ErrorKind::DeserializeError { key, .. } => {
            Name::new(
                format!("路径中的 {key} 不符合要求。"),
                format!("The part `{key}` of the path is not valid."),
            )
        }
        _ => Name::new(
            "路径中的标识不符合要求。",
            "A part of the path is not valid.",
        ),
    };
    Err(Problem::new(catalogue::INVALID_PATH, detail))
}
