//! Who may depend on whom, read from `cargo metadata`.

use crate::{
    shell::{Package, Workspace},
    tidy::Finding,
};

/// Crates under `functions/` that every function may use; the others are functions.
const SHARED: [&str; 3] = ["vocabulary", "runtime", "dataset"];

/// The shared crates that host programs may link: words and the layout of the dataset, no behaviour of a function.
const LINKED_BY_HOSTS: [&str; 2] = ["chudian-vocabulary", "chudian-dataset"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let room = |package: &Package, parent: &str| {
        package
            .folder()
            .strip_prefix(workspace.root.join(parent))
            .ok()
            .map(|rest| rest.to_string_lossy().into_owned())
    };
    let of_functions: Vec<(&Package, String)> = workspace
        .metadata
        .packages
        .iter()
        .filter_map(|package| Some((package, room(package, "functions")?)))
        .collect();
    let is_function = |name: &str| {
        of_functions
            .iter()
            .any(|(package, room)| package.name == name && !SHARED.contains(&room.as_str()))
    };
    let mut findings = Vec::new();

    for package in &workspace.metadata.packages {
        let place = package
            .manifest_path
            .strip_prefix(&workspace.root)
            .unwrap_or(&package.manifest_path)
            .display()
            .to_string();
        let ordinary = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind.is_none());
        for dependency in ordinary {
            if room(package, "functions").is_some() && is_function(&dependency.name) {
                findings.push(Finding::new(
                    &place,
                    "a function crate never depends on another function crate",
                    format!("`{}` is a function; what both need belongs into vocabulary, dataset, runtime or wit/", dependency.name),
                ));
            }
            let links_functions = of_functions
                .iter()
                .any(|(other, _)| other.name == dependency.name)
                && !LINKED_BY_HOSTS.contains(&dependency.name.as_str());
            if room(package, "infra").is_some() && package.name != "xtask" && links_functions {
                findings.push(Finding::new(
                    &place,
                    "the gateway never links a function crate",
                    format!(
                        "`{}`; it knows manifests, WIT and .wasm bytes only",
                        dependency.name
                    ),
                ));
            }
            let wasm_only = dependency
                .target
                .as_deref()
                .is_some_and(|target| target.contains("wasm"));
            if dependency.name == "spin-sdk" && !wasm_only {
                findings.push(Finding::new(
                    &place,
                    "Spin stands behind cfg(target_family = \"wasm\")",
                    "`spin-sdk` is an ordinary dependency",
                ));
            }
        }
    }
    findings
}
