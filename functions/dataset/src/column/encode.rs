//! Writes a column as an Arrow IPC stream of one batch, which any Arrow implementation reads.

use std::sync::Arc;

use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, DictionaryArray, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, PrimitiveArray,
    RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, Schema};
use chudian_vocabulary::pseudonym::PSEUDONYM_BYTES;

use super::{CodeSlice, ColumnData, IntegerSlice, ScoreSlice};
use crate::bitmap::Bitmap;
use crate::schema::ColumnName;
use crate::{COLUMN_BYTES_MAX, SEGMENT_ROWS};

/// Why a column cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More rows than a segment has.
    #[error("a segment has at most {SEGMENT_ROWS} rows")]
    TooManyRows,
    /// The words take too much room.
    #[error("a column of a segment has at most {COLUMN_BYTES_MAX} bytes")]
    TooLarge,
    /// The parts of the column do not fit one another; a defect of whoever made it.
    #[error("the column is inconsistent: {0}")]
    Inconsistent(String),
}

impl From<ArrowError> for EncodeError {
    fn from(error: ArrowError) -> Self {
        Self::Inconsistent(error.to_string())
    }
}

impl ColumnData {
    /// The column as an Arrow IPC stream of one batch with the one field `name`.
    ///
    /// # Errors
    /// An [`EncodeError`] when the column is larger than a segment's may be, or inconsistent.
    pub fn encode(&self, name: &ColumnName) -> Result<Vec<u8>, EncodeError> {
        if self.rows() > SEGMENT_ROWS {
            return Err(EncodeError::TooManyRows);
        }
        let array = self.to_array()?;
        let field = Field::new(name.as_str(), array.data_type().clone(), true);
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array])?;
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        writer.write(&batch)?;
        let bytes = writer.into_inner()?;
        if bytes.len() > COLUMN_BYTES_MAX {
            Err(EncodeError::TooLarge)
        } else {
            Ok(bytes)
        }
    }

    /// The column as an Arrow array; the values are shared.
    fn to_array(&self) -> Result<ArrayRef, EncodeError> {
        let nulls = self.validity().map(null_buffer);
        Ok(match self {
            Self::Integers { values, .. } => match values {
                IntegerSlice::I8(values) => Arc::new(Int8Array::try_new(values.clone(), nulls)?),
                IntegerSlice::I16(values) => Arc::new(Int16Array::try_new(values.clone(), nulls)?),
                IntegerSlice::I32(values) => Arc::new(Int32Array::try_new(values.clone(), nulls)?),
                IntegerSlice::I64(values) => Arc::new(Int64Array::try_new(values.clone(), nulls)?),
                IntegerSlice::U8(values) => Arc::new(UInt8Array::try_new(values.clone(), nulls)?),
                IntegerSlice::U16(values) => Arc::new(UInt16Array::try_new(values.clone(), nulls)?),
                IntegerSlice::U32(values) => Arc::new(UInt32Array::try_new(values.clone(), nulls)?),
            },
            Self::Words { codes, words, .. } => {
                let words = Arc::new(StringArray::from_iter_values(words));
                // Arrow wants every code below the number of words, also where no row counts.
                match codes {
                    CodeSlice::U8(codes) => {
                        let keys = PrimitiveArray::<UInt8Type>::try_new(codes.clone(), nulls)?;
                        Arc::new(DictionaryArray::try_new(keys, words)?)
                    }
                    CodeSlice::U16(codes) => {
                        let keys = PrimitiveArray::<UInt16Type>::try_new(codes.clone(), nulls)?;
                        Arc::new(DictionaryArray::try_new(keys, words)?)
                    }
                    CodeSlice::U32(codes) => {
                        let keys = PrimitiveArray::<UInt32Type>::try_new(codes.clone(), nulls)?;
                        Arc::new(DictionaryArray::try_new(keys, words)?)
                    }
                }
            }
            Self::Flags { values, .. } => {
                Arc::new(BooleanArray::new(boolean_buffer(values), nulls))
            }
            Self::Scores {
                values: ScoreSlice::F32(values),
                ..
            } => Arc::new(Float32Array::try_new(values.clone(), nulls)?),
            Self::Scores {
                values: ScoreSlice::F64(values),
                ..
            } => Arc::new(Float64Array::try_new(values.clone(), nulls)?),
            Self::Dates { values, .. } => Arc::new(Date32Array::try_new(values.clone(), nulls)?),
            Self::Identities { values } => {
                let width = i32::try_from(PSEUDONYM_BYTES).map_err(|_| EncodeError::TooLarge)?;
                Arc::new(FixedSizeBinaryArray::try_new(
                    width,
                    values.0.clone(),
                    None,
                )?)
            }
        })
    }
}

fn boolean_buffer(bitmap: &Bitmap) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(bitmap.to_bytes()), 0, bitmap.len())
}

fn null_buffer(validity: &Bitmap) -> NullBuffer {
    NullBuffer::new(boolean_buffer(validity))
}
