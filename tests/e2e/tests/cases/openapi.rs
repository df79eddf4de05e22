//! The OpenAPI documents: sound as documents, and true: what they name exists, what exists is named.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use chudian_e2e::{Host, caller::problem_code, harness::Case};
use serde_json::{Map, Value};

const DOCUMENT: &str = "/tariff/v1/openapi.json";

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// The routes of `docs/reference/tariff-api.md`.
const REFERENCE: [(&str, &str); 27] = [
    ("post", "/tariff/v1/catalogues"),
    ("post", "/tariff/v1/catalogues/validate"),
    ("get", "/tariff/v1/catalogues"),
    ("get", "/tariff/v1/catalogues/{version}"),
    ("get", "/tariff/v1/catalogues/{version}/export"),
    ("put", "/tariff/v1/activations/{from}"),
    ("get", "/tariff/v1/activations"),
    ("delete", "/tariff/v1/activations/{from}"),
    ("get", "/tariff/v1/plans"),
    ("put", "/tariff/v1/customers/{customer_id}"),
    ("post", "/tariff/v1/customers/import"),
    ("get", "/tariff/v1/customers/{customer_id}"),
    ("delete", "/tariff/v1/customers/{customer_id}"),
    ("post", "/tariff/v1/simulations"),
    ("post", "/tariff/v1/bills"),
    ("get", "/tariff/v1/rules/{region}"),
    ("put", "/tariff/v1/rules/{region}"),
    ("post", "/tariff/v1/page-tokens"),
    ("get", "/tariff/v1/page"),
    ("post", "/tariff/v1/offers"),
    ("get", "/tariff/v1/offers"),
    ("get", "/tariff/v1/schemas/{name}"),
    ("post", "/tariff/v1/batches"),
    ("get", "/tariff/v1/batches/{id}"),
    ("delete", "/tariff/v1/batches/{id}"),
    (
        "put",
        "/tariff/v1/batches/{id}/segments/{segment}/rows/{first}",
    ),
    (
        "get",
        "/tariff/v1/batches/{id}/segments/{segment}/columns/{name}",
    ),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "openapi::sound",
            "the document is OpenAPI 3.1: every reference resolves, every parameter is declared",
            sound,
        ),
        Case::new(
            "openapi::complete",
            "every route of the reference is in the document",
            complete,
        ),
        Case::new(
            "openapi::true_routes",
            "every route of the document is served",
            true_routes,
        ),
        Case::new(
            "openapi::problems",
            "every operation documents its problems",
            problems,
        ),
        Case::new(
            "openapi::merged",
            "the gateway's merged document holds the functions' operations",
            merged,
        ),
        Case::new(
            "openapi::schemas",
            "the schemas of catalogue and usage are served and are JSON Schema",
            schemas,
        ),
    ]
}

/// Path, method and what the document says of them.
type Operation<'a> = (&'a String, &'static str, &'a Map<String, Value>);

fn operations(document: &Value) -> Result<Vec<Operation<'_>>> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().context("no paths")? {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push((
                    path,
                    method,
                    operation.as_object().context("an operation is no object")?,
                ));
            }
        }
    }
    Ok(operations)
}

fn document(host: &Host, path: &str) -> Result<Value> {
    host.open().get(path)?.expect_status(200)
}

/// Every `$ref` below `value`.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn sound(host: &Host) -> Result<()> {
    let document = document(host, DOCUMENT)?;
    ensure!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1.")),
        "{}",
        document["openapi"]
    );
    for member in ["title", "version"] {
        ensure!(
            document["info"][member]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "info.{member} is {}",
            document["info"][member]
        );
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    ensure!(!found.is_empty(), "no schema is referred to");
    for reference in found {
        let pointer = reference
            .strip_prefix('#')
            .with_context(|| format!("{reference} leads out of the document"))?;
        ensure!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document)? {
        let id = operation
            .get("operationId")
            .and_then(Value::as_str)
            .with_context(|| format!("{method} {path} has no id"))?;
        ensure!(ids.insert(id), "the operation id {id} is there twice");
        let declared: BTreeSet<&str> = operation
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let named: BTreeSet<&str> = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        ensure!(
            declared == named,
            "{method} {path} names {named:?} and declares {declared:?}"
        );
        let responses = operation
            .get("responses")
            .and_then(Value::as_object)
            .context("no responses")?;
        ensure!(
            responses.keys().any(|status| status.starts_with('2')),
            "{method} {path} never succeeds"
        );
        for (status, response) in responses {
            ensure!(
                response["description"].is_string() || response["$ref"].is_string(),
                "{method} {path} {status} has no description"
            );
        }
    }
    Ok(())
}

fn complete(host: &Host) -> Result<()> {
    let document = document(host, DOCUMENT)?;
    let there: BTreeSet<(&str, String)> = operations(&document)?
        .into_iter()
        .map(|(path, method, _)| (method, shape(path)))
        .collect();
    for (method, path) in REFERENCE {
        ensure!(
            there.contains(&(method, shape(path))),
            "{method} {path} is not in the document: {there:?}"
        );
    }
    Ok(())
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn true_routes(host: &Host) -> Result<()> {
    let document = document(host, DOCUMENT)?;
    for (path, method, operation) in operations(&document)? {
        let probe: String = path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    "e2e-nobody"
                } else {
                    part
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        let body: &[u8] = if operation.contains_key("requestBody") {
            b"{}"
        } else {
            b""
        };
        let answer = host.with("admin")?.send(
            &method.to_uppercase(),
            &probe,
            &[("content-type", "application/json")],
            body,
        )?;
        ensure!(
            !matches!(
                problem_code(&answer).as_str(),
                "no-route" | "method-not-allowed"
            ),
            "{method} {path} is not served: {}",
            answer.text()
        );
        ensure!(answer.status < 500, "{method} {path} is {}", answer.status);
        if answer.status >= 400 {
            let documented = operation
                .get("responses")
                .and_then(Value::as_object)
                .is_some_and(|responses| responses.contains_key(&answer.status.to_string()));
            ensure!(
                documented,
                "{method} {path} answers {}, which it does not document",
                answer.status
            );
        }
    }
    Ok(())
}

fn problems(host: &Host) -> Result<()> {
    let document = document(host, DOCUMENT)?;
    for (path, method, operation) in operations(&document)? {
        let responses = operation
            .get("responses")
            .and_then(Value::as_object)
            .context("no responses")?;
        let is_open = operation
            .get("security")
            .is_some_and(|security| security.as_array().is_some_and(Vec::is_empty));
        let guarded = operation
            .get("security")
            .is_some_and(|security| security.as_array().is_some_and(|list| !list.is_empty()));
        ensure!(
            is_open || guarded || path.ends_with(".json") || path.contains("/schemas/"),
            "{method} {path} does not say who may call it"
        );
        if guarded {
            for status in ["401", "403"] {
                ensure!(
                    responses.contains_key(status),
                    "{method} {path} does not document {status}"
                );
            }
        }
        for (status, response) in responses
            .iter()
            .filter(|(status, _)| status.starts_with('4') || status.starts_with('5'))
        {
            let response = match response["$ref"].as_str() {
                Some(reference) => document
                    .pointer(reference.trim_start_matches('#'))
                    .context("a reference leads nowhere")?,
                None => response,
            };
            let problem = &response["content"]["application/problem+json"]["schema"];
            ensure!(
                problem.is_object(),
                "{method} {path} {status} is not documented as a problem: {response}"
            );
        }
    }
    Ok(())
}

fn merged(host: &Host) -> Result<()> {
    host.gateway()?;
    let (own, merged) = (document(host, DOCUMENT)?, document(host, "/openapi.json")?);
    let of = |document: &Value| -> Result<BTreeSet<String>> {
        Ok(operations(document)?
            .into_iter()
            .map(|(path, method, _)| format!("{method} {path}"))
            .collect())
    };
    let (own, all) = (of(&own)?, of(&merged)?);
    ensure!(
        !own.is_empty() && own.is_subset(&all),
        "missing: {:?}",
        own.difference(&all)
    );
    let mut found = Vec::new();
    references(&merged, &mut found);
    for reference in found {
        ensure!(
            merged.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference} leads nowhere"
        );
    }
    Ok(())
}

fn schemas(host: &Host) -> Result<()> {
    for name in ["catalogue", "usage"] {
        let schema = document(host, &format!("/tariff/v1/schemas/{name}.json"))?;
        ensure!(
            schema["$schema"]
                .as_str()
                .is_some_and(|dialect| dialect.contains("json-schema.org")),
            "{name}: {}",
            schema["$schema"]
        );
        let mut found = Vec::new();
        references(&schema, &mut found);
        for reference in found {
            ensure!(
                schema.pointer(reference.trim_start_matches('#')).is_some(),
                "{name}: {reference} leads nowhere"
            );
        }
    }
    Ok(())
}
