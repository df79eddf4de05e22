//! An import that ends half-way is repeated with the same result.

use chudian_import::ImportError;
use chudian_import::run::Progress;
use chudian_import::source::SourceError;
use chudian_import::state::State;
use chudian_import::target::Target as _;

use crate::memory::{Bench, HEAD, Memory, column};

fn mapping() -> String {
    HEAD.to_owned() + &column("a", "kind = \"integer\"") + &column("b", "kind = \"word\"")
}

fn table() -> String {
    let rows: String = (0..40_000)
        .map(|row| format!("{},{},w{}\n", 13_900_000_000_u64 + row, row % 977, row % 7))
        .collect();
    "number,a,b\n".to_owned() + &rows
}

/// Goal: wherever the target stops, the next run sends exactly the rest, and the snapshot is the one of an import in one go.
#[test]
fn the_next_run_sends_the_rest() {
    let whole = Bench::new("a.csv", table().as_bytes()).imported(&mapping());
    let parts = whole.0.parts_sent;
    assert_eq!(parts, 3 + 3, "three columns, three groups of pages");
    for limit in 0..usize::try_from(parts).unwrap() {
        let bench = Bench::new("a.csv", table().as_bytes());
        let target = Memory::default();
        target.with(|held| held.refuses_after = Some(limit));
        let error = bench.import(&mapping(), Some(&target)).unwrap_err();
        assert!(matches!(error, ImportError::Target(_)), "{error}");
        assert!(
            bench.state_place().exists() && !target.with(|held| held.published || held.given_up)
        );
        let sent = target.with(|held| {
            held.refuses_after = None;
            (held.columns.len() + held.pages.len()) as u64
        });
        let outcome = bench.import(&mapping(), Some(&target)).unwrap();
        assert_eq!(
            (outcome.parts_skipped, outcome.parts_sent),
            (sent, parts - sent)
        );
        assert_eq!(outcome.content_sha256, whole.0.content_sha256);
        assert_eq!(
            target.with(|held| held.announcements.len()),
            1,
            "one import, not two"
        );
        assert_eq!(target.rows(), whole.1.rows());
        target.check_pages();
    }
}

/// Goal: killed between publishing and forgetting: the next run says the same and sends nothing.
#[test]
fn a_published_import_is_told_again() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let target = Memory::default();
    target.with(|held| held.refuses_after = Some(0));
    bench.import(&mapping(), Some(&target)).unwrap_err();
    let left = std::fs::read(bench.state_place()).unwrap();
    target.with(|held| held.refuses_after = None);
    let first = bench.import(&mapping(), Some(&target)).unwrap();
    std::fs::write(bench.state_place(), left).unwrap();
    target.with(|held| held.refuses_after = Some(0));
    let again = bench.import(&mapping(), Some(&target)).unwrap();
    assert_eq!(again.published, first.published);
    assert_eq!(again.content_sha256, first.content_sha256);
    assert!(!bench.state_place().exists());
}

/// Goal: another file under the same name is another import.
#[test]
fn a_changed_file_begins_anew() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let target = Memory::default();
    target.with(|held| held.refuses_after = Some(1));
    bench.import(&mapping(), Some(&target)).unwrap_err();
    std::fs::write(&bench.table, table().replace("w3", "w8")).unwrap();
    target.with(|held| held.refuses_after = None);
    bench.import(&mapping(), Some(&target)).unwrap();
    assert_eq!(target.with(|held| held.announcements.len()), 2);
    target.check_pages();
}

/// Writes other words of the same length over a table while it is being read.
struct Writer<'a>(&'a Bench);

impl Progress for Writer<'_> {
    fn rows(&self, _rows: u64) {
        std::fs::write(&self.0.table, table().replace("w3", "w8")).unwrap();
    }

    fn pages(&self, _pages: u64, _of: u64) {}
}

/// Goal: a file that is written over during the import, with as many bytes, is never published half old and half new.
#[test]
fn a_file_written_over_meanwhile_is_not_published() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let target = Memory::default();
    let error = bench
        .import_telling(&mapping(), Some(&target), &Writer(&bench))
        .unwrap_err();
    assert!(
        matches!(error, ImportError::Source(SourceError::Changed)),
        "{error}"
    );
    assert!(!target.with(|held| held.published));
    bench.import(&mapping(), Some(&target)).unwrap();
    target.check_pages();
}

/// Goal: the state tells nobody anything but digests.
#[test]
fn the_state_holds_no_number() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let target = Memory::default();
    target.with(|held| held.refuses_after = Some(1));
    bench.import(&mapping(), Some(&target)).unwrap_err();
    let state = std::fs::read_to_string(bench.state_place()).unwrap();
    assert!(
        !state.contains("139000") && !state.contains("number"),
        "{state}"
    );
    State::forget(&bench.state_place()).unwrap();
    assert!(target.arrived("ds_memory").is_ok());
}
