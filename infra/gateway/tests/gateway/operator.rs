//! `chudian keys` and `chudian doctor` as an operator meets them, on the application that is shipped.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::setup::component;

/// The application's own manifest: it has the tables that keys are kept in.
fn manifest() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../spin.toml")
        .canonicalize()
        .unwrap()
}

fn chudian(state: &Path, locale: &str, words: &[&str]) -> Output {
    // Its components are needed by `doctor`.
    component("tariff-simulation");
    Command::new(env!("CARGO_BIN_EXE_chudian"))
        .args(words)
        .arg("--from")
        .arg(manifest())
        .arg("--state-dir")
        .arg(state)
        .env("LC_ALL", locale)
        .output()
        .unwrap()
}

fn told(state: &Path, words: &[&str]) -> Value {
    let output = chudian(state, "C.UTF-8", words);
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(state: &Path, locale: &str, words: &[&str]) -> String {
    let output = chudian(state, locale, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn state_of(state: &Path, key_id: &str) -> String {
    let all = told(state, &["keys", "list", "--json"]);
    let key = all["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["key_id"] == key_id)
        .unwrap();
    key["state"].as_str().unwrap().to_owned()
}

/// Goal: a rotated key leaves a new one like it in force, the old one ends when it was said to, and neither happens twice.
#[test]
fn keys_are_rotated_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let new = [
        "keys",
        "new",
        "--role",
        "hall",
        "--region",
        "zs01",
        "--label",
        "front hall",
        "--json",
    ];
    let first = told(state, &new);
    let first_id = first["key_id"].as_str().unwrap();

    let second = told(state, &["keys", "rotate", first_id, "--json"]);
    let second_id = second["key_id"].as_str().unwrap();
    assert_ne!(first["key"], second["key"]);
    for member in ["role", "region", "label"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    assert_eq!(
        (state_of(state, first_id), state_of(state, second_id)),
        ("revoked".into(), "active".into())
    );
    assert!(refused(state, "C.UTF-8", &["keys", "rotate", first_id]).contains("is revoked"));

    let third = told(
        state,
        &["keys", "rotate", second_id, "--keep-hours", "2", "--json"],
    );
    let third_id = third["key_id"].as_str().unwrap();
    assert_eq!(state_of(state, second_id), "active");
    let all = told(state, &["keys", "list", "--json"]).to_string();
    for secret in [&first, &second, &third] {
        assert!(
            !all.contains(secret["key"].as_str().unwrap()),
            "a list shows a key"
        );
    }

    let revoked = told(state, &["keys", "revoke", third_id, "--json"]);
    assert_eq!(
        (&revoked["state"], &revoked["was_revoked_before"]),
        (&Value::from("revoked"), &Value::from(false))
    );
    let again = told(state, &["keys", "revoke", third_id, "--json"]);
    assert_eq!(again["was_revoked_before"], true);
    assert_eq!(state_of(state, third_id), "revoked");
}

/// Goal: whoever mistypes is told what is wrong and what to do, in the terminal's language.
#[test]
fn mistakes_with_keys_are_told_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let long_label = "x".repeat(101);
    let table: [(&[&str], &str, &str); 4] = [
        (
            &["keys", "revoke", "aaaaaaaaaaaa"],
            "there is no key aaaaaaaaaaaa",
            "没有密钥 aaaaaaaaaaaa",
        ),
        (
            &["keys", "new", "--role", "hall", "--expires", "2001-01-01"],
            "--expires lies in the past",
            "--expires 的日期已过",
        ),
        (
            &["keys", "new", "--role", "hall", "--label", &long_label],
            "--label has more than 100 letters",
            "--label 超过 100 个字符",
        ),
        (
            &["keys", "list", "--variable", "database=mysql://x"],
            "begin with postgres://",
            "以 postgres:// 开头",
        ),
    ];
    for (words, english, chinese) in table {
        let told = refused(folder.path(), "C.UTF-8", words);
        assert!(told.contains(english), "{told}");
        let told = refused(folder.path(), "zh_CN.UTF-8", words);
        assert!(told.contains(chinese) && !told.contains(english), "{told}");
    }
}

/// Goal: a sound installation is found sound; what would keep it from running is named with a remedy, and nothing is changed.
#[test]
fn doctor_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let examine = |words: &[&str]| {
        let words = [&["doctor", "--json", "--listen", "127.0.0.1:0"], words].concat();
        let output = chudian(&state, "C.UTF-8", &words);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.success(), told["healthy"] == true, "{told}");
        told
    };
    let verdict = |told: &Value, name: &str| {
        let checks = told["checks"].as_array().unwrap();
        let check = checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap_or_else(|| panic!("no {name}: {told}"));
        check["verdict"].as_str().unwrap().to_owned()
    };
    let fresh = examine(&[]);
    assert_eq!(fresh["healthy"], true, "{fresh}");
    assert!(
        !state.join("sqlite_db.db").exists(),
        "a look made a database"
    );

    told(&state, &["migrate", "--json"]);
    assert_eq!(verdict(&examine(&[]), "database"), "good");

    let unreachable = examine(&["--variable", "database=postgres://nobody@127.0.0.1:1/none"]);
    assert_eq!(verdict(&unreachable, "database"), "bad");
    let checks = unreachable["checks"].as_array().unwrap();
    let database = checks
        .iter()
        .find(|check| check["name"] == "database")
        .unwrap();
    assert!(database["remedy_en"].is_string() && database["remedy_zh"].is_string());

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = ["doctor", "--json", "--listen", &address];
    let told: Value = serde_json::from_slice(&chudian(&state, "C.UTF-8", &words).stdout).unwrap();
    assert_eq!(verdict(&told, "port"), "doubtful");
}
