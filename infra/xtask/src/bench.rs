//! `cargo xtask bench`: builds the shipped form of everything and hands over to `chudian-bench`, which measures.

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
    /// Only these, separated by commas: start, hello, key-value, look-up, simulation, engine, feedback,
    /// import, memory.
    #[arg(long)]
    only: Option<String>,
    /// Use the everyday build of the gateway instead of the shipped one, which takes long to build.
    #[arg(long)]
    everyday: bool,
}

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
    ]))?;
    let built = workspace.target.join(profile);
    let mut command = std::process::Command::new(built.join("chudian-bench"));
    command
        .arg("run")
        .arg("--gateway")
        .arg(built.join("chudian"))
        .arg("--root")
        .arg(&workspace.root);
    command.args(["--rounds", &options.rounds, "--seconds", &options.seconds]);
    if let Some(only) = &options.only {
        command.args(["--only", only]);
    }
    run(command)
}
