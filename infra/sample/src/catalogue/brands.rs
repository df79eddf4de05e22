//! The plans of the three brands: 全球通 GoTone, 动感地带 M-Zone, 神州行 Easyown.

use super::prices::{ClassicCalls, GB, MB, MINUTE, calls, plan};
use super::words::{EASYOWN, GOTONE, MZONE, STUDENTS};
use crate::document::{Bound, Discount, Eligibility, Increment, Kind, OneOffFee, Phase, Plan, Selector, Tier, text};

/// Add-ons of GoTone plans.
const GOTONE_ADD_ONS: &[&str] = &["data-10g", "data-30g", "voice-200", "voice-discount", "roam-1g", "roam-3g", "international-60"];
/// Add-ons of M-Zone plans.
const MZONE_ADD_ONS: &[&str] = &["data-10g", "data-30g", "night-20g", "video-member", "video-30g", "sms-100", "sms-300"];
/// Add-ons of the smallest M-Zone plans.
const MZONE_SMALL_ADD_ONS: &[&str] = &["night-20g", "voice-100", "sms-100", "sms-300"];
/// Add-ons of campus plans.
const CAMPUS_ADD_ONS: &[&str] = &["data-10g", "night-20g", "wlan-campus-100h", "sms-100"];
/// Add-ons of Easyown plans with allowances.
const EASYOWN_ADD_ONS: &[&str] = &["data-500m", "data-1g", "voice-100", "sms-100", "mms-30", "family-free"];
/// Add-ons of classic plans.
const CLASSIC_ADD_ONS: &[&str] = &["data-100m", "data-500m", "data-1g", "sms-100", "mms-30"];

/// What classic price lists charge unless they say otherwise.
const CLASSIC: ClassicCalls =
    ClassicCalls { local: "0.25", long_distance: "0.35", roaming: "0.39", family_number: "0.25", called: "0", roaming_called: "0" };

pub(crate) fn gotone() -> Vec<Plan> {
    let premier = |id, zh, en, fee, minutes, data_gb, messages| {
        plan(id, zh, en, GOTONE, fee).modern().minutes(minutes).data(data_gb * GB).messages(messages).with(GOTONE_ADD_ONS).first_month_by_day()
    };
    let business = |id, zh, en, fee, minutes, data_gb| {
        plan(id, zh, en, GOTONE, fee).modern().minutes(minutes).data(data_gb * GB).messages(100).with(GOTONE_ADD_ONS)
    };
    let roaming_data = |plan: Plan, gb| plan.data_included("roaming-data", text("国际漫游流量", "Data abroad"), &["roaming"], gb * GB);
    vec![
        premier("gotone-58", "全球通畅享58", "GoTone Select 58", 58, 150, 5, 50),
        premier("gotone-88", "全球通畅享88", "GoTone Select 88", 88, 300, 10, 100),
        premier("gotone-128", "全球通畅享128", "GoTone Select 128", 128, 500, 20, 100).data_rolls_over(Some(10 * GB)),
        premier("gotone-158", "全球通尊享158", "GoTone Premier 158", 158, 700, 40, 200).data_rolls_over(Some(20 * GB)),
        premier("gotone-198", "全球通尊享198", "GoTone Premier 198", 198, 1000, 60, 200).data_rolls_over(Some(30 * GB)),
        premier("gotone-238", "全球通尊享238", "GoTone Premier 238", 238, 1500, 80, 300).data_rolls_over(None),
        premier("gotone-288", "全球通尊享288", "GoTone Premier 288", 288, 2000, 100, 300).data_rolls_over(None),
        roaming_data(premier("gotone-388", "全球通至尊388", "GoTone Prestige 388", 388, 3000, 150, 500), 2).data_rolls_over(None),
        roaming_data(premier("gotone-588", "全球通至尊588", "GoTone Prestige 588", 588, 5000, 200, 1000), 10).data_rolls_over(None),
        business("gotone-business-68", "全球通商务68", "GoTone Business 68", 68, 500, 2),
        business("gotone-business-118", "全球通商务118", "GoTone Business 118", 118, 1000, 4),
        business("gotone-business-168", "全球通商务168", "GoTone Business 168", 168, 2000, 6),
        roaming_data(business("gotone-travel-128", "全球通环球行128", "GoTone Traveller 128", 128, 300, 10), 3).calls_included(
            "international-minutes",
            text("国际长途分钟", "Minutes of international calls"),
            &["international"],
            60,
        ),
        Plan {
            discounts: vec![Discount {
                id: "loyalty",
                name: text("老用户语音九折", "Ten per cent off calls for loyal customers"),
                percent: Some("10"),
                amount: None,
                lines: &["voice"],
                first_months: None,
            }],
            eligible: Eligibility { brands: Some(&[GOTONE]), customer_types: Some(&["individual", "enterprise"]), ..Eligibility::default() },
            ..premier("gotone-loyal-108", "全球通老友108", "GoTone Loyalty 108", 108, 400, 15, 100)
        },
        Plan { minimum: Some(Bound { amount: "50", lines: &["all"] }), ..plan("gotone-classic-50", "全球通标准资费", "GoTone Standard", GOTONE, 0) }
            .classic(ClassicCalls { called: "0.20", roaming_called: "0.39", ..CLASSIC })
            .with(CLASSIC_ADD_ONS)
            .sold_until("2015-12-31"),
        plan("gotone-classic-88", "全球通88（老套餐）", "GoTone 88 (legacy)", GOTONE, 88)
            .classic(ClassicCalls { local: "0.20", long_distance: "0.25", roaming: "0.29", ..CLASSIC })
            .calls_included("local-minutes", text("本地主叫分钟", "Minutes of local calls"), &["local"], 350)
            .data(150 * MB)
            .with(CLASSIC_ADD_ONS)
            .sold_until("2018-06-30"),
    ]
}

pub(crate) fn mzone() -> Vec<Plan> {
    let bundle = |id, zh, en, fee, minutes, data_gb, messages| {
        plan(id, zh, en, MZONE, fee).modern().minutes(minutes).data(data_gb * GB).messages(messages).with(MZONE_ADD_ONS).first_month_by_day()
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
        plan("mzone-18", "动感地带轻享18", "M-Zone Light 18", MZONE, 18).modern().minutes(30).data(GB).messages(30).with(MZONE_SMALL_ADD_ONS),
        bundle("mzone-28", "动感地带畅玩28", "M-Zone Play 28", 28, 50, 5, 50),
        bundle("mzone-38", "动感地带畅玩38", "M-Zone Play 38", 38, 80, 10, 50),
        Plan {
            phases: vec![Phase { months: 6, fee: None, fee_percent: Some("50") }],
            ..bundle("mzone-58", "动感地带畅玩58", "M-Zone Play 58", 58, 100, 20, 50)
        },
        bundle("mzone-78", "动感地带畅玩78", "M-Zone Play 78", 78, 150, 40, 100),
        bundle("mzone-98", "动感地带酷玩98", "M-Zone Max 98", 98, 200, 70, 100),
        bundle("mzone-138", "动感地带酷玩138", "M-Zone Max 138", 138, 300, 120, 100),
        plan("mzone-rollover-36", "动感地带月月享36", "M-Zone Carry-over 36", MZONE, 36)
            .modern()
            .minutes(60)
            .data(12 * GB)
            .messages(30)
            .data_rolls_over(None)
            .with(&["sms-100"]),
        plan("mzone-night-29", "动感地带夜猫29", "M-Zone Night Owl 29", MZONE, 29).modern().minutes(50).data(2 * GB).night_data(60 * GB).with(&["sms-100"]),
        plan("mzone-night-49", "动感地带夜猫49", "M-Zone Night Owl 49", MZONE, 49)
            .modern()
            .minutes(100)
            .data(8 * GB)
            .night_data(100 * GB)
            .with(&["data-10g", "sms-100"]),
        plan("mzone-message-16", "动感地带短信王16", "M-Zone Messenger 16", MZONE, 16).modern().minutes(20).data(500 * MB).messages(800).with(&["data-1g"]),
        campus("mzone-campus-19", "动感校园19", "M-Zone Campus 19", 19, 50, 5, 40),
        campus("mzone-campus-29", "动感校园29", "M-Zone Campus 29", 29, 100, 15, 120),
        campus("mzone-campus-39", "动感校园39", "M-Zone Campus 39", 39, 150, 25, 200),
        flexible_plan(),
        plan("mzone-music-20", "动感地带音乐20（老套餐）", "M-Zone Music 20 (legacy)", MZONE, 20)
            .classic(ClassicCalls { local: "0.15", ..CLASSIC })
            .data(70 * MB)
            .messages(300)
            .with(CLASSIC_ADD_ONS)
            .sold_until("2016-12-31"),
    ]
}

/// A plan whose data price is a staircase: a package for the first 5 GB, then by started GB.
fn flexible_plan() -> Plan {
    let mut plan = plan("mzone-flex-5", "动感地带随心用", "M-Zone Flex", MZONE, 5).modern().with(&["voice-100", "sms-100"]);
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "data") {
        rate.per = GB;
        rate.block = Some("up");
        rate.tiers = vec![Tier { up_to: Some(5 * GB), price: "0", flat: Some("10") }, Tier { up_to: None, price: "4", flat: None }];
        rate.cap = None;
    }
    plan
}

pub(crate) fn easyown() -> Vec<Plan> {
    vec![
        plan("easyown-8", "神州行轻松8", "Easyown Basic 8", EASYOWN, 8).modern().minutes(30).data(100 * MB).messages(10).with(&["data-100m"]),
        pay_as_you_go(),
        by_six_seconds(),
        plan("easyown-home-15", "神州行本地通15", "Easyown Local 15", EASYOWN, 15)
            .classic(ClassicCalls { local: "0.09", long_distance: "0.19", roaming: "0.29", family_number: "0.09", ..CLASSIC })
            .data(100 * MB)
            .with(CLASSIC_ADD_ONS),
        plan("easyown-distance-20", "神州行长途通20", "Easyown Long Distance 20", EASYOWN, 20)
            .classic(ClassicCalls { long_distance: "0.07", roaming: "0.29", ..CLASSIC })
            .data(200 * MB)
            .with(CLASSIC_ADD_ONS),
        plan("easyown-kin-16", "神州行亲情通16", "Easyown Kin 16", EASYOWN, 16)
            .classic(ClassicCalls { local: "0.19", long_distance: "0.19", roaming: "0.19", family_number: "0", ..CLASSIC })
            .data(500 * MB)
            .messages(30)
            .with(CLASSIC_ADD_ONS),
        plan("easyown-19", "神州行家园19", "Easyown Homeland 19", EASYOWN, 19)
            .modern()
            .minutes(100)
            .data_included("local-data", text("省内流量", "Data within the province"), &["local"], GB)
            .with(&["local-10g", "sms-100", "mms-30"]),
        plan("easyown-25", "神州行畅聊25", "Easyown Talk 25", EASYOWN, 25).modern().minutes(120).data(GB).messages(30).with(EASYOWN_ADD_ONS),
        plan("easyown-38", "神州行畅聊38", "Easyown Talk 38", EASYOWN, 38).modern().minutes(240).data(3 * GB).messages(50).with(EASYOWN_ADD_ONS),
        plan("easyown-48", "神州行畅聊48", "Easyown Talk 48", EASYOWN, 48).modern().minutes(400).data(5 * GB).messages(50).with(EASYOWN_ADD_ONS),
        points_plan(),
        Plan {
            one_off_fees: vec![OneOffFee { id: "card", name: text("开户卡费", "SIM card"), amount: "10" }],
            maximum: Some(Bound { amount: "60", lines: &["all"] }),
            ..plan("easyown-calm-29", "神州行安心卡29", "Easyown Calm 29", EASYOWN, 29).modern().minutes(200).data(2 * GB).messages(50)
        }
        .sold_until("2021-12-31"),
        plan("easyown-classic-10", "神州行家园卡（老套餐）", "Easyown Village (legacy)", EASYOWN, 10)
            .classic(ClassicCalls { local: "0.20", called: "0.10", roaming_called: "0.39", ..CLASSIC })
            .with(CLASSIC_ADD_ONS)
            .sold_until("2014-12-31"),
    ]
}

/// No fee, a minimum spend, and calls that become cheaper from the hundredth minute.
fn pay_as_you_go() -> Plan {
    let mut plan = Plan {
        minimum: Some(Bound { amount: "12", lines: &["all"] }),
        ..plan("easyown-payg", "神州行标准资费", "Easyown Pay As You Go", EASYOWN, 0)
    }
    .classic(CLASSIC)
    .with(CLASSIC_ADD_ONS);
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "voice-local") {
        rate.tiers = vec![Tier { up_to: Some(100 * MINUTE), price: "0.25", flat: None }, Tier { up_to: None, price: "0.15", flat: None }];
    }
    plan
}

/// Calls by started six seconds.
fn by_six_seconds() -> Plan {
    let mut plan = plan("easyown-second-12", "神州行精打细算12", "Easyown Six Seconds 12", EASYOWN, 12).classic(CLASSIC).data(50 * MB).with(CLASSIC_ADD_ONS);
    for rate in plan.rates.iter_mut().filter(|rate| rate.increment.is_some()) {
        rate.increment = Some(Increment { first: 6, next: 6 });
    }
    plan
}

/// One bucket for calls and messages: a text message takes as much of it as half a minute, a multimedia message as two.
fn points_plan() -> Plan {
    let mut plan = plan("easyown-points-32", "神州行自由选32", "Easyown Points 32", EASYOWN, 32).modern().data(2 * GB).with(&["data-1g", "family-free"]);
    let per = |kind, categories, factor| Selector { factor: Some(factor), ..Selector::of(kind, categories) };
    plan.allowances.push(super::prices::allowance(
        "points",
        text("自由点数", "Points"),
        "points",
        // A point is a second of calls, so that every factor is a whole number.
        200 * MINUTE,
        vec![
            per(Kind::Voice, &["local", "long_distance", "roaming", "family_number"], "1"),
            per(Kind::Sms, &["domestic"], "30"),
            per(Kind::Mms, &["domestic"], "120"),
        ],
    ));
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "voice") {
        *rate = calls("voice", text("国内主叫", "Calls within China"), super::words::CALLS, "0.17");
    }
    plan
}
