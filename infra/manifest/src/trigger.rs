//! `[[trigger.http]]`: which requests go where.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::finding::message;
use crate::names::is_kebab;
use crate::reader::{Reader, Table};
use crate::route::Pattern;

/// One `[[trigger.http]]` entry.
#[derive(Clone, Debug)]
pub struct HttpTrigger {
    /// The id given, or one made as Spin makes it.
    pub id: String,
    /// Which paths it answers.
    pub route: TriggerRoute,
    /// What answers.
    pub target: TriggerTarget,
    /// Position in the file, counted from 0.
    pub(crate) position: usize,
}

/// Which paths a trigger answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerRoute {
    /// A route pattern.
    Pattern(String),
    /// `{ private = true }`: reachable by service chaining only.
    Private,
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerTarget {
    /// A component, behind its middleware (outermost first).
    Component {
        /// Key of [`crate::Manifest::components`].
        id: String,
        /// `dependencies.middleware`.
        middleware: Vec<Middleware>,
    },
    /// The host itself.
    Static(StaticResponse),
}

/// One entry of `dependencies.middleware`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Middleware {
    /// `{ path = "…" }`, resolved against the manifest's directory.
    Path(PathBuf),
    /// `{ component = "…" }`: another component of the application; only its source is used.
    Component(String),
}

/// `static_response = { status_code, headers, body }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticResponse {
    /// HTTP status; 200 unless given.
    pub status_code: u16,
    /// Headers as written.
    pub headers: BTreeMap<String, String>,
    /// Body; empty unless given.
    pub body: String,
}

impl HttpTrigger {
    /// Where in the manifest it stands.
    pub(crate) fn place(&self) -> String {
        format!("trigger.http[{}]", self.position)
    }

    /// The component that answers, if one does.
    pub fn component(&self) -> Option<&str> {
        match &self.target {
            TriggerTarget::Component { id, .. } => Some(id),
            TriggerTarget::Static(_) => None,
        }
    }
}

/// How a trigger names its component before inline ones are moved to the component table.
pub(crate) enum ComponentReference<'text, 'table> {
    /// `component = "id"`.
    Id(String),
    /// `component = { source = … }`.
    Inline(Table<'text, 'table>),
}

/// A trigger as read, before ids are given and references checked.
pub(crate) struct RawTrigger<'text, 'table> {
    pub(crate) id: Option<String>,
    pub(crate) component: Option<ComponentReference<'text, 'table>>,
    pub(crate) route: Option<TriggerRoute>,
    pub(crate) middleware: Vec<Middleware>,
    pub(crate) static_response: Option<StaticResponse>,
    pub(crate) table: Table<'text, 'table>,
}

/// Reads one `[[trigger.http]]` table.
pub(crate) fn read_trigger<'text, 'table>(
    reader: &mut Reader<'_>,
    mut table: Table<'text, 'table>,
) -> RawTrigger<'text, 'table> {
    let id = table.take_string(reader, "id");
    let component = match table.take("component") {
        None => None,
        Some(value) => match value.get_ref() {
            DeValue::String(text) => {
                if !is_kebab(text) {
                    reader.fault_at(
                        value,
                        &table.key("component"),
                        message!(
                            "`{text}` is not a kebab-case component id",
                            "`{text}` 不是 kebab-case 形式的组件标识"
                        ),
                    );
                }
                Some(ComponentReference::Id(text.to_string()))
            }
            DeValue::Table(inline) => Some(ComponentReference::Inline(Table::new(
                inline,
                value.span(),
                table.key("component"),
            ))),
            _ => {
                reader.fault_at(
                    value,
                    &table.key("component"),
                    message!(
                        "must be a component id or a component table",
                        "应为组件标识或组件表"
                    ),
                );
                None
            }
        },
    };
    let route = read_route(reader, &mut table);
    read_executor(reader, &mut table);
    let middleware = read_dependencies(reader, &mut table);
    let static_response = table
        .take_table(reader, "static_response")
        .map(|response| read_static_response(reader, response));
    if let Some(components) = table.take_table(reader, "components")
        && !components.is_empty()
    {
        let message = message!(
            "`components` is not used by HTTP triggers; use `dependencies.middleware`",
            "HTTP 触发器不使用 `components`，请用 `dependencies.middleware`"
        );
        reader.fault(components.span(), components.place(), message);
    }
    table.deny_rest(reader);
    match (&component, &static_response) {
        (None, None) => reader.fault(
            table.span(),
            table.place(),
            message!(
                "needs `component` or `static_response`",
                "需要 `component` 或 `static_response`"
            ),
        ),
        (Some(_), Some(_)) => reader.fault(
            table.span(),
            table.place(),
            message!(
                "has both `component` and `static_response`; keep one",
                "同时给出了 `component` 与 `static_response`，只能保留一个"
            ),
        ),
        _ => {}
    }
    RawTrigger {
        id,
        component,
        route,
        middleware,
        static_response,
        table,
    }
}

fn read_route(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) -> Option<TriggerRoute> {
    let place = table.key("route");
    let Some(value) = table.take("route") else {
        reader.fault(table.span(), &place, message!("is missing", "缺失"));
        return None;
    };
    match value.get_ref() {
        DeValue::String(text) => {
            let absolute = if text.starts_with('/') {
                text.to_string()
            } else {
                format!("/{text}")
            };
            if let Err(message) = Pattern::parse(absolute.strip_suffix('/').unwrap_or(&absolute)) {
                reader.fault_at(value, &place, message);
            }
            Some(TriggerRoute::Pattern(text.to_string()))
        }
        DeValue::Table(inner) => {
            let mut inner = Table::new(inner, value.span(), place.clone());
            let private = inner.take_bool(reader, "private");
            inner.deny_rest(reader);
            if private != Some(true) {
                let message = message!(
                    "must be a route pattern or `{{ private = true }}`",
                    "应为路由或 `{{ private = true }}`"
                );
                reader.fault_at(value, &place, message);
            }
            Some(TriggerRoute::Private)
        }
        _ => {
            let message = message!(
                "must be a route pattern or `{{ private = true }}`",
                "应为路由或 `{{ private = true }}`"
            );
            reader.fault_at(value, &place, message);
            None
        }
    }
}

fn read_executor(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) {
    let Some(mut executor) = table.take_table(reader, "executor") else {
        return;
    };
    let kind = executor.take_string(reader, "type");
    match kind.as_deref() {
        Some("http" | "spin") => executor.deny_rest(reader),
        Some(other) => {
            let message = message!(
                "executor `{other}` is not supported: build the component for `wasi:http`",
                "不支持执行器 `{other}`：请为 `wasi:http` 构建组件"
            );
            reader.fault(executor.span(), executor.place(), message);
        }
        None => reader.fault(
            executor.span(),
            executor.place(),
            message!("needs `type`", "需要 `type`"),
        ),
    }
}

fn read_dependencies(reader: &mut Reader<'_>, table: &mut Table<'_, '_>) -> Vec<Middleware> {
    let Some(mut dependencies) = table.take_table(reader, "dependencies") else {
        return Vec::new();
    };
    let mut middleware = Vec::new();
    let place = dependencies.key("middleware");
    if let Some(value) = dependencies.take("middleware") {
        match value.get_ref() {
            DeValue::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    match entry.get_ref() {
                        DeValue::Table(inner) => middleware.extend(read_middleware(
                            reader,
                            Table::new(inner, entry.span(), place),
                        )),
                        _ => reader.fault_at(
                            entry,
                            &place,
                            message!(
                                "must be a table such as `{{ path = \"…\" }}`",
                                "应为表，例如 `{{ path = \"…\" }}`"
                            ),
                        ),
                    }
                }
            }
            _ => reader.fault_at(value, &place, message!("must be a list", "应为列表")),
        }
    }
    dependencies.deny_rest(reader);
    middleware
}

fn read_middleware(reader: &mut Reader<'_>, mut table: Table<'_, '_>) -> Option<Middleware> {
    let path = table.take_string(reader, "path");
    let component = table.take_string(reader, "component");
    let remote_keys = ["url", "registry", "package", "version", "digest"];
    let remote = remote_keys
        .iter()
        .filter(|key| table.take(key).is_some())
        .count()
        > 0;
    // A middleware has no permissions of its own here; asking for those of the component behind it is refused.
    if table
        .take("inherit_configuration")
        .is_some_and(|value| !matches!(value.get_ref(), DeValue::Boolean(false)))
    {
        let message = message!(
            "`inherit_configuration` is not supported for middleware",
            "中间件不支持 `inherit_configuration`"
        );
        reader.fault(table.span(), table.place(), message);
    }
    table.deny_rest(reader);
    match (path, component) {
        (Some(path), None) if !remote => Some(Middleware::Path(reader.directory().join(path))),
        (None, Some(component)) if !remote => Some(Middleware::Component(component)),
        _ => {
            let message = message!(
                "middleware must be one of `{{ path = \"…\" }}` and `{{ component = \"…\" }}`; download a remote one and name its path",
                "中间件只能是 `{{ path = \"…\" }}` 或 `{{ component = \"…\" }}`；远程组件请先下载并写本地路径"
            );
            reader.fault(table.span(), table.place(), message);
            None
        }
    }
}

fn read_static_response(reader: &mut Reader<'_>, mut table: Table<'_, '_>) -> StaticResponse {
    /// Status of a response that names none.
    const STATUS_DEFAULT: u16 = 200;
    let status_code = match table.take_integer(reader, "status_code") {
        None => STATUS_DEFAULT,
        Some(code) => match u16::try_from(code) {
            Ok(code) if (100..=599).contains(&code) => code,
            _ => {
                let message = message!(
                    "status {code} is not an HTTP status (100 to 599)",
                    "状态码 {code} 不是有效的 HTTP 状态（100 到 599）"
                );
                reader.fault(table.span(), &table.key("status_code"), message);
                STATUS_DEFAULT
            }
        },
    };
    let headers = table.take_string_map(reader, "headers");
    let body = table.take_string(reader, "body").unwrap_or_default();
    table.deny_rest(reader);
    StaticResponse {
        status_code,
        headers,
        body,
    }
}
