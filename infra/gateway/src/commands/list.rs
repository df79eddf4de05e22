//! `chudian list`: what the custodian of target lists does in the terminal (TF-5).
//!
//! `identity` makes the pair of keys, `export` has the system encrypt a list to the public one, `decrypt` opens the file with the private one,
//! and `join` puts the telephone numbers back. The private key and the numbers stay on this machine: nothing here sends them anywhere, and
//! nothing prints them.

mod decrypt;
mod export;
mod identity;
mod join;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::language::Language;

/// Encrypt, open and complete target lists / 导出、解密并还原目标名单
#[derive(Debug, Args)]
pub struct List {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Identity(identity::Identity),
    Export(export::Export),
    Decrypt(decrypt::Decrypt),
    Join(join::Join),
}

impl List {
    /// Does it.
    ///
    /// # Errors
    /// When a file, a key or the system is not as it should be; the message says what to do. No half-written file is left under the name that
    /// was asked for.
    pub fn run(self) -> anyhow::Result<()> {
        let language = Language::of_terminal();
        match self.verb {
            Verb::Identity(identity) => identity.run(language),
            Verb::Export(export) => export.run(language),
            Verb::Decrypt(decrypt) => decrypt.run(language),
            Verb::Join(join) => join.run(language),
        }
    }
}

/// A file that only its owner reads and that gets its name when it is whole.
struct PrivateFile {
    part: PathBuf,
    path: PathBuf,
    file: File,
}

impl PrivateFile {
    /// Begins the file; refuses to write over one that is there.
    fn create(path: &Path, language: Language) -> anyhow::Result<Self> {
        if path.exists() {
            let path = path.display();
            anyhow::bail!(language.pick(
                format!("{path} is there already; choose another name or remove it"),
                format!("{path} 已存在，请换一个文件名或先删除"),
            ));
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .with_context(|| part.display().to_string())?;
        Ok(Self {
            part,
            path: path.to_owned(),
            file,
        })
    }

    /// Makes the file durable and gives it its name.
    fn finish(mut self) -> anyhow::Result<()> {
        self.file.flush()?;
        self.file.sync_all()?;
        // A link, unlike a rename, fails when somebody else's file has come there meanwhile; dropping removes the other name.
        std::fs::hard_link(&self.part, &self.path).with_context(|| self.path.display().to_string())
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Whole or not, the part's name has served; that it cannot be removed harms nobody.
        let _ = std::fs::remove_file(&self.part);
    }
}

impl std::io::Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
