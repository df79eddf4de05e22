//! Keeps compiled code between starts, so that a warm start maps it instead of compiling.
//!
//! Invariant: nothing is mapped as code that another user of the machine could have written. The folder must be ours
//! and closed to others, each file must be ours, closed to others, a plain file and not a link; anything else is treated
//! as absent. A file is named by the hash of the component and of everything about the engine that the code depends on.
//!
//! It does not defend against somebody who already acts as our own user.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Permission bits that let group or others in.
const OTHERS: u32 = 0o077;
/// Folder for us alone.
const PRIVATE_FOLDER: u32 = 0o700;
/// File for us alone.
const PRIVATE_FILE: u32 = 0o600;

/// The folder of compiled code. Without one, everything is compiled at each start.
#[derive(Debug)]
pub struct CodeCache {
    folder: Option<PathBuf>,
}

/// A compiled component and whether it came from the cache.
#[derive(Debug)]
pub struct Compiled {
    /// The component, ready to be linked.
    pub component: Component,
    /// SHA-256 of the component's bytes, in hexadecimal.
    pub sha256: String,
    /// True when no compiling was needed.
    pub cached: bool,
}

impl CodeCache {
    /// Opens (and makes, when missing) the folder `code` in `state_folder`. A folder that others could write to is
    /// refused with a warning, and the cache is then off.
    pub fn open(state_folder: &Path) -> Self {
        let folder = state_folder.join("code");
        match prepare_folder(&folder) {
            Ok(()) => Self {
                folder: Some(folder),
            },
            Err(reason) => {
                tracing::warn!(folder = %folder.display(), reason, "the code cache is off: every start compiles");
                Self { folder: None }
            }
        }
    }

    /// The compiled form of `wasm`, from the cache when possible.
    ///
    /// # Errors
    /// When the bytes are not a valid component, or use a WebAssembly feature that the gateway switches off.
    pub fn compile(&self, engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Compiled> {
        let sha256 = hexadecimal(&Sha256::digest(wasm));
        let path = self
            .folder
            .as_ref()
            .map(|folder| folder.join(format!("{sha256}-{:016x}.cwasm", engine_key(engine))));
        if let Some(component) = path.as_deref().and_then(|path| load(engine, path)) {
            return Ok(Compiled {
                component,
                sha256,
                cached: true,
            });
        }
        let code = engine.precompile_component(wasm)?;
        if let Some(path) = &path
            && let Err(reason) = store(path, &code)
        {
            tracing::warn!(path = %path.display(), %reason, "compiled code could not be kept");
        }
        // SAFETY: the bytes were made by this very engine a moment ago and never left this process.
        #[expect(
            unsafe_code,
            reason = "wasmtime can only take compiled code back through an unsafe call; its bytes are our own"
        )]
        let component = unsafe { Component::deserialize(engine, &code)? };
        Ok(Compiled {
            component,
            sha256,
            cached: false,
        })
    }
}

fn prepare_folder(folder: &Path) -> Result<(), &'static str> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(folder)
        .map_err(|_| "it cannot be made")?;
    let metadata = fs::symlink_metadata(folder).map_err(|_| "it cannot be read")?;
    if !metadata.is_dir() {
        return Err("it is not a folder");
    }
    if metadata.uid() != own_user() {
        return Err("it belongs to another user");
    }
    if metadata.permissions().mode() & OTHERS != 0 {
        // Ours already, so closing it is our right; whoever wrote to it before is caught by the check of each file.
        fs::set_permissions(folder, fs::Permissions::from_mode(PRIVATE_FOLDER))
            .map_err(|_| "it is open to others and cannot be closed")?;
    }
    Ok(())
}

/// Maps the file at `path` when it is safe to do so; any doubt means "absent".
fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file()
        || metadata.uid() != own_user()
        || metadata.permissions().mode() & OTHERS != 0
    {
        tracing::warn!(path = %path.display(), "compiled code that others could have written is not used");
        return None;
    }
    // The folder is closed to others, so the path still names the file that was just checked.
    // SAFETY: the file was written by `store` below under our own user and is readable and writable by us alone;
    // wasmtime itself refuses code of another version or configuration.
    #[expect(
        unsafe_code,
        reason = "mapping compiled code is what makes a warm start fast; who may have written it is checked above"
    )]
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.inspect_err(|reason| tracing::warn!(path = %path.display(), %reason, "compiled code was not accepted; compiling again")).ok()
}

/// Writes beside the target, then renames: a reader sees the whole file or none.
fn store(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.part", std::process::id()));
    let written = write_private(&temporary, code).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the next start with the same process id overwrites it anyway.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(PRIVATE_FILE)
        .open(path)?;
    file.write_all(bytes)?;
    // Without it a power cut after the rename could leave a short file under the final name.
    file.sync_all()
}

/// Stands for everything of the engine that compiled code depends on: version, target, settings.
fn engine_key(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_COMPONENT: &[u8] = &[0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

    fn engine() -> Engine {
        Engine::default()
    }

    /// Goal: the second start finds what the first one compiled.
    #[test]
    fn compiled_code_is_found_again() {
        let state = tempfile::tempdir().unwrap();
        let engine = engine();
        let cache = CodeCache::open(state.path());
        assert!(!cache.compile(&engine, EMPTY_COMPONENT).unwrap().cached);
        assert!(cache.compile(&engine, EMPTY_COMPONENT).unwrap().cached);
    }

    /// Goal: a file that others may write, a link, and a damaged file are never mapped as code.
    #[test]
    fn doubtful_files_are_compiled_again() {
        let state = tempfile::tempdir().unwrap();
        let engine = engine();
        let cache = CodeCache::open(state.path());
        cache.compile(&engine, EMPTY_COMPONENT).unwrap();
        let file = fs::read_dir(state.path().join("code"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();

        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(
            !cache.compile(&engine, EMPTY_COMPONENT).unwrap().cached,
            "writable by all"
        );

        let elsewhere = state.path().join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert!(
            !cache.compile(&engine, EMPTY_COMPONENT).unwrap().cached,
            "a link"
        );

        fs::write(&file, b"not code").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(
            !cache.compile(&engine, EMPTY_COMPONENT).unwrap().cached,
            "damaged"
        );
        assert!(
            cache.compile(&engine, EMPTY_COMPONENT).unwrap().cached,
            "written anew"
        );
    }

    /// Goal: a folder that was open to others is closed before anything in it is believed.
    #[test]
    fn folder_is_closed_to_others() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("code")).unwrap();
        fs::set_permissions(state.path().join("code"), fs::Permissions::from_mode(0o777)).unwrap();
        let cache = CodeCache::open(state.path());
        assert!(cache.folder.is_some());
        assert_eq!(
            fs::metadata(state.path().join("code"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
    }
}
