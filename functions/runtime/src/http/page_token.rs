//! Page tokens: a short-lived right to see one customer's own page, made by a hall for the browser of that customer.
//!
//! A token is `cht_<facts>.<signature>`: the facts are readable, the signature is HMAC-SHA-256 under a random secret of the
//! installation that lives in the database. So a token costs no write, works in every instance and on every host, and cannot be
//! made by someone who only knows the manifest.
//!
//! Not a session: it cannot be prolonged, and it ends with the key that made it (see `auth`).

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chudian_vocabulary::access::{KeyHash, KeyId, Pepper};
use chudian_vocabulary::{CustomerId, Region};
use serde::{Deserialize, Serialize};

use crate::parameters;
use crate::ports::sql::Sql;
use crate::ports::{Clock, Random};
use crate::problem::{Problem, catalogue};

/// What a page token begins with.
pub const PAGE_TOKEN_PREFIX: &str = "cht_";

/// Longest life of a token: a customer's visit, not a working day.
pub const PAGE_TOKEN_TTL_S_MAX: i64 = 3600;

/// Life of a token when the hall does not say.
pub const PAGE_TOKEN_TTL_S_DEFAULT: i64 = 900;

/// Longest token that is looked at; ours stay under a third of it.
const PAGE_TOKEN_CHARACTERS_MAX: usize = 1024;

/// Random bytes of the signing secret: as many as the hash gives out.
const SECRET_BYTES: usize = 32;

/// Name of the signing secret in the table `installation_secret`.
const SECRET_NAME: &str = "page-token";

/// What a token grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageGrant {
    /// The customer whose page it is.
    #[serde(rename = "c")]
    pub customer_id: CustomerId,
    /// Region of the key that made it.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    pub region: Option<Region>,
    /// The key that made it.
    #[serde(rename = "k")]
    pub issuer: KeyId,
    /// When it ends, unix seconds.
    #[serde(rename = "e")]
    pub expires_at_unix_s: i64,
}

/// Makes and reads page tokens. Clones share the secret.
#[derive(Clone)]
pub struct PageTokens {
    inner: Arc<PageTokensInner>,
}

struct PageTokensInner {
    sql: Sql,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    secret: Mutex<Option<Pepper>>,
}

impl PageTokens {
    pub(super) fn new(sql: Sql, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            inner: Arc::new(PageTokensInner {
                sql,
                clock,
                random,
                secret: Mutex::new(None),
            }),
        }
    }

    /// Makes a token for `grant`.
    pub async fn issue(&self, grant: &PageGrant) -> Result<String, Problem> {
        let json =
            serde_json::to_vec(grant).map_err(|error| Problem::internal(error.to_string()))?;
        let facts = URL_SAFE_NO_PAD.encode(json);
        let signature = URL_SAFE_NO_PAD.encode(self.secret().await?.hmac_sha256(facts.as_bytes()));
        Ok(format!("{PAGE_TOKEN_PREFIX}{facts}.{signature}"))
    }

    /// Reads a token; one that was changed, is too old or is none at all gets the same answer.
    pub(super) async fn read(&self, token: &str) -> Result<PageGrant, Problem> {
        let invalid = || Problem::of_kind(catalogue::TOKEN_INVALID);
        if token.len() > PAGE_TOKEN_CHARACTERS_MAX {
            return Err(invalid());
        }
        let rest = token.strip_prefix(PAGE_TOKEN_PREFIX).ok_or_else(invalid)?;
        let (facts, signature) = rest.split_once('.').ok_or_else(invalid)?;
        let given = URL_SAFE_NO_PAD
            .decode(signature)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let given = KeyHash::from(given.ok_or_else(invalid)?);
        let expected = KeyHash::from(self.secret().await?.hmac_sha256(facts.as_bytes()));
        if !expected.matches(&given) {
            return Err(invalid());
        }
        let json = URL_SAFE_NO_PAD.decode(facts).map_err(|_| invalid())?;
        let grant: PageGrant = serde_json::from_slice(&json).map_err(|_| invalid())?;
        if self.inner.clock.now_unix_s() < grant.expires_at_unix_s {
            Ok(grant)
        } else {
            Err(invalid())
        }
    }

    /// The installation's secret; the first component that asks makes it, and everybody reads what was stored.
    async fn secret(&self) -> Result<Pepper, Problem> {
        let known = self
            .inner
            .secret
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(secret) = known {
            return Ok(secret);
        }
        let select = "select secret from installation_secret where name = $1";
        let sql = &self.inner.sql;
        let mut stored: Option<(String,)> =
            sql.query_optional(select, parameters![SECRET_NAME]).await?;
        if stored.is_none() {
            let mut bytes = [0; SECRET_BYTES];
            self.inner.random.fill(&mut bytes);
            let insert = "insert into installation_secret (name, secret) values ($1, $2) on conflict (name) do nothing";
            sql.execute(
                insert,
                parameters![SECRET_NAME, URL_SAFE_NO_PAD.encode(bytes)],
            )
            .await?;
            stored = sql.query_optional(select, parameters![SECRET_NAME]).await?;
        }
        let (text,) = stored.ok_or_else(|| Problem::internal("the page token secret vanished"))?;
        let secret = Pepper::new(&text);
        *self
            .inner
            .secret
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(secret.clone());
        Ok(secret)
    }
}
