//! Rows of Parquet and Arrow IPC files.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::threaded::{Broken, Sender, ThreadedRows};
use super::{Format, Records, SourceError};
use crate::dates;
use crate::limits::{BATCH_ROWS, FILE_COLUMNS_MAX};

/// Rows of a Parquet file.
pub(super) fn parquet(path: &Path) -> Result<ThreadedRows, SourceError> {
    let path = path.to_owned();
    ThreadedRows::start(
        || damaged(Format::Parquet, "pages", "it is inconsistent"),
        move |sender| read_parquet(&path, sender),
    )
}

/// Rows of an Arrow IPC file or stream.
pub(super) fn arrow(path: &Path) -> Result<ThreadedRows, SourceError> {
    let path = path.to_owned();
    ThreadedRows::start(
        || damaged(Format::Arrow, "batches", "it is inconsistent"),
        move |sender| read_arrow(&path, sender),
    )
}

fn damaged(format: Format, place: &str, reason: impl ToString) -> SourceError {
    SourceError::Columnar {
        format,
        place: place.to_owned(),
        reason: reason.to_string(),
    }
}

fn read_parquet(path: &PathBuf, sender: &Sender) -> Result<(), Broken> {
    let file = File::open(path).map_err(SourceError::from)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| damaged(Format::Parquet, "footer", error))?;
    let schema = builder.schema().clone();
    let batches = builder
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| damaged(Format::Parquet, "row groups", error))?;
    send(Format::Parquet, &schema, batches, sender)
}

fn read_arrow(path: &PathBuf, sender: &Sender) -> Result<(), Broken> {
    let mut magic = [0; 6];
    let mut file = File::open(path).map_err(SourceError::from)?;
    // A file too short for the magic is no file form; the stream reader says what is wrong with it.
    let has_footer = file.read_exact(&mut magic).is_ok() && magic == *b"ARROW1";
    let fault = |error: ArrowError| damaged(Format::Arrow, "head", error);
    let file = BufReader::new(File::open(path).map_err(SourceError::from)?);
    if has_footer {
        let batches = FileReader::try_new(file, None).map_err(fault)?;
        send(Format::Arrow, &batches.schema(), batches, sender)
    } else {
        let batches = StreamReader::try_new(file, None).map_err(fault)?;
        send(Format::Arrow, &batches.schema(), batches, sender)
    }
}

fn send(
    format: Format,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    sender: &Sender,
) -> Result<(), Broken> {
    if schema.fields().len() > FILE_COLUMNS_MAX {
        return Err(SourceError::TooManyColumns {
            max: FILE_COLUMNS_MAX,
            delimiter: ' ',
        }
        .into());
    }
    for field in schema.fields() {
        if !is_readable(field.data_type()) {
            let type_name = field.data_type().to_string();
            return Err(SourceError::ColumnType {
                column: field.name().clone(),
                type_name,
            }
            .into());
        }
    }
    sender.headings(
        schema
            .fields()
            .iter()
            .map(|field| field.name().trim().to_owned())
            .collect(),
    )?;
    let mut row = 0;
    for (index, batch) in batches.enumerate() {
        let batch = batch.map_err(|error| {
            damaged(
                format,
                &format!("batch {}, after row {row}", index + 1),
                error,
            )
        })?;
        // A batch of an Arrow file may have any number of rows.
        for begin in (0..batch.num_rows()).step_by(BATCH_ROWS) {
            let part = batch.slice(begin, BATCH_ROWS.min(batch.num_rows() - begin));
            let columns: Vec<Column<'_>> = part
                .columns()
                .iter()
                .map(|column| Column::of(column.as_ref()))
                .collect();
            let mut records = Records::default();
            for at in 0..part.num_rows() {
                for column in &columns {
                    column.push(&mut records, at);
                }
                row += 1;
                records.end_row(row);
            }
            sender.rows(records)?;
        }
    }
    Ok(())
}

fn is_readable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(_, _)
        | DataType::Decimal128(_, _) => true,
        DataType::Dictionary(_, values) => {
            is_readable(values) && !matches!(**values, DataType::Dictionary(_, _))
        }
        _ => false,
    }
}

/// A column of a batch, ready to be read row by row.
enum Column<'a> {
    Plain(&'a dyn Array),
    /// The column, for every row its place among the values, and the values.
    Dictionary(&'a dyn Array, Vec<usize>, &'a dyn Array),
}

impl<'a> Column<'a> {
    fn of(column: &'a dyn Array) -> Self {
        match column.as_any_dictionary_opt() {
            Some(dictionary) if !dictionary.values().is_empty() => Self::Dictionary(
                column,
                dictionary.normalized_keys(),
                dictionary.values().as_ref(),
            ),
            _ => Self::Plain(column),
        }
    }

    fn push(&self, records: &mut Records, row: usize) {
        match self {
            Self::Plain(column) => push(records, *column, row),
            Self::Dictionary(column, places, values) => match places.get(row) {
                // The place of a row without value is that of some other row's word.
                Some(place) if column.is_valid(row) && *place < values.len() => {
                    push(records, *values, *place)
                }
                _ => records.push_cell(b""),
            },
        }
    }
}

/// Appends the cell in `row` as text; empty where there is no value.
fn push(records: &mut Records, column: &dyn Array, row: usize) {
    macro_rules! primitive {
        ($type:ty) => {
            push_text(
                records,
                column
                    .as_primitive_opt::<$type>()
                    .map(|values| values.value(row)),
            )
        };
    }
    if column.is_null(row) {
        records.push_cell(b"");
        return;
    }
    match column.data_type() {
        DataType::Boolean => push_text(
            records,
            column
                .as_boolean_opt()
                .map(|values| u8::from(values.value(row))),
        ),
        DataType::Int8 => primitive!(Int8Type),
        DataType::Int16 => primitive!(Int16Type),
        DataType::Int32 => primitive!(Int32Type),
        DataType::Int64 => primitive!(Int64Type),
        DataType::UInt8 => primitive!(UInt8Type),
        DataType::UInt16 => primitive!(UInt16Type),
        DataType::UInt32 => primitive!(UInt32Type),
        DataType::UInt64 => primitive!(UInt64Type),
        DataType::Float32 => primitive!(Float32Type),
        DataType::Float64 => primitive!(Float64Type),
        DataType::Utf8 => records.push_cell(
            column
                .as_string_opt::<i32>()
                .map_or("", |values| values.value(row))
                .as_bytes(),
        ),
        DataType::LargeUtf8 => records.push_cell(
            column
                .as_string_opt::<i64>()
                .map_or("", |values| values.value(row))
                .as_bytes(),
        ),
        DataType::Utf8View => records.push_cell(
            column
                .as_string_view_opt()
                .map_or("", |values| values.value(row))
                .as_bytes(),
        ),
        DataType::Date32 => push_day(
            records,
            column
                .as_primitive_opt::<Date32Type>()
                .map(|values| i64::from(values.value(row))),
        ),
        DataType::Date64 => {
            let milliseconds = column
                .as_primitive_opt::<Date64Type>()
                .map(|values| values.value(row));
            push_day(
                records,
                milliseconds.map(|milliseconds| milliseconds.div_euclid(86_400_000)),
            );
        }
        DataType::Timestamp(unit, _) => push_day(records, timestamp(column, *unit, row)),
        DataType::Decimal128(_, _) => push_text(
            records,
            column
                .as_primitive_opt::<Decimal128Type>()
                .map(|values| values.value_as_string(row)),
        ),
        // `is_readable` has refused everything else; a dictionary without words has no value in any row.
        _ => records.push_cell(b""),
    }
}

/// Days since 1970-01-01 of a time, in the time zone in which it is stored.
fn timestamp(column: &dyn Array, unit: TimeUnit, row: usize) -> Option<i64> {
    use arrow_array::types::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType,
    };
    let (value, a_day) = match unit {
        TimeUnit::Second => (
            column.as_primitive_opt::<TimestampSecondType>()?.value(row),
            86_400,
        ),
        TimeUnit::Millisecond => (
            column
                .as_primitive_opt::<TimestampMillisecondType>()?
                .value(row),
            86_400_000,
        ),
        TimeUnit::Microsecond => (
            column
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .value(row),
            86_400_000_000,
        ),
        TimeUnit::Nanosecond => (
            column
                .as_primitive_opt::<TimestampNanosecondType>()?
                .value(row),
            86_400_000_000_000,
        ),
    };
    Some(value.div_euclid(a_day))
}

fn push_day(records: &mut Records, days: Option<i64>) {
    // A day that no calendar has is left as its number, which no date column takes.
    push_text(
        records,
        days.map(|days| dates::text(days).unwrap_or_else(|| days.to_string())),
    );
}

fn push_text(records: &mut Records, value: Option<impl ToString>) {
    records.push_cell(
        value
            .map_or_else(String::new, |value| value.to_string())
            .as_bytes(),
    );
}
