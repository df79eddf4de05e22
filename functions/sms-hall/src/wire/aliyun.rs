//! Alibaba Cloud's short message service: SmsUp and SmsReport as they are pushed, SendSms as it is called (API 2017-05-25).

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use super::{GivenInbound, GivenReceipt, Items, china_time, items_of, text_of, word_of};
use crate::sending::HandOver;

/// The acknowledgement of a push; without it the push comes again after 1, 5 and 10 minutes.
pub const ACKNOWLEDGEMENT: &str = r#"{"code":0,"msg":"接收成功"}"#;

/// Where SendSms is.
pub const ENDPOINT: &str = "https://dysmsapi.aliyuncs.com";

/// Action and version of sending.
pub const ACTION: &str = "SendSms";
/// The version of the API.
pub const VERSION: &str = "2017-05-25";

/// Media type of a call.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// Reads SmsUp.
pub fn inbound(document: &Value) -> Items<GivenInbound> {
    items_of(document, |item| {
        Some(GivenInbound {
            number: word_of(item, "phone_number")?,
            text: text_of(item, "content")?,
            identity: word_of(item, "sequence_id")?,
            sent_at_unix_ms: text_of(item, "send_time").and_then(|text| china_time(&text)),
        })
    })
}

/// Reads SmsReport.
pub fn receipts(document: &Value) -> Items<GivenReceipt> {
    items_of(document, |item| {
        Some(GivenReceipt {
            number: word_of(item, "phone_number")?,
            provider_message_id: Some(word_of(item, "biz_id")?),
            message_id: word_of(item, "out_id"),
            is_delivered: item.get("success")?.as_bool()?,
            code: word_of(item, "err_code"),
            at_unix_ms: text_of(item, "report_time").and_then(|text| china_time(&text)),
        })
    })
}

/// The form of a call of SendSms. The text goes into the one parameter of an approved template.
pub fn send_body(
    number: &str,
    sign_name: &str,
    template: (&str, &str),
    text: &str,
    message_id: &str,
) -> Vec<u8> {
    let (template_code, parameter) = template;
    let mut form = Serializer::new(String::new());
    form.append_pair("PhoneNumbers", number)
        .append_pair("SignName", sign_name)
        .append_pair("TemplateCode", template_code)
        .append_pair("TemplateParam", &json!({ parameter: text }).to_string())
        // It comes back in the receipt, also when the answer to this call was lost.
        .append_pair("OutId", message_id);
    form.finish().into_bytes()
}

/// What an answer says. Codes as the service documents them; what it does not document is ambiguous.
pub fn outcome(status: u16, body: &[u8]) -> HandOver {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(code) = word_of(&document, "Code") else {
        return HandOver::Ambiguous {
            code: format!("http-{status}"),
        };
    };
    if status == 200 && code == "OK" {
        return HandOver::Accepted {
            provider_message_id: word_of(&document, "BizId"),
        };
    }
    if status >= 500 || code.starts_with("isp.") && code != "isp.RAM_PERMISSION_DENY" {
        return HandOver::Ambiguous { code };
    }
    let passes = [
        "Throttling",
        "isv.BUSINESS_LIMIT_CONTROL",
        "isv.DAY_LIMIT_CONTROL",
        "isv.AMOUNT_NOT_ENOUGH",
        "isv.OUT_OF_SERVICE",
        "isv.ACCOUNT_ABNORMAL",
        "isp.RAM_PERMISSION_DENY",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidTimeStamp",
        "Forbidden",
    ];
    if passes.iter().any(|known| code.starts_with(known)) {
        HandOver::NotNow { code }
    } else if code.starts_with("isv.") {
        HandOver::Never { code }
    } else {
        HandOver::Ambiguous { code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushes_are_read_with_whatever_is_added() {
        let up = json!([
            {"phone_number": "13812345678", "content": "TD", "send_time": "2026-11-22 12:00:00", "dest_code": "1069",
             "sequence_id": 1_234_567_890, "sign_name": "触点", "new": {"x": []}},
            {"phone_number": 13_812_345_678_i64, "content": "", "sequence_id": "s-2"},
            {"content": "no number", "sequence_id": "s-3"},
            {"phone_number": "13812345678", "content": "no id"},
            5,
        ]);
        let items = inbound(&up);
        assert_eq!((items.read.len(), items.unreadable.len()), (2, 3));
        assert_eq!(items.read[0].identity, "1234567890");
        assert_eq!(items.read[0].sent_at_unix_ms, Some(1_795_320_000_000));
        assert_eq!(items.read[1].number, "13812345678");
        let report = json!([{"phone_number": "13812345678", "send_time": "x", "report_time": "2026-11-22 12:00:00",
            "success": false, "err_code": "MK:0000", "err_msg": "absent", "sms_size": "1", "biz_id": "b-1", "out_id": "m-1"}]);
        let items = receipts(&report);
        assert_eq!(items.unreadable.len(), 0);
        assert!(!items.read[0].is_delivered);
        assert_eq!(items.read[0].message_id.as_deref(), Some("m-1"));
        assert_eq!(items.read[0].code.as_deref(), Some("MK:0000"));
        assert_eq!(
            receipts(&json!([{"phone_number": "1", "success": "yes", "biz_id": "b"}]))
                .unreadable
                .len(),
            1
        );
        assert_eq!(receipts(&json!([])).read.len(), 0);
    }

    #[test]
    fn answers_say_whether_a_message_was_taken() {
        let of = |status, code: &str| {
            outcome(
                status,
                json!({"Code": code, "BizId": "b-1"}).to_string().as_bytes(),
            )
        };
        assert_eq!(
            of(200, "OK"),
            HandOver::Accepted {
                provider_message_id: Some("b-1".to_owned())
            }
        );
        let kind = |outcome: HandOver| match outcome {
            HandOver::Accepted { .. } => "accepted",
            HandOver::NotNow { .. } => "not now",
            HandOver::Never { .. } => "never",
            HandOver::Ambiguous { .. } => "ambiguous",
        };
        for (status, code, expected) in [
            (200, "isv.BUSINESS_LIMIT_CONTROL", "not now"),
            (400, "Throttling.User", "not now"),
            (403, "SignatureDoesNotMatch", "not now"),
            (200, "isv.MOBILE_NUMBER_ILLEGAL", "never"),
            (200, "isv.SMS_TEMPLATE_ILLEGAL", "never"),
            (200, "isp.SYSTEM_ERROR", "ambiguous"),
            (503, "ServiceUnavailable", "ambiguous"),
            (500, "isv.MOBILE_NUMBER_ILLEGAL", "ambiguous"),
            (400, "SignatureNonceUsed", "ambiguous"),
            (400, "SomethingNew", "ambiguous"),
        ] {
            assert_eq!(kind(of(status, code)), expected, "{status} {code}");
        }
        for body in ["", "<html>", "[]", "{}"] {
            assert_eq!(kind(outcome(200, body.as_bytes())), "ambiguous", "{body}");
        }
    }

    #[test]
    fn the_form_of_a_call_is_escaped() {
        let body = send_body(
            "13812345678",
            "触点",
            ("SMS_1", "content"),
            "省 23.10 元&\"",
            "m-1",
        );
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        assert_eq!(
            pairs[0],
            ("PhoneNumbers".to_owned(), "13812345678".to_owned())
        );
        let parameters: Value = serde_json::from_str(&pairs[3].1).unwrap();
        assert_eq!(parameters, json!({"content": "省 23.10 元&\""}));
        assert_eq!(pairs[4].1, "m-1");
    }
}
