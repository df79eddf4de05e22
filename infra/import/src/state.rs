//! What an import remembers, so that it can be run again after a `kill -9` and go on.
//!
//! The file holds digests and the import's id: no heading, no value, no key. It is written before the first byte is sent and taken away when
//! the snapshot is published.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::limits::STATE_BYTES_MAX;

/// Value of the member `format`.
const STATE_FORMAT: &str = "chudian-import-state/1";

/// An import under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    format: String,
    /// What is imported, and how: see [`Fingerprint`].
    pub fingerprint: Fingerprint,
    /// Where to.
    pub target: String,
    /// Sent with the request that begins the import, so that its repetition begins no second one.
    pub idempotency_key: String,
    /// The import's id, once it is known.
    pub import_id: Option<String>,
}

/// Everything on which the parts of a snapshot depend, as digests in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// SHA-256 of the file.
    pub source: String,
    /// SHA-256 of the mapping, overrides of the command line included.
    pub mapping: String,
    /// A pseudonym that nobody has, under the key: tells one key from another and nothing else.
    pub key: String,
    /// Version of this program: another may encode otherwise.
    pub version: String,
}

impl State {
    /// An import that begins.
    #[must_use]
    pub fn new(fingerprint: Fingerprint, target: String, idempotency_key: String) -> Self {
        Self {
            format: STATE_FORMAT.to_owned(),
            fingerprint,
            target,
            idempotency_key,
            import_id: None,
        }
    }

    /// The import that an earlier run left behind at `path`, when it is the same one.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn resume(
        path: &Path,
        fingerprint: &Fingerprint,
        target: &str,
    ) -> io::Result<Option<Self>> {
        let mut text = String::new();
        match File::open(path) {
            Ok(file) => file.take(STATE_BYTES_MAX).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // A file of another form is an older program's, or nobody's; it is written anew.
        let state: Option<Self> = serde_json::from_str(&text).ok();
        Ok(state.filter(|state| {
            state.format == STATE_FORMAT
                && state.fingerprint == *fingerprint
                && state.target == target
        }))
    }

    /// Writes the state so that a crash leaves the old one or this one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let part = with_suffix(path, ".part");
        let mut file = File::create(&part)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&part, path)
    }

    /// Takes the state away.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn forget(path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A path with something behind its last name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes as hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_import_is_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let fingerprint = |source: &str| Fingerprint {
            source: source.to_owned(),
            mapping: "m".to_owned(),
            key: "k".to_owned(),
            version: "1".to_owned(),
        };
        assert_eq!(State::resume(&path, &fingerprint("a"), "t").unwrap(), None);
        let mut state = State::new(fingerprint("a"), "t".to_owned(), "i".to_owned());
        state.import_id = Some("ds_x".to_owned());
        state.write(&path).unwrap();
        assert_eq!(
            State::resume(&path, &fingerprint("a"), "t").unwrap(),
            Some(state)
        );
        assert_eq!(State::resume(&path, &fingerprint("b"), "t").unwrap(), None);
        assert_eq!(State::resume(&path, &fingerprint("a"), "u").unwrap(), None);
        fs::write(&path, "{").unwrap();
        assert_eq!(State::resume(&path, &fingerprint("a"), "t").unwrap(), None);
        State::forget(&path).unwrap();
        State::forget(&path).unwrap();
    }
}
