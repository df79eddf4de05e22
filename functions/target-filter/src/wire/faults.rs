//! What is wrong with an expression, said to people in both languages. The one place with these texts.

use chudian_dataset::expression::bind::{Doubt, Fault, LiteralKind};
use chudian_dataset::expression::limits::{
    AGO_DAYS_MAX, DEPTH_MAX, LIST_VALUES_MAX, TERMS_MAX, WORD_BYTES_MAX,
};
use chudian_dataset::schema::Kind;
use chudian_vocabulary::Name;

/// What a column of a kind holds, as a noun.
#[must_use]
pub fn kind_noun(kind: Kind) -> Name {
    let (zh, en) = match kind {
        Kind::Word => ("文字", "words"),
        Kind::Integer => ("整数", "whole numbers"),
        Kind::Money => ("金额", "money"),
        Kind::Score => ("评分", "scores"),
        Kind::Flag => ("是/否", "yes or no"),
        Kind::Date => ("日期", "dates"),
        Kind::Identity => ("客户标识", "customer ids"),
    };
    Name::new(zh, en)
}

/// How a value for a column of this kind is written.
fn example(kind: Kind) -> Name {
    let (zh, en) = match kind {
        Kind::Word => (
            "应为文字，数字样的文字请加引号，例如 \"330100\"",
            "write a word; put one that looks like a number in quotation marks: \"330100\"",
        ),
        Kind::Integer => ("应为数字，例如 80", "write a number such as 80"),
        Kind::Money => ("应为金额，例如 80 元", "write an amount such as 80 yuan"),
        Kind::Score => (
            "应为不带单位的数字，例如 0.8",
            "write a number without unit such as 0.8",
        ),
        Kind::Flag => ("应为“是”或“否”", "write yes or no"),
        Kind::Date => (
            "应为日期，例如 2026-01-31 或 90天前",
            "write a date such as 2026-01-31 or 90 days ago",
        ),
        Kind::Identity => ("不能作为条件", "it cannot be a condition"),
    };
    Name::new(zh, en)
}

fn written(kind: LiteralKind) -> Name {
    let (zh, en) = match kind {
        LiteralKind::Word => ("文字", "a word"),
        LiteralKind::Number => ("数字", "a number"),
        LiteralKind::Quantity => ("带单位的数字", "a number with a unit"),
        LiteralKind::Flag => ("是/否", "yes or no"),
        LiteralKind::Date => ("日期", "a date"),
    };
    Name::new(zh, en)
}

/// Names offered, or what to do where there are none.
fn offered(names: &[String]) -> Name {
    if names.is_empty() {
        return Name::new(
            "可用的列见数据集说明。",
            "The dataset's description lists the columns.",
        );
    }
    Name::new(
        format!("是否指：{}？", names.join("、")),
        format!("Did you mean {}?", names.join(", ")),
    )
}

/// Stable code and text of a fault.
#[must_use]
pub fn fault_text(fault: &Fault) -> (&'static str, Name) {
    let kinds = |kind: &Kind| kind_noun(*kind);
    match fault {
        Fault::UnknownColumn { name, near } => {
            let offer = offered(near);
            let text = Name::new(
                format!("没有“{name}”这一列。{}", offer.zh),
                format!("There is no column `{name}`. {}", offer.en),
            );
            ("unknown-column", text)
        }
        Fault::AmbiguousTitle { title, names } => {
            let text = Name::new(
                format!("有多列名为“{title}”，请写列名：{}。", names.join("、")),
                format!(
                    "Several columns are titled `{title}`; write one of the names {}.",
                    names.join(", ")
                ),
            );
            ("ambiguous-column", text)
        }
        Fault::ContactColumnMissing { column, others } => {
            let (zh, en) = if others.is_empty() {
                (
                    "请先发布含有该指标的接触特征层。".to_owned(),
                    "Publish a layer of contact features that has it.".to_owned(),
                )
            } else {
                (
                    format!("现有：{}。", others.join("、")),
                    format!("There are {}.", others.join(", ")),
                )
            };
            let text = Name::new(
                format!("当前数据集没有接触指标“{column}”。{zh}"),
                format!("The dataset has no contact figure `{column}`. {en}"),
            );
            ("contact-column-missing", text)
        }
        Fault::Identity => {
            let text = Name::new(
                "客户标识不能作为条件；查看单个客户请用“解释”。",
                "The customer id cannot be a condition; to see one customer ask for an explanation.",
            );
            ("identity-not-allowed", text)
        }
        Fault::WrongKind {
            column,
            kind,
            found,
        } => {
            let (holds, found, example) = (kinds(kind), written(*found), example(*kind));
            let text = Name::new(
                format!(
                    "“{column}”的值是{}，不能与{}比较；{}。",
                    holds.zh, found.zh, example.zh
                ),
                format!(
                    "`{column}` holds {}, which {} cannot be compared with; {}.",
                    holds.en, found.en, example.en
                ),
            );
            ("wrong-kind", text)
        }
        Fault::NoOrder { column, kind } => {
            let holds = kinds(kind);
            let text = Name::new(
                format!(
                    "“{column}”的值是{}，没有大小之分；请用 =、!= 或 属于。",
                    holds.zh
                ),
                format!(
                    "`{column}` holds {}, which have no order; use =, != or in.",
                    holds.en
                ),
            );
            ("no-order", text)
        }
        Fault::NotWords { column, kind } => {
            let holds = kinds(kind);
            let text = Name::new(
                format!("“{column}”的值是{}；“开头是”和“包含”只用于文字。", holds.zh),
                format!(
                    "`{column}` holds {}; `starts with` and `contains` are for words.",
                    holds.en
                ),
            );
            ("not-words", text)
        }
        Fault::WrongUnit {
            column,
            unit,
            accepted,
        } if accepted.is_empty() => {
            let text = Name::new(
                format!("“{column}”没有单位，请去掉“{unit}”。"),
                format!("`{column}` has no unit; leave `{unit}` out."),
            );
            ("wrong-unit", text)
        }
        Fault::WrongUnit {
            column,
            unit,
            accepted,
        } => {
            let text = Name::new(
                format!(
                    "“{column}”不能用单位“{unit}”；可用：{}。",
                    accepted.join("、")
                ),
                format!(
                    "`{column}` cannot be given in `{unit}`; units that fit: {}.",
                    accepted.join(", ")
                ),
            );
            ("wrong-unit", text)
        }
        Fault::NumberTooLarge => {
            let text = Name::new(
                "换算成该列的单位后数值过大，请检查数字与单位。",
                "The number is too large in the column's unit; check number and unit.",
            );
            ("number-too-large", text)
        }
        Fault::DateOutOfRange => {
            let text = Name::new(
                format!("日期超出范围；往前最多 {AGO_DAYS_MAX} 天。"),
                format!("The date is out of range; at most {AGO_DAYS_MAX} days back."),
            );
            ("date-out-of-range", text)
        }
        Fault::EmptyList => (
            "empty-list",
            Name::new("列表至少要有一个取值。", "A list has at least one value."),
        ),
        Fault::LongList { values } => {
            let text = Name::new(
                format!("列表有 {values} 个取值，最多 {LIST_VALUES_MAX} 个。"),
                format!("The list has {values} values; at most {LIST_VALUES_MAX} are allowed."),
            );
            ("too-many-values", text)
        }
        Fault::BothFlags { column } => {
            let text = Name::new(
                format!("同时包含“是”和“否”没有意义；请改为“{column} 已知”。"),
                format!("A list with both yes and no says little; write `{column} is known`."),
            );
            ("both-flags", text)
        }
        Fault::WordLength => {
            let text = Name::new(
                format!("文字应为 1 至 {WORD_BYTES_MAX} 字节。"),
                format!("A word has 1 to {WORD_BYTES_MAX} bytes."),
            );
            ("word-length", text)
        }
        Fault::TooManyTerms { terms } => {
            let text = Name::new(
                format!(
                    "展开分组后共 {terms} 个以上条件，最多 {TERMS_MAX} 个。请合并为“属于”列表。"
                ),
                format!(
                    "With its groups opened there are {terms} terms or more; at most {TERMS_MAX} are allowed. Join them into lists (`in`)."
                ),
            );
            ("too-many-terms", text)
        }
        Fault::TooDeep => {
            let text = Name::new(
                format!("条件最多嵌套 {DEPTH_MAX} 层。可把内层存为分组。"),
                format!(
                    "Conditions nest at most {DEPTH_MAX} levels; save an inner part as a group."
                ),
            );
            ("too-deep", text)
        }
        Fault::UnknownGroup { reference } => {
            let text = Name::new(
                format!("没有分组“{reference}”。请检查名称与版本。"),
                format!("There is no group `{reference}`; check name and version."),
            );
            ("unknown-group", text)
        }
        Fault::CircularGroup { names } => {
            let way = names.join(" → ");
            let text = Name::new(
                format!("分组相互引用成环：{way}。"),
                format!("Groups refer to one another in a circle: {way}."),
            );
            ("circular-group", text)
        }
    }
}

/// Stable code and text of a doubt.
#[must_use]
pub fn doubt_text(doubt: &Doubt) -> (&'static str, Name) {
    match doubt {
        Doubt::NeverTrue => {
            let text = Name::new(
                "没有任何值能满足这个条件，请检查上下限。",
                "No value satisfies this condition; check the bounds.",
            );
            ("never-true", text)
        }
        Doubt::UnknownGroupCode { word, near } => {
            let offer = offered(near);
            let text = Name::new(
                format!("“{word}”不是这一列的分组编码或名称。{}", offer.zh),
                format!(
                    "`{word}` is none of the column's group codes or titles. {}",
                    offer.en
                ),
            );
            ("unknown-group-code", text)
        }
    }
}
