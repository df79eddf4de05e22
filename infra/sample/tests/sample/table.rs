//! The customer table: its bytes, its agreement with the customers, and what is planted in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chudian_sample::Settings;
use chudian_sample::table::{
    TableEncoding, TableFiles, USAGE_KINDS, VIDEO_PACK_TRAITS, headings, write_table,
};
use sha2::{Digest as _, Sha256};

/// What holds of a row, given as its cells by heading.
type Shown<'a> = dyn Fn(&BTreeMap<String, String>) -> bool + 'a;

/// Of 5,000 customers with the seed 42.
const TABLE_SHA256: &str = "2f96dc5a37e90b5296c36716eec6dbea7f071b12a3006d61cea79e74c7984ee3";

type Rows = Vec<BTreeMap<String, String>>;

fn settings(customers: u64) -> Settings {
    Settings {
        seed: 42,
        customers,
        ..Settings::default()
    }
}

fn write(folder: &Path, customers: u64, encoding: TableEncoding, threads: usize) -> TableFiles {
    let place = folder.join("customers.csv");
    write_table(&place, &settings(customers), encoding, threads, &mut |_| {}).unwrap()
}

fn rows(customers: u64) -> Rows {
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path(), customers, TableEncoding::Utf8, 2);
    let text = fs::read_to_string(files.table).unwrap();
    let headings = headings();
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            assert_eq!(cells.len(), headings.len());
            headings.iter().cloned().zip(cells).collect()
        })
        .collect()
}

/// Goal: the bytes depend on the settings only, and a change of the generator does not go unnoticed.
#[test]
fn the_table_is_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<Vec<u8>> = [1, 2, 3]
        .into_iter()
        .map(|threads| {
            let files = write(folder.path(), 5_000, TableEncoding::Utf8, threads);
            fs::read(files.table).unwrap()
        })
        .collect();
    assert_eq!(bytes[0], bytes[1]);
    assert_eq!(bytes[0], bytes[2]);
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "nothing else is left behind: {names:?}");
    let digest: String = Sha256::digest(&bytes[0])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, TABLE_SHA256);
}

/// Goal: both encodings hold the same text.
#[test]
fn gb18030_holds_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    let plain = fs::read(write(folder.path(), 300, TableEncoding::Utf8, 1).table).unwrap();
    let files = write(folder.path(), 300, TableEncoding::Gb18030, 1);
    let encoded = fs::read(files.table).unwrap();
    assert_ne!(plain, encoded);
    let (text, _, malformed) = encoding_rs::GB18030.decode(&encoded);
    assert!(!malformed);
    assert_eq!(text.as_bytes(), plain);
    let mapping = fs::read_to_string(files.mapping).unwrap();
    assert!(mapping.contains("encoding = \"gb18030\""), "{mapping}");
}

#[test]
fn sixty_columns_and_a_mapping_that_names_each_once() {
    let headings = headings();
    assert_eq!(headings.len(), 60);
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path(), 1, TableEncoding::Utf8, 1);
    let mapping = fs::read_to_string(files.mapping).unwrap();
    let named: Vec<&str> = mapping
        .lines()
        .filter_map(|line| line.strip_prefix("heading = \"")?.strip_suffix('"'))
        .collect();
    assert_eq!(named.len(), headings.len());
    assert_eq!(
        named.into_iter().collect::<BTreeSet<_>>(),
        headings.iter().map(String::as_str).collect()
    );
    assert!(!mapping.contains("groups}"), "a blank is left: {mapping}");
}

/// Goal: a batch over the table and a simulation of the customer see the same customer.
#[test]
fn a_row_is_the_customer_of_the_same_number() {
    let rows = rows(400);
    for (row, customer) in rows.iter().zip(settings(400).customers()) {
        let customer = serde_json::to_value(&customer).unwrap();
        assert_eq!(row["region"], customer["region"].as_str().unwrap());
        assert_eq!(row["plan_id"], customer["plan_id"].as_str().unwrap());
        for (month, usage) in customer["usage"]["months"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let sum = |kind: &str, categories: &[&str], field: &str| -> u64 {
                usage["lines"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|line| line["kind"] == kind)
                    .filter(|line| {
                        categories.is_empty()
                            || categories.contains(&line["category"].as_str().unwrap())
                    })
                    .map(|line| line[field].as_u64().unwrap())
                    .sum()
            };
            let expected = [
                sum("voice", &["local", "family_number"], "seconds"),
                sum("voice", &["long_distance", "international"], "seconds"),
                sum("voice", &["roaming"], "seconds"),
                sum("voice", &["called", "roaming_called"], "seconds"),
                sum("data", &[], "kb"),
                sum("sms", &[], "count"),
            ];
            for (kind, expected) in USAGE_KINDS.iter().zip(expected) {
                let heading = format!("{}_m{}", kind.prefix, month + 1);
                assert_eq!(row[&heading], expected.to_string(), "{heading}");
            }
        }
    }
}

/// Goal: nobody real: every number begins with digits that no operator has, and no two rows share one.
#[test]
fn numbers_are_invented_and_unique() {
    let rows = rows(5_000);
    let numbers: BTreeSet<&str> = rows.iter().map(|row| row["number"].as_str()).collect();
    assert_eq!(numbers.len(), rows.len());
    for number in numbers {
        assert!(number.len() == 11 && number.starts_with("160"), "{number}");
    }
}

/// Goal: a filter on the day of joining can leave out whole segments.
#[test]
fn the_day_of_joining_never_falls() {
    let rows = rows(5_000);
    assert!(
        rows.windows(2)
            .all(|pair| pair[0]["opened_on"] <= pair[1]["opened_on"])
    );
    assert_eq!(rows[0]["opened_on"], "2001-01-01");
    assert!(rows[4_999]["opened_on"].starts_with("2026-09"));
}

/// Goal: the planted business has the traits it should have, and the one that depends on nothing has none.
#[test]
fn the_video_pack_is_planted_and_the_ring_tone_is_not() {
    let rows = rows(20_000);
    let traits = &VIDEO_PACK_TRAITS;
    let share = |business: &str, wanted: &dyn Fn(&BTreeMap<String, String>) -> bool| {
        let those: Vec<_> = rows.iter().filter(|row| wanted(row)).collect();
        let holders = those.iter().filter(|row| row[business] == "1").count();
        assert!(those.len() > 1_000, "too few to tell: {}", those.len());
        holders * 1_000 / those.len()
    };
    let shown: [&Shown; 3] = [
        &|row| traits.age_groups.contains(&row["age_group"].as_str()),
        &|row| row["app_logins_90d"].parse::<u64>().unwrap() >= traits.app_logins_90d_min,
        &|row| {
            let months =
                (1..=6).map(|month| row[&format!("data_kb_m{month}")].parse::<u64>().unwrap());
            months.sum::<u64>() / 6 >= traits.mean_data_kb_min
        },
    ];
    for one in shown {
        let (with, without) = (
            share("has_video_pack", one),
            share("has_video_pack", &|row| !one(row)),
        );
        assert!(with > 2 * without, "{with} against {without} in 1,000");
        let (with, without) = (
            share("has_ring_tone", one),
            share("has_ring_tone", &|row| !one(row)),
        );
        assert!(
            with.abs_diff(without) < 40,
            "{with} against {without} in 1,000"
        );
    }
    let none = share("has_video_pack", &|row| !shown.iter().any(|one| one(row)));
    let expected = traits.holders_permille_without as usize;
    assert!(none.abs_diff(expected) < 10, "{none} in 1,000");
}
