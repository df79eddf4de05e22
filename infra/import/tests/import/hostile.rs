//! Files that are cut off, damaged or made to do harm: a clear error, never a panic, never without bound.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chudian_import::ImportError;
use chudian_import::source::SourceError;
use zip::write::SimpleFileOptions;

use crate::memory::{Bench, HEAD, Memory, column};

fn mapping() -> String {
    HEAD.to_owned() + &column("a", "kind = \"integer\"")
}

fn batch(rows: i64) -> RecordBatch {
    let numbers: StringArray = (0..rows)
        .map(|row| Some((13_900_000_000 + row).to_string()))
        .collect();
    let figures = Int64Array::from_iter_values(0..rows);
    RecordBatch::try_from_iter([
        ("number", Arc::new(numbers) as ArrayRef),
        ("a", Arc::new(figures) as ArrayRef),
    ])
    .unwrap()
}

fn refused(name: &str, bytes: &[u8]) -> String {
    let bench = Bench::new(name, bytes);
    let target = Memory::default();
    let Err(error) = bench.import(&mapping(), Some(&target)) else {
        panic!("{name} was accepted, {} bytes of it", bytes.len())
    };
    assert!(!target.with(|held| held.published));
    assert!(matches!(error, ImportError::Source(_)), "{error}");
    error.to_string()
}

/// Goal: a Parquet file that is cut off at any place (every byte near the ends, a hundred places between) is refused.
#[test]
fn a_truncated_parquet_file_is_refused_wherever_it_ends() {
    let batch = batch(2_000);
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let whole = writer.into_inner().unwrap();
    let near_ends = (4..64).chain(whole.len() - 64..whole.len());
    for length in near_ends.chain((64..whole.len() - 64).step_by(whole.len() / 100)) {
        let told = refused("a.parquet", &whole[..length]);
        assert!(
            told.contains("parquet") && told.contains("cut off or damaged"),
            "{length}: {told}"
        );
    }
    assert!(
        Bench::new("a.parquet", &whole)
            .import(&mapping(), None)
            .is_ok()
    );
}

/// Goal: damaged pages end in an error or in the rows as they are, never in a panic of the program; a footer is never believed blindly.
#[test]
fn a_damaged_parquet_file_does_not_end_the_program() {
    let batch = batch(2_000);
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let whole = writer.into_inner().unwrap();
    for place in (4..whole.len()).step_by(whole.len() / 60) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        // Whether a flipped bit shows is the format's affair: pages have no checksum here.
        let _ = Bench::new("a.parquet", &damaged).import(&mapping(), None);
    }
}

#[test]
fn a_truncated_arrow_file_is_refused() {
    let batch = batch(2_000);
    let mut file = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    file.write(&batch).unwrap();
    let file = file.into_inner().unwrap();
    for length in (8..file.len()).step_by(file.len() / 40) {
        refused("a.arrow", &file[..length]);
    }
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    let stream = stream.into_inner().unwrap();
    // Without its end mark a stream that ends after a whole batch is a whole stream.
    for length in (8..stream.len() - 16).step_by(stream.len() / 40) {
        refused("a.arrows", &stream[..length]);
    }
}

fn workbook(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive
            .start_file(
                *name,
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated),
            )
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Goal: an archive of some hundred kilobytes that unpacks to more than may be held is refused before it is held.
#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let zeros = vec![b' '; 200 * 1024 * 1024];
    let bomb = workbook(&[("xl/sharedStrings.xml", &zeros)]);
    assert!(bomb.len() < 1024 * 1024);
    let bench = Bench::new("a.xlsx", &bomb);
    let error = bench.import(&mapping(), None).unwrap_err();
    assert!(
        matches!(
            error,
            ImportError::Source(SourceError::WorkbookTooLarge { .. })
        ),
        "{error}"
    );
}

#[test]
fn damaged_workbooks_are_refused() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "number").unwrap();
    sheet.write(0, 1, "a").unwrap();
    for row in 1..500 {
        sheet
            .write(row, 0, 13_900_000_000_i64 + i64::from(row))
            .unwrap();
        sheet.write(row, 1, row).unwrap();
    }
    let whole = book.save_to_buffer().unwrap();
    assert!(
        Bench::new("a.xlsx", &whole)
            .import(&mapping(), None)
            .is_ok()
    );
    for length in (4..whole.len()).step_by(whole.len() / 40) {
        refused("a.xlsx", &whole[..length]);
    }
    refused("a.xlsx", &workbook(&[("hello.txt", b"hello")]));
    let beyond = workbook(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"s\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"XFD1\"><v>1</v></c></row></sheetData></worksheet>"),
    ]);
    refused("a.xlsx", &beyond);
}

#[test]
fn damaged_text_is_refused_with_its_place() {
    for (bytes, told) in [
        (
            &b"number,a\n13900000001,\"1\n13900000002,2\n"[..],
            "line 2: a quotation mark opens here",
        ),
        (b"number,a\n13900000001,\x00\n", "byte 21 is zero"),
        (b"number,a\n13900000001,\xff\xff\n", "line 2: a byte is not"),
        (b"", "the file is empty"),
    ] {
        let error = refused("a.csv", bytes);
        assert!(error.contains(told), "{error}");
    }
    let declared = HEAD.replace("[id]", "[file]\nencoding = \"gb18030\"\n[id]")
        + &column("a", "kind = \"integer\"");
    let bench = Bench::new(
        "a.csv",
        "number,a\n13900000001,1\n13900000002,一\n".as_bytes(),
    );
    let error = bench.import(&declared, None).unwrap_err().to_string();
    assert!(
        error.contains("line 3") && error.contains("--encoding utf-8"),
        "{error}"
    );
}

/// Goal: a wide and a long row cost what they are long, and a cell of ten megabytes is refused with its line.
#[test]
fn cells_without_end_are_refused() {
    let table = format!(
        "number,a\n13900000001,1\n13900000002,{}\n",
        "9".repeat(10 * 1024 * 1024)
    );
    let error = refused("a.csv", table.as_bytes());
    assert!(error.contains("line 3"), "{error}");
}

/// Goal: lines that end with a carriage return alone are told as that, not taken for one line of headings.
#[test]
fn returns_alone_are_told() {
    let told = refused("a.csv", b"number,a\r13911112222,1\r13911112223,2\r");
    assert!(told.contains("carriage return"), "{told}");
}
