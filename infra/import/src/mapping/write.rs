//! Writes a draft of a mapping as TOML that a person can follow and edit.

use std::fmt::Write as _;

use chudian_dataset::schema::{Kind, Purpose, Unit};

use super::{DropRule, GroupRule, IdForm, MAPPING_FORMAT, MappingText};
use crate::decimal::Rounding;

/// What a draft says about a column beside its rule: both languages, one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// The text of a draft: the head's remarks, then each column with its remark. `column_remarks` and `drop_remarks` go with the columns and
/// the dropped headings in their order.
pub(crate) fn draft(
    text: &MappingText,
    head: &[Remark],
    id: &Remark,
    column_remarks: &[Remark],
    drop_remarks: &[Remark],
) -> String {
    let mut out = String::new();
    head.iter().for_each(|remark| comment(&mut out, remark));
    // Writing to a string does not fail, so the outcomes are dropped here and below.
    let _ = write!(
        out,
        "\nformat = {}\nsource = {}\n\n[file]\n",
        quoted(MAPPING_FORMAT),
        quoted(&text.source)
    );
    let file = &text.file;
    if let Some(kind) = file.kind {
        let _ = writeln!(out, "kind = {}", quoted(kind.as_str()));
    }
    if let Some(encoding) = file.encoding {
        let _ = writeln!(out, "encoding = {}", quoted(encoding.as_str()));
    }
    if let Some(delimiter) = file.delimiter {
        let _ = writeln!(out, "delimiter = {}", quoted(&delimiter.to_string()));
    }
    if let Some(sheet) = &file.sheet {
        let _ = writeln!(out, "sheet = {}", quoted(sheet));
    }
    let empty: Vec<String> = file.empty.iter().map(|word| quoted(word)).collect();
    let _ = write!(out, "empty = [{}]\n\n", empty.join(", "));
    comment(&mut out, id);
    out.push_str("[id]\n");
    if let Some(heading) = &text.id.heading {
        let _ = writeln!(out, "heading = {}", quoted(heading));
    }
    let form = match text.id.form {
        IdForm::Number => "number",
        IdForm::Text => "text",
        IdForm::Row => "row",
        IdForm::Pseudonym => "pseudonym",
    };
    let _ = writeln!(out, "form = {}", quoted(form));
    for (index, column) in text.columns.iter().enumerate() {
        out.push('\n');
        if let Some(remark) = column_remarks.get(index) {
            comment(&mut out, remark);
        }
        let _ = write!(
            out,
            "[[column]]\nheading = {}\nname = {}\nkind = {}\n",
            quoted(&column.heading),
            quoted(column.name.as_str()),
            quoted(column.kind.as_str())
        );
        if let Some(unit) = unit_word(column.unit) {
            let _ = writeln!(out, "unit = {}", quoted(unit));
        }
        if let Some(from) = column.from {
            let _ = writeln!(out, "from = {}", quoted(from.as_str()));
        }
        match column.rounding {
            Rounding::Exact => {}
            Rounding::HalfUp => out.push_str("rounding = \"half-up\"\n"),
            Rounding::Down => out.push_str("rounding = \"down\"\n"),
        }
        match column.purpose {
            Some(Purpose::Region) => out.push_str("purpose = \"region\"\n"),
            Some(Purpose::Brand) => out.push_str("purpose = \"brand\"\n"),
            None => {}
        }
        let _ = writeln!(
            out,
            "title = {{ zh = {}, en = {} }}",
            quoted(&column.title.zh),
            quoted(&column.title.en)
        );
        groups(&mut out, &column.groups);
        debug_assert!(column.kind != Kind::Identity);
    }
    for (index, DropRule { heading, reason }) in text.dropped.iter().enumerate() {
        out.push('\n');
        if let Some(remark) = drop_remarks.get(index) {
            comment(&mut out, remark);
        }
        let _ = write!(
            out,
            "[[drop]]\nheading = {}\nreason = {}\n",
            quoted(heading),
            quoted(reason)
        );
    }
    out
}

fn groups(out: &mut String, groups: &[GroupRule]) {
    if groups.is_empty() {
        return;
    }
    out.push_str("group = [\n");
    for group in groups {
        let _ = write!(
            out,
            "    {{ code = {}, title = {{ zh = {}, en = {} }}",
            quoted(&group.code),
            quoted(&group.title.zh),
            quoted(&group.title.en)
        );
        if let Some(from) = group.from {
            let _ = write!(out, ", from = {from}");
        }
        if let Some(to) = group.to {
            let _ = write!(out, ", to = {to}");
        }
        if !group.words.is_empty() {
            let words: Vec<String> = group.words.iter().map(|word| quoted(word)).collect();
            let _ = write!(out, ", words = [{}]", words.join(", "));
        }
        out.push_str(" },\n");
    }
    out.push_str("]\n");
}

fn comment(out: &mut String, remark: &Remark) {
    for line in remark.zh.lines().chain(remark.en.lines()) {
        let _ = writeln!(out, "# {line}");
    }
}

/// The unit's word in a mapping; nothing for a bare number.
fn unit_word(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::None => None,
        Unit::Times => Some("times"),
        Unit::People => Some("people"),
        Unit::Pieces => Some("pieces"),
        Unit::Messages => Some("messages"),
        Unit::Seconds => Some("seconds"),
        Unit::Minutes => Some("minutes"),
        Unit::Kilobytes => Some("kilobytes"),
        Unit::Megabytes => Some("megabytes"),
        Unit::Days => Some("days"),
        Unit::Months => Some("months"),
        Unit::Years => Some("years"),
        Unit::Percent => Some("percent"),
        Unit::Points => Some("points"),
    }
}

/// A TOML string of one line.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace(['\n', '\r'], " ")).to_string()
}
