//! The ends of a gateway: told to stop, it finishes what it began; cut off, it has kept what it acknowledged.

use std::{
    net::TcpStream,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    ground::{CATALOGUE, Ground, REGION, customer, unique},
    harness::Case,
    raw::Connection,
    wait_for,
};
use chudian_test_support::gateway::{Gateway, Options};
use serde_json::json;

/// How often the gateway is cut off.
const ROUNDS: usize = 10;

/// Customers acknowledged in a round before the cut.
const ACKNOWLEDGED: usize = 25;

/// Senders at once: the cut comes while several are at work.
const SENDERS: usize = 4;

/// A gateway that was told to stop must refuse new connections soon, long before its last request has ended.
const REFUSAL_TIME_MAX: Duration = Duration::from_secs(20);

/// How long a round may take until so many customers are acknowledged.
const ROUND_TIME_MAX: Duration = Duration::from_secs(60);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "restart::told_to_stop",
            "a request in flight is finished, new ones are refused, the exit is clean, and all is there again",
            told_to_stop,
        ),
        Case::new(
            "restart::cut_off",
            "kill -9 in the middle of a load: every acknowledged customer is there afterwards",
            cut_off,
        ),
    ]
}

fn start(host: &Host, options: &Options) -> Result<(Gateway, Caller)> {
    let gateway = Gateway::start(options.clone())?;
    let key = gateway.new_key("admin", None)?;
    let admin = host.caller_of(gateway.base_url()).with_bearer(key);
    Ok((gateway, admin))
}

fn told_to_stop(host: &Host) -> Result<()> {
    let options = host.aside("restart")?;
    let (gateway, admin) = start(host, &options)?;
    let ground = Ground::lay(&admin)?;
    let rule = json!({ "saving_min": "7" });
    admin.put(&format!("/tariff/v1/rules/{REGION}"), &rule)?;
    let key = gateway.new_key("channel", Some(REGION))?;

    let (id, document) = (unique("in-flight"), customer(REGION)?.to_string());
    let mut in_flight = Connection::open(gateway.base_url())?;
    let head = [
        format!("authorization: Bearer {key}"),
        "content-type: application/json".to_owned(),
        format!("content-length: {}", document.len()),
        "expect: 100-continue".to_owned(),
    ];
    in_flight.send_head("PUT", &format!("/tariff/v1/customers/{id}"), &head)?;
    // The host asks for the body: from now on the request is in flight.
    ensure!(
        in_flight.answer()?.status == 100,
        "the host does not ask for the body"
    );
    gateway.ask_to_stop()?;
    let address = gateway.base_url().trim_start_matches("http://").to_owned();
    wait_for("new connections are refused", REFUSAL_TIME_MAX, || {
        // A connection that is taken and closed, or answered 503, is a refusal as well.
        let Ok(_) = TcpStream::connect(&address) else {
            return Ok(Some(()));
        };
        Ok(match admin.get("/tariff/v1/activations") {
            Err(_) => Some(()),
            Ok(answer) => (answer.status == 503).then_some(()),
        })
    })?;
    in_flight.send(document.as_bytes())?;
    let answer = in_flight.answer()?;
    ensure!(
        (200..300).contains(&answer.status),
        "the request in flight was answered {}: {}",
        answer.status,
        answer.text()
    );
    gateway.stop().context("told to stop")?;

    let (gateway, admin) = start(host, &options)?;
    ensure!(
        gateway.first_key().is_none(),
        "a second start made another first key"
    );
    let channel = host.caller_of(gateway.base_url()).with_bearer(key);
    channel
        .get(&format!("/tariff/v1/customers/{id}"))?
        .expect_status(200)
        .context("the customer in flight")?;
    let export = admin.get(&format!("/tariff/v1/catalogues/{}/export", ground.version))?;
    ensure!(
        export.body == CATALOGUE.as_bytes(),
        "the catalogue is {} bytes",
        export.body.len()
    );
    ensure!(
        admin
            .get("/tariff/v1/activations")?
            .text()
            .contains(&ground.version),
        "nothing is in force any more"
    );
    ensure!(
        admin
            .get(&format!("/tariff/v1/rules/{REGION}"))?
            .text()
            .contains("\"7\""),
        "the rule is gone"
    );
    gateway.stop()
}

fn cut_off(host: &Host) -> Result<()> {
    let options = host.aside("cut-off")?;
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let (gateway, admin) = start(host, &options)?;
        if round == 0 {
            Ground::lay(&admin)?;
        }
        let acknowledged =
            load_until_cut_off(gateway, &admin).with_context(|| format!("round {round}"))?;
        let (gateway, admin) =
            start(host, &options).with_context(|| format!("after the cut of round {round}"))?;
        for id in &acknowledged {
            let stored = admin.get(&format!("/tariff/v1/customers/{id}"))?;
            ensure!(
                stored.status == 200,
                "round {round}: {id} was acknowledged and is {}",
                stored.status
            );
        }
        all.extend(acknowledged);
        if round + 1 == ROUNDS {
            for id in &all {
                ensure!(
                    admin.get(&format!("/tariff/v1/customers/{id}"))?.status == 200,
                    "{id} is gone after later cuts"
                );
            }
        }
        gateway.kill()?;
    }
    Ok(())
}

/// Stores customers from several senders until enough are acknowledged, cuts the gateway off, and returns those that it
/// had acknowledged.
fn load_until_cut_off(gateway: Gateway, admin: &Caller) -> Result<Vec<String>> {
    let acknowledged = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let document = customer(REGION)?;
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let id = unique("cut-off");
                    // After the cut there is no answer: such a customer was not acknowledged.
                    let Ok(answer) = admin.put(&format!("/tariff/v1/customers/{id}"), &document)
                    else {
                        return;
                    };
                    if (200..300).contains(&answer.status) {
                        acknowledged
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(id);
                    }
                }
            });
        }
        let enough = wait_for("enough customers are acknowledged", ROUND_TIME_MAX, || {
            let count = acknowledged
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .len();
            Ok((count >= ACKNOWLEDGED).then_some(()))
        });
        let killed = gateway.kill();
        is_over.store(true, Ordering::Relaxed);
        enough.and(killed)
    })?;
    Ok(acknowledged
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}
