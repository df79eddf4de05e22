//! From the values that a sender gave to an [`Event`], or to everything that is wrong with them.
//!
//! A pure function of the values, the caller's region and the time of arrival. It knows no document form: `wire` brings values.

use std::str::FromStr;

use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{EventKind, Outcome};
use chudian_vocabulary::masking::{looks_like_a_number, mask_numbers, mask_written_numbers};
use chudian_vocabulary::{CustomerId, Region, check_identifier};

use crate::event::{Details, Event, OrderPart};
use crate::fault::{Fault, Finding};
use crate::field::{FIELD_COUNT, Field, Form, KindFields, fields_of};
use crate::identity::{ContentHash, Identity};
use crate::limits::{EVENT_ID_BYTES_MAX, EVENT_SOURCE_BYTES_MAX, FAULTS_MAX};
use crate::timing::{self, Flags};

/// The only version of the envelope.
const SPEC_VERSION: &str = "1.0";

/// A value as the sender gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// Not there, or null.
    #[default]
    Absent,
    /// A text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// Something that no field takes: a fraction, a truth value, a list, an object.
    Other,
    /// There twice.
    Twice,
}

/// The values of an event's data, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GivenData {
    /// No data.
    #[default]
    Absent,
    /// Not an object.
    Other,
    /// An object.
    Fields(Box<[Given; FIELD_COUNT]>),
}

/// An event as the sender gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenEvent {
    /// `specversion`.
    pub spec_version: Given,
    /// `id`.
    pub id: Given,
    /// `source`.
    pub source: Given,
    /// `type`.
    pub event_type: Given,
    /// `time`.
    pub time: Given,
    /// `datacontenttype`.
    pub data_content_type: Given,
    /// `subject`; not used, but no place for a telephone number either.
    pub subject: Given,
    /// `data`.
    pub data: GivenData,
}

/// Against what an event is judged.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// When it came, unix milliseconds.
    pub received_unix_ms: i64,
    /// The only region for which the sender may speak; `None` for the whole province.
    pub region: Option<&'a Region>,
}

/// Reads an event.
///
/// # Errors
/// Everything that is wrong with it, never nothing.
pub fn read(given: &GivenEvent, arrival: Arrival<'_>) -> Result<Event, Vec<Finding>> {
    let mut findings = Findings::default();
    let envelope = read_envelope(given, arrival, &mut findings);
    let (kind, fields) = match (&given.data, envelope.as_ref().and_then(|found| found.kind)) {
        (GivenData::Fields(fields), Some(kind)) => (kind, fields),
        (GivenData::Fields(_), None) => return Err(findings.all()),
        (GivenData::Absent | GivenData::Other, _) => {
            findings.add(Finding::at_attribute("data", Fault::Data));
            return Err(findings.all());
        }
    };
    let mut reader = Reader {
        kind_fields: fields_of(kind),
        fields,
        content: ContentHash::new(kind, envelope.as_ref().and_then(|found| found.own_time)),
        findings,
        masked: false,
    };
    let read = reader.event(kind, arrival);
    let (Some(envelope), Some(mut event), true) = (envelope, read, reader.findings.are_none())
    else {
        return Err(reader.findings.all());
    };
    event.identity = envelope.identity;
    event.at_unix_ms = envelope.at_unix_ms;
    event.flags = event.flags.and(envelope.flags);
    event.details.source = envelope.source;
    event.details.id = envelope.id;
    event.content = reader.content.finish();
    Ok(event)
}

/// What the envelope says. There is one whenever source, id and time can be read; the kind may still be unknown.
struct Envelope {
    identity: Identity,
    source: String,
    id: String,
    kind: Option<EventKind>,
    own_time: Option<i64>,
    at_unix_ms: i64,
    flags: Flags,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, finding: Finding) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(finding);
        }
    }

    fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    fn all(self) -> Vec<Finding> {
        self.0
    }
}

fn read_envelope(
    given: &GivenEvent,
    arrival: Arrival<'_>,
    findings: &mut Findings,
) -> Option<Envelope> {
    match &given.spec_version {
        Given::Text(version) if version == SPEC_VERSION => {}
        _ => findings.add(Finding::at_attribute("specversion", Fault::SpecVersion)),
    }
    let id = attribute("id", &given.id, EVENT_ID_BYTES_MAX, findings);
    let source = attribute("source", &given.source, EVENT_SOURCE_BYTES_MAX, findings);
    let kind = attribute("type", &given.event_type, EVENT_SOURCE_BYTES_MAX, findings).and_then(
        |event_type| {
            let kind = EventKind::of_event_type(event_type);
            if kind.is_none() {
                findings.add(Finding::at_attribute("type", Fault::TypeUnknown));
            }
            kind
        },
    );
    if !is_json(&given.data_content_type) {
        findings.add(Finding::at_attribute("datacontenttype", Fault::Data));
    }
    if let Given::Text(subject) = &given.subject
        && holds_a_number(subject)
    {
        findings.add(Finding::at_attribute("subject", Fault::LooksLikeANumber));
    }
    let (own_time, at_unix_ms, flags) = own_time(&given.time, arrival, findings)?;
    let (source, id) = (source?, id?);
    let (shown_source, shown_id) = (mask_numbers(source), mask_numbers(id));
    Some(Envelope {
        identity: Identity::of(source, id),
        kind,
        own_time,
        at_unix_ms,
        flags,
        source: shown_source.into_owned(),
        id: shown_id.into_owned(),
    })
}

/// Characters of a part that is no number although it looks like one: the last part of a UUID may by chance be all digits.
const UUID_PART_CHARACTERS: usize = 12;

/// Whether a telephone number is a part of this text, parts being what other characters than letters and digits divide. Such a number
/// would be stored as a plain hash.
fn holds_a_number(text: &str) -> bool {
    looks_like_a_number(text)
        || text
            .split(|character: char| !character.is_alphanumeric())
            .any(|part| part.len() != UUID_PART_CHARACTERS && looks_like_a_number(part))
}

/// A text attribute that must be there.
fn attribute<'a>(
    name: &str,
    given: &'a Given,
    bytes_max: usize,
    findings: &mut Findings,
) -> Option<&'a str> {
    let fault = match given {
        Given::Text(text) if text.is_empty() => Fault::AttributeMissing,
        Given::Text(text) if text.len() > bytes_max || text.chars().any(char::is_control) => {
            Fault::AttributeForm
        }
        Given::Text(text) if holds_a_number(text) => Fault::LooksLikeANumber,
        Given::Text(text) => return Some(text),
        Given::Absent => Fault::AttributeMissing,
        Given::Whole(_) | Given::Other => Fault::AttributeForm,
        Given::Twice => Fault::GivenTwice,
    };
    findings.add(Finding::at_attribute(name, fault));
    None
}

/// The event's own time if it has one, the time that counts, and what is remarkable about it.
fn own_time(
    given: &Given,
    arrival: Arrival<'_>,
    findings: &mut Findings,
) -> Option<(Option<i64>, i64, Flags)> {
    let judged = match given {
        Given::Absent => return Some((None, arrival.received_unix_ms, Flags::WITHOUT_TIME)),
        Given::Text(text) => timing::moment(text)
            .ok_or(Fault::TimeForm)
            .and_then(|at| Ok((at, timing::judge(at, arrival.received_unix_ms)?))),
        Given::Twice => Err(Fault::GivenTwice),
        Given::Whole(_) | Given::Other => Err(Fault::TimeForm),
    };
    match judged {
        Ok((at, flags)) => Some((Some(at), at, flags)),
        Err(fault) => {
            findings.add(Finding::at_attribute("time", fault));
            None
        }
    }
}

/// Data is JSON unless the envelope says otherwise.
fn is_json(content_type: &Given) -> bool {
    match content_type {
        Given::Absent => true,
        Given::Text(text) => {
            let essence = text.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
                || essence.eq_ignore_ascii_case("text/json")
                || essence.to_ascii_lowercase().ends_with("+json")
        }
        Given::Whole(_) | Given::Other | Given::Twice => false,
    }
}

/// Reads the fields of one kind, each at most once.
struct Reader<'a> {
    kind_fields: KindFields,
    fields: &'a [Given; FIELD_COUNT],
    content: ContentHash,
    findings: Findings,
    masked: bool,
}

impl<'a> Reader<'a> {
    /// The event without what the envelope says; nothing when a field that it cannot do without is wrong.
    fn event(&mut self, kind: EventKind, arrival: Arrival<'_>) -> Option<Event> {
        let customer_id = self.customer();
        let channel = self.word::<Channel>(Field::Channel);
        let region = self.region(arrival);
        let outcome = self.word::<Outcome>(Field::Outcome);
        let campaign = self.identifier(Field::Campaign);
        let batch = self.identifier(Field::Batch);
        let business = self.identifier(Field::Business);
        let staff = self.identifier(Field::Staff);
        let content = self.text(Field::Content);
        let duration_s = self.whole(Field::DurationS);
        let reason = self.text(Field::Reason);
        let order_id = self.identifier(Field::OrderId);
        let way = self.word(Field::Way);
        let expires_at_unix_ms = self.moment(Field::ExpiresAt);
        let cancelled_by = self.word(Field::CancelledBy);
        let message_id = self.identifier(Field::MessageId);
        let menu = self.identifier(Field::Menu);
        let keys = self.keys(Field::Keys);
        let page = self.text(Field::Page);
        let begins_or_ends_an_order = matches!(
            kind,
            EventKind::Order | EventKind::Trial | EventKind::Cancellation
        );
        let order = order_id
            .clone()
            .filter(|_| begins_or_ends_an_order)
            .map(|order_id| OrderPart {
                order_id,
                way,
                expires_at_unix_ms,
                cancelled_by,
            });
        let details = Details {
            source: String::new(),
            id: String::new(),
            staff,
            content,
            reason,
            order_id,
            message_id,
            menu,
            keys,
            page,
        };
        Some(Event {
            identity: Identity { high: 0, low: 0 },
            content: 0,
            kind,
            channel: channel?,
            // Kinds that need no outcome tell of something that took place.
            outcome: outcome.unwrap_or(Outcome::Succeeded),
            customer_id: customer_id?,
            region: region?,
            at_unix_ms: 0,
            flags: if self.masked {
                Flags::NUMBER_MASKED
            } else {
                Flags::default()
            },
            campaign,
            batch,
            business,
            duration_s,
            order,
            details,
        })
    }

    fn fault(&mut self, field: Field, fault: Fault) {
        self.findings.add(Finding::at_field(field, fault));
    }

    /// The value of a field of this kind. An absent one is a fault where the kind needs it.
    fn given(&mut self, field: Field) -> Option<&'a Given> {
        if !self.kind_fields.has(field) {
            return None;
        }
        match &self.fields[field.index()] {
            Given::Absent => {
                if self.kind_fields.required.contains(&field) {
                    self.fault(field, Fault::FieldMissing);
                }
                None
            }
            Given::Twice => {
                self.fault(field, Fault::GivenTwice);
                None
            }
            given => Some(given),
        }
    }

    /// The text of a field for which `is_right` holds.
    fn checked_text(
        &mut self,
        field: Field,
        is_right: impl Fn(&str) -> Result<(), Fault>,
    ) -> Option<&'a str> {
        let outcome = match self.given(field)? {
            Given::Text(text) => is_right(text).map(|()| text.as_str()),
            _ => Err(Fault::FieldForm(field.form())),
        };
        match outcome {
            Ok(text) => Some(text),
            Err(fault) => {
                self.fault(field, fault);
                None
            }
        }
    }

    /// As [`Self::checked_text`], and the text counts for what the event says.
    fn said_text(
        &mut self,
        field: Field,
        is_right: impl Fn(&str) -> Result<(), Fault>,
    ) -> Option<&'a str> {
        let text = self.checked_text(field, is_right)?;
        self.content.text(field, text);
        Some(text)
    }

    /// A text as it may be stored. Only what remains after masking is hashed: a plain hash beside a masked number would give the
    /// hidden digits away, since there are only ten thousand of them to try.
    fn masked(&mut self, field: Field, text: &str) -> String {
        let masked = match field {
            // What people wrote; in the others groups of digits are something else.
            Field::Content | Field::Reason => mask_written_numbers(text),
            _ => mask_numbers(text),
        };
        self.masked |= masked != text;
        self.content.text(field, &masked);
        masked.into_owned()
    }

    fn customer(&mut self) -> Option<CustomerId> {
        let field = Field::CustomerId;
        let text = self.said_text(field, check_pseudonym)?;
        CustomerId::new(text).ok()
    }

    fn region(&mut self, arrival: Arrival<'_>) -> Option<Region> {
        let own = arrival.region.map(Region::as_str);
        let text = self.said_text(Field::Region, |text| {
            check_plain_identifier(text)?;
            if own.is_none_or(|own| own == text) {
                Ok(())
            } else {
                Err(Fault::RegionNotAllowed)
            }
        })?;
        Region::new(text).ok()
    }

    fn identifier(&mut self, field: Field) -> Option<String> {
        self.said_text(field, check_plain_identifier)
            .map(str::to_owned)
    }

    fn word<T: FromStr>(&mut self, field: Field) -> Option<T> {
        let text = self.said_text(field, |text| {
            text.parse::<T>()
                .map(drop)
                .map_err(|_| Fault::FieldForm(field.form()))
        })?;
        text.parse().ok()
    }

    fn text(&mut self, field: Field) -> Option<String> {
        let Form::Text(characters_max) = field.form() else {
            return None;
        };
        let text = self.checked_text(field, |text| {
            // Line ends and tabs belong into a note; other control characters cannot be stored everywhere.
            let is_storable = |character: char| {
                !character.is_control() || matches!(character, '\n' | '\r' | '\t')
            };
            if text.chars().count() <= characters_max && text.chars().all(is_storable) {
                Ok(())
            } else {
                Err(Fault::FieldForm(field.form()))
            }
        })?;
        Some(self.masked(field, text))
    }

    fn keys(&mut self, field: Field) -> Option<String> {
        let Form::Keys(characters_max) = field.form() else {
            return None;
        };
        let text = self.checked_text(field, |text| {
            let is_key = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'*' | b'#');
            if (1..=characters_max).contains(&text.len()) && text.bytes().all(is_key) {
                Ok(())
            } else {
                Err(Fault::FieldForm(field.form()))
            }
        })?;
        Some(self.masked(field, text))
    }

    fn whole(&mut self, field: Field) -> Option<i64> {
        let Form::Whole(max) = field.form() else {
            return None;
        };
        match self.given(field)? {
            Given::Whole(number) if (0..=max).contains(number) => {
                self.content.number(field, *number);
                Some(*number)
            }
            _ => {
                self.fault(field, Fault::FieldForm(field.form()));
                None
            }
        }
    }

    fn moment(&mut self, field: Field) -> Option<i64> {
        let found = match self.given(field)? {
            Given::Text(text) => timing::moment(text),
            _ => None,
        };
        match found.filter(|unix_ms| timing::day_of(*unix_ms).is_some()) {
            Some(unix_ms) => {
                self.content.number(field, unix_ms);
                Some(unix_ms)
            }
            None => {
                self.fault(field, Fault::FieldForm(field.form()));
                None
            }
        }
    }
}

/// Checks the pseudonym of a customer (PR-1).
///
/// # Errors
/// [`Fault::LooksLikeANumber`], or [`Fault::FieldForm`] of a pseudonym.
pub fn check_pseudonym(text: &str) -> Result<(), Fault> {
    if looks_like_a_number(text) {
        return Err(Fault::LooksLikeANumber);
    }
    // `:` belongs to identifiers of other things.
    if text.contains(':') || check_identifier(text).is_err() {
        return Err(Fault::FieldForm(Form::Pseudonym));
    }
    Ok(())
}

fn check_plain_identifier(text: &str) -> Result<(), Fault> {
    if looks_like_a_number(text) {
        return Err(Fault::LooksLikeANumber);
    }
    check_identifier(text).map_err(|_| Fault::FieldForm(Form::Identifier))
}
