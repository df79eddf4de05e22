//! What people are told when they send something wrong: a table of wrong requests, each answer kept for review, in both languages.

use serde_json::{Value, json};

use crate::world::{CATALOGUE, World, profile, usage};

/// A wrong request: its name, who sends it, method, path, body.
struct Wrong {
    name: &'static str,
    who: &'static str,
    method: &'static str,
    path: &'static str,
    body: Vec<u8>,
}

/// A good question for a comparison.
fn question() -> Value {
    json!({"usage": usage(), "profile": profile("zs01"), "limit": 3})
}

/// The question with `value` at `pointer`.
fn with(pointer: &str, value: Value) -> Vec<u8> {
    let mut question = question();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    question.pointer_mut(parent).unwrap()[field] = value;
    question.to_string().into_bytes()
}

/// The question with `from` replaced in its text: for what a tree cannot hold.
fn edited(from: &str, to: &str) -> Vec<u8> {
    let text = question().to_string();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

fn wrong_simulations() -> Vec<(&'static str, Vec<u8>)> {
    let kb = "/usage/months/0/lines/2/kb";
    let cut_off = question().to_string().into_bytes()[..200].to_vec();
    let gbk = edited("\"zs01\"", "\"X\"")
        .into_iter()
        .flat_map(|byte| {
            if byte == b'X' {
                vec![0xd7, 0xca]
            } else {
                vec![byte]
            }
        })
        .collect();
    vec![
        (
            "a figure with an exponent",
            edited("\"kb\":600000", "\"kb\":1e3"),
        ),
        ("a decimal figure", with(kb, json!(1.5))),
        ("a negative figure", with(kb, json!(-1))),
        (
            "a figure beyond 64 bits",
            edited("\"kb\":600000", "\"kb\":99999999999999999999"),
        ),
        ("an absurd figure", with(kb, json!(99_000_000_000_u64))),
        ("a figure as text", with(kb, json!("1024"))),
        (
            "a figure of another unit",
            with("/usage/months/0/lines/2/seconds", json!(5)),
        ),
        ("no figure at all", with(kb, Value::Null)),
        (
            "an object in place of a list",
            with("/usage/months", json!({})),
        ),
        ("a list in place of an object", with("/profile", json!([]))),
        ("text in place of the usage", with("/usage", json!("none"))),
        (
            "a month that is a number",
            with("/usage/months/0/month", json!(202_605)),
        ),
        (
            "a month that does not exist",
            with("/usage/months/0/month", json!("2026-13")),
        ),
        ("a line without its kind", edited(",\"kind\":\"data\"", "")),
        (
            "an unknown kind",
            with("/usage/months/0/lines/2/kind", json!("fax")),
        ),
        (
            "an unknown category",
            with("/usage/months/0/lines/2/category", json!("moon")),
        ),
        ("a misspelt member", edited("\"limit\"", "\"limits\"")),
        (
            "a member nobody knows",
            with("/profile/shoe_size", json!(42)),
        ),
        (
            "a member written twice",
            edited("\"limit\":3", "\"limit\":3,\"limit\":4"),
        ),
        (
            "a member of the rule written twice",
            edited(
                "\"limit\":3",
                "\"rule\":{\"saving_min\":\"1\",\"saving_min\":\"2\"}",
            ),
        ),
        (
            "an amount of the rule as a number",
            with("/rule", json!({"saving_min": 5, "saving_mni": "5"})),
        ),
        (
            "an amount of the rule that is none",
            with("/rule", json!({"saving_min": "5元"})),
        ),
        ("a limit of nothing", with("/limit", json!(0))),
        (
            "a what-if beyond tenfold",
            with("/what_if", json!({"voice": 10_001, "data": -1})),
        ),
        (
            "a word for the detail",
            with("/detail", json!("everything")),
        ),
        ("a day that is none", with("/as_of", json!("31.5.2026"))),
        (
            "a telephone number for a customer",
            br#"{"customer_id": "13812345678"}"#.to_vec(),
        ),
        (
            "a telephone number in place of an object",
            br#"{"profile": "13812345678", "13812345678": 1}"#.to_vec(),
        ),
        (
            "a stored customer and usage as well",
            with("/customer_id", json!("c-1")),
        ),
        (
            "three mistakes at once",
            json!({"limit": "x", "detail": 5, "usages": {}})
                .to_string()
                .into_bytes(),
        ),
        ("a number in place of the document", b"5".to_vec()),
        ("a document cut off", cut_off),
        ("nothing", Vec::new()),
        ("a document in GBK", gbk),
        (
            "a document nested a thousand times",
            "[".repeat(1000).into_bytes(),
        ),
    ]
}

fn others() -> Vec<Wrong> {
    let text = |name, who, method, path, body: &str| Wrong {
        name,
        who,
        method,
        path,
        body: body.as_bytes().to_vec(),
    };
    let catalogue = |name, from: &str, to: &str| {
        assert!(CATALOGUE.contains(from), "{from}");
        Wrong {
            name,
            who: "analyst",
            method: "POST",
            path: "/catalogues",
            body: CATALOGUE.replacen(from, to, 1).into_bytes(),
        }
    };
    vec![
        catalogue(
            "a fee as a number",
            "\"monthly_fee\": \"",
            "\"monthly_fee\": 1, \"monthly\": \"",
        ),
        catalogue(
            "a schema of another version",
            "chudian-catalogue/1",
            "chudian-catalogue/9",
        ),
        catalogue(
            "a unit that is none",
            "\"unit\": \"",
            "\"unit\": \"barrels of ",
        ),
        text(
            "a query that is no number",
            "hall",
            "GET",
            "/plans?limit=1e3",
            "",
        ),
        text("a query below zero", "hall", "GET", "/plans?limit=-3", ""),
        text(
            "a query beyond its bound",
            "hall",
            "GET",
            "/plans?limit=201",
            "",
        ),
        text("a misspelt query", "hall", "GET", "/plans?limits=1", ""),
        text("a query twice", "hall", "GET", "/plans?limit=1&limit=2", ""),
        text("a day in a query", "hall", "GET", "/plans?on=today", ""),
        text(
            "a path that is no text",
            "hall",
            "GET",
            "/customers/%ff",
            "",
        ),
        text(
            "a path that is no customer",
            "hall",
            "GET",
            "/customers/a%20b",
            "",
        ),
        text(
            "a day in a path",
            "approver",
            "PUT",
            "/activations/tomorrow",
            r#"{"version": "0"}"#,
        ),
        text(
            "a life of a token as text",
            "hall",
            "POST",
            "/page-tokens",
            r#"{"customer_id": "c-1", "ttl_s": "60"}"#,
        ),
        text(
            "a life of a token beyond an hour",
            "hall",
            "POST",
            "/page-tokens",
            r#"{"customer_id": "c-1", "ttl_s": 3601}"#,
        ),
        text(
            "a rule that is wrong",
            "analyst",
            "PUT",
            "/rules/zs01",
            r#"{"months_won_min": 1.5, "tie_breaks": ["luck"]}"#,
        ),
        text(
            "offers without a channel",
            "hall",
            "POST",
            "/offers",
            r#"{"customer_id": "c-1"}"#,
        ),
    ]
}

/// Words that no reader is to meet: serde's, Rust's, and those of our own types.
const FOREIGN_WORDS: [&str; 16] = [
    "u64",
    "u32",
    "i64",
    "f64",
    "usize",
    "struct",
    "variant",
    "serde",
    "floating point",
    "unit value",
    "Form",
    "Json",
    "expected one of",
    "EOF",
    "digit found",
    "sequence",
];

/// Goal: what is expected, in the field's words, at its pointer, in both languages; no word of the machinery; no number of a person.
pub(crate) async fn refusals_speak_the_words_of_the_field(world: World) {
    world.with_customer("c-1", "zs01").await;
    let simulations = wrong_simulations().into_iter().map(|(name, body)| Wrong {
        name,
        who: "hall",
        method: "POST",
        path: "/simulations",
        body,
    });
    let mut shown = Vec::new();
    for wrong in simulations.chain(others()) {
        let mut told = format!("{}: {} {}", wrong.name, wrong.method, wrong.path);
        for language in ["en", "zh"] {
            let got = world
                .send_in(
                    language,
                    wrong.who,
                    wrong.method,
                    wrong.path,
                    wrong.body.clone(),
                )
                .await;
            assert!(got.status.is_client_error(), "{}: {got:?}", wrong.name);
            let text = |member: &str| got.json[member].as_str().unwrap_or_default().to_owned();
            if language == "en" {
                told += &format!("\n  {} {}", got.status.as_u16(), got.code());
            }
            told += &format!("\n  {} | {}", text("title"), text("detail"));
            for error in got.json["errors"].as_array().into_iter().flatten().skip(1) {
                let of = |member: &str| error[member].as_str().unwrap_or_default();
                told += &format!("\n    {} {}: {}", of("code"), of("pointer"), of("detail"));
            }
            for word in FOREIGN_WORDS {
                let spoken = format!(
                    "{} {} {}",
                    text("title"),
                    text("detail"),
                    got.json["errors"]
                );
                assert!(
                    !spoken.contains(word),
                    "{}: `{word}` in {spoken}",
                    wrong.name
                );
            }
        }
        assert!(!told.contains("13812345678"), "{told}");
        shown.push(told);
    }
    insta::assert_snapshot!("refusals", shown.join("\n"));
}
