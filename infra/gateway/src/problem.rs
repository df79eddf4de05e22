//! The problems that the gateway itself reports, as RFC 9457 documents in the client's language.
//!
//! Invariant: a problem never names a path, an address, a component's internals or anything of the request but its id.
//! Functions report problems of their own in the same shape; this catalogue holds the gateway's only.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::language::Language;

/// Seconds after which a client that met a full queue should try again: about the time in which a queue empties.
const RETRY_AFTER_S: u32 = 1;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The request cannot be understood, or tries to be understood in two ways.
    MalformedRequest,
    /// The host is one that only components may name.
    HostRefused,
    /// No route leads anywhere for this path.
    NoRoute,
    /// The method is not one that the gateway serves at this place.
    MethodNotAllowed,
    /// The body is larger than allowed.
    PayloadTooLarge,
    /// The head is larger than allowed.
    HeadersTooLarge,
    /// The client did not send its body in time.
    RequestTimeout,
    /// The queue is full.
    TooBusy,
    /// The gateway is about to stop.
    Stopping,
    /// The component did not answer in time.
    DeadlineExceeded,
    /// The component trapped, returned an error, or could not be started.
    ComponentFailed,
    /// The other gateway that serves this component cannot be reached.
    UpstreamFailed,
    /// Components call one another in a circle.
    LoopDetected,
}

impl Problem {
    /// The last part of the problem's type.
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed-request",
            Self::HostRefused => "host-refused",
            Self::NoRoute => "no-route",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::PayloadTooLarge => "payload-too-large",
            Self::HeadersTooLarge => "headers-too-large",
            Self::RequestTimeout => "request-timeout",
            Self::TooBusy => "too-busy",
            Self::Stopping => "stopping",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::ComponentFailed => "component-failed",
            Self::UpstreamFailed => "upstream-failed",
            Self::LoopDetected => "loop-detected",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest | Self::HostRefused => StatusCode::BAD_REQUEST,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooBusy | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::ComponentFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::UpstreamFailed => StatusCode::BAD_GATEWAY,
            Self::LoopDetected => StatusCode::LOOP_DETECTED,
        }
    }

    /// Title, and what to do about it: English, then Chinese.
    fn texts(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::MalformedRequest => [
                (
                    "The request is malformed",
                    "Send a well-formed request with exactly one valid `Host` and a path that begins with `/`.",
                ),
                (
                    "请求格式不正确",
                    "请发送格式正确的请求：只有一个有效的 `Host`，路径以 `/` 开头。",
                ),
            ],
            Self::HostRefused => [
                (
                    "This host name is internal",
                    "Names under `spin.internal` are for components; use the address of the gateway.",
                ),
                (
                    "该主机名仅供内部使用",
                    "`spin.internal` 下的名称仅供组件之间调用，请使用网关的地址。",
                ),
            ],
            Self::NoRoute => [
                (
                    "No route",
                    "No component answers this path; `/openapi.json` lists the paths that exist.",
                ),
                (
                    "没有对应的路由",
                    "没有组件应答该路径；可用路径见 `/openapi.json`。",
                ),
            ],
            Self::MethodNotAllowed => [
                (
                    "Method not allowed",
                    "This address answers `GET` and `HEAD` only.",
                ),
                ("不支持该方法", "该地址只应答 `GET` 与 `HEAD`。"),
            ],
            Self::PayloadTooLarge => [
                (
                    "The request body is too large",
                    "Send less at a time, or ask the operator to raise `--request-body-bytes-max`.",
                ),
                (
                    "请求体过大",
                    "请分批发送，或请管理员调高 `--request-body-bytes-max`。",
                ),
            ],
            Self::HeadersTooLarge => [
                (
                    "The request head is too large",
                    "Send fewer or shorter header fields; cookies are often the cause.",
                ),
                ("请求头过大", "请减少或缩短请求头，常见原因是 Cookie 过多。"),
            ],
            Self::RequestTimeout => [
                (
                    "The request body did not arrive in time",
                    "Check the connection and send the request again.",
                ),
                ("请求体未能按时到达", "请检查网络后重新发送请求。"),
            ],
            Self::TooBusy => [
                (
                    "Too busy",
                    "This function has too many requests at the moment; try again after the time in `Retry-After`.",
                ),
                (
                    "系统繁忙",
                    "该功能当前请求过多，请在 `Retry-After` 所示时间后重试。",
                ),
            ],
            Self::Stopping => [
                (
                    "Stopping",
                    "The gateway is about to stop; send the request again, another one will take it.",
                ),
                ("正在停止", "网关即将停止，请重新发送请求，由其他网关处理。"),
            ],
            Self::DeadlineExceeded => [
                (
                    "The function did not answer in time",
                    "Ask for less at a time, or try again later; quote the `instance` when you report it.",
                ),
                (
                    "功能未能按时应答",
                    "请减少单次请求的数据量或稍后重试；报障时请提供 `instance`。",
                ),
            ],
            Self::ComponentFailed => [
                (
                    "The function failed",
                    "The fault is on our side; quote the `instance` when you report it.",
                ),
                (
                    "功能内部出错",
                    "这是系统侧的故障；报障时请提供 `instance`。",
                ),
            ],
            Self::UpstreamFailed => [
                (
                    "The function cannot be reached",
                    "Another server runs this function and did not answer; try again later.",
                ),
                (
                    "无法连接到该功能",
                    "该功能由另一台服务器提供，目前没有应答，请稍后重试。",
                ),
            ],
            Self::LoopDetected => [
                (
                    "Functions call one another in a circle",
                    "Too many functions called one another for this request; quote the `instance` when you report it.",
                ),
                (
                    "功能之间循环调用",
                    "该请求引发的功能间调用层数过多；报障时请提供 `instance`。",
                ),
            ],
        }
    }

    /// The answer to a client.
    pub fn response(self, language: Language, request_id: &str) -> Response<Bytes> {
        let [english, chinese] = self.texts();
        let (title, detail) = language.pick(english, chinese);
        let document = serde_json::json!({
            "type": format!("urn:chudian:problem:{}", self.code()),
            "title": title,
            "status": self.status().as_u16(),
            "detail": detail,
            "instance": request_id,
        });
        let mut response = Response::new(Bytes::from(document.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(
            CONTENT_LANGUAGE,
            HeaderValue::from_static(language.pick("en", "zh-CN")),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(self, Self::TooBusy | Self::Stopping) {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        response
    }
}
