//! Builds the web pages that the console component embeds.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::shell::{Workspace, install_debian, on_path, run, say};

/// Files and folders of `infra/console` that decide what the build yields.
const INPUTS: [&str; 7] = [
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "src",
    "tariff",
    "filter",
];

/// Installs the pinned npm packages when the lock changed, and builds when an input changed.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join("infra/console");
    install_packages(&folder)?;
    let stamp = folder.join("dist/.built-from");
    let wanted = digest(&folder)?;
    if fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        say("pages are up to date");
        return Ok(());
    }
    run(npm(&folder, &["run", "build"]))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The packages of the lock file, installed once per lock.
pub(crate) fn install_packages(folder: &Path) -> Result<()> {
    if !on_path("npm") {
        install_debian(
            &["nodejs", "npm"],
            "the pages are built with Node.js, and a test runs with it",
        )?;
    }
    let lock = fs::read_to_string(folder.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
    let stamp = folder.join("node_modules/.installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|present| present == lock) {
        return Ok(());
    }
    run(npm(folder, &["ci", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}

/// `npm` in that folder.
pub(crate) fn npm(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(words).current_dir(folder);
    command
}

fn digest(folder: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    for input in INPUTS {
        feed(&mut hasher, &folder.join(input))?;
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn feed(hasher: &mut Sha256, path: &Path) -> Result<()> {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            feed(hasher, &entry.path())?;
        }
    } else if path.is_file() {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(fs::read(path)?);
    }
    Ok(())
}
