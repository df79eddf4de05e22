//! Writes the table and the mapping beside it.
//!
//! Rows are made by several threads in blocks and written in their order, so the bytes do not depend on the threads.

use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use encoding_rs::GB18030;

use super::contacts::Contacts;
use super::{USAGE_MONTHS, headings, mapping, row};
use crate::Settings;
use crate::files::{Draft, Progress};

/// Rows of a block: some hundreds of kilobytes, enough that handing it over costs nothing.
const BLOCK_ROWS: u64 = 2_048;
/// Blocks that a thread may be ahead: memory stays at a few megabytes.
const BLOCKS_AHEAD: usize = 2;
/// Bytes to begin a row with; about the length of one.
const ROW_BYTES: usize = 448;

/// Encoding of the table's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableEncoding {
    /// UTF-8 without a byte-order mark.
    #[default]
    Utf8,
    /// GB18030, as Chinese spreadsheets write it.
    Gb18030,
}

impl TableEncoding {
    /// Its word in a mapping.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
        }
    }
}

/// Where a table and its mapping are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFiles {
    /// The table.
    pub table: PathBuf,
    /// The mapping for `chudian import`: the table's path with the ending `.mapping.toml`.
    pub mapping: PathBuf,
}

/// Writes the table of `settings` as CSV to `place`, and the mapping that fits it beside it.
///
/// `threads` rows are made at a time; the bytes are the same for any number.
///
/// # Errors
/// When a file cannot be written; the message names it.
pub fn write_table(
    place: &Path,
    settings: &Settings,
    encoding: TableEncoding,
    threads: usize,
    progress: Progress<'_>,
) -> io::Result<TableFiles> {
    let append_row = |plans: &row::Plans, index: u64, text: &mut String| {
        let customer = settings.customer(index);
        append(text, &row::make(settings, plans, index, &customer));
    };
    let head = Head {
        mapping: mapping::text(encoding),
        headings: headings().join(",") + "\n",
    };
    write_files(
        place,
        settings,
        (encoding, threads),
        head,
        &append_row,
        progress,
    )
}

/// Writes what the contacts of the same customers come to, as a table for `chudian import --layer`, with its mapping beside it; see
/// [`super::contacts`].
///
/// # Errors
/// When a file cannot be written; the message names it.
pub fn write_contacts(
    place: &Path,
    settings: &Settings,
    encoding: TableEncoding,
    threads: usize,
    progress: Progress<'_>,
) -> io::Result<TableFiles> {
    let contacts = Contacts::new(settings).map_err(io::Error::other)?;
    let append_row = |plans: &row::Plans, index: u64, text: &mut String| {
        contacts.append(settings, plans, index, text);
    };
    let head = Head {
        mapping: contacts.mapping(encoding),
        headings: contacts.headings(),
    };
    write_files(
        place,
        settings,
        (encoding, threads),
        head,
        &append_row,
        progress,
    )
}

/// What stands before the rows.
struct Head {
    mapping: String,
    headings: String,
}

/// Appends the row of a customer, if there is one.
type Append<'a> = dyn Fn(&row::Plans, u64, &mut String) + Sync + 'a;

fn write_files(
    place: &Path,
    settings: &Settings,
    (encoding, threads): (TableEncoding, usize),
    head: Head,
    append: &Append<'_>,
    progress: Progress<'_>,
) -> io::Result<TableFiles> {
    let mut mapping = Draft::at(place.with_extension("mapping.toml"))?;
    mapping.write(head.mapping.as_bytes())?;
    let mut table = Draft::at(place.to_owned())?;
    table.write(&encoded(head.headings, encoding))?;
    let threads = threads.max(1);
    thread::scope(|scope| {
        let makers: Vec<Receiver<Vec<u8>>> = (0..threads)
            .map(|maker| {
                let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
                let blocks = blocks(settings).skip(maker).step_by(threads);
                scope.spawn(move || make_blocks(blocks, encoding, append, &sender));
                receiver
            })
            .collect();
        for (block, rows) in blocks(settings).enumerate() {
            let bytes = makers
                .get(block % threads)
                .and_then(|maker| maker.recv().ok())
                .ok_or_else(|| io::Error::other("a thread that makes rows has ended early"))?;
            table.write(&bytes)?;
            progress(*rows.end());
        }
        Ok::<_, io::Error>(())
    })?;
    Ok(TableFiles {
        table: table.finish()?,
        mapping: mapping.finish()?,
    })
}

/// Numbers of the customers of each block.
fn blocks(settings: &Settings) -> impl Iterator<Item = RangeInclusive<u64>> + use<> {
    let customers = settings.customers;
    (0..customers.div_ceil(BLOCK_ROWS))
        .map(move |block| block * BLOCK_ROWS + 1..=((block + 1) * BLOCK_ROWS).min(customers))
}

/// Makes the rows of these blocks.
fn make_blocks(
    blocks: impl Iterator<Item = RangeInclusive<u64>>,
    encoding: TableEncoding,
    append: &Append<'_>,
    blocks_out: &SyncSender<Vec<u8>>,
) {
    let plans = row::Plans::new();
    for rows in blocks {
        let mut text =
            String::with_capacity(ROW_BYTES * usize::try_from(BLOCK_ROWS).unwrap_or_default());
        for index in rows {
            append(&plans, index, &mut text);
        }
        if blocks_out.send(encoded(text, encoding)).is_err() {
            // Nobody writes any more: the disk is full, and the writer says so.
            return;
        }
    }
}

fn encoded(text: String, encoding: TableEncoding) -> Vec<u8> {
    match encoding {
        TableEncoding::Utf8 => text.into_bytes(),
        TableEncoding::Gb18030 => GB18030.encode(&text).0.into_owned(),
    }
}

/// Appends a row. No cell holds a comma, a quote or a line break, so nothing is quoted.
fn append(text: &mut String, row: &row::Row) {
    push_number(text, row.number);
    for word in [
        row.region,
        &row.county,
        row.brand,
        row.plan_id,
        row.customer_type,
        row.age_group,
        row.network,
        &row.opened_on,
    ] {
        text.push(',');
        text.push_str(word);
    }
    text.push(',');
    push_number(text, row.tenure_months);
    text.push(',');
    text.push_str(&row.contract_end);
    for fen in [row.arpu_fen, row.balance_fen] {
        text.push(',');
        push_fraction(text, fen, 100);
    }
    for dealings in row.dealings {
        text.push(',');
        push_number(text, dealings);
    }
    text.push(',');
    push_fraction(text, row.churn_score, 10_000);
    for held in row.holds {
        text.push_str(if held { ",1" } else { ",0" });
    }
    for months in &row.usage {
        debug_assert_eq!(months.len(), USAGE_MONTHS);
        for quantity in months {
            text.push(',');
            push_number(text, *quantity);
        }
    }
    text.push('\n');
}

pub(super) fn push_number(text: &mut String, number: u64) {
    // Formatting through `fmt` takes longer than making the row.
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        first = place;
        if rest == 0 {
            break;
        }
    }
    let digits = digits.get(first..).unwrap_or_default();
    text.extend(digits.iter().map(|digit| char::from(*digit)));
}

/// `value` ÷ `scale` with as many decimals as the scale, a power of ten, has zeros.
fn push_fraction(text: &mut String, value: u64, scale: u64) {
    push_number(text, value / scale);
    text.push('.');
    let mut place = scale / 10;
    let rest = value % scale;
    while place > 1 && rest < place {
        text.push('0');
        place /= 10;
    }
    push_number(text, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fractions_are_written_in_full() {
        let written = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            text
        };
        for number in [0, 7, 10, 99, 100, u64::MAX] {
            assert_eq!(
                written(&|text| push_number(text, number)),
                number.to_string()
            );
        }
        for (value, scale, expected) in [
            (0, 100, "0.00"),
            (5, 100, "0.05"),
            (8650, 100, "86.50"),
            (123, 10_000, "0.0123"),
            (10_000, 10_000, "1.0000"),
        ] {
            assert_eq!(written(&|text| push_fraction(text, value, scale)), expected);
        }
    }
}
