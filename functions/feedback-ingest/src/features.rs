//! What the events of a customer come to as columns of the dataset (TF-1, TF-3, FI-3): the contact features.
//!
//! The names of the columns, and what they mean, stand in `chudian_dataset::contact`. Features are as of a horizon: events that came before it count,
//! later ones do not. A window of so many days ends with the horizon's day in China and contains it. An event whose own time lies after that
//! day, by a sender's fast clock, counts on that day. `any` kind is every kind of event, as in the totals of the contact summary.
//!
//! A business is named in columns by its code in lower case with `_` for other signs; one whose code begins with no letter has no columns.
//! Who holds a business is who has an active order of it; a trial is tried and not held. A cancellation is the customer's unless it says
//! otherwise. A refusal counts for its channel and for marketing as a whole, because nothing in an event says that it was meant for one
//! channel only.
//!
//! Invariant: pure, and independent of the order of its facts. Not the place where columns are put into the dataset's order.

use std::collections::BTreeSet;

use chudian_dataset::contact::{
    Business, BusinessEvent, ContactTerm, Measure, Window, marketed_column, opted_out_column,
};
use chudian_vocabulary::CHINA_OFFSET_S;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, Outcome};

use crate::order::{Relation, Standing};
use crate::timing::day_of;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Windows of one request, at most: the usual four, and as many of a province's own.
pub const WINDOWS_MAX: usize = 8;

/// A column of contact features.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Counts and last days by channel, kind and window.
    Contact(ContactTerm),
    /// Whether the customer holds the business.
    Held(Business),
    /// The day of the last such event with the business.
    Event(Business, BusinessEvent),
    /// The day of the last marketing contact on a channel, or on any.
    Marketed(Option<Channel>),
    /// Whether the customer wants no marketing on a channel, or at all.
    OptedOut(Option<Channel>),
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// Whole numbers.
    Count,
    /// Days.
    Day,
    /// Yes or no.
    Flag,
}

/// A value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureValue {
    /// So many.
    Count(i64),
    /// Days since 1970-01-01.
    Day(i32),
    /// Yes or no.
    Flag(bool),
}

impl Feature {
    /// The feature whose column has this name; nothing for columns that no event tells.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(term) = ContactTerm::parse_column(name) {
            return Some(Self::Contact(term));
        }
        let channels = || {
            let each = Channel::ALL.iter().copied().map(Some);
            std::iter::once(None).chain(each)
        };
        // Channels stand before businesses, which may be called `by_web_hall`.
        if let Some(channel) = channels().find(|channel| marketed_column(*channel) == name) {
            return Some(Self::Marketed(channel));
        }
        if let Some(channel) = channels().find(|channel| opted_out_column(*channel) == name) {
            return Some(Self::OptedOut(channel));
        }
        if let Some(business) = name.strip_prefix("has_") {
            return Business::new(business).ok().map(Self::Held);
        }
        BusinessEvent::ALL.into_iter().find_map(|event| {
            let rest = name.strip_prefix(event.word())?.strip_prefix('_')?;
            let business = Business::new(rest.strip_suffix("_on")?).ok()?;
            Some(Self::Event(business, event))
        })
    }

    /// Name of its column.
    #[must_use]
    pub fn column(&self) -> String {
        match self {
            Self::Contact(term) => term.column(),
            Self::Held(business) => business.held_column(),
            Self::Event(business, event) => business.event_column(*event),
            Self::Marketed(channel) => marketed_column(*channel),
            Self::OptedOut(channel) => opted_out_column(*channel),
        }
    }

    /// What stands in its column.
    #[must_use]
    pub const fn kind(&self) -> FeatureKind {
        match self {
            Self::Contact(term) => match term.measure {
                Measure::Count | Measure::Success => FeatureKind::Count,
                Measure::Last => FeatureKind::Day,
            },
            Self::Held(_) | Self::OptedOut(_) => FeatureKind::Flag,
            Self::Event(..) | Self::Marketed(_) => FeatureKind::Day,
        }
    }
}

/// Events of one customer, channel, kind, outcome and business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCell {
    /// Channel.
    pub channel: Channel,
    /// Kind.
    pub kind: EventKind,
    /// Outcome.
    pub outcome: Outcome,
    /// What it was about, as columns name it.
    pub business: Option<Business>,
    /// How many there are in each window of the plan.
    pub events: Vec<i64>,
    /// How many there are.
    pub events_ever: i64,
    /// When the last of them was, unix milliseconds.
    pub last_at_unix_ms: i64,
}

/// What is known of one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Events.
    pub cells: Vec<EventCell>,
    /// Orders, each with the business that columns name.
    pub orders: Vec<(Option<Business>, Relation)>,
    /// Refusals of months whose events are forgotten.
    pub refusals: Vec<KeptRefusal>,
}

/// What a customer said last of offers on a channel, in events that are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptRefusal {
    /// Channel.
    pub channel: Channel,
    /// When the customer refused, unix milliseconds.
    pub refused_at_unix_ms: Option<i64>,
    /// When the customer took it back.
    pub taken_back_at_unix_ms: Option<i64>,
}

/// Columns to fill, as of a horizon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeaturePlan {
    features: Vec<Feature>,
    horizon_unix_ms: i64,
    /// The horizon's day in China.
    day: i32,
    /// The windows that the columns ask for.
    windows_days: Vec<u32>,
}

/// Why columns cannot be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A horizon outside the calendar.
    #[error("the horizon is outside the calendar")]
    Horizon,
    /// More windows than a request may ask for.
    #[error("at most {WINDOWS_MAX} windows at a time")]
    TooManyWindows,
}

impl FeaturePlan {
    /// Plans these columns.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(features: Vec<Feature>, horizon_unix_ms: i64) -> Result<Self, PlanError> {
        let day = day_of(horizon_unix_ms).ok_or(PlanError::Horizon)?;
        let windows: BTreeSet<u32> = features
            .iter()
            .filter_map(|feature| match feature {
                Feature::Contact(term) => match term.window {
                    Window::Days(days) => Some(days),
                    Window::Ever => None,
                },
                _ => None,
            })
            .collect();
        if windows.len() > WINDOWS_MAX {
            return Err(PlanError::TooManyWindows);
        }
        Ok(Self {
            features,
            horizon_unix_ms,
            day: day.unix_days(),
            windows_days: windows.into_iter().collect(),
        })
    }

    /// The columns.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Events that came from this moment on do not count.
    #[must_use]
    pub fn horizon_unix_ms(&self) -> i64 {
        self.horizon_unix_ms
    }

    /// The first moment of each window, in the order of [`EventCell::events`].
    pub fn window_starts_unix_ms(&self) -> impl Iterator<Item = i64> {
        self.windows_days
            .iter()
            .map(|days| self.start_unix_ms(*days))
    }

    /// The first moment of the window of so many days: midnight in China.
    fn start_unix_ms(&self, days: u32) -> i64 {
        let first = i64::from(self.day) + 1 - i64::from(days);
        first * DAY_MS - CHINA_OFFSET_S * 1_000
    }

    /// The values of a customer, in the order of the columns; nothing where there is no such day.
    #[must_use]
    pub fn fold(&self, facts: &Facts) -> Vec<Option<FeatureValue>> {
        self.features
            .iter()
            .map(|feature| self.value(feature, facts))
            .collect()
    }

    fn value(&self, feature: &Feature, facts: &Facts) -> Option<FeatureValue> {
        match feature {
            Feature::Contact(term) => self.contact(term, facts),
            Feature::Held(business) => {
                let holds = self
                    .orders_of(business, facts)
                    .any(|order| order.standing_at(self.horizon_unix_ms) == Standing::Active);
                Some(FeatureValue::Flag(holds))
            }
            Feature::Event(business, event) => {
                let last = self.last_event(business, *event, facts)?;
                self.day(last)
            }
            Feature::Marketed(channel) => {
                let last = last_of(facts, |cell| {
                    cell.kind == EventKind::MarketingContact
                        && channel.is_none_or(|channel| channel == cell.channel)
                })?;
                self.day(last)
            }
            Feature::OptedOut(channel) => {
                let refused = match channel {
                    Some(channel) => is_refused(facts, *channel),
                    None => Channel::ALL
                        .iter()
                        .any(|channel| is_refused(facts, *channel)),
                };
                Some(FeatureValue::Flag(refused))
            }
        }
    }

    fn contact(&self, term: &ContactTerm, facts: &Facts) -> Option<FeatureValue> {
        let place = match term.window {
            Window::Ever => None,
            Window::Days(days) => Some(self.windows_days.binary_search(&days).ok()?),
        };
        let matches = |cell: &&EventCell| {
            term.channel.is_none_or(|channel| channel == cell.channel)
                && term.kind.is_none_or(|kind| kind == cell.kind)
        };
        let cells = || facts.cells.iter().filter(matches);
        let sum = |counts: &dyn Fn(&EventCell) -> bool| {
            let of = |cell: &EventCell| match place {
                None => cell.events_ever,
                Some(place) => cell.events.get(place).copied().unwrap_or_default(),
            };
            cells().filter(|cell| counts(cell)).map(of).sum()
        };
        match term.measure {
            Measure::Count => Some(FeatureValue::Count(sum(&|_| true))),
            Measure::Success => Some(FeatureValue::Count(sum(&|cell| cell.outcome.is_success()))),
            Measure::Last => {
                let last = cells().map(|cell| cell.last_at_unix_ms).max()?;
                let within = match term.window {
                    Window::Ever => true,
                    Window::Days(days) => last >= self.start_unix_ms(days),
                };
                within.then(|| self.day(last)).flatten()
            }
        }
    }

    fn last_event(&self, business: &Business, event: BusinessEvent, facts: &Facts) -> Option<i64> {
        let about = |kind: EventKind| {
            last_of(facts, |cell| {
                cell.kind == kind && cell.business.as_ref() == Some(business)
            })
        };
        let cancelled = |by: CancelledBy| {
            self.orders_of(business, facts)
                .filter_map(|order| order.cancellation.as_ref())
                .filter(|step| step.cancelled_by.unwrap_or(CancelledBy::Customer) == by)
                .map(|step| step.at_unix_ms)
                .max()
        };
        match event {
            BusinessEvent::Complained => about(EventKind::Complaint),
            BusinessEvent::Marketed => about(EventKind::MarketingContact),
            BusinessEvent::Cancelled => cancelled(CancelledBy::Customer),
            BusinessEvent::BulkCancelled => cancelled(CancelledBy::Bulk),
            BusinessEvent::Tried => self
                .orders_of(business, facts)
                .filter_map(|order| order.trial.as_ref())
                .map(|step| step.at_unix_ms)
                .max(),
        }
    }

    fn orders_of<'a>(
        &self,
        business: &'a Business,
        facts: &'a Facts,
    ) -> impl Iterator<Item = &'a Relation> {
        facts
            .orders
            .iter()
            .filter(move |(of, _)| of.as_ref() == Some(business))
            .map(|(_, relation)| relation)
    }

    /// The day of a moment, not after the horizon's.
    fn day(&self, unix_ms: i64) -> Option<FeatureValue> {
        let day = day_of(unix_ms)?.unix_days();
        Some(FeatureValue::Day(day.min(self.day)))
    }
}

/// Whether a channel's last word is that the customer wants no more offers. Of two words at the same moment the refusal holds.
fn is_refused(facts: &Facts, channel: Channel) -> bool {
    let kept = |of: fn(&KeptRefusal) -> Option<i64>| {
        let refusals = facts.refusals.iter();
        refusals.filter(|one| one.channel == channel).find_map(of)
    };
    let last = |outcome: Outcome| {
        last_of(facts, |cell| {
            cell.outcome == outcome && cell.channel == channel
        })
    };
    let refused = last(Outcome::OptedOut).max(kept(|one| one.refused_at_unix_ms));
    let taken_back = last(Outcome::OptedIn).max(kept(|one| one.taken_back_at_unix_ms));
    refused.is_some() && taken_back <= refused
}

/// The moment of the last event of the cells that `counts`.
fn last_of(facts: &Facts, counts: impl Fn(&EventCell) -> bool) -> Option<i64> {
    facts
        .cells
        .iter()
        .filter(|cell| counts(cell))
        .map(|cell| cell.last_at_unix_ms)
        .max()
}

/// What occurred, from the daily sums: a kind on a channel with a business.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// Channel.
    pub channel: Channel,
    /// Kind.
    pub kind: EventKind,
    /// Business, as columns name it.
    pub business: Option<Business>,
}

/// The columns that say something when this occurred, the most needed first: what the default exclusions ask for, of every channel and of each
/// business that occurred; counts in the windows that a layer should carry, in total, by channel, by kind, and by both for kinds of contact.
#[must_use]
pub fn layout(occurred: &[Occurrence], windows_days: &[u32]) -> Vec<Feature> {
    if occurred.is_empty() {
        return Vec::new();
    }
    let channels: BTreeSet<Channel> = occurred.iter().map(|one| one.channel).collect();
    let kinds: BTreeSet<EventKind> = occurred.iter().map(|one| one.kind).collect();
    let pairs: BTreeSet<(Channel, EventKind)> = occurred
        .iter()
        .filter(|one| one.kind.is_contact())
        .map(|one| (one.channel, one.kind))
        .collect();
    let businesses: BTreeSet<&Business> = occurred
        .iter()
        .filter_map(|one| one.business.as_ref())
        .collect();
    // A rule whose column is missing cannot hold; so these are there also where nothing of the kind has occurred.
    let any_and_each = || std::iter::once(None).chain(Channel::ALL.iter().copied().map(Some));
    let mut features: Vec<Feature> = any_and_each().map(Feature::Marketed).collect();
    features.extend(any_and_each().map(Feature::OptedOut));
    let mut count = |channel, kind| features.extend(of_pair(channel, kind, windows_days));
    count(None, None);
    for channel in &channels {
        count(Some(*channel), None);
    }
    features.extend(businesses.into_iter().flat_map(of_business));
    let mut count = |channel, kind| features.extend(of_pair(channel, kind, windows_days));
    for kind in &kinds {
        count(None, Some(*kind));
    }
    for (channel, kind) in &pairs {
        count(Some(*channel), Some(*kind));
    }
    features
}

/// Counts and successes in each window and ever, and the last day, of a channel and a kind.
fn of_pair(
    channel: Option<Channel>,
    kind: Option<EventKind>,
    windows_days: &[u32],
) -> Vec<Feature> {
    let term = |measure, window| {
        Feature::Contact(ContactTerm {
            measure,
            channel,
            kind,
            window,
        })
    };
    let days = windows_days.iter().map(|days| Window::Days(*days));
    days.chain([Window::Ever])
        .flat_map(|window| [term(Measure::Count, window), term(Measure::Success, window)])
        .chain([term(Measure::Last, Window::Ever)])
        .collect()
}

/// Every column of a business.
fn of_business(business: &Business) -> impl Iterator<Item = Feature> {
    let events = BusinessEvent::ALL.map(|event| Feature::Event(business.clone(), event));
    std::iter::once(Feature::Held(business.clone())).chain(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every column of a layout is known by its name, so that who asks for it again gets the same.
    #[test]
    fn columns_read_back() {
        let business = |name: &str| Some(Business::new(name).unwrap());
        let mut occurred = Vec::new();
        for channel in Channel::ALL {
            for kind in EventKind::ALL {
                for business in [None, business("plan_88"), business("by_web_hall")] {
                    occurred.push(Occurrence {
                        channel: *channel,
                        kind: *kind,
                        business,
                    });
                }
            }
        }
        let all = layout(&occurred, &[30, 365]);
        for feature in &all {
            let name = feature.column();
            let back = Feature::parse(&name).unwrap();
            assert_eq!(back.column(), name);
        }
        assert!(all.contains(&Feature::Held(Business::new("plan_88").unwrap())));
        for name in [
            "brand",
            "has_",
            "has_Plan",
            "high_value",
            "tried_on",
            "marketed__on",
        ] {
            assert_eq!(Feature::parse(name), None, "{name}");
        }
        assert_eq!(layout(&[], &[30]), []);
    }

    /// 2026-11-22T04:00:00Z.
    const NOON: i64 = 1_795_320_000_000;

    #[test]
    fn a_plan_is_bounded() {
        let of = |days: u32| {
            let term = ContactTerm {
                measure: Measure::Count,
                channel: None,
                kind: None,
                window: Window::Days(days),
            };
            Feature::Contact(term)
        };
        let many = |count: u32| (1..=count).map(of).collect::<Vec<_>>();
        assert!(FeaturePlan::new(many(8), NOON).is_ok());
        assert_eq!(
            FeaturePlan::new(many(9), NOON),
            Err(PlanError::TooManyWindows)
        );
        assert_eq!(FeaturePlan::new(many(1), i64::MAX), Err(PlanError::Horizon));
    }
}
