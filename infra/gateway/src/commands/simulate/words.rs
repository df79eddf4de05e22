//! The words of a catalogue that a table may use: categories and bands by identifier or by name in either language.

use serde::Deserialize;

/// The part of a catalogue that is needed to read a table and to show an answer; everything else is passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct Words {
    categories: Categories,
    #[serde(default)]
    bands: Vec<Word>,
    #[serde(default)]
    customer_types: Vec<Word>,
}

#[derive(Debug, Default, Deserialize)]
struct Categories {
    #[serde(default)]
    voice: Vec<Word>,
    #[serde(default)]
    data: Vec<Word>,
    #[serde(default)]
    sms: Vec<Word>,
    #[serde(default)]
    mms: Vec<Word>,
    #[serde(default)]
    wlan: Vec<Word>,
}

/// An identifier with its names.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Word {
    /// Identifier.
    pub(crate) id: String,
    /// Names.
    pub(crate) name: Names,
}

/// A name in both languages.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Names {
    /// Chinese.
    pub(crate) zh: String,
    /// English.
    pub(crate) en: String,
}

/// A kind of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Calls.
    Voice,
    /// Mobile data.
    Data,
    /// Text messages.
    Sms,
    /// Multimedia messages.
    Mms,
    /// Public WLAN.
    Wlan,
}

impl Kind {
    /// What a table may call it; the first word is the identifier.
    const WORDS: [(Self, &[&str]); 5] = [
        (Self::Voice, &["voice", "语音", "通话", "call", "calls"]),
        (Self::Data, &["data", "流量", "上网", "数据"]),
        (Self::Sms, &["sms", "短信", "text", "texts"]),
        (Self::Mms, &["mms", "彩信"]),
        (Self::Wlan, &["wlan", "wifi", "wi-fi", "无线局域网"]),
    ];

    /// Reads one of the words.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| word.eq_ignore_ascii_case(text)))
            .map(|(kind, _)| *kind)
    }

    /// Its identifier in documents.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Data => "data",
            Self::Sms => "sms",
            Self::Mms => "mms",
            Self::Wlan => "wlan",
        }
    }

    /// Every kind, in the order of documents.
    pub(crate) const ALL: [Self; 5] = [Self::Voice, Self::Data, Self::Sms, Self::Mms, Self::Wlan];
}

impl Words {
    /// Categories of a kind.
    pub(crate) fn categories(&self, kind: Kind) -> &[Word] {
        match kind {
            Kind::Voice => &self.categories.voice,
            Kind::Data => &self.categories.data,
            Kind::Sms => &self.categories.sms,
            Kind::Mms => &self.categories.mms,
            Kind::Wlan => &self.categories.wlan,
        }
    }

    /// The customer type that a catalogue names first: that of an ordinary person.
    pub(crate) fn first_customer_type(&self) -> Option<&str> {
        self.customer_types.first().map(|word| word.id.as_str())
    }

    /// Bands of the day.
    pub(crate) fn bands(&self) -> &[Word] {
        &self.bands
    }
}

impl Word {
    /// Whether a cell means this word. A name may be written without what stands in brackets behind it.
    pub(crate) fn is_meant_by(&self, text: &str) -> bool {
        let without_brackets = |name: &str| {
            name.split(['（', '('])
                .next()
                .unwrap_or_default()
                .trim()
                .to_lowercase()
        };
        let text = text.to_lowercase();
        [
            self.id.to_lowercase(),
            self.name.zh.to_lowercase(),
            self.name.en.to_lowercase(),
        ]
        .contains(&text)
            || without_brackets(&self.name.zh) == text
            || without_brackets(&self.name.en) == text
    }
}

/// Words one after the other, for messages: `local 本地主叫, …`.
pub(crate) fn listed(words: &[Word]) -> String {
    words
        .iter()
        .map(|word| format!("{} {}", word.id, word.name.zh))
        .collect::<Vec<_>>()
        .join(", ")
}
