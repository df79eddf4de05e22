//! Canaries (PR-2): telephone numbers that appear nowhere but in these requests, put wherever a caller could put one. No
//! answer, no log and no figure may show them afterwards.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    ground::{REGION, customer, new_catalogue, profile, sha256_of, unique, usage},
    harness::Case,
    wait_for,
};
use chudian_test_support::http::Client;
use serde_json::json;

/// A line of the log is written when its request ends, at the latest a moment later.
const LOG_TIME_MAX: Duration = Duration::from_secs(10);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "canary::answers",
            "no answer repeats a telephone number, wherever it came in",
            answers,
        ),
        Case::new(
            "canary::logs_and_figures",
            "no log and no figure shows one",
            logs_and_figures,
        ),
    ]
}

/// A number of China's form that no other run makes.
fn number() -> String {
    let digits: String = sha256_of(unique("canary").as_bytes())
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(char::from)
        .chain("0123456789".chars())
        .take(8)
        .collect();
    format!("139{digits}")
}

/// A new number whose every later appearance in an answer is a fault.
fn planted(host: &Host) -> String {
    let number = number();
    host.witness().plant(&number);
    number
}

fn answers(host: &Host) -> Result<()> {
    host.ground()?;
    in_addresses(host)?;
    in_headers(host)?;
    in_bodies(host)
}

fn in_addresses(host: &Host) -> Result<()> {
    let (admin, open) = (host.with("admin")?, host.open());
    for path in [
        "/nowhere/{}",
        "/tariff/v1/{}",
        "/tariff/{}",
        "/tariff/v1/plans?brand={}",
        "/tariff/v1/plans?{}=1",
        "/tariff/v1/plans?cursor={}",
    ] {
        let path = path.replace("{}", &planted(host));
        open.get(&path)?;
        admin.get(&path)?;
    }
    for path in [
        "/tariff/v1/catalogues/{}",
        "/tariff/v1/rules/{}",
        "/tariff/v1/activations/{}",
        "/tariff/v1/offers?customer_id={}",
    ] {
        admin.get(&path.replace("{}", &planted(host)))?;
    }
    for method in ["GET", "PUT", "DELETE"] {
        let path = format!("/tariff/v1/customers/{}", planted(host));
        let answer = admin.send(
            method,
            &path,
            &[("content-type", "application/json")],
            customer(REGION)?.to_string().as_bytes(),
        )?;
        ensure!(
            (400..500).contains(&answer.status),
            "{method} of a number is {}",
            answer.status
        );
    }
    Ok(())
}

fn in_headers(host: &Host) -> Result<()> {
    let admin = host.with("admin")?;
    for name in [
        "user-agent",
        "referer",
        "cookie",
        "x-msisdn",
        "x-up-calling-line-id",
        "x-request-id",
        "accept-language",
        "idempotency-key",
        "if-none-match",
        "traceparent",
        "x-forwarded-for",
        "origin",
    ] {
        let number = planted(host);
        admin.send("GET", "/tariff/v1/activations", &[(name, &number)], &[])?;
        host.open()
            .send("GET", "/nowhere", &[(name, &number)], &[])?;
        let body = json!({ "customer_id": "e2e-nobody" }).to_string();
        admin.send(
            "POST",
            "/tariff/v1/simulations",
            &[("content-type", "application/json"), (name, &number)],
            body.as_bytes(),
        )?;
    }
    let number = planted(host);
    host.open()
        .with_bearer(&number)
        .get("/tariff/v1/activations")?;
    host.open()
        .with_bearer(format!("chd_{number}"))
        .get("/tariff/v1/page")?;
    admin.send(
        "POST",
        "/tariff/v1/simulations",
        &[("content-type", &format!("text/{number}"))],
        b"{}",
    )?;
    Ok(())
}

fn in_bodies(host: &Host) -> Result<()> {
    let admin = host.with("admin")?;
    let paths = [
        "/tariff/v1/simulations",
        "/tariff/v1/bills",
        "/tariff/v1/offers",
        "/tariff/v1/page-tokens",
        "/tariff/v1/catalogues",
        "/tariff/v1/catalogues/validate",
    ];
    for path in paths {
        let number = planted(host);
        for text in [
            json!({ "customer_id": number }).to_string(),
            json!({ "msisdn": number }).to_string(),
            format!("{{\"{number}\": 1}}"),
            format!("{{\"customer_id\": {number}}}"),
            format!("{{\"limit\": \"{number}\"}}"),
            format!("\"{number}\""),
            number.clone(),
            format!("{{{number}"),
        ] {
            let answer = admin.post_bytes(path, text.as_bytes())?;
            ensure!(answer.status < 500, "{path} is {}", answer.status);
        }
    }
    let number = planted(host);
    let line = |id: &str| -> Result<String> {
        let mut line = customer(REGION)?;
        line["customer_id"] = json!(id);
        Ok(line.to_string())
    };
    let lines = format!(
        "{}\n{{\"{number}\"\n{number}\n{{\"name\": \"{number}\"}}\n",
        line(&number)?
    );
    admin.send(
        "POST",
        "/tariff/v1/customers/import",
        &[("content-type", "application/x-ndjson")],
        lines.as_bytes(),
    )?;

    let mut profile = profile(REGION);
    profile["plan_id"] = json!(planted(host));
    admin.post(
        "/tariff/v1/simulations",
        &json!({ "usage": usage()?, "profile": profile }),
    )?;
    let mut catalogue = new_catalogue()?;
    catalogue["plans"][0]["brand"] = json!(planted(host));
    catalogue["plans"][1]["monthly_fee"] = json!(planted(host));
    admin.post("/tariff/v1/catalogues/validate", &catalogue)?;
    Ok(())
}

fn logs_and_figures(host: &Host) -> Result<()> {
    let folder = host.folder()?;
    // Run alone, this case plants its own.
    if host.witness().planted().is_empty() {
        answers(host)?;
    }
    let marker = unique("marker");
    host.open()
        .send("GET", "/tariff/v1/plans", &[("x-request-id", &marker)], &[])?;
    let log = folder.join("main.log");
    wait_for("the last request is in the log", LOG_TIME_MAX, || {
        let text = fs::read_to_string(&log).context("the gateway's log")?;
        Ok(text.contains(&marker).then_some(()))
    })?;
    let mut places = vec![(
        "the figures".to_owned(),
        Client::new(
            host.gateway()?
                .admin_url()
                .context("no listener for the operator")?,
        )
        .get("/metrics")?
        .text(),
    )];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            places.push((
                name,
                String::from_utf8_lossy(&fs::read(&path)?).into_owned(),
            ));
        }
    }
    ensure!(places.len() > 1, "no log was found");
    let planted = host.witness().planted();
    ensure!(planted.len() > 20, "only {} were planted", planted.len());
    for (name, text) in places {
        let shown: Vec<&str> = text
            .lines()
            .filter(|line| planted.iter().any(|number| line.contains(number)))
            .take(5)
            .collect();
        ensure!(
            shown.is_empty(),
            "{name} shows numbers:\n{}",
            shown.join("\n")
        );
        ensure!(!text.contains("chd_"), "{name} shows a key");
    }
    Ok(())
}
