//! One row as one CloudEvent.
//!
//! Where the table has an id, it is the event's. Where it has none, the id is made of what the row says: the SHA-256 of the event's members `data`,
//! `time` and `type` as compact JSON with sorted names, in base32, the first sixteen bytes of it. So a row has the same id in every file in which it
//! stands, and two rows that say the same are one event; a table in which they are two needs an id column. Such a row needs a time, because
//! otherwise every contact of a kind would be one.

use std::collections::BTreeMap;

use chudian_vocabulary::Language;
use chudian_vocabulary::contact::EventKind;
use chudian_vocabulary::pseudonym::{PseudonymKey, base32};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::field::{EventField, Form};
use super::mapping::{EventsLayout, Place};
use super::moment;
use crate::rows::{CellFault, IdMaker, RejectReason};

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFault {
    /// As with any table: the number of cells, or the customer.
    Row(RejectReason),
    /// A cell that has to say something and does not.
    Missing,
    /// No moment.
    NotAMoment,
    /// No whole number.
    NotWhole,
    /// None of the words of the field; these are its codes.
    NotAWord(&'static [&'static str]),
    /// Neither an id nor a time: nothing tells the row from another.
    NeitherIdNorTime,
}

impl EventFault {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Row(reason) => reason.code(),
            Self::Missing => "missing",
            Self::NotAMoment => "not-a-moment",
            Self::NotWhole => "not-whole",
            Self::NotAWord(_) => "not-a-word",
            Self::NeitherIdNorTime => "neither-id-nor-time",
        }
    }

    /// What is wrong and what to do, in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let pick = |english: &str, chinese: &str| match language {
            Language::English => english.to_owned(),
            Language::Chinese => chinese.to_owned(),
        };
        match self {
            Self::Row(reason) => reason.text(language),
            Self::Missing => pick("the cell is empty", "单元格为空"),
            Self::NotAMoment => pick(
                "not a moment; write for instance 2026-11-22 11:58:03",
                "不是时间，例如 2026-11-22 11:58:03",
            ),
            Self::NotWhole => pick("not a whole number", "不是整数"),
            Self::NotAWord(codes) => pick(
                &format!(
                    "none of: {}; give what the file writes for them under `words` of the mapping",
                    codes.join(", ")
                ),
                &format!(
                    "不是下列取值：{}；文件中的写法请写入映射文件的 `words`",
                    codes.join("、")
                ),
            ),
            Self::NeitherIdNorTime => pick(
                "neither an id nor a time: nothing tells this row from another",
                "既没有编号也没有时间，无法与其他行区分",
            ),
        }
    }
}

/// A row that is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventReject {
    /// Line of the file.
    pub line: u64,
    /// Heading of the column that is wrong; empty when it is the row as a whole.
    pub heading: String,
    /// What is wrong. No cell is repeated: it may hold a number.
    pub fault: EventFault,
}

/// A row that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowEvent {
    /// Line of the file.
    pub line: u64,
    /// The event in structured form.
    pub json: String,
}

/// A value of an event's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Whole(i64),
}

/// What an event says, in the order of the names: its JSON is what the id is made of.
#[derive(Serialize)]
struct Said<'a> {
    data: &'a BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(rename = "type")]
    event_type: &'a str,
}

/// The envelope.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(flatten)]
    said: Said<'a>,
}

/// Makes events of the rows of a table. `Debug` does not exist: it holds the key.
pub struct EventMaker {
    layout: EventsLayout,
    ids: IdMaker,
}

impl EventMaker {
    /// For tables of this layout, with pseudonyms under `key`.
    #[must_use]
    pub fn new(layout: EventsLayout, key: &PseudonymKey) -> Self {
        let ids = IdMaker::new(layout.id_form, key);
        Self { layout, ids }
    }

    /// The event of a row.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn of_row<'a>(
        &self,
        line: u64,
        cells: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<RowEvent, EventReject> {
        let reject = |heading: &str, fault: EventFault| EventReject {
            line,
            heading: heading.to_owned(),
            fault,
        };
        let layout = &self.layout;
        let (found, expected) = (cells.len(), layout.places.len());
        if found != expected {
            let ragged = RejectReason::Ragged { found, expected };
            return Err(reject("", EventFault::Row(ragged)));
        }
        let mut row = Row::default();
        for ((cell, place), heading) in cells.zip(&layout.places).zip(&layout.headings) {
            match place {
                Place::Dropped => {}
                Place::Customer => {
                    let customer = self.ids.of(cell).map_err(|fault| {
                        reject(heading, EventFault::Row(RejectReason::Cell(fault)))
                    })?;
                    row.data
                        .insert("customer_id", Value::Text(customer.to_string()));
                }
                Place::Field(field, words) => {
                    let text = std::str::from_utf8(cell).unwrap_or_default().trim();
                    if text.is_empty() || layout.empty.iter().any(|empty| empty == text) {
                        continue;
                    }
                    row.set(*field, text, words)
                        .map_err(|fault| reject(heading, fault))?;
                }
            }
        }
        for (field, text) in &layout.constants {
            row.set(*field, text, &BTreeMap::new())
                .map_err(|fault| reject(field.name(), fault))?;
        }
        row.event()
            .map(|json| RowEvent { line, json })
            .map_err(|(field, fault)| {
                let heading = layout.heading_of(field);
                reject(heading, fault)
            })
    }
}

impl EventsLayout {
    fn heading_of(&self, field: Option<EventField>) -> &str {
        let is_it = |place: &Place| matches!(place, Place::Field(of, _) if Some(*of) == field);
        let index = self.places.iter().position(is_it);
        index
            .and_then(|index| self.headings.get(index))
            .map_or("", String::as_str)
    }
}

/// What was read of a row.
#[derive(Default)]
struct Row {
    id: Option<String>,
    source: Option<String>,
    kind: Option<EventKind>,
    time: Option<String>,
    data: BTreeMap<&'static str, Value>,
}

impl Row {
    fn set(
        &mut self,
        field: EventField,
        text: &str,
        words: &BTreeMap<String, &'static str>,
    ) -> Result<(), EventFault> {
        let value = match field.form() {
            Form::Text => Value::Text(text.to_owned()),
            Form::Whole => Value::Whole(text.parse().map_err(|_| EventFault::NotWhole)?),
            Form::Moment => Value::Text(moment::parse(text).ok_or(EventFault::NotAMoment)?),
            Form::Word => {
                let code = words.get(text).copied().or_else(|| field.code_of(text));
                let code = code.ok_or(EventFault::NotAWord(field.codes()))?;
                Value::Text(code.to_owned())
            }
        };
        match (field, value) {
            (EventField::Id, Value::Text(id)) => self.id = Some(id),
            (EventField::Source, Value::Text(source)) => self.source = Some(source),
            (EventField::Time, Value::Text(time)) => self.time = Some(time),
            (EventField::Kind, Value::Text(code)) => self.kind = code.parse().ok(),
            (field, value) => {
                self.data.insert(field.name(), value);
            }
        }
        Ok(())
    }

    /// The event as JSON.
    fn event(&self) -> Result<String, (Option<EventField>, EventFault)> {
        let missing = |field| (Some(field), EventFault::Missing);
        if !self.data.contains_key("customer_id") {
            let fault = RejectReason::Cell(CellFault::NoId);
            return Err((None, EventFault::Row(fault)));
        }
        let event_type = self
            .kind
            .ok_or_else(|| missing(EventField::Kind))?
            .event_type();
        for needed in [EventField::Channel, EventField::Region] {
            if !self.data.contains_key(needed.name()) {
                return Err(missing(needed));
            }
        }
        let source = self
            .source
            .as_deref()
            .ok_or_else(|| missing(EventField::Source))?;
        let said = || Said {
            data: &self.data,
            time: self.time.as_deref(),
            event_type: &event_type,
        };
        let id = match &self.id {
            Some(id) => id.clone(),
            None if self.time.is_none() => return Err((None, EventFault::NeitherIdNorTime)),
            None => derived_id(&said()),
        };
        Ok(written(&Envelope {
            specversion: "1.0",
            id: &id,
            source,
            said: said(),
        }))
    }
}

/// Values of these types always have a JSON form.
fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn derived_id(said: &Said<'_>) -> String {
    let digest: [u8; 32] = Sha256::digest(written(said)).into();
    let mut head = [0; 16];
    head.copy_from_slice(&digest[..16]);
    // Base32 has no digit 1, so an id never looks like a telephone number.
    base32(&head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::FileRules;

    fn maker(headings: &[&str], constants: &[(EventField, &str)]) -> EventMaker {
        let headings: Vec<String> = headings.iter().map(|text| (*text).to_owned()).collect();
        let constants = constants
            .iter()
            .map(|(field, text)| (*field, (*text).to_owned()))
            .collect();
        let layout =
            EventsLayout::of_headings(&headings, &FileRules::default(), &constants).unwrap();
        EventMaker::new(layout, &PseudonymKey::from([7; 32]))
    }

    fn of(maker: &EventMaker, cells: &[&str]) -> Result<serde_json::Value, EventReject> {
        let event = maker.of_row(9, cells.iter().map(|cell| cell.as_bytes()))?;
        Ok(serde_json::from_str(&event.json).unwrap())
    }

    const HEADINGS: [&str; 6] = ["手机号码", "类型", "渠道", "时间", "结果", "通话时长"];

    fn calls() -> EventMaker {
        maker(&HEADINGS, &[(EventField::Region, "zs01")])
    }

    /// Goal: the derivation of the id is a promise to every file that was ever sent. The value is what Python's hashlib and base64 make of the text in
    /// the comment.
    #[test]
    fn the_id_of_a_row_without_one_is_for_ever() {
        let event = of(
            &maker(
                &["客户代号", "kind", "channel", "time"],
                &[(EventField::Region, "zs01")],
            ),
            &[
                "aaaaaaaaaaaaaaaaaaaaaaaaaa",
                "complaint",
                "web-hall",
                "2026-11-22 11:58:03",
            ],
        )
        .unwrap();
        // {"data":{"channel":"web-hall","customer_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","region":"zs01"},
        //  "time":"2026-11-22T03:58:03Z","type":"chudian.feedback.complaint.v1"} without the line break
        assert_eq!(event["id"], "2o5xll67zi7vb6dluz46emsbcq");
        assert_eq!(event["source"], "/import");
    }

    /// Goal: one event, whatever the file writes: by names or codes, in any order of columns, with any form of number and time.
    #[test]
    fn the_same_row_is_the_same_event() {
        let one = of(
            &calls(),
            &[
                "13812345678",
                "营销接触",
                "外呼",
                "2026/11/22 11:58:03",
                "有兴趣",
                "94",
            ],
        )
        .unwrap();
        let other = maker(
            &[
                "duration_s",
                "outcome",
                "time",
                "channel",
                "kind",
                "msisdn",
                "region",
            ],
            &[],
        );
        let other = of(
            &other,
            &[
                "94",
                "interested",
                "2026-11-22T03:58:03Z",
                "outbound-call",
                "Marketing contact",
                "+86 138-1234-5678",
                "zs01",
            ],
        )
        .unwrap();
        assert_eq!(one, other);
        assert_eq!(one["type"], "chudian.feedback.marketing-contact.v1");
        assert_eq!(one["data"]["duration_s"], 94);
        assert!(!one.to_string().contains("1381234"), "{one}");
    }

    #[test]
    fn what_a_row_says_makes_its_id_and_an_own_id_stands_above_it() {
        let with = |time: &str, outcome: &str| {
            of(
                &calls(),
                &["13812345678", "投诉", "外呼", time, outcome, ""],
            )
            .unwrap()["id"]
                .clone()
        };
        let id = with("2026-11-22 11:58:03", "成功");
        assert_ne!(id, with("2026-11-22 11:58:04", "成功"));
        assert_ne!(id, with("2026-11-22 11:58:03", "失败"));
        let own = maker(
            &["手机号码", "类型", "渠道", "流水号"],
            &[
                (EventField::Region, "zs01"),
                (EventField::Source, "/hall/zs01"),
            ],
        );
        let event = of(&own, &["13812345678", "投诉", "网上营业厅", "L-77"]).unwrap();
        assert_eq!(
            (&event["id"], &event["source"]),
            (&"L-77".into(), &"/hall/zs01".into())
        );
        assert_eq!(event.get("time"), None);
    }

    #[test]
    fn a_reject_says_where_and_why_and_repeats_no_cell() {
        let good = [
            "13812345678",
            "投诉",
            "外呼",
            "2026-11-22 11:58",
            "成功",
            "3",
        ];
        for (index, cell, heading, code) in [
            (0, "", "手机号码", "no-id"),
            (0, "1381234567", "手机号码", "not-a-mobile-number"),
            (1, "闲聊", "类型", "not-a-word"),
            (1, "", "类型", "missing"),
            (2, "13812345678", "渠道", "not-a-word"),
            (3, "昨天", "时间", "not-a-moment"),
            (3, "", "", "neither-id-nor-time"),
            (5, "3.5", "通话时长", "not-whole"),
        ] {
            let mut cells = good;
            cells[index] = cell;
            let reject = of(&calls(), &cells).unwrap_err();
            let told = (reject.line, reject.heading.as_str(), reject.fault.code());
            assert_eq!(told, (9, heading, code), "{cell}");
            for language in [Language::Chinese, Language::English] {
                let text = reject.fault.text(language);
                assert!(!text.is_empty() && !text.contains("138"), "{text}");
            }
        }
        let ragged = of(&calls(), &good[..5]).unwrap_err();
        assert_eq!(ragged.fault.code(), "ragged");
    }
}
