//! A customer's usage in the words of one catalogue, checked: what the validator makes of a usage document.

use chudian_vocabulary::{Date, Month};

use crate::cells::{Cell, Kind};
use crate::number::BlockRounding;

/// A customer with the months to simulate.
#[derive(Clone, Debug)]
pub struct CustomerUsage {
    /// The customer.
    pub customer: Customer,
    /// Months, ascending without gaps; the same for family members.
    pub months: Vec<MonthUsage>,
    /// Family members.
    pub family: Vec<FamilyMember>,
}

/// What eligibility and the cost of switching depend on.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// Pseudonym.
    pub id: String,
    /// Present plan, as an index of the catalogue.
    pub plan: Option<usize>,
    /// When it began.
    pub plan_since: Option<Date>,
    /// Add-ons held with it: index of the catalogue and quantity.
    pub add_ons: Vec<(usize, u32)>,
    /// Brand.
    pub brand: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Customer type.
    pub customer_type: Option<String>,
    /// First day of the running contract.
    pub contract_since: Option<Date>,
    /// Other services held.
    pub services: Vec<String>,
}

/// A member of the family.
#[derive(Clone, Debug)]
pub struct FamilyMember {
    /// Pseudonym.
    pub id: String,
    /// The member's own plan, as an index of the catalogue.
    pub plan: Option<usize>,
    /// Months.
    pub months: Vec<MonthUsage>,
}

/// Usage of one month.
#[derive(Clone, Debug)]
pub struct MonthUsage {
    /// The month.
    pub month: Month,
    /// Totals.
    pub lines: Vec<UsageLine>,
    /// Events in the order of time.
    pub events: Vec<UsageEvent>,
}

/// A total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLine {
    /// Where it belongs.
    pub cell: Cell,
    /// Kind of usage.
    pub kind: Kind,
    /// Whether the band was stated.
    pub band_stated: bool,
    /// Whether the type of day was stated.
    pub day_stated: bool,
    /// Events.
    pub count: Option<i64>,
    /// Seconds.
    pub seconds: Option<i64>,
    /// KB.
    pub kb: Option<i64>,
    /// Started minutes, summed over the events.
    pub billed_60s_units: Option<i64>,
    /// Started 6-second steps, summed over the events.
    pub billed_6s_units: Option<i64>,
}

/// One call, session or message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageEvent {
    /// Kind of usage.
    pub kind: Kind,
    /// Seconds from the beginning of the month, for the order of events.
    pub start_seconds: u32,
    /// Duration.
    pub seconds: i64,
    /// Volume, KB.
    pub kb: i64,
    /// Cells through which it runs: the seconds after its start at which it enters each, the first at 0. Events without a
    /// duration have one.
    pub path: Vec<(i64, Cell)>,
}

/// Scales usage for a what-if, exactly and per mille, by kind.
///
/// Totals are scaled half up. Durations and volumes of events are scaled so that their running sums are exact; messages are
/// repeated or dropped evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// Per mille by index of kind; 1,000 changes nothing.
    pub per_mille: [i64; 5],
}

impl WhatIf {
    /// Changes nothing.
    pub const NOTHING: Self = Self {
        per_mille: [1_000; 5],
    };

    /// The usage scaled.
    #[must_use]
    pub fn apply(&self, usage: &CustomerUsage) -> CustomerUsage {
        let scale = |months: &[MonthUsage]| months.iter().map(|month| self.month(month)).collect();
        CustomerUsage {
            customer: usage.customer.clone(),
            months: scale(&usage.months),
            family: usage
                .family
                .iter()
                .map(|member| FamilyMember {
                    months: scale(&member.months),
                    ..member.clone()
                })
                .collect(),
        }
    }

    fn month(&self, month: &MonthUsage) -> MonthUsage {
        let lines = month
            .lines
            .iter()
            .map(|line| {
                let per_mille = self.per_mille[line.kind.index()];
                let scaled = |value: Option<i64>| {
                    value.map(|value| BlockRounding::HalfUp.blocks(value * per_mille, 1_000))
                };
                UsageLine {
                    count: scaled(line.count),
                    seconds: scaled(line.seconds),
                    kb: scaled(line.kb),
                    billed_60s_units: scaled(line.billed_60s_units),
                    billed_6s_units: scaled(line.billed_6s_units),
                    ..line.clone()
                }
            })
            .collect();
        // Running sums by kind of seconds, KB and events, before scaling.
        let mut sums = [[0_i64; 3]; 5];
        let mut events = Vec::with_capacity(month.events.len());
        for event in &month.events {
            let kind = event.kind.index();
            let per_mille = self.per_mille[kind];
            let mut step = |position: usize, value: i64| {
                let before = sums[kind][position];
                sums[kind][position] = before + value;
                BlockRounding::Down.blocks((before + value) * per_mille, 1_000)
                    - BlockRounding::Down.blocks(before * per_mille, 1_000)
            };
            let scaled = UsageEvent {
                seconds: step(0, event.seconds),
                kb: step(1, event.kb),
                ..event.clone()
            };
            let copies = if matches!(event.kind, Kind::Sms | Kind::Mms) {
                step(2, 1)
            } else {
                i64::from(per_mille > 0)
            };
            events.extend((0..copies).map(|_| scaled.clone()));
        }
        MonthUsage {
            month: month.month,
            lines,
            events,
        }
    }
}
