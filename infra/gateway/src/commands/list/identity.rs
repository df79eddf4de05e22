//! `chudian list identity`: a new pair of keys for the custodian.

use std::io::Write as _;
use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use age::x25519;
use clap::Args;

use super::PrivateFile;
use crate::language::Language;

/// Make the custodian's pair of keys; the private one stays in the file / 生成保管员密钥对，私钥只保存在文件中
#[derive(Debug, Args)]
pub(super) struct Identity {
    /// File for the private key, readable by its owner only / 私钥文件
    #[arg(long)]
    out: PathBuf,
}

impl Identity {
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        let identity = x25519::Identity::generate();
        let public = identity.to_public();
        let mut file = PrivateFile::create(&self.out, language)?;
        writeln!(file, "# public key: {public}")?;
        writeln!(file, "{}", identity.to_string().expose_secret())?;
        file.finish()?;
        println!("{public}");
        let path = self.out.display();
        eprintln!(
            "{}",
            language.pick(
                format!("the private key is in {path}; whoever loses it can open no list any more, so keep a copy in a safe"),
                format!("私钥已写入 {path}；遗失后将无法打开任何名单，请妥善备份"),
            )
        );
        Ok(())
    }
}
