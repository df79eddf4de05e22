//! Reads a column from an Arrow IPC stream, without copying its values.
//!
//! The stream is what any Arrow implementation writes for one record batch of one column: a schema message, a dictionary batch for words,
//! a record batch, and an optional end mark. The messages' headers are read by the format's own verified accessors (`arrow-ipc`);
//! the buffers are cut out here, because the general reader of that crate trusts lengths that an uploaded message may get
//! wrong. Compressed bodies, big-endian streams and dictionaries in pieces are refused: our writer makes none.

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use arrow_ipc::{
    DateUnit, Endianness, Field, Message, MessageHeader, Precision, RecordBatch, Type,
    root_as_message,
};
use chudian_vocabulary::pseudonym::PSEUDONYM_BYTES;

use super::{CodeSlice, ColumnData, IdentitySlice, IntegerSlice, ScoreSlice, useful};
use crate::bitmap::Bitmap;
use crate::schema::{Column, Kind};
use crate::{COLUMN_BYTES_MAX, SEGMENT_ROWS, WORD_BYTES_MAX};

/// What stands before every message.
const CONTINUATION: u32 = u32::MAX;

/// Largest header of a message: ours have a few hundred bytes, foreign ones carry some metadata.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Alignment that the slices need: that of the widest value.
const ALIGNMENT_BYTES: usize = 8;

/// Why bytes are not the column that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than any column has.
    #[error("a column of a segment has at most {COLUMN_BYTES_MAX} bytes")]
    TooLarge,
    /// The stream ends inside a message.
    #[error("the Arrow stream ends too early")]
    Truncated,
    /// Not an Arrow IPC stream of one uncompressed batch.
    #[error("not an Arrow IPC stream of one column and one batch: {0}")]
    Malformed(&'static str),
    /// The field has another name than the column.
    #[error("the stream holds the column `{0}`")]
    OtherColumn(String),
    /// The field's type is none that the column's kind is kept in.
    #[error("a column of kind {0} is kept as {expected}", expected = expected_type(*.0))]
    OtherType(Kind),
    /// More rows than a segment has.
    #[error("a segment has at most {SEGMENT_ROWS} rows")]
    TooManyRows,
    /// A buffer is shorter than its rows call for, or lies outside the body.
    #[error("a buffer does not hold as many values as there are rows")]
    Buffer,
    /// The words do not ascend, or one is too long or not UTF-8.
    #[error(
        "the words of a column ascend strictly by bytes and have at most {WORD_BYTES_MAX} bytes of UTF-8"
    )]
    Words,
    /// A code has no word.
    #[error("a code has no word")]
    Code,
    /// A customer without id.
    #[error("every customer has an id")]
    NullIdentity,
    /// A score that is infinite or not a number.
    #[error("a score is a finite number")]
    Score,
}

/// The Arrow types that a kind is kept in, for the message.
const fn expected_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Word => "a dictionary of Utf8 with indices UInt8, UInt16 or UInt32",
        Kind::Integer | Kind::Money => "Int8, Int16, Int32, Int64, UInt8, UInt16 or UInt32",
        Kind::Score => "Float32 or Float64",
        Kind::Flag => "Boolean",
        Kind::Date => "Date32",
        Kind::Identity => "FixedSizeBinary(16)",
    }
}

/// How the values lie in the batch.
#[derive(Clone, Copy, Debug)]
enum Physical {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    F32,
    F64,
    Bits,
    Date,
    Identity,
    CodesU8,
    CodesU16,
    CodesU32,
}

impl ColumnData {
    /// Reads `column` from an Arrow IPC stream. The values stay in `bytes`, which the column keeps.
    ///
    /// # Errors
    /// A [`DecodeError`] for anything but a whole, uncompressed stream of one batch that holds this column in a type of its kind. Never
    /// allocates more than a small multiple of `bytes`.
    pub fn decode(bytes: Vec<u8>, column: &Column) -> Result<Self, DecodeError> {
        if bytes.len() > COLUMN_BYTES_MAX {
            return Err(DecodeError::TooLarge);
        }
        let buffer = Buffer::from_vec(bytes);
        // Allocators give large blocks well aligned, so this copies short ones at most.
        let buffer = if buffer.as_ptr().align_offset(ALIGNMENT_BYTES) == 0 {
            buffer
        } else {
            Buffer::from_slice_ref(buffer.as_slice())
        };
        let mut stream = Stream {
            buffer: &buffer,
            position: 0,
        };

        let schema = stream.next(MessageHeader::Schema)?;
        let physical = physical_type(&schema.message, column)?;
        let words = if column.kind == Kind::Word {
            Some(read_words(&stream.next(MessageHeader::DictionaryBatch)?)?)
        } else {
            None
        };
        let batch = stream.next(MessageHeader::RecordBatch)?;
        stream.expect_end()?;

        let record = batch
            .message
            .header_as_record_batch()
            .ok_or(DecodeError::Malformed("no record batch"))?;
        let body = Body::of(&batch.body, &record)?;
        read_values(&body, physical, words.unwrap_or_default())
    }
}

/// The messages of a stream, one after the other.
struct Stream<'a> {
    buffer: &'a Buffer,
    position: usize,
}

/// One message with its body.
struct Framed<'a> {
    message: Message<'a>,
    body: Buffer,
}

impl<'a> Stream<'a> {
    fn next(&mut self, wanted: MessageHeader) -> Result<Framed<'a>, DecodeError> {
        let header_bytes = self
            .header_bytes()?
            .ok_or(DecodeError::Malformed("a message is missing"))?;
        if header_bytes > HEADER_BYTES_MAX {
            return Err(DecodeError::Malformed("a header is too large"));
        }
        let header = self.take(header_bytes)?;
        let message = root_as_message(header)
            .map_err(|_| DecodeError::Malformed("a header cannot be read"))?;
        if message.header_type() != wanted {
            return Err(DecodeError::Malformed(
                "the messages are not schema, dictionary for words, record batch",
            ));
        }
        let body_bytes = usize::try_from(message.bodyLength())
            .map_err(|_| DecodeError::Malformed("a body has no length"))?;
        let start = self.position;
        self.take(body_bytes)?;
        Ok(Framed {
            message,
            body: self.buffer.slice_with_length(start, body_bytes),
        })
    }

    /// Length of the next header; nothing at the end of the stream, marked or not.
    fn header_bytes(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.position == self.buffer.len() {
            return Ok(None);
        }
        if self.take_u32()? != CONTINUATION {
            return Err(DecodeError::Malformed("a message has no mark"));
        }
        let bytes = self.take_u32()?;
        Ok((bytes > 0).then_some(usize::try_from(bytes).unwrap_or(usize::MAX)))
    }

    fn expect_end(&mut self) -> Result<(), DecodeError> {
        let ended = self.header_bytes()?.is_none() && self.position == self.buffer.len();
        if ended {
            Ok(())
        } else {
            Err(DecodeError::Malformed("something follows the batch"))
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], DecodeError> {
        let end = self
            .position
            .checked_add(bytes)
            .ok_or(DecodeError::Truncated)?;
        let taken = self
            .buffer
            .as_slice()
            .get(self.position..end)
            .ok_or(DecodeError::Truncated)?;
        self.position = end;
        Ok(taken)
    }

    fn take_u32(&mut self) -> Result<u32, DecodeError> {
        let bytes: [u8; 4] = self
            .take(4)?
            .try_into()
            .map_err(|_| DecodeError::Truncated)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

/// Checks that the schema message has this column alone, in a type of its kind.
fn physical_type(message: &Message<'_>, column: &Column) -> Result<Physical, DecodeError> {
    let schema = message
        .header_as_schema()
        .ok_or(DecodeError::Malformed("no schema"))?;
    if schema.endianness() != Endianness::Little {
        return Err(DecodeError::Malformed("the stream is big-endian"));
    }
    let fields = schema
        .fields()
        .ok_or(DecodeError::Malformed("the schema has no field"))?;
    if fields.len() != 1 {
        return Err(DecodeError::Malformed(
            "the schema has more or less than one field",
        ));
    }
    let field = fields.get(0);
    let name = field.name().unwrap_or_default();
    if name != column.name.as_str() {
        return Err(DecodeError::OtherColumn(
            name.chars()
                .take(crate::schema::COLUMN_NAME_CHARACTERS_MAX)
                .collect(),
        ));
    }
    field_type(&field, column.kind).ok_or(DecodeError::OtherType(column.kind))
}

fn field_type(field: &Field<'_>, kind: Kind) -> Option<Physical> {
    let dictionary = field.dictionary();
    if dictionary.is_some() != (kind == Kind::Word) {
        return None;
    }
    let float = |precision| match precision {
        Precision::SINGLE => Some(Physical::F32),
        Precision::DOUBLE => Some(Physical::F64),
        _ => None,
    };
    match (kind, field.type_type()) {
        (Kind::Integer | Kind::Money, Type::Int) => {
            let integer = field.type_as_int()?;
            match (integer.is_signed(), integer.bitWidth()) {
                (true, 8) => Some(Physical::I8),
                (true, 16) => Some(Physical::I16),
                (true, 32) => Some(Physical::I32),
                (true, 64) => Some(Physical::I64),
                (false, 8) => Some(Physical::U8),
                (false, 16) => Some(Physical::U16),
                (false, 32) => Some(Physical::U32),
                _ => None,
            }
        }
        (Kind::Score, Type::FloatingPoint) => float(field.type_as_floating_point()?.precision()),
        (Kind::Flag, Type::Bool) => Some(Physical::Bits),
        (Kind::Date, Type::Date) => {
            (field.type_as_date()?.unit() == DateUnit::DAY).then_some(Physical::Date)
        }
        (Kind::Identity, Type::FixedSizeBinary) => {
            let width = usize::try_from(field.type_as_fixed_size_binary()?.byteWidth()).ok()?;
            (width == PSEUDONYM_BYTES).then_some(Physical::Identity)
        }
        (Kind::Word, Type::Utf8) => {
            let index = dictionary?.indexType()?;
            match (index.is_signed(), index.bitWidth()) {
                (false, 8) => Some(Physical::CodesU8),
                (false, 16) => Some(Physical::CodesU16),
                (false, 32) => Some(Physical::CodesU32),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The buffers of one batch.
struct Body<'a> {
    bytes: &'a Buffer,
    /// Offset and length of each buffer, inside `bytes`.
    places: Vec<(usize, usize)>,
    rows: usize,
    nulls: usize,
}

/// Most buffers of a batch of one column: validity, offsets, values.
const BUFFERS_MAX: usize = 3;

impl<'a> Body<'a> {
    fn of(bytes: &'a Buffer, batch: &RecordBatch<'_>) -> Result<Self, DecodeError> {
        if batch.compression().is_some() {
            return Err(DecodeError::Malformed("the batch is compressed"));
        }
        let rows = usize::try_from(batch.length()).map_err(|_| DecodeError::TooManyRows)?;
        if rows > SEGMENT_ROWS {
            return Err(DecodeError::TooManyRows);
        }
        let nodes =
            batch
                .nodes()
                .filter(|nodes| nodes.len() == 1)
                .ok_or(DecodeError::Malformed(
                    "the batch has more or less than one column",
                ))?;
        let node = nodes.get(0);
        let nulls = usize::try_from(node.null_count())
            .ok()
            .filter(|nulls| *nulls <= rows);
        if usize::try_from(node.length()) != Ok(rows) {
            return Err(DecodeError::Buffer);
        }
        let buffers = batch
            .buffers()
            .filter(|buffers| buffers.len() <= BUFFERS_MAX)
            .ok_or(DecodeError::Buffer)?;
        let mut places = Vec::with_capacity(BUFFERS_MAX);
        for buffer in buffers {
            let offset = usize::try_from(buffer.offset()).map_err(|_| DecodeError::Buffer)?;
            let length = usize::try_from(buffer.length()).map_err(|_| DecodeError::Buffer)?;
            if offset
                .checked_add(length)
                .is_none_or(|end| end > bytes.len())
            {
                return Err(DecodeError::Buffer);
            }
            places.push((offset, length));
        }
        Ok(Self {
            bytes,
            places,
            rows,
            nulls: nulls.ok_or(DecodeError::Buffer)?,
        })
    }

    /// The buffer `index`, cut to `bytes` bytes.
    fn buffer(&self, index: usize, bytes: usize) -> Result<Buffer, DecodeError> {
        match self.places.get(index) {
            Some((offset, length)) if *length >= bytes => {
                Ok(self.bytes.slice_with_length(*offset, bytes))
            }
            _ => Err(DecodeError::Buffer),
        }
    }

    /// The buffer `index` as `count` values of `T`, in place where it is aligned.
    fn values<T: ArrowNativeType>(
        &self,
        index: usize,
        count: usize,
    ) -> Result<ScalarBuffer<T>, DecodeError> {
        let buffer = self.buffer(
            index,
            count
                .checked_mul(size_of::<T>())
                .ok_or(DecodeError::Buffer)?,
        )?;
        let aligned = buffer.as_ptr().align_offset(align_of::<T>()) == 0;
        Ok(ScalarBuffer::from(if aligned {
            buffer
        } else {
            Buffer::from_slice_ref(buffer.as_slice())
        }))
    }

    /// Which rows have a value; `None` when all have.
    fn validity(&self) -> Result<Option<Bitmap>, DecodeError> {
        if self.nulls == 0 {
            return Ok(None);
        }
        let bitmap =
            Bitmap::from_bytes(self.buffer(0, self.rows.div_ceil(8))?.as_slice(), self.rows);
        if self.rows - bitmap.count() == self.nulls {
            Ok(useful(bitmap))
        } else {
            Err(DecodeError::Buffer)
        }
    }
}

fn read_values(
    body: &Body<'_>,
    physical: Physical,
    words: Vec<String>,
) -> Result<ColumnData, DecodeError> {
    let validity = body.validity()?;
    let integers = |values, validity| ColumnData::Integers { values, validity };
    let rows = body.rows;
    Ok(match physical {
        Physical::I8 => integers(IntegerSlice::I8(body.values(1, rows)?), validity),
        Physical::I16 => integers(IntegerSlice::I16(body.values(1, rows)?), validity),
        Physical::I32 => integers(IntegerSlice::I32(body.values(1, rows)?), validity),
        Physical::I64 => integers(IntegerSlice::I64(body.values(1, rows)?), validity),
        Physical::U8 => integers(IntegerSlice::U8(body.values(1, rows)?), validity),
        Physical::U16 => integers(IntegerSlice::U16(body.values(1, rows)?), validity),
        Physical::U32 => integers(IntegerSlice::U32(body.values(1, rows)?), validity),
        Physical::F32 => {
            let values: ScalarBuffer<f32> = body.values(1, rows)?;
            check_scores(
                values.iter().map(|value| value.is_finite()),
                validity.as_ref(),
            )?;
            ColumnData::Scores {
                values: ScoreSlice::F32(values),
                validity,
            }
        }
        Physical::F64 => {
            let values: ScalarBuffer<f64> = body.values(1, rows)?;
            check_scores(
                values.iter().map(|value| value.is_finite()),
                validity.as_ref(),
            )?;
            ColumnData::Scores {
                values: ScoreSlice::F64(values),
                validity,
            }
        }
        Physical::Bits => {
            let values = Bitmap::from_bytes(body.buffer(1, rows.div_ceil(8))?.as_slice(), rows);
            ColumnData::Flags { values, validity }
        }
        Physical::Date => ColumnData::Dates {
            values: body.values(1, rows)?,
            validity,
        },
        Physical::Identity if validity.is_some() => return Err(DecodeError::NullIdentity),
        Physical::Identity => ColumnData::Identities {
            values: IdentitySlice(body.buffer(1, rows * PSEUDONYM_BYTES)?),
        },
        Physical::CodesU8 => {
            let codes: ScalarBuffer<u8> = body.values(1, rows)?;
            check_codes(&codes, &words, validity.as_ref())?;
            ColumnData::Words {
                codes: CodeSlice::U8(codes),
                words,
                validity,
            }
        }
        Physical::CodesU16 => {
            let codes: ScalarBuffer<u16> = body.values(1, rows)?;
            check_codes(&codes, &words, validity.as_ref())?;
            ColumnData::Words {
                codes: CodeSlice::U16(codes),
                words,
                validity,
            }
        }
        Physical::CodesU32 => {
            let codes: ScalarBuffer<u32> = body.values(1, rows)?;
            check_codes(&codes, &words, validity.as_ref())?;
            ColumnData::Words {
                codes: CodeSlice::U32(codes),
                words,
                validity,
            }
        }
    })
}

/// Every row that counts has a finite score.
fn check_scores(
    finite: impl Iterator<Item = bool>,
    validity: Option<&Bitmap>,
) -> Result<(), DecodeError> {
    let sound = finite
        .enumerate()
        .all(|(row, finite)| finite || validity.is_some_and(|validity| !validity.get(row)));
    if sound {
        Ok(())
    } else {
        Err(DecodeError::Score)
    }
}

/// Every code has a word, also in rows without value, so that a filter may look codes up without asking which rows count. Without
/// words no row counts, and every code is zero.
fn check_codes<T: ArrowNativeType>(
    codes: &[T],
    words: &[String],
    validity: Option<&Bitmap>,
) -> Result<(), DecodeError> {
    let largest = codes.iter().map(|code| code.as_usize()).max().unwrap_or(0);
    let no_row_counts = codes.is_empty() || validity.is_some_and(|validity| validity.count() == 0);
    if largest < words.len() || (largest == 0 && no_row_counts) {
        Ok(())
    } else {
        Err(DecodeError::Code)
    }
}

/// The words of a dictionary batch, which must ascend.
fn read_words(framed: &Framed<'_>) -> Result<Vec<String>, DecodeError> {
    let dictionary = framed
        .message
        .header_as_dictionary_batch()
        .ok_or(DecodeError::Malformed("no dictionary"))?;
    if dictionary.isDelta() {
        return Err(DecodeError::Malformed("the dictionary comes in pieces"));
    }
    let batch = dictionary
        .data()
        .ok_or(DecodeError::Malformed("no dictionary"))?;
    let body = Body::of(&framed.body, &batch)?;
    if body.nulls > 0 {
        return Err(DecodeError::Words);
    }
    if body.rows == 0 {
        return Ok(Vec::new());
    }
    let offsets: ScalarBuffer<i32> = body.values(1, body.rows + 1)?;
    let offset = |at: &i32| usize::try_from(*at).map_err(|_| DecodeError::Buffer);
    let text_bytes = offsets.last().map_or(Ok(0), offset)?;
    let text = body.buffer(2, text_bytes)?;
    let mut words: Vec<String> = Vec::with_capacity(body.rows);
    for (start, end) in offsets.iter().zip(offsets.iter().skip(1)) {
        let bytes = text
            .as_slice()
            .get(offset(start)?..offset(end)?)
            .ok_or(DecodeError::Buffer)?;
        let word = std::str::from_utf8(bytes).map_err(|_| DecodeError::Words)?;
        if bytes.len() > WORD_BYTES_MAX || words.last().is_some_and(|last| last.as_str() >= word) {
            return Err(DecodeError::Words);
        }
        words.push(word.to_owned());
    }
    Ok(words)
}
