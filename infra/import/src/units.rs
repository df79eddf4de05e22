//! Units as files have them, and what makes the dataset's unit of each.

use std::num::NonZeroU32;

use chudian_dataset::schema::{Kind, Unit};
use serde::{Deserialize, Serialize};

use crate::decimal::Factor;

/// The unit in which a column of a file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileUnit {
    /// Hundredths of a yuan.
    Fen,
    /// Tenths of a yuan.
    Jiao,
    /// Yuan.
    Yuan,
    /// Ten thousand yuan.
    WanYuan,
    /// Thousandths of a yuan, as some billing systems count.
    Li,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Bytes.
    Bytes,
    /// Kilobytes of 1,024 bytes.
    Kilobytes,
    /// Megabytes of 1,024 KB.
    Megabytes,
    /// Gigabytes of 1,024 MB.
    Gigabytes,
    /// Days.
    Days,
    /// Months.
    Months,
    /// Years.
    Years,
}

impl FileUnit {
    /// The factor to the dataset's unit; nothing when the two measure different things.
    #[must_use]
    pub fn factor(self, kind: Kind, unit: Unit) -> Option<Factor> {
        let (times, by) = match (self, kind, unit) {
            (Self::Fen, Kind::Money, _)
            | (Self::Seconds, Kind::Integer, Unit::Seconds)
            | (Self::Minutes, Kind::Integer, Unit::Minutes)
            | (Self::Kilobytes, Kind::Integer, Unit::Kilobytes)
            | (Self::Megabytes, Kind::Integer, Unit::Megabytes)
            | (Self::Days, Kind::Integer, Unit::Days)
            | (Self::Months, Kind::Integer, Unit::Months)
            | (Self::Years, Kind::Integer, Unit::Years) => (1, 1),
            (Self::Li, Kind::Money, _) => (1, 10),
            (Self::Jiao, Kind::Money, _) => (10, 1),
            (Self::Yuan, Kind::Money, _) => (100, 1),
            (Self::WanYuan, Kind::Money, _) => (1_000_000, 1),
            (Self::Minutes, Kind::Integer, Unit::Seconds)
            | (Self::Hours, Kind::Integer, Unit::Minutes) => (60, 1),
            (Self::Hours, Kind::Integer, Unit::Seconds) => (3_600, 1),
            (Self::Seconds, Kind::Integer, Unit::Minutes) => (1, 60),
            (Self::Bytes, Kind::Integer, Unit::Kilobytes)
            | (Self::Kilobytes, Kind::Integer, Unit::Megabytes) => (1, 1024),
            (Self::Megabytes, Kind::Integer, Unit::Kilobytes)
            | (Self::Gigabytes, Kind::Integer, Unit::Megabytes) => (1024, 1),
            (Self::Gigabytes, Kind::Integer, Unit::Kilobytes) => (1024 * 1024, 1),
            (Self::Years, Kind::Integer, Unit::Months) => (12, 1),
            _ => return None,
        };
        Some(Factor::new(times, NonZeroU32::new(by)?))
    }

    /// The unit's word in a mapping.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fen => "fen",
            Self::Jiao => "jiao",
            Self::Yuan => "yuan",
            Self::WanYuan => "wan_yuan",
            Self::Li => "li",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Bytes => "bytes",
            Self::Kilobytes => "kilobytes",
            Self::Megabytes => "megabytes",
            Self::Gigabytes => "gigabytes",
            Self::Days => "days",
            Self::Months => "months",
            Self::Years => "years",
        }
    }
}
