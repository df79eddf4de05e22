//! A month's usage in the form `chudian-usage/1`, and how quantities of the sample become its lines.

use serde::Serialize;

use crate::catalogue::prices::MB;
use crate::document::Kind;

/// Value of the field `schema` of a usage document.
pub(crate) const USAGE_SCHEMA: &str = "chudian-usage/1";

/// What is used, with the unit in which the sample counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Calls of a category, in started minutes.
    Voice(&'static str),
    /// Data of a category by day, in KB.
    Data(&'static str),
    /// Data of a category by night, in KB.
    NightData(&'static str),
    /// Text messages of a category.
    Sms(&'static str),
    /// Multimedia messages.
    Mms,
    /// WLAN of a category, in minutes.
    Wlan(&'static str),
}

/// The usage of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MonthUsage {
    pub(crate) month: String,
    pub(crate) lines: Vec<UsageLine>,
}

/// The total of a category and band in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UsageLine {
    pub(crate) kind: Kind,
    pub(crate) category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) band: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) billed_60s_units: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) billed_6s_units: Option<u64>,
}

/// Started minutes of a call of ordinary length.
const MINUTES_PER_CALL: u64 = 3;
/// KB of a data session of ordinary size.
const KB_PER_SESSION: u64 = 20 * MB;
/// Minutes of a WLAN session of ordinary length.
const MINUTES_PER_WLAN_SESSION: u64 = 40;
/// KB that pass in a minute of WLAN.
const KB_PER_WLAN_MINUTE: u64 = 3 * MB;

/// The line of one quantity; none for nothing.
pub(crate) fn line(what: What, quantity: u64) -> Option<UsageLine> {
    if quantity == 0 {
        return None;
    }
    let empty = |kind, category| UsageLine {
        kind,
        category,
        band: None,
        count: None,
        seconds: None,
        kb: None,
        billed_60s_units: None,
        billed_6s_units: None,
    };
    let data = |category, band| UsageLine {
        band: Some(band),
        count: Some(quantity.div_ceil(KB_PER_SESSION)),
        kb: Some(quantity),
        ..empty(Kind::Data, category)
    };
    Some(match what {
        What::Voice(category) => UsageLine {
            band: Some("day"),
            ..calls(quantity, empty(Kind::Voice, category))
        },
        What::Data(category) => data(category, "day"),
        What::NightData(category) => data(category, "night"),
        What::Sms(category) => UsageLine {
            band: Some("day"),
            count: Some(quantity),
            ..empty(Kind::Sms, category)
        },
        What::Mms => UsageLine {
            band: Some("day"),
            count: Some(quantity),
            ..empty(Kind::Mms, "domestic")
        },
        What::Wlan(category) => UsageLine {
            band: Some("day"),
            count: Some(quantity.div_ceil(MINUTES_PER_WLAN_SESSION)),
            seconds: Some(quantity * 60),
            kb: Some(quantity * KB_PER_WLAN_MINUTE),
            ..empty(Kind::Wlan, category)
        },
    })
}

/// Calls that make up `minutes` started minutes: each breaks off, on average, in the middle of its last minute and in
/// the middle of its last six seconds.
fn calls(minutes: u64, line: UsageLine) -> UsageLine {
    let count = minutes.div_ceil(MINUTES_PER_CALL);
    let seconds = minutes * 60 - count * 30;
    let six_seconds = seconds.div_ceil(6) + count / 2;
    UsageLine {
        count: Some(count),
        seconds: Some(seconds),
        billed_60s_units: Some(minutes),
        billed_6s_units: Some(six_seconds),
        ..line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: started units of calls lie between what one long call and what many cut-off calls would give.
    #[test]
    fn started_units_of_calls_are_possible() {
        for minutes in 1..500 {
            let line = line(What::Voice("local"), minutes).unwrap();
            let (count, seconds) = (line.count.unwrap(), line.seconds.unwrap());
            assert!(seconds >= count);
            for (unit, units) in [
                (60, line.billed_60s_units.unwrap()),
                (6, line.billed_6s_units.unwrap()),
            ] {
                assert!(
                    units >= count.max(seconds.div_ceil(unit)),
                    "{minutes} minutes: too few units of {unit} s"
                );
                assert!(
                    units * unit < seconds + count * unit,
                    "{minutes} minutes: too many units of {unit} s"
                );
            }
        }
    }
}
