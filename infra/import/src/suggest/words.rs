//! Words of headings, in Chinese and English, and what they say about a column.

use chudian_dataset::schema::Unit;

use crate::units::FileUnit;

/// What a heading tells about people: words in it, the reason for dropping, in Chinese, in English.
const PERSONAL: [(&[&str], &str, &str, &str); 7] = [
    (
        &[
            "姓名",
            "客户名",
            "用户名称",
            "联系人",
            "户主",
            "surname",
            "fullname",
            "full_name",
            "first_name",
            "last_name",
            "customer_name",
        ],
        "name",
        "姓名",
        "a name",
    ),
    (
        &[
            "身份证",
            "证件号",
            "证件编号",
            "idcard",
            "id_card",
            "id_no",
            "identity_card",
            "passport",
        ],
        "identity card",
        "证件号码",
        "an identity document",
    ),
    (
        &[
            "地址", "住址", "门牌", "address", "street", "zip_code", "zipcode", "postcode",
        ],
        "address",
        "地址",
        "an address",
    ),
    (
        &["邮箱", "电邮", "email", "e_mail"],
        "e-mail address",
        "电子邮箱",
        "an e-mail address",
    ),
    (
        &["出生", "生日", "birth"],
        "day of birth",
        "出生日期",
        "a day of birth",
    ),
    (
        &["微信", "wechat", "qq号", "qq_no"],
        "account name",
        "社交账号",
        "an account name",
    ),
    (
        &["备注", "说明", "remark", "comment", "note_text"],
        "free text",
        "自由文本",
        "free text",
    ),
];

/// What a column is by a word of its heading: words, attribute, Chinese title, English title.
const KNOWN: [(&[&str], &str, &str, &str); 22] = [
    (
        &["地市", "地区", "城市", "归属地"],
        "region",
        "地市",
        "City",
    ),
    (&["区县", "县区"], "county", "区县", "County"),
    (&["品牌"], "brand", "品牌", "Brand"),
    (
        &["现有套餐", "当前套餐", "主套餐", "套餐"],
        "plan_id",
        "现有套餐",
        "Present plan",
    ),
    (
        &["客户类型", "用户类型"],
        "customer_type",
        "客户类型",
        "Customer type",
    ),
    (&["年龄"], "age_group", "年龄段", "Age group"),
    (&["性别"], "gender", "性别", "Gender"),
    (
        &["入网日期", "入网时间", "开户日期"],
        "opened_on",
        "入网日期",
        "Opened on",
    ),
    (
        &["在网月数", "网龄", "在网时长"],
        "tenure_months",
        "在网月数",
        "Tenure",
    ),
    (
        &["合约到期"],
        "contract_end",
        "合约到期日",
        "Contract ends on",
    ),
    (&["月均消费", "arpu"], "arpu", "月均消费", "Monthly spend"),
    (&["账户余额", "余额"], "balance", "账户余额", "Balance"),
    (
        &["本地主叫", "本地通话"],
        "voice_local",
        "本地主叫",
        "Local calls",
    ),
    (
        &["长途"],
        "voice_long_distance",
        "长途主叫",
        "Long-distance calls",
    ),
    (
        &["漫游"],
        "voice_roaming",
        "漫游主叫",
        "Calls while roaming",
    ),
    (&["被叫"], "voice_called", "被叫", "Incoming calls"),
    (&["流量", "上网"], "data", "流量", "Data volume"),
    (&["短信"], "sms", "短信条数", "Text messages"),
    (
        &["人工热线", "10086"],
        "hotline_calls",
        "人工热线呼叫次数",
        "Hotline calls",
    ),
    (&["网厅"], "web_logins", "网厅登录次数", "Web hall sign-ins"),
    (&["掌厅"], "app_logins", "掌厅登录次数", "App sign-ins"),
    (&["离网"], "churn", "离网", "Churn"),
];

/// A heading in lower case with underscores between its words: `TotalCharges` and `Total charges` become `total_charges`.
fn words_of(heading: &str) -> String {
    let mut words = String::new();
    let mut before = '_';
    for character in heading.chars() {
        if character.is_alphanumeric() {
            if character.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
                words.push('_');
            }
            words.extend(character.to_lowercase());
        } else if !words.ends_with('_') {
            words.push('_');
        }
        before = character;
    }
    words.trim_matches('_').to_owned()
}

/// Whether a heading has one of the words: Chinese ones anywhere, English ones as whole words.
fn has(heading: &str, words: &[&str]) -> bool {
    let own = words_of(heading);
    let framed = format!("_{own}_");
    words.iter().any(|word| {
        if word.is_ascii() {
            framed.contains(&format!("_{word}_"))
        } else {
            heading.contains(word)
        }
    })
}

/// Whether the heading is that of a mobile number.
pub(super) fn is_number(heading: &str) -> bool {
    has(
        heading,
        &[
            "手机",
            "号码",
            "msisdn",
            "mobile",
            "phone",
            "number",
            "phone_no",
            "telephone",
        ],
    )
}

/// Whether the heading is that of an identifier.
pub(super) fn is_identifier(heading: &str) -> bool {
    has(
        heading,
        &[
            "编号",
            "标识",
            "id",
            "customer_id",
            "user_id",
            "cust_id",
            "account",
        ],
    )
}

/// Why a column with this heading tells who somebody is: reason, Chinese, English.
pub(super) fn personal(heading: &str) -> Option<(&'static str, &'static str, &'static str)> {
    if words_of(heading) == "name" {
        return Some(("name", "姓名", "a name"));
    }
    PERSONAL
        .iter()
        .find(|(words, ..)| has(heading, words))
        .map(|(_, reason, zh, en)| (*reason, *zh, *en))
}

pub(super) fn is_age(heading: &str) -> bool {
    has(heading, &["年龄", "age"])
}

pub(super) fn is_region(heading: &str) -> bool {
    has(heading, &["地市", "地区", "归属地", "region", "city"])
}

pub(super) fn is_brand(heading: &str) -> bool {
    has(heading, &["品牌", "brand"])
}

pub(super) fn is_date(heading: &str) -> bool {
    has(
        heading,
        &["日期", "时间", "到期", "date", "day_of", "on", "time"],
    )
}

pub(super) fn is_score(heading: &str) -> bool {
    has(
        heading,
        &[
            "评分",
            "得分",
            "概率",
            "倾向",
            "score",
            "probability",
            "rate",
            "ratio",
            "占比",
        ],
    )
}

pub(super) fn is_money(heading: &str) -> bool {
    has(
        heading,
        &[
            "元", "费", "消费", "余额", "金额", "收入", "yuan", "fen", "arpu", "fee", "charge",
            "charges", "balance", "amount", "revenue", "spend", "bill",
        ],
    )
}

/// The unit of a column of money.
pub(super) fn money_unit(heading: &str) -> FileUnit {
    let in_brackets = |unit: &str| {
        heading.contains(&format!("({unit})")) || heading.contains(&format!("（{unit}）"))
    };
    if in_brackets("分") || has(heading, &["fen"]) {
        FileUnit::Fen
    } else if in_brackets("角") {
        FileUnit::Jiao
    } else if in_brackets("厘") {
        FileUnit::Li
    } else if in_brackets("万元") {
        FileUnit::WanYuan
    } else {
        FileUnit::Yuan
    }
}

/// The dataset's unit of a column of whole numbers, and the file's where it is another or should be stated.
pub(super) fn unit(heading: &str) -> (Unit, Option<FileUnit>) {
    let table: [(&[&str], Unit, Option<FileUnit>); 13] = [
        (&["GB", "gb"], Unit::Kilobytes, Some(FileUnit::Gigabytes)),
        (
            &["MB", "mb", "兆"],
            Unit::Kilobytes,
            Some(FileUnit::Megabytes),
        ),
        (&["KB", "kb"], Unit::Kilobytes, Some(FileUnit::Kilobytes)),
        (&["字节", "bytes"], Unit::Kilobytes, Some(FileUnit::Bytes)),
        (
            &["分钟", "minutes", "min", "mins"],
            Unit::Seconds,
            Some(FileUnit::Minutes),
        ),
        (&["小时", "hours"], Unit::Seconds, Some(FileUnit::Hours)),
        (
            &["秒", "seconds", "s", "duration"],
            Unit::Seconds,
            Some(FileUnit::Seconds),
        ),
        (
            &["月数", "网龄", "months", "tenure", "tenure_months"],
            Unit::Months,
            Some(FileUnit::Months),
        ),
        (&["天数", "days", "pdays"], Unit::Days, Some(FileUnit::Days)),
        (
            &["条", "短信", "彩信", "sms", "messages"],
            Unit::Messages,
            None,
        ),
        (
            &[
                "次", "times", "count", "calls", "logins", "visits", "requests", "campaign",
            ],
            Unit::Times,
            None,
        ),
        (&["积分", "points"], Unit::Points, None),
        (&["人数", "people", "members"], Unit::People, None),
    ];
    let found = table.into_iter().find(|(words, ..)| {
        let upper = words.iter().any(|word| {
            word.chars().all(|character| character.is_ascii_uppercase()) && heading.contains(word)
        });
        upper || has(heading, words)
    });
    found.map_or((Unit::None, None), |(_, unit, from)| (unit, from))
}

/// A name for the attribute; nothing when the heading gives none.
pub(super) fn name(heading: &str) -> Option<String> {
    let own = words_of(heading);
    if own.is_ascii() && own.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some(own.chars().take(56).collect());
    }
    let (_, name, _, _) = KNOWN.iter().find(|(words, ..)| has(heading, words))?;
    Some((*name).to_owned())
}

/// Titles in Chinese and English.
pub(super) fn titles(heading: &str) -> (String, String) {
    let is_ascii = heading.is_ascii();
    match KNOWN.iter().find(|(words, ..)| has(heading, words)) {
        Some((_, _, zh, en)) => (
            if is_ascii {
                (*zh).to_owned()
            } else {
                heading.to_owned()
            },
            if is_ascii {
                heading.to_owned()
            } else {
                (*en).to_owned()
            },
        ),
        None => {
            let text = if heading.is_empty() { "?" } else { heading };
            (text.to_owned(), text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_both_languages_are_understood() {
        for (heading, expected) in [
            ("TotalCharges", "total_charges"),
            ("Total Charges", "total_charges"),
            ("customerID", "customer_id"),
            ("本地主叫(秒)", "voice_local"),
        ] {
            assert_eq!(name(heading).as_deref(), Some(expected));
        }
        assert_eq!(name("某某"), None);
        assert_eq!(name("90天"), None);
        assert_eq!(
            unit("流量(MB)"),
            (Unit::Kilobytes, Some(FileUnit::Megabytes))
        );
        assert_eq!(
            unit("通话时长（分钟）"),
            (Unit::Seconds, Some(FileUnit::Minutes))
        );
        assert_eq!(
            unit("data_kb_m1"),
            (Unit::Kilobytes, Some(FileUnit::Kilobytes))
        );
        assert_eq!(unit("登录次数"), (Unit::Times, None));
        assert_eq!(unit("tenure"), (Unit::Months, Some(FileUnit::Months)));
        assert_eq!(unit("children"), (Unit::None, None));
        assert_eq!(money_unit("话费（分）"), FileUnit::Fen);
        assert_eq!(money_unit("MonthlyCharges"), FileUnit::Yuan);
        assert!(is_money("MonthlyCharges") && is_money("月租费") && !is_money("discharge"));
        assert_eq!(
            personal("客户姓名").map(|(reason, ..)| reason),
            Some("name")
        );
        assert_eq!(personal("Name").map(|(reason, ..)| reason), Some("name"));
        assert_eq!(personal("plan_name"), None);
        assert!(is_age("age") && is_age("年龄") && !is_age("average"));
    }
}
