//! The table that an import reads: how the command line names it, where its files stand, and in which language to speak of it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chudian_import::ImportError;
use chudian_import::mapping::FileRules;
use chudian_import::source::{Encoding, Format, Input, Survey, spool};
use chudian_import::state::with_suffix;
use chudian_vocabulary::pseudonym::PseudonymKey;
use clap::{Args, ValueEnum};

use crate::commands::pseudonym;
use crate::language::Language;

/// Folder for state, unless another is given; that of an application in the present folder.
const STATE_FOLDER: &str = ".chudian";
/// The name of standard input on the command line, and the beginning of its files in the state folder.
pub(super) const STANDARD_INPUT: (&str, &str) = ("-", "standard-input");

/// The table, and how to read it.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// The table: CSV, XLSX, Parquet or Arrow IPC; `-` for standard input / 数据表文件，`-` 表示标准输入
    pub table: PathBuf,
    /// Encoding of a delimited file; found out by default / 文本编码，默认自动检测
    #[arg(long, value_enum)]
    pub encoding: Option<TextEncoding>,
    /// Form of the file; found out by default / 文件格式，默认自动检测
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// Delimiter of a delimited file: one ASCII character; found out by default / 分隔符，默认自动检测
    #[arg(long)]
    pub delimiter: Option<char>,
    /// Sheet of a workbook; the first by default / 工作表，默认第一个
    #[arg(long)]
    pub sheet: Option<String>,
    /// Folder of the installation's state, with the key of pseudonyms / 状态目录（含假名密钥）
    #[arg(long, env = "CHUDIAN_STATE_DIR", default_value = STATE_FOLDER)]
    pub state_dir: PathBuf,
    /// Language of messages and of the reasons for rejects; the terminal's by default / 语言，默认取自终端
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
}

/// A language on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

/// An encoding on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextEncoding {
    /// UTF-8.
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// GB18030, with GBK and GB2312.
    #[value(alias = "gbk")]
    Gb18030,
}

/// A form of file on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// Text with a delimiter.
    Csv,
    /// A workbook.
    Xlsx,
    /// Parquet.
    Parquet,
    /// Arrow IPC.
    Arrow,
}

impl TableArgs {
    fn language(&self) -> Language {
        match self.lang {
            Some(Lang::Zh) => Language::Chinese,
            Some(Lang::En) => Language::English,
            None => Language::of_terminal(),
        }
    }

    /// In which language to speak.
    pub(super) fn say(&self) -> Say {
        let language = self.language();
        Say {
            language,
            words: language.pick(
                chudian_vocabulary::Language::English,
                chudian_vocabulary::Language::Chinese,
            ),
        }
    }

    /// What the command line states stands above the mapping.
    pub(super) fn override_rules(&self, rules: &mut FileRules) {
        if let Some(encoding) = self.encoding {
            rules.encoding = Some(match encoding {
                TextEncoding::Utf8 => Encoding::Utf8,
                TextEncoding::Gb18030 => Encoding::Gb18030,
            });
        }
        if let Some(format) = self.format {
            rules.kind = Some(match format {
                FileFormat::Csv => Format::Csv,
                FileFormat::Xlsx => Format::Xlsx,
                FileFormat::Parquet => Format::Parquet,
                FileFormat::Arrow => Format::Arrow,
            });
        }
        rules.delimiter = self.delimiter.or(rules.delimiter);
        rules.sheet = self.sheet.clone().or_else(|| rules.sheet.take());
    }

    fn is_standard_input(&self) -> bool {
        self.table == Path::new(STANDARD_INPUT.0)
    }

    /// The file, or standard input kept in the state folder.
    pub(super) fn open(&self) -> anyhow::Result<Input> {
        if !self.is_standard_input() {
            return Ok(Input::file(self.table.clone()));
        }
        self.make_state_dir()?;
        spool(&mut std::io::stdin().lock(), &self.state_dir)
            .with_context(|| self.state_dir.display().to_string())
    }

    /// Makes the state folder, for our user alone.
    pub(super) fn make_state_dir(&self) -> anyhow::Result<()> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.state_dir);
        made.with_context(|| self.state_dir.display().to_string())
    }

    /// Where a file of ours stands: beside the table, or in the state folder when there is no table to stand beside or its folder is not ours.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        if self.is_standard_input() {
            return self.state_dir.join(format!("{}{suffix}", STANDARD_INPUT.1));
        }
        let folder = self
            .table
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        if tempfile::tempfile_in(folder).is_ok() {
            return with_suffix(&self.table, suffix);
        }
        let name = self.table.file_name().unwrap_or_default();
        with_suffix(&self.state_dir.join(name), suffix)
    }

    /// The key of pseudonyms, from the environment or the state folder.
    pub(super) fn pseudonym_key(&self) -> anyhow::Result<PseudonymKey> {
        pseudonym::key(&self.state_dir, self.language())
    }
}

/// In which language to speak, here and in the library.
#[derive(Clone, Copy)]
pub(super) struct Say {
    /// Here.
    pub(super) language: Language,
    /// In the library.
    pub(super) words: chudian_vocabulary::Language,
}

impl Say {
    /// What went wrong with a table.
    pub(super) fn error(self, table: &Path, error: &ImportError) -> anyhow::Error {
        let text = error.text(self.words);
        match error {
            // These name another file, or the system.
            ImportError::Target(_) | ImportError::File { .. } => anyhow::anyhow!(text),
            _ => anyhow::anyhow!("{}: {text}", table.display()),
        }
    }

    /// What the first reading found.
    pub(super) fn survey(self, survey: &Survey) -> String {
        let format = survey.format.as_str();
        if survey.format != Format::Csv {
            return self
                .language
                .pick(format!("format: {format}"), format!("格式：{format}"));
        }
        let delimiter = match survey.dialect.delimiter {
            b'\t' => "\\t".to_owned(),
            other => char::from(other).to_string(),
        };
        let encoding = survey.encoding;
        let how = match survey.encoding_detected {
            true => self.language.pick("found", "检测"),
            false => self.language.pick("stated", "指定"),
        };
        self.language.pick(
            format!("format: {format}, encoding: {encoding} ({how}), delimiter: `{delimiter}`"),
            format!("格式：{format}，编码：{encoding}（{how}），分隔符：`{delimiter}`"),
        )
    }
}
