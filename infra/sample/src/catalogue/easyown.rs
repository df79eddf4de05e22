//! The plans of 神州行 Easyown: low fees, prices by what is used.

use super::prices::{
    CLASSIC, CLASSIC_ADD_ONS, ClassicCalls, GB, MB, MINUTE, allowance, calls, plan,
};
use super::words::{CALLS, EASYOWN};
use crate::document::{Bound, Increment, Kind, OneOffFee, Plan, Selector, Tier, text};

/// Add-ons of Easyown plans with allowances.
const EASYOWN_ADD_ONS: &[&str] = &[
    "data-500m",
    "data-1g",
    "voice-100",
    "sms-100",
    "mms-30",
    "family-free",
];

pub(crate) fn plans() -> Vec<Plan> {
    vec![
        plan("easyown-8", "神州行轻松8", "Easyown Basic 8", EASYOWN, 8)
            .modern()
            .minutes(30)
            .data(100 * MB)
            .messages(10)
            .with(&["data-100m"]),
        pay_as_you_go(),
        by_six_seconds(),
        plan(
            "easyown-home-15",
            "神州行本地通15",
            "Easyown Local 15",
            EASYOWN,
            15,
        )
        .classic(ClassicCalls {
            local: "0.09",
            long_distance: "0.19",
            roaming: "0.29",
            family_number: "0.09",
            ..CLASSIC
        })
        .data(100 * MB)
        .with(CLASSIC_ADD_ONS),
        plan(
            "easyown-distance-20",
            "神州行长途通20",
            "Easyown Long Distance 20",
            EASYOWN,
            20,
        )
        .classic(ClassicCalls {
            long_distance: "0.07",
            roaming: "0.29",
            ..CLASSIC
        })
        .data(200 * MB)
        .with(CLASSIC_ADD_ONS),
        plan(
            "easyown-kin-16",
            "神州行亲情通16",
            "Easyown Kin 16",
            EASYOWN,
            16,
        )
        .classic(ClassicCalls {
            local: "0.19",
            long_distance: "0.19",
            roaming: "0.19",
            family_number: "0",
            ..CLASSIC
        })
        .data(500 * MB)
        .messages(30)
        .with(CLASSIC_ADD_ONS),
        plan(
            "easyown-19",
            "神州行家园19",
            "Easyown Homeland 19",
            EASYOWN,
            19,
        )
        .modern()
        .minutes(100)
        .data_included(
            "local-data",
            text("省内流量", "Data within the province"),
            &["local"],
            GB,
        )
        .with(&["local-10g", "sms-100", "mms-30"]),
        plan("easyown-25", "神州行畅聊25", "Easyown Talk 25", EASYOWN, 25)
            .modern()
            .minutes(120)
            .data(GB)
            .messages(30)
            .with(EASYOWN_ADD_ONS),
        plan("easyown-38", "神州行畅聊38", "Easyown Talk 38", EASYOWN, 38)
            .modern()
            .minutes(240)
            .data(3 * GB)
            .messages(50)
            .with(EASYOWN_ADD_ONS),
        plan("easyown-48", "神州行畅聊48", "Easyown Talk 48", EASYOWN, 48)
            .modern()
            .minutes(400)
            .data(5 * GB)
            .messages(50)
            .with(EASYOWN_ADD_ONS),
        points_plan(),
        Plan {
            one_off_fees: vec![OneOffFee {
                id: "card",
                name: text("开户卡费", "SIM card"),
                amount: "10",
            }],
            maximum: Some(Bound {
                amount: "60",
                lines: &["all"],
            }),
            ..plan(
                "easyown-calm-29",
                "神州行安心卡29",
                "Easyown Calm 29",
                EASYOWN,
                29,
            )
            .modern()
            .minutes(200)
            .data(2 * GB)
            .messages(50)
        }
        .sold_until("2021-12-31"),
        plan(
            "easyown-classic-10",
            "神州行家园卡（老套餐）",
            "Easyown Village (legacy)",
            EASYOWN,
            10,
        )
        .classic(ClassicCalls {
            local: "0.20",
            called: "0.10",
            roaming_called: "0.39",
            ..CLASSIC
        })
        .with(CLASSIC_ADD_ONS)
        .sold_until("2014-12-31"),
    ]
}

/// No fee, a minimum spend, and calls that become cheaper from the hundredth minute.
fn pay_as_you_go() -> Plan {
    let mut plan = Plan {
        minimum: Some(Bound {
            amount: "12",
            lines: &["all"],
        }),
        ..plan(
            "easyown-payg",
            "神州行标准资费",
            "Easyown Pay As You Go",
            EASYOWN,
            0,
        )
    }
    .classic(CLASSIC)
    .with(CLASSIC_ADD_ONS);
    for rate in plan
        .rates
        .iter_mut()
        .filter(|rate| rate.id == "voice-local")
    {
        rate.tiers = vec![
            Tier {
                up_to: Some(100 * MINUTE),
                price: "0.25",
                flat: None,
            },
            Tier {
                up_to: None,
                price: "0.15",
                flat: None,
            },
        ];
    }
    plan
}

/// Calls by started six seconds.
fn by_six_seconds() -> Plan {
    let mut plan = plan(
        "easyown-second-12",
        "神州行精打细算12",
        "Easyown Six Seconds 12",
        EASYOWN,
        12,
    )
    .classic(CLASSIC)
    .data(50 * MB)
    .with(CLASSIC_ADD_ONS);
    for rate in plan
        .rates
        .iter_mut()
        .filter(|rate| rate.increment.is_some())
    {
        rate.increment = Some(Increment { first: 6, next: 6 });
    }
    plan
}

/// One bucket for calls and messages: a text message takes as much of it as half a minute, a multimedia message as two.
fn points_plan() -> Plan {
    let mut plan = plan(
        "easyown-points-32",
        "神州行自由选32",
        "Easyown Points 32",
        EASYOWN,
        32,
    )
    .modern()
    .data(2 * GB)
    .with(&["data-1g", "family-free"]);
    let per = |kind, categories, factor| Selector {
        factor: Some(factor),
        ..Selector::of(kind, categories)
    };
    plan.allowances.push(allowance(
        "points",
        text("自由点数", "Points"),
        "points",
        // A point is a second of calls, so that every factor is a whole number.
        200 * MINUTE,
        vec![
            per(
                Kind::Voice,
                &["local", "long_distance", "roaming", "family_number"],
                "1",
            ),
            per(Kind::Sms, &["domestic"], "30"),
            per(Kind::Mms, &["domestic"], "120"),
        ],
    ));
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "voice") {
        *rate = calls(
            "voice",
            text("国内主叫", "Calls within China"),
            CALLS,
            "0.17",
        );
    }
    plan
}
