//! Measures the engine's inner loop natively: plan-months per second on one core, and what comparing one customer costs.
//!
//! `cargo run --profile dist -p chudian-tariff-simulation --example plan_months`. Sixty plans with a monthly fee, allowances for
//! voice, data and messages, overage in tiers, a repeating cap, an included tax; 200 customers with six months each.

use std::time::{Duration, Instant};

use chudian_tariff_simulation::batch::price_totals;
use chudian_tariff_simulation::comparison::{SimulationRequest, simulate};
use chudian_tariff_simulation::engine::Workspace;
use chudian_tariff_simulation::usage::WhatIf;
use chudian_tariff_simulation::wire;
use chudian_vocabulary::Date;
use serde_json::{Value, json};

const PLANS: u64 = 60;
const CUSTOMERS: u64 = 200;
const MONTHS: u64 = 6;
const RUNS: usize = 21;

fn main() {
    if let Err(problem) = run() {
        eprintln!("{problem}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let document = catalogue().to_string();
    let parsed =
        wire::parse_catalogue(document.as_bytes()).map_err(|errors| format!("{errors:?}"))?;
    let catalogue = parsed.catalogue.compile();
    let usages = (0..CUSTOMERS)
        .map(|customer| {
            wire::parse_usage(usage(customer).to_string().as_bytes(), &catalogue.catalogue)
                .map_err(|errors| format!("{errors:?}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let metered = usages
        .iter()
        .map(|usage| catalogue.meter(usage))
        .collect::<Result<Vec<_>, _>>()?;
    let mut workspace = Workspace::default();
    let mut totals_fen = vec![0; catalogue.plans.len()];
    let mut checksum = 0_i64;
    let (mut plan_months, mut times) = (0, Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        plan_months = 0;
        for usage in &metered {
            plan_months += price_totals(&catalogue, usage, &mut workspace, &mut totals_fen)?;
            checksum = checksum.wrapping_add(totals_fen.iter().sum());
        }
        times.push(start.elapsed());
    }
    let time = median(&mut times);
    let nanoseconds = time.as_nanos() / u128::from(plan_months);
    println!(
        "{plan_months} plan-months in {time:?} (median of {RUNS}): {nanoseconds} ns each, {} per second (checksum {checksum})",
        u128::from(plan_months) * 1_000_000_000 / time.as_nanos()
    );

    let mut times = Vec::new();
    let mut metering = Vec::new();
    for usage in &usages {
        let start = Instant::now();
        let metered = catalogue.meter(usage)?;
        metering.push(start.elapsed());
        drop(metered);
        let request = SimulationRequest {
            usage: usage.clone(),
            on: Date::parse("2026-07-01")?,
            plans: None,
            ranking: catalogue.catalogue.ranking.clone(),
            what_if: WhatIf::NOTHING,
            with_add_ons: true,
            described: 3,
        };
        let start = Instant::now();
        let simulation = simulate(&catalogue, &request)?;
        times.push(start.elapsed());
        checksum = checksum.wrapping_add(
            simulation
                .ranking
                .iter()
                .map(|candidate| candidate.result.total_fen)
                .sum(),
        );
    }
    println!(
        "metering {MONTHS} months: {:?}; comparing {PLANS} plans with add-ons: {:?} (medians of {CUSTOMERS}; checksum {checksum})",
        median(&mut metering),
        median(&mut times)
    );
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn named(id: &str) -> Value {
    json!({"id": id, "name": {"zh": id, "en": id}})
}

fn with_name(mut value: Value) -> Value {
    value["name"] = json!({"zh": value["id"], "en": value["id"]});
    value
}

fn catalogue() -> Value {
    let plans: Vec<Value> = (0..PLANS)
        .map(|index| {
            let (fee, minutes, megabytes) = (8 + index * 5, 60 * (50 + index * 40), 1024 * (100 + index * 300));
            with_name(json!({
                "id": format!("plan-{index}"), "monthly_fee": fee.to_string(), "add_ons": ["data-small", "data-large", "minutes"],
                "allowances": [
                    with_name(json!({"id": "minutes", "unit": "seconds", "amount": minutes, "covers": [{"kind": "voice", "categories": ["local", "long_distance"]}]})),
                    with_name(json!({"id": "data", "unit": "kb", "amount": megabytes, "covers": [{"kind": "data"}], "rollover": {"months": 1}})),
                    with_name(json!({"id": "messages", "unit": "points", "amount": 20 + index, "covers": [{"kind": "sms"}, {"kind": "mms", "factor": "3"}]})),
                ],
                "rates": [
                    with_name(json!({"id": "calls", "covers": [{"kind": "voice", "categories": ["local", "long_distance"]}], "increment": {"first": 60, "next": 60}, "per": 60, "tiers": [{"up_to": 12000, "price": "0.25"}, {"price": "0.19"}]})),
                    with_name(json!({"id": "roaming", "covers": [{"kind": "voice", "categories": ["roaming"]}], "increment": {"first": 60, "next": 60}, "per": 60, "tiers": [{"price": "0.39"}]})),
                    with_name(json!({"id": "called", "covers": [{"kind": "voice", "categories": ["called"]}], "tiers": [{"price": "0"}]})),
                    with_name(json!({"id": "data", "covers": [{"kind": "data"}], "per": 1024, "tiers": [{"price": "0.29"}], "cap": {"amount": "10", "every": 102400, "then": "free"}})),
                    with_name(json!({"id": "sms", "covers": [{"kind": "sms"}], "tiers": [{"price": "0.1"}]})),
                    with_name(json!({"id": "mms", "covers": [{"kind": "mms"}], "tiers": [{"price": "0.3"}]})),
                ],
                "taxes": [with_name(json!({"id": "vat", "percent": "6", "included": true, "lines": ["all"]}))],
            }))
        })
        .collect();
    let booster = |id: &str, fee: &str, unit: &str, amount: u64, kind: &str| {
        let covers = if kind == "voice" {
            json!({"kind": kind, "categories": ["local", "long_distance"]})
        } else {
            json!({"kind": kind})
        };
        let allowance = with_name(
            json!({"id": format!("{id}-a"), "unit": unit, "amount": amount, "priority": 200, "covers": [covers]}),
        );
        with_name(
            json!({"id": id, "monthly_fee": fee, "quantity_max": 2, "allowances": [allowance]}),
        )
    };
    let calls = ["local", "long_distance", "roaming", "called"].map(named);
    let data = ["domestic", "local"].map(named);
    json!({
        "schema": "chudian-catalogue/1", "id": "bench", "name": {"zh": "测速", "en": "Bench"},
        "categories": {"voice": calls, "data": data, "sms": [named("domestic")], "mms": [named("domestic")]},
        "bands": [named("standard"), {"id": "night", "name": {"zh": "夜间", "en": "Night"}, "times": [{"from": "23:00", "until": "07:00"}]}],
        "plans": plans,
        "add_ons": [booster("data-small", "5", "kb", 307_200, "data"), booster("data-large", "20", "kb", 2_097_152, "data"), booster("minutes", "10", "seconds", 6_000, "voice")],
    })
}

/// Usage that varies by customer and month, without randomness.
fn usage(customer: u64) -> Value {
    let months: Vec<Value> = (0..MONTHS)
        .map(|month| {
            let vary = |scale: u64| (customer * 7_919 + month * 104_729 + scale * 31) % scale;
            let calls = |category: &str, band: &str, count: u64| {
                json!({"kind": "voice", "category": category, "band": band, "day_type": "workday", "count": count, "seconds": count * 95, "billed_60s_units": count * 2, "billed_6s_units": count * 16})
            };
            json!({"month": format!("2026-{:02}", month + 1), "lines": [
                calls("local", "standard", vary(400)), calls("local", "night", vary(60)), calls("long_distance", "standard", vary(90)), calls("roaming", "standard", vary(20)), calls("called", "standard", vary(300)),
                {"kind": "data", "category": "domestic", "band": "standard", "day_type": "workday", "count": 900, "kb": vary(12_000_000)},
                {"kind": "data", "category": "local", "band": "night", "day_type": "weekend", "count": 90, "kb": vary(3_000_000)},
                {"kind": "sms", "category": "domestic", "count": vary(120)},
                {"kind": "mms", "category": "domestic", "count": vary(12)},
            ]})
        })
        .collect();
    json!({"schema": "chudian-usage/1", "customer": {"id": format!("c-{customer}"), "plan": format!("plan-{}", customer % PLANS)}, "months": months})
}
