//! What a person reads after a simulation.

use std::fmt::Write as _;

use anyhow::ensure;

use super::answer::{Bill, BillLine, Comparison, HeldAddOn, Ranked};
use super::layout::{Align, harmless, table, yuan};
use super::left_out::left_out;
use crate::language::Language;

/// Codes of reasons that the report states with figures of its own.
const SAID_BY_FIGURES: [&str; 4] = [
    "saves-every-month",
    "saves-in-some-months",
    "dearest-month-falls",
    "switching-costs",
];

/// Units of usage: identifier, English, Chinese.
const UNITS: [(&str, &str, &str); 3] = [
    ("seconds", "s", "秒"),
    ("kb", "KB", "KB"),
    ("count", "times", "次"),
];

/// The comparison as text.
pub(super) fn comparison(answer: &Comparison, language: Language) -> String {
    let mut text = String::new();
    if let (Some(first), Some(last)) = (answer.months.first(), answer.months.last()) {
        line(
            &mut text,
            &language.pick(
                format!("Months {first} to {last}, amounts in yuan"),
                format!("月份 {first} 至 {last}，金额单位：元"),
            ),
        );
    }
    if answer.estimated {
        line(
            &mut text,
            language.pick(
                "Some prices are estimates: the table does not say all that they depend on (started minutes, bands or types of days).",
                "部分价格为估算：表格中没有计价所需的全部信息（计费分钟、时段或日类型）。",
            ),
        );
    }
    text.push('\n');
    text.push_str(&ranking(answer, language));
    match answer.ranking.first() {
        Some(best) => text.push_str(&why(best, answer, language)),
        None => line(
            &mut text,
            language.pick(
                "\nNo plan is to be recommended; the reasons follow. --region, --brand and --customer-type open plans that are not for everybody.",
                "\n没有可推荐的套餐，原因如下。可用 --region、--brand、--customer-type 指明身份，以纳入限定对象的套餐。",
            ),
        ),
    }
    text.push_str(&left_out(&answer.left_out, language));
    text
}

/// Why the best plan comes first.
fn why(best: &Ranked, answer: &Comparison, language: Language) -> String {
    let mut text = String::new();
    let name = harmless(&best.name);
    line(
        &mut text,
        &language.pick(
            format!("\nWhy {name} comes first:"),
            format!("\n{name} 排在首位的原因："),
        ),
    );
    if let Some(saving) = &best.saving {
        let (mean, worst, won, all) = (
            yuan(saving.mean_fen),
            yuan(saving.worst_month_fen),
            saving.months_won,
            answer.months.len(),
        );
        line(
            &mut text,
            &language.pick(
                format!("  · saves {mean} yuan a month, {worst} in the month that saves least; cheaper in {won} of {all} months"),
                format!("  · 平均每月节省 {mean} 元，节省最少的月份 {worst} 元；{all} 个月中有 {won} 个月更便宜"),
            ),
        );
    }
    let dearest = |monthly_fen: &[i64]| monthly_fen.iter().copied().max().unwrap_or(0);
    if let Some(present) = &answer.present
        && dearest(&best.monthly_total_fen) < dearest(&present.monthly_total_fen)
    {
        let (before, after) = (
            yuan(dearest(&present.monthly_total_fen)),
            yuan(dearest(&best.monthly_total_fen)),
        );
        line(
            &mut text,
            &language.pick(
                format!("  · the dearest month falls from {before} to {after} yuan"),
                format!("  · 最贵的月份由 {before} 元降至 {after} 元"),
            ),
        );
    }
    if best.saving.is_none() {
        line(
            &mut text,
            language.pick("  · it costs least over all months", "  · 各月合计费用最低"),
        );
    }
    if best.switching.cost_fen > 0 {
        let cost = yuan(best.switching.cost_fen);
        line(
            &mut text,
            &language.pick(
                format!("  · switching costs {cost} yuan"),
                format!("  · 更换套餐需 {cost} 元"),
            ),
        );
    }
    for reason in best
        .reasons
        .iter()
        .filter(|reason| !SAID_BY_FIGURES.contains(&reason.code.as_str()))
    {
        line(&mut text, &format!("  · {}", harmless(&reason.text)));
    }
    text
}

fn ranking(answer: &Comparison, language: Language) -> String {
    let headings = language.pick(
        [
            "rank",
            "plan",
            "id",
            "months won",
            "saving/month",
            "least saving",
            "mean",
            "total",
        ],
        [
            "排名",
            "套餐",
            "编号",
            "胜出月数",
            "月均节省",
            "最少节省",
            "月均",
            "合计",
        ],
    );
    let mut headings: Vec<String> = headings.into_iter().map(str::to_owned).collect();
    headings.extend(answer.months.iter().cloned());
    let mut columns = vec![Align::Right, Align::Left, Align::Left];
    columns.resize(headings.len(), Align::Right);
    let months = i64::try_from(answer.months.len())
        .unwrap_or(i64::MAX)
        .max(1);
    let mut rows = vec![headings];
    let amounts = |total_fen: i64, monthly_fen: &[i64]| {
        let mut cells = vec![yuan(rounded_mean(total_fen, months)), yuan(total_fen)];
        cells.extend(monthly_fen.iter().map(|fen| yuan(*fen)));
        cells
    };
    if let Some(present) = &answer.present {
        let now = language.pick("now", "现在").to_owned();
        let mut row = vec![
            now,
            package(&present.name, &present.add_ons),
            present.plan_id.clone(),
        ];
        row.extend(["-", "-", "-"].map(str::to_owned));
        row.extend(amounts(present.total_fen, &present.monthly_total_fen));
        rows.push(row);
    }
    for ranked in &answer.ranking {
        let saving = |cell: fn(&super::answer::Saving) -> String| {
            ranked.saving.as_ref().map_or_else(|| "-".to_owned(), cell)
        };
        let mut row = vec![
            ranked.rank.to_string(),
            package(&ranked.name, &ranked.add_ons),
            ranked.plan_id.clone(),
            saving(|saving| saving.months_won.to_string()),
            saving(|saving| yuan(saving.mean_fen)),
            saving(|saving| yuan(saving.worst_month_fen)),
        ];
        row.extend(amounts(ranked.total_fen, &ranked.monthly_total_fen));
        rows.push(row);
    }
    table(&columns, &rows)
}

/// A plan with its add-ons: `name + 2 × name`.
pub(super) fn package(plan: &str, add_ons: &[HeldAddOn]) -> String {
    let mut text = plan.to_owned();
    for add_on in add_ons {
        let name = &add_on.name;
        // Writing to a text cannot fail.
        let _ = match add_on.quantity {
            1 => write!(text, " + {name}"),
            quantity => write!(text, " + {quantity} × {name}"),
        };
    }
    text
}

/// One bill as text; its lines are added up here and held against its total.
pub(super) fn bill(bill: &Bill, package: &str, language: Language) -> anyhow::Result<String> {
    let month = &bill.month;
    let mut text = String::new();
    line(
        &mut text,
        &language.pick(
            format!("\nBill of {month} under {package}"),
            format!("\n{month} 账单：{package}"),
        ),
    );
    let headings = language.pick(
        [
            "line",
            "quantity",
            "unit",
            "inside allowances",
            "price (yuan/units)",
            "amount (yuan)",
        ],
        [
            "项目",
            "数量",
            "单位",
            "套餐内",
            "单价（元/单位数）",
            "金额（元）",
        ],
    );
    let mut rows: Vec<Vec<String>> = vec![headings.into_iter().map(str::to_owned).collect()];
    rows.extend(bill.lines.iter().map(|line| bill_row(line, language)));
    let total = [language.pick("total", "合计"), "", "", "", ""].map(str::to_owned);
    rows.push(total.into_iter().chain([yuan(bill.total_fen)]).collect());
    text.push_str(&table(
        &[
            Align::Left,
            Align::Right,
            Align::Left,
            Align::Right,
            Align::Right,
            Align::Right,
        ],
        &rows,
    ));
    let sum_fen: i128 = bill
        .lines
        .iter()
        .map(|line| i128::from(line.amount_fen))
        .sum();
    ensure!(
        sum_fen == i128::from(bill.total_fen),
        language.pick(
            format!("the lines of {month} add up to {sum_fen} fen and not to {} fen: a defect of the component, please report it", bill.total_fen),
            format!("{month} 各项合计 {sum_fen} 分，与总额 {} 分不符：这是组件的缺陷，请报告", bill.total_fen),
        )
    );
    line(
        &mut text,
        language.pick("the lines add up to the total", "各项相加与合计一致"),
    );
    if let Some(proof) = &bill.proof {
        line(
            &mut text,
            &language.pick(
                format!("proof {}", harmless(proof)),
                format!("凭证 {}", harmless(proof)),
            ),
        );
    }
    Ok(text)
}

fn bill_row(line: &BillLine, language: Language) -> Vec<String> {
    let figure = |figure: Option<i64>| figure.map(|figure| figure.to_string()).unwrap_or_default();
    vec![
        line.description.clone(),
        figure(line.quantity),
        line.unit
            .as_deref()
            .map(|unit| unit_name(unit, language))
            .unwrap_or_default()
            .to_owned(),
        figure(line.allowance),
        line.price.clone().unwrap_or_default(),
        yuan(line.amount_fen),
    ]
}

/// A unit of usage; its identifier where it is not known here.
fn unit_name(id: &str, language: Language) -> &str {
    UNITS
        .iter()
        .find(|(known, _, _)| *known == id)
        .map_or(id, |(_, english, chinese)| {
            language.pick(*english, *chinese)
        })
}

/// Mean of months, to the nearest fen, halves away from zero.
fn rounded_mean(total_fen: i64, months: i64) -> i64 {
    let (quotient, rest) = (total_fen / months, total_fen % months);
    if rest.unsigned_abs() * 2 >= months.unsigned_abs() {
        quotient + total_fen.signum()
    } else {
        quotient
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An answer as the component gives it in a language.
    fn answer(language: Language) -> Comparison {
        let [now, best, video, data, region, brand] = language.pick(
            [
                "GoTone Select 88",
                "M-Zone Play 28",
                "Video membership with 1 GB",
                "10 GB of data",
                "not for the customer's region",
                "not for the customer's brand",
            ],
            [
                "全球通畅享88",
                "动感地带畅玩28",
                "视频会员权益包（含1GB视频流量）",
                "10GB流量加油包",
                "不适用于客户地区",
                "不适用于客户品牌",
            ],
        );
        serde_json::from_value(json!({
            "months": ["2026-05", "2026-06"],
            "present": {"plan_id": "gotone-88", "name": now, "monthly_total_fen": [8800, 9301], "total_fen": 18101},
            "ranking": [{
                "rank": 1, "plan_id": "mzone-28", "name": best,
                "add_ons": [{"id": "video-member", "name": video, "quantity": 1}, {"id": "data-10g", "name": data, "quantity": 2}],
                "monthly_total_fen": [5000, 5000], "total_fen": 10000,
                "saving": {"mean_fen": 4051, "worst_month_fen": 3800, "months_won": 2}, "switching": {"cost_fen": 1000},
                "reasons": [{"code": "saves-every-month", "text": "cheaper in every month"}, {"code": "new-code", "text": "something \u{1b}[2J new"}]
            }],
            "left_out": [
                {"reasons": [{"code": "region", "text": region}, {"code": "brand", "text": brand}]},
                {"reasons": [{"code": "region", "text": region}]}
            ]
        }))
        .unwrap()
    }

    /// Goal: what a person sees, whole, in both languages.
    #[test]
    fn a_comparison_reads_like_this() {
        assert_eq!(
            comparison(&answer(Language::Chinese), Language::Chinese),
            include_str!("../../../tests/texts/comparison.zh.txt")
        );
        assert_eq!(
            comparison(&answer(Language::English), Language::English),
            include_str!("../../../tests/texts/comparison.en.txt")
        );
    }

    /// Goal: a bill whose lines do not add up is never shown as if they did.
    #[test]
    fn a_bill_is_added_up() {
        let bill_of = |total_fen: i64| -> Bill {
            serde_json::from_value(json!({
                "month": "2026-05", "total_fen": total_fen, "proof": "ab12",
                "lines": [
                    {"id": "monthly-fee", "description": "月基本费", "quantity": 1, "price": "28.00", "amount_fen": 2800},
                    {"id": "voice", "description": "国内主叫", "quantity": 3600, "unit": "seconds", "allowance": 3000, "price": "0.19/60", "amount_fen": 190}
                ]
            }))
            .unwrap()
        };
        let language = Language::Chinese;
        let shown = bill(&bill_of(2990), "套餐", language).unwrap();
        assert!(
            shown.contains("月基本费")
                && shown.contains("国内主叫")
                && shown.contains("29.90")
                && shown.contains("秒"),
            "{shown}"
        );
        assert!(
            bill(&bill_of(2991), "套餐", language)
                .unwrap_err()
                .to_string()
                .contains("2990")
        );
    }

    #[test]
    fn means_are_rounded_half_away_from_zero() {
        assert_eq!(
            [(10, 4), (9, 4), (-10, 4), (0, 6), (18101, 2)]
                .map(|(total, months)| rounded_mean(total, months)),
            [3, 2, -3, 0, 9051]
        );
    }
}
