//! When a message may go, and what becomes of it: classes, hours, states.
//!
//! Invariant: a message is handed to a provider at most once. It is tried again only after a failure that came for certain before the
//! hand-over; after any other it is unknown until a receipt tells.

use crate::limits::ATTEMPTS_MAX;
use crate::rules::{SendingRules, day_bounds};

/// Pauses before another attempt, milliseconds: a provider's hiccup, its restart, its hour-long disturbance.
const PAUSES_MS: [i64; 5] = [5_000, 30_000, 120_000, 600_000, 1_800_000];

/// Why a message is sent, which decides what may hold it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageClass {
    /// The answer to a customer's own message: at any hour, whatever was refused, so many a day.
    Service,
    /// Says that a refusal was understood, and is the last message then.
    OptOutConfirmation,
    /// An offer that the operator makes: in its hours, and to nobody who refused.
    Marketing,
}

impl MessageClass {
    /// Its word in documents and tables.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::OptOutConfirmation => "opt-out-confirmation",
            Self::Marketing => "marketing",
        }
    }

    /// The class of this word.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::Service, Self::OptOutConfirmation, Self::Marketing]
            .into_iter()
            .find(|class| class.code() == code)
    }
}

/// What is to be done with a message that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hand it over.
    Send,
    /// Not before this moment, unix milliseconds.
    Defer(i64),
    /// Never, for this reason.
    Cancel(CancelReason),
}

/// Why a message is never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The customer refused.
    OptedOut,
    /// Its time is over.
    Expired,
    /// The customer has had as many for as long as it would wait.
    CustomerLimit,
}

impl CancelReason {
    /// Its word in documents and tables.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OptedOut => "opted-out",
            Self::Expired => "expired",
            Self::CustomerLimit => "customer-limit",
        }
    }
}

/// What is known of the customer to whom a message is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether offers are refused.
    pub is_opted_out: bool,
    /// Marketing messages that went to the customer today, or may have.
    pub marketing_today: u32,
}

/// Whether a message may go now. Times in unix milliseconds.
#[must_use]
pub fn decide(
    class: MessageClass,
    standing: Standing,
    rules: &SendingRules,
    expires_at_unix_ms: i64,
    now_unix_ms: i64,
) -> Decision {
    if now_unix_ms >= expires_at_unix_ms {
        return Decision::Cancel(CancelReason::Expired);
    }
    match class {
        // How many of these a customer gets is decided when they are made.
        MessageClass::Service | MessageClass::OptOutConfirmation => Decision::Send,
        MessageClass::Marketing if standing.is_opted_out => {
            Decision::Cancel(CancelReason::OptedOut)
        }
        MessageClass::Marketing => {
            let has_enough = standing.marketing_today >= rules.marketing_per_day_max;
            let (from, reason) = if has_enough {
                let tomorrow = day_bounds(now_unix_ms).map(|(_, tomorrow)| tomorrow);
                (tomorrow, CancelReason::CustomerLimit)
            } else {
                (Some(now_unix_ms), CancelReason::Expired)
            };
            match from.and_then(|from| rules.opening_from(from)) {
                Some(opens) if opens == now_unix_ms => Decision::Send,
                Some(opens) if opens < expires_at_unix_ms => Decision::Defer(opens),
                _ => Decision::Cancel(reason),
            }
        }
    }
}

/// Whether a customer who got so many replies today gets this one.
#[must_use]
pub const fn may_reply(class: MessageClass, today: RepliesToday, rules: &SendingRules) -> bool {
    match class {
        MessageClass::OptOutConfirmation if today.confirmations == 0 => true,
        MessageClass::Service | MessageClass::OptOutConfirmation => {
            today.replies < rules.replies_per_day_max
        }
        // It answers nobody.
        MessageClass::Marketing => false,
    }
}

/// What a customer was answered today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepliesToday {
    /// Replies, confirmations among them.
    pub replies: u32,
    /// Confirmations of a refusal.
    pub confirmations: u32,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageState {
    /// Waits for its time.
    Queued,
    /// An attempt is recorded; its outcome is not.
    Sending,
    /// The provider has it.
    HandedOver,
    /// Nobody knows whether the provider has it. It is not sent again.
    Unknown,
    /// It reached the handset.
    Delivered,
    /// It did not reach the handset.
    Undelivered,
    /// No provider takes it.
    Failed,
    /// It was not to be sent any more.
    Cancelled,
}

impl MessageState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::HandedOver,
        Self::Unknown,
        Self::Delivered,
        Self::Undelivered,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its word in documents and tables.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::HandedOver => "handed-over",
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// The provider took it and calls it so.
    Accepted {
        /// The provider's id of the message, by which receipts name it.
        provider_message_id: Option<String>,
    },
    /// For certain not taken, for a reason that may pass.
    NotNow {
        /// The provider's word, or ours.
        code: String,
    },
    /// For certain not taken, and never will be.
    Never {
        /// The provider's word.
        code: String,
    },
    /// Nobody knows.
    Ambiguous {
        /// What happened.
        code: String,
    },
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It stays in this state until a receipt changes it, if one does; its number is not needed any more.
    Settled(MessageState),
    /// Another attempt after this moment, unix milliseconds.
    Again(i64),
}

/// What follows from the outcome of attempt number `attempt`, counted from 1.
#[must_use]
pub fn next(outcome: &HandOver, attempt: u32, expires_at_unix_ms: i64, now_unix_ms: i64) -> Next {
    match outcome {
        HandOver::Accepted { .. } => Next::Settled(MessageState::HandedOver),
        HandOver::Ambiguous { .. } => Next::Settled(MessageState::Unknown),
        HandOver::Never { .. } => Next::Settled(MessageState::Failed),
        HandOver::NotNow { .. } => {
            let place = attempt.saturating_sub(1) as usize;
            let pause = PAUSES_MS.get(place).copied();
            match pause.map(|pause| now_unix_ms.saturating_add(pause)) {
                Some(at) if attempt < ATTEMPTS_MAX && at < expires_at_unix_ms => Next::Again(at),
                _ => Next::Settled(MessageState::Failed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T00:00:00+08:00.
    const MIDNIGHT: i64 = 1_795_276_800_000;
    const MINUTE_MS: i64 = 60_000;
    const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

    const fn at(hour: i64, minute: i64, ms: i64) -> i64 {
        MIDNIGHT + (hour * 60 + minute) * MINUTE_MS + ms
    }

    fn decided(class: MessageClass, standing: Standing, expires: i64, now: i64) -> Decision {
        decide(class, standing, &SendingRules::default(), expires, now)
    }

    const ANYBODY: Standing = Standing {
        is_opted_out: false,
        marketing_today: 0,
    };
    const REFUSER: Standing = Standing {
        is_opted_out: true,
        marketing_today: 0,
    };

    /// Goal: both edges of the hours, on both sides, over midnight and over a month's end.
    #[test]
    fn marketing_keeps_its_hours() {
        let never = i64::MAX;
        let tomorrow = MIDNIGHT + DAY_MS;
        for (now, expected) in [
            (at(0, 0, 0), Decision::Defer(at(8, 0, 0))),
            (at(7, 59, 59_999), Decision::Defer(at(8, 0, 0))),
            (at(8, 0, 0), Decision::Send),
            (at(12, 0, 0), Decision::Send),
            (at(20, 59, 59_999), Decision::Send),
            (at(21, 0, 0), Decision::Defer(tomorrow + 8 * 60 * MINUTE_MS)),
            (
                at(23, 59, 59_999),
                Decision::Defer(tomorrow + 8 * 60 * MINUTE_MS),
            ),
        ] {
            assert_eq!(
                decided(MessageClass::Marketing, ANYBODY, never, now),
                expected,
                "{now}"
            );
            for class in [MessageClass::Service, MessageClass::OptOutConfirmation] {
                assert_eq!(decided(class, REFUSER, never, now), Decision::Send, "{now}");
            }
            assert_eq!(
                decided(MessageClass::Marketing, REFUSER, never, now),
                Decision::Cancel(CancelReason::OptedOut)
            );
        }
    }

    /// Goal: whoever has had enough waits for the next day's opening, and a message that cannot wait so long says why it was not sent.
    #[test]
    fn a_customer_gets_so_many_marketing_messages_a_day() {
        let with = |marketing_today| Standing {
            marketing_today,
            ..ANYBODY
        };
        let marketing = MessageClass::Marketing;
        let now = at(12, 0, 0);
        assert_eq!(decided(marketing, with(2), i64::MAX, now), Decision::Send);
        let opens = at(24 + 8, 0, 0);
        for (today, expires, expected) in [
            (3, i64::MAX, Decision::Defer(opens)),
            (4, opens + 1, Decision::Defer(opens)),
            (3, opens, Decision::Cancel(CancelReason::CustomerLimit)),
        ] {
            assert_eq!(decided(marketing, with(today), expires, now), expected);
        }
        let none = SendingRules {
            marketing_per_day_max: 0,
            ..SendingRules::default()
        };
        assert_eq!(
            decide(marketing, ANYBODY, &none, i64::MAX, now),
            Decision::Defer(opens)
        );
    }

    #[test]
    fn a_customer_gets_so_many_replies_a_day() {
        let rules = SendingRules {
            replies_per_day_max: 2,
            ..SendingRules::default()
        };
        let today = |replies, confirmations| RepliesToday {
            replies,
            confirmations,
        };
        let (service, confirmation) = (MessageClass::Service, MessageClass::OptOutConfirmation);
        for (class, today, expected) in [
            (service, today(0, 0), true),
            (service, today(1, 1), true),
            (service, today(2, 0), false),
            (confirmation, today(9, 0), true),
            (confirmation, today(1, 1), true),
            (confirmation, today(2, 1), false),
            (MessageClass::Marketing, today(0, 0), false),
        ] {
            assert_eq!(
                may_reply(class, today, &rules),
                expected,
                "{class:?} {today:?}"
            );
        }
    }

    #[test]
    fn what_is_over_is_not_sent() {
        for class in [
            MessageClass::Service,
            MessageClass::OptOutConfirmation,
            MessageClass::Marketing,
        ] {
            let now = at(12, 0, 0);
            assert_eq!(
                decided(class, ANYBODY, now, now),
                Decision::Cancel(CancelReason::Expired)
            );
            assert_eq!(decided(class, ANYBODY, now + 1, now), Decision::Send);
            assert_eq!(MessageClass::of_code(class.code()), Some(class));
        }
        assert_eq!(
            decided(MessageClass::Marketing, ANYBODY, at(23, 0, 0), at(22, 0, 0)),
            Decision::Cancel(CancelReason::Expired),
            "its hours would come too late"
        );
    }

    #[test]
    fn only_certain_refusals_are_tried_again() {
        let code = || "c".to_owned();
        let forever = i64::MAX;
        for attempt in 1..=ATTEMPTS_MAX {
            let of = |outcome: HandOver| next(&outcome, attempt, forever, 1000);
            let taken = HandOver::Accepted {
                provider_message_id: None,
            };
            assert_eq!(of(taken), Next::Settled(MessageState::HandedOver));
            assert_eq!(
                of(HandOver::Ambiguous { code: code() }),
                Next::Settled(MessageState::Unknown)
            );
            assert_eq!(
                of(HandOver::Never { code: code() }),
                Next::Settled(MessageState::Failed)
            );
            let again = of(HandOver::NotNow { code: code() });
            if attempt < ATTEMPTS_MAX {
                assert!(
                    matches!(again, Next::Again(at) if at > 1000),
                    "{attempt}: {again:?}"
                );
            } else {
                assert_eq!(again, Next::Settled(MessageState::Failed));
            }
        }
        let refused = HandOver::NotNow { code: code() };
        assert_eq!(
            next(&refused, 1, 6_000, 1_000),
            Next::Settled(MessageState::Failed),
            "the next attempt would come too late"
        );
    }

    #[test]
    fn states_read_back() {
        for state in MessageState::ALL {
            assert_eq!(MessageState::of_code(state.code()), Some(state));
        }
    }
}
