//! Loads a sample into a running system over HTTP: catalogue, activation from today, customers in chunks.
//!
//! Every request made here can be sent twice without harm: the same catalogue bytes are the same version, an activation and a customer
//! are replaced by themselves.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};
use chudian_sample::Files;
use serde::Deserialize;
use serde_json::json;

use super::progress_bar;
use crate::commands::client::{Answer, Client, Purpose, Request};
use crate::commands::today;
use crate::language::Language;

/// Customers in one request: a chunk that fails is small enough to be looked at.
const CHUNK_LINES_MAX: usize = 500;
/// Bytes in one request; half of what `POST /customers/import` takes.
const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rejected lines that are shown.
const REJECTED_SHOWN_MAX: usize = 5;

/// What loading a sample wants of the system.
const PURPOSE: Purpose = Purpose {
    forbidden: (
        "loading needs a key with the role admin, because it stores, activates and imports",
        "导入需要角色为 admin 的密钥，因为要存储、启用资费目录并导入客户",
    ),
    missing: (
        "the address serves no tariff simulation; `chudian modules` lists what runs there",
        "该地址没有资费测算服务；可用 `chudian modules` 查看",
    ),
    unreadable: (
        "the answer is not that of a tariff simulation; check the address",
        "应答不是资费测算服务的格式，请检查地址",
    ),
};

/// Loads samples into one system.
pub(super) struct Loader {
    client: Client,
    language: Language,
}

/// What was loaded.
pub(super) struct Loaded {
    /// Version of the catalogue.
    pub(super) version: String,
    /// Day from which it is in force.
    pub(super) active_from: String,
    /// Customers stored.
    pub(super) accepted: u64,
}

#[derive(Deserialize)]
struct CatalogueStored {
    version: String,
}

#[derive(Deserialize)]
struct Imported {
    accepted: u64,
    #[serde(default)]
    rejected: Vec<serde_json::Value>,
}

impl Loader {
    /// Reads key and certificates, and checks the address.
    pub(super) fn new(
        url: &str,
        key_file: Option<&Path>,
        ca_file: Option<&Path>,
        language: Language,
    ) -> anyhow::Result<Self> {
        let client = Client::new(url, key_file, ca_file, language, PURPOSE)?;
        Ok(Self { client, language })
    }

    /// Loads everything; a second run with the same files changes nothing.
    pub(super) fn load(&self, files: &Files, customers: u64) -> anyhow::Result<Loaded> {
        let version = self.store_catalogue(&files.catalogue)?;
        let active_from = today::in_china()?;
        let body = serde_json::to_vec(&json!({ "version": version }))?;
        let path = format!("/tariff/v1/activations/{active_from}");
        self.expect_success("PUT", &path, "application/json", &body)?;
        let accepted = self.import(&files.customers, customers)?;
        Ok(Loaded {
            version,
            active_from,
            accepted,
        })
    }

    fn store_catalogue(&self, path: &Path) -> anyhow::Result<String> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let answer =
            self.expect_success("POST", "/tariff/v1/catalogues", "application/json", &bytes)?;
        let stored: CatalogueStored = self.client.read(&answer)?;
        Ok(stored.version)
    }

    fn import(&self, path: &Path, customers: u64) -> anyhow::Result<u64> {
        let bar = progress_bar(
            customers,
            self.language.pick("customers stored", "已存储客户"),
        )?;
        let mut lines =
            BufReader::new(File::open(path).with_context(|| path.display().to_string())?);
        let mut chunk = Vec::new();
        let mut lines_in_chunk = 0;
        let mut accepted = 0;
        loop {
            let before = chunk.len();
            let at_end = lines.read_until(b'\n', &mut chunk)? == 0;
            if !at_end {
                lines_in_chunk += 1;
            }
            if lines_in_chunk == 0 {
                break;
            }
            // A line that would burst the chunk waits for the next one.
            let burst = chunk.len() > CHUNK_BYTES_MAX && before > 0;
            if !at_end && !burst && lines_in_chunk < CHUNK_LINES_MAX {
                continue;
            }
            let kept = if burst {
                chunk.split_off(before)
            } else {
                Vec::new()
            };
            accepted += self.import_chunk(&chunk)?;
            bar.set_position(accepted);
            lines_in_chunk = usize::from(burst);
            chunk = kept;
        }
        bar.finish_and_clear();
        Ok(accepted)
    }

    fn import_chunk(&self, chunk: &[u8]) -> anyhow::Result<u64> {
        let answer = self.expect_success(
            "POST",
            "/tariff/v1/customers/import",
            "application/x-ndjson",
            chunk,
        )?;
        let imported: Imported = self.client.read(&answer)?;
        if imported.rejected.is_empty() {
            return Ok(imported.accepted);
        }
        let shown: Vec<String> = imported
            .rejected
            .iter()
            .take(REJECTED_SHOWN_MAX)
            .map(ToString::to_string)
            .collect();
        let (count, shown) = (imported.rejected.len(), shown.join("\n  "));
        bail!(self.language.pick(
            format!("customers refused: {count}, for instance\n  {shown}\ncheck that this program and the system have the same version"),
            format!("被拒绝的客户：{count} 名，例如\n  {shown}\n请检查本程序与系统版本是否一致"),
        ))
    }

    fn expect_success(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let request = Request {
            method,
            path,
            content_type,
            idempotency_key: None,
            body,
        };
        self.client.send(request).map_err(|refused| refused.error)
    }
}
