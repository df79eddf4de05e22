//! The folder in which a batch of contact features is kept while it is under way: its plan, and the pages of each part as they came.
//!
//! Whoever can write the folder can help: the first process writes the plan, every process fills parts of its own, and whoever finds all of them
//! whole publishes. A part that was cut off goes on behind its last whole page.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chudian_vocabulary::pseudonym::BASE32_CHARACTERS;
use serde::{Deserialize, Serialize};

/// The form of a plan; another form is another program's.
const FORMAT: &str = "chudian-contacts-plan/1";
/// Name of the plan's file.
const PLAN: &str = "plan.json";
/// Signs of a pseudonym, and those of them that are digits and sort before the letters.
const SIGNS: u32 = 32;
const DIGITS: u32 = 6;
const LETTERS: u32 = SIGNS - DIGITS;

/// What a batch makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    format: String,
    /// The system.
    pub(super) target: String,
    /// The snapshot over which the layer lies.
    pub(super) snapshot: String,
    /// Its customers.
    pub(super) rows: u64,
    /// Events that came before this moment count, RFC 3339.
    pub(super) horizon: String,
    /// The columns.
    pub(super) columns: Vec<PlannedColumn>,
    /// Columns that were asked for by name, and whether no others.
    pub(super) asked: (Vec<String>, bool),
    /// Parts in all.
    pub(super) parts: usize,
}

/// A column of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedColumn {
    /// Its name.
    pub(super) name: String,
    /// `integer`, `date` or `flag`.
    pub(super) kind: String,
}

impl Plan {
    /// A plan of the present form.
    pub(super) fn new(target: String, snapshot: String, rows: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            target,
            snapshot,
            rows,
            horizon: String::new(),
            columns: Vec::new(),
            asked: (Vec::new(), false),
            parts: 1,
        }
    }
}

/// A page as the function answers it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Page {
    /// Customers.
    pub(super) customers: Vec<PageCustomer>,
    /// Where the next page begins; nothing behind the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// A customer on a page.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct PageCustomer {
    /// Who it is.
    pub(super) customer_id: String,
    /// The values, in the order of the plan's columns.
    pub(super) values: Vec<serde_json::Value>,
}

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder where it is not.
    pub(super) fn open(path: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    /// The plan that stands there; nothing when there is none, or one of another form.
    pub(super) fn plan(&self) -> anyhow::Result<Option<Plan>> {
        let path = self.0.join(PLAN);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let plan: Option<Plan> = serde_json::from_str(&text).ok();
        Ok(plan.filter(|plan| plan.format == FORMAT))
    }

    /// Puts `plan` there, unless somebody was quicker; the plan that then stands there.
    pub(super) fn agree(&self, plan: &Plan) -> anyhow::Result<Plan> {
        let name = || self.0.display().to_string();
        let mut file = tempfile::NamedTempFile::new_in(&self.0).with_context(name)?;
        serde_json::to_writer(&mut file, plan)?;
        file.as_file().sync_all().with_context(name)?;
        match file.persist_noclobber(self.0.join(PLAN)) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.error).with_context(name),
        }
        self.plan()?.with_context(name)
    }

    /// Takes everything of a batch away, the plan first: without it the parts belong to nobody.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        let mut paths = vec![self.0.join(PLAN)];
        for entry in fs::read_dir(&self.0).with_context(|| self.0.display().to_string())? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                paths.push(path);
            }
        }
        for path in paths {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| path.display().to_string());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where a part of a plan is kept. The horizon stands in the name, so that a part of another batch is never taken for one of this.
    fn part_path(&self, plan: &Plan, part: usize) -> PathBuf {
        let horizon: String = plan.horizon.chars().filter(char::is_ascii_digit).collect();
        let name = format!("part-{horizon}-{part}-of-{}.jsonl", plan.parts);
        self.0.join(name)
    }

    /// Opens a part to go on with it.
    pub(super) fn part(&self, plan: &Plan, part: usize) -> anyhow::Result<Part> {
        let path = self.part_path(plan, part);
        Part::open(&path).with_context(|| path.display().to_string())
    }

    /// Whether every part of a plan is whole.
    pub(super) fn is_whole(&self, plan: &Plan) -> anyhow::Result<bool> {
        for part in 0..plan.parts {
            if !self.part_path(plan, part).exists() || !self.part(plan, part)?.is_whole {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives every page of a plan to `take`.
    pub(super) fn pages(
        &self,
        plan: &Plan,
        mut take: impl FnMut(Page) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for part in 0..plan.parts {
            let path = self.part_path(plan, part);
            let name = || path.display().to_string();
            for line in BufReader::new(File::open(&path).with_context(name)?).lines() {
                take(serde_json::from_str(&line.with_context(name)?).with_context(name)?)?;
            }
        }
        Ok(())
    }
}

/// A part under way.
pub(super) struct Part {
    file: File,
    /// Customers in it.
    pub(super) customers: u64,
    /// Where its next page begins; nothing at its beginning.
    pub(super) next: Option<String>,
    /// Whether its last page was fetched.
    pub(super) is_whole: bool,
}

impl Part {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let mut part = Self {
            file,
            customers: 0,
            next: None,
            is_whole: false,
        };
        let mut reader = BufReader::new(part.file.try_clone()?);
        let (mut whole_bytes, mut line) = (0, String::new());
        loop {
            line.clear();
            let bytes = reader.read_line(&mut line)?;
            // A page that was cut off has no line end, or is no page.
            let page: Option<Page> = line
                .ends_with('\n')
                .then(|| serde_json::from_str(&line).ok())
                .flatten();
            let Some(page) = page else {
                break;
            };
            whole_bytes += bytes as u64;
            part.customers += page.customers.len() as u64;
            part.is_whole = page.next.is_none();
            part.next = page.next;
        }
        part.file.set_len(whole_bytes)?;
        part.file.seek(SeekFrom::Start(whole_bytes))?;
        Ok(part)
    }

    /// Keeps the next page.
    pub(super) fn keep(&mut self, page: Page) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(&page)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.customers += page.customers.len() as u64;
        self.is_whole = page.next.is_none();
        self.next = page.next;
        if self.is_whole {
            self.file.sync_all()?;
        }
        Ok(())
    }
}

/// The customers of a part: from the one, to before the other; nothing where the part is the first or the last. The bounds are letters, because
/// databases agree on their order; ids that begin with a digit, a fifth of them, all come before `a`.
pub(super) fn bounds(part: usize, parts: usize) -> (Option<String>, Option<String>) {
    let bound = |number: usize| (1..parts).contains(&number).then(|| bound(number, parts));
    (bound(part), bound(part + 1))
}

fn bound(number: usize, parts: usize) -> String {
    // Of all pairs of signs in their order, so many stand before the bound.
    let pairs = u64::from(SIGNS * SIGNS);
    let wanted = number as u64 * pairs / parts.max(1) as u64;
    let wanted = u32::try_from(wanted).unwrap_or_default();
    let (first, second) = (wanted / SIGNS, wanted % SIGNS);
    let letter = |place: u32| {
        let place = place.saturating_sub(DIGITS).min(LETTERS - 1);
        char::from(b'a' + u8::try_from(place).unwrap_or_default())
    };
    const { assert!(BASE32_CHARACTERS > 2) };
    if first < DIGITS {
        "aa".to_owned()
    } else {
        format!("{}{}", letter(first), letter(second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[&str], next: Option<&str>) -> Page {
        let customers = ids.iter().map(|id| PageCustomer {
            customer_id: (*id).to_owned(),
            values: vec![1.into()],
        });
        Page {
            customers: customers.collect(),
            next: next.map(str::to_owned),
        }
    }

    /// Goal: whatever the number of parts, every customer is in exactly one, and none is far larger than the others.
    #[test]
    fn parts_are_a_partition() {
        let alphabet: Vec<char> = "234567abcdefghijklmnopqrstuvwxyz".chars().collect();
        let ids: Vec<String> = alphabet
            .iter()
            .flat_map(|one| alphabet.iter().map(move |two| format!("{one}{two}x")))
            .collect();
        for parts in 1..=26 {
            let mut sizes = vec![0; parts];
            for id in &ids {
                let of: Vec<usize> = (0..parts)
                    .filter(|part| {
                        let (from, before) = bounds(*part, parts);
                        from.is_none_or(|from| *id >= from)
                            && before.is_none_or(|before| *id < before)
                    })
                    .collect();
                let [only] = of.as_slice() else {
                    panic!("{id} is in {of:?} of {parts}");
                };
                sizes[*only] += 1;
            }
            let largest = sizes.iter().max().copied().unwrap_or_default();
            // The digits stay together: that is a fifth of all.
            assert!(
                largest <= (ids.len() / parts + 64).max(ids.len() / 4),
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn a_part_goes_on_behind_its_last_whole_page() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::open(folder.path().join("parts")).unwrap();
        let mut plan = Plan::new("t".to_owned(), "s".to_owned(), 3);
        plan.horizon = "2026-11-22T03:59:00Z".to_owned();
        let plan = folder.agree(&plan).unwrap();
        let other = Plan::new("u".to_owned(), "s".to_owned(), 3);
        assert_eq!(folder.agree(&other).unwrap(), plan, "the first plan stands");
        assert!(!folder.is_whole(&plan).unwrap());
        let mut part = folder.part(&plan, 0).unwrap();
        part.keep(page(&["a", "b"], Some("b"))).unwrap();
        part.file.write_all(b"{\"customers\":[{\"cust").unwrap();
        drop(part);
        let mut part = folder.part(&plan, 0).unwrap();
        assert_eq!((part.customers, part.next.as_deref()), (2, Some("b")));
        assert!(!folder.is_whole(&plan).unwrap());
        part.keep(page(&["c"], None)).unwrap();
        assert!(folder.is_whole(&plan).unwrap());
        let mut ids = Vec::new();
        folder
            .pages(&plan, |page| {
                ids.extend(
                    page.customers
                        .into_iter()
                        .map(|customer| customer.customer_id),
                );
                Ok(())
            })
            .unwrap();
        assert_eq!(ids, ["a", "b", "c"]);
        folder.clear().unwrap();
        assert_eq!(folder.plan().unwrap(), None);
        assert!(!folder.is_whole(&plan).unwrap());
    }
}
