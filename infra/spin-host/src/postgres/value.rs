//! Rows of a result, from PostgreSQL's binary form to the interface. The table of types is Spin's.

use sqlx::postgres::{PgColumn, PgRow, PgTypeInfo};
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::bindings::postgres::{Column, DbDataType, DbValue, Error, Interval, RangeBoundKind};
use crate::postgres::calendar;
use crate::postgres::numeric;
use crate::postgres::wire::{Input, JSONB_VERSION, oid, range_flag};

/// What a value costs beside its bytes.
const VALUE_OVERHEAD_BYTES: u64 = 48;

type Range<Bound> = (
    Option<(Bound, RangeBoundKind)>,
    Option<(Bound, RangeBoundKind)>,
);

/// The columns of a prepared statement.
pub(crate) fn columns(columns: &[PgColumn]) -> Vec<Column> {
    columns
        .iter()
        .map(|column| Column {
            name: column.name().to_owned(),
            data_type: data_type(column.type_info()),
        })
        .collect()
}

/// A row and about how many bytes it takes.
pub(crate) fn row(row: &PgRow) -> Result<(Vec<DbValue>, u64), Error> {
    let mut values = Vec::with_capacity(row.len());
    let mut size = 0;
    for (index, column) in row.columns().iter().enumerate() {
        let failed = |reason: &str| {
            Error::ValueConversionFailed(format!("column `{}`: {reason}", column.name()))
        };
        let raw = row
            .try_get_raw(index)
            .map_err(|error| failed(&error.to_string()))?;
        size += VALUE_OVERHEAD_BYTES;
        if raw.is_null() {
            values.push(DbValue::DbNull);
            continue;
        }
        let bytes = raw.as_bytes().map_err(|error| failed(&error.to_string()))?;
        size += bytes.len() as u64;
        let type_number = column.type_info().oid().map_or(0, |oid| oid.0);
        let value = decode(type_number, bytes).ok_or_else(|| {
            failed(&format!(
                "this value of type {} has no counterpart in the interface",
                column.type_info().name()
            ))
        })?;
        values.push(value);
    }
    Ok((values, size))
}

fn data_type(type_info: &PgTypeInfo) -> DbDataType {
    match type_info.oid().map_or(0, |oid| oid.0) {
        oid::BOOL => DbDataType::Boolean,
        oid::CHAR => DbDataType::Int8,
        oid::INT2 => DbDataType::Int16,
        oid::INT4 => DbDataType::Int32,
        oid::INT8 => DbDataType::Int64,
        oid::FLOAT4 => DbDataType::Floating32,
        oid::FLOAT8 => DbDataType::Floating64,
        oid::TEXT | oid::VARCHAR | oid::BPCHAR => DbDataType::Str,
        oid::BYTEA => DbDataType::Binary,
        oid::DATE => DbDataType::Date,
        oid::TIME => DbDataType::Time,
        oid::TIMESTAMP | oid::TIMESTAMPTZ => DbDataType::Datetime,
        oid::UUID => DbDataType::Uuid,
        oid::JSONB => DbDataType::Jsonb,
        oid::NUMERIC => DbDataType::Decimal,
        oid::INT4_RANGE => DbDataType::RangeInt32,
        oid::INT8_RANGE => DbDataType::RangeInt64,
        oid::NUM_RANGE => DbDataType::RangeDecimal,
        oid::INT4_ARRAY => DbDataType::ArrayInt32,
        oid::INT8_ARRAY => DbDataType::ArrayInt64,
        oid::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        oid::TEXT_ARRAY | oid::VARCHAR_ARRAY | oid::BPCHAR_ARRAY => DbDataType::ArrayStr,
        oid::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(type_info.name().to_ascii_lowercase()),
    }
}

/// `None` when the interface cannot say it: an infinite date, an empty range, an array of arrays.
fn decode(type_number: u32, bytes: &[u8]) -> Option<DbValue> {
    let mut input = Input::new(bytes);
    Some(match type_number {
        oid::BOOL => DbValue::Boolean(input.u8()? != 0),
        oid::CHAR => DbValue::Int8(i8::from_be_bytes([input.u8()?])),
        oid::INT2 => DbValue::Int16(input.i16()?),
        oid::INT4 => DbValue::Int32(input.i32()?),
        oid::INT8 => DbValue::Int64(input.i64()?),
        oid::FLOAT4 => DbValue::Floating32(f32::from_be_bytes(bytes.try_into().ok()?)),
        oid::FLOAT8 => DbValue::Floating64(f64::from_be_bytes(bytes.try_into().ok()?)),
        oid::TEXT | oid::VARCHAR | oid::BPCHAR => DbValue::Str(text(bytes)?),
        oid::BYTEA => DbValue::Binary(bytes.to_vec()),
        oid::DATE => DbValue::Date(calendar::date_of(input.i32()?)?),
        oid::TIME => DbValue::Time(calendar::time_of(input.i64()?)?),
        oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            DbValue::Datetime(calendar::datetime_of(input.i64()?)?)
        }
        oid::UUID => DbValue::Uuid(uuid(bytes)?),
        oid::JSONB => DbValue::Jsonb(bytes.strip_prefix(&[JSONB_VERSION])?.to_vec()),
        oid::NUMERIC => DbValue::Decimal(numeric::decode(bytes)?),
        oid::INT4_RANGE => DbValue::RangeInt32(range(&mut input, |bound| Input::new(bound).i32())?),
        oid::INT8_RANGE => DbValue::RangeInt64(range(&mut input, |bound| Input::new(bound).i64())?),
        oid::NUM_RANGE => DbValue::RangeDecimal(range(&mut input, numeric::decode)?),
        oid::INT4_ARRAY => DbValue::ArrayInt32(array(&mut input, |item| Input::new(item).i32())?),
        oid::INT8_ARRAY => DbValue::ArrayInt64(array(&mut input, |item| Input::new(item).i64())?),
        oid::NUMERIC_ARRAY => DbValue::ArrayDecimal(array(&mut input, numeric::decode)?),
        oid::TEXT_ARRAY | oid::VARCHAR_ARRAY | oid::BPCHAR_ARRAY => {
            DbValue::ArrayStr(array(&mut input, text)?)
        }
        oid::INTERVAL => DbValue::Interval(Interval {
            micros: input.i64()?,
            days: input.i32()?,
            months: input.i32()?,
        }),
        _ => DbValue::Unsupported(bytes.to_vec()),
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes.try_into().ok()?));
    Some(
        [
            digits.get(..8)?,
            digits.get(8..12)?,
            digits.get(12..16)?,
            digits.get(16..20)?,
            digits.get(20..)?,
        ]
        .join("-"),
    )
}

fn range<Bound>(
    input: &mut Input<'_>,
    decode_bound: impl Fn(&[u8]) -> Option<Bound>,
) -> Option<Range<Bound>> {
    let flags = input.u8()?;
    if flags & range_flag::EMPTY != 0 {
        return None;
    }
    let mut bound = |infinite: u8, inclusive: u8| -> Option<Option<(Bound, RangeBoundKind)>> {
        if flags & infinite != 0 {
            return Some(None);
        }
        let kind = if flags & inclusive != 0 {
            RangeBoundKind::Inclusive
        } else {
            RangeBoundKind::Exclusive
        };
        Some(Some((decode_bound(input.field()??)?, kind)))
    };
    let lower = bound(range_flag::LOWER_INFINITE, range_flag::LOWER_INCLUSIVE)?;
    let upper = bound(range_flag::UPPER_INFINITE, range_flag::UPPER_INCLUSIVE)?;
    Some((lower, upper))
}

fn array<Item>(
    input: &mut Input<'_>,
    decode_item: impl Fn(&[u8]) -> Option<Item>,
) -> Option<Vec<Option<Item>>> {
    let dimensions = input.i32()?;
    // Whether there are NULLs, and the type of the items, which the array's own type tells.
    input.take(8)?;
    match dimensions {
        0 => return Some(Vec::new()),
        1 => {}
        _ => return None,
    }
    let count = input.i32()?;
    input.i32()?;
    (0..count)
        .map(|_| match input.field()? {
            None => Some(None),
            Some(item) => decode_item(item).map(Some),
        })
        .collect()
}
