//! The router over fresh stores, with a key of each role and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use chudian_customer_dataset::http::{Ports, face};
use chudian_runtime::http::edge::Log;
use chudian_runtime::parameters;
use chudian_runtime::ports::native::{
    self, ManualClock, MapVariables, SqlKeyValue, SystemRandom, WakerSignals,
};
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock as _, KeyValue, KeyValueError, Random as _};
use chudian_vocabulary::access::{AccessKey, KEY_RANDOM_BYTES, Pepper, Role};
use http::{Request, StatusCode};
use serde_json::Value;
use tower_service::Service as _;

use crate::table::{Customers, Layer, groups};

/// 2026-11-22T04:00:00Z.
const START_UNIX_MS: i64 = 1_795_320_000_000;

/// Media types of parts.
pub(crate) const ARROW: &str = "application/vnd.apache.arrow.stream";
pub(crate) const PAGES: &str = "application/octet-stream";

/// Everything of one scenario.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) values: Arc<Values>,
    pub(crate) router: Router,
    keys: BTreeMap<String, AccessKey>,
    _folder: tempfile::TempDir,
}

/// A real key-value store that can be made to die: after so many more writes every one fails, as when the host is killed.
pub(crate) struct Values {
    store: SqlKeyValue,
    writes_left: AtomicI64,
    /// Keys that were read, for counting.
    pub(crate) read: Mutex<Vec<String>>,
}

impl Values {
    /// Lets `count` more writes through.
    pub(crate) fn die_after(&self, count: i64) {
        self.writes_left.store(count, Ordering::SeqCst);
    }

    pub(crate) fn revive(&self) {
        self.die_after(i64::MAX);
    }
}

#[async_trait]
impl KeyValue for Values {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.read.lock().unwrap().push(key.to_owned());
        self.store.get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        if self.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(KeyValueError::Unavailable("killed".to_owned()));
        }
        self.store.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.store.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.store.keys().await
    }
}

struct NoLog;

#[async_trait]
impl Log for NoLog {
    async fn line(&self, _line: &str) {}
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) json: Value,
    pub(crate) bytes: Vec<u8>,
}

impl Got {
    pub(crate) fn code(&self) -> &str {
        self.json["type"]
            .as_str()
            .unwrap_or_default()
            .strip_prefix("urn:chudian:problem:")
            .unwrap_or_default()
    }

    /// The answer's JSON, when it was a success.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.json);
        self.json
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
        // The values lie in a file of their own, as on a host.
        let store = SqlKeyValue::open(native::sqlite(folder.path().join("values.db")))
            .await
            .unwrap();
        let values = Arc::new(Values {
            store,
            writes_left: AtomicI64::new(i64::MAX),
            read: Mutex::default(),
        });
        let clock = Arc::new(ManualClock::at_unix_ms(START_UNIX_MS));
        let router = router_over(&sql, &values, &clock);
        let mut world = Self {
            sql,
            clock,
            values,
            router,
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

    /// A second instance over the same stores: nothing is remembered.
    pub(crate) fn restart(&mut self) {
        self.router = router_over(&self.sql, &self.values, &self.clock);
    }

    async fn add_key(&mut self, role: Role, region: Option<&str>) {
        let mut bytes = [0; KEY_RANDOM_BYTES];
        SystemRandom.fill(&mut bytes);
        let key = AccessKey::from_random_bytes(&bytes);
        let insert = "insert into access_key (key_id, role, region, label, key_hash, created_at_unix_s) values ($1, $2, $3, $4, $5, $6)";
        let hash = key.hash(&Pepper::from_variable("")).to_string();
        let values = parameters![
            key.id().as_str(),
            role.as_str(),
            region,
            "test",
            hash,
            self.clock.now_unix_s()
        ];
        self.sql.execute(insert, values).await.unwrap();
        let name = region.map_or_else(|| role.to_string(), |region| format!("{role}@{region}"));
        self.keys.insert(name, key);
    }

    /// Sends a request with a body of `media_type` as `who`: a role, or `role@region`.
    pub(crate) async fn send_as(
        &self,
        who: &str,
        method: &str,
        path: &str,
        media_type: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Got {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/dataset/v1{path}"))
            .header(
                "authorization",
                format!("Bearer {}", self.keys[who].reveal()),
            )
            .header("content-type", media_type)
            .header("accept-language", "en");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .call(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap()
            .to_vec();
        Got {
            status: parts.status,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
        }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send_as(
            "analyst",
            "POST",
            path,
            "application/json",
            &[],
            body.to_string().into_bytes(),
        )
        .await
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Got {
        self.send_as(who, "GET", path, "application/json", &[], Vec::new())
            .await
    }

    pub(crate) async fn put(&self, path: &str, media_type: &str, body: Vec<u8>) -> Got {
        self.send_as("analyst", "PUT", path, media_type, &[], body)
            .await
    }

    /// Begins an import; its id.
    pub(crate) async fn begin(&self, customers: &Customers) -> String {
        self.post("/imports", &customers.begin()).await.ok()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Sends every part of a table below `path` until one is refused.
    pub(crate) async fn send_parts(
        &self,
        path: &str,
        customers: &Customers,
        pages: &[Vec<u8>],
    ) -> Result<(), Got> {
        for segment in 0..customers.segments() {
            for (name, bytes) in customers.columns(segment) {
                let got = self
                    .put(
                        &format!("{path}/segments/{segment}/columns/{name}"),
                        ARROW,
                        bytes,
                    )
                    .await;
                if got.status != 200 {
                    return Err(got);
                }
            }
        }
        for (first, bytes) in groups(pages) {
            let got = self
                .put(&format!("{path}/pages/{first}"), PAGES, bytes)
                .await;
            if got.status != 200 {
                return Err(got);
            }
        }
        Ok(())
    }

    /// Imports and publishes a table; its snapshot.
    pub(crate) async fn import(&self, customers: &Customers) -> String {
        let id = self.begin(customers).await;
        self.send_parts(&format!("/imports/{id}"), customers, &customers.pages())
            .await
            .unwrap();
        let published = self
            .post(&format!("/imports/{id}/publish"), &Value::Null)
            .await
            .ok();
        assert_eq!(published["current_version"], id.as_str());
        id
    }

    /// Adds a layer; its id and the version.
    pub(crate) async fn add_layer(&self, snapshot: &str, layer: &Layer) -> (String, String) {
        let begin = serde_json::json!({"columns": layer.derived.schema.columns(), "source": {"format": "tariff"}});
        let id = self
            .post(&format!("/snapshots/{snapshot}/layers"), &begin)
            .await
            .ok()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        self.send_parts(&format!("/layers/{id}"), &layer.derived, &layer.pages)
            .await
            .unwrap();
        let published = self
            .post(&format!("/layers/{id}/publish"), &Value::Null)
            .await
            .ok();
        (
            id,
            published["current_version"].as_str().unwrap().to_owned(),
        )
    }

    pub(crate) async fn current(&self) -> Option<String> {
        let select = "select version from pub_dataset_current";
        self.sql
            .query_optional::<(String,)>(select, Vec::new())
            .await
            .unwrap()
            .map(|(version,)| version)
    }

    /// Keys of values that belong to a snapshot.
    pub(crate) async fn keys_of(&self, snapshot: &str) -> usize {
        let prefix = format!("dataset/{snapshot}/");
        self.values
            .keys()
            .await
            .unwrap()
            .iter()
            .filter(|key| key.starts_with(&prefix))
            .count()
    }
}

fn router_over(sql: &Sql, values: &Arc<Values>, clock: &Arc<ManualClock>) -> Router {
    let variables = MapVariables::new([
        ("key_pepper", ""),
        ("bootstrap_key_hash", ""),
        ("dataset_snapshots_kept", "2"),
    ]);
    face(Ports {
        sql: sql.clone(),
        key_value: values.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        variables: Arc::new(variables),
        signals: Arc::new(WakerSignals),
        log: Arc::new(NoLog),
    })
}
