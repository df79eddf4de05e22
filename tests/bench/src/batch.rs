//! The tariff batch over a million customers (TS-7), end to end: `chudian batch tariff` drives the parts through the gateway, whose
//! component reads the columns, prices the plans and keeps the answers. Nothing is published.
//!
//! Its plan-months per second stand beside the engine's, measured in the same run before and after each batch: on one core, as the
//! engine's own benchmark states it, and on as many as the batch computes on at once.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use chudian_test_support::gateway::{Gateway, Options};
use chudian_vocabulary::access::{BootstrapKey, Pepper};
use serde_json::Value;

use crate::{Setup, engine::Engines, report, simulation::new_key};

/// From the dataset issue.
const OF_ENGINE_MIN: f64 = 0.7;

/// Customers of the table, as the issue says.
const ROWS: u64 = 1_000_000;

/// Parts that are computed at once, and cores on which the engine stands beside them.
const CORES: usize = 2;

/// Rounds, each a batch of its own: it prices as of another day.
const DAYS: [&str; 3] = ["2026-11-20", "2026-11-21", "2026-11-22"];

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = new_key();
    let bootstrap = BootstrapKey::of(&key, &Pepper::from_variable("")).to_string();
    let options = Options::new(&setup.gateway, setup.root.join("spin.toml"))
        .words(["--component", "customer-dataset,tariff-simulation"])
        .state(folder.path().join("state"))
        .log(folder.path().join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap);
    let gateway = Gateway::start(options)?;
    let program = |words: &[&str]| {
        let mut command = Command::new(&setup.gateway);
        command.args(words).env("CHUDIAN_KEY", key.reveal());
        command
    };
    let mut load = program(&["sample", "--json", "--customers", "1", "--load"]);
    load.arg(gateway.base_url()).arg("--out");
    let loaded = done(load.arg(folder.path().join("sample")))?;
    // Named, because it is in force from today on only, and the days below are fixed.
    let catalogue = loaded["loaded"]["catalogue_version"]
        .as_str()
        .context("the sample was loaded without a catalogue")?;
    let table = folder.path().join("customers.csv");
    let mut make = program(&["sample", "--json", "--table", &ROWS.to_string(), "--out"]);
    done(make.arg(&table))?;
    let mut import = program(&["import", "--json", "--to", gateway.base_url()]);
    import.arg(&table).arg("--mapping");
    import.arg(table.with_extension("mapping.toml"));
    done(import.arg("--state-dir").arg(folder.path().join("state")))?;

    let mut one = Engines::load(setup, 1)?;
    let mut all = Engines::load(setup, CORES)?;
    let (mut batches, mut ones, mut alls) = (Vec::new(), Vec::new(), Vec::new());
    for day in DAYS.into_iter().take(setup.rounds) {
        let before = (one.plan_months_per_s()?, all.plan_months_per_s()?);
        let mut batch = program(&["batch", "tariff", "--json", "--no-publish", "--as-of", day]);
        batch.args([
            "--concurrency",
            &CORES.to_string(),
            "--catalogue",
            catalogue,
        ]);
        let told = done(batch.args(["--to", gateway.base_url()]))?;
        batches.push(plan_months_per_s(&told)?);
        let after = (one.plan_months_per_s()?, all.plan_months_per_s()?);
        ones.push(f64::midpoint(before.0, after.0));
        alls.push(f64::midpoint(before.1, after.1));
    }
    gateway.stop()?;
    let batch = report::median(&batches);
    let title = format!("tariff batch, {ROWS} customers, {CORES} cores");
    report::figure(&title, batch / 1e6, "million plan-months/s");
    let beside = [
        ("the engine inside Wasm, one core", &ones),
        ("the engine inside Wasm, as many cores", &alls),
    ];
    for (title, engine) in beside {
        let figure = report::median(engine) / 1e6;
        report::figure(title, figure, "million plan-months/s");
    }
    report::ratio(
        "tariff batch to the engine on one core",
        report::median_ratio(&batches, &ones),
        OF_ENGINE_MIN,
    );
    report::ratio(
        "tariff batch to the engine on as many cores",
        report::median_ratio(&batches, &alls),
        OF_ENGINE_MIN,
    );
    Ok(())
}

/// What the batch says of itself, where it priced everybody.
fn plan_months_per_s(told: &Value) -> Result<f64> {
    let number = |name: &str| {
        told[name]
            .as_f64()
            .with_context(|| format!("{name} is missing"))
    };
    ensure!(
        told["customers_priced_now"] == ROWS && told["customers_skipped"] == 0,
        "the batch did not price everybody: {told}"
    );
    Ok(number("plan_months_priced_now")? / number("seconds")?)
}

/// Runs a program to its end and reads its one line of JSON.
fn done(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let program = Path::new(command.get_program()).display();
    ensure!(
        output.status.success(),
        "{program} failed: {}",
        output.status
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
