//! The words that the sample's price lists are written in: brands, cities, types of customers, categories, bands.
//!
//! The province is Hunan by its public city codes (GB/T 2260), so that names and codes look as they do at work; its
//! operator, plans and customers are invented.

use crate::document::{Band, BandTimes, Calendar, Categories, Word, text};

pub(crate) const GOTONE: &str = "gotone";
pub(crate) const MZONE: &str = "mzone";
pub(crate) const EASYOWN: &str = "easyown";
pub(crate) const FAMILY: &str = "family";
pub(crate) const THINGS: &str = "things";

/// Customers who are people or firms with people, as opposed to devices.
pub(crate) const PEOPLE: &[&str] = &["individual", "student", "enterprise"];
pub(crate) const STUDENTS: &[&str] = &["student"];
pub(crate) const ENTERPRISES: &[&str] = &["enterprise"];
pub(crate) const DATA_CARDS: &[&str] = &["data_card"];
pub(crate) const DEVICES: &[&str] = &["iot"];

/// The home broadband that fusion plans require.
pub(crate) const BROADBAND: &str = "broadband";

/// Calls that a customer makes inside the country.
pub(crate) const CALLS: &[&str] = &["local", "long_distance", "roaming", "family_number"];
/// Calls that a customer receives.
pub(crate) const CALLED: &[&str] = &["called", "roaming_called"];
/// Data inside the country.
pub(crate) const DATA: &[&str] = &["domestic", "local", "video"];

/// The cities with their weight: about one for each 40,000 inhabitants.
pub(crate) const CITIES: [(&str, u32); 14] = [
    ("430100", 260),
    ("430200", 97),
    ("430300", 68),
    ("430400", 166),
    ("430500", 164),
    ("430600", 126),
    ("430700", 132),
    ("430800", 38),
    ("430900", 96),
    ("431000", 117),
    ("431100", 132),
    ("431200", 115),
    ("431300", 95),
    ("433100", 62),
];

fn word(id: &'static str, zh: &'static str, en: &'static str) -> Word {
    Word {
        id,
        name: text(zh, en),
    }
}

pub(crate) fn brands() -> Vec<Word> {
    vec![
        word(GOTONE, "全球通", "GoTone"),
        word(MZONE, "动感地带", "M-Zone"),
        word(EASYOWN, "神州行", "Easyown"),
        word(FAMILY, "全家享", "Family"),
        word(THINGS, "物联与数据卡", "Things and data cards"),
    ]
}

pub(crate) fn regions() -> Vec<Word> {
    vec![
        word("430100", "长沙", "Changsha"),
        word("430200", "株洲", "Zhuzhou"),
        word("430300", "湘潭", "Xiangtan"),
        word("430400", "衡阳", "Hengyang"),
        word("430500", "邵阳", "Shaoyang"),
        word("430600", "岳阳", "Yueyang"),
        word("430700", "常德", "Changde"),
        word("430800", "张家界", "Zhangjiajie"),
        word("430900", "益阳", "Yiyang"),
        word("431000", "郴州", "Chenzhou"),
        word("431100", "永州", "Yongzhou"),
        word("431200", "怀化", "Huaihua"),
        word("431300", "娄底", "Loudi"),
        word("433100", "湘西", "Xiangxi"),
    ]
}

pub(crate) fn customer_types() -> Vec<Word> {
    vec![
        word("individual", "个人", "Individual"),
        word("student", "校园", "Student"),
        word("enterprise", "集团", "Enterprise"),
        word("data_card", "数据卡", "Data card"),
        word("iot", "物联网", "Internet of things"),
    ]
}

pub(crate) fn categories() -> Categories {
    Categories {
        voice: vec![
            word("local", "本地主叫", "Local calls"),
            word("long_distance", "国内长途", "Long-distance calls"),
            word("roaming", "国内漫游主叫", "Calls while roaming in China"),
            word("family_number", "亲情号码", "Calls to family numbers"),
            word("called", "本地被叫", "Incoming calls"),
            word(
                "roaming_called",
                "国内漫游被叫",
                "Incoming calls while roaming in China",
            ),
            word("international", "国际及港澳台长途", "International calls"),
        ],
        data: vec![
            word("domestic", "国内流量", "Data within China"),
            word("local", "省内流量", "Data within the province"),
            word("video", "视频定向流量", "Data of chosen video services"),
            word(
                "roaming",
                "国际及港澳台漫游流量",
                "Data while roaming abroad",
            ),
        ],
        sms: vec![
            word("domestic", "国内短信", "Text messages within China"),
            word("international", "国际短信", "International text messages"),
        ],
        mms: vec![word("domestic", "国内彩信", "Multimedia messages")],
        wlan: vec![
            word("public", "公共WLAN", "Public WLAN"),
            word("campus", "校园WLAN", "Campus WLAN"),
        ],
    }
}

pub(crate) fn bands() -> Vec<Band> {
    vec![
        Band {
            id: "day",
            name: text("日间", "Daytime"),
            times: Vec::new(),
        },
        Band {
            id: "night",
            name: text("夜间（23:00–7:00）", "Night (23:00–07:00)"),
            times: vec![BandTimes {
                from: "23:00",
                until: "07:00",
            }],
        },
    ]
}

/// Public holidays of 2026 and the weekends worked for them, as announced for the whole country.
pub(crate) fn calendar() -> Calendar {
    Calendar {
        holidays: &[
            "2026-01-01",
            "2026-01-02",
            "2026-01-03",
            "2026-02-15",
            "2026-02-16",
            "2026-02-17",
            "2026-02-18",
            "2026-02-19",
            "2026-02-20",
            "2026-02-21",
            "2026-02-22",
            "2026-02-23",
            "2026-04-04",
            "2026-04-05",
            "2026-04-06",
            "2026-05-01",
            "2026-05-02",
            "2026-05-03",
            "2026-05-04",
            "2026-05-05",
            "2026-06-19",
            "2026-06-20",
            "2026-06-21",
            "2026-09-25",
            "2026-09-26",
            "2026-09-27",
            "2026-10-01",
            "2026-10-02",
            "2026-10-03",
            "2026-10-04",
            "2026-10-05",
            "2026-10-06",
            "2026-10-07",
        ],
        extra_workdays: &[
            "2026-01-04",
            "2026-02-14",
            "2026-02-28",
            "2026-05-09",
            "2026-09-20",
            "2026-10-10",
        ],
    }
}
