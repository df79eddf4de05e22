//! The router over a fresh database, with keys, a clock that stands still, a gateway of each provider, and a stand-in behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use chudian_runtime::http::edge::Log;
use chudian_runtime::parameters;
use chudian_runtime::ports::native::{self, ManualClock, MapVariables, PlainClient, SystemRandom};
use chudian_runtime::ports::sql::{FromSqlRow, FromSqlValue, Sql, SqlError, SqlRow, SqlValue};
use chudian_runtime::ports::{
    Background, Clock as _, HttpBounds, HttpClient, HttpClientError, Random as _, Work,
};
use chudian_sms_hall::http::{Ports, face};
use chudian_sms_hall::webhook::WebhookSecret;
use chudian_vocabulary::access::{AccessKey, KEY_RANDOM_BYTES, Pepper, Role};
use chudian_vocabulary::pseudonym::PseudonymKey;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower_service::Service as _;

use crate::stand_in::StandIn;

/// 2026-11-22T04:00:00Z, noon in China.
pub(crate) const START_UNIX_MS: i64 = 1_795_320_000_000;

pub(crate) const MINUTE_MS: i64 = 60_000;

/// From where the stand-in's provider calls.
pub(crate) const PROVIDER_ADDRESS: &str = "203.0.113.9:40000";

/// Time for a provider in tests: what hangs is not waited for long.
const PROVIDER_TIME_MS: u32 = 400;

/// Everything of one scenario.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) provider: StandIn,
    pub(crate) work: Arc<TestBackground>,
    pub(crate) log: Arc<KeptLog>,
    /// Every answer that was given, as text.
    pub(crate) answers: Mutex<Vec<String>>,
    pub(crate) router: Router,
    pub(crate) gateways: BTreeMap<&'static str, Value>,
    keys: BTreeMap<String, AccessKey>,
    _folder: tempfile::TempDir,
}

/// Keeps what is logged.
#[derive(Default)]
pub(crate) struct KeptLog(pub(crate) Mutex<Vec<String>>);

#[async_trait]
impl Log for KeptLog {
    async fn line(&self, line: &str) {
        println!("{line}");
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// Work after answers: run and awaited by [`World::settle`], or lost.
#[derive(Default)]
pub(crate) struct TestBackground {
    tasks: Mutex<Vec<JoinHandle<()>>>,
    loses: Mutex<bool>,
}

impl TestBackground {
    /// From now on work is lost before it begins, as when the process dies right after an answer.
    pub(crate) fn lose(&self, loses: bool) {
        *self.loses.lock().unwrap() = loses;
    }

    /// How many are at work.
    pub(crate) fn running(&self) -> usize {
        let tasks = self.tasks.lock().unwrap();
        tasks.iter().filter(|task| !task.is_finished()).count()
    }

    /// Ends what runs, wherever it stands.
    pub(crate) fn kill(&self) {
        for task in self.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}

impl Background for TestBackground {
    fn go_on(&self, work: Work) {
        if !*self.loses.lock().unwrap() {
            self.tasks.lock().unwrap().push(tokio::spawn(work));
        }
    }
}

/// The client with little patience.
struct TestClient;

#[async_trait]
impl HttpClient for TestClient {
    async fn send(
        &self,
        request: Request<Bytes>,
        bounds: HttpBounds,
    ) -> Result<http::Response<Bytes>, HttpClientError> {
        let time_ms_max = if request.uri().path().starts_with("/send") {
            PROVIDER_TIME_MS
        } else {
            bounds.time_ms_max
        };
        let bounds = HttpBounds {
            time_ms_max,
            ..bounds
        };
        PlainClient.send(request, bounds).await
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
}

pub(crate) fn pseudonyms() -> PseudonymKey {
    PseudonymKey::from([7; 32])
}

pub(crate) fn customer_of(number: &str) -> String {
    pseudonyms().pseudonym_of(number).unwrap().to_string()
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
        let provider = StandIn::start().await;
        let (work, log) = (
            Arc::new(TestBackground::default()),
            Arc::new(KeptLog::default()),
        );
        let mut world = Self {
            router: router(&sql, &clock, &provider, &work, &log),
            sql,
            clock,
            provider,
            work,
            log,
            answers: Mutex::default(),
            gateways: BTreeMap::new(),
            keys: BTreeMap::new(),
            _folder: folder,
        };
        for role in Role::ALL {
            for region in [None, Some("zs01"), Some("hz01")] {
                world.add_key(role, region).await;
            }
        }
        for provider in ["aliyun", "tencent", "plain"] {
            let made = world.make_gateway(provider).await;
            world.gateways.insert(provider, made);
        }
        world
    }

    async fn make_gateway(&self, provider: &str) -> Value {
        let request = json!({
            "name": format!("网关 {provider}"), "provider": provider, "region": "zs01", "addresses": ["203.0.113.0/24"],
            "endpoint": format!("{}/send", self.provider.url),
            "sender": {"sign_name": "触点", "template": "SMS_1", "application": "1400000000"},
            "credential": {"id": "account", "secret": "account-secret"},
        });
        let made = self
            .send("admin", "POST", "/gateways", &[], request.to_string())
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.json
    }

    /// Another instance of the function over the same database.
    pub(crate) fn another_instance(&self) -> Router {
        router(
            &self.sql,
            &self.clock,
            &self.provider,
            &self.work,
            &self.log,
        )
    }

    /// Waits until all work after answers is done.
    pub(crate) async fn settle(&self) {
        loop {
            let tasks: Vec<_> = self.work.tasks.lock().unwrap().drain(..).collect();
            if tasks.is_empty() {
                return;
            }
            for task in tasks {
                // One that was killed has ended too.
                drop(task.await);
            }
        }
    }

    async fn add_key(&mut self, role: Role, region: Option<&str>) {
        let mut bytes = [0; KEY_RANDOM_BYTES];
        SystemRandom.fill(&mut bytes);
        let key = AccessKey::from_random_bytes(&bytes);
        let insert = "insert into access_key (key_id, role, region, label, key_hash, created_at_unix_s) \
                      values ($1, $2, $3, $4, $5, $6)";
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

    /// Sends a request as `who` (a role or `role@region`, or nobody) to one instance.
    pub(crate) async fn send_to(
        &self,
        router: &Router,
        who: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Got {
        let path = if path.starts_with("/sms/v1") {
            path.to_owned()
        } else {
            format!("/sms/v1{path}")
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-request-id", "request-1")
            .header("content-type", "application/json");
        if let Some(key) = self.keys.get(who) {
            request = request.header("authorization", format!("Bearer {}", key.reveal()));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).unwrap();
        let response = router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.answers
            .lock()
            .unwrap()
            .push(format!("{:?} {text}", parts.headers));
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

    /// Where a provider calls.
    pub(crate) fn path(&self, provider: &str, kind: &str) -> String {
        let path = &self.gateways[provider][format!("{kind}_path")];
        path.as_str().unwrap().to_owned()
    }

    /// A provider's callback, from its own address.
    pub(crate) async fn push(&self, provider: &str, kind: &str, body: &Value) -> Got {
        let headers = [("spin-client-addr", PROVIDER_ADDRESS)];
        self.send(
            "",
            "POST",
            &self.path(provider, kind),
            &headers,
            body.to_string(),
        )
        .await
    }

    /// A message through Aliyun, acknowledged and answered.
    pub(crate) async fn say(&self, number: &str, sequence: &str, text: &str) {
        let got = self
            .push("aliyun", "inbound", &sms_up(number, sequence, text))
            .await;
        assert_eq!(
            got.json,
            json!({"code": 0, "msg": "接收成功"}),
            "{text}: {got:?}"
        );
        self.settle().await;
    }

    /// What was sent last, as its text.
    pub(crate) fn last_text(&self) -> String {
        text_of(self.provider.sent().last().unwrap())
    }

    /// A callback in the plain form, signed as told.
    pub(crate) async fn push_signed(
        &self,
        kind: &str,
        id: &str,
        at_unix_s: i64,
        body: &Value,
    ) -> Got {
        let body = body.to_string();
        let signature = self.secret().sign(id, at_unix_s, body.as_bytes());
        let at = at_unix_s.to_string();
        let headers = [
            ("spin-client-addr", PROVIDER_ADDRESS),
            ("webhook-id", id),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        self.send("", "POST", &self.path("plain", kind), &headers, body)
            .await
    }

    pub(crate) fn secret(&self) -> WebhookSecret {
        let secret = &self.gateways["plain"]["webhook_secret"];
        WebhookSecret::parse(secret.as_str().unwrap()).unwrap()
    }

    /// Queues a marketing message through Aliyun; its id.
    pub(crate) async fn market(&self, number: &str, text: &str) -> String {
        let body = json!({"gateway_id": self.gateways["aliyun"]["gateway_id"], "number": number, "text": text, "campaign": "spring"});
        let got = self
            .send("channel", "POST", "/messages", &[], body.to_string())
            .await;
        assert_eq!(got.status, StatusCode::ACCEPTED, "{got:?}");
        got.json["message_id"].as_str().unwrap().to_owned()
    }

    /// State and code of a message.
    pub(crate) async fn state(&self, message_id: &str) -> (String, String) {
        let got = self
            .get("channel", &format!("/messages/{message_id}"))
            .await;
        let text = |name: &str| got.json[name].as_str().unwrap_or_default().to_owned();
        (text("state"), text("code"))
    }

    pub(crate) async fn run(&self) -> Value {
        let got = self.send("channel", "POST", "/outbox/run", &[], "").await;
        assert_eq!(got.status, StatusCode::OK, "{got:?}");
        got.json
    }

    pub(crate) async fn rows<T: FromSqlRow>(&self, select: &str) -> Vec<T> {
        self.sql.query(select, Vec::new()).await.unwrap()
    }

    /// The time in seconds.
    pub(crate) fn clock_s(&self) -> i64 {
        self.clock.now_unix_s()
    }

    /// Every row of every table of ours, as text, with the table's name; bytes as they would be found in a file.
    pub(crate) async fn tables(&self) -> Vec<(String, String)> {
        let folder = format!("{}/migrations", env!("CARGO_MANIFEST_DIR"));
        let migrations: String = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        let mut names: Vec<&str> = migrations
            .lines()
            .filter_map(|line| line.strip_prefix("create table ")?.strip_suffix(" ("))
            .collect();
        names.extend(["personal_access", "idempotency_key"]);
        let mut rows = Vec::new();
        for name in names {
            for AnyRow(text) in self.rows(&format!("select * from {name}")).await {
                rows.push((name.to_owned(), text));
            }
        }
        rows
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let select = format!("select count(*) from {table}");
        self.rows::<(i64,)>(&select).await[0].0
    }
}

/// A row of any table, as text.
struct AnyRow(String);

impl FromSqlRow for AnyRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let mut text = String::new();
        while let Ok(AnyValue(value)) = row.next_column() {
            text.push_str(&value);
            text.push('|');
        }
        Ok(Self(text))
    }
}

struct AnyValue(String);

impl FromSqlValue for AnyValue {
    fn from_sql_value(value: SqlValue) -> Result<Self, String> {
        Ok(Self(match value {
            SqlValue::Null => String::new(),
            SqlValue::Integer(integer) => integer.to_string(),
            SqlValue::Real(real) => real.to_string(),
            SqlValue::Text(text) => text,
            SqlValue::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }))
    }
}

pub(crate) fn sms_up(number: &str, sequence: &str, text: &str) -> Value {
    json!([{"phone_number": number, "content": text, "send_time": "2026-11-22 12:00:00", "dest_code": "1069", "sequence_id": sequence,
        "sign_name": "触点", "later_addition": [1]}])
}

/// The text of a message to Aliyun's SendSms.
pub(crate) fn text_of(asked: &crate::stand_in::Asked) -> String {
    let parameters: Value = serde_json::from_str(&asked.field("TemplateParam")).unwrap();
    parameters["content"].as_str().unwrap().to_owned()
}

fn router(
    sql: &Sql,
    clock: &Arc<ManualClock>,
    provider: &StandIn,
    work: &Arc<TestBackground>,
    log: &Arc<KeptLog>,
) -> Router {
    let key = pseudonyms().reveal();
    let variables = MapVariables::new([
        ("key_pepper", ""),
        ("bootstrap_key_hash", ""),
        ("pseudonym_key", key.as_str()),
        ("sms_tariff_url", provider.url.as_str()),
        ("sms_feedback_url", provider.url.as_str()),
        ("sms_hall_key", "chd_the_halls_key"),
    ]);
    let ports = Ports {
        sql: sql.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        variables: Arc::new(variables),
        client: Arc::new(TestClient),
        background: work.clone(),
        log: log.clone(),
    };
    face(ports)
}
