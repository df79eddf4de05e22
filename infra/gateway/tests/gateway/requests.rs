//! What a client may send, and what a component sees of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::setup::{body_of, header_of, is_complete, problem_of, read_to_end, serve, status_of};

/// Goal: a body over the limit is refused by its stated length, and by its bytes when it states none.
#[test]
fn bodies_over_the_limit_are_refused() {
    let served = serve(&["--request-body-bytes-max=1000"]);
    let stated = served
        .exchange(b"POST /count-body HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1001\r\n\r\n");
    assert_eq!(status_of(&stated), 413);
    assert_eq!(
        problem_of(&stated)["type"],
        "urn:chudian:problem:payload-too-large"
    );
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let chunked = |chunks: usize| {
        format!(
            "POST /count-body HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(chunks)
        )
    };
    let within = served.exchange(chunked(2).as_bytes());
    assert_eq!((status_of(&within), body_of(&within)), (200, "1000"));
    assert_eq!(status_of(&served.exchange(chunked(3).as_bytes())), 413);
    assert_eq!(served.status("/ok"), 200);
}

/// Goal: heads over a limit are refused with a problem, by bytes and by number, and far over it too.
#[test]
fn heads_over_the_limit_are_refused() {
    let served = serve(&["--header-bytes-max=4096", "--headers-max=20"]);
    assert_eq!(
        status_of(&served.get("/ok", &format!("x-long: {}\r\n", "x".repeat(5000)))),
        431
    );
    let many: String = (0..30).map(|number| format!("x-{number}: 1\r\n")).collect();
    let answer = served.get("/ok", &many);
    assert_eq!(status_of(&answer), 431);
    assert_eq!(
        problem_of(&answer)["type"],
        "urn:chudian:problem:headers-too-large"
    );
    let flood: String = (0..1000)
        .map(|number| format!("x-{number}: {}\r\n", "x".repeat(100)))
        .collect();
    assert_eq!(status_of(&served.get("/ok", &flood)), 431);
    assert_eq!(served.status("/ok"), 200);
}

/// Goal: requests that two servers could read in two ways are refused, and their connection is closed.
#[test]
fn ambiguous_requests_are_refused() {
    let served = serve(&[]);
    let smuggled = "GET /fixed HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let table = [
        format!(
            "POST /ok HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!(
            "POST /ok HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!(
            "POST /ok HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!("POST /ok HTTP/1.1\r\nhost: localhost\r\ncontent-length: +4\r\n\r\nabcd{smuggled}"),
        format!("GET /ok HTTP/1.1\r\nhost: localhost\r\nhost: other\r\n\r\n{smuggled}"),
        format!("GET /ok HTTP/1.1\r\nhost : localhost\r\n\r\n{smuggled}"),
        format!("GET /ok HTTP/1.1\r\n\r\n{smuggled}"),
        format!("GET http://other/ok HTTP/1.1\r\nhost: localhost\r\n\r\n{smuggled}"),
        format!("GET /ok HTTP/1.1\r\nhost: user@localhost\r\n\r\n{smuggled}"),
        format!("CONNECT localhost:22 HTTP/1.1\r\nhost: localhost:22\r\n\r\n{smuggled}"),
    ];
    for request in table {
        let answer = served.exchange(request.as_bytes());
        assert_eq!(status_of(&answer), 400, "{request:?}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "a second request was answered: {request:?}\n{answer}"
        );
    }
}

/// Goal: with both a length and chunks, the chunks count, as RFC 9112 has it, and what follows is never taken for a request:
/// whoever read it by the length would have seen one there.
#[test]
fn nothing_hides_behind_two_lengths() {
    let served = serve(&[]);
    for lengths in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let answer = served.exchange(format!("POST /count-body HTTP/1.1\r\nhost: localhost\r\n{lengths}\r\n\r\n0\r\n\r\nGET /fixed HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes());
        assert_eq!(
            (status_of(&answer), body_of(&answer)),
            (200, "0"),
            "{lengths}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "a second request was answered: {answer}"
        );
    }
}

/// Goal: names that components use for each other mean nothing from outside.
#[test]
fn internal_hosts_are_refused() {
    let served = serve(&[]);
    for host in [
        "hello.spin.internal",
        "HELLO.Spin.Internal",
        "hello.spin.internal:80",
    ] {
        let answer = served.exchange(
            format!("GET /ok HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        assert_eq!(status_of(&answer), 400, "{host}");
        assert_eq!(
            problem_of(&answer)["type"],
            "urn:chudian:problem:host-refused"
        );
    }
}

/// Goal: a component sees the host's word on route and client, not the client's, and nothing of the connection.
#[test]
fn components_see_what_the_host_says() {
    let served = serve(&[]);
    let answer = served.get("/headers?q=1", "spin-client-addr: 6.6.6.6:6\r\nspin-made-up: 1\r\nconnection: x-hidden\r\nx-hidden: 1\r\nte: trailers\r\nx-kept: yes\r\n");
    let seen: Vec<&str> = body_of(&answer).lines().collect();
    let address = served.address();
    for expected in [
        "spin-path-info: /headers",
        "spin-matched-route: /...",
        "spin-raw-component-route: /...",
        "spin-component-route: ",
        "spin-base-path: /",
        "spin-full-url: http://localhost/headers?q=1",
        "x-kept: yes",
    ] {
        assert!(
            seen.contains(&expected),
            "{expected} is missing in {seen:?}"
        );
    }
    assert!(
        seen.iter()
            .any(|line| line.starts_with("spin-client-addr: 127.0.0.1:")),
        "{address} {seen:?}"
    );
    for hidden in [
        "spin-made-up:",
        "x-hidden:",
        "te:",
        "connection:",
        "host:",
        "spin-client-addr: 6.6.6.6",
    ] {
        assert!(
            !seen.iter().any(|line| line.starts_with(hidden)),
            "{hidden} was let through: {seen:?}"
        );
    }
}

/// Goal: a component cannot speak about the connection; the gateway's own fields are there, once each.
#[test]
fn answers_carry_the_gateways_fields() {
    let served = serve(&[]);
    // The interface itself forbids a component these fields, so its answer is lost.
    assert_eq!(served.status("/hop-by-hop"), 500);
    let answer = served.get("/ok", "x-request-id: no spaces allowed\r\n");
    assert_eq!(body_of(&answer), "ok\n");
    assert_eq!(header_of(&answer, "content-length"), Some("3"));
    assert_eq!(
        header_of(&answer, "x-content-type-options"),
        Some("nosniff")
    );
    let made = header_of(&answer, "x-request-id").unwrap();
    assert!(
        made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{made}"
    );
    assert_eq!(
        header_of(
            &served.get("/ok", "x-request-id: from-client-1\r\n"),
            "x-request-id"
        ),
        Some("from-client-1")
    );
}

/// Goal: what the gateway answers itself: as Spin does, and the API pages without anything from elsewhere.
#[test]
fn own_answers() {
    let served = serve(&[]);
    assert_eq!(body_of(&served.get("/.well-known/spin/health", "")), "OK");
    let info: serde_json::Value =
        serde_json::from_str(body_of(&served.get("/.well-known/spin/info", ""))).unwrap();
    assert_eq!(
        (&info["name"], &info["version"]),
        (&"misdeeds".into(), &"1.2.3".into())
    );
    assert_eq!(served.status("/.well-known/spin/other"), 404);
    let fixed = served.get("/fixed", "");
    assert_eq!(
        (
            status_of(&fixed),
            body_of(&fixed),
            header_of(&fixed, "x-kind")
        ),
        (201, "fixed", Some("fixed"))
    );
    let document: serde_json::Value =
        serde_json::from_str(body_of(&served.get("/openapi.json", ""))).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = served.get("/docs", "");
    assert_eq!(status_of(&page), 200);
    let policy = header_of(&page, "content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(served.status("/docs/swagger-ui-bundle.js"), 200);
    assert_eq!(served.status("/docs/nothing"), 404);
}

/// Goal: a connection on which a head never comes to its end is closed by the gateway.
#[test]
fn slow_heads_are_not_waited_for() {
    let served = serve(&["--header-read-ms-max=200"]);
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream.write_all(b"GET /ok HTTP/1.1\r\nhost: loc").unwrap();
    let answer = read_to_end(&mut stream);
    assert!(!answer.contains("200 OK"), "{answer}");
}

/// Goal: a component that waits for a body that does not come is not blamed for it.
#[test]
fn slow_bodies_are_the_clients_fault() {
    let served = serve(&["--request-ms-max=300"]);
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream
        .write_all(b"POST /count-body HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc")
        .unwrap();
    assert_eq!(status_of(&read_to_end(&mut stream)), 408);
}

/// Goal: one connection serves many requests, also when they arrive together.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let served = serve(&[]);
    let answer = served.exchange(b"GET /ok HTTP/1.1\r\nhost: a\r\n\r\nGET /fixed HTTP/1.1\r\nhost: a\r\n\r\nGET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let places: Vec<_> = ["ok\n", "fixed", "hello\n"]
        .iter()
        .map(|body| answer.rfind(body))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{answer}"
    );
}

/// Goal: a head that never becomes a request gets a problem too, and the connection closes behind it; an answer before it on
/// the same connection is whole.
#[test]
fn broken_heads_get_a_problem() {
    let served = serve(&[]);
    let long_path = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "x".repeat(70_000)
    );
    let huge_head = format!(
        "GET /ok HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "x".repeat(300_000)
    );
    let cases: [(&[u8], u16, &str); 6] = [
        (b"\x16\x03\x01\x02\x00", 400, "malformed-request"),
        (
            b"GET /ok HTTP/9.9\r\nhost: localhost\r\n\r\n",
            400,
            "malformed-request",
        ),
        (
            b"GET /\x00 HTTP/1.1\r\nhost: localhost\r\n\r\n",
            400,
            "malformed-request",
        ),
        (
            b"GET /ok HTTP/1.1\r\nbad header: 1\r\n\r\n",
            400,
            "malformed-request",
        ),
        (long_path.as_bytes(), 431, "headers-too-large"),
        (huge_head.as_bytes(), 431, "headers-too-large"),
    ];
    for (request, status, code) in cases {
        let answer = served.exchange(request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(40)]);
        assert_eq!(status_of(&answer), status, "{shown}: {answer}");
        let problem = problem_of(&answer);
        assert_eq!(
            problem["type"],
            format!("urn:chudian:problem:{code}"),
            "{shown}"
        );
        assert_eq!(problem["status"], status, "{shown}");
        assert_eq!(
            header_of(&answer, "x-request-id"),
            problem["instance"].as_str(),
            "{shown}"
        );
        assert_eq!(header_of(&answer, "connection"), Some("close"), "{shown}");
        assert!(is_complete(&answer), "{shown}");
    }
    // After an answer that has gone out, on the same connection.
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream
        .write_all(b"GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut first = [0; 4096];
    let length = stream.read(&mut first).unwrap();
    assert_eq!(
        body_of(&String::from_utf8_lossy(&first[..length])),
        "hello\n"
    );
    stream.write_all(b"nonsense\r\n\r\n").unwrap();
    let answer = read_to_end(&mut stream);
    assert_eq!(
        problem_of(&answer)["type"],
        "urn:chudian:problem:malformed-request"
    );
}

/// Goal: many connections at once, each with a quick request behind the other, leave nothing behind in an instance: it needs
/// few handles, however long that goes on.
#[test]
fn quick_requests_pile_nothing_up() {
    let served = serve(&["--threads=1", "--instance-handles-max=300"]);
    let address = served.address();
    let request = b"GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let asking: Vec<_> = (0..96)
        .map(|_| {
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let mut answer = [0; 1024];
                (0..100).all(|_| {
                    stream.write_all(request).unwrap();
                    let length = stream.read(&mut answer).unwrap();
                    answer[..length].starts_with(b"HTTP/1.1 200")
                })
            })
        })
        .collect();
    assert!(
        asking.into_iter().all(|one| one.join().unwrap()),
        "{}",
        served.log()
    );
}
