//! The host itself: health, facts, request ids, headers of the host, what it says to requests that fit nowhere.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    caller::{expect_problem, problem_code},
    harness::Case,
    raw::Connection,
};
use chudian_test_support::http::Client;

/// More than our limit on a request's head (32 KiB), in one piece that a host still reads to its end.
const LARGE_HEAD_BYTES: usize = 100 * 1024;

/// A head that no host reads to its end; it may hang up on whoever sends it.
const ENDLESS_HEAD_BYTES: usize = 4 * 1024 * 1024;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "service::health",
            "health answers without a key, as on Spin",
            health,
        ),
        Case::new(
            "service::info",
            "the host's facts name no path and no secret",
            info,
        ),
        Case::new(
            "service::no_route",
            "an address that nobody serves is a problem, for every method",
            no_route,
        ),
        Case::new(
            "service::wrong_method",
            "a method that an address does not take is 405 and says which it takes",
            wrong_method,
        ),
        Case::new(
            "service::request_id",
            "a good request id is kept, a bad one replaced, none twice the same",
            request_id,
        ),
        Case::new(
            "service::host_headers",
            "headers in the host's name (spin-*) have no effect when a client sends them",
            host_headers,
        ),
        Case::new(
            "service::large_head",
            "a head beyond the limit is 431, and the next request is served",
            large_head,
        ),
        Case::new(
            "service::language_of_problems",
            "problems speak Chinese or English, as the reader asks",
            language_of_problems,
        ),
        Case::new(
            "service::metrics",
            "the figures are there for Prometheus, on the operator's listener only",
            metrics,
        ),
        Case::new(
            "service::pages_of_the_interface",
            "the API pages are served without the network",
            interface_pages,
        ),
    ]
}

fn health(host: &Host) -> Result<()> {
    let answer = host.open().get("/.well-known/spin/health")?;
    ensure!(
        answer.status == 200 && !answer.body.is_empty(),
        "{} {}",
        answer.status,
        answer.text()
    );
    Ok(())
}

fn info(host: &Host) -> Result<()> {
    let answer = host.open().get("/.well-known/spin/info")?;
    let document = answer.expect_status(200)?;
    ensure!(
        document["name"] == "chudian",
        "the application's name is {}",
        document["name"]
    );
    ensure!(
        !answer.text().contains('/') || !answer.text().contains(".wasm"),
        "it shows a file: {}",
        answer.text()
    );
    Ok(())
}

fn no_route(host: &Host) -> Result<()> {
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
        for path in [
            "/nowhere",
            "/tariff/v1/nowhere",
            "/tariff/v1/customers/a/b/c",
            "/%2e%2e/%2e%2e/etc/passwd",
        ] {
            let answer = host.with("admin")?.send(method, path, &[], &[])?;
            // `/tariff/` beside the functions belongs to the pages, which take no other method than GET.
            ensure!(
                matches!(answer.status, 404 | 405),
                "{method} {path} is {}",
                answer.status
            );
        }
    }
    expect_problem(&host.open().get("/nowhere")?, 404, "no-route")?;
    expect_problem(
        &host.with("admin")?.get("/tariff/v1/nowhere")?,
        404,
        "no-route",
    )?;
    Ok(())
}

fn wrong_method(host: &Host) -> Result<()> {
    let answer = host
        .with("admin")?
        .send("PATCH", "/tariff/v1/simulations", &[], &[])?;
    expect_problem(&answer, 405, "method-not-allowed")?;
    ensure!(
        answer
            .header("allow")
            .is_some_and(|allow| allow.contains("POST")),
        "allow is {:?}",
        answer.header("allow")
    );
    Ok(())
}

fn request_id(host: &Host) -> Result<()> {
    let open = host.open();
    let ask = |id: &str| -> Result<String> {
        let answer = open.send("GET", "/tariff/v1/nowhere", &[("x-request-id", id)], &[])?;
        Ok(answer
            .header("x-request-id")
            .context("no request id")?
            .to_owned())
    };
    ensure!(ask("e2e-request_0001")? == "e2e-request_0001");
    for bad in [
        "short",
        "has white space",
        "<script>alert(1)</script>",
        &"a".repeat(65),
    ] {
        ensure!(ask(bad)? != *bad, "the request id {bad:?} was taken over");
    }
    let first = open.get("/nowhere")?;
    let second = open.get("/nowhere")?;
    ensure!(
        first.header("x-request-id") != second.header("x-request-id"),
        "one request id for two requests"
    );
    Ok(())
}

fn host_headers(host: &Host) -> Result<()> {
    host.ground()?;
    let hall = host.with("hall")?;
    let plain = hall.get("/tariff/v1/plans?limit=3")?;
    let forged = hall.send(
        "GET",
        "/tariff/v1/plans?limit=3",
        &[
            ("spin-path-info", "/v1/catalogues"),
            (
                "spin-full-url",
                "http://elsewhere.example/tariff/v1/catalogues",
            ),
            ("spin-matched-route", "/other/..."),
            ("spin-raw-component-route", "/other/..."),
            ("spin-base-path", "/other"),
            ("spin-client-addr", "10.9.8.7:65"),
            ("spin-component-route", "/other"),
        ],
        &[],
    )?;
    ensure!(
        plain.status == 200 && forged.status == 200,
        "{} and {}",
        plain.status,
        forged.status
    );
    ensure!(
        plain.body == forged.body,
        "the answer is another one:\n{}\n{}",
        plain.text(),
        forged.text()
    );
    Ok(())
}

fn large_head(host: &Host) -> Result<()> {
    let head = |filler_bytes: usize| {
        let filler = "a".repeat(filler_bytes);
        format!("GET /tariff/v1/plans HTTP/1.1\r\nhost: e2e.example\r\nx-filler: {filler}\r\n\r\n")
    };
    let mut connection = Connection::open(host.base_url())?;
    connection.send(head(LARGE_HEAD_BYTES).as_bytes())?;
    let answer = connection.answer()?;
    host.witness().see("GET", "/tariff/v1/plans", &answer);
    expect_problem(&answer, 431, "headers-too-large")?;
    let mut connection = Connection::open(host.base_url())?;
    connection.send_many(head(ENDLESS_HEAD_BYTES).as_bytes(), 1);
    if let Ok(answer) = connection.answer() {
        ensure!(answer.status == 431, "{} {}", answer.status, answer.text());
    }
    ensure!(host.open().get("/.well-known/spin/health")?.status == 200);
    Ok(())
}

fn language_of_problems(host: &Host) -> Result<()> {
    for path in ["/nowhere", "/tariff/v1/plans"] {
        let chinese = host.open().send(
            "GET",
            path,
            &[("accept-language", "zh-CN,zh;q=0.9,en;q=0.5")],
            &[],
        )?;
        let english =
            host.open()
                .send("GET", path, &[("accept-language", "en-GB,en;q=0.9")], &[])?;
        ensure!(
            problem_code(&chinese) == problem_code(&english),
            "two problems for one request"
        );
        let is_chinese = |text: &serde_json::Value| {
            text.as_str()
                .is_some_and(|text| text.chars().any(|letter| ('一'..='龥').contains(&letter)))
        };
        let (chinese, english) = (chinese.json()?, english.json()?);
        for member in ["title", "detail"] {
            ensure!(
                is_chinese(&chinese[member]),
                "{path}: {member} is not Chinese: {}",
                chinese[member]
            );
            ensure!(
                !is_chinese(&english[member]),
                "{path}: {member} is not English: {}",
                english[member]
            );
        }
    }
    Ok(())
}

fn metrics(host: &Host) -> Result<()> {
    let operator = host
        .gateway()?
        .admin_url()
        .context("no listener for the operator")?;
    host.open().get("/.well-known/spin/health")?;
    let answer = Client::new(operator).get("/metrics")?;
    ensure!(answer.status == 200, "{}", answer.status);
    let text = answer.text();
    ensure!(
        text.contains("# TYPE") && text.contains("chudian"),
        "no figures: {}",
        text.chars().take(300).collect::<String>()
    );
    // Figures about a business are not for everybody who can send it a request.
    ensure!(
        host.open().get("/metrics")?.status == 404,
        "the customers' address shows the figures"
    );
    Ok(())
}

fn interface_pages(host: &Host) -> Result<()> {
    host.gateway()?;
    let answer = host.open().get("/docs/")?;
    ensure!(answer.status == 200, "/docs/ is {}", answer.status);
    let text = answer.text();
    ensure!(
        !text.contains("https://") && !text.contains("http://"),
        "the page names another host: {text}"
    );
    let policy = answer
        .header("content-security-policy")
        .context("no policy")?;
    ensure!(policy.contains("script-src 'self';"), "{policy}");
    Ok(())
}
