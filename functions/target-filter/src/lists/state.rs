//! The life of a list, as a state machine.
//!
//! ```text
//! draft ──submit──▶ submitted ──approve──▶ approved ──export / open──▶ in use
//!                       └───────reject───▶ rejected
//! every state ──expire (by hand or by time)──▶ expired
//! ```
//!
//! Invariants: only what [`State::after`] allows happens; whoever froze or submitted a list does not approve it (four eyes); a list
//! whose time is over is expired whatever is stored.

use std::fmt;

/// Where a list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Frozen, and nobody was asked yet.
    Draft,
    /// Waits for an approver.
    Submitted,
    /// May be exported and opened.
    Approved,
    /// Refused for good; a changed list is a new list.
    Rejected,
    /// Was exported, or a first customer of it was shown.
    InUse,
    /// Gives nothing any more.
    Expired,
}

/// What someone does with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask for approval.
    Submit,
    /// Approve.
    Approve,
    /// Reject, with a reason.
    Reject,
    /// Make an encrypted export.
    Export,
    /// Show one customer to an agent.
    Open,
    /// End it before its time.
    Expire,
}

/// An action that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list that is {state} cannot be changed by `{action}`")]
pub struct IllegalTransition {
    /// Where the list stands.
    pub state: State,
    /// What was tried.
    pub action: Action,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in JSON and SQL.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The value of a word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words!(State {
    Draft = "draft",
    Submitted = "submitted",
    Approved = "approved",
    Rejected = "rejected",
    InUse = "in-use",
    Expired = "expired",
});

words!(Action {
    Submit = "submit",
    Approve = "approve",
    Reject = "reject",
    Export = "export",
    Open = "open",
    Expire = "expire",
});

impl State {
    /// The state after `action`.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub const fn after(self, action: Action) -> Result<Self, IllegalTransition> {
        match (self, action) {
            (Self::Draft, Action::Submit) => Ok(Self::Submitted),
            (Self::Submitted, Action::Approve) => Ok(Self::Approved),
            (Self::Submitted, Action::Reject) => Ok(Self::Rejected),
            (Self::Approved | Self::InUse, Action::Export | Action::Open) => Ok(Self::InUse),
            (
                Self::Draft | Self::Submitted | Self::Approved | Self::Rejected | Self::InUse,
                Action::Expire,
            ) => Ok(Self::Expired),
            (Self::Draft, Action::Approve | Action::Reject | Action::Export | Action::Open)
            | (Self::Submitted, Action::Submit | Action::Export | Action::Open)
            | (Self::Approved | Self::InUse, Action::Submit | Action::Approve | Action::Reject)
            | (
                Self::Rejected,
                Action::Submit | Action::Approve | Action::Reject | Action::Export | Action::Open,
            )
            | (Self::Expired, _) => Err(IllegalTransition {
                state: self,
                action,
            }),
        }
    }

    /// The state at a moment, given what is stored and when the list ends.
    pub const fn at(self, now_unix_s: i64, expires_at_unix_s: i64) -> Self {
        if now_unix_s >= expires_at_unix_s {
            Self::Expired
        } else {
            self
        }
    }
}

/// Whether a holder of `approver` may decide on a list that `frozen_by` froze and `submitted_by` submitted.
pub fn four_eyes(approver: &str, frozen_by: &str, submitted_by: Option<&str>) -> bool {
    approver != frozen_by && submitted_by != Some(approver)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: pin the whole table, so that a new state or action has to be thought about.
    #[test]
    fn the_table_of_transitions() {
        let mut table = String::new();
        for state in State::ALL {
            for action in Action::ALL {
                if let Ok(after) = state.after(*action) {
                    table.push_str(&format!("{state} {action} {after}\n"));
                }
            }
        }
        assert_eq!(
            table,
            "draft submit submitted\ndraft expire expired\n\
             submitted approve approved\nsubmitted reject rejected\nsubmitted expire expired\n\
             approved export in-use\napproved open in-use\napproved expire expired\n\
             rejected expire expired\n\
             in-use export in-use\nin-use open in-use\nin-use expire expired\n"
        );
    }

    #[test]
    fn time_ends_every_state() {
        for state in State::ALL {
            assert_eq!(state.at(9, 10), *state);
            assert_eq!(state.at(10, 10), State::Expired);
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
    }

    #[test]
    fn four_eyes_are_two_people() {
        assert!(four_eyes("c", "a", Some("b")));
        assert!(!four_eyes("a", "a", Some("b")));
        assert!(!four_eyes("b", "a", Some("b")));
    }
}
