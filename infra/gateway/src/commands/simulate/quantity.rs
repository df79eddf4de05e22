//! Quantities of a table: decimals, read and converted without a binary fraction in between.

use super::fault::Fault;

/// Digits of a quantity, before and after the point together; 10¹⁰ base units with nine decimals fit.
const DIGITS_MAX: usize = 24;
/// Largest quantity in base units that the tariff simulation takes: 10¹⁰ KB are 9.3 TB in a month.
const BASE_UNITS_MAX: u128 = 10_000_000_000;

/// A quantity in base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// Whole base units.
    pub(crate) units: u64,
    /// Whether the converted figure had a fraction of a base unit, which was rounded (half up).
    pub(crate) rounded: bool,
}

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuantityError {
    /// Not digits with at most one point.
    Form,
    /// Less than nothing.
    Negative,
    /// More than the tariff simulation takes.
    TooLarge,
}

impl QuantityError {
    /// The fault of a cell that holds `text`.
    pub(crate) fn at(self, line: u64, column: &str, text: &str) -> Fault {
        let (en, zh) = match self {
            Self::Form => (
                format!(
                    "`{text}` is no number; write digits with at most one point, without unit or separators, for instance 1234.5"
                ),
                format!(
                    "“{text}”不是数字；请只写数字和至多一个小数点，不带单位和千分位，例如 1234.5"
                ),
            ),
            Self::Negative => (
                format!("`{text}` is negative; usage is zero or more"),
                format!("“{text}”为负数；用量必须大于等于零"),
            ),
            Self::TooLarge => (
                format!(
                    "`{text}` is more than a month can hold; check the unit in the column's heading"
                ),
                format!("“{text}”超过一个月可能的用量；请检查表头中的单位"),
            ),
        };
        Fault::of_line(line, Some(column), en, zh)
    }
}

/// Reads a decimal and multiplies it by `units_each`, exactly; a fraction of a base unit that remains is rounded half up.
pub(crate) fn read(text: &str, units_each: u64) -> Result<Quantity, QuantityError> {
    if let Some(rest) = text.strip_prefix(['-', '−', '－'])
        && !rest.is_empty()
    {
        return Err(QuantityError::Negative);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !is_number(whole)
        || !is_number(fraction)
        || (text.contains('.') && fraction.is_empty())
    {
        return Err(QuantityError::Form);
    }
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    if whole.len() + fraction.len() > DIGITS_MAX {
        return Err(if whole.len() > fraction.len() {
            QuantityError::TooLarge
        } else {
            QuantityError::Form
        });
    }
    let digits = format!("0{whole}{fraction}")
        .parse::<u128>()
        .map_err(|_| QuantityError::Form)?;
    // At most 24 digits and 24 decimals: neither power nor product leaves 128 bits.
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let scaled = digits
        .checked_mul(u128::from(units_each))
        .ok_or(QuantityError::TooLarge)?;
    let (units, rest) = (scaled / scale, scaled % scale);
    let units = if rest * 2 >= scale { units + 1 } else { units };
    if units > BASE_UNITS_MAX {
        return Err(QuantityError::TooLarge);
    }
    let units = u64::try_from(units).map_err(|_| QuantityError::TooLarge)?;
    Ok(Quantity {
        units,
        rounded: rest > 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_converted_exactly() {
        for (text, units_each, units, rounded) in [
            ("1.5", 1024, 1536, false),
            ("0.5", 1, 1, true),
            ("0.49", 1, 0, true),
            ("0.3", 1024, 307, true),
            ("8640.5", 1024, 8_847_872, false),
            ("2", 1_048_576, 2_097_152, false),
            ("0.0009765625", 1024, 1, false),
            ("000.10", 60, 6, false),
            ("0", 1024, 0, false),
        ] {
            assert_eq!(
                read(text, units_each),
                Ok(Quantity { units, rounded }),
                "{text} × {units_each}"
            );
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for (text, error) in [
            ("", QuantityError::Form),
            ("1.", QuantityError::Form),
            (".5", QuantityError::Form),
            ("1e3", QuantityError::Form),
            ("1,024", QuantityError::Form),
            ("１２", QuantityError::Form),
            ("1.5GB", QuantityError::Form),
            ("-1", QuantityError::Negative),
            ("－3", QuantityError::Negative),
            ("10000000001", QuantityError::TooLarge),
            (
                "99999999999999999999999999999999999999999",
                QuantityError::TooLarge,
            ),
            ("0.1111111111111111111111111111", QuantityError::Form),
        ] {
            assert_eq!(read(text, 1), Err(error), "{text}");
        }
    }
}
