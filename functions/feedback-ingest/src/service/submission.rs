//! The events of one request, read; and their results, when they are committed.

use bytes::Bytes;
use chudian_vocabulary::Region;

use crate::fault::{Fault, Finding};
use crate::reading::{Arrival, GivenEvent, read};
use crate::store::{NewEvent, NewRejected, Sender, Verdict, rejected_of};

/// Who sent a request, and when it came.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Id of the key.
    pub key_id: &'a str,
    /// Region of the key.
    pub region: Option<&'a Region>,
    /// When the request came, unix milliseconds.
    pub received_unix_ms: i64,
    /// Whether what is rejected is to be kept; a replay's document is kept already.
    pub keeps_rejected: bool,
}

/// What a client is told of one event before it is committed.
#[derive(Clone, Debug)]
enum Read {
    /// It is the event of this place among the new ones.
    New(usize),
    /// It was rejected.
    Rejected {
        findings: Vec<Finding>,
        rejected_id: Option<String>,
    },
}

/// The events of one request.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    new: Vec<NewEvent>,
    rejected: Vec<NewRejected>,
    reads: Vec<Read>,
    bytes: usize,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventResult {
    /// CloudEvents `source` as it may be shown; absent when the event could not be read.
    pub source: Option<String>,
    /// CloudEvents `id` as it may be shown.
    pub id: Option<String>,
    /// What became of it.
    pub told: Told,
}

/// What a client is told of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Stored, with these remarks.
    Accepted(Vec<&'static str>),
    /// Stored before.
    Duplicate,
    /// Not stored, for these reasons; kept under this id.
    Rejected {
        /// Everything that is wrong with it.
        findings: Vec<Finding>,
        /// Under which id it is kept.
        rejected_id: Option<String>,
    },
}

impl Submission {
    /// Adds an event of the request. `document` is its text in structured form.
    pub fn add(&mut self, given: Result<GivenEvent, Finding>, document: Bytes, origin: Origin<'_>) {
        self.bytes += document.len();
        let arrival = Arrival {
            received_unix_ms: origin.received_unix_ms,
            region: origin.region,
        };
        let event = given
            .map_err(|finding| vec![finding])
            .and_then(|given| read(&given, arrival));
        let read = match event {
            Ok(event) => {
                self.new.push(NewEvent {
                    event,
                    key_id: origin.key_id.to_owned(),
                    key_region: origin.region.map(|region| region.as_str().to_owned()),
                    document,
                });
                Read::New(self.new.len() - 1)
            }
            Err(findings) => self.rejection(findings, &document, origin),
        };
        self.reads.push(read);
    }

    fn rejection(&mut self, findings: Vec<Finding>, document: &[u8], origin: Origin<'_>) -> Read {
        let whole = Finding::whole(Fault::NotAnEvent);
        let first = findings.first().unwrap_or(&whole);
        let rejected_id = origin.keeps_rejected.then(|| {
            let sender = Sender {
                key_id: origin.key_id,
                region: origin.region.map(Region::as_str),
            };
            let kept = rejected_of(document, first, sender, origin.received_unix_ms);
            let id = kept.rejected_id.clone();
            self.rejected.push(kept);
            id
        });
        Read::Rejected {
            findings,
            rejected_id,
        }
    }

    /// Events of the request, rejected ones included.
    pub fn len(&self) -> usize {
        self.reads.len()
    }

    /// Whether the request brought no event.
    pub fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    /// Bytes of the events.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Events that are to be stored.
    pub(super) fn new_events(&self) -> &[NewEvent] {
        &self.new
    }

    /// Rejected events that are to be kept.
    pub(super) fn rejected(&self) -> &[NewRejected] {
        &self.rejected
    }

    /// The result of each event, in the order of the request. `verdicts` are those of the new events.
    pub fn results(&self, verdicts: &[Verdict]) -> Vec<EventResult> {
        let result = |read: &Read| match read {
            Read::New(place) => {
                let (new, verdict) = (self.new.get(*place)?, verdicts.get(*place)?);
                Some(EventResult {
                    source: Some(new.event.details.source.clone()),
                    id: Some(new.event.details.id.clone()),
                    told: told(new, verdict),
                })
            }
            Read::Rejected {
                findings,
                rejected_id,
            } => Some(EventResult {
                source: None,
                id: None,
                told: Told::Rejected {
                    findings: findings.clone(),
                    rejected_id: rejected_id.clone(),
                },
            }),
        };
        self.reads.iter().filter_map(result).collect()
    }
}

fn told(new: &NewEvent, verdict: &Verdict) -> Told {
    match verdict {
        Verdict::Accepted => Told::Accepted(new.event.flags.codes()),
        Verdict::Duplicate => Told::Duplicate,
        Verdict::Conflict(rejected_id) => Told::Rejected {
            findings: vec![Finding::at_attribute("id", Fault::IdentityConflict)],
            rejected_id: Some(rejected_id.clone()),
        },
    }
}
