//! Reads, checks and encodes a table without sending it, and says how fast: `cargo run --release -p chudian-import --example trial --
//! customers.csv customers.mapping.toml`. The way to the dataset is measured by `cargo xtask bench`.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use chudian_import::mapping::Mapping;
use chudian_import::rejects::RejectLimit;
use chudian_import::run::{Import, Progress, run};
use chudian_import::source::survey;
use chudian_vocabulary::Language;
use chudian_vocabulary::pseudonym::PseudonymKey;

struct Silent;

impl Progress for Silent {
    fn rows(&self, _rows: u64) {}
    fn pages(&self, _pages: u64, _of: u64) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(table), Some(mapping)) = (arguments.next(), arguments.next()) else {
        return Err("usage: trial <table> <mapping>".into());
    };
    let (table, began) = (Path::new(&table), Instant::now());
    let mapping = Mapping::parse(&std::fs::read_to_string(mapping)?)?;
    let survey = survey(table, &mapping.file)?;
    let surveyed = began.elapsed();
    let scratch = std::env::temp_dir();
    let import = Import {
        path: table,
        survey: &survey,
        mapping: &mapping,
        // Nothing leaves this process, so any key does.
        key: &PseudonymKey::from([7; 32]),
        rejects_max: RejectLimit::default(),
        rejects_place: &scratch.join(format!("trial-{}.rejected.csv", std::process::id())),
        scratch: &scratch,
        language: Language::English,
        progress: &Silent,
    };
    let outcome = run(&import, None)?;
    let took = began.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    println!("{outcome:?}");
    println!(
        "survey {surveyed:.2?}, all {took:.2?}, {:.0} rows/s, {peak}",
        outcome.rows_read as f64 / took.as_secs_f64()
    );
    Ok(())
}
