//! Rows of an Excel workbook, one sheet, cell by cell.
//!
//! A workbook is a ZIP archive, and an archive of a few kilobytes can unpack to terabytes; so every part is measured before the
//! reader, which holds shared texts in memory, sees it.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};

use super::threaded::{Broken, Sender, ThreadedRows};
use super::{Records, RowSource, SourceError};
use crate::limits::{
    BATCH_ROWS, FILE_COLUMNS_MAX, WORKBOOK_PART_BYTES_MAX, WORKBOOK_PARTS_MAX,
    WORKBOOK_TEXTS_BYTES_MAX,
};

/// Rows of one sheet.
pub(super) struct WorkbookRows(ThreadedRows);

impl WorkbookRows {
    pub(super) fn open(path: &Path, sheet: Option<&str>) -> Result<Self, SourceError> {
        measure(path)?;
        let (path, sheet) = (path.to_owned(), sheet.map(str::to_owned));
        let on_death = || damaged("workbook", "it is inconsistent");
        ThreadedRows::start(on_death, move |sender| read(&path, sheet, sender)).map(Self)
    }
}

impl RowSource for WorkbookRows {
    fn headings(&self) -> &[String] {
        self.0.headings()
    }

    fn read(&mut self, records: &mut Records) -> Result<bool, SourceError> {
        self.0.read(records)
    }
}

fn damaged(place: &str, reason: impl ToString) -> SourceError {
    SourceError::Workbook {
        place: place.to_owned(),
        reason: reason.to_string(),
    }
}

/// Unpacks every part into nothing, up to its limit: the sizes that an archive states prove nothing.
fn measure(path: &Path) -> Result<(), SourceError> {
    let file = BufReader::new(File::open(path)?);
    let mut archive = zip::ZipArchive::new(file).map_err(|error| damaged("archive", error))?;
    if archive.len() > WORKBOOK_PARTS_MAX {
        return Err(damaged(
            "archive",
            format!("it has more than {WORKBOOK_PARTS_MAX} parts"),
        ));
    }
    for index in 0..archive.len() {
        let part = archive
            .by_index(index)
            .map_err(|error| damaged("archive", error))?;
        let name = part
            .name()
            .map_err(|error| damaged("archive", error))?
            .into_owned();
        // Sheets are streamed; all other parts (shared texts, styles, relations) are held in memory as a whole.
        let streamed = name.starts_with("xl/worksheets/") && name.ends_with(".xml");
        let max = if streamed {
            WORKBOOK_PART_BYTES_MAX
        } else {
            WORKBOOK_TEXTS_BYTES_MAX
        };
        let bytes = io::copy(&mut part.take(max + 1), &mut io::sink())
            .map_err(|error| damaged(&name, error))?;
        if bytes > max {
            return Err(SourceError::WorkbookTooLarge { part: name, max });
        }
    }
    Ok(())
}

/// A row under way.
struct Row {
    /// Row of the sheet, counted from 0.
    number: u32,
    /// Cells placed so far.
    cells: usize,
}

fn read(path: &PathBuf, sheet: Option<String>, sender: &Sender) -> Result<(), Broken> {
    let file = BufReader::new(File::open(path).map_err(SourceError::from)?);
    let mut book: Xlsx<_> =
        Xlsx::new(file).map_err(|error: XlsxError| damaged("workbook", error))?;
    let names = book.sheet_names();
    let sheet = match sheet {
        Some(sheet) if names.contains(&sheet) => sheet,
        Some(sheet) => {
            return Err(SourceError::NoSheet {
                sheet,
                present: names.join(", "),
            }
            .into());
        }
        None => names
            .first()
            .cloned()
            .ok_or_else(|| damaged("workbook", "it has no sheet"))?,
    };
    let fault = |error: XlsxError| damaged(&sheet, error);
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(fault)?;
    let mut headings: Vec<String> = Vec::new();
    let mut first_column = 0;
    let mut records = Records::default();
    let mut row: Option<Row> = None;
    let mut heading_row = None;
    while let Some(cell) = cells.next_cell().map_err(fault)? {
        let (number, column) = cell.get_position();
        let text = text_of(cell.get_value());
        if text.is_empty() {
            continue;
        }
        if *heading_row.get_or_insert(number) == number {
            if headings.is_empty() {
                first_column = column;
            }
            let place = place_of(column, first_column, &sheet)?;
            headings.resize(place, String::new());
            headings.push(text.trim().to_owned());
            continue;
        }
        if row.as_ref().is_none_or(|row| row.number != number) {
            match row.take() {
                Some(earlier) if earlier.number > number => {
                    return Err(damaged(&sheet, format!("row {} comes twice", number + 1)).into());
                }
                Some(earlier) => end(&mut records, &earlier, headings.len()),
                None => sender.headings(headings.clone())?,
            }
            if records.len() >= BATCH_ROWS {
                sender.rows(std::mem::take(&mut records))?;
            }
            row = Some(Row { number, cells: 0 });
        }
        let place = place_of(column, first_column, &sheet)?;
        if let Some(row) = &mut row {
            if place < row.cells {
                return Err(
                    damaged(&sheet, format!("a cell of row {} comes twice", number + 1)).into(),
                );
            }
            while row.cells < place {
                records.push_cell(b"");
                row.cells += 1;
            }
            records.push_cell(text.as_bytes());
            row.cells += 1;
        }
    }
    match row {
        Some(last) => end(&mut records, &last, headings.len()),
        None if headings.is_empty() => return Err(SourceError::NoHeading.into()),
        None => sender.headings(headings)?,
    }
    if !records.is_empty() {
        sender.rows(records)?;
    }
    Ok(())
}

/// Ends a row; the cells that a sheet leaves out at its end are empty.
fn end(records: &mut Records, row: &Row, columns: usize) {
    for _ in row.cells..columns {
        records.push_cell(b"");
    }
    records.end_row(u64::from(row.number) + 1);
}

/// Place of a column among the headings.
fn place_of(column: u32, first: u32, sheet: &str) -> Result<usize, SourceError> {
    let place = column
        .checked_sub(first)
        .and_then(|place| usize::try_from(place).ok());
    match place {
        Some(place) if place < FILE_COLUMNS_MAX => Ok(place),
        Some(_) => Err(SourceError::TooManyColumns {
            max: FILE_COLUMNS_MAX,
            delimiter: ' ',
        }),
        None => Err(damaged(sheet, "a cell stands left of the first heading")),
    }
}

/// A cell as text. Numbers are stored in binary; their shortest decimal writing is what was typed.
fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => u8::from(*value).to_string(),
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::DateTime(duration) => duration.as_f64().to_string(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        // `#N/A` and its like say that there is no value.
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}
