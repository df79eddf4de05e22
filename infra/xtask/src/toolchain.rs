//! Provides a compiler for `wasm32-unknown-unknown`, and says which way it took.
//!
//! The ordinary way is rustup's own target. Where rustup cannot fetch it (a machine that reaches only its package
//! registries), Debian's `rustc-web` and `rust-web-src` build the standard library from source in a target directory of
//! their own. Both ways link with `wasm-component-ld`, so that `cargo build` yields a component at once.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::shell::{Workspace, ask, install_debian, on_path, run, say};

/// The target of every component.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Instructions beyond the target's baseline that stock Spin runs: vectors for column kernels, bulk memory for copies.
const TARGET_FEATURES: &str = "+simd128,+bulk-memory";

/// The linker's version where the toolchain does not bring one; 0.5.21 and newer know WASI 0.3's async functions.
const LINKER_VERSION: &str = "0.5.31";

/// Debian's packages of the second way.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"];

/// A way to build components on this machine.
pub(crate) struct WasmToolchain {
    way: Way,
    linker: PathBuf,
    /// Folders put before the PATH: where `wasm-ld` stands.
    tools: Vec<PathBuf>,
}

enum Way {
    /// The pinned toolchain has the target.
    Rustup,
    /// Debian's compiler builds the standard library too.
    BuildStd,
}

impl WasmToolchain {
    /// Finds or provides the target and the linker.
    pub(crate) fn provide(workspace: &Workspace) -> Result<Self> {
        let way = if rustup_target_present() || rustup_target_added() {
            Way::Rustup
        } else {
            provide_debian_compiler()?;
            Way::BuildStd
        };
        let (linker, tools) = provide_linker(workspace)?;
        Ok(Self { way, linker, tools })
    }

    /// A `cargo build` of these packages with the component profile; the outputs stand in [`Self::output_folder`].
    pub(crate) fn build(&self, workspace: &Workspace, packages: &[&str]) -> Result<Command> {
        let mut command = match self.way {
            Way::Rustup => workspace.cargo(["build"]),
            Way::BuildStd => {
                let mut command = Command::new("/usr/bin/cargo");
                command
                    .args(["build", "-Zbuild-std=std,panic_abort"])
                    .current_dir(&workspace.root);
                command
                    .env("RUSTC", "/usr/bin/rustc")
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        };
        command
            .args(["--target", TARGET, "--profile", "component", "--target-dir"])
            .arg(Self::target_folder(workspace));
        for package in packages {
            command.args(["--package", package]);
        }
        command.env(
            "RUSTFLAGS",
            format!(
                "-C target-feature={TARGET_FEATURES} -C linker={}",
                self.linker.display()
            ),
        );
        command.env("PATH", path_with(&self.tools)?);
        // What the outer cargo told us about ourselves must not reach the inner one.
        for name in [
            "CARGO",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET_DIR",
        ] {
            command.env_remove(name);
        }
        Ok(command)
    }

    /// Where the built components are.
    pub(crate) fn output_folder(workspace: &Workspace) -> PathBuf {
        Self::target_folder(workspace)
            .join(TARGET)
            .join("component")
    }

    fn target_folder(workspace: &Workspace) -> PathBuf {
        workspace.target.join("wasm")
    }
}

fn rustup_target_present() -> bool {
    let Some(folder) = ask("rustc", &["--print", "target-libdir", "--target", TARGET]) else {
        return false;
    };
    std::fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        })
    })
}

fn rustup_target_added() -> bool {
    if !on_path("rustup") {
        return false;
    }
    say(&format!("rustup target add {TARGET}"));
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .output()
        .is_ok_and(|output| output.status.success());
    if !added {
        say(
            "rustup cannot fetch the target here; trying Debian's compiler, which builds the standard library from source",
        );
    }
    added && rustup_target_present()
}

fn provide_debian_compiler() -> Result<()> {
    let present = Path::new("/usr/bin/cargo").is_file()
        && Path::new("/usr/bin/rustc").is_file()
        && ask("/usr/bin/rustc", &["--print", "sysroot"]).is_some_and(|sysroot| {
            Path::new(&sysroot)
                .join("lib/rustlib/src/rust/library/std/Cargo.toml")
                .is_file()
        });
    if !present {
        install_debian(&DEBIAN_PACKAGES, &format!("no compiler for {TARGET} yet"))?;
    }
    Ok(())
}

/// The toolchain's own linker when it brings one, else one built from its registry into the target directory.
fn provide_linker(workspace: &Workspace) -> Result<(PathBuf, Vec<PathBuf>)> {
    if let Some((linker, tools)) = bundled_linker() {
        return Ok((linker, tools));
    }
    let root = workspace.target.join("tools");
    let linker = root.join("bin/wasm-component-ld");
    if !linker.is_file() {
        let mut command = workspace.cargo([
            "install",
            "--locked",
            "wasm-component-ld",
            "--version",
            LINKER_VERSION,
            "--root",
        ]);
        command.arg(&root);
        run(command)?;
    }
    if !on_path("wasm-ld") && !on_path("rust-lld") {
        bail!("no `wasm-ld` on the PATH: please install LLVM's linker (Debian: the package `lld`)");
    }
    Ok((linker, Vec::new()))
}

fn bundled_linker() -> Option<(PathBuf, Vec<PathBuf>)> {
    let sysroot = PathBuf::from(ask("rustc", &["--print", "sysroot"])?);
    let host = ask("rustc", &["-vV"])?
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))?;
    let tools = sysroot.join("lib/rustlib").join(host).join("bin");
    let linker = tools.join("wasm-component-ld");
    let lld = tools.join("gcc-ld");
    (linker.is_file() && lld.join("wasm-ld").is_file()).then(|| (linker, vec![tools, lld]))
}

fn path_with(folders: &[PathBuf]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(folders.iter().cloned().chain(env::split_paths(&path)))
        .context("a folder name holds a path separator")
}
