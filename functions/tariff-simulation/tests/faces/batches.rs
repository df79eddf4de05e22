//! Batches over a dataset that is written into the key-value store as an import would leave it.

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::keys;
use chudian_dataset::manifest::{ColumnFacts, FORMAT_VERSION, SnapshotManifest, Table};
use chudian_dataset::schema::{Column, ColumnName, Kind, Purpose, Schema, Unit};
use chudian_dataset::statistics::ColumnSummary;
use chudian_dataset::value::Value as Cell;
use chudian_dataset::version::SnapshotId;
use chudian_dataset::wire::write_snapshot;
use chudian_runtime::ports::KeyValue as _;
use chudian_tariff_simulation::comparison::{SimulationRequest, simulate};
use chudian_tariff_simulation::usage::WhatIf;
use chudian_tariff_simulation::wire;
use chudian_vocabulary::Date;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use serde_json::{Value, json};

use crate::world::{CATALOGUE, World};

const CUSTOMERS: usize = 600;
const MONTHS: usize = 3;
const PLANS: [&str; 4] = ["e2e-payg", "e2e-38", "三十八元套餐", "e2e-48"];
const TYPES: [&str; 2] = ["个人", "business"];

/// What the row of a customer says.
struct Row {
    plan: Option<&'static str>,
    region: &'static str,
    customer_type: &'static str,
    /// Seconds of calls, KB, messages; by month.
    usage: [[i64; 3]; MONTHS],
}

/// Customers that differ, without randomness; some have no present plan.
fn rows() -> Vec<Row> {
    let vary = |index: usize, salt: usize, most: usize| {
        i64::try_from((index * 7_919 + salt * 104_729) % most).unwrap()
    };
    (0..CUSTOMERS)
        .map(|index| Row {
            plan: (index % 11 != 0).then(|| PLANS[index % PLANS.len()]),
            region: ["zs01", "杭州"][index % 2],
            customer_type: TYPES[usize::from(index % 5 == 0)],
            usage: [0, 1, 2].map(|month| {
                [
                    vary(index, month, 20_000),
                    vary(index, 10 + month, 3_000_000),
                    vary(index, 20 + month, 150),
                ]
            }),
        })
        .collect()
}

fn column(name: &str, kind: Kind, unit: Unit) -> Column {
    Column {
        unit,
        ..Column::new(ColumnName::new(name).unwrap(), kind)
    }
}

/// Stores the rows as a published snapshot; its version.
async fn dataset(world: &World, rows: &[Row]) -> String {
    let mut columns = vec![
        column("id", Kind::Identity, Unit::None),
        column("plan_id", Kind::Word, Unit::None),
        Column {
            purpose: Some(Purpose::Region),
            ..column("city", Kind::Word, Unit::None)
        },
        column("customer_type", Kind::Word, Unit::None),
        column("arpu", Kind::Money, Unit::None),
    ];
    for month in 1..=MONTHS {
        columns.push(column(
            &format!("calls_s_m{month}"),
            Kind::Integer,
            Unit::Seconds,
        ));
        columns.push(column(
            &format!("data_kb_m{month}"),
            Kind::Integer,
            Unit::Kilobytes,
        ));
        columns.push(column(
            &format!("sms_m{month}"),
            Kind::Integer,
            Unit::Messages,
        ));
    }
    let word = |word: Option<&str>| word.map(|word| Cell::Word(word.to_owned()));
    let value = |index: usize, row: &Row, place: usize| match place {
        0 => {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(index as u64).to_be_bytes());
            Some(Cell::Identity(CustomerPseudonym(id)))
        }
        1 => word(row.plan),
        2 => word(Some(row.region)),
        3 => word(Some(row.customer_type)),
        4 => Some(Cell::Integer(5_800)),
        place => Some(Cell::Integer(row.usage[(place - 5) / 3][(place - 5) % 3])),
    };
    let snapshot = SnapshotId::from_random_bytes([7; 16]);
    let mut facts = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let mut builder = ColumnBuilder::new(column.kind);
        for (index, row) in rows.iter().enumerate() {
            builder.push(value(index, row, place).as_ref()).unwrap();
        }
        let data = builder.finish();
        let total = ColumnSummary::of(&data).statistics();
        facts.push(ColumnFacts {
            segments: vec![total.clone()],
            total,
        });
        let key = keys::column(snapshot, 0, &column.name);
        let bytes = data.encode(&column.name).unwrap();
        world.key_value.set(&key, &bytes).await.unwrap();
    }
    let table = Table::new(
        Schema::of_snapshot(columns).unwrap(),
        rows.len() as u64,
        facts,
    )
    .unwrap();
    let manifest = SnapshotManifest {
        format: FORMAT_VERSION,
        snapshot,
        table,
    };
    let bytes = write_snapshot(&manifest).unwrap();
    world
        .key_value
        .set(&keys::manifest(snapshot), &bytes)
        .await
        .unwrap();
    snapshot.to_string()
}

fn mapping() -> Value {
    json!({
        "months": ["2026-08", "2026-09", "2026-10"],
        "usage": [
            {"kind": "voice", "category": "local", "seconds": "calls_s_m{n}"},
            {"kind": "data", "category": "domestic", "kb": "data_kb_m{n}"},
            {"kind": "sms", "category": "domestic", "count": "sms_m{n}"},
        ],
        "profile": {"plan": "plan_id", "region": "city", "customer_type": "customer_type"},
    })
}

/// The same customer for a single question.
fn usage_json(row: &Row) -> Value {
    let months = ["2026-08", "2026-09", "2026-10"].iter().zip(row.usage);
    let months: Vec<Value> = months
        .map(|(month, [seconds, kb, messages])| {
            json!({"month": month, "lines": [
                {"kind": "voice", "category": "local", "seconds": seconds},
                {"kind": "data", "category": "domestic", "kb": kb},
                {"kind": "sms", "category": "domestic", "count": messages},
            ]})
        })
        .collect();
    json!({"schema": "chudian-usage/1", "months": months})
}

fn plan_of(row: &Row) -> Option<&'static str> {
    row.plan.map(|plan| {
        if plan == "三十八元套餐" {
            "e2e-38"
        } else {
            plan
        }
    })
}

fn profile_json(row: &Row) -> Value {
    let mut profile = json!({
        "region": if row.region == "杭州" { "hz01" } else { row.region },
        "customer_type": if row.customer_type == "个人" { "personal" } else { row.customer_type },
    });
    if let Some(plan) = plan_of(row) {
        profile["plan_id"] = plan.into();
    }
    profile
}

async fn begun(world: &World, dataset: &str, with_add_ons: bool) -> Value {
    let body =
        json!({"mapping": mapping(), "dataset_version": dataset, "with_add_ons": with_add_ons});
    let got = world
        .send("analyst", "POST", "/batches", &body.to_string())
        .await;
    assert_eq!(got.status, 201, "{got:?}");
    got.json
}

async fn computed(world: &World, batch: &Value) -> i64 {
    let id = batch["id"].as_str().unwrap();
    let step = usize::try_from(batch["rows_per_part"].as_u64().unwrap()).unwrap();
    let mut plan_months = 0;
    for first in (0..CUSTOMERS).step_by(step) {
        let path = format!("/batches/{id}/segments/0/rows/{first}");
        let got = world.send("analyst", "PUT", &path, "").await;
        assert_eq!(got.status, 200, "{got:?}");
        assert_eq!(got.json["skipped"], 0, "{got:?}");
        plan_months += got.json["plan_months"].as_i64().unwrap();
    }
    plan_months
}

/// A derived column, row by row.
async fn read(world: &World, batch: &Value, place: usize) -> Vec<Option<Cell>> {
    let column: Column = serde_json::from_value(batch["columns"][place].clone()).unwrap();
    let id = batch["id"].as_str().unwrap();
    let path = format!("/batches/{id}/segments/0/columns/{}", column.name);
    let (status, bytes) = world
        .send_for_bytes("en", "analyst", "GET", &path, Vec::new())
        .await;
    assert_eq!(status, 200);
    let data = ColumnData::decode(bytes, &column).unwrap();
    assert_eq!(data.rows(), CUSTOMERS);
    (0..CUSTOMERS).map(|row| data.value(row)).collect()
}

fn integer(value: Option<i64>) -> Option<Cell> {
    value.map(Cell::Integer)
}

/// Goal: with add-ons every row is the answer of `POST /simulations`; without, that of the same comparison without add-ons.
pub(crate) async fn a_batch_gives_the_answers_of_single_questions(world: World) {
    let version = world.import(CATALOGUE).await;
    world.activate("2026-11-22", &version).await;
    let rows = rows();
    let dataset = dataset(&world, &rows).await;
    let catalogue = wire::parse_catalogue(CATALOGUE.as_bytes())
        .unwrap()
        .catalogue
        .compile();
    let mut recommended = 0;
    for with_add_ons in [true, false] {
        let batch = begun(&world, &dataset, with_add_ons).await;
        assert!(computed(&world, &batch).await > 0);
        let mut columns = Vec::new();
        for place in 0..4 {
            columns.push(read(&world, &batch, place).await);
        }
        for (index, row) in rows.iter().enumerate() {
            let (usage, profile) = (usage_json(row), profile_json(row));
            let (plan, saving) = if with_add_ons {
                let question = json!({"usage": usage, "profile": profile, "limit": 1}).to_string();
                let got = world
                    .send("analyst", "POST", "/simulations", &question)
                    .await;
                assert_eq!(got.status, 200, "{got:?}");
                let best = got.json["ranking"].get(0).cloned().unwrap_or_default();
                // A plan that merely saves nothing stands at the end of the ranking; a batch recommends no such plan.
                let is_cheaper =
                    plan_of(row).is_none() || best["saving"]["total_fen"].as_i64() > Some(0);
                let plan = best["plan_id"]
                    .as_str()
                    .filter(|_| is_cheaper)
                    .map(str::to_owned);
                let saving = best["saving"].as_object().map(|saving| {
                    let months = i64::try_from(MONTHS).unwrap();
                    let revenue = best["operator"]["revenue_change_fen"].as_i64().unwrap();
                    (
                        saving["mean_fen"].as_i64().unwrap(),
                        saving["months_won"].as_i64().unwrap(),
                        rounded(revenue, months),
                    )
                });
                (plan, saving)
            } else {
                let mut document = json!({"schema": "chudian-usage/1", "months": usage["months"], "customer": profile});
                document["customer"]["id"] = "row".into();
                let customer = document["customer"].as_object_mut().unwrap();
                if let Some(plan) = customer.remove("plan_id") {
                    customer.insert("plan".to_owned(), plan);
                }
                let usage =
                    wire::parse_usage(document.to_string().as_bytes(), &catalogue.catalogue)
                        .unwrap();
                let request = SimulationRequest {
                    usage,
                    on: Date::parse("2026-11-22").unwrap(),
                    plans: None,
                    ranking: catalogue.catalogue.ranking.clone(),
                    what_if: WhatIf::NOTHING,
                    with_add_ons: false,
                    described: 0,
                };
                let ranking = simulate(&catalogue, &request).unwrap().ranking;
                let best = ranking
                    .into_iter()
                    .next()
                    .filter(|best| best.not_recommended.is_empty());
                let plan = best
                    .as_ref()
                    .map(|best| catalogue.catalogue.plans[best.result.plan].id.clone());
                let saving = best.and_then(|best| best.saving).map(|saving| {
                    (
                        saving.mean_fen,
                        i64::try_from(saving.months_won).unwrap(),
                        saving.revenue_change_mean_fen,
                    )
                });
                (plan, saving)
            };
            let saving = saving.filter(|_| plan.is_some());
            recommended += usize::from(saving.is_some());
            let context = format!("row {index}, with add-ons: {with_add_ons}");
            assert_eq!(columns[0][index], plan.map(Cell::Word), "{context}");
            assert_eq!(
                columns[1][index],
                integer(saving.map(|saving| saving.0)),
                "{context}"
            );
            assert_eq!(
                columns[2][index],
                integer(saving.map(|saving| saving.1)),
                "{context}"
            );
            assert_eq!(
                columns[3][index],
                integer(saving.map(|saving| saving.2)),
                "{context}"
            );
        }
    }
    assert!(
        (CUSTOMERS / 2..2 * CUSTOMERS).contains(&recommended),
        "{recommended}: the sample shows both outcomes"
    );
}

/// Half up, away from zero, as the comparison rounds means.
fn rounded(sum: i64, months: i64) -> i64 {
    let magnitude = (2 * sum.abs() + months) / (2 * months);
    magnitude * sum.signum()
}

/// Goal: each mistake of a mapping is told at its place in the body, and nothing is begun.
pub(crate) async fn a_batch_says_what_is_wrong_with_its_mapping(world: World) {
    let version = world.import(CATALOGUE).await;
    world.activate("2026-11-22", &version).await;
    let dataset = dataset(&world, &rows()).await;
    let table = [
        (
            "/usage/0/seconds",
            json!("calls_s_{n}"),
            "/mapping/usage/0/seconds",
            "unknown-column",
        ),
        (
            "/usage/0/seconds",
            json!("data_kb_m{n}"),
            "/mapping/usage/0/seconds",
            "wrong-kind",
        ),
        (
            "/usage/1/kb",
            json!("arpu"),
            "/mapping/usage/1/kb",
            "wrong-kind",
        ),
        (
            "/usage/2/category",
            json!("abroad"),
            "/mapping/usage/2/category",
            "unknown-reference",
        ),
        (
            "/months/1",
            json!("2026-11"),
            "/mapping/months/1",
            "months-not-consecutive",
        ),
        (
            "/profile/plan",
            json!("arpu"),
            "/mapping/profile/plan",
            "wrong-kind",
        ),
    ];
    for (place, value, pointer, code) in table {
        let mut mapping = mapping();
        *mapping.pointer_mut(place).unwrap() = value;
        let body = json!({"mapping": mapping, "dataset_version": dataset});
        let got = world
            .send("analyst", "POST", "/batches", &body.to_string())
            .await;
        assert_eq!(got.status, 422, "{got:?}");
        let error = &got.json["errors"][0];
        assert_eq!(
            (error["pointer"].as_str(), error["code"].as_str()),
            (Some(pointer), Some(code)),
            "{got:?}"
        );
    }
    assert_eq!(world.count("tariff_batch").await, 0);
    for (who, status) in [("analyst@zs01", 403), ("hall", 403), ("approver", 403)] {
        let body = json!({"mapping": mapping(), "dataset_version": dataset});
        let got = world.send(who, "POST", "/batches", &body.to_string()).await;
        assert_eq!(got.status, status, "{who}: {got:?}");
    }
}

/// Goal: what is done stays done, what is missing is said, and what is removed is gone.
pub(crate) async fn a_batch_goes_on_where_it_stopped(world: World) {
    let version = world.import(CATALOGUE).await;
    world.activate("2026-11-22", &version).await;
    let dataset = dataset(&world, &rows()).await;
    let batch = begun(&world, &dataset, true).await;
    let path = format!("/batches/{}", batch["id"].as_str().unwrap());
    let part = |first: &str| format!("{path}/segments/0/rows/{first}");

    let first = world.send("analyst", "PUT", &part("0"), "").await;
    let column = format!("{path}/segments/0/columns/tariff_saving");
    let got = world.send("analyst", "GET", &column, "").await;
    assert_eq!(
        (got.status.as_u16(), got.code()),
        (409, "batch-incomplete"),
        "{got:?}"
    );
    let again = world.send("analyst", "PUT", &part("0"), "").await;
    assert_eq!(first.json, again.json);
    for wrong in ["1", "1024", "00"] {
        let got = world.send("analyst", "PUT", &part(wrong), "").await;
        assert!(got.status == 404 || got.status == 400, "{wrong}: {got:?}");
    }
    world.send("analyst", "PUT", &part("512"), "").await;
    let got = world.send("analyst", "GET", &path, "").await;
    assert_eq!(
        got.json["parts"].as_array().map(Vec::len),
        Some(2),
        "{got:?}"
    );
    let values = world.count("native_key_value").await;
    let got = world.send("analyst", "DELETE", &path, "").await;
    assert_eq!(
        got.json,
        json!({"parts_removed": 2, "more": false}),
        "{got:?}"
    );
    assert_eq!(world.count("native_key_value").await, values - 8);
    let got = world.send("analyst", "GET", &path, "").await;
    assert_eq!(got.status, 404, "{got:?}");
}
