//! The key of pseudonyms, which turns customers' numbers into their pseudonyms: where it is, and its making.
//!
//! It comes from the environment or from a file of the state folder, which the first `chudian up` or `chudian import` there makes. Whoever imports
//! on several machines needs the same key on each.

use std::path::{Path, PathBuf};

use anyhow::bail;
use chudian_vocabulary::pseudonym::PseudonymKey;

use crate::language::Language;
use crate::secrets;

/// Environment variable that holds the key, for those who keep it elsewhere than in a file.
const VARIABLE: &str = "CHUDIAN_PSEUDONYM_KEY";
/// The file's name in the state folder, as [`secrets::pseudonym_key`] makes it.
const FILE: &str = "pseudonym-key";

/// Where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whence {
    /// In the environment.
    Environment,
    /// In this file.
    File(PathBuf),
    /// In this file, when it is made.
    Nowhere(PathBuf),
}

/// Where the key is; nothing is made.
pub(super) fn whence(state_dir: &Path) -> Whence {
    if of_environment().is_some() {
        return Whence::Environment;
    }
    let file = state_dir.join(FILE);
    if file.is_file() {
        Whence::File(file)
    } else {
        Whence::Nowhere(file)
    }
}

/// The key, made when it is nowhere.
///
/// # Errors
/// When the environment or the file holds no key, or the file cannot be read or made.
pub(super) fn key(state_dir: &Path, language: Language) -> anyhow::Result<PseudonymKey> {
    match of_environment() {
        Some(text) => parsed(&text, language),
        None => secrets::pseudonym_key(state_dir),
    }
}

/// The key that is there: a new one would match nobody.
///
/// # Errors
/// As [`key`], and when there is none.
pub(super) fn existing_key(state_dir: &Path, language: Language) -> anyhow::Result<PseudonymKey> {
    if let Whence::Nowhere(_) = whence(state_dir) {
        let folder = state_dir.display();
        bail!(language.pick(
            format!("{folder} holds no key of pseudonyms; name the installation's state folder with --state-dir, or set {VARIABLE}"),
            format!("{folder} 中没有假名密钥，请用 --state-dir 指定系统的状态目录，或设置 {VARIABLE}"),
        ));
    }
    key(state_dir, language)
}

/// What was found, English and Chinese.
pub(super) fn described(whence: &Whence) -> (String, String) {
    match whence {
        Whence::Environment => (
            format!("from the variable {VARIABLE}"),
            format!("来自环境变量 {VARIABLE}"),
        ),
        Whence::File(file) => {
            let file = file.display();
            (format!("in {file}"), format!("保存在 {file}"))
        }
        Whence::Nowhere(file) => {
            let file = file.display();
            (
                format!("none yet; the first `chudian up` or `chudian import` makes {file}"),
                format!("尚无；首次 `chudian up` 或 `chudian import` 会创建 {file}"),
            )
        }
    }
}

/// Whether the environment's text is a key; `true` when it has none.
pub(super) fn environment_is_sound() -> bool {
    of_environment().is_none_or(|text| text.parse::<PseudonymKey>().is_ok())
}

fn of_environment() -> Option<String> {
    let text = std::env::var(VARIABLE).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn parsed(text: &str, language: Language) -> anyhow::Result<PseudonymKey> {
    text.parse().map_err(|_| {
        anyhow::anyhow!(language.pick(
            format!("{VARIABLE} holds no key of 64 hexadecimal characters"),
            format!("{VARIABLE} 不是 64 个十六进制字符的密钥"),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: looking makes nothing, what is made is found again, and a missing key is never made where it would match nobody.
    #[test]
    fn the_key_is_made_once_and_found_again() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join(FILE);
        assert_eq!(whence(state.path()), Whence::Nowhere(file.clone()));
        let error = existing_key(state.path(), Language::English).unwrap_err();
        assert!(
            error.to_string().contains("holds no key of pseudonyms"),
            "{error}"
        );
        assert!(!file.exists());
        let made = key(state.path(), Language::English).unwrap();
        assert_eq!(whence(state.path()), Whence::File(file));
        let again = existing_key(state.path(), Language::English).unwrap();
        assert_eq!(made.reveal(), again.reveal());
    }
}
