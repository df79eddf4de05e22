//! What a cell of a table of events can say, and the headings by which it is known without a mapping.

use chudian_vocabulary::Name;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{CancelledBy, EventKind, OrderingWay, Outcome};
use serde::{Deserialize, Serialize};

/// A member of an event: of its envelope, or of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventField {
    /// The event's own id, where the table has one.
    Id,
    /// Who reports it; with the id it says which event it is.
    Source,
    /// What happened.
    Kind,
    /// When.
    Time,
    /// Where.
    Channel,
    /// The customer's region.
    Region,
    /// How it ended.
    Outcome,
    /// Campaign.
    Campaign,
    /// Batch of the campaign's list.
    Batch,
    /// Business, plan or product.
    Business,
    /// Who served the customer.
    Staff,
    /// What was said.
    Content,
    /// How long it took, seconds.
    DurationS,
    /// Why it ended so.
    Reason,
    /// Number of the order.
    OrderId,
    /// Who placed the order, and how.
    Way,
    /// When the order or trial ends by itself.
    ExpiresAt,
    /// Who ended the order.
    CancelledBy,
    /// Number of the message.
    MessageId,
    /// Point of the voice menu.
    Menu,
    /// Keys that were pressed.
    Keys,
    /// Page that was looked at.
    Page,
}

/// How a cell of a field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it stands.
    Text,
    /// A whole number.
    Whole,
    /// A moment.
    Moment,
    /// One of the words of a list, by its code or by its name in either language.
    Word,
}

impl EventField {
    /// Every field.
    pub const ALL: [Self; 22] = [
        Self::Id,
        Self::Source,
        Self::Kind,
        Self::Time,
        Self::Channel,
        Self::Region,
        Self::Outcome,
        Self::Campaign,
        Self::Batch,
        Self::Business,
        Self::Staff,
        Self::Content,
        Self::DurationS,
        Self::Reason,
        Self::OrderId,
        Self::Way,
        Self::ExpiresAt,
        Self::CancelledBy,
        Self::MessageId,
        Self::Menu,
        Self::Keys,
        Self::Page,
    ];

    /// Its name in mappings and in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Source => "source",
            Self::Kind => "kind",
            Self::Time => "time",
            Self::Channel => "channel",
            Self::Region => "region",
            Self::Outcome => "outcome",
            Self::Campaign => "campaign",
            Self::Batch => "batch",
            Self::Business => "business",
            Self::Staff => "staff",
            Self::Content => "content",
            Self::DurationS => "duration_s",
            Self::Reason => "reason",
            Self::OrderId => "order_id",
            Self::Way => "way",
            Self::ExpiresAt => "expires_at",
            Self::CancelledBy => "cancelled_by",
            Self::MessageId => "message_id",
            Self::Menu => "menu",
            Self::Keys => "keys",
            Self::Page => "page",
        }
    }

    /// The field of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Headings by which extracts call it, beside its name.
    const fn usual_headings(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["事件编号", "流水号", "记录编号", "event_id"],
            Self::Source => &["来源", "数据来源", "来源系统"],
            Self::Kind => &["类型", "事件类型", "接触类型", "type"],
            Self::Time => &["时间", "接触时间", "发生时间", "事件时间", "at"],
            Self::Channel => &["渠道", "接触渠道"],
            Self::Region => &["地区", "地市", "归属地区", "归属地市"],
            Self::Outcome => &["结果", "接触结果", "处理结果", "result"],
            Self::Campaign => &["营销活动", "活动", "活动编号"],
            Self::Batch => &["批次", "活动批次"],
            Self::Business => &["业务", "产品", "业务编码", "产品编码", "product"],
            Self::Staff => &["工号", "坐席", "坐席工号", "营业员"],
            Self::Content => &["内容", "接触内容", "备注"],
            Self::DurationS => &["时长", "时长（秒）", "时长(秒)", "通话时长", "duration"],
            Self::Reason => &["原因", "失败原因", "退订原因"],
            Self::OrderId => &["订单号", "订单编号"],
            Self::Way => &["订购方式"],
            Self::ExpiresAt => &["到期时间", "失效时间"],
            Self::CancelledBy => &["退订发起方"],
            Self::MessageId => &["短信编号", "消息编号"],
            Self::Menu => &["菜单", "语音菜单", "菜单节点"],
            Self::Keys => &["按键"],
            Self::Page => &["页面", "页面地址"],
        }
    }

    /// The field that a heading names by itself; nothing for other headings.
    #[must_use]
    pub fn of_heading(heading: &str) -> Option<Self> {
        let plain = plain(heading);
        Self::ALL
            .into_iter()
            .find(|field| field.name() == plain || field.usual_headings().contains(&&*plain))
    }

    pub(super) const fn form(self) -> Form {
        match self {
            Self::Kind | Self::Channel | Self::Outcome | Self::Way | Self::CancelledBy => {
                Form::Word
            }
            Self::Time | Self::ExpiresAt => Form::Moment,
            Self::DurationS => Form::Whole,
            Self::Id
            | Self::Source
            | Self::Region
            | Self::Campaign
            | Self::Batch
            | Self::Business
            | Self::Staff
            | Self::Content
            | Self::Reason
            | Self::OrderId
            | Self::MessageId
            | Self::Menu
            | Self::Keys
            | Self::Page => Form::Text,
        }
    }

    /// The code of the word that `text` is, by code or by name in either language; nothing when it is none of the field's.
    pub(super) fn code_of(self, text: &str) -> Option<&'static str> {
        let is_name = |name: Name| name.zh == text || name.en.eq_ignore_ascii_case(text);
        macro_rules! find {
            ($word:ty) => {
                <$word>::ALL
                    .iter()
                    .find(|word| word.code() == text || is_name(word.name()))
                    .map(|word| word.code())
            };
        }
        match self {
            Self::Kind => find!(EventKind),
            Self::Channel => find!(Channel),
            Self::Outcome => find!(Outcome),
            Self::Way => find!(OrderingWay),
            Self::CancelledBy => find!(CancelledBy),
            _ => None,
        }
    }

    /// The codes of the field's words.
    pub(super) const fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Kind => EventKind::CODES,
            Self::Channel => Channel::CODES,
            Self::Outcome => Outcome::CODES,
            Self::Way => OrderingWay::CODES,
            Self::CancelledBy => CancelledBy::CODES,
            _ => &[],
        }
    }
}

/// A heading without the spaces around it, in lower case: how people write one name.
pub(super) fn plain(heading: &str) -> String {
    heading.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Goal: a heading names one field, so that no column goes where nobody meant it.
    #[test]
    fn headings_are_told_apart() {
        let mut seen = BTreeSet::new();
        for field in EventField::ALL {
            assert_eq!(EventField::of_name(field.name()), Some(field));
            for heading in [field.name()].iter().chain(field.usual_headings()) {
                assert_eq!(EventField::of_heading(heading), Some(field), "{heading}");
                assert!(seen.insert((*heading).to_owned()), "{heading} stands twice");
            }
        }
        assert_eq!(
            EventField::of_heading(" Channel "),
            Some(EventField::Channel)
        );
        assert_eq!(EventField::of_heading("客户姓名"), None);
    }

    #[test]
    fn words_are_known_by_code_and_by_either_name() {
        for text in ["outbound-call", "外呼", "outbound call"] {
            assert_eq!(EventField::Channel.code_of(text), Some("outbound-call"));
        }
        assert_eq!(EventField::Channel.code_of("accepted"), None);
        assert_eq!(EventField::Campaign.code_of("accepted"), None);
    }
}
