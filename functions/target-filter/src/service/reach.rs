//! How many of a selection each channel may reach, and how many it is likely to (TF-2).
//!
//! A channel may reach whoever has not opted out of it and was not approached on it within its interval. How many it is likely to reach
//! is estimated from the layer of contact features where there is one: the share of past contacts on the channel that succeeded.
//! Columns that the dataset lacks make a figure absent, never zero.

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::ColumnData;
use chudian_dataset::contact::{ContactTerm, Measure, Window, marketed_column, opted_out_column};
use chudian_dataset::expression::bound::{BoundTerm, Predicate};
use chudian_dataset::expression::plan::Plan;
use chudian_dataset::schema::Kind;
use chudian_runtime::problem::Problem;
use chudian_vocabulary::Date;
use chudian_vocabulary::channel::Channel;

use super::prepare::Prepared;

/// Per mille of a whole.
const PER_MILLE: u64 = 1_000;

/// What a channel can do for a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The channel.
    pub channel: Channel,
    /// Customers that remain after the exclusions.
    pub remaining: u64,
    /// Of these, who opted out of the channel or of all marketing; none when neither is known.
    pub opted_out: Option<u64>,
    /// Of these, who was approached on it within its interval; none when no interval is set or nothing is known.
    pub within_interval: Option<u64>,
    /// Who may be approached on it.
    pub allowed: u64,
    /// Of the past contacts of those who may be approached on it, how many of a thousand succeeded; none when nothing is known.
    pub success_permille: Option<u64>,
    /// How many of those who may be approached are likely to be reached.
    pub expected: Option<u64>,
}

struct ChannelPlans {
    channel: Channel,
    opted_out: Option<Plan>,
    within_interval: Option<Plan>,
    counted: Option<(String, String)>,
    opted_out_count: u64,
    within_interval_count: u64,
    allowed: u64,
    contacts: u64,
    successes: u64,
}

/// Estimates the reach of each channel.
///
/// # Errors
/// When a column cannot be read.
pub async fn reach(prepared: &Prepared, channels: &[Channel]) -> Result<Vec<Reach>, Problem> {
    let mut plans: Vec<ChannelPlans> = channels
        .iter()
        .map(|channel| plans_of(prepared, *channel))
        .collect();
    let mut remaining_total = 0;
    for segment in 0..prepared.reader.segment_count() {
        let remaining = prepared.rows(segment, false).await?.remaining;
        if remaining.count() == 0 {
            continue;
        }
        remaining_total += remaining.count() as u64;
        for plan in &mut plans {
            let mut allowed = remaining.clone();
            if let Some(opted_out) = &plan.opted_out {
                let mut hit = remaining.clone();
                prepared.narrow(opted_out, segment, &mut hit).await?;
                plan.opted_out_count += hit.count() as u64;
                allowed.and_not_with(&hit);
            }
            if let Some(within) = &plan.within_interval {
                let mut hit = remaining.clone();
                prepared.narrow(within, segment, &mut hit).await?;
                plan.within_interval_count += hit.count() as u64;
                allowed.and_not_with(&hit);
            }
            plan.allowed += allowed.count() as u64;
            if let Some((contacts, successes)) = &plan.counted {
                plan.contacts += sum(prepared, segment, contacts, &allowed).await?;
                plan.successes += sum(prepared, segment, successes, &allowed).await?;
            }
        }
    }
    Ok(plans
        .into_iter()
        .map(|plan| answer(plan, remaining_total))
        .collect())
}

fn plans_of(prepared: &Prepared, channel: Channel) -> ChannelPlans {
    let place = |name: &str, kind: Kind| {
        prepared
            .columns
            .iter()
            .rposition(|column| column.name.as_str() == name && column.kind == kind)
    };
    // Who wants no marketing at all has opted out of every channel.
    let refusals: Vec<Plan> = [None, Some(channel)]
        .into_iter()
        .filter_map(|of| place(&opted_out_column(of), Kind::Flag))
        .map(|column| {
            Plan::Term(BoundTerm {
                column,
                predicate: Predicate::Flag(true),
            })
        })
        .collect();
    let opted_out = (!refusals.is_empty()).then_some(Plan::Any(refusals));
    let interval = prepared.set.channel_interval_days.get(&channel).copied();
    let within_interval = interval
        .zip(place(&marketed_column(Some(channel)), Kind::Date))
        .map(|(days, column)| {
            let first = since(prepared.today, days);
            Plan::Term(BoundTerm {
                column,
                predicate: Predicate::Range {
                    low: first,
                    high: i64::MAX,
                    inside: true,
                },
            })
        });
    let figure = |measure| {
        ContactTerm {
            measure,
            channel: Some(channel),
            kind: None,
            window: Window::Ever,
        }
        .column()
    };
    let (contacts, successes) = (figure(Measure::Count), figure(Measure::Success));
    let is_there = |name: &str| place(name, Kind::Integer).is_some();
    let counted = (is_there(&contacts) && is_there(&successes)).then_some((contacts, successes));
    ChannelPlans {
        channel,
        opted_out,
        within_interval,
        counted,
        opted_out_count: 0,
        within_interval_count: 0,
        allowed: 0,
        contacts: 0,
        successes: 0,
    }
}

fn since(today: Date, days: u32) -> i64 {
    i64::from(today.unix_days()) - i64::from(days)
}

fn answer(plan: ChannelPlans, remaining: u64) -> Reach {
    let rate =
        (plan.contacts > 0).then(|| plan.successes.min(plan.contacts) * PER_MILLE / plan.contacts);
    // The product of two counts of customers and a thousand stays far below 64 bits.
    let expected = rate.map(|permille| (plan.allowed * permille).div_euclid(PER_MILLE));
    Reach {
        channel: plan.channel,
        remaining,
        opted_out: plan.opted_out.is_some().then_some(plan.opted_out_count),
        within_interval: plan
            .within_interval
            .is_some()
            .then_some(plan.within_interval_count),
        allowed: plan.allowed,
        success_permille: rate,
        expected,
    }
}

/// Sum of the numbers of some rows; those that are not known and those below zero count nothing.
async fn sum(
    prepared: &Prepared,
    segment: usize,
    name: &str,
    rows: &Bitmap,
) -> Result<u64, Problem> {
    let data = prepared.reader.column(segment, name).await?;
    let ColumnData::Integers { values, .. } = data.as_ref() else {
        return Ok(0);
    };
    let numbers = rows
        .iter()
        .filter(|row| data.is_valid(*row))
        .filter_map(|row| values.get(row));
    Ok(numbers
        .filter_map(|number| u64::try_from(number).ok())
        .fold(0, u64::saturating_add))
}
