//! Prices and allowances that many plans have in common, and the small words by which the price lists are written down.
//!
//! The figures are of the order of public price lists of the last fifteen years; none is copied from one.

use super::words::{CALLED, CALLS, DATA, PEOPLE};
use crate::document::{
    Allowance, Cap, Eligibility, Increment, Kind, Plan, Rate, RateCap, Rollover, Selector, Text,
    Tier, text,
};

/// KB in a MB and in a GB.
pub(crate) const MB: u64 = 1024;
pub(crate) const GB: u64 = 1024 * MB;
/// Seconds in a minute.
pub(crate) const MINUTE: u64 = 60;

fn rate(
    id: &'static str,
    name: Text,
    covers: Vec<Selector>,
    per: u64,
    price: &'static str,
) -> Rate {
    Rate {
        id,
        name,
        covers,
        increment: None,
        convert: None,
        free_units: 0,
        mode: None,
        per,
        block: None,
        tiers: vec![Tier {
            up_to: None,
            price,
            flat: None,
        }],
        cap: None,
    }
}

/// Calls by started minute.
pub(crate) fn calls(
    id: &'static str,
    name: Text,
    categories: &'static [&'static str],
    price_per_minute: &'static str,
) -> Rate {
    Rate {
        increment: Some(Increment {
            first: MINUTE,
            next: MINUTE,
        }),
        ..rate(
            id,
            name,
            vec![Selector::of(Kind::Voice, categories)],
            MINUTE,
            price_per_minute,
        )
    }
}

/// Data by MB; every `block_kb` costs `block_price` at most, the rest of the block is then free.
pub(crate) fn data(
    id: &'static str,
    name: Text,
    categories: &'static [&'static str],
    price_per_mb: &'static str,
    block_kb: u64,
    block_price: &'static str,
) -> Rate {
    Rate {
        cap: Some(RateCap {
            amount: block_price,
            every: Some(block_kb),
            then: "free",
        }),
        ..rate(
            id,
            name,
            vec![Selector::of(Kind::Data, categories)],
            MB,
            price_per_mb,
        )
    }
}

fn messages(
    id: &'static str,
    name: Text,
    kind: Kind,
    categories: &'static [&'static str],
    price: &'static str,
) -> Rate {
    rate(id, name, vec![Selector::of(kind, categories)], 1, price)
}

/// WLAN by the minute, in exact proportion.
pub(crate) fn wlan(
    id: &'static str,
    name: Text,
    categories: &'static [&'static str],
    price_per_minute: &'static str,
) -> Rate {
    rate(
        id,
        name,
        vec![Selector::of(Kind::Wlan, categories)],
        MINUTE,
        price_per_minute,
    )
}

/// What all plans for people charge for the rarer kinds.
fn rarer_rates() -> Vec<Rate> {
    vec![
        calls(
            "voice-international",
            text("国际及港澳台长途", "International calls"),
            &["international"],
            "1.50",
        ),
        data(
            "data-roaming",
            text("国际漫游流量", "Data abroad"),
            &["roaming"],
            "1.00",
            GB,
            "90",
        ),
        messages(
            "sms",
            text("国内短信", "Text messages"),
            Kind::Sms,
            &["domestic"],
            "0.10",
        ),
        messages(
            "sms-international",
            text("国际短信", "International text messages"),
            Kind::Sms,
            &["international"],
            "1.00",
        ),
        messages(
            "mms",
            text("国内彩信", "Multimedia messages"),
            Kind::Mms,
            &["domestic"],
            "0.30",
        ),
        wlan(
            "wlan-public",
            text("公共WLAN", "Public WLAN"),
            &["public"],
            "0.05",
        ),
        wlan(
            "wlan-campus",
            text("校园WLAN", "Campus WLAN"),
            &["campus"],
            "0.02",
        ),
    ]
}

/// What a modern plan charges beyond its allowances: one price for all calls, data at most 5 yuan a GB.
pub(crate) fn modern_rates() -> Vec<Rate> {
    let mut rates = vec![
        calls(
            "voice",
            text("国内主叫", "Calls within China"),
            CALLS,
            "0.19",
        ),
        calls("voice-called", text("接听", "Incoming calls"), CALLED, "0"),
        data(
            "data",
            text("国内流量", "Data within China"),
            DATA,
            "0.29",
            GB,
            "5",
        ),
    ];
    rates.extend(rarer_rates());
    rates
}

/// Prices of a minute under a classic plan.
#[derive(Clone, Copy)]
pub(crate) struct ClassicCalls {
    pub(crate) local: &'static str,
    pub(crate) long_distance: &'static str,
    pub(crate) roaming: &'static str,
    pub(crate) family_number: &'static str,
    pub(crate) called: &'static str,
    pub(crate) roaming_called: &'static str,
}

/// What classic price lists charge unless they say otherwise.
pub(crate) const CLASSIC: ClassicCalls = ClassicCalls {
    local: "0.25",
    long_distance: "0.35",
    roaming: "0.39",
    family_number: "0.25",
    called: "0",
    roaming_called: "0",
};

/// Add-ons of classic plans.
pub(crate) const CLASSIC_ADD_ONS: &[&str] =
    &["data-100m", "data-500m", "data-1g", "sms-100", "mms-30"];

/// What a classic plan charges: every category of calls at its own price, data at most 10 yuan for 100 MB.
pub(crate) fn classic_rates(price: ClassicCalls) -> Vec<Rate> {
    let mut rates = vec![
        calls(
            "voice-local",
            text("本地主叫", "Local calls"),
            &["local"],
            price.local,
        ),
        calls(
            "voice-long-distance",
            text("国内长途", "Long-distance calls"),
            &["long_distance"],
            price.long_distance,
        ),
        calls(
            "voice-roaming",
            text("国内漫游主叫", "Calls while roaming in China"),
            &["roaming"],
            price.roaming,
        ),
        calls(
            "voice-family",
            text("亲情号码", "Calls to family numbers"),
            &["family_number"],
            price.family_number,
        ),
        calls(
            "voice-called",
            text("本地被叫", "Incoming calls"),
            &["called"],
            price.called,
        ),
        calls(
            "voice-roaming-called",
            text("国内漫游被叫", "Incoming calls while roaming"),
            &["roaming_called"],
            price.roaming_called,
        ),
        data(
            "data",
            text("国内流量", "Data within China"),
            DATA,
            "0.29",
            100 * MB,
            "10",
        ),
    ];
    rates.extend(rarer_rates());
    rates
}

/// The ceiling that goes with classic data prices: at 500 yuan the service stops until the next month.
pub(crate) fn classic_ceiling() -> Cap {
    Cap {
        id: "data-ceiling",
        name: text("流量费500元封顶", "Data stops at 500 yuan"),
        lines: Some(&["data"]),
        amount: Some("500"),
        covers: None,
        quantity: None,
        then: "stop",
    }
}

/// An allowance that ends with the month.
pub(crate) fn allowance(
    id: &'static str,
    name: Text,
    unit: &'static str,
    amount: u64,
    covers: Vec<Selector>,
) -> Allowance {
    Allowance {
        id,
        name,
        unit,
        amount,
        priority: None,
        covers,
        rollover: None,
        shared_in_family: false,
        first_months: None,
    }
}

/// Data that can be carried into the next month, at most `amount_max` KB of it.
pub(crate) const fn next_month(amount_max: Option<u64>) -> Rollover {
    Rollover {
        months: 1,
        amount_max,
    }
}

/// A plan with a fee and nothing else yet; the functions below add to it.
pub(crate) fn plan(
    id: &'static str,
    zh: &'static str,
    en: &'static str,
    brand: &'static str,
    fee_yuan: u64,
) -> Plan {
    Plan {
        id,
        name: text(zh, en),
        brand,
        monthly_fee: fee_yuan.to_string(),
        eligible: Eligibility {
            customer_types: Some(PEOPLE),
            ..Eligibility::default()
        },
        ..Plan::default()
    }
}

impl Plan {
    /// Modern prices beyond the allowances.
    pub(crate) fn modern(self) -> Self {
        Self {
            rates: modern_rates(),
            ..self
        }
    }

    /// Classic prices, with the ceiling for data.
    pub(crate) fn classic(self, price: ClassicCalls) -> Self {
        Self {
            rates: classic_rates(price),
            caps: vec![classic_ceiling()],
            ..self
        }
    }

    /// Minutes of calls within the country.
    pub(crate) fn minutes(self, minutes: u64) -> Self {
        self.calls_included(
            "minutes",
            text("国内主叫分钟", "Minutes of calls within China"),
            CALLS,
            minutes,
        )
    }

    /// Minutes of some categories of calls.
    pub(crate) fn calls_included(
        mut self,
        id: &'static str,
        name: Text,
        categories: &'static [&'static str],
        minutes: u64,
    ) -> Self {
        self.allowances.push(allowance(
            id,
            name,
            "seconds",
            minutes * MINUTE,
            vec![Selector::of(Kind::Voice, categories)],
        ));
        self
    }

    /// Data within the country at any time.
    pub(crate) fn data(self, kb: u64) -> Self {
        self.data_included(
            "data-included",
            text("国内流量", "Data within China"),
            DATA,
            kb,
        )
    }

    /// Data of some categories at any time.
    pub(crate) fn data_included(
        mut self,
        id: &'static str,
        name: Text,
        categories: &'static [&'static str],
        kb: u64,
    ) -> Self {
        self.allowances.push(allowance(
            id,
            name,
            "kb",
            kb,
            vec![Selector::of(Kind::Data, categories)],
        ));
        self
    }

    /// Data within the country at night only, used before what can be used at any time.
    pub(crate) fn night_data(mut self, kb: u64) -> Self {
        let covers = vec![Selector {
            bands: Some(&["night"]),
            ..Selector::of(Kind::Data, DATA)
        }];
        self.allowances.push(Allowance {
            priority: Some(50),
            ..allowance(
                "night-data",
                text("夜间流量", "Night data"),
                "kb",
                kb,
                covers,
            )
        });
        self
    }

    /// Text messages within the country.
    pub(crate) fn messages(mut self, count: u64) -> Self {
        let covers = vec![Selector::of(Kind::Sms, &["domestic"])];
        self.allowances.push(allowance(
            "messages",
            text("国内短信", "Text messages"),
            "count",
            count,
            covers,
        ));
        self
    }

    /// Time on a WLAN.
    pub(crate) fn wlan(mut self, categories: &'static [&'static str], hours: u64) -> Self {
        let covers = vec![Selector::of(Kind::Wlan, categories)];
        self.allowances.push(allowance(
            "wlan-included",
            text("WLAN时长", "WLAN time"),
            "seconds",
            hours * 60 * MINUTE,
            covers,
        ));
        self
    }

    /// Lets the rest of every data allowance last one month longer.
    pub(crate) fn data_rolls_over(mut self, amount_max: Option<u64>) -> Self {
        for allowance in self
            .allowances
            .iter_mut()
            .filter(|allowance| allowance.unit == "kb")
        {
            allowance.rollover = Some(next_month(amount_max));
        }
        self
    }

    /// Add-ons that can be taken with it.
    pub(crate) fn with(self, add_ons: &'static [&'static str]) -> Self {
        Self { add_ons, ..self }
    }

    /// Last day of sale; who has the plan keeps it.
    pub(crate) fn sold_until(mut self, day: &'static str) -> Self {
        self.sale.until = Some(day);
        self
    }

    /// First day of sale.
    pub(crate) fn sold_from(mut self, day: &'static str) -> Self {
        self.sale.from = Some(day);
        self
    }

    /// Types of customers who can buy it.
    pub(crate) fn only_for(mut self, customer_types: &'static [&'static str]) -> Self {
        self.eligible.customer_types = Some(customer_types);
        self
    }

    /// Cities in which it is sold.
    pub(crate) fn only_in(mut self, regions: &'static [&'static str]) -> Self {
        self.eligible.regions = Some(regions);
        self
    }

    /// The fee of the month of joining is taken by days, and so are the allowances.
    pub(crate) fn first_month_by_day(self) -> Self {
        Self {
            first_month: Some("by_day"),
            prorate_allowances: true,
            ..self
        }
    }
}
