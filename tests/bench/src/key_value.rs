//! The key-value store: a point look-up through the gateway beside hello, and what writing in shared commits gains.
//!
//! A look-up is a request whose component gets one value of the size of a row page and answers a line of JSON. Values are
//! written by requests that each store one, and by requests that store many at once, as an import does.

use std::{net::SocketAddr, rc::Rc};

use anyhow::Result;
use bytes::Bytes;
use chudian_test_support::{
    gateway::{Gateway, Options},
    http::Client,
};
use http::{Method, StatusCode};

use crate::{
    Setup, hello,
    load::{self, Plan, Shot},
    report, wrk,
};

/// From the dataset issue: a look-up of one customer runs at least at half the rate of hello.
const OF_HELLO_MIN: f64 = 0.5;

/// About a row page of the dataset.
const VALUE_BYTES: usize = 10_000;
/// Values of a request that stores many.
const VALUES_AT_ONCE: u32 = 64;
/// Connections that write.
const WRITERS: usize = 16;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifest = folder.path().join("spin.toml");
    let component = |name: &str| {
        let file = format!("target/components/{name}.wasm");
        setup.root.join(file).display().to_string()
    };
    let ports = format!(
        "[[trigger.http]]\nroute = \"/values/...\"\ncomponent = \"ports\"\n[component.ports]\nsource = {:?}\nkey_value_stores = [\"default\"]\nsqlite_databases = [\"default\"]\n[component.ports.variables]\ngreeting = \"\"\nempty = \"\"\n",
        component("ports")
    );
    std::fs::write(
        &manifest,
        hello::hello_manifest(&component("hello")) + &ports,
    )?;
    let gateway =
        Gateway::start(Options::new(&setup.gateway, &manifest).log(folder.path().join("log")))?;
    let address: SocketAddr = gateway.base_url().trim_start_matches("http://").parse()?;
    let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
    Client::new(gateway.base_url()).send("PUT", "/values/page/100", &[], &value)?;

    let (mut hellos, mut look_ups) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        hellos.push(wrk::peak(address, "/hello", setup.duration())?);
        look_ups.push(wrk::peak(address, "/values/page-42", setup.duration())?);
    }
    let plan = Plan {
        connections: WRITERS,
        duration: setup.duration(),
        rate_per_s: None,
    };
    let store = |path: fn(u64) -> String| -> load::Shots {
        let value = value.clone();
        Rc::new(move |number| Shot {
            method: Method::PUT,
            path: path(number),
            key: None,
            content_type: "application/json",
            body: value.clone(),
            expected: StatusCode::NO_CONTENT,
        })
    };
    let single = load::run(
        address,
        plan,
        &store(|number| format!("/values/single-{number}")),
    )?;
    let at_once = load::run(
        address,
        plan,
        &store(|number| format!("/values/many-{number}/{VALUES_AT_ONCE}")),
    )?;
    gateway.stop()?;

    report::figure(
        "look-up of one value of 10 KB, gateway",
        report::median(&look_ups),
        "answers/s",
    );
    report::ratio(
        "look-up to hello, gateway",
        report::median_ratio(&look_ups, &hellos),
        OF_HELLO_MIN,
    );
    report::figure(
        "values of 10 KB stored, one a request",
        single.answers_per_s,
        "values/s",
    );
    report::figure(
        "values of 10 KB stored, 64 a request",
        at_once.answers_per_s * f64::from(VALUES_AT_ONCE),
        "values/s",
    );
    Ok(())
}
