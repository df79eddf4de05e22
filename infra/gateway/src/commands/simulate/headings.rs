//! The headings of a usage table: which column says what, under either language's names.

use csv::StringRecord;

use super::fault::Fault;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Month,
    Kind,
    Category,
    Band,
    DayType,
    Count,
    Seconds,
    Minutes,
    BilledMinutes,
    BilledSixSeconds,
    Kb,
    Mb,
    Gb,
}

/// What each column may be called; the first word is the one that messages use.
const HEADINGS: [(Column, &[&str]); 13] = [
    (Column::Month, &["month", "月份", "账期", "月"]),
    (Column::Kind, &["kind", "类型", "业务类型", "type"]),
    (Column::Category, &["category", "类别", "业务类别"]),
    (Column::Band, &["band", "时段"]),
    (Column::DayType, &["day_type", "日类型"]),
    (Column::Count, &["count", "次数", "条数"]),
    (Column::Seconds, &["seconds", "秒", "秒数"]),
    (Column::Minutes, &["minutes", "分钟", "分钟数"]),
    (Column::BilledMinutes, &["billed_minutes", "计费分钟"]),
    (Column::BilledSixSeconds, &["billed_6s_units", "计费6秒"]),
    (Column::Kb, &["kb"]),
    (Column::Mb, &["mb"]),
    (Column::Gb, &["gb"]),
];

/// Where each column is, and how the file calls it.
pub(super) struct Headings {
    /// Columns from left to right.
    pub(super) columns: Vec<(Column, String)>,
}

impl Headings {
    /// Reads the first line.
    pub(super) fn read(record: &StringRecord) -> Result<Self, Vec<Fault>> {
        let mut columns: Vec<(Column, String)> = Vec::new();
        let mut faults = Vec::new();
        for cell in record {
            let heading = cell.trim();
            let known = HEADINGS
                .iter()
                .find(|(_, words)| words.iter().any(|word| word.eq_ignore_ascii_case(heading)));
            match known {
                None => {
                    let all: Vec<String> = HEADINGS
                        .iter()
                        .map(|(_, words)| {
                            words.iter().take(2).copied().collect::<Vec<_>>().join("/")
                        })
                        .collect();
                    let all = all.join(", ");
                    faults.push(Fault::of_line(
                        1,
                        Some(heading),
                        format!(
                            "unknown heading `{heading}`; remove the column or use one of {all}"
                        ),
                        format!("未知表头“{heading}”；请删除该列，或改用：{all}"),
                    ));
                }
                Some((column, _)) if columns.iter().any(|(present, _)| present == column) => {
                    faults.push(Fault::of_line(
                        1,
                        Some(heading),
                        "this column stands here twice; keep one",
                        "该列重复，请只保留一列",
                    ));
                }
                Some((column, _)) => columns.push((*column, heading.to_owned())),
            }
        }
        for (required, zh) in [(Column::Month, "月份"), (Column::Kind, "类型")] {
            let en = if required == Column::Month {
                "month"
            } else {
                "kind"
            };
            if !columns.iter().any(|(present, _)| *present == required) {
                faults.push(Fault::of_line(
                    1,
                    None,
                    format!("there is no column `{en}`; add it"),
                    format!("缺少“{zh}”列，请补上"),
                ));
            }
        }
        if faults.is_empty() {
            Ok(Self { columns })
        } else {
            Err(faults)
        }
    }

    /// What the file calls a column.
    pub(super) fn name(&self, column: Column) -> Option<&str> {
        self.columns
            .iter()
            .find(|(present, _)| *present == column)
            .map(|(_, name)| name.as_str())
    }
}
