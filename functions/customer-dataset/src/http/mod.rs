//! The HTTP face: routes under `/dataset/v1`, as `docs/reference/dataset-api.md` describes them.
//!
//! Each handler reads its request, asks service and store, and writes its answer. Errors become problems in [`problems`], once. Who may
//! call what stands in [`routes`], beside the routes.

mod customers;
mod imports;
mod layers;
mod parts;
mod problems;
mod publish;
mod reading;
mod snapshots;

use std::sync::Arc;

use axum::Router;
use chudian_runtime::dataset::Snapshots;
use chudian_runtime::http::auth::{Admission, Caller, Guard, guarded};
use chudian_runtime::http::edge::{Edge, Log};
use chudian_runtime::http::idempotency::Idempotency;
use chudian_runtime::http::openapi::{self, About};
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::http::routes::Routes;
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock, KeyValue, Random, Signals, Variables};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_runtime::routes;
use chudian_vocabulary::Name;
use chudian_vocabulary::access::Role::{Admin, Analyst, Approver, Channel, Hall};

use crate::limits::{SNAPSHOTS_KEPT_DEFAULT, SNAPSHOTS_KEPT_MAX};
use crate::store::Store;

/// What the function says of itself.
pub const ABOUT: About = About {
    title: "Customer dataset · 客户数据集",
    description: "What is known of every customer, as immutable snapshots of columns: import, description, one customer by one read.\n\n\
        以不可变快照保存的客户数据：导入、说明、单客户查询。",
    version: env!("CARGO_PKG_VERSION"),
    base_path: "/dataset/v1",
    document_path: "/dataset/v1/openapi.json",
    finished: include_str!("../../openapi.json"),
};

/// The variable that says how many snapshots are kept.
const KEPT_VARIABLE: &str = "dataset_snapshots_kept";

/// What the function asks of its host.
pub struct Ports {
    /// The database.
    pub sql: Sql,
    /// The store of the dataset's values.
    pub key_value: Arc<dyn KeyValue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids.
    pub random: Arc<dyn Random>,
    /// Settings.
    pub variables: Arc<dyn Variables>,
    /// By which requests wait for one another.
    pub signals: Arc<dyn Signals>,
    /// Where log lines go.
    pub log: Arc<dyn Log>,
}

/// What handlers share.
#[derive(Clone)]
struct App {
    store: Store,
    snapshots: Snapshots,
    idempotency: Idempotency,
    personal_access: PersonalAccess,
    random: Arc<dyn Random>,
    variables: Arc<dyn Variables>,
}

impl App {
    /// Sixteen bytes for an id.
    fn random_id(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes
    }

    /// How many snapshots are kept.
    async fn snapshots_kept(&self) -> Result<u64, Problem> {
        let text = self.variables.get(KEPT_VARIABLE).await?;
        if text.is_empty() {
            return Ok(SNAPSHOTS_KEPT_DEFAULT);
        }
        let kept = text
            .parse()
            .ok()
            .filter(|kept| (1..=SNAPSHOTS_KEPT_MAX).contains(kept));
        kept.ok_or_else(|| {
            Problem::internal(format!(
                "variable `{KEPT_VARIABLE}` is not 1 to {SNAPSHOTS_KEPT_MAX}"
            ))
        })
    }
}

/// Refuses a key of one region what concerns the whole province.
fn whole_province(caller: &Caller) -> Result<(), Problem> {
    if caller.region.is_none() {
        return Ok(());
    }
    let detail = Name::new(
        "此操作涉及全省客户，需要不限地区的密钥。",
        "This concerns the customers of the whole province; it needs a key that is not bound to a region.",
    );
    Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail))
}

/// A moment as RFC 3339 in UTC.
fn rfc3339(unix_s: i64) -> String {
    let (days, seconds) = (unix_s.div_euclid(86_400), unix_s.rem_euclid(86_400));
    let date = crate::wire::date_text(i32::try_from(days).unwrap_or_default());
    let (hours, minutes) = (
        seconds.div_euclid(3600),
        seconds.rem_euclid(3600).div_euclid(60),
    );
    format!(
        "{date}T{hours:02}:{minutes:02}:{:02}Z",
        seconds.rem_euclid(60)
    )
}

/// Builds the HTTP face.
pub fn face(ports: Ports) -> Router {
    let Ports {
        sql,
        key_value,
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
        Arc::clone(&variables),
    );
    let app = App {
        store: Store::new(sql.clone(), Arc::clone(&key_value), Arc::clone(&clock)),
        snapshots: Snapshots::new(sql.clone(), key_value, Arc::clone(&clock)),
        idempotency: Idempotency::new(sql.clone(), Arc::clone(&clock), Arc::clone(&random)),
        personal_access: PersonalAccess::new(sql, clock, Arc::clone(&random))
            .sharing_commits(signals),
        random: Arc::clone(&random),
        variables,
    };
    let router = openapi::publish(routes(&guard), &ABOUT).with_state(app);
    Edge { random, log }.around(router)
}

/// Every route with those who may call it.
fn routes(guard: &Guard) -> Routes<App> {
    let with = |admission: Admission, routes: Routes<App>| guarded(guard, admission, routes);
    let importers = Admission::of(&[Analyst, Admin]);
    let readers = Admission::of(&[Analyst, Approver, Admin]);
    let one = Routes::new;
    Routes::new()
        .merge(with(importers, one().routes(routes!(imports::begin))))
        .merge(with(
            importers,
            one().routes(routes!(imports::progress, imports::give_up)),
        ))
        .merge(with(importers, one().routes(routes!(imports::put_column))))
        .merge(with(importers, one().routes(routes!(imports::put_pages))))
        .merge(with(importers, one().routes(routes!(imports::publish))))
        .merge(with(importers, one().routes(routes!(layers::begin))))
        .merge(with(
            importers,
            one().routes(routes!(layers::progress, layers::give_up)),
        ))
        .merge(with(importers, one().routes(routes!(layers::put_column))))
        .merge(with(importers, one().routes(routes!(layers::put_pages))))
        .merge(with(importers, one().routes(routes!(layers::publish))))
        .merge(with(importers, one().routes(routes!(snapshots::activate))))
        .merge(with(importers, one().routes(routes!(snapshots::sweep))))
        .merge(with(importers, one().routes(routes!(reading::column))))
        .merge(with(importers, one().routes(routes!(reading::preview))))
        .merge(with(readers, one().routes(routes!(snapshots::list))))
        .merge(with(readers, one().routes(routes!(snapshots::describe))))
        .merge(with(readers, one().routes(routes!(reading::distribution))))
        .merge(with(
            Admission::of(&[Hall, Channel, Analyst, Admin]),
            one().routes(routes!(customers::get)),
        ))
}
