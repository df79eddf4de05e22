//! A whole simulation over HTTP: six months under every plan of the sample with add-ons, the usage given inline; through the
//! gateway, and through the same router over native ports.
//!
//! Both sides get the same catalogue and the same key, check the key, read the rule and the catalogue in force, price, and
//! answer the same JSON. The native side keeps its SQLite connections, as the gateway does.

use std::{net::SocketAddr, path::Path, rc::Rc, sync::Arc};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use axum::Router;
use bytes::Bytes;
use chudian_runtime::{
    http::edge::Log,
    ports::{
        Random as _,
        native::{self, MapVariables, SystemClock, SystemRandom},
    },
};
use chudian_tariff_simulation::http::{Ports, face};
use chudian_test_support::{
    gateway::{Gateway, Options},
    http::Client,
};
use chudian_vocabulary::access::{AccessKey, BootstrapKey, KEY_RANDOM_BYTES, Pepper};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::{
    Setup,
    load::{self, Plan, Shot, Shots},
    native::Server,
    report,
};

/// All three bars are from the platform issue.
const OF_NATIVE_MIN: f64 = 0.5;
const P99_MS_MAX: f64 = 10.0;
const SHARE_OF_PEAK: f64 = 0.5;

/// Customers whose months are sent in turn.
const CUSTOMERS: u64 = 16;
/// Connections of either side.
const CONNECTIONS: usize = 16;
/// Ninety-nine of a hundred.
const P99: usize = 990;
/// The middle.
const P50: usize = 500;

/// Days of catalogues begin at midnight in China, eight hours before UTC.
const CHINA_OFFSET_S: u64 = 8 * 3600;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = new_key();
    let bootstrap = BootstrapKey::of(&key, &Pepper::from_variable("")).to_string();
    let options = Options::new(&setup.gateway, setup.root.join("spin.toml"))
        .words(["--component", "tariff-simulation"])
        .log(folder.path().join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap);
    let gateway = Gateway::start(options)?;
    let gateway_address = gateway.base_url().trim_start_matches("http://").parse()?;
    let native = Server::start(&[
        "serve-simulation",
        &setup.root.display().to_string(),
        &folder.path().display().to_string(),
        &bootstrap,
    ])?;
    let plans = put_in_force(gateway_address, &key)?;
    put_in_force(native.address, &key)?;
    let shots = simulations(&key, "/tariff/v1/simulations")?;
    ensure_alike(gateway_address, native.address, &shots(0))?;

    let peak = Plan {
        connections: CONNECTIONS,
        duration: setup.duration(),
        rate_per_s: None,
    };
    // The first requests compile the catalogue; they are not what is measured.
    load::run(gateway_address, peak, &shots)?;
    load::run(native.address, peak, &shots)?;
    let (mut ours, mut natives) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        ours.push(load::run(gateway_address, peak, &shots)?.answers_per_s);
        natives.push(load::run(native.address, peak, &shots)?.answers_per_s);
    }
    let (of_ours, of_natives) = (report::median(&ours), report::median(&natives));
    let at_half = |address, peak_per_s: f64| -> Result<(f64, f64)> {
        let plan = Plan {
            rate_per_s: Some(peak_per_s * SHARE_OF_PEAK),
            ..peak
        };
        let (mut middle, mut most) = (Vec::new(), Vec::new());
        for _ in 0..setup.rounds {
            let outcome = load::run(address, plan, &shots)?;
            middle.push(outcome.latency_ms(P50));
            most.push(outcome.latency_ms(P99));
        }
        Ok((report::median(&middle), report::median(&most)))
    };
    let (ours_p50, ours_p99) = at_half(gateway_address, of_ours)?;
    let (native_p50, native_p99) = at_half(native.address, of_natives)?;
    gateway.stop()?;

    report::figure(
        "plans of a simulation, each with its add-ons",
        plans as f64,
        "plans",
    );
    report::figure("simulation, gateway", of_ours, "answers/s");
    report::figure("simulation, native", of_natives, "answers/s");
    report::ratio(
        "simulation, gateway to native",
        report::median_ratio(&ours, &natives),
        OF_NATIVE_MIN,
    );
    report::figure(
        "simulation, gateway, p50 at half of its peak",
        ours_p50,
        "ms",
    );
    report::below(
        "simulation, gateway, p99 at half of its peak",
        ours_p99,
        P99_MS_MAX,
        "ms",
    );
    report::figure(
        "simulation, native, p50 at half of its peak",
        native_p50,
        "ms",
    );
    report::figure(
        "simulation, native, p99 at half of its peak",
        native_p99,
        "ms",
    );
    Ok(())
}

/// The native router: the same tables in a SQLite file in `folder`, the same ports as the tests of the function.
pub(crate) async fn native_router(root: &Path, folder: &Path, bootstrap: &str) -> Result<Router> {
    let sql = native::sqlite(folder.join("native.db"));
    for migrations in [
        "functions/runtime/migrations",
        "functions/tariff-simulation/migrations",
    ] {
        native::apply_migrations(&sql, root.join(migrations))
            .await
            .with_context(|| format!("cannot apply {migrations}"))?;
    }
    let variables = MapVariables::new([("key_pepper", ""), ("bootstrap_key_hash", bootstrap)]);
    let key_value = native::SqlKeyValue::open(sql.clone())
        .await
        .context("cannot make the key-value table")?;
    let ports = Ports {
        sql,
        key_value: Arc::new(key_value),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        variables: Arc::new(variables),
        log: Arc::new(StandardError),
    };
    Ok(face(ports))
}

struct StandardError;

#[async_trait]
impl Log for StandardError {
    async fn line(&self, line: &str) {
        eprintln!("{line}");
    }
}

pub(crate) fn new_key() -> AccessKey {
    let mut bytes = [0; KEY_RANDOM_BYTES];
    SystemRandom.fill(&mut bytes);
    AccessKey::from_random_bytes(&bytes)
}

/// Imports the sample's catalogue and puts it in force from today; says how many plans it has.
pub(crate) fn put_in_force(address: SocketAddr, key: &AccessKey) -> Result<usize> {
    let catalogue = chudian_sample::catalogue_json()?;
    let plans = serde_json::from_slice::<Value>(&catalogue)?["plans"]
        .as_array()
        .map_or(0, Vec::len);
    ensure!(plans > 0, "the sample's catalogue has no plans");
    let client = Client::new(format!("http://{address}")).with_key(key.reveal());
    let json = [("content-type", "application/json")];
    let imported = client.send("POST", "/tariff/v1/catalogues", &json, &catalogue)?;
    let version = imported.json()?["version"].clone();
    ensure!(
        version.is_string(),
        "the import answered {}",
        imported.text()
    );
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let today = i64::try_from(since.as_secs() + CHINA_OFFSET_S)?;
    let today =
        chudian_vocabulary::Date::of_unix_seconds(today).context("the clock is out of bounds")?;
    let body = serde_json::json!({ "version": version }).to_string();
    client
        .send(
            "PUT",
            &format!("/tariff/v1/activations/{today}"),
            &json,
            body.as_bytes(),
        )?
        .expect_status(200)?;
    Ok(plans)
}

/// Questions about the sample's first customers, in turn.
pub(crate) fn simulations(key: &AccessKey, path: &'static str) -> Result<Shots> {
    let settings = chudian_sample::Settings {
        customers: CUSTOMERS,
        ..chudian_sample::Settings::default()
    };
    let questions = settings
        .customers()
        .map(|customer| question(&customer))
        .collect::<Result<Vec<Bytes>>>()?;
    let key: Arc<str> = key.reveal().into();
    Ok(Rc::new(move |number| {
        let place = usize::try_from(number).unwrap_or(0) % questions.len().max(1);
        Shot {
            method: Method::POST,
            path: path.to_owned(),
            key: Some(Arc::clone(&key)),
            content_type: "application/json",
            body: questions.get(place).cloned().unwrap_or_default(),
            expected: StatusCode::OK,
        }
    }))
}

/// A customer's line of an import as a question with usage and profile inline.
fn question(customer: &chudian_sample::Customer) -> Result<Bytes> {
    let mut profile = serde_json::to_value(customer)?;
    let members = profile.as_object_mut().context("a customer is no object")?;
    members.remove("customer_id");
    let usage = members.remove("usage");
    let question = serde_json::json!({ "usage": usage, "profile": profile });
    Ok(serde_json::to_vec(&question)?.into())
}

/// The two sides do the same work: their answers to one question are the same.
fn ensure_alike(ours: SocketAddr, native: SocketAddr, shot: &Shot) -> Result<()> {
    let ask = |address: SocketAddr| -> Result<Value> {
        let client = Client::new(format!("http://{address}"))
            .with_key(shot.key.as_deref().unwrap_or_default());
        let json = [("content-type", "application/json")];
        client
            .send(shot.method.as_str(), &shot.path, &json, &shot.body)?
            .expect_status(shot.expected.as_u16())
    };
    ensure!(
        ask(ours)? == ask(native)?,
        "the gateway and the native router answer the same question differently"
    );
    Ok(())
}
