//! The batch beside the slow way: every row's answer is that of asking about its customer alone.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::schema::{Column, ColumnName, Kind};
use chudian_dataset::value::Value as Figure;
use chudian_tariff_simulation::batch::{Binding, Derived, MappingJson, Terms, derive};
use chudian_tariff_simulation::comparison::{SimulationRequest, simulate};
use chudian_tariff_simulation::compile::CompiledCatalogue;
use chudian_tariff_simulation::usage::WhatIf;
use chudian_tariff_simulation::wire;
use chudian_vocabulary::Date;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::laws::{plan, seed};
use crate::support::{catalogue_document, compile};

const MONTHS: [&str; 3] = ["2026-01", "2026-02", "2026-03"];

/// Lines of the mapping: kind, category, band, and the field that has a column.
const LINES: [(&str, &str, Option<&str>, &str); 6] = [
    ("voice", "local", Some("standard"), "seconds"),
    ("voice", "local", Some("night"), "seconds"),
    ("voice", "long_distance", None, "seconds"),
    ("data", "domestic", None, "kb"),
    ("sms", "domestic", None, "count"),
    ("mms", "domestic", None, "count"),
];

/// The largest figure of a line, and on either side of what a line may say.
const QUANTITY_MAX: i64 = 10_000_000_000;

const ON: &str = "2026-04-01";

/// A row: the present plan, and a figure for each line of each month.
#[derive(Clone, Debug)]
struct Row {
    plan: Option<usize>,
    figures: Vec<Option<i64>>,
}

fn figure() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        600 => (0_i64..40).prop_map(Some),
        200 => Just(Some(0)),
        20 => Just(None),
        1 => Just(Some(QUANTITY_MAX)),
        1 => Just(Some(QUANTITY_MAX + 1)),
        1 => Just(Some(-1)),
    ]
}

fn row(plans: usize) -> impl Strategy<Value = Row> {
    let figures = prop::collection::vec(figure(), MONTHS.len() * LINES.len());
    (prop::option::weighted(0.8, 0..plans), figures)
        .prop_map(|(plan, figures)| Row { plan, figures })
}

/// Some plans that differ in their fees, too; two of them can be the same but for their names.
fn plans() -> impl Strategy<Value = Vec<Value>> {
    let fee = select(vec!["0", "5", "12.34", "20"]);
    let one = (plan(), fee, any::<bool>(), any::<bool>());
    prop::collection::vec(one, 2..6).prop_map(|plans| {
        let mut named: Vec<Value> = Vec::new();
        for (index, (mut plan, fee, joining, is_copy)) in plans.into_iter().enumerate() {
            plan["monthly_fee"] = json!(fee);
            if joining {
                plan["one_off_fees"] = json!([{"id": "sim", "amount": "10"}]);
            }
            let mut plan = named.last().filter(|_| is_copy).cloned().unwrap_or(plan);
            plan["id"] = json!(format!("p{index}"));
            named.push(plan);
        }
        named
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let ties = vec![
        "worst_month",
        "months_won",
        "monthly_fee",
        "revenue",
        "fewer_add_ons",
        "switching_cost",
    ];
    (
        prop::option::of(select(vec!["-2", "0", "1", "5"])),
        prop::option::of(select(vec!["0", "5", "12.345"])),
        prop::option::of(select(vec!["-8", "-1", "0"])),
        0_u64..3,
        select(vec![0_u64, 1, 12]),
        prop::bool::weighted(0.1),
        subsequence(ties, 0..=6).prop_shuffle(),
    )
        .prop_map(|(saving, percent, revenue, won, spread, introductory, ties)| {
            let mut rule = json!({"months_won_min": won, "switching_cost_months": spread, "count_introductory": introductory, "tie_breaks": ties});
            for (name, value) in [("saving_min", saving), ("saving_percent_min", percent), ("revenue_change_min", revenue)] {
                if let Some(value) = value {
                    rule[name] = json!(value);
                }
            }
            rule
        })
}

fn column_name(line: usize, month: usize) -> String {
    format!("line{line}_m{}", month + 1)
}

fn mapping() -> MappingJson {
    let usage: Vec<Value> = LINES
        .iter()
        .enumerate()
        .map(|(line, (kind, category, band, field))| {
            let mut described =
                json!({"kind": kind, "category": category, (*field): format!("line{line}_m{{n}}")});
            if let Some(band) = band {
                described["band"] = json!(band);
            }
            described
        })
        .collect();
    serde_json::from_value(json!({"months": MONTHS, "usage": usage, "profile": {"plan": "plan"}}))
        .unwrap()
}

/// The batch's answer over all rows.
fn batch(catalogue: &CompiledCatalogue, rows: &[Row]) -> Derived {
    let mut schema = BTreeMap::new();
    let mut data: BTreeMap<String, ColumnData> = BTreeMap::new();
    let mut add = |name: &str, kind: Kind, figures: Vec<Option<Figure>>| {
        let mut builder = ColumnBuilder::new(kind);
        for figure in &figures {
            builder.push(figure.as_ref()).unwrap();
        }
        schema.insert(
            name.to_owned(),
            Column::new(ColumnName::new(name).unwrap(), kind),
        );
        data.insert(name.to_owned(), builder.finish());
    };
    for month in 0..MONTHS.len() {
        for line in 0..LINES.len() {
            let place = month * LINES.len() + line;
            let figures = rows
                .iter()
                .map(|row| row.figures[place].map(Figure::Integer));
            add(&column_name(line, month), Kind::Integer, figures.collect());
        }
    }
    let plans = rows
        .iter()
        .map(|row| row.plan.map(|plan| Figure::Word(format!("p{plan}"))));
    add("plan", Kind::Word, plans.collect());
    let binding = Binding::new(&mapping(), &catalogue.catalogue, |name| schema.get(name)).unwrap();
    let columns = binding
        .columns()
        .map(|name| Arc::new(data[name].clone()))
        .collect();
    let terms = Terms {
        on: Date::parse(ON).unwrap(),
        rules: vec![(None, catalogue.catalogue.ranking.clone())],
        with_add_ons: false,
    };
    derive(catalogue, &binding, &terms, &columns, 0..rows.len()).unwrap()
}

/// What a comparison says of one customer: the plan, and saving, months won and change of revenue; nothing when it is refused.
type Answer = Option<(Option<String>, Option<(i64, usize, i64)>)>;

fn alone(catalogue: &CompiledCatalogue, row: &Row) -> Answer {
    let months: Vec<Value> = MONTHS
        .iter()
        .enumerate()
        .map(|(month, name)| {
            let lines: Vec<Value> = LINES
                .iter()
                .enumerate()
                .map(|(line, (kind, category, band, field))| {
                    let figure = row.figures[month * LINES.len() + line].unwrap_or(0);
                    let mut told = json!({"kind": kind, "category": category, (*field): figure});
                    if let Some(band) = band {
                        told["band"] = json!(band);
                    }
                    told
                })
                .collect();
            json!({"month": name, "lines": lines})
        })
        .collect();
    let mut document =
        json!({"schema": "chudian-usage/1", "customer": {"id": "row"}, "months": months});
    if let Some(plan) = row.plan {
        document["customer"]["plan"] = json!(format!("p{plan}"));
    }
    let usage = wire::parse_usage(document.to_string().as_bytes(), &catalogue.catalogue).ok()?;
    let request = SimulationRequest {
        usage,
        on: Date::parse(ON).unwrap(),
        plans: None,
        ranking: catalogue.catalogue.ranking.clone(),
        what_if: WhatIf::NOTHING,
        with_add_ons: false,
        described: 0,
    };
    let simulation = simulate(catalogue, &request).ok()?;
    let best = simulation.best();
    Some((
        best.map(|best| catalogue.catalogue.plans[best.result.plan].id.clone()),
        best.and_then(|best| best.saving.as_ref()).map(|saving| {
            (
                saving.mean_fen,
                saving.months_won,
                saving.revenue_change_mean_fen,
            )
        }),
    ))
}

/// Goal: plan, saving, months won and change of revenue are those of a comparison of the customer alone, whatever the plans, the rule and
/// the neighbours; and who cannot be compared is skipped.
#[test]
fn a_batch_says_of_each_customer_what_a_comparison_says() {
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: seed(),
        ..ProptestConfig::default()
    };
    let (recommended, staying, skipped) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let world = (plans(), rule()).prop_flat_map(|(plans, rule)| {
        let rows = prop::collection::vec(row(plans.len()), 1..50);
        (Just(plans), Just(rule), rows)
    });
    let outcome = TestRunner::new(config).run(&world, |(plans, rule, rows)| {
        let mut document = catalogue_document(plans, vec![]);
        document["ranking"] = rule;
        let catalogue = compile(&document);
        let derived = batch(&catalogue, &rows);
        let mut refused = 0;
        for (index, row) in rows.iter().enumerate() {
            let integer = |column: usize| match derived.columns[column].value(index) {
                Some(Figure::Integer(value)) => Some(value),
                _ => None,
            };
            let found_plan = match derived.columns[0].value(index) {
                Some(Figure::Word(plan)) => Some(plan),
                _ => None,
            };
            let expected = alone(&catalogue, row);
            match &expected {
                None => count(&skipped),
                Some((None, _)) => count(&staying),
                Some((Some(_), _)) => count(&recommended),
            }
            refused += u64::from(expected.is_none());
            let (plan, saving) = expected.unwrap_or_default();
            prop_assert_eq!(found_plan, plan, "row {}: {:?}", index, row);
            let won = |(_, won, _): (i64, usize, i64)| i64::try_from(won).unwrap();
            prop_assert_eq!(integer(1), saving.map(|saving| saving.0), "row {}", index);
            prop_assert_eq!(integer(2), saving.map(won), "row {}", index);
            prop_assert_eq!(integer(3), saving.map(|saving| saving.2), "row {}", index);
        }
        prop_assert_eq!(derived.skipped, refused);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    for (what, counter) in [
        ("recommended", &recommended),
        ("staying", &staying),
        ("skipped", &skipped),
    ] {
        assert!(counter.get() > 100, "{what}: {}", counter.get());
    }
}
