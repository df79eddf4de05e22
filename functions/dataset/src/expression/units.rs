//! Units that a number may be written in, and the exact way from them to the column's own unit.
//!
//! Invariant: conversions are exact fractions; nothing is rounded here. `80 元` is 8000 fen, `1.5 GB` on a column of KB is 1,572,864.

use super::ast::Decimal;
use super::names::fold;
use crate::schema::{Kind, Unit};

/// Quantities between which there is a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Money,
    Time,
    Data,
    Days,
    Months,
    /// Only the unit itself.
    Alone(Unit),
}

/// A unit as people write it.
struct Spelling {
    family: Family,
    /// How many of the family's smallest unit it is.
    factor: i64,
    words: &'static [&'static str],
}

const fn spelling(family: Family, factor: i64, words: &'static [&'static str]) -> Spelling {
    Spelling {
        family,
        factor,
        words,
    }
}

/// Fen of a yuan.
const FEN_PER_YUAN: i64 = 100;

/// All spellings; the first word of each is the one that messages use. Words are in folded form.
const SPELLINGS: &[Spelling] = &[
    spelling(
        Family::Money,
        FEN_PER_YUAN,
        &["元", "yuan", "rmb", "cny", "块"],
    ),
    spelling(Family::Money, 1, &["分", "fen"]),
    spelling(Family::Money, 10_000 * FEN_PER_YUAN, &["万元"]),
    spelling(Family::Time, 1, &["秒", "s", "sec", "second", "seconds"]),
    spelling(Family::Time, 60, &["分钟", "min", "minute", "minutes"]),
    spelling(Family::Time, 3_600, &["小时", "h", "hour", "hours"]),
    spelling(Family::Data, 1, &["kb"]),
    spelling(Family::Data, 1_024, &["mb"]),
    spelling(Family::Data, 1_024 * 1_024, &["gb"]),
    spelling(Family::Data, 1_024 * 1_024 * 1_024, &["tb"]),
    spelling(Family::Days, 1, &["天", "日", "day", "days"]),
    spelling(Family::Days, 7, &["周", "week", "weeks"]),
    spelling(Family::Months, 1, &["个月", "月", "month", "months"]),
    spelling(Family::Months, 12, &["年", "year", "years"]),
    spelling(Family::Alone(Unit::Times), 1, &["次", "times", "time"]),
    spelling(Family::Alone(Unit::People), 1, &["人", "people", "person"]),
    spelling(
        Family::Alone(Unit::Pieces),
        1,
        &["件", "个", "pieces", "piece"],
    ),
    spelling(
        Family::Alone(Unit::Messages),
        1,
        &["条", "messages", "message"],
    ),
    spelling(Family::Alone(Unit::Percent), 1, &["%", "percent"]),
    spelling(Family::Alone(Unit::Points), 1, &["分", "points", "point"]),
];

/// Family of a column and how many of its smallest unit the column's own unit is; nothing where no unit may be written.
fn family_of(kind: Kind, unit: Unit) -> Option<(Family, i64)> {
    let of_integer = |unit| match unit {
        Unit::None => None,
        Unit::Seconds => Some((Family::Time, 1)),
        Unit::Minutes => Some((Family::Time, 60)),
        Unit::Kilobytes => Some((Family::Data, 1)),
        Unit::Megabytes => Some((Family::Data, 1_024)),
        Unit::Days => Some((Family::Days, 1)),
        Unit::Months => Some((Family::Months, 1)),
        Unit::Years => Some((Family::Months, 12)),
        Unit::Times
        | Unit::People
        | Unit::Pieces
        | Unit::Messages
        | Unit::Percent
        | Unit::Points => Some((Family::Alone(unit), 1)),
    };
    match kind {
        Kind::Money => Some((Family::Money, 1)),
        Kind::Integer => of_integer(unit),
        Kind::Word | Kind::Score | Kind::Flag | Kind::Date | Kind::Identity => None,
    }
}

/// Whether `word` is written like some unit, whatever the column; readers of texts use it to tell a unit from what follows.
#[must_use]
pub fn is_unit(word: &str) -> bool {
    let word = fold(word);
    SPELLINGS
        .iter()
        .any(|spelling| spelling.words.contains(&word.as_str()))
}

/// Words of the units that a column takes: the Chinese and the English one of each.
#[must_use]
pub fn accepted(kind: Kind, unit: Unit) -> Vec<&'static str> {
    let Some((family, _)) = family_of(kind, unit) else {
        return Vec::new();
    };
    let fitting = SPELLINGS
        .iter()
        .filter(|spelling| spelling.family == family);
    fitting
        .flat_map(|spelling| spelling.words.iter().take(2).copied())
        .collect()
}

/// An exact number in a column's own unit: numerator and a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    /// A whole number.
    pub(super) fn whole(number: i32) -> Self {
        Self {
            numerator: number.into(),
            denominator: 1,
        }
    }

    /// The greatest whole number that is not above it.
    pub(super) fn floor(self) -> i128 {
        self.numerator.div_euclid(self.denominator)
    }

    /// The least whole number that is not below it.
    pub(super) fn ceil(self) -> i128 {
        -(-self.numerator).div_euclid(self.denominator)
    }
}

/// A unit that does not fit the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnitMisfit;

/// `number` in the unit of a column. Without a unit, a number is in the column's own; money is in yuan, as people write it.
pub(super) fn convert(
    number: Decimal,
    unit: Option<&str>,
    kind: Kind,
    column_unit: Unit,
) -> Result<Exact, UnitMisfit> {
    let (factor, own) = match unit {
        None if kind == Kind::Money => (FEN_PER_YUAN, 1),
        None => (1, 1),
        Some(word) => {
            let (family, own) = family_of(kind, column_unit).ok_or(UnitMisfit)?;
            let word = fold(word);
            let is_meant = |spelling: &&Spelling| {
                spelling.family == family && spelling.words.contains(&word.as_str())
            };
            let spelling = SPELLINGS.iter().find(is_meant).ok_or(UnitMisfit)?;
            (spelling.factor, own)
        }
    };
    let (numerator, scale) = number.times(factor);
    Ok(Exact {
        numerator,
        denominator: scale * i128::from(own),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str, unit: Option<&str>, kind: Kind, column: Unit) -> (i128, i128) {
        let exact = convert(Decimal::parse(text).unwrap(), unit, kind, column).unwrap();
        (exact.floor(), exact.ceil())
    }

    #[test]
    fn units_convert_exactly() {
        let table = [
            ("80", Some("元"), Kind::Money, Unit::None, (8_000, 8_000)),
            (
                "80.00",
                Some("YUAN"),
                Kind::Money,
                Unit::None,
                (8_000, 8_000),
            ),
            ("80", None, Kind::Money, Unit::None, (8_000, 8_000)),
            ("8000", Some("分"), Kind::Money, Unit::None, (8_000, 8_000)),
            ("0.005", None, Kind::Money, Unit::None, (0, 1)),
            ("-0.005", None, Kind::Money, Unit::None, (-1, 0)),
            (
                "1.5",
                Some("GB"),
                Kind::Integer,
                Unit::Kilobytes,
                (1_572_864, 1_572_864),
            ),
            ("512", Some("kb"), Kind::Integer, Unit::Megabytes, (0, 1)),
            ("2", Some("小时"), Kind::Integer, Unit::Minutes, (120, 120)),
            ("90", Some("秒"), Kind::Integer, Unit::Minutes, (1, 2)),
            ("2", Some("年"), Kind::Integer, Unit::Months, (24, 24)),
            ("18", Some("months"), Kind::Integer, Unit::Years, (1, 2)),
            ("100", Some("分"), Kind::Integer, Unit::Points, (100, 100)),
            ("7", None, Kind::Integer, Unit::Seconds, (7, 7)),
            (
                "9223372036854775807",
                Some("万元"),
                Kind::Money,
                Unit::None,
                (
                    9_223_372_036_854_775_807_000_000,
                    9_223_372_036_854_775_807_000_000,
                ),
            ),
        ];
        for (text, unit, kind, column, expected) in table {
            assert_eq!(range(text, unit, kind, column), expected, "{text} {unit:?}");
        }
    }

    #[test]
    fn a_unit_of_another_quantity_is_refused() {
        for (unit, kind, column) in [
            ("元", Kind::Integer, Unit::Minutes),
            ("GB", Kind::Money, Unit::None),
            ("次", Kind::Integer, Unit::None),
            ("parsec", Kind::Integer, Unit::Kilobytes),
            ("%", Kind::Score, Unit::None),
        ] {
            assert_eq!(
                convert(Decimal::whole(1), Some(unit), kind, column),
                Err(UnitMisfit),
                "{unit}"
            );
        }
    }
}
