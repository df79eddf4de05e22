//! The table of contacts: its bytes, its names, and its agreement with the customer table and with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chudian_dataset::contact::{ContactTerm, Measure, Window, value_without_events};
use chudian_sample::Settings;
use chudian_sample::table::{TableEncoding, TableFiles, headings, write_contacts, write_table};
use sha2::{Digest as _, Sha256};

/// Of 3,000 customers with the seed 42.
const CONTACTS_SHA256: &str = "162f0a70d5b6f505655a031d8f079ce500d32a3acedbe3d4c9df54ea3ff27b6f";

const CUSTOMERS: u64 = 3_000;

/// The last day of the months, from which windows count back.
const LAST_DAY: &str = "2026-10-31";

fn settings() -> Settings {
    Settings {
        seed: 42,
        customers: CUSTOMERS,
        ..Settings::default()
    }
}

fn write(folder: &Path, threads: usize) -> TableFiles {
    let place = folder.join("customers.contacts.csv");
    let encoding = TableEncoding::Utf8;
    write_contacts(&place, &settings(), encoding, threads, &mut |_| {}).unwrap()
}

/// Rows by number, each by heading.
fn read(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lines = text.lines();
    let headings: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells.len(), headings.len());
            let row: BTreeMap<String, String> = headings
                .iter()
                .zip(cells)
                .map(|(heading, cell)| ((*heading).to_owned(), cell.to_owned()))
                .collect();
            (row["number"].clone(), row)
        })
        .collect()
}

fn contacts() -> BTreeMap<String, BTreeMap<String, String>> {
    let folder = tempfile::tempdir().unwrap();
    read(&fs::read_to_string(write(folder.path(), 2).table).unwrap())
}

#[test]
fn the_contacts_are_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = [1, 3].map(|threads| fs::read(write(folder.path(), threads).table).unwrap());
    assert_eq!(bytes[0], bytes[1]);
    let digest: String = Sha256::digest(&bytes[0])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, CONTACTS_SHA256);
}

#[test]
fn the_mapping_names_each_column_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path(), 2);
    assert!(files.mapping.ends_with("customers.contacts.mapping.toml"));
    let text = fs::read_to_string(files.table).unwrap();
    let own: BTreeSet<&str> = text.lines().next().unwrap().split(',').collect();
    let mapping = fs::read_to_string(files.mapping).unwrap();
    let named: Vec<&str> = mapping
        .lines()
        .filter_map(|line| line.strip_prefix("heading = \"")?.strip_suffix('"'))
        .collect();
    assert_eq!(named.len(), own.len());
    assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), own);
    // A layer may not have a column of its snapshot's.
    let base: BTreeSet<String> = headings().into_iter().skip(1).collect();
    assert!(own.iter().all(|heading| !base.contains(*heading)));
}

/// Goal: both tables tell of the same customers, and the same dealings of the last 90 days.
#[test]
fn dealings_are_those_of_the_customer_table() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("customers.csv");
    let files = write_table(&place, &settings(), TableEncoding::Utf8, 2, &mut |_| {}).unwrap();
    let customers = read(&fs::read_to_string(files.table).unwrap());
    let contacts = contacts();
    assert!(contacts.len() < customers.len(), "everybody had a contact");
    assert!(contacts.len() > customers.len() / 2);
    assert!(contacts.keys().all(|number| customers.contains_key(number)));
    for (number, customer) in &customers {
        for (dealings, count) in [
            (
                "hotline_calls_90d",
                "contact_count_hotline_agent_consultation_90d",
            ),
            ("ivr_calls_90d", "contact_count_hotline_ivr_ivr_key_90d"),
            ("web_logins_90d", "contact_count_web_hall_login_90d"),
            ("app_logins_90d", "contact_count_client_app_login_90d"),
            (
                "sms_hall_requests_90d",
                "contact_count_sms_hall_business_handling_90d",
            ),
            (
                "hall_visits_90d",
                "contact_count_front_hall_business_handling_90d",
            ),
        ] {
            let counted = contacts.get(number).map_or("0", |row| row[count].as_str());
            assert_eq!(customer[dealings], counted, "{number}: {count}");
        }
    }
}

/// Goal: longer windows hold what shorter ones do, a last day is there exactly where a contact is, nobody succeeds more often than they try, and
/// a business that is held was not cancelled.
#[test]
fn counts_windows_and_days_agree() {
    let contacts = contacts();
    let mut told = BTreeSet::new();
    for row in contacts.values() {
        for (name, cell) in row {
            let Some(term) = ContactTerm::parse_column(name) else {
                continue;
            };
            let of = |measure, window| {
                let column = ContactTerm {
                    measure,
                    window,
                    ..term
                }
                .column();
                row[&column].clone()
            };
            let number = |text: String| text.parse::<u64>().unwrap();
            let count = |window| number(of(Measure::Count, window));
            assert!(count(Window::Days(30)) <= count(Window::Days(90)), "{name}");
            assert!(count(Window::Days(90)) <= count(Window::Ever), "{name}");
            assert!(number(of(Measure::Success, Window::Days(90))) <= count(Window::Days(90)));
            let last = of(Measure::Last, Window::Ever);
            assert_eq!(last.is_empty(), count(Window::Ever) == 0, "{name}");
            assert!(last.as_str() <= LAST_DAY, "{last}");
            // Ninety days that end with the last day begin on the second of August.
            assert_eq!(
                count(Window::Days(90)) > 0,
                last.as_str() >= "2026-08-03",
                "{last}"
            );
            if !cell.is_empty() && cell != "0" {
                told.insert(name.clone());
            }
        }
        let marketed = ["marketed_by_sms_hall_on", "marketed_by_outbound_call_on"];
        let latest = marketed.map(|name| row[name].as_str()).into_iter().max();
        assert_eq!(latest, Some(row["marketed_on"].as_str()));
    }
    let columns = contacts.values().next().unwrap().keys();
    for name in columns.filter(|name| *name != "number") {
        let is_told = told.contains(name)
            || contacts
                .values()
                .any(|row| !row[name].is_empty() && row[name] != "0");
        assert!(is_told, "{name} tells nothing of anybody");
        let counts = name.starts_with("contact_count") || name.starts_with("opted_out");
        assert!(!counts || value_without_events(name).is_some(), "{name}");
    }
}
