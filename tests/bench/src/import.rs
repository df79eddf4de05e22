//! `chudian import` of a million customers with sixty columns, end to end: from the table on disk to the published snapshot, through
//! the gateway, on SQLite. Rows per second, and what the importing program holds in memory at most.
//!
//! Importing program and gateway share the machine's cores, as they do at a province that starts with one machine.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chudian_test_support::gateway::{Gateway, Options};
use chudian_vocabulary::access::{BootstrapKey, Pepper};

use crate::{Setup, report, simulation::new_key};

/// Both bars are from the issue, for two cores.
const ROWS_PER_S_MIN: f64 = 100_000.0;
const MEMORY_MB_MAX: f64 = 1_000.0;

/// Customers of the table, as the issue says.
const ROWS: u64 = 1_000_000;

/// How often memory is looked at; the kernel keeps the peak, so only the last look before the end counts.
const LOOK: Duration = Duration::from_millis(20);

/// Rounds: each is a snapshot of its own.
const ROUNDS_MAX: usize = 3;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let table = folder.path().join("customers.csv");
    let made = Command::new(&setup.gateway)
        .args(["sample", "--json", "--table", &ROWS.to_string(), "--out"])
        .arg(&table)
        .stdout(Stdio::null())
        .status()?;
    ensure!(made.success(), "the table could not be made: {made}");
    let key = new_key();
    let bootstrap = BootstrapKey::of(&key, &Pepper::from_variable("")).to_string();
    let options = Options::new(&setup.gateway, setup.root.join("spin.toml"))
        .words(["--component", "customer-dataset"])
        .state(folder.path().join("state"))
        .log(folder.path().join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap);
    let gateway = Gateway::start(options)?;
    let (mut rates, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds.min(ROUNDS_MAX) {
        let begin = Instant::now();
        let import = Command::new(&setup.gateway)
            .args(["import", "--json", "--to", gateway.base_url()])
            .arg(&table)
            .arg("--mapping")
            .arg(table.with_extension("mapping.toml"))
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .env("CHUDIAN_KEY", key.reveal())
            .stdout(Stdio::null())
            .spawn()?;
        peaks.push(peak_megabytes(import)?);
        rates.push(ROWS as f64 / begin.elapsed().as_secs_f64());
    }
    gateway.stop()?;
    report::figure(
        "import, 1 M x 60 CSV, table to published snapshot",
        report::median(&rates),
        "rows/s",
    );
    report::ratio(
        "import, to the issue's bar of 100,000 rows/s",
        report::median(&rates) / ROWS_PER_S_MIN,
        1.0,
    );
    report::below(
        "import, peak memory of the importing program",
        report::median(&peaks),
        MEMORY_MB_MAX,
        "MB",
    );
    Ok(())
}

/// Waits for the end of a program and gives the most that it held in memory.
fn peak_megabytes(mut program: Child) -> Result<f64> {
    let place = format!("/proc/{}/status", program.id());
    let mut peak_kb = None;
    loop {
        if let Ok(status) = fs::read_to_string(&place) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| {
                line.trim()
                    .trim_end_matches("kB")
                    .trim()
                    .parse::<f64>()
                    .ok()
            });
            peak_kb = kilobytes.or(peak_kb);
        }
        if let Some(status) = program.try_wait()? {
            ensure!(status.success(), "the import failed: {status}");
            return Ok(peak_kb.context("no VmHWM in /proc")? / 1024.0);
        }
        thread::sleep(LOOK);
    }
}
