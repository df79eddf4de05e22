//! `cargo xtask bench`: measurements, printed as ratios of both sides within one run.

use anyhow::Result;
use clap::Args;

use crate::shell::Workspace;

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds of each measurement; the median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// To be written.
pub(crate) fn run(_workspace: &Workspace, options: &Options) -> Result<()> {
    let _ = options.rounds;
    Ok(())
}
