//! Measurements of the suite, each a ratio of two sides that ran alternately in this one process tree. Absolute figures are
//! printed beside them for orientation; on a shared machine only the ratios and the medians mean something.

mod batch;
mod engine;
mod feedback;
mod hello;
mod import;
mod key_value;
mod load;
mod look_up;
mod memory;
mod native;
mod report;
mod simulation;
mod sms;
mod start;
mod wrk;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Runs the benchmarks; `cargo xtask bench` builds what it needs and calls it.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Measure.
    Run(Setup),
    /// Serve the hello router natively (started by `run`).
    ServeHello,
    /// Serve the tariff simulation natively (started by `run`).
    ServeSimulation {
        /// The workspace's root, for the migrations.
        root: PathBuf,
        /// Where its database goes.
        folder: PathBuf,
        /// `<key id>:<hash>` of the key that may ask.
        bootstrap: String,
    },
}

/// What is measured, and how long.
#[derive(clap::Args)]
struct Setup {
    /// The gateway's binary.
    #[arg(long)]
    gateway: PathBuf,
    /// The workspace's root, for `spin.toml` and the components.
    #[arg(long)]
    root: PathBuf,
    /// Rounds of each comparison; medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in each round and side.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Seconds of mixed load for the memory run.
    #[arg(long, default_value_t = 120)]
    memory_seconds: u64,
    /// Only these: start, hello, key-value, look-up, simulation, engine, batch, feedback, sms, import, memory.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

impl Setup {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::ServeHello => native::serve(async { Ok(::hello::router()) }),
        Verb::ServeSimulation {
            root,
            folder,
            bootstrap,
        } => native::serve(
            async move { simulation::native_router(&root, &folder, &bootstrap).await },
        ),
        Verb::Run(mut setup) => {
            // Manifests are written elsewhere and name files of the workspace.
            setup.root = setup.root.canonicalize()?;
            if setup.wants("start") {
                start::run(&setup)?;
            }
            if setup.wants("hello") {
                hello::run(&setup)?;
            }
            if setup.wants("key-value") {
                key_value::run(&setup)?;
            }
            if setup.wants("look-up") {
                look_up::run(&setup)?;
            }
            if setup.wants("simulation") {
                simulation::run(&setup)?;
            }
            if setup.wants("engine") {
                engine::run(&setup)?;
            }
            if setup.wants("batch") {
                batch::run(&setup)?;
            }
            if setup.wants("feedback") {
                feedback::run(&setup)?;
            }
            if setup.wants("sms") {
                sms::run(&setup)?;
            }
            if setup.wants("import") {
                import::run(&setup)?;
            }
            if setup.wants("memory") {
                memory::run(&setup)?;
            }
            Ok(())
        }
    }
}
