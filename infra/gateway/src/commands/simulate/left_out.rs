//! Plans that cannot be had or are not recommended, by reason.
//!
//! A reason is its code. Its text also says which day, contract or add-on it is about, so one code can stand in a catalogue in dozens
//! of texts; a person wants to read how many plans it concerns, once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chudian_vocabulary::Date;

use super::answer::LeftOut;
use super::layout::harmless;
use crate::language::Language;

/// How long a date is in a text.
const DATE_LENGTH: usize = "YYYY-MM-DD".len();

/// The plans that one reason keeps out.
#[derive(Default)]
struct Group<'a> {
    plans: usize,
    /// What the component says of them, each text once, in the order of the catalogue.
    texts: Vec<&'a str>,
}

/// The list as text; empty where nothing is left out.
pub(super) fn left_out(plans: &[LeftOut], language: Language) -> String {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for plan in plans {
        let mut counted = BTreeSet::new();
        for reason in &plan.reasons {
            let group = groups.entry(&reason.code).or_default();
            group.plans += usize::from(counted.insert(&reason.code));
            if !group.texts.contains(&reason.text.as_str()) {
                group.texts.push(&reason.text);
            }
        }
    }
    if groups.is_empty() {
        return String::new();
    }
    let mut groups: Vec<(&str, Group<'_>)> = groups.into_iter().collect();
    groups.sort_by_key(|(code, group)| (Reverse(group.plans), *code));
    let plans = plans.len();
    let mut lines = vec![language.pick(
        format!("\n{plans} plans are left out (a plan can have several reasons):"),
        format!("\n{plans} 个套餐未列入（一个套餐可能有多个原因）："),
    )];
    lines.extend(groups.iter().map(|(_, group)| {
        let (plans, text) = (group.plans, harmless(&in_one(&group.texts, language)));
        format!("  · {plans} × {text}")
    }));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Texts of one reason as one: where they differ by a date, with the first and the last one, else the first text and how many there are.
fn in_one(texts: &[&str], language: Language) -> String {
    let [first, rest @ ..] = texts else {
        return String::new();
    };
    if rest.is_empty() {
        return (*first).to_owned();
    }
    if let Some(text) = over_dates(texts) {
        return text;
    }
    let (more, all) = (rest.len(), texts.len());
    language.pick(
        format!("{first}, and {more} more of this kind"),
        format!("{first}，等 {all} 种情形"),
    )
}

/// One text for those that are alike but for their date.
fn over_dates(texts: &[&str]) -> Option<String> {
    let split: Vec<_> = texts
        .iter()
        .map(|text| around_date(text))
        .collect::<Option<_>>()?;
    let (before, _, after) = *split.first()?;
    let dates: Option<BTreeSet<Date>> = split
        .iter()
        .map(|(other_before, date, other_after)| {
            (*other_before == before && *other_after == after).then_some(*date)
        })
        .collect();
    let dates = dates?;
    let (from, until) = (dates.first()?, dates.last()?);
    Some(format!("{before}{from} … {until}{after}"))
}

/// The first date of a text, and what stands around it.
fn around_date(text: &str) -> Option<(&str, Date, &str)> {
    text.char_indices().find_map(|(at, _)| {
        let after = at + DATE_LENGTH;
        let date = Date::parse(text.get(at..after)?).ok()?;
        Some((text.get(..at)?, date, text.get(after..)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn plans(reasons: &[&[(&str, &str)]]) -> Vec<LeftOut> {
        let plan = |reasons: &&[(&str, &str)]| -> Value {
            reasons
                .iter()
                .map(|(code, text)| json!({"code": code, "text": text}))
                .collect()
        };
        reasons
            .iter()
            .map(|reasons| serde_json::from_value(json!({"reasons": plan(reasons)})).unwrap())
            .collect()
    }

    /// Goal: plans whose sale ended on many days are one line with the first and the last day, which is neither the first nor the last
    /// to be named; a plan counts once for a reason, however often it has it.
    #[test]
    fn a_reason_is_one_line_whatever_its_texts_say() {
        let ended = |text: &'static str| ("no-longer-on-sale", text);
        let left_out_plans = plans(&[
            &[ended("on sale until 2025-06-30"), ("region", "not here")],
            &[ended("on sale until 2024-12-31")],
            &[ended("on sale until 2026-03-01")],
            &[ended("on sale until 2025-06-30")],
            &[
                ("required", "requires `svip`"),
                ("required", "requires `home`"),
            ],
            &[("required", "requires `svip`"), ("region", "not here")],
        ]);
        assert_eq!(
            left_out(&left_out_plans, Language::English),
            "\n6 plans are left out (a plan can have several reasons):\n  \
             · 4 × on sale until 2024-12-31 … 2026-03-01\n  \
             · 2 × not here\n  \
             · 2 × requires `svip`, and 1 more of this kind\n"
        );
        let chinese = plans(&[
            &[ended("已于 2025-06-30 停售")],
            &[ended("已于 2024-12-31 停售")],
            &[("required", "需先订购“尊享”")],
            &[("required", "需先订购“宽带”")],
        ]);
        assert_eq!(
            left_out(&chinese, Language::Chinese),
            "\n4 个套餐未列入（一个套餐可能有多个原因）：\n  \
             · 2 × 已于 2024-12-31 … 2025-06-30 停售\n  \
             · 2 × 需先订购“尊享”，等 2 种情形\n"
        );
        assert_eq!(left_out(&[], Language::English), "");
    }

    /// Goal: texts that differ in more than their date are not forced into a range, nor is what only looks like a date.
    #[test]
    fn only_dates_make_a_range() {
        let english = Language::English;
        for texts in [
            ["from 2025-01-01 here", "from 2025-01-02 there"],
            ["code 2025-13-01", "code 2025-13-02"],
            ["on 2025-01-01", "never"],
        ] {
            assert_eq!(
                in_one(&texts, english),
                format!("{}, and 1 more of this kind", texts[0])
            );
        }
        assert_eq!(in_one(&["on 2025-01-01"], english), "on 2025-01-01");
    }
}
