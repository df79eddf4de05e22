//! `chudian`: the gateway and the tools around it. Run `chudian --help`.

use std::process::ExitCode;

use chudian_gateway::commands;
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
}

fn main() -> ExitCode {
    let outcome = match CommandLine::parse().verb {
        Verb::Up(up) => up.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chudian: {error:#}");
            ExitCode::FAILURE
        }
    }
}
