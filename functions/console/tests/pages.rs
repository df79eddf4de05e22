//! The pages as a browser sees it, over the real embedded files.

use chudian_console::{
    Pages,
    files::{FILES, by_path},
    frames::FrameAncestors,
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};

use browser::{ask, get, value};

/// What a browser over plain HTTP sends.
const GZIP: (&str, &str) = ("accept-encoding", "gzip, deflate");

/// Asks the pages as a browser does.
#[cfg(test)]
mod browser {
    use super::*;

    pub(super) async fn ask(
        pages: &Pages,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = pages.answer(&request.body(()).unwrap());
        let (parts, body) = response.into_parts();
        (
            parts.status,
            parts.headers,
            body.collect().await.unwrap().to_bytes().to_vec(),
        )
    }

    pub(super) async fn get(
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        ask(
            &Pages::new(&FrameAncestors::none()),
            Method::GET,
            path,
            headers,
        )
        .await
    }

    pub(super) fn value<'headers>(headers: &'headers HeaderMap, name: &str) -> &'headers str {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Goal: every file arrives as it was built, in each form, and the page's own links lead to files.
#[tokio::test]
async fn every_file_is_served() {
    for file in FILES {
        let (status, headers, body) = get(&format!("/{}", file.path), &[]).await;
        assert_eq!(
            (status, body.as_slice()),
            (StatusCode::OK, file.plain),
            "{}",
            file.path
        );
        assert_eq!(value(&headers, "content-type"), file.content_type);
        assert_eq!(
            value(&headers, "content-length"),
            file.plain.len().to_string()
        );
        let expected_tag = Sha256::digest(&body)[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        assert_eq!(value(&headers, "etag"), format!("\"{expected_tag}\""));
    }
    for page in ["/tariff/", "/filter/"] {
        let (_, _, page) = get(page, &[]).await;
        let page = String::from_utf8(page).unwrap();
        let links: Vec<&str> = page
            .split(['"'])
            .filter_map(|part| part.strip_prefix("../tariff/assets/"))
            .collect();
        assert!(links.len() >= 3, "script, style and icon: {page}");
        for link in links {
            assert!(
                by_path(&format!("tariff/assets/{link}")).is_some(),
                "{link}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_hashed_is_kept_for_ever_and_what_is_not_is_asked_for_again() {
    let script = FILES
        .iter()
        .find(|file| file.path.ends_with(".js"))
        .unwrap();
    let (_, headers, _) = get(&format!("/{}", script.path), &[]).await;
    assert_eq!(
        value(&headers, "cache-control"),
        "public, max-age=31536000, immutable"
    );
    let (_, headers, _) = get("/tariff/", &[]).await;
    assert_eq!(value(&headers, "cache-control"), "no-cache");
}

#[tokio::test]
async fn compressed_forms_are_smaller_tagged_apart_and_confirmed_by_304() {
    let script = FILES
        .iter()
        .find(|file| file.path.ends_with(".js"))
        .unwrap();
    let path = format!("/{}", script.path);
    let mut tags = Vec::new();
    for (encoding, accepted) in [("br", "gzip, br"), ("gzip", "gzip"), ("", "identity")] {
        let (status, headers, body) = get(&path, &[("accept-encoding", accepted)]).await;
        assert_eq!(
            (status, value(&headers, "content-encoding")),
            (StatusCode::OK, encoding)
        );
        assert_eq!(value(&headers, "vary"), "accept-encoding");
        assert!(
            body.len() == script.plain.len() || body.len() * 2 < script.plain.len(),
            "{encoding}"
        );
        let tag = value(&headers, "etag").to_owned();
        assert!(!tag.starts_with("W/"));
        let (status, headers, body) = get(
            &path,
            &[("accept-encoding", accepted), ("if-none-match", &tag)],
        )
        .await;
        assert_eq!(
            (status, body.len(), value(&headers, "etag")),
            (StatusCode::NOT_MODIFIED, 0, tag.as_str())
        );
        assert!(
            !headers.contains_key("content-length") && !headers.contains_key("content-encoding")
        );
        tags.push(tag);
    }
    let (status, ..) = get(&path, &[GZIP, ("if-none-match", &tags[0])]).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "another form's tag confirms nothing"
    );
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    for (path, headers) in [
        ("/tariff/", [GZIP]),
        ("/tariff", [GZIP]),
        ("/tariff/none", [("accept", "text/html")]),
        ("/filter/", [GZIP]),
        ("/filter/none", [("accept", "text/html")]),
        ("/none", [GZIP]),
    ] {
        let (_, headers, _) = get(path, &headers).await;
        let policy = value(&headers, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(
            policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(value(&headers, "x-content-type-options"), "nosniff");
        assert_eq!(value(&headers, "referrer-policy"), "no-referrer");
        assert!(!value(&headers, "permissions-policy").is_empty());
    }
    let halls = FrameAncestors::parse("https://hall.example").unwrap();
    let (_, headers, _) = ask(&Pages::new(&halls), Method::GET, "/tariff/", &[]).await;
    assert!(
        value(&headers, "content-security-policy")
            .ends_with("frame-ancestors https://hall.example")
    );
}

#[tokio::test]
async fn head_says_what_get_would_without_a_body() {
    let pages = Pages::new(&FrameAncestors::none());
    for path in ["/tariff/", "/tariff", "/tariff/none"] {
        let (status, mut expected, _) = ask(&pages, Method::GET, path, &[GZIP]).await;
        let (head_status, headers, body) = ask(&pages, Method::HEAD, path, &[GZIP]).await;
        expected.remove("content-length");
        assert_eq!(
            (head_status, headers, body.len()),
            (status, expected, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_without_its_slash_is_sent_on_with_its_query() {
    let (status, headers, body) = get("/tariff?lang=en", &[]).await;
    assert_eq!(
        (status, value(&headers, "location"), body.len()),
        (StatusCode::PERMANENT_REDIRECT, "tariff/?lang=en", 0)
    );
}

#[tokio::test]
async fn what_is_missing_is_a_page_for_people_and_a_problem_for_programs() {
    for path in ["/tariff/none", "/filter/none"] {
        let (status, headers, body) =
            get(path, &[("accept", "text/html,application/xhtml+xml")]).await;
        assert_eq!(
            (status, value(&headers, "content-type")),
            (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
        );
        let page = String::from_utf8(body).unwrap();
        assert!(page.contains("没有这个页面") && page.contains("No such page"));
    }

    for (language, title) in [
        ("en-GB,en;q=0.9", "There is no such route"),
        ("zh-CN", "没有这个地址"),
        ("", "There is no such route"),
    ] {
        let (status, headers, body) = get(
            "/tariff/a/b.js",
            &[
                ("accept-language", language),
                ("x-request-id", "request-1234"),
            ],
        )
        .await;
        assert_eq!(
            (status, value(&headers, "content-type")),
            (StatusCode::NOT_FOUND, "application/problem+json")
        );
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], "urn:chudian:problem:no-route");
        assert_eq!(
            (problem["title"].as_str(), problem["status"].as_u64()),
            (Some(title), Some(404))
        );
        assert_eq!(problem["instance"], "request-1234");
    }
}

#[tokio::test]
async fn pages_are_only_read() {
    let pages = Pages::new(&FrameAncestors::none());
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let (status, headers, body) = ask(&pages, method, "/tariff/", &[]).await;
        assert_eq!(
            (status, value(&headers, "allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
        );
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], "urn:chudian:problem:method-not-allowed");
    }
}
