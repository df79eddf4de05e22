//! `chudian sample` and `chudian simulate` as people in a terminal meet them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::setup::component;

fn chudian(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chudian"));
    command
        .args(words)
        .env_remove("CHUDIAN_KEY")
        .env("LC_ALL", "C.UTF-8");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Makes a small sample and returns its folder.
fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = chudian(&["sample", "--customers", "40", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    folder
}

fn simulate(table: &Path, words: &[&str]) -> Output {
    chudian(&["simulate"])
        .arg(table)
        .arg("--component")
        .arg(component("tariff-simulation"))
        .args(words)
        .output()
        .unwrap()
}

/// Goal: a person's table is priced without a server; both encodings give the same answer, and each says what it is.
#[test]
fn a_table_is_priced_in_both_encodings() {
    let folder = sample();
    let answers = ["usage-example.csv", "usage-example.gb18030.csv"].map(|name| {
        let output = simulate(
            &folder.path().join(name),
            &[
                "--plan",
                "gotone-88",
                "--json",
                "--bill",
                "--as-of",
                "2026-11-22",
            ],
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        (
            serde_json::from_slice::<Value>(&output.stdout).unwrap(),
            text(&output.stderr),
        )
    });
    assert_eq!(answers[0].0, answers[1].0);
    assert!(answers[0].1.contains("UTF-8") && answers[1].1.contains("GB18030"));
    let answer = &answers[0].0;
    assert_eq!(answer["ranking"].as_array().unwrap().len(), 5);
    assert_eq!(answer["estimated"], false);
    for bill in answer["bills"].as_array().unwrap() {
        let sum: i64 = bill["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["amount_fen"].as_i64().unwrap())
            .sum();
        assert_eq!(sum, bill["total_fen"].as_i64().unwrap());
    }
    assert_eq!(
        answer["bills"][0]["total_fen"],
        answer["ranking"][0]["monthly_total_fen"][5]
    );
    assert_eq!(
        answer["bills"][1]["total_fen"],
        answer["present"]["monthly_total_fen"][5]
    );
}

/// Goal: in Chinese nothing of the component's English is left.
#[test]
fn chinese_is_chinese() {
    let folder = sample();
    let words = [
        "--plan",
        "gotone-88",
        "--lang",
        "zh",
        "--bill",
        "--month",
        "2026-07",
        "--what-if",
        "data=1500,voice=500",
        "--as-of",
        "2026-11-22",
    ];
    let output = simulate(&folder.path().join("usage-example.csv"), &words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for phrase in [
        "排名",
        "全球通畅享88",
        "排在首位的原因",
        "2026-07 账单",
        "月基本费",
        "各项相加与合计一致",
        "不适用于客户类型",
    ] {
        assert!(shown.contains(phrase), "{phrase} is missing:\n{shown}");
    }
    for phrase in ["plan", "cheaper", "Monthly", "sale"] {
        assert!(!shown.contains(phrase), "{phrase} is left:\n{shown}");
    }
}

/// Goal: whoever makes a mistake is told where and what to do, in both languages, before anything is started.
#[test]
fn mistakes_say_what_to_do() {
    let folder = sample();
    let table = folder.path().join("mine.csv");
    std::fs::write(&table, "月份,类型,类别,分钟\n2026-05,语音,本地主叫,1o\n").unwrap();
    let failed = |output: Output, phrases: &[&str]| {
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        for phrase in phrases {
            assert!(error.contains(phrase), "{phrase} is missing:\n{error}");
        }
        assert!(output.stdout.is_empty());
    };
    failed(
        simulate(&table, &[]),
        &["mine.csv:2 [分钟]", "“1o”不是数字", "is no number"],
    );
    failed(
        simulate(&folder.path().join("none.csv"), &[]),
        &["none.csv cannot be read"],
    );
    let example = folder.path().join("usage-example.csv");
    failed(simulate(&example, &["--plan", "gotone-89"]), &["gotone-89"]);
    failed(
        simulate(&example, &["--bill", "--month", "2020-01"]),
        &["2026-05"],
    );
    let other = chudian(&["simulate"])
        .arg(&example)
        .arg("--component")
        .arg(component("hello"))
        .output()
        .unwrap();
    failed(other, &["no tariff simulation"]);
    let none = chudian(&["simulate"])
        .arg(&example)
        .args(["--component", "none.wasm"])
        .output()
        .unwrap();
    failed(none, &["none.wasm cannot be read", "cargo xtask build"]);
    let wrong_catalogue = simulate(&example, &["--catalogue", example.to_str().unwrap()]);
    failed(wrong_catalogue, &["chudian-catalogue/1"]);
}

/// One request as the double of a system saw it.
struct Seen {
    line: String,
    authorization: bool,
    body: Vec<u8>,
}

/// A double of a system: gives these answers, one to each connection, and tells what it saw.
fn double(answers: Vec<(u16, Value)>) -> (String, JoinHandle<Vec<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        answers
            .into_iter()
            .map(|(status, body)| answer(listener.accept().unwrap().0, status, &body))
            .collect()
    });
    (url, thread)
}

fn answer(mut stream: TcpStream, status: u16, body: &Value) -> Seen {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    while !head
        .last()
        .is_some_and(|line: &String| line.trim().is_empty())
    {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        head.push(line);
    }
    let header = |name: &str| {
        head.iter().find_map(|line| {
            line.to_lowercase()
                .strip_prefix(&format!("{name}: "))
                .map(|value| value.trim().to_owned())
        })
    };
    let mut sent = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut sent).unwrap();
    let body = body.to_string();
    write!(stream, "HTTP/1.1 {status} X\r\nretry-after: 0\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    Seen {
        line: head[0].trim().to_owned(),
        authorization: header("authorization").as_deref() == Some("bearer chd_secret"),
        body: sent,
    }
}

fn load(url: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "sample",
        "--customers",
        "700",
        "--json",
        "--load",
        url,
        "--out",
    ];
    chudian(&words)
        .arg(folder.path())
        .env("CHUDIAN_KEY", "chd_secret")
        .output()
        .unwrap()
}

/// Goal: a busy system is asked again, with the same bytes; customers come in bounded chunks.
#[test]
fn loading_asks_a_busy_system_again() {
    let busy = json!({"title": "busy"});
    let (url, seen) = double(vec![
        (503, busy.clone()),
        (201, json!({"version": "v1"})),
        (200, json!({})),
        (200, json!({"accepted": 500})),
        (502, busy),
        (200, json!({"accepted": 200})),
    ]);
    let output = load(&url);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (
            &summary["loaded"]["catalogue_version"],
            &summary["loaded"]["customers"]
        ),
        (&json!("v1"), &json!(700))
    );
    let seen = seen.join().unwrap();
    assert!(seen.iter().all(|request| request.authorization));
    assert_eq!(seen[0].body, seen[1].body);
    assert!(
        seen[2].line.starts_with("PUT /tariff/v1/activations/20"),
        "{}",
        seen[2].line
    );
    assert_eq!(seen[3].line, "POST /tariff/v1/customers/import HTTP/1.1");
    assert_eq!(seen[4].body, seen[5].body);
    let lines = |request: &Seen| request.body.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!((lines(&seen[3]), lines(&seen[5])), (500, 200));
}

/// Goal: a refusal is final, and is shown with what the system said and what to do; the key is not.
#[test]
fn loading_stops_at_a_refusal() {
    let (url, seen) = double(vec![(
        403,
        json!({"title": "Not allowed", "detail": "This key may not.", "instance": "request-7"}),
    )]);
    let output = load(&url);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    for phrase in [
        "403",
        "Not allowed",
        "This key may not.",
        "request-7",
        "role admin",
    ] {
        assert!(error.contains(phrase), "{phrase} is missing:\n{error}");
    }
    assert!(!error.contains("chd_secret"));
    assert_eq!(seen.join().unwrap().len(), 1);
    let (url, _) = double(vec![
        (201, json!({"version": "v1"})),
        (200, json!({})),
        (
            200,
            json!({"accepted": 499, "rejected": [{"line": 7, "errors": []}]}),
        ),
    ]);
    let output = load(&url);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("customers refused: 1"),
        "{}",
        text(&output.stderr)
    );
}

/// Goal: a missing key is found before the work; nothing is written.
#[test]
fn a_missing_key_is_found_first() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sample");
    let output = chudian(&["sample", "--load", "http://127.0.0.1:1", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("CHUDIAN_KEY"));
    assert!(!out.exists());
}
