//! `cargo xtask openapi`: the finished OpenAPI document of each function, which its component embeds, and the merged one as a
//! reviewed file.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;

use crate::{
    components,
    shell::{Workspace, run as run_command, say},
    up,
};

/// The tests that hold each function's finished document against its routes, and write it when they are asked to.
const TESTS: [&str; 2] = ["faces", "filter"];

/// What these tests are called.
const TEST_NAME: &str = "the_finished_document_is_that_of_the_routes";

/// Asks them to write.
const UPDATE_VARIABLE: &str = "CHUDIAN_UPDATE_OPENAPI";

/// What `cargo xtask openapi` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Fail when the merged file differs, instead of writing all of them.
    #[arg(long)]
    check: bool,
}

/// Builds what is missing and writes or checks the files.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !options.check {
        finish_documents(workspace)?;
    }
    components::build_all(workspace)?;
    workspace.build_gateway()?;
    if options.check {
        check(workspace)
    } else {
        write(workspace)
    }
}

/// Writes each function's document as its routes make it.
fn finish_documents(workspace: &Workspace) -> Result<()> {
    // The same selection as `cargo xtask test`, so that nothing large is compiled twice.
    let selection = ["test", "--release", "--workspace", "--all-features"];
    let tests = TESTS.iter().flat_map(|name| ["--test", name]);
    let words = selection.into_iter().chain(tests).chain(["--", TEST_NAME]);
    let mut command = workspace.cargo(words);
    command.env(UPDATE_VARIABLE, "1");
    run_command(command)
}

/// Fails when what the running components say differs from the reviewed file.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let present = fs::read_to_string(file(workspace)).unwrap_or_default();
    if present != document(workspace)? {
        bail!(
            "docs/reference/openapi.json is not what the components serve; run `cargo xtask openapi` and review the difference"
        );
    }
    say("docs/reference/openapi.json is what the components serve");
    Ok(())
}

fn write(workspace: &Workspace) -> Result<()> {
    let file = file(workspace);
    fs::write(&file, document(workspace)?)
        .with_context(|| format!("cannot write {}", file.display()))
}

fn document(workspace: &Workspace) -> Result<String> {
    let state = TempDir::with_prefix("chudian-openapi-")?;
    let gateway = up::serve(workspace, state.path())?;
    let document = gateway.client().get("/openapi.json")?.expect_status(200)?;
    gateway.stop()?;
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn file(workspace: &Workspace) -> std::path::PathBuf {
    workspace.root.join("docs/reference/openapi.json")
}
