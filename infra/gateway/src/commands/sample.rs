//! `chudian sample`: writes the sample, and on request loads it into a running system.
//!
//! It decides nothing about the sample (that is `chudian-sample`) and nothing about what is stored (that is the tariff
//! simulation); it is a client like any other.

mod load;

use std::path::PathBuf;

use anyhow::Context as _;
use chudian_sample::table::{TableEncoding, TableFiles, write_contacts, write_table};
use chudian_sample::{Months, Settings, write_files};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::language::Language;

/// Most customers of one run: the largest province has fewer.
const CUSTOMERS_MAX: u64 = 100_000_000;
/// Customers between two movements of the progress bar; a bar that moves for each costs more than the customers.
const PROGRESS_STEP: u64 = 256;

/// Write sample price lists and customers, and load them / 生成示例资费与客户，并可导入系统
#[derive(Debug, Args)]
pub struct Sample {
    /// Folder for the files; with --table, the table's file / 输出目录；使用 --table 时为客户表文件
    #[arg(long)]
    pub out: PathBuf,
    /// Write a customer table of so many rows and its mapping instead / 改为生成指定行数的客户表及其导入映射
    #[arg(long, value_name = "ROWS", conflicts_with_all = ["load", "customers"], value_parser = clap::value_parser!(u64).range(1..=CUSTOMERS_MAX))]
    pub table: Option<u64>,
    /// With the table, write what its customers' contacts come to, for `chudian import --layer` / 同时生成客户的接触特征表，供 `chudian import --layer` 使用
    #[arg(long, requires = "table")]
    pub contacts: bool,
    /// Encoding of the customer table / 客户表的编码
    #[arg(long, requires = "table", value_enum, default_value_t = Encoding::Utf8)]
    pub encoding: Encoding,
    /// Decides everything that is left to chance / 随机种子
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many customers / 客户数
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=CUSTOMERS_MAX))]
    pub customers: u64,
    /// For how many of 1,000 customers the best plan is known / 每千名客户中预埋最优套餐的人数
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub planted_permille: u32,
    /// The last of the six months of usage, YYYY-MM / 六个月用量的最后一个月
    #[arg(long, default_value = "2026-10")]
    pub last_month: Months,
    /// Load into the system at this address; the key is read from CHUDIAN_KEY or --key-file / 导入到该地址的系统
    #[arg(long, value_name = "URL")]
    pub load: Option<String>,
    /// File that holds the key and nothing else / 密钥文件
    #[arg(long, requires = "load")]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long, requires = "load")]
    pub ca_file: Option<PathBuf>,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

/// Encoding of a customer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// UTF-8.
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// GB18030.
    Gb18030,
}

impl Sample {
    /// Writes the files, then loads them when asked to.
    ///
    /// # Errors
    /// When a file cannot be written, or when the system refuses something; the message says what to do.
    pub fn run(self) -> anyhow::Result<()> {
        let language = Language::of_terminal();
        if let Some(rows) = self.table {
            return self.write_table(rows, language);
        }
        // A key that is missing should be found before the work, not after it.
        let loader = match &self.load {
            Some(url) => Some(load::Loader::new(
                url,
                self.key_file.as_deref(),
                self.ca_file.as_deref(),
                language,
            )?),
            None => None,
        };
        let settings = Settings {
            seed: self.seed,
            customers: self.customers,
            planted_permille: self.planted_permille,
            months: self.last_month,
        };
        let bar = progress_bar(
            self.customers,
            language.pick("customers made", "已生成客户"),
        )?;
        let files = write_files(&self.out, &settings, &mut |written| {
            if written.is_multiple_of(PROGRESS_STEP) {
                bar.set_position(written);
            }
        })
        .context(language.pick("the sample could not be written", "示例文件写入失败"))?;
        bar.finish_and_clear();

        let loaded = match loader {
            Some(loader) => Some(loader.load(&files, self.customers)?),
            None => None,
        };
        if self.json {
            println!(
                "{}",
                json!({
                    "out": self.out, "seed": self.seed, "customers": self.customers, "planted": files.planted_count,
                    "loaded": loaded.as_ref().map(|done| json!({
                        "catalogue_version": done.version, "active_from": done.active_from, "customers": done.accepted,
                    })),
                })
            );
            return Ok(());
        }
        let (customers, planted, out) = (self.customers, files.planted_count, self.out.display());
        println!(
            "{}",
            language.pick(
                format!("{customers} customers in {out}; the best plan of {planted} of them is in planted.json"),
                format!("已在 {out} 生成 {customers} 名客户，其中 {planted} 名的最优套餐记录在 planted.json"),
            )
        );
        if let Some(done) = loaded {
            let (version, from, accepted) = (done.version, done.active_from, done.accepted);
            println!(
                "{}",
                language.pick(
                    format!("loaded: catalogue {version} in force from {from}, {accepted} customers stored"),
                    format!("已导入：资费目录 {version} 自 {from} 起生效，已存储 {accepted} 名客户"),
                )
            );
        }
        Ok(())
    }
}

impl Sample {
    /// Writes the customer table and its mapping.
    fn write_table(&self, rows: u64, language: Language) -> anyhow::Result<()> {
        let settings = Settings {
            seed: self.seed,
            customers: rows,
            planted_permille: self.planted_permille,
            months: self.last_month,
        };
        let encoding = match self.encoding {
            Encoding::Utf8 => TableEncoding::Utf8,
            Encoding::Gb18030 => TableEncoding::Gb18030,
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let bar = progress_bar(rows, language.pick("rows written", "已写入行"))?;
        let files = write_table(&self.out, &settings, encoding, threads, &mut |written| {
            bar.set_position(written);
        })
        .context(language.pick("the table could not be written", "客户表写入失败"))?;
        bar.finish_and_clear();
        let contacts = self
            .contacts
            .then(|| self.write_contacts(&settings, encoding, threads, language))
            .transpose()?;
        if self.json {
            println!(
                "{}",
                json!({
                    "table": files.table, "mapping": files.mapping, "seed": self.seed, "rows": rows,
                    "contacts": contacts.as_ref().map(|files| json!({ "table": files.table, "mapping": files.mapping })),
                })
            );
            return Ok(());
        }
        let (table, mapping) = (files.table.display(), files.mapping.display());
        println!(
            "{}",
            language.pick(
                format!("{rows} rows in {table}; import them with\n  chudian import {table} --mapping {mapping}"),
                format!("已在 {table} 写入 {rows} 行，导入命令：\n  chudian import {table} --mapping {mapping}"),
            )
        );
        if let Some(files) = contacts {
            let (table, mapping) = (files.table.display(), files.mapping.display());
            println!(
                "{}",
                language.pick(
                    format!("their contacts in {table}; add them with\n  chudian import {table} --mapping {mapping} --layer"),
                    format!("接触特征已写入 {table}，添加命令：\n  chudian import {table} --mapping {mapping} --layer"),
                )
            );
        }
        Ok(())
    }

    /// Writes what the contacts of the table's customers come to, beside the table.
    fn write_contacts(
        &self,
        settings: &Settings,
        encoding: TableEncoding,
        threads: usize,
        language: Language,
    ) -> anyhow::Result<TableFiles> {
        let place = self.out.with_extension("contacts.csv");
        let bar = progress_bar(
            settings.customers,
            language.pick("customers' contacts written", "已写入客户接触特征"),
        )?;
        let files = write_contacts(&place, settings, encoding, threads, &mut |written| {
            bar.set_position(written);
        })
        .context(language.pick(
            "the table of contacts could not be written",
            "接触特征表写入失败",
        ))?;
        bar.finish_and_clear();
        Ok(files)
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(length: u64, what: &str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} ({eta})")?;
    Ok(ProgressBar::new(length)
        .with_style(style)
        .with_message(what.to_owned()))
}
