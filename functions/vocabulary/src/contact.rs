//! What can happen between a customer and the operator, and how it ended: the words of every event.
//!
//! One list of outcomes serves every channel, so that a refusal by voice key, short message, web page and telephone is the same
//! refusal in a report. How each channel's own results map onto it is in `docs/reference/feedback-api.md`.

use crate::words::words;

words! {
    /// What happened (FI-1).
    EventKind {
        /// The customer asked something.
        Consultation = "consultation", "咨询", "Consultation";
        /// The customer complained.
        Complaint = "complaint", "投诉", "Complaint";
        /// The operator approached the customer with an offer.
        MarketingContact = "marketing-contact", "营销接触", "Marketing contact";
        /// Business was handled for the customer.
        BusinessHandling = "business-handling", "业务办理", "Business handling";
        /// The customer looked something up: a balance, a bill.
        BusinessQuery = "business-query", "业务查询", "Business query";
        /// The customer looked at a page.
        Browse = "browse", "浏览", "Browse";
        /// The customer signed in.
        Login = "login", "登录", "Login";
        /// The customer pressed a key in a voice menu.
        IvrKey = "ivr-key", "语音按键", "Voice menu key";
        /// Something was ordered.
        Order = "order", "订购", "Order";
        /// Something is tried before it is ordered.
        Trial = "trial", "试用", "Trial";
        /// An order or trial was cancelled.
        Cancellation = "cancellation", "退订", "Cancellation";
        /// A message reached the customer, or did not.
        DeliveryReceipt = "delivery-receipt", "送达回执", "Delivery receipt";
    }
}

words! {
    /// How it ended, in the same words on every channel.
    Outcome {
        /// Done: answered, handled, shown.
        Succeeded = "succeeded", "成功", "Succeeded";
        /// It could not be done: refused by a rule or broken off by a fault.
        Failed = "failed", "失败", "Failed";
        /// The customer took the offer.
        Accepted = "accepted", "接受", "Accepted";
        /// The customer wants to hear more.
        Interested = "interested", "有兴趣", "Interested";
        /// The customer wants to think about it or be asked again.
        Undecided = "undecided", "考虑中", "Undecided";
        /// The customer said no.
        Declined = "declined", "拒绝", "Declined";
        /// The customer wants no more offers.
        OptedOut = "opted-out", "拒绝营销", "Opted out";
        /// The customer takes that back and wants offers again.
        OptedIn = "opted-in", "恢复营销", "Opted in";
        /// The customer gave up before the end: hung up, closed the page.
        Abandoned = "abandoned", "中途放弃", "Abandoned";
        /// Handed on to another channel, such as from the voice menu to an agent.
        Transferred = "transferred", "转接", "Transferred";
        /// Nobody answered: no answer, busy, switched off.
        NoAnswer = "no-answer", "未接通", "No answer";
        /// Somebody else answered.
        WrongPerson = "wrong-person", "非本人", "Wrong person";
        /// The message reached the customer's handset.
        Delivered = "delivered", "已送达", "Delivered";
        /// The message did not reach it.
        Undelivered = "undelivered", "未送达", "Undelivered";
        /// Not ended yet.
        Pending = "pending", "处理中", "Pending";
    }
}

words! {
    /// Who placed an order, and how (FI-5, CA).
    OrderingWay {
        /// The customer, on an electronic channel.
        SelfService = "self-service", "客户自助", "Self-service";
        /// A clerk of the operator's own hall, at the customer's wish.
        Counter = "counter", "营业厅受理", "Counter";
        /// An agent on the telephone, with the customer's consent.
        Telemarketing = "telemarketing", "电话营销", "Telemarketing";
        /// An agency or a partner's hall.
        Partner = "partner", "代理渠道", "Partner";
        /// The operator's staff outside a hall.
        Staff = "staff", "员工受理", "Staff";
        /// The operator, for many customers at once.
        Bulk = "bulk", "批量开通", "Bulk";
        /// None of these.
        Other = "other", "其他", "Other";
    }
}

words! {
    /// Who ended an order.
    CancelledBy {
        /// The customer.
        Customer = "customer", "客户", "Customer";
        /// The operator, for this customer.
        Operator = "operator", "运营商", "Operator";
        /// The operator, for many customers at once.
        Bulk = "bulk", "批量退订", "Bulk";
    }
}

/// What the `type` of every event of ours begins with; the kind and the version of its data follow, `chudian.feedback.order.v1`.
pub const EVENT_TYPE_PREFIX: &str = "chudian.feedback.";

/// The version of every kind's data; a change that is not only an addition makes a new one.
pub const EVENT_TYPE_VERSION: &str = "v1";

impl EventKind {
    /// The CloudEvents `type` of events of this kind.
    #[must_use]
    pub fn event_type(self) -> String {
        format!("{EVENT_TYPE_PREFIX}{}.{EVENT_TYPE_VERSION}", self.code())
    }

    /// The kind that a CloudEvents `type` names; `None` for types of others and of other versions.
    #[must_use]
    pub fn of_event_type(text: &str) -> Option<Self> {
        let (code, version) = text.strip_prefix(EVENT_TYPE_PREFIX)?.rsplit_once('.')?;
        (version == EVENT_TYPE_VERSION)
            .then(|| code.parse().ok())
            .flatten()
    }

    /// Whether it is one of the five kinds of contact in the contact view (FI-3). The others are traces, orders and receipts.
    #[must_use]
    pub const fn is_contact(self) -> bool {
        match self {
            Self::Consultation
            | Self::Complaint
            | Self::MarketingContact
            | Self::BusinessHandling
            | Self::BusinessQuery => true,
            Self::Browse
            | Self::Login
            | Self::IvrKey
            | Self::Order
            | Self::Trial
            | Self::Cancellation
            | Self::DeliveryReceipt => false,
        }
    }
}

impl Outcome {
    /// Whether it is known how the matter ended; only such events count in a rate.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }

    /// Whether the customer was reached: somebody answered, or the message arrived (ER-1).
    #[must_use]
    pub const fn reached(self) -> bool {
        match self {
            Self::Succeeded
            | Self::Failed
            | Self::Accepted
            | Self::Interested
            | Self::Undecided
            | Self::Declined
            | Self::OptedOut
            | Self::OptedIn
            | Self::Abandoned
            | Self::Transferred
            | Self::Delivered => true,
            Self::NoAnswer | Self::WrongPerson | Self::Undelivered | Self::Pending => false,
        }
    }

    /// Whether what was wanted was achieved; the numerator of a success rate (FI-3).
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Accepted | Self::OptedIn | Self::Delivered
        )
    }

    /// Whether the customer showed interest (ER-1).
    #[must_use]
    pub const fn shows_interest(self) -> bool {
        matches!(self, Self::Accepted | Self::Interested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back_and_others_do_not() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::of_event_type(&kind.event_type()), Some(*kind));
        }
        assert_eq!(EventKind::Order.event_type(), "chudian.feedback.order.v1");
        for other in [
            "",
            "order",
            "chudian.feedback.order",
            "chudian.feedback.order.v2",
            "chudian.feedback..v1",
            "com.example.order.v1",
        ] {
            assert_eq!(EventKind::of_event_type(other), None, "{other}");
        }
    }

    #[test]
    fn the_view_has_five_kinds() {
        let contacts = EventKind::ALL.iter().filter(|kind| kind.is_contact());
        assert_eq!(contacts.count(), 5);
    }

    /// Goal: the funnel can only narrow: who accepted was reached and showed interest.
    #[test]
    fn the_stages_of_an_outcome_agree() {
        for outcome in Outcome::ALL {
            assert!(!outcome.is_success() || outcome.reached(), "{outcome}");
            assert!(!outcome.shows_interest() || outcome.reached(), "{outcome}");
            assert!(!outcome.reached() || outcome.is_final(), "{outcome}");
        }
    }
}
