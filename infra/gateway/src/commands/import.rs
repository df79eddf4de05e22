//! `chudian import`: a customer table becomes a snapshot of the dataset, or further columns of the one in force (`--layer`).
//!
//! It decides nothing about files and rows (that is `chudian-import`) and nothing about what is stored (that is the customer dataset): it reads
//! the command line, keeps the key of pseudonyms, shows progress and sends. Numbers of customers never leave this program, and never appear in
//! what it prints.

mod layer;
mod remote;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chudian_import::ImportError;
use chudian_import::limits::MAPPING_BYTES_MAX;
use chudian_import::mapping::{FileRules, Mapping};
use chudian_import::rejects::RejectLimit;
use chudian_import::rows::IdMaker;
use chudian_import::run::{self, Outcome, Progress, Sending, run};
use chudian_import::source::{Encoding, Format, Input, Survey, spool, survey};
use chudian_import::state::{Fingerprint, State, hexadecimal, with_suffix};
use chudian_import::suggest::suggest;
use chudian_vocabulary::pseudonym::PseudonymKey;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::commands::print_json;
use crate::language::Language;
use crate::secrets;

/// Environment variable that holds the key of pseudonyms, for those who keep it elsewhere than in a file.
const PSEUDONYM_KEY_VARIABLE: &str = "CHUDIAN_PSEUDONYM_KEY";
/// Folder for state, unless another is given; that of an application in the present folder.
const STATE_FOLDER: &str = ".chudian";
/// What the file of state is called behind the name of the table.
const STATE_SUFFIX: &str = ".chudian-import.json";
/// What the same file is called for a layer: the two go on with different things.
const LAYER_STATE_SUFFIX: &str = ".chudian-layer.json";
/// What the file of rejects is called behind the name of the table.
const REJECTS_SUFFIX: &str = ".rejected.csv";
/// The name of standard input on the command line, and the beginning of its files in the state folder.
const STANDARD_INPUT: (&str, &str) = ("-", "standard-input");
/// Bytes of a pseudonym that nobody has, which tells one key from another.
const KEY_CHECK: &str = "key check";

/// Import a customer table into the dataset / 将客户表导入数据集
#[derive(Debug, Args)]
pub struct Import {
    /// The table: CSV, XLSX, Parquet or Arrow IPC; `-` for standard input / 客户表文件，`-` 表示标准输入
    pub table: PathBuf,
    /// What its columns are; --suggest drafts one / 列映射文件（可用 --suggest 起草）
    #[arg(long, required_unless_present = "suggest")]
    pub mapping: Option<PathBuf>,
    /// Draft a mapping from the table, to this file or the screen, and import nothing / 起草映射文件，不导入
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with_all = ["mapping", "dry_run"])]
    pub suggest: Option<PathBuf>,
    /// Address of the running system / 系统地址
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,
    /// File that holds the access key and nothing else; otherwise CHUDIAN_KEY / 访问密钥文件，默认读取 CHUDIAN_KEY
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Publish the columns as a layer over the snapshot in force, for the customers who are in it / 作为现有快照的附加列发布
    #[arg(long, conflicts_with = "suggest")]
    pub layer: bool,
    /// Read, check and encode everything, send nothing / 只读取、校验和编码，不发送
    #[arg(long)]
    pub dry_run: bool,
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
    /// Rejected rows beyond which nothing is published: a number or a share / 超过多少行被拒绝就不发布：行数或占比
    #[arg(long, default_value_t = RejectLimit::default())]
    pub rejects_max: RejectLimit,
    /// File for rejected rows; the table's name with `.rejected.csv` by default / 被拒绝行的文件
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Folder of the installation's state, with the key of pseudonyms / 状态目录（含假名密钥）
    #[arg(long, env = "CHUDIAN_STATE_DIR", default_value = STATE_FOLDER)]
    pub state_dir: PathBuf,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
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

impl Import {
    /// Drafts a mapping, or imports.
    ///
    /// # Errors
    /// When file, mapping or system are not as they should be; the message says where and what to do. The snapshot in force stays in force.
    pub fn run(self) -> anyhow::Result<()> {
        let language = match self.lang {
            Some(Lang::Zh) => Language::Chinese,
            Some(Lang::En) => Language::English,
            None => Language::of_terminal(),
        };
        let say = Say {
            language,
            words: words_language(language),
        };
        let mut rules = FileRules::default();
        let mapping = match &self.mapping {
            Some(path) => {
                let mapping = read_mapping(path, say)?;
                rules = mapping.file.clone();
                Some(mapping)
            }
            None => None,
        };
        self.override_rules(&mut rules);
        let input = self.input()?;
        let survey =
            survey(input.path(), &rules).map_err(|error| say.error(&self.table, &error.into()))?;
        if !self.json {
            eprintln!("{}", say.survey(&survey));
        }
        match (&self.suggest, mapping) {
            (Some(place), _) => self.draft(&input, &survey, &rules, place, say),
            (None, Some(mapping)) => self.import(
                &input,
                &survey,
                Mapping {
                    file: rules,
                    ..mapping
                },
                say,
            ),
            (None, None) => bail!(language.pick("--mapping is missing", "缺少 --mapping")),
        }
    }

    /// What the command line states stands above the mapping.
    fn override_rules(&self, rules: &mut FileRules) {
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
    fn input(&self) -> anyhow::Result<Input> {
        if !self.is_standard_input() {
            return Ok(Input::file(self.table.clone()));
        }
        self.make_state_dir()?;
        spool(&mut std::io::stdin().lock(), &self.state_dir)
            .with_context(|| self.state_dir.display().to_string())
    }

    /// Makes the state folder, for our user alone.
    fn make_state_dir(&self) -> anyhow::Result<()> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.state_dir);
        made.with_context(|| self.state_dir.display().to_string())
    }

    /// Where a file of ours stands: beside the table, or in the state folder when there is no table to stand beside or its folder is not ours.
    fn beside(&self, suffix: &str) -> PathBuf {
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

    fn draft(
        &self,
        input: &Input,
        survey: &Survey,
        rules: &FileRules,
        place: &Path,
        say: Say,
    ) -> anyhow::Result<()> {
        let draft =
            suggest(input.path(), survey, rules).map_err(|error| say.error(&self.table, &error))?;
        if place == Path::new(STANDARD_INPUT.0) {
            print!("{draft}");
            return Ok(());
        }
        fs::write(place, draft).with_context(|| place.display().to_string())?;
        if self.json {
            print_json(&json!({ "mapping": place }));
        } else {
            let (place, table) = (place.display(), self.table.display());
            println!(
                "{}",
                say.language.pick(
                    format!("draft in {place}; read it, correct it, then\n  chudian import {table} --mapping {place} --dry-run"),
                    format!("草稿已写入 {place}，请逐列核对修改，然后运行\n  chudian import {table} --mapping {place} --dry-run"),
                )
            );
        }
        Ok(())
    }

    fn import(
        &self,
        input: &Input,
        survey: &Survey,
        mapping: Mapping,
        say: Say,
    ) -> anyhow::Result<()> {
        self.make_state_dir()?;
        let key = self.pseudonym_key(say)?;
        let rejects_place = self
            .rejects
            .clone()
            .unwrap_or_else(|| self.beside(REJECTS_SUFFIX));
        let bar = Bar::new(survey, say)?;
        let import = run::Import {
            path: input.path(),
            survey,
            mapping: &mapping,
            key: &key,
            rejects_max: self.rejects_max,
            rejects_place: &rejects_place,
            scratch: &self.state_dir,
            language: say.words,
            progress: &bar,
        };
        let mut customers = None;
        let outcome = if self.dry_run {
            run(&import, None)
        } else if self.layer {
            let target = layer::LayerTarget::new(
                &self.to,
                self.key_file.as_deref(),
                self.ca_file.as_deref(),
                say.language,
            )?;
            let fingerprint = fingerprint(survey, &mapping, &key);
            let sending = Sending {
                target: &target,
                state: State::new(fingerprint, target.address().to_owned(), random_name()?),
                state_path: &self.beside(LAYER_STATE_SUFFIX),
            };
            let outcome = run(&import, Some(sending));
            customers = Some(target.customers());
            outcome
        } else {
            self.send(&import, say)?
        };
        bar.0.finish_and_clear();
        let outcome = outcome.map_err(|error| say.error(&self.table, &error))?;
        self.report(survey, &outcome, customers, say);
        Ok(())
    }

    /// Sends a snapshot, from the beginning or from where an earlier run was interrupted. The inner error is the import's.
    fn send(
        &self,
        import: &run::Import<'_>,
        say: Say,
    ) -> anyhow::Result<Result<Outcome, ImportError>> {
        let target = remote::Remote::new(
            &self.to,
            self.key_file.as_deref(),
            self.ca_file.as_deref(),
            say.language,
        )?;
        let state_path = self.beside(STATE_SUFFIX);
        let fingerprint = fingerprint(import.survey, import.mapping, import.key);
        let resumed = State::resume(&state_path, &fingerprint, target.address())
            .with_context(|| state_path.display().to_string())?;
        if resumed.is_some() && !self.json {
            eprintln!(
                "{}",
                say.language.pick(
                    "going on with the import that was interrupted",
                    "继续上次中断的导入"
                )
            );
        }
        let state = match resumed {
            Some(state) => state,
            None => State::new(fingerprint, target.address().to_owned(), random_name()?),
        };
        let sending = Sending {
            target: &target,
            state,
            state_path: &state_path,
        };
        Ok(run(import, Some(sending)))
    }

    fn pseudonym_key(&self, say: Say) -> anyhow::Result<PseudonymKey> {
        match std::env::var(PSEUDONYM_KEY_VARIABLE) {
            Ok(text) if !text.trim().is_empty() => text.trim().parse().map_err(|_| {
                anyhow::anyhow!(say.language.pick(
                    format!("{PSEUDONYM_KEY_VARIABLE} holds no key of 64 hexadecimal characters"),
                    format!("{PSEUDONYM_KEY_VARIABLE} 不是 64 个十六进制字符的密钥"),
                ))
            }),
            _ => secrets::pseudonym_key(&self.state_dir),
        }
    }

    /// Tells what was done. `customers` are those of a layer: in the dataset, and not.
    fn report(&self, survey: &Survey, outcome: &Outcome, customers: Option<(u64, u64)>, say: Say) {
        let (snapshot, version) = outcome
            .published
            .as_ref()
            .map(|(id, published)| (id, &published.version))
            .unzip();
        if self.json {
            print_json(&json!({
                "format": survey.format.as_str(),
                "encoding": (survey.format == Format::Csv).then(|| survey.encoding.as_str()),
                "encoding_detected": survey.encoding_detected,
                "rows_read": outcome.rows_read, "rows_accepted": outcome.rows_accepted, "rows_rejected": outcome.rows_rejected,
                "rejects": outcome.rejects, "segments": outcome.segments, "content_sha256": outcome.content_sha256,
                "parts_sent": outcome.parts_sent, "parts_skipped": outcome.parts_skipped,
                "snapshot": snapshot, "version": version,
                "customers_known": customers.map(|(known, _)| known),
                "customers_unknown": customers.map(|(_, unknown)| unknown),
            }));
            return;
        }
        let (accepted, rejected) = (outcome.rows_accepted, outcome.rows_rejected);
        println!(
            "{}",
            say.language.pick(
                format!("{accepted} rows accepted, {rejected} rejected"),
                format!("接受 {accepted} 行，拒绝 {rejected} 行")
            )
        );
        if let Some((known, unknown)) = customers {
            println!(
                "{}",
                say.language.pick(
                    format!("{known} customers are in the dataset, {unknown} are not and were passed over"),
                    format!("其中 {known} 名客户在数据集中，{unknown} 名不在，已略过"),
                )
            );
        }
        if let Some(rejects) = &outcome.rejects {
            let rejects = rejects.display();
            println!(
                "{}",
                say.language
                    .pick(format!("reasons in {rejects}"), format!("原因见 {rejects}"))
            );
        }
        match version {
            Some(version) => println!(
                "{}",
                say.language.pick(
                    format!("published: {version} is in force"),
                    format!("已发布：{version} 已生效")
                )
            ),
            None => println!(
                "{}",
                say.language
                    .pick("trial only: nothing was sent", "仅试运行：未发送任何内容")
            ),
        }
    }
}

/// In which language to speak, here and in the library.
#[derive(Clone, Copy)]
struct Say {
    language: Language,
    words: chudian_vocabulary::Language,
}

impl Say {
    fn error(self, table: &Path, error: &ImportError) -> anyhow::Error {
        let text = error.text(self.words);
        match error {
            // These name another file, or the system.
            ImportError::Target(_) | ImportError::File { .. } => anyhow::anyhow!(text),
            _ => anyhow::anyhow!("{}: {text}", table.display()),
        }
    }

    /// What the first reading found.
    fn survey(self, survey: &Survey) -> String {
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

fn words_language(language: Language) -> chudian_vocabulary::Language {
    language.pick(
        chudian_vocabulary::Language::English,
        chudian_vocabulary::Language::Chinese,
    )
}

fn read_mapping(path: &Path, say: Say) -> anyhow::Result<Mapping> {
    let name = || path.display().to_string();
    let mut text = String::new();
    fs::File::open(path)
        .with_context(name)?
        .take(MAPPING_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(name)?;
    Mapping::parse(&text)
        .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.text(say.words)))
}

/// Everything on which the parts of the snapshot depend.
fn fingerprint(survey: &Survey, mapping: &Mapping, key: &PseudonymKey) -> Fingerprint {
    // The debug form names every member, overrides of the command line with them, and holds nothing of a customer.
    let mapping =
        Sha256::digest(format!("{mapping:?}{:?}{:?}", survey.encoding, survey.dialect).as_bytes());
    let check = IdMaker::new(chudian_import::mapping::IdForm::Text, key).of(KEY_CHECK.as_bytes());
    Fingerprint {
        source: hexadecimal(&survey.sha256),
        mapping: hexadecimal(&mapping),
        key: check.map(|check| check.to_string()).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// A name that nobody else chooses.
fn random_name() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
    Ok(hexadecimal(&bytes))
}

/// The bar on a terminal; nothing elsewhere.
struct Bar(ProgressBar, BTreeMap<&'static str, &'static str>);

impl Bar {
    fn new(survey: &Survey, say: Say) -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} ({eta})")?;
        // Of a delimited file the lines are counted; of others the length is not known before the end.
        let bar = match survey.format {
            Format::Csv => ProgressBar::new(survey.line_feeds.max(1)).with_style(style),
            Format::Xlsx | Format::Parquet | Format::Arrow => ProgressBar::no_length(),
        };
        let texts = BTreeMap::from([
            ("rows", say.language.pick("rows", "行")),
            ("pages", say.language.pick("row pages", "行页")),
        ]);
        Ok(Self(bar, texts))
    }

    fn text(&self, key: &str) -> &'static str {
        self.1.get(key).copied().unwrap_or_default()
    }
}

impl Progress for Bar {
    fn rows(&self, rows: u64) {
        self.0.set_message(self.text("rows"));
        self.0.set_position(rows);
    }

    fn pages(&self, pages: u64, of: u64) {
        self.0.set_message(self.text("pages"));
        self.0.set_length(of);
        self.0.set_position(pages);
    }
}
