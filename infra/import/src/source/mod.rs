//! The file of an import: what it is, in which encoding, and its rows, whatever its form.
//!
//! Everything becomes [`Records`]: rows of cells in UTF-8, a bounded number at a time. Numbers of workbooks and column files become
//! their shortest decimal writing, so that one exact reader of numbers serves all forms.
//!
//! A file is read twice: [`survey`] takes its digest, its encoding and the number of its lines; then the rows. Standard input is
//! kept in a temporary file for that.

mod columnar;
mod delimited;
mod encoding;
mod records;
mod spool;
mod survey;
mod threaded;
mod workbook;

use std::path::Path;

use chudian_vocabulary::Language;
use serde::{Deserialize, Serialize};

pub use delimited::Dialect;
pub use encoding::Encoding;
pub use records::Records;
pub use spool::{Input, spool};
pub use survey::{Survey, survey};

use crate::decimal::Decimal;
use crate::mapping::FileRules;
use crate::rows::personal_number;

/// Form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text with a delimiter: CSV, TSV and the like.
    Csv,
    /// An Excel workbook.
    Xlsx,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC, file or stream.
    Arrow,
}

impl Format {
    /// The form's word in a mapping.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

/// Why a file cannot be read. None of the texts holds a cell of the file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The system cannot read the file.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// A heading, and no row.
    #[error("the file has no heading row")]
    NoHeading,
    /// The first row is a customer's. Nothing of it is told: it may be a number.
    #[error(
        "the first row holds figures or numbers, not headings; put a row with the names of the columns above it"
    )]
    HeadingIsData,
    /// Lines that end as no system of today ends them.
    #[error(
        "the lines end with a carriage return alone (`CSV (Macintosh)`); save the table as `CSV UTF-8` and try again"
    )]
    ReturnsAlone,
    /// UTF-16.
    #[error("this is UTF-16 (`Unicode text`); save the table as `CSV UTF-8` and try again")]
    Utf16,
    /// A binary file that is none of the known forms.
    #[error(
        "byte {byte} is zero: this is no table of text; CSV, XLSX, Parquet and Arrow IPC can be read"
    )]
    Binary {
        /// Place in the file, counted from 0.
        byte: u64,
    },
    /// Bytes that are not in the encoding.
    #[error("line {line}: a byte is not {encoding}; {}", remedy(.encoding, .detected))]
    Encoding {
        /// Line, counted from 1.
        line: u64,
        /// The encoding that was stated or found.
        encoding: Encoding,
        /// What the file seems to be, when that is another.
        detected: Option<Encoding>,
    },
    /// A record that does not end.
    #[error(
        "line {line}: a record of more than {max} bytes begins here; probably a quotation mark is not closed"
    )]
    RecordTooLong {
        /// Line on which it begins.
        line: u64,
        /// The limit.
        max: usize,
    },
    /// A quotation that is open at the end of the file.
    #[error(
        "line {line}: a quotation mark opens here and is never closed; the file is cut off or the mark is stray"
    )]
    QuoteOpen {
        /// Line on which the record begins.
        line: u64,
    },
    /// Too many columns.
    #[error("the file has more than {max} columns; is `{delimiter}` the delimiter?")]
    TooManyColumns {
        /// The limit.
        max: usize,
        /// The delimiter in use.
        delimiter: char,
    },
    /// A workbook that cannot be read.
    #[error(
        "the workbook cannot be read ({place}): {reason}; open it in a spreadsheet program, save it again and retry, or save it as `CSV UTF-8`"
    )]
    Workbook {
        /// Part or sheet.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A workbook that unpacks to too much.
    #[error(
        "the part `{part}` of the workbook unpacks to more than {max} bytes; save the table as `CSV UTF-8`"
    )]
    WorkbookTooLarge {
        /// The part.
        part: String,
        /// The limit.
        max: u64,
    },
    /// No such sheet.
    #[error("the workbook has no sheet `{sheet}`; it has {present}")]
    NoSheet {
        /// The one asked for.
        sheet: String,
        /// Those that are there.
        present: String,
    },
    /// A Parquet or Arrow file that cannot be read.
    #[error("the {} file cannot be read ({place}): {reason}; it is cut off or damaged: fetch or write it again", .format.as_str())]
    Columnar {
        /// Which of the two.
        format: Format,
        /// Row group or batch.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A column of a type that no attribute can have.
    #[error(
        "column `{column}` has the type {type_name}, which is no value of a customer; leave it out when writing the file"
    )]
    ColumnType {
        /// The column.
        column: String,
        /// Its type.
        type_name: String,
    },
    /// The file changed between the two readings.
    #[error("the file changed while it was read; import it when it is complete")]
    Changed,
}

fn remedy(encoding: &Encoding, detected: &Option<Encoding>) -> String {
    match detected {
        Some(detected) => format!(
            "the file is {detected}: state --encoding {} or correct the mapping",
            detected.as_str()
        ),
        None => format!(
            "it is neither UTF-8 nor GB18030 throughout ({encoding} fits longest); save the table as `CSV UTF-8`"
        ),
    }
}

impl SourceError {
    /// The text in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match self {
            Self::Io(error) => format!("无法读取文件：{error}"),
            Self::Empty => "文件为空".to_owned(),
            Self::NoHeading => "文件没有表头行".to_owned(),
            Self::HeadingIsData => "首行是数据而不是表头；请在其上方补一行列名".to_owned(),
            Self::ReturnsAlone => {
                "各行仅以回车符结尾（“CSV (Macintosh)”）；请另存为“CSV UTF-8”后重试".to_owned()
            }
            Self::Utf16 => {
                "这是 UTF-16（“Unicode 文本”）文件；请另存为“CSV UTF-8”后重试".to_owned()
            }
            Self::Binary { byte } => format!(
                "第 {byte} 字节为零：这不是文本表格；可读取 CSV、XLSX、Parquet 和 Arrow IPC"
            ),
            Self::Encoding {
                line,
                encoding,
                detected: Some(detected),
            } => {
                format!(
                    "第 {line} 行：有字节不是 {encoding}；该文件是 {detected}，请使用 --encoding {} 或修改映射文件",
                    detected.as_str()
                )
            }
            Self::Encoding { line, .. } => {
                format!(
                    "第 {line} 行：有字节既不是 UTF-8 也不是 GB18030；请另存为“CSV UTF-8”后重试"
                )
            }
            Self::RecordTooLong { line, max } => {
                format!("第 {line} 行：由此开始的一条记录超过 {max} 字节，很可能是引号没有闭合")
            }
            Self::QuoteOpen { line } => {
                format!("第 {line} 行：引号在此打开后一直没有闭合；文件被截断，或该引号是多余的")
            }
            Self::TooManyColumns { max, delimiter } => {
                format!("文件超过 {max} 列；分隔符确实是 `{delimiter}` 吗？")
            }
            Self::Workbook { place, reason } => {
                format!(
                    "无法读取工作簿（{place}）：{reason}；请用表格软件打开后重新保存，或另存为“CSV UTF-8”"
                )
            }
            Self::WorkbookTooLarge { part, max } => {
                format!("工作簿的 `{part}` 解压后超过 {max} 字节；请另存为“CSV UTF-8”")
            }
            Self::NoSheet { sheet, present } => {
                format!("工作簿中没有工作表 `{sheet}`；现有：{present}")
            }
            Self::Columnar {
                format,
                place,
                reason,
            } => {
                format!(
                    "无法读取 {} 文件（{place}）：{reason}；文件被截断或已损坏，请重新获取或导出",
                    format.as_str()
                )
            }
            Self::ColumnType { column, type_name } => {
                format!("列 `{column}` 的类型 {type_name} 不能作为客户属性；导出时请去掉该列")
            }
            Self::Changed => "读取过程中文件发生了变化；请在文件写完后再导入".to_owned(),
        }
    }
}

/// Rows of a file, a block at a time.
pub trait RowSource: Send {
    /// The headings, in order.
    fn headings(&self) -> &[String];

    /// Fills `records` with the next rows, in place of what it held. `false` when there are none.
    ///
    /// # Errors
    /// When the file is damaged or not in its encoding.
    fn read(&mut self, records: &mut Records) -> Result<bool, SourceError>;
}

/// Opens the rows of a surveyed file.
///
/// # Errors
/// When the file is damaged or has no heading.
pub fn open(
    path: &Path,
    survey: &Survey,
    rules: &FileRules,
) -> Result<Box<dyn RowSource>, SourceError> {
    let rows: Box<dyn RowSource> = match survey.format {
        Format::Csv => Box::new(delimited::DelimitedRows::open(path, survey)?),
        Format::Xlsx => Box::new(workbook::WorkbookRows::open(path, rules.sheet.as_deref())?),
        Format::Parquet => Box::new(columnar::parquet(path)?),
        Format::Arrow => Box::new(columnar::arrow(path)?),
    };
    // Column files name their columns apart from their rows, and may number them.
    let may_be_numbered = matches!(survey.format, Format::Parquet | Format::Arrow);
    if is_data(rows.headings(), may_be_numbered) {
        return Err(SourceError::HeadingIsData);
    }
    Ok(rows)
}

/// Whether headings are a customer's row: one is a number that tells who somebody is, or all are figures.
fn is_data(headings: &[String], may_be_numbered: bool) -> bool {
    let mut told = headings.iter().filter(|heading| !heading.is_empty());
    let holds_number = |heading: &String| personal_number(heading.as_bytes()).is_some();
    headings.iter().any(holds_number)
        || !may_be_numbered
            && told.clone().next().is_some()
            && told.all(|heading| Decimal::parse(heading.as_bytes()).is_ok())
}
