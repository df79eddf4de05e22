//! Whom a campaign leaves out, and for how long after what (TF-3): rules as data, and the conditions that they become.
//!
//! A set holds one setting for each rule. Unset (`None`) means that the rule does not hold at all; a window of 0 means that it holds for
//! what happened on the day itself. The two are never confused: a province that clears a field switches a rule off, one that writes 0
//! keeps it for the day. A service message (a bill, a fault notice) is no marketing: [`MessageClass::Service`] is touched by none of
//! the rules, whatever a set says.
//!
//! Invariant: pure; the columns that rules ask for are named in `chudian_dataset::contact` alone. A customer is left out only where a rule is
//! *true*: what is not known of a customer excludes nobody.

use std::collections::BTreeMap;

use chudian_dataset::contact::{
    Business, BusinessEvent, HIGH_VALUE_COLUMN, marketed_column, opted_out_column,
};
use chudian_dataset::expression::ast::{
    Comparison, Expression, Literal, Step, Subject, Term, Test,
};
use chudian_vocabulary::Name;
use chudian_vocabulary::channel::Channel;

/// Longest window, months: ten years.
pub const WINDOW_MONTHS_MAX: u32 = 120;

/// Longest interval of a channel, days: ten years.
pub const INTERVAL_DAYS_MAX: u32 = 3_650;

/// What is sent to the customers that are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageClass {
    /// An offer.
    #[default]
    Marketing,
    /// An invitation to use another channel.
    Diversion,
    /// What a customer must be told, whoever it is: no exclusion and no cap touches it.
    Service,
}

impl MessageClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Marketing, Self::Diversion, Self::Service];

    /// Its word in documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Diversion => "diversion",
            Self::Service => "service",
        }
    }

    /// Whether marketing exclusions and caps apply.
    #[must_use]
    pub const fn is_limited(self) -> bool {
        !matches!(self, Self::Service)
    }
}

/// The rules, in the order in which a waterfall applies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The customer holds the business.
    AlreadyOrdered,
    /// The customer tried it and does not hold it.
    TriedNotOrdered,
    /// The operator cancelled it, with many others.
    BulkCancelled,
    /// The customer cancelled it.
    CancelledByCustomer,
    /// The customer complained about it.
    Complained,
    /// The customer was approached on any channel, for whatever business.
    Marketed,
    /// The customer was approached on one of the campaign's channels.
    ChannelInterval,
    /// The customer wants no marketing, at all or on one of the campaign's channels.
    OptedOut,
    /// The customer is of high value; for diversion only.
    HighValue,
}

impl Rule {
    /// Every rule, in the order of the waterfall.
    pub const ALL: [Self; 9] = [
        Self::AlreadyOrdered,
        Self::TriedNotOrdered,
        Self::BulkCancelled,
        Self::CancelledByCustomer,
        Self::Complained,
        Self::Marketed,
        Self::ChannelInterval,
        Self::OptedOut,
        Self::HighValue,
    ];

    /// Its word in documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AlreadyOrdered => "already_ordered",
            Self::TriedNotOrdered => "tried_not_ordered",
            Self::BulkCancelled => "bulk_cancelled",
            Self::CancelledByCustomer => "cancelled_by_customer",
            Self::Complained => "complained",
            Self::Marketed => "marketed",
            Self::ChannelInterval => "channel_interval",
            Self::OptedOut => "opted_out",
            Self::HighValue => "high_value",
        }
    }

    /// Whether it keeps a customer's own refusal. Such a rule is never weakened unless somebody says so by the column's name.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::OptedOut)
    }

    /// What it leaves out, for people.
    #[must_use]
    pub fn title(self) -> Name {
        let (zh, en) = match self {
            Self::AlreadyOrdered => ("已订购", "Already ordered"),
            Self::TriedNotOrdered => ("体验后未订购", "Tried but not ordered"),
            Self::BulkCancelled => ("被批量退订", "Cancelled in bulk"),
            Self::CancelledByCustomer => ("客户主动退订", "Cancelled by the customer"),
            Self::Complained => ("投诉过该业务", "Complained about the business"),
            Self::Marketed => ("近期已营销", "Marketed recently"),
            Self::ChannelInterval => ("渠道接触间隔内", "Within the channel's interval"),
            Self::OptedOut => ("拒绝营销", "Opted out"),
            Self::HighValue => ("高价值客户", "High-value customer"),
        };
        Name::new(zh, en)
    }
}

/// How far back a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Months of the calendar, at most [`WINDOW_MONTHS_MAX`]; 0 is the day itself.
    Months(u32),
    /// As far as is known.
    Ever,
}

/// The settings of all rules; `None` and an absent channel are unset.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ExclusionSet {
    /// Leave out who holds the business.
    pub already_ordered: bool,
    /// Leave out who tried it in this time and does not hold it.
    pub tried_not_ordered: Option<Window>,
    /// Leave out from whom the operator took it in this time.
    pub bulk_cancelled: Option<Window>,
    /// Leave out who cancelled it in this time.
    pub cancelled_by_customer: Option<Window>,
    /// Leave out who complained about it in this time.
    pub complained: Option<Window>,
    /// Leave out who was approached in this time.
    pub marketed: Option<Window>,
    /// Leave out who was approached on this channel in so many days.
    pub channel_interval_days: BTreeMap<Channel, u32>,
    /// Leave out who wants no marketing.
    pub opted_out: bool,
    /// Leave out high-value customers from diversion.
    pub high_value: bool,
}

impl ExclusionSet {
    /// The defaults of TF-3. The channels' own intervals differ from province to province and are unset.
    #[must_use]
    pub fn default_of_tf3() -> Self {
        Self {
            already_ordered: true,
            tried_not_ordered: Some(Window::Months(6)),
            bulk_cancelled: Some(Window::Months(6)),
            cancelled_by_customer: Some(Window::Months(12)),
            complained: Some(Window::Ever),
            marketed: Some(Window::Months(3)),
            channel_interval_days: BTreeMap::new(),
            opted_out: true,
            high_value: true,
        }
    }
}

/// What a campaign is about, as far as exclusions ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// What is sent.
    pub class: MessageClass,
    /// The business that is offered, where one is.
    pub business: Option<Business>,
    /// The channels on which customers are approached.
    pub channels: Vec<Channel>,
}

/// A rule that holds for a campaign, as a condition on customers.
#[derive(Clone, Debug, PartialEq)]
pub struct Exclusion {
    /// The rule.
    pub rule: Rule,
    /// Who is left out.
    pub condition: Expression,
}

impl Exclusion {
    /// What remains of the rule in a dataset that lacks these columns; nothing when nothing can be said without them. What remains never
    /// leaves out fewer customers than the columns that are there call for.
    #[must_use]
    pub fn without(&self, missing: &[String]) -> Option<Self> {
        let stands = |part: &&Expression| !names_any(part, missing);
        if stands(&&self.condition) {
            return Some(self.clone());
        }
        let condition = match (&self.condition, self.rule) {
            // Who holds it is unknown of everybody then, and of whom it is unknown, they do not.
            (Expression::All(parts), Rule::TriedNotOrdered) => {
                parts.first().filter(stands).cloned()
            }
            (Expression::Any(parts), _) => any_of(parts.iter().filter(stands).cloned().collect()),
            (condition, _) => Some(condition).filter(stands).cloned(),
        };
        condition.map(|condition| Self {
            rule: self.rule,
            condition,
        })
    }
}

/// Whether a condition asks for one of these columns.
fn names_any(condition: &Expression, columns: &[String]) -> bool {
    if let Expression::Term(Term {
        subject: Subject::Column(name),
        ..
    }) = condition
    {
        return columns.contains(name);
    }
    condition
        .parts()
        .iter()
        .any(|part| names_any(part, columns))
}

/// Why a rule that is set says nothing about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moot {
    /// It speaks of a business, and the campaign names none.
    NeedsBusiness,
    /// It speaks of channels, and the campaign names none that the set has an interval for.
    NeedsChannel,
    /// It is for diversion only.
    DiversionOnly,
}

/// What a set comes to for a campaign.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Rules that leave customers out, in the order of the waterfall.
    pub exclusions: Vec<Exclusion>,
    /// Rules that are set but say nothing here.
    pub moot: Vec<(Rule, Moot)>,
}

/// What `set` leaves out of `campaign`.
#[must_use]
pub fn apply(set: &ExclusionSet, campaign: &Campaign) -> Applied {
    let mut applied = Applied::default();
    if !campaign.class.is_limited() {
        return applied;
    }
    for rule in Rule::ALL {
        match condition(rule, set, campaign) {
            None => {}
            Some(Ok(condition)) => applied.exclusions.push(Exclusion { rule, condition }),
            Some(Err(moot)) => applied.moot.push((rule, moot)),
        }
    }
    applied
}

/// The condition of one rule; nothing when it is unset.
fn condition(
    rule: Rule,
    set: &ExclusionSet,
    campaign: &Campaign,
) -> Option<Result<Expression, Moot>> {
    let business = || campaign.business.as_ref().ok_or(Moot::NeedsBusiness);
    let event = |window: Option<Window>, event| {
        window
            .map(|window| business().map(|business| happened(business.event_column(event), window)))
    };
    match rule {
        Rule::AlreadyOrdered => set
            .already_ordered
            .then(|| business().map(|business| is_set(business.held_column()))),
        Rule::TriedNotOrdered => set.tried_not_ordered.map(|window| {
            let business = business()?;
            let tried = happened(business.event_column(BusinessEvent::Tried), window);
            // Of whom it is not known that they hold it, they do not.
            let holds_not = Expression::Any(vec![
                Expression::Not(Box::new(is_set(business.held_column()))),
                Expression::column(business.held_column(), Test::IsNull),
            ]);
            Ok(Expression::All(vec![tried, holds_not]))
        }),
        Rule::BulkCancelled => event(set.bulk_cancelled, BusinessEvent::BulkCancelled),
        Rule::CancelledByCustomer => event(set.cancelled_by_customer, BusinessEvent::Cancelled),
        Rule::Complained => event(set.complained, BusinessEvent::Complained),
        Rule::Marketed => set
            .marketed
            .map(|window| Ok(happened(marketed_column(None), window))),
        Rule::ChannelInterval => (!set.channel_interval_days.is_empty()).then(|| {
            let days = |channel: &Channel| {
                set.channel_interval_days
                    .get(channel)
                    .map(|days| (*channel, *days))
            };
            let within = |(channel, days)| {
                since(
                    marketed_column(Some(channel)),
                    Literal::Ago(days, Step::Days),
                )
            };
            any_of(
                campaign
                    .channels
                    .iter()
                    .filter_map(days)
                    .map(within)
                    .collect(),
            )
            .ok_or(Moot::NeedsChannel)
        }),
        Rule::OptedOut => set.opted_out.then(|| {
            let columns = std::iter::once(None)
                .chain(campaign.channels.iter().copied().map(Some))
                .map(opted_out_column);
            any_of(columns.map(is_set).collect()).ok_or(Moot::NeedsChannel)
        }),
        Rule::HighValue => set.high_value.then(|| match campaign.class {
            MessageClass::Diversion => Ok(is_set(HIGH_VALUE_COLUMN.to_owned())),
            MessageClass::Marketing | MessageClass::Service => Err(Moot::DiversionOnly),
        }),
    }
}

fn any_of(mut parts: Vec<Expression>) -> Option<Expression> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Expression::Any(parts)),
    }
}

fn is_set(column: String) -> Expression {
    Expression::column(
        column,
        Test::Compare(Comparison::Equal, Literal::Flag(true)),
    )
}

fn since(column: String, day: Literal) -> Expression {
    Expression::column(column, Test::Compare(Comparison::AtLeast, day))
}

fn happened(column: String, window: Window) -> Expression {
    match window {
        Window::Months(months) => since(column, Literal::Ago(months, Step::Months)),
        Window::Ever => Expression::column(column, Test::IsKnown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(class: MessageClass) -> Campaign {
        Campaign {
            class,
            business: Some(Business::new("ring_tone").unwrap()),
            channels: vec![Channel::OutboundCall],
        }
    }

    fn rules(applied: &Applied) -> Vec<Rule> {
        applied
            .exclusions
            .iter()
            .map(|exclusion| exclusion.rule)
            .collect()
    }

    #[test]
    fn a_service_message_is_never_limited() {
        let applied = apply(
            &ExclusionSet::default_of_tf3(),
            &campaign(MessageClass::Service),
        );
        assert_eq!(applied, Applied::default());
    }

    #[test]
    fn high_value_is_for_diversion_only() {
        let set = ExclusionSet::default_of_tf3();
        let marketing = apply(&set, &campaign(MessageClass::Marketing));
        assert!(!rules(&marketing).contains(&Rule::HighValue));
        assert_eq!(marketing.moot, [(Rule::HighValue, Moot::DiversionOnly)]);
        assert!(rules(&apply(&set, &campaign(MessageClass::Diversion))).contains(&Rule::HighValue));
    }

    /// Goal: clearing a window switches the rule off; writing 0 keeps it for the day.
    #[test]
    fn unset_and_zero_differ() {
        let with = |marketed| ExclusionSet {
            marketed,
            ..ExclusionSet::default()
        };
        assert_eq!(
            apply(&with(None), &campaign(MessageClass::Marketing)),
            Applied::default()
        );
        let zero = apply(
            &with(Some(Window::Months(0))),
            &campaign(MessageClass::Marketing),
        );
        let expected = since("marketed_on".to_owned(), Literal::Ago(0, Step::Months));
        assert_eq!(
            zero.exclusions,
            [Exclusion {
                rule: Rule::Marketed,
                condition: expected
            }]
        );
    }

    /// Goal: a column that is missing takes only its own part of a rule away, and never makes a rule leave out whom nothing calls for.
    #[test]
    fn a_rule_holds_with_the_columns_that_are_there() {
        let mut set = ExclusionSet::default_of_tf3();
        set.channel_interval_days.insert(Channel::OutboundCall, 30);
        let applied = apply(&set, &campaign(MessageClass::Marketing));
        let rest = |rule: Rule, missing: &[&str]| {
            let exclusion = applied.exclusions.iter().find(|one| one.rule == rule);
            let missing: Vec<String> = missing.iter().map(|name| (*name).to_owned()).collect();
            exclusion
                .unwrap()
                .without(&missing)
                .map(|rest| rest.condition)
        };
        let refused = |column: &str| Some(is_set(column.to_owned()));
        for (missing, expected) in [
            (&["opted_out_of_outbound_call"][..], refused("opted_out")),
            (&["opted_out"][..], refused("opted_out_of_outbound_call")),
            (&["opted_out", "opted_out_of_outbound_call"][..], None),
        ] {
            assert_eq!(rest(Rule::OptedOut, missing), expected, "{missing:?}");
        }
        let tried = happened("tried_ring_tone_on".to_owned(), Window::Months(6));
        assert_eq!(rest(Rule::TriedNotOrdered, &["has_ring_tone"]), Some(tried));
        assert_eq!(rest(Rule::TriedNotOrdered, &["tried_ring_tone_on"]), None);
        assert_eq!(rest(Rule::Marketed, &["marketed_on"]), None);
        assert_eq!(
            rest(Rule::ChannelInterval, &["marketed_by_outbound_call_on"]),
            None
        );
        let whole = applied.exclusions.iter().map(|one| one.without(&[]));
        assert!(whole.eq(applied.exclusions.iter().cloned().map(Some)));
    }

    #[test]
    fn what_a_campaign_does_not_name_is_told() {
        let mut set = ExclusionSet::default_of_tf3();
        set.channel_interval_days.insert(Channel::SmsHall, 30);
        let applied = apply(
            &set,
            &Campaign {
                channels: vec![Channel::OutboundCall],
                ..Campaign::default()
            },
        );
        let moot: Vec<Rule> = applied.moot.iter().map(|(rule, _)| *rule).collect();
        let expected = [
            Rule::AlreadyOrdered,
            Rule::TriedNotOrdered,
            Rule::BulkCancelled,
            Rule::CancelledByCustomer,
            Rule::Complained,
            Rule::ChannelInterval,
            Rule::HighValue,
        ];
        assert_eq!(moot, expected);
        assert_eq!(rules(&applied), [Rule::Marketed, Rule::OptedOut]);
    }
}
