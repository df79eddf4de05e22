//! Publishes a made table of customers through a running system's HTTP interface, and measures how fast selections over it are counted.
//!
//! ```text
//! count_speed publish <url> <key> <customers> <file.csv>     the table, also as CSV for another database
//! count_speed measure <url> <key> <question> <requests>      milliseconds of each request, warm, one connection
//! ```
//!
//! `tests/bench/filter_against_duckdb.py` drives it. The table is a function of the row number alone: the same everywhere.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::manifest::{page_count, page_of, segment_count, segment_rows};
use chudian_dataset::page::{PageWriter, join, write_record};
use chudian_dataset::schema::{Column, ColumnName, Kind, Schema};
use chudian_dataset::value::Value;
use chudian_dataset::{PAGE_ROWS, SEGMENT_ROWS};
use chudian_test_support::http::Client;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

/// Pages of one upload, as the interface has them.
const PAGES_PER_UPLOAD: u64 = 256;

/// Requests before the measurement: columns are read and decoded once.
const WARMING_REQUESTS: usize = 5;

const COLUMNS: [(&str, Kind); 7] = [
    ("id", Kind::Identity),
    ("brand", Kind::Word),
    ("city", Kind::Word),
    ("arpu", Kind::Money),
    ("tenure_months", Kind::Integer),
    ("data_kb", Kind::Integer),
    // Ascends with the row, as the day of joining does in a table that was appended to.
    ("opened_on", Kind::Date),
];

const BRANDS: [&str; 4] = ["mzone", "gotone", "easyown", "device"];

/// Questions by name: the five conditions of the target, and one that a sorted column prunes.
const QUESTIONS: [(&str, &str); 3] = [
    (
        "five",
        "brand = mzone and arpu >= 80 and tenure_months between 12 and 96 and data_kb >= 1 GB and city in (\"c03\", \"c07\", \"c11\", \"c19\")",
    ),
    ("sorted", "opened_on >= 2024-01-01 and arpu >= 80"),
    ("unsorted", "tenure_months >= 110 and arpu >= 80"),
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["publish", url, key, customers, file] => publish(&Client::new(*url).with_key(*key), customers.parse()?, file),
        ["measure", url, key, question, requests] => measure(&Client::new(*url).with_key(*key), question, requests.parse()?),
        _ => Err("publish <url> <key> <customers> <file.csv> | measure <url> <key> <question> <requests>".into()),
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30)
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

fn id_of(row: u64) -> CustomerPseudonym {
    CustomerPseudonym((u128::from(mixed(row)) << 64 | u128::from(row)).to_be_bytes())
}

/// The values of a row, in the order of [`COLUMNS`].
fn row_of(row: u64, customers: u64) -> [Option<Value>; 7] {
    let draw = |use_: u64, end: u64| mixed(row.wrapping_mul(16).wrapping_add(use_)) % end;
    // Spending is spread like a hyperbola, with a tail up to 600 yuan; of every twentieth customer it is not known.
    let arpu = 60_000 / (1 + draw(3, 40)) + draw(4, 3_000);
    let opened = 11_323 + row * 9_450 / customers.max(1);
    [
        Some(Value::Identity(id_of(row))),
        Some(Value::Word(BRANDS[(draw(1, 10) / 3) as usize].to_owned())),
        Some(Value::Word(format!("c{:02}", draw(2, 21)))),
        (draw(5, 20) > 0).then(|| Value::Integer(i64::try_from(arpu).unwrap_or_default())),
        Some(Value::Integer(draw(6, 120) as i64)),
        Some(Value::Integer((draw(7, 4_000) * draw(8, 2_000)) as i64)),
        Some(Value::Date(i32::try_from(opened).unwrap_or_default())),
    ]
}

fn schema() -> Result<Schema, Failure> {
    let columns = COLUMNS.iter().map(|(name, kind)| {
        let mut column = Column::new(ColumnName::new(*name)?, *kind);
        if *name == "data_kb" {
            column.unit = chudian_dataset::schema::Unit::Kilobytes;
        }
        Ok(column)
    });
    Ok(Schema::of_snapshot(
        columns.collect::<Result<_, Failure>>()?,
    )?)
}

fn publish(client: &Client, customers: u64, file: &str) -> Result<(), Failure> {
    let schema = schema()?;
    let import = client.post(
        "/dataset/v1/imports",
        &json!({"columns": schema.columns(), "rows": customers}),
    )?;
    let import = import.expect_status(201)?["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mut csv = std::io::BufWriter::new(std::fs::File::create(file)?);
    writeln!(csv, "brand,city,arpu,tenure_months,data_kb,opened_on")?;
    let pages = page_count(customers);
    let mut writers: Vec<PageWriter> = (0..pages).map(|_| PageWriter::default()).collect();
    for segment in 0..segment_count(customers) {
        let rows = segment_rows(customers, segment);
        let first = (segment * SEGMENT_ROWS) as u64;
        let mut builders: Vec<ColumnBuilder> = COLUMNS
            .iter()
            .map(|(_, kind)| ColumnBuilder::new(*kind))
            .collect();
        for row in 0..rows as u64 {
            let values = row_of(first + row, customers);
            for (builder, value) in builders.iter_mut().zip(&values) {
                builder.push(value.as_ref())?;
            }
            writeln!(csv, "{}", csv_line(&values))?;
        }
        let data: Vec<ColumnData> = builders.into_iter().map(ColumnBuilder::finish).collect();
        for (column, data) in schema.columns().iter().zip(&data) {
            let path = format!(
                "/dataset/v1/imports/{import}/segments/{segment}/columns/{}",
                column.name
            );
            let bytes = data.encode(&column.name)?;
            client
                .send(
                    "PUT",
                    &path,
                    &[("content-type", "application/vnd.apache.arrow.stream")],
                    &bytes,
                )?
                .expect_status(200)?;
        }
        for row in 0..rows {
            let customer = id_of(first + row as u64);
            let mut record = Vec::new();
            write_record(&mut record, segment, row, &data);
            let page = usize::try_from(page_of(customer, pages))?;
            if let Some(writer) = writers.get_mut(page) {
                writer.add(customer, record);
            }
        }
    }
    csv.flush()?;
    let mut writers = writers.into_iter();
    let mut first = 0;
    while first < pages {
        let finished: Vec<Vec<u8>> = writers
            .by_ref()
            .take(PAGES_PER_UPLOAD as usize)
            .map(|writer| writer.finish(&schema))
            .collect::<Result<_, _>>()?;
        let joined = join(finished.iter().map(Vec::as_slice));
        let path = format!("/dataset/v1/imports/{import}/pages/{first}?rows={customers}");
        client
            .send(
                "PUT",
                &path,
                &[("content-type", "application/octet-stream")],
                &joined,
            )?
            .expect_status(200)?;
        first += PAGES_PER_UPLOAD;
    }
    client
        .post(&format!("/dataset/v1/imports/{import}/publish"), &json!({}))?
        .expect_status(200)?;
    eprintln!("published {customers} customers in {pages} pages of about {PAGE_ROWS}");
    Ok(())
}

fn csv_line(values: &[Option<Value>]) -> String {
    let mut line = String::new();
    for value in values.iter().skip(1) {
        if !line.is_empty() {
            line.push(',');
        }
        let _ = match value {
            None => Ok(()),
            Some(Value::Word(word)) => write!(line, "{word}"),
            Some(Value::Integer(number)) => write!(line, "{number}"),
            Some(Value::Date(days)) => write!(line, "{days}"),
            Some(Value::Score(_) | Value::Flag(_) | Value::Identity(_)) => Ok(()),
        };
    }
    line
}

fn measure(client: &Client, question: &str, requests: usize) -> Result<(), Failure> {
    let (_, text) = QUESTIONS
        .iter()
        .find(|(name, _)| *name == question)
        .ok_or("no such question")?;
    let body = json!({"selection": {"expression": text}});
    let mut answer = serde_json::Value::Null;
    for _ in 0..WARMING_REQUESTS {
        answer = client.post("/filter/v1/count", &body)?.expect_status(200)?;
    }
    let mut milliseconds = Vec::with_capacity(requests);
    for _ in 0..requests {
        let begun = Instant::now();
        client.post("/filter/v1/count", &body)?.expect_status(200)?;
        milliseconds.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let told = json!({
        "selected": answer["selected"], "segments": answer["segments"], "segments_decided": answer["segments_decided"], "ms": milliseconds
    });
    println!("{told}");
    Ok(())
}
