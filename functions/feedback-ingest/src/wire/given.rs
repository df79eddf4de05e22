//! Events in JSON: a batch is cut into the texts of its events, and a text is read into given values.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::fault::{Fault, Finding};
use crate::field::{FIELD_COUNT, Field};
use crate::limits::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX};
use crate::reading::{Given, GivenData, GivenEvent};

/// A batch in pieces.
#[derive(Debug)]
pub struct Cut<'a> {
    /// The text of each event.
    pub events: Vec<&'a str>,
    /// Whether there were more than [`BATCH_EVENTS_MAX`]; then nothing may be taken.
    pub too_many: bool,
}

/// Why a body is no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// Not JSON.
    #[error("line {line}, column {column} is not JSON")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 before the first character of a line.
        column: usize,
    },
    /// JSON, but no array.
    #[error("not an array")]
    NotAnArray,
}

/// Cuts a batch into its events.
///
/// # Errors
/// When the text is no JSON array.
pub fn cut_batch(text: &str) -> Result<Cut<'_>, CutError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let cut = deserializer
        .deserialize_seq(CutVisitor)
        .and_then(|cut| deserializer.end().map(|()| cut));
    cut.map_err(|error| {
        if error.is_data() {
            CutError::NotAnArray
        } else {
            let (line, column) = (error.line(), error.column());
            CutError::NotJson { line, column }
        }
    })
}

struct CutVisitor;

impl<'de> Visitor<'de> for CutVisitor {
    type Value = Cut<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cut<'de>, A::Error> {
        let mut events = Vec::new();
        while events.len() < BATCH_EVENTS_MAX {
            match items.next_element::<&RawValue>()? {
                Some(event) => events.push(event.get()),
                None => {
                    return Ok(Cut {
                        events,
                        too_many: false,
                    });
                }
            }
        }
        let mut too_many = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            too_many = true;
        }
        Ok(Cut { events, too_many })
    }
}

/// Reads the text of one event in structured form.
///
/// # Errors
/// What is wrong with it as a document; what it says is judged later.
pub fn read_event(text: &str) -> Result<GivenEvent, Finding> {
    if text.len() > EVENT_BYTES_MAX {
        return Err(Finding::whole(Fault::TooLarge));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let given = deserializer
        .deserialize_map(EventVisitor)
        .and_then(|given| deserializer.end().map(|()| given));
    given.map_err(|_| Finding::whole(Fault::NotAnEvent))
}

/// Reads the text of an event's data alone, as binary mode has it.
pub(super) fn read_data(text: &str) -> GivenData {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let data = DataSeed
        .deserialize(&mut deserializer)
        .and_then(|data| deserializer.end().map(|()| data));
    data.unwrap_or(GivenData::Other)
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = GivenEvent;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<GivenEvent, A::Error> {
        let mut event = GivenEvent::default();
        while let Some(member) = members.next_key_seed(MemberSeed)? {
            match member {
                Member::Attribute(attribute) => {
                    let value = members.next_value_seed(GivenSeed)?;
                    let slot = attribute.slot(&mut event);
                    *slot = joined(slot, value);
                }
                Member::Data => {
                    let data = members.next_value_seed(DataSeed)?;
                    event.data = joined_data(&event.data, data);
                }
                Member::DataBase64 => {
                    let data = match members.next_value_seed(GivenSeed)? {
                        Given::Absent => GivenData::Absent,
                        Given::Text(text) => decoded(&text),
                        Given::Whole(_) | Given::Other | Given::Twice => GivenData::Other,
                    };
                    event.data = joined_data(&event.data, data);
                }
                Member::Unknown => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(event)
    }
}

/// A second value in the same place makes both worthless: which one was meant is not told.
fn joined(before: &Given, value: Given) -> Given {
    match (before, value) {
        (Given::Absent, value) => value,
        (_, Given::Absent) => before.clone(),
        _ => Given::Twice,
    }
}

fn joined_data(before: &GivenData, data: GivenData) -> GivenData {
    match (before, data) {
        (GivenData::Absent, data) => data,
        (_, GivenData::Absent) => before.clone(),
        _ => GivenData::Other,
    }
}

fn decoded(base64: &str) -> GivenData {
    let bytes = STANDARD.decode(base64).ok();
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => read_data(&text),
        None => GivenData::Other,
    }
}

/// An attribute of the envelope that is looked at.
#[derive(Clone, Copy)]
pub(super) enum Attribute {
    SpecVersion,
    Id,
    Source,
    Type,
    Time,
    DataContentType,
    Subject,
}

impl Attribute {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "specversion" => Self::SpecVersion,
            "id" => Self::Id,
            "source" => Self::Source,
            "type" => Self::Type,
            "time" => Self::Time,
            "datacontenttype" => Self::DataContentType,
            "subject" => Self::Subject,
            _ => return None,
        })
    }

    pub(super) fn slot(self, event: &mut GivenEvent) -> &mut Given {
        match self {
            Self::SpecVersion => &mut event.spec_version,
            Self::Id => &mut event.id,
            Self::Source => &mut event.source,
            Self::Type => &mut event.event_type,
            Self::Time => &mut event.time,
            Self::DataContentType => &mut event.data_content_type,
            Self::Subject => &mut event.subject,
        }
    }
}

enum Member {
    Attribute(Attribute),
    Data,
    DataBase64,
    Unknown,
}

struct MemberSeed;

impl<'de> DeserializeSeed<'de> for MemberSeed {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for MemberSeed {
    type Value = Member;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "data" => Member::Data,
            "data_base64" => Member::DataBase64,
            name => Attribute::of_name(name).map_or(Member::Unknown, Member::Attribute),
        })
    }
}

struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldSeed {
    type Value = Option<Field>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Field::of_name(name))
    }
}

struct DataSeed;

impl<'de> DeserializeSeed<'de> for DataSeed {
    type Value = GivenData;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<GivenData, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! other_values {
    ($other:expr) => {
        fn visit_bool<E: Error>(self, _value: bool) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_f64<E: Error>(self, _value: f64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok($other)
        }
    };
}

impl<'de> Visitor<'de> for DataSeed {
    type Value = GivenData;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event's data")
    }

    other_values!(GivenData::Other);

    fn visit_unit<E: Error>(self) -> Result<GivenData, E> {
        Ok(GivenData::Absent)
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<GivenData, E> {
        Ok(GivenData::Other)
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<GivenData, E> {
        Ok(GivenData::Other)
    }

    fn visit_str<E: Error>(self, _value: &str) -> Result<GivenData, E> {
        Ok(GivenData::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<GivenData, A::Error> {
        let mut fields: [Given; FIELD_COUNT] = std::array::from_fn(|_| Given::Absent);
        while let Some(field) = members.next_key_seed(FieldSeed)? {
            match field {
                Some(field) => {
                    let value = members.next_value_seed(GivenSeed)?;
                    let slot = &mut fields[field.index()];
                    *slot = joined(slot, value);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(GivenData::Fields(Box::new(fields)))
    }
}

struct GivenSeed;

impl<'de> DeserializeSeed<'de> for GivenSeed {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for GivenSeed {
    type Value = Given;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    other_values!(Given::Other);

    fn visit_unit<E: Error>(self) -> Result<Given, E> {
        Ok(Given::Absent)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Given, E> {
        Ok(Given::Whole(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Given, E> {
        Ok(i64::try_from(value).map_or(Given::Other, Given::Whole))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Given, E> {
        Ok(Given::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Given, E> {
        Ok(Given::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Given, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Given::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_without_reading_its_events() {
        let cut = cut_batch(r#" [ {"id": 1} , "x", [1,[2]], null ] "#).unwrap();
        assert_eq!(cut.events, [r#"{"id": 1}"#, r#""x""#, "[1,[2]]", "null"]);
        assert!(!cut.too_many);
        assert_eq!(cut_batch("[]").unwrap().events.len(), 0);
        assert_eq!(cut_batch("{}").unwrap_err(), CutError::NotAnArray);
        for malformed in ["", "[", "[1,", "[1] 2", "[nul]", "[1,]"] {
            assert!(
                matches!(cut_batch(malformed), Err(CutError::NotJson { .. })),
                "{malformed}"
            );
        }
    }

    #[test]
    fn too_many_events_are_seen_and_not_kept() {
        let many = format!("[{}0]", "0,".repeat(BATCH_EVENTS_MAX));
        let cut = cut_batch(&many).unwrap();
        assert!(cut.too_many);
        assert_eq!(cut.events.len(), BATCH_EVENTS_MAX);
        let full = format!("[{}0]", "0,".repeat(BATCH_EVENTS_MAX - 1));
        assert!(!cut_batch(&full).unwrap().too_many);
    }

    #[test]
    fn values_of_every_sort_are_taken_as_given() {
        let given = read_event(
            r#"{"id": "a\u0000b", "source": 5, "type": 1.5, "time": null, "subject": [1, {"a": 2}], "specversion": "1.0",
                "traceparent": {"deep": [[[]]]}, "data": {"customer_id": "c-1", "duration_s": 7, "outcome": true,
                "region": 18446744073709551615, "campaign": "a", "campaign": "b", "mine": {"x": 1}}}"#,
        )
        .unwrap();
        assert_eq!(given.id, Given::Text("a\0b".to_owned()));
        assert_eq!(given.source, Given::Whole(5));
        assert_eq!(given.event_type, Given::Other);
        assert_eq!(given.time, Given::Absent);
        assert_eq!(given.subject, Given::Other);
        let GivenData::Fields(fields) = given.data else {
            panic!("{:?}", given.data);
        };
        assert_eq!(fields[Field::DurationS.index()], Given::Whole(7));
        assert_eq!(fields[Field::Outcome.index()], Given::Other);
        assert_eq!(fields[Field::Region.index()], Given::Other);
        assert_eq!(fields[Field::Campaign.index()], Given::Twice);
        assert_eq!(fields[Field::Business.index()], Given::Absent);
    }

    #[test]
    fn data_may_come_in_base64() {
        let event = |data: &str| {
            read_event(&format!(r#"{{"data_base64": {data}}}"#))
                .unwrap()
                .data
        };
        let encoded = STANDARD.encode(r#"{"customer_id": "c-1"}"#);
        let GivenData::Fields(fields) = event(&format!("\"{encoded}\"")) else {
            panic!("not read");
        };
        assert_eq!(fields[0], Given::Text("c-1".to_owned()));
        assert_eq!(event("\"???\""), GivenData::Other);
        assert_eq!(event("\"AAAA\""), GivenData::Other);
        assert_eq!(event("null"), GivenData::Absent);
    }

    #[test]
    fn what_is_no_event_is_said_so() {
        for text in ["", "5", "[]", "null", "{", "{} {}", r#"{"data": }"#] {
            assert_eq!(
                read_event(text),
                Err(Finding::whole(Fault::NotAnEvent)),
                "{text}"
            );
        }
        let large = format!("{{\"id\": \"{}\"}}", "x".repeat(EVENT_BYTES_MAX));
        assert_eq!(read_event(&large), Err(Finding::whole(Fault::TooLarge)));
        // However deep: nothing here recurses by level of what is ignored.
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(read_event(&deep), Ok(GivenEvent::default()));
    }
}
