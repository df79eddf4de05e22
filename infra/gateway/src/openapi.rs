//! One API document for the whole application, merged from those of its components.
//!
//! Invariant: the merged document says what each component says of itself, under the same paths. Where two components
//! name different schemas alike, the later one's gets its component's name in front, and its references follow.
//!
//! It is not a description of the gateway's own habits: limits and problems are in each component's document where they
//! matter to its callers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Version of the OpenAPI format that our components write.
const OPENAPI_VERSION: &str = "3.1.0";
/// Where references to shared parts begin.
const REFERENCE_PREFIX: &str = "#/components/";
/// Keys of a path that hold an operation.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Merges the documents of components, given by component id.
pub fn merge(application: &str, version: &str, documents: BTreeMap<String, Value>) -> Value {
    let mut merged = Merged::default();
    for (component, document) in documents {
        merged.add(&component, document);
    }
    json!({
        "openapi": OPENAPI_VERSION,
        "info": { "title": application, "version": if version.is_empty() { "0" } else { version } },
        "tags": merged.tags,
        "paths": merged.paths,
        "components": merged.components,
    })
}

#[derive(Default)]
struct Merged {
    tags: Vec<Value>,
    paths: Map<String, Value>,
    /// Kind (`schemas`, `responses`, …) → name → part.
    components: Map<String, Value>,
}

impl Merged {
    fn add(&mut self, component: &str, mut document: Value) {
        let renamed = self.clashes(component, &document);
        rename_references(&mut document, &renamed);
        let Value::Object(mut document) = document else {
            return;
        };
        if let Some(Value::Array(tags)) = document.remove("tags") {
            for tag in tags {
                if !self.tags.contains(&tag) {
                    self.tags.push(tag);
                }
            }
        }
        let security = document.remove("security");
        if let Some(Value::Object(paths)) = document.remove("paths") {
            for (path, mut item) in paths {
                // What applied to the whole document now has to be said at each operation.
                if let Some(security) = &security {
                    set_default_security(&mut item, security);
                }
                if self.paths.contains_key(&path) {
                    tracing::warn!(
                        component,
                        path,
                        "two components describe the same path; the first one's description stands"
                    );
                    continue;
                }
                self.paths.insert(path, item);
            }
        }
        if let Some(Value::Object(kinds)) = document.remove("components") {
            for (kind, parts) in kinds {
                let Value::Object(parts) = parts else {
                    continue;
                };
                let Value::Object(known) = self
                    .components
                    .entry(kind.clone())
                    .or_insert_with(|| json!({}))
                else {
                    continue;
                };
                for (name, part) in parts {
                    let name = renamed
                        .get(&reference(&kind, &name))
                        .and_then(|new| new.rsplit('/').next())
                        .map_or(name, str::to_owned);
                    known.entry(name).or_insert(part);
                }
            }
        }
    }

    /// References of this document whose names are taken by something else, with what they become.
    fn clashes(&self, component: &str, document: &Value) -> BTreeMap<String, String> {
        let mut renamed = BTreeMap::new();
        let Some(kinds) = document.get("components").and_then(Value::as_object) else {
            return renamed;
        };
        for (kind, parts) in kinds {
            let Some(known) = self.components.get(kind).and_then(Value::as_object) else {
                continue;
            };
            for (name, part) in parts.as_object().into_iter().flatten() {
                if known.get(name).is_some_and(|other| other != part) {
                    renamed.insert(
                        reference(kind, name),
                        reference(kind, &format!("{component}.{name}")),
                    );
                }
            }
        }
        renamed
    }
}

fn reference(kind: &str, name: &str) -> String {
    format!("{REFERENCE_PREFIX}{kind}/{name}")
}

fn rename_references(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                match inner {
                    Value::String(text) if key == "$ref" => {
                        if let Some(new) = renamed.get(text) {
                            text.clone_from(new);
                        }
                    }
                    _ => rename_references(inner, renamed),
                }
            }
        }
        Value::Array(entries) => entries
            .iter_mut()
            .for_each(|inner| rename_references(inner, renamed)),
        _ => {}
    }
}

fn set_default_security(item: &mut Value, security: &Value) {
    let Value::Object(item) = item else { return };
    for method in METHODS {
        if let Some(Value::Object(operation)) = item.get_mut(method) {
            operation
                .entry("security")
                .or_insert_with(|| security.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str, schema: Value) -> Value {
        json!({
            "openapi": "3.1.0",
            "security": [{ "key": [] }],
            "paths": { path: { "get": { "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Page" } } } } } } } },
            "components": { "schemas": { "Page": schema, "Money": { "type": "integer" } } },
        })
    }

    /// Goal: two components may use one name for two things; neither's callers are told the other's.
    #[test]
    fn clashing_names_are_kept_apart() {
        let documents = BTreeMap::from([
            ("a".to_owned(), document("/a", json!({ "type": "object" }))),
            ("b".to_owned(), document("/b", json!({ "type": "array" }))),
        ]);
        let merged = merge("app", "1", documents);
        let schemas = merged["components"]["schemas"].as_object().unwrap();
        assert_eq!(
            schemas.keys().collect::<Vec<_>>(),
            ["Money", "Page", "b.Page"]
        );
        let at = |path: &str| {
            merged["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].clone()
        };
        assert_eq!(at("/a"), "#/components/schemas/Page");
        assert_eq!(at("/b"), "#/components/schemas/b.Page");
        assert_eq!(
            merged["paths"]["/a"]["get"]["security"],
            json!([{ "key": [] }])
        );
    }
}
