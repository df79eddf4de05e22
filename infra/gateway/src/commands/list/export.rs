//! `chudian list export`: has the system encrypt an approved list, and fetches the file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;

use super::PrivateFile;
use crate::commands::client::{Client, Purpose, Request};
use crate::commands::print_json;
use crate::language::Language;

/// What this verb wants of the system.
const PURPOSE: Purpose = Purpose {
    forbidden: (
        "exporting needs a key with the role custodian: `chudian keys new --role custodian`",
        "导出需要 custodian 角色的密钥：`chudian keys new --role custodian`",
    ),
    missing: (
        "the address does not serve the target filter",
        "该地址没有目标筛选功能",
    ),
    unreadable: (
        "what was answered is not the target filter's; check the address",
        "应答不是目标筛选功能的格式，请检查地址",
    ),
};

/// Encrypt an approved list to public keys and fetch it / 将已批准的名单加密导出
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Id of the list, which begins with fl_ / 名单标识
    list_id: String,
    /// Who receives the file; the watermark leads back to this name / 接收方（写入水印）
    #[arg(long)]
    receiver: String,
    /// Public key age1… of someone who may open it; several times for several / 公钥，可重复
    #[arg(long = "recipient", required = true)]
    recipients: Vec<String>,
    /// Only this batch / 只导出该批次
    #[arg(long)]
    batch: Option<u32>,
    /// Encoding of the table / 表格编码
    #[arg(long, value_enum, default_value_t = Encoding::CsvUtf8)]
    encoding: Encoding,
    /// File for the encrypted list / 输出文件
    #[arg(long)]
    out: PathBuf,
    /// Address of the running system / 系统地址
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    to: String,
    /// File that holds the access key and nothing else; otherwise CHUDIAN_KEY / 访问密钥文件，默认读取 CHUDIAN_KEY
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    json: bool,
}

/// Encodings of the table.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoding {
    /// UTF-8 with a byte order mark.
    CsvUtf8,
    /// GB18030.
    CsvGb18030,
}

/// What the system says of an export.
#[derive(Deserialize)]
struct Made {
    export_id: String,
    rows: u64,
    file: String,
}

impl Export {
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        let client = Client::new(
            &self.to,
            self.key_file.as_deref(),
            self.ca_file.as_deref(),
            language,
            PURPOSE,
        )?;
        let mut file = PrivateFile::create(&self.out, language)?;
        let form = json!({
            "receiver": self.receiver,
            "recipients": self.recipients,
            "batch": self.batch,
            "encoding": match self.encoding {
                Encoding::CsvUtf8 => "csv-utf8",
                Encoding::CsvGb18030 => "csv-gb18030",
            },
        })
        .to_string();
        let mut attempt = [0_u8; 16];
        getrandom::fill(&mut attempt)
            .map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
        let attempt: String = attempt.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = Request {
            method: "POST",
            path: &format!("/filter/v1/lists/{}/exports", self.list_id),
            content_type: "application/json",
            idempotency_key: Some(&attempt),
            body: form.as_bytes(),
        };
        let answer = client.send(request).map_err(|refused| refused.error)?;
        let made: Made = client.read(&answer)?;
        let bytes = client
            .download(&made.file, &mut file)
            .map_err(|refused| refused.error)?;
        file.finish()?;
        if self.json {
            print_json(
                &json!({"export_id": made.export_id, "rows": made.rows, "bytes": bytes, "file": self.out}),
            );
        } else {
            let (rows, path) = (made.rows, self.out.display());
            println!(
                "{}",
                language.pick(
                    format!(
                        "{rows} customers, encrypted, {bytes} bytes: {path} (export {})",
                        made.export_id
                    ),
                    format!(
                        "已加密导出 {rows} 个客户，{bytes} 字节：{path}（导出编号 {}）",
                        made.export_id
                    ),
                )
            );
        }
        Ok(())
    }
}
