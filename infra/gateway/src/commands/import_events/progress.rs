//! How far a table has come, kept beside it so that a run that was killed goes on.
//!
//! Invariant: what the file says is done was acknowledged, and the rejects up to its length are on the disk. It may say less than was done:
//! then rows are sent again, which is harmless.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use chudian_import::limits::STATE_BYTES_MAX;
use chudian_import::state::{Fingerprint, with_suffix};
use serde::{Deserialize, Serialize};

/// The form of the file; another form is another program's.
const FORMAT: &str = "chudian-import-events-state/1";

/// What is done of a table: its first so many rows, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// Rows from the beginning.
    pub(super) rows: u64,
    /// Of these, stored now.
    pub(super) accepted: u64,
    /// Of these, stored before.
    pub(super) duplicates: u64,
    /// Of these, not stored.
    pub(super) rejected: u64,
    /// Length of the file of rejects.
    pub(super) rejects_bytes: u64,
}

/// A file that keeps [`Done`].
#[derive(Debug)]
pub(super) struct Resumable {
    path: PathBuf,
    fingerprint: Fingerprint,
    target: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    format: String,
    fingerprint: Fingerprint,
    target: String,
    done: Done,
}

impl Resumable {
    /// For a table that is read as `fingerprint` says and goes to `target`.
    pub(super) fn new(path: PathBuf, fingerprint: Fingerprint, target: String) -> Self {
        Self {
            path,
            fingerprint,
            target,
        }
    }

    /// What an earlier run of the same has done; nothing when there was none.
    pub(super) fn resume(&self) -> anyhow::Result<Done> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(file) => {
                file.take(STATE_BYTES_MAX)
                    .read_to_string(&mut text)
                    .with_context(|| self.path.display().to_string())?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Done::default()),
            Err(error) => return Err(error).with_context(|| self.path.display().to_string()),
        }
        // A file of another form is an older program's, or nobody's: everything is sent again.
        let kept: Option<Kept> = serde_json::from_str(&text).ok();
        let same = kept.filter(|kept| {
            kept.format == FORMAT
                && kept.fingerprint == self.fingerprint
                && kept.target == self.target
        });
        Ok(same.map(|kept| kept.done).unwrap_or_default())
    }

    /// Keeps `done` so that a crash leaves the old state or this one.
    pub(super) fn keep(&self, done: &Done) -> anyhow::Result<()> {
        let kept = Kept {
            format: FORMAT.to_owned(),
            fingerprint: self.fingerprint.clone(),
            target: self.target.clone(),
            done: done.clone(),
        };
        let write = || -> io::Result<()> {
            let part = with_suffix(&self.path, ".part");
            let mut file = File::create(&part)?;
            file.write_all(&serde_json::to_vec(&kept)?)?;
            file.sync_all()?;
            fs::rename(&part, &self.path)
        };
        write().with_context(|| self.path.display().to_string())
    }

    /// Takes the file away: all is done.
    pub(super) fn forget(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| self.path.display().to_string())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_table_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let of = |source: &str, target: &str| {
            let fingerprint = Fingerprint {
                source: source.to_owned(),
                mapping: "m".to_owned(),
                key: "k".to_owned(),
                version: "1".to_owned(),
            };
            Resumable::new(folder.path().join("state"), fingerprint, target.to_owned())
        };
        assert_eq!(of("a", "t").resume().unwrap(), Done::default());
        let done = Done {
            rows: 7,
            accepted: 6,
            rejected: 1,
            ..Done::default()
        };
        of("a", "t").keep(&done).unwrap();
        assert_eq!(of("a", "t").resume().unwrap(), done);
        assert_eq!(of("b", "t").resume().unwrap(), Done::default());
        assert_eq!(of("a", "u").resume().unwrap(), Done::default());
        of("a", "t").forget().unwrap();
        of("a", "t").forget().unwrap();
        assert_eq!(of("a", "t").resume().unwrap(), Done::default());
    }
}
