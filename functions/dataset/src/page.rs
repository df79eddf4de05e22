//! Row pages: all columns of about [`crate::PAGE_ROWS`] customers in one value, so that one customer is one read.
//!
//! ```text
//! "chp1"  columns u16  customers u32  reserved u16 = 0
//! ids          customers × 16 bytes, ascending
//! ends         customers × u32: where each record ends, counted from the first record
//! checksum     u64 over everything before it
//! records      each: segment varint, row varint, one bit a column (1 = has a value), the values that there are, checksum u64
//! ```
//!
//! Numbers are little-endian; varints are LEB128, signed ones zigzag. A word is its length and its bytes, an integer, money or date a signed
//! varint, a score eight bytes, a flag one byte. The identity is not in the record: it is the key by which the record was found.
//!
//! Invariants: looking a customer up reads the header and that one record; what was changed after it was written is an error and not
//! another customer's data (two checksums); no length that is read is believed before it was compared with the bytes that there are.
//! A page is no secret keeper: the store's own access rights protect it.

use chudian_vocabulary::pseudonym::{CustomerPseudonym, PSEUDONYM_BYTES};

use crate::column::ColumnData;
use crate::manifest::page_of;
use crate::schema::{Kind, Schema};
use crate::statistics::{hash_bytes, mixed};
use crate::value::Value;
use crate::{SEGMENT_ROWS, SEGMENTS_MAX, WORD_BYTES_MAX};

/// What a page begins with: the format and its version.
const MAGIC: [u8; 4] = *b"chp1";

/// Bytes before the ids.
const HEADER_BYTES: usize = 12;

/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = 8;

/// Most customers of one page. Pages fill by hash to 64 on average; one with more than twice that does not occur in the life of
/// a province, and this leaves room for files whose ids are no pseudonyms.
pub const PAGE_CUSTOMERS_MAX: usize = 4096;

/// Largest page: what the key-value stores of hosts commonly take.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Why bytes are no page, or rows do not make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Not a page, or cut off, or changed since it was written.
    #[error("not a whole row page")]
    Malformed,
    /// A record does not decode under the schema.
    #[error("a record does not fit the schema")]
    Record,
    /// The page has as many columns as another schema.
    #[error("the page belongs to another schema")]
    OtherSchema,
    /// The same customer twice.
    #[error("a customer stands in the page twice")]
    Repeated,
    /// A customer of another page.
    #[error("a customer belongs to another page")]
    OtherPage,
    /// More customers or bytes than a page may have.
    #[error("a page has at most {PAGE_CUSTOMERS_MAX} customers and {PAGE_BYTES_MAX} bytes")]
    TooLarge,
}

/// Appends the record of one customer to `record`: place and values of `row`. `columns` stand in the schema's order; the identity,
/// where there is one, is passed over.
pub fn write_record(record: &mut Vec<u8>, segment: usize, row: usize, columns: &[ColumnData]) {
    let start = record.len();
    write_unsigned(record, segment as u64);
    write_unsigned(record, row as u64);
    let attributes = || {
        columns
            .iter()
            .filter(|column| !matches!(column, ColumnData::Identities { .. }))
    };
    let mut bits = 0_u8;
    let mut count = 0_u32;
    for column in attributes() {
        bits |= u8::from(column.is_valid(row)) << (count % 8);
        count += 1;
        if count.is_multiple_of(8) {
            record.push(std::mem::take(&mut bits));
        }
    }
    if !count.is_multiple_of(8) {
        record.push(bits);
    }
    for column in attributes().filter(|column| column.is_valid(row)) {
        write_value(record, column, row);
    }
    let checksum = hash_bytes(record.get(start..).unwrap_or_default());
    record.extend_from_slice(&checksum.to_le_bytes());
}

fn write_value(record: &mut Vec<u8>, column: &ColumnData, row: usize) {
    match column {
        ColumnData::Integers { values, .. } => {
            write_signed(record, values.get(row).unwrap_or_default());
        }
        ColumnData::Words { codes, words, .. } => {
            let word = codes
                .get(row)
                .and_then(|code| words.get(code))
                .map_or("", String::as_str);
            write_unsigned(record, word.len() as u64);
            record.extend_from_slice(word.as_bytes());
        }
        ColumnData::Flags { values, .. } => record.push(u8::from(values.get(row))),
        ColumnData::Scores { values, .. } => {
            record.extend_from_slice(&values.get(row).unwrap_or_default().to_le_bytes())
        }
        ColumnData::Dates { values, .. } => {
            write_signed(record, values.get(row).copied().unwrap_or_default().into())
        }
        ColumnData::Identities { .. } => {}
    }
}

/// Collects the records of one page.
#[derive(Default)]
pub struct PageWriter {
    customers: Vec<(CustomerPseudonym, Vec<u8>)>,
}

impl PageWriter {
    /// Adds a customer with the record that [`write_record`] made.
    pub fn add(&mut self, customer: CustomerPseudonym, record: Vec<u8>) {
        self.customers.push((customer, record));
    }

    /// The page of records of `schema`.
    ///
    /// # Errors
    /// [`PageError::Repeated`], [`PageError::TooLarge`].
    pub fn finish(mut self, schema: &Schema) -> Result<Vec<u8>, PageError> {
        self.customers
            .sort_unstable_by_key(|(customer, _)| *customer);
        let customers = &self.customers;
        if customers.len() > PAGE_CUSTOMERS_MAX {
            return Err(PageError::TooLarge);
        }
        if customers
            .iter()
            .zip(customers.iter().skip(1))
            .any(|((one, _), (next, _))| one == next)
        {
            return Err(PageError::Repeated);
        }
        let columns = u16::try_from(attribute_count(schema)).map_err(|_| PageError::TooLarge)?;
        let count = u32::try_from(customers.len()).map_err(|_| PageError::TooLarge)?;
        let mut page = Vec::new();
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&columns.to_le_bytes());
        page.extend_from_slice(&count.to_le_bytes());
        page.extend_from_slice(&[0, 0]);
        for (customer, _) in customers {
            page.extend_from_slice(&customer.0);
        }
        let mut end = 0_usize;
        for (_, record) in customers {
            end = end.saturating_add(record.len());
            page.extend_from_slice(
                &u32::try_from(end)
                    .map_err(|_| PageError::TooLarge)?
                    .to_le_bytes(),
            );
        }
        let checksum = hash_bytes(&page);
        page.extend_from_slice(&checksum.to_le_bytes());
        for (_, record) in customers {
            page.extend_from_slice(record);
        }
        if page.len() > PAGE_BYTES_MAX {
            Err(PageError::TooLarge)
        } else {
            Ok(page)
        }
    }
}

/// Columns of a record: all but the identity.
fn attribute_count(schema: &Schema) -> usize {
    schema
        .columns()
        .iter()
        .filter(|column| column.kind != Kind::Identity)
        .count()
}

/// A page whose header was checked.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    columns: usize,
    ids: &'a [[u8; PSEUDONYM_BYTES]],
    ends: &'a [[u8; 4]],
    records: &'a [u8],
}

impl<'a> Page<'a> {
    /// Checks the header of `bytes`.
    ///
    /// # Errors
    /// [`PageError::Malformed`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, PageError> {
        let (header, rest) = bytes
            .split_at_checked(HEADER_BYTES)
            .ok_or(PageError::Malformed)?;
        let [m0, m1, m2, m3, c0, c1, n0, n1, n2, n3, 0, 0] = *header else {
            return Err(PageError::Malformed);
        };
        let count = usize::try_from(u32::from_le_bytes([n0, n1, n2, n3]))
            .map_err(|_| PageError::Malformed)?;
        if [m0, m1, m2, m3] != MAGIC || count > PAGE_CUSTOMERS_MAX {
            return Err(PageError::Malformed);
        }
        let (ids, rest) = rest
            .split_at_checked(count * PSEUDONYM_BYTES)
            .ok_or(PageError::Malformed)?;
        let (ends, rest) = rest
            .split_at_checked(count * size_of::<u32>())
            .ok_or(PageError::Malformed)?;
        let (checksum, records) = rest
            .split_first_chunk::<CHECKSUM_BYTES>()
            .ok_or(PageError::Malformed)?;
        let index_bytes = HEADER_BYTES + count * (PSEUDONYM_BYTES + size_of::<u32>());
        let index = bytes.get(..index_bytes).ok_or(PageError::Malformed)?;
        let (ids, ends) = (ids.as_chunks().0, ends.as_chunks().0);
        let page = Self {
            columns: u16::from_le_bytes([c0, c1]).into(),
            ids,
            ends,
            records,
        };
        let ends_with_the_last_record =
            page.end(count.wrapping_sub(1)).unwrap_or(0) == records.len();
        if hash_bytes(index) == u64::from_le_bytes(*checksum) && ends_with_the_last_record {
            Ok(page)
        } else {
            Err(PageError::Malformed)
        }
    }

    /// The customers, ascending.
    pub fn customers(&self) -> impl ExactSizeIterator<Item = CustomerPseudonym> + 'a {
        self.ids.iter().map(|id| CustomerPseudonym(*id))
    }

    /// The record of `customer`; nothing when it is not in the page. Reads no other record.
    ///
    /// # Errors
    /// [`PageError::Malformed`] when the record was changed.
    pub fn find(&self, customer: CustomerPseudonym) -> Result<Option<Record<'a>>, PageError> {
        match self.ids.binary_search(&customer.0) {
            Ok(place) => self.record(place).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn end(&self, place: usize) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(*self.ends.get(place)?)).ok()
    }

    fn record(&self, place: usize) -> Result<Record<'a>, PageError> {
        let start = if place == 0 {
            Some(0)
        } else {
            self.end(place - 1)
        };
        let whole = start
            .zip(self.end(place))
            .and_then(|(start, end)| self.records.get(start..end))
            .ok_or(PageError::Malformed)?;
        let (bytes, checksum) = whole
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(PageError::Malformed)?;
        if hash_bytes(bytes) != u64::from_le_bytes(*checksum) {
            return Err(PageError::Malformed);
        }
        let customer = self
            .ids
            .get(place)
            .copied()
            .map(CustomerPseudonym)
            .ok_or(PageError::Malformed)?;
        let mut reader = Reader { bytes };
        let segment = reader
            .unsigned()
            .and_then(|segment| usize::try_from(segment).ok())
            .filter(|segment| *segment < SEGMENTS_MAX);
        let row = reader
            .unsigned()
            .and_then(|row| usize::try_from(row).ok())
            .filter(|row| *row < SEGMENT_ROWS);
        let (segment, row) = segment.zip(row).ok_or(PageError::Malformed)?;
        Ok(Record {
            customer,
            segment,
            row,
            columns: self.columns,
            rest: reader.bytes,
        })
    }
}

/// Looks `customer` up in the page `bytes`.
///
/// # Errors
/// [`PageError::Malformed`] when the header or the customer's record was changed.
pub fn find(bytes: &[u8], customer: CustomerPseudonym) -> Result<Option<Record<'_>>, PageError> {
    Page::open(bytes)?.find(customer)
}

/// One customer of a page.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Who.
    pub customer: CustomerPseudonym,
    /// The segment in which the customer stands.
    pub segment: usize,
    /// The row of that segment.
    pub row: usize,
    columns: usize,
    rest: &'a [u8],
}

impl Record<'_> {
    /// The customer's values in the order of the schema's columns.
    ///
    /// # Errors
    /// [`PageError::OtherSchema`], [`PageError::Record`].
    pub fn values(&self, schema: &Schema) -> Result<Vec<Option<Value>>, PageError> {
        if self.columns != attribute_count(schema) {
            return Err(PageError::OtherSchema);
        }
        let (bits, values) = self
            .rest
            .split_at_checked(self.columns.div_ceil(8))
            .ok_or(PageError::Record)?;
        let mut reader = Reader { bytes: values };
        let mut place = 0_usize;
        let mut row = Vec::with_capacity(schema.columns().len());
        for column in schema.columns() {
            if column.kind == Kind::Identity {
                row.push(Some(Value::Identity(self.customer)));
                continue;
            }
            let present = bits
                .get(place / 8)
                .is_some_and(|byte| byte >> (place % 8) & 1 == 1);
            place += 1;
            row.push(if present {
                Some(reader.value(column.kind).ok_or(PageError::Record)?)
            } else {
                None
            });
        }
        if reader.bytes.is_empty() {
            Ok(row)
        } else {
            Err(PageError::Record)
        }
    }
}

/// What a page adds to the account of its snapshot, see [`place_mark`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// Customers in it.
    pub customers: u64,
    /// Wrapping sum of their place marks.
    pub places: u64,
}

/// A number that stands for "this customer stands at this place". The wrapping sum over all pages equals the sum over all identity columns
/// exactly when both tell the same, but for a chance of one in 2^64; so a publisher compares two numbers in place of two tables.
#[must_use]
pub fn place_mark(customer: CustomerPseudonym, segment: usize, row: usize) -> u64 {
    mixed(hash_bytes(&customer.0) ^ mixed((segment as u64) << 32 | row as u64))
}

/// The wrapping sum of the place marks of one identity column.
#[must_use]
pub fn places_of(identities: &[[u8; PSEUDONYM_BYTES]], segment: usize) -> u64 {
    identities.iter().enumerate().fold(0, |sum, (row, id)| {
        sum.wrapping_add(place_mark(CustomerPseudonym(*id), segment, row))
    })
}

/// Reads a whole page, number `page` of `page_count`, and tells whether everything in it is as it should be.
///
/// # Errors
/// The first fault.
pub fn verify(
    bytes: &[u8],
    schema: &Schema,
    page: u64,
    page_count: u64,
) -> Result<PageFacts, PageError> {
    if bytes.len() > PAGE_BYTES_MAX {
        return Err(PageError::TooLarge);
    }
    let opened = Page::open(bytes)?;
    let mut facts = PageFacts::default();
    let mut previous: Option<CustomerPseudonym> = None;
    for (place, customer) in opened.customers().enumerate() {
        if page_of(customer, page_count) != page {
            return Err(PageError::OtherPage);
        }
        match previous {
            Some(previous) if previous == customer => return Err(PageError::Repeated),
            Some(previous) if previous > customer => return Err(PageError::Malformed),
            _ => previous = Some(customer),
        }
        let record = opened.record(place)?;
        record.values(schema)?;
        facts.customers += 1;
        facts.places = facts
            .places
            .wrapping_add(place_mark(customer, record.segment, record.row));
    }
    Ok(facts)
}

/// Joins pages for one upload: each with its length before it, a little-endian `u32`.
#[must_use]
pub fn join<'a>(pages: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut joined = Vec::new();
    for page in pages {
        // A page has at most a megabyte.
        joined.extend_from_slice(&u32::try_from(page.len()).unwrap_or(u32::MAX).to_le_bytes());
        joined.extend_from_slice(page);
    }
    joined
}

/// The pages of [`join`].
///
/// # Errors
/// [`PageError::Malformed`] when a length does not fit.
pub fn split(mut joined: &[u8]) -> Result<Vec<&[u8]>, PageError> {
    let mut pages = Vec::new();
    while !joined.is_empty() {
        let (length, rest) = joined
            .split_first_chunk::<4>()
            .ok_or(PageError::Malformed)?;
        let length =
            usize::try_from(u32::from_le_bytes(*length)).map_err(|_| PageError::Malformed)?;
        let (page, rest) = rest.split_at_checked(length).ok_or(PageError::Malformed)?;
        pages.push(page);
        joined = rest;
    }
    Ok(pages)
}

fn write_unsigned(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Zigzag: small negative numbers stay short.
fn write_signed(to: &mut Vec<u8>, value: i64) {
    write_unsigned(to, (value << 1 ^ value >> 63).cast_unsigned());
}

/// Longest varint of 64 bits.
const VARINT_BYTES_MAX: u32 = 10;

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for index in 0..VARINT_BYTES_MAX {
            let byte = *self.take(1)?.first()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if index == VARINT_BYTES_MAX - 1 && bits > 1 {
                return None;
            }
            value |= bits << (7 * index);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn value(&mut self, kind: Kind) -> Option<Value> {
        match kind {
            Kind::Word => {
                let length = usize::try_from(self.unsigned()?)
                    .ok()
                    .filter(|length| *length <= WORD_BYTES_MAX)?;
                let word = std::str::from_utf8(self.take(length)?).ok()?;
                Some(Value::Word(word.to_owned()))
            }
            Kind::Integer | Kind::Money => self.signed().map(Value::Integer),
            Kind::Score => {
                let bytes: [u8; 8] = self.take(8)?.try_into().ok()?;
                Some(f64::from_le_bytes(bytes))
                    .filter(|score| score.is_finite())
                    .map(Value::Score)
            }
            Kind::Flag => match self.take(1)? {
                [0] => Some(Value::Flag(false)),
                [1] => Some(Value::Flag(true)),
                _ => None,
            },
            Kind::Date => i32::try_from(self.signed()?).ok().map(Value::Date),
            // The identity is not written, so a record has no place for one.
            Kind::Identity => None,
        }
    }
}
