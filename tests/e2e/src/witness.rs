//! Sees every answer of the whole run and notes what no answer may be, whichever case asked for it.
//!
//! - Each error is a problem (RFC 9457) whose type is in the published list `problems.txt`, with the status of that list
//!   and the request id as `instance`; its text shows nothing of the server's inside.
//! - Each answer has a request id and the security headers; answers with customers' data are not stored by anybody.
//! - No answer repeats a telephone number that a case planted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use chudian_test_support::http::Answer;
use serde_json::Value;

/// What every problem type begins with.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:chudian:problem:";

/// The published list: a code is part of the interface, so a new one is added there by hand.
const PROBLEMS: &str = include_str!("../problems.txt");

/// Words that only the inside of a server says: paths, statements, programs, stacks. Compared in lower case.
const INSIDE: &[&str] = &[
    "/work/",
    "/home/",
    "/root/",
    "/tmp/",
    "/usr/",
    "/var/",
    ".rs:",
    ".wasm",
    "select *",
    "select count(",
    "insert into",
    "delete from",
    "sqlx",
    "sqlite",
    "postgres",
    "panicked",
    "unreachable executed",
    "backtrace",
    "wasm `",
    "access_key",
    "unwrap",
];

/// Routes whose answers hold facts about one customer.
const PERSONAL: &[&str] = &[
    "/tariff/v1/customers",
    "/tariff/v1/simulations",
    "/tariff/v1/bills",
    "/tariff/v1/page",
    "/tariff/v1/offers",
];

/// Finds shown at most for one case; a fault of the edge shows in every answer.
const FINDINGS_MAX: usize = 12;

/// Notes what it sees.
pub struct Witness {
    statuses: BTreeMap<&'static str, u16>,
    findings: Mutex<Vec<String>>,
    planted: Mutex<Vec<String>>,
}

impl Witness {
    /// A witness who knows the published problems.
    ///
    /// # Errors
    /// When a line of the list cannot be read.
    pub fn new() -> Result<Self> {
        let mut statuses = BTreeMap::new();
        for line in PROBLEMS
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (code, status) = line
                .split_once(' ')
                .with_context(|| format!("problems.txt: {line}"))?;
            statuses.insert(
                code,
                status
                    .parse()
                    .with_context(|| format!("problems.txt: {line}"))?,
            );
        }
        Ok(Self {
            statuses,
            findings: Mutex::default(),
            planted: Mutex::default(),
        })
    }

    /// From now on no answer may show this.
    pub fn plant(&self, number: &str) {
        self.planted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(number.to_owned());
    }

    /// What was planted.
    pub fn planted(&self) -> Vec<String> {
        self.planted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What was seen since the last call.
    pub fn take_findings(&self) -> Vec<String> {
        std::mem::take(&mut *self.findings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at an answer.
    pub fn see(&self, method: &str, path: &str, answer: &Answer) {
        let mut found = Vec::new();
        self.check_headers(path, answer, &mut found);
        if answer.status >= 400 && method != "HEAD" {
            self.check_problem(answer, &mut found);
        }
        let text = answer.text();
        for number in self.planted() {
            if text.contains(&number)
                || answer
                    .headers
                    .iter()
                    .any(|(_, value)| value.contains(&number))
            {
                found.push(format!("it shows the planted number {number}"));
            }
        }
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        for finding in found {
            if findings.len() < FINDINGS_MAX {
                // The path may hold what was planted; the message is for people who run tests, not for a log.
                findings.push(format!("{method} {path} -> {}: {finding}", answer.status));
            }
        }
    }

    fn check_headers(&self, path: &str, answer: &Answer, found: &mut Vec<String>) {
        for (name, wanted) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", ""),
            ("content-security-policy", ""),
            ("x-request-id", ""),
        ] {
            match answer.header(name) {
                Some(value) if wanted.is_empty() || value == wanted => {}
                other => found.push(format!("the header {name} is {other:?}")),
            }
        }
        let policy = answer.header("content-security-policy").unwrap_or_default();
        if policy.contains("unsafe-inline")
            && policy
                .split(';')
                .any(|part| part.contains("script-src") && part.contains("unsafe-inline"))
        {
            found.push(format!(
                "the content security policy allows inline scripts: {policy}"
            ));
        }
        let personal = PERSONAL.iter().any(|route| path.starts_with(route));
        if personal
            && !answer
                .header("cache-control")
                .unwrap_or_default()
                .contains("no-store")
        {
            found.push(
                "a customer's facts may be stored by caches (no `cache-control: no-store`)"
                    .to_owned(),
            );
        }
    }

    fn check_problem(&self, answer: &Answer, found: &mut Vec<String>) {
        let media_type = answer.header("content-type").unwrap_or_default();
        if media_type != "application/problem+json" {
            found.push(format!(
                "an error of type {media_type:?}: {}",
                beginning(&answer.text())
            ));
            return;
        }
        let Ok(problem) = serde_json::from_slice::<Value>(&answer.body) else {
            found.push(format!(
                "a problem that is no JSON: {}",
                beginning(&answer.text())
            ));
            return;
        };
        let code = problem["type"]
            .as_str()
            .and_then(|uri| uri.strip_prefix(PROBLEM_TYPE_PREFIX))
            .unwrap_or_default();
        match self.statuses.get(code) {
            None => found.push(format!(
                "the type {} is not in the published list",
                problem["type"]
            )),
            Some(status) if *status != answer.status => found.push(format!(
                "{code} has the status {status} in the published list"
            )),
            Some(_) => {}
        }
        if problem["status"] != answer.status {
            found.push(format!("its member status is {}", problem["status"]));
        }
        for member in ["title", "detail"] {
            if problem[member].as_str().is_none_or(str::is_empty) {
                found.push(format!("its member {member} is {}", problem[member]));
            }
        }
        if problem["instance"].as_str() != answer.header("x-request-id") {
            found.push(format!(
                "its instance is {}, the request id {:?}",
                problem["instance"],
                answer.header("x-request-id")
            ));
        }
        if answer.status == 401 && answer.header("www-authenticate").is_none() {
            found.push("401 without www-authenticate".to_owned());
        }
        let text = answer.text().to_lowercase();
        for word in INSIDE.iter().filter(|word| text.contains(**word)) {
            found.push(format!(
                "it shows the inside of the server ({word:?}): {}",
                beginning(&text)
            ));
        }
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Answer {
        let headers = [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'"),
            ("x-request-id", "id-0001"),
            ("cache-control", "no-store"),
            ("content-type", "application/problem+json"),
        ];
        let body = r#"{"type":"urn:chudian:problem:not-found","title":"Not found","status":404,"detail":"There is none.","instance":"id-0001"}"#;
        Answer {
            status: 404,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn findings(change: impl FnOnce(&mut Answer)) -> Vec<String> {
        let witness = Witness::new().unwrap();
        witness.plant("13912345678");
        let mut answer = good();
        change(&mut answer);
        witness.see("GET", "/tariff/v1/customers/x", &answer);
        witness.take_findings()
    }

    fn with_body(from: &'static str, to: &'static str) -> impl FnOnce(&mut Answer) {
        move |answer| {
            let text = answer.text();
            assert!(text.contains(from));
            answer.body = text.replace(from, to).into_bytes();
        }
    }

    /// Goal: a witness who overlooks something would let every case pass.
    #[test]
    fn nothing_is_overlooked() {
        assert_eq!(findings(|_| {}), Vec::<String>::new());
        for name in [
            "x-content-type-options",
            "referrer-policy",
            "content-security-policy",
            "x-request-id",
            "cache-control",
            "content-type",
        ] {
            let without = findings(|answer| answer.headers.retain(|(known, _)| known != name));
            assert!(!without.is_empty(), "no {name}");
        }
        let faults = [
            ("problem:not-found", "problem:no-such-code"),
            ("problem:not-found", "problem:internal"),
            ("\"status\":404", "\"status\":400"),
            ("Not found", ""),
            ("id-0001", "id-0002"),
            ("There is none.", "no row in /work/main/x"),
            ("There is none.", "SELECT * FROM t"),
            ("There is none.", "13912345678"),
            ("{", "["),
        ];
        for (from, to) in faults {
            assert_eq!(findings(with_body(from, to)).len(), 1, "{from} -> {to}");
        }
    }
}
