//! Turns the errors of serde into field errors: a JSON pointer, a code, and a text in both languages.
//!
//! Serde's messages are English sentences of a few fixed forms; each form is read here and said again in Chinese. A form that
//! is not known (a type's own message) is passed on as it is, after a Chinese introduction.

use chudian_vocabulary::Name;
use serde_path_to_error::{Path, Segment};

use super::FieldError;

/// The field error of a serde failure at `path` with the message `message`.
pub fn field_error_of(path: &Path, message: &str) -> FieldError {
    // serde_json adds the place in the text, which the pointer says better.
    let message = message.split(" at line ").next().unwrap_or(message);
    let mut pointer = pointer_of(path);
    let (code, detail) = translate(message, &mut pointer);
    FieldError {
        pointer,
        code: code.to_owned(),
        detail,
    }
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

/// Appends a reference token, escaped by RFC 6901.
fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Text between the first pair of backquotes.
fn quoted(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

fn translate(message: &str, pointer: &mut String) -> (&'static str, Name) {
    let name_of = |zh: String| Name::new(zh, message);
    if message.starts_with("missing field") {
        if let Some(field) = quoted(message) {
            push_token(pointer, field);
        }
        return (
            "missing-field",
            Name::new("缺少这个字段，请补上。", "This field is missing; add it."),
        );
    }
    if message.starts_with("unknown field") || message.starts_with("duplicate field") {
        if let Some(field) = quoted(message)
            && pointer.rsplit('/').next() != Some(field)
        {
            push_token(pointer, field);
        }
        return if message.starts_with("unknown") {
            let expected = message
                .split_once(", ")
                .map_or("", |(_, expected)| expected);
            (
                "unknown-field",
                name_of(format!(
                    "没有这个字段；可用的字段：{}",
                    after_expected(expected)
                )),
            )
        } else {
            (
                "duplicate-field",
                name_of("这个字段出现了两次，只能出现一次。".to_owned()),
            )
        };
    }
    if let Some(rest) = message.strip_prefix("invalid type: ") {
        return ("wrong-type", name_of(found_and_expected("类型不对", rest)));
    }
    if let Some(rest) = message.strip_prefix("invalid value: ") {
        return (
            "value-not-allowed",
            name_of(found_and_expected("取值不对", rest)),
        );
    }
    if let Some(rest) = message.strip_prefix("invalid length ") {
        return (
            "wrong-length",
            name_of(found_and_expected("长度不对", rest)),
        );
    }
    if message.starts_with("unknown variant") {
        let value = quoted(message).unwrap_or_default();
        let expected = message
            .split_once(", ")
            .map_or("", |(_, expected)| expected);
        return (
            "value-not-allowed",
            name_of(format!(
                "没有“{value}”这个取值；可用的取值：{}",
                after_expected(expected)
            )),
        );
    }
    (
        "value-not-allowed",
        name_of(format!("取值不符合要求：{message}")),
    )
}

fn after_expected(text: &str) -> &str {
    text.strip_prefix("expected one of ")
        .or_else(|| text.strip_prefix("expected "))
        .unwrap_or(text)
}

fn found_and_expected(what: &str, rest: &str) -> String {
    match rest.split_once(", expected ") {
        Some((found, expected)) => format!("{what}：得到 {found}，应为 {expected}。"),
        None => format!("{what}：{rest}。"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "a/b")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u8,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        One,
        Two,
    }

    fn error_of(json: &str) -> FieldError {
        let error = serde_path_to_error::deserialize::<_, Outer>(
            &mut serde_json::Deserializer::from_str(json),
        )
        .unwrap_err();
        field_error_of(error.path(), &error.inner().to_string())
    }

    /// Goal: the pointer names the very field, whatever is wrong with it.
    #[test]
    fn every_form_points_to_its_field() {
        let table = [
            (r#"{}"#, "/a~1b", "missing-field"),
            (r#"{"a/b":[{}]}"#, "/a~1b/0/count", "missing-field"),
            (
                r#"{"a/b":[{"count":1},{"count":"x"}]}"#,
                "/a~1b/1/count",
                "wrong-type",
            ),
            (
                r#"{"a/b":[{"count":-1}]}"#,
                "/a~1b/0/count",
                "value-not-allowed",
            ),
            (
                r#"{"a/b":[{"count":1,"colour":1}]}"#,
                "/a~1b/0/colour",
                "unknown-field",
            ),
            (
                r#"{"a/b":[{"count":1,"count":1}]}"#,
                "/a~1b/0/count",
                "duplicate-field",
            ),
            (
                r#"{"a/b":[{"count":1,"kind":"three"}]}"#,
                "/a~1b/0/kind",
                "value-not-allowed",
            ),
            (r#"[]"#, "", "wrong-length"),
            (r#"5"#, "", "wrong-type"),
        ];
        for (json, pointer, code) in table {
            let error = error_of(json);
            assert_eq!(
                (error.pointer.as_str(), error.code.as_str()),
                (pointer, code),
                "{json}: {error:?}"
            );
            assert!(!error.detail.zh.is_ascii(), "{json}");
        }
    }

    #[test]
    fn the_reader_learns_what_was_expected() {
        assert_eq!(
            error_of(r#"{"a/b":[{"count":1,"kind":"three"}]}"#)
                .detail
                .zh,
            "没有“three”这个取值；可用的取值：`one` or `two`"
        );
        assert_eq!(
            error_of(r#"{"a/b":[{"count":"x"}]}"#).detail.zh,
            "类型不对：得到 string \"x\"，应为 u8。"
        );
        let known = serde_json::from_str::<Outer>(
            r#"{"a/b":[{"count":1,"kind":"two"},{"count":2,"kind":"one"}]}"#,
        )
        .unwrap();
        assert!(
            known
                .inner
                .iter()
                .all(|inner| inner.kind.is_some() && inner.count > 0)
        );
    }
}
