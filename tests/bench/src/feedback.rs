//! Durable events per second: batches of 500 and single events at 64 connections, through the gateway, on SQLite and on PostgreSQL;
//! beside a native program that makes the same inserts into a database of the same kind with the same durability.
//!
//! The native side has its events read and hashed before the clock starts and speaks no HTTP, so the ratio says what everything but
//! the inserts costs. Every answer is awaited, and an answer comes after the commit is durable.

use std::{
    net::SocketAddr,
    path::Path,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chudian_feedback_ingest::{
    service::{Committer, Origin, Submission},
    store::Store,
    wire::{BATCH_MEDIA_TYPE, EVENT_MEDIA_TYPE, read_event},
};
use chudian_runtime::ports::{
    native::{self, SystemClock, WakerSignals},
    sql::Sql,
};
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

/// Both bars are from the issue, for SQLite on two cores.
const BATCHED_EVENTS_PER_S_MIN: f64 = 5_000.0;
const SINGLE_EVENTS_PER_S_MIN: f64 = 1_000.0;

/// Events of a batch, as the issue says.
const BATCH_EVENTS: u64 = 500;
/// Connections that send batches: one sender for each of a province's larger channels.
const BATCH_CONNECTIONS: usize = 4;
/// Connections that send batches in the run that looks at waiting: twice as many, so that several instances want to write at once.
const CROWDED_CONNECTIONS: usize = 8;
/// Connections that send single events, as the issue says.
const SINGLE_CONNECTIONS: usize = 64;
/// Customers whom the events are about.
const CUSTOMERS: u64 = 100_000;
/// Batches that the native side prepares at a time, outside the measured time.
const NATIVE_BATCHES: u64 = 8;
/// The route.
const PATH: &str = "/feedback/v1/events";

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
    let gateway = start(setup, folder.path(), &key, cluster)?;
    let address: SocketAddr = gateway.base_url().trim_start_matches("http://").parse()?;
    let native = Native::open(setup, folder.path(), cluster)?;
    let batched = Plan {
        connections: BATCH_CONNECTIONS,
        duration: setup.duration(),
        rate_per_s: None,
    };
    let single = Plan {
        connections: SINGLE_CONNECTIONS,
        ..batched
    };
    let crowded = Plan {
        connections: CROWDED_CONNECTIONS,
        ..batched
    };
    let (mut batches, mut singles, mut natives) = (Vec::new(), Vec::new(), Vec::new());
    let (mut usual_ms, mut slow_ms) = (Vec::new(), Vec::new());
    for round in 0..setup.rounds {
        let run = |plan, shots: Shots| load::run(address, plan, &shots);
        let per_s = run(batched, shots(&key, round, BATCH_EVENTS))?.answers_per_s;
        batches.push(per_s * BATCH_EVENTS as f64);
        natives.push(native.events_per_s(round, setup.duration())?);
        singles.push(run(single, shots(&key, round, 1))?.answers_per_s);
        // Rounds behind the others, so that no event comes twice.
        let waiting = run(crowded, shots(&key, setup.rounds + round, BATCH_EVENTS))?;
        usual_ms.push(waiting.latency_ms(500));
        slow_ms.push(waiting.latency_ms(990));
    }
    let stored = stored(address, &key)?;
    gateway.stop()?;

    report::figure(
        &format!("feedback, batches of 500, {database}, gateway"),
        report::median(&batches),
        "durable events/s",
    );
    report::figure(
        &format!("feedback, the same inserts, {database}, native"),
        report::median(&natives),
        "durable events/s",
    );
    report::figure(
        &format!("feedback, gateway to native inserts, {database}"),
        report::median_ratio(&batches, &natives),
        "x",
    );
    report::figure(
        &format!("feedback, single events at 64 connections, {database}"),
        report::median(&singles),
        "durable events/s",
    );
    report::figure(
        &format!("feedback, {CROWDED_CONNECTIONS} batch senders, {database}, median answer"),
        report::median(&usual_ms),
        "ms",
    );
    report::figure(
        &format!("feedback, {CROWDED_CONNECTIONS} batch senders, {database}, p99"),
        report::median(&slow_ms),
        "ms",
    );
    report::figure(
        &format!("feedback, {CROWDED_CONNECTIONS} batch senders, {database}, p99 to median"),
        report::median_ratio(&slow_ms, &usual_ms),
        "x",
    );
    report::figure(
        &format!("feedback, events stored at the end, {database}"),
        stored,
        "events",
    );
    if cluster.is_none() {
        report::ratio(
            "feedback, batches of 500 to the issue's bar of 5,000/s",
            report::median(&batches) / BATCHED_EVENTS_PER_S_MIN,
            1.0,
        );
        report::ratio(
            "feedback, single events to the issue's bar of 1,000/s",
            report::median(&singles) / SINGLE_EVENTS_PER_S_MIN,
            1.0,
        );
    }
    Ok(())
}

fn start(
    setup: &Setup,
    folder: &Path,
    key: &AccessKey,
    cluster: Option<&Postgres>,
) -> Result<Gateway> {
    let bootstrap = BootstrapKey::of(key, &Pepper::from_variable("")).to_string();
    let mut options = Options::new(&setup.gateway, setup.root.join("spin.toml"))
        .words(["--component", "feedback-ingest"])
        .state(folder.join("state"))
        .log(folder.join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap);
    if let Some(cluster) = cluster {
        let database = cluster.new_database("feedback_gateway")?;
        options = options
            .variable("database", &database)
            .variable("database_host", &cluster.address());
        options.command("migrate", &[])?;
    }
    Gateway::start(options)
}

/// How many events the gateway's database holds.
fn stored(address: SocketAddr, key: &AccessKey) -> Result<f64> {
    let client = Client::new(format!("http://{address}")).with_key(key.reveal());
    let months = client
        .send("GET", "/feedback/v1/months", &[], &[])?
        .expect_status(200)?;
    let months = months["items"].as_array().context("no months")?;
    let events = months.iter().filter_map(|month| month["events"].as_f64());
    Ok(events.sum())
}

/// The event of this number; no two of a process are the same.
fn event(source: &str, number: u64) -> String {
    let outcomes = ["interested", "declined", "accepted", "no-answer"];
    let outcome = outcomes[usize::try_from(number % 4).unwrap_or(0)];
    json!({
        "specversion": "1.0",
        "id": format!("e-{number}"),
        "source": source,
        "type": "chudian.feedback.marketing-contact.v1",
        "time": now(),
        "data": {
            "customer_id": format!("c-{}", number.wrapping_mul(0x9e37_79b9) % CUSTOMERS),
            "channel": "outbound-call",
            "region": format!("r-{:02}", number % 16),
            "outcome": outcome,
            "campaign": "spring",
            "business": format!("plan-{}", number % 8),
            "staff": format!("s-{}", number % 100),
            "content": "客户询问套餐内容，表示考虑。",
            "duration_s": number % 300,
        },
    })
    .to_string()
}

/// Now, RFC 3339.
fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let day = i64::try_from(since.as_secs())
        .ok()
        .and_then(chudian_vocabulary::Date::of_unix_seconds);
    let of_day = since.as_secs() % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let day = day.map_or_else(String::new, |day| day.to_string());
    format!("{day}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Requests of so many events each.
fn shots(key: &AccessKey, round: usize, events: u64) -> Shots {
    let key: Arc<str> = key.reveal().into();
    let source = format!("/bench/{events}/{round}");
    Rc::new(move |number| {
        let body = if events == 1 {
            event(&source, number)
        } else {
            let many: Vec<String> = (number * events..(number + 1) * events)
                .map(|number| event(&source, number))
                .collect();
            format!("[{}]", many.join(","))
        };
        Shot {
            method: Method::POST,
            path: PATH.to_owned(),
            key: Some(Arc::clone(&key)),
            content_type: if events == 1 {
                EVENT_MEDIA_TYPE
            } else {
                BATCH_MEDIA_TYPE
            },
            body: body.into(),
            expected: StatusCode::OK,
        }
    })
}

/// The same tables, written by this process.
struct Native {
    runtime: tokio::runtime::Runtime,
    committer: Committer,
}

impl Native {
    fn open(setup: &Setup, folder: &Path, cluster: Option<&Postgres>) -> Result<Self> {
        let sql: Sql = match cluster {
            None => native::sqlite(folder.join("native.db")),
            Some(cluster) => native::postgres(cluster.new_database("feedback_native")?),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        for migrations in [
            "functions/runtime/migrations",
            "functions/feedback-ingest/migrations",
        ] {
            runtime
                .block_on(native::apply_migrations(&sql, setup.root.join(migrations)))
                .with_context(|| format!("cannot apply {migrations}"))?;
        }
        let store = Store::new(sql, Arc::new(SystemClock), 0);
        Ok(Self {
            runtime,
            committer: Committer::new(store, Arc::new(WakerSignals)),
        })
    }

    /// Commits batches one after another for as long as the other side sends; counts only the time of the commits.
    fn events_per_s(&self, round: usize, duration: Duration) -> Result<f64> {
        let (mut spent, mut events, mut number) = (Duration::ZERO, 0, 0);
        while spent < duration {
            let batches: Vec<Arc<Submission>> = (number..number + NATIVE_BATCHES)
                .map(|batch| Arc::new(submission(round, batch)))
                .collect();
            number += NATIVE_BATCHES;
            let begin = Instant::now();
            for batch in batches {
                let verdicts = self
                    .runtime
                    .block_on(self.committer.commit(batch))
                    .map_err(|refusal| anyhow::anyhow!("not committed: {refusal:?}"))?;
                ensure!(
                    verdicts.len() as u64 == BATCH_EVENTS,
                    "an event of the native side was not read"
                );
                events += BATCH_EVENTS;
            }
            spent += begin.elapsed();
        }
        Ok(events as f64 / spent.as_secs_f64())
    }
}

fn submission(round: usize, batch: u64) -> Submission {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let origin = Origin {
        key_id: "native-bench",
        region: None,
        received_unix_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        keeps_rejected: true,
    };
    let source = format!("/bench/native/{round}");
    let mut submission = Submission::default();
    for number in batch * BATCH_EVENTS..(batch + 1) * BATCH_EVENTS {
        let document = event(&source, number);
        submission.add(read_event(&document), Bytes::from(document.clone()), origin);
    }
    submission
}
