//! The installation's own secrets: the pepper of key hashes, the first admin key and the key of pseudonyms, made on the first start.
//!
//! Invariant: pepper and key of pseudonyms lie in files that only our user can read; of the admin key only its hash is kept, and its
//! text is shown once, by the start that made it.
//!
//! All are variables of the application (`key_pepper`, `bootstrap_key_hash`, `pseudonym_key`), so an operator may set them instead;
//! what stands here is only used when nobody does. To take the first admin key back, delete its file and start again, which
//! makes another.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use chudian_manifest::Manifest;
use chudian_vocabulary::access::{AccessKey, BootstrapKey, KEY_RANDOM_BYTES, Pepper};
use chudian_vocabulary::pseudonym::{PSEUDONYM_KEY_BYTES, PseudonymKey};

/// The variable that holds the pepper, and the file that keeps it.
const PEPPER: (&str, &str) = ("key_pepper", "key-pepper");
/// The variable that holds the hash of the first admin key, and the file that keeps it.
const BOOTSTRAP: (&str, &str) = ("bootstrap_key_hash", "bootstrap-key-hash");
/// The variable that holds the key of pseudonyms, and the file that keeps it; the import reads the same file.
const PSEUDONYM_KEY: (&str, &str) = ("pseudonym_key", "pseudonym-key");
/// As much randomness as the hash can take in.
const PEPPER_BYTES: usize = 32;

/// See the module. `Debug` hides everything.
#[derive(Default)]
pub struct Secrets {
    pepper: Option<String>,
    bootstrap_key_hash: Option<String>,
    pseudonym_key: Option<String>,
    new_admin_key: Option<AccessKey>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(hidden)")
    }
}

impl Secrets {
    /// Reads the secrets that the application declares variables for; makes those that are missing. The first admin key is
    /// made only where `makes_first_key` says so: by the verb that shows it.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the system has no randomness.
    pub fn open(
        state_dir: &Path,
        manifest: &Manifest,
        makes_first_key: bool,
    ) -> anyhow::Result<Self> {
        let wants = |variable: &str| manifest.variables.contains_key(variable);
        let mut secrets = Self::default();
        if !wants(PEPPER.0) {
            return Ok(secrets);
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state_dir)
            .with_context(|| format!("cannot make {}", state_dir.display()))?;
        let (pepper, _) = read_or_make(&state_dir.join(PEPPER.1), || {
            let mut bytes = [0; PEPPER_BYTES];
            getrandom::fill(&mut bytes)
                .map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
            Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        })?;
        if wants(BOOTSTRAP.0) && !makes_first_key {
            secrets.bootstrap_key_hash = read(&state_dir.join(BOOTSTRAP.1))?;
        } else if wants(BOOTSTRAP.0) {
            let mut made = None;
            let (hash, new) = read_or_make(&state_dir.join(BOOTSTRAP.1), || {
                let mut bytes = [0; KEY_RANDOM_BYTES];
                getrandom::fill(&mut bytes)
                    .map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
                let key = AccessKey::from_random_bytes(&bytes);
                let bootstrap = BootstrapKey::of(&key, &Pepper::new(&pepper));
                made = Some(key);
                Ok(format!("{}:{}", bootstrap.id, bootstrap.hash))
            })?;
            secrets.bootstrap_key_hash = Some(hash);
            secrets.new_admin_key = made.filter(|_| new);
        }
        if wants(PSEUDONYM_KEY.0) {
            secrets.pseudonym_key = Some(pseudonym_key(state_dir)?.reveal());
        }
        secrets.pepper = Some(pepper);
        Ok(secrets)
    }

    /// Values for the application's variables that nothing else gives.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let pairs = [
            (PEPPER.0, &self.pepper),
            (BOOTSTRAP.0, &self.bootstrap_key_hash),
            (PSEUDONYM_KEY.0, &self.pseudonym_key),
        ];
        pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
            .collect()
    }

    /// The admin key, when this start made it. Show it once.
    pub fn new_admin_key(&self) -> Option<&AccessKey> {
        self.new_admin_key.as_ref()
    }
}

/// The installation's key of pseudonyms: from its file in the state folder, which is made when it is not there. An installation has one for
/// ever: under another key every customer would be a stranger.
///
/// # Errors
/// When the file cannot be read or written or holds no key, or the system has no randomness.
pub fn pseudonym_key(state_dir: &Path) -> anyhow::Result<PseudonymKey> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state_dir)
        .with_context(|| format!("cannot make {}", state_dir.display()))?;
    let path = state_dir.join(PSEUDONYM_KEY.1);
    let (text, _) = read_or_make(&path, || {
        let mut bytes = [0; PSEUDONYM_KEY_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
        Ok(PseudonymKey::from(bytes).reveal())
    })?;
    text.parse::<PseudonymKey>()
        .with_context(|| path.display().to_string())
}

/// The file's text, or what `make` gives, written to it. Two that start at once agree on what the first one wrote. The
/// second value tells whether it was made here.
fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<(String, bool)> {
    if let Some(text) = read(path)? {
        return Ok((text, false));
    }
    let text = make()?;
    let temporary = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(|| format!("cannot write {}", temporary.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // A link, unlike a rename, fails when somebody else's file is there already.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)
        .with_context(|| format!("cannot remove {}", temporary.display()))?;
    match linked {
        Ok(()) => Ok((text, true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = read(path)?.with_context(|| format!("{} came and went", path.display()))?;
            Ok((text, false))
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn manifest() -> Manifest {
        let text = "spin_manifest_version = 2\n[application]\nname = \"t\"\n[variables]\nkey_pepper = { default = \"\" }\nbootstrap_key_hash = { default = \"\" }\npseudonym_key = { default = \"\" }\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\n[component.c]\nsource = \"c.wasm\"\n";
        Manifest::parse(text, Path::new("spin.toml"), Path::new(".")).unwrap()
    }

    /// Goal: the admin key is shown by the first start only, and the hash that is kept is the one of that key.
    #[test]
    fn first_key_is_shown_once() {
        let state = tempfile::tempdir().unwrap();
        let before = Secrets::open(state.path(), &manifest(), false).unwrap();
        assert!(before.new_admin_key().is_none());
        let first = Secrets::open(state.path(), &manifest(), true).unwrap();
        let key = first.new_admin_key().unwrap();
        let again = Secrets::open(state.path(), &manifest(), true).unwrap();
        assert!(again.new_admin_key().is_none());
        assert_eq!(first.variables(), again.variables());
        let pepper = Pepper::new(&again.variables()["key_pepper"]);
        let kept = BootstrapKey::from_variable(&again.variables()["bootstrap_key_hash"])
            .unwrap()
            .unwrap();
        assert!(kept.hash.matches(&key.hash(&pepper)));
        // The components know customers by the same names as the import.
        let pseudonyms = pseudonym_key(state.path()).unwrap();
        assert_eq!(again.variables()["pseudonym_key"], pseudonyms.reveal());
        for file in ["key-pepper", "bootstrap-key-hash", "pseudonym-key"] {
            let mode = std::fs::metadata(state.path().join(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
}
