//! A client of a running system, for the verbs that speak to one: address, key, trust, repetition, and what to say of a refusal.
//!
//! Every request made through it may be sent twice without harm, so a connection that breaks or a busy answer is tried again; a refusal
//! is not. The key is never written anywhere and never taken from the command line, which others on the machine can read.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::language::Language;

/// Environment variable that holds the key.
const KEY_VARIABLE: &str = "CHUDIAN_KEY";
/// Attempts for one request before giving up.
const ATTEMPTS_MAX: u32 = 5;
/// First wait between attempts; it doubles.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// Longest wait between attempts, also when the system asks for more.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest wait between attempts of those who are patient: a system that asks for more is looked at again after this.
const PATIENT_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long the patient try: a database that is started again, or a disk that is made room on, takes less.
const PATIENCE: Duration = Duration::from_secs(600);
/// Time for one request; storing a full chunk takes well under a second.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read: an import answer that rejects every line fits.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Errors of a problem that are shown.
const ERRORS_SHOWN_MAX: usize = 5;
/// Largest key or certificate file: anything above is another file.
const SMALL_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What a verb wants of the system, for advice: English, Chinese.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purpose {
    /// Which role the key needs, and why.
    pub(super) forbidden: (&'static str, &'static str),
    /// What the address does not serve.
    pub(super) missing: (&'static str, &'static str),
    /// Whose answer it should have been.
    pub(super) unreadable: (&'static str, &'static str),
}

/// A client of one system.
pub(super) struct Client {
    agent: ureq::Agent,
    base_url: String,
    authorization: String,
    language: Language,
    purpose: Purpose,
}

/// A request to send.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    /// Method.
    pub(super) method: &'a str,
    /// Path with query.
    pub(super) path: &'a str,
    /// Media type of the body.
    pub(super) content_type: &'a str,
    /// Value of `Idempotency-Key`.
    pub(super) idempotency_key: Option<&'a str>,
    /// Body.
    pub(super) body: &'a [u8],
}

/// An answer.
pub(super) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

/// Why a request has no good answer.
pub(super) struct Refused {
    /// The answer's status; nothing when there was no answer.
    pub(super) status: Option<StatusCode>,
    /// The code of the problem: the last part of its `type`.
    pub(super) code: Option<String>,
    /// What happened and what to do.
    pub(super) error: anyhow::Error,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default, rename = "type")]
    kind: String,
    title: String,
    detail: Option<String>,
    instance: Option<String>,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

impl Client {
    /// Reads key and certificates, and checks the address.
    pub(super) fn new(
        url: &str,
        key_file: Option<&Path>,
        ca_file: Option<&Path>,
        language: Language,
        purpose: Purpose,
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
            purpose,
        })
    }

    /// The address that the client speaks to.
    pub(super) fn address(&self) -> &str {
        &self.base_url
    }

    /// Sends a request that may be sent twice, and returns its answer when that is a success.
    pub(super) fn send(&self, request: Request<'_>) -> Result<Answer, Refused> {
        let mut attempt = 1;
        self.send_while(request, WAIT_MAX, || {
            attempt += 1;
            attempt <= ATTEMPTS_MAX
        })
    }

    /// The same for long work that a pause of the system must not end: waits as long as the system asks, for ten minutes in all.
    pub(super) fn send_patiently(&self, request: Request<'_>) -> Result<Answer, Refused> {
        let began = Instant::now();
        self.send_while(request, PATIENT_WAIT_MAX, || began.elapsed() < PATIENCE)
    }

    /// Sends until there is an answer that means something, or `may_again` says no.
    fn send_while(
        &self,
        request: Request<'_>,
        wait_max: Duration,
        mut may_again: impl FnMut() -> bool,
    ) -> Result<Answer, Refused> {
        let mut wait = WAIT_FIRST;
        loop {
            let retry_after = match self.once(request) {
                Ok((answer, _)) if answer.status.is_success() => return Ok(answer),
                Ok((answer, retry_after))
                    if (is_busy(answer.status)
                        || answer.status == StatusCode::CONFLICT && retry_after.is_some())
                        && may_again() =>
                {
                    // A conflict that names a time is an earlier attempt still under way.
                    retry_after
                }
                Ok((answer, _)) => return Err(self.refusal(request, &answer)),
                Err(error) if is_passing(&error) && may_again() => None,
                Err(error) => {
                    return Err(Refused {
                        status: None,
                        code: None,
                        error: self.unreachable(error),
                    });
                }
            };
            std::thread::sleep(retry_after.unwrap_or(wait).min(wait_max));
            wait = (wait * 2).min(wait_max);
        }
    }

    fn once(&self, request: Request<'_>) -> Result<(Answer, Option<Duration>), ureq::Error> {
        let mut built = http::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.base_url, request.path))
            .header(AUTHORIZATION, &self.authorization)
            .header(ACCEPT_LANGUAGE, self.language.pick("en", "zh"));
        if let Some(key) = request.idempotency_key {
            built = built.header("idempotency-key", key);
        }
        let mut response = if request.body.is_empty() {
            self.agent.run(built.body(())?)?
        } else {
            self.agent.run(
                built
                    .header(CONTENT_TYPE, request.content_type)
                    .body(request.body)?,
            )?
        };
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

    /// Fetches a file of any size, piece by piece; its length. Not repeated: what was written stays written.
    pub(super) fn download(
        &self,
        path: &str,
        out: &mut impl std::io::Write,
    ) -> Result<u64, Refused> {
        let request = Request {
            method: "GET",
            path,
            content_type: "",
            idempotency_key: None,
            body: &[],
        };
        let built = http::Request::builder()
            .method(request.method)
            .uri(format!("{}{path}", self.base_url))
            .header(AUTHORIZATION, &self.authorization)
            .header(ACCEPT_LANGUAGE, self.language.pick("en", "zh"));
        let failed = |error: anyhow::Error| Refused {
            status: None,
            code: None,
            error,
        };
        let built = built.body(()).map_err(|error| failed(error.into()))?;
        // A large file takes longer than a request that is answered at once.
        let built = self
            .agent
            .configure_request(built)
            .timeout_global(None)
            .build();
        let mut response = self
            .agent
            .run(built)
            .map_err(|error| failed(self.unreachable(error)))?;
        if !response.status().is_success() {
            let body = response
                .body_mut()
                .with_config()
                .limit(ANSWER_BYTES_MAX)
                .read_to_vec();
            let body = body.map_err(|error| failed(self.unreachable(error)))?;
            return Err(self.refusal(
                request,
                &Answer {
                    status: response.status(),
                    body,
                },
            ));
        }
        let mut body = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        std::io::copy(&mut body, out).map_err(|error| failed(error.into()))
    }

    /// The body of an answer.
    pub(super) fn read<Body: for<'de> Deserialize<'de>>(
        &self,
        answer: &Answer,
    ) -> anyhow::Result<Body> {
        let (english, chinese) = self.purpose.unreadable;
        serde_json::from_slice(&answer.body).with_context(|| self.language.pick(english, chinese))
    }

    /// What the system says, and what to do about it.
    fn refusal(&self, request: Request<'_>, answer: &Answer) -> Refused {
        let status = answer.status;
        let mut message = format!("{} {}: {status}", request.method, request.path);
        let problem: Option<Problem> = serde_json::from_slice(&answer.body).ok();
        let code = problem.as_ref().map(|problem| {
            problem
                .kind
                .rsplit(['/', ':', '#'])
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        if let Some(problem) = problem {
            message.push_str(&format!("\n  {}", problem.title));
            for text in problem.detail.into_iter().chain(problem.instance) {
                message.push_str(&format!("\n  {text}"));
            }
            for error in problem.errors.iter().take(ERRORS_SHOWN_MAX) {
                message.push_str(&format!("\n  {error}"));
            }
        }
        let advice = match status {
            StatusCode::UNAUTHORIZED => Some((
                "check the key in CHUDIAN_KEY or --key-file; `chudian keys new` makes one",
                "请检查 CHUDIAN_KEY 或 --key-file 中的密钥；可用 `chudian keys new` 新建",
            )),
            StatusCode::FORBIDDEN => Some(self.purpose.forbidden),
            // A thing that is not there has a code of its own; a function that is not there has none that it could give.
            StatusCode::NOT_FOUND
                if code
                    .as_deref()
                    .is_none_or(|code| code == "no-route" || code == "not-found") =>
            {
                Some(self.purpose.missing)
            }
            _ => None,
        };
        let error = match advice {
            Some((english, chinese)) => {
                anyhow::anyhow!("{message}\n{}", self.language.pick(english, chinese))
            }
            None => anyhow::anyhow!(message),
        };
        Refused {
            status: Some(status),
            code,
            error,
        }
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
