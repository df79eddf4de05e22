//! `chudian keys`: makes, lists, replaces and revokes the keys by which callers are known.
//!
//! A key is shown once, by the command that makes it; only its keyed hash is kept. The running components see a change within
//! the seconds that their guards remember a key.

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use chudian_vocabulary::access::{AccessKey, BootstrapKey, KEY_RANDOM_BYTES, KeyId, Pepper, Role};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::application::{Application, ApplicationArguments};
use crate::commands::{block_on, print_json};
use crate::language::{Language, told};
use crate::migrations::now_unix_s;
use crate::records::{Parameter, Place, Records, Row, integer, text};

/// The variable that holds the pepper.
const PEPPER_VARIABLE: &str = "key_pepper";
/// Letters of a label: a name, not a story.
const LABEL_LETTERS_MAX: usize = 100;
/// Letters of a region's code.
const REGION_LETTERS_MAX: usize = 32;
/// Furthest expiry: who wants a key for longer wants one without.
const EXPIRY_S_MAX: i64 = 10 * 366 * 86_400;

/// Make, list, replace and revoke access keys / 创建、查看、更换与吊销访问密钥
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(New),
    List(List),
    Rotate(Rotate),
    Revoke(Revoke),
}

/// Make a key and show it once / 创建密钥，仅显示一次
#[derive(Debug, Args)]
struct New {
    /// What its holder may do: hall, channel, analyst, custodian, approver, admin / 角色
    #[arg(long)]
    role: Role,
    /// Only customers of this region / 限定地区
    #[arg(long)]
    region: Option<String>,
    /// What it is for, so that it can be told from others / 用途说明
    #[arg(long, default_value = "")]
    label: String,
    /// Last day on which it works, YYYY-MM-DD (UTC) / 有效期的最后一天（UTC）
    #[arg(long, conflicts_with = "expires_in_s")]
    expires: Option<NaiveDate>,
    /// Seconds for which it works / 有效秒数
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=EXPIRY_S_MAX))]
    expires_in_s: Option<i64>,
    /// Print `<key id>:<hash>` for the variable `bootstrap_key_hash` instead of storing it; the role must be admin / 只输出
    /// `bootstrap_key_hash` 的值，不写入数据库；角色须为 admin
    #[arg(long, conflicts_with_all = ["region", "expires", "expires_in_s"])]
    print_hash: bool,
    #[command(flatten)]
    common: Common,
}

/// List all keys; never their text / 列出密钥（不含密钥文本）
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    common: Common,
}

/// Make a key like this one and revoke this one / 以新密钥替换旧密钥
#[derive(Debug, Args)]
struct Rotate {
    /// Id of the key to replace / 要替换的密钥标识
    key_id: KeyId,
    /// Hours for which the old one still works / 旧密钥继续有效的小时数
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=24 * 90))]
    keep_hours: i64,
    #[command(flatten)]
    common: Common,
}

/// Make a key useless / 吊销密钥
#[derive(Debug, Args)]
struct Revoke {
    /// Id of the key / 密钥标识
    key_id: KeyId,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    application: ApplicationArguments,
    /// Answer as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    json: bool,
}

/// What is stored of a key, but for its hash.
struct Stored {
    key_id: String,
    role: String,
    region: Option<String>,
    label: String,
    created_at_unix_s: i64,
    expires_at_unix_s: Option<i64>,
    revoked_at_unix_s: Option<i64>,
}

impl Keys {
    /// Does it.
    ///
    /// # Errors
    /// When the database cannot be reached or has no tables yet, or there is no such key.
    pub fn run(self) -> anyhow::Result<()> {
        block_on(async {
            match self.verb {
                Verb::New(new) => new.run().await,
                Verb::List(list) => list.run().await,
                Verb::Rotate(rotate) => rotate.run().await,
                Verb::Revoke(revoke) => revoke.run().await,
            }
        })
    }
}

impl New {
    async fn run(self) -> anyhow::Result<()> {
        let application = self.common.application.load(&[])?;
        let key = new_key()?;
        if self.print_hash {
            ensure!(
                self.role == Role::Admin,
                told!(
                    "--print-hash makes the first key, whose role is admin: give --role admin",
                    "--print-hash 用于生成首个密钥，其角色为 admin：请给出 --role admin"
                )
            );
            return self.print_bootstrap(&application, &key);
        }
        check_word("label", &self.label, LABEL_LETTERS_MAX)?;
        if let Some(region) = &self.region {
            ensure!(
                !region.is_empty(),
                told!(
                    "--region is empty; leave it out for a key without a region",
                    "--region 为空；不限地区时请省略该参数"
                )
            );
            check_word("region", region, REGION_LETTERS_MAX)?;
        }
        let created_at_unix_s = now_unix_s()?;
        let stored = Stored {
            key_id: key.id().to_string(),
            role: self.role.as_str().to_owned(),
            region: self.region.clone(),
            label: self.label.clone(),
            created_at_unix_s,
            expires_at_unix_s: self.expiry(created_at_unix_s)?,
            revoked_at_unix_s: None,
        };
        let mut records = open(&application).await?;
        store(&mut records, &stored, &key, &pepper(&application)).await?;
        records.close().await?;
        self.common.show_new(&key, &stored);
        Ok(())
    }

    fn expiry(&self, now_unix_s: i64) -> anyhow::Result<Option<i64>> {
        let expiry = match (self.expires, self.expires_in_s) {
            (Some(day), _) => {
                let end = day
                    .succ_opt()
                    .with_context(|| told!("--expires is too far away", "--expires 的日期过远"))?;
                end.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
            }
            (None, Some(seconds)) => now_unix_s + seconds,
            (None, None) => return Ok(None),
        };
        ensure!(
            expiry > now_unix_s,
            told!("--expires lies in the past", "--expires 的日期已过")
        );
        ensure!(
            expiry - now_unix_s <= EXPIRY_S_MAX,
            told!(
                "--expires is more than ten years away; leave it out for a key without an end",
                "--expires 超过十年；长期有效时请省略该参数"
            )
        );
        Ok(Some(expiry))
    }

    fn print_bootstrap(&self, application: &Application, key: &AccessKey) -> anyhow::Result<()> {
        let hash = BootstrapKey::of(key, &pepper(application)).to_string();
        if self.common.json {
            print_json(
                &json!({ "key": key.reveal(), "key_id": key.id().as_str(), "role": self.role.as_str(), "bootstrap_key_hash": hash }),
            );
            return Ok(());
        }
        let language = Language::of_terminal();
        println!(
            "{}\n  {}",
            language.pick("Key, shown only this once:", "密钥（仅显示这一次）："),
            key.reveal()
        );
        println!(
            "{}\n  SPIN_VARIABLE_BOOTSTRAP_KEY_HASH={hash}",
            language.pick("Give the host this variable:", "请为宿主设置变量：")
        );
        println!(
            "{}",
            language.pick(
                "The hash holds only under the same `key_pepper`; set SPIN_VARIABLE_KEY_PEPPER alike on both sides.",
                "该哈希只在相同的 `key_pepper` 下有效；请在两侧设置相同的 SPIN_VARIABLE_KEY_PEPPER。"
            )
        );
        Ok(())
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let application = self.common.application.load(&[])?;
        let mut records = open(&application).await?;
        let now = now_unix_s()?;
        let keys = all(&mut records, None).await?;
        records.close().await?;
        if self.common.json {
            print_json(
                &json!({ "keys": keys.iter().map(|key| key.to_json(now)).collect::<Vec<_>>() }),
            );
            return Ok(());
        }
        let language = Language::of_terminal();
        if keys.is_empty() {
            println!(
                "{}",
                language.pick(
                    "No keys yet: chudian keys new --role … --label …",
                    "还没有密钥：chudian keys new --role … --label …"
                )
            );
        }
        for key in keys {
            let region = key.region.as_deref().unwrap_or("-");
            let expires = key
                .expires_at_unix_s
                .map_or_else(|| "-".to_owned(), shown_time);
            println!(
                "{}  {:<9}  {region:<8}  {:<7}  {}  {expires}  {}",
                key.key_id,
                key.role,
                language.pick(key.state(now), key.state_zh(now)),
                shown_time(key.created_at_unix_s),
                key.label
            );
        }
        Ok(())
    }
}

impl Rotate {
    async fn run(self) -> anyhow::Result<()> {
        let application = self.common.application.load(&[])?;
        let mut records = open(&application).await?;
        let now = now_unix_s()?;
        let old = existing(&mut records, &self.key_id).await?;
        if old.state(now) != "active" {
            bail!(
                "{}",
                told!(
                    "the key {} is {}; make a new one with `chudian keys new`",
                    "密钥 {} 的状态为“{}”；请用 `chudian keys new` 新建",
                    self.key_id,
                    Language::of_terminal().pick(old.state(now), old.state_zh(now))
                )
            );
        }
        let key = new_key()?;
        let new = Stored {
            key_id: key.id().to_string(),
            created_at_unix_s: now,
            ..old
        };
        // Both or neither: a caller is never left without a key, nor with two.
        records.run_script("begin").await?;
        let swapped = async {
            store(&mut records, &new, &key, &pepper(&application)).await?;
            end(&mut records, &self.key_id, now, self.keep_hours).await
        }
        .await;
        records
            .run_script(if swapped.is_ok() {
                "commit"
            } else {
                "rollback"
            })
            .await?;
        swapped?;
        records.close().await?;
        self.common.show_new(&key, &new);
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let application = self.common.application.load(&[])?;
        let mut records = open(&application).await?;
        let now = now_unix_s()?;
        let was_revoked = existing(&mut records, &self.key_id)
            .await?
            .revoked_at_unix_s
            .is_some();
        if !was_revoked {
            end(&mut records, &self.key_id, now, 0).await?;
        }
        records.close().await?;
        if self.common.json {
            print_json(
                &json!({ "key_id": self.key_id.as_str(), "state": "revoked", "was_revoked_before": was_revoked }),
            );
        } else {
            println!(
                "{} {}",
                self.key_id,
                Language::of_terminal().pick("is revoked", "已吊销")
            );
        }
        Ok(())
    }
}

impl Common {
    fn show_new(&self, key: &AccessKey, stored: &Stored) {
        if self.json {
            let mut answer = stored.to_json(stored.created_at_unix_s);
            answer["key"] = key.reveal().into();
            print_json(&answer);
            return;
        }
        println!(
            "{}\n  {}",
            Language::of_terminal().pick("Key, shown only this once:", "密钥（仅显示这一次）："),
            key.reveal()
        );
    }
}

impl Stored {
    fn of_row(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            key_id: row.text(0)?.unwrap_or_default(),
            role: row.text(1)?.unwrap_or_default(),
            region: row.text(2)?,
            label: row.text(3)?.unwrap_or_default(),
            created_at_unix_s: row.integer(4)?.unwrap_or_default(),
            expires_at_unix_s: row.integer(5)?,
            revoked_at_unix_s: row.integer(6)?,
        })
    }

    fn state(&self, now_unix_s: i64) -> &'static str {
        if self.revoked_at_unix_s.is_some() {
            "revoked"
        } else if self
            .expires_at_unix_s
            .is_some_and(|expiry| expiry <= now_unix_s)
        {
            "expired"
        } else {
            "active"
        }
    }

    fn state_zh(&self, now_unix_s: i64) -> &'static str {
        match self.state(now_unix_s) {
            "revoked" => "已吊销",
            "expired" => "已过期",
            _ => "有效",
        }
    }

    fn to_json(&self, now_unix_s: i64) -> Value {
        json!({
            "key_id": self.key_id,
            "role": self.role,
            "region": self.region,
            "label": self.label,
            "state": self.state(now_unix_s),
            "created_at_unix_s": self.created_at_unix_s,
            "expires_at_unix_s": self.expires_at_unix_s,
            "revoked_at_unix_s": self.revoked_at_unix_s,
        })
    }
}

fn new_key() -> anyhow::Result<AccessKey> {
    let mut bytes = [0; KEY_RANDOM_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
    Ok(AccessKey::from_random_bytes(&bytes))
}

fn pepper(application: &Application) -> Pepper {
    Pepper::from_variable(
        application
            .variables
            .get(PEPPER_VARIABLE)
            .unwrap_or_default(),
    )
}

/// Labels and regions are shown in lists and logs: one line, no control characters.
fn check_word(name: &str, word: &str, letters_max: usize) -> anyhow::Result<()> {
    ensure!(
        word.chars().count() <= letters_max,
        told!(
            "--{name} has more than {letters_max} letters",
            "--{name} 超过 {letters_max} 个字符"
        )
    );
    ensure!(
        !word.chars().any(char::is_control),
        told!("--{name} has a control character", "--{name} 含有控制字符")
    );
    Ok(())
}

/// Opens the records, and sees to it that the table is there.
async fn open(application: &Application) -> anyhow::Result<Records> {
    crate::commands::migrate::prepare(application).await?;
    Place::of(application)?.open().await
}

const COLUMNS: &str =
    "key_id, role, region, label, created_at_unix_s, expires_at_unix_s, revoked_at_unix_s";

async fn all(records: &mut Records, key_id: Option<&KeyId>) -> anyhow::Result<Vec<Stored>> {
    let rows = match key_id {
        Some(key_id) => {
            records
                .fetch(
                    &format!("select {COLUMNS} from access_key where key_id = $1"),
                    &[text(key_id.as_str())],
                )
                .await
        }
        None => {
            records
                .fetch(
                    &format!("select {COLUMNS} from access_key order by created_at_unix_s, key_id"),
                    &[],
                )
                .await
        }
    };
    let rows = rows.with_context(|| {
        told!(
            "cannot read the keys; do the components of this application have them?",
            "无法读取密钥；该应用的组件是否使用密钥？"
        )
    })?;
    rows.iter()
        .map(|row| Stored::of_row(row).map_err(Into::into))
        .collect()
}

async fn existing(records: &mut Records, key_id: &KeyId) -> anyhow::Result<Stored> {
    all(records, Some(key_id)).await?.pop().with_context(|| {
        told!(
            "there is no key {key_id}; `chudian keys list` shows those that are",
            "没有密钥 {key_id}；`chudian keys list` 可列出现有密钥"
        )
    })
}

async fn store(
    records: &mut Records,
    stored: &Stored,
    key: &AccessKey,
    pepper: &Pepper,
) -> anyhow::Result<()> {
    let statement = "insert into access_key (key_id, role, region, label, key_hash, created_at_unix_s, expires_at_unix_s) values ($1, $2, $3, $4, $5, $6, $7)";
    let parameters = [
        text(&stored.key_id),
        text(&stored.role),
        Parameter::Text(stored.region.clone()),
        text(&stored.label),
        text(key.hash(pepper).to_string()),
        integer(stored.created_at_unix_s),
        Parameter::Integer(stored.expires_at_unix_s),
    ];
    records
        .execute(statement, &parameters)
        .await
        .with_context(|| told!("cannot store the key", "无法保存密钥"))?;
    Ok(())
}

/// Revokes a key, or lets it expire after some hours.
async fn end(
    records: &mut Records,
    key_id: &KeyId,
    now_unix_s: i64,
    keep_hours: i64,
) -> anyhow::Result<()> {
    let (statement, time) = if keep_hours == 0 {
        (
            "update access_key set revoked_at_unix_s = $1 where key_id = $2",
            now_unix_s,
        )
    } else {
        // Never later than it would have ended anyway.
        (
            "update access_key set expires_at_unix_s = case when expires_at_unix_s < $1 then expires_at_unix_s else $1 end where key_id = $2",
            now_unix_s + keep_hours * 3_600,
        )
    };
    records
        .execute(statement, &[integer(time), text(key_id.as_str())])
        .await
        .with_context(|| told!("cannot end the key", "无法停用密钥"))?;
    Ok(())
}

fn shown_time(unix_s: i64) -> String {
    DateTime::<Utc>::from_timestamp(unix_s, 0).map_or_else(
        || unix_s.to_string(),
        |time| time.format("%Y-%m-%dT%H:%MZ").to_string(),
    )
}
