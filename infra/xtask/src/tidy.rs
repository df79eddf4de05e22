//! The rules of the house that a command can see. Each rule is a function that returns what it found wrong; all are
//! reported at once, each with the place and the reason.
//!
//! What no command can see (a name that lies, a comment that repeats the code) is left to readers.

mod layers;
mod published;
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{
    imports,
    shell::{Workspace, say},
};

/// One thing that breaks a rule.
pub(crate) struct Finding {
    place: String,
    rule: &'static str,
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, rule: &'static str, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            rule,
            what: what.into(),
        }
    }
}

/// Runs every rule that needs no build.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut findings = layers::check(workspace);
    findings.extend(sources::check(workspace)?);
    findings.extend(published::check(workspace)?);
    report(&findings, "tidy")
}

/// Compares what the built components import with the reviewed list, so that a new import is seen and wanted.
pub(crate) fn check_imports(workspace: &Workspace) -> Result<()> {
    let list = workspace.root.join("docs/reference/component-imports.md");
    let wanted = fs::read_to_string(&list).unwrap_or_default();
    let found = describe_imports(workspace)?;
    if wanted == found {
        say("component imports are as listed");
        return Ok(());
    }
    if std::env::var_os("CHUDIAN_UPDATE").is_some() {
        fs::write(&list, found)?;
        say("docs/reference/component-imports.md was written anew");
        return Ok(());
    }
    bail!(
        "what the components import differs from docs/reference/component-imports.md; if that is wanted, run with CHUDIAN_UPDATE=1 and review the difference.\nFound:\n{found}"
    );
}

fn describe_imports(workspace: &Workspace) -> Result<String> {
    let mut text = String::from(
        "# What each component imports and exports\n\nRead from the built components by `cargo xtask test`, which fails when this list and the components differ. A component can reach\nnothing beyond what stands here.\n",
    );
    let mut components: Vec<&str> = workspace
        .metadata
        .packages
        .iter()
        .filter_map(|package| package.component())
        .collect();
    components.sort_unstable();
    for component in components {
        let faces = imports::read(&workspace.components().join(format!("{component}.wasm")))?;
        text.push_str(&format!("\n## {component}\n\n"));
        for import in &faces.imports {
            text.push_str(&format!("- imports `{import}`\n"));
        }
        for export in &faces.exports {
            text.push_str(&format!("- exports `{export}`\n"));
        }
    }
    Ok(text)
}

fn report(findings: &[Finding], name: &str) -> Result<()> {
    if findings.is_empty() {
        say(&format!("{name}: nothing to mend"));
        return Ok(());
    }
    for finding in findings {
        eprintln!("{}: {} ({})", finding.place, finding.what, finding.rule);
    }
    bail!("{name}: {} to mend", findings.len());
}

/// Every file below `folder` that `wanted` accepts, sorted; build outputs and installed packages are not entered.
fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    const NOT_ENTERED: [&str; 5] = ["target", "node_modules", "dist", ".git", ".chudian"];
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !NOT_ENTERED.contains(&name.as_str()) {
                    open.push(path);
                }
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
