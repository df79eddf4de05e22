//! The HTTP face: routes under `/feedback/v1`, as `docs/reference/feedback-api.md` describes them.
//!
//! Each handler reads its request, asks the service or the store, and writes its answer; what is wrong with an event becomes a
//! problem in [`problems`], once. Who may call what stands in [`routes`], beside the routes.

mod customers;
mod events;
mod features;
mod months;
mod problems;
mod rejected;
mod schemas;

use std::sync::Arc;

use axum::Router;
use chudian_runtime::http::auth::{Admission, Guard, guarded};
use chudian_runtime::http::edge::{Edge, Log};
use chudian_runtime::http::openapi::{self, About};
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::http::routes::Routes;
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock, Random, Signals, Variables};
use chudian_runtime::problem::Problem;
use chudian_runtime::routes;
use chudian_vocabulary::access::Role::{Admin, Analyst, Channel, Hall};

use crate::service::Committer;
use crate::store::Store;

/// What the function says of itself.
pub const ABOUT: About = About {
    title: "Feedback ingest · 反馈采集",
    description: "What happened between customers and the operator on every channel, exactly once in effect; and the contact view of one customer.\n\n\
        采集各渠道的客户接触与反馈，每个事件只生效一次；并提供客户接触信息视图。",
    version: env!("CARGO_PKG_VERSION"),
    base_path: "/feedback/v1",
    document_path: "/feedback/v1/openapi.json",
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
    /// By which requests of one instance wait for each other.
    pub signals: Arc<dyn Signals>,
    /// Where log lines go.
    pub log: Arc<dyn Log>,
}

/// What handlers share.
#[derive(Clone)]
struct App {
    store: Store,
    committer: Committer,
    personal_access: PersonalAccess,
}

/// Builds the HTTP face.
pub fn face(ports: Ports) -> Router {
    let Ports {
        sql,
        clock,
        random,
        variables,
        signals,
        log,
    } = ports;
    let guard = Guard::new(
        sql.clone(),
        Arc::clone(&clock),
        Arc::clone(&random),
        variables,
    );
    let mut stripe = [0];
    random.fill(&mut stripe);
    let [stripe] = stripe;
    let store = Store::new(sql.clone(), Arc::clone(&clock), stripe);
    let app = App {
        committer: Committer::new(store.clone(), signals),
        store,
        personal_access: PersonalAccess::new(sql, clock, Arc::clone(&random)),
    };
    let router = openapi::publish(routes(&guard), &ABOUT).with_state(app);
    Edge { random, log }.around(router)
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> Routes<App> {
    let with = |admission: Admission, routes: Routes<App>| guarded(guard, admission, routes);
    let senders = Admission::of(&[Hall, Channel, Admin]);
    let repairers = Admission::of(&[Channel, Analyst, Admin]);
    let viewers = Admission::of(&[Hall, Channel, Analyst, Admin]);
    Routes::new()
        .merge(with(senders, Routes::new().routes(routes!(events::accept))))
        .merge(with(
            repairers,
            Routes::new().routes(routes!(rejected::list)),
        ))
        .merge(with(
            repairers,
            Routes::new().routes(routes!(rejected::replay_many)),
        ))
        .merge(with(
            repairers,
            Routes::new().routes(routes!(rejected::get, rejected::discard)),
        ))
        .merge(with(
            repairers,
            Routes::new().routes(routes!(rejected::replay)),
        ))
        .merge(with(
            viewers,
            Routes::new().routes(routes!(customers::contacts)),
        ))
        .merge(with(
            viewers,
            Routes::new().routes(routes!(customers::summary)),
        ))
        .merge(with(
            viewers,
            Routes::new().routes(routes!(customers::orders)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(months::list)),
        ))
        .merge(with(
            Admission::of(&[Admin]),
            Routes::new().routes(routes!(months::forget)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(features::layout, features::page)),
        ))
        .merge(Routes::new().routes(routes!(schemas::list)))
        .merge(Routes::new().routes(routes!(schemas::get)))
}

/// A moment as RFC 3339 in UTC.
fn rfc3339(unix_ms: i64) -> Result<String, Problem> {
    chrono::DateTime::from_timestamp_millis(unix_ms)
        .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .ok_or_else(|| Problem::internal("a stored time is outside the calendar"))
}
