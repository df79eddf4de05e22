//! Says serde's refusals again in the field's words, where there is no schema to say them: query strings, and types whose
//! schema is wider than what they take.
//!
//! Serde's messages are sentences of a few fixed forms about Rust types. Each form is read here and said anew; a message of no
//! known form is never passed on, since nobody outside knows what a `u64` is.

use chudian_vocabulary::Name;
use serde_path_to_error::{Path, Segment};

use super::FieldError;
use super::shape::{Mistake, push_token};
use super::words::{self, Range, phrase};

/// The field error of a serde failure at `path` with the message `message`.
#[must_use]
pub fn field_error_of(path: &Path, message: &str) -> FieldError {
    mistake_of(pointer_of(path), message).into()
}

fn pointer_of(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => push_token(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_token(&mut pointer, key),
            // A variant's name is not a step in the document, unless the enum is written as an object of one member;
            // serde_path_to_error then reports the member as a map key as well.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// What serde says with `message` about the place `pointer`.
pub(super) fn mistake_of(mut pointer: String, message: &str) -> Mistake {
    // serde_json adds the place in the text, which the pointer says better.
    let message = message.split(" at line ").next().unwrap_or(message);
    let (code, detail) = said_anew(message, &mut pointer);
    Mistake {
        pointer,
        code,
        detail,
    }
}

/// Texts between backquotes.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

fn said_anew(message: &str, pointer: &mut String) -> (&'static str, Name) {
    let names_a_field = ["missing field", "unknown field", "duplicate field"]
        .iter()
        .any(|form| message.starts_with(form));
    if names_a_field
        && let Some(field) = quoted(message).next()
        && (message.starts_with("missing") || pointer.rsplit('/').next() != Some(field))
    {
        push_token(pointer, field);
    }
    let field = pointer.rsplit('/').next().unwrap_or_default().to_owned();
    let others = || quoted(message).skip(1).collect::<Vec<_>>();
    if message.starts_with("missing field") {
        ("missing-field", phrase("缺少这个字段", "is missing"))
    } else if message.starts_with("duplicate field") {
        (
            "duplicate-field",
            phrase(
                "这个字段写了两次，只能写一次",
                "is written twice; write it once",
            ),
        )
    } else if message.starts_with("unknown field") {
        (
            "unknown-field",
            unknown("没有这个字段", "unknown field", &others()),
        )
    } else if message.starts_with("unknown variant") {
        (
            "unknown-word",
            unknown("没有这个取值", "unknown word", &others()),
        )
    } else if let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        wrong_type(found, expected, &field)
    } else if let Some((_, expected)) = message
        .strip_prefix("invalid value: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        ("out-of-range", must_be(expected_noun(expected, &field)))
    } else {
        unread(message, &field)
    }
}

/// Something that is not among `known`.
fn unknown(zh: &str, en: &str, known: &[&str]) -> Name {
    if known.is_empty() {
        return phrase(zh, en);
    }
    phrase(
        format!("{zh}；可用的有 {}", known.join("、")),
        format!("{en}; there are {}", known.join(", ")),
    )
}

fn must_be(noun: Option<Name>) -> Name {
    noun.map_or_else(
        || phrase("取值不符合要求", "is not a value that this field takes"),
        |noun| phrase(format!("应为{}", noun.zh), format!("must be {}", noun.en)),
    )
}

fn wrong_type(found: &str, expected: &str, field: &str) -> (&'static str, Name) {
    let noun = expected_noun(expected, field);
    if found.starts_with("floating point") && integer_range(expected).is_some() {
        let noun = words::whole_number(field, None, None);
        let detail = phrase(
            format!("应为{}，只用数字书写，不带小数点和指数", noun.zh),
            format!("must be {}, written in digits only", noun.en),
        );
        return ("not-an-integer", detail);
    }
    ("wrong-type", must_be(noun))
}

/// What could not be read from a text, in the words of the standard library.
fn unread(message: &str, field: &str) -> (&'static str, Name) {
    let is_a_number = message.ends_with("digit found in string")
        || message.ends_with("integer from empty string");
    if is_a_number {
        let noun = words::whole_number(field, None, None);
        return ("not-an-integer", must_be(Some(noun)));
    }
    match message {
        "number too large to fit in target type" => {
            ("out-of-range", phrase("数值过大", "is too large"))
        }
        "number too small to fit in target type" => {
            ("out-of-range", phrase("数值过小", "is too small"))
        }
        "provided string was not `true` or `false`" => {
            ("wrong-type", must_be(words::kind("boolean")))
        }
        _ => ("value-not-allowed", must_be(None)),
    }
}

/// What serde expected, as a noun of the field; nothing for what is no kind of value.
fn expected_noun(expected: &str, field: &str) -> Option<Name> {
    if let Some(range) = integer_range(expected) {
        return Some(words::whole_number(field, None, Some(range)));
    }
    let kind = match expected.split(' ').next().unwrap_or_default() {
        "struct" | "map" => "object",
        "f32" | "f64" => "number",
        _ => match expected {
            "a string" | "a borrowed string" | "a character" => return Some(words::text(None)),
            "a boolean" => "boolean",
            "a sequence" => "array",
            "a map" => "object",
            _ => "",
        },
    };
    words::kind(kind)
}

/// What a Rust integer holds.
fn integer_range(name: &str) -> Option<Range> {
    let (least, most): (i128, i128) = match name {
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => (i64::MIN.into(), i64::MAX.into()),
        "a nonzero u8" => (1, u8::MAX.into()),
        "a nonzero u16" => (1, u16::MAX.into()),
        "a nonzero u32" => (1, u32::MAX.into()),
        "a nonzero u64" => (1, u64::MAX.into()),
        _ => return None,
    };
    Some(Range {
        least: Some(least),
        most: Some(most),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its refusals are looked at")]
    struct Query {
        limit: Option<u32>,
        small: Option<u8>,
        whole: Option<bool>,
        kind: Option<Kind>,
        number: Option<std::num::NonZeroU64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        OfOne,
        OfTwo,
    }

    /// Goal: every form that a query can be refused in, in the words of its parameter.
    #[test]
    fn queries_are_refused_in_the_words_of_the_parameter() {
        let table = [
            "limit=1e3",
            "limit=-3",
            "limit=",
            "limit=99999999999",
            "limit=1&limit=2",
            "limits=1",
            "small=300",
            "whole=yes",
            "kind=of-three",
            "number=0",
        ];
        let shown = table.map(|query| {
            let pairs =
                serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
            let failure = serde_path_to_error::deserialize::<_, Query>(pairs).unwrap_err();
            let error = field_error_of(failure.path(), &failure.inner().to_string());
            format!(
                "{query}\n  {} {}\n  {}\n  {}",
                error.pointer, error.code, error.detail.en, error.detail.zh
            )
        });
        insta::assert_snapshot!(shown.join("\n"));
    }

    /// Goal: the same for values that are no text, as far as serde words them.
    #[test]
    fn values_are_refused_in_the_words_of_the_field() {
        let table = [
            "invalid type: floating point `1000.0`, expected u64",
            "invalid type: string \"13812345678\", expected u64",
            "invalid value: integer `-1`, expected u32",
            "invalid value: integer `0`, expected a nonzero u64",
            "invalid type: map, expected a string",
            "invalid type: integer `5`, expected struct UsageForm",
            "invalid length 0, expected struct Outer with 1 element",
            "invalid type: unit value, expected string or map",
            "missing field `a/b`",
            "duplicate field `kb`",
            "unknown field `kbs`, expected `kb` or `seconds`",
            "unknown field `kbs`, there are no fields",
            "unknown variant `fax`, expected one of `voice`, `data`, `sms`",
            "something that a type of its own says",
        ];
        let shown = table.map(|message| {
            let mistake = mistake_of(
                "/months/0/kb".to_owned(),
                &format!("{message} at line 1 column 5"),
            );
            format!(
                "{message}\n  {} {}\n  {}\n  {}",
                mistake.pointer, mistake.code, mistake.detail.en, mistake.detail.zh
            )
        });
        insta::assert_snapshot!(shown.join("\n"));
    }
}
