//! What customers are told, in both languages.
//!
//! A reply fits one long message; figures are in yuan, from the offers as the tariff function made them.

use chudian_vocabulary::{Language, Money};

use crate::limits::TEXT_CHARACTERS_MAX;

/// An offer, as a reply speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferLine {
    /// The number that the customer answers with.
    pub number: u32,
    /// The plan's name, in the reply's language.
    pub plan: String,
    /// Its monthly fee.
    pub monthly_fee: Money,
    /// What it would have saved in a month on average; `None` for a new customer.
    pub monthly_saving: Option<Money>,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The best plans, computed from this many months of the customer's own usage.
    BestPlans {
        /// Best first.
        offers: Vec<OfferLine>,
        /// Months of usage.
        months: usize,
    },
    /// The present plan is the best.
    NothingBetter,
    /// The operator knows no usage of this customer.
    NoUsage,
    /// The figures cannot be had just now.
    NotNow,
    /// The offers that were made, and can be accepted still.
    Offers(Vec<OfferLine>),
    /// There are none.
    NoOffers,
    /// The offer is being ordered.
    Accepted {
        /// The plan's name.
        plan: String,
    },
    /// It was accepted before.
    AcceptedBefore {
        /// The plan's name.
        plan: String,
    },
    /// There is no offer of this number.
    NoSuchOffer(u32),
    /// What one can write.
    Help,
    /// No more offers will come.
    OptedOut,
    /// Offers will come again.
    OptedIn,
}

impl Reply {
    /// The reply as a message.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let text = match language {
            Language::Chinese => self.chinese(),
            Language::English => self.english(),
        };
        shortened(&text)
    }

    fn chinese(&self) -> String {
        match self {
            Self::BestPlans { offers, months } => format!(
                "按您近{months}个月的用量测算：{}。回复序号办理，如“1”；回复TD退订。",
                lines(offers, chinese_line, "；")
            ),
            Self::NothingBetter => "按您近几个月的用量测算，当前套餐已是最优。".to_owned(),
            Self::NoUsage => "暂无您的用量记录，无法测算，请稍后再试或联系营业厅。".to_owned(),
            Self::NotNow => "系统繁忙，暂时无法测算，请稍后再发送“套餐”。".to_owned(),
            Self::Offers(offers) => format!(
                "您可办理的优惠：{}。回复序号办理，如“1”。",
                lines(offers, chinese_line, "；")
            ),
            Self::NoOffers => "您目前没有可办理的优惠，发送“套餐”为您测算。".to_owned(),
            Self::Accepted { plan } => {
                format!("已收到您办理{plan}的申请，办理结果将另行通知。")
            }
            Self::AcceptedBefore { plan } => format!("您已申请办理{plan}，无需重复发送。"),
            Self::NoSuchOffer(number) => {
                format!("没有序号为{number}的优惠或已过期，发送“优惠”查看，发送“套餐”重新测算。")
            }
            Self::Help => {
                "发送“套餐”测算最优套餐，“优惠”查看优惠，序号（如“1”）办理，“TD”退订营销短信，“订阅”恢复。"
                    .to_owned()
            }
            Self::OptedOut => "您已退订，我们不再向您发送营销短信。发送“订阅”可恢复。".to_owned(),
            Self::OptedIn => "您已恢复接收优惠信息，发送“TD”可随时退订。".to_owned(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::BestPlans { offers, months } => format!(
                "From your usage of {months} months: {}. Reply with the number to order, TD to stop offers.",
                lines(offers, english_line, "; ")
            ),
            Self::NothingBetter => {
                "From your usage of the last months your present plan is the best.".to_owned()
            }
            Self::NoUsage => {
                "We have no usage of yours to compare; please try later or ask in a hall.".to_owned()
            }
            Self::NotNow => "We cannot compare plans just now; please send PLAN later.".to_owned(),
            Self::Offers(offers) => format!(
                "Your offers: {}. Reply with the number to order.",
                lines(offers, english_line, "; ")
            ),
            Self::NoOffers => "There are no offers for you now; send PLAN to compare.".to_owned(),
            Self::Accepted { plan } => {
                format!("We have your order of {plan}; you will hear of its result.")
            }
            Self::AcceptedBefore { plan } => format!("You have ordered {plan} already."),
            Self::NoSuchOffer(number) => format!(
                "There is no offer {number}, or its time is over; send OFFERS to see them, PLAN to compare again."
            ),
            Self::Help => {
                "Send PLAN for your best plan, OFFERS for your offers, a number to order, TD to stop offers, START to have them again."
                    .to_owned()
            }
            Self::OptedOut => {
                "You will get no more offers from us. Send START to have them again.".to_owned()
            }
            Self::OptedIn => "You will get offers again. Send TD to stop them.".to_owned(),
        }
    }
}

fn lines(offers: &[OfferLine], line: fn(&OfferLine) -> String, between: &str) -> String {
    offers.iter().map(line).collect::<Vec<_>>().join(between)
}

fn chinese_line(offer: &OfferLine) -> String {
    let OfferLine {
        number,
        plan,
        monthly_fee,
        monthly_saving,
    } = offer;
    match monthly_saving {
        Some(saving) => {
            format!("{number}.{plan}，月费{monthly_fee}元，平均每月省{saving}元")
        }
        None => format!("{number}.{plan}，月费{monthly_fee}元"),
    }
}

fn english_line(offer: &OfferLine) -> String {
    let OfferLine {
        number,
        plan,
        monthly_fee,
        monthly_saving,
    } = offer;
    match monthly_saving {
        Some(saving) => {
            format!("{number}. {plan}, {monthly_fee} yuan a month, saves {saving} a month")
        }
        None => format!("{number}. {plan}, {monthly_fee} yuan a month"),
    }
}

/// A text of at most [`TEXT_CHARACTERS_MAX`] characters.
#[must_use]
pub fn shortened(text: &str) -> String {
    text.chars().take(TEXT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<OfferLine> {
        let line = |number, plan: &str, fee, saving| OfferLine {
            number,
            plan: plan.to_owned(),
            monthly_fee: Money::from_fen(fee),
            monthly_saving: saving,
        };
        vec![
            line(1, "畅享58", 5800, Some(Money::from_fen(2310))),
            line(2, "畅享88", 8800, None),
        ]
    }

    #[test]
    fn replies_carry_the_figures() {
        let reply = Reply::BestPlans {
            offers: offers(),
            months: 6,
        };
        assert_eq!(
            reply.text(Language::Chinese),
            "按您近6个月的用量测算：1.畅享58，月费58.00元，平均每月省23.10元；2.畅享88，月费88.00元。回复序号办理，如“1”；回复TD退订。"
        );
        assert_eq!(
            reply.text(Language::English),
            "From your usage of 6 months: 1. 畅享58, 58.00 yuan a month, saves 23.10 a month; 2. 畅享88, 88.00 yuan a month. \
             Reply with the number to order, TD to stop offers."
        );
    }

    #[test]
    fn every_reply_fits_and_is_in_its_language() {
        let plan = || "很长的名字".repeat(200);
        for reply in [
            Reply::BestPlans {
                offers: offers(),
                months: 12,
            },
            Reply::NothingBetter,
            Reply::NoUsage,
            Reply::NotNow,
            Reply::Offers(offers()),
            Reply::NoOffers,
            Reply::Accepted { plan: plan() },
            Reply::AcceptedBefore { plan: plan() },
            Reply::NoSuchOffer(9),
            Reply::Help,
            Reply::OptedOut,
            Reply::OptedIn,
        ] {
            for language in [Language::Chinese, Language::English] {
                let text = reply.text(language);
                assert!((1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count()));
            }
            assert!(!reply.text(Language::Chinese).is_ascii());
            assert_ne!(reply.text(Language::Chinese), reply.text(Language::English));
        }
    }
}
