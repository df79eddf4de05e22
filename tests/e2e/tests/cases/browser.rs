//! A real browser: the pages as people see them, driven by the console's own Playwright tests.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{harness::LeftOut, repository};

/// Debian's browser; `CHUDIAN_CHROMIUM` names another.
const CHROMIUM: &str = "/usr/bin/chromium";

/// The hosts are tested side by side; two browsers at once would only make each other slow.
static ONE_BROWSER: Mutex<()> = Mutex::new(());

/// Runs the browser tests of these files (of `infra/console/tests/browser`) against a gateway.
///
/// # Errors
/// [`LeftOut`] where the run is without a browser; when the browser or the pages' tools are missing; when a test fails.
pub(super) fn try_pages(base_url: &str, files: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    if std::env::var_os("CHUDIAN_WITHOUT_BROWSER").is_some() {
        return Err(LeftOut(
            "CHUDIAN_WITHOUT_BROWSER is set: the pages were not tried in a browser".to_owned(),
        )
        .into());
    }
    let chromium = std::env::var("CHUDIAN_CHROMIUM").unwrap_or_else(|_| CHROMIUM.to_owned());
    ensure!(
        Path::new(&chromium).is_file(),
        "there is no browser at {chromium}; on Debian: apt-get install chromium fonts-noto-cjk, elsewhere set CHUDIAN_CHROMIUM, or set CHUDIAN_WITHOUT_BROWSER to leave this out"
    );
    let console = repository()?.join("infra/console");
    ensure!(
        console.join("node_modules/.bin/playwright").exists(),
        "the pages' tools are not installed; `cargo xtask build console` does it"
    );
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", "test:browser", "--"])
        .args(files)
        .current_dir(&console)
        .env("CHUDIAN_BASE_URL", base_url)
        .env("CHUDIAN_CHROMIUM", &chromium)
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    let _alone = ONE_BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let output = command.output().context("npm cannot be started")?;
    ensure!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
