//! `cargo xtask bench`: builds the shipped form of everything and hands over to `chudian-bench`, which measures.

use std::{path::Path, process::Command};

use anyhow::Result;
use clap::Args;

use crate::{
    components,
    shell::{Workspace, install_debian, on_path, run, say},
};

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds of each comparison; medians are printed.
    #[arg(long, default_value = "5")]
    rounds: String,
    /// Seconds of load in each round and side.
    #[arg(long, default_value = "4")]
    seconds: String,
    /// Only these, separated by commas: start, hello, key-value, look-up, simulation, engine, batch,
    /// feedback, sms, import, memory, filter (beside DuckDB, which is installed for it).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Customers of the tables on which the filter is measured.
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    filter_customers: Vec<String>,
    /// Use the everyday build of the gateway instead of the shipped one, which takes long to build.
    #[arg(long)]
    everyday: bool,
}

/// What is measured by a program of its own, beside another database.
const FILTER: &str = "filter";

/// The version of DuckDB that stands beside the filter.
const DUCKDB: &str = "duckdb==2.0.1";

/// Builds and measures.
pub(crate) fn run_verb(workspace: &Workspace, options: &Options) -> Result<()> {
    if !on_path("wrk") {
        install_debian(&["wrk"], "peak rates are measured with wrk")?;
    }
    if !on_path("wasmtime") {
        say(
            "`wasmtime` is not on the PATH: the comparison with `wasmtime serve` is left out (`cargo install wasmtime-cli --locked` provides it)",
        );
    }
    components::build_all(workspace)?;
    let profile = if options.everyday { "release" } else { "dist" };
    run(workspace.cargo([
        "build",
        "--profile",
        profile,
        "--package",
        "chudian",
        "--package",
        "chudian-bench",
        "--package",
        "chudian-target-filter",
        "--bins",
        "--example",
        "count_speed",
    ]))?;
    let built = workspace.target.join(profile);
    let others: Vec<&str> = options
        .only
        .iter()
        .map(String::as_str)
        .filter(|name| *name != FILTER)
        .collect();
    if options.only.is_empty() || !others.is_empty() {
        let mut command = Command::new(built.join("chudian-bench"));
        command
            .arg("run")
            .arg("--gateway")
            .arg(built.join("chudian"))
            .arg("--root")
            .arg(&workspace.root);
        command.args(["--rounds", &options.rounds, "--seconds", &options.seconds]);
        if !others.is_empty() {
            command.args(["--only", &others.join(",")]);
        }
        run(command)?;
    }
    if options.only.is_empty() || options.only.iter().any(|name| name == FILTER) {
        beside_duckdb(workspace, options, &built)?;
    }
    Ok(())
}

/// Counts over one table by the filter and by DuckDB, which comes into a folder of its own under `target`.
fn beside_duckdb(workspace: &Workspace, options: &Options, built: &Path) -> Result<()> {
    let folder = workspace.target.join("bench-python");
    let python = folder.join("bin/python");
    if !python.is_file() {
        say("DuckDB, for the comparison of counts, into target/bench-python");
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(&folder);
        run(command)?;
    }
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "install", "--quiet", DUCKDB]);
    run(command)?;
    let mut command = Command::new(&python);
    command
        .arg(workspace.root.join("tests/bench/filter_against_duckdb.py"))
        .arg("--gateway")
        .arg(built.join("chudian"))
        .arg("--tool")
        .arg(built.join("examples/count_speed"))
        .arg("--root")
        .arg(&workspace.root)
        .args(["--rounds", &options.rounds, "--customers"])
        .args(&options.filter_customers);
    run(command)
}
