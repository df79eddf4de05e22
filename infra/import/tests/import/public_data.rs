//! Real tables that nobody here wrote: an extract that lies beside this file, and the whole files where a machine has them.

use std::fs;
use std::path::Path;

use chudian_dataset::schema::Kind;

use crate::memory::{Bench, Memory, draft};

/// The first two hundred customers of IBM's Telco churn table; see `public/README.md`.
const TELCO_EXTRACT: &str = include_str!("public/telco-extract.csv");

/// Where a machine of ours keeps the whole files, beside the workspace.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

fn check_telco(bytes: &[u8], rows: u64) {
    let bench = Bench::new("telco.csv", bytes);
    let (outcome, target) = bench.imported(&draft(&bench.table));
    assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (rows, 0));
    target.check_pages();
    let schema = target.with(|held| held.announcements[0].schema.clone());
    let kinds = [
        "tenure",
        "monthly_charges",
        "total_charges",
        "churn",
        "senior_citizen",
        "contract",
        "payment_method",
    ]
    .map(|name| schema.column(name).map(|column| column.kind));
    let expected = [
        Kind::Integer,
        Kind::Money,
        Kind::Money,
        Kind::Flag,
        Kind::Flag,
        Kind::Word,
        Kind::Word,
    ];
    assert_eq!(kinds, expected.map(Some));
}

#[test]
fn the_telco_extract_imports_by_its_draft() {
    check_telco(TELCO_EXTRACT.as_bytes(), 200);
}

/// Goal: the whole public files, where they are; a machine without them says so and passes.
#[test]
fn the_public_files_import_by_their_drafts() {
    let folder = Path::new(FOLDER);
    match fs::read(folder.join("ibm_telco_customer_churn.csv")) {
        Ok(telco) => check_telco(&telco, 7_043),
        Err(_) => println!("no public files on this machine"),
    }
    if let Ok(bank) = fs::read(folder.join("bank-full.csv")) {
        let bench = Bench::new("bank-full.csv", &bank);
        let text = draft(&bench.table);
        let target = Memory::default();
        let outcome = bench.import(&text, Some(&target)).unwrap();
        assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (45_211, 0));
        target.check_pages();
        let schema = target.with(|held| held.announcements[0].schema.clone());
        let kind = |name: &str| schema.column(name).map(|column| column.kind);
        assert_eq!(kind("age"), Some(Kind::Word));
        assert_eq!(
            schema.column("age").map(|column| column.groups.len()),
            Some(8)
        );
        assert_eq!(
            (kind("balance"), kind("y"), kind("job")),
            (Some(Kind::Money), Some(Kind::Flag), Some(Kind::Word))
        );
    }
}
