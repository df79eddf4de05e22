//! Messages and pages that were cut, bent or made by somebody else: an error or a sound column, never a panic or a giant allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array, RecordBatch,
    StringArray, UInt8Array,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema as ArrowSchema};
use chudian_dataset::column::{ColumnData, DecodeError};
use chudian_dataset::page;
use chudian_dataset::schema::Kind;
use proptest::prelude::*;

use crate::pages::table;
use crate::rows::{any_rows, built, column_of};

thread_local! {
    /// Largest single block that this thread asked for since it was last set to zero.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// Notes the largest block that is asked for.
struct Noting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no cell any more; nothing is tested then.
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Noting = Noting;

/// What `work` gives and the largest block that it asked for.
fn noting<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.with(|largest| largest.set(0));
    let outcome = work();
    (outcome, LARGEST.with(Cell::get))
}

/// A block is sound when the bytes call for it: words and bitmaps take a small multiple.
fn is_sound(largest: usize, bytes: usize) -> bool {
    largest <= 64 * bytes + 64 * 1024
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bent_messages_are_refused_or_sound((kind, rows) in any_rows(0..60_usize), bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let column = column_of(kind);
        let mut bytes = built(kind, &rows).encode(&column.name).unwrap();
        for (place, bits) in bends {
            let place = place.index(bytes.len());
            bytes[place] ^= bits;
        }
        let length = bytes.len();
        let (decoded, largest) = noting(|| ColumnData::decode(bytes, &column));
        prop_assert!(is_sound(largest, length), "{} for {}", largest, length);
        if let Ok(data) = decoded {
            prop_assert!(data.is_of(kind));
            // Every row can be read, and every code has its word.
            (0..data.rows()).for_each(|row| { let _ = data.value(row); });
            if let ColumnData::Words { codes, words, .. } = &data {
                prop_assert!((0..codes.len()).all(|row| codes.get(row).is_some_and(|code| code < words.len().max(1))));
            }
        }
    }

    #[test]
    fn cut_messages_are_refused((kind, rows) in any_rows(1..60_usize), cut in any::<prop::sample::Index>()) {
        let column = column_of(kind);
        let bytes = built(kind, &rows).encode(&column.name).unwrap();
        // The end mark alone may be missing.
        let length = cut.index(bytes.len() - 8);
        prop_assert!(ColumnData::decode(bytes[..length].to_vec(), &column).is_err());
    }

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let length = noise.len();
        let (outcomes, largest) = noting(|| (ColumnData::decode(noise.clone(), &column_of(Kind::Word)).is_err(), page::Page::open(&noise).is_err(), page::split(&noise).is_ok()));
        prop_assert!(outcomes.0 && (outcomes.1 || length == 0));
        prop_assert!(is_sound(largest, length));
    }

    #[test]
    fn bent_and_cut_pages_are_refused(place in any::<prop::sample::Index>(), bit in 0_u8..8, cut in any::<prop::sample::Index>()) {
        let table = table(90);
        let (number, whole) = table.fullest();
        prop_assert!(page::verify(whole, &table.schema, number, table.page_count()).is_ok());
        let mut bent = whole.to_vec();
        let place = place.index(bent.len());
        bent[place] ^= 1 << bit;
        let (outcome, largest) = noting(|| page::verify(&bent, &table.schema, number, table.page_count()));
        prop_assert!(outcome.is_err(), "byte {}", place);
        prop_assert!(is_sound(largest, whole.len()));
        prop_assert!(page::verify(&whole[..cut.index(whole.len())], &table.schema, number, table.page_count()).is_err());
    }
}

/// An Arrow stream as another program writes it.
fn stream(array: ArrayRef, batches: usize) -> Vec<u8> {
    let schema = Arc::new(ArrowSchema::new(vec![Field::new(
        "a",
        array.data_type().clone(),
        true,
    )]));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    for _ in 0..batches {
        writer
            .write(&RecordBatch::try_new(schema.clone(), vec![array.clone()]).unwrap())
            .unwrap();
    }
    writer.into_inner().unwrap()
}

/// Goal: sound Arrow of other programs that is no column of ours is told apart, and what fits is taken.
#[test]
fn foreign_streams_are_judged() {
    let words = |words: Vec<&str>| {
        let keys = UInt8Array::from(vec![Some(0), None, Some(1)]);
        Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(words))).unwrap())
            as ArrayRef
    };
    let decode = |kind, bytes| ColumnData::decode(bytes, &column_of(kind)).map(|data| data.rows());
    assert_eq!(
        decode(
            Kind::Integer,
            stream(Arc::new(Int64Array::from(vec![Some(1), None])), 1)
        ),
        Ok(2)
    );
    assert_eq!(decode(Kind::Word, stream(words(vec!["a", "b"]), 1)), Ok(3));
    assert_eq!(
        decode(Kind::Word, stream(words(vec!["b", "a"]), 1)),
        Err(DecodeError::Words)
    );
    assert_eq!(
        decode(Kind::Word, stream(words(vec!["a", "a"]), 1)),
        Err(DecodeError::Words)
    );
    assert_eq!(
        decode(Kind::Word, stream(words(vec!["a", &"b".repeat(257)]), 1)),
        Err(DecodeError::Words)
    );
    assert_eq!(
        decode(
            Kind::Word,
            stream(Arc::new(StringArray::from(vec!["a"])), 1)
        ),
        Err(DecodeError::OtherType(Kind::Word))
    );
    assert_eq!(
        decode(
            Kind::Score,
            stream(Arc::new(Float64Array::from(vec![1.0, f64::NAN])), 1)
        ),
        Err(DecodeError::Score)
    );
    assert_eq!(
        decode(
            Kind::Score,
            stream(Arc::new(Float64Array::from(vec![Some(1.0), None])), 1)
        ),
        Ok(2)
    );
    let two = decode(
        Kind::Integer,
        stream(Arc::new(Int64Array::from(vec![1])), 2),
    );
    assert!(matches!(two, Err(DecodeError::Malformed(_))), "{two:?}");
    let none = decode(
        Kind::Integer,
        stream(Arc::new(Int64Array::from(vec![1])), 0),
    );
    assert!(matches!(none, Err(DecodeError::Malformed(_))), "{none:?}");
    let many = Int64Array::from(vec![0; chudian_dataset::SEGMENT_ROWS + 1]);
    assert_eq!(
        decode(Kind::Integer, stream(Arc::new(many), 1)),
        Err(DecodeError::TooManyRows)
    );
    let short = FixedSizeBinaryArray::try_from_iter([[1_u8; 8]].into_iter()).unwrap();
    assert_eq!(
        decode(Kind::Flag, stream(Arc::new(short), 1)),
        Err(DecodeError::OtherType(Kind::Flag))
    );
    assert_eq!(
        decode(Kind::Flag, vec![0; chudian_dataset::COLUMN_BYTES_MAX + 1]),
        Err(DecodeError::TooLarge)
    );
}
