//! How a selection divides by one or two columns (TF-2), small groups hidden where the table leaves the department.

use std::collections::BTreeMap;

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::ColumnData;
use chudian_dataset::schema::{Column, Kind};
use chudian_runtime::problem::Problem;

use super::prepare::Prepared;

/// Fewest customers of a group that is shown outside the department (security notes: k = 10).
pub const GROUP_CUSTOMERS_MIN: u64 = 10;

/// Most columns of a breakdown: a table has rows and columns.
pub const COLUMNS_MAX: usize = 2;

/// Most groups of a breakdown: what a page can show and a person can read.
pub const GROUPS_MAX: usize = 2_000;

/// One group of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The value of each column; none where it is not known.
    pub values: Vec<Option<String>>,
    /// Customers; none when hidden.
    pub customers: Option<u64>,
}

/// Whether a column divides customers into groups.
#[must_use]
pub fn divides(column: &Column) -> bool {
    matches!(column.kind, Kind::Word | Kind::Flag)
}

/// Customers of each group, in the order of the values; `None` when there are more than [`GROUPS_MAX`] groups.
///
/// # Errors
/// When a column cannot be read.
pub async fn breakdown(
    prepared: &Prepared,
    columns: &[Column],
) -> Result<Option<BTreeMap<Vec<Option<String>>, u64>>, Problem> {
    let mut groups: BTreeMap<Vec<Option<String>>, u64> = BTreeMap::new();
    for segment in 0..prepared.reader.segment_count() {
        let rows = prepared.rows(segment, false).await?.remaining;
        if rows.count() == 0 {
            continue;
        }
        let mut data = Vec::new();
        for column in columns {
            data.push(
                prepared
                    .reader
                    .column(segment, column.name.as_str())
                    .await?,
            );
        }
        let places: Vec<(usize, &ColumnData)> = data
            .iter()
            .map(|data| (distinct(data), data.as_ref()))
            .collect();
        for (code, customers) in counted(&rows, &places) {
            let mut rest = code;
            let mut values = Vec::with_capacity(columns.len());
            for (distinct, data) in places.iter().rev() {
                let codes = *distinct as u64 + 1;
                let code = usize::try_from(rest.rem_euclid(codes)).unwrap_or(usize::MAX);
                values.push(word(data, code));
                rest = rest.div_euclid(codes);
            }
            values.reverse();
            *groups.entry(values).or_default() += customers;
        }
        if groups.len() > GROUPS_MAX {
            return Ok(None);
        }
    }
    Ok(Some(groups))
}

/// Distinct values that a column of a segment can have.
fn distinct(data: &ColumnData) -> usize {
    match data {
        ColumnData::Words { words, .. } => words.len(),
        _ => 2,
    }
}

/// The value's number in a row; the number of distinct values where it has none.
fn code(data: &ColumnData, row: usize) -> usize {
    if !data.is_valid(row) {
        return distinct(data);
    }
    match data {
        ColumnData::Words { codes, .. } => codes.get(row).unwrap_or(distinct(data)),
        ColumnData::Flags { values, .. } => usize::from(values.get(row)),
        _ => distinct(data),
    }
}

fn word(data: &ColumnData, code: usize) -> Option<String> {
    match data {
        ColumnData::Words { words, .. } => words.get(code).cloned(),
        ColumnData::Flags { .. } if code < 2 => {
            Some(if code == 1 { "true" } else { "false" }.to_owned())
        }
        _ => None,
    }
}

/// Customers by the combined number of their values; of two columns with a word for every row it has 34 bits, more than a component's
/// `usize`.
fn counted(rows: &Bitmap, columns: &[(usize, &ColumnData)]) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for row in rows.iter() {
        let combined = columns.iter().fold(0, |so_far, (distinct, data)| {
            so_far * (*distinct as u64 + 1) + code(data, row) as u64
        });
        *counts.entry(combined).or_default() += 1;
    }
    counts
}

/// Hides groups of fewer than [`GROUP_CUSTOMERS_MIN`] customers; and where the hidden ones together could still be found by subtraction, the
/// smallest of the others with them.
#[must_use]
pub fn suppressed(groups: BTreeMap<Vec<Option<String>>, u64>) -> Vec<Cell> {
    let is_small = |customers: u64| (1..GROUP_CUSTOMERS_MIN).contains(&customers);
    let hidden: Vec<u64> = groups
        .values()
        .copied()
        .filter(|customers| is_small(*customers))
        .collect();
    // What is missing from the total must not tell of fewer than the minimum, nor of one group alone.
    let tells = !hidden.is_empty()
        && (hidden.len() < 2 || hidden.iter().sum::<u64>() < GROUP_CUSTOMERS_MIN);
    let also = groups
        .values()
        .copied()
        .filter(|customers| !is_small(*customers))
        .min()
        .filter(|_| tells);
    let mut is_taken = false;
    groups
        .into_iter()
        .map(|(values, customers)| {
            let is_also = !is_taken && also == Some(customers);
            is_taken |= is_also;
            let shown = !is_small(customers) && !is_also;
            Cell {
                values,
                customers: shown.then_some(customers),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(counts: &[u64]) -> Vec<Option<u64>> {
        let groups = counts
            .iter()
            .enumerate()
            .map(|(index, count)| (vec![Some(format!("{index:03}"))], *count))
            .collect();
        suppressed(groups)
            .into_iter()
            .map(|cell| cell.customers)
            .collect()
    }

    /// Goal: no count under ten is shown, nor can one be found by subtracting the others from the total.
    #[test]
    fn small_groups_are_hidden_with_company() {
        assert_eq!(shown(&[100, 50]), [Some(100), Some(50)]);
        assert_eq!(shown(&[100, 50, 9]), [Some(100), None, None]);
        assert_eq!(shown(&[100, 50, 9, 8]), [Some(100), Some(50), None, None]);
        assert_eq!(shown(&[100, 50, 3, 2]), [Some(100), None, None, None]);
        assert_eq!(shown(&[5]), [None]);
        assert_eq!(shown(&[10, 10]), [Some(10), Some(10)]);
    }
}
