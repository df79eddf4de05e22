//! `chudian modules`: what the application consists of, and what of it is there.

use std::collections::BTreeMap;

use chudian_manifest::{Component, Manifest, TriggerRoute};
use clap::Args;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::application::ApplicationArguments;
use crate::commands::print_json;
use crate::language::Language;

/// List the modules of the application / 列出应用的模块
#[derive(Debug, Args)]
pub struct Modules {
    /// Where the application is.
    #[command(flatten)]
    pub application: ApplicationArguments,
    /// Answer as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

impl Modules {
    /// Prints the table. Reads the manifest only: no state is made, no database opened.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn run(self) -> anyhow::Result<()> {
        let manifest = Manifest::load(&self.application.from)?;
        let routes = routes_by_component(&manifest);
        let of = |component: &Component| {
            routes
                .get(component.id.as_str())
                .cloned()
                .unwrap_or_default()
        };
        if self.json {
            let modules: Vec<Value> = manifest
                .components
                .values()
                .map(|component| to_json(component, &of(component)))
                .collect();
            print_json(
                &json!({ "application": manifest.application.name, "version": manifest.application.version, "modules": modules }),
            );
            return Ok(());
        }
        let language = Language::of_terminal();
        let mut table = vec![
            language
                .pick(
                    ["Module", "", "Component", "Title", "Present", "Routes"],
                    ["模块", "", "组件", "名称", "就绪", "路由"],
                )
                .map(str::to_owned),
        ];
        for component in manifest.components.values() {
            let facts = &component.facts;
            let title = language
                .pick(&facts.title_en, &facts.title_zh)
                .clone()
                .unwrap_or_default();
            table.push([
                facts.module.clone().unwrap_or_else(|| "-".to_owned()),
                if facts.mandatory { "M" } else { "O" }.to_owned(),
                component.id.clone(),
                title,
                language
                    .pick(yes_no(component), yes_no_zh(component))
                    .to_owned(),
                of(component).join(" "),
            ]);
        }
        print_table(&table);
        println!(
            "{}",
            language.pick("M mandatory, O optional", "M 必选，O 可选")
        );
        if manifest
            .components
            .values()
            .any(|component| !component.source.is_file())
        {
            println!(
                "{}",
                language.pick(
                    "Build what is missing: cargo xtask build",
                    "构建缺失的组件：cargo xtask build"
                )
            );
        }
        Ok(())
    }
}

fn routes_by_component(manifest: &Manifest) -> BTreeMap<&str, Vec<String>> {
    let mut routes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for trigger in &manifest.triggers {
        let Some(component) = trigger.component() else {
            continue;
        };
        let route = match &trigger.route {
            TriggerRoute::Pattern(route) => route.clone(),
            TriggerRoute::Private => "(private)".to_owned(),
        };
        routes.entry(component).or_default().push(route);
    }
    routes
}

fn to_json(component: &Component, routes: &[String]) -> Value {
    let facts = &component.facts;
    json!({
        "component": component.id,
        "module": facts.module,
        "mandatory": facts.mandatory,
        "title_en": facts.title_en,
        "title_zh": facts.title_zh,
        "present": component.source.is_file(),
        "source": component.source.display().to_string(),
        "routes": routes,
        "openapi": facts.openapi,
    })
}

fn yes_no(component: &Component) -> &'static str {
    if component.source.is_file() {
        "yes"
    } else {
        "no"
    }
}

fn yes_no_zh(component: &Component) -> &'static str {
    if component.source.is_file() {
        "是"
    } else {
        "否"
    }
}

/// Columns as wide as their widest cell on a terminal, where a Chinese character takes two places.
fn print_table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())))
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}
