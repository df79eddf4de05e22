//! `chudian import-events` against a running system: tables of events count once, however often they are sent and wherever a run is killed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use chudian_e2e::{Caller, Host, ground::REGION, harness::Case, host::binary};
use chudian_test_support::gateway::Gateway;
use serde_json::Value;

/// Rows of the table whose sending is killed: a few seconds' worth.
const ROWS: u64 = 30_000;
/// How often it is killed before a run is let through.
const KILLS: u32 = 10;
/// The first kill comes so soon, and each next one so much later, so that every stage is met.
const KILL_STEP: Duration = Duration::from_millis(60);
/// How often the slow system says that it is busy, and for how long.
const BUSY_TIMES: usize = 3;
const BUSY_S: u64 = 1;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "import_events::table",
            "a table in GB18030 with Chinese headings becomes events; what cannot be one is in the file of rejects with row and reason",
            table,
        ),
        Case::new(
            "import_events::killed",
            "kill -9 many times half-way, then the whole file once more: no row is lost, none counts twice",
            killed,
        ),
        Case::new(
            "import_events::busy",
            "a system that is busy is asked again when it says, not before",
            busy,
        ),
    ]
}

struct Ground {
    gateway: Gateway,
    admin: Caller,
    key: String,
    folder: PathBuf,
}

fn ground(host: &Host, name: &str) -> Result<Ground> {
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

fn command(to: &str, state: &Path, key: &str, table: &Path) -> Result<Command> {
    let mut command = Command::new(binary()?);
    command
        .args(["import-events", "--json", "--lang", "en", "--to", to])
        .arg(table)
        .arg("--state-dir")
        .arg(state)
        .env("CHUDIAN_KEY", key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

impl Ground {
    fn import(&self, table: &Path) -> Result<Command> {
        let (to, state) = (self.gateway.base_url(), self.gateway.state());
        command(to, state, &self.key, table)
    }

    /// Events that the daily sums know.
    fn counted(&self) -> Result<u64> {
        let months = self.admin.get("/feedback/v1/months")?.expect_status(200)?;
        let items = months["items"].as_array().context("no months")?;
        Ok(items
            .iter()
            .filter_map(|month| month["events"].as_u64())
            .sum())
    }
}

/// What a program printed, when it succeeded.
fn told(output: &Output) -> Result<Value> {
    ensure!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("--json printed no JSON")
}

/// Accepted, duplicates, rejected.
fn counts(done: &Value) -> [u64; 3] {
    ["accepted", "duplicates", "rejected"].map(|name| done[name].as_u64().unwrap_or(u64::MAX))
}

fn table(host: &Host) -> Result<()> {
    let ground = ground(host, "import-events")?;
    let table = ground.folder.join("calls.csv");
    let number = "13698765421";
    host.witness().plant(number);
    let text = format!(
        "手机号码,类型,渠道,时间,结果,营销活动,通话时长,内容,客户姓名\n\
         {number},营销接触,外呼,2026-11-20 11:58:03,有兴趣,spring,94,想了解流量,张三\n\
         {number},营销接触,外呼,2026-11-20 11:58:03,有兴趣,spring,94,想了解流量,张三\n\
         {number},投诉,10086 人工,2026/11/21 9:30,成功,,,,张三\n\
         {number},闲聊,外呼,2026-11-21 9:31,成功,,,,张三\n\
         {number},营销接触,外呼,2026-11-21 9:32,成功,,,,张三\n\
         1369876,投诉,外呼,2026-11-21 9:33,成功,,,,张三\n"
    );
    let (bytes, _, failed) = encoding_rs::GB18030.encode(&text);
    ensure!(!failed, "the table cannot be written in GB18030");
    std::fs::write(&table, bytes)?;
    let refused = ground.import(&table)?.output()?;
    let error = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        !refused.status.success() && error.contains("客户姓名") && !error.contains(number),
        "a column that nobody named: {error}"
    );
    // The draft leaves the name behind.
    let mapping = ground.folder.join("calls.toml");
    let drafted = ground
        .import(&table)?
        .arg("--suggest")
        .arg(&mapping)
        .output()?;
    told(&drafted)?;
    let send = |words: &[&str]| -> Result<Value> {
        let mut command = ground.import(&table)?;
        command.arg("--mapping").arg(&mapping);
        command.args(["--rejects-max", "50%", "--constant"]);
        told(
            &command
                .arg(format!("region={REGION}"))
                .args(words)
                .output()?,
        )
    };
    let trial = send(&["--dry-run"])?;
    ensure!(
        trial["sent"] == false && trial["rejected"] == 2 && ground.counted()? == 0,
        "{trial}"
    );
    let done = send(&[])?;
    ensure!(
        done["encoding"] == "gb18030" && done["encoding_detected"] == true,
        "{done}"
    );
    // Two rows that say the same are one event; one is no kind, one no number, one lacks its campaign.
    ensure!(counts(&done) == [2, 1, 3], "{done}");
    let rejects = done["rejects"].as_str().context("no file of rejects")?;
    let rejects = std::fs::read_to_string(rejects)?;
    ensure!(
        rejects.contains("5,类型,not-a-word")
            && rejects.contains("6,/data/campaign,")
            && rejects.contains("7,手机号码,not-a-mobile-number"),
        "{rejects}"
    );
    ensure!(
        !rejects.contains("369876"),
        "a number is in the file of rejects"
    );
    let again = send(&[])?;
    ensure!(counts(&again) == [0, 3, 3], "sent again: {again}");
    ensure!(ground.counted()? == 2, "counted twice");
    ground.gateway.stop()
}

fn killed(host: &Host) -> Result<()> {
    let ground = ground(host, "import-events-killed")?;
    let table = ground.folder.join("many.csv");
    let mut text = String::from("customer_id,kind,channel,region,time,outcome,business\n");
    for row in 0..ROWS {
        let customer = format!("aaaaaaaaaaaaaaaaaaaaaaa{}", letters(row % 500));
        let (minute, second) = (row / 60 % 60, row % 60);
        let hour = row / 3_600;
        text.push_str(&format!(
            "{customer},business-query,web-hall,{REGION},2026-11-20 {hour:02}:{minute:02}:{second:02},succeeded,b-{row}\n"
        ));
    }
    std::fs::write(&table, text)?;
    let mut cuts = 0;
    let mut ended = None;
    for round in 1..=KILLS {
        let mut running = ground.import(&table)?.spawn()?;
        // The kill has to come at some moment of the work, and no other event marks it.
        thread::sleep(KILL_STEP * round);
        running.kill()?;
        let output = running.wait_with_output()?;
        if output.status.success() {
            ended = Some(told(&output)?);
            break;
        }
        cuts += 1;
    }
    let counted_before = ground.counted()?;
    let done = match ended {
        Some(done) => done,
        None => told(&ground.import(&table)?.output()?)?,
    };
    ensure!(
        done["rows_read"] == ROWS && done["rejected"] == 0,
        "of {ROWS} rows: {done}"
    );
    let counted = ground.counted()?;
    ensure!(
        counted == ROWS,
        "{ROWS} rows were sent in {cuts} broken runs and a whole one, {counted} are counted"
    );
    let again = told(&ground.import(&table)?.output()?)?;
    ensure!(
        counts(&again) == [0, ROWS, 0] && ground.counted()? == ROWS,
        "the whole file once more: {again}"
    );
    println!(
        "  {cuts} kills, {counted_before} of {ROWS} rows stored before the last run, which began behind row {}: 0 lost, 0 counted twice",
        done["rows_skipped_as_done"]
    );
    let left: Vec<_> = std::fs::read_dir(&ground.folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    ensure!(
        left == ["many.csv"],
        "files are left beside the table: {left:?}"
    );
    ground.gateway.stop()
}

/// Three characters of the alphabet of pseudonyms, the last of which a pseudonym may end with.
fn letters(number: u64) -> String {
    let letter = |of: u64| char::from(b'a' + u8::try_from(of % 26).unwrap_or(0));
    let last = ['a', 'e', 'i', 'm', 'q', 'u', 'y'];
    let end = last
        .get(usize::try_from(number % 7).unwrap_or(0))
        .copied()
        .unwrap_or('a');
    format!("{}{}{end}", letter(number / 7), letter(number / 182))
}

fn busy(host: &Host) -> Result<()> {
    let folder = host.folder()?.join("import-events-busy");
    std::fs::create_dir_all(&folder)?;
    let table = folder.join("one.csv");
    std::fs::write(
        &table,
        format!(
            "customer_id,kind,channel,region,time\naaaaaaaaaaaaaaaaaaaaaaaaaa,complaint,web-hall,{REGION},2026-11-20 09:00\n"
        ),
    )?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = format!("http://{}", listener.local_addr()?);
    let server = thread::spawn(move || slow_system(&listener));
    let output = command(&to, &folder, "key", &table)?.output()?;
    let arrivals = server
        .join()
        .map_err(|_| anyhow::anyhow!("the slow system panicked"))??;
    let done = told(&output)?;
    ensure!(counts(&done) == [1, 0, 0], "{done}");
    for pair in arrivals.windows(2) {
        let [one, next] = pair else {
            bail!("no pair");
        };
        ensure!(
            next.duration_since(*one) >= Duration::from_secs(BUSY_S),
            "it came again after {:?}",
            next.duration_since(*one)
        );
    }
    Ok(())
}

/// Says that it is busy a few times, by turns with 503 and 429, and then accepts; when each request came.
fn slow_system(listener: &TcpListener) -> Result<Vec<Instant>> {
    let mut arrivals = Vec::new();
    for time in 0..=BUSY_TIMES {
        let (mut connection, _) = listener.accept()?;
        read_request(&mut connection)?;
        arrivals.push(Instant::now());
        let answer = if time < BUSY_TIMES {
            let status = ["503 Service Unavailable", "429 Too Many Requests"][time % 2];
            format!(
                "HTTP/1.1 {status}\r\nretry-after: {BUSY_S}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        } else {
            let body =
                r#"{"accepted":1,"duplicates":0,"rejected":0,"results":[{"status":"accepted"}]}"#;
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        };
        connection.write_all(answer.as_bytes())?;
    }
    Ok(arrivals)
}

fn read_request(connection: &mut TcpStream) -> Result<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    Ok(())
}
