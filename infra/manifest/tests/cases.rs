//! Every folder under `cases` holds a `spin.toml` and what is found in it, in both languages.
//!
//! Run with `CHUDIAN_UPDATE_CASES=1` to write the expectations anew, then read the difference.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chudian_manifest::{Manifest, RuntimeConfig};

#[test]
fn manifests_read_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 6, "the cases are gone");
    for folder in folders {
        let source = fs::read_to_string(folder.join("spin.toml")).unwrap();
        let found = describe(&source);
        let expectation = folder.join("expected.txt");
        if std::env::var_os("CHUDIAN_UPDATE_CASES").is_some() {
            fs::write(&expectation, &found).unwrap();
        }
        assert_eq!(
            found,
            fs::read_to_string(&expectation).unwrap(),
            "{}",
            folder.display()
        );
    }
}

/// Loads from text, so that no path of this machine gets into an expectation.
fn describe(source: &str) -> String {
    match Manifest::parse(source, Path::new("spin.toml"), Path::new("app")) {
        Err(refusal) => format!("{refusal}\n---\n{}\n", refusal.to_string_zh()),
        Ok(manifest) => {
            let mut text = String::new();
            for warning in &manifest.warnings {
                writeln!(text, "warning: {warning}\n警告：{}", warning.to_string_zh()).unwrap();
            }
            let Manifest {
                application,
                variables,
                triggers,
                components,
                ..
            } = manifest;
            writeln!(
                text,
                "{application:#?}\n{variables:#?}\n{triggers:#?}\n{components:#?}"
            )
            .unwrap();
            text
        }
    }
}

#[test]
fn runtime_configurations_read_as_expected() {
    let parse = |source: &str| {
        RuntimeConfig::parse(
            source,
            Path::new("runtime.toml"),
            Path::new("/etc/app"),
            Path::new("/work"),
        )
    };
    let config = parse(
        r#"
        state_dir = "state"
        [key_value_store.fast]
        type = "spin"
        path = "fast.db"
        [key_value_store.scratch]
        type = "spin"
        [sqlite_database.second]
        type = "spin"
        path = "second.db"
        [[variables_provider]]
        type = "static"
        values = { token = "s3cret" }
        [[config_provider]]
        type = "env"
        prefix = "APP"
        "#,
    )
    .unwrap();
    let state = Path::new("/state");
    let shown = [
        config.key_value_store("fast", state),
        config.key_value_store("scratch", state),
        config.key_value_store("default", state),
        config.key_value_store("other", state),
        config.sqlite_database("second", state),
        config.sqlite_database("default", state),
    ]
    .map(|location| format!("{location:?}"))
    .join("\n");
    insta::assert_snapshot!(shown, @r#"
    Some(File("/etc/app/fast.db"))
    Some(Memory("scratch"))
    Some(File("/state/sqlite_key_value.db"))
    None
    Some(File("/work/second.db"))
    Some(File("/state/sqlite_db.db"))
    "#);
    assert_eq!(config.state_dir.as_deref(), Some(Path::new("/work/state")));
    assert!(
        !format!("{config:?}").contains("s3cret"),
        "a value got into the debug output"
    );

    let refusal = parse(
        r#"
        unknown = 1
        [key_value_store.cache]
        type = "redis"
        url = "redis://x"
        [sqlite_database.remote]
        type = "libsql"
        [llm_compute]
        type = "spin"
        [[variables_provider]]
        type = "vault"
        "#,
    )
    .unwrap_err();
    insta::assert_snapshot!(refusal.to_string(), @r#"
    runtime.toml:2: unknown: unknown key
    runtime.toml:3: key_value_store.cache: type `redis` is not supported; use `type = "spin"`
    runtime.toml:6: sqlite_database.remote: type `libsql` is not supported; use `type = "spin"`
    runtime.toml:8: llm_compute: is not supported by this host
    runtime.toml:10: variables_provider[0]: provider `vault` is not supported; use `static` or `env`
    "#);
}
