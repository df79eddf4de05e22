//! How soon the gateway listens with a warm code cache, and what it holds in memory when nobody asks.

use std::{fs, time::Instant};

use anyhow::{Context, Result};
use chudian_test_support::gateway::{Gateway, Options};

use crate::{Setup, report};

/// Both bars are from the platform issue.
const START_MS_MAX: f64 = 300.0;
const IDLE_MB_MAX: f64 = 200.0;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifest = setup.root.join("spin.toml");
    let options = || Options::new(&setup.gateway, &manifest).state(folder.path());
    // The first start compiles and makes the tables.
    Gateway::start(options())?.stop()?;
    let (mut milliseconds, mut megabytes) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let begin = Instant::now();
        let gateway = Gateway::start(options())?;
        milliseconds.push(begin.elapsed().as_secs_f64() * 1000.0);
        megabytes.push(resident_megabytes(gateway.process_id())?);
        gateway.stop()?;
    }
    report::below(
        "start with a warm code cache, until it listens",
        report::median(&milliseconds),
        START_MS_MAX,
        "ms",
    );
    report::below(
        "resident memory, idle",
        report::median(&megabytes),
        IDLE_MB_MAX,
        "MB",
    );
    Ok(())
}

/// What a process holds in memory now.
pub(crate) fn resident_megabytes(process_id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}
