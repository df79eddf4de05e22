//! From what is wrong to what a client is told.

use chudian_runtime::http::auth::Caller;
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::Name;

use crate::command::WordFinding;
use crate::limits::CALLBACK_ITEMS_MAX;
use crate::service::{HallError, IntakeError, SettingsError};
use crate::webhook::WebhookFault;

/// Seconds until an installation that is not set up may be.
const NOT_CONFIGURED_RETRY_AFTER_S: u32 = 60;

impl From<HallError> for Problem {
    fn from(error: HallError) -> Self {
        match error {
            HallError::Sql(error) => error.into(),
            HallError::Settings(error) => error.into(),
            HallError::Unreadable(_) => Self::internal(error.to_string()),
        }
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::NoPseudonymKey => {
                let detail = Name::new(
                    "短信营业厅尚未配置：请设置变量 pseudonym_key（与导入时相同）。",
                    "The SMS hall is not set up: set the variable `pseudonym_key`, the same as the import's.",
                );
                Self::new(catalogue::SMS_NOT_CONFIGURED, detail)
                    .with_retry_after_s(NOT_CONFIGURED_RETRY_AFTER_S)
                    .with_cause(error.to_string())
            }
            SettingsError::Variable(error) => error.into(),
        }
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            // The same as for any address that does not exist.
            IntakeError::NoSuchPath => Self::of_kind(catalogue::NO_ROUTE),
            IntakeError::Signature(fault) => Self::new(
                catalogue::SMS_SIGNATURE_INVALID,
                match fault {
                    WebhookFault::Header => Name::new(
                        "请提供 webhook-id、webhook-timestamp、webhook-signature 请求头（Standard Webhooks）。",
                        "Send the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks).",
                    ),
                    WebhookFault::Stale | WebhookFault::Future => Name::new(
                        "签名时间与本系统相差超过 5 分钟，请校准时钟后重新签名。",
                        "The signature's time is more than five minutes from ours; set the clock and sign again.",
                    ),
                    WebhookFault::Signature => Name::new(
                        "签名不符：请用该网关的密钥对 id.timestamp.body 计算 HMAC-SHA256。",
                        "No signature fits: HMAC-SHA256 over `id.timestamp.body` with the gateway's secret.",
                    ),
                },
            ),
            IntakeError::Conflict => {
                let detail = Name::new(
                    "相同 webhook-id 的短信已收到，但内容不同；新短信请用新的 id。",
                    "A message with this `webhook-id` came before and said something else; give a new message a new id.",
                );
                Self::new(catalogue::SMS_MESSAGE_CONFLICT, detail)
            }
            IntakeError::TooMany => {
                let detail = Name::new(
                    format!("一次回调最多 {CALLBACK_ITEMS_MAX} 条。"),
                    format!("A callback has at most {CALLBACK_ITEMS_MAX} items."),
                );
                Self::new(catalogue::PAYLOAD_TOO_LARGE, detail)
            }
            IntakeError::Unreadable => {
                let detail = Name::new(
                    "没有一条可读：请核对该地址对应的供应商和回调类型。",
                    "Nothing in it can be read; check which provider and which kind of callback this path is for.",
                );
                Self::new(catalogue::INVALID_BODY, detail)
            }
            IntakeError::Hall(error) => error.into(),
        }
    }
}

/// A field of a body with a value that it may not have.
pub(super) fn invalid_field(pointer: &str, detail: Name) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code: "value-not-allowed".to_owned(),
        detail,
    }
}

/// A query with a parameter that cannot be right.
pub(super) fn invalid_query(parameter: &str, detail: Name) -> Problem {
    Problem::of_kind(catalogue::INVALID_QUERY)
        .with_errors([invalid_field(&format!("/{parameter}"), detail)])
}

/// A parameter that is none of these words.
pub(super) fn not_a_word<const COUNT: usize>(
    parameter: &str,
    words: [&'static str; COUNT],
) -> Problem {
    let words = words.join(", ");
    let detail = Name::new(
        format!("没有这个取值；可用的取值：{words}"),
        format!("Not a known word; one of {words}"),
    );
    invalid_query(parameter, detail)
}

/// What holds for the whole province is set by keys of the whole province.
pub(super) fn province_only(caller: &Caller) -> Result<(), Problem> {
    if caller.region.is_none() {
        return Ok(());
    }
    let detail = Name::new(
        "这项操作对全省生效，只有全省的密钥可以进行。",
        "This concerns the whole province; only a key for the whole province may do it.",
    );
    Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail))
}

/// A body with such fields.
pub(super) fn invalid_body(errors: impl IntoIterator<Item = FieldError>) -> Problem {
    Problem::of_kind(catalogue::INVALID_BODY).with_errors(errors)
}

/// What is wrong with words of commands.
pub(super) fn words_invalid(findings: Vec<WordFinding>) -> Problem {
    let errors = findings.into_iter().map(|finding| FieldError {
        pointer: finding.pointer,
        code: finding.fault.code().to_owned(),
        detail: finding.fault.text(),
    });
    Problem::of_kind(catalogue::SMS_COMMANDS_INVALID).with_errors(errors)
}

/// No such gateway, or it is another region's.
pub(super) fn gateway_unknown() -> Problem {
    Problem::of_kind(catalogue::SMS_GATEWAY_UNKNOWN)
}
