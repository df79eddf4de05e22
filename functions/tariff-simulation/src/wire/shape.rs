//! Reads a document into its serde type, and explains every mistake of shape when that fails.
//!
//! The ordinary way is one pass of serde. Only when it fails is the document read as a tree and compared with the
//! schema derived from the same type, so that all mistakes are reported at once and the two can never drift apart.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::{PartialSchema, ToSchema};

use super::errors::{At, FieldError, Findings};
use crate::limits::DEPTH_MAX;

/// Reads `bytes` as a `T`.
///
/// # Errors
/// Every mistake of shape, each with its place.
pub(super) fn read<T: DeserializeOwned + ToSchema>(
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, Vec<FieldError>> {
    let mut findings = Findings::default();
    if bytes.len() > bytes_max {
        findings.error(
            &At::Root,
            "too-large",
            format!("文档超过 {bytes_max} 字节"),
            format!("the document is larger than {bytes_max} bytes"),
        );
        return Err(findings.errors);
    }
    if depth(bytes) > DEPTH_MAX {
        findings.error(
            &At::Root,
            "too-deep",
            format!("嵌套超过 {DEPTH_MAX} 层"),
            format!("nested more than {DEPTH_MAX} levels deep"),
        );
        return Err(findings.errors);
    }
    let failure = match serde_json::from_slice(bytes) {
        Ok(document) => return Ok(document),
        Err(failure) => failure,
    };
    if failure.to_string().starts_with("duplicate field") {
        // A tree keeps only one of the two, so the comparison below cannot see it.
        findings.errors.extend(duplicate_field::<T>(bytes));
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(tree) => Shapes::of::<T>().compare(&tree, &mut findings),
        Err(failure) => {
            let (line, column) = (failure.line(), failure.column());
            findings.error(
                &At::Root,
                "not-json",
                format!("不是有效的 JSON(第 {line} 行第 {column} 列)"),
                format!("not valid JSON (line {line}, column {column})"),
            );
        }
    }
    if findings.errors.is_empty() {
        // What the schema cannot say, such as a field written twice.
        let (line, column) = (failure.line(), failure.column());
        findings.error(
            &At::Root,
            "wrong-shape",
            format!("格式不符(第 {line} 行第 {column} 列)"),
            failure.to_string(),
        );
    }
    Err(findings.errors)
}

/// The field that is written twice, read once more with its path.
fn duplicate_field<T: DeserializeOwned>(bytes: &[u8]) -> Option<FieldError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let failure = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    let error =
        chudian_runtime::problem::field_error_of(failure.path(), &failure.inner().to_string());
    Some(FieldError {
        pointer: error.pointer,
        code: "duplicate-field",
        message: error.detail,
    })
}

/// Deepest nesting of brackets outside strings, without building anything.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A type's schema with those that it refers to.
pub(super) struct Shapes {
    root: Value,
    named: Map<String, Value>,
}

const REFERENCE_PREFIX: &str = "#/components/schemas/";

impl Shapes {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let as_value = |schema| serde_json::to_value(schema).unwrap_or(Value::Null);
        let mut named: Map<String, Value> = schemas
            .into_iter()
            .map(|(name, schema)| (name, as_value(schema)))
            .collect();
        let root = as_value(<T as PartialSchema>::schema());
        named.insert(T::name().into_owned(), root.clone());
        Self { root, named }
    }

    /// The same as a self-contained JSON Schema document.
    pub(super) fn document(&self, title: &str) -> Value {
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

    fn compare(&self, tree: &Value, findings: &mut Findings) {
        self.value(tree, &self.root, &At::Root, findings);
    }

    /// Follows references and the "or null" of optional fields to the schema that counts.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.strip_prefix(REFERENCE_PREFIX).unwrap_or(name);
            return self
                .named
                .get(name)
                .map_or(schema, |schema| self.resolve(schema));
        }
        match schema.get("oneOf").and_then(Value::as_array) {
            Some(choices) => choices
                .iter()
                .find(|choice| choice.get("type").and_then(Value::as_str) != Some("null"))
                .map_or(schema, |choice| self.resolve(choice)),
            None => schema,
        }
    }

    fn value(&self, value: &Value, schema: &Value, at: &At<'_>, findings: &mut Findings) {
        let optional = schema.get("oneOf").is_some()
            || schema.get("type").is_some_and(|kind| {
                kind.as_array()
                    .is_some_and(|kinds| kinds.contains(&"null".into()))
            });
        if value.is_null() && optional {
            return;
        }
        let schema = self.resolve(schema);
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .find(|kind| *kind != "null")
                .unwrap_or(""),
            _ => "",
        };
        match (kind, value) {
            ("object", Value::Object(fields)) => self.object(fields, schema, at, findings),
            ("array", Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(
                        item,
                        schema.get("items").unwrap_or(&Value::Null),
                        &at.item(index),
                        findings,
                    );
                }
            }
            ("string", Value::String(text)) => {
                let words: Vec<&str> = schema
                    .get("enum")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                if !words.is_empty() && !words.contains(&text.as_str()) {
                    let words = words.join(", ");
                    findings.error(
                        at,
                        "unknown-word",
                        format!("只能是 {words} 之一"),
                        format!("must be one of {words}"),
                    );
                }
            }
            ("integer", Value::Number(number)) => {
                if number.as_i64().is_some_and(|number| number < 0)
                    || number.as_f64().is_some_and(|number| number < 0.0)
                {
                    findings.error(at, "negative", "不能为负数", "must not be negative");
                } else if number.as_u64().is_none() {
                    findings.error(
                        at,
                        "not-an-integer",
                        "必须是 64 位以内的整数",
                        "must be an integer of at most 64 bits",
                    );
                } else if schema.get("format").and_then(Value::as_str) == Some("int32")
                    && number
                        .as_u64()
                        .is_some_and(|number| number > u64::from(u32::MAX))
                {
                    findings.error(at, "out-of-range", "数值过大", "is too large");
                }
            }
            ("boolean", Value::Bool(_)) => {}
            ("", _) => {}
            _ => {
                let (zh, en) = kind_names(kind);
                findings.error(
                    at,
                    "wrong-type",
                    format!("应为{zh}"),
                    format!("must be {en}"),
                );
            }
        }
    }

    fn object(
        &self,
        fields: &Map<String, Value>,
        schema: &Value,
        at: &At<'_>,
        findings: &mut Findings,
    ) {
        let nothing = Map::new();
        let known = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&nothing);
        for (name, value) in fields {
            match known.get(name) {
                Some(schema) => self.value(value, schema, &at.field(name), findings),
                None => {
                    let closest = known
                        .keys()
                        .filter(|key| distance(key, name) <= 2)
                        .min_by_key(|key| distance(key, name));
                    let (zh, en) = closest.map_or_else(Default::default, |key| {
                        (
                            format!(",是否应为 {key}?"),
                            format!("; did you mean `{key}`?"),
                        )
                    });
                    findings.error(
                        &at.field(name),
                        "unknown-field",
                        format!("未知字段{zh}"),
                        format!("unknown field{en}"),
                    );
                }
            }
        }
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !fields.contains_key(name) {
                findings.error(&at.field(name), "missing-field", "缺少此字段", "is missing");
            }
        }
    }
}

fn kind_names(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "object" => ("对象", "an object"),
        "array" => ("数组", "an array"),
        "string" => (
            "字符串(金额也写成字符串)",
            "a string (amounts are strings too)",
        ),
        "integer" => ("整数", "an integer"),
        _ => ("布尔值", "true or false"),
    }
}

/// Number of single-character changes between two words, for "did you mean".
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (row_index, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = row_index + 1;
        for (column, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// Rewrites references to those of a self-contained document.
fn localise(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace(REFERENCE_PREFIX, "#/$defs/");
            }
            fields.values_mut().for_each(localise);
        }
        Value::Array(items) => items.iter_mut().for_each(localise),
        _ => {}
    }
}
