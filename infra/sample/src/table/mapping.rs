//! The mapping that tells `chudian import` what the table's columns are.

use std::fmt::Write as _;

use super::{TableEncoding, USAGE_KINDS, USAGE_MONTHS};
use crate::catalogue::words;

const HEAD: &str = include_str!("mapping.toml");

/// Titles of dealings and businesses held: heading, kind, unit, Chinese, English.
const FIGURES: [(&str, &str, &str, &str, &str); 11] = [
    (
        "hotline_calls_90d",
        "integer",
        "times",
        "人工热线呼叫次数（90天）",
        "Hotline calls, 90 days",
    ),
    (
        "ivr_calls_90d",
        "integer",
        "times",
        "语音导航呼叫次数（90天）",
        "IVR calls, 90 days",
    ),
    (
        "web_logins_90d",
        "integer",
        "times",
        "网厅登录次数（90天）",
        "Web hall sign-ins, 90 days",
    ),
    (
        "app_logins_90d",
        "integer",
        "times",
        "掌厅登录次数（90天）",
        "App sign-ins, 90 days",
    ),
    (
        "sms_hall_requests_90d",
        "integer",
        "times",
        "短厅办理次数（90天）",
        "SMS hall requests, 90 days",
    ),
    (
        "hall_visits_90d",
        "integer",
        "times",
        "实体厅到店次数（90天）",
        "Hall visits, 90 days",
    ),
    ("churn_score", "score", "", "离网评分", "Churn score"),
    ("has_ring_tone", "flag", "", "已订彩铃", "Has ring tone"),
    ("has_broadband", "flag", "", "已订宽带", "Has broadband"),
    ("has_mailbox", "flag", "", "已订手机邮箱", "Has mailbox"),
    ("has_video_pack", "flag", "", "已订视频包", "Has video pack"),
];

/// The mapping as text.
pub(super) fn text(encoding: TableEncoding) -> String {
    let mut text = HEAD.replace("{encoding}", encoding.word());
    for (heading, kind, unit, zh, en) in FIGURES {
        column(&mut text, heading, kind, unit, zh, en);
    }
    for kind in USAGE_KINDS {
        for month in 1..=USAGE_MONTHS {
            let heading = format!("{}_m{month}", kind.prefix);
            let (zh, en) = (
                format!("{}（第{month}月）", kind.title_zh),
                format!("{}, month {month}", kind.title_en),
            );
            column(&mut text, &heading, "integer", kind.unit, &zh, &en);
        }
    }
    let brands = words::brands().into_iter();
    let types = words::customer_types().into_iter();
    for (name, words) in [
        ("brand", brands.collect::<Vec<_>>()),
        ("customer_type", types.collect()),
    ] {
        let groups: String = words
            .iter()
            .map(|word| {
                format!(
                    "    {{ code = \"{}\", title = {{ zh = \"{zh}\", en = \"{en}\" }}, words = [\"{zh}\"] }},\n",
                    word.id,
                    zh = word.name.zh,
                    en = word.name.en
                )
            })
            .collect();
        text = text.replace(&format!("    # {{{name} groups}}\n"), &groups);
    }
    text
}

fn column(text: &mut String, heading: &str, kind: &str, unit: &str, zh: &str, en: &str) {
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!("unit = \"{unit}\"\n")
    };
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n[[column]]\nheading = \"{heading}\"\nname = \"{heading}\"\nkind = \"{kind}\"\n{unit}title = {{ zh = \"{zh}\", en = \"{en}\" }}\n"
    );
}
