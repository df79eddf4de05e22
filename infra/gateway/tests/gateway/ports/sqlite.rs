//! `spin:sqlite` from a guest.

use serde_json::{Value, json};

use super::{Ports, done, message};

/// More rows than the host reads ahead, so that a result of them is really streamed.
const STREAMED: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) select i from n";

/// The numbers of [`STREAMED`] as rows, those behind the first `skipped`.
fn numbers(skipped: i64) -> Value {
    (skipped + 1..=2000)
        .map(|number| json!({"values": [{"Integer": number}]}))
        .collect()
}

/// A statement's answer on a connection of its own, the same in both forms: columns and rows.
fn both(ports: &Ports, text: &str, parameters: Value) -> Value {
    let statement = json!({"text": text, "parameters": parameters});
    let waiting = ports.run(
        "sqlite",
        json!([{"open": "default"}, {"execute": statement}]),
    );
    assert_eq!(waiting[0], done());
    let streamed = ports.run(
        "sqlite",
        json!([
            {"open-async": "default"},
            {"execute-async": statement},
            {"held": {"then": "rest"}},
            {"held": {"then": "outcome"}},
        ]),
    );
    assert_eq!(streamed[0], done());
    assert_eq!(streamed[3], done(), "{text}");
    let answer = &waiting[1]["Ok"];
    assert_eq!(answer["columns"], streamed[1]["Ok"], "{text}");
    assert_eq!(answer["rows"], streamed[2], "{text}");
    answer.clone()
}

/// Runs statements one after the other on one connection.
fn prepare(ports: &Ports, statements: &[&str]) {
    let mut script = vec![json!({"open": "default"})];
    script.extend(
        statements
            .iter()
            .map(|text| json!({"execute": {"text": text}})),
    );
    for answer in ports.run("sqlite", json!(script)) {
        assert!(answer.get("Ok").is_some(), "{answer}");
    }
}

fn count(ports: &Ports, table: &str) -> Value {
    both(ports, &format!("select count(*) from {table}"), json!([]))["rows"][0]["values"][0]["Integer"].clone()
}

#[test]
fn every_kind_of_value_comes_back() {
    let ports = Ports::start();
    let values = json!([
        {"Integer": i64::MIN},
        {"Integer": i64::MAX},
        {"Real": -0.1},
        {"Real": 1e300},
        {"Text": "移动 ' \u{0}"},
        {"Text": ""},
        {"Blob": [0, 255]},
        {"Blob": []},
        "Null",
    ]);
    let answer = both(
        &ports,
        "select ?1 as a, ?2 as 二, ?3 as c, ?4 as d, ?5 as e, ?6 as f, ?7 as g, ?8 as h, ?9 as i",
        values.clone(),
    );
    assert_eq!(
        answer["columns"],
        json!(["a", "二", "c", "d", "e", "f", "g", "h", "i"])
    );
    assert_eq!(answer["rows"], json!([{"values": values}]));
    prepare(&ports, &["create table t (a integer, b text)"]);
    assert_eq!(
        both(&ports, "select * from t", json!([])),
        json!({"columns": ["a", "b"], "rows": []}),
        "a result without rows has columns"
    );
    assert_eq!(both(&ports, STREAMED, json!([]))["rows"], numbers(0));
}

#[test]
fn row_ids_and_changes_are_told_in_both_forms() {
    let ports = Ports::start();
    let tell = [
        json!({"changes": 0}),
        json!({"changes-async": 0}),
        json!({"last-insert-rowid": 0}),
        json!({"last-insert-rowid-async": 0}),
    ];
    let insert = "insert into t (a) values (?1), (?2)";
    let mut script = vec![json!({"open": "default"}), json!({"open": "default"})];
    script.push(json!({"execute": {"text": "create table t (id integer primary key, a)"}}));
    script.extend(tell.clone());
    script
        .push(json!({"execute": {"text": insert, "parameters": [{"Integer": 1}, {"Integer": 2}]}}));
    script.extend(tell.clone());
    script.push(json!({"execute-async": {"text": insert, "parameters": ["Null", "Null"]}}));
    script.push(json!({"held": {"then": "outcome"}}));
    script.extend(tell.clone());
    script.push(json!({"execute": {"text": "update t set a = 7 where id <= 3"}}));
    script.extend(tell);
    // Another connection inserted nothing.
    script.extend([json!({"changes": 1}), json!({"last-insert-rowid": 1})]);
    let answers = ports.run("sqlite", json!(script));
    assert_eq!(answers[3..7], [json!(0), json!(0), json!(0), json!(0)]);
    assert_eq!(answers[8..12], [json!(2), json!(2), json!(2), json!(2)]);
    assert_eq!(answers[13], done());
    assert_eq!(answers[14..18], [json!(2), json!(2), json!(4), json!(4)]);
    assert_eq!(answers[19..23], [json!(3), json!(3), json!(4), json!(4)]);
    assert_eq!(answers[23..], [json!(0), json!(0)]);
}

#[test]
fn databases_are_refused_by_name() {
    let ports = Ports::start();
    let answers = ports.run(
        "sqlite",
        json!([
            {"open": "unknown"}, {"open-async": "unknown"},
            {"open": "other"}, {"open-async": "other"},
            {"open": ""},
        ]),
    );
    let expected = [
        "NoSuchDatabase",
        "NoSuchDatabase",
        "AccessDenied",
        "AccessDenied",
        "AccessDenied",
    ]
    .map(|error| json!({"Err": error}));
    assert_eq!(answers, expected);
    // One more than an instance may hold; dropping one makes room.
    let mut script = vec![json!({"open": "default"}); 16];
    script.extend([json!({"open": "default"}), json!({"open-async": "default"})]);
    script.extend([json!({"drop": 5}), json!({"open-async": "default"})]);
    let answers = ports.run("sqlite", json!(script));
    assert_eq!(answers[15], done());
    assert!(message(&answers[16], "Io").contains("16 connections"));
    assert!(message(&answers[17], "Io").contains("16 connections"));
    assert_eq!(answers[19], done());
}

/// Goal: a fault that is known before the first row is the call's own result; one that comes later follows the rows. The
/// connection goes on after both.
#[test]
fn faults_come_where_they_belong() {
    let ports = Ports::start();
    prepare(
        &ports,
        &[
            "create table t (a integer primary key)",
            "insert into t values (1)",
        ],
    );
    for (text, part) in [
        ("selekt 1", "syntax error"),
        ("select * from missing", "missing"),
        ("insert into t values (1)", "UNIQUE"),
        ("attach database '/tmp/elsewhere.db' as elsewhere", "ATTACH"),
        ("select cast(x'ff' as text) as broken", "UTF-8"),
        ("select load_extension('x')", "not authorized"),
    ] {
        let statement = json!({"text": text});
        let answers = ports.run(
            "sqlite",
            json!([
                {"open": "default"},
                {"execute": statement},
                {"execute-async": statement},
                {"execute": {"text": "select a from t"}},
            ]),
        );
        assert!(
            message(&answers[1], "Io").contains(part),
            "{text}: {}",
            answers[1]
        );
        assert_eq!(answers[1], answers[2], "{text}");
        assert_eq!(
            answers[3]["Ok"]["rows"],
            json!([{"values": [{"Integer": 1}]}])
        );
    }
    let later = json!({"text": "select 'good' as a union all select cast(x'ff' as text)"});
    let answers = ports.run(
        "sqlite",
        json!([
            {"open": "default"},
            {"execute": later},
            {"execute-async": later},
            {"held": {"then": "rest"}},
            {"held": {"then": "outcome"}},
            {"execute": {"text": "select 1"}},
        ]),
    );
    assert!(message(&answers[1], "Io").contains("UTF-8"));
    assert_eq!(answers[2], json!({"Ok": ["a"]}));
    assert_eq!(answers[3], json!([{"values": [{"Text": "good"}]}]));
    assert_eq!(answers[4], answers[1]);
    assert!(answers[5].get("Ok").is_some());
}

/// Goal: whatever a guest does with a result that it has not read, its connection goes on, and what it still reads is
/// whole.
#[test]
fn unread_results_are_no_obstacle() {
    let ports = Ports::start();
    prepare(&ports, &["create table t (a)"]);
    let insert = format!("insert into t {STREAMED} returning a");
    let answers = ports.run(
        "sqlite",
        json!([
            {"open": "default"},
            // Rows dropped, the outcome not: the statement runs to its end.
            {"execute-async": {"text": insert}},
            {"held": {"on": 0, "then": {"take": 1}}},
            {"held": {"on": 0, "then": "drop-items"}},
            {"held": {"on": 0, "then": "outcome"}},
            {"execute": {"text": "select count(*) from t"}},
            // Both dropped in the middle.
            {"execute-async": {"text": STREAMED}},
            {"held": {"on": 1, "then": {"take": 3}}},
            {"held": {"on": 1, "then": "drop-items"}},
            {"held": {"on": 1, "then": "drop-outcome"}},
            {"execute": {"text": "select 1"}},
            // Half read, while other statements of both forms take their turn.
            {"execute-async": {"text": STREAMED}},
            {"held": {"on": 2, "then": {"take": 3}}},
            {"execute": {"text": "delete from t where a > 10"}},
            {"execute-async": {"text": STREAMED}},
            {"held": {"on": 3, "then": "drop-outcome"}},
            {"held": {"on": 3, "then": "rest"}},
            {"changes": 0},
            // The rest, after its connection is closed.
            {"drop": 0},
            {"held": {"on": 2, "then": "rest"}},
            {"held": {"on": 2, "then": "outcome"}},
        ]),
    );
    assert_eq!(answers[2], json!([{"values": [{"Integer": 1}]}]));
    assert_eq!(answers[4], done());
    assert_eq!(
        answers[5]["Ok"]["rows"][0]["values"][0],
        json!({"Integer": 2000})
    );
    assert!(answers[10].get("Ok").is_some(), "{}", answers[10]);
    assert!(answers[13].get("Ok").is_some(), "{}", answers[13]);
    assert_eq!(answers[16], numbers(0));
    assert_eq!(answers[17], 1990);
    assert_eq!(answers[19], numbers(3));
    assert_eq!(answers[20], done());
}

/// Goal: statements that are under way at once, on one connection and on two, all come to their end.
#[test]
fn statements_may_be_under_way_at_once() {
    let ports = Ports::start();
    let answers = ports.run(
        "sqlite",
        json!([
            {"open": "default"},
            {"open": "default"},
            {"together": [
                {"text": STREAMED},
                {"text": STREAMED},
                {"text": "selekt"},
                {"text": "select 5"},
                {"on": 1, "text": STREAMED},
            ]},
        ]),
    );
    let together = &answers[2];
    let whole = json!([numbers(0), done()]);
    assert_eq!([&together[0], &together[1], &together[4]], [&whole; 3]);
    assert!(together[2]["Io"].is_string(), "{}", together[2]);
    assert_eq!(
        together[3],
        json!([[{"values": [{"Integer": 5}]}], {"Ok": null}])
    );
}

/// Goal: a transaction that a request leaves open, whether it ends, leaves a result unread or traps, is undone and holds
/// no lock.
#[test]
fn open_transactions_end_with_their_request() {
    let ports = Ports::start();
    prepare(&ports, &["create table t (a)"]);
    let begin = [
        json!({"open": "default"}),
        json!({"execute": {"text": "begin immediate"}}),
        json!({"execute": {"text": "insert into t values (1)"}}),
    ];
    let left = json!(begin);
    let unread = json!(
        [
            &begin[..],
            &[
                json!({"execute-async": {"text": STREAMED}}),
                json!({"held": {"then": {"take": 1}}}),
            ]
        ]
        .concat()
    );
    for script in [left, unread] {
        let answers = ports.run("sqlite", script);
        assert!(answers[2].get("Ok").is_some(), "{}", answers[2]);
        assert_eq!(count(&ports, "t"), 0);
        prepare(
            &ports,
            &["begin immediate", "insert into t values (2)", "rollback"],
        );
    }
    let trapped = json!([&begin[..], &[json!("trap")]].concat());
    assert_eq!(ports.status("sqlite", trapped), 500);
    prepare(
        &ports,
        &["begin immediate", "insert into t values (3)", "commit"],
    );
    assert_eq!(count(&ports, "t"), 1);
}

/// Goal: a statement that does not come to an end, in each form, costs its own request only: its transaction is undone and
/// its lock is gone.
#[test]
fn endless_statements_end_with_their_request() {
    let ports = Ports::start_with(&[], &["--request-ms-max=1000"]);
    prepare(&ports, &["create table t (a)"]);
    let endless =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n";
    for form in ["execute", "execute-async"] {
        let script = json!([
            {"open": "default"},
            {"execute": {"text": "begin immediate"}},
            {"execute": {"text": "insert into t values (1)"}},
            {form: {"text": endless}},
        ]);
        assert_eq!(ports.status("sqlite", script), 504, "{form}");
        prepare(
            &ports,
            &["begin immediate", "insert into t values (2)", "rollback"],
        );
        assert_eq!(count(&ports, "t"), 0);
    }
}
