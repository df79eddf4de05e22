//! How requests to the two clouds are signed: ACS3-HMAC-SHA256 (Alibaba Cloud, signature version 3) and TC3-HMAC-SHA256 (Tencent
//! Cloud, signature method v3).
//!
//! Both put a request into one canonical text, hash it, and sign the hash; they differ in the key and in what stands around the hash.
//! The tests hold them against the worked examples that the two publish. Time and nonce are given, so that a signature can be proved.

use std::fmt::Write as _;

use chrono::DateTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Name of Alibaba Cloud's method.
const ACS3: &str = "ACS3-HMAC-SHA256";

/// Name of Tencent Cloud's method.
const TC3: &str = "TC3-HMAC-SHA256";

/// The credential of an account. `Debug` hides the secret.
#[derive(Clone)]
pub struct Credential {
    /// AccessKeyId, SecretId.
    pub id: String,
    /// AccessKeySecret, SecretKey.
    pub secret: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credential({}, secret hidden)", self.id)
    }
}

/// A request to Alibaba Cloud, `POST /`.
#[derive(Clone, Copy, Debug)]
pub struct AcsRequest<'a> {
    /// Host, without a port when it is the usual one.
    pub host: &'a str,
    /// Action, such as `SendSms`.
    pub action: &'a str,
    /// Version of the API.
    pub version: &'a str,
    /// Canonical query string; empty when everything is in the body.
    pub query: &'a str,
    /// Media type of the body; `None` without a body.
    pub content_type: Option<&'a str>,
    /// Body.
    pub body: &'a [u8],
    /// Now, unix seconds.
    pub at_unix_s: i64,
    /// A text that is used once.
    pub nonce: &'a str,
}

/// The headers to send with a request to Alibaba Cloud, `host` and the media type excepted; `None` outside the calendar.
#[must_use]
pub fn acs3_headers(
    credential: &Credential,
    request: AcsRequest<'_>,
) -> Option<Vec<(&'static str, String)>> {
    let date = DateTime::from_timestamp(request.at_unix_s, 0)?
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let body_hash = sha256_hex(request.body);
    let mut signed: Vec<(&'static str, &str)> = Vec::new();
    if let Some(content_type) = request.content_type {
        signed.push(("content-type", content_type));
    }
    signed.extend([
        ("host", request.host),
        ("x-acs-action", request.action),
        ("x-acs-content-sha256", body_hash.as_str()),
        ("x-acs-date", date.as_str()),
        ("x-acs-signature-nonce", request.nonce),
        ("x-acs-version", request.version),
    ]);
    let (canonical, names) = canonical(request.query, &signed, &body_hash);
    let to_sign = format!("{ACS3}\n{}", sha256_hex(canonical.as_bytes()));
    let signature = hex(&hmac(credential.secret.as_bytes(), to_sign.as_bytes()));
    let authorization = format!(
        "{ACS3} Credential={},SignedHeaders={names},Signature={signature}",
        credential.id
    );
    let mut headers: Vec<(&'static str, String)> = signed
        .iter()
        .filter(|(name, _)| name.starts_with("x-acs-"))
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    headers.push(("authorization", authorization));
    Some(headers)
}

/// A request to Tencent Cloud, `POST /` with JSON.
#[derive(Clone, Copy, Debug)]
pub struct TcRequest<'a> {
    /// Host.
    pub host: &'a str,
    /// Service, such as `sms`.
    pub service: &'a str,
    /// Action, such as `SendSms`.
    pub action: &'a str,
    /// Version of the API.
    pub version: &'a str,
    /// Region of the cloud.
    pub region: &'a str,
    /// Body, JSON.
    pub body: &'a [u8],
    /// Now, unix seconds.
    pub at_unix_s: i64,
}

/// Media type of every request to Tencent Cloud; it is signed as it stands here.
pub const TC_CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// The headers to send with a request to Tencent Cloud, `host` and the media type excepted; `None` outside the calendar.
#[must_use]
pub fn tc3_headers(
    credential: &Credential,
    request: TcRequest<'_>,
) -> Option<Vec<(&'static str, String)>> {
    let date = DateTime::from_timestamp(request.at_unix_s, 0)?
        .format("%Y-%m-%d")
        .to_string();
    let action = request.action.to_ascii_lowercase();
    let signed = [
        ("content-type", TC_CONTENT_TYPE),
        ("host", request.host),
        ("x-tc-action", action.as_str()),
    ];
    let (canonical, names) = canonical("", &signed, &sha256_hex(request.body));
    let scope = format!("{date}/{}/tc3_request", request.service);
    let to_sign = format!(
        "{TC3}\n{}\n{scope}\n{}",
        request.at_unix_s,
        sha256_hex(canonical.as_bytes())
    );
    let key = hmac(
        format!("TC3{}", credential.secret).as_bytes(),
        date.as_bytes(),
    );
    let key = hmac(&key, request.service.as_bytes());
    let key = hmac(&key, b"tc3_request");
    let signature = hex(&hmac(&key, to_sign.as_bytes()));
    let authorization = format!(
        "{TC3} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        credential.id
    );
    Some(vec![
        ("x-tc-action", request.action.to_owned()),
        ("x-tc-version", request.version.to_owned()),
        ("x-tc-region", request.region.to_owned()),
        ("x-tc-timestamp", request.at_unix_s.to_string()),
        ("authorization", authorization),
    ])
}

/// The canonical text of a `POST /` and the names of its signed headers. `signed` is sorted by name, names in lower case.
fn canonical(query: &str, signed: &[(&str, &str)], body_hash: &str) -> (String, String) {
    let mut lines = String::new();
    for (name, value) in signed {
        lines.push_str(name);
        lines.push(':');
        lines.push_str(value.trim());
        lines.push('\n');
    }
    let names = signed
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(";");
    (
        format!("POST\n/\n{query}\n{lines}\n{names}\n{body_hash}"),
        names,
    )
}

fn sha256_hex(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    hex(&digest)
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of every length (RFC 2104), so there is no failure to hand on.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(headers: Option<Vec<(&'static str, String)>>, name: &str) -> String {
        let found = headers.unwrap().into_iter().find(|(own, _)| *own == name);
        found.unwrap().1
    }

    /// Goal: the worked example of Alibaba Cloud's description of its signature, version 3.
    #[test]
    fn acs3_agrees_with_the_published_example() {
        let credential = Credential {
            id: "YourAccessKeyId".to_owned(),
            secret: "YourAccessKeySecret".to_owned(),
        };
        let request = AcsRequest {
            host: "ecs.cn-shanghai.aliyuncs.com",
            action: "RunInstances",
            version: "2014-05-26",
            query: "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
            content_type: None,
            body: b"",
            at_unix_s: 1_698_315_752,
            nonce: "3156853299f313e23d1673dc12e1703d",
        };
        let headers = acs3_headers(&credential, request);
        assert_eq!(
            header(headers.clone(), "x-acs-date"),
            "2023-10-26T10:22:32Z"
        );
        assert_eq!(
            header(headers, "authorization"),
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;\
             x-acs-signature-nonce;x-acs-version,\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }

    /// Goal: the worked example of Tencent Cloud's description of its signature method v3, whose secret is printed as asterisks.
    #[test]
    fn tc3_agrees_with_the_published_example() {
        let credential = Credential {
            id: "AKID".to_owned(),
            secret: "*".repeat(32),
        };
        let request = TcRequest {
            host: "cvm.tencentcloudapi.com",
            service: "cvm",
            action: "DescribeInstances",
            version: "2017-03-12",
            region: "ap-guangzhou",
            body: br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#,
            at_unix_s: 1_551_113_065,
        };
        assert_eq!(
            header(tc3_headers(&credential, request), "authorization"),
            "TC3-HMAC-SHA256 Credential=AKID/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, \
             Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let credential = Credential {
            id: "id".to_owned(),
            secret: "verysecret".to_owned(),
        };
        assert!(!format!("{credential:?}").contains("verysecret"));
    }
}
