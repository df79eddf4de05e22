//! The two widths of amounts: which rates are proved to fit 64 bits, and that 128 bits give the same bills.
//!
//! The edge that is pinned here is that of a repeating cap over tiers with flat fees: each block of the cap begins with the first
//! tier and pays its flat fees anew. Documents may not combine the two today, but the proof of width does not rest on that, so the
//! cap is put on the plan after reading it. The oracle reads the document with the cap in it.

use chudian_tariff_simulation::compile::CompiledCatalogue;
use chudian_tariff_simulation::plan::{AtCap, LineCap};
use chudian_tariff_simulation::wire;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::laws::{months, months_document, plan, rounding, seed};
use crate::oracle;
use crate::support::{bills, catalogue_document, compile, plan_document, usage_document};

/// Messages only: what `rate` says of them, with a cap for each block of so many.
fn messages(rate: &Value, cap_yuan: i64, every: i64) -> Value {
    let mut rate = rate.clone();
    rate["id"] = json!("s");
    rate["covers"] = json!([{"kind": "sms"}]);
    rate["cap"] = json!({"amount": cap_yuan.to_string(), "every": every, "then": "free"});
    plan_document(&json!({"rates": [rate]}))
}

/// Compiles a plan of [`messages`].
fn compiled(document: &Value) -> CompiledCatalogue {
    let mut plain = document.clone();
    let cap = plain["rates"][0]
        .as_object_mut()
        .unwrap()
        .remove("cap")
        .unwrap();
    let document = catalogue_document(vec![plain], vec![]).to_string();
    let mut catalogue = wire::parse_catalogue(document.as_bytes())
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .catalogue;
    let yuan: i64 = cap["amount"].as_str().unwrap().parse().unwrap();
    catalogue.plans[0].rates[0].cap = Some(LineCap {
        amount_fen: 100 * yuan,
        every: cap["every"].as_i64(),
        then: AtCap::Free,
    });
    catalogue.compile()
}

fn is_wide(catalogue: &CompiledCatalogue) -> bool {
    catalogue.plans[0].bare.rates[0].wide
}

/// The same plans with every amount in 128 bits.
fn widened(catalogue: &CompiledCatalogue) -> CompiledCatalogue {
    let mut catalogue = catalogue.clone();
    for plan in &mut catalogue.plans {
        for variant in plan.with_add_ons.iter_mut().chain([&mut plan.bare]) {
            variant.rates.iter_mut().for_each(|rate| rate.wide = true);
        }
    }
    catalogue
}

fn total_of(catalogue: &CompiledCatalogue, lines: &[Value]) -> i64 {
    bills(
        catalogue,
        &[],
        &usage_document(&[json!({"lines": lines})], &[]),
        None,
    )[0]
    .total_fen
}

fn sent(count: u64) -> Value {
    json!({"kind": "sms", "category": "domestic", "band": "standard", "day_type": "workday", "count": count})
}

fn by_the_oracle(document: &Value, lines: &[Value]) -> i64 {
    oracle::price(document, lines, &mut oracle::Rests::new()).total_fen
}

/// Goal: the flat fees of every block count in the proof: the largest flat fee that fits is narrow, the next one is wide, and the
/// bills beside the edge are right in both widths.
///
/// By hand, in price units (10⁻⁹ yuan, of which a fen has D = 10⁷). A rate is proved for Q = 2 × 17 users × 10¹¹ = 3,400,000,000,000
/// messages. With a price of 1, a flat fee of F and a cap for every single message, Q messages cost at most 1 × Q + F × (Q + 1), and
/// rounding to the fen adds less than D. That fits 2⁶³ − 1 = 9,223,372,036,854,775,807 if
/// F ≤ (9,223,372,036,854,775,807 − 10,000,000 − Q) ÷ (Q + 1) = 2,712,755.48: up to 2,712,755.
///
/// A message costs F + 1. 5,041 of them are 1,367.4997955, 1,367.5002996 and 1,367.5008037 fen for the three flat fees; 5,605 are
/// 1,520.4991775, 1,520.499738 and 1,520.5002985: half a fen lies between two of them each time.
#[test]
fn flat_fees_of_every_block_decide_the_width() {
    for (flat, wide, expected) in [
        ("0.002712754", false, [1_367, 1_520]),
        ("0.002712755", false, [1_368, 1_520]),
        ("0.002712756", true, [1_368, 1_521]),
    ] {
        let document = messages(
            &json!({"tiers": [{"price": "0.000000001", "flat": flat}]}),
            1,
            1,
        );
        let catalogue = compiled(&document);
        assert_eq!(is_wide(&catalogue), wide, "{flat}");
        for (count, expected) in [5_041, 5_605].into_iter().zip(expected) {
            let lines = [sent(count)];
            assert_eq!(total_of(&catalogue, &lines), expected, "{flat} × {count}");
            assert_eq!(total_of(&widened(&catalogue), &lines), expected);
            assert_eq!(by_the_oracle(&document, &lines), expected);
        }
    }
}

/// Goal: without a cap, or with one over the whole month, a flat fee is paid once and a plan of ordinary figures stays narrow.
#[test]
fn a_flat_fee_paid_once_does_not_widen() {
    let rate = json!({"tiers": [{"price": "0.000000001", "flat": "0.002712756"}]});
    let mut document = messages(&rate, 1, 1);
    assert!(is_wide(&compiled(&document)));
    document["rates"][0]["cap"] = json!({"amount": "1", "then": "free"});
    assert!(!is_wide(&compile(&catalogue_document(
        vec![document.clone()],
        vec![]
    ))));
    document["rates"][0]["cap"] = Value::Null;
    assert!(!is_wide(&compile(&catalogue_document(
        vec![document],
        vec![]
    ))));
    // Half a million messages a block: 6,800,001 flat fees in the largest month.
    assert!(!is_wide(&compiled(&messages(&rate, 1, 500_000))));
}

/// Goal: where the sum of the blocks' flat fees leaves 64 bits, the bill is right on both sides of that.
///
/// By hand: the price, 10⁻⁹ yuan for 10⁹ messages, is 10⁻¹⁶ fen for one, so amounts are numerators over 10¹⁶. A block of ten costs its
/// flat fee of one yuan and ten times nearly nothing: 10¹⁸ + 10. Nine blocks are 9 × 10¹⁸ + 90 and fit 2⁶³ − 1 = 9.22 × 10¹⁸; the
/// 91st message begins the tenth, which makes more than 10¹⁹. Rounded up, nearly nothing is a fen. 10¹¹ messages, the most that a
/// month may hold, are 10¹⁰ blocks: 10¹² fen and a hundred-thousandth.
#[test]
fn flat_fees_beyond_64_bits_are_added_up() {
    let document = messages(
        &json!({
            "per": 1_000_000_000, "tiers": [{"price": "0.000000001", "flat": "1"}],
            "rounding": {"mode": "up", "places": 2},
        }),
        2,
        10,
    );
    let catalogue = compiled(&document);
    assert!(is_wide(&catalogue));
    for (count, expected) in [
        (1, 101),
        (89, 901),
        (90, 901),
        (91, 1_001),
        (100, 1_001),
        (101, 1_101),
    ] {
        let lines = [sent(count)];
        assert_eq!(total_of(&catalogue, &lines), expected, "{count} messages");
        assert_eq!(
            by_the_oracle(&document, &lines),
            expected,
            "{count} messages"
        );
    }
    let largest_month = vec![sent(10_000_000_000); 10];
    assert_eq!(total_of(&catalogue, &largest_month), 1_000_000_000_001);
}

/// Tiers of messages, nearly all with a flat fee, whose edges lie within a few blocks.
fn tiers_with_flat_fees() -> impl Strategy<Value = Vec<Value>> {
    let tier = || {
        (
            1_u64..9,
            select(vec!["0", "0.1", "0.333"]),
            select(vec!["0", "0.5", "1.005"]),
        )
    };
    (prop::collection::vec(tier(), 0..3), tier()).prop_map(|(bounded, (_, price, flat))| {
        let mut up_to = 0;
        let mut tiers: Vec<Value> = Vec::new();
        for (length, price, flat) in bounded {
            up_to += length;
            tiers.push(json!({"up_to": up_to, "price": price, "flat": flat}));
        }
        tiers.push(json!({"price": price, "flat": flat}));
        tiers
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, rng_seed: seed(), ..ProptestConfig::default() })]

    /// Goal: every block of a repeating cap begins with the first tier, pays its flat fees, and costs the cap at most.
    #[test]
    fn repeating_caps_over_flat_fees_agree_with_the_oracle(
        tiers in tiers_with_flat_fees(), volume in any::<bool>(), free_units in 0_u64..4, rounding in rounding(),
        cap_yuan in 0_i64..4, every in 1_i64..20, counts in prop::collection::vec(0_u64..80, 1..4),
    ) {
        let rate = json!({"tiers": tiers, "mode": if volume { "volume" } else { "graduated" }, "free_units": free_units, "rounding": rounding});
        let document = messages(&rate, cap_yuan, every);
        let catalogue = compiled(&document);
        for count in counts {
            let lines = [sent(count)];
            let expected = by_the_oracle(&document, &lines);
            prop_assert_eq!(total_of(&catalogue, &lines), expected, "{} messages", count);
            prop_assert_eq!(total_of(&widened(&catalogue), &lines), expected, "{} messages in 128 bits", count);
        }
    }

    /// Goal: a width is a matter of speed: whatever is proved narrow gives the same bill, proof included, in 128 bits.
    #[test]
    fn both_widths_give_the_same_bills(plan in plan(), months in months()) {
        let catalogue = compile(&catalogue_document(vec![plan], vec![]));
        prop_assume!(catalogue.plans[0].bare.rates.iter().any(|rate| !rate.wide));
        let usage = months_document(&months);
        prop_assert_eq!(bills(&catalogue, &[], &usage, None), bills(&widened(&catalogue), &[], &usage, None));
    }
}
