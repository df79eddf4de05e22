//! `chudian batch tariff`: the best plan of every customer (TS-7).
//!
//! The batch is begun under a key made of what it prices, so that the same command finds it again, on this machine or another:
//! what is done is not done twice. Whoever finishes the last part publishes.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};
use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::column::ColumnData;
use chudian_dataset::manifest::segment_rows;
use chudian_dataset::schema::Column;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use clap::Args;
use http::StatusCode;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::layer::{self, Layer, Values};
use crate::commands::client::{Client, Purpose, Request};
use crate::commands::{print_json, today};
use crate::language::Language;

/// Where batches are.
const BATCHES: &str = "/tariff/v1/batches";
/// Media type of what is sent.
const JSON: &str = "application/json";
/// Largest mapping file: the function takes less.
const MAPPING_BYTES_MAX: u64 = 256 * 1024;
/// Parts asked for at once, at most: a gateway has no more cores than that for one function.
const CONCURRENCY_MAX: usize = 64;
/// Batches over the same dataset on the same day that are looked for.
const REPEATS_MAX: u32 = 1_000;
/// Hexadecimal characters of the hash that name what is priced.
const KEY_CHARACTERS: usize = 40;

/// What a batch wants of the system.
pub(super) const PURPOSE: Purpose = Purpose {
    forbidden: (
        "a batch needs a key of the whole province with the role analyst or admin",
        "批量测算需要角色为 analyst 或 admin 且不限地区的密钥",
    ),
    missing: (
        "the address serves no tariff simulation or no customer dataset; `chudian modules` lists what runs there",
        "该地址没有资费测算或客户数据集服务；可用 `chudian modules` 查看",
    ),
    unreadable: (
        "the answer is not that of a batch; check that this program and the system have the same version",
        "应答不是批量测算的格式，请检查本程序与系统版本是否一致",
    ),
};

/// Find the best plan of every customer and publish it as columns of the dataset / 为每位客户找出最优套餐，并作为数据集的列发布
#[derive(Debug, Args)]
pub(super) struct Tariff {
    /// Which columns hold which usage (JSON); for the sample's table by default / 用量列映射文件（JSON），默认适用于示例数据
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Address of the running system / 系统地址
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,
    /// File that holds the access key and nothing else; otherwise CHUDIAN_KEY / 访问密钥文件，默认读取 CHUDIAN_KEY
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Catalogue version; the one in force by default / 资费目录版本，默认为生效版本
    #[arg(long)]
    pub catalogue: Option<String>,
    /// Day on which plans must be on sale, YYYY-MM-DD; today by default / 套餐须在售的日期，默认今天
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<String>,
    /// Search the best add-ons for each plan, too; many times slower / 同时搜索最优叠加包，耗时增加许多倍
    #[arg(long)]
    pub with_add_ons: bool,
    /// Parts computed at once / 同时计算的部分数
    #[arg(long, default_value_t = 2)]
    pub concurrency: usize,
    /// Only the i-th of n shares of the segments, for several machines / 只计算第 i 份（共 n 份），用于多台机器
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub partition: Partition,
    /// Compute and keep, publish nothing / 只计算，不发布
    #[arg(long)]
    pub no_publish: bool,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

/// A share of the segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Which one, from 1.
    pub(super) number: usize,
    /// Of how many.
    pub(super) of: usize,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| {
            Some((number.parse::<usize>().ok()?, of.parse::<usize>().ok()?))
        });
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("for instance 1/4 / 例如 1/4".to_owned()),
        }
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.number, self.of)
    }
}

impl Partition {
    fn contains(self, segment: usize) -> bool {
        segment % self.of == self.number - 1
    }
}

#[derive(Deserialize)]
struct Begun {
    id: String,
}

#[derive(Deserialize)]
struct Progress {
    id: String,
    snapshot: String,
    catalogue_version: String,
    rows: u64,
    segments: usize,
    rows_per_part: usize,
    columns: Vec<Column>,
    parts: Vec<Done>,
}

#[derive(Deserialize)]
struct Done {
    segment: usize,
    first_row: usize,
    rows: u64,
    plan_months: u64,
    skipped: u64,
}

/// What the batch computed, fetched segment by segment.
struct Computed<'a> {
    client: &'a Client,
    batch: &'a Progress,
}

impl Values for Computed<'_> {
    fn of_segment(
        &mut self,
        segment: usize,
        _customers: &[CustomerPseudonym],
    ) -> anyhow::Result<Vec<ColumnData>> {
        let columns = self.batch.columns.iter().map(|column| {
            let path = format!(
                "{BATCHES}/{}/segments/{segment}/columns/{}",
                self.batch.id, column.name
            );
            let bytes = layer::fetched(self.client, &path)?;
            Ok(ColumnData::decode(bytes, column)?)
        });
        columns.collect()
    }
}

#[derive(Deserialize)]
struct Described {
    version: String,
}

#[derive(Deserialize)]
struct Removal {
    more: bool,
}

impl Tariff {
    /// Computes, and publishes.
    ///
    /// # Errors
    /// When the mapping or the system is not as it should be.
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            bail!(language.pick(
                format!("--concurrency is 1 to {CONCURRENCY_MAX}"),
                format!("--concurrency 应为 1 到 {CONCURRENCY_MAX}"),
            ));
        }
        let client = Client::new(
            &self.to,
            self.key_file.as_deref(),
            self.ca_file.as_deref(),
            language,
            PURPOSE,
        )?;
        let batch = self.found_or_begun(&client, language)?;
        let began = Instant::now();
        let computed = self.compute(&client, &batch, language)?;
        let seconds = began.elapsed().as_secs_f64();
        let batch = progress(&client, &batch.id)?.context(batch.id)?;
        let parts_all = all_parts(&batch, |_| true).len();
        let version = if self.no_publish || batch.parts.len() < parts_all {
            None
        } else {
            Some(self.publish(&client, &batch, language)?)
        };
        self.tell(
            &batch,
            parts_all,
            &computed,
            seconds,
            version.as_deref(),
            language,
        );
        Ok(())
    }

    /// The batch of this command, begun by an earlier run or now.
    fn found_or_begun(&self, client: &Client, language: Language) -> anyhow::Result<Progress> {
        let current: Described = get(client, "/dataset/v1/snapshots/current")?;
        let as_of = match &self.as_of {
            Some(day) => day.clone(),
            None => today::in_china()?,
        };
        let mut body = json!({
            "mapping": self.read_mapping(language)?,
            "dataset_version": current.version,
            "as_of": as_of,
            "with_add_ons": self.with_add_ons,
        });
        if let Some(version) = &self.catalogue {
            body["catalogue_version"] = json!(version);
        }
        let body = body.to_string();
        let mut hash: String = Sha256::digest(body.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hash.truncate(KEY_CHARACTERS);
        // A batch that was published is removed; the next one of the same day has the next number.
        for number in 1..=REPEATS_MAX {
            let request = Request {
                method: "POST",
                path: BATCHES,
                content_type: JSON,
                idempotency_key: Some(&format!("{hash}-{number}")),
                body: body.as_bytes(),
            };
            let answer = client.send(request).map_err(|refused| refused.error)?;
            let begun: Begun = client.read(&answer)?;
            if let Some(progress) = progress(client, &begun.id)? {
                return Ok(progress);
            }
        }
        bail!(language.pick("too many batches of this kind today", "今天这类批次过多"))
    }

    fn read_mapping(&self, language: Language) -> anyhow::Result<Value> {
        let Some(path) = &self.mapping else {
            return Ok(serde_json::from_str(include_str!("tariff-mapping.json"))?);
        };
        let shown = path.display().to_string();
        let size = fs::metadata(path).with_context(|| shown.clone())?.len();
        if size > MAPPING_BYTES_MAX {
            bail!(language.pick(
                format!("{shown} is too large to be a mapping"),
                format!("{shown} 过大，不是映射文件"),
            ));
        }
        let text = fs::read_to_string(path).with_context(|| shown.clone())?;
        serde_json::from_str(&text).with_context(|| {
            language.pick(
                format!("{shown} is no JSON"),
                format!("{shown} 不是合法的 JSON"),
            )
        })
    }

    /// Computes the parts of this share that are not done; what was done now.
    fn compute(
        &self,
        client: &Client,
        batch: &Progress,
        language: Language,
    ) -> anyhow::Result<Vec<Done>> {
        let own = all_parts(batch, |segment| self.partition.contains(segment));
        let is_done = |part: &(usize, usize)| {
            let place = |done: &Done| (done.segment, done.first_row);
            batch.parts.iter().any(|done| place(done) == *part)
        };
        let missing: Vec<(usize, usize)> =
            own.iter().copied().filter(|part| !is_done(part)).collect();
        let bar = bar(own.len(), language.pick("parts priced", "已测算部分"))?;
        bar.set_position((own.len() - missing.len()) as u64);
        let next = AtomicUsize::new(0);
        let outcome: Mutex<anyhow::Result<Vec<Done>>> = Mutex::new(Ok(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.concurrency.min(missing.len()) {
                scope.spawn(|| {
                    while let Some((segment, first_row)) =
                        missing.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let path =
                            format!("{BATCHES}/{}/segments/{segment}/rows/{first_row}", batch.id);
                        let done = put(client, &path);
                        let mut outcome = outcome
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner);
                        match (&mut *outcome, done) {
                            (Ok(all), Ok(done)) => all.push(done),
                            (Ok(_), Err(error)) => *outcome = Err(error),
                            (Err(_), _) => {}
                        }
                        if outcome.is_err() {
                            break;
                        }
                        bar.inc(1);
                    }
                });
            }
        });
        bar.finish_and_clear();
        outcome
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn publish(
        &self,
        client: &Client,
        batch: &Progress,
        language: Language,
    ) -> anyhow::Result<String> {
        let layer = Layer {
            key: &batch.id,
            snapshot: &batch.snapshot,
            rows: batch.rows,
            columns: &batch.columns,
            source: ("tariff-simulation", &batch.id),
        };
        let bar = bar(
            layer.steps(),
            language.pick("parts published", "已发布部分"),
        )?;
        let mut computed = Computed { client, batch };
        let version = layer::publish(client, &layer, &mut computed, || bar.inc(1))?;
        bar.finish_and_clear();
        // What is published needs its parts no more.
        loop {
            let path = format!("{BATCHES}/{}", batch.id);
            let removal: Removal = asked(client, "DELETE", &path)?;
            if !removal.more {
                return Ok(version);
            }
        }
    }

    fn tell(
        &self,
        batch: &Progress,
        parts_all: usize,
        computed: &[Done],
        seconds: f64,
        version: Option<&str>,
        language: Language,
    ) {
        let sum = |figure: fn(&Done) -> u64| computed.iter().map(figure).sum::<u64>();
        let (rows, plan_months) = (sum(|done| done.rows), sum(|done| done.plan_months));
        let skipped: u64 = batch.parts.iter().map(|done| done.skipped).sum();
        let parts_missing = parts_all - batch.parts.len().min(parts_all);
        if self.json {
            return print_json(&json!({
                "batch": batch.id, "snapshot": batch.snapshot, "catalogue_version": batch.catalogue_version,
                "customers": batch.rows, "customers_priced_now": rows, "plan_months_priced_now": plan_months,
                "seconds": seconds, "customers_skipped": skipped, "parts_missing": parts_missing,
                "published_version": version,
            }));
        }
        let rate = plan_months as f64 / seconds.max(f64::MIN_POSITIVE) / 1e6;
        println!(
            "{}",
            language.pick(
                format!("{rows} customers priced in {seconds:.1} s, {plan_months} plan-months ({rate:.2} million/s); {skipped} could not be priced"),
                format!("{seconds:.1} 秒内测算 {rows} 名客户，共 {plan_months} 个套餐月（每秒 {rate:.2} 百万）；{skipped} 名无法测算"),
            )
        );
        let end = match version {
            Some(version) => language.pick(
                format!("published as dataset version {version}"),
                format!("已发布为数据集版本 {version}"),
            ),
            None if parts_missing > 0 => language.pick(
                format!("{parts_missing} parts are left to other shares; whoever finishes last publishes"),
                format!("还有 {parts_missing} 个部分由其他份完成；最后完成的一方发布"),
            ),
            None => language.pick(
                format!("computed, not published: batch {}", batch.id),
                format!("已计算，未发布：批次 {}", batch.id),
            ),
        };
        println!("{end}");
    }
}

/// Every part of the segments that are wanted: segment and first row.
fn all_parts(batch: &Progress, wanted: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let step = batch.rows_per_part.clamp(1, SEGMENT_ROWS);
    (0..batch.segments)
        .filter(|segment| wanted(*segment))
        .flat_map(|segment| {
            let rows = segment_rows(batch.rows, segment);
            (0..rows).step_by(step).map(move |first| (segment, first))
        })
        .collect()
}

/// A batch and what is done of it; nothing when it was removed.
fn progress(client: &Client, id: &str) -> anyhow::Result<Option<Progress>> {
    let request = Request {
        method: "GET",
        path: &format!("{BATCHES}/{id}"),
        content_type: JSON,
        idempotency_key: None,
        body: &[],
    };
    match client.send(request) {
        Ok(answer) => client.read(&answer).map(Some),
        Err(refused)
            if refused.status == Some(StatusCode::NOT_FOUND)
                && refused.code.as_deref() == Some("not-found") =>
        {
            Ok(None)
        }
        Err(refused) => Err(refused.error),
    }
}

pub(super) fn get<Body: for<'de> Deserialize<'de>>(
    client: &Client,
    path: &str,
) -> anyhow::Result<Body> {
    asked(client, "GET", path)
}

fn put(client: &Client, path: &str) -> anyhow::Result<Done> {
    asked(client, "PUT", path)
}

fn asked<Body: for<'de> Deserialize<'de>>(
    client: &Client,
    method: &str,
    path: &str,
) -> anyhow::Result<Body> {
    let request = Request {
        method,
        path,
        content_type: JSON,
        idempotency_key: None,
        body: &[],
    };
    client.read(&client.send(request).map_err(|refused| refused.error)?)
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn bar(length: usize, what: &str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} ({eta})")?;
    Ok(ProgressBar::new(length as u64)
        .with_style(style)
        .with_message(what.to_owned()))
}
