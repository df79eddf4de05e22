//! The document forms: CloudEvents 1.0.2 in its three HTTP modes, and the JSON Schemas of our events' data.
//!
//! An event is cut out of its batch as text first and read by itself afterwards: what is wrong with one costs the others nothing.
//! Reading gives values, never judgements: those are [`crate::reading`]'s.

mod binary;
mod given;
mod schema;

pub use binary::{ATTRIBUTE_HEADER_PREFIX, HeaderFault, event_of_headers, is_binary};
pub use given::{Cut, CutError, cut_batch, read_event};
pub use schema::{schema_name, schema_of};

/// Media type of one event in structured mode.
pub const EVENT_MEDIA_TYPE: &str = "application/cloudevents+json";

/// Media type of several events in batch mode.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";
