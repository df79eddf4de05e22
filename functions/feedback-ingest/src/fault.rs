//! What can be wrong with one event: a closed list, each with a stable code and a text in both languages that says what to change.
//!
//! The texts never repeat a value: it may be a telephone number or a customer's words.

use chudian_vocabulary::Name;

use crate::field::{Field, Form};
use crate::limits::{
    CLOCK_AHEAD_MS_MAX, EVENT_BYTES_MAX, EVENT_ID_BYTES_MAX, EVENT_SOURCE_BYTES_MAX,
};

/// Milliseconds of an hour, for texts.
const HOUR_MS: i64 = 3_600_000;

/// Where in an event, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// JSON pointer into the event in its structured form.
    pub pointer: String,
    /// What is wrong there.
    pub fault: Fault,
}

impl Finding {
    /// Something wrong with the event as a whole.
    #[must_use]
    pub fn whole(fault: Fault) -> Self {
        Self {
            pointer: String::new(),
            fault,
        }
    }

    /// Something wrong with an attribute of the envelope.
    #[must_use]
    pub fn at_attribute(name: &str, fault: Fault) -> Self {
        Self {
            pointer: format!("/{name}"),
            fault,
        }
    }

    /// Something wrong with a field of the data.
    #[must_use]
    pub fn at_field(field: Field, fault: Fault) -> Self {
        Self {
            pointer: format!("/data/{}", field.name()),
            fault,
        }
    }
}

/// What is wrong. As an error it says its code; [`Fault::text`] says it to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not an object, or no document at all.
    NotAnEvent,
    /// More than [`EVENT_BYTES_MAX`].
    TooLarge,
    /// A member stands in the event or its data twice.
    GivenTwice,
    /// `specversion` is not `1.0`.
    SpecVersion,
    /// `id`, `source` or `type` is absent or empty.
    AttributeMissing,
    /// An attribute of the envelope is no text, too long, or holds a character that cannot be stored.
    AttributeForm,
    /// `time` is no moment with a zone.
    TimeForm,
    /// The event lies too far in the future.
    TimeInTheFuture,
    /// The event lies outside the calendar.
    TimeOutOfRange,
    /// No event of ours has this type and version.
    TypeUnknown,
    /// `data` is absent, not an object, or not JSON.
    Data,
    /// A field that the kind needs is absent.
    FieldMissing,
    /// A field does not look as it must.
    FieldForm(Form),
    /// A pseudonym or identifier is a telephone number.
    LooksLikeANumber,
    /// The key may write events of its own region only.
    RegionNotAllowed,
    /// An event with this `source` and `id` was accepted before, and said something else.
    IdentityConflict,
}

impl Fault {
    /// Stable code, for programs and for the list of rejected events.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnEvent => "not-an-event",
            Self::TooLarge => "event-too-large",
            Self::GivenTwice => "duplicate-field",
            Self::SpecVersion => "spec-version-unsupported",
            Self::AttributeMissing => "attribute-missing",
            Self::AttributeForm => "attribute-invalid",
            Self::TimeForm => "time-invalid",
            Self::TimeInTheFuture => "time-in-the-future",
            Self::TimeOutOfRange => "time-out-of-range",
            Self::TypeUnknown => "type-unknown",
            Self::Data => "data-invalid",
            Self::FieldMissing => "missing-field",
            Self::FieldForm(_) => "value-not-allowed",
            Self::LooksLikeANumber => "looks-like-a-number",
            Self::RegionNotAllowed => "region-not-allowed",
            Self::IdentityConflict => "identity-conflict",
        }
    }

    /// The fault in words.
    #[must_use]
    pub fn text(self) -> Name {
        match self {
            Self::NotAnEvent => Name::new(
                "不是 CloudEvents 1.0 事件（应为 JSON 对象）。",
                "Not a CloudEvents 1.0 event, which is a JSON object.",
            ),
            Self::TooLarge => Name::new(
                format!("一个事件最多 {EVENT_BYTES_MAX} 字节。"),
                format!("An event may have at most {EVENT_BYTES_MAX} bytes."),
            ),
            Self::GivenTwice => Name::new(
                "同一字段出现了两次，只能出现一次。",
                "A member stands here twice; give it once.",
            ),
            Self::SpecVersion => Name::new(
                "specversion 应为 \"1.0\"。",
                "`specversion` must be \"1.0\".",
            ),
            Self::AttributeMissing => Name::new(
                "缺少这个属性，或为空。",
                "This attribute is missing or empty; add it.",
            ),
            Self::AttributeForm => Name::new(
                format!(
                    "应为文本：id 最多 {EVENT_ID_BYTES_MAX} 字节，source 最多 {EVENT_SOURCE_BYTES_MAX} 字节，不含控制字符。"
                ),
                format!(
                    "Must be a text: `id` of at most {EVENT_ID_BYTES_MAX} bytes, `source` of at most {EVENT_SOURCE_BYTES_MAX}, without control characters."
                ),
            ),
            Self::TimeForm => Name::new(
                "时间应为带时区的 RFC 3339，例如 2026-11-22T12:00:00+08:00。",
                "A time is RFC 3339 with its zone, such as 2026-11-22T12:00:00+08:00.",
            ),
            Self::TimeInTheFuture => {
                let hours = CLOCK_AHEAD_MS_MAX.div_euclid(HOUR_MS);
                Name::new(
                    format!("事件时间超前超过 {hours} 小时；请校准发送方的时钟和时区。"),
                    format!(
                        "The event lies more than {hours} hours in the future; set the sender's clock and zone."
                    ),
                )
            }
            Self::TimeOutOfRange => Name::new(
                "时间应在 1990 年至 2199 年之间。",
                "A time lies in the years 1990 to 2199.",
            ),
            Self::TypeUnknown => Name::new(
                "没有这种事件类型或版本；可用的类型见 /feedback/v1/schemas。",
                "There is no such type or version of event; /feedback/v1/schemas lists them.",
            ),
            Self::Data => Name::new("data 应为 JSON 对象。", "`data` must be a JSON object."),
            Self::FieldMissing => {
                Name::new("缺少这个字段，请补上。", "This field is missing; add it.")
            }
            Self::FieldForm(form) => form_text(form),
            Self::LooksLikeANumber => Name::new(
                "这里不能是电话号码；请使用不可还原的代号，编号前可加字母。",
                "This must not be a telephone number; use a pseudonym, or put a letter before a number of another kind.",
            ),
            Self::RegionNotAllowed => Name::new(
                "这把密钥只能写入本地区的事件。",
                "This key writes events of its own region only.",
            ),
            Self::IdentityConflict => Name::new(
                "相同 source 和 id 的事件已被接受，但内容不同；更正请用新的 id。",
                "An event with this source and id was accepted with other content; send a correction under a new id.",
            ),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}

impl std::error::Error for Fault {}

fn form_text(form: Form) -> Name {
    match form {
        Form::Pseudonym => Name::new(
            "应为 1 至 64 个字符，限 A-Z a-z 0-9 _ - .",
            "Must have 1 to 64 characters of A-Z a-z 0-9 _ - .",
        ),
        Form::Identifier => Name::new(
            "应为 1 至 64 个字符，限 A-Z a-z 0-9 - _ . :",
            "Must have 1 to 64 characters of A-Z a-z 0-9 - _ . :",
        ),
        Form::Text(characters_max) => Name::new(
            format!("应为文本，最多 {characters_max} 个字符，不含控制字符。"),
            format!(
                "Must be a text of at most {characters_max} characters without control characters."
            ),
        ),
        Form::Keys(characters_max) => Name::new(
            format!("应为 1 至 {characters_max} 个按键，限 0-9 * #"),
            format!("Must be 1 to {characters_max} keys of 0-9 * #"),
        ),
        Form::Whole(max) => Name::new(
            format!("应为 0 至 {max} 的整数。"),
            format!("Must be a whole number from 0 to {max}."),
        ),
        Form::Moment => Fault::TimeForm.text(),
        Form::Word(words) => {
            let words = words.join(", ");
            Name::new(
                format!("没有这个取值；可用的取值：{words}"),
                format!("Not a known word; one of {words}"),
            )
        }
    }
}
