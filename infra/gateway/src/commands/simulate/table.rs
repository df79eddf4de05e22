//! A person's usage as a table: one row for each month, kind and category.
//!
//! | heading | 表头 | what stands there |
//! | --- | --- | --- |
//! | `month` | 月份 | `2026-05`, `2026/5`, `202605` or `2026年5月` |
//! | `kind` | 类型 | `voice` 语音, `data` 流量, `sms` 短信, `mms` 彩信, `wlan` |
//! | `category` | 类别 | a category of the catalogue, by identifier or name |
//! | `band` | 时段 | a band of the catalogue; empty: the first one |
//! | `day_type` | 日类型 | `workday` 工作日, `weekend` 周末, `holiday` 节假日 |
//! | `count` | 次数, 条数 | calls, sessions or messages |
//! | `seconds` or `minutes` | 秒, 分钟 | duration |
//! | `billed_minutes` | 计费分钟 | started minutes, as bills print them |
//! | `billed_6s_units` | 计费6秒 | started steps of six seconds |
//! | `kb`, `mb` or `gb` | KB, MB, GB | volume, decimals allowed |
//!
//! Invariant: nothing of the table is guessed or dropped. A cell that cannot be read, a heading that is not known and a
//! month that is missing are faults; all of them are reported at once, each with its line and column.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};
use serde::Serialize;

use super::fault::Fault;
use super::headings::{Column, Headings};
use super::month;
use super::quantity::{self, Quantity};
use super::words::{Kind, Word, Words, listed};

/// Rows of a table: twelve months with a row for each category and band of a large catalogue.
const ROWS_MAX: usize = 6_000;
/// Months of a simulation (TS-2).
const MONTHS_MAX: usize = 12;
/// Seconds of a minute, KB of a MB and of a GB.
const MINUTE_S: u64 = 60;
const MB_KB: u64 = 1024;
const GB_KB: u64 = 1024 * 1024;

const DAY_TYPES: [(&str, &[&str]); 3] = [
    ("workday", &["workday", "工作日"]),
    ("weekend", &["weekend", "周末"]),
    ("holiday", &["holiday", "节假日", "假日"]),
];

/// The usage that a table holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Months in order, without gaps.
    pub(crate) months: Vec<MonthUsage>,
    /// How many figures had a fraction of a second or KB, which was rounded.
    pub(crate) rounded: usize,
    /// How many rows were read.
    pub(crate) rows: usize,
}

/// A month of the form `chudian-usage/1`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MonthUsage {
    pub(crate) month: String,
    pub(crate) lines: Vec<UsageLine>,
}

/// A line of the form `chudian-usage/1`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct UsageLine {
    pub(crate) kind: &'static str,
    pub(crate) category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) band: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) day_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) billed_60s_units: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) billed_6s_units: Option<u64>,
}

/// Reads a table.
///
/// # Errors
/// Every fault that was found.
pub(crate) fn read(text: &str, words: &Words) -> Result<Table, Vec<Fault>> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let headings = match records.next() {
        Some(Ok(record)) if !is_blank(&record) => Headings::read(&record)?,
        Some(Err(error)) => return Err(vec![broken(&error)]),
        _ => {
            return Err(vec![Fault::of_file(
                "the table is empty; its first line must be headings such as month,kind,category,count,minutes,MB",
                "表格为空；第一行应为表头，例如 月份,类型,类别,次数,分钟,MB",
            )]);
        }
    };
    let mut rows = Rows {
        words,
        headings,
        faults: Vec::new(),
        months: BTreeMap::new(),
        rounded: 0,
        count: 0,
    };
    for record in records {
        match record {
            Ok(record) if is_blank(&record) => {}
            Ok(record) => rows.read(&record),
            Err(error) => rows.faults.push(broken(&error)),
        }
        if rows.count > ROWS_MAX {
            let fault = (
                format!(
                    "more than {ROWS_MAX} rows; add up the rows of the same month, kind and category"
                ),
                format!("超过 {ROWS_MAX} 行；请把同月同类型同类别的行合并"),
            );
            return Err(vec![Fault::of_file(fault.0, fault.1)]);
        }
    }
    rows.finish()
}

/// The separator that the headings use most; spreadsheets write commas, semicolons or tabs.
fn delimiter(text: &str) -> u8 {
    let headings = text.lines().next().unwrap_or_default();
    let occurrences = |separator: u8| headings.bytes().filter(|byte| *byte == separator).count();
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|separator| occurrences(*separator))
        .unwrap_or(b',')
}

fn is_blank(record: &StringRecord) -> bool {
    record.iter().all(|cell| cell.trim().is_empty())
}

fn broken(error: &csv::Error) -> Fault {
    let line = error.position().map_or(1, csv::Position::line);
    Fault::of_line(
        line,
        None,
        format!("this line is no CSV: {error}; look for a quotation mark without its partner"),
        format!("此行不是有效的 CSV：{error}；请检查引号是否成对"),
    )
}

/// The rows read so far.
struct Rows<'words> {
    words: &'words Words,
    headings: Headings,
    faults: Vec<Fault>,
    /// By months since January of year 0.
    months: BTreeMap<u32, Vec<UsageLine>>,
    rounded: usize,
    count: usize,
}

/// One row while it is read.
struct Row<'record> {
    line: u64,
    cells: Vec<(Column, &'record str)>,
}

impl<'record> Row<'record> {
    /// The text of a column; nothing when the cell is empty or the column is not there.
    fn cell(&self, column: Column) -> Option<&'record str> {
        self.cells
            .iter()
            .find(|(present, text)| *present == column && !text.is_empty())
            .map(|(_, text)| *text)
    }
}

impl Rows<'_> {
    fn read(&mut self, record: &StringRecord) {
        self.count += 1;
        let line = record.position().map_or(0, csv::Position::line);
        if record
            .iter()
            .skip(self.headings.columns.len())
            .any(|cell| !cell.trim().is_empty())
        {
            self.faults.push(Fault::of_line(
                line,
                None,
                "this row has more cells than there are headings; look for a comma inside a number",
                "此行的单元格多于表头；请检查数字中是否含有逗号",
            ));
            return;
        }
        let cells = self
            .headings
            .columns
            .iter()
            .zip(record)
            .map(|((column, _), cell)| (*column, cell.trim()))
            .collect();
        let row = Row { line, cells };
        // Every cell is looked at, so that one pass over the file tells all that is wrong.
        let month = self.month(&row);
        let Some(kind) = self.kind(&row) else { return };
        let category = self.category(&row, kind);
        let band = self.band(&row);
        let day_type = self.day_type(&row);
        let measured = self.measures(&row, kind);
        if let (Some(month), Some(category), Some(band), Some(day_type), Some(measured)) =
            (month, category, band, day_type, measured)
        {
            let line = UsageLine {
                kind: kind.id(),
                category,
                band,
                day_type,
                ..measured
            };
            self.months.entry(month).or_default().push(line);
        }
    }

    fn fault(&mut self, row: &Row<'_>, column: Column, en: String, zh: String) {
        let heading = self.headings.name(column).map(str::to_owned);
        self.faults
            .push(Fault::of_line(row.line, heading.as_deref(), en, zh));
    }

    fn month(&mut self, row: &Row<'_>) -> Option<u32> {
        let text = row.cell(Column::Month).unwrap_or_default();
        let month = month::parse(text);
        if month.is_none() {
            self.fault(
                row,
                Column::Month,
                format!("`{text}` is no month; write for instance 2026-05"),
                format!("“{text}”不是月份；请写成 2026-05 的形式"),
            );
        }
        month
    }

    fn kind(&mut self, row: &Row<'_>) -> Option<Kind> {
        let text = row.cell(Column::Kind).unwrap_or_default();
        let kind = Kind::parse(text);
        if kind.is_none() {
            self.fault(
                row,
                Column::Kind,
                format!("`{text}` is no kind of usage; write voice, data, sms, mms or wlan"),
                format!("“{text}”不是业务类型；请写 语音、流量、短信、彩信 或 WLAN"),
            );
        }
        kind
    }

    fn category(&mut self, row: &Row<'_>, kind: Kind) -> Option<String> {
        let words = self.words.categories(kind);
        let Some(text) = row.cell(Column::Category) else {
            // Where there is only one category nobody needs to write it.
            if let [only] = words {
                return Some(only.id.clone());
            }
            let all = listed(words);
            self.fault(
                row,
                Column::Category,
                format!("the category is missing; write one of {all}"),
                format!("缺少类别；请填写：{all}"),
            );
            return None;
        };
        self.word(row, Column::Category, text, words)
    }

    fn band(&mut self, row: &Row<'_>) -> Option<Option<String>> {
        match row.cell(Column::Band) {
            None => Some(None),
            Some(text) => self
                .word(row, Column::Band, text, self.words.bands())
                .map(Some),
        }
    }

    fn word(
        &mut self,
        row: &Row<'_>,
        column: Column,
        text: &str,
        words: &[Word],
    ) -> Option<String> {
        let found = words.iter().find(|word| word.is_meant_by(text));
        if found.is_none() {
            let all = listed(words);
            self.fault(
                row,
                column,
                format!("the catalogue has no `{text}` here; write one of {all}"),
                format!("资费目录中没有“{text}”；请填写：{all}"),
            );
        }
        found.map(|word| word.id.clone())
    }

    fn day_type(&mut self, row: &Row<'_>) -> Option<Option<&'static str>> {
        let Some(text) = row.cell(Column::DayType) else {
            return Some(None);
        };
        let found = DAY_TYPES
            .iter()
            .find(|(_, words)| words.iter().any(|word| word.eq_ignore_ascii_case(text)));
        if found.is_none() {
            self.fault(
                row,
                Column::DayType,
                format!("`{text}` is no type of day; write workday, weekend or holiday"),
                format!("“{text}”不是日类型；请写 工作日、周末 或 节假日"),
            );
        }
        found.map(|(id, _)| Some(*id))
    }

    /// Reads the figures of a row, in base units.
    fn measures(&mut self, row: &Row<'_>, kind: Kind) -> Option<UsageLine> {
        let faults_before = self.faults.len();
        let count = self.figure(row, Column::Count, 1);
        let seconds = self.one_of(row, &[(Column::Seconds, 1), (Column::Minutes, MINUTE_S)]);
        let kb = self.one_of(
            row,
            &[(Column::Kb, 1), (Column::Mb, MB_KB), (Column::Gb, GB_KB)],
        );
        let billed_60s_units = self.figure(row, Column::BilledMinutes, 1);
        let billed_6s_units = self.figure(row, Column::BilledSixSeconds, 1);
        let has_duration = matches!(kind, Kind::Voice | Kind::Wlan);
        let has_volume = matches!(kind, Kind::Data | Kind::Wlan);
        if !has_duration && seconds.or(billed_60s_units).or(billed_6s_units).is_some() {
            self.misplaced(
                row,
                &[
                    Column::Seconds,
                    Column::Minutes,
                    Column::BilledMinutes,
                    Column::BilledSixSeconds,
                ],
                "时长",
                "duration",
            );
        }
        if !has_volume && kb.is_some() {
            self.misplaced(row, &[Column::Kb, Column::Mb, Column::Gb], "流量", "volume");
        }
        let has_figure = match kind {
            Kind::Voice => seconds.or(billed_60s_units).is_some(),
            Kind::Data => kb.is_some(),
            Kind::Sms | Kind::Mms => count.is_some(),
            Kind::Wlan => seconds.or(kb).is_some(),
        };
        if self.faults.len() > faults_before {
            return None;
        }
        if !has_figure {
            self.faults.push(Fault::of_line(
                row.line,
                None,
                "this row has no figure of its kind; voice needs minutes, data MB, messages count (write 0 for none)",
                "此行没有对应的用量；语音需要分钟，流量需要 MB，短信和彩信需要条数（没有则写 0）",
            ));
            return None;
        }
        // Bills print started minutes only; then they are the best that is known of the duration.
        let seconds = seconds.or_else(|| billed_60s_units.map(|units| units * MINUTE_S));
        Some(UsageLine {
            count,
            seconds,
            kb,
            billed_60s_units,
            billed_6s_units,
            ..UsageLine::default()
        })
    }

    fn misplaced(&mut self, row: &Row<'_>, columns: &[Column], zh: &str, en: &str) {
        let column = columns
            .iter()
            .find(|column| row.cell(**column).is_some())
            .copied()
            .unwrap_or(Column::Kind);
        let kind = row.cell(Column::Kind).unwrap_or_default();
        self.fault(
            row,
            column,
            format!("`{kind}` has no {en}; clear this cell"),
            format!("“{kind}”没有{zh}，请清空此格"),
        );
    }

    /// The figure of one of several columns that say the same in different units.
    fn one_of(&mut self, row: &Row<'_>, columns: &[(Column, u64)]) -> Option<u64> {
        let mut filled = columns
            .iter()
            .filter(|(column, _)| row.cell(*column).is_some());
        let (column, units_each) = filled.next()?;
        if let Some((second, _)) = filled.next() {
            self.fault(
                row,
                *second,
                "the same figure stands in two units; clear one of them".to_owned(),
                "同一用量填了两种单位，请清空其中之一".to_owned(),
            );
            return None;
        }
        self.figure(row, *column, *units_each)
    }

    fn figure(&mut self, row: &Row<'_>, column: Column, units_each: u64) -> Option<u64> {
        let text = row.cell(column)?;
        let counts = matches!(
            column,
            Column::Count | Column::BilledMinutes | Column::BilledSixSeconds
        );
        match quantity::read(text, units_each) {
            Ok(Quantity { rounded: true, .. }) if counts => {
                self.fault(
                    row,
                    column,
                    format!("`{text}` is no whole number"),
                    format!("“{text}”不是整数"),
                );
                None
            }
            Ok(quantity) => {
                self.rounded += usize::from(quantity.rounded);
                Some(quantity.units)
            }
            Err(error) => {
                let heading = self.headings.name(column).unwrap_or_default().to_owned();
                self.faults.push(error.at(row.line, &heading, text));
                None
            }
        }
    }

    fn finish(mut self) -> Result<Table, Vec<Fault>> {
        if self.faults.is_empty() && self.months.is_empty() {
            self.faults.push(Fault::of_file(
                "there is no row of usage below the headings",
                "表头下面没有用量",
            ));
        }
        let months: Vec<u32> = self.months.keys().copied().collect();
        for pair in months.windows(2) {
            if pair[1] - pair[0] > 1 {
                let (missing, before, after) = (
                    month::text_of(pair[0] + 1),
                    month::text_of(pair[0]),
                    month::text_of(pair[1]),
                );
                self.faults.push(Fault::of_file(
                    format!("{missing} is missing between {before} and {after}; add its rows, or one with 0 if nothing was used"),
                    format!("{before} 与 {after} 之间缺少 {missing}；请补上，若该月没有用量请写一行 0"),
                ));
            }
        }
        if months.len() > MONTHS_MAX {
            let count = months.len();
            self.faults.push(Fault::of_file(
                format!("{count} months; at most {MONTHS_MAX} are compared, keep the latest"),
                format!("共 {count} 个月；最多比较 {MONTHS_MAX} 个月，请保留最近的"),
            ));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let months = self
            .months
            .into_iter()
            .map(|(month, lines)| MonthUsage {
                month: month::text_of(month),
                lines,
            })
            .collect();
        Ok(Table {
            months,
            rounded: self.rounded,
            rows: self.count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        serde_json::from_slice(&chudian_sample::catalogue_json().unwrap()).unwrap()
    }

    fn faults(text: &str) -> Vec<(Option<u64>, Option<String>)> {
        read(text, &words())
            .unwrap_err()
            .into_iter()
            .map(|fault| (fault.line, fault.column))
            .collect()
    }

    /// Goal: the table that comes with the sample is read, by its Chinese headings and names.
    #[test]
    fn the_example_is_read() {
        let table = read(chudian_sample::USAGE_EXAMPLE, &words()).unwrap();
        assert_eq!((table.months.len(), table.rows, table.rounded), (6, 28, 0));
        assert_eq!(table.months[0].month, "2026-05");
        let first = UsageLine {
            kind: "voice",
            category: "local".to_owned(),
            count: Some(62),
            seconds: Some(148 * 60),
            billed_60s_units: Some(148),
            ..UsageLine::default()
        };
        assert_eq!(table.months[0].lines[0], first);
        assert_eq!(
            (
                table.months[0].lines[2].band.as_deref(),
                table.months[0].lines[2].kb
            ),
            (Some("day"), Some(8_847_872))
        );
        assert_eq!(table.months[0].lines[3].band.as_deref(), Some("night"));
    }

    /// Goal: headings, words, separators and ways to write a month are interchangeable.
    #[test]
    fn the_same_table_can_be_written_in_many_ways() {
        let expected = read("month,kind,category,count,minutes,mb\n2026-05,voice,local,2,3,\n2026-06,data,domestic,,,2048\n", &words()).unwrap();
        for text in [
            "月份,类型,类别,次数,秒,GB\n2026/5,语音,本地主叫,2,180,\n2026年6月,流量,国内流量,,,2\n",
            "KB;类型;月份;分钟;次数;类别\n;voice;202605;3;2;Local calls\n2097152;data;2026.06;;;Data within China\n",
            "month\tkind\tcategory\tcount\tminutes\tmb\n\n2026-06\tDATA\tDOMESTIC\t\t\t2048\r\n2026-05\tvoice\tlocal\t2\t3.0\t\r\n",
        ] {
            assert_eq!(
                read(text, &words()).unwrap().months,
                expected.months,
                "{text}"
            );
        }
    }

    /// Goal: every fault names line and column, and one pass finds them all.
    #[test]
    fn faults_name_line_and_column() {
        let at = |line, column: &str| (Some(line), Some(column.to_owned()));
        assert_eq!(
            faults(
                "月份,类型,类别,次数,分钟,MB\n2026-13,语音,本地主叫,1,2,\n2026-05,传真,本地主叫,1,2,\n2026-05,语音,火星,1,-2,\n2026-05,流量,国内流量,,,1.5GB\n"
            ),
            [
                at(2, "月份"),
                at(3, "类型"),
                at(4, "类别"),
                at(4, "分钟"),
                at(5, "MB")
            ]
        );
        assert_eq!(
            faults("month,kind,category,count,minutes,seconds,mb\n2026-05,sms,domestic,1.5,,,\n"),
            [at(2, "count")]
        );
        assert_eq!(
            faults("month,kind,category,count,minutes,seconds,mb\n2026-05,voice,local,1,1,60,\n"),
            [at(2, "minutes")]
        );
        assert_eq!(
            faults("month,kind,category,count,minutes,seconds,mb\n2026-05,sms,domestic,1,,,5\n"),
            [at(2, "mb")]
        );
        assert_eq!(
            faults("month,kind,category,count\n2026-05,voice,local,1\n"),
            [(Some(2), None)]
        );
        assert_eq!(
            faults("month,kind,category,mb\n2026-05,data,domestic,1,024\n"),
            [(Some(2), None)]
        );
        assert_eq!(
            faults("month,kind,category,day_type,mb\n2026-05,data,domestic,someday,1\n"),
            [at(2, "day_type")]
        );
        assert_eq!(
            faults("month,kind,category,band,mb\n2026-05,data,domestic,noon,1\n"),
            [at(2, "band")]
        );
        assert_eq!(
            faults("month,kind,mb\n2026-05,data,1\n"),
            [(Some(2), None)],
            "four categories of data: one must be named"
        );
    }

    #[test]
    fn headings_are_checked() {
        let at = |column: &str| (Some(1), Some(column.to_owned()));
        assert_eq!(faults("month,kind,colour\n"), [at("colour")]);
        assert_eq!(faults("month,kind,月份\n"), [at("月份")]);
        assert_eq!(faults("category,mb\n"), [(Some(1), None), (Some(1), None)]);
        for empty in ["", "\n\n", "month,kind,mb\n"] {
            assert_eq!(faults(empty), [(None, None)], "{empty:?}");
        }
    }

    #[test]
    fn months_are_whole_and_few() {
        assert_eq!(
            faults("month,kind,count\n2026-05,sms,1\n2026-07,sms,1\n").len(),
            2,
            "no category named"
        );
        assert_eq!(
            faults("month,kind,category,count\n2026-05,sms,domestic,1\n2026-07,sms,domestic,1\n"),
            [(None, None)]
        );
        let mut long = "month,kind,category,count\n".to_owned();
        for month in 1..=12 {
            long.push_str(&format!("2026-{month:02},sms,domestic,1\n"));
        }
        assert_eq!(read(&long, &words()).unwrap().months.len(), 12);
        long.push_str("2027-01,mms,,1\n");
        assert_eq!(faults(&long), [(None, None)]);
        let rows = "2026-05,sms,domestic,1\n".repeat(ROWS_MAX + 1);
        assert_eq!(
            faults(&format!("month,kind,category,count\n{rows}")),
            [(None, None)]
        );
    }

    /// Goal: figures with a fraction of a KB are counted, so that the person is told of the rounding.
    #[test]
    fn rounding_is_counted() {
        let table = read(
            "month,kind,category,mb\n2026-05,data,domestic,0.3\n2026-05,data,local,0.5\n",
            &words(),
        )
        .unwrap();
        assert_eq!(table.rounded, 1);
        assert_eq!(
            (table.months[0].lines[0].kb, table.months[0].lines[1].kb),
            (Some(307), Some(512))
        );
    }

    /// Goal: whatever bytes come, reading ends with a table or with faults.
    #[test]
    fn hostile_tables_are_refused_quietly() {
        for text in [
            "\"",
            "month,kind\n\"2026-05",
            "a\0b,\0",
            ",,,,\n,,,,",
            "月份,类型,类别,MB\n2026-05,流量,\u{202e}国内,9\n",
        ] {
            assert!(read(text, &words()).is_err(), "{text:?}");
        }
    }
}
