//! What a new upload says of itself.

use chudian_dataset::schema::{Column, Schema, SchemaError};
use chudian_runtime::problem::FieldError;
use chudian_vocabulary::Name;
use chudian_vocabulary::masking::mask_numbers;

use crate::limits::{FORMAT_CHARACTERS_MAX, NOTE_CHARACTERS_MAX};
use crate::wire::SourceFacts;

/// A schema error with its place among `columns`.
pub fn schema_error(error: &SchemaError, columns: &[Column]) -> FieldError {
    let place_of = |name: &chudian_dataset::schema::ColumnName, last: bool| {
        let mut matching = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| &column.name == name);
        let found = if last {
            matching.next_back()
        } else {
            matching.next()
        };
        found.map_or_else(
            || "/columns".to_owned(),
            |(index, _)| format!("/columns/{index}"),
        )
    };
    let pointer = match error {
        SchemaError::ColumnName | SchemaError::Columns | SchemaError::IdentityPlace => {
            "/columns".to_owned()
        }
        SchemaError::Repeated(name) | SchemaError::RepeatedPurpose(name) => place_of(name, true),
        SchemaError::Column { column, .. } => place_of(column, false),
    };
    let zh = match error {
        SchemaError::ColumnName => {
            "列名须以小写字母开头，由小写字母、数字和下划线组成，最多 64 个字符。".to_owned()
        }
        SchemaError::Columns => format!("列数应为 1 至 {}。", chudian_dataset::COLUMNS_MAX),
        SchemaError::Repeated(name) => format!("列“{name}”出现了两次。"),
        SchemaError::RepeatedPurpose(name) => {
            format!("列“{name}”与前面的列用途相同；每种用途只能有一列。")
        }
        SchemaError::IdentityPlace => {
            "快照的第一列必须是客户标识 id；图层不能有客户标识。".to_owned()
        }
        SchemaError::Column { fault, .. } => fault_zh(*fault).to_owned(),
    };
    FieldError {
        pointer,
        code: "value-not-allowed".to_owned(),
        detail: Name::new(zh, format!("{error}.")),
    }
}

const fn fault_zh(fault: chudian_dataset::schema::ColumnFault) -> &'static str {
    use chudian_dataset::schema::ColumnFault;
    match fault {
        ColumnFault::Title => "标题在两种语言中都须有 1 至 80 个字符。",
        ColumnFault::Unit => "只有整数列有单位；金额以分计，评分没有单位。",
        ColumnFault::Purpose => "只有词语列可以作为地区或品牌。",
        ColumnFault::Source => "来源说明过长。",
        ColumnFault::Identity => "名为 id 的列是客户标识，其他列都不是。",
        ColumnFault::Groups => "分组编码只用于词语列：最多 256 个，不重复，两种语言都有标题。",
    }
}

/// The schema of a new layer, which must not hide the columns of its snapshot.
///
/// # Errors
/// The field that is wrong.
pub fn layer_schema(columns: Vec<Column>, base: &Schema) -> Result<Schema, FieldError> {
    let schema =
        Schema::of_layer(columns.clone()).map_err(|error| schema_error(&error, &columns))?;
    let hiding = schema
        .columns()
        .iter()
        .enumerate()
        .find(|(_, column)| base.column(column.name.as_str()).is_some());
    match hiding {
        None => Ok(schema),
        Some((index, column)) => Err(FieldError {
            pointer: format!("/columns/{index}/name"),
            code: "value-not-allowed".to_owned(),
            detail: Name::new(
                format!("快照已有列“{}”，请换一个名称。", column.name),
                format!(
                    "The snapshot has a column `{}`; choose another name.",
                    column.name
                ),
            ),
        }),
    }
}

/// What is wrong with the words about a source: too long, or with a telephone number in them (PR-2).
pub fn source_errors(source: &SourceFacts) -> Vec<FieldError> {
    let texts = [
        ("note", source.note.as_deref(), NOTE_CHARACTERS_MAX),
        ("format", source.format.as_deref(), FORMAT_CHARACTERS_MAX),
        (
            "encoding",
            source.encoding.as_deref(),
            FORMAT_CHARACTERS_MAX,
        ),
    ];
    let mut errors = Vec::new();
    for (name, text, characters_max) in texts {
        let text = text.unwrap_or_default();
        let detail = if text.chars().count() > characters_max {
            Name::new(
                format!("最多 {characters_max} 个字符。"),
                format!("At most {characters_max} characters."),
            )
        } else if mask_numbers(text) != text {
            Name::new("不能包含电话号码。", "Must not contain a telephone number.")
        } else {
            continue;
        };
        errors.push(FieldError {
            pointer: format!("/source/{name}"),
            code: "value-not-allowed".to_owned(),
            detail,
        });
    }
    errors
}

#[cfg(test)]
mod tests {
    use chudian_dataset::schema::{ColumnName, Kind};

    use super::*;

    fn column(name: &str, kind: Kind) -> Column {
        Column::new(ColumnName::new(name).unwrap(), kind)
    }

    #[test]
    fn errors_point_to_the_column() {
        let columns = vec![
            column("id", Kind::Identity),
            column("a", Kind::Flag),
            column("a", Kind::Word),
        ];
        let error = schema_error(&Schema::of_snapshot(columns.clone()).unwrap_err(), &columns);
        assert_eq!(error.pointer, "/columns/2");
        let mut columns = vec![column("id", Kind::Identity), column("a", Kind::Flag)];
        columns[1].title.zh.clear();
        let error = schema_error(&Schema::of_snapshot(columns.clone()).unwrap_err(), &columns);
        assert_eq!(error.pointer, "/columns/1");
        assert!(!error.detail.zh.is_ascii() && error.detail.en.is_ascii());
    }

    #[test]
    fn a_layer_hides_no_column() {
        let base = Schema::of_snapshot(vec![column("id", Kind::Identity), column("a", Kind::Flag)])
            .unwrap();
        assert_eq!(
            layer_schema(
                vec![column("b", Kind::Flag), column("a", Kind::Word)],
                &base
            )
            .unwrap_err()
            .pointer,
            "/columns/1/name"
        );
        assert!(layer_schema(vec![column("b", Kind::Flag)], &base).is_ok());
    }

    #[test]
    fn a_source_has_no_number_and_no_essay() {
        let source = |note: &str| SourceFacts {
            note: Some(note.to_owned()),
            ..SourceFacts::default()
        };
        assert!(source_errors(&source("十月客户表")).is_empty());
        assert_eq!(source_errors(&source("问 13812345678")).len(), 1);
        assert_eq!(source_errors(&source(&"长".repeat(501))).len(), 1);
    }
}
