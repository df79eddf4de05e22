//! Counts: how many a selection selects, what each exclusion removes, and what each condition does alone (TF-2).

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::expression::ast::Expression;
use chudian_dataset::expression::bound::Bound;
use chudian_dataset::expression::plan::Plan;
use chudian_runtime::problem::Problem;

use super::prepare::Prepared;

/// A selection counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Customers that exist for the caller.
    pub customers: u64,
    /// Those whom the expression selects.
    pub selected: u64,
    /// Those of them whom no exclusion removes.
    pub remaining: u64,
    /// By exclusion: removed of what those before left, and removed alone.
    pub removed: Vec<(u64, u64)>,
    /// By condition: how many it selects alone.
    pub conditions: Vec<u64>,
    /// Segments of the dataset, and those of them that statistics alone decided.
    pub segments: (usize, usize),
}

/// The conditions that are counted one by one: the parts of an "and", else the whole.
#[must_use]
pub fn conditions<'e>(
    expression: &'e Expression,
    bound: &'e Bound,
) -> Vec<(&'e Expression, &'e Bound)> {
    match (expression, bound) {
        (Expression::All(parts), Bound::All(bounds)) if !parts.is_empty() => {
            parts.iter().zip(bounds).collect()
        }
        _ => vec![(expression, bound)],
    }
}

/// Counts a selection; with `each`, every condition and every exclusion also by itself.
///
/// # Errors
/// When a column cannot be read.
pub async fn tally(prepared: &Prepared, each: bool) -> Result<Tally, Problem> {
    let reader = &prepared.reader;
    let mut tally = Tally {
        customers: prepared.customers().await?,
        ..Tally::default()
    };
    tally.removed = vec![(0, 0); prepared.exclusions.len()];
    let parts: Vec<Plan> = if each {
        let parts = conditions(&prepared.expression, &prepared.binding.bound);
        parts
            .iter()
            .map(|(_, bound)| prepared.scoped(&Plan::of(bound)))
            .collect()
    } else {
        Vec::new()
    };
    tally.conditions = vec![0; parts.len()];
    let whole = prepared.scoped(prepared.plan());
    tally.segments.0 = reader.segment_count();
    for segment in 0..reader.segment_count() {
        let decided = matches!(
            prepared.pruned(&whole, segment),
            Plan::Everybody | Plan::Nobody
        );
        tally.segments.1 += usize::from(decided);
        let rows = prepared.rows(segment, each).await?;
        tally.selected += rows.selected.count() as u64;
        tally.remaining += rows.remaining.count() as u64;
        for (index, (removed, alone)) in tally.removed.iter_mut().enumerate() {
            *removed += rows.removed.get(index).copied().unwrap_or(0);
            *alone += rows.removed_alone.get(index).copied().unwrap_or(0);
        }
        for (part, count) in parts.iter().zip(&mut tally.conditions) {
            let mut mask = Bitmap::ones(reader.segment_rows(segment));
            prepared.narrow(part, segment, &mut mask).await?;
            *count += mask.count() as u64;
        }
    }
    Ok(tally)
}
