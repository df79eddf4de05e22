//! Loads a sample into a running system over HTTP: catalogue, activation from today, customers in chunks.
//!
//! Every request made here can be sent twice without harm (the same catalogue bytes are the same version, an activation
//! and a customer are replaced by themselves), so a connection that breaks or a busy answer is tried again; a refusal is
//! not. The key is never written anywhere and never taken from the command line, which others on the machine can read.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chudian_sample::Files;
use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use serde_json::json;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::progress_bar;
use crate::commands::today;
use crate::language::Language;

/// Environment variable that holds the key.
const KEY_VARIABLE: &str = "CHUDIAN_KEY";
/// Customers in one request: a chunk that fails is small enough to be looked at.
const CHUNK_LINES_MAX: usize = 500;
/// Bytes in one request; half of what `POST /customers/import` takes.
const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Attempts for one request before giving up.
const ATTEMPTS_MAX: u32 = 5;
/// First wait between attempts; it doubles.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// Longest wait between attempts, also when the system asks for more.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Time for one request; storing a full chunk takes well under a second.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read: an import answer that rejects every line fits.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Rejected lines that are shown.
const REJECTED_SHOWN_MAX: usize = 5;
/// Largest key or certificate file: anything above is another file.
const SMALL_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A client of one system.
pub(super) struct Loader {
    agent: ureq::Agent,
    base_url: String,
    authorization: String,
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

struct Answer {
    status: StatusCode,
    body: Vec<u8>,
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

#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: Option<String>,
    instance: Option<String>,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

impl Loader {
    /// Reads key and certificates, and checks the address.
    pub(super) fn new(
        url: &str,
        key_file: Option<&Path>,
        ca_file: Option<&Path>,
        language: Language,
    ) -> anyhow::Result<Self> {
        let base_url = url.trim_end_matches('/').to_owned();
        let address: http::Uri = base_url.parse().with_context(|| {
            language.pick(
                format!("`{url}` is no address; write for instance http://127.0.0.1:3000"),
                format!("`{url}` 不是地址，例如 http://127.0.0.1:3000"),
            )
        })?;
        let secure = address.scheme_str() == Some("https");
        if !secure && address.scheme_str() != Some("http") || address.host().is_none() {
            bail!(language.pick(
                format!("`{url}` must begin with http:// or https:// and name a host"),
                format!("`{url}` 必须以 http:// 或 https:// 开头并包含主机名"),
            ));
        }
        if !secure && !is_this_machine(address.host().unwrap_or_default()) {
            eprintln!(
                "{}",
                language.pick(
                    "warning: the key travels unencrypted to another machine; use https:// there",
                    "警告：密钥将以明文发送到另一台机器，请改用 https://",
                )
            );
        }
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(REQUEST_TIME_MAX))
            // The address is the operator's own; a proxy for the internet would only hide it.
            .proxy(None)
            .user_agent(concat!("chudian/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca_file {
            config = config.tls_config(
                TlsConfig::builder()
                    .root_certs(trusted(path, language)?)
                    .build(),
            );
        }
        Ok(Self {
            agent: config.build().into(),
            base_url,
            authorization: format!("Bearer {}", read_key(key_file, language)?),
            language,
        })
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
        let stored: CatalogueStored = self.read(&answer)?;
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
        let imported: Imported = self.read(&answer)?;
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

    /// Sends a request that may be sent twice, and returns its answer when that is a success.
    fn expect_success(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let mut wait = WAIT_FIRST;
        for attempt in 1.. {
            let retry_after = match self.send(method, path, content_type, body) {
                Ok((answer, _)) if answer.status.is_success() => return Ok(answer),
                Ok((answer, retry_after)) if is_busy(answer.status) && attempt < ATTEMPTS_MAX => {
                    retry_after
                }
                Ok((answer, _)) => return Err(self.refusal(method, path, &answer)),
                Err(error) if is_passing(&error) && attempt < ATTEMPTS_MAX => None,
                Err(error) => return Err(self.unreachable(error)),
            };
            std::thread::sleep(retry_after.unwrap_or(wait).min(WAIT_MAX));
            wait *= 2;
        }
        bail!("{method} {path}")
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<(Answer, Option<Duration>), ureq::Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url))
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, content_type)
            .header(ACCEPT_LANGUAGE, self.language.pick("en", "zh"))
            .body(body)?;
        let mut response = self.agent.run(request)?;
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()?;
        Ok((
            Answer {
                status: response.status(),
                body,
            },
            retry_after,
        ))
    }

    fn read<Body: for<'de> Deserialize<'de>>(&self, answer: &Answer) -> anyhow::Result<Body> {
        serde_json::from_slice(&answer.body).with_context(|| {
            self.language.pick(
                "the answer is not that of a tariff simulation; check the address",
                "应答不是资费测算服务的格式，请检查地址",
            )
        })
    }

    /// What the system says, and what to do about it.
    fn refusal(&self, method: &str, path: &str, answer: &Answer) -> anyhow::Error {
        let status = answer.status;
        let mut message = format!("{method} {path}: {status}");
        if let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) {
            message.push_str(&format!("\n  {}", problem.title));
            for text in problem.detail.into_iter().chain(problem.instance) {
                message.push_str(&format!("\n  {text}"));
            }
            for error in problem.errors.iter().take(REJECTED_SHOWN_MAX) {
                message.push_str(&format!("\n  {error}"));
            }
        }
        let advice = match status {
            StatusCode::UNAUTHORIZED => self.language.pick(
                "check the key in CHUDIAN_KEY or --key-file; `chudian keys new` makes one",
                "请检查 CHUDIAN_KEY 或 --key-file 中的密钥；可用 `chudian keys new` 新建",
            ),
            StatusCode::FORBIDDEN => self.language.pick(
                "loading needs a key with the role admin, because it stores, activates and imports",
                "导入需要角色为 admin 的密钥，因为要存储、启用资费目录并导入客户",
            ),
            StatusCode::NOT_FOUND => self.language.pick(
                "the address serves no tariff simulation; `chudian modules` lists what runs there",
                "该地址没有资费测算服务；可用 `chudian modules` 查看",
            ),
            _ => return anyhow::anyhow!(message),
        };
        anyhow::anyhow!("{message}\n{advice}")
    }

    fn unreachable(&self, error: ureq::Error) -> anyhow::Error {
        let url = &self.base_url;
        let advice = if is_distrust(&error) {
            self.language.pick(
                format!("the certificate of {url} is not trusted; give the issuer's certificate with --ca-file"),
                format!("{url} 的证书不受信任，请用 --ca-file 指定签发者证书"),
            )
        } else {
            self.language.pick(
                format!(
                    "{url} does not answer; start it with `chudian up` and check address and port"
                ),
                format!("{url} 无应答；请先运行 `chudian up`，并检查地址和端口"),
            )
        };
        anyhow::Error::new(error).context(advice)
    }
}

/// Answers that mean "later".
fn is_busy(status: StatusCode) -> bool {
    [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

/// Faults of a connection that another attempt may not meet.
fn is_passing(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(_) => !is_distrust(error),
        ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => true,
        _ => false,
    }
}

/// Whether the other side's certificate is the trouble; a failed handshake comes as unreadable data.
fn is_distrust(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        _ => false,
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn read_key(key_file: Option<&Path>, language: Language) -> anyhow::Result<String> {
    let key = match key_file {
        Some(path) => read_small(path)?,
        None => std::env::var(KEY_VARIABLE).unwrap_or_default(),
    };
    let key = key.trim();
    if key.is_empty() {
        bail!(language.pick(
            "no key: set CHUDIAN_KEY or name a file with --key-file (the first `chudian up` shows an admin key, `chudian keys new --role admin` makes another)",
            "缺少密钥：请设置 CHUDIAN_KEY 或用 --key-file 指定文件（首次 `chudian up` 会显示管理员密钥，也可用 `chudian keys new --role admin` 新建）",
        ));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!(language.pick(
            "the key holds a character that no key has; copy it again",
            "密钥含有不应出现的字符，请重新复制"
        ));
    }
    Ok(key.to_owned())
}

fn read_small(path: &Path) -> anyhow::Result<String> {
    let name = || path.display().to_string();
    let length = fs::metadata(path).with_context(name)?.len();
    if length > SMALL_FILE_BYTES_MAX {
        bail!(
            "{}: {length} > {SMALL_FILE_BYTES_MAX} bytes / 字节",
            path.display()
        );
    }
    fs::read_to_string(path).with_context(name)
}

/// The roots of a file; they take the place of the public ones.
fn trusted(path: &Path, language: Language) -> anyhow::Result<RootCerts> {
    let text = read_small(path)?;
    let own = parse_pem(text.as_bytes())
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect::<Result<Vec<Certificate<'static>>, _>>()
        .with_context(|| path.display().to_string())?;
    if own.is_empty() {
        let path = path.display();
        bail!(language.pick(
            format!("{path} holds no certificate in PEM form"),
            format!("{path} 中没有 PEM 格式的证书")
        ));
    }
    Ok(RootCerts::from(own))
}
