//! The months that the sample's usage covers.

use std::str::FromStr;

/// Months of usage of every customer (TS-2 allows up to twelve; the issue asks for six).
const MONTHS: u32 = 6;
/// Years that are accepted; the tariff simulation accepts the same.
const YEARS: std::ops::RangeInclusive<u32> = 1991..=2199;

/// Six months in a row, known by the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Months {
    /// Months from January of year 0 to the last month.
    last: u32,
}

/// Why a text names no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a month of the form YYYY-MM / 不是 YYYY-MM 形式的月份")]
pub struct NoMonth;

impl FromStr for Months {
    type Err = NoMonth;

    /// Reads the last month, `YYYY-MM`.
    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let (year, month) = text.split_once('-').ok_or(NoMonth)?;
        let number = |text: &str, length| {
            if text.len() == length {
                text.parse::<u32>().map_err(|_| NoMonth)
            } else {
                Err(NoMonth)
            }
        };
        let (year, month) = (number(year, 4)?, number(month, 2)?);
        if YEARS.contains(&year) && (1..=12).contains(&month) {
            Ok(Self {
                last: year * 12 + month - 1,
            })
        } else {
            Err(NoMonth)
        }
    }
}

impl Default for Months {
    /// May to October 2026.
    fn default() -> Self {
        Self {
            last: 2026 * 12 + 9,
        }
    }
}

impl Months {
    /// Makes something of every month, in order; `make` gets its index and its text `YYYY-MM`.
    pub(crate) fn each<Made>(self, mut make: impl FnMut(usize, String) -> Made) -> Vec<Made> {
        (0..MONTHS)
            .zip(0..)
            .map(|(offset, index)| make(index, text(self.last + 1 - MONTHS + offset)))
            .collect()
    }

    /// Which month of the calendar the month `index` is, January being 0.
    pub(crate) fn calendar_index(self, index: usize) -> usize {
        (self.last as usize + 1 - MONTHS as usize + index) % 12
    }

    /// Months from January of year 0 to the last month.
    pub(crate) fn last_ordinal(self) -> u64 {
        u64::from(self.last)
    }

    /// The first day of the month that lies `months` before the last one, `YYYY-MM-DD`.
    pub(crate) fn first_day_before(self, months: u64) -> String {
        let months = u32::try_from(months).unwrap_or(u32::MAX);
        format!("{}-01", text(self.last.saturating_sub(months)))
    }
}

fn text(ordinal: u32) -> String {
    format!("{:04}-{:02}", ordinal / 12, ordinal % 12 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_months_end_with_the_named_one() {
        let months: Months = "2027-02".parse().unwrap();
        assert_eq!(
            months.each(|_, text| text),
            [
                "2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02"
            ]
        );
        assert_eq!((months.calendar_index(0), months.calendar_index(5)), (8, 1));
        assert_eq!(months.first_day_before(2), "2026-12-01");
        for text in [
            "", "2026", "2026-13", "2026-00", "26-01", "2026-1", "1990-12", "2200-01", "+026-01",
        ] {
            assert_eq!(text.parse::<Months>(), Err(NoMonth), "{text}");
        }
    }
}
