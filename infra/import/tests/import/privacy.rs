//! PR-1 and PR-2: numbers and names never come out of the import in any form but the pseudonym.

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
            "not-a-number"
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
