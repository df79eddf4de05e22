//! The HTTP face: routes under `/sms/v1`, as `docs/reference/sms-api.md` describes them.
//!
//! Each handler reads its request, asks the service or the store, and writes its answer; what is wrong becomes a problem in
//! [`problems`], once. Who may call what stands in [`routes`], beside the routes; callbacks have no key, only their path.

mod callbacks;
mod commands;
mod consents;
mod gateways;
mod messages;
mod months;
mod outbox;
mod problems;
mod rejected;
mod rules;

use std::sync::Arc;

use axum::Router;
use chudian_runtime::http::auth::{Admission, Guard, guarded};
use chudian_runtime::http::edge::{Edge, Log};
use chudian_runtime::http::idempotency::Idempotency;
use chudian_runtime::http::openapi::{self, About};
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::http::routes::Routes;
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Background, Clock, HttpClient, Random, Variables};
use chudian_runtime::problem::Problem;
use chudian_runtime::routes;
use chudian_vocabulary::access::Role::{Admin, Analyst, Channel, Hall as HallRole};

use crate::service::Hall;
use crate::store::Store;

/// What the function says of itself.
pub const ABOUT: About = About {
    title: "SMS hall · 短信营业厅",
    description: "Customers' short messages and the replies to them, marketing messages, and who wants none.\n\n\
        接收客户短信并回复，发送营销短信，管理退订。",
    version: env!("CARGO_PKG_VERSION"),
    base_path: "/sms/v1",
    document_path: "/sms/v1/openapi.json",
    finished: include_str!("../../openapi.json"),
};

/// What the function asks of its host.
pub struct Ports {
    /// The database.
    pub sql: Sql,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Settings.
    pub variables: Arc<dyn Variables>,
    /// The way to providers and to other functions.
    pub client: Arc<dyn HttpClient>,
    /// What goes on after an answer.
    pub background: Arc<dyn Background>,
    /// Where log lines go.
    pub log: Arc<dyn Log>,
}

/// What handlers share.
#[derive(Clone)]
struct App {
    hall: Hall,
    idempotency: Idempotency,
    personal_access: PersonalAccess,
}

impl App {
    fn store(&self) -> &Store {
        self.hall.store()
    }
}

/// Builds the HTTP face.
pub fn face(ports: Ports) -> Router {
    let Ports {
        sql,
        clock,
        random,
        variables,
        client,
        background,
        log,
    } = ports;
    let guard = Guard::new(
        sql.clone(),
        Arc::clone(&clock),
        Arc::clone(&random),
        Arc::clone(&variables),
    );
    let store = Store::new(sql.clone(), Arc::clone(&clock), Arc::clone(&random));
    let app = App {
        hall: Hall::new(store, client, background, variables, Arc::clone(&log)),
        idempotency: Idempotency::new(sql.clone(), Arc::clone(&clock), Arc::clone(&random)),
        personal_access: PersonalAccess::new(sql, clock, Arc::clone(&random)),
    };
    let router = openapi::publish(routes(&guard), &ABOUT).with_state(app);
    Edge { random, log }.around(router)
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> Routes<App> {
    let with = |admission: Admission, routes: Routes<App>| guarded(guard, admission, routes);
    let admins = Admission::of(&[Admin]);
    let senders = Admission::of(&[Channel, Admin]);
    let repairers = Admission::of(&[Channel, Analyst, Admin]);
    let viewers = Admission::of(&[HallRole, Channel, Analyst, Admin]);
    Routes::new()
        .merge(with(
            admins,
            Routes::new().routes(routes!(gateways::make, gateways::list)),
        ))
        .merge(with(
            admins,
            Routes::new().routes(routes!(gateways::get, gateways::put, gateways::remove)),
        ))
        .merge(with(
            admins,
            Routes::new().routes(routes!(gateways::new_path)),
        ))
        .merge(with(
            admins,
            Routes::new().routes(routes!(gateways::new_secret)),
        ))
        .merge(with(viewers, Routes::new().routes(routes!(commands::get))))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(commands::put)),
        ))
        .merge(with(viewers, Routes::new().routes(routes!(rules::get))))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(rules::put)),
        ))
        .merge(with(
            senders,
            Routes::new().routes(routes!(messages::queue, messages::list)),
        ))
        .merge(with(senders, Routes::new().routes(routes!(messages::get))))
        .merge(with(
            repairers,
            Routes::new().routes(routes!(rejected::list)),
        ))
        .merge(with(
            repairers,
            Routes::new().routes(routes!(rejected::discard)),
        ))
        .merge(with(viewers, Routes::new().routes(routes!(consents::get))))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(months::list)),
        ))
        .merge(with(admins, Routes::new().routes(routes!(months::forget))))
        .merge(with(senders, Routes::new().routes(routes!(outbox::run))))
        .merge(Routes::new().routes(routes!(callbacks::inbound)))
        .merge(Routes::new().routes(routes!(callbacks::delivery)))
}

/// A moment as RFC 3339 in UTC.
fn rfc3339(unix_ms: i64) -> Result<String, Problem> {
    chrono::DateTime::from_timestamp_millis(unix_ms)
        .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .ok_or_else(|| Problem::internal("a stored time is outside the calendar"))
}
