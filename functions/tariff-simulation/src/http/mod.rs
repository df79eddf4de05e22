//! The HTTP face: routes under `/tariff/v1`, as `docs/reference/tariff-api.md` describes them.
//!
//! Each handler reads its request, asks the domain and the store, and writes its answer; errors of the domain become problems in
//! [`problems`], once. Who may call what stands in [`routes`], beside the routes.

mod activations;
mod batches;
mod catalogues;
mod customers;
mod documents;
mod offers;
mod pages;
mod plans;
mod problems;
mod rules;
mod simulations;

use std::sync::Arc;

use axum::Router;
use chudian_runtime::dataset::Snapshots;
use chudian_runtime::http::auth::{Admission, Guard, guarded};
use chudian_runtime::http::edge::{Edge, Log};
use chudian_runtime::http::idempotency::Idempotency;
use chudian_runtime::http::openapi;
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock, KeyValue, Random, Variables};
use chudian_runtime::problem::Problem;
use chudian_vocabulary::access::Role::{self, Admin, Analyst, Approver, Channel, Hall};
use chudian_vocabulary::{Date, Name};
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::Store;

/// What every route begins with.
const BASE_PATH: &str = "/tariff/v1";

/// Where the function's OpenAPI document is served.
pub const OPENAPI_PATH: &str = "/tariff/v1/openapi.json";

/// What the function asks of its host.
pub struct Ports {
    /// The database.
    pub sql: Sql,
    /// The values of the customer dataset, and of batches over it.
    pub key_value: Arc<dyn KeyValue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids.
    pub random: Arc<dyn Random>,
    /// Settings.
    pub variables: Arc<dyn Variables>,
    /// Where log lines go.
    pub log: Arc<dyn Log>,
}

/// The function as a router, and the document that describes it.
pub struct Face {
    /// Serves every route.
    pub router: Router,
    /// OpenAPI 3.1, JSON.
    pub openapi: Arc<str>,
}

/// What handlers share.
#[derive(Clone)]
struct App {
    store: Store,
    snapshots: Snapshots,
    key_value: Arc<dyn KeyValue>,
    guard: Guard,
    idempotency: Idempotency,
    personal_access: PersonalAccess,
    random: Arc<dyn Random>,
}

impl App {
    /// Today in China.
    fn today(&self) -> Result<Date, Problem> {
        self.store
            .today()
            .ok_or_else(|| Problem::internal("the clock is outside the calendar"))
    }
}

/// Builds the HTTP face.
pub fn face(ports: Ports) -> Face {
    let Ports {
        sql,
        key_value,
        clock,
        random,
        variables,
        log,
    } = ports;
    let guard = Guard::new(
        sql.clone(),
        Arc::clone(&clock),
        Arc::clone(&random),
        variables,
    );
    let app = App {
        store: Store::new(sql.clone(), Arc::clone(&clock)),
        snapshots: Snapshots::new(sql.clone(), Arc::clone(&key_value), Arc::clone(&clock)),
        key_value,
        guard: guard.clone(),
        idempotency: Idempotency::new(sql.clone(), Arc::clone(&clock), Arc::clone(&random)),
        personal_access: PersonalAccess::new(sql, clock, Arc::clone(&random)),
        random: Arc::clone(&random),
    };
    let (router, openapi) = openapi::publish(described(routes(&guard)), OPENAPI_PATH);
    Face {
        router: Edge { random, log }.around(router.with_state(app)),
        openapi,
    }
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> OpenApiRouter<App> {
    let with = |admission: Admission, routes: OpenApiRouter<App>| guarded(guard, admission, routes);
    let planners = Admission::of(&[Analyst, Admin]);
    let deciders = Admission::of(&[Approver, Admin]);
    let feeders = Admission::of(&[Channel, Analyst, Admin]);
    let users = Admission::of(&[Hall, Channel, Analyst, Admin]);
    OpenApiRouter::new()
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(catalogues::import, catalogues::list)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(catalogues::validate)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(catalogues::facts)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(catalogues::export)),
        ))
        .merge(with(
            deciders,
            OpenApiRouter::new().routes(routes!(activations::put, activations::delete)),
        ))
        .merge(with(
            Admission::of(&Role::ALL),
            OpenApiRouter::new().routes(routes!(activations::list)),
        ))
        .merge(with(
            Admission::of(&[Hall, Channel, Analyst, Approver, Admin]),
            OpenApiRouter::new().routes(routes!(plans::on_sale)),
        ))
        .merge(with(
            feeders,
            OpenApiRouter::new().routes(routes!(customers::import)),
        ))
        .merge(with(
            feeders,
            OpenApiRouter::new().routes(routes!(customers::put)),
        ))
        .merge(with(
            users,
            OpenApiRouter::new().routes(routes!(customers::get)),
        ))
        .merge(with(
            Admission::of(&[Admin]),
            OpenApiRouter::new().routes(routes!(customers::forget)),
        ))
        .merge(with(
            users.and_page_tokens(),
            OpenApiRouter::new().routes(routes!(simulations::simulate)),
        ))
        .merge(with(
            users.and_page_tokens(),
            OpenApiRouter::new().routes(routes!(simulations::bill)),
        ))
        .merge(with(
            Admission::of(&[Hall, Analyst, Admin]),
            OpenApiRouter::new().routes(routes!(rules::get)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(rules::put)),
        ))
        .merge(with(
            Admission::of(&[Hall, Channel, Admin]),
            OpenApiRouter::new().routes(routes!(pages::new_token)),
        ))
        .merge(with(
            Admission::of(&[]).and_page_tokens(),
            OpenApiRouter::new().routes(routes!(pages::page)),
        ))
        .merge(with(
            users,
            OpenApiRouter::new().routes(routes!(offers::make, offers::list)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(batches::begin)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(batches::progress, batches::remove)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(batches::compute)),
        ))
        .merge(with(
            planners,
            OpenApiRouter::new().routes(routes!(batches::column)),
        ))
        .merge(OpenApiRouter::new().routes(routes!(documents::schema)))
}

/// Puts the routes under their base path, with the document's title.
fn described(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let mut info = Info::new("Tariff simulation · 资费测算", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "What a customer's real usage would have cost under every plan, as a ranked and provable comparison.\n\n\
         按客户的实际用量测算每个套餐的费用，给出可核对的排序结果。"
            .to_owned(),
    );
    OpenApiRouter::with_openapi(OpenApi::new(info, Paths::new())).nest(BASE_PATH, routes)
}

/// A moment as RFC 3339 in UTC.
fn rfc3339(unix_ms: i64) -> Result<String, Problem> {
    chrono::DateTime::from_timestamp_millis(unix_ms)
        .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .ok_or_else(|| Problem::internal("a stored time is outside the calendar"))
}

/// Reads a date that stands in the path.
fn date_in_path(text: &str) -> Result<Date, Problem> {
    Date::parse(text).map_err(|_| {
        problems::invalid_path(Name::new(
            "日期应为 YYYY-MM-DD。",
            "A date has the form YYYY-MM-DD.",
        ))
    })
}
