//! `chudian import-events`: a table of events is reported to the feedback function, in batches.
//!
//! It decides nothing about rows (that is `chudian_import::events`) and nothing about events (that is the feedback function): it reads the
//! command line, sends, and keeps what was refused. A run that was killed is started again with the same words: it goes on behind what was
//! acknowledged, and where it cannot know that, it sends again, which counts nothing twice because every row has an id for ever.

mod progress;
mod rejects;
mod sending;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use chudian_import::events::{
    EventField, EventMaker, EventsLayout, EventsMapping, EventsMappingError, draft,
};
use chudian_import::limits::MAPPING_BYTES_MAX;
use chudian_import::mapping::{FileRules, IdForm};
use chudian_import::rejects::RejectLimit;
use chudian_import::rows::IdMaker;
use chudian_import::source::{self, Format, RowSource, Survey, survey};
use chudian_import::state::{Fingerprint, hexadecimal};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::progress::{Done, Resumable};
use self::rejects::Rejects;
use self::sending::{Sending, send};
use crate::commands::client::{Client, Purpose};
use crate::commands::print_json;
use crate::commands::table::{STANDARD_INPUT, Say, TableArgs};

/// What the file of progress is called behind the name of the table.
const STATE_SUFFIX: &str = ".chudian-events.json";
/// What the file of rejects is called behind the name of the table.
const REJECTS_SUFFIX: &str = ".rejected-events.csv";
/// Batches under way at once, at most: the function shares one commit among those that wait, so more would only fill its queue.
const CONCURRENCY_MAX: usize = 16;
/// Bytes of a pseudonym that nobody has, which tells one key from another.
const KEY_CHECK: &str = "key check";

/// What the verb wants of the system.
const PURPOSE: Purpose = Purpose {
    forbidden: (
        "reporting events needs a key with the role hall, channel or admin",
        "上报事件需要角色为 hall、channel 或 admin 的密钥",
    ),
    missing: (
        "the address takes no events; `chudian modules` lists what runs there",
        "该地址没有反馈采集服务；可用 `chudian modules` 查看",
    ),
    unreadable: (
        "the answer is not that of the feedback function; check the address",
        "应答不是反馈采集服务的格式，请检查地址",
    ),
};

/// Report a table of events to the feedback function / 将事件表批量上报到反馈采集
#[derive(Debug, Args)]
pub struct ImportEvents {
    /// The table.
    #[command(flatten)]
    pub input: TableArgs,
    /// What its columns are; not needed when the headings say so / 列映射文件，表头可识别时不需要
    #[arg(long)]
    pub mapping: Option<PathBuf>,
    /// Draft a mapping from the headings, to this file or the screen, and send nothing / 起草映射文件，不发送
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with_all = ["mapping", "dry_run"])]
    pub suggest: Option<PathBuf>,
    /// The same for every row, such as region=zs01; may be repeated / 每一行都相同的取值，可多次给出
    #[arg(long, value_name = "FIELD=VALUE")]
    pub constant: Vec<String>,
    /// Address of the running system / 系统地址
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,
    /// File that holds the access key and nothing else; otherwise CHUDIAN_KEY / 访问密钥文件，默认读取 CHUDIAN_KEY
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Read and check everything, send nothing / 只读取和校验，不发送
    #[arg(long)]
    pub dry_run: bool,
    /// Batches sent at once / 同时发送的批数
    #[arg(long, default_value_t = 4)]
    pub concurrency: usize,
    /// Rejected rows beyond which it stops: a number or a share / 超过多少行被拒绝就停止：行数或占比
    #[arg(long, default_value = "10%")]
    pub rejects_max: RejectLimit,
    /// File for rejected rows; the table's name with `.rejected-events.csv` by default / 被拒绝行的文件
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

impl ImportEvents {
    /// Drafts a mapping, or sends.
    ///
    /// # Errors
    /// When file, mapping or system are not as they should be; the message says where and what to do. What was acknowledged is stored.
    pub fn run(self) -> anyhow::Result<()> {
        let say = self.input.say();
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            bail!(say.language.pick(
                format!("--concurrency is 1 to {CONCURRENCY_MAX}"),
                format!("--concurrency 应为 1 到 {CONCURRENCY_MAX}"),
            ));
        }
        let constants = self.constants(say)?;
        let mapping = match &self.mapping {
            Some(path) => Some(read_mapping(path, say)?),
            None => None,
        };
        let mut rules = mapping
            .as_ref()
            .map_or_else(FileRules::default, |mapping| mapping.file.clone());
        self.input.override_rules(&mut rules);
        let input = self.input.open()?;
        let table = &self.input.table;
        let survey =
            survey(input.path(), &rules).map_err(|error| say.error(table, &error.into()))?;
        if !self.json {
            eprintln!("{}", say.survey(&survey));
        }
        let rows = source::open(input.path(), &survey, &rules)
            .map_err(|error| say.error(table, &error.into()))?;
        if let Some(place) = &self.suggest {
            return self.draft(place, rows.headings(), &rules, say);
        }
        let layout = match &mapping {
            Some(mapping) => mapping.layout(rows.headings(), &constants),
            None => EventsLayout::of_headings(rows.headings(), &rules, &constants),
        };
        let layout = layout.map_err(|error| refused(table, &error, say))?;
        self.send(&survey, rows, layout, say)
    }

    fn constants(&self, say: Say) -> anyhow::Result<BTreeMap<EventField, String>> {
        let mut constants = BTreeMap::new();
        for text in &self.constant {
            let pair = text
                .split_once('=')
                .and_then(|(name, value)| Some((EventField::of_name(name)?, value)));
            let Some((field, value)) = pair else {
                let names: Vec<&str> = EventField::ALL.iter().map(|field| field.name()).collect();
                bail!(say.language.pick(
                    format!(
                        "--constant {text}: write FIELD=VALUE with a field of {}",
                        names.join(", ")
                    ),
                    format!(
                        "--constant {text}：应为 字段=取值，字段为 {}",
                        names.join("、")
                    ),
                ));
            };
            constants.insert(field, value.to_owned());
        }
        Ok(constants)
    }

    fn draft(
        &self,
        place: &Path,
        headings: &[String],
        rules: &FileRules,
        say: Say,
    ) -> anyhow::Result<()> {
        let text = draft(headings, rules);
        if place == Path::new(STANDARD_INPUT.0) {
            print!("{text}");
            return Ok(());
        }
        fs::write(place, text).with_context(|| place.display().to_string())?;
        if self.json {
            print_json(&json!({ "mapping": place }));
        } else {
            let (place, table) = (place.display(), self.input.table.display());
            println!(
                "{}",
                say.language.pick(
                    format!("draft in {place}; read it, correct it, then\n  chudian import-events {table} --mapping {place} --dry-run"),
                    format!("草稿已写入 {place}，请逐列核对修改，然后运行\n  chudian import-events {table} --mapping {place} --dry-run"),
                )
            );
        }
        Ok(())
    }

    fn send(
        &self,
        survey: &Survey,
        rows: Box<dyn RowSource>,
        layout: EventsLayout,
        say: Say,
    ) -> anyhow::Result<()> {
        self.input.make_state_dir()?;
        let key = self.input.pseudonym_key()?;
        let check = IdMaker::new(IdForm::Text, &key).of(KEY_CHECK.as_bytes());
        // The debug form names every member, those of the command line with them, and holds nothing of a customer.
        let read = format!("{layout:?}{:?}{:?}", survey.encoding, survey.dialect);
        let fingerprint = Fingerprint {
            source: hexadecimal(&survey.sha256),
            mapping: hexadecimal(&Sha256::digest(read)),
            key: check.map(|check| check.to_string()).unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let client = (!self.dry_run)
            .then(|| {
                Client::new(
                    &self.to,
                    self.key_file.as_deref(),
                    self.ca_file.as_deref(),
                    say.language,
                    PURPOSE,
                )
            })
            .transpose()?;
        let resumable = client.as_ref().map(|client| {
            let path = self.input.beside(STATE_SUFFIX);
            Resumable::new(path, fingerprint, client.address().to_owned())
        });
        let before = match &resumable {
            Some(resumable) => resumable.resume()?,
            None => Done::default(),
        };
        if before.rows > 0 && !self.json {
            let rows = before.rows;
            eprintln!(
                "{}",
                say.language.pick(
                    format!("going on behind row {rows}, where an earlier run was interrupted"),
                    format!("从上次中断处（第 {rows} 行之后）继续"),
                )
            );
        }
        let rejects_place = self
            .rejects
            .clone()
            .unwrap_or_else(|| self.input.beside(REJECTS_SUFFIX));
        let rejects = Rejects::open(&rejects_place, before.rejects_bytes, say.words)
            .with_context(|| rejects_place.display().to_string())?;
        let bar = bar(survey, say)?;
        let began = Instant::now();
        let sending = Sending {
            client: client.as_ref(),
            maker: &EventMaker::new(layout, &key),
            concurrency: self.concurrency,
            rejects_max: self.rejects_max,
            resumable: resumable.as_ref(),
            say,
            bar: &bar,
        };
        let outcome = send(&sending, rows, before.clone(), rejects);
        bar.finish_and_clear();
        let done = outcome.with_context(|| self.input.table.display().to_string())?;
        if let Some(resumable) = &resumable {
            resumable.forget()?;
        }
        self.report(
            survey,
            &before,
            &done,
            &rejects_place,
            began.elapsed().as_secs_f64(),
            say,
        );
        Ok(())
    }

    fn report(
        &self,
        survey: &Survey,
        before: &Done,
        done: &Done,
        rejects: &Path,
        seconds: f64,
        say: Say,
    ) {
        let rejects = (done.rejected > 0).then(|| rejects.display().to_string());
        if self.json {
            return print_json(&json!({
                "format": survey.format.as_str(),
                "encoding": (survey.format == Format::Csv).then(|| survey.encoding.as_str()),
                "encoding_detected": survey.encoding_detected,
                "rows_read": done.rows, "rows_skipped_as_done": before.rows,
                "accepted": done.accepted, "duplicates": done.duplicates, "rejected": done.rejected,
                "rejects": rejects, "seconds": seconds, "sent": !self.dry_run,
            }));
        }
        let Done {
            rows,
            accepted,
            duplicates,
            rejected,
            ..
        } = done;
        if self.dry_run {
            let good = rows - rejected;
            println!(
                "{}",
                say.language.pick(
                    format!("trial only, nothing was sent: {good} of {rows} rows are events, {rejected} rejected"),
                    format!("仅试运行，未发送：{rows} 行中 {good} 行可作为事件，{rejected} 行被拒绝"),
                )
            );
        } else {
            println!(
                "{}",
                say.language.pick(
                    format!("{rows} rows: {accepted} events accepted, {duplicates} known before, {rejected} rejected"),
                    format!("共 {rows} 行：接受 {accepted} 个事件，{duplicates} 个此前已收到，{rejected} 个被拒绝"),
                )
            );
        }
        if let Some(rejects) = rejects {
            println!(
                "{}",
                say.language
                    .pick(format!("reasons in {rejects}"), format!("原因见 {rejects}"))
            );
        }
    }
}

fn refused(table: &Path, error: &EventsMappingError, say: Say) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", table.display(), error.text(say.words))
}

fn read_mapping(path: &Path, say: Say) -> anyhow::Result<EventsMapping> {
    let name = || path.display().to_string();
    let mut text = String::new();
    fs::File::open(path)
        .with_context(name)?
        .take(MAPPING_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(name)?;
    EventsMapping::parse(&text).map_err(|error| refused(path, &error, say))
}

/// A bar on a terminal, nothing elsewhere. Of a delimited file the lines are counted; of others the length is not known before the end.
fn bar(survey: &Survey, say: Say) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} ({eta})")?;
    let bar = match survey.format {
        Format::Csv => ProgressBar::new(survey.line_feeds.max(1)).with_style(style),
        Format::Xlsx | Format::Parquet | Format::Arrow => ProgressBar::no_length(),
    };
    Ok(bar.with_message(say.language.pick("rows", "行")))
}
