//! Reads JSON documents: one pass of serde when all is well, and everything that is wrong, in the field's words, when it is not.
//!
//! Invariant: whatever the bytes are, nothing recurses deeper than [`JSON_DEPTH_MAX`], and no word of serde's or Rust's comes out.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use utoipa::ToSchema;

use super::serde_text::mistake_of;
use super::shape::{Mistake, Shapes, push_token};
use super::strict::Strict;
use super::words::phrase;

/// Deepest nesting of a JSON document; the deepest document of ours has about ten levels. A parser and every later walk over
/// the value use stack by level, and a component's stack is small.
pub const JSON_DEPTH_MAX: usize = 32;

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
    /// Not JSON, or not UTF-8.
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Byte in the line, from 1.
        column: usize,
        /// Whether it is good as far as it goes.
        is_cut_off: bool,
    },
    /// JSON of another shape: every mistake, never none.
    WrongShape(Vec<Mistake>),
}

/// Reads `bytes` as a `T`.
///
/// # Errors
/// When the bytes are no JSON, or JSON of another shape than `T`.
pub fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Unreadable> {
    if depth(bytes) > JSON_DEPTH_MAX {
        return Err(Unreadable::TooDeep);
    }
    strictly(bytes).map_err(|failure| explained::<T>(bytes, &failure))
}

fn strictly<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let document = T::deserialize(Strict(&mut deserializer))?;
    deserializer.end()?;
    Ok(document)
}

/// Reads a value that is JSON already as a `T`.
///
/// # Errors
/// Every mistake of shape.
pub fn read_value<T: DeserializeOwned + ToSchema>(value: Value) -> Result<T, Vec<Mistake>> {
    let mistakes = Shapes::of::<T>().mistakes(&value);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    serde_json::from_value(value)
        .map_err(|failure| vec![mistake_of(String::new(), &failure.to_string())])
}

fn explained<T: ToSchema>(bytes: &[u8], failure: &serde_json::Error) -> Unreadable {
    // The whole text is read as JSON first: serde may have stopped at a wrong field long before the text breaks off.
    let tree: Value = match serde_json::from_slice(bytes) {
        Ok(tree) => tree,
        Err(failure) => {
            return Unreadable::NotJson {
                line: failure.line(),
                column: failure.column(),
                is_cut_off: failure.is_eof(),
            };
        }
    };
    let mut mistakes = written_twice(bytes);
    mistakes.extend(Shapes::of::<T>().mistakes(&tree));
    if mistakes.is_empty() {
        // What the schema does not say, such as the width of a small integer.
        let pointer = pointer_at(bytes, failure.line(), failure.column());
        mistakes.push(mistake_of(pointer, &failure.to_string()));
    }
    Unreadable::WrongShape(mistakes)
}

/// Deepest nesting of brackets outside texts, without building anything.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in bytes {
        match (in_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_text = !in_text,
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

/// Every member that is written twice in its object: a tree keeps only one of the two.
fn written_twice(bytes: &[u8]) -> Vec<Mistake> {
    let (mut pointer, mut found) = (String::new(), Vec::new());
    let looked = Members {
        pointer: &mut pointer,
        found: &mut found,
    }
    .deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    // The bytes were read as JSON before; were they not, there would be nothing to say about members.
    if looked.is_err() {
        found.clear();
    }
    found
}

struct Members<'a> {
    pointer: &'a mut String,
    found: &'a mut Vec<Mistake>,
}

impl Members<'_> {
    fn below(&mut self, token: &str) -> (usize, Members<'_>) {
        let length = self.pointer.len();
        push_token(self.pointer, token);
        let below = Members {
            pointer: self.pointer,
            found: self.found,
        };
        (length, below)
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let (length, below) = self.below(&name);
            if names.contains(&name) {
                below.found.push(Mistake {
                    pointer: below.pointer.clone(),
                    code: "duplicate-field",
                    detail: phrase(
                        "这个字段写了两次，只能写一次",
                        "is written twice; write it once",
                    ),
                });
            }
            map.next_value_seed(below)?;
            self.pointer.truncate(length);
            names.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let (length, below) = self.below(&index.to_string());
            let item = items.next_element_seed(below)?;
            self.pointer.truncate(length);
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Where in a document's tree the byte lies up to which serde had read when it stopped. The document is JSON.
fn pointer_at(bytes: &[u8], line: usize, column: usize) -> String {
    /// A step towards the byte.
    enum Step {
        /// In an object: the member at hand, and whether its name is behind.
        Member(String, bool),
        /// In a list: the item at hand.
        Item(usize),
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let read = bytes.get(..before + column).unwrap_or(bytes);
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = read;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, steps.last_mut()) {
            (b'{', _) => steps.push(Step::Member(String::new(), false)),
            (b'[', _) => steps.push(Step::Item(0)),
            (b'}' | b']', _) => drop(steps.pop()),
            (b',', Some(Step::Item(index))) => *index += 1,
            (b',', Some(Step::Member(_, is_named))) => *is_named = false,
            (b'"', step) => {
                let (text, after) = text_of(after);
                rest = after;
                if let Some(Step::Member(name, is_named)) = step
                    && !*is_named
                {
                    (*name, *is_named) = (text, true);
                }
            }
            _ => {}
        }
    }
    let mut pointer = String::new();
    for step in steps {
        match step {
            // The object is open and none of its members has begun.
            Step::Member(name, false) if name.is_empty() => {}
            Step::Member(name, _) => push_token(&mut pointer, &name),
            Step::Item(index) => push_token(&mut pointer, &index.to_string()),
        }
    }
    pointer
}

/// A JSON text whose opening quotation mark is behind, and what follows it.
fn text_of(bytes: &[u8]) -> (String, &[u8]) {
    let mut is_escaped = false;
    let end = bytes.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    let (inside, after) = bytes.split_at(end.unwrap_or(bytes.len()));
    let text = String::from_utf8_lossy(inside).into_owned();
    let text = serde_json::from_str(&format!("\"{text}\"")).unwrap_or(text);
    (text, after.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its refusals are looked at")]
    struct Order {
        #[serde(rename = "a/b")]
        lines: Vec<Line>,
        #[serde(default)]
        target: Option<Condition>,
        #[serde(default)]
        by_name: BTreeMap<String, u8>,
        #[serde(default)]
        #[schema(minimum = 1, maximum = 200)]
        limit: Option<i64>,
        #[serde(default)]
        #[schema(format = "date")]
        on: Option<String>,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its refusals are looked at")]
    struct Line {
        kb: u64,
        #[serde(default)]
        urgent: bool,
        #[serde(default)]
        #[schema(format = "yuan")]
        price: Option<String>,
    }

    /// A tree of alternatives that a word tells apart, as expressions have them.
    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its refusals are looked at")]
    enum Condition {
        AtLeast {
            column: String,
            months: u32,
        },
        Not {
            #[schema(no_recursion)]
            of: Box<Condition>,
        },
    }

    fn refusal(json: &[u8]) -> String {
        match read::<Order>(json) {
            Ok(order) => format!("  accepted: {order:?}"),
            Err(Unreadable::WrongShape(mistakes)) => mistakes
                .iter()
                .map(|mistake| {
                    let Mistake {
                        pointer,
                        code,
                        detail,
                    } = mistake;
                    format!("  {pointer} {code}\n    {}\n    {}", detail.en, detail.zh)
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Err(other) => format!("  {other:?}"),
        }
    }

    /// Goal: every kind of mistake is told at its field, in the field's words and unit; several at once.
    #[test]
    fn mistakes_are_told_in_the_words_of_the_field() {
        let table: [&str; 30] = [
            r#"{"a/b":[{"kb":5}],"target":{"is":"not","of":{"is":"at_least","column":"fee","months":3}},"by_name":{"x":255}}"#,
            "{}",
            "[]",
            "5",
            "null",
            r#"{"a/b":[{"kb":1e3}]}"#,
            r#"{"a/b":[{"kb":1.5}]}"#,
            r#"{"a/b":[{"kb":-1}]}"#,
            r#"{"a/b":[{"kb":-1.5}]}"#,
            r#"{"a/b":[{"kb":99999999999999999999}]}"#,
            r#"{"a/b":[{"kb":"5"}]}"#,
            r#"{"a/b":[{"kb":null}]}"#,
            r#"{"a/b":[{"kb":1,"urgent":"yes","price":0.2}]}"#,
            r#"{"a/b":{"kb":1}}"#,
            r#"{"a/b":[[1, false]]}"#,
            r#"{"a/b":[{"kb":1,"KB":1}]}"#,
            r#"{"a/b":[{"kb":1,"colour":1}]}"#,
            r#"{"a/b":[{"kb":1,"kb":2}]}"#,
            r#"{"a/b":[],"by_name":{"x":300}}"#,
            r#"{"a/b":[],"by_name":{"x~y":-3,"z":1.0}}"#,
            r#"{"a/b":[],"limit":0}"#,
            r#"{"a/b":[],"limit":201}"#,
            r#"{"a/b":[],"limit":99999999999999999999}"#,
            r#"{"a/b":[],"on":20260531}"#,
            r#"{"a/b":[],"target":{"is":"at_least","column":"fee","month":3}}"#,
            r#"{"a/b":[],"target":{"is":"maybe"}}"#,
            r#"{"a/b":[],"target":{"column":"fee","months":3}}"#,
            r#"{"a/b":[],"target":{"is":"not","of":{"is":"at_least","column":3,"months":3}}}"#,
            r#"{"a/b":[{"#,
            r#"{"a/b":[]} x"#,
        ];
        let shown = table.map(|json| format!("{json}\n{}", refusal(json.as_bytes())));
        insta::assert_snapshot!(shown.join("\n"));
    }

    /// Goal: bytes that are no text, and nesting without end, are told as such and hurt nobody.
    #[test]
    fn what_is_no_document_is_told_so() {
        let not_json = |json: &[u8]| matches!(read::<Value>(json), Err(Unreadable::NotJson { .. }));
        assert!(not_json(b"\xff\xfe{\x00}\x00"), "UTF-16");
        assert!(not_json(
            "{\"a\":\"资\"}".as_bytes().get(..7).unwrap_or_default()
        ));
        assert!(not_json(b"{\"a\":\"\xd7\xca\"}"), "GBK");
        assert!(not_json(b"") && not_json(b"{'a':1}") && not_json(b"{\"a\":NaN}"));
        assert_eq!(
            read::<Value>("[".repeat(1_000_000).as_bytes()),
            Err(Unreadable::TooDeep)
        );
    }

    /// Goal: the place at which serde stops is found again, whatever stands before it.
    #[test]
    fn a_place_in_the_text_is_a_place_in_the_tree() {
        let json = "{\"a\":[1,{\"b\\\"]\":\n  [true, 7]}],\n \"c\":\"}\"}";
        let table = [
            ((1, 7), "/a/0"),
            ((1, 9), "/a/1"),
            ((2, 7), "/a/1/b\"]/0"),
            ((2, 10), "/a/1/b\"]/1"),
            ((3, 8), "/c"),
        ];
        for ((line, column), pointer) in table {
            assert_eq!(pointer_at(json.as_bytes(), line, column), pointer);
        }
    }
}
