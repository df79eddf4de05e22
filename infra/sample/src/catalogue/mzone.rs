//! The plans of 动感地带 M-Zone: data above all, for young people and on campus.

use super::prices::{CLASSIC, CLASSIC_ADD_ONS, ClassicCalls, GB, MB, plan};
use super::words::{MZONE, STUDENTS};
use crate::document::{Phase, Plan, Tier};

/// Add-ons of M-Zone plans.
const MZONE_ADD_ONS: &[&str] = &[
    "data-10g",
    "data-30g",
    "night-20g",
    "video-member",
    "video-30g",
    "sms-100",
    "sms-300",
];

/// Add-ons of the smallest M-Zone plans.
const MZONE_SMALL_ADD_ONS: &[&str] = &["night-20g", "voice-100", "sms-100", "sms-300"];

/// Add-ons of campus plans.
const CAMPUS_ADD_ONS: &[&str] = &["data-10g", "night-20g", "wlan-campus-100h", "sms-100"];

pub(crate) fn plans() -> Vec<Plan> {
    let bundle = |id, zh, en, fee, minutes, data_gb, messages| {
        plan(id, zh, en, MZONE, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(messages)
            .with(MZONE_ADD_ONS)
            .first_month_by_day()
    };
    let campus = |id, zh, en, fee, minutes, data_gb, wlan_hours| {
        plan(id, zh, en, MZONE, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(100)
            .wlan(&["campus"], wlan_hours)
            .only_for(STUDENTS)
            .with(CAMPUS_ADD_ONS)
    };
    vec![
        plan("mzone-18", "动感地带轻享18", "M-Zone Light 18", MZONE, 18)
            .modern()
            .minutes(30)
            .data(GB)
            .messages(30)
            .with(MZONE_SMALL_ADD_ONS),
        bundle(
            "mzone-28",
            "动感地带畅玩28",
            "M-Zone Play 28",
            28,
            50,
            5,
            50,
        ),
        bundle(
            "mzone-38",
            "动感地带畅玩38",
            "M-Zone Play 38",
            38,
            80,
            10,
            50,
        ),
        Plan {
            phases: vec![Phase {
                months: 6,
                fee: None,
                fee_percent: Some("50"),
            }],
            ..bundle(
                "mzone-58",
                "动感地带畅玩58",
                "M-Zone Play 58",
                58,
                100,
                20,
                50,
            )
        },
        bundle(
            "mzone-78",
            "动感地带畅玩78",
            "M-Zone Play 78",
            78,
            150,
            40,
            100,
        ),
        bundle(
            "mzone-98",
            "动感地带酷玩98",
            "M-Zone Max 98",
            98,
            200,
            70,
            100,
        ),
        bundle(
            "mzone-138",
            "动感地带酷玩138",
            "M-Zone Max 138",
            138,
            300,
            120,
            100,
        ),
        plan(
            "mzone-rollover-36",
            "动感地带月月享36",
            "M-Zone Carry-over 36",
            MZONE,
            36,
        )
        .modern()
        .minutes(60)
        .data(12 * GB)
        .messages(30)
        .data_rolls_over(None)
        .with(&["sms-100"]),
        plan(
            "mzone-night-29",
            "动感地带夜猫29",
            "M-Zone Night Owl 29",
            MZONE,
            29,
        )
        .modern()
        .minutes(50)
        .data(2 * GB)
        .night_data(60 * GB)
        .with(&["sms-100"]),
        plan(
            "mzone-night-49",
            "动感地带夜猫49",
            "M-Zone Night Owl 49",
            MZONE,
            49,
        )
        .modern()
        .minutes(100)
        .data(8 * GB)
        .night_data(100 * GB)
        .with(&["data-10g", "sms-100"]),
        plan(
            "mzone-message-16",
            "动感地带短信王16",
            "M-Zone Messenger 16",
            MZONE,
            16,
        )
        .modern()
        .minutes(20)
        .data(500 * MB)
        .messages(800)
        .with(&["data-1g"]),
        campus(
            "mzone-campus-19",
            "动感校园19",
            "M-Zone Campus 19",
            19,
            50,
            5,
            40,
        ),
        campus(
            "mzone-campus-29",
            "动感校园29",
            "M-Zone Campus 29",
            29,
            100,
            15,
            120,
        ),
        campus(
            "mzone-campus-39",
            "动感校园39",
            "M-Zone Campus 39",
            39,
            150,
            25,
            200,
        ),
        flexible_plan(),
        plan(
            "mzone-music-20",
            "动感地带音乐20（老套餐）",
            "M-Zone Music 20 (legacy)",
            MZONE,
            20,
        )
        .classic(ClassicCalls {
            local: "0.15",
            ..CLASSIC
        })
        .data(70 * MB)
        .messages(300)
        .with(CLASSIC_ADD_ONS)
        .sold_until("2016-12-31"),
    ]
}

/// A plan whose data price is a staircase: a package for the first 5 GB, then by started GB.
fn flexible_plan() -> Plan {
    let mut plan = plan("mzone-flex-5", "动感地带随心用", "M-Zone Flex", MZONE, 5)
        .modern()
        .with(&["voice-100", "sms-100"]);
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "data") {
        rate.per = GB;
        rate.block = Some("up");
        rate.tiers = vec![
            Tier {
                up_to: Some(5 * GB),
                price: "0",
                flat: Some("10"),
            },
            Tier {
                up_to: None,
                price: "4",
                flat: None,
            },
        ];
        rate.cap = None;
    }
    plan
}
