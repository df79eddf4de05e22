//! Where the workspace is and how other programs are run: each command is shown before it starts, and a failure names it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The project's root, its target directory, and the packages in it.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo puts native builds: `target/`, or what `CARGO_TARGET_DIR` says.
    pub(crate) target: PathBuf,
    pub(crate) metadata: Metadata,
}

/// The part of `cargo metadata` that the verbs need.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

/// One package of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    metadata: Option<PackageMetadata>,
}

/// One line of a package's dependency tables.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// The `cfg(…)` under which it applies.
    pub(crate) target: Option<String>,
}

#[derive(Deserialize)]
struct PackageMetadata {
    chudian: Option<ComponentFacts>,
}

#[derive(Deserialize)]
struct ComponentFacts {
    component: String,
}

impl Package {
    /// The component that this package builds, as `[package.metadata.chudian] component = "…"` says.
    pub(crate) fn component(&self) -> Option<&str> {
        self.metadata
            .as_ref()?
            .chudian
            .as_ref()
            .map(|facts| facts.component.as_str())
    }

    /// The package's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }
}

impl Workspace {
    /// Asks cargo, so that it works from any folder of the workspace.
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("cargo metadata gave no readable answer")?;
        Ok(Self {
            root: metadata.workspace_root.clone(),
            target: metadata.target_directory.clone(),
            metadata,
        })
    }

    /// The stable folder that `spin.toml` names; it does not follow `CARGO_TARGET_DIR`.
    pub(crate) fn components(&self) -> PathBuf {
        self.root.join("target/components")
    }

    /// The gateway as the release profile builds it.
    pub(crate) fn gateway(&self) -> PathBuf {
        self.target
            .join("release")
            .join(format!("chudian{}", std::env::consts::EXE_SUFFIX))
    }

    /// `cargo` with these words, run at the root.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(cargo());
        command.args(words).current_dir(&self.root);
        // What cargo told us of ourselves. The build scripts of some libraries look at the same names: were these passed on, such
        // libraries and all that stands on them would be built again whenever a person calls cargo directly and then us.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_of_our_package) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Builds the gateway unless it is up to date, and returns its path.
    pub(crate) fn build_gateway(&self) -> Result<PathBuf> {
        run(self.cargo(["build", "--release", "--package", "chudian"]))?;
        Ok(self.gateway())
    }
}

/// Whether cargo sets this variable for the package that it runs.
fn is_of_our_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The cargo that runs us, so that a pinned toolchain stays in force.
fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Tells the person what happens now.
pub(crate) fn say(what: &str) {
    eprintln!("\u{25b8} {what}");
}

/// Shows a command, runs it with our own output, and fails with its text when it fails.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let text = describe(&command);
    say(&text);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{text}`"))?;
    if !status.success() {
        bail!("`{text}` failed ({status})");
    }
    Ok(())
}

/// Runs a command quietly and returns what it printed; `None` when it cannot start or fails.
pub(crate) fn ask(program: impl AsRef<OsStr>, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Installs Debian packages, where this is Debian and we may.
pub(crate) fn install_debian(packages: &[&str], why: &str) -> Result<()> {
    if !on_path("apt-get") {
        bail!(
            "{why}: please install the equivalents of the Debian packages {}",
            packages.join(" ")
        );
    }
    say(&format!(
        "{why}: installing Debian packages {}",
        packages.join(" ")
    ));
    let root = ask("id", &["-u"]).as_deref() == Some("0");
    let apt = |words: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.args(["-n", "apt-get"]);
        }
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt(&["update", "-qq"]))?;
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    words.extend(packages);
    run(apt(&words))
}

fn describe(command: &Command) -> String {
    let mut text = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    for word in command.get_args() {
        text.push(' ');
        text.push_str(&word.to_string_lossy());
    }
    text
}
