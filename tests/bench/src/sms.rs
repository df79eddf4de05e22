//! The SMS hall's acknowledgement: callbacks at a stated rate while the provider behind it takes two seconds for each reply.
//!
//! Latency counts from each callback's due time, so a hall that falls behind cannot hide it. Every callback is a message of its own by a
//! customer of its own, is durable before it is acknowledged, and is answered.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chudian_test_support::{
    gateway::{Gateway, Options},
    http::Client,
    postgres::Postgres,
};
use chudian_vocabulary::access::{AccessKey, BootstrapKey, Pepper};
use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    Setup,
    load::{self, Plan, Shot, Shots},
    report,
    simulation::new_key,
};

/// The bar, the rate and the provider's slowness are the issue's.
const ACKNOWLEDGEMENT_MS_MAX: f64 = 200.0;
const CALLBACKS_PER_S: f64 = 200.0;
const PROVIDER_TIME: Duration = Duration::from_secs(2);

/// Connections on which callbacks come: more than the rate needs, so that none waits for another.
const CONNECTIONS: usize = 64;

/// Longest request to the stand-in.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    measure(setup, "SQLite", None)?;
    match Postgres::start() {
        Ok(cluster) => measure(setup, "PostgreSQL", Some(&cluster)),
        Err(error) => {
            println!("PostgreSQL is left out: {error:#}");
            Ok(())
        }
    }
}

fn measure(setup: &Setup, database: &str, cluster: Option<&Postgres>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = new_key();
    let (provider, taken) = slow_provider()?;
    let gateway = start(setup, folder.path(), &key, &provider, cluster)?;
    let address: SocketAddr = gateway.base_url().trim_start_matches("http://").parse()?;
    let client = gateway.client().with_key(key.reveal());
    let path = new_line(&client, &provider)?;
    let plan = Plan {
        connections: CONNECTIONS,
        duration: setup.duration(),
        rate_per_s: Some(CALLBACKS_PER_S),
    };
    let (mut usual_ms, mut slow_ms, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..setup.rounds {
        let outcome = load::run(address, plan, &shots(&path, round))?;
        usual_ms.push(outcome.latency_ms(500));
        slow_ms.push(outcome.latency_ms(990));
        rates.push(outcome.answers_per_s);
    }
    report::figure(
        &format!("sms, callbacks acknowledged, {database}"),
        report::median(&rates),
        "callbacks/s",
    );
    report::figure(
        &format!("sms, acknowledgement, {database}, median"),
        report::median(&usual_ms),
        "ms",
    );
    report::below(
        &format!("sms, acknowledgement, {database}, p99"),
        report::median(&slow_ms),
        ACKNOWLEDGEMENT_MS_MAX,
        "ms",
    );
    report::figure(
        &format!("sms, replies that the slow provider took meanwhile, {database}"),
        taken.load(Ordering::Relaxed) as f64,
        "messages",
    );
    gateway.stop()
}

fn start(
    setup: &Setup,
    folder: &std::path::Path,
    key: &AccessKey,
    provider: &str,
    cluster: Option<&Postgres>,
) -> Result<Gateway> {
    let bootstrap = BootstrapKey::of(key, &Pepper::from_variable("")).to_string();
    let mut options = Options::new(&setup.gateway, setup.root.join("spin.toml"))
        .words(["--component", "sms-hall"])
        .state(folder.join("state"))
        .log(folder.join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap)
        .variable("sms_gateway_origin", provider);
    if let Some(cluster) = cluster {
        let database = cluster.new_database("sms_gateway")?;
        options = options
            .variable("database", &database)
            .variable("database_host", &cluster.address());
        options.command("migrate", &[])?;
    }
    Gateway::start(options)
}

/// A gateway of Tencent's form, which signs nothing; the path of its callbacks.
fn new_line(client: &Client, provider: &str) -> Result<String> {
    let request = json!({
        "name": "bench", "provider": "tencent", "region": "zs01", "addresses": ["127.0.0.0/8"], "endpoint": provider,
        "sender": { "sign_name": "x", "template": "1", "application": "1" }, "credential": { "id": "x", "secret": "x" },
    });
    let made = client
        .post("/sms/v1/gateways", &request)?
        .expect_status(201)?;
    let path = made["inbound_path"].as_str().context("no path")?;
    Ok(path.to_owned())
}

/// Messages that ask for help, each from another customer.
fn shots(path: &str, round: usize) -> Shots {
    let path = path.to_owned();
    Rc::new(move |number| {
        let customer = format!("1{:02}{number:08}", 30 + round % 60);
        let body = json!({ "mobile": customer, "nationcode": "86", "text": "帮助", "time": number, "extend": "", "sign": "x" });
        Shot {
            method: Method::POST,
            path: path.clone(),
            key: None,
            content_type: "application/json",
            body: body.to_string().into(),
            expected: StatusCode::OK,
        }
    })
}

/// Takes messages, two seconds each; its address, and how many it took. It ends with the process.
fn slow_provider() -> Result<(String, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || {
                if take(stream).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    Ok((address, taken))
}

fn take(mut stream: TcpStream) -> Result<()> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // A body left unread would break the connection before the answer is read.
    while !is_whole(&bytes) {
        let count = stream.read(&mut part)?;
        ensure!(count > 0 && bytes.len() < REQUEST_BYTES_MAX, "cut off");
        bytes.extend_from_slice(&part[..count]);
    }
    thread::sleep(PROVIDER_TIME);
    let answer = r#"{"Response":{"SendStatusSet":[{"SerialNo":"s","Code":"Ok"}],"RequestId":"r"}}"#;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    Ok(())
}

/// Whether head and body of a request are there.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.parse().ok());
        body.len() >= length.unwrap_or(0)
    })
}
