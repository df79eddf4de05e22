//! Published files never change: migrations that a province has applied, WIT versions that a host has compiled against.
//!
//! `published.lock` lists each with its SHA-256. A new file is added to the list by running with `CHUDIAN_UPDATE=1`; a line
//! that is there already is never rewritten by this program.

use std::{collections::BTreeMap, fs};

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::{
    shell::{Workspace, say},
    tidy::{Finding, files_below},
};

const RULE: &str = "a published WIT version or migration file is never edited; a new one is added";

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let lock = workspace.root.join("published.lock");
    let mut listed: BTreeMap<String, String> = fs::read_to_string(&lock)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            line.split_once("  ")
                .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        })
        .collect();
    let mut findings = Vec::new();
    let mut present = BTreeMap::new();
    let is_published = |path: &std::path::Path| {
        let text = path.to_string_lossy();
        (text.ends_with(".sql") && text.contains("/migrations/"))
            || (text.ends_with(".wit") && !text.contains("/wit/deps/"))
    };
    for folder in ["functions", "wit"] {
        for file in files_below(&workspace.root.join(folder), &is_published)? {
            let digest: String = Sha256::digest(fs::read(&file)?)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            present.insert(
                file.strip_prefix(&workspace.root)?
                    .to_string_lossy()
                    .into_owned(),
                digest,
            );
        }
    }
    for (path, digest) in &listed {
        match present.get(path) {
            None => findings.push(Finding::new(
                path,
                RULE,
                "it is listed in published.lock but gone",
            )),
            Some(found) if found != digest => findings.push(Finding::new(
                path,
                RULE,
                "it differs from what published.lock lists",
            )),
            Some(_) => {}
        }
    }
    let new: Vec<_> = present
        .into_iter()
        .filter(|(path, _)| !listed.contains_key(path))
        .collect();
    if std::env::var_os("CHUDIAN_UPDATE").is_some() && !new.is_empty() {
        listed.extend(new);
        let text: String = listed
            .iter()
            .map(|(path, digest)| format!("{digest}  {path}\n"))
            .collect();
        fs::write(&lock, text)?;
        say("published.lock was extended");
    } else {
        findings.extend(new.into_iter().map(|(path, _)| {
            Finding::new(
                path,
                RULE,
                "not in published.lock yet; run `cargo xtask tidy` with CHUDIAN_UPDATE=1",
            )
        }));
    }
    Ok(findings)
}
