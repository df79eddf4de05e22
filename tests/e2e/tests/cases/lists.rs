//! Target lists on the sample (TF-4, TF-5, TF-6): from a table to an opened file, with the program that a custodian uses.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::{expect_problem, problem_code},
    harness::Case,
    host::binary,
};
use chudian_test_support::gateway::Gateway;
use serde_json::{Value, json};

/// Rows of the table: enough users of each business to learn from, few enough for a quick import.
const ROWS: usize = 20_000;

/// The routes of `docs/reference/lists-api.md` with the roles that they let in.
const REFERENCE: [(&str, &str, &[&str]); 19] = [
    ("post", "/filter/v1/lists", &["analyst", "admin"]),
    (
        "get",
        "/filter/v1/lists",
        &["analyst", "approver", "custodian", "admin"],
    ),
    (
        "get",
        "/filter/v1/lists/{list_id}",
        &["analyst", "approver", "custodian", "admin"],
    ),
    (
        "post",
        "/filter/v1/lists/{list_id}/verification",
        &["analyst", "approver", "admin"],
    ),
    (
        "post",
        "/filter/v1/lists/{list_id}/submission",
        &["analyst", "admin"],
    ),
    ("post", "/filter/v1/lists/{list_id}/approval", &["approver"]),
    (
        "post",
        "/filter/v1/lists/{list_id}/rejection",
        &["approver"],
    ),
    (
        "post",
        "/filter/v1/lists/{list_id}/expiry",
        &["analyst", "approver", "admin"],
    ),
    ("post", "/filter/v1/lists/{list_id}/exports", &["custodian"]),
    (
        "get",
        "/filter/v1/lists/{list_id}/exports",
        &["approver", "custodian", "admin"],
    ),
    (
        "get",
        "/filter/v1/lists/{list_id}/exports/{export_id}/file",
        &["custodian"],
    ),
    (
        "post",
        "/filter/v1/lists/{list_id}/traces",
        &["approver", "admin"],
    ),
    (
        "post",
        "/filter/v1/lists/{list_id}/next",
        &["hall", "channel"],
    ),
    (
        "get",
        "/filter/v1/lists/{list_id}/customers/{customer_id}",
        &["hall", "channel"],
    ),
    (
        "put",
        "/filter/v1/lists/{list_id}/customers/{customer_id}/result",
        &["hall", "channel"],
    ),
    (
        "get",
        "/filter/v1/lists/{list_id}/accesses",
        &["approver", "admin"],
    ),
    ("post", "/filter/v1/lookalikes", &["analyst", "admin"]),
    (
        "get",
        "/filter/v1/lookalikes/{run_id}",
        &["analyst", "approver", "admin"],
    ),
    (
        "get",
        "/filter/v1/lookalikes/{run_id}/segments/{segment}/points",
        &["analyst", "admin"],
    ),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "lists::routes",
            "the routes of the reference are those of the document, and let in the roles that it names",
            routes,
        ),
        Case::new(
            "lists::walk_through",
            "a list is frozen, approved, exported, opened and completed; the server never had the private key or a number",
            walk_through,
        ),
        Case::new(
            "lists::planted",
            "what the sample planted is found, and of a business that depends on nothing nothing is claimed",
            planted,
        ),
    ]
}

fn routes(host: &Host) -> Result<()> {
    let document = host
        .open()
        .get("/filter/v1/openapi.json")?
        .expect_status(200)?;
    let paths = document["paths"].as_object().context("no paths")?;
    let mut served: Vec<(String, String)> = Vec::new();
    for (path, item) in paths
        .iter()
        .filter(|(path, _)| path.contains("/lists") || path.contains("/lookalikes"))
    {
        let methods = item.as_object().context("a path without methods")?.keys();
        served.extend(
            methods
                .filter(|method| ["get", "post", "put", "delete"].contains(&method.as_str()))
                .map(|method| (method.clone(), path.clone())),
        );
    }
    let mut wanted: Vec<(String, String)> = REFERENCE
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    served.sort();
    wanted.sort();
    ensure!(served == wanted, "served {served:?}, wanted {wanted:?}");
    for (method, path, roles) in REFERENCE {
        let address = path
            .replace("{list_id}", "fl_none")
            .replace("{export_id}", "fx_none")
            .replace("{customer_id}", "none")
            .replace("{run_id}", "fk_none")
            .replace("{segment}", "0");
        let ask = |caller: &Caller| match method {
            "get" => caller.get(&address),
            "put" => caller.put(&address, &json!({})),
            _ => caller.post(&address, &json!({})),
        };
        expect_problem(&ask(&host.open())?, 401, "key-missing")?;
        for role in [
            "hall",
            "channel",
            "analyst",
            "custodian",
            "approver",
            "admin",
        ] {
            let answer = ask(&host.with(role)?)?;
            let is_refused = problem_code(&answer) == "role-not-allowed";
            ensure!(
                is_refused != roles.contains(&role),
                "{method} {path} as {role}: {}",
                problem_code(&answer)
            );
        }
    }
    Ok(())
}

struct Ground {
    gateway: Gateway,
    keys: BTreeMap<&'static str, String>,
    folder: PathBuf,
    table: PathBuf,
}

impl Ground {
    /// A gateway of its own with the sample imported.
    fn lay(host: &Host, name: &str) -> Result<Self> {
        let gateway = Gateway::start(host.aside(name)?)?;
        let mut keys = BTreeMap::new();
        for role in ["admin", "analyst", "approver", "custodian", "hall"] {
            keys.insert(role, gateway.new_key(role, None)?);
        }
        let folder = host.folder()?.join(format!("{name}-files"));
        std::fs::create_dir_all(&folder)?;
        let table = folder.join("customers.csv");
        let ground = Self {
            gateway,
            keys,
            folder,
            table,
        };
        let rows = ROWS.to_string();
        let table = ground.table.to_string_lossy().into_owned();
        ground.run(
            "admin",
            &[
                "sample", "--json", "--table", &rows, "--seed", "7", "--out", &table,
            ],
        )?;
        let mapping = ground
            .table
            .with_extension("mapping.toml")
            .to_string_lossy()
            .into_owned();
        let state = ground.gateway.state().to_string_lossy().into_owned();
        let to = ground.gateway.base_url().to_owned();
        ground.run(
            "admin",
            &[
                "import",
                "--json",
                "--to",
                &to,
                &table,
                "--mapping",
                &mapping,
                "--state-dir",
                &state,
            ],
        )?;
        Ok(ground)
    }

    fn caller(&self, host: &Host, role: &str) -> Result<Caller> {
        let key = self.keys.get(role).context("no key of this role")?;
        Ok(host.caller_of(self.gateway.base_url()).with_bearer(key))
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn output(&self, role: &str, words: &[&str]) -> Result<Output> {
        let key = self.keys.get(role).context("no key of this role")?;
        Ok(Command::new(binary()?)
            .args(words)
            .env("CHUDIAN_KEY", key)
            .env("LANG", "en_GB.UTF-8")
            .stdin(Stdio::null())
            .output()?)
    }

    /// What the program prints, which must succeed.
    fn run(&self, role: &str, words: &[&str]) -> Result<String> {
        let output = self.output(role, words)?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.success(),
            "{words:?}: {}{errors}",
            String::from_utf8_lossy(&output.stdout)
        );
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn walk_through(host: &Host) -> Result<()> {
    let ground = Ground::lay(host, "lists")?;
    let (analyst, approver) = (
        ground.caller(host, "analyst")?,
        ground.caller(host, "approver")?,
    );
    let request = json!({
        "name": "彩铃推广", "purpose": "推广彩铃业务",
        "selection": {"expression": "arpu >= 60 and has_ring_tone = no"},
        "channel": {"fixed": "sms-hall"}, "priority": {"column": {"name": "arpu"}},
        "caps": [{"members_max": 1_500}], "control": {"permille": 100}, "batches": {"size": 500}, "columns": ["brand", "arpu"],
    });
    let list = analyst
        .post("/filter/v1/lists", &request)?
        .expect_status(201)?;
    ensure!(
        list["account"]["contacted"] == 1_500
            && list["account"]["caps"][0]["removed"].as_u64() > Some(0),
        "{list}"
    );
    let id = list["list_id"].as_str().context("no id")?;
    let again = analyst
        .post(&format!("/filter/v1/lists/{id}/verification"), &json!({}))?
        .expect_status(200)?;
    ensure!(again["identical"] == true, "{again}");

    let secret = ground.file("custodian.key");
    let public = ground.run("custodian", &["list", "identity", "--out", &secret])?;
    let (to, sealed) = (
        ground.gateway.base_url().to_owned(),
        ground.file("list.csv.age"),
    );
    let export = [
        "list",
        "export",
        id,
        "--to",
        &to,
        "--receiver",
        "短信平台",
        "--recipient",
        public.trim(),
        "--out",
        &sealed,
        "--json",
    ];
    let early = ground.output("custodian", &export)?;
    ensure!(
        !early.status.success() && !std::path::Path::new(&sealed).exists(),
        "a draft was exported"
    );
    let reason = json!({"reason": "可以"});
    analyst
        .post(&format!("/filter/v1/lists/{id}/submission"), &reason)?
        .expect_status(200)?;
    expect_problem(
        &analyst.post(&format!("/filter/v1/lists/{id}/approval"), &reason)?,
        403,
        "role-not-allowed",
    )?;
    approver
        .post(&format!("/filter/v1/lists/{id}/approval"), &reason)?
        .expect_status(200)?;
    let made: Value = serde_json::from_str(&ground.run("custodian", &export)?)?;
    ensure!(made["rows"] == 1_500, "{made}");

    let other = ground.file("other.key");
    ground.run("custodian", &["list", "identity", "--out", &other])?;
    ensure!(
        !ground
            .output(
                "custodian",
                &["list", "decrypt", &sealed, "--identity", &other]
            )?
            .status
            .success(),
        "another key opened it"
    );
    let plain = ground.run(
        "custodian",
        &["list", "decrypt", &sealed, "--identity", &secret],
    )?;
    ensure!(
        plain.lines().count() == 1_501
            && plain.contains("customer_id,batch,channel,region,brand,arpu,reference")
    );

    let (state, numbers) = (
        ground.gateway.state().to_string_lossy().into_owned(),
        ground.table.to_string_lossy().into_owned(),
    );
    let complete = ground.file("complete.csv");
    let join = [
        "list",
        "join",
        &sealed,
        "--identity",
        &secret,
        "--numbers",
        &numbers,
        "--column",
        "number",
        "--state-dir",
        &state,
        "--out",
        &complete,
        "--json",
    ];
    let joined: Value = serde_json::from_str(&ground.run("custodian", &join)?)?;
    ensure!(
        joined["rows"] == 1_500 && joined["unmatched"] == 0,
        "{joined}"
    );
    let complete = std::fs::read_to_string(&complete)?;
    ensure!(
        complete.lines().skip(1).all(|line| line.starts_with("160")),
        "a line without its number"
    );

    let hall = ground.caller(host, "hall")?;
    let first = hall
        .post(&format!("/filter/v1/lists/{id}/next"), &json!({}))?
        .expect_status(200)?;
    let second = hall
        .post(&format!("/filter/v1/lists/{id}/next"), &json!({}))?
        .expect_status(200)?;
    ensure!(
        first["customer_id"] != second["customer_id"],
        "{first} and {second}"
    );
    ground.gateway.stop()
}

fn planted(host: &Host) -> Result<()> {
    let ground = Ground::lay(host, "lookalikes")?;
    let analyst = ground.caller(host, "analyst")?;
    let find = |flag: &str| {
        let request =
            json!({"purpose": "找潜在客户", "users": {"expression": format!("{flag} = yes")}});
        analyst
            .post("/filter/v1/lookalikes", &request)?
            .expect_status(201)
    };
    let supported = |found: &Value| -> Vec<String> {
        let characteristics = found["characteristics"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let supported = characteristics
            .iter()
            .filter(|found| found["is_supported"] == true);
        supported
            .filter_map(|found| found["column"].as_str().map(str::to_owned))
            .collect()
    };
    let video = find("has_video_pack")?;
    let names = supported(&video);
    for wanted in ["age_group", "app_logins_90d", "data_kb_m6"] {
        ensure!(
            names.iter().any(|name| name == wanted),
            "{wanted} is not among {names:?}"
        );
    }
    ensure!(
        video["score"]["area_under_curve"].as_f64() > Some(0.7),
        "{}",
        video["score"]
    );
    ensure!(
        video["rule"]["lift"].as_f64() > Some(1.3),
        "{}",
        video["rule"]
    );
    // The score as columns: of those of whom half should hold the pack, about half do, where a third of all does.
    let to = ground.gateway.base_url().to_owned();
    let run = video["run_id"].as_str().context("no run")?;
    let publish = [
        "batch",
        "lookalike",
        run,
        "--name",
        "video_pack",
        "--json",
        "--to",
        &to,
    ];
    let done: Value = serde_json::from_str(&ground.run("analyst", &publish)?)?;
    let count = |expression: &str| -> Result<u64> {
        let body =
            json!({"selection": {"expression": expression, "dataset": done["published_version"]}});
        let answer = analyst
            .post("/filter/v1/count", &body)?
            .expect_status(200)?;
        answer["selected"].as_u64().context("no count")
    };
    let likely = "lookalike_video_pack_share >= 0.5";
    let (chosen, holders) = (
        count(likely)?,
        count(&format!("{likely} and has_video_pack = yes"))?,
    );
    ensure!(
        chosen > 500 && holders * 100 > 45 * chosen,
        "{holders} of {chosen} hold the pack"
    );
    let ring_tone = find("has_ring_tone")?;
    ensure!(
        supported(&ring_tone).is_empty()
            && ring_tone.get("rule").is_none()
            && ring_tone.get("score").is_none(),
        "{ring_tone}"
    );
    ground.gateway.stop()
}
