//! Catalogue versions: import, validate, list, facts, export (TS-6).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::{RawBody, require_media_type};
use chudian_runtime::http::language::ReaderLanguage;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{FieldErrorBody, Problem};
use chudian_vocabulary::{Language, Name};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::problems::{catalogue_refused, catalogue_unknown, field_errors_shown};
use super::{App, rfc3339};
use crate::limits::CATALOGUE_BYTES_MAX;
use crate::store::{CatalogueFacts, NewCatalogue};
use crate::wire::{self, ParsedCatalogue};

/// Characters of the hash that name a version: 64 bits, beyond any chance of two catalogues of a province sharing one.
const VERSION_CHARACTERS: usize = 16;

/// How long a version's bytes may be kept by a client: they never change, but who may see them does.
const EXPORT_CACHE_CONTROL: &str = "private, no-cache";

/// What an import answers.
#[derive(Serialize, ToSchema)]
pub(super) struct Imported {
    /// First 16 hex characters of the SHA-256 of the bytes.
    version: String,
    /// SHA-256 of the bytes.
    sha256: String,
    /// Plans in it.
    plan_count: usize,
    /// Add-ons in it.
    add_on_count: usize,
    /// What is doubtful about it.
    warnings: Vec<FieldErrorBody>,
}

/// What a validation answers.
#[derive(Serialize, ToSchema)]
pub(super) struct Validated {
    /// Whether it could be imported.
    valid: bool,
    /// What is wrong with it.
    errors: Vec<FieldErrorBody>,
    /// What is doubtful about it.
    warnings: Vec<FieldErrorBody>,
    /// Plans in it; absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_count: Option<usize>,
    /// Add-ons in it; absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    add_on_count: Option<usize>,
}

/// One version, without its plans.
#[derive(Serialize, ToSchema)]
pub(super) struct CatalogueVersion {
    /// The version.
    version: String,
    /// SHA-256 of its bytes.
    sha256: String,
    /// The catalogue's own identifier.
    catalogue_id: String,
    /// Its name.
    name: String,
    /// Plans in it.
    plan_count: i64,
    /// Add-ons in it.
    add_on_count: i64,
    /// When it was imported, RFC 3339.
    imported_at: String,
    /// Id of the key that imported it.
    imported_by: String,
}

/// Query of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Versions on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Import a catalogue
///
/// The same bytes are the same version: sending them again changes nothing and answers `200`.
#[utoipa::path(
    post, path = "/catalogues", tag = "catalogue", operation_id = "import_catalogue",
    request_body(content = wire::catalogue::CatalogueJson, description = "A catalogue, at most 8 MiB"),
    responses(
        (status = 201, description = "A new version", body = Imported),
        (status = 200, description = "A version that is there already", body = Imported),
    )
)]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    ReaderLanguage(language): ReaderLanguage,
    headers: HeaderMap,
    RawBody(bytes): RawBody<CATALOGUE_BYTES_MAX>,
) -> Result<Response, Problem> {
    require_media_type(&headers, &["application/json"])?;
    let ParsedCatalogue {
        catalogue,
        warnings,
    } = wire::parse_catalogue(&bytes).map_err(catalogue_refused)?;
    let sha256 = sha256_of(&bytes);
    let version = sha256[..VERSION_CHARACTERS].to_owned();
    let warnings_json =
        serde_json::to_string(&warnings).map_err(|error| Problem::internal(error.to_string()))?;
    let new = NewCatalogue {
        version: &version,
        sha256: &sha256,
        catalogue_id: &catalogue.id,
        name: &catalogue.name,
        plan_count: catalogue.plans.len(),
        add_on_count: catalogue.add_ons.len(),
        warnings: &warnings_json,
        imported_by: &caller.key_id,
        document: &bytes,
    };
    let is_new = app.store.add_catalogue(&new).await?;
    let answer = Imported {
        version,
        sha256,
        plan_count: catalogue.plans.len(),
        add_on_count: catalogue.add_ons.len(),
        warnings: field_errors_shown(warnings, language),
    };
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(answer)).into_response())
}

/// Check a catalogue without storing it
#[utoipa::path(
    post, path = "/catalogues/validate", tag = "catalogue", operation_id = "validate_catalogue",
    request_body(content = wire::catalogue::CatalogueJson, description = "A catalogue, at most 8 MiB"),
    responses((status = 200, description = "What an import would find", body = Validated))
)]
pub(super) async fn validate(
    ReaderLanguage(language): ReaderLanguage,
    headers: HeaderMap,
    RawBody(bytes): RawBody<CATALOGUE_BYTES_MAX>,
) -> Result<Json<Validated>, Problem> {
    require_media_type(&headers, &["application/json"])?;
    Ok(Json(match wire::parse_catalogue(&bytes) {
        Ok(ParsedCatalogue {
            catalogue,
            warnings,
        }) => Validated {
            valid: true,
            errors: Vec::new(),
            warnings: field_errors_shown(warnings, language),
            plan_count: Some(catalogue.plans.len()),
            add_on_count: Some(catalogue.add_ons.len()),
        },
        Err(errors) => Validated {
            valid: false,
            errors: field_errors_shown(errors, language),
            warnings: Vec::new(),
            plan_count: None,
            add_on_count: None,
        },
    }))
}

/// List catalogue versions, newest first
#[utoipa::path(
    get, path = "/catalogues", tag = "catalogue", operation_id = "list_catalogues", params(ListQuery),
    responses((status = 200, description = "A page of versions", body = Page<CatalogueVersion>))
)]
pub(super) async fn list(
    State(app): State<App>,
    ReaderLanguage(language): ReaderLanguage,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<CatalogueVersion>>, Problem> {
    let request = PageRequest::<(i64, String)>::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .store
        .catalogues(request.after.as_ref(), request.rows_to_read())
        .await?;
    let page = request.page(rows, |facts| (facts.sequence, facts.version.clone()));
    let items = page
        .items
        .into_iter()
        .map(|facts| shown(facts, language))
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// Facts of one version
#[utoipa::path(
    get, path = "/catalogues/{version}", tag = "catalogue", operation_id = "catalogue_facts",
    params(("version" = String, Path, description = "Version")),
    responses((status = 200, description = "The version", body = CatalogueVersion))
)]
pub(super) async fn facts(
    State(app): State<App>,
    ReaderLanguage(language): ReaderLanguage,
    PathOf(version): PathOf<String>,
) -> Result<Json<CatalogueVersion>, Problem> {
    let facts = app
        .store
        .catalogue_facts(&version)
        .await?
        .ok_or_else(catalogue_unknown)?;
    Ok(Json(shown(facts, language)?))
}

/// The bytes of a version, exactly as imported
#[utoipa::path(
    get, path = "/catalogues/{version}/export", tag = "catalogue", operation_id = "export_catalogue",
    params(("version" = String, Path, description = "Version")),
    responses(
        (status = 200, description = "The bytes; `ETag` is their SHA-256", body = wire::catalogue::CatalogueJson),
        (status = 304, description = "The bytes named in `If-None-Match`"),
    )
)]
pub(super) async fn export(
    State(app): State<App>,
    PathOf(version): PathOf<String>,
    request_headers: HeaderMap,
) -> Result<Response, Problem> {
    let (document, sha256) = app
        .store
        .catalogue_document(&version)
        .await?
        .ok_or_else(catalogue_unknown)?;
    let etag = format!("\"{sha256}\"");
    let etag_value =
        HeaderValue::from_str(&etag).map_err(|error| Problem::internal(error.to_string()))?;
    let headers = [
        (header::ETAG, etag_value),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static(EXPORT_CACHE_CONTROL),
        ),
    ];
    let known = request_headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| {
        known
            .split(',')
            .any(|tag| tag.trim() == etag || tag.trim() == "*")
    }) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let content_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((headers, content_type, document).into_response())
}

fn shown(facts: CatalogueFacts, language: Language) -> Result<CatalogueVersion, Problem> {
    let Name { zh, en } = facts.name;
    Ok(CatalogueVersion {
        version: facts.version,
        sha256: facts.sha256,
        catalogue_id: facts.catalogue_id,
        name: match language {
            Language::Chinese => zh,
            Language::English => en,
        },
        plan_count: facts.plan_count,
        add_on_count: facts.add_on_count,
        imported_at: rfc3339(facts.imported_at_unix_ms)?,
        imported_by: facts.imported_by,
    })
}

fn sha256_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
