//! The add-ons (加油包), and which of them exclude one another.

use super::prices::{GB, MB, MINUTE, allowance, calls};
use super::words::{CALLS, DATA};
use crate::document::{AddOn, Allowance, Discount, ExclusionGroup, Kind, Selector, Text, text};

fn add_on(id: &'static str, zh: &'static str, en: &'static str, fee_yuan: u64) -> AddOn {
    AddOn {
        id,
        name: text(zh, en),
        monthly_fee: fee_yuan.to_string(),
        ..AddOn::default()
    }
}

impl AddOn {
    fn up_to(self, quantity_max: u64) -> Self {
        Self {
            quantity_max: Some(quantity_max),
            ..self
        }
    }

    /// What is in it; used before the plan's own allowances.
    fn includes(mut self, name: Text, unit: &'static str, amount: u64, covers: Selector) -> Self {
        self.allowances.push(Allowance {
            priority: Some(40),
            ..allowance("included", name, unit, amount, vec![covers])
        });
        self
    }

    fn data(self, kb: u64, categories: &'static [&'static str]) -> Self {
        self.includes(
            text("加油包流量", "Data of the add-on"),
            "kb",
            kb,
            Selector::of(Kind::Data, categories),
        )
    }

    /// Data that the whole family draws on.
    fn shared_data(mut self, kb: u64) -> Self {
        let covers = vec![Selector::of(Kind::Data, DATA)];
        self.allowances.push(Allowance {
            shared_in_family: true,
            ..allowance(
                "included",
                text("共享流量", "Shared data"),
                "kb",
                kb,
                covers,
            )
        });
        self
    }

    fn minutes(self, minutes: u64, categories: &'static [&'static str]) -> Self {
        self.includes(
            text("加油包分钟", "Minutes of the add-on"),
            "seconds",
            minutes * MINUTE,
            Selector::of(Kind::Voice, categories),
        )
    }

    fn messages(self, kind: Kind, count: u64) -> Self {
        self.includes(
            text("加油包条数", "Messages of the add-on"),
            "count",
            count,
            Selector::of(kind, &["domestic"]),
        )
    }

    fn wlan(self, category: &'static [&'static str], hours: u64) -> Self {
        self.includes(
            text("加油包WLAN时长", "WLAN time of the add-on"),
            "seconds",
            hours * 60 * MINUTE,
            Selector::of(Kind::Wlan, category),
        )
    }
}

pub(crate) fn add_ons() -> Vec<AddOn> {
    let night = Selector {
        bands: Some(&["night"]),
        ..Selector::of(Kind::Data, DATA)
    };
    vec![
        add_on("data-100m", "100MB流量加油包", "100 MB of data", 3)
            .up_to(5)
            .data(100 * MB, DATA),
        add_on("data-500m", "500MB流量加油包", "500 MB of data", 6)
            .up_to(2)
            .data(500 * MB, DATA),
        add_on("data-1g", "1GB流量加油包", "1 GB of data", 10).data(GB, DATA),
        add_on("data-10g", "10GB流量加油包", "10 GB of data", 15)
            .up_to(2)
            .data(10 * GB, DATA),
        add_on("data-30g", "30GB流量加油包", "30 GB of data", 36).data(30 * GB, DATA),
        add_on("night-20g", "20GB夜间流量包", "20 GB of night data", 9)
            .up_to(2)
            .includes(text("夜间流量", "Night data"), "kb", 20 * GB, night),
        add_on(
            "local-10g",
            "10GB省内流量包",
            "10 GB within the province",
            6,
        )
        .up_to(3)
        .data(10 * GB, &["local"]),
        add_on(
            "family-50g",
            "50GB家庭共享流量包",
            "50 GB shared by the family",
            40,
        )
        .shared_data(50 * GB),
        add_on(
            "video-member",
            "视频会员权益包（含1GB视频流量）",
            "Video membership with 1 GB",
            6,
        )
        .data(GB, &["video"]),
        AddOn {
            requires: &["video-member"],
            ..add_on("video-30g", "30GB视频定向流量包", "30 GB for video", 9)
        }
        .data(30 * GB, &["video"]),
        add_on("voice-100", "100分钟语音包", "100 minutes", 10).minutes(100, CALLS),
        add_on("voice-200", "200分钟语音包", "200 minutes", 18)
            .up_to(3)
            .minutes(200, CALLS),
        AddOn {
            discounts: vec![Discount {
                id: "calls-discount",
                name: text("语音七折", "Thirty per cent off calls"),
                percent: Some("30"),
                amount: None,
                lines: &["voice"],
                first_months: None,
            }],
            excludes: &["voice-200"],
            ..add_on("voice-discount", "语音七折包", "30 % off calls", 10)
        },
        AddOn {
            rates: vec![calls(
                "family-calls",
                text("亲情号码免费", "Free calls to family numbers"),
                &["family_number"],
                "0",
            )],
            ..add_on("family-free", "亲情号码免费包", "Free family numbers", 8)
        },
        add_on(
            "international-60",
            "60分钟国际长途包",
            "60 minutes of international calls",
            39,
        )
        .minutes(60, &["international"]),
        add_on("roam-1g", "1GB国际漫游流量包", "1 GB abroad", 58)
            .up_to(3)
            .data(GB, &["roaming"]),
        add_on("roam-3g", "3GB国际漫游流量包", "3 GB abroad", 128).data(3 * GB, &["roaming"]),
        add_on("sms-100", "100条短信包", "100 text messages", 5).messages(Kind::Sms, 100),
        add_on("sms-300", "300条短信包", "300 text messages", 12)
            .up_to(2)
            .messages(Kind::Sms, 300),
        add_on("mms-30", "30条彩信包", "30 multimedia messages", 5).messages(Kind::Mms, 30),
        add_on(
            "wlan-public-20h",
            "20小时公共WLAN包",
            "20 hours of public WLAN",
            10,
        )
        .wlan(&["public"], 20),
        add_on(
            "wlan-campus-100h",
            "100小时校园WLAN包",
            "100 hours of campus WLAN",
            20,
        )
        .wlan(&["campus"], 100),
    ]
}

pub(crate) fn exclusion_groups() -> Vec<ExclusionGroup> {
    let group = |id, zh, en, members: &[&'static str]| ExclusionGroup {
        id,
        name: text(zh, en),
        members: members.to_vec(),
    };
    vec![
        group(
            "small-data",
            "小流量包任选一种",
            "One kind of small data pack",
            &["data-100m", "data-500m", "data-1g"],
        ),
        group(
            "large-data",
            "大流量包任选一种",
            "One kind of large data pack",
            &["data-10g", "data-30g"],
        ),
        group(
            "minutes",
            "语音包任选一种",
            "One kind of voice pack",
            &["voice-100", "voice-200"],
        ),
        group(
            "abroad",
            "漫游包任选一种",
            "One kind of roaming pack",
            &["roam-1g", "roam-3g"],
        ),
        group(
            "messages",
            "短信包任选一种",
            "One kind of message pack",
            &["sms-100", "sms-300"],
        ),
    ]
}
