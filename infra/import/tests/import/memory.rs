//! A target in memory that checks what it is given as the dataset does, and what tests need around an import.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use chudian_dataset::column::ColumnData;
use chudian_dataset::manifest::{page_count, page_of};
use chudian_dataset::page;
use chudian_dataset::schema::{ColumnName, Schema};
use chudian_dataset::value::Value;
use chudian_import::ImportError;
use chudian_import::mapping::{FileRules, Mapping};
use chudian_import::rejects::RejectLimit;
use chudian_import::run::{Import, Outcome, Progress, Sending, run};
use chudian_import::source::survey;
use chudian_import::state::{Fingerprint, State, hexadecimal};
use chudian_import::target::{
    Announcement, Arrived, PAGES_TOGETHER, Published, Target, TargetError,
};
use chudian_vocabulary::Language;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymKey};
use sha2::{Digest as _, Sha256};

/// What the target holds.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) announcements: Vec<Announcement>,
    pub(crate) columns: BTreeMap<(usize, String), Vec<u8>>,
    pub(crate) pages: BTreeMap<u64, Vec<u8>>,
    pub(crate) rows: Option<u64>,
    pub(crate) published: bool,
    pub(crate) given_up: bool,
    /// After so many parts the target refuses; nothing when it never does.
    pub(crate) refuses_after: Option<usize>,
}

/// A target in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Held>);

fn refused() -> TargetError {
    TargetError {
        text: "no more room".to_owned(),
        unknown_import: false,
    }
}

impl Memory {
    pub(crate) fn with<Answer>(&self, look: impl FnOnce(&mut Held) -> Answer) -> Answer {
        look(&mut self.0.lock().unwrap())
    }

    /// Every customer's values, read from the columns.
    pub(crate) fn rows(&self) -> Vec<Vec<Option<Value>>> {
        self.with(|held| {
            let schema = held.announcements.last().unwrap().schema.clone();
            let segments = held
                .columns
                .keys()
                .map(|(segment, _)| segment + 1)
                .max()
                .unwrap_or(0);
            let mut rows = Vec::new();
            for segment in 0..segments {
                let columns: Vec<ColumnData> = schema
                    .columns()
                    .iter()
                    .map(|column| {
                        let bytes = held.columns[&(segment, column.name.to_string())].clone();
                        ColumnData::decode(bytes, column).unwrap()
                    })
                    .collect();
                let count = columns[0].rows();
                assert!(columns.iter().all(|column| column.rows() == count));
                rows.extend(
                    (0..count).map(|row| columns.iter().map(|column| column.value(row)).collect()),
                );
            }
            rows
        })
    }

    /// Checks the pages as the dataset does, and that they tell of each customer what the columns tell.
    pub(crate) fn check_pages(&self) {
        let rows = self.rows();
        self.with(|held| {
            let schema: Schema = held.announcements.last().unwrap().schema.clone();
            let count = page_count(rows.len() as u64);
            let mut pages = Vec::new();
            for (first, body) in &held.pages {
                assert_eq!(*first, pages.len() as u64);
                let mut rest = body.as_slice();
                while let Some((length, more)) = rest.split_first_chunk::<4>() {
                    let (page, more) = more.split_at(u32::from_le_bytes(*length) as usize);
                    pages.push(page.to_vec());
                    rest = more;
                }
                assert!(pages.len() as u64 == (first + PAGES_TOGETHER).min(count));
            }
            assert_eq!(pages.len() as u64, count);
            let mut customers = 0;
            for (number, bytes) in (0..).zip(&pages) {
                customers += page::verify(bytes, &schema, number, count)
                    .unwrap()
                    .customers;
            }
            assert_eq!(customers, rows.len() as u64);
            for row in &rows {
                let Some(Value::Identity(customer)) = row[0] else {
                    panic!("no customer")
                };
                let bytes = &pages[page_of(customer, count) as usize];
                let record = page::find(bytes, customer).unwrap().unwrap();
                assert_eq!(&record.values(&schema).unwrap(), row);
            }
        });
    }
}

impl Target for Memory {
    fn begin(&self, announcement: &Announcement) -> Result<String, TargetError> {
        self.with(|held| held.announcements.push(announcement.clone()));
        Ok("ds_memory".to_owned())
    }

    fn arrived(&self, import: &str) -> Result<Arrived, TargetError> {
        assert_eq!(import, "ds_memory");
        Ok(self.with(|held| {
            let digest = |bytes: &Vec<u8>| hexadecimal(&Sha256::digest(bytes));
            Arrived {
                published: held.published,
                columns: held
                    .columns
                    .iter()
                    .map(|(place, bytes)| (place.clone(), digest(bytes)))
                    .collect(),
                pages: held
                    .pages
                    .iter()
                    .map(|(first, bytes)| (*first, digest(bytes)))
                    .collect(),
            }
        }))
    }

    fn put_column(
        &self,
        _import: &str,
        segment: usize,
        name: &ColumnName,
        body: &[u8],
    ) -> Result<(), TargetError> {
        self.with(|held| {
            if held
                .refuses_after
                .is_some_and(|limit| held.columns.len() + held.pages.len() >= limit)
            {
                return Err(refused());
            }
            assert!(!held.published);
            held.columns
                .insert((segment, name.to_string()), body.to_vec());
            Ok(())
        })
    }

    fn put_pages(
        &self,
        _import: &str,
        first: u64,
        rows: u64,
        body: &[u8],
    ) -> Result<(), TargetError> {
        self.with(|held| {
            if held
                .refuses_after
                .is_some_and(|limit| held.columns.len() + held.pages.len() >= limit)
            {
                return Err(refused());
            }
            assert_eq!(*held.rows.get_or_insert(rows), rows);
            held.pages.insert(first, body.to_vec());
            Ok(())
        })
    }

    fn publish(&self, _import: &str) -> Result<Published, TargetError> {
        self.with(|held| held.published = true);
        Ok(Published {
            version: "ds_memory".to_owned(),
        })
    }

    fn give_up(&self, _import: &str) -> Result<(), TargetError> {
        self.with(|held| held.given_up = true);
        Ok(())
    }
}

struct Silent;

impl Progress for Silent {
    fn rows(&self, _rows: u64) {}
    fn pages(&self, _pages: u64, _of: u64) {}
}

/// A folder with a table, and how to import it.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) table: PathBuf,
    pub(crate) language: Language,
    pub(crate) rejects_max: RejectLimit,
}

impl Bench {
    pub(crate) fn new(name: &str, table: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(name);
        fs::write(&place, table).unwrap();
        Self {
            folder,
            table: place,
            language: Language::English,
            rejects_max: RejectLimit::Rows(u64::MAX),
        }
    }

    pub(crate) fn rejects_place(&self) -> PathBuf {
        self.folder.path().join("rejected.csv")
    }

    pub(crate) fn state_place(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    /// Imports into `target`, going on with what an earlier call left.
    pub(crate) fn import(
        &self,
        mapping: &str,
        target: Option<&Memory>,
    ) -> Result<Outcome, ImportError> {
        self.import_telling(mapping, target, &Silent)
    }

    /// As [`Bench::import`], and `progress` is told.
    pub(crate) fn import_telling(
        &self,
        mapping: &str,
        target: Option<&Memory>,
        progress: &dyn Progress,
    ) -> Result<Outcome, ImportError> {
        let mapping = Mapping::parse(mapping)?;
        let survey = survey(&self.table, &mapping.file)?;
        let import = Import {
            path: &self.table,
            survey: &survey,
            mapping: &mapping,
            key: &key(),
            rejects_max: self.rejects_max,
            rejects_place: &self.rejects_place(),
            scratch: self.folder.path(),
            language: self.language,
            progress,
        };
        let state_path = self.state_place();
        let sending = target.map(|target| {
            let fingerprint = Fingerprint {
                source: hexadecimal(&survey.sha256),
                mapping: String::new(),
                key: String::new(),
                version: String::new(),
            };
            let state = State::resume(&state_path, &fingerprint, "memory").unwrap();
            let state = state
                .unwrap_or_else(|| State::new(fingerprint, "memory".to_owned(), "once".to_owned()));
            Sending {
                target,
                state,
                state_path: &state_path,
            }
        });
        run(&import, sending)
    }

    /// Imports into a fresh target and gives it.
    pub(crate) fn imported(&self, mapping: &str) -> (Outcome, Memory) {
        let target = Memory::default();
        let outcome = self.import(mapping, Some(&target)).unwrap();
        (outcome, target)
    }

    /// Rows of the file of rejects, without its head; nothing when there is no such file.
    pub(crate) fn rejected(&self) -> Vec<Vec<String>> {
        let Ok(bytes) = fs::read(self.rejects_place()) else {
            return Vec::new();
        };
        assert!(
            bytes.starts_with("\u{feff}".as_bytes()),
            "a spreadsheet would take it for another encoding"
        );
        let mut reader = csv::Reader::from_reader(&bytes[3..]);
        reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }
}

pub(crate) fn key() -> PseudonymKey {
    PseudonymKey::from([5; 32])
}

pub(crate) fn customer(number: &str) -> Option<Value> {
    Some(Value::Identity(pseudonym(number)))
}

pub(crate) fn pseudonym(number: &str) -> CustomerPseudonym {
    key().pseudonym_of(number).unwrap()
}

pub(crate) fn word(text: &str) -> Option<Value> {
    Some(Value::Word(text.to_owned()))
}

/// The head of a mapping whose customers are numbers under the heading `number`.
pub(crate) const HEAD: &str =
    "format = \"chudian-mapping/1\"\n[id]\nheading = \"number\"\nform = \"number\"\n";

/// A column of a mapping with its name as heading and title.
pub(crate) fn column(name: &str, rest: &str) -> String {
    format!(
        "[[column]]\nheading = \"{name}\"\nname = \"{name}\"\ntitle = {{ zh = \"{name}\", en = \"{name}\" }}\n{rest}\n"
    )
}

pub(crate) fn draft(table: &Path) -> String {
    try_draft(table).unwrap()
}

pub(crate) fn try_draft(table: &Path) -> Result<String, ImportError> {
    let rules = FileRules::default();
    let survey = survey(table, &rules).unwrap();
    chudian_import::suggest::suggest(table, &survey, &rules)
}
