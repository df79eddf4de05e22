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
use chudian_runtime::http::openapi::{self, About};
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::http::routes::Routes;
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock, KeyValue, Random, Variables};
use chudian_runtime::problem::Problem;
use chudian_runtime::routes;
use chudian_vocabulary::access::Role::{self, Admin, Analyst, Approver, Channel, Hall};
use chudian_vocabulary::{Date, Name};

use crate::store::Store;

/// What the function says of itself.
pub const ABOUT: About = About {
    title: "Tariff simulation · 资费测算",
    description: "What a customer's real usage would have cost under every plan, as a ranked and provable comparison.\n\n\
        按客户的实际用量测算每个套餐的费用，给出可核对的排序结果。",
    version: env!("CARGO_PKG_VERSION"),
    base_path: "/tariff/v1",
    document_path: "/tariff/v1/openapi.json",
    finished: include_str!("../../openapi.json"),
};

/// The documents that hold the schemas of everything that is read here: usage by itself is read by the typed face only.
pub const FINISHED_DOCUMENTS: &[&str] = &[
    ABOUT.finished,
    include_str!("../../../../docs/reference/usage.schema.json"),
];

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
pub fn face(ports: Ports) -> Router {
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
    let router = openapi::publish(routes(&guard), &ABOUT).with_state(app);
    Edge { random, log }.around(router)
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> Routes<App> {
    let with = |admission: Admission, routes: Routes<App>| guarded(guard, admission, routes);
    let planners = Admission::of(&[Analyst, Admin]);
    let deciders = Admission::of(&[Approver, Admin]);
    let feeders = Admission::of(&[Channel, Analyst, Admin]);
    let users = Admission::of(&[Hall, Channel, Analyst, Admin]);
    Routes::new()
        .merge(with(
            planners,
            Routes::new().routes(routes!(catalogues::import, catalogues::list)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(catalogues::validate)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(catalogues::facts)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(catalogues::export)),
        ))
        .merge(with(
            deciders,
            Routes::new().routes(routes!(activations::put, activations::delete)),
        ))
        .merge(with(
            Admission::of(&Role::ALL),
            Routes::new().routes(routes!(activations::list)),
        ))
        .merge(with(
            Admission::of(&[Hall, Channel, Analyst, Approver, Admin]),
            Routes::new().routes(routes!(plans::on_sale)),
        ))
        .merge(with(
            feeders,
            Routes::new().routes(routes!(customers::import)),
        ))
        .merge(with(feeders, Routes::new().routes(routes!(customers::put))))
        .merge(with(users, Routes::new().routes(routes!(customers::get))))
        .merge(with(
            Admission::of(&[Admin]),
            Routes::new().routes(routes!(customers::forget)),
        ))
        .merge(with(
            users.and_page_tokens(),
            Routes::new().routes(routes!(simulations::simulate)),
        ))
        .merge(with(
            users.and_page_tokens(),
            Routes::new().routes(routes!(simulations::bill)),
        ))
        .merge(with(
            Admission::of(&[Hall, Analyst, Admin]),
            Routes::new().routes(routes!(rules::get)),
        ))
        .merge(with(planners, Routes::new().routes(routes!(rules::put))))
        .merge(with(
            Admission::of(&[Hall, Channel, Admin]),
            Routes::new().routes(routes!(pages::new_token)),
        ))
        .merge(with(
            Admission::of(&[]).and_page_tokens(),
            Routes::new().routes(routes!(pages::page)),
        ))
        .merge(with(
            users,
            Routes::new().routes(routes!(offers::make, offers::list)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(batches::begin)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(batches::progress, batches::remove)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(batches::compute)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(batches::column)),
        ))
        .merge(Routes::new().routes(routes!(documents::schema)))
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
