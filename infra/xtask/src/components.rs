//! Builds the components and puts each under the one stable path that `spin.toml` names.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    imports, pages,
    shell::{Workspace, say},
    toolchain::WasmToolchain,
};

/// What `cargo xtask build` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these components (default: all, and the gateway).
    components: Vec<String>,
}

/// Pages first: the console component embeds them.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.components.is_empty() {
        build_all(workspace)?;
        workspace.build_gateway()?;
        return Ok(());
    }
    let names: Vec<&str> = options.components.iter().map(String::as_str).collect();
    if names.contains(&"console") {
        pages::build(workspace)?;
    }
    build(workspace, Some(&names))
}

/// Pages and every component, those of the tests included.
pub(crate) fn build_all(workspace: &Workspace) -> Result<()> {
    pages::build(workspace)?;
    build(workspace, None)
}

fn build(workspace: &Workspace, only: Option<&[&str]>) -> Result<()> {
    let mut chosen = Vec::new();
    for package in &workspace.metadata.packages {
        let Some(component) = package.component() else {
            continue;
        };
        if only.is_none_or(|names| names.contains(&component)) {
            chosen.push((package.name.as_str(), component));
        }
    }
    if let Some(unknown) = only.and_then(|names| {
        names
            .iter()
            .find(|name| !chosen.iter().any(|(_, component)| component == *name))
    }) {
        anyhow::bail!("no package builds a component named `{unknown}`");
    }
    let packages: Vec<&str> = chosen.iter().map(|(package, _)| *package).collect();
    let toolchain = WasmToolchain::provide(workspace)?;
    // One call each: in a shared call cargo would unify features across components, and one component's needs
    // would put imports and code into the others.
    for package in &packages {
        run_quietly(toolchain.build(workspace, &[package])?)?;
    }
    fs::create_dir_all(workspace.components())?;
    for (package, component) in &chosen {
        let built = WasmToolchain::output_folder(workspace)
            .join(format!("{}.wasm", package.replace('-', "_")));
        let place = workspace.components().join(format!("{component}.wasm"));
        install(&built, &place)?;
    }
    for (_, component) in &chosen {
        let faces = imports::read(&workspace.components().join(format!("{component}.wasm")))?;
        say(&format!(
            "target/components/{component}.wasm: {} KB, {} imports",
            faces.bytes / 1024,
            faces.imports.len()
        ));
    }
    Ok(())
}

/// Cargo's own progress is enough on a terminal; the long command line is not worth showing for each component.
fn run_quietly(mut command: std::process::Command) -> Result<()> {
    let package = command
        .get_args()
        .last()
        .map(|word| word.to_string_lossy().into_owned())
        .unwrap_or_default();
    say(&format!("component of package {package}"));
    let status = command
        .status()
        .context("cannot start cargo for the components")?;
    anyhow::ensure!(
        status.success(),
        "building the component of package `{package}` failed ({status})"
    );
    Ok(())
}

/// Copies only what differs, by way of a rename, so that a gateway that is reading the old file keeps a whole one.
fn install(built: &Path, place: &Path) -> Result<()> {
    let bytes =
        fs::read(built).with_context(|| format!("the build left no {}", built.display()))?;
    if fs::read(place).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let draft = place.with_extension("wasm.new");
    fs::write(&draft, bytes).with_context(|| format!("cannot write {}", draft.display()))?;
    fs::rename(&draft, place).with_context(|| format!("cannot put {} in place", place.display()))
}
