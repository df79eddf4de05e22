//! What is rejected, with which reason, and when there is too much of it.

use chudian_import::ImportError;
use chudian_import::rejects::RejectLimit;
use chudian_vocabulary::Language;

use crate::memory::{Bench, HEAD, Memory, column, word};

fn mapping() -> String {
    HEAD.to_owned()
        + &column(
            "age",
            "kind = \"word\"\ngroup = [{ code = \"#03\", title = { zh = \"18–23\", en = \"18–23\" }, from = 18, to = 23, words = [\"大学生\"] }]",
        )
        + &column(
            "arpu",
            "kind = \"money\"\nfrom = \"yuan\"\nmin = 0\nmax = 1000000",
        )
        + &column("since", "kind = \"date\"")
        + &column("active", "kind = \"flag\"")
        + &column("score", "kind = \"score\"")
        + &column("plan", "kind = \"word\"")
}

const TABLE: &str = "number,age,arpu,since,active,score,plan\n\
    13900000001,20,1,2026-05-01,1,0.5,a\n\
    13900000002,24,1,2026-05-01,1,0.5,a\n\
    13900000003,20,1\n\
    13900000001,20,1,2026-05-01,1,0.5,a\n\
    13900000004,大学生,1.005,2026-05-01,1,0.5,a\n\
    13900000005,大学生,-1,2026-05-01,1,0.5,a\n\
    13900000006,大学生,x,2026-05-01,1,0.5,a\n\
    13900000007,大学生,99999999999999999,2026-05-01,1,0.5,a\n\
    13900000008,#03,1,2026-02-30,1,0.5,a\n\
    13900000009,#03,1,2026-05-01,maybe,0.5,a\n\
    13900000010,#03,1,2026-05-01,1,NaN,a\n\
    13900000011,#03,1,2026-05-01,1,0.5,\"a\tb\"\n\
    1390000001,#03,1,2026-05-01,1,0.5,a\n\
    ,#03,1,2026-05-01,1,0.5,a\n\
    13900000012,#03,1,2026-05-01,1,0.5,LONG\n\
    13900000013,#03,1,2026-05-01,1,0.5,a,b\n\
    13900000014,#03,1,2026-05-01,1,0.5,=1+1\n\
    13900000015,=2,1,2026-05-01,1,0.5,a\n";

const EXPECTED: [(&str, &str, &str, &str); 16] = [
    ("3", "age", "no-group", "24"),
    ("4", "", "ragged", ""),
    ("5", "number", "duplicate", ""),
    ("6", "arpu", "not-whole", "1.005"),
    ("7", "arpu", "out-of-bounds", "'-1"),
    ("8", "arpu", "not-a-number", "x"),
    ("9", "arpu", "too-large", "(17)"),
    ("10", "since", "not-a-date", "2026-02-30"),
    ("11", "active", "not-a-flag", "maybe"),
    ("12", "score", "not-a-score", "NaN"),
    ("13", "plan", "control-character", "a�b"),
    ("14", "number", "not-a-mobile-number", "(10)"),
    ("15", "number", "no-id", "(0)"),
    (
        "16",
        "plan",
        "word-too-long",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
    ),
    ("17", "", "ragged", ""),
    ("19", "age", "not-a-number", "'=2"),
];

fn table() -> String {
    TABLE.replace("LONG", &"x".repeat(257))
}

#[test]
fn every_reason_has_its_line_and_column() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let (outcome, target) = bench.imported(&mapping());
    let rejected = bench.rejected();
    let told: Vec<_> = rejected
        .iter()
        .map(|row| {
            (
                row[0].as_str(),
                row[1].as_str(),
                row[2].as_str(),
                row[4].as_str(),
            )
        })
        .collect();
    assert_eq!(told, EXPECTED);
    assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (2, 16));
    assert_eq!(rejected[2][3], "the customer stands on line 2 already");
    assert_eq!(target.rows()[0][1], word("#03"));
    target.check_pages();
}

#[test]
fn reasons_stand_in_the_chosen_language() {
    let bench = Bench {
        language: Language::Chinese,
        ..Bench::new("a.csv", table().as_bytes())
    };
    bench.imported(&mapping());
    assert_eq!(bench.rejected()[2][3], "该客户已在第 2 行出现");
    for row in bench.rejected() {
        assert!(
            row[3].chars().any(|character| character > '\u{4e00}'),
            "{row:?}"
        );
    }
}

/// Goal: above the limit nothing is published, the rejects are there, and what was sent is given up.
#[test]
fn too_many_rejects_publish_nothing() {
    for (limit, passes) in [
        (RejectLimit::Rows(16), true),
        (RejectLimit::Rows(15), false),
        (RejectLimit::Rows(0), false),
        (RejectLimit::Share { ppm: 900_000 }, true),
        (RejectLimit::Share { ppm: 10_000 }, false),
    ] {
        let bench = Bench {
            rejects_max: limit,
            ..Bench::new("a.csv", table().as_bytes())
        };
        let target = Memory::default();
        match bench.import(&mapping(), Some(&target)) {
            Ok(_) => assert!(passes),
            Err(ImportError::TooManyRejects { rejected, kept, .. }) => {
                assert!(!passes && rejected > 0);
                assert_eq!(kept, Some(bench.rejects_place()));
            }
            Err(other) => panic!("{other}"),
        }
        target.with(|held| assert_eq!((held.published, held.given_up), (passes, !passes)));
        assert!(!bench.state_place().exists());
        assert!(!bench.rejected().is_empty());
    }
}

#[test]
fn rejects_of_an_earlier_run_do_not_stay() {
    let bench = Bench::new("a.csv", table().as_bytes());
    bench.imported(&mapping());
    assert!(bench.rejects_place().exists());
    std::fs::write(
        &bench.table,
        table().lines().take(2).collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    bench.imported(&mapping());
    assert!(!bench.rejects_place().exists());
}

#[test]
fn a_table_without_rows_is_no_snapshot() {
    let bench = Bench::new("a.csv", b"number,age,arpu,since,active,score,plan\n");
    assert!(matches!(
        bench.import(&mapping(), Some(&Memory::default())),
        Err(ImportError::NoRows)
    ));
}

/// Goal: a column that a province adds to its extract is not taken over unnoticed.
#[test]
fn headings_that_do_not_fit_are_named_at_once() {
    let bench = Bench::new(
        "a.csv",
        "number,age,arpu,新列,新列,active,score,plan\n".as_bytes(),
    );
    let error = bench.import(&mapping(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "headings of the file that the mapping does not name (add a [[column]] or a [[drop]] for each): `新列`; headings of the mapping that \
         the file lacks: `since`; headings that the file has twice: `新列`"
    );
    assert!(error.text(Language::Chinese).contains("映射未提及的表头"));
}

/// Goal: a name or an identifier that is mapped as a word ends the import before memory does.
#[test]
fn a_column_of_names_is_no_column_of_words() {
    let rows: String = (0..140_000)
        .map(|row| format!("{},user-{row}\n", 13_900_000_000_u64 + row))
        .collect();
    let bench = Bench::new("a.csv", ("number,plan\n".to_owned() + &rows).as_bytes());
    let mapping = HEAD.to_owned() + &column("plan", "kind = \"word\"");
    let error = bench.import(&mapping, None).unwrap_err();
    assert!(
        matches!(&error, ImportError::TooManyWords { heading, .. } if heading == "plan"),
        "{error}"
    );
}
