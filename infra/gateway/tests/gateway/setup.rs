//! Starts gateways with the hello and hostile components, and speaks to them below the level of an HTTP client.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use chudian_test_support::gateway::{Gateway, Options};
use tempfile::TempDir;

/// A gateway and the folder that holds its manifest and state.
pub(crate) struct Served {
    pub(crate) gateway: Gateway,
    pub(crate) folder: TempDir,
}

/// The built component; a missing one is a failure with the command that makes it, never a skipped test.
pub(crate) fn component(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/components")
        .join(name)
        .with_extension("wasm");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo xtask build` first",
        path.display()
    );
    path.canonicalize().unwrap()
}

/// A manifest that serves hello at `/hello` and hostile everywhere else; `hostile_hosts` is what hostile may reach.
pub(crate) fn manifest(hostile_hosts: &[&str]) -> String {
    format!(
        r#"spin_manifest_version = 2
[application]
name = "misdeeds"
version = "1.2.3"
[[trigger.http]]
route = "/hello"
component = "hello"
[[trigger.http]]
route = "/by-name/:first_name/..."
component = "hostile"
[[trigger.http]]
route = "/..."
component = "hostile"
[[trigger.http]]
route = "/fixed"
static_response = {{ status_code = 201, headers = {{ x-kind = "fixed" }}, body = "fixed" }}
[component.hello]
source = {hello:?}
[component.hostile]
source = {hostile:?}
allowed_outbound_hosts = {hostile_hosts:?}
"#,
        hello = component("hello"),
        hostile = component("hostile"),
    )
}

/// Starts a gateway with these further words for `chudian up`.
pub(crate) fn serve(words: &[&str]) -> Served {
    serve_manifest(&manifest(&[]), words)
}

/// Starts a gateway for this manifest.
pub(crate) fn serve_manifest(manifest: &str, words: &[&str]) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(options(&folder, manifest, words)).unwrap();
    Served { gateway, folder }
}

/// What starts a gateway for this manifest in this folder. Compiled code is shared by all tests of a run.
pub(crate) fn options(folder: &TempDir, manifest: &str, words: &[&str]) -> Options {
    let file = folder.path().join("spin.toml");
    std::fs::write(&file, manifest).unwrap();
    Options::new(env!("CARGO_BIN_EXE_chudian"), file)
        .words(words.iter().copied())
        .log(folder.path().join("log"))
}

impl Served {
    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway
            .base_url()
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// A figure of the operator's listener, by the beginning of its line; needs `--admin-listen`.
    pub(crate) fn figure(&self, beginning: &str) -> f64 {
        let log = self.log();
        let line = log
            .lines()
            .find(|line| line.contains("operator's listener"))
            .expect("started with --admin-listen");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = exchange(
            line["address"].as_str().unwrap().parse().unwrap(),
            b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        );
        let figure = body_of(&text)
            .lines()
            .find_map(|line| line.strip_prefix(beginning))
            .unwrap_or_else(|| panic!("no {beginning} in {text}"));
        figure.trim().parse().unwrap()
    }

    /// Asks for a figure until it is what is expected; gives up after so many questions that it never will be.
    pub(crate) fn await_figure(&self, beginning: &str, expected: f64) {
        let seen = (0..20_000)
            .map(|_| self.figure(beginning))
            .find(|figure| *figure == expected);
        assert!(seen.is_some(), "{beginning} did not come to {expected}");
    }

    /// Sends these bytes and reads until the other end closes; an error of reading counts as the end.
    pub(crate) fn exchange(&self, request: &[u8]) -> String {
        exchange(self.address(), request)
    }

    /// `GET` of a path with these further header lines, as text.
    pub(crate) fn get(&self, path: &str, header_lines: &str) -> String {
        self.exchange(
            format!(
                "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header_lines}\r\n"
            )
            .as_bytes(),
        )
    }

    /// The status of `GET` of a path.
    pub(crate) fn status(&self, path: &str) -> u16 {
        status_of(&self.get(path, ""))
    }
}

fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    read_to_end(&mut stream)
}

pub(crate) fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset in the middle of an answer is what some tests are about; what came before it is what counts.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn status_of(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| answer.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no status in {answer:?}"))
}

pub(crate) fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

pub(crate) fn header_of<'answer>(answer: &'answer str, name: &str) -> Option<&'answer str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Whether a chunked body came to its proper end.
pub(crate) fn is_complete(answer: &str) -> bool {
    if header_of(answer, "transfer-encoding").is_some() {
        return answer.ends_with("0\r\n\r\n");
    }
    header_of(answer, "content-length")
        .is_some_and(|length| length == body_of(answer).len().to_string())
}

/// The JSON problem of an answer.
pub(crate) fn problem_of(answer: &str) -> serde_json::Value {
    assert_eq!(
        header_of(answer, "content-type"),
        Some("application/problem+json"),
        "{answer}"
    );
    serde_json::from_str(body_of(answer)).unwrap()
}
