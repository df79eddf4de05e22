//! Fresh events and refusals at the moment of freezing and of contacting: which stretch of time the dataset does not know, whom its events leave
//! out, and who refuses offers by the SMS hall's ledger, whether an event of it has come or not.

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::ColumnData;
use chudian_dataset::contact::horizon_of_source;
use chudian_dataset::schema::ID_COLUMN;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::Name;
use chudian_vocabulary::pseudonym::CustomerPseudonym;

use super::selector::Selection;
use crate::exclusions::Rule;
use crate::fresh::FreshRules;
use crate::store::fresh::{FreshEvents, LeftOut, Stretch};

/// Milliseconds of a minute and of a day.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How long a commit may take to show its events after their stamp; the feedback function asks its readers to begin so much earlier.
const SETTLING_MS: i64 = MINUTE_MS;

/// How far back events are looked at when no layer says up to where contacts are known. Older ones belong into a layer.
const WITHOUT_LAYER_MS: i64 = 7 * DAY_MS;

/// How far back events are looked at however old the layer is: the longest window that the defaults of TF-3 have but for complaints and cancellations.
const LAYER_AGE_MS_MAX: i64 = 183 * DAY_MS;

/// The stretch of time of the first statement; it grows and shrinks with what is found.
const FIRST_STRETCH_MS: i64 = 15 * MINUTE_MS;

/// Groups of events of one statement: some megabytes in memory.
const GROUPS_MAX: usize = 20_000;

/// Customers who may be left out by fresh events: those whom a province contacts in some days. More say that the layer is too old.
const LEFT_OUT_MAX: usize = 1_000_000;

/// Of these, who may be selected and so have to be kept with the list.
const KEPT_MAX: usize = 200_000;

/// Refusals of the ledger that can be weighed, 16 bytes each: as many as a list may select.
const REFUSALS_MAX: usize = 4_000_000;

/// The stretch that the dataset does not know, up to `now_unix_ms`.
#[must_use]
pub fn unknown_stretch(reader: &SnapshotReader, now_unix_ms: i64) -> Stretch {
    let horizon = reader.layers().iter().rev().find_map(|layer| {
        let columns = layer.table.schema().columns().iter();
        columns
            .filter_map(|column| horizon_of_source(&column.source))
            .next()
    });
    let from_unix_ms = match horizon {
        Some(horizon) => (horizon - SETTLING_MS).max(now_unix_ms - LAYER_AGE_MS_MAX),
        None => now_unix_ms - WITHOUT_LAYER_MS,
    };
    Stretch {
        from_unix_ms,
        // What comes in this very millisecond counts, too.
        until_unix_ms: now_unix_ms + 1,
    }
}

/// The moment from which events are looked at when a customer of a list is contacted: those before it were looked at when it was frozen.
#[must_use]
pub fn since_freezing(stretch: Option<Stretch>, frozen_at_unix_ms: i64) -> i64 {
    stretch.map_or(frozen_at_unix_ms, |stretch| stretch.until_unix_ms) - SETTLING_MS
}

/// Everybody whom the events of a stretch leave out.
///
/// # Errors
/// When the database fails, or when they are more than can be weighed.
pub async fn left_out(
    events: &FreshEvents,
    rules: &FreshRules,
    stretch: Stretch,
) -> Result<LeftOut, Problem> {
    let mut out = LeftOut::new();
    let mut length = FIRST_STRETCH_MS;
    let mut from_unix_ms = stretch.from_unix_ms;
    while from_unix_ms < stretch.until_unix_ms {
        let part = Stretch {
            from_unix_ms,
            until_unix_ms: stretch.until_unix_ms.min(from_unix_ms + length),
        };
        let found = events.of_stretch(part, GROUPS_MAX).await?;
        // A single millisecond is taken whole or refused.
        if found.len() >= GROUPS_MAX {
            if length == 1 {
                return Err(too_many());
            }
            length = (length >> 1).max(1);
            continue;
        }
        if found.len() < GROUPS_MAX >> 2 {
            length = (length * 2).min(DAY_MS);
        }
        for (customer, event) in found {
            let (Some(rule), Ok(customer)) = (rules.hit(&event), customer.parse()) else {
                // Ids that are no pseudonyms are in no dataset.
                continue;
            };
            let slot = out.entry(customer).or_insert(rule);
            *slot = rule.min(*slot);
            if out.len() > LEFT_OUT_MAX {
                return Err(too_many());
            }
        }
        from_unix_ms = part.until_unix_ms;
    }
    Ok(out)
}

/// Everybody who refuses offers by the SMS hall's ledger, in order.
///
/// # Errors
/// When the database fails, or when they are more than can be weighed.
pub async fn refusals(events: &FreshEvents) -> Result<Vec<CustomerPseudonym>, Problem> {
    let refusals = events.refusals(REFUSALS_MAX).await?;
    if refusals.len() > REFUSALS_MAX {
        let detail = Name::new(
            format!("短信营业厅的退订客户超过 {REFUSALS_MAX} 个，无法逐一核对。"),
            format!(
                "More than {REFUSALS_MAX} customers refuse offers by short message; they cannot be held against a list."
            ),
        );
        return Err(Problem::new(catalogue::LIST_TOO_LARGE, detail));
    }
    Ok(refusals)
}

/// Takes customers, and those of `refusals` (in order), out of a selection; those of them who were in it. The waterfall has a step for each rule that removed somebody.
///
/// # Errors
/// When the identities cannot be read, or when more are left out than can be kept with a list.
pub async fn leave_out(
    selection: &mut Selection,
    out: &LeftOut,
    refusals: &[CustomerPseudonym],
) -> Result<LeftOut, Problem> {
    let mut removed = LeftOut::new();
    if out.is_empty() && refusals.is_empty() {
        return Ok(removed);
    }
    let rule_of = |id: CustomerPseudonym| {
        let refused = refusals.binary_search(&id).is_ok();
        let rules = [out.get(&id).copied(), refused.then_some(Rule::OptedOut)];
        rules.into_iter().flatten().min()
    };
    for (segment, rows) in selection.segments.iter_mut().enumerate() {
        if rows.count() == 0 {
            continue;
        }
        let identities = selection.reader.column(segment, ID_COLUMN).await?;
        let ColumnData::Identities { values } = identities.as_ref() else {
            return Err(Problem::internal("the identities are of another kind"));
        };
        let mut hit = Bitmap::zeros(rows.len());
        for row in rows.iter() {
            let id = values.as_slice().get(row).copied().map(CustomerPseudonym);
            if let Some((id, rule)) = id.and_then(|id| Some((id, rule_of(id)?))) {
                hit.set(row, true);
                removed.insert(id, rule);
            }
        }
        rows.and_not_with(&hit);
        if removed.len() > KEPT_MAX {
            return Err(too_many());
        }
    }
    for rule in Rule::ALL {
        let customers = removed.values().filter(|own| **own == rule).count() as u64;
        if customers > 0 {
            let step = format!("{}_since_layer", rule.word());
            selection.waterfall.push((step, customers));
        }
    }
    Ok(removed)
}

fn too_many() -> Problem {
    let detail = Name::new(
        "接触列生成之后发生的事件过多，无法逐一核对；请先运行 chudian batch contacts 更新接触列，再冻结名单。",
        "Too much has happened since the contact columns were made; run `chudian batch contacts` and freeze again.",
    );
    Problem::new(catalogue::LIST_TOO_LARGE, detail)
}
