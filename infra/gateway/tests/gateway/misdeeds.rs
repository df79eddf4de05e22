//! What a component may try, and what comes of it.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::setup::{body_of, header_of, is_complete, problem_of, read_to_end, serve, status_of};

/// Goal: whatever one request does to its instance, its client gets a problem with the request's id, and the next request
/// is served.
#[test]
fn each_misdeed_costs_its_own_request_only() {
    let served = serve(&[
        "--request-ms-max=500",
        "--instance-memory-bytes-max=33554432",
        "--instance-handles-max=1000",
    ]);
    let table = [
        ("/trap", 500, "component-failed"),
        ("/panic", 500, "component-failed"),
        ("/stack", 500, "component-failed"),
        ("/memory", 500, "component-failed"),
        ("/many-handles", 500, "component-failed"),
        ("/huge-headers", 500, "component-failed"),
        ("/loop", 504, "deadline-exceeded"),
        ("/never", 504, "deadline-exceeded"),
    ];
    for (path, status, code) in table {
        let answer = served.get(path, "x-request-id: test-misdeed\r\n");
        assert_eq!(status_of(&answer), status, "{path}");
        let problem = problem_of(&answer);
        assert_eq!(
            problem["type"],
            format!("urn:chudian:problem:{code}"),
            "{path}"
        );
        assert_eq!(problem["instance"], "test-misdeed", "{path}");
        assert_eq!(
            header_of(&answer, "x-request-id"),
            Some("test-misdeed"),
            "{path}"
        );
        assert_eq!(served.status("/ok"), 200, "after {path}");
        assert_eq!(served.status("/hello"), 200, "after {path}");
    }
    assert!(served.log().contains("a component trapped"));
}

/// Goal: a body that breaks off is never passed off as complete, whatever broke it.
#[test]
fn broken_bodies_are_cut() {
    let served = serve(&[
        "--request-ms-max=500",
        "--response-stall-ms-max=500",
        "--response-body-bytes-max=1000000",
    ]);
    for path in ["/slow-body", "/loop-in-body", "/trap-in-body", "/big-body"] {
        let answer = served.get(path, "");
        assert_eq!(status_of(&answer), 200, "{path}");
        assert!(
            !is_complete(&answer),
            "{path} came to a proper end: {} bytes",
            answer.len()
        );
        assert!(
            answer.len() < 2_000_000,
            "{path} went over its limit: {} bytes",
            answer.len()
        );
        assert_eq!(served.status("/ok"), 200, "after {path}");
    }
    assert!(is_complete(&served.get("/ok", "")));
}

/// Goal: endless loops on the only thread leave it to others: they are all answered before the first loop's time is up.
#[test]
fn loops_do_not_starve_others() {
    let served = serve(&[
        "--threads=1",
        "--request-ms-max=60000",
        "--shutdown-ms-max=100",
        "--admin-listen=127.0.0.1:0",
    ]);
    let loops_ended = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                served.get("/loop", "");
                loops_ended.fetch_add(1, Ordering::SeqCst);
            });
        }
        served.await_figure("chudian_requests_in_flight{component=\"hostile\"}", 8.0);
        for _ in 0..50 {
            assert_eq!(served.status("/hello"), 200);
            assert_eq!(served.status("/ok"), 200);
        }
        assert_eq!(
            loops_ended.load(Ordering::SeqCst),
            0,
            "a loop ended before the others were served"
        );
        served.gateway.ask_to_stop().unwrap();
    });
}

/// Goal: instances that each stay within their own limit cannot together take more than their component's share.
#[test]
fn memory_is_bounded_for_the_component_too() {
    let served = serve(&[
        "--threads=1",
        "--component-memory-bytes-max=16777216",
        "--request-ms-max=5000",
    ]);
    assert_eq!(served.status("/memory"), 500);
    assert_eq!(served.status("/ok"), 200);
}

/// Goal: beyond what is in flight and what may wait, clients are told to come back, and other components do not notice.
#[test]
fn full_queue_turns_clients_away() {
    let served = serve(&[
        "--requests-in-flight-max=1",
        "--requests-queued-max=0",
        "--request-ms-max=60000",
        "--shutdown-ms-max=100",
        "--admin-listen=127.0.0.1:0",
    ]);
    let mut busy = TcpStream::connect(served.address()).unwrap();
    busy.write_all(b"GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    served.await_figure("chudian_requests_in_flight{component=\"hostile\"}", 1.0);
    let turned_away = served.get("/ok", "accept-language: zh-CN\r\n");
    assert_eq!(status_of(&turned_away), 503);
    assert_eq!(header_of(&turned_away, "retry-after"), Some("1"));
    assert_eq!(header_of(&turned_away, "content-language"), Some("zh-CN"));
    assert_eq!(problem_of(&turned_away)["title"], "系统繁忙");
    assert_eq!(served.status("/hello"), 200, "another component");
}

/// Goal: a component that writes its log without end uses up its own share only.
#[test]
fn log_flood_is_dropped() {
    let served = serve(&["--guest-log-bytes-per-second-max=2000"]);
    assert_eq!(served.status("/log-flood"), 200);
    assert!(
        served.log().len() < 1_000_000,
        "{} bytes were logged",
        served.log().len()
    );
}

/// Goal: requests keep being served while others trap, time out and loop, and nothing is left of them.
#[test]
fn misdeeds_side_by_side() {
    let served = serve(&["--request-ms-max=300", "--response-stall-ms-max=300"]);
    std::thread::scope(|scope| {
        for path in [
            "/trap",
            "/loop",
            "/never",
            "/slow-body",
            "/memory",
            "/stack",
        ] {
            let served = &served;
            scope.spawn(move || {
                for _ in 0..3 {
                    served.get(path, "");
                }
            });
        }
        for _ in 0..100 {
            assert_eq!(served.status("/hello"), 200);
        }
    });
    assert_eq!(served.status("/ok"), 200);
    served.gateway.stop().unwrap();
}

/// Goal: a client that goes away while its component waits leaves nothing behind that would keep the gateway from ending.
#[test]
fn clients_may_leave() {
    let served = serve(&["--request-ms-max=500"]);
    for path in ["/never", "/slow-body", "/big-body", "/loop"] {
        let mut stream = TcpStream::connect(served.address()).unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
            .unwrap();
        drop(stream);
    }
    assert_eq!(body_of(&served.get("/ok", "")), "ok\n");
    served.gateway.stop().unwrap();
}

/// Goal: what a client that has left had asked for is stopped long before its time is up, and only that.
#[test]
fn work_for_a_client_that_left_is_stopped() {
    let served = serve(&[
        "--request-ms-max=600000",
        "--threads=1",
        "--admin-listen=127.0.0.1:0",
    ]);
    let in_flight = "chudian_requests_in_flight{component=\"hostile\"}";
    let mut stays = TcpStream::connect(served.address()).unwrap();
    stays
        .write_all(b"GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    served.await_figure(in_flight, 1.0);
    let leavers: Vec<TcpStream> = ["/never", "/loop"]
        .into_iter()
        .map(|path| {
            let mut stream = TcpStream::connect(served.address()).unwrap();
            stream
                .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
                .unwrap();
            stream
        })
        .collect();
    served.await_figure(in_flight, 3.0);
    drop(leavers);
    served.await_figure(in_flight, 1.0);
    assert_eq!(served.status("/ok"), 200);
}

/// Goal: a request that is under way when the gateway is told to stop still gets its answer; then the gateway ends well.
#[test]
fn stopping_lets_requests_end() {
    let served = serve(&["--request-ms-max=1500", "--admin-listen=127.0.0.1:0"]);
    let address = served.address();
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting
        .write_all(b"GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    served.await_figure("chudian_requests_in_flight{component=\"hostile\"}", 1.0);
    served.gateway.ask_to_stop().unwrap();
    assert_eq!(
        status_of(&read_to_end(&mut waiting)),
        504,
        "the answer that it would have got anyway"
    );
    served.gateway.stop().unwrap();
    assert!(
        TcpStream::connect(address).is_err(),
        "new connections are refused"
    );
}
