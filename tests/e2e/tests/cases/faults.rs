//! Faults under the feedback function: a full disk, a database that is away, a database that is killed. What was acknowledged is never lost and
//! never counted twice, a sender is told when to come again, and everything goes on by itself when the fault is over.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    faults::{drawn, rounds, seed},
    ground::REGION,
    harness::{Case, LeftOut},
    host::{HostKind, binary},
    repository, wait_for,
};
use chudian_test_support::{
    gateway::{Gateway, Options},
    http::Answer,
    postgres::Postgres,
};
use serde_json::{Value, json};

const EVENTS: &str = "/feedback/v1/events";
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");
/// Events of a batch.
const BATCH_EVENTS: u64 = 50;
/// Size of the small disk: the compiled code of one component, the databases, and some thousand events.
const DISK_MIB: u64 = 96;
/// What is left free on it before events are sent.
const FREE_KIB: u64 = 1_024;
/// Batches that are sent to the small disk at most; it is full long before.
const BATCHES_MAX: u64 = 2_000;
/// How long the database is away.
const AWAY: Duration = Duration::from_secs(30);
/// How long it may take until all is well again after a fault.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// Senders during the kills of the database.
const SENDERS: usize = 6;
/// Events acknowledged before a kill, at least, and up to so many more by the seed.
const ACKNOWLEDGED_MIN: u64 = 100;
const ACKNOWLEDGED_MORE: u64 = 400;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "faults::full_disk",
            "on a full disk events are refused with 507, nothing acknowledged is lost, and with room again all goes on",
            full_disk,
        ),
        Case::new(
            "faults::database_away",
            "while the database is away for half a minute senders get 503 and Retry-After; nothing acknowledged is lost, and it goes on by itself",
            database_away,
        ),
        Case::new(
            "faults::database_killed",
            "kill -9 of the database under load, again and again: no acknowledged event is lost, none counts twice",
            database_killed,
        ),
    ]
}

fn event(number: u64) -> Value {
    json!({
        "specversion": "1.0", "id": format!("e-{number}"), "source": "/e2e/faults", "type": "chudian.feedback.complaint.v1",
        "data": {"customer_id": format!("c-{}", number % 100), "channel": "web-hall", "region": REGION, "outcome": "succeeded",
                 "content": "上网慢，已登记。", "business": "plan-88"},
    })
}

fn batch(first: u64) -> String {
    let events: Vec<Value> = (first..first + BATCH_EVENTS).map(event).collect();
    Value::from(events).to_string()
}

fn send(caller: &Caller, first: u64) -> Result<Answer> {
    caller.send("POST", EVENTS, &[BATCH], batch(first).as_bytes())
}

/// Sends every batch once more: what was acknowledged must be known, the rest is accepted now; then the sums must have each event once.
fn account(caller: &Caller, sent: &BTreeMap<u64, bool>) -> Result<(u64, u64)> {
    let (mut acknowledged, mut all) = (0, 0);
    for (first, was_acknowledged) in sent {
        let answer = wait_for("a batch is taken after the fault", RECOVERY_MAX, || {
            Ok(send(caller, *first)
                .ok()
                .filter(|answer| answer.status == 200))
        })?
        .expect_status(200)?;
        all += BATCH_EVENTS;
        if *was_acknowledged {
            acknowledged += BATCH_EVENTS;
            ensure!(
                answer["duplicates"] == BATCH_EVENTS,
                "events of the acknowledged batch {first} are lost: {answer:.300}"
            );
        }
    }
    let months = caller.get("/feedback/v1/months")?.expect_status(200)?;
    let months = months["items"].as_array().context("no months")?;
    let counted: u64 = months
        .iter()
        .filter_map(|month| month["events"].as_u64())
        .sum();
    ensure!(
        counted == all,
        "{all} events were sent, {counted} are counted"
    );
    Ok((acknowledged, all))
}

fn start(host: &Host, options: Options) -> Result<(Gateway, Caller)> {
    let gateway = Gateway::start(options)?;
    let key = gateway.new_key("admin", None)?;
    let admin = host.caller_of(gateway.base_url()).with_bearer(key);
    Ok((gateway, admin))
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one; why not, where that is not allowed.
    fn mount(place: PathBuf) -> Result<Self> {
        fs::create_dir_all(&place)?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={DISK_MIB}m"), "tmpfs"])
            .arg(&place)
            .output()
            .context("cannot run mount")?;
        if output.status.success() {
            return Ok(Self(place));
        }
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(LeftOut(format!("a small disk cannot be mounted here: {why}")).into())
    }

    /// Bytes that are free.
    fn free_kib(&self) -> Result<u64> {
        let output = Command::new("df")
            .args(["--output=avail", "-k"])
            .arg(&self.0)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.lines().nth(1).context("df says nothing")?;
        Ok(number.trim().parse()?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a program that was killed may hold it for another moment.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill(disk: &SmallDisk, ballast: &Path) -> Result<()> {
    let kib = disk.free_kib()?.saturating_sub(FREE_KIB);
    fs::write(ballast, vec![0; usize::try_from(kib * 1_024)?])?;
    Ok(())
}

fn full_disk(host: &Host) -> Result<()> {
    if host.kind() != HostKind::Sqlite {
        return Err(LeftOut("the disk is the database server's own there".to_owned()).into());
    }
    let options = host.aside("full-disk")?;
    let disk = SmallDisk::mount(host.folder()?.join("small-disk"))?;
    let options = options
        .state(disk.0.join("state"))
        .words(["--component", "feedback-ingest"]);
    let (gateway, admin) = start(host, options)?;
    let mut sent = BTreeMap::new();
    send(&admin, 0)?.expect_status(200)?;
    sent.insert(0, true);
    let ballast = disk.0.join("ballast");
    fill(&disk, &ballast)?;
    let mut refused = 0;
    for number in 1..BATCHES_MAX {
        let first = number * BATCH_EVENTS;
        let answer = send(&admin, first)?;
        sent.insert(first, answer.status == 200);
        if answer.status != 200 {
            expect_problem(&answer, 507, "storage-full")?;
            refused += 1;
        }
        // It stays full: it is refused again and again, not once.
        if refused == 3 {
            break;
        }
    }
    ensure!(refused == 3, "the disk did not fill up");
    fs::remove_file(&ballast)?;
    let (acknowledged, all) = account(&admin, &sent)?;
    println!(
        "  full disk: {acknowledged} of {all} events acknowledged before, 3 batches refused with 507: 0 lost, 0 counted twice"
    );
    gateway.stop()
}

/// A gateway on a cluster of its own, which the case may harm.
fn own_cluster(host: &Host, name: &str) -> Result<(Postgres, Options)> {
    if host.kind() != HostKind::Postgres {
        return Err(LeftOut("it needs a database server".to_owned()).into());
    }
    let cluster = Postgres::start()?;
    let database = cluster.new_database("faults")?;
    let folder = host.folder()?;
    let options = Options::new(binary()?, repository()?.join("spin.toml"))
        .state(folder.join(name))
        .log(folder.join(format!("{name}.log")))
        .words(["--component", "feedback-ingest"])
        .variable("database", &database)
        .variable("database_host", &cluster.address());
    options.command("migrate", &[])?;
    Ok((cluster, options))
}

fn database_away(host: &Host) -> Result<()> {
    let (mut cluster, options) = own_cluster(host, "database-away")?;
    let (gateway, admin) = start(host, options)?;
    let mut sent = BTreeMap::new();
    let mut next = 0;
    for _ in 0..10 {
        send(&admin, next)?.expect_status(200)?;
        sent.insert(next, true);
        next += BATCH_EVENTS;
    }
    cluster.stop()?;
    let gone = Instant::now();
    let mut refused = 0;
    while gone.elapsed() < AWAY {
        let answer = send(&admin, next)?;
        expect_problem(&answer, 503, "storage-unavailable")?;
        let wait: u64 = answer
            .header("retry-after")
            .context("no Retry-After")?
            .parse()?;
        ensure!((1..=60).contains(&wait), "Retry-After: {wait}");
        sent.insert(next, false);
        next += BATCH_EVENTS;
        refused += 1;
        // A sender obeys; it only looks in once more before the end.
        thread::sleep(Duration::from_secs(wait).min(AWAY.saturating_sub(gone.elapsed())));
    }
    cluster.start_again()?;
    let (acknowledged, all) = account(&admin, &sent)?;
    println!(
        "  database away for {} s: {refused} batches refused with 503, {acknowledged} of {all} events acknowledged before: 0 lost, 0 counted twice",
        gone.elapsed().as_secs()
    );
    gateway.stop()
}

fn database_killed(host: &Host) -> Result<()> {
    let (mut cluster, options) = own_cluster(host, "database-killed")?;
    let (gateway, admin) = start(host, options)?;
    let (rounds, seed) = (rounds()?, seed()?);
    let sent: Mutex<BTreeMap<u64, bool>> = Mutex::default();
    let next = AtomicU64::new(0);
    let lock = || sent.lock().unwrap_or_else(PoisonError::into_inner);
    for round in 0..rounds {
        let is_over = AtomicBool::new(false);
        let wanted = ACKNOWLEDGED_MIN + drawn(seed, round, ACKNOWLEDGED_MORE);
        let before = lock().values().filter(|known| **known).count() as u64 * BATCH_EVENTS;
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let first = next.fetch_add(BATCH_EVENTS, Ordering::Relaxed);
                        lock().insert(first, false);
                        if send(&admin, first).is_ok_and(|answer| answer.status == 200) {
                            lock().insert(first, true);
                        }
                    }
                });
            }
            let enough = wait_for("enough events are acknowledged", RECOVERY_MAX, || {
                let known = lock().values().filter(|known| **known).count() as u64 * BATCH_EVENTS;
                Ok((known >= before + wanted).then_some(()))
            });
            let killed = cluster.kill();
            is_over.store(true, Ordering::Relaxed);
            enough.and(killed)
        })
        .with_context(|| format!("seed {seed}, round {round}"))?;
        cluster.start_again()?;
    }
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (acknowledged, all) =
        account(&admin, &sent).with_context(|| format!("seed {seed}, {rounds} rounds"))?;
    println!(
        "  seed {seed}: {rounds} kills of the database, {acknowledged} of {all} events acknowledged before: 0 lost, 0 counted twice"
    );
    gateway.stop()
}
