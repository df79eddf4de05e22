//! The router over a fresh database, with a key of each role and a clock that stands still.

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
use chudian_tariff_simulation::http::{Ports, face};
use chudian_vocabulary::access::{AccessKey, KEY_RANDOM_BYTES, Pepper, Role};
use http::{Request, StatusCode};
use serde_json::Value;
use tower_service::Service as _;

/// 2026-11-22T04:00:00Z, noon in China.
pub(crate) const START_UNIX_MS: i64 = 1_795_320_000_000;

/// A small catalogue, kept with the end-to-end suite, whose prices can be checked by hand.
pub(crate) const CATALOGUE: &str = include_str!("../../../../tests/e2e/data/catalogue.json");

/// Six months of usage.
pub(crate) const MONTHS: &str = include_str!("../../../../tests/e2e/data/months.json");

/// Everything of one scenario.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key_value: Arc<SqlKeyValue>,
    pub(crate) router: Router,
    keys: BTreeMap<String, AccessKey>,
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
}

impl Got {
    pub(crate) fn code(&self) -> &str {
        self.json["type"]
            .as_str()
            .unwrap()
            .strip_prefix("urn:chudian:problem:")
            .unwrap()
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
        let key_value = Arc::new(SqlKeyValue::open(sql.clone()).await.unwrap());
        let variables = MapVariables::new([("key_pepper", ""), ("bootstrap_key_hash", "")]);
        let ports = Ports {
            sql: sql.clone(),
            key_value: key_value.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            variables: Arc::new(variables),
            log: Arc::new(NoLog),
        };
        let mut world = Self {
            sql,
            clock,
            key_value,
            router: face(ports),
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

    /// Sends a request as `who`: a role, `role@region`, or a page token.
    pub(crate) async fn send(&self, who: &str, method: &str, path: &str, body: &str) -> Got {
        self.send_in("en", who, method, path, body.as_bytes().to_vec())
            .await
    }

    /// The same for a reader of `language`.
    pub(crate) async fn send_in(
        &self,
        language: &str,
        who: &str,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Got {
        let (status, bytes) = self.send_for_bytes(language, who, method, path, body).await;
        Got {
            status,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// The same with the body of the answer as it is.
    pub(crate) async fn send_for_bytes(
        &self,
        language: &str,
        who: &str,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> (StatusCode, Vec<u8>) {
        let credential = self.keys.get(who).map_or(who, AccessKey::reveal);
        let request = Request::builder()
            .method(method)
            .uri(format!("/tariff/v1{path}"))
            .header("authorization", format!("Bearer {credential}"))
            .header("content-type", "application/json")
            .header("accept-language", language)
            .body(Body::from(body))
            .unwrap();
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, bytes.into())
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let select = format!("select count(*) from {table}");
        self.sql
            .query_optional::<(i64,)>(&select, Vec::new())
            .await
            .unwrap()
            .unwrap()
            .0
    }

    /// Imports a catalogue and returns its version.
    pub(crate) async fn import(&self, document: &str) -> String {
        let got = self.send("analyst", "POST", "/catalogues", document).await;
        assert!(got.status.is_success(), "{got:?}");
        got.json["version"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn activate(&self, from: &str, version: &str) {
        let body = serde_json::json!({"version": version}).to_string();
        let got = self
            .send("approver", "PUT", &format!("/activations/{from}"), &body)
            .await;
        assert_eq!(got.status, 200, "{got:?}");
    }

    /// The catalogue in force and one customer stored.
    pub(crate) async fn with_customer(&self, id: &str, region: &str) {
        let version = self.import(CATALOGUE).await;
        self.activate("2026-11-22", &version).await;
        let got = self
            .send(
                "channel",
                "PUT",
                &format!("/customers/{id}"),
                &customer(region).to_string(),
            )
            .await;
        assert_eq!(got.status, 200, "{got:?}");
    }
}

/// What is known of a customer besides the usage.
pub(crate) fn profile(region: &str) -> Value {
    serde_json::json!({"region": region, "brand": "mzone", "customer_type": "personal", "plan_id": "e2e-payg"})
}

/// Six months as a usage document.
pub(crate) fn usage() -> Value {
    let months: Value = serde_json::from_str(MONTHS).unwrap();
    serde_json::json!({"schema": "chudian-usage/1", "months": months})
}

/// A customer to store.
pub(crate) fn customer(region: &str) -> Value {
    let mut customer = profile(region);
    customer["usage"] = usage();
    customer
}
