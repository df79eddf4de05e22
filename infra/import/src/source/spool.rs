//! Where the bytes are: a file, or standard input kept in a temporary file that goes when the import ends.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file to read, by whatever name.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    /// Removes the copy of standard input in the end.
    copy: Option<NamedTempFile>,
}

impl Input {
    /// A file of the operator's.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        Self { path, copy: None }
    }

    /// Where to read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it came through standard input.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.copy.is_some()
    }
}

/// Keeps `reader` in a temporary file of `folder` that only our user can read: formats other than CSV are read from their end, and the
/// encoding is known only when all of it was seen.
///
/// # Errors
/// When the folder cannot be written or `reader` fails.
pub fn spool(reader: &mut dyn Read, folder: &Path) -> io::Result<Input> {
    let mut copy = NamedTempFile::new_in(folder)?;
    io::copy(reader, copy.as_file_mut())?;
    Ok(Input {
        path: copy.path().to_owned(),
        copy: Some(copy),
    })
}
