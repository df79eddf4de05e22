//! Whole imports: what stands in the file stands in the dataset, in every form of file.

use std::fs::File;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::value::Value;
use chudian_sample::Settings;
use chudian_sample::table::{TableEncoding, write_table};

use crate::memory::{Bench, HEAD, column, customer, word};

const MAPPING_COLUMNS: [(&str, &str); 6] = [
    (
        "brand",
        "kind = \"word\"\ngroup = [{ code = \"mzone\", title = { zh = \"动感地带\", en = \"M-Zone\" }, words = [\"动感地带\"] }]",
    ),
    (
        "minutes",
        "kind = \"integer\"\nunit = \"seconds\"\nfrom = \"minutes\"",
    ),
    ("arpu", "kind = \"money\"\nfrom = \"yuan\""),
    ("score", "kind = \"score\""),
    ("active", "kind = \"flag\""),
    ("since", "kind = \"date\""),
];

pub(crate) fn mapping() -> String {
    MAPPING_COLUMNS
        .iter()
        .fold(HEAD.to_owned(), |text, (name, rest)| {
            text + &column(name, rest)
        })
}

fn expected() -> Vec<Vec<Option<Value>>> {
    vec![
        vec![
            customer("13900000001"),
            word("mzone"),
            Some(Value::Integer(90)),
            Some(Value::Integer(8650)),
            Some(Value::Score(0.25)),
            Some(Value::Flag(true)),
            Some(Value::Date(20_574)),
        ],
        vec![
            customer("13900000002"),
            word("全球通"),
            Some(Value::Integer(0)),
            Some(Value::Integer(-1)),
            Some(Value::Score(-1.0)),
            Some(Value::Flag(false)),
            Some(Value::Date(0)),
        ],
        vec![customer("13900000003"), None, None, None, None, None, None],
    ]
}

const CSV: &str = "number,brand,minutes,arpu,score,active,since\n\
    13900000001,动感地带,1.5,86.50,0.25,是,2026-05-01\n\
    +86 139-0000-0002,全球通,0,-0.01,-1,0,1970年1月1日\n\
    13900000003,空,NA,\\N,,,\n";

#[test]
fn a_delimited_file_becomes_columns_and_pages() {
    for name in ["a.csv", "no-ending"] {
        let bench = Bench::new(name, CSV.as_bytes());
        let (outcome, target) = bench.imported(&mapping());
        assert_eq!(
            (
                outcome.rows_read,
                outcome.rows_accepted,
                outcome.rows_rejected,
                outcome.segments
            ),
            (3, 3, 0, 1)
        );
        assert_eq!(target.rows(), expected());
        target.check_pages();
        assert!(target.with(|held| held.published));
        assert!(
            !bench.state_place().exists(),
            "the state of a published import is taken away"
        );
        assert!(bench.rejected().is_empty());
    }
}

/// Goal: GB18030, tabs and Windows line ends change nothing but the bytes.
#[test]
fn every_dialect_gives_the_same_snapshot() {
    let plain = Bench::new("a.csv", CSV.as_bytes()).imported(&mapping()).0;
    let (gb18030, _, _) = encoding_rs::GB18030.encode(CSV);
    let marked = ["\u{feff}", CSV].concat();
    let windows = CSV.replace('\n', "\r\n").replace(',', "\t");
    for bytes in [&gb18030[..], marked.as_bytes(), windows.as_bytes()] {
        assert_eq!(
            Bench::new("a.csv", bytes)
                .imported(&mapping())
                .0
                .content_sha256,
            plain.content_sha256
        );
    }
}

fn batch() -> RecordBatch {
    let text = |all: [Option<&str>; 3]| Arc::new(StringArray::from(all.to_vec())) as ArrayRef;
    let brand: DictionaryArray<Int32Type> = [Some("动感地带"), Some("全球通"), None]
        .into_iter()
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        (
            "number",
            Arc::new(Int64Array::from(vec![
                13_900_000_001,
                13_900_000_002,
                13_900_000_003,
            ])) as ArrayRef,
            true,
        ),
        ("brand", Arc::new(brand) as ArrayRef, true),
        (
            "minutes",
            Arc::new(Float64Array::from(vec![Some(1.5), Some(0.0), None])) as ArrayRef,
            true,
        ),
        (
            "arpu",
            Arc::new(
                Decimal128Array::from(vec![Some(8650), Some(-1), None])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ) as ArrayRef,
            true,
        ),
        ("score", text([Some("0.25"), Some("-1"), None]), true),
        (
            "active",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])) as ArrayRef,
            true,
        ),
        (
            "since",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(20_574 * 86_400_000_000 + 5),
                Some(0),
                None,
            ])) as ArrayRef,
            true,
        ),
    ])
    .unwrap()
}

#[test]
fn parquet_and_arrow_give_what_csv_gives() {
    let batch = batch();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let mut parquet = parquet::arrow::ArrowWriter::try_new(
        File::create(place("a.parquet")).unwrap(),
        batch.schema(),
        None,
    )
    .unwrap();
    parquet.write(&batch).unwrap();
    parquet.close().unwrap();
    let mut file = arrow_ipc::writer::FileWriter::try_new(
        File::create(place("a.arrow")).unwrap(),
        &batch.schema(),
    )
    .unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(
        File::create(place("a.arrows")).unwrap(),
        &batch.schema(),
    )
    .unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
    for name in ["a.parquet", "a.arrow", "a.arrows"] {
        let bench = Bench::new(name, &std::fs::read(place(name)).unwrap());
        let (_, target) = bench.imported(&mapping());
        assert_eq!(target.rows(), expected(), "{name}");
        target.check_pages();
    }
}

#[test]
fn a_type_that_no_attribute_has_is_named() {
    let list = arrow_array::ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let batch = RecordBatch::try_from_iter([
        (
            "number",
            Arc::new(StringArray::from(vec!["13900000001"])) as ArrayRef,
        ),
        ("since", Arc::new(Date32Array::from(vec![1])) as ArrayRef),
        ("history", Arc::new(list) as ArrayRef),
    ])
    .unwrap();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let bench = Bench::new("a.parquet", &writer.into_inner().unwrap());
    let error = bench.import(&mapping(), None).unwrap_err().to_string();
    assert!(error.contains("`history`"), "{error}");
}

#[test]
fn a_workbook_gives_what_csv_gives() {
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet()
        .set_name("说明")
        .unwrap()
        .write(0, 0, "notes")
        .unwrap();
    let sheet = book.add_worksheet().set_name("客户").unwrap();
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    // The table may begin anywhere.
    let (top, left) = (2, 1);
    for (place, (name, _)) in (left + 1..).zip(MAPPING_COLUMNS) {
        sheet.write(top, place, name).unwrap();
    }
    sheet.write(top, left, "number").unwrap();
    sheet.write(top + 1, left, 13_900_000_001_i64).unwrap();
    sheet.write(top + 1, left + 1, "动感地带").unwrap();
    sheet.write(top + 1, left + 2, 1.5).unwrap();
    sheet.write(top + 1, left + 3, 86.5).unwrap();
    sheet.write(top + 1, left + 4, 0.25).unwrap();
    sheet.write(top + 1, left + 5, true).unwrap();
    sheet
        .write_with_format(
            top + 1,
            left + 6,
            rust_xlsxwriter::ExcelDateTime::parse_from_str("2026-05-01").unwrap(),
            &date,
        )
        .unwrap();
    for (place, text) in (left..).zip([
        "139-0000-0002",
        "全球通",
        "0",
        "-0.01",
        "-1",
        "否",
        "1970/1/1",
    ]) {
        sheet.write(top + 2, place, text).unwrap();
    }
    sheet.write(top + 4, left, "13900000003").unwrap();
    let bench = Bench::new("a.xlsx", &book.save_to_buffer().unwrap());
    let with_sheet = mapping().replace("[id]", "[file]\nsheet = \"客户\"\n[id]");
    let (_, target) = bench.imported(&with_sheet);
    assert_eq!(target.rows(), expected());
    let other = mapping().replace("[id]", "[file]\nsheet = \"顾客\"\n[id]");
    let error = bench.import(&other, None).unwrap_err().to_string();
    assert!(error.contains("说明, 客户"), "{error}");
}

/// Goal: identifiers that are no numbers, and tables without any.
#[test]
fn other_identifiers_become_pseudonyms_too() {
    let text = "format = \"chudian-mapping/1\"\n[id]\nheading = \"customer\"\nform = \"text\"\n"
        .to_owned()
        + &column("a", "kind = \"integer\"");
    let (_, target) =
        Bench::new("a.csv", b"customer,a\n7590-VHVEG,1\n5575-GNVDE,2\n").imported(&text);
    let rows = target.rows();
    assert_ne!(rows[0][0], rows[1][0]);
    let row = "format = \"chudian-mapping/1\"\n[id]\nform = \"row\"\n".to_owned()
        + &column("a", "kind = \"integer\"");
    let (_, target) = Bench::new("a.csv", b"a\n1\n1\n").imported(&row);
    let by_row = target.rows();
    assert_ne!(by_row[0][0], by_row[1][0]);
    let (_, again) = Bench::new("a.csv", b"a\n1\n1\n").imported(&row);
    assert_eq!(again.rows(), by_row);
    // What another import has made is taken as it is.
    let Some(Value::Identity(known)) = rows[0][0].clone() else {
        panic!()
    };
    let made = text.replace("form = \"text\"", "form = \"pseudonym\"");
    let (_, target) =
        Bench::new("a.csv", format!("customer,a\n{known},1\n").as_bytes()).imported(&made);
    assert_eq!(target.rows()[0][0], Some(Value::Identity(known)));
}

/// Goal: the sample's own table and mapping, over the edge of a segment: full segments in the order of the file, whatever is rejected.
#[test]
fn segments_are_full_and_in_the_order_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        customers: SEGMENT_ROWS as u64 + 3_000,
        ..Settings::default()
    };
    let files = write_table(
        &folder.path().join("customers.csv"),
        &settings,
        TableEncoding::Gb18030,
        2,
        &mut |_| {},
    )
    .unwrap();
    let mut table = std::fs::read(&files.table).unwrap();
    // A row twice, in the first segment.
    let lines: Vec<&[u8]> = table.split(|byte| *byte == b'\n').collect();
    let again = [lines[5], b"\n"].concat();
    let place = lines[..1_000]
        .iter()
        .map(|line| line.len() + 1)
        .sum::<usize>();
    table.splice(place..place, again);
    let bench = Bench::new("customers.csv", &table);
    let (outcome, target) = bench.imported(&std::fs::read_to_string(&files.mapping).unwrap());
    assert_eq!(
        (
            outcome.rows_accepted,
            outcome.rows_rejected,
            outcome.segments
        ),
        (settings.customers, 1, 2)
    );
    assert_eq!(bench.rejected()[0][..3], ["1001", "number", "duplicate"]);
    let rows = target.rows();
    assert_eq!(rows.len() as u64, settings.customers);
    for (row, customer) in rows.iter().zip(settings.customers()) {
        let customer = serde_json::to_value(customer).unwrap();
        assert_eq!(row[1], word(customer["region"].as_str().unwrap()));
    }
    target.with(|held| {
        let schema = &held.announcements[0].schema;
        assert_eq!(schema.columns().len(), 60);
        assert_eq!(held.columns.len(), 2 * 60);
    });
    target.check_pages();
}
