//! The plans beside the three brands: families, fusion with broadband, cities, contracts, firms, devices.

use super::prices::{
    ClassicCalls, GB, MB, MINUTE, allowance, classic_rates, data, next_month, plan,
};
use super::words::{
    BROADBAND, CALLS, DATA, DATA_CARDS, DEVICES, EASYOWN, ENTERPRISES, FAMILY, GOTONE, MZONE,
    THINGS,
};
use crate::document::{
    Allowance, Contract, Convert, Family, Gift, Kind, OneOffFee, Phase, Plan, RateCap, Selector,
    Tax, Tier, text,
};

/// Add-ons of family plans: they share what they have, so only calls and messages are added.
const FAMILY_ADD_ONS: &[&str] = &["voice-200", "family-50g", "sms-100"];
/// Add-ons of contract and city plans.
const PLAIN_ADD_ONS: &[&str] = &["data-10g", "voice-100", "sms-100"];
/// Add-ons of plans for firms.
const ENTERPRISE_ADD_ONS: &[&str] = &[
    "data-10g",
    "voice-200",
    "roam-1g",
    "roam-3g",
    "international-60",
    "wlan-public-20h",
];

/// Plans whose allowances the customer's family draws on too.
pub(crate) fn family() -> Vec<Plan> {
    let shared = |id, zh, en, fee, minutes, data_gb, members_max, member_fee| {
        let mut plan = plan(id, zh, en, FAMILY, fee).modern().with(FAMILY_ADD_ONS);
        let minutes_covers = vec![Selector::of(Kind::Voice, CALLS)];
        let data_covers = vec![Selector::of(Kind::Data, DATA)];
        plan.allowances = vec![
            Allowance {
                shared_in_family: true,
                ..allowance(
                    "minutes",
                    text("共享主叫分钟", "Shared minutes"),
                    "seconds",
                    minutes * MINUTE,
                    minutes_covers,
                )
            },
            Allowance {
                shared_in_family: true,
                rollover: Some(next_month(Some(20 * GB))),
                ..allowance(
                    "data-included",
                    text("共享流量", "Shared data"),
                    "kb",
                    data_gb * GB,
                    data_covers,
                )
            },
        ];
        Plan {
            family: Some(Family {
                members_max,
                member_fee,
            }),
            ..plan
        }
    };
    vec![
        shared("family-99", "全家享99", "Family 99", 99, 800, 30, 2, "10"),
        shared(
            "family-139",
            "全家享139",
            "Family 139",
            139,
            1200,
            50,
            3,
            "10",
        ),
        shared(
            "family-169",
            "全家享169",
            "Family 169",
            169,
            1500,
            80,
            4,
            "10",
        ),
        shared(
            "family-199",
            "全家享199",
            "Family 199",
            199,
            2000,
            110,
            4,
            "10",
        ),
        shared(
            "family-299",
            "全家享299",
            "Family 299",
            299,
            4000,
            180,
            5,
            "5",
        ),
    ]
}

/// Plans for homes that have the operator's broadband.
pub(crate) fn fusion() -> Vec<Plan> {
    let fusion = |id, zh, en, fee, minutes, data_gb| {
        let mut plan = plan(id, zh, en, FAMILY, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(50)
            .with(PLAIN_ADD_ONS);
        plan.eligible.requires = &[BROADBAND];
        plan
    };
    vec![
        fusion("fusion-79", "宽带融合79", "Fusion 79", 79, 300, 30),
        fusion("fusion-99", "宽带融合99", "Fusion 99", 99, 600, 60),
        fusion("fusion-129", "宽带融合129", "Fusion 129", 129, 1000, 100),
    ]
}

/// Plans that are sold in some cities only.
pub(crate) fn of_cities() -> Vec<Plan> {
    vec![
        plan(
            "city-capital-59",
            "长株潭同城59",
            "Three Cities 59",
            GOTONE,
            59,
        )
        .modern()
        .minutes(400)
        .data_included(
            "local-data",
            text("省内流量", "Data within the province"),
            &["local"],
            10 * GB,
        )
        .data(10 * GB)
        .only_in(&["430100", "430200", "430300"])
        .with(PLAIN_ADD_ONS),
        plan(
            "city-west-20",
            "湘西乡情20",
            "Western Counties 20",
            EASYOWN,
            20,
        )
        .modern()
        .minutes(150)
        .data_included(
            "local-data",
            text("省内流量", "Data within the province"),
            &["local"],
            4 * GB,
        )
        .only_in(&["430800", "431200", "433100"])
        .with(&["voice-100", "sms-100"]),
        plan(
            "city-south-29",
            "湘南通29",
            "Southern Cities 29",
            EASYOWN,
            29,
        )
        .modern()
        .minutes(250)
        .data(2 * GB)
        .only_in(&["430400", "431000", "431100"])
        .with(&["data-1g", "voice-100"]),
        plan("city-college-24", "大学城24", "College Town 24", MZONE, 24)
            .modern()
            .minutes(60)
            .data(6 * GB)
            .wlan(&["campus"], 60)
            .only_in(&["430100", "430300", "430400"])
            .only_for(&["student"])
            .sold_from("2024-09-01")
            .with(&["data-10g", "night-20g"]),
    ]
}

/// Plans with a handset, a gift, and a fee for leaving early.
pub(crate) fn contracts() -> Vec<Plan> {
    let contract = |id, zh, en, fee, minutes, data_gb, contract| {
        let mut plan = plan(id, zh, en, GOTONE, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(100)
            .with(PLAIN_ADD_ONS);
        plan.eligible.not_in_contract = true;
        Plan {
            contract: Some(contract),
            ..plan
        }
    };
    let handset = |value, claw_back| Gift {
        id: "handset",
        name: text("合约手机", "Handset"),
        value,
        claw_back,
    };
    let credit = |value| Gift {
        id: "credit",
        name: text("赠送话费", "Gifted credit"),
        value,
        claw_back: "full",
    };
    let by_month = |months, amount| Contract {
        months,
        early_exit_per_month: Some(amount),
        early_exit_percent_of_fees: None,
        early_exit_max: None,
        gifts: Vec::new(),
    };
    let by_fees = |months, percent, most| Contract {
        months,
        early_exit_per_month: None,
        early_exit_percent_of_fees: Some(percent),
        early_exit_max: Some(most),
        gifts: Vec::new(),
    };
    vec![
        contract(
            "contract-76",
            "合约惠机76",
            "Handset Contract 76",
            76,
            200,
            10,
            by_month(12, "20"),
        ),
        contract(
            "contract-106",
            "合约惠机106",
            "Handset Contract 106",
            106,
            400,
            30,
            Contract {
                gifts: vec![handset("720", "by_remaining_months")],
                ..by_fees(24, "30", "800")
            },
        ),
        contract(
            "contract-156",
            "合约惠机156",
            "Handset Contract 156",
            156,
            800,
            60,
            Contract {
                gifts: vec![credit("240")],
                ..by_month(24, "30")
            },
        ),
        Plan {
            phases: vec![Phase {
                months: 3,
                fee: Some("99"),
                fee_percent: None,
            }],
            ..contract(
                "contract-206",
                "合约旗舰206",
                "Flagship Contract 206",
                206,
                1200,
                90,
                Contract {
                    gifts: vec![handset("2400", "by_remaining_months"), credit("300")],
                    ..by_fees(24, "40", "2000")
                },
            )
        },
    ]
}

/// Plans for firms; the tax that their invoices name is contained in the prices.
pub(crate) fn enterprises() -> Vec<Plan> {
    let firm = |id, zh, en, fee, minutes, data_gb| Plan {
        taxes: vec![Tax {
            id: "value-added-tax",
            name: text("增值税（已含）", "Value-added tax (included)"),
            percent: "6",
            included: true,
            lines: &["all"],
        }],
        ..plan(id, zh, en, GOTONE, fee)
            .modern()
            .minutes(minutes)
            .data(data_gb * GB)
            .messages(300)
            .only_for(ENTERPRISES)
            .with(ENTERPRISE_ADD_ONS)
    };
    vec![
        firm("enterprise-46", "集团商企46", "Enterprise 46", 46, 400, 5),
        firm("enterprise-76", "集团商企76", "Enterprise 76", 76, 800, 15),
        firm(
            "enterprise-126",
            "集团商企126",
            "Enterprise 126",
            126,
            1600,
            40,
        ),
    ]
}

/// Data cards and cards for things: no calls but emergency ones, so calls are priced and never included.
pub(crate) fn devices() -> Vec<Plan> {
    let dear_calls = ClassicCalls {
        local: "0.60",
        long_distance: "0.60",
        roaming: "0.60",
        family_number: "0.60",
        called: "0.60",
        roaming_called: "0.60",
    };
    let card = |id, zh, en, fee, data_kb, types| {
        Plan {
            rates: classic_rates(dear_calls),
            ..plan(id, zh, en, THINGS, fee)
        }
        .data(data_kb)
        .only_for(types)
    };
    let fee = || {
        vec![OneOffFee {
            id: "card",
            name: text("卡费", "Card"),
            amount: "10",
        }]
    };
    vec![
        Plan {
            one_off_fees: fee(),
            ..card(
                "datacard-30",
                "随e行30",
                "Data Card 30",
                30,
                10 * GB,
                DATA_CARDS,
            )
        }
        .with(&["data-10g"]),
        Plan {
            one_off_fees: fee(),
            ..card(
                "datacard-50",
                "随e行50",
                "Data Card 50",
                50,
                25 * GB,
                DATA_CARDS,
            )
        }
        .with(&["data-10g"]),
        Plan {
            one_off_fees: fee(),
            ..card(
                "datacard-100",
                "随e行100",
                "Data Card 100",
                100,
                80 * GB,
                DATA_CARDS,
            )
        }
        .data_rolls_over(None)
        .with(&["data-30g"]),
        by_volume(card(
            "datacard-flex",
            "随e行按量",
            "Data Card by Volume",
            5,
            MB,
            DATA_CARDS,
        )),
        by_whole_mb(
            card("iot-1", "物联卡1元", "Thing Card 1", 1, 10 * MB, DEVICES),
            "0.10",
        ),
        by_whole_mb(
            card("iot-3", "物联卡3元", "Thing Card 3", 3, 50 * MB, DEVICES),
            "0.10",
        ),
        by_whole_mb(
            card("iot-6", "物联卡6元", "Thing Card 6", 6, 200 * MB, DEVICES),
            "0.05",
        ),
        by_whole_mb(
            card("iot-15", "物联卡15元", "Thing Card 15", 15, 2 * GB, DEVICES),
            "0.05",
        ),
    ]
}

/// The tier in which the month ends prices all of it.
fn by_volume(mut plan: Plan) -> Plan {
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "data") {
        rate.mode = Some("volume");
        rate.tiers = vec![
            Tier {
                up_to: Some(5 * GB),
                price: "0.006",
                flat: None,
            },
            Tier {
                up_to: Some(20 * GB),
                price: "0.004",
                flat: None,
            },
            Tier {
                up_to: None,
                price: "0.002",
                flat: None,
            },
        ];
        rate.cap = Some(RateCap {
            amount: "300",
            every: None,
            then: "free",
        });
    }
    Plan {
        caps: Vec::new(),
        ..plan
    }
}

/// Only whole MB count, and the month's data costs 50 yuan at most.
fn by_whole_mb(mut plan: Plan, price_per_mb: &'static str) -> Plan {
    for rate in plan.rates.iter_mut().filter(|rate| rate.id == "data") {
        *rate = data(
            "data",
            text("国内流量", "Data within China"),
            DATA,
            price_per_mb,
            100 * MB,
            "10",
        );
        rate.convert = Some(Convert {
            unit: MB,
            rounding: "down",
        });
        rate.cap = Some(RateCap {
            amount: "50",
            every: None,
            then: "stop",
        });
        rate.per = 1;
    }
    Plan {
        caps: Vec::new(),
        ..plan
    }
}
