//! A small blocking HTTP client for tests: every status is an answer, never an error.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// How long one call may take; beyond it a test fails rather than hangs.
const CALL_SECONDS_MAX: u64 = 120;

/// Largest answer that is read; a catalogue export is the largest thing asked for.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Speaks to one base URL, with or without a key.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base_url: String,
    key: Option<String>,
}

/// One answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(present, _)| present.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is no JSON; the error carries the beginning of what it was.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| {
            format!(
                "status {}, no JSON: {}",
                self.status,
                self.text().chars().take(300).collect::<String>()
            )
        })
    }

    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON when the status is the wanted one.
    ///
    /// # Errors
    /// When the status is another; the error carries the body.
    pub fn expect_status(&self, status: u16) -> Result<Value> {
        anyhow::ensure!(
            self.status == status,
            "wanted status {status}, got {}: {}",
            self.status,
            self.text()
        );
        if self.body.is_empty() {
            Ok(Value::Null)
        } else {
            self.json()
        }
    }
}

impl Client {
    /// A client without a key.
    pub fn new(base_url: impl Into<String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(CALL_SECONDS_MAX)))
            .max_redirects(0)
            .build()
            .into();
        let mut base_url: String = base_url.into();
        base_url.truncate(base_url.trim_end_matches('/').len());
        Self {
            agent,
            base_url,
            key: None,
        }
    }

    /// The same client with a key, or a page token, as bearer.
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self.clone()
        }
    }

    /// Where it speaks to, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends a request with a body of any kind.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body.to_vec())
            .context("the test made an impossible request")?;
        let mut response = self
            .agent
            .run(request)
            .with_context(|| format!("{method} {path} got no answer"))?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()
            .with_context(|| format!("{method} {path} broke off"))?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body,
        })
    }

    /// `GET`.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], &[])
    }

    /// `POST` of a JSON document.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    /// `PUT` of a JSON document.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(
            "PUT",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }
}
