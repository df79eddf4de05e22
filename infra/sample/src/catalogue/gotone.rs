//! The plans of 全球通 GoTone: for those who telephone and travel much.

use super::prices::{CLASSIC, CLASSIC_ADD_ONS, ClassicCalls, GB, MB, plan};
use super::words::GOTONE;
use crate::document::{Bound, Discount, Eligibility, Plan, text};

/// Add-ons of GoTone plans.
const GOTONE_ADD_ONS: &[&str] = &[
    "data-10g",
    "data-30g",
    "voice-200",
    "voice-discount",
    "roam-1g",
    "roam-3g",
    "international-60",
];

pub(crate) fn plans() -> Vec<Plan> {
    let premier = |id, zh, en, fee, minutes, data_gb, messages| {
        plan(id, zh, en, GOTONE, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(messages)
            .with(GOTONE_ADD_ONS)
            .first_month_by_day()
    };
    let business = |id, zh, en, fee, minutes, data_gb| {
        plan(id, zh, en, GOTONE, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(100)
            .with(GOTONE_ADD_ONS)
    };
    let roaming_data = |plan: Plan, gb| {
        plan.data_included(
            "roaming-data",
            text("国际漫游流量", "Data abroad"),
            &["roaming"],
            gb * GB,
        )
    };
    vec![
        premier(
            "gotone-58",
            "全球通畅享58",
            "GoTone Select 58",
            58,
            150,
            5,
            50,
        ),
        premier(
            "gotone-88",
            "全球通畅享88",
            "GoTone Select 88",
            88,
            300,
            10,
            100,
        ),
        premier(
            "gotone-128",
            "全球通畅享128",
            "GoTone Select 128",
            128,
            500,
            20,
            100,
        )
        .data_rolls_over(Some(10 * GB)),
        premier(
            "gotone-158",
            "全球通尊享158",
            "GoTone Premier 158",
            158,
            700,
            40,
            200,
        )
        .data_rolls_over(Some(20 * GB)),
        premier(
            "gotone-198",
            "全球通尊享198",
            "GoTone Premier 198",
            198,
            1000,
            60,
            200,
        )
        .data_rolls_over(Some(30 * GB)),
        premier(
            "gotone-238",
            "全球通尊享238",
            "GoTone Premier 238",
            238,
            1500,
            80,
            300,
        )
        .data_rolls_over(None),
        premier(
            "gotone-288",
            "全球通尊享288",
            "GoTone Premier 288",
            288,
            2000,
            100,
            300,
        )
        .data_rolls_over(None),
        roaming_data(
            premier(
                "gotone-388",
                "全球通至尊388",
                "GoTone Prestige 388",
                388,
                3000,
                150,
                500,
            ),
            2,
        )
        .data_rolls_over(None),
        roaming_data(
            premier(
                "gotone-588",
                "全球通至尊588",
                "GoTone Prestige 588",
                588,
                5000,
                200,
                1000,
            ),
            10,
        )
        .data_rolls_over(None),
        business(
            "gotone-business-68",
            "全球通商务68",
            "GoTone Business 68",
            68,
            500,
            2,
        ),
        business(
            "gotone-business-118",
            "全球通商务118",
            "GoTone Business 118",
            118,
            1000,
            4,
        ),
        business(
            "gotone-business-168",
            "全球通商务168",
            "GoTone Business 168",
            168,
            2000,
            6,
        ),
        roaming_data(
            business(
                "gotone-travel-128",
                "全球通环球行128",
                "GoTone Traveller 128",
                128,
                300,
                10,
            ),
            3,
        )
        .calls_included(
            "international-minutes",
            text("国际长途分钟", "Minutes of international calls"),
            &["international"],
            60,
        ),
        Plan {
            discounts: vec![Discount {
                id: "loyalty",
                name: text(
                    "老用户语音九折",
                    "Ten per cent off calls for loyal customers",
                ),
                percent: Some("10"),
                amount: None,
                lines: &["voice"],
                first_months: None,
            }],
            eligible: Eligibility {
                brands: Some(&[GOTONE]),
                customer_types: Some(&["individual", "enterprise"]),
                ..Eligibility::default()
            },
            ..premier(
                "gotone-loyal-108",
                "全球通老友108",
                "GoTone Loyalty 108",
                108,
                400,
                15,
                100,
            )
        },
        Plan {
            minimum: Some(Bound {
                amount: "50",
                lines: &["all"],
            }),
            ..plan(
                "gotone-classic-50",
                "全球通标准资费",
                "GoTone Standard",
                GOTONE,
                0,
            )
        }
        .classic(ClassicCalls {
            called: "0.20",
            roaming_called: "0.39",
            ..CLASSIC
        })
        .with(CLASSIC_ADD_ONS)
        .sold_until("2015-12-31"),
        plan(
            "gotone-classic-88",
            "全球通88（老套餐）",
            "GoTone 88 (legacy)",
            GOTONE,
            88,
        )
        .classic(ClassicCalls {
            local: "0.20",
            long_distance: "0.25",
            roaming: "0.29",
            ..CLASSIC
        })
        .calls_included(
            "local-minutes",
            text("本地主叫分钟", "Minutes of local calls"),
            &["local"],
            350,
        )
        .data(150 * MB)
        .with(CLASSIC_ADD_ONS)
        .sold_until("2018-06-30"),
    ]
}
