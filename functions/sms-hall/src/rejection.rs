//! Why a callback, or an item of one, is not taken.

use crate::webhook::WebhookFault;

/// Which callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// What customers wrote.
    Inbound,
    /// What became of messages.
    Delivery,
}

impl Callback {
    /// Its word in documents and tables.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Delivery => "delivery",
        }
    }
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A header of the signature is missing or malformed.
    SignatureMalformed,
    /// It was signed too long ago.
    SignatureStale,
    /// It was signed in the future.
    SignatureFuture,
    /// No signature fits.
    SignatureWrong,
    /// The body is no JSON.
    Malformed,
    /// The callback has more items than one may have.
    TooMany,
    /// The item lacks what it needs.
    Unreadable,
    /// The number is no mainland mobile number.
    NotMobile,
    /// A message of this identity came before and said something else.
    Conflict,
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::SignatureMalformed,
        Self::SignatureStale,
        Self::SignatureFuture,
        Self::SignatureWrong,
        Self::Malformed,
        Self::TooMany,
        Self::Unreadable,
        Self::NotMobile,
        Self::Conflict,
    ];

    /// Its word in documents and tables.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignatureMalformed => "signature-malformed",
            Self::SignatureStale => "signature-stale",
            Self::SignatureFuture => "signature-future",
            Self::SignatureWrong => "signature-wrong",
            Self::Malformed => "malformed-json",
            Self::TooMany => "too-many-items",
            Self::Unreadable => "item-unreadable",
            Self::NotMobile => "number-not-mobile",
            Self::Conflict => "content-conflict",
        }
    }

    /// The reason of this word.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl From<WebhookFault> for Rejection {
    fn from(fault: WebhookFault) -> Self {
        match fault {
            WebhookFault::Header => Self::SignatureMalformed,
            WebhookFault::Stale => Self::SignatureStale,
            WebhookFault::Future => Self::SignatureFuture,
            WebhookFault::Signature => Self::SignatureWrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_back() {
        for reason in Rejection::ALL {
            assert_eq!(Rejection::of_code(reason.code()), Some(reason));
        }
    }
}
