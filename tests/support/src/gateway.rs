//! Starts the real `chudian` binary on a free loopback port and stops it again.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::Client;

/// How a gateway is to be started.
pub struct Options {
    /// The `chudian` binary.
    pub binary: PathBuf,
    /// The manifest it serves.
    pub manifest: PathBuf,
    /// Its state directory; `None` makes a temporary one that goes with the gateway.
    pub state: Option<PathBuf>,
    /// Further words for `chudian up`.
    pub words: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
}

impl Options {
    /// A gateway with a state directory of its own.
    pub fn new(binary: impl Into<PathBuf>, manifest: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            manifest: manifest.into(),
            state: None,
            words: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Keeps the state in this folder.
    #[must_use]
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// Adds words for `chudian up`.
    #[must_use]
    pub fn words<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// Sets a Spin variable, as `--variable name=value`.
    #[must_use]
    pub fn variable(self, name: &str, value: &str) -> Self {
        self.words(["--variable".to_owned(), format!("{name}={value}")])
    }
}

/// A running gateway; dropping it stops it.
pub struct Gateway {
    child: Child,
    base_url: String,
    first_key: Option<String>,
    state: PathBuf,
    options: Options,
    _temporary: Option<TempDir>,
}

impl Gateway {
    /// Starts it and waits until it says that it listens.
    ///
    /// # Errors
    /// When it ends, or says something else, before it listens.
    pub fn start(options: Options) -> Result<Self> {
        let temporary = if options.state.is_none() {
            Some(TempDir::with_prefix("chudian-")?)
        } else {
            None
        };
        let state = match (&options.state, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => bail!("no state directory"),
        };
        let mut command = Command::new(&options.binary);
        command
            .args(["up", "--json", "--listen", "127.0.0.1:0", "--from"])
            .arg(&options.manifest);
        command.arg("--state-dir").arg(&state).args(&options.words);
        command.envs(
            options
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", options.binary.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        match read_started(BufReader::new(stdout)) {
            Ok((base_url, first_key)) => Ok(Self {
                child,
                base_url,
                first_key,
                state,
                options,
                _temporary: temporary,
            }),
            Err(error) => {
                // It is of no use any more, whatever state it is in.
                let _ = child.kill();
                let status = child.wait()?;
                Err(error.context(format!("the gateway did not start ({status})")))
            }
        }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The admin key that the first start in a state directory shows; `None` on later starts.
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// Its state directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// A client without a key.
    pub fn client(&self) -> Client {
        Client::new(&self.base_url)
    }

    /// A new key of that role, made by `chudian keys new` in the gateway's own state directory.
    ///
    /// # Errors
    /// When the command fails.
    pub fn new_key(&self, role: &str, region: Option<&str>) -> Result<String> {
        let mut words = vec!["new", "--role", role, "--label", "test"];
        if let Some(region) = region {
            words.extend(["--region", region]);
        }
        let answer = self.command("keys", &words)?;
        answer["key"]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("`keys new` gave {answer}"))
    }

    /// Runs `chudian <verb> --json …` with this gateway's manifest, state directory and variables, and reads its answer.
    ///
    /// # Errors
    /// When it fails or prints no JSON.
    pub fn command(&self, verb: &str, words: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.options.binary);
        command
            .arg(verb)
            .args(words)
            .arg("--json")
            .arg("--from")
            .arg(&self.options.manifest)
            .arg("--state-dir")
            .arg(&self.state);
        let mut rest = self.options.words.iter();
        while let Some(word) = rest.next() {
            if word == "--variable" {
                command.arg(word).args(rest.next());
            }
        }
        command.envs(
            self.options
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run chudian {verb}"))?;
        ensure!(
            output.status.success(),
            "chudian {verb} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "chudian {verb} printed no JSON: {}",
                String::from_utf8_lossy(&output.stdout)
            )
        })
    }

    /// Asks it to end as an operator would (SIGTERM) and waits for it.
    ///
    /// # Errors
    /// When it does not end with status 0.
    pub fn stop(mut self) -> Result<()> {
        let status = self.terminate()?;
        ensure!(status.success(), "the gateway ended with {status}");
        Ok(())
    }

    fn terminate(&mut self) -> Result<std::process::ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        // `kill` from the shell's utilities: sending a signal needs no unsafe code of ours.
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .context("cannot run kill")?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.terminate().is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn read_started(mut stdout: impl BufRead) -> Result<(String, Option<String>)> {
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(
            stdout.read_line(&mut line)? > 0,
            "it ended without listening"
        );
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if event["event"] == "listening" {
            let address = event["address"]
                .as_str()
                .context("its start message has no address")?;
            return Ok((
                format!("http://{address}"),
                event["admin_key"].as_str().map(str::to_owned),
            ));
        }
    }
}
