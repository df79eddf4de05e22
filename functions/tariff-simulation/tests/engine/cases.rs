//! Cases as data: `cases/<topic>.json` holds a list of plans with usage and the lines that they must give.
//!
//! A case has `goal`, `plan` (what is left out is empty), optionally `add_ons` and `take` (quantities), `joined`, `family`;
//! and either `usage` (lists of lines or events with `months`) with `expect`, one object per month, or `table`, pairs of one
//! quantity and the total that it must cost, for the case's `each` line with the quantity put in.

use serde_json::{Value, json};

use crate::support::{
    assert_adds_up, bills, catalogue_document, compile, plan_document, usage_document,
};

fn run(topic: &str, text: &str) {
    let cases: Vec<Value> =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{topic}: {error}"));
    assert!(!cases.is_empty());
    for case in cases {
        let goal = format!("{topic}: {}", case["goal"].as_str().unwrap());
        let mut plan = plan_document(&case["plan"]);
        let add_ons = case["add_ons"].as_array().cloned().unwrap_or_default();
        plan["add_ons"] = add_ons.iter().map(|add_on| add_on["id"].clone()).collect();
        let catalogue = compile(&catalogue_document(vec![plan], add_ons.clone()));
        let quantities: Vec<u32> = add_ons
            .iter()
            .map(|add_on| {
                case["take"][add_on["id"].as_str().unwrap()]
                    .as_u64()
                    .unwrap_or(0)
                    .try_into()
                    .unwrap()
            })
            .collect();
        let joined = case["joined"].as_str();
        let family = case["family"].as_array().cloned().unwrap_or_default();
        if let Some(table) = case["table"].as_array() {
            for row in table {
                let (quantity, expected) = (&row[0], row[1].as_i64().unwrap());
                let mut line = case["each"].clone();
                let field = line
                    .as_object()
                    .unwrap()
                    .iter()
                    .find(|(_, value)| value.is_null())
                    .map(|(field, _)| field.clone())
                    .unwrap();
                line[&field] = quantity.clone();
                let bill = bills(
                    &catalogue,
                    &quantities,
                    &usage_document(&[json!({"lines": [line]})], &[]),
                    joined,
                )
                .remove(0);
                assert_adds_up(&bill);
                assert_eq!(
                    bill.total_fen, expected,
                    "{goal}: {field} {quantity}\n{bill:#?}"
                );
            }
            continue;
        }
        let bills = bills(
            &catalogue,
            &quantities,
            &usage_document(case["months"].as_array().unwrap(), &family),
            joined,
        );
        let expected = case["expect"].as_array().unwrap();
        assert_eq!(bills.len(), expected.len(), "{goal}");
        for (bill, expected) in bills.iter().zip(expected) {
            assert_adds_up(bill);
            assert_eq!(
                bill.total_fen,
                expected["total_fen"].as_i64().unwrap(),
                "{goal}: {}\n{bill:#?}",
                bill.month
            );
            for (id, amount) in expected["lines"].as_object().into_iter().flatten() {
                let line = bill
                    .lines
                    .iter()
                    .find(|line| line.id == *id)
                    .map_or(0, |line| line.amount_fen);
                assert_eq!(
                    line,
                    amount.as_i64().unwrap(),
                    "{goal}: {} line {id}\n{bill:#?}",
                    bill.month
                );
            }
            if let Some(estimated) = expected["estimated"].as_bool() {
                assert_eq!(
                    bill.lines.iter().any(|line| line.estimated),
                    estimated,
                    "{goal}: estimated\n{bill:#?}"
                );
            }
            for (field, pick) in [
                (
                    "unserved",
                    (|usage| usage.unserved)
                        as fn(&chudian_tariff_simulation::bill::KindUse) -> i64,
                ),
                ("inside", |usage| usage.inside),
                ("beyond", |usage| usage.beyond),
                ("unpriced", |usage| usage.unpriced),
            ] {
                if let Some(wanted) = expected[field].as_i64() {
                    assert_eq!(
                        bill.usage.iter().map(pick).sum::<i64>(),
                        wanted,
                        "{goal}: {field}\n{bill:#?}"
                    );
                }
            }
            for (id, wanted) in expected["carried_out"].as_object().into_iter().flatten() {
                let found = bill
                    .allowances
                    .iter()
                    .find(|allowance| allowance.id == *id)
                    .map_or(0, |allowance| allowance.carried_out);
                assert_eq!(
                    found,
                    wanted.as_i64().unwrap(),
                    "{goal}: carried out of {id}\n{bill:#?}"
                );
            }
        }
    }
}

macro_rules! topics {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            run(stringify!($name), include_str!(concat!("cases/", stringify!($name), ".json")));
        }
    )*};
}

topics!(published_examples disputes increments_and_bands tiers caps allowances fees_and_phases bounds_discounts_tax add_ons family);
