//! Gives values to the variables that a manifest declares.
//!
//! Invariant: a value never appears in `Debug` output, in a message or in an error; only names do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::component::Component;
use crate::finding::{Finding, Message, Refusal, message};
use crate::manifest::Manifest;
use crate::runtime_config::VariableProvider;
use crate::template::Template;

/// Prefix of the environment variables that are looked at when no provider names another.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE";

/// Where values come from. The order is Spin's: what the command line gives, then the providers of the runtime
/// configuration in their order, then `SPIN_VARIABLE_*`, then the defaults of the manifest.
#[derive(Default)]
pub struct VariableSources {
    /// `--variable name=value`.
    pub command_line: BTreeMap<String, String>,
    /// Providers of the runtime configuration.
    pub providers: Vec<VariableProvider>,
    /// A copy of the process environment.
    pub environment: BTreeMap<String, String>,
    /// Values used only when nothing else gives one but before the manifest's default: what the gateway itself made and
    /// keeps in its state directory.
    pub fallback: BTreeMap<String, String>,
}

/// The values of the application's variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

/// What one component gets from `spin:variables`, by the component's own names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ComponentVariables {
    values: BTreeMap<String, String>,
}

impl VariableSources {
    /// Sources with the process environment and what `--variable` gave.
    pub fn from_process(
        command_line: BTreeMap<String, String>,
        providers: Vec<VariableProvider>,
    ) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self {
            command_line,
            providers,
            environment: environment.collect(),
            fallback: BTreeMap::new(),
        }
    }

    fn value(&self, name: &str) -> Option<&String> {
        let from_environment = |prefix: &str| {
            self.environment
                .get(&format!("{prefix}_{}", name.to_ascii_uppercase()))
        };
        self.command_line
            .get(name)
            .or_else(|| {
                self.providers.iter().find_map(|provider| match provider {
                    VariableProvider::Static(values) => values.get(name),
                    VariableProvider::Environment { prefix } => {
                        from_environment(prefix.as_deref().unwrap_or(ENVIRONMENT_PREFIX))
                    }
                })
            })
            .or_else(|| from_environment(ENVIRONMENT_PREFIX))
            .or_else(|| self.fallback.get(name))
    }
}

impl Variables {
    /// Values for all declared variables. A required variable without a value is an error when a component of
    /// `manifest` (select first) refers to it; every such variable is named at once. The second value warns of values
    /// given on the command line for names that are not declared.
    pub fn resolve(
        manifest: &Manifest,
        sources: &VariableSources,
    ) -> Result<(Self, Vec<Finding>), Refusal> {
        let used: BTreeSet<&str> = manifest
            .components
            .values()
            .flat_map(|component| {
                component
                    .variables
                    .values()
                    .chain(&component.allowed_outbound_hosts)
            })
            .flat_map(Template::variables)
            .collect();
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, declaration) in &manifest.variables {
            match sources.value(name).or(declaration.default.as_ref()) {
                Some(value) => _ = values.insert(name.clone(), value.clone()),
                None if used.contains(name.as_str()) => {
                    let environment = format!("{ENVIRONMENT_PREFIX}_{}", name.to_ascii_uppercase());
                    missing.push(Finding::at(
                        format!("variables.{name}"),
                        message!(
                            "is required and has no value: set {environment}, or give --variable {name}=…",
                            "为必填但没有值：请设置环境变量 {environment}，或使用 --variable {name}=…"
                        ),
                    ));
                }
                None => {}
            }
        }
        if !missing.is_empty() {
            return Err(Refusal::new(manifest.path.display().to_string(), missing));
        }
        let undeclared = sources
            .command_line
            .keys()
            .filter(|name| !manifest.variables.contains_key(*name));
        let warnings = undeclared
            .map(|name| {
                Finding::at(
                    format!("variables.{name}"),
                    message!(
                        "is not declared; the value given has no effect",
                        "未声明，给出的值不起作用"
                    ),
                )
            })
            .collect();
        Ok((Self { values }, warnings))
    }

    /// The value of an application variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A template with its variables filled in.
    pub fn expand(&self, template: &Template) -> Result<String, Message> {
        template
            .expand(|name| self.get(name))
            .map_err(|name| message!("variable `{name}` has no value", "变量 `{name}` 没有值"))
    }

    /// What a component gets.
    pub fn component_values(&self, component: &Component) -> Result<ComponentVariables, Refusal> {
        let mut values = BTreeMap::new();
        let mut findings = Vec::new();
        for (name, template) in &component.variables {
            match self.expand(template) {
                Ok(value) => _ = values.insert(name.clone(), value),
                Err(message) => findings.push(Finding::at(
                    format!("component.{}.variables.{name}", component.id),
                    message,
                )),
            }
        }
        if findings.is_empty() {
            Ok(ComponentVariables { values })
        } else {
            Err(Refusal::new("spin.toml", findings))
        }
    }
}

impl ComponentVariables {
    /// The value of a variable of the component.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether `name` is spelled as a variable's name can be.
    pub fn is_name(name: &str) -> bool {
        crate::names::variable_name_fault(name).is_none()
    }
}

impl FromIterator<(String, String)> for ComponentVariables {
    fn from_iter<Entries: IntoIterator<Item = (String, String)>>(entries: Entries) -> Self {
        Self {
            values: entries.into_iter().collect(),
        }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl fmt::Debug for ComponentVariables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl fmt::Debug for VariableSources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VariableSources")
            .field("command_line", &self.command_line.keys())
            .field("providers", &self.providers)
            .field("fallback", &self.fallback.keys())
            .finish_non_exhaustive()
    }
}
