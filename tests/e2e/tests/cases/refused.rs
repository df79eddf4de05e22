//! Bad input as folders of data: each file of `refused/` is one request and the problem that must answer it.
//!
//! ```json
//! {
//!   "goal": "…",
//!   "as": "analyst",
//!   "request": {"method": "POST", "path": "/tariff/v1/catalogues", "headers": {}},
//!   "body": {"base": "catalogue", "edits": [{"at": "/plans/0/brand", "set": "…"}, {"at": "…", "remove": true}]},
//!   "answer": {"status": 422, "code": "catalogue-invalid", "pointers": ["/plans/0/brand"]}
//! }
//! ```
//! `base` is `catalogue`, `customer`, `simulation` or `bill` (each good as it stands, which is tried too), or the body is
//! `json`, `text`, `bytes` (numbers), or `repeat` (`[text, times]`). `replace` (`[from, to]`) changes the text of a base. `{new}` in a path is an id that nobody has. `/-` at the
//! end of `at` appends to a list. After the refusal nothing is stored: a catalogue of these bytes, a customer of this id.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, bail, ensure};
use chudian_e2e::{
    Caller, Host,
    caller::expect_problem,
    ground::{PRESENT_PLAN, REGION, customer, new_catalogue, profile, unique, usage, version_of},
    harness::Case,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    goal: String,
    r#as: String,
    request: Request,
    body: Option<Body>,
    answer: Wanted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Body {
    Base(String),
    Json(Value),
    Text(String),
    Bytes(Vec<u8>),
    Repeat(String, usize),
    #[serde(untagged)]
    Replaced {
        base: String,
        replace: (String, String),
    },
    #[serde(untagged)]
    Edited {
        base: String,
        edits: Vec<Edit>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    at: String,
    set: Option<Value>,
    #[serde(default)]
    remove: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    status: u16,
    code: String,
    #[serde(default)]
    pointers: Vec<String>,
}

/// Every file of the folder, and the trial of the bases.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn cases() -> Result<Vec<Case>> {
    let folder = chudian_e2e::repository()?.join("tests/e2e/refused");
    let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut cases = vec![Case::new(
        "refused::bases_are_good",
        "what the bad inputs are made of is accepted as it stands",
        bases_are_good,
    )];
    for file in files {
        let path = file.path();
        let refused: Refused = serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| path.display().to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        cases.push(Case {
            name: format!("refused::{name}"),
            goal: refused.goal.clone(),
            run: Box::new(move |host| refused.try_on(host)),
        });
    }
    ensure!(cases.len() > 1, "{} holds no cases", folder.display());
    Ok(cases)
}

fn base(name: &str) -> Result<Value> {
    Ok(match name {
        "catalogue" => new_catalogue()?,
        "customer" => customer(REGION)?,
        "simulation" => json!({ "usage": usage()?, "profile": profile(REGION), "limit": 3 }),
        "bill" => {
            json!({ "usage": usage()?, "profile": profile(REGION), "month": "2026-05", "plan_id": PRESENT_PLAN })
        }
        _ => bail!("no base `{name}`"),
    })
}

fn bases_are_good(host: &Host) -> Result<()> {
    host.ground()?;
    let analyst = host.with("analyst")?;
    let valid = analyst
        .post("/tariff/v1/catalogues/validate", &base("catalogue")?)?
        .expect_status(200)?;
    ensure!(valid["valid"] == true, "{valid}");
    analyst
        .post("/tariff/v1/simulations", &base("simulation")?)?
        .expect_status(200)?;
    analyst
        .post("/tariff/v1/bills", &base("bill")?)?
        .expect_status(200)?;
    let stored = analyst.put(
        &format!("/tariff/v1/customers/{}", unique("base")),
        &base("customer")?,
    )?;
    ensure!(
        (200..300).contains(&stored.status),
        "{} {}",
        stored.status,
        stored.text()
    );
    Ok(())
}

impl Refused {
    fn try_on(&self, host: &Host) -> Result<()> {
        host.ground()?;
        let caller = host.with(&self.r#as)?;
        let new_id = unique("refused");
        let path = self.request.path.replace("{new}", &new_id);
        let body = self
            .body
            .as_ref()
            .map(Body::bytes)
            .transpose()?
            .unwrap_or_default();
        let mut headers: Vec<(&str, &str)> = self
            .request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if self.body.is_some() && !self.request.headers.contains_key("content-type") {
            headers.push(("content-type", "application/json"));
        }
        let answer = caller.send(&self.request.method, &path, &headers, &body)?;
        let problem = expect_problem(&answer, self.answer.status, &self.answer.code)?;
        let pointers: Vec<&str> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["pointer"].as_str())
            .collect();
        for wanted in &self.answer.pointers {
            ensure!(
                pointers.iter().any(|pointer| pointer == wanted),
                "the field {wanted} is not named: {problem}"
            );
        }
        self.nothing_is_stored(host, &path, &body)?;
        let next = host.with("admin")?.get("/tariff/v1/activations")?;
        ensure!(next.status == 200, "the next request is {}", next.status);
        Ok(())
    }

    fn nothing_is_stored(&self, host: &Host, path: &str, body: &[u8]) -> Result<()> {
        let admin: Caller = host.with("admin")?;
        if path == "/tariff/v1/catalogues" {
            let answer = admin.get(&format!("/tariff/v1/catalogues/{}", version_of(body)))?;
            ensure!(
                answer.status == 404,
                "the refused catalogue was stored: {}",
                answer.text()
            );
        }
        if self.request.method == "PUT" && path.starts_with("/tariff/v1/customers/e2e-") {
            let answer = admin.get(path)?;
            ensure!(
                answer.status == 404,
                "the refused customer was stored: {}",
                answer.text()
            );
        }
        Ok(())
    }
}

impl Body {
    fn bytes(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Base(name) => base(name)?.to_string().into_bytes(),
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Repeat(text, times) => text.repeat(*times).into_bytes(),
            Self::Replaced {
                base: name,
                replace: (from, to),
            } => {
                let text = base(name)?.to_string();
                ensure!(
                    text.contains(from.as_str()),
                    "`{from}` is not in the {name}"
                );
                text.replacen(from.as_str(), to, 1).into_bytes()
            }
            Self::Edited { base: name, edits } => {
                let mut document = base(name)?;
                for edit in edits {
                    edit.apply(&mut document)
                        .with_context(|| format!("the edit at {}", edit.at))?;
                }
                document.to_string().into_bytes()
            }
        })
    }
}

impl Edit {
    fn apply(&self, document: &mut Value) -> Result<()> {
        let (parent, last) = self.at.rsplit_once('/').context("no pointer")?;
        let parent = document.pointer_mut(parent).context("nothing is there")?;
        match (parent, &self.set, self.remove) {
            (Value::Object(members), Some(value), false) => {
                drop(members.insert(last.to_owned(), value.clone()))
            }
            (Value::Object(members), None, true) => {
                drop(members.remove(last).context("nothing to remove")?)
            }
            (Value::Array(items), Some(value), false) if last == "-" => items.push(value.clone()),
            (Value::Array(items), Some(value), false) => {
                *items
                    .get_mut(last.parse::<usize>()?)
                    .context("no such item")? = value.clone();
            }
            (Value::Array(items), None, true) => {
                let index: usize = last.parse()?;
                ensure!(index < items.len(), "nothing to remove");
                items.remove(index);
            }
            _ => bail!("either `set` or `remove`, in an object or a list"),
        }
        Ok(())
    }
}
