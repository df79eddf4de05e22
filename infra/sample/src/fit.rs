//! Usage that is made for a plan, so that the plan is known to be its best.
//!
//! A [`Fit`] names a package (a plan with add-ons) and bounds the usage of each month from below and above. The proof that
//! the package is best for whatever lies between the bounds needs two prices only, because no plan for people becomes
//! cheaper by more usage: the package priced at the upper bounds is the most that it can cost, every other plan priced
//! with its best add-ons at the lower bounds is the least that it can cost, and [`Fit::margin_month_fen`] is at most their
//! difference. The tests of this crate make that comparison with the tariff simulation's own engine.
//!
//! It is not a model of customers: that is the module `archetype`.

use crate::catalogue::prices::{GB, MB};
use crate::usage::What;

/// A package, and bounds of usage for which it is the cheapest that can be had.
#[derive(Debug)]
pub struct Fit {
    /// The plan.
    pub plan_id: &'static str,
    /// Its add-ons, each with how many of it.
    pub add_ons: &'static [(&'static str, u64)],
    /// Why it is best, in Chinese.
    pub reason_zh: &'static str,
    /// Why it is best, in English.
    pub reason_en: &'static str,
    /// Any other plan with its best add-ons costs at least so much more, in fen per month on average.
    pub margin_month_fen: u64,
    pub(crate) customer_type: &'static str,
    pub(crate) services: &'static [&'static str],
    /// Bounds for months with an even and with an odd index, counted from the first month.
    pub(crate) months: [&'static [Span]; 2],
    /// The customer's family, if there is one.
    pub(crate) family: Option<FamilyFit>,
    /// Plans on which such customers are found by mistake.
    pub(crate) mistaken: &'static [&'static str],
}

/// A family that comes with a fit: so many members, each on the same plan of their own and within the same bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FamilyFit {
    pub(crate) members: u64,
    pub(crate) plan_id: &'static str,
    pub(crate) spans: &'static [Span],
}

/// Bounds of one quantity in a month, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) what: What,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// One of the two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The least usage.
    Low,
    /// The most usage.
    High,
}

impl Bound {
    pub(crate) fn of(self, span: Span) -> u64 {
        match self {
            Self::Low => span.low,
            Self::High => span.high,
        }
    }
}

const fn span(what: What, low: u64, high: u64) -> Span {
    Span { what, low, high }
}

/// Every fit of the sample.
pub fn fits() -> &'static [Fit] {
    &FITS
}

const LOCAL: What = What::Voice("local");
const LONG_DISTANCE: What = What::Voice("long_distance");
const ROAMING: What = What::Voice("roaming");
const CALLED: What = What::Voice("called");
const DOMESTIC: What = What::Data("domestic");
const MESSAGES: What = What::Sms("domestic");

const INDIVIDUAL: &str = "individual";

static FITS: [Fit; 13] = [
    fit(
        "gotone-business-168",
        [
            "通话量大且集中在长途和漫游，刚好落在2000分钟内",
            "Many calls, most of them long-distance or roaming, all within the 2,000 minutes",
        ],
        2000,
        &BUSINESS,
        &[
            "gotone-288",
            "gotone-198",
            "gotone-388",
            "gotone-classic-88",
            "easyown-48",
        ],
    ),
    fit(
        "mzone-night-29",
        [
            "流量几乎都在夜间使用，夜间流量包含在内",
            "Nearly all data is used at night, inside the night allowance",
        ],
        1500,
        &NIGHT,
        &["mzone-98", "mzone-78", "gotone-158", "mzone-58"],
    ),
    fit(
        "easyown-kin-16",
        [
            "通话几乎都打给亲情号码，亲情号码免费",
            "Nearly all calls go to family numbers, which are free",
        ],
        900,
        &KIN,
        &["easyown-38", "easyown-48", "gotone-88", "easyown-home-15"],
    ),
    fit(
        "mzone-message-16",
        [
            "短信多，都在800条以内，其他很少",
            "Many text messages, all within the 800, and little else",
        ],
        2000,
        &MESSENGER,
        &["easyown-38", "mzone-28", "mzone-music-20", "easyown-25"],
    ),
    fit(
        "easyown-8",
        [
            "用量极少，月费最低的套餐足够",
            "Next to no usage: the lowest fee is enough",
        ],
        400,
        &MINIMAL,
        &[
            "easyown-25",
            "mzone-28",
            "gotone-58",
            "easyown-payg",
            "easyown-classic-10",
        ],
    ),
    fit(
        "gotone-travel-128",
        [
            "经常在境外使用流量和国际长途，均含在套餐内",
            "Data abroad and international calls every month, inside the allowances",
        ],
        7000,
        &TRAVELLER,
        &["gotone-128", "gotone-158", "gotone-588", "gotone-88"],
    ),
    Fit {
        add_ons: &[("local-10g", 3)],
        ..fit(
            "easyown-19",
            [
                "流量都在省内使用，叠加三个省内流量包最省",
                "All data is used within the province: three local packs are cheapest",
            ],
            2000,
            &HOMELAND,
            &["mzone-58", "mzone-78", "gotone-128", "easyown-48"],
        )
    },
    Fit {
        customer_type: "student",
        ..fit(
            "mzone-campus-29",
            [
                "校园WLAN和流量都在校园套餐之内",
                "Campus WLAN and data both inside the campus plan",
            ],
            900,
            &CAMPUS,
            &["mzone-58", "mzone-campus-39", "mzone-78", "mzone-campus-19"],
        )
    },
    Fit {
        services: &["broadband"],
        ..fit(
            "fusion-99",
            [
                "已有宽带，融合套餐含够通话和流量",
                "Has broadband: the fusion plan includes the calls and the data",
            ],
            2000,
            &FUSION,
            &["gotone-198", "gotone-158", "mzone-98", "gotone-238"],
        )
    },
    Fit {
        family: Some(FamilyFit {
            members: 3,
            plan_id: "gotone-128",
            spans: &FAMILY_MEMBER,
        }),
        ..fit(
            "family-169",
            [
                "一家四口共享一个套餐，省去三份月费",
                "A family of four shares one plan and saves three monthly fees",
            ],
            2500,
            &FAMILY_HEAD,
            &["gotone-128", "gotone-158", "mzone-78", "contract-106"],
        )
    },
    fit(
        "mzone-138",
        [
            "流量很大，刚好落在120GB内",
            "A great deal of data, all within the 120 GB",
        ],
        2000,
        &HEAVY_DATA,
        &["mzone-58", "mzone-78", "gotone-388", "gotone-288"],
    ),
    Fit {
        months: [&CARRY_LOW, &CARRY_HIGH],
        ..fit(
            "mzone-rollover-36",
            [
                "流量一月少一月多，上月剩余流量正好用在下月",
                "Little data in one month and much in the next: what is left over is used up",
            ],
            900,
            &CARRY_LOW,
            &["mzone-58", "gotone-88", "mzone-38", "gotone-128"],
        )
    },
    Fit {
        add_ons: &[("video-30g", 1), ("video-member", 1)],
        ..fit(
            "mzone-28",
            [
                "流量大多看视频，视频定向流量包最划算",
                "Most data is video, for which the video pack is cheapest",
            ],
            900,
            &VIDEO,
            &["mzone-78", "mzone-98", "gotone-158", "mzone-58"],
        )
    },
];

/// A fit without add-ons for an individual, the same every month.
const fn fit(
    plan_id: &'static str,
    [reason_zh, reason_en]: [&'static str; 2],
    margin_month_fen: u64,
    spans: &'static [Span],
    mistaken: &'static [&'static str],
) -> Fit {
    Fit {
        plan_id,
        add_ons: &[],
        reason_zh,
        reason_en,
        margin_month_fen,
        customer_type: INDIVIDUAL,
        services: &[],
        months: [spans, spans],
        family: None,
        mistaken,
    }
}

const BUSINESS: [Span; 6] = [
    span(LONG_DISTANCE, 700, 760),
    span(ROAMING, 500, 550),
    span(LOCAL, 550, 600),
    span(CALLED, 400, 600),
    span(DOMESTIC, 4 * GB, 5 * GB),
    span(MESSAGES, 40, 80),
];
const NIGHT: [Span; 4] = [
    span(What::NightData("domestic"), 45 * GB, 58 * GB),
    span(DOMESTIC, GB, 1800 * MB),
    span(LOCAL, 15, 40),
    span(CALLED, 20, 60),
];
const KIN: [Span; 5] = [
    span(What::Voice("family_number"), 600, 800),
    span(LOCAL, 20, 35),
    span(CALLED, 60, 200),
    span(DOMESTIC, 200 * MB, 450 * MB),
    span(MESSAGES, 10, 25),
];
const MESSENGER: [Span; 4] = [
    span(MESSAGES, 650, 780),
    span(LOCAL, 8, 16),
    span(CALLED, 10, 40),
    span(DOMESTIC, 100 * MB, 400 * MB),
];
const MINIMAL: [Span; 4] = [
    span(LOCAL, 8, 25),
    span(CALLED, 10, 30),
    span(MESSAGES, 2, 8),
    span(DOMESTIC, 10 * MB, 80 * MB),
];
const TRAVELLER: [Span; 6] = [
    span(What::Data("roaming"), 2 * GB, 2900 * MB),
    span(What::Voice("international"), 20, 55),
    span(ROAMING, 60, 100),
    span(LOCAL, 60, 120),
    span(CALLED, 40, 160),
    span(DOMESTIC, 5 * GB, 9 * GB),
];
const HOMELAND: [Span; 3] = [
    span(What::Data("local"), 24 * GB, 29 * GB),
    span(LOCAL, 60, 95),
    span(CALLED, 40, 150),
];
const CAMPUS: [Span; 5] = [
    span(LOCAL, 40, 60),
    span(LONG_DISTANCE, 20, 30),
    span(DOMESTIC, 10 * GB, 13 * GB),
    span(What::Wlan("campus"), 80 * 60, 110 * 60),
    span(MESSAGES, 20, 80),
];
const FUSION: [Span; 5] = [
    span(LOCAL, 320, 400),
    span(LONG_DISTANCE, 110, 160),
    span(CALLED, 200, 400),
    span(DOMESTIC, 46 * GB, 57 * GB),
    span(MESSAGES, 10, 40),
];
const FAMILY_HEAD: [Span; 3] = [
    span(LOCAL, 310, 350),
    span(CALLED, 150, 300),
    span(DOMESTIC, 18 * GB, 20 * GB),
];
const FAMILY_MEMBER: [Span; 3] = [
    span(LOCAL, 340, 370),
    span(CALLED, 100, 300),
    span(DOMESTIC, 15 * GB, 17 * GB),
];
const HEAVY_DATA: [Span; 4] = [
    span(DOMESTIC, 106 * GB, 117 * GB),
    span(LOCAL, 150, 250),
    span(CALLED, 50, 250),
    span(MESSAGES, 20, 80),
];
const CARRY_LOW: [Span; 4] = [
    span(DOMESTIC, 4 * GB, 4900 * MB),
    span(LOCAL, 30, 55),
    span(CALLED, 30, 90),
    span(MESSAGES, 10, 25),
];
const CARRY_HIGH: [Span; 4] = [
    span(DOMESTIC, 18 * GB, 19_200 * MB),
    span(LOCAL, 30, 55),
    span(CALLED, 30, 90),
    span(MESSAGES, 10, 25),
];
const VIDEO: [Span; 4] = [
    span(What::Data("video"), 24 * GB, 29 * GB),
    span(DOMESTIC, 4300 * MB, 4900 * MB),
    span(LOCAL, 20, 45),
    span(CALLED, 20, 80),
];
