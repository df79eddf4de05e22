//! The HTTP face. A function from request to answer, without a router: every address is a file or is not.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING,
        CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
        LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use http_body_util::Full;
use serde_json::json;

use crate::{
    files::{self, File, Found},
    frames::FrameAncestors,
    negotiate::{choose, has_already},
};

/// A name that carries a hash never changes its meaning: a year, the longest that RFC 9111 caches honour.
const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Every other name is asked for again each time; the entity tag makes that cheap.
const CACHE_AFTER_ASKING: &str = "no-cache";

/// The page that a person sees where there is nothing.
const NOT_FOUND_PAGE: &str = "tariff/404.html";

/// What the pages never use, switched off for whatever might get into them.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An answer: its body is one piece that is there already.
pub type Answer = Response<Full<Bytes>>;

/// All embedded pages under one security policy.
#[derive(Clone, Debug)]
pub struct Pages {
    policy: HeaderValue,
}

impl Pages {
    /// The pages, which `frame_ancestors` may show in a frame.
    pub fn new(frame_ancestors: &FrameAncestors) -> Self {
        // Everything comes from these files and talks to this origin only: no inline script or style, no plugin, no form.
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}"
        );
        // `FrameAncestors` holds nothing that a header cannot; were it otherwise, the stricter policy would stand.
        let stricter = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        Self {
            policy: HeaderValue::try_from(policy).unwrap_or(stricter),
        }
    }

    /// Answers one request; its body is not looked at.
    pub fn answer<Body>(&self, request: &Request<Body>) -> Answer {
        let mut answer = decide(&Question::of(request));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
        headers.insert(
            CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        if request.method() == Method::HEAD {
            // The length of the body that is not sent goes too: a host that checks lengths would call the answer cut short.
            answer.headers_mut().remove(CONTENT_LENGTH);
            *answer.body_mut() = Full::default();
        }
        answer
    }
}

/// The parts of a request that decide the answer.
struct Question<'request> {
    method: &'request Method,
    path: &'request str,
    query: Option<&'request str>,
    headers: &'request HeaderMap,
}

impl<'request> Question<'request> {
    fn of<Body>(request: &'request Request<Body>) -> Self {
        let uri = request.uri();
        Self {
            method: request.method(),
            path: uri.path(),
            query: uri.query(),
            headers: request.headers(),
        }
    }

    /// The text of a header; `None` also where it is not text.
    fn header(&self, name: &HeaderName) -> Option<&'request str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn decide(question: &Question<'_>) -> Answer {
    if !matches!(*question.method, Method::GET | Method::HEAD) {
        let mut response = problem(question, &METHOD_NOT_ALLOWED);
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match files::find(question.path) {
        Found::File(file) => send(file, question),
        Found::Folder(segment) => redirect(question, &segment),
        Found::Nothing => not_found(question),
    }
}

fn send(file: &'static File, question: &Question<'_>) -> Answer {
    let (encoding, bytes) = choose(file, question.header(&ACCEPT_ENCODING));
    let entity_tag = encoding.entity_tag(file);
    let known = question
        .header(&IF_NONE_MATCH)
        .is_some_and(|tags| has_already(tags, &entity_tag));
    let mut response = if known {
        status_only(StatusCode::NOT_MODIFIED)
    } else {
        whole(bytes)
    };
    let headers = response.headers_mut();
    insert(headers, ETAG, &entity_tag);
    insert(headers, VARY, "accept-encoding");
    insert(
        headers,
        CACHE_CONTROL,
        if file.hashed_name {
            CACHE_FOR_EVER
        } else {
            CACHE_AFTER_ASKING
        },
    );
    if !known {
        insert(headers, CONTENT_TYPE, file.content_type);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        if let Some(name) = encoding.name() {
            insert(headers, CONTENT_ENCODING, name);
        }
    }
    response
}

/// To the same place with a slash, by a relative address: a proxy before us may have taken a prefix off the path.
fn redirect(question: &Question<'_>, segment: &str) -> Answer {
    let query = question
        .query
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut response = status_only(StatusCode::PERMANENT_REDIRECT);
    insert(
        response.headers_mut(),
        LOCATION,
        &format!("{segment}{query}"),
    );
    insert(response.headers_mut(), CACHE_CONTROL, CACHE_AFTER_ASKING);
    response
}

/// A page for people, a problem for programs.
fn not_found(question: &Question<'_>) -> Answer {
    let wants_page = question
        .header(&ACCEPT)
        .is_some_and(|accept| accept.contains("text/html"));
    let page = files::by_path(NOT_FOUND_PAGE).filter(|_| wants_page && lies_beside(question.path));
    let Some(page) = page else {
        return problem(question, &NOT_FOUND);
    };
    let mut response = whole(page.plain);
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    insert(headers, CONTENT_TYPE, page.content_type);
    insert(headers, CACHE_CONTROL, "no-store");
    insert(headers, VARY, "accept");
    headers.insert(CONTENT_LENGTH, HeaderValue::from(page.plain.len()));
    response
}

/// Folders of the pages. The relative addresses of the not-found page lead to its style from beside any of them.
const FOLDERS: [&str; 2] = ["/tariff/", "/filter/"];

/// Whether the not-found page finds its style from this path: one segment below a folder.
fn lies_beside(path: &str) -> bool {
    FOLDERS
        .iter()
        .filter_map(|folder| path.strip_prefix(folder))
        .any(|rest| !rest.contains('/'))
}

/// A problem of this function, in both languages; codes and titles are those of the common catalogue.
struct Words {
    status: StatusCode,
    code: &'static str,
    title: [&'static str; 2],
    detail: [&'static str; 2],
}

const NOT_FOUND: Words = Words {
    status: StatusCode::NOT_FOUND,
    code: "no-route",
    title: ["没有这个地址", "There is no such route"],
    detail: [
        "地址可能有误；页面在 /tariff/ 和 /filter/",
        "the address may be wrong; the pages are at /tariff/ and /filter/",
    ],
};

const METHOD_NOT_ALLOWED: Words = Words {
    status: StatusCode::METHOD_NOT_ALLOWED,
    code: "method-not-allowed",
    title: [
        "该地址不支持这种方法",
        "The route does not take this method",
    ],
    detail: [
        "页面只能用 GET 或 HEAD 读取",
        "pages can only be read, by GET or HEAD",
    ],
};

/// In Chinese where that is the first language asked for; in English otherwise, as every function answers programs.
fn problem(question: &Question<'_>, words: &Words) -> Answer {
    let chinese = question
        .header(&ACCEPT_LANGUAGE)
        .is_some_and(|tags| tags.trim_start().to_ascii_lowercase().starts_with("zh"));
    let [chinese_title, english_title] = words.title;
    let [chinese_detail, english_detail] = words.detail;
    let mut members = json!({
        "type": format!("urn:chudian:problem:{}", words.code),
        "title": if chinese { chinese_title } else { english_title },
        "status": words.status.as_u16(),
        "detail": if chinese { chinese_detail } else { english_detail },
    });
    if let Some(request_id) = question.header(&REQUEST_ID) {
        members["instance"] = request_id.into();
    }
    let body = members.to_string();
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Full::from(body));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    *response.status_mut() = words.status;
    insert(
        response.headers_mut(),
        CONTENT_TYPE,
        "application/problem+json",
    );
    insert(response.headers_mut(), CACHE_CONTROL, "no-store");
    insert(response.headers_mut(), VARY, "accept, accept-language");
    response
}

fn status_only(status: StatusCode) -> Answer {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// These bytes as they lie in the component: nothing is copied.
fn whole(bytes: &'static [u8]) -> Answer {
    Response::new(Full::new(Bytes::from_static(bytes)))
}

/// Sets a header whose value is ours; a value that no header can hold is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
