//! `cargo xtask openapi`: the merged OpenAPI document as a reviewed file.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;

use crate::{
    components,
    shell::{Workspace, say},
    up,
};

/// What `cargo xtask openapi` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Fail when the file differs, instead of writing it.
    #[arg(long)]
    check: bool,
}

/// Builds what is missing and writes or checks the file.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    components::build_all(workspace)?;
    workspace.build_gateway()?;
    if options.check {
        check(workspace)
    } else {
        write(workspace)
    }
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
