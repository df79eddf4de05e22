//! The router over a fresh database, with a key of each role and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use chudian_feedback_ingest::http::{Ports, face};
use chudian_feedback_ingest::store::Store;
use chudian_runtime::http::edge::Log;
use chudian_runtime::parameters;
use chudian_runtime::ports::native::{self, ManualClock, MapVariables, SystemRandom, WakerSignals};
use chudian_runtime::ports::sql::{FromSqlRow, Sql};
use chudian_runtime::ports::{Clock as _, Random as _};
use chudian_vocabulary::access::{AccessKey, KEY_RANDOM_BYTES, Pepper, Role};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower_service::Service as _;

/// 2026-11-22T04:00:00Z, noon in China.
pub(crate) const START_UNIX_MS: i64 = 1_795_320_000_000;

pub(crate) const EVENT: &str = "application/cloudevents+json";
pub(crate) const BATCH: &str = "application/cloudevents-batch+json";

/// Everything of one scenario.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    keys: BTreeMap<String, AccessKey>,
    _folder: tempfile::TempDir,
}

struct NoLog;

#[async_trait]
impl Log for NoLog {
    async fn line(&self, line: &str) {
        println!("{line}");
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) json: Value,
}

impl Got {
    pub(crate) fn code(&self) -> &str {
        self.json["type"]
            .as_str()
            .and_then(|text| text.strip_prefix("urn:chudian:problem:"))
            .unwrap_or_default()
    }

    /// Accepted, duplicates and rejected.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let count = |name: &str| self.json[name].as_u64().unwrap_or(u64::MAX);
        (count("accepted"), count("duplicates"), count("rejected"))
    }
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::over(native::sqlite(folder.path().join("test.db")), folder).await
    }

    pub(crate) async fn on_postgres(address: &str) -> Self {
        Self::over(native::postgres(address), tempfile::tempdir().unwrap()).await
    }

    async fn over(sql: Sql, folder: tempfile::TempDir) -> Self {
        for migrations in ["../runtime/migrations", "migrations"] {
            let migrations = format!("{}/{migrations}", env!("CARGO_MANIFEST_DIR"));
            native::apply_migrations(&sql, migrations).await.unwrap();
        }
        let clock = Arc::new(ManualClock::at_unix_ms(START_UNIX_MS));
        let mut world = Self {
            router: router(&sql, &clock),
            sql,
            clock,
            keys: BTreeMap::new(),
            _folder: folder,
        };
        for role in Role::ALL {
            for region in [None, Some("zs01"), Some("hz01")] {
                world.add_key(role, region).await;
            }
        }
        world
    }

    /// Another instance of the function over the same database.
    pub(crate) fn another_instance(&self) -> Router {
        router(&self.sql, &self.clock)
    }

    /// The tables, as an instance of its own.
    pub(crate) fn store(&self) -> Store {
        Store::new(self.sql.clone(), self.clock.clone(), 0)
    }

    async fn add_key(&mut self, role: Role, region: Option<&str>) {
        let mut bytes = [0; KEY_RANDOM_BYTES];
        SystemRandom.fill(&mut bytes);
        let key = AccessKey::from_random_bytes(&bytes);
        let insert = "insert into access_key (key_id, role, region, label, key_hash, created_at_unix_s) \
                      values ($1, $2, $3, $4, $5, $6)";
        let hash = key.hash(&Pepper::from_variable("")).to_string();
        let now_unix_s = self.clock.now_unix_s();
        let values = parameters![
            key.id().as_str(),
            role.as_str(),
            region,
            "test",
            hash,
            now_unix_s
        ];
        self.sql.execute(insert, values).await.unwrap();
        let name = region.map_or_else(|| role.to_string(), |region| format!("{role}@{region}"));
        self.keys.insert(name, key);
    }

    /// Sends a request as `who` (a role or `role@region`) to one instance.
    pub(crate) async fn send_to(
        &self,
        router: &Router,
        who: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Got {
        let credential = self.keys.get(who).map_or(who, AccessKey::reveal);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/feedback/v1{path}"))
            .header("authorization", format!("Bearer {credential}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).unwrap();
        let response = router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Got {
            status: parts.status,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    pub(crate) async fn send(
        &self,
        who: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Got {
        self.send_to(&self.router, who, method, path, headers, body)
            .await
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Got {
        self.send(who, "GET", path, &[], "").await
    }

    /// Reports one event in structured mode.
    pub(crate) async fn report(&self, who: &str, event: &Value) -> Got {
        let headers = [("content-type", EVENT)];
        self.send(who, "POST", "/events", &headers, event.to_string())
            .await
    }

    /// Reports a batch.
    pub(crate) async fn report_all(&self, who: &str, events: &[Value]) -> Got {
        let headers = [("content-type", BATCH)];
        let body = Value::from(events.to_vec()).to_string();
        self.send(who, "POST", "/events", &headers, body).await
    }

    pub(crate) async fn rows<T: FromSqlRow>(&self, select: &str) -> Vec<T> {
        self.sql.query(select, Vec::new()).await.unwrap()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let select = format!("select count(*) from {table}");
        self.rows::<(i64,)>(&select).await[0].0
    }

    /// Everything that events leave behind, as text, in a fixed order.
    pub(crate) async fn tables(&self) -> Vec<String> {
        let shown = [
            "select cast(identity_high as text) || ' ' || cast(identity_low as text) || ' ' || cast(content as text) as line \
             from feedback_identity",
            "select cast(identity_low as text) || customer_id || cast(at_unix_ms as text) || kind || channel || outcome || region \
             || coalesce(campaign, '-') || coalesce(batch, '-') || coalesce(business, '-') \
             || cast(coalesce(duration_s, -1) as text) || cast(flags as text) || key_id || details as line from feedback_event",
            "select day || recorded_day || channel || kind || outcome || region || campaign || batch || business || ' ' \
             || cast(sum(events) as text) || ' ' || cast(sum(duration_s) as text) as line from feedback_tally \
             group by day, recorded_day, channel, kind, outcome, region, campaign, batch, business",
            "select customer_id || order_id || stage || cast(at_unix_ms as text) || channel || cast(identity_low as text) \
             || coalesce(way, '-') || coalesce(cancelled_by, '-') || cast(coalesce(expires_at_unix_ms, 0) as text) as line \
             from feedback_order_step",
        ];
        let mut lines = Vec::new();
        for select in shown {
            let mut rows: Vec<(String,)> = self.rows(select).await;
            rows.sort();
            lines.extend(rows.into_iter().map(|(line,)| line));
        }
        lines
    }
}

fn router(sql: &Sql, clock: &Arc<ManualClock>) -> Router {
    let variables = MapVariables::new([("key_pepper", ""), ("bootstrap_key_hash", "")]);
    let ports = Ports {
        sql: sql.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        variables: Arc::new(variables),
        signals: Arc::new(WakerSignals),
        log: Arc::new(NoLog),
    };
    face(ports)
}

/// An event of `kind` with everything that the kind needs.
pub(crate) fn event(kind: &str, id: &str) -> Value {
    let mut data = json!({"customer_id": "c-1", "channel": "outbound-call", "region": "zs01", "outcome": "interested"});
    match kind {
        "marketing-contact" => data["campaign"] = "spring".into(),
        "business-handling" => data["business"] = "plan-88".into(),
        "ivr-key" => {
            data["menu"] = "main".into();
            data["keys"] = "1".into();
            data["outcome"] = Value::Null;
        }
        "order" | "trial" => {
            data["business"] = "plan-88".into();
            data["order_id"] = "o-1".into();
            data["outcome"] = Value::Null;
        }
        "cancellation" => {
            data["order_id"] = "o-1".into();
            data["outcome"] = Value::Null;
        }
        "delivery-receipt" => {
            data["message_id"] = "m-1".into();
            data["outcome"] = "delivered".into();
        }
        _ => {}
    }
    json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": format!("chudian.feedback.{kind}.v1"),
        "time": "2026-11-22T12:00:00+08:00", "data": data,
    })
}

/// The event with one member of its data changed.
pub(crate) fn with(mut event: Value, field: &str, value: impl Into<Value>) -> Value {
    event["data"][field] = value.into();
    event
}
