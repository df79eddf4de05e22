//! `chudian batch contacts`: what the event log knows of every customer, as columns of the dataset (TF-1, TF-3).
//!
//! The feedback function folds the log, page by page and as of one horizon; this program fetches the pages, keeps them in a folder, and publishes
//! them as a layer over the snapshot in force. Stopped at any moment it goes on; run by several machines over one folder (`--partition`), each
//! fetches its share and whoever finishes last publishes.

mod parts;

use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::contact::{
    Business, BusinessEvent, ContactTerm, Measure, Window, source_of_horizon,
};
use chudian_dataset::schema::{Column, ColumnName, Kind};
use chudian_dataset::value::Value;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::EventKind;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use chudian_vocabulary::{Date, Name};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;

use self::parts::{Folder, Page, Plan, PlannedColumn, bounds};
use super::layer::{self, CustomerTable, Layer};
use super::tariff::Partition;
use crate::commands::client::{Client, Purpose, Request};
use crate::commands::print_json;
use crate::language::Language;

/// Where features are.
const FEATURES: &str = "/feedback/v1/contact-features";
/// Media type of what is sent.
const JSON: &str = "application/json";
/// The function that made the values, for the record.
const SOURCE: &str = "feedback-ingest";
/// Parts that a folder may have: their bounds are letters, and with more of them some would be empty.
const PARTS_MAX: usize = 26;
/// The folder under way, in the state folder.
const FOLDER: &str = "contacts";

/// What the batch wants of the system.
const PURPOSE: Purpose = Purpose {
    forbidden: (
        "contact features need a key of the whole province with the role analyst or admin",
        "接触特征需要角色为 analyst 或 admin 且不限地区的密钥",
    ),
    missing: (
        "the address serves no feedback ingest or no customer dataset, or there is no dataset yet; `chudian modules` lists what runs there, `chudian import` makes a dataset",
        "该地址没有反馈采集或客户数据集服务，或尚无数据集；可用 `chudian modules` 查看，用 `chudian import` 导入",
    ),
    unreadable: (
        "the answer is not that of the feedback function; check that this program and the system have the same version",
        "应答不是反馈采集服务的格式，请检查本程序与系统版本是否一致",
    ),
};

/// Fold the event log into columns of every customer and publish them / 将接触事件汇总为每位客户的列并发布
#[derive(Debug, Args)]
pub(super) struct Contacts {
    /// A further column, such as contact_count_sms_hall_marketing_contact_7d; may be repeated / 另需的列，可多次给出
    #[arg(long, value_name = "NAME")]
    pub column: Vec<String>,
    /// The columns of a business of which no event is known yet, such as ring_tone; may be repeated / 尚无事件的业务，可多次给出
    #[arg(long, value_name = "NAME")]
    pub business: Vec<String>,
    /// Only the columns given with --column and --business, not those that the events suggest / 只要 --column 与 --business 给出的列
    #[arg(long)]
    pub only: bool,
    /// Only events that came before this moment, RFC 3339; a minute ago by default / 只计此刻之前收到的事件，默认为一分钟前
    #[arg(long, value_name = "MOMENT")]
    pub as_of: Option<String>,
    /// Address of the running system / 系统地址
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,
    /// File that holds the access key and nothing else; otherwise CHUDIAN_KEY / 访问密钥文件，默认读取 CHUDIAN_KEY
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Parts fetched at once / 同时获取的部分数
    #[arg(long, default_value_t = 2)]
    pub concurrency: usize,
    /// Only the i-th of n shares of the customers, for several machines over one --parts folder / 只获取第 i 份（共 n 份），多台机器共用 --parts 目录
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub partition: Partition,
    /// Folder in which parts are kept until all are there; in the state folder by default / 各部分的存放目录，默认在状态目录中
    #[arg(long, value_name = "FOLDER")]
    pub parts: Option<PathBuf>,
    /// Folder of the installation's state / 状态目录
    #[arg(long, env = "CHUDIAN_STATE_DIR", default_value = ".chudian")]
    pub state_dir: PathBuf,
    /// Forget what an earlier run has fetched and begin anew / 放弃上次未完成的批次，重新开始
    #[arg(long)]
    pub restart: bool,
    /// Fetch and keep, publish nothing / 只获取，不发布
    #[arg(long)]
    pub no_publish: bool,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

#[derive(Deserialize)]
struct Current {
    id: String,
    rows: u64,
}

/// The snapshot as it was imported, without layers.
#[derive(Deserialize)]
struct Own {
    columns: Vec<OwnColumn>,
}

#[derive(Deserialize)]
struct OwnColumn {
    name: String,
}

#[derive(Deserialize)]
struct Suggested {
    horizon: String,
    columns: Vec<PlannedColumn>,
    columns_left_out: usize,
    businesses_without_columns: usize,
}

/// What was published.
struct Published {
    version: String,
    /// Customers of the log.
    customers: u64,
    /// Of these, in the dataset.
    known: u64,
    /// Customers of the log whose id is no pseudonym.
    foreign: u64,
}

impl Contacts {
    /// Fetches, and publishes.
    ///
    /// # Errors
    /// When the system or the folder is not as it should be. What was fetched stays fetched.
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        let parts = self.partition.of.saturating_mul(self.concurrency);
        if !(1..=PARTS_MAX).contains(&parts) {
            bail!(language.pick(
                format!("--concurrency times the number of shares is 1 to {PARTS_MAX}"),
                format!("--concurrency 乘以份数应为 1 到 {PARTS_MAX}"),
            ));
        }
        let client = Client::new(
            &self.to,
            self.key_file.as_deref(),
            self.ca_file.as_deref(),
            language,
            PURPOSE,
        )?;
        let place = self
            .parts
            .clone()
            .unwrap_or_else(|| self.state_dir.join(FOLDER));
        let folder = Folder::open(place)?;
        let plan = self.planned(&client, &folder, parts, language)?;
        self.fetch(&client, &folder, &plan, language)?;
        let published = if self.no_publish || !folder.is_whole(&plan)? {
            None
        } else {
            let published = publish(&client, &folder, &plan, language)?;
            folder.clear()?;
            Some(published)
        };
        self.tell(&plan, published.as_ref(), language);
        Ok(())
    }

    /// The columns that the command line names.
    fn asked(&self) -> anyhow::Result<Vec<String>> {
        let mut names = self.column.clone();
        for name in &self.business {
            let business =
                Business::new(name.as_str()).with_context(|| format!("--business {name}"))?;
            names.push(business.held_column());
            names.extend(BusinessEvent::ALL.map(|event| business.event_column(event)));
        }
        Ok(names)
    }

    /// The plan of this batch: that of an earlier run or another machine, or a new one.
    fn planned(
        &self,
        client: &Client,
        folder: &Folder,
        parts: usize,
        language: Language,
    ) -> anyhow::Result<Plan> {
        if self.restart {
            folder.clear()?;
        }
        let current: Current = get(client, "/dataset/v1/snapshots/current")?;
        if let Some(plan) = folder.plan()? {
            if plan.target != client.address() || plan.snapshot != current.id {
                if !self.json {
                    eprintln!(
                        "{}",
                        language.pick(
                            "an earlier run was for another snapshot or system; beginning anew",
                            "上次未完成的批次属于其他快照或系统，重新开始",
                        )
                    );
                }
                folder.clear()?;
            } else if plan.parts != parts || plan.asked != (self.asked()?, self.only) {
                bail!(language.pick(
                    "an earlier run with other columns, shares or --concurrency is under way there; finish it with the same words, or begin anew with --restart",
                    "目录中有未完成的批次，其列、份数或 --concurrency 不同；请用相同参数完成，或用 --restart 重新开始",
                ));
            } else {
                return Ok(plan);
            }
        }
        let suggested: Suggested = get(client, FEATURES)?;
        let mut plan = Plan::new(client.address().to_owned(), current.id, current.rows);
        plan.horizon = self.as_of.clone().unwrap_or(suggested.horizon);
        plan.parts = parts;
        plan.asked = (self.asked()?, self.only);
        if !self.only {
            // What the snapshot itself says of a customer, the province's own extract, stands above the events.
            let own: Own = get(client, &format!("/dataset/v1/imports/{}", plan.snapshot))?;
            let is_own = |name: &str| own.columns.iter().any(|column| column.name == name);
            plan.columns = suggested.columns;
            plan.columns.retain(|column| !is_own(&column.name));
            if !self.json && suggested.columns_left_out + suggested.businesses_without_columns > 0 {
                let (left, unnamed) = (
                    suggested.columns_left_out,
                    suggested.businesses_without_columns,
                );
                eprintln!(
                    "{}",
                    language.pick(
                        format!("{left} columns have no room (ask for those you need with --column); {unnamed} codes of businesses cannot name a column"),
                        format!("{left} 个列放不下（可用 --column 指定需要的列）；{unnamed} 个业务编码不能用作列名"),
                    )
                );
            }
        }
        for name in plan.asked.0.clone() {
            if !plan.columns.iter().any(|column| column.name == name) {
                let kind = kind_of(&name).to_owned();
                plan.columns.push(PlannedColumn { name, kind });
            }
        }
        if plan.columns.is_empty() {
            bail!(language.pick(
                "there are no events yet, so no column says anything; --column asks for columns all the same",
                "尚无事件，没有可发布的列；可用 --column 指定列",
            ));
        }
        folder.agree(&plan)
    }

    /// Fetches the parts of this share that are not whole.
    fn fetch(
        &self,
        client: &Client,
        folder: &Folder,
        plan: &Plan,
        language: Language,
    ) -> anyhow::Result<()> {
        let own =
            (0..plan.parts).filter(|part| part % self.partition.of + 1 == self.partition.number);
        // How many customers have events is not known before the end; those of the dataset are a good guess.
        let bar = bar(
            plan.rows / self.partition.of.max(1) as u64,
            language.pick("customers folded", "已汇总客户"),
        )?;
        let outcome = Mutex::new(Ok(()));
        std::thread::scope(|scope| {
            for part in own {
                let (bar, outcome) = (&bar, &outcome);
                scope.spawn(move || {
                    if let Err(error) = fetch_part(client, folder, plan, part, bar) {
                        *outcome
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner) = Err(error);
                    }
                });
            }
        });
        bar.finish_and_clear();
        outcome
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn tell(&self, plan: &Plan, published: Option<&Published>, language: Language) {
        if self.json {
            let version = published.map(|published| &published.version);
            return print_json(&json!({
                "snapshot": plan.snapshot, "horizon": plan.horizon, "columns": plan.columns.len(), "parts": plan.parts,
                "customers_with_events": published.map(|published| published.customers),
                "customers_in_dataset": published.map(|published| published.known),
                "customers_without_pseudonym": published.map(|published| published.foreign),
                "published_version": version,
            }));
        }
        let Published {
            version,
            customers,
            known,
            foreign,
        } = match published {
            Some(published) => published,
            None => {
                println!(
                    "{}",
                    language.pick(
                        "fetched, not published: other shares are missing, or --no-publish was given",
                        "已获取，未发布：其他份尚未完成，或指定了 --no-publish",
                    )
                );
                return;
            }
        };
        let (columns, horizon) = (plan.columns.len(), &plan.horizon);
        println!(
            "{}",
            language.pick(
                format!("{columns} columns as of {horizon}: {customers} customers with events, {known} of them in the dataset, {foreign} ids are no pseudonyms"),
                format!("截至 {horizon} 共 {columns} 列：{customers} 名客户有事件，其中 {known} 名在数据集中，{foreign} 个标识不是假名"),
            )
        );
        println!(
            "{}",
            language.pick(
                format!("published as dataset version {version}"),
                format!("已发布为数据集版本 {version}"),
            )
        );
    }
}

fn fetch_part(
    client: &Client,
    folder: &Folder,
    plan: &Plan,
    number: usize,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut part = folder.part(plan, number)?;
    bar.inc(part.customers);
    let (from, before) = bounds(number, plan.parts);
    let names: Vec<&str> = plan
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    while !part.is_whole {
        let form = json!({
            "horizon": plan.horizon, "columns": names, "after": part.next, "from": from, "before": before,
        })
        .to_string();
        let request = Request {
            method: "POST",
            path: FEATURES,
            content_type: JSON,
            idempotency_key: None,
            body: form.as_bytes(),
        };
        let answer = client
            .send_patiently(request)
            .map_err(|refused| refused.error)?;
        let page: Page = client.read(&answer)?;
        bar.inc(page.customers.len() as u64);
        part.keep(page)?;
    }
    Ok(())
}

fn publish(
    client: &Client,
    folder: &Folder,
    plan: &Plan,
    language: Language,
) -> anyhow::Result<Published> {
    let horizon = chrono::DateTime::parse_from_rfc3339(&plan.horizon)?.timestamp_millis();
    let columns = plan
        .columns
        .iter()
        .map(|planned| column(planned, horizon))
        .collect::<anyhow::Result<Vec<Column>>>()?;
    let mut table = CustomerTable::new(columns.clone());
    let mut foreign = 0;
    folder.pages(plan, |page| {
        foreign += add(&mut table, &columns, page)?;
        Ok(())
    })?;
    let key = format!("contacts-{horizon}");
    let note = format!("events before {}", plan.horizon);
    let layer = Layer {
        key: &key,
        snapshot: &plan.snapshot,
        rows: plan.rows,
        columns: &columns,
        source: (SOURCE, &note),
    };
    let bar = bar(
        layer.steps() as u64,
        language.pick("parts published", "已发布部分"),
    )?;
    let version = layer::publish(client, &layer, &mut table, || bar.inc(1))?;
    bar.finish_and_clear();
    Ok(Published {
        version,
        customers: table.customers(),
        known: table.known(),
        foreign,
    })
}

/// Adds a page; how many of its ids are no pseudonyms.
fn add(table: &mut CustomerTable, columns: &[Column], page: Page) -> anyhow::Result<u64> {
    let mut foreign = 0;
    let mut customers: Vec<CustomerPseudonym> = Vec::with_capacity(page.customers.len());
    let mut builders: Vec<ColumnBuilder> = columns
        .iter()
        .map(|column| ColumnBuilder::new(column.kind))
        .collect();
    for customer in page.customers {
        let Ok(id) = customer.customer_id.parse() else {
            foreign += 1;
            continue;
        };
        anyhow::ensure!(
            customer.values.len() == columns.len(),
            "{} values for {} columns",
            customer.values.len(),
            columns.len()
        );
        customers.push(id);
        for (builder, value) in builders.iter_mut().zip(&customer.values) {
            builder.push(value_of(value)?.as_ref())?;
        }
    }
    let data = builders.into_iter().map(ColumnBuilder::finish).collect();
    table.add(&customers, data)?;
    Ok(foreign)
}

fn value_of(json: &serde_json::Value) -> anyhow::Result<Option<Value>> {
    Ok(match json {
        serde_json::Value::Null => None,
        serde_json::Value::Bool(flag) => Some(Value::Flag(*flag)),
        serde_json::Value::Number(number) => {
            Some(Value::Integer(number.as_i64().context("no whole number")?))
        }
        serde_json::Value::String(day) => Some(Value::Date(Date::parse(day)?.unix_days())),
        other => bail!("{other} is no value of a column"),
    })
}

fn column(planned: &PlannedColumn, horizon_unix_ms: i64) -> anyhow::Result<Column> {
    let kind = match planned.kind.as_str() {
        "integer" => Kind::Integer,
        "date" => Kind::Date,
        "flag" => Kind::Flag,
        other => bail!("`{other}` is no kind of a column"),
    };
    Ok(Column {
        title: title(&planned.name),
        source: source_of_horizon(horizon_unix_ms),
        ..Column::new(ColumnName::new(&planned.name)?, kind)
    })
}

/// The kind of a column by its name. A name that no event tells is refused by the function.
fn kind_of(name: &str) -> &'static str {
    match ContactTerm::parse_column(name) {
        Some(term) if term.measure != Measure::Last => "integer",
        Some(_) => "date",
        None if name.ends_with("_on") => "date",
        None => "flag",
    }
}

/// What a column says, for people.
fn title(name: &str) -> Name {
    let Some(term) = ContactTerm::parse_column(name) else {
        return business_title(name);
    };
    let channel = term
        .channel
        .map_or_else(|| Name::new("任意渠道", "any channel"), Channel::name);
    let kind = term
        .kind
        .map_or_else(|| Name::new("任意接触", "any contact"), EventKind::name);
    let window = match term.window {
        Window::Ever => Name::new("全部时间", "ever"),
        Window::Days(days) => Name::new(format!("近{days}天"), format!("{days} days")),
    };
    let measure = (term.measure.word_zh(), term.measure.word());
    Name::new(
        format!("{}·{}·{}（{}）", channel.zh, kind.zh, measure.0, window.zh),
        format!("{}, {}: {} ({})", channel.en, kind.en, measure.1, window.en),
    )
}

fn business_title(name: &str) -> Name {
    let words = [
        ("has_", "已订购", "holds"),
        ("tried_", "最近体验", "last tried"),
        (
            "bulk_cancelled_",
            "最近被批量退订",
            "last cancelled in bulk",
        ),
        (
            "cancelled_",
            "最近主动退订",
            "last cancelled by the customer",
        ),
        ("complained_", "最近投诉", "last complained about"),
        ("marketed_by_", "最近营销，渠道", "last approached by"),
        ("marketed_", "最近营销", "last approached about"),
        ("opted_out_of_", "拒绝营销，渠道", "opted out of"),
    ];
    let found = words.iter().find_map(|(prefix, zh, en)| {
        let what = name.strip_prefix(prefix)?;
        Some((what.strip_suffix("_on").unwrap_or(what), zh, en))
    });
    match found {
        _ if name == "marketed_on" => Name::new("最近营销", "last approached"),
        _ if name == "opted_out" => Name::new("拒绝营销", "opted out"),
        Some((what, zh, en)) => Name::new(format!("{zh}：{what}"), format!("{en} {what}")),
        None => Name::new(name, name),
    }
}

fn get<Body: for<'de> Deserialize<'de>>(client: &Client, path: &str) -> anyhow::Result<Body> {
    let request = Request {
        method: "GET",
        path,
        content_type: JSON,
        idempotency_key: None,
        body: &[],
    };
    client.read(&client.send(request).map_err(|refused| refused.error)?)
}

/// A bar on a terminal, nothing elsewhere.
fn bar(length: u64, what: &str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} ({eta})")?;
    Ok(ProgressBar::new(length)
        .with_style(style)
        .with_message(what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_titles_are_told_by_the_name() {
        for (name, kind, english) in [
            (
                "contact_count_any_complaint_30d",
                "integer",
                "any channel, Complaint: count (30 days)",
            ),
            (
                "contact_last_web_hall_any_ever",
                "date",
                "Web hall, any contact: last (ever)",
            ),
            (
                "bulk_cancelled_ring_tone_on",
                "date",
                "last cancelled in bulk ring_tone",
            ),
            ("has_ring_tone", "flag", "holds ring_tone"),
            ("marketed_on", "date", "last approached"),
            (
                "marketed_by_sms_hall_on",
                "date",
                "last approached by sms_hall",
            ),
            ("opted_out", "flag", "opted out"),
        ] {
            assert_eq!(
                (kind_of(name), title(name).en.as_str()),
                (kind, english),
                "{name}"
            );
        }
    }
}
