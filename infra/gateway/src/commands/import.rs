//! `chudian import`: a customer table becomes a snapshot of the dataset, or further columns of the one in force (`--layer`).
//!
//! It decides nothing about files and rows (that is `chudian-import`) and nothing about what is stored (that is the customer dataset): it reads
//! the command line, keeps the key of pseudonyms, shows progress and sends. Numbers of customers never leave this program, and never appear in
//! what it prints.

mod layer;
mod remote;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chudian_import::ImportError;
use chudian_import::limits::MAPPING_BYTES_MAX;
use chudian_import::mapping::{FileRules, Mapping};
use chudian_import::rejects::RejectLimit;
use chudian_import::rows::IdMaker;
use chudian_import::run::{self, Outcome, Progress, Sending, run};
use chudian_import::source::{Format, Input, Survey, survey};
use chudian_import::state::{Fingerprint, State, hexadecimal};
use chudian_import::suggest::suggest;
use chudian_vocabulary::pseudonym::PseudonymKey;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::commands::print_json;
use crate::commands::table::{STANDARD_INPUT, Say, TableArgs};

/// What the file of state is called behind the name of the table.
const STATE_SUFFIX: &str = ".chudian-import.json";
/// What the same file is called for a layer: the two go on with different things.
const LAYER_STATE_SUFFIX: &str = ".chudian-layer.json";
/// What the file of rejects is called behind the name of the table.
const REJECTS_SUFFIX: &str = ".rejected.csv";
/// Bytes of a pseudonym that nobody has, which tells one key from another.
const KEY_CHECK: &str = "key check";

/// Import a customer table into the dataset / 将客户表导入数据集
#[derive(Debug, Args)]
pub struct Import {
    /// The table.
    #[command(flatten)]
    pub input: TableArgs,
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
    /// Rejected rows beyond which nothing is published: a number or a share / 超过多少行被拒绝就不发布：行数或占比
    #[arg(long, default_value_t = RejectLimit::default())]
    pub rejects_max: RejectLimit,
    /// File for rejected rows; the table's name with `.rejected.csv` by default / 被拒绝行的文件
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

impl Import {
    /// Drafts a mapping, or imports.
    ///
    /// # Errors
    /// When file, mapping or system are not as they should be; the message says where and what to do. The snapshot in force stays in force.
    pub fn run(self) -> anyhow::Result<()> {
        let say = self.input.say();
        let mut rules = FileRules::default();
        let mapping = match &self.mapping {
            Some(path) => {
                let mapping = read_mapping(path, say)?;
                rules = mapping.file.clone();
                Some(mapping)
            }
            None => None,
        };
        self.input.override_rules(&mut rules);
        let input = self.input.open()?;
        let survey = survey(input.path(), &rules)
            .map_err(|error| say.error(&self.input.table, &error.into()))?;
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
            (None, None) => bail!(say.language.pick("--mapping is missing", "缺少 --mapping")),
        }
    }

    fn draft(
        &self,
        input: &Input,
        survey: &Survey,
        rules: &FileRules,
        place: &Path,
        say: Say,
    ) -> anyhow::Result<()> {
        let draft = suggest(input.path(), survey, rules)
            .map_err(|error| say.error(&self.input.table, &error))?;
        if place == Path::new(STANDARD_INPUT.0) {
            print!("{draft}");
            return Ok(());
        }
        // A mapping that somebody has corrected is not drafted over.
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(place);
        match file {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let place = place.display();
                bail!(say.language.pick(
                    format!("{place} is there already; choose another name or remove it"),
                    format!("{place} 已存在，请换一个文件名或先删除"),
                ));
            }
            file => file
                .and_then(|mut file| file.write_all(draft.as_bytes()))
                .with_context(|| place.display().to_string())?,
        }
        if self.json {
            print_json(&json!({ "mapping": place }));
        } else {
            let (place, table) = (place.display(), self.input.table.display());
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
        self.input.make_state_dir()?;
        let key = self.input.pseudonym_key()?;
        let rejects_place = self
            .rejects
            .clone()
            .unwrap_or_else(|| self.input.beside(REJECTS_SUFFIX));
        let bar = Bar::new(survey, say)?;
        let import = run::Import {
            path: input.path(),
            survey,
            mapping: &mapping,
            key: &key,
            rejects_max: self.rejects_max,
            rejects_place: &rejects_place,
            scratch: &self.input.state_dir,
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
                state_path: &self.input.beside(LAYER_STATE_SUFFIX),
            };
            let outcome = run(&import, Some(sending));
            customers = Some(target.customers());
            outcome
        } else {
            self.send(&import, say)?
        };
        bar.0.finish_and_clear();
        let outcome = outcome.map_err(|error| say.error(&self.input.table, &error))?;
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
        let state_path = self.input.beside(STATE_SUFFIX);
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
