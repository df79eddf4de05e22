//! Conditions held against two judges: a slow evaluator that walks the written tree row by row, and SQLite.
//!
//! A thousand random expressions over random tables with nulls, of every kind of column and every width; each is evaluated with
//! and without pruning by statistics, over several segments. All four answers must name the same rows.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod generator;
mod slow;
mod sql;
mod table;

use std::collections::BTreeMap;

use chudian_dataset::column::ColumnData;
use chudian_dataset::expression::ast::Expression;
use chudian_dataset::expression::bind::{Context, bind};
use chudian_dataset::expression::evaluate::select;
use chudian_dataset::expression::plan::Plan;
use chudian_dataset::statistics::ColumnStatistics;

use generator::Random;
use table::{TODAY, Table};

/// Tables, and expressions over each of them: a thousand in all.
const TABLES: u64 = 40;
const EXPRESSIONS_PER_TABLE: usize = 25;

/// What the runs met, so that a test that tests nothing is seen.
#[derive(Default)]
struct Met {
    selected_some: usize,
    decided_segments: usize,
    segments: usize,
}

#[tokio::test]
async fn a_thousand_random_expressions_mean_what_sqlite_says() {
    let mut met = Met::default();
    for seed in 0..TABLES {
        let mut random = Random::new(seed);
        let table = Table::random(&mut random);
        let database = sql::Database::with(&table).await;
        for number in 0..EXPRESSIONS_PER_TABLE {
            let expression = generator::expression(&mut random, &table, 4);
            let place = format!("table {seed}, expression {number}: {expression:?}");
            let ours = evaluated(&table, &expression, &mut met);
            assert_eq!(
                ours,
                slow::selected(&table, &expression),
                "slow evaluator; {place}"
            );
            assert_eq!(
                ours,
                database.selected(&expression).await,
                "SQLite; {place}"
            );
        }
    }
    // An expression of any interest selects some rows and not all; half of them do by far.
    assert!(
        met.selected_some > 300,
        "{} expressions selected some rows",
        met.selected_some
    );
    assert!(
        met.decided_segments > met.segments / 50,
        "{} of {} segments",
        met.decided_segments,
        met.segments
    );
}

/// Rows that the library selects, with pruning and without.
fn evaluated(table: &Table, expression: &Expression, met: &mut Met) -> Vec<usize> {
    let context = Context {
        columns: &table.columns,
        groups: &BTreeMap::new(),
        today: TODAY,
    };
    let binding = bind(expression, &context).unwrap();
    let plan = Plan::of(&binding.bound);
    let (mut whole, mut pruned) = (Vec::new(), Vec::new());
    for (segment, first_row) in table.segments() {
        let statistics: Vec<ColumnStatistics> = segment.iter().map(ColumnStatistics::of).collect();
        let rows = segment.first().map_or(0, ColumnData::rows);
        let column = |place: usize| segment.get(place);
        whole.extend(
            select(&plan, rows, &column)
                .unwrap()
                .iter()
                .map(|row| row + first_row),
        );
        let less = plan.pruned(&|place| statistics.get(place));
        met.segments += 1;
        met.decided_segments += usize::from(matches!(less, Plan::Everybody | Plan::Nobody));
        pruned.extend(
            select(&less, rows, &column)
                .unwrap()
                .iter()
                .map(|row| row + first_row),
        );
        // The row form, by which a customer is explained, agrees as well.
        for row in 0..rows {
            let values: Vec<_> = segment.iter().map(|column| column.value(row)).collect();
            let truth = binding
                .bound
                .holds(&|place| values.get(place).and_then(Option::as_ref));
            assert_eq!(
                truth == Some(true),
                whole.binary_search(&(row + first_row)).is_ok(),
                "{expression:?}, row {row}"
            );
        }
    }
    assert_eq!(
        whole, pruned,
        "pruning changed the answer of {expression:?}"
    );
    met.selected_some += usize::from(!whole.is_empty() && whole.len() < table.rows.len());
    whole
}
