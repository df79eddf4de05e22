//! Idempotency keys: a client may send the same create twice and it happens once.
//!
//! The header `Idempotency-Key` names an attempt. The first request claims the key, which others see as in flight (`409`); then
//! its effect **and** its answer are stored in one transaction. So a process that dies in between leaves either both or none, and a
//! claim that nobody finished may be taken over after [`CLAIM_LIFE_S`] without doing anything twice. A second request with
//! the same body gets the first answer again, one with another body `422`. A failed attempt frees the key.
//!
//! Keys belong to the caller's access key: two halls may use the same text. Answers are kept for [`KEPT_S`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use chudian_vocabulary::Name;
use chudian_vocabulary::access::KeyId;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::parameters;
use crate::ports::sql::{Sql, SqlError, Transaction};
use crate::ports::{Clock, Random};
use crate::problem::{Problem, catalogue};

/// The request header that names an attempt.
pub const IDEMPOTENCY_KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Set on an answer that was given before.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key, in characters: a UUID with a prefix fits well.
const KEY_CHARACTERS_MAX: usize = 128;

/// How long answers are kept: a client that was away over a night and a morning can still ask.
pub const KEPT_S: i64 = 48 * 3600;

/// After this time an unfinished claim is taken to be dead; longer than any host lets a request run.
pub const CLAIM_LIFE_S: i64 = 120;

/// Rows removed with each new claim, so that the table shrinks faster than it grows and no request pays for a large cleaning.
const OLD_ROWS_REMOVED_MAX: i64 = 16;

/// Random bytes of a claim's mark.
const CLAIM_BYTES: usize = 16;

/// Seconds to wait before asking again for an attempt that is in flight.
const IN_FLIGHT_RETRY_AFTER_S: u32 = 1;

/// The `Idempotency-Key` of a request and what the request is about; an extractor.
#[derive(Debug)]
pub struct Attempt {
    key: Option<String>,
    method: Method,
    path: String,
}

impl<S: Sync> FromRequestParts<S> for Attempt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let key = match parts.headers.get(IDEMPOTENCY_KEY_HEADER) {
            None => None,
            Some(value) => Some(checked_key(value)?),
        };
        let path = parts
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string);
        Ok(Self {
            key,
            method: parts.method.clone(),
            path,
        })
    }
}

fn checked_key(value: &HeaderValue) -> Result<String, Problem> {
    let text = value.to_str().ok();
    let usable = |text: &&str| {
        (1..=KEY_CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    text.filter(usable).map(str::to_owned).ok_or_else(|| {
        let detail = Name::new(
            format!("Idempotency-Key 应为 1 到 {KEY_CHARACTERS_MAX} 个可见 ASCII 字符。"),
            format!("Idempotency-Key must be 1 to {KEY_CHARACTERS_MAX} visible ASCII characters."),
        );
        Problem::new(catalogue::INVALID_HEADER, detail)
    })
}

/// An answer that can be stored and given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status of a success.
    pub status: StatusCode,
    /// Path of what was made, for the header `Location`.
    pub location: Option<String>,
    /// JSON body.
    pub body: String,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(location) = self
            .location
            .and_then(|location| HeaderValue::from_str(&location).ok())
        {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// The store of attempts.
#[derive(Clone)]
pub struct Idempotency {
    sql: Sql,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What is to be done with a request.
pub enum Claim {
    /// It was done before: this is its answer.
    Answered(Response),
    /// Do it, and end with [`Ticket::finish`].
    Granted(Ticket),
}

/// The right to do a request's work once.
#[must_use = "the claim stays in flight until the ticket is finished"]
pub struct Ticket {
    sql: Sql,
    /// `None` when the request names no attempt.
    claim: Option<ClaimedKey>,
}

struct ClaimedKey {
    owner: KeyId,
    key: String,
    mark: String,
}

/// A row of the table: fingerprint, mark, time of the claim, and the answer if there is one.
type StoredAttempt = (
    String,
    String,
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
);

impl Idempotency {
    /// A store over the table `idempotency_key` of `sql`.
    pub fn new(sql: Sql, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { sql, clock, random }
    }

    /// Claims the attempt for a request with this body.
    pub async fn claim(
        &self,
        attempt: Attempt,
        owner: &KeyId,
        body: &[u8],
    ) -> Result<Claim, Problem> {
        let fingerprint = fingerprint_of(&attempt, body);
        let Some(key) = attempt.key else {
            return Ok(Claim::Granted(Ticket {
                sql: self.sql.clone(),
                claim: None,
            }));
        };
        let mark = self.new_mark();
        let now_unix_s = self.clock.now_unix_s();
        let mut transaction = self.sql.begin().await?;
        let outcome = claim_in(
            &mut transaction,
            owner,
            &key,
            &fingerprint,
            &mark,
            now_unix_s,
        )
        .await;
        match transaction.end(outcome).await? {
            Some(answer) => {
                let mut response = answer.into_response();
                response
                    .headers_mut()
                    .insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
                Ok(Claim::Answered(response))
            }
            None => {
                let claim = Some(ClaimedKey {
                    owner: owner.clone(),
                    key,
                    mark,
                });
                Ok(Claim::Granted(Ticket {
                    sql: self.sql.clone(),
                    claim,
                }))
            }
        }
    }

    fn new_mark(&self) -> String {
        let mut bytes = [0; CLAIM_BYTES];
        self.random.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn fingerprint_of(attempt: &Attempt, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {}\n", attempt.method, attempt.path));
    hash.update(body);
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Claims the key, or finds the answer that is there already.
async fn claim_in(
    transaction: &mut Transaction,
    owner: &KeyId,
    key: &str,
    fingerprint: &str,
    mark: &str,
    now_unix_s: i64,
) -> Result<Option<Answer>, Problem> {
    remove_old(transaction, now_unix_s).await?;
    let insert = "insert into idempotency_key (owner, idempotency_key, fingerprint, claim, claimed_at_unix_s) \
                  values ($1, $2, $3, $4, $5) on conflict (owner, idempotency_key) do nothing";
    let inserted = transaction
        .execute(
            insert,
            parameters![owner.as_str(), key, fingerprint, mark, now_unix_s],
        )
        .await?;
    if inserted == 1 {
        return Ok(None);
    }
    let select = "select fingerprint, claim, claimed_at_unix_s, status, location, body \
                  from idempotency_key where owner = $1 and idempotency_key = $2";
    let stored: Option<StoredAttempt> = transaction
        .query_optional(select, parameters![owner.as_str(), key])
        .await?;
    // Gone between the two statements: its owner failed and freed it just now.
    let (stored_fingerprint, stored_mark, claimed_at_unix_s, status, location, body) =
        stored.ok_or_else(in_flight)?;
    if stored_fingerprint != fingerprint {
        let detail = Name::new(
            "同一个 Idempotency-Key 只能用于同一个请求；请换一个新的。",
            "An Idempotency-Key belongs to one request; use a new one for another.",
        );
        return Err(Problem::new(catalogue::IDEMPOTENCY_KEY_REUSED, detail));
    }
    if let (Some(status), Some(body)) = (status, body) {
        let status = u16::try_from(status)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| Problem::internal("a stored status is out of range"))?;
        return Ok(Some(Answer {
            status,
            location,
            body,
        }));
    }
    if now_unix_s - claimed_at_unix_s < CLAIM_LIFE_S {
        return Err(in_flight());
    }
    let take_over = "update idempotency_key set claim = $1, claimed_at_unix_s = $2 \
                     where owner = $3 and idempotency_key = $4 and claim = $5 and status is null";
    let taken = parameters![mark, now_unix_s, owner.as_str(), key, stored_mark];
    if transaction.execute(take_over, taken).await? == 1 {
        Ok(None)
    } else {
        Err(in_flight())
    }
}

async fn remove_old(transaction: &mut Transaction, now_unix_s: i64) -> Result<(), SqlError> {
    let statement = "delete from idempotency_key where (owner, idempotency_key) in \
                     (select owner, idempotency_key from idempotency_key where claimed_at_unix_s < $1 limit $2)";
    transaction
        .execute(
            statement,
            parameters![now_unix_s - KEPT_S, OLD_ROWS_REMOVED_MAX],
        )
        .await?;
    Ok(())
}

fn in_flight() -> Problem {
    Problem::of_kind(catalogue::IDEMPOTENCY_IN_FLIGHT).with_retry_after_s(IN_FLIGHT_RETRY_AFTER_S)
}

impl Ticket {
    /// Ends the attempt: stores the answer with the effect and commits, or undoes everything and frees the key.
    ///
    /// `transaction` is the one in which the effect was made.
    pub async fn finish(
        self,
        mut transaction: Transaction,
        outcome: Result<Answer, Problem>,
    ) -> Result<Response, Problem> {
        let outcome = match outcome {
            Ok(answer) => self
                .record(&mut transaction, &answer)
                .await
                .map(|()| answer),
            Err(problem) => Err(problem),
        };
        match transaction.end(outcome).await {
            Ok(answer) => Ok(answer.into_response()),
            Err(problem) => {
                self.release().await;
                Err(problem)
            }
        }
    }

    /// Frees the key when the work ended before it began a transaction.
    pub async fn abandon(self, problem: Problem) -> Problem {
        self.release().await;
        problem
    }

    async fn record(&self, transaction: &mut Transaction, answer: &Answer) -> Result<(), Problem> {
        let Some(claim) = &self.claim else {
            return Ok(());
        };
        let update = "update idempotency_key set status = $1, location = $2, body = $3 \
                      where owner = $4 and idempotency_key = $5 and claim = $6 and status is null";
        let values = parameters![
            i64::from(answer.status.as_u16()),
            answer.location.clone(),
            answer.body.as_str(),
            claim.owner.as_str(),
            claim.key.as_str(),
            claim.mark.as_str(),
        ];
        // Another request took the claim over while this one was slow: that one's effect counts, this one's is undone.
        if transaction.execute(update, values).await? == 1 {
            Ok(())
        } else {
            Err(in_flight())
        }
    }

    async fn release(&self) {
        let Some(claim) = &self.claim else { return };
        let delete = "delete from idempotency_key \
                      where owner = $1 and idempotency_key = $2 and claim = $3 and status is null";
        let values = parameters![
            claim.owner.as_str(),
            claim.key.as_str(),
            claim.mark.as_str()
        ];
        // When even this fails, the claim ends by its age; the first problem is the one to report.
        let _ = self.sql.execute(delete, values).await;
    }
}
