//! What the contacts of the customers come to: the columns of the contact view, for a layer of the dataset.
//!
//! Each customer's events are made first (day, channel, kind, success, business) and then counted into the columns that
//! `chudian_dataset::contact` names, so counts, days and windows agree with one another. The days count back from the last day of the
//! sample's months. Dealings of the last 90 days are those of the customer table: `contact_count_web_hall_login_90d` is `web_logins_90d`.
//!
//! Customers without any event, refusal or high value have no row: that they had no contact is said by their absence.
//!
//! It stands in for the event log where none is: a running system folds its own log into the same columns.

use std::fmt::Write as _;

use chudian_dataset::contact::{
    Business, BusinessEvent, ContactTerm, ContactWordError, HIGH_VALUE_COLUMN, Measure, Window,
    marketed_column, opted_out_column,
};
use chudian_vocabulary::Name;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::EventKind;

use super::TableEncoding;
use super::row::{self, BUSINESSES, day_text, days_of_month_start};
use super::write::push_number;
use crate::Settings;
use crate::draw::{Draw, Use};

/// The pairs that have columns: dealings in the order of the customer table, then what the operator does and hears.
const PAIRS: [(Option<Channel>, Option<EventKind>); 11] = [
    (Some(Channel::HotlineAgent), Some(EventKind::Consultation)),
    (Some(Channel::HotlineIvr), Some(EventKind::IvrKey)),
    (Some(Channel::WebHall), Some(EventKind::Login)),
    (Some(Channel::ClientApp), Some(EventKind::Login)),
    (Some(Channel::SmsHall), Some(EventKind::BusinessHandling)),
    (Some(Channel::FrontHall), Some(EventKind::BusinessHandling)),
    (Some(Channel::HotlineAgent), Some(EventKind::Complaint)),
    (
        Some(Channel::OutboundCall),
        Some(EventKind::MarketingContact),
    ),
    (Some(Channel::SmsHall), Some(EventKind::MarketingContact)),
    (None, Some(EventKind::MarketingContact)),
    (None, None),
];

/// Dealings of the customer table, which are the first pairs, and of 1,000 so many that succeed: the shares for web hall, app and SMS
/// hall are the operators' own.
const DEALINGS_SUCCESS_PERMILLE: [u32; 6] = [950, 700, 870, 640, 910, 980];

/// Channels of marketing contacts, with weights, and of 1,000 so many that the customer takes up.
const MARKETING: [(Channel, u32); 2] = [(Channel::SmsHall, 600), (Channel::OutboundCall, 400)];
const MARKETING_SUCCESS_PERMILLE: u32 = 45;

/// Channels that can be refused one by one, and of 1,000 customers so many who did.
const REFUSABLE: [(Option<Channel>, u32); 3] = [
    (None, 30),
    (Some(Channel::SmsHall), 60),
    (Some(Channel::OutboundCall), 80),
];

/// Days of the window in which dealings are spread: that of the customer table.
const DEALINGS_DAYS: u64 = 90;

/// Spend from which a customer is of high value, in fen.
const HIGH_VALUE_FEN_MIN: u64 = 15_000;

/// What a column tells.
enum Told {
    Term(ContactTerm),
    Business(usize, BusinessEvent),
    Marketed(Option<Channel>),
    OptedOut(usize),
    HighValue,
}

/// A column of the table.
struct Known {
    name: String,
    told: Told,
    zh: String,
    en: String,
}

fn any_channel() -> Name {
    Name::new("任意渠道", "Any channel")
}

/// The columns in their order.
///
/// # Errors
/// Never in practice: the names of the businesses are names.
fn columns() -> Result<Vec<Known>, ContactWordError> {
    let windows = [
        (Measure::Count, Window::Days(30)),
        (Measure::Count, Window::Days(90)),
        (Measure::Count, Window::Ever),
        (Measure::Success, Window::Days(90)),
        (Measure::Last, Window::Ever),
    ];
    let mut columns = Vec::new();
    for (channel, kind) in PAIRS {
        let channel_name = channel.map_or_else(any_channel, Channel::name);
        let kind_name = kind.map_or_else(|| Name::new("任意接触", "any contact"), EventKind::name);
        let zh = format!("{}·{}", channel_name.zh, kind_name.zh);
        let en = format!("{}, {}", channel_name.en, kind_name.en);
        for (measure, window) in windows {
            let term = ContactTerm {
                measure,
                channel,
                kind,
                window,
            };
            let (window_zh, window_en) = match window {
                Window::Days(days) => (format!("（{days}天）"), format!(", {days} days")),
                Window::Ever => (String::new(), String::new()),
            };
            let (what_zh, what_en) = match measure {
                Measure::Count => ("次数", "count"),
                Measure::Success => ("成功次数", "successes"),
                Measure::Last => ("最近日期", "last day"),
            };
            columns.push(Known {
                name: term.column(),
                told: Told::Term(term),
                zh: format!("{zh} {what_zh}{window_zh}"),
                en: format!("{en}: {what_en}{window_en}"),
            });
        }
    }
    for (place, (name, title_zh, title_en)) in BUSINESSES.into_iter().enumerate() {
        let business = Business::new(name)?;
        for event in BusinessEvent::ALL {
            let (zh, en) = match event {
                BusinessEvent::Tried => ("最近试用", "last tried"),
                BusinessEvent::Cancelled => ("最近退订", "last cancelled by the customer"),
                BusinessEvent::BulkCancelled => ("最近批量退订", "last cancelled in bulk"),
                BusinessEvent::Complained => ("最近投诉", "last complaint"),
                BusinessEvent::Marketed => ("最近营销", "last offered"),
            };
            columns.push(Known {
                name: business.event_column(event),
                told: Told::Business(place, event),
                zh: format!("{title_zh}{zh}"),
                en: format!("{title_en}, {en}"),
            });
        }
    }
    for channel in std::iter::once(None).chain(MARKETING.map(|(channel, _)| Some(channel))) {
        let Name { zh, en } = channel.map_or_else(any_channel, Channel::name);
        columns.push(Known {
            name: marketed_column(channel),
            told: Told::Marketed(channel),
            zh: format!("最近营销（{zh}）"),
            en: format!("Last offer, {en}"),
        });
    }
    for (place, (channel, _)) in REFUSABLE.into_iter().enumerate() {
        let Name { zh, en } = channel.map_or_else(any_channel, Channel::name);
        columns.push(Known {
            name: opted_out_column(channel),
            told: Told::OptedOut(place),
            zh: format!("拒绝营销（{zh}）"),
            en: format!("Opted out, {en}"),
        });
    }
    columns.push(Known {
        name: HIGH_VALUE_COLUMN.to_owned(),
        told: Told::HighValue,
        zh: "高价值客户".to_owned(),
        en: "High value".to_owned(),
    });
    Ok(columns)
}

/// Something that happened.
struct Event {
    /// Days from 1970-01-01.
    day: u64,
    channel: Channel,
    kind: EventKind,
    succeeded: bool,
    /// The business that it was about, and what happened to it.
    business: Option<(usize, BusinessEvent)>,
}

/// Makes rows.
pub(super) struct Contacts {
    columns: Vec<Known>,
    /// The last day of the sample's months, counted from 1970-01-01.
    last_day: u64,
}

impl Contacts {
    /// For the sample's months.
    ///
    /// # Errors
    /// Never in practice, see [`columns`].
    pub(super) fn new(settings: &Settings) -> Result<Self, ContactWordError> {
        Ok(Self {
            columns: columns()?,
            last_day: days_of_month_start(settings.months.last_ordinal() + 1).saturating_sub(1),
        })
    }

    /// The heading row.
    pub(super) fn headings(&self) -> String {
        let mut text = "number".to_owned();
        for column in &self.columns {
            text.push(',');
            text.push_str(&column.name);
        }
        text.push('\n');
        text
    }

    /// The mapping for `chudian import --layer`.
    pub(super) fn mapping(&self, encoding: TableEncoding) -> String {
        let mut text = format!(
            "# 示例客户的接触特征，供 `chudian import --layer` 使用。\n\
             # What the sample customers' contacts come to, for `chudian import --layer`.\n\n\
             format = \"chudian-mapping/1\"\nsource = \"chudian sample --contacts\"\n\n\
             [file]\nkind = \"csv\"\nencoding = \"{}\"\ndelimiter = \",\"\n\n\
             [id]\nheading = \"number\"\nform = \"number\"\n",
            encoding.word()
        );
        for Known { name, told, zh, en } in &self.columns {
            let kind = match told {
                Told::Term(term) if term.measure != Measure::Last => {
                    "kind = \"integer\"\nunit = \"times\""
                }
                Told::Term(_) | Told::Business(..) | Told::Marketed(_) => "kind = \"date\"",
                Told::OptedOut(_) | Told::HighValue => "kind = \"flag\"",
            };
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n[[column]]\nheading = \"{name}\"\nname = \"{name}\"\n{kind}\ntitle = {{ zh = \"{zh}\", en = \"{en}\" }}\n"
            );
        }
        text
    }

    /// Appends the row of customer `index`, where there is anything to tell.
    pub(super) fn append(
        &self,
        settings: &Settings,
        plans: &row::Plans,
        index: u64,
        text: &mut String,
    ) {
        let customer = settings.customer(index);
        let row = row::make(settings, plans, index, &customer);
        let mut draw = Draw::of_customer(settings.seed, Use::Contacts, index);
        let events = self.events(&mut draw, &row);
        let refused = REFUSABLE.map(|(_, permille)| draw.permille(permille));
        let is_high_value = row.arpu_fen >= HIGH_VALUE_FEN_MIN;
        if events.is_empty() && !refused.contains(&true) && !is_high_value {
            return;
        }
        push_number(text, row.number);
        for column in &self.columns {
            text.push(',');
            match column.told {
                Told::Term(term) => self.push_term(text, term, &events),
                Told::Business(business, event) => {
                    let is_meant = |other: &&Event| other.business == Some((business, event));
                    push_day(
                        text,
                        events.iter().filter(is_meant).map(|event| event.day).max(),
                    );
                }
                Told::Marketed(channel) => {
                    let is_meant = |event: &&Event| {
                        event.kind == EventKind::MarketingContact
                            && channel.is_none_or(|channel| channel == event.channel)
                    };
                    push_day(
                        text,
                        events.iter().filter(is_meant).map(|event| event.day).max(),
                    );
                }
                Told::OptedOut(place) => {
                    push_number(text, u64::from(refused.get(place) == Some(&true)));
                }
                Told::HighValue => push_number(text, u64::from(is_high_value)),
            }
        }
        text.push('\n');
    }

    fn push_term(&self, text: &mut String, term: ContactTerm, events: &[Event]) {
        // A window of so many days ends with the last day and contains it.
        let first_day = match term.window {
            Window::Days(days) => (self.last_day + 1).saturating_sub(days.into()),
            Window::Ever => 0,
        };
        let meant = events.iter().filter(|event| {
            event.day >= first_day
                && term.channel.is_none_or(|channel| channel == event.channel)
                && term.kind.is_none_or(|kind| kind == event.kind)
        });
        match term.measure {
            Measure::Count => push_number(text, meant.count() as u64),
            Measure::Success => {
                push_number(text, meant.filter(|event| event.succeeded).count() as u64);
            }
            Measure::Last => push_day(text, meant.map(|event| event.day).max()),
        }
    }

    fn events(&self, draw: &mut Draw, row: &row::Row) -> Vec<Event> {
        let mut events = Vec::new();
        let ago = |days: u64| self.last_day.saturating_sub(days);
        let dealings = PAIRS.into_iter().zip(row.dealings);
        for (((channel, kind), count), permille) in dealings.zip(DEALINGS_SUCCESS_PERMILLE) {
            let (Some(channel), Some(kind)) = (channel, kind) else {
                continue;
            };
            for _ in 0..count {
                events.push(Event {
                    day: ago(draw.below(DEALINGS_DAYS)),
                    channel,
                    kind,
                    succeeded: draw.permille(permille),
                    business: None,
                });
            }
        }
        // Two in five were never approached; some were several times.
        for _ in 0..draw
            .weighted(&[(0_u64, 400), (1, 300), (2, 180), (4, 90), (7, 30)])
            .copied()
            .unwrap_or(0)
        {
            let Some((channel, _)) = MARKETING.get(usize::from(draw.permille(MARKETING[1].1)))
            else {
                continue;
            };
            let business = draw.below(BUSINESSES.len() as u64) as usize;
            events.push(Event {
                day: ago(draw.below(400)),
                channel: *channel,
                kind: EventKind::MarketingContact,
                succeeded: draw.permille(MARKETING_SUCCESS_PERMILLE),
                business: Some((business, BusinessEvent::Marketed)),
            });
        }
        // Who calls the hotline often complains more often.
        let complaint_permille = if row.dealings[0] >= 3 { 120 } else { 25 };
        if draw.permille(complaint_permille) {
            events.push(Event {
                day: ago(draw.below(700)),
                channel: Channel::HotlineAgent,
                kind: EventKind::Complaint,
                succeeded: draw.permille(800),
                business: Some((
                    draw.below(BUSINESSES.len() as u64) as usize,
                    BusinessEvent::Complained,
                )),
            });
        }
        for (business, _) in row.holds.into_iter().enumerate().filter(|(_, held)| !held) {
            for (event, kind, permille, days) in [
                (BusinessEvent::Tried, EventKind::Trial, 60, 400),
                (BusinessEvent::Cancelled, EventKind::Cancellation, 50, 700),
                (
                    BusinessEvent::BulkCancelled,
                    EventKind::Cancellation,
                    15,
                    500,
                ),
            ] {
                if draw.permille(permille) {
                    events.push(Event {
                        day: ago(draw.below(days)),
                        channel: Channel::ClientApp,
                        kind,
                        succeeded: true,
                        business: Some((business, event)),
                    });
                }
            }
        }
        events
    }
}

fn push_day(text: &mut String, day: Option<u64>) {
    if let Some(day) = day {
        text.push_str(&day_text(day));
    }
}
