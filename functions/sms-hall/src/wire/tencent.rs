//! Tencent Cloud's short message service: status and reply callbacks as they are pushed, SendSms as it is called (API 2021-01-11).

use serde_json::{Value, json};

use super::{GivenInbound, GivenReceipt, Items, china_time, items_of, text_of, word_of};
use crate::sending::HandOver;

/// The acknowledgement of a push.
pub const ACKNOWLEDGEMENT: &str = r#"{"result":0,"errmsg":"OK"}"#;

/// Where SendSms is.
pub const ENDPOINT: &str = "https://sms.tencentcloudapi.com";

/// Service of the signature.
pub const SERVICE: &str = "sms";
/// Action of sending.
pub const ACTION: &str = "SendSms";
/// Version of the API.
pub const VERSION: &str = "2021-01-11";

/// The country code of mainland numbers.
const CHINA: &str = "86";

/// Milliseconds of a second.
const MS_PER_S: i64 = 1000;

/// Reads a reply. It has no id, so all of its fields together are one: two equal texts in one second from one customer are one.
pub fn inbound(document: &Value) -> Items<GivenInbound> {
    items_of(document, |item| {
        let fields = ["extend", "mobile", "nationcode", "sign", "text", "time"];
        let identity: Vec<Option<String>> = fields.iter().map(|name| text_of(item, name)).collect();
        Some(GivenInbound {
            number: number_of(item)?,
            text: text_of(item, "text")?,
            identity: json!(identity).to_string(),
            sent_at_unix_ms: text_of(item, "time")
                .and_then(|text| text.parse::<i64>().ok()?.checked_mul(MS_PER_S)),
        })
    })
}

/// Reads a status callback.
pub fn receipts(document: &Value) -> Items<GivenReceipt> {
    items_of(document, |item| {
        let status = word_of(item, "report_status")?;
        Some(GivenReceipt {
            number: number_of(item)?,
            provider_message_id: Some(word_of(item, "sid")?),
            message_id: None,
            is_delivered: match status.as_str() {
                "SUCCESS" => true,
                "FAIL" => false,
                _ => return None,
            },
            code: word_of(item, "errmsg"),
            at_unix_ms: text_of(item, "user_receive_time").and_then(|text| china_time(&text)),
        })
    })
}

/// The number with its country code, so that a foreign one does not pass for one of ours.
fn number_of(item: &Value) -> Option<String> {
    let (code, mobile) = (text_of(item, "nationcode"), word_of(item, "mobile")?);
    let code = code.unwrap_or_else(|| CHINA.to_owned());
    let code = code.trim_start_matches('+');
    if mobile.starts_with('+') {
        Some(mobile)
    } else {
        Some(format!("+{code}{mobile}"))
    }
}

/// The body of a call of SendSms. The text goes into the one parameter of an approved template.
pub fn send_body(
    number: &str,
    application: &str,
    sign_name: &str,
    template: &str,
    text: &str,
    message_id: &str,
) -> Vec<u8> {
    json!({
        "PhoneNumberSet": [format!("+{CHINA}{number}")],
        "SmsSdkAppId": application,
        "SignName": sign_name,
        "TemplateId": template,
        "TemplateParamSet": [text],
        "SessionContext": message_id,
    })
    .to_string()
    .into_bytes()
}

/// What an answer says. Codes as the service documents them; what it does not document is ambiguous.
pub fn outcome(status: u16, body: &[u8]) -> HandOver {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let response = &document["Response"];
    let sent = &response["SendStatusSet"][0];
    let code = word_of(&response["Error"], "Code").or_else(|| word_of(sent, "Code"));
    let Some(code) = code else {
        return HandOver::Ambiguous {
            code: format!("http-{status}"),
        };
    };
    if status == 200 && code.eq_ignore_ascii_case("ok") {
        return HandOver::Accepted {
            provider_message_id: word_of(sent, "SerialNo"),
        };
    }
    if status >= 500 || code.starts_with("InternalError") || code == "FailedOperation" {
        return HandOver::Ambiguous { code };
    }
    let passes = [
        "LimitExceeded",
        "RequestLimitExceeded",
        "AuthFailure",
        "UnauthorizedOperation",
        "ResourceInsufficient",
        "ResourceUnavailable",
        "FailedOperation.InsufficientBalanceInSmsPackage",
    ];
    let never = [
        "FailedOperation.",
        "InvalidParameter",
        "MissingParameter",
        "UnsupportedOperation",
        "UnsupportedOperate",
        "InvalidAction",
        "UnknownParameter",
    ];
    let begins = |known: &[&str]| known.iter().any(|known| code.starts_with(known));
    if begins(&passes) {
        HandOver::NotNow { code }
    } else if begins(&never) {
        HandOver::Never { code }
    } else {
        HandOver::Ambiguous { code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushes_are_read() {
        let reply = json!({"extend": "01", "mobile": "13812345678", "nationcode": "86", "sign": "触点", "text": "TD",
            "time": 1_795_320_000, "more": 1});
        let items = inbound(&reply);
        assert_eq!((items.read.len(), items.unreadable.len()), (1, 0));
        assert_eq!(items.read[0].number, "+8613812345678");
        assert_eq!(items.read[0].sent_at_unix_ms, Some(1_795_320_000_000));
        let mut other = reply.clone();
        other["time"] = 1_795_320_001.into();
        assert!(inbound(&other).read[0].identity != items.read[0].identity);
        let mut foreign = reply;
        foreign["nationcode"] = "1".into();
        assert_eq!(inbound(&foreign).read[0].number, "+113812345678");
        let status = json!([
            {"user_receive_time": "2026-11-22 12:00:00", "nationcode": "86", "mobile": "13812345678", "report_status": "FAIL",
             "errmsg": "DELIVRD", "description": "x", "sid": "s-1"},
            {"mobile": "13812345678", "report_status": "MAYBE", "sid": "s-2"},
            {"mobile": "13812345678", "report_status": "SUCCESS"},
        ]);
        let items = receipts(&status);
        assert_eq!((items.read.len(), items.unreadable.len()), (1, 2));
        assert_eq!(items.read[0].provider_message_id.as_deref(), Some("s-1"));
    }

    #[test]
    fn answers_say_whether_a_message_was_taken() {
        let sent = |code: &str| json!({"Response": {"SendStatusSet": [{"SerialNo": "s-1", "Code": code}]}});
        let error = |code: &str| json!({"Response": {"Error": {"Code": code, "Message": "x"}}});
        let kind = |document: Value| match outcome(200, document.to_string().as_bytes()) {
            HandOver::Accepted {
                provider_message_id,
            } => provider_message_id.unwrap_or_default(),
            HandOver::NotNow { .. } => "not now".to_owned(),
            HandOver::Never { .. } => "never".to_owned(),
            HandOver::Ambiguous { .. } => "ambiguous".to_owned(),
        };
        for (document, expected) in [
            (sent("Ok"), "s-1"),
            (sent("LimitExceeded.PhoneNumberOneHourLimit"), "not now"),
            (sent("FailedOperation.PhoneNumberInBlacklist"), "never"),
            (
                sent("FailedOperation.InsufficientBalanceInSmsPackage"),
                "not now",
            ),
            (sent("InternalError.Timeout"), "ambiguous"),
            (error("AuthFailure.SignatureFailure"), "not now"),
            (error("RequestLimitExceeded"), "not now"),
            (error("InvalidParameterValue.IncorrectPhoneNumber"), "never"),
            (error("FailedOperation"), "ambiguous"),
            (error("SomethingNew"), "ambiguous"),
            (json!({"Response": {"SendStatusSet": []}}), "ambiguous"),
            (json!({}), "ambiguous"),
        ] {
            assert_eq!(kind(document.clone()), expected, "{document}");
        }
        let taken = sent("Ok").to_string();
        assert!(matches!(
            outcome(502, taken.as_bytes()),
            HandOver::Ambiguous { .. }
        ));
    }
}
