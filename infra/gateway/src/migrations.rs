//! The tables of the functions: reads the migrations that the manifest names, applies those that are missing.
//!
//! Invariant: a migration is applied once, in a transaction of its own, in the order of its number; its text is remembered by
//! its hash, and a text that was changed afterwards is an error, because two installations would then differ under one name.
//!
//! It knows no function: the folder in which a migration lies names its owner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use chudian_manifest::Manifest;
use sha2::{Digest as _, Sha256};

use crate::language::told;
use crate::records::{Dialect, Records, integer, text};

/// Bytes of one migration; the largest of ours has a few kilobytes.
const MIGRATION_BYTES_MAX: u64 = 1 << 20;
/// Two installers on one PostgreSQL take turns by this lock: the letters `chudian` as a number.
const ADVISORY_LOCK: i64 = 0x63_68_75_64_69_61_6e;

/// Where applied migrations are recorded. The text serves both databases.
pub const TABLE: &str = "create table if not exists chudian_migration (
    function text not null,
    number integer not null,
    name text not null,
    sha256 text not null,
    applied_at_unix_s bigint not null,
    primary key (function, number)
)";

/// One migration as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The function that owns it.
    pub function: String,
    /// Its number, from the file's name.
    pub number: i32,
    /// Its name, from the file's name.
    pub name: String,
    /// What is run.
    pub script: String,
    /// Hash of what is run, 64 hexadecimal characters.
    pub sha256: String,
}

/// What stands between the files and the database.
#[derive(Debug, Default)]
pub struct State {
    /// In the order in which they are applied.
    pub pending: Vec<Migration>,
    /// How many are applied.
    pub applied: usize,
    /// Recorded, but without a file: the database is newer than this program.
    pub unknown: Vec<String>,
}

impl std::fmt::Display for Migration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} {:04} {}",
            self.function, self.number, self.name
        )
    }
}

/// The migrations that the components of `manifest` name, for one database.
///
/// # Errors
/// When a folder cannot be read, a file's name is not `NNNN_name.sql`, `NNNN_name.sqlite.sql` or `NNNN_name.postgres.sql`, or
/// two files have one number.
pub fn collect(manifest: &Manifest, dialect: Dialect) -> anyhow::Result<Vec<Migration>> {
    let folders: BTreeSet<&Path> = manifest
        .components
        .values()
        .flat_map(|component| {
            component
                .facts
                .migrations
                .iter()
                .map(|folder| folder.as_path())
        })
        .collect();
    let mut migrations = BTreeMap::new();
    for folder in folders {
        let function = folder
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str())
            .with_context(|| {
                told!(
                    "{} lies in no function's folder",
                    "{} 不在任何功能的目录中",
                    folder.display()
                )
            })?;
        let entries = std::fs::read_dir(folder).with_context(|| {
            told!(
                "cannot read the migrations in {}; does spin.toml name the right folder?",
                "无法读取 {} 中的迁移；spin.toml 中的目录是否正确？",
                folder.display()
            )
        })?;
        for entry in entries {
            let path = entry?.path();
            let Some(migration) = read(function, &path, dialect)? else {
                continue;
            };
            if let Some(other) =
                migrations.insert((migration.function.clone(), migration.number), migration)
            {
                bail!(
                    "{}",
                    told!(
                        "{}: number {:04} is given twice",
                        "{}：编号 {:04} 重复",
                        folder.display(),
                        other.number
                    )
                );
            }
        }
    }
    Ok(migrations.into_values().collect())
}

fn read(function: &str, path: &Path, dialect: Dialect) -> anyhow::Result<Option<Migration>> {
    let file = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Some(stem) = file.strip_suffix(".sql") else {
        return Ok(None);
    };
    let stem = match (
        stem.strip_suffix(".sqlite"),
        stem.strip_suffix(".postgres"),
        dialect,
    ) {
        (Some(_), _, Dialect::Postgres) | (_, Some(_), Dialect::Sqlite) => return Ok(None),
        (Some(stem), _, Dialect::Sqlite) | (_, Some(stem), Dialect::Postgres) => stem,
        (None, None, _) => stem,
    };
    let (number, name) = stem
        .split_once('_')
        .filter(|(number, name)| number.len() == 4 && !name.is_empty())
        .and_then(|(number, name)| Some((number.parse().ok()?, name)))
        .with_context(|| {
            told!(
                "{}: a migration is named NNNN_name.sql",
                "{}：迁移文件应命名为 NNNN_name.sql",
                path.display()
            )
        })?;
    let bytes = std::fs::metadata(path)?.len();
    ensure!(
        bytes <= MIGRATION_BYTES_MAX,
        told!(
            "{} has more than {MIGRATION_BYTES_MAX} bytes",
            "{} 超过 {MIGRATION_BYTES_MAX} 字节",
            path.display()
        )
    );
    let script = std::fs::read_to_string(path)
        .with_context(|| told!("cannot read {}", "无法读取 {}", path.display()))?;
    let sha256 = Sha256::digest(script.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Some(Migration {
        function: function.to_owned(),
        number,
        name: name.to_owned(),
        script,
        sha256,
    }))
}

/// Compares files and database. Changes nothing; a database without the table has nothing applied.
///
/// # Errors
/// When the database cannot be read, or a migration was changed after it was applied.
pub async fn compare(records: &mut Records, migrations: &[Migration]) -> anyhow::Result<State> {
    let exists = match records {
        Records::Sqlite(_) => {
            "select count(*) from sqlite_schema where type = 'table' and name = 'chudian_migration'"
        }
        Records::Postgres(_) => {
            "select count(*) from information_schema.tables where table_name = 'chudian_migration' and table_schema = current_schema()"
        }
    };
    let exists = records
        .fetch(exists, &[])
        .await?
        .first()
        .map(|row| row.integer(0))
        .transpose()?
        .flatten();
    if exists.unwrap_or(0) == 0 {
        return Ok(State {
            pending: migrations.to_vec(),
            ..State::default()
        });
    }
    let rows = records.fetch("select function, cast(number as bigint), name, sha256 from chudian_migration order by function, number", &[]).await?;
    let mut recorded = BTreeMap::new();
    for row in &rows {
        let (function, number) = (
            row.text(0)?.unwrap_or_default(),
            row.integer(1)?.unwrap_or_default(),
        );
        recorded.insert(
            (function, number),
            (
                row.text(2)?.unwrap_or_default(),
                row.text(3)?.unwrap_or_default(),
            ),
        );
    }
    let mut state = State::default();
    for migration in migrations {
        match recorded.remove(&(migration.function.clone(), migration.number.into())) {
            None => state.pending.push(migration.clone()),
            Some((_, sha256)) if sha256 == migration.sha256 => state.applied += 1,
            Some(_) => bail!(
                "{}",
                told!(
                    "the migration {migration} was changed after it was applied here: restore its file, and put the change into a new migration",
                    "迁移 {migration} 在应用之后被修改过：请恢复原文件，并把改动写入新的迁移"
                )
            ),
        }
    }
    state.unknown = recorded
        .into_iter()
        .map(|((function, number), (name, _))| format!("{function} {number:04} {name}"))
        .collect();
    Ok(state)
}

/// Applies what is missing and returns it. Two that do so at once take turns; the second finds nothing to do.
///
/// # Errors
/// When the database refuses a migration; those before it stay applied.
pub async fn apply(
    records: &mut Records,
    migrations: &[Migration],
    mut on_each: impl FnMut(&Migration),
) -> anyhow::Result<Vec<Migration>> {
    if compare(records, migrations).await?.pending.is_empty() {
        return Ok(Vec::new());
    }
    let mut applied = Vec::new();
    for migration in migrations {
        begin(records).await?;
        match apply_one(records, migrations, migration).await {
            Ok(true) => {
                records.run_script("commit").await?;
                on_each(migration);
                applied.push(migration.clone());
            }
            Ok(false) => records.run_script("rollback").await?,
            Err(error) => {
                // The first error is the one to tell.
                let _ = records.run_script("rollback").await;
                return Err(error.context(told!(
                    "the migration {migration} was not applied",
                    "迁移 {migration} 未能应用"
                )));
            }
        }
    }
    Ok(applied)
}

async fn begin(records: &mut Records) -> anyhow::Result<()> {
    match records {
        Records::Sqlite(_) => records.run_script("begin immediate").await?,
        Records::Postgres(_) => {
            records
                .run_script(&format!(
                    "begin; select pg_advisory_xact_lock({ADVISORY_LOCK})"
                ))
                .await?
        }
    }
    records.run_script(TABLE).await?;
    Ok(())
}

async fn apply_one(
    records: &mut Records,
    migrations: &[Migration],
    migration: &Migration,
) -> anyhow::Result<bool> {
    if !compare(records, migrations)
        .await?
        .pending
        .contains(migration)
    {
        return Ok(false);
    }
    records.run_script(&migration.script).await?;
    let parameters = [
        text(&migration.function),
        integer(migration.number.into()),
        text(&migration.name),
        text(&migration.sha256),
        integer(now_unix_s()?),
    ];
    let insert = "insert into chudian_migration (function, number, name, sha256, applied_at_unix_s) values ($1, cast($2 as integer), $3, $4, $5)";
    let insert = match records {
        Records::Sqlite(_) => insert.to_owned(),
        // The driver sends 64 bits; the column has 32.
        Records::Postgres(_) => {
            insert.replace("cast($2 as integer)", "cast(cast($2 as bigint) as integer)")
        }
    };
    records.execute(&insert, &parameters).await?;
    Ok(true)
}

/// Seconds since 1970.
///
/// # Errors
/// When the system's clock stands before that.
pub fn now_unix_s() -> anyhow::Result<i64> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .with_context(|| {
            told!(
                "the system's clock stands before 1970",
                "系统时间早于 1970 年"
            )
        })?;
    Ok(i64::try_from(now.as_secs())?)
}

/// One text for `spin up --sqlite @file`, which stock Spin runs at every start: it makes the tables of a fresh database, does
/// nothing to one that has them, and stops with an error at one that is older, instead of half changing it.
///
/// # Errors
/// When the migrations cannot be applied to an empty database.
pub async fn script_for_spin(migrations: &[Migration]) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()
        .with_context(|| told!("no temporary folder can be made", "无法创建临时目录"))?;
    let place = crate::records::Place::Sqlite(folder.path().join("schema.db"));
    let mut records = place.open().await?;
    apply(&mut records, migrations, |_| {}).await?;
    let mut script = String::from(
        "-- Written by `chudian migrate --print-sql`; run by `spin up --sqlite @file`.\n",
    );
    script.push_str(&format!("{TABLE};\n"));
    script.push_str(&guard(migrations.len()));
    // Tables before what stands on them: indexes, views, triggers.
    let order = "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' and name <> 'chudian_migration' \
        order by case type when 'table' then 0 when 'view' then 1 else 2 end, rowid";
    for row in records.fetch(order, &[]).await? {
        script.push_str(&repeatable(&row.text(0)?.unwrap_or_default())?);
        script.push_str(";\n");
    }
    for migration in migrations {
        let Migration {
            function,
            number,
            name,
            sha256,
            ..
        } = migration;
        script.push_str(&format!(
            "insert or ignore into chudian_migration values ('{}', {number}, '{}', '{sha256}', unixepoch());\n",
            quoted(function),
            quoted(name)
        ));
    }
    let rows_left = rows_made(&mut records).await?;
    records.close().await?;
    ensure!(
        rows_left.is_empty(),
        told!(
            "these migrations write rows, which a script for every start cannot: {}; apply them with `chudian migrate` to Spin's SQLite file",
            "下列迁移会写入数据行，不能放在每次启动都执行的脚本里：{}；请用 `chudian migrate` 应用到 Spin 的 SQLite 文件",
            rows_left.join(", ")
        )
    );
    Ok(script)
}

/// Fails, by a constraint whose name says why, when some but not all migrations are recorded.
fn guard(count: usize) -> String {
    format!(
        "create table if not exists chudian_migration_guard (\n    complete integer not null,\n    \
         constraint this_database_is_older_run_chudian_migrate check (complete = 1)\n);\n\
         insert into chudian_migration_guard select count(*) in (0, {count}) from chudian_migration;\n\
         delete from chudian_migration_guard;\n"
    )
}

/// `create … if not exists …`.
fn repeatable(statement: &str) -> anyhow::Result<String> {
    let lower = statement.to_ascii_lowercase();
    for kind in [
        "create table ",
        "create unique index ",
        "create index ",
        "create view ",
        "create trigger ",
    ] {
        if let Some(rest) = lower.strip_prefix(kind) {
            let (head, tail) = statement.split_at(kind.len());
            let already = rest.trim_start().starts_with("if not exists");
            return Ok(if already {
                statement.to_owned()
            } else {
                format!("{head}if not exists {tail}")
            });
        }
    }
    bail!(
        "{}",
        told!(
            "the schema has a statement that cannot be made repeatable: {}",
            "表结构中有无法重复执行的语句：{}",
            statement.lines().next().unwrap_or_default()
        )
    )
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

/// Tables into which migrations have written rows.
async fn rows_made(records: &mut Records) -> anyhow::Result<Vec<String>> {
    let tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'chudian_migration'";
    let mut filled = Vec::new();
    for row in records.fetch(tables, &[]).await? {
        let table = row.text(0)?.unwrap_or_default();
        let count = records
            .fetch(
                &format!("select count(*) from \"{}\"", table.replace('"', "\"\"")),
                &[],
            )
            .await?;
        if count
            .first()
            .map(|row| row.integer(0))
            .transpose()?
            .flatten()
            .unwrap_or(0)
            > 0
        {
            filled.push(table);
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Place;
    use chudian_test_support::postgres::Postgres;

    /// A manifest whose one component names the migrations of two functions.
    fn application(folder: &Path, files: &[(&str, &str)]) -> Manifest {
        for (file, text) in files {
            let path = folder.join("functions").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let text = "spin_manifest_version = 2\napplication = { name = \"t\" }\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\n[component.c]\nsource = \"c.wasm\"\ntool.chudian.migrations = [\"functions/one/migrations\", \"functions/two/migrations\"]\n";
        Manifest::parse(text, Path::new("spin.toml"), folder).unwrap()
    }

    const FILES: &[(&str, &str)] = &[
        (
            "one/migrations/0001_first.sql",
            "create table a (x bigint primary key, y bytea);\ncreate index a_y on a (y);",
        ),
        (
            "one/migrations/0002_second.sql",
            "alter table a add column z text;",
        ),
        (
            "two/migrations/0001_differs.sqlite.sql",
            "create table b (x integer);",
        ),
        (
            "two/migrations/0001_differs.postgres.sql",
            "create table b (x jsonb);",
        ),
        ("two/migrations/README.md", "not a migration"),
    ];

    /// Goal: on both databases everything is applied once, in order, and a later change of a file is refused.
    #[tokio::test]
    async fn migrations_are_applied_once_and_stay_as_they_were() {
        let cluster = Postgres::start().unwrap();
        let url = cluster.new_database("migrations").unwrap();
        for postgres in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let manifest = application(folder.path(), FILES);
            let place = if postgres {
                Place::Postgres(url.clone())
            } else {
                Place::Sqlite(folder.path().join("t.db"))
            };
            let found = collect(&manifest, place.dialect()).unwrap();
            let mut records = place.open().await.unwrap();
            let applied = apply(&mut records, &found, |_| {}).await.unwrap();
            let names: Vec<String> = applied.iter().map(ToString::to_string).collect();
            assert_eq!(
                names,
                ["one 0001 first", "one 0002 second", "two 0001 differs"]
            );
            assert!(
                apply(&mut records, &found, |_| {})
                    .await
                    .unwrap()
                    .is_empty()
            );
            records
                .execute(
                    "insert into a (x, z) values ($1, $2)",
                    &[integer(1), text("z")],
                )
                .await
                .unwrap();

            std::fs::write(
                folder
                    .path()
                    .join("functions/one/migrations/0002_second.sql"),
                "alter table a add column other text;",
            )
            .unwrap();
            let changed = collect(&manifest, place.dialect()).unwrap();
            let error = apply(&mut records, &changed, |_| {})
                .await
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("one 0002 second") && error.contains("changed"),
                "{error}"
            );

            // A broken one leaves nothing half done, and what comes before it stays.
            let broken = [
                ("one/migrations/0002_second.sql", FILES[1].1),
                (
                    "one/migrations/0003_broken.sql",
                    "create table half (x bigint); selekt 1;",
                ),
            ];
            let manifest = application(folder.path(), &broken);
            let found = collect(&manifest, place.dialect()).unwrap();
            assert!(apply(&mut records, &found, |_| {}).await.is_err());
            assert!(records.fetch("select * from half", &[]).await.is_err());
            assert_eq!(compare(&mut records, &found).await.unwrap().applied, 3);
            records.close().await.unwrap();
        }
    }

    /// Goal: the script for Spin may run at every start, makes the same tables, and stops at an older database.
    #[tokio::test]
    async fn the_script_for_spin_is_repeatable_and_knows_an_older_database() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = application(folder.path(), FILES);
        let found = collect(&manifest, Dialect::Sqlite).unwrap();
        let script = script_for_spin(&found).await.unwrap();
        let mut fresh = Place::Sqlite(folder.path().join("fresh.db"))
            .open()
            .await
            .unwrap();
        for _ in 0..2 {
            fresh.run_script(&script).await.unwrap();
        }
        fresh
            .execute("insert into a (x, z) values (1, 'z')", &[])
            .await
            .unwrap();
        let state = compare(&mut fresh, &found).await.unwrap();
        assert_eq!((state.applied, state.pending.len()), (3, 0));

        let mut older = Place::Sqlite(folder.path().join("older.db"))
            .open()
            .await
            .unwrap();
        apply(&mut older, &found[..1], |_| {}).await.unwrap();
        let error = older.run_script(&script).await.unwrap_err().to_string();
        assert!(
            error.contains("this_database_is_older_run_chudian_migrate"),
            "{error}"
        );
    }

    #[test]
    fn names_that_are_no_migrations_are_refused() {
        for file in [
            "one/migrations/1_short.sql",
            "one/migrations/0001.sql",
            "one/migrations/0001_first_again.sql",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let manifest = application(folder.path(), &[FILES[0], FILES[2], (file, "select 1;")]);
            assert!(collect(&manifest, Dialect::Sqlite).is_err(), "{file}");
        }
    }
}
