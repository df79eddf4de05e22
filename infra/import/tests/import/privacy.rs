//! PR-1 and PR-2: numbers and names never come out of the import in any form but the pseudonym.

use std::os::unix::fs::PermissionsExt as _;

use chudian_import::ImportError;
use chudian_import::mapping::FileRules;
use chudian_import::source::{SourceError, survey};
use chudian_import::suggest::suggest;

use crate::memory::{Bench, HEAD, column};

/// Goal: planted numbers and identity cards in every other column are found, and neither rejects, parts, state nor errors hold one.
#[test]
fn planted_numbers_come_out_nowhere() {
    let table = "number,word,figure,money,score\n\
        13911112222,a,1,1,1\n\
        13911112223,13911119999,1,1,1\n\
        13911112224,tel 13911119999 after six,1,1,1\n\
        13911112225,139-1111-9999,1,1,1\n\
        13911112226,11010519491231002X,1,1,1\n\
        13911112227,a,13911119999,1,1\n\
        13911112228,a,1,13911119999,1\n\
        13911112229,a,1,1,13911119999\n\
        13911112222,a,1,1,1\n\
        139111122223,a,1,1,1\n\
        13911112230,a,13911119999x,1,1\n";
    let mapping = HEAD.to_owned()
        + &column("word", "kind = \"word\"")
        + &column("figure", "kind = \"integer\"")
        + &column("money", "kind = \"money\"\nfrom = \"yuan\"")
        + &column("score", "kind = \"score\"");
    let bench = Bench::new("a.csv", table.as_bytes());
    let (outcome, target) = bench.imported(&mapping);
    assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (1, 10));
    let codes: Vec<String> = bench
        .rejected()
        .into_iter()
        .map(|row| row[2].clone())
        .collect();
    let telephone = "telephone-number";
    assert_eq!(
        codes,
        [
            telephone,
            telephone,
            telephone,
            "identity-card",
            telephone,
            telephone,
            telephone,
            "duplicate",
            "not-a-mobile-number",
            telephone
        ]
    );
    let rejects = std::fs::read_to_string(bench.rejects_place()).unwrap();
    let parts = target.with(|held| {
        [
            held.columns
                .values()
                .flatten()
                .copied()
                .collect::<Vec<u8>>(),
            held.pages.values().flatten().copied().collect(),
        ]
        .concat()
    });
    let said = format!(
        "{outcome:?}{:?}",
        target.with(|held| held.announcements.clone())
    );
    for secret in ["1391111", "139-1111", "1119999", "11010519491231002"] {
        assert!(!rejects.contains(secret), "{rejects}");
        assert!(!said.contains(secret), "{said}");
        assert!(
            !parts
                .windows(secret.len())
                .any(|bytes| bytes == secret.as_bytes()),
            "a part holds {secret}"
        );
    }
}

/// Goal: the forms in which numbers slip through: floating point, full-width digits, an identity card where a date or a figure is
/// expected, one with a wrong digit; and a file of rejects that only its owner reads.
#[test]
fn numbers_in_other_writings_come_out_nowhere() {
    let table = "number,word,figure,score,day,flag\n\
        13911112222,a,1,1,2026-05-01,1\n\
        13911112223,a,13911119999.0,1,2026-05-01,1\n\
        13911112224,a,1.3911119999e10,1,2026-05-01,1\n\
        13911112225,a,1,13911119999.0,2026-05-01,1\n\
        13911112226,１３９１１１１９９９９,1,1,2026-05-01,1\n\
        13911112227,１１０１０５１９４９１２３１００２Ｘ,1,1,2026-05-01,1\n\
        13911112228,a,1,1,11010519491231002X,1\n\
        13911112229,a,11010519491231002X,1,2026-05-01,1\n\
        13911112230,a,1,11010519491231002X,2026-05-01,1\n\
        13911112231,a,1,1,2026-05-01,11010519491231002X\n\
        13911112232,a,110105194912310021,1,2026-05-01,1\n\
        13911112233,a,1,1,１１０１０５１９４９１２３１００２1,1\n";
    let mapping = HEAD.to_owned()
        + &column("word", "kind = \"word\"")
        + &column("figure", "kind = \"integer\"")
        + &column("score", "kind = \"score\"")
        + &column("day", "kind = \"date\"")
        + &column("flag", "kind = \"flag\"");
    let bench = Bench::new("a.csv", table.as_bytes());
    bench.imported(&mapping);
    let codes: Vec<String> = bench
        .rejected()
        .into_iter()
        .map(|row| row[2].clone())
        .collect();
    let (telephone, card) = ("telephone-number", "identity-card");
    assert_eq!(
        codes,
        [
            telephone,
            telephone,
            telephone,
            telephone,
            card,
            card,
            card,
            card,
            card,
            "too-large",
            "not-a-date"
        ]
    );
    let rejects = std::fs::read_to_string(bench.rejects_place()).unwrap();
    for secret in ["1391111", "1119999", "1101051949", "１３９", "１１０１０５"] {
        assert!(!rejects.contains(secret), "{rejects}");
    }
    let mode = std::fs::metadata(bench.rejects_place())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "others may read the file of rejects");
}

/// Goal: a cell of blanks is empty, whichever blanks: U+3000 comes from Chinese input methods, U+00A0 from web pages.
#[test]
fn blanks_of_every_kind_are_no_value() {
    let table = "number,word,figure\n13911112222,\u{3000},1\n13911112223,\u{a0} ,\u{3000}\n13911112224, ,1\n";
    let mapping = HEAD.to_owned()
        + &column("word", "kind = \"word\"")
        + &column("figure", "kind = \"integer\"");
    let bench = Bench::new("a.csv", table.as_bytes());
    let (outcome, target) = bench.imported(&mapping);
    assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (3, 0));
    for row in target.rows() {
        assert_eq!(row[1], None);
    }
    assert_eq!(target.rows()[1][2], None);
}

/// Goal: what is dropped leaves no trace.
#[test]
fn dropped_columns_leave_no_trace() {
    let mapping = HEAD.to_owned()
        + &column("a", "kind = \"integer\"")
        + "[[drop]]\nheading = \"姓名\"\nreason = \"name\"\n";
    let bench = Bench::new(
        "a.csv",
        "number,姓名,a\n13911112222,张三丰,1\n13911112223,李四光,x\n".as_bytes(),
    );
    let (_, target) = bench.imported(&mapping);
    let rejects = std::fs::read_to_string(bench.rejects_place()).unwrap();
    assert!(!rejects.contains("李四光"));
    target.with(|held| {
        let needle = "张三丰".as_bytes();
        for part in held.columns.values().chain(held.pages.values()) {
            assert!(!part.windows(needle.len()).any(|bytes| bytes == needle));
        }
    });
}

/// Goal: a table without a row of headings is refused before its first customer becomes the names of columns, in drafts and in errors.
#[test]
fn a_first_row_of_data_is_told_and_not_shown() {
    for table in [
        "13911112222,张三丰,1\n13911112223,李四光,2\n",
        "１３９１１１１２２２２,a\n13911112223,b\n",
        "33\t1\t4\n37\t1\t2\n",
    ] {
        let bench = Bench::new("a.csv", table.as_bytes());
        let rules = FileRules::default();
        let found = survey(&bench.table, &rules).unwrap();
        let error = suggest(&bench.table, &found, &rules).unwrap_err();
        assert!(
            matches!(error, ImportError::Source(SourceError::HeadingIsData)),
            "{error:?}"
        );
        let error = bench.import(HEAD, None).unwrap_err().to_string();
        assert!(
            !error.contains("1391111") && !error.contains("张三丰"),
            "{error}"
        );
    }
}

/// Goal: headings that come twice are told when the mapping is drafted, not by the import that uses the draft.
#[test]
fn no_draft_names_a_heading_twice() {
    let bench = Bench::new("a.csv", "number,a,a\n13911112222,1,2\n".as_bytes());
    let rules = FileRules::default();
    let found = survey(&bench.table, &rules).unwrap();
    let error = suggest(&bench.table, &found, &rules).unwrap_err();
    assert!(
        matches!(&error, ImportError::Headings(faults) if faults.repeated == ["a"]),
        "{error:?}"
    );
}
