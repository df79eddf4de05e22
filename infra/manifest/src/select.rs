//! `--component`: keeps a part of an application.

use std::collections::BTreeSet;

use crate::allowed_hosts::chaining_target_of_entry;
use crate::finding::{Finding, Refusal, message};
use crate::manifest::Manifest;
use crate::trigger::{Middleware, TriggerTarget};

impl Manifest {
    /// The application with only the components named, and the triggers that lead to them; all of it when `ids` is empty.
    ///
    /// As in Spin, refused when a name is unknown or has no trigger, and when a chosen component is allowed to call one
    /// that is not chosen (`http://other.spin.internal`, or any by `*.spin.internal`). An allowed host with a variable in
    /// it is not looked at: who calls by variable says where at start. Components used only as middleware stay known.
    pub fn select(&self, ids: &[String]) -> Result<Self, Refusal> {
        if ids.is_empty() {
            return Ok(self.clone());
        }
        let chosen: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let mut findings = self.unknown(&chosen);
        findings.extend(self.chained_outside(&chosen));
        if !findings.is_empty() {
            return Err(Refusal::new(self.path.display().to_string(), findings));
        }
        let mut selected = self.clone();
        selected
            .triggers
            .retain(|trigger| trigger.component().is_some_and(|id| chosen.contains(id)));
        let middleware: BTreeSet<String> = selected
            .triggers
            .iter()
            .flat_map(|trigger| match &trigger.target {
                TriggerTarget::Component { middleware, .. } => middleware.as_slice(),
                TriggerTarget::Static(_) => &[],
            })
            .filter_map(|entry| match entry {
                Middleware::Component(id) => Some(id.clone()),
                Middleware::Path(_) => None,
            })
            .collect();
        selected
            .components
            .retain(|id, _| chosen.contains(id.as_str()) || middleware.contains(id));
        Ok(selected)
    }

    fn unknown(&self, chosen: &BTreeSet<&str>) -> Vec<Finding> {
        let routed: BTreeSet<&str> = self
            .triggers
            .iter()
            .filter_map(|trigger| trigger.component())
            .collect();
        let list = routed.iter().copied().collect::<Vec<_>>().join(", ");
        chosen
            .difference(&routed)
            .map(|id| {
                Finding::at(
                    format!("component.{id}"),
                    message!(
                        "no such component with a trigger; there are: {list}",
                        "没有带触发器的此组件；现有：{list}"
                    ),
                )
            })
            .collect()
    }

    fn chained_outside(&self, chosen: &BTreeSet<&str>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for component in self
            .components
            .values()
            .filter(|component| chosen.contains(component.id.as_str()))
        {
            for entry in component
                .allowed_outbound_hosts
                .iter()
                .filter_map(|template| template.as_literal())
            {
                let Some(target) = chaining_target_of_entry(entry) else {
                    continue;
                };
                if chosen.contains(target) {
                    continue;
                }
                let message = if target == "*" {
                    message!(
                        "`{entry}` may call any component, which a selection of components does not allow",
                        "`{entry}` 允许调用任意组件，只运行部分组件时不可用"
                    )
                } else {
                    message!(
                        "`{entry}` calls `{target}`, which is not selected: add it to --component, or put the URL into a variable",
                        "`{entry}` 会调用未选中的 `{target}`：请把它加入 --component，或把 URL 放进变量"
                    )
                };
                findings.push(Finding::at(
                    format!("component.{}.allowed_outbound_hosts", component.id),
                    message,
                ));
            }
        }
        findings
    }
}
