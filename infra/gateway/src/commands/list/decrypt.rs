//! `chudian list decrypt`: opens an export with the custodian's private key.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::PrivateFile;
use crate::language::Language;

/// Largest file of private keys: a few lines.
const IDENTITY_BYTES_MAX: u64 = 64 * 1024;

/// Open an export with the custodian's private key / 用保管员私钥解密名单
#[derive(Debug, Args)]
pub(super) struct Decrypt {
    /// The encrypted file / 加密文件
    file: PathBuf,
    /// File of the private key / 私钥文件
    #[arg(long)]
    identity: PathBuf,
    /// File for the table; standard output when left out / 输出文件，默认标准输出
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Decrypt {
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        let mut plain = open(&self.file, &self.identity, language)?;
        let broken = || {
            language.pick(
                "the encrypted file is damaged or was cut off; fetch it again",
                "加密文件已损坏或不完整，请重新下载",
            )
        };
        match &self.out {
            Some(path) => {
                let mut file = PrivateFile::create(path, language)?;
                io::copy(&mut plain, &mut file).with_context(broken)?;
                file.finish()
            }
            None => {
                io::copy(&mut plain, &mut io::stdout().lock()).with_context(broken)?;
                Ok(())
            }
        }
    }
}

/// The plain text of an encrypted file. Reading it fails at the first chunk that is not what was encrypted.
pub(super) fn open(
    path: &Path,
    identity: &Path,
    language: Language,
) -> anyhow::Result<impl Read + use<>> {
    let bytes = std::fs::metadata(identity)
        .with_context(|| identity.display().to_string())?
        .len();
    anyhow::ensure!(
        bytes <= IDENTITY_BYTES_MAX,
        "{}: {bytes} > {IDENTITY_BYTES_MAX} bytes / 字节",
        identity.display()
    );
    let text = std::fs::read(identity).with_context(|| identity.display().to_string())?;
    let no_key = || {
        let path = identity.display();
        language.pick(
            format!("{path} holds no private key; it should have a line that begins with AGE-SECRET-KEY-"),
            format!("{path} 中没有私钥（应有以 AGE-SECRET-KEY- 开头的一行）"),
        )
    };
    let identities = age::IdentityFile::from_buffer(text.as_slice())
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(no_key)?;
    let identities = identities
        .into_identities()
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(no_key)?;
    anyhow::ensure!(!identities.is_empty(), no_key());
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let decryptor = age::Decryptor::new_buffered(BufReader::new(file)).map_err(|error| {
        anyhow::anyhow!(language.pick(
            format!("{} is no encrypted list: {error}", path.display()),
            format!("{} 不是加密名单：{error}", path.display()),
        ))
    })?;
    decryptor.decrypt(identities.iter().map(|identity| identity.as_ref() as &dyn age::Identity)).map_err(|error| {
        anyhow::anyhow!(language.pick(
            format!("this private key does not open the file, which was encrypted to another one ({error})"),
            format!("该私钥无法打开此文件，文件是为其他公钥加密的（{error}）"),
        ))
    })
}
