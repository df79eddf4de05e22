//! What happened since the contact columns were made: which exclusions a single event fulfils (TF-3, "a message sent today counts today").
//!
//! The columns of a layer know the events before its horizon. Between the horizon and the moment of a question further events came; each is held
//! against the same rules here, so that a customer whom a column would leave out tomorrow is left out today. Fresh events only ever leave out:
//! they lift nothing that a column says.
//!
//! Invariant: pure. Where events are kept, and who may not be there at all, is not known here.

use std::collections::BTreeMap;

use chudian_dataset::contact::Business;
use chudian_vocabulary::Date;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, Outcome};

use crate::exclusions::{Campaign, ExclusionSet, Rule, Window};

/// An event, as far as exclusions ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreshEvent {
    /// What happened.
    pub kind: EventKind,
    /// Where.
    pub channel: Channel,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was about, as columns name it.
    pub business: Option<Business>,
    /// The day in China, days since 1970-01-01.
    pub day: i32,
    /// Who cancelled, of a cancellation.
    pub cancelled_by: Option<CancelledBy>,
}

/// How far back a rule looks, as the first day that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Day(i32),
    Ever,
}

impl Since {
    fn holds(self, day: i32) -> bool {
        match self {
            Self::Day(first) => day >= first,
            Self::Ever => true,
        }
    }
}

/// The rules of a set that events can fulfil, for a campaign and a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreshRules {
    business: Option<Business>,
    already_ordered: bool,
    tried_not_ordered: Option<Since>,
    bulk_cancelled: Option<Since>,
    cancelled_by_customer: Option<Since>,
    complained: Option<Since>,
    marketed: Option<Since>,
    intervals: BTreeMap<Channel, Since>,
    opted_out: bool,
}

impl FreshRules {
    /// The rules of `set` for `campaign` as of `today`; none for a service message.
    #[must_use]
    pub fn new(set: &ExclusionSet, campaign: &Campaign, today: Date) -> Self {
        let set = if campaign.class.is_limited() {
            set.clone()
        } else {
            ExclusionSet::default()
        };
        let since = |window: Option<Window>| {
            window.map(|window| match window {
                // A window that reaches before the calendar holds everything.
                Window::Months(months) => today
                    .months_before(months)
                    .map_or(Since::Ever, |day| Since::Day(day.unix_days())),
                Window::Ever => Since::Ever,
            })
        };
        let interval = |channel: &Channel| {
            let days = i32::try_from(*set.channel_interval_days.get(channel)?).ok()?;
            Some((*channel, Since::Day(today.unix_days() - days)))
        };
        Self {
            business: campaign.business.clone(),
            already_ordered: set.already_ordered,
            tried_not_ordered: since(set.tried_not_ordered),
            bulk_cancelled: since(set.bulk_cancelled),
            cancelled_by_customer: since(set.cancelled_by_customer),
            complained: since(set.complained),
            marketed: since(set.marketed),
            intervals: campaign.channels.iter().filter_map(interval).collect(),
            opted_out: set.opted_out,
        }
    }

    /// The same, and whoever wants no marketing is left out whatever the set says: so it is at the moment of contacting.
    #[must_use]
    pub fn at_contact(set: &ExclusionSet, campaign: &Campaign, today: Date) -> Self {
        Self {
            opted_out: campaign.class.is_limited(),
            ..Self::new(set, campaign, today)
        }
    }

    /// Whether whoever wants no marketing is left out.
    #[must_use]
    pub const fn keep_refusals(&self) -> bool {
        self.opted_out
    }

    /// Whether no event could leave anybody out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let has_business = self.business.is_some()
            && (self.already_ordered
                || self.tried_not_ordered.is_some()
                || self.bulk_cancelled.is_some()
                || self.cancelled_by_customer.is_some()
                || self.complained.is_some());
        !has_business && self.marketed.is_none() && self.intervals.is_empty() && !self.opted_out
    }

    /// The first rule, in the order of the waterfall, by which the event leaves its customer out.
    #[must_use]
    pub fn hit(&self, event: &FreshEvent) -> Option<Rule> {
        let is_ours = self.business.is_some() && event.business == self.business;
        let within = |since: Option<Since>| since.is_some_and(|since| since.holds(event.day));
        let step = |kind: EventKind| is_ours && event.kind == kind && event.outcome.is_success();
        let cancelled = |by: CancelledBy| {
            step(EventKind::Cancellation)
                && event.cancelled_by.unwrap_or(CancelledBy::Customer) == by
        };
        let offered = event.kind == EventKind::MarketingContact;
        Rule::ALL.into_iter().find(|rule| match rule {
            Rule::AlreadyOrdered => self.already_ordered && step(EventKind::Order),
            Rule::TriedNotOrdered => step(EventKind::Trial) && within(self.tried_not_ordered),
            Rule::BulkCancelled => cancelled(CancelledBy::Bulk) && within(self.bulk_cancelled),
            Rule::CancelledByCustomer => {
                cancelled(CancelledBy::Customer) && within(self.cancelled_by_customer)
            }
            Rule::Complained => {
                is_ours && event.kind == EventKind::Complaint && within(self.complained)
            }
            Rule::Marketed => offered && within(self.marketed),
            Rule::ChannelInterval => offered && within(self.intervals.get(&event.channel).copied()),
            Rule::OptedOut => self.opted_out && event.outcome == Outcome::OptedOut,
            Rule::HighValue => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exclusions::MessageClass;

    fn today() -> Date {
        Date::parse("2026-11-22").unwrap()
    }

    fn campaign(class: MessageClass) -> Campaign {
        Campaign {
            class,
            business: Some(Business::new("ring_tone").unwrap()),
            channels: vec![Channel::SmsHall],
        }
    }

    fn event(kind: EventKind, outcome: Outcome) -> FreshEvent {
        FreshEvent {
            kind,
            channel: Channel::SmsHall,
            outcome,
            business: Some(Business::new("ring_tone").unwrap()),
            day: today().unix_days(),
            cancelled_by: None,
        }
    }

    fn set() -> ExclusionSet {
        let mut set = ExclusionSet::default_of_tf3();
        set.channel_interval_days.insert(Channel::SmsHall, 7);
        set
    }

    /// Goal: each rule is fulfilled by its own event, and by no other business, outcome or time.
    #[test]
    fn each_rule_has_its_event() {
        let rules = FreshRules::new(&set(), &campaign(MessageClass::Marketing), today());
        let by = |by| FreshEvent {
            cancelled_by: Some(by),
            ..event(EventKind::Cancellation, Outcome::Succeeded)
        };
        let before = |event: FreshEvent, days: i32| FreshEvent {
            day: event.day - days,
            ..event
        };
        let marketing = event(EventKind::MarketingContact, Outcome::Declined);
        let table = [
            (
                event(EventKind::Order, Outcome::Succeeded),
                Some(Rule::AlreadyOrdered),
            ),
            (event(EventKind::Order, Outcome::Failed), None),
            (
                event(EventKind::Trial, Outcome::Succeeded),
                Some(Rule::TriedNotOrdered),
            ),
            (by(CancelledBy::Bulk), Some(Rule::BulkCancelled)),
            (by(CancelledBy::Customer), Some(Rule::CancelledByCustomer)),
            (by(CancelledBy::Operator), None),
            (
                event(EventKind::Complaint, Outcome::Pending),
                Some(Rule::Complained),
            ),
            (
                before(event(EventKind::Complaint, Outcome::Failed), 4_000),
                Some(Rule::Complained),
            ),
            (marketing.clone(), Some(Rule::Marketed)),
            (before(marketing.clone(), 92), Some(Rule::Marketed)),
            (before(marketing.clone(), 93), None),
            (
                event(EventKind::Consultation, Outcome::OptedOut),
                Some(Rule::OptedOut),
            ),
            (event(EventKind::Consultation, Outcome::Succeeded), None),
            (
                FreshEvent {
                    business: Business::new("other").ok(),
                    ..event(EventKind::Complaint, Outcome::Failed)
                },
                None,
            ),
        ];
        for (event, rule) in table {
            assert_eq!(rules.hit(&event), rule, "{event:?}");
        }
        let without_marketed = ExclusionSet {
            marketed: None,
            ..set()
        };
        let rules = FreshRules::new(
            &without_marketed,
            &campaign(MessageClass::Marketing),
            today(),
        );
        let hit = |days, channel| {
            rules.hit(&FreshEvent {
                channel,
                ..before(marketing.clone(), days)
            })
        };
        assert_eq!(hit(7, Channel::SmsHall), Some(Rule::ChannelInterval));
        assert_eq!(hit(8, Channel::SmsHall), None);
        assert_eq!(hit(0, Channel::OutboundCall), None);
    }

    #[test]
    fn a_service_message_is_never_limited_and_a_refusal_always_counts_at_contact() {
        let refusal = event(EventKind::MarketingContact, Outcome::OptedOut);
        let none = ExclusionSet::default();
        let service = campaign(MessageClass::Service);
        for rules in [
            FreshRules::new(&set(), &service, today()),
            FreshRules::at_contact(&set(), &service, today()),
            FreshRules::new(&none, &campaign(MessageClass::Marketing), today()),
        ] {
            assert!(rules.is_empty());
            assert_eq!(rules.hit(&refusal), None);
        }
        let rules = FreshRules::at_contact(&none, &campaign(MessageClass::Diversion), today());
        assert!(!rules.is_empty());
        assert_eq!(rules.hit(&refusal), Some(Rule::OptedOut));
    }
}
