//! The comparison: best add-ons against an exhaustive search, ranking, eligibility, switching cost, what-if, held-out month.

use chudian_tariff_simulation::add_ons::{PricedMonths, best_add_ons, price_choice};
use chudian_tariff_simulation::comparison::{Simulation, SimulationRequest, simulate};
use chudian_tariff_simulation::compile::CompiledCatalogue;
use chudian_tariff_simulation::engine::{MonthContext, Quantities, Workspace};
use chudian_tariff_simulation::service::bills::bill;
use chudian_tariff_simulation::service::forms::Described;
use chudian_tariff_simulation::service::requests::{BillForm, SimulationForm};
use chudian_tariff_simulation::service::simulate as service;
use chudian_tariff_simulation::wire;
use chudian_vocabulary::{Date, Language};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::laws::{months, months_document, plan};
use crate::support::{catalogue_document, compile, plan_document, usage_document};

/// The day of every comparison here.
fn today() -> Date {
    Date::parse("2026-07-01").unwrap()
}

fn subject(usage: &Value) -> service::Subject {
    service::Subject {
        document: wire::read_shape(usage.to_string().as_bytes(), 1 << 20).unwrap(),
        described: Described::Stored,
    }
}

/// A question in the form of `POST /simulations`, without its customer, in the words of the domain; every plan is described.
fn request(catalogue: &CompiledCatalogue, usage: &Value, form: &Value) -> SimulationRequest {
    let form: SimulationForm = serde_json::from_value(form.clone()).unwrap();
    let question = service::question(&catalogue.catalogue, &subject(usage), &form, today(), None)
        .unwrap_or_else(|error| panic!("{error:#?}"));
    SimulationRequest {
        described: usize::MAX,
        ..question.request
    }
}

fn run(catalogue: &CompiledCatalogue, usage: &Value, form: &Value) -> Simulation {
    simulate(catalogue, &request(catalogue, usage, form)).unwrap()
}

fn sms_plan(id: &str, fee: &str, included: u64, price: &str) -> Value {
    plan_document(
        &json!({"id": id, "monthly_fee": fee, "allowances": [{"id": "a", "unit": "count", "amount": included, "covers": [{"kind": "sms"}]}], "rates": [{"id": "s", "covers": [{"kind": "sms"}], "tiers": [{"price": price}]}]}),
    )
}

fn sms_months(counts: &[u64]) -> Vec<Value> {
    counts
        .iter()
        .map(|count| json!({"lines": [{"kind": "sms", "category": "domestic", "count": count}]}))
        .collect()
}

fn customer(counts: &[u64], customer: Value) -> Value {
    let mut usage = usage_document(&sms_months(counts), &[]);
    usage["customer"] = customer;
    usage
}

#[test]
fn plans_are_ranked_by_saving_month_by_month() {
    let catalogue = compile(&catalogue_document(
        vec![
            sms_plan("now", "10", 0, "0.1"),
            sms_plan("big", "28", 1000, "0.1"),
            sms_plan("mid", "18", 150, "0.1"),
            sms_plan("dear", "90", 0, "1"),
        ],
        vec![],
    ));
    let simulation = run(
        &catalogue,
        &customer(&[100, 500, 100], json!({"id": "c", "plan": "now"})),
        &json!({}),
    );
    let order: Vec<&str> = simulation
        .ranking
        .iter()
        .map(|candidate| catalogue.catalogue.plans[candidate.result.plan].id.as_str())
        .collect();
    assert_eq!(order, ["big", "mid", "dear"]);
    let present = simulation.present.as_ref().unwrap();
    assert_eq!(
        present
            .months
            .iter()
            .map(|month| month.total_fen())
            .collect::<Vec<_>>(),
        [2000, 6000, 2000]
    );
    assert_eq!(
        (present.total_fen, present.mean_fen, present.worst_month_fen),
        (10_000, 3_333, 6_000)
    );
    let best = simulation.best().unwrap();
    let saving = best.saving.as_ref().unwrap();
    assert_eq!(
        (
            saving.months_fen.as_slice(),
            saving.total_fen,
            saving.months_won,
            saving.revenue_change_total_fen
        ),
        ([-800, 3200, -800].as_slice(), 1600, 1, -1600)
    );
    assert_eq!(
        simulation.ranking[2]
            .not_recommended
            .iter()
            .map(|reason| reason.code())
            .collect::<Vec<_>>(),
        ["not-cheaper"]
    );
    // The average month would have cost 233 messages on the middle plan: 26.30; the real months cost more.
    assert_eq!(simulation.ranking[1].result.total_fen, 1800 * 3 + 3500);
    let held_out = simulation.held_out.as_ref().unwrap();
    assert_eq!(
        (
            held_out.chosen.as_ref().map(|(plan, _)| *plan),
            held_out.saving_fen,
            held_out.agrees
        ),
        (Some(1), -800, true)
    );
}

#[test]
fn the_province_decides_what_is_recommended() {
    let catalogue = compile(&catalogue_document(
        vec![
            sms_plan("now", "10", 0, "0.1"),
            sms_plan("b-twin", "12", 1000, "0"),
            sms_plan("a-twin", "12", 1000, "0"),
        ],
        vec![],
    ));
    let usage = customer(&[100, 100], json!({"id": "c", "plan": "now"}));
    let best = |ranking: Value| {
        let simulation = run(&catalogue, &usage, &json!({"rule": ranking}));
        let first = &simulation.ranking[0];
        (
            catalogue.catalogue.plans[first.result.plan].id.clone(),
            first
                .not_recommended
                .iter()
                .map(|reason| reason.code())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        best(json!({})),
        ("a-twin".to_owned(), vec![]),
        "equal savings: by identifier"
    );
    assert_eq!(best(json!({"saving_min": "8"})).1, Vec::<&str>::new());
    assert_eq!(
        best(json!({"saving_min": "8.01"})).1,
        ["saving-below-minimum"]
    );
    assert_eq!(
        best(json!({"saving_percent_min": "40.001"})).1,
        ["saving-below-minimum"]
    );
    assert_eq!(
        best(json!({"saving_percent_min": "40"})).1,
        Vec::<&str>::new()
    );
    assert_eq!(
        best(json!({"revenue_change_min": "-7.99"})).1,
        ["revenue-below-floor"]
    );
    assert_eq!(best(json!({"months_won_min": 3})).1, ["too-few-months-won"]);
    // Plans that are a little dearer may be admitted: here by one yuan a month.
    let dearer = customer(&[10, 10], json!({"id": "c", "plan": "now"}));
    let objection = |rule: Value| {
        let simulation = run(&catalogue, &dearer, &json!({"rule": rule}));
        let objections = &simulation.ranking[0].not_recommended;
        objections.first().map(|reason| reason.code())
    };
    assert_eq!(objection(json!({})), Some("not-cheaper"));
    assert_eq!(objection(json!({"saving_min": "-1"})), None);
    assert_eq!(
        objection(json!({"saving_min": "-0.99"})),
        Some("saving-below-minimum")
    );
    assert_eq!(
        objection(json!({"saving_min": "-1", "saving_percent_min": "0.001"})),
        Some("saving-below-minimum")
    );
}

#[test]
fn every_reason_is_given_for_a_plan_left_out() {
    let mut gold = sms_plan("gold", "1", 0, "0");
    gold["brand"] = json!("gotone");
    gold["sale"] = json!({"from": "2026-08-01"});
    gold["eligible"] = json!({"brands": ["gotone"], "regions": ["731"], "customer_types": ["group"], "not_in_contract": true, "requires": ["broadband"], "excludes": ["now"]});
    let mut now = sms_plan("now", "60", 0, "0.1");
    now["contract"] = json!({"months": 24, "early_exit_percent_of_fees": "30", "early_exit_max": "100", "gifts": [{"id": "phone", "value": "240"}]});
    let catalogue = compile(&catalogue_document(
        vec![now, gold, sms_plan("cheap", "1", 0, "0.1")],
        vec![],
    ));
    let usage = customer(
        &[10, 10],
        json!({"id": "c", "plan": "now", "brand": "mzone", "contract_since": "2025-07-02"}),
    );
    let simulation = run(&catalogue, &usage, &json!({}));
    let codes: Vec<&str> = simulation.ineligible[0]
        .1
        .iter()
        .map(|reason| reason.code())
        .collect();
    assert_eq!(
        codes,
        [
            "not-yet-on-sale",
            "brand",
            "region",
            "customer-type",
            "contract-running",
            "excluded",
            "required"
        ]
    );
    // On 1 July 2026 eleven months of the contract from 2 July 2025 are over.
    let switching = &simulation.ranking[0].switching;
    assert_eq!(
        (
            switching.remaining_months,
            switching.early_exit_fen,
            switching.claw_back_fen
        ),
        (13, 10_000, 13_000)
    );
    // 59 yuan a month repay 230 yuan in four months.
    assert_eq!(simulation.ranking[0].payback_months, Some(4));
}

#[test]
fn what_if_scales_exactly_by_kind() {
    let catalogue = compile(&catalogue_document(
        vec![
            sms_plan("now", "10", 0, "0.1"),
            sms_plan("big", "30", 1000, "0.1"),
        ],
        vec![],
    ));
    let usage = customer(&[101, 101], json!({"id": "c", "plan": "now"}));
    let total = |what_if: Value| {
        run(&catalogue, &usage, &json!({"what_if": what_if}))
            .present
            .unwrap()
            .total_fen
    };
    assert_eq!(total(json!({})), 4020);
    assert_eq!(total(json!({"sms": 1000})), 4020);
    assert_eq!(
        total(json!({"sms": 1500})),
        2 * (1000 + 1520),
        "101 × 1.5 = 151.5, half up"
    );
    assert_eq!(total(json!({"sms": 0, "voice": 9000})), 2000);
}

#[test]
fn a_plan_that_cannot_price_the_usage_is_not_recommended() {
    let voice_only = plan_document(
        &json!({"id": "voice", "monthly_fee": "1", "rates": [{"id": "v", "covers": [{"kind": "voice"}], "tiers": [{"price": "0"}]}]}),
    );
    let catalogue = compile(&catalogue_document(
        vec![sms_plan("now", "10", 0, "0.1"), voice_only],
        vec![],
    ));
    let simulation = run(
        &catalogue,
        &customer(&[100, 100], json!({"id": "c", "plan": "now"})),
        &json!({}),
    );
    assert!(simulation.best().is_none());
    assert_eq!(
        simulation.ranking[0].not_recommended[0].code(),
        "usage-without-price"
    );
}

/// Goal: the present plan is priced in its phase; candidates in the long run unless the province counts introductory terms.
#[test]
fn introductory_terms_count_where_they_are_real() {
    let mut now = sms_plan("now", "40", 1000, "0");
    now["phases"] = json!([{"months": 6, "fee_percent": "50"}]);
    let mut new = sms_plan("new", "30", 1000, "0");
    new["phases"] = json!([{"months": 12, "fee": "5"}]);
    new["one_off_fees"] = json!([{"id": "sim", "amount": "10"}]);
    let catalogue = compile(&catalogue_document(vec![now, new], vec![]));
    let usage = customer(
        &[1, 1],
        json!({"id": "c", "plan": "now", "plan_since": "2025-08-10"}),
    );
    let totals = |options: Value| {
        let simulation = run(&catalogue, &usage, &options);
        (
            simulation
                .present
                .unwrap()
                .months
                .iter()
                .map(|month| month.total_fen())
                .collect::<Vec<_>>(),
            simulation.ranking[0].result.total_fen,
        )
    };
    assert_eq!(totals(json!({})), (vec![2000, 4000], 6000));
    assert_eq!(
        totals(json!({"rule": {"count_introductory": true}})),
        (vec![2000, 4000], 2000)
    );
}

/// Goal: members whom a plan does not carry keep their own plans on both sides.
#[test]
fn family_members_count_on_both_sides() {
    let mut family = sms_plan("family", "50", 300, "0.1");
    family["family"] = json!({"members_max": 2});
    family["allowances"][0]["shared_in_family"] = json!(true);
    let catalogue = compile(&catalogue_document(
        vec![sms_plan("now", "40", 100, "0.1"), family],
        vec![],
    ));
    let mut usage = usage_document(
        &sms_months(&[100]),
        &[
            Value::from(sms_months(&[100])),
            Value::from(sms_months(&[120])),
        ],
    );
    usage["customer"]["plan"] = json!("now");
    usage["family"][0]["plan"] = json!("now");
    usage["family"][1]["plan"] = json!("now");
    let simulation = run(&catalogue, &usage, &json!({}));
    assert_eq!(
        simulation.present.as_ref().unwrap().total_fen,
        4000 + 4000 + 4200
    );
    assert_eq!(simulation.best().unwrap().result.total_fen, 5200);
}

/// Goal: the whole answer, as people and programs get it.
#[test]
fn the_documented_example_compared() {
    let page = include_str!("../../../../docs/reference/catalogue.md");
    let blocks: Vec<&str> = page
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let catalogue = wire::parse_catalogue(blocks[0].as_bytes())
        .unwrap()
        .catalogue
        .compile();
    let usage: Value = serde_json::from_str(blocks[1]).unwrap();
    let simulation = run(&catalogue, &usage, &json!({}));
    let version = service::Version {
        name: "documented",
        catalogue: &catalogue,
    };
    for (name, form, language) in [
        ("comparison", json!({}), Language::English),
        (
            "comparison_zh",
            json!({"detail": "full", "rule": {"saving_min": "-1000", "revenue_change_min": "-1000", "months_won_min": 0}}),
            Language::Chinese,
        ),
    ] {
        let form: SimulationForm = serde_json::from_value(form).unwrap();
        let answer =
            service::simulate(version, &subject(&usage), &form, today(), None, language).unwrap();
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&answer).unwrap());
    }
    let usage = wire::parse_usage(blocks[1].as_bytes(), &catalogue.catalogue).unwrap();
    let best = &simulation.ranking[0].result;
    let choice = chudian_tariff_simulation::bill::Choice {
        plan: best.plan,
        quantities: &best.quantities,
    };
    let bills = chudian_tariff_simulation::comparison::explain(
        &catalogue,
        &usage,
        chudian_tariff_simulation::usage::WhatIf::NOTHING,
        choice,
        false,
    )
    .unwrap();
    assert_eq!(
        bills.iter().map(|bill| bill.total_fen).collect::<Vec<_>>(),
        best.months
            .iter()
            .map(|month| month.bill_fen)
            .collect::<Vec<_>>(),
        "the proof proves what was ranked"
    );
    let proofs: Vec<_> = bills
        .iter()
        .flat_map(|bill| &bill.lines)
        .map(|line| (&line.id, wire::bill::proof(&line.proof)))
        .collect();
    insta::assert_snapshot!("proofs", serde_json::to_string_pretty(&proofs).unwrap());
}

/// What a comparison says of each plan, without the plans' places in the catalogue: in the order of the ranking, then what cannot be had.
fn said(catalogue: &CompiledCatalogue, simulation: &Simulation) -> Vec<String> {
    let id = |plan: usize| catalogue.catalogue.plans[plan].id.as_str();
    let totals = |result: &chudian_tariff_simulation::comparison::PlanResult| {
        let months: Vec<i64> = result
            .months
            .iter()
            .map(|month| month.total_fen())
            .collect();
        format!("{} {:?} {months:?}", id(result.plan), result.quantities)
    };
    let mut said: Vec<String> = simulation.present.iter().map(totals).collect();
    said.extend(simulation.ranking.iter().map(|candidate| {
        let objections = &candidate.not_recommended;
        format!(
            "{} {objections:?} {:?}",
            totals(&candidate.result),
            candidate.saving
        )
    }));
    let mut ineligible: Vec<String> = simulation
        .ineligible
        .iter()
        .map(|(plan, reasons)| format!("{} {reasons:?}", id(*plan)))
        .collect();
    ineligible.sort();
    said.extend(ineligible);
    let chosen = simulation
        .held_out
        .as_ref()
        .and_then(|held_out| held_out.chosen.as_ref());
    said.extend(chosen.map(|(plan, quantities)| format!("{} {quantities:?}", id(*plan))));
    said
}

/// Plans of every sort: twins of equal saving, dear and cheap ones, one that cannot be had, one that leaves usage unpriced.
fn market() -> Vec<Value> {
    let mut elsewhere = sms_plan("elsewhere", "1", 0, "0");
    elsewhere["eligible"] = json!({"regions": ["somewhere"]});
    let mut with_booster = sms_plan("boosted", "6", 10, "0.2");
    with_booster["add_ons"] = json!(["booster"]);
    vec![
        sms_plan("now", "10", 0, "0.1"),
        sms_plan("a-twin", "12", 1000, "0"),
        sms_plan("b-twin", "12", 1000, "0"),
        sms_plan("mid", "18", 150, "0.1"),
        with_booster,
        elsewhere,
        plan_document(&json!({"id": "unpriced", "monthly_fee": "1"})),
    ]
}

/// Goal: a comparison and its bill are one calculation: what would be paid if the month were closed on any of its days (a dry run) is
/// the bill of that day, for the present plan in its introductory months and for every candidate.
#[test]
fn a_dry_run_is_the_bill_of_the_same_cycle_day() {
    let mut now = sms_plan("now", "31", 5, "0.1");
    now["first_month"] = json!("by_day");
    now["prorate_allowances"] = json!(true);
    now["phases"] = json!([{"months": 1, "fee_percent": "50"}]);
    now["one_off_fees"] = json!([{"id": "sim", "amount": "10"}]);
    now["minimum"] = json!({"amount": "12", "lines": ["all"]});
    now["taxes"] = json!([{"id": "vat", "percent": "6", "lines": ["all"]}]);
    now["add_ons"] = json!(["booster"]);
    let mut plans = market();
    plans[0] = now;
    let booster = json!({"id": "booster", "monthly_fee": "1", "quantity_max": 2, "allowances": [{"id": "b", "unit": "count", "amount": 3, "covers": [{"kind": "sms"}], "rollover": {"months": 1}}]});
    let catalogue = compile(&catalogue_document(plans, vec![booster]));
    let version = service::Version {
        name: "v",
        catalogue: &catalogue,
    };
    for closed_on in 1..=31 {
        let events: Vec<Value> = (1..=closed_on)
            .flat_map(|day| {
                [day % 3, day % 5].map(|hour| format!("2026-01-{day:02}T{:02}:30:00", hour + 8))
            })
            .map(|start| json!({"kind": "sms", "category": "domestic", "start": start}))
            .collect();
        let mut usage = usage_document(&[json!({"events": events})], &[]);
        usage["customer"] = json!({"id": "c", "plan": "now", "plan_since": "2026-01-01", "add_ons": [{"id": "booster", "quantity": 2}]});
        let form = SimulationForm {
            limit: Some(200),
            rule: json!({"saving_min": "-1000"}).as_object().cloned(),
            ..SimulationForm::default()
        };
        let answer = service::simulate(
            version,
            &subject(&usage),
            &form,
            today(),
            None,
            Language::English,
        )
        .unwrap();
        let present = answer.present.as_ref().unwrap();
        let candidates = answer.ranking.iter().map(|plan| &plan.priced);
        assert!(answer.ranking.len() >= 4, "{:?}", answer.left_out);
        for priced in candidates.chain([&present.priced]) {
            let add_ons: Vec<Value> = priced
                .add_ons
                .iter()
                .map(|held| json!({"id": held.id, "quantity": held.quantity}))
                .collect();
            let form: BillForm = serde_json::from_value(
                json!({"month": "2026-01", "plan_id": priced.plan_id, "add_ons": add_ons}),
            )
            .unwrap();
            let bill = bill(version, &subject(&usage), &form, false, Language::English).unwrap();
            assert_eq!(
                vec![bill.total_fen],
                priced.monthly_total_fen,
                "{} closed on day {closed_on}",
                priced.plan_id
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: crate::laws::seed(), ..ProptestConfig::default() })]

    /// Goal: where a plan stands in the catalogue changes nothing that is said of it, and not its place in the ranking.
    #[test]
    fn the_order_of_plans_changes_nothing(
        shuffled in Just(market()).prop_shuffle(), counts in prop::collection::vec(0_u64..400, 1..5), is_new in any::<bool>(), worst_month in any::<bool>(),
    ) {
        let booster = json!({"id": "booster", "monthly_fee": "1", "quantity_max": 2, "allowances": [{"id": "b", "unit": "count", "amount": 30, "covers": [{"kind": "sms"}]}]});
        let held = if is_new { json!({"id": "c"}) } else { json!({"id": "c", "plan": "now"}) };
        let rule = if worst_month { json!({"rule": {"saving_min": "-1000", "tie_breaks": ["worst_month", "fewer_add_ons"]}}) } else { json!({}) };
        let of = |plans: Vec<Value>| {
            let catalogue = compile(&catalogue_document(plans, vec![booster.clone()]));
            let simulation = run(&catalogue, &customer(&counts, held.clone()), &rule);
            said(&catalogue, &simulation)
        };
        prop_assert_eq!(of(shuffled), of(market()));
    }

    /// Goal: the same for plans of every feature, whose rates, allowances and caps ask one catalogue's meters different questions.
    #[test]
    fn the_order_of_generated_plans_changes_nothing(
        (plans, shuffled) in generated_plans().prop_flat_map(|plans| (Just(plans.clone()), Just(plans).prop_shuffle())), months in months(), is_new in any::<bool>(),
    ) {
        let mut usage = months_document(&months);
        if !is_new {
            usage["customer"]["plan"] = json!("p0");
        }
        let of = |plans: Vec<Value>| {
            let catalogue = compile(&catalogue_document(plans, vec![]));
            let simulation = run(&catalogue, &usage, &json!({"rule": {"saving_min": "-1000"}}));
            said(&catalogue, &simulation)
        };
        let as_written = of(plans.clone());
        prop_assert!(as_written.len() >= plans.len(), "{:?}", as_written);
        prop_assert_eq!(of(shuffled), as_written);
    }
}

/// Two to four plans `p0`, `p1`, …
fn generated_plans() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(plan(), 2..5).prop_map(|mut plans| {
        for (index, plan) in plans.iter_mut().enumerate() {
            plan["id"] = json!(format!("p{index}"));
        }
        plans
    })
}

/// Add-ons of all sorts for one small plan.
fn add_ons() -> impl Strategy<Value = Vec<Value>> {
    let one = (
        select(vec!["0", "1", "3", "8"]),
        0_u64..30,
        1_u64..4,
        0_u8..6,
        prop::collection::btree_set(0_usize..5, 0..2),
        prop::option::of(0_usize..5),
    );
    prop::collection::vec(one, 1..6).prop_map(|list| {
        let count = list.len();
        list.into_iter()
            .enumerate()
            .map(|(index, (fee, amount, quantity_max, sort, excludes, requires))| {
                let id = format!("x{index}");
                let others = |indices: Vec<usize>| indices.into_iter().filter(|other| *other < count && *other != index).map(|other| format!("x{other}")).collect::<Vec<_>>();
                // Requirements point backwards only, so that they cannot run in circles.
                let requires: Vec<String> = others(requires.into_iter().filter(|other| *other < index).collect());
                let excludes: Vec<String> = others(excludes.into_iter().collect()).into_iter().filter(|other| !requires.contains(other)).collect();
                let mut add_on = json!({"id": id, "monthly_fee": fee, "excludes": excludes, "requires": requires});
                match sort {
                    0 if index == 0 => add_on["rates"] = json!([{"id": format!("{id}-rate"), "covers": [{"kind": "sms"}], "tiers": [{"price": "0.3"}]}]),
                    1 => add_on["discounts"] = json!([{"id": format!("{id}-off"), "percent": "20", "lines": ["usage"]}]),
                    _ => {
                        add_on["quantity_max"] = json!(quantity_max);
                        add_on["allowances"] = json!([{"id": format!("{id}-a"), "unit": "points", "amount": amount, "covers": [{"kind": if sort == 2 { "mms" } else { "sms" }}, {"kind": "data", "factor": "2"}], "rollover": if sort == 3 { json!({"months": 1}) } else { Value::Null }}]);
                    }
                }
                add_on
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: crate::laws::seed(), ..ProptestConfig::default() })]

    /// Goal: the search finds the cheapest allowed choice, and among equals the first in its order, for monotone and other plans.
    #[test]
    fn the_best_add_ons_are_those_of_an_exhaustive_search(
        add_ons in add_ons(), volume in any::<bool>(), minimum in any::<bool>(),
        counts in prop::collection::vec((0_u64..60, 0_u64..40, 0_u64..40), 1..4), group in any::<bool>(),
    ) {
        prop_assume!(add_ons.iter().filter(|add_on| add_on["rates"].is_array() || add_on["discounts"].is_array()).count() <= 4);
        let mut plan = plan_document(&json!({"monthly_fee": "5", "rates": [
            {"id": "s", "covers": [{"kind": "sms"}], "mode": if volume { "volume" } else { "graduated" }, "tiers": [{"up_to": 20, "price": "1"}, {"price": "0.4"}]},
            {"id": "m", "covers": [{"kind": "mms"}], "tiers": [{"price": "0.7"}], "cap": {"amount": "9", "then": "free"}},
            {"id": "d", "covers": [{"kind": "data"}], "per": 10, "block": "up", "tiers": [{"price": "2"}]}]}));
        plan["add_ons"] = add_ons.iter().map(|add_on| add_on["id"].clone()).collect();
        if minimum {
            plan["minimum"] = json!({"amount": "20", "lines": ["all"]});
        }
        let mut document = catalogue_document(vec![plan], add_ons.clone());
        if group && add_ons.len() > 1 {
            document["exclusion_groups"] = json!([{"id": "g", "name": {"zh": "组", "en": "g"}, "members": ["x0", "x1"]}]);
        }
        let catalogue = compile(&document);
        let months: Vec<Value> = counts.iter().map(|(sms, mms, kb)| json!({"lines": [
            {"kind": "sms", "category": "domestic", "count": sms}, {"kind": "mms", "category": "domestic", "count": mms}, {"kind": "data", "category": "domestic", "kb": kb}]})).collect();
        let usage = wire::parse_usage(usage_document(&months, &[]).to_string().as_bytes(), &catalogue.catalogue).unwrap();
        let metered = catalogue.meter(&usage).unwrap();
        let months = PricedMonths { contexts: vec![MonthContext::LONG_RUN; counts.len()], users: metered.users[0].months.iter().map(|month| vec![month]).collect() };
        let most: Vec<u32> = catalogue.catalogue.add_ons.iter().map(|add_on| add_on.quantity_max).collect();
        let mut workspace = Workspace::default();
        let [found] = best_add_ons(&catalogue, 0, &most, &months, [counts.len()], &mut workspace).unwrap();
        prop_assert!(found.complete);
        // One walk for two stretches answers each as a walk of its own does.
        let shorter = counts.len() - 1;
        let [alone] = best_add_ons(&catalogue, 0, &most, &months, [shorter], &mut workspace).unwrap();
        let both = best_add_ons(&catalogue, 0, &most, &months, [counts.len(), shorter], &mut workspace).unwrap();
        prop_assert_eq!(both, [found.clone(), alone]);

        // Every combination, in the search's order: structural add-ons first.
        let mut order = catalogue.plans[0].structural_slots.clone();
        order.extend((0..most.len()).filter(|slot| !catalogue.plans[0].structural_slots.contains(slot)));
        let mut choice = vec![0_u32; most.len()];
        let mut best: Option<(i64, Vec<u32>)> = None;
        loop {
            if is_allowed(&document, &choice) {
                let total: i64 = price_choice(&catalogue.plans[0], Quantities::held(&choice), &months, &mut workspace).unwrap().iter().map(|month| month.total_fen).sum();
                if best.as_ref().is_none_or(|(least, _)| total < *least) {
                    best = Some((total, choice.clone()));
                }
            }
            let Some(position) = order.iter().rposition(|slot| choice[*slot] < most[*slot]) else { break };
            choice[order[position]] += 1;
            for slot in &order[position + 1..] {
                choice[*slot] = 0;
            }
        }
        let (least, choice) = best.unwrap();
        prop_assert_eq!((found.total_fen(), found.quantities), (least, choice));
    }
}

/// Whether a choice keeps all rules, read from the document.
fn is_allowed(document: &Value, choice: &[u32]) -> bool {
    let held = |id: &Value| {
        document["add_ons"]
            .as_array()
            .unwrap()
            .iter()
            .position(|add_on| add_on["id"] == *id)
            .is_some_and(|index| choice[index] > 0)
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let groups_ok = list(&document["exclusion_groups"])
        .iter()
        .all(|group| list(&group["members"]).iter().filter(|id| held(id)).count() <= 1);
    groups_ok
        && list(&document["add_ons"])
            .iter()
            .filter(|add_on| held(&add_on["id"]))
            .all(|add_on| {
                list(&add_on["requires"]).iter().all(held)
                    && !list(&add_on["excludes"]).iter().any(held)
            })
}
