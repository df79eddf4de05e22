//! Starting, being watched, and what is refused before anything is served.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use chudian_test_support::gateway::Gateway;

use crate::setup::{Served, component, manifest, serve, serve_manifest, status_of};

fn refused(manifest: &str, words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spin.toml");
    std::fs::write(&file, manifest).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chudian"))
        .args(["up", "--listen", "127.0.0.1:0", "--from"])
        .arg(&file)
        .args(words)
        .env("LANG", "en_US.UTF-8")
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Goal: what cannot be served is said at start, with the names of component and interface.
#[test]
fn faults_are_found_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.wasm");
    // A component that imports an instance named `acme:odd/things@1.0.0`: an instance type, then an import of it.
    let name = b"acme:odd/things@1.0.0";
    let mut bytes = vec![
        0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x07, 0x03, 0x01, 0x42, 0x00,
    ];
    let import: Vec<u8> = [
        &[0x01, 0x00, u8::try_from(name.len()).unwrap()],
        name.as_slice(),
        &[0x05, 0x00],
    ]
    .concat();
    bytes.extend([0x0a, u8::try_from(import.len()).unwrap()]);
    bytes.extend(import);
    std::fs::write(&foreign, bytes).unwrap();
    let with_foreign = manifest(&[]).replace(
        component("hello").to_str().unwrap(),
        foreign.to_str().unwrap(),
    );
    let text = refused(&with_foreign, &[]);
    assert!(
        text.contains("`hello`") && text.contains("acme:odd/things@1.0.0"),
        "{text}"
    );

    let missing = manifest(&[]).replace("hello.wasm", "missing.wasm");
    assert!(refused(&missing, &[]).contains("cargo xtask build"));
    let files = manifest(&[]).replace(
        "[component.hello]",
        "[component.hello]\nfiles = [\"pages/*\"]",
    );
    assert!(refused(&files, &[]).contains("`files`"));
    assert!(refused(&manifest(&[]), &["-c", "nobody"]).contains("nobody"));
    assert!(refused(&manifest(&[]), &["--upstream", "hello=nowhere"]).contains("--upstream"));
}

/// Goal: the operator's figures are on their own address and count what happened; no log line names a person.
#[test]
fn figures_count_what_happened() {
    let served = serve(&["--admin-listen=127.0.0.1:0", "--access-log"]);
    // For clients it is a path like any other, here one that the component does not know.
    assert_eq!(served.status("/metrics"), 404);
    for _ in 0..3 {
        assert_eq!(served.status("/ok?msisdn=13800001234"), 200);
    }
    assert_eq!(served.status("/trap?msisdn=13800001234"), 500);
    let expected = [
        (
            "chudian_requests_total{component=\"hostile\",route=\"/...\",class=\"2xx\"}",
            3.0,
        ),
        (
            "chudian_requests_total{component=\"hostile\",route=\"/...\",class=\"5xx\"}",
            1.0,
        ),
        ("chudian_traps_total{component=\"hostile\"}", 1.0),
        ("chudian_requests_in_flight{component=\"hostile\"}", 0.0),
        (
            "chudian_request_duration_seconds_count{component=\"hostile\",route=\"/...\"}",
            5.0,
        ),
        ("chudian_memory_bytes{component=\"hello\"}", 0.0),
    ];
    for (figure, value) in expected {
        assert_eq!(served.figure(figure), value, "{figure}");
    }
    let log = served.log();
    assert_eq!(log.matches("\"target\":\"access\"").count(), 5, "{log}");
    assert!(
        !log.contains("13800001234") && !log.contains("/ok"),
        "{log}"
    );
}

/// Goal: with a collector named, a request that its caller traces leaves a span there: with the caller's trace id and the
/// route, without the query.
#[test]
fn traced_requests_reach_the_collector() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let collecting = std::thread::spawn(move || {
        let (mut stream, _) = collector.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while !request_is_whole(&request) {
            let length = stream.read(&mut piece).unwrap();
            assert!(length > 0, "the exporter broke off");
            request.extend_from_slice(&piece[..length]);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        request
    });
    let folder = tempfile::tempdir().unwrap();
    let mut options =
        crate::setup::options(&folder, &manifest(&["http://hello.spin.internal"]), &[]);
    options
        .environment
        .push(("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint));
    let gateway = Gateway::start(options).unwrap();
    let served = Served { gateway, folder };
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let answer = served.get(
        "/headers?msisdn=13800001234",
        &format!("traceparent: 00-{trace_id}-00f067aa0ba902b7-01\r\n"),
    );
    assert_eq!(status_of(&answer), 200);
    // Spans leave at the latest when the gateway ends.
    served.gateway.stop().unwrap();
    let request = collecting.join().unwrap();
    let head = String::from_utf8_lossy(&request[..request.len().min(100)]).into_owned();
    assert!(head.starts_with("POST /v1/traces "), "{head}");
    let id_bytes: Vec<u8> = (0..16)
        .map(|index| u8::from_str_radix(&trace_id[2 * index..2 * index + 2], 16).unwrap())
        .collect();
    assert!(
        contains(&request, &id_bytes),
        "the caller's trace id is missing"
    );
    assert!(contains(&request, b"/..."), "the route is missing");
    assert!(!contains(&request, b"13800001234"), "the query went along");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Whether a request with `content-length` has come in full.
fn request_is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| request.len() >= end + 4 + length)
}

/// Goal: the first start shows an admin key, once; later starts in the same folder do not.
#[test]
fn first_key_is_shown_once() {
    let declared = manifest(&[]).replace("[[trigger.http]]\nroute = \"/hello\"", "[variables]\nkey_pepper = { default = \"\" }\nbootstrap_key_hash = { default = \"\" }\n[[trigger.http]]\nroute = \"/hello\"");
    let state = tempfile::tempdir().unwrap();
    let state_dir = state.path().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start =
        || Gateway::start(crate::setup::options(&folder, &declared, &[]).state(state_dir)).unwrap();
    let first = start();
    let key = first.first_key().unwrap().to_owned();
    assert!(key.starts_with("chd_"));
    first.stop().unwrap();
    let second = start();
    assert!(second.first_key().is_none());
    second.stop().unwrap();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains(&key), "the key went into the log");
}

/// Goal: two gateways side by side, each with a part of the application.
#[test]
fn part_of_an_application_can_be_served() {
    let served = serve_manifest(&manifest(&[]), &["--component=hello"]);
    assert_eq!(served.status("/hello"), 200);
    assert_eq!(status_of(&served.get("/ok", "")), 404);
}
