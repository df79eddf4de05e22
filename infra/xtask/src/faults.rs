//! `cargo xtask faults`: the fault cases of the end-to-end suite in their long form.

use anyhow::Result;
use clap::Args;

use crate::{
    components,
    shell::{Workspace, run, say},
};

/// The cases: cuts of the gateway, kills of the database, a full disk, a database that is away, kills of an import.
const CASES: [&str; 3] = ["feedback::cut_off", "faults::", "import_events::killed"];

/// What `cargo xtask faults` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds of each case that cuts something off.
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// What the moments of the cuts are drawn from; the same seed draws the same again.
    #[arg(long, default_value_t = 20_261_128)]
    seed: u64,
    /// Only on this database: sqlite or postgres.
    #[arg(long)]
    on: Option<String>,
}

/// Builds what is missing and runs the cases; each prints its account.
pub(crate) fn run_verb(workspace: &Workspace, options: &Options) -> Result<()> {
    components::build_all(workspace)?;
    workspace.build_gateway()?;
    let Options { rounds, seed, on } = options;
    say(&format!("{rounds} rounds, seed {seed}"));
    let filters = CASES.map(|case| match on {
        Some(database) => format!("{database}::{case}"),
        None => case.to_owned(),
    });
    // The same selection as `cargo xtask test`, so that nothing large is compiled twice.
    let words = [
        "test",
        "--release",
        "--workspace",
        "--all-features",
        "--test",
        "e2e",
        "--",
    ];
    let mut tests = workspace.cargo(words.into_iter().chain(filters.iter().map(String::as_str)));
    tests
        .env("CHUDIAN_FAULT_ROUNDS", rounds.to_string())
        .env("CHUDIAN_FAULT_SEED", seed.to_string());
    run(tests)?;
    say("nothing acknowledged was lost, nothing was counted twice");
    Ok(())
}
