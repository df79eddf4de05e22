//! From events to columns to a list: `chudian batch contacts` over a running system, and what came since at the moment of freezing.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{Caller, Host, ground::REGION, harness::Case, host::binary, wait_for};
use chudian_test_support::gateway::Gateway;
use serde_json::{Value, json};

/// Customers of the table, those contacted before the columns are made, and those contacted after.
const CUSTOMERS: u64 = 200;
const CONTACTED: u64 = 40;
const CONTACTED_SINCE: u64 = 5;
/// How long a new dataset version may take until every instance believes it.
const IN_FORCE_MAX: Duration = Duration::from_secs(10);
/// How long a word of a customer may take until a column knows it: the columns are made anew until they do.
const REPORTED_MAX: Duration = Duration::from_secs(60);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "contacts::batch",
            "events of a table become columns, on two machines and over a kill; a list leaves out who is in them and who was contacted since",
            batch,
        ),
        Case::new(
            "contacts::refusal",
            "who refuses by short message is in no list from then on; who takes it back is in one again when the columns are made",
            refusal,
        ),
    ]
}

struct Ground {
    gateway: Gateway,
    admin: Caller,
    key: String,
    folder: PathBuf,
}

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

impl Ground {
    fn lay(host: &Host, name: &str) -> Result<Self> {
        let options = host.aside(name)?;
        // The hall's key can only be made by a gateway that runs.
        let first = Gateway::start(options.clone())?;
        let hall_key = first.new_key("hall", None)?;
        first.stop()?;
        let gateway = Gateway::start(options.variable("sms_hall_key", &hall_key))?;
        let key = gateway.new_key("admin", None)?;
        let admin = host.caller_of(gateway.base_url()).with_bearer(&key);
        let folder = host.folder()?.join(format!("{name}-files"));
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            gateway,
            admin,
            key,
            folder,
        })
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args(words)
            .args(["--json", "--to", self.gateway.base_url()])
            .arg("--state-dir")
            .arg(self.gateway.state())
            .env("CHUDIAN_KEY", &self.key)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Reports that customers were approached by short message.
    fn approach(&self, name: &str, numbers: std::ops::Range<u64>) -> Result<()> {
        let mut text = String::from("手机号码,类型,渠道,地区,时间,结果,营销活动,业务\n");
        let time = now()?;
        for number in numbers.clone() {
            text.push_str(&format!(
                "{},营销接触,短信营业厅,{REGION},{time},已送达,e2e,ring-tone\n",
                phone(number)
            ));
        }
        let table = self.file(name, &text)?;
        let done = told(&self.command(&["import-events", &table])?.output()?)?;
        ensure!(done["accepted"] == numbers.end - numbers.start, "{done}");
        Ok(())
    }

    fn current(&self) -> Result<Value> {
        self.admin
            .get("/dataset/v1/snapshots/current")?
            .expect_status(200)
    }

    fn in_force(&self, version: &Value) -> Result<()> {
        ensure!(version.is_string(), "nothing was published: {version}");
        wait_for("the new version is in force", IN_FORCE_MAX, || {
            Ok((self.current()?["version"] == *version).then_some(()))
        })
    }

    /// A list of everyone whom the default exclusions leave.
    fn freeze(&self) -> Result<Value> {
        let request = json!({
            "name": "e2e", "purpose": "e2e", "channel": {"fixed": "sms-hall"},
            "selection": {"expression": "arpu >= 0", "business": "ring_tone", "channels": ["sms-hall"],
                          "exclusions": {"set": "default"}},
        });
        self.admin
            .post("/filter/v1/lists", &request)?
            .expect_status(201)
    }

    /// Waits until a condition selects so many: every instance believes for a moment what was.
    fn selects(&self, expression: &str, customers: u64) -> Result<()> {
        let body = json!({"selection": {"expression": expression}}).to_string();
        let json = [("content-type", "application/json")];
        let what = format!("`{expression}` selects {customers}");
        wait_for(&what, IN_FORCE_MAX, || {
            let answer = self
                .admin
                .send("POST", "/filter/v1/count", &json, body.as_bytes())?
                .expect_status(200)?;
            Ok((answer["selected"] == customers).then_some(()))
        })
    }
}

fn phone(number: u64) -> String {
    format!("160{number:08}")
}

fn now() -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = chrono::DateTime::from_timestamp_millis(i64::try_from(since.as_millis())?)
        .context("the clock is outside the calendar")?;
    Ok(now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

fn table(ground: &Ground) -> Result<()> {
    // Who holds the business stands in the extract, and so does not become a column of the events.
    let mut text = String::from("number,region,arpu,has_ring_tone\n");
    for number in 0..CUSTOMERS {
        text.push_str(&format!("{},{REGION},{},no\n", phone(number), number % 90));
    }
    let table = ground.file("customers.csv", &text)?;
    let mapping = "format = \"chudian-mapping/1\"\n[id]\nheading = \"number\"\nform = \"number\"\n\
        [[column]]\nheading = \"region\"\nname = \"region\"\nkind = \"word\"\npurpose = \"region\"\ntitle = { zh = \"地区\", en = \"Region\" }\n\
        [[column]]\nheading = \"arpu\"\nname = \"arpu\"\nkind = \"money\"\nfrom = \"yuan\"\ntitle = { zh = \"月均消费\", en = \"Monthly spend\" }\n\
        [[column]]\nheading = \"has_ring_tone\"\nname = \"has_ring_tone\"\nkind = \"flag\"\ntitle = { zh = \"已订彩铃\", en = \"Has ring tone\" }\n";
    let mapping = ground.file("customers.toml", mapping)?;
    let words = ["import", &table, "--mapping", &mapping];
    let done = told(&ground.command(&words)?.output()?)?;
    ground.in_force(&done["version"])
}

/// Two machines over one folder, one of them cut off in between.
fn columns(ground: &Ground) -> Result<()> {
    let parts = ground.folder.join("parts").display().to_string();
    let as_of = now()?;
    let share = |share: &str| -> Result<Command> {
        let words = [
            "batch",
            "contacts",
            "--as-of",
            &as_of,
            "--parts",
            &parts,
            "--partition",
            share,
        ];
        let mut command = ground.command(&words)?;
        command.args(["--column", "contact_count_sms_hall_marketing_contact_7d"]);
        Ok(command)
    };
    let first = told(&share("1/2")?.output()?)?;
    ensure!(
        first["published_version"].is_null(),
        "half of it is published: {first}"
    );
    let mut cut = share("2/2")?.spawn()?;
    cut.kill()?;
    cut.wait()?;
    ensure!(
        Path::new(&parts).join("plan.json").exists(),
        "the plan is gone"
    );
    let second = told(&share("2/2")?.output()?)?;
    ensure!(
        second["customers_with_events"] == CONTACTED && second["customers_in_dataset"] == CONTACTED,
        "{second}"
    );
    ensure!(second["horizon"] == as_of.as_str(), "{second}");
    ground.in_force(&second["published_version"])?;
    let left: Vec<_> = std::fs::read_dir(&parts)?.collect();
    ensure!(left.is_empty(), "files are left: {left:?}");
    for (expression, customers) in [
        ("contact_count_sms_hall_any_30d = 1", CONTACTED),
        ("contact_count_sms_hall_marketing_contact_7d = 1", CONTACTED),
        ("contact_success_any_any_ever = 1", CONTACTED),
        ("count(sms-hall, marketing-contact, 30d) = 1", CONTACTED),
        // Of whom no event is known, it is known that there was none.
        ("contact_count_any_any_ever = 0", CUSTOMERS - CONTACTED),
        ("marketed_ring_tone_on >= 1 days ago", CONTACTED),
    ] {
        ground.selects(expression, customers)?;
    }
    Ok(())
}

fn batch(host: &Host) -> Result<()> {
    let ground = Ground::lay(host, "contacts")?;
    table(&ground)?;
    ground.approach("before.csv", 0..CONTACTED)?;
    columns(&ground)?;
    ground.approach("since.csv", CONTACTED..CONTACTED + CONTACTED_SINCE)?;
    let list = ground.freeze()?;
    ensure!(
        list["account"]["candidates"] == CUSTOMERS - CONTACTED - CONTACTED_SINCE,
        "{list}"
    );
    ensure!(
        list["fresh_events"]["left_out"] == CONTACTED_SINCE
            && list["fresh_events"]["until"].is_string(),
        "{list}"
    );
    let id = list["list_id"].as_str().context("no list_id")?;
    let verified = ground
        .admin
        .send(
            "POST",
            &format!("/filter/v1/lists/{id}/verification"),
            &[],
            &[],
        )?
        .expect_status(200)?;
    ensure!(verified["identical"] == true, "{verified}");
    // The next columns know them, and the same list needs no fresh event.
    let words = ["batch", "contacts", "--as-of", &now()?];
    let done = told(&ground.command(&words)?.output()?)?;
    ground.in_force(&done["published_version"])?;
    ground.selects(
        "contact_count_any_any_ever = 1",
        CONTACTED + CONTACTED_SINCE,
    )?;
    ground.gateway.stop()
}

fn refusal(host: &Host) -> Result<()> {
    let ground = Ground::lay(host, "refusals")?;
    table(&ground)?;
    ground.approach("before.csv", 0..CONTACTED)?;
    let columns = |ground: &Ground| -> Result<()> {
        let words = ["batch", "contacts", "--as-of", &now()?];
        let done = told(&ground.command(&words)?.output()?)?;
        ground.in_force(&done["published_version"])
    };
    columns(&ground)?;
    let candidates = |expected: u64| -> Result<()> {
        let list = ground.freeze()?;
        ensure!(
            list["account"]["candidates"] == expected,
            "not {expected}: {list}"
        );
        Ok(())
    };
    let others = CUSTOMERS - CONTACTED;
    candidates(others)?;

    // Nothing is ever sent through this gateway.
    let request = json!({
        "name": "e2e", "provider": "tencent", "region": REGION, "addresses": ["127.0.0.0/8", "::1"], "endpoint": "http://127.0.0.1:9",
        "sender": { "sign_name": "触点", "template": "1110", "application": "1400000000" },
        "credential": { "id": "e2e", "secret": "e2e-secret" },
    });
    let made = ground
        .admin
        .post("/sms/v1/gateways", &request)?
        .expect_status(201)?;
    let path = made["inbound_path"].as_str().context("no path")?;
    let line = host.caller_of(ground.gateway.base_url());
    let say = |number: u64, at: u64, text: &str| -> Result<()> {
        let body = json!({ "extend": "", "mobile": phone(number), "nationcode": "86", "sign": "触点", "text": text, "time": at });
        line.post(path, &body)?.expect_status(200).map(drop)
    };
    let (stays, returns) = (CUSTOMERS - 2, CUSTOMERS - 1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    say(stays, since, "退订")?;
    say(returns, since, "退订")?;
    candidates(others - 2)?;

    say(returns, since + 1, "恢复")?;
    // Reports reach the contact log after the acknowledgement.
    let known = "contact_count_sms_hall_business_handling_ever = 2";
    wait_for("both words in the columns", REPORTED_MAX, || {
        columns(&ground)?;
        let body = json!({"selection": {"expression": known}});
        let answer = ground.admin.post("/filter/v1/count", &body)?;
        // Before the first word is known there is no such column.
        let is_known = answer.status == 200 && answer.json()?["selected"] == 1;
        Ok(is_known.then_some(()))
    })?;
    ground.selects("opted_out_of_sms_hall = yes", 1)?;
    candidates(others - 1)?;
    ground.gateway.stop()
}
