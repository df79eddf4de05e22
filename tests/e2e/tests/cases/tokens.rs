//! Page tokens: one customer, three routes, a short time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    ground::{REGION, profile, store_customer, usage},
    harness::Case,
    wait_for,
};
use serde_json::{Value, json};

/// A token of one second is dead after this, whatever the clock's steps.
const EXPIRY_TIME_MAX: Duration = Duration::from_secs(10);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "tokens::one_customer",
            "a page token simulates its own customer and nobody else",
            one_customer,
        ),
        Case::new(
            "tokens::its_routes_only",
            "a page token opens the routes of the page and no others",
            its_routes_only,
        ),
        Case::new("tokens::expires", "a page token dies in time", expires),
        Case::new(
            "tokens::changed",
            "a page token that was changed is none",
            changed,
        ),
        Case::new(
            "tokens::page",
            "the page's first facts are masked and belong to its customer",
            page,
        ),
        Case::new(
            "tokens::whose_customer",
            "a token is made for customers that exist for its maker",
            whose_customer,
        ),
    ]
}

fn token_for(host: &Host, customer: &str, ttl_s: u64) -> Result<(Value, Caller)> {
    let answer = host
        .with("hall")?
        .post(
            "/tariff/v1/page-tokens",
            &json!({ "customer_id": customer, "ttl_s": ttl_s }),
        )?
        .expect_status(201)?;
    let token = answer["token"]
        .as_str()
        .with_context(|| format!("no token: {answer}"))?;
    let caller = host.open().with_bearer(token);
    Ok((answer, caller))
}

fn one_customer(host: &Host) -> Result<()> {
    host.ground()?;
    let channel = host.with("channel")?;
    let (own, other) = (
        store_customer(&channel, REGION)?,
        store_customer(&channel, REGION)?,
    );
    let (answer, page) = token_for(host, &own, 600)?;
    ensure!(
        answer["url"]
            .as_str()
            .is_some_and(|url| url.contains("/tariff/#token=")),
        "{answer}"
    );
    let bill = |customer: &str| json!({ "customer_id": customer, "month": "2026-05", "plan_id": "e2e-48" });
    page.post("/tariff/v1/simulations", &json!({ "customer_id": own }))?
        .expect_status(200)?;
    page.post("/tariff/v1/bills", &bill(&own))?
        .expect_status(200)?;
    for (path, body) in [
        ("/tariff/v1/simulations", json!({ "customer_id": other })),
        ("/tariff/v1/bills", bill(&other)),
    ] {
        let refused = page.post(path, &body)?;
        ensure!(
            matches!(refused.status, 403 | 404),
            "{path} of another customer is {}",
            refused.status
        );
    }
    // Nor is it a free calculator for whatever usage somebody sends.
    let inline = page.post(
        "/tariff/v1/simulations",
        &json!({ "usage": usage()?, "profile": profile(REGION) }),
    )?;
    ensure!(
        (400..500).contains(&inline.status),
        "usage given inline is {}",
        inline.status
    );
    Ok(())
}

fn its_routes_only(host: &Host) -> Result<()> {
    host.ground()?;
    let own = store_customer(&host.with("channel")?, REGION)?;
    let (_, page) = token_for(host, &own, 600)?;
    let closed = [
        ("GET", format!("/tariff/v1/customers/{own}")),
        ("DELETE", format!("/tariff/v1/customers/{own}")),
        ("PUT", format!("/tariff/v1/customers/{own}")),
        ("GET", "/tariff/v1/catalogues".to_owned()),
        ("GET", "/tariff/v1/activations".to_owned()),
        ("GET", "/tariff/v1/plans".to_owned()),
        ("GET", format!("/tariff/v1/rules/{REGION}")),
        ("POST", "/tariff/v1/page-tokens".to_owned()),
        ("POST", "/tariff/v1/offers".to_owned()),
        ("GET", "/tariff/v1/offers".to_owned()),
    ];
    for (method, path) in closed {
        let body: &[u8] = if method == "GET" || method == "DELETE" {
            b""
        } else {
            b"{}"
        };
        let answer = page.send(method, &path, &[("content-type", "application/json")], body)?;
        ensure!(
            matches!(answer.status, 401 | 403),
            "{method} {path} is {}",
            answer.status
        );
    }
    Ok(())
}

fn expires(host: &Host) -> Result<()> {
    host.ground()?;
    let own = store_customer(&host.with("channel")?, REGION)?;
    let (answer, page) = token_for(host, &own, 2)?;
    ensure!(
        answer["expires_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{answer}"
    );
    let refusal = wait_for("the token's end", EXPIRY_TIME_MAX, || {
        let answer = page.get("/tariff/v1/page")?;
        Ok((answer.status != 200).then_some(answer))
    })?;
    expect_problem(&refusal, 401, "token-invalid")?;
    Ok(())
}

fn changed(host: &Host) -> Result<()> {
    host.ground()?;
    let own = store_customer(&host.with("channel")?, REGION)?;
    let (answer, page) = token_for(host, &own, 600)?;
    ensure!(page.get("/tariff/v1/page")?.status == 200);
    let token = answer["token"].as_str().unwrap_or_default();
    // Every position in turn would take long; the beginning, every ninth place, and the end.
    for place in (0..token.len()).step_by(9).chain([token.len() - 1]) {
        let mut changed: Vec<u8> = token.bytes().collect();
        changed[place] = if changed[place] == b'A' { b'E' } else { b'A' };
        let changed = String::from_utf8(changed)?;
        let answer = host.open().with_bearer(changed).get("/tariff/v1/page")?;
        ensure!(
            answer.status == 401,
            "changed at {place} it is {}",
            answer.status
        );
    }
    Ok(())
}

fn page(host: &Host) -> Result<()> {
    host.ground()?;
    let own = store_customer(&host.with("channel")?, REGION)?;
    let (_, page) = token_for(host, &own, 600)?;
    let facts = page.get("/tariff/v1/page")?.expect_status(200)?;
    ensure!(
        facts.to_string().contains("e2e-payg") || facts.to_string().contains("标准资费"),
        "the present plan is missing: {facts}"
    );
    let with_key = host.with("hall")?.get("/tariff/v1/page")?;
    ensure!(
        matches!(with_key.status, 401 | 403),
        "a key opens the page's route: {}",
        with_key.status
    );
    Ok(())
}

fn whose_customer(host: &Host) -> Result<()> {
    let hall = host.with("hall")?;
    let answer = hall.post(
        "/tariff/v1/page-tokens",
        &json!({ "customer_id": "e2e-nobody" }),
    )?;
    expect_problem(&answer, 404, "customer-unknown")?;
    Ok(())
}
