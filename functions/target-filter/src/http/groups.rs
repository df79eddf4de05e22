//! Saved groups.

use axum::Json;
use axum::extract::State;
use chudian_dataset::expression::ast::GroupReference;
use chudian_dataset::expression::bind::{Context, bind_group};
use chudian_dataset::expression::canonical::canonical;
use chudian_dataset::schema::Column;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{Language, NAME_LENGTH_MAX, Name};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{App, REQUEST_BYTES_MAX, invalid_field, name_in_path};
use crate::service::forms::ExpressionForm;
use crate::service::lists::forms::check_text;
use crate::service::prepare::{expression_invalid, unbound};
use crate::store::groups::{NewGroup, StoredGroup};
use crate::text;
use crate::wire;

/// A group to be saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupForm {
    /// Its name for people.
    title: Name,
    /// Who is in it.
    expression: ExpressionForm,
}

/// A saved group.
#[derive(Serialize, ToSchema)]
pub(super) struct GroupBody {
    /// Its name in expressions.
    name: String,
    /// Its version.
    version: u32,
    /// The region whose keys see it; absent for the whole province.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Its name for people.
    title: Name,
    /// Who is in it, in the JSON form.
    expression: ExpressionForm,
    /// The same as text, with the names of columns.
    text: Name,
    /// When this version was made, milliseconds since 1970.
    created_at_unix_ms: i64,
    /// Id of the key that made it.
    created_by: String,
}

/// Which groups.
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

/// Saved groups, by name, each with its latest version
#[utoipa::path(
    get, path = "/groups", tag = "groups", operation_id = "list_groups", params(ListQuery),
    responses((status = 200, description = "A page of groups", body = Page<GroupBody>))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<GroupBody>>, Problem> {
    let request: PageRequest<String> = PageRequest::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .store
        .groups(
            caller.region.as_ref(),
            request.after.as_deref(),
            request.rows_to_read(),
        )
        .await?;
    let page = request.page(rows, |group| group.name.clone());
    let items = page.items.into_iter().map(body).collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// A saved group
#[utoipa::path(
    get, path = "/groups/{name}", tag = "groups", operation_id = "get_group", params(("name" = String, Path, description = "Name"), VersionQuery),
    responses((status = 200, description = "The group", body = GroupBody))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<VersionQuery>,
) -> Result<Json<GroupBody>, Problem> {
    let stored = app.store.group(name_in_path(&name)?, query.version).await?;
    let stored = stored
        .filter(|group| group.is_visible_to(&caller))
        .ok_or_else(unknown)?;
    body(stored).map(Json)
}

/// Save a group
///
/// Each change is a new version; saving what is there already changes nothing. Groups that it names are kept with their versions of now. A
/// group that would lead back to itself, and one that names a column or a group that does not exist, is refused.
#[utoipa::path(
    put, path = "/groups/{name}", tag = "groups", operation_id = "put_group", params(("name" = String, Path, description = "Name")),
    request_body = GroupForm, responses((status = 200, description = "The version in force", body = GroupBody))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<GroupForm, REQUEST_BYTES_MAX>,
) -> Result<Json<GroupBody>, Problem> {
    let name = name_in_path(&name)?;
    check_title(&form.title)?;
    let written = form
        .expression
        .read("/expression")
        .map_err(expression_invalid)?;
    let reader = app.filter.reader(None, "").await?;
    let columns: Vec<Column> = reader.columns().cloned().collect();
    let groups = app.filter.groups(&written.expression, &caller).await?;
    let today = app
        .store
        .today()
        .ok_or_else(|| Problem::internal("the clock is outside the calendar"))?;
    let context = Context {
        columns: &columns,
        groups: &groups.bodies,
        today: today.unix_days(),
    };
    let own = GroupReference {
        name: name.to_owned(),
        version: None,
    };
    bind_group(&written.expression, own, &context)
        .map_err(|errors| unbound(&errors, &written, "/expression"))?;
    let expression = groups.pin(&canonical(&written.expression, &columns));
    let document = serde_json::to_string(&wire::expression::write(&expression))
        .map_err(|error| Problem::internal(error.to_string()))?;
    let latest = app.store.group(name, None).await?;
    if let Some(latest) = latest.filter(|latest| {
        latest.is_owned_by(&caller) && latest.document == document && latest.title == form.title
    }) {
        return body(latest).map(Json);
    }
    let new = NewGroup {
        name,
        title: &form.title,
        document: &document,
        is_retired: false,
    };
    add(&app, &new, &caller).await?;
    let stored = app.store.group(name, None).await?.ok_or_else(unknown)?;
    body(stored).map(Json)
}

async fn add(app: &App, new: &NewGroup<'_>, caller: &Caller) -> Result<(), Problem> {
    let mut transaction = app.store.sql().begin().await?;
    let outcome = app.store.put_group(&mut transaction, new, caller).await;
    transaction
        .end(outcome)
        .await?
        .map(|_| ())
        .ok_or_else(unknown)
}

/// Give a group's name up
///
/// Earlier versions stay for what names them with their version.
#[utoipa::path(
    delete, path = "/groups/{name}", tag = "groups", operation_id = "retire_group", params(("name" = String, Path, description = "Name")),
    responses((status = 204, description = "Given up"))
)]
pub(super) async fn retire(
    State(app): State<App>,
    caller: Caller,
    PathOf(name): PathOf<String>,
) -> Result<StatusCode, Problem> {
    let name = name_in_path(&name)?;
    let stored = app
        .store
        .group(name, None)
        .await?
        .filter(|group| group.is_visible_to(&caller))
        .ok_or_else(unknown)?;
    let new = NewGroup {
        name,
        title: &stored.title,
        document: &stored.document,
        is_retired: true,
    };
    add(&app, &new, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_title(title: &Name) -> Result<(), Problem> {
    for (pointer, text) in [("/title/zh", &title.zh), ("/title/en", &title.en)] {
        check_text(pointer, text, NAME_LENGTH_MAX)
            .map_err(|fault| invalid_field(pointer, fault.detail))?;
    }
    Ok(())
}

fn body(stored: StoredGroup) -> Result<GroupBody, Problem> {
    let document = serde_json::from_str(&stored.document)
        .map_err(|error| Problem::internal(error.to_string()))?;
    let expression = wire::expression::read(&document, "")
        .map_err(|_| Problem::internal("a stored group cannot be read"))?;
    let text = |language| text::print(&expression, &[], language);
    Ok(GroupBody {
        text: Name::new(text(Language::Chinese), text(Language::English)),
        expression: ExpressionForm(document),
        name: stored.name,
        version: stored.version,
        region: stored.region,
        title: stored.title,
        created_at_unix_ms: stored.created_at_unix_ms,
        created_by: stored.created_by,
    })
}

fn unknown() -> Problem {
    let detail = Name::new("没有这个分组或版本。", "There is no such group or version.");
    Problem::new(catalogue::GROUP_UNKNOWN, detail)
}
