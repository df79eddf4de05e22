//! Starts the real `chudian` binary on a free loopback port and stops it again.
//!
//! A gateway is told to end as an operator would tell it (SIGTERM); one that does not obey is killed, so that no test
//! hangs and nothing is left running. Every wait here has a bound.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{http::Client, process};

/// How long a gateway may take until it listens. A first start compiles every component, on a busy machine of two cores.
const START_TIME_MAX: Duration = Duration::from_secs(180);

/// How long a gateway may take to end; its own bound for running requests is 25 s.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);

/// How a gateway is to be started.
#[derive(Clone)]
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
    /// Where all that it says (standard error, and standard output once it listens) is appended; `None` leaves it on
    /// standard error of this process.
    pub log: Option<PathBuf>,
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
            log: None,
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

    /// Sets an environment variable of the process.
    #[must_use]
    pub fn environment_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Appends all that it says to this file.
    #[must_use]
    pub fn log(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// Runs `chudian <verb> --json …` with this manifest, state directory and variables, and reads its answer. Works
    /// whether or not a gateway runs, as an operator's command does.
    ///
    /// # Errors
    /// When no state directory is set, when it fails, or when it prints no JSON.
    pub fn command(&self, verb: &str, words: &[&str]) -> Result<Value> {
        let state = self.state.as_ref().context("no state directory is set")?;
        let mut command = Command::new(&self.binary);
        command
            .arg(verb)
            .args(words)
            .arg("--json")
            .arg("--from")
            .arg(&self.manifest)
            .arg("--state-dir")
            .arg(state);
        let mut rest = self.words.iter();
        while let Some(word) = rest.next() {
            if word == "--variable" {
                command.arg(word).args(rest.next());
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
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

    fn spawn(&self, state: &Path) -> Result<(Child, ChildStdout)> {
        let mut command = Command::new(&self.binary);
        command
            .args(["up", "--json", "--listen", "127.0.0.1:0", "--from"])
            .arg(&self.manifest);
        command.arg("--state-dir").arg(state).args(&self.words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(file) = &self.log {
            command.stderr(append(file)?);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok((child, stdout))
    }
}

/// A running gateway; dropping it stops it.
pub struct Gateway {
    child: Child,
    started: Started,
    state: PathBuf,
    options: Options,
    _temporary: Option<TempDir>,
}

impl Gateway {
    /// Starts it and waits until it says that it listens.
    ///
    /// # Errors
    /// When it ends, or says something else, before it listens.
    pub fn start(mut options: Options) -> Result<Self> {
        let temporary = match &options.state {
            Some(_) => None,
            None => Some(TempDir::with_prefix("chudian-")?),
        };
        let state = match (&options.state, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => bail!("no state directory"),
        };
        options.state = Some(state.clone());
        let log = options.log.as_deref().map(append).transpose()?;
        let (mut child, stdout) = options.spawn(&state)?;
        match await_started(stdout, log) {
            Ok(started) => Ok(Self {
                child,
                started,
                state,
                options,
                _temporary: temporary,
            }),
            Err(error) => {
                // It is of no use any more, whatever state it is in.
                let _ = child.kill();
                let status = child.wait()?;
                let said = options.log.as_deref().map(last_lines).unwrap_or_default();
                Err(error.context(format!("the gateway did not start ({status}){said}")))
            }
        }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.started.base_url
    }

    /// `http://127.0.0.1:<port>` of the operator's listener; `None` unless the words ask for one (`--admin-listen`).
    pub fn admin_url(&self) -> Option<&str> {
        self.started.admin_url.as_deref()
    }

    /// The admin key that the first start in a state directory shows; `None` on later starts.
    pub fn first_key(&self) -> Option<&str> {
        self.started.first_key.as_deref()
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
        Client::new(&self.started.base_url)
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
        self.options.command(verb, words)
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

    /// Asks it to end (SIGTERM), and returns at once; [`Gateway::stop`] then waits for it.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn ask_to_stop(&self) -> Result<()> {
        process::signal(&self.child, "TERM")
    }

    /// Ends it as a power cut would (SIGKILL): nothing that it had not yet written is written.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        process::signal(&self.child, "TERM")?;
        process::wait(&mut self.child, STOP_TIME_MAX)?.context("the gateway does not end")
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

/// What a start message says.
struct Started {
    base_url: String,
    admin_url: Option<String>,
    first_key: Option<String>,
}

/// Reads standard output until the start message, and then on for as long as the gateway lives: a closed pipe would
/// make its later lines fail.
fn await_started(stdout: ChildStdout, mut log: Option<File>) -> Result<Started> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        // A send fails only when nobody waits any more, after the time limit.
        let _ = sender.send(read_started(&mut stdout));
        let mut line = Vec::new();
        while matches!(stdout.read_until(b'\n', &mut line), Ok(1..)) {
            if let Some(log) = &mut log {
                let _ = log.write_all(&line);
            }
            line.clear();
        }
    });
    receiver
        .recv_timeout(START_TIME_MAX)
        .context("it does not listen in time")?
}

fn read_started(stdout: &mut impl BufRead) -> Result<Started> {
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
            let url = |member: &str| {
                event[member]
                    .as_str()
                    .map(|address| format!("http://{address}"))
            };
            return Ok(Started {
                base_url: url("address").context("its start message has no address")?,
                admin_url: url("admin_address"),
                first_key: event["admin_key"].as_str().map(str::to_owned),
            });
        }
    }
}

fn append(file: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The end of a log, for the message of a failure.
fn last_lines(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(8);
    lines[first..]
        .iter()
        .map(|line| format!("\n  {line}"))
        .collect()
}
