//! The HTTP face: routes under `/filter/v1`, as `docs/reference/filter-api.md` describes them.
//!
//! Each handler reads its request, asks the service, and writes its answer. Who may call what stands in [`routes`], beside the routes.

mod counts;
mod exclusion_sets;
mod expressions;
mod groups;
mod lists;
mod lookalikes;

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
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_runtime::routes;
use chudian_vocabulary::Name;
use chudian_vocabulary::access::Role::{Admin, Analyst, Approver};

use crate::service::prepare::Filter;
use crate::store::Store;
use crate::store::fresh::FreshEvents;
use crate::store::lists::Lists;

/// What the function says of itself.
pub const ABOUT: About = About {
    title: "Target filter · 目标筛选",
    description: "Who is meant: conditions on customers, immediate counts, exclusions, groups, and why one customer is in or out.\n\n\
        筛选目标客户：条件、即时计数、排除规则、分组，以及单个客户入选或未入选的原因。",
    version: env!("CARGO_PKG_VERSION"),
    base_path: "/filter/v1",
    document_path: "/filter/v1/openapi.json",
    finished: include_str!("../../openapi.json"),
};

/// Largest request: the largest expression with its lists, and room.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// What the function asks of its host.
pub struct Ports {
    /// The database.
    pub sql: Sql,
    /// Where the dataset's columns are.
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
pub(crate) struct App {
    /// Groups and exclusion sets.
    pub(crate) store: Store,
    /// Selections.
    pub(crate) filter: Filter,
    /// The record of who looked at whom.
    pub(crate) personal_access: PersonalAccess,
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
    let store = Store::new(sql.clone(), Arc::clone(&clock));
    let snapshots = Snapshots::new(sql.clone(), Arc::clone(&key_value), Arc::clone(&clock));
    let filter = Filter {
        store: store.clone(),
        snapshots,
    };
    let personal_access = PersonalAccess::new(sql.clone(), Arc::clone(&clock), Arc::clone(&random));
    let lists = lists::ListsApp {
        lists: Lists::new(
            sql.clone(),
            key_value,
            Arc::clone(&clock),
            Arc::clone(&random),
        ),
        fresh: FreshEvents::new(sql.clone()),
        filter: filter.clone(),
        idempotency: Idempotency::new(sql, clock, Arc::clone(&random)),
        personal_access: personal_access.clone(),
    };
    let app = App {
        store,
        filter,
        personal_access,
    };
    let routes = routes(&guard)
        .merge(lists::routes(&guard, lists.clone()))
        .merge(lookalikes::routes(&guard, lists));
    let router = openapi::publish(routes, &ABOUT).with_state(app);
    Edge { random, log }.around(router)
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> Routes<App> {
    let with = |admission: Admission, routes: Routes<App>| guarded(guard, admission, routes);
    let planners = Admission::of(&[Analyst, Admin]);
    // An approver checks what is to be approved, and changes nothing.
    let readers = Admission::of(&[Analyst, Approver, Admin]);
    Routes::new()
        .merge(with(readers, Routes::new().routes(routes!(counts::count))))
        .merge(with(
            readers,
            Routes::new().routes(routes!(counts::breakdown)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(counts::preview)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(counts::explain)),
        ))
        .merge(with(readers, Routes::new().routes(routes!(counts::reach))))
        .merge(with(
            readers,
            Routes::new().routes(routes!(expressions::parse)),
        ))
        .merge(with(
            readers,
            Routes::new().routes(routes!(expressions::print)),
        ))
        .merge(with(readers, Routes::new().routes(routes!(groups::list))))
        .merge(with(readers, Routes::new().routes(routes!(groups::get))))
        .merge(with(
            planners,
            Routes::new().routes(routes!(groups::put, groups::retire)),
        ))
        .merge(with(
            readers,
            Routes::new().routes(routes!(exclusion_sets::list)),
        ))
        .merge(with(
            readers,
            Routes::new().routes(routes!(exclusion_sets::get)),
        ))
        .merge(with(
            planners,
            Routes::new().routes(routes!(exclusion_sets::put)),
        ))
        .merge(Routes::new().routes(routes!(expressions::schema)))
}

/// A body with one field that is of the right shape but not allowed.
pub(crate) fn invalid_field(pointer: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: pointer.to_owned(),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_BODY).with_errors([error])
}

/// A moment as RFC 3339 in UTC.
fn rfc3339(unix_ms: i64) -> Result<String, Problem> {
    chrono::DateTime::from_timestamp_millis(unix_ms)
        .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .ok_or_else(|| Problem::internal("a stored time is outside the calendar"))
}

/// Checks a name in the path: of a group or an exclusion set.
fn name_in_path(text: &str) -> Result<&str, Problem> {
    if chudian_vocabulary::check_identifier(text).is_ok()
        && !chudian_vocabulary::masking::looks_like_a_number(text)
    {
        return Ok(text);
    }
    let detail = Name::new(
        "名称须为 1 至 64 个字符，限 A-Z a-z 0-9 - _ . :，且不能像电话号码。",
        "A name has 1 to 64 characters of A-Z a-z 0-9 - _ . : and is no telephone number.",
    );
    Err(Problem::new(catalogue::INVALID_PATH, detail))
}
