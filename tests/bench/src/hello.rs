//! The hello component on the gateway, beside the same router served natively and beside `wasmtime serve`.

use std::{net::TcpListener, process::Command};

use anyhow::{Context, Result};
use chudian_test_support::gateway::{Gateway, Options};

use crate::{Setup, native::Server, report, wrk};

/// The least share of the native router's rate that the gateway must reach, from the platform issue.
const OF_NATIVE_MIN: f64 = 0.4;

/// The least multiple of `wasmtime serve`'s rate, from the platform issue.
const OF_WASMTIME_SERVE_MIN: f64 = 1.3;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let component = setup.root.join("target/components/hello.wasm");
    let manifest = folder.path().join("spin.toml");
    std::fs::write(&manifest, hello_manifest(&component.display().to_string()))?;

    let gateway =
        Gateway::start(Options::new(&setup.gateway, &manifest).log(folder.path().join("log")))?;
    let gateway_address = gateway.base_url().trim_start_matches("http://").parse()?;
    let native = Server::start(&["serve-hello"])?;
    let other = wasmtime_serve(&component)?;
    let (mut ours, mut natives, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        ours.push(wrk::peak(gateway_address, "/hello", setup.duration())?);
        natives.push(wrk::peak(native.address, "/hello", setup.duration())?);
        if let Some(other) = &other {
            others.push(wrk::peak(other.address, "/hello", setup.duration())?);
        }
    }
    gateway.stop()?;

    report::figure("hello, gateway", report::median(&ours), "answers/s");
    report::figure("hello, native", report::median(&natives), "answers/s");
    report::ratio(
        "hello, gateway to native",
        report::median_ratio(&ours, &natives),
        OF_NATIVE_MIN,
    );
    if others.is_empty() {
        println!("`wasmtime` is not on the PATH; the comparison with `wasmtime serve` is left out");
    } else {
        report::figure(
            "hello, wasmtime serve",
            report::median(&others),
            "answers/s",
        );
        report::ratio(
            "hello, gateway to wasmtime serve",
            report::median_ratio(&ours, &others),
            OF_WASMTIME_SERVE_MIN,
        );
    }
    Ok(())
}

/// A manifest that serves the hello component and nothing else.
pub(crate) fn hello_manifest(source: &str) -> String {
    format!(
        "spin_manifest_version = 2\n[application]\nname = \"hello\"\nversion = \"0.1.0\"\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\"\n[component.hello]\nsource = {source:?}\n"
    )
}

/// Starts `wasmtime serve` on the same file, where that program is installed.
fn wasmtime_serve(component: &std::path::Path) -> Result<Option<Server>> {
    if Command::new("wasmtime").arg("--version").output().is_err() {
        return Ok(None);
    }
    // It cannot report a port of its own choosing in a form that every version shares, so a free one is found first.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mut command = Command::new("wasmtime");
    command
        .args([
            "serve",
            "-S",
            "cli,p3",
            "-W",
            "component-model-async",
            "--addr",
            &address.to_string(),
        ])
        .arg(component);
    Server::other(command, address)
        .map(Some)
        .context("wasmtime serve does not serve the hello component")
}
