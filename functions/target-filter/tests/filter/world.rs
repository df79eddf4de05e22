//! The router over a fresh database with the small dataset published, a key of each role, and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use chudian_runtime::http::edge::Log;
use chudian_runtime::parameters;
use chudian_runtime::ports::native::{self, ManualClock, MapVariables, SqlKeyValue, SystemRandom};
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock as _, Random as _};
use chudian_target_filter::http::{Ports, face};
use chudian_vocabulary::access::{AccessKey, KEY_RANDOM_BYTES, Pepper, Role};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower_service::Service as _;

use crate::customers;

/// 2026-11-22T04:00:00Z, noon in China.
const START_UNIX_MS: i64 = 1_795_320_000_000;

/// Everything of one scenario.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) router: Router,
    keys: BTreeMap<String, AccessKey>,
    pub(crate) clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
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
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn code(&self) -> &str {
        self.json["type"]
            .as_str()
            .and_then(|uri| uri.strip_prefix("urn:chudian:problem:"))
            .unwrap_or("no problem")
    }

    /// The answer of a request that must succeed.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json
    }

    /// Code and pointer of the first field error.
    pub(crate) fn first_error(&self) -> (&str, &str) {
        let error = &self.json["errors"][0];
        (
            error["code"].as_str().unwrap_or_default(),
            error["pointer"].as_str().unwrap_or_default(),
        )
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
        for migrations in [
            "../runtime/migrations",
            "../customer-dataset/migrations",
            "migrations",
        ] {
            let migrations = format!("{}/{migrations}", env!("CARGO_MANIFEST_DIR"));
            native::apply_migrations(&sql, migrations).await.unwrap();
        }
        let key_value = Arc::new(SqlKeyValue::open(sql.clone()).await.unwrap());
        let (version, snapshot) = customers::publish(key_value.as_ref()).await;
        let publish = "update dataset_current set version = $1, snapshot_id = $2";
        sql.execute(publish, parameters![version, snapshot.to_string()])
            .await
            .unwrap();
        let clock = Arc::new(ManualClock::at_unix_ms(START_UNIX_MS));
        let variables = MapVariables::new([("key_pepper", ""), ("bootstrap_key_hash", "")]);
        let ports = Ports {
            sql: sql.clone(),
            key_value,
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            variables: Arc::new(variables),
            log: Arc::new(NoLog),
        };
        let router = face(ports);
        let mut world = Self {
            sql,
            router,
            keys: BTreeMap::new(),
            clock,
            _folder: folder,
        };
        for role in Role::ALL {
            for region in [None, Some("zs01"), Some("hz01")] {
                world.add_key(role, region).await;
            }
        }
        world
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

    /// Sends a request as `who`: a role or `role@region`.
    pub(crate) async fn send(&self, who: &str, method: &str, path: &str, body: &Value) -> Got {
        let request = Request::builder()
            .method(method)
            .uri(format!("/filter/v1{path}"))
            .header(
                "authorization",
                format!("Bearer {}", self.keys[who].reveal()),
            )
            .header("content-type", "application/json")
            .body(if body.is_null() {
                Body::empty()
            } else {
                Body::from(body.to_string())
            })
            .unwrap();
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Got {
            status: parts.status,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    /// The bytes that a route answers, which must succeed.
    pub(crate) async fn fetch(&self, who: &str, path: &str) -> Vec<u8> {
        let request = Request::builder()
            .uri(format!("/filter/v1{path}"))
            .header(
                "authorization",
                format!("Bearer {}", self.keys[who].reveal()),
            )
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    /// Counts a selection as an analyst.
    pub(crate) async fn count(&self, selection: &Value) -> Value {
        self.send(
            "analyst",
            "POST",
            "/count",
            &json!({"selection": selection}),
        )
        .await
        .ok()
    }

    /// Customers that an expression selects, exclusions aside.
    pub(crate) async fn selected(&self, expression: &Value) -> u64 {
        self.count(&json!({"expression": expression})).await["selected"]
            .as_u64()
            .unwrap()
    }

    pub(crate) async fn rows(&self, table: &str) -> i64 {
        let select = format!("select count(*) from {table}");
        self.sql
            .query_optional::<(i64,)>(&select, Vec::new())
            .await
            .unwrap()
            .unwrap()
            .0
    }
}
