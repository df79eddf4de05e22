//! The manifest as a whole: reads `spin.toml`, checks that its parts refer to each other rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::component::{Component, read_component};
use crate::finding::{Finding, Refusal, message};
use crate::names::{is_kebab, variable_name_fault};
use crate::reader::{Reader, Table};
use crate::template::Template;
use crate::trigger::{
    ComponentReference, HttpTrigger, Middleware, RawTrigger, TriggerRoute, TriggerTarget,
    read_trigger,
};

/// The version of the manifest format that is read.
const MANIFEST_VERSION: i64 = 2;

/// An application as `spin.toml` describes it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file that was read.
    pub path: PathBuf,
    /// Its directory, from which relative paths are meant.
    pub directory: PathBuf,
    /// `[application]`.
    pub application: Application,
    /// `[variables]`, by name.
    pub variables: BTreeMap<String, VariableDeclaration>,
    /// `[[trigger.http]]` in the order of the file; the order decides between duplicates.
    pub triggers: Vec<HttpTrigger>,
    /// `[component.<id>]` and inline components, by id.
    pub components: BTreeMap<String, Component>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Finding>,
}

/// `[application]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Application {
    /// Name, never empty.
    pub name: String,
    /// Version; may be empty.
    pub version: String,
    /// Description; may be empty.
    pub description: String,
    /// Authors.
    pub authors: Vec<String>,
}

/// One entry of `[variables]`. Its value comes from elsewhere: see [`crate::Variables`].
#[derive(Clone, PartialEq, Eq)]
pub struct VariableDeclaration {
    /// Free text.
    pub description: Option<String>,
    /// Whether a value must be given from outside.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<String>,
    /// Whether the value must never be shown.
    pub secret: bool,
}

impl std::fmt::Debug for VariableDeclaration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let default = self
            .default
            .as_deref()
            .map(|value| if self.secret { "…" } else { value });
        formatter
            .debug_struct("VariableDeclaration")
            .field("description", &self.description)
            .field("required", &self.required)
            .field("default", &default)
            .field("secret", &self.secret)
            .finish()
    }
}

impl Manifest {
    /// Reads and checks a manifest. `path` may name the file or the directory that holds `spin.toml`.
    pub fn load(path: &Path) -> Result<Self, Refusal> {
        let path = if path.is_dir() {
            path.join("spin.toml")
        } else {
            path.to_path_buf()
        };
        let source = std::fs::read_to_string(&path).map_err(|error| {
            let message = message!("cannot be read: {error}", "无法读取：{error}");
            Refusal::new(path.display().to_string(), vec![Finding::at("", message)])
        })?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        Self::parse(&source, &path, &directory)
    }

    /// Checks a manifest's text. `path` is only named in messages.
    pub fn parse(source: &str, path: &Path, directory: &Path) -> Result<Self, Refusal> {
        let mut reader = Reader::new(source, directory);
        let document = reader.parse();
        if !reader.faults.is_empty() {
            // What follows a syntax error is guesswork.
            return Err(Refusal::new(path.display().to_string(), reader.faults));
        }
        let mut root = Table::new(&document, 0..0, "");
        let application = read_head(&mut reader, &mut root);
        let variables = read_variable_declarations(&mut reader, &mut root);
        let mut components = read_components(&mut reader, &mut root);
        let raw_triggers = read_triggers(&mut reader, &mut root);
        root.deny_rest(&mut reader);
        let triggers = settle_triggers(&mut reader, raw_triggers, &mut components);
        check_variable_references(&mut reader, &variables, &components);
        if reader.faults.is_empty() {
            let (path, directory) = (path.to_path_buf(), directory.to_path_buf());
            Ok(Self {
                path,
                directory,
                application,
                variables,
                triggers,
                components,
                warnings: reader.warnings,
            })
        } else {
            Err(Refusal::new(path.display().to_string(), reader.faults))
        }
    }
}

fn read_head(reader: &mut Reader<'_>, root: &mut Table<'_, '_>) -> Application {
    match root
        .take("spin_manifest_version")
        .map(|value| (value, root.take_integer(reader, "spin_manifest_version")))
    {
        None => reader.fault(
            0..0,
            "spin_manifest_version",
            message!(
                "is missing; write `spin_manifest_version = 2`",
                "缺失；请写 `spin_manifest_version = 2`"
            ),
        ),
        Some((_, Some(MANIFEST_VERSION)) | (_, None)) => {}
        Some((value, Some(other))) => {
            let message = message!(
                "version {other} is not supported, only {MANIFEST_VERSION} is",
                "不支持版本 {other}，只支持 {MANIFEST_VERSION}"
            );
            reader.fault_at(value, "spin_manifest_version", message);
        }
    }
    let Some(mut table) = root.take_table(reader, "application") else {
        reader.fault(0..0, "application", message!("is missing", "缺失"));
        return Application::default();
    };
    let name = table.take_string(reader, "name").unwrap_or_default();
    if name.is_empty() {
        reader.fault(
            table.span(),
            "application.name",
            message!("is missing", "缺失"),
        );
    }
    let application = Application {
        name,
        version: table.take_string(reader, "version").unwrap_or_default(),
        description: table.take_string(reader, "description").unwrap_or_default(),
        authors: table
            .take_strings(reader, "authors")
            .into_iter()
            .map(|author| author.into_inner())
            .collect(),
    };
    for ignored in ["targets", "tool"] {
        table.take(ignored);
    }
    // A base path was a setting of manifest version 1; Spin ignores what stands here for HTTP, and so do we, aloud.
    if let Some(mut trigger) = table.take_table(reader, "trigger")
        && let Some(http) = trigger.take_table(reader, "http")
        && !http.is_empty()
    {
        let message = message!(
            "settings of the HTTP trigger have no effect in manifest version 2",
            "清单版本 2 中 HTTP 触发器的全局设置不起作用"
        );
        reader.warn(http.span(), http.place(), message);
    }
    table.deny_rest(reader);
    application
}

fn read_variable_declarations(
    reader: &mut Reader<'_>,
    root: &mut Table<'_, '_>,
) -> BTreeMap<String, VariableDeclaration> {
    let mut variables = BTreeMap::new();
    for (name, mut table) in root.take_tables(reader, "variables") {
        if let Some(fault) = variable_name_fault(&name) {
            reader.fault(table.span(), table.place(), fault);
        }
        let declaration = VariableDeclaration {
            description: table.take_string(reader, "description"),
            required: table.take_bool(reader, "required").unwrap_or(false),
            default: table.take_string(reader, "default"),
            secret: table.take_bool(reader, "secret").unwrap_or(false),
        };
        table.deny_rest(reader);
        match (declaration.required, &declaration.default) {
            (false, None) => reader.fault(
                table.span(),
                table.place(),
                message!(
                    "needs `default` or `required = true`",
                    "需要 `default` 或 `required = true`"
                ),
            ),
            (true, Some(_)) => reader.fault(
                table.span(),
                table.place(),
                message!(
                    "has both `default` and `required = true`; keep one",
                    "同时给出了 `default` 与 `required = true`，只能保留一个"
                ),
            ),
            _ => {}
        }
        variables.insert(name, declaration);
    }
    variables
}

fn read_components(
    reader: &mut Reader<'_>,
    root: &mut Table<'_, '_>,
) -> BTreeMap<String, Component> {
    let mut components = BTreeMap::new();
    for (id, table) in root.take_tables(reader, "component") {
        if !is_kebab(&id) {
            reader.fault(
                table.span(),
                table.place(),
                message!(
                    "`{id}` is not a kebab-case component id",
                    "`{id}` 不是 kebab-case 形式的组件标识"
                ),
            );
        }
        let component = read_component(reader, &id, table);
        components.insert(id, component);
    }
    components
}

fn read_triggers<'text, 'table>(
    reader: &mut Reader<'_>,
    root: &mut Table<'text, 'table>,
) -> Vec<RawTrigger<'text, 'table>> {
    let Some(mut kinds) = root.take_table(reader, "trigger") else {
        reader.fault(
            0..0,
            "trigger",
            message!(
                "is missing: an application needs at least one `[[trigger.http]]`",
                "缺失：应用至少需要一个 `[[trigger.http]]`"
            ),
        );
        return Vec::new();
    };
    for kind in kinds.names() {
        if kind != "http" {
            kinds.take(&kind);
            let message = message!(
                "triggers of type `{kind}` are not served here",
                "此宿主不处理 `{kind}` 类型的触发器"
            );
            reader.warn(kinds.span(), &kinds.key(&kind), message);
        }
    }
    let Some(value) = kinds.take("http") else {
        return Vec::new();
    };
    let DeValue::Array(entries) = value.get_ref() else {
        reader.fault_at(
            value,
            "trigger.http",
            message!(
                "must be a list of tables: `[[trigger.http]]`",
                "应为表的列表：`[[trigger.http]]`"
            ),
        );
        return Vec::new();
    };
    let mut triggers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("trigger.http[{index}]");
        match entry.get_ref() {
            DeValue::Table(table) => {
                triggers.push(read_trigger(reader, Table::new(table, entry.span(), place)))
            }
            _ => reader.fault_at(entry, &place, message!("must be a table", "应为表")),
        }
    }
    triggers
}

/// Gives ids, moves inline components to the component table and checks that every reference leads somewhere.
fn settle_triggers<'text>(
    reader: &mut Reader<'_>,
    raw_triggers: Vec<RawTrigger<'text, '_>>,
    components: &mut BTreeMap<String, Component>,
) -> Vec<HttpTrigger> {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for raw in &raw_triggers {
        if let Some(id) = &raw.id
            && !used.insert(id.clone())
        {
            reader.fault(
                raw.table.span(),
                &raw.table.key("id"),
                message!("id `{id}` is given twice", "标识 `{id}` 重复"),
            );
        }
    }
    let mut triggers = Vec::new();
    for (position, raw) in raw_triggers.into_iter().enumerate() {
        let id = raw
            .id
            .clone()
            .unwrap_or_else(|| new_trigger_id(&raw, &mut used));
        let place = raw.table.key("component");
        let component = match raw.component {
            None => None,
            Some(ComponentReference::Id(id)) => {
                if !components.contains_key(&id) {
                    let message = message!(
                        "no component `{id}`: add `[component.{id}]`",
                        "没有组件 `{id}`：请添加 `[component.{id}]`"
                    );
                    reader.fault(raw.table.span(), &place, message);
                }
                Some(id)
            }
            Some(ComponentReference::Inline(table)) => {
                let component_id = new_inline_id(&id, components);
                let component = read_component(reader, &component_id, table);
                components.insert(component_id.clone(), component);
                Some(component_id)
            }
        };
        for entry in &raw.middleware {
            if let Middleware::Component(id) = entry
                && !components.contains_key(id)
            {
                let message = message!(
                    "no component `{id}`: add `[component.{id}]`",
                    "没有组件 `{id}`：请添加 `[component.{id}]`"
                );
                reader.fault(
                    raw.table.span(),
                    &raw.table.key("dependencies.middleware"),
                    message,
                );
            }
        }
        let target = match (component, raw.static_response) {
            (Some(id), _) => TriggerTarget::Component {
                id,
                middleware: raw.middleware,
            },
            (None, Some(response)) => {
                if !raw.middleware.is_empty() {
                    let message = message!(
                        "middleware before a static response is not supported",
                        "静态应答前不支持中间件"
                    );
                    reader.fault(
                        raw.table.span(),
                        &raw.table.key("dependencies.middleware"),
                        message,
                    );
                }
                TriggerTarget::Static(response)
            }
            (None, None) => continue,
        };
        let Some(route) = raw.route else { continue };
        if matches!(
            (&route, &target),
            (TriggerRoute::Private, TriggerTarget::Static(_))
        ) {
            reader.fault(
                raw.table.span(),
                raw.table.place(),
                message!(
                    "a private static response can never be reached",
                    "私有的静态应答永远无法访问"
                ),
            );
        }
        triggers.push(HttpTrigger {
            id,
            route,
            target,
            position,
        });
    }
    triggers
}

fn new_trigger_id(raw: &RawTrigger<'_, '_>, used: &mut BTreeSet<String>) -> String {
    if let Some(ComponentReference::Id(component)) = &raw.component {
        let natural = format!("{component}-http-trigger");
        if used.insert(natural.clone()) {
            return natural;
        }
    }
    first_free(
        |number| format!("http-trigger{number}"),
        |id| used.insert(id.to_owned()),
    )
}

fn new_inline_id(trigger_id: &str, components: &BTreeMap<String, Component>) -> String {
    let natural = format!("{trigger_id}-component");
    if is_kebab(&natural) && !components.contains_key(&natural) {
        return natural;
    }
    first_free(
        |number| format!("inline-component{number}"),
        |id| !components.contains_key(id),
    )
}

fn first_free(name: impl Fn(u32) -> String, mut is_free: impl FnMut(&str) -> bool) -> String {
    let mut number = 1;
    loop {
        let candidate = name(number);
        if is_free(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

fn check_variable_references(
    reader: &mut Reader<'_>,
    variables: &BTreeMap<String, VariableDeclaration>,
    components: &BTreeMap<String, Component>,
) {
    for component in components.values() {
        let id = &component.id;
        let of_variables = component
            .variables
            .iter()
            .map(|(name, template)| (format!("component.{id}.variables.{name}"), template));
        let of_hosts = component
            .allowed_outbound_hosts
            .iter()
            .map(|template| (format!("component.{id}.allowed_outbound_hosts"), template));
        for (place, template) in of_variables.chain(of_hosts) {
            report_unknown(reader, variables, &place, template);
        }
    }
}

fn report_unknown(
    reader: &mut Reader<'_>,
    variables: &BTreeMap<String, VariableDeclaration>,
    place: &str,
    template: &Template,
) {
    for name in template
        .variables()
        .filter(|name| !variables.contains_key(*name))
    {
        let message = message!(
            "`{name}` is not declared under `[variables]`",
            "`{name}` 未在 `[variables]` 中声明"
        );
        reader.faults.push(Finding::at(place, message));
    }
}
