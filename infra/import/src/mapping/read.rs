//! Reads and checks a mapping. Every fault names its place in the file.

use chudian_dataset::schema::{Column, ColumnName, ID_COLUMN, Kind, Schema, SchemaError};
use chudian_vocabulary::{Language, Name};

use super::{ColumnRule, ColumnText, IdForm, MAPPING_FORMAT, Mapping, MappingText};
use crate::decimal::Factor;

/// Why a mapping cannot be used. `heading` is the column's heading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or not the members that a mapping has; the text names line and member.
    #[error("{0}")]
    Form(String),
    /// Another format.
    #[error("`format` must be \"{MAPPING_FORMAT}\"")]
    Format,
    /// A heading twice.
    #[error("the heading `{0}` is named twice")]
    HeadingTwice(String),
    /// The id rule names a heading where it has none, or the reverse.
    #[error("[id] needs `heading`, unless `form` is \"row\"")]
    Id,
    /// A unit of the file that does not fit.
    #[error("column `{heading}`: `from` = \"{from}\" cannot become the kind and unit stated")]
    Unit {
        /// Heading.
        heading: String,
        /// The file's unit.
        from: &'static str,
    },
    /// Money without the file's unit: nobody should have to guess between yuan and fen.
    #[error("column `{0}`: money needs `from`, for instance \"yuan\" or \"fen\"")]
    MoneyUnit(String),
    /// Spans of groups that overlap, or a span on a group beside words.
    #[error("column `{0}`: two groups claim the same number or word")]
    Groups(String),
    /// Bounds that nothing can meet, or on a kind that has none.
    #[error(
        "column `{0}`: `min` and `max` belong to integers and money, and `min` is not above `max`"
    )]
    Bounds(String),
    /// The columns make no schema.
    #[error("{0}")]
    Schema(#[from] SchemaError),
}

impl MappingError {
    /// The text in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match self {
            Self::Form(text) => format!("映射文件格式错误：{text}"),
            Self::Format => format!("`format` 必须为 \"{MAPPING_FORMAT}\""),
            Self::HeadingTwice(heading) => format!("表头 `{heading}` 出现了两次"),
            Self::Id => "[id] 需要 `heading`，除非 `form` 为 \"row\"".to_owned(),
            Self::Unit { heading, from } => {
                format!("列 `{heading}`：`from` = \"{from}\" 无法换算成所写的类型和单位")
            }
            Self::MoneyUnit(heading) => {
                format!("列 `{heading}`：金额必须写明 `from`，例如 \"yuan\" 或 \"fen\"")
            }
            Self::Groups(heading) => format!("列 `{heading}`：两个分组包含同一个数值或词"),
            Self::Bounds(heading) => {
                format!("列 `{heading}`：`min`、`max` 只用于整数和金额，且 `min` 不得大于 `max`")
            }
            Self::Schema(error) => format!("各列不能组成数据集结构：{error}"),
        }
    }
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let read: MappingText =
            toml::from_str(text).map_err(|error| MappingError::Form(error.to_string()))?;
        if read.format != MAPPING_FORMAT {
            return Err(MappingError::Format);
        }
        if read.id.heading.is_some() == (read.id.form == IdForm::Row) {
            return Err(MappingError::Id);
        }
        check_headings(&read)?;
        let columns = read
            .columns
            .iter()
            .map(rule)
            .collect::<Result<Vec<_>, _>>()?;
        let id = Column {
            title: Name::new("客户", "Customer"),
            ..Column::new(ColumnName::new(ID_COLUMN)?, Kind::Identity)
        };
        let all = std::iter::once(id)
            .chain(columns.iter().map(|rule: &ColumnRule| rule.column.clone()))
            .collect();
        Ok(Self {
            source: read.source,
            file: read.file,
            id: read.id,
            columns,
            dropped: read.dropped,
            schema: Schema::of_snapshot(all)?,
        })
    }
}

fn check_headings(read: &MappingText) -> Result<(), MappingError> {
    let headings = read
        .id
        .heading
        .iter()
        .chain(read.columns.iter().map(|column| &column.heading));
    let mut all: Vec<&String> = headings
        .chain(read.dropped.iter().map(|rule| &rule.heading))
        .collect();
    all.sort_unstable();
    match all
        .iter()
        .zip(all.iter().skip(1))
        .find(|(one, next)| one == next)
    {
        Some((heading, _)) => Err(MappingError::HeadingTwice((*heading).clone())),
        None => Ok(()),
    }
}

fn rule(text: &ColumnText) -> Result<ColumnRule, MappingError> {
    let heading = || text.heading.clone();
    let factor = match text.from {
        Some(from) => {
            let unfit = || MappingError::Unit {
                heading: heading(),
                from: from.as_str(),
            };
            from.factor(text.kind, text.unit).ok_or_else(unfit)?
        }
        None if text.kind == Kind::Money => return Err(MappingError::MoneyUnit(heading())),
        None => Factor::ONE,
    };
    let numeric = matches!(text.kind, Kind::Integer | Kind::Money);
    let bounded = text.min.is_some() || text.max.is_some();
    let impossible = text.min.zip(text.max).is_some_and(|(min, max)| min > max);
    if bounded && !numeric || impossible {
        return Err(MappingError::Bounds(heading()));
    }
    check_groups(text)?;
    Ok(ColumnRule {
        heading: heading(),
        column: text.column(),
        factor,
        from: text.from,
        rounding: text.rounding,
        min: text.min,
        max: text.max,
        groups: text.groups.clone(),
        only_groups: text.only_groups,
    })
}

fn check_groups(text: &ColumnText) -> Result<(), MappingError> {
    let mut words: Vec<&String> = text
        .groups
        .iter()
        .flat_map(|group| group.words.iter().chain([&group.code]))
        .collect();
    words.sort_unstable();
    // A group may name its own code among its words; another group may not.
    let claimed_twice = text.groups.iter().enumerate().any(|(index, group)| {
        text.groups.iter().skip(index + 1).any(|other| {
            let other_words = || other.words.iter().chain([&other.code]);
            group
                .words
                .iter()
                .chain([&group.code])
                .any(|word| other_words().any(|other_word| other_word == word))
        })
    });
    let mut spans: Vec<(i64, i64)> = text
        .groups
        .iter()
        .filter(|group| group.is_span())
        .map(|group| (group.from.unwrap_or(i64::MIN), group.to.unwrap_or(i64::MAX)))
        .collect();
    spans.sort_unstable();
    let overlap = spans
        .iter()
        .zip(spans.iter().skip(1))
        .any(|(one, next)| one.1 >= next.0);
    if claimed_twice || overlap || spans.iter().any(|(from, to)| from > to) {
        return Err(MappingError::Groups(text.heading.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Destination, HeadingFaults};

    const HEAD: &str =
        "format = \"chudian-mapping/1\"\n[id]\nheading = \"号码\"\nform = \"number\"\n";

    fn with(column: &str) -> Result<Mapping, MappingError> {
        Mapping::parse(&format!(
            "{HEAD}[[column]]\nheading = \"甲\"\nname = \"a\"\ntitle = {{ zh = \"甲\", en = \"A\" }}\n{column}\n"
        ))
    }

    #[test]
    fn faults_name_their_column() {
        let table = [
            ("kind = \"money\"", MappingError::MoneyUnit("甲".to_owned())),
            (
                "kind = \"money\"\nfrom = \"minutes\"",
                MappingError::Unit {
                    heading: "甲".to_owned(),
                    from: "minutes",
                },
            ),
            (
                "kind = \"integer\"\nmin = 3\nmax = 2",
                MappingError::Bounds("甲".to_owned()),
            ),
            (
                "kind = \"flag\"\nmin = 0",
                MappingError::Bounds("甲".to_owned()),
            ),
            (
                "kind = \"word\"\ngroup = [{ code = \"#1\", title = { zh = \"一\", en = \"1\" }, from = 1, to = 5 }, { code = \"#2\", title = { zh = \"二\", en = \"2\" }, from = 5 }]",
                MappingError::Groups("甲".to_owned()),
            ),
            (
                "kind = \"word\"\ngroup = [{ code = \"#1\", title = { zh = \"一\", en = \"1\" }, words = [\"x\"] }, { code = \"x\", title = { zh = \"二\", en = \"2\" } }]",
                MappingError::Groups("甲".to_owned()),
            ),
            (
                "kind = \"word\"\n[[drop]]\nheading = \"号码\"",
                MappingError::HeadingTwice("号码".to_owned()),
            ),
        ];
        for (column, expected) in table {
            let error = with(column).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.text(Language::Chinese).is_empty());
        }
        assert!(
            matches!(with("kind = \"word\"\nspelling = 1"), Err(MappingError::Form(text)) if text.contains("spelling"))
        );
        assert_eq!(
            Mapping::parse("format = \"x\"\n[id]\nform = \"row\"\n"),
            Err(MappingError::Format)
        );
        assert_eq!(
            Mapping::parse("format = \"chudian-mapping/1\"\n[id]\nform = \"text\"\n"),
            Err(MappingError::Id)
        );
    }

    #[test]
    fn headings_are_matched_and_every_misfit_is_named() {
        let mapping = with("kind = \"integer\"\nunit = \"seconds\"\nfrom = \"minutes\"\n[[drop]]\nheading = \"姓名\"").unwrap();
        let headings = |all: &[&str]| {
            all.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            mapping.destinations(&headings(&["姓名", "号码", "甲"])),
            Ok(vec![
                Destination::Dropped,
                Destination::Id,
                Destination::Column(0)
            ])
        );
        assert_eq!(
            mapping.destinations(&headings(&["号码", "号码", "新列"])),
            Err(HeadingFaults {
                unmapped: headings(&["新列"]),
                missing: headings(&["姓名", "甲"]),
                repeated: headings(&["号码"]),
            })
        );
    }
}
