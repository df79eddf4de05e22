//! Walks a TOML document and collects every fault on the way, each with its line, instead of stopping at the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::{Finding, Message, message};

/// Faults and warnings collected while one file is read.
pub(crate) struct Reader<'source> {
    source: &'source str,
    directory: PathBuf,
    pub(crate) faults: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
}

impl<'source> Reader<'source> {
    /// A reader of `source`, whose relative paths are meant from `directory`.
    pub(crate) fn new(source: &'source str, directory: &Path) -> Self {
        Self {
            source,
            directory: directory.to_path_buf(),
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Parses the document; syntax errors become faults and the rest is still read.
    pub(crate) fn parse(&mut self) -> DeTable<'source> {
        let (table, errors) = DeTable::parse_recoverable(self.source);
        for error in errors {
            let text = error.message().to_owned();
            self.fault(
                error.span().unwrap_or_default(),
                "",
                message!("TOML: {text}", "TOML 语法错误：{text}"),
            );
        }
        table.into_inner()
    }

    /// The directory that relative paths are meant from.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Records a fault at a span.
    pub(crate) fn fault(&mut self, span: Range<usize>, place: &str, message: Message) {
        let line = Some(self.line(&span));
        self.faults.push(Finding {
            place: place.to_owned(),
            line,
            message,
        });
    }

    /// Records a fault at a value.
    pub(crate) fn fault_at(&mut self, value: &Spanned<DeValue<'_>>, place: &str, message: Message) {
        self.fault(value.span(), place, message);
    }

    /// Records a warning at a span.
    pub(crate) fn warn(&mut self, span: Range<usize>, place: &str, message: Message) {
        let line = Some(self.line(&span));
        self.warnings.push(Finding {
            place: place.to_owned(),
            line,
            message,
        });
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let start = span.start.min(self.source.len());
        self.source.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }
}

/// A table being read: knows where it stands and which of its keys nobody has asked for.
pub(crate) struct Table<'text, 'table> {
    table: &'table DeTable<'text>,
    span: Range<usize>,
    place: String,
    taken: BTreeSet<String>,
}

impl<'text, 'table> Table<'text, 'table> {
    pub(crate) fn new(
        table: &'table DeTable<'text>,
        span: Range<usize>,
        place: impl Into<String>,
    ) -> Self {
        Self {
            table,
            span,
            place: place.into(),
            taken: BTreeSet::new(),
        }
    }

    /// Where it stands in the file.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Dotted path of the table.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Dotted path of a key in the table.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The value of a key, which counts as read from now on.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'table Spanned<DeValue<'text>>> {
        let value = self.table.get(key)?;
        self.taken.insert(key.to_owned());
        Some(value)
    }

    pub(crate) fn take_string(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong_type(
                reader,
                value,
                key,
                message!("must be a string", "应为字符串"),
            ),
        }
    }

    pub(crate) fn take_bool(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong_type(
                reader,
                value,
                key,
                message!("must be true or false", "应为 true 或 false"),
            ),
        }
    }

    pub(crate) fn take_integer(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<i64> {
        let value = self.take(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number {
            Some(number) => Some(number),
            None => self.wrong_type(
                reader,
                value,
                key,
                message!("must be a whole number", "应为整数"),
            ),
        }
    }

    pub(crate) fn take_table(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<Table<'text, 'table>> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Table(inner) => Some(Table::new(inner, value.span(), self.key(key))),
            _ => self.wrong_type(reader, value, key, message!("must be a table", "应为表")),
        }
    }

    /// A list of strings, each with its span; empty when the key is absent.
    pub(crate) fn take_strings(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Vec<Spanned<String>> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let DeValue::Array(entries) = value.get_ref() else {
            return self
                .wrong_type(
                    reader,
                    value,
                    key,
                    message!("must be a list of strings", "应为字符串列表"),
                )
                .unwrap_or_default();
        };
        let mut strings = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match entry.get_ref() {
                DeValue::String(text) => strings.push(Spanned::new(entry.span(), text.to_string())),
                _ => reader.fault_at(
                    entry,
                    &format!("{}[{index}]", self.key(key)),
                    message!("must be a string", "应为字符串"),
                ),
            }
        }
        strings
    }

    /// A string or a list of them; empty when the key is absent.
    pub(crate) fn take_string_or_strings(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Vec<String> {
        match self.table.get(key).map(|value| value.get_ref()) {
            Some(DeValue::String(_)) => self.take_string(reader, key).into_iter().collect(),
            _ => self
                .take_strings(reader, key)
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
        }
    }

    /// A table of strings; empty when the key is absent.
    pub(crate) fn take_string_map(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> BTreeMap<String, String> {
        let Some(mut inner) = self.take_table(reader, key) else {
            return BTreeMap::new();
        };
        inner
            .names()
            .into_iter()
            .filter_map(|name| Some((name.clone(), inner.take_string(reader, &name)?)))
            .collect()
    }

    /// The sub-tables of a table of tables, by name; empty when the key is absent.
    pub(crate) fn take_tables(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Vec<(String, Table<'text, 'table>)> {
        let Some(mut inner) = self.take_table(reader, key) else {
            return Vec::new();
        };
        inner
            .names()
            .into_iter()
            .filter_map(|name| Some((name.clone(), inner.take_table(reader, &name)?)))
            .collect()
    }

    /// The names of all keys.
    pub(crate) fn names(&self) -> Vec<String> {
        self.table
            .keys()
            .map(|key| key.get_ref().to_string())
            .collect()
    }

    /// A fault for every key that nobody took: Spin refuses unknown keys, so that a typing error does not go unseen.
    pub(crate) fn deny_rest(&self, reader: &mut Reader<'_>) {
        for key in self.table.keys() {
            let name = key.get_ref();
            if !self.taken.contains(name.as_ref()) {
                reader.fault(
                    key.span(),
                    &self.key(name),
                    message!("unknown key", "未知的键"),
                );
            }
        }
    }

    fn wrong_type<T>(
        &self,
        reader: &mut Reader<'_>,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        message: Message,
    ) -> Option<T> {
        reader.fault_at(value, &self.key(key), message);
        None
    }
}
