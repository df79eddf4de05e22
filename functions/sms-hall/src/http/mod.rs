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
use chudian_runtime::http::openapi;
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Background, Clock, HttpClient, Random, Variables};
use chudian_runtime::problem::Problem;
use chudian_vocabulary::access::Role::{Admin, Analyst, Channel, Hall as HallRole};
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Hall;
use crate::store::Store;

/// What every route begins with.
const BASE_PATH: &str = "/sms/v1";

/// Where the function's OpenAPI document is served.
pub const OPENAPI_PATH: &str = "/sms/v1/openapi.json";

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
pub fn face(ports: Ports) -> Face {
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
    let (router, openapi) = openapi::publish(described(routes(&guard)), OPENAPI_PATH);
    Face {
        router: Edge { random, log }.around(router.with_state(app)),
        openapi,
    }
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> OpenApiRouter<App> {
    let with = |admission: Admission, routes: OpenApiRouter<App>| guarded(guard, admission, routes);
    let admins = Admission::of(&[Admin]);
    let senders = Admission::of(&[Channel, Admin]);
    let repairers = Admission::of(&[Channel, Analyst, Admin]);
    let viewers = Admission::of(&[HallRole, Channel, Analyst, Admin]);
    OpenApiRouter::new()
        .merge(with(
            admins,
            OpenApiRouter::new().routes(routes!(gateways::make, gateways::list)),
        ))
        .merge(with(
            admins,
            OpenApiRouter::new().routes(routes!(gateways::get, gateways::put, gateways::remove)),
        ))
        .merge(with(
            admins,
            OpenApiRouter::new().routes(routes!(gateways::new_path)),
        ))
        .merge(with(
            admins,
            OpenApiRouter::new().routes(routes!(gateways::new_secret)),
        ))
        .merge(with(
            viewers,
            OpenApiRouter::new().routes(routes!(commands::get)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            OpenApiRouter::new().routes(routes!(commands::put)),
        ))
        .merge(with(
            viewers,
            OpenApiRouter::new().routes(routes!(rules::get)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            OpenApiRouter::new().routes(routes!(rules::put)),
        ))
        .merge(with(
            senders,
            OpenApiRouter::new().routes(routes!(messages::queue, messages::list)),
        ))
        .merge(with(
            senders,
            OpenApiRouter::new().routes(routes!(messages::get)),
        ))
        .merge(with(
            repairers,
            OpenApiRouter::new().routes(routes!(rejected::list)),
        ))
        .merge(with(
            repairers,
            OpenApiRouter::new().routes(routes!(rejected::discard)),
        ))
        .merge(with(
            viewers,
            OpenApiRouter::new().routes(routes!(consents::get)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            OpenApiRouter::new().routes(routes!(months::list)),
        ))
        .merge(with(
            admins,
            OpenApiRouter::new().routes(routes!(months::forget)),
        ))
        .merge(with(
            senders,
            OpenApiRouter::new().routes(routes!(outbox::run)),
        ))
        .merge(OpenApiRouter::new().routes(routes!(callbacks::inbound)))
        .merge(OpenApiRouter::new().routes(routes!(callbacks::delivery)))
}

/// Puts the routes under their base path, with the document's title.
fn described(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let mut info = Info::new("SMS hall · 短信营业厅", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Customers' short messages and the replies to them, marketing messages, and who wants none.\n\n\
         接收客户短信并回复，发送营销短信，管理退订。"
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
