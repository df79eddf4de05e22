//! The client of the cases: the small blocking client of `tests/support`, with a witness who sees every answer.

use std::sync::Arc;

use anyhow::Result;
use chudian_test_support::http::{Answer, Client};
use serde_json::Value;

use crate::witness::Witness;

/// Speaks to the host under test, with or without a key.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    witness: Arc<Witness>,
}

impl Caller {
    /// A caller through `client`.
    pub fn new(client: Client, witness: Arc<Witness>) -> Self {
        Self { client, witness }
    }

    /// The same caller with another bearer: a key, a page token, or something that is neither.
    #[must_use]
    pub fn with_bearer(&self, bearer: impl Into<String>) -> Self {
        Self {
            client: self.client.with_key(bearer),
            witness: Arc::clone(&self.witness),
        }
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
        let answer = self.client.send(method, path, headers, body)?;
        self.witness.see(method, path, &answer);
        Ok(answer)
    }

    /// `GET`.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], &[])
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        self.send("DELETE", path, &[], &[])
    }

    /// `POST` of a JSON document.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.post_bytes(path, body.to_string().as_bytes())
    }

    /// `POST` of bytes that are called JSON.
    ///
    /// # Errors
    /// When there is no HTTP answer at all.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Result<Answer> {
        self.send("POST", path, &[("content-type", "application/json")], body)
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

/// The code of a problem: the last part of its `type`; empty when the answer is no problem.
pub fn problem_code(answer: &Answer) -> String {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let uri = document["type"].as_str().unwrap_or_default();
    uri.strip_prefix(crate::witness::PROBLEM_TYPE_PREFIX)
        .unwrap_or_default()
        .to_owned()
}

/// Checks that the answer is this problem, and returns it.
///
/// # Errors
/// When it is another answer; the error carries it.
pub fn expect_problem(answer: &Answer, status: u16, code: &str) -> Result<Value> {
    let document = answer.expect_status(status)?;
    anyhow::ensure!(
        problem_code(answer) == code,
        "wanted the problem {code}, got {document}"
    );
    Ok(document)
}
