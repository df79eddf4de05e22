//! What an event of each kind may and must say: the one table from which events are read and their schemas are made.
//!
//! A field that is not in the table of the event's kind is somebody else's: it is accepted and not kept, so that a sender may add
//! what it likes.

use chudian_vocabulary::Name;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, OrderingWay, Outcome};

use crate::limits::{
    CONTENT_CHARACTERS_MAX, DURATION_S_MAX, KEYS_CHARACTERS_MAX, PAGE_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
};

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A customer's pseudonym: 1 to 64 of `A-Z a-z 0-9 - _ .`, not a telephone number.
    Pseudonym,
    /// An identifier: 1 to 64 of `A-Z a-z 0-9 - _ . :`, not a telephone number.
    Identifier,
    /// A text for people of at most so many characters; telephone numbers in it are masked before it is stored.
    Text(usize),
    /// Keys of a telephone: at most so many of `0-9 * #`.
    Keys(usize),
    /// A whole number from 0 up to this.
    Whole(i64),
    /// A moment, RFC 3339 with its zone.
    Moment,
    /// One of these words.
    Word(&'static [&'static str]),
}

macro_rules! fields {
    ($($(#[$meaning:meta])+ $variant:ident = $name:literal, $form:expr, $zh:literal, $en:literal;)+) => {
        /// A field of an event's data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Field {
            $($(#[$meaning])+ $variant,)+
        }

        impl Field {
            /// Every field, in the order in which values are given and hashed.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What its value must look like.
            #[must_use]
            pub const fn form(self) -> Form {
                match self { $(Self::$variant => $form,)+ }
            }

            /// What it is, for people.
            #[must_use]
            pub fn title(self) -> Name {
                match self { $(Self::$variant => Name::new($zh, $en),)+ }
            }
        }
    };
}

fields! {
    /// Whom it concerns.
    CustomerId = "customer_id", Form::Pseudonym, "客户代号，不能是电话号码", "Pseudonym of the customer, never a telephone number";
    /// Where.
    Channel = "channel", Form::Word(Channel::CODES), "渠道", "Channel";
    /// The customer's region; keys of another region do not see the event.
    Region = "region", Form::Identifier, "客户归属地区", "Region of the customer";
    /// How it ended.
    Outcome = "outcome", Form::Word(Outcome::CODES), "结果", "How it ended";
    /// The campaign to which it belongs.
    Campaign = "campaign", Form::Identifier, "营销活动", "Campaign";
    /// The batch of the campaign's list.
    Batch = "batch", Form::Identifier, "营销活动的批次", "Batch of the campaign's list";
    /// The business, plan or product that it was about.
    Business = "business", Form::Identifier, "业务或产品", "Business, plan or product";
    /// Who served the customer.
    Staff = "staff", Form::Identifier, "工号", "Code of the staff member";
    /// What was said.
    Content = "content", Form::Text(CONTENT_CHARACTERS_MAX), "内容；其中的电话号码存储前会被隐去", "What was said; telephone numbers in it are masked before it is stored";
    /// How long it took.
    DurationS = "duration_s", Form::Whole(DURATION_S_MAX), "时长，秒", "Duration in seconds";
    /// Why it ended so.
    Reason = "reason", Form::Text(REASON_CHARACTERS_MAX), "原因", "Why it ended so";
    /// The order to which it belongs.
    OrderId = "order_id", Form::Identifier, "订单号", "Number of the order";
    /// Who placed the order, and how.
    Way = "way", Form::Word(OrderingWay::CODES), "订购方式", "Who placed the order, and how";
    /// When the order or trial ends by itself.
    ExpiresAt = "expires_at", Form::Moment, "到期时间", "When the order or trial ends by itself";
    /// Who ended it.
    CancelledBy = "cancelled_by", Form::Word(CancelledBy::CODES), "退订发起方", "Who ended it";
    /// The message that the receipt is for.
    MessageId = "message_id", Form::Identifier, "短信或消息编号", "Number of the message";
    /// The point of the voice menu.
    Menu = "menu", Form::Identifier, "语音菜单节点", "Point of the voice menu";
    /// The keys that were pressed there.
    Keys = "keys", Form::Keys(KEYS_CHARACTERS_MAX), "按键", "Keys that were pressed";
    /// The page that was looked at.
    Page = "page", Form::Text(PAGE_CHARACTERS_MAX), "页面地址", "Address of the page";
}

/// Number of fields.
pub const FIELD_COUNT: usize = Field::ALL.len();

impl Field {
    /// Place in [`Field::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The field of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}

/// The fields of one kind of event.
#[derive(Clone, Copy, Debug)]
pub struct KindFields {
    /// Without these an event of the kind is rejected.
    pub required: &'static [Field],
    /// These may be there.
    pub optional: &'static [Field],
}

impl KindFields {
    /// Whether events of the kind have this field.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.required.contains(&field) || self.optional.contains(&field)
    }
}

/// The fields of `kind`.
#[must_use]
pub const fn fields_of(kind: EventKind) -> KindFields {
    use Field::{
        Batch, Business, Campaign, CancelledBy, Channel, Content, CustomerId, DurationS, ExpiresAt,
        Keys, Menu, MessageId, OrderId, Outcome, Page, Reason, Region, Staff, Way,
    };
    let (required, optional): (&[Field], &[Field]) = match kind {
        EventKind::Consultation | EventKind::Complaint | EventKind::BusinessQuery => (
            &[CustomerId, Channel, Region, Outcome],
            &[Campaign, Batch, Business, Staff, Content, DurationS, Reason],
        ),
        EventKind::MarketingContact => (
            &[CustomerId, Channel, Region, Outcome, Campaign],
            &[
                Batch, Business, Staff, Content, DurationS, Reason, MessageId,
            ],
        ),
        EventKind::BusinessHandling => (
            &[CustomerId, Channel, Region, Outcome, Business],
            &[Campaign, Batch, Staff, Content, DurationS, Reason, OrderId],
        ),
        EventKind::Browse => (
            &[CustomerId, Channel, Region],
            &[Outcome, Campaign, Batch, Business, Page, DurationS],
        ),
        EventKind::Login => (
            &[CustomerId, Channel, Region],
            &[Outcome, DurationS, Reason],
        ),
        EventKind::IvrKey => (
            &[CustomerId, Channel, Region, Menu, Keys],
            &[Outcome, Campaign, Batch, Business, DurationS],
        ),
        EventKind::Order | EventKind::Trial => (
            &[CustomerId, Channel, Region, Business, OrderId],
            &[Outcome, Campaign, Batch, Staff, Content, Way, ExpiresAt],
        ),
        EventKind::Cancellation => (
            &[CustomerId, Channel, Region, OrderId],
            &[
                Outcome,
                Campaign,
                Batch,
                Business,
                Staff,
                Content,
                Reason,
                CancelledBy,
            ],
        ),
        EventKind::DeliveryReceipt => (
            &[CustomerId, Channel, Region, Outcome, MessageId],
            &[Campaign, Batch, Business, Reason],
        ),
    };
    KindFields { required, optional }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_and_place() {
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(field.index(), index);
            assert_eq!(Field::of_name(field.name()), Some(*field));
        }
        assert_eq!(Field::of_name("telephone"), None);
    }

    /// Goal: what every event is filed under is required of every kind, and no field stands twice in a kind.
    #[test]
    fn the_table_is_sound() {
        for kind in EventKind::ALL {
            let fields = fields_of(*kind);
            for always in [Field::CustomerId, Field::Channel, Field::Region] {
                assert!(fields.required.contains(&always), "{kind}");
            }
            assert!(fields.has(Field::Outcome), "{kind}");
            let mut all: Vec<_> = fields.required.iter().chain(fields.optional).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{kind}");
        }
    }
}
