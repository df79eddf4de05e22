//! Idempotency keys: a sender may try again without fear.

use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use chudian_e2e::{
    Host,
    caller::expect_problem,
    ground::{REGION, store_customer, unique},
    harness::Case,
};
use serde_json::{Value, json};

/// Attempts at once.
const AT_ONCE: usize = 8;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "attempts::replayed",
            "the same key and body replay the first answer; nothing is made twice",
            replayed,
        ),
        Case::new(
            "attempts::other_body",
            "the same key with another body is 422",
            other_body,
        ),
        Case::new(
            "attempts::other_caller",
            "another caller's key of the same text is another key",
            other_caller,
        ),
        Case::new(
            "attempts::bad_keys",
            "an idempotency key that cannot be one is refused",
            bad_keys,
        ),
        Case::new(
            "attempts::at_once",
            "attempts at once make one thing; each says so, or that the first is in flight",
            at_once,
        ),
    ]
}

struct Offers<'a> {
    host: &'a Host,
    customer: String,
}

impl<'a> Offers<'a> {
    fn new(host: &'a Host) -> Result<Self> {
        host.ground()?;
        Ok(Self {
            host,
            customer: store_customer(&host.with("channel")?, REGION)?,
        })
    }

    fn post(
        &self,
        role: &str,
        key: &str,
        limit: u64,
    ) -> Result<chudian_test_support::http::Answer> {
        let body = json!({ "customer_id": self.customer, "limit": limit, "channel": "web-hall" })
            .to_string();
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.host
            .with(role)?
            .send("POST", "/tariff/v1/offers", &headers, body.as_bytes())
    }

    fn count(&self) -> Result<usize> {
        let answer = self.host.with("channel")?.get(&format!(
            "/tariff/v1/offers?limit=100&customer_id={}",
            self.customer
        ))?;
        let answer = answer.expect_status(200)?;
        Ok(answer["items"]
            .as_array()
            .with_context(|| format!("no items: {answer}"))?
            .len())
    }
}

fn replayed(host: &Host) -> Result<()> {
    let offers = Offers::new(host)?;
    let key = unique("attempt");
    let first = offers.post("channel", &key, 1)?;
    ensure!(first.status == 201, "{} {}", first.status, first.text());
    let again = offers.post("channel", &key, 1)?;
    ensure!(
        again.status == first.status && again.body == first.body,
        "{} {}",
        again.status,
        again.text()
    );
    ensure!(
        again.header("idempotency-replayed") == Some("true"),
        "{:?}",
        again.headers
    );
    ensure!(offers.count()? == 1, "{} offers", offers.count()?);
    Ok(())
}

fn other_body(host: &Host) -> Result<()> {
    let offers = Offers::new(host)?;
    let key = unique("attempt");
    ensure!(offers.post("channel", &key, 1)?.status == 201);
    expect_problem(
        &offers.post("channel", &key, 2)?,
        422,
        "idempotency-key-reused",
    )?;
    ensure!(offers.count()? == 1, "{} offers", offers.count()?);
    Ok(())
}

fn other_caller(host: &Host) -> Result<()> {
    let offers = Offers::new(host)?;
    let key = unique("attempt");
    let first = offers.post("channel", &key, 1)?;
    let other = offers.post("analyst", &key, 2)?;
    ensure!(
        first.status == 201 && other.status == 201,
        "{} {}",
        other.status,
        other.text()
    );
    ensure!(
        other.header("idempotency-replayed").is_none(),
        "one caller's answer was given to another"
    );
    Ok(())
}

fn bad_keys(host: &Host) -> Result<()> {
    let offers = Offers::new(host)?;
    for key in ["", "a b", &"k".repeat(300)] {
        let answer = offers.post("channel", key, 1)?;
        ensure!(answer.status == 400, "{key:.20?} is {}", answer.status);
    }
    ensure!(offers.count()? == 0);
    Ok(())
}

fn at_once(host: &Host) -> Result<()> {
    let offers = Offers::new(host)?;
    let key = unique("attempt");
    let answers = thread::scope(|scope| {
        let attempts: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| offers.post("channel", &key, 1)))
            .collect();
        attempts
            .into_iter()
            .map(|attempt| attempt.join().map_err(|_| anyhow!("an attempt panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    let mut made: Vec<Value> = Vec::new();
    for answer in &answers {
        match answer.status {
            201 => made.push(answer.json()?),
            409 => drop(expect_problem(answer, 409, "idempotency-in-flight")?),
            other => return Err(anyhow!("{other}: {}", answer.text())),
        }
    }
    ensure!(!made.is_empty(), "no attempt came through");
    made.dedup();
    ensure!(made.len() == 1, "two answers for one attempt: {made:?}");
    ensure!(offers.count()? == 1, "{} offers", offers.count()?);
    Ok(())
}
