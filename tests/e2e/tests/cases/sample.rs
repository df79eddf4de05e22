//! The sample: what was planted is found, the terminal says what HTTP says, and the page shows it in a real browser.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use chudian_e2e::{
    Caller, Host,
    ground::today,
    harness::Case,
    host::{HostKind, binary},
    repository,
};
use chudian_test_support::gateway::Gateway;
use serde_json::{Value, json};

use super::browser::try_pages;

/// Enough for every planted kind to occur, few enough to be loaded in a moment.
const CUSTOMERS: &str = "150";

/// Any seed does; this one is not the one of `cargo xtask up`.
const SEED: &str = "7";

/// Whose usage the example is taken to be.
const PLAN: &str = "mzone-58";
const CUSTOMER_TYPE: &str = "individual";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "sample::planted",
            "for every planted customer the first in the ranking is the planted plan, by the planted margin",
            planted,
        ),
        Case::new(
            "sample::terminal",
            "`chudian simulate` gives the figures of the HTTP call for the same usage, in both encodings",
            terminal,
        ),
        Case::new(
            "sample::browser",
            "the page works in a real browser, with a real token, against the real gateway",
            browser,
        ),
    ]
}

/// A gateway with the sample, loaded by the command that users run.
struct Sample {
    gateway: Gateway,
    admin: Caller,
    files: std::path::PathBuf,
}

fn sample(host: &Host) -> Result<Sample> {
    let options = host.aside("sample")?;
    let files = host.folder()?.join("sample-files");
    let gateway = Gateway::start(options)?;
    let key = gateway.new_key("admin", None)?;
    let admin = host.caller_of(gateway.base_url()).with_bearer(&key);
    if !files.join("planted.json").is_file() {
        let mut command = Command::new(binary()?);
        command
            .args(["sample", "--seed", SEED, "--customers", CUSTOMERS, "--out"])
            .arg(&files);
        command
            .args(["--load", gateway.base_url(), "--json"])
            .env("CHUDIAN_KEY", &key);
        run(&mut command)?;
    }
    Ok(Sample {
        gateway,
        admin,
        files,
    })
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    ensure!(
        output.status.success(),
        "{:?} failed ({}):\n{}{}",
        command.get_program(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

fn planted_customers(files: &Path) -> Result<Vec<Value>> {
    let planted: Value = serde_json::from_slice(&std::fs::read(files.join("planted.json"))?)?;
    let customers = planted["customers"]
        .as_array()
        .context("planted.json names no customers")?;
    ensure!(
        customers.len() >= 10,
        "only {} are planted",
        customers.len()
    );
    Ok(customers.clone())
}

fn planted(host: &Host) -> Result<()> {
    let sample = sample(host)?;
    let mut wrong = Vec::new();
    for customer in planted_customers(&sample.files)? {
        let answer = sample
            .admin
            .post(
                "/tariff/v1/simulations",
                &json!({ "customer_id": customer["customer_id"], "limit": 200 }),
            )?
            .expect_status(200)?;
        let (first, second) = (&answer["ranking"][0], &answer["ranking"][1]);
        let margin_fen = second["total_fen"]
            .as_i64()
            .zip(first["total_fen"].as_i64())
            .map(|(second, first)| second - first);
        let enough = second.is_null() || margin_fen >= customer["margin_fen"].as_i64();
        if first["plan_id"] != customer["best_plan_id"] || !enough {
            wrong.push(format!(
                "{customer}: first is {} before {} by {margin_fen:?} fen",
                first["plan_id"], second["plan_id"]
            ));
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} customers:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    sample.gateway.stop()
}

fn terminal(host: &Host) -> Result<()> {
    let sample = sample(host)?;
    let catalogue = sample.files.join("catalogue.json");
    let day = today()?.to_string();
    let simulate = |table: &str| -> Result<Value> {
        let mut command = Command::new(binary()?);
        command
            .arg("simulate")
            .arg(sample.files.join(table))
            .arg("--catalogue")
            .arg(&catalogue);
        command.args([
            "--plan",
            PLAN,
            "--customer-type",
            CUSTOMER_TYPE,
            "--as-of",
            &day,
            "--top",
            "200",
            "--json",
            "--from",
        ]);
        command.arg(repository()?.join("spin.toml"));
        serde_json::from_slice(&run(&mut command)?)
            .context("`chudian simulate --json` printed no JSON")
    };
    let printed = simulate("usage-example.csv")?;
    ensure!(
        printed == simulate("usage-example.gb18030.csv")?,
        "the two encodings of one table give different answers"
    );
    let months = months_of_table(
        &std::fs::read_to_string(sample.files.join("usage-example.csv"))?,
        &serde_json::from_slice(&std::fs::read(&catalogue)?)?,
    )?;
    let request = json!({
        "usage": { "schema": "chudian-usage/1", "months": months },
        "profile": { "plan_id": PLAN, "customer_type": CUSTOMER_TYPE },
        "as_of": day, "limit": 200,
    });
    let answered = sample
        .admin
        .post("/tariff/v1/simulations", &request)?
        .expect_status(200)?;
    ensure!(
        answered["ranking"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty()),
        "nothing is ranked: {answered}"
    );
    for member in [
        "catalogue_version",
        "months",
        "estimated",
        "present",
        "ranking",
        "left_out",
    ] {
        let (printed, answered) = (&printed[member], &answered[member]);
        ensure!(
            printed == answered,
            "{member}: printed {printed}\nanswered {answered}"
        );
    }
    sample.gateway.stop()
}

/// The example's rows as months of usage, read here in another way than the command reads them: month, kind, category, band,
/// count, billed minutes, MB.
fn months_of_table(table: &str, catalogue: &Value) -> Result<Vec<Value>> {
    let mut months: Vec<Value> = Vec::new();
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.trim_end().split(',').collect();
        let [month, kind, category, band, count, minutes, volume_mb] = cells[..] else {
            bail!("a row of another form: {row}")
        };
        let kind = match kind {
            "语音" => "voice",
            "流量" => "data",
            "短信" => "sms",
            other => bail!("an unknown kind: {other}"),
        };
        let id_of = |words: &Value, name: &str| -> Result<Value> {
            let found = words.as_array().into_iter().flatten().find(|word| {
                word["name"]["zh"]
                    .as_str()
                    .is_some_and(|known| known == name || known.starts_with(&format!("{name}（")))
            });
            Ok(found.with_context(|| format!("the catalogue has no {name}"))?["id"].clone())
        };
        let mut line =
            json!({ "kind": kind, "category": id_of(&catalogue["categories"][kind], category)? });
        if !band.is_empty() {
            line["band"] = id_of(&catalogue["bands"], band)?;
        }
        if !count.is_empty() {
            line["count"] = json!(count.parse::<u64>()?);
        }
        if !minutes.is_empty() {
            let minutes: u64 = minutes.parse()?;
            line["billed_60s_units"] = json!(minutes);
            line["seconds"] = json!(minutes * 60);
        }
        if !volume_mb.is_empty() {
            let (whole, decimals) = volume_mb.split_once('.').unwrap_or((volume_mb, "0"));
            let scale = 10_u64.pow(decimals.len().try_into()?);
            let scaled_kb = (whole.parse::<u64>()? * scale + decimals.parse::<u64>()?) * 1024;
            ensure!(scaled_kb % scale == 0, "{volume_mb} MB are no whole KB");
            line["kb"] = json!(scaled_kb / scale);
        }
        if months.last().is_none_or(|last| last["month"] != month) {
            months.push(json!({ "month": month, "lines": [] }));
        }
        let lines = months
            .last_mut()
            .and_then(|last| last["lines"].as_array_mut())
            .context("no month")?;
        lines.push(line);
    }
    Ok(months)
}

fn browser(host: &Host) -> Result<()> {
    let sample = sample(host)?;
    let customers = planted_customers(&sample.files)?;
    let customer = &customers.first().context("no customer")?["customer_id"];
    let token = sample
        .admin
        .post(
            "/tariff/v1/page-tokens",
            &json!({ "customer_id": customer, "ttl_s": 900 }),
        )?
        .expect_status(201)?;
    let Some(token) = token["token"].as_str() else {
        bail!("no token: {token}")
    };
    let files: &[&str] = if host.kind() == HostKind::Sqlite {
        &["tariff/"]
    } else {
        // The states of the page are shown with answers put in place of the function's: they are the same on every database.
        &["tariff/real.spec.ts"]
    };
    try_pages(
        sample.gateway.base_url(),
        files,
        &[("CHUDIAN_PAGE_TOKEN", token)],
    )?;
    sample.gateway.stop()
}
