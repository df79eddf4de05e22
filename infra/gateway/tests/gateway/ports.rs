//! The Spin interfaces as a guest meets them: every function, in both forms, through the component ABI.
//!
//! The component `ports` runs scripts of calls and answers what each gave; what is right is said here. Crates below test
//! the same databases natively; what only a guest can show is that values, streams, outcomes, handles and errors arrive
//! there as the interface says, and that a guest which drops, forgets or traps harms nobody.

mod postgres;
mod sqlite;

use chudian_test_support::http::Client;
use serde_json::{Value, json};

use crate::setup::{Served, component, serve_manifest};

/// A gateway that serves `ports`.
struct Ports {
    client: Client,
    _served: Served,
}

impl Ports {
    fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// `hosts` are the servers that the component may reach, such as `postgres://127.0.0.1:5432`; `words` are further ones
    /// for `chudian up`.
    fn start_with(hosts: &[&str], words: &[&str]) -> Self {
        let manifest = format!(
            r#"spin_manifest_version = 2
[application]
name = "ports"
version = "1.0.0"
[variables]
place = {{ default = "杭州" }}
[[trigger.http]]
route = "/..."
component = "ports"
[component.ports]
source = {source:?}
sqlite_databases = ["default", "unknown"]
key_value_stores = ["default", "unknown"]
allowed_outbound_hosts = {hosts:?}
[component.ports.variables]
greeting = "来自 {{{{ place }}}}"
empty = ""
"#,
            source = component("ports"),
        );
        let served = serve_manifest(&manifest, words);
        Self {
            client: served.gateway.client(),
            _served: served,
        }
    }

    /// What each call of a script gave.
    fn run(&self, interface: &str, script: Value) -> Vec<Value> {
        let answer = self.client.post(&format!("/{interface}"), &script).unwrap();
        match answer.expect_status(200).unwrap() {
            Value::Array(answers) => answers,
            other => panic!("{other} is no list of answers"),
        }
    }

    /// The status of a script that does not come to its end.
    fn status(&self, interface: &str, script: Value) -> u16 {
        self.client
            .post(&format!("/{interface}"), &script)
            .unwrap()
            .status
    }
}

/// What the host answers to a call that gives nothing.
fn done() -> Value {
    json!({"Ok": null})
}

/// The message within an error such as `{"Err": {"Io": "…"}}`.
fn message<'answer>(answer: &'answer Value, variant: &str) -> &'answer str {
    answer["Err"][variant]
        .as_str()
        .unwrap_or_else(|| panic!("{answer} is no {variant}"))
}

#[test]
fn variables_are_told() {
    let answers = Ports::start().run(
        "variables",
        json!(["greeting", "empty", "place", "GREETING", ""]),
    );
    assert_eq!(answers[0], json!({"Ok": "来自 杭州"}));
    assert_eq!(answers[1], json!({"Ok": ""}));
    // The application has it, the component was not given it.
    assert!(message(&answers[2], "Undefined").contains("`place`"));
    assert!(message(&answers[3], "InvalidName").contains("`GREETING`"));
    assert!(answers[4]["Err"]["InvalidName"].is_string());
}

#[test]
fn key_value_functions_do_what_they_say() {
    let ports = Ports::start();
    let answers = ports.run(
        "key-value",
        json!([
            {"open": "default"},
            {"get": {"key": "键"}},
            {"exists": {"key": "键"}},
            {"set": {"key": "键", "value": [0, 255, 10]}},
            {"get": {"key": "键"}},
            {"exists": {"key": "键"}},
            {"set": {"key": "键", "value": []}},
            {"get": {"key": "键"}},
            {"delete": {"key": "键"}},
            {"delete": {"key": "键"}},
            {"exists": {"key": "键"}},
            {"get-keys": 0},
            {"held": {"then": "rest"}},
            {"held": {"then": "outcome"}},
        ]),
    );
    let expected = json!([
        {"Ok": null}, {"Ok": null}, {"Ok": false},
        {"Ok": null}, {"Ok": [0, 255, 10]}, {"Ok": true},
        {"Ok": null}, {"Ok": []},
        {"Ok": null}, {"Ok": null}, {"Ok": false},
        null, [], {"Ok": null},
    ]);
    assert_eq!(json!(answers), expected);
}

#[test]
fn key_value_errors_are_the_interfaces() {
    let ports = Ports::start();
    let long = "k".repeat(5_000);
    let answers = ports.run(
        "key-value",
        json!([
            {"open": "unknown"},
            {"open": "other"},
            {"open": "default"},
            {"get": {"key": long}},
            {"set": {"key": long, "value": []}},
        ]),
    );
    assert_eq!(answers[0], json!({"Err": "NoSuchStore"}));
    assert_eq!(answers[1], json!({"Err": "AccessDenied"}));
    assert_eq!(answers[2], done());
    assert!(message(&answers[3], "Other").contains("bytes"));
    assert!(message(&answers[4], "Other").contains("bytes"));
    // One more than an instance may hold open; dropping one makes room.
    let mut script = vec![json!({"open": "default"}); 257];
    script.extend([json!({"drop": 3}), json!({"open": "default"})]);
    let answers = ports.run("key-value", json!(script));
    assert_eq!(answers[255], done());
    assert_eq!(answers[256], json!({"Err": "StoreTableFull"}));
    assert_eq!(answers[258], done());
}

/// Goal: keys are streamed over more than one of the host's pages, to a guest that reads slowly, all at once, or not to
/// the end; and a key set by one request is there in the next.
#[test]
fn keys_are_streamed() {
    let ports = Ports::start();
    let names: Vec<String> = (0..1_203)
        .map(|number| format!("key-{number:04}"))
        .collect();
    let mut script = vec![json!({"open": "default"})];
    script.extend(
        names
            .iter()
            .map(|name| json!({"set": {"key": name, "value": [1]}})),
    );
    assert!(
        ports
            .run("key-value", json!(script))
            .iter()
            .all(|answer| *answer == done())
    );
    let answers = ports.run(
        "key-value",
        json!([
            {"open": "default"},
            {"get-keys": 0},
            {"get-keys": 0},
            {"get-keys": 0},
            {"get-keys": 0},
            {"held": {"on": 0, "then": {"take": 2}}},
            {"held": {"on": 1, "then": {"take": 2_000}}},
            {"held": {"on": 1, "then": "outcome"}},
            // The rest of the first, after another was read and the store was closed.
            {"drop": 0},
            {"held": {"on": 0, "then": "rest"}},
            {"held": {"on": 0, "then": "outcome"}},
            // Left in the middle.
            {"held": {"on": 2, "then": {"take": 1}}},
            {"held": {"on": 2, "then": "drop-items"}},
            {"held": {"on": 2, "then": "outcome"}},
            // Nobody asks how it ended.
            {"held": {"on": 3, "then": "drop-outcome"}},
            {"held": {"on": 3, "then": "rest"}},
        ]),
    );
    assert_eq!(answers[5], json!(names[..2]));
    assert_eq!(answers[6], json!(names));
    assert_eq!(answers[7], done());
    assert_eq!(answers[9], json!(names[2..]));
    assert_eq!(answers[10], done());
    assert_eq!(answers[11], json!(names[..1]));
    assert_eq!(answers[13], done());
    assert_eq!(answers[15], json!(names));
}
