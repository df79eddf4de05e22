//! The document as the annotations of the handlers make it, completed by what every operation shares.

use axum::Router;
use bytes::Bytes;
use chudian_vocabulary::access::Role;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use super::About;
use crate::http::auth::Admission;
use crate::http::routes::Routes;
use crate::problem::{FieldErrorBody, PROBLEM_MEDIA_TYPE, ProblemBody};

/// Name of the security scheme for keys.
const KEY_SCHEME: &str = "key";

/// Name of the security scheme for page tokens.
const PAGE_TOKEN_SCHEME: &str = "page_token";

/// Name of the shared error response.
const PROBLEM_RESPONSE: &str = "Problem";

/// Statuses of problems that every operation may answer with.
const ANY_PROBLEM: [&str; 7] = ["400", "404", "409", "422", "500", "503", "default"];

/// Further statuses of an operation that reads a body.
const BODY_PROBLEMS: [&str; 3] = ["413", "415", "507"];

/// Further statuses of an operation behind a guard.
const GUARD_PROBLEMS: [&str; 3] = ["401", "403", "429"];

/// The routes as a router, and their document.
pub(super) fn document<S: Clone + Send + Sync + 'static>(
    routes: Routes<S>,
    about: &About,
) -> (Router<S>, Bytes) {
    let mut info = Info::new(about.title, about.version);
    info.description = Some(about.description.to_owned());
    let (router, mut document) = routes.under(about.base_path, info);
    complete(&mut document);
    let json = document
        .to_json()
        .unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    (router, json.into())
}

/// Adds the schemas, the security schemes and the error response that every operation shares.
fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.insert(
        FieldErrorBody::name().into_owned(),
        FieldErrorBody::schema(),
    );
    components
        .responses
        .insert(PROBLEM_RESPONSE.to_owned(), RefOr::T(problem_response()));
    let key = described("A key `chd_…` that an administrator made.");
    let page_token = described("A page token `cht_…` that a hall made for one customer's page.");
    components.add_security_scheme(KEY_SCHEME, key);
    components.add_security_scheme(PAGE_TOKEN_SCHEME, page_token);
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let statuses = if operation.request_body.is_some() {
            &[&ANY_PROBLEM[..], &BODY_PROBLEMS[..]]
        } else {
            &[&ANY_PROBLEM[..], &[]]
        };
        add_problems(operation, statuses.concat());
    }
}

/// Documents that an operation may answer with these statuses, where it does not say more of them itself.
fn add_problems(operation: &mut Operation, statuses: impl IntoIterator<Item = &'static str>) {
    for status in statuses {
        let problem = RefOr::Ref(Ref::from_response_name(PROBLEM_RESPONSE));
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert(problem);
    }
}

fn problem_response() -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name());
    ResponseBuilder::new()
        .description("A problem (RFC 9457). `type` is `urn:chudian:problem:<code>`.")
        .content(PROBLEM_MEDIA_TYPE, Content::new(Some(schema)))
        .build()
}

fn described(description: &str) -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some(description.to_owned());
    SecurityScheme::Http(scheme)
}

/// Writes into every operation of `routes` who is let in.
pub(in crate::http) fn with_admission<S: Clone + Send + Sync + 'static>(
    mut routes: OpenApiRouter<S>,
    admission: Admission,
) -> OpenApiRouter<S> {
    let document = routes.get_openapi_mut();
    let roles = admission
        .roles
        .iter()
        .copied()
        .map(Role::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let also = if admission.page_token {
        ", or a page token"
    } else {
        ""
    };
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let mut requirements = vec![SecurityRequirement::new(KEY_SCHEME, Vec::<String>::new())];
        if admission.page_token {
            requirements.push(SecurityRequirement::new(
                PAGE_TOKEN_SCHEME,
                Vec::<String>::new(),
            ));
        }
        operation.security = Some(requirements);
        add_problems(operation, GUARD_PROBLEMS);
        let description = operation.description.take().unwrap_or_default();
        operation.description = Some(
            format!("{description}\n\nRoles: {roles}{also}.")
                .trim_start()
                .to_owned(),
        );
    }
    routes
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ]
    .into_iter()
    .flatten()
}
