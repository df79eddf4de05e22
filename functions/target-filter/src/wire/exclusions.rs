//! The JSON form of exclusion sets.
//!
//! A member that is absent or `null` is *unset*: the rule does not hold. `{"months": 0}` is something else: the rule holds for the day itself.

use std::collections::BTreeMap;

use chudian_runtime::problem::FieldError;
use chudian_vocabulary::Name;
use chudian_vocabulary::channel::Channel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::exclusions::{ExclusionSet, INTERVAL_DAYS_MAX, WINDOW_MONTHS_MAX, Window};

/// How far back a rule looks: `{"months": 6}`, or `{"ever": true}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExclusionWindow)]
pub struct WindowJson {
    /// Months of the calendar before the day of the question, 0 to 120; 0 is the day itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// As far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ever: Option<bool>,
}

/// Whom a campaign leaves out. An absent member is unset: its rule does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExclusionSet)]
pub struct ExclusionSetJson {
    /// Who holds the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already_ordered: Option<bool>,
    /// Who tried the business and does not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_not_ordered: Option<WindowJson>,
    /// From whom the operator took the business, with many others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_cancelled: Option<WindowJson>,
    /// Who cancelled the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by_customer: Option<WindowJson>,
    /// Who complained about the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complained: Option<WindowJson>,
    /// Who was approached on any channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketed: Option<WindowJson>,
    /// Who was approached on a channel within so many days, by the channel's code; 0 is the day itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_interval_days: Option<BTreeMap<String, u32>>,
    /// Who wants no marketing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out: Option<bool>,
    /// High-value customers, from diversion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_value: Option<bool>,
}

/// The JSON form of a set.
#[must_use]
pub fn write(set: &ExclusionSet) -> ExclusionSetJson {
    let window = |window: Option<Window>| {
        window.map(|window| match window {
            Window::Months(months) => WindowJson {
                months: Some(months),
                ever: None,
            },
            Window::Ever => WindowJson {
                months: None,
                ever: Some(true),
            },
        })
    };
    let flag = |flag: bool| flag.then_some(true);
    let intervals: BTreeMap<String, u32> = set
        .channel_interval_days
        .iter()
        .map(|(channel, days)| (channel.code().to_owned(), *days))
        .collect();
    ExclusionSetJson {
        already_ordered: flag(set.already_ordered),
        tried_not_ordered: window(set.tried_not_ordered),
        bulk_cancelled: window(set.bulk_cancelled),
        cancelled_by_customer: window(set.cancelled_by_customer),
        complained: window(set.complained),
        marketed: window(set.marketed),
        channel_interval_days: (!intervals.is_empty()).then_some(intervals),
        opted_out: flag(set.opted_out),
        high_value: flag(set.high_value),
    }
}

/// Reads a set.
///
/// # Errors
/// Every member that cannot be right, with pointers into the document.
pub fn read(json: &ExclusionSetJson) -> Result<ExclusionSet, Vec<FieldError>> {
    let mut mistakes = Vec::new();
    let mut window = |name: &str, window: &Option<WindowJson>| match window {
        None => None,
        Some(WindowJson {
            months: Some(months),
            ever: None,
        }) if *months <= WINDOW_MONTHS_MAX => Some(Window::Months(*months)),
        Some(WindowJson {
            months: None,
            ever: Some(true),
        }) => Some(Window::Ever),
        Some(_) => {
            mistakes.push(FieldError {
                pointer: format!("/{name}"),
                code: "value-not-allowed".to_owned(),
                detail: Name::new(
                    format!("应为 {{\"months\": 0 至 {WINDOW_MONTHS_MAX}}} 或 {{\"ever\": true}}；不启用该规则请去掉此项。"),
                    format!(
                        "Expected {{\"months\": 0 to {WINDOW_MONTHS_MAX}}} or {{\"ever\": true}}; to switch the rule off leave the member out."
                    ),
                ),
            });
            None
        }
    };
    let mut set = ExclusionSet {
        already_ordered: json.already_ordered == Some(true),
        tried_not_ordered: window("tried_not_ordered", &json.tried_not_ordered),
        bulk_cancelled: window("bulk_cancelled", &json.bulk_cancelled),
        cancelled_by_customer: window("cancelled_by_customer", &json.cancelled_by_customer),
        complained: window("complained", &json.complained),
        marketed: window("marketed", &json.marketed),
        channel_interval_days: BTreeMap::new(),
        opted_out: json.opted_out == Some(true),
        high_value: json.high_value == Some(true),
    };
    for (code, days) in json.channel_interval_days.iter().flatten() {
        let pointer = format!("/channel_interval_days/{code}");
        match code.parse::<Channel>() {
            Ok(channel) if *days <= INTERVAL_DAYS_MAX => {
                set.channel_interval_days.insert(channel, *days);
            }
            Ok(_) => mistakes.push(FieldError {
                pointer,
                code: "value-not-allowed".to_owned(),
                detail: Name::new(
                    format!("应为 0 至 {INTERVAL_DAYS_MAX} 天。"),
                    format!("Expected 0 to {INTERVAL_DAYS_MAX} days."),
                ),
            }),
            Err(_) => {
                let codes = Channel::CODES.join(", ");
                mistakes.push(FieldError {
                    pointer,
                    code: "unknown-field".to_owned(),
                    detail: Name::new(
                        format!("没有这个渠道；可用：{codes}。"),
                        format!("There is no such channel; there are {codes}."),
                    ),
                });
            }
        }
    }
    if mistakes.is_empty() {
        Ok(set)
    } else {
        Err(mistakes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_defaults_read_back() {
        let mut set = ExclusionSet::default_of_tf3();
        set.channel_interval_days.insert(Channel::SmsHall, 0);
        assert_eq!(read(&write(&set)), Ok(set));
        assert_eq!(
            read(&ExclusionSetJson::default()),
            Ok(ExclusionSet::default())
        );
    }

    #[test]
    fn mistakes_are_all_told() {
        let json: ExclusionSetJson = serde_json::from_value(json!({
            "marketed": {"months": 121}, "complained": {}, "tried_not_ordered": {"months": 1, "ever": true},
            "channel_interval_days": {"pigeon": 1, "ussd": 3651, "wap": 0}
        }))
        .unwrap();
        let pointers: Vec<String> = read(&json)
            .unwrap_err()
            .into_iter()
            .map(|error| error.pointer)
            .collect();
        let expected = [
            "/tried_not_ordered",
            "/complained",
            "/marketed",
            "/channel_interval_days/pigeon",
            "/channel_interval_days/ussd",
        ];
        assert_eq!(pointers, expected);
    }
}
