//! `chudian`: the gateway and the tools around it. Run `chudian --help`.

use std::process::ExitCode;

use chudian_gateway::commands;
use chudian_gateway::language::Language;
use chudian_manifest::Refusal;
use clap::{Parser, Subcommand};

// Many small allocations per request, by several threads: measurably faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Chudian gateway / 触点网关
#[derive(Debug, Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Up(commands::up::Up),
    Migrate(commands::migrate::Migrate),
    Keys(commands::keys::Keys),
    List(commands::list::List),
    Modules(commands::modules::Modules),
    Doctor(commands::doctor::Doctor),
    Openapi(commands::openapi::Openapi),
    Import(commands::import::Import),
    ImportEvents(commands::import_events::ImportEvents),
    Batch(commands::batch::Batch),
    Sample(commands::sample::Sample),
    Simulate(commands::simulate::Simulate),
}

fn main() -> ExitCode {
    let outcome = match CommandLine::parse().verb {
        Verb::Up(up) => up.run(),
        Verb::Migrate(migrate) => migrate.run(),
        Verb::Keys(keys) => keys.run(),
        Verb::List(list) => list.run(),
        Verb::Modules(modules) => modules.run(),
        Verb::Doctor(doctor) => doctor.run(),
        Verb::Openapi(openapi) => openapi.run(),
        Verb::Import(import) => import.run(),
        Verb::ImportEvents(import) => import.run(),
        Verb::Batch(batch) => batch.run(),
        Verb::Sample(sample) => sample.run(),
        Verb::Simulate(simulate) => simulate.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chudian: {}", explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error as the terminal's language has it: refusals of the operator's own files exist in both.
fn explain(error: &anyhow::Error) -> String {
    match (Language::of_terminal(), error.downcast_ref::<Refusal>()) {
        (Language::Chinese, Some(refusal)) => refusal.to_string_zh(),
        _ => format!("{error:#}"),
    }
}
