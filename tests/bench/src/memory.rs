//! What a gateway holds in memory after minutes of mixed load: simulations, bills, pages, refusals of every kind and clients
//! that leave in the middle. What grows with the number of requests would show.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;
use bytes::Bytes;
use chudian_test_support::gateway::{Gateway, Options};
use chudian_vocabulary::access::{BootstrapKey, Pepper};
use http::{Method, StatusCode};

use crate::{
    Setup,
    load::{self, Plan, Shot, Shots},
    report, simulation,
    start::resident_megabytes,
};

/// Time after which all caches are filled and all instances there.
const WARM: Duration = Duration::from_secs(10);
/// One part of the load, after which memory is looked at.
const PART: Duration = Duration::from_secs(20);
/// Connections of the load.
const CONNECTIONS: usize = 32;
/// Clients that leave before their answer, between two parts.
const LEAVERS: usize = 500;
/// Growth that is noise: an instance more or less, and what the allocator keeps.
const GROWTH_MB_MAX: f64 = 32.0;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = simulation::new_key();
    let bootstrap = BootstrapKey::of(&key, &Pepper::from_variable("")).to_string();
    let options = Options::new(&setup.gateway, setup.root.join("spin.toml"))
        .words(["--component", "tariff-simulation,console"])
        .log(folder.path().join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap);
    let gateway = Gateway::start(options)?;
    let address: SocketAddr = gateway.base_url().trim_start_matches("http://").parse()?;
    simulation::put_in_force(address, &key)?;
    let shots = mixed(simulation::simulations(&key, "/tariff/v1/simulations")?);
    let plan = |duration| Plan {
        connections: CONNECTIONS,
        duration,
        rate_per_s: None,
    };
    load::run(address, plan(WARM), &shots)?;
    let resident = || resident_megabytes(gateway.process_id());
    let before = resident()?;
    let ends = Instant::now() + Duration::from_secs(setup.memory_seconds);
    let mut answers = 0.0;
    while Instant::now() < ends {
        let outcome = load::run(address, plan(PART), &shots)?;
        answers += outcome.answers_per_s * PART.as_secs_f64();
        leave(address, &shots(0))?;
    }
    let after = resident()?;
    gateway.stop()?;
    report::figure("answers of the mixed load", answers, "answers");
    report::figure("resident memory, before the mixed load", before, "MB");
    report::figure("resident memory, after the mixed load", after, "MB");
    report::below(
        "growth under mixed load",
        after - before,
        GROWTH_MB_MAX,
        "MB",
    );
    Ok(())
}

/// Simulations, and beside each of them what else a day brings.
fn mixed(simulations: Shots) -> Shots {
    let plain = |method: Method, path: &str, expected: StatusCode| Shot {
        method,
        path: path.to_owned(),
        key: None,
        content_type: "application/json",
        body: Bytes::new(),
        expected,
    };
    Rc::new(move |number| match number % 8 {
        0 | 1 => simulations(number),
        // The same question without its end: refused when read.
        2 => {
            let mut shot = simulations(number);
            shot.body.truncate(shot.body.len() / 2);
            shot.expected = StatusCode::BAD_REQUEST;
            shot
        }
        3 => plain(Method::GET, "/tariff/v1/openapi.json", StatusCode::OK),
        4 => plain(Method::GET, "/tariff/", StatusCode::OK),
        5 => plain(
            Method::GET,
            "/tariff/v1/catalogues",
            StatusCode::UNAUTHORIZED,
        ),
        6 => plain(Method::GET, "/nowhere", StatusCode::NOT_FOUND),
        _ => plain(Method::GET, "/.well-known/spin/health", StatusCode::OK),
    })
}

/// Clients that ask and go.
fn leave(address: SocketAddr, shot: &Shot) -> Result<()> {
    for _ in 0..LEAVERS {
        let mut stream = TcpStream::connect(address)?;
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            shot.method,
            shot.path,
            shot.key.as_deref().unwrap_or_default(),
            shot.body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&shot.body)?;
    }
    Ok(())
}
