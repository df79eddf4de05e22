//! `chudian simulate`: prices a person's own usage in the terminal, with no server running.
//!
//! The way through: bytes → [`encoding`] → [`table`] → request → [`simulator`] (the component) → [`report`]. Prices are the
//! component's; nothing is computed here but the sums that check a bill.

mod answer;
mod encoding;
mod fault;
mod headings;
mod layout;
mod left_out;
mod month;
mod quantity;
mod report;
mod simulator;
mod table;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chudian_manifest::Manifest;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use self::answer::{Bill, Comparison};
use self::fault::{Fault, Faults};
use self::simulator::Simulator;
use self::table::Table;
use self::words::{Kind, Words};
use super::today;
use crate::language::Language;

/// The component that prices.
const COMPONENT_ID: &str = "tariff-simulation";
/// Where `chudian up` keeps compiled code, beside the manifest.
const STATE_FOLDER: &str = ".chudian";
/// Form of the usage that is sent to the component.
const USAGE_SCHEMA: &str = "chudian-usage/1";
/// Largest table: thousands of rows fit, a video that was picked by mistake does not.
const TABLE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Largest catalogue; the component has the same limit.
const CATALOGUE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Plans that are shown at most; the component has the same limit.
const TOP_MAX: i64 = 200;
/// Largest scale of usage: ten times.
const WHAT_IF_PER_MILLE_MAX: u64 = 10_000;
/// Largest number of one add-on.
const ADD_ON_QUANTITY_MAX: u32 = 10;

/// Price a table of usage under every plan, without a server / 用自己的用量表测算各套餐（无需启动服务）
///
/// The table is CSV, UTF-8 or GB18030, one row for each month, kind and category:
/// month,kind,category,band,count,minutes,MB  or  月份,类型,类别,时段,次数,分钟,MB
#[derive(Debug, Args)]
pub struct Simulate {
    /// The table / 用量表
    pub table: PathBuf,
    /// Present plan / 现有套餐编号
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Add-on held with it, with how many: id or id=2 / 现有加油包
    #[arg(long = "add-on", value_name = "ID[=N]", requires = "plan", value_parser = parse_add_on)]
    pub add_ons: Vec<(String, u32)>,
    /// Catalogue; the sample's when absent / 资费目录文件，缺省为示例目录
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Region / 地区
    #[arg(long)]
    pub region: Option<String>,
    /// Brand, when it is not that of the present plan / 品牌
    #[arg(long)]
    pub brand: Option<String>,
    /// Customer type; the catalogue's first when absent / 客户类型，缺省为目录中的第一种
    #[arg(long)]
    pub customer_type: Option<String>,
    /// Other service held, such as broadband / 其他已有业务
    #[arg(long = "service")]
    pub services: Vec<String>,
    /// Plans shown / 显示的套餐数
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=TOP_MAX))]
    pub top: u32,
    /// Scale usage of a kind, in thousandths: data=1200 is a fifth more / 按千分比缩放某类用量
    #[arg(long, value_name = "KIND=N", value_delimiter = ',', value_parser = parse_what_if)]
    pub what_if: Vec<(Kind, u64)>,
    /// Day on which plans must be on sale, YYYY-MM-DD; today when absent / 办理日期
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<String>,
    /// Write out the bills of one month, for the best plan and the present one / 列出账单明细
    #[arg(long)]
    pub bill: bool,
    /// Month of the bills, YYYY-MM; the last one when absent / 账单月份
    #[arg(long, value_name = "MONTH", requires = "bill")]
    pub month: Option<String>,
    /// Language; that of the terminal when absent / 语言
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
    /// Manifest that names the component / 清单文件
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    pub from: PathBuf,
    /// The component itself, in place of the manifest's / 组件文件
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Answer as JSON / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

/// A language, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Simulate {
    /// Reads the table, prices it, and prints what came out.
    ///
    /// # Errors
    /// Everything that is wrong with table, catalogue or component, with what to do about it.
    pub fn run(self) -> anyhow::Result<()> {
        let language = self
            .lang
            .map_or_else(Language::of_terminal, |lang| match lang {
                Lang::Zh => Language::Chinese,
                Lang::En => Language::English,
            });
        let catalogue = match &self.catalogue {
            Some(path) => read_bounded(path, CATALOGUE_BYTES_MAX, language)?,
            None => chudian_sample::catalogue_json()?,
        };
        let words: Words = serde_json::from_slice(&catalogue).with_context(|| {
            language.pick(
                "the catalogue is not of the form chudian-catalogue/1; see docs/reference/catalogue.md",
                "资费目录不是 chudian-catalogue/1 格式；见 docs/reference/catalogue.md",
            )
        })?;
        let (table, encoding) = self.read_table(&words, language)?;
        let customer_type = self
            .customer_type
            .as_deref()
            .or_else(|| words.first_customer_type());
        // Programs get the same texts on every terminal, unless they ask for others.
        let of_answer = match self.lang {
            None if self.json => Language::English,
            _ => language,
        };
        let subject = self.subject(&table, customer_type, of_answer);
        let request = self.request(&subject)?;
        let (component, state_folder) = self.component(language)?;
        let mut simulator =
            Simulator::start(&component, state_folder.as_deref(), &catalogue, language)?;
        let bytes = simulator.simulate(&serde_json::to_vec(&request)?)?;
        let comparison: Comparison = serde_json::from_slice(&bytes).context("simulate")?;
        let bills = if self.bill {
            self.bills(&mut simulator, &subject, &comparison, language)?
        } else {
            Vec::new()
        };
        let found = self.found(&table, encoding, customer_type, language);
        if self.json {
            // What was found is for people; the answer is the same whatever the encoding of the table.
            eprintln!("{found}");
            let mut answer: Value = serde_json::from_slice(&bytes)?;
            answer["request"] = request;
            answer["bills"] = bills.into_iter().map(|(_, bill)| bill).collect();
            println!("{answer}");
            return Ok(());
        }
        println!("{found}");
        print!("{}", report::comparison(&comparison, language));
        for (package, bill) in bills {
            let bill: Bill = serde_json::from_value(bill).context("explain")?;
            print!("{}", report::bill(&bill, &package, language)?);
        }
        Ok(())
    }

    fn read_table(
        &self,
        words: &Words,
        language: Language,
    ) -> anyhow::Result<(Table, encoding::Encoding)> {
        let bytes = read_bounded(&self.table, TABLE_BYTES_MAX, language)?;
        let file = || self.table.display().to_string();
        let (text, encoding) = encoding::decode(&bytes).map_err(|fault: Fault| Faults {
            file: file(),
            faults: vec![fault],
        })?;
        let table = table::read(&text, words).map_err(|faults| Faults {
            file: file(),
            faults,
        })?;
        Ok((table, encoding))
    }

    /// What was found in the table, so that a wrong guess is seen.
    fn found(
        &self,
        table: &Table,
        encoding: encoding::Encoding,
        customer_type: Option<&str>,
        language: Language,
    ) -> String {
        let (file, rows, months) = (self.table.display(), table.rows, table.months.len());
        let mut text = language.pick(
            format!("{file}: {encoding}, {rows} rows, {months} months"),
            format!("{file}：{encoding}，{rows} 行，{months} 个月"),
        );
        if table.rounded > 0 {
            let rounded = table.rounded;
            text.push_str(&language.pick(
                format!("; {rounded} figures rounded to whole KB or seconds"),
                format!("；{rounded} 个数值按整 KB 或整秒四舍五入"),
            ));
        }
        if let Some(customer_type) = customer_type {
            let customer_type = layout::harmless(customer_type);
            text.push_str(&language.pick(
                format!("; customer type {customer_type}"),
                format!("；客户类型 {customer_type}"),
            ));
        }
        text
    }

    /// The component's file, and where compiled code is kept.
    fn component(&self, language: Language) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
        if let Some(file) = &self.component {
            return Ok((file.clone(), None));
        }
        let manifest = Manifest::load(&self.from)?;
        let Some(component) = manifest.components.get(COMPONENT_ID) else {
            let path = manifest.path.display();
            bail!(language.pick(
                format!("{path} has no component `{COMPONENT_ID}`; name its file with --component"),
                format!("{path} 中没有组件 `{COMPONENT_ID}`；请用 --component 指定文件"),
            ));
        };
        // A person who only prices a table has no state folder, and gets none.
        let state_folder =
            Some(manifest.directory.join(STATE_FOLDER)).filter(|folder| folder.is_dir());
        Ok((component.source.clone(), state_folder))
    }

    fn request(&self, subject: &Value) -> anyhow::Result<Value> {
        let mut request = subject.clone();
        request["as_of"] = match &self.as_of {
            Some(day) => json!(day),
            None => json!(today::in_china()?),
        };
        request["limit"] = json!(self.top);
        Ok(request)
    }

    /// The customer, the usage and the reader's language, as every request names them.
    fn subject(&self, table: &Table, customer_type: Option<&str>, language: Language) -> Value {
        let mut profile = json!({
            "add_ons": self.add_ons.iter().map(|(id, quantity)| json!({"id": id, "quantity": quantity})).collect::<Vec<_>>(),
            "services": self.services,
        });
        let known = [
            ("plan_id", self.plan.as_deref()),
            ("region", self.region.as_deref()),
            ("brand", self.brand.as_deref()),
            ("customer_type", customer_type),
        ];
        for (field, value) in known {
            if let Some(value) = value {
                profile[field] = json!(value);
            }
        }
        let mut subject = json!({"usage": {"schema": USAGE_SCHEMA, "months": table.months}, "profile": profile, "language": language.pick("en", "zh")});
        if !self.what_if.is_empty() {
            let scale = |kind| {
                self.what_if
                    .iter()
                    .rev()
                    .find(|(scaled, _)| *scaled == kind)
                    .map_or(1000, |(_, per_mille)| *per_mille)
            };
            subject["what_if"] = Kind::ALL
                .into_iter()
                .map(|kind| (kind.id().to_owned(), json!(scale(kind))))
                .collect();
        }
        subject
    }

    /// The bills of one month: of the best plan, then of the present one; each with the names of plan and add-ons that it is for.
    fn bills(
        &self,
        simulator: &mut Simulator,
        subject: &Value,
        comparison: &Comparison,
        language: Language,
    ) -> anyhow::Result<Vec<(String, Value)>> {
        let last = comparison.months.last().cloned().unwrap_or_default();
        let month = self.month.as_ref().unwrap_or(&last);
        if !comparison.months.contains(month) {
            let months = comparison.months.join(", ");
            bail!(language.pick(
                format!("the table has no month {month}; it has {months}"),
                format!("表格中没有 {month}；已有月份：{months}"),
            ));
        }
        let best = comparison
            .ranking
            .first()
            .map(|ranked| (&ranked.plan_id, &ranked.name, &ranked.add_ons));
        let present = comparison
            .present
            .as_ref()
            .map(|present| (&present.plan_id, &present.name, &present.add_ons));
        let mut bills = Vec::new();
        for (plan_id, name, add_ons) in best.into_iter().chain(present) {
            let mut request = subject.clone();
            request["month"] = json!(month);
            request["plan_id"] = json!(plan_id);
            request["add_ons"] = add_ons
                .iter()
                .map(|add_on| json!({"id": add_on.id, "quantity": add_on.quantity}))
                .collect();
            bills.push((
                report::package(name, add_ons),
                serde_json::from_slice(&simulator.explain(&serde_json::to_vec(&request)?)?)?,
            ));
        }
        Ok(bills)
    }
}

fn read_bounded(path: &Path, bytes_max: u64, language: Language) -> anyhow::Result<Vec<u8>> {
    let name = || {
        let path = path.display();
        language.pick(
            format!("{path} cannot be read; check its name"),
            format!("无法读取 {path}；请检查文件名"),
        )
    };
    let metadata = fs::metadata(path).with_context(name)?;
    if metadata.len() > bytes_max {
        let (path, mib) = (path.display(), bytes_max / (1024 * 1024));
        bail!(language.pick(
            format!("{path} is larger than {mib} MiB; this is the wrong file"),
            format!("{path} 超过 {mib} MiB，不是用量表或资费目录")
        ));
    }
    fs::read(path).with_context(name)
}

fn parse_add_on(text: &str) -> Result<(String, u32), String> {
    let (id, quantity) = text.split_once('=').unwrap_or((text, "1"));
    match quantity.parse::<u32>() {
        Ok(quantity) if (1..=ADD_ON_QUANTITY_MAX).contains(&quantity) && !id.is_empty() => {
            Ok((id.to_owned(), quantity))
        }
        _ => Err(format!(
            "write an id, or id=2 with a number from 1 to {ADD_ON_QUANTITY_MAX} / 请写编号，或“编号=数量”，数量为 1 至 {ADD_ON_QUANTITY_MAX}"
        )),
    }
}

fn parse_what_if(text: &str) -> Result<(Kind, u64), String> {
    let parsed = text
        .split_once('=')
        .and_then(|(kind, per_mille)| Some((Kind::parse(kind)?, per_mille.parse::<u64>().ok()?)));
    match parsed {
        Some((kind, per_mille)) if per_mille <= WHAT_IF_PER_MILLE_MAX => Ok((kind, per_mille)),
        _ => Err(format!(
            "write a kind and thousandths up to {WHAT_IF_PER_MILLE_MAX}, such as data=1200 / 请写“类型=千分比”，千分比不超过 {WHAT_IF_PER_MILLE_MAX}，例如 data=1200"
        )),
    }
}
