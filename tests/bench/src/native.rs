//! The native side of a comparison: an axum router behind hyper, on as many threads as the machine has cores, which is what
//! `axum::serve` does. It runs as a process of its own, so that both sides of a ratio have the same neighbours.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;

/// Serves what `router` gives until the process ends; prints the address first.
pub(crate) fn serve(router: impl Future<Output = Result<Router>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let router = router.await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let service = TowerToHyperService::new(router.clone());
            // A connection that breaks off is the load's business, which fails on it.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

/// A server process that ends with its value.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program again with a verb and its words, and reads the address from its first line.
    pub(crate) fn start(words: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(words)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .trim()
            .parse()
            .with_context(|| format!("the native server said `{line}`"))?;
        Ok(Self { child, address })
    }

    /// Wraps a server that another program runs, at a port that was chosen for it.
    pub(crate) fn other(mut command: Command, address: SocketAddr) -> Result<Self> {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { child, address };
        // It says nothing that can be waited for in every version, so its port is tried until it opens.
        for _ in 0..SERVER_TRIES_MAX {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        anyhow::bail!(
            "{} did not open {address}",
            command.get_program().to_string_lossy()
        )
    }
}

/// Ten seconds of tries, 50 ms apart.
const SERVER_TRIES_MAX: u32 = 200;

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
