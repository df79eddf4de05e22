//! Laws of what stands around the ordinary month: joining and its phases, add-ons, family, single calls; and of whole comparisons.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::laws::{line, months, months_document, plan, seed};
use crate::oracle::{self, Terms};
use crate::support::{assert_adds_up, bills, catalogue_document, compile, usage_document};

/// Days of the months that a generated usage may have: January to May 2026.
const DAYS: [i64; 5] = [31, 28, 31, 30, 31];

/// A plan with introductory terms.
fn plan_with_terms() -> impl Strategy<Value = Value> {
    let phases = prop::collection::vec(
        (1_u64..3, select(vec!["50", "33.333", "0"]), any::<bool>()),
        0..3,
    );
    let first_month = select(vec!["full", "by_day", "half_from_16th", "free"]);
    (plan(), phases, first_month, any::<bool>(), any::<bool>()).prop_map(
        |(mut plan, phases, first_month, one_off, prorate)| {
            plan["phases"] = phases
                .into_iter()
                .map(|(months, value, is_percent)| {
                    json!({"months": months, (if is_percent { "fee_percent" } else { "fee" }): if is_percent { value } else { "7.77" }})
                })
                .collect();
            plan["first_month"] = json!(first_month);
            plan["prorate_allowances"] = json!(prorate);
            if one_off {
                plan["one_off_fees"] = json!([{"id": "sim", "amount": "10"}, {"id": "setup", "amount": "0.5"}]);
            }
            plan
        },
    )
}

/// Add-ons of a plan, each with how many are taken.
fn add_ons() -> impl Strategy<Value = Vec<(Value, i64)>> {
    let one = (
        select(vec!["0", "1.5", "8"]),
        0_u64..30,
        0_u8..5,
        select(vec!["voice", "data", "sms", "mms"]),
        0_i64..3,
        select(vec![1_u32, 2, 100]),
    );
    prop::collection::vec(one, 0..4).prop_map(|list| {
        list.into_iter()
            .enumerate()
            .map(|(index, (fee, amount, sort, kind, quantity, priority))| {
                let id = format!("x{index}");
                let mut add_on = json!({"id": id, "monthly_fee": fee});
                let most = match sort {
                    0 if index == 0 => {
                        add_on["rates"] = json!([{"id": "x-rate", "covers": [{"kind": "mms"}], "tiers": [{"up_to": 5, "price": "0.3"}, {"price": "0.1"}]}]);
                        1
                    }
                    1 => {
                        add_on["discounts"] = json!([{"id": format!("{id}-off"), "percent": "20", "lines": ["usage", "add_ons"]}]);
                        1
                    }
                    _ => {
                        let mut allowance = json!({"id": format!("{id}-a"), "unit": "points", "amount": amount, "priority": priority, "covers": [{"kind": kind}]});
                        if sort == 2 {
                            allowance["rollover"] = json!({"months": 2});
                        }
                        add_on["allowances"] = json!([allowance]);
                        2
                    }
                };
                add_on["quantity_max"] = json!(most);
                (add_on, quantity.min(most))
            })
            .collect()
    })
}

/// Compares every line and total of a customer's months with the oracle's.
fn assert_agrees(
    plan: &Value,
    add_ons: &[(Value, i64)],
    usage: &Value,
    joined_on_day: Option<i64>,
    months: &[(Vec<Value>, Terms)],
) -> Result<(), TestCaseError> {
    let mut plan_listed = plan.clone();
    plan_listed["add_ons"] = add_ons
        .iter()
        .map(|(add_on, _)| add_on["id"].clone())
        .collect();
    let documents: Vec<Value> = add_ons.iter().map(|(add_on, _)| add_on.clone()).collect();
    let catalogue = compile(&catalogue_document(vec![plan_listed], documents));
    let quantities: Vec<u32> = add_ons
        .iter()
        .map(|(_, quantity)| u32::try_from(*quantity).unwrap())
        .collect();
    let joined = joined_on_day.map(|day| format!("2026-01-{day:02}"));
    let found = bills(&catalogue, &quantities, usage, joined.as_deref());
    let mut rests = oracle::Rests::new();
    for (bill, (lines, terms)) in found.iter().zip(months) {
        assert_adds_up(bill);
        let expected = oracle::price_under(plan, lines, terms, &mut rests);
        for (id, amount) in &expected.lines {
            let found = bill
                .lines
                .iter()
                .find(|line| line.id == *id)
                .map_or(0, |line| line.amount_fen);
            prop_assert_eq!(found, *amount, "line {} of {}\n{:#?}", id, bill.month, bill);
        }
        prop_assert_eq!(bill.total_fen, expected.total_fen);
    }
    Ok(())
}

/// Terms of the month at `index` of a customer who joined on a day of the first one.
fn terms(index: usize, joined_on_day: Option<i64>) -> Terms {
    Terms {
        tenure_months: joined_on_day.map(|_| i64::try_from(index).unwrap()),
        joined_on_day: joined_on_day.unwrap_or(1),
        days: DAYS[index],
        ..Terms::default()
    }
}

/// Single uses in the order of days, at a time of day of the standard band.
fn events(month: usize) -> impl Strategy<Value = Vec<Value>> {
    let one = (
        select(vec!["voice", "voice", "sms", "mms"]),
        0_u64..40,
        8_u32..20,
    );
    prop::collection::vec(one, 0..8).prop_map(move |list| {
        list.into_iter()
            .enumerate()
            .map(|(day, (kind, seconds, hour))| {
                let category = if kind == "voice" { "local" } else { "domestic" };
                let start = format!("2026-{:02}-{:02}T{hour:02}:00:00", month + 1, day + 1);
                let mut event = json!({"kind": kind, "category": category, "start": start});
                if kind == "voice" {
                    event["seconds"] = seconds.into();
                }
                event
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_global_rejects: 20_000, failure_persistence: None, rng_seed: seed(), ..ProptestConfig::default() })]

    /// Goal: fees by phase and day of joining, one-off fees, prorated allowances and everything that add-ons bring are what the oracle
    /// finds.
    #[test]
    fn joining_and_add_ons_agree_with_the_oracle(plan in plan_with_terms(), add_ons in add_ons(), months in months(), joined in prop::option::of(1_i64..32)) {
        let under: Vec<(Vec<Value>, Terms)> = months
            .iter()
            .enumerate()
            .map(|(index, lines)| (lines.clone(), Terms { add_ons: add_ons.clone(), ..terms(index, joined) }))
            .collect();
        assert_agrees(&plan, &add_ons, &months_document(&months), joined, &under)?;
    }

    /// Goal: members of a family pay the plan's prices, draw after the customer and only from what is shared.
    #[test]
    fn a_family_agrees_with_the_oracle(
        plan in plan(), shared in prop::collection::vec(any::<bool>(), 4), months in months(), member_fee in select(vec!["0", "5.5"]),
        members in prop::collection::vec(prop::collection::vec(line(), 0..4), 1..3),
    ) {
        let mut plan = plan;
        plan["family"] = json!({"members_max": 2, "member_fee": member_fee});
        for (allowance, shared) in plan["allowances"].as_array_mut().unwrap().iter_mut().zip(shared) {
            allowance["shared_in_family"] = json!(shared);
        }
        let family: Vec<Value> = members.iter().map(|lines| vec![json!({"lines": lines}); months.len()].into()).collect();
        let own: Vec<Value> = months.iter().map(|lines| json!({"lines": lines})).collect();
        let under: Vec<(Vec<Value>, Terms)> = months
            .iter()
            .enumerate()
            .map(|(index, lines)| (lines.clone(), Terms { members: members.clone(), ..terms(index, None) }))
            .collect();
        assert_agrees(&plan, &[], &usage_document(&own, &family), None, &under)?;
    }

    /// Goal: single calls are rounded to their increments one by one, draw in the order of time, and are set up once when not all of
    /// them is inside.
    #[test]
    fn single_calls_agree_with_the_oracle(plan in plan(), first in select(vec![1_u64, 6, 60]), next in select(vec![1_u64, 6]), setup in any::<bool>(), january in events(0), february in events(1)) {
        let mut plan = plan;
        let calls = &mut plan["rates"][0];
        if calls["convert"].is_null() {
            calls["increment"] = json!({"first": first, "next": next});
            if setup && calls["cap"].is_null() {
                calls["setup_fee"] = json!("0.15");
            }
        }
        let months = [january, february];
        let usage: Vec<Value> = months.iter().map(|events| json!({"events": events})).collect();
        let under: Vec<(Vec<Value>, Terms)> = months
            .iter()
            .enumerate()
            .map(|(index, events)| (Vec::new(), Terms { events: events.clone(), ..terms(index, None) }))
            .collect();
        assert_agrees(&plan, &[], &usage_document(&usage, &[]), None, &under)?;
    }
}
