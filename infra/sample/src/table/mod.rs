//! The customer table: one row for each customer of the sample, sixty columns, as a province's extract looks.
//!
//! Invariant: row `n` of a table tells of the same customer as line `n` of `customers.ndjson` with the same settings: same
//! region, type, plan, services and usage, so a batch over the table can be held against the single simulation. Like
//! everything of this crate it is integer arithmetic from the seed; the same settings give the same bytes, whatever the
//! number of threads.
//!
//! # Columns
//!
//! The headings are the names of the attributes that the mapping beside the table gives them (`number` excepted, which
//! becomes the pseudonym `id`):
//!
//! | columns | content |
//! | --- | --- |
//! | `number` | an invented telephone number that begins with 160, which no operator has |
//! | `region`, `county` | city by its public code, county by the city's code with a number of our own |
//! | `brand`, `plan_id`, `customer_type`, `network` | brand and type as words, plan by its identifier in the catalogue |
//! | `age_group` | `#01` … `#08`; empty for devices and firms |
//! | `opened_on`, `tenure_months`, `contract_end` | the day of joining, which never falls from row to row; the contract's last day, often empty |
//! | `arpu`, `balance` | yuan with two decimals; the mapping makes fen of them |
//! | `hotline_calls_90d`, `ivr_calls_90d`, `web_logins_90d`, `app_logins_90d`, `sms_hall_requests_90d`, `hall_visits_90d` | dealings by channel within 90 days |
//! | `churn_score` | 0 to 1 with four decimals |
//! | `has_ring_tone`, `has_broadband`, `has_mailbox`, `has_video_pack` | businesses held, 1 or 0 |
//! | `voice_local_s_m1` … `voice_local_s_m6` | seconds of local calls (family numbers with them), month by month, the oldest first |
//! | `voice_long_distance_s_m1` … `m6` | seconds of long-distance and international calls |
//! | `voice_roaming_s_m1` … `m6` | seconds of calls made while roaming |
//! | `voice_called_s_m1` … `m6` | seconds of calls received |
//! | `data_kb_m1` … `m6` | KB of data, all categories and times of day together |
//! | `sms_m1` … `sms_m6` | text messages |
//!
//! # What is planted
//!
//! Who holds `has_video_pack` is no accident: see [`VIDEO_PACK_TRAITS`]. A search for customers alike (TF-6) must find these
//! traits and no others; `has_ring_tone` depends on nothing and must show none.
//!
//! # Contacts
//!
//! [`write_contacts`] writes a second table, of what the same customers' contacts come to: how often and when last they met the operator by
//! channel and kind, what they tried, cancelled, complained about and were offered, what they refused. Published as a layer
//! (`chudian import --layer`), conditions on the contact view and exclusions act on it.
//!
//! What it is not: it prices nothing. `arpu` is the plan's fee with a surplus left to chance, no bill.

mod contacts;
mod mapping;
mod row;
mod write;

pub use row::{VIDEO_PACK_TRAITS, VideoPackTraits};
pub use write::{TableEncoding, TableFiles, write_contacts, write_table};

/// Kinds of monthly usage in the table: the beginning of the columns' names, the unit, and titles.
pub const USAGE_KINDS: [UsageKind; 6] = [
    usage_kind(
        "voice_local_s",
        "seconds",
        "本地主叫时长",
        "Local calls, duration",
    ),
    usage_kind(
        "voice_long_distance_s",
        "seconds",
        "长途主叫时长",
        "Long-distance calls, duration",
    ),
    usage_kind(
        "voice_roaming_s",
        "seconds",
        "漫游主叫时长",
        "Calls while roaming, duration",
    ),
    usage_kind(
        "voice_called_s",
        "seconds",
        "被叫时长",
        "Incoming calls, duration",
    ),
    usage_kind("data_kb", "kilobytes", "流量", "Data volume"),
    usage_kind("sms", "messages", "短信条数", "Text messages"),
];

/// Months of usage in the table; the columns of a kind end in `_m1` (the oldest) to `_m6`.
pub const USAGE_MONTHS: usize = 6;

/// A kind of monthly usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageKind {
    /// What the names of its columns begin with.
    pub prefix: &'static str,
    /// Unit in the file and in the dataset, by its word in a mapping: `seconds`, `kilobytes` or `messages`.
    pub unit: &'static str,
    /// Title in Chinese, without the month.
    pub title_zh: &'static str,
    /// Title in English, without the month.
    pub title_en: &'static str,
}

const fn usage_kind(
    prefix: &'static str,
    unit: &'static str,
    title_zh: &'static str,
    title_en: &'static str,
) -> UsageKind {
    UsageKind {
        prefix,
        unit,
        title_zh,
        title_en,
    }
}

/// Headings of the table in their order, the usage columns last.
pub fn headings() -> Vec<String> {
    let plain = row::PLAIN_HEADINGS
        .iter()
        .map(|heading| (*heading).to_owned());
    let usage = USAGE_KINDS
        .iter()
        .flat_map(|kind| (1..=USAGE_MONTHS).map(move |month| format!("{}_m{month}", kind.prefix)));
    plain.chain(usage).collect()
}
