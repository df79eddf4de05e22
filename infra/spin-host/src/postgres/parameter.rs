//! Parameters of a statement, from the interface to PostgreSQL's binary form.

use sqlx::Arguments as _;
use sqlx::TypeInfo as _;
use sqlx::postgres::{PgArguments, PgTypeInfo};

use crate::bindings::postgres::{Error, ParameterValue, RangeBoundKind};
use crate::postgres::calendar;
use crate::postgres::numeric;
use crate::postgres::wire::{JSONB_VERSION, RawParameter, oid, push_field, range_flag};

/// A range's bounds as the interface writes them.
type Range<Bound> = (
    Option<(Bound, RangeBoundKind)>,
    Option<(Bound, RangeBoundKind)>,
);

/// Binds the values to a prepared statement's parameters. Their number and types must be those that the statement expects:
/// what stock Spin refuses is refused here too, so that a component does not find out there.
pub(crate) fn bind(
    values: &[ParameterValue],
    expected: &[PgTypeInfo],
) -> Result<PgArguments, Error> {
    if values.len() != expected.len() {
        return Err(Error::BadParameter(format!(
            "the statement has {} parameters, {} were given",
            expected.len(),
            values.len()
        )));
    }
    let mut arguments = PgArguments::default();
    for (index, (value, expected)) in values.iter().zip(expected).enumerate() {
        let position = index + 1;
        let type_number = expected.oid().map_or(0, |oid| oid.0);
        if !accepts(value, type_number, expected.name()) {
            return Err(Error::BadParameter(format!(
                "parameter ${position} is {}, but the statement expects {}; write a cast such as ${position}::{}",
                name_of(value),
                expected.name().to_ascii_lowercase(),
                natural_type(value),
            )));
        }
        let bytes = encode(value).ok_or_else(|| {
            Error::BadParameter(format!(
                "parameter ${position} is not a valid {}",
                name_of(value)
            ))
        })?;
        arguments
            .add(RawParameter {
                bytes,
                expected: expected.clone(),
            })
            .map_err(|error| Error::BadParameter(error.to_string()))?;
    }
    Ok(arguments)
}

fn accepts(value: &ParameterValue, expected: u32, expected_name: &str) -> bool {
    match value {
        ParameterValue::DbNull => true,
        ParameterValue::Boolean(_) => expected == oid::BOOL,
        ParameterValue::Int8(_) => expected == oid::CHAR,
        ParameterValue::Int16(_) => expected == oid::INT2,
        ParameterValue::Int32(_) => expected == oid::INT4,
        ParameterValue::Int64(_) => expected == oid::INT8,
        ParameterValue::Floating32(_) => expected == oid::FLOAT4,
        ParameterValue::Floating64(_) => expected == oid::FLOAT8,
        ParameterValue::Str(_) => {
            [
                oid::TEXT,
                oid::VARCHAR,
                oid::BPCHAR,
                oid::NAME,
                oid::UNKNOWN,
            ]
            .contains(&expected)
                || expected_name.eq_ignore_ascii_case("citext")
        }
        ParameterValue::Binary(_) => expected == oid::BYTEA,
        ParameterValue::Date(_) => expected == oid::DATE,
        ParameterValue::Time(_) => expected == oid::TIME,
        ParameterValue::Datetime(_) => expected == oid::TIMESTAMP,
        ParameterValue::Timestamp(_) => expected == oid::TIMESTAMPTZ,
        ParameterValue::Uuid(_) => expected == oid::UUID,
        ParameterValue::Jsonb(_) => expected == oid::JSONB,
        ParameterValue::Decimal(_) => expected == oid::NUMERIC,
        ParameterValue::RangeInt32(_) => expected == oid::INT4_RANGE,
        ParameterValue::RangeInt64(_) => expected == oid::INT8_RANGE,
        ParameterValue::RangeDecimal(_) => expected == oid::NUM_RANGE,
        ParameterValue::ArrayInt32(_) => expected == oid::INT4_ARRAY,
        ParameterValue::ArrayInt64(_) => expected == oid::INT8_ARRAY,
        ParameterValue::ArrayDecimal(_) => expected == oid::NUMERIC_ARRAY,
        ParameterValue::ArrayStr(_) => [
            oid::TEXT_ARRAY,
            oid::VARCHAR_ARRAY,
            oid::BPCHAR_ARRAY,
            oid::NAME_ARRAY,
        ]
        .contains(&expected),
        ParameterValue::Interval(_) => expected == oid::INTERVAL,
    }
}

/// The binary form; the inner `None` is NULL, the outer says that there is no such value.
fn encode(value: &ParameterValue) -> Option<Option<Vec<u8>>> {
    let bytes = match value {
        ParameterValue::DbNull => return Some(None),
        ParameterValue::Boolean(flag) => vec![u8::from(*flag)],
        ParameterValue::Int8(number) => number.to_be_bytes().to_vec(),
        ParameterValue::Int16(number) => number.to_be_bytes().to_vec(),
        ParameterValue::Int32(number) => number.to_be_bytes().to_vec(),
        ParameterValue::Int64(number) => number.to_be_bytes().to_vec(),
        ParameterValue::Floating32(number) => number.to_be_bytes().to_vec(),
        ParameterValue::Floating64(number) => number.to_be_bytes().to_vec(),
        ParameterValue::Str(text) => text.as_bytes().to_vec(),
        ParameterValue::Binary(bytes) => bytes.clone(),
        ParameterValue::Date((year, month, day)) => calendar::days_of(*year, *month, *day)?
            .to_be_bytes()
            .to_vec(),
        ParameterValue::Time((hour, minute, second, nanosecond)) => {
            calendar::microseconds_of(*hour, *minute, *second, *nanosecond)?
                .to_be_bytes()
                .to_vec()
        }
        ParameterValue::Datetime(moment) => calendar::timestamp_of(*moment)?.to_be_bytes().to_vec(),
        ParameterValue::Timestamp(seconds) => calendar::timestamp_of_unix(*seconds)?
            .to_be_bytes()
            .to_vec(),
        ParameterValue::Uuid(text) => uuid_bytes(text)?.to_vec(),
        ParameterValue::Jsonb(text) => [&[JSONB_VERSION], text.as_slice()].concat(),
        ParameterValue::Decimal(text) => numeric::encode(text)?,
        ParameterValue::RangeInt32(range) => {
            encode_range(range, |bound| Some(bound.to_be_bytes().to_vec()))?
        }
        ParameterValue::RangeInt64(range) => {
            encode_range(range, |bound| Some(bound.to_be_bytes().to_vec()))?
        }
        ParameterValue::RangeDecimal(range) => encode_range(range, |bound| numeric::encode(bound))?,
        ParameterValue::ArrayInt32(items) => {
            encode_array(items, oid::INT4, |item| Some(item.to_be_bytes().to_vec()))?
        }
        ParameterValue::ArrayInt64(items) => {
            encode_array(items, oid::INT8, |item| Some(item.to_be_bytes().to_vec()))?
        }
        ParameterValue::ArrayDecimal(items) => {
            encode_array(items, oid::NUMERIC, |item| numeric::encode(item))?
        }
        ParameterValue::ArrayStr(items) => {
            encode_array(items, oid::TEXT, |item| Some(item.as_bytes().to_vec()))?
        }
        ParameterValue::Interval(interval) => {
            let mut bytes = interval.micros.to_be_bytes().to_vec();
            bytes.extend(interval.days.to_be_bytes());
            bytes.extend(interval.months.to_be_bytes());
            bytes
        }
    };
    Some(Some(bytes))
}

fn encode_range<Bound>(
    range: &Range<Bound>,
    encode_bound: impl Fn(&Bound) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let (lower, upper) = range;
    let flag = |bound: &Option<(Bound, RangeBoundKind)>, inclusive: u8, infinite: u8| match bound {
        None => infinite,
        Some((_, RangeBoundKind::Inclusive)) => inclusive,
        Some((_, RangeBoundKind::Exclusive)) => 0,
    };
    let flags = flag(
        lower,
        range_flag::LOWER_INCLUSIVE,
        range_flag::LOWER_INFINITE,
    ) | flag(
        upper,
        range_flag::UPPER_INCLUSIVE,
        range_flag::UPPER_INFINITE,
    );
    let mut bytes = vec![flags];
    for (bound, _) in [lower, upper].into_iter().flatten() {
        push_field(&mut bytes, Some(&encode_bound(bound)?))?;
    }
    Some(bytes)
}

fn encode_array<Item>(
    items: &[Option<Item>],
    item_type: u32,
    encode_item: impl Fn(&Item) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let has_null = items.iter().any(Option::is_none);
    let dimensions = i32::from(!items.is_empty());
    let mut bytes = [
        dimensions.to_be_bytes(),
        i32::from(has_null).to_be_bytes(),
        item_type.to_be_bytes(),
    ]
    .concat();
    if !items.is_empty() {
        bytes.extend(i32::try_from(items.len()).ok()?.to_be_bytes());
        // Arrays count from 1 unless told otherwise.
        bytes.extend(1_i32.to_be_bytes());
    }
    for item in items {
        let field = match item {
            None => None,
            Some(item) => Some(encode_item(item)?),
        };
        push_field(&mut bytes, field.as_deref())?;
    }
    Some(bytes)
}

/// The 16 bytes of a UUID written with or without hyphens and braces.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .unwrap_or(text);
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let hyphens_are_right = match text.len() {
        32 => true,
        36 => text
            .bytes()
            .enumerate()
            .all(|(index, byte)| (byte == b'-') == matches!(index, 8 | 13 | 18 | 23)),
        _ => false,
    };
    if digits.len() != 32 || !hyphens_are_right || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u128::from_str_radix(std::str::from_utf8(&digits).ok()?, 16)
        .ok()
        .map(u128::to_be_bytes)
}

fn name_of(value: &ParameterValue) -> &'static str {
    match value {
        ParameterValue::Boolean(_) => "boolean",
        ParameterValue::Int8(_) => "int8 (one byte)",
        ParameterValue::Int16(_) => "int16",
        ParameterValue::Int32(_) => "int32",
        ParameterValue::Int64(_) => "int64",
        ParameterValue::Floating32(_) => "floating32",
        ParameterValue::Floating64(_) => "floating64",
        ParameterValue::Str(_) => "str",
        ParameterValue::Binary(_) => "binary",
        ParameterValue::Date(_) => "date",
        ParameterValue::Time(_) => "time",
        ParameterValue::Datetime(_) => "datetime",
        ParameterValue::Timestamp(_) => "timestamp",
        ParameterValue::Uuid(_) => "uuid",
        ParameterValue::Jsonb(_) => "jsonb",
        ParameterValue::Decimal(_) => "decimal",
        ParameterValue::RangeInt32(_) => "range-int32",
        ParameterValue::RangeInt64(_) => "range-int64",
        ParameterValue::RangeDecimal(_) => "range-decimal",
        ParameterValue::ArrayInt32(_) => "array-int32",
        ParameterValue::ArrayInt64(_) => "array-int64",
        ParameterValue::ArrayDecimal(_) => "array-decimal",
        ParameterValue::ArrayStr(_) => "array-str",
        ParameterValue::Interval(_) => "interval",
        ParameterValue::DbNull => "null",
    }
}

/// The SQL type to which a value of this kind belongs.
fn natural_type(value: &ParameterValue) -> &'static str {
    match value {
        ParameterValue::Boolean(_) => "boolean",
        ParameterValue::Int8(_) => "\"char\"",
        ParameterValue::Int16(_) => "smallint",
        ParameterValue::Int32(_) => "integer",
        ParameterValue::Int64(_) => "bigint",
        ParameterValue::Floating32(_) => "real",
        ParameterValue::Floating64(_) => "double precision",
        ParameterValue::Str(_) | ParameterValue::DbNull => "text",
        ParameterValue::Binary(_) => "bytea",
        ParameterValue::Date(_) => "date",
        ParameterValue::Time(_) => "time",
        ParameterValue::Datetime(_) => "timestamp",
        ParameterValue::Timestamp(_) => "timestamptz",
        ParameterValue::Uuid(_) => "uuid",
        ParameterValue::Jsonb(_) => "jsonb",
        ParameterValue::Decimal(_) => "numeric",
        ParameterValue::RangeInt32(_) => "int4range",
        ParameterValue::RangeInt64(_) => "int8range",
        ParameterValue::RangeDecimal(_) => "numrange",
        ParameterValue::ArrayInt32(_) => "integer[]",
        ParameterValue::ArrayInt64(_) => "bigint[]",
        ParameterValue::ArrayDecimal(_) => "numeric[]",
        ParameterValue::ArrayStr(_) => "text[]",
        ParameterValue::Interval(_) => "interval",
    }
}

#[cfg(test)]
mod tests {
    use super::uuid_bytes;

    #[test]
    fn uuids_are_read_in_every_usual_form() {
        let expected = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128.to_be_bytes();
        for good in [
            "01234567-89ab-cdef-0123-456789abcdef",
            "0123456789ABCDEF0123456789abcdef",
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        ] {
            assert_eq!(uuid_bytes(good), Some(expected), "{good}");
        }
        for bad in [
            "",
            "01234567",
            "0123456-789ab-cdef-0123-456789abcdef",
            "g1234567-89ab-cdef-0123-456789abcdef",
            "+123456789ABCDEF0123456789abcdef",
        ] {
            assert_eq!(uuid_bytes(bad), None, "{bad}");
        }
    }
}
