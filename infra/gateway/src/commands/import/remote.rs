//! The customer dataset of a running system as the target of an import.

use std::path::Path;

use chudian_dataset::schema::ColumnName;
use chudian_import::target::{Announcement, Arrived, Published, Target, TargetError};
use serde::Deserialize;
use serde_json::json;

use crate::commands::client::{Client, Purpose, Refused, Request};
use crate::language::Language;

/// Where the customer dataset takes imports.
const IMPORTS: &str = "/dataset/v1/imports";
/// Media types of what is sent.
const JSON: &str = "application/json";
const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";
const PAGES: &str = "application/octet-stream";
/// The states of an import that is a snapshot, and of one that still takes parts; one in any other state was given up.
const PUBLISHED: &str = "published";
const IMPORTING: &str = "importing";
/// The code of the problem that says that there is no such import.
const UNKNOWN: &str = "dataset-unknown";

/// What an import wants of the system.
pub(super) const PURPOSE: Purpose = Purpose {
    forbidden: (
        "importing needs a key of the whole province with the role analyst or admin",
        "导入需要角色为 analyst 或 admin 且不限地区的密钥",
    ),
    missing: (
        "the address serves no customer dataset; `chudian modules` lists what runs there",
        "该地址没有客户数据集服务；可用 `chudian modules` 查看",
    ),
    unreadable: (
        "the answer is not that of a customer dataset; check the address",
        "应答不是客户数据集服务的格式，请检查地址",
    ),
};

/// The customer dataset at an address.
pub(super) struct Remote(Client);

#[derive(Deserialize)]
struct Upload {
    id: String,
    state: String,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    column: Option<String>,
    place: u64,
    sha256: String,
}

#[derive(Deserialize)]
struct PublishedAnswer {
    current_version: String,
}

impl Remote {
    /// Reads key and certificates, and checks the address.
    pub(super) fn new(
        url: &str,
        key_file: Option<&Path>,
        ca_file: Option<&Path>,
        language: Language,
    ) -> anyhow::Result<Self> {
        Client::new(url, key_file, ca_file, language, PURPOSE).map(Self)
    }

    /// The address.
    pub(super) fn address(&self) -> &str {
        self.0.address()
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<crate::commands::client::Answer, TargetError> {
        self.0
            .send(Request {
                method,
                path,
                content_type,
                idempotency_key: None,
                body,
            })
            .map_err(told)
    }

    fn read<Body: for<'de> Deserialize<'de>>(
        &self,
        answer: &crate::commands::client::Answer,
    ) -> Result<Body, TargetError> {
        self.0.read(answer).map_err(|error| TargetError {
            text: format!("{error:#}"),
            unknown_import: false,
        })
    }
}

fn told(refused: Refused) -> TargetError {
    TargetError {
        unknown_import: refused.code.as_deref() == Some(UNKNOWN),
        text: format!("{:#}", refused.error),
    }
}

impl Target for Remote {
    fn begin(&self, announcement: &Announcement) -> Result<String, TargetError> {
        let source = json!({
            "note": announcement.note, "format": announcement.format, "encoding": announcement.encoding,
        });
        let body =
            json!({ "columns": announcement.schema.columns(), "source": source }).to_string();
        let request = Request {
            method: "POST",
            path: IMPORTS,
            content_type: JSON,
            idempotency_key: Some(&announcement.idempotency_key),
            body: body.as_bytes(),
        };
        let answer = self.0.send(request).map_err(told)?;
        Ok(self.read::<Upload>(&answer)?.id)
    }

    fn arrived(&self, import: &str) -> Result<Arrived, TargetError> {
        let answer = self.send("GET", &format!("{IMPORTS}/{import}"), JSON, b"")?;
        let upload: Upload = self.read(&answer)?;
        if ![PUBLISHED, IMPORTING].contains(&upload.state.as_str()) {
            return Err(TargetError {
                text: format!("{import}: {}", upload.state),
                unknown_import: true,
            });
        }
        let mut arrived = Arrived {
            published: upload.state == PUBLISHED,
            ..Arrived::default()
        };
        for part in upload.parts {
            match part.column {
                Some(column) => {
                    let segment = usize::try_from(part.place).unwrap_or(usize::MAX);
                    arrived.columns.insert((segment, column), part.sha256);
                }
                None => {
                    arrived.pages.insert(part.place, part.sha256);
                }
            }
        }
        Ok(arrived)
    }

    fn put_column(
        &self,
        import: &str,
        segment: usize,
        name: &ColumnName,
        body: &[u8],
    ) -> Result<(), TargetError> {
        self.send(
            "PUT",
            &format!("{IMPORTS}/{import}/segments/{segment}/columns/{name}"),
            ARROW_STREAM,
            body,
        )
        .map(drop)
    }

    fn put_pages(
        &self,
        import: &str,
        first: u64,
        rows: u64,
        body: &[u8],
    ) -> Result<(), TargetError> {
        self.send(
            "PUT",
            &format!("{IMPORTS}/{import}/pages/{first}?rows={rows}"),
            PAGES,
            body,
        )
        .map(drop)
    }

    fn publish(&self, import: &str) -> Result<Published, TargetError> {
        let answer = self.send("POST", &format!("{IMPORTS}/{import}/publish"), JSON, b"")?;
        Ok(Published {
            version: self.read::<PublishedAnswer>(&answer)?.current_version,
        })
    }

    fn give_up(&self, import: &str) -> Result<(), TargetError> {
        self.send("DELETE", &format!("{IMPORTS}/{import}"), JSON, b"")
            .map(drop)
    }
}
