//! Where values come from, and that they go nowhere else.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::BTreeMap;
use std::path::Path;

use chudian_manifest::{AllowedHosts, Manifest, VariableProvider, VariableSources, Variables};

const MANIFEST: &str = r#"
spin_manifest_version = 2
application = { name = "x" }
[variables]
first = { default = "default" }
token = { required = true, secret = true }
unused = { required = true }
host = { default = "db.example:5432" }
[[trigger.http]]
route = "/a"
component = "a"
[[trigger.http]]
route = "/b"
component = "b"
[component.a]
source = "a.wasm"
variables = { first = "<{{ first }}>", both = "{{first}}{{ token }}" }
allowed_outbound_hosts = ["postgres://{{ host }}"]
[component.b]
source = "b.wasm"
"#;

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST, Path::new("spin.toml"), Path::new(".")).unwrap()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_nearest_source_wins() {
    let manifest = manifest();
    // Each source is taken away in turn, nearest first.
    let expected = [
        "line",
        "static",
        "other",
        "environment",
        "fallback",
        "default",
    ];
    for (taken_away, expected) in expected.into_iter().enumerate() {
        let present = |position: usize| position >= taken_away;
        let mut sources = VariableSources {
            command_line: map(&[("token", "t")]),
            ..VariableSources::default()
        };
        if present(0) {
            sources
                .command_line
                .insert("first".to_owned(), "line".to_owned());
        }
        if present(1) {
            sources
                .providers
                .push(VariableProvider::Static(map(&[("first", "static")])));
        }
        sources.providers.push(VariableProvider::Environment {
            prefix: Some("OTHER".to_owned()),
        });
        if present(2) {
            sources
                .environment
                .insert("OTHER_FIRST".to_owned(), "other".to_owned());
        }
        if present(3) {
            sources
                .environment
                .insert("SPIN_VARIABLE_FIRST".to_owned(), "environment".to_owned());
        }
        if present(4) {
            sources
                .fallback
                .insert("first".to_owned(), "fallback".to_owned());
        }
        let (variables, warnings) = Variables::resolve(&manifest, &sources).unwrap();
        assert_eq!(variables.get("first"), Some(expected));
        assert!(warnings.is_empty());
        let values = variables
            .component_values(&manifest.components["a"])
            .unwrap();
        assert_eq!(values.get("both"), Some(format!("{expected}t").as_str()));
        assert_eq!(
            values.get("token"),
            None,
            "a component sees its own names only"
        );
    }
}

#[test]
fn every_missing_variable_that_is_used_is_named() {
    let refusal = Variables::resolve(&manifest(), &VariableSources::default()).unwrap_err();
    insta::assert_snapshot!(refusal.to_string(), @"spin.toml: variables.token: is required and has no value: set SPIN_VARIABLE_TOKEN, or give --variable token=…");
    insta::assert_snapshot!(refusal.to_string_zh(), @"spin.toml: variables.token: 为必填但没有值：请设置环境变量 SPIN_VARIABLE_TOKEN，或使用 --variable token=…");
    // `b` uses none of them.
    let selected = manifest().select(&["b".to_owned()]).unwrap();
    assert!(Variables::resolve(&selected, &VariableSources::default()).is_ok());
}

#[test]
fn an_undeclared_name_is_a_warning_and_a_value_is_never_shown() {
    let manifest = manifest();
    let sources = VariableSources {
        command_line: map(&[("token", "s3cret"), ("tokn", "s3cret")]),
        environment: map(&[("SPIN_VARIABLE_FIRST", "s3cret")]),
        fallback: map(&[("host", "s3cret")]),
        providers: vec![VariableProvider::Static(map(&[("first", "s3cret")]))],
    };
    let (variables, warnings) = Variables::resolve(&manifest, &sources).unwrap();
    assert_eq!(warnings.len(), 1);
    let values = variables
        .component_values(&manifest.components["a"])
        .unwrap();
    let shown = format!("{sources:?} {variables:?} {values:?} {warnings:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn allowed_hosts_are_filled_in() {
    let manifest = manifest();
    let sources = VariableSources {
        command_line: map(&[("token", "t")]),
        ..VariableSources::default()
    };
    let (variables, _) = Variables::resolve(&manifest, &sources).unwrap();
    let hosts = AllowedHosts::resolve(&manifest.components["a"], &variables).unwrap();
    assert!(hosts.allows("postgres", "db.example", None));
    assert!(!hosts.allows("postgres", "db.example", Some(5433)));
    let broken = VariableSources {
        command_line: map(&[("token", "t"), ("host", "a/b")]),
        ..VariableSources::default()
    };
    let (variables, _) = Variables::resolve(&manifest, &broken).unwrap();
    assert!(AllowedHosts::resolve(&manifest.components["a"], &variables).is_err());
}
