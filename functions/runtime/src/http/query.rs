//! Query strings and path parameters, with problems that name the parameter.

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
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                let text = error.body_text();
                let detail = Name::new(format!("路径中的标识不符合要求：{text}"), text);
                Err(Problem::new(catalogue::INVALID_PATH, detail))
            }
            Err(other) => Err(Problem::internal(other.to_string())),
        }
    }
}
