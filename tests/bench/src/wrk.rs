//! Peak throughput by `wrk`, which costs the machine less than any client of our own would.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

/// Connections of the hello comparison; the notes' figures were taken with as many.
const CONNECTIONS: usize = 32;

/// What is asked for, and over how many connections.
pub(crate) struct Load<'a> {
    path: &'a str,
    script: Option<&'a Path>,
    connections: usize,
}

impl<'a> Load<'a> {
    /// `GET` of one path.
    pub(crate) fn of(path: &'a str, connections: usize) -> Self {
        Self {
            path,
            script: None,
            connections,
        }
    }

    /// The requests that a Lua script of wrk makes, which begin when its first lines have run.
    pub(crate) fn by_script(script: &'a Path, connections: usize) -> Self {
        Self {
            path: "/",
            script: Some(script),
            connections,
        }
    }

    /// Answers per second, as `wrk` counts them; fails when any answer was not 2xx.
    pub(crate) fn run(&self, address: SocketAddr, duration: Duration) -> Result<f64> {
        let mut command = Command::new("wrk");
        command.args([
            "-t1",
            "-c",
            &self.connections.to_string(),
            "-d",
            &format!("{}s", duration.as_secs().max(1)),
        ]);
        if let Some(script) = self.script {
            command.arg("-s").arg(script);
        }
        let output = command
            .arg(format!("http://{address}{}", self.path))
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
}

/// Answers per second of a `GET` over the usual number of connections.
pub(crate) fn peak(address: SocketAddr, path: &str, duration: Duration) -> Result<f64> {
    Load::of(path, CONNECTIONS).run(address, duration)
}
