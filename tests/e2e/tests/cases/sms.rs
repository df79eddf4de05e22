//! The SMS hall: from a customer's message to its reply with real figures, on a running host, with a slow provider behind it.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    ground::{BEST_PLAN, Ground, REGION, customer},
    harness::Case,
    wait_for,
};
use chudian_test_support::gateway::Gateway;
use chudian_vocabulary::access::Pepper;
use chudian_vocabulary::pseudonym::PseudonymKey;
use serde_json::{Value, json};

/// How long the provider takes for a message.
const PROVIDER_TIME: Duration = Duration::from_secs(2);

/// In what time an acknowledgement has to come, whatever the provider does; Aliyun gives up after 700 ms.
const ACKNOWLEDGEMENT_TIME_MAX: Duration = Duration::from_millis(200);

/// How long all replies may take: each waits for the provider, and the machine is shared.
const REPLIES_TIME_MAX: Duration = Duration::from_secs(60);

/// Customers who write at once.
const CUSTOMERS: usize = 5;

/// The routes of `docs/reference/sms-api.md`.
const REFERENCE: [(&str, &str); 22] = [
    ("post", "/sms/v1/gateways"),
    ("get", "/sms/v1/gateways"),
    ("get", "/sms/v1/gateways/{gateway_id}"),
    ("put", "/sms/v1/gateways/{gateway_id}"),
    ("delete", "/sms/v1/gateways/{gateway_id}"),
    ("post", "/sms/v1/gateways/{gateway_id}/path"),
    ("post", "/sms/v1/gateways/{gateway_id}/webhook-secret"),
    ("get", "/sms/v1/commands"),
    ("put", "/sms/v1/commands"),
    ("post", "/sms/v1/messages"),
    ("get", "/sms/v1/messages"),
    ("get", "/sms/v1/messages/{message_id}"),
    ("get", "/sms/v1/consents/{customer_id}"),
    ("post", "/sms/v1/outbox/run"),
    ("get", "/sms/v1/sending-rules"),
    ("put", "/sms/v1/sending-rules"),
    ("get", "/sms/v1/rejected"),
    ("delete", "/sms/v1/rejected/{rejected_id}"),
    ("get", "/sms/v1/months"),
    ("delete", "/sms/v1/months/{month}"),
    ("post", "/sms/v1/callbacks/{path}/inbound"),
    ("post", "/sms/v1/callbacks/{path}/delivery"),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "sms::conversation",
            "a message is acknowledged at once though the provider is slow, its reply with real figures goes out once, and what \
             was accepted stands in the contact view",
            conversation,
        ),
        Case::new(
            "sms::documented",
            "every route of the reference is in the document; without a key only callbacks are looked at, and those find nothing",
            documented,
        ),
    ]
}

/// A provider in Tencent's form that takes its time.
struct Provider {
    url: String,
    taken: Arc<(Mutex<Vec<Value>>, Condvar)>,
}

impl Provider {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let taken: Arc<(Mutex<Vec<Value>>, Condvar)> = Arc::default();
        let kept = Arc::clone(&taken);
        // It ends with the process; nothing of it is left behind.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || drop(serve(stream, &kept)));
            }
        });
        Ok(Self { url, taken })
    }

    fn taken(&self) -> Vec<Value> {
        let taken = self.taken.0.lock();
        taken.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many messages came.
    fn until(&self, count: usize) -> Result<Vec<Value>> {
        let taken = self.taken.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, outcome) = self
            .taken
            .1
            .wait_timeout_while(taken, REPLIES_TIME_MAX, |taken| taken.len() < count)
            .unwrap_or_else(PoisonError::into_inner);
        ensure!(
            !outcome.timed_out(),
            "{} of {count} replies came: {taken:?}",
            taken.len()
        );
        Ok(taken.clone())
    }
}

fn serve(mut stream: TcpStream, kept: &(Mutex<Vec<Value>>, Condvar)) -> Result<()> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let body = loop {
        let count = stream.read(&mut part)?;
        ensure!(count > 0, "cut off");
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(Ok(0), |(_, value)| value.parse::<usize>())?;
            if body.len() >= length {
                break serde_json::from_str::<Value>(body)?;
            }
        }
    };
    let id = body["SessionContext"].clone();
    thread::sleep(PROVIDER_TIME);
    kept.0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(body);
    kept.1.notify_all();
    let sent = json!([{ "SerialNo": id, "Code": "Ok", "Message": "send success" }]);
    let answer = json!({ "Response": { "SendStatusSet": sent, "RequestId": "r" } }).to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    Ok(())
}

/// A gateway of Tencent's form on a running host: it signs nothing, its path is its key.
struct Line {
    path: String,
    open: Caller,
}

impl Line {
    /// Pushes a customer's message as the provider would; how long the acknowledgement took.
    fn push(&self, number: &str, at: i64, text: &str) -> Result<Duration> {
        let body = json!({ "extend": "", "mobile": number, "nationcode": "86", "sign": "触点", "text": text, "time": at });
        let begun = Instant::now();
        let answer = self.open.post(&self.path, &body)?;
        let took = begun.elapsed();
        let answer = answer.expect_status(200)?;
        ensure!(answer == json!({ "result": 0, "errmsg": "OK" }), "{answer}");
        Ok(took)
    }
}

fn conversation(host: &Host) -> Result<()> {
    let provider = Provider::start()?;
    let key = PseudonymKey::from(Pepper::new("e2e sms").hmac_sha256(b"pseudonyms"));
    let options = host
        .aside("sms")?
        .variable("pseudonym_key", &key.reveal())
        .variable("sms_gateway_origin", &provider.url);
    // The hall's key can only be made by a gateway that runs.
    let first = Gateway::start(options.clone())?;
    let hall_key = first.new_key("hall", None)?;
    first.stop()?;
    let gateway = Gateway::start(options.variable("sms_hall_key", &hall_key))?;
    let admin = host
        .caller_of(gateway.base_url())
        .with_bearer(gateway.new_key("admin", None)?);
    Ground::lay(&admin)?;
    let line = open_line(host, &gateway, &admin, &provider)?;

    let numbers: Vec<String> = (0..CUSTOMERS)
        .map(|place| format!("1390000{place:04}"))
        .collect();
    for number in &numbers {
        let id = key.pseudonym_of(number)?.to_string();
        let path = format!("/tariff/v1/customers/{id}");
        admin.put(&path, &customer(REGION)?)?.expect_status(200)?;
    }
    // The first request of an instance pays for its start.
    line.push("10086", 0, "warm-up")?;
    let mut times = Vec::new();
    for (place, number) in numbers.iter().enumerate() {
        times.push(line.push(number, place as i64, "套餐")?);
        // Sent again, as by a provider that missed the acknowledgement.
        line.push(number, place as i64, "套餐")?;
    }
    times.sort_unstable();
    let median = times[CUSTOMERS / 2];
    ensure!(
        median < ACKNOWLEDGEMENT_TIME_MAX,
        "acknowledged in {median:?}, all: {times:?}"
    );
    let replies = provider.until(CUSTOMERS)?;
    for number in &numbers {
        let to: Vec<&str> = replies
            .iter()
            .filter(|reply| reply["PhoneNumberSet"][0] == format!("+86{number}"))
            .filter_map(|reply| reply["TemplateParamSet"][0].as_str())
            .collect();
        // Six months at 48.00 in place of 306.50 together: 3.08 a month, by the table of the ground.
        ensure!(
            matches!(to.as_slice(), [text] if text.contains("48.00") && text.contains("平均每月省3.08元")),
            "{to:?}"
        );
    }

    let number = numbers[0].as_str();
    let customer_id = key.pseudonym_of(number)?.to_string();
    line.push(number, 100, "办理1")?;
    provider.until(CUSTOMERS + 1)?;
    let orders = format!("/feedback/v1/customers/{customer_id}/orders");
    wait_for("the order in the contact view", REPLIES_TIME_MAX, || {
        let answer = admin.get(&orders)?;
        Ok((answer.status == 200 && answer.text().contains(BEST_PLAN)).then_some(()))
    })?;

    line.push(number, 200, "退订")?;
    let consent = format!("/sms/v1/consents/{customer_id}");
    let consent = admin.get(&consent)?.expect_status(200)?;
    ensure!(consent["is_opted_out"] == true, "{consent}");
    provider.until(CUSTOMERS + 2)?;
    let gateways = admin.get("/sms/v1/gateways")?.expect_status(200)?;
    let marketing = json!({ "gateway_id": gateways["items"][0]["gateway_id"], "number": number, "text": "新套餐", "campaign": "spring" });
    let queued = admin
        .post("/sms/v1/messages", &marketing)?
        .expect_status(202)?;
    let message = format!(
        "/sms/v1/messages/{}",
        queued["message_id"].as_str().context("no id")?
    );
    wait_for("the message to be cancelled", REPLIES_TIME_MAX, || {
        let state = admin.get(&message)?.expect_status(200)?;
        Ok((state["state"] == "cancelled" && state["code"] == "opted-out").then_some(()))
    })?;
    let run = admin
        .post("/sms/v1/outbox/run", &json!({}))?
        .expect_status(200)?;
    ensure!(run["tried"] == 0, "{run}");
    ensure!(
        provider.taken().len() == CUSTOMERS + 2,
        "a message went out twice, or after the refusal: {:?}",
        provider.taken()
    );
    // The first message came from a number that is none.
    let rejected = admin.get("/sms/v1/rejected")?.expect_status(200)?;
    let items = rejected["items"].as_array().context("no items")?;
    ensure!(
        items.len() == 1 && items[0]["reason"] == "number-not-mobile",
        "{rejected}"
    );
    let months = admin.get("/sms/v1/months")?.expect_status(200)?;
    let kept = |what: &str| -> Option<u64> {
        let items = months["items"].as_array()?.iter();
        items.map(|month| month[what].as_u64()).sum()
    };
    let expected = Some(CUSTOMERS as u64 + 3);
    ensure!(
        kept("inbound") == expected && kept("messages") == expected,
        "{months}"
    );
    println!("         acknowledged in {median:?} (median), provider {PROVIDER_TIME:?}");
    gateway.stop()
}

fn open_line(host: &Host, gateway: &Gateway, admin: &Caller, provider: &Provider) -> Result<Line> {
    let request = json!({
        "name": "e2e", "provider": "tencent", "region": REGION, "addresses": ["127.0.0.0/8", "::1"], "endpoint": provider.url,
        "sender": { "sign_name": "触点", "template": "1110", "application": "1400000000" },
        "credential": { "id": "e2e", "secret": "e2e-secret" },
    });
    let made = admin
        .post("/sms/v1/gateways", &request)?
        .expect_status(201)?;
    let path = made["inbound_path"]
        .as_str()
        .with_context(|| format!("no path: {made}"))?;
    Ok(Line {
        path: path.to_owned(),
        open: host.caller_of(gateway.base_url()),
    })
}

fn documented(host: &Host) -> Result<()> {
    let document = host
        .open()
        .get("/sms/v1/openapi.json")?
        .expect_status(200)?;
    for (method, path) in REFERENCE {
        ensure!(
            document["paths"][path][method].is_object(),
            "{method} {path} is not in the document"
        );
        let concrete = path.replace('{', "e2e-").replace('}', "");
        let answer = host.open().send(
            &method.to_uppercase(),
            &concrete,
            &[("content-type", "application/json")],
            b"{}",
        )?;
        if path.contains("/callbacks/") {
            expect_problem(&answer, 404, "no-route")?;
        } else {
            expect_problem(&answer, 401, "key-missing")
                .with_context(|| format!("{method} {path}"))?;
        }
    }
    Ok(())
}
