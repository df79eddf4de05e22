//! Who calls, and whether the route lets them in.
//!
//! A caller is either the holder of a key (`Authorization: Bearer chd_…`) or a customer's page with a token that a hall made
//! for it (`Bearer cht_…`). The check is made inside the component, so that it holds on any host. [`guarded`] puts it before a
//! group of routes and writes the same rule into their OpenAPI operations, so that the two cannot disagree.
//!
//! Invariants: a revoked or expired key is refused [`KEY_CACHE_MS`] after its revocation at the latest; unknown, wrong, expired and
//! revoked keys get one and the same answer; another region's things are for the handler to call unknown (404), with
//! [`Caller::region`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use chudian_vocabulary::access::{AccessKey, BootstrapKey, KeyHash, KeyId, Pepper, Role};
use chudian_vocabulary::{CustomerId, Name, Region};
use http::request::Parts;
use http::{HeaderMap, header};

use super::page_token::{PAGE_TOKEN_PREFIX, PageGrant, PageTokens};
use super::routes::Routes;
use crate::parameters;
use crate::ports::sql::{FromSqlRow, Sql, SqlError, SqlRow};
use crate::ports::{Clock, Random, Variables};
use crate::problem::{Problem, catalogue};

/// How long what the database said of a key is believed. Also the longest time that a revocation takes to be felt.
pub const KEY_CACHE_MS: i64 = 3_000;

/// Keys remembered at once in one instance; beyond, the oldest is forgotten. A province has some hundred keys.
const KEYS_REMEMBERED_MAX: usize = 1024;

/// Wrong keys with one id that an instance answers in [`FAILURE_WINDOW_MS`] before it says `429`.
pub const FAILURES_PER_WINDOW_MAX: u32 = 10;

/// The window in which wrong keys are counted.
pub const FAILURE_WINDOW_MS: i64 = 60_000;

/// Milliseconds of a second.
const MS_PER_S: i64 = 1000;

/// Who may use a group of routes.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Roles whose keys are let in.
    pub roles: &'static [Role],
    /// Whether a customer's page token is let in too.
    pub page_token: bool,
}

impl Admission {
    /// Keys of these roles only.
    pub const fn of(roles: &'static [Role]) -> Self {
        Self {
            roles,
            page_token: false,
        }
    }

    /// Lets page tokens in as well.
    #[must_use]
    pub const fn and_page_tokens(mut self) -> Self {
        self.page_token = true;
        self
    }
}

/// Who calls; an extractor behind [`guarded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the key, or of the key that made the page token.
    pub key_id: KeyId,
    /// The only region whose customers exist for this caller; `None` sees the whole province.
    pub region: Option<Region>,
    /// What the caller is.
    pub kind: CallerKind,
}

/// The two kinds of caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// A key with this role.
    Key(Role),
    /// The page of one customer, by a token that grants this.
    Page(PageGrant),
}

impl Caller {
    /// Whether things of `region` exist for this caller.
    pub fn sees_region(&self, region: &Region) -> bool {
        self.region.as_ref().is_none_or(|own| own == region)
    }

    /// Whether this customer exists for this caller: a page sees its own customer only.
    pub fn sees_customer(&self, customer: &CustomerId) -> bool {
        match &self.kind {
            CallerKind::Key(_) => true,
            CallerKind::Page(grant) => grant.customer_id == *customer,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // A route outside every guard has no caller: refusing is the safe answer to our own mistake.
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(|| Problem::internal("the route has no guard"))
    }
}

/// Puts `admission` before every route of `routes`, and writes it into their operations.
pub fn guarded<S: Clone + Send + Sync + 'static>(
    guard: &Guard,
    admission: Admission,
    routes: Routes<S>,
) -> Routes<S> {
    let Routes(inner) = routes;
    #[cfg(not(target_family = "wasm"))]
    let inner = super::openapi::annotations::with_admission(inner, admission);
    Routes(inner.route_layer(from_fn_with_state((guard.clone(), admission), admit)))
}

async fn admit(
    State((guard, admission)): State<(Guard, Admission)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = guard.caller_of(request.headers()).await?;
    let admitted = match &caller.kind {
        CallerKind::Key(role) => admission.roles.contains(role),
        CallerKind::Page(_) => admission.page_token,
    };
    if !admitted {
        let roles = admission
            .roles
            .iter()
            .map(|role| role.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let detail = Name::new(
            format!("此操作需要下列角色之一的密钥：{roles}。"),
            format!("This needs a key with one of the roles {roles}."),
        );
        return Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Checks keys and page tokens. Clones share one cache.
#[derive(Clone)]
pub struct Guard {
    inner: Arc<GuardInner>,
}

struct GuardInner {
    sql: Sql,
    clock: Arc<dyn Clock>,
    variables: Arc<dyn Variables>,
    page_tokens: PageTokens,
    settings: Mutex<Option<Arc<Settings>>>,
    remembered: Mutex<BTreeMap<KeyId, Remembered>>,
}

/// The two variables of the guard; they do not change while an instance lives.
struct Settings {
    pepper: Pepper,
    bootstrap: Option<BootstrapKey>,
}

/// What is known of a key id for the moment.
#[derive(Clone, Default)]
struct Remembered {
    row: Option<KeyRow>,
    read_at_ms: Option<i64>,
    failures: u32,
    window_began_ms: i64,
}

#[derive(Clone)]
struct KeyRow {
    role: Role,
    region: Option<Region>,
    hash: KeyHash,
    expires_at_unix_s: Option<i64>,
    revoked_at_unix_s: Option<i64>,
}

impl FromSqlRow for KeyRow {
    fn from_sql_row(mut row: SqlRow) -> Result<Self, SqlError> {
        let unreadable =
            |error: &dyn std::fmt::Display| SqlError::Shape(format!("access_key: {error}"));
        let role: String = row.next_column()?;
        let region: Option<String> = row.next_column()?;
        let hash: String = row.next_column()?;
        Ok(Self {
            role: role.parse().map_err(|error| unreadable(&error))?,
            region: region
                .map(Region::new)
                .transpose()
                .map_err(|error| unreadable(&error))?,
            hash: hash.parse().map_err(|error| unreadable(&error))?,
            expires_at_unix_s: row.next_column()?,
            revoked_at_unix_s: row.next_column()?,
        })
    }
}

impl KeyRow {
    fn is_live_at(&self, now_unix_s: i64) -> bool {
        self.expires_at_unix_s
            .is_none_or(|expires| now_unix_s < expires)
            && self
                .revoked_at_unix_s
                .is_none_or(|revoked| now_unix_s < revoked)
    }
}

impl Guard {
    /// A guard over the table `access_key` of `sql` and the variables `key_pepper` and `bootstrap_key_hash`.
    pub fn new(
        sql: Sql,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        variables: Arc<dyn Variables>,
    ) -> Self {
        let page_tokens = PageTokens::new(sql.clone(), clock.clone(), random);
        let inner = GuardInner {
            sql,
            clock,
            variables,
            page_tokens,
            settings: Mutex::new(None),
            remembered: Mutex::new(BTreeMap::new()),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The page tokens that this guard accepts.
    pub fn page_tokens(&self) -> &PageTokens {
        &self.inner.page_tokens
    }

    async fn caller_of(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let credential = bearer_credential(headers)?;
        if credential.starts_with(PAGE_TOKEN_PREFIX) {
            return self.holder_of_page_token(credential).await;
        }
        let key: AccessKey = credential.parse().map_err(|_| key_invalid())?;
        self.holder_of_key(&key).await
    }

    async fn holder_of_key(&self, key: &AccessKey) -> Result<Caller, Problem> {
        let settings = self.settings().await?;
        let hash = key.hash(&settings.pepper);
        let row = self.key_row(key.id(), &settings).await?;
        match row
            .filter(|row| row.hash.matches(&hash) && row.is_live_at(self.inner.clock.now_unix_s()))
        {
            Some(row) => Ok(Caller {
                key_id: key.id().clone(),
                region: row.region,
                kind: CallerKind::Key(row.role),
            }),
            None => Err(self.count_failure(key.id())),
        }
    }

    /// A token lives no longer than the key that made it: revoking a hall's key closes its pages as well.
    async fn holder_of_page_token(&self, token: &str) -> Result<Caller, Problem> {
        let grant = self.inner.page_tokens.read(token).await?;
        let settings = self.settings().await?;
        let row = self.key_row(&grant.issuer, &settings).await?;
        if row.is_none_or(|row| !row.is_live_at(self.inner.clock.now_unix_s())) {
            return Err(Problem::of_kind(catalogue::TOKEN_INVALID));
        }
        Ok(Caller {
            key_id: grant.issuer.clone(),
            region: grant.region.clone(),
            kind: CallerKind::Page(grant),
        })
    }

    async fn settings(&self) -> Result<Arc<Settings>, Problem> {
        let known = self
            .inner
            .settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(settings) = known {
            return Ok(settings);
        }
        let pepper = Pepper::from_variable(&self.inner.variables.get("key_pepper").await?);
        let bootstrap =
            BootstrapKey::from_variable(&self.inner.variables.get("bootstrap_key_hash").await?)
                .map_err(|error| {
                    Problem::internal(format!("variable `bootstrap_key_hash`: {error}"))
                })?;
        let settings = Arc::new(Settings { pepper, bootstrap });
        *self
            .inner
            .settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(settings.clone());
        Ok(settings)
    }

    /// What is stored of a key, from memory while it is fresh. Unknown ids are remembered too, so that trying them costs the
    /// database one look-up in [`KEY_CACHE_MS`].
    async fn key_row(&self, id: &KeyId, settings: &Settings) -> Result<Option<KeyRow>, Problem> {
        if let Some(bootstrap) = settings
            .bootstrap
            .as_ref()
            .filter(|bootstrap| &bootstrap.id == id)
        {
            let hash = bootstrap.hash.clone();
            let (expires_at_unix_s, revoked_at_unix_s) = (None, None);
            return Ok(Some(KeyRow {
                role: Role::Admin,
                region: None,
                hash,
                expires_at_unix_s,
                revoked_at_unix_s,
            }));
        }
        let now_ms = self.inner.clock.now_unix_ms();
        if let Some(known) = self.remembered().get(id)
            && known
                .read_at_ms
                .is_some_and(|read_at_ms| (0..KEY_CACHE_MS).contains(&(now_ms - read_at_ms)))
        {
            return Ok(known.row.clone());
        }
        let statement = "select role, region, key_hash, expires_at_unix_s, revoked_at_unix_s from access_key where key_id = $1";
        let row: Option<KeyRow> = self
            .inner
            .sql
            .query_optional(statement, parameters![id.as_str()])
            .await?;
        let mut remembered = self.remembered();
        make_room(&mut remembered, id);
        let entry = remembered.entry(id.clone()).or_default();
        entry.row = row.clone();
        entry.read_at_ms = Some(now_ms);
        Ok(row)
    }

    /// Counts a wrong key. The right key with the same id still passes: nobody can lock a hall out by guessing at its key.
    fn count_failure(&self, id: &KeyId) -> Problem {
        let now_ms = self.inner.clock.now_unix_ms();
        let mut remembered = self.remembered();
        make_room(&mut remembered, id);
        let entry = remembered.entry(id.clone()).or_default();
        if !(0..FAILURE_WINDOW_MS).contains(&(now_ms - entry.window_began_ms)) {
            entry.window_began_ms = now_ms;
            entry.failures = 0;
        }
        entry.failures = entry.failures.saturating_add(1);
        if entry.failures <= FAILURES_PER_WINDOW_MAX {
            return key_invalid();
        }
        let wait_ms = entry.window_began_ms + FAILURE_WINDOW_MS - now_ms;
        let wait_s = u32::try_from((wait_ms + MS_PER_S - 1).div_euclid(MS_PER_S))
            .unwrap_or(1)
            .max(1);
        Problem::of_kind(catalogue::TOO_MANY_ATTEMPTS).with_retry_after_s(wait_s)
    }

    fn remembered(&self) -> MutexGuard<'_, BTreeMap<KeyId, Remembered>> {
        self.inner
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the key that was read longest ago, when the table is full and `id` would be one more.
fn make_room(remembered: &mut BTreeMap<KeyId, Remembered>, id: &KeyId) {
    if remembered.len() < KEYS_REMEMBERED_MAX || remembered.contains_key(id) {
        return;
    }
    let oldest = remembered
        .iter()
        .min_by_key(|(_, known)| known.read_at_ms)
        .map(|(id, _)| id.clone());
    if let Some(oldest) = oldest {
        remembered.remove(&oldest);
    }
}

fn bearer_credential(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || {
        let detail = Name::new(
            "请在请求头中提供 `Authorization: Bearer <密钥>`。",
            "Send the header `Authorization: Bearer <key>`.",
        );
        Problem::new(catalogue::KEY_MISSING, detail)
    };
    let header_text = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(missing)?
        .to_str()
        .map_err(|_| key_invalid())?;
    let (scheme, credential) = header_text.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(credential.trim())
    } else {
        Err(missing())
    }
}

fn key_invalid() -> Problem {
    let detail = Name::new(
        "密钥不存在、已过期或已撤销。请向管理员索取新的密钥。",
        "The key is unknown, expired or revoked. Ask an administrator for a new one.",
    );
    Problem::new(catalogue::KEY_INVALID, detail)
}
