//! `[component.<id>]`: where a component comes from and what it may use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeValue;

use crate::allowed_hosts::check_entry;
use crate::finding::message;
use crate::names::{is_kebab, is_snake, variable_name_fault};
use crate::reader::{Reader, Table};
use crate::template::Template;

/// One component of the application.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its id in the manifest.
    pub id: String,
    /// The `.wasm` file, resolved against the manifest's directory. It need not exist yet.
    pub source: PathBuf,
    /// Free text; may be empty.
    pub description: String,
    /// What the guest may ask for through `spin:variables`, by name.
    pub variables: BTreeMap<String, Template>,
    /// Environment variables of the guest.
    pub environment: BTreeMap<String, String>,
    /// Files that the guest may read.
    pub files: Vec<FileMount>,
    /// Glob patterns of files that it may not read although `files` names them.
    pub exclude_files: Vec<String>,
    /// Where the guest may connect to; see [`crate::AllowedHosts::resolve`].
    pub allowed_outbound_hosts: Vec<Template>,
    /// Labels of key-value stores.
    pub key_value_stores: Vec<String>,
    /// Labels of SQLite databases.
    pub sqlite_databases: Vec<String>,
    /// Our own facts, which stock Spin ignores.
    pub facts: ComponentFacts,
}

/// One entry of `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMount {
    /// A glob pattern relative to the manifest's directory; files keep their relative path in the guest.
    Pattern(String),
    /// A directory or file of the host and the absolute path where it appears in the guest.
    Placement {
        /// Path on the host, resolved against the manifest's directory.
        source: PathBuf,
        /// Absolute path in the guest.
        destination: String,
    },
}

/// `[component.<id>.tool.chudian]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentFacts {
    /// Short name of the module, for example `TS`.
    pub module: Option<String>,
    /// Whether an installation without it is incomplete.
    pub mandatory: bool,
    /// English title.
    pub title_en: Option<String>,
    /// Chinese title.
    pub title_zh: Option<String>,
    /// Folders of `NNNN_name.sql` migrations (a string or a list of them), resolved against the manifest's directory. Each
    /// belongs to the function in whose folder it lies; several components may name the same one.
    pub migrations: Vec<PathBuf>,
    /// Route at which the component serves its OpenAPI document.
    pub openapi: Option<String>,
}

/// Reads one component table.
pub(crate) fn read_component(
    reader: &mut Reader<'_>,
    id: &str,
    mut table: Table<'_, '_>,
) -> Component {
    let source = read_source(reader, &mut table);
    let description = table.take_string(reader, "description").unwrap_or_default();
    let variables = read_variables(reader, &mut table);
    let environment = table.take_string_map(reader, "environment");
    let files = read_files(reader, &mut table);
    let exclude_files = table
        .take_strings(reader, "exclude_files")
        .into_iter()
        .map(Spanned::into_inner)
        .collect();
    let allowed_outbound_hosts = read_hosts(reader, &mut table);
    let key_value_stores = read_labels(reader, &mut table, "key_value_stores");
    let sqlite_databases = read_labels(reader, &mut table, "sqlite_databases");
    let facts = read_facts(reader, &mut table);
    refuse_unsupported(reader, &mut table);
    for ignored in ["build", "targets", "profile"] {
        table.take(ignored);
    }
    table.deny_rest(reader);
    Component {
        id: id.to_owned(),
        source: reader.directory().join(source),
        description,
        variables,
        environment,
        files,
        exclude_files,
        allowed_outbound_hosts,
        key_value_stores,
        sqlite_databases,
        facts,
    }
}

fn read_source(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) -> String {
    let place = table.key("source");
    let Some(value) = table.take("source") else {
        reader.fault(table.span(), &place, message!("is missing", "缺失"));
        return String::new();
    };
    match value.get_ref() {
        DeValue::String(path) if !path.is_empty() => path.to_string(),
        DeValue::Table(_) => {
            let message = message!(
                "components from a URL or a registry are not fetched: download the file and give its path",
                "不支持从 URL 或镜像仓库获取组件：请先下载文件并写本地路径"
            );
            reader.fault_at(value, &place, message);
            String::new()
        }
        _ => {
            reader.fault_at(
                value,
                &place,
                message!("must be the path of a .wasm file", "应为 .wasm 文件的路径"),
            );
            String::new()
        }
    }
}

fn read_variables(
    reader: &mut Reader<'_>,
    table: &mut Table<'_, '_>,
) -> BTreeMap<String, Template> {
    let mut variables = BTreeMap::new();
    let Some(mut inner) = table.take_table(reader, "variables") else {
        return variables;
    };
    for name in inner.names() {
        if let Some(fault) = variable_name_fault(&name) {
            reader.fault(inner.span(), &inner.key(&name), fault);
        }
        let Some(text) = inner.take_string(reader, &name) else {
            continue;
        };
        match Template::parse(&text) {
            Ok(template) => _ = variables.insert(name, template),
            Err(message) => reader.fault(inner.span(), &inner.key(&name), message),
        }
    }
    variables
}

fn read_files(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) -> Vec<FileMount> {
    let place = table.key("files");
    let Some(value) = table.take("files") else {
        return Vec::new();
    };
    let DeValue::Array(entries) = value.get_ref() else {
        reader.fault_at(value, &place, message!("must be a list", "应为列表"));
        return Vec::new();
    };
    let mut files = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("{place}[{index}]");
        match entry.get_ref() {
            DeValue::String(pattern) => files.push(FileMount::Pattern(pattern.to_string())),
            DeValue::Table(inner) => {
                let mut inner = Table::new(inner, entry.span(), place.clone());
                let source = inner.take_string(reader, "source");
                let destination = inner.take_string(reader, "destination");
                inner.deny_rest(reader);
                match (source, destination) {
                    (Some(source), Some(destination)) if destination.starts_with('/') => {
                        files.push(FileMount::Placement {
                            source: reader.directory().join(source),
                            destination,
                        });
                    }
                    (_, Some(_)) => reader.fault_at(
                        entry,
                        &place,
                        message!(
                            "`destination` must be absolute, `source` given",
                            "`destination` 必须是绝对路径，且需要 `source`"
                        ),
                    ),
                    _ => reader.fault_at(
                        entry,
                        &place,
                        message!(
                            "needs `source` and `destination`",
                            "需要 `source` 与 `destination`"
                        ),
                    ),
                }
            }
            _ => reader.fault_at(
                entry,
                &place,
                message!("must be a pattern or a table", "应为通配模式或表"),
            ),
        }
    }
    files
}

fn read_hosts(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) -> Vec<Template> {
    let place = table.key("allowed_outbound_hosts");
    let mut hosts = Vec::new();
    for (index, entry) in table
        .take_strings(reader, "allowed_outbound_hosts")
        .into_iter()
        .enumerate()
    {
        let checked =
            Template::parse(entry.get_ref()).and_then(|template| match template.as_literal() {
                Some(literal) => check_entry(literal).map(|()| template.clone()),
                None => Ok(template),
            });
        match checked {
            Ok(template) => hosts.push(template),
            Err(message) => reader.fault(entry.span(), &format!("{place}[{index}]"), message),
        }
    }
    hosts
}

fn read_labels(reader: &mut Reader<'_>, table: &mut Table<'_, '_>, key: &str) -> Vec<String> {
    let place = table.key(key);
    let labels = table.take_strings(reader, key);
    for label in &labels {
        let text = label.get_ref();
        if !is_kebab(text) && !is_snake(text) {
            reader.fault(
                label.span(),
                &place,
                message!(
                    "label `{text}` must be kebab-case or snake_case",
                    "标签 `{text}` 应为 kebab-case 或 snake_case"
                ),
            );
        }
    }
    labels.into_iter().map(Spanned::into_inner).collect()
}

fn read_facts(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) -> ComponentFacts {
    let Some(mut tool) = table.take_table(reader, "tool") else {
        return ComponentFacts::default();
    };
    // Tables of other tools are theirs.
    let Some(mut facts) = tool.take_table(reader, "chudian") else {
        return ComponentFacts::default();
    };
    let read = ComponentFacts {
        module: facts.take_string(reader, "module"),
        mandatory: facts.take_bool(reader, "mandatory").unwrap_or(false),
        title_en: facts.take_string(reader, "title_en"),
        title_zh: facts.take_string(reader, "title_zh"),
        migrations: facts
            .take_string_or_strings(reader, "migrations")
            .into_iter()
            .map(|folder| reader.directory().join(folder))
            .collect(),
        openapi: facts.take_string(reader, "openapi"),
    };
    if let Some(route) = &read.openapi
        && !route.starts_with('/')
    {
        reader.fault(
            facts.span(),
            &facts.key("openapi"),
            message!("`{route}` must begin with `/`", "`{route}` 必须以 `/` 开头"),
        );
    }
    facts.deny_rest(reader);
    read
}

/// What Spin understands and this host does not. Refusing is kinder than running a component without what it counts on.
fn refuse_unsupported(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) {
    let is_empty = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::Array(entries) => entries.is_empty(),
        DeValue::Table(entries) => entries.is_empty(),
        DeValue::Boolean(flag) => !flag,
        _ => false,
    };
    let unsupported = [
        (
            "ai_models",
            message!("no AI models are offered here", "此宿主不提供 AI 模型"),
        ),
        (
            "dependencies",
            message!(
                "component dependencies are not composed here: compose the file beforehand (`wac plug`)",
                "此宿主不做组件组合：请事先组合好文件（`wac plug`）"
            ),
        ),
        (
            "dependencies_inherit_configuration",
            message!(
                "component dependencies are not composed here",
                "此宿主不做组件组合"
            ),
        ),
        (
            "allowed_http_hosts",
            message!(
                "is obsolete: write `allowed_outbound_hosts = [\"https://host\"]`",
                "已废弃：请改写为 `allowed_outbound_hosts = [\"https://host\"]`"
            ),
        ),
    ];
    for (key, message) in unsupported {
        let place = table.key(key);
        if let Some(value) = table.take(key)
            && !is_empty(value)
        {
            reader.fault_at(value, &place, message);
        }
    }
}
