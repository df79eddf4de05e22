//! Tools of the end-to-end suite; the cases themselves are in `tests/cases`, and as data in `refused/`.
//!
//! The suite speaks HTTP to a base URL and knows nothing of what stands behind it, so it can be pointed at any host:
//!
//! | variable | meaning |
//! | --- | --- |
//! | `CHUDIAN_E2E_BASE_URL` | test what answers there, instead of gateways that the suite starts |
//! | `CHUDIAN_E2E_ADMIN_KEY` | an admin key of that host |
//! | `CHUDIAN_E2E_KEYS` | keys of other roles and regions, as JSON: `{"hall": "…", "analyst@zs01": "…"}` |
//! | `CHUDIAN_BIN` | the gateway to start, when not `target/release/chudian` |
//! | `CHUDIAN_WITHOUT_BROWSER` | leaves out what needs a browser |
//!
//! Without a base URL the suite starts the real gateway with the real components twice, on SQLite and on a PostgreSQL
//! cluster of its own, and runs every case on both, side by side. The cases of one host run one after the other, because
//! which catalogue is in force is a fact of the whole host. A case that a host cannot run is left out by name, never
//! silently; what is missing on this machine (a component, PostgreSQL, a browser) is a failure that says what to do.
//!
//! Whatever a case asks, every answer passes the [`witness`]: each error must be a problem of the published list, each
//! answer must carry the security headers, and none may show a planted telephone number or the inside of the server.
//!
//! On a host that is given by its URL the suite stores catalogues, puts one of them in force from today, and stores
//! customers whose ids begin with `e2e-`: point it at an installation for testing.

pub mod caller;
pub mod faults;
pub mod ground;
pub mod harness;
pub mod host;
pub mod raw;
pub mod witness;

pub use caller::Caller;
pub use host::Host;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// How often something awaited is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Calls `look` until it finds something.
///
/// # Errors
/// When it fails, or when it has found nothing within `time_max`; `what` names it then.
pub fn wait_for<T>(
    what: &str,
    time_max: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + time_max;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "waited {time_max:?} in vain: {what}"
        );
        thread::sleep(LOOK_EVERY);
    }
}

/// The repository's root.
///
/// # Errors
/// When this crate does not stand where it should.
pub fn repository() -> Result<PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the suite stands outside the repository")?;
    Ok(root.to_owned())
}
