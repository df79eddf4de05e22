//! Exclusion sets.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::Name;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{App, name_in_path};
use crate::exclusions::ExclusionSet;
use crate::service::prepare::DEFAULT_SET;
use crate::store::exclusion_sets::StoredSet;
use crate::wire;
use crate::wire::exclusions::ExclusionSetJson;

/// Largest set: nine rules and an interval for each channel.
const SET_BYTES_MAX: usize = 16 * 1024;

/// An exclusion set.
#[derive(Serialize, ToSchema)]
pub(super) struct ExclusionSetBody {
    /// Its name.
    name: String,
    /// Its version; 0 is what the product brings along.
    version: u32,
    /// The region whose keys see it; absent for the whole province.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// The rules.
    rules: ExclusionSetJson,
}

/// Which sets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Most items of the page, 1 to 200.
    limit: Option<u32>,
    /// Where to go on.
    cursor: Option<String>,
}

/// Which version.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// A version; the latest when absent.
    version: Option<u32>,
}

/// Exclusion sets, by name, each with its latest version
///
/// The set `default` is in the list once a province has stored its own; until then it holds the product's defaults.
#[utoipa::path(
    get, path = "/exclusion-sets", tag = "exclusions", operation_id = "list_exclusion_sets", params(ListQuery),
    responses((status = 200, description = "A page of sets", body = Page<ExclusionSetBody>))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<ExclusionSetBody>>, Problem> {
    let request: PageRequest<String> = PageRequest::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .store
        .exclusion_sets(
            caller.region.as_ref(),
            request.after.as_deref(),
            request.rows_to_read(),
        )
        .await?;
    let page = request.page(rows, |set| set.name.clone());
    let items = page.items.into_iter().map(body).collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// An exclusion set
#[utoipa::path(
    get, path = "/exclusion-sets/{name}", tag = "exclusions", operation_id = "get_exclusion_set",
    params(("name" = String, Path, description = "Name; `default` always exists"), VersionQuery),
    responses((status = 200, description = "The set", body = ExclusionSetBody))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<VersionQuery>,
) -> Result<Json<ExclusionSetBody>, Problem> {
    let name = name_in_path(&name)?;
    let stored = match query.version {
        Some(0) => None,
        version => app.store.exclusion_set(name, version).await?,
    };
    match stored.filter(|set| set.is_visible_to(&caller)) {
        Some(stored) => body(stored).map(Json),
        None if name == DEFAULT_SET && query.version.unwrap_or(0) == 0 => {
            Ok(Json(ExclusionSetBody {
                name: DEFAULT_SET.to_owned(),
                version: 0,
                region: None,
                rules: wire::exclusions::write(&ExclusionSet::default_of_tf3()),
            }))
        }
        None => Err(unknown()),
    }
}

/// Store an exclusion set
///
/// Each change is a new version; storing what is there already changes nothing. A member that is absent is unset: its rule does not hold.
#[utoipa::path(
    put, path = "/exclusion-sets/{name}", tag = "exclusions", operation_id = "put_exclusion_set",
    params(("name" = String, Path, description = "Name")), request_body = ExclusionSetJson,
    responses((status = 200, description = "The version in force", body = ExclusionSetBody))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<ExclusionSetJson, SET_BYTES_MAX>,
) -> Result<Json<ExclusionSetBody>, Problem> {
    let name = name_in_path(&name)?;
    let set = wire::exclusions::read(&form).map_err(|mistakes| {
        Problem::of_kind(catalogue::EXCLUSION_SET_INVALID).with_errors(mistakes)
    })?;
    // The default of the whole province is not a region's to change, nor to take the name of.
    if name == DEFAULT_SET && caller.region.is_some() {
        return Err(unknown());
    }
    let document = serde_json::to_string(&wire::exclusions::write(&set))
        .map_err(|error| Problem::internal(error.to_string()))?;
    let latest = app.store.exclusion_set(name, None).await?;
    if let Some(latest) =
        latest.filter(|latest| latest.is_owned_by(&caller) && latest.document == document)
    {
        return body(latest).map(Json);
    }
    let mut transaction = app.store.sql().begin().await?;
    let outcome = app
        .store
        .put_exclusion_set(&mut transaction, name, &document, &caller)
        .await;
    let version = transaction.end(outcome).await?.ok_or_else(unknown)?;
    let stored = app
        .store
        .exclusion_set(name, Some(version))
        .await?
        .ok_or_else(unknown)?;
    body(stored).map(Json)
}

fn body(stored: StoredSet) -> Result<ExclusionSetBody, Problem> {
    let rules = serde_json::from_str(&stored.document)
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(ExclusionSetBody {
        name: stored.name,
        version: stored.version,
        region: stored.region,
        rules,
    })
}

fn unknown() -> Problem {
    let detail = Name::new(
        "没有这个排除规则集或版本。",
        "There is no such exclusion set or version.",
    );
    Problem::new(catalogue::EXCLUSION_SET_UNKNOWN, detail)
}
