//! The installation's records, opened by the operator's commands: SQLite or PostgreSQL, as the variable `database` says.
//!
//! It is for commands that work beside the components (migrations, keys, checks). Components reach the same database through
//! Spin's interfaces; nothing here is on the way of a request.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chudian_manifest::StoreLocation;
use chudian_spin_host::SpinHostSettings;
use chudian_spin_host::sqlite::connect_options;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use crate::application::Application;
use crate::language::told;

/// The variable that names the database; empty means SQLite.
const DATABASE_VARIABLE: &str = "database";
/// The SQLite label that our functions use.
const SQLITE_LABEL: &str = "default";

/// Which of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Where the records are. `Debug` does not show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL.
    Postgres(String),
}

/// An open connection.
#[derive(Debug)]
pub enum Records {
    /// To a SQLite file.
    Sqlite(SqliteConnection),
    /// To a PostgreSQL server.
    Postgres(PgConnection),
}

/// A value of a statement.
#[derive(Clone, Debug)]
pub enum Parameter {
    /// Text or null.
    Text(Option<String>),
    /// A whole number or null.
    Integer(Option<i64>),
}

/// A row of a result.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "SQLite {}", path.display()),
            Self::Postgres(url) => {
                let without_user = url.split_once("://").map_or(url.as_str(), |(_, rest)| {
                    rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)
                });
                write!(
                    formatter,
                    "PostgreSQL {}",
                    without_user.split('?').next().unwrap_or_default()
                )
            }
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Place {
    /// Where the application keeps its records.
    ///
    /// # Errors
    /// When the variable is no address, or the SQLite label lives in memory only.
    pub fn of(application: &Application) -> anyhow::Result<Self> {
        match application.variables.get(DATABASE_VARIABLE).map(str::trim) {
            None | Some("") => match application
                .runtime_config
                .sqlite_database(SQLITE_LABEL, &application.state_dir)
            {
                Some(StoreLocation::File(path)) => Ok(Self::Sqlite(path)),
                Some(StoreLocation::Memory(_)) => {
                    bail!(
                        "{}",
                        told!(
                            "the SQLite label `{SQLITE_LABEL}` lives in memory: give it a `path` in the runtime configuration",
                            "SQLite 标签 `{SQLITE_LABEL}` 只在内存中：请在运行时配置中给出 `path`"
                        )
                    )
                }
                None => bail!(
                    "{}",
                    told!(
                        "the SQLite label `{SQLITE_LABEL}` is not configured",
                        "SQLite 标签 `{SQLITE_LABEL}` 未配置"
                    )
                ),
            },
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Postgres(url.to_owned()))
            }
            Some(_) => bail!(
                "{}",
                told!(
                    "the variable `{DATABASE_VARIABLE}` must be empty (SQLite) or begin with postgres://",
                    "变量 `{DATABASE_VARIABLE}` 应为空（SQLite）或以 postgres:// 开头"
                )
            ),
        }
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Opens a connection; a SQLite file is made when there is none.
    ///
    /// # Errors
    /// When the file or the server cannot be reached; the message says where it was looked for.
    pub async fn open(&self) -> anyhow::Result<Records> {
        match self {
            Self::Sqlite(path) => {
                if let Some(folder) = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(folder).with_context(|| {
                        told!("cannot make {}", "无法创建 {}", folder.display())
                    })?;
                }
                let options = connect_options(path, &SpinHostSettings::default().sqlite);
                Ok(Records::Sqlite(options.connect().await.with_context(
                    || {
                        told!(
                            "cannot open {self}; may our user write there?",
                            "无法打开 {self}；当前用户是否有写权限？"
                        )
                    },
                )?))
            }
            Self::Postgres(url) => {
                let connection = PgConnection::connect(url)
                    .await
                    .with_context(|| told!("cannot connect to {self}: is it running, and are user and password in the variable `{DATABASE_VARIABLE}` right?", "无法连接 {self}：服务是否在运行，变量 `{DATABASE_VARIABLE}` 中的用户名和密码是否正确？"))?;
                Ok(Records::Postgres(connection))
            }
        }
    }
}

impl Records {
    /// Runs a text of one or more statements without parameters.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run_script(&mut self, script: &str) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(script.to_owned()));
        match self {
            Self::Sqlite(connection) => script.execute(connection).await.map(drop),
            Self::Postgres(connection) => script.execute(connection).await.map(drop),
        }
    }

    /// Runs one statement and returns how many rows it changed. Placeholders are `$1`, `$2`, … in ascending order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(
        &mut self,
        statement: &str,
        parameters: &[Parameter],
    ) -> Result<u64, sqlx::Error> {
        let text = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Sqlite(connection) => Ok(sqlx::query_with(text, sqlite_arguments(parameters)?)
                .execute(connection)
                .await?
                .rows_affected()),
            Self::Postgres(connection) => {
                Ok(sqlx::query_with(text, postgres_arguments(parameters)?)
                    .execute(connection)
                    .await?
                    .rows_affected())
            }
        }
    }

    /// Runs one statement and returns its rows. Placeholders as in [`Records::execute`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch(
        &mut self,
        statement: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<Row>, sqlx::Error> {
        let text = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query_with(text, sqlite_arguments(parameters)?)
                    .fetch_all(connection)
                    .await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query_with(text, postgres_arguments(parameters)?)
                    .fetch_all(connection)
                    .await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Ends the connection in order; SQLite then folds its write-ahead log into the file.
    ///
    /// # Errors
    /// What the database says.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
    }
}

impl Row {
    /// A text column, counted from 0; null gives `None`.
    ///
    /// # Errors
    /// When there is no such column or it holds something else.
    pub fn text(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }

    /// A column of 64-bit whole numbers, counted from 0; null gives `None`.
    ///
    /// # Errors
    /// When there is no such column or it holds something else.
    pub fn integer(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }
}

fn sqlite_arguments(parameters: &[Parameter]) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for parameter in parameters {
        match parameter {
            Parameter::Text(text) => arguments.add(text.clone()),
            Parameter::Integer(number) => arguments.add(*number),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres_arguments(parameters: &[Parameter]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for parameter in parameters {
        match parameter {
            Parameter::Text(text) => arguments.add(text.clone()),
            Parameter::Integer(number) => arguments.add(*number),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A text parameter.
pub fn text(value: impl Into<String>) -> Parameter {
    Parameter::Text(Some(value.into()))
}

/// A parameter of a whole number.
pub fn integer(value: i64) -> Parameter {
    Parameter::Integer(Some(value))
}
