//! Keys, roles and regions (notes: another region's customer is 404, with no hint that there is one).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    caller::expect_problem,
    ground::{OTHER_REGION, REGION, customer, store_customer, unique, usage},
    harness::Case,
    wait_for,
};
use serde_json::json;

/// A revocation is to be felt within seconds: the guard's cache keeps a key for three.
const REVOCATION_TIME_MAX: Duration = Duration::from_secs(10);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "access::no_key",
            "without a key nothing but documents, health and pages is served",
            no_key,
        ),
        Case::new(
            "access::bad_keys",
            "wrong, malformed and foreign keys are refused alike, and say nothing of why",
            bad_keys,
        ),
        Case::new(
            "access::scheme",
            "only `Authorization: Bearer` carries a key",
            scheme,
        ),
        Case::new(
            "access::roles",
            "each role may do what its page of the reference says, and nothing else",
            roles,
        ),
        Case::new(
            "access::revoked",
            "a revoked key stops working within seconds",
            revoked,
        ),
        Case::new(
            "access::expired",
            "a key works until it expires, and not after",
            expired,
        ),
        Case::new(
            "access::regions",
            "another region's customer does not exist, on every route that takes an id",
            regions,
        ),
        Case::new(
            "access::region_of_a_new_customer",
            "a key of one region stores no customer of another",
            region_of_a_new_customer,
        ),
    ]
}

/// Routes with a guard, and a request that passes every check before it.
fn guarded(host: &Host) -> Result<Vec<(&'static str, String, Option<serde_json::Value>)>> {
    let version = &host.ground()?.version;
    Ok(vec![
        ("POST", "/tariff/v1/catalogues".into(), Some(json!({}))),
        (
            "POST",
            "/tariff/v1/catalogues/validate".into(),
            Some(json!({})),
        ),
        ("GET", "/tariff/v1/catalogues".into(), None),
        ("GET", format!("/tariff/v1/catalogues/{version}"), None),
        (
            "GET",
            format!("/tariff/v1/catalogues/{version}/export"),
            None,
        ),
        (
            "PUT",
            "/tariff/v1/activations/2097-01-01".into(),
            Some(json!({ "version": version })),
        ),
        ("GET", "/tariff/v1/activations".into(), None),
        ("DELETE", "/tariff/v1/activations/2097-01-01".into(), None),
        ("GET", "/tariff/v1/plans".into(), None),
        (
            "PUT",
            "/tariff/v1/customers/e2e-roles".into(),
            Some(customer(REGION)?),
        ),
        ("POST", "/tariff/v1/customers/import".into(), None),
        ("GET", "/tariff/v1/customers/e2e-roles".into(), None),
        ("DELETE", "/tariff/v1/customers/e2e-roles".into(), None),
        (
            "POST",
            "/tariff/v1/simulations".into(),
            Some(json!({ "customer_id": "e2e-nobody" })),
        ),
        (
            "POST",
            "/tariff/v1/bills".into(),
            Some(json!({ "customer_id": "e2e-nobody", "month": "2026-05", "plan_id": "e2e-48" })),
        ),
        ("GET", format!("/tariff/v1/rules/{REGION}"), None),
        ("PUT", "/tariff/v1/rules/e2e-none".into(), Some(json!({}))),
        (
            "POST",
            "/tariff/v1/page-tokens".into(),
            Some(json!({ "customer_id": "e2e-nobody" })),
        ),
        ("GET", "/tariff/v1/page".into(), None),
        (
            "POST",
            "/tariff/v1/offers".into(),
            Some(json!({ "customer_id": "e2e-nobody", "limit": 1, "channel": "web-hall" })),
        ),
        ("GET", "/tariff/v1/offers?limit=1".into(), None),
        (
            "POST",
            "/tariff/v1/batches".into(),
            Some(json!({ "mapping": { "months": [], "usage": [] } })),
        ),
        ("GET", "/tariff/v1/batches/e2e-none".into(), None),
        ("DELETE", "/tariff/v1/batches/e2e-none".into(), None),
        (
            "PUT",
            "/tariff/v1/batches/e2e-none/segments/0/rows/0".into(),
            None,
        ),
        (
            "GET",
            "/tariff/v1/batches/e2e-none/segments/0/columns/tariff_saving".into(),
            None,
        ),
    ])
}

fn ask(
    caller: &chudian_e2e::Caller,
    method: &str,
    path: &str,
    body: Option<&serde_json::Value>,
) -> Result<chudian_test_support::http::Answer> {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let headers: &[(&str, &str)] = if body.is_empty() {
        &[]
    } else {
        &[("content-type", "application/json")]
    };
    caller.send(method, path, headers, body.as_bytes())
}

fn no_key(host: &Host) -> Result<()> {
    for (method, path, body) in guarded(host)? {
        let answer = ask(&host.open(), method, &path, body.as_ref())?;
        expect_problem(&answer, 401, "key-missing").with_context(|| format!("{method} {path}"))?;
    }
    for open in [
        "/.well-known/spin/health",
        "/tariff/v1/openapi.json",
        "/tariff/",
    ] {
        ensure!(host.open().get(open)?.status == 200, "{open} wants a key");
    }
    Ok(())
}

fn bad_keys(host: &Host) -> Result<()> {
    let good = host.key("hall", None)?;
    let (id, secret) = good.rsplit_once('_').context("a key of another form")?;
    let wrong_secret: String = secret.chars().rev().collect();
    let bad = [
        format!("{id}_{wrong_secret}"),
        format!("chd_{}_{secret}", "a".repeat(12)),
        format!("{good}x"),
        good[..good.len() - 1].to_owned(),
        good.to_uppercase(),
        "chd_".to_owned(),
        "not-a-key".to_owned(),
        "x".repeat(4096),
        // A JWT with `alg: none`: nothing of it is ever looked at.
        "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.".to_owned(),
    ];
    let mut texts = Vec::new();
    for key in bad {
        let answer = host
            .open()
            .with_bearer(key.clone())
            .get("/tariff/v1/plans")?;
        let mut problem = expect_problem(&answer, 401, "key-invalid")
            .with_context(|| format!("key {key:.20}…"))?;
        problem["instance"] = json!(null);
        texts.push(problem.to_string());
    }
    texts.dedup();
    ensure!(
        texts.len() == 1,
        "the refusals differ and so tell what was wrong: {texts:?}"
    );
    ensure!(
        host.with("hall")?.get("/tariff/v1/activations")?.status == 200,
        "the good key stopped working"
    );
    Ok(())
}

fn scheme(host: &Host) -> Result<()> {
    let key = host.key("hall", None)?;
    for value in [
        format!("Basic {key}"),
        key.clone(),
        format!("Token {key}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
    ] {
        let answer =
            host.open()
                .send("GET", "/tariff/v1/plans", &[("authorization", &value)], &[])?;
        ensure!(answer.status == 401, "{:.12} is {}", value, answer.status);
    }
    let by_query = host.open().get(&format!(
        "/tariff/v1/activations?key={key}&access_token={key}"
    ))?;
    ensure!(
        by_query.status == 401,
        "a key in the query is {}",
        by_query.status
    );
    let by_cookie = host.open().send(
        "GET",
        "/tariff/v1/activations",
        &[("cookie", &format!("key={key}"))],
        &[],
    )?;
    ensure!(
        by_cookie.status == 401,
        "a key in a cookie is {}",
        by_cookie.status
    );
    Ok(())
}

/// Goal: the table of the reference, tried cell by cell. A role that may is answered anything but 401 and 403.
fn roles(host: &Host) -> Result<()> {
    const EVERY: &[&str] = &[
        "hall",
        "channel",
        "analyst",
        "custodian",
        "approver",
        "admin",
    ];
    let allowed: &[(&str, &str, &[&str])] = &[
        ("POST", "/catalogues", &["analyst", "admin"]),
        ("POST", "/catalogues/validate", &["analyst", "admin"]),
        ("GET", "/catalogues", &["analyst", "admin"]),
        ("GET", "/catalogues/{version}", &["analyst", "admin"]),
        ("GET", "/catalogues/{version}/export", &["analyst", "admin"]),
        ("PUT", "/activations/2097-01-01", &["approver", "admin"]),
        ("GET", "/activations", EVERY),
        ("DELETE", "/activations/2097-01-01", &["approver", "admin"]),
        (
            "GET",
            "/plans",
            &["hall", "channel", "analyst", "approver", "admin"],
        ),
        (
            "PUT",
            "/customers/e2e-roles",
            &["channel", "analyst", "admin"],
        ),
        (
            "POST",
            "/customers/import",
            &["channel", "analyst", "admin"],
        ),
        (
            "GET",
            "/customers/e2e-roles",
            &["hall", "channel", "analyst", "admin"],
        ),
        ("DELETE", "/customers/e2e-roles", &["admin"]),
        (
            "POST",
            "/simulations",
            &["hall", "channel", "analyst", "admin"],
        ),
        ("POST", "/bills", &["hall", "channel", "analyst", "admin"]),
        ("GET", "/rules/zs01", &["hall", "analyst", "admin"]),
        ("PUT", "/rules/e2e-none", &["analyst", "admin"]),
        ("POST", "/page-tokens", &["hall", "channel", "admin"]),
        ("GET", "/page", &[]),
        ("POST", "/offers", &["hall", "channel", "analyst", "admin"]),
        (
            "GET",
            "/offers?limit=1",
            &["hall", "channel", "analyst", "admin"],
        ),
        ("POST", "/batches", &["analyst", "admin"]),
        ("GET", "/batches/e2e-none", &["analyst", "admin"]),
        ("DELETE", "/batches/e2e-none", &["analyst", "admin"]),
        (
            "PUT",
            "/batches/e2e-none/segments/0/rows/0",
            &["analyst", "admin"],
        ),
        (
            "GET",
            "/batches/e2e-none/segments/0/columns/tariff_saving",
            &["analyst", "admin"],
        ),
    ];
    let version = host.ground()?.version.clone();
    let requests = guarded(host)?;
    for role in EVERY {
        let caller = host.with(role)?;
        for (method, route, roles) in allowed {
            let path = format!("/tariff/v1{}", route.replace("{version}", &version));
            let (_, _, body) = requests
                .iter()
                .find(|(known, place, _)| known == method && place == &path)
                .with_context(|| format!("no request for {method} {path}"))?;
            let answer = ask(&caller, method, &path, body.as_ref())?;
            if roles.contains(role) {
                ensure!(
                    !matches!(answer.status, 401 | 403),
                    "{role} may not {method} {route}: {}",
                    answer.text()
                );
            } else {
                ensure!(
                    matches!(answer.status, 401 | 403),
                    "{role} may {method} {route}: {}",
                    answer.status
                );
            }
        }
    }
    Ok(())
}

fn revoked(host: &Host) -> Result<()> {
    let gateway = host.gateway()?;
    let made = gateway.command(
        "keys",
        &["new", "--role", "hall", "--label", "to be revoked"],
    )?;
    let key = made["key"].as_str().context("no key")?;
    let id = made["key_id"].as_str().context("no key id")?;
    let caller = host.open().with_bearer(key);
    ensure!(
        caller.get("/tariff/v1/activations")?.status == 200,
        "the new key does not work"
    );
    gateway.command("keys", &["revoke", id])?;
    let refusal = wait_for("the revoked key is refused", REVOCATION_TIME_MAX, || {
        let answer = caller.get("/tariff/v1/activations")?;
        Ok((answer.status != 200).then_some(answer))
    })?;
    expect_problem(&refusal, 401, "key-invalid")?;
    Ok(())
}

fn expired(host: &Host) -> Result<()> {
    let gateway = host.gateway()?;
    let made = gateway.command(
        "keys",
        &[
            "new",
            "--role",
            "hall",
            "--label",
            "to expire",
            "--expires-in-s",
            "2",
        ],
    )?;
    let key = made["key"].as_str().context("no key")?;
    let caller = host.open().with_bearer(key);
    let first = caller.get("/tariff/v1/activations")?;
    ensure!(
        first.status == 200,
        "a key that has not expired is refused: {}",
        first.text()
    );
    let refusal = wait_for("the expired key is refused", REVOCATION_TIME_MAX, || {
        let answer = caller.get("/tariff/v1/activations")?;
        Ok((answer.status != 200).then_some(answer))
    })?;
    expect_problem(&refusal, 401, "key-invalid")?;
    Ok(())
}

fn regions(host: &Host) -> Result<()> {
    host.ground()?;
    let id = store_customer(&host.with("channel")?, REGION)?;
    let never = unique("never-stored");
    let requests = |id: &str| {
        vec![
            ("hall", "GET", format!("/tariff/v1/customers/{id}"), None),
            (
                "admin",
                "DELETE",
                format!("/tariff/v1/customers/{id}"),
                None,
            ),
            (
                "hall",
                "POST",
                "/tariff/v1/simulations".to_owned(),
                Some(json!({ "customer_id": id })),
            ),
            (
                "hall",
                "POST",
                "/tariff/v1/bills".to_owned(),
                Some(json!({ "customer_id": id, "month": "2026-05", "plan_id": "e2e-48" })),
            ),
            (
                "hall",
                "POST",
                "/tariff/v1/page-tokens".to_owned(),
                Some(json!({ "customer_id": id })),
            ),
            (
                "hall",
                "POST",
                "/tariff/v1/offers".to_owned(),
                Some(json!({ "customer_id": id, "limit": 1, "channel": "web-hall" })),
            ),
        ]
    };
    for ((role, method, path, body), (_, _, path_of_nobody, body_of_nobody)) in
        requests(&id).into_iter().zip(requests(&never))
    {
        let own = host.in_region(role, REGION)?;
        let other = host.in_region(role, OTHER_REGION)?;
        let of_other = ask(&other, method, &path, body.as_ref())?;
        let of_nobody = ask(&other, method, &path_of_nobody, body_of_nobody.as_ref())?;
        ensure!(
            of_other.status == 404,
            "{method} {path} of another region is {}",
            of_other.status
        );
        let hint = |answer: &chudian_test_support::http::Answer, id: &str| -> Result<String> {
            let mut problem = answer.json()?;
            problem["instance"] = json!(null);
            Ok(problem.to_string().replace(id, "ID"))
        };
        ensure!(
            hint(&of_other, &id)? == hint(&of_nobody, &never)?,
            "{method}: another region's customer is told from one that does not exist: {} / {}",
            of_other.text(),
            of_nobody.text()
        );
        if method != "DELETE" {
            let of_own = ask(&own, method, &path, body.as_ref())?;
            ensure!(
                (200..300).contains(&of_own.status),
                "{method} {path} of the own region is {}: {}",
                of_own.status,
                of_own.text()
            );
        }
    }
    let offers = host
        .in_region("hall", OTHER_REGION)?
        .get(&format!("/tariff/v1/offers?customer_id={id}&limit=10"))?;
    let text = offers.text();
    ensure!(
        !text.contains("\"offer_id\""),
        "offers of another region's customer: {text}"
    );
    Ok(())
}

fn region_of_a_new_customer(host: &Host) -> Result<()> {
    let caller = host.in_region("channel", OTHER_REGION)?;
    let id = unique("customer");
    let answer = caller.put(&format!("/tariff/v1/customers/{id}"), &customer(REGION)?)?;
    ensure!(
        (400..500).contains(&answer.status),
        "it was stored: {}",
        answer.status
    );
    ensure!(
        host.with("admin")?
            .get(&format!("/tariff/v1/customers/{id}"))?
            .status
            == 404,
        "it was stored"
    );

    // Nor may it take a customer of another region over by storing it anew in its own.
    let theirs = store_customer(&host.with("channel")?, REGION)?;
    let taken = caller.put(
        &format!("/tariff/v1/customers/{theirs}"),
        &customer(OTHER_REGION)?,
    )?;
    ensure!(
        !(200..300).contains(&taken.status),
        "another region's customer was taken over"
    );
    let stored = host
        .with("admin")?
        .get(&format!("/tariff/v1/customers/{theirs}"))?
        .expect_status(200)?;
    ensure!(
        stored["region"] == REGION,
        "the customer's region is now {}",
        stored["region"]
    );

    let line = json!({ "customer_id": unique("customer"), "region": REGION, "brand": "mzone", "customer_type": "personal", "plan_id": "e2e-payg", "usage": usage()? });
    let imported = caller.send(
        "POST",
        "/tariff/v1/customers/import",
        &[("content-type", "application/x-ndjson")],
        format!("{line}\n").as_bytes(),
    )?;
    let imported = imported.expect_status(200)?;
    ensure!(
        imported["accepted"] == 0,
        "an import stored another region's customer: {imported}"
    );
    Ok(())
}
