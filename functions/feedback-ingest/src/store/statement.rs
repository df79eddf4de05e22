//! Statements over many rows, with the same text for both databases.
//!
//! Values are bound, never written into the text. Two ways were tried on SQLite: one statement with a JSON array that the database
//! takes apart, and rows as bound values. The bound rows were the faster, by 3 and by 57 per cent in two trials on a busy machine, and
//! need no second text for PostgreSQL.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chudian_runtime::ports::sql::{FromSqlRow, SqlError, SqlValue, Transaction};

use crate::limits::STATEMENT_ROWS_MAX;

/// Rows that wait to be written, `WIDTH` values each.
pub(super) struct Rows<const WIDTH: usize> {
    values: Vec<[SqlValue; WIDTH]>,
}

impl<const WIDTH: usize> Rows<WIDTH> {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            values: Vec::with_capacity(rows),
        }
    }

    pub(super) fn push(&mut self, row: [SqlValue; WIDTH]) {
        self.values.push(row);
    }

    /// Runs `before (…), (…) after` over all rows; how many rows it touched.
    pub(super) async fn execute(
        self,
        transaction: &mut Transaction,
        before: &str,
        after: &str,
    ) -> Result<u64, SqlError> {
        let mut touched = 0;
        for chunk in chunks(self.values) {
            let statement = format!("{before} {} {after}", places::<WIDTH>(chunk.len(), false));
            let values = chunk.into_iter().flatten().collect();
            touched += transaction.execute(&statement, values).await?;
        }
        Ok(touched)
    }

    /// Runs `before (…), (…) after` over all rows of numbers, and reads what it gives.
    pub(super) async fn query<T: FromSqlRow>(
        self,
        transaction: &mut Transaction,
        before: &str,
        after: &str,
    ) -> Result<Vec<T>, SqlError> {
        let mut found = Vec::new();
        for chunk in chunks(self.values) {
            let statement = format!("{before} {} {after}", places::<WIDTH>(chunk.len(), true));
            let values = chunk.into_iter().flatten().collect();
            found.extend(transaction.query(&statement, values).await?);
        }
        Ok(found)
    }
}

/// Cuts rows into chunks of [`STATEMENT_ROWS_MAX`], and the rest into powers of two, the largest first.
fn chunks<T>(rows: Vec<T>) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    let mut rest = rows.into_iter();
    while rest.len() > 0 {
        let size = if rest.len() >= STATEMENT_ROWS_MAX {
            STATEMENT_ROWS_MAX
        } else {
            1 << rest.len().ilog2()
        };
        chunks.push(rest.by_ref().take(size).collect());
    }
    chunks
}

/// Width, rows, and whether the values are numbers.
type Shape = (usize, usize, bool);

/// The places of every shape that was used, so that two thousand of them are not written anew for each statement. There are a few
/// widths and a few sizes, so it stays small.
static PLACES: Mutex<BTreeMap<Shape, Arc<str>>> = Mutex::new(BTreeMap::new());

/// `($1, $2), ($3, $4)`. Where nothing else tells PostgreSQL the type of a place, it is said to be a number.
fn places<const WIDTH: usize>(rows: usize, are_numbers: bool) -> Arc<str> {
    let shape = (WIDTH, rows, are_numbers);
    let mut known = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let text = known
        .entry(shape)
        .or_insert_with(|| written_places(shape).into());
    Arc::clone(text)
}

fn written_places((width, rows, are_numbers): Shape) -> String {
    let place = |place: usize| {
        if are_numbers {
            format!("cast(${place} as bigint)")
        } else {
            format!("${place}")
        }
    };
    let row = |row: usize| {
        let places: Vec<String> = (1..=width)
            .map(|column| place(row * width + column))
            .collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    rows.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_few_sizes_and_lose_nothing() {
        for rows in [0, 1, 2, 3, 127, 128, 129, 500, 2_000] {
            let all: Vec<usize> = (0..rows).collect();
            let cut = chunks(all.clone());
            assert!(
                cut.iter()
                    .all(|chunk| chunk.len().is_power_of_two() && chunk.len() <= 128)
            );
            assert_eq!(cut.concat(), all);
        }
    }

    #[test]
    fn places_are_numbered_in_order() {
        for _ in 0..2 {
            assert_eq!(&*places::<2>(2, false), "($1, $2), ($3, $4)");
            let numbers = "(cast($1 as bigint)), (cast($2 as bigint))";
            assert_eq!(&*places::<1>(2, true), numbers);
        }
    }
}
