//! Row pages of a whole snapshot in bounded memory.
//!
//! Which page a customer belongs to is known only when the number of customers is, so records go to a temporary file first. In the end
//! they are dealt out to buckets of neighbouring pages, each small enough to be put in order in memory.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use chudian_dataset::column::ColumnData;
use chudian_dataset::manifest::{page_count, page_of};
use chudian_dataset::page::{PageError, PageWriter, write_record};
use chudian_dataset::schema::Schema;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PSEUDONYM_BYTES};

use crate::limits::PAGE_BUCKET_BYTES;

/// Bytes between memory and file at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of an entry before its record: the customer and the record's length.
const ENTRY_HEAD_BYTES: usize = PSEUDONYM_BYTES + 4;

/// Why pages cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The temporary file cannot be written or read.
    #[error("the temporary file of row pages: {0}")]
    Io(#[from] io::Error),
    /// Records that make no page.
    #[error("row page {page}: {error}")]
    Page {
        /// Which.
        page: u64,
        /// Why.
        error: PageError,
    },
}

/// Records of all customers, in the order of the file.
pub(crate) struct PageSpill {
    folder: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    rows: u64,
    record: Vec<u8>,
}

impl PageSpill {
    /// Begins a file in `folder` that goes when it is closed.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile_in(folder)?);
        Ok(Self {
            folder: folder.to_owned(),
            file,
            bytes: 0,
            rows: 0,
            record: Vec::new(),
        })
    }

    /// Appends the records of a segment.
    ///
    /// # Errors
    /// When the disk is full.
    pub(crate) fn append(&mut self, segment: usize, columns: &[ColumnData]) -> io::Result<()> {
        let Some((ColumnData::Identities { values }, _)) = columns.split_first() else {
            return Ok(());
        };
        for (row, id) in values.as_slice().iter().enumerate() {
            self.record.clear();
            write_record(&mut self.record, segment, row, columns);
            self.file.write_all(id)?;
            // A record has at most a few hundred short words.
            self.file.write_all(
                &u32::try_from(self.record.len())
                    .unwrap_or(u32::MAX)
                    .to_le_bytes(),
            )?;
            self.file.write_all(&self.record)?;
            self.bytes += (ENTRY_HEAD_BYTES + self.record.len()) as u64;
            self.rows += 1;
        }
        Ok(())
    }

    /// Ends the writing and gives the pages.
    ///
    /// # Errors
    /// When the disk is full.
    pub(crate) fn finish(self) -> io::Result<Pages> {
        let mut file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        let page_count = page_count(self.rows);
        let bucket_count = self
            .bytes
            .div_ceil(PAGE_BUCKET_BYTES)
            .max(1)
            .min(page_count.max(1));
        let buckets = if bucket_count == 1 {
            vec![file]
        } else {
            deal(file, &self.folder, page_count, bucket_count)?
        };
        let buckets: Vec<(u64, File)> = (1..=bucket_count)
            .map(|bucket| first_page_of(bucket, page_count, bucket_count))
            .zip(buckets)
            .collect();
        Ok(Pages {
            buckets: buckets.into_iter(),
            page_count,
            next_page: 0,
            waiting: Vec::new().into_iter(),
        })
    }
}

/// Deals the entries of `file` out to buckets of neighbouring pages.
fn deal(file: File, folder: &Path, page_count: u64, bucket_count: u64) -> io::Result<Vec<File>> {
    let mut buckets = (0..bucket_count)
        .map(|_| {
            Ok(BufWriter::with_capacity(
                BUFFER_BYTES,
                tempfile::tempfile_in(folder)?,
            ))
        })
        .collect::<io::Result<Vec<_>>>()?;
    let mut entries = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut record = Vec::new();
    while let Some(customer) = read_entry(&mut entries, &mut record)? {
        let page = page_of(customer, page_count);
        let bucket = bucket_of(page, page_count, bucket_count);
        if let Some(bucket) = usize::try_from(bucket)
            .ok()
            .and_then(|bucket| buckets.get_mut(bucket))
        {
            bucket.write_all(&customer.0)?;
            bucket.write_all(&(record.len() as u32).to_le_bytes())?;
            bucket.write_all(&record)?;
        }
    }
    buckets
        .into_iter()
        .map(|bucket| {
            let mut file = bucket
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        })
        .collect()
}

fn bucket_of(page: u64, page_count: u64, bucket_count: u64) -> u64 {
    // Neither factor comes near 2^32.
    page.saturating_mul(bucket_count) / page_count.max(1)
}

/// The first page of bucket `bucket`, which is the end of the bucket before.
fn first_page_of(bucket: u64, page_count: u64, bucket_count: u64) -> u64 {
    bucket
        .saturating_mul(page_count)
        .div_ceil(bucket_count.max(1))
}

fn read_entry(
    entries: &mut impl io::Read,
    record: &mut Vec<u8>,
) -> io::Result<Option<CustomerPseudonym>> {
    let mut head = [0; ENTRY_HEAD_BYTES];
    let first = entries.read(&mut head)?;
    if first == 0 {
        return Ok(None);
    }
    entries.read_exact(head.get_mut(first..).unwrap_or_default())?;
    let (id, length) = head
        .split_first_chunk()
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let length = length
        .first_chunk()
        .copied()
        .map(u32::from_le_bytes)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    record.resize(length as usize, 0);
    entries.read_exact(record)?;
    Ok(Some(CustomerPseudonym(*id)))
}

/// The pages of a snapshot, in the order of their numbers.
pub(crate) struct Pages {
    /// Each with the first page of the next.
    buckets: std::vec::IntoIter<(u64, File)>,
    page_count: u64,
    next_page: u64,
    waiting: std::vec::IntoIter<Vec<u8>>,
}

impl Pages {
    /// How many pages the snapshot has.
    #[must_use]
    pub(crate) fn count(&self) -> u64 {
        self.page_count
    }

    /// The next page.
    ///
    /// # Errors
    /// When a bucket cannot be read, or a page is too large.
    pub(crate) fn next(&mut self, schema: &Schema) -> Result<Option<Vec<u8>>, PagesError> {
        loop {
            if let Some(page) = self.waiting.next() {
                return Ok(Some(page));
            }
            let Some((end, bucket)) = self.buckets.next() else {
                return Ok(None);
            };
            self.waiting =
                ordered(bucket, self.next_page..end, self.page_count, schema)?.into_iter();
            self.next_page = end;
        }
    }
}

/// The pages of one bucket; also those to which no customer belongs.
fn ordered(
    bucket: File,
    pages: Range<u64>,
    page_count: u64,
    schema: &Schema,
) -> Result<Vec<Vec<u8>>, PagesError> {
    let mut writers: Vec<PageWriter> = Vec::new();
    writers.resize_with(
        usize::try_from(pages.end.saturating_sub(pages.start)).unwrap_or(0),
        PageWriter::default,
    );
    let mut entries = BufReader::with_capacity(BUFFER_BYTES, bucket);
    let mut record = Vec::new();
    while let Some(customer) = read_entry(&mut entries, &mut record)? {
        let place = page_of(customer, page_count)
            .checked_sub(pages.start)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(writer) = place.and_then(|place| writers.get_mut(place)) {
            writer.add(customer, record.clone());
        }
    }
    let numbered = pages.zip(writers);
    numbered
        .map(|(page, writer)| {
            writer
                .finish(schema)
                .map_err(|error| PagesError::Page { page, error })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chudian_dataset::column::builder::ColumnBuilder;
    use chudian_dataset::page;
    use chudian_dataset::schema::{Column, ColumnName, Kind};
    use chudian_dataset::value::Value;
    use chudian_vocabulary::pseudonym::PseudonymKey;

    use super::*;

    /// Goal: every customer of every segment is found in its page with its place and values, when everything fits one bucket and when
    /// the buckets are many and small.
    #[test]
    fn every_customer_is_in_its_page() {
        let key = PseudonymKey::from([1; 32]);
        let column = |name: &str, kind| Column::new(ColumnName::new(name).unwrap(), kind);
        let schema = Schema::of_snapshot(vec![
            column("id", Kind::Identity),
            column("a", Kind::Integer),
        ])
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (rows, bucket_count) in [(0, 1), (1, 1), (5_000, 1), (5_000, 7), (64, 7)] {
            let mut spill = PageSpill::new(folder.path()).unwrap();
            let customers: Vec<CustomerPseudonym> = (0..rows)
                .map(|row| {
                    key.pseudonym_of(&(13_000_000_000_u64 + row).to_string())
                        .unwrap()
                })
                .collect();
            // Two segments, the first of them short; places are what is written, whatever a real import would write.
            for (segment, part) in customers.chunks(3_000).enumerate() {
                let (mut ids, mut values) = (
                    ColumnBuilder::new(Kind::Identity),
                    ColumnBuilder::new(Kind::Integer),
                );
                for (row, customer) in part.iter().enumerate() {
                    ids.push_identity(*customer).unwrap();
                    values.push_integer((segment * 3_000 + row) as i64).unwrap();
                }
                spill
                    .append(segment, &[ids.finish(), values.finish()])
                    .unwrap();
            }
            let mut pages = if bucket_count == 1 {
                spill.finish().unwrap()
            } else {
                let mut file = spill.file.into_inner().unwrap();
                file.seek(SeekFrom::Start(0)).unwrap();
                let count = page_count(rows);
                let bucket_count = bucket_count.min(count);
                let ends =
                    (1..=bucket_count).map(|bucket| first_page_of(bucket, count, bucket_count));
                let buckets: Vec<_> = ends
                    .zip(deal(file, folder.path(), count, bucket_count).unwrap())
                    .collect();
                Pages {
                    buckets: buckets.into_iter(),
                    page_count: count,
                    next_page: 0,
                    waiting: Vec::new().into_iter(),
                }
            };
            let count = pages.count();
            let mut all = Vec::new();
            while let Some(page) = pages.next(&schema).unwrap() {
                all.push(page);
            }
            assert_eq!(all.len() as u64, count);
            for (index, customer) in customers.iter().enumerate() {
                let bytes = &all[page_of(*customer, count) as usize];
                let record = page::find(bytes, *customer).unwrap().unwrap();
                assert_eq!((record.segment, record.row), (index / 3_000, index % 3_000));
                assert_eq!(
                    record.values(&schema).unwrap()[1],
                    Some(Value::Integer(index as i64))
                );
            }
            for (number, bytes) in (0..).zip(&all) {
                page::verify(bytes, &schema, number, count).unwrap();
            }
        }
        assert!(
            std::fs::read_dir(folder.path()).unwrap().next().is_none(),
            "temporary files are left behind"
        );
    }
}
