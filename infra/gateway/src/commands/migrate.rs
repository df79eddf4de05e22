//! `chudian migrate`: makes the tables of the chosen components, in SQLite or PostgreSQL.

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use crate::application::{Application, ApplicationArguments};
use crate::commands::{block_on, print_json};
use crate::language::{Language, told};
use crate::migrations;
use crate::records::{Dialect, Place};

/// Make or update the tables / 创建或更新数据表
#[derive(Debug, Args)]
pub struct Migrate {
    /// Where the application is.
    #[command(flatten)]
    pub application: ApplicationArguments,
    /// Only the tables of these components / 只处理这些组件的数据表
    #[arg(short = 'c', long = "component", value_delimiter = ',')]
    pub components: Vec<String>,
    /// Print one SQL file for `spin up --sqlite @file`; touch nothing / 输出供 `spin up --sqlite @文件` 使用的 SQL，不改动数据库
    #[arg(long)]
    pub print_sql: bool,
    /// Only say what would be done / 只显示将要执行的操作
    #[arg(long, conflicts_with = "print_sql")]
    pub dry_run: bool,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

impl Migrate {
    /// Does it.
    ///
    /// # Errors
    /// When the database cannot be reached or refuses a migration, or a published migration was changed.
    pub fn run(self) -> anyhow::Result<()> {
        let application = self.application.load(&self.components)?;
        block_on(async {
            if self.print_sql {
                let script = migrations::script_for_spin(&migrations::collect(
                    &application.manifest,
                    Dialect::Sqlite,
                )?)
                .await?;
                if self.json {
                    print_json(&json!({ "sql": script }))
                } else {
                    print!("{script}")
                }
                return Ok(());
            }
            self.apply(&application).await
        })
    }

    async fn apply(&self, application: &Application) -> anyhow::Result<()> {
        let place = Place::of(application)?;
        let found = migrations::collect(&application.manifest, place.dialect())?;
        let mut records = place.open().await?;
        let before = migrations::compare(&mut records, &found).await?;
        let language = Language::of_terminal();
        let done = if self.dry_run {
            before.pending
        } else {
            migrations::apply(&mut records, &found, |migration| {
                if !self.json {
                    println!("{} {migration}", language.pick("applied", "已应用"));
                }
            })
            .await?
        };
        records.close().await?;
        let names: Vec<String> = done.iter().map(ToString::to_string).collect();
        if self.json {
            print_json(&json!({
                "database": place.to_string(),
                "dry_run": self.dry_run,
                "applied": if self.dry_run { &[] } else { names.as_slice() },
                "pending": if self.dry_run { names.as_slice() } else { &[] },
                "already_applied": before.applied,
                "unknown": before.unknown,
            }));
            return Ok(());
        }
        if self.dry_run {
            for name in &names {
                println!("{} {name}", language.pick("pending", "待应用"));
            }
        }
        for name in &before.unknown {
            println!(
                "{} {name}",
                language.pick("recorded by a newer version:", "由更新版本记录：")
            );
        }
        let (count, already) = (names.len(), before.applied);
        println!(
            "{}",
            language.pick(
                format!(
                    "{place}: {count} of {} migrations {}, {already} were there",
                    count + already,
                    if self.dry_run { "pending" } else { "applied" }
                ),
                format!(
                    "{place}：共 {} 个迁移，{} {count} 个，原有 {already} 个",
                    count + already,
                    if self.dry_run {
                        "待应用"
                    } else {
                        "新应用"
                    }
                ),
            )
        );
        Ok(())
    }
}

/// What `chudian up` does before it serves: a SQLite database is brought up to date; on PostgreSQL, which several gateways may
/// share, that is for the operator to decide, so a missing migration is an error that says what to run.
///
/// # Errors
/// See [`Migrate::run`].
pub async fn prepare(application: &Application) -> anyhow::Result<()> {
    let place = Place::of(application)?;
    let found = migrations::collect(&application.manifest, place.dialect())?;
    if found.is_empty() {
        return Ok(());
    }
    let mut records = place.open().await?;
    match place.dialect() {
        Dialect::Sqlite => {
            migrations::apply(
                &mut records,
                &found,
                |migration| tracing::info!(%migration, "migration applied"),
            )
            .await?;
        }
        Dialect::Postgres => {
            let state = migrations::compare(&mut records, &found).await?;
            ensure!(
                state.pending.is_empty(),
                told!(
                    "{0} of the migrations of {place} are missing: run `chudian migrate` with the same variables first",
                    "{place} 缺少 {0} 个迁移：请先用相同的变量执行 `chudian migrate`",
                    state.pending.len()
                )
            );
        }
    }
    records.close().await?;
    Ok(())
}
