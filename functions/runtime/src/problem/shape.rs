//! Compares a document with the schema of its type, and says every difference in the words of the field.
//!
//! Serde stops at the first mistake and speaks of Rust types. The schema is derived from the same type, is what the
//! reader's documentation shows, and knows every field; so a document that serde refuses is walked once more along it.

use std::sync::OnceLock;

use chudian_vocabulary::Name;
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::words::{self, Range, phrase};
use super::{FIELD_ERRORS_MAX, FieldError};

/// Known fields that a refusal of an unknown one lists; more are looked up in the documentation.
const FIELDS_LISTED_MAX: usize = 16;

/// What references begin with in an OpenAPI document.
const REFERENCE_PREFIX: &str = "#/components/schemas/";

/// What they begin with in a self-contained JSON Schema.
const DEFINITION_PREFIX: &str = "#/$defs/";

/// Something wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// JSON pointer (RFC 6901); empty for the whole document.
    pub pointer: String,
    /// Stable code, for programs.
    pub code: &'static str,
    /// What is expected there.
    pub detail: Name,
}

impl From<Mistake> for FieldError {
    fn from(mistake: Mistake) -> Self {
        Self {
            pointer: mistake.pointer,
            code: mistake.code.to_owned(),
            detail: mistake.detail,
        }
    }
}

/// Appends a reference token, escaped by RFC 6901.
pub(super) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// The finished documents of this component, which hold the schemas of everything that it reads.
static FINISHED_DOCUMENTS: OnceLock<&[&str]> = OnceLock::new();

/// Names the documents in which a component looks its schemas up; call it first in every entry point. Later calls do nothing.
pub fn look_up_in(finished_documents: &'static [&'static str]) {
    FINISHED_DOCUMENTS.get_or_init(|| finished_documents);
}

/// What is looked up in an OpenAPI document, or in a self-contained JSON Schema.
#[derive(Default, Deserialize)]
struct Document {
    #[serde(default)]
    components: Components,
    #[serde(default, rename = "$defs")]
    definitions: Map<String, Value>,
}

#[derive(Default, Deserialize)]
struct Components {
    schemas: Map<String, Value>,
}

/// A type's schema with those that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapes {
    root: Value,
    named: Map<String, Value>,
}

impl Shapes {
    /// The schemas of `T`: natively those that are derived from it, in a component those of its finished documents, so that the code
    /// that builds schemas is not linked. Of a type that stands in none of them, mistakes are told in the words of serde.
    #[must_use]
    pub fn of<T: ToSchema>() -> Self {
        if cfg!(target_family = "wasm") {
            let documents = FINISHED_DOCUMENTS.get().copied().unwrap_or_default();
            Self::found_in(documents, &T::name())
        } else {
            Self::derived::<T>()
        }
    }

    /// The schema of this name in the first document that has it, with those that it refers to; without it, one that wants nothing.
    #[must_use]
    pub fn found_in(documents: &[&str], name: &str) -> Self {
        // The documents are our own: where one cannot be read there is nothing to look up.
        let schemas = documents.iter().map(|document| {
            let document: Document = serde_json::from_str(document).unwrap_or_default();
            let mut schemas = document.components.schemas;
            schemas.extend(document.definitions);
            schemas
        });
        let mut all = schemas
            .into_iter()
            .find(|schemas| schemas.contains_key(name))
            .unwrap_or_default();
        let root = all.get(name).cloned().unwrap_or_default();
        let mut named = Map::new();
        let mut wanted = vec![name.to_owned()];
        while let Some(name) = wanted.pop() {
            if let Some(schema) = all.remove(&name) {
                references(&schema, &mut wanted);
                named.insert(name, schema);
            }
        }
        Self { root, named }
    }

    /// The schemas that are derived from `T`.
    #[must_use]
    pub fn derived<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let as_value = |schema| serde_json::to_value(schema).unwrap_or(Value::Null);
        let mut named: Map<String, Value> = schemas
            .into_iter()
            .map(|(name, schema)| (name, as_value(schema)))
            .collect();
        let root = as_value(T::schema());
        named.insert(T::name().into_owned(), root.clone());
        Self { root, named }
    }

    /// The same as a self-contained JSON Schema document.
    #[must_use]
    pub fn document(&self, title: &str) -> Value {
        let mut document = self.root.clone();
        if let Value::Object(fields) = &mut document {
            fields.insert(
                "$schema".to_owned(),
                "https://json-schema.org/draft/2020-12/schema".into(),
            );
            fields.insert("title".to_owned(), title.into());
            fields.insert("$defs".to_owned(), Value::Object(self.named.clone()));
        }
        localise(&mut document);
        document
    }

    /// Everything in `document` that is not of this shape, in the order of the document.
    #[must_use]
    pub fn mistakes(&self, document: &Value) -> Vec<Mistake> {
        let mut walk = Walk {
            shapes: self,
            pointer: String::new(),
            mistakes: Vec::new(),
        };
        walk.value(document, &self.root, "");
        walk.mistakes
    }

    /// Follows references.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        name.map(referred_to)
            .and_then(|name| self.named.get(name))
            .map_or(schema, |schema| self.resolve(schema))
    }

    /// The alternatives of a schema, without the "or null" of optional fields; the schema itself where it has none.
    fn alternatives<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        let schema = self.resolve(schema);
        let choices = ["oneOf", "anyOf"]
            .iter()
            .find_map(|word| schema.get(word).and_then(Value::as_array));
        match choices {
            Some(choices) => choices
                .iter()
                .map(|choice| self.resolve(choice))
                .filter(|choice| kind_of(choice) != "null")
                .flat_map(|choice| self.alternatives(choice))
                .collect(),
            None => vec![schema],
        }
    }
}

/// The name in a reference of an OpenAPI document or of a self-contained schema.
fn referred_to(reference: &str) -> &str {
    reference
        .strip_prefix(REFERENCE_PREFIX)
        .or_else(|| reference.strip_prefix(DEFINITION_PREFIX))
        .unwrap_or(reference)
}

/// Adds the names that a schema refers to, at any depth.
fn references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            names.extend(name.map(|name| referred_to(name).to_owned()));
            fields.values().for_each(|field| references(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

/// Whether a field may be `null`.
fn is_nullable(schema: &Value) -> bool {
    let says_null = |schema: &Value| match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        Some(kind) => kind == "null",
        None => false,
    };
    says_null(schema)
        || ["oneOf", "anyOf"].iter().any(|word| {
            schema
                .get(word)
                .and_then(Value::as_array)
                .is_some_and(|choices| choices.iter().any(says_null))
        })
}

/// The kind of JSON value that a schema wants, besides `null`; empty when it wants none in particular.
fn kind_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or("null"),
        _ => "",
    }
}

/// Whether a value is of a kind, whatever it holds.
fn is_of_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" | "number" => value.is_number(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// The words that a text may be; empty when any text will do.
fn words_of(schema: &Value) -> Vec<&str> {
    let one_word = schema.get("const").and_then(Value::as_str);
    let words = schema.get("enum").and_then(Value::as_array);
    words
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(one_word)
        .collect()
}

/// How well an alternative fits, without looking deeper: first by the word that tells alternatives apart, then by the fields that it
/// knows.
fn fit(value: &Value, schema: &Value) -> (usize, usize) {
    let Value::Object(fields) = value else {
        return (0, 0);
    };
    let (mut told_apart, mut known) = (0, 0);
    for (name, schema) in properties(schema) {
        let Some(value) = fields.get(name) else {
            continue;
        };
        known += 1;
        let words = words_of(schema);
        told_apart += usize::from(value.as_str().is_some_and(|word| words.contains(&word)));
    }
    (told_apart, known)
}

fn range_of(schema: &Value) -> Range {
    let bound = |word: &str| schema.get(word).and_then(Value::as_number).and_then(whole);
    Range {
        least: bound("minimum"),
        most: bound("maximum"),
    }
}

/// A number that is written as a whole one. A bound in a schema may be written `1.0`.
fn whole(number: &Number) -> Option<i128> {
    let as_written = number.as_i64().map(i128::from);
    as_written
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| {
            number
                .as_f64()
                .and_then(|bound| format!("{bound:.0}").parse().ok())
        })
}

/// Greatest figure that a schema's integer holds where it does not say itself. A type without sign is shown by its minimum.
fn greatest(schema: &Value) -> i128 {
    let is_short = schema.get("format").and_then(Value::as_str) == Some("int32");
    match (is_short, range_of(schema).least.is_some()) {
        (true, true) => u32::MAX.into(),
        (true, false) => i32::MAX.into(),
        (false, true) => u64::MAX.into(),
        (false, false) => i64::MAX.into(),
    }
}

struct Walk<'s> {
    shapes: &'s Shapes,
    pointer: String,
    mistakes: Vec<Mistake>,
}

impl<'s> Walk<'s> {
    fn mistake(&mut self, code: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        if self.mistakes.len() < FIELD_ERRORS_MAX {
            self.mistakes.push(Mistake {
                pointer: self.pointer.clone(),
                code,
                detail: Name::new(zh, en),
            });
        }
    }

    fn below(&mut self, token: &str, look: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        push_token(&mut self.pointer, token);
        look(self);
        self.pointer.truncate(length);
    }

    fn value(&mut self, value: &Value, schema: &'s Value, field: &str) {
        if value.is_null() && (is_nullable(schema) || is_nullable(self.shapes.resolve(schema))) {
            return;
        }
        let alternatives = self.shapes.alternatives(schema);
        let fitting = alternatives
            .iter()
            .filter(|schema| is_of_kind(value, kind_of(schema)))
            .map(|schema| (fit(value, schema), *schema))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let Some((_, schema)) = fitting else {
            self.wrong_type(value, &alternatives, field);
            return;
        };
        match (kind_of(schema), value) {
            ("object", Value::Object(fields)) => {
                if !self.is_told_apart(fields, &alternatives) {
                    return;
                }
                self.object(fields, schema);
            }
            ("array", Value::Array(items)) => {
                let of_item = schema.get("items").unwrap_or(&Value::Null);
                for (index, item) in items.iter().enumerate() {
                    self.below(&index.to_string(), |walk| walk.value(item, of_item, field));
                }
            }
            ("string", Value::String(text)) => {
                // Alternatives of the same kind are one list of words.
                let words: Vec<&str> = alternatives
                    .iter()
                    .flat_map(|schema| words_of(schema))
                    .collect();
                let takes_any = alternatives
                    .iter()
                    .any(|schema| kind_of(schema) == "string" && words_of(schema).is_empty());
                if !takes_any && !words.contains(&text.as_str()) {
                    self.unknown_word(&words);
                }
            }
            ("integer", Value::Number(number)) => self.integer(number, schema, field),
            _ => {}
        }
    }

    /// Whether an object says which alternative it is, where alternatives have a field for that; if not, that is its mistake.
    fn is_told_apart(&mut self, fields: &Map<String, Value>, alternatives: &[&'s Value]) -> bool {
        let [first, _, ..] = alternatives else {
            return true;
        };
        let words_at = |name: &str| -> Vec<Vec<&'s str>> {
            alternatives
                .iter()
                .map(|schema| {
                    let mut named = properties(schema).filter(|(known, _)| *known == name);
                    named
                        .next()
                        .map_or_else(Vec::new, |(_, schema)| words_of(schema))
                })
                .collect()
        };
        let tells = |name: &&String| words_at(name).iter().all(|words| words.len() == 1);
        let Some(name) = properties(first).map(|(name, _)| name).find(tells) else {
            return true;
        };
        let words = words_at(name).concat();
        match fields.get(name) {
            Some(Value::String(word)) if words.contains(&word.as_str()) => true,
            Some(Value::String(_)) => {
                self.below(name, |walk| walk.unknown_word(&words));
                false
            }
            other => {
                let code = if other.is_some() {
                    "wrong-type"
                } else {
                    "missing-field"
                };
                self.below(name, |walk| {
                    walk.mistake(
                        code,
                        format!("应为以下之一：{}", words.join("、")),
                        format!("must be one of {}", words.join(", ")),
                    );
                });
                false
            }
        }
    }

    fn unknown_word(&mut self, words: &[&str]) {
        self.mistake(
            "unknown-word",
            format!("只能是 {} 之一", words.join("、")),
            format!("must be one of {}", words.join(", ")),
        );
    }

    fn wrong_type(&mut self, value: &Value, alternatives: &[&Value], field: &str) {
        let mut expected: Vec<Name> = Vec::new();
        for schema in alternatives {
            let noun = noun(schema, field);
            if !expected.contains(&noun) {
                expected.push(noun);
            }
        }
        let found = words::found(value);
        let zh: Vec<&str> = expected.iter().map(|noun| noun.zh.as_str()).collect();
        let en: Vec<&str> = expected.iter().map(|noun| noun.en.as_str()).collect();
        self.mistake(
            "wrong-type",
            format!("应为{}；现在是{}", zh.join("或"), found.zh),
            format!("must be {}; this is {}", en.join(" or "), found.en),
        );
    }

    fn integer(&mut self, number: &Number, schema: &Value, field: &str) {
        let format = schema.get("format").and_then(Value::as_str);
        let plain = words::whole_number(field, format, None);
        let range = range_of(schema);
        let is_written_out = number.is_i64() || number.is_u64();
        let is_negative = number.as_f64().is_some_and(|number| number < 0.0);
        if is_negative && range.least == Some(0) {
            let Name { zh, en } = plain;
            self.mistake(
                "negative",
                format!("不能为负数；应为{zh}"),
                format!("must not be negative: it is {en}"),
            );
            return;
        }
        let figure = whole(number);
        if figure.is_some_and(|figure| figure > greatest(schema)) {
            let most = range.most.unwrap_or_else(|| greatest(schema));
            let range = Range {
                most: Some(most),
                ..range
            };
            self.out_of_range(words::whole_number(field, format, Some(range)));
        } else if !is_written_out {
            let Name { zh, en } = plain;
            self.mistake(
                "not-an-integer",
                format!("应为{zh}，只用数字书写，不带小数点和指数，例如 1000"),
                format!(
                    "must be {en}, written in digits without decimal point or exponent, like 1000"
                ),
            );
        } else if figure.is_some_and(|figure| {
            range.least.is_some_and(|least| figure < least)
                || range.most.is_some_and(|most| figure > most)
        }) {
            self.out_of_range(words::whole_number(field, format, Some(range)));
        }
    }

    fn out_of_range(&mut self, noun: Name) {
        self.mistake(
            "out-of-range",
            format!("应为{}", noun.zh),
            format!("must be {}", noun.en),
        );
    }

    fn object(&mut self, fields: &Map<String, Value>, schema: &'s Value) {
        let of_others = schema.get("additionalProperties");
        for (name, value) in fields {
            let found = properties(schema).find(|(known, _)| *known == name);
            match (found, of_others) {
                (Some((_, schema)), _) => {
                    self.below(name, |walk| walk.value(value, schema, name));
                }
                // The values of a map.
                (None, Some(of_others @ Value::Object(_))) => {
                    self.below(name, |walk| walk.value(value, of_others, name));
                }
                (None, Some(Value::Bool(false))) => {
                    let known: Vec<&str> =
                        properties(schema).map(|(name, _)| name.as_str()).collect();
                    self.below(name, |walk| walk.unknown_field(name, &known));
                }
                (None, _) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if fields.contains_key(name) {
                continue;
            }
            let noun = properties(schema)
                .find(|(known, _)| *known == name)
                .map(|(_, schema)| self.noun_of(schema, name));
            self.below(name, |walk| match noun {
                Some(noun) => walk.mistake(
                    "missing-field",
                    format!("缺少这个字段；应为{}", noun.zh),
                    format!("is missing: it is {}", noun.en),
                ),
                None => walk.mistake("missing-field", "缺少这个字段", "is missing"),
            });
        }
    }

    fn unknown_field(&mut self, name: &str, known: &[&str]) {
        let (zh, en) = match words::closest(name, known.iter().copied()) {
            Some(meant) => (
                format!("；是不是要写 {meant}"),
                format!("; did you mean `{meant}`?"),
            ),
            None if known.len() <= FIELDS_LISTED_MAX => (
                format!("；可用的字段：{}", known.join("、")),
                format!("; there are {}", known.join(", ")),
            ),
            None => Default::default(),
        };
        self.mistake(
            "unknown-field",
            format!("没有这个字段{zh}"),
            format!("unknown field{en}"),
        );
    }

    fn noun_of(&self, schema: &Value, field: &str) -> Name {
        self.shapes
            .alternatives(schema)
            .first()
            .map_or_else(|| noun(schema, field), |schema| noun(schema, field))
    }
}

/// What a schema wants, as a noun.
fn noun(schema: &Value, field: &str) -> Name {
    let format = schema.get("format").and_then(Value::as_str);
    match kind_of(schema) {
        "integer" => words::whole_number(field, format, None),
        "string" => {
            let words = words_of(schema);
            if words.is_empty() {
                words::text(format)
            } else {
                phrase(
                    format!("以下之一：{}", words.join("、")),
                    format!("one of {}", words.join(", ")),
                )
            }
        }
        kind => words::kind(kind).unwrap_or_else(|| phrase("另一种值", "another kind of value")),
    }
}

/// Rewrites references to those of a self-contained document.
fn localise(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace(REFERENCE_PREFIX, DEFINITION_PREFIX);
            }
            fields.values_mut().for_each(localise);
        }
        Value::Array(items) => items.iter_mut().for_each(localise),
        _ => {}
    }
}
