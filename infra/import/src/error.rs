//! Why an import ends without a snapshot.

use std::path::PathBuf;

use chudian_dataset::column::{EncodeError, builder::PushError};
use chudian_vocabulary::Language;

use crate::build::PagesError;
use crate::mapping::{HeadingFaults, MappingError};
use crate::rejects::RejectLimit;
use crate::source::SourceError;
use crate::target::TargetError;

/// Headings that are named in a message.
const NAMED_MAX: usize = 10;

/// Why an import ends without a snapshot. What was in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The mapping.
    #[error("mapping: {0}")]
    Mapping(#[from] MappingError),
    /// File and mapping do not fit each other.
    #[error("{}", headings_text(.0, Language::English))]
    Headings(HeadingFaults),
    /// A column of words that is none.
    #[error(
        "column `{heading}` has more than {distinct_max} distinct words (or the words of all columns more than {bytes_max} bytes): a name or an identifier; drop it or group it in the mapping"
    )]
    TooManyWords {
        /// The heading.
        heading: String,
        /// The limit of words.
        distinct_max: usize,
        /// The limit of bytes.
        bytes_max: usize,
    },
    /// Too much was rejected.
    #[error("{rejected} of {rows} rows were rejected, more than --rejects-max {limit} allows; nothing was published. Reasons: {}", place(.kept))]
    TooManyRejects {
        /// Rejected rows.
        rejected: u64,
        /// Rows read until then.
        rows: u64,
        /// The limit.
        limit: RejectLimit,
        /// File of the rejects.
        kept: Option<PathBuf>,
    },
    /// Not one row.
    #[error("no row of the file was accepted; nothing was published")]
    NoRows,
    /// More rows than a snapshot takes.
    #[error("the file has more than {max} rows")]
    TooManyRows {
        /// The limit.
        max: u64,
    },
    /// A file of our own, beside the source or in the state directory.
    #[error("{}: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// Row pages.
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// Columns.
    #[error("column `{column}`: {error}")]
    Encode {
        /// Its name.
        column: String,
        /// What is wrong.
        error: EncodeError,
    },
    /// A value of another kind than its column; a defect of this program.
    #[error("a value does not fit its column: {0}")]
    Push(#[from] PushError),
    /// Where the snapshot goes.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A thread of the import died; a defect of this program.
    #[error("a thread of the import ended early")]
    Thread,
}

fn place(kept: &Option<PathBuf>) -> String {
    kept.as_ref()
        .map_or_else(|| "-".to_owned(), |path| path.display().to_string())
}

fn headings_text(faults: &HeadingFaults, language: Language) -> String {
    let list = |headings: &[String]| {
        let mut named: Vec<String> = headings
            .iter()
            .take(NAMED_MAX)
            .map(|heading| format!("`{heading}`"))
            .collect();
        if headings.len() > NAMED_MAX {
            named.push(format!("… ({})", headings.len()));
        }
        named.join(", ")
    };
    let sentences = [
        (
            &faults.unmapped,
            "headings of the file that the mapping does not name (add a [[column]] or a [[drop]] for each): ",
            "映射未提及的表头（请为每个添加 [[column]] 或 [[drop]]）：",
        ),
        (
            &faults.missing,
            "headings of the mapping that the file lacks: ",
            "文件中没有的映射表头：",
        ),
        (
            &faults.repeated,
            "headings that the file has twice: ",
            "文件中重复的表头：",
        ),
    ];
    let told: Vec<String> = sentences
        .into_iter()
        .filter(|(headings, _, _)| !headings.is_empty())
        .map(|(headings, english, chinese)| match language {
            Language::English => format!("{english}{}", list(headings)),
            Language::Chinese => format!("{chinese}{}", list(headings)),
        })
        .collect();
    told.join("; ")
}

impl ImportError {
    /// The text in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match self {
            Self::Source(error) => error.text(language),
            Self::Mapping(error) => format!("映射：{}", error.text(language)),
            Self::Headings(faults) => headings_text(faults, language),
            Self::TooManyWords {
                heading,
                distinct_max,
                bytes_max,
            } => format!(
                "列 `{heading}` 的不同取值超过 {distinct_max} 个（或所有列的词超过 {bytes_max} 字节）：应为姓名或标识，请在映射中丢弃或分组"
            ),
            Self::TooManyRejects {
                rejected,
                rows,
                limit,
                kept,
            } => {
                format!(
                    "{rows} 行中有 {rejected} 行被拒绝，超过 --rejects-max {limit}；未发布任何内容。原因见：{}",
                    place(kept)
                )
            }
            Self::NoRows => "没有任何一行被接受；未发布任何内容".to_owned(),
            Self::TooManyRows { max } => format!("文件超过 {max} 行"),
            Self::File { path, error } => format!("{}：{error}", path.display()),
            Self::Pages(error) => format!("行页：{error}"),
            Self::Encode { column, error } => format!("列 `{column}`：{error}"),
            Self::Push(error) => format!("某个值与其列不符（程序缺陷）：{error}"),
            Self::Target(error) => error.text(language),
            Self::Thread => "导入的一个线程提前结束（程序缺陷）".to_owned(),
        }
    }
}
