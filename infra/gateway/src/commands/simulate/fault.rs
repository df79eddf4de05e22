//! What is wrong with a table, where, and what to do about it, in both languages.

use std::fmt;

/// Faults that are shown of one file; a systematic mistake would repeat itself line by line.
const FAULTS_SHOWN_MAX: usize = 10;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line of the file, counted from 1; none for the file as a whole.
    pub(crate) line: Option<u64>,
    /// Heading of the column.
    pub(crate) column: Option<String>,
    /// What is wrong and what to change, in English.
    pub(crate) en: String,
    /// The same in Chinese.
    pub(crate) zh: String,
}

impl Fault {
    /// Of the file as a whole.
    pub(crate) fn of_file(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            line: None,
            column: None,
            en: en.into(),
            zh: zh.into(),
        }
    }

    /// Of a line, and of a column where there is one to blame.
    pub(crate) fn of_line(
        line: u64,
        column: Option<&str>,
        en: impl Into<String>,
        zh: impl Into<String>,
    ) -> Self {
        Self {
            line: Some(line),
            column: column.map(str::to_owned),
            en: en.into(),
            zh: zh.into(),
        }
    }
}

/// Everything wrong with one file.
#[derive(Debug)]
pub(crate) struct Faults {
    /// The file.
    pub(crate) file: String,
    /// At least one.
    pub(crate) faults: Vec<Fault>,
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    /// Each fault on two lines, `file:line [column]` before the Chinese one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in self.faults.iter().take(FAULTS_SHOWN_MAX) {
            write!(formatter, "\n{}", self.file)?;
            if let Some(line) = fault.line {
                write!(formatter, ":{line}")?;
            }
            if let Some(column) = &fault.column {
                write!(formatter, " [{column}]")?;
            }
            write!(formatter, ": {}\n    {}", fault.zh, fault.en)?;
        }
        let hidden = self.faults.len().saturating_sub(FAULTS_SHOWN_MAX);
        if hidden > 0 {
            write!(formatter, "\n… 另有 {hidden} 处错误 / and {hidden} more")?;
        }
        Ok(())
    }
}
