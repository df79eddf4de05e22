//! The files as bytes.

use std::fs;
use std::path::Path;

use chudian_sample::{Settings, USAGE_EXAMPLE, write_files};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const NAMES: [&str; 6] = [
    "README.md",
    "catalogue.json",
    "customers.ndjson",
    "planted.json",
    "usage-example.csv",
    "usage-example.gb18030.csv",
];

fn write(settings: &Settings) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), settings, &mut |_| {}).unwrap();
    folder
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn the_same_settings_give_the_same_bytes() {
    let settings = Settings {
        customers: 200,
        ..Settings::default()
    };
    let (one, two) = (write(&settings), write(&settings));
    for name in NAMES {
        assert_eq!(bytes(one.path(), name), bytes(two.path(), name), "{name}");
    }
    let mut present: Vec<String> = fs::read_dir(one.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    present.sort();
    assert_eq!(present, NAMES, "nothing else is left behind");
}

#[test]
fn another_seed_gives_other_customers_and_the_same_prices() {
    let settings = Settings {
        customers: 200,
        ..Settings::default()
    };
    let (one, two) = (
        write(&settings),
        write(&Settings {
            seed: 2,
            ..settings
        }),
    );
    assert_eq!(
        bytes(one.path(), "catalogue.json"),
        bytes(two.path(), "catalogue.json")
    );
    assert_ne!(
        bytes(one.path(), "customers.ndjson"),
        bytes(two.path(), "customers.ndjson")
    );
    assert_ne!(
        bytes(one.path(), "planted.json"),
        bytes(two.path(), "planted.json")
    );
}

/// Goal: a change of the generator does not go unnoticed: demonstrations and reports name seeds.
#[test]
fn the_sample_is_what_it_was() {
    let folder = write(&Settings {
        seed: 42,
        customers: 20,
        ..Settings::default()
    });
    let hash = |name: &str| {
        Sha256::digest(bytes(folder.path(), name))
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(
        (
            hash("customers.ndjson").as_str(),
            hash("planted.json").as_str()
        ),
        ("fa70636385e738f4", "393485b100628d00")
    );
}

/// Goal: `planted.json` names customers that are there, and no shares are lost at either end.
#[test]
fn planted_json_tells_of_the_customers() {
    for (planted_permille, expected) in [(0, 0..=0), (200, 140..=260), (1000, 1000..=1000)] {
        let settings = Settings {
            planted_permille,
            ..Settings::default()
        };
        let folder = write(&settings);
        let planted: Value = serde_json::from_slice(&bytes(folder.path(), "planted.json")).unwrap();
        let entries = planted["customers"].as_array().unwrap();
        assert_eq!(planted["seed"], 1);
        assert!(
            expected.contains(&entries.len()),
            "{planted_permille} permille: {}",
            entries.len()
        );
        let lines = String::from_utf8(bytes(folder.path(), "customers.ndjson")).unwrap();
        assert_eq!(lines.lines().count(), 1000);
        for entry in entries {
            let id = entry["customer_id"].as_str().unwrap();
            let line: Value = serde_json::from_str(
                lines
                    .lines()
                    .nth(id[2..].parse::<usize>().unwrap() - 1)
                    .unwrap(),
            )
            .unwrap();
            assert_eq!(line["customer_id"], id);
            assert_ne!(
                line["plan_id"], entry["best_plan_id"],
                "{id} is on its best plan already"
            );
            assert!(entry["margin_fen"].as_u64().unwrap() >= 1000);
            assert!(
                !entry["reason_zh"].as_str().unwrap().is_empty()
                    && !entry["reason_en"].as_str().unwrap().is_empty()
            );
        }
    }
}

#[test]
fn the_example_exists_in_both_encodings() {
    let folder = write(&Settings {
        customers: 1,
        ..Settings::default()
    });
    assert_eq!(
        bytes(folder.path(), "usage-example.csv"),
        USAGE_EXAMPLE.as_bytes()
    );
    let twin = bytes(folder.path(), "usage-example.gb18030.csv");
    assert!(std::str::from_utf8(&twin).is_err());
    assert_eq!(encoding_rs::GB18030.decode(&twin).0, USAGE_EXAMPLE);
}

/// Goal: a folder that cannot be written is named.
#[test]
fn a_folder_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = write_files(file.path(), &Settings::default(), &mut |_| {}).unwrap_err();
    assert!(
        error.to_string().contains(file.path().to_str().unwrap()),
        "{error}"
    );
}
