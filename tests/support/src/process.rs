//! Signals to, and bounded waits for, processes that this crate started.

use std::{
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// How often a process that is to end is looked at; its end cannot be waited for with a bound in any other safe way.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Sends a signal by its name, such as `TERM`. The shell's `kill` does it: no unsafe code of ours.
pub(crate) fn signal(child: &Child, name: &str) -> Result<()> {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .context("cannot run kill")?;
    ensure!(status.success(), "kill -s {name} failed");
    Ok(())
}

/// Waits for the end; `None` when the time is over first.
pub(crate) fn wait(child: &mut Child, time_max: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + time_max;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}
