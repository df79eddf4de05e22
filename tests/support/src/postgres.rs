//! Starts a PostgreSQL cluster of its own from the machine's `initdb` and `postgres`, and stops it again.
//!
//! The cluster lives in a temporary directory, listens on a free loopback port and on a Unix socket inside that directory,
//! and is gone when its value is dropped. PostgreSQL refuses to run as root; when the tests run as root, it is run as the
//! machine's user `postgres`. `fsync` stays on: durability is among the things that are tested.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::process;

/// How long the cluster may take until it accepts connections.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// How long it may take to stop once told to disconnect everybody.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);

/// How often a server that was killed is tried again.
const AGAIN_EVERY: Duration = Duration::from_millis(200);

/// Another program may take the free port between the look for it and its use.
const PORT_TRIES: u32 = 5;

/// The superuser of the cluster; it needs no password from the loopback address.
const SUPERUSER: &str = "chudian";

/// The message of a server that is ready; the cluster's messages are in English.
const READY: &str = "ready to accept connections";

/// A running cluster; dropping it stops it and removes it.
pub struct Postgres {
    /// `None` while it is stopped.
    server: Option<Child>,
    programs: Programs,
    port: u16,
    // Declared last: removed after the server is gone.
    _folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and waits until it accepts connections.
    ///
    /// # Errors
    /// When PostgreSQL is not installed (the message says what to install), or does not start.
    pub fn start() -> Result<Self> {
        let programs = Programs::find()?;
        let folder = TempDir::with_prefix("chudian-postgres-")?;
        if let Some((user, group)) = programs.user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        programs.run(
            programs
                .command("initdb")
                .args([
                    "--no-sync",
                    "--no-locale",
                    "--encoding=UTF8",
                    "--auth=trust",
                    "--username",
                    SUPERUSER,
                    "--pgdata",
                ])
                .arg(&data),
        )?;
        let mut failure = None;
        for _ in 0..PORT_TRIES {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            match serve(&programs, folder.path(), &data, port) {
                Ok(server) => {
                    return Ok(Self {
                        server: Some(server),
                        programs,
                        port,
                        _folder: folder,
                    });
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure
            .unwrap_or_else(|| anyhow::anyhow!("no try was made"))
            .context("PostgreSQL does not start"))
    }

    /// Makes an empty database and returns its URL, `postgres://…`.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn new_database(&self, name: &str) -> Result<String> {
        self.programs.run(self.programs.command("createdb").args([
            "--host",
            "127.0.0.1",
            "--port",
            &self.port.to_string(),
            "--username",
            SUPERUSER,
            name,
        ]))?;
        Ok(format!("postgres://{SUPERUSER}@{}/{name}", self.address()))
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Disconnects everybody and stops cleanly; [`Postgres::start_again`] brings it back.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let stopped = process::signal(&server, "INT")
            .and_then(|()| process::wait(&mut server, STOP_TIME_MAX));
        if !matches!(stopped, Ok(Some(_))) {
            let _ = server.kill();
            let _ = server.wait();
            bail!("PostgreSQL did not end when it was told to");
        }
        Ok(())
    }

    /// Ends it as a power cut would (SIGKILL): nothing that it had not yet written is written. Its own children notice and end by
    /// themselves.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.kill()?;
            server.wait()?;
        }
        Ok(())
    }

    /// Serves the same data on the same port again.
    ///
    /// # Errors
    /// When it does not come back in time.
    pub fn start_again(&mut self) -> Result<()> {
        let data = self._folder.path().join("data");
        let deadline = Instant::now() + START_TIME_MAX;
        while self.server.is_none() {
            match serve(&self.programs, self._folder.path(), &data, self.port) {
                Ok(server) => self.server = Some(server),
                // The children of a killed server hold its shared memory until they have noticed.
                Err(_) if Instant::now() < deadline => thread::sleep(AGAIN_EVERY),
                Err(error) => return Err(error.context("PostgreSQL does not come back")),
            }
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Where PostgreSQL's programs are, and as whom they run.
struct Programs {
    folder: PathBuf,
    /// User and group; `None` runs them as whoever runs the tests.
    user: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> Result<Self> {
        // What stands on the path may be a link into the folder where all the programs are.
        let on_path = std::env::var_os("PATH")
            .into_iter()
            .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
            .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
            .filter_map(|program| program.parent().map(Path::to_owned))
            .find(|folder| has_all_programs(folder));
        let folder = match on_path.or_else(debian_folder) {
            Some(folder) => folder,
            None => bail!("PostgreSQL is not installed; on Debian: apt-get install postgresql"),
        };
        Ok(Self {
            folder,
            user: unprivileged_user()?,
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        // Not the tests' own directory: the other user may not be allowed to enter it.
        command
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        ensure!(
            output.status.success(),
            "{} failed ({}): {}",
            command.get_program().display(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }
}

fn has_all_programs(folder: &Path) -> bool {
    ["initdb", "postgres", "createdb"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// Debian keeps the programs of each version out of the path; the newest version that is there.
fn debian_folder() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| has_all_programs(folder))
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder)
}

/// User and group of `postgres`, when this process is root.
fn unprivileged_user() -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let number = |flag: &str| -> Result<u32> {
        let output = Command::new("id")
            .args([flag, "postgres"])
            .output()
            .context("cannot run id")?;
        ensure!(
            output.status.success(),
            "this is root, and PostgreSQL needs a user `postgres`, which Debian's package makes"
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    };
    Ok(Some((number("-u")?, number("-g")?)))
}

fn serve(programs: &Programs, folder: &Path, data: &Path, port: u16) -> Result<Child> {
    let mut command = programs.command("postgres");
    command.arg("-D").arg(data).args(["-p", &port.to_string()]);
    command.args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "log_destination=stderr",
        "-c",
        "logging_collector=off",
    ]);
    command
        .arg("-c")
        .arg(format!("unix_socket_directories={}", folder.display()));
    let mut server = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start postgres")?;
    let stderr = server.stderr.take().context("no standard error")?;
    match await_ready(stderr) {
        Ok(()) => Ok(server),
        Err(error) => {
            let _ = server.kill();
            let _ = server.wait();
            Err(error)
        }
    }
}

/// Reads what the server says until it is ready, and then on for as long as it lives, so that it never waits for a reader.
fn await_ready(stderr: ChildStderr) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut said = String::new();
        let mut ready = false;
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if !ready {
                ready = line.contains(READY);
                said.push_str(&line);
                said.push('\n');
                if ready {
                    let _ = sender.send(Ok(()));
                }
            }
        }
        if !ready {
            let _ = sender.send(Err(anyhow::anyhow!("it ended: {said}")));
        }
    });
    receiver
        .recv_timeout(START_TIME_MAX)
        .context("it is not ready in time")?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a cluster serves, and nothing of it is left once its value is gone.
    #[test]
    fn a_cluster_serves_and_leaves_nothing() {
        let mut cluster = Postgres::start().unwrap();
        let url = cluster.new_database("one").unwrap();
        assert!(
            cluster.new_database("one").is_err(),
            "the database was not really made"
        );
        assert!(url.starts_with("postgres://chudian@127.0.0.1:"));
        let folder = cluster._folder.path().to_owned();
        let address = cluster.address();
        std::net::TcpStream::connect(&address).unwrap();
        for end in [Postgres::stop, Postgres::kill] {
            end(&mut cluster).unwrap();
            assert!(std::net::TcpStream::connect(&address).is_err());
            cluster.start_again().unwrap();
            assert!(cluster.new_database("one").is_err(), "its data is gone");
        }
        drop(cluster);
        assert!(!folder.exists());
        assert!(std::net::TcpStream::connect(&address).is_err());
    }
}
