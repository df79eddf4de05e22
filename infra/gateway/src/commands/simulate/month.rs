//! Months as people write them, counted from January of year 0.

/// Years in which usage can lie; the tariff simulation has the same bounds.
const YEARS: std::ops::RangeInclusive<u32> = 1990..=2199;

/// Reads `2026-05`, `2026/5`, `2026.5`, `202605` or `2026年5月`.
pub(super) fn parse(text: &str) -> Option<u32> {
    let number = |text: &str, longest: usize| {
        (!text.is_empty()
            && text.len() <= longest
            && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse::<u32>().ok())
        .flatten()
    };
    let (year, month) = if let Some((year, month)) = text.split_once(['-', '/', '.']) {
        (year, month)
    } else if let Some((year, month)) = text.split_once('年') {
        (year, month.strip_suffix('月').unwrap_or(month))
    } else if text.len() == 6 {
        text.split_at_checked(4)?
    } else {
        return None;
    };
    let (year, month) = (number(year, 4)?, number(month, 2)?);
    (YEARS.contains(&year) && (1..=12).contains(&month)).then(|| year * 12 + month - 1)
}

/// Writes `2026-05`.
pub(super) fn text_of(ordinal: u32) -> String {
    format!("{:04}-{:02}", ordinal / 12, ordinal % 12 + 1)
}
