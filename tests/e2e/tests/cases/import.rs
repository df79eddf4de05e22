//! `chudian import` against a running system: a table becomes a snapshot, killed imports go on, failed ones change nothing.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{Caller, Host, harness::Case, host::binary};
use chudian_test_support::gateway::Gateway;
use serde_json::Value;

/// Rows of the table: more than one segment, so that an import has parts to lose.
const ROWS: &str = "140000";

/// How often an import is killed before one is let through.
const KILLS: u64 = 12;

/// The first kill comes so soon, and each next one so much later, so that every stage is met.
const KILL_STEP: Duration = Duration::from_millis(90);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "import::table",
            "a table becomes the snapshot in force, with the rows, columns and statistics of the file",
            table,
        ),
        Case::new(
            "import::killed",
            "kill -9 many times in the middle: the old snapshot stays in force, and the last run gives what one run would",
            killed,
        ),
        Case::new(
            "import::refused",
            "too many rejects, a missing role, a truncated file: nothing is published and the message says what to do",
            refused,
        ),
    ]
}

/// A gateway of its own, and a folder for tables.
pub(super) struct Ground {
    pub(super) gateway: Gateway,
    pub(super) admin: Caller,
    pub(super) key: String,
    pub(super) folder: PathBuf,
}

/// Starts it; the same name leads to the same state.
pub(super) fn ground(host: &Host, name: &str) -> Result<Ground> {
    let gateway = Gateway::start(host.aside(name)?)?;
    let key = gateway.new_key("admin", None)?;
    let admin = host.caller_of(gateway.base_url()).with_bearer(&key);
    let folder = host.folder()?.join(format!("{name}-files"));
    std::fs::create_dir_all(&folder)?;
    Ok(Ground {
        gateway,
        admin,
        key,
        folder,
    })
}

impl Ground {
    /// Writes a table of the sample and its mapping.
    pub(super) fn table(
        &self,
        name: &str,
        seed: &str,
        rows: &str,
        words: &[&str],
    ) -> Result<PathBuf> {
        let table = self.folder.join(name);
        let made = Command::new(binary()?)
            .args(["sample", "--json", "--table", rows, "--seed", seed])
            .args(words)
            .arg("--out")
            .arg(&table)
            .stdin(Stdio::null())
            .output()?;
        told(&made)?;
        Ok(table)
    }

    /// A command of the program against this gateway, in English, with the key.
    pub(super) fn program(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args(words)
            .env("CHUDIAN_KEY", &self.key)
            .env("LANG", "en_GB.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    /// `chudian import` of a table by the mapping beside it.
    pub(super) fn import(&self, table: &Path) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args([
                "import",
                "--json",
                "--lang",
                "en",
                "--to",
                self.gateway.base_url(),
            ])
            .arg(table)
            .arg("--mapping")
            .arg(table.with_extension("mapping.toml"))
            .arg("--state-dir")
            .arg(self.gateway.state())
            .env("CHUDIAN_KEY", &self.key)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    /// The snapshot in force.
    pub(super) fn current(&self) -> Result<Option<String>> {
        let answer = self.admin.get("/dataset/v1/snapshots/current")?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(answer.expect_status(200)?["id"].as_str().map(str::to_owned))
    }

    /// Waits until what an import reported is current: each instance believes for a moment what was.
    pub(super) fn in_force(&self, done: &Value) -> Result<()> {
        chudian_e2e::wait_for(
            "the imported snapshot is in force",
            std::time::Duration::from_secs(5),
            || Ok((self.current()?.as_deref() == done["snapshot"].as_str()).then_some(())),
        )
    }
}

/// What a program printed, when it succeeded.
pub(super) fn told(output: &Output) -> Result<Value> {
    ensure!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("--json printed no JSON")
}

fn table(host: &Host) -> Result<()> {
    let ground = ground(host, "import")?;
    let table = ground.table("customers.csv", "7", ROWS, &[])?;
    let done = told(&ground.import(&table)?.output()?)?;
    ensure!(
        done["rows_accepted"] == 140_000 && done["rows_rejected"] == 0,
        "{done}"
    );
    let current = ground
        .admin
        .get("/dataset/v1/snapshots/current")?
        .expect_status(200)?;
    ensure!(
        current["id"] == done["snapshot"] && current["version"] == done["version"],
        "{current} after {done}"
    );
    ensure!(
        current["rows"] == 140_000 && current["segments"] == 2,
        "{current}"
    );
    let column = |name: &str| -> Result<Value> {
        let columns = current["columns"].as_array().context("no columns")?;
        columns
            .iter()
            .find(|column| column["name"] == name)
            .cloned()
            .with_context(|| format!("no column {name}"))
    };
    ensure!(column("opened_on")?["statistics"]["min"] == "2001-01-01");
    ensure!(column("brand")?["statistics"]["distinct"] == 5);
    ensure!(column("arpu")?["kind"] == "money" && column("sms_m1")?["unit"] == "messages");
    let titles: Vec<Value> = column("age_group")?["groups"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    ensure!(
        titles
            .iter()
            .any(|group| group["code"] == "#03" && group["title"]["en"] == "18–23"),
        "{titles:?}"
    );
    // The same table again is a snapshot of its own with the same content.
    let again = told(&ground.import(&table)?.output()?)?;
    ensure!(
        again["snapshot"] != done["snapshot"] && again["content_sha256"] == done["content_sha256"],
        "{again}"
    );
    ground.gateway.stop()
}

fn killed(host: &Host) -> Result<()> {
    let ground = ground(host, "import-killed")?;
    let old = ground.table("old.csv", "1", ROWS, &[])?;
    let before = told(&ground.import(&old)?.output()?)?;
    let new = ground.table("new.csv", "2", ROWS, &[])?;
    let one_run = told(&ground.import(&new)?.arg("--dry-run").output()?)?;
    let mut ended = None;
    for round in 1..=KILLS {
        let mut running = ground.import(&new)?.spawn()?;
        let wait = KILL_STEP * u32::try_from(round).unwrap_or(u32::MAX);
        // The kill has to come at some moment of the work, and no other event marks it.
        std::thread::sleep(wait);
        running.kill()?;
        let output = running.wait_with_output()?;
        if output.status.success() {
            // It was quicker than the kill.
            ended = Some(told(&output)?);
            break;
        }
        let current = ground.current()?;
        if current.as_deref() != before["snapshot"].as_str() {
            // It was killed after it had published; the next run only has to say so.
            ensure!(
                current.is_some(),
                "no snapshot is in force after kill {round}"
            );
            break;
        }
    }
    let done = match ended {
        Some(done) => done,
        None => told(&ground.import(&new)?.output()?)?,
    };
    ensure!(
        done["content_sha256"] == one_run["content_sha256"],
        "{done} is not {one_run}"
    );
    ground.in_force(&done)?;
    let rows = ground
        .admin
        .get("/dataset/v1/snapshots/current")?
        .expect_status(200)?["rows"]
        .clone();
    ensure!(rows == 140_000, "{rows} rows");
    let left: Vec<_> = std::fs::read_dir(&ground.folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    ensure!(
        !left.iter().any(|name| name.contains(".chudian-import")),
        "state is left behind: {left:?}"
    );
    ground.gateway.stop()
}

fn refused(host: &Host) -> Result<()> {
    let mut ground = ground(host, "import")?;
    let table = ground.folder.join("small.csv");
    let good = "number,figure\n16000000001,1\n16000000002,2\n";
    let mapping = "format = \"chudian-mapping/1\"\n[id]\nheading = \"number\"\nform = \"number\"\n[[column]]\nheading = \"figure\"\n\
                   name = \"figure\"\nkind = \"integer\"\ntitle = { zh = \"数\", en = \"Figure\" }\n";
    std::fs::write(table.with_extension("mapping.toml"), mapping)?;
    let before = ground.current()?;
    let expect = |ground: &Ground, content: &str, said: &str| -> Result<()> {
        std::fs::write(&table, content)?;
        let output = ground.import(&table)?.output()?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(1) && error.contains(said),
            "{:?}: {error}",
            output.status
        );
        ensure!(
            !error.contains("16000000"),
            "a number is in the message: {error}"
        );
        ensure!(ground.current()? == before, "the snapshot in force changed");
        Ok(())
    };
    expect(
        &ground,
        "number,figure\n16000000001,1\n16000000001,2\n",
        "1 of 2 rows were rejected",
    )?;
    expect(&ground, "number,figure\n16000000001,\"1\n", "never closed")?;
    expect(&ground, "number,figure,new\n16000000001,1,2\n", "`new`")?;
    expect(&ground, "", "the file is empty")?;
    ground.key = ground.gateway.new_key("hall", None)?;
    expect(&ground, good, "role analyst or admin")?;
    ground.key = ground.gateway.new_key("analyst", None)?;
    std::fs::write(&table, good)?;
    let done = told(&ground.import(&table)?.output()?)?;
    ground.in_force(&done)?;
    ground.gateway.stop()
}
