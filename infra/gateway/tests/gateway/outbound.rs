//! Where components may go, and where not.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::setup::{body_of, manifest, serve_manifest, status_of};

/// Goal: components reach each other without a socket, where the manifest says so and only there.
#[test]
fn components_call_each_other() {
    let served = serve_manifest(&manifest(&["http://hello.spin.internal"]), &[]);
    assert_eq!(
        body_of(&served.get("/send/http/hello.spin.internal/hello", "")),
        "hello\n"
    );
    let denied = served.get("/send/http/hostile.spin.internal/ok", "");
    assert_eq!(
        (status_of(&denied), body_of(&denied)),
        (502, "ErrorCode::HttpRequestDenied")
    );
}

/// Goal: a component reaches its own application by path, wherever that leads, when an entry names `self`.
#[test]
fn components_call_their_own_application() {
    let served = serve_manifest(&manifest(&["http://self"]), &["--chain-depth-max=2"]);
    assert_eq!(
        body_of(&served.get("/send/http/self.alt/hello", "")),
        "hello\n"
    );
    assert_eq!(
        body_of(&served.get("/send/http/self.alt/fixed", "")),
        "fixed"
    );
    let circle = "send/http/self.alt/".repeat(3);
    assert!(body_of(&served.get(&format!("/{circle}ok"), "")).contains("LoopDetected"));
    let other = serve_manifest(&manifest(&["http://hello.spin.internal"]), &[]);
    let denied = other.get("/send/http/self.alt/hello", "");
    assert_eq!(
        (status_of(&denied), body_of(&denied)),
        (502, "ErrorCode::HttpRequestDenied")
    );
}

/// Goal: a circle of calls ends, in process and through the depth that is carried along.
#[test]
fn circles_end() {
    let served = serve_manifest(
        &manifest(&["http://hostile.spin.internal"]),
        &["--chain-depth-max=3"],
    );
    let step = "send/http/hostile.spin.internal/";
    assert_eq!(
        body_of(&served.get(&format!("/{}ok", step.repeat(3)), "")),
        "ok\n"
    );
    let answer = served.get(&format!("/{}ok", step.repeat(4)), "");
    assert!(body_of(&answer).contains("LoopDetected"), "{answer}");
}

/// Goal: an address inside the network is reached only when an entry names it; a name that a wildcard allows does not
/// lead there.
#[test]
fn private_addresses_must_be_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nremote")
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let named = serve_manifest(&manifest(&[&format!("http://127.0.0.1:{port}")]), &[]);
    assert_eq!(
        body_of(&named.get(
            &format!("/send/http/127.0.0.1:{port}/x?q=1"),
            "x-request-id: from-client-1\r\n"
        )),
        "remote"
    );
    let request = answering.join().unwrap().to_ascii_lowercase();
    assert!(
        request.starts_with("get /x?q=1 http/1.1\r\n")
            && request.contains(&format!("host: 127.0.0.1:{port}\r\n")),
        "{request}"
    );
    assert!(
        request.contains("x-request-id: from-client-1") && !request.contains("spin-"),
        "{request}"
    );

    let wildcard = serve_manifest(&manifest(&["http://*:*"]), &[]);
    for host in [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00::1]",
        "0.0.0.0",
    ] {
        let answer = wildcard.get(&format!("/send/http/{host}:{port}/x"), "");
        assert_eq!(
            body_of(&answer),
            "ErrorCode::DestinationIpProhibited",
            "{host}"
        );
    }
}

/// Goal: a component that runs on another gateway is reached there, by clients and by components here.
#[test]
fn components_may_run_elsewhere() {
    let elsewhere = serve_manifest(&manifest(&[]), &["-c", "hello"]);
    assert_eq!(
        status_of(&elsewhere.get("/ok", "")),
        404,
        "only the chosen component is served"
    );
    let upstream = format!("hello={}", elsewhere.gateway.base_url());
    let here = serve_manifest(
        &manifest(&["http://hello.spin.internal"]),
        &["-c", "hostile", "--upstream", &upstream],
    );
    assert_eq!(body_of(&here.get("/hello", "")), "hello\n");
    assert_eq!(
        body_of(&here.get("/send/http/hello.spin.internal/hello", "")),
        "hello\n"
    );
    elsewhere.gateway.stop().unwrap();
    assert_eq!(status_of(&here.get("/hello", "")), 502);
}
