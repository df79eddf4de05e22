//! Names of the columns that carry what the contact view knows of a customer (TF-1, TF-3, FI-3).
//!
//! The contact view lives in an event log; a filter works on columns. A batch therefore folds the log into the columns named here and
//! publishes them as a layer of the dataset. This module is the only place that spells their names, so that who writes the layer and
//! who asks for it cannot disagree:
//!
//! | column | kind | what it says |
//! | --- | --- | --- |
//! | `contact_count_<channel>_<kind>_<window>` | integer | contacts in the window |
//! | `contact_success_<channel>_<kind>_<window>` | integer | those of them that succeeded |
//! | `contact_last_<channel>_<kind>_<window>` | date | day of the last one in the window |
//! | `has_<business>` | flag | the customer holds the business now |
//! | `tried_<business>_on`, `cancelled_<business>_on`, `bulk_cancelled_<business>_on`, `complained_<business>_on`, `marketed_<business>_on` | date | day of the last such event |
//! | `marketed_on`, `marketed_by_<channel>_on` | date | last marketing contact for any business, on any or on this channel |
//! | `opted_out`, `opted_out_of_<channel>`, `high_value` | flag | as they say |
//!
//! Channels and kinds are the codes of the vocabulary with `_` for `-` (`web_hall`, `marketing_contact`), or `any`; a window is `30d` (the
//! thirty days that end with the layer's day) or `ever`. A customer without such a contact has the count 0 and no date.
//!
//! Invariant: every name made here is a column name, and [`ContactTerm::parse_column`] reads back what [`ContactTerm::column`] wrote.
//! Not a place for the events themselves.

use std::fmt;
use std::str::FromStr;

use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::EventKind;

use crate::value::Value;

/// Longest window, days: ten years; what is older counts as `ever`.
pub const WINDOW_DAYS_MAX: u32 = 3_650;

/// Windows that a contact layer should carry, in days, besides `ever`: what the default exclusions and the reports ask for.
pub const WINDOWS_DAYS_USUAL: [u32; 4] = [30, 90, 180, 365];

/// Longest name of a business: with the longest words around it a column's name stays within 64 characters.
pub const BUSINESS_CHARACTERS_MAX: usize = 40;

/// Why a text is not a word of the contact view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactWordError {
    /// No such measure.
    #[error("a measure is one of count, success, last")]
    Measure,
    /// Not a number of days from 1 to [`WINDOW_DAYS_MAX`].
    #[error("a window is 1 to {WINDOW_DAYS_MAX} days")]
    Window,
    /// Not `[a-z][a-z0-9_]*` of at most [`BUSINESS_CHARACTERS_MAX`] characters.
    #[error(
        "a business is named by 1 to {BUSINESS_CHARACTERS_MAX} characters of a-z 0-9 _, a letter first"
    )]
    Business,
}

/// The word for every channel and for every kind.
const ANY: &str = "any";

/// What is told of the contacts that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// How many there were.
    Count,
    /// How many of them succeeded.
    Success,
    /// The day of the last one.
    Last,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 3] = [Self::Count, Self::Success, Self::Last];

    /// Its word in column names, documents and texts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Success => "success",
            Self::Last => "last",
        }
    }

    /// Its word in Chinese texts.
    #[must_use]
    pub const fn word_zh(self) -> &'static str {
        match self {
            Self::Count => "接触次数",
            Self::Success => "成功次数",
            Self::Last => "最近接触",
        }
    }
}

impl FromStr for Measure {
    type Err = ContactWordError;

    /// Reads the word in either language.
    fn from_str(text: &str) -> Result<Self, ContactWordError> {
        let is_meant = |measure: &Self| measure.word() == text || measure.word_zh() == text;
        Self::ALL
            .into_iter()
            .find(is_meant)
            .ok_or(ContactWordError::Measure)
    }
}

/// A code of the vocabulary in the form that a column's name may hold.
fn underscored(code: &str) -> String {
    code.replace('-', "_")
}

/// A channel's word in column names; `None` is any channel.
#[must_use]
pub fn channel_word(channel: Option<Channel>) -> String {
    channel.map_or_else(|| ANY.to_owned(), |channel| underscored(channel.code()))
}

/// A kind's word in column names; `None` is any kind.
#[must_use]
pub fn kind_word(kind: Option<EventKind>) -> String {
    kind.map_or_else(|| ANY.to_owned(), |kind| underscored(kind.code()))
}

/// The stretch of time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// As many days as this, up to the layer's day; 1 to [`WINDOW_DAYS_MAX`].
    Days(u32),
    /// All that is known.
    Ever,
}

impl Window {
    /// A window of so many days.
    ///
    /// # Errors
    /// [`ContactWordError::Window`] for none or more than [`WINDOW_DAYS_MAX`].
    pub fn days(days: u32) -> Result<Self, ContactWordError> {
        if (1..=WINDOW_DAYS_MAX).contains(&days) {
            Ok(Self::Days(days))
        } else {
            Err(ContactWordError::Window)
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(formatter, "{days}d"),
            Self::Ever => formatter.write_str("ever"),
        }
    }
}

impl FromStr for Window {
    type Err = ContactWordError;

    fn from_str(text: &str) -> Result<Self, ContactWordError> {
        if text == "ever" {
            return Ok(Self::Ever);
        }
        let digits = text.strip_suffix('d').ok_or(ContactWordError::Window)?;
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if !is_plain {
            return Err(ContactWordError::Window);
        }
        digits
            .parse()
            .map_err(|_| ContactWordError::Window)
            .and_then(Self::days)
    }
}

/// Something that the contact view knows of every customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactTerm {
    /// What is told of them.
    pub measure: Measure,
    /// On which channel; `None` for any.
    pub channel: Option<Channel>,
    /// Of which kind; `None` for any.
    pub kind: Option<EventKind>,
    /// Within which time.
    pub window: Window,
}

/// What the names of contact columns begin with.
const CONTACT_PREFIX: &str = "contact_";

impl ContactTerm {
    /// Name of the column.
    #[must_use]
    pub fn column(self) -> String {
        let Self {
            measure,
            channel,
            kind,
            window,
        } = self;
        format!(
            "{CONTACT_PREFIX}{}_{}_{}_{window}",
            measure.word(),
            channel_word(channel),
            kind_word(kind)
        )
    }

    /// The term whose column has this name; nothing for other columns.
    #[must_use]
    pub fn parse_column(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(CONTACT_PREFIX)?;
        let (rest, window) = rest.rsplit_once('_')?;
        let (measure, rest) = rest.split_once('_')?;
        // Words of channels and kinds hold underscores themselves, so the pair is looked for, not split.
        let mut channels = Channel::ALL.iter().copied().map(Some).chain([None]);
        let kinds = || EventKind::ALL.iter().copied().map(Some).chain([None]);
        let pair = channels.find_map(|channel| {
            let word = rest
                .strip_prefix(&channel_word(channel))?
                .strip_prefix('_')?;
            kinds()
                .find(|kind| kind_word(*kind) == word)
                .map(|kind| (channel, kind))
        });
        let (channel, kind) = pair?;
        let measure = Measure::ALL
            .into_iter()
            .find(|known| known.word() == measure)?;
        Some(Self {
            measure,
            channel,
            kind,
            window: window.parse().ok()?,
        })
    }
}

/// A business (a product or a service) in the names of columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Business(String);

impl Business {
    /// Takes `[a-z][a-z0-9_]*` of at most [`BUSINESS_CHARACTERS_MAX`] characters.
    ///
    /// # Errors
    /// [`ContactWordError::Business`] for anything else.
    pub fn new(name: impl Into<String>) -> Result<Self, ContactWordError> {
        let name = name.into();
        let is_short = (1..=BUSINESS_CHARACTERS_MAX).contains(&name.len());
        let is_plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if is_short && is_plain && name.starts_with(|first: char| first.is_ascii_lowercase()) {
            Ok(Self(name))
        } else {
            Err(ContactWordError::Business)
        }
    }

    /// The business that events call `code`: in lower case, with `_` for every other sign. Nothing for a code that does not begin with a letter
    /// or is too long to stand in a column's name.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        let named = |character: char| match character.to_ascii_lowercase() {
            plain @ ('a'..='z' | '0'..='9') => plain,
            _ => '_',
        };
        Self::new(code.chars().map(named).collect::<String>()).ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Column of the flag that the customer holds the business.
    #[must_use]
    pub fn held_column(&self) -> String {
        format!("has_{}", self.0)
    }

    /// Column of the day of the last such event.
    #[must_use]
    pub fn event_column(&self, event: BusinessEvent) -> String {
        format!("{}_{}_on", event.word(), self.0)
    }
}

/// What may have happened between a customer and a business, of which the last day is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BusinessEvent {
    /// The customer tried it.
    Tried,
    /// The customer cancelled it.
    Cancelled,
    /// The operator cancelled it, with many others.
    BulkCancelled,
    /// The customer complained about it.
    Complained,
    /// It was offered to the customer.
    Marketed,
}

impl BusinessEvent {
    /// Every event.
    pub const ALL: [Self; 5] = [
        Self::Tried,
        Self::Cancelled,
        Self::BulkCancelled,
        Self::Complained,
        Self::Marketed,
    ];

    /// What the names of its columns begin with.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tried => "tried",
            Self::Cancelled => "cancelled",
            Self::BulkCancelled => "bulk_cancelled",
            Self::Complained => "complained",
            Self::Marketed => "marketed",
        }
    }
}

/// Column of the day of the last marketing contact on `channel` (`None`: on any), for whatever business.
#[must_use]
pub fn marketed_column(channel: Option<Channel>) -> String {
    match channel {
        None => "marketed_on".to_owned(),
        Some(channel) => format!("marketed_by_{}_on", underscored(channel.code())),
    }
}

/// Column of the flag that the customer wants no marketing on `channel` (`None`: on none at all).
#[must_use]
pub fn opted_out_column(channel: Option<Channel>) -> String {
    match channel {
        None => "opted_out".to_owned(),
        Some(channel) => format!("opted_out_of_{}", underscored(channel.code())),
    }
}

/// Column of the flag that the customer is of high value, which diversion leaves alone.
pub const HIGH_VALUE_COLUMN: &str = "high_value";

/// What the column `name` says of a customer of whom no event is known: no contact was counted and nobody opted out. Nothing for days, for what
/// is no matter of events (who holds a business, who is of high value), and for columns that are not named here.
#[must_use]
pub fn value_without_events(name: &str) -> Option<Value> {
    if let Some(term) = ContactTerm::parse_column(name) {
        return match term.measure {
            Measure::Count | Measure::Success => Some(Value::Integer(0)),
            Measure::Last => None,
        };
    }
    let mut channels = Channel::ALL.iter().copied().map(Some).chain([None]);
    channels
        .any(|channel| opted_out_column(channel) == name)
        .then_some(Value::Flag(false))
}

/// What the note on the source of a column made of the event log begins with.
const EVENT_LOG: &str = "event-log@";

/// The note on the source of a column that was made of the events that came before a moment, unix milliseconds. Who asks a layer for contacts and
/// needs to know what came since reads it back with [`horizon_of_source`].
#[must_use]
pub fn source_of_horizon(unix_ms: i64) -> String {
    format!("{EVENT_LOG}{unix_ms}")
}

/// The moment before which the events came that a column was made of; nothing for columns made of anything else.
#[must_use]
pub fn horizon_of_source(source: &str) -> Option<i64> {
    source.strip_prefix(EVENT_LOG)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_column_name(name: &str) -> bool {
        (1..=64).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    }

    /// Goal: every term has a name of its own that reads back, whatever underscores its words hold.
    #[test]
    fn names_of_terms_read_back() {
        let mut names = BTreeSet::new();
        for measure in Measure::ALL {
            for channel in Channel::ALL.iter().copied().map(Some).chain([None]) {
                for kind in EventKind::ALL.iter().copied().map(Some).chain([None]) {
                    for window in [Window::Ever, Window::Days(1), Window::Days(WINDOW_DAYS_MAX)] {
                        let term = ContactTerm {
                            measure,
                            channel,
                            kind,
                            window,
                        };
                        let name = term.column();
                        assert!(is_column_name(&name), "{name}");
                        assert_eq!(ContactTerm::parse_column(&name), Some(term), "{name}");
                        assert!(names.insert(name));
                    }
                }
            }
        }
        for other in [
            "contact_count_web_hall_order_0d",
            "contact_count_web_hall_order_07d",
            "contact_count_web_hall_order",
            "brand",
        ] {
            assert_eq!(ContactTerm::parse_column(other), None, "{other}");
        }
    }

    #[test]
    fn codes_of_events_become_names_where_they_can() {
        for (code, name) in [
            ("plan-88", Some("plan_88")),
            ("Plan.88:a", Some("plan_88_a")),
            ("88-plan", None),
            ("", None),
            ("彩铃", None),
        ] {
            let business = Business::of_code(code);
            assert_eq!(business.as_ref().map(Business::as_str), name, "{code}");
        }
        assert_eq!(Business::of_code(&"b".repeat(41)), None);
    }

    #[test]
    fn a_horizon_reads_back_from_the_note() {
        assert_eq!(
            horizon_of_source(&source_of_horizon(1_795_320_000_000)),
            Some(1_795_320_000_000)
        );
        for other in ["", "event-log@", "event-log@x", "2026-11 extract"] {
            assert_eq!(horizon_of_source(other), None, "{other}");
        }
    }

    /// Goal: who is in no event log is counted with nought and has not opted out, and of nothing else anything is claimed.
    #[test]
    fn without_events_only_counts_and_refusals_are_known() {
        for (name, expected) in [
            (
                "contact_count_web_hall_complaint_90d",
                Some(Value::Integer(0)),
            ),
            ("contact_success_any_any_ever", Some(Value::Integer(0))),
            ("contact_last_any_any_ever", None),
            ("opted_out", Some(Value::Flag(false))),
            ("opted_out_of_sms_hall", Some(Value::Flag(false))),
            ("opted_out_of_nowhere", None),
            ("marketed_on", None),
            ("has_ring_tone", None),
            ("high_value", None),
        ] {
            assert_eq!(value_without_events(name), expected, "{name}");
        }
    }

    #[test]
    fn names_of_businesses_fit_a_column() {
        let longest = Business::new("x".repeat(BUSINESS_CHARACTERS_MAX)).unwrap();
        assert!(is_column_name(&longest.held_column()));
        for event in BusinessEvent::ALL {
            assert!(is_column_name(&longest.event_column(event)));
        }
        for channel in Channel::ALL.iter().copied().map(Some).chain([None]) {
            assert!(
                is_column_name(&marketed_column(channel))
                    && is_column_name(&opted_out_column(channel))
            );
        }
        for wrong in ["", "9x", "Ring", "ring-tone", "彩铃"] {
            assert_eq!(
                Business::new(wrong),
                Err(ContactWordError::Business),
                "{wrong}"
            );
        }
    }
}
