//! `chudian import` of every form of file against a running system, damaged ones with them, and of public tables that nobody here wrote.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use chrono::NaiveDate;
use chudian_e2e::{
    Host,
    harness::{Case, LeftOut},
    repository,
};
use serde_json::{Value, json};

use super::import::{Ground, ground, told};

/// Rows of the table that is written in every form.
const ROWS: &str = "1500";

/// The folder of public files, where a machine has it beside the project.
const PUBLIC: &str = "../shared/data";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "forms::same",
            "XLSX, Parquet, Arrow IPC and GB18030 CSV of one table become the same snapshot as its UTF-8 CSV, bit by bit",
            same,
        ),
        Case::new(
            "forms::damaged",
            "a truncated Parquet, ragged rows and a wrong declared encoding end with place and remedy; the old snapshot stays in force",
            damaged,
        ),
        Case::new(
            "forms::extract",
            "an extract of IBM's Telco table is imported by the mapping that --suggest drafts, with the figures of the file",
            extract,
        ),
        Case::new(
            "forms::public",
            "the whole Telco and bank tables, where they are beside the project, are imported by their drafts with the figures of the files",
            public,
        ),
    ]
}

/// A table as its headings and rows.
struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table whose cells hold no quotation marks, as the sample's are.
    fn read(path: &Path, delimiter: char) -> Result<Self> {
        let text = fs::read_to_string(path)?;
        let mut lines = text.lines();
        let cells = |line: &str| -> Vec<String> {
            line.split(delimiter)
                .map(|cell| cell.trim_matches('"').to_owned())
                .collect()
        };
        Ok(Self {
            headings: cells(lines.next().context("no heading")?),
            rows: lines.map(cells).collect(),
        })
    }

    fn column(&self, heading: &str) -> Result<Vec<&str>> {
        let place = self.headings.iter().position(|known| known == heading);
        let place = place.with_context(|| format!("no column {heading}"))?;
        Ok(self.rows.iter().map(|row| row[place].as_str()).collect())
    }

    /// The table in Arrow's types: whole numbers, decimals, one column of days, and texts.
    fn batch(&self) -> Result<RecordBatch> {
        let mut columns = Vec::new();
        for heading in &self.headings {
            let cells = self.column(heading)?;
            let filled = || cells.iter().map(|cell| (!cell.is_empty()).then_some(*cell));
            let all = |reads: &dyn Fn(&str) -> bool| filled().flatten().all(reads);
            let array: ArrayRef = if heading == "opened_on" {
                let first = NaiveDate::from_ymd_opt(1970, 1, 1).context("no first day")?;
                let days = cells.iter().map(|cell| {
                    let days = cell.parse::<NaiveDate>()?.signed_duration_since(first);
                    Ok(i32::try_from(days.num_days())?)
                });
                Arc::new(Date32Array::from(days.collect::<Result<Vec<_>>>()?))
            } else if heading != "number" && all(&|cell| cell.parse::<i64>().is_ok()) {
                let numbers = filled().map(|cell| cell.and_then(|cell| cell.parse().ok()));
                Arc::new(numbers.collect::<Int64Array>())
            } else if heading != "number" && all(&|cell| cell.parse::<f64>().is_ok()) {
                let numbers = filled().map(|cell| cell.and_then(|cell| cell.parse().ok()));
                Arc::new(numbers.collect::<Float64Array>())
            } else {
                Arc::new(filled().collect::<StringArray>())
            };
            columns.push((heading.as_str(), array));
        }
        Ok(RecordBatch::try_from_iter(columns)?)
    }

    fn write_parquet(&self, place: &Path) -> Result<()> {
        let batch = self.batch()?;
        let file = fs::File::create(place)?;
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None)?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(())
    }

    fn write_arrow(&self, place: &Path) -> Result<()> {
        let batch = self.batch()?;
        let file = fs::File::create(place)?;
        let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &batch.schema())?;
        writer.write(&batch)?;
        writer.finish()?;
        Ok(())
    }

    fn write_workbook(&self, place: &Path) -> Result<()> {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (column, heading) in (0_u16..).zip(&self.headings) {
            sheet.write(0, column, heading)?;
        }
        for (row, cells) in (1_u32..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(cells) {
                // As a person's spreadsheet holds them: what looks like a number is one.
                match cell.parse::<f64>() {
                    Ok(number) => sheet.write(row, column, number)?,
                    Err(_) => sheet.write(row, column, cell)?,
                };
            }
        }
        book.save(place)?;
        Ok(())
    }
}

/// Imports `table` by the mapping of another file; what the program said.
fn imported(ground: &Ground, table: &Path, mapping: &Path, words: &[&str]) -> Result<Value> {
    let mut command = ground.program(&["import", "--json", "--lang", "en"])?;
    command.args(["--to", ground.gateway.base_url()]).arg(table);
    command.arg("--mapping").arg(mapping).args(words);
    command.arg("--state-dir").arg(ground.gateway.state());
    told(&command.output()?)
}

/// How the values of a column of what was imported are spread.
fn distribution(ground: &Ground, done: &Value, column: &str) -> Result<Value> {
    let snapshot = done["snapshot"].as_str().context("no snapshot")?;
    let path = format!("/dataset/v1/snapshots/{snapshot}/columns/{column}/distribution");
    Ok(ground.admin.get(&path)?.expect_status(200)?["groups"].clone())
}

fn same(host: &Host) -> Result<()> {
    let ground = ground(host, "forms")?;
    let plain = ground.table("plain.csv", "11", ROWS, &[])?;
    let mapping = plain.with_extension("mapping.toml");
    let first = imported(&ground, &plain, &mapping, &[])?;
    ensure!(
        first["rows_accepted"] == 1_500 && first["format"] == "csv",
        "{first}"
    );
    ground.in_force(&first)?;
    let brands = distribution(&ground, &first, "brand")?;
    let table = Table::read(&plain, ',')?;
    let at = |name: &str| ground.folder.join(name);
    table.write_workbook(&at("table.xlsx"))?;
    table.write_parquet(&at("table.parquet"))?;
    table.write_arrow(&at("table.arrow"))?;
    ground.table("chinese.csv", "11", ROWS, &["--encoding", "gb18030"])?;
    for (name, words, format, encoding) in [
        ("table.xlsx", ["--format", "xlsx"], "xlsx", Value::Null),
        (
            "table.parquet",
            ["--format", "parquet"],
            "parquet",
            Value::Null,
        ),
        ("table.arrow", ["--format", "arrow"], "arrow", Value::Null),
        (
            "chinese.csv",
            ["--encoding", "gb18030"],
            "csv",
            json!("gb18030"),
        ),
    ] {
        let done = imported(&ground, &at(name), &mapping, &words).context(name)?;
        ensure!(
            done["format"] == format && done["encoding"] == encoding,
            "{name}: {done}"
        );
        ensure!(
            done["content_sha256"] == first["content_sha256"]
                && done["snapshot"] != first["snapshot"]
                && done["rows_rejected"] == 0,
            "{name}: {done}\nand not as {first}"
        );
        ground.in_force(&done)?;
        ensure!(distribution(&ground, &done, "brand")? == brands, "{name}");
    }
    ground.gateway.stop()
}

fn damaged(host: &Host) -> Result<()> {
    let ground = ground(host, "forms")?;
    let plain = ground.table("good.csv", "12", ROWS, &[])?;
    let mapping = plain.with_extension("mapping.toml");
    let good = imported(&ground, &plain, &mapping, &[])?;
    ground.in_force(&good)?;
    let refused = |table: &Path, words: &[&str], said: &[&str]| -> Result<()> {
        let mut command = ground.program(&["import", "--json", "--lang", "en"])?;
        command.args(["--to", ground.gateway.base_url()]).arg(table);
        command.arg("--mapping").arg(&mapping).args(words);
        command.arg("--state-dir").arg(ground.gateway.state());
        let output = command.output()?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(1),
            "{:?}: {error}",
            output.status
        );
        for part in said {
            ensure!(error.contains(part), "{error}\nsays nothing of {part:?}");
        }
        ensure!(
            ground.current()?.as_deref() == good["snapshot"].as_str(),
            "the snapshot in force changed"
        );
        Ok(())
    };

    let table = Table::read(&plain, ',')?;
    let cut = ground.folder.join("cut.parquet");
    table.write_parquet(&cut)?;
    let whole = fs::read(&cut)?;
    for length in [whole.len() - 1, whole.len() / 2, 100] {
        fs::write(&cut, &whole[..length])?;
        refused(
            &cut,
            &["--format", "parquet"],
            &[
                "cut.parquet",
                "the parquet file cannot be read",
                "fetch or write it again",
            ],
        )?;
    }

    let text = fs::read_to_string(&plain)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in [3, 40] {
        lines[line].push_str(",one,more");
    }
    lines[77] = lines[77]
        .rsplit_once(',')
        .context("a row of one cell")?
        .0
        .to_owned();
    let ragged = ground.folder.join("ragged.csv");
    fs::write(&ragged, lines.join("\n"))?;
    refused(
        &ragged,
        &["--rejects-max", "2"],
        &[
            "3 of 1500 rows were rejected",
            "--rejects-max 2",
            "ragged.csv.rejected.csv",
        ],
    )?;
    let rejects = fs::read_to_string(ground.folder.join("ragged.csv.rejected.csv"))?;
    for place in ["4,", "41,", "78,"] {
        let told = rejects
            .lines()
            .any(|line| line.starts_with(place) && line.contains("ragged"));
        ensure!(told, "line {place} is not in\n{rejects}");
    }

    // A Chinese file that is called UTF-8, and the reverse.
    let chinese = ground.table("chinese-again.csv", "12", ROWS, &["--encoding", "gb18030"])?;
    let stated = "--encoding";
    refused(
        &chinese,
        &[stated, "utf-8"],
        &["line 2", "--encoding gb18030"],
    )?;
    refused(
        &plain,
        &[stated, "gb18030"],
        &["line 2", "--encoding utf-8"],
    )?;
    // Cut in the middle of a character: what is left is in no encoding.
    let mut bytes = fs::read(&chinese)?;
    let last = bytes
        .iter()
        .rposition(|byte| *byte >= 0x80)
        .context("no Chinese")?;
    bytes.truncate(last);
    let mut file = fs::File::create(&chinese)?;
    file.write_all(&bytes)?;
    refused(&chinese, &[], &["line ", "CSV UTF-8"])?;
    ground.gateway.stop()
}

/// Drafts a mapping from the file and imports by it.
fn drafted(ground: &Ground, table: &Path) -> Result<Value> {
    // Each table has a draft of its own: none is written over.
    let mut mapping = ground.folder.join(table.file_name().context("no name")?);
    mapping.as_mut_os_string().push(".draft.toml");
    let mut draft = ground.program(&["import", "--json", "--lang", "en"])?;
    draft.arg(table).arg("--suggest").arg(&mapping);
    told(&draft.output()?)?;
    let rejects = ground.folder.join("rejected.csv");
    let mut import = ground.program(&["import", "--json", "--lang", "en"])?;
    import.args(["--to", ground.gateway.base_url()]).arg(table);
    import
        .arg("--mapping")
        .arg(&mapping)
        .arg("--rejects")
        .arg(&rejects);
    import.arg("--state-dir").arg(ground.gateway.state());
    let done = told(&import.output()?)?;
    ground.in_force(&done)?;
    Ok(done)
}

/// How many customers fulfil a condition.
fn counted(ground: &Ground, done: &Value, expression: &str) -> Result<u64> {
    let body = json!({"selection": {"expression": expression, "dataset": done["version"]}});
    let answer = ground.admin.post("/filter/v1/count", &body)?;
    answer.expect_status(200)?["selected"]
        .as_u64()
        .with_context(|| format!("no count of {expression}"))
}

/// Counts by value of a column of words, as the dataset tells them.
fn told_counts(ground: &Ground, done: &Value, column: &str) -> Result<Vec<(String, u64)>> {
    let groups = distribution(ground, done, column)?;
    let mut counts: Vec<(String, u64)> = groups
        .as_array()
        .context("no groups")?
        .iter()
        .filter(|group| group["kind"] == "value")
        .map(|group| {
            let value = group["value"].as_str().unwrap_or_default().to_owned();
            (value, group["count"].as_u64().unwrap_or_default())
        })
        .collect();
    counts.sort();
    Ok(counts)
}

/// The same, counted in the file.
fn file_counts(cells: &[&str]) -> Vec<(String, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for cell in cells {
        *counts.entry((*cell).to_owned()).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn check_telco(ground: &Ground, file: &Path) -> Result<u64> {
    let done = drafted(ground, file)?;
    let table = Table::read(file, ',')?;
    let rows = table.rows.len() as u64;
    ensure!(
        done["rows_accepted"] == rows && done["rows_rejected"] == 0,
        "{done}"
    );
    let contracts = told_counts(ground, &done, "contract")?;
    ensure!(
        contracts == file_counts(&table.column("Contract")?),
        "{contracts:?}"
    );
    // By hand, from the file: those who left and had stayed a year at most, with charges of 70 or more a month.
    let (left, tenure, charges) = (
        table.column("Churn")?,
        table.column("tenure")?,
        table.column("MonthlyCharges")?,
    );
    let mut expected = 0;
    for ((left, tenure), charges) in left.iter().zip(tenure).zip(charges) {
        let is_short = tenure.parse::<u32>()? <= 12;
        expected += u64::from(*left == "Yes" && is_short && charges.parse::<f64>()? >= 70.0);
    }
    let found = counted(
        ground,
        &done,
        "churn = yes and tenure <= 12 and monthly_charges >= 70",
    )?;
    ensure!(
        found == expected && found > 0,
        "{found}, in the file {expected}"
    );
    Ok(rows)
}

fn extract(host: &Host) -> Result<()> {
    let ground = ground(host, "forms-public")?;
    let file = repository()?.join("infra/import/tests/import/public/telco-extract.csv");
    let rows = check_telco(&ground, &file)?;
    ensure!(rows == 200, "{rows} rows");
    ground.gateway.stop()
}

fn public_file(name: &str) -> Result<PathBuf> {
    let place = repository()?.join(PUBLIC).join(name);
    if place.is_file() {
        return Ok(place);
    }
    let reason = format!("{name} is not in {PUBLIC} beside the project; the extract was tried");
    Err(LeftOut(reason).into())
}

fn public(host: &Host) -> Result<()> {
    let telco = public_file("ibm_telco_customer_churn.csv")?;
    let bank = public_file("bank-full.csv")?;
    let ground = ground(host, "forms-public")?;
    let rows = check_telco(&ground, &telco)?;
    ensure!(rows == 7_043, "{rows} rows of Telco");

    let done = drafted(&ground, &bank)?;
    ensure!(
        done["rows_accepted"] == 45_211 && done["rows_rejected"] == 0,
        "{done}"
    );
    let table = Table::read(&bank, ';')?;
    let jobs = told_counts(&ground, &done, "job")?;
    ensure!(jobs == file_counts(&table.column("job")?), "{jobs:?}");
    let (accepted, balance) = (table.column("y")?, table.column("balance")?);
    let mut expected = 0;
    for (accepted, balance) in accepted.iter().zip(balance) {
        expected += u64::from(*accepted == "yes" && balance.parse::<i64>()? >= 1_000);
    }
    let found = counted(&ground, &done, "y = yes and balance >= 1000")?;
    ensure!(
        found == expected && found > 0,
        "{found}, in the file {expected}"
    );
    // Ages came in and groups went on.
    let ages = told_counts(&ground, &done, "age")?;
    ensure!(
        ages.iter().all(|(age, _)| age.starts_with('#'))
            && ages.iter().map(|(_, count)| count).sum::<u64>() == 45_211,
        "{ages:?}"
    );
    println!(
        "  Telco 7,043 and bank 45,211 customers: counts and distributions are those of the files"
    );
    ground.gateway.stop()
}
