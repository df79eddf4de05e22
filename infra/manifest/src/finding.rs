//! What is said to the operator about a file: a message in both languages and the place it speaks of.
//!
//! A finding never holds a variable's value, only names and places, so it may be printed and logged.

use std::fmt;

/// One text in both languages of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// Makes a [`Message`] from an English and a Chinese format string; arguments are captured by name.
macro_rules! message {
    ($en:literal, $zh:literal $(,)?) => {
        $crate::finding::Message {
            en: format!($en),
            zh: format!($zh),
        }
    };
}
pub(crate) use message;

impl fmt::Display for Message {
    /// Writes the English text; a caller that speaks Chinese reads [`Message::zh`].
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.en)
    }
}

/// One thing found in a file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a dotted path of keys such as `component.hello.source`; empty for the file as a whole.
    pub place: String,
    /// Line in the file, counted from 1, where one is known.
    pub line: Option<usize>,
    /// What is wrong and what to do about it.
    pub message: Message,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(formatter, &self.message.en)
    }
}

impl Finding {
    /// A finding about a place without a known line.
    pub(crate) fn at(place: impl Into<String>, message: Message) -> Self {
        Self {
            place: place.into(),
            line: None,
            message,
        }
    }

    /// The same as `Display`, in Chinese.
    pub fn to_string_zh(&self) -> String {
        struct Chinese<'finding>(&'finding Finding);
        impl fmt::Display for Chinese<'_> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write(formatter, &self.0.message.zh)
            }
        }
        Chinese(self).to_string()
    }

    /// What stands between a file's name and this finding: `file:7: …`, `file: …`.
    fn separator(&self) -> &'static str {
        if self.line.is_some() { "" } else { " " }
    }

    fn write(&self, formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
        match (self.line, self.place.is_empty()) {
            (Some(line), true) => write!(formatter, "{line}: {text}"),
            (Some(line), false) => write!(formatter, "{line}: {}: {text}", self.place),
            (None, true) => write!(formatter, "{text}"),
            (None, false) => write!(formatter, "{}: {text}", self.place),
        }
    }
}

/// Everything that keeps a file from being used, found in one pass and in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file spoken of, as the caller named it.
    pub subject: String,
    /// At least one finding.
    pub findings: Vec<Finding>,
}

impl Refusal {
    /// A refusal with findings sorted by line; findings without a line keep their order at the end.
    pub(crate) fn new(subject: impl Into<String>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.line.unwrap_or(usize::MAX));
        Self {
            subject: subject.into(),
            findings,
        }
    }

    /// The same as `Display`, in Chinese.
    pub fn to_string_zh(&self) -> String {
        self.findings
            .iter()
            .map(|finding| {
                format!(
                    "{}:{}{}",
                    self.subject,
                    finding.separator(),
                    finding.to_string_zh()
                )
            })
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(
                formatter,
                "{}:{}{finding}",
                self.subject,
                finding.separator()
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
