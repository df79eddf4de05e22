//! `cargo xtask up`: from a fresh clone to a served suite with sample data.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use chudian_test_support::gateway::{self, Gateway};
use clap::Args;

use crate::{
    components,
    shell::{Workspace, run, say},
};

/// Customers that the first run makes: enough to look around, few enough to be there in seconds.
const SAMPLE_CUSTOMERS: &str = "200";

/// The seed of the sample; every machine gets the same customers.
const SAMPLE_SEED: &str = "20261122";

/// What `cargo xtask up` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: String,
    /// Where state (database, keys, compiled code) is kept.
    #[arg(long, default_value = ".chudian")]
    state_dir: PathBuf,
}

/// Builds, loads the sample once, and becomes the gateway.
pub(crate) fn run_verb(workspace: &Workspace, options: &Options) -> Result<()> {
    let state = prepare(workspace, options)?;
    let mut command = std::process::Command::new(workspace.gateway());
    command
        .args(["up", "--listen", &options.listen, "--from"])
        .arg(workspace.root.join("spin.toml"));
    command
        .arg("--state-dir")
        .arg(&state)
        .current_dir(&workspace.root);
    become_command(command)
}

/// Builds what is missing and sees to it that the state directory holds the sample; returns that directory.
pub(crate) fn prepare(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    components::build_all(workspace)?;
    workspace.build_gateway()?;
    let state = workspace.root.join(&options.state_dir);
    if !stamp(&state).is_file() {
        load_sample(workspace, &state)?;
    }
    Ok(state)
}

/// A gateway on this state directory and a free port, for one verb's own use.
pub(crate) fn serve(workspace: &Workspace, state: &Path) -> Result<Gateway> {
    Gateway::start(
        gateway::Options::new(workspace.gateway(), workspace.root.join("spin.toml")).state(state),
    )
}

fn load_sample(workspace: &Workspace, state: &Path) -> Result<()> {
    say("first run: making sample data and loading it");
    fs::create_dir_all(state).with_context(|| format!("cannot make {}", state.display()))?;
    let gateway = serve(workspace, state)?;
    let key = match gateway.first_key() {
        Some(key) => {
            println!("Admin key, shown this once / 管理员密钥，仅显示这一次:\n  {key}");
            key.to_owned()
        }
        None => gateway.new_key("admin", None)?,
    };
    let mut command = std::process::Command::new(workspace.gateway());
    command
        .args([
            "sample",
            "--seed",
            SAMPLE_SEED,
            "--customers",
            SAMPLE_CUSTOMERS,
            "--out",
        ])
        .arg(state.join("sample"));
    command
        .args(["--load", gateway.base_url()])
        .env("CHUDIAN_KEY", key);
    run(command)?;
    gateway.stop()?;
    fs::write(stamp(state), "loaded by cargo xtask up\n")?;
    Ok(())
}

fn stamp(state: &Path) -> PathBuf {
    state.join("sample/.loaded")
}

#[cfg(unix)]
fn become_command(mut command: std::process::Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    // Signals then reach the gateway itself, and its exit code is ours.
    Err(command.exec()).context("cannot start the gateway")
}

#[cfg(not(unix))]
fn become_command(command: std::process::Command) -> Result<()> {
    run(command)
}
