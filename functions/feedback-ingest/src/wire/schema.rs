//! The JSON Schemas of events' data, made from the same table from which events are read.

use chudian_vocabulary::contact::{EVENT_TYPE_VERSION, EventKind};
use serde_json::{Map, Value, json};

use crate::field::{Field, Form, fields_of};

/// Pattern of an identifier, as `chudian_vocabulary::check_identifier` has it.
const IDENTIFIER_PATTERN: &str = "^[A-Za-z0-9_.:-]{1,64}$";

/// Pattern of a pseudonym: an identifier without `:`.
const PSEUDONYM_PATTERN: &str = "^[A-Za-z0-9_.-]{1,64}$";

/// Name of a kind's schema in its address: `order.v1.json`.
pub fn schema_name(kind: EventKind) -> String {
    format!("{}.{EVENT_TYPE_VERSION}.json", kind.code())
}

/// The schema of a kind's data, JSON Schema 2020-12; `id` is its own address.
pub fn schema_of(kind: EventKind, id: &str) -> Value {
    let fields = fields_of(kind);
    let mut properties = Map::new();
    for field in fields.required.iter().chain(fields.optional) {
        properties.insert(field.name().to_owned(), property(*field));
    }
    let required: Vec<&str> = fields.required.iter().map(|field| field.name()).collect();
    let title = kind.name();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id,
        "title": kind.event_type(),
        "description": format!("{} · {}", title.en, title.zh),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": true,
    })
}

fn property(field: Field) -> Value {
    let title = field.title();
    let mut schema = match field.form() {
        Form::Pseudonym => json!({"type": "string", "pattern": PSEUDONYM_PATTERN}),
        Form::Identifier => json!({"type": "string", "pattern": IDENTIFIER_PATTERN}),
        Form::Text(characters_max) => json!({"type": "string", "maxLength": characters_max}),
        Form::Keys(characters_max) => {
            json!({"type": "string", "pattern": format!("^[0-9*#]{{1,{characters_max}}}$")})
        }
        Form::Whole(max) => json!({"type": "integer", "minimum": 0, "maximum": max}),
        Form::Moment => json!({"type": "string", "format": "date-time"}),
        Form::Word(words) => json!({"enum": words}),
    };
    schema["description"] = format!("{} · {}", title.en, title.zh).into();
    schema
}
