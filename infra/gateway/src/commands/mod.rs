//! The verbs of the command line, one module each.

pub mod batch;
mod client;
pub mod doctor;
pub mod import;
pub mod import_events;
pub mod keys;
pub mod list;
pub mod migrate;
pub mod modules;
pub mod openapi;
mod pseudonym;
pub mod sample;
pub mod simulate;
pub mod table;
mod today;
pub mod up;

use std::future::Future;

use anyhow::Context as _;

/// Runs a verb that waits for databases.
fn block_on<Answer>(verb: impl Future<Output = anyhow::Result<Answer>>) -> anyhow::Result<Answer> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime can be started")?
        .block_on(verb)
}

/// The answer of a verb with `--json`: one line.
fn print_json(answer: &serde_json::Value) {
    println!("{answer}");
}
