//! What sources may contain, read as text.

use std::{fs, path::Path};

use anyhow::Result;

use crate::{
    shell::Workspace,
    tidy::{Finding, files_below},
};

/// Words that show a domain module reaching out of itself, with the rule's reason.
const REACHING_OUT: [(&str, &str); 9] = [
    ("serde_json", "knows JSON"),
    ("axum", "knows HTTP"),
    ("http::", "knows HTTP"),
    ("std::time::", "reads a clock"),
    ("Utc::now", "reads a clock"),
    ("std::env", "reads the environment"),
    ("std::net", "knows the network"),
    ("std::fs", "knows files"),
    ("chudian_runtime", "knows the edge"),
];

/// Folders and files of a function crate that are its edge; everything else in `src/` is domain.
const EDGE: [&str; 7] = [
    "http",
    "store",
    "wire",
    "service",
    "wit",
    "component",
    "lib",
];

/// The longest `component.rs` that still decides nothing.
const COMPONENT_LINES_MAX: usize = 60;

/// Marks of unfinished work; written in pieces so that this file does not name them.
const LEFTOVERS: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("dbg", "!("),
    concat!("unimplemented", "!("),
];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in files_below(&workspace.root, &|path| {
        extension(path, &["rs", "ts", "vue", "sql", "wit"])
    })? {
        let text = fs::read_to_string(&path)?;
        let place = path.strip_prefix(&workspace.root).unwrap_or(&path);
        leftovers(place, &text, &mut findings);
        if place.starts_with("functions") && extension(place, &["rs"]) {
            domain(place, &text, &mut findings);
            spin(place, &text, &mut findings);
            tables(workspace, place, &text, &mut findings)?;
        }
    }
    for package in &workspace.metadata.packages {
        let manifest = fs::read_to_string(&package.manifest_path)?;
        if !manifest.contains("[lints]\nworkspace = true") {
            findings.push(Finding::new(
                &package.name,
                "one set of lints",
                "its Cargo.toml lacks `[lints] workspace = true`",
            ));
        }
    }
    both_languages(workspace, &mut findings);
    Ok(findings)
}

fn leftovers(place: &Path, text: &str, findings: &mut Vec<Finding>) {
    for (number, line) in text.lines().enumerate() {
        if let Some(mark) = LEFTOVERS.iter().find(|mark| line.contains(**mark)) {
            findings.push(Finding::new(
                format!("{}:{}", place.display(), number + 1),
                "nothing unfinished lands",
                format!("`{mark}`"),
            ));
        }
    }
}

fn domain(place: &Path, text: &str, findings: &mut Vec<Finding>) {
    let mut parts = place
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    let (crate_folder, in_crate) = (
        parts.nth(1).unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let module = parts.next().unwrap_or_default();
    let module = module.strip_suffix(".rs").unwrap_or(&module);
    if crate_folder == "runtime"
        || crate_folder == "console"
        || in_crate != "src"
        || EDGE.contains(&module)
    {
        return;
    }
    // Tests at the end of a domain file may read JSON cases.
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (word, reason) in REACHING_OUT {
            if code.contains(word) {
                findings.push(Finding::new(
                    format!("{}:{}", place.display(), number + 1),
                    "a domain module reaches nothing outside itself",
                    reason,
                ));
            }
        }
        // Scores of models are the one kind of column in floating point, and lookalikes make them; the rules of the two keep money and
        // counts out of it.
        let computes_scores =
            crate_folder == "dataset" || (crate_folder == "target-filter" && module == "lookalike");
        if !computes_scores && (code.contains("f64") || code.contains("f32")) {
            findings.push(Finding::new(
                format!("{}:{}", place.display(), number + 1),
                "money and quantities are never floating point",
                "a floating-point type in a domain module",
            ));
        }
    }
}

fn spin(place: &Path, text: &str, findings: &mut Vec<Finding>) {
    let component = place.ends_with("component.rs");
    let in_runtime = place.starts_with("functions/runtime");
    if text.contains("spin_sdk") && !component && !in_runtime {
        findings.push(Finding::new(
            place.display().to_string(),
            "only component.rs names spin_sdk",
            "use the ports of chudian-runtime",
        ));
    }
    if component && !in_runtime && text.lines().count() > COMPONENT_LINES_MAX {
        findings.push(Finding::new(
            place.display().to_string(),
            "component.rs decides nothing",
            format!("longer than {COMPONENT_LINES_MAX} lines"),
        ));
    }
}

/// A table is written by the function whose migrations create it, or by the runtime on its behalf.
fn tables(
    workspace: &Workspace,
    place: &Path,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    // The native doubles keep a table of their own where Spin would keep a store; it is never shipped.
    if place.ends_with("ports/native.rs") {
        return Ok(());
    }
    // A test may stand in for the owner of a table that its function only reads.
    if place.components().any(|part| part.as_os_str() == "tests") {
        return Ok(());
    }
    let Some(folder) = place.components().nth(1) else {
        return Ok(());
    };
    let mut owned = String::new();
    for owner in [folder.as_os_str().to_string_lossy().as_ref(), "runtime"] {
        let migrations = workspace
            .root
            .join("functions")
            .join(owner)
            .join("migrations");
        for file in files_below(&migrations, &|path| extension(path, &["sql"]))? {
            owned.push_str(&fs::read_to_string(file)?.to_lowercase());
        }
    }
    for (number, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for verb in ["insert into ", "delete from ", "update "] {
            let Some(rest) = lower.split_once(verb).map(|(_, rest)| rest) else {
                continue;
            };
            let table: String = rest
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                .collect();
            let is_sql = line.contains('"')
                || line
                    .trim_start()
                    .chars()
                    .next()
                    .is_some_and(char::is_uppercase);
            if is_sql
                && table.contains('_')
                && !owned.contains(&format!("table {table}"))
                && !owned.contains(&format!("table if not exists {table}"))
            {
                findings.push(Finding::new(
                    format!("{}:{}", place.display(), number + 1),
                    "a table is written by its owner",
                    format!("no migration of this function or of the runtime creates `{table}`"),
                ));
            }
        }
    }
    Ok(())
}

/// Every README and guide stands in both languages.
fn both_languages(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let guides = files_below(&workspace.root.join("docs/guides"), &|path| {
        extension(path, &["md"])
    })
    .unwrap_or_default();
    for path in guides.into_iter().chain([workspace.root.join("README.md")]) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".zh-CN.md") {
            continue;
        }
        if !path
            .with_file_name(name.replace(".md", ".zh-CN.md"))
            .is_file()
        {
            findings.push(Finding::new(
                name,
                "every user-visible text exists in Chinese and English",
                "no .zh-CN.md beside it",
            ));
        }
    }
}

fn extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .is_some_and(|extension| wanted.iter().any(|one| extension == *one))
}
