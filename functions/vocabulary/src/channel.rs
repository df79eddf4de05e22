//! Channels: the ways in which a customer and the operator meet, and the classes that they fall in.
//!
//! The list is the operators' own (requirements, *Words*). A province that has no such channel simply never reports it; who sold an
//! order (an agent, a partner's hall) is not a channel but the way of ordering, see [`crate::contact::OrderingWay`].

use crate::words::words;

words! {
    /// A channel.
    Channel {
        /// An agent at the hotline.
        HotlineAgent = "hotline-agent", "10086 人工", "Hotline agent 10086";
        /// The hotline's voice menu.
        HotlineIvr = "hotline-ivr", "10086 语音", "Hotline voice menu 10086";
        /// The information hotline.
        Hotline12580 = "hotline-12580", "12580", "Hotline 12580";
        /// The hall on the web.
        WebHall = "web-hall", "网上营业厅", "Web hall";
        /// A machine in a hall or shop.
        SelfServiceTerminal = "self-service-terminal", "自助终端", "Self-service terminal";
        /// The hall by short message.
        SmsHall = "sms-hall", "短信营业厅", "SMS hall";
        /// Menus in the handset's dial screen.
        Ussd = "ussd", "USSD", "USSD";
        /// Pages for simple handsets.
        Wap = "wap", "WAP", "WAP";
        /// The operator's app.
        ClientApp = "client-app", "掌上营业厅", "Client app";
        /// A hall with a counter.
        FrontHall = "front-hall", "实体营业厅", "Front hall";
        /// A call that the operator makes.
        OutboundCall = "outbound-call", "外呼", "Outbound call";
        /// A manager who looks after the customer.
        CustomerManager = "customer-manager", "客户经理", "Customer manager";
    }
}

words! {
    /// What kind of channel it is; costs and rules are often set by class.
    ChannelClass {
        /// A telephone number that the customer calls.
        Hotline = "hotline", "热线", "Hotline";
        /// A screen that is not the customer's handset.
        Portal = "portal", "门户", "Portal";
        /// The customer's own handset.
        Handset = "handset", "手机", "Handset";
        /// A counter.
        Physical = "physical", "实体", "Physical";
        /// The operator comes to the customer.
        Outbound = "outbound", "主动接触", "Outbound";
    }
}

impl Channel {
    /// The class of this channel.
    #[must_use]
    pub const fn class(self) -> ChannelClass {
        match self {
            Self::HotlineAgent | Self::HotlineIvr | Self::Hotline12580 => ChannelClass::Hotline,
            Self::WebHall | Self::SelfServiceTerminal => ChannelClass::Portal,
            Self::SmsHall | Self::Ussd | Self::Wap | Self::ClientApp => ChannelClass::Handset,
            Self::FrontHall => ChannelClass::Physical,
            Self::OutboundCall | Self::CustomerManager => ChannelClass::Outbound,
        }
    }

    /// Whether the customer is served without a person of the operator (diversion, requirements CD).
    #[must_use]
    pub const fn is_electronic(self) -> bool {
        match self {
            Self::HotlineIvr
            | Self::WebHall
            | Self::SelfServiceTerminal
            | Self::SmsHall
            | Self::Ussd
            | Self::Wap
            | Self::ClientApp => true,
            Self::HotlineAgent
            | Self::Hotline12580
            | Self::FrontHall
            | Self::OutboundCall
            | Self::CustomerManager => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_identifiers_and_read_back() {
        for channel in Channel::ALL {
            assert_eq!(channel.code().parse(), Ok(*channel));
            assert!(crate::check_identifier(channel.code()).is_ok(), "{channel}");
        }
        assert_eq!("Web-Hall".parse::<Channel>(), Err(crate::UnknownWord));
        let codes: BTreeSet<_> = Channel::CODES.iter().collect();
        assert_eq!(codes.len(), Channel::ALL.len());
    }

    #[test]
    fn every_class_has_a_channel() {
        let used: BTreeSet<_> = Channel::ALL.iter().map(|channel| channel.class()).collect();
        assert_eq!(used.len(), ChannelClass::ALL.len());
    }
}
