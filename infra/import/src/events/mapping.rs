//! What the columns of a table of events are: a mapping in TOML, or headings that say so themselves.
//!
//! Either way every heading of the file goes somewhere or is named as left behind; one that nobody names is an error.

use std::collections::{BTreeMap, BTreeSet};

use chudian_vocabulary::Language;
use serde::{Deserialize, Serialize};

use super::field::{EventField, Form, plain};
use crate::mapping::{DropRule, FileRules, HeadingFaults, IdForm};

/// Value of the member `format` of a mapping of events.
pub const EVENTS_MAPPING_FORMAT: &str = "chudian-events-mapping/1";

/// Who reports the events of a table that does not say: one name for every file, so that the row of two overlapping files is one event.
const SOURCE: &str = "/import";

/// Headings by which extracts call the customer's number, and the customer's pseudonym.
const NUMBER_HEADINGS: [&str; 7] = [
    "msisdn",
    "mobile",
    "phone_number",
    "手机号",
    "手机号码",
    "电话号码",
    "用户号码",
];
const PSEUDONYM_HEADINGS: [&str; 3] = ["customer_id", "客户代号", "客户标识"];

/// Why a mapping of events cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventsMappingError {
    /// Not TOML, or not the members that a mapping has; the text names line and member.
    #[error("{0}")]
    Form(String),
    /// Another format.
    #[error("`format` must be \"{EVENTS_MAPPING_FORMAT}\"")]
    Format,
    /// A heading twice.
    #[error("the heading `{0}` is named twice")]
    HeadingTwice(String),
    /// Two columns, or a column and a constant, for one field.
    #[error("the field `{0}` is given twice")]
    FieldTwice(&'static str),
    /// A customer by row number: contacts belong to customers.
    #[error("[customer] `form` is number, text or pseudonym")]
    CustomerForm,
    /// A word that the field does not have.
    #[error("`{word}` is no {field}; it is one of: {}", .codes.join(", "))]
    Word {
        /// The field.
        field: &'static str,
        /// The word.
        word: String,
        /// What it may be.
        codes: &'static [&'static str],
    },
    /// Words for a field that has none.
    #[error("`words` belong to kind, channel, outcome, way and cancelled_by, not to `{0}`")]
    NoWords(&'static str),
    /// A constant that names the single event.
    #[error("`id` cannot be the same for every row")]
    ConstantId,
    /// Headings of the file that nothing names, that are missing, or that stand twice.
    #[error("{}", headings_text(.0, Language::English))]
    Headings(HeadingFaults),
    /// No heading says who the customer is.
    #[error(
        "no heading says who the customer is: call it `msisdn` (a number, which becomes a pseudonym here) or `customer_id`, or write a mapping (--suggest drafts one)"
    )]
    NoCustomer,
    /// Nothing says what every event needs.
    #[error(
        "nothing says `{0}`: give it a column, a [constant] of the mapping, or --constant {0}=…"
    )]
    NoField(&'static str),
}

impl EventsMappingError {
    /// The text in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match self {
            Self::Form(text) => format!("映射文件格式错误：{text}"),
            Self::Format => format!("`format` 必须为 \"{EVENTS_MAPPING_FORMAT}\""),
            Self::HeadingTwice(heading) => format!("表头 `{heading}` 出现了两次"),
            Self::FieldTwice(field) => format!("字段 `{field}` 给出了两次"),
            Self::CustomerForm => {
                "[customer] 的 `form` 应为 number、text 或 pseudonym".to_owned()
            }
            Self::Word { field, word, codes } => {
                format!("`{word}` 不是 {field} 的取值；可用：{}", codes.join("、"))
            }
            Self::NoWords(field) => format!(
                "`words` 只用于 kind、channel、outcome、way 和 cancelled_by，不能用于 `{field}`"
            ),
            Self::ConstantId => "`id` 不能对每一行都相同".to_owned(),
            Self::Headings(faults) => headings_text(faults, language),
            Self::NoCustomer => "没有表头说明客户是谁：请命名为 `手机号码`（在本机转换为假名）或 `客户代号`，或编写映射文件（可用 --suggest 起草）".to_owned(),
            Self::NoField(field) => format!(
                "没有给出 `{field}`：请提供相应的列、映射文件的 [constant]，或使用 --constant {field}=…"
            ),
        }
    }
}

fn headings_text(faults: &HeadingFaults, language: Language) -> String {
    let sentences = [
        (
            &faults.unmapped,
            "headings that say nothing known (rename them, or name them in a mapping: [[column]] or [[drop]]; --suggest drafts one): ",
            "无法识别的表头（请改名，或在映射文件中用 [[column]]、[[drop]] 说明，可用 --suggest 起草）：",
        ),
        (
            &faults.missing,
            "headings of the mapping that the file lacks: ",
            "文件中没有的映射表头：",
        ),
        (
            &faults.repeated,
            "headings that the file has twice, or two that mean the same: ",
            "重复或含义相同的表头：",
        ),
    ];
    let told: Vec<String> = sentences
        .into_iter()
        .filter(|(headings, ..)| !headings.is_empty())
        .map(|(headings, english, chinese)| {
            let named: Vec<String> = headings
                .iter()
                .map(|heading| format!("`{heading}`"))
                .collect();
            let sentence = match language {
                Language::English => english,
                Language::Chinese => chinese,
            };
            format!("{sentence}{}", named.join(", "))
        })
        .collect();
    told.join("; ")
}

/// Which column tells the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerText {
    heading: String,
    form: IdForm,
}

/// A column of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnText {
    heading: String,
    field: EventField,
    /// What the file writes for the words of the field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    words: BTreeMap<String, String>,
}

/// A mapping as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingText {
    format: String,
    #[serde(default)]
    file: FileRules,
    customer: CustomerText,
    #[serde(default, rename = "column")]
    columns: Vec<ColumnText>,
    #[serde(default)]
    constant: BTreeMap<EventField, String>,
    #[serde(default, rename = "drop", skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<DropRule>,
}

/// A mapping of events, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsMapping {
    /// How the file is written, where it is stated.
    pub file: FileRules,
    text: MappingText,
}

/// What a column of the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It tells the customer.
    Customer,
    /// It is a field; with what the file writes for its words.
    Field(EventField, BTreeMap<String, &'static str>),
    /// It is left behind.
    Dropped,
}

/// How a table of these headings is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsLayout {
    pub(super) headings: Vec<String>,
    pub(super) places: Vec<Place>,
    pub(super) id_form: IdForm,
    pub(super) constants: BTreeMap<EventField, String>,
    pub(super) empty: Vec<String>,
}

impl EventsMapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, EventsMappingError> {
        let text: MappingText =
            toml::from_str(text).map_err(|error| EventsMappingError::Form(error.to_string()))?;
        if text.format != EVENTS_MAPPING_FORMAT {
            return Err(EventsMappingError::Format);
        }
        if text.customer.form == IdForm::Row {
            return Err(EventsMappingError::CustomerForm);
        }
        let mut headings = BTreeSet::from([text.customer.heading.as_str()]);
        let others = text.columns.iter().map(|column| &column.heading);
        for heading in others.chain(text.dropped.iter().map(|rule| &rule.heading)) {
            if !headings.insert(heading) {
                return Err(EventsMappingError::HeadingTwice(heading.clone()));
            }
        }
        let mut fields = BTreeSet::new();
        for column in &text.columns {
            if !fields.insert(column.field) {
                return Err(EventsMappingError::FieldTwice(column.field.name()));
            }
            words_of(column)?;
        }
        Ok(Self {
            file: text.file.clone(),
            text,
        })
    }

    /// How a table of these headings is read. `constants` of the command line stand above those of the mapping.
    ///
    /// # Errors
    /// When headings are unknown, missing or there twice, all of them named at once; or when an event would lack what every event needs.
    pub fn layout(
        &self,
        headings: &[String],
        constants: &BTreeMap<EventField, String>,
    ) -> Result<EventsLayout, EventsMappingError> {
        let mut wanted = BTreeMap::from([(self.text.customer.heading.as_str(), Place::Customer)]);
        for column in &self.text.columns {
            wanted.insert(
                &column.heading,
                Place::Field(column.field, words_of(column)?),
            );
        }
        for rule in &self.text.dropped {
            wanted.insert(&rule.heading, Place::Dropped);
        }
        let mut faults = HeadingFaults::default();
        let mut places = Vec::with_capacity(headings.len());
        let mut seen = BTreeSet::new();
        for heading in headings {
            match wanted.get(heading.as_str()) {
                _ if !seen.insert(heading.as_str()) => faults.repeated.push(heading.clone()),
                Some(place) => places.push(place.clone()),
                None => faults.unmapped.push(heading.clone()),
            }
        }
        let missing = wanted.keys().filter(|heading| !seen.contains(*heading));
        faults.missing = missing.map(|heading| (*heading).to_owned()).collect();
        if faults != HeadingFaults::default() {
            return Err(EventsMappingError::Headings(faults));
        }
        let mut all = self.text.constant.clone();
        all.extend(constants.clone());
        finished(
            headings,
            places,
            self.text.customer.form,
            all,
            &self.file.empty,
        )
    }
}

impl EventsLayout {
    /// How a table is read whose headings say themselves what they are, in either language.
    ///
    /// # Errors
    /// As [`EventsMapping::layout`]; also when nothing says who the customer is.
    pub fn of_headings(
        headings: &[String],
        rules: &FileRules,
        constants: &BTreeMap<EventField, String>,
    ) -> Result<Self, EventsMappingError> {
        let mut faults = HeadingFaults::default();
        let mut places: Vec<Place> = Vec::with_capacity(headings.len());
        let mut id_form = None;
        for heading in headings {
            let place = if let Some(form) = customer_form(heading) {
                id_form = Some(form);
                Place::Customer
            } else if let Some(field) = EventField::of_heading(heading) {
                Place::Field(field, BTreeMap::new())
            } else {
                faults.unmapped.push(heading.clone());
                continue;
            };
            if places.contains(&place) {
                faults.repeated.push(heading.clone());
            }
            places.push(place);
        }
        if faults != HeadingFaults::default() {
            return Err(EventsMappingError::Headings(faults));
        }
        let id_form = id_form.ok_or(EventsMappingError::NoCustomer)?;
        finished(headings, places, id_form, constants.clone(), &rules.empty)
    }

    /// What the identifiers of its customers are.
    #[must_use]
    pub fn id_form(&self) -> IdForm {
        self.id_form
    }
}

/// What stands in a column of this heading when it tells the customer.
fn customer_form(heading: &str) -> Option<IdForm> {
    let plain = plain(heading);
    if NUMBER_HEADINGS.contains(&&*plain) {
        Some(IdForm::Number)
    } else if PSEUDONYM_HEADINGS.contains(&&*plain) {
        Some(IdForm::Pseudonym)
    } else {
        None
    }
}

/// What the file writes for the words of a column's field.
fn words_of(column: &ColumnText) -> Result<BTreeMap<String, &'static str>, EventsMappingError> {
    if !column.words.is_empty() && column.field.form() != Form::Word {
        return Err(EventsMappingError::NoWords(column.field.name()));
    }
    let code = |(theirs, ours): (&String, &String)| {
        let unknown = || EventsMappingError::Word {
            field: column.field.name(),
            word: ours.clone(),
            codes: column.field.codes(),
        };
        let code = column.field.code_of(ours).ok_or_else(unknown)?;
        Ok((theirs.clone(), code))
    };
    column.words.iter().map(code).collect()
}

/// The layout, when nothing is given twice and nothing is missing that every event needs.
fn finished(
    headings: &[String],
    places: Vec<Place>,
    id_form: IdForm,
    mut constants: BTreeMap<EventField, String>,
    empty: &[String],
) -> Result<EventsLayout, EventsMappingError> {
    let columns: BTreeSet<EventField> = places
        .iter()
        .filter_map(|place| match place {
            Place::Field(field, _) => Some(*field),
            Place::Customer | Place::Dropped => None,
        })
        .collect();
    if let Some(field) = constants.keys().find(|field| columns.contains(field)) {
        return Err(EventsMappingError::FieldTwice(field.name()));
    }
    if constants.contains_key(&EventField::Id) {
        return Err(EventsMappingError::ConstantId);
    }
    for (field, text) in &mut constants {
        if field.form() == Form::Word {
            let unknown = || EventsMappingError::Word {
                field: field.name(),
                word: text.clone(),
                codes: field.codes(),
            };
            *text = field.code_of(text).ok_or_else(unknown)?.to_owned();
        }
    }
    for needed in [EventField::Kind, EventField::Channel, EventField::Region] {
        if !columns.contains(&needed) && !constants.contains_key(&needed) {
            return Err(EventsMappingError::NoField(needed.name()));
        }
    }
    if !columns.contains(&EventField::Source) {
        constants
            .entry(EventField::Source)
            .or_insert_with(|| SOURCE.to_owned());
    }
    Ok(EventsLayout {
        headings: headings.to_vec(),
        places,
        id_form,
        constants,
        empty: empty.to_vec(),
    })
}

/// A mapping drafted from headings: what is known by its name goes where it says, the rest is left behind until somebody reads the draft.
#[must_use]
pub fn draft(headings: &[String], rules: &FileRules) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!("format = \"{EVENTS_MAPPING_FORMAT}\"\n\n[file]\n");
    if let Some(encoding) = rules.encoding {
        text.push_str(&format!("encoding = \"{}\"\n", encoding.as_str()));
    }
    let customer = headings
        .iter()
        .find_map(|heading| Some((heading, customer_form(heading)?)));
    let (heading, form) = match customer {
        Some((heading, IdForm::Number)) => (heading.as_str(), "number"),
        Some((heading, _)) => (heading.as_str(), "pseudonym"),
        None => ("", "number"),
    };
    text.push_str(&format!(
        "\n# Who the customer is: number, text or pseudonym. / 客户列：number 号码，text 其他标识，pseudonym 假名\n[customer]\nheading = {}\nform = \"{form}\"\n",
        quoted(heading)
    ));
    text.push_str(
        "\n# The same for every row. / 每一行都相同的取值\n[constant]\n# kind = \"marketing-contact\"\n# region = \"zs01\"\n",
    );
    let mut taken = BTreeSet::new();
    for heading in headings {
        if customer.is_some_and(|(customer, _)| customer == heading) {
            continue;
        }
        match EventField::of_heading(heading).filter(|field| taken.insert(*field)) {
            Some(field) => text.push_str(&format!(
                "\n[[column]]\nheading = {}\nfield = \"{}\"\n",
                quoted(heading),
                field.name()
            )),
            None => text.push_str(&format!(
                "\n[[drop]]\nheading = {}\nreason = \"no known heading / 未识别\"\n",
                quoted(heading)
            )),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    const HEAD: &str = "format = \"chudian-events-mapping/1\"\n[customer]\nheading = \"号码\"\nform = \"number\"\n";

    fn with(rest: &str) -> Result<EventsMapping, EventsMappingError> {
        EventsMapping::parse(&format!("{HEAD}{rest}"))
    }

    #[test]
    fn faults_of_a_mapping_are_named() {
        let column =
            |heading: &str, rest: &str| format!("[[column]]\nheading = \"{heading}\"\n{rest}\n");
        let twice = format!(
            "{}{}",
            column("甲", "field = \"time\""),
            column("乙", "field = \"time\"")
        );
        let table = [
            (twice, EventsMappingError::FieldTwice("time")),
            (
                column("号码", "field = \"time\""),
                EventsMappingError::HeadingTwice("号码".to_owned()),
            ),
            (
                column("甲", "field = \"time\"\nwords = { a = \"b\" }"),
                EventsMappingError::NoWords("time"),
            ),
            (
                column("甲", "field = \"way\"\nwords = { a = \"b\" }"),
                EventsMappingError::Word {
                    field: "way",
                    word: "b".to_owned(),
                    codes: chudian_vocabulary::contact::OrderingWay::CODES,
                },
            ),
        ];
        for (rest, expected) in table {
            let error = with(&rest).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.text(Language::Chinese).is_empty());
        }
        assert!(
            matches!(with("spelling = 1"), Err(EventsMappingError::Form(text)) if text.contains("spelling"))
        );
    }

    #[test]
    fn headings_and_constants_must_make_an_event() {
        let none = BTreeMap::new();
        let rules = FileRules::default();
        let of = |all: &[&str], constants: &BTreeMap<EventField, String>| {
            EventsLayout::of_headings(&headings(all), &rules, constants)
                .map(|layout| layout.id_form)
        };
        let whole = ["手机号码", "类型", "渠道", "地区", "时间"];
        assert_eq!(of(&whole, &none), Ok(IdForm::Number));
        assert_eq!(
            of(&["Customer_ID", "kind", "channel", "region"], &none),
            Ok(IdForm::Pseudonym)
        );
        assert_eq!(
            of(&["手机号码", "类型", "渠道"], &none),
            Err(EventsMappingError::NoField("region"))
        );
        let region = BTreeMap::from([(EventField::Region, "zs01".to_owned())]);
        assert_eq!(
            of(&["手机号码", "类型", "渠道"], &region),
            Ok(IdForm::Number)
        );
        assert_eq!(
            of(&whole, &region),
            Err(EventsMappingError::FieldTwice("region"))
        );
        assert_eq!(of(&["类型"], &none), Err(EventsMappingError::NoCustomer));
        assert_eq!(
            of(&["手机号码", "msisdn", "客户姓名"], &none),
            Err(EventsMappingError::Headings(HeadingFaults {
                unmapped: headings(&["客户姓名"]),
                missing: Vec::new(),
                repeated: headings(&["msisdn"]),
            }))
        );
        let id = BTreeMap::from([(EventField::Id, "1".to_owned())]);
        assert_eq!(of(&whole, &id), Err(EventsMappingError::ConstantId));
    }

    /// Goal: a draft is a mapping that can be read, with every heading in it.
    #[test]
    fn a_draft_reads_back() {
        let all = headings(&["手机号码", "渠道", "结果", "result", "客户\"姓名\""]);
        let mapping = EventsMapping::parse(&draft(&all, &FileRules::default())).unwrap();
        let constants = BTreeMap::from([
            (EventField::Kind, "投诉".to_owned()),
            (EventField::Region, "zs01".to_owned()),
        ]);
        let layout = mapping.layout(&all, &constants).unwrap();
        assert_eq!(layout.id_form, IdForm::Number);
        assert_eq!(layout.constants[&EventField::Kind], "complaint");
        let dropped = layout
            .places
            .iter()
            .filter(|place| **place == Place::Dropped);
        assert_eq!(dropped.count(), 2);
    }
}
