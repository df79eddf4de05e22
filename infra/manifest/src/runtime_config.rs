//! The runtime configuration file, in Spin's format: where stores and databases live and where variables come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::component::Component;
use crate::finding::{Finding, Refusal, message};
use crate::reader::{Reader, Table};

/// The label that exists without being configured.
const DEFAULT_LABEL: &str = "default";
/// Files of the default label in the state directory; the names are Spin's.
const SQLITE_FILE: &str = "sqlite_db.db";
const KEY_VALUE_FILE: &str = "sqlite_key_value.db";

/// What the file says. [`RuntimeConfig::default`] is an empty file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuntimeConfig {
    /// `state_dir`, when given and not empty.
    pub state_dir: Option<PathBuf>,
    /// `log_dir`, when given and not empty.
    pub log_dir: Option<PathBuf>,
    /// `[key_value_store.<label>]`.
    pub key_value_stores: BTreeMap<String, StoreLocation>,
    /// `[sqlite_database.<label>]`.
    pub sqlite_databases: BTreeMap<String, StoreLocation>,
    /// `[[variables_provider]]` or `[[config_provider]]`.
    pub variable_providers: Vec<VariableProvider>,
}

/// Where a store or database lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreLocation {
    /// A file, made when it does not exist.
    File(PathBuf),
    /// Memory of this process, under the label's name: gone when it ends. What Spin does for `type = "spin"` without a path.
    Memory(String),
}

/// One source of variable values.
#[derive(Clone, PartialEq)]
pub enum VariableProvider {
    /// `type = "static"`: the values themselves.
    Static(BTreeMap<String, String>),
    /// `type = "env"`: environment variables with a prefix.
    Environment {
        /// `SPIN_VARIABLE` unless given.
        prefix: Option<String>,
    },
}

impl fmt::Debug for VariableProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(values) => formatter
                .debug_tuple("Static")
                .field(&values.keys())
                .finish(),
            Self::Environment { prefix } => formatter
                .debug_struct("Environment")
                .field("prefix", prefix)
                .finish(),
        }
    }
}

impl RuntimeConfig {
    /// Reads a runtime configuration file. Paths of key-value stores are meant from the file's directory, those of SQLite
    /// databases from `working_directory`: that is how Spin reads them.
    pub fn load(path: &Path, working_directory: &Path) -> Result<Self, Refusal> {
        let source = std::fs::read_to_string(path).map_err(|error| {
            Refusal::new(
                path.display().to_string(),
                vec![Finding::at(
                    "",
                    message!("cannot be read: {error}", "无法读取：{error}"),
                )],
            )
        })?;
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        Self::parse(&source, path, directory, working_directory)
    }

    /// Checks the text of a runtime configuration; `path` is only named in messages.
    pub fn parse(
        source: &str,
        path: &Path,
        directory: &Path,
        working_directory: &Path,
    ) -> Result<Self, Refusal> {
        let mut reader = Reader::new(source, directory);
        let document = reader.parse();
        if !reader.faults.is_empty() {
            return Err(Refusal::new(path.display().to_string(), reader.faults));
        }
        let mut root = Table::new(&document, 0..0, "");
        let directory_setting = |text: Option<String>| {
            text.filter(|text| !text.is_empty())
                .map(|text| working_directory.join(text))
        };
        let mut config = Self {
            state_dir: directory_setting(root.take_string(&mut reader, "state_dir")),
            log_dir: directory_setting(root.take_string(&mut reader, "log_dir")),
            key_value_stores: read_locations(&mut reader, &mut root, "key_value_store", directory),
            sqlite_databases: read_locations(
                &mut reader,
                &mut root,
                "sqlite_database",
                working_directory,
            ),
            variable_providers: Vec::new(),
        };
        for key in ["variables_provider", "config_provider"] {
            config
                .variable_providers
                .extend(read_providers(&mut reader, &mut root, key));
        }
        for key in ["llm_compute", "client_tls", "blob_store"] {
            if let Some(value) = root.take(key) {
                reader.fault_at(
                    value,
                    key,
                    message!("is not supported by this host", "此宿主不支持"),
                );
            }
        }
        root.deny_rest(&mut reader);
        if reader.faults.is_empty() {
            Ok(config)
        } else {
            Err(Refusal::new(path.display().to_string(), reader.faults))
        }
    }

    /// Where the key-value label lives; `None` when it is not configured.
    pub fn key_value_store(&self, label: &str, state_dir: &Path) -> Option<StoreLocation> {
        locate(&self.key_value_stores, label, || {
            state_dir.join(KEY_VALUE_FILE)
        })
    }

    /// Where the SQLite label lives; `None` when it is not configured.
    pub fn sqlite_database(&self, label: &str, state_dir: &Path) -> Option<StoreLocation> {
        locate(&self.sqlite_databases, label, || {
            state_dir.join(SQLITE_FILE)
        })
    }

    /// Every label that a component asks for and nothing configures.
    pub fn unknown_labels(&self, component: &Component) -> Vec<Finding> {
        let known = |table: &BTreeMap<String, StoreLocation>, label: &str| {
            label == DEFAULT_LABEL || table.contains_key(label)
        };
        let finding = |key: &str, section: &str, label: &str| {
            let message = message!(
                "label `{label}` is not configured: add `[{section}.{label}]` to the runtime configuration",
                "标签 `{label}` 未配置：请在运行时配置中添加 `[{section}.{label}]`"
            );
            Finding::at(format!("component.{}.{key}", component.id), message)
        };
        let stores = component
            .key_value_stores
            .iter()
            .filter(|label| !known(&self.key_value_stores, label));
        let databases = component
            .sqlite_databases
            .iter()
            .filter(|label| !known(&self.sqlite_databases, label));
        stores
            .map(|label| finding("key_value_stores", "key_value_store", label))
            .chain(databases.map(|label| finding("sqlite_databases", "sqlite_database", label)))
            .collect()
    }
}

fn locate(
    table: &BTreeMap<String, StoreLocation>,
    label: &str,
    default: impl FnOnce() -> PathBuf,
) -> Option<StoreLocation> {
    match table.get(label) {
        Some(location) => Some(location.clone()),
        None => (label == DEFAULT_LABEL).then(|| StoreLocation::File(default())),
    }
}

fn read_locations(
    reader: &mut Reader<'_>,
    root: &mut Table<'_, '_>,
    key: &str,
    base: &Path,
) -> BTreeMap<String, StoreLocation> {
    let mut locations = BTreeMap::new();
    for (label, mut table) in root.take_tables(reader, key) {
        match table.take_string(reader, "type").as_deref() {
            Some("spin") => {
                let location = table.take_string(reader, "path").map_or_else(
                    || StoreLocation::Memory(label.clone()),
                    |path| StoreLocation::File(base.join(path)),
                );
                table.deny_rest(reader);
                locations.insert(label, location);
            }
            Some(other) => {
                let message = message!(
                    "type `{other}` is not supported; use `type = \"spin\"`",
                    "不支持类型 `{other}`；请用 `type = \"spin\"`"
                );
                reader.fault(table.span(), table.place(), message);
            }
            None => reader.fault(
                table.span(),
                table.place(),
                message!("needs `type = \"spin\"`", "需要 `type = \"spin\"`"),
            ),
        }
    }
    locations
}

fn read_providers(
    reader: &mut Reader<'_>,
    root: &mut Table<'_, '_>,
    key: &str,
) -> Vec<VariableProvider> {
    let Some(value) = root.take(key) else {
        return Vec::new();
    };
    let entries = match value.get_ref() {
        DeValue::Array(entries) => entries,
        DeValue::Table(table) => {
            return read_provider(reader, Table::new(table, value.span(), key))
                .into_iter()
                .collect();
        }
        _ => {
            reader.fault_at(
                value,
                key,
                message!(
                    "must be a list of tables: `[[{key}]]`",
                    "应为表的列表：`[[{key}]]`"
                ),
            );
            return Vec::new();
        }
    };
    let mut providers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("{key}[{index}]");
        match entry.get_ref() {
            DeValue::Table(table) => providers.extend(read_provider(
                reader,
                Table::new(table, entry.span(), place),
            )),
            _ => reader.fault_at(entry, &place, message!("must be a table", "应为表")),
        }
    }
    providers
}

fn read_provider(reader: &mut Reader<'_>, mut table: Table<'_, '_>) -> Option<VariableProvider> {
    let provider = match table.take_string(reader, "type").as_deref() {
        Some("static") => VariableProvider::Static(table.take_string_map(reader, "values")),
        Some("env") => VariableProvider::Environment {
            prefix: table.take_string(reader, "prefix"),
        },
        Some(other) => {
            let message = message!(
                "provider `{other}` is not supported; use `static` or `env`",
                "不支持来源 `{other}`；请用 `static` 或 `env`"
            );
            reader.fault(table.span(), table.place(), message);
            return None;
        }
        None => {
            reader.fault(
                table.span(),
                table.place(),
                message!("needs `type`", "需要 `type`"),
            );
            return None;
        }
    };
    table.deny_rest(reader);
    Some(provider)
}
