//! The pages' files: html that loads nothing but its own, files that never change under one name.

use anyhow::{Context, Result, ensure};
use chudian_e2e::{Host, caller::expect_problem, harness::Case};

/// A customer's page and the analyst's.
const PAGES: [&str; 2] = ["/tariff/", "/filter/"];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "pages::html",
            "each page is html under a strict policy and is asked for anew each time",
            html,
        ),
        Case::new(
            "pages::assets",
            "its files are there, never change under their names, and are not sent twice",
            assets,
        ),
        Case::new(
            "pages::nothing_else",
            "no other file is served, however the path is written",
            nothing_else,
        ),
    ]
}

fn html(host: &Host) -> Result<()> {
    PAGES.iter().try_for_each(|page| html_of(host, page))
}

fn html_of(host: &Host, page: &str) -> Result<()> {
    let answer = host.open().get(page)?;
    ensure!(answer.status == 200, "{}", answer.status);
    ensure!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html")),
        "{:?}",
        answer.headers
    );
    let policy = answer
        .header("content-security-policy")
        .context("no policy")?;
    ensure!(policy.contains("frame-ancestors 'none'"), "{policy}");
    ensure!(
        !policy.contains("unsafe-eval") && !policy.contains("http:") && !policy.contains("*"),
        "{policy}"
    );
    ensure!(
        answer
            .header("cache-control")
            .is_some_and(|value| value.contains("no-cache") || value.contains("no-store")),
        "{:?}",
        answer.headers
    );
    let text = answer.text();
    ensure!(
        !text.contains("http://") && !text.contains("https://"),
        "the page names another host: {text}"
    );
    ensure!(!text.contains("chd_"), "a key stands in the page");
    if let Some(tag) = answer.header("etag") {
        let again = host
            .open()
            .send("GET", page, &[("if-none-match", tag)], &[])?;
        ensure!(
            again.status == 304 && again.body.is_empty(),
            "{}",
            again.status
        );
    }
    let head = host.open().send("HEAD", page, &[], &[])?;
    ensure!(
        head.status == 200 && head.body.is_empty(),
        "HEAD is {}",
        head.status
    );
    Ok(())
}

fn assets(host: &Host) -> Result<()> {
    PAGES.iter().try_for_each(|page| assets_of(host, page))
}

fn assets_of(host: &Host, page: &str) -> Result<()> {
    let text = host.open().get(page)?.text();
    let files: Vec<&str> = text
        .split(['"', '\''])
        .filter(|part| {
            part.contains("assets/") && (part.ends_with(".js") || part.ends_with(".css"))
        })
        .collect();
    ensure!(
        files.iter().any(|file| file.ends_with(".js")),
        "the page loads no script: {text}"
    );
    for file in files {
        let path = below_the_page(page, file);
        let answer = host.open().get(&path)?;
        ensure!(
            answer.status == 200 && !answer.body.is_empty(),
            "{path} is {}",
            answer.status
        );
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(
            kind.starts_with(if file.ends_with(".js") {
                "text/javascript"
            } else {
                "text/css"
            }),
            "{path} is {kind}"
        );
        let caching = answer.header("cache-control").unwrap_or_default();
        ensure!(
            caching.contains("immutable") && caching.contains("max-age=31536000"),
            "{path}: {caching}"
        );
        let tag = answer
            .header("etag")
            .with_context(|| format!("{path} has no etag"))?;
        let again = host
            .open()
            .send("GET", &path, &[("if-none-match", tag)], &[])?;
        ensure!(
            again.status == 304 && again.body.is_empty(),
            "{path} is sent again: {}",
            again.status
        );
        let changed = host
            .open()
            .send("GET", &path, &[("if-none-match", "\"another\"")], &[])?;
        ensure!(
            changed.status == 200 && changed.body == answer.body,
            "{path} with another etag: {}",
            changed.status
        );
    }
    Ok(())
}

/// What a browser on a page makes of a reference: `../x` is `/x`, `./x` and `x` lie below the page.
fn below_the_page(page: &str, reference: &str) -> String {
    if reference.starts_with('/') {
        reference.to_owned()
    } else if let Some(beside) = reference.strip_prefix("../") {
        format!("/{beside}")
    } else {
        format!("{page}{}", reference.trim_start_matches("./"))
    }
}

fn nothing_else(host: &Host) -> Result<()> {
    for path in [
        "/tariff/assets/nothing.js",
        "/filter/assets/nothing.js",
        "/filter/../spin.toml",
        "/tariff/../spin.toml",
        "/tariff/%2e%2e/spin.toml",
        "/tariff/..%2fspin.toml",
        "/tariff/assets/..%5c..%5cspin.toml",
        "/tariff/index.html%00.js",
    ] {
        let answer = host.open().get(path)?;
        ensure!(
            matches!(answer.status, 400 | 404),
            "{path} is {}",
            answer.status
        );
    }
    expect_problem(
        &host.open().send("POST", "/tariff/", &[], &[])?,
        405,
        "method-not-allowed",
    )?;
    Ok(())
}
