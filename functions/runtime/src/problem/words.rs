//! What a field of a document is called and measured in, in both languages: the nouns of every refusal.
//!
//! A field's unit stands in its name (`kb`, `ttl_s`, `amount_fen`), as everywhere in this house; where the name of a published
//! field does not say it, the field's schema does, as its `format` (`yuan`, `per-mille`, `date`, …).

use chudian_vocabulary::Name;
use serde_json::Value;

/// Units by the end of a field's name; the first that fits counts.
const UNITS: [(&str, &str, &str); 13] = [
    ("_60s_units", "60 秒计费单元", "60-second units"),
    ("_6s_units", "6 秒计费单元", "6-second units"),
    ("permille", "千分比", "thousandths"),
    ("seconds", "秒", "seconds"),
    ("months", "月", "months"),
    ("bytes", "字节", "bytes"),
    ("hours", "小时", "hours"),
    ("days", "天", "days"),
    ("rows", "行", "rows"),
    ("_fen", "分", "fen"),
    ("_ms", "毫秒", "milliseconds"),
    ("kb", "KB", "KB"),
    ("_s", "秒", "seconds"),
];

/// What a text holds, by the `format` of its schema: the noun, and an example as it is written.
const TEXTS: [(&str, &str, &str, &str); 6] = [
    ("yuan", "金额（元）", "an amount in yuan", "\"0.15\""),
    ("percent", "百分数", "a percentage", "\"12.5\""),
    ("decimal", "十进制数", "a decimal number", "\"1.5\""),
    ("date", "日期", "a date", "\"2026-05-31\""),
    ("month", "月份", "a month", "\"2026-05\""),
    (
        "local-date-time",
        "当地时间",
        "a local time",
        "\"2026-05-31T08:00:00\"",
    ),
];

/// A name made of two parts, each in both languages.
pub(super) fn phrase(zh: impl Into<String>, en: impl Into<String>) -> Name {
    Name::new(zh, en)
}

/// Whole numbers that a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: Option<i128>,
    pub(super) most: Option<i128>,
}

/// A whole number, with its unit and, where `range` is told, its bounds.
pub(super) fn whole_number(field: &str, format: Option<&str>, range: Option<Range>) -> Name {
    let (unit_zh, unit_en) = unit_of(field, format);
    let unit_zh = if unit_zh.is_empty() {
        String::new()
    } else {
        format!("（{unit_zh}）")
    };
    let unit_en = if unit_en.is_empty() {
        String::new()
    } else {
        format!(" of {unit_en}")
    };
    let (range_zh, range_en) = match range.map(|range| (range.least, range.most)) {
        Some((Some(least), Some(most))) => (
            format!("，{least} 至 {most}"),
            format!(" from {least} to {most}"),
        ),
        Some((Some(least), None)) => (format!("，不小于 {least}"), format!(", at least {least}")),
        Some((None, Some(most))) => (format!("，不大于 {most}"), format!(", at most {most}")),
        Some((None, None)) | None => Default::default(),
    };
    phrase(
        format!("整数{unit_zh}{range_zh}"),
        format!("a whole number{unit_en}{range_en}"),
    )
}

fn unit_of(field: &str, format: Option<&str>) -> (&'static str, &'static str) {
    if format == Some("per-mille") {
        return ("千分比", "thousandths");
    }
    unit_in_name(field).unwrap_or_default()
}

/// The unit that a field's name ends with, in Chinese and English.
#[must_use]
pub fn unit_in_name(field: &str) -> Option<(&'static str, &'static str)> {
    UNITS
        .iter()
        .find(|(end, ..)| field.ends_with(end))
        .map(|(_, zh, en)| (*zh, *en))
}

/// A text, and what it holds where its format says so.
pub(super) fn text(format: Option<&str>) -> Name {
    match TEXTS.iter().find(|(known, ..)| format == Some(known)) {
        Some((_, zh, en, example)) => phrase(
            format!("{zh}，写成加引号的文本，例如 {example}"),
            format!("{en} in quotation marks, like {example}"),
        ),
        None => phrase("加引号的文本", "text in quotation marks"),
    }
}

/// A value of one of JSON's other kinds; nothing for a kind that is none of JSON's.
pub(super) fn kind(kind: &str) -> Option<Name> {
    Some(match kind {
        "object" => phrase("对象 { }", "an object { }"),
        "array" => phrase("列表 [ ]", "a list [ ]"),
        "boolean" => phrase("真假值（true 或 false）", "true or false"),
        "number" => phrase("数字", "a number"),
        "null" => phrase("空值（null）", "null"),
        _ => return None,
    })
}

/// What was found in place of what was expected. The value itself is not repeated: it may be a person's.
pub(super) fn found(value: &Value) -> Name {
    match value {
        Value::Null => phrase("空值（null）", "null"),
        Value::Bool(_) => phrase("真假值", "true or false"),
        Value::Number(_) => phrase("数字", "a number"),
        Value::String(_) => phrase("文本", "text"),
        Value::Array(_) => phrase("列表", "a list"),
        Value::Object(_) => phrase("对象", "an object"),
    }
}

/// Number of single-character changes between two words, for "did you mean".
pub(super) fn distance(left: &str, right: &str) -> usize {
    /// Longer words are no misspelling of ours.
    const CHARACTERS_MAX: usize = 64;
    let right: Vec<char> = right.chars().take(CHARACTERS_MAX).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (row_index, left) in left.chars().take(CHARACTERS_MAX).enumerate() {
        let mut diagonal = row_index;
        let mut before = row_index + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(&right) {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = *cell;
            *cell = replaced.min(*cell + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// The word that somebody who wrote `given` may have meant.
pub(super) fn closest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Changes that a misspelling has at most.
    const CHANGES_MAX: usize = 2;
    let given = given.to_ascii_lowercase();
    known
        .map(|word| (distance(&word.to_ascii_lowercase(), &given), word))
        .filter(|(changes, word)| *changes <= CHANGES_MAX && *changes < word.chars().count())
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_from_the_end_of_a_name() {
        let table = [
            ("kb", "整数（KB）", "a whole number of KB"),
            ("ttl_s", "整数（秒）", "a whole number of seconds"),
            ("seconds", "整数（秒）", "a whole number of seconds"),
            (
                "billed_60s_units",
                "整数（60 秒计费单元）",
                "a whole number of 60-second units",
            ),
            ("first_months", "整数（月）", "a whole number of months"),
            ("count", "整数", "a whole number"),
            ("", "整数", "a whole number"),
        ];
        for (field, zh, en) in table {
            assert_eq!(
                whole_number(field, None, None),
                Name::new(zh, en),
                "{field}"
            );
        }
    }

    #[test]
    fn a_misspelling_finds_its_word() {
        let words = ["saving_min", "tie_breaks", "id"];
        for (given, meant) in [
            ("saving_mni", Some("saving_min")),
            ("tiebreaks", Some("tie_breaks")),
            ("ID", Some("id")),
            ("xy", None),
            ("colour", None),
        ] {
            assert_eq!(closest(given, words.into_iter()), meant, "{given}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
