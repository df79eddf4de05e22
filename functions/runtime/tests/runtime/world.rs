//! A small function with notes in a table, built as every function is, and what tests need to call it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use chudian_runtime::http::auth::{Admission, Caller, Guard, guarded};
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::{Edge, Log};
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim, Idempotency};
use chudian_runtime::http::openapi::{self, About};
use chudian_runtime::http::page_token::PageGrant;
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::http::routes::Routes;
use chudian_runtime::parameters;
use chudian_runtime::ports::native::{self, ManualClock, MapVariables, SystemRandom};
use chudian_runtime::ports::sql::Sql;
use chudian_runtime::ports::{Clock, Random};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_runtime::routes;
use chudian_vocabulary::access::{AccessKey, BootstrapKey, KEY_RANDOM_BYTES, Pepper, Role};
use chudian_vocabulary::{CustomerId, Region};
use http::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_service::Service as _;
use utoipa::ToSchema;

/// A moment in 2026 at which every scenario begins.
const START_UNIX_MS: i64 = 1_795_000_000_000;

/// Largest body of a note.
const NOTE_BYTES_MAX: usize = 1024;

const PEPPER: &str = "pepper of the tests";

/// What the function says of itself; its document is not kept, since no component serves it.
const ABOUT: About = About {
    title: "Notes",
    description: "Notes in a table.",
    version: "1",
    base_path: "",
    document_path: "/openapi.json",
    finished: "",
};

/// Everything of one scenario.
pub(crate) struct World {
    pub(crate) sql: Sql,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    pub(crate) log: Arc<LogLines>,
    pub(crate) bootstrap: AccessKey,
    _folder: tempfile::TempDir,
}

/// Keeps log lines for a look at them.
#[derive(Default)]
pub(crate) struct LogLines(Mutex<Vec<String>>);

impl LogLines {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

#[async_trait]
impl Log for LogLines {
    async fn line(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The problem's code; checks on the way that the answer is a whole problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{self:?}"
        );
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(
            json["instance"],
            self.headers["x-request-id"].to_str().unwrap()
        );
        assert!(json["title"].is_string() && json["detail"].is_string());
        json["type"]
            .as_str()
            .unwrap()
            .strip_prefix("urn:chudian:problem:")
            .unwrap()
            .to_owned()
    }
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = native::sqlite(folder.path().join("test.db"));
        Self::over(sql, folder).await
    }

    pub(crate) async fn on_postgres(address: &str) -> Self {
        Self::over(native::postgres(address), tempfile::tempdir().unwrap()).await
    }

    async fn over(sql: Sql, folder: tempfile::TempDir) -> Self {
        native::apply_migrations(&sql, concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
            .await
            .unwrap();
        let table =
            "create table note (id text primary key, region text not null, body text not null)";
        sql.execute(table, Vec::new()).await.unwrap();
        let clock = Arc::new(ManualClock::at_unix_ms(START_UNIX_MS));
        let bootstrap = new_key();
        let bootstrap_variable = BootstrapKey::of(&bootstrap, &Pepper::new(PEPPER)).to_string();
        let variables = MapVariables::new([
            ("key_pepper", PEPPER),
            ("bootstrap_key_hash", &bootstrap_variable),
        ]);
        let random = Arc::new(SystemRandom);
        let guard = Guard::new(
            sql.clone(),
            clock.clone(),
            random.clone(),
            Arc::new(variables),
        );
        let idempotency = Idempotency::new(sql.clone(), clock.clone(), random.clone());
        let state = Notes {
            sql: sql.clone(),
            guard: guard.clone(),
            idempotency,
        };
        let router = openapi::publish(routes_of(&guard), &ABOUT);
        let log = Arc::new(LogLines::default());
        let router = Edge {
            random,
            log: log.clone(),
        }
        .around(router.with_state(state));
        Self {
            sql,
            clock,
            router,
            log,
            bootstrap,
            _folder: folder,
        }
    }

    /// Stores a new key and returns it.
    pub(crate) async fn key(&self, role: Role, region: Option<&str>) -> AccessKey {
        self.key_until(role, region, None).await
    }

    pub(crate) async fn key_until(
        &self,
        role: Role,
        region: Option<&str>,
        expires_at_unix_s: Option<i64>,
    ) -> AccessKey {
        let key = new_key();
        let insert = "insert into access_key (key_id, role, region, label, key_hash, created_at_unix_s, expires_at_unix_s) \
                      values ($1, $2, $3, $4, $5, $6, $7)";
        let hash = key.hash(&Pepper::new(PEPPER)).to_string();
        let values = parameters![
            key.id().as_str(),
            role.as_str(),
            region,
            "test",
            hash,
            self.clock.now_unix_s(),
            expires_at_unix_s
        ];
        self.sql.execute(insert, values).await.unwrap();
        key
    }

    pub(crate) async fn revoke(&self, key: &AccessKey) {
        let update = "update access_key set revoked_at_unix_s = $1 where key_id = $2";
        self.sql
            .execute(
                update,
                parameters![self.clock.now_unix_s(), key.id().as_str()],
            )
            .await
            .unwrap();
    }

    pub(crate) async fn notes_stored(&self) -> i64 {
        self.sql
            .query_optional::<(i64,)>("select count(*) from note", Vec::new())
            .await
            .unwrap()
            .unwrap()
            .0
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Got {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str, credential: &str) -> Got {
        self.send(
            request(Method::GET, path, credential)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, credential: &str, json: &str) -> Got {
        self.send(
            json_request(path, credential)
                .body(Body::from(json.to_owned()))
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn post_attempt(&self, credential: &str, attempt: &str, json: &str) -> Got {
        let request = json_request("/notes", credential).header("idempotency-key", attempt);
        self.send(request.body(Body::from(json.to_owned())).unwrap())
            .await
    }
}

pub(crate) fn new_key() -> AccessKey {
    let mut bytes = [0; KEY_RANDOM_BYTES];
    SystemRandom.fill(&mut bytes);
    AccessKey::from_random_bytes(&bytes)
}

pub(crate) fn request(method: Method, path: &str, credential: &str) -> http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    if credential.is_empty() {
        builder
    } else {
        builder.header("authorization", format!("Bearer {credential}"))
    }
}

fn json_request(path: &str, credential: &str) -> http::request::Builder {
    request(Method::POST, path, credential).header("content-type", "application/json")
}

#[derive(Clone)]
struct Notes {
    sql: Sql,
    guard: Guard,
    idempotency: Idempotency,
}

/// A note, as it is sent.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    id: String,
    region: String,
    body: String,
    #[serde(default)]
    fail: bool,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Count {
    #[serde(default)]
    limit: u32,
}

fn routes_of(guard: &Guard) -> Routes<Notes> {
    let writers = Admission::of(&[Role::Hall, Role::Admin]);
    let readers = Admission::of(&[Role::Hall, Role::Analyst, Role::Admin]);
    let pages = Admission::of(&[Role::Hall]).and_page_tokens();
    Routes::new()
        .merge(guarded(
            guard,
            writers,
            Routes::new().routes(routes!(add_note)),
        ))
        .merge(guarded(
            guard,
            writers,
            Routes::new().routes(routes!(new_token)),
        ))
        .merge(guarded(
            guard,
            readers,
            Routes::new()
                .routes(routes!(note))
                .routes(routes!(count))
                .routes(routes!(broken)),
        ))
        .merge(guarded(guard, pages, Routes::new().routes(routes!(page))))
}

/// Adds a note.
#[utoipa::path(post, path = "/notes", request_body = NewNote, responses((status = 201)))]
async fn add_note(
    State(notes): State<Notes>,
    caller: Caller,
    attempt: Attempt,
    JsonBody {
        value: new_note,
        bytes,
    }: JsonBody<NewNote, NOTE_BYTES_MAX>,
) -> Result<axum::response::Response, Problem> {
    let ticket = match notes
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let mut transaction = match notes.sql.begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let insert = "insert into note (id, region, body) values ($1, $2, $3)";
    let values = parameters![
        new_note.id.as_str(),
        new_note.region.as_str(),
        new_note.body.as_str()
    ];
    let outcome = match transaction.execute(insert, values).await {
        Ok(_) if new_note.fail => Err(Problem::of_kind(catalogue::CUSTOMER_INVALID)),
        Ok(_) => Ok(Answer {
            status: StatusCode::CREATED,
            location: Some(format!("/notes/{}", new_note.id)),
            body: serde_json::json!({"id": new_note.id}).to_string(),
        }),
        Err(error) => Err(error.into()),
    };
    ticket.finish(transaction, outcome).await
}

/// One note.
#[utoipa::path(get, path = "/notes/{id}", params(("id" = String, Path)), responses((status = 200)))]
async fn note(
    State(notes): State<Notes>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<String, Problem> {
    let select = "select region, body from note where id = $1";
    let row: Option<(String, String)> = notes.sql.query_optional(select, parameters![id]).await?;
    let visible =
        row.filter(|(region, _)| caller.sees_region(&Region::new(region.clone()).unwrap()));
    visible
        .map(|(_, body)| body)
        .ok_or_else(|| Problem::of_kind(catalogue::NOT_FOUND))
}

/// Counts to the limit.
#[utoipa::path(get, path = "/count", params(Count), responses((status = 200)))]
async fn count(QueryOf(count): QueryOf<Count>) -> String {
    count.limit.to_string()
}

/// Fails inside.
#[utoipa::path(get, path = "/broken/{id}", params(("id" = String, Path)), responses((status = 200)))]
async fn broken(State(notes): State<Notes>) -> Result<String, Problem> {
    notes
        .sql
        .execute("select nonsense from nowhere", Vec::new())
        .await?;
    Ok(String::new())
}

/// Makes a token for the page of `id`.
#[utoipa::path(post, path = "/tokens/{id}", params(("id" = String, Path)), responses((status = 200)))]
async fn new_token(
    State(notes): State<Notes>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<String, Problem> {
    let grant = PageGrant {
        customer_id: CustomerId::new(id).unwrap(),
        region: caller.region.clone(),
        issuer: caller.key_id,
        expires_at_unix_s: START_UNIX_MS / 1000 + 900,
    };
    notes.guard.page_tokens().issue(&grant).await
}

/// A customer's page.
#[utoipa::path(get, path = "/page/{id}", params(("id" = String, Path)), responses((status = 200)))]
async fn page(caller: Caller, PathOf(id): PathOf<String>) -> Result<String, Problem> {
    let customer = CustomerId::new(id).unwrap();
    if caller.sees_customer(&customer) {
        Ok(format!("page of {customer}"))
    } else {
        Err(Problem::of_kind(catalogue::CUSTOMER_UNKNOWN))
    }
}
