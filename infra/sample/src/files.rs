//! Writes a sample as files.
//!
//! Files are written under a draft name and renamed when they are whole, so that a broken run never leaves a file that
//! looks like a sample. Customers pass through one at a time.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::fit::Fit;
use crate::{Settings, catalogue_json};

/// A person's own usage as a table, in the form that `chudian simulate` reads.
pub const USAGE_EXAMPLE: &str = include_str!("usage-example.csv");

const README: &str = include_str!("readme.md");

/// Where the files of a sample are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The catalogue.
    pub catalogue: PathBuf,
    /// The customers, one JSON object a line.
    pub customers: PathBuf,
    /// The known answers.
    pub planted: PathBuf,
    /// How many customers have a planted best plan.
    pub planted_count: u64,
}

/// Called with the number of customers that are written.
pub type Progress<'caller> = &'caller mut dyn FnMut(u64);

#[derive(Serialize)]
struct Planted<'customer> {
    customer_id: &'customer str,
    best_plan_id: &'static str,
    add_ons: Vec<PlantedAddOn>,
    reason_zh: &'static str,
    reason_en: &'static str,
    margin_fen: u64,
}

#[derive(Serialize)]
struct PlantedAddOn {
    id: &'static str,
    quantity: u64,
}

impl<'customer> Planted<'customer> {
    fn new(customer_id: &'customer str, fit: &'static Fit, months: u64) -> Self {
        Self {
            customer_id,
            best_plan_id: fit.plan_id,
            add_ons: fit
                .add_ons
                .iter()
                .map(|(id, quantity)| PlantedAddOn {
                    id,
                    quantity: *quantity,
                })
                .collect(),
            reason_zh: fit.reason_zh,
            reason_en: fit.reason_en,
            margin_fen: fit.margin_month_fen * months,
        }
    }
}

/// Writes all files of a sample into `folder`, which is made when missing.
///
/// # Errors
/// When a file cannot be written; the message names it.
pub fn write_files(
    folder: &Path,
    settings: &Settings,
    progress: Progress<'_>,
) -> io::Result<Files> {
    fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
    let mut catalogue = Draft::new(folder, "catalogue.json")?;
    catalogue.write(&catalogue_json()?)?;
    let mut readme = Draft::new(folder, "README.md")?;
    readme.write(README.as_bytes())?;
    let mut example = Draft::new(folder, "usage-example.csv")?;
    example.write(USAGE_EXAMPLE.as_bytes())?;
    let mut twin = Draft::new(folder, "usage-example.gb18030.csv")?;
    twin.write(&encoding_rs::GB18030.encode(USAGE_EXAMPLE).0)?;
    let (customers, planted, planted_count) = write_customers(folder, settings, progress)?;
    for draft in [readme, example, twin] {
        draft.finish()?;
    }
    Ok(Files {
        catalogue: catalogue.finish()?,
        customers: customers.finish()?,
        planted: planted.finish()?,
        planted_count,
    })
}

fn write_customers(
    folder: &Path,
    settings: &Settings,
    progress: Progress<'_>,
) -> io::Result<(Draft, Draft, u64)> {
    let mut customers = Draft::new(folder, "customers.ndjson")?;
    let mut planted = Draft::new(folder, "planted.json")?;
    let months = settings.months.each(|_, _| ()).len() as u64;
    let mut planted_count = 0;
    planted.write(format!("{{\"seed\":{},\"customers\":[", settings.seed).as_bytes())?;
    for (customer, written) in settings.customers().zip(1..) {
        customers.write(&serde_json::to_vec(&customer)?)?;
        customers.write(b"\n")?;
        if let Some(fit) = customer.planted {
            planted.write(if planted_count == 0 { b"\n" } else { b",\n" })?;
            planted.write(&serde_json::to_vec(&Planted::new(
                &customer.customer_id,
                fit,
                months,
            ))?)?;
            planted_count += 1;
        }
        progress(written);
    }
    planted.write(b"\n]}\n")?;
    Ok((customers, planted, planted_count))
}

/// A file that is not there until it is whole.
pub(crate) struct Draft {
    draft: PathBuf,
    place: PathBuf,
    writer: BufWriter<File>,
}

impl Draft {
    fn new(folder: &Path, name: &str) -> io::Result<Self> {
        Self::at(folder.join(name))
    }

    /// Begins the file that will stand at `place`.
    pub(crate) fn at(place: PathBuf) -> io::Result<Self> {
        let mut draft = place.clone().into_os_string();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        let writer = BufWriter::new(File::create(&draft).map_err(|error| named(&draft, &error))?);
        Ok(Self {
            draft,
            place,
            writer,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer
            .write_all(bytes)
            .map_err(|error| named(&self.draft, &error))
    }

    pub(crate) fn finish(mut self) -> io::Result<PathBuf> {
        self.writer
            .flush()
            .map_err(|error| named(&self.draft, &error))?;
        fs::rename(&self.draft, &self.place).map_err(|error| named(&self.place, &error))?;
        Ok(self.place)
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
