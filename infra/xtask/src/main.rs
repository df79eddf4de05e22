//! `cargo xtask <verb>`: everything a person runs in this project.
//!
//! Each verb says what it does while it does it, provides what it needs (the Wasm target above all), and builds only what
//! is missing. It is not a build system: cargo and npm decide what is out of date, this program only knows the order.

mod bench;
mod components;
mod demo;
mod faults;
mod imports;
mod openapi;
mod pages;
mod shell;
mod test;
mod tidy;
mod toolchain;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::shell::Workspace;

/// Builds, serves, tests and measures Chudian.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build all, make sample data on the first run, and serve it.
    Up(up::Options),
    /// Build the pages, the components and the gateway.
    Build(components::Options),
    /// Set up and pass every test: formatting, tidiness, lints, native tests, end-to-end tests, pages in a browser.
    Test(test::Options),
    /// Measure, as ratios within one run. Long; not part of `test`.
    Bench(bench::Options),
    /// Cut off, kill and fill up what holds the events, many times, and give account. Long; a short form is part of `test`.
    Faults(faults::Options),
    /// Check the rules of the house that a command can see.
    Tidy,
    /// Print the ranking for three sample customers and the proof of one bill.
    Demo(up::Options),
    /// Write each function's openapi.json and, from the running components, docs/reference/openapi.json; or check it with --check.
    Openapi(openapi::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the stack, which helps nobody who runs a verb.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Up(options) => up::run_verb(&workspace, &options),
        Verb::Build(options) => components::run(&workspace, &options),
        Verb::Test(options) => test::run_verb(&workspace, &options),
        Verb::Bench(options) => bench::run_verb(&workspace, &options),
        Verb::Faults(options) => faults::run_verb(&workspace, &options),
        Verb::Tidy => tidy::run(&workspace),
        Verb::Demo(options) => demo::run(&workspace, &options),
        Verb::Openapi(options) => openapi::run(&workspace, &options),
    }
}
