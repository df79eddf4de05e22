//! Drafts a mapping from a file: kinds from the cells, units from the headings in either language, and what should be left behind.
//!
//! A draft is a proposal that a person reads; it is careful where a mistake would cost most: whatever looks like a name, an address or a
//! number is proposed for dropping (PR-1), and every guess is said to be one. It shows no cell of the file but group codes and words that
//! occur often.

mod facts;
mod words;

use std::collections::BTreeSet;

use chudian_dataset::schema::{ColumnName, ID_COLUMN, Kind, Purpose, Unit};
use chudian_vocabulary::Name;

use crate::ImportError;
use crate::decimal::Rounding;
use crate::limits::SUGGEST_ROWS_MAX;
use crate::mapping::{
    ColumnText, DropRule, FileRules, GroupRule, HeadingFaults, IdForm, IdRule, MAPPING_FORMAT,
    MappingText, Remark, draft,
};
use crate::source::{self, Format, Records, Survey};
use facts::Facts;

/// Of a thousand cells so many must be telephone numbers for a column of numbers.
const NUMBERS_PERMILLE: u64 = 950;

/// Of a thousand cells so many telephone numbers make a column one to be dropped.
const LEAK_PERMILLE: u64 = 10;

/// Distinct words beyond which a column of words is taken for names or identifiers when more than half of its rows differ.
const WORDS_MANY: usize = 1_000;

/// Age groups of a draft: code, from, to.
const AGE_GROUPS: [(&str, Option<i64>, Option<i64>); 8] = [
    ("#01", None, Some(11)),
    ("#02", Some(12), Some(17)),
    ("#03", Some(18), Some(23)),
    ("#04", Some(24), Some(29)),
    ("#05", Some(30), Some(39)),
    ("#06", Some(40), Some(49)),
    ("#07", Some(50), Some(59)),
    ("#08", Some(60), None),
];

/// A mapping for the file, as TOML.
///
/// # Errors
/// When the file cannot be read.
pub fn suggest(
    path: &std::path::Path,
    survey: &Survey,
    rules: &FileRules,
) -> Result<String, ImportError> {
    let mut rows = source::open(path, survey, rules)?;
    let headings = rows.headings().to_vec();
    // A draft that names a heading twice would be refused when it is used.
    let mut named = BTreeSet::new();
    let repeated: Vec<String> = headings
        .iter()
        .filter(|heading| !named.insert(heading.as_str()))
        .cloned()
        .collect();
    if !repeated.is_empty() {
        return Err(ImportError::Headings(HeadingFaults {
            repeated,
            ..HeadingFaults::default()
        }));
    }
    let empty = rules.empty.clone();
    let mut facts: Vec<Facts> = headings.iter().map(|_| Facts::default()).collect();
    let mut records = Records::default();
    let mut seen = 0;
    while seen < SUGGEST_ROWS_MAX && rows.read(&mut records)? {
        for row in 0..records.len() {
            seen += 1;
            for (facts, cell) in facts.iter_mut().zip(records.cells(row)) {
                facts.take(cell, &empty);
            }
        }
    }
    Ok(Drafter {
        headings,
        facts,
        names: BTreeSet::from([ID_COLUMN.to_owned()]),
    }
    .draft(survey, rules, empty, seen))
}

struct Drafter {
    headings: Vec<String>,
    facts: Vec<Facts>,
    names: BTreeSet<String>,
}

/// What becomes of a column.
enum Proposal {
    Take(Box<ColumnText>, Remark),
    Drop(DropRule, Remark),
}

impl Drafter {
    fn draft(
        mut self,
        survey: &Survey,
        rules: &FileRules,
        empty: Vec<String>,
        rows: usize,
    ) -> String {
        let (id, id_remark) = self.id();
        let (mut columns, mut column_remarks, mut dropped, mut drop_remarks) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for index in 0..self.headings.len() {
            let (Some(heading), Some(facts)) = (
                self.headings.get(index).cloned(),
                self.facts.get(index).cloned(),
            ) else {
                continue;
            };
            if id.heading.as_ref() == Some(&heading) {
                continue;
            }
            match self.propose(index, &heading, &facts) {
                Proposal::Take(column, remark) => {
                    columns.push(*column);
                    column_remarks.push(remark);
                }
                Proposal::Drop(rule, remark) => {
                    dropped.push(rule);
                    drop_remarks.push(remark);
                }
            }
        }
        let text_form = survey.format == Format::Csv;
        let text = MappingText {
            format: MAPPING_FORMAT.to_owned(),
            source: String::new(),
            file: FileRules {
                kind: Some(survey.format),
                encoding: text_form.then_some(survey.encoding),
                delimiter: text_form.then(|| char::from(survey.dialect.delimiter)),
                sheet: rules.sheet.clone(),
                empty,
            },
            id,
            columns,
            dropped,
        };
        let head = [
            remark(
                &format!(
                    "由 `chudian import --suggest` 根据前 {rows} 行起草；每一列都请核对后再使用。"
                ),
                &format!(
                    "Drafted by `chudian import --suggest` from the first {rows} rows; check every column before you use it."
                ),
            ),
            remark(
                "kind：word 词、integer 整数、money 金额（分）、score 评分、flag 是否、date 日期。from：文件中的单位。",
                "kind: word, integer, money (in fen), score, flag, date. from: the unit in the file.",
            ),
        ];
        draft(&text, &head, &id_remark, &column_remarks, &drop_remarks)
    }

    /// The column that tells the customer.
    fn id(&self) -> (IdRule, Remark) {
        let columns = || self.headings.iter().zip(&self.facts);
        let rule = |heading: &String, form| IdRule {
            heading: Some(heading.clone()),
            form,
        };
        let numbers =
            columns().filter(|(_, facts)| facts.permille(facts.telephones) >= NUMBERS_PERMILLE);
        if let Some((heading, _)) =
            numbers.max_by_key(|(heading, facts)| (words::is_number(heading), facts.all_distinct()))
        {
            let remark = remark(
                "手机号码；在本机变成假名，不会发出。",
                "Mobile numbers; they become pseudonyms on this machine and are never sent.",
            );
            return (rule(heading, IdForm::Number), remark);
        }
        if let Some((heading, _)) =
            columns().find(|(heading, facts)| words::is_identifier(heading) && facts.all_distinct())
        {
            let remark = remark(
                "客户标识，不是手机号码；在本机变成假名，不会发出。",
                "Identifiers other than mobile numbers; they become pseudonyms on this machine and are never sent.",
            );
            return (rule(heading, IdForm::Text), remark);
        }
        let remark = remark(
            "没有找到标识客户的列，按行号区分；这样的数据不能用于联系客户。",
            "No column tells the customers apart, so the rows' numbers do; nobody can be contacted from such a table.",
        );
        (
            IdRule {
                heading: None,
                form: IdForm::Row,
            },
            remark,
        )
    }

    fn propose(&mut self, index: usize, heading: &str, facts: &Facts) -> Proposal {
        if let Some((reason, remark)) = personal(heading, facts) {
            return Proposal::Drop(
                DropRule {
                    heading: heading.to_owned(),
                    reason: reason.to_owned(),
                },
                remark,
            );
        }
        let (kind, remark) = kind_of(heading, facts);
        let name = self.name(index, heading);
        let (title_zh, title_en) = words::titles(heading);
        let mut column = ColumnText {
            heading: heading.to_owned(),
            name,
            kind,
            unit: Unit::None,
            from: None,
            rounding: Rounding::Exact,
            purpose: None,
            min: None,
            max: None,
            title: Name::new(shortened(title_zh), shortened(title_en)),
            source: String::new(),
            only_groups: false,
            groups: Vec::new(),
        };
        match kind {
            Kind::Money => {
                column.from = Some(words::money_unit(heading));
                column.rounding = if facts.decimals_max > 2 {
                    Rounding::HalfUp
                } else {
                    Rounding::Exact
                };
            }
            Kind::Integer => {
                (column.unit, column.from) = words::unit(heading);
                // Parts of a megabyte or a minute are seldom whole in the smaller unit.
                column.rounding = if facts.decimals_max > 0 {
                    Rounding::HalfUp
                } else {
                    Rounding::Exact
                };
            }
            Kind::Word if words::is_age(heading) && facts.all_integers() => {
                column.groups = age_groups();
            }
            Kind::Word => {
                column.purpose = if words::is_region(heading) && !self.is_taken("region_purpose") {
                    self.names.insert("region_purpose".to_owned());
                    Some(Purpose::Region)
                } else if words::is_brand(heading) && !self.is_taken("brand_purpose") {
                    self.names.insert("brand_purpose".to_owned());
                    Some(Purpose::Brand)
                } else {
                    None
                };
                column.groups = facts
                    .group_codes()
                    .into_iter()
                    .map(|code| GroupRule {
                        title: Name::new(code.clone(), code.clone()),
                        code,
                        words: Vec::new(),
                        from: None,
                        to: None,
                    })
                    .collect();
            }
            Kind::Score | Kind::Flag | Kind::Date | Kind::Identity => {}
        }
        Proposal::Take(Box::new(column), remark)
    }

    fn is_taken(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// A name that no other column has.
    fn name(&mut self, index: usize, heading: &str) -> ColumnName {
        let base = words::name(heading).unwrap_or_else(|| format!("column_{}", index + 1));
        let mut candidates =
            std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}_{number}")));
        loop {
            // The candidates never end, and only so many names are taken.
            let candidate = candidates.next().unwrap_or_default();
            if self.names.insert(candidate.clone())
                && let Ok(name) = ColumnName::new(candidate)
            {
                return name;
            }
        }
    }
}

fn remark(zh: &str, en: &str) -> Remark {
    Remark {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn shortened(text: String) -> String {
    text.chars()
        .take(chudian_vocabulary::NAME_LENGTH_MAX)
        .collect()
}

/// Whether a column tells who somebody is, with the reason and what is said of it.
fn personal(heading: &str, facts: &Facts) -> Option<(&'static str, Remark)> {
    if let Some((reason, zh, en)) = words::personal(heading) {
        return Some((
            reason,
            remark(
                &format!("按表头判断：{zh}，不应进入数据集。"),
                &format!("By its heading {en}; that does not enter the dataset."),
            ),
        ));
    }
    if facts.identity_cards > 0 {
        return Some((
            "identity card",
            remark(
                "内容含有身份证号。",
                "Cells hold numbers of identity cards.",
            ),
        ));
    }
    if facts.permille(facts.telephones) >= LEAK_PERMILLE {
        return Some((
            "telephone number",
            remark("内容含有电话号码。", "Cells hold telephone numbers."),
        ));
    }
    if facts.permille(facts.addresses) >= LEAK_PERMILLE {
        return Some((
            "e-mail address",
            remark("内容含有电子邮箱。", "Cells hold e-mail addresses."),
        ));
    }
    if facts.looks_like_names() {
        return Some((
            "name",
            remark("内容看起来是姓名。", "Cells look like names of people."),
        ));
    }
    if facts.is_text()
        && facts.distinct_count() > WORDS_MANY
        && facts.distinct_count() as u64 * 2 > facts.filled
    {
        return Some((
            "identifier or free text",
            remark(
                "取值过多，像是标识或自由文本。",
                "Too many different words: an identifier or free text.",
            ),
        ));
    }
    None
}

/// The kind of a column, and how it was found.
fn kind_of(heading: &str, facts: &Facts) -> (Kind, Remark) {
    let share = format!("{}/{}", facts.filled, facts.rows);
    let found = |kind: Kind, zh: &str, en: &str| {
        (
            kind,
            remark(
                &format!("{zh}；有值 {share}"),
                &format!("{en}; {share} rows have a value"),
            ),
        )
    };
    if facts.filled == 0 {
        return found(Kind::Word, "全部为空", "no value at all");
    }
    if words::is_age(heading) && facts.all_integers() {
        return found(Kind::Word, "年龄，按年龄段分组", "an age, grouped");
    }
    if facts.all_flags() {
        return found(Kind::Flag, "只有“是”和“否”", "only yes and no");
    }
    let date_heading = words::is_date(heading);
    if facts.all_dates() && (date_heading || !facts.all_integers()) {
        return found(Kind::Date, "日期", "dates");
    }
    if facts.all_numbers() {
        let (least, greatest) = facts.range();
        let range_zh = format!("数值 {least} 至 {greatest}");
        let range_en = format!("numbers from {least} to {greatest}");
        if words::is_score(heading) {
            return found(
                Kind::Score,
                &format!("{range_zh}，按表头为评分"),
                &format!("{range_en}; a score by its heading"),
            );
        }
        if words::is_money(heading) {
            let unit = words::money_unit(heading).as_str();
            return found(
                Kind::Money,
                &format!("{range_zh}，按表头为金额（{unit}）"),
                &format!("{range_en}; money in {unit} by its heading"),
            );
        }
        let (unit, from) = words::unit(heading);
        if facts.decimals_max > 0 && unit == Unit::None {
            return found(
                Kind::Score,
                &format!("{range_zh}，有小数且表头没有单位"),
                &format!("{range_en}; decimals and no unit in the heading"),
            );
        }
        let from = from.map_or("", |from| from.as_str());
        return found(
            Kind::Integer,
            &format!("{range_zh}；单位 {from}"),
            &format!("{range_en}; unit {from}"),
        );
    }
    let words = facts.frequent_words();
    found(
        Kind::Word,
        &format!("词，共 {} 种：{words}", facts.distinct_text()),
        &format!("words, {} different", facts.distinct_text()),
    )
}

fn age_groups() -> Vec<GroupRule> {
    AGE_GROUPS
        .into_iter()
        .map(|(code, from, to)| {
            let title = match (from, to) {
                (Some(from), Some(to)) => {
                    Name::new(format!("{from}–{to}岁"), format!("{from}–{to}"))
                }
                (Some(from), None) => {
                    Name::new(format!("{from}岁及以上"), format!("{from} and over"))
                }
                (None, to) => {
                    let below = to.unwrap_or_default() + 1;
                    Name::new(format!("{below}岁以下"), format!("under {below}"))
                }
            };
            GroupRule {
                code: code.to_owned(),
                title,
                words: Vec::new(),
                from,
                to,
            }
        })
        .collect()
}
