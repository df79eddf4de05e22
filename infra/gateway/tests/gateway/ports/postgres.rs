//! `spin:postgres` from a guest, on a cluster that each test starts.

use std::path::Path;
use std::process::Command;

use chudian_test_support::postgres::Postgres;
use serde_json::{Value, json};

use super::{Ports, done, message};

/// More rows than the host reads ahead, so that a result of them is really streamed.
const STREAMED: &str = "select i from generate_series(1, 2000) as i";

/// Questions until a server has noticed what it was told or what happened; beyond it, it never will.
const TRIES_MAX: u32 = 10_000;

/// The numbers of [`STREAMED`] as rows, those behind the first `skipped`.
fn numbers(skipped: i32) -> Value {
    (skipped + 1..=2000)
        .map(|number| json!([{"Int32": number}]))
        .collect()
}

/// A gateway, and a server that its component may reach.
struct World {
    ports: Ports,
    url: String,
    _cluster: Postgres,
}

impl World {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// `words` are further ones for `chudian up`.
    fn start_with(words: &[&str]) -> Self {
        let cluster = Postgres::start().unwrap();
        let url = cluster.new_database("ports").unwrap();
        Self {
            ports: Ports::start_with(&[&format!("postgres://{}", cluster.address())], words),
            url,
            _cluster: cluster,
        }
    }

    fn run(&self, script: Value) -> Vec<Value> {
        self.ports.run("postgres", script)
    }

    /// Runs calls on a connection; its opening, which comes before them, is not among the answers.
    fn on_connection(&self, calls: &[Value]) -> Vec<Value> {
        let mut answers = self.run(json!([&[json!({"open": self.url})], calls].concat()));
        assert_eq!(answers.remove(0), done());
        answers
    }

    fn prepare(&self, statements: &[&str]) {
        let calls: Vec<Value> = statements
            .iter()
            .map(|text| json!({"execute": {"text": text}}))
            .collect();
        for answer in self.on_connection(&calls) {
            assert!(answer["Ok"].is_u64(), "{answer}");
        }
    }

    /// A query's answer, the same in both forms: columns and rows.
    fn both(&self, text: &str, parameters: &Value) -> Value {
        let statement = json!({"text": text, "parameters": parameters});
        let answers = self.run(json!([
            {"open-async": self.url},
            {"query": statement},
            {"query-async": statement},
            {"held": {"then": "rest"}},
            {"held": {"then": "outcome"}},
        ]));
        assert_eq!(answers[0], done());
        assert_eq!(answers[4], done(), "{text}");
        let answer = &answers[1]["Ok"];
        assert_eq!(answer["columns"], answers[2]["Ok"], "{text}");
        assert_eq!(answer["rows"], answers[3], "{text}");
        answer.clone()
    }

    /// The one value of a query.
    fn value(&self, text: &str) -> Value {
        self.both(text, &json!([]))["rows"][0][0].clone()
    }
}

/// Goal: every kind of parameter, value and column of the interface passes the guest's border and comes back the same.
#[test]
fn every_kind_of_value_comes_back() {
    let world = World::start();
    let table = [
        ("boolean", json!({"Boolean": true}), "Boolean"),
        ("\"char\"", json!({"Int8": 65}), "Int8"),
        ("smallint", json!({"Int16": i16::MIN}), "Int16"),
        ("integer", json!({"Int32": i32::MAX}), "Int32"),
        ("bigint", json!({"Int64": i64::MIN}), "Int64"),
        ("real", json!({"Floating32": 0.25}), "Floating32"),
        (
            "double precision",
            json!({"Floating64": -0.1}),
            "Floating64",
        ),
        ("text", json!({"Str": "移动 '"}), "Str"),
        ("varchar(9)", json!({"Str": ""}), "Str"),
        ("bytea", json!({"Binary": [0, 255]}), "Binary"),
        ("date", json!({"Date": [2024, 2, 29]}), "Date"),
        ("time", json!({"Time": [23, 59, 59, 123_456_000]}), "Time"),
        (
            "timestamp",
            json!({"Datetime": [1969, 7, 20, 20, 17, 40, 5_000]}),
            "Datetime",
        ),
        (
            "uuid",
            json!({"Uuid": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
            "Uuid",
        ),
        (
            "numeric",
            json!({"Decimal": "-12345678901234567890.0010"}),
            "Decimal",
        ),
        (
            "int4range",
            json!({"RangeInt32": [[-3, "Inclusive"], [9, "Exclusive"]]}),
            "RangeInt32",
        ),
        (
            "int8range",
            json!({"RangeInt64": [null, [i64::MAX, "Exclusive"]]}),
            "RangeInt64",
        ),
        (
            "numrange",
            json!({"RangeDecimal": [["0.5", "Exclusive"], ["1.50", "Inclusive"]]}),
            "RangeDecimal",
        ),
        ("int4[]", json!({"ArrayInt32": [1, null, -1]}), "ArrayInt32"),
        (
            "int8[]",
            json!({"ArrayInt64": [i64::MAX, null]}),
            "ArrayInt64",
        ),
        (
            "numeric[]",
            json!({"ArrayDecimal": ["0.10", null]}),
            "ArrayDecimal",
        ),
        ("text[]", json!({"ArrayStr": ["甲", null, ""]}), "ArrayStr"),
        ("text[]", json!({"ArrayStr": []}), "ArrayStr"),
        (
            "interval",
            json!({"Interval": {"micros": -1, "days": 2, "months": -3}}),
            "Interval",
        ),
        ("text", json!("DbNull"), "Str"),
    ];
    for (type_name, value, data_type) in table {
        let answer = world.both(&format!("select $1::{type_name} as 列"), &json!([value]));
        let expected =
            json!({"columns": [{"name": "列", "data_type": data_type}], "rows": [[value]]});
        assert_eq!(answer, expected, "{type_name}");
    }
    // What comes back otherwise than it went.
    let moment = world.both("select $1::timestamptz", &json!([{"Timestamp": -1}]));
    assert_eq!(
        moment["rows"],
        json!([[{"Datetime": [1969, 12, 31, 23, 59, 59, 0]}]])
    );
    let document = world.both("select $1::jsonb as j", &json!([{"Jsonb": b"{\"a\" :1}"}]));
    assert_eq!(document["rows"], json!([[{"Jsonb": b"{\"a\": 1}"}]]));
    assert_eq!(document["columns"][0]["data_type"], "Jsonb");
    let foreign = world.both("select '10.1.2.3'::inet as i", &json!([]));
    assert_eq!(
        foreign["columns"],
        json!([{"name": "i", "data_type": {"Other": "inet"}}])
    );
    assert_eq!(
        foreign["rows"],
        json!([[{"Unsupported": [2, 32, 0, 4, 10, 1, 2, 3]}]])
    );
    // The server read them as they were meant, not only gave the same bytes back.
    let meant = world.both(
        "select concat_ws('|', $1::numeric, $2::date, $3::interval, $4::int4range, $5::text[])",
        &json!([
            {"Decimal": "10000.0010"},
            {"Date": [2026, 11, 22]},
            {"Interval": {"micros": 1_000_000, "days": 1, "months": 14}},
            {"RangeInt32": [[1, "Exclusive"], [5, "Inclusive"]]},
            {"ArrayStr": ["a", null]},
        ]),
    );
    assert_eq!(
        meant["rows"][0][0],
        json!({"Str": "10000.0010|2026-11-22|1 year 2 mons 1 day 00:00:01|[2,6)|{a,NULL}"})
    );
}

#[test]
fn statements_are_run_in_both_forms() {
    let world = World::start();
    let insert = |form: &str, from: i32| {
        json!({form: {
            "text": "insert into t select generate_series($1::int, $1 + 2)",
            "parameters": [{"Int32": from}],
        }})
    };
    let answers = world.on_connection(&[
        json!({"execute": {"text": "create table t (a integer primary key, b text)"}}),
        insert("execute", 1),
        insert("execute-async", 4),
        json!({"execute-async": {"text": "update t set b = 'x' where a > 4"}}),
        json!({"execute": {"text": "delete from t where a > 100"}}),
    ]);
    assert_eq!(
        json!(answers),
        json!([{"Ok": 0}, {"Ok": 3}, {"Ok": 3}, {"Ok": 2}, {"Ok": 0}])
    );
    assert_eq!(world.value("select count(*) from t"), json!({"Int64": 6}));
    let empty = world.both("select * from t where a < 0", &json!([]));
    let columns = json!([{"name": "a", "data_type": "Int32"}, {"name": "b", "data_type": "Str"}]);
    assert_eq!(empty, json!({"columns": columns, "rows": []}));
    assert_eq!(world.both(STREAMED, &json!([]))["rows"], numbers(0));
}

#[test]
fn servers_are_refused_by_reason() {
    let world = World::start();
    let elsewhere = "postgres://127.0.0.1:1/x";
    let nobody = world.url.replace("chudian@", "nobody:s3cret@");
    for address in [elsewhere, nobody.as_str(), "no address"] {
        let answers = world.run(json!([
            {"open": address},
            {"open-async": address},
            {"builder": address},
            {"build": 0},
            {"build-async": 0},
        ]));
        let reason = message(&answers[0], "ConnectionFailed");
        assert!(!reason.contains("s3cret"), "{reason}");
        assert_eq!(answers[2], done());
        for form in [1, 3, 4] {
            assert_eq!(answers[form], answers[0], "{address}");
        }
    }
    // One more than an instance may hold; dropping one makes room.
    let mut script = vec![json!({"open": world.url}); 16];
    script.extend([json!({"open": world.url}), json!({"open-async": world.url})]);
    script.extend([json!({"drop": 5}), json!({"open-async": world.url})]);
    let answers = world.run(json!(script));
    assert_eq!(answers[15], done());
    assert!(message(&answers[16], "ConnectionFailed").contains("16 connections"));
    assert!(message(&answers[17], "ConnectionFailed").contains("16 connections"));
    assert_eq!(answers[19], done());
}

/// Goal: a fault that is known before the first row is the call's own result; one that comes later follows the rows. All
/// forms tell the same, with the server's SQLSTATE.
#[test]
fn faults_come_where_they_belong() {
    let world = World::start();
    world.prepare(&[
        "create table t (a integer primary key)",
        "insert into t values (1)",
    ]);
    let forms = |statement: Value| {
        world.on_connection(&[
            json!({"query": statement}),
            json!({"query-async": statement}),
            json!({"execute": statement}),
            json!({"execute-async": statement}),
            json!({"query": {"text": "select 1"}}),
        ])
    };
    for (text, code) in [
        ("selekt 1", "42601"),
        ("select * from missing", "42P01"),
        ("insert into t values (1)", "23505"),
    ] {
        let answers = forms(json!({"text": text}));
        assert_eq!(
            answers[0]["Err"]["QueryFailed"]["DbError"]["code"], code,
            "{}",
            answers[0]
        );
        assert!(
            answers[1..4].iter().all(|answer| *answer == answers[0]),
            "{text}: {answers:?}"
        );
        assert!(answers[4].get("Ok").is_some(), "{}", answers[4]);
    }
    let duplicate = forms(json!({"text": "insert into t values (1)"}));
    let error = &duplicate[0]["Err"]["QueryFailed"]["DbError"];
    assert_eq!(error["severity"], "ERROR");
    assert_eq!(error["detail"], "Key (a)=(1) already exists.");
    assert!(error["message"].as_str().unwrap().contains("t_pkey"));
    assert!(error["as_text"].as_str().unwrap().contains("23505"));
    assert!(
        error["extras"]
            .as_array()
            .unwrap()
            .contains(&json!(["constraint", "t_pkey"]))
    );

    for (text, parameters) in [
        ("select * from t where a = $1", json!([{"Int64": 1}])),
        ("select $1::int + $2::int", json!([{"Int32": 1}])),
        ("select $1::date", json!([{"Date": [2026, 2, 30]}])),
        ("select $1::uuid", json!([{"Uuid": "no"}])),
        ("select $1::numeric", json!([{"Decimal": "1,5"}])),
    ] {
        let answers = forms(json!({"text": text, "parameters": parameters}));
        message(&answers[0], "BadParameter");
        assert!(
            answers[1..4].iter().all(|answer| *answer == answers[0]),
            "{text}: {answers:?}"
        );
        assert!(answers[4].get("Ok").is_some(), "{}", answers[4]);
    }

    let unsayable = json!({"text": "select 'infinity'::date as d"});
    for form in ["query", "query-async"] {
        let answers = world.on_connection(&[json!({form: unsayable})]);
        assert!(message(&answers[0], "ValueConversionFailed").contains("`d`"));
    }

    let later = json!({"text": "select 6 / (3 - n) as q from generate_series(1, 3) as n"});
    let answers = world.on_connection(&[
        json!({"query": later}),
        json!({"query-async": later}),
        json!({"held": {"then": "rest"}}),
        json!({"held": {"then": "outcome"}}),
        json!({"query": {"text": "select 1"}}),
    ]);
    assert_eq!(answers[0]["Err"]["QueryFailed"]["DbError"]["code"], "22012");
    assert_eq!(
        answers[1],
        json!({"Ok": [{"name": "q", "data_type": "Int32"}]})
    );
    assert_eq!(answers[2], json!([[{"Int32": 3}], [{"Int32": 6}]]));
    assert_eq!(answers[3], answers[0]);
    assert!(answers[4].get("Ok").is_some());
}

/// Goal: whatever a guest does with a result that it has not read, its connection goes on, and what it still reads is
/// whole; so do statements that are under way at once.
#[test]
fn unread_results_are_no_obstacle() {
    let world = World::start();
    world.prepare(&["create table t (a integer)"]);
    let insert = format!("insert into t {STREAMED} returning a");
    let answers = world.on_connection(&[
        // Rows dropped, the outcome not: the statement runs to its end.
        json!({"query-async": {"text": insert}}),
        json!({"held": {"on": 0, "then": {"take": 1}}}),
        json!({"held": {"on": 0, "then": "drop-items"}}),
        json!({"held": {"on": 0, "then": "outcome"}}),
        json!({"query": {"text": "select count(*) from t"}}),
        // Half read, while other statements of both forms take their turn.
        json!({"query-async": {"text": STREAMED}}),
        json!({"held": {"on": 1, "then": {"take": 3}}}),
        json!({"execute": {"text": "delete from t where a > 10"}}),
        json!({"query-async": {"text": STREAMED}}),
        json!({"held": {"on": 2, "then": "drop-outcome"}}),
        json!({"held": {"on": 2, "then": "rest"}}),
        json!({"together": [{"text": STREAMED}, {"text": STREAMED}, {"text": "selekt"}, {"text": "select 5"}]}),
        // The rest, after its connection is closed.
        json!({"drop": 0}),
        json!({"held": {"on": 1, "then": "rest"}}),
        json!({"held": {"on": 1, "then": "outcome"}}),
    ]);
    assert_eq!(answers[1], json!([[{"Int32": 1}]]));
    assert_eq!(answers[3], done());
    assert_eq!(answers[4]["Ok"]["rows"], json!([[{"Int64": 2000}]]));
    assert_eq!(answers[7], json!({"Ok": 1990}));
    assert_eq!(answers[10], numbers(0));
    let whole = json!([numbers(0), done()]);
    assert_eq!([&answers[11][0], &answers[11][1]], [&whole; 2]);
    assert_eq!(answers[11][2]["QueryFailed"]["DbError"]["code"], "42601");
    assert_eq!(answers[11][3], json!([[[{"Int32": 5}]], {"Ok": null}]));
    assert_eq!(answers[13], numbers(3));
    assert_eq!(answers[14], done());

    // Both sides dropped in the middle: the statement is given up, and the guest may go on at once.
    let answers = world.on_connection(&[
        json!({"query-async": {"text": STREAMED}}),
        json!({"held": {"then": {"take": 3}}}),
        json!({"held": {"then": "drop-items"}}),
        json!({"held": {"then": "drop-outcome"}}),
        json!({"query": {"text": "select 1"}}),
    ]);
    assert_eq!(
        answers[4]["Ok"]["rows"],
        json!([[{"Int32": 1}]]),
        "{}",
        answers[4]
    );
}

/// Goal: a transaction and the settings that a request leaves behind, whether it ends, leaves a result unread or traps,
/// do not reach the next request.
#[test]
fn sessions_end_with_their_request() {
    let world = World::start();
    world.prepare(&["create table t (a integer)"]);
    let begin = [
        json!({"execute": {"text": "set search_path = pg_catalog"}}),
        json!({"execute": {"text": "begin"}}),
        json!({"execute": {"text": "lock table public.t in access exclusive mode"}}),
        json!({"execute": {"text": "insert into public.t values (1)"}}),
    ];
    let unread = [
        json!({"query-async": {"text": STREAMED}}),
        json!({"held": {"then": {"take": 1}}}),
    ];
    for calls in [begin.to_vec(), [&begin[..], &unread].concat()] {
        let answers = world.on_connection(&calls);
        assert_eq!(answers[3], json!({"Ok": 1}));
        assert_eq!(world.value("select count(*) from t"), json!({"Int64": 0}));
        assert_eq!(
            world.value("show client_connection_check_interval"),
            json!({"Str": "1s"}),
            "the host's own settings are back"
        );
        assert_ne!(world.value("show statement_timeout"), json!({"Str": "0"}));
    }
    let mut trapped = vec![json!({"open": world.url})];
    trapped.extend(begin);
    trapped.push(json!("trap"));
    assert_eq!(world.ports.status("postgres", json!(trapped)), 500);
    world.prepare(&["insert into t values (2)"]);
    assert_eq!(world.value("select count(*) from t"), json!({"Int64": 1}));
}

/// Goal: a statement that does not come to an end, in each form, costs its own request only, and the server is not left
/// working at it.
#[test]
fn endless_statements_end_with_their_request() {
    let world = World::start_with(&["--request-ms-max=1000"]);
    world.prepare(&["create table t (a integer)"]);
    for form in ["query", "query-async", "execute", "execute-async"] {
        let script = json!([
            {"open": world.url},
            {"execute": {"text": "begin"}},
            {"execute": {"text": "insert into t values (1)"}},
            {form: {"text": "select pg_sleep(86400)"}},
        ]);
        assert_eq!(world.ports.status("postgres", script), 504, "{form}");
        assert_eq!(world.value("select count(*) from t"), json!({"Int64": 0}));
    }
    let working = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    // In one form only: between two questions the figure may change.
    let question = json!([{"open-async": world.url}, {"query": {"text": working}}]);
    let ended = (0..TRIES_MAX).any(|_| {
        let answers = world.run(question.clone());
        answers[1]["Ok"]["rows"][0][0] == json!({"Int64": 0})
    });
    assert!(ended, "the server still works for requests that are gone");
}

/// Goal: a root certificate decides whom the guest speaks to: the server that it vouches for, by both forms, over an
/// encrypted connection; no other, and never in the clear.
#[test]
fn a_root_certificate_is_kept_to() {
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (
        new_root(folder.path(), "root"),
        new_root(folder.path(), "other"),
    );
    let build = |certificate: &str| {
        world.run(json!([
            {"builder": world.url},
            {"set-ca-root": {"certificate": certificate}},
            {"build": 0},
            {"build-async": 0},
        ]))
    };
    let answers = build(&root);
    assert_eq!(answers[1], done());
    message(&answers[2], "ConnectionFailed");
    assert_eq!(answers[3], answers[2], "the server does not encrypt yet");
    for certificate in ["", "no certificate", &"x".repeat(100_000)] {
        let answers = world
            .run(json!([{"builder": world.url}, {"set-ca-root": {"certificate": certificate}}]));
        message(&answers[1], "Other");
    }

    encrypt(&world, folder.path());
    let opened = (0..TRIES_MAX)
        .map(|_| build(&root))
        .find(|answers| answers[2] == done());
    assert_eq!(
        opened.expect("the server never offered encryption")[3],
        done()
    );
    let answers = world.run(json!([
        {"builder": world.url},
        {"set-ca-root": {"certificate": root}},
        {"build-async": 0},
        {"drop-builder": 0},
        {"query": {"text": "select ssl from pg_stat_ssl where pid = pg_backend_pid()"}},
    ]));
    assert_eq!(answers[4]["Ok"]["rows"], json!([[{"Boolean": true}]]));
    let answers = build(&other);
    message(&answers[2], "ConnectionFailed");
    assert_eq!(answers[3], answers[2]);
}

/// Makes a root certificate and its key, and returns the certificate.
fn new_root(folder: &Path, name: &str) -> String {
    openssl(
        folder,
        &[
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.pem"),
        ],
    );
    std::fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap()
}

/// Gives the server a certificate for its address, signed by `root`, and has it offer encryption.
fn encrypt(world: &World, folder: &Path) {
    openssl(
        folder,
        &[
            "-subj",
            "/CN=server",
            "-CA",
            "root.pem",
            "-CAkey",
            "root.key",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "server.key",
            "-out",
            "server.crt",
        ],
    );
    // The server's own user must own the files, so the server writes them.
    let write = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        format!(
            "copy (select 1) to program 'cat > /dev/null; umask 077; cat > {name} <<END\n{text}END\n'"
        )
    };
    world.prepare(&[
        &write("server.key"),
        &write("server.crt"),
        "alter system set ssl = on",
    ]);
    assert_eq!(
        world.value("select pg_reload_conf()"),
        json!({"Boolean": true})
    );
}

/// Makes a key and a certificate for it. PostgreSQL's own package brings `openssl` along.
fn openssl(folder: &Path, words: &[&str]) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(words)
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
