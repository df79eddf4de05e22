//! Peak throughput by `wrk`, which costs the machine less than any client of our own would.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

/// Connections of the hello comparison; the notes' figures were taken with as many.
const CONNECTIONS: &str = "32";

/// Answers per second of a `GET`, as `wrk` counts them; fails when any answer was not 2xx.
pub(crate) fn peak(address: SocketAddr, path: &str, duration: Duration) -> Result<f64> {
    let output = Command::new("wrk")
        .args([
            "-t1",
            "-c",
            CONNECTIONS,
            "-d",
            &format!("{}s", duration.as_secs().max(1)),
            &format!("http://{address}{path}"),
        ])
        .output()
        .context("cannot run wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "wrk failed: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(
        !text.contains("Non-2xx"),
        "wrk got answers that are not 2xx: {text}"
    );
    let figure = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"))
        .context("wrk printed no rate")?;
    Ok(figure.trim().parse()?)
}
