//! Feedback ingest and contact view (FI-1 … FI-3, FI-5): what a channel reports counts once, whatever happens on the way.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    faults::{drawn, rounds, seed},
    ground::{OTHER_REGION, REGION, unique},
    harness::Case,
    repository, wait_for,
};
use chudian_test_support::{gateway::Gateway, http::Answer};
use serde_json::{Value, json};

const EVENTS: &str = "/feedback/v1/events";
const EVENT: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

/// The routes of `docs/reference/feedback-api.md`.
const REFERENCE: [(&str, &str); 15] = [
    ("post", "/feedback/v1/events"),
    ("get", "/feedback/v1/events/rejected"),
    ("get", "/feedback/v1/events/rejected/{rejected_id}"),
    ("delete", "/feedback/v1/events/rejected/{rejected_id}"),
    ("post", "/feedback/v1/events/rejected/{rejected_id}/replay"),
    ("post", "/feedback/v1/events/rejected/replay"),
    ("get", "/feedback/v1/customers/{customer_id}/contacts"),
    (
        "get",
        "/feedback/v1/customers/{customer_id}/contact-summary",
    ),
    ("get", "/feedback/v1/customers/{customer_id}/orders"),
    ("get", "/feedback/v1/schemas"),
    ("get", "/feedback/v1/schemas/{name}"),
    ("get", "/feedback/v1/contact-features"),
    ("post", "/feedback/v1/contact-features"),
    ("get", "/feedback/v1/months"),
    ("delete", "/feedback/v1/months/{month}"),
];

/// Senders at once: the cut comes while several share a commit.
const SENDERS: usize = 8;
/// Events of a batch; odd senders send single events.
const BATCH_EVENTS: u64 = 20;
/// Events acknowledged in a round before the cut, at least, and up to so many more by the seed.
const ACKNOWLEDGED_MIN: u64 = 50;
const ACKNOWLEDGED_MORE: u64 = 300;
/// How long a round may take until so many are acknowledged.
const ROUND_TIME_MAX: Duration = Duration::from_secs(60);
/// One of so many requests is sent again although it was acknowledged.
const RESENT_OF: u64 = 10;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "feedback::modes",
            "one event in the three modes of CloudEvents counts once",
            modes,
        ),
        Case::new(
            "feedback::foreign_sdk",
            "the official CloudEvents SDK for JavaScript reports in all three modes and is understood",
            foreign_sdk,
        ),
        Case::new(
            "feedback::batch",
            "a bad event among good ones is rejected alone, kept, repaired and replayed",
            batch,
        ),
        Case::new(
            "feedback::refused",
            "what is no event gets its own answer",
            refused,
        ),
        Case::new(
            "feedback::view",
            "the contact view shows a role what it may see, and another region nothing",
            view,
        ),
        Case::new(
            "feedback::at_once",
            "many single events at once, each sent twice, are each counted once",
            at_once,
        ),
        Case::new(
            "feedback::roles",
            "each role may do what its page of the reference says, and nothing else; without a key nobody anything",
            roles,
        ),
        Case::new(
            "feedback::documented",
            "the document names every route of the reference and its problems",
            documented,
        ),
        Case::new(
            "feedback::cut_off",
            "kill -9 in the middle of a load with resends: no acknowledged event is lost, none counts twice",
            cut_off,
        ),
    ]
}

fn event(source: &str, id: &str, customer: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": source, "type": "chudian.feedback.marketing-contact.v1",
        "data": {"customer_id": customer, "channel": "outbound-call", "region": REGION, "outcome": "interested",
                 "campaign": "e2e", "business": "e2e-48", "staff": "s-7", "content": "想了解流量", "duration_s": 60},
    })
}

fn report(caller: &Caller, event: &Value) -> Result<Answer> {
    caller.send("POST", EVENTS, &[EVENT], event.to_string().as_bytes())
}

fn report_all(caller: &Caller, events: &[Value]) -> Result<Value> {
    let body = Value::from(events.to_vec()).to_string();
    caller
        .send("POST", EVENTS, &[BATCH], body.as_bytes())?
        .expect_status(200)
}

/// Accepted, duplicates, rejected.
fn counts(answer: &Value) -> [u64; 3] {
    ["accepted", "duplicates", "rejected"].map(|name| answer[name].as_u64().unwrap_or(u64::MAX))
}

fn modes(host: &Host) -> Result<()> {
    let channel = host.with("channel")?;
    let (source, id) = (format!("/e2e/{}", unique("modes")), unique("c"));
    let mut one = event(&source, "长 1", &id);
    one["time"] = json!("2026-11-01T08:00:00+08:00");
    let headers = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "chudian.feedback.marketing-contact.v1"),
        ("ce-source", source.as_str()),
        ("ce-id", "%E9%95%BF%201"),
        ("ce-time", "2026-11-01T00:00:00Z"),
    ];
    let binary = channel.send("POST", EVENTS, &headers, one["data"].to_string().as_bytes())?;
    ensure!(counts(&binary.expect_status(200)?) == [1, 0, 0], "binary");
    let structured = report(&channel, &one)?.expect_status(200)?;
    ensure!(counts(&structured) == [0, 1, 0], "structured: {structured}");
    let batch = report_all(&channel, &[one.clone(), one.clone()])?;
    ensure!(counts(&batch) == [0, 2, 0], "batch: {batch}");
    one["data"]["outcome"] = json!("declined");
    expect_problem(&report(&channel, &one)?, 409, "event-conflict")?;
    Ok(())
}

/// Goal: what somebody else takes for a CloudEvent is one here.
fn foreign_sdk(host: &Host) -> Result<()> {
    let folder = repository()?.join("tests/cloudevents-js");
    ensure!(
        folder.join("node_modules/cloudevents").is_dir(),
        "the CloudEvents SDK is not installed; `cargo xtask test` installs it, or `npm ci` in {}",
        folder.display()
    );
    let (source, customer) = (format!("/e2e/{}", unique("sdk")), unique("c"));
    let output = Command::new("node")
        .args(["client.js", &source, &customer, REGION])
        .current_dir(&folder)
        .env("CHUDIAN_URL", format!("{}{EVENTS}", host.base_url()))
        .env("CHUDIAN_KEY", host.key("channel", Some(REGION))?)
        .stdin(Stdio::null())
        .output()
        .context("cannot run node")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout)?;
    for (mode, expected) in [
        ("binary", [1, 0, 0]),
        ("structured", [0, 1, 0]),
        ("batch", [2, 1, 0]),
    ] {
        let told = &told[mode];
        ensure!(
            told["status"] == 200 && counts(&told["answer"]) == expected,
            "{mode}: {told}"
        );
    }
    ensure!(
        told["conflict"]["status"] == 409,
        "the same event with other content: {}",
        told["conflict"]
    );
    let page = host
        .in_region("hall", REGION)?
        .get(&format!("/feedback/v1/customers/{customer}/contacts"))?
        .expect_status(200)?;
    let items = page["items"].as_array().context("no items")?;
    ensure!(
        items.len() == 3
            && items.iter().all(|item| {
                item["content"] == "咨询流量套餐" && item["at"] == "2026-11-20T09:00:00.000Z"
            }),
        "{page}"
    );
    Ok(())
}

fn batch(host: &Host) -> Result<()> {
    let channel = host.in_region("channel", REGION)?;
    let (source, customer) = (format!("/e2e/{}", unique("batch")), unique("c"));
    let mut events: Vec<Value> = (0..500)
        .map(|number| event(&source, &format!("e-{number}"), &customer))
        .collect();
    events[250]["data"]["channel"] = json!("carrier-pigeon");
    let answer = report_all(&channel, &events)?;
    ensure!(counts(&answer) == [499, 0, 1], "{answer:.400}");
    let bad = &answer["results"][250];
    ensure!(
        bad["errors"][0]["pointer"] == "/data/channel",
        "the result does not point to the channel: {bad}"
    );
    let id = bad["rejected_id"].as_str().context("it is not kept")?;
    let path = format!("{EVENTS}/rejected/{id}");
    let elsewhere = host.in_region("analyst", OTHER_REGION)?;
    expect_problem(&elsewhere.get(&path)?, 404, "not-found")?;
    events[250]["data"]["channel"] = json!("web-hall");
    let repaired = events[250].to_string();
    let replayed = channel
        .send(
            "POST",
            &format!("{path}/replay"),
            &[EVENT],
            repaired.as_bytes(),
        )?
        .expect_status(200)?;
    ensure!(counts(&replayed) == [1, 0, 0], "{replayed}");
    ensure!(
        counts(&report_all(&channel, &events)?) == [0, 500, 0],
        "sent again"
    );
    let found = channel.get(&path)?.expect_status(200)?;
    ensure!(found["resolution"] == "replayed", "{found}");
    let summary = host
        .in_region("hall", REGION)?
        .get(&format!(
            "/feedback/v1/customers/{customer}/contact-summary"
        ))?
        .expect_status(200)?;
    ensure!(summary["total"]["count"]["ever"] == 500, "{summary:.300}");
    Ok(())
}

fn refused(host: &Host) -> Result<()> {
    let channel = host.with("channel")?;
    let send = |headers: &[(&str, &str)], body: &[u8]| channel.send("POST", EVENTS, headers, body);
    let one = event("/e2e/refused", &unique("e"), "c-1").to_string();
    let many = format!("[{}{{}}]", "{},".repeat(99_999));
    let table: [(&str, u16, &str, Answer); 5] = [
        (
            "no mode",
            415,
            "unsupported-media-type",
            send(&[("content-type", "application/json")], one.as_bytes())?,
        ),
        (
            "GBK",
            400,
            "malformed-json",
            send(&[EVENT], b"{\"id\": \"\xd6\xd0\xce\xc4\"}")?,
        ),
        (
            "100,000 events",
            413,
            "payload-too-large",
            send(&[BATCH], many.as_bytes())?,
        ),
        (
            "half a batch",
            400,
            "malformed-json",
            send(&[BATCH], format!("[{one}").as_bytes())?,
        ),
        (
            "an array as event",
            422,
            "event-rejected",
            send(&[EVENT], format!("[{one}]").as_bytes())?,
        ),
    ];
    for (name, status, code, answer) in table {
        expect_problem(&answer, status, code).context(name)?;
    }
    for (role, status) in [("analyst", 403), ("approver", 403), ("custodian", 403)] {
        let answer = host
            .with(role)?
            .send("POST", EVENTS, &[EVENT], one.as_bytes())?;
        ensure!(answer.status == status, "{role} gets {}", answer.status);
    }
    let foreign = host.in_region("channel", OTHER_REGION)?;
    let answer = report(&foreign, &serde_json::from_str(&one)?)?;
    let problem = expect_problem(&answer, 422, "event-rejected")?;
    ensure!(
        problem["errors"][0]["code"] == "region-not-allowed",
        "{problem}"
    );
    let mut numbered: Value = serde_json::from_str(&one)?;
    let number = "13798765432";
    host.witness().plant(number);
    numbered["data"]["customer_id"] = json!(number);
    let problem = expect_problem(&report(&channel, &numbered)?, 422, "event-rejected")?;
    ensure!(
        problem["errors"][0]["code"] == "looks-like-a-number",
        "{problem}"
    );
    Ok(())
}

fn view(host: &Host) -> Result<()> {
    let customer = unique("c");
    let source = format!("/e2e/{}", unique("view"));
    let mut order = event(&source, "order", &customer);
    order["type"] = json!("chudian.feedback.order.v1");
    order["data"]["outcome"] = json!("succeeded");
    order["data"]["order_id"] = json!("o-1");
    order["data"]["way"] = json!("telemarketing");
    let answer = report_all(
        &host.with("hall")?,
        &[event(&source, "contact", &customer), order],
    )?;
    ensure!(counts(&answer) == [2, 0, 0], "{answer}");
    let path = |what: &str| format!("/feedback/v1/customers/{customer}/{what}");
    for (role, sees) in [("hall", true), ("analyst", false)] {
        let page = host
            .in_region(role, REGION)?
            .get(&path("contacts?limit=5"))?
            .expect_status(200)?;
        let items = page["items"].as_array().context("no items")?;
        ensure!(items.len() == 1, "the order is no contact: {page}");
        ensure!(
            items[0]["content"].is_string() == sees,
            "{role} sees {}",
            items[0]
        );
    }
    let orders = host
        .with("hall")?
        .get(&path("orders"))?
        .expect_status(200)?;
    ensure!(
        orders["items"][0]["standing"] == "active"
            && orders["items"][0]["order"]["way"] == "telemarketing",
        "{orders}"
    );
    for what in ["contacts", "contact-summary", "orders"] {
        let answer = host.in_region("hall", OTHER_REGION)?.get(&path(what))?;
        expect_problem(&answer, 404, "customer-unknown").context(what)?;
    }
    Ok(())
}

fn at_once(host: &Host) -> Result<()> {
    let channel = host.with("channel")?;
    let (source, customer) = (format!("/e2e/{}", unique("once")), unique("c"));
    let sums = Mutex::new([0, 0, 0]);
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..16)
            .map(|sender| {
                let (channel, source, customer, sums) = (&channel, &source, &customer, &sums);
                scope.spawn(move || -> Result<()> {
                    // Two senders send the same events, in opposite directions.
                    for number in 0..25 {
                        let number = if sender % 2 == 0 { number } else { 24 - number };
                        let id = format!("{}-{number}", sender / 2);
                        let answer =
                            report(channel, &event(source, &id, customer))?.expect_status(200)?;
                        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                        for (sum, count) in sums.iter_mut().zip(counts(&answer)) {
                            *sum += count;
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        for sender in senders {
            sender
                .join()
                .map_err(|_| anyhow::anyhow!("a sender panicked"))??;
        }
        Ok(())
    })?;
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure!(
        sums == [200, 200, 0],
        "accepted, duplicates, rejected: {sums:?}"
    );
    Ok(())
}

fn roles(host: &Host) -> Result<()> {
    const EVERY: [&str; 6] = [
        "hall",
        "channel",
        "analyst",
        "custodian",
        "approver",
        "admin",
    ];
    let rejected = format!("{EVENTS}/rejected/e2e-none");
    let customer = "/feedback/v1/customers/e2e-nobody";
    let senders: &[&str] = &["hall", "channel", "admin"];
    let repairers: &[&str] = &["channel", "analyst", "admin"];
    let viewers: &[&str] = &["hall", "channel", "analyst", "admin"];
    let allowed: [(&str, String, &[&str]); 13] = [
        ("POST", EVENTS.to_owned(), senders),
        ("GET", format!("{EVENTS}/rejected?limit=1"), repairers),
        ("POST", format!("{EVENTS}/rejected/replay"), repairers),
        ("GET", rejected.clone(), repairers),
        ("DELETE", rejected.clone(), repairers),
        ("POST", format!("{rejected}/replay"), repairers),
        ("GET", format!("{customer}/contacts"), viewers),
        ("GET", format!("{customer}/contact-summary"), viewers),
        ("GET", format!("{customer}/orders"), viewers),
        (
            "GET",
            "/feedback/v1/contact-features".to_owned(),
            &["analyst", "admin"],
        ),
        (
            "POST",
            "/feedback/v1/contact-features".to_owned(),
            &["analyst", "admin"],
        ),
        (
            "GET",
            "/feedback/v1/months".to_owned(),
            &["analyst", "admin"],
        ),
        (
            "DELETE",
            "/feedback/v1/months/e2e-none".to_owned(),
            &["admin"],
        ),
    ];
    for (method, path, roles) in &allowed {
        let answer = host.open().send(method, path, &[], &[])?;
        expect_problem(&answer, 401, "key-missing").with_context(|| format!("{method} {path}"))?;
        for role in EVERY {
            let status = host.with(role)?.send(method, path, &[], &[])?.status;
            ensure!(
                matches!(status, 401 | 403) != roles.contains(&role),
                "{role}: {method} {path} gives {status}"
            );
        }
    }
    Ok(())
}

fn documented(host: &Host) -> Result<()> {
    let document = host
        .open()
        .get("/feedback/v1/openapi.json")?
        .expect_status(200)?;
    for (method, path) in REFERENCE {
        let operation = &document["paths"][path][method];
        ensure!(
            operation["operationId"].is_string(),
            "{method} {path} is not documented"
        );
        ensure!(
            operation["responses"]["default"].is_object(),
            "{method} {path} names no problems"
        );
    }
    let types = host
        .open()
        .get("/feedback/v1/schemas")?
        .expect_status(200)?;
    for one in types["items"].as_array().context("no types")? {
        let address = one["schema"].as_str().context("a type without a schema")?;
        let schema = host.open().get(address)?.expect_status(200)?;
        ensure!(
            schema["title"] == one["type"],
            "{address} is of {}",
            schema["title"]
        );
    }
    Ok(())
}

/// What was sent in the rounds: each event's place by its id, and whether it was acknowledged.
type Sent = BTreeMap<String, bool>;

fn cut_off(host: &Host) -> Result<()> {
    let options = host.aside("feedback-cut")?;
    let mut sent = Sent::new();
    let (rounds, seed) = (rounds()?, seed()?);
    for round in 0..rounds {
        let (gateway, admin) = start(host, &options)?;
        let wanted = ACKNOWLEDGED_MIN + drawn(seed, round, ACKNOWLEDGED_MORE);
        let load = load_until_cut_off(gateway, &admin, round, wanted);
        sent.extend(load.with_context(|| format!("seed {seed}, round {round}"))?);
    }
    let (gateway, admin) = start(host, &options)?;
    // What was acknowledged is known; what was not is either whole or absent, and is accepted now.
    let (mut acknowledged, mut lost) = (0_usize, Vec::new());
    for chunk in sent.iter().collect::<Vec<_>>().chunks(500) {
        let events: Vec<Value> = chunk
            .iter()
            .map(|(id, _)| event("/e2e/cut", id, "c-cut"))
            .collect();
        let answer = report_all(&admin, &events)?;
        let results = answer["results"].as_array().context("no results")?;
        for ((id, was_acknowledged), result) in chunk.iter().zip(results) {
            if **was_acknowledged {
                acknowledged += 1;
                if result["status"] != "duplicate" {
                    lost.push((*id).clone());
                }
            }
        }
    }
    ensure!(
        lost.is_empty(),
        "of {acknowledged} acknowledged events {} are lost: {lost:?}",
        lost.len()
    );
    let months = admin.get("/feedback/v1/months")?.expect_status(200)?;
    let counted: u64 = months["items"]
        .as_array()
        .context("no months")?
        .iter()
        .filter_map(|month| month["events"].as_u64())
        .sum();
    ensure!(
        counted == sent.len() as u64,
        "{} events were sent, {counted} are counted",
        sent.len()
    );
    let summary = admin
        .get("/feedback/v1/customers/c-cut/contact-summary")?
        .expect_status(200)?;
    ensure!(
        summary["total"]["count"]["ever"] == counted,
        "the log and the sums differ: {summary:.300}"
    );
    println!(
        "  seed {seed}: {rounds} cuts, {acknowledged} of {counted} events acknowledged before: 0 lost, 0 counted twice"
    );
    gateway.stop()
}

fn start(
    host: &Host,
    options: &chudian_test_support::gateway::Options,
) -> Result<(Gateway, Caller)> {
    let gateway = Gateway::start(options.clone())?;
    let key = gateway.new_key("admin", None)?;
    let admin = host.caller_of(gateway.base_url()).with_bearer(key);
    Ok((gateway, admin))
}

/// Reports events from several senders until enough are acknowledged, and cuts the gateway off.
fn load_until_cut_off(gateway: Gateway, admin: &Caller, round: u64, wanted: u64) -> Result<Sent> {
    let sent = Mutex::new(Sent::new());
    let is_over = AtomicBool::new(false);
    let next = AtomicU64::new(0);
    let lock = || sent.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (next, is_over) = (&next, &is_over);
            scope.spawn(move || {
                let size = if sender % 2 == 0 { BATCH_EVENTS } else { 1 };
                while !is_over.load(Ordering::Relaxed) {
                    let first = next.fetch_add(size, Ordering::Relaxed);
                    let ids: Vec<String> = (first..first + size)
                        .map(|number| format!("r{round}-{number}"))
                        .collect();
                    let events: Vec<Value> = ids
                        .iter()
                        .map(|id| event("/e2e/cut", id, "c-cut"))
                        .collect();
                    lock().extend(ids.iter().map(|id| (id.clone(), false)));
                    let times = if first % RESENT_OF == 0 { 2 } else { 1 };
                    for _ in 0..times {
                        // After the cut there is no answer: such events were not acknowledged.
                        if report_all(admin, &events).is_err() {
                            return;
                        }
                        lock().extend(ids.iter().map(|id| (id.clone(), true)));
                    }
                }
            });
        }
        let enough = wait_for("enough events are acknowledged", ROUND_TIME_MAX, || {
            let count = lock()
                .values()
                .filter(|acknowledged| **acknowledged)
                .count();
            Ok((count as u64 >= wanted).then_some(()))
        });
        let killed = gateway.kill();
        is_over.store(true, Ordering::Relaxed);
        enough.and(killed)
    })?;
    Ok(sent.into_inner().unwrap_or_else(PoisonError::into_inner))
}
