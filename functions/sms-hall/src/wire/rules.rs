//! The document of sending rules.

use std::collections::BTreeMap;

use chudian_vocabulary::{Date, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits::{MESSAGES_PER_DAY_MAX, RULE_DAYS_MAX};
use crate::rules::{DayHours, Hours, SendingRules, WEEKDAYS};

/// Minutes of an hour.
const HOUR_MINUTES: u32 = 60;

/// When marketing messages may go, and how many messages a customer gets in a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SendingRules)]
pub struct SendingRulesDocument {
    /// The hours of a day of which nothing else is said, in China.
    pub hours: HoursDocument,
    /// Days of the week with hours of their own, `monday` to `sunday`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weekdays: BTreeMap<String, DayDocument>,
    /// Single days with hours of their own, `YYYY-MM-DD`; they stand above the days of the week.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<String, DayDocument>,
    /// Replies that a customer gets in a day at most, 1 to 1,000. What is written beyond has its effect and no reply; one confirmation of a refusal
    /// goes in any case.
    pub replies_per_day_max: u32,
    /// Marketing messages that a customer gets in a day at most, 0 to 1,000. Those beyond wait for the next day.
    pub marketing_per_day_max: u32,
}

/// Hours, `HH:MM` to `HH:MM`, the second not included; `24:00` is the day's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursDocument {
    /// From when.
    pub opens: String,
    /// Until when.
    pub closes: String,
}

/// What is said of a day: `{"opens", "closes"}`, or `{"closed": true}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayDocument {
    /// From when, `HH:MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<String>,
    /// Until when, `HH:MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<String>,
    /// Whether no marketing message goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<bool>,
}

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFinding {
    /// JSON pointer into the document.
    pub pointer: String,
    /// What is wrong there.
    pub text: Name,
}

/// The document of rules.
#[must_use]
pub fn write(rules: &SendingRules) -> SendingRulesDocument {
    let day = |hours: &DayHours| match hours {
        DayHours::Closed => DayDocument {
            closed: Some(true),
            ..DayDocument::default()
        },
        DayHours::Open(hours) => DayDocument {
            opens: Some(clock(hours.opens_minute())),
            closes: Some(clock(hours.closes_minute())),
            closed: None,
        },
    };
    let weekday = |name: &str, number: u32| {
        let hours = rules.weekdays.get(&number)?;
        Some((name.to_owned(), day(hours)))
    };
    SendingRulesDocument {
        hours: HoursDocument {
            opens: clock(rules.hours.opens_minute()),
            closes: clock(rules.hours.closes_minute()),
        },
        weekdays: WEEKDAYS
            .into_iter()
            .filter_map(|(name, day)| weekday(name, day.num_days_from_monday()))
            .collect(),
        days: rules
            .days
            .iter()
            .map(|(date, hours)| (date.to_string(), day(hours)))
            .collect(),
        replies_per_day_max: rules.replies_per_day_max,
        marketing_per_day_max: rules.marketing_per_day_max,
    }
}

/// Reads a document.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn read(document: &SendingRulesDocument) -> Result<SendingRules, Vec<RuleFinding>> {
    let mut findings = Vec::new();
    let default = SendingRules::default();
    let hours = hours_of(&document.hours.opens, &document.hours.closes);
    if hours.is_none() {
        findings.push(hours_wrong("/hours"));
    }
    let mut weekdays = BTreeMap::new();
    for (name, day) in &document.weekdays {
        let pointer = format!("/weekdays/{name}");
        match WEEKDAYS.iter().find(|(known, _)| known == name) {
            None => findings.push(RuleFinding {
                pointer,
                text: Name::new(
                    "应为 monday 至 sunday。",
                    "Must be one of `monday` to `sunday`.",
                ),
            }),
            Some((_, weekday)) => {
                let hours = day_of(day, &pointer, &mut findings);
                weekdays.extend(hours.map(|hours| (weekday.num_days_from_monday(), hours)));
            }
        }
    }
    if document.days.len() > RULE_DAYS_MAX {
        findings.push(RuleFinding {
            pointer: "/days".to_owned(),
            text: Name::new(
                format!("最多 {RULE_DAYS_MAX} 天。"),
                format!("At most {RULE_DAYS_MAX} days."),
            ),
        });
    }
    let mut days = BTreeMap::new();
    for (text, day) in document.days.iter().take(RULE_DAYS_MAX) {
        let pointer = format!("/days/{text}");
        match Date::parse(text) {
            Err(_) => findings.push(RuleFinding {
                pointer,
                text: Name::new("日期应为 YYYY-MM-DD。", "A day has the form YYYY-MM-DD."),
            }),
            Ok(date) => {
                let hours = day_of(day, &pointer, &mut findings);
                days.extend(hours.map(|hours| (date, hours)));
            }
        }
    }
    for (pointer, count, min) in [
        ("/replies_per_day_max", document.replies_per_day_max, 1),
        ("/marketing_per_day_max", document.marketing_per_day_max, 0),
    ] {
        if !(min..=MESSAGES_PER_DAY_MAX).contains(&count) {
            findings.push(RuleFinding {
                pointer: pointer.to_owned(),
                text: Name::new(
                    format!("应为 {min} 至 {MESSAGES_PER_DAY_MAX}。"),
                    format!("Must be {min} to {MESSAGES_PER_DAY_MAX}."),
                ),
            });
        }
    }
    if findings.is_empty() {
        Ok(SendingRules {
            hours: hours.unwrap_or(default.hours),
            weekdays,
            days,
            replies_per_day_max: document.replies_per_day_max,
            marketing_per_day_max: document.marketing_per_day_max,
        })
    } else {
        Err(findings)
    }
}

fn day_of(day: &DayDocument, pointer: &str, findings: &mut Vec<RuleFinding>) -> Option<DayHours> {
    let found = match (&day.opens, &day.closes, day.closed) {
        (None, None, Some(true)) => Some(DayHours::Closed),
        (Some(opens), Some(closes), None | Some(false)) => {
            hours_of(opens, closes).map(DayHours::Open)
        }
        _ => None,
    };
    if found.is_none() {
        findings.push(hours_wrong(pointer));
    }
    found
}

fn hours_wrong(pointer: &str) -> RuleFinding {
    RuleFinding {
        pointer: pointer.to_owned(),
        text: Name::new(
            "应有 opens 和 closes（HH:MM，opens 早于 closes，至多 24:00），某一天也可写 {\"closed\": true}。",
            "Needs `opens` and `closes`, HH:MM, the first before the second, at most 24:00; a single day may be {\"closed\": true}.",
        ),
    }
}

fn hours_of(opens: &str, closes: &str) -> Option<Hours> {
    Hours::new(minute_of(opens)?, minute_of(closes)?)
}

/// The minute of the day that `HH:MM` is.
fn minute_of(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    let minutes = two_digits(minutes).filter(|minutes| *minutes < HOUR_MINUTES)?;
    Some(two_digits(hours)? * HOUR_MINUTES + minutes)
}

fn clock(minute: u32) -> String {
    let (hours, minutes) = (minute.div_euclid(HOUR_MINUTES), minute % HOUR_MINUTES);
    format!("{hours:02}:{minutes:02}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(change: &Value) -> SendingRulesDocument {
        let mut document = json!({"hours": {"opens": "08:00", "closes": "21:00"}, "replies_per_day_max": 20, "marketing_per_day_max": 3});
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn rules_read_back() {
        let plain = document(&json!({}));
        assert_eq!(read(&plain).as_ref(), Ok(&SendingRules::default()));
        assert_eq!(write(&SendingRules::default()), plain);
        let full = document(&json!({
            "hours": {"opens": "09:30", "closes": "24:00"},
            "weekdays": {"saturday": {"opens": "10:00", "closes": "18:00"}, "sunday": {"closed": true}},
            "days": {"2027-02-06": {"closed": true}, "2026-11-11": {"opens": "00:00", "closes": "23:59"}},
            "marketing_per_day_max": 0,
        }));
        assert_eq!(write(&read(&full).unwrap()), full);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        for (change, pointer) in [
            (
                json!({"hours": {"opens": "8:00", "closes": "21:00"}}),
                "/hours",
            ),
            (
                json!({"hours": {"opens": "21:00", "closes": "08:00"}}),
                "/hours",
            ),
            (
                json!({"hours": {"opens": "08:00", "closes": "24:01"}}),
                "/hours",
            ),
            (
                json!({"hours": {"opens": "08:60", "closes": "21:00"}}),
                "/hours",
            ),
            (
                json!({"hours": {"opens": "+8:00", "closes": "21:00"}}),
                "/hours",
            ),
            (
                json!({"weekdays": {"funday": {"closed": true}}}),
                "/weekdays/funday",
            ),
            (json!({"weekdays": {"monday": {}}}), "/weekdays/monday"),
            (
                json!({"weekdays": {"monday": {"closed": false}}}),
                "/weekdays/monday",
            ),
            (
                json!({"days": {"2027-02-06": {"closed": true, "opens": "08:00", "closes": "09:00"}}}),
                "/days/2027-02-06",
            ),
            (
                json!({"days": {"2027-02-30": {"closed": true}}}),
                "/days/2027-02-30",
            ),
            (json!({"replies_per_day_max": 0}), "/replies_per_day_max"),
            (
                json!({"marketing_per_day_max": 1001}),
                "/marketing_per_day_max",
            ),
        ] {
            let findings = read(&document(&change)).unwrap_err();
            let pointers: Vec<&str> = findings.iter().map(|one| one.pointer.as_str()).collect();
            assert_eq!(pointers, [pointer], "{change}");
        }
        let mut many = document(&json!({}));
        let mut day = Date::parse("2027-01-01").unwrap();
        for _ in 0..=RULE_DAYS_MAX {
            let closed = DayDocument {
                closed: Some(true),
                ..DayDocument::default()
            };
            many.days.insert(day.to_string(), closed);
            day = day.next().unwrap();
        }
        assert_eq!(read(&many).unwrap_err()[0].pointer, "/days");
    }
}
